import fc from 'fast-check';

import { isPodTerminal } from '@navarch/api';
import type { JobSpec } from '@navarch/proto/k8s/io/api/batch/v1/batch';

import { dyingAt, jobProcess, lagging } from './faulty-process';
import { JobBed } from './testing';

/** How the pods end that a job gets, one after another; well, beyond the list. */
type Ends = readonly number[];

interface Outcome {
  readonly succeeded: number | undefined;
  readonly failed: number | undefined;
  readonly conditions: readonly string[];
  /** Pods that the test has ended. */
  readonly ended: { readonly well: number; readonly badly: number };
  readonly mostActive: number;
}

/** Ends one active pod after another until the job is finished. */
async function work(bed: JobBed, ends: Ends, maxRounds = 60): Promise<Outcome> {
  const ended = { well: 0, badly: 0 };
  let mostActive = 0;
  for (let round = 0; round < maxRounds; round++) {
    const active = await bed.active();
    mostActive = Math.max(mostActive, active.length);
    const [pod] = active;
    if (pod) {
      const code = ends[ended.well + ended.badly] ?? 0;
      await bed.end(pod, code);
      ended[code === 0 ? 'well' : 'badly']++;
    } else {
      for (const going of (await bed.pods()).filter((each) => each.metadata?.deletionTimestamp && !isPodTerminal(each))) await bed.bury(going);
    }
    // Longer than the back-off of few failures.
    await bed.clock.advance(45_000);
    const conditions = await bed.conditions();
    if (conditions.some((condition) => /^(Complete|Failed) /.test(condition))) {
      const { succeeded, failed } = (await bed.job()).status ?? {};
      return { succeeded, failed, conditions, ended, mostActive };
    }
  }
  throw new Error(`the job has not ended: ${JSON.stringify((await bed.job()).status)}`);
}

const spec: JobSpec = { completions: 3, parallelism: 2, backoffLimit: 20 };
const indexed: JobSpec = { ...spec, completionMode: 'Indexed', backoffLimitPerIndex: 5 };
/** A count of none is absent. */
const orZero = (count: number): number | undefined => (count === 0 ? undefined : count);

/** Runs the job with a process that dies at its n-th write, whereupon another takes over; undefined where it never came to that write. */
async function runDying(job: JobSpec, ends: Ends, n: number, landed: boolean): Promise<Outcome | undefined> {
  const bed = new JobBed();
  const second = jobProcess(bed.cluster);
  const dying = dyingAt(bed.cluster.api.client, n, landed, () => second.lead());
  const first = jobProcess(bed.cluster, dying.client);
  first.lead();
  await bed.run(job);
  const outcome = await work(bed, ends);
  await Promise.all([first.stop(), second.stop()]);
  return dying.died() ? outcome : undefined;
}

describe('a Job whose controller dies', () => {
  it.each([['NonIndexed', spec], ['Indexed', indexed]])('%s: at any write, before or after it has landed, each pod is counted once and no more run than should', async (_, job) => {
    let crashes = 0;
    for (const landed of [false, true]) {
      for (let n = 1; ; n++) {
        const outcome = await runDying(job, [0, 1, 0, 1], n, landed);
        if (!outcome) break;
        crashes++;
        expect({ n, landed, ...outcome }).toMatchObject({ succeeded: outcome.ended.well, failed: outcome.ended.badly, mostActive: 2, conditions: [expect.anything(), 'Complete CompletionsReached'] });
      }
    }
    // Pods made, counted, freed, twice over: with fewer writes than these the test has tested nothing.
    expect(crashes).toBeGreaterThan(40);
  }, 60_000);
});

describe('two leaders of one Job', () => {
  it('whose caches are behind by different times count each pod once, and run no more than should', async () => {
    // Never none for jobs: two that see different pods would contradict each other without end before time goes on.
    const delays = fc.record({ pods: fc.constantFrom(0, 5, 700, 3_000), jobs: fc.constantFrom(50, 700, 3_000) });
    await fc.assert(fc.asyncProperty(delays, delays, fc.array(fc.constantFrom(0, 1), { maxLength: 5 }), fc.boolean(), async (one, other, ends, isIndexed) => {
      const bed = new JobBed();
      const leaders = [one, other].map((delaysMs) => jobProcess(bed.cluster, lagging(bed.cluster.api.client, bed.clock, delaysMs)));
      for (const leader of leaders) leader.lead();
      await bed.run(isIndexed ? indexed : spec);
      const outcome = await work(bed, ends);
      await bed.clock.advance(60_000);
      const { status } = await bed.job();
      const stopped = Promise.all(leaders.map((leader) => leader.stop()));
      await bed.clock.advance(20_000);
      await stopped;
      expect([status?.succeeded, status?.failed, outcome.mostActive]).toEqual([orZero(outcome.ended.well), orZero(outcome.ended.badly), 2]);
    }), { numRuns: 15, endOnFailure: true });
  }, 60_000);
});
