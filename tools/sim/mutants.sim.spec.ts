import { QuotaLedger } from '../../apps/apiserver/src/core/admission/quota/ledger';

import { gentleBreeze, mutants } from './workloads/mutants';
import { runWorkloads, type WorkloadScenario } from './workloads/run';

const seeds = [1, 2, 3, 4];
const common = { stormMs: 70_000, storm: gentleBreeze, paceMs: 1_500, calmMs: 60_000 };

/** What is said of the first seed that shows it. */
async function noticed(scenario: Omit<WorkloadScenario, 'seed'>): Promise<string> {
  for (const seed of seeds) {
    const { violation } = await runWorkloads({ ...scenario, seed });
    if (violation !== undefined) return violation;
  }
  return 'nothing';
}

describe('the simulation notices', () => {
  it.each(mutants.map((mutant) => [mutant.bug, mutant] as const))('when %s', async (_bug, { topics, client, noticed: words }) => {
    expect(await noticed({ ...common, topics, sabotage: { controllersClient: client } })).toMatch(words);
  }, 120_000);

  describe('of quotas, which the apiserver keeps,', () => {
    afterEach(() => jest.restoreAllMocks());

    it('when nothing is promised before it is made', async () => {
      jest.spyOn(QuotaLedger.prototype, 'reserve').mockResolvedValue(undefined);
      expect(await noticed({ ...common, topics: ['quotas'] })).toMatch(/ResourceQuota tight\/limit allows 4 pods, there are/);
    }, 120_000);

    it('when what is used is counted twice', async () => {
      const count = QuotaLedger.prototype.recounted;
      jest.spyOn(QuotaLedger.prototype, 'recounted').mockImplementation(function twice(this: QuotaLedger, quota) {
        const { status, ...rest } = count.call(this, quota);
        return { ...rest, status: { ...status, used: { ...status?.used, pods: { string: String(2 * Number(status?.used?.['pods']?.string ?? 0)) } } } };
      });
      expect(await noticed({ ...common, topics: ['quotas'] })).toMatch(/ResourceQuota tight\/limit status\.used\.pods/);
    }, 120_000);
  });

  it('nothing where nothing is broken', async () => {
    expect(await runWorkloads({ ...common, seed: 1, topics: ['replicas', 'rollouts', 'garbage', 'quotas'] })).toMatchObject({ violation: undefined });
  }, 240_000);
});
