import type { ApiObject, Resource } from '@navarch/api';
import type { ApiClient, ResourceClient, WatchEvent, WatchOptions } from '@navarch/client';

export type WriteVerb = 'create' | 'update' | 'updateStatus' | 'patch' | 'delete';

/** A write on its way: `object` is what create and update send, `name` whom it is about. */
export interface Write {
  readonly verb: WriteVerb;
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
  readonly object: ApiObject | undefined;
  readonly args: readonly unknown[];
}

export interface Interception {
  /** Stands between the caller and each write; `proceed` sends it, with these arguments where they are to be others. */
  write?(write: Write, proceed: (args?: readonly unknown[]) => Promise<ApiObject>): Promise<ApiObject>;
  /** Stands between the caller and each get. */
  get?(resource: Resource, namespace: string, name: string, proceed: () => Promise<ApiObject>): Promise<ApiObject>;
  /** Stands between the caller and each event of a watch: what it answers is what is seen, in this order. */
  event?(resource: Resource, event: WatchEvent<ApiObject>, options: WatchOptions): Promise<readonly WatchEvent<ApiObject>[]>;
}

const verbs = new Set<PropertyKey>(['create', 'update', 'updateStatus', 'patch', 'delete']);

/** The client with somebody who listens, meddles or kills in between. */
export function intercept(client: ApiClient, { write, get, event }: Interception): ApiClient {
  const wrap = <T extends ApiObject>(resource: Resource<T>): ResourceClient<T> => {
    const kind = resource as unknown as Resource;
    const inner = client.resource(resource);
    return new Proxy(inner, {
      get(target, member, receiver) {
        const method = Reflect.get(target, member, receiver) as (...args: unknown[]) => unknown;
        if (write && verbs.has(member)) {
          return (...args: unknown[]) => write(writeOf(member as WriteVerb, kind, args), (others = args) => method.apply(target, [...others]) as Promise<ApiObject>);
        }
        if (get && member === 'get') return (...args: unknown[]) => get(kind, args[0] as string, args[1] as string, () => method.apply(target, args) as Promise<ApiObject>);
        if (event && member === 'watch') {
          return async function* watch(options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
            for await (const one of inner.watch(options)) yield* (await event(kind, one, options)) as WatchEvent<T>[];
          };
        }
        return method.bind(target);
      },
    });
  };
  return { ...client, resource: wrap };
}

function writeOf(verb: WriteVerb, resource: Resource, args: readonly unknown[]): Write {
  const byName = verb === 'patch' || verb === 'delete';
  const object = byName ? undefined : args[0] as ApiObject;
  const [namespace, name] = byName ? [args[0] as string, args[1] as string] : [object?.metadata?.namespace ?? '', object?.metadata?.name ?? ''];
  return { verb, resource, namespace, name, object, args };
}
