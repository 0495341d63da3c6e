import { isJsonObject, type JsonValue } from '../../model/json.js';

/** Contacts that were looked up for an answer. */
export interface Contacts {
  readonly emails: number;
  readonly phoneNumbers: number;
}

export const NO_CONTACTS: Contacts = { emails: 0, phoneNumbers: 0 };

/** Counts the values in an answer whose property has the format `email` or `phone` in the schema. */
export function countContacts(schema: JsonValue, structured: JsonValue): Contacts {
  return {
    emails: countValues(structured, collectNames(schema, 'email')),
    phoneNumbers: countValues(structured, collectNames(schema, 'phone')),
  };
}

function collectNames(schema: JsonValue, format: string): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (value: JsonValue): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      if (isJsonObject(inner) && inner.format === format) names.add(name);
      visit(inner);
    }
  };
  visit(schema);
  return names;
}

function countValues(value: JsonValue, names: ReadonlySet<string>): number {
  if (typeof value !== 'object' || value === null || names.size === 0) return 0;
  let count = 0;
  for (const [name, inner] of Object.entries(value)) {
    count += names.has(name) && inner !== null ? 1 : countValues(inner, names);
  }
  return count;
}
