import { createRequire } from 'node:module';
import type stringWidth from 'string-width';

let measure: typeof stringWidth | null = null;

/** Terminal columns that a text takes: wide characters two, marks none. Most texts need no package, which loads slowly. */
export function measureWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  measure ??= (createRequire(import.meta.url)('string-width') as { default: typeof stringWidth }).default;
  return measure(text);
}
