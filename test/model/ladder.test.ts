import { expect, test } from 'vitest';
import type { FieldAnswer } from '../../src/model/answer.js';
import { type Ask, createAsk } from '../../src/model/ask.js';
import { readNextStep } from '../../src/model/ladder.js';

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
  expect(readNextStep(ask(['low', 'high']), ['a', 'b'], undefined)).toEqual({ fields: ['a', 'b'], level: 0 });
});

test('only fields that were not found climb, and none climbs past the last step', () => {
  const ladder = ask(['low', 'medium', 'high']);
  const answers = new Map([
    ['a', answer({})],
    ['b', answer({ value: null })],
    ['c', answer({ value: null, triedEffort: 'high' })],
  ]);
  expect(readNextStep(ladder, ['a', 'b', 'c'], answers)).toEqual({ fields: ['b'], level: 1 });
  expect(readNextStep(ask(['low']), ['a', 'b'], answers)).toBeNull();
});

test('the lowest open step goes first', () => {
  const answers = new Map([['a', answer({ value: null })]]);
  expect(readNextStep(ask(['low', 'high']), ['a', 'b'], answers)).toEqual({ fields: ['b'], level: 0 });
});

test('a value below the wanted confidence climbs; one that nothing better was found for stays', () => {
  const ladder = ask(['low', 'high'], 'medium');
  expect(readNextStep(ladder, ['a'], new Map([['a', answer({ confidence: 'low' })]]))?.level).toBe(1);
  expect(readNextStep(ladder, ['a'], new Map([['a', answer({ confidence: null })]]))?.level).toBe(1);
  expect(readNextStep(ladder, ['a'], new Map([['a', answer({ confidence: 'medium' })]]))).toBeNull();
  const tried = answer({ confidence: 'low', triedEffort: 'high' });
  expect(readNextStep(ladder, ['a'], new Map([['a', tried]]))).toBeNull();
});
