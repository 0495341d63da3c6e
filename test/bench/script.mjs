import { readFileSync, writeFileSync } from 'node:fs';
import { Exa } from 'exa-js';
import pLimit from 'p-limit';
import Papa from 'papaparse';
import { BETA, createSchema, QUERY } from './ask.mjs';

// What people use instead: exa-js waits for each run, p-limit limits concurrency, papaparse reads and writes the file.
const [input, output, baseUrl, batchSize, concurrency, pollInterval] = process.argv.slice(2);
const exa = new Exa(process.env.EXA_API_KEY, baseUrl);
const limit = pLimit(Number(concurrency));

const { data: rows } = Papa.parse(readFileSync(input, 'utf8'), { header: true, skipEmptyLines: true });

const batches = [];
for (let start = 0; start < rows.length; start += Number(batchSize)) {
  batches.push(rows.slice(start, start + Number(batchSize)));
}

await Promise.all(batches.map((batch) => limit(() => fill(batch))));
writeFileSync(output, Papa.unparse(rows));

async function fill(batch) {
  const run = await exa.beta.agent.runs.createAndWait(
    {
      query: QUERY,
      input: {
        data: batch.map(({ company, domain }, index) => ({ row_id: `r${index + 1}`, company, domain })),
      },
      outputSchema: createSchema(batch.length),
      effort: 'low',
      betas: [BETA],
    },
    pollInterval === undefined ? {} : { pollInterval: Number(pollInterval) },
  );
  const pages = new Map(run.output.grounding.map(({ field, citations }) => [field, citations[0]?.url]));
  for (const [index, { row_id, fields }] of run.output.structured.rows.entries()) {
    const row = batch[Number(row_id.slice(1)) - 1];
    for (const [name, value] of Object.entries(fields)) {
      row[name] = value;
      row[`${name}_source`] = pages.get(`structured.rows[${index}].fields.${name}`) ?? '';
    }
  }
}
