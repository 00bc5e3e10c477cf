import { localPathFinalizer, localPathProvisioner, persistentVolumes, provisionedByAnnotation, quantity, volumeNodeLabel } from '@navarch/api';
import { isNotFound, seededRandom, silentLogger, VirtualClock } from '@navarch/base';
import { createMemoryApi } from '@navarch/client/testing';
import type { PersistentVolume, PersistentVolumeClaim, Pod, Volume } from '@navarch/proto/k8s/io/api/core/v1/core';

import { createMemoryHost } from '../host/memory-host';
import { startLocalPath } from '../node/local-path';
import { prepareClaim } from './claim-volume';

const paths = { rootDirectory: '/k', podLogsDirectory: '/logs' };
const pod: Pod = { metadata: { namespace: 'default', name: 'web', uid: 'pod-uid' } };
const volume: Volume = { name: 'data', volumeSource: { persistentVolumeClaim: { claimName: 'data' } } };
const claim: PersistentVolumeClaim = { metadata: { namespace: 'default', name: 'data', uid: 'claim-uid' }, spec: { volumeName: 'v' }, status: { phase: 'Bound' } };
const local = (over: PersistentVolume['spec'] = {}, node = 'node-1'): PersistentVolume => ({
  metadata: { name: 'v', labels: { [volumeNodeLabel]: node }, annotations: { [provisionedByAnnotation]: localPathProvisioner } },
  spec: { claimRef: { uid: 'claim-uid' }, persistentVolumeSource: { local: { path: '/k/local-path/v' } }, ...over },
});

describe('the volume of a claim', () => {
  const host = () => createMemoryHost();
  const prepare = (on: ReturnType<typeof host>, found: PersistentVolume | undefined, theClaim: PersistentVolumeClaim | undefined = claim, what = volume): Promise<string> =>
    prepareClaim(pod, what, '/k/pods/p/data', {
      host: on, paths, nodeName: 'node-1',
      sources: { claim: () => Promise.resolve(theClaim), volume: () => Promise.resolve(found), configMap: () => Promise.reject(new Error()), secret: () => Promise.reject(new Error()), services: () => Promise.resolve([]) },
    }).then(() => 'mounted', (thrown: Error) => thrown.message);

  it('is a directory of the node, made at first use and the same for the next pod', async () => {
    const on = host();
    expect(await prepare(on, local())).toBe('mounted');
    await on.files.write('/k/local-path/v/kept', 'data');
    expect(await prepare(on, local())).toBe('mounted');
    expect((await on.files.read('/k/local-path/v/kept')).toString()).toBe('data');
  });

  const unbound: PersistentVolumeClaim = { ...claim, status: { phase: 'Pending' } };
  const refusals: readonly (readonly [string, PersistentVolume | undefined, PersistentVolumeClaim | undefined, Volume, string])[] = [
    ['is not bound yet', local(), unbound, volume, 'PVC default/data is not bound'],
    ['is bound to a volume of another claim', local({ claimRef: { uid: 'other' } }), claim, volume, 'PVC default/data and PV v are not bound to each other'],
    ['lies on another node', local({}, 'node-2'), claim, volume, 'the volume lies on node "node-2"'],
    ['has lost its volume', undefined, claim, volume, 'persistentvolume "v" not found'],
    ['is a directory that is not there', local({ persistentVolumeSource: { hostPath: { path: '/nowhere' } } }), claim, volume, 'path "/nowhere" does not exist or is no directory'],
    ['lies outside of what the kubelet keeps and is not there', local({ persistentVolumeSource: { local: { path: '/k/local-path/../pods' } } }), claim, volume, 'path "/k/local-path/../pods" does not exist or is no directory'],
    ['is of a kind that no node mounts', local({ persistentVolumeSource: { nfs: { server: 's', path: '/p' } } }), claim, volume, 'this kind of persistent volume is not supported by this node'],
    ['was not made for this pod', local(), claim, { name: 'data', volumeSource: { ephemeral: {} } }, 'PVC default/web-data was not created for pod default/web (pod is not owner)'],
  ];
  it.each(refusals)('one that %s keeps the pod waiting, with the reason', async (_name, found, theClaim, what, message) => {
    expect(await prepare(host(), found, theClaim, what)).toBe(message);
  });

  it('goes with its directory when it is deleted and nobody else holds it', async () => {
    const clock = new VirtualClock(1_700_000_000_000, () => new Promise((resolve) => setImmediate(resolve)));
    const api = createMemoryApi({ clock, random: seededRandom(1) });
    const client = api.client.resource(persistentVolumes);
    const on = host();
    const stop = new AbortController();
    startLocalPath({ nodeName: 'node-1', client: api.client, files: on.files, clock, random: seededRandom(2), logger: silentLogger, settings: paths, signal: stop.signal });
    const made = local();
    await client.create({ ...made, metadata: { ...made.metadata, finalizers: ['kubernetes.io/pv-protection', localPathFinalizer] }, spec: { ...made.spec, claimRef: undefined, capacity: { storage: quantity('1Gi') }, accessModes: ['ReadWriteOnce'], nodeAffinity: { required: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-1'] }] }] } } } });
    await on.files.makeDirectory('/k/local-path/v');
    await client.delete('', 'v');
    await clock.advance(1_000);
    expect((await on.files.stat('/k/local-path/v'))?.kind).toBe('directory');
    await client.patch('', 'v', 'application/merge-patch+json', { metadata: { finalizers: [localPathFinalizer] } });
    await clock.advance(1_000);
    expect([await on.files.stat('/k/local-path/v'), await client.get('', 'v').then(() => false, isNotFound)]).toEqual([undefined, true]);
    stop.abort(new Error('over'));
  });
});
