import { expect, test } from 'vitest';
import { FAULT_KINDS } from '../../../src/server/rehearsal/fault.js';
import {
  drawLatencyMs,
  resolveLatency,
  resolveRehearsal,
} from '../../../src/server/rehearsal/resolve-rehearsal.js';

test('a rehearsal without options has no faults, cost or delay', () => {
  expect(resolveRehearsal({})).toEqual({
    seed: 'rowfill',
    latency: null,
    price: false,
    faults: [],
    limits: [],
  });
});

test("parses a fault's settings, trigger and operations", () => {
  const faults = [
    { fault: 'rate_limited', on: ['create', 'get'], share: 0.1, retryAfter: 2 },
    { fault: 'early_stop', nth: 3, max: 1 },
    { fault: 'list_lags' },
  ];
  expect(resolveRehearsal({ faults }).faults).toEqual([
    {
      index: 0,
      name: 'rate_limited',
      scope: 'request',
      on: ['create', 'get'],
      trigger: { share: 0.1 },
      settings: { retryAfter: 2 },
    },
    {
      index: 1,
      name: 'early_stop',
      scope: 'run',
      on: [],
      trigger: { nth: [3], max: 1 },
      settings: { stopReason: 'budget_reached', part: 0.5 },
    },
    { index: 2, name: 'list_lags', scope: 'request', on: ['list'], trigger: {}, settings: { lagMs: 5_000 } },
  ]);
});

test('sorts limits by their start', () => {
  const limits = [{ afterRuns: 100, maxActiveRuns: 40 }, { maxActiveRuns: 12 }];
  expect(resolveRehearsal({ faults: { limits } }).limits).toEqual([
    { afterRuns: 0, maxActiveRuns: 12 },
    { afterRuns: 100, maxActiveRuns: 40 },
  ]);
});

test.each(Object.keys(FAULT_KINDS))('%s needs only its name', (fault) => {
  expect(resolveRehearsal({ faults: [{ fault }] }).faults[0]?.name).toBe(fault);
});

test.each([
  ['text', 'lost_reply', /list of faults/],
  ['an unknown key', { fault: [] }, /fault is not known/],
  ['faults that are not a list', { faults: {} }, /faults must be a list/],
  ['a fault that is text', ['lost_reply'], /faults\[0\] must be an object/],
  ['a fault without a name', [{}], /faults\[0\]\.fault/],
  ['a misspelled fault', [{ fault: 'lost_replies' }], /faults\[0\]\.fault/],
  ['a fault named like a JavaScript property', [{ fault: 'constructor' }], /faults\[0\]\.fault/],
  ['a share above 1', [{ fault: 'nulls', share: 2 }], /faults\[0\]\.share/],
  ['a share that is text', [{ fault: 'nulls', share: '0.5' }], /faults\[0\]\.share/],
  ['a match number of 0', [{ fault: 'nulls', nth: [1, 0] }], /faults\[0\]\.nth/],
  ['a fraction of a match', [{ fault: 'nulls', every: 1.5 }], /faults\[0\]\.every/],
  ['an unknown operation', [{ fault: 'lost_reply', on: 'post' }], /faults\[0\]\.on/],
  ['an operation for rows', [{ fault: 'nulls', on: 'get' }], /only allowed for request faults/],
  ['a setting of another fault', [{ fault: 'nulls', delayMs: 5 }], /faults\[0\]\.delayMs/],
  [
    'a setting of another type',
    [{ fault: 'slow_reply', delayMs: '5s' }],
    /faults\[0\]\.delayMs must be a number/,
  ],
  ['a setting below 0', [{ fault: 'slow_reply', delayMs: -5 }], /of at least 0/],
  ['a limit that is a number', { limits: [5] }, /limits\[0\]/],
  ['a limit of 0', { limits: [{ maxActiveRuns: 0 }] }, /limits\[0\]\.maxActiveRuns/],
  [
    'a limit before the first run',
    { limits: [{ maxActiveRuns: 1, afterRuns: -1 }] },
    /limits\[0\]\.afterRuns/,
  ],
])('refuses %s, and says where', (_name, faults, says) => {
  expect(() => resolveRehearsal({ faults })).toThrow(says);
});

test('suggests the nearest name for a misspelled fault', () => {
  const refuse = () => resolveRehearsal({ faults: [{ fault: 'lost_replay' }] });
  expect(refuse).toThrow(expect.objectContaining({ hint: 'Use lost_reply.' }));
});

function drawMany(text: string, count = 2_000): number[] {
  const latency = resolveLatency(text);
  return Array.from({ length: count }, (_, index) => drawLatencyMs(latency, 'seed', index)).sort(
    (a, b) => a - b,
  );
}

function readMedian(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

test('a single latency is constant', () => {
  expect(new Set(drawMany('250ms', 50))).toEqual(new Set([250]));
  expect(new Set(drawMany('1.5s', 50))).toEqual(new Set([1_500]));
});

test('a range is log-normal: within its bounds, with half below their geometric mean', () => {
  const drawn = drawMany('2s..90s');
  expect(drawn[0]).toBeGreaterThanOrEqual(2_000);
  expect(drawn.at(-1)).toBeLessThanOrEqual(90_000);
  expect(readMedian(drawn)).toBeGreaterThan(12_500);
  expect(readMedian(drawn)).toBeLessThan(14_500);
});

test('a uniform range has its median in the middle', () => {
  const drawn = drawMany('uniform:2s..4s');
  expect(drawn[0]).toBeGreaterThanOrEqual(2_000);
  expect(drawn.at(-1)).toBeLessThanOrEqual(4_000);
  expect(Math.abs(readMedian(drawn) - 3_000)).toBeLessThan(100);
});

test('a median with a sigma has that median', () => {
  const drawn = drawMany('median:2s,sigma:0.5');
  expect(Math.abs(readMedian(drawn) - 2_000)).toBeLessThan(120);
});

test('the same words draw the same latency, other words a different one', () => {
  const latency = resolveLatency('1s..1m');
  expect(drawLatencyMs(latency, 'seed', 'a', 1)).toBe(drawLatencyMs(latency, 'seed', 'a', 1));
  expect(drawLatencyMs(latency, 'seed', 'a', 1)).not.toBe(drawLatencyMs(latency, 'seed', 'a', 2));
  expect(drawLatencyMs(latency, 'seed', 'a', 1)).not.toBe(drawLatencyMs(latency, 'other', 'a', 1));
});

test.each([
  '',
  '2',
  's',
  '2s..',
  '..2s',
  '9s..2s',
  '2h',
  '-2s',
  '4h',
  '1..2s',
  'median:2s',
  '1.2.3s',
  '200m',
])('refuses %j', (text) => {
  expect(() => resolveLatency(text)).toThrow(/is not valid/);
});
