import {
  type FilledRow,
  REJECTED_AGAIN,
  ROW_STATUSES,
  type RowCounts,
  type RowStatus,
} from '../model/answer.js';
import type { Ask } from '../model/ask.js';
import type { FieldFill, FilledExample, JobFailures } from '../model/events.js';
import { isIdentifying } from '../model/identifying-column.js';
import type { JsonValue } from '../model/json.js';
import { getValue, type Row } from '../model/row.js';

/** What was written, for the summary of a job. */
export interface OutputCounts {
  readonly rows: RowCounts;
  /** Pending rows that no option excludes. */
  readonly leftRows: number;
  readonly failures: JobFailures;
  readonly fields: readonly FieldFill[];
  readonly examples: readonly FilledExample[];
}

const MAX_EXAMPLES = 3;

/** Counts the rows of an output while it is written, and keeps the first filled ones as examples. */
export class OutputTally {
  private readonly ask: Pick<Ask, 'fields' | 'send'>;
  private readonly isWanted: (row: Row) => boolean;
  private readonly counts = createCounts();
  private readonly failures = { unsendable: 0, unfit: 0 };
  private readonly fields: ReadonlyMap<string, { answered: number; filled: number; again?: number }>;
  private readonly examples: FilledExample[] = [];
  private leftRows = 0;

  constructor(ask: Pick<Ask, 'fields' | 'send'>, isWanted: (row: Row) => boolean) {
    this.ask = ask;
    this.isWanted = isWanted;
    this.fields = new Map(ask.fields.map(({ name }) => [name, { answered: 0, filled: 0 }]));
  }

  add(filled: readonly FilledRow[]): void {
    this.counts.total += filled.length;
    for (const each of filled) {
      const { row, outcome } = each;
      this.counts[outcome.status] += 1;
      if (outcome.status === 'pending' && this.isWanted(row)) this.leftRows += 1;
      if (outcome.failure !== undefined) this.failures[outcome.failure] += 1;
      for (const [name, { value, issue }] of outcome.fields) {
        const field = this.fields.get(name);
        if (field === undefined) continue;
        field.answered += 1;
        if (value !== null) field.filled += 1;
        else if (issue === REJECTED_AGAIN) field.again = (field.again ?? 0) + 1;
      }
      if (outcome.status === 'enriched' && this.examples.length < MAX_EXAMPLES)
        this.examples.push(this.createExample(each));
    }
  }

  read(): OutputCounts {
    return {
      rows: { ...this.counts },
      leftRows: this.leftRows,
      failures: { ...this.failures },
      fields: [...this.fields].map(([name, field]) => ({ name, ...field })),
      examples: this.examples,
    };
  }

  /** The column that says what the row is about, and the fields. */
  private createExample({ row, outcome }: FilledRow): FilledExample {
    const { send, fields } = this.ask;
    const lead = send.find(isIdentifying) ?? send[0];
    const head: [string, JsonValue][] = lead === undefined ? [] : [[lead, getValue(row, lead) ?? null]];
    // A field that the input already had was not asked for.
    const values = fields.map(
      ({ name }) => [name, outcome.fields.get(name)?.value ?? getValue(row, name) ?? null] as const,
    );
    return [...head, ...values];
  }
}

function createCounts(): Record<RowStatus | 'total', number> {
  const counts = Object.fromEntries(ROW_STATUSES.map((status) => [status, 0])) as Record<RowStatus, number>;
  return { ...counts, total: 0 };
}
