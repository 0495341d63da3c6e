import { createUsageError, describeError } from '../errors.js';
import { type Ask, createAsk, type Field } from '../model/ask.js';
import { checkFieldNames, createSchema, parseField, readFields } from '../model/field.js';
import { isJsonObject, type JsonObject } from '../model/json.js';
import { readNearest } from '../model/nearest.js';
import { OversizeError, readWholeFile } from '../model/read-file.js';
import { compileSchema, SchemaError } from '../model/schema.js';
import { holdsObjects } from '../model/shape.js';
import { showName } from '../model/show-name.js';
import { formatPart } from '../model/text-list.js';
import type { EnrichOptions, Settings } from '../options.js';
import type { Input } from '../read/open-input.js';
import { describeOrigin } from './describe-origin.js';
import { nameAgent } from './name-agent.js';

/**
 * Makes the ask of the settings and of the columns that the input has. Throws a usage error for a schema that cannot be
 * used, a field that cannot be a column, or a column to send that is not there.
 */
export async function resolveAsk(settings: Settings, input: AskedInput, signal?: AbortSignal): Promise<Ask> {
  const { options } = settings;
  const { schema, fields } = await resolveColumns(options, signal);
  return createAsk({
    agent: await nameAgent(settings.agent),
    query: settings.query,
    system: options.system ?? null,
    schema,
    fields,
    send: await resolveSend(
      options,
      input,
      fields.map((field) => field.name),
    ),
    efforts: settings.efforts,
    escalateBelow: settings.escalateBelow,
  });
}

/** What has to be known of an input: its columns, and whether they are keys of objects. */
type AskedInput = Pick<Input, 'columns' | 'shape' | 'readColumns'>;

/** The columns that options ask to fill. Throws a usage error for a schema or a field that cannot be used. */
export async function resolveFields(options: EnrichOptions): Promise<readonly Field[]> {
  return (await resolveColumns(options)).fields;
}

interface AskedColumns {
  readonly schema: JsonObject;
  readonly fields: readonly Field[];
}

async function resolveColumns(options: EnrichOptions, signal?: AbortSignal): Promise<AskedColumns> {
  try {
    const schema = await resolveSchema(options, signal);
    const fields = readFields(schema);
    checkFieldNames(fields.map((field) => field.name));
    return { schema, fields };
  } catch (error) {
    if (!(error instanceof SchemaError) || options.schema === undefined) throw error;
    throw createUsageError(error.code, `${options.schema}: ${error.message}`, error.hint ?? '', error);
  }
}

/** Refuses a file that this program wrote: its columns would stand in the output twice. */
export function checkColumns(name: string, columns: readonly string[]): void {
  const own = columns.find((column) => column === 'enrichment' || column.startsWith('enrichment_'));
  if (own === undefined) return;
  throw createUsageError(
    'INPUT_IS_OUTPUT',
    `${name} has a column ${own}, which is one of the columns that are written`,
    'Give the original file: what was answered for it is kept and not paid for again. Or rename the column.',
  );
}

async function resolveSchema(options: EnrichOptions, signal?: AbortSignal): Promise<JsonObject> {
  const { schema: path, schemaObject, fields = [] } = options;
  const ways = [path !== undefined, schemaObject !== undefined, fields.length > 0].filter(Boolean).length;
  if (ways > 1) {
    throw createUsageError('TWO_SCHEMAS', '--schema and --field both say what to fill', 'Give one of them.');
  }
  if (path !== undefined) return readSchema(path, signal);
  if (schemaObject !== undefined) {
    compileSchema(schemaObject);
    return schemaObject;
  }
  if (fields.length > 0) return createSchema(fields.map(parseField));
  throw createUsageError(
    'NOTHING_TO_FILL',
    'no column to fill was named',
    "Name columns with --field, such as --field 'ceo=Who leads it today', or give --schema FILE or --recipe FILE.",
  );
}

/** Far longer than any schema. */
const MAX_SCHEMA_BYTES = 16 * 1024 * 1024;

async function readSchema(path: string, signal?: AbortSignal): Promise<JsonObject> {
  const bytes = await readWholeFile(path, MAX_SCHEMA_BYTES, signal).catch((cause: unknown) => {
    signal?.throwIfAborted();
    throw createUsageError(
      cause instanceof OversizeError ? 'SCHEMA_TOO_LARGE' : 'SCHEMA_NOT_FOUND',
      `cannot read the schema ${path}: ${describeError(cause)}`,
      'Give --schema the path of a JSON Schema.',
      cause,
    );
  });
  const text = bytes.toString('utf8');
  let schema: unknown;
  try {
    schema = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw createUsageError(
      'SCHEMA_NOT_JSON',
      `the schema ${path} is no JSON: ${describeError(cause)}`,
      'Correct the file: JSON has double quotes, no comments and no comma before a closing bracket.',
    );
  }
  if (!isJsonObject(schema)) {
    throw createUsageError(
      'SCHEMA_NOT_AN_OBJECT',
      `the schema ${path} is no JSON object`,
      'It has to be an object schema whose properties are the columns to fill.',
    );
  }
  compileSchema(schema);
  return schema;
}

async function resolveSend(
  { send: wanted, origins }: EnrichOptions,
  input: AskedInput,
  fields: readonly string[],
): Promise<readonly string[]> {
  // A key that is named and known needs no look at the rest of the file.
  if (wanted === undefined || wanted.some((column) => !hasColumn(input, column))) await input.readColumns();
  const { columns } = input;
  if (wanted === undefined) {
    const others = columns.filter((column) => !isFilled(column, fields));
    if (others.length > 0) return others;
    throw createUsageError(
      'NOTHING_TO_SEND',
      'every column of the input is one to fill, so there is nothing to go by',
      'Name the columns that say what a row is about with --send.',
    );
  }
  for (const [index, column] of wanted.entries()) {
    if (hasColumn(input, column)) continue;
    const nearest = readNearest(column, columns);
    const list =
      columns.length > 0
        ? `The columns are ${columns.map(showPart).join(', ')}.`
        : 'None of its rows could be read.';
    const hint = nearest.length > 0 ? `Did you mean ${nearest.map(showPart).join(' or ')}?` : list;
    const where = describeOrigin(origins, `send/${index}`, '--send');
    throw createUsageError(
      'UNKNOWN_COLUMN',
      `${where} names ${showPart(column)}, which the input does not have`,
      hint,
    );
  }
  return [...new Set(wanted)];
}

/** A column as it would be typed, or with escapes if it holds what nobody can see. */
function showPart(column: string): string {
  const shown = showName(column);
  return shown === column ? formatPart(column) : shown;
}

/** In a JSON file a dotted name reaches into nested objects. */
function hasColumn({ columns, shape }: AskedInput, column: string): boolean {
  const isInside = holdsObjects(shape) && columns.some((key) => column.startsWith(`${key}.`));
  return isInside || columns.includes(column);
}

/** A column that is to be filled says nothing yet, so it is not sent unless it is named. */
function isFilled(column: string, fields: readonly string[]): boolean {
  return fields.some((field) => column === field || column.startsWith(`${field}.`));
}
