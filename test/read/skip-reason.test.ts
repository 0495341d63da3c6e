import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Papa from 'papaparse';
import { describe, expect, test } from 'vitest';
import { OUTCOME_COLUMNS } from '../../src/model/output-columns.js';
import { openInput } from '../../src/read/open-input.js';
import { readAllRows } from '../helpers/rows.js';
import { createTempFolder } from '../helpers/temp-folder.js';
import { createRow, createWorkbook } from '../helpers/workbook.js';

type Cells = readonly string[];

const HEADER = ['company', 'domain', 'amount'];

/** A line as a job wrote it: the values, and that it was skipped, if a reason is given. */
function fill(values: Cells, reason?: string): Cells {
  const outcome =
    reason === undefined ? ['enriched', '', '2026-01-01', '0.01', 'run_1'] : ['skipped', reason];
  return [...HEADER.map((_, at) => values[at] ?? ''), ...OUTCOME_COLUMNS.map((_, at) => outcome[at] ?? '')];
}

const ACME = fill(['Acme', 'acme.com', '10']);
const BOLT = fill(['Bolt', 'bolt.com', '20']);

describe.each(['csv', 'xlsx'])('in a filled file, as %s', (ending) => {
  /** Why each line of a filled file is skipped. */
  async function listReasons(...lines: readonly Cells[]): Promise<string[]> {
    const path = join(await createTempFolder(), `list.${ending}`);
    const all = [[...HEADER, ...OUTCOME_COLUMNS], ACME, ...lines];
    const sheet = all.map((cells, index) => createRow(index + 1, cells)).join('');
    await writeFile(
      path,
      ending === 'csv' ? Papa.unparse(all as string[][]) : await createWorkbook({ Firms: sheet }),
    );
    const rows = await readAllRows(await openInput({ path }));
    return rows.slice(1).map(({ skip = '' }) => skip);
  }

  test.each<[string, string, Cells, Cells]>([
    ['a totals row', 'a company', ['Total', '', '30'], ['Firm', 'firm.com', '5']],
    ['a totals row', 'a company without a domain', ['Total', '', '30'], ['Firm', '', '5']],
    ['a totals row', 'a company named like a sum', ['', '', '30'], ['Total', 'total.com', '5']],
    ['a footer', 'a company', ['Source: the register'], ['Firm', 'firm.com']],
    ['a footer', 'a name', ['Source: the register'], ['Firm']],
    ['a repeated header', 'a company', HEADER, ['Firm', 'firm.com', '5']],
    ['a repeated header', 'a company, with a word left', HEADER, ['Firm', 'firm.com', 'amount']],
    ['a line of dashes', 'a company', ['----', '----', '----'], ['Firm', 'firm.com', '']],
  ])('%s that is now %s is a row', async (reason, _now, before, after) => {
    expect(await listReasons(fill(before, reason))).toEqual([reason]);
    expect(await listReasons(fill(after, reason))).toEqual(['']);
    expect(await listReasons(fill(after, reason), BOLT)).toEqual(['', '']);
  });

  test.each<[string, string, Cells]>([
    ['a totals row', 'whose sum is another', ['Total', '', '99.5']],
    ['a totals row', 'without a word', ['', '', '99.5']],
    ['a totals row', 'with another label', ['Total 2026', '', '30']],
    ['a totals row', 'with a remark', ['Total', 'checked by Ann', '30']],
    ['a totals row', 'that was cleared', []],
    ['a footer', 'with another text', ['Source: another register']],
    ['a repeated header', 'of which a column was renamed', ['company', 'domain', 'sum']],
    ['a line of dashes', 'of another length', ['--', '--------', '']],
  ])('%s %s stays skipped', async (reason, _now, cells) => {
    expect(await listReasons(fill(cells, reason))).toEqual([reason]);
    expect(await listReasons(fill(cells, reason), BOLT)).toEqual([reason, '']);
  });

  test('a footer of several lines stays skipped if one of them is a remark', async () => {
    const footer = ['The register', 'Generated: 2026-01-01', 'for Ann'].map((text) =>
      fill([text], 'a footer'),
    );
    expect(await listReasons(...footer)).toEqual(['a footer', 'a footer', 'a footer']);
    expect(await listReasons(...footer, BOLT)).toEqual(['a footer', 'a footer', 'a footer', '']);
  });
});
