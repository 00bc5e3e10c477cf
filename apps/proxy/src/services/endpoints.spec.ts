import type { Endpoint as SliceEndpoint } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

import { sliceOf } from '../testing/objects';
import { choose, endpointsOf } from './endpoints';

const node = { name: 'self', zone: 'z1' };
const at = (address: string, more: SliceEndpoint = {}): SliceEndpoint => ({ addresses: [address], ...more });
const chosen = (...endpoints: SliceEndpoint[]) => {
  const { anywhere, here, any } = choose(endpointsOf([sliceOf('a', endpoints)], '4', '', 'tcp', 'self'), node);
  return { anywhere: anywhere.map(({ address }) => address), here: here.map(({ address }) => address), any };
};
const zones = (...names: string[]) => ({ hints: { forZones: names.map((name) => ({ name })) } });
const nodes = (...names: string[]) => ({ hints: { forNodes: names.map((name) => ({ name })) } });
const ending = { conditions: { ready: false, serving: true, terminating: true } };
const local = { nodeName: 'self' };

describe('which endpoints answer', () => {
  it.each<[string, SliceEndpoint[], ReturnType<typeof chosen>]>([
    ['without conditions an endpoint is ready', [at('10.0.0.1')], { anywhere: ['10.0.0.1'], here: [], any: true }],
    ['not ready: not asked', [at('10.0.0.1', { conditions: { ready: false } })], { anywhere: [], here: [], any: false }],
    ['a slice that publishes what is not ready says ready, and is believed', [at('10.0.0.1', { conditions: { ready: true, serving: false } })], { anywhere: ['10.0.0.1'], here: [], any: true }],
    ['one that ends is asked only where none is ready', [at('10.0.0.1', ending), at('10.0.0.2')], { anywhere: ['10.0.0.2'], here: [], any: true }],
    ['those that end and still serve are asked where none is ready', [at('10.0.0.1', ending), at('10.0.0.2', { conditions: { ready: false, serving: false, terminating: true } })], { anywhere: ['10.0.0.1'], here: [], any: true }],
    ['on the node alone the same is judged for itself', [at('10.0.0.1', { ...ending, ...local }), at('10.0.0.2')], { anywhere: ['10.0.0.2'], here: ['10.0.0.1'], any: true }],
    ['hints of zones: our zone', [at('10.0.0.1', zones('z1')), at('10.0.0.2', zones('z2'))], { anywhere: ['10.0.0.1'], here: [], any: true }],
    ['hints of zones are ignored where one endpoint has none', [at('10.0.0.1', zones('z1')), at('10.0.0.2')], { anywhere: ['10.0.0.1', '10.0.0.2'], here: [], any: true }],
    ['hints of zones are ignored where none is for ours', [at('10.0.0.1', zones('z3')), at('10.0.0.2', zones('z2'))], { anywhere: ['10.0.0.1', '10.0.0.2'], here: [], any: true }],
    ['hints of nodes go before those of zones', [at('10.0.0.1', { hints: { forZones: [{ name: 'z1' }], forNodes: [{ name: 'other' }] } }), at('10.0.0.2', { hints: { forZones: [{ name: 'z1' }], forNodes: [{ name: 'self' }] } })], { anywhere: ['10.0.0.2'], here: [], any: true }],
    ['hints of nodes are ignored where none is for ours', [at('10.0.0.1', nodes('other')), at('10.0.0.2', nodes('third'))], { anywhere: ['10.0.0.1', '10.0.0.2'], here: [], any: true }],
    ['hints do not count on the node alone', [at('10.0.0.1', { ...zones('z2'), ...local }), at('10.0.0.2', zones('z1'))], { anywhere: ['10.0.0.2'], here: ['10.0.0.1'], any: true }],
    ['none at all', [], { anywhere: [], here: [], any: false }],
  ])('%s', (_name, endpoints, expected) => {
    expect(chosen(...endpoints)).toEqual(expected);
  });

  it('an endpoint in two slices counts once, and the readier one counts', () => {
    const slices = [sliceOf('a', [at('10.0.0.1', { conditions: { ready: false } })]), sliceOf('a', [at('10.0.0.1')])];
    expect(endpointsOf(slices, '4', '', 'tcp', 'self')).toMatchObject([{ address: '10.0.0.1', ready: true }]);
  });

  it('only the port of this name and protocol, only this family, and no nonsense', () => {
    const slices = [sliceOf('a', ['10.0.0.1', 'nonsense'], { name: 'web' }), sliceOf('a', ['10.0.0.2'], { name: 'other' }), sliceOf('a', ['10.0.0.3'], { name: 'web', protocol: 'UDP' }), sliceOf('a', ['fd00::1'], { name: 'web' })];
    expect(endpointsOf(slices, '4', 'web', 'tcp', 'self').map(({ address }) => address)).toEqual(['10.0.0.1']);
    expect(endpointsOf(slices, '6', 'web', 'tcp', 'self').map(({ address }) => address)).toEqual(['fd00::1']);
  });
});
