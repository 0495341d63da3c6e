// White space, control characters and invisible marks, behind which a spreadsheet still finds the sign.
const STARTS_FORMULA = /^[\s\p{Cc}\p{Cf}\p{DI}]*[=+\-@＝＋－＠﹢﹣﹦﹫]|^[\t\r\n]/u;
const IS_NUMBER = /^[+-]?(?:[$€£¥]\s?)?(?:\d[\d.,'\u00a0\u202f ]*|\.\d+)(?:e[+-]?\d+)?\s?(?:%|[$€£¥])?$/i;
const IS_PHONE = /^\+?(?=(?:\D*\d){5})[\d\s().\-/]+(?:\s*(?:ext\.?|x|#)\s*\d{1,6})?$/i;

/** Puts an apostrophe before text that a spreadsheet would run as a formula; numbers and phone numbers are left whole. */
export function defuseFormula(text: string): string {
  if (!STARTS_FORMULA.test(text) || IS_NUMBER.test(text) || isPhone(text)) return text;
  return `'${text}`;
}

/** A number that begins with a plus or a bracket; with a minus in front it would be a sum. */
function isPhone(text: string): boolean {
  return text.startsWith('+') && text.length <= 40 && IS_PHONE.test(text);
}
