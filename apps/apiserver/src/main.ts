import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { allResources, createRegistry } from '@navarch/api';
import { createGrpcServer, createTokenKeys, loadTls, parseConfig, processFields, serveProcess, type ProcessContext, type Served, type TlsFiles } from '@navarch/service';
import { connectNats, connectNatsLog, watchLogSizes, type NatsConnection } from '@navarch/store-nats';
import type { ObjectLog } from '@navarch/store';

import { runApiserver, type Apiserver } from './app';
import { defaultServiceRanges } from './bootstrap';
import { staticTokens } from './core/auth/authenticator';
import type { TokenOptions } from './core/tokens/token-options';
import { defaultNodePortRange, serviceRangesOf } from './core/services/address-range';
import { grpcKubelets } from './grpc/kubelet-connector';
import { apiMethods } from './grpc/services';
import type { RestServer } from './rest/server';
import { startRestDoor, type StartRestDoorOptions } from './rest/start';

const version = '0.1.0';
const kubernetesVersion = '1.36';
/** What answers under way get before their connections are cut. */
const restGraceMs = 2_000;

const config = parseConfig({
  ...processFields,
  listen: { type: 'list', default: ['127.0.0.1:7443'], description: 'Addresses of the gRPC door: host:port or unix:/path.' },
  restListen: { type: 'list', description: 'Addresses of the REST door (kubectl, Helm, client libraries): host:port or unix:/path; none where absent.' },
  advertiseAddress: { type: 'list', description: 'Addresses at which pods reach this replica, at port 6443: the endpoints of the kubernetes Service; none where absent.' },
  serviceClusterIpRange: { type: 'list', default: [...defaultServiceRanges], description: 'Where Services get their addresses: one CIDR, or one of each family, the default family first.' },
  serviceNodePortRange: { type: 'string', default: defaultNodePortRange, description: 'Where Services get their node ports: first-last.' },
  tlsCa: { type: 'string', required: true, description: 'Authority whose client certificates count (PEM file).' },
  tlsCert: { type: 'string', required: true, description: 'Server certificate (PEM file).' },
  tlsKey: { type: 'string', required: true, description: 'Its key (PEM file).' },
  kubeletClientCert: { type: 'string', required: true, description: 'Certificate to show to kubelets (PEM file).' },
  kubeletClientKey: { type: 'string', required: true, description: 'Its key (PEM file).' },
  proxyClientCert: { type: 'string', description: 'Certificate to show to servers of aggregated APIs (PEM file); --kubelet-client-cert unless told.' },
  proxyClientKey: { type: 'string', description: 'Its key (PEM file).' },
  requestheaderClientCaFile: { type: 'string', description: 'Authority by which such servers know that certificate (PEM file); --tls-ca unless told.' },
  tokenFile: { type: 'string', description: 'Static bearer tokens: token,user,uid,"group1,group2" a line.' },
  serviceAccountIssuer: { type: 'list', default: ['https://kubernetes.default.svc.cluster.local'], description: 'Issuer of service accounts\' tokens; more of them: those whose tokens count as well.' },
  serviceAccountSigningKeyFile: { type: 'string', description: 'Private key that signs service accounts\' tokens (PEM, EC or RSA); where absent, none are made.' },
  serviceAccountKeyFile: { type: 'list', description: 'More keys whose tokens count (PEM, public or private).' },
  serviceAccountMaxTokenExpiration: { type: 'duration', min: 3_600_000, description: 'A longer life of a token is cut to this.' },
  serviceAccountJwksUri: { type: 'string', description: 'Where others find the keys; <issuer>/openid/v1/jwks unless told.' },
  apiAudiences: { type: 'list', description: 'What this API answers to in tokens; the issuer unless told.' },
  nats: { type: 'list', required: true, description: 'NATS servers, host:port.' },
  natsCa: { type: 'string', description: 'Authority of the NATS servers (PEM file); no TLS where absent.' },
  natsCert: { type: 'string', description: 'Client certificate for NATS (PEM file).' },
  natsKey: { type: 'string', description: 'Its key (PEM file).' },
  natsUser: { type: 'string', description: 'User at NATS.' },
  natsPassword: { type: 'secret', description: 'Its password.' },
  replicas: { type: 'integer', default: 1, min: 1, max: 5, description: 'Copies of every write that JetStream keeps: 1, 3 or 5.' },
  streamPrefix: { type: 'string', default: 'navarch', description: 'JetStream streams are named <prefix>-objects and <prefix>-events.' },
  eventTtl: { type: 'duration', default: 3_600_000, min: 1_000, description: 'How long events are kept.' },
}, { name: 'navarch-apiserver', argv: process.argv.slice(2), env: process.env });

// The core hands its trace contexts over itself; following every promise would cost throughput (docs/design/008-telemetry.md).
void serveProcess({ name: 'navarch-apiserver', version, config, contextPropagation: 'explicit', run });

async function run({ logger, clock, random, health, signal }: ProcessContext): Promise<Served> {
  const connection = await connectToNats(signal);
  const open = (name: 'objects' | 'events'): Promise<ObjectLog> => connectNatsLog({
    connection, clock, random, logger: logger.child({ log: name }), replicas: config.replicas, stream: `${config.streamPrefix}-${name}`,
    subjectPrefix: name === 'objects' ? 'kube' : 'kube-events',
  });
  const logs = { objects: await open('objects'), events: await open('events') };
  const tls: TlsFiles = { caFile: config.tlsCa, certificateFile: config.tlsCert, keyFile: config.tlsKey };
  const kubeletTls = loadTls({ caFile: config.tlsCa, certificateFile: config.kubeletClientCert, keyFile: config.kubeletClientKey }, clock, logger);
  let started = false;
  const onReadiness = (reasons: readonly string[]): void => {
    if (!started) return;
    health.set('', reasons.length === 0);
    if (reasons.length > 0) logger.warn('not ready', { reasons });
  };
  const authenticators = config.tokenFile ? [staticTokens(readFileSync(config.tokenFile, 'utf8'))] : [];
  const proxyIdentity = { certificate: readFileSync(config.proxyClientCert ?? config.kubeletClientCert, 'utf8'), key: readFileSync(config.proxyClientKey ?? config.kubeletClientKey, 'utf8') };
  const apiserver = runApiserver({
    registry: createRegistry(allResources), logs, kubelets: grpcKubelets(kubeletTls), clock, random, logger, eventTtlMs: config.eventTtl,
    serviceRanges: serviceRangesOf(config.serviceClusterIpRange), advertise: config.advertiseAddress, core: { nodePortRange: config.serviceNodePortRange, onReadiness, authenticators, tokens: tokenOptions(), proxyIdentity },
    frontProxy: { clientCa: readFileSync(config.tlsCa, 'utf8'), proxyCa: readFileSync(config.requestheaderClientCaFile ?? config.tlsCa, 'utf8'), proxyName: commonNameOf(proxyIdentity.certificate) },
  });
  const { authenticate } = apiserver.core;
  const door = apiMethods({ core: apiserver.core, clock, authenticate }, { version, kubernetesVersion });
  const server = await createGrpcServer({ listen: config.listen, tls, services: [door, health.methods], logger, clock });
  logger.info('listening', { addresses: server.addresses });
  const rest = await Promise.all((config.restListen ?? []).map((address) => openRestDoor(address, apiserver, tls, { clock, logger, authenticate })));
  await apiserver.ready;
  started = true;
  const ended = new AbortController();
  const sizes = watchLogSizes({ connection, clock, logger, streams: { objects: `${config.streamPrefix}-objects`, events: `${config.streamPrefix}-events` }, signal: ended.signal });
  return {
    metrics: () => apiserver.core.metricsText() + sizes.text(),
    async close() {
      apiserver.core.drain();
      await Promise.all([server.close(), ...rest.map((one) => one.close(restGraceMs))]);
      await apiserver.close();
      ended.abort(new Error('the apiserver stops'));
      await sizes.done;
      await Promise.all(Object.values(logs).map((log) => log.close()));
      await connection.close();
    },
  };
}

/** The name that servers of aggregated APIs accept. */
function commonNameOf(certificate: string): string {
  return /(?:^|\n)CN=(.*)/.exec(new X509Certificate(certificate).subject)?.[1] ?? '';
}

function tokenOptions(): TokenOptions | undefined {
  const { serviceAccountSigningKeyFile: file, serviceAccountKeyFile: others = [], serviceAccountIssuer: [issuer, ...formerIssuers], serviceAccountMaxTokenExpiration: maxLifeMs } = config;
  if (file === undefined || issuer === undefined) return undefined;
  const keys = createTokenKeys({ signingKey: readFileSync(file, 'utf8'), checkingKeys: others.map((other) => readFileSync(other, 'utf8')) });
  return {
    keys, issuer, formerIssuers, audiences: config.apiAudiences ?? [], ...(config.serviceAccountJwksUri && { jwksUri: config.serviceAccountJwksUri }),
    ...(maxLifeMs !== undefined && { maxLifeSeconds: Math.floor(maxLifeMs / 1_000) }),
  };
}

async function openRestDoor(
  listen: string, { core }: Apiserver, tlsFiles: TlsFiles, { clock, logger, authenticate }: Pick<StartRestDoorOptions, 'clock' | 'logger' | 'authenticate'>,
): Promise<RestServer> {
  const { ca, certificate = '', key = '' } = loadTls(tlsFiles, clock, logger);
  const door = await startRestDoor({ core, clock, logger, authenticate, listen, tls: { ca, certificate, key }, version, kubernetesVersion });
  logger.info('REST door open', { address: door.address });
  return door;
}

function connectToNats(signal: AbortSignal): Promise<NatsConnection> {
  const { nats: servers, natsCa, natsCert, natsKey, natsUser: user, natsPassword: password } = config;
  const text = (file: string | undefined): string | undefined => file && readFileSync(file, 'utf8');
  const ca = text(natsCa);
  return connectNats({
    servers, name: 'navarch-apiserver', signal, timeoutMs: 60_000,
    ...(ca && { tls: { ca, cert: text(natsCert), key: text(natsKey) } }),
    ...(user && password && { credentials: { user, password } }),
  });
}
