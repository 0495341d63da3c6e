import type { PageText } from '../pages/page-text.js';
import type { Hit } from './page-index.js';

const MAX_PASSAGE = 300;

/** The text around a value, at most 300 characters, cut at word boundaries. */
export function quotePassage({ segment, start, end, link }: Hit): string {
  const { text } = segment;
  if (link !== undefined && text.length > MAX_PASSAGE) return link.text.slice(0, MAX_PASSAGE);
  if (text.length <= MAX_PASSAGE) return text.replace(/\s+/g, ' ');
  const length = Math.min(end - start, MAX_PASSAGE - 40);
  const room = MAX_PASSAGE - length - 4;
  let from = Math.max(0, start - Math.floor(room / 2));
  const to = Math.min(text.length, from + MAX_PASSAGE - 4);
  from = Math.max(0, Math.min(from, to - (MAX_PASSAGE - 4)));
  const first = from === 0 ? 0 : Math.min(start, from + Math.max(0, text.slice(from, start).search(/\s/)));
  const cut = text.slice(first, to);
  const whole =
    to === text.length ? cut : cut.slice(0, Math.max(cut.lastIndexOf(' '), start + length - first));
  return `${first === 0 ? '' : '… '}${whole.trim()}${to === text.length ? '' : ' …'}`.replace(/\s+/g, ' ');
}

/**
 * Address of a passage: `#page=3` in a PDF, else a text fragment with the shortest run of words that is unique on the
 * page (https://wicg.github.io/scroll-to-text-fragment/). Null if there is none: a value in data or in an attribute.
 */
export function createPassageUrl(page: PageText, { segment, start, end, link }: Hit): string | null {
  const base = page.url.replace(/#.*$/s, '');
  if (segment.block === null || link !== undefined) return null;
  if (segment.block.page !== null) return `${base}#page=${segment.block.page}`;
  const run = findUniqueRun(page, segment.text, start, end);
  return run === null ? null : `${base}#:~:text=${encodeFragment(run)}`;
}

/** The value with as many words before and after it as make it unique. Stays inside one line of one block. */
function findUniqueRun(page: PageText, text: string, start: number, end: number): string | null {
  const lineStart = Math.max(text.lastIndexOf('\n', start - 1) + 1, start - MAX_PASSAGE);
  const behind = text.indexOf('\n', start);
  const lineEnd = Math.min(behind === -1 ? text.length : behind, end + MAX_PASSAGE);
  const line = text.slice(lineStart, lineEnd);
  const words = [...line.matchAll(/\S+/g)].map((match) => ({
    start: lineStart + match.index,
    end: lineStart + match.index + match[0].length,
  }));
  let first = words.findIndex((word) => word.end > start);
  let last = words.findLastIndex((word) => word.start < Math.min(end, lineEnd));
  if (first === -1 || last < first) return null;
  const visible = page.blocks.map((block) => block.text.toLowerCase());
  for (let step = 0; step < 24; step += 1) {
    const run = text.slice(words[first]?.start, words[last]?.end).replace(/\s+/g, ' ');
    if (run.length >= 3 && countUpTo(visible, run.toLowerCase(), 2) === 1)
      return run.length > 300 ? null : run;
    const canBefore = first > 0;
    const canBehind = last < words.length - 1;
    if (!canBefore && !canBehind) return null;
    if (canBehind && (step % 2 === 1 || !canBefore)) last += 1;
    else first -= 1;
  }
  return null;
}

function countUpTo(texts: readonly string[], run: string, most: number): number {
  let count = 0;
  for (const text of texts) {
    for (let at = text.indexOf(run); at !== -1 && count < most; at = text.indexOf(run, at + 1)) count += 1;
    if (count >= most) break;
  }
  return count;
}

/** A dash and a comma have a meaning in a text fragment. */
function encodeFragment(text: string): string {
  return encodeURIComponent(text)
    .replace(/-/g, '%2D')
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
