import { expect, test } from 'vitest';
import type { Doubt } from '../../src/model/events.js';
import type { EnrichOptions } from '../../src/options.js';
import { plan } from '../../src/plan.js';
import { type JobBench, openJobBench } from '../helpers/job.js';
import { answerPaid, servePaid } from '../helpers/paid-server.js';
import { answerRows } from '../helpers/scripted-agent.js';
import { hasTerminal, openTerminal } from '../helpers/terminal.js';
import { openWatchBench } from '../helpers/watch-bench.js';
import { createWorkdir } from '../helpers/workdir.js';

const NAMES = [
  'Physics',
  'History',
  'Law',
  'Medicine',
  'Music',
  'Botany',
  'Greek',
  'Geology',
  'Drama',
  'Optics',
];

/** University departments that share a website. */
function createDepartments(universities: number): string {
  const rows = Array.from({ length: universities }, (_, at) =>
    NAMES.map((name) => `University ${'ABCDEFGH'[at]},${name},Norway,u${at}.example,`),
  ).flat();
  return `University,Department,Country,Website,answer\n${rows.join('\n')}\n`;
}

/** Contacts, several per company. */
function createContacts(extra = ''): string {
  const rows = Array.from({ length: 40 }, (_, at) => {
    const name = `${'Ana Bo Cy Dee Eli Flo Gus Hal Ida Joe'.split(' ')[at % 10]} ${'Lund Moe Nil Ott'.split(' ')[Math.floor(at / 10)]}`;
    const title = at % 3 === 0 ? 'Buyer' : 'Head of Sales';
    return `${name},${title},p${at}@c${at % 4}.example,c${at % 4}.example,${extra === '' ? '' : `${extra} ${'abcdefghij'[at % 10]}x,`}`;
  });
  return `full name,job title,email,domain,${extra === '' ? '' : `${extra},`}answer\n${rows.join('\n')}\n`;
}

async function openBench(text: string): Promise<JobBench> {
  const bench = await openJobBench(answerRows);
  bench.write('in.csv', text);
  return bench;
}

const SHARED = {
  code: 'ROWS_SHARE_ANSWERS',
  kind: 'usage',
  message: '36 of 40 rows would get the answer of another row: same Website, different Department',
  hint: 'Send a column that distinguishes them: --send Website,Department. If they should share one answer, add --share-answers.',
};

test.each<Partial<EnrichOptions>>([{ yes: true }, { yes: false, maxCost: 5 }, { yes: true, maxCostNow: 5 }])(
  'many rows that would share an answer stop a job before any cost, even with %j',
  async (options) => {
    const bench = await openBench(createDepartments(4));
    await expect(bench.run({ send: ['Website'], ...options })).rejects.toMatchObject(SHARED);
    const confirm = async () => true;
    await expect(bench.run({ send: ['Website'], ...options }, { confirm })).rejects.toMatchObject(SHARED);
    expect(bench.agent.tasks).toEqual([]);
    expect(await bench.listJobs()).toEqual([]);
  },
);

test('sending a distinguishing column or setting shareAnswers resolves the doubt', async () => {
  const bench = await openBench(createDepartments(4));
  const apart = await bench.run({ send: ['Website', 'Department'] });
  expect(apart.summary).toMatchObject({ stop: 'done', duplicates: 0 });
  const meant = await bench.run({ send: ['Website'], shareAnswers: true });
  expect(meant.summary).toMatchObject({ stop: 'done', duplicates: 36 });
});

test('the confirmDoubt hook decides', async () => {
  const bench = await openBench(createDepartments(4));
  const doubts: Doubt[] = [];
  const answer = (isMeant: boolean) => ({
    confirmDoubt: async (doubt: Doubt) => {
      doubts.push(doubt);
      return isMeant;
    },
  });
  const declined = bench.run({ send: ['Website'], yes: true }, answer(false));
  await expect(declined).rejects.toMatchObject({
    code: SHARED.code,
    message: 'not started: nothing was sent and nothing was spent',
  });
  expect((await bench.run({ send: ['Website'], yes: true }, answer(true))).summary.stop).toBe('done');
  expect(doubts.map(({ message }) => message)).toEqual([SHARED.message, SHARED.message]);
});

test.each([
  ['contacts with only the company sent', createContacts(), {}],
  ['contacts with cities and languages', createContacts('city'), {}],
  ['a column of notes and dates', createDepartments(4).replace('Department', 'Notes'), { send: ['Website'] }],
  ['a column of addresses', createDepartments(4).replace('Department', 'E-mail'), { send: ['Website'] }],
  [
    'few rows among many',
    `company,domain,answer\n${Array.from({ length: 60 }, (_, at) => `Firm ${at % 50 === at ? 'a' : 'b'}x,c${at % 50}.example,`).join('\n')}\n`,
    {},
  ],
  ['fewer than ten rows', 'team,domain,answer\nRed,a.example,\nBlue,a.example,\nGrey,a.example,\n', {}],
  [
    'the same company, written in different ways',
    `company,domain,answer\n${Array.from({ length: 40 }, (_, at) => `${at % 2 === 0 ? 'ACME Inc.' : 'Acme'},acme.example,`).join('\n')}\n`,
    {},
  ],
])('%s do not stop a job', async (_title, text, options) => {
  const bench = await openBench(text);
  expect((await bench.run({ send: ['domain'], ...options })).summary.stop).toBe('done');
});

test.each([
  ['contacts with a personal field to fill', createContacts(), { fields: ['phone:phone'] }],
  ['contacts that also differ in another column', createContacts('product'), {}],
])('%s raise a doubt', async (_title, text, options) => {
  const bench = await openBench(text);
  await expect(bench.run({ send: ['domain'], ...options })).rejects.toMatchObject({ code: SHARED.code });
});

test('plan reports the doubt, and a free job only warns', async () => {
  const dir = createWorkdir();
  const input = dir.write('in.csv', createDepartments(4));
  const ledger = `${dir.path}/ledger.sqlite`;
  const job = { input, fields: ['answer'], send: ['Website'], ledger };
  const { doubts, notes } = await plan({ ...job, apiUrl: 'http://127.0.0.1:9', apiKey: 'test' });
  expect(doubts).toEqual([{ code: SHARED.code, message: SHARED.message, hint: SHARED.hint }]);
  expect(notes).toEqual([]);
  dir.write('tables/a.csv', 'Website,answer\nu0.example,yes\n');
  const words = ['in.csv', '-f', 'answer', '--send', 'Website', '--reference', 'tables'];
  expect((await dir.run(['plan', ...words])).stdout).toContain(`Note: ${SHARED.message}`);
  const run = await dir.run(['run', ...words]);
  expect(run).toMatchObject({ status: 0, stderr: expect.stringContaining(SHARED.message) });
});

test('exits with 2 without a terminal, and a recipe can allow shared answers', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', createDepartments(4));
  const { url, agent } = await servePaid(answerPaid);
  const recipe = `query: Find it.\nfields: [answer]\nsend: [Website]\nagent: {url: ${url}}\n`;
  dir.write('r.yaml', recipe);
  const words = ['run', 'in.csv', '-r', 'r.yaml', '--yes'];
  const env = { env: { EXA_API_KEY: 'sk-test-0123456789' } };
  const refused = await dir.run(words, env);
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain('[ROWS_SHARE_ANSWERS]');
  expect(agent.tasks).toEqual([]);
  expect((await dir.run([...words, '--send', 'Website,Department', '--limit', '1'], env)).status).toBe(0);
  dir.write('r.yaml', `${recipe}share_answers: true\n`);
  expect((await dir.run(words, env)).status).toBe(0);
});

test.skipIf(!hasTerminal).each([
  ['n\r', 2],
  ['y\r', 0],
])(
  'asks about the doubt on a terminal even if the price is accepted: %j exits with %i',
  async (keys, code) => {
    const dir = createWorkdir();
    dir.write('in.csv', createDepartments(4));
    const { url, agent } = await servePaid(answerPaid);
    const words = ['run', 'in.csv', '-f', 'answer', '--send', 'Website', '--api-url', url, '--yes'];
    const terminal = openTerminal(dir, words, { EXA_API_KEY: 'sk-test-0123456789' });
    await terminal.sees('Continue? [y/N]');
    terminal.type(keys);
    const { status, text } = await terminal.end();
    expect(status).toBe(code);
    expect(text).toContain('36 of 40 rows would get the answer of another row');
    expect(agent.tasks.length > 0).toBe(code === 0);
  },
);

test('a watcher moves such a file to failed, with the reason and a hint', async () => {
  const bench = await openWatchBench();
  bench.drop('list.csv', createDepartments(4));
  const summary = await bench.watch({ job: { send: ['Website'] } });
  expect(summary).toMatchObject({ done: 0, failed: { usage: 1 }, costMicros: 0 });
  const reason = bench.read('failed/list.csv.error.txt');
  expect(reason).toContain('ROWS_SHARE_ANSWERS');
  expect(reason).toContain('--share-answers');
});

test.each([
  ['unit', (index: number) => `D${index}`],
  ['model', (index: number) => `X-${index}`],
  ['company', (index: number) => `${index}M`],
])('rows that differ only in codes in column %s raise a doubt too', async (column, tell) => {
  const bench = await openJobBench(answerPaid);
  const rows = Array.from({ length: 12 }, (_, index) => `acme.example,${tell(index + 1)}`);
  bench.write('in.csv', [`website,${column}`, ...rows, ''].join('\n'));
  await expect(bench.run({ send: ['website'] })).rejects.toMatchObject({ code: 'ROWS_SHARE_ANSWERS' });
  expect(bench.agent.tasks).toEqual([]);
});

test.each([
  ['size', (index: number) => `${index}k`],
  ['quarter', (index: number) => `Q${(index % 4) + 1}`],
  ['grade', (index: number) => 'ABCDEF'.charAt(index % 6)],
])('amounts, quarters and single letters, as in column %s, do not distinguish rows', async (column, tell) => {
  const bench = await openJobBench(answerPaid);
  const rows = Array.from({ length: 12 }, (_, index) => `acme.example,${tell(index + 1)}`);
  bench.write('in.csv', [`website,${column}`, ...rows, ''].join('\n'));
  expect((await bench.run({ send: ['website'] })).summary.stop).toBe('done');
});
