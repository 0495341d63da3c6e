import { isJsonObject, type JsonValue } from './json.js';

/** What one run of an effort costs: a fixed price, or a ceiling where the run is metered. */
export interface EffortPrice {
  readonly worstMicros: number;
  /** What such a run tends to cost; the worst price itself where it is fixed. */
  readonly likelyMicros: number;
}

export type PriceList = Readonly<Record<string, EffortPrice>>;

const METERED_LIKELY_MICROS = 700_000;

/** List prices of the hosted service, November 2026; metered efforts at their default ceiling. */
export const HOSTED_PRICES: PriceList = {
  minimal: fixed(12_000),
  low: fixed(25_000),
  medium: fixed(100_000),
  high: fixed(500_000),
  xhigh: fixed(1_000_000),
  auto: { worstMicros: 5_000_000, likelyMicros: METERED_LIKELY_MICROS },
  ultra: { worstMicros: 20_000_000, likelyMicros: 20_000_000 },
  max: { worstMicros: 20_000_000, likelyMicros: 20_000_000 },
};

/** What each contact looked up costs beside the run: kept in reserve, since the price page leaves open whether it is added. */
const EMAIL_MICROS = 20_000;
const PHONE_MICROS = 70_000;

/** The most that a run can cost: the effort's worst price and every contact field of every row. */
export function readWorstMicros(prices: PriceList, effort: string, rows: number, schema: JsonValue): number {
  const price = prices[effort];
  return price === undefined ? 0 : price.worstMicros + rows * readContactMicros(schema);
}

/** What a run tends to cost. */
export function readLikelyMicros(prices: PriceList, effort: string): number {
  return prices[effort]?.likelyMicros ?? 0;
}

/** What the contacts in one row's schema can cost: each `format: email` and `format: phone` in it, wherever it stands. */
function readContactMicros(schema: JsonValue): number {
  if (Array.isArray(schema)) return schema.reduce<number>((sum, inner) => sum + readContactMicros(inner), 0);
  if (!isJsonObject(schema)) return 0;
  const own = schema.format === 'email' ? EMAIL_MICROS : schema.format === 'phone' ? PHONE_MICROS : 0;
  return Object.values(schema).reduce<number>((sum, inner) => sum + readContactMicros(inner), own);
}

function fixed(micros: number): EffortPrice {
  return { worstMicros: micros, likelyMicros: micros };
}
