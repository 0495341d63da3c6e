// White space, control characters and invisible marks, behind which a spreadsheet still finds the sign.
const STARTS_FORMULA = /^[\s\p{Cc}\p{Cf}\p{DI}]*[=+\-@＝＋－＠﹢﹣﹦﹫]|^[\t\r\n]/u;
const IS_NUMBER =
  /^[+-]?(?:[$€£¥]\s?)?(?:\d[\d.,'’\u00a0\u202f ]*|[.,]\d+)(?:e[+-]?\d+)?\s?(?:%|‰|[$€£¥])?$/i;
const IS_PHONE = /^\+(?=(?:\D*\d){5})[\d\s().\-/]+(?:\s*(?:ext\.?|x|#)\s*\d{1,6})?$/i;
const IS_DASHES = /^[+-]+$/;
const MAX_PHONE_LENGTH = 40;

/** Puts an apostrophe before text that a spreadsheet would run as a formula; numbers, phone numbers and lone dashes are left whole. */
export function defuseFormula(text: string): string {
  if (!STARTS_FORMULA.test(text)) return text;
  const isPhone = text.length <= MAX_PHONE_LENGTH && IS_PHONE.test(text);
  return isPhone || IS_NUMBER.test(text) || IS_DASHES.test(text) ? text : `'${text}`;
}
