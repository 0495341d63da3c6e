import { type Ask, memoizeByAsk } from './ask.js';
import { formatNumber, limitMicros } from './format.js';
import { isJsonObject, type JsonValue } from './json.js';

/** Price of one run at an effort: fixed, or a ceiling if the run is metered. */
interface EffortPrice {
  readonly worstMicros: number;
  /** Typical cost of such a run; equal to the worst price if it is fixed. */
  readonly likelyMicros: number;
}

/** Prices by effort. `email` and `phone` are the extra price of a contact. */
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
 * Price of each contact looked up, in addition to the run; override with `email` and `phone` in the price
 * list. Always reserved, because the price page does not say whether it is added.
 */
const CONTACT_MICROS: Readonly<Record<string, number>> = { email: 20_000, phone: 70_000 };

/**
 * Worst-case cost of a run: the effort's worst price, plus every contact among these fields for every row.
 */
export function computeWorstMicros(
  prices: PriceList,
  effort: string,
  rows: number,
  ask: Pick<Ask, 'schema' | 'fields'>,
  fields: readonly string[],
): number {
  const price = prices[effort];
  if (price === undefined) return 0;
  let contactMicros = 0;
  for (const schema of readPricedSchemas(ask, fields)) contactMicros += computeContactMicros(schema, prices);
  return limitMicros(price.worstMicros + rows * contactMicros);
}

/** Typical cost of a run. */
export function computeLikelyMicros(prices: PriceList, effort: string): number {
  return prices[effort]?.likelyMicros ?? 0;
}

/** Schemas of these fields. If one has a reference, all definitions are added: reserving too much is safe. */
const readPricedSchemas = memoizeByAsk(({ schema, fields }, names): readonly JsonValue[] => {
  const own = fields.filter(({ name }) => names.includes(name)).map((field) => field.schema);
  if (!own.some((each) => /"\$(ref|dynamicRef|recursiveRef)":/.test(JSON.stringify(each)))) return own;
  return [...own, schema.$defs ?? null, schema.definitions ?? null];
});

/**
 * Worst-case cost of the contacts in one row's schema: every `format: email` and `format: phone` at any
 * depth.
 */
function computeContactMicros(schema: JsonValue, prices: PriceList): number {
  if (Array.isArray(schema)) {
    return schema.reduce<number>((sum, inner) => sum + computeContactMicros(inner, prices), 0);
  }
  if (!isJsonObject(schema)) return 0;
  const contact = typeof schema.format === 'string' ? schema.format : '';
  const own = prices[contact]?.worstMicros ?? CONTACT_MICROS[contact] ?? 0;
  // A list can have up to `maxItems` contacts.
  const places = typeof schema.maxItems === 'number' ? Math.max(1, schema.maxItems) : 1;
  return Object.entries(schema).reduce<number>(
    (sum, [name, inner]) => sum + computeContactMicros(inner, prices) * (name === 'items' ? places : 1),
    own,
  );
}

function fixed(micros: number): EffortPrice {
  return { worstMicros: micros, likelyMicros: micros };
}

/** Share of rows that go on from one effort level to the next. */
export interface Climb {
  readonly from: string;
  readonly to: string;
  /** From 0 to 1. */
  readonly share: number;
  /** Answered rows that the share is based on; null if it is assumed. */
  readonly knownRows: number | null;
}

/** Estimated cost of a job, before any money is spent. */
export interface Quote {
  /** Rows that would be sent. `runs` are their runs at the first effort level, without repairs. */
  readonly rows: number;
  readonly runs: number;
  /** Worst-case cost of the job: every row at every effort level, and the same again for repairs. */
  readonly worstMicros: number;
  /** Likely cost without repairs, with the share of rows at each level from `climbs`. */
  readonly likelyMicros: number;
  /** Assumptions behind `likelyMicros`; empty without a ladder. */
  readonly climbs: readonly Climb[];
  /** The columns that leave this machine. */
  readonly columns: readonly string[];
  /** Cap on what the job may cost in all, with what it has cost before. */
  readonly maxCostMicros: number | null;
  /** What the job has cost or reserved before. */
  readonly spentMicros: number;
  /** The fields that are asked for. */
  readonly fields: readonly string[];
  /** False if some of the job's fields are not asked for any row. */
  readonly isOfAllFields: boolean;
}

/** Describes the assumptions, one line per level. */
export function describeClimbs(climbs: readonly Climb[]): string[] {
  const [first] = climbs;
  const isDefault = climbs.every(({ share, knownRows }) => knownRows === null && share === first?.share);
  if (first !== undefined && climbs.length > 1 && isDefault)
    return [describeDefault(first.share, 'each level to the next')];
  return climbs.map(({ from, to, share, knownRows }) =>
    knownRows === null
      ? describeDefault(share, `${from} to ${to}`)
      : `Likely assumes that ${formatShare(share)} of the rows continue from ${from} to ${to}, based on ${formatNumber(knownRows, 'answered row')}.`,
  );
}

function describeDefault(share: number, levels: string): string {
  return `Likely assumes that ${formatShare(share)} of the rows continue from ${levels}. This is a default, as too few rows are answered so far.`;
}

function formatShare(share: number): string {
  return `${Math.round(share * 100)} %`;
}
