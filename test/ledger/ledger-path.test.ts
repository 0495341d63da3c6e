import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { resolveLedgerPath } from '../../src/ledger/ledger-path.js';

test("ROWFILL_HOME sets the ledger's folder, relative to the current folder", () => {
  expect(resolveLedgerPath({ ROWFILL_HOME: '/srv/rowfill' })).toBe(resolve('/srv/rowfill', 'ledger.sqlite'));
  expect(resolveLedgerPath({ ROWFILL_HOME: 'here' })).toBe(resolve('here', 'ledger.sqlite'));
});

test('rejects a path that only a shell would expand', () => {
  for (const home of ['~', '~/rowfill', ' ~/rowfill']) {
    expect(() => resolveLedgerPath({ ROWFILL_HOME: home })).toThrow(
      expect.objectContaining({ code: 'BAD_HOME' }),
    );
  }
});

test("without it, the ledger is in the system's user data folder", () => {
  const read = (env: Record<string, string>, platform: NodeJS.Platform) =>
    resolveLedgerPath(env, platform, '/home/ann');
  const file = ['rowfill', 'ledger.sqlite'];
  expect(read({}, 'linux')).toBe(join('/home/ann', '.local', 'share', ...file));
  expect(read({ ROWFILL_HOME: '', XDG_DATA_HOME: '/data' }, 'linux')).toBe(join('/data', ...file));
  expect(read({ XDG_DATA_HOME: 'relative' }, 'linux')).toBe(join('/home/ann', '.local', 'share', ...file));
  expect(read({ XDG_DATA_HOME: '/data' }, 'darwin')).toBe(
    join('/home/ann', 'Library', 'Application Support', ...file),
  );
  expect(read({}, 'win32')).toBe(join('/home/ann', 'AppData', 'Local', ...file));
  expect(read({ LOCALAPPDATA: '/local' }, 'win32')).toBe(join('/local', ...file));
});
