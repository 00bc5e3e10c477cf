import { pods, serviceAccounts, type ApiObject, type Resource } from '@navarch/api';
import { createTokenKeys, createTokenSigningKey } from '@navarch/service';
import type { Pod, PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { startCore, type Harness } from '../../testing/harness';

const [po, sa] = [pods, serviceAccounts] as unknown as [Resource, Resource];
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';
const container = { name: 'main', image: 'busybox' };

let cluster: Harness;
beforeEach(async () => {
  cluster = await startCore({ tokens: { keys: createTokenKeys({ signingKey: createTokenSigningKey() }), issuer: 'https://issuer' } });
});
afterEach(() => cluster.stop());

const account = (name: string, more: object = {}) => cluster.one({ verb: 'create', resource: sa, object: { metadata: { name, namespace: 'default' }, ...more } as ApiObject });
async function admitted(spec: PodSpec = {}, annotations?: Record<string, string>): Promise<PodSpec> {
  const pod: Pod = { metadata: { name: 'p', namespace: 'default', ...(annotations && { annotations }) }, spec: { containers: [container], ...spec } };
  return ((await cluster.one({ verb: 'create', resource: po, object: pod })).object as Pod).spec ?? {};
}

describe('service account admission', () => {
  it('gives a pod the default account, and in every container a token, the authority and the namespace', async () => {
    const spec = await admitted({ initContainers: [{ ...container, name: 'init' }], containers: [container, { ...container, name: 'second' }] });
    const [volume] = spec.volumes ?? [];
    expect([spec.serviceAccountName, spec.serviceAccount, spec.volumes?.length]).toEqual(['default', 'default', 1]);
    expect(volume?.name).toMatch(/^kube-api-access-[a-z0-9]{5}$/);
    expect(volume?.volumeSource?.projected).toEqual({ defaultMode: 0o644, sources: [
      { serviceAccountToken: { path: 'token', expirationSeconds: 3_607 } },
      { configMap: { localObjectReference: { name: 'kube-root-ca.crt' }, items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
    ] });
    for (const { volumeMounts } of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) expect(volumeMounts).toEqual([{ name: volume?.name, readOnly: true, mountPath }]);
  });

  it('leaves a container that has something of its own at that place', async () => {
    const own = { ...container, name: 'own', volumeMounts: [{ name: 'mine', mountPath }] };
    const volumes = [{ name: 'mine', volumeSource: { emptyDir: {} } }];
    const mixed = await admitted({ containers: [own, container], volumes });
    expect([mixed.volumes?.length, mixed.containers?.map(({ volumeMounts }) => volumeMounts?.map(({ name }) => name?.slice(0, 4)))]).toEqual([2, [['mine'], ['kube']]]);
    await cluster.ask({ verb: 'delete', resource: po, name: 'p', options: { gracePeriodSeconds: 0 } });
    expect((await admitted({ containers: [own], volumes })).volumes?.map(({ name }) => name)).toEqual(['mine']);
  });

  it('uses a volume of that kind that is there already: a pod made anew from another one gets no second', async () => {
    const first = await admitted();
    await cluster.ask({ verb: 'delete', resource: po, name: 'p', options: { gracePeriodSeconds: 0 } });
    expect(await admitted({ containers: first.containers, volumes: first.volumes })).toMatchObject({ containers: first.containers, volumes: first.volumes });
  });

  it.each<[string, boolean | undefined, boolean | undefined, boolean]>([
    ['the pod says no', undefined, false, false], ['the account says no', false, undefined, false], ['the pod overrules its account', false, true, true], ['nobody says anything', undefined, undefined, true],
  ])('mounts as automountServiceAccountToken says: %s', async (_name, ofAccount, ofPod, mounted) => {
    await account('robot', { automountServiceAccountToken: ofAccount });
    const spec = await admitted({ serviceAccountName: 'robot', automountServiceAccountToken: ofPod });
    expect([spec.volumes !== undefined, spec.containers?.[0]?.volumeMounts !== undefined]).toEqual([mounted, mounted]);
  });

  it('gives the account’s pull secrets to a pod without any', async () => {
    await account('robot', { imagePullSecrets: [{ name: 'registry' }] });
    expect((await admitted({ serviceAccountName: 'robot' })).imagePullSecrets).toEqual([{ name: 'registry' }]);
    await cluster.ask({ verb: 'delete', resource: po, name: 'p', options: { gracePeriodSeconds: 0 } });
    expect((await admitted({ serviceAccountName: 'robot', imagePullSecrets: [{ name: 'own' }] })).imagePullSecrets).toEqual([{ name: 'own' }]);
  });

  it('refuses an account that is not there', async () => {
    await expect(admitted({ serviceAccountName: 'nobody' })).rejects.toMatchObject({
      reason: 'Forbidden', message: 'pods "p" is forbidden: error looking up service account default/nobody: serviceaccount "nobody" not found',
    });
  });

  it('gives nothing to what stands for a pod of the node’s own', async () => {
    expect((await admitted({ nodeName: 'node-1' }, { 'kubernetes.io/config.mirror': 'x' })).volumes).toBeUndefined();
  });
});
