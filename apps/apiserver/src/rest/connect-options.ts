import type { ApiObject } from '@navarch/api';
import { ApiError } from '@navarch/base';

import { booleanParameter } from './query';

/** Subresources that become a conversation, by HTTP GET (WebSocket) or POST (SPDY). */
const connecting = new Set(['exec', 'attach', 'portforward']);

export function isConnect(subresource: string | undefined): boolean {
  return connecting.has(subresource ?? '');
}

/** PodExecOptions, PodAttachOptions or PodPortForwardOptions from a query string. Throws BadRequest that names the parameter. */
export function connectOptions(subresource: string, search: URLSearchParams): ApiObject {
  if (subresource === 'portforward') return { ports: portsOf(search) } as ApiObject;
  const streams = ['stdin', 'stdout', 'stderr', 'tty'].map((name) => [name, booleanParameter(search, name)] as const);
  const container = search.get('container');
  return {
    ...Object.fromEntries(streams.filter(([, value]) => value)), ...(container && { container }),
    ...(subresource === 'exec' && { command: search.getAll('command') }),
  } as ApiObject;
}

/** `ports=80&ports=443`, or `ports=80,443`. */
function portsOf(search: URLSearchParams): number[] {
  return search.getAll('ports').flatMap((value) => value.split(',')).filter((text) => text !== '').map((text) => {
    if (!/^\d{1,5}$/.test(text)) throw new ApiError('BadRequest', `invalid query parameter ports=${JSON.stringify(text)}: must be a port number`);
    return Number(text);
  });
}
