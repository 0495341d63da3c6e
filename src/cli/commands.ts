import type { Command } from './command.js';

export interface CommandEntry {
  readonly name: string;
  /** Positional arguments; those in brackets are optional. */
  readonly operands: readonly string[];
  readonly summary: string;
  load(): Promise<Command>;
}

/** All commands. The file of a command is loaded only when needed. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'run',
    operands: ['INPUT'],
    summary: 'fill a file; run it again to continue',
    load: async () => (await import('./commands/run.js')).run,
  },
  {
    name: 'plan',
    operands: ['INPUT'],
    summary: 'show what run would send, the number of runs, worst cost and likely time; free',
    load: async () => (await import('./commands/plan.js')).plan,
  },
  {
    name: 'status',
    operands: ['[JOB]'],
    summary: 'list the jobs in the ledger and their progress',
    load: async () => (await import('./commands/status.js')).status,
  },
  {
    name: 'export',
    operands: ['JOB'],
    summary: 'write the output again from the ledger, in any format',
    load: async () => (await import('./commands/export.js')).exportCommand,
  },
  {
    name: 'diff',
    operands: ['JOB|A', '[B]'],
    summary: 'show what the last run of a job changed, or what differs between two files; free',
    load: async () => (await import('./commands/diff.js')).diff,
  },
  {
    name: 'view',
    operands: ['[JOB|FILE]'],
    summary: 'open a job in the browser: watch it fill, look at sources, correct values',
    load: async () => (await import('./commands/view.js')).view,
  },
  {
    name: 'report',
    operands: ['[JOB|FILE]'],
    summary: 'write one HTML file about a job, to mail or to keep',
    load: async () => (await import('./commands/report.js')).report,
  },
  {
    name: 'verify',
    operands: ['JOB'],
    summary: 'open the cited pages and look for each value there; free',
    load: async () => (await import('./commands/verify.js')).verify,
  },
  {
    name: 'cancel',
    operands: ['JOB'],
    summary: 'cancel the active runs of a job',
    load: async () => (await import('./commands/cancel.js')).cancel,
  },
  {
    name: 'prune',
    operands: [],
    summary: 'delete old raw runs and old asks from the ledger',
    load: async () => (await import('./commands/prune.js')).prune,
  },
  {
    name: 'forget',
    operands: ['JOB'],
    summary: 'delete a job with its answers and raw runs from the ledger',
    load: async () => (await import('./commands/forget.js')).forget,
  },
  {
    name: 'ledger',
    operands: ['check|copy|create', '[FROM]', '[TO]'],
    summary: 'check, copy or create a ledger',
    load: async () => (await import('./commands/ledger.js')).ledger,
  },
  {
    name: 'watch',
    operands: ['DIR'],
    summary: 'fill files as they are dropped into a folder; --once for cron',
    load: async () => (await import('./commands/watch.js')).watch,
  },
  {
    name: 'worker',
    operands: [],
    summary: 'run batches of the jobs of a shared ledger, on as many machines as you like',
    load: async () => (await import('./commands/worker.js')).worker,
  },
  {
    name: 'serve',
    operands: [],
    summary: 'serve the Agent Runs API on this machine, to try jobs for free',
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
    summary: 'check key, agent, ledger and disk, and say how to fix problems',
    load: async () => (await import('./commands/doctor.js')).doctor,
  },
  {
    name: 'completion',
    operands: [],
    summary: 'print a completion script for bash, zsh or fish',
    load: async () => (await import('./commands/completion.js')).completion,
  },
];
