/** True if only the first cell is filled. */
export function isSingle(cells: readonly string[]): boolean {
  if (cells.length > 1 && cells[1] !== '') return false;
  for (let index = 1; index < cells.length; index += 1) if (cells[index] !== '') return false;
  return cells[0] !== '';
}

/** True for the header again, as in files that were appended to each other. `titles` are trimmed. */
export function isRepeatedHeader(cells: readonly string[], titles: readonly string[]): boolean {
  const [title] = titles;
  const [first = ''] = cells;
  if (title === undefined || (first !== title && (first.length <= title.length || first.trim() !== title)))
    return false;
  const shared = Math.min(cells.length, titles.length);
  if (shared < titles.length && shared < 2) return false;
  for (let index = 1; index < shared; index += 1) if (cells[index]?.trim() !== titles[index]) return false;
  return titles.some((each) => each !== '');
}

/** What a line of dashes has in each cell. */
export const RULE = /^\s*[-=_+─━][-=_+─━ ]*$/;

/** True for a line of dashes below a header or between parts of a report. */
export function isRule(cells: readonly string[]): boolean {
  const [first = ''] = cells;
  if (first.length < 2 || !RULE.test(first)) return false;
  return cells.every((cell) => RULE.test(cell)) && cells.some((cell) => cell.trim().length > 2);
}

const REMARKS: readonly RegExp[] = [
  /^\(?\d[\d.,]* (?:rows?|records?|lines?|results?|entries|items)\b.{0,40}$/i,
  /^(?:©|\(c\) |copyright\b|confidential\b|all rights reserved\b)/i,
  /^(?:generated|exported|printed|created|prepared|run|downloaded|retrieved|last updated|updated|as of|report (?:date|generated))\b.{0,20}(?::|\d)/i,
  /^(?:source|sources|note|notes|data from database|disclaimer|legend|filters?|end of (?:report|file|list))\b\s*(?::|$)/i,
  /^(?:grand )?totals?(?: ?\(\d+ \w+\)$|: )/i,
  /^(?:prepared|generated|exported|compiled) by\b/i,
  /^page \d+(?: of \d+)?$/i,
  /^(?:completion time|time taken|query ok)\b/i,
];

/** True for a line that a report or a database client writes below its rows. */
export function isRemark(text: string): boolean {
  const plain = text.trim();
  return REMARKS.some((pattern) => pattern.test(plain));
}

const SUM_WORDS =
  '(?:grand|sub)?[- ]?totals?|sums?|summ[ae]|gesamt(?:summe)?|insgesamt|zwischensumme|total (?:g[ée]n[ée]ral|geral)|somme|suma|soma|razem|totale|totaal|итого|всего|合計|总计|總計|合计|합계|toplam|yhteensä|celkem|összesen';

/** Words for a sum, in front of totals. */
export const SUM_WORD = new RegExp(`^(?:${SUM_WORDS})\\s*:?$`, 'iu');

/** A label that begins with a word for a sum, such as `Total 2024`, or that a program writes in front of other totals. */
export const TOTALS_LABEL = new RegExp(
  `^(?:${SUM_WORDS}|average|count|mean|median|minimum|maximum|ergebnis|anzahl|mittelwert|durchschnitt|moyenne|nombre|promedio|media)(?![\\p{L}\\d])`,
  'iu',
);

/** Parses an amount with either decimal mark; null for other text. */
export function parseAmount(text: string): number | null {
  const plain = text.replace(/[$€£¥%\s'’]/g, '');
  if (!/^[-+(]?\d[\d.,]*\)?$/.test(plain)) return null;
  const mark = /[.,](?=\d{1,2}\)?$)/.exec(plain)?.index ?? -1;
  const whole = (mark === -1 ? plain : plain.slice(0, mark)).replace(/[^\d]/g, '');
  const amount = Number(`${whole}.${mark === -1 ? '0' : plain.slice(mark + 1).replace(/\D/g, '')}`);
  return /^[-(]/.test(plain) ? -amount : amount;
}
