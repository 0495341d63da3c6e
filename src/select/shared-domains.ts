/** A domain that several companies use, and what shows it. */
export interface SharedDomain {
  readonly domain: string;
  /** Lines with different names, or pages, on this domain. */
  readonly lines: readonly number[];
}

interface DomainUse {
  readonly pages: string[];
  readonly names: string[];
  readonly lines: number[];
}

/** Of a file with more domains that have pages, the first are watched. */
const MAX_DOMAINS = 20_000;
/** Without names, pages of one company are likely until there are this many. */
const MANY_PAGES = 3;

/**
 * Finds the domains of a file that several companies use: they have different names there, and different pages. Only
 * addresses with a path of their own count.
 */
export class SharedDomains {
  readonly #uses = new Map<string, DomainUse>();
  readonly #shared = new Map<string, SharedDomain>();

  /** `key` is the key of the domain, `page` that of the page, `name` the key of the company's name. */
  add(key: string, page: string, name: string | null, line: number): void {
    if (this.#shared.has(key) || (name !== null && isOwnName(name, key))) return;
    const use = this.#uses.get(key) ?? { pages: [], names: [], lines: [] };
    if (use.lines.length === 0) {
      if (this.#uses.size >= MAX_DOMAINS) return;
      this.#uses.set(key, use);
    }
    const isKnown = use.pages.includes(page) || (name !== null && use.names.includes(name));
    if (isKnown) return;
    use.pages.push(page);
    use.lines.push(line);
    if (name !== null) use.names.push(name);
    if (use.names.length < 2 && use.pages.length < MANY_PAGES) return;
    this.#shared.set(key, { domain: key.replace('domain:', ''), lines: use.lines });
    this.#uses.delete(key);
  }

  has(key: string): boolean {
    return this.#shared.size > 0 && this.#shared.has(key);
  }

  list(): SharedDomain[] {
    return [...this.#shared.values()];
  }
}

/** True for a company whose domain has its name: "BMW Bank" at bmw.com, "BMW" at bmwgroup.com. */
export function isOwnName(name: string, domain: string): boolean {
  const words = name.replace('company:', '').split(' ');
  const label = domain.replace('domain:', '').split('.')[0]?.replaceAll('-', '') ?? '';
  const [first = ''] = words;
  return words.join('').includes(label) || (first.length > 2 && label.includes(first));
}
