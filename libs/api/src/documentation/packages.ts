import { admission } from './admission';
import { admissionregistration } from './admissionregistration';
import { apidiscovery } from './apidiscovery';
import { apiextensions } from './apiextensions';
import { apiregistration } from './apiregistration';
import { apps } from './apps';
import { authentication } from './authentication';
import { authorization } from './authorization';
import { autoscalingV1 } from './autoscaling-v1';
import { autoscalingV2 } from './autoscaling-v2';
import { batch } from './batch';
import { certificates } from './certificates';
import { coordination } from './coordination';
import { core } from './core';
import { corePod } from './core-pod';
import { coreVolume } from './core-volume';
import { discovery } from './discovery';
import { events } from './events';
import { flowcontrol } from './flowcontrol';
import { intstr } from './intstr';
import { meta } from './meta';
import { metrics } from './metrics';
import { networking } from './networking';
import { node } from './node';
import { policy } from './policy';
import { quantity } from './quantity';
import { rbac } from './rbac';
import { resource } from './resource';
import { runtime } from './runtime';
import { scheduling } from './scheduling';
import { storage } from './storage';
import type { PackageText } from './text';

/** What is written of every package, by its name. */
export const packages: Readonly<Record<string, PackageText>> = {
  'k8s.io.api.core.v1': { ...core, ...corePod, ...coreVolume },
  'k8s.io.api.apps.v1': apps,
  'k8s.io.api.batch.v1': batch,
  'k8s.io.api.autoscaling.v1': autoscalingV1,
  'k8s.io.api.autoscaling.v2': autoscalingV2,
  'k8s.io.api.discovery.v1': discovery,
  'k8s.io.api.coordination.v1': coordination,
  'k8s.io.api.networking.v1': networking,
  'k8s.io.api.policy.v1': policy,
  'k8s.io.api.rbac.v1': rbac,
  'k8s.io.api.storage.v1': storage,
  'k8s.io.api.scheduling.v1': scheduling,
  'k8s.io.api.events.v1': events,
  'k8s.io.api.node.v1': node,
  'k8s.io.api.admissionregistration.v1': admissionregistration,
  'k8s.io.api.admission.v1': admission,
  'k8s.io.api.authentication.v1': authentication,
  'k8s.io.api.authorization.v1': authorization,
  'k8s.io.api.certificates.v1': certificates,
  'k8s.io.api.flowcontrol.v1': flowcontrol,
  'k8s.io.api.resource.v1': resource,
  'k8s.io.api.apidiscovery.v2': apidiscovery,
  'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1': apiextensions,
  'k8s.io.kube_aggregator.pkg.apis.apiregistration.v1': apiregistration,
  'k8s.io.metrics.pkg.apis.metrics.v1beta1': metrics,
  'k8s.io.apimachinery.pkg.apis.meta.v1': meta,
  'k8s.io.apimachinery.pkg.runtime': runtime,
  'k8s.io.apimachinery.pkg.api.resource': quantity,
  'k8s.io.apimachinery.pkg.util.intstr': intstr,
};
