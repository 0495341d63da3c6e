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

test('a row that was never sent starts at the lowest effort with all its fields', () => {
  expect(listNextSteps(ask(['low', 'high']), ['a', 'b'], undefined)).toEqual([
    { fields: ['a', 'b'], level: 0 },
  ]);
});

test('only missing fields move to the next effort, and none moves past the last', () => {
  const ladder = ask(['low', 'medium', 'high']);
  const answers = new Map([
    ['a', answer({})],
    ['b', answer({ value: null })],
    ['c', answer({ value: null, triedEffort: 'high' })],
  ]);
  expect(listNextSteps(ladder, ['a', 'b', 'c'], answers)).toEqual([{ fields: ['b'], level: 1 }]);
  expect(listNextSteps(ask(['low']), ['a', 'b'], answers)).toEqual([]);
});

test('fields at different effort levels are returned separately, lowest first', () => {
  const answers = new Map([['a', answer({ value: null })]]);
  expect(listNextSteps(ask(['low', 'high']), ['a', 'b'], answers)).toEqual([
    { fields: ['b'], level: 0 },
    { fields: ['a'], level: 1 },
  ]);
});

test('a value below escalateBelow is retried, unless the next effort found nothing better', () => {
  const ladder = ask(['low', 'high'], 'medium');
  expect(listNextSteps(ladder, ['a'], new Map([['a', answer({ confidence: 'low' })]]))[0]?.level).toBe(1);
  expect(listNextSteps(ladder, ['a'], new Map([['a', answer({ confidence: null })]]))[0]?.level).toBe(1);
  expect(listNextSteps(ladder, ['a'], new Map([['a', answer({ confidence: 'medium' })]]))).toEqual([]);
  const tried = answer({ confidence: 'low', triedEffort: 'high' });
  expect(listNextSteps(ladder, ['a'], new Map([['a', tried]]))).toEqual([]);
});
