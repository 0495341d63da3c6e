import { execFileSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/** Drops the planned files one by one and records what must still be there at the end. */
export class Dropper {
  /** Files of the user that no watcher may touch: `{ path, kind, content }`; `path` may be bytes. */
  kept = [];
  dropped = [];
  #scene;
  #random;
  #waiting;
  #open = new Set();

  constructor(scene, random, drops) {
    this.#scene = scene;
    this.#random = random;
    this.#waiting = [...drops];
  }

  get left() {
    return this.#waiting.length;
  }

  /** Drops the next file whose name is free. Never overwrites a file, as no user who wants it filled would. */
  step() {
    const { folder } = this.#scene;
    const index = this.#waiting.findIndex(({ name }) => !existsSync(join(folder, name)));
    const [drop] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (drop === undefined) return;
    this.dropped.push(drop);
    const path = join(folder, drop.name);
    switch (drop.kind) {
      case 'slow':
      case 'late':
        this.#writeSlowly(path, drop);
        return;
      case 'renamed':
        writeFileSync(`${path}.part`, drop.content, { flag: 'wx' });
        placeNew(`${path}.part`, path);
        return;
      case 'swapped':
        placeNew(this.#stage(drop), path);
        this.#swapLater(path, drop);
        return;
      case 'folder':
        mkdirSync(path);
        this.#keep(join(path, 'inside.csv'), 'file', `company\nInside ${drop.id}\n`);
        return;
      case 'fifo':
        execFileSync('mkfifo', [path]);
        this.kept.push({ path, kind: 'fifo' });
        return;
      case 'not UTF-8':
        this.#keep(
          Buffer.concat([
            Buffer.from(`${folder}/odd-${drop.id}-`),
            Buffer.from([0xff, 0xfe]),
            Buffer.from('.csv'),
          ]),
          'file',
          `company\nOdd ${drop.id}\n`,
        );
        return;
      case 'foreign':
        this.#dropForeign(drop);
        return;
      default:
        placeNew(this.#stage(drop), path);
    }
  }

  /** Waits until all files are completely written. */
  async finish() {
    while (this.#open.size > 0) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  /** Writes next to the watched folder on the same disk, so that the file appears complete. */
  #stage({ id, content }) {
    const path = join(this.#scene.staging, String(id));
    writeFileSync(path, content, { flag: 'wx' });
    return path;
  }

  /** Writes through one open file, as programs do, so it stays the same file even if moved. */
  #writeSlowly(path, drop) {
    const { settleMs } = this.#scene;
    const pieces = drop.kind === 'late' ? splitLines(drop.content) : splitBytes(drop.content);
    const file = openSync(path, 'wx');
    this.#open.add(file);
    let wroteAtMs = Date.now();
    const writeOn = () => {
      const piece = pieces.shift();
      try {
        const written = piece === undefined ? 0 : writeSync(file, piece);
        if (piece !== undefined && written < piece.length) pieces.unshift(piece.subarray(written));
      } catch (error) {
        if (error.code !== 'ENOSPC') throw error;
        pieces.unshift(piece);
      }
      // After so long a pause the file looks complete, even if the pause was unintended.
      if (Date.now() - wroteAtMs > settleMs * 0.8) drop.wasLate = true;
      wroteAtMs = Date.now();
      if (pieces.length > 0) {
        setTimeout(writeOn, drop.kind === 'late' ? settleMs * 1.2 : this.#random.between(50, settleMs / 2));
        return;
      }
      closeSync(file);
      this.#open.delete(file);
    };
    writeOn();
  }

  #swapLater(path, drop) {
    const { outside, settleMs, staging } = this.#scene;
    const target = join(outside, `target-${drop.id}.csv`);
    this.#keep(target, 'file', `company\nOutside ${drop.id}\n`);
    const place = join(staging, `link-${drop.id}`);
    symlinkSync(target, place);
    const timer = {};
    this.#open.add(timer);
    setTimeout(() => {
      try {
        renameSync(place, path);
        this.kept.push({ path, kind: 'link', target });
      } catch (error) {
        if (error.code !== 'ENOENT') throw error;
        unlinkSync(place);
      }
      this.#open.delete(timer);
    }, settleMs + this.#random.between(0, 600));
  }

  #dropForeign({ id, name }) {
    const { working } = this.#scene;
    mkdirSync(working, { recursive: true });
    switch (id % 4) {
      case 0:
        this.#keep(join(working, `note-${id}.txt`), 'file', `foreign ${id}`);
        return;
      case 1:
        this.#keep(join(working, name), 'file', `foreign ${id}`);
        return;
      case 2:
        mkdirSync(join(working, name));
        this.#keep(join(working, name, name), 'file', `company\nForeign ${id}\n`);
        return;
      default: {
        // Looks like a watcher's file but has no claim.
        const room = join(working, `theirs-${id}`, 'mine');
        mkdirSync(room, { recursive: true });
        this.#keep(join(room, name), 'file', `company\nForeign ${id}\n`);
      }
    }
  }

  #keep(path, kind, content) {
    writeFileSync(path, content, { flag: 'wx' });
    this.kept.push({ path, kind, content });
  }
}

/** Moves a file to a free name. */
function placeNew(from, to) {
  linkSync(from, to);
  unlinkSync(from);
}

function splitBytes(content) {
  const size = Math.max(1, Math.ceil(content.length / 4));
  return [0, 1, 2, 3]
    .map((at) => content.subarray(at * size, (at + 1) * size))
    .filter(({ length }) => length > 0);
}

function splitLines(content) {
  const at = content.indexOf('\n', content.indexOf('\n') + 1) + 1;
  return at === 0 || at === content.length ? [content] : [content.subarray(0, at), content.subarray(at)];
}
