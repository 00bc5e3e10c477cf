import type {
  Container, EphemeralContainerCommon, HTTPGetAction, Pod, PodSpec, PodStatus, Probe, ResourceRequirements, Volume, VolumeProjection, VolumeSource,
} from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Quantity } from '@navarch/proto/k8s/io/apimachinery/pkg/api/resource/resource';

import { isEmptyObject, unknownFieldsKey } from '../codec/plan';
import { amountOf, formatAmount } from '../scalars/quantity';

const defaultFileMode = 0o644;

/** Kubernetes' defaults of a pod, in place. Priority, tolerations and the service account are admission's. */
export function setPodDefaults(pod: Pod): void {
  const spec = (pod.spec ??= {});
  setSpecDefaults(spec);
  spec.enableServiceLinks ??= true;
  // Of pods only: a template keeps what its author wrote, so that a request left out follows a limit that is changed.
  for (const { resources } of [...(spec.initContainers ?? []), ...(spec.containers ?? []), spec]) if (resources) requestLimits(resources);
  if (pod.status) setStatusDefaults(pod.status);
}

/** The defaults that pod templates share. */
export function setSpecDefaults(spec: PodSpec): void {
  spec.restartPolicy ??= 'Always';
  spec.dnsPolicy ??= 'ClusterFirst';
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ??= 'default-scheduler';
  spec.securityContext ??= {};
  // serviceAccount is the old name of the same thing; both are always shown.
  const account = spec.serviceAccountName ?? spec.serviceAccount;
  if (account !== undefined) {
    spec.serviceAccountName = account;
    spec.serviceAccount = account;
  }
  for (const volume of spec.volumes ?? []) setVolumeDefaults(volume);
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) setContainerDefaults(container, spec.hostNetwork === true);
  for (const { ephemeralContainerCommon } of spec.ephemeralContainers ?? []) {
    if (ephemeralContainerCommon) setContainerDefaults(ephemeralContainerCommon, false);
  }
  if (spec.resources) roundResources(spec.resources);
  if (spec.overhead) roundUpToMilli(spec.overhead);
}

function setContainerDefaults(container: Container | EphemeralContainerCommon, hostNetwork: boolean): void {
  container.terminationMessagePath ??= '/dev/termination-log';
  container.terminationMessagePolicy ??= 'File';
  container.imagePullPolicy ??= defaultPullPolicy(container.image ?? '');
  for (const port of container.ports ?? []) {
    port.protocol ??= 'TCP';
    if (hostNetwork) port.hostPort ??= port.containerPort;
  }
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion ??= 'v1';
  }
  if (container.resources) roundResources(container.resources);
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) if (probe) setProbeDefaults(probe);
  for (const handler of [container.lifecycle?.postStart, container.lifecycle?.preStop]) if (handler?.httpGet) setHttpDefaults(handler.httpGet);
}

/** Always for `:latest` and for no tag at all; a digest pins the image. */
export function defaultPullPolicy(image: string): 'Always' | 'IfNotPresent' {
  const [reference = '', digest] = image.split('@');
  const tag = /:([^/:]+)$/.exec(reference)?.[1];
  if (tag !== undefined) return tag === 'latest' ? 'Always' : 'IfNotPresent';
  return digest === undefined ? 'Always' : 'IfNotPresent';
}

function setProbeDefaults(probe: Probe): void {
  probe.timeoutSeconds ??= 1;
  probe.periodSeconds ??= 10;
  probe.successThreshold ??= 1;
  probe.failureThreshold ??= 3;
  if (probe.handler?.httpGet) setHttpDefaults(probe.handler.httpGet);
  if (probe.handler?.grpc) probe.handler.grpc.service ??= '';
}

function setHttpDefaults(action: HTTPGetAction): void {
  action.path ??= '/';
  action.scheme ??= 'HTTP';
}

function roundResources({ limits, requests }: ResourceRequirements): void {
  if (limits) roundUpToMilli(limits);
  if (requests) roundUpToMilli(requests);
}

/** What is limited but not requested is requested to its limit. */
function requestLimits(resources: ResourceRequirements): void {
  const { limits, requests } = resources;
  const missing = Object.entries(limits ?? {}).filter(([name]) => !requests || !Object.hasOwn(requests, name));
  if (missing.length > 0) resources.requests = { ...requests, ...Object.fromEntries(missing) };
}

/** Resources are counted in thousandths at the finest. */
function roundUpToMilli(list: { [name: string]: Quantity }): void {
  for (const [name, amount] of Object.entries(list)) {
    const { mantissa, exponent, format } = amountOf(amount);
    if (exponent >= -3) continue;
    const unit = 10n ** BigInt(-3 - exponent);
    const up = mantissa > 0n && mantissa % unit !== 0n ? 1n : 0n;
    list[name] = { string: formatAmount({ mantissa: mantissa / unit + up, exponent: -3, format }) };
  }
}

function setVolumeDefaults(volume: Volume): void {
  const source: VolumeSource = (volume.volumeSource ??= {});
  const { [unknownFieldsKey]: unknown, ...known } = source;
  if (isEmptyObject(known) && !unknown) source.emptyDir = {};
  if (source.secret) source.secret.defaultMode ??= defaultFileMode;
  if (source.configMap) source.configMap.defaultMode ??= defaultFileMode;
  if (source.hostPath) source.hostPath.type ??= '';
  if (source.downwardAPI) {
    source.downwardAPI.defaultMode ??= defaultFileMode;
    for (const { fieldRef } of source.downwardAPI.items ?? []) if (fieldRef) fieldRef.apiVersion ??= 'v1';
  }
  if (source.projected) {
    source.projected.defaultMode ??= defaultFileMode;
    for (const projection of source.projected.sources ?? []) setProjectionDefaults(projection);
  }
  if (source.image) source.image.pullPolicy ??= defaultPullPolicy(source.image.reference ?? '');
  if (source.ephemeral?.volumeClaimTemplate?.spec) source.ephemeral.volumeClaimTemplate.spec.volumeMode ??= 'Filesystem';
  setNetworkVolumeDefaults(source);
}

function setProjectionDefaults({ serviceAccountToken, downwardAPI }: VolumeProjection): void {
  if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= 3600;
  for (const { fieldRef } of downwardAPI?.items ?? []) if (fieldRef) fieldRef.apiVersion ??= 'v1';
}

function setNetworkVolumeDefaults({ iscsi, rbd, azureDisk, scaleIO }: VolumeSource): void {
  if (iscsi) iscsi.iscsiInterface ??= 'default';
  if (rbd) {
    rbd.pool ??= 'rbd';
    rbd.user ??= 'admin';
    rbd.keyring ??= '/etc/ceph/keyring';
  }
  if (azureDisk) {
    azureDisk.cachingMode ??= 'ReadWrite';
    azureDisk.kind ??= 'Shared';
    azureDisk.fsType ??= 'ext4';
    azureDisk.readOnly ??= false;
  }
  if (scaleIO) {
    scaleIO.storageMode ??= 'ThinProvisioned';
    scaleIO.fsType ??= 'xfs';
  }
}

/** podIP is the first of podIPs, hostIP of hostIPs: whoever writes one writes both. */
function setStatusDefaults(status: PodStatus): void {
  const podIP = status.podIP ?? status.podIPs?.[0]?.ip;
  if (podIP !== undefined) {
    status.podIP = podIP;
    if (!status.podIPs?.length) status.podIPs = [{ ip: podIP }];
  }
  if (status.hostIP !== undefined && !status.hostIPs?.length) status.hostIPs = [{ ip: status.hostIP }];
}
