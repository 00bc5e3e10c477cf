/**
 * Our own words on every message and field of the API, for OpenAPI and so for kubectl explain. A path of its own,
 * because only the apiserver needs them in memory.
 */
import { commonField, commonMessage } from './common';
import { core } from './core';
import { corePod } from './core-pod';
import { coreVolume } from './core-volume';
import { intstr } from './intstr';
import { meta } from './meta';
import { quantity } from './quantity';
import { runtime } from './runtime';
import type { PackageText } from './text';

const packages: Readonly<Record<string, PackageText>> = {
  'k8s.io.api.core.v1': { ...core, ...corePod, ...coreVolume },
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
