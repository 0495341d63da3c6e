import { spawn, spawnSync } from 'node:child_process';
import { expect, onTestFinished } from 'vitest';
import { createEnvironment, PROGRAM, type Workdir } from './workdir.js';

/** The built program on its own terminal, and the terminal's output. */
export interface TerminalProgram {
  /** Waits until a text is shown. */
  sees(text: string): Promise<void>;
  /** Presses keys. */
  type(keys: string): void;
  signal(name: NodeJS.Signals): void;
  /** Closes the terminal, like a broken connection, and waits for the end. Returns the exit code as a shell sees it. */
  hangUp(): Promise<number>;
  /** Waits for the end. Returns the exit code, all output, and the final terminal settings. */
  end(): Promise<{ readonly status: number | null; readonly text: string; readonly settings: string }>;
}

/** True if `script` from util-linux is available to create a terminal; other versions take other options. */
export const hasTerminal =
  process.platform === 'linux' &&
  (spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout ?? '').includes('util-linux');

/** Runs the built program on a new terminal. */
export function openTerminal(dir: Workdir, args: readonly string[], env: Readonly<Record<string, string>>) {
  const command = [process.execPath, PROGRAM, ...args].map(quote).join(' ');
  // The terminal sends its hang-up to the shell first. `exec` gives the program the process id that was written down.
  // The shell waits for the program to end, even without its terminal, and writes down the exit code.
  dir.write(
    'terminal.sh',
    [
      'trap : HUP',
      `sh -c 'echo $$ > pid; exec "$@"' sh ${command}`,
      'status=$?',
      'echo $status > status.new; mv status.new status',
      'echo "status=$status"; echo settings; stty -a',
    ].join('\n'),
  );
  const child = spawn('script', ['-qec', 'sh terminal.sh', '/dev/null'], {
    cwd: dir.path,
    env: { ...createEnvironment(), SHELL: '/bin/sh', TERM: 'xterm', ROWFILL_HOME: dir.home, ...env },
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  child.stdin.on('error', () => {});
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  const program: TerminalProgram = {
    sees: async (expected) => void (await expect.poll(() => text).toContain(expected)),
    type: (keys) => void child.stdin.write(keys),
    signal: (name) => void process.kill(Number(dir.read('pid')), name),
    async hangUp() {
      child.kill('SIGKILL');
      await expect.poll(() => dir.has('status')).toBe(true);
      return Number(dir.read('status'));
    },
    async end() {
      await closed;
      const [seen = '', settings = ''] = text.split('\nsettings');
      const status = /status=(\d+)/.exec(seen)?.[1];
      return { status: status === undefined ? null : Number(status), text: seen, settings };
    },
  };
  return program;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
