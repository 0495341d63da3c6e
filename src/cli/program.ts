import type { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { createUsageError } from '../errors.js';
import { suggestSimilar } from '../model/format.js';
import { COMMANDS, type CommandEntry } from './commands.js';
import { formatCommandHelp, formatProgramHelp } from './help.js';
import { createHost, type HostParts } from './host.js';
import { readArgs } from './parse-args.js';
import { refusePasswords } from './refuse-passwords.js';
import { EXIT_CODES, reportError, reportFailure } from './report-error.js';

/** Runs the command line and returns the exit code. Never throws. */
export async function runProgram(words: readonly string[], parts: HostParts): Promise<number> {
  const host = createHost(parts, words.includes('--debug'));
  process.once('uncaughtException', (error) => parts.exit(reportFailure(error, words, host)));
  try {
    const code = await dispatch(words, host);
    await drain(parts.stdout);
    const error = parts.readOutputError();
    if (error === null || code !== EXIT_CODES.done) return code;
    const { explainWriteError } = await import('../write/byte-sink.js');
    return reportError(explainWriteError('standard output', error), host);
  } catch (error) {
    const code = reportFailure(error, words, host);
    await drain(parts.stdout);
    return code;
  }
}

/** Waits until everything written to a stream was flushed, or failed. */
async function drain(stream: Writable): Promise<void> {
  const isOpen = !stream.destroyed && !stream.writableEnded;
  if (isOpen && stream.writableLength > 0) await new Promise((resolve) => stream.write('', resolve));
  // An error event arrives on the next turn of the event loop.
  await setImmediate();
}

async function dispatch(words: readonly string[], host: ReturnType<typeof createHost>): Promise<number> {
  const width = Math.min(110, Math.max(60, host.stdout.columns ?? 100));
  const asked = words.filter((word) => word !== '--debug');
  const [name, ...rest] = asked;
  if (name === '--get-yargs-completions') {
    const { printCompletions } = await import('./completions.js');
    return printCompletions(rest, host);
  }
  refusePasswords(asked);
  if (name === undefined || name === '--help' || name === '-h' || (name === 'help' && rest.length === 0)) {
    const help = formatProgramHelp(COMMANDS, host.version, width);
    if (name !== undefined) host.print(help);
    else host.say(help.trimEnd());
    return name === undefined ? EXIT_CODES.usage : EXIT_CODES.done;
  }
  if (name === '--version' || name === '-V' || rest.includes('--version')) {
    host.print(`${host.version}\n`);
    return EXIT_CODES.done;
  }
  const entry = findEntry(name === 'help' ? (rest[0] ?? '') : name);
  const command = await entry.load();
  if (name === 'help' || rest.includes('--help') || rest.includes('-h')) {
    host.print(formatCommandHelp(entry, command, width));
    return EXIT_CODES.done;
  }
  return command.run(readArgs(rest, entry, command.options), host);
}

function findEntry(name: string): CommandEntry {
  const entry = COMMANDS.find((candidate) => candidate.name === name);
  if (entry !== undefined) return entry;
  if (name.startsWith('-')) {
    throw createUsageError(
      'UNKNOWN_OPTION',
      `the first argument must be a command, not ${name}`,
      'For example: rowfill run companies.csv --help',
    );
  }
  const names = COMMANDS.map((candidate) => candidate.name);
  const near = suggestSimilar(name, names);
  throw createUsageError(
    'UNKNOWN_COMMAND',
    `unknown command “${name}”`,
    near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `The commands are: ${names.join(', ')}.`,
  );
}
