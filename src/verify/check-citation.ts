import type { Field } from '../model/ask.js';
import { isJsonObject, type JsonValue } from '../model/json.js';
import { type CitationVerdict, type Claim, createVerdict } from '../model/verdict.js';
import type { PageText } from '../pages/page-text.js';
import type { EvidenceContext } from './evidence-context.js';
import { isAtAddress } from './find-contact.js';
import { findValue } from './find-value.js';
import { foldWords } from './fold-text.js';
import { findWeakness } from './judge-evidence.js';
import { type Hit, indexPage, type PageIndex } from './page-index.js';
import { createPassageUrl, quotePassage } from './passage.js';
import { createSubject, relatePage } from './row-subject.js';
import { describeField, resolveValueKind, type ValueKind } from './value-kind.js';
import { listLeaves } from './value-leaves.js';

/** Prose has more words than this, and is written anew for each cell. */
const MAX_WORDS = 8;

/**
 * Looks for a value on a page and says what was seen there. `on_page` is strong if the row and the field are named
 * beside the value and no word turns it around. A page that cannot be read never counts against the value.
 */
export function checkCitation(page: PageText, claim: Claim): CitationVerdict {
  if (page.kind === 'blocked' || page.kind === 'unreadable' || page.kind === 'gone')
    return createVerdict(page.kind, page.reason || null);
  const { value } = claim;
  const result =
    Array.isArray(value) || isJsonObject(value) ? checkParts(page, claim) : checkValue(page, claim);
  if (result.verdict === 'not_on_page' && page.kind === 'paywalled')
    return createVerdict('paywalled', page.reason);
  if (result.verdict === 'not_on_page' && page.isCut)
    return createVerdict('not_checkable', 'the page was too long to read to its end');
  return result;
}

/** A list or object is on a page if all of its parts are that can be looked for. */
function checkParts(page: PageText, claim: Claim): CitationVerdict {
  const leaves = listLeaves(claim.value, isJsonObject(claim.value) ? '' : claim.field.name);
  const results = leaves.map(({ name, value }) =>
    checkValue(page, {
      ...claim,
      value,
      field: { name: name === '' ? claim.field.name : name, schema: findPartSchema(claim.field, name) },
    }),
  );
  const checked = results.filter(({ verdict }) => verdict !== 'not_checkable');
  if (checked.length === 0) return createVerdict('not_checkable', 'none of its parts can be looked for');
  const found = checked.filter(({ verdict }) => verdict === 'on_page');
  const parts = checked.map(({ verdict }) => verdict === 'on_page');
  if (found.length < checked.length) {
    return {
      ...createVerdict('not_on_page', `${found.length} of ${checked.length} parts are on the page`),
      parts,
    };
  }
  const weak = found.find(({ evidence }) => evidence === 'weak');
  const shown = weak ?? found[0];
  return {
    ...(shown ?? createVerdict('on_page', null)),
    reason: weak === undefined ? `all ${found.length} parts are on the page` : (weak.reason ?? null),
    parts,
  };
}

function findPartSchema({ schema, name: fieldName }: Field, name: string): Field['schema'] {
  if (!isJsonObject(schema)) return schema;
  let part: JsonValue = schema;
  const keys = name === fieldName ? [] : name.split(' ');
  for (let guard = 0; guard < 8; guard += 1) {
    if (isJsonObject(part) && isJsonObject(part.items)) part = part.items;
    else if (
      isJsonObject(part) &&
      isJsonObject(part.properties) &&
      keys[0] !== undefined &&
      isJsonObject(part.properties[keys[0]])
    )
      part = part.properties[keys.shift() ?? ''] ?? part;
    else break;
  }
  const description =
    isJsonObject(part) && typeof part.description === 'string' ? part.description : schema.description;
  return isJsonObject(part)
    ? { ...part, ...(typeof description === 'string' ? { description } : {}) }
    : schema;
}

function checkValue(page: PageText, claim: Claim): CitationVerdict {
  const field = describeField(claim.field);
  const kind = resolveValueKind(claim.value, field);
  if (kind === 'boolean') return createVerdict('not_checkable', 'true and false are not written on pages');
  const text = String(claim.value).trim();
  if (foldWords(text) === '' && !/\p{N}|\p{S}/u.test(text))
    return createVerdict('not_checkable', 'the value has no words');
  const index = indexPage(page);
  const subject = createSubject(claim.row, field);
  if (kind === 'url' && isAtAddress(page.url, text)) return createOwnAddress(page);
  const hits = findValue(index, claim.value, kind, field);
  const context: EvidenceContext = {
    index,
    subject,
    relation: relatePage(index, subject),
    field,
    kind,
    value: text,
  };
  const best = chooseBest(context, hits);
  return best === null ? explainMissing(index, kind, text) : createFound(page, best.hit, best.weakness);
}

function createOwnAddress(page: PageText): CitationVerdict {
  return {
    ...createVerdict('on_page', 'the page is at this address'),
    evidence: 'strong',
    where: 'address',
    how: 'exact',
    passageUrl: null,
    passage: page.title === '' ? null : page.title.slice(0, 300),
  };
}

interface Judged {
  readonly hit: Hit;
  readonly weakness: string | null;
}

const MAX_JUDGED = 60;

/** The first strong hit, or the weak one in the best place. */
function chooseBest(context: EvidenceContext, hits: readonly Hit[]): Judged | null {
  const sorted = [...hits].sort((a, b) => rankPlace(a) - rankPlace(b)).slice(0, MAX_JUDGED);
  let weak: Judged | null = null;
  for (const hit of sorted) {
    const weakness = findWeakness(context, hit);
    if (weakness === null) return { hit, weakness };
    weak ??= { hit, weakness };
  }
  return weak;
}

function rankPlace({ segment, how, doubt, link }: Hit): number {
  const place =
    segment.block === null
      ? 3
      : ['main', 'pdf', 'header', 'footer', 'aside', 'nav'].indexOf(segment.block.region);
  return place + (how === 'exact' ? 0 : 0.3) + (doubt === null ? 0 : 10) + (link === undefined ? 0 : 0.2);
}

function createFound(page: PageText, hit: Hit, weakness: string | null): CitationVerdict {
  return {
    verdict: 'on_page',
    evidence: weakness === null ? 'strong' : 'weak',
    passage: quotePassage(hit),
    passageUrl: createPassageUrl(page, hit),
    where: describePlace(hit),
    how: hit.how,
    reason: weakness,
    parts: null,
  };
}

function describePlace({ segment, link }: Hit): string {
  const { block, data } = segment;
  if (link !== undefined) return 'link';
  if (data !== null) return data.source === 'json-ld' || data.source === 'json' ? 'data' : data.source;
  if (block?.page != null) return `pdf p. ${block.page}`;
  return block?.cell == null ? (block?.region ?? 'main') : 'table';
}

/** The verdict on a value that was not found: missing, or unlikely to be written in these words. */
function explainMissing(index: PageIndex, kind: ValueKind, text: string): CitationVerdict {
  if (kind === 'text' && foldWords(text).split(' ').length > MAX_WORDS && !/\d{3}/.test(text))
    return createVerdict('not_checkable', 'free text is not written word for word on pages');
  if (kind === 'enum' && VAGUE.test(foldWords(text)))
    return createVerdict(
      'not_checkable',
      'the choice may sum up the page in words that the page does not use',
    );
  if ((kind === 'person' || kind === 'text' || kind === 'place') && isOtherScript(index, text))
    return createVerdict('not_checkable', 'the page is written in another script');
  return createVerdict('not_on_page', 'the value is not in the text of the page');
}

/** Choices that sum up a page rather than quote it. */
const VAGUE =
  /^(?:yes|no|true|false|high|medium|low|small|large|mid|midsize|none|other|others|unknown|n a|good|bad|positive|negative|neutral|mixed|strong|weak|early|late|growth|mature|startup|scaleup|smb|mid market|enterprise)$/;

/** True if a value in Latin letters is looked for on a page in an unrelated script. */
function isOtherScript({ page }: PageIndex, text: string): boolean {
  const isLatin =
    !/[^\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}]/u.test(text) && /\p{Script=Latin}/u.test(text);
  const sample = page.blocks
    .slice(0, 200)
    .map((block) => block.text)
    .join(' ')
    .slice(0, 20_000);
  const letters = sample.match(/\p{L}/gu)?.length ?? 0;
  const latin = sample.match(/\p{Script=Latin}/gu)?.length ?? 0;
  if (letters < 20) return false;
  return isLatin
    ? latin < letters * 0.4
    : latin > letters * 0.6 && !/\p{Script=Latin}/u.test(text) && /\p{L}/u.test(text);
}
