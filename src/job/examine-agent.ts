import { AgentClient, type AgentClientOptions } from '../api/agent-client.js';
import { AgentError } from '../api/agent-error.js';
import { resolveBaseUrl } from '../api/resolve-base-url.js';
import { describeError, RowfillError } from '../errors.js';
import type { ApiKey } from '../model/api-key.js';
import type { Clock } from '../model/clock.js';
import {
  createErrorFinding,
  createFailure,
  createOk,
  createWarning,
  type Finding,
} from '../model/finding.js';

/** Who is to answer, as far as it is known. */
export interface AgentAddress {
  readonly baseUrl: string;
  readonly apiKey: ApiKey | undefined;
  readonly env: AgentClientOptions['env'];
  readonly clock: Pick<Clock, 'now'>;
}

/** Whether the key is there and taken, the agent answers, and the clocks agree. Costs nothing. */
export async function examineAgent(address: AgentAddress): Promise<Finding[]> {
  const { baseUrl, apiKey, clock } = address;
  let client: AgentClient | null = null;
  try {
    const { isLoopback } = resolveBaseUrl(baseUrl, apiKey !== undefined);
    if (apiKey === undefined && !isLoopback) return [NO_KEY, createNotTried('agent', NO_KEY.message)];
    client = createClient(address, apiKey ?? 'doctor');
    const startMs = clock.now();
    const { serverTimeMs } = await client.check();
    return [
      createOk(
        'key',
        apiKey === undefined
          ? 'none is needed on this machine'
          : `${nameKey(apiKey)} is set, and the agent takes it`,
      ),
      createOk('agent', `${baseUrl} answers, and speaks ${await readContract(address)}`),
      examineClock(serverTimeMs, (startMs + clock.now()) / 2),
    ];
  } catch (error) {
    return createFailures(error);
  } finally {
    await client?.close();
  }
}

const NO_KEY = createWarning(
  'key',
  'EXA_API_KEY is not set',
  'Set it, or EXA_API_KEY_FILE, for the hosted service; --reference DIR answers from tables of your own without one.',
);

/** Where the key comes from. */
function nameKey(apiKey: ApiKey): string {
  return typeof apiKey === 'function' ? 'EXA_API_KEY_FILE' : 'EXA_API_KEY';
}

/** A finding for what could not be looked at: what to do is said of that which stands in the way. */
function createNotTried(check: Finding['check'], why: string): Finding {
  return createWarning(check, `not tried: ${why}`, null);
}

function createClient(
  { baseUrl, env }: AgentAddress,
  apiKey: ApiKey,
  betas?: readonly string[],
): AgentClient {
  const options = { baseUrl, apiKey, retry: { maxRetries: 1 }, ...(env === undefined ? {} : { env }) };
  return new AgentClient(betas === undefined ? options : { ...options, betas });
}

/** An agent that does without the beta header speaks what came after it. */
async function readContract(address: AgentAddress): Promise<string> {
  const client = createClient(address, address.apiKey ?? 'doctor', []);
  try {
    await client.check();
    return 'the API as it is today (it asks for no Exa-Beta header)';
  } catch (error) {
    if (error instanceof AgentError && error.status === 400)
      return 'the API of 2026-05-07 (it asks for its Exa-Beta header)';
    return `the API of 2026-05-07; what it does without its header could not be told: ${describeError(error)}`;
  } finally {
    await client.close();
  }
}

/** Runs whose reply was lost are looked for as far back as the clocks may differ: `send/find-lost-runs.ts`. */
const BAD_SKEW_MS = 10 * 60_000;
const SKEW_MS = 60_000;

function examineClock(serverTimeMs: number | null, localTimeMs: number): Finding {
  if (serverTimeMs === null) return createOk('clock', 'the agent does not say what time it is');
  const skewMs = localTimeMs - serverTimeMs;
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const message = `this clock is ${seconds} s ${skewMs < 0 ? 'behind' : 'before'} that of the agent`;
  const remedy = 'Set the clock by the network (NTP): a run whose reply was lost is looked for by time.';
  if (Math.abs(skewMs) >= BAD_SKEW_MS) return createFailure('clock', message, remedy);
  if (Math.abs(skewMs) >= SKEW_MS) return createWarning('clock', message, remedy);
  return createOk('clock', 'agrees with that of the agent');
}

function createFailures(error: unknown): Finding[] {
  const isAnswer = error instanceof AgentError && error.kind === 'refused';
  if (isAnswer) {
    return [
      createErrorFinding('key', error),
      createOk('agent', 'it answers'),
      createNotTried('clock', 'the key stands in the way'),
    ];
  }
  if (
    error instanceof RowfillError &&
    (error.code === 'INVALID_API_KEY' || error.code === 'KEY_FILE_NOT_READ')
  ) {
    const rest = (['agent', 'clock'] as const).map((check) =>
      createNotTried(check, 'the key stands in the way'),
    );
    return [createErrorFinding('key', error), ...rest];
  }
  const [key, clock] = (['key', 'clock'] as const).map((check) =>
    createNotTried(check, 'the agent stands in the way'),
  );
  return [key, createErrorFinding('agent', error), clock].filter((finding) => finding !== undefined);
}
