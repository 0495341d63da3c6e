import { type Ask, memoizeByAsk } from './ask.js';
import { formatNumber, limitMicros } from './format.js';
import { isJsonObject, type JsonValue } from './json.js';

/** What one run of an effort costs: a fixed price, or a ceiling where the run is metered. */
export interface EffortPrice {
  readonly worstMicros: number;
  /** What such a run tends to cost; the worst price itself where it is fixed. */
  readonly likelyMicros: number;
}

/** By effort; under `email` and `phone`, what a contact costs. */
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

/**
 * What each contact looked up costs beside the run, under `email` and `phone` in a price list of one's own: kept in
 * reserve, since the price page leaves open whether it is added.
 */
const CONTACT_MICROS: Readonly<Record<string, number>> = { email: 20_000, phone: 70_000 };

/** The most that a run can cost: the effort's worst price, and every contact that some fields of an ask take, for every row. */
export function computeWorstMicros(
  prices: PriceList,
  effort: string,
  rows: number,
  ask: Pick<Ask, 'schema' | 'fields'>,
  fields: readonly string[],
): number {
  const price = prices[effort];
  if (price === undefined) return 0;
  const contactMicros = readPricedSchemas(ask, fields).reduce<number>(
    (sum, schema) => sum + computeContactMicros(schema, prices),
    0,
  );
  return limitMicros(price.worstMicros + rows * contactMicros);
}

/** What a run tends to cost. */
export function computeLikelyMicros(prices: PriceList, effort: string): number {
  return prices[effort]?.likelyMicros ?? 0;
}

/** The schemas of some fields; with a reference in one of them, all that it may mean: more in reserve is no loss. */
const readPricedSchemas = memoizeByAsk(({ schema, fields }, names): readonly JsonValue[] => {
  const own = fields.filter(({ name }) => names.includes(name)).map((field) => field.schema);
  if (!own.some((each) => /"\$(ref|dynamicRef|recursiveRef)":/.test(JSON.stringify(each)))) return own;
  return [...own, schema.$defs ?? null, schema.definitions ?? null];
});

/** What the contacts in one row's schema can cost: each `format: email` and `format: phone` in it, wherever it stands. */
function computeContactMicros(schema: JsonValue, prices: PriceList): number {
  if (Array.isArray(schema)) {
    return schema.reduce<number>((sum, inner) => sum + computeContactMicros(inner, prices), 0);
  }
  if (!isJsonObject(schema)) return 0;
  const contact = typeof schema.format === 'string' ? schema.format : '';
  const own = prices[contact]?.worstMicros ?? CONTACT_MICROS[contact] ?? 0;
  // A list can hold as many contacts as it has places.
  const places = typeof schema.maxItems === 'number' ? Math.max(1, schema.maxItems) : 1;
  return Object.entries(schema).reduce<number>(
    (sum, [name, inner]) => sum + computeContactMicros(inner, prices) * (name === 'items' ? places : 1),
    own,
  );
}

function fixed(micros: number): EffortPrice {
  return { worstMicros: micros, likelyMicros: micros };
}

/** How many rows go on from one level of the effort ladder to the next. */
export interface Climb {
  readonly from: string;
  readonly to: string;
  /** From 0 to 1. */
  readonly share: number;
  /** Answered rows that the share was counted from; null if it is assumed. */
  readonly knownRows: number | null;
}

/** What a job would cost, told before any money is spent. */
export interface Quote {
  /** Rows that would be asked; their runs at the first effort level, if nothing has to be repaired. */
  readonly rows: number;
  readonly runs: number;
  /** The most that the job can cost: every row at every level of the effort ladder, and as much again for repairs. */
  readonly worstMicros: number;
  /** With as many rows at each level as `climbs` says, and no repairs. */
  readonly likelyMicros: number;
  /** What `likelyMicros` supposes; empty without a ladder. */
  readonly climbs: readonly Climb[];
  /** The columns that leave this machine. */
  readonly columns: readonly string[];
  readonly maxCostMicros: number | null;
}

/** What is supposed about the rows that climb, in one line a level. */
export function describeClimbs(climbs: readonly Climb[]): string[] {
  return climbs.map(({ from, to, share, knownRows }) => {
    const percent = `${Math.round(share * 100)} %`;
    return knownRows === null
      ? `Likely assumes that ${percent} of the rows go on from ${from} to ${to}; nothing is known of this question yet.`
      : `Likely assumes that ${percent} of the rows go on from ${from} to ${to}, as of ${formatNumber(knownRows, 'row')} answered before.`;
  });
}
