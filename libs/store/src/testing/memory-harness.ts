import { seededRandom, VirtualClock } from '@navarch/base';

import { createMemoryLog, createObjectLog, MemoryStream, withFaults, type LogStream } from '../index';
import type { LogHarness, OpenLog } from './harness';

const virtualLimitMs = 10 * 60_000;

/** Logs in memory under a virtual clock, which runs only while a test waits. */
export function createMemoryHarness(seed = 1): LogHarness {
  const clock = new VirtualClock(1_700_000_000_000, () => new Promise((resolve) => { setImmediate(resolve); }));
  const stream = new MemoryStream(clock);
  const random = seededRandom(seed);
  return {
    clock, stream,
    open: async ({ wrap, ...options } = {}): Promise<OpenLog> => {
      if (!wrap) return createMemoryLog({ clock, random, stream, ...options });
      const line = withFaults(wrap(stream) satisfies LogStream, { clock, random });
      return { ...createObjectLog({ stream: line, clock, random, ...options }), line };
    },
    openEvents: async () => createMemoryLog({ clock, random, subjectPrefix: 'events' }),
    recreate: async (firstSequence) => stream.recreate(firstSequence),
    run: async (promise) => {
      let settled = false;
      promise.then(() => { settled = true; }, () => { settled = true; });
      for (const endMs = clock.now() + virtualLimitMs; !settled; await clock.advance(5)) {
        if (clock.now() > endMs) throw new Error('nothing happened for ten virtual minutes');
      }
      return promise;
    },
    close: async () => undefined,
  };
}
