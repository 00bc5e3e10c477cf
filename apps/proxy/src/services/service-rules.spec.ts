import { changeCommands } from '../nft/table-text';
import { portOf, serviceOf, sliceOf } from '../testing/objects';
import { staleFlows, parseFlow } from './flows';
import { ServiceRules } from './service-rules';

const facts = { name: 'self', addresses: ['192.0.2.1'], podRanges: ['10.244.0.0/24'] };
const slice = (name: string, ...addresses: string[]) => sliceOf(name, addresses);

function withServices(count: number): ServiceRules {
  const rules = new ServiceRules(facts);
  for (let n = 0; n < count; n++) rules.setService(`default/s${n}`, serviceOf(`s${n}`, `10.96.${n >> 8}.${n & 255}`), [slice(`s${n}`, '10.244.0.1', '10.244.0.2')]);
  rules.model.takeChanges();
  return rules;
}
const changed = (rules: ServiceRules): string[] => {
  const changes = rules.model.takeChanges();
  return changes ? changeCommands('t', changes) : [];
};

describe('changes of the services table', () => {
  it.each([1, 1000])('an endpoint that is replaced costs one element, with %d Services', (count) => {
    const rules = withServices(count);
    rules.setService('default/s0', serviceOf('s0', '10.96.0.0'), [slice('s0', '10.244.0.1', '10.244.0.3')]);
    expect(changed(rules)).toEqual([
      'delete element inet t endpoints-any4-tcp { 10.96.0.0 . 80 . 2 }',
      'add element inet t endpoints-any4-tcp { 10.96.0.0 . 80 . 2 : 10.244.0.3 . 8080 }',
    ]);
  });

  it('what changes nothing for packets costs nothing', () => {
    const rules = withServices(3);
    rules.setService('default/s0', { ...serviceOf('s0', '10.96.0.0'), metadata: { namespace: 'default', name: 's0', labels: { a: 'b' } } }, [slice('s0', '10.244.0.2', '10.244.0.1')]);
    rules.setService('default/none', undefined, []);
    expect(changed(rules)).toEqual([]);
  });

  it('a count of endpoints that is new brings its rule along, one that is known does not', () => {
    const rules = withServices(2);
    const grow = (name: string, ip: string) => {
      rules.setService(`default/${name}`, serviceOf(name, ip), [slice(name, '10.244.0.1', '10.244.0.2', '10.244.0.3')]);
      return changed(rules).filter((command) => command.includes('numgen'));
    };
    expect(grow('s0', '10.96.0.0')).toContain('add rule inet t choose-any4 dnat ip to ip daddr . tcp dport . numgen random mod 3 offset 3 map @endpoints-any4-tcp');
    expect(grow('s1', '10.96.0.1')).toEqual([]);
  });

  it('a Service that goes takes all it had along', () => {
    const rules = withServices(0);
    const service = serviceOf('a', ['10.96.0.1', 'fd00:96::1'], { type: 'LoadBalancer', sessionAffinity: 'ClientIP', externalTrafficPolicy: 'Local', externalIPs: ['203.0.113.7'], loadBalancerSourceRanges: ['10.0.0.0/8'], ports: [portOf({ nodePort: 30080 })] });
    rules.setService('default/a', { ...service, status: { loadBalancer: { ingress: [{ ip: '203.0.113.8' }] } } }, [slice('a', '10.244.0.1'), slice('a', 'fd00::1')]);
    rules.setService('default/a', undefined, []);
    expect([...rules.model.content.elements].filter(([set, elements]) => elements.size > 0 && !set.startsWith('pods'))).toEqual([]);
    expect([...rules.model.content.sets.keys()].filter((name) => name.startsWith('sticky'))).toEqual([]);
  });

  it('a Service of another proxy, and a port of a protocol that nobody knows, are left alone', () => {
    const rules = withServices(0);
    rules.setService('default/a', { ...serviceOf('a', '10.96.0.1'), metadata: { namespace: 'default', name: 'a', labels: { 'service.kubernetes.io/service-proxy-name': 'other' } } }, [slice('a', '10.244.0.1')]);
    rules.setService('default/b', serviceOf('b', '10.96.0.2', { ports: [portOf({ protocol: 'DCCP' })] }), [slice('b', '10.244.0.1')]);
    expect(changed(rules)).toEqual([]);
  });

  it('SCTP is balanced like the others', () => {
    const rules = withServices(0);
    rules.setService('default/a', serviceOf('a', '10.96.0.1', { ports: [portOf({ protocol: 'SCTP' })] }), [sliceOf('a', ['10.244.0.1'], { protocol: 'SCTP' })]);
    expect(changed(rules)).toContain('add element inet t endpoints-any4-sctp { 10.96.0.1 . 80 . 0 : 10.244.0.1 . 8080 }');
  });

  it('a node that gets another address moves its node ports', () => {
    const rules = withServices(0);
    rules.setService('default/a', serviceOf('a', '10.96.0.1', { type: 'NodePort', ports: [portOf({ nodePort: 30080 })] }), [slice('a', '10.244.0.1')]);
    changed(rules);
    rules.setNode({ ...facts, addresses: ['192.0.2.2'] });
    expect(changed(rules)).toEqual(expect.arrayContaining(['delete element inet t endpoints-any4-tcp { 192.0.2.1 . 30080 . 0 }', 'add element inet t endpoints-any4-tcp { 192.0.2.2 . 30080 . 0 : 10.244.0.1 . 8080 }']));
  });
});

describe('UDP flows', () => {
  const line = (source: string, destination: string, port: number, answers: string, answersPort: number): string =>
    `udp      17 29 src=${source} dst=${destination} sport=4000 dport=${port} src=${answers} dst=${source} sport=${answersPort} dport=4000 [ASSURED] mark=0 use=1`;

  it('those at endpoints that are gone, and those that were never translated, are stale; others are nobody\'s business', () => {
    const flows = [
      line('10.0.0.9', '10.96.0.1', 53, '10.244.0.1', 5353), line('10.0.0.9', '10.96.0.1', 53, '10.244.0.2', 5353),
      line('10.0.0.9', '10.96.0.1', 53, '10.96.0.1', 53), line('10.0.0.9', '192.0.2.7', 53, '192.0.2.7', 53), 'nonsense',
    ].flatMap(parseFlow);
    const stale = staleFlows(flows, (frontend) => (frontend === '10.96.0.1 . udp . 53' ? new Set(['10.244.0.1 . 5353']) : undefined));
    expect(stale.map(({ answersFrom }) => answersFrom)).toEqual(['10.244.0.2', '10.96.0.1']);
  });
});
