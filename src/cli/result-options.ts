import type { OptionTable } from './command.js';

const FILES = 'Files';
const MONEY = 'Money';
/** The heading over the options that say what is told. */
export const REPORT = 'What it tells';

/** The options that say what becomes of a job and who hears of it; `plan` takes them as well, and does nothing with them. */
export const RESULT_OPTIONS = {
  yes: {
    kind: 'switch',
    alias: 'y',
    group: MONEY,
    about: 'Start without a question, whatever it costs.',
  },
  cancelOnInterrupt: {
    kind: 'switch',
    group: MONEY,
    about: 'On Ctrl-C, cancel the runs at the agent; else they go on, and the same command picks them up.',
  },
  output: {
    kind: 'text',
    alias: 'o',
    value: 'FILE',
    group: FILES,
    about: 'Where the result goes; - is standard output. A file of this name is replaced.',
    fallback: 'companies.filled.csv for companies.csv, or companies.filled-2.csv beside another job’s',
  },
  format: {
    kind: 'text',
    value: 'FORMAT',
    group: FILES,
    about: 'The format of the result: csv, jsonl, json or xlsx.',
    fallback: 'that of the input, or what the ending of the output says',
  },
  citationsFile: {
    kind: 'text',
    value: 'FILE',
    group: FILES,
    about: 'Write every citation there too, one JSON object a line.',
  },
  bom: { kind: 'switch', group: FILES, about: 'Begin a CSV with a byte order mark, for Excel.' },
  raw: {
    kind: 'switch',
    group: FILES,
    about:
      'Write the agent’s text as it came: formulas that a spreadsheet would run, control characters and all.',
  },
  quiet: { kind: 'switch', group: REPORT, about: 'Say nothing but errors and questions.' },
  logFile: {
    kind: 'text',
    value: 'FILE',
    group: REPORT,
    about: 'Add one JSON object an event to FILE; it holds no cells and no key.',
  },
  logValues: {
    kind: 'switch',
    group: REPORT,
    about: 'Put the values that the agent gave into the log, with each row.',
  },
} as const satisfies OptionTable;
