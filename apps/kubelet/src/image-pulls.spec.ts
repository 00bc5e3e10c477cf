import { secrets } from '@navarch/api';
import { ApiError } from '@navarch/base';

import { createRig, isPhase, isReadyPod, waitsFor, type Rig } from './testing/rig';

const image = 'registry.test/team/app:1';
let rig: Rig;
beforeEach(async () => {
  rig = await createRig({ images: [] });
});
afterEach(() => rig.close());

const makeSecret = (name: string, username: string) => rig.api.client.resource(secrets).create({
  metadata: { namespace: 'default', name }, type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths: { 'registry.test': { username, password: `${username}-secret` } } })) },
});
const makePod = (names: string[], name = 'web') => rig.createPod({ containers: [{ name: 'main', image }], imagePullSecrets: names.map((each) => ({ name: each })) }, name);

/** A registry that lets these users in, and remembers who came. */
function registryFor(allowed: readonly string[]): (string | undefined)[] {
  const seen: (string | undefined)[] = [];
  const pull = rig.runtime.pullImage.bind(rig.runtime);
  jest.spyOn(rig.runtime, 'pullImage').mockImplementation((name, options) => {
    seen.push(options?.auth?.username);
    return allowed.includes(options?.auth?.username ?? '') ? pull(name, options) : Promise.reject(new ApiError('Internal', 'authorization failed: no basic auth credentials'));
  });
  return seen;
}

describe('an image that wants credentials', () => {
  it('is pulled with those of the pod’s secrets that the registry takes', async () => {
    const seen = registryFor(['bob']);
    await makeSecret('a', 'ann');
    await makeSecret('b', 'bob');
    await makePod(['a', 'b']);
    await rig.until(isReadyPod);
    expect(seen).toEqual(['ann', 'bob']);
  });

  it('is tried without where a secret is missing, which is told; the pod starts once it is there', async () => {
    const seen = registryFor(['bob']);
    await makePod(['b']);
    await rig.until(waitsFor('ImagePullBackOff'));
    expect(seen[0]).toBeUndefined();
    expect(await rig.eventReasons()).toContain('FailedToRetrieveImagePullSecret: Unable to retrieve some image pull secrets (b); attempting to pull the image may not succeed.');
    await makeSecret('b', 'bob');
    await rig.until(isPhase('Running'));
  });

  it('does not come to a pod by what another pod knows, while both pull at once', async () => {
    const seen = registryFor(['bob']);
    await makeSecret('b', 'bob');
    await makePod(['b'], 'knows');
    await makePod([], 'does-not');
    await rig.until(isPhase('Running'), 'knows');
    expect(seen).toEqual(expect.arrayContaining(['bob', undefined]));
  });

  it('never shows its credentials in an event or a status', async () => {
    registryFor([]);
    await makeSecret('b', 'bob');
    await makePod(['b']);
    const pod = await rig.until(waitsFor('ImagePullBackOff'));
    expect(JSON.stringify([pod, await rig.eventReasons()])).not.toContain('bob-secret');
  });
});
