import { type EvidenceContext, listHeadings } from './evidence-context.js';
import { judgeLabel, listLabels, OWN_LABEL } from './field-labels.js';
import { findFieldMentions, listGroups } from './field-words.js';
import { foldText, foldWords } from './fold-text.js';
import type { Hit } from './page-index.js';
import { EMAIL_ADDRESS, isBesideHeadOffice, isLaterSection, isSite, PHONE_NUMBER } from './place-evidence.js';
import { mentions, type RowSubject } from './row-subject.js';
import type { Sentence } from './sentences.js';
import type { ValueKind } from './value-kind.js';

const NO_FIELD = 'the words of the field are not beside it';

/** E-mail addresses, phone numbers and links name their field themselves, unless the field wants a special one. */
export function findWrongContact(context: EvidenceContext, hit: Hit, sentence: Sentence): string | null {
  const { field, index, kind, value, subject } = context;
  const wanted = field.words
    .map((word) => foldWords(word))
    .filter((word) => !CONTACT_WORDS.has(word) && word.length > 2 && !isContactWord(word));
  // Only what stands right before the value can name it: the next one may be of another department.
  const near = `${sentence.before.slice(-30).replace(/^.*[·|•]/s, '')} ${value} ${hit.link?.text ?? ''} ${/^\s?\([^)]{2,30}\)/.exec(sentence.after)?.[0] ?? ''}`;
  const text = foldText(`${near} ${hit.segment.data?.path.join(' ') ?? ''}`, 'plain').text;
  if (
    kind === 'email' &&
    subject.isPerson &&
    !isOwnMailbox(value, subject) &&
    !mentions(sentence.text, subject)
  )
    return 'the address may belong to someone else';
  if (kind === 'phone') {
    const label = foldText(sentence.before.slice(-25), 'plain').text;
    const families = findFieldMentions(label).filter(({ family }) => listGroups(family).includes('contact'));
    const last = families.at(-1)?.family;
    const wantsFax = field.families.has('fax');
    if (last === 'fax' && !wantsFax) return 'it is a fax number';
    if (wantsFax && last !== 'fax' && !text.includes('fax')) return 'it is not called a fax number';
  }
  if (wanted.some((word) => text.includes(word.slice(0, 6)))) return null;
  const line = /^([^:：]{2,40})[:：]/u.exec(sentence.before)?.[1] ?? '';
  if (wanted.length === 0 && isSite(line, field)) return 'it may be of a branch or department';
  if (wanted.length === 0 && (isOfOtherRole(sentence.before) || isLaterLabel(hit, sentence, kind)))
    return 'it may be of a branch or department';
  if (wanted.length === 0)
    return hit.segment.block !== null &&
      (isBesideHeadOffice(index, hit.segment.block) ||
        (kind !== 'url' &&
          isLaterSection(context, hit.segment.block, kind === 'email' ? EMAIL_ADDRESS : PHONE_NUMBER)))
      ? 'it may be of a branch or department'
      : null;
  // "CEO: Ann Lee, ann@acme.example".
  if (field.groups.has('role') && judgeLabel(sentence.before, field) === 'own') return null;
  const own = OWN_LABEL.exec(sentence.before)?.[1];
  if (own !== undefined && !/mail|contact|kontakt|phone|tel/i.test(own)) return NO_FIELD;
  const labels =
    hit.segment.block === null
      ? []
      : [...listLabels(index, hit.segment.block, hit), ...listHeadings(index, hit.segment.block).slice(0, 1)];
  return labels.some(
    (label) =>
      judgeLabel(label, field) === 'own' ||
      wanted.some((word) => foldWords(label).includes(word.slice(0, 6))),
  )
    ? null
    : NO_FIELD;
}

/** "Secretary: Ann Lee, ": the label of the line is a role that the field does not ask for. */
function isOfOtherRole(before: string): boolean {
  const label = /^([^:：]{2,40})[:：]/u.exec(before)?.[1] ?? '';
  return findFieldMentions(foldText(label, 'plain').text).some(({ family }) => family === 'otherRole');
}

/** "Switchboard: 0341 555 111. Emergency room: 0341 555 118": what has a label of its own after another is of a part. */
function isLaterLabel({ segment, start }: Hit, { before }: Sentence, kind: ValueKind): boolean {
  const label = OWN_LABEL.exec(before)?.[1];
  if (
    label === undefined ||
    /(?<!\p{L})(?:e-?mail|contact|kontakt|phone|tel|tél|fon|call|cent)/iu.test(label)
  )
    return false;
  const earlier = segment.text.slice(0, start - before.length);
  return (kind === 'email' ? EMAIL_ADDRESS : PHONE_NUMBER).test(earlier);
}

/** True if the part before "@" has one of the person's names. */
function isOwnMailbox(value: string, subject: RowSubject): boolean {
  const box = foldWords(value.split('@')[0] ?? '').replace(/ /g, '');
  return subject.names.some((name) => name.split(' ').some((word) => word.length >= 3 && box.includes(word)));
}

function isContactWord(word: string): boolean {
  return findFieldMentions(` ${word} `).some(
    ({ family }) => family === 'phone' || family === 'email' || family === 'website',
  );
}

const CONTACT_WORDS = new Set(
  'telefon telefono telefone telefoon telefonnummer telefonszam puhelin rufnummer correo courriel mejl epost sahkoposti posta tfn tlf fon email mail address e phone telephone tel number mobile company website url web site homepage domain link page contact main general official profile the of hq corporate business primary com uri'.split(
    ' ',
  ),
);
