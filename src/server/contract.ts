/** Which Agent Runs API is served: the pages of 2026-05-07 to the letter, or with what came since. */
export type Contract = '2026-05-07' | 'current';

export const CONTRACTS: readonly Contract[] = ['2026-05-07', 'current'];

/** The effort levels that each contract knows. */
export const EFFORTS: Readonly<Record<Contract, readonly string[]>> = {
  '2026-05-07': ['low', 'medium', 'high', 'xhigh', 'auto'],
  current: ['minimal', 'low', 'medium', 'high', 'xhigh', 'auto', 'ultra', 'max'],
};

/** The effort of a request that names none. */
export const DEFAULT_EFFORT = 'auto';

/** The efforts that can be stopped with their results kept, and run for hours. */
export function isLongEffort(effort: string | undefined): boolean {
  return effort === 'ultra' || effort === 'max';
}

/** The efforts that are billed by use, and so may carry a budget. */
export function isMeteredEffort(effort: string | undefined): boolean {
  return effort === 'auto' || isLongEffort(effort);
}
