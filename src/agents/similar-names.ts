import Fuse from 'fuse.js';

const MIN_CHARACTERS = 6;
const LONG_CHARACTERS = 16;
const MAX_CACHED = 10_000;

/**
 * Finds the names that differ from a given one by a slip of the pen: one letter more, less or other, or two swapped; in names
 * of 16 letters and more, two such slips. Numbers and words of one or two letters must be the same: "Fund II" is not "Fund III".
 * All names handed in are folded already.
 */
export function createSimilarNames(names: readonly string[]): (name: string) => readonly string[] {
  const blocks = new Map<string, string[]>();
  for (const name of names) {
    if (name.length < MIN_CHARACTERS) continue;
    for (const end of listEnds(name)) {
      const block = blocks.get(end);
      if (block === undefined) blocks.set(end, [name]);
      else block.push(name);
    }
  }
  const cache = new Map<string, readonly string[]>();
  return (name) => {
    const known = cache.get(name) ?? findSimilar(blocks, name);
    if (cache.size >= MAX_CACHED) cache.clear();
    cache.set(name, known);
    return known;
  };
}

/** A slip near one end of a name leaves the other end whole, so only names that share an end need a look. */
function listEnds(name: string): readonly string[] {
  return [`^${name.slice(0, 3)}`, `${name.slice(-3)}$`];
}

function findSimilar(blocks: ReadonlyMap<string, readonly string[]>, name: string): readonly string[] {
  if (name.length < MIN_CHARACTERS) return [];
  const near = new Set(listEnds(name).flatMap((end) => blocks.get(end) ?? []));
  const fixed = listFixedWords(name);
  const slips = [...near]
    .filter((other) => Math.abs(other.length - name.length) <= 2 && other !== name)
    .filter((other) => listFixedWords(other) === fixed)
    .map((other) => ({ name: other, slips: countSlips(name, other) }));
  const allowed = name.length >= LONG_CHARACTERS ? 2 : 1;
  const least = Math.min(...slips.map((found) => found.slips));
  return least > allowed ? [] : slips.filter((found) => found.slips === least).map((found) => found.name);
}

function listFixedWords(name: string): string {
  return name
    .split(' ')
    .filter((word) => word.length <= 2 || /\p{N}/u.test(word))
    .sort()
    .join(' ');
}

// The matcher looks for a text inside another, so it is asked both ways round; its score is the share of letters that are wrong.
function countSlips(name: string, other: string): number {
  if (isSwap(name, other)) return 1;
  const options = { ignoreLocation: true, ignoreFieldNorm: true, threshold: 0.35 };
  const there = Fuse.match(name, other, options);
  const back = Fuse.match(other, name, options);
  if (!there.isMatch || !back.isMatch) return Number.POSITIVE_INFINITY;
  return Math.max(Math.round(there.score * name.length), Math.round(back.score * other.length), 1);
}

function isSwap(name: string, other: string): boolean {
  if (name.length !== other.length) return false;
  const at = [...name].findIndex((letter, index) => letter !== other[index]);
  return at >= 0 && name.slice(0, at) + name[at + 1] + name[at] + name.slice(at + 2) === other;
}
