/** The cluster's certificate authority and everybody's certificates (docs/design/000-parts.md, identities). */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { createAuthority, createTokenSigningKey, issueCertificate, writeKeyPair, type CertificateRequest } from '@navarch/service';

import type { Places } from '../cluster/places';
import type { NodeRecord } from '../cluster/state';
import { newSecret } from './nats';

/** The private key below pki/ that signs service accounts' tokens. */
export const serviceAccountKey = 'service-account.key';

/** Names of the key pairs below pki/: `<name>.crt` and `<name>.key`. */
export const adminKeys = 'admin';

const local = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] } as const;

/** A cluster that is kept must come up again years later. */
const validDays = 3650;

export function certificateRequests(nodes: readonly NodeRecord[]): Record<string, CertificateRequest> {
  const client = (commonName: string, ...organizations: string[]): CertificateRequest => ({ commonName, organizations, usages: ['client'] });
  return {
    'nats-server': { commonName: 'navarch-nats', usages: ['server'], ...local },
    apiserver: { commonName: 'navarch-apiserver', usages: ['server'], ...local, dnsNames: ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'], ipAddresses: ['127.0.0.1', '10.96.0.1'] },
    'apiserver-kubelet-client': client('kube-apiserver-kubelet-client', 'system:masters'),
    scheduler: { commonName: 'system:kube-scheduler', usages: ['client', 'server'], ...local },
    controllers: client('system:kube-controller-manager'),
    proxy: client('system:kube-proxy', 'system:node-proxier'),
    dns: client('system:dns'),
    [adminKeys]: client('kubernetes-admin', 'system:masters'),
    ...Object.fromEntries(nodes.map(({ name, address }) => [name, {
      commonName: `system:node:${name}`, organizations: ['system:nodes'], usages: ['client', 'server'] as const,
      dnsNames: [name, 'localhost'], ipAddresses: [address],
    }])),
  };
}

/** Makes them all, and the administrator's bearer token (admin.token), readable by root only. The authority's key stays with them: a node that joins later needs it. */
export async function makeKeys(places: Places, nodes: readonly NodeRecord[]): Promise<void> {
  const token = newSecret();
  mkdirSync(places.pki, { recursive: true, mode: 0o700 });
  writeFileSync(join(places.pki, 'admin.token'), token, { mode: 0o600 });
  writeFileSync(join(places.pki, 'tokens.csv'), `${token},kubernetes-admin,admin,"system:masters"\n`, { mode: 0o600 });
  const authority = await createAuthority({ commonName: `navarch-${places.cluster}` });
  await Promise.all(Object.entries(certificateRequests(nodes)).map(async ([name, request]) => writeKeyPair(places.pki, name, await issueCertificate(authority, { days: validDays, ...request }))));
  // Last: where it is, the others are complete.
  await writeKeyPair(places.pki, 'ca', authority);
}

/** Issues what a cluster that is kept lacks, because it was made when a process was not yet part of clusters. */
export async function completeKeys(places: Places, nodes: readonly NodeRecord[]): Promise<void> {
  const missing = Object.entries(certificateRequests(nodes)).filter(([name]) => !existsSync(join(places.pki, `${name}.crt`)));
  if (missing.length === 0) return;
  const [certificate, key] = ['ca.crt', 'ca.key'].map((file) => readFileSync(join(places.pki, file), 'utf8')) as [string, string];
  for (const [name, request] of missing) await writeKeyPair(places.pki, name, await issueCertificate({ certificate, key }, { days: validDays, ...request }));
}

/** Makes the key where it is missing: clusters that are kept may be older than service accounts' tokens. */
export function makeServiceAccountKey(places: Places): void {
  const file = join(places.pki, serviceAccountKey);
  if (!existsSync(file)) writeFileSync(file, createTokenSigningKey(), { mode: 0o600 });
}
