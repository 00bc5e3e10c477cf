import { localPathClass, persistentVolumeClaims, persistentVolumes, quantity, selectedNodeAnnotation, storageClasses } from '@navarch/api';
import type { PersistentVolumeClaim, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { Harness } from '../testing/harness';

describe('where a pod’s volumes let it run', () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = new Harness();
    await harness.api.client.resource(storageClasses).create(structuredClone(localPathClass));
    await harness.api.client.resource(storageClasses).create({ metadata: { name: 'static' }, provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'WaitForFirstConsumer' });
    for (const name of ['a', 'b']) {
      const amounts = { cpu: quantity(4), memory: quantity('8Gi'), pods: quantity(10) };
      const node = await harness.nodes.create({ metadata: { name, labels: { 'kubernetes.io/hostname': name } } });
      await harness.nodes.updateStatus({ ...node, status: { capacity: amounts, allocatable: amounts, conditions: [{ type: 'Ready', status: 'True' }] } });
    }
    await harness.start();
  });
  afterEach(() => harness.close());

  const claims = () => harness.api.client.resource(persistentVolumeClaims);
  const claim = (name: string, storageClassName: string, volumeName?: string): Promise<PersistentVolumeClaim> => claims().create({
    metadata: { namespace: 'default', name }, spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage: quantity('1Gi') } }, ...(volumeName && { volumeName }) },
  });
  const volume = (name: string, node: string, storageClassName?: string) => harness.api.client.resource(persistentVolumes).create({
    metadata: { name },
    spec: {
      capacity: { storage: quantity('1Gi') }, accessModes: ['ReadWriteOnce'], ...(storageClassName && { storageClassName }), persistentVolumeSource: { local: { path: '/data' } },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] }] } },
    },
  });
  const bind = async (name: string, volumeName: string): Promise<void> => {
    const current = await claims().get('default', name);
    await claims().updateStatus({ ...(await claims().update({ ...current, spec: { ...current.spec, volumeName } })), status: { phase: 'Bound' } });
  };
  const pod = (name: string, claimName: string): Promise<Pod> => harness.pods.create({
    metadata: { namespace: 'default', name }, spec: { containers: [{ name: 'main', image: 'busybox' }], volumes: [{ name: 'data', volumeSource: { persistentVolumeClaim: { claimName } } }] },
  });
  const why = async (name: string): Promise<string | undefined> => (await harness.condition(name))?.message;

  it('a pod goes to the node that its bound volume reaches', async () => {
    await volume('v', 'b');
    await claim('data', '');
    await bind('data', 'v');
    await pod('web', 'data');
    await harness.settle();
    expect(await harness.nodeOf('web')).toBe('b');
  });

  it('a pod whose claim is not there, or not bound at once as it should be, waits with that reason and goes on when it is', async () => {
    await pod('web', 'data');
    await harness.settle();
    expect(await why('web')).toContain('persistentvolumeclaim "data" not found');
    await claim('data', '');
    await harness.clock.advance(20_000);
    expect(await why('web')).toContain('pod has unbound immediate PersistentVolumeClaims');
    await volume('v', 'a');
    await bind('data', 'v');
    await harness.clock.advance(20_000);
    expect(await harness.nodeOf('web')).toBe('a');
  });

  it('a claim that waits for its first consumer is told the node, and the pod is bound when the claim is', async () => {
    await claim('data', 'local-path');
    await pod('web', 'data');
    await harness.settle();
    const node = (await claims().get('default', 'data')).metadata?.annotations?.[selectedNodeAnnotation] ?? '';
    expect([['a', 'b'].includes(node), await harness.nodeOf('web')]).toEqual([true, undefined]);
    await volume('v', node);
    await bind('data', 'v');
    await harness.settle();
    expect(await harness.nodeOf('web')).toBe(node);
  });

  it('where volumes are only made by hand, a pod goes where a free one is, and says so where there is none', async () => {
    await claim('data', 'static');
    await pod('web', 'data');
    await harness.settle();
    expect(await why('web')).toBe("0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.");
    await volume('v', 'b', 'static');
    await harness.clock.advance(20_000);
    expect((await claims().get('default', 'data')).metadata?.annotations?.[selectedNodeAnnotation]).toBe('b');
  });
});
