/** Cluster roles with an aggregation rule hold the rules of the roles that it selects. */
import { clusterRoles, deepEqual, matcherOf } from '@navarch/api';
import { isConflict, isNotFound } from '@navarch/base';
import { startController, watching } from '@navarch/client';
import type { ClusterRole, PolicyRule } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';

import type { StartController } from '../../dependencies';

/** What the role must say, in the selectors' and then the names' order, each rule once; undefined where it gathers nothing. */
export function aggregatedRules(role: ClusterRole, all: readonly ClusterRole[]): readonly PolicyRule[] | undefined {
  if (!role.aggregationRule) return undefined;
  const others = all.filter(({ metadata }) => metadata?.name !== role.metadata?.name).sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1));
  const rules: PolicyRule[] = [];
  for (const selector of role.aggregationRule.clusterRoleSelectors ?? []) {
    const matcher = matcherOf(selector);
    for (const other of others) {
      if (!matcher.matches(other.metadata?.labels ?? {})) continue;
      for (const rule of other.rules ?? []) if (!rules.some((known) => deepEqual(known, rule))) rules.push(rule);
    }
  }
  return rules;
}

export const startClusterRoleAggregation: StartController = ({ client, clock, random, logger, informers, observe }, signal) =>
  startController({
    name: 'clusterrole/aggregation', clock, random, logger, signal, ...(observe && { observe }),
    watches: [
      // Whichever changed may belong to any of them, and they are few.
      watching(informers.clusterRoles, {
        keys: () => informers.clusterRoles.list().filter(({ aggregationRule }) => aggregationRule).map(({ metadata }) => ({ namespace: '', name: metadata?.name ?? '' })),
      }),
    ],
    reconcile: async ({ name }, context) => {
      const role = informers.clusterRoles.get('', name);
      const rules = role && aggregatedRules(role, informers.clusterRoles.list());
      if (!rules || deepEqual(rules, role.rules ?? [])) return;
      try {
        await context.wrote(informers.clusterRoles, await client.resource(clusterRoles).update({ ...role, rules: structuredClone(rules) as PolicyRule[] }));
      } catch (thrown) {
        if (!isConflict(thrown) && !isNotFound(thrown)) throw thrown;
      }
    },
  });
