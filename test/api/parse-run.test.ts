import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasResult, parseEventPage, parseRun, parseRunPage } from '../../src/api/parse-run.js';
import { MAX_DOLLARS } from '../../src/model/format.js';
import type { JsonValue } from '../../src/model/json.js';
import { createRunJson } from '../helpers/raw-server.js';

const parse = (over: Readonly<Record<string, unknown>>) =>
  parseRun(createRunJson('r', over) as unknown as JsonValue);

describe('a run', () => {
  test('of nothing but id and status is filled in', () => {
    expect(parseRun({ id: 'r', status: 'queued' })).toEqual({
      id: 'r',
      object: 'agent_run',
      status: 'queued',
      stopReason: null,
      createdAt: '',
      completedAt: null,
      request: null,
      output: { text: '', structured: null, grounding: [] },
      usage: { agentComputeUnits: 0, searches: 0, emails: 0, phoneNumbers: 0 },
      costDollars: { total: null, agentCompute: 0, search: 0, emails: 0, phoneNumbers: 0 },
      error: null,
    });
  });

  test.each([
    null,
    1,
    'run',
    [],
    {},
    { id: 'r' },
    { status: 'queued' },
    { id: '', status: 'x' },
    { id: 1, status: 'x' },
  ])('%j is none', (value) => expect(parseRun(value as JsonValue)).toBeNull());

  test('keeps a stop reason and a status of next year', () => {
    expect(parse({ stopReason: 'timeout_partial', status: 'paused' })).toMatchObject({
      stopReason: 'timeout_partial',
      status: 'paused',
    });
  });

  test('keeps decimal compute units', () => {
    expect(parse({ usage: { agentComputeUnits: 0.55 } })?.usage.agentComputeUnits).toBe(0.55);
  });

  test('keeps keys that are not known, for audit', () => {
    expect(parse({ teamId: 't', usage: { dataSources: { fiber: 2 } } })).toMatchObject({
      teamId: 't',
      usage: { dataSources: { fiber: 2 } },
    });
  });

  test('adds the parts of its cost up where the total is missing', () => {
    const cost = { agentCompute: 0.25, search: 0.5, dataSources: { fiber: 0.125 } };
    expect(parse({ costDollars: cost })?.costDollars.total).toBe(0.875);
  });

  test('takes no negative and no unreadable amount', () => {
    expect(parse({ costDollars: { total: -1, search: 'free', emails: '0.02' } })?.costDollars).toEqual({
      total: null,
      unreadableTotal: -1,
      agentCompute: 0,
      search: 0,
      emails: 0.02,
      phoneNumbers: 0,
    });
  });

  test('drops grounding that says nothing and keeps the rest', () => {
    const grounding = [
      null,
      { citations: [] },
      { field: 'structured', citations: null },
      {
        field: 'structured.rows[0]',
        citations: [{ url: 'https://a.example', title: null, note: 'n' }, { title: 'no url' }, 7],
        confidence: 'certain',
        score: 0.5,
      },
    ];
    expect(parse({ output: { grounding } })?.output.grounding).toEqual([
      { field: 'structured', citations: [], confidence: null, score: null },
      {
        field: 'structured.rows[0]',
        citations: [{ url: 'https://a.example', title: null, note: 'n' }],
        confidence: null,
        score: 0.5,
      },
    ]);
  });

  test('that explains its failure in text explains it in an object', () => {
    expect(parse({ error: 'no budget' })?.error).toEqual({ message: 'no budget' });
  });

  test('of any JSON is read or refused, never thrown at', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.jsonValue(), (output, usage, costDollars) => {
        const run = parseRun({ id: 'r', status: 'completed', output, usage, costDollars } as JsonValue);
        expect(run?.costDollars.total ?? 0).toBeGreaterThanOrEqual(0);
        expect(run?.costDollars.total ?? 0).toBeLessThanOrEqual(MAX_DOLLARS);
        expect(Array.isArray(run?.output.grounding)).toBe(true);
        parseRun(output as JsonValue);
        parseRunPage(output as JsonValue);
        parseEventPage(output as JsonValue);
      }),
    );
  });
});

test('only data with output and cost carries a result', () => {
  expect(hasResult({ id: 'r', status: 'completed' })).toBe(false);
  expect(hasResult({ id: 'r', status: 'completed', output: {} })).toBe(false);
  expect(hasResult({ id: 'r', status: 'completed', output: {}, costDollars: {} })).toBe(true);
});

describe('a page', () => {
  test('without hasMore goes on while there is a cursor', () => {
    expect(parseRunPage({ data: [], nextCursor: 'r' })).toEqual({ data: [], hasMore: true, nextCursor: 'r' });
    expect(parseRunPage({ data: [] })).toEqual({ data: [], hasMore: false, nextCursor: null });
  });

  test('leaves out entries that are none', () => {
    expect(parseRunPage({ data: [null, { id: 'r', status: 'queued' }] })?.data).toHaveLength(1);
    expect(parseEventPage({ data: [{ id: 3, event: 'e' }, {}] })?.data).toEqual([
      { id: '3', event: 'e', data: null },
    ]);
  });

  test.each([null, [], {}, { data: 'x' }])('%j is none', (value) => {
    expect(parseRunPage(value as JsonValue)).toBeNull();
  });
});
