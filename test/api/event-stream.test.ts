import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EventStream } from '../../src/api/event-stream.js';
import type { AgentRunEvent } from '../../src/model/run.js';
import { formatFrame } from '../helpers/raw-server.js';

async function read(
  chunks: readonly Buffer[],
  maxBytes = 100_000,
): Promise<{ events: AgentRunEvent[]; cut: unknown }> {
  const stream = new EventStream(Readable.from(chunks), maxBytes, () => 0);
  const events: AgentRunEvent[] = [];
  for (;;) {
    const item = await stream.next();
    if (item.kind === 'end') return { events, cut: item.cut };
    events.push(item.event);
  }
}

const readText = async (text: string): Promise<AgentRunEvent[]> => (await read([Buffer.from(text)])).events;

const EVENT = { id: '1', event: 'agent_run.created', data: { id: 'r', name: 'Łódź 東京 🏭' } };
const WIRE = formatFrame(EVENT.id, EVENT.event, EVENT.data);

describe('a stream', () => {
  test.each([
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ])('is read with %s line ends', async (_name, newline) => {
    expect(await readText(formatFrame('1', EVENT.event, EVENT.data, newline).repeat(2))).toEqual([
      EVENT,
      EVENT,
    ]);
  });

  test('is read byte by byte, including multi-byte characters', async () => {
    const bytes = [...Buffer.from(WIRE)].map((byte) => Buffer.from([byte]));
    expect((await read(bytes)).events).toEqual([EVENT]);
  });

  test('is read the same for any chunk boundaries', async () => {
    const wire = Buffer.from(
      `\uFEFF: hello\n\n${WIRE}: keep-alive\r\n\r\n${formatFrame('2', 'x', [1], '\r\n')}id: 3\rdata: {"é":1}\r\r`,
    );
    const expected = (await read([wire])).events;
    expect(expected.map((event) => event.id)).toEqual(['1', '2', '3']);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(wire.length), { maxLength: 12 }), async (cuts) => {
        const points = [0, ...cuts.sort((a, b) => a - b), wire.length];
        const chunks = points.slice(1).map((end, index) => wire.subarray(points[index], end));
        expect((await read(chunks)).events).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  test('passes through events with unknown names, without ids and without JSON', async () => {
    expect(await readText('event: later\ndata: plain words\n\ndata: {"a":1}\n\n')).toEqual([
      { id: '', event: 'later', data: 'plain words' },
      { id: '', event: 'message', data: { a: 1 } },
    ]);
  });

  test('joins multi-line data', async () => {
    expect(await readText('event: e\ndata: {"a":\ndata: 1}\n\n')).toEqual([
      { id: '', event: 'e', data: { a: 1 } },
    ]);
  });

  test('ignores comments, retry and unknown fields', async () => {
    expect(await readText(`: c\nretry: 5\nretry: x\ntopic: y\n\n${WIRE}`)).toEqual([EVENT]);
  });

  test('accepts a last frame without its blank line if its data is complete', async () => {
    expect(await readText(WIRE.trimEnd())).toEqual([EVENT]);
    expect(await readText(`${WIRE}event: e\ndata: {"a"`)).toEqual([EVENT]);
    expect(await readText(`${WIRE}event: e\ndata: 12`)).toEqual([EVENT]);
  });

  test('that breaks ends with the error, after the events before it', async () => {
    const broken = new Error('reset');
    const body = Readable.from(
      (async function* () {
        yield Buffer.from(WIRE);
        throw broken;
      })(),
    );
    const stream = new EventStream(body, 1_000, () => 0);
    expect(await stream.next()).toMatchObject({ kind: 'event' });
    expect(await stream.next()).toEqual({ kind: 'end', cut: broken });
    expect(await stream.next()).toEqual({ kind: 'end', cut: null });
  });

  test('ends at an event above the size limit without buffering it', async () => {
    const { events, cut } = await read(
      [Buffer.from(WIRE), Buffer.from('data: '), Buffer.alloc(5_000, 97)],
      1_000,
    );
    expect(events).toEqual([EVENT]);
    expect(cut).toMatchObject({ code: 'RESPONSE_TOO_LARGE' });
  });

  test('records when the last bytes arrived, including comments', async () => {
    let now = 5;
    const stream = new EventStream(
      Readable.from([Buffer.from(': c\n\n'), Buffer.from(WIRE)]),
      1_000,
      () => now++,
    );
    await stream.next();
    expect(stream.lastByteAt).toBe(7);
  });

  test('returns events that were put back first', async () => {
    const stream = new EventStream(Readable.from([Buffer.from(WIRE)]), 1_000, () => 0);
    const early = { id: '0', event: 'early', data: null };
    stream.unread([early]);
    expect(await stream.next()).toEqual({ kind: 'event', event: early });
    expect(await stream.next()).toEqual({ kind: 'event', event: EVENT });
  });
});
