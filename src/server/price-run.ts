import type { AgentRun } from '../model/run.js';
import type { Charge, RunEnd } from './run-document.js';

/** What a run costs, by how it ended and after how long. */
export type PriceRun = (run: AgentRun, end: RunEnd, activeMs: number) => Charge;
