import type { OutgoingHttpHeaders } from 'node:http';

import { badRequest } from '../errors';
import type { User } from '../request';

/** The headers by which a far server learns who asks (Kubernetes, "Authenticating Proxy"); extra keys are escaped, since header names take few characters. */
export function userHeaders({ name, groups, uid, extra = {} }: User): OutgoingHttpHeaders {
  return {
    'x-remote-user': utf8(name), ...(uid && { 'x-remote-uid': utf8(uid) }), ...(groups.length > 0 && { 'x-remote-group': groups.map(utf8) }),
    ...Object.fromEntries(Object.entries(extra).map(([key, values]) => [`x-remote-extra-${encodeURIComponent(key)}`.toLowerCase(), values.map(utf8)])),
  };
}

/** Nobody but this server says who asks. */
export const isUserHeader = (name: string): boolean => name.startsWith('x-remote-');

/** Node writes a header's characters as one byte each. A name that would end the header and begin another is told to nobody. */
function utf8(text: string): string {
  if (/[\u0000-\u001f\u007f]/.test(text)) throw badRequest('who asks cannot be told to another server: a name has control characters');
  return Buffer.from(text, 'utf8').toString('latin1');
}
