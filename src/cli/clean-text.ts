import { stripVTControlCharacters } from 'node:util';

/** Makes text safe to show: what came out of a file, an agent or an error must not steer the terminal. */
export function cleanText(text: string): string {
  return stripVTControlCharacters(text.replace(STRING_SEQUENCE, '')).replace(UNSAFE, '\ufffd');
}

// Window titles, clipboard writes and the like: they run up to their terminator, or to the end of the line.
const STRING_SEQUENCE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what it looks for
  /(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c\n]*(?:\u0007|\u001b\\|\u009c)?/g;

// What is left of control characters but tab and line feed, and the marks that turn the direction of text around.
const UNSAFE = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\ufeff]/gu;
