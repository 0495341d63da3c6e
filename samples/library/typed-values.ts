// Fills objects and takes each result as soon as it is final. The values have the types that the fields declare.
import { fileURLToPath } from 'node:url';
import { enrichRows, planRows } from 'rowfill';

interface Customer {
  readonly id: number;
  readonly company: string;
}

const customers: Customer[] = [
  { id: 1, company: 'Microsoft' },
  { id: 2, company: 'Apple' },
  { id: 3, company: 'Nobody Anybody Knows' },
];
const reference = fileURLToPath(new URL('../reference', import.meta.url));
const fields = ['city', 'founded:integer'] as const;

const { rows } = await planRows(customers, { fields, send: ['company'], reference });
console.log(`${rows.ask} of ${rows.total} customers would be sent`);

const filled = enrichRows(customers, {
  name: 'typed-values',
  fields,
  send: ['company'],
  effort: ['low'],
  reference,
  order: 'as_answered',
});
const found = new Map<number, string>();
for await (const { input, values } of filled) {
  const age: number | null = values.founded === null ? null : 2025 - values.founded;
  found.set(input.id, `${values.city ?? 'unknown'}, ${age ?? 'unknown'} years`);
}
for (const { id, company } of customers) console.log(`${company}: ${found.get(id)}`);
