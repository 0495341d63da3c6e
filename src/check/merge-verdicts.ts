import { DISPUTE } from '../model/answer.js';
import { formatCanonicalJson, isJsonObject, type JsonValue, readOwn } from '../model/json.js';
import { formatExcerpt } from './repair-value.js';
import { type FieldVerdict, isAbsence } from './row-checker.js';

/** What one entry of a row says of a field; `index` is the entry's place in the agent's list. */
export interface JudgedField {
  readonly index: number;
  readonly verdict: FieldVerdict;
}

export interface MergedVerdict {
  readonly verdict: FieldVerdict;
  /** The entries that the value came from. */
  readonly places: readonly number[];
  readonly isDisputed: boolean;
}

/** One verdict on a field out of those on all entries of a row; `judge` looks at a value that was put together from several. */
export function mergeVerdicts(
  judged: readonly JudgedField[],
  judge: (value: JsonValue) => FieldVerdict,
): MergedVerdict {
  const found = judged.filter(({ verdict }) => verdict.state === 'valid');
  const told = found.filter(({ verdict }) => !isAbsence(verdict.value));
  const valid = told.length === 0 ? found : told;
  const [first] = valid;
  if (first === undefined) {
    const best = judged.find(({ verdict }) => verdict.state === 'nothing') ?? judged[0];
    const places = best === undefined ? [] : [best.index];
    return { verdict: best?.verdict ?? judge(null), places, isDisputed: false };
  }
  const places = valid.map(({ index }) => index);
  const values = [
    ...new Map(valid.map(({ verdict }) => [readIdentity(verdict.value), verdict.value])).values(),
  ];
  if (values.length === 1) return { verdict: first.verdict, places, isDisputed: false };
  const whole = values.slice(1).reduce<JsonValue | undefined>(joinParts, values[0]);
  const verdict = whole === undefined ? null : judge(whole);
  if (verdict?.state === 'valid') return { verdict, places, isDisputed: false };
  return { verdict: createDispute(values), places: [], isDisputed: true };
}

/** Equal for values that read the same: white space at the ends and the form of accents tell no two texts apart. */
function readIdentity(value: JsonValue): string {
  return typeof value === 'string' ? `"${value.normalize('NFC').trim()}` : formatCanonicalJson(value);
}

/** Two values as one, where a null in either leaves room for the other; undefined if they differ. */
function joinParts(one: JsonValue | undefined, other: JsonValue): JsonValue | undefined {
  if (one === undefined) return undefined;
  if (one === null) return other;
  if (other === null || readIdentity(one) === readIdentity(other)) return one;
  if (!isJsonObject(one) || !isJsonObject(other)) return undefined;
  const joined: [string, JsonValue][] = [];
  for (const name of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const part = joinParts(readOwn(one, name) ?? null, readOwn(other, name) ?? null);
    if (part === undefined) return undefined;
    joined.push([name, part]);
  }
  return Object.fromEntries(joined);
}

/** Names two of the values; the others are counted. */
function createDispute(values: readonly JsonValue[]): FieldVerdict {
  const [one = null, other = null, ...more] = values;
  const rest = more.length === 0 ? '' : ` and ${more.length} more`;
  const issue = `${DISPUTE}: ${formatExcerpt(one)} and ${formatExcerpt(other)}${rest}`;
  return { state: 'nothing', value: null, issue, fault: null };
}
