import fc from 'fast-check';

import { ageText, durationText } from './age';
import { durationFromText, durationToText } from './duration';
import { intOrPercent, intOrString, intOrStringValue } from './int-or-string';
import { microTimeFromMs, microTimeFromText, microTimeToMs, microTimeToText, timeFromMs, timeFromText, timeToMs, timeToText } from './time';

describe('times', () => {
  it.each([
    ['2006-01-02T15:04:05Z', 1136214245], ['2006-01-02T15:04:05+01:00', 1136210645], ['2006-01-02T15:04:05.999Z', 1136214245], ['1969-12-31T23:59:59Z', -1], ['0099-01-01T00:00:00Z', -59042995200],
  ])('%s is %d seconds since 1970', (text, seconds) => {
    expect(timeFromText(text)).toEqual({ seconds });
  });

  it.each(['', '2006-01-02', '2006-13-02T15:04:05Z', '2006-02-30T15:04:05Z', '2006-01-02T24:04:05Z', '2006-01-02 15:04:05Z', '2006-01-02T15:04:05'])('%p is no time', (text) => {
    expect(timeFromText(text)).toBeUndefined();
    expect(microTimeFromText(text)).toBeUndefined();
  });

  it('text and milliseconds go both ways', () => {
    fc.assert(fc.property(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), fc.integer({ min: 0, max: 999_999 }), (seconds, micros) => {
      expect(timeFromText(timeToText({ seconds }))).toEqual({ seconds });
      expect(timeFromMs(timeToMs({ seconds }))).toEqual({ seconds });
      const micro = micros === 0 ? { seconds } : { seconds, nanos: micros * 1000 };
      expect(microTimeFromText(microTimeToText(micro))).toEqual(micro);
    }));
  });

  it('microseconds are kept, less is cut; absent and zero have no milliseconds', () => {
    expect(microTimeToText({ seconds: 0, nanos: 1999 })).toBe('1970-01-01T00:00:00.000001Z');
    expect(microTimeFromMs(1500.25)).toEqual({ seconds: 1, nanos: 500_250_000 });
    expect(microTimeToMs({ seconds: 1, nanos: 500_250_000 })).toBe(1500.25);
    expect(timeToMs(undefined)).toBeUndefined();
    expect(microTimeToMs({} as object)).toBeUndefined();
  });
});

describe('durations', () => {
  it.each([[0, '0s'], [1, '1ns'], [1500, '1.5µs'], [2e6, '2ms'], [1.5e9, '1.5s'], [3600e9, '1h0m0s'], [90e9, '1m30s'], [-90e9, '-1m30s'], [3661.5e9, '1h1m1.5s'], [9_007_199_253_692_400, '2501h59m59.2536924s']])('%d ns is %s', (nanoseconds, text) => {
    expect(durationToText(nanoseconds)).toBe(text);
    expect(durationFromText(text)).toBe(nanoseconds);
  });

  it.each(['', '5', 'h', '1x', '1h-5m', '1..5s', '99999999999h'])('%p is no duration', (text) => {
    expect(durationFromText(text)).toBeUndefined();
  });
});

describe('durations go both ways', () => {
  it('for every whole number of nanoseconds', () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (nanoseconds) => expect(durationFromText(durationToText(nanoseconds))).toBe(nanoseconds)));
  });
});

describe('numbers or texts', () => {
  it.each<[number | string, number, boolean, number]>([[3, 10, true, 3], ['25%', 10, true, 3], ['25%', 10, false, 2], ['100%', 7, false, 7], ['0%', 7, true, 0]])('%p of %d', (value, total, up, expected) => {
    expect(intOrPercent(intOrString(value), total, up)).toBe(expected);
    expect(intOrStringValue(intOrString(value))).toBe(value);
  });

  it('text that is no percentage is an error', () => {
    expect(() => intOrPercent(intOrString('x'), 1, true)).toThrow('not a percentage');
  });
});

describe('ages as kubectl prints them', () => {
  const minute = 60;
  const hour = 60 * minute;
  const day = 24 * hour;
  it.each([
    [-2, '<invalid>'], [-1, '0s'], [0, '0s'], [119, '119s'], [120, '2m'], [130, '2m10s'], [10 * minute, '10m'], [179 * minute, '179m'], [3 * hour, '3h'], [3 * hour + 300, '3h5m'],
    [8 * hour, '8h'], [47 * hour, '47h'], [48 * hour, '2d'], [50 * hour, '2d2h'], [8 * day, '8d'], [729 * day, '729d'], [730 * day, '2y'], [735 * day, '2y5d'], [8 * 365 * day, '8y'],
  ])('%d seconds is %s', (seconds, text) => {
    expect(durationText(seconds * 1000)).toBe(text);
  });

  it('without a time it is unknown', () => {
    expect(ageText(undefined, 5)).toBe('<unknown>');
    expect(ageText({ seconds: 1 }, 6000)).toBe('5s');
  });
});
