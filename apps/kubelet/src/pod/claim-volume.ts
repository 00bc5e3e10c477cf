import { claimNameOf, localPathProvisioner, provisionedByAnnotation, volumeNodeLabel } from '@navarch/api';
import type { PersistentVolume, Pod, Volume } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { Host } from '../host/host';
import { localPathOf } from '../node/local-path';
import type { PodSources } from './environment';
import type { KubeletPaths } from './identity';

export interface ClaimVolumeContext {
  readonly host: Host;
  readonly sources: PodSources;
  readonly paths: KubeletPaths;
  readonly nodeName: string;
}

/**
 * Makes `path` stand for the volume that the claim is bound to, by a symbolic link, which the runtime resolves: so what is mounted is
 * known also to a kubelet that starts again. Throws where the claim is not bound, not for this pod, or not for this node.
 */
export async function prepareClaim(pod: Pod, volume: Volume, path: string, context: ClaimVolumeContext): Promise<void> {
  const { files } = context.host;
  const target = await directoryOf(await boundVolume(pod, volume, context.sources), context);
  const group = pod.spec?.securityContext?.fsGroup;
  if (group !== undefined) await files.setOwner(target, group);
  await files.makeDirectory(path.slice(0, path.lastIndexOf('/')), 0o750);
  await files.link(target, path);
}

async function boundVolume(pod: Pod, volume: Volume, sources: PodSources): Promise<PersistentVolume> {
  const { namespace = '', uid } = pod.metadata ?? {};
  const name = claimNameOf(pod, volume) ?? '';
  const claim = await sources.claim(namespace, name);
  if (!claim) throw new Error(`persistentvolumeclaim "${name}" not found`);
  if (volume.volumeSource?.ephemeral && !claim.metadata?.ownerReferences?.some((owner) => owner.uid === uid)) {
    throw new Error(`PVC ${namespace}/${name} was not created for pod ${namespace}/${pod.metadata?.name ?? ''} (pod is not owner)`);
  }
  const volumeName = claim.spec?.volumeName;
  if (!volumeName || claim.status?.phase !== 'Bound') throw new Error(`PVC ${namespace}/${name} is not bound`);
  const found = await sources.volume(volumeName);
  if (!found) throw new Error(`persistentvolume "${volumeName}" not found`);
  if (found.spec?.claimRef?.uid !== claim.metadata?.uid) throw new Error(`PVC ${namespace}/${name} and PV ${volumeName} are not bound to each other`);
  return found;
}

async function directoryOf(volume: PersistentVolume, { host, paths, nodeName }: ClaimVolumeContext): Promise<string> {
  const { metadata, spec = {} } = volume;
  const source = spec.persistentVolumeSource ?? {};
  if (spec.volumeMode === 'Block') throw new Error('block volumes are not supported by this node');
  const onNode = metadata?.labels?.[volumeNodeLabel];
  if (onNode !== undefined && onNode !== nodeName) throw new Error(`the volume lies on node "${onNode}"`);
  const own = metadata?.annotations?.[provisionedByAnnotation] === localPathProvisioner ? localPathOf(volume, paths) : undefined;
  if (own !== undefined) {
    // Once: whoever uses the volume may have given it another owner and mode.
    if (!(await host.files.stat(own))) await host.files.makeDirectory(own, 0o777);
    return own;
  }
  const path = source.hostPath?.path ?? source.local?.path;
  if (!path) throw new Error('this kind of persistent volume is not supported by this node');
  if (source.hostPath?.type === 'DirectoryOrCreate') await host.files.makeDirectory(path, 0o755);
  if ((await host.files.stat(path))?.kind !== 'directory') throw new Error(`path "${path}" does not exist or is no directory`);
  return path;
}
