import stringWidth from 'string-width';

/** A text in at most so many columns of a terminal, where a wide character takes two; what is cut off shows as `…`. */
export function clipText(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  let clipped = '';
  let width = 1;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    width += stringWidth(segment);
    if (width > columns) break;
    clipped += segment;
  }
  return `${clipped}…`;
}
