/** Excel's own limits; with more, it reports the file as damaged. */
const MAX_LINKS = 65_530;
const MAX_URL_LENGTH = 2_000;

/** The address that a cell with this text is linked to: the first in it. Null if there is none to open. */
export function toLink(text: string): string | null {
  const url = /^https?:\/\/\S+/.exec(text)?.[0] ?? '';
  if (!URL.canParse(url)) return null;
  const { href } = new URL(url);
  return href.length > MAX_URL_LENGTH ? null : href;
}

/** Collects the links of a sheet: those of the input, and the first page that a cell of citations names. */
export class SheetLinks {
  readonly #ids = new Map<string, number>();
  /** Ids of the linked cells' addresses, by the cell. */
  readonly #places = new Map<string, number>();
  readonly #room: number;
  readonly #idPrefix: string;

  /** `given` is the number of links that the sheet already has; ids of relationships start with `idPrefix`. */
  constructor(given = 0, idPrefix = 'rId') {
    this.#room = MAX_LINKS - given;
    this.#idPrefix = idPrefix;
  }

  /** Links a cell to the first address in its text. Returns false if there is none to open. */
  add(place: string, text: string): boolean {
    const link = toLink(text);
    return link !== null && this.keep(place, link);
  }

  /** Links a cell to an address. Returns false if a workbook cannot hold it. */
  keep(place: string, address: string): boolean {
    if (this.#places.size >= this.#room || address.length > MAX_URL_LENGTH) return false;
    const id = this.#ids.get(address) ?? this.#ids.size + 1;
    this.#ids.set(address, id);
    this.#places.set(place, id);
    return true;
  }

  /** True for a linked cell, such as `B2`. */
  has(place: string): boolean {
    return this.#places.has(place);
  }

  /** The elements of all links; `prefix` is that of the sheet's elements. */
  formatLinks(prefix = ''): string {
    const links = Array.from(
      this.#places,
      ([place, id]) => `<${prefix}hyperlink ref="${place}" r:id="${this.#idPrefix}${id}"/>`,
    );
    return links.join('');
  }

  /** The addresses, with the ids that the links have. */
  listAddresses(): { readonly id: string; readonly url: string }[] {
    return [...this.#ids].map(([url, id]) => ({ id: `${this.#idPrefix}${id}`, url }));
  }
}
