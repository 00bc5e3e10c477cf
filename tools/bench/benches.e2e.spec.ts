import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { testEnvironment } from '../../apps/cluster/src/testing/local-cluster';

const root = join(__dirname, '..', '..');

/** The benchmarks' figures are for docs/performance.md; here each only has to run to its end, in its short form, and report. */
describe('each benchmark runs in its short form and reports', () => {
  it.each<[string, readonly string[], RegExp]>([
    ['store.ts', ['--short'], /"bench":"store"/],
    ['apiserver.ts', ['--short'], /echo/],
    ['doors.ts', ['--short'], /server-side apply[\s\S]*per watch/],
    ['scheduler.ts', ['--short'], /SchedulingBasic/],
    ['pod-start.ts', ['3'], /CRI alone[\s\S]*p50/],
    ['tracing.ts', ['--short'], /"title"/],
    ['proxy.ts', ['--short'], /"bench": "proxy"/],
    ['dns.ts', ['--short'], /"bench": "dns"/],
    ['codec.ts', ['--short'], /pods\/s/],
    ['workloads.ts', ['--short'], /rolling update of 60[\s\S]*"bench":"workloads"/],
    ['garbage-collection.ts', ['--short'], /dependents collected[\s\S]*"bench":"garbage-collection"/],
    ['cluster.ts', ['--short'], /cold start of two nodes[\s\S]*PSS MiB/],
  ])('%s', (file, options, reported) => {
    const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin/tsx'), [join('tools/bench', file), ...options], { cwd: root, env: testEnvironment(), encoding: 'utf8', timeout: 170_000 });
    expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
    expect(stdout).toMatch(reported);
  }, 180_000);
});
