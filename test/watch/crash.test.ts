import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ID_FILE } from '../../src/watch/folders.js';
import { createDrops, type Drop, Dropper, readOutputRows } from '../helpers/drops.js';
import { servePaid } from '../helpers/paid-server.js';
import { NO_SIGNALS } from '../helpers/platform.js';
import type { ScriptedAgent } from '../helpers/scripted-agent.js';
import { chooseCount, SLOW } from '../helpers/slow-tier.js';
import { script, tellTruth } from '../helpers/truthful-agent.js';
import { createWorkdir, type ProgramResult, type Workdir } from '../helpers/workdir.js';

const RUN_MICROS = 25_000;
const truthful = script(
  (rows) => ({ rows }),
  () => RUN_MICROS / 1_000_000,
);

interface Scene {
  readonly workdir: Workdir;
  readonly args: readonly string[];
  readonly dropper: Dropper;
}

/** Runs the watcher until its log has N lines or all files are dropped. The dropper takes one step per line. */
async function endAfter(signal: NodeJS.Signals, lines: number, scene: Scene): Promise<ProgramResult> {
  const { workdir, args, dropper } = scene;
  let seen = 0;
  let reach = (): void => {};
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const watcher = workdir.spawn(args, {
    timeoutMs: 120_000,
    onOutput(text) {
      for (const _line of text.matchAll(/\n/g)) {
        dropper.step();
        seen += 1;
      }
      if (seen >= lines || dropper.isDone) reach();
    },
  });
  await Promise.race([reached, watcher.end()]);
  return watcher.end(signal);
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();
}

/** Checks that each dropped file is once in `done/` with its answers or in `failed/` with its reason. */
function checkFolder(folder: string, drops: readonly Drop[]): void {
  expect(
    readdirSync(folder)
      .filter((name) => name !== ID_FILE)
      .sort(),
  ).toEqual(['done', 'failed', 'working']);
  expect(readdirSync(join(folder, 'working'))).toEqual([]);
  const left = drops.map(({ content }) => content.toString('base64')).sort();
  const found: string[] = [];
  for (const name of listFiles(join(folder, 'done')).filter((each) => !each.includes('.filled.'))) {
    const content = readFileSync(join(folder, 'done', name));
    found.push(content.toString('base64'));
    const output = name.replace(/(\.[a-z]+)((?:\.gz)?)$/, '.filled$1$2');
    const rows = readOutputRows(output, readFileSync(join(folder, 'done', output)));
    const drop = drops.find((each) => each.content.equals(content));
    expect(rows, name).toEqual(
      drop?.companies.map((company) => [company, tellTruth({ company }), 'enriched']),
    );
  }
  const failed = listFiles(join(folder, 'failed'));
  for (const name of failed.filter((each) => !each.endsWith('.error.txt'))) {
    found.push(readFileSync(join(folder, 'failed', name)).toString('base64'));
    expect(readFileSync(join(folder, 'failed', `${name}.error.txt`), 'utf8')).toContain('What happened: ');
  }
  expect(found.sort()).toEqual(left);
  const outputs = listFiles(join(folder, 'done')).length + failed.length - found.length;
  expect(outputs).toBe(drops.length);
}

/** Checks that every company was sent once and every run was billed once. */
function checkBill(agent: ScriptedAgent, billedMicros: number, drops: readonly Drop[]): void {
  const asked = agent.tasks.flatMap(
    (task) => task.request.input?.data?.map(({ company }) => String(company)) ?? [],
  );
  const wanted = new Set(drops.flatMap(({ companies }) => companies));
  expect(asked.sort()).toEqual([...wanted].sort());
  const batches = new Set(agent.tasks.map((task) => task.request.metadata?.rowfill_batch));
  expect(batches.size).toBe(agent.tasks.length);
  expect(billedMicros).toBe(batches.size * RUN_MICROS);
}

const FILES = chooseCount(200, 20);
const KILLS = chooseCount(10, 2);
const LONG = { ...SLOW, timeout: 180_000 };
const PACE = ['--settle', '0.5s', '--poll', '0.05s'];

/** A folder to watch, a service that bills, and the watch command for them. */
async function openScene(drops: readonly Drop[]) {
  const server = await servePaid(truthful);
  const workdir = createWorkdir();
  const folder = join(workdir.path, 'drop');
  mkdirSync(folder);
  const job = ['--api-url', server.url, '-f', 'answer', '--send', 'company', '--yes', '--list-lag', '1s'];
  return {
    ...{ workdir, dropper: new Dropper(folder, drops), args: ['watch', 'drop', ...job, ...PACE] },
    check(): void {
      checkFolder(folder, drops);
      checkBill(server.agent, server.report().billedMicros, drops);
    },
  };
}

test(
  `with ${FILES} files, some slow, truncated, broken or duplicated, and ${KILLS} kills, each ends once and is paid for once`,
  LONG,
  async () => {
    const scene = await openScene(createDrops(FILES, 8));
    const { workdir, dropper, args } = scene;
    for (let count = 0; count < FILES / 5; count += 1) dropper.step();
    for (const lines of fc.sample(fc.integer({ min: 2, max: chooseCount(80, 10) }), {
      numRuns: KILLS,
      seed: 8,
    })) {
      const { signal } = await endAfter('SIGKILL', lines, scene);
      expect(signal).toBe('SIGKILL');
    }
    expect(dropper.isDone).toBe(false);
    const told = await endAfter('SIGTERM', Number.POSITIVE_INFINITY, scene);
    // Elsewhere a signal is a request.
    expect(told).toMatchObject(NO_SIGNALS ? { signal: 'SIGTERM' } : { status: 130 });
    const last = await workdir.runProcess([...args, '--once'], { timeoutMs: 120_000 });
    expect(last.stdout).toContain('"event":"stopped","stop":"done"');
    scene.check();
  },
);

test('with three watcher processes at once, each file ends once and is paid for once', async () => {
  const drops = createDrops(30, 3);
  const names = drops.map(({ name }) => name);
  const scene = await openScene(drops.filter(({ name }, index) => names.indexOf(name) === index));
  const { workdir, dropper, args } = scene;
  while (!dropper.isDone) dropper.step();
  const once = [...args, '--once'];
  const ended = await Promise.all([1, 2, 3].map(() => workdir.runProcess(once, { timeoutMs: 90_000 })));
  expect(ended.map(({ status }) => [0, 2].includes(status ?? -1))).toEqual([true, true, true]);
  scene.check();
}, 120_000);
