import type { TextBlock } from '../pages/page-text.js';
import type { PageIndex, Segment } from './page-index.js';
import type { PageRelation, RowSubject } from './row-subject.js';
import type { FieldInfo, ValueKind } from './value-kind.js';

/** What the evidence for a value is judged by. */
export interface EvidenceContext {
  readonly index: PageIndex;
  readonly subject: RowSubject;
  readonly relation: PageRelation;
  readonly field: FieldInfo;
  readonly kind: ValueKind;
  readonly value: string;
}

/** True for the title of the page or its main heading. */
export function isHeadline(index: PageIndex, { block, data }: Segment): boolean {
  return block?.level === 1 || (data?.source === 'meta' && data.value === index.page.title);
}

/** The headings above a block, nearest first. */
export function listHeadings(index: PageIndex, block: TextBlock): string[] {
  const found: string[] = [];
  for (let at = block.heading; at >= 0 && found.length < 6; ) {
    const heading = index.page.blocks[at];
    if (heading === undefined) break;
    found.push(heading.text);
    at = heading.heading < at ? heading.heading : -1;
  }
  return found;
}
