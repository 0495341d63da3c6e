import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasResult, parseEventPage, parseRun, parseRunPage } from '../../src/api/parse-run.js';
import { MAX_DOLLARS } from '../../src/model/format.js';
import type { JsonValue } from '../../src/model/json.js';
import { createRunJson } from '../helpers/raw-server.js';

const parse = (over: Readonly<Record<string, unknown>>) =>
  parseRun(createRunJson('r', over) as unknown as JsonValue);

describe('a run', () => {
  test('with only id and status gets defaults', () => {
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
  ])('%j is not valid', (value) => expect(parseRun(value as JsonValue)).toBeNull());

  test('keeps an unknown stop reason and status', () => {
    expect(parse({ stopReason: 'timeout_partial', status: 'paused' })).toMatchObject({
      stopReason: 'timeout_partial',
      status: 'paused',
    });
  });

  test('keeps decimal compute units', () => {
    expect(parse({ usage: { agentComputeUnits: 0.55 } })?.usage.agentComputeUnits).toBe(0.55);
  });

  test('keeps unknown keys for audit', () => {
    expect(parse({ teamId: 't', usage: { dataSources: { fiber: 2 } } })).toMatchObject({
      teamId: 't',
      usage: { dataSources: { fiber: 2 } },
    });
  });

  test('adds up the parts of its cost if the total is missing', () => {
    const cost = { agentCompute: 0.25, search: 0.5, dataSources: { fiber: 0.125 } };
    expect(parse({ costDollars: cost })?.costDollars.total).toBe(0.875);
  });

  test('rejects negative and unreadable amounts', () => {
    expect(parse({ costDollars: { total: -1, search: 'free', emails: '0.02' } })?.costDollars).toEqual({
      total: null,
      unreadableTotal: -1,
      agentCompute: 0,
      search: 0,
      emails: 0.02,
      phoneNumbers: 0,
    });
  });

  test('drops empty grounding and keeps the rest', () => {
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

  test('that gives its error as text gets an error object', () => {
    expect(parse({ error: 'no budget' })?.error).toEqual({ message: 'no budget' });
  });

  test('from any JSON is parsed or null, and never throws', () => {
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

test('only data with output and cost counts as a result', () => {
  expect(hasResult({ id: 'r', status: 'completed' })).toBe(false);
  expect(hasResult({ id: 'r', status: 'completed', output: {} })).toBe(false);
  expect(hasResult({ id: 'r', status: 'completed', output: {}, costDollars: {} })).toBe(true);
});

describe('a page', () => {
  test('without hasMore continues while there is a cursor', () => {
    expect(parseRunPage({ data: [], nextCursor: 'r' })).toEqual({ data: [], hasMore: true, nextCursor: 'r' });
    expect(parseRunPage({ data: [] })).toEqual({ data: [], hasMore: false, nextCursor: null });
  });

  test('skips invalid entries', () => {
    expect(parseRunPage({ data: [null, { id: 'r', status: 'queued' }] })?.data).toHaveLength(1);
    expect(parseEventPage({ data: [{ id: 3, event: 'e' }, {}] })?.data).toEqual([
      { id: '3', event: 'e', data: null },
    ]);
  });

  test.each([null, [], {}, { data: 'x' }])('%j is not valid', (value) => {
    expect(parseRunPage(value as JsonValue)).toBeNull();
  });
});
