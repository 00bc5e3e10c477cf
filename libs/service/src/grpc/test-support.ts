/** What the integration tests of this library share: an authority, a small echo service, and servers that end with the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { MethodDefinition } from '@grpc/grpc-js';
import { silentLogger, type Clock } from '@navarch/base';

import { createAuthority, issueCertificate, type CertificateRequest, type KeyPair } from '../tls/authority';
import type { TlsMaterial } from '../tls/tls-material';
import { connectGrpc, type GrpcChannel, type GrpcChannelOptions } from './grpc-channel';
import { createGrpcServer, type GrpcServer, type GrpcServerOptions } from './grpc-server';
import type { CallContext, ServiceHandlers } from './grpc-service';

const bytes = (value: Buffer): Buffer => value;

type EchoMethod<Requests extends boolean, Responses extends boolean> = MethodDefinition<Buffer, Buffer> & { requestStream: Requests; responseStream: Responses };

function method<Requests extends boolean, Responses extends boolean>(name: string, requestStream: Requests, responseStream: Responses): EchoMethod<Requests, Responses> {
  return {
    path: `/navarch.test.Echo/${name}`, requestStream, responseStream,
    requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes,
  };
}

/** All four kinds of method, on plain bytes. */
export const echo = {
  say: method('Say', false, false),
  repeat: method('Repeat', false, true),
  collect: method('Collect', true, false),
  chat: method('Chat', true, true),
};

export const echoHandlers: ServiceHandlers<typeof echo> = {
  say: (request) => Promise.resolve(request),
  repeat: async function* (request) {
    for (let count = 0; count < 3; count++) yield await Promise.resolve(Buffer.from(`${request.toString()} ${count}`));
  },
  collect: async (requests) => {
    const all: Buffer[] = [];
    for await (const request of requests) all.push(request);
    return Buffer.concat(all);
  },
  chat: async function* (requests) {
    for await (const request of requests) yield Buffer.from(request.toString().toUpperCase());
  },
};

export interface TestBed {
  readonly directory: string;
  readonly authority: KeyPair;
  issue(request: Partial<CertificateRequest>, from?: KeyPair, clock?: Pick<Clock, 'now'>): Promise<TlsMaterial>;
  serve(options?: Partial<GrpcServerOptions>): Promise<GrpcServer>;
  connect(server: GrpcServer, options?: Partial<GrpcChannelOptions>): GrpcChannel;
  close(): Promise<void>;
}

/** A directory, a CA, and everything opened through it closed again at the end. */
export async function createTestBed(): Promise<TestBed> {
  const directory = mkdtempSync(join(tmpdir(), 'nv-'));
  const authority = await createAuthority({ commonName: 'test-ca' });
  const servers: GrpcServer[] = [];
  const channels: GrpcChannel[] = [];
  const issue: TestBed['issue'] = async (request, from = authority, clock) => ({
    ca: authority.certificate,
    ...(await issueCertificate(from, { commonName: 'somebody', usages: ['client', 'server'], dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'], ...request }, clock)),
  });
  const tls = await issue({ commonName: 'server' });
  return {
    directory, authority, issue,
    serve: async (options = {}) => {
      const server = await createGrpcServer({ listen: ['127.0.0.1:0'], tls, services: [], logger: silentLogger, ...options });
      servers.push(server);
      return server;
    },
    connect: (server, options = {}) => {
      const channel = connectGrpc({ target: server.addresses[0] ?? '', tls: { ca: authority.certificate }, ...options });
      channels.push(channel);
      return channel;
    },
    close: async () => {
      channels.forEach((channel) => channel.close());
      await Promise.all(servers.map((server) => server.close(0)));
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Reads all of a stream. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** What a promise rejects with; fails the test where it resolves. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then((value) => {
    throw new Error(`resolved with ${String(value)}`);
  }, (error: unknown) => error);
}

/** Resolves when the context's signal aborts, with its reason. */
export function untilAborted({ signal }: CallContext): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason);
    else signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });
}
