import type { CitedSource, FieldAnswer, FilledRow } from '../model/answer.js';
import { DEFAULT_BLANKS } from '../model/blank.js';
import { formatMicros } from '../model/format.js';
import { getOwn, isJsonObject, type JsonValue } from '../model/json.js';
import type { SavedForm } from '../model/likeness.js';
import { createFieldColumns, type FieldColumns, OUTCOME_COLUMNS } from '../model/output-columns.js';
import type { Row } from '../model/row.js';
import { isSameValue, mayStay, readTypedCell } from '../model/same-value.js';
import { formatAsSaved } from '../model/saved-text.js';
import { type CheckedCitation, formatVerdict } from '../model/verdict.js';
import type { OutputOptions } from './output.js';

/** Layout of the output table: the header, and the cells of each row. */
export interface CellLayout {
  readonly titles: readonly string[];
  /** Number of columns that come from the input. */
  readonly inputWidth: number;
  /** The columns of the fields. */
  readonly fields: readonly FieldPlace[];
  /** Index of the cost column; -1 without one. */
  readonly costAt: number;
  /** Index of the column with the day of the newest answer; -1 without one. */
  readonly dateAt: number;
  fill(row: FilledRow): string[];
}

/**
 * Creates the layout: input columns first, then each field with its confidence and citations, then the
 * outcome.
 */
export function createCellLayout(options: OutputOptions): CellLayout {
  const { columns, shape } = options;
  const inputTitles = shape.titles.length > 0 ? shape.titles : columns;
  const titles = [...inputTitles];
  const indexes = new Map<string, number>();
  columns.forEach((column, index) => {
    if (!indexes.has(column)) indexes.set(column, index);
  });
  const place = (title: string): number => {
    const index = indexes.get(title) ?? titles.push(title) - 1;
    indexes.set(title, index);
    return index;
  };
  const places = createFieldColumns(options.fields, options.schema ?? {}).map((field) =>
    placeField(field, place, options),
  );
  const outcomeAt = options.plain === true ? [] : OUTCOME_COLUMNS.map(place);
  const { blanks = DEFAULT_BLANKS } = options;
  const context: FillContext = {
    overwrite: options.overwrite,
    inputWidth: inputTitles.length,
    // Column names are unique; titles may repeat.
    isBlank: (at, text) => blanks.isUnfilled(columns[at] ?? titles[at] ?? '', text),
    isSavedAs: (at, form) => options.isSavedAs?.(columns[at] ?? '', form) === true,
    findSavedDate: (at) => options.findSavedDate?.(columns[at] ?? '') ?? null,
    write: createWriter(options.raw),
  };
  const formatDay = createDayFormatter();
  return {
    titles,
    inputWidth: inputTitles.length,
    fields: places,
    costAt: outcomeAt[OUTCOME_COLUMNS.indexOf('enrichment_cost_usd')] ?? -1,
    dateAt: outcomeAt[OUTCOME_COLUMNS.indexOf('enrichment_date')] ?? -1,
    fill: (filled) => {
      const { row } = filled;
      const out = new Array<string>(titles.length).fill('');
      copyInputCells(row, columns, out, context.inputWidth);
      const { status, error, foundAtMs, costMicros, runId, returned, kept, verdicts } = filled.outcome;
      for (const field of places) {
        const reason = kept?.get(field.name);
        if (reason !== undefined) {
          if (reason !== 'own') replaceVouchers(out, field, reason === 'human' ? 'human' : '');
          continue;
        }
        const answer = filled.outcome.fields.get(field.name);
        const verdict = verdicts?.get(field.name);
        if (returned?.includes(field.name) === true) renewField(out, field, answer, verdict, row, context);
        else fillField(out, field, answer, verdict, row, context);
      }
      const outcome = [
        status,
        context.write(error),
        formatDay(foundAtMs),
        formatMicros(costMicros),
        context.write(runId),
      ];
      let index = 0;
      for (const at of outcomeAt) {
        out[at] = outcome[index] ?? '';
        index += 1;
      }
      const hasSurplus = row.kind === 'cells' && row.cells.length > context.inputWidth;
      return hasSurplus ? out.concat(row.cells.slice(context.inputWidth)) : out;
    },
  };
}

/** Position of a column with values. */
interface ValuePlace {
  readonly at: number;
  /** Keys from the field's value to the column's value. */
  readonly path: readonly string[];
  /** The schema of the column's values. */
  readonly schema?: JsonValue | undefined;
}

/** Positions of a field's columns; -1 for a column that is not written. */
interface FieldPlace {
  readonly name: string;
  readonly values: readonly ValuePlace[];
  readonly confidenceAt: number;
  readonly citationsAt: number;
  readonly verdictAt: number;
  readonly passageUrlAt: number;
}

function placeField(
  field: FieldColumns,
  place: (title: string) => number,
  {
    plain = false,
    sources = 'columns',
    verdicts = false,
  }: Pick<OutputOptions, 'plain' | 'sources' | 'verdicts'>,
): FieldPlace {
  const hasVerdicts = verdicts && !plain;
  return {
    name: field.name,
    values: field.values.map(({ title, path, schema }) => ({ at: place(title), path, schema })),
    confidenceAt: plain ? -1 : place(field.confidence),
    citationsAt: plain || sources !== 'columns' ? -1 : place(field.citations),
    verdictAt: hasVerdicts ? place(field.verdict) : -1,
    passageUrlAt: hasVerdicts ? place(field.passageUrl) : -1,
  };
}

/** Copies the input's cells up to the header's width; extra cells go to the end of the row. */
function copyInputCells(row: Row, columns: readonly string[], out: string[], width: number): void {
  if (row.kind === 'cells') {
    const count = Math.min(width, row.cells.length);
    for (let index = 0; index < count; index += 1) out[index] = row.cells[index] ?? '';
    return;
  }
  const object = row.kind === 'object' ? row.object : {};
  columns.forEach((column, index) => {
    if (Object.hasOwn(object, column)) out[index] = formatInput(object[column]);
  });
}

interface FillContext {
  readonly overwrite: boolean;
  readonly inputWidth: number;
  /** True for an input cell that may be filled. */
  isBlank(at: number, text: string | undefined): boolean;
  /** True if a program saved the column in this form. */
  isSavedAs(at: number, form: SavedForm): boolean;
  findSavedDate(at: number): string | null;
  write(value: JsonValue | undefined): string;
}

function fillField(
  out: string[],
  place: FieldPlace,
  answer: FieldAnswer | undefined,
  verdict: CheckedCitation | undefined,
  row: Row,
  context: FillContext,
): void {
  if (answer === undefined) return;
  let isOpen = false;
  let isKept = false;
  let isReplaced = false;
  for (const { at, path } of place.values) {
    const isOwn = row.kind === 'cells' && row.uncomputed?.includes(at) === true && !context.overwrite;
    if (isOwn || !isFillable(out, at, context)) continue;
    isOpen = true;
    const text = context.write(getPath(answer.value, path));
    if (text !== '') {
      isReplaced ||= !context.isBlank(at, out[at]);
      out[at] = text;
    } else if (!context.isBlank(at, out[at])) isKept = true;
  }
  // A null keeps the input's value, and then the agent's sources do not apply.
  if (!isOpen || (isKept && answer.value === null)) return;
  fillVoucher(out, place.confidenceAt, formatConfidence(answer), isReplaced, context);
  fillVoucher(out, place.citationsAt, formatSources(answer.citations), isReplaced, context);
  if (place.verdictAt < 0) return;
  fillVoucher(out, place.verdictAt, verdict === undefined ? '' : formatVerdict(verdict), isReplaced, context);
  fillVoucher(out, place.passageUrlAt, verdict?.passageUrl ?? '', isReplaced, context);
}

/** Confidence, citations and verdict of a replaced value do not apply to the new one. */
function fillVoucher(
  out: string[],
  at: number,
  voucher: string,
  isReplaced: boolean,
  context: FillContext,
): void {
  if (at < 0) return;
  const text = context.write(voucher);
  if ((text !== '' || isReplaced) && isFillable(out, at, context)) out[at] = text;
}

/** Writes a field of a file that was returned. A cell that still means its whole value stays as it is. */
function renewField(
  out: string[],
  place: FieldPlace,
  answer: FieldAnswer | undefined,
  verdict: CheckedCitation | undefined,
  row: Row,
  context: FillContext,
): void {
  let isKept = false;
  for (const { at, path, schema } of place.values) {
    const value = getPath(answer?.value ?? null, path);
    // A placeholder stays where nothing was found, as in the first output.
    if ((value ?? null) === null && out[at] !== '' && context.isBlank(at, out[at])) {
      isKept = true;
      continue;
    }
    const raw = row.kind === 'cells' ? row.stored?.[at] : null;
    const number = raw?.kind === 'number' ? raw.raw : undefined;
    const isSavedAs = (form: SavedForm): boolean => context.isSavedAs(at, form);
    const isTyped =
      answer?.who === 'human' && isSameValue(readTypedCell(out[at] ?? '', schema, isSavedAs), value ?? null);
    if (!isTyped && !mayStay(out[at], value, schema, isSavedAs, number))
      out[at] = formatAsSaved(value, context.findSavedDate(at), isSavedAs) ?? context.write(value);
  }
  if (isKept && (answer?.value ?? null) === null) {
    replaceVouchers(out, place, '');
    return;
  }
  if (place.confidenceAt >= 0) out[place.confidenceAt] = formatConfidence(answer);
  if (place.citationsAt >= 0) out[place.citationsAt] = context.write(formatSources(answer?.citations ?? []));
  if (place.verdictAt < 0) return;
  out[place.verdictAt] = verdict === undefined ? '' : formatVerdict(verdict);
  out[place.passageUrlAt] = context.write(verdict?.passageUrl ?? '');
}

/** Confidence, citations and verdict of an answer do not apply to what a person made of its cell. */
function replaceVouchers(out: string[], place: FieldPlace, confidence: string): void {
  if (place.confidenceAt >= 0) out[place.confidenceAt] = confidence;
  for (const at of [place.citationsAt, place.verdictAt, place.passageUrlAt]) if (at >= 0) out[at] = '';
}

function formatConfidence(answer: FieldAnswer | undefined): string {
  return answer?.who === 'human' ? 'human' : (answer?.confidence ?? '');
}

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Formats the UTC day of a time. Most rows have the same one. */
function createDayFormatter(): (ms: number | null) => string {
  let known = { day: Number.NaN, text: '' };
  return (ms) => {
    if (ms === null) return '';
    const day = Math.floor(ms / DAY_MS);
    if (day !== known.day) known = { day, text: new Date(ms).toISOString().slice(0, 10) };
    return known.text;
  };
}

/** Our own columns may always be written; an input column only if blank or with `overwrite`. */
function isFillable(out: readonly string[], at: number, context: FillContext): boolean {
  return at >= context.inputWidth || context.overwrite || context.isBlank(at, out[at]);
}

/** Returns the part of a value at a path of keys. */
export function getPath(value: JsonValue, path: readonly string[]): JsonValue | undefined {
  let inner: JsonValue | undefined = value;
  for (const key of path) inner = isJsonObject(inner) ? getOwn(inner, key) : undefined;
  return inner;
}

function createWriter(isRaw: boolean): (value: JsonValue | undefined) => string {
  return (value) => {
    if (typeof value !== 'string') return formatInput(value);
    return isRaw ? value : defuseFormula(value);
  };
}

/** Formats a value as cell text. */
export function formatInput(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function formatSources(sources: readonly CitedSource[]): string {
  const [only] = sources;
  if (only === undefined) return '';
  return sources.length === 1 ? formatSource(only) : [...new Set(sources.map(formatSource))].join(' ');
}

/** Returns a link unchanged, and other sources in a form that programs do not turn into a link. */
function formatSource({ url, text = '' }: CitedSource): string {
  const source = url ?? text.replace(':', '[:]');
  return /\s/.test(source) ? source.trim().replace(/\s/g, (space) => encodeURIComponent(space)) : source;
}

// Spreadsheets skip white space, control characters and invisible marks before the sign.
const STARTS_FORMULA = /^[\s\p{Cc}\p{Cf}\p{DI}]*[=+\-@＝＋－＠﹢﹣﹦﹫]|^[\t\r\n]/u;
const IS_NUMBER =
  /^[+-]?(?:[$€£¥]\s?)?(?:\d[\d.,'’\u00a0\u202f ]*|[.,]\d+)(?:e[+-]?\d+)?\s?(?:%|‰|[$€£¥])?$/i;
const IS_PHONE = /^\+(?=(?:\D*\d){5})[\d\s().\-/]+(?:\s*(?:ext\.?|x|#)\s*\d{1,6})?$/i;
const IS_DASHES = /^[+-]+$/;
const MAX_PHONE_LENGTH = 40;

/**
 * Adds an apostrophe before text that a spreadsheet would run as a formula. Numbers, phone numbers and dashes
 * are unchanged.
 */
export function defuseFormula(text: string): string {
  if (!STARTS_FORMULA.test(text)) return text;
  const isPhone = text.length <= MAX_PHONE_LENGTH && IS_PHONE.test(text);
  return isPhone || IS_NUMBER.test(text) || IS_DASHES.test(text) ? text : `'${text}`;
}
