import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { resolveLedgerPath } from '../../src/ledger/ledger-path.js';

test("ROWFILL_HOME sets the ledger's folder", () => {
  expect(resolveLedgerPath({ ROWFILL_HOME: '/srv/rowfill' })).toBe(resolve('/srv/rowfill', 'ledger.sqlite'));
});

test('rejects a folder that only a shell would expand, or that is another one in each folder, or none', () => {
  for (const home of ['~', '~/rowfill', ' ~/rowfill', 'here', './here', 'postgres://db/x']) {
    expect(() => resolveLedgerPath({ ROWFILL_HOME: home })).toThrow(
      expect.objectContaining({ code: 'BAD_HOME' }),
    );
  }
  for (const home of ['', ' ']) {
    expect(() => resolveLedgerPath({ ROWFILL_HOME: home })).toThrow(
      expect.objectContaining({ code: 'EMPTY_VARIABLE' }),
    );
  }
});

test("without it, the ledger is in the system's user data folder", () => {
  const read = (env: Record<string, string>, platform: NodeJS.Platform) =>
    resolveLedgerPath(env, platform, '/home/ann');
  const file = ['rowfill', 'ledger.sqlite'];
  expect(read({}, 'linux')).toBe(join('/home/ann', '.local', 'share', ...file));
  expect(read({ XDG_DATA_HOME: '/data' }, 'linux')).toBe(join('/data', ...file));
  expect(read({ XDG_DATA_HOME: 'relative' }, 'linux')).toBe(join('/home/ann', '.local', 'share', ...file));
  expect(read({ XDG_DATA_HOME: '/data' }, 'darwin')).toBe(
    join('/home/ann', 'Library', 'Application Support', ...file),
  );
  expect(read({}, 'win32')).toBe(join('/home/ann', 'AppData', 'Local', ...file));
  expect(read({ LOCALAPPDATA: '/local' }, 'win32')).toBe(join('/local', ...file));
});
