import type { CitedSource, FieldAnswer } from './answer.js';
import { isJsonObject, type JsonObject, type JsonValue } from './json.js';

/**
 * The one cleaner for text that comes from an agent or a reference table. Keys are masked as it arrives; what a cell must not
 * hold is taken out as it is written, so that `--raw` can have it; lengths are bounded in between.
 */

/** The longest text that is kept of one value, in UTF-16 code units: three times what a cell of Excel holds. */
export const MAX_VALUE_LENGTH = 100_000;

/** A text shorter than this is not taken for a key: to mask it would blot out innocent words. */
const MIN_KEY_LENGTH = 6;

/** Deeper than any value that is accepted, and far from where a recursion would fail. */
const MAX_DEPTH = 256;

/** So many characters of a key from its start, or up to its end, are as good as the key. */
const KEY_END_LENGTH = 12;

/**
 * Makes a function that takes keys out of a text, in capitals or small letters: whole, or 12 characters or more of their
 * start or end; as they are, percent-encoded, or split by white space, line breaks, escape sequences and invisible
 * characters.
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

/** Between two characters of a key; bounded, so that no text can keep the search busy. */
const GAP = String.raw`(?:\u001b\[[0-?]*[ -/]*[@-~]|[\s\p{Cc}\p{Cf}\p{DI}]|%(?:0[0-9a-fA-F]|1[0-9a-fA-F]|20)){0,64}`;

interface KeyPattern {
  /** Finds the start or the end of the key; nearly no text has either, so this is what has to be fast. */
  readonly ends: RegExp;
  /** Finds as much of the key as there is. */
  readonly whole: RegExp;
  /** A shorter text holds neither. */
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

/** A JSON value with every text in it changed, names of keys too; the same object if none was. What is nested deeper than any value may be is dropped. */
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
  for (const name of Object.keys(object)) {
    const inner = object[name] ?? null;
    const member = [change(name), mapTexts(inner, change, depth)] as const;
    if (member[0] === name && member[1] === inner) continue;
    changed ??= new Map();
    changed.set(name, member);
  }
  if (changed === null) return object;
  const members = changed;
  return Object.fromEntries(Object.entries(object).map((member) => members.get(member[0]) ?? member));
}

/** Colours, cursor moves, window titles and the like; whole, or their letters would stay behind. */
const SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what it looks for
  /\u001b(?:\[[0-?]{0,64}[ -/]{0,16}[@-~]|\][^\u0007\u001b\n]{0,2000}(?:\u0007|\u001b\\))/g;

/** Control characters that stand for white space. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const BREAKS = /[\u000b\u000c\u0085]/g;

/** What no cell has a use for. Joiners stay: emoji and many scripts need them. */
const UNFIT = /(?![\t\n\r])[\p{Cc}\p{Bidi_Control}\ufeff]/gu;

/** Halves of a character, which no encoding can write. */
const HALVES = /\p{Surrogate}/gu;

const SUSPICIOUS = /[^\t\n\r\u0020-\u007e\u00a0-\u061b\u061d-\u200d\u2010-\u2029\u202f-\u2065\u206a-\ud7ff]/;

/** Text fit for a cell: without control characters (tabs and line breaks stay), escape sequences and marks that turn text around. */
export function cleanText(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  return text.replace(SEQUENCES, '').replace(BREAKS, ' ').replace(UNFIT, '').replace(HALVES, '\ufffd');
}

/** What a line is changed for. */
const UNTIDY = /[^\u0020-\u007e]|^ | $| {2}/;

/** Text fit for one line of a message or a title, at most `maxLength` long. */
export function cleanLine(text: string, maxLength: number): string {
  if (text.length <= maxLength && !UNTIDY.test(text)) return text;
  const line = cleanText(text.slice(0, 4 * maxLength))
    .replace(/\s+/g, ' ')
    .trim();
  return line.length > maxLength ? `${cutText(line, maxLength)}…` : line;
}

/** An error's code: a word of a few letters, whatever the agent made of it; null if nothing is left. */
export function cleanCode(text: string): string | null {
  const code = cleanLine(text, 60).replace(/[^\w.:*…-]+/g, '_');
  return /^_*$/.test(code) ? null : code;
}

/** A value as it is kept: without NUL, which no database holds, and with no text beyond the bound. */
export function limitValue(value: JsonValue): JsonValue {
  return mapTexts(value, limitText);
}

function limitText(text: string): string {
  const whole = text.includes('\0') ? text.replaceAll('\0', '') : text;
  return whole.length > MAX_VALUE_LENGTH ? `${cutText(whole, MAX_VALUE_LENGTH)}…` : whole;
}

/** What an answer may be in an output. */
export interface AnswerRules {
  /** Leave values as they came. */
  readonly raw: boolean;
  /** The agent is the embedded one: only it is believed that a file of this machine bears a value out. */
  readonly isEmbedded: boolean;
}

/** An answer fit for any output: its values are clean, and of its sources only those are links that are safe to follow. */
export function cleanAnswer(answer: FieldAnswer, { raw, isEmbedded }: AnswerRules): FieldAnswer {
  const value = raw ? answer.value : mapTexts(answer.value, cleanText);
  const citations = answer.citations.map((source) => cleanSource(source, isEmbedded));
  const isSame = value === answer.value && citations.every((each, at) => each === answer.citations[at]);
  return isSame ? answer : { ...answer, value, citations };
}

function cleanSource(source: CitedSource, isEmbedded: boolean): CitedSource {
  const { url, title = null } = source;
  const line = title === null ? null : cleanLine(title, MAX_TITLE_LENGTH);
  if (url === null || isLink(url, isEmbedded)) return line === title ? source : { ...source, title: line };
  return { url: null, title: line, text: cleanLine(url, MAX_SOURCE_LENGTH) };
}

/** The longest title of a source. */
export const MAX_TITLE_LENGTH = 500;
/** The longest address or name of a source. */
export const MAX_SOURCE_LENGTH = 4_000;

/** Nearly all links; to parse each of millions would take long. */
const PLAIN_LINK = /^https?:\/\/[\w.-]+(?::\d{1,5})?(?:[/?#][\u0021-\u007e]*)?$/;

/** True for what looks like a web address without a user name, in plain characters and not too long. */
export function isPlainLink(text: string): boolean {
  return text.length <= MAX_SOURCE_LENGTH && PLAIN_LINK.test(text);
}

/** True for a web address without a user name; an address on this machine only from the embedded agent. */
function isLink(text: string, isEmbedded: boolean): boolean {
  if (text.length > MAX_SOURCE_LENGTH) return false;
  if (isPlainLink(text)) return true;
  if (cleanText(text) !== text || !URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  if (protocol === 'file:') return isEmbedded;
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '';
}

/** Half a surrogate pair is no text, so the cut steps back over one. */
function cutText(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}
