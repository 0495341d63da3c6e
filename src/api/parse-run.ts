import { parseDollars } from '../model/format.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import type {
  AgentRun,
  AgentRunEvent,
  Citation,
  Confidence,
  CreateRunRequest,
  EventPage,
  Grounding,
  ReportedCost,
  RunOutput,
  RunPage,
  RunStatus,
  RunUsage,
} from '../model/run.js';
import { cleanCode } from '../model/untrusted-text.js';

/**
 * Parses a run leniently: only `id` and `status` are required, everything else gets a default, and unknown
 * keys are kept for audit. Returns null for anything else.
 */
export function parseRun(value: JsonValue | undefined): AgentRun | null {
  if (!isJsonObject(value)) return null;
  const { id, status } = value;
  if (typeof id !== 'string' || id === '' || typeof status !== 'string' || status === '') return null;
  return fillRun(value, id, status);
}

function fillRun(value: JsonObject, id: string, status: string): AgentRun {
  return {
    ...value,
    id,
    object: 'agent_run',
    // The service may add statuses; an unknown one counts as still working.
    status: status as RunStatus,
    stopReason: parseWord(value.stopReason),
    createdAt: parseText(value.createdAt) ?? '',
    completedAt: parseText(value.completedAt),
    // Our own request as the service stored it; only its metadata is read.
    request: isJsonObject(value.request) ? (value.request as unknown as CreateRunRequest) : null,
    output: parseOutput(value.output),
    usage: parseUsage(value.usage),
    costDollars: parseCost(value.costDollars),
    error: parseFault(value.error),
  };
}

/** True for a run with its result, not only its id and status. */
export function hasResult(value: JsonValue | undefined): boolean {
  return isJsonObject(value) && isJsonObject(value.output) && isJsonObject(value.costDollars);
}

/** Parses a page of runs, skipping invalid entries; null if it is not a page. */
export function parseRunPage(value: JsonValue): RunPage | null {
  const page = parsePage(value);
  return page && { ...page, data: page.data.map(parseListedRun).filter((run) => run !== null) };
}

/**
 * An entry with a request counts as a run even without a status or id, because lost creates are looked up
 * here.
 */
function parseListedRun(value: JsonValue): AgentRun | null {
  const run = parseRun(value);
  if (run !== null || !isJsonObject(value) || !isJsonObject(value.request)) return run;
  return fillRun(value, parseText(value.id) ?? '', parseText(value.status) ?? 'unknown');
}

/** Parses a page of stored events, skipping invalid entries; null if it is not a page. */
export function parseEventPage(value: JsonValue): EventPage | null {
  const page = parsePage(value);
  return page && { ...page, data: page.data.map(parseEvent).filter((event) => event !== null) };
}

/** A run's error as an object; some services give it as text. */
export function parseFault(value: JsonValue | undefined): JsonObject | null {
  if (isJsonObject(value)) return value;
  return typeof value === 'string' && value !== '' ? { message: value } : null;
}

function parsePage(
  value: JsonValue,
): { data: readonly JsonValue[]; hasMore: boolean; nextCursor: string | null } | null {
  if (!isJsonObject(value) || !Array.isArray(value.data)) return null;
  const nextCursor = parseText(value.nextCursor);
  const hasMore = typeof value.hasMore === 'boolean' ? value.hasMore : nextCursor !== null;
  return { data: value.data, hasMore, nextCursor };
}

function parseEvent(value: JsonValue): AgentRunEvent | null {
  if (!isJsonObject(value) || typeof value.event !== 'string') return null;
  const createdAt = parseText(value.createdAt);
  return {
    id: typeof value.id === 'number' ? String(value.id) : (parseText(value.id) ?? ''),
    event: value.event,
    data: value.data ?? null,
    ...(createdAt === null ? {} : { createdAt }),
  };
}

function parseOutput(value: JsonValue | undefined): RunOutput {
  const output = isJsonObject(value) ? value : {};
  return {
    ...output,
    text: parseText(output.text) ?? '',
    structured: output.structured ?? null,
    grounding: Array.isArray(output.grounding)
      ? output.grounding.map(parseGrounding).filter((entry) => entry !== null)
      : [],
  };
}

function parseGrounding(value: JsonValue): Grounding | null {
  // A run has hundreds, so those in the usual form are not copied.
  if (isGrounding(value)) return value;
  if (!isJsonObject(value) || typeof value.field !== 'string') return null;
  return {
    ...value,
    field: value.field,
    citations: Array.isArray(value.citations)
      ? value.citations.map(parseCitation).filter((citation) => citation !== null)
      : [],
    confidence: isConfidence(value.confidence) ? value.confidence : null,
    score: typeof value.score === 'number' ? value.score : null,
  };
}

function isGrounding(value: JsonValue | Grounding): value is Grounding {
  if (!isJsonObject(value)) return false;
  const { field, citations, confidence = null, score = null } = value;
  return (
    typeof field === 'string' &&
    Array.isArray(citations) &&
    citations.every(isCitation) &&
    (confidence === null || isConfidence(confidence)) &&
    (score === null || typeof score === 'number')
  );
}

function isCitation(value: JsonValue): boolean {
  if (!isJsonObject(value)) return false;
  const { url, title = null } = value;
  return (
    typeof url === 'string' && url !== '' && title !== '' && (title === null || typeof title === 'string')
  );
}

function parseCitation(value: JsonValue): Citation | null {
  if (typeof value === 'string' && value !== '') return { url: value, title: null };
  if (!isJsonObject(value) || typeof value.url !== 'string' || value.url === '') return null;
  return { ...value, url: value.url, title: parseText(value.title) };
}

function isConfidence(value: JsonValue | undefined): value is Confidence {
  return value === 'low' || value === 'medium' || value === 'high';
}

function parseUsage(value: JsonValue | undefined): RunUsage {
  const usage = isJsonObject(value) ? value : {};
  return {
    ...usage,
    agentComputeUnits: parseAmount(usage.agentComputeUnits) ?? 0,
    searches: parseAmount(usage.searches) ?? 0,
    emails: parseAmount(usage.emails) ?? 0,
    phoneNumbers: parseAmount(usage.phoneNumbers) ?? 0,
  };
}

function parseCost(value: JsonValue | undefined): ReportedCost {
  const cost = isJsonObject(value) ? value : {};
  const parts = {
    agentCompute: parseDollars(cost.agentCompute) ?? 0,
    search: parseDollars(cost.search) ?? 0,
    emails: parseDollars(cost.emails) ?? 0,
    phoneNumbers: parseDollars(cost.phoneNumbers) ?? 0,
  };
  if (cost.total === undefined) return { ...cost, ...parts, total: addParts(cost) };
  const total = parseDollars(cost.total);
  return total === null
    ? { ...cost, ...parts, total, unreadableTotal: cost.total }
    : { ...cost, ...parts, total };
}

/** Adds up the parts of a cost without a total; null if a part is not an amount or nothing was billed. */
function addParts(cost: JsonObject): number | null {
  const { agentCompute, search, emails, phoneNumbers, dataSources } = cost;
  const sources = isJsonObject(dataSources) ? Object.values(dataSources) : [];
  let sum = 0;
  for (const part of [agentCompute, search, emails, phoneNumbers, ...sources]) {
    const dollars = parseDollars(part ?? 0);
    if (dollars === null) return null;
    sum += dollars;
  }
  return sum === 0 ? null : parseDollars(sum);
}

/** Parses a count or amount of at least 0; decimal text is accepted. */
function parseAmount(value: JsonValue | undefined): number | null {
  const isDecimal = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value.trim());
  const amount = isDecimal ? Number(value) : value;
  return typeof amount === 'number' && Number.isFinite(amount) && amount >= 0 ? amount : null;
}

function parseWord(value: JsonValue | undefined): string | null {
  const text = parseText(value);
  return text === null ? null : cleanCode(text);
}

function parseText(value: JsonValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
