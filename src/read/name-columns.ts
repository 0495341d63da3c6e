/** Tells the titles of a header apart, as names that can be typed: an empty one becomes `column_3`, a second `name` becomes `name_2`. */
export function nameColumns(titles: readonly string[]): string[] {
  const trimmed = titles.map((title) => title.replace(INVISIBLE, '').replace(CONTROLS, ' ').trim());
  const taken = new Set(trimmed);
  const used = new Set<string>();
  return trimmed.map((title, index) => {
    const name = title === '' ? `column_${index + 1}` : title;
    let unique = name;
    for (let number = 2; used.has(unique) || (unique !== title && taken.has(unique)); number += 1) {
      unique = `${name}_${number}`;
    }
    used.add(unique);
    return unique;
  });
}

const INVISIBLE = /[\u00ad\u200b\u2060\ufeff]/g;
const CONTROLS = /\p{Cc}+/gu;
