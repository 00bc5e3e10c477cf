/**
 * What workloads cost on hollow nodes: `npx tsx tools/bench/workloads.ts [--short] [--nodes N] [--pods N]`. A Deployment goes from none to
 * all its pods (each hop's rate: created, scheduled, running, ready), is rolled, scaled to half and deleted; then the process is left idle.
 * One process holds the whole cluster (lib/hollow-cluster.ts), so CPU is that of all parts together. Prints Markdown, then one line of JSON.
 */
import { deployments, isPodReady, replicaSets } from '@navarch/api';
import { sleep, systemClock } from '@navarch/base';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { changeDeployment, hollowDeployment, startHollowCluster, type HollowCluster } from './lib/hollow-cluster';
import { markdown, measured, option, type Phase } from './lib/phases';

const short = process.argv.includes('--short');
const nodes = option('nodes', short ? 10 : 100);
const replicas = option('pods', short ? 60 : 1_000);
const idleMs = short ? 2_000 : 20_000;
const name = 'bench';

interface Hop {
  readonly name: string;
  readonly holds: (pod: Pod) => boolean;
}

const hops: readonly Hop[] = [
  { name: 'created', holds: () => true },
  { name: 'scheduled', holds: ({ spec }) => spec?.nodeName !== undefined },
  { name: 'running', holds: ({ status }) => status?.phase === 'Running' },
  { name: 'ready', holds: isPodReady },
];

/** When the last pod took each hop, milliseconds from the request, by commit times that a watcher saw. */
function followHops(cluster: HollowCluster, beganMs: number): { readonly lastMs: Map<string, number>; stop(): void } {
  const seen = new Map(hops.map((hop) => [hop.name, new Set<string>()]));
  const lastMs = new Map<string, number>();
  const stop = cluster.pods.onChange(({ type, object, headers }) => {
    if (type === 'DELETED') return;
    for (const hop of hops) {
      const uids = seen.get(hop.name);
      const uid = object.metadata?.uid ?? '';
      if (!uids || uids.has(uid) || !hop.holds(object)) continue;
      uids.add(uid);
      lastMs.set(hop.name, headers.commitTimeMs - beganMs);
    }
  });
  return { lastMs, stop };
}

const ready = (cluster: HollowCluster, version: string): number =>
  cluster.pods.list('default').filter((pod) => pod.metadata?.annotations?.version === version && pod.metadata.deletionTimestamp === undefined && isPodReady(pod)).length;

async function main(): Promise<void> {
  const phases: Phase[] = [];
  let cluster: HollowCluster | undefined;
  try {
    phases.push(await measured(`${nodes} hollow nodes registered`, nodes, async () => { cluster = await startHollowCluster(nodes); }));
    const running = cluster as HollowCluster;
    const follow = followHops(running, systemClock.now());
    phases.push(await measured(`0 → ${replicas} pods Ready`, replicas, async () => {
      await running.client.resource(deployments).create(hollowDeployment(name, replicas));
      await running.until('all pods Ready', () => ready(running, '1') === replicas);
    }));
    follow.stop();
    const hopRows = hops.map((hop) => [hop.name, ((follow.lastMs.get(hop.name) ?? NaN) / 1_000).toFixed(2), (replicas * 1_000 / (follow.lastMs.get(hop.name) ?? NaN)).toFixed(0)]);
    phases.push(await measured(`rolling update of ${replicas}`, replicas, async () => {
      await changeDeployment(running.client, name, (deployment) => ({ ...deployment, spec: { ...deployment.spec, template: { ...deployment.spec?.template, metadata: { annotations: { version: '2' } } } } }));
      await running.until('all pods rolled', () => ready(running, '2') === replicas && running.pods.list('default').length === replicas);
    }));
    phases.push(await measured('idle', 0, () => sleep(systemClock, idleMs)));
    phases.push(await measured(`${replicas} → 0 by deletion`, replicas, async () => {
      await running.client.resource(deployments).delete('default', name);
      await running.until('nothing left', async () => running.pods.list('default').length === 0 && (await running.client.resource(replicaSets).list({ namespace: 'default' })).items.length === 0);
    }));
    console.log(`### Workloads on ${nodes} hollow nodes, one process\n\n${markdown(phases)}\n\n| hop | last pod after s | pods/s |\n| --- | ---: | ---: |\n${hopRows.map((row) => `| ${row.join(' | ')} |`).join('\n')}`);
    console.log(JSON.stringify({ bench: 'workloads', nodes, replicas, phases, hops: Object.fromEntries(follow.lastMs) }));
  } finally {
    await cluster?.close();
  }
}

void main().then(() => process.exit(0), (error: unknown) => {
  console.error(error);
  process.exit(1);
});
