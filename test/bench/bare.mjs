import pLimit from 'p-limit';
import { Pool } from 'undici';
import { BETA, createSchema, QUERY } from './ask.mjs';

// The minimum work of any client: start each run as a stream, notice its end at once, and fetch its result. Reads no
// file, checks nothing, stores nothing and writes nothing.
const [url, rows, batchSize, concurrency] = process.argv.slice(2);
const size = Number(batchSize);
const pool = new Pool(url, { connections: null });
const limit = pLimit(Number(concurrency));
const headers = { 'x-api-key': process.env.EXA_API_KEY, 'exa-beta': BETA };

await Promise.all(
  Array.from({ length: Math.ceil(Number(rows) / size) }, (_, index) => limit(() => ask(index * size))),
);
await pool.close();

async function ask(start) {
  const data = Array.from({ length: size }, (_, index) => ({
    row_id: `r${index + 1}`,
    company: `Company ${start + index}`,
    domain: `company-${start + index}.example.com`,
  }));
  const created = await pool.request({
    method: 'POST',
    path: '/agent/runs',
    headers: { ...headers, 'content-type': 'application/json', accept: 'text/event-stream' },
    bodyTimeout: 0,
    body: JSON.stringify({
      query: QUERY,
      input: { data },
      outputSchema: createSchema(size),
      effort: 'low',
    }),
  });
  const events = await created.body.text();
  const id = /"id":"([^"]+)"/.exec(events)?.[1];
  const got = await pool.request({ method: 'GET', path: `/agent/runs/${id}`, headers });
  const run = await got.body.json();
  if (run.output?.structured?.rows?.length !== size) throw new Error(`no answer: ${events.slice(0, 500)}`);
}
