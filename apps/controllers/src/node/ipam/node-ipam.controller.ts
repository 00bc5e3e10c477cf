/**
 * Gives each node its pod range: reserve (the table), commit (the node's spec), repair (release what gone nodes had).
 * One key for all nodes: an allocation is a decision over all of them.
 */
import { configMaps, nodes } from '@navarch/api';
import { isNotFound } from '@navarch/base';
import { startController, watching } from '@navarch/client';
import type { ConfigMap, Node } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { StartController } from '../../dependencies';
import { inChunks, valuesOf } from '../../in-chunks';
import { nodeReference } from '../node-reference';
import { readTable, sameTable, tableName, tableNamespace, writeTable } from './allocation-table';
import { planPodRanges, podRanges, suspects, type Assignment } from './plan-pod-ranges';

const allNodes = { namespace: '', name: 'pod-ranges' };
const exhaustedRetryMs = 60_000;
const callsAtOnce = 16;

export const startNodeIpam: StartController = (dependencies, signal) => {
  const { client, clock, random, logger, informers, recorder, config, observe } = dependencies;
  const tables = client.resource(configMaps);
  const nodeClient = client.resource(nodes);

  async function readConfigMap(): Promise<ConfigMap | undefined> {
    return tables.get(tableNamespace, tableName).catch(orAbsent);
  }

  /** The cached nodes, and those the cache does not have yet although they have a range. */
  async function allPresent(stored: ConfigMap | undefined): Promise<Node[]> {
    const cached = informers.nodes.list();
    const asked = await inChunks(suspects(readTable(stored), cached), callsAtOnce, ({ node }) => nodeClient.get('', node).catch(orAbsent));
    const found = valuesOf(asked).filter((node) => node !== undefined);
    const names = new Set(found.map(({ metadata }) => metadata?.name));
    return [...cached.filter(({ metadata }) => !names.has(metadata?.name)), ...found];
  }

  async function assign({ node, ranges }: Assignment): Promise<Node> {
    const { name = '', uid = '' } = node.metadata ?? {};
    // The uid makes it a Conflict where another node took the name.
    return nodeClient.patch('', name, 'application/merge-patch+json', { metadata: { uid }, spec: { podCIDR: ranges[0] ?? null, podCIDRs: [...ranges] } });
  }

  return startController({
    name: 'node/ipam', clock, random, logger, signal, ...(observe && { observe }),
    watches: [watching(informers.nodes, { keys: () => [allNodes], when: ({ type, object }) => type !== 'MODIFIED' || podRanges(object).length === 0 })],
    reconcile: async (_request, context) => {
      const stored = await readConfigMap();
      const before = readTable(stored);
      const plan = planPodRanges(before, await allPresent(stored), config.clusterRanges);
      if (!sameTable(before, plan.table)) {
        const table = writeTable(stored, plan.table);
        await (stored ? tables.update(table) : tables.create(table));
      }
      const results = await inChunks(plan.assignments, callsAtOnce, assign);
      for (const node of plan.exhausted) recorder.event(nodeReference(node), 'Normal', 'CIDRNotAvailable', `Node ${node.metadata?.name ?? ''} status is now: CIDRNotAvailable`);
      for (const result of results) {
        // A node that went meanwhile needs none.
        if (result.status === 'rejected') orAbsent(result.reason);
        else await context.wrote(informers.nodes, result.value);
      }
      return plan.exhausted.length > 0 ? { requeueAfterMs: exhaustedRetryMs } : {};
    },
  });
};

function orAbsent(thrown: unknown): undefined {
  if (isNotFound(thrown)) return undefined;
  throw thrown;
}
