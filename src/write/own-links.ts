import type { FilledRow } from '../model/answer.js';
import { isJsonObject } from '../model/json.js';
import { findFieldNames, isOwnColumn } from '../model/output-columns.js';
import type { CellLayout } from './cells.js';
import { toLink } from './sheet-links.js';

/** Columns of cells, counted from 0, by line. */
export type CellsByLine = ReadonlyMap<number, ReadonlySet<number>>;

/** A cell whose link is not what its text says. */
export interface WrongLink {
  readonly at: number;
  /** What it must be linked to; null for nothing. */
  readonly text: string | null;
}

/**
 * The links that rowfill wrote in a filled file that was given back. Programs that delete or sort rows without moving the
 * links leave them on other rows, so each cell of rowfill is linked as its text says. Links of the user stay.
 */
export class OwnLinks {
  readonly #beside: readonly { readonly at: number; readonly isList: boolean }[];
  readonly #values: readonly { readonly at: number; readonly name: string; readonly isUrl: boolean }[];

  constructor({ fields, titles, inputWidth }: CellLayout, columns: readonly string[]) {
    const names = findFieldNames(columns);
    const values = fields.flatMap(({ name, values: places }) =>
      places.map(({ at, schema }) => ({ at, name, isUrl: isJsonObject(schema) && schema.format === 'uri' })),
    );
    this.#values = values.filter(({ at }) => at < inputWidth);
    // Also those of fields that are not asked now.
    this.#beside = titles.slice(0, inputWidth).flatMap((title, at) => {
      const isValue = names.some((name) => title === name || title.startsWith(`${name}.`));
      const isBeside = isOwnColumn(title, names) && !isValue && values.every((value) => value.at !== at);
      return isBeside ? [{ at, isList: title.endsWith('_citations') }] : [];
    });
  }

  /** Columns of the input whose links are checked. */
  get columns(): ReadonlySet<number> {
    return new Set([...this.#values, ...this.#beside].map(({ at }) => at));
  }

  /** Lists the cells of a row whose link is wrong. `linked` are its columns with a link. */
  listWrong(
    { row, outcome }: FilledRow,
    texts: readonly string[],
    linked: ReadonlySet<number> | undefined,
  ): readonly WrongLink[] {
    if (row.kind !== 'cells') return [];
    const wrong: WrongLink[] = [];
    const check = (at: number, text: string): void => {
      const link = toLink(text);
      const given = row.stored?.[at]?.link;
      const isRight =
        link === null ? linked?.has(at) !== true : given !== undefined && toLink(given) === link;
      if (!isRight) wrong.push({ at, text: link === null ? null : text });
    };
    for (const { at, isList } of this.#beside) {
      const text = texts[at] ?? '';
      check(at, isList || isOneWord(text) ? text : '');
    }
    for (const { at, name, isUrl } of this.#values) {
      const text = texts[at] ?? '';
      // rowfill links addresses only: another text was linked by a person, unless the column is for addresses.
      if (text !== '' && (!isOneWord(text) || (!isUrl && toLink(text) === null))) continue;
      const kept = outcome.kept?.get(name) ?? 'own';
      const isOurs = outcome.returned?.includes(name) === true || kept !== 'own' || text === '';
      if (isOurs && row.formulas?.includes(at) !== true) check(at, text);
    }
    return wrong;
  }
}

function isOneWord(text: string): boolean {
  return /^\S+$/.test(text);
}
