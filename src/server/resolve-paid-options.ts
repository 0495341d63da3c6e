import { isJsonObject, type JsonValue } from '../model/json.js';
import type { CreateRunRequest } from '../model/run.js';
import { type Contract, isLongEffort, isMeteredEffort } from './contract.js';
import { createInvalid, type Refusal } from './refusal.js';

const PROVIDERS: readonly string[] = [
  'affiliate',
  'baselayer',
  'fiber',
  'fiber_ai',
  'financial_datasets',
  'jinko',
  'macrobond',
  'particle',
  'particle_news',
  'polymarket',
  'similarweb',
];
const MAX_PROVIDERS = 5;

type Budget = NonNullable<CreateRunRequest['budget']>;

/** The spending limits of a request: ignored by the contract of 2026-05-07, live in the current one. */
export function readBudget(
  value: JsonValue | undefined,
  effort: string,
  contract: Contract,
): Budget | undefined {
  if (value === undefined) return undefined;
  if (!isJsonObject(value)) throw createInvalid('budget must be an object.');
  const dollars = readNumber(value.maxCostDollars, 'budget.maxCostDollars');
  if (contract === '2026-05-07') {
    if (dollars !== undefined && dollars < 0)
      throw createInvalid('budget.maxCostDollars must not be negative.');
    return undefined;
  }
  const seconds = readNumber(value.maxDurationSeconds, 'budget.maxDurationSeconds');
  if (dollars !== undefined) checkCost(dollars, effort);
  if (seconds !== undefined) checkDuration(seconds, effort);
  return {
    ...(dollars === undefined ? {} : { maxCostDollars: dollars }),
    ...(seconds === undefined ? {} : { maxDurationSeconds: seconds }),
  };
}

/** The paid data sources of a request, in the current contract. */
export function readDataSources(value: JsonValue | undefined): JsonValue | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw createInvalid('dataSources must be an array.');
  if (value.length > MAX_PROVIDERS)
    throw createBadSource(`dataSources holds more than ${MAX_PROVIDERS} entries.`);
  value.forEach((source: JsonValue, index) => {
    const provider = isJsonObject(source) ? source.provider : undefined;
    if (typeof provider !== 'string') {
      throw createInvalid(`dataSources[${index}] must be an object whose provider is text.`);
    }
    if (!PROVIDERS.includes(provider)) {
      throw createBadSource(`dataSources[${index}].provider "${provider.slice(0, 100)}" is not known.`);
    }
  });
  return value;
}

function readNumber(value: JsonValue | undefined, path: string): number | undefined {
  if (value === undefined || typeof value === 'number') return value;
  throw createInvalid(`${path} must be a number.`);
}

function checkCost(dollars: number, effort: string): void {
  if (!isMeteredEffort(effort)) {
    throw createInvalid(
      `budget.maxCostDollars is for the efforts auto and ultra; this run asks for ${effort}.`,
    );
  }
  if (dollars < 1 || dollars > 100) throw createInvalid('budget.maxCostDollars must be between 1 and 100.');
}

function checkDuration(seconds: number, effort: string): void {
  if (!isLongEffort(effort)) {
    throw createInvalid(`budget.maxDurationSeconds is for the effort ultra; this run asks for ${effort}.`);
  }
  if (seconds < 300 || seconds > 10_800) {
    throw createInvalid('budget.maxDurationSeconds must be between 300 and 10800.');
  }
}

function createBadSource(message: string): Refusal {
  return createInvalid(message, 'INVALID_DATA_SOURCE');
}
