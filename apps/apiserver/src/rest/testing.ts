import { createRegistry } from '@navarch/api';
import { silentLogger, systemClock, systemRandom, type Logger } from '@navarch/base';
import { createAuthority, issueCertificate, type KeyPair } from '@navarch/service';
import { createMemoryLog } from '@navarch/store';

import { runApiserver } from '../app';
import { staticTokens } from '../core/auth/authenticator';
import { noKubelets, type KubeletConnector } from '../core/pods/kubelet-connector';
import { startRestDoor } from './start';

export interface RestBed {
  readonly address: string;
  readonly ca: string;
  readonly admin: KeyPair;
  /** Signed by an authority that the server does not know. */
  readonly stranger: KeyPair;
  readonly token: string;
  /** For servers behind the API. */
  issue(subject: Parameters<typeof issueCertificate>[1]): Promise<KeyPair>;
  /** A kubeconfig of the administrator. */
  readonly kubeconfig: string;
  close(): Promise<void>;
}

/** The REST door on loopback over a core on logs in memory, with an authority of its own. */
export async function startRestBed(options: { readonly logger?: Logger; readonly kubelets?: KubeletConnector } = {}): Promise<RestBed> {
  const { logger = silentLogger, kubelets = noKubelets(new Error('no kubelet in this test')) } = options;
  const [clock, random] = [systemClock, systemRandom];
  const token = 'test-token';
  const logs = { objects: createMemoryLog({ clock, random }), events: createMemoryLog({ clock, random, subjectPrefix: 'kube-events' }) };
  const registry = createRegistry();
  const authority = await createAuthority({ commonName: 'test' });
  const proxyIdentity = await issueCertificate(authority, { commonName: 'front-proxy', usages: ['client'] });
  const apiserver = runApiserver({
    registry, logs, kubelets, clock, random, logger, core: { authenticators: [staticTokens(`${token},tokenuser,1,system:masters`)], proxyIdentity },
    frontProxy: { clientCa: authority.certificate, proxyCa: authority.certificate, proxyName: 'front-proxy' },
  });
  await apiserver.ready;
  const admin = await issueCertificate(authority, { commonName: 'admin', organizations: ['system:masters'], usages: ['client'] });
  const stranger = await issueCertificate(await createAuthority({ commonName: 'other' }), { commonName: 'admin', organizations: ['system:masters'], usages: ['client'] });
  const server = await issueCertificate(authority, { commonName: 'apiserver', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], usages: ['server'] });
  const door = await startRestDoor({
    core: apiserver.core, clock, logger, listen: '127.0.0.1:0', tls: { ...server, ca: authority.certificate },
    authenticate: apiserver.core.authenticate, version: '0.1.0', kubernetesVersion: '1.36',
  });
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  const kubeconfig = JSON.stringify({
    apiVersion: 'v1', kind: 'Config', 'current-context': 'c', contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: `https://${door.address}`, 'certificate-authority-data': encode(authority.certificate) } }],
    users: [{ name: 'u', user: { 'client-certificate-data': encode(admin.certificate), 'client-key-data': encode(admin.key) } }],
  });
  return {
    address: door.address, ca: authority.certificate, admin, stranger, token, kubeconfig,
    issue: (subject) => issueCertificate(authority, subject),
    async close() {
      apiserver.core.drain();
      await door.close(1_000);
      await apiserver.close();
      await Promise.all(Object.values(logs).map((log) => log.close()));
    },
  };
}
