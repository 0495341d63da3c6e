/** Version of the Agent Runs API to serve: exactly as documented on 2026-05-07, or with later additions. */
export type Contract = '2026-05-07' | 'current';

export const CONTRACTS: readonly Contract[] = ['2026-05-07', 'current'];

/** Effort levels of each contract. */
export const EFFORTS: Readonly<Record<Contract, readonly string[]>> = {
  '2026-05-07': ['low', 'medium', 'high', 'xhigh', 'auto'],
  current: ['minimal', 'low', 'medium', 'high', 'xhigh', 'auto', 'ultra', 'max'],
};

/** Default effort of a request. */
export const DEFAULT_EFFORT = 'auto';

/** True for efforts that run for hours and can be stopped with their results kept. */
export function isLongEffort(effort: string | undefined): boolean {
  return effort === 'ultra' || effort === 'max';
}

/** True for efforts that are billed by use, and may have a budget. */
export function isMeteredEffort(effort: string | undefined): boolean {
  return effort === 'auto' || isLongEffort(effort);
}
