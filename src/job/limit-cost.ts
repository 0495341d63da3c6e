import type { Spend } from '../ledger/records.js';
import type { Settings } from '../options.js';

/** What the job will have cost at most once the call is over, as it looks at its start: the smaller of both caps holds. */
export function limitCost(settings: Settings, { spentMicros, reservedMicros }: Spend): Settings {
  const { capMicros, capNowMicros } = settings;
  if (capNowMicros === null) return settings;
  const capForNow = spentMicros + reservedMicros + capNowMicros;
  return { ...settings, capMicros: capMicros === null ? capForNow : Math.min(capMicros, capForNow) };
}
