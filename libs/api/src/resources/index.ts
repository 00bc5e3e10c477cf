import type { ApiObject, Resource } from '../resource';
import { controllerRevisions } from './apps/controllerrevisions';
import { daemonSets } from './apps/daemonsets';
import { deployments } from './apps/deployments';
import { replicaSets } from './apps/replicasets';
import { statefulSets } from './apps/statefulsets';
import { leases } from './coordination/leases';
import { configMaps } from './core/configmaps';
import { events } from './core/events';
import { namespaces } from './core/namespaces';
import { nodes } from './core/nodes';
import { pods } from './core/pods';
import { secrets } from './core/secrets';
import { serviceAccounts } from './core/serviceaccounts';

/**
 * Every kind served from the start. A resource's functions take only its own kind's objects; who loops over all kinds
 * hands each the objects that its own codec made.
 */
export const allResources: readonly Resource[] = [
  namespaces, nodes, pods, configMaps, secrets, serviceAccounts, events, leases,
  deployments, replicaSets, statefulSets, daemonSets, controllerRevisions,
] as readonly Resource<ApiObject>[];
