import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFailed, onTestFinished } from 'vitest';
import { releaseFiles } from '../../src/model/release-files.js';
import { runInProcess } from './in-process.js';

export interface ProgramResult {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface InputOptions {
  /** Added to an environment without a key and with its own ledger folder. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

export interface RunOptions extends InputOptions {
  /** Keeps standard input open after `stdin`. */
  readonly keepStdinOpen?: boolean;
  /** Closes the pipe of standard output immediately. */
  readonly closeStdout?: boolean;
  /** Called with everything the program writes to standard output. */
  readonly onOutput?: (text: string) => void;
  /** Kills the program after this time, in ms. */
  readonly timeoutMs?: number;
}

/** A program running in the background of a test. */
export interface Background {
  /** The first line of its standard output. */
  readonly line: string;
  readonly pid: number;
  /** Its output so far. */
  result(): ProgramResult;
  signal(name: NodeJS.Signals): void;
  /** Waits for the end, after sending a signal if given. */
  end(signal?: NodeJS.Signals): Promise<ProgramResult>;
}

/** A fresh folder for running the built program as a user would. */
export interface Workdir {
  readonly path: string;
  /** The ledger folder of every program run here. */
  readonly home: string;
  write(name: string, content: string | Uint8Array): string;
  read(name: string): string;
  has(name: string): boolean;
  remove(name: string): void;
  /**
   * Runs the built program in the process of the test, one run at a time: much faster than `runProcess`.
   * With `-` it reads or writes the streams of its process, so it gets a process of its own.
   */
  run(args: readonly string[], options?: InputOptions): Promise<ProgramResult>;
  /** Runs the built program in a process of its own, for signals, pipes, Node options and several at once. */
  runProcess(args: readonly string[], options?: RunOptions): Promise<ProgramResult>;
  /** Runs a bash script in which `rowfill` is the program, for redirections that only a shell can do. */
  shell(script: string, options?: RunOptions): Promise<ProgramResult>;
  /** Starts the program and returns immediately. */
  spawn(args: readonly string[], options?: RunOptions): Omit<Background, 'line'>;
  /** Starts the program and resolves after the first line of its standard output. */
  start(args: readonly string[], options?: RunOptions): Promise<Background>;
}

/** The built program. */
export const PROGRAM = join(import.meta.dirname, '../../dist/cli/main.js');

/** Creates a fresh folder for the running test. If the test fails, keeps it and prints all output. */
export function createWorkdir(): Workdir {
  if (!existsSync(PROGRAM)) throw new Error('dist/ is missing: npm run build makes it');
  const path = mkdtempSync(join(tmpdir(), 'rowfill-test-'));
  const home = join(path, '.rowfill');
  const children: Pick<Child, 'command' | 'result' | 'end'>[] = [];
  let hasFailed = false;

  function open(args: readonly string[], options: RunOptions): Child {
    const child = openChild(args, { cwd: path, home, ...options });
    children.push(child);
    return child;
  }

  onTestFailed(() => {
    hasFailed = true;
    process.stderr.write(`in ${path}\n${children.map(describeChild).join('')}`);
  });
  onTestFinished(async () => {
    for (const child of children) await child.end('SIGKILL');
    await releaseFiles();
    if (!hasFailed) rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  });

  return {
    path,
    home,
    write(name, content) {
      mkdirSync(dirname(join(path, name)), { recursive: true });
      writeFileSync(join(path, name), content);
      return join(path, name);
    },
    read: (name) => readFileSync(join(path, name), 'utf8'),
    has: (name) => existsSync(join(path, name)),
    remove: (name) => rmSync(join(path, name), { recursive: true }),
    async run(args, options = {}) {
      if (args.includes('-')) return await open(args, options).end();
      const env = { ...createEnvironment(), ROWFILL_HOME: home, ...options.env };
      const run = runInProcess(PROGRAM, args, { cwd: path, env, stdin: options.stdin ?? '' });
      children.push(run);
      return await run.end();
    },
    runProcess: (args, options = {}) => open(args, options).end(),
    shell(script, options = {}) {
      const program = `rowfill() { "${process.execPath}" "${PROGRAM}" "$@"; }`;
      const place = { cwd: path, home, ...options };
      const child = openChild(['-c', `${program}\n${script}`], place, 'bash');
      children.push(child);
      return child.end();
    },
    spawn: (args, options = {}) => open(args, options),
    async start(args, options = {}) {
      const child = open(args, options);
      return { ...child, line: await child.ready };
    },
  };
}

interface Child {
  readonly command: string;
  readonly pid: number;
  readonly ready: Promise<string>;
  readonly result: () => ProgramResult;
  signal(name: NodeJS.Signals): void;
  end(signal?: NodeJS.Signals): Promise<ProgramResult>;
}

interface ChildPlace extends RunOptions {
  readonly cwd: string;
  readonly home: string;
}

function openChild(args: readonly string[], place: ChildPlace, shell?: string): Child {
  const [file, words] = shell === undefined ? [process.execPath, [PROGRAM, ...args]] : [shell, [...args]];
  const child: ChildProcessWithoutNullStreams = spawn(file, words, {
    cwd: place.cwd,
    env: { ...createEnvironment(), ROWFILL_HOME: place.home, ...place.env },
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), place.timeoutMs ?? 45_000);
  let stdout = '';
  let stderr = '';
  let status: number | null = null;
  let signal: NodeJS.Signals | null = null;
  const result = (): ProgramResult => ({ status, signal, stdout, stderr });
  const closed = new Promise<void>((resolve) => {
    child.once('close', (code, by) => {
      clearTimeout(timer);
      status = code;
      signal = by;
      resolve();
    });
  });
  const command = ['rowfill', ...args].join(' ');
  const ready = new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      place.onOutput?.(text);
      if (stdout.includes('\n')) resolve(stdout.slice(0, stdout.indexOf('\n')));
    });
    void closed.then(() => reject(new Error(`${command} ended before its first line:\n${stderr}`)));
  });
  ready.catch(() => {});
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  if (place.closeStdout === true) child.stdout.destroy();
  child.stdin.on('error', () => {});
  child.stdin.write(place.stdin ?? '');
  if (place.keepStdinOpen !== true) child.stdin.end();

  return {
    command,
    pid: child.pid ?? -1,
    ready,
    result,
    signal: (name) => void child.kill(name),
    async end(name) {
      if (name !== undefined && child.exitCode === null) child.kill(name);
      await closed;
      return result();
    },
  };
}

/** This process's environment without keys, proxies, color settings and rowfill folders. */
export function createEnvironment(): NodeJS.ProcessEnv {
  const names = Object.keys(process.env).filter(
    (name) => !/^(EXA_|ROWFILL_|PG|NODE_OPTIONS|NO_COLOR|FORCE_COLOR|.*_proxy$)/i.test(name),
  );
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

function describeChild(child: Pick<Child, 'command' | 'result'>): string {
  const { status, signal, stdout, stderr } = child.result();
  const end = signal ?? status ?? 'still running';
  return `$ ${child.command}\n-- ended with ${end}\n-- stdout\n${stdout}\n-- stderr\n${stderr}\n`;
}
