import { TextDecoder } from 'node:util';
import sax from 'sax';
import { createBrokenError } from './zip-archive.js';

/** Hears what stands in an XML text; names come without their prefix. */
export interface XmlHandler {
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  close(name: string): void;
  /** A text comes in as many pieces as it likes. */
  text(text: string): void;
}

export interface XmlPart {
  /** Named in errors. */
  readonly name: string;
  readonly path: string;
  openBytes(): AsyncIterable<Uint8Array>;
}

const MAX_DEPTH = 100;

/** Reads a part of a workbook as a stream, and comes up for air after each piece of it. Nothing in it is ever fetched or expanded. */
export async function* readXml(part: XmlPart, handler: XmlHandler): AsyncGenerator<void> {
  const refuse = (what: string): never => {
    throw createBrokenError(part.name, `${part.path}: ${what}`);
  };
  const parser = createParser(handler, refuse);
  const decoder = createDecoder(refuse);
  for await (const bytes of part.openBytes()) {
    parser.write(decoder.decode(bytes));
    yield;
  }
  parser.write(decoder.decode(null));
  parser.close();
  yield;
}

function createParser(handler: XmlHandler, refuse: (what: string) => never): sax.SAXParser {
  // It looks at the length of what it holds only where it counts positions.
  const parser = sax.parser(true, { position: true });
  let depth = 0;
  parser.onerror = (error) => refuse(readFirstLine(error.message));
  parser.ondoctype = () => refuse('it declares a document type, as no workbook does');
  parser.onopentag = ({ name, attributes }) => {
    depth += 1;
    if (depth > MAX_DEPTH) refuse(`it is nested deeper than ${MAX_DEPTH} levels`);
    // Attributes have their namespaces only where the parser is told to resolve them.
    handler.open(dropPrefix(name), attributes as Record<string, string>);
  };
  parser.onclosetag = (name) => {
    depth -= 1;
    handler.close(dropPrefix(name));
  };
  parser.ontext = (text) => handler.text(text);
  parser.oncdata = (text) => handler.text(text);
  return parser;
}

function dropPrefix(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(colon + 1);
}

function readFirstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

/** Decodes UTF-8, or UTF-16 where a mark says so, and reads every line end as XML does: as a line feed. */
function createDecoder(refuse: (what: string) => never) {
  let decoder: TextDecoder | null = null;
  let hasReturn = false;
  return {
    decode(bytes: Uint8Array | null): string {
      decoder ??= new TextDecoder(detectEncoding(bytes), { fatal: true });
      const text = (hasReturn ? '\r' : '') + decodeWith(decoder, bytes, refuse);
      hasReturn = bytes !== null && text.endsWith('\r');
      const whole = hasReturn ? text.slice(0, -1) : text;
      return whole.includes('\r') ? whole.replace(/\r\n?/g, '\n') : whole;
    },
  };
}

function detectEncoding(bytes: Uint8Array | null): string {
  if (bytes?.[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  return bytes?.[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8';
}

function decodeWith(decoder: TextDecoder, bytes: Uint8Array | null, refuse: (what: string) => never): string {
  try {
    return bytes === null ? decoder.decode() : decoder.decode(bytes, { stream: true });
  } catch {
    return refuse('it holds bytes that are no text');
  }
}
