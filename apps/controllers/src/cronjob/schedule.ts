import { Cron } from 'croner';

/** When something is due; all in milliseconds since 1970. */
export interface Schedule {
  /** The first time after this one; undefined where there is none (30 February). */
  next(afterMs: number): number | undefined;
}

const units: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, 'µs': 1e-3, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * Cron's five fields, a name such as `@daily`, or `@every 1h30m`; times of day are the zone's, UTC where none is told. Throws an
 * Error that says what is wrong. A time of day that a change of clocks leaves out is due when the clocks have changed, and one that comes
 * twice is due the first time; what runs every so often goes on doing so.
 */
export function parseSchedule(text: string, timeZone = 'Etc/UTC'): Schedule {
  const every = /^@every (.*)$/.exec(text.trim())?.[1];
  if (every !== undefined) return { next: (afterMs) => Math.floor(afterMs / 1_000) * 1_000 + intervalMs(every) };
  if (/TZ=/.test(text)) throw new Error('TZ or CRON_TZ in the schedule is not supported, use timeZone');
  const cron = new Cron(inCronersTerms(text), { timezone: timeZone, paused: true, mode: '5-part', sloppyRanges: true });
  // A zone that does not exist shows itself at the first question only.
  cron.nextRun(new Date(0));
  return { next: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime() };
}

/** Kubernetes' parser takes `?` for `*`, and lets empty members of a list pass. */
function inCronersTerms(text: string): string {
  return text.trim().split(/\s+/).map((field) => field.split(',').filter((part) => part !== '').join(',').replace(/\?/g, '*') || '*').join(' ');
}

/** At least a second, and whole ones. */
function intervalMs(duration: string): number {
  let ms = 0;
  for (const [, count, unit] of duration.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g)) ms += Number(count) * (units[unit ?? ''] ?? 0);
  return Math.max(1_000, Math.floor(ms / 1_000) * 1_000);
}

export interface Due {
  /** The latest time that has come; undefined where none has. */
  readonly latestMs?: number;
  /** How many have come, up to `manyMissed`. */
  readonly count: number;
}

/** Times that have come without a run: more than so many are worth a warning. */
export const manyMissed = 101;
const firstWindowMs = 60_000;

/** What has come due after `sinceMs` and until now. Found from now backwards, so that years of missed minutes cost no more than a few. */
export function dueSince(schedule: Schedule, sinceMs: number, nowMs: number): Due {
  let count = 0;
  for (let ms = schedule.next(sinceMs); ms !== undefined && ms <= nowMs && count < manyMissed; ms = schedule.next(ms)) count++;
  if (count === 0) return { count };
  for (let windowMs = firstWindowMs; ; windowMs *= 2) {
    const fromMs = Math.max(sinceMs, nowMs - windowMs);
    let latestMs: number | undefined;
    for (let ms = schedule.next(fromMs); ms !== undefined && ms <= nowMs; ms = schedule.next(ms)) latestMs = ms;
    if (latestMs !== undefined) return { latestMs, count };
  }
}
