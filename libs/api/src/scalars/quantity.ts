import type { Quantity } from '@navarch/proto/k8s/io/apimachinery/pkg/api/resource/resource';

/** The suffix family a quantity was written in, which its canonical form keeps. */
export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

/** mantissa × 10^exponent, exact. */
export interface Amount {
  readonly mantissa: bigint;
  readonly exponent: number;
  readonly format: QuantityFormat;
}

/** The text is no quantity; worded as Kubernetes does. */
export class QuantityFormatError extends Error {}

const maxLength = 128;
const greatest = 2n ** 63n - 1n;
const finest = -9;
const pattern = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)([KMGTPE]i|[eE][+-]?\d+|[numkMGTPE])?$/;
const decimalSuffixes = new Map([[-9, 'n'], [-6, 'u'], [-3, 'm'], [0, ''], [3, 'k'], [6, 'M'], [9, 'G'], [12, 'T'], [15, 'P'], [18, 'E']]);
const decimalExponents = new Map([...decimalSuffixes].map(([exponent, suffix]) => [suffix, exponent]));
const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/**
 * Reads a quantity exactly; finer than nano is rounded away from zero, larger than 2^63-1 is capped (as Kubernetes
 * documents for Quantity). Throws QuantityFormatError.
 */
export function parseQuantity(text: string): Amount {
  const match = text.length <= maxLength ? pattern.exec(text) : null;
  if (!match) {
    throw new QuantityFormatError(String.raw`quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`);
  }
  const [, sign, digits = '', suffix = ''] = match;
  const [whole = '', fraction = ''] = digits.split('.');
  const { factor, exponent, format } = suffixValue(suffix);
  const magnitude = BigInt(whole + fraction) * factor;
  const rounded = withinRange(magnitude, exponent - fraction.length);
  return { mantissa: sign === '-' ? -rounded.mantissa : rounded.mantissa, exponent: rounded.exponent, format };
}

function suffixValue(suffix: string): { factor: bigint; exponent: number; format: QuantityFormat } {
  if (suffix.endsWith('i')) return { factor: 1024n ** BigInt(binarySuffixes.indexOf(suffix)), exponent: 0, format: 'BinarySI' };
  const exponent = decimalExponents.get(suffix);
  if (exponent !== undefined) return { factor: 1n, exponent, format: 'DecimalSI' };
  // Far beyond the range there is only the cap or the smallest step, whatever the exact exponent.
  return { factor: 1n, exponent: Math.max(-1000, Math.min(1000, Number(suffix.slice(1)))), format: 'DecimalExponent' };
}

function withinRange(magnitude: bigint, exponent: number): { mantissa: bigint; exponent: number } {
  if (magnitude === 0n) return { mantissa: 0n, exponent: 0 };
  if (exponent >= 0) {
    const value = magnitude * 10n ** BigInt(exponent);
    return { mantissa: value > greatest ? greatest : value, exponent: 0 };
  }
  const step = 10n ** BigInt(Math.max(0, finest - exponent));
  const mantissa = (magnitude + step - 1n) / step;
  const kept = Math.max(exponent, finest);
  return mantissa > greatest * 10n ** BigInt(-kept) ? { mantissa: greatest, exponent: 0 } : { mantissa, exponent: kept };
}

/** Canonical text: no fraction digits, the largest suffix of the family that loses nothing. */
export function formatAmount({ mantissa, exponent, format }: Amount): string {
  if (mantissa === 0n) return '0';
  if (format === 'BinarySI') {
    const whole = wholeValue(mantissa, exponent);
    if (whole !== undefined && (whole >= 1024n || whole <= -1024n)) return formatBinary(whole);
  }
  return formatDecimal(mantissa, exponent, format);
}

function wholeValue(mantissa: bigint, exponent: number): bigint | undefined {
  if (exponent >= 0) return mantissa * 10n ** BigInt(exponent);
  const unit = 10n ** BigInt(-exponent);
  return mantissa % unit === 0n ? mantissa / unit : undefined;
}

function formatBinary(whole: bigint): string {
  let value = whole;
  let power = 0;
  while (power < 6 && value % 1024n === 0n) {
    value /= 1024n;
    power++;
  }
  return `${value}${binarySuffixes[power]}`;
}

function formatDecimal(mantissa: bigint, exponent: number, format: QuantityFormat): string {
  let value = mantissa;
  let power = exponent;
  while (power < 18 && value % 10n === 0n) {
    value /= 10n;
    power++;
  }
  const step = Math.floor(power / 3) * 3;
  value *= 10n ** BigInt(power - step);
  if (format === 'DecimalExponent') return step === 0 ? String(value) : `${value}e${step}`;
  return `${value}${decimalSuffixes.get(step)}`;
}

/** Most quantities are written canonically; telling that is ten times cheaper than parsing. */
const plain = /^([1-9]\d{0,8})(m|k|M|G|Ki|Mi|Gi)?$/;

/** Canonical text of a quantity's text. Throws QuantityFormatError. */
export function canonicalQuantity(text: string): string {
  const match = plain.exec(text);
  if (match && Number(match[1]) % (match[2]?.endsWith('i') ? 1024 : 1000) !== 0) return text;
  return formatAmount(parseQuantity(text));
}

/** A Quantity from text or a whole number, in canonical form. Throws QuantityFormatError. */
export function quantity(text: string | number): Quantity {
  return { string: canonicalQuantity(String(text)) };
}

export function amountOf(value: Quantity | undefined): Amount {
  return parseQuantity(value?.string || '0');
}

const milliFactors: Readonly<Record<string, number>> = {
  m: 1, '': 1000, k: 1e6, M: 1e9, G: 1e12, Ki: 1024e3, Mi: 1024 ** 2 * 1e3, Gi: 1024 ** 3 * 1e3,
};

/** In thousandths, rounded up: CPU 100m → 100. Above 2^53 it loses precision. */
export function quantityMilliValue(value: Quantity | undefined): number {
  const match = plain.exec(value?.string ?? '');
  if (match) return Number(match[1]) * (milliFactors[match[2] ?? ''] ?? 1000);
  return scaledValue(amountOf(value), 3);
}

/** In units, rounded up: 1Ki → 1024, 100m → 1. Above 2^53 it loses precision. */
export function quantityValue(value: Quantity | undefined): number {
  const match = plain.exec(value?.string ?? '');
  if (match) return Math.ceil((Number(match[1]) * (milliFactors[match[2] ?? ''] ?? 1000)) / 1000);
  return scaledValue(amountOf(value), 0);
}

/** The amount × 10^scale, rounded up (towards positive infinity for positive, away from zero for negative amounts, as Go does). */
function scaledValue({ mantissa, exponent }: Amount, scale: number): number {
  const power = exponent + scale;
  if (power >= 0) return Number(mantissa * 10n ** BigInt(power));
  const unit = 10n ** BigInt(-power);
  const away = mantissa % unit === 0n ? 0n : mantissa > 0n ? 1n : -1n;
  return Number(mantissa / unit + away);
}

/** Below, equal, above: negative, 0, positive. */
export function compareQuantity(left: Quantity | undefined, right: Quantity | undefined): number {
  const [a, b] = aligned(amountOf(left), amountOf(right));
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Exact sum, written in the left one's suffix family (the right one's when the left is zero). */
export function addQuantity(left: Quantity | undefined, right: Quantity | undefined): Quantity {
  return combine(left, right, (a, b) => a + b);
}

/** Exact difference, written as addQuantity writes. */
export function subtractQuantity(left: Quantity | undefined, right: Quantity | undefined): Quantity {
  return combine(left, right, (a, b) => a - b);
}

export function maxQuantity(left: Quantity | undefined, right: Quantity | undefined): Quantity {
  return (compareQuantity(left, right) >= 0 ? left : right) ?? { string: '0' };
}

export function isZeroQuantity(value: Quantity | undefined): boolean {
  return amountOf(value).mantissa === 0n;
}

function combine(left: Quantity | undefined, right: Quantity | undefined, operate: (a: bigint, b: bigint) => bigint): Quantity {
  const first = amountOf(left);
  const second = amountOf(right);
  const [a, b, exponent] = aligned(first, second);
  return { string: formatAmount({ mantissa: operate(a, b), exponent, format: (first.mantissa === 0n ? second : first).format }) };
}

function aligned(left: Amount, right: Amount): [bigint, bigint, number] {
  const exponent = Math.min(left.exponent, right.exponent);
  return [left.mantissa * 10n ** BigInt(left.exponent - exponent), right.mantissa * 10n ** BigInt(right.exponent - exponent), exponent];
}
