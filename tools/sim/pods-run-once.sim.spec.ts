import { pods as podResource } from '@navarch/api';

import { runScenario, standardScenario, type Outcome } from './scenario';

/** One seed: `NAVARCH_SIM_SEED=17 npx jest tools/sim`. More of them: `NAVARCH_SIM_SEEDS=1000`. */
const only = process.env['NAVARCH_SIM_SEED'];
const count = Number(process.env['NAVARCH_SIM_SEEDS'] ?? 100);
const seeds = only === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(only)];
const scenario = (seed: number): Promise<Outcome> => runScenario({ ...standardScenario, seed });

/** Every node name that any version of a pod ever had, by pod. */
function bindings({ cluster }: Outcome): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { key, body, tombstone } of cluster.writes) {
    if (tombstone || key.resource !== 'pods') continue;
    const pod = podResource.codec.decode(body);
    if (!pod.spec?.nodeName) continue;
    const id = `${key.name}/${pod.metadata?.uid}`;
    found.set(id, (found.get(id) ?? new Set()).add(pod.spec.nodeName));
  }
  return found;
}

describe('pods under crashes and lost messages', () => {
  it.each(seeds)('seed %i: every pod ends Running exactly once', async (seed) => {
    const outcome = await scenario(seed);
    const { cluster, pods } = outcome;
    const runtimes = [...cluster.runtimes.entries()];
    for (const pod of pods) {
      const starts = runtimes.flatMap(([node, runtime]) => runtime.starts.filter(({ podUid }) => podUid === pod.metadata?.uid).map(() => node));
      expect([pod.metadata?.name, starts]).toEqual([pod.metadata?.name, [pod.spec?.nodeName]]);
    }
    for (const [, runtime] of runtimes) expect(runtime.mostAtOnce).toBeLessThanOrEqual(1);
    for (const [pod, nodeNames] of bindings(outcome)) expect([pod, [...nodeNames]]).toEqual([pod, [[...nodeNames][0]]]);
    const addresses = pods.map(({ status }) => status?.podIP);
    expect(new Set(addresses).size).toBe(pods.length);
  }, 60_000);

  it('replays: the same seed gives the same history, another one another', async () => {
    const [first, again, other] = [await scenario(seeds[0] ?? 1), await scenario(seeds[0] ?? 1), await scenario((seeds[0] ?? 1) + 1)];
    expect(again.history).toEqual(first.history);
    expect(again.cluster.writes.length).toBe(first.cluster.writes.length);
    expect(other.history).not.toEqual(first.history);
  }, 120_000);
});
