/** Something that a person should know about the input, though it can be read. */
export interface InputNote {
  readonly code: string;
  readonly message: string;
  /** The message without what follows for an output, for a file that is only read; null if nothing is left of it. */
  readonly fact?: string | null;
}

const MAX_LINES = 5;

/** Collects what is strange in the rows of one reading: how often, and on which lines first. */
export class Notebook {
  readonly #seen = new Map<string, { count: number; lines: number[] }>();

  add(code: string, line: number): void {
    const entry = this.#seen.get(code) ?? { count: 0, lines: [] };
    entry.count += 1;
    if (entry.lines.length < MAX_LINES) entry.lines.push(line);
    this.#seen.set(code, entry);
  }

  /** The notes so far; `texts` has for each code what it counts, and what follows from it. */
  read(
    texts: Readonly<Record<string, readonly [what: string, consequence: string]>>,
    unit = 'line',
  ): InputNote[] {
    return [...this.#seen].map(([code, { count, lines }]) => {
      const [what, consequence] = texts[code] ?? [code, ''];
      const more = count > lines.length ? ', …' : '';
      const where = `${count === 1 ? unit : `${unit}s`} ${lines.join(', ')}${more}`;
      const fact = `${what}: ${count} (${where}).`;
      return { code, message: `${fact} ${consequence}`, fact };
    });
  }
}
