import { dueSince, manyMissed, parseSchedule } from './schedule';

const at = (text: string): number => Date.parse(text);
const runs = (schedule: string, zone: string | undefined, from: string, count: number): string[] => {
  const parsed = parseSchedule(schedule, zone);
  const found: string[] = [];
  for (let ms = parsed.next(at(from)); ms !== undefined && found.length < count; ms = parsed.next(ms)) found.push(new Date(ms).toISOString().slice(0, 16));
  return found;
};
const newYork = 'America/New_York';

describe('a cron schedule', () => {
  it.each<[string, string, string | undefined, string, string[]]>([
    ['is in UTC unless a zone is told', '0 3 * * *', undefined, '2026-01-01T00:00Z', ['2026-01-01T03:00', '2026-01-02T03:00']],
    ['is in its zone, in winter and in summer', '0 3 * * *', 'Europe/Berlin', '2026-03-27T12:00Z', ['2026-03-28T02:00', '2026-03-29T01:00']],
    ['knows zones that are no whole hours off', '0 9 * * *', 'Asia/Kathmandu', '2026-01-01T00:00Z', ['2026-01-01T03:15']],
    ['knows steps, also from a number on', '5/20 * * * *', undefined, '2026-01-01T00:00Z', ['2026-01-01T00:05', '2026-01-01T00:25', '2026-01-01T00:45']],
    ['knows names of months and days, and ranges of them', '0 0 * jan mon-tue', undefined, '2026-01-01T00:00Z', ['2026-01-05T00:00', '2026-01-06T00:00']],
    ['takes day of month or day of week where both are told', '0 0 13 * fri', undefined, '2026-02-01T00:00Z', ['2026-02-06T00:00', '2026-02-13T00:00', '2026-02-20T00:00']],
    ['takes ? for *', '0 0 ? * ?', undefined, '2026-01-01T00:00Z', ['2026-01-02T00:00']],
    ['knows @hourly and its kind', '@weekly', undefined, '2026-01-01T00:00Z', ['2026-01-04T00:00']],
    ['knows @every', '@every 1h30m', undefined, '2026-01-01T00:00Z', ['2026-01-01T01:30', '2026-01-01T03:00']],
    ['knows leap years', '0 0 29 2 *', undefined, '2026-01-01T00:00Z', ['2028-02-29T00:00']],
    ['is never due on 30 February', '0 0 30 2 *', undefined, '2026-01-01T00:00Z', []],
    ['runs when the clocks have changed, where they leave its time out', '30 2 * * *', newYork, '2026-03-07T12:00Z', ['2026-03-08T07:00', '2026-03-09T06:30']],
    ['runs once where its time comes twice', '30 1 * * *', newYork, '2026-10-31T12:00Z', ['2026-11-01T05:30', '2026-11-02T06:30']],
    ['runs every hour though the clocks are put back', '0 * * * *', newYork, '2026-11-01T04:30Z', ['2026-11-01T05:00', '2026-11-01T06:00', '2026-11-01T07:00']],
  ])('%s', (_, schedule, zone, from, expected) => {
    expect(runs(schedule, zone, from, expected.length || 1)).toEqual(expected);
  });

  it.each([['TZ=UTC 0 3 * * *', undefined, 'use timeZone'], ['61 * * * *', undefined, ''], ['nonsense', undefined, ''], ['0 0 * * *', 'Mars/Olympus', 'timezone']])('refuses %s in %s', (schedule, zone, why) => {
    expect(() => parseSchedule(schedule, zone)).toThrow(why);
  });
});

describe('what has come due', () => {
  const everyMinute = parseSchedule('* * * * *');
  it('is nothing before the first time, and what is due exactly now', () => {
    expect(dueSince(everyMinute, at('2026-01-01T00:00:00Z'), at('2026-01-01T00:00:59Z'))).toEqual({ count: 0 });
    expect(dueSince(everyMinute, at('2026-01-01T00:00:00Z'), at('2026-01-01T00:01:00Z'))).toEqual({ count: 1, latestMs: at('2026-01-01T00:01:00Z') });
  });
  it('is nothing where the clock was put back', () => {
    expect(dueSince(everyMinute, at('2026-01-01T00:00:00Z'), at('2025-12-31T00:00:00Z'))).toEqual({ count: 0 });
  });
  it('after years is the latest, without asking for all of them', () => {
    expect(dueSince(everyMinute, at('2001-01-01T00:00:00Z'), at('2026-01-01T00:00:30Z'))).toEqual({ count: manyMissed, latestMs: at('2026-01-01T00:00:00Z') });
    expect(dueSince(parseSchedule('0 0 1 1 *'), at('2001-06-01T00:00:00Z'), at('2025-12-01T00:00:30Z'))).toEqual({ count: 24, latestMs: at('2025-01-01T00:00:00Z') });
  });
});
