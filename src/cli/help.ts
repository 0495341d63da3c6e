import type { Command, Example, OptionSpec } from './command.js';
import type { CommandEntry } from './commands.js';
import { COMMON_OPTIONS, formatFlag } from './parse-args.js';
import { wrapText } from './wrap-text.js';

/** What `rowfill --help` prints. */
export function formatProgramHelp(entries: readonly CommandEntry[], version: string, width: number): string {
  const names = entries.map((entry) => [entry.name, ...entry.operands].join(' '));
  return join([
    `rowfill ${version}`,
    wrapText(ABOUT, width),
    'Usage: rowfill COMMAND [options]',
    formatSection(
      'Commands',
      entries.map((entry, index) => [names[index] ?? entry.name, entry.summary]),
      width,
    ),
    formatOptions('Options', Object.entries(COMMON_OPTIONS), width),
    formatExamples(EXAMPLES),
    formatSection('Exit codes', EXITS, width),
    'Run rowfill COMMAND --help for help on a command.',
  ]);
}

/** What `rowfill COMMAND --help` prints. */
export function formatCommandHelp(entry: CommandEntry, command: Command, width: number): string {
  const groups = new Map<string, [string, OptionSpec][]>();
  for (const [name, spec] of Object.entries<OptionSpec>({ ...command.options, ...COMMON_OPTIONS })) {
    const group = spec.group ?? 'Options';
    groups.set(group, [...(groups.get(group) ?? []), [name, spec]]);
  }
  return join([
    `Usage: rowfill ${[entry.name, ...entry.operands].join(' ')} [options]`,
    wrapText(command.about, width),
    ...[...groups].map(([group, options]) => formatOptions(group, options, width)),
    formatExamples(command.examples),
  ]);
}

const ABOUT =
  'Fills the empty columns of a CSV, JSONL or Excel file with a web-research agent. Every cell is cited, every dollar ' +
  'is counted, every row is accounted for, and nothing is paid for twice.';

const EXAMPLES: readonly Example[] = [
  {
    line: "rowfill run companies.csv -q 'Find where each company has its headquarters.' -f hq_city -f founded:integer",
    about:
      'fills two columns; the agent’s key comes from EXA_API_KEY or the file that EXA_API_KEY_FILE names',
  },
  {
    line: 'rowfill run companies.csv --reference ./tables -f hq_city',
    about: 'answers from your own tables, for free and offline',
  },
];

const EXITS: readonly (readonly [string, string])[] = [
  ['0', 'done; no rows failed'],
  ['1', 'a bug in rowfill'],
  ['2', 'invalid command line or file; nothing was spent unless the message says so'],
  ['3', 'the agent rejected the key, the credits or the plan'],
  ['4', 'the agent cannot be reached or keeps failing'],
  ['5', 'budget reached; the output is written'],
  ['6', 'done; some rows failed'],
  ['7', 'ended early: nothing was found (--keep-going continues), or rows or files are left'],
  ['75', 'busy: another process is working on this job'],
  ['130', 'interrupted; the output is written, and the same command continues'],
];

function join(parts: readonly string[]): string {
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function formatOptions(title: string, options: readonly [string, OptionSpec][], width: number): string {
  return formatSection(
    title,
    options.map(([name, spec]) => [formatOption(name, spec), formatAbout(spec)]),
    width,
  );
}

function formatOption(name: string, spec: OptionSpec): string {
  const short = spec.alias === undefined ? '    ' : `-${spec.alias}, `;
  return `${short}--${formatFlag(name)}${spec.value === undefined ? '' : ` ${spec.value}`}`;
}

function formatAbout(spec: OptionSpec): string {
  const notes = [
    ...(spec.kind === 'texts' ? ['repeatable'] : []),
    ...(spec.fallback === undefined ? [] : [`default: ${spec.fallback}`]),
  ];
  return notes.length === 0 ? spec.about : `${spec.about} [${notes.join('; ')}]`;
}

function formatExamples(examples: readonly Example[]): string {
  if (examples.length === 0) return '';
  return ['Examples:', ...examples.flatMap(({ line, about }) => [`  ${line}`, `      ${about}`])].join('\n');
}

/** A titled list of names with their texts next to them, or below a name that is too long. */
function formatSection(
  title: string,
  entries: readonly (readonly [string, string])[],
  width: number,
): string {
  const column = Math.min(30, 4 + Math.max(...entries.map(([name]) => name.length)));
  const indent = ' '.repeat(column);
  const lines = entries.map(([name, text]) => {
    const head = `  ${name}`;
    const body = wrapText(`${indent}${text}`, width);
    return head.length + 2 <= column ? head.padEnd(column) + body.slice(column) : `${head}\n${body}`;
  });
  return [`${title}:`, ...lines].join('\n');
}
