/**
 * What `nx serve APP` runs: one service as a process of its own, with the development setting for everything that neither a
 * flag nor a NAVARCH_… variable says. The setting (an authority, a certificate per service) is made once, in
 * $NAVARCH_HOME/serve; NATS is a plain nats-server with JetStream at $NAVARCH_NATS (127.0.0.1:4222), the apiserver is at
 * $NAVARCH_APISERVER (127.0.0.1:7443), the DNS server answers at $NAVARCH_DNS_LISTEN (127.0.0.1:10053).
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { createAuthority, issueCertificate, writeKeyPair, type CertificateRequest } from '@navarch/service';

const root = join(__dirname, '..', '..');
const home = process.env['NAVARCH_HOME'] ?? join(root, '.navarch');
const setting = join(home, 'serve');
const apiserver = process.env['NAVARCH_APISERVER'] ?? '127.0.0.1:7443';
const node = process.env['NAVARCH_NODE_NAME'] ?? 'node-1';

const identities: Readonly<Record<string, CertificateRequest>> = {
  apiserver: { commonName: 'navarch-apiserver', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], usages: ['server'] },
  'kubelet-client': { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'], usages: ['client'] },
  scheduler: { commonName: 'system:kube-scheduler', dnsNames: ['localhost'], usages: ['client', 'server'] },
  controllers: { commonName: 'system:kube-controller-manager', usages: ['client'] },
  kubelet: { commonName: `system:node:${node}`, organizations: ['system:nodes'], dnsNames: [node], usages: ['client', 'server'] },
  proxy: { commonName: 'system:kube-proxy', organizations: ['system:node-proxier'], usages: ['client'] },
  dns: { commonName: 'system:dns', usages: ['client'] },
  admin: { commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client'] },
};

/** Where the DNS server answers. */
const dnsListen = process.env['NAVARCH_DNS_LISTEN'] ?? '127.0.0.1:10053';

/** Several services start at once: each makes the setting beside, the first to put it in place wins. */
async function ensureSetting(app: string): Promise<void> {
  if (existsSync(join(setting, `${app}.crt`))) return;
  // A setting from before this service was one.
  if (existsSync(setting)) rmSync(setting, { recursive: true });
  await mkdir(home, { recursive: true, mode: 0o700 });
  const made = mkdtempSync(join(home, '.serve-'));
  const authority = await createAuthority({ commonName: 'navarch development' });
  await writeKeyPair(made, 'ca', authority);
  for (const [name, request] of Object.entries(identities)) await writeKeyPair(made, name, await issueCertificate(authority, request));
  try {
    renameSync(made, setting);
  } catch (error) {
    if (!existsSync(setting)) throw error;
    rmSync(made, { recursive: true });
  }
}

/** Settings by variable, so that a flag or the person's own variable wins over each. */
function defaultsFor(app: string): Record<string, string> {
  const file = (name: string): string => join(setting, name);
  const tls = { NAVARCH_TLS_CA: file('ca.crt'), NAVARCH_TLS_CERT: file(`${app}.crt`), NAVARCH_TLS_KEY: file(`${app}.key`) };
  if (app === 'apiserver') {
    return { ...tls, NAVARCH_LISTEN: apiserver, NAVARCH_NATS: '127.0.0.1:4222', NAVARCH_KUBELET_CLIENT_CERT: file('kubelet-client.crt'), NAVARCH_KUBELET_CLIENT_KEY: file('kubelet-client.key') };
  }
  return { ...tls, NAVARCH_APISERVER: apiserver, ...(app === 'dns' && { NAVARCH_LISTEN: dnsListen }) };
}

async function main([app = '', ...flags]: readonly string[]): Promise<void> {
  const bundle = join(root, 'dist', 'apps', app, 'main.js');
  if (!Object.hasOwn(identities, app) || !existsSync(bundle)) throw new Error(`no such service: ${JSON.stringify(app)} (${bundle})`);
  await ensureSetting(app);
  const child = spawn(process.execPath, ['--enable-source-maps', bundle, ...flags], { stdio: 'inherit', env: { ...defaultsFor(app), ...process.env } });
  // The terminal's Ctrl-C reaches the child as well; a signal to us alone must not leave it behind.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill('SIGTERM'));
  child.on('exit', (code, signal) => { process.exitCode = code ?? (signal ? 1 : 0); });
}

void main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
