/** What a cell of a workbook holds, in characters. */
export const MAX_CELL_LENGTH = 32_767;

/**
 * A text as it stands in the XML of a workbook. A cell of text is never run, so no sign in it has to be defused. What XML
 * cannot hold is written as `_x0001_`, and so is the start of a text that only looks like that.
 */
export function escapeText(text: string): string {
  if (!SPECIAL.test(text)) return text;
  return text
    .replace(/_(?=x[\da-f]{4}_)/gi, '_x005F_')
    .replace(UNFIT, (char) => `_x${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

// Half of a surrogate pair is no character of its own: matched by the mode that sees pairs as one.
const UNFIT = /[^\t\n\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu;
const SPECIAL = /[&<>"]|_x[\da-f]{4}_|[^\t\n\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/iu;

/** The beginning of a text that a cell cannot hold whole; no character is cut in two. */
export function clipText(text: string): string {
  if (text.length <= MAX_CELL_LENGTH) return text;
  const end = MAX_CELL_LENGTH - 1;
  const last = text.charCodeAt(end - 1);
  return `${text.slice(0, last >= 0xd800 && last <= 0xdbff ? end - 1 : end)}…`;
}
