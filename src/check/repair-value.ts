import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.js';
import { resolvePointer, unescapeToken } from '../model/pointer.js';
import type { SchemaIssue } from '../model/schema.js';

/** What became of a value: `notes` say what was repaired, `issues` what is still wrong. */
export interface RepairedValue {
  readonly value: JsonValue;
  readonly notes: readonly string[];
  readonly issues: readonly SchemaIssue[];
}

/** More than enough for drift; a value that needs more is not what was asked for. */
const MAX_REPAIRS = 100;

/**
 * Undoes harmless drift: another spelling of the value that was asked for, never another value. Each repair is tried
 * on the place that an issue names, and kept only if nothing is wrong there any more.
 */
export function repairValue(
  value: JsonValue,
  validate: (value: JsonValue) => readonly SchemaIssue[],
): RepairedValue {
  let current = value;
  let issues = validate(current);
  const notes: string[] = [];
  for (let round = 0; issues.length > 0 && round < MAX_REPAIRS; round += 1) {
    // Other spellings would take as long, and of a huge value only the first issue is known.
    if (issues.some((issue) => issue.keyword === 'timeout' || issue.keyword === 'size')) break;
    const repair = findRepair(current, issues, validate);
    if (repair === null) break;
    current = repair.value;
    issues = repair.issues;
    notes.push(repair.note);
  }
  return { value: current, notes, issues };
}

/** A value as a person may see it in a message: short, and without characters that a terminal obeys. */
export function formatExcerpt(value: JsonValue): string {
  const text = JSON.stringify(clipValue(value, { left: MAX_EXCERPT })).replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    ' ',
  );
  const characters = [...text];
  return characters.length <= MAX_EXCERPT ? text : `${characters.slice(0, MAX_EXCERPT).join('')}…`;
}

const MAX_EXCERPT = 40;

/** As much of a value as an excerpt can show: each part takes two characters at least. */
function clipValue(value: JsonValue, room: { left: number }): JsonValue {
  room.left -= 1;
  if (typeof value === 'string') return value.slice(0, MAX_EXCERPT * 2);
  if (typeof value !== 'object' || value === null) return value;
  if (isJsonObject(value)) return clipObject(value, room);
  const items: JsonValue[] = [];
  for (const item of value) {
    if (room.left < 0) break;
    items.push(clipValue(item, room));
  }
  return items;
}

function clipObject(object: JsonObject, room: { left: number }): JsonObject {
  const entries: [string, JsonValue][] = [];
  for (const key in object) {
    if (room.left < 0) break;
    entries.push([key.slice(0, MAX_EXCERPT * 2), clipValue(object[key] ?? null, room)]);
  }
  return Object.fromEntries(entries);
}

interface Repair {
  readonly value: JsonValue;
  readonly issues: readonly SchemaIssue[];
  readonly note: string;
}

function findRepair(
  value: JsonValue,
  issues: readonly SchemaIssue[],
  validate: (value: JsonValue) => readonly SchemaIssue[],
): Repair | null {
  for (const issue of issues) {
    const node = resolvePointer(value, issue.path);
    if (node === undefined) continue;
    for (const candidate of listCandidates(node, issue)) {
      const next = replaceAt(value, issue.path, candidate);
      const left = validate(next);
      if (left.some((other) => other.keyword === 'timeout')) return null;
      if (left.length > issues.length || left.some((other) => isAtOrBelow(other.path, issue.path))) continue;
      return {
        value: next,
        issues: left,
        note: `read ${formatExcerpt(node)} as ${formatExcerpt(candidate)}`,
      };
    }
  }
  return null;
}

function isAtOrBelow(path: string, parent: string): boolean {
  return path === parent || path.startsWith(`${parent}/`);
}

/** Other spellings of what is there, the most likely first. */
function listCandidates(node: JsonValue, issue: SchemaIssue): JsonValue[] {
  const candidates: JsonValue[] = [];
  if (typeof node === 'string') candidates.push(...listTextCandidates(node, issue.allowed ?? []));
  else if (typeof node === 'number') candidates.push(String(node));
  if (isJsonObject(node) && issue.property !== undefined) candidates.push(withoutKey(node, issue.property));
  if (Array.isArray(node) && node.length === 1) candidates.push(...node);
  // A lone value for a list, and a lone value that needs another repair too.
  const isLone = !Array.isArray(node) && node !== null;
  return isLone ? [...candidates, [node], ...candidates.map((candidate) => [candidate])] : candidates;
}

function listTextCandidates(text: string, allowed: readonly JsonValue[]): JsonValue[] {
  const trimmed = text.trim();
  const sameWord = allowed.filter((word) => typeof word === 'string' && fold(word) === fold(text));
  const found: (JsonValue | null)[] = [
    trimmed === text ? null : trimmed,
    sameWord.length === 1 ? (sameWord[0] ?? null) : null,
    parseNumber(trimmed),
    BOOLEANS.get(trimmed.toLowerCase()) ?? null,
    DATE_AND_TIME.exec(trimmed)?.[1] ?? null,
    readUrl(trimmed),
  ];
  return found.filter((candidate) => candidate !== null);
}

const DATE_AND_TIME = /^(\d{4}-\d\d-\d\d)[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s?(?:Z|UTC|GMT|[+-]\d\d:?\d\d)?$/i;

const BOOLEANS = new Map([
  ['yes', true],
  ['true', true],
  ['no', false],
  ['false', false],
]);

function fold(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, ' ');
}

/** A number in digits, with or without separators between each three; null for anything that a number could lose by. */
function parseNumber(text: string): number | null {
  const isGrouped = /^[+-]?\d{1,3}(?:([,'’\u00a0\u202f ])\d{3})(?:\1\d{3})*(?:\.\d+)?$/.test(text);
  if (!isGrouped && !/^[+-]?\d+(?:\.\d+)?(?:e[+-]?\d{1,3})?$/i.test(text)) return null;
  const number = Number(text.replace(/[,'’\u00a0\u202f ]/g, ''));
  const isExact = Number.isFinite(number) && Math.abs(number) <= Number.MAX_SAFE_INTEGER;
  return isExact ? number : null;
}

/** A URL that lacks its scheme, or holds letters that a URL has to escape. */
function readUrl(text: string): string | null {
  if (/\s/.test(text)) return null;
  // A last part without a letter makes it a number or an address of the network, and no name of a site.
  const isBare =
    /^(?:\/\/)?[\p{L}\d-]+(?:\.[\p{L}\d-]+)*\.(?=[\d-]*\p{L})[\p{L}\d-]+(?::\d+)?(?:[/?#].*)?$/u.test(text);
  const full = isBare ? `https://${text.replace(/^\/\//, '')}` : text;
  if (!/^https?:\/\//i.test(full) || !URL.canParse(full)) return null;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: anything beyond ASCII is what is looked for
  const isPlain = /^[\u0000-\u007f]*$/.test(full);
  return isPlain && isBare ? full : new URL(full).href;
}

function withoutKey(object: JsonObject, key: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}

function replaceAt(value: JsonValue, path: string, replacement: JsonValue): JsonValue {
  if (path === '') return replacement;
  const end = path.indexOf('/', 1);
  const key = unescapeToken(path.slice(1, end < 0 ? undefined : end));
  const rest = end < 0 ? '' : path.slice(end);
  if (Array.isArray(value)) {
    return value.map((item, index) => (String(index) === key ? replaceAt(item, rest, replacement) : item));
  }
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      name === key ? replaceAt(inner, rest, replacement) : inner,
    ]),
  );
}
