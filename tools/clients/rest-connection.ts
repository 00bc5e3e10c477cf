/** One HTTP/2 connection to the REST door, as clients of Kubernetes hold it. Failures are ApiErrors, made of the door's Status. */
import { connect, constants, type ClientHttp2Stream, type IncomingHttpHeaders } from 'node:http2';

import { codecFor, type JsonObject } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { Status } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';
import { errorOfStatus } from '@navarch/service';

export interface RestAsk {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
}

export interface RestAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface RestConnection {
  /** The answer, whatever its status. */
  send(ask: RestAsk): Promise<RestAnswer>;
  /** The answer to a request that must succeed; throws the ApiError of its Status otherwise. */
  ask(ask: RestAsk): Promise<Buffer>;
  /** The chunks of an answer as they come. Leaving the loop ends the request. */
  follow(ask: RestAsk): AsyncGenerator<Buffer, void, undefined>;
  close(): void;
}

const statusCodec = codecFor<Status>('k8s.io.apimachinery.pkg.apis.meta.v1.Status');

/** `address` is host:port; `tls` in PEM, without certificate and key for whoever shows a token or nothing. */
export function connectRest(address: string, tls: { readonly ca: string; readonly certificate?: string; readonly key?: string }): RestConnection {
  const session = connect(`https://${address}`, { ca: tls.ca, cert: tls.certificate, key: tls.key });
  // Whoever waits for an answer hears of it through that answer.
  session.on('error', () => undefined);
  const open = ({ method, path, query = {}, headers = {}, body, signal }: RestAsk): ClientHttp2Stream => {
    signal?.throwIfAborted();
    const stream = session.request({ ':method': method, ':path': pathOf(path, query), ...headers }, { endStream: body === undefined, ...(signal && { signal }) });
    if (body) stream.end(body);
    return stream;
  };
  const send = async (ask: RestAsk): Promise<RestAnswer> => {
    const stream = open(ask);
    const headers = await headersOf(stream);
    return { status: Number(headers[':status']), headers, body: await bodyOf(stream) };
  };
  return {
    send,
    async ask(what) {
      const { status, body } = await send(what);
      if (status >= 300) throw failureOf(body);
      return body;
    },
    async *follow(what) {
      const stream = open(what);
      try {
        const headers = await headersOf(stream);
        if (Number(headers[':status']) >= 300) throw failureOf(await bodyOf(stream));
        for await (const chunk of stream as AsyncIterable<Buffer>) yield chunk;
      } finally {
        stream.close(constants.NGHTTP2_CANCEL);
      }
    },
    close: () => session.destroy(),
  };
}

/** What a Status, as bytes of JSON or as a value, says went wrong. */
export function failureOf(status: Buffer | JsonObject): ApiError {
  return errorOfStatus(statusCodec.fromJson(Buffer.isBuffer(status) ? (JSON.parse(status.toString()) as JsonObject) : status, { fieldValidation: 'Ignore' }));
}

function pathOf(path: string, query: NonNullable<RestAsk['query']>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString()}`;
}

function headersOf(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    stream.once('response', resolve);
    stream.once('error', reject);
    stream.once('close', () => reject(new ApiError('Unavailable', 'the connection ended without an answer')));
  });
}

async function bodyOf(stream: ClientHttp2Stream): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}
