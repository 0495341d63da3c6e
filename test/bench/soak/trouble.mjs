import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { CUSTOMERS } from './plan.mjs';

/** Longer than a claim from another PID namespace lasts. */
const LONG_STOP_MS = 60_000;

/** Disturbs the watchers and their folder at random times that depend on the seed. */
export class Trouble {
  counts = {
    kills: 0,
    stops: 0,
    'long stops': 0,
    'half lists': 0,
    'folders moved': 0,
    'watched folder gone': 0,
    'disk full': 0,
  };
  /** The dropper waits while the folder is gone or full. */
  isAway = false;
  #scene;
  #random;
  #isOver = false;
  #loops = [];
  #moved = 0;

  constructor(scene, random) {
    this.#scene = scene;
    this.#random = random;
  }

  start(minutes, kills) {
    const spanMs = minutes * 60_000;
    this.#repeat(kills, spanMs, () => this.#kill());
    this.#repeat(minutes * 2, spanMs, () => this.#stop(this.#random.between(500, 5_000)));
    if (this.#scene.hasSpaces) this.#repeat(minutes / 6, spanMs, () => this.#stopLong());
    this.#repeat(minutes, spanMs, () => this.#saveHalfList());
    this.#repeat(minutes * 2, spanMs, () => this.#moveResults());
    this.#repeat(minutes, spanMs, () => this.#exclusively(() => this.#moveFolder()));
    if (this.#scene.isSmallDisk)
      this.#repeat(minutes / 2, spanMs, () => this.#exclusively(() => this.#fillDisk()));
  }

  /** Starts nothing more, and resolves once everything started is over. */
  async end() {
    this.#isOver = true;
    await Promise.all(this.#loops);
  }

  /** Repeats an action at least once, at random times spread over the whole time. */
  #repeat(times, spanMs, act) {
    const count = Math.max(1, Math.round(times));
    const shareMs = spanMs / count;
    const startedAtMs = Date.now();
    const loop = async () => {
      for (let index = 0; index < count && !this.#isOver; index += 1) {
        const atMs = startedAtMs + (index + this.#random.next() * 0.8) * shareMs;
        while (Date.now() < atMs && !this.#isOver) await sleep(Math.min(200, atMs - Date.now()));
        if (!this.#isOver) await act();
      }
    };
    this.#loops.push(loop());
  }

  async #kill() {
    // Rarely kills the one in a separate PID namespace, because the others must then wait 45 seconds.
    await this.#scene.kill(this.#random.pick([0, 0, 0, 0, 1, 1, 1, 1, 2]));
    this.counts.kills += 1;
  }

  async #stop(ms) {
    const watcher = this.#scene.watchers[this.#random.between(0, 2)];
    if (!this.#scene.signal(watcher, 'SIGSTOP')) return;
    this.counts.stops += 1;
    await sleep(ms);
    if (this.#scene.watchers[watcher.index] === watcher) this.#scene.signal(watcher, 'SIGCONT');
  }

  async #stopLong() {
    const watcher = this.#scene.watchers[2];
    if (!this.#scene.signal(watcher, 'SIGSTOP')) return;
    this.counts['long stops'] += 1;
    for (let ms = 0; ms < LONG_STOP_MS; ms += 500) await sleep(500);
    if (this.#scene.watchers[2] === watcher) this.#scene.signal(watcher, 'SIGCONT');
  }

  async #saveHalfList() {
    const { list, listText } = this.#scene;
    const half = ['company', ...CUSTOMERS.slice(0, CUSTOMERS.length * 0.4), 'Custo'].join('\n');
    writeFileSync(list, half);
    this.counts['half lists'] += 1;
    await sleep(1_000);
    writeFileSync(list, listText);
  }

  /** Moves a result folder away, like a user who archives it, to a random place. Sometimes puts a link in its place. */
  async #moveResults() {
    if (this.isAway) return;
    const { folder, archive, elsewhere, places } = this.#scene;
    const which = this.#random.pick(['done', 'failed']);
    this.#moved += 1;
    const name = `${which}-${this.#moved}`;
    const to = join(this.#random.pick([folder, archive]), name);
    const from = join(folder, which);
    try {
      renameSync(from, to);
    } catch (error) {
      if (error.code === 'ENOENT' || error.code === 'ENOSPC') return;
      throw error;
    }
    this.counts['folders moved'] += 1;
    places[which].push(to);
    if (!this.#random.chance(0.3)) return;
    const target = join(elsewhere, name);
    mkdirSync(target);
    try {
      symlinkSync(target, from);
    } catch (error) {
      // A watcher was faster and recreated the folder.
      if (error.code !== 'EEXIST' && error.code !== 'ENOSPC') throw error;
    }
  }

  async #moveFolder() {
    const { folder, disk } = this.#scene;
    const away = join(disk, 'away');
    renameSync(folder, away);
    this.counts['watched folder gone'] += 1;
    await sleep(this.#random.chance(0.8) ? this.#random.between(50, 3_000) : 20_000);
    renameSync(away, folder);
  }

  async #fillDisk() {
    const path = join(this.#scene.disk, 'ballast');
    const file = openSync(path, 'w');
    for (const size of [1 << 20, 1 << 12]) {
      const piece = Buffer.alloc(size);
      try {
        while (writeSync(file, piece) === size);
      } catch (error) {
        if (error.code !== 'ENOSPC') throw error;
      }
    }
    closeSync(file);
    this.counts['disk full'] += 1;
    await sleep(this.#random.between(3_000, 10_000));
    rmSync(path);
  }

  async #exclusively(act) {
    while (this.isAway) await sleep(100);
    this.isAway = true;
    try {
      await act();
    } finally {
      this.isAway = false;
    }
  }
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
