import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isPrinted, readCommandPage, runCommandPage } from './helpers/doc-commands.js';
import { createWorkdir } from './helpers/workdir.js';

const ROOT = join(import.meta.dirname, '..');
const PAGES = ['README.md', 'samples/README.md', ...readPages('docs')];
/** Its commands run in another folder; test/docs/rehearsal.test.ts runs them. */
const HAS_OWN_TEST = 'docs/rehearsal.md';
const PAGE_TIMEOUT_MS = 120_000;

describe.each(PAGES)('%s', (name) => {
  const text = readFileSync(join(ROOT, name), 'utf8');
  const page = readCommandPage(text);

  test.runIf(page.blocks.length > 0 && name !== HAS_OWN_TEST)(
    'has commands that do what the page says',
    { timeout: PAGE_TIMEOUT_MS },
    async () => {
      for (const { block, printed, exitCodes } of await runCommandPage(page, createWorkdir())) {
        const where = `${name}:${block.line}\n${block.commands.join('\n')}\n${printed}`;
        for (const exitCode of exitCodes) expect(exitCode, where).toBe(block.exitCode);
        for (const line of block.printed) expect(isPrinted(line, printed), `${line}\n-- ${where}`).toBe(true);
      }
    },
  );

  test('has no broken links', () => {
    const targets = [...text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g)].map(([, target = '']) => target);
    for (const target of targets) {
      expect(existsSync(join(ROOT, dirname(name), target)), `${name} links to ${target}`).toBe(true);
    }
  });
});

function readPages(folder: string): string[] {
  return readdirSync(join(ROOT, folder))
    .filter((file) => file.endsWith('.md'))
    .sort()
    .map((file) => `${folder}/${file}`);
}

describe('docs/troubleshooting.md', () => {
  const text = readFileSync(join(ROOT, 'docs/troubleshooting.md'), 'utf8');
  const listed = new Set(
    [...text.matchAll(/`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)`/g)].map(([, code = '']) => code),
  );
  const source = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(ROOT, 'src', file), 'utf8'))
    .join('\n');

  test('documents every error code that a user can cause', () => {
    const thrown = [...source.matchAll(/createUsageError\(\s*'(\w+)'/g)].map(([, code = '']) => code);
    expect(thrown.length).toBeGreaterThan(50);
    // An invalid run id can only come from a program that uses the library.
    expect(thrown.filter((code) => !listed.has(code) && code !== 'INVALID_RUN_ID')).toEqual([]);
  });

  test('documents no unknown error code', () => {
    const settings = [
      'EXA_API_KEY',
      'HTTPS_PROXY',
      'NODE_EXTRA_CA_CERTS',
      'ROWFILL_HOME',
      'ROWFILL_SERVE_KEY',
    ];
    const sourceCodes = new Set(source.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\b/g));
    expect([...listed].filter((code) => !settings.includes(code) && !sourceCodes.has(code))).toEqual([]);
  });
});
