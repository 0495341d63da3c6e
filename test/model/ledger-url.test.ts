import { expect, test } from 'vitest';
import { describeLedger, isLedgerUrl, parseLedgerUrl } from '../../src/model/ledger-url.js';

test('a path is not a URL, and a URL of another kind is refused', () => {
  for (const path of [
    ...['ledger.sqlite', '/data/postgres', 'C:\\data\\l.sqlite', 'c:/data/l@x', './a://b', 'postgres'],
    ...[
      'backup 12:30.sqlite',
      'me@work/l.sqlite',
      '../a:b@c',
      '\\\\server\\share\\l.sqlite',
      'postgres.sqlite',
    ],
  ])
    expect(isLedgerUrl(path)).toBe(false);
  expect(isLedgerUrl('postgres://db/x')).toBe(true);
  expect(isLedgerUrl('PostgreSQL://db/x')).toBe(true);
  for (const url of ['mysql://db/x', 'https://db/x', 'sqlite://x', 'file:///data/ledger.sqlite'])
    expect(() => isLedgerUrl(url)).toThrow(expect.objectContaining({ code: 'LEDGER_URL', kind: 'usage' }));
});

test.each([
  '',
  ' ',
  `'postgres://u:s3cret@127.0.0.1:5432/db'`,
  `"postgres://u:s3cret@127.0.0.1:5432/db"`,
  '“postgresql://u:s3cret@db/x”',
  ' postgres://u:s3cret@db/x',
  'postgres:/u:s3cret@127.0.0.1:5432/db',
  'postgres:u:s3cret@db/x',
  'postgres:s3cret',
  'postgres;//u@s3cret',
  'postgres//u@db/s3cret',
  'postgre:/db/s3cret',
  'u:s3cret@127.0.0.1:5432/db',
  '//u:s3cret@db/x',
  'u:s3c/ret@db/x',
  'ROWFILL_LEDGER=postgres://u:s3cret@db/x',
  'psql postgres://u:s3cret@db/x',
  'jdbc:postgresql://db/x?password=s3cret',
  'host=db user=u password=s3cret',
  "'/data/s3cret.sqlite'",
])('%s is not taken for the path of a file', (text) => {
  let thrown: unknown = null;
  try {
    isLedgerUrl(text);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ code: 'LEDGER_URL', kind: 'usage' });
  expect(JSON.stringify([String(thrown), thrown])).not.toContain('s3cret');
});

test('the schema is a parameter of the URL, which the driver does not get', () => {
  const { driverUrl, schema } = parseLedgerUrl('postgres://me@db:6432/x?schema=team_b&connect_timeout=5');
  expect(schema).toBe('team_b');
  expect(driverUrl).toBe('postgres://me@db:6432/x?connect_timeout=5');
  expect(parseLedgerUrl('postgres://').schema).toBe('rowfill');
  for (const wrong of [
    'information_schema',
    'pg_catalog',
    'Team',
    'a-b',
    '1a',
    '',
    'pg_x',
    'a"b',
    "a'b",
    'a'.repeat(64),
  ]) {
    const url = `postgres://db/x?schema=${encodeURIComponent(wrong)}`;
    expect(() => parseLedgerUrl(url)).toThrow(/the schema of the ledger is/);
  }
});

test.each([
  ['postgres://me:s3cretword@db.example.com/x', 'postgres://me@db.example.com/x'],
  ['postgres://me@db:6432/x?password=s3cretword&schema=b', 'postgres://me@db:6432/x?schema=b'],
  ['postgres://db/x?sslpassword=s3cretword&sslkey=/k', 'postgres://db/x'],
  ['postgres://me:s3cretword@/x?host=/run/pg', 'postgres:///x?host=/run/pg&user=me'],
  ['postgres:///x?host=%2Frun%2Fpg&user=me&password=s3cretword', 'postgres:///x?host=/run/pg&user=me'],
])('%s is shown without its password', (url, label) => {
  const parsed = parseLedgerUrl(url);
  expect(parsed.label).toBe(label);
  expect(describeLedger(url)).toBe(label);
  expect(parsed.passwords).toEqual(['s3cretword']);
  expect(decodeURIComponent(parsed.driverUrl)).toContain('s3cretword');
  expect(parseLedgerUrl(label).label).toBe(label);
  expect(parseLedgerUrl(label).passwords).toEqual([]);
});

test('a malformed URL is refused without quoting it', () => {
  const urls = [
    'postgres://me:s3cret/word@db/x',
    'postgres://me:12/s3cret@db/x',
    'postgres://me:12#s3cret@db/x',
    'postgres://me:12?s3cret@db/x',
    'postgres://me:12?s3cret=1@db/x',
    'postgres://me:s3cret:x@/y@z',
    'postgres://me:%zz@/s3cret',
    'postgres://me:s3cret%ss@db/x',
    'postgres://me:s3cret100%@db/x',
    'postgres://me:s3cret%2@db/x',
    'postgres://me:s3cret%ff@db/x',
    'postgres://me@db/x?password=s3cret%',
    'postgres://me@db/%s3cret',
    'postgres://db:s3cret/x',
    'postgres://db/x#s3cret',
  ];
  for (const url of urls) {
    let thrown: unknown;
    try {
      // A label with a part of a password would be as bad.
      thrown = new Error(parseLedgerUrl(url).label);
    } catch (error) {
      thrown = error;
    }
    expect(thrown, url).toMatchObject({ code: 'LEDGER_URL', kind: 'usage' });
    expect(JSON.stringify([String(thrown), thrown]), url).not.toContain('s3cret');
  }
});

test('a parameter that nothing reads is refused, with the nearest one, and without quoting it', () => {
  const refuse = (url: string) => {
    try {
      return parseLedgerUrl(url).label;
    } catch (error) {
      return error;
    }
  };
  for (const [name, near] of [
    ['hots', 'host'],
    ['Schema', 'schema'],
    ['ssl_mode', 'sslmode'],
    ['aplication_name', 'application_name'],
  ]) {
    expect(refuse(`postgres://me@/x?${name}=/run/pg`)).toMatchObject({
      code: 'LEDGER_URL',
      hint: expect.stringContaining(`Did you mean ${near}?`),
    });
  }
  // The driver would leave these out, and look for the server elsewhere.
  for (const name of ['dbname', 'hostaddr', 'service', 'database'])
    expect(refuse(`postgres://db/x?${name}=y`), name).toMatchObject({ code: 'LEDGER_URL' });
  const secret = refuse('postgres://me:12?secretword=x');
  expect(secret).toMatchObject({ code: 'LEDGER_URL', hint: expect.stringContaining('%3F') });
  expect(JSON.stringify([String(secret), secret])).not.toContain('secretword');
  expect(refuse('postgres://db/x?schema=a&schema=b')).toMatchObject({ code: 'LEDGER_URL' });
  // Of the addresses that services give.
  for (const query of ['sslmode=require&channel_binding=require', 'target_session_attrs=read-write'])
    expect(refuse(`postgres://me@db/x?${query}`)).toBe('postgres://me@db/x');
});

test('a TLS mode that checks the certificate now keeps to it in the next version of the driver', () => {
  const modeOf = (mode: string, more = '') =>
    new URL(parseLedgerUrl(`postgres://db/x?sslmode=${mode}${more}`).driverUrl).searchParams.get('sslmode');
  for (const mode of ['prefer', 'require', 'verify-ca', 'verify-full'])
    expect(modeOf(mode)).toBe('verify-full');
  for (const mode of ['disable', 'no-verify']) expect(modeOf(mode)).toBe(mode);
  for (const mode of ['verify_full', 'VERIFY-FULL', 'verifyfull', 'allow', 'true', ''])
    expect(() => modeOf(mode), mode).toThrow(/sslmode .* is not a mode that is known/);
  for (const ssl of ['false', 'no', 'require', ''])
    expect(() => parseLedgerUrl(`postgres://db/x?ssl=${ssl}`), ssl).toThrow(/ssl .* is not known/);
  expect(parseLedgerUrl('postgres://db/x?ssl=0').driverUrl).toContain('ssl=0');
  expect(modeOf('require', '&uselibpqcompat=true')).toBe('require');
});

test('a port that is not one is named as the fault', () => {
  for (const port of ['99999', 'abc', '0', '-1', '54 32'])
    for (const url of [
      `postgres://me:pw@db:${port}/x`,
      `postgres://[::1]:${port}`,
      `postgres://db/x?port=${port}`,
    ])
      expect(() => parseLedgerUrl(url), url).toThrow(/the port .* 1 to 65535/);
  expect(parseLedgerUrl('postgres://me:99999@db:5432/x').passwords).toEqual(['99999']);
});
