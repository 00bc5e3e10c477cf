import { jobs } from '@navarch/api';

import { JobBed } from '../job/execution/testing';
import { msToLive } from './ttl-after-finished.controller';

describe('ttlSecondsAfterFinished', () => {
  const finished = (type: string, ttl?: number) => ({ spec: { ttlSecondsAfterFinished: ttl }, status: { conditions: [{ type, status: 'True', lastTransitionTime: { seconds: 100 } }] } });
  it.each([
    ['of a complete job counts from its end', finished('Complete', 10), 104_000, 6_000],
    ['of a failed one as well', finished('Failed', 10), 104_000, 6_000],
    ['that is over leaves nothing', finished('Failed', 10), 200_000, 0],
    ['of none lets it stay', finished('Complete'), 200_000, undefined],
    ['does not begin before the end', finished('FailureTarget', 10), 200_000, undefined],
  ])('%s', (_, job, nowMs, leftMs) => {
    expect(msToLive(job, nowMs)).toBe(leftMs);
  });

  it('deletes the job when it is over, not before, and not when it was prolonged', async () => {
    const bed = new JobBed();
    await bed.start();
    await bed.run({ ttlSecondsAfterFinished: 60 });
    await bed.run({ ttlSecondsAfterFinished: 60 }, 'prolonged');
    await bed.run({}, 'kept');
    for (const pod of await bed.active()) await bed.end(pod, 0);
    const names = async () => (await bed.cluster.api.client.resource(jobs).list()).items.filter(({ metadata }) => !metadata?.deletionTimestamp).map(({ metadata }) => metadata?.name);
    await bed.clock.advance(58_000);
    expect(await names()).toHaveLength(3);
    await bed.change({ ttlSecondsAfterFinished: 600 }, 'prolonged');
    await bed.clock.advance(3_000);
    expect(await names()).toEqual(['prolonged', 'kept']);
    await bed.cluster.close();
  });
});
