import { Agent, request as httpsRequest } from 'node:https';

import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { createRegistry } from '@navarch/api';
import { systemClock, systemRandom, type LogFields, type Logger } from '@navarch/base';
import { createAuthority, createGrpcServer, issueCertificate, type GrpcServer } from '@navarch/service';
import { createMemoryLog } from '@navarch/store';

import { runApiserver, type Apiserver, type ApiserverDependencies } from '../app';
import { createAuthenticator, staticTokens } from '../core/auth/authenticator';
import { noKubelets } from '../core/pods/kubelet-connector';
import { apiMethods } from '../grpc/services';
import { startRestDoor } from '../rest/start';

/** Test support of this folder: one core behind both doors, everything it logs kept, and clients that send any bytes. */
export interface Logged {
  readonly level: string;
  readonly message: string;
  readonly fields: LogFields;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly token?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface CallAnswer {
  /** gRPC's code; 0 is OK. */
  readonly code: number;
  readonly details: string;
  readonly bytes: Buffer;
  /** All that the trailers say. */
  readonly trailers: string;
}

export interface TwoDoors {
  readonly apiserver: Apiserver;
  readonly rest: { readonly host: string; readonly port: number; readonly ca: string };
  readonly grpc: string;
  readonly token: string;
  readonly logged: readonly Logged[];
  ask(path: string, ask?: Ask): Promise<Answer>;
  /** A unary call. */
  call(method: string, request: Uint8Array): Promise<CallAnswer>;
  close(): Promise<void>;
}

const token = 'fuzz-token';
/** The flood and the others of slow-clients: users u0, u1, … with tokens t0, t1, … */
export const manyUsers = 24;

const fuzzSeconds = Number(process.env['NAVARCH_FUZZ_SECONDS'] ?? 4);
/** For jest, in ms: what a property may take with its counterexample's shrinking. */
export const fuzzTimeoutMs = (fuzzSeconds + 30) * 1_000;

function keepingLogger(logged: Logged[], bound: LogFields = {}): Logger {
  const at = (level: string) => (message: string, fields: LogFields = {}): void => void logged.push({ level, message, fields: { ...bound, ...fields } });
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error'), child: (fields) => keepingLogger(logged, { ...bound, ...fields }) };
}

export async function openTwoDoors(options: { readonly core?: ApiserverDependencies['core']; readonly rest?: Partial<Parameters<typeof startRestDoor>[0]> } = {}): Promise<TwoDoors> {
  const [clock, random] = [systemClock, systemRandom];
  const logged: Logged[] = [];
  const logger = keepingLogger(logged);
  const logs = { objects: createMemoryLog({ clock, random }), events: createMemoryLog({ clock, random, subjectPrefix: 'kube-events' }) };
  const apiserver = runApiserver({ registry: createRegistry(), logs, kubelets: noKubelets(new Error('no kubelet in this test')), clock, random, logger, core: options.core });
  await apiserver.ready;
  const authority = await createAuthority({ commonName: 'test' });
  const certificate = await issueCertificate(authority, { commonName: 'apiserver', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], usages: ['server'] });
  const users = Array.from({ length: manyUsers }, (_, index) => `t${index},u${index},id${index},"system:masters"\n`).join('');
  const authenticate = createAuthenticator([staticTokens(`${token},fuzzer,1,"system:masters"\n${users}`)]);
  const versions = { version: '0.1.0', kubernetesVersion: '1.36' };
  const rest = await startRestDoor({ core: apiserver.core, clock, logger, listen: '127.0.0.1:0', tls: { ...certificate, ca: authority.certificate }, authenticate, ...versions, ...options.rest });
  const grpc: GrpcServer = await createGrpcServer({ listen: ['127.0.0.1:0'], tls: 'insecure', services: [apiMethods({ core: apiserver.core, clock, authenticate }, versions)], logger, clock });
  const address = grpc.addresses[0] ?? '';
  const [host = '', port = ''] = rest.address.split(':');
  const where = { host, port: Number(port), ca: authority.certificate };
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const client = new Client(address, credentials.createInsecure(), { 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 });
  return {
    apiserver, rest: where, grpc: address, token, logged,
    ask: (path, ask) => askRest({ ...where, agent }, path, ask),
    call: (method, request) => callGrpc(client, method, request),
    async close() {
      agent.destroy();
      client.close();
      apiserver.core.drain();
      await Promise.all([rest.close(200), grpc.close(200)]);
      await apiserver.close();
      await Promise.all(Object.values(logs).map((log) => log.close()));
    },
  };
}

function askRest(where: { host: string; port: number; ca: string; agent: Agent }, path: string, { method = 'GET', headers = {}, body, token: as = token }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest({ ...where, path, method, headers: { authorization: `Bearer ${as}`, ...headers } }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(parts).toString() }));
    });
    request.setTimeout(20_000, () => request.destroy(new Error(`no answer within 20 s: ${method} ${path.slice(0, 200)}`)));
    request.on('error', reject);
    request.end(body);
  });
}

function callGrpc(client: Client, method: string, request: Uint8Array): Promise<CallAnswer> {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return new Promise((resolve) => {
    const done = (error: ServiceError | null, bytes?: Buffer): void => resolve({
      code: error?.code ?? 0, details: error?.details ?? '', bytes: bytes ?? Buffer.alloc(0),
      trailers: Object.values(error?.metadata.getMap() ?? {}).map((value) => value.toString()).join('\n'),
    });
    client.makeUnaryRequest(method, (bytes: Uint8Array) => Buffer.from(bytes), (bytes: Buffer) => bytes, request, metadata, { deadline: systemClock.now() + 20_000 }, done);
  });
}

/**
 * One seed for every change to be judged by; who looks for more gives NAVARCH_FUZZ_SEED another, or `random`, which is printed, and
 * NAVARCH_FUZZ_SECONDS hundreds instead of 4.
 */
export function fuzzParameters(): { readonly seed: number; readonly numRuns: number; readonly interruptAfterTimeLimit: number } {
  const wanted = process.env['NAVARCH_FUZZ_SEED'] ?? '20261122';
  const seed = wanted === 'random' ? Math.floor(systemRandom.next() * 2 ** 31) : Number(wanted);
  process.stdout.write(`fuzz: ${expect.getState().currentTestName ?? ''}: NAVARCH_FUZZ_SEED=${seed}\n`);
  return { seed, numRuns: 1_000_000, interruptAfterTimeLimit: fuzzSeconds * 1_000 };
}
