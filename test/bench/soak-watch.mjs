import { parseArgs } from 'node:util';
import { accountFor, groupBy } from './soak/account.mjs';
import { Dropper } from './soak/dropper.mjs';
import { planDrops } from './soak/plan.mjs';
import { Random } from './soak/random.mjs';
import { Scene } from './soak/scene.mjs';
import { Trouble } from './soak/trouble.mjs';

// Runs three watchers on one folder with all kinds of disturbances, then accounts for every file and dollar.
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    drops: { type: 'string', default: '2000' },
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);

const startedAtMs = Date.now();
const scene = await Scene.open(new Random(seed + 1));
const dropper = new Dropper(scene, new Random(seed + 2), planDrops(Number(values.drops), new Random(seed)));
const trouble = new Trouble(scene, new Random(seed + 3));
process.on('exit', () => scene.killAll());
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

say(`files in ${scene.root}`);
if (!scene.isSmallDisk) say('cannot mount a disk here: skipping the full disk');
if (!scene.hasSpaces) say('cannot create a PID namespace here: all watchers share one');
scene.startWatchers();
trouble.start(minutes, Number(values.kills));
await dropAll();
await trouble.end();
await dropper.finish();
await scene.stopWatchers();
const tries = await fillRest();
const { figures, violations } = await accountFor(scene, dropper);
writeTable();
await scene.close(violations.length > 0);
process.exitCode = violations.length > 0 ? 1 : 0;

/** Spreads the drops over 90 % of the time. */
async function dropAll() {
  const paceMs = (minutes * 60_000 * 0.9) / Number(values.drops);
  let saidAtMs = Date.now();
  const giveUpAtMs = startedAtMs + minutes * 60_000 + 120_000;
  for (let at = Date.now(); dropper.left > 0 && Date.now() < giveUpAtMs; at += paceMs) {
    while (trouble.isAway || Date.now() < at) await sleep(Math.min(100, Math.max(10, at - Date.now())));
    dropper.step();
    if (Date.now() - saidAtMs < 60_000) continue;
    saidAtMs = Date.now();
    say(
      `${dropper.dropped.length} dropped, ${scene.agent.paid.size} companies paid for, ${scene.surprises.length} surprises`,
    );
  }
  if (dropper.left > 0) scene.surprises.push(`${dropper.left} drops never found their names free`);
  const endMs = startedAtMs + minutes * 60_000;
  while (Date.now() < endMs) await sleep(Math.min(1_000, endMs - Date.now()));
}

/** Fills the remaining files. A watcher killed in another PID namespace counts as alive for 45 seconds. */
async function fillRest() {
  for (let number = 1; ; number += 1) {
    const { code, stdout, stderr } = await scene.run([...scene.args, '--once']);
    if (code === 0 || code === 2) return number;
    const last = stdout.trim().split('\n').at(-1);
    say(`watch --once ended with ${code}: ${last} ${stderr}`);
    if (number === 8) {
      scene.surprises.push(`watch --once ended with ${code} eight times: ${last}`);
      return number;
    }
    await sleep(15_000);
  }
}

function writeTable() {
  const kinds = [...groupBy(dropper.dropped, ({ kind }) => kind)];
  const lines = [
    ['minutes', ((Date.now() - startedAtMs) / 60_000).toFixed(1)],
    ['drops', dropper.dropped.length],
    ...kinds.map(([kind, drops]) => [`· ${kind}`, drops.length]),
    ...Object.entries(trouble.counts),
    ['starts refused: folder gone or full', scene.refusedStarts],
    ['last `watch --once`', tries],
    ...Object.entries(figures),
    ['violations', violations.length],
  ];
  const table = ['| what | count |', '|---|---|', ...lines.map(([what, count]) => `| ${what} | ${count} |`)];
  process.stdout.write(`\n${table.join('\n')}\n`);
  for (const violation of violations) process.stdout.write(`\nVIOLATION ${violation}`);
  if (violations.length > 0) process.stdout.write(`\n\nThe files are kept in ${scene.root}.\n`);
}

function say(text) {
  process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
