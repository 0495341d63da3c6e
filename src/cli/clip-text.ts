import { measureWidth } from './text-width.js';

/** Shortens text to at most `columns` terminal columns, marking the cut with `…`. Wide characters take two columns. */
export function clipText(text: string, columns: number): string {
  if (measureWidth(text) <= columns) return text;
  let clipped = '';
  let width = 1;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    width += measureWidth(segment);
    if (width > columns) break;
    clipped += segment;
  }
  return `${clipped}…`;
}
