import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SoakAgent } from './agent.mjs';
import { CUSTOMERS } from './plan.mjs';

const PROJECT = join(import.meta.dirname, '../../..');
const SETTLE_MS = 1_500;
const DISK = 'size=48m';

/** A watched folder on its own small disk, a service that bills, and three watchers that share a ledger. */
export class Scene {
  settleMs = SETTLE_MS;
  watchers = [];
  /** Watchers that ended unexpectedly. */
  surprises = [];
  refusedStarts = 0;
  #server;

  static async open(random) {
    const scene = new Scene();
    scene.root = mkdtempSync(join(tmpdir(), 'rowfill-soak-'));
    scene.disk = join(scene.root, 'disk');
    mkdirSync(scene.disk);
    scene.isSmallDisk = canRun('mount', ['-t', 'tmpfs', '-o', DISK, 'tmpfs', scene.disk]);
    scene.hasSpaces = canRun('unshare', ['--pid', '--fork', '--mount-proc', 'true']);
    scene.folder = join(scene.disk, 'drop');
    scene.working = join(scene.folder, 'working');
    scene.staging = join(scene.disk, 'staging');
    scene.archive = join(scene.disk, 'archive');
    scene.outside = join(scene.root, 'outside');
    scene.elsewhere = join(scene.root, 'elsewhere');
    for (const path of [scene.folder, scene.staging, scene.archive, scene.outside, scene.elsewhere])
      mkdirSync(path);
    // All places where `done/` and `failed/` are or were moved to.
    scene.places = { done: [join(scene.folder, 'done')], failed: [join(scene.folder, 'failed')] };
    scene.list = join(scene.root, 'customers.csv');
    scene.listText = ['company', ...CUSTOMERS, ''].join('\n');
    writeFileSync(scene.list, scene.listText);
    scene.#copyProgram();
    scene.agent = new SoakAgent(random);
    const { startServer } = await import(join(scene.root, 'program/dist/server/start-server.js'));
    scene.#server = await startServer({ agent: scene.agent });
    const url = scene.#server.url;
    scene.args = [
      ...['watch', scene.folder, '--api-url', url, '-f', 'answer', '--send', 'company', '--yes'],
      ...['--exclude', scene.list, '--exclude-on', 'company', '--list-lag', '2s'],
      ...['--settle', `${SETTLE_MS}ms`, '--poll', '200ms'],
    ];
    return scene;
  }

  /** Copies the built program, because a build during the test would change it. */
  #copyProgram() {
    const program = join(this.root, 'program');
    mkdirSync(program);
    cpSync(join(PROJECT, 'dist'), join(program, 'dist'), { recursive: true });
    cpSync(join(PROJECT, 'package.json'), join(program, 'package.json'));
    symlinkSync(join(PROJECT, 'node_modules'), join(program, 'node_modules'));
    this.program = join(program, 'dist/cli/main.js');
  }

  report() {
    return this.#server.report();
  }

  startWatchers() {
    for (const index of [0, 1, 2]) this.watchers[index] = this.#startWatcher(index);
  }

  /** Starts a watcher. The last of the three gets its own PID namespace if possible, like in a container. */
  #startWatcher(index) {
    const isApart = index === 2 && this.hasSpaces;
    const command = [process.execPath, this.program, ...this.args];
    const child = isApart
      ? spawn('unshare', ['--pid', '--fork', '--kill-child', '--mount-proc', ...command], this.#options())
      : spawn(command[0], command.slice(1), this.#options());
    const watcher = { index, child, isApart, isTold: false, words: '' };
    watcher.ended = new Promise((resolve) => child.once('close', resolve));
    child.stdout.on('data', (text) => appendFileSync(join(this.root, `watcher-${index}.jsonl`), text));
    child.stderr.on('data', (text) => {
      watcher.words = (watcher.words + text).slice(-2_000);
      appendFileSync(join(this.root, `watcher-${index}.stderr`), text);
    });
    child.once('close', (code, signal) => {
      if (watcher.isTold) return;
      // If the folder is missing or full, the watcher refuses to start and is started again, as by a supervisor.
      if (/\[(?:WATCH_NO_FOLDER|DISK_FULL)\]/.test(watcher.words)) this.refusedStarts += 1;
      else
        this.surprises.push(`watcher ${index} ended by itself (${signal ?? code}): ${watcher.words.trim()}`);
      this.watchers[index] = this.#startWatcher(index);
    });
    return watcher;
  }

  #options() {
    const env = { ...process.env, EXA_API_KEY: 'soak-test-key', ROWFILL_HOME: join(this.root, 'home') };
    return { cwd: this.root, env, stdio: ['ignore', 'pipe', 'pipe'] };
  }

  /** Sends a signal to the program itself; false if it has not started yet. */
  signal({ child, isApart }, signal) {
    try {
      const path = `/proc/${child.pid}/task/${child.pid}/children`;
      const pid = isApart ? Number(readFileSync(path, 'utf8').split(' ')[0]) : child.pid;
      return pid > 0 && process.kill(pid, signal);
    } catch (error) {
      if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error;
      return false;
    }
  }

  /** Kills a watcher and starts it again. */
  async kill(index) {
    const watcher = this.watchers[index];
    watcher.isTold = true;
    if (!this.signal(watcher, 'SIGKILL')) watcher.child.kill('SIGKILL');
    await watcher.ended;
    this.watchers[index] = this.#startWatcher(index);
  }

  async stopWatchers() {
    for (const watcher of this.watchers) {
      watcher.isTold = true;
      if (!this.signal(watcher, 'SIGTERM')) watcher.child.kill('SIGTERM');
    }
    await Promise.all(this.watchers.map(({ ended }) => ended));
  }

  /** Runs a rowfill command to its end. */
  run(args) {
    const child = spawn(process.execPath, [this.program, ...args], this.#options());
    const result = { code: null, stdout: '', stderr: '' };
    child.stdout.on('data', (text) => {
      result.stdout += text;
    });
    child.stderr.on('data', (text) => {
      result.stderr += text;
    });
    return new Promise((resolve) => child.once('close', (code) => resolve({ ...result, code })));
  }

  killAll() {
    for (const watcher of this.watchers) {
      watcher.isTold = true;
      if (!this.signal(watcher, 'SIGKILL')) watcher.child.kill('SIGKILL');
    }
  }

  async close(isKept) {
    await this.#server.close();
    if (isKept) return;
    if (this.isSmallDisk) execFileSync('umount', ['--lazy', this.disk]);
    rmSync(this.root, { recursive: true, force: true });
  }
}

function canRun(command, args) {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
