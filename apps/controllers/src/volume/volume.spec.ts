import { events, isPodTerminal, localPathClass, localPathFinalizer, localPathRootAnnotation, nodes, persistentVolumeClaims, persistentVolumes, pods, quantity, selectedNodeAnnotation, storageClasses, type ApiObject } from '@navarch/api';
import { isNotFound } from '@navarch/base';
import type { PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeSpec, Pod, VolumeSource } from '@navarch/proto/k8s/io/api/core/v1/core';

import { ControllerCluster } from '../testing/cluster';
import { claimProtection, volumeProtection } from './claims';

describe('claims and volumes', () => {
  let cluster: ControllerCluster;
  beforeEach(async () => {
    cluster = new ControllerCluster();
    await cluster.start();
    await cluster.api.client.resource(storageClasses).create(structuredClone(localPathClass));
    await cluster.addNode('node-1', { labels: { 'kubernetes.io/hostname': 'node-1' } });
    await cluster.api.client.resource(nodes).patch('', 'node-1', 'application/merge-patch+json', { metadata: { annotations: { [localPathRootAnnotation]: '/state/local-path' } } });
    await pass();
  });
  afterEach(() => cluster.close());

  const pass = (ms = 2_000): Promise<void> => cluster.clock.advance(ms);
  const claims = () => cluster.api.client.resource(persistentVolumeClaims);
  const volumes = () => cluster.api.client.resource(persistentVolumes);
  const claim = (name = 'data', spec: PersistentVolumeClaimSpec = {}, size = '1Gi'): Promise<PersistentVolumeClaim> => claims().create({
    metadata: { namespace: 'default', name, finalizers: [claimProtection] },
    spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: quantity(size) } }, ...spec },
  });
  const volume = (name: string, size: string, spec: PersistentVolumeSpec = {}, labels?: Record<string, string>): Promise<PersistentVolume> => volumes().create({
    metadata: { name, finalizers: [volumeProtection], ...(labels && { labels }) },
    spec: { capacity: { storage: quantity(size) }, accessModes: ['ReadWriteOnce'], persistentVolumeSource: { hostPath: { path: `/data/${name}` } }, ...spec },
  });
  const select = (name: string): Promise<PersistentVolumeClaim> => claims().patch('default', name, 'application/merge-patch+json', { metadata: { annotations: { [selectedNodeAnnotation]: 'node-1' } } });
  const boundTo = async (name = 'data'): Promise<[string | undefined, string | undefined]> => {
    const { spec, status } = await claims().get('default', name);
    return [status?.phase, spec?.volumeName];
  };
  const phase = async (name: string): Promise<string | undefined> => (await volumes().get('', name)).status?.phase;
  const gone = (read: Promise<ApiObject>): Promise<boolean> => read.then(() => false, isNotFound);
  const told = async (): Promise<string[]> => {
    await pass(10_000);
    return (await cluster.api.client.resource(events).list()).items.filter(({ involvedObject }) => involvedObject?.kind?.startsWith('PersistentVolume')).map(({ reason, message }) => `${reason}: ${message}`);
  };
  const podUsing = async (source: VolumeSource, node?: string): Promise<Pod> => {
    await cluster.api.client.resource(pods).create({ metadata: { namespace: 'default', name: 'web' }, spec: { containers: [{ name: 'main', image: 'busybox' }], terminationGracePeriodSeconds: 0, volumes: [{ name: 'data', volumeSource: source }] } });
    if (node) await cluster.api.client.bindPod({ metadata: { namespace: 'default', name: 'web' }, target: { kind: 'Node', name: node } });
    return cluster.api.client.resource(pods).get('default', 'web');
  };

  it('a claim gets the smallest volume that fits, and both say so', async () => {
    for (const [name, size] of [['large', '9Gi'], ['small', '512Mi'], ['right', '2Gi']] as const) await volume(name, size);
    await claim();
    await pass();
    expect([await boundTo(), await phase('right'), await phase('large')]).toEqual([['Bound', 'right'], 'Bound', 'Available']);
    const bound = await claims().get('default', 'data');
    expect([bound.status?.capacity, bound.metadata?.annotations]).toEqual([{ storage: quantity('2Gi') }, { 'pv.kubernetes.io/bind-completed': 'yes', 'pv.kubernetes.io/bound-by-controller': 'yes' }]);
    expect((await volumes().get('', 'right')).spec?.claimRef).toMatchObject({ kind: 'PersistentVolumeClaim', namespace: 'default', name: 'data', uid: bound.metadata?.uid });
  });

  it('modes, class, volume mode and selector must fit', async () => {
    await volume('many', '2Gi', { accessModes: ['ReadWriteMany'] });
    await volume('classy', '2Gi', { storageClassName: 'gold' });
    await volume('block', '2Gi', { volumeMode: 'Block' });
    await volume('plain', '2Gi');
    await volume('marked', '9Gi', {}, { tier: 'fast' });
    await claim('data', { selector: { matchLabels: { tier: 'fast' } } });
    await pass();
    expect(await boundTo()).toEqual(['Bound', 'marked']);
  });

  it('a claim that names a volume gets that one, or waits for it and says why', async () => {
    await volume('mine', '2Gi');
    await volume('small', '512Mi');
    await claim('data', { volumeName: 'mine' });
    await claim('bad', { volumeName: 'small' });
    await pass();
    expect([await boundTo(), await boundTo('bad')]).toEqual([['Bound', 'mine'], ['Pending', 'small']]);
    expect(await told()).toContain('VolumeMismatch: Cannot bind to requested volume "small": requested PV is too small');
  });

  it('a volume reserved by hand waits for its claim', async () => {
    await volume('mine', '2Gi', { claimRef: { namespace: 'default', name: 'data' } });
    await claim('other');
    await claim('data');
    await pass();
    expect([await boundTo('other'), await boundTo()]).toEqual([['Pending', undefined], ['Bound', 'mine']]);
  });

  it('of many claims each gets a volume of its own, also where a leader stopped in between', async () => {
    for (let n = 0; n < 5; n++) await volume(`v-${n}`, '2Gi');
    for (let n = 0; n < 7; n++) await claim(`c-${n}`);
    const [first] = [...cluster.controllers()];
    await cluster.stop(first!);
    await cluster.start();
    await pass(20_000);
    const all = await Promise.all(Array.from({ length: 7 }, (_, n) => boundTo(`c-${n}`)));
    const given = all.filter(([is]) => is === 'Bound').map(([, name]) => name);
    expect([given.length, new Set(given).size]).toEqual([5, 5]);
  });

  it('a claim of a class that waits for a consumer stays pending until a node was selected, then gets a directory there', async () => {
    await claim('data', { storageClassName: 'local-path' });
    await pass();
    expect(await boundTo()).toEqual(['Pending', undefined]);
    const { metadata } = await select('data');
    await pass();
    const name = `pvc-${metadata?.uid}`;
    expect([await boundTo(), await phase(name)]).toEqual([['Bound', name], 'Bound']);
    expect((await volumes().get('', name)).spec).toMatchObject({
      persistentVolumeReclaimPolicy: 'Delete', persistentVolumeSource: { local: { path: `/state/local-path/${name}` } },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['node-1'] }] }] } },
    });
    expect(await told()).toEqual(['WaitForFirstConsumer: waiting for first consumer to be created before binding', `ProvisioningSucceeded: Successfully provisioned volume ${name}`]);
  });

  it('a selected node that is gone is taken back, so that the scheduler may choose anew', async () => {
    await claim('data', { storageClassName: 'local-path' });
    await claims().patch('default', 'data', 'application/merge-patch+json', { metadata: { annotations: { [selectedNodeAnnotation]: 'node-9' } } });
    await pass();
    expect([await boundTo(), (await claims().get('default', 'data')).metadata?.annotations?.[selectedNodeAnnotation]]).toEqual([['Pending', undefined], undefined]);
  });

  it('what the provisioner cannot make is told, and nothing is made', async () => {
    await claim('data', { storageClassName: 'local-path', accessModes: ['ReadWriteMany'] });
    await select('data');
    await claim('none', { storageClassName: 'absent' });
    expect(await told()).toEqual(expect.arrayContaining([
      'ProvisioningFailed: failed to provision volume with StorageClass "local-path": navarch.io/local-path supports only ReadWriteOnce and ReadWriteOncePod, not ReadWriteMany',
      'ProvisioningFailed: storageclass.storage.k8s.io "absent" not found',
    ]));
    expect((await volumes().list()).items).toEqual([]);
  });

  it('a claim in use goes only when its pod is gone or over', async () => {
    await volume('mine', '2Gi');
    await claim();
    const pod = await podUsing({ persistentVolumeClaim: { claimName: 'data' } }, 'node-1');
    await claims().delete('default', 'data');
    await pass();
    expect(isPodTerminal(pod) || await gone(claims().get('default', 'data'))).toBe(false);
    await cluster.api.client.resource(pods).delete('default', 'web');
    await pass();
    expect(await gone(claims().get('default', 'data'))).toBe(true);
  });

  const policies: readonly (readonly [string, string, string | undefined])[] = [
    ['Retain', 'Released', undefined],
    ['Delete', 'Failed', 'VolumeFailedDelete: error getting deleter volume plugin for volume "mine": no deletable volume plugin matched'],
    ['Recycle', 'Failed', 'VolumeFailedRecycle: error getting recycler volume plugin for volume "mine": no recyclable volume plugin matched'],
  ];
  it.each(policies)('when its claim is gone a volume with policy %s is %s', async (persistentVolumeReclaimPolicy, wanted, event) => {
    await volume('mine', '2Gi', { persistentVolumeReclaimPolicy });
    await claim();
    await pass();
    await claims().delete('default', 'data');
    await pass();
    expect(await phase('mine')).toBe(wanted);
    if (event) expect(await told()).toContain(event);
    await claim('next');
    await pass();
    expect(await boundTo('next')).toEqual(['Pending', undefined]);
  });

  it('a provisioned volume is deleted with its claim, and goes when its node has removed the directory, or is gone itself', async () => {
    for (const end of ['kubelet', 'node'] as const) {
      await claim('data', { storageClassName: 'local-path' });
      const { metadata } = await select('data');
      await pass();
      await claims().delete('default', 'data');
      await pass();
      const name = `pvc-${metadata?.uid}`;
      expect((await volumes().get('', name)).metadata).toMatchObject({ finalizers: [localPathFinalizer] });
      if (end === 'kubelet') await volumes().patch('', name, 'application/merge-patch+json', { metadata: { finalizers: null } });
      else await cluster.api.client.resource(nodes).delete('', 'node-1');
      await pass();
      expect(await gone(volumes().get('', name))).toBe(true);
    }
  });

  it('a volume in use is not taken away, and a claim whose volume is gone is Lost', async () => {
    await volume('mine', '2Gi');
    await claim();
    await pass();
    await volumes().delete('', 'mine');
    await pass();
    expect(await phase('mine')).toBe('Bound');
    await volumes().patch('', 'mine', 'application/merge-patch+json', { metadata: { finalizers: null } });
    await pass();
    expect(await boundTo()).toEqual(['Lost', 'mine']);
    expect(await told()).toContain('ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!');
  });

  it('an ephemeral volume gets a claim that goes with its pod; a claim of that name that is not the pod’s is told', async () => {
    const ephemeral = { volumeClaimTemplate: { metadata: { labels: { app: 'web' } }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: quantity('1Gi') } } } } };
    await podUsing({ ephemeral });
    await pass();
    const made = await claims().get('default', 'web-data');
    expect([made.metadata?.labels, made.metadata?.ownerReferences?.[0]]).toEqual([{ app: 'web' }, expect.objectContaining({ kind: 'Pod', name: 'web', controller: true })]);
    await cluster.api.client.resource(pods).delete('default', 'web');
    await pass();
    expect(await gone(claims().get('default', 'web-data'))).toBe(true);
    await claim('web-data');
    await podUsing({ ephemeral });
    await pass(10_000);
    expect((await cluster.api.client.resource(events).list()).items.map(({ reason }) => reason)).toContain('EphemeralVolumeConflict');
  });
});
