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
  const folded = foldCompanyName(text);
  return dropForms(folded, extractNameWords(dropUnspacedForm(folded)));
}

/**
 * Same, but null for what many people give who have no company, such as `Freelancer` or `Private person`. Of a name such
 * as `Foo Inc d/b/a Bar`, only Foo: other companies, such as franchises, may do business as Bar too.
 */
export function findCompanyName(text: string): string | null {
  const folded = dropTradeName(foldCompanyName(text));
  const words = extractNameWords(dropUnspacedForm(folded));
  return areNobody(words) ? null : dropForms(folded, words);
}

/** True if a text says that somebody has no company, or does not name it. */
export function isNobody(text: string): boolean {
  return findCompanyName(text) === null;
}

function foldCompanyName(text: string): string {
  return normalizeText(text.replace(MARKS, ' '));
}

/** Only behind a legal form, because DBA is also the name of companies. */
function dropTradeName(folded: string): string {
  const found = TRADE_NAME.exec(folded);
  if (found === null) return folded;
  const legal = folded.slice(0, found.index);
  return dropFormBehind(extractNameWords(legal)) === null ? folded : legal;
}

const TRADE_NAME =
  /[\s,;(]+(?:d\/b\/a|d\.b\.a\.?|dba|t\/a|doing business as|trading as)[\s:]+(?=[\p{L}\p{N}«“"'])/u;

/** Removes the legal forms from the words of a name. */
function dropForms(folded: string, words: string[]): string {
  if (words.length > 1 && words.at(-1) === 'the') words.pop();
  const front = words[0] ?? '';
  let behind = dropFormBehind(words);
  const lastForm = behind;
  while (behind !== null) behind = dropFormBehind(words);
  if (lastForm !== null && FORMS.around.get(front)?.has(lastForm) === true && words.length > 1) words.shift();
  if (lastForm === null) dropInitialsInFront(words, folded);
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

/** Removes a form from the front whose letters may be initials. With a form behind the name too, they are. */
function dropInitialsInFront(words: string[], text: string): void {
  const count = extractNameWords(FORM_WITH_SIGNS.exec(text)?.[0] ?? '').length;
  if (words.length > count) words.splice(0, count);
  const [front, next = ''] = words;
  if (front !== 'as' || words.length < 2 || BEHIND_OTHER_AS.has(next)) return;
  if (!words.slice(1).every((word) => ORDINARY_WORDS.has(word))) words.shift();
}

/** Forms that only their signs tell from a name: "A/S", "S.A.", "N.V.", "S.p.A.". */
const FORM_WITH_SIGNS =
  /^[aikp]\/s\s|^(?:s\. ?a\.|n\. ?v\.|b\. ?v\.|s\. ?a\. ?s\.|s\. ?p\. ?a\.|s\. ?r\. ?l\.)\s/;

/** Words behind an "AS" that is no legal form: of clubs, of initials, and of sentences. */
const BEHIND_OTHER_AS = new Set(
  `roma monaco nancy saint st cannes livorno bari cittadella eupen trencin beziers vita far kaloum watson colour color
   of you seen if is we the it one per always usual above`.split(/\s+/),
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

/** True if all words are phrases for nobody, as in "Freelance / Self-employed". With a legal form it is a name. */
function areNobody(words: readonly string[]): boolean {
  if (!NOBODY.firstWords.has(words[0] ?? '')) return false;
  let phrases = 0;
  for (let at = 0; at < words.length; ) {
    let count = Math.min(NOBODY.mostWords, words.length - at);
    while (count > 0 && !NOBODY.phrases.has(words.slice(at, at + count).join(' '))) count -= 1;
    if (count === 0 && !AND.has(words[at] ?? '') && words[at] !== 'or') return false;
    if (count > 0) phrases += 1;
    at += Math.max(1, count);
  }
  return phrases > 0;
}

/**
 * What people without a company, or lists that do not know it, give as its name. Words that are also the name of a company, such as Independent, are
 * missing on purpose.
 */
const NOBODY = createNobody(`
  freelance; freelancer; freelancers; freelancing; self; self employed; selfemployed; self-employment; sole proprietor
  sole trader; independent contractor; independent consultant; independent professional; private; private person
  private individual; private customer; individual; personal; student; students; retired; pensioner; unemployed
  not employed; homemaker; housewife; job seeker; jobseeker; open to work; between jobs; looking for work
  looking for opportunities; seeking opportunities; seeking new opportunities; career break; no company; no employer
  own company; own business; my own company; my own business; confidential; confidential company; company confidential
  undisclosed; undisclosed company; stealth startup; stealth mode; stealth mode startup; stealth mode company; various
  Freiberufler; Freiberuflerin; freiberuflich; freier Mitarbeiter; freie Mitarbeiterin; freischaffend; selbständig
  selbstaendig; selbständige; selbständiger; selbstständig; selbststaendig; selbstständige; selbstständiger; Privat
  Privatperson; Privatkunde; Privatkundin; Einzelunternehmer; Einzelunternehmerin; Studentin; Schüler; Schülerin; Rentner
  Rentnerin; im Ruhestand; arbeitslos; arbeitssuchend; arbeitsuchend; Hausfrau; keine Firma; ohne Firma
  indépendant; indépendante; travailleur indépendant; auto-entrepreneur; autoentrepreneur; micro-entrepreneur
  profession libérale; particulier; étudiant; étudiante; retraité; retraitée; sans emploi; à mon compte
  autónomo; autónoma; trabajador autónomo; trabajador independiente; por cuenta propia; cuenta propia; particular
  estudiante; jubilado; jubilada; desempleado; desempleada; libero professionista; libera professionista
  lavoratore autonomo; in proprio; privato; studente; studentessa; pensionato; pensionata; disoccupato; disoccupata
  zzp; zzp'er; zelfstandige; zelfstandig; gepensioneerd; werkloos; autônomo; autônoma; profissional liberal
  trabalhador independente; pessoa física; estudante; aposentado; aposentada; desempregado; desempregada
  samozatrudniony; osoba prywatna; osoba fizyczna; wolny strzelec; bezrobotny; emeryt; egenföretagare; frilans
  frilansare; selvstændig; selvstendig; yrittäjä; opiskelija
  самозанятый; самозанятая; фрилансер; частное лицо; физическое лицо; физлицо; студент; пенсионер
  フリーランス; 個人; 個人事業主; 自営業; 学生; 自由职业; 自由职业者; 个人; 个体户; 个体工商户; 프리랜서
  unknown; unknown company; none; not available; myself; test; test company; unbekannt; inconnu; desconocido; sconosciuto
  onbekend; неизвестно; 未知; 不明`);

function createNobody(text: string) {
  const phrases = text.split(/[;\n]/).map((phrase) => extractNameWords(normalizeText(phrase)));
  return {
    phrases: new Set(phrases.map((words) => words.join(' ')).filter(Boolean)),
    firstWords: new Set(phrases.flatMap(([first]) => first ?? [])),
    mostWords: Math.max(...phrases.map((words) => words.length)),
  };
}
