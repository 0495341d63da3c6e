import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { examineDisk, examineLedger, examineNode, examineProxy } from '../../src/doctor/checks.js';
import { openLedger } from '../../src/ledger/open-ledger.js';
import { createTempFolder } from '../helpers/temp-folder.js';

test.each([
  ['20.19.0', 'ok'],
  ['24.1.0', 'ok'],
  ['20.18.3', 'fail'],
  ['18.20.4', 'fail'],
])('Node %s is %s', (version, status) => {
  expect(examineNode(version)).toMatchObject({ status, message: expect.stringContaining(version) });
});

test('accepts a ledger that does not exist yet, and leaves its folder unchanged', async () => {
  const folder = await createTempFolder();
  const path = join(folder, 'a/b/ledger.sqlite');
  expect(await examineLedger(path)).toMatchObject({
    status: 'ok',
    message: expect.stringContaining('none yet'),
  });
  expect(readdirSync(folder)).toEqual([]);
});

test('reports a sound ledger, even while a job has it open', async () => {
  const folder = await createTempFolder();
  const path = join(folder, 'ledger.sqlite');
  const ledger = await openLedger(path);
  expect(await examineLedger(path)).toMatchObject({
    status: 'ok',
    message: expect.stringMatching(/ KB, sound$/),
  });
  await ledger.close();
  expect(readdirSync(folder).filter((name) => name.startsWith('.rowfill'))).toEqual([]);
});

test('reports a file that is not a ledger, or one in place of its folder, with a fix', async () => {
  const folder = await createTempFolder();
  writeFileSync(join(folder, 'ledger.sqlite'), 'this is a letter, and no database at all\n'.repeat(100));
  expect(await examineLedger(join(folder, 'ledger.sqlite'))).toMatchObject({
    status: 'fail',
    kind: 'usage',
    message: expect.stringContaining('LEDGER_NOT_A_DATABASE'),
    fix: expect.stringContaining('--ledger'),
  });
  expect(await examineLedger(join(folder, 'ledger.sqlite/inside/ledger.sqlite'))).toMatchObject({
    status: 'fail',
    message: expect.stringContaining('LEDGER_NOT_WRITABLE'),
    fix: expect.stringContaining('--ledger'),
  });
});

test('checks the ledger’s disk even before its folder exists', async () => {
  const folder = await createTempFolder();
  expect(examineDisk(join(folder, 'a/b/ledger.sqlite')).message).toMatch(/(free at|not known)/);
});

const ORIGIN = 'https://agent.example';

test.each([
  ['no variable', {}, 'ok', 'none set'],
  ['an empty one', { HTTPS_PROXY: '' }, 'ok', 'none set'],
  ['a proxy', { HTTPS_PROXY: 'proxy.example:8080' }, 'ok', 'using http://proxy.example:8080'],
  [
    'a password',
    { https_proxy: 'http://me:hush@proxy.example:8080' },
    'ok',
    'using http://***@proxy.example:8080',
  ],
  [
    'a proxy for the other scheme',
    { HTTP_PROXY: 'http://proxy.example' },
    'ok',
    `HTTP_PROXY: not used for ${ORIGIN}`,
  ],
  ['an invalid URL', { HTTPS_PROXY: 'http://me:hush@:x' }, 'fail', 'HTTPS_PROXY is not a valid URL'],
  ['missing certificates', { NODE_EXTRA_CA_CERTS: '/none/ca.pem' }, 'warn', '/none/ca.pem'],
  [
    'disabled certificate checks',
    { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
    'warn',
    'anyone on the network path',
  ],
])('reports %s without showing a password', (_title, env, status, says) => {
  const finding = examineProxy(ORIGIN, false, env);
  expect(finding.status).toBe(status);
  expect(finding.message).toContain(says);
  expect(JSON.stringify(finding)).not.toContain('hush');
  expect(finding.fix === null).toBe(status === 'ok');
});

test('reports a proxy as not used for an agent on this machine', () => {
  const finding = examineProxy('http://127.0.0.1:1', true, { HTTP_PROXY: 'http://proxy.example' });
  expect(finding).toMatchObject({
    status: 'ok',
    message: 'HTTP_PROXY: not used for an agent on this machine',
  });
});

test('accepts a ledger folder that can be created inside an existing one', async () => {
  const folder = await createTempFolder();
  mkdirSync(join(folder, 'there'));
  expect((await examineLedger(join(folder, 'there/not/ledger.sqlite'))).status).toBe('ok');
  expect(readdirSync(join(folder, 'there'))).toEqual([]);
});
