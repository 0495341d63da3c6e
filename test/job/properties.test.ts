import fc from 'fast-check';
import { expect, test } from 'vitest';
import { computeLastAttempt } from '../../src/run/batcher.js';
import { resolveRehearsal } from '../../src/server/rehearsal/resolve-rehearsal.js';
import { openJobBench } from '../helpers/job.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { expectOwnAnswers, listAsked, script } from '../helpers/truthful-agent.js';

const FIELDS = ['ceo', 'seat'];
const GIVEN = 'given';
const FINAL = ['enriched', 'partial', 'not_found', 'unchanged', 'failed'];

/** Few companies, so that many rows are equal. Some are blank. */
const rowArbitrary = fc.record({
  company: fc.oneof(
    { weight: 8, arbitrary: fc.nat(25).map((number) => `Company ${number}`) },
    { weight: 1, arbitrary: fc.constant('') },
  ),
  ceo: fc.constantFrom('', '', '', GIVEN),
  seat: fc.constantFrom('', '', '', GIVEN),
});

const faultArbitrary = fc.record({
  fault: fc.constantFrom(
    'rows_dropped',
    'rows_doubled',
    'rows_invented',
    'rows_reordered',
    'rows_missing',
    'ids_changed',
    'nulls',
    'wrong_types',
    'citations_dropped',
    'failed_run',
    'early_stop',
  ),
  share: fc.constantFrom(0.05, 0.2, 0.5),
});

const jobArbitrary = fc.record({
  rows: fc.array(rowArbitrary, { minLength: 1, maxLength: 60 }),
  faults: fc.array(faultArbitrary, { maxLength: 4 }),
  batchSize: fc.integer({ min: 1, max: 9 }),
  concurrency: fc.integer({ min: 1, max: 6 }),
  efforts: fc.constantFrom(['low'], ['low', 'high']),
  seed: fc.string({ maxLength: 5 }),
});

test(
  'with random rows, faults and batches, each row ends once with its own values or none',
  SLOW,
  async () => {
    await fc.assert(
      fc.asyncProperty(jobArbitrary, async ({ rows, faults, batchSize, concurrency, efforts, seed }) => {
        const bench = await openJobBench(
          script((list) => ({ rows: list })),
          { rehearsal: resolveRehearsal({ faults, seed: `s${seed}` }) },
        );
        // Not a plain number: after 0, 1, 2 a blank last row with 3 is a totals row, and rightly skipped.
        const lines = rows.map(({ company, ceo, seat }, index) =>
          [company, `n${index}`, ceo, seat].join(','),
        );
        bench.write('in.csv', ['company,number,ceo,seat', ...lines, ''].join('\n'));
        const options = { fields: FIELDS, send: ['company'], batchSize, concurrency, effort: efforts };
        const { rows: output, summary } = await bench.run(options);

        expect(output.map(({ company, number }) => [company, number])).toEqual(
          rows.map(({ company }, index) => [company, `n${index}`]),
        );
        // Filled cells are kept. The others have the correct value for their row or none.
        for (const [index, row] of rows.entries()) {
          for (const field of FIELDS) {
            if (row[field as 'ceo' | 'seat'] === GIVEN) expect(output[index]?.[field]).toBe(GIVEN);
          }
        }
        const areCited = faults.every(({ fault }) => fault !== 'citations_dropped');
        expectOwnAnswers(output, { fields: FIELDS, given: [GIVEN], areCited });

        for (const [index, row] of output.entries()) {
          const filled = FIELDS.filter((field) => row[field] !== '').length;
          const status = row.enrichment_status ?? '';
          if (summary.stop === 'done') expect(FINAL).toContain(status);
          if (status === 'enriched' || status === 'unchanged') expect(filled).toBe(2);
          if (status === 'failed') expect(row.enrichment_error).not.toBe('');
          expect(status === 'unchanged').toBe(rows[index]?.ceo === GIVEN && rows[index]?.seat === GIVEN);
        }
        const { total, ...counts } = summary.rows;
        expect(total).toBe(rows.length);
        expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(rows.length);

        // The attempts per row and level are bounded, and no run is empty. A row has at most one question a field,
        // and a retry that shares its run with rows that lack another field is asked for that one too.
        const asked = new Map<string, number>();
        for (const each of listAsked(bench.agent.tasks)) asked.set(each, (asked.get(each) ?? 0) + 1);
        expect(Math.max(0, ...asked.values())).toBeLessThanOrEqual(
          FIELDS.length * computeLastAttempt(batchSize),
        );
        expect(bench.server.report().runs.created).toBeLessThanOrEqual(
          asked.size * computeLastAttempt(batchSize),
        );

        // The second time, only failed or missing cells are sent, never answered ones.
        const before = bench.agent.tasks.length;
        const enriched = new Set(
          output.filter((row) => row.enrichment_status === 'enriched').map((row) => row.company),
        );
        const failed = new Set(
          output.filter((row) => row.enrichment_status !== 'enriched').map((row) => row.company),
        );
        await bench.run(options);
        for (const each of bench.agent.tasks
          .slice(before)
          .flatMap((task) => task.request.input?.data ?? [])) {
          const company = String(each.company);
          expect(enriched.has(company) && !failed.has(company)).toBe(false);
        }
      }),
      { numRuns: chooseCount(40, 10) },
    );
  },
);
