import { configMaps, serviceAccounts } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { Pod, PodSpec, ProjectedVolumeSource } from '@navarch/proto/k8s/io/api/core/v1/core';

import { createRig, isReadyPod, isPhase, testImage, type Rig } from './testing/rig';

let rig: Rig;
beforeEach(async () => {
  rig = await createRig();
});
afterEach(() => rig.close());

const minutes = 60_000;
const access: ProjectedVolumeSource = { defaultMode: 0o644, sources: [
  { serviceAccountToken: { path: 'token', expirationSeconds: 3_600 } },
  { configMap: { localObjectReference: { name: 'kube-root-ca.crt' }, items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
  { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
] };
const podSpec = (more: PodSpec = {}, projected = access): PodSpec => ({
  serviceAccountName: 'robot', containers: [{ name: 'main', image: testImage, volumeMounts: [{ name: 'access', mountPath: '/var/run/secrets' }] }],
  volumes: [{ name: 'access', volumeSource: { projected } }], ...more,
});
const makeAccount = (): Promise<unknown> => rig.api.client.resource(serviceAccounts).create({ metadata: { namespace: 'default', name: 'robot' } });
const publishRoot = (text = 'PEM 1'): Promise<unknown> => rig.api.client.resource(configMaps).create({ metadata: { namespace: 'default', name: 'kube-root-ca.crt' }, data: { 'ca.crt': text } });
const pathOf = ({ metadata }: Pod, file: string): string => `/var/lib/kubelet/pods/${metadata?.uid}/volumes/kubernetes.io~projected/access/${file}`;
const read = async (pod: Pod, file: string): Promise<string> => (await rig.host.files.read(pathOf(pod, file))).toString();

async function running(spec: PodSpec = podSpec()): Promise<Pod> {
  await makeAccount();
  await publishRoot();
  await rig.createPod(spec);
  return rig.until(isReadyPod);
}

describe('a projected volume', () => {
  it('holds a token bound to the pod, the authority and the namespace', async () => {
    const pod = await running();
    expect([await read(pod, 'token'), await read(pod, 'ca.crt'), await read(pod, 'namespace')]).toEqual([`token/1/robot/${pod.metadata?.uid}`, 'PEM 1', 'default']);
  });

  it('asks for the audience and life that the pod names', async () => {
    const spy = jest.spyOn(rig.api.client, 'createToken');
    const pod = await running(podSpec({}, { sources: [{ serviceAccountToken: { path: 'vault/token', audience: 'vault', expirationSeconds: 7_200 } }] }));
    expect(await read(pod, 'vault/token')).toBe(`token/1/robot/vault/${pod.metadata?.uid}`);
    expect(spy).toHaveBeenCalledWith('default', 'robot', { audiences: ['vault'], expirationSeconds: 7_200, boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'web', uID: pod.metadata?.uid } });
  });

  it('gets another token after 80 % of its life, and not before', async () => {
    const pod = await running();
    await rig.clock.advance(46 * minutes);
    expect(await read(pod, 'token')).toBe(`token/1/robot/${pod.metadata?.uid}`);
    await rig.clock.advance(4 * minutes);
    expect(await read(pod, 'token')).toBe(`token/2/robot/${pod.metadata?.uid}`);
  });

  it('keeps the old token while no new one can be had, and gets one later', async () => {
    const pod = await running();
    await rig.clock.advance(46 * minutes);
    const spy = jest.spyOn(rig.api.client, 'createToken').mockRejectedValue(new ApiError('Unavailable', 'no server'));
    await rig.clock.advance(4 * minutes);
    expect(spy).toHaveBeenCalled();
    expect(await read(pod, 'token')).toBe(`token/1/robot/${pod.metadata?.uid}`);
    spy.mockRestore();
    await rig.clock.advance(2 * minutes);
    expect(await read(pod, 'token')).toBe(`token/2/robot/${pod.metadata?.uid}`);
  });

  it('changes its files together when an object changes: one directory takes the place of the other', async () => {
    const pod = await running();
    const root = pathOf(pod, '').replace(/\/$/, '');
    const before = await rig.host.files.list(root);
    const client = rig.api.client.resource(configMaps);
    await client.update({ ...(await client.get('default', 'kube-root-ca.crt')), data: { 'ca.crt': 'PEM 2' } });
    await rig.clock.advance(2 * minutes);
    expect(await read(pod, 'ca.crt')).toBe('PEM 2');
    const after = await rig.host.files.list(root);
    expect([before.length, after.length]).toEqual([5, 5]);
    expect(after.filter((name) => !before.includes(name))).toHaveLength(1);
  });

  it('goes on changing after a refresh has failed', async () => {
    const pod = await running();
    rig.api.failNext('get', new ApiError('Unavailable', 'no server'), { plural: 'configmaps' });
    await rig.clock.advance(2 * minutes);
    expect(await rig.eventReasons()).toContainEqual(expect.stringMatching(/^FailedMount: .*no server/));
    const client = rig.api.client.resource(configMaps);
    await client.update({ ...(await client.get('default', 'kube-root-ca.crt')), data: { 'ca.crt': 'PEM 2' } });
    await rig.clock.advance(2 * minutes);
    expect(await read(pod, 'ca.crt')).toBe('PEM 2');
  });

  it('is read by the one user of the pod alone, and by its fsGroup', async () => {
    const pod = await running(podSpec({ securityContext: { runAsUser: 1000, fsGroup: 2000 } }));
    expect(rig.host.files.ownerOf(pathOf(pod, 'token'))).toEqual({ mode: 0o640, groupId: 2000, userId: 1000 });
    expect(rig.host.files.ownerOf(pathOf(pod, 'ca.crt'))).toEqual({ mode: 0o644, groupId: 2000 });
  });

  it('is open to all where several users share the pod', async () => {
    const pod = await running(podSpec({ containers: [1, 2].map((user) => ({ name: `c${user}`, image: testImage, securityContext: { runAsUser: user } })) }));
    expect(rig.host.files.ownerOf(pathOf(pod, 'token'))).toBeUndefined();
  });
});

describe('a pod waits, and says why', () => {
  it('while its account or the authority’s ConfigMap is not there; then it starts', async () => {
    await rig.createPod(podSpec());
    await rig.clock.advance(5_000);
    expect((await rig.pod()).status?.phase).toBe('Pending');
    expect(await rig.eventReasons()).toContainEqual(expect.stringMatching(/^FailedMount: MountVolume.SetUp failed for volume "access" : (failed to fetch token: .*serviceaccounts "robot" not found|configmap "kube-root-ca.crt" not found)/));
    await makeAccount();
    await publishRoot();
    await rig.until(isPhase('Running'));
  });

  it('where it wants a ClusterTrustBundle, unless that is optional', async () => {
    const bundle = (optional: boolean): ProjectedVolumeSource => ({ sources: [{ clusterTrustBundle: { name: 'x', path: 'x', optional } }] });
    await rig.createPod(podSpec({}, bundle(false)));
    await rig.createPod(podSpec({}, bundle(true)), 'optional');
    await rig.until(isPhase('Running'), 'optional');
    expect(await rig.eventReasons()).toContainEqual('FailedMount: MountVolume.SetUp failed for volume "access" : ClusterTrustBundle projection is not supported by this node');
  });
});
