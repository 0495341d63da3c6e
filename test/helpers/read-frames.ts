/** One event of a stream. */
export interface Frame {
  readonly id: number;
  readonly event: string;
  readonly data: unknown;
}

/** Parses a whole stream strictly: three lines per frame and a blank line, ignoring comments. Throws on anything else. */
export function readFrames(text: string): Frame[] {
  const blocks = text.split('\n\n');
  if (blocks.pop() !== '')
    throw new Error(`A stream ends inside a frame: ${JSON.stringify(text.slice(-200))}`);
  return blocks
    .filter((block) => !block.startsWith(':'))
    .map((block) => {
      const match = /^id: (\d+)\nevent: ([\w.]+)\ndata: (.+)$/.exec(block);
      if (match === null) throw new Error(`No frame: ${JSON.stringify(block.slice(0, 200))}`);
      return { id: Number(match[1]), event: match[2] ?? '', data: JSON.parse(match[3] ?? '') as unknown };
    });
}
