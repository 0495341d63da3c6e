import { hashText } from '../model/ask.js';
import type { JsonObject } from '../model/json.js';
import { splitRowIds } from '../model/row-ids.js';
import { type CompiledSchema, compileSchema } from '../model/schema.js';
import { type AnswerPlan, createAnswerPlan } from './answer-plan.js';
import { createSchemaReader, type SchemaReader } from './schema-reader.js';

/** The schema of a run made ready to be answered. */
export interface OpenSchema {
  readonly reader: SchemaReader;
  readonly plan: AnswerPlan;
  /** What one record of the answer has to be. */
  readonly item: CompiledSchema;
}

const MAX_KNOWN = 20;

/** Makes the function that opens schemas: a job sends the same one again and again, and compiling costs more than answering. */
export function createSchemaOpener(): (schema: JsonObject) => OpenSchema {
  const opened = createMemo<OpenSchema>();
  const compiled = createMemo<CompiledSchema>();
  return (schema) =>
    opened(JSON.stringify(schema), () => {
      const reader = createSchemaReader(schema);
      const plan = createAnswerPlan(reader);
      const checked = dropRowIds(schema);
      const item = compiled(JSON.stringify(checked), () => compileSchema(checked).part(plan.item.pointer));
      return { reader, plan, item };
    });
}

function createMemo<Value>(): (text: string, create: () => Value) => Value {
  const known = new Map<string, Value>();
  return (text, create) => {
    const key = hashText(text, 32);
    const value = known.get(key) ?? create();
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, value);
    return value;
  };
}

/** A reference to anything but a field or a definition may lead to the row ids. */
const REFERENCE_TO_IDS =
  /"\$\w*[rR]ef":"(?!#\/properties\/rows\/items\/properties\/fields|#\/(?:definitions|\$defs)\/)/;

/**
 * Leaves out the row ids, which are new in each run: they are copied from the input under the whole schema, and nothing
 * is taken out of an answer on their account.
 */
function dropRowIds(schema: JsonObject): JsonObject {
  return REFERENCE_TO_IDS.test(JSON.stringify(schema)) ? schema : (splitRowIds(schema)?.rest ?? schema);
}
