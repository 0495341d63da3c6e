import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';

const SCRIPT = join(import.meta.dirname, 'ledger-child.mjs');
const MOVED_CLOCK = pathToFileURL(join(import.meta.dirname, 'moved-clock.mjs')).href;
const BUILT = join(import.meta.dirname, '../../dist/ledger/sqlite/sqlite-ledger.js');

export interface LedgerChild {
  readonly pid: number;
  /** Lines printed so far. */
  readonly lines: readonly string[];
  /** Resolves once it has printed N lines or has ended. */
  waitForLines(count: number): Promise<void>;
  /** Writes a line to its standard input. */
  write(line: string): void;
  kill(): Promise<void>;
  /** Resolves once it has exited by itself. */
  end(): Promise<void>;
}

/**
 * Starts a process that works on a ledger: name of the store, what to do, place of the ledger. `fileBlocks` limits the
 * size of each file it writes, in KiB. `clockFile` has how far its clock is ahead, in ms.
 */
export function startLedgerChild(
  args: readonly string[],
  fileBlocks: number | null = null,
  clockFile: string | null = null,
): LedgerChild {
  if (!existsSync(BUILT)) throw new Error('dist/ is missing: npm run build makes it');
  const preload = clockFile === null ? [] : ['--import', MOVED_CLOCK];
  const command = [process.execPath, ...preload, SCRIPT, ...args];
  const env = clockFile === null ? process.env : { ...process.env, TEST_CLOCK_FILE: clockFile };
  const child: ChildProcess =
    fileBlocks === null
      ? spawn(command[0] ?? '', command.slice(1), { env, stdio: ['pipe', 'pipe', 'inherit'] })
      : spawn('bash', ['-c', `ulimit -f ${fileBlocks}; exec "$@"`, 'bash', ...command], {
          stdio: ['pipe', 'pipe', 'inherit'],
        });
  const ended = once(child, 'close');
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const reader = createInterface({ input: child.stdout ?? process.stdin });
  reader.on('line', (line) => {
    lines.push(line);
    for (const check of waiting) check();
  });
  const result: LedgerChild = {
    pid: child.pid ?? 0,
    lines,
    async waitForLines(count) {
      const said = new Promise<void>((resolve) => {
        const check = (): void => {
          if (lines.length < count) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      });
      await Promise.race([said, ended]);
    },
    write(line) {
      child.stdin?.write(`${line}\n`);
    },
    async kill() {
      child.kill('SIGKILL');
      await ended;
    },
    async end() {
      await ended;
    },
  };
  onTestFinished(() => result.kill());
  return result;
}
