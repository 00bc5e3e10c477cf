import { ipAddresses, services } from '@navarch/api';
import { hasReason, silentLogger } from '@navarch/base';
import { ROOT_CONTEXT } from '@opentelemetry/api';

import { startCore, type Harness } from '../../testing/harness';
import { startDeadline } from '../deadline';
import type { WriteContext } from '../write/writer';
import { reservationGraceMs } from './extension';
import { repairOnce } from './repair';

describe('repair of what is reserved for Services', () => {
  let harness: Harness;
  let told: string[];
  beforeEach(async () => {
    harness = await startCore();
    told = [];
  });
  afterEach(() => harness.stop());

  const repair = (): Promise<void> => repairOnce({
    kinds: harness.core.kinds, reservations: harness.core.serviceReservations, clock: harness.clock, logger: silentLogger, signal: new AbortController().signal,
    recorder: { event: ({ name }, type, reason, message) => void told.push(`${type} ${name} ${reason}: ${message}`) },
  });
  const context = (): WriteContext => ({ deadline: startDeadline(harness.clock, 30_000, new AbortController().signal), dryRun: false, context: ROOT_CONTEXT });
  const create = (name: string, clusterIP: string, nodePort: number) =>
    harness.client.resource(services).create({ metadata: { namespace: 'default', name }, spec: { type: 'NodePort', clusterIP, ports: [{ port: 80, nodePort }] } });
  const units = (): string[] => [...harness.core.serviceReservations.addresses.all(), ...harness.core.serviceReservations.ports.all()].map(({ name }) => name);

  it('what a crash before the Service left reserved is free again after the grace, not before', async () => {
    const { addresses, ports } = harness.core.serviceReservations;
    const dead = { namespace: 'default', name: 'never', uid: 'u' };
    await addresses.take('10.96.0.9', dead, context());
    await ports.take('30009', dead, context());
    await harness.clock.advance(reservationGraceMs - 1_000);
    await repair();
    expect(units()).toEqual(['10.96.0.1', '10.96.0.9', '30009']);
    await harness.clock.advance(2_000);
    await repair();
    expect(units()).toEqual(['10.96.0.1']);
    await create('web', '10.96.0.9', 30_009);
  });

  it('a reservation that somebody deleted is made again, and said', async () => {
    await create('web', '10.96.0.9', 30_009);
    await harness.client.resource(ipAddresses).delete('', '10.96.0.9');
    await repair();
    expect(units()).toEqual(['10.96.0.1', '10.96.0.9', '30009']);
    expect(told).toEqual(['Warning web ClusterIPNotAllocated: Cluster IP 10.96.0.9 is not allocated; repairing']);
    const refused = await create('other', '10.96.0.9', 30_010).catch((error: unknown) => hasReason(error, 'Invalid'));
    expect(refused).toBe(true);
  });

  it('two Services with one address are told of it, and keep it', async () => {
    await create('a', '10.96.0.9', 30_009);
    await harness.client.resource(ipAddresses).delete('', '10.96.0.9');
    await create('b', '10.96.0.9', 30_010);
    await repair();
    expect(told.sort()).toEqual([
      'Warning a ClusterIPAlreadyAllocated: Cluster IP 10.96.0.9 was assigned to multiple services; please recreate service',
      'Warning b ClusterIPAlreadyAllocated: Cluster IP 10.96.0.9 was assigned to multiple services; please recreate service',
    ]);
  });

  it('where all agrees nothing is written', async () => {
    await create('web', '10.96.0.9', 30_009);
    const before = harness.core.kinds.get('', 'services').feed.position;
    await harness.clock.advance(reservationGraceMs * 2);
    await repair();
    expect((await harness.client.resource(services).get('default', 'web')).spec?.clusterIP).toBe('10.96.0.9');
    // Barriers advance the log as well; what no reader would see is a write.
    const changed = ['networking.k8s.io/ipaddresses', '/services', 'navarch.io/nodeports'].flatMap((kind) => {
      const [group = '', plural = ''] = kind.split('/');
      return harness.core.kinds.get(group, plural).cache.since(before);
    });
    expect([changed, told]).toEqual([[], []]);
  });
});
