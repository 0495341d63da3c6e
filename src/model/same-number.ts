import { type Likeness, PLAIN, type SavedForm, toForms } from './likeness.js';

/** Forms of columns whose decimals have a comma: `1.234` is 1234 there, and 1.234 in any other. */
const COMMA_FORMS: readonly SavedForm[] = ['decimal comma', 'thousands points'];

/** Compares a number in the notation of any usual locale; as a percentage, with a currency, or in scientific notation. */
export function compareNumber(text: string, value: number, isWhole: boolean): Likeness | null {
  const plain = text.replace(/^[(]\s*(.*)[)]$/, '-$1').replace(CURRENCY, '');
  const scientific = compareScientific(plain, value);
  if (scientific !== null) return scientific;
  const share = /^(.*)%$/.exec(plain)?.[1];
  const digits = (share ?? plain).replace('−', '-');
  if (!/^[+-]?[\d.,]*\d[\d.,]*$/.test(digits)) return null;
  const [isPlain, isGerman] = [false, true].map((hasCommas) => {
    const number = readNumber(digits, isWhole, () => hasCommas);
    if (number === null) return false;
    return isClose(number, value) || (share !== undefined && isClose(number / 100, value));
  });
  if (isPlain === true && isGerman === true) return toClear(digits, value);
  if (isPlain === true) return { ...PLAIN, unless: COMMA_FORMS };
  if (isGerman !== true) return null;
  return toForms(Number.isInteger(value) ? 'thousands points' : 'decimal comma');
}

/** Compares a number in scientific notation, which may have lost digits. Null for any other text. */
export function compareScientific(text: string, value: number): Likeness | null {
  const match = /^([+-]?\d(?:[.,](\d*))?)e([+-]?\d+)$/i.exec(text.replace(/\s/g, ''));
  if (match === null) return null;
  const shown = Number(match[0].replace(',', '.'));
  if (isClose(shown, value)) return { isPlain: true, forms: isScientificProne(value) ? ['scientific'] : [] };
  return shown === Number(value.toExponential(match[2]?.length ?? 0)) ? toForms('scientific') : null;
}

/** A text such as `2.10`, `1,234`, `1E5`, `5.5%` or `$1,234` that a spreadsheet takes for a number; not whole digits. */
const NUMBER_TEXT =
  /^(?=.*[.,e%\p{Sc}])\p{Sc}?(?:\d+|[1-9]\d{0,2}(?:,\d{3})+)(?:\.\d+)?(?:e[+-]?\d{1,3})?\s?[%\p{Sc}]?$/iu;

const SIGNS = /[%\p{Sc}\s]/gu;

/** How a program writes a text that it takes for a number; null for any other text. */
export function toTextOfNumber(value: string): string | null {
  return NUMBER_TEXT.test(value) ? String(Number(value.replace(/[^\d.e+-]/gi, ''))) : null;
}

/** True for another notation of the number that a value such as `2.10` looks like. */
export function isTextOfNumber(text: string, value: string): boolean {
  const number = toTextOfNumber(value);
  const listSigns = (each: string): string => each.match(/[%\p{Sc}]/gu)?.join() ?? '';
  if (number === null || text === value || listSigns(text) !== listSigns(value)) return false;
  const bare = text.replace(SIGNS, '');
  return /^[\d.,]+(?:e[+-]?\d+)?$/i.test(bare) && compareNumber(bare, Number(number), false) !== null;
}

/** The form of a text that shows the number which a value looks like. */
export function findNumberForm(text: string, value: string): SavedForm {
  const bare = text.replace(SIGNS, '');
  if (bare === toTextOfNumber(value)) return 'text as number';
  if (/e[+-]\d/i.test(bare)) return 'scientific';
  return bare.includes(',') && value.includes('.') ? 'text with comma' : 'number format';
}

/** True for a number that spreadsheets show in scientific notation. */
export function isScientificProne(value: number): boolean {
  return Math.abs(value) >= 1e11;
}

export function isClose(number: number, value: number): boolean {
  // Spreadsheets keep 15 digits.
  return number === value || (Number.isFinite(number) && number.toPrecision(15) === value.toPrecision(15));
}

/** A number with a decimal comma, or with points between thousands, may be clear by itself, and says how others were saved. */
function toClear(digits: string, value: number): Likeness {
  if (Number.isInteger(value))
    return Math.abs(value) >= 1_000 && /^[+-]?\d{1,3}(?:\.\d{3})+(?:,|$)/.test(digits)
      ? { isPlain: true, forms: ['thousands points'] }
      : PLAIN;
  if (digits.lastIndexOf(',') <= digits.lastIndexOf('.')) return PLAIN;
  return {
    isPlain: true,
    forms: digits.includes('.') ? ['decimal comma', 'thousands points'] : ['decimal comma'],
  };
}

/** The number that a person means by digits with marks; null if they are no number. */
export function readNumber(
  digits: string,
  isWhole: boolean,
  isSavedAs: (form: SavedForm) => boolean,
): number | null {
  const [withPoint, withComma] = listNumbers(digits);
  if (withPoint === undefined || withComma === undefined) return withPoint ?? null;
  // One mark before three digits.
  const [likely, other] = COMMA_FORMS.some(isSavedAs) ? [withComma, withPoint] : [withPoint, withComma];
  return isWhole && !Number.isInteger(likely) ? other : likely;
}

// No group of thousands starts with a 0.
const WITH_POINT = /^[+-]?(?:\d*|[1-9]\d{0,2}(?:,\d{2,3})*,\d{3})(?:\.\d*)?$/;
const WITH_COMMA = /^[+-]?(?:\d*|[1-9]\d{0,2}(?:\.\d{2,3})*\.\d{3})(?:,\d*)?$/;

/** The numbers that a text of digits, points and commas can mean: one of the marks separates thousands. */
function listNumbers(text: string): number[] {
  const numbers: number[] = [];
  if (WITH_POINT.test(text)) numbers.push(Number(text.replaceAll(',', '')));
  if (WITH_COMMA.test(text)) numbers.push(Number(text.replaceAll('.', '').replace(',', '.')));
  return numbers;
}

/** Signs and codes of currencies, and marks that separate thousands. */
const CURRENCY =
  /[\p{Sc}\s'’]|\b(?:AED|ARS|AUD|BGN|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EGP|EUR|GBP|HKD|HUF|IDR|ILS|INR|ISK|JPY|KES|KRW|KZT|MAD|MXN|MYR|NGN|NOK|NZD|PEN|PHP|PKR|PLN|QAR|RMB|RON|RSD|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR|Kč|kr|zł|Ft|Fr)(?!\p{L})\.?/gu;
