import { expect, test } from 'vitest';
import { createWorkdir, type Workdir } from '../helpers/workdir.js';

/** A folder with one company whose e-mail address makes a pattern backtrack forever. */
function createJob(schema: object): Workdir {
  const dir = createWorkdir();
  dir.write('in.csv', 'company\nAcme\nGlobex\n');
  dir.write(
    'tables/crm.csv',
    `company,email,ok\nAcme,${'a'.repeat(60)}!,yes\nGlobex,info@globex.example,yes\n`,
  );
  dir.write('schema.json', JSON.stringify(schema));
  return dir;
}

const JOB = ['run', 'in.csv', '--query', 'Find the mail', '--schema', 'schema.json', '--reference', 'tables'];

test.each([
  ['a nested quantifier', '^([a-zA-Z0-9_.-]+)+@([a-zA-Z0-9-]+\\.)+[a-z]{2,}$'],
  ['a nested quantifier without the Unicode flag', '^([\\w-.]+)+@([\\w-]+\\.)+[a-z]{2,}$'],
  ['a lookahead', '^(?=([a-z]+)+@).+@.+$'],
  ['a back-reference', '^([a-z])(\\1?[a-z]+)+@.+$'],
])('a job with a pattern of %s ends and fills the valid rows', async (_, pattern) => {
  const field = (schema: object) => ({ ...schema, type: ['string', 'null'] });
  const dir = createJob({
    type: 'object',
    properties: { email: field({ pattern }), ok: field({}) },
    additionalProperties: false,
  });
  const { status, stderr } = await dir.run([...JOB, '-o', 'out.csv']);
  expect(stderr).not.toContain('defect');
  expect([0, 6]).toContain(status);
  const [, acme, globex] = dir.read('out.csv').split('\n');
  expect(acme).toMatch(/^Acme,,/);
  expect(globex).toMatch(/^Globex,info@globex\.example,/);
});

test('refuses a schema whose references double at each level, before sending anything and in serve', async () => {
  const names = Array.from({ length: 60 }, (_, index) => `a${index}`);
  const schema = {
    type: 'object',
    properties: { email: { $ref: '#/$defs/a0' } },
    $defs: Object.fromEntries(
      names.map((name, index) => [
        name,
        index === 59
          ? { type: 'string' }
          : { allOf: [{ $ref: `#/$defs/a${index + 1}` }, { $ref: `#/$defs/a${index + 1}` }] },
      ]),
    ),
  };
  const dir = createJob(schema);
  const { status, stderr } = await dir.run(JOB);
  expect(status).toBe(2);
  expect(stderr).toContain('more than 10,000 checks of one value');
  const server = await dir.start(['serve', '--reference', 'tables']);
  const headers = {
    'x-api-key': 'local',
    'exa-beta': 'agent-2026-05-07',
    'content-type': 'application/json',
  };
  const body = JSON.stringify({ query: 'x', effort: 'low', outputSchema: schema });
  const response = await fetch(`${server.line}/agent/runs`, { method: 'POST', headers, body });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain('more than 10,000 checks of one value');
});

test('answers definitions that refer to each other from the tables', async () => {
  const names = Array.from({ length: 12 }, (_, index) => `a${index}`);
  const dir = createJob({
    type: 'object',
    properties: { email: { type: ['string', 'null'] }, tree: { $ref: '#/$defs/a0' } },
    $defs: Object.fromEntries(
      names.map((name) => [
        name,
        {
          type: ['object', 'null'],
          properties: Object.fromEntries(names.map((other) => [other, { $ref: `#/$defs/${other}` }])),
        },
      ]),
    ),
  });
  const { status } = await dir.run([...JOB, '-o', 'out.jsonl']);
  expect(status).toBe(0);
  expect(dir.read('out.jsonl')).toContain('"email":"info@globex.example"');
});
