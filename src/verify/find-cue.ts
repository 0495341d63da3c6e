import { CUES, type CueContext, isCount, PLAN, type Words } from './cue-words.js';
import { findMentions } from './row-subject.js';

/** The reason why the words around a value, or its label, turn it around. Null if nothing does. */
export function findCue(context: CueContext, isLabel = false): string | null {
  if (context.wantsTurn) return null;
  if (context.groups.has('role') && EASTERN_FORMER.test(context.before.slice(-14)))
    return 'a word before it speaks of the past';
  for (const { reason, before, after, within, beyond, isClause, applies } of CUES) {
    if (isLabel && !LABELLED.has(reason)) continue;
    if (applies !== undefined && !applies(context)) continue;
    const [ahead, behind] = [context.before.slice(-within), context.after.slice(0, beyond ?? 60)];
    const clause = isClause === true ? ahead.slice(findLastBreak(ahead)) : ahead;
    if (before !== undefined && within > 0 && hasCue(before, clause, context, true)) return reason;
    // Behind a number, words that follow another number belong to that one.
    const own = isCount(context)
      ? (/^[^;]*?(?=[,;]?\s[^\d\s]{0,3}\d|;|$)/u.exec(behind)?.[0] ?? behind)
      : behind;
    if (after !== undefined && hasCue(after, own, context, false)) return reason;
  }
  return null;
}

/** Chinese, Japanese and Korean put no space between "former" and the role. */
const EASTERN_FORMER =
  /(?:前|元|旧|前任|原|曾任|전임|전)\s?(?:社長|代表\p{L}*|会長|CEO|CFO|总裁|董事长|总经理|首席\p{L}*|대표\p{L}*|사장)\s?$/u;

/** Position after the last comma or quote that ends a clause; 0 if there is none. */
function findLastBreak(text: string): number {
  const last = [...text.matchAll(/,\s|[”"»]\s?|;\s|\s[–—]\s/gu)].at(-1);
  return last === undefined ? 0 : last.index + last[0].length;
}

/** True if a sentence speaks of a plan, a goal or a forecast. */
export function isPlan(text: string, language: string): boolean {
  const plan = CUES.find(({ reason, before }) => reason === PLAN && before !== undefined);
  return plan?.before !== undefined && hasCue(plan.before, text.slice(0, 600), { language }, false);
}

/** Reasons that also count in the label of a value. */
const LABELLED = new Set([
  PLAN,
  'a word before it speaks of the past',
  'it is said of a rival or in a comparison',
]);

const patterns = new Map<string, RegExp>();

/** Chinese, Japanese and Korean put no space between words. */
function compile(source: string): RegExp {
  const isSpaced = !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Hangul}]/u.test(source);
  return new RegExp(isSpaced ? String.raw`(?<![\p{L}\p{M}])(?:${source})(?![\p{L}\p{M}])` : source, 'iu');
}

function hasCue(
  words: Words,
  text: string,
  { language, subject }: Pick<CueContext, 'language'> & Partial<Pick<CueContext, 'subject'>>,
  isBefore: boolean,
): boolean {
  const languages = language === '' ? Object.keys(words) : ['all', 'en', language];
  return languages.some((each) => {
    const source = words[each];
    if (source === undefined) return false;
    const pattern = patterns.get(source) ?? compile(source);
    patterns.set(source, pattern);
    const match = pattern.exec(text);
    if (match === null || !isBefore) return match !== null;
    const between = text.slice(match.index + match[0].length);
    // "Its rival Acme" may be the row itself.
    if (subject !== undefined && findMentions(between.slice(0, 80), subject).some(([start]) => start <= 2))
      return false;
    // If another name is between the word and the value, the word is about that name.
    return !isTaken(between);
  });
}

/** True if a full stop, or a person's name and a verb, lies between. */
function isTaken(between: string): boolean {
  // What is in brackets is over at their end.
  if (/^[^(（]*[)）]/u.test(between)) return true;
  return (
    /[.;!?]\s/.test(
      between.replace(/\b(?:\p{Lu}|Mr|Mrs|Ms|Dr|Inc|Ltd|Co|St|Nr|No|Mio|Mrd|Tel|Fax|Str)\.\s/gu, ''),
    ) ||
    /(?:replaced|succeeded|followed) by|(?:ersetzt|abgelöst) (?:durch|von)|remplacée? par|to\s$/iu.test(
      between,
    )
  );
}
