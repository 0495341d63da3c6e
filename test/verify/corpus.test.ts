import { expect, test } from 'vitest';
import { BLIND } from './corpus/blind.js';
import { BLIND_LATE } from './corpus/blind-late.js';
import { BLIND_MIXED } from './corpus/blind-mixed.js';
import { BLIND_WIDE } from './corpus/blind-wide.js';
import { ENGLISH } from './corpus/english.js';
import { EUROPEAN } from './corpus/european.js';
import { FRESH_FIVE } from './corpus/fresh-five.js';
import { FRESH_FOUR } from './corpus/fresh-four.js';
import { FRESH_ONE } from './corpus/fresh-one.js';
import { FRESH_SEVEN } from './corpus/fresh-seven.js';
import { FRESH_SIX } from './corpus/fresh-six.js';
import { FRESH_THREE } from './corpus/fresh-three.js';
import { FRESH_TWO } from './corpus/fresh-two.js';
import { judgeCorpus, listFaults, measure } from './corpus/measure.js';
import { OTHER } from './corpus/other.js';
import { SITES } from './corpus/sites.js';

const results = judgeCorpus([
  ...ENGLISH,
  ...EUROPEAN,
  ...OTHER,
  ...BLIND,
  ...BLIND_LATE,
  ...BLIND_WIDE,
  ...BLIND_MIXED,
  ...FRESH_ONE,
  ...FRESH_TWO,
  ...FRESH_THREE,
  ...FRESH_FOUR,
  ...FRESH_FIVE,
  ...SITES,
  ...FRESH_SIX,
]);

test('values of a labelled corpus get the verdict that a person would give', () => {
  const figures = measure(results);
  const faults = listFaults(results).join('\n');
  expect(figures.pairs).toBeGreaterThan(3_000);
  expect(figures.traps / (figures.traps + figures.supported)).toBeGreaterThan(0.4);
  expect(figures.onPage, faults).toBeGreaterThanOrEqual(99);
  expect(figures.wronglyMissing, faults).toBeLessThanOrEqual(2);
  expect(figures.strong, faults).toBeGreaterThanOrEqual(92);
  expect(figures.strongTraps, faults).toBeLessThanOrEqual(2);
});

test('pages that the rules were not made from get no worse verdicts than they got when they were new', () => {
  const unseen = judgeCorpus(FRESH_SEVEN);
  const figures = measure(unseen);
  const faults = listFaults(unseen).join('\n');
  expect(figures.onPage, faults).toBeGreaterThanOrEqual(95.7);
  expect(figures.strong, faults).toBeGreaterThanOrEqual(56.8);
  expect(figures.strongTraps, faults).toBeLessThanOrEqual(16.9);
  expect(figures.wronglyMissing, faults).toBe(0);
  expect(figures.foundAbsent, faults).toBe(0);
});

test('a value that is nowhere on the page is never called on the page', () => {
  expect(results.filter(({ label, verdict }) => label === 'no' && verdict.verdict === 'on_page')).toEqual([]);
});

test('pages that are gone, blocked or unreadable are recognised, and never count against a value', () => {
  expect(results.filter(({ page, kind }) => (page.kind ?? 'readable') !== kind)).toEqual([]);
  const walls = results.filter(({ kind }) => kind !== 'readable' && kind !== 'paywalled');
  expect(walls.length).toBeGreaterThan(5);
  expect(walls.map(({ kind, verdict }) => [kind, verdict.verdict]).filter(([a, b]) => a !== b)).toEqual([]);
});
