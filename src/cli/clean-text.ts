/** Makes text safe to show: what came out of a file, an agent or an error must not steer the terminal. */
export function cleanText(text: string): string {
  return text.replace(SEQUENCE, '').replace(UNSAFE, '\ufffd');
}

// By ECMA-48: strings such as window titles and clipboard writes, up to their terminator or the end of the line;
// control sequences such as colours and cursor moves; and the short escapes.
const SEQUENCE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what it looks for
  /(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u009c\n]*(?:\u0007|\u001b\\|\u009c)?|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[ -/]*[0-~]/g;

// What is left of control characters but tab and line feed, and the marks that turn the direction of text around.
const UNSAFE = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\ufeff]/gu;
