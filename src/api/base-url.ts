import { createUsageError } from '../errors.js';

/** The API's address, parsed and checked as safe for sending the key. */
export interface BaseUrl {
  readonly origin: string;
  /** Path before `/agent/runs`, without a trailing slash; usually empty. */
  readonly prefix: string;
  readonly isLoopback: boolean;
}

/**
 * Checks the API address. With a key, plain http is only allowed on this machine, or elsewhere with `insecureHttp`.
 */
export function resolveBaseUrl(baseUrl: string, hasKey: boolean, insecureHttp = false): BaseUrl {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw createUsageError(
      'INVALID_API_URL',
      `The API address is not an http or https URL: ${formatAddress(baseUrl)}`,
      'Give the full address, such as https://api.exa.ai or http://127.0.0.1:8787.',
    );
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw createUsageError(
      'INVALID_API_URL',
      `The API address contains more than an origin and a path: ${url.origin}${url.pathname}`,
      'Leave out user name, password, query and fragment; the key comes from EXA_API_KEY.',
    );
  }
  const isLoopback = isLoopbackHost(url.hostname);
  if (hasKey && url.protocol === 'http:' && !isLoopback && !insecureHttp) {
    throw createUsageError(
      'KEY_OVER_PLAIN_HTTP',
      `The key would be sent unencrypted to ${url.origin}`,
      'Use https, or a tunnel such as ssh -L. On a private network, --insecure-http sends it anyway.',
    );
  }
  return { origin: url.origin, prefix: url.pathname.replace(/\/+$/, ''), isLoopback };
}

/** True for names and addresses that never leave this machine. */
export function isLoopbackHost(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/\.$/, '');
  if (host === 'localhost' || host.endsWith('.localhost') || host === '[::1]') return true;
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** The address as typed, with a possible password masked. */
function formatAddress(text: string): string {
  return JSON.stringify(text.replace(/\/\/[^/@]*@/, '//***@').slice(0, 200));
}
