import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { allResources, createRegistry } from '@navarch/api';
import { silentLogger, systemClock, systemRandom } from '@navarch/base';
import { connectGrpc, createAuthority, createGrpcServer, createHealth, grpcApiClient, issueCertificate, type GrpcChannel, type KeyPair, type TlsMaterial } from '@navarch/service';
import { createMemoryLog, type ObjectLog } from '@navarch/store';
import type { ApiClient } from '@navarch/client';

import { runApiserver, type Apiserver, type ApiserverDependencies } from '../app';
import { staticTokens } from '../core/auth/authenticator';
import { grpcKubelets } from '../grpc/kubelet-connector';
import { apiMethods } from '../grpc/services';

/** Short calls, so that compaction's grace period is short as well. */
export const quickLog = { maxTimeoutMs: 2_000, defaultTimeoutMs: 2_000, attemptTimeoutMs: 200, graceMs: 2_000 };

export const tokenFile = 'good-token,tess,u1,"system:masters"\nplain-token,pat,u2\n';

/** A replica with its gRPC door over TLS, as main.ts puts it together, and certificates for whoever calls. */
export interface ApiBed {
  readonly apiserver: Apiserver;
  readonly logs: Readonly<Record<'objects' | 'events', ObjectLog>>;
  readonly authority: KeyPair;
  readonly address: string;
  certificate(commonName: string, organizations?: readonly string[], dnsNames?: readonly string[]): Promise<TlsMaterial>;
  connect(commonName?: string, organizations?: readonly string[]): Promise<GrpcChannel>;
  connectWith(tls: TlsMaterial, token?: string): GrpcChannel;
  client(): Promise<ApiClient>;
  close(): Promise<void>;
}

export interface ApiBedOptions {
  readonly logs?: ApiBed['logs'];
  readonly core?: ApiserverDependencies['core'];
}

export const memoryLogs = (): ApiBed['logs'] => ({
  objects: createMemoryLog({ clock: systemClock, ...quickLog }), events: createMemoryLog({ clock: systemClock, ...quickLog, subjectPrefix: 'kube-events' }),
});

export async function createApiBed(options: ApiBedOptions = {}): Promise<ApiBed> {
  const logs = options.logs ?? memoryLogs();
  const directory = mkdtempSync(join(tmpdir(), 'nv-api-'));
  const authority = await createAuthority({ commonName: 'test-ca' });
  const certificate: ApiBed['certificate'] = async (commonName, organizations = [], dnsNames = ['localhost']) => ({
    ca: authority.certificate, ...(await issueCertificate(authority, { commonName, organizations, usages: ['client', 'server'], dnsNames, ipAddresses: ['127.0.0.1'] })),
  });
  const [clock, random, logger] = [systemClock, systemRandom, silentLogger];
  const kubelets = grpcKubelets(await certificate('kube-apiserver-kubelet-client', ['system:masters']));
  const apiserver = runApiserver({ registry: createRegistry(allResources), logs, kubelets, clock, random, logger, core: { authenticators: [staticTokens(tokenFile)], ...options.core } });
  await apiserver.ready;
  const health = createHealth();
  health.set('', true);
  const methods = apiMethods({ core: apiserver.core, clock, authenticate: apiserver.core.authenticate }, { version: '0.1.0', kubernetesVersion: '1.36' });
  const address = `unix:${join(directory, 'api.sock')}`;
  const server = await createGrpcServer({ listen: [address, '127.0.0.1:0'], tls: await certificate('navarch-apiserver'), services: [methods, health.methods], logger, clock });
  const channels: GrpcChannel[] = [];
  const bed: ApiBed = {
    apiserver, logs, authority, address: server.addresses[1] ?? '', certificate,
    connectWith(tls, token) {
      const channel = connectGrpc({ target: bed.address, tls, ...(token !== undefined && { token: () => token }) });
      channels.push(channel);
      return channel;
    },
    connect: async (commonName = 'kubernetes-admin', organizations = ['system:masters']) => bed.connectWith(await certificate(commonName, organizations)),
    client: async () => grpcApiClient(await bed.connect()),
    async close() {
      channels.forEach((channel) => channel.close());
      apiserver.core.drain();
      await server.close(500);
      await apiserver.close();
      await Promise.all(Object.values(logs).map((log) => log.close()));
      rmSync(directory, { recursive: true, force: true });
    },
  };
  return bed;
}

/** Compacts up to now, and waits until the replica knows. */
export async function expireHistory({ logs, apiserver }: Pick<ApiBed, 'logs' | 'apiserver'>): Promise<void> {
  const floor = await logs.objects.barrier();
  await logs.objects.compact(floor, { timeoutMs: 60_000 });
  const kind = apiserver.core.kinds.get('', 'configmaps');
  await kind.feed.waitFor(await logs.objects.barrier(), new AbortController().signal);
}
