import type { MicroTime, Time } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

/** Seconds since 1970 of 0001-01-01 and of the last second of 9999: what RFC 3339 can write. */
export const leastSeconds = -62_135_596_800;
export const greatestSeconds = 253_402_300_799;

/** Whole seconds: what lies below is cut. */
export function timeFromMs(ms: number): Time {
  return { seconds: Math.floor(ms / 1000) };
}

/** Milliseconds since 1970; undefined for an absent or zero time. */
export function timeToMs(time: Time): number;
export function timeToMs(time: Time | undefined): number | undefined;
export function timeToMs(time: Time | undefined): number | undefined {
  return time?.seconds === undefined ? undefined : time.seconds * 1000;
}

export function microTimeFromMs(ms: number): MicroTime {
  const seconds = Math.floor(ms / 1000);
  const nanos = Math.floor((ms - seconds * 1000) * 1000) * 1000;
  return nanos === 0 ? { seconds } : { seconds, nanos };
}

/** Milliseconds since 1970 with a fraction down to microseconds; undefined for an absent or zero time. */
export function microTimeToMs(time: MicroTime): number;
export function microTimeToMs(time: MicroTime | undefined): number | undefined;
export function microTimeToMs(time: MicroTime | undefined): number | undefined {
  return time?.seconds === undefined ? undefined : time.seconds * 1000 + Math.trunc((time.nanos ?? 0) / 1000) / 1000;
}

/** 2006-01-02T15:04:05Z */
export function timeToText(time: Time): string {
  return `${new Date((time.seconds ?? 0) * 1000).toISOString().slice(0, 19)}Z`;
}

/** 2006-01-02T15:04:05.000000Z */
export function microTimeToText(time: MicroTime): string {
  const micros = Math.trunc((time.nanos ?? 0) / 1000);
  return `${new Date((time.seconds ?? 0) * 1000).toISOString().slice(0, 19)}.${String(micros).padStart(6, '0')}Z`;
}

/** Reads RFC 3339; cut to whole seconds. Undefined when it is not one. */
export function timeFromText(text: string): Time | undefined {
  const parts = parseRfc3339(text);
  return parts && { seconds: parts.seconds };
}

/** Reads RFC 3339; cut to microseconds. Undefined when it is not one. */
export function microTimeFromText(text: string): MicroTime | undefined {
  const parts = parseRfc3339(text);
  if (!parts) return undefined;
  const nanos = Math.trunc(parts.nanos / 1000) * 1000;
  return nanos === 0 ? { seconds: parts.seconds } : { seconds: parts.seconds, nanos };
}

const rfc3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

function parseRfc3339(text: string): { seconds: number; nanos: number } | undefined {
  const match = rfc3339.exec(text);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [number, number, number, number, number, number];
  const [, , , , , , , fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] = match;
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59 || Number(offsetHours) > 24 || Number(offsetMinutes) > 59) return undefined;
  // Date.UTC takes years below 100 for 19xx.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCDate() !== day) return undefined;
  const offset = (Number(offsetHours) * 3600 + Number(offsetMinutes) * 60) * (sign === '-' ? -1 : 1);
  const seconds = date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offset;
  return seconds < leastSeconds || seconds > greatestSeconds ? undefined : { seconds, nanos: Number(fraction.slice(0, 9).padEnd(9, '0')) };
}
