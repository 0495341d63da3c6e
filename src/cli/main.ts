#!/usr/bin/env node
import * as nodeModule from 'node:module';
import { VERSION } from '../model/version.js';

const words = process.argv.slice(2);

// Answered before anything else is loaded.
if (words.length === 1 && (words[0] === '--version' || words[0] === '-V')) {
  process.stdout.write(`${VERSION}\n`);
} else {
  // Newer releases of Node keep compiled code from one start to the next.
  if ('enableCompileCache' in nodeModule && typeof nodeModule.enableCompileCache === 'function') {
    nodeModule.enableCompileCache();
  }
  const { setFlagsFromString } = process.getBuiltinModule('node:v8');
  // Cleaned at twice what is in use, not at four times: a fifth less memory, and no more work that could be told.
  setFlagsFromString('--heap-growing-percent=100');
  // The parser of undici is WebAssembly: to compile it once more, better, costs 40 MB and more time than a short job has.
  setFlagsFromString('--wasm-tiering-budget=1000000000');
  // Without a terminal, as under nohup or a service manager, a hang-up is no end: Node forgets that it was to be ignored.
  // Windows ends a program whose console is closed in any case.
  const { isatty } = process.getBuiltinModule('node:tty');
  const canHangUp = process.platform === 'win32' || [0, 1, 2].some((fd) => isatty(fd));
  if (!canHangUp) process.on('SIGHUP', () => undefined);
  let isOutputClosed = false;
  let isTerminalGone = false;
  let outputError: Error | null = null;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    isTerminalGone ||= error.code === 'EIO';
    if (error.code === 'EPIPE' || error.code === 'EIO') isOutputClosed = true;
    else if (!isOutputClosed) outputError ??= error;
  });
  // Words that cannot be written, as on a full disk, end no paid job: the output and the exit code still tell.
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    isTerminalGone ||= error.code === 'EIO';
  });
  // Whoever reads it deals with all else.
  process.stdin.on('error', (error: NodeJS.ErrnoException) => {
    isTerminalGone ||= error.code === 'EIO';
  });
  if (/^[a-z]+$/.test(words[0] ?? '')) preload(`./commands/${words[0]}.js`);
  const { runProgram } = await import('./program.js').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EMFILE' && error.code !== 'ENFILE') throw error;
    process.stderr.write('error: too many files are open [TOO_MANY_FILES]\n');
    process.stderr.write('what to do: raise the limit, such as with ulimit -n 1024\n');
    return process.exit(2);
  });
  process.exitCode = await runProgram(words, {
    version: VERSION,
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    now: Date.now,
    isOutputClosed: () => isOutputClosed,
    readOutputError: () => outputError,
    exit: (code) => process.exit(code),
    onInterrupt(listener) {
      let isHungUp = false;
      // A terminal that goes away says so twice, by the system and by its shell: that is no second Ctrl-C.
      const hangUp = (): void => {
        if (!isHungUp) listener();
        isHungUp = true;
      };
      process.on('SIGINT', listener);
      process.on('SIGTERM', listener);
      if (canHangUp) process.on('SIGHUP', hangUp);
      return () => {
        process.off('SIGINT', listener);
        process.off('SIGTERM', listener);
        process.off('SIGHUP', hangUp);
      };
    },
  });
  // Left in the usual way, Node would put back the settings of a terminal that is gone, and abort over that.
  if (isTerminalGone) process.kill(process.pid, 'SIGHUP');
}

/** Loads a command by `require`, which waits for no file: a sixth faster than the import, which then finds it loaded. */
function preload(path: string): void {
  try {
    nodeModule.createRequire(import.meta.url)(path);
  } catch {
    // There is no such command, or it cannot be loaded: the program finds out too, and knows how to say it.
  }
}
