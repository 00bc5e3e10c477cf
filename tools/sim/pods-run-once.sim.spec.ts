import type { ContainerRuntime, FakeRuntime } from '@navarch/cri';

import { violations } from './judgement';
import { runScenario, standardScenario, type Outcome } from './scenario';
import type { Sabotage } from './simulated-cluster';

/** One seed: `NAVARCH_SIM_SEED=17 npx jest tools/sim`. More of them: `NAVARCH_SIM_SEEDS=1000`. */
const only = process.env['NAVARCH_SIM_SEED'];
const count = Number(process.env['NAVARCH_SIM_SEEDS'] ?? 6);
const seeds = only === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(only)];
const scenario = (seed: number, sabotage?: Sabotage): Promise<Outcome> => runScenario({ ...standardScenario, seed, ...(sabotage && { sabotage }) });

describe('pods under crashes and lost messages', () => {
  it.each(seeds)('seed %i: every pod ends Running exactly once', async (seed) => {
    expect(violations(await scenario(seed))).toEqual([]);
  }, 60_000);

  it('replays: the same seed gives the same history, another one another', async () => {
    const [first, again, other] = [await scenario(seeds[0] ?? 1), await scenario(seeds[0] ?? 1), await scenario((seeds[0] ?? 1) + 1)];
    expect(again.history).toEqual(first.history);
    expect(again.cluster.writes.length).toBe(first.cluster.writes.length);
    expect(other.history).not.toEqual(first.history);
  }, 120_000);
});

describe('the simulation notices', () => {
  /** What is wrong with the first seed that shows it: a verdict, or that the cluster never came to rest. */
  async function noticed(sabotage: Sabotage): Promise<string> {
    for (let seed = 1; seed <= 10; seed++) {
      try {
        const [first] = violations(await scenario(seed, sabotage));
        if (first) return first;
      } catch (error) {
        return (error as Error).message;
      }
    }
    return 'nothing';
  }

  it('a kubelet that does not find its containers again when it restarts', async () => {
    /** Shows only what was made through it. */
    const forgetful = (runtime: FakeRuntime): ContainerRuntime => {
      let sandboxes: readonly string[] | undefined;
      return new Proxy<ContainerRuntime>(runtime, {
        get(target, name, receiver) {
          if (name === 'listPodSandboxes') {
            return async (...args: Parameters<ContainerRuntime['listPodSandboxes']>) => {
              const all = await target.listPodSandboxes(...args);
              sandboxes ??= all.map(({ id }) => id ?? '');
              return all.filter(({ id }) => !sandboxes?.includes(id ?? ''));
            };
          }
          if (name === 'listContainers') {
            return async (...args: Parameters<ContainerRuntime['listContainers']>) =>
              (await target.listContainers(...args)).filter(({ podSandboxId }) => !sandboxes?.includes(podSandboxId ?? ''));
          }
          const member: unknown = Reflect.get(target, name, receiver);
          return typeof member === 'function' ? member.bind(target) as unknown : member;
        },
      });
    };
    expect(await noticed({ runtime: forgetful })).toMatch(/was started on: node-\d, node-\d|containers of one name|not all pods run/);
  }, 120_000);

  it('a scheduler whose bindings are lost', async () => {
    expect(await noticed({ schedulerClient: (client) => ({ ...client, bindPod: () => Promise.resolve() }) })).toMatch(/not all pods run/);
  }, 120_000);
});
