import { configMaps, type Resource } from '@navarch/api';

import { startCore } from '../testing/harness';
import { InFlight } from './limits';

const cm = configMaps as unknown as Resource;
const user = (name: string) => ({ name, groups: [] });
const small = { reads: { total: 3, perUser: 2 }, writes: { total: 3, perUser: 2 }, watches: { total: 3, perUser: 2 } };

describe('overload', () => {
  it('beyond a user’s share or the total is TooManyRequests with a time to come back', () => {
    const limits = new InFlight(small);
    limits.take(user('a'), 'get', false);
    const release = limits.take(user('a'), 'list', false);
    expect(() => limits.take(user('a'), 'get', false)).toThrow(expect.objectContaining({ reason: 'TooManyRequests', code: 429, details: { retryAfterSeconds: 1 } }));
    limits.take(user('b'), 'get', false);
    expect(() => limits.take(user('c'), 'get', false)).toThrow(expect.objectContaining({ reason: 'TooManyRequests' }));
    release();
    release();
    limits.take(user('c'), 'get', false);
    expect(() => limits.take(user('d'), 'get', false)).toThrow();
  });

  it('reads, writes and watches do not take each other’s places', () => {
    const limits = new InFlight(small);
    for (const [verb, streams] of [['get', false], ['create', false], ['watch', true], ['patch', false], ['list', false], ['get', true]] as const) limits.take(user('a'), verb, streams);
    for (const [verb, streams] of [['get', false], ['create', false], ['watch', true]] as const) expect(() => limits.take(user('a'), verb, streams)).toThrow();
  });

  it('a place is given back when a request ends, fails, or its watch is left', async () => {
    const cluster = await startCore({ limits: { reads: { total: 1, perUser: 1 }, writes: { total: 4, perUser: 4 }, watches: { total: 1, perUser: 1 } } });
    for (let n = 0; n < 3; n++) await cluster.list(cm);
    for (let n = 0; n < 3; n++) await expect(cluster.one({ verb: 'get', resource: cm, name: 'absent' })).rejects.toMatchObject({ reason: 'NotFound' });
    await expect(cluster.watch(cm, { resourceVersion: 'bad' })).rejects.toMatchObject({ reason: 'BadRequest' });
    const watch = await cluster.watch(cm);
    await expect(cluster.watch(cm)).rejects.toMatchObject({ reason: 'TooManyRequests' });
    await watch.stop();
    const stopping = new AbortController();
    await cluster.ask({ verb: 'watch', resource: cm, signal: stopping.signal });
    stopping.abort();
    await (await cluster.watch(cm)).stop();
    await cluster.stop();
  });

  it('one user’s flood leaves room for another', async () => {
    const cluster = await startCore({ limits: { reads: { total: 10, perUser: 4 }, writes: { total: 10, perUser: 10 }, watches: { total: 10, perUser: 10 } } });
    const flood = Array.from({ length: 50 }, () => cluster.list(cm).then(() => 'served', (error) => error.reason as string));
    const other = cluster.one({ verb: 'get', resource: { ...cm, plural: 'namespaces', namespaced: false } as unknown as Resource, name: 'default', user: { name: 'other', groups: ['system:masters'] } });
    expect((await other).name).toBe('default');
    expect(new Set(await Promise.all(flood))).toEqual(new Set(['served', 'TooManyRequests']));
    await cluster.stop();
  });
});
