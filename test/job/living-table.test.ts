import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import Papa from 'papaparse';
import { expect, test } from 'vitest';
import { createCellsAgent } from '../helpers/cells-agent.js';
import { openJobBench, readTable } from '../helpers/job.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';

const FIELDS = ['ceo', 'hq', 'staff'];
const WORDINGS = ['', '=In full'];

const company = fc.constantFrom('A', 'B', 'C', 'D');
const field = fc.constantFrom(...FIELDS);

/** What a user does with a table. */
const action = fc.oneof(
  fc.record({ kind: fc.constant('fill' as const) }),
  fc.record({ kind: fc.constant('add' as const), company }),
  fc.record({ kind: fc.constant('remove' as const), company }),
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('toggle' as const), field }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('reword' as const), field }) },
  fc.record({ kind: fc.constant('ladder' as const) }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('correct' as const), company, field }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('clear' as const), company, field }) },
  fc.record({ kind: fc.constant('refresh' as const), field }),
  fc.record({ kind: fc.constant('kill' as const) }),
);
/** Half of the changes are followed by a fill, so that each meets what those before it have left in the file. */
const step = fc.tuple(action, fc.boolean());

type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

/** What is known of a cell, in the simplest form. */
interface ModelCell {
  readonly value: string | null;
  readonly isHuman: boolean;
  /** Efforts that were tried. */
  readonly tried: readonly string[];
}

/** What the agent says of a cell the n-th time: nothing for some cells at first. */
function findValue(name: string, column: string, time: number): string | null {
  return `${name}${column}`.length % 2 === 0 && time === 1 ? null : `${column} ${time} of ${name}`;
}

/**
 * A table that is filled, changed and given back in any order, next to a model of it: every cell asked is one that the
 * model lacks, and every cell shown is what the model has.
 */
test(
  'after any changes, only cells are asked that the model lacks, and only its values are shown',
  SLOW,
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(company, { minLength: 2, maxLength: 4 }),
        fc.array(step, { minLength: 3, maxLength: 8 }),
        checkSteps,
      ),
      { numRuns: chooseCount(60, 4) },
    );
  },
);

async function checkSteps(first: readonly string[], steps: readonly Step[]): Promise<void> {
  const agent = createCellsAgent(findValue);
  const bench = await openJobBench(agent.script);
  const path = `${bench.folder}/table.csv`;
  writeFileSync(path, `company\n${first.join('\n')}\n`);
  const fields = new Map([
    ['ceo', 0],
    ['hq', 0],
  ]);
  /** Fields that are left out, with their wording. */
  const leftOut = new Map<string, number>();
  const model = new Map<string, ModelCell>();
  const times = new Map<string, number>();
  let rows = [...first];
  let efforts = ['low'];
  /** What a person did to the file since it was written. */
  const edits = new Map<string, string>();
  /** Cells of the file that rowfill has filled, and what it shows there as a person's. */
  const filled = new Map<string, string | null>();
  /** What was typed into cells that rowfill has not filled. */
  const own = new Map<string, string>();

  const keyOf = (name: string, column: string): string => `${name} ${column} ${fields.get(column)}`;

  async function fill(refreshed: string | null, keepsFile: boolean): Promise<void> {
    const given = readFileSync(path, 'utf8');
    const table = readTable(given).filter((row) => rows.includes(row.company ?? ''));
    const missing = rows.filter((name) => !table.some((row) => row.company === name));
    const all = [...table, ...missing.map((name): Record<string, string> => ({ company: name }))];
    for (const [cell, value] of edits) {
      const [name, column = ''] = cell.split(' ');
      for (const row of all) if (row.company === name && column in (all[0] ?? {})) row[column] = value;
    }
    const columns = [...new Set(all.flatMap((row) => Object.keys(row)))];
    writeFileSync(path, `${Papa.unparse({ fields: columns, data: all })}\n`);
    const before = readFileSync(path, 'utf8');
    // First what the person did, then what the agent is asked for it.
    for (const [cell, value] of edits) {
      const [name = '', column = ''] = cell.split(' ');
      if (!rows.includes(name) || !fields.has(column) || !columns.includes(column)) continue;
      if (!filled.has(cell)) {
        if (value === '') own.delete(cell);
        else own.set(cell, value);
      } else if (value === '') {
        filled.set(cell, null);
        if (model.get(keyOf(name, column))?.value != null) model.delete(keyOf(name, column));
      } else model.set(keyOf(name, column), { value, isHuman: true, tried: [] });
    }
    edits.clear();
    for (const cells of [filled, own])
      for (const cell of cells.keys()) if (!rows.includes(cell.split(' ')[0] ?? '')) cells.delete(cell);
    // A person's value stays when its field is reworded.
    for (const [cell, value] of filled) {
      const [name = '', column = ''] = cell.split(' ');
      if (value === null || !fields.has(column) || model.get(keyOf(name, column))?.isHuman === true) continue;
      model.set(keyOf(name, column), { value, isHuman: true, tried: [] });
    }
    const expected: string[] = [];
    for (const name of rows) {
      for (const column of fields.keys()) {
        if ((refreshed !== null && refreshed !== column) || own.has(`${name} ${column}`)) continue;
        const key = keyOf(name, column);
        const isAgain = refreshed === column && model.get(key)?.isHuman !== true;
        let known = isAgain ? undefined : model.get(key);
        for (const effort of efforts) {
          if (known !== undefined && (known.value !== null || known.tried.includes(effort))) continue;
          if (known?.tried.includes('high') === true) continue;
          const time = (times.get(`${name} ${column}`) ?? 0) + 1;
          times.set(`${name} ${column}`, time);
          expected.push(`${name} ${column}`);
          known = {
            value: findValue(name, column, time),
            isHuman: false,
            tried: [...(known?.tried ?? []), effort],
          };
        }
        if (known !== undefined) model.set(key, known);
      }
    }
    const start = agent.cells.length;
    await bench.run({
      input: path,
      output: path.replace('table.csv', 'out.csv'),
      ledger: `${bench.folder}/ledger.sqlite`,
      send: ['company'],
      fields: [...fields].map(([name, wording]) => name + WORDINGS[wording]),
      effort: efforts,
      again: ['cleared'],
      // At a higher effort, rows that lack different fields share a run, which is then asked for all of them.
      batchSize: 1,
      ...(refreshed === null ? {} : { refresh: true, only: [refreshed] }),
    });
    expect(agent.cells.slice(start).sort()).toEqual(expected.sort());
    const out = readFileSync(path.replace('table.csv', 'out.csv'), 'utf8');
    for (const row of readTable(out)) {
      for (const column of fields.keys()) {
        const place = `${row.company} ${column}`;
        const cell = own.has(place) ? undefined : model.get(keyOf(row.company ?? '', column));
        expect(row[column]).toBe(own.get(place) ?? cell?.value ?? '');
        expect(row[`${column}_confidence`] === 'human').toBe(cell?.isHuman === true);
        if (!keepsFile && cell !== undefined) filled.set(place, cell.isHuman ? cell.value : null);
      }
    }
    // A killed command leaves the file as it was given.
    writeFileSync(path, keepsFile ? before : out);
  }

  await fill(null, false);
  for (const [each, isFilled] of steps) {
    switch (each.kind) {
      case 'fill':
        await fill(null, false);
        break;
      case 'kill':
        await fill(null, true);
        break;
      case 'refresh':
        if (fields.has(each.field)) await fill(each.field, false);
        break;
      case 'add':
        rows = [...new Set([...rows, each.company])];
        break;
      case 'remove':
        if (rows.length > 1) rows = rows.filter((name) => name !== each.company);
        break;
      case 'toggle': {
        const [from, to] = fields.has(each.field) ? [fields, leftOut] : [leftOut, fields];
        if (from === fields && (fields.size === 1 || edits.size > 0)) break;
        to.set(each.field, from.get(each.field) ?? 0);
        from.delete(each.field);
        break;
      }
      case 'reword': {
        const wordings = fields.has(each.field) ? fields : leftOut;
        const wording = wordings.get(each.field);
        if (wording !== undefined && edits.size === 0) wordings.set(each.field, 1 - wording);
        break;
      }
      case 'ladder':
        efforts = efforts.length === 1 ? ['low', 'high'] : ['low'];
        break;
      case 'correct':
        if (fields.has(each.field)) edits.set(`${each.company} ${each.field}`, `by hand ${each.company}`);
        break;
      case 'clear':
        if (fields.has(each.field)) edits.set(`${each.company} ${each.field}`, '');
        break;
    }
    if (isFilled) await fill(null, false);
  }
  await fill(null, false);
}
