import { configMaps, persistentVolumeClaims, pods, quantity, resourceQuotas, secrets, services, type Resource } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { Pod, PodSpec, ResourceQuota, ResourceQuotaSpec } from '@navarch/proto/k8s/io/api/core/v1/core';
import fc from 'fast-check';

import { startCore, type Harness } from '../../../testing/harness';
import { reservationLifeMs, reservationsAnnotation } from './reservations';

describe('resource quotas', () => {
  let harness: Harness;
  beforeEach(async () => {
    harness = await startCore();
  });
  afterEach(() => harness.stop());

  const hardOf = (hard: Record<string, string>): ResourceQuotaSpec['hard'] => Object.fromEntries(Object.entries(hard).map(([name, amount]) => [name, quantity(amount)]));
  const limit = async (hard: Record<string, string>, over: Partial<ResourceQuotaSpec> = {}, name = 'quota'): Promise<void> => {
    await harness.client.resource(resourceQuotas).create({ metadata: { namespace: 'default', name }, spec: { hard: hardOf(hard), ...over } });
    // Until the replica's own cache has it.
    await harness.client.resource(resourceQuotas).list();
  };
  const pod = (name: string, resources: { cpu?: string; limits?: string } = {}, spec: PodSpec = {}): Pod => ({
    metadata: { namespace: 'default', name },
    spec: {
      ...spec,
      containers: [{ name: 'main', image: 'busybox', resources: { ...(resources.cpu && { requests: { cpu: quantity(resources.cpu) } }), ...(resources.limits && { limits: { cpu: quantity(resources.limits) } }) } }],
    },
  });
  const create = (object: Pod, at = harness): Promise<string> =>
    at.client.resource(pods).create(object).then(() => 'created', (thrown: Error) => thrown.message);
  const map = (name: string, at = harness): Promise<string> =>
    at.client.resource(configMaps).create({ metadata: { namespace: 'default', name } }).then(() => 'created', (thrown: Error) => thrown.message);
  const quota = (name = 'quota', at = harness): Promise<ResourceQuota> => at.client.resource(resourceQuotas).get('default', name);
  /** What the controller does whenever something may have changed. */
  const recount = async (name = 'quota', at = harness): Promise<ResourceQuota> => at.client.resource(resourceQuotas).updateStatus({ metadata: { namespace: 'default', name } });
  const used = async (name = 'quota'): Promise<Record<string, string | undefined>> =>
    Object.fromEntries(Object.entries((await quota(name)).status?.used ?? {}).map(([resource, amount]) => [resource, amount.string]));

  it('a write that would exceed it is refused in Kubernetes’ words, and used shows what is there', async () => {
    await limit({ pods: '2', 'requests.cpu': '1' });
    expect(await create(pod('a', { cpu: '300m' }))).toBe('created');
    expect(await create(pod('b', { cpu: '800m' }))).toBe('pods "b" is forbidden: exceeded quota: quota, requested: requests.cpu=800m, used: requests.cpu=300m, limited: requests.cpu=1');
    expect(await create(pod('b', { cpu: '700m' }))).toBe('created');
    expect(await create(pod('c', { cpu: '0' }))).toBe('pods "c" is forbidden: exceeded quota: quota, requested: pods=1, used: pods=2, limited: pods=2');
    expect(await used()).toEqual({ pods: '2', 'requests.cpu': '1' });
    expect((await quota()).status?.hard).toEqual(hardOf({ pods: '2', 'requests.cpu': '1' }));
  });

  it('a pod that does not say what a quota limits is refused, by resource and container', async () => {
    await limit({ 'limits.cpu': '4', 'requests.cpu': '4', 'requests.memory': '1Gi' });
    expect(await create(pod('a', { cpu: '1' }))).toBe('pods "a" is forbidden: failed quota: quota: must specify limits.cpu for: main; requests.memory for: main');
  });

  it('what is there when the quota is made counts', async () => {
    await create(pod('a'));
    await limit({ pods: '1' });
    expect(await create(pod('b'))).toBe('pods "b" is forbidden: exceeded quota: quota, requested: pods=1, used: pods=1, limited: pods=1');
    await recount();
    expect(await used()).toEqual({ pods: '1' });
  });

  it('what was deleted is free at once, also before anything has been counted anew', async () => {
    await limit({ 'count/configmaps': '1' });
    expect([await map('a'), await map('b')]).toEqual(['created', expect.stringContaining('exceeded quota')]);
    await harness.client.resource(configMaps).delete('default', 'a');
    expect(await map('b')).toBe('created');
    expect(await used()).toEqual({ 'count/configmaps': '1' });
  });

  it('pods that are over use no compute, but their place in the store', async () => {
    await limit({ pods: '1', 'count/pods': '2' });
    await create(pod('a'));
    await harness.client.resource(pods).patch('default', 'a', 'application/merge-patch+json', { status: { phase: 'Succeeded' } }, { subresource: 'status' });
    expect([await create(pod('b')), await create(pod('c'))]).toEqual(['created', expect.stringContaining('exceeded quota')]);
    expect(await used()).toEqual({ pods: '1', 'count/pods': '2' });
  });

  it('a failed write gives its promise back', async () => {
    await limit({ 'count/configmaps': '5' });
    await map('a');
    for (let n = 0; n < 10; n++) expect(await map('a')).toContain('already exists');
    expect(await used()).toEqual({ 'count/configmaps': '1' });
    const refusing = await startCore({ beside: harness, admission: [] });
    expect((await quota()).metadata?.annotations?.[reservationsAnnotation] ?? '').not.toContain('"configmaps"');
    await refusing.stop();
  });

  it('of two quotas one that refuses leaves nothing promised on the other', async () => {
    await limit({ 'count/configmaps': '5' }, {}, 'a-wide');
    await limit({ 'count/configmaps': '1' }, {}, 'b-tight');
    expect([await map('a'), await map('b')]).toEqual(['created', 'configmaps "b" is forbidden: exceeded quota: b-tight, requested: count/configmaps=1, used: count/configmaps=1, limited: count/configmaps=1']);
    expect([await used('a-wide'), await used('b-tight')]).toEqual([{ 'count/configmaps': '1' }, { 'count/configmaps': '1' }]);
  });

  it('a dry run is judged and promises nothing', async () => {
    await limit({ 'count/configmaps': '1' });
    const ask = (name: string) => harness.one({ verb: 'create', resource: configMaps as unknown as Resource, object: { metadata: { namespace: 'default', name } }, options: { dryRun: ['All'] } });
    await ask('a');
    await recount();
    expect(await used()).toEqual({ 'count/configmaps': '0' });
    await map('a');
    await expect(ask('b')).rejects.toThrow('exceeded quota');
  });

  it('an update is judged by what it adds', async () => {
    await limit({ 'services.nodeports': '2', 'services.loadbalancers': '1' });
    const client = harness.client.resource(services);
    const made = await client.create({ metadata: { namespace: 'default', name: 'web' }, spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 80 }, { port: 81, name: 'b' }].map((port, n) => ({ ...port, name: `p${n}` })) } });
    const third = { ...made, spec: { ...made.spec, ports: [...(made.spec?.ports ?? []), { port: 82, name: 'p2' }] } };
    await expect(client.update(third)).rejects.toThrow('services "web" is forbidden: exceeded quota: quota, requested: services.nodeports=1, used: services.nodeports=2, limited: services.nodeports=2');
    await client.update({ ...made, metadata: { ...made.metadata, labels: { a: 'b' } } });
    expect(await used()).toEqual({ 'services.nodeports': '2', 'services.loadbalancers': '0' });
  });

  it('claims count by number, size and storage class', async () => {
    await limit({ persistentvolumeclaims: '3', 'requests.storage': '10Gi', 'gold.storageclass.storage.k8s.io/requests.storage': '4Gi', 'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1' });
    const claim = (name: string, storage: string, storageClassName: string): Promise<string> => harness.client.resource(persistentVolumeClaims)
      .create({ metadata: { namespace: 'default', name }, spec: { accessModes: ['ReadWriteOnce'], storageClassName, resources: { requests: { storage: quantity(storage) } } } }).then(() => 'created', (thrown: Error) => thrown.message);
    expect(await claim('a', '5Gi', 'gold')).toContain('requested: gold.storageclass.storage.k8s.io/requests.storage=5Gi, used: gold.storageclass.storage.k8s.io/requests.storage=0');
    expect([await claim('a', '4Gi', 'gold'), await claim('b', '6Gi', 'slow')]).toEqual(['created', 'created']);
    expect(await claim('c', '1Gi', 'slow')).toContain('requested: requests.storage=1Gi, used: requests.storage=10Gi, limited: requests.storage=10Gi');
  });

  const scopes: readonly (readonly [string, Partial<ResourceQuotaSpec>, Pod, Pod])[] = [
    ['Terminating', { scopes: ['Terminating'] }, pod('in', {}, { activeDeadlineSeconds: 5 }), pod('out')],
    ['NotTerminating', { scopes: ['NotTerminating'] }, pod('in'), pod('out', {}, { activeDeadlineSeconds: 5 })],
    ['BestEffort', { scopes: ['BestEffort'] }, pod('in'), pod('out', { cpu: '1' })],
    ['NotBestEffort', { scopes: ['NotBestEffort'] }, pod('in', { cpu: '1' }), pod('out')],
    ['PriorityClass', { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['system-node-critical'] }] } }, pod('in', {}, { priorityClassName: 'system-node-critical' }), pod('out')],
    ['CrossNamespacePodAffinity', { scopes: ['CrossNamespacePodAffinity'] },
      pod('in', {}, { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', namespaces: ['other'], labelSelector: { matchLabels: { a: 'b' } } }] } } }), pod('out')],
  ];
  it.each(scopes)('scope %s: only pods in it count', async (_name, spec, inside, outside) => {
    await limit({ pods: '1' }, spec);
    expect([await create(outside), await create({ ...outside, metadata: { ...outside.metadata, name: 'out-2' } })]).toEqual(['created', 'created']);
    expect(await create(inside)).toBe('created');
    expect(await create({ ...inside, metadata: { ...inside.metadata, name: 'in-2' } })).toContain('exceeded quota: quota');
    expect(await used()).toEqual({ pods: '1' });
  });

  it('a promise whose write nobody knows the end of stays until it cannot land any more', async () => {
    await limit({ 'count/configmaps': '1' });
    const broken = await startCore({ beside: harness });
    await broken.client.resource(resourceQuotas).list();
    const mutate = jest.spyOn(broken.core.kinds.get('', 'configmaps').store, 'create').mockRejectedValueOnce(new ApiError('Unavailable', 'nobody knows'));
    expect(await map('a', broken)).toBe('nobody knows');
    mutate.mockRestore();
    expect(await map('b')).toContain('exceeded quota');
    await harness.clock.advance(reservationLifeMs + 1_000);
    expect(await map('b')).toBe('created');
    await broken.stop();
  });

  it('what users write into the status or the promises changes nothing', async () => {
    await limit({ 'count/secrets': '1' });
    await harness.client.resource(secrets).create({ metadata: { namespace: 'default', name: 'a' } });
    const made = await quota();
    await harness.client.resource(resourceQuotas).updateStatus({ ...made, status: { hard: hardOf({ 'count/secrets': '9' }), used: {} } });
    await harness.client.resource(resourceQuotas).update({ ...(await quota()), metadata: { ...(await quota()).metadata, annotations: { [reservationsAnnotation]: '[]' } } });
    expect([await used(), (await quota()).status?.hard]).toEqual([{ 'count/secrets': '1' }, hardOf({ 'count/secrets': '1' })]);
  });

  it('by any number of concurrent writers at several replicas it is never exceeded, nothing is lost, and all of it can be used', async () => {
    const second = await startCore({ beside: harness });
    await limit({ 'count/configmaps': '7' });
    await second.client.resource(resourceQuotas).list();
    const step = fc.oneof(
      fc.record({ kind: fc.constant('create' as const), name: fc.integer({ min: 0, max: 15 }), at: fc.integer({ min: 0, max: 1 }) }),
      fc.record({ kind: fc.constant('delete' as const), name: fc.integer({ min: 0, max: 15 }), at: fc.integer({ min: 0, max: 1 }) }),
      fc.record({ kind: fc.constant('recount' as const), name: fc.constant(0), at: fc.integer({ min: 0, max: 1 }) }),
    );
    const count = async (): Promise<number> => (await harness.client.resource(configMaps).list({ namespace: 'default' })).items.length;
    await fc.assert(fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 20 }), { minLength: 1, maxLength: 4 }), async (rounds) => {
      for (const round of rounds) {
        await Promise.all(round.map(async ({ kind, name, at }) => {
          const replica = at === 0 ? harness : second;
          if (kind === 'recount') await recount('quota', replica);
          else if (kind === 'create') await map(`m-${name}`, replica);
          else await replica.client.resource(configMaps).delete('default', `m-${name}`).catch(() => undefined);
        }));
        expect(await count()).toBeLessThanOrEqual(7);
      }
      for (let n = 0; await map(`fill-${n}`) === 'created';) n++;
      expect(await count()).toBe(7);
      await recount();
      expect(await used()).toEqual({ 'count/configmaps': '7' });
      for (const { metadata } of (await harness.client.resource(configMaps).list({ namespace: 'default' })).items) await harness.client.resource(configMaps).delete('default', metadata?.name ?? '');
      await recount();
      expect(await used()).toEqual({ 'count/configmaps': '0' });
    }), { numRuns: 25 });
    await second.stop();
  });
});
