import { chmodSync, lstatSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createList } from '../helpers/job.js';
import { servePaid } from '../helpers/paid-server.js';
import { createWorkdir, type Workdir } from '../helpers/workdir.js';

const ADDRESS = /^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{32}$/;

/** Fills a file for free from a table. */
async function fill(dir: Workdir, args: readonly string[] = []) {
  dir.write('in.csv', createList(3));
  dir.write('ref.csv', 'company,city\nCompany 1,Bonn\nCompany 2,Ulm\n');
  return await dir.run(['run', 'in.csv', '-f', 'city', '--reference', 'ref.csv', ...args]);
}

/** A program that stands for the browser: it keeps its arguments and what the file that it is given says. */
function addBrowser(dir: Workdir): Record<string, string> {
  dir.write(
    'bin/xdg-open',
    '#!/bin/sh\necho "$*" > "$OPENED"\ncp "$(echo "$1" | sed s,file://,,)" "$OPENED.html"\n',
  );
  return { PATH: `${dir.path}/bin:/usr/bin:/bin`, OPENED: `${dir.path}/opened` };
}

async function readMeta(address: string): Promise<{ readonly file: string; readonly job: string }> {
  const [origin = '', token = ''] = address.split('/#token=');
  const response = await fetch(`${origin}/api/meta`, { headers: { authorization: `Bearer ${token}` } });
  return (await response.json()) as { file: string; job: string };
}

test.skipIf(process.platform === 'win32')('view prints its address first, and Ctrl-C ends it', async () => {
  const dir = createWorkdir();
  await fill(dir);
  for (const wanted of [[], ['in.csv'], ['in.filled.csv']]) {
    const view = await dir.start(['view', ...wanted, '--no-open']);
    expect(view.line).toMatch(ADDRESS);
    expect(await readMeta(view.line)).toMatchObject({ file: 'in.csv' });
    const { status, stdout, stderr } = await view.end('SIGINT');
    expect([status, stdout]).toEqual([0, `${view.line}\n`]);
    // The token is in no message, but in the address alone.
    expect(stderr).not.toContain(view.line.slice(-32));
    await expect(fetch(view.line)).rejects.toThrow();
  }
  expect(await dir.run(['view', 'ref.csv', '--no-open'])).toMatchObject({ status: 2 });
  expect((await dir.run(['view', 'nothing'])).stderr).toContain('JOB_UNKNOWN');
});

test.skipIf(process.platform !== 'linux')(
  'the browser gets the address in a file that only its user can read',
  async () => {
    const dir = createWorkdir();
    await fill(dir);
    const env = addBrowser(dir);
    await dir.shell('chmod +x bin/xdg-open');
    const view = await dir.start(['view'], { env });
    await expect.poll(() => dir.has('opened.html')).toBe(true);
    const path = dir.read('opened').trim().replace('file://', '');
    expect(path).not.toContain(view.line.slice(-32));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, 'utf8')).toContain(`url=${view.line}`);
    await view.end('SIGTERM');
    expect(dir.has(path.slice(dir.path.length + 1))).toBe(false);
  },
);

test.skipIf(process.platform !== 'linux')(
  'run --view opens while the job fills, and stays open until Ctrl-C',
  async () => {
    const { url } = await servePaid();
    const dir = createWorkdir();
    dir.write('in.csv', createList(3));
    const env = addBrowser(dir);
    await dir.shell('chmod +x bin/xdg-open');
    const run = dir.spawn(['run', 'in.csv', '-f', 'answer', '--api-url', url, '--yes', '--view'], { env });
    await expect.poll(() => run.result().stderr).toContain('The view stays open');
    const address = /The view: (\S+)/.exec(run.result().stderr)?.[1] ?? '';
    expect(address).toMatch(ADDRESS);
    expect(await readMeta(address)).toMatchObject({ file: 'in.csv' });
    expect(await run.end('SIGINT')).toMatchObject({ status: 0 });
    expect(
      (await dir.run(['run', '-', '-f', 'answer', '--api-url', url, '--yes', '--view'])).stderr,
    ).toContain('INPUT_NOT_KEPT');
  },
);

test.skipIf(process.platform === 'win32')(
  'view lets other machines in only with a key, which it never shows',
  async () => {
    const dir = createWorkdir();
    await fill(dir);
    const key = 'a-long-random-key.0123456789';
    const args = ['view', '--allow-remote', '127.0.0.1', '--allow-host', 'view.example.com', '--read-only'];
    const refused = await dir.run(args);
    expect([refused.status, refused.stderr]).toEqual([2, expect.stringContaining('VIEW_KEY_NEEDED')]);
    const weak = await dir.run(args, { env: { ROWFILL_VIEW_KEY: 'secret' } });
    expect([weak.status, weak.stderr]).toEqual([2, expect.stringContaining('VIEW_KEY_UNFIT')]);
    expect((await dir.run(['view', '--allow-host', 'a.example'])).stderr).toContain('--allow-remote');
    const view = await dir.start(args, { env: { ROWFILL_VIEW_KEY: key } });
    expect(view.line).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    const answer = await fetch(`${view.line}api/meta`, { headers: { authorization: `Bearer ${key}` } });
    expect(await answer.json()).toMatchObject({ file: 'in.csv', readOnly: expect.any(String) });
    const { stdout, stderr } = await view.end('SIGINT');
    expect(stderr).toContain('Traffic is not encrypted');
    expect(stdout + stderr + weak.stderr).not.toContain(key);
  },
);

test('report writes one file beside the input', async () => {
  const dir = createWorkdir();
  await fill(dir);
  const { status, stderr } = await dir.run(['report', 'in.csv']);
  expect([status, stderr]).toEqual([0, expect.stringContaining('in.report.html: 3 rows')]);
  expect(dir.read('in.report.html')).toContain('in.csv · rowfill report');
  expect((await dir.run(['report', 'in.csv', '-o', 'in.csv'])).status).toBe(2);
  expect(dir.read('in.csv')).toBe(createList(3));
});

test('a report goes to standard output too, follows a link, and keeps the permissions of an earlier one', async () => {
  const dir = createWorkdir();
  dir.write('in.csv', 'company\nAcme\n');
  dir.write('tables/a.csv', 'company,city\nAcme,Oslo\n');
  await dir.run(['run', 'in.csv', '--reference', 'tables', '-f', 'city']);
  const { status, stdout, stderr } = await dir.run(['report', 'in.csv', '-o', '-']);
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: expect.stringContaining('on standard output: 1 row'),
  });
  expect(stdout).toMatch(/^<!doctype html>/i);
  expect(dir.has('-')).toBe(false);
  if (process.platform === 'win32') return;
  chmodSync(dir.write('shared/r.html', 'earlier'), 0o600);
  symlinkSync('shared/r.html', join(dir.path, 'r.html'));
  await dir.run(['report', 'in.csv', '-o', 'r.html']);
  expect(lstatSync(join(dir.path, 'r.html')).isSymbolicLink()).toBe(true);
  expect(dir.read('shared/r.html')).toMatch(/^<!doctype html>/i);
  expect(statSync(join(dir.path, 'shared/r.html')).mode & 0o777).toBe(0o600);
});
