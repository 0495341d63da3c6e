import { once } from 'node:events';
import { createDeflateRaw, createGzip } from 'node:zlib';
import { configure, Reader, ZipWriter } from '@zip.js/zip.js';
import type { FileBytes } from '../model/workbook-file.js';
import type { ByteSink } from './byte-sink.js';

/** Writes a zip file as a stream, part by part, without keeping any part in memory. */
export interface ZipSink {
  addPart(path: string, text: string): Promise<void>;
  openPart(path: string): ZipPart;
  /** Copies the parts of another zip file that `isKept` selects by name, compressed as they are. */
  copyParts(file: FileBytes, isKept: (name: string) => boolean): Promise<void>;
  /** Writes the directory. */
  close(): Promise<void>;
}

export interface ZipPart {
  write(bytes: Buffer): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}

const PACKING = {
  // A fixed date, so that equal jobs write equal bytes.
  lastModDate: new Date(1980, 0, 1),
  extendedTimestamp: false,
  // Excel reports files with unneeded 64-bit sizes as damaged.
  zip64: false,
};

/** Maximum bytes that wait to be compressed. */
const QUEUE_BYTES = 1024 * 1024;
const PACKED_BYTES = 256 * 1024;

/** Compresses in a thread of its own, while the next rows are prepared: the built-in stream waits after each piece. */
class QueuedCompression {
  readonly writable: WritableStream<Uint8Array>;
  readonly readable: ReadableStream<Uint8Array>;

  constructor(format: string) {
    const options = { chunkSize: PACKED_BYTES, highWaterMark: QUEUE_BYTES };
    const packer = format === 'gzip' ? createGzip(options) : createDeflateRaw(options);
    // After a failure nothing drains.
    const closed = once(packer, 'close');
    closed.catch(() => {});
    this.writable = new WritableStream({
      write: async (piece) => {
        if (!packer.write(piece)) await Promise.race([once(packer, 'drain'), closed]);
      },
      close: () => void packer.end(),
      abort: (reason) => void packer.destroy(reason instanceof Error ? reason : undefined),
    });
    this.readable = ReadableStream.from(packer) as ReadableStream<Uint8Array>;
  }
}

// Compression has its own threads, so no workers are needed. Their limit would hold up a part for seconds if others are open.
configure({
  useWebWorkers: false,
  maxWorkers: Number.MAX_SAFE_INTEGER,
  CompressionStream: QueuedCompression,
});

/** Opens a zip file on a sink; the caller commits the sink. */
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
  /** Rethrows the sink's own error instead of the streams' follow-up error. */
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
      // Failures reject the awaited call; avoid unhandled rejections if nothing is being awaited.
      added.catch(() => {});
      writer.closed.catch(() => {});
      return {
        write: (piece) => attempt(Promise.race([writer.write(piece), added])),
        close: () => attempt(Promise.all([writer.close(), added])),
        abort: async () => {
          await writer.abort().catch(() => {});
          await added.catch(() => {});
        },
      };
    },
    copyParts: (file, isKept) =>
      attempt(
        zip.appendZip(new BytesReader(file), {
          filter: ({ filename, directory }) => !directory && isKept(filename),
          readerOptions: { filenameValidation: 'tolerant' },
        }),
      ),
    close: () => attempt(zip.close()),
  };
}

class BytesReader extends Reader<FileBytes> {
  readonly #file: FileBytes;

  constructor(file: FileBytes) {
    super(file);
    this.#file = file;
    this.size = file.size;
  }

  override readUint8Array(offset: number, length: number): Promise<Uint8Array> {
    return this.#file.read(offset, length);
  }
}
