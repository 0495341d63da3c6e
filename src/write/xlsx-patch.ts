import { createUsageError, describeError, RowfillError } from '../errors.js';
import type { FieldAnswer, FilledRow } from '../model/answer.js';
import { hasHeader } from '../model/file-format.js';
import { formatColumn, parseRange, type WorkbookFile } from '../model/workbook-file.js';
import { ArrayRanges } from './array-ranges.js';
import type { ByteSink } from './byte-sink.js';
import { type CellLayout, createCellLayout } from './cells.js';
import { LostCells } from './lost-cells.js';
import { MergedCells } from './merged-cells.js';
import { findLook, findNumberLooks, findStyleInPlace, formatNewCell } from './new-cells.js';
import type { Output, OutputOptions } from './output.js';
import { OwnLinks } from './own-links.js';
import { RowFeed } from './row-feed.js';
import { SharedFormulas } from './shared-formulas.js';
import { patchHead, patchTail } from './sheet-edges.js';
import { SheetLinks } from './sheet-links.js';
import { hasFormula, listCells, type OldCell, patchRow } from './sheet-rows.js';
import type { RawRow, RawXml } from './sheet-stream.js';
import { computeWidths, createAnswerCells, MAX_CELL_LENGTH, type SheetCell } from './sheet-xml.js';
import { SourcesSheet } from './sources-sheet.js';
import { type SheetSurvey, surveySheet } from './survey-sheet.js';
import { type BegunPackage, formatPageLink, openPackage, type WorkbookPackage } from './workbook-package.js';
import type { Look, WorkbookStyles } from './workbook-styles.js';
import { describeClipped } from './xlsx-writer.js';
import { openZipSink, type ZipPart } from './zip-sink.js';

/**
 * Writes a workbook again with its blank cells filled and new columns behind its table. Every other part, and every
 * other byte of the sheet, stays as it is.
 */
export function openPatchedXlsx(options: OutputOptions, file: WorkbookFile, sink: ByteSink): Output {
  const zip = openZipSink(sink);
  const job = new PatchJob(options, file);
  let part: ZipPart | null = null;
  // Write nothing until the first row or the end.
  const open = async (first: readonly FilledRow[]): Promise<ZipPart> => {
    const { sheetName, head } = await job.begin(zip, first);
    part = zip.openPart(sheetName);
    await part.write(Buffer.from(head, 'latin1'));
    return part;
  };
  const attempt = async (step: () => Promise<void>): Promise<void> => {
    try {
      await step();
    } catch (error) {
      throw explainPatchError(file.name, error);
    }
  };
  return {
    needsBom: false,
    write: async (rows) => {
      if (rows.length === 0) return;
      await attempt(async () => {
        const sheet = part ?? (await open(rows));
        await sheet.write(Buffer.from(await job.patchRows(rows), 'latin1'));
      });
    },
    commit: async () => {
      await attempt(async () => {
        const sheet = part ?? (await open([]));
        for await (const xml of job.readRest()) await sheet.write(Buffer.from(xml, 'latin1'));
        await sheet.close();
        await job.finish();
        await zip.close();
      });
      const digest = await sink.commit();
      for (const note of job.listNotes()) options.onNote?.(note);
      return digest;
    },
    abort: async () => {
      await job.close();
      await part?.abort();
      await sink.abort();
    },
  };
}

/** Errors of our own program stay as they are: they are defects. */
function explainPatchError(name: string, error: unknown): unknown {
  const isDefect = error instanceof TypeError || error instanceof RangeError;
  if (error instanceof RowfillError || isDefect) return error;
  return createUsageError(
    'OUTPUT_NOT_PATCHED',
    `${name} cannot be written back whole: ${describeError(error)}`,
    'Use --plain for a workbook with this sheet only, or an --output name that ends in .csv. Answers are in the ledger and are not paid for again.',
    error,
  );
}

/** Where the columns of the output are in the sheet. */
interface Placement {
  /** Row number of the header; null without one. */
  readonly headerLine: number | null;
  /** Index of the first new column. */
  readonly start: number;
  /** Column whose cells give new ones their font, fill and border. */
  readonly base: number;
}

class PatchJob {
  readonly #options: OutputOptions;
  readonly #file: WorkbookFile;
  readonly #layout: CellLayout;
  readonly #looks: ReadonlyMap<number, Look>;
  readonly #readCell: ReturnType<typeof createAnswerCells>;
  readonly #feed: RowFeed;
  readonly #droppedLinks = new Set<string>();
  readonly #clippedLines: number[] = [];
  #package: WorkbookPackage | null = null;
  #begun: BegunPackage | null = null;
  #survey: SheetSurvey | null = null;
  #place: Placement = { headerLine: null, start: 0, base: -1 };
  #merged = new MergedCells([], []);
  #links = new SheetLinks();
  /** Null unless a filled file was given back. */
  #ownLinks: OwnLinks | null = null;
  readonly #lost = new LostCells();
  #sources: SourcesSheet | null = null;
  readonly #formulas = new SharedFormulas();
  readonly #arrays = new ArrayRanges();
  #keptFormulas = 0;

  constructor(options: OutputOptions, file: WorkbookFile) {
    this.#options = options;
    this.#file = file;
    // Text cells never run as formulas, so no apostrophe is needed.
    this.#layout = createCellLayout({ ...options, raw: true });
    this.#looks = findNumberLooks(this.#layout);
    this.#readCell = createAnswerCells(this.#layout, options.shape.sheet?.date1904);
    this.#feed = new RowFeed(file.openPart(file.sheetPath));
  }

  get #titles(): readonly string[] {
    return this.#layout.titles.slice(this.#layout.inputWidth);
  }

  get #styles(): WorkbookStyles {
    if (this.#package === null) throw new Error('the workbook is not open');
    return this.#package.styles;
  }

  /** Writes the parts before the sheet. Resolves to the start of the sheet, up to its first row. */
  async begin(
    zip: ReturnType<typeof openZipSink>,
    first: readonly FilledRow[],
  ): Promise<{ readonly sheetName: string; readonly head: RawXml }> {
    const { shape, path } = this.#options;
    const { inputWidth } = this.#layout;
    const opened = await openPackage(this.#file);
    this.#package = opened;
    const headerLine = hasHeader(shape) ? (shape.sheet?.firstLine ?? 1) : null;
    this.#ownLinks =
      this.#options.isReturned === true ? new OwnLinks(this.#layout, this.#options.columns) : null;
    const survey = await surveySheet(
      this.#file.openPart(this.#file.sheetPath),
      headerLine ?? shape.sheet?.firstLine ?? 1,
      this.#listOpenColumns(),
      this.#ownLinks?.columns ?? new Set(),
    );
    this.#survey = survey;
    this.#merged = new MergedCells(survey.merged, this.#listValueColumns());
    opened.styles.useDatesOf([...survey.styles.values()]);
    const { tablePath = null, tablesEnd = -1 } = shape.sheet?.list ?? {};
    const start = Math.max(inputWidth, survey.lastColumn + 1, tablesEnd + 1);
    this.#place = { headerLine, start, base: chooseBase(survey.styles, opened.styles, inputWidth) };
    this.#links = new SheetLinks(survey.linkCount, opened.idPrefix);
    if (this.#options.sources === 'sheet')
      this.#sources = new SourcesSheet(shape.sheet?.name ?? '', opened.styles.derive(0, 'link'));
    const titles = this.#titles;
    const last = start + titles.length - 1;
    if (last >= MAX_COLUMNS) throw refuseColumns(last + 1);
    const widening =
      headerLine === null || titles.length === 0 ? null : { headerLine, width: inputWidth, start, last };
    const isMultiple = [...this.#file.parts.keys()].filter((part) => SHEET_PART.test(part)).length > 1;
    this.#begun = await opened.begin(zip, {
      widening,
      tablePath,
      titles: headerLine === null ? [] : titles,
      recalculates: survey.hasFormulas || isMultiple,
      replacesFormulas: survey.formulaColumns.size > 0,
      withMacros: findMacroWish(path),
      sources: this.#options.sources ?? 'columns',
      isReturned: this.#options.isReturned === true,
      drawingId: survey.drawingId,
    });
    this.#watchCells(headerLine ?? 0);
    const { head, prefix } = await this.#feed.readHead();
    const texts = first.map((filled) => this.#layout.fill(filled).map((text) => ({ text })));
    const widths = computeWidths(this.#layout.titles, texts).slice(inputWidth);
    const columns = widths.map((width, index) => ({
      width,
      isGrouped: (titles[index] ?? '').startsWith('enrichment_'),
    }));
    return {
      sheetName: this.#begun.sheetName,
      head: patchHead(head, prefix, { start, last }, columns),
    };
  }

  /** Notes the cells that may have the link or comment of a row that is gone. */
  #watchCells(headerLine: number): void {
    for (const [line, columns] of this.#survey?.linked ?? [])
      for (const column of columns) this.#lost.add(line, column);
    const columns = this.#listValueColumns();
    for (const place of this.#begun?.comments?.listOwn() ?? []) {
      const range = parseRange(place);
      if (range !== null && range.firstLine > headerLine && columns.includes(range.firstColumn))
        this.#lost.add(range.firstLine, range.firstColumn);
    }
  }

  /** Columns of the input that may be filled. */
  #listOpenColumns(): number[] {
    const { fields, costAt, inputWidth } = this.#layout;
    const places = fields.flatMap(({ values, confidenceAt, citationsAt }) => [
      ...values.map(({ at }) => at),
      confidenceAt,
      citationsAt,
    ]);
    return [...places, costAt].filter((at) => at >= 0 && at < inputWidth);
  }

  /** Columns of the input for values. */
  #listValueColumns(): number[] {
    const { fields, inputWidth } = this.#layout;
    return fields.flatMap(({ values }) => values.map(({ at }) => at)).filter((at) => at < inputWidth);
  }

  /** The XML up to the last of these rows, with their cells. */
  async patchRows(rows: readonly FilledRow[]): Promise<RawXml> {
    let xml = '';
    for (const filled of rows) {
      const { line } = filled.row;
      for (;;) {
        const raw = this.#feed.takeNow() ?? (await this.#feed.take());
        if (raw === null) throw new Error(`row ${line} of the sheet is missing`);
        if (raw.line === line) {
          xml += this.#patchRow(raw.xml, filled);
          break;
        }
        xml += this.#passRow(raw);
      }
    }
    await this.#sources?.flush();
    return xml;
  }

  /** The XML after the last row that was filled. */
  async *readRest(): AsyncGenerator<RawXml> {
    for (let raw = await this.#feed.take(); raw !== null; raw = await this.#feed.take())
      yield this.#passRow(raw);
    const { headerLine, start } = this.#place;
    for (const place of this.#lost.list()) {
      this.#droppedLinks.add(place);
      this.#begun?.comments?.drop(place);
    }
    const last = start + this.#titles.length - 1;
    yield patchTail(this.#feed.tail, this.#feed.prefix, {
      widening: headerLine === null ? null : { headerLine, width: this.#layout.inputWidth, start, last },
      links: this.#links.formatLinks(this.#feed.prefix),
      isLinkDropped: (place) => this.#droppedLinks.has(place) || this.#links.has(place),
      parted: new Set(this.#merged.listParted()),
      drawingId: this.#begun?.newDrawingId ?? null,
      linkSpace: this.#package?.spaces.links ?? '',
    });
  }

  async finish(): Promise<void> {
    await this.#begun?.finish(this.#links.listAddresses().map(formatPageLink), this.#sources);
    await this.#sources?.close();
  }

  async close(): Promise<void> {
    await this.#sources?.close();
    await this.#feed.close();
  }

  /** Warnings about the written file. */
  listNotes(): { readonly code: string; readonly message: string }[] {
    const notes = this.#clippedLines.length > 0 ? [describeClipped(this.#clippedLines)] : [];
    if (this.#keptFormulas > 0) {
      const cells = this.#keptFormulas === 1 ? '1 answer was' : `${this.#keptFormulas} answers were`;
      const message = `${cells} not written, because the cell is part of an array formula.`;
      notes.push({ code: 'FORMULA_KEPT', message });
    }
    const parted = this.#merged.listParted();
    if (parted.length > 0) {
      const ranges = parted.length === 1 ? '1 merged range was' : `${parted.length} merged ranges were`;
      const list = `${parted.slice(0, MAX_LISTED).join(', ')}${parted.length > MAX_LISTED ? ', …' : ''}`;
      const message = `${ranges} split, because the cells got different values (${list}).`;
      notes.push({ code: 'CELLS_UNMERGED', message });
    }
    const omitted = (this.#begun?.comments?.omitted ?? 0) + (this.#sources?.omitted ?? 0);
    if (omitted > 0) {
      const message = `The sources of ${omitted} values did not fit. To keep all of them, use --citations-file.`;
      notes.push({ code: 'SOURCES_OMITTED', message });
    }
    if (this.#begun?.hasLostMacros === true) {
      const message =
        'Macros are not copied to an .xlsx file; use an --output name that ends in .xlsm to keep them.';
      notes.push({ code: 'MACROS_LEFT_OUT', message });
    }
    if (this.#begun?.hasLostSignatures === true) {
      const message = 'The digital signature was removed, because the workbook has changed.';
      notes.push({ code: 'SIGNATURE_REMOVED', message });
    }
    return notes;
  }

  /** A row that gets no answers. */
  #passRow({ line, xml }: RawRow): RawXml {
    const { headerLine, start } = this.#place;
    const { inputWidth } = this.#layout;
    const { prefix } = this.#feed;
    if (line === null) return xml;
    if (this.#survey?.hasFormulas === true) this.#arrays.addRow(xml, line);
    this.#lost.pass(line, xml, prefix);
    if (line !== headerLine) return this.#formulas.restore(xml, line, prefix);
    const style = listCells(xml, prefix).findLast(({ column }) => column < inputWidth)?.style ?? 0;
    this.#sources?.setHeaderStyle(style);
    const changes = this.#titles.map((text, index) => ({ column: start + index, text }));
    return patchRow(xml, line, prefix, changes, ({ text }, place) =>
      formatNewCell({ text, stored: null }, place, style, prefix),
    );
  }

  #patchRow(xml: RawXml, filled: FilledRow): RawXml {
    const { row } = filled;
    const { inputWidth, titles } = this.#layout;
    const { prefix } = this.#feed;
    const texts = this.#layout.fill(filled);
    const own = row.kind === 'cells' ? row.cells : [];
    const stored = row.kind === 'cells' ? row.stored : undefined;
    const changes: { readonly column: number; readonly at: number; readonly text: string }[] = [];
    let isClipped = false;
    // The totals of a table have a label or a sum for each column.
    const isTotals = row.skip === 'a totals row' && this.#begun?.hasWiderTable === true;
    for (let at = 0; at < (isTotals ? inputWidth : titles.length); at += 1) {
      const text = texts[at] ?? '';
      const isNew = at >= inputWidth;
      if (!isNew && text === (own[at] ?? '')) continue;
      changes.push({ column: isNew ? this.#place.start + at - inputWidth : at, at, text });
      isClipped ||= text.length > MAX_CELL_LENGTH;
      const isLinked =
        stored?.[at]?.link !== undefined || this.#survey?.linked.get(row.line)?.has(at) === true;
      if (isLinked && !isNew) this.#droppedLinks.add(`${formatColumn(at)}${row.line}`);
    }
    this.#merged.addRow(row.line, texts, (at) => texts[at] !== (own[at] ?? ''));
    if (isClipped) this.#clippedLines.push(row.line);
    if (this.#survey?.hasFormulas === true) this.#arrays.addRow(xml, row.line);
    const base = this.#findBaseStyle(xml, row.line);
    const patched = patchRow(xml, row.line, prefix, changes, ({ at, text }, place, old) => {
      const cell = this.#readCell(filled, at, text);
      return at < inputWidth
        ? this.#fillCell(cell, at, row.line, old)
        : this.#addCell(cell, at, place, base, old !== null);
    });
    this.#mendLinks(filled, texts, own);
    this.#noteSources(filled, texts, own);
    return this.#formulas.restore(patched, row.line, prefix);
  }

  /** Links the cells that stay as the answers of their row say. */
  #mendLinks(filled: FilledRow, texts: readonly string[], own: readonly string[]): void {
    const { line } = filled.row;
    this.#lost.meet(line);
    for (const { at, text } of this.#ownLinks?.listWrong(filled, texts, this.#survey?.linked.get(line)) ??
      []) {
      if (texts[at] !== (own[at] ?? '')) continue;
      const place = formatColumn(at) + line;
      this.#droppedLinks.add(place);
      if (text !== null) this.#links.add(place, text);
    }
  }

  #fillCell(cell: SheetCell, at: number, line: number, old: OldCell | null): RawXml | null {
    const isFormula = old !== null && hasFormula(old.xml);
    if (this.#arrays.has(at, line) || (isFormula && this.#survey?.formulaColumns.has(at) !== true)) {
      this.#keptFormulas += 1;
      return null;
    }
    if (isFormula) this.#formulas.drop(old.xml, at, line);
    const place = formatColumn(at) + line;
    const look = findLook(cell, this.#looks.get(at));
    const given = old?.style ?? this.#survey?.styles.get(at) ?? 0;
    this.#addLink(cell, look, place);
    return formatNewCell(cell, place, findStyleInPlace(cell, given, look, this.#styles), this.#feed.prefix);
  }

  #addCell(cell: SheetCell, at: number, place: string, base: number, isThere: boolean): RawXml | null {
    const { prefix } = this.#feed;
    if (cell.text === '') {
      if (!this.#styles.isVisible(base)) return isThere ? null : '';
      return formatNewCell(cell, place, this.#styles.derive(base, 'text'), prefix);
    }
    const look = findLook(cell, this.#looks.get(at));
    this.#addLink(cell, look, place);
    return formatNewCell(cell, place, this.#styles.derive(base, look), prefix);
  }

  /** Adds the sources of a row's new values to the comments or to the sheet of sources. */
  #noteSources({ row, outcome }: FilledRow, texts: readonly string[], own: readonly string[]): void {
    const comments = this.#begun?.comments;
    if (comments == null && this.#sources === null) return;
    const { inputWidth, titles, fields } = this.#layout;
    for (const { name, values } of fields) {
      const isReturned = outcome.returned?.includes(name) === true;
      // The sources of before are of another value, or are given again.
      const kept = outcome.kept?.get(name) ?? 'own';
      if (isReturned || kept !== 'own')
        for (const { at } of values) if (at < inputWidth) comments?.drop(`${formatColumn(at)}${row.line}`);
      const answer = outcome.fields.get(name);
      const value = values.find(
        ({ at }) => texts[at] !== '' && (at >= inputWidth || isReturned || texts[at] !== own[at]),
      );
      if (answer === undefined || value === undefined || answer.who === 'human') continue;
      const { at } = value;
      const column = at < inputWidth ? at : this.#place.start + at - inputWidth;
      const place = `${formatColumn(column)}${row.line}`;
      if (this.#options.sources === 'comments')
        comments?.add(place, describeSources(answer, outcome.verdicts?.get(name)?.passage ?? null));
      for (const { url, title, text = '' } of answer.citations)
        this.#sources?.add({
          place,
          row: own.find((cell) => cell.trim() !== '') ?? '',
          column: titles[at] ?? name,
          value: texts[at] ?? '',
          confidence: answer.confidence ?? '',
          source: url ?? text,
          title: title ?? '',
        });
    }
  }

  #addLink({ text }: SheetCell, look: Look, place: string): void {
    if (look === 'link' || look === 'wrapped_link') this.#links.add(place, text);
  }

  /** The style of the row's cell in the base column. */
  #findBaseStyle(xml: RawXml, line: number): number {
    const { base } = this.#place;
    if (base < 0) return 0;
    const found = xml.indexOf(` r="${formatColumn(base)}${line}"`);
    if (found < 0) return this.#survey?.styles.get(base) ?? 0;
    const tag = xml.slice(xml.lastIndexOf('<', found), xml.indexOf('>', found) + 1);
    return Number(/\ss="(\d+)"/.exec(tag)?.[1] ?? 0);
  }
}

const MAX_COLUMNS = 16_384;
/** Ranges that a note lists. */
const MAX_LISTED = 5;

function refuseColumns(count: number): RowfillError {
  return createUsageError(
    'OUTPUT_DOES_NOT_FIT',
    `the output would have ${count} columns, because something is far to the right in the sheet; Excel has at most ${MAX_COLUMNS}`,
    'Move it nearer to the table, or use --plain.',
  );
}

const SHEET_PART = /(?:^|\/)worksheets\/[^/]+\.xml$/;

/** The text of a comment: confidence, each source with its title, and the passage that has the value. */
function describeSources({ confidence, citations }: FieldAnswer, passage: string | null): string {
  const lines = citations.map(({ url, title, text = '' }) => {
    const name = title == null || title === '' ? '' : `${title}: `;
    return name + (url ?? text);
  });
  return [
    confidence === null ? 'No confidence given' : `Confidence: ${confidence}`,
    ...lines,
    ...(passage === null ? [] : [`“${passage}”`]),
  ].join('\n');
}

/** Whether the name of an output says that it has macros; undefined if it says nothing. */
function findMacroWish(path: string): boolean | undefined {
  if (/\.xlsm(?:\.gz)?$/i.test(path)) return true;
  return /\.xlsx(?:\.gz)?$/i.test(path) ? false : undefined;
}

/** The column whose look most columns of the table have; the last of them, and not one of links. */
function chooseBase(
  columnStyles: ReadonlyMap<number, number>,
  styles: WorkbookStyles,
  width: number,
): number {
  const columns = [...columnStyles].filter(([column]) => column < width).sort(([a], [b]) => a - b);
  const plain = columns.filter(([, style]) => !styles.isUnderlined(style));
  const counts = new Map<string, number>();
  for (const [, style] of plain) {
    const look = styles.describe(style);
    counts.set(look, (counts.get(look) ?? 0) + 1);
  }
  const most = Math.max(0, ...counts.values());
  return plain.findLast(([, style]) => counts.get(styles.describe(style)) === most)?.[0] ?? -1;
}
