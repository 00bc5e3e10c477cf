import type { ApiObject, Resource } from '../resource';
import { controllerRevisions } from './apps/controllerrevisions';
import { daemonSets } from './apps/daemonsets';
import { deployments } from './apps/deployments';
import { replicaSets } from './apps/replicasets';
import { statefulSets } from './apps/statefulsets';
import { cronJobs } from './batch/cronjobs';
import { jobs } from './batch/jobs';
import { leases } from './coordination/leases';
import { configMaps } from './core/configmaps';
import { events } from './core/events';
import { namespaces } from './core/namespaces';
import { nodes } from './core/nodes';
import { pods } from './core/pods';
import { secrets } from './core/secrets';
import { serviceAccounts } from './core/serviceaccounts';
import { ingressClasses } from './networking/ingressclasses';
import { ingresses } from './networking/ingresses';
import { ipAddresses } from './networking/ipaddresses';
import { networkPolicies } from './networking/networkpolicies';
import { serviceCidrs } from './networking/servicecidrs';
import { runtimeClasses } from './node/runtimeclasses';
import { clusterRoleBindings } from './rbac/clusterrolebindings';
import { clusterRoles } from './rbac/clusterroles';
import { roleBindings } from './rbac/rolebindings';
import { roles } from './rbac/roles';
import { priorityClasses } from './scheduling/priorityclasses';
import { csiDrivers } from './storage/csidrivers';
import { csiNodes } from './storage/csinodes';
import { csiStorageCapacities } from './storage/csistoragecapacities';
import { storageClasses } from './storage/storageclasses';
import { volumeAttachments } from './storage/volumeattachments';
import { volumeAttributesClasses } from './storage/volumeattributesclasses';

/**
 * Every kind served from the start. A resource's functions take only its own kind's objects; who loops over all kinds
 * hands each the objects that its own codec made.
 */
export const allResources: readonly Resource[] = [
  namespaces, nodes, pods, configMaps, secrets, serviceAccounts, events, leases,
  deployments, replicaSets, statefulSets, daemonSets, controllerRevisions, jobs, cronJobs,
  ingresses, ingressClasses, networkPolicies, ipAddresses, serviceCidrs,
  roles, clusterRoles, roleBindings, clusterRoleBindings,
  storageClasses, csiDrivers, csiNodes, csiStorageCapacities, volumeAttachments, volumeAttributesClasses,
  priorityClasses,
  runtimeClasses,
] as readonly Resource<ApiObject>[];
