import { ApiError, randomInt, type Random } from '@navarch/base';
import type { Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';

export interface ChosenEndpoint {
  readonly address: string;
  readonly port: number;
  readonly nodeName?: string;
}

/**
 * One of a Service's ready endpoints, by chance. `port` is a Service port's name or number; absent where the Service has only one.
 * BadRequest for a port that the Service has not, Unavailable where nothing is ready.
 */
export function chooseEndpoint(service: Service, port: string | undefined, slices: readonly EndpointSlice[], random: Random): ChosenEndpoint {
  const name = service.metadata?.name ?? '';
  const wanted = servicePort(service, port);
  const found = slices.filter(({ metadata }) => metadata?.labels?.['kubernetes.io/service-name'] === name).flatMap(({ ports = [], endpoints = [] }) => {
    const number = ports.find((each) => (each.name ?? '') === wanted)?.port;
    const ready = number === undefined ? [] : endpoints.filter(({ conditions }) => conditions?.ready ?? true);
    return ready.flatMap(({ addresses: [address] = [], nodeName }) => (address === undefined || number === undefined ? [] : [{ address, port: number, ...(nodeName && { nodeName }) }]));
  });
  const chosen = found[randomInt(random, found.length)];
  if (!chosen) throw new ApiError('Unavailable', `no endpoints available for service "${name}"`);
  return chosen;
}

/** The name of a Service's port, by which its slices know it. */
function servicePort({ metadata, spec }: Service, asked: string | undefined): string {
  const ports = spec?.ports ?? [];
  const number = asked !== undefined && /^\d+$/.test(asked) ? Number(asked) : undefined;
  const found = asked === undefined ? (ports.length === 1 ? ports[0] : undefined) : ports.find((port) => (number === undefined ? port.name === asked : port.port === number));
  if (found) return found.name ?? '';
  const what = asked === undefined ? 'a port must be named, it has several or none' : `no service port ${JSON.stringify(asked)} found`;
  throw new ApiError('Unavailable', `${what} for service "${metadata?.name ?? ''}"`);
}
