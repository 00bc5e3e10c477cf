/** Pods whose containers end at once: how they ended is told once and truly, however late the API hears of it. */
import { ApiError } from '@navarch/base';
import type { Pod, PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { outcomeOf } from './pod/outcome';
import { observedPod, type ObservedContainer } from './pod/observed';
import { createRig, isReadyPod, testImage, type Rig } from './testing/rig';

const once = (...names: string[]): PodSpec => ({ restartPolicy: 'Never', containers: names.map((name) => ({ name, image: testImage })) });

describe('a pod whose API is slow to hear that it has ended', () => {
  let rig: Rig;
  afterEach(() => rig.close());

  it.each([[0, 'Succeeded'], [3, 'Failed']])('that exited with %i is %s, though its sandbox is stopped before that is written', async (exitCode, phase) => {
    rig = await createRig({ behaviour: { plan: () => ({ exitAfterMs: 1_000, exitCode }) } });
    await rig.createPod(once('main'));
    await rig.until(isReadyPod);
    rig.api.failNext('updateStatus', new ApiError('Unavailable', 'later'), { plural: 'pods' });
    const ended = await rig.until(({ status }) => status?.phase !== 'Running');
    expect(ended.status?.phase).toBe(phase);
    await rig.clock.advance(10_000);
    expect((await rig.pod()).status).toMatchObject({ phase, containerStatuses: [{ state: { terminated: { exitCode } } }] });
    expect(rig.runtime.starts).toHaveLength(1);
  });
});

describe('the outcome of a pod that never restarts, its sandbox gone', () => {
  const ended = (name: string, exitCode: number): ObservedContainer => ({
    id: name, name, sandboxId: 's0', attempt: 0, state: 'exited', exitCode, createdAtMs: 0, reason: '', message: '', restartCount: 0, backoffStep: 0, hash: '', image: '', imageRef: '',
  });
  const outcome = (names: readonly string[], ...containers: readonly ObservedContainer[]): string =>
    outcomeOf({ spec: once(...names) } satisfies Pod, observedPod([{ id: 's0', attempt: 0, ready: false, addresses: [], createdAtMs: 0 }], containers), {});

  it.each<[string, string, string]>([
    ['Succeeded where all its containers ended well', 'Succeeded', outcome(['a', 'b'], ended('a', 0), ended('b', 0))],
    ['Failed where one of them did not', 'Failed', outcome(['a', 'b'], ended('a', 0), ended('b', 1))],
    ['Failed where one never began: a second sandbox does not go on with the work of the first', 'Failed', outcome(['a', 'b'], ended('a', 0))],
    ['open where none began: it can still run once', 'open', outcome(['a', 'b'])],
  ])('is %s', (_what, expected, actual) => {
    expect(actual).toBe(expected);
  });
});
