import { ApiError } from '@navarch/base';

import type { RequestTarget } from '../core/request';

/** What a URL's path asks for. */
export type RestPath =
  | { readonly type: 'resource'; readonly target: RequestTarget; readonly watchPrefix: boolean; /** What follows the subresource, as it was sent: '' or '/…'. */ readonly rest: string }
  /** /api, /apis, /apis/GROUP, /api/v1, /apis/GROUP/VERSION. */
  | { readonly type: 'discovery'; readonly group?: string; readonly version?: string; readonly legacy: boolean }
  /** /version, /healthz, /openapi/… */
  | { readonly type: 'other'; readonly segments: readonly string[] };

/** A cheap guess whether a URL is below a proxy subresource, so that its body must be carried on and not read. */
export function isProxied(url: string): boolean {
  return /^\/+api\/+v1\/+(?:namespaces\/+[^/?]+\/+(?:pods|services)|nodes)\/+[^/?]+\/+proxy(?:[/?]|$)/.test(url);
}

/** What follows the proxy subresource in a URL's path. */
export function proxiedPath(url: string): string {
  const parsed = parsePath(url.split('?', 1)[0] ?? '/');
  return parsed.type === 'resource' ? parsed.rest : '';
}

const namespaceSubresources = new Set(['status', 'finalize']);

/**
 * Takes a path apart as Kubernetes does (API concepts, "Resource URIs"). Throws BadRequest for a malformed escape and for
 * segments that no name may be.
 */
export function parsePath(pathname: string): RestPath {
  const segments = pathname.split('/').filter((segment) => segment !== '').map(decodeSegment);
  const [root, ...rest] = segments;
  if (root === 'api') return withRest(parseGroupVersion('', rest, true), pathname, segments.length);
  if (root !== 'apis') return { type: 'other', segments };
  const [group, ...below] = rest;
  return group === undefined ? { type: 'discovery', legacy: false } : withRest(parseGroupVersion(group, below, false), pathname, segments.length);
}

/** Whoever stands behind a proxy gets the path as the client wrote it: escapes, empty segments, the slash at the end. */
function withRest({ unread, ...path }: RestPath & { readonly unread?: number }, pathname: string, segments: number): RestPath {
  if (path.type !== 'resource' || path.target.subresource === undefined) return path;
  const read = new RegExp(`^(?:/+[^/]+){${segments - (unread ?? 0)}}`).exec(pathname)?.[0] ?? pathname;
  return { ...path, rest: pathname.slice(read.length) };
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new ApiError('BadRequest', `invalid URL escape ${JSON.stringify(segment)}`, {}, { cause });
  }
}

function parseGroupVersion(group: string, segments: readonly string[], legacy: boolean): RestPath & { readonly unread?: number } {
  const [version, ...rest] = segments;
  if (version === undefined) return { type: 'discovery', legacy, ...(!legacy && { group }) };
  if (rest.length === 0) return { type: 'discovery', legacy, group, version };
  const watchPrefix = rest[0] === 'watch';
  const { unread, ...where } = parseResource(watchPrefix ? rest.slice(1) : rest);
  if (where.resource === '') throw new ApiError('NotFound', 'the server could not find the requested resource');
  if (where.name !== undefined) checkName(where.name);
  if (where.namespace !== undefined) checkName(where.namespace);
  return { type: 'resource', target: { group, version, ...where }, watchPrefix, rest: '', unread };
}

function parseResource(segments: readonly string[]): Omit<RequestTarget, 'group' | 'version'> & { readonly unread: number } {
  const [first = '', second, third] = segments;
  const inNamespace = first === 'namespaces' && second !== undefined && third !== undefined && !namespaceSubresources.has(third);
  const [resource = '', name, subresource, ...rest] = inNamespace ? segments.slice(2) : segments;
  return {
    resource, ...(inNamespace && { namespace: second }), ...(name !== undefined && { name }), ...(subresource !== undefined && { subresource }),
    unread: rest.length,
  };
}

/** What cannot be a name in a path whatever the kind (apimachinery's path segment names). */
function checkName(name: string): void {
  if (name === '.' || name === '..') throw new ApiError('BadRequest', `invalid resource name ${JSON.stringify(name)}: may not be '${name}'`);
  const illegal = /[/%]/.exec(name)?.[0];
  if (illegal) throw new ApiError('BadRequest', `invalid resource name ${JSON.stringify(name)}: may not contain '${illegal}'`);
}
