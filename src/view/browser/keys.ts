import { IS_MAC } from './grid/text-key.js';

/**
 * What each key does together with Alt, because a letter alone types into a cell. Not F, E and D, which are menus and
 * the address of Chromium, nor G, which belongs to its assistant; Firefox leaves all of them to the page.
 */
export const ACTIONS = {
  N: 'next cell to review',
  P: 'previous cell to review',
  A: 'accept the cell, and on to the next',
  R: 'ask the cells or rows again; shows the price first',
  L: 'show rows like this cell',
  O: 'open the first source',
  J: 'jump to a row',
  S: 'search',
  '.': 'next field in the panel',
  ',': 'previous field in the panel',
  K: 'this list',
} as const;

export type ActionKey = keyof typeof ACTIONS;

const SIGNS: Readonly<Record<string, string>> = { Comma: ',', Period: '.' };

export function nameKey(key: ActionKey): string {
  return `${IS_MAC ? '⌥' : 'Alt'} + ${key}`;
}

/** The letter of a key. By its place on the keyboard if it types none: ⌥ makes other signs, and not all layouts are Latin. */
export function readLetter({ key, code }: KeyboardEvent): string {
  return /^[a-z,.]$/i.test(key) ? key.toUpperCase() : (SIGNS[code] ?? code.replace(/^Key/, ''));
}

/** What an Alt key does; null for any other key. */
export function readAction(event: KeyboardEvent): ActionKey | null {
  const isAlt = event.altKey && !event.ctrlKey && !event.metaKey && !event.shiftKey;
  if (!isAlt || event.getModifierState('AltGraph')) return null;
  const letter = readLetter(event);
  return Object.hasOwn(ACTIONS, letter) ? (letter as ActionKey) : null;
}
