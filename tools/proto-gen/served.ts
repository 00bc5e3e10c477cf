/** The resources that have a typed service (one for each version), as plural.group; a test holds the list against the registry in libs/api. */
export const servedResources: readonly string[] = [
  'namespaces.', 'nodes.', 'pods.', 'configmaps.', 'secrets.', 'serviceaccounts.', 'events.', 'events.events.k8s.io', 'leases.coordination.k8s.io',
  'deployments.apps', 'replicasets.apps', 'statefulsets.apps', 'daemonsets.apps', 'controllerrevisions.apps',
  'jobs.batch', 'cronjobs.batch',
  'services.', 'endpoints.', 'persistentvolumes.', 'persistentvolumeclaims.', 'podtemplates.', 'replicationcontrollers.', 'resourcequotas.', 'limitranges.',
  'endpointslices.discovery.k8s.io', 'poddisruptionbudgets.policy', 'horizontalpodautoscalers.autoscaling',
  'ingresses.networking.k8s.io', 'ingressclasses.networking.k8s.io', 'networkpolicies.networking.k8s.io', 'ipaddresses.networking.k8s.io', 'servicecidrs.networking.k8s.io',
  'roles.rbac.authorization.k8s.io', 'clusterroles.rbac.authorization.k8s.io', 'rolebindings.rbac.authorization.k8s.io', 'clusterrolebindings.rbac.authorization.k8s.io',
  'storageclasses.storage.k8s.io', 'csidrivers.storage.k8s.io', 'csinodes.storage.k8s.io', 'csistoragecapacities.storage.k8s.io', 'volumeattachments.storage.k8s.io', 'volumeattributesclasses.storage.k8s.io',
  'priorityclasses.scheduling.k8s.io',
  'runtimeclasses.node.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io', 'mutatingwebhookconfigurations.admissionregistration.k8s.io', 'validatingadmissionpolicies.admissionregistration.k8s.io', 'validatingadmissionpolicybindings.admissionregistration.k8s.io', 'mutatingadmissionpolicies.admissionregistration.k8s.io', 'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
  'certificatesigningrequests.certificates.k8s.io',
  'flowschemas.flowcontrol.apiserver.k8s.io', 'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io',
  'deviceclasses.resource.k8s.io', 'resourceclaims.resource.k8s.io', 'resourceclaimtemplates.resource.k8s.io', 'resourceslices.resource.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
  'apiservices.apiregistration.k8s.io',
  // Questions, which are created and answered at once.
  'selfsubjectreviews.authentication.k8s.io', 'tokenreviews.authentication.k8s.io', 'localsubjectaccessreviews.authorization.k8s.io', 'selfsubjectaccessreviews.authorization.k8s.io',
  'selfsubjectrulesreviews.authorization.k8s.io', 'subjectaccessreviews.authorization.k8s.io',
];
