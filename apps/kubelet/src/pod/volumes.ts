import { quantityValue } from '@navarch/api';
import { hasReason, isNotFound, type Random } from '@navarch/base';
import type { Container, DownwardAPIVolumeFile, KeyToPath, Pod, ServiceAccountTokenProjection, Volume, VolumeProjection } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { FileKind, Host, HostFiles } from '../host/host';
import { prepareClaim } from './claim-volume';
import { ConfigError, fieldValue, resourceValue, type DownwardFacts } from './downward';
import type { PodSources } from './environment';
import { identityOf, podPaths, type KubeletPaths, type PodPaths } from './identity';
import { writePayload, type Payload } from './payload';
import { effectiveUser } from './security';
import type { TokenSource } from './tokens';

/** A volume that cannot be set up: FailedMount, with these words. */
export class MountError extends Error {}

export interface VolumeContext {
  readonly host: Host;
  readonly random: Random;
  readonly sources: PodSources;
  readonly tokens: TokenSource;
  readonly facts: DownwardFacts;
  readonly paths: KubeletPaths;
  readonly nodeName: string;
}

/** Host path of every volume of the pod, by name; nothing is touched. */
export function volumePaths(pod: Pod, settings: KubeletPaths): Map<string, string> {
  const paths = podPaths(settings, identityOf(pod));
  return new Map((pod.spec?.volumes ?? []).map((volume) => [volume.name ?? '', volumePath(volume, paths)]));
}

function volumePath({ name = '', volumeSource: source }: Volume, paths: PodPaths): string {
  if (source?.hostPath) return source.hostPath.path ?? '';
  return paths.volume(pluginOf(source ?? {}), name);
}

function pluginOf(source: NonNullable<Volume['volumeSource']>): string {
  if (source.configMap) return 'configmap';
  if (source.secret) return 'secret';
  if (source.downwardAPI) return 'downward-api';
  if (source.persistentVolumeClaim ?? source.ephemeral) return 'persistent-volume-claim';
  return source.projected ? 'projected' : 'empty-dir';
}

/** Sets up all volumes, or brings those made of ConfigMaps and Secrets up to date. Repeatable. */
export async function prepareVolumes(pod: Pod, context: VolumeContext): Promise<void> {
  const paths = podPaths(context.paths, identityOf(pod));
  await context.host.files.makeDirectory(paths.root, 0o750);
  await Promise.all((pod.spec?.volumes ?? []).map(async (volume) => {
    try {
      await prepare(pod, volume, volumePath(volume, paths), context);
    } catch (error) {
      throw new MountError(`MountVolume.SetUp failed for volume "${volume.name}" : ${(error as Error).message}`, { cause: error });
    }
  }));
}

/** Whether a refresh can change anything. */
export function hasChangingVolumes(pod: Pod): boolean {
  return (pod.spec?.volumes ?? []).some(({ volumeSource: source }) => source?.configMap ?? source?.secret ?? source?.downwardAPI ?? source?.projected);
}

async function prepare(pod: Pod, volume: Volume, path: string, context: VolumeContext): Promise<void> {
  const { files } = context.host;
  const { volumeSource: source = {} } = volume;
  if (source.hostPath) return prepareHostPath(files, path, source.hostPath.type ?? '');
  if (source.persistentVolumeClaim ?? source.ephemeral) return prepareClaim(pod, volume, path, context);
  const payload = await payloadOf(pod, source, context);
  if (payload) {
    await files.makeDirectory(path, 0o755);
    return writePayload(files, context.random, path, payload, pod.spec?.securityContext?.fsGroup);
  }
  // Kubernetes' default when nothing is named.
  if (!source.emptyDir && Object.values(source).some((value) => value !== undefined && typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length > 0)) {
    throw new MountError('this kind of volume is not supported by this node');
  }
  if (source.emptyDir?.medium === 'Memory') await files.mountMemory(path, source.emptyDir.sizeLimit && quantityValue(source.emptyDir.sizeLimit));
  else await files.makeDirectory(path, 0o777);
  const group = pod.spec?.securityContext?.fsGroup;
  if (group !== undefined) await files.setOwner(path, group);
}

const hostPathKinds: Readonly<Record<string, FileKind>> = {
  Directory: 'directory', DirectoryOrCreate: 'directory', File: 'file', FileOrCreate: 'file', Socket: 'socket', CharDevice: 'character', BlockDevice: 'block',
};

async function prepareHostPath(files: HostFiles, path: string, type: string): Promise<void> {
  const wanted = hostPathKinds[type];
  if (!wanted) return;
  const found = await files.stat(path);
  if (!found && type === 'DirectoryOrCreate') return files.makeDirectory(path, 0o755);
  if (!found && type === 'FileOrCreate') return files.write(path, '', 0o644);
  if (found?.kind !== wanted) throw new MountError(`hostPath type check failed: ${path} is not a ${wanted === 'character' || wanted === 'block' ? `${wanted} device` : wanted}`);
}

// ---- what the files of a volume are

async function payloadOf(pod: Pod, source: NonNullable<Volume['volumeSource']>, context: VolumeContext): Promise<Payload | undefined> {
  const { configMap, secret, downwardAPI, projected } = source;
  if (configMap) return keyedFiles(pod, 'configmap', configMap.localObjectReference?.name, configMap.items, configMap.optional, configMap.defaultMode ?? 0o644, context);
  if (secret) return keyedFiles(pod, 'secret', secret.secretName, secret.items, secret.optional, secret.defaultMode ?? 0o644, context);
  if (downwardAPI) return downwardFiles(pod, downwardAPI.items, downwardAPI.defaultMode ?? 0o644, context.facts);
  if (!projected) return undefined;
  const parts = await Promise.all((projected.sources ?? []).map((entry) => projectedFiles(pod, entry, projected.defaultMode ?? 0o644, context)));
  return new Map(parts.flatMap((part) => [...part]));
}

async function projectedFiles(pod: Pod, source: VolumeProjection, mode: number, context: VolumeContext): Promise<Payload> {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle } = source;
  if (configMap) return keyedFiles(pod, 'configmap', configMap.localObjectReference?.name, configMap.items, configMap.optional, mode, context);
  if (secret) return keyedFiles(pod, 'secret', secret.localObjectReference?.name, secret.items, secret.optional, mode, context);
  if (downwardAPI) return downwardFiles(pod, downwardAPI.items, mode, context.facts);
  if (serviceAccountToken) return tokenFile(pod, serviceAccountToken, mode, context);
  if (clusterTrustBundle) {
    if (clusterTrustBundle.optional) return new Map();
    throw new MountError('ClusterTrustBundle projection is not supported by this node');
  }
  throw new MountError('this kind of projected source is not supported by this node');
}

/** Who is named in the pod owns it and nobody else reads it; where nobody is, its mode is the volume's (Kubernetes' rule). */
async function tokenFile(pod: Pod, projection: ServiceAccountTokenProjection, mode: number, { tokens }: VolumeContext): Promise<Payload> {
  const data = Buffer.from(await tokens.token(pod, projection));
  const userId = commonUser(pod);
  const isOwned = userId !== undefined || pod.spec?.securityContext?.fsGroup !== undefined;
  return new Map([[safePath(projection.path), { data, mode: isOwned ? 0o600 : mode, ...(userId !== undefined && { userId }) }]]);
}

/** The one user that every container runs as. */
function commonUser(pod: Pod): number | undefined {
  const { initContainers = [], containers = [] } = pod.spec ?? {};
  const [first, ...others] = new Set([...initContainers, ...containers].map((container) => effectiveUser(pod, container)));
  return others.length === 0 ? first : undefined;
}

async function keyedFiles(
  pod: Pod, kind: 'configmap' | 'secret', name = '', items: readonly KeyToPath[] = [], optional = false, mode: number, context: VolumeContext,
): Promise<Payload> {
  const { namespace } = identityOf(pod);
  const contents = kind === 'configmap' ? await configMapBytes(context.sources, namespace, name) : (await context.sources.secret(namespace, name))?.data;
  if (!contents) {
    if (optional) return new Map();
    throw new MountError(`${kind} "${name}" not found`);
  }
  if (items.length === 0) return new Map(Object.entries(contents).map(([key, data]) => [key, { data, mode }]));
  const payload: Payload = new Map();
  for (const item of items) {
    const data = contents[item.key ?? ''];
    if (data) payload.set(safePath(item.path), { data, mode: item.mode ?? mode });
    else if (!optional) throw new MountError(`references non-existent ${kind === 'secret' ? 'secret' : 'config'} key: ${item.key}`);
  }
  return payload;
}

async function configMapBytes(sources: PodSources, namespace: string, name: string): Promise<Record<string, Uint8Array> | undefined> {
  const found = await sources.configMap(namespace, name);
  if (!found) return undefined;
  return { ...Object.fromEntries(Object.entries(found.data ?? {}).map(([key, text]) => [key, Buffer.from(text)])), ...found.binaryData };
}

function downwardFiles(pod: Pod, items: readonly DownwardAPIVolumeFile[] = [], mode: number, facts: DownwardFacts): Payload {
  const none: Container = {};
  return new Map(items.map((item) => {
    const text = item.fieldRef ? fieldValue(pod, item.fieldRef, facts) : item.resourceFieldRef ? resourceValue(pod, none, item.resourceFieldRef, facts) : '';
    return [safePath(item.path), { data: Buffer.from(text), mode: item.mode ?? mode }];
  }));
}

function safePath(path = ''): string {
  if (!path || path.startsWith('/') || path.startsWith('..') || path.split('/').includes('..')) throw new ConfigError(`path "${path}" must be relative and stay in its volume`);
  return path;
}

/** Whether trying again may help without anything else changing. */
export const isTransient = (error: unknown): boolean => !isNotFound(error) && hasReason(error, 'Unavailable', 'Timeout', 'ServerTimeout');
