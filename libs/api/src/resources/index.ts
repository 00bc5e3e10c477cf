import type { ApiObject, Resource } from '../resource';
import { mutatingAdmissionPolicies } from './admissionregistration/mutatingadmissionpolicies';
import { mutatingAdmissionPolicyBindings } from './admissionregistration/mutatingadmissionpolicybindings';
import { mutatingWebhookConfigurations } from './admissionregistration/mutatingwebhookconfigurations';
import { validatingAdmissionPolicies } from './admissionregistration/validatingadmissionpolicies';
import { validatingAdmissionPolicyBindings } from './admissionregistration/validatingadmissionpolicybindings';
import { validatingWebhookConfigurations } from './admissionregistration/validatingwebhookconfigurations';
import { customResourceDefinitions } from './apiextensions/customresourcedefinitions';
import { apiServices } from './apiregistration/apiservices';
import { controllerRevisions } from './apps/controllerrevisions';
import { daemonSets } from './apps/daemonsets';
import { deployments } from './apps/deployments';
import { replicaSets } from './apps/replicasets';
import { statefulSets } from './apps/statefulsets';
import { horizontalPodAutoscalers } from './autoscaling/horizontalpodautoscalers';
import { horizontalPodAutoscalersV1 } from './autoscaling/horizontalpodautoscalers-v1';
import { cronJobs } from './batch/cronjobs';
import { jobs } from './batch/jobs';
import { certificateSigningRequests } from './certificates/certificatesigningrequests';
import { leases } from './coordination/leases';
import { configMaps } from './core/configmaps';
import { endpoints } from './core/endpoints';
import { events } from './core/events';
import { limitRanges } from './core/limitranges';
import { namespaces } from './core/namespaces';
import { nodes } from './core/nodes';
import { persistentVolumeClaims } from './core/persistentvolumeclaims';
import { persistentVolumes } from './core/persistentvolumes';
import { pods } from './core/pods';
import { podTemplates } from './core/podtemplates';
import { replicationControllers } from './core/replicationcontrollers';
import { resourceQuotas } from './core/resourcequotas';
import { secrets } from './core/secrets';
import { serviceAccounts } from './core/serviceaccounts';
import { services } from './core/services';
import { endpointSlices } from './discovery/endpointslices';
import { eventsV1 } from './events/events';
import { podDisruptionBudgets } from './policy/poddisruptionbudgets';
import { flowSchemas } from './flowcontrol/flowschemas';
import { priorityLevelConfigurations } from './flowcontrol/prioritylevelconfigurations';
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
import { deviceClasses } from './resource/deviceclasses';
import { resourceClaims } from './resource/resourceclaims';
import { resourceClaimTemplates } from './resource/resourceclaimtemplates';
import { resourceSlices } from './resource/resourceslices';
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
  services, endpoints, persistentVolumes, persistentVolumeClaims, podTemplates, replicationControllers, resourceQuotas, limitRanges,
  endpointSlices, podDisruptionBudgets, horizontalPodAutoscalers,
  ingresses, ingressClasses, networkPolicies, ipAddresses, serviceCidrs,
  roles, clusterRoles, roleBindings, clusterRoleBindings,
  storageClasses, csiDrivers, csiNodes, csiStorageCapacities, volumeAttachments, volumeAttributesClasses,
  priorityClasses,
  runtimeClasses,
  validatingWebhookConfigurations, mutatingWebhookConfigurations, validatingAdmissionPolicies, validatingAdmissionPolicyBindings, mutatingAdmissionPolicies, mutatingAdmissionPolicyBindings,
  certificateSigningRequests,
  flowSchemas, priorityLevelConfigurations,
  deviceClasses, resourceClaims, resourceClaimTemplates, resourceSlices,
  customResourceDefinitions,
  apiServices,
  // Other faces of kinds above.
  horizontalPodAutoscalersV1, eventsV1,
] as readonly Resource<ApiObject>[];
