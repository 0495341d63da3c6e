import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { listTables } from '../agents/reference/list-tables.js';
import { createUsageError, describeError, describeSystemError } from '../errors.js';
import type { JobParts, JobRecord, Ledger } from '../ledger/ledger.js';
import { type Ask, createAsk, type Field, hashText, isEmbedded, TABLE_STATE } from '../model/ask.js';
import { type Blanks, createBlanks, isWeakWord } from '../model/blank.js';
import { findColumn, suggestColumns } from '../model/column-name.js';
import { checkFieldNames, createSchema, listFields, parseField } from '../model/field.js';
import { holdsObjects } from '../model/file-format.js';
import { formatPart, showName } from '../model/format.js';
import { isJsonObject, isNumberKey, type JsonObject, type JsonValue, parseMembers } from '../model/json.js';
import { isOwnColumn } from '../model/output-columns.js';
import { spellPath } from '../model/path-spelling.js';
import { isDescriptorPath, isStandardInput, OversizeError, readWholeFile } from '../model/read-file.js';
import { getValue } from '../model/row.js';
import { HOSTED_URL } from '../model/run.js';
import { compileSchema, SchemaError } from '../model/schema.js';
import type { AgentChoice, EnrichOptions, Settings } from '../options.js';
import type { Input } from '../read/open-input.js';
import type { ReturnedFile } from './returned-file.js';
import { hasColumn, isFilled, listSentFrom } from './sent-columns.js';

/**
 * Creates the ask from the settings and the input's columns. Of a filled file that was returned, the same columns are
 * sent as before; its fields, and what rowfill wrote beside them, are sent only if named. Throws a usage error for an unusable schema, a field that
 * cannot be a column, or an unknown column to send.
 */
export async function resolveAsk(
  settings: Settings,
  input: AskedInput,
  returned: Pick<ReturnedFile, 'fieldNames' | 'asks'> | null = null,
  signal?: AbortSignal,
): Promise<Ask> {
  const { options } = settings;
  const { schema, fields } = await resolveColumns(options, signal);
  checkOnly(settings, fields);
  return createAsk({
    agent: await describeAgent(settings.agent),
    query: settings.query,
    system: options.system ?? null,
    schema,
    fields,
    send: await resolveSend(
      options,
      input,
      fields.map((field) => field.name),
      returned,
    ),
    efforts: settings.efforts,
    escalateBelow: settings.escalateBelow,
  });
}

function checkOnly({ only, options }: Settings, fields: readonly Field[]): void {
  for (const [index, name] of [...(only ?? [])].entries()) {
    if (fields.some((field) => field.name === name)) continue;
    throw createUsageError(
      'UNKNOWN_FIELD',
      `${describeOrigin(options.origins, `only/${index}`, '--only')} names ${showPart(name)}, which is not a field`,
      `The fields are ${fields.map((field) => showPart(field.name)).join(', ')}.`,
    );
  }
}

/** What the ask needs to know about an input. */
type AskedInput = Pick<Input, 'columns' | 'shape' | 'readColumns'>;

/** Resolves the columns to fill. Throws a usage error for an unusable schema or field. */
export async function resolveFields(options: EnrichOptions): Promise<readonly Field[]> {
  return (await resolveColumns(options)).fields;
}

interface AskedColumns {
  readonly schema: JsonObject;
  readonly fields: readonly Field[];
}

async function resolveColumns(options: EnrichOptions, signal?: AbortSignal): Promise<AskedColumns> {
  try {
    const { schema, order } = await resolveSchema(options, signal);
    const fields = sortFields(listFields(schema), order);
    checkFieldNames(fields.map((field) => field.name));
    return { schema, fields };
  } catch (error) {
    if (!(error instanceof SchemaError) || options.schema === undefined) throw error;
    throw createUsageError(error.code, `${options.schema}: ${error.message}`, error.hint ?? '', error);
  }
}

interface OrderedSchema {
  readonly schema: JsonObject;
  /** Names of the fields as they were given: JavaScript puts names that are numbers first. */
  readonly order: readonly string[];
}

function sortFields(fields: readonly Field[], order: readonly string[]): readonly Field[] {
  const places = new Map(order.map((name, index) => [name, index]));
  const placeOf = ({ name }: Field): number => places.get(name) ?? order.length;
  return [...fields].sort((a, b) => placeOf(a) - placeOf(b));
}

async function resolveSchema(options: EnrichOptions, signal?: AbortSignal): Promise<OrderedSchema> {
  const { schema: path, schemaObject, fields = [] } = options;
  const ways = [path !== undefined, schemaObject !== undefined, fields.length > 0].filter(Boolean).length;
  if (ways > 1) {
    throw createUsageError('TWO_SCHEMAS', '--schema and --field cannot be used together', 'Use one of them.');
  }
  if (path !== undefined) return readSchema(path, signal);
  if (schemaObject !== undefined) {
    // A copy as JSON, which drops what a schema library adds besides.
    const schema = JSON.parse(JSON.stringify(schemaObject)) as JsonObject;
    compileSchema(schema);
    return { schema, order: listRequired(schema) };
  }
  if (fields.length > 0) {
    const parsed = fields.map(parseField);
    return { schema: createSchema(parsed), order: parsed.map(({ name }) => name) };
  }
  throw createUsageError(
    'NOTHING_TO_FILL',
    'no column to fill is set',
    "Set columns with --field, such as --field 'ceo=Who leads it today', or use --schema FILE or --recipe FILE.",
  );
}

/**
 * The required fields of a schema if their names are numbers, because only this list still has their order. Empty for
 * any other schema.
 */
function listRequired({ properties, required }: JsonObject): readonly string[] {
  if (!isJsonObject(properties) || !Object.keys(properties).some(isNumberKey)) return [];
  return Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
}

/** Far longer than any schema. */
const MAX_SCHEMA_BYTES = 16 * 1024 * 1024;

async function readSchema(path: string, signal?: AbortSignal): Promise<OrderedSchema> {
  const bytes = await readWholeFile(path, MAX_SCHEMA_BYTES, signal).catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw createUsageError(
      cause instanceof OversizeError ? 'SCHEMA_TOO_LARGE' : 'SCHEMA_NOT_FOUND',
      `cannot read the schema ${path}: ${describeSystemError(cause)}`,
      'Set --schema to the path of a JSON Schema.',
      cause,
    );
  });
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  let schema: unknown;
  try {
    schema = JSON.parse(text);
  } catch (cause) {
    throw createUsageError(
      'SCHEMA_NOT_JSON',
      `the schema ${path} is not valid JSON: ${describeError(cause)}`,
      'Correct the file. JSON uses double quotes, without comments or a comma before a closing bracket.',
    );
  }
  if (!isJsonObject(schema)) {
    throw createUsageError(
      'SCHEMA_NOT_AN_OBJECT',
      `the schema ${path} is not a JSON object`,
      'Use an object schema whose properties are the columns to fill.',
    );
  }
  compileSchema(schema);
  return { schema, order: listPropertyNames(text) };
}

/** The names in `properties` of a schema's text, in its order. */
function listPropertyNames(text: string): readonly string[] {
  const properties = parseMembers(text).findLast(({ key }) => key === 'properties');
  if (properties === undefined) return [];
  return parseMembers(text.slice(properties.start, properties.end)).map(({ key }) => key);
}

async function resolveSend(
  { send: wanted, origins, plain }: EnrichOptions,
  input: AskedInput,
  fields: readonly string[],
  returned: Pick<ReturnedFile, 'fieldNames' | 'asks'> | null,
): Promise<readonly string[]> {
  // Known columns need no scan of the whole file.
  if (wanted === undefined || wanted.some((column) => !hasColumn(input, column))) await input.readColumns();
  const { columns } = input;
  if (wanted === undefined) {
    // A filled file is asked about as before, or every row would be another question.
    const own = returned?.asks.at(-1);
    const before = own === undefined ? [] : listSentFrom(own, input, fields);
    if (before.length > 0) return before;
    // Confidence and citations beside a field change with each answer. In a JSON file, such keys are the user's.
    const besides = returned?.fieldNames ?? (holdsObjects(input.shape) || plain === true ? null : fields);
    const others = columns.filter(
      (column) => !isFilled(column, fields) && (besides === null || !isOwnColumn(column, besides)),
    );
    if (others.length > 0) return others;
    throw createUsageError(
      'NOTHING_TO_SEND',
      'all columns of the input are to be filled, so there is nothing to send',
      'Use --send to name the columns that identify a row.',
    );
  }
  const found: string[] = [];
  for (const [index, column] of wanted.entries()) {
    const known = hasColumn(input, column) ? column : findColumn(column, columns);
    if (known !== null) {
      found.push(known);
      continue;
    }
    const list =
      columns.length > 0 ? `The columns are ${columns.map(showPart).join(', ')}.` : 'No row could be read.';
    const hint = suggestColumns(column, columns, showPart) ?? list;
    const where = describeOrigin(origins, `send/${index}`, '--send');
    throw createUsageError(
      'UNKNOWN_COLUMN',
      `${where} names ${showPart(column)}, which the input does not have`,
      hint,
    );
  }
  return [...new Set(found)];
}

/** Formats a column as the user would type it, with escapes for invisible characters. */
function showPart(column: string): string {
  const shown = showName(column);
  return shown === column ? formatPart(column) : shown;
}

/**
 * Identifies the agent as a part of the ask, so that answers from a rehearsal or reference tables are not mixed up with
 * those of the service. For a folder of tables, includes their state, so that rows are looked up again after a change.
 */
export async function describeAgent(agent: AgentChoice): Promise<string> {
  switch (agent.kind) {
    case 'hosted':
      return HOSTED_URL;
    case 'url':
      return agent.url.replace(/\/+$/, '');
    case 'reference':
      return `${resolve(agent.directory)}#${await readState(agent)}`;
  }
}

/** Returns the URL of an ask's agent; null for an embedded one. */
export function findAgentUrl(ask: Pick<Ask, 'agent'>): string | null {
  return isEmbedded(ask) ? null : ask.agent;
}

/** True if two asks are equal except for the state of the reference tables. */
export function isSameAsk(one: Ask, other: Ask): boolean {
  const [a, b] = [one, other].map(
    (ask) => createAsk({ ...ask, agent: ask.agent.replace(TABLE_STATE, '') }).id,
  );
  return a === b;
}

/** Hashes the state of all tables. An unreadable folder counts as empty; the agent reports the error. */
async function readState({
  directory,
  omit,
  lookUp,
}: AgentChoice & { readonly kind: 'reference' }): Promise<string> {
  const paths = await listTables(directory, omit).catch(() => []);
  const files = await Promise.all(
    paths.map(async (path) => {
      const facts = await stat(path).catch(() => null);
      return [basename(path), facts?.size ?? 0, facts?.mtimeMs ?? 0];
    }),
  );
  const chosen = Object.keys(lookUp).length === 0 ? [] : [lookUp];
  return hashText(JSON.stringify([...files, ...chosen]), 16);
}

/** Names an option, or an entry such as `send/0`, for messages: its place in the recipe or else its flag. */
export function describeOrigin(origins: EnrichOptions['origins'], name: string, flag: string): string {
  return origins?.[name] ?? flag;
}

/** Options stored with a job, which `export` needs to write its output again. */
export const KEPT = [
  'exclude',
  'excludeOn',
  'limit',
  'sample',
  'delimiter',
  'encoding',
  'sheet',
  'header',
  'headerRow',
  'quote',
  'rowsAt',
  'hiddenRows',
  'overwrite',
  'blank',
  'raw',
  'bom',
  'plain',
  'sources',
] as const;

/** Options stored with a job that also apply when `verify --escalate` or the view asks its rows again. */
const KEPT_LIMITS = ['batchSize', 'concurrency', 'startsPerSecond'] as const;

/** Prefix for the name of an input without a path. No absolute path starts like this. */
const NAMED = 'rows:';

/** True if the input of a job can be read again. */
export function isKeptInput(input: string): boolean {
  return !isStandardInput(input) && !input.startsWith(NAMED);
}

/**
 * Identifies the sheet of a workbook. Identifies standard input by its rows, because it has no path: the same rows
 * continue the same job, and other rows are another job with a cost cap of their own.
 */
export async function identifyInput(
  settings: Settings,
  input: Pick<Input, 'openRows' | 'columns' | 'shape'>,
  signal?: AbortSignal,
): Promise<Settings> {
  const { name, input: path } = settings.options;
  if (name !== undefined) return settings;
  if (resolvePath(path) !== '-') return { ...settings, sheet: input.shape.sheet?.name ?? null };
  const hash = createHash('sha256').update(JSON.stringify(input.columns));
  for await (const rows of input.openRows(signal)) {
    for (const row of rows) {
      const content = row.kind === 'cells' ? row.cells : row.kind === 'object' ? row.object : row.fault;
      hash.update(JSON.stringify(content));
    }
  }
  return { ...settings, inputDigest: hash.digest('hex').slice(0, 16) };
}

type KeptOptions = Pick<EnrichOptions, (typeof KEPT)[number] | (typeof KEPT_LIMITS)[number]>;

/** Creates the parts of a job that the ledger stores. They never include a key. `ladder`: the job's own, if this command sends at another level. */
export async function createJobParts(
  settings: Settings,
  ask: Ask,
  ledger: Ledger,
  nowMs: number,
  folder?: string,
  ladder?: readonly string[],
): Promise<JobParts> {
  const { options, output, inputDigest, sheet } = settings;
  const { name } = options;
  const path = inputDigest === null ? resolvePath(options.input) : `-#${inputDigest}`;
  const input = name === undefined ? path : `${NAMED}${name}`;
  const earlier = await ledger.findJob(ask.id, input, sheet);
  const refresh = settings.refresh ? { refresh_since: computeSince(earlier, 'refresh_since', nowMs) } : {};
  const again = settings.again.size > 0 ? { again_since: computeSince(earlier, 'again_since', nowMs) } : {};
  return {
    ask,
    input,
    output: name === undefined ? resolvePath(output) : '-',
    settings: {
      options: keepOptions(options),
      ...(sheet === null ? {} : { sheet }),
      ...refresh,
      ...again,
      ...(ladder === undefined ? {} : { ladder: [...ladder] }),
    },
    folder,
    keepGoing: options.keepGoing === true,
  };
}

/** An unfinished refresh keeps its start time, so that already refreshed rows are not paid for again. */
function computeSince(
  earlier: JobRecord | null,
  name: 'refresh_since' | 'again_since',
  nowMs: number,
): number {
  const since = earlier?.settings[name];
  return typeof since === 'number' && earlier?.stop !== 'done' ? since : nowMs;
}

/** The effort ladder that a job was given, without the levels that an escalation added or left out. */
export function readLadder({ ask, settings }: Pick<JobRecord, 'ask' | 'settings'>): readonly string[] {
  const { ladder } = settings;
  return Array.isArray(ladder) && ladder.length > 0 ? ladder.map(String) : ask.efforts;
}

/** Reads the options that `createJobParts` stored. */
export function parseKeptOptions(settings: JsonObject): KeptOptions {
  // Only written by `keepOptions`.
  return (settings.options ?? {}) as KeptOptions;
}

function keepOptions(options: EnrichOptions): JsonObject {
  const kept: Record<string, JsonValue> = {};
  for (const name of [...KEPT, ...KEPT_LIMITS]) {
    const value = options[name];
    if (value !== undefined) kept[name] = name === 'exclude' ? resolve(String(value)) : (value as JsonValue);
  }
  return kept;
}

/** The path of a pipe such as `<(…)` changes with each call, so treat it as standard input. */
function resolvePath(path: string): string {
  return path === '-' || isDescriptorPath(path) ? '-' : spellPath(resolve(path));
}

/** Creates the blank cell rules of a job from its options, its schema and the first rows of the columns to fill. */
export async function resolveBlanks(
  { blank: words }: Pick<EnrichOptions, 'blank'>,
  { fields, schema }: Pick<Ask, 'fields' | 'schema'>,
  input: Pick<Input, 'columns' | 'openRows'>,
): Promise<Blanks> {
  const columns = input.columns.filter((column) =>
    fields.some(({ name }) => column === name || column.startsWith(`${name}.`)),
  );
  return createBlanks({ words, fields, schema, codeColumns: await findCodeColumns(columns, input) });
}

/** Share of a column's other cells that must be codes for `NA` to count as one. */
const MOST = 0.9;

/** Finds columns of codes such as DE and FR, or EMEA and APAC, where `NA` means Namibia or North America. */
async function findCodeColumns(
  columns: readonly string[],
  input: Pick<Input, 'openRows'>,
): Promise<ReadonlySet<string>> {
  if (columns.length === 0) return new Set();
  const plain = createBlanks();
  // Use only the first rows, so that every pass over the input gives the same result.
  for await (const rows of input.openRows()) {
    const isCodes = (column: string): boolean => {
      const texts = rows.flatMap((row) => {
        const value = getValue(row, column);
        return typeof value === 'string' && !plain.isBlank(value) && !isWeakWord(value) ? [value.trim()] : [];
      });
      const codes = texts.filter((text) => CODE.test(text));
      return new Set(codes).size >= 2 && codes.length >= texts.length * MOST;
    };
    return new Set(columns.filter(isCodes));
  }
  return new Set();
}

const CODE = /^(?:\p{L}{2}|\p{Lu}{2,5})$/u;
