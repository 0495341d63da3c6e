import { decodePage } from './decode-page.js';
import { flattenJson } from './flatten-json.js';
import { judgePageKind } from './page-kind.js';
import type { PageBytes, PageText, TextBlock } from './page-text.js';
import { walkHtml } from './walk-html.js';

const MAX_BLOCKS = 100_000;
const MAX_CHARACTERS = 20_000_000;

/**
 * Makes text of a response: HTML, XML, JSON, CSV and plain text. Any other media type gives an `unreadable` page.
 * Never throws, whatever the bytes; long or deeply nested pages are cut. Takes about a millisecond per 50 kB.
 */
export function readPage({ url, status, contentType, body }: PageBytes): PageText {
  const media = findMediaType(contentType, body);
  if (media === 'other') return createEmptyPage(url, 'the media type has no text');
  const text = decodePage(body, contentType).slice(0, MAX_CHARACTERS);
  if (media === 'json') {
    const data = flattenJson(text, 'json');
    return {
      ...createEmptyPage(url, data.length === 0 ? 'not valid JSON' : ''),
      kind: data.length === 0 ? 'unreadable' : 'readable',
      data,
    };
  }
  if (media === 'text')
    return createPlainPage(url, status, text, /csv|tab-separated/i.test(contentType ?? ''));
  const walked = walkHtml(text, url, media === 'xml');
  const { kind, reason } = judgePageKind(walked, status);
  const { title, language, blocks, groups, data, links, isCut } = walked;
  return {
    kind,
    reason,
    url,
    title,
    language: chooseLanguage(language, guessLanguage(blocks)),
    blocks,
    groups,
    data,
    links,
    isCut,
  };
}

/** Makes a page of the texts of a PDF's pages, first page first. A PDF without text is `unreadable`. */
export function createPdfText(url: string, pages: readonly string[], title = ''): PageText {
  const blocks = pages.flatMap((text, index) =>
    splitPdfPage(text).map((part) => createBlock(part, index + 1)),
  );
  const letters = blocks.reduce((sum, { text }) => sum + text.length, 0);
  if (letters < 20) return createEmptyPage(url, 'the PDF has no text, only images');
  const heading = title || (blocks[0]?.text.slice(0, 200) ?? '');
  return {
    ...createEmptyPage(url, ''),
    kind: 'readable',
    title: heading,
    language: guessLanguage(blocks),
    blocks: blocks.slice(0, MAX_BLOCKS),
    isCut: blocks.length > MAX_BLOCKS,
  };
}

type Media = 'html' | 'xml' | 'json' | 'text' | 'other';

function findMediaType(contentType: string | null, body: Uint8Array): Media {
  const type = (contentType ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  if (/^(?:text\/html|application\/xhtml)/.test(type)) return 'html';
  const head = Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, 1_024))
    .toString('latin1')
    .replaceAll('\0', '')
    .replace(/^(?:ï»¿|ÿþ|þÿ)/, '')
    .trimStart();
  if (/json/.test(type)) return 'json';
  const isMarkup = /^<(?:!doctype html|html|head|body|div|p|!--)/i.test(head);
  if (/xml/.test(type)) return /<html[\s>]/i.test(head) ? 'html' : 'xml';
  if (type.startsWith('text/')) return isMarkup ? 'html' : 'text';
  if (type !== '' && type !== 'application/octet-stream') return 'other';
  if (isMarkup) return 'html';
  if (/^<\?xml/i.test(head)) return 'xml';
  return /^[{[]/.test(head)
    ? 'json'
    : UNTEXT.test(head) || head.startsWith('%PDF') || head === ''
      ? 'other'
      : 'text';
}

/** Control characters that no text has. */
const UNTEXT = /(?!\s)\p{Cc}/u;

function createEmptyPage(url: string, reason: string): PageText {
  return {
    kind: 'unreadable',
    reason,
    url,
    title: '',
    language: '',
    blocks: [],
    groups: [],
    data: [],
    links: [],
    isCut: false,
  };
}

function createBlock(text: string, page: number | null): TextBlock {
  return {
    text,
    region: page === null ? 'main' : 'pdf',
    role: 'text',
    heading: -1,
    level: 0,
    group: -1,
    cell: null,
    page,
    struck: [],
  };
}

function createPlainPage(url: string, status: number, text: string, isTable: boolean): PageText {
  const lines = text.slice(0, 3_000_000).split(/\r\n?|\n/);
  const blocks = isTable
    ? createTable(lines)
    : text
        .slice(0, 3_000_000)
        .split(/(?:\r?\n\s*){2,}/)
        .map((part) => createBlock(tidy(part), null));
  const filled = blocks.filter((block) => block.text !== '').slice(0, MAX_BLOCKS);
  const page = {
    ...createEmptyPage(url, ''),
    title: filled[0]?.text.slice(0, 200) ?? '',
    blocks: filled,
    language: guessLanguage(filled),
  };
  if (status >= 400)
    return {
      ...page,
      kind: status === 404 || status === 410 ? 'gone' : 'blocked',
      reason: `status ${status}`,
    };
  return filled.length === 0 ? { ...page, reason: 'no text' } : { ...page, kind: 'readable' };
}

function createTable(lines: readonly string[]): TextBlock[] {
  const separator = ['\t', ';', ','].find((each) => (lines[0] ?? '').includes(each)) ?? ',';
  return lines.flatMap((line, row) => {
    const cells =
      line.match(new RegExp(`"(?:[^"]|"")*"|[^${separator}]+|(?<=^|${separator})(?=${separator}|$)`, 'g')) ??
      [];
    return cells.map(
      (cell, column): TextBlock => ({
        ...createBlock(tidy(cell.replace(/^"|"$/g, '').replaceAll('""', '"')), null),
        role: 'cell',
        cell: { table: 0, row, column, rowSpan: 1, colSpan: 1, isHeader: row === 0 },
      }),
    );
  });
}

function tidy(text: string): string {
  return text
    .replace(/[\u00ad\u200b-\u200f\u2060\ufeff]/g, '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** Paragraphs of a PDF page. Lines of a table stay alone; words hyphenated at a line end are joined. */
function splitPdfPage(text: string): string[] {
  const parts: string[] = [];
  let current = '';
  const end = (): void => {
    if (current !== '') parts.push(tidy(current));
    current = '';
  };
  for (const line of text.slice(0, 3_000_000).split(/\r?\n/)) {
    const trimmed = tidy(line);
    if (trimmed === '') end();
    else if (
      (trimmed.match(/(?<![\d\p{L}])[(-]?[\d.,]*\d\)?(?![\d\p{L}])/gu)?.length ?? 0) >= 2 &&
      trimmed.length < 150 &&
      /\d[)%]*$/.test(trimmed) &&
      /^\p{Lu}/u.test(trimmed)
    ) {
      end();
      parts.push(trimmed);
    } else if (/\p{Ll}-$/u.test(current) && /^\p{Ll}/u.test(trimmed))
      current = current.slice(0, -1) + trimmed;
    else current += `${current === '' ? '' : ' '}${trimmed}`;
    if (current.length > 5_000) end();
  }
  end();
  return parts;
}

/** Templates often claim English. The words decide only between languages whose words are known. */
function chooseLanguage(claimed: string, guessed: string): string {
  return guessed === '' ||
    (claimed !== '' && COMMON_WORDS[claimed] === undefined && COMMON_WORDS[guessed] !== undefined)
    ? claimed
    : guessed;
}

/** The language of a text by its script or its most common words. Empty if unclear. */
function guessLanguage(blocks: readonly TextBlock[]): string {
  let sample = '';
  for (const { text } of blocks) {
    sample += ` ${text}`;
    if (sample.length > 8_000) break;
  }
  const letters = sample.match(/\p{L}/gu)?.length ?? 0;
  if (letters < 40) return '';
  for (const [language, script, share] of SCRIPTS)
    if ((sample.match(script)?.length ?? 0) > letters * share) return language;
  const words = sample.toLowerCase().match(/\p{L}+/gu) ?? [];
  const scores = Object.entries(COMMON_WORDS).map(([language, common]): [string, number] => [
    language,
    words.filter((word) => common.has(word)).length,
  ]);
  const [best, second] = scores.sort((a, b) => b[1] - a[1]);
  return best !== undefined && best[1] > words.length / 10 && best[1] > (second?.[1] ?? 0) ? best[0] : '';
}

const SCRIPTS: readonly (readonly [string, RegExp, number])[] = [
  ['ja', /[\u3040-\u30ff]/g, 0.05],
  ['zh', /\p{Script=Han}/gu, 0.3],
  ['ko', /\p{Script=Hangul}/gu, 0.3],
  ['uk', /[іїєґ]/g, 0.02],
  ['ru', /\p{Script=Cyrillic}/gu, 0.4],
  ['el', /\p{Script=Greek}/gu, 0.4],
  ['ar', /\p{Script=Arabic}/gu, 0.4],
  ['he', /\p{Script=Hebrew}/gu, 0.4],
  ['th', /\p{Script=Thai}/gu, 0.4],
];

const COMMON_WORDS: Readonly<Record<string, ReadonlySet<string>>> = Object.fromEntries(
  Object.entries({
    en: 'the of and to in is was for with by on as from its has are',
    de: 'der die das und ist wurde von mit für den dem ein eine im zu hat sich auf',
    fr: 'le la les des du et est une dans pour par sur au aux avec il elle en',
    es: 'el la los las del y es una en por con para su fue se al que',
    it: 'il la lo gli di del della e è una in con per nel dal che sono',
    pt: 'o a os as do da e é uma em com para por no na foi dos que',
    nl: 'de het een van en is in op met voor door te zijn werd bij',
    sv: 'och är som en ett av för med på till den i har',
    da: 'og er som en et af for med på til den i har ved',
    pl: 'i w z na jest się do oraz przez od dla nie roku',
    fi: 'ja on ei se että oli ovat sekä vuonna myös yli noin',
    hu: 'a az és hogy nem egy van volt is meg cég évben',
    tr: 've bir bu ile için de da olarak olan yılında en',
    ro: 'și de la în cu pe este din care un o pentru',
    cs: 'a v se na je že s z do pro byl roku která',
  }).map(([language, words]) => [language, new Set(words.split(' '))]),
);
