import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

export const serviceNameLabel = 'kubernetes.io/service-name';
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const headlessLabel = 'service.kubernetes.io/headless';

/** Who fills a slice. */
export const managers = { endpoints: 'endpointslice-controller.k8s.io', mirroring: 'endpointslicemirroring-controller.k8s.io' } as const;

const reserved: readonly string[] = [serviceNameLabel, managedByLabel, headlessLabel];

/** What a slice is labelled with: all its Service is, and whose and what it is. */
export function sliceLabels(name: string, labels: Readonly<Record<string, string>> | undefined, manager: string, headless: boolean): Record<string, string> {
  const others = Object.fromEntries(Object.entries(labels ?? {}).filter(([key]) => !reserved.includes(key)));
  return { ...others, ...(headless && { [headlessLabel]: '' }), [serviceNameLabel]: name, [managedByLabel]: manager };
}

/** Informer index of slices: their Service, in its namespace. */
export const slicesByService = ({ metadata }: EndpointSlice): readonly string[] => [serviceKey(metadata?.namespace, metadata?.labels?.[serviceNameLabel])];

export const serviceKey = (namespace: string | undefined, name: string | undefined): string => `${namespace ?? ''}/${name ?? ''}`;

export const isManagedBy = ({ metadata }: EndpointSlice, manager: string): boolean => metadata?.labels?.[managedByLabel] === manager;
