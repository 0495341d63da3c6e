import { onTestFinished } from 'vitest';
import { createRunJson, openRawServer, type RawServer, sendJson } from './raw-server.js';

/** A request to a raw agent: the row ids, and the number of earlier runs. */
export interface OddTask {
  readonly rowIds: readonly string[];
  readonly run: number;
}

/** The parts of a run that the test sets; the rest is as in a valid run. */
export type OddScript = (task: OddTask) => Readonly<Record<string, unknown>>;

export interface OddAgent {
  readonly url: string;
  readonly server: RawServer;
  /** Number of created runs. */
  readonly created: number;
}

/** An agent that sends runs exactly as the test writes them, so that they can break the contract. */
export async function openOddAgent(script: OddScript): Promise<OddAgent> {
  const runs = new Map<string, object>();
  const server = await openRawServer(({ method, url, body }, response) => {
    if (method === 'POST') {
      const { input } = JSON.parse(body) as { input: { data: { row_id: string }[] } };
      const id = `agent_run_${runs.size + 1}`;
      const task = { rowIds: input.data.map((row) => row.row_id), run: runs.size };
      const run = createRunJson(id, { ...answerOdd(task), ...script(task) });
      runs.set(id, run);
      return sendJson(response, 200, run);
    }
    const run = runs.get(url.split('/').at(-1) ?? '');
    if (run !== undefined) return sendJson(response, 200, run);
    return sendJson(response, 200, { object: 'list', data: [], hasMore: false, nextCursor: null });
  });
  onTestFinished(() => server.close());
  return {
    url: server.url,
    server,
    get created() {
      return runs.size;
    },
  };
}

function answerOdd({ rowIds }: OddTask): Readonly<Record<string, unknown>> {
  const rows = rowIds.map((rowId) => ({ row_id: rowId, fields: { answer: `answer to ${rowId}` } }));
  return { output: { text: 'Done.', structured: { rows }, grounding: [] } };
}
