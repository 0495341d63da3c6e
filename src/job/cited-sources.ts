import type { CitedSource, FieldAnswer } from '../model/answer.js';
import { isJsonObject } from '../model/json.js';
import { getValue, type Row } from '../model/row.js';
import { getFieldOutcome, getOutcome } from './returned-row.js';

/** The sources that a row of a filled file cites for a field, as `listSources` has them. */
export function listCited(row: Row, field: string): readonly string[] {
  // A table that a program saved as JSON has its citations in columns too.
  if (getOutcome(row) === null) {
    const texts = String(getValue(row, `${field}_citations`) ?? '').split(/\s+/);
    // A source that is not a safe link was written as `file[:]`, and may have an apostrophe against formulas.
    return texts.map((text) => text.replace(/^'/, '').replace('[:]', ':')).filter((text) => text !== '');
  }
  const citations = getFieldOutcome(row, field)?.citations;
  return (Array.isArray(citations) ? citations : []).flatMap((each) => {
    const source = isJsonObject(each) ? (each.url ?? each.text) : null;
    return typeof source === 'string' && source !== '' ? [nameSource({ url: source })] : [];
  });
}

/** The sources of an answer, to find them among those that a row cites. */
export function listSources({ citations }: Pick<FieldAnswer, 'citations'>): readonly string[] {
  return citations.map(nameSource).filter((source) => source !== '');
}

function nameSource({ url, text = '' }: CitedSource): string {
  return (url ?? text).trim().replace(/\s/g, (space) => encodeURIComponent(space));
}

/** True if a citation of an answer, or its confidence if either has no citations, is beside a cell. */
export function isBeside(row: Row, field: string, answer: FieldAnswer): boolean {
  const cited = listCited(row, field);
  const sources = listSources(answer);
  if (cited.length > 0 && sources.length > 0) return sources.some((source) => cited.includes(source));
  const shown = getFieldOutcome(row, field)?.confidence ?? getValue(row, `${field}_confidence`);
  return (
    String(shown ?? '')
      .trim()
      .toLowerCase() === (answer.confidence ?? '')
  );
}

/** True if a row cites a source of an answer for a field. */
export function citesSource(row: Row, field: string, answer: FieldAnswer): boolean {
  return measureShared(new Set(listCited(row, field)), answer) > 0;
}

/** True if a row cites something for a field, and not just what an answer does. */
export function citesOthers(row: Row, field: string, answer: FieldAnswer | undefined): boolean {
  const cited = new Set(listCited(row, field));
  return cited.size > 0 && (answer === undefined || measureShared(cited, answer) < 1);
}

/** True if the citations beside a cell are more like those of one answer than those of another. */
export function citesRather(row: Row, field: string, one: FieldAnswer, other: FieldAnswer): boolean {
  const cited = new Set(listCited(row, field));
  return measureShared(cited, one) > measureShared(cited, other);
}

/** The answers whose citations are most like those beside a cell. */
export function selectCited<T extends { readonly answer: FieldAnswer }>(
  row: Row,
  field: string,
  answers: readonly T[],
): readonly T[] {
  if (answers.length < 2) return answers;
  const cited = new Set(listCited(row, field));
  const shares = answers.map(({ answer }) => measureShared(cited, answer));
  const best = Math.max(...shares);
  return answers.filter((_answer, index) => shares[index] === best);
}

/** Share of the sources that are both cited and those of an answer, from 0 to 1: answers may share some pages. */
function measureShared(cited: ReadonlySet<string>, answer: FieldAnswer): number {
  const sources = new Set(listSources(answer));
  const all = new Set([...cited, ...sources]);
  return all.size === 0 ? 0 : (cited.size + sources.size - all.size) / all.size;
}
