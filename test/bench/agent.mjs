import { drawLatencies } from './latencies.mjs';

/** An agent that knows every answer. Its run times come from a seed, and it counts its work. */
export class BenchAgent {
  description = 'The benchmark agent.';
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

  /**
   * `latency` is null for an instant agent. `limits` are the caps that the server enforces, used to compute
   * utilization.
   */
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

  /** Integrates used and allowed slots over time, up to the last start. */
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

  // Time since the last start, added only when another run starts: at the end, no runs are left to fill the slots.
  #pendingBusyMs = 0;
  #pendingAllowedMs = 0;

  #readLimit() {
    const started = this.stats.startedAtMs.length;
    return this.#limits.findLast((step) => started >= step.afterRuns)?.maxActiveRuns ?? 0;
  }
}

/** Answers two fields per row, each with a citation, like the hosted agent. */
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
