import { toLibraryWords, translateError } from '../model/library-words.js';
import type { AgentRunEvent, CreateRunRequest } from '../model/run.js';
import { type CallOptions, AgentClient as CommandClient } from './agent-client.js';
import type { AgentClientOptions } from './client-options.js';

/**
 * Client of the Agent Runs API with one connection pool; close it when done.
 *
 * Every failure is an `AgentError`. Calls that are safe to repeat are retried as `retry` says. `create`,
 * `start` and `stream` send their create exactly once; if it fails, `outcome` says whether a run may exist
 * anyway.
 *
 * @example
 * const client = new AgentClient({ apiKey: process.env.EXA_API_KEY });
 * const started = await client.start({ query: 'Who leads Exa today?', effort: 'low' });
 * const run = await client.wait(started);
 * console.log(run.output.text, run.costDollars.total);
 * await client.close();
 */
export class AgentClient extends CommandClient {
  constructor(options: AgentClientOptions = {}) {
    try {
      super(options);
    } catch (error) {
      throw translateError(error, toClientWords);
    }
  }

  override async *stream(
    request: CreateRunRequest,
    options: CallOptions = {},
  ): AsyncGenerator<AgentRunEvent, void> {
    try {
      yield* super.stream(request, options);
    } catch (error) {
      throw translateError(error, toClientWords);
    }
  }

  protected override explain(error: unknown): unknown {
    return translateError(error, toClientWords);
  }
}

function toClientWords(text: string): string {
  return toLibraryWords(text).replace(/\bapiUrl\b/g, 'baseUrl');
}
