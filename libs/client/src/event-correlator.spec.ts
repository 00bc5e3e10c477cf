import type { ObjectReference } from '@navarch/proto/k8s/io/api/core/v1/core';

import { EventCorrelator } from './event-correlator';

const pod: ObjectReference = { kind: 'Pod', namespace: 'default', name: 'web', uid: '1' };
const started = (message: string, regarding = pod, reason = 'Started') => ({ regarding, type: 'Normal' as const, reason, message });

describe('event correlation', () => {
  it('the same occurrence again counts up one series and keeps its first time', () => {
    const correlator = new EventCorrelator();
    expect(correlator.correlate(started('m'), 1000)).toMatchObject({ count: 1, firstMs: 1000, lastMs: 1000 });
    expect(correlator.correlate(started('m'), 5000)).toMatchObject({ count: 2, firstMs: 1000, lastMs: 5000 });
    expect(correlator.correlate(started('m', { ...pod, uid: '2' }), 5000)).toMatchObject({ count: 1 });
    expect(correlator.correlate(started('m', pod, 'Killed'), 5000)).toMatchObject({ count: 1 });
  });

  it('from the eleventh message of one reason on they share one series, for ten minutes', () => {
    const correlator = new EventCorrelator();
    const messages = Array.from({ length: 12 }, (_, n) => correlator.correlate(started(`m${n}`), 1000));
    expect(messages.slice(0, 10).every((series) => series?.count === 1 && !series.occurrence.message.startsWith('(combined'))).toBe(true);
    expect(messages.slice(10).map((series) => [series?.count, series?.occurrence.message])).toEqual([
      [1, '(combined from similar events): m10'], [2, '(combined from similar events): m11'],
    ]);
    expect(correlator.correlate(started('m99'), 1000 + 600_000)?.occurrence.message).toBe('m99');
  });

  it('one object gets 25 at once, then one per five minutes; others are not held back by it', () => {
    const correlator = new EventCorrelator();
    const accepted = (): boolean => correlator.correlate(started('m'), now) !== undefined;
    let now = 0;
    expect(Array.from({ length: 30 }, accepted).filter(Boolean)).toHaveLength(25);
    expect(correlator.correlate(started('m', { ...pod, uid: '2' }), now)).toBeDefined();
    now = 299_999;
    expect(accepted()).toBe(false);
    now = 300_001;
    expect([accepted(), accepted()]).toEqual([true, false]);
  });
});
