// Fills a file from local tables and prints its progress. Ctrl-C stops it gracefully; running it again continues.
import { fileURLToPath } from 'node:url';
import { enrich, RowfillError } from 'rowfill';

const samples = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const controller = new AbortController();
process.once('SIGINT', () => controller.abort());

try {
  const summary = await enrich(
    {
      input: samples('companies.csv'),
      output: samples('companies.filled.csv'),
      schema: samples('companies.schema.json'),
      query: 'Where is each company based, since when, and where are its shares traded?',
      send: ['company', 'domain'],
      exclude: samples('customers.csv'),
      excludeOn: ['domain'],
      reference: samples('reference'), // for the hosted service: apiKey: process.env.EXA_API_KEY, maxCost: 5
    },
    {
      signal: controller.signal,
      onEvent(event) {
        if (event.type === 'note') console.error(event.message);
        if (event.type === 'batch_settled')
          console.error(`${event.answered} rows answered by ${event.runId}`);
      },
    },
  );
  console.log(`${summary.stop}: ${summary.rows.enriched} of ${summary.rows.total} rows enriched`);
  console.log(`cost: $${summary.costMicros / 1_000_000}`);
} catch (error) {
  if (!(error instanceof RowfillError)) throw error;
  console.error(`${error.code}: ${error.message}\n${error.hint ?? ''}`);
  process.exitCode = 2;
}
