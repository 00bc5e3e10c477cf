import { hasReason, toError } from '@navarch/base';
import type { Container, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Image, Mount, PodSandboxConfig } from '@navarch/proto/runtime/v1/cri';

import { pullCredentials } from '../images/pull-credentials';
import { containerConfig, terminationPathOf } from './container-config';
import type { Action } from './decide';
import { ConfigError, type DownwardFacts } from './downward';
import { containerEnvironment } from './environment';
import { runHook } from './handlers';
import { identityOf, podPaths } from './identity';
import { StartFault } from './images';
import type { ObservedPod } from './observed';
import type { PodContext } from './pod-context';
import { effectiveUser, mustNotBeRoot } from './security';
import { fullHostnameOf, hostnameOf, sandboxConfig, type ClusterDns } from './sandbox-config';
import type { StartTrace } from './start-trace';
import { volumePaths } from './volumes';

export type StartAction = Extract<Action, { type: 'startContainer' }>;

export interface StartWork {
  readonly context: PodContext;
  readonly pod: Pod;
  readonly observed: ObservedPod;
  readonly action: StartAction;
  readonly trace: StartTrace | undefined;
  readonly signal: AbortSignal;
  /** The container exists: from now on its end can be heard of. */
  readonly created: (containerId: string) => void;
  /** Its state has changed: read it. */
  readonly changed: (containerId: string) => Promise<void>;
}

type Step = 'kubelet.image' | 'kubelet.create' | 'kubelet.start';

/**
 * Image, configuration, create, start, postStart: as kubelet's startContainer. Throws StartFault with the reason that the
 * container's waiting state will show. Once CRI has been asked to create, its answers are waited for: what is half made is found by its name.
 */
export async function startContainer(work: StartWork): Promise<void> {
  const { context, pod, action, trace, signal } = work;
  const { container, isInit } = action;
  const name = container.name ?? '';
  const about = { name, isInit };
  const step = <T>(span: Step, run: () => Promise<T>): Promise<T> => (trace && action.attempt === 0 ? trace.step(span, name, run) : run());
  const sandbox = sandboxConfig(pod, work.observed.sandboxes[0]?.attempt ?? 0, context.settings);
  const report = (type: 'Normal' | 'Warning', reason: string, message: string): void => context.report(pod, type, reason, message, about);

  let containerId = action.existingId;
  if (containerId === undefined) {
    const image = await step('kubelet.image', () => context.images.ensure(container, { sandbox, credentials: (name) => pullCredentials(pod, name, context.sources) }, report, signal));
    signal.throwIfAborted();
    containerId = await step('kubelet.create', () => create(work, image, sandbox, report));
    report('Normal', 'Created', `Created container: ${name}`);
  }
  const id = containerId;
  work.created(id);
  try {
    await step('kubelet.start', () => context.runtime.startContainer(id));
  } catch (error) {
    report('Warning', 'Failed', `Error: ${toError(error).message}`);
    throw new StartFault('RunContainerError', toError(error).message, { cause: error });
  }
  report('Normal', 'Started', `Started container ${name}`);
  await work.changed(id);
  const hook = container.lifecycle?.postStart;
  if (hook) await postStart(work, id, hook);
}

async function create(work: StartWork, image: Image, sandbox: PodSandboxConfig, report: (type: 'Warning', reason: string, message: string) => void): Promise<string> {
  const { context, pod, action } = work;
  try {
    const environment = await containerEnvironment(pod, action.container, context.sources, downwardFacts(context, work.observed, pod));
    checkUser(pod, action.container, image);
    const parts = { ...action, imageRef: image.id ?? '', environment, volumes: volumePaths(pod, context.settings), ownMounts: await ownMounts(work) };
    const config = containerConfig(pod, action.container, parts, context.settings);
    return await context.runtime.createContainer(action.sandboxId, config, sandbox);
  } catch (error) {
    const { message } = toError(error);
    report('Warning', 'Failed', `Error: ${message}`);
    if (error instanceof ConfigError) throw new StartFault('CreateContainerConfigError', message, { cause: error });
    if (hasReason(error, 'NotFound')) context.images.forget(action.container.image ?? '');
    throw new StartFault('CreateContainerError', message, { cause: error });
  }
}

function checkUser(pod: Pod, container: Container, image: Image): void {
  if (!mustNotBeRoot(pod, container)) return;
  const user = effectiveUser(pod, container);
  if (user !== undefined ? user !== 0 : image.uid ? (image.uid.value ?? 0) !== 0 : false) return;
  if (user === 0) throw new ConfigError('container\'s runAsUser breaks non-root policy');
  if (image.username) throw new ConfigError(`container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root`);
  throw new ConfigError('container has runAsNonRoot and image will run as root');
}

export function downwardFacts(context: PodContext, observed: ObservedPod, pod: Pod): DownwardFacts {
  const podIps = pod.spec?.hostNetwork ? context.hostIps : observed.sandboxes[0]?.addresses ?? [];
  return { nodeName: context.nodeName, hostIps: context.hostIps, podIps, allocatable: context.allocatable };
}

/** Files that the kubelet itself puts into every container. */
async function ownMounts({ context, pod, observed, action }: StartWork): Promise<Mount[]> {
  const { files } = context.host;
  const paths = podPaths(context.settings, identityOf(pod));
  const name = action.container.name ?? '';
  await Promise.all([files.makeDirectory(paths.container(name), 0o750), files.makeDirectory(`${paths.logs}/${name}`, 0o755)]);
  const message = `${paths.container(name)}/termination-${action.attempt}`;
  await files.write(message, '', 0o666);
  const mounts: Mount[] = [{ containerPath: terminationPathOf(action.container), hostPath: message, readonly: false }];
  const hasHosts = action.container.volumeMounts?.some((mount) => mount.mountPath === '/etc/hosts') ?? false;
  if (pod.spec?.hostNetwork || hasHosts) return mounts;
  await files.write(paths.hosts, hostsFile(pod, observed.sandboxes[0]?.addresses ?? [], context.settings.clusterDns), 0o644);
  return [...mounts, { containerPath: '/etc/hosts', hostPath: paths.hosts, readonly: false }];
}

/** Kubernetes' managed hosts file (with its first line, by which people know it). */
export function hostsFile(pod: Pod, addresses: readonly string[], clusterDns: ClusterDns): string {
  const full = fullHostnameOf(pod, clusterDns);
  const hostname = full === undefined ? hostnameOf(pod) : `${full}\t${hostnameOf(pod)}`;
  const aliases = (pod.spec?.hostAliases ?? []).map((alias) => `${alias.ip}\t${(alias.hostnames ?? []).join('\t')}`);
  return [
    '# Kubernetes-managed hosts file.', '127.0.0.1\tlocalhost', '::1\tlocalhost ip6-localhost ip6-loopback', 'fe00::0\tip6-localnet', 'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes', 'fe00::2\tip6-allrouters', ...addresses.map((address) => `${address}\t${hostname}`),
    ...(aliases.length ? ['', '# Entries added by HostAliases.', ...aliases] : []), '',
  ].join('\n');
}

/** Kubernetes gives it no deadline but the pod's life; a hook that fails costs the container its life. */
async function postStart({ context, pod, observed, action, signal, changed }: StartWork, containerId: string, hook: NonNullable<NonNullable<Container['lifecycle']>['postStart']>): Promise<void> {
  const about = { name: action.container.name ?? '', isInit: action.isInit };
  const target = { pod, container: action.container, containerId, podIp: observed.sandboxes[0]?.addresses[0] };
  try {
    await runHook(context, target, hook, 10 * 60_000, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    const { message } = toError(error);
    context.report(pod, 'Warning', 'FailedPostStartHook', `PostStartHook failed: ${message}`, about);
    context.report(pod, 'Normal', 'Killing', 'FailedPostStartHook', about);
    await context.runtime.stopContainer(containerId, Math.max(1, pod.spec?.terminationGracePeriodSeconds ?? 30));
    await changed(containerId);
    throw new StartFault('PostStartHookError', message, { cause: error });
  }
}
