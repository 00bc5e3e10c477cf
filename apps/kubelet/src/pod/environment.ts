import type { ConfigMap, Container, EnvVar, PersistentVolume, PersistentVolumeClaim, Pod, Secret, Service } from '@navarch/proto/k8s/io/api/core/v1/core';

import { ConfigError, fieldValue, resourceValue, type DownwardFacts } from './downward';
import { expand } from './expansion';
import { identityOf } from './identity';
import { serviceEnvironment } from './service-environment';

/** Where pods' ConfigMaps and Secrets come from (undefined where there is none of that name), and the Services there are. */
export interface PodSources {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
  claim(namespace: string, name: string): Promise<PersistentVolumeClaim | undefined>;
  volume(name: string): Promise<PersistentVolume | undefined>;
  /** All of them, once they are known at all. */
  services(): Promise<readonly Service[]>;
}

interface Keys {
  readonly kind: 'configmap' | 'secret';
  readonly name: string;
  readonly values: ReadonlyMap<string, string>;
}

/** All variables of a container in order; throws ConfigError in kubelet's words where something it needs is not there. */
export async function containerEnvironment(pod: Pod, container: Container, sources: PodSources, facts: DownwardFacts): Promise<Map<string, string>> {
  // What the container itself names goes before what it is told of Services.
  const result = serviceEnvironment(pod, await sources.services());
  for (const from of container.envFrom ?? []) {
    const reference = from.configMapRef ?? from.secretRef;
    const name = reference?.localObjectReference?.name ?? '';
    const keys = await keysOf(pod, sources, from.configMapRef ? 'configmap' : 'secret', name);
    if (!keys && !reference?.optional) throw new ConfigError(`${from.configMapRef ? 'configmap' : 'secret'} "${name}" not found`);
    for (const [key, value] of keys?.values ?? []) result.set(`${from.prefix ?? ''}${key}`, value);
  }
  for (const variable of container.env ?? []) {
    const value = variable.valueFrom ? await referredValue(pod, container, variable, sources, facts) : expand(variable.value ?? '', result);
    if (value !== undefined) result.set(variable.name ?? '', value);
  }
  return result;
}

async function referredValue(pod: Pod, container: Container, { valueFrom }: EnvVar, sources: PodSources, facts: DownwardFacts): Promise<string | undefined> {
  if (valueFrom?.fieldRef) return fieldValue(pod, valueFrom.fieldRef, facts);
  if (valueFrom?.resourceFieldRef) return resourceValue(pod, container, valueFrom.resourceFieldRef, facts);
  const selector = valueFrom?.configMapKeyRef ?? valueFrom?.secretKeyRef;
  if (!selector) throw new ConfigError('environment variable without a source');
  const kind = valueFrom?.configMapKeyRef ? 'configmap' : 'secret';
  const name = selector.localObjectReference?.name ?? '';
  const keys = await keysOf(pod, sources, kind, name);
  const value = keys?.values.get(selector.key ?? '');
  if (value !== undefined || selector.optional) return value;
  if (!keys) throw new ConfigError(`${kind} "${name}" not found`);
  throw new ConfigError(`couldn't find key ${selector.key} in ${kind === 'configmap' ? 'ConfigMap' : 'Secret'} ${identityOf(pod).namespace}/${name}`);
}

async function keysOf(pod: Pod, sources: PodSources, kind: Keys['kind'], name: string): Promise<Keys | undefined> {
  const { namespace } = identityOf(pod);
  if (kind === 'configmap') {
    const found = await sources.configMap(namespace, name);
    return found && { kind, name, values: new Map(Object.entries(found.data ?? {})) };
  }
  const found = await sources.secret(namespace, name);
  return found && { kind, name, values: new Map(Object.entries(found.data ?? {}).map(([key, bytes]) => [key, Buffer.from(bytes).toString('utf8')])) };
}
