import { silentLogger, systemClock } from '@navarch/base';
import fc from 'fast-check';
import type { Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import { KernelTable } from '../nft/kernel-table';
import type { Nft } from '../nft/nft';
import { createNftProcess } from '../nft/nft-process';
import { createLab, type Lab } from '../testing/lab';
import { serviceOf, sliceOf } from '../testing/objects';
import { fateOf, type Packet } from '../testing/service-model';
import { ServiceRules } from './service-rules';

const nodeAddress = '192.0.2.1';
const here = ['10.244.0.11', '10.244.0.12'];
const there = ['10.244.1.21', '10.244.1.22'];

interface Made { service: Service; slice: EndpointSlice }

const condition = fc.constantFrom({ ready: true, serving: true }, { ready: false, serving: true, terminating: true }, { ready: false, serving: false, terminating: true }, { ready: false });
const endpoint = fc.record({ address: fc.constantFrom(...here, ...there), conditions: condition });
/** The nth Service of a cluster; each may change to anything the arbitrary makes. */
const made = (n: number): fc.Arbitrary<Made> => fc.record({
  protocol: fc.constantFrom('TCP', 'UDP'), type: fc.constantFrom('ClusterIP', 'NodePort'), external: fc.boolean(),
  internalTrafficPolicy: fc.constantFrom('Cluster', 'Local'), externalTrafficPolicy: fc.constantFrom('Cluster', 'Local'), sticky: fc.boolean(),
  endpoints: fc.uniqueArray(endpoint, { selector: ({ address }) => address, maxLength: 4 }),
}).map(({ protocol, type, external, internalTrafficPolicy, externalTrafficPolicy, sticky, endpoints }) => ({
  service: serviceOf(`s${n}`, `10.96.0.${10 + n}`, {
    type, internalTrafficPolicy, externalTrafficPolicy, ...(external && { externalIPs: [`203.0.113.${n}`] }), ...(sticky && { sessionAffinity: 'ClientIP' }),
    ports: [{ protocol, port: 80, ...(type === 'NodePort' && { nodePort: 30_080 + n }) }],
  }),
  slice: sliceOf(`s${n}`, endpoints.map(({ address, conditions }) => ({ addresses: [address], conditions, ...(here.includes(address) && { nodeName: 'self' }) })), { protocol }),
}));
const count = 4;
const cluster = fc.tuple(...Array.from({ length: count }, (_, n) => fc.option(made(n), { nil: undefined })));

describe('random Services in a real kernel', () => {
  let lab: Lab;
  let nft: Nft;

  beforeAll(async () => {
    lab = createLab([`${nodeAddress}/32`]);
    lab.addHost('pod1', [here[0]!]);
    lab.addHost('pod2', [here[1]!]);
    lab.addHost('far', there);
    lab.addHost('outside', ['198.51.100.9']);
    for (const [host, address] of [['pod1', here[0]], ['pod2', here[1]], ['far', there[0]], ['far', there[1]]] as const) {
      for (const protocol of ['tcp', 'udp'] as const) await lab.serve(host, address!, 8080, protocol, address);
    }
    nft = createNftProcess({ command: [...lab.inNode, 'nft'], clock: systemClock });
  });
  afterAll(async () => {
    await nft?.close();
    await lab?.close();
  });

  const packets: (Packet & { host: string })[] = (['pod1', 'outside'] as const).flatMap((host) => Array.from({ length: count }, (_, n) => n).flatMap((n) =>
    [[`10.96.0.${10 + n}`, 80], [`10.96.0.${10 + n}`, 81], [`203.0.113.${n}`, 80], [nodeAddress, 30_080 + n]].flatMap(([to, port]) => (['TCP', 'UDP'] as const).map((protocol) =>
      ({ host, from: host === 'outside' ? 'outside' as const : 'inside' as const, to: to as string, port: port as number, protocol })))));

  it('law: through any change of any Services each packet meets what a plain model says', async () => {
    await fc.assert(fc.asyncProperty(fc.array(cluster, { minLength: 1, maxLength: 3 }), async (states) => {
      const rules = new ServiceRules({ name: 'self', addresses: [nodeAddress], podRanges: ['10.244.0.0/24'] });
      const table = new KernelTable({ name: 'navarch-services', model: rules.model, nft, logger: silentLogger });
      for (const state of states) {
        state.forEach((one, n) => rules.setService(`default/s${n}`, one?.service, one ? [one.slice] : []));
        await table.sync();
        const present = state.filter((one) => one !== undefined);
        const asked = packets.flatMap(({ host, ...packet }) => {
          const fate = fateOf(present, packet, nodeAddress);
          return fate === undefined ? [] : [{ host, packet, fate }];
        });
        await Promise.all(asked.map(async ({ host, packet: { to, port, protocol }, fate }) => {
          const answer = await lab.ask({ from: host, to, port, protocol: protocol === 'TCP' ? 'tcp' : 'udp', timeoutMs: fate === 'silence' ? 300 : 3000 });
          const met = 'by' in answer ? answer.by : answer.failed;
          const expected = typeof fate === 'string' ? [fate] : fate;
          expect({ host, to, port, protocol, expected, met }).toMatchObject({ met: expect.stringMatching(new RegExp(`^(${expected!.join('|')})$`)) as string });
        }));
      }
      await table.remove();
    }), { numRuns: 12 });
  }, 120_000);

  it('law: whatever happened before, what is wanted in the end is the same', () => {
    const wanted = (states: readonly (readonly (Made | undefined)[])[]): object => {
      const rules = new ServiceRules({ name: 'self', addresses: [nodeAddress], podRanges: ['10.244.0.0/24'] });
      for (const state of states) state.forEach((one, n) => rules.setService(`default/s${n}`, one?.service, one ? [one.slice] : []));
      return Object.fromEntries([...rules.model.content.elements].filter(([, elements]) => elements.size > 0).map(([set, elements]) => [set, Object.fromEntries([...elements].sort())]));
    };
    fc.assert(fc.property(fc.array(cluster, { minLength: 1, maxLength: 4 }), (states) => {
      expect(wanted(states)).toEqual(wanted(states.slice(-1)));
    }), { numRuns: 300 });
  });
});
