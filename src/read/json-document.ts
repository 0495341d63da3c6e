/** A list inside a JSON document, reached through objects only. */
export interface FoundList {
  /** The keys to it, joined by dots: `data.items`. Empty if the document itself is the list. */
  readonly path: string;
  /** Position of its opening bracket, in characters. */
  readonly start: number;
  /** Position after its closing bracket. */
  end: number;
  items: number;
  /** Items that are objects, or lists. */
  objects: number;
  innerLists: number;
}

/** The structure of the first value of a JSON text. */
export interface DocumentOutline {
  /** False if the text ends inside the value. */
  readonly isClosed: boolean;
  /** Position after the value. */
  readonly end: number;
  /** True if more text follows the value. */
  readonly hasMore: boolean;
  readonly lists: readonly FoundList[];
}

/** Lists beyond these are not looked for. */
const MAX_LISTS = 1_000;

/** Finds the lists of the first value of a JSON text, which is a stream. Reads up to the next value, or to the end. */
export async function outlineDocument(pieces: AsyncIterable<string>): Promise<DocumentOutline> {
  const scanner = new DocumentScanner();
  for await (const piece of pieces) if (scanner.scan(piece)) break;
  return scanner.finish();
}

/** An open object or list. `list` is absent for an object, and for a list inside another. */
interface Frame {
  readonly isObject: boolean;
  readonly path: string | null;
  readonly list: FoundList | null;
  key: string;
  isAtKey: boolean;
}

/** Follows the brackets of a text without parsing it, so that it works on any size. */
class DocumentScanner {
  readonly #lists: FoundList[] = [];
  readonly #frames: Frame[] = [];
  /** Position of the current piece in the whole text. */
  #offset = 0;
  #isInString = false;
  #isEscaped = false;
  /** The key that is being read; null outside keys. */
  #key: string | null = null;
  #end = -1;
  #hasMore = false;

  /** True once more text was found after the value. */
  scan(piece: string): boolean {
    let at = 0;
    while (at < piece.length && !this.#hasMore) {
      if (this.#isInString) at = this.#skipString(piece, at);
      else if (this.#end >= 0) at = this.#findMore(piece, at);
      else at = this.#step(piece, at);
    }
    this.#offset += piece.length;
    return this.#hasMore;
  }

  finish(): DocumentOutline {
    return {
      isClosed: this.#end >= 0,
      end: Math.max(0, this.#end),
      hasMore: this.#hasMore,
      lists: this.#lists,
    };
  }

  /** A backslash at the end of a piece escapes the first character of the next one. */
  #skipString(piece: string, from: number): number {
    STRING_MARKS.lastIndex = from + (this.#isEscaped ? 1 : 0);
    const mark = STRING_MARKS.exec(piece)?.[0];
    const at = mark === undefined ? piece.length : STRING_MARKS.lastIndex;
    this.#isEscaped = mark === '\\';
    if (this.#key !== null) this.#key += piece.slice(from, mark === '"' ? at - 1 : at);
    if (mark !== '"') return at;
    this.#isInString = false;
    const frame = this.#frames.at(-1);
    if (this.#key !== null && frame !== undefined) frame.key = unescapeKey(this.#key);
    this.#key = null;
    return at;
  }

  #findMore(piece: string, from: number): number {
    this.#hasMore = piece.slice(from).replace(SPACE, '') !== '';
    return piece.length;
  }

  #step(piece: string, from: number): number {
    MARKS.lastIndex = from;
    const mark = MARKS.exec(piece)?.[0];
    if (mark === undefined) return piece.length;
    const at = MARKS.lastIndex;
    const frame = this.#frames.at(-1);
    if (mark === '"') {
      this.#isInString = true;
      if (frame?.isAtKey === true && frame.path !== null) this.#key = '';
      if (frame?.list != null && frame.list.items === 0) frame.list.items = 1;
    } else if (mark === '{' || mark === '[') this.#open(mark === '{', this.#offset + at - 1);
    else if (mark === '}' || mark === ']') this.#close(this.#offset + at);
    else if (mark === ':') {
      if (frame !== undefined) frame.isAtKey = false;
    } else if (mark === ',') {
      if (frame !== undefined) frame.isAtKey = frame.isObject;
      if (frame?.list != null) frame.list.items = Math.max(1, frame.list.items) + 1;
    } else if (frame?.list != null && frame.list.items === 0) frame.list.items = 1;
    return at;
  }

  #open(isObject: boolean, start: number): void {
    const parent = this.#frames.at(-1);
    if (parent?.list != null) {
      parent.list.items = Math.max(1, parent.list.items);
      parent.list[isObject ? 'objects' : 'innerLists'] += 1;
    }
    const path = this.#findPath(parent);
    const list =
      isObject || path === null || this.#lists.length >= MAX_LISTS ? null : createList(path, start);
    if (list !== null) this.#lists.push(list);
    this.#frames.push({ isObject, path: isObject ? path : null, list, key: '', isAtKey: isObject });
  }

  #findPath(parent: Frame | undefined): string | null {
    if (parent === undefined) return '';
    if (parent.path === null) return null;
    return parent.path === '' ? parent.key : `${parent.path}.${parent.key}`;
  }

  #close(end: number): void {
    const frame = this.#frames.pop();
    if (frame?.list != null) frame.list.end = end;
    if (this.#frames.length === 0) this.#end = end;
  }
}

function createList(path: string, start: number): FoundList {
  return { path, start, end: start, items: 0, objects: 0, innerLists: 0 };
}

function unescapeKey(text: string): string {
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return text;
  }
}

// The last kind is the first character of a number or a word.
const MARKS = /["{}[\],:]|[^\s"{}[\],:][^"{}[\],:]*/g;
const STRING_MARKS = /"|\\[\s\S]?/g;
/** White space between values, and the separator of JSON text sequences. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: matches control characters
const SPACE = /[\s\u001a\u001e\ufeff]+/g;

/** Reads the text around a list of a document: up to its opening bracket, and from its closing one on. */
export async function readEnvelope(
  pieces: AsyncIterable<string>,
  { start, end }: Pick<FoundList, 'start' | 'end'>,
): Promise<{ head: string; tail: string }> {
  let head = '';
  let tail = '';
  let offset = 0;
  for await (const piece of pieces) {
    head += piece.slice(0, Math.max(0, start + 1 - offset));
    tail += piece.slice(Math.max(0, end - 1 - offset));
    offset += piece.length;
  }
  return { head, tail };
}
