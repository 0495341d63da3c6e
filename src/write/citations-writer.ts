import type { FilledRow } from '../model/outcome.js';
import type { RowFormatter } from './output.js';

/** Writes one JSON line for each citation: which row and field it is for, and what it says it is. */
export function createCitationsFormatter(): RowFormatter {
  return {
    head: '',
    format: (rows) => rows.flatMap(describeCitations).join(''),
    tail: '',
  };
}

function describeCitations({ row, outcome }: FilledRow): string[] {
  return [...outcome.fields].flatMap(([field, { value, confidence, citations, runId }]) =>
    citations.map(({ url, title, text }) => {
      const citation = {
        row: row.ordinal + 1,
        line: row.line,
        field,
        value,
        url,
        title: title ?? null,
        text,
      };
      return `${JSON.stringify({ ...citation, confidence, run_id: runId })}\n`;
    }),
  );
}
