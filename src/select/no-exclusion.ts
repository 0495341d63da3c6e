import type { Exclusion } from './exclusion.js';

/** Where there is no list of records to exclude. What compares with such a list is large, and loaded only with one. */
export const NO_EXCLUSION: Exclusion = {
  findMatch: () => null,
  answerFields: [],
  findExcludedAnswer: () => null,
  relevantTo: () => [],
  countUnmatched: () => ({ count: 0, lines: [] }),
  countBlank: () => ({ count: 0, lines: [] }),
};
