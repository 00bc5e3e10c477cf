import { limitRanges, persistentVolumeClaims, pods, quantity, storageClasses } from '@navarch/api';
import type { Container, LimitRangeItem, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { startCore, type Harness } from '../../testing/harness';

describe('LimitRanges and claims at admission', () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = await startCore();
  });
  afterEach(() => harness.stop());

  const amounts = (list: Record<string, string>) => Object.fromEntries(Object.entries(list).map(([name, amount]) => [name, quantity(amount)]));
  const range = async (item: LimitRangeItem): Promise<void> => {
    await harness.client.resource(limitRanges).create({ metadata: { namespace: 'default', name: 'range' }, spec: { limits: [item] } });
    await harness.client.resource(limitRanges).list();
  };
  const create = (resources?: Container['resources']): Promise<Pod> =>
    harness.client.resource(pods).create({ metadata: { namespace: 'default', name: 'web' }, spec: { containers: [{ name: 'main', image: 'busybox', ...(resources && { resources }) }] } });
  const outcome = (work: Promise<unknown>): Promise<string> => work.then(() => 'created', (thrown: Error) => thrown.message);

  it('containers that say nothing get the defaults, and an annotation says which', async () => {
    await range({ type: 'Container', default: amounts({ cpu: '500m' }), defaultRequest: amounts({ cpu: '100m', memory: '64Mi' }) });
    const made = await create({ requests: amounts({ cpu: '200m' }) });
    expect(made.spec?.containers?.[0]?.resources).toEqual({ limits: amounts({ cpu: '500m' }), requests: amounts({ cpu: '200m', memory: '64Mi' }) });
    expect(made.metadata?.annotations?.['kubernetes.io/limit-ranger']).toBe('LimitRanger plugin set: memory request for container main; cpu limit for container main');
  });

  const bounds: readonly (readonly [string, LimitRangeItem, Container['resources'], string])[] = [
    ['request below the minimum', { type: 'Container', min: amounts({ memory: '64Mi' }) }, { requests: amounts({ memory: '32Mi' }) }, 'pods "web" is forbidden: minimum memory usage per Container is 64Mi, but request is 32Mi'],
    ['limit above the maximum', { type: 'Container', max: amounts({ cpu: '1' }) }, { limits: amounts({ cpu: '2' }) }, 'pods "web" is forbidden: maximum cpu usage per Container is 1, but limit is 2'],
    ['limit too far above the request', { type: 'Container', maxLimitRequestRatio: amounts({ cpu: '2' }) }, { requests: amounts({ cpu: '1' }), limits: amounts({ cpu: '3' }) }, 'pods "web" is forbidden: cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000'],
    ['pod as a whole above the maximum', { type: 'Pod', max: amounts({ cpu: '1' }) }, { limits: amounts({ cpu: '2' }) }, 'pods "web" is forbidden: maximum cpu usage per Pod is 1, but limit is 2'],
    ['pod that limits nothing under a maximum', { type: 'Pod', max: amounts({ cpu: '1' }) }, undefined, 'pods "web" is forbidden: maximum cpu usage per Pod is 1.  No limit is specified'],
    ['within all bounds', { type: 'Container', min: amounts({ cpu: '100m' }), max: amounts({ cpu: '1' }) }, { requests: amounts({ cpu: '100m' }), limits: amounts({ cpu: '1' }) }, 'created'],
  ];
  it.each(bounds)('%s is judged in Kubernetes’ words', async (_name, item, resources, wanted) => {
    await range(item);
    expect(await outcome(create(resources))).toBe(wanted);
  });

  const claim = (storage: string) => ({ metadata: { namespace: 'default', name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: amounts({ storage }) } } });

  it('claims keep within the sizes of a LimitRange', async () => {
    await range({ type: 'PersistentVolumeClaim', min: amounts({ storage: '1Gi' }), max: amounts({ storage: '2Gi' }) });
    expect(await outcome(harness.client.resource(persistentVolumeClaims).create(claim('3Gi')))).toBe('persistentvolumeclaims "data" is forbidden: maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi');
    expect(await outcome(harness.client.resource(persistentVolumeClaims).create(claim('512Mi')))).toBe('persistentvolumeclaims "data" is forbidden: minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 512Mi');
  });

  it('a claim without class gets the default one, local-path, and the finalizer that protects it while it is used', async () => {
    const made = await harness.client.resource(persistentVolumeClaims).create(claim('1Gi'));
    expect([made.spec?.storageClassName, made.metadata?.finalizers]).toEqual(['local-path', ['kubernetes.io/pvc-protection']]);
    await harness.client.resource(storageClasses).create({ metadata: { name: 'fast', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }, provisioner: 'example.com/fast' });
    const none = await harness.client.resource(persistentVolumeClaims).create({ ...claim('1Gi'), metadata: { namespace: 'default', name: 'none' }, spec: { ...claim('1Gi').spec, storageClassName: '' } });
    expect(none.spec?.storageClassName).toBe('');
  });

  it('a claim cannot grow where its class does not say so', async () => {
    const client = harness.client.resource(persistentVolumeClaims);
    const made = await client.create(claim('1Gi'));
    const grown = { ...made.spec, resources: { requests: amounts({ storage: '2Gi' }) } };
    await client.updateStatus({ ...made, status: { phase: 'Bound', capacity: amounts({ storage: '1Gi' }) } });
    const bound = await client.get('default', 'data');
    expect(await outcome(client.update({ ...bound, spec: grown }))).toBe('persistentvolumeclaims "data" is forbidden: only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize');
  });
});
