/** The calendar day that a text names, as `2024-03-31`; null where it is none, or where day and month could be either. */
export function readDate(text: string): string | null {
  const plain = text.normalize('NFKC').trim();
  const iso = /^(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ]\d{2}:\d{2}.*)?$/.exec(plain);
  if (iso !== null) return formatDate(iso[1], iso[3], iso[4]);
  const numbers = /^(\d{1,2})([-/.])(\d{1,2})\2(\d{4})$/.exec(plain);
  if (numbers !== null) return readDayAndMonth(numbers[1], numbers[3], numbers[4]);
  const words = plain
    .replace(/(\d)(?:st|nd|rd|th)\b/i, '$1')
    .replace(/[.,]/g, ' ')
    .split(/[\s-]+/);
  const [first = '', second = '', year = '', ...more] = words;
  if (more.length > 0 || !/^\d{4}$/.test(year)) return null;
  if (readMonth(second) !== null) return formatDate(year, readMonth(second), first);
  return readMonth(first) === null ? null : formatDate(year, readMonth(first), second);
}

/** A moment with its offset, as RFC 3339 writes it; null where the offset is missing, since then it is no moment. */
export function readMoment(text: string): string | null {
  const plain = text.trim();
  const parts = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?\s?([Zz]|[+-]\d{2}:?\d{2})$/.exec(
    plain,
  );
  if (parts === null) return null;
  const [, day = '', minute = '', second = ':00', offset = ''] = parts;
  const zone = offset.toUpperCase().replace(/^([+-]\d{2})(\d{2})$/, '$1:$2');
  const moment = `${day}T${minute}${second}${zone}`;
  return readDate(day) === null || Number.isNaN(Date.parse(moment)) ? null : moment;
}

function readDayAndMonth(first = '', second = '', year = ''): string | null {
  if (Number(first) > 12 || Number(first) === Number(second)) return formatDate(year, second, first);
  return Number(second) > 12 ? formatDate(year, first, second) : null;
}

const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];

function readMonth(word: string): string | null {
  const plain = word.toLowerCase().replace(/^sept$/, 'sep');
  const index = MONTHS.findIndex(
    (month) => month === plain || (plain.length === 3 && month.startsWith(plain)),
  );
  return index < 0 ? null : String(index + 1);
}

function formatDate(year = '', month: string | null | undefined, day: string | undefined): string | null {
  if (!/^\d{1,2}$/.test(day ?? '') || !/^\d{1,2}$/.test(month ?? '')) return null;
  const text = `${year}-${month?.padStart(2, '0')}-${day?.padStart(2, '0')}`;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text) ? text : null;
}
