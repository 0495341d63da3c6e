import type { Row } from '../model/row.js';
import type { Input } from '../read/open-input.js';
import { SamplePicker } from '../select/sample-picker.js';

/** The ordinals of a sample of the input, or of its first `limit` rows; null for all rows. */
export async function pickSample(
  input: Input,
  size: number | null,
  limit: number | null,
): Promise<ReadonlySet<number> | null> {
  if (size === null) return null;
  const picker = new SamplePicker(size);
  for await (const rows of input.openRows()) {
    for (const { ordinal } of rows) if (limit === null || ordinal < limit) picker.add(ordinal);
  }
  return picker.readPicked();
}

/** True for a row that `--limit` and `--sample` leave in. */
export function isPicked(row: Row, limit: number | null, sample: ReadonlySet<number> | null): boolean {
  return (limit === null || row.ordinal < limit) && (sample === null || sample.has(row.ordinal));
}
