import type { Container, Pod, SeccompProfile } from '@navarch/proto/k8s/io/api/core/v1/core';
import {
  NamespaceMode, SecurityProfile_ProfileType, SupplementalGroupsPolicy,
  type LinuxContainerSecurityContext, type LinuxSandboxSecurityContext, type NamespaceOption, type SecurityProfile,
} from '@navarch/proto/runtime/v1/cri';

// What the default procMount hides of /proc and /sys (the OCI runtimes' common list).
const maskedPaths = [
  '/proc/asound', '/proc/acpi', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats', '/proc/timer_list', '/proc/timer_stats',
  '/proc/sched_debug', '/proc/scsi', '/sys/firmware', '/sys/devices/virtual/powercap',
];
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger'];

export function namespaceOptions(pod: Pod): NamespaceOption {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace } = pod.spec ?? {};
  return {
    network: hostNetwork ? NamespaceMode.NODE : NamespaceMode.POD,
    ipc: hostIPC ? NamespaceMode.NODE : NamespaceMode.POD,
    pid: hostPID ? NamespaceMode.NODE : shareProcessNamespace ? NamespaceMode.POD : NamespaceMode.CONTAINER,
  };
}

function seccomp(...profiles: readonly (SeccompProfile | undefined)[]): SecurityProfile {
  const profile = profiles.find((entry) => entry?.type);
  switch (profile?.type) {
    case 'RuntimeDefault':
      return { profileType: SecurityProfile_ProfileType.RuntimeDefault };
    case 'Localhost':
      return { profileType: SecurityProfile_ProfileType.Localhost, localhostRef: `/var/lib/kubelet/seccomp/${profile.localhostProfile ?? ''}` };
    default:
      return { profileType: SecurityProfile_ProfileType.Unconfined };
  }
}

const wrapped = (value: number | undefined): { value: number } | undefined => (value === undefined ? undefined : { value });

function groupsOf(pod: Pod): number[] {
  const context = pod.spec?.securityContext;
  return [...(context?.supplementalGroups ?? []), ...(context?.fsGroup === undefined ? [] : [context.fsGroup])];
}

export function sandboxSecurity(pod: Pod): LinuxSandboxSecurityContext {
  const context = pod.spec?.securityContext;
  const all = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return {
    namespaceOptions: namespaceOptions(pod), privileged: all.some((container) => container.securityContext?.privileged),
    runAsUser: wrapped(context?.runAsUser), runAsGroup: context?.runAsUser === undefined ? undefined : wrapped(context.runAsGroup), supplementalGroups: groupsOf(pod),
    seccomp: { profileType: SecurityProfile_ProfileType.RuntimeDefault },
  };
}

/** The user a container would run as for all the pod says; undefined: as the image says. */
export function effectiveUser(pod: Pod, container: Container): number | undefined {
  return container.securityContext?.runAsUser ?? pod.spec?.securityContext?.runAsUser;
}

export function mustNotBeRoot(pod: Pod, container: Container): boolean {
  return container.securityContext?.runAsNonRoot ?? pod.spec?.securityContext?.runAsNonRoot ?? false;
}

export function containerSecurity(pod: Pod, container: Container): LinuxContainerSecurityContext {
  const own = container.securityContext;
  const context = pod.spec?.securityContext;
  const privileged = own?.privileged ?? false;
  const masks = !privileged && own?.procMount !== 'Unmasked';
  return {
    privileged, namespaceOptions: namespaceOptions(pod), readonlyRootfs: own?.readOnlyRootFilesystem,
    capabilities: { addCapabilities: own?.capabilities?.add ?? [], dropCapabilities: own?.capabilities?.drop ?? [], addAmbientCapabilities: [] },
    runAsUser: wrapped(effectiveUser(pod, container)), runAsGroup: wrapped(own?.runAsGroup ?? context?.runAsGroup),
    supplementalGroups: groupsOf(pod), supplementalGroupsPolicy: context?.supplementalGroupsPolicy === 'Strict' ? SupplementalGroupsPolicy.Strict : SupplementalGroupsPolicy.Merge,
    noNewPrivs: own?.allowPrivilegeEscalation === false, seccomp: privileged ? { profileType: SecurityProfile_ProfileType.Unconfined } : seccomp(own?.seccompProfile, context?.seccompProfile),
    maskedPaths: masks ? maskedPaths : [], readonlyPaths: masks ? readonlyPaths : [],
  };
}
