import {
  appendTo,
  applyEdits,
  type Edit,
  escapeAttribute,
  listElements,
  readAttributes,
  setAttributes,
  type XmlElement,
} from './xml-text.js';

/** How a cell shows its value, besides its font, fill and border. */
export type Look =
  | 'text'
  | 'wrapped'
  | 'link'
  | 'wrapped_link'
  | 'quoted'
  | 'number'
  | 'date'
  | 'date_time'
  | 'money'
  | 'whole_money'
  | 'cost';

const BUILT_IN: Readonly<Record<Exclude<Look, 'cost'>, number>> = {
  text: 0,
  wrapped: 0,
  link: 0,
  wrapped_link: 0,
  quoted: 0,
  number: 0,
  date: 14,
  date_time: 22,
  money: 4,
  whole_money: 3,
};

/** Costs are often below a cent. */
const COST_FORMAT = '0.00####';
const FIRST_OWN_FORMAT = 164;

/** Built-in formats of dates and times; some of them only in East Asian programs. */
const DATE_IDS = [
  [14, 22],
  [27, 36],
  [45, 47],
  [50, 58],
] as const;

/** A style of cells, as in the styles part. */
interface CellStyle {
  readonly tag: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly inner: string;
}

const DEFAULT_STYLE: CellStyle = { tag: '<xf/>', attributes: {}, inner: '' };

/** The styles part of a workbook, to which styles for new cells are added. */
export class WorkbookStyles {
  readonly #xml: string;
  readonly #prefix: string;
  readonly #tops: ReadonlyMap<string, XmlElement>;
  readonly #styles: readonly CellStyle[];
  readonly #fonts: readonly string[];
  /** Codes of the workbook's own number formats, by their id. */
  readonly #formats: ReadonlyMap<number, string>;
  readonly #added: string[] = [];
  readonly #addedFonts: string[] = [];
  readonly #linkFonts = new Map<number, number>();
  /** Derived styles by their look and the style that they are derived from. */
  readonly #known = new Map<string, Map<number, number>>();
  #costFormat: number | null = null;
  #dateFormat = BUILT_IN.date;

  constructor(xml: string) {
    this.#xml = xml;
    const [root] = listElements(xml, 0);
    this.#prefix = root?.tag.prefix ?? '';
    const tops = listElements(xml, 1);
    this.#tops = new Map(tops.map((element) => [element.tag.name, element]));
    const inner = listElements(xml, 2);
    const listIn = (name: string): XmlElement[] => {
      const top = this.#tops.get(name);
      return top === undefined ? [] : inner.filter(({ start, end }) => start > top.start && end < top.end);
    };
    this.#styles = listIn('cellXfs').map(({ tag, end, innerEnd }) => ({
      tag: tag.text,
      attributes: readAttributes(tag.text),
      inner: innerEnd === end ? '' : xml.slice(tag.end, innerEnd),
    }));
    this.#formats = new Map(
      listIn('numFmts').map(({ tag }) => {
        const { numFmtId, formatCode = '' } = readAttributes(tag.text);
        return [Number(numFmtId), formatCode];
      }),
    );
    this.#fonts = listIn('fonts').map(({ tag, end, innerEnd }) =>
      innerEnd === end ? '' : xml.slice(tag.end, innerEnd),
    );
  }

  /** True if the part has the lists that new styles go into. Otherwise it is left alone. */
  get #isOpen(): boolean {
    return ['cellXfs', 'fonts'].every((name) => this.#tops.get(name)?.tag.kind === 'open');
  }

  /** Font, fill and border of a style, as one text. */
  describe(style: number): string {
    const { fontId = '0', fillId = '0', borderId = '0' } = this.#styles[style]?.attributes ?? {};
    return `${fontId} ${fillId} ${borderId}`;
  }

  /** True for a style whose blank cells can be seen. */
  isVisible(style: number): boolean {
    const { fillId = '0', borderId = '0' } = this.#styles[style]?.attributes ?? {};
    return fillId !== '0' || borderId !== '0';
  }

  /** True for a style with underlined text, as links have it. */
  isUnderlined(style: number): boolean {
    const { fontId = '0' } = this.#styles[style]?.attributes ?? {};
    return /<(?:[\w.-]+:)?u[\s/>]/.test(this.#fonts[Number(fontId)] ?? '');
  }

  /** True if numbers of this style are shown as they are. */
  isGeneral(style: number): boolean {
    const { numFmtId = '0' } = this.#styles[style]?.attributes ?? {};
    return numFmtId === '0' || numFmtId === '49';
  }

  /** True if numbers of this style are shown as dates or times. */
  isDate(style: number): boolean {
    const id = Number(this.#styles[style]?.attributes.numFmtId ?? 0);
    if (id < FIRST_OWN_FORMAT) return DATE_IDS.some(([first, last]) => id >= first && id <= last);
    const code = this.#formats.get(id) ?? '';
    return /[ymdhs]/i.test(code.replace(/"[^"]*"|\\.|\[[^\]]*\]|_.|\*./g, ''));
  }

  /** Formats new dates like the first given style that is a date without a time; if none is, uses Excel's default. */
  useDatesOf(given: readonly number[]): void {
    const found = given.find((style) => this.isDate(style) && !this.#hasTime(style));
    this.#dateFormat = Number(this.#styles[found ?? -1]?.attributes.numFmtId ?? BUILT_IN.date);
  }

  #hasTime(style: number): boolean {
    const id = Number(this.#styles[style]?.attributes.numFmtId ?? 0);
    return id < FIRST_OWN_FORMAT ? id >= 18 : /[hs]/i.test(this.#formats.get(id) ?? '');
  }

  /**
   * Returns the style with the font, fill and border of another and a look of its own. With `isInPlace` it also has the
   * other's alignment, because it replaces it in a column of the input.
   */
  derive(base: number, look: Look, isInPlace = false): number {
    if (!this.#isOpen) return base;
    const key = isInPlace ? `${look} in place` : look;
    const styles = this.#known.get(key) ?? new Map<number, number>();
    this.#known.set(key, styles);
    const known = styles.get(base);
    if (known !== undefined) return known;
    const isSame = (look === 'text' || look === 'number') && this.#isPlain(base);
    const style = isSame
      ? base
      : this.#styles.length + this.#added.push(this.#format(base, look, isInPlace)) - 1;
    styles.set(base, style);
    return style;
  }

  /** True for a style without a number format and an alignment of its own. */
  #isPlain(style: number): boolean {
    const { attributes, inner } = this.#styles[style] ?? DEFAULT_STYLE;
    const { numFmtId = '0', quotePrefix, pivotButton } = attributes;
    return (
      numFmtId === '0' && quotePrefix === undefined && pivotButton === undefined && !/alignment/.test(inner)
    );
  }

  #format(base: number, look: Look, isInPlace: boolean): string {
    const { tag, attributes, inner } = this.#styles[base] ?? DEFAULT_STYLE;
    const p = this.#prefix;
    const isLink = look === 'link' || look === 'wrapped_link';
    const isWrapped = look === 'wrapped' || look === 'wrapped_link';
    const format = this.#findFormat(look);
    const font = Number(attributes.fontId ?? 0);
    const opened = setAttributes(tag.replace(/\s*\/?>$/, '>'), {
      numFmtId: String(format),
      fontId: String(isLink ? this.#findLinkFont(font) : font),
      applyNumberFormat: '1',
      ...(isLink ? { applyFont: '1' } : {}),
      quotePrefix: look === 'quoted' ? '1' : null,
      pivotButton: null,
      ...(isInPlace ? {} : { applyAlignment: '1' }),
    });
    const alignment = isInPlace ? null : this.#formatAlignment(inner, isWrapped);
    return `${opened}${alignment === null ? inner : alignment + dropAlignment(inner)}</${p}xf>`;
  }

  #formatAlignment(inner: string, isWrapped: boolean): string {
    const own = readAttributes(/<(?:[\w.-]+:)?alignment[^>]*>/.exec(inner)?.[0] ?? '');
    const vertical = own.vertical === undefined ? '' : ` vertical="${own.vertical}"`;
    return `<${this.#prefix}alignment${vertical}${isWrapped ? ' wrapText="1"' : ''}/>`;
  }

  #findFormat(look: Look): number {
    if (look === 'date') return this.#dateFormat;
    return look === 'cost' ? this.#findCostFormat() : BUILT_IN[look];
  }

  #findCostFormat(): number {
    this.#costFormat ??= Math.max(FIRST_OWN_FORMAT, ...[...this.#formats.keys()].map((id) => id + 1));
    return this.#costFormat;
  }

  /** The font of links, in the size and family of another. */
  #findLinkFont(base: number): number {
    const known = this.#linkFonts.get(base);
    if (known !== undefined) return known;
    const p = this.#prefix;
    const parts = listElements(`<font>${this.#fonts[base] ?? ''}</font>`, 1).map(({ tag }) => ({
      name: tag.name,
      text: tag.text,
    }));
    const kept = parts.filter(({ name }) => name !== 'u' && name !== 'color');
    const all = [
      ...kept,
      { name: 'u', text: `<${p}u/>` },
      { name: 'color', text: `<${p}color rgb="FF0563C1"/>` },
    ];
    all.sort((a, b) => FONT_ORDER.indexOf(a.name) - FONT_ORDER.indexOf(b.name));
    const font = this.#fonts.length + this.#addedFonts.length;
    this.#addedFonts.push(`<${p}font>${all.map(({ text }) => text).join('')}</${p}font>`);
    this.#linkFonts.set(base, font);
    return font;
  }

  /** The part with all styles that were derived. */
  format(): string {
    if (this.#added.length === 0) return this.#xml;
    const edits: Edit[] = [];
    const extend = (name: string, count: number, added: readonly string[]): void => {
      const element = this.#tops.get(name);
      if (element === undefined || added.length === 0) return;
      const { tag } = element;
      const text = setAttributes(tag.text, { count: String(count + added.length) });
      edits.push({ start: tag.start, end: tag.end, text });
      edits.push(appendTo(this.#xml, element, added.join('')));
    };
    if (this.#costFormat !== null) edits.push(...this.#addCostFormat(this.#costFormat));
    extend('fonts', this.#fonts.length, this.#addedFonts);
    extend('cellXfs', this.#styles.length, this.#added);
    return applyEdits(this.#xml, edits);
  }

  #addCostFormat(id: number): Edit[] {
    const p = this.#prefix;
    const format = `<${p}numFmt numFmtId="${id}" formatCode="${escapeAttribute(COST_FORMAT)}"/>`;
    const formats = this.#tops.get('numFmts');
    if (formats === undefined) {
      const start = this.#tops.get('fonts')?.start ?? 0;
      return [{ start, end: start, text: `<${p}numFmts count="1">${format}</${p}numFmts>` }];
    }
    const { tag } = formats;
    if (tag.kind === 'empty') return [appendTo(this.#xml, formats, format)];
    const count = String(this.#formats.size + 1);
    return [
      { start: tag.start, end: tag.end, text: setAttributes(tag.text, { count }) },
      appendTo(this.#xml, formats, format),
    ];
  }
}

/** Order of the elements of a font, as Excel expects it. */
const FONT_ORDER = [
  'b',
  'i',
  'strike',
  'condense',
  'extend',
  'outline',
  'shadow',
  'u',
  'vertAlign',
  'sz',
  'color',
  'name',
  'family',
  'charset',
  'scheme',
];

function dropAlignment(inner: string): string {
  return inner.replace(
    /<((?:[\w.-]+:)?)alignment(?:[^<>"']|"[^"]*"|'[^']*')*?(?:\/>|>[\s\S]*?<\/\1alignment>)/,
    '',
  );
}

/** The styles part of a workbook that has none. */
export const DEFAULT_STYLES =
  '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n' +
  '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">' +
  '<fonts count="1"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>' +
  '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>' +
  '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>' +
  '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>' +
  '<cellXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/></cellXfs>' +
  '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>' +
  '</styleSheet>';
