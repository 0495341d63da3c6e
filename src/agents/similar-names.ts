import Fuse from 'fuse.js';

const MIN_CHARACTERS = 6;
const MAX_CHARACTERS = 200;
const MAX_CACHED = 10_000;

/**
 * Finds the names that differ from a given one by one slip of the pen: a letter more, less or other, or two neighbours swapped.
 * Numbers and words of one or two letters must be the same: "Fund II" is not "Fund III". All names handed in are folded already.
 */
export function createSimilarNames(names: readonly string[]): (name: string) => readonly string[] {
  const halves = new Map<string, string[]>();
  for (const name of names) {
    if (name.length < MIN_CHARACTERS || name.length > MAX_CHARACTERS) continue;
    for (const half of listHalves(name, name.length)) {
      const others = halves.get(half);
      if (others === undefined) halves.set(half, [name]);
      else others.push(name);
    }
  }
  const cache = new Map<string, readonly string[]>();
  return (name) => {
    const known = cache.get(name) ?? findSimilar(halves, name);
    if (cache.size >= MAX_CACHED) cache.clear();
    cache.set(name, known);
    return known;
  };
}

/** One slip leaves one half of a name whole, so only names that share a half need a look; `length` is that of the name looked for. */
function listHalves(name: string, length: number): readonly string[] {
  const half = Math.floor((length - 1) / 2);
  return [`${length}^${name.slice(0, half)}`, `${length}$${name.slice(-half)}`];
}

function findSimilar(halves: ReadonlyMap<string, readonly string[]>, name: string): readonly string[] {
  if (name.length < MIN_CHARACTERS || name.length > MAX_CHARACTERS) return [];
  const lengths = [name.length - 1, name.length, name.length + 1];
  const near = new Set(
    lengths.flatMap((length) => listHalves(name, length).flatMap((half) => halves.get(half) ?? [])),
  );
  const fixed = listFixedWords(name);
  return [...near].filter(
    (other) => other !== name && listFixedWords(other) === fixed && isOneSlip(name, other),
  );
}

function listFixedWords(name: string): string {
  const words = name.split(' ').filter((word) => word.length <= 2 || /\p{N}/u.test(word));
  return words.sort().join(' ');
}

// The matcher looks for a text inside another, so it is asked both ways round; its score is the share of letters that are wrong.
function isOneSlip(name: string, other: string): boolean {
  if (isSwap(name, other)) return true;
  const there = Fuse.match(name, other, MATCHING);
  const back = Fuse.match(other, name, MATCHING);
  return (
    there.isMatch && back.isMatch && Math.max(there.score * name.length, back.score * other.length) < 1.5
  );
}

const MATCHING = { ignoreLocation: true, ignoreFieldNorm: true, threshold: 0.25 };

function isSwap(name: string, other: string): boolean {
  if (name.length !== other.length) return false;
  let at = 0;
  while (at < name.length && name[at] === other[at]) at += 1;
  return `${name.slice(0, at)}${name[at + 1]}${name[at]}${name.slice(at + 2)}` === other;
}
