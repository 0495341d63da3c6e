import { createHash } from 'node:crypto';

const STEPS = 2 ** 48;

/** A number from 0 up to 1 that depends on nothing but the seed and the words given: the same words, the same number. */
export function draw(seed: string, ...words: readonly (string | number)[]): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...words]))
    .digest();
  return digest.readUIntBE(0, 6) / STEPS;
}

/** A draw from the standard normal distribution, by the same rule. */
export function drawNormal(seed: string, ...words: readonly (string | number)[]): number {
  const radius = Math.sqrt(-2 * Math.log(1 - draw(seed, 'radius', ...words)));
  return radius * Math.cos(2 * Math.PI * draw(seed, 'angle', ...words));
}
