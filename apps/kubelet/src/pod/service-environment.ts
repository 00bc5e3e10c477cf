import type { Pod, Service } from '@navarch/proto/k8s/io/api/core/v1/core';

/** The Service that every pod hears of, wherever it is: client libraries find the API by it. */
const apiService = { namespace: 'default', name: 'kubernetes' };

/**
 * Variables that tell a container of Services, in the form that Docker's links had: those of its namespace unless the pod
 * does without (`enableServiceLinks: false`), and the API's always. Only what has an address can be told of.
 */
export function serviceEnvironment(pod: Pod, services: readonly Service[]): Map<string, string> {
  const { namespace = '' } = pod.metadata ?? {};
  const links = pod.spec?.enableServiceLinks ?? true;
  const isApi = ({ metadata }: Service): boolean => metadata?.namespace === apiService.namespace && metadata.name === apiService.name;
  const own = services.filter((service) => hasAddress(service) && links && service.metadata?.namespace === namespace && !isApi(service));
  // A Service of the pod's own namespace that is called kubernetes goes before the API's, as in Kubernetes.
  const shadowed = own.some(({ metadata }) => metadata?.name === apiService.name);
  const told = [...(shadowed ? [] : services.filter((service) => isApi(service) && hasAddress(service))), ...own];
  return new Map(told.flatMap(variablesOf));
}

const hasAddress = ({ spec }: Service): boolean => !!spec?.clusterIP && spec.clusterIP !== 'None' && (spec.ports ?? []).length > 0;

const variableName = (name: string): string => name.toUpperCase().replaceAll('-', '_');

function variablesOf({ metadata, spec }: Service): [string, string][] {
  const prefix = variableName(metadata?.name ?? '');
  const { clusterIP: address = '', ports = [] } = spec ?? {};
  const url = (protocol: string, port: number): string => `${protocol}://${address.includes(':') ? `[${address}]` : address}:${port}`;
  const each = ports.flatMap(({ name, port = 0, protocol = 'TCP' }): [string, string][] => {
    const link = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
    const lower = protocol.toLowerCase();
    return [
      ...(name ? [[`${prefix}_SERVICE_PORT_${variableName(name)}`, String(port)] as [string, string]] : []),
      [link, url(lower, port)], [`${link}_PROTO`, lower], [`${link}_PORT`, String(port)], [`${link}_ADDR`, address],
    ];
  });
  const [{ port: first = 0, protocol: firstProtocol = 'TCP' } = {}] = ports;
  return [
    [`${prefix}_SERVICE_HOST`, address], [`${prefix}_SERVICE_PORT`, String(first)], [`${prefix}_PORT`, url(firstProtocol.toLowerCase(), first)], ...each,
  ];
}
