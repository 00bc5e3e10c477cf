/**
 * Clean-up in numbers: `npx tsx tools/bench/garbage-collection.ts [--short] [--dependents N] [--objects N]`. The garbage collector deletes
 * the dependents of one owner, and a namespace goes with all that is in it. One process holds the whole cluster, without nodes
 * (lib/hollow-cluster.ts). Prints Markdown, then one line of JSON.
 */
import { configMaps, namespaces, secrets } from '@navarch/api';
import { inParallel } from '@navarch/base';

import { isGone, startHollowCluster, type HollowCluster } from './lib/hollow-cluster';
import { markdown, measured, option, type Phase } from './lib/phases';

const short = process.argv.includes('--short');
const dependents = option('dependents', short ? 300 : 10_000);
const objects = option('objects', short ? 200 : 5_000);
const createsAtOnce = 64;

async function garbage({ client, until }: HollowCluster): Promise<Phase[]> {
  const maps = client.resource(configMaps);
  const owner = await maps.create({ metadata: { namespace: 'default', name: 'owner' } });
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata?.uid ?? '' }];
  const names = Array.from({ length: dependents }, (_, index) => `dependent-${index}`);
  const made = await measured(`${dependents} dependents created`, dependents, async () => void await inParallel(names, createsAtOnce, (name) => client.resource(secrets).create({ metadata: { namespace: 'default', name, ownerReferences } })));
  const gone = await measured(`${dependents} dependents collected`, dependents, async () => {
    await maps.delete('default', 'owner');
    await until('no dependent left', async () => (await client.resource(secrets).list({ namespace: 'default' })).items.every(({ metadata }) => metadata?.ownerReferences === undefined));
  });
  return [made, gone];
}

async function namespace({ client, until }: HollowCluster): Promise<Phase[]> {
  await client.resource(namespaces).create({ metadata: { name: 'crowded' } });
  const names = Array.from({ length: objects }, (_, index) => `object-${index}`);
  const made = await measured(`${objects} objects created in a namespace`, objects, async () => void await inParallel(names, createsAtOnce, (name) => client.resource(configMaps).create({ metadata: { namespace: 'crowded', name }, data: { key: 'value' } })));
  const gone = await measured(`the namespace with ${objects} objects deleted`, objects, async () => {
    await client.resource(namespaces).delete('', 'crowded');
    await until('the namespace gone', () => isGone(client, namespaces, '', 'crowded'));
  });
  return [made, gone];
}

async function main(): Promise<void> {
  const cluster = await startHollowCluster(0);
  try {
    const phases = [...(await garbage(cluster)), ...(await namespace(cluster))];
    console.log(`### Clean-up, one process\n\n${markdown(phases)}`);
    console.log(JSON.stringify({ bench: 'garbage-collection', phases }));
  } finally {
    await cluster.close();
  }
}

void main().then(() => process.exit(0), (error: unknown) => {
  console.error(error);
  process.exit(1);
});
