import { createRequire } from 'node:module';
import { USER_AGENT } from './fetch-page.js';

/** What a site's robots.txt says (RFC 9309). */
export interface RobotsRules {
  isAllowed(url: string): boolean;
  /** Pause between two requests that it asks for, in ms; at most 30 s are kept. */
  readonly delayMs: number;
}

/** Longer files are cut here, as the standard allows. */
const MAX_LENGTH = 500 * 1024;
const MAX_DELAY_MS = 30_000;
/** The name by which robots.txt addresses this program. */
const [TOKEN = 'rowfill'] = USER_AGENT.split('/');

const ALLOW_ALL: RobotsRules = { isAllowed: () => true, delayMs: 0 };
const FORBID_ALL: RobotsRules = { isAllowed: () => false, delayMs: 0 };

/**
 * Reads the rules from the response to a site's robots.txt. A missing file (4xx) allows everything; a server that
 * fails (5xx) forbids everything, because nobody knows what the file says.
 */
export function readRobots(url: string, status: number, body: Uint8Array): RobotsRules {
  if (status >= 500) return FORBID_ALL;
  if (status < 200 || status >= 300) return ALLOW_ALL;
  const text = new TextDecoder().decode(body.subarray(0, MAX_LENGTH));
  const robots = loadParser()(url, text);
  return {
    isAllowed: (page) => robots.isAllowed(page, TOKEN) ?? true,
    delayMs: Math.min(MAX_DELAY_MS, Math.max(0, (robots.getCrawlDelay(TOKEN) ?? 0) * 1000)),
  };
}

interface Robots {
  isAllowed(url: string, agent: string): boolean | undefined;
  getCrawlDelay(agent: string): number | undefined;
}

const require = createRequire(import.meta.url);

/** Called through `require`, because the package declares its types as those of an ES module, which it is not. */
function loadParser(): (url: string, text: string) => Robots {
  return require('robots-parser');
}
