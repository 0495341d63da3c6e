import type { Spend } from '../ledger/records.js';
import type { Settings } from '../options.js';

/** Brings the cap of one call under the cap of its job: the smaller of both holds. */
export function limitCost(settings: Settings, { spentMicros, reservedMicros }: Spend): Settings {
  const { capMicros, capNowMicros } = settings;
  if (capNowMicros === null) return settings;
  const capForNow = spentMicros + reservedMicros + capNowMicros;
  return { ...settings, capMicros: capMicros === null ? capForNow : Math.min(capMicros, capForNow) };
}
