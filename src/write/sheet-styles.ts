import { BUILT_IN_FORMATS } from '../model/number-format.js';
import { escapeText } from './sheet-text.js';

const FIRST_OWN_FORMAT = 164;
/** Excel takes some 200 formats of a workbook's own; what comes after them is shown as a plain number. */
const MAX_OWN_FORMATS = 200;
/** The styles that every workbook has: none, and that of the header. */
export const HEADER_STYLE = 1;

/** The styles that the cells of a sheet need: one for each number format. */
export class SheetStyles {
  readonly #styles = new Map<string, number>();
  readonly #builtIn = new Map([...BUILT_IN_FORMATS].map(([id, code]) => [code, id]));
  readonly #ids: number[] = [0, 0];
  readonly #own: string[] = [];

  /** The number of the style for a format. */
  find(format: string): number {
    const known = this.#styles.get(format);
    if (known !== undefined) return known;
    const id = this.#findId(format);
    const style = id === 0 ? 0 : this.#ids.push(id) - 1;
    this.#styles.set(format, style);
    return style;
  }

  #findId(format: string): number {
    const builtIn = this.#builtIn.get(format);
    if (builtIn !== undefined) return builtIn;
    if (this.#own.length >= MAX_OWN_FORMATS) return 0;
    return FIRST_OWN_FORMAT + this.#own.push(format) - 1;
  }

  /** The part of the workbook that lists them; to be written when the sheet is. */
  format(): string {
    const formats = this.#own.map(
      (code, index) => `<numFmt numFmtId="${FIRST_OWN_FORMAT + index}" formatCode="${escapeText(code)}"/>`,
    );
    const styles = this.#ids.map((id, index) => {
      const font = index === HEADER_STYLE ? 1 : 0;
      return `<xf numFmtId="${id}" fontId="${font}" fillId="0" borderId="0" xfId="0" applyNumberFormat="${id === 0 ? 0 : 1}" applyFont="${font}"/>`;
    });
    const font = '<sz val="11"/><name val="Calibri"/><family val="2"/>';
    return [
      '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">',
      formats.length === 0 ? '' : `<numFmts count="${formats.length}">${formats.join('')}</numFmts>`,
      `<fonts count="2"><font>${font}</font><font><b/>${font}</font></fonts>`,
      '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>',
      '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>',
      '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>',
      `<cellXfs count="${styles.length}">${styles.join('')}</cellXfs>`,
      '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>',
      '</styleSheet>',
    ].join('');
  }
}
