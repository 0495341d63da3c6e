import type { Selection } from '../select/select-rows.js';

/** How many rows of the input would meet which fate. */
export type SurveyCounts = Readonly<Record<Selection['status'], number>>;
