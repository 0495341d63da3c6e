/** The request that every contender sends. */
export const QUERY = 'Find the seat of each company and the year in which it was founded.';
export const BETA = 'agent-2026-05-07';

/** The output schema for a batch of this size. */
export function createSchema(size) {
  const fields = {
    type: 'object',
    properties: { hq_city: { type: 'string' }, founded: { type: 'integer' } },
    required: ['hq_city', 'founded'],
  };
  const row = { type: 'object', properties: { row_id: { type: 'string' }, fields } };
  return {
    type: 'object',
    properties: { rows: { type: 'array', minItems: size, maxItems: size, items: row } },
    required: ['rows'],
  };
}
