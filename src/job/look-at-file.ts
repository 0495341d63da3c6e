import { type ColumnKind, resolveColumnKind, splitColumnName } from '../model/column-kind.js';
import type { JsonValue } from '../model/json.js';
import { isBlank, readValue } from '../model/row.js';
import { type InputOptions, openInput } from '../read/open-input.js';

/** What a first look at a file shows. */
export interface FileLook {
  readonly name: string;
  readonly columns: readonly ColumnLook[];
  /** The rows that were looked at: the first ones. */
  readonly rows: number;
}

export interface ColumnLook {
  readonly name: string;
  /** How many of the rows have nothing there. */
  readonly blanks: number;
  /** A type in short form that the column may be filled with. */
  readonly type: string;
  /** True where it tells whom or what a row is about. */
  readonly isTelling: boolean;
  /** True where it has holes that an agent may fill. */
  readonly isToFill: boolean;
}

const MAX_ROWS = 1_000;

/** Opens a file and looks at its header and its first rows. */
export async function lookAtFile(options: InputOptions): Promise<FileLook> {
  const input = await openInput(options);
  try {
    await input.readColumns();
    for await (const rows of input.openRows()) {
      const seen = rows.slice(0, MAX_ROWS);
      const columns = input.columns.map((name) =>
        lookAtColumn(
          name,
          seen.map((row) => readValue(row, name)),
        ),
      );
      return { name: input.name, columns, rows: seen.length };
    }
    return { name: input.name, columns: input.columns.map((name) => lookAtColumn(name, [])), rows: 0 };
  } finally {
    await input.close();
  }
}

function lookAtColumn(name: string, values: readonly (JsonValue | undefined)[]): ColumnLook {
  const filled = values.filter((value) => !isBlank(value));
  const blanks = values.length - filled.length;
  const kind = resolveColumnKind(name);
  const words = splitColumnName(name);
  const isOwn = words.some((word) => OWN_WORDS.has(word)) || OWN_PHRASES.test(words.join(' '));
  return {
    name,
    blanks,
    type: resolveType(name, filled),
    // The name alone takes a column of dates, such as last_contact, for one of people.
    isTelling:
      TELLING.includes(kind) && !filled.some((value) => /^\d+([-/.]\d+)*$/.test(String(value).trim())),
    isToFill: !isOwn && blanks > 0 && blanks >= values.length / 2,
  };
}

const TELLING: readonly ColumnKind[] = ['domain', 'company', 'person'];

/** Words for what only the owner of a list can know. */
const OWN_WORDS: ReadonlySet<string> = new Set(
  'note notes comment comments remark remarks owner status stage tag tags id ids contacted source updated created'.split(
    ' ',
  ),
);

const OWN_PHRASES = /last contact|next step|follow up/;

const WORDS: readonly (readonly [string, ReadonlySet<string>])[] = [
  ['boolean', new Set(['is', 'has', 'listed', 'public', 'active'])],
  ['integer', new Set(['founded', 'year', 'headcount', 'employees', 'count', 'age', 'staff'])],
  ['number', new Set(['revenue', 'price', 'amount', 'funding', 'turnover', 'profit', 'rating', 'score'])],
  ['date', new Set(['date', 'birthday'])],
];

const TYPES_OF_KINDS: Readonly<Record<string, string>> = {
  url: 'url',
  domain: 'url',
  email: 'email',
  phone: 'phone',
};

function resolveType(name: string, filled: readonly (JsonValue | undefined)[]): string {
  const ofKind = TYPES_OF_KINDS[resolveColumnKind(name)];
  if (ofKind !== undefined) return ofKind;
  const words = splitColumnName(name);
  const ofWords = WORDS.find(([, set]) => words.some((word) => set.has(word)));
  if (ofWords !== undefined) return ofWords[0];
  const texts = filled.map(String);
  if (texts.length === 0 || texts.some((text) => /^0\d/.test(text))) return 'string';
  if (texts.every((text) => /^-?\d{1,15}$/.test(text))) return 'integer';
  return texts.every((text) => /^-?\d{1,15}(\.\d+)?$/.test(text)) ? 'number' : 'string';
}
