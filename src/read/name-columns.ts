/** Tells the titles of a header apart: white space around them is dropped, an empty one becomes `column_3`, a second `name` becomes `name_2`. */
export function nameColumns(titles: readonly string[]): string[] {
  const trimmed = titles.map((title) => title.trim());
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
