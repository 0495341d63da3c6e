import { expect, test } from 'vitest';
import type { FieldAnswer } from '../../src/model/answer.js';
import { type Ask, createAsk, listNextSteps } from '../../src/model/ask.js';

function ask(efforts: readonly string[], escalateBelow: Ask['escalateBelow'] = null): Ask {
  return createAsk({ query: 'q', system: null, schema: {}, fields: [], send: [], efforts, escalateBelow });
}

function answer(parts: Partial<FieldAnswer>): FieldAnswer {
  const effort = parts.effort ?? 'low';
  return {
    value: 'v',
    confidence: 'high',
    citations: [],
    issue: null,
    runId: 'run',
    effort,
    triedEffort: effort,
    ...parts,
  };
}

test('a row that was never asked starts at the bottom of the ladder with all its fields', () => {
  expect(listNextSteps(ask(['low', 'high']), ['a', 'b'], undefined)).toEqual([
    { fields: ['a', 'b'], level: 0 },
  ]);
});

test('only fields that were not found climb, and none climbs past the last step', () => {
  const ladder = ask(['low', 'medium', 'high']);
  const answers = new Map([
    ['a', answer({})],
    ['b', answer({ value: null })],
    ['c', answer({ value: null, triedEffort: 'high' })],
  ]);
  expect(listNextSteps(ladder, ['a', 'b', 'c'], answers)).toEqual([{ fields: ['b'], level: 1 }]);
  expect(listNextSteps(ask(['low']), ['a', 'b'], answers)).toEqual([]);
});

test('fields that stand at different steps are told apart, the lowest first', () => {
  const answers = new Map([['a', answer({ value: null })]]);
  expect(listNextSteps(ask(['low', 'high']), ['a', 'b'], answers)).toEqual([
    { fields: ['b'], level: 0 },
    { fields: ['a'], level: 1 },
  ]);
});

test('a value below the wanted confidence climbs; one that nothing better was found for stays', () => {
  const ladder = ask(['low', 'high'], 'medium');
  expect(listNextSteps(ladder, ['a'], new Map([['a', answer({ confidence: 'low' })]]))[0]?.level).toBe(1);
  expect(listNextSteps(ladder, ['a'], new Map([['a', answer({ confidence: null })]]))[0]?.level).toBe(1);
  expect(listNextSteps(ladder, ['a'], new Map([['a', answer({ confidence: 'medium' })]]))).toEqual([]);
  const tried = answer({ confidence: 'low', triedEffort: 'high' });
  expect(listNextSteps(ladder, ['a'], new Map([['a', tried]]))).toEqual([]);
});
