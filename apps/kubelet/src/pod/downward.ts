import { quantity, quantityMilliValue, quantityValue } from '@navarch/api';
import type { Container, ObjectFieldSelector, Pod, ResourceFieldSelector } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Quantity } from '@navarch/proto/k8s/io/apimachinery/pkg/api/resource/resource';

/** What pods may ask about themselves and their node. */
export interface DownwardFacts {
  readonly nodeName: string;
  readonly hostIps: readonly string[];
  readonly podIps: readonly string[];
  /** Stands in for limits a container does not have. */
  readonly allocatable: Readonly<Record<string, Quantity>>;
}

/** A configuration that cannot be had: CreateContainerConfigError. */
export class ConfigError extends Error {}

const mapText = (map: Readonly<Record<string, string>> = {}): string =>
  Object.keys(map).sort().map((key) => `${key}=${JSON.stringify(map[key])}`).join('\n');

export function fieldValue(pod: Pod, selector: ObjectFieldSelector, facts: DownwardFacts): string {
  const path = selector.fieldPath ?? '';
  const { metadata, spec } = pod;
  const entry = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path);
  if (entry) return metadata?.[entry[1] as 'labels' | 'annotations']?.[entry[2] ?? ''] ?? '';
  const values: Readonly<Record<string, () => string>> = {
    'metadata.name': () => metadata?.name ?? '',
    'metadata.namespace': () => metadata?.namespace ?? '',
    'metadata.uid': () => metadata?.uid ?? '',
    'metadata.labels': () => mapText(metadata?.labels),
    'metadata.annotations': () => mapText(metadata?.annotations),
    'spec.nodeName': () => facts.nodeName,
    'spec.serviceAccountName': () => spec?.serviceAccountName ?? '',
    'status.hostIP': () => facts.hostIps[0] ?? '',
    'status.hostIPs': () => facts.hostIps.join(','),
    'status.podIP': () => facts.podIps[0] ?? '',
    'status.podIPs': () => facts.podIps.join(','),
  };
  const value = values[path];
  if (!value) throw new ConfigError(`unsupported fieldPath: ${path}`);
  return value();
}

export function resourceValue(pod: Pod, container: Container, selector: ResourceFieldSelector, facts: DownwardFacts): string {
  const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  const target = selector.containerName ? all.find((entry) => entry.name === selector.containerName) : container;
  if (!target) throw new ConfigError(`container ${selector.containerName} not found`);
  const [kind, ...rest] = (selector.resource ?? '').split('.');
  const name = rest.join('.');
  if ((kind !== 'limits' && kind !== 'requests') || !name) throw new ConfigError(`unsupported container resource : ${selector.resource}`);
  const value = target.resources?.[kind]?.[name] ?? (kind === 'limits' ? facts.allocatable[name] : undefined) ?? quantity('0');
  const divisor = selector.divisor && quantityMilliValue(selector.divisor) > 0 ? selector.divisor : quantity('1');
  const ratio = name === 'cpu' ? quantityMilliValue(value) / quantityMilliValue(divisor) : quantityValue(value) / quantityValue(divisor);
  return String(Math.ceil(ratio));
}
