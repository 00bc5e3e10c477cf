import { isMirrorPod } from '@navarch/api';
import { randomNameSuffix, type Random } from '@navarch/base';
import type { Container, Pod, ProjectedVolumeSource, ServiceAccount } from '@navarch/proto/k8s/io/api/core/v1/core';

import { forbidden } from '../errors';
import { creates, type AdmissionPlugin } from './admission';

const defaultName = 'default';
const volumePrefix = 'kube-api-access-';
const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount';

/** From a current read where the cache lacks it. */
export type ServiceAccountLookup = (namespace: string, name: string, signal: AbortSignal) => Promise<ServiceAccount | undefined>;

export interface ServiceAccountAdmissionOptions {
  readonly find: ServiceAccountLookup;
  readonly random: Random;
  /** Whether this server makes tokens; where it does not, no pod waits for one. */
  readonly mountTokens: boolean;
}

/**
 * Gives pods the namespace's default service account, its pull secrets and, in every container, a token with what it takes to use it
 * (Kubernetes' ServiceAccount plugin); refuses accounts that do not exist. The default account itself is taken to exist: a controller
 * makes it a moment after its namespace.
 */
export function serviceAccountAdmission({ find, random, mountTokens }: ServiceAccountAdmissionOptions): AdmissionPlugin {
  return {
    name: 'ServiceAccount',
    handles: (attributes) => creates(attributes, '', 'pods'),
    async admit({ resource, namespace, name, object, signal }) {
      const pod = object as Pod;
      // What stands for a pod of the node's own gets nothing from here: it runs without us.
      if (isMirrorPod(pod)) return;
      const accountName = pod.spec?.serviceAccountName ?? defaultName;
      const account = await find(namespace, accountName, signal);
      if (!account && accountName !== defaultName) {
        throw forbidden(resource, name, `error looking up service account ${namespace}/${accountName}: serviceaccount "${accountName}" not found`);
      }
      pod.spec = { ...pod.spec, serviceAccountName: accountName, serviceAccount: accountName };
      const wantsToken = pod.spec.automountServiceAccountToken ?? account?.automountServiceAccountToken ?? true;
      if (mountTokens && wantsToken) mountToken(pod.spec, random);
      if (!pod.spec.imagePullSecrets?.length && account?.imagePullSecrets?.length) pod.spec.imagePullSecrets = structuredClone(account.imagePullSecrets);
    },
  };
}

/** Into every container that has nothing of its own at that place. */
function mountToken(spec: NonNullable<Pod['spec']>, random: Random): void {
  const present = spec.volumes?.find((volume) => volume.name?.startsWith(volumePrefix))?.name;
  const name = present ?? `${volumePrefix}${randomNameSuffix(random, 5)}`;
  const lacking = [...(spec.initContainers ?? []), ...(spec.containers ?? [])].filter(lacksMount);
  for (const container of lacking) container.volumeMounts = [...(container.volumeMounts ?? []), { name, readOnly: true, mountPath }];
  if (lacking.length > 0 && present === undefined) spec.volumes = [...(spec.volumes ?? []), { name, volumeSource: { projected: tokenVolume() } }];
}

const lacksMount = ({ volumeMounts = [] }: Container): boolean => !volumeMounts.some((mount) => mount.mountPath === mountPath);

/** Kubernetes' TokenVolumeSource. An hour and 7 s, by which people know that nobody asked for this volume. */
function tokenVolume(): ProjectedVolumeSource {
  return {
    defaultMode: 0o644,
    sources: [
      { serviceAccountToken: { path: 'token', expirationSeconds: 3_607 } },
      { configMap: { localObjectReference: { name: 'kube-root-ca.crt' }, items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
      { downwardAPI: { items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }] } },
    ],
  };
}
