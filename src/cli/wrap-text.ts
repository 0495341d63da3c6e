/**
 * Breaks lines between words so that they fit a terminal of `width` columns. Continued lines start below the text of
 * the first one: after its indentation and after columns that end with two or more spaces. A longer word, such as a
 * path, is not broken.
 */
export function wrapText(text: string, width: number): string {
  return text
    .split('\n')
    .map((line) => (measure(line) <= width ? line : wrapLine(line, width)))
    .join('\n');
}

function wrapLine(text: string, width: number): string {
  const head = HANGING.exec(text)?.[0] ?? '';
  const indent = ' '.repeat(measure(head) <= width / 2 ? measure(head) : 0);
  const lines: string[] = [];
  let line = head;
  let isEmpty = true;
  for (const word of text.slice(head.length).split(' ')) {
    if (!isEmpty && measure(line) + 1 + measure(word) > width) {
      lines.push(line);
      line = indent + word;
    } else {
      line += isEmpty ? word : ` ${word}`;
    }
    isEmpty = false;
  }
  return [...lines, line].join('\n');
}

const HANGING = /^ *(?:\S+ {2,})*/;

/** Counts terminal columns. Close enough for wrapping, and needs no package at every start. */
function measure(text: string): number {
  const bare = text.replace(STYLE, '');
  return bare.length + (bare.match(WIDE)?.length ?? 0);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: it matches our own color codes
const STYLE = /\u001b\[\d+m/g;
/** East Asian characters that take two columns. */
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]/g;
