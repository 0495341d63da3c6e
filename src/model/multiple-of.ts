/** True if a number is a whole multiple of another by their decimal digits: 19.99 is one of 0.01. */
export function isMultipleOf(value: number, divisor: number): boolean {
  if (Number.isInteger(value / divisor)) return true;
  const [digits, power] = parseDecimal(value);
  const [divisorDigits, divisorPower] = parseDecimal(divisor);
  if (divisorDigits === 0n || Math.abs(power - divisorPower) > MAX_POWER) return false;
  const shift = Math.min(power, divisorPower);
  return (
    (digits * 10n ** BigInt(power - shift)) % (divisorDigits * 10n ** BigInt(divisorPower - shift)) === 0n
  );
}

/** The widest span between two numbers of JavaScript. */
const MAX_POWER = 1_000;

/** A number as whole digits and a power of ten: 19.99 gives 1999 and -2. */
function parseDecimal(value: number): [digits: bigint, power: number] {
  const [mantissa = '0', exponent = '0'] = String(value).split('e');
  const [whole = '0', decimals = ''] = mantissa.split('.');
  return [BigInt(whole + decimals), Number(exponent) - decimals.length];
}
