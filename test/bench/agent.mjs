import { drawLatencies } from './latencies.mjs';

/** An agent that knows every answer: it takes as long as its seed says, and keeps count of what it was made to do. */
export class BenchAgent {
  description = 'An agent of the benchmarks.';
  #latencies;
  #limits;
  #active = 0;
  #changedAt = 0;
  stats = {
    startedAtMs: [],
    busyMs: 0,
    allowedMs: 0,
    peakActive: 0,
    lastEndMs: 0,
    latencyMs: 0,
  };

  /** `latency` is null for an instant agent; `limits` are the caps that the server enforces, to tell how well they are used. */
  constructor(latency, limits) {
    this.#latencies = latency === null ? null : drawLatencies(latency);
    this.#limits = limits;
  }

  async answer({ request }, signal) {
    const { stats } = this;
    this.#note(1);
    stats.startedAtMs.push(now());
    try {
      const ms = this.#latencies?.next().value ?? 0;
      stats.latencyMs += ms;
      if (ms > 0) await sleep(ms, signal);
      return createResult(request.input?.data ?? []);
    } finally {
      this.#note(-1);
      stats.lastEndMs = now();
    }
  }

  /** Slots in use and slots allowed, added up over time, as long as runs are still being started. */
  #note(change) {
    const { stats } = this;
    const at = now();
    if (change > 0 && stats.startedAtMs.length > 0) {
      stats.busyMs += this.#pendingBusyMs + this.#active * (at - this.#changedAt);
      stats.allowedMs += this.#pendingAllowedMs + this.#readLimit() * (at - this.#changedAt);
      this.#pendingBusyMs = 0;
      this.#pendingAllowedMs = 0;
    } else if (change < 0) {
      this.#pendingBusyMs += this.#active * (at - this.#changedAt);
      this.#pendingAllowedMs += this.#readLimit() * (at - this.#changedAt);
    }
    this.#active += change;
    this.#changedAt = at;
    stats.peakActive = Math.max(stats.peakActive, this.#active);
  }

  // What comes after the last start is not counted: nothing is left then to fill a slot with.
  #pendingBusyMs = 0;
  #pendingAllowedMs = 0;

  #readLimit() {
    const started = this.stats.startedAtMs.length;
    return this.#limits.findLast((step) => started >= step.afterRuns)?.maxActiveRuns ?? 0;
  }
}

/** Two fields a row, each with its page, as the hosted agent gives them. */
function createResult(records) {
  const rows = [];
  const grounding = [];
  for (const [index, { row_id, company }] of records.entries()) {
    rows.push({ row_id, fields: { hq_city: `City of ${company}`, founded: 1900 + (index % 120) } });
    for (const name of ['hq_city', 'founded']) {
      grounding.push({
        field: `structured.rows[${index}].fields.${name}`,
        citations: [{ url: `https://example.com/${row_id}/${name}`, title: `About ${row_id}` }],
        confidence: 'high',
      });
    }
  }
  return {
    output: { text: '', structured: { rows }, grounding },
    usage: { agentComputeUnits: 0, searches: 0, emails: 0, phoneNumbers: 0 },
  };
}

function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}

function now() {
  return performance.now();
}
