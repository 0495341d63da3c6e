import type { CorpusPage } from './case.js';
import { SITES_EIGHT } from './sites-eight.js';
import { SITES_ELEVEN } from './sites-eleven.js';
import { SITES_FIFTEEN } from './sites-fifteen.js';
import { SITES_FIVE } from './sites-five.js';
import { SITES_FOUR } from './sites-four.js';
import { SITES_FOURTEEN } from './sites-fourteen.js';
import { SITES_NINE } from './sites-nine.js';
import { SITES_ONE } from './sites-one.js';
import { SITES_SEVEN } from './sites-seven.js';
import { SITES_SIX } from './sites-six.js';
import { SITES_SIXTEEN } from './sites-sixteen.js';
import { SITES_TEN } from './sites-ten.js';
import { SITES_THIRTEEN } from './sites-thirteen.js';
import { SITES_THREE } from './sites-three.js';
import { SITES_TWELVE } from './sites-twelve.js';
import { SITES_TWO } from './sites-two.js';

/** Sixteen sets in the manner of real sites, in the order in which they were written. */
export const SITES: readonly CorpusPage[] = [
  ...SITES_ONE,
  ...SITES_TWO,
  ...SITES_THREE,
  ...SITES_FOUR,
  ...SITES_FIVE,
  ...SITES_SIX,
  ...SITES_SEVEN,
  ...SITES_EIGHT,
  ...SITES_NINE,
  ...SITES_TEN,
  ...SITES_ELEVEN,
  ...SITES_TWELVE,
  ...SITES_THIRTEEN,
  ...SITES_FOURTEEN,
  ...SITES_FIFTEEN,
  ...SITES_SIXTEEN,
];
