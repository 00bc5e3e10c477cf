import { hasReason, isNotFound, toError } from '@navarch/base';
import type { Pod, Secret } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { AuthConfig } from '@navarch/proto/runtime/v1/cri';

import type { PodSources } from '../pod/environment';
import { identityOf } from '../pod/identity';

/** What a registry (or part of one) wants to hear. */
interface Entry {
  /** `host[:port][/path]`; parts of the host may be `*`. */
  readonly place: string;
  readonly auth: AuthConfig;
}

export interface PullCredentials {
  /** In the order to be tried; empty: pull without. */
  readonly configs: readonly AuthConfig[];
  /** Secrets that could not be had or read; their names only. */
  readonly missing: readonly string[];
}

const dockerHub = 'docker.io';
const dockerHubKeys = new Set(['index.docker.io', 'docker.io', 'registry-1.docker.io']);

/** What the pod's pull secrets hold for an image. A Secret that is missing or broken does not stop the pull (Kubernetes' rule): it may work without. */
export async function pullCredentials(pod: Pod, image: string, sources: Pick<PodSources, 'secret'>): Promise<PullCredentials> {
  const { namespace } = identityOf(pod);
  const names = (pod.spec?.imagePullSecrets ?? []).flatMap(({ name }) => (name ? [name] : []));
  const read = async (name: string): Promise<readonly Entry[] | undefined> => {
    try {
      const secret = await sources.secret(namespace, name);
      return secret && entriesOf(secret);
    } catch (error) {
      if (isNotFound(error) || hasReason(error, 'Forbidden') || error instanceof SyntaxError) return undefined;
      throw new Error(`image pull secret "${name}" could not be read: ${toError(error).message}`, { cause: error });
    }
  };
  const found = await Promise.all(names.map(read));
  const missing = names.filter((_name, index) => found[index] === undefined);
  return { configs: matching(found.flatMap((entries) => entries ?? []), image), missing };
}

/** The most telling place first, as text of it sorts (Kubernetes' keyring); equal ones as the pod names them. */
function matching(entries: readonly Entry[], image: string): readonly AuthConfig[] {
  const name = repositoryOf(image);
  const fitting = entries.filter(({ place }) => matches(place, name));
  return [...fitting].sort((a, b) => (a.place < b.place ? 1 : a.place > b.place ? -1 : 0)).map(({ auth }) => auth);
}

/** The image's registry and repository, written out. */
export function repositoryOf(image: string): string {
  const bare = (image.split('@', 1)[0] ?? '').replace(/:[^:/]*$/, '');
  const [first = '', ...rest] = bare.split('/');
  if (rest.length === 0) return `${dockerHub}/library/${first}`;
  const isHost = first.includes('.') || first.includes(':') || first === 'localhost';
  if (!isHost) return `${dockerHub}/${bare}`;
  return dockerHubKeys.has(first) ? `${dockerHub}/${rest.length === 1 ? `library/${rest[0]}` : rest.join('/')}` : bare;
}

function matches(place: string, name: string): boolean {
  const [placeHost, placePath] = split(place);
  const [nameHost, namePath] = split(name);
  const isSameHost = nameHost === dockerHub ? dockerHubKeys.has(placeHost) : hostMatches(placeHost, nameHost);
  return isSameHost && namePath.startsWith(placePath);
}

function split(place: string): [host: string, path: string] {
  const slash = place.indexOf('/');
  return slash < 0 ? [place, ''] : [place.slice(0, slash), place.slice(slash)];
}

/** Part by part, so that `*.example.com` is neither `example.com` nor `a.b.example.com`. */
function hostMatches(pattern: string, host: string): boolean {
  const [[patternName = '', patternPort], [hostName = '', hostPort]] = [pattern.split(':'), host.split(':')];
  const [wanted, given] = [patternName.split('.'), hostName.split('.')];
  return patternPort === hostPort && wanted.length === given.length && wanted.every((part, index) => partMatches(part, given[index] ?? ''));
}

/** `*` stands for any text; walked from both ends, so that no pattern costs more than its length. */
function partMatches(pattern: string, text: string): boolean {
  const pieces = pattern.split('*');
  if (pieces.length === 1) return pattern === text;
  const [first = '', last = ''] = [pieces[0], pieces.at(-1)];
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let rest = text.slice(first.length, text.length - last.length);
  for (const piece of pieces.slice(1, -1)) {
    const at = rest.indexOf(piece);
    if (at < 0) return false;
    rest = rest.slice(at + piece.length);
  }
  return true;
}

// ---- Secrets of the two types that Docker's clients write

function entriesOf({ type, data }: Secret): readonly Entry[] | undefined {
  if (type === 'kubernetes.io/dockerconfigjson' && data?.['.dockerconfigjson']) return entries(record(json(data['.dockerconfigjson']))['auths']);
  if (type === 'kubernetes.io/dockercfg' && data?.['.dockercfg']) return entries(json(data['.dockercfg']));
  return undefined;
}

/** Throws a SyntaxError that does not repeat what it read. */
function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch {
    throw new SyntaxError('the image pull secret is not JSON');
  }
}

function entries(auths: unknown): readonly Entry[] {
  return Object.entries(record(auths)).map(([address, value]) => ({ place: placeOf(address), auth: authOf(record(value)) }));
}

/** Docker writes URLs and API paths where a host is meant. */
function placeOf(address: string): string {
  const bare = address.replace(/^https?:\/\//, '');
  const [host, path] = split(bare);
  return `${host}${path.replace(/^\/v[12](\/|$)/, '/').replace(/\/$/, '')}`;
}

function authOf(value: Record<string, unknown>): AuthConfig {
  const text = (key: string): string | undefined => (typeof value[key] === 'string' && value[key] !== '' ? value[key] : undefined);
  const [identityToken, registryToken, encoded] = [text('identitytoken'), text('registrytoken'), text('auth')];
  const tokens = { ...(identityToken && { identityToken }), ...(registryToken && { registryToken }) };
  if (encoded === undefined) return { ...tokens, username: text('username'), password: text('password') };
  const [, username = '', password = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? [];
  return { ...tokens, username, password: password.replace(/\0+$/, '') };
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {};
}
