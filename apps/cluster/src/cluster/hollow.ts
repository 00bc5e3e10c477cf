/** Hollow nodes of a cluster: real kubelets on runtimes in memory, all in one process (docs/design/022-hollow-nodes.md). */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { JsonObject } from '@navarch/api';
import { inParallel } from '@navarch/base';
import { issueCertificate, writeKeyPair } from '@navarch/service';

import type { Places } from './places';
import { notReadyReason } from './ready-reason';
import type { ClusterState } from './state';

/** With the real nodes, what 10.244.0.0/16 holds in ranges of /25: 126 addresses each, for 110 pods. */
export const maxHollowNodes = 400;
const rangesOfDefaultSize = 256;
const validDays = 3650;
const issuedAtOnce = 8;

/** hollow-1, hollow-2 … */
export function hollowNames({ hollow = 0 }: Pick<ClusterState, 'hollow'>): string[] {
  return Array.from({ length: hollow }, (_, index) => `hollow-${index + 1}`);
}

/** Each node has an identity of its own, as real ones do; those that are there stay. */
export async function makeHollowKeys(places: Places, state: Pick<ClusterState, 'hollow'>): Promise<void> {
  const missing = hollowNames(state).filter((name) => !existsSync(join(places.pki, `${name}.crt`)));
  if (missing.length === 0) return;
  const [certificate, key] = ['ca.crt', 'ca.key'].map((file) => readFileSync(join(places.pki, file), 'utf8')) as [string, string];
  await inParallel(missing, issuedAtOnce, async (name) => {
    const request = { commonName: `system:node:${name}`, organizations: ['system:nodes'], usages: ['client', 'server'] as const, dnsNames: [name, 'localhost'] };
    await writeKeyPair(places.pki, name, await issueCertificate({ certificate, key }, { days: validDays, ...request }));
  });
}

/** What the process that runs them all is told. */
export function hollowFlags(places: Places, { hollow = 0 }: ClusterState): Record<string, string> {
  return { count: String(hollow), 'keys-directory': places.pki, 'listen-directory': places.runDirectory };
}

/** Smaller pod ranges where there are too many nodes for those of the default size. */
export function podRangeFlags({ nodes, hollow = 0 }: ClusterState): Record<string, string> {
  return nodes.length + hollow > rangesOfDefaultSize ? { 'node-cidr-mask-size-ipv4': '25' } : {};
}

/** How many of them are Ready, from a list of all nodes. */
export function countReadyHollow(state: Pick<ClusterState, 'hollow'>, nodes: readonly JsonObject[]): number {
  const names = new Set(hollowNames(state));
  return nodes.filter((node) => names.has((node.metadata as { name: string }).name) && notReadyReason(node) === undefined).length;
}
