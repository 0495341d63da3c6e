import { randomBytes } from 'node:crypto';
import type { Timers } from '../model/clock.js';

/** What every run id and page cursor must look like. */
export const RUN_ID_PATTERN = /^[A-Za-z0-9_.:-]{1,200}$/;

/** An id given out by this server: the prefix and 26 digits of base 32. */
export const OWN_RUN_ID_PATTERN = /^agent_run_[0-9a-hjkmnp-tv-z]{26}$/;

const PREFIX = 'agent_run_';
const LENGTH = 26;
const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';
const RANDOM_BITS = 80n;

/** A maker of run ids that sort as text in the order in which they were made: a time, then chance. */
export function createRunIds(clock: Timers): () => string {
  let lastTime = 0;
  let chance = 0n;
  return () => {
    const now = clock.now();
    if (now > lastTime) {
      lastTime = now;
      // The top bit stays free, so that counting up within one millisecond never overflows.
      chance = BigInt(`0x${randomBytes(10).toString('hex')}`) >> 1n;
    } else {
      chance += 1n;
    }
    return `${PREFIX}${writeDigits((BigInt(lastTime) << RANDOM_BITS) | chance, LENGTH)}`;
  };
}

/** An id that sorts before every id made at that time or later. */
export function createIdBound(timeMs: number): string {
  return `${PREFIX}${writeDigits(BigInt(Math.max(0, Math.floor(timeMs))) << RANDOM_BITS, LENGTH)}`;
}

function writeDigits(value: bigint, length: number): string {
  let text = '';
  let rest = value;
  while (text.length < length) {
    text = (DIGITS[Number(rest & 31n)] ?? '0') + text;
    rest >>= 5n;
  }
  return text;
}
