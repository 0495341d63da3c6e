/** What kind of page came back. Only `readable` and `paywalled` pages are searched for values. */
export type PageKind =
  /** Has text of its own. */
  | 'readable'
  /** Shows a part and asks for money or a login for the rest. */
  | 'paywalled'
  /** A challenge, an access refusal or a login form instead of the page. */
  | 'blocked'
  /** No text of its own: a script-only shell, a consent wall, a PDF of images, a media type without text. */
  | 'unreadable'
  /** Says that the page does not exist, whatever its status. */
  | 'gone';

/** The region of a page. `pdf` text has page numbers instead of regions. */
export type Region = 'main' | 'header' | 'nav' | 'aside' | 'footer' | 'pdf';

/** What a block of text is. */
export type BlockRole = 'text' | 'heading' | 'item' | 'cell' | 'term' | 'detail' | 'caption' | 'option';

/** Text between two block boundaries, with white space collapsed and invisible characters removed. */
export interface TextBlock {
  readonly text: string;
  readonly region: Region;
  readonly role: BlockRole;
  /** Index in `PageText.blocks` of the heading above; -1 if there is none. */
  readonly heading: number;
  /** Level of a heading, 1 to 6. 0 for other blocks. */
  readonly level: number;
  /** Index in `PageText.groups` of the innermost element around the block. */
  readonly group: number;
  /** Position in a table. */
  readonly cell: TableCell | null;
  /** Page number of a PDF, from 1. Null for other pages. */
  readonly page: number | null;
  /** Spans of `text` that are struck out, such as an old price: [start, end). */
  readonly struck: readonly (readonly [number, number])[];
}

/** The place of a cell: index of the table, first row and column, all from 0, and how many it spans. */
export interface TableCell {
  readonly table: number;
  readonly row: number;
  readonly column: number;
  readonly rowSpan: number;
  readonly colSpan: number;
  readonly isHeader: boolean;
}

/** An element that holds blocks: `first` to `last` are indexes in `PageText.blocks`. */
export interface BlockGroup {
  readonly parent: number;
  readonly first: number;
  readonly last: number;
}

/** Where a value that is not part of the visible text comes from. */
export type DataSource = 'json-ld' | 'json' | 'meta' | 'alt' | 'time' | 'attribute';

/** A value that the page states without showing it as text. */
export interface DataItem {
  readonly source: DataSource;
  /** Keys from the outside to the inside, such as `address`, `addressLocality`. List positions are left out. */
  readonly path: readonly string[];
  readonly value: string;
  /** Name of the object that has the value, if it has one. Empty if unknown. */
  readonly owner: string;
  /** Short texts of the same object, such as `jobTitle: CEO; worksFor: Acme`. */
  readonly beside: string;
  /** The block beside which the value is; -1 if it belongs to the page. */
  readonly block: number;
}

/** The target of a link. */
export interface PageLink {
  /** Absolute address, such as `https://…`, `mailto:…` or `tel:…`. */
  readonly url: string;
  readonly text: string;
  readonly region: Region;
  /** The block that has the link; -1 if the link has no text and no block follows. */
  readonly block: number;
}

/** The text of a page. Plain data, so that it can be stored as JSON. */
export interface PageText {
  readonly kind: PageKind;
  /** Why it is of this kind, in a few words. Empty for `readable`. */
  readonly reason: string;
  /** The address after redirects. */
  readonly url: string;
  readonly title: string;
  /** Primary language tag in lower case, such as `de`. Empty if unknown. */
  readonly language: string;
  readonly blocks: readonly TextBlock[];
  readonly groups: readonly BlockGroup[];
  readonly data: readonly DataItem[];
  readonly links: readonly PageLink[];
  /** True if the page was longer than what is read of it. */
  readonly isCut: boolean;
}

/** A response to read, with its body after decompression. */
export interface PageBytes {
  /** The address after redirects. */
  readonly url: string;
  readonly status: number;
  /** The `content-type` header as received, or null. */
  readonly contentType: string | null;
  readonly body: Uint8Array;
}
