import { describe, expect, test } from 'vitest';
import { isLoopbackHost, resolveBaseUrl } from '../../src/api/base-url.js';
import { resolveProxy } from '../../src/model/proxy.js';

describe('the API address', () => {
  test.each([
    ['https://api.exa.ai', 'https://api.exa.ai', ''],
    ['https://api.exa.ai/', 'https://api.exa.ai', ''],
    ['https://gateway.example:8443/exa//', 'https://gateway.example:8443', '/exa'],
    ['http://127.0.0.1:8787', 'http://127.0.0.1:8787', ''],
    ['http://localhost:8787', 'http://localhost:8787', ''],
    ['http://[::1]:8787', 'http://[::1]:8787', ''],
  ])('%s may receive the key', (text, origin, prefix) => {
    expect(resolveBaseUrl(text, true)).toMatchObject({ origin, prefix });
  });

  test.each([
    'http://api.exa.ai',
    'http://10.0.0.7:8787',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com',
  ])('%s is allowed only without a key, or with consent', (text) => {
    expect(() => resolveBaseUrl(text, true)).toThrow(
      expect.objectContaining({ kind: 'usage', code: 'KEY_OVER_PLAIN_HTTP' }),
    );
    expect(resolveBaseUrl(text, false).isLoopback).toBe(false);
    expect(resolveBaseUrl(text, true, true).isLoopback).toBe(false);
  });

  test.each([
    '',
    'api.exa.ai',
    'localhost:8787',
    'ftp://api.exa.ai',
    'https://',
    'https://a.example/?key=1',
    'https://a.example/#x',
  ])('%j is rejected', (text) => {
    expect(() => resolveBaseUrl(text, false)).toThrow(
      expect.objectContaining({ kind: 'usage', code: 'INVALID_API_URL' }),
    );
  });

  test('a password in it is rejected and not shown', () => {
    for (const text of ['https://me:hunter2@api.exa.ai', 'ftp://me:hunter2@api.exa.ai']) {
      expect(() => resolveBaseUrl(text, false)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
      );
    }
  });
});

test.each([
  ['127.0.0.1', true],
  ['127.8.9.10', true],
  ['[::1]', true],
  ['LOCALHOST', true],
  ['agent.localhost', true],
  ['localhost.', true],
  ['0.0.0.0', false],
  ['128.0.0.1', false],
  ['notlocalhost', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopbackHost(host)).toBe(expected);
});

describe('the proxy', () => {
  test.each([
    ['https://a.example', { HTTPS_PROXY: 'http://p:1' }, 'http://p:1'],
    ['https://a.example', { https_proxy: 'http://small:1', HTTPS_PROXY: 'http://p:1' }, 'http://small:1'],
    ['https://a.example', { HTTP_PROXY: 'http://p:1' }, null],
    ['https://a.example', { ALL_PROXY: 'http://all:1' }, 'http://all:1'],
    ['https://a.example', { HTTPS_PROXY: 'p.example:3128' }, 'http://p.example:3128'],
    ['http://a.example', { HTTP_PROXY: 'http://p:1' }, 'http://p:1'],
    ['http://a.example', { HTTPS_PROXY: 'http://p:1' }, null],
    ['https://a.example', { HTTPS_PROXY: '' }, null],
    ['https://a.example', { HTTPS_PROXY: ' http://p:1\n' }, 'http://p:1'],
    ['https://a.example', { HTTPS_PROXY: 'http://me:50%@p:1' }, 'http://me:50%@p:1'],
    ['https://a.example', { HTTPS_PROXY: 'socks5h://p:1' }, 'socks5://p:1'],
    ['https://a.example', { ALL_PROXY: 'SOCKS5://p:1' }, 'socks5://p:1'],
    ['https://a.example', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '*' }, null],
    ['https://a.example', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'x, *' }, null],
    ['https://a.example', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'x,a.example' }, null],
    ['https://b.a.example', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'a.example' }, null],
    ['https://b.a.example', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '.A.example' }, null],
    ['https://b.a.example', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '*.a.example' }, null],
    ['https://a.example', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'a.example:443' }, null],
    ['https://a.example', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'a.example:8443' }, 'http://p:1'],
    ['https://ba.example', { HTTPS_PROXY: 'http://p:1', NO_PROXY: 'a.example' }, 'http://p:1'],
    ['https://a.example', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '*.b.example x' }, 'http://p:1'],
    ['https://a.example', { HTTPS_PROXY: 'http://p:1', no_proxy: '', NO_PROXY: '*' }, 'http://p:1'],
    ['https://[2001:db8::1]', { HTTPS_PROXY: 'http://p:1', NO_PROXY: '2001:db8::1' }, null],
    ['https://a.example', {}, null],
  ])('for %s with %j is %j', (origin, env, expected) => {
    expect(resolveProxy(origin, env)).toBe(expected);
  });

  test.each(['socks4://p:1', 'ftp://p:1', 'pac+https://p/x.pac'])(
    'rejects %s because of its scheme',
    (value) => {
      expect(() => resolveProxy('https://a.example', { HTTPS_PROXY: value })).toThrow(
        expect.objectContaining({ code: 'INVALID_PROXY', message: expect.stringContaining('not supported') }),
      );
    },
  );

  test('an invalid URL is rejected without showing its password', () => {
    expect(() => resolveProxy('https://a.example', { HTTPS_PROXY: 'http://me:hunter2@' })).toThrow(
      expect.objectContaining({ code: 'INVALID_PROXY', message: expect.not.stringContaining('hunter2') }),
    );
  });
});
