import type { InputNote } from './notebook.js';

/** What a person should know about a header: names that had to be made up, and values that look like data. */
export function describeHeader(
  titles: readonly string[],
  columns: readonly string[],
  place = 'first line',
): InputNote[] {
  const notes: InputNote[] = [];
  const renamed = titles.flatMap((title, index) => {
    const column = columns[index] ?? '';
    return title.trim() === column ? [] : [`${quoteText(title)} is called ${quoteText(column)}`];
  });
  if (renamed.length > 0) {
    const more = renamed.length > 5 ? `, and ${renamed.length - 5} more` : '';
    const fact = `Columns without a name of their own: ${renamed.slice(0, 5).join(', ')}${more}.`;
    notes.push({ code: 'COLUMNS_NAMED', message: `${fact} The output keeps the header as it is.`, fact });
  }
  const value = titles.find((title) => LOOKS_LIKE_DATA.test(title.trim()));
  if (value !== undefined) {
    const fact = `The ${place} is taken for the header, though ${quoteText(value)} looks like data`;
    notes.push({
      code: 'HEADER_LOOKS_LIKE_DATA',
      message: `${fact}; say --no-header if it is.`,
      fact: `${fact}.`,
    });
  }
  return notes;
}

// A web address, an e-mail address, or a number that is no year.
const LOOKS_LIKE_DATA = /^(?:https?:\/\/\S+|www\.\S+|\S+@\S+\.\S+|-?\d+[.,]\d+|\d{5,})$/i;

/** Text of a file as it may be shown on a terminal. */
export function quoteText(text: string): string {
  return JSON.stringify(text.slice(0, 100)).replace(
    /[\p{Cc}\p{Cf}]/gu,
    (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`,
  );
}
