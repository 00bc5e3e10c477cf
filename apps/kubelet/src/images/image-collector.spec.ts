import { seededRandom, silentLogger, VirtualClock } from '@navarch/base';
import { createFakeRuntime } from '@navarch/cri';

import { ImageCollector } from './image-collector';

const [old, recent, used] = ['r.test/old:1', 'r.test/recent:1', 'r.test/used:1'] as [string, string, string];

function bed(more: { free?: number; images?: string[]; lowPercent?: number } = {}) {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1), () => Promise.resolve());
  const runtime = createFakeRuntime({ clock, random: seededRandom(1), images: more.images ?? [old, used], behaviour: {} });
  const state = { free: more.free ?? 50_000_000 };
  const reports: string[] = [];
  const forgotten: string[] = [];
  const collector = new ImageCollector({
    runtime, clock, logger: silentLogger, highPercent: 85, lowPercent: more.lowPercent ?? 80, minAgeMs: 120_000, images: { forgetImage: (id) => forgotten.push(id) },
    host: { usage: () => Promise.resolve({ storageBytes: 100_000_000, storageAvailableBytes: state.free, memoryAvailableBytes: 0, processes: 0, maxProcesses: 0, cpuNanoseconds: 0, memoryWorkingSetBytes: 0 }) },
    report: (_type, reason) => reports.push(reason),
  });
  const tags = async (): Promise<string[]> => (await runtime.listImages()).flatMap(({ repoTags = [] }) => repoTags).sort();
  const use = (image: string) => jest.spyOn(runtime, 'listContainers').mockResolvedValue(image === '' ? [] : [{ id: 'c', image: { image } }]);
  return { clock, runtime, state, reports, forgotten, collector, tags, use };
}

it('nothing goes while the disk has room', async () => {
  const { collector, clock, tags } = bed();
  await collector.collect();
  await clock.advance(600_000);
  await collector.collect();
  expect(await tags()).toEqual([old, used]);
});

it('above the high threshold images go that no container has, but none that is young', async () => {
  const { collector, clock, tags, use, state, forgotten, runtime } = bed();
  use(used);
  await collector.collect();
  await clock.advance(119_000);
  await runtime.pullImage(recent);
  state.free = 15_000_000;
  await collector.collect();
  expect(await tags()).toEqual([old, recent, used]);
  await clock.advance(1_000);
  await collector.collect();
  expect(await tags()).toEqual([recent, used]);
  expect(forgotten).toHaveLength(1);
});

it('those unused for longest go first, and only until the low threshold is reached', async () => {
  const { collector, clock, tags, use, state } = bed({ images: [old, recent], lowPercent: 84 });
  use(recent);
  await collector.collect();
  use('');
  await clock.advance(200_000);
  // A megabyte is wanted: one image is enough.
  state.free = 15_000_000;
  await collector.collect();
  expect(await tags()).toEqual([recent]);
});

it('where not enough can go, that is told', async () => {
  const { collector, clock, state, reports, use } = bed();
  use('');
  await collector.collect();
  await clock.advance(200_000);
  state.free = 1_000_000;
  await collector.collect();
  expect(reports).toEqual(['FreeDiskSpaceFailed']);
});
