import { findFieldMentions, listGroups } from './field-words.js';
import type { NumberReading, NumberToken } from './find-number.js';
import { foldText } from './fold-text.js';
import type { Hit, PageIndex, Segment } from './page-index.js';
import { convertUnit, isOtherUnit, readUnit } from './units.js';
import type { FieldInfo } from './value-kind.js';

export const PERCENTAGE = 'the number is a percentage';

/** Looks for a number in any notation, rounded as far as the page shows digits, and in other units. */
export function findNumber(index: PageIndex, value: number, field: FieldInfo): Hit[] {
  if (!Number.isFinite(value)) return [];
  const hits: Hit[] = [];
  for (const segment of index.segments) {
    if (segment.data !== null && segment.data.value.length > 2_000) continue;
    const scale =
      segment.block?.cell == null ? (index.lineHead(segment)?.scale ?? 1) : index.tableScale(segment.block);
    if (hits.length >= MAX_HITS) break;
    for (const token of index.numbers(segment)) {
      const match = compareNumber(value, token, scale, field, segment, index);
      if (match !== null)
        hits.push({
          segment,
          start: token.start,
          end: token.end,
          after: token.after,
          ...match,
        });
    }
    if (isYear(value))
      for (const date of index.dates(segment)) {
        const isKnown = hits.some(
          (hit) => hit.segment === segment && hit.start < date.end && hit.end > date.start,
        );
        if (date.year === value && !isKnown)
          hits.push({
            segment,
            start: date.start,
            end: date.end,
            how: 'exact',
            doubt: wantsYear(field) ? null : 'the number is the year of a date',
          });
      }
  }
  return hits;
}

/** More places of one number tell nothing new, and would make long pages slow. */
const MAX_HITS = 300;

function isYear(value: number): boolean {
  return Number.isInteger(value) && value >= 1000 && value <= 2100;
}

function wantsYear(field: FieldInfo): boolean {
  return field.groups.has('date') || field.words.includes('year') || field.words.includes('years');
}

type Match = Pick<Hit, 'how' | 'doubt'>;

function compareNumber(
  value: number,
  token: NumberToken,
  tableScale: number,
  field: FieldInfo,
  segment: Segment,
  index: PageIndex,
): Match | null {
  if (token.isPart && !(isYear(value) && wantsYear(field))) return null;
  const inTable =
    token.scale === 1 && tableScale > 1 && !token.isPercent && !isCounted(token, segment, index);
  const wanted = field.scale > 1 ? [value * field.scale, value] : [value];
  const unit = readUnit(token.after, segment.text.slice(token.end, token.end + 12));
  for (const [position, reading] of token.readings.entries()) {
    const doubt = position > 0 ? 'the number can be read in two ways' : null;
    for (const each of wanted) {
      const scaled = compareReading(each, reading, inTable ? tableScale : 1, token.scale > 1 || inTable);
      const isRaw = field.scale > 1 && each === value && token.scale === 1 && !inTable;
      if (scaled !== null)
        return { how: isRaw ? 'alias' : scaled, doubt: findNumberDoubt(each, token, unit, field, doubt) };
    }
    if (token.isPercent && isSame(value * 100, reading.value)) return { how: 'converted', doubt };
    const converted = convertUnit(reading.value, unit, field.unit);
    if (converted !== null && isSame(value, converted)) return { how: 'converted', doubt };
    // The same digits, without the scale that the table states.
    if (inTable && isSame(value, reading.value))
      return {
        how: 'exact',
        doubt: field.scale === tableScale ? null : 'the table states its numbers in a larger unit',
      };
    if (token.scale > 1 && isSame(value, reading.value / token.scale) && reading.digits > 1)
      return {
        how: 'exact',
        doubt: field.scale === token.scale ? null : 'the page gives the number a scale',
      };
  }
  return null;
}

/** Rows of a table in thousands that count people or name a year have no scale. */
function isCounted(token: NumberToken, segment: Segment, index: PageIndex): boolean {
  const { block } = segment;
  const row = block === null ? '' : block.cell === null ? segment.text : index.headers(block).row;
  if (
    findFieldMentions(foldText(row, 'plain').text).some(({ family }) => listGroups(family).includes('count'))
  )
    return true;
  // "Capacity (MW)" in a table in millions of euros.
  if (OTHER_UNIT.test(row)) return true;
  const [reading] = token.readings;
  return (
    segment.block?.cell?.isHeader === true ||
    (reading !== undefined &&
      isYear(reading.value) &&
      /^\d{4}$/.test(segment.text.trim()) &&
      segment.block?.cell?.column === 0)
  );
}

const OTHER_UNIT =
  /\((?:[kMGT]Wh?|kt?|Mt|t|tonn?e[ns]?|km|m²|m2|ha|FTEs?|%|number|no\.|hl|units|tCO2e?|years|p|pence|cents?)\)|(?:per (?:ordinary )?share|je Aktie|par action|por acción|per azione)(?![\p{L}])/u;

function findNumberDoubt(
  value: number,
  token: NumberToken,
  unit: string | null,
  field: FieldInfo,
  doubt: string | null,
): string | null {
  const isWantedEnd = field.bound === (token.range === 'start' ? 'min' : 'max');
  if (token.range !== null && !isWantedEnd) return 'the number is one end of a range';
  if (isOtherUnit(unit, field.unit)) return 'the number has another unit';
  if (
    field.unit !== null &&
    CURRENCIES[field.unit] !== undefined &&
    token.currency !== null &&
    !matchesCurrency(field.unit, token.currency)
  )
    return 'the amount is in another currency';
  if (
    token.isPercent &&
    !field.words.some((word) =>
      /^(?:percent|pct|percentage|share|rate|margin|ratio|growth|stake|quota|change|yield|prozent|procent\p{L}*|pourcentage|porcentaje|percentuale|percentagem|prosent\p{L}*|\p{L}*anteil|\p{L}*andel|\p{L}*quote)$/u.test(
        word,
      ),
    )
  )
    return PERCENTAGE;
  if (token.currency !== null && field.groups.has('count') && field.groups.size === 1 && Math.abs(value) > 0)
    return 'the number is an amount of money';
  return doubt;
}

const CURRENCIES: Readonly<Record<string, RegExp>> = {
  usd: /\$|usd|dollar|dólar|долл|ドル/i,
  eur: /€|eur|евро|ユーロ/i,
  gbp: /£|gbp|pound|sterling/i,
  chf: /chf|fr/i,
  jpy: /¥|￥|jpy|yen|円/i,
  nok: /nok|kr/i,
  sek: /sek|kr/i,
  dkk: /dkk|kr/i,
  pln: /pln|zł|złot/i,
  inr: /inr|rs|₹|rupee/i,
  czk: /czk|kč/i,
  huf: /huf|ft/i,
};

function matchesCurrency(unit: string, currency: string): boolean {
  if (currency === ',-') return true;
  if (/^(?:A|C|CA|AU|HK|NZ|S|R)\$/.test(currency))
    return unit === { A: 'aud', AU: 'aud', C: 'cad', CA: 'cad' }[currency.replace('$', '')];
  return CURRENCIES[unit]?.test(currency) !== false;
}

/** Compares a value with what is shown. A number with a scale word is rounded to the digits that it shows. */
function compareReading(
  value: number,
  reading: NumberReading,
  scale: number,
  isScaled: boolean,
): 'exact' | 'rounded' | null {
  const shown = reading.value * scale;
  if (isSame(value, shown)) return 'exact';
  const half = (reading.step * scale) / 2;
  return isScaled && reading.digits >= 2 && Math.abs(value - shown) <= half * (1 + 1e-9) ? 'rounded' : null;
}

function isSame(a: number, b: number): boolean {
  return Math.abs(a - b) <= Math.max(Math.abs(a), Math.abs(b)) * 1e-9;
}
