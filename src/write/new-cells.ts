import { isJsonObject, type JsonValue } from '../model/json.js';
import { type CellLayout, defuseFormula } from './cells.js';
import { type RawXml, toRaw } from './sheet-stream.js';
import { clipText, DATE_FORMAT, DATE_TIME_FORMAT, escapeText, type SheetCell } from './sheet-xml.js';
import type { Look, WorkbookStyles } from './workbook-styles.js';

/** How the numbers of each output column are shown, by its index. */
export function findNumberLooks(layout: CellLayout): ReadonlyMap<number, Look> {
  const looks = new Map<number, Look>([[layout.costAt, 'cost']]);
  for (const { values } of layout.fields) {
    for (const { at, schema } of values) {
      if (!MONEY.test(splitWords(layout.titles[at] ?? ''))) continue;
      looks.set(at, isWhole(schema) ? 'whole_money' : 'money');
    }
  }
  return looks;
}

const MONEY =
  /\b(?:usd|eur|gbp|chf|jpy|dollars?|euros?|price|revenue|turnover|sales|salary|cost|costs|budget|funding|valuation|arr|mrr|amount|profit|ebitda|spend)\b/;

function splitWords(title: string): string {
  return title
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .replace(/[^a-z]+/g, ' ');
}

function isWhole(schema: JsonValue | undefined): boolean {
  const types = isJsonObject(schema) ? [schema.type].flat() : [];
  return types.includes('integer') && !types.includes('number');
}

/** How a cell of a new column looks. */
export function findLook({ text, stored, isCitation }: SheetCell, numberLook: Look | undefined): Look {
  if (stored?.kind === 'number' && stored.format === DATE_FORMAT) return 'date';
  if (stored?.kind === 'number' && stored.format === DATE_TIME_FORMAT) return 'date_time';
  if (stored?.kind === 'number') return numberLook ?? 'number';
  if (stored !== null) return 'number';
  if (isCitation === true) return ADDRESS.test(text) ? 'wrapped_link' : 'wrapped';
  if (LINK.test(text)) return 'link';
  return defuseFormula(text) === text ? 'text' : 'quoted';
}

const ADDRESS = /^https?:\/\//;
const LINK = /^https?:\/\/\S+$/;

/** The style of a value in a cell that was blank: that of the cell, unless it would show the value wrong. */
export function findStyleInPlace(cell: SheetCell, style: number, look: Look, styles: WorkbookStyles): number {
  const derive = () => styles.derive(style, look, true);
  if (look === 'link' || look === 'wrapped_link' || look === 'quoted') return derive();
  if (cell.stored?.kind !== 'number') return style;
  const isMoment = look === 'date' || look === 'date_time';
  if (styles.isDate(style)) return isMoment ? style : derive();
  const isPlain = styles.isGeneral(style);
  return isMoment || (isPlain && (look === 'money' || look === 'whole_money')) ? derive() : style;
}

/** Writes a cell, as text or a value, never as a formula. `prefix` is that of the sheet's elements. */
export function formatNewCell(
  { text, stored }: Pick<SheetCell, 'text' | 'stored'>,
  place: string,
  style: number,
  prefix: string,
): RawXml {
  const p = prefix;
  const open = `<${p}c r="${place}"${style === 0 ? '' : ` s="${style}"`}`;
  if (text === '') return `${open}/>`;
  if (stored?.kind === 'number') return `${open}><${p}v>${stored.raw}</${p}v></${p}c>`;
  if (stored?.kind === 'boolean') return `${open} t="b"><${p}v>${stored.raw}</${p}v></${p}c>`;
  const inner = toRaw(escapeText(clipText(text)));
  return `${open} t="inlineStr"><${p}is><${p}t xml:space="preserve">${inner}</${p}t></${p}is></${p}c>`;
}
