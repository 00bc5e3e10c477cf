/** Go's duration text (`1h0m0s`, `1.5s`, `100ms`) of this many nanoseconds. */
export function durationToText(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s';
  const sign = nanoseconds < 0 ? '-' : '';
  const total = Math.abs(nanoseconds);
  if (total < 1e3) return `${sign}${total}ns`;
  if (total < 1e6) return `${sign}${decimal(total, 1e3)}µs`;
  if (total < 1e9) return `${sign}${decimal(total, 1e6)}ms`;
  const minutes = Math.floor(total / 60e9);
  const seconds = decimal(total - minutes * 60e9, 1e9);
  if (minutes === 0) return `${sign}${seconds}s`;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${hours}h${minutes % 60}m${seconds}s`;
}

function decimal(value: number, unit: number): string {
  const rest = value % unit;
  const whole = (value - rest) / unit;
  if (rest === 0) return String(whole);
  return `${whole}.${String(rest).padStart(Math.round(Math.log10(unit)), '0').replace(/(?<!0)0+$/, '')}`;
}

const units: Readonly<Record<string, bigint>> = {
  ns: 1n, us: 1_000n, 'µs': 1_000n, 'μs': 1_000n, ms: 1_000_000n, s: 1_000_000_000n, m: 60_000_000_000n, h: 3_600_000_000_000n,
};
const maxLength = 100;

/** Nanoseconds of a Go duration text; undefined when it is none or beyond 2^53. */
export function durationFromText(text: string): number | undefined {
  if (text.length > maxLength) return undefined;
  if (!/^[+-]?((?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return /^[+-]?0$/.test(text) ? 0 : undefined;
  let total = 0n;
  for (const [, amount = '', unit = ''] of text.replace(/^[+-]/, '').matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy)) {
    const [whole = '', fraction = ''] = amount.split('.');
    total += (BigInt(whole + fraction) * (units[unit] ?? 0n)) / 10n ** BigInt(fraction.length);
  }
  const nanoseconds = Number(total);
  if (!Number.isSafeInteger(nanoseconds)) return undefined;
  return text.startsWith('-') ? 0 - nanoseconds : nanoseconds;
}
