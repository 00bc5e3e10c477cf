import type { Container, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import { MountPropagation, Signal, type ContainerConfig, type Mount } from '@navarch/proto/runtime/v1/cri';

import { ConfigError } from './downward';
import { expand } from './expansion';
import { annotations, containerHash, identityOf, labels, podPaths, type KubeletPaths } from './identity';
import { containerResources } from './linux-resources';
import { containerSecurity } from './security';

export interface ContainerSettings extends KubeletPaths {
  readonly nodeMemoryBytes: number;
}

export interface ContainerParts {
  readonly attempt: number;
  readonly restartCount: number;
  readonly backoffStep: number;
  readonly imageRef: string;
  readonly environment: ReadonlyMap<string, string>;
  /** Host path of each volume, by name. */
  readonly volumes: ReadonlyMap<string, string>;
  /** Files the kubelet itself puts into the container: its termination log, /etc/hosts. */
  readonly ownMounts: readonly Mount[];
}

export const terminationPathOf = (container: Container): string => container.terminationMessagePath ?? '/dev/termination-log';

export function containerConfig(pod: Pod, container: Container, parts: ContainerParts, settings: ContainerSettings): ContainerConfig {
  const identity = identityOf(pod);
  const name = container.name ?? '';
  const signal = container.lifecycle?.stopSignal;
  const resolve = (text: string): string => expand(text, parts.environment);
  return {
    metadata: { name, attempt: parts.attempt }, image: { image: parts.imageRef, userSpecifiedImage: container.image },
    command: container.command?.map(resolve), args: container.args?.map(resolve), workingDir: container.workingDir,
    envs: [...parts.environment].map(([key, value]) => ({ key, value: Buffer.from(value) })),
    mounts: [...volumeMounts(container, parts), ...parts.ownMounts],
    labels: { [labels.podName]: identity.name, [labels.podNamespace]: identity.namespace, [labels.podUid]: identity.uid, [labels.containerName]: name },
    annotations: {
      [annotations.hash]: containerHash(container), [annotations.restartCount]: String(parts.restartCount), [annotations.backoffStep]: String(parts.backoffStep),
      [annotations.terminationMessagePath]: terminationPathOf(container), [annotations.terminationMessagePolicy]: container.terminationMessagePolicy ?? 'File',
      [annotations.gracePeriod]: String(pod.spec?.terminationGracePeriodSeconds ?? 30),
    },
    logPath: podPaths(settings, identity).log(name, parts.attempt), stdin: container.stdin, stdinOnce: container.stdinOnce, tty: container.tty,
    linux: { resources: containerResources(pod, container, settings.nodeMemoryBytes), securityContext: containerSecurity(pod, container) },
    ...(signal && { stopSignal: Signal[signal as keyof typeof Signal] }),
  };
}

const propagations: Readonly<Record<string, MountPropagation>> = {
  HostToContainer: MountPropagation.PROPAGATION_HOST_TO_CONTAINER, Bidirectional: MountPropagation.PROPAGATION_BIDIRECTIONAL,
};

function volumeMounts(container: Container, { volumes, environment }: ContainerParts): Mount[] {
  return (container.volumeMounts ?? []).map((mount) => {
    const root = volumes.get(mount.name ?? '');
    if (root === undefined) throw new ConfigError(`volume "${mount.name}" of container "${container.name}" is not mounted`);
    const sub = mount.subPathExpr === undefined ? mount.subPath : expandAll(mount.subPathExpr, environment);
    return {
      containerPath: mount.mountPath, hostPath: sub ? `${root}/${safeSubPath(sub)}` : root, readonly: mount.readOnly ?? false,
      propagation: propagations[mount.mountPropagation ?? ''] ?? MountPropagation.PROPAGATION_PRIVATE,
    };
  });
}

function expandAll(expression: string, environment: ReadonlyMap<string, string>): string {
  const text = expand(expression, environment);
  if (/\$\([^()]*\)/.test(text)) throw new ConfigError(`missing value for "${expression}"`);
  return text;
}

function safeSubPath(path: string): string {
  if (path.startsWith('/') || path.split('/').includes('..')) throw new ConfigError(`subPath "${path}" must not leave its volume`);
  return path;
}
