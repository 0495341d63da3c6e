import type { EnrichOptions } from '../options.js';

/** What a message calls an option, or an entry of one such as `send/0`: by its place in a recipe, else by its flag. */
export function describeOrigin(origins: EnrichOptions['origins'], name: string, flag: string): string {
  return origins?.[name] ?? flag;
}
