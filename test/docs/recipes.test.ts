import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isJsonObject } from '../../src/model/json.js';
import { checkRecipeText } from '../../src/recipe/read-recipe.js';
import { createWorkdir } from '../helpers/workdir.js';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/recipes.md'), 'utf8');
const SCHEMA: unknown = JSON.parse(readFileSync(join(ROOT, 'src/recipe/recipe.schema.json'), 'utf8'));

test('the commands of the page run as they stand', async () => {
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

test('the recipes of the page are recipes', async () => {
  const place = join(ROOT, 'samples/any.recipe.yaml');
  const [whole = '', short = ''] = readBlocks('yaml');
  expect(await checkRecipeText(whole, place, {})).toMatchObject({ batchSize: 8, maxCost: 5 });
  expect(await checkRecipeText(short, place, {})).toMatchObject({ schemaObject: expect.anything() });
});

test('the page names every key of a recipe', () => {
  for (const key of readKeys(SCHEMA, '')) expect(PAGE).toContain(`\`${key}\``);
});

function readBlocks(language: string): string[] {
  const blocks = PAGE.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'));
  return [...blocks].map((block) => block[1] ?? '');
}

/** The keys of a schema, those of inner objects with a dot. */
function readKeys(schema: unknown, prefix: string): string[] {
  const properties = isJsonObject(schema) && isJsonObject(schema.properties) ? schema.properties : {};
  return Object.entries(properties).flatMap(([key, rule]) => {
    const inner = readKeys(rule, `${prefix}${key}.`);
    return inner.length > 0 ? inner : [`${prefix}${key}`];
  });
}
