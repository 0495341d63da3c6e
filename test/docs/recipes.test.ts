import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isJsonObject } from '../../src/model/json.js';
import { checkRecipeText } from '../../src/recipe/read-recipe.js';
import { createWorkdir } from '../helpers/workdir.js';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/recipes.md'), 'utf8');
const SCHEMA: unknown = JSON.parse(readFileSync(join(ROOT, 'src/recipe/recipe.schema.json'), 'utf8'));

test('the commands on the page run unchanged', async () => {
  const dir = createWorkdir();
  cpSync(join(ROOT, 'samples'), join(dir.path, 'samples'), { recursive: true });
  const [commands = ''] = readBlocks('sh');
  for (const line of commands.trim().split('\n')) {
    const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
    expect(words.splice(0, 2)).toEqual(['npx', 'rowfill']);
    expect((await dir.run(words)).status, line).toBe(0);
  }
  expect(dir.read('samples/companies.filled.csv')).toContain('enriched');
});

test('the recipes on the page are valid', async () => {
  const place = join(ROOT, 'samples/any.recipe.yaml');
  const [whole = '', short = ''] = readBlocks('yaml');
  expect(await checkRecipeText(whole, place, {})).toMatchObject({ batchSize: 8, maxCost: 5 });
  expect(await checkRecipeText(short, place, {})).toMatchObject({ schemaObject: expect.anything() });
});

test('the page names every recipe key', () => {
  for (const key of listKeys(SCHEMA, '')) expect(PAGE).toContain(`\`${key}\``);
});

function readBlocks(language: string): string[] {
  const blocks = PAGE.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'));
  return [...blocks].map((block) => block[1] ?? '');
}

/** Keys of a schema, with a dot for nested ones. */
function listKeys(schema: unknown, prefix: string): string[] {
  const properties = isJsonObject(schema) && isJsonObject(schema.properties) ? schema.properties : {};
  return Object.entries(properties).flatMap(([key, rule]) => {
    const inner = listKeys(rule, `${prefix}${key}.`);
    return inner.length > 0 ? inner : [`${prefix}${key}`];
  });
}
