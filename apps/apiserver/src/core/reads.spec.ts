import { configMaps, type Resource } from '@navarch/api';

import { settle, startCore, type Harness } from '../testing/harness';

const cm = configMaps as unknown as Resource;
const configMap = (name: string, data: Record<string, string> = {}, namespace = 'default') => ({ metadata: { name, namespace }, data });

describe('consistent reads', () => {
  let cluster: Harness;
  beforeEach(async () => {
    cluster = await startCore();
  });
  afterEach(() => cluster.stop());

  const create = (name: string, on = cluster) => on.one({ verb: 'create', resource: cm, object: configMap(name) });
  const get = (name: string, resourceVersion?: string, on = cluster) => on.one({ verb: 'get', resource: cm, name, options: { resourceVersion } });

  it('a read without a version sees what another replica acknowledged before it', async () => {
    const other = await startCore({ beside: cluster });
    for (let n = 0; n < 20; n++) {
      const made = await create(`n${n}`, n % 2 ? cluster : other);
      expect((await get(`n${n}`, undefined, n % 2 ? other : cluster)).sequence).toBe(made.sequence);
    }
    await other.stop();
  });

  it('a read after one’s own write sees it, also by version', async () => {
    const made = await create('a');
    expect((await get('a')).sequence).toBe(made.sequence);
    expect((await get('a', made.resourceVersion)).sequence).toBe(made.sequence);
  });

  it('version 0 is served as it is, without asking the log', async () => {
    await create('a');
    await settle();
    cluster.logs.objects.line.faults.refusedWrites = 1;
    expect((await get('a', '0')).name).toBe('a');
    expect((await cluster.list(cm, { resourceVersion: '0' }, 'default')).items).toHaveLength(1);
  });

  it('while the log does not answer, current reads and writes wait within their deadline and then fail with Unavailable', async () => {
    await create('a');
    cluster.logs.objects.line.faults.refusedWrites = 1;
    const read = expect(cluster.one({ verb: 'get', resource: cm, name: 'a', timeoutMs: 5_000 })).rejects.toMatchObject({ reason: 'Unavailable' });
    const write = expect(cluster.one({ verb: 'create', resource: cm, object: configMap('b'), timeoutMs: 5_000 })).rejects.toMatchObject({ reason: 'Unavailable' });
    await cluster.clock.advance(5_000);
    await Promise.all([read, write]);
  });

  it('a read that waits for the log is answered when the log comes back in time', async () => {
    await create('a');
    cluster.logs.objects.line.faults.refusedWrites = 1;
    const read = cluster.one({ verb: 'get', resource: cm, name: 'a', timeoutMs: 20_000 });
    await cluster.clock.advance(2_000);
    cluster.logs.objects.line.faults.refusedWrites = 0;
    await cluster.clock.advance(5_000);
    expect((await read).name).toBe('a');
  });

  it('a version beyond the log ends as Kubernetes’ "Too large resource version"', async () => {
    const read = expect(get('a', '999999')).rejects.toMatchObject({
      reason: 'Timeout', message: expect.stringMatching(/^Too large resource version: 999999, current: \d+$/), details: { retryAfterSeconds: 1, causes: [{ reason: 'ResourceVersionTooLarge' }] },
    });
    await cluster.clock.advance(3_000);
    await read;
  });

  it('what does not exist is NotFound in Kubernetes’ words', async () => {
    await expect(get('absent')).rejects.toMatchObject({ reason: 'NotFound', message: 'configmaps "absent" not found', details: { kind: 'configmaps', name: 'absent' } });
  });

  it('an unknown kind, subresource or verb is told apart', async () => {
    const unknown = { ...cm, plural: 'widgets' };
    await expect(cluster.ask({ verb: 'get', resource: unknown, name: 'a' })).rejects.toMatchObject({ reason: 'NotFound', message: 'the server could not find the requested resource' });
    await expect(cluster.ask({ verb: 'get', resource: cm, name: 'a', subresource: 'scale' })).rejects.toMatchObject({ reason: 'NotFound' });
    await expect(cluster.ask({ verb: 'deletecollection', resource: { ...cm, plural: 'namespaces', namespaced: false } as unknown as Resource })).rejects.toMatchObject({ reason: 'MethodNotAllowed' });
  });

  it('the JSON of an object is made once and names its kind and version', async () => {
    const made = await create('a');
    const object = await get('a');
    expect(JSON.parse(object.json.toString())).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', resourceVersion: made.resourceVersion } });
    expect((await get('a')).json).toBe(object.json);
  });

  describe('lists', () => {
    const fill = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n++) await create(`n${String(n).padStart(3, '0')}`);
    };

    it('come in pages of one snapshot, whatever is written in between', async () => {
      await fill(25);
      let page = await cluster.list(cm, { limit: 10 }, 'default');
      expect(page.remainingItemCount).toBe(15);
      const names = page.items.map(({ name }) => name);
      const { resourceVersion } = page;
      await cluster.one({ verb: 'delete', resource: cm, name: 'n015' });
      await create('n0145');
      await cluster.one({ verb: 'update', resource: cm, name: 'n020', object: configMap('n020', { changed: 'yes' }) });
      while (page.continue) {
        page = await cluster.list(cm, { limit: 10, continue: page.continue }, 'default');
        expect(page.resourceVersion).toBe(resourceVersion);
        for (const item of page.items) expect(item.sequence).toBeLessThanOrEqual(Number(resourceVersion));
        names.push(...page.items.map(({ name }) => name));
      }
      expect(names).toEqual(Array.from({ length: 25 }, (_, n) => `n${String(n).padStart(3, '0')}`));
    });

    it('another replica goes on with a continue token it has not made', async () => {
      await fill(12);
      const first = await cluster.list(cm, { limit: 5 }, 'default');
      const other = await startCore({ beside: cluster });
      await create('n0045', other);
      const rest = await other.list(cm, { continue: first.continue }, 'default').catch((error: unknown) => error);
      // It began after that version, so it may only say that the token has expired, never show another state.
      expect(rest).toMatchObject({ reason: 'Expired' });
      const fresh = await other.list(cm, { limit: 5 }, 'default');
      await create('n0046', other);
      await cluster.list(cm);
      const continued = await cluster.list(cm, { continue: fresh.continue }, 'default');
      expect(continued.items.map(({ name }) => name)).not.toContain('n0046');
      expect(continued.items).toHaveLength(8);
      await other.stop();
    });

    it('end a page before its bytes exceed what a message takes', async () => {
      for (let n = 0; n < 5; n++) await cluster.one({ verb: 'create', resource: cm, object: configMap(`big${n}`, { blob: 'x'.repeat(10_000) }) });
      const page = await cluster.list(cm, { maxBytes: 25_000 }, 'default');
      expect(page.items).toHaveLength(2);
      expect(page.continue).toBeDefined();
      expect((await cluster.list(cm, { maxBytes: 100 }, 'default')).items).toHaveLength(1);
    });

    it('a continue token that is too old is Expired, one that is not ours is a bad request', async () => {
      const small = await startCore({ window: { keepMs: 0, minEvents: 2, maxEvents: 3 } });
      for (let n = 0; n < 4; n++) await create(`n${n}`, small);
      const old = Buffer.from(JSON.stringify({ v: 1, rv: 1, after: 'default/n0' })).toString('base64url');
      await expect(small.list(cm, { continue: old }, 'default')).rejects.toMatchObject({ reason: 'Expired', message: expect.stringContaining('The provided continue parameter is too old') });
      await expect(small.list(cm, { continue: 'nonsense' }, 'default')).rejects.toMatchObject({ reason: 'BadRequest' });
      await small.stop();
    });

    it('show exactly the version asked for, and refuse what does not go together', async () => {
      const first = await create('a');
      await create('b');
      const exact = await cluster.list(cm, { resourceVersion: first.resourceVersion, resourceVersionMatch: 'Exact' }, 'default');
      expect(exact.items.map(({ name }) => name)).toEqual(['a']);
      expect(exact.resourceVersion).toBe(first.resourceVersion);
      for (const options of [{ resourceVersionMatch: 'Exact' }, { resourceVersion: '0', resourceVersionMatch: 'Exact' }, { resourceVersion: '1', resourceVersionMatch: 'Sometimes' }, { resourceVersion: '5', continue: 'abc' }]) {
        await expect(cluster.list(cm, options)).rejects.toMatchObject({ reason: 'BadRequest' });
      }
    });

    it('of one namespace show nothing of others whose names begin alike, and an unknown namespace is an empty list', async () => {
      for (const name of ['a', 'a-b', 'a0']) await cluster.one({ verb: 'create', resource: { ...cm, plural: 'namespaces', namespaced: false } as unknown as Resource, object: { metadata: { name } } });
      for (const namespace of ['a', 'a-b', 'a0']) await cluster.one({ verb: 'create', resource: cm, namespace, object: configMap('x', {}, namespace) });
      expect((await cluster.list(cm, {}, 'a')).items.map(({ namespace }) => namespace)).toEqual(['a']);
      expect((await cluster.list(cm, {}, 'nowhere')).items).toEqual([]);
      expect((await cluster.list(cm, { fieldSelector: 'metadata.name=x' })).items.map(({ namespace }) => namespace)).toEqual(['a-b', 'a', 'a0']);
    });
  });
});
