import { deployments, leases, type ApiObject, type Resource } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { ResourceClient } from '@navarch/client';

import { ControllerCluster } from './testing/cluster';
import { clusterRangesOf } from './config';

describe('the controllers together', () => {
  it('of two processes one works; when it closes the other goes on at once', async () => {
    const cluster = new ControllerCluster();
    const first = await cluster.start();
    const second = await cluster.start();
    expect([first.leading, second.leading]).toEqual([true, false]);
    await cluster.stop(first);
    expect(second.leading).toBe(true);
    await cluster.addNode('a');
    await cluster.clock.advance(1_000);
    expect((await cluster.node('a')).spec?.podCIDR).toBe('10.244.0.0/24');
    await cluster.close();
  });

  it('a term that ended by a lost lease is followed by one with caches read anew: nothing is decided on what the old ones knew', async () => {
    const cluster = new ControllerCluster();
    const { client } = cluster.api;
    const watches: AbortSignal[] = [];
    let cutOff = false;
    const controllers = await cluster.start({}, {
      ...client,
      resource: <T extends ApiObject>(resource: Resource<T>): ResourceClient<T> => {
        const inner = client.resource(resource);
        const refused = (): Promise<T> => Promise.reject(new ApiError('Unavailable', 'cut off'));
        return new Proxy(inner, {
          get: (target, member) => {
            if (resource.plural === leases.plural && cutOff && (member === 'get' || member === 'update')) return refused;
            if (resource.plural !== deployments.plural || member !== 'watch') return (Reflect.get(target, member) as () => unknown).bind(target);
            return (options: Parameters<typeof inner.watch>[0]) => {
              if (options.signal && !options.metadataOnly) watches.push(options.signal);
              return inner.watch(options);
            };
          },
        });
      },
    });
    expect([controllers.leading, watches.length]).toEqual([true, 1]);
    cutOff = true;
    await cluster.clock.advance(30_000);
    expect([controllers.leading, watches.map(({ aborted }) => aborted)]).toEqual([false, [true, false]]);
    cutOff = false;
    await cluster.clock.advance(30_000);
    expect([controllers.leading, watches.map(({ aborted }) => aborted)]).toEqual([true, [true, false]]);
    await cluster.addNode('a');
    await cluster.clock.advance(1_000);
    expect((await cluster.node('a')).spec?.podCIDR).toBe('10.244.0.0/24');
    await cluster.close();
  });

  it('after close nothing runs: no timer waits, no write happens', async () => {
    const cluster = new ControllerCluster();
    const controllers = await cluster.start();
    await cluster.addNode('a');
    await cluster.clock.advance(1_000);
    cluster.silence('a');
    await cluster.clock.advance(10_000);
    await cluster.stop(controllers);
    const writes = cluster.api.writes.length;
    await cluster.clock.advance(600_000);
    expect([cluster.clock.pending, cluster.api.writes.length]).toEqual([0, writes]);
    await controllers.done;
  });
});

describe('--cluster-cidr', () => {
  const masks = { ipv4: 24, ipv6: 64 };
  it('gives each family its mask', () => {
    expect(clusterRangesOf(['10.244.0.0/16', 'fd00:10:244::/48'], masks)).toEqual([{ cidr: '10.244.0.0/16', nodeMaskSize: 24 }, { cidr: 'fd00:10:244::/48', nodeMaskSize: 64 }]);
  });
  it.each([[['nonsense'], 'is not a CIDR'], [['10.0.0.0/25'], 'from 25 to 32'], [['10.0.0.0/16', '10.1.0.0/16'], 'two ranges of one family']])('%j is refused with a reason', (cidrs, reason) => {
    expect(() => clusterRangesOf(cidrs, masks)).toThrow(reason);
  });
});
