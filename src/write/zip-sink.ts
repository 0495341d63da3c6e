import { configure, ZipWriter } from '@zip.js/zip.js';
import type { ByteSink } from './byte-sink.js';

/** A zip file as it is being written: one part after the other, none of them kept in memory. */
export interface ZipSink {
  addPart(path: string, text: string): Promise<void>;
  openPart(path: string): ZipPart;
  /** Writes the list of the parts. */
  close(): Promise<void>;
}

export interface ZipPart {
  write(text: string): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

const PACKING = {
  // The same at every time and everywhere, so that equal jobs write equal bytes.
  lastModDate: new Date(1980, 0, 1),
  extendedTimestamp: false,
  // Excel takes a file for damaged that says in 64 bits what fits into 32.
  zip64: false,
};

// Workers are for browsers: here the packing is in threads of the runtime's own.
configure({ useWebWorkers: false });

/** Opens a zip file on a sink, which stays the caller's to commit. */
export function openZipSink(sink: ByteSink): ZipSink {
  let failure: unknown = null;
  const bytes = new WritableStream<Uint8Array>({
    write: async (piece) => {
      await sink
        .write(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength))
        .catch((error: unknown) => {
          failure ??= error;
          throw error;
        });
    },
  });
  const zip = new ZipWriter(bytes, PACKING);
  /** What failed is what the sink says, whatever became of it on its way through the streams. */
  const attempt = async (step: Promise<unknown>): Promise<void> => {
    try {
      await step;
    } catch (error) {
      throw failure ?? error;
    }
  };
  return {
    addPart: (path, text) => attempt(zip.add(path, new Blob([text]).stream())),
    openPart: (path) => {
      const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
      const writer = writable.getWriter();
      const added = zip.add(path, readable);
      // A failure is told to whoever waits; nobody may be waiting at the moment it comes.
      added.catch(() => {});
      writer.closed.catch(() => {});
      return {
        write: (text) => attempt(Promise.race([writer.write(Buffer.from(text, 'utf8')), added])),
        close: () => attempt(Promise.all([writer.close(), added])),
        abort: async () => {
          await writer.abort().catch(() => {});
          await added.catch(() => {});
        },
      };
    },
    close: () => attempt(zip.close()),
  };
}
