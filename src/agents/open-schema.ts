import { hashText } from '../model/ask.js';
import type { JsonObject } from '../model/json.js';
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
  const known = new Map<string, OpenSchema>();
  return (schema) => {
    const key = hashText(JSON.stringify(schema), 32);
    const open = known.get(key) ?? openSchema(schema);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, open);
    return open;
  };
}

function openSchema(schema: JsonObject): OpenSchema {
  const reader = createSchemaReader(schema);
  const plan = createAnswerPlan(reader);
  return { reader, plan, item: compileSchema(schema).part(plan.item.pointer) };
}
