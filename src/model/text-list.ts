// A part in double quotes, in which two stand for one; or all up to a comma, where those in brackets are the part's own.
const PART = /\s*(?:"((?:[^"]|"")*)"\s*|((?:\([^()]*\)|[^,])*))(?:,|$)/g;

/** The parts of a list as people type one: `a, "b, c", enum(d, e)` has three. Blank parts are left out. */
export function splitList(text: string): string[] {
  const parts = [...text.matchAll(PART)].map(
    ([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain.trim(),
  );
  return parts.filter((part) => part !== '');
}

/** True for a list with a part that names nothing: `a,,b`, `,a`, `a,` or a blank text. */
export function hasBlankPart(text: string): boolean {
  // What ends without a comma matches once more at its end.
  const parts = [...`${text},`.matchAll(PART)].slice(0, -1);
  return parts.some(([, quoted, plain = '']) => (quoted ?? plain.trim()) === '');
}

/** The list that `splitList` takes apart into these parts. */
export function formatList(parts: readonly string[]): string {
  return parts.map(formatPart).join(', ');
}

/** One part, in quotes where it would be taken apart without, or begins a quote or a bracket that would end behind it. */
export function formatPart(part: string): string {
  const [first, ...rest] = splitList(part);
  const isOpen = part.startsWith('"') || part.replace(/\([^()]*\)/g, '').includes('(');
  return first === part && rest.length === 0 && !isOpen ? part : `"${part.replaceAll('"', '""')}"`;
}
