import { runWorkloads, standardWorkloads } from './workloads/run';
import { topics } from './workloads/user';

/** One seed: `NAVARCH_SIM_SEED=17`. More of them: `NAVARCH_SIM_SEEDS=1000`. */
const only = process.env['NAVARCH_SIM_SEED'];
const count = Number(process.env['NAVARCH_SIM_SEEDS'] ?? 2);
const seeds = only === undefined ? Array.from({ length: count }, (_, index) => index + 1) : [Number(only)];

describe('all controllers under crashes at writes, pauses, clock jumps, lost nodes, late and lost events', () => {
  it.each(seeds)('seed %i: no invariant breaks after any write, and everything comes to rest', async (seed) => {
    const { violation, history } = await runWorkloads({ ...standardWorkloads, seed });
    expect(violation && [violation, `npx tsx tools/sim/replay.ts workloads:${seed} info`, ...history.slice(-10)]).toBeUndefined();
  }, 240_000);

  it('the user does something to every sort of workload', () => {
    expect(Object.keys(topics)).toEqual(['deployments', 'replicas', 'statefulSets', 'daemonSets', 'jobs', 'cronJobs', 'budgets', 'quotas', 'garbage', 'namespaces']);
  });
});
