import type { TextBlock } from '../pages/page-text.js';
import { findCue } from './cue-words.js';
import { type EvidenceContext, listHeadings } from './evidence-context.js';
import type { Hit, PageIndex } from './page-index.js';
import { type Sentence, splitSentence } from './sentences.js';
import { findWrongField } from './wrong-field.js';
import { findWrongSubject } from './wrong-subject.js';
import { findWrongYear } from './wrong-year.js';

/** Says why a hit is only weak evidence. Null if row and field are named beside it and no word changes its meaning. */
export function findWeakness(context: EvidenceContext, hit: Hit): string | null {
  if (hit.doubt !== null) return hit.doubt;
  if (hit.how === 'partial') return 'only a part of the value is on the page';
  const { block } = hit.segment;
  if (block?.role === 'option') return 'it is a choice of a form';
  if (block !== null && isStruck(block, hit)) return 'it is struck out';
  const sentence = splitSentence(hit.segment.text, hit.start, hit.end);
  return (
    findTurn(context, hit, sentence) ??
    findWrongSubject(context, hit, sentence) ??
    findWrongField(context, hit, sentence)
  );
}

function isStruck({ struck }: TextBlock, { start }: Hit): boolean {
  return struck.some(([from, to]) => from <= start && start < to);
}

/** A word that turns the value around, or another year. */
function findTurn(context: EvidenceContext, hit: Hit, sentence: Sentence): string | null {
  const { field, index } = context;
  if (hit.link !== undefined) return null;
  const headings =
    hit.segment.block === null ? '' : listHeadings(index, hit.segment.block).slice(0, 1).join(' ');
  const wantsTurn =
    /\b(?:former|previous|past|planned|target|goal|forecast|expected|next|guidance|competitor|rival|prior|event|deadline|due|end)\b/.test(
      field.words.join(' '),
    );
  const wantsQuarter = /\b(?:quarter|quarterly|q[1-4]|half)\b/.test(field.words.join(' '));
  const about = {
    ...{ language: index.page.language, groups: field.groups, families: field.families },
    ...{ wantsTurn, wantsQuarter },
  };
  const cue = findCue({ ...about, before: sentence.before, after: sentence.after });
  if (cue !== null) return cue;
  for (const label of listTitles(index, hit)) {
    const turned = label.length > 60 ? null : findCue({ ...about, before: `${label} `, after: '' }, true);
    if (turned !== null) return turned;
  }
  if (!wantsTurn && context.kind !== 'number' && context.kind !== 'date' && hasEnded(index, hit))
    return 'its row says that this has ended';
  if (!wantsTurn && TURNED_HEADING.test(headings))
    return 'the heading above it is about others, the past or plans';
  return findWrongYear(context, hit, sentence);
}

/** A row of a table with a date under "End" or "Resigned". */
function hasEnded(index: PageIndex, { segment: { block } }: Hit): boolean {
  if (block?.cell == null) return false;
  return index
    .row(block.cell.table, block.cell.row)
    .some(
      (each) => /\d{4}/.test(each.text) && each !== block && ENDED.test(index.headers(each).column.trim()),
    );
}

const ENDED =
  /^(?:(?:end|ended|end date|to|until|left|resigned(?: on)?|ceased(?: on)?|terminated|ende|bis|ausgeschieden|austritt|fin|date de fin|jusqu['’]au|hasta|cese|fecha de cese|fine|al|cessazione|tot|einde|uitgetreden|slut|till|til|fratrådt|utträde|do|koniec|konec|lõpp|päättyi|término))$/iu;

/** Titles of a value: the headers of its cell, or the term before it. */
function listTitles(index: PageIndex, { segment }: Hit): string[] {
  const { block } = segment;
  if (block === null) return [];
  const { row, column } = index.headers(block);
  const term = block.role === 'detail' ? index.page.blocks[segment.index - 1] : undefined;
  return [row, column, term?.role === 'term' ? term.text : ''].filter((text) => text !== '');
}

const TURNED_HEADING =
  /^(?:former|past|previous|ex-|alumni|resigned|ceased|dissolved|cancelled|deleted|gelöschte|ausgeschiedene|personnes radiées|radiations?|démissionnaires|ceses|cesados|administradores cesados|cessati|uitgetreden|avgångna|fratrådte|wykreśleni|related companies|subsidiaries|affiliates|sister companies|group companies|関連会社|子会社|グループ会社|关联公司|子公司|계열사|tochter(?:gesellschaften|unternehmen|firmen)|beteiligungen|filiales|società controllate|dochter(?:bedrijven|ondernemingen)|dotterbolag|datterselskaber|datterselskap|competitors?|rivals?|similar (?:companies|products)|alternatives|related|comparable|nearby|hotels near|in der (?:nähe|umgebung)|à proximité|cerca(?:nos|nas)?|nelle vicinanze|hotely v okolí|v okolí|in de buurt|i närheten|w pobliżu|peers|people also|you may also|history of|ehemalige|wettbewerber|konkurrenten|ähnliche|anciens|concurrents|sociétés similaires|competidores|empresas similares|concorrenti|aziende simili|tidigare|konkurrenter|бывшие|конкуренты|похожие)|\b(?:competitors|alternatives|predecessors|vorgänger)\b/i;
