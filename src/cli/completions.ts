import yargs from 'yargs';
import type { OptionTable } from './command.js';
import { COMMANDS } from './commands.js';
import type { Host } from './host.js';
import { COMMON_OPTIONS, formatFlag } from './parse-args.js';
import { EXIT_CODES } from './report-error.js';

/** Prints completions for the shell. `words` is the command line so far, starting with the program's name. */
export async function printCompletions(words: readonly string[], host: Host): Promise<number> {
  const parser = yargs().locale('en').scriptName('rowfill').help(false).version(false).exitProcess(false);
  const entry = COMMANDS.find((candidate) => candidate.name === words[1]);
  if (entry !== undefined && words.length > 2) {
    describeOptions(parser, { ...(await entry.load()).options, ...COMMON_OPTIONS });
  } else {
    describeOptions(parser, COMMON_OPTIONS);
    for (const { name, summary } of COMMANDS) parser.command(name, summary);
  }
  const completions: unknown = await parser.getCompletion([...words]);
  const lines = Array.isArray(completions) ? completions.map(String) : [];
  // yargs also offers the one-letter aliases with two dashes, which are not valid.
  host.print(
    lines
      .filter((line) => !/^--.(?:[:\t]|$)/.test(line))
      .map((line) => `${line}\n`)
      .join(''),
  );
  return EXIT_CODES.done;
}

/** Registers the options of a table with yargs. */
function describeOptions(parser: ReturnType<typeof yargs>, table: OptionTable): void {
  for (const [name, spec] of Object.entries(table)) {
    parser.option(formatFlag(name), {
      describe: spec.about,
      ...(spec.alias === undefined ? {} : { alias: spec.alias }),
      ...(spec.kind === 'switch' ? { boolean: true } : { string: true }),
    });
  }
}
