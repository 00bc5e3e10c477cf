import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';
import fc from 'fast-check';

import { desiredRoutes, isEmpty, planRoutes, sameRoutes } from './plan-routes';

const node = (name: string, podCIDRs: string[] | undefined, ...addresses: string[]): Node => ({
  metadata: { name }, spec: { ...(podCIDRs && { podCIDR: podCIDRs[0], podCIDRs }) },
  status: { addresses: [{ type: 'Hostname', address: name }, ...addresses.map((address) => ({ type: 'InternalIP', address }))] },
});

describe('routes that nodes ask for', () => {
  it.each<[string, Node[], [string, string][]]>([
    ['one for each other node, none for our own', [node('self', ['10.244.0.0/24'], '10.0.0.1'), node('b', ['10.244.1.0/24'], '10.0.0.2')], [['10.244.1.0/24', '10.0.0.2']]],
    ['none before a node has its range', [node('b', undefined, '10.0.0.2')], []],
    ['none before a node has an address', [node('b', ['10.244.1.0/24'])], []],
    ['each range by an address of its family', [node('b', ['10.244.1.0/24', 'fd00:0:0:1::/64'], 'fd00::2', '10.0.0.2')], [['10.244.1.0/24', '10.0.0.2'], ['fd00:0:0:1::/64', 'fd00::2']]],
    ['podCIDR alone will do', [{ ...node('b', undefined, '10.0.0.2'), spec: { podCIDR: '10.244.1.0/24' } }], [['10.244.1.0/24', '10.0.0.2']]],
    ['a range that is none is passed over', [node('b', ['nonsense'], '10.0.0.2')], []],
    ['an address that is none is passed over', [node('b', ['10.244.1.0/24'], 'nonsense')], []],
    ['host bits are cut off, as the kernel does', [node('b', ['10.244.1.7/24'], '10.0.0.2')], [['10.244.1.0/24', '10.0.0.2']]],
  ])('%s', (_name, nodes, expected) => {
    expect(desiredRoutes(nodes, 'self').map(({ destination, gateway }) => [destination, gateway])).toEqual(expected);
  });

  it('a heartbeat asks for the same routes, a new range or address for others', () => {
    const before = node('b', ['10.244.1.0/24'], '10.0.0.2');
    expect(sameRoutes(before, { ...before, status: { ...before.status, conditions: [{ type: 'Ready' }] } })).toBe(true);
    expect(sameRoutes(before, node('b', ['10.244.1.0/24'], '10.0.0.3'))).toBe(false);
    expect(sameRoutes(before, node('b', ['10.244.2.0/24'], '10.0.0.2'))).toBe(false);
  });
});

describe('route changes', () => {
  const [one, two] = [{ destination: '10.244.1.0/24', gateway: '10.0.0.2' }, { destination: '10.244.2.0/24', gateway: '10.0.0.3' }];

  it('adds what lacks, changes what leads elsewhere, removes what nobody wants', () => {
    expect(planRoutes([one, two], [{ ...one, gateway: '10.0.0.9' }, { destination: '10.244.3.0/24', gateway: '10.0.0.4' }])).toEqual({
      add: [two], change: [one], remove: [{ destination: '10.244.3.0/24', gateway: '10.0.0.4' }],
    });
  });

  it('leaves alone what is right, however its addresses are written', () => {
    const six = { destination: 'fd00:0:0:1::/64', gateway: 'fd00::2' };
    expect(isEmpty(planRoutes([one, { destination: 'fd00:0:0:1:0::/64', gateway: 'fd00:0::2' }], [one, six]))).toBe(true);
  });

  it('of two nodes that claim one range the first keeps it', () => {
    expect(planRoutes([one, { ...one, gateway: '10.0.0.9' }], [one])).toEqual({ add: [], change: [], remove: [] });
  });

  it('law: applying the plan gives what is desired, and then nothing is left to plan', () => {
    const route = fc.record({ destination: fc.integer({ min: 0, max: 5 }).map((n) => `10.244.${n}.0/24`), gateway: fc.integer({ min: 1, max: 4 }).map((n) => `10.0.0.${n}`) });
    const table = fc.uniqueArray(route, { selector: ({ destination }) => destination });
    fc.assert(
      fc.property(table, table, (desired, actual) => {
        const { add, change, remove } = planRoutes(desired, actual);
        const after = new Map(actual.map(({ destination, gateway }) => [destination, gateway]));
        for (const { destination } of remove) after.delete(destination);
        for (const { destination, gateway } of [...change, ...add]) after.set(destination, gateway);
        expect(after).toEqual(new Map(desired.map(({ destination, gateway }) => [destination, gateway])));
        expect(isEmpty(planRoutes(desired, Array.from(after, ([destination, gateway]) => ({ destination, gateway }))))).toBe(true);
      }),
    );
  });
});
