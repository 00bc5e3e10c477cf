/**
 * What the API is made of: one value per kind (resources/), the codecs between protobuf, memory and JSON (codec/), defaults and
 * validation in Kubernetes' words, selectors and patches. Pure; no transport, no clock.
 *
 * Objects are ts-proto messages in normal form: absent is absent (docs/design/001-one-source-for-every-kind.md).
 */
export type {
  ApiObject, Column, FieldError, FieldValidation, GroupVersionResource, JsonObject, JsonValue, MessageCodec, Resource,
  ResourceRegistry, ScaleView, StatusStrategy,
} from './resource';

export { allResources } from './resources';
export { namespaces } from './resources/core/namespaces';
export { nodes } from './resources/core/nodes';
export { pods } from './resources/core/pods';
export { configMaps } from './resources/core/configmaps';
export { secrets } from './resources/core/secrets';
export { serviceAccounts } from './resources/core/serviceaccounts';
export { events } from './resources/core/events';
export { leases } from './resources/coordination/leases';
export { controllerRevisions } from './resources/apps/controllerrevisions';
export { daemonSets } from './resources/apps/daemonsets';
export { deployments } from './resources/apps/deployments';
export { replicaSets } from './resources/apps/replicasets';
export { statefulSets } from './resources/apps/statefulsets';
export { ingresses } from './resources/networking/ingresses';
export { ingressClasses } from './resources/networking/ingressclasses';
export { networkPolicies } from './resources/networking/networkpolicies';
export { ipAddresses } from './resources/networking/ipaddresses';
export { serviceCidrs } from './resources/networking/servicecidrs';
export { roles } from './resources/rbac/roles';
export { clusterRoles } from './resources/rbac/clusterroles';
export { roleBindings } from './resources/rbac/rolebindings';
export { clusterRoleBindings } from './resources/rbac/clusterrolebindings';
export { localPathClass, localPathProvisioner, storageClasses } from './resources/storage/storageclasses';
export { csiDrivers } from './resources/storage/csidrivers';
export { csiNodes } from './resources/storage/csinodes';
export { csiStorageCapacities } from './resources/storage/csistoragecapacities';
export { volumeAttachments } from './resources/storage/volumeattachments';
export { volumeAttributesClasses } from './resources/storage/volumeattributesclasses';
export { priorityClasses, systemPriorityClasses } from './resources/scheduling/priorityclasses';
export { runtimeClasses } from './resources/node/runtimeclasses';
export { cronJobs } from './resources/batch/cronjobs';
export { jobs } from './resources/batch/jobs';
export { endpoints } from './resources/core/endpoints';
export { limitRanges } from './resources/core/limitranges';
export { persistentVolumeClaims } from './resources/core/persistentvolumeclaims';
export { persistentVolumes } from './resources/core/persistentvolumes';
export { podTemplates } from './resources/core/podtemplates';
export { replicationControllers } from './resources/core/replicationcontrollers';
export { resourceQuotas } from './resources/core/resourcequotas';
export { services } from './resources/core/services';
export { validatingWebhookConfigurations } from './resources/admissionregistration/validatingwebhookconfigurations';
export { mutatingWebhookConfigurations } from './resources/admissionregistration/mutatingwebhookconfigurations';
export { validatingAdmissionPolicies } from './resources/admissionregistration/validatingadmissionpolicies';
export { validatingAdmissionPolicyBindings } from './resources/admissionregistration/validatingadmissionpolicybindings';
export { mutatingAdmissionPolicies } from './resources/admissionregistration/mutatingadmissionpolicies';
export { mutatingAdmissionPolicyBindings } from './resources/admissionregistration/mutatingadmissionpolicybindings';
export { approvalStrategy, certificateSigningRequests } from './resources/certificates/certificatesigningrequests';
export { flowSchemas } from './resources/flowcontrol/flowschemas';
export { priorityLevelConfigurations } from './resources/flowcontrol/prioritylevelconfigurations';
export { deviceClasses } from './resources/resource/deviceclasses';
export { resourceClaims } from './resources/resource/resourceclaims';
export { resourceClaimTemplates } from './resources/resource/resourceclaimtemplates';
export { resourceSlices } from './resources/resource/resourceslices';
export { customResourceDefinitions } from './resources/apiextensions/customresourcedefinitions';
export { apiServices } from './resources/apiregistration/apiservices';
export { endpointSlices } from './resources/discovery/endpointslices';
export { podDisruptionBudgets } from './resources/policy/poddisruptionbudgets';
export { horizontalPodAutoscalers } from './resources/autoscaling/horizontalpodautoscalers';
export { horizontalPodAutoscalersV1 } from './resources/autoscaling/horizontalpodautoscalers-v1';
export { eventsV1 } from './resources/events/events';
export { ephemeralContainersStrategy, podFieldsBut, podResizeStrategy } from './pod/views';
export { convertObject, defineView, storageOf, type ViewDefinition } from './define-view';
export { scales } from './resources/scale';
export { reviewResources, tokenRequests } from './resources/reviews';
export { metricResources, nodeMetrics, podMetrics } from './resources/metrics/metrics';
export { createRegistry } from './registry';
export { allVerbs, contentChanged, defineResource, statusStrategy, type ResourceDefinition } from './define-resource';
export { fieldErrorsToApiError } from './field-errors';
export { isMirrorPod } from './validation/pod';
export { invalid as invalidField } from './validation/field-error';
export { hasNodePorts, isHeadless, needsHealthCheck } from './validation/service';
export { canonicalCidr } from './validation/canonical-ip';
export { familyOf, type IpFamily } from './validation/service-addresses';

export { codecFor } from './codec/codec';
export { decodeEnvelope, encodeEnvelope, type Envelope } from './codec/envelope';
export { withResourceVersion } from './codec/with-resource-version';
export { findDuplicateFields } from './codec/duplicate-fields';
export { deepEqual } from './deep-equal';

export {
  addQuantity, compareQuantity, isZeroQuantity, maxQuantity, quantity, quantityMilliValue, quantityValue, QuantityFormatError, subtractQuantity,
} from './scalars/quantity';
export { microTimeFromMs, microTimeFromText, microTimeToMs, microTimeToText, timeFromMs, timeFromText, timeToMs, timeToText } from './scalars/time';
export { durationFromText, durationToText } from './scalars/duration';
export { intOrPercent, intOrString, intOrStringValue } from './scalars/int-or-string';
export { ageText, durationText } from './scalars/age';

export {
  matcherFor, matcherOf, matchesRequirement, parseLabelSelector, type LabelMatcher, type LabelOperator, type LabelRequirement, type Labels,
} from './selectors/label-selector';
export { parseFieldSelector, type FieldMatcher, type FieldRequirement } from './selectors/field-selector';
export { applyMergePatch } from './merge-patch';

export { findCondition, isConditionTrue, setCondition, type ConditionLike } from './meta/conditions';
export { apiVersionOf, controllerOf, ownerReference } from './meta/owner-reference';

export { claimNameOf, podClaims } from './pod/claims';
export { localPathFinalizer, localPathRootAnnotation, provisionedByAnnotation, selectedNodeAnnotation, volumeNodeLabel } from './pod/local-path';
export { isSidecar, podLimits, podRequests, type ResourceList } from './pod/requests';
export { qosClassOf, type QosClass } from './pod/qos';
export { findUntoleratedTaint, tolerates, withDefaultTolerations, type TaintEffect } from './pod/taints';
export { matchesNodeOf, matchesNodeSelector, matchesNodeSelectorTerm } from './pod/node-affinity';
export { isPodReady, isPodTerminal, podSummary, type PodSummary } from './pod/status-text';
export { defaultPullPolicy, setSpecDefaults } from './pod/defaults';

export { applyJsonPatch } from './patch/json-patch';
export { strategicMerge } from './patch/strategic-merge';
export { applyIntent, recordUpdate, type ApplyOptions, type FieldManager, type RecordOptions } from './patch/managed-fields';
export { type FieldVersion, type FieldVersions } from './patch/field-versions';
export { fromFieldsV1, toFieldsV1, type FieldSet } from './patch/field-set';
export { kindMergeSchema } from './patch/kind-merge-schema';
export { groupVersionPath, openApiV2, openApiV3, type DocumentedResource } from './openapi/documents';
export type { SchemaTables } from './openapi/schemas';
