import { expect, test } from 'vitest';
import { ENGLISH } from './corpus/english.js';
import { EUROPEAN } from './corpus/european.js';
import { judgeCorpus, listFaults, measure } from './corpus/measure.js';
import { OTHER } from './corpus/other.js';

const CORPUS = [...ENGLISH, ...EUROPEAN, ...OTHER];

test('values of a labelled corpus get the verdict that a person would give', () => {
  const results = judgeCorpus(CORPUS);
  if (process.env.SHOW_FAULTS !== undefined)
    process.stdout.write(`${listFaults(results).join('\n')}\n${JSON.stringify(measure(results))}\n`);
  const figures = measure(results);
  expect(figures.pairs).toBeGreaterThan(200);
  expect(figures.onPage).toBeGreaterThanOrEqual(97);
  expect(figures.wronglyMissing).toBeLessThanOrEqual(2);
  expect(figures.strong).toBeGreaterThanOrEqual(85);
  expect(figures.strongTraps).toBeLessThanOrEqual(12);
});
