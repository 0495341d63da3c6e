/** A paid agent that is always right, takes some time, and counts how often each company was paid for. */
export class SoakAgent {
  description = 'The soak test agent.';
  /** Number of runs started, by company. */
  paid = new Map();
  #random;

  constructor(random) {
    this.#random = random;
  }

  async answer({ request }, signal) {
    const records = request.input?.data ?? [];
    for (const { company } of records) this.paid.set(company, (this.paid.get(company) ?? 0) + 1);
    // Some runs outlast a watcher.
    await sleep(this.#random.chance(0.03) ? 4_000 : this.#random.between(20, 300), signal);
    const rows = records.map(({ row_id, company }) => ({ row_id, fields: { answer: answerFor(company) } }));
    return {
      output: { text: 'Done.', structured: { rows }, grounding: rows.map(createGrounding) },
      usage: { agentComputeUnits: 0, searches: 0, emails: 0, phoneNumbers: 0 },
      costDollars: { total: RUN_DOLLARS, agentCompute: RUN_DOLLARS, search: 0, emails: 0, phoneNumbers: 0 },
    };
  }
}

const RUN_DOLLARS = 0.025;

/** The correct answer for a company. */
export function answerFor(company) {
  return `about ${company}`;
}

function createGrounding(_row, index) {
  return {
    field: `structured.rows[${index}].fields.answer`,
    citations: [{ url: `https://example.com/${index}`, title: `Page ${index}` }],
    confidence: 'high',
  };
}

function sleep(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
  });
}
