import { toMicros } from '../../model/format.js';
import { isJsonObject, type JsonValue } from '../../model/json.js';
import { HOSTED_PRICES } from '../../model/prices.js';
import type { AgentRun } from '../../model/run.js';
import { isMeteredEffort } from '../contract.js';
import type { Charge, PriceRun, RunEnd } from '../run-document.js';
import { draw, nameSubject } from './fault.js';

const MICROS = 1_000_000;
const COMPUTE_UNIT_MICROS = 100_000;
const SEARCH_MICROS = 5_000;
const EMAIL_MICROS = 20_000;
const PHONE_MICROS = 70_000;
/** Average price of a row in a metered run; varies by a third. */
const METERED_ROW_MICROS = 90_000;
/** Part of the price attributed to searches. */
const SEARCH_PART = 0.45;
/** A cancelled run is billed for its usage, here half of the price. */
const CANCELLED_PART = 0.5;

/** Bills like the hosted service: fixed efforts per run, metered ones per row up to their ceiling. */
export function createPrice(seed: string): PriceRun {
  return (run, end) => {
    const effort = run.request?.effort ?? '';
    const isMetered = isMeteredEffort(effort);
    const contacts = isMetered && end.status === 'completed' ? countEnd(run, end) : NO_CONTACTS;
    const price = HOSTED_PRICES[effort]?.worstMicros ?? 0;
    const whole = isMetered ? meter(run, price, contacts, seed) : price;
    return charge(end.status === 'cancelled' ? Math.round(whole * CANCELLED_PART) : whole, contacts);
  };
}

function countEnd(run: AgentRun, end: RunEnd & { readonly status: 'completed' }): Contacts {
  return countContacts(run.request?.outputSchema ?? null, end.result.output.structured);
}

function meter(run: AgentRun, ceilingMicros: number, contacts: Contacts, seed: string): number {
  if (run.request === null) return 0;
  const rows = Math.max(1, run.request.input?.data?.length ?? 0);
  const factor = 2 / 3 + (2 / 3) * draw(seed, 'price', nameSubject(run.request));
  const used = Math.round(rows * METERED_ROW_MICROS * factor) + computeContactMicros(contacts);
  const budget = run.request.budget?.maxCostDollars;
  return Math.min(used, budget === undefined ? ceilingMicros : toMicros(budget));
}

/** Splits an amount into parts that add up to it. */
function charge(micros: number, contacts: Contacts): Charge {
  const contactMicros = computeContactMicros(contacts);
  const counted = contactMicros <= micros ? contacts : NO_CONTACTS;
  const rest = micros - computeContactMicros(counted);
  const searches = Math.floor((rest * SEARCH_PART) / SEARCH_MICROS);
  const computeMicros = rest - searches * SEARCH_MICROS;
  return {
    usage: {
      agentComputeUnits: computeMicros / COMPUTE_UNIT_MICROS,
      searches,
      emails: counted.emails,
      phoneNumbers: counted.phoneNumbers,
    },
    costDollars: {
      total: micros / MICROS,
      agentCompute: computeMicros / MICROS,
      search: (searches * SEARCH_MICROS) / MICROS,
      emails: (counted.emails * EMAIL_MICROS) / MICROS,
      phoneNumbers: (counted.phoneNumbers * PHONE_MICROS) / MICROS,
    },
  };
}

function computeContactMicros(contacts: Contacts): number {
  return contacts.emails * EMAIL_MICROS + contacts.phoneNumbers * PHONE_MICROS;
}

/** Number of contacts looked up for an answer. */
interface Contacts {
  readonly emails: number;
  readonly phoneNumbers: number;
}

const NO_CONTACTS: Contacts = { emails: 0, phoneNumbers: 0 };

/** Counts the values in an answer whose property has `format: email` or `format: phone` in the schema. */
function countContacts(schema: JsonValue, structured: JsonValue): Contacts {
  return {
    emails: countValues(structured, collectNames(schema, 'email')),
    phoneNumbers: countValues(structured, collectNames(schema, 'phone')),
  };
}

function collectNames(schema: JsonValue, format: string): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (value: JsonValue): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      if (isJsonObject(inner) && inner.format === format) names.add(name);
      visit(inner);
    }
  };
  visit(schema);
  return names;
}

function countValues(value: JsonValue, names: ReadonlySet<string>): number {
  if (typeof value !== 'object' || value === null || names.size === 0) return 0;
  let count = 0;
  for (const [name, inner] of Object.entries(value)) {
    count += names.has(name) && inner !== null ? 1 : countValues(inner, names);
  }
  return count;
}
