import { seededRandom, VirtualClock } from '@navarch/base';
import fc from 'fast-check';

import { createWorkQueue, restlessAfter, type WorkQueue } from './work-queue';

const makeClock = (): VirtualClock => new VirtualClock(1_000_000, () => new Promise((resolve) => setImmediate(resolve)));

function setUp(options: { capacity?: number; initialBackoffMs?: number; maxBackoffMs?: number } = {}): { clock: VirtualClock; queue: WorkQueue<string> } {
  const clock = makeClock();
  return { clock, queue: createWorkQueue<string>({ clock, random: seededRandom(1), ...options }) };
}

describe('work queue', () => {
  it('hands out keys in the order they came, each once however often it was added', async () => {
    const { queue } = setUp();
    for (const key of ['a', 'b', 'a', 'c', 'b']) expect(queue.add(key)).toBe(true);
    expect([await queue.take(), await queue.take(), await queue.take(), queue.size]).toEqual(['a', 'b', 'c', 0]);
  });

  it('never gives one key to two workers: an add while it is in hand brings it back after done', async () => {
    const { queue } = setUp();
    queue.add('a');
    expect(await queue.take()).toBe('a');
    queue.add('a');
    queue.add('a');
    expect(queue.size).toBe(0);
    queue.done('a');
    expect(queue.size).toBe(1);
    expect(await queue.take()).toBe('a');
    queue.done('a');
    expect(queue.size).toBe(0);
  });

  it('gives a waiting worker the next key', async () => {
    const { queue } = setUp();
    const taking = [queue.take(), queue.take()];
    queue.add('a');
    queue.add('b');
    expect(await Promise.all(taking)).toEqual(['a', 'b']);
  });

  it('a worker whose signal aborts gets nothing, and the key that woke it goes to another', async () => {
    const { queue } = setUp();
    const stop = new AbortController();
    const first = queue.take(stop.signal);
    const second = queue.take();
    queue.add('a');
    stop.abort(new Error('stop'));
    expect(await first).toBeUndefined();
    expect(await second).toBe('a');
  });

  it('an aborted worker leaves no trace behind', async () => {
    const { queue } = setUp();
    const stop = new AbortController();
    const taking = queue.take(stop.signal);
    stop.abort(new Error('stop'));
    expect(await taking).toBeUndefined();
    queue.add('a');
    expect(await queue.take()).toBe('a');
  });

  it('addAfter waits, and of several delays the earliest counts', async () => {
    const { clock, queue } = setUp();
    queue.addAfter('a', 500);
    queue.addAfter('a', 200);
    queue.addAfter('a', 900);
    await clock.advance(199);
    expect(queue.size).toBe(0);
    await clock.advance(1);
    expect(await queue.take()).toBe('a');
    queue.done('a');
    await clock.advance(1000);
    expect([queue.size, clock.pending]).toEqual([0, 0]);
  });

  it('an add overtakes a delay of the same key', async () => {
    const { clock, queue } = setUp();
    queue.addAfter('a', 500);
    queue.add('a');
    expect([await queue.take(), clock.pending]).toEqual(['a', 0]);
  });

  it('backs off per key, longer each time up to the cap, with jitter, and anew after forget', () => {
    const { queue } = setUp({ initialBackoffMs: 100, maxBackoffMs: 1000 });
    const delays = Array.from({ length: 8 }, () => queue.retry('a') ?? NaN);
    delays.forEach((delay, index) => {
      const full = Math.min(1000, 100 * 2 ** index);
      expect(delay).toBeGreaterThanOrEqual(full * 0.8);
      expect(delay).toBeLessThanOrEqual(full);
    });
    expect(new Set(delays).size).toBe(8);
    expect(queue.failures('a')).toBe(8);
    expect(queue.retry('b')).toBeLessThanOrEqual(100);
    queue.forget('a');
    expect([queue.failures('a'), queue.retry('a')]).toEqual([0, expect.any(Number)]);
    expect(queue.failures('a')).toBe(1);
  });

  it('a key that fails again and again is looked at once a second at most, though each attempt brings the event that wakes it', async () => {
    const { clock, queue } = setUp();
    let attempts = 0;
    const failing = (async (): Promise<void> => {
      for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
        attempts += 1;
        queue.add(key);
        queue.retry(key);
        queue.done(key);
      }
    })();
    queue.add('a');
    await clock.advance(60_000);
    expect(attempts).toBeGreaterThan(restlessAfter);
    expect(attempts).toBeLessThanOrEqual(restlessAfter + 1 + 60);
    await queue.close();
    await failing;
  });

  it('after a success an event brings such a key at once again', async () => {
    const { queue } = setUp();
    for (let failures = 0; failures < restlessAfter; failures += 1) queue.retry('a');
    queue.add('a');
    expect(queue.size).toBe(0);
    queue.forget('a');
    queue.add('a');
    expect(await queue.take()).toBe('a');
  });

  it('refuses new keys when full, but takes those that wait already', async () => {
    const { queue } = setUp({ capacity: 2 });
    expect([queue.add('a'), queue.addAfter('b', 50), queue.add('c'), queue.addAfter('d', 5), queue.retry('e')]).toEqual([true, true, false, false, undefined]);
    expect([queue.add('a'), queue.add('b')]).toEqual([true, true]);
    expect(await queue.take()).toBe('a');
    expect(queue.add('c')).toBe(true);
  });

  it('close drains: what is ready is still handed out, what is delayed is dropped, and it waits for what is in hand', async () => {
    const { clock, queue } = setUp();
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 10);
    await queue.take();
    let closed = false;
    const closing = queue.close().then(() => (closed = true));
    expect([queue.add('d'), clock.pending]).toEqual([false, 0]);
    queue.done('a');
    expect(await queue.take()).toBe('b');
    await clock.advance(0);
    expect(closed).toBe(false);
    queue.done('b');
    await closing;
    expect(await queue.take()).toBeUndefined();
  });

  it('close with discard drops what is ready and lets waiting workers go', async () => {
    const { queue } = setUp();
    const taking = queue.take();
    const closing = queue.close({ discard: true });
    expect(await taking).toBeUndefined();
    await closing;
    expect(await queue.take()).toBeUndefined();
  });

  it('law: whatever is added and retried, each accepted key is worked at least once after its last add, never twice at a time', async () => {
    const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), delayMs: fc.constantFrom(0, 1, 5, 50), pauseMs: fc.constantFrom(0, 0, 3, 20), fails: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 3 }), async (steps, workers) => {
        const { clock, queue } = setUp();
        const inHand = new Set<string>();
        const pending = new Map<string, number>();
        const work = async (): Promise<void> => {
          for (let key = await queue.take(); key !== undefined; key = await queue.take()) {
            expect(inHand.has(key)).toBe(false);
            inHand.add(key);
            const seen = pending.get(key) ?? 0;
            await new Promise<void>((resolve) => clock.setTimer(2, resolve));
            if (pending.get(key) === seen) pending.delete(key);
            inHand.delete(key);
            queue.done(key);
          }
        };
        const running = Array.from({ length: workers }, work);
        for (const { key, delayMs, pauseMs, fails } of steps) {
          pending.set(key, (pending.get(key) ?? 0) + 1);
          if (fails) queue.retry(key);
          else queue.addAfter(key, delayMs);
          await clock.advance(pauseMs);
        }
        await clock.advance(1_000_000);
        await queue.close();
        await Promise.all(running);
        expect([...pending.keys()]).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
