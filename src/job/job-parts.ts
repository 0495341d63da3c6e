import { resolve } from 'node:path';
import type { Ledger } from '../ledger/ledger.js';
import type { JobParts, JobRecord } from '../ledger/records.js';
import type { Ask } from '../model/ask.js';
import { isDescriptorPath } from '../model/descriptor-path.js';
import type { JsonObject, JsonValue } from '../model/json.js';
import type { EnrichOptions, Settings } from '../options.js';

/** The options that `export` needs to write the output of a job again. */
export const KEPT = [
  'exclude',
  'excludeOn',
  'limit',
  'sample',
  'delimiter',
  'encoding',
  'sheet',
  'header',
  'overwrite',
  'blank',
  'raw',
  'bom',
] as const;

/** Before the name of an input that has no path of its own; no absolute path starts so. */
const NAMED = 'rows:';

/** True where the input of a job can be read once more. */
export function isKeptInput(input: string): boolean {
  return input !== '-' && !input.startsWith(NAMED);
}

export type KeptOptions = Pick<EnrichOptions, (typeof KEPT)[number]>;

/** A job as the ledger writes it down: never with a key. */
export function createJobParts(
  settings: Settings,
  ask: Ask,
  ledger: Ledger,
  nowMs: number,
  folder?: string,
): JobParts {
  const { options, output } = settings;
  const { name } = options;
  const input = name === undefined ? resolvePath(options.input) : `${NAMED}${name}`;
  const earlier = ledger.findJob(ask.id, input);
  const refresh = settings.refresh ? { refresh_since: readRefreshSince(earlier, nowMs) } : {};
  return {
    ask,
    input,
    output: name === undefined ? resolvePath(output) : '-',
    settings: { options: keepOptions(options), ...refresh },
    folder,
    keepGoing: options.keepGoing === true,
  };
}

/** A refresh that did not reach its end goes on from where it began, or it would buy its first half again. */
function readRefreshSince(earlier: JobRecord | null, nowMs: number): number {
  const since = earlier?.settings.refresh_since;
  return typeof since === 'number' && earlier?.stop !== 'done' ? since : nowMs;
}

/** What `createJobParts` kept. */
export function readKeptOptions(settings: JsonObject): KeptOptions {
  // Written by `keepOptions`, and by nobody else.
  return (settings.options ?? {}) as KeptOptions;
}

function keepOptions(options: EnrichOptions): JsonObject {
  const kept: Record<string, JsonValue> = {};
  for (const name of KEPT) {
    const value = options[name];
    if (value !== undefined) kept[name] = name === 'exclude' ? resolve(String(value)) : (value as JsonValue);
  }
  return kept;
}

/** What a pipe such as `<(…)` is called changes from one start to the next, so it is standard input by another name. */
function resolvePath(path: string): string {
  return path === '-' || isDescriptorPath(path) ? '-' : resolve(path);
}
