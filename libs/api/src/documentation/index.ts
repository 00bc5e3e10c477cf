/**
 * Our own words on every message and field of the API, for OpenAPI and so for kubectl explain. A path of its own,
 * because only the apiserver needs them in memory.
 */
import { apps } from './apps';
import { autoscalingV1 } from './autoscaling-v1';
import { autoscalingV2 } from './autoscaling-v2';
import { batch } from './batch';
import { commonField, commonMessage } from './common';
import { coordination } from './coordination';
import { core } from './core';
import { corePod } from './core-pod';
import { coreVolume } from './core-volume';
import { discovery } from './discovery';
import { events } from './events';
import { intstr } from './intstr';
import { meta } from './meta';
import { networking } from './networking';
import { node } from './node';
import { policy } from './policy';
import { quantity } from './quantity';
import { rbac } from './rbac';
import { runtime } from './runtime';
import { scheduling } from './scheduling';
import { storage } from './storage';
import type { PackageText } from './text';

const packages: Readonly<Record<string, PackageText>> = {
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
  'k8s.io.apimachinery.pkg.apis.meta.v1': meta,
  'k8s.io.apimachinery.pkg.runtime': runtime,
  'k8s.io.apimachinery.pkg.api.resource': quantity,
  'k8s.io.apimachinery.pkg.util.intstr': intstr,
};

/**
 * What a message (`k8s.io.api.core.v1.Pod`) or a field by its JSON name (`k8s.io.api.core.v1.Pod.spec`) means, in one
 * sentence; undefined where nothing is written.
 */
export function describeField(name: string): string | undefined {
  const [, packageName = '', message = '', field] = /^([a-z\d_.]+)\.([A-Z]\w*)(?:\.(.+))?$/.exec(name) ?? [];
  const messages = Object.hasOwn(packages, packageName) ? packages[packageName] : undefined;
  if (!messages) return undefined;
  const [about, fields] = Object.hasOwn(messages, message) ? (messages[message] ?? []) : [];
  if (field === undefined) return about ?? commonMessage(message);
  return fields && Object.hasOwn(fields, field) ? fields[field] : commonField(message, field);
}
