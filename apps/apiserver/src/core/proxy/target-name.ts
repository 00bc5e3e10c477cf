import { badRequest } from '../errors';

export interface ProxyTarget {
  readonly scheme: 'http' | 'https';
  readonly name: string;
  /** A number or a name; absent: the object decides. */
  readonly port?: string;
}

/** Takes apart the name in a proxy's path: `name`, `name:port` or `scheme:name:port`, where scheme and port may be empty. Throws BadRequest. */
export function parseProxyTarget(text: string): ProxyTarget {
  const parts = text.split(':');
  const [scheme = '', name = '', port = ''] = parts.length === 3 ? parts : ['', ...parts];
  if (parts.length > 3 || name === '' || !['', 'http', 'https'].includes(scheme)) {
    throw badRequest(`invalid proxy target ${JSON.stringify(text)}: must be name, name:port or scheme:name:port, where scheme is http or https`);
  }
  return { scheme: scheme === 'https' ? 'https' : 'http', name, ...(port !== '' && { port }) };
}

/** Throws BadRequest for what is no port's number. */
export function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) throw badRequest(`invalid port ${JSON.stringify(text)}: must be a number from 1 to 65535`);
  return port;
}
