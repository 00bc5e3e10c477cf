/** The kubelet against everything that can go wrong below it, under the virtual clock: each seed replays. */
import { pods } from '@navarch/api';
import { ApiError, randomInt, seededRandom, type Random } from '@navarch/base';
import type { ContainerRuntime, FakeBehaviour } from '@navarch/cri';

import { createRig, isReadyPod, testImage, type Rig } from './testing/rig';

const calls: readonly (keyof ContainerRuntime)[] = [
  'runPodSandbox', 'podSandboxStatus', 'imageStatus', 'pullImage', 'createContainer', 'startContainer', 'containerStatus', 'listPodSandboxes', 'listContainers',
  'stopContainer', 'stopPodSandbox', 'removePodSandbox', 'removeContainer', 'health', 'version',
];
const reasons = ['Timeout', 'Unavailable', 'Internal'] as const;

async function livesAndDies(rig: Rig): Promise<void> {
  await rig.createPod({
    initContainers: [{ name: 'init', image: testImage }], containers: [{ name: 'main', image: 'docker.io/library/pulled:1' }, { name: 'other', image: testImage }], terminationGracePeriodSeconds: 5,
  });
  await rig.until(isReadyPod, 'web', 400_000);
  expect(rig.runtime.mostAtOnce).toBe(1);
  await rig.api.client.resource(pods).delete('default', 'web');
  await rig.untilGone('web', 400_000);
  await rig.clock.advance(60_000);
  expect(await rig.runtime.listPodSandboxes()).toEqual([]);
  expect(await rig.runtime.listContainers()).toEqual([]);
  expect(await rig.host.files.list('/var/lib/kubelet/pods')).toEqual([]);
}

const plan: FakeBehaviour['plan'] = ({ metadata }) => (metadata?.name === 'init' ? { exitAfterMs: 300 } : {});

describe.each(calls)('when %s fails', (name) => {
  it.each(reasons.flatMap((reason) => [[reason, 'before it was done', false], [reason, 'after it was done', true]] as const))(
    'the first time, %s, %s: the pod still runs once, and goes without a trace', async (reason, _when, after) => {
      let left = 1;
      const rig = await createRig({
        behaviour: { plan, fault: (call) => (call.name === name && left-- > 0 ? { error: new ApiError(reason, `injected into ${call.name}`), after } : undefined) },
      });
      await livesAndDies(rig);
      expect(rig.runtime.starts.filter(({ name: container }) => container !== 'init').map(({ name: container }) => container).sort()).toEqual(
        // A start whose answer was lost is a start: the container runs, and is found running.
        ['main', 'other'],
      );
      await rig.close();
    },
  );
});

describe('when everything fails at random', () => {
  const seeds = Array.from({ length: 40 }, (_unused, index) => index + 1);

  it.each(seeds)('seed %i: calls fail and lose answers, runtime and kubelet crash; never two containers of one name, and in the end one of each runs', async (seed) => {
    const random = seededRandom(seed);
    let quiet = false;
    const rig = await createRig({
      seed, behaviour: {
        plan: ({ metadata }) => (metadata?.name === 'init' ? { exitAfterMs: 300 } : { onTerm: { exitCode: 0, afterMs: randomInt(random, 3_000) } }),
        fault: () => (quiet ? undefined : anyFault(random)),
      },
    });
    const client = rig.api.client.resource(pods);
    for (const name of ['a', 'b', 'c']) {
      await rig.createPod({ initContainers: [{ name: 'init', image: testImage }], containers: [{ name: 'main', image: testImage }], terminationGracePeriodSeconds: 5 }, name);
    }
    for (let round = 0; round < 12; round += 1) {
      await rig.clock.advance(randomInt(random, 4_000));
      const dice = random.next();
      if (dice < 0.25) {
        rig.runtime.crash();
        await rig.clock.advance(randomInt(random, 5_000));
        rig.runtime.restart();
      } else if (dice < 0.5) await rig.restartKubelet();
      else if (dice < 0.6) await client.delete('default', 'c').catch(() => undefined);
    }
    quiet = true;
    for (const name of ['a', 'b']) await rig.until(isReadyPod, name, 600_000);
    expect(rig.runtime.mostAtOnce).toBe(1);
    for (const name of ['a', 'b', 'c']) await client.delete('default', name).catch(() => undefined);
    for (const name of ['a', 'b', 'c']) await rig.untilGone(name, 400_000);
    await rig.clock.advance(60_000);
    expect([await rig.runtime.listPodSandboxes(), await rig.runtime.listContainers(), await rig.host.files.list('/var/lib/kubelet/pods')]).toEqual([[], [], []]);
    await rig.close();
  });
});

function anyFault(random: Random): { delayMs?: number; error?: Error; after?: boolean } | undefined {
  const dice = random.next();
  const delayMs = randomInt(random, 200);
  if (dice < 0.1) return { delayMs, error: new ApiError(reasons[randomInt(random, reasons.length)] ?? 'Timeout', 'injected'), after: random.next() < 0.5 };
  return dice < 0.5 ? { delayMs } : undefined;
}
