/** ApiClient over Kubernetes' REST dialect: proves in tests that the REST door and the gRPC door are doors of one house. */
import { codecFor, decodeEnvelope, encodeEnvelope, tokenRequests, type ApiObject, type JsonObject, type Resource } from '@navarch/api';
import { ApiError, hasReason } from '@navarch/base';
import type { ApiClient, CallOptions, ListOptions, ListResult, ResourceClient, WatchEvent, WatchOptions } from '@navarch/client';
import { WatchEvent as WatchEventMessage, type DeleteOptions, type ListMeta } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { failureOf, type RestAsk, type RestConnection } from './rest-connection';

export type RestEncoding = 'json' | 'protobuf';

const mediaTypes: Readonly<Record<RestEncoding, string>> = { json: 'application/json', protobuf: 'application/vnd.kubernetes.protobuf' };
const deleteOptionsCodec = codecFor<DeleteOptions>('k8s.io.apimachinery.pkg.apis.meta.v1.DeleteOptions');
/** Objects per page, as client-go's pager asks for. */
const pageSize = 500;
const initialEventsEnd = 'k8s.io/initial-events-end';

interface ListMessage {
  metadata?: ListMeta;
  items?: ApiObject[];
}

/** The API through a connection to the REST door, in one of its encodings. */
export function restApiClient(connection: RestConnection, encoding: RestEncoding = 'json'): ApiClient {
  return {
    resource: <T extends ApiObject>(resource: Resource<T>): ResourceClient<T> =>
      new RestResourceClient(connection, resource as unknown as Resource, encoding) as unknown as ResourceClient<T>,
    async bindPod(binding, options) {
      const { namespace = 'default', name = '' } = binding.metadata ?? {};
      const body = Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'Binding', ...codecFor<typeof binding>('k8s.io.api.core.v1.Binding').toJson(binding) }));
      await connection.ask({ method: 'POST', path: `/api/v1/namespaces/${namespace}/pods/${name}/binding`, headers: { 'content-type': mediaTypes.json }, body, ...signalOf(options) });
    },
    async createToken(namespace, account, spec, options) {
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
      const body = Buffer.from(JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', ...tokenRequests.codec.toJson({ spec }) }));
      const response = await connection.ask({ method: 'POST', path, headers: { 'content-type': mediaTypes.json, accept: mediaTypes.json }, body, ...signalOf(options) });
      return tokenRequests.codec.fromJson(JSON.parse(response.toString()) as JsonObject);
    },
    getForeign: async (path, options) => JSON.parse((await connection.ask({ method: 'GET', path, headers: { accept: mediaTypes.json }, ...signalOf(options) })).toString()) as JsonObject,
  };
}

/** `/api/v1/namespaces/NAMESPACE/pods/NAME/SUBRESOURCE`, as far as it is given. */
export function pathOf({ group, version, plural, namespaced }: Resource, namespace: string, name?: string, subresource?: string): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const where = namespaced && namespace !== '' ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return [`${root}${where}/${plural}`, ...[name, subresource].filter((part) => part !== undefined).map(encodeURIComponent)].join('/');
}

class RestResourceClient implements ResourceClient<ApiObject> {
  private readonly apiVersion: string;

  constructor(private readonly connection: RestConnection, private readonly resource: Resource, private readonly encoding: RestEncoding) {
    this.apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  }

  async get(namespace: string, name: string, { resourceVersion, ...options }: CallOptions & { readonly resourceVersion?: string } = {}): Promise<ApiObject> {
    return this.one({ method: 'GET', path: this.path(namespace, name), query: { resourceVersion } }, options);
  }

  async list(options: ListOptions = {}): Promise<ListResult<ApiObject>> {
    const { namespace = '', labelSelector, fieldSelector, resourceVersion } = options;
    const items: ApiObject[] = [];
    let token: string | undefined;
    for (;;) {
      const query = { labelSelector, fieldSelector, limit: pageSize, ...(token === undefined ? { resourceVersion } : { continue: token }) };
      const page = this.readList(await this.connection.ask({ method: 'GET', path: this.path(namespace), query, headers: this.accept(), ...signalOf(options) }));
      items.push(...(page.items ?? []));
      token = page.metadata?.continue;
      if (!token) return { items, resourceVersion: page.metadata?.resourceVersion ?? '' };
    }
  }

  async *watch({ signal, namespace = '', labelSelector, fieldSelector, resourceVersion, sendInitialEvents }: WatchOptions): AsyncGenerator<WatchEvent<ApiObject>, void, undefined> {
    const initial = sendInitialEvents ? { sendInitialEvents, resourceVersionMatch: 'NotOlderThan' } : {};
    const query = { watch: true, allowWatchBookmarks: true, labelSelector, fieldSelector, resourceVersion, ...initial };
    const chunks = this.connection.follow({ method: 'GET', path: this.path(namespace), query, headers: this.accept(), signal });
    for await (const frame of frames(chunks, this.encoding)) yield this.readEvent(frame);
  }

  create(object: ApiObject, options?: CallOptions): Promise<ApiObject> {
    return this.one({ method: 'POST', path: this.path(namespaceOf(object)), ...this.body(object) }, options);
  }

  update(object: ApiObject, options?: CallOptions & { readonly subresource?: 'finalize' }): Promise<ApiObject> {
    return this.put(object, options?.subresource, options);
  }

  updateStatus(object: ApiObject, options?: CallOptions): Promise<ApiObject> {
    return this.put(object, 'status', options);
  }

  patch(namespace: string, name: string, type: string, patch: unknown, options?: CallOptions & { readonly subresource?: 'status' }): Promise<ApiObject> {
    const body = Buffer.from(JSON.stringify(patch));
    return this.one({ method: 'PATCH', path: this.path(namespace, name, options?.subresource), headers: { 'content-type': type }, body }, options);
  }

  /** The door answers most deletes with a Status, so the last state is read before, and the delete holds only for that state. */
  async delete(namespace: string, name: string, options: CallOptions & { readonly deleteOptions?: DeleteOptions } = {}): Promise<ApiObject> {
    const { deleteOptions = {} } = options;
    for (;;) {
      const last = await this.get(namespace, name, options);
      const preconditions = deleteOptions.preconditions ?? { resourceVersion: last.metadata?.resourceVersion };
      const body = Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'DeleteOptions', ...deleteOptionsCodec.toJson({ ...deleteOptions, preconditions }) }));
      try {
        const headers = { accept: mediaTypes.json, 'content-type': mediaTypes.json };
        const answer = JSON.parse((await this.connection.ask({ method: 'DELETE', path: this.path(namespace, name), headers, body, ...signalOf(options) })).toString()) as JsonObject;
        return answer['kind'] === 'Status' ? last : this.resource.codec.fromJson(answer);
      } catch (error) {
        if (deleteOptions.preconditions || !hasReason(error, 'Conflict')) throw error;
      }
    }
  }

  private put(object: ApiObject, subresource: string | undefined, options: CallOptions | undefined): Promise<ApiObject> {
    return this.one({ method: 'PUT', path: this.path(namespaceOf(object), object.metadata?.name ?? '', subresource), ...this.body(object) }, options);
  }

  private async one(ask: RestAsk, options: CallOptions | undefined): Promise<ApiObject> {
    return this.read(await this.connection.ask({ ...ask, headers: { ...this.accept(), ...ask.headers }, ...signalOf(options) }));
  }

  private path(namespace: string, name?: string, subresource?: string): string {
    return pathOf(this.resource, namespace, name, subresource);
  }

  private accept(): { readonly accept: string } {
    return { accept: mediaTypes[this.encoding] };
  }

  private body(object: ApiObject): Pick<RestAsk, 'headers' | 'body'> {
    const { codec, kind } = this.resource;
    const { apiVersion } = this;
    const body = this.encoding === 'protobuf' ? encodeEnvelope({ apiVersion, kind, raw: codec.encode(object) }) : Buffer.from(JSON.stringify({ apiVersion, kind, ...codec.toJson(object) }));
    return { headers: { 'content-type': mediaTypes[this.encoding] }, body };
  }

  private read(bytes: Uint8Array): ApiObject {
    const { codec } = this.resource;
    return this.encoding === 'protobuf' ? codec.decode(decodeEnvelope(bytes).raw) : codec.fromJson(JSON.parse(Buffer.from(bytes).toString()) as JsonObject);
  }

  private readList(bytes: Buffer): ListMessage {
    const codec = codecFor<ListMessage>(`${this.resource.codec.message}List`);
    return this.encoding === 'protobuf' ? codec.decode(decodeEnvelope(bytes).raw) : codec.fromJson(JSON.parse(bytes.toString()) as JsonObject);
  }

  private readEvent(frame: Buffer): WatchEvent<ApiObject> {
    const { type, object } = this.encoding === 'protobuf' ? this.protobufEvent(frame) : this.jsonEvent(frame);
    const resourceVersion = object.metadata?.resourceVersion ?? '';
    const ends = type === 'BOOKMARK' && object.metadata?.annotations?.[initialEventsEnd] === 'true';
    return { type, object, resourceVersion, commitTimeMs: 0, ...(ends && { initialEventsEnd: true }) };
  }

  private protobufEvent(frame: Buffer): { type: WatchEvent<ApiObject>['type']; object: ApiObject } {
    const { type = '', object } = WatchEventMessage.decode(frame);
    const { raw } = decodeEnvelope(object?.raw ?? new Uint8Array());
    if (type === 'ERROR') throw failureOf(codecFor('k8s.io.apimachinery.pkg.apis.meta.v1.Status').toJson(codecFor('k8s.io.apimachinery.pkg.apis.meta.v1.Status').decode(raw)));
    return { type: eventType(type), object: this.resource.codec.decode(raw) };
  }

  private jsonEvent(frame: Buffer): { type: WatchEvent<ApiObject>['type']; object: ApiObject } {
    const { type, object } = JSON.parse(frame.toString()) as { type: string; object: JsonObject };
    if (type === 'ERROR') throw failureOf(object);
    return { type: eventType(type), object: this.resource.codec.fromJson(object) };
  }
}

/** Cuts a watch's bytes into its events: lines of JSON, or messages after their length in four bytes. */
async function* frames(chunks: AsyncIterable<Buffer>, encoding: RestEncoding): AsyncGenerator<Buffer, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const [start, end, next] = encoding === 'json' ? lineIn(rest) : messageIn(rest);
      if (end < 0 || end > rest.length) break;
      yield rest.subarray(start, end);
      rest = rest.subarray(next);
    }
  }
}

type Cut = readonly [start: number, end: number, next: number];

function lineIn(bytes: Buffer): Cut {
  const end = bytes.indexOf('\n');
  return [0, end, end + 1];
}

function messageIn(bytes: Buffer): Cut {
  if (bytes.length < 4) return [0, -1, 0];
  const end = 4 + bytes.readUInt32BE(0);
  return [4, end, end];
}

function eventType(type: string): WatchEvent<ApiObject>['type'] {
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED' || type === 'BOOKMARK') return type;
  throw new ApiError('Internal', `the watch sent an event of type ${JSON.stringify(type)}`);
}

const namespaceOf = ({ metadata = {} }: ApiObject): string => metadata.namespace ?? 'default';

function signalOf({ signal, timeoutMs }: CallOptions = {}): Pick<RestAsk, 'signal'> {
  const signals = [...(signal ? [signal] : []), ...(timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)])];
  return signals.length === 0 ? {} : { signal: AbortSignal.any(signals) };
}
