import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../src/model/json.js';
import type { FaultName } from '../../../src/server/rehearsal/fault.js';
import {
  citeByRow,
  injectRowFaults,
  keepPart,
  loseRows,
  reorderRows,
} from '../../../src/server/rehearsal/rehearsed-agent.js';
import { createResult } from '../../helpers/scripted-agent.js';

/** An answer in which each row's citation is a page with its id in the URL. */
function createAnswer(count: number) {
  const ids = Array.from({ length: count }, (_, index) => `r${index}`);
  const rows = ids.map((row_id, index) => ({
    row_id,
    fields: { name: `n${index}`, size: index, ok: true, tags: [] },
  }));
  const grounding = ids.flatMap((id, index) => [
    { field: `structured.rows[${index}].fields.name`, citations: [{ url: `https://example.com/${id}` }] },
    { field: `structured.rows[${index}].fields.size`, citations: [{ url: `https://example.com/${id}` }] },
  ]);
  return createResult({ rows }, [
    { field: 'structured', citations: [{ url: 'https://example.com/' }] },
    ...grounding,
  ]);
}

function readRows(result: ReturnType<typeof createAnswer>): readonly JsonObject[] {
  const { structured } = result.output;
  const rows = isJsonObject(structured) ? structured.rows : null;
  return Array.isArray(rows) ? rows : [];
}

function readIds(result: ReturnType<typeof createAnswer>): JsonValue[] {
  return readRows(result).map((row) => row.row_id ?? null);
}

/** For each citation, the id of its row and the id in its URL. */
function readCitedIds(result: ReturnType<typeof createAnswer>): [JsonValue | undefined, string][] {
  return result.output.grounding.flatMap((entry): [JsonValue | undefined, string][] => {
    const index = /^structured\.rows\[(\d+)\]/.exec(entry.field)?.[1];
    if (index === undefined) return [];
    return [
      [readRows(result)[Number(index)]?.row_id, (entry.citations[0]?.url ?? '').split('/').at(-1) ?? ''],
    ];
  });
}

const onRow = (target: string, ...faults: FaultName[]) => {
  return (row: JsonValue) => new Set(isJsonObject(row) && row.row_id === target ? faults : []);
};

test('a dropped row is gone, and other citations move up with their rows', () => {
  const played = injectRowFaults(createAnswer(3), onRow('r1', 'rows_dropped'));
  expect(readIds(played)).toEqual(['r0', 'r2']);
  expect(played.output.grounding.map((entry) => entry.field)).toEqual([
    'structured',
    'structured.rows[0].fields.name',
    'structured.rows[0].fields.size',
    'structured.rows[1].fields.name',
    'structured.rows[1].fields.size',
  ]);
});

test('a duplicated row appears and is cited twice', () => {
  const played = injectRowFaults(createAnswer(2), onRow('r0', 'rows_doubled'));
  expect(readIds(played)).toEqual(['r0', 'r0', 'r1']);
  expect(readCitedIds(played)).toHaveLength(6);
});

test('an invented row follows its model, with an unknown id and no citation', () => {
  const played = injectRowFaults(createAnswer(2), onRow('r0', 'rows_invented'));
  expect(readIds(played)).toEqual(['r0', 'invented', 'r1']);
  expect(readCitedIds(played).map(([id]) => id)).toEqual(['r0', 'r0', 'r1', 'r1']);
});

test('nulls, wrong types and changed ids leave the rest of the row unchanged', () => {
  const [nulls] = readRows(injectRowFaults(createAnswer(1), onRow('r0', 'nulls')));
  expect(nulls).toEqual({ row_id: 'r0', fields: { name: null, size: null, ok: null, tags: null } });
  const [wrong] = readRows(injectRowFaults(createAnswer(1), onRow('r0', 'wrong_types')));
  expect(wrong).toEqual({
    row_id: 'r0',
    fields: { name: { value: 'n0' }, size: 'about that much', ok: 'about that much', tags: 'see the source' },
  });
  const [changed] = readRows(injectRowFaults(createAnswer(1), onRow('r0', 'ids_changed')));
  expect(changed?.row_id).toBe('r0-changed');
});

test('faults work on rows without a fields object', () => {
  const result = createResult({ companies: [{ name: 'Acme' }] });
  const played = injectRowFaults(result, () => new Set<FaultName>(['nulls']));
  expect(played.output.structured).toEqual({ companies: [{ name: null }] });
});

test('citations can be dropped or refer to whole rows', () => {
  const dropped = injectRowFaults(createAnswer(2), onRow('r0', 'citations_dropped'));
  expect(readCitedIds(dropped).map(([id]) => id)).toEqual(['r1', 'r1']);
  expect(citeByRow(createAnswer(1)).output.grounding.map((entry) => entry.field)).toEqual([
    'structured',
    'structured.rows[0]',
    'structured.rows[0]',
  ]);
});

test('an early end keeps the first rows, a lost list none', () => {
  expect(readIds(keepPart(createAnswer(5), 0.5))).toEqual(['r0', 'r1', 'r2']);
  expect(readIds(keepPart(createAnswer(5), 0))).toEqual([]);
  expect(loseRows(createAnswer(5)).output).toMatchObject({ structured: null, grounding: [] });
});

test('an answer without a list of rows is unchanged', () => {
  for (const structured of [null, 'text', { name: 'Acme' }, ['a']]) {
    const result = createResult(structured);
    expect(injectRowFaults(result, () => new Set<FaultName>(['nulls']))).toEqual(result);
  }
});

test('after any faults, each citation refers to its own row', () => {
  const names = fc.subarray<FaultName>([
    'rows_dropped',
    'rows_doubled',
    'rows_invented',
    'citations_dropped',
  ]);
  const script = fc.array(names, { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 8 }), script, fc.string(), (count, faults, seed) => {
      const played = injectRowFaults(createAnswer(count), (_row, index) => new Set(faults[index]));
      for (const result of [played, reorderRows(played, seed, 'subject')]) {
        for (const [id, cited] of readCitedIds(result)) expect(id).toBe(cited);
      }
      const ids = readIds(reorderRows(played, seed, 'subject'));
      expect([...ids].sort()).toEqual(readIds(played).sort());
    }),
  );
});
