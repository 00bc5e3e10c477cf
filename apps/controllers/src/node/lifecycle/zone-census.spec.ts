import type { Node } from '@navarch/proto/k8s/io/api/core/v1/core';

import { EvictionTokens } from './eviction-tokens';
import { evictionRate, ZoneCensus, zoneOf, zoneState } from './zone-census';

const node = (name: string, ready: boolean, zone?: string): Node => ({
  metadata: { name, ...(zone && { labels: { 'topology.kubernetes.io/zone': zone } }) }, status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }] },
});

describe('zones', () => {
  it.each([
    [{ ready: 3, notReady: 0 }, 'Normal'], [{ ready: 0, notReady: 1 }, 'FullDisruption'], [{ ready: 1, notReady: 2 }, 'Normal'],
    [{ ready: 2, notReady: 3 }, 'PartialDisruption'], [{ ready: 3, notReady: 3 }, 'Normal'], [{ ready: 0, notReady: 0 }, 'Normal'],
  ])('%j is %s', (count, expected) => expect(zoneState(count)).toBe(expected));

  it('a large zone in partial disruption goes on slowly, a small one stops', () => {
    const rates = { nodeEvictionRate: 0.1, secondaryNodeEvictionRate: 0.01, largeClusterThreshold: 50 };
    expect([{ ready: 10, notReady: 1 }, { ready: 0, notReady: 9 }, { ready: 2, notReady: 8 }, { ready: 20, notReady: 80 }].map((count) => evictionRate(count, rates))).toEqual([0.1, 0.1, 0, 0.01]);
  });

  it('the census follows nodes as they come, change, move and go', () => {
    const census = new ZoneCensus();
    census.set(node('a', true, 'x'));
    census.set(node('b', false, 'x'));
    census.set(node('c', false, 'y'));
    expect([census.count(zoneOf(node('', true, 'x'))), census.allDown]).toEqual([{ ready: 1, notReady: 1 }, false]);
    census.set(node('a', false, 'x'));
    expect(census.allDown).toBe(true);
    census.set(node('a', true, 'y'));
    expect([census.count(zoneOf(node('', true, 'x'))), census.count(zoneOf(node('', true, 'y'))), census.allDown]).toEqual([{ ready: 0, notReady: 1 }, { ready: 1, notReady: 1 }, false]);
    for (const name of ['a', 'b', 'c', 'c']) census.remove(name);
    expect([census.count(zoneOf(node('', true, 'x'))), census.allDown]).toEqual([{ ready: 0, notReady: 0 }, false]);
  });
});

describe('eviction rate', () => {
  it('one at once, then as many as the rate gives, zone by zone', () => {
    const tokens = new EvictionTokens();
    expect([tokens.take('x', 0.1, 0), tokens.take('x', 0.1, 0), tokens.take('y', 0.1, 0)]).toEqual([true, false, true]);
    expect([tokens.take('x', 0.1, 9_999), tokens.take('x', 0.1, 10_001), tokens.take('x', 0.1, 10_001)]).toEqual([false, true, false]);
  });

  it('a rate of 0 gives none, also not the first', () => {
    const tokens = new EvictionTokens();
    expect([tokens.take('x', 0, 0), tokens.take('x', 0, 1_000_000), tokens.take('x', 0.1, 1_000_000)]).toEqual([false, false, true]);
  });
});
