/** How a table writes its numbers: with a decimal point, as far as nothing shows otherwise. */
export type NumberStyle = 'point' | 'comma';

/**
 * The number that a text is, and nothing else: `1,234.5` and `1 234.5`, but no unit, currency, range or `1.2M`, which say more than
 * a number can. null where there are two ways to read it.
 */
export function readNumber(text: string, style: NumberStyle): number | null {
  const plain = text
    .normalize('NFKC')
    .trim()
    .replace(/^[−–](?=\d)/, '-')
    .replace(/^\+(?=\d)/, '')
    .replace(/[\s'’](?=\d{3}(?!\d))/g, ' ');
  const [point, group] = style === 'point' ? ['.', ','] : [',', '.'];
  const pattern = style === 'point' ? POINT : COMMA;
  if (!pattern.test(plain)) return null;
  const number = Number(plain.replaceAll(group, '').replaceAll(' ', '').replace(point, '.'));
  const isExact = !Number.isInteger(number) || Number.isSafeInteger(number);
  return Number.isFinite(number) && isExact ? number : null;
}

/** The style that the values of a column show: a comma that can only be a decimal one makes all of them so. */
export function resolveNumberStyle(values: Iterable<unknown>): NumberStyle {
  for (const value of values) {
    if (typeof value === 'string' && value.length < 40 && DECIMAL_COMMA.test(value.trim())) return 'comma';
  }
  return 'point';
}

const POINT = /^-?(?:\d+|\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3})+)(?:\.\d+)?(?:e[+-]?\d{1,3})?$/i;
const COMMA = /^-?(?:\d+|\d{1,3}(?:\.\d{3})+|\d{1,3}(?: \d{3})+)(?:,\d+)?$/;
const DECIMAL_COMMA = /^[-−]?(?:\d{1,3}(?:[. ]\d{3})+,\d+|\d+,(?:\d{1,2}|\d{4,}))$/;
