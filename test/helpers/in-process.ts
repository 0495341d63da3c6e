import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import type { ProgramResult } from './workdir.js';

interface InProcessPlace {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: string;
}

interface InProcessRun {
  readonly command: string;
  /** Its output so far. */
  result(): ProgramResult;
  /** Waits for the end. With a signal, first interrupts the run twice, which ends it immediately. */
  end(signal?: NodeJS.Signals): Promise<ProgramResult>;
}

/** Loads the built code directly: vitest would transform it and load it again for each test file. */
const load = createRequire(import.meta.url);

/** The command that is running in this process, which has only one working directory and environment. */
let running: string | null = null;

/** Runs the built program in this process, as `main.js` does in a process of its own. */
export function runInProcess(program: string, args: readonly string[], place: InProcessPlace): InProcessRun {
  const command = ['rowfill', ...args].join(' ');
  if (running !== null) throw new Error(`${command} must wait for ${running}, or be run with runProcess`);
  const restore = enter(place);
  running = command;
  const stdin = new PassThrough();
  stdin.end(place.stdin);
  const [stdout, readStdout] = createSink();
  const [stderr, readStderr] = createSink();
  const listeners = new Set<() => void>();
  let status: number | null = null;
  let leave = (_code: number): void => {};
  const left = new Promise<number>((resolve) => {
    leave = resolve;
  });
  const { runProgram } = load(
    join(dirname(program), 'program.js'),
  ) as typeof import('../../src/cli/program.js');
  const { VERSION } = load(join(dirname(program), '../model/version.js')) as { readonly VERSION: string };
  const parts = {
    ...{ version: VERSION, env: process.env, stdin, stdout, stderr, now: Date.now },
    isOutputClosed: () => false,
    readOutputError: () => null,
    exit(code: number): never {
      leave(code);
      throw new Error(`${command} exited with ${code}`);
    },
    onInterrupt(listener: () => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const ended = Promise.race([runProgram(args, parts), left]).then((code) => {
    status = code;
    restore();
    running = null;
  });
  const interrupt = (): void => {
    for (const listener of listeners) {
      try {
        listener();
      } catch {
        // The listener has called `exit`.
      }
    }
  };
  const result = (): ProgramResult => ({ status, signal: null, stdout: readStdout(), stderr: readStderr() });
  return {
    command,
    result,
    async end(signal) {
      if (signal !== undefined) {
        interrupt();
        interrupt();
      }
      await ended;
      return result();
    },
  };
}

/** Enters a working directory and an environment. Returns a function that restores both. */
function enter({ cwd, env }: InProcessPlace): () => void {
  const before = { cwd: process.cwd(), env: { ...process.env } };
  const listeners = process.listeners('uncaughtException');
  process.chdir(cwd);
  setEnvironment(env);
  return () => {
    process.chdir(before.cwd);
    setEnvironment(before.env);
    // The program leaves its own to the end of its process.
    for (const listener of process.listeners('uncaughtException')) {
      if (!listeners.includes(listener)) process.off('uncaughtException', listener);
    }
  };
}

/** Changes the real environment, which also the system functions of Node read. */
function setEnvironment(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (env[name] === undefined) delete process.env[name];
  for (const [name, value] of Object.entries(env)) if (process.env[name] !== value) process.env[name] = value;
}

function createSink(): [Writable, () => string] {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return [stream, () => Buffer.concat(chunks).toString('utf8')];
}
