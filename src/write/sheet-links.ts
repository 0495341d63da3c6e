/** Excel's own limits; with more, it reports the file as damaged. */
const MAX_LINKS = 65_530;
const MAX_URL_LENGTH = 2_000;

/** Collects the links of a sheet: those of the input, and the first page that a cell of citations names. */
export class SheetLinks {
  readonly #ids = new Map<string, number>();
  readonly #places: { readonly place: string; readonly id: number }[] = [];

  /** Links a cell to the first address in its text. Returns false if there is none to open. */
  add(place: string, text: string): boolean {
    const url = /^https?:\/\/\S+/.exec(text)?.[0] ?? '';
    return URL.canParse(url) && this.keep(place, new URL(url).href);
  }

  /** Links a cell to an address. Returns false if a workbook cannot hold it. */
  keep(place: string, address: string): boolean {
    if (this.#places.length >= MAX_LINKS || address.length > MAX_URL_LENGTH) return false;
    const id = this.#ids.get(address) ?? this.#ids.size + 1;
    this.#ids.set(address, id);
    this.#places.push({ place, id });
    return true;
  }

  /** The element that follows the rows. */
  format(): string {
    if (this.#places.length === 0) return '';
    const links = this.#places.map(({ place, id }) => `<hyperlink ref="${place}" r:id="rId${id}"/>`);
    return `<hyperlinks>${links.join('')}</hyperlinks>`;
  }

  /** The part of the workbook that has the addresses; empty without links. */
  formatAddresses(linkType: string): string {
    const lines = [...this.#ids].map(
      ([url, id]) =>
        `<Relationship Id="rId${id}" Type="${linkType}" Target="${escapeAddress(url)}" TargetMode="External"/>`,
    );
    return lines.join('');
  }
}

function escapeAddress(url: string): string {
  return url.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
