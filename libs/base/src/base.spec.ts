import fc from 'fast-check';

import {
  ApiError, backoffDelayMs, BoundedQueue, deferred, hasReason, isApiError, isConflict, randomInt, randomNameSuffix, randomUuid,
  seededRandom, systemRandom, toError, traceIdOf,
} from './index';

describe('ApiError', () => {
  it('is known by its brand, so that errors of another copy of the module count too', () => {
    const foreign = Object.assign(new Error('x'), { [Symbol.for('navarch.ApiError')]: true, reason: 'Conflict' });
    expect(isApiError(foreign)).toBe(true);
    expect(isConflict(foreign)).toBe(true);
    expect(isApiError(new Error('x'))).toBe(false);
    expect(isApiError(undefined)).toBe(false);
  });

  it('carries reason, code, details and cause', () => {
    const cause = new Error('below');
    const error = new ApiError('Invalid', 'bad', { name: 'p' }, { cause });
    expect([error.code, error.details.name, error.cause]).toEqual([422, 'p', cause]);
    expect(hasReason(error, 'Conflict', 'Invalid')).toBe(true);
    expect(hasReason(error, 'Conflict')).toBe(false);
  });

  it('makes an Error of whatever was thrown', () => {
    expect(toError('text').message).toBe('text');
  });
});

describe('random sources', () => {
  it('repeats by seed', () => {
    const draw = (seed: number): number[] => { const random = seededRandom(seed); return [random.next(), random.next(), ...random.bytes(3)]; };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  it('draws within bounds', () => {
    fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 1_000_000 }), (seed, bound) => {
      const value = randomInt(seededRandom(seed), bound);
      return Number.isInteger(value) && value >= 0 && value < bound;
    }));
  });

  it.each([['seeded', seededRandom(1)], ['system', systemRandom]])('makes version 4 UUIDs and name suffixes (%s)', (_name, random) => {
    expect(randomUuid(random)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(randomNameSuffix(random)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });
});

describe('BoundedQueue', () => {
  const collect = async <T>(queue: BoundedQueue<T>): Promise<T[]> => {
    const items: T[] = [];
    for await (const item of queue) items.push(item);
    return items;
  };

  it('hands over in order, what was pushed before and after the reader came', async () => {
    const queue = new BoundedQueue<number>(10);
    queue.push(1);
    const read = collect(queue);
    await Promise.resolve();
    queue.push(2);
    queue.push(3);
    queue.end();
    expect(await read).toEqual([1, 2, 3]);
  });

  it('refuses what does not fit and what comes after the end', () => {
    const queue = new BoundedQueue<number>(1);
    expect([queue.push(1), queue.push(2)]).toEqual([true, false]);
    queue.end();
    expect(queue.push(3)).toBe(false);
  });

  it('fails the reader after the items inside, or at once when told to discard them', async () => {
    const kept = new BoundedQueue<number>(5);
    kept.push(1);
    kept.fail(new Error('cut'));
    const seen: number[] = [];
    await expect((async () => { for await (const item of kept) seen.push(item); })()).rejects.toThrow('cut');
    expect(seen).toEqual([1]);
    const discarded = new BoundedQueue<number>(5);
    discarded.push(1);
    discarded.fail(new Error('cut'), true);
    await expect(collect(discarded)).rejects.toThrow('cut');
  });

  it('keeps order over any mix of pushes and reads', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 3_000 }), async (steps) => {
      const queue = new BoundedQueue<number>(10_000);
      const reader = queue[Symbol.asyncIterator]();
      const read: number[] = [];
      let pushed = 0;
      for (const isPush of steps) {
        if (isPush) queue.push(pushed++);
        else if (read.length < pushed) read.push((await reader.next()).value as number);
      }
      expect(read).toEqual(Array.from({ length: read.length }, (_, index) => index));
    }), { numRuns: 20 });
  });

  it('refuses pushes once its reader has left', async () => {
    const queue = new BoundedQueue<number>(5);
    queue.push(1);
    for await (const _item of queue) break;
    expect(queue.push(2)).toBe(false);
  });
});

describe('small tools', () => {
  it('doubles the back-off up to its maximum, jitter only shortens', () => {
    const options = { initialMs: 10, maxMs: 60 };
    expect([1, 2, 3, 4, 5000].map((failures) => backoffDelayMs(failures, options))).toEqual([10, 20, 40, 60, 60]);
    fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 100 }), (seed, failures) => {
      const delay = backoffDelayMs(failures, { ...options, jitter: 0.5 }, seededRandom(seed));
      return delay <= 60 && delay >= 5;
    }));
  });

  it('resolves and rejects a deferred from outside', async () => {
    const good = deferred<number>();
    good.resolve(1);
    await expect(good.promise).resolves.toBe(1);
    const bad = deferred<number>();
    bad.reject(new Error('no'));
    await expect(bad.promise).rejects.toThrow('no');
  });

  it.each([
    ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '0af7651916cd43dd8448eb211c80319c'],
    ['00-00000000000000000000000000000000-b7ad6b7169203331-01', undefined],
    ['nonsense', undefined],
    [undefined, undefined],
  ])('reads the trace id of %s', (traceparent, id) => {
    expect(traceIdOf(traceparent)).toBe(id);
  });
});
