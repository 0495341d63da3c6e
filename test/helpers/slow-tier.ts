/** True in `npm run test:slow`, which runs the tests tagged `slow` again, with their full counts. */
const isSlowTier = process.env.ROWFILL_SLOW_TESTS === '1';

/** Options of a test whose count depends on `chooseCount`. */
export const SLOW = { tags: ['slow'] };

/** Returns the full count in the slow tier, and the quick one in `npm test`. */
export function chooseCount(full: number, quick: number): number {
  return isSlowTier ? full : quick;
}
