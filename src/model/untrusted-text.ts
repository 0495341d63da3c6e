import type { CitedSource, FieldAnswer } from './answer.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';

/**
 * Cleans text from an agent or a reference table, in three steps: keys are masked on arrival, lengths are
 * limited before storing, and unsafe characters are removed when a cell is written, so that `--raw` can keep
 * them.
 */

/** Maximum length of a stored text in UTF-16 code units: three times what an Excel cell can hold. */
export const MAX_VALUE_LENGTH = 100_000;

/** Shorter keys are not masked, because they may occur in ordinary words. */
const MIN_KEY_LENGTH = 6;

/** Deeper than any accepted value, and well below the recursion limit. */
const MAX_DEPTH = 256;

/** This many characters of the start or end of a key are masked like the whole key. */
const KEY_END_LENGTH = 12;

/**
 * Returns a function that masks keys in text, in any case: the whole key, or 12 or more characters of its start or end;
 * as they are, percent-encoded, or split by white space, line breaks, escape sequences and invisible characters.
 */
export function createMask(keys: readonly (string | null | undefined)[]): (text: string) => string {
  const patterns = keys
    .filter((key) => key !== null && key !== undefined && key.length >= MIN_KEY_LENGTH)
    .map((key) => createPattern(key ?? ''));
  if (patterns.length === 0) return (text) => text;
  return (text) => {
    let masked = text;
    for (const { ends, whole, length } of patterns) {
      if (masked.length >= length && ends.test(masked)) masked = masked.replace(whole, '***');
    }
    return masked;
  };
}

/** Text that may separate two characters of a key. Bounded, so that no text makes the search slow. */
const GAP = String.raw`(?:\u001b\[[0-?]*[ -/]*[@-~]|[\s\p{Cc}\p{Cf}\p{DI}]|%(?:0[0-9a-fA-F]|1[0-9a-fA-F]|20)){0,64}`;

interface KeyPattern {
  /** Finds the start or end of the key. Almost no text has either, so this check must be fast. */
  readonly ends: RegExp;
  /** Finds the longest part of the key. */
  readonly whole: RegExp;
  /** A shorter text cannot have either. */
  readonly length: number;
}

function createPattern(key: string): KeyPattern {
  const characters = [...key].map(createCharacter);
  const start = characters.slice(0, KEY_END_LENGTH);
  const end = characters.slice(-KEY_END_LENGTH);
  const afterStart = characters
    .slice(KEY_END_LENGTH)
    .reduceRight((rest, character) => `(?:${GAP}${character}${rest})?`, '');
  const beforeEnd = characters
    .slice(0, -KEY_END_LENGTH)
    .reduce((rest, character) => `(?:${rest}${character}${GAP})?`, '');
  const startText = start.join(GAP);
  const endText = end.join(GAP);
  return {
    ends: new RegExp(`${startText}|${endText}`, 'iu'),
    whole: new RegExp(`${startText}${afterStart}|${beforeEnd}${endText}`, 'giu'),
    length: start.length,
  };
}

/** One character of a key, as it is or percent-encoded. */
function createCharacter(character: string): string {
  const bytes = [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`);
  return `(?:${character.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')}|${bytes.join('')})`;
}

/**
 * Applies `change` to every text in a JSON value, including keys. Returns the same object if nothing changed.
 * Parts nested deeper than `MAX_DEPTH` become null.
 */
export function mapTexts(value: JsonValue, change: (text: string) => string, depth = 0): JsonValue {
  if (typeof value === 'string') return change(value);
  if (value === null || typeof value !== 'object') return value;
  if (depth > MAX_DEPTH) return null;
  return isJsonObject(value) ? mapMembers(value, change, depth + 1) : mapItems(value, change, depth + 1);
}

/** Nearly all texts stay as they are, so a copy is made only from the first change on. */
function mapItems(list: readonly JsonValue[], change: (text: string) => string, depth: number): JsonValue {
  let changed: JsonValue[] | null = null;
  for (let index = 0; index < list.length; index += 1) {
    const mapped = mapTexts(list[index] ?? null, change, depth);
    if (mapped === list[index]) continue;
    changed ??= [...list];
    changed[index] = mapped;
  }
  return changed ?? list;
}

function mapMembers(object: JsonObject, change: (text: string) => string, depth: number): JsonValue {
  let changed: Map<string, readonly [string, JsonValue]> | null = null;
  // Not `Object.keys`, which makes a list for each of the hundreds of objects in a run.
  for (const name in object) {
    const inner = object[name] ?? null;
    const changedName = change(name);
    const mapped = mapTexts(inner, change, depth);
    if (changedName === name && mapped === inner) continue;
    changed ??= new Map();
    changed.set(name, [changedName, mapped]);
  }
  return changed === null ? object : replaceMembers(object, changed);
}

/** Of its own, because a function that makes a closure allocates with every call. */
function replaceMembers(
  object: JsonObject,
  changed: ReadonlyMap<string, readonly [string, JsonValue]>,
): JsonObject {
  return Object.fromEntries(Object.entries(object).map((member) => changed.get(member[0]) ?? member));
}

/**
 * Terminal escape sequences for colors, cursor moves, window titles and the like. Removed whole, or their
 * letters would remain.
 */
const SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: matches control sequences
  /\u001b(?:\[[0-?]{0,64}[ -/]{0,16}[@-~]|\][^\u0007\u001b\n]{0,2000}(?:\u0007|\u001b\\))/g;

/** Control characters that stand for white space. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const BREAKS = /[\u000b\u000c\u0085]/g;

/** Characters that no cell needs. Joiners stay, because emoji and many scripts need them. */
const UNFIT = /(?![\t\n\r])[\p{Cc}\p{Bidi_Control}\ufeff]/gu;

/** Lone surrogates, which cannot be encoded. */
const HALVES = /\p{Surrogate}/gu;

const SUSPICIOUS = /[^\t\n\r\u0020-\u007e\u00a0-\u061b\u061d-\u200d\u2010-\u2029\u202f-\u2065\u206a-\ud7ff]/;

/**
 * Removes control characters (except tabs and line breaks), escape sequences and bidirectional marks from a
 * cell's text.
 */
export function cleanText(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  return text.replace(SEQUENCES, '').replace(BREAKS, ' ').replace(UNFIT, '').replace(HALVES, '\ufffd');
}

/** Text with any of these needs cleaning. */
const UNTIDY = /[^\u0020-\u007e]|^ | $| {2}/;

/** Cleans text for one line of a message or title, at most `maxLength` long. */
export function cleanLine(text: string, maxLength: number): string {
  if (text.length <= maxLength && !UNTIDY.test(text)) return text;
  const line = cleanText(text.slice(0, 4 * maxLength))
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > maxLength ? `${cutText(line, maxLength)}…` : line;
}

/** Cleans an error code from the agent to one short word. Null if nothing is left. */
export function cleanCode(text: string): string | null {
  const code = cleanLine(text, 60).replace(/[^\w.:*…-]+/g, '_');
  return /^_*$/.test(code) ? null : code;
}

/** Prepares a value for storing: removes NUL, which databases reject, and shortens long texts. */
export function limitValue(value: JsonValue): JsonValue {
  return mapTexts(value, limitText);
}

function limitText(text: string): string {
  const whole = text.includes('\0') ? text.replaceAll('\0', '') : text;
  return whole.length > MAX_VALUE_LENGTH ? `${cutText(whole, MAX_VALUE_LENGTH)}…` : whole;
}

/** Rules for writing answers to an output. */
export interface AnswerRules {
  /** Leave values unchanged. */
  readonly raw: boolean;
  /** True for the embedded agent. Only it may cite files on this machine. */
  readonly isEmbedded: boolean;
}

/** Prepares an answer for output: cleans its values, and keeps only links that are safe to follow. */
export function cleanAnswer(answer: FieldAnswer, { raw, isEmbedded }: AnswerRules): FieldAnswer {
  const value = raw ? answer.value : mapTexts(answer.value, cleanText);
  let isSame = value === answer.value;
  for (const source of answer.citations) isSame &&= cleanSource(source, isEmbedded) === source;
  if (isSame) return answer;
  return { ...answer, value, citations: answer.citations.map((source) => cleanSource(source, isEmbedded)) };
}

function cleanSource(source: CitedSource, isEmbedded: boolean): CitedSource {
  const { url, title = null } = source;
  const line = title === null ? null : cleanLine(title, MAX_TITLE_LENGTH);
  if (url === null || isLink(url, isEmbedded)) return line === title ? source : { ...source, title: line };
  return { url: null, title: line, text: cleanLine(url, MAX_SOURCE_LENGTH) };
}

/** Maximum length of a source's title. */
export const MAX_TITLE_LENGTH = 500;
/** Maximum length of a source's URL or name. */
export const MAX_SOURCE_LENGTH = 4_000;

/** Fast path for nearly all links, because parsing millions of URLs is slow. */
const PLAIN_LINK = /^https?:\/\/[\w.-]+(?::\d{1,5})?(?:[/?#][\u0021-\u007e]*)?$/;

/** True for a short web URL in plain ASCII without credentials. */
export function isPlainLink(text: string): boolean {
  return text.length <= MAX_SOURCE_LENGTH && PLAIN_LINK.test(text);
}

/** A host of usual names, such as `www.acme-corp.example`, which every parser of URLs accepts. */
const COMMON_LINK =
  /^https?:\/\/(?:[a-z\d]+(?:-[a-z\d]+)*\.)+[a-z]{2,24}(?::\d{1,4})?(?:[/?#][\u0021-\u007e]*)?$/i;

/** True for most plain links: a valid URL, which need not be parsed to know that. */
export function isCommonLink(text: string): boolean {
  return text.length <= MAX_SOURCE_LENGTH && COMMON_LINK.test(text);
}

/** True for a web URL without credentials. File URLs are accepted only from the embedded agent. */
function isLink(text: string, isEmbedded: boolean): boolean {
  if (text.length > MAX_SOURCE_LENGTH) return false;
  if (isPlainLink(text)) return true;
  if (cleanText(text) !== text || !URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  if (protocol === 'file:') return isEmbedded;
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '';
}

/** Steps back one unit rather than cut a surrogate pair in half. */
function cutText(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}
