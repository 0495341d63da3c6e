/** What a reader cannot see, or cannot tell from a plain space. */
const INVISIBLE = /(?! )[\p{Cc}\p{Cf}\p{DI}\p{Zs}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}\u2800]/u;
const EACH_INVISIBLE = new RegExp(INVISIBLE.source, 'gu');

/** A name for a message: as it is, or in quotes with escapes (`"\u200b"`) if it holds characters that nobody can see. */
export function showName(name: string): string {
  // Joiners between visible characters are part of emoji and of many scripts.
  const bare = name.replace(/(?<=[^\s\p{C}])(?:(?:\u200c|\u200d)(?=[^\s\p{C}])|\ufe0f)/gu, '');
  if (name.trim() !== '' && !INVISIBLE.test(bare)) return name;
  return JSON.stringify(name).replace(EACH_INVISIBLE, (character) =>
    [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
