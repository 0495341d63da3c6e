import { describe, expect, test } from 'vitest';
import { AddressGuard, RefusedAddress } from '../../src/pages/address.js';

/** Says what becomes of an address whose host has these addresses. */
async function judge(
  address: string,
  {
    resolved = ['93.184.215.14'],
    allowed = [],
  }: { resolved?: readonly string[]; allowed?: readonly string[] } = {},
): Promise<string> {
  const guard = new AddressGuard(allowed, async () => resolved);
  try {
    const url = new URL(address);
    guard.check(url);
    return (await guard.resolve(url)).join(' ');
  } catch (error) {
    if (error instanceof RefusedAddress) return 'refused';
    throw error;
  }
}

describe('addresses that are never fetched', () => {
  test.each([
    'file:///etc/passwd',
    'data:text/html,hello',
    'ftp://ftp.example.com/',
    'javascript:alert(1)',
    'blob:https://example.com/1',
    'ws://example.com/',
    'http://user@example.com/',
    'http://user:secret@example.com/',
    'http://example.com:22/',
    'http://example.com:25/',
    'http://example.com:6379/',
    'https://example.com:0/',
    // One machine, written in many ways.
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0177.0.0.1/',
    'http://017700000001/',
    'http://0/',
    'http://0.0.0.0/',
    'http://１２７.０.０.１/',
    'http://127。0。0。1/',
    'http://①②⑦.0.0.1/',
    'http://%31%32%37.0.0.1/',
    'http://localhost/',
    'http://LOCALHOST./',
    'http://api.localhost/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[::127.0.0.1]/',
    'http://[::ffff:0:127.0.0.1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[64:ff9b::8.8.8.8]/',
    'http://[64:ff9b:1::7f00:1]/',
    'http://[2002:7f00:1::]/',
    'http://[2001:0:7f00:1::]/',
    // Networks that are not public.
    'http://10.0.0.1/',
    'http://172.16.0.1/',
    'http://192.168.1.1/',
    'http://100.64.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://2852039166/',
    'http://[fd00:ec2::254]/',
    'http://[fe80::1]/',
    'http://[fec0::1]/',
    'http://[ff02::1]/',
    'http://198.18.0.1/',
    'http://192.0.2.1/',
    'http://224.0.0.1/',
    'http://240.0.0.1/',
    'http://255.255.255.255/',
    // Names that only a private network knows.
    'http://intranet/',
    'http://wiki/',
    'http://printer.local/',
    'http://metadata.google.internal/',
    'http://db.corp/',
    'http://router.lan/',
    'http://nas.home.arpa/',
  ])('%s', async (address) => {
    expect(await judge(address)).toBe('refused');
  });
});

describe('names', () => {
  test.each([
    ['127.0.0.1'],
    ['8.8.8.8', '10.0.0.1'],
    ['2606:4700::1111', '::1'],
    ['fe80::1%eth0'],
    ['::ffff:192.168.0.1'],
    ['64:ff9b::a9fe:a9fe'],
  ])('that resolve to %s are refused', async (...resolved) => {
    expect(await judge('https://www.example.com/', { resolved })).toBe('refused');
  });

  test('of public hosts are fetched, also through the addresses of a network without IPv4', async () => {
    expect(await judge('https://www.example.com/a')).toBe('93.184.215.14');
    expect(await judge('http://www.example.com:8080/a')).toBe('93.184.215.14');
    expect(await judge('http://8.8.8.8/')).toBe('8.8.8.8');
    expect(await judge('https://www.example.com/', { resolved: ['64:ff9b::808:808'] })).toBe(
      '64:ff9b::808:808',
    );
  });

  test('are resolved again at the connection, so that one that moved in between is refused', async () => {
    const answers = [['93.184.215.14'], ['127.0.0.1']];
    const guard = new AddressGuard([], async () => answers.shift() ?? []);
    const url = new URL('http://rebind.example.com/');
    expect(await guard.resolve(url)).toEqual(['93.184.215.14']);
    const connect = new Promise((resolve, reject) => {
      guard.createLookup(url)('rebind.example.com', { all: true }, (error, found) =>
        error === null ? resolve(found) : reject(error),
      );
    });
    await expect(connect).rejects.toBeInstanceOf(RefusedAddress);
  });
});

describe('private hosts that the user names', () => {
  test('are fetched: by host, by port, or by range', async () => {
    const inside = { resolved: ['10.1.2.3'] };
    expect(await judge('http://wiki.corp/', { ...inside, allowed: ['wiki.corp'] })).toBe('10.1.2.3');
    expect(await judge('http://wiki.corp:9000/', { ...inside, allowed: ['WIKI.corp:9000'] })).toBe(
      '10.1.2.3',
    );
    expect(await judge('http://wiki.corp/', { ...inside, allowed: ['10.0.0.0/8'] })).toBe('10.1.2.3');
    expect(await judge('http://127.0.0.1:4000/', { allowed: ['127.0.0.1:4000'] })).toBe('127.0.0.1');
    expect(await judge('http://[::1]:4000/', { allowed: ['[::1]:4000'] })).toBe('::1');
    expect(await judge('http://[fd00::5]/', { allowed: ['fd00::/8'] })).toBe('fd00::5');
  });

  test('open nothing else', async () => {
    const inside = { resolved: ['10.1.2.3'] };
    expect(await judge('http://wiki.corp:9001/', { ...inside, allowed: ['wiki.corp:9000'] })).toBe('refused');
    expect(await judge('http://db.corp/', { ...inside, allowed: ['wiki.corp'] })).toBe('refused');
    expect(await judge('http://a.wiki.corp/', { ...inside, allowed: ['wiki.corp'] })).toBe('refused');
    expect(await judge('http://wiki.corp/', { resolved: ['192.168.0.1'], allowed: ['10.0.0.0/8'] })).toBe(
      'refused',
    );
    expect(await judge('http://user@wiki.corp/', { ...inside, allowed: ['wiki.corp'] })).toBe('refused');
  });

  test.each(['', 'http://wiki', 'wiki/path', 'a b', '10.0.0.0/99', 'user@wiki'])(
    '“%s” names no host',
    (entry) => {
      expect(() => new AddressGuard([entry])).toThrow(expect.objectContaining({ code: 'BAD_FETCH_PRIVATE' }));
    },
  );
});
