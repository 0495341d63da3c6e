import { PassThrough } from 'node:stream';
import { createHost, type Host } from '../../src/cli/host.js';
import type { Environment } from '../../src/model/environment.js';

/** A host whose streams, clock and signals the test controls. */
export interface TestHost extends Host {
  readonly stdin: PassThrough & { isTTY: boolean };
  readStdout(): string;
  readStderr(): string;
  /** Moves the clock. */
  pass(ms: number): void;
  /** Simulates Ctrl-C. */
  interrupt(): void;
  /** Exit codes of immediate exits. */
  readonly exits: readonly number[];
}

interface TestHostOptions {
  readonly isTerminal?: boolean;
  /** @default 100 */
  readonly columns?: number;
  readonly env?: Environment;
  readonly isDebug?: boolean;
  readonly isOutputClosed?: boolean;
  readonly outputError?: Error;
}

/** Creates a host with in-memory streams. `isTerminal` makes them look like a terminal of 100 columns. */
export function createTestHost(options: TestHostOptions = {}): TestHost {
  const isTTY = options.isTerminal ?? false;
  const stdin = Object.assign(new PassThrough(), { isTTY });
  const columns = options.columns ?? 100;
  const [stdout, readStdout] = createSink(isTTY, columns);
  const [stderr, readStderr] = createSink(isTTY, columns);
  const listeners = new Set<() => void>();
  const exits: number[] = [];
  let nowMs = Date.UTC(2026, 0, 1);
  const host = createHost(
    {
      version: '0.0.0',
      env: options.env ?? {},
      stdin,
      stdout,
      stderr,
      now: () => nowMs,
      isOutputClosed: () => options.isOutputClosed ?? false,
      readOutputError: () => options.outputError ?? null,
      exit: (code) => {
        exits.push(code);
        throw new Error(`left with ${code}`);
      },
      onInterrupt(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    options.isDebug ?? false,
  );
  return {
    ...host,
    stdin,
    readStdout,
    readStderr,
    pass: (ms) => {
      nowMs += ms;
    },
    interrupt: () => {
      for (const listener of listeners) listener();
    },
    exits,
  };
}

function createSink(
  isTTY: boolean,
  columns: number,
): [PassThrough & { isTTY: boolean; columns: number }, () => string] {
  const stream = Object.assign(new PassThrough(), { isTTY, columns });
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  return [
    stream,
    () => {
      // Read what was written but not yet emitted.
      for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) void chunk;
      return text;
    },
  ];
}
