import type { JsonValue } from '../../../src/model/json.js';

/**
 * What a person says of a value: the page supports it (`yes`), the page does not have it (`no`), or its characters are
 * there but mean something else (`trap`).
 */
export type Label = 'yes' | 'no' | 'trap';

/** A field as on the command line, its value, and what a person says of it. `row` replaces that of the page. */
export type Pair = readonly [
  field: string,
  value: JsonValue,
  label: Label,
  row?: Readonly<Record<string, string>>,
];

/** A page with the values that are said to be on it. All names are invented. */
export interface CorpusPage {
  readonly url: string;
  readonly html: string;
  readonly row: Readonly<Record<string, string>>;
  readonly pairs: readonly Pair[];
  /** @default 'utf-8' */
  readonly encoding?: string;
  /** @default 'text/html' */
  readonly contentType?: string;
  /** @default 'readable' */
  readonly kind?: string;
  /** Texts of the pages of a PDF, instead of `html`. */
  readonly pdf?: readonly string[];
}
