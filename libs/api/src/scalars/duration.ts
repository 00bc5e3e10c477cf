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
  return `${whole}.${String(rest).padStart(Math.round(Math.log10(unit)), '0').replace(/0+$/, '')}`;
}

const units: Readonly<Record<string, number>> = { ns: 1, us: 1e3, 'µs': 1e3, 'μs': 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Nanoseconds of a Go duration text; undefined when it is none or beyond 2^53. */
export function durationFromText(text: string): number | undefined {
  const match = /^([+-]?)((?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(text);
  if (!match) return text === '0' || text === '+0' || text === '-0' ? 0 : undefined;
  let total = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    const [whole = '', fraction = ''] = amount.split('.');
    const scale = units[unit] ?? 0;
    total += Number(whole) * scale + Math.trunc(Number(`0.${fraction || '0'}`) * scale);
  }
  if (!Number.isSafeInteger(total)) return undefined;
  return text.startsWith('-') ? 0 - total : total;
}
