import { expect, test } from 'vitest';
import { type MergeRule, mergeFields } from '../../src/ledger/row-state.js';
import type { FieldAnswer } from '../../src/model/answer.js';
import type { JsonValue } from '../../src/model/json.js';
import { createTestField } from '../helpers/ledger-samples.js';

const RULE: MergeRule = { efforts: ['low', 'medium', 'high'], isRefresh: false };

function field(value: JsonValue, effort: string, triedEffort = effort): FieldAnswer {
  return createTestField(value, `run_${effort}`, { effort, triedEffort });
}

function merge(old: FieldAnswer, fresh: FieldAnswer, rule: Partial<MergeRule> = {}) {
  const merged = mergeFields(new Map([['ceo', old]]), new Map([['ceo', fresh]]), { ...RULE, ...rule });
  return { field: merged.fields.get('ceo'), replaced: merged.replaced.get('ceo') };
}

test('adds a new field and keeps fields that were not requested', () => {
  const ceo = field('Ann', 'low');
  const headcount = field(12, 'high');
  const merged = mergeFields(new Map([['ceo', ceo]]), new Map([['headcount', headcount]]), RULE);
  expect([...merged.fields]).toEqual([
    ['ceo', ceo],
    ['headcount', headcount],
  ]);
  expect(merged.replaced.size).toBe(0);
});

test('a value replaces a null without adding to the history', () => {
  expect(merge(field(null, 'high'), field('Ann', 'low'))).toEqual({
    field: field('Ann', 'low', 'high'),
    replaced: undefined,
  });
});

test('a higher effort replaces a value, and the old one moves to the history', () => {
  const old = field('Ann', 'low');
  expect(merge(old, field('Bob', 'high'))).toEqual({ field: field('Bob', 'high'), replaced: old });
  expect(merge(old, field('Bob', 'low'))).toEqual({ field: field('Bob', 'low'), replaced: old });
});

test('a higher effort with lower confidence does not replace a value, but counts as tried', () => {
  const sure: FieldAnswer = { ...field('Ann', 'low'), confidence: 'medium' };
  expect(merge(sure, { ...field('Bob', 'high'), confidence: 'low' })).toEqual({
    field: { ...sure, triedEffort: 'high' },
    replaced: undefined,
  });
  const equal: FieldAnswer = { ...field('Bob', 'high'), confidence: 'medium' };
  expect(merge(sure, equal)).toEqual({ field: equal, replaced: sure });
  const silent: FieldAnswer = { ...field('Bob', 'high'), confidence: null };
  expect(merge(sure, silent)).toEqual({ field: silent, replaced: sure });
});

test('a follow-up without a result changes nothing, but its effort counts as tried', () => {
  expect(merge(field('Ann', 'low'), field(null, 'high'))).toEqual({
    field: field('Ann', 'low', 'high'),
    replaced: undefined,
  });
});

test('a lower effort never replaces the value of a higher one', () => {
  const old = field('Ann', 'high');
  expect(merge(old, field('Bob', 'low'))).toEqual({ field: old, replaced: undefined });
});

test('a refresh replaces any value, even with null, and restarts the ladder', () => {
  const old = field('Ann', 'high');
  expect(merge(old, field(null, 'low'), { isRefresh: true })).toEqual({
    field: field(null, 'low'),
    replaced: old,
  });
});

test('a run that was sent earlier and finished late only fills gaps', () => {
  const old = { ...field('Ann', 'low'), sentAtMs: 2 };
  const late = { ...field('Bob', 'high'), sentAtMs: 1 };
  expect(merge(old, late, { isRefresh: true })).toEqual({
    field: { ...old, triedEffort: 'high' },
    replaced: undefined,
  });
  const gap = { ...field(null, 'low'), sentAtMs: 2 };
  expect(merge(gap, { ...late, effort: 'low', triedEffort: 'low' }).field).toMatchObject({ value: 'Bob' });
});
