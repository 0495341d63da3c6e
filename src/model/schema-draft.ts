import { RowfillError } from '../errors.js';
import type { JsonObject } from './json.js';

/** The three drafts of JSON Schema that the Agent Runs API takes. */
export type SchemaDraft = 'draft-07' | '2019-09' | '2020-12';

/** The draft of a schema that names none. */
export const DEFAULT_DRAFT: SchemaDraft = '2020-12';

/** What each draft is called in `$schema`. */
export const DRAFT_URIS: Readonly<Record<SchemaDraft, string>> = {
  'draft-07': 'http://json-schema.org/draft-07/schema#',
  '2019-09': 'https://json-schema.org/draft/2019-09/schema',
  '2020-12': 'https://json-schema.org/draft/2020-12/schema',
};

/** A schema that is none, or that cannot be used here; `path` is the JSON pointer of the fault. */
export class SchemaError extends RowfillError {
  override readonly name: string = 'SchemaError';
  readonly path: string;

  constructor(path: string, what: string, hint = 'Correct the schema at this place.', cause?: unknown) {
    const message = `The schema is not valid at ${path === '' ? '/' : path}: ${what}`;
    super('usage', 'INVALID_OUTPUT_SCHEMA', message, { hint, cause });
    this.path = path;
  }
}

/** The draft that a schema's `$schema` asks for: 2020-12 where it says nothing. */
export function readDraft(schema: JsonObject): SchemaDraft {
  const uri = schema.$schema;
  if (uri === undefined) return DEFAULT_DRAFT;
  const known = DRAFTS_BY_URI.get(typeof uri === 'string' ? stripUri(uri) : '');
  if (known !== undefined) return known;
  throw new SchemaError(
    '/$schema',
    `${JSON.stringify(uri)} is not a draft that the agent takes`,
    `Use one of ${Object.values(DRAFT_URIS).join(', ')}.`,
  );
}

/** The parts of a `$schema` that may differ without meaning anything: the scheme and an empty fragment. */
function stripUri(uri: string): string {
  return uri.replace(/^https?:\/\//i, '').replace(/#$/, '');
}

const DRAFTS_BY_URI = new Map(
  (['draft-07', '2019-09', '2020-12'] as const).map((draft) => [stripUri(DRAFT_URIS[draft]), draft]),
);
