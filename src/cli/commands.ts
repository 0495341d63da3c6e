import type { Command } from './command.js';

export interface CommandEntry {
  readonly name: string;
  /** The words after the name; one in brackets may be left out. */
  readonly operands: readonly string[];
  readonly summary: string;
  load(): Promise<Command>;
}

/** Every command of the program. A command's own file is loaded when it is called for, and not before. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'run',
    operands: ['INPUT'],
    summary: 'fill a file: the main job; the same command again carries on',
    load: async () => (await import('./commands/run.js')).run,
  },
  {
    name: 'plan',
    operands: ['INPUT'],
    summary: 'what that would send, how many runs, worst cost, likely time; spends nothing',
    load: async () => (await import('./commands/plan.js')).plan,
  },
  {
    name: 'status',
    operands: ['[JOB]'],
    summary: 'jobs in the ledger, and how far each one is',
    load: async () => (await import('./commands/status.js')).status,
  },
  {
    name: 'export',
    operands: ['JOB'],
    summary: 'write the output again from the ledger, in any format',
    load: async () => (await import('./commands/export.js')).exportCommand,
  },
  {
    name: 'cancel',
    operands: ['JOB'],
    summary: 'cancel the runs of a job at the agent',
    load: async () => (await import('./commands/cancel.js')).cancel,
  },
  {
    name: 'prune',
    operands: [],
    summary: 'delete old raw runs and old asks from the ledger',
    load: async () => (await import('./commands/prune.js')).prune,
  },
  {
    name: 'watch',
    operands: ['DIR'],
    summary: 'fill files as they are dropped into a folder; --once for cron',
    load: async () => (await import('./commands/watch.js')).watch,
  },
  {
    name: 'serve',
    operands: [],
    summary: 'the Agent Runs API on this machine, to try jobs on for free',
    load: async () => (await import('./commands/serve.js')).serve,
  },
  {
    name: 'init',
    operands: ['INPUT'],
    summary: 'write a first recipe from a file’s header',
    load: async () => (await import('./commands/init.js')).init,
  },
  {
    name: 'doctor',
    operands: [],
    summary: 'key, agent, ledger, disk: what works and what to do about the rest',
    load: async () => (await import('./commands/doctor.js')).doctor,
  },
  {
    name: 'completion',
    operands: [],
    summary: 'print the script that lets bash, zsh or fish complete rowfill',
    load: async () => (await import('./commands/completion.js')).completion,
  },
];
