/** A value in a statement. `Sql` is put in as it is. */
type SqlValue = string | number | boolean | null | Uint8Array | Sql;

/** A piece of a statement whose values are already literals. */
export class Sql {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Row keys as stored: 32 hex digits. */
const KEY = /^[0-9a-f]{32}$/;

/**
 * Creates a statement with its values as literals, so that many statements can go to the server as one message. That
 * needs no prepared statement, which a pooler would not keep.
 */
export function sql(parts: TemplateStringsArray, ...values: readonly SqlValue[]): Sql {
  let text = parts[0] ?? '';
  for (const [index, value] of values.entries()) text += toLiteral(value) + (parts[index + 1] ?? '');
  return new Sql(text);
}

/** Row keys as an array. Leaves out what is not a row key. */
export function keyArray(keys: readonly string[]): Sql {
  return new Sql(`'${keyText(keys)}'::uuid[]`);
}

/** The same as text, for a function that may not need it. */
export function keyText(keys: readonly string[]): string {
  return `{${keys.filter((key) => KEY.test(key)).join(',')}}`;
}

export function numberArray(numbers: readonly number[]): Sql {
  return new Sql(`'{${numbers.map(toLiteral).join(',')}}'::bigint[]`);
}

export function textArray(texts: readonly string[]): Sql {
  return new Sql(`array[${texts.map(toLiteral).join(',')}]::text[]`);
}

/** A name, such as that of a schema. */
export function toIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function toLiteral(value: SqlValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return quoteText(value);
  if (value instanceof Sql) return value.text;
  if (value instanceof Uint8Array) return `'\\x${Buffer.from(value).toString('hex')}'::bytea`;
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError(`${value} in a statement`);
  return String(value);
}

/** Both forms mean the same whatever the server's setting for backslashes. Its text cannot hold U+0000. */
function quoteText(value: string): string {
  const text = value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value;
  const quoted = text.includes("'") ? text.replaceAll("'", "''") : text;
  return quoted.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}
