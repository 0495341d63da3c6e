import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/model/json.js';
import { createList, openJobBench } from '../helpers/job.js';
import { createResult, type Script } from '../helpers/scripted-agent.js';

const FIELDS = [
  ...['name', 'site:url', 'mail:email', 'offices:list(string)', 'revenue:number', 'staff:integer'],
  ...['listed:boolean', 'founded:date', 'stage:enum(Seed|Series A|Series B)'],
];
const ROWS = 160;

/** The true values of a company. */
function tellTruth(company: string): JsonObject {
  const number = Number(company.split(' ')[1]);
  const pad = (value: number): string => String(value).padStart(2, '0');
  return {
    name: `Smith & Sons ${number}`,
    site: `https://www.acme-${number}.example/about`,
    mail: number % 5 === 0 ? null : `jane@acme-${number}.example`,
    offices: [`Bern ${number}`, `Basel ${number}`],
    revenue: number * 1_000_000 + 1.5,
    staff: number + 1_000,
    listed: number % 2 === 0,
    founded: `2${pad(number % 30)}4-${pad((number % 12) + 1)}-${pad((number % 15) + 13)}`,
    stage: number % 3 === 0 ? null : (['Seed', 'Series A', 'Series B'][number % 3 === 1 ? 1 : 2] ?? null),
  };
}

/** Repeatable numbers from 0 to 1. */
function createRandom(): () => number {
  let state = 7;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

type Spell = (value: string) => JsonValue;
const MONTHS = 'January February March April May June July August September October November December'.split(
  ' ',
);
const group = (value: string): string => value.replace(/\B(?=(\d{3})+(?!\d))/g, ',');

/** Other spellings of the values of each field. */
const SPELLINGS: Readonly<Record<string, readonly Spell[]>> = {
  name: [
    (value) => value.replace('&', '&amp;'),
    (value) => `${value}【1†source】`,
    (value) => `${value} \ue200cite\ue202turn0search1\ue201`,
    (value) => ` ${value}\n`,
    (value) => [value],
  ],
  site: [
    (value) => value.replace('https://', ''),
    (value) => `[Homepage](${value})`,
    (value) => `<${value}>`,
    (value) => `URL: ${value}`,
    (value) => `${value}).`,
    (value) => `**${value}**`,
  ],
  mail: [
    (value) => `mailto:${value}`,
    (value) => `Jane Doe <${value}>`,
    (value) => `${value}.`,
    (value) => `Email: ${value}`,
    (value) => `${value} [1]`,
  ],
  offices: [
    (value) => value,
    (value) => value.replaceAll('"', "'"),
    (value) =>
      parseList(value)
        .map((item, index) => `${index + 1}. ${item}`)
        .join('\n'),
    (value) =>
      parseList(value)
        .map((item) => `- ${item}`)
        .join('\n'),
    (value) => parseList(value).join('; '),
    (value) => `\`\`\`json\n${value}\n\`\`\``,
  ],
  revenue: [(value) => value, group, (value) => `${value} [2]`, (value) => value.replace('.', ',')],
  staff: [
    (value) => value,
    group,
    (value) => `**${value}**`,
    (value) => `${value}.`,
    (value) => [Number(value)],
  ],
  listed: [
    (value) => (value === 'true' ? 1 : 0),
    (value) => (value === 'true' ? 'Y' : 'N'),
    (value) => (value === 'true' ? 'Yes.' : 'No.'),
  ],
  founded: [
    (value) => value.replaceAll('-', '/'),
    (value) => value.replaceAll('-', ''),
    (value) => `${Number(value.slice(8))} ${MONTHS[Number(value.slice(5, 7)) - 1]} ${value.slice(0, 4)}`,
    (value) =>
      `${MONTHS[Number(value.slice(5, 7)) - 1]?.slice(0, 3)} ${value.slice(8)}, ${value.slice(0, 4)}`,
    (value) => `${value}T00:00:00Z`,
    (value) => value.split('-').reverse().join('.'),
  ],
  stage: [(value) => value.toUpperCase(), (value) => value.replace(' ', '_'), (value) => `${value}.`],
};
const NOTHING = ['N/A', 'Not found', 'unknown', '—', 'Not publicly available', 'TBD', 'a***@acme.example'];

const IDS: readonly Spell[] = [
  (id) => id.toUpperCase(),
  (id) => ` ${id} `,
  (id) => id.replace('-', ' '),
  (id) => [id],
  (id) => `"${id}"`,
];
const NAMES: readonly ((name: string) => string)[] = [
  (name) => name.toUpperCase(),
  (name) => `${name[0]?.toUpperCase()}${name.slice(1)}`,
  (name) => `${name}_`,
];

type Entry = { readonly row_id: string; readonly fields: JsonObject };
type Reshape = (entries: readonly JsonObject[], rows: readonly Entry[]) => JsonValue;
const toText = (value: JsonValue): string => JSON.stringify(value);
const SHAPES: readonly Reshape[] = [
  (rows) => toText({ rows }),
  (rows) => `Here you are:\n\`\`\`json\n${toText({ rows })}\n\`\`\``,
  (rows) => ({ rows: toText(rows) }),
  (rows, truth) => ({
    rows: Object.fromEntries(truth.map(({ row_id }, index) => [row_id, rows[index] ?? null])),
  }),
  (rows) => ({ data: { rows } }),
  (rows) => ({ companies: rows }),
  (rows) => rows,
  (rows) => ({ rows: rows.map((row, index) => ({ ...row, row_id: index + 1 })) }),
  (rows) => ({ rows: rows.map(({ row_id = null, fields = null }) => ({ row_id, fields: toText(fields) })) }),
];

/** Answers truthfully; a part of the runs, entries, names and values is spelled differently. */
function createDriftingAgent(share: number): Script {
  const random = createRandom();
  const isDrift = (): boolean => random() < share;
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(random() * items.length)];
    if (item === undefined) throw new RangeError('nothing to pick');
    return item;
  };
  const spell = (name: string, value: JsonValue): JsonValue => {
    if (!isDrift()) return value;
    if (value === null) return pick(NOTHING);
    return pick(SPELLINGS[name] ?? [])(typeof value === 'string' ? value : toText(value));
  };
  return (task) => {
    const records = task.request.input?.data ?? [];
    const truth = records.map(({ row_id, company }) => ({
      row_id: String(row_id),
      fields: tellTruth(String(company)),
    }));
    const rows = truth.map(({ row_id, fields }) => ({
      row_id: isDrift() ? pick(IDS)(row_id) : row_id,
      fields: Object.fromEntries(
        Object.entries(fields).map(([name, value]) => [
          isDrift() ? pick(NAMES)(name) : name,
          spell(name, value),
        ]),
      ),
    }));
    return createResult(isDrift() ? pick(SHAPES)(rows, truth) : { rows });
  };
}

function parseList(text: string): string[] {
  return JSON.parse(text);
}

async function fill(share: number): Promise<{ readonly runs: number; readonly rows: readonly JsonObject[] }> {
  const bench = await openJobBench(createDriftingAgent(share));
  bench.write('in.csv', createList(ROWS));
  const output = `${bench.folder}/out.jsonl`;
  const { summary } = await bench.run({ fields: FIELDS, output, concurrency: 1 });
  const rows = readFileSync(output, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  return { runs: summary.runs.created, rows };
}

test('an agent that drifts in 30 % of its answers gives the same rows for at most 5 % more runs', async () => {
  const straight = await fill(0);
  const drifting = await fill(0.3);
  const read = (rows: readonly JsonObject[]) =>
    rows.map(({ company, enrichment: _, ...values }) => [company, values]);
  expect(read(straight.rows)).toEqual(
    straight.rows.map(({ company }) => [company, tellTruth(String(company))]),
  );
  expect(read(drifting.rows)).toEqual(read(straight.rows));
  expect(straight.runs).toBe(ROWS / 8);
  expect(drifting.runs).toBeLessThanOrEqual(straight.runs * 1.05);
});

test('a JSONL output says how a value was repaired', async () => {
  const bench = await openJobBench((task) => {
    const [row] = task.request.input?.data ?? [];
    return createResult({ rows: [{ row_id: row?.row_id ?? '', fields: { staff: '1,234', name: 'Acme' } }] });
  });
  bench.write('in.csv', createList(1));
  const output = `${bench.folder}/out.jsonl`;
  await bench.run({ fields: ['staff:integer', 'name'], output });
  const { enrichment } = JSON.parse(readFileSync(output, 'utf8'));
  const found = { as_of: expect.any(String), run_id: expect.any(String) };
  expect(enrichment.fields).toEqual({
    staff: { confidence: null, citations: [], note: 'read "1,234" as 1234', ...found },
    name: { confidence: null, citations: [], ...found },
  });
});
