import {
  FORMS_AROUND,
  FORMS_BEFORE_QUOTES,
  FORMS_BEHIND,
  FORMS_IN_FRONT,
  UNSPACED_FORM,
} from './legal-forms.js';
import { normalizeText } from './normalize.js';

/**
 * Normalizes a company name for comparison, without its legal form: "Müller & Söhne GmbH & Co. KG" gives "muller and
 * sohne". Signs that are part of a word stay: "C++ Labs" and "C# Labs" are different. Empty only for blank text.
 */
export function normalizeCompanyName(text: string): string {
  const folded = normalizeText(text.replace(MARKS, ' '));
  const words = extractNameWords(dropUnspacedForm(folded));
  if (words.length > 1 && words.at(-1) === 'the') words.pop();
  const front = words[0] ?? '';
  let behind = dropFormBehind(words);
  const lastForm = behind;
  while (behind !== null) behind = dropFormBehind(words);
  if (lastForm !== null && FORMS.around.get(front)?.has(lastForm) === true && words.length > 1) words.shift();
  while (dropFormInFront(words));
  dropFormBeforeQuotes(words, folded);
  return words.join(' ') || folded;
}

/** Marks of registration, which belong to no name. */
const MARKS = /[™®©℠]|\((?:tm|sm|r|c)\)/gi;

/** The words of a name, with the signs that are part of them. */
function extractNameWords(text: string): string[] {
  // Most names have no signs, and the regular expressions below are slow.
  if (/^[a-z\d ]*$/.test(text)) return text.split(' ').filter(Boolean);
  const plain = foldGreek(text).replace(/['’`]/g, '');
  const joined = /[&+]/.test(plain) ? plain.replace(AND_SIGN, ' and ') : plain;
  const spelled = joined.includes('.') ? joined.replace(DOT_OF_INITIAL, '') : joined;
  return spelled.split(BETWEEN_WORDS).filter((word) => /[\p{L}\p{N}]/u.test(word));
}

const AND_SIGN = /&|(?<=[\p{L}\p{N}])\+(?=[\p{L}\p{N}])|(?<=\s)\+(?=\s)/gu;
const BETWEEN_WORDS = /[^\p{L}\p{M}\p{N}\p{Sc}+#@]+/u;
const DOT_OF_INITIAL = /(?<=(?:^|[^\p{L}])\p{L})\.(?=\p{L}(?:\.|$|[^\p{L}]))/gu;

/** Capital letters of Greek have no accents, and one sigma. */
function foldGreek(text: string): string {
  if (!/[\u0370-\u03ff]/.test(text)) return text;
  return text
    .normalize('NFD')
    .replace(/(\p{Script=Greek})[\u0300-\u036f]+/gu, '$1')
    .normalize('NFC')
    .replaceAll('ς', 'σ');
}

function dropUnspacedForm(name: string): string {
  if (!/[^ -~]/.test(name)) return name;
  const rest = name.replace(UNSPACED_FORM, ' ').trim();
  return rest === '' ? name : rest;
}

/** Removes the longest legal form from the end and returns it. Null if there is none, or if no name would be left. */
function dropFormBehind(words: string[]): string | null {
  const most = Math.min(FORMS.lengthByLastWord.get(words.at(-1) ?? '') ?? 0, words.length - 1);
  let [spaced, joined, length] = ['', '', 0];
  let form: string | null = null;
  for (let count = 1; count <= most; count += 1) {
    const word = words[words.length - count] ?? '';
    spaced = count === 1 ? word : `${word} ${spaced}`;
    // A form may be written in single letters ("S. p. A.") or partly so ("s r.o.").
    joined = word.length < 3 ? word + joined : TOO_LONG;
    const isSpelled = count > 1 && word.length === 1 && FORMS.behind.has(joined);
    if (!isSpelled && !FORMS.behind.has(spaced)) continue;
    if (!hasName(words, words.length - count)) break;
    form = isSpelled ? joined : spaced;
    length = count;
  }
  if (form === null) return null;
  words.length -= length;
  const joining = form.split(' ').some((word) => PARTNERS.has(word))
    ? AND
    : /(?:cv|rl)$/.test(form)
      ? OF
      : null;
  while (joining !== null && words.length > 1 && joining.has(words.at(-1) ?? '')) words.pop();
  return form;
}

/** No form; stops letters from being joined. */
const TOO_LONG = '-';

function hasName(words: readonly string[], end: number): boolean {
  for (let index = 0; index < end; index += 1) if (!NO_NAME.has(words[index] ?? '')) return true;
  return false;
}

/** Words that are no name by themselves. */
const NO_NAME = new Set(['the', 'and', 'of', 'de', 'la', 'le', 'el', 'die', 'der', 'das', 'und', 'et', 'y']);
/** "And" in names such as "GmbH & Co." and "Silva e Cia". */
const AND = new Set(['and', 'und', 'et', 'y', 'e', 'i', 'og', 'och', 'en', 'a', 'ja', 'u']);
const PARTNERS = new Set('co company cie compagnie cia compania companhia spol'.split(' '));
/** "De" in forms such as "S. A. de C. V.". */
const OF = new Set(['de']);

/** Removes one legal form from the front. Returns false if there is none, or if the rest could be any company. */
function dropFormInFront(words: string[]): boolean {
  const most = FORMS.lengthByFirstWord.get(words[0] ?? '') ?? 0;
  for (let count = Math.min(most, words.length - 1); count >= 1; count -= 1) {
    const form = words.slice(0, count).join(' ');
    if (!FORMS.front.has(form)) continue;
    if (form !== 'the' && words.slice(count).every((word) => ORDINARY_WORDS.has(word))) continue;
    words.splice(0, count);
    return true;
  }
  return false;
}

/** Words that follow initials in a name, as in "SIA Partners": such initials are no legal form. */
const ORDINARY_WORDS = new Set(
  `and the of partners partner group consulting consultants solutions services systems technologies technology tech capital
   bank holding holdings foods food health media design studio studios labs lab digital global international software
   engineering institute industries energy logistics insurance ventures agency dynamics medical travel hotels`.split(
    /\s+/,
  ),
);

/** Removes a form that is a legal form only before quotation marks: АД "Ромашка". */
function dropFormBeforeQuotes(words: string[], text: string): void {
  if (words.length < 2 || !/[«„“”"]/.test(text)) return;
  const [, before] = /^([^«»„“”"]+?)\s*[«„“”"]\s*[\p{L}\p{N}]/u.exec(text) ?? [];
  if (before === undefined) return;
  const form = extractNameWords(before).join(' ');
  if (FORMS.beforeQuotes.has(form) && words[0] === form) words.shift();
}

/** Longest form that may be written in single letters, as in "S. p. A.". */
const MAX_SPELLED = 5;

const FORMS = createForms();

function createForms() {
  const behind = new Set(listForms(Object.values(FORMS_BEHIND).join(';')));
  const front = new Set(listForms(FORMS_IN_FRONT));
  const around = new Map<string, Set<string>>();
  for (const [before, after] of FORMS_AROUND) {
    const [key = '', form = ''] = [...listForms(before), ...listForms(after)];
    around.set(key, (around.get(key) ?? new Set()).add(form));
  }
  return {
    behind,
    front,
    around,
    beforeQuotes: new Set(listForms(FORMS_BEFORE_QUOTES)),
    /** Length in words of the longest form with this last word. "S. p. A." and "s r.o." may end in one or two letters. */
    lengthByLastWord: createLengths(behind, (form) => {
      const letters = form.length <= MAX_SPELLED ? [form.slice(-1), form.slice(-2)] : [];
      return [form.slice(form.lastIndexOf(' ') + 1), ...letters];
    }),
    lengthByFirstWord: createLengths(front, (form) => [form.split(' ')[0] ?? '']),
  };
}

function createLengths(
  forms: ReadonlySet<string>,
  listWords: (form: string) => readonly string[],
): ReadonlyMap<string, number> {
  const lengths = new Map<string, number>();
  for (const form of forms) {
    for (const word of listWords(form)) {
      const length = word.length > 2 || form.length > MAX_SPELLED ? form.split(' ').length : form.length;
      lengths.set(word, Math.max(lengths.get(word) ?? 0, length));
    }
  }
  return lengths;
}

function listForms(text: string): string[] {
  return text.split(/[;\n]/).flatMap((form) => {
    const words = extractNameWords(normalizeText(form));
    if (words.length === 0) return [];
    // "I/S" keeps its slash, or every name that ends in "is" would lose a word.
    const isSpelled = words.length > 1 && words.every((word) => word.length === 1) && !form.includes('/');
    return isSpelled ? [words.join(' '), words.join('')] : [words.join(' ')];
  });
}
