import { ApiError, VirtualClock, type Logger } from '@navarch/base';

import { createMemoryLog, floorFor, runCompactor, type ObjectLog } from './index';
import { put } from './testing/harness';

const policy = { intervalMs: 60_000, keepMs: 300_000, keepVersions: 10 };
const newClock = (): VirtualClock => new VirtualClock(1_700_000_000_000, () => new Promise((resolve) => { setImmediate(resolve); }));

describe('floorFor', () => {
  it.each([
    ['nothing is known', [], 1_000_000, undefined],
    ['nothing is old enough', [[0, 500]], 299_999, undefined],
    ['history of the kept time stays', [[0, 500], [60_000, 600], [360_000, 900]], 360_000, 600],
    ['the kept versions stay though they are old', [[0, 500], [400_000, 505]], 400_000, 495],
    ['there are no more versions than are kept', [[0, 4], [400_000, 5]], 400_000, undefined],
  ] as const)('when %s', (_when, samples, nowMs, floor) => {
    expect(floorFor(samples.map(([atMs, sequence]) => ({ atMs, sequence })), policy, nowMs)).toBe(floor);
  });
});

describe('runCompactor', () => {
  it('compacts what is older than the policy keeps, and stops with its signal', async () => {
    const clock = newClock();
    const log = createMemoryLog({ clock });
    const controller = new AbortController();
    const running = runCompactor({ log, clock, policy, signal: controller.signal });
    let sequence = await put(log, 'a', 'create', 0);
    for (let minute = 0; minute < 20; minute++) {
      sequence = await put(log, 'a', 'update', sequence);
      await clock.advance(60_000);
    }
    const oldest = await log.stream.firstFrom('kube._.pods.default.a', 1);
    expect(clock.now() - (oldest?.timeMs ?? 0)).toBeGreaterThanOrEqual(policy.keepMs);
    expect(clock.now() - (oldest?.timeMs ?? 0)).toBeLessThan(policy.keepMs + 5 * policy.intervalMs);
    controller.abort();
    await clock.advance(policy.intervalMs);
    await running;
    expect(clock.pending).toBe(0);
  });

  it('tries again at the next interval after a failure, and tells it', async () => {
    const clock = newClock();
    const inner = createMemoryLog({ clock });
    let failures = 2;
    const log: ObjectLog = { ...inner, compact: (floor, options) => (failures-- > 0 ? Promise.reject(new ApiError('Conflict', 'another')) : inner.compact(floor, options)) };
    const controller = new AbortController();
    const warnings: unknown[] = [];
    const infos: unknown[] = [];
    const logger: Logger = { debug: () => undefined, info: (message) => infos.push(message), warn: (message, fields) => warnings.push([message, fields?.['otherCompactor']]), error: () => undefined, child: () => logger };
    const running = runCompactor({ log, clock, logger, policy: { intervalMs: 1_000, keepMs: 1_000, keepVersions: 0 }, signal: controller.signal });
    await clock.advanceUntil(() => infos.length > 0, 600_000);
    expect(warnings).toEqual([['log compaction failed', true], ['log compaction failed', true]]);
    controller.abort();
    await clock.advance(1_000);
    await running;
  });
});
