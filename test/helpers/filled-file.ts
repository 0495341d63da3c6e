import { readFileSync, writeFileSync } from 'node:fs';
import Papa from 'papaparse';
import type { EnrichHooks } from '../../src/enrich.js';
import type { EnrichOptions } from '../../src/options.js';
import { createCellsAgent } from './cells-agent.js';
import { createList, openJobBench, readTable } from './job.js';

export type Table = Record<string, string>[];

/** A filled file, and what is done with it. `list` is its input, or the number of companies in it. */
export async function openFilled(
  list: number | string = 16,
  find?: Parameters<typeof createCellsAgent>[0],
  fields = ['ceo', 'hq'],
  {
    ending = 'csv',
    cite,
    ...options
  }: Partial<EnrichOptions> & {
    readonly ending?: string;
    readonly cite?: Parameters<typeof createCellsAgent>[1];
  } = {},
) {
  const agent = createCellsAgent(find, cite);
  const bench = await openJobBench(agent.script);
  bench.write('list.csv', typeof list === 'number' ? createList(list) : list);
  const path = `${bench.folder}/list.filled.${ending}`;
  const shared = {
    apiUrl: bench.server.url,
    apiKey: 'test',
    ledger: `${bench.folder}/ledger.sqlite`,
    fields,
    ...options,
  };
  await bench.run({ ...shared, input: `${bench.folder}/list.csv`, output: path });
  return {
    agent,
    bench,
    path,
    options: { ...shared, input: path },
    /** Changes the rows of the filled file. */
    edit(change: (table: Table) => unknown): void {
      const table = readTable(readFileSync(path, 'utf8'));
      const changed = change(table);
      writeFileSync(path, `${Papa.unparse(Array.isArray(changed) ? changed : table)}\n`);
    },
    /** Gives the filled file back. Returns the cells asked for it, what was said, and the new file. */
    async again(changes: Partial<EnrichOptions> = {}, hooks: EnrichHooks = {}) {
      const start = agent.cells.length;
      const notes: string[] = [];
      const { summary, rows: table } = await bench.run(
        { ...shared, input: path, output: undefined, ...changes },
        {
          ...hooks,
          onEvent: (event) => event.type === 'note' && notes.push(`${event.code}: ${event.message}`),
        },
      );
      return { summary, table, notes, cells: agent.cells.slice(start) };
    },
  };
}
