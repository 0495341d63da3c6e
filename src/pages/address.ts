import { lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { createUsageError } from '../errors.js';

/** Resolves a host name to all of its addresses. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** Why an address is not fetched. `reason` is one line for the user. */
export class RefusedAddress extends Error {
  override readonly name = 'RefusedAddress';
}

/** True for the reason of a refusal that `--fetch-private` would lift. */
export function isPrivateRefusal(reason: string): boolean {
  return /is a private (?:host|address)$|is not a (?:web port|public host)$/.test(reason);
}

/** Ports of public web servers. Others belong to services that are not meant for pages, such as mail or databases. */
const WEB_PORTS: ReadonlySet<number> = new Set([80, 443, 8080, 8443]);

/**
 * Decides which addresses may be fetched. Cited addresses come from strangers, so only public hosts are allowed, and
 * the private ones that the user named: `HOST`, `HOST:PORT` or `10.0.0.0/8`.
 */
export class AddressGuard {
  readonly #names = new Set<string>();
  readonly #ranges: (readonly [ipaddr.IPv4 | ipaddr.IPv6, number])[] = [];
  readonly #resolve: Resolve;

  /** Throws BAD_FETCH_PRIVATE for an entry that names no host. */
  constructor(allowed: readonly string[] = [], resolve: Resolve = resolveHost) {
    this.#resolve = resolve;
    for (const entry of allowed) this.#allow(entry);
  }

  /** Throws RefusedAddress unless the address may be fetched, as far as its text tells. */
  check(url: URL): void {
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw new RefusedAddress(`addresses of the kind ${url.protocol} are not fetched`);
    if (url.username !== '' || url.password !== '')
      throw new RefusedAddress('the address contains a user name or password');
    const host = bareHost(url);
    const port = portOf(url);
    if (this.#isNamed(host, port)) return;
    if (!WEB_PORTS.has(port)) throw new RefusedAddress(`port ${port} is not a web port`);
    if (ipaddr.isValid(host)) this.#checkAddress(host, host);
    // With ranges of private addresses, what the name resolves to decides.
    else if (this.#ranges.length === 0 && isLocalName(host))
      throw new RefusedAddress(`${host} is a private host`);
  }

  /**
   * Resolves the host of an address, and returns its addresses. Throws RefusedAddress if any of them is private, and the
   * system's error if there are none.
   */
  async resolve(url: URL): Promise<readonly string[]> {
    const host = bareHost(url);
    if (ipaddr.isValid(host)) return [host];
    const addresses = await this.#resolve(host);
    if (!this.#isNamed(host, portOf(url))) for (const address of addresses) this.#checkAddress(address, host);
    return addresses;
  }

  /**
   * The lookup of a connection to one origin. It checks the very addresses that are then connected to, so a name that
   * changes its address after an earlier check gains nothing.
   */
  createLookup(url: URL): LookupFunction {
    return (_host, options, callback) => {
      this.resolve(url).then(
        (addresses) => {
          const found = addresses.map((address) => ({
            address,
            family: ipaddr.parse(address).kind() === 'ipv4' ? 4 : 6,
          }));
          const [first] = found;
          if (first === undefined) callback(new RefusedAddress(`${bareHost(url)} has no address`), '', 4);
          else if (options.all === true) callback(null, found);
          else callback(null, first.address, first.family);
        },
        (error: NodeJS.ErrnoException) => callback(error, '', 4),
      );
    };
  }

  #allow(entry: string): void {
    const text = entry.trim().toLowerCase();
    if (text.includes('/') && ipaddr.isValidCIDR(text)) {
      this.#ranges.push(ipaddr.parseCIDR(text));
      return;
    }
    const url = URL.canParse(`http://${text}`) ? new URL(`http://${text}`) : null;
    if (
      url === null ||
      url.hostname === '' ||
      url.pathname !== '/' ||
      url.username !== '' ||
      url.search !== ''
    ) {
      throw createUsageError(
        'BAD_FETCH_PRIVATE',
        `--fetch-private is “${entry}”, which does not name a host`,
        'Give a host, a host with a port, or a range: wiki.corp.example, wiki.corp.example:8080 or 10.0.0.0/8.',
      );
    }
    const port = /:(\d+)$/.exec(text.replace(/^\[[^\]]*\]/, ''))?.[1];
    this.#names.add(port === undefined ? bareHost(url) : `${bareHost(url)}:${Number(port)}`);
  }

  #isNamed(host: string, port: number): boolean {
    if (this.#names.has(host) || this.#names.has(`${host}:${port}`)) return true;
    return ipaddr.isValid(host) && this.#isInRange(host);
  }

  #isInRange(address: string): boolean {
    const parsed = ipaddr.process(address);
    return this.#ranges.some(([base, bits]) => base.kind() === parsed.kind() && parsed.match(base, bits));
  }

  #checkAddress(address: string, host: string): void {
    // Without the zone of a link-local address.
    const text = address.replace(/%.*$/, '');
    const parsed = ipaddr.parse(text);
    if (isPublic(parsed) || this.#isInRange(text)) return;
    const translated = address === host ? null : readTranslated(parsed);
    if (translated !== null && isPublic(translated)) return;
    const where = address === host ? host : `${host} (${address})`;
    throw new RefusedAddress(`${where} is a private address`);
  }
}

/** The host without the brackets of IPv6 and without a final dot. */
function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

function portOf({ port, protocol }: URL): number {
  if (port !== '') return Number(port);
  return protocol === 'https:' ? 443 : 80;
}

/** True for a public address. Public IPv6 addresses are all in 2000::/3 (RFC 4291). */
function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== 'unicast') return false;
  return address instanceof ipaddr.IPv4 || address.match(ipaddr.IPv6.parse('2000::'), 3);
}

/** The IPv4 address that a network without IPv4 reaches through a name's address in 64:ff9b::/96 (RFC 6052). */
function readTranslated(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | null {
  if (!(address instanceof ipaddr.IPv6) || !address.match(ipaddr.IPv6.parse('64:ff9b::'), 96)) return null;
  return new ipaddr.IPv4(address.toByteArray().slice(12));
}

/** Names that only a private network resolves (RFC 6761, RFC 8375, and usual names of company networks). */
const LOCAL_NAMES =
  /(?:^|\.)(?:localhost|local|localdomain|internal|intranet|lan|home|corp|private|home\.arpa|onion)$/;

/** True for a name that no public server has, such as one without a dot. */
function isLocalName(host: string): boolean {
  return !host.includes('.') || LOCAL_NAMES.test(host);
}

function resolveHost(host: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    systemLookup(host, { all: true, verbatim: true }, (error, addresses) => {
      if (error === null) resolve(addresses.map(({ address }) => address));
      else reject(error);
    });
  });
}
