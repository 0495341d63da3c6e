// Fills objects from any source, such as a database, and returns them in the same order.
import { fileURLToPath } from 'node:url';
import { enrichRows } from 'rowfill';

const people = enrichRows(readPeople(), {
  name: 'speakers', // same ask and same name: same job, so an interrupted one continues
  query: "What is each person's role at the company, and since when?",
  fields: ['role', 'leads_since:integer', 'profile:url'],
  send: ['full_name', 'company'], // the id is not sent
  reference: fileURLToPath(new URL('../reference', import.meta.url)),
});

for await (const { input, values, status, fields } of people) {
  const source = fields.role?.citations[0]?.url.split('/').at(-1) ?? 'nowhere';
  console.log(`${input.id} ${input.full_name}: ${values.role ?? status} (${source})`);
}
console.log(`${people.summary.rows.enriched} of ${people.summary.rows.total} enriched`);

async function* readPeople() {
  yield { id: 9007199254740993n, full_name: 'Satya Nadella', company: 'Microsoft' };
  yield { id: 2n, full_name: 'Tim Cook', company: 'Apple Inc.' };
  yield { id: 3n, full_name: 'Nobody Anybody Knows', company: 'Quillmark' };
}
