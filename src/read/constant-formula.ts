/** A value as it is stored in the XML: its type and its text. */
export interface Constant {
  readonly type: 'b' | 'str';
  readonly value: string;
}

const BOOLEAN = /^\s*=?\s*(TRUE|FALSE)\s*(?:\(\s*\))?\s*$/i;
const LINK = /^\s*=?\s*HYPERLINK\(\s*"((?:[^"]|"")*)"\s*(?:,\s*"((?:[^"]|"")*)"\s*)?\)\s*$/i;

/**
 * The value of a formula that some programs write for a plain value: `TRUE()` for a boolean, `HYPERLINK("https://…")` for
 * an address. Null for any other formula, also for a link that shows another text.
 */
export function readConstant(formula: string): Constant | null {
  const word = BOOLEAN.exec(formula)?.[1];
  if (word !== undefined) return { type: 'b', value: word.toUpperCase() === 'TRUE' ? '1' : '0' };
  const [, address, text = address] = LINK.exec(formula) ?? [];
  return address === undefined || text !== address ? null : { type: 'str', value: unquote(address) };
}

/** The address of `HYPERLINK("https://…", …)`; undefined for any other formula. */
export function findLink(formula: string): string | undefined {
  const address = /^\s*=?\s*HYPERLINK\(\s*"((?:[^"]|"")*)"/i.exec(formula)?.[1];
  return address === undefined ? undefined : unquote(address);
}

function unquote(text: string): string {
  return text.replaceAll('""', '"');
}
