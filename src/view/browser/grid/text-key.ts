export const IS_MAC = /\bMac/.test(navigator.userAgent);

/** True for a key that types a character or begins one: a dead key, or a key of an input method. Not for Space. */
export function isTextKey(event: KeyboardEvent): boolean {
  const { key, code, ctrlKey, metaKey, altKey } = event;
  if (code === 'Space' || key === ' ') return false;
  if ([...key].length !== 1 && key !== 'Dead' && key !== 'Process') return false;
  // AltGr types, although Windows reports it as Ctrl + Alt. So does ⌥ on macOS.
  if (event.getModifierState('AltGraph')) return true;
  return !ctrlKey && !metaKey && (!altKey || IS_MAC);
}

/** A pasted text as the value of one cell; null for a table. Spreadsheets end a cell with a line break and quote some. */
export function readPasted(pasted: string): string | null {
  const text = pasted.replace(/\r\n?/g, '\n').replace(/\n$/, '');
  const inner = /^"((?:[^"]|"")*)"$/.exec(text)?.[1];
  if (inner !== undefined && /[\t\n]|""/.test(inner)) return inner.replaceAll('""', '"');
  return /[\t\n]/.test(text) ? null : text;
}
