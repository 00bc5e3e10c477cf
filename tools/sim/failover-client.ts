import type { ApiObject, Resource } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { ApiClient, ResourceClient, WatchEvent, WatchOptions } from '@navarch/client';

/** A server that may be up: its client, and a signal that aborts when it dies. */
export type Connection = { readonly client: ApiClient; readonly life: AbortSignal } | undefined;

/** A client of whichever server is up: calls in flight to one that dies fail, the next call goes to another. */
export function failover(connect: readonly (() => Connection)[]): ApiClient {
  const pick = (): NonNullable<Connection> => {
    for (const one of connect) {
      const connection = one();
      if (connection) return connection;
    }
    throw new ApiError('Unavailable', 'simulated: no server is up');
  };

  const call = async <R>(work: (client: ApiClient) => Promise<R>): Promise<R> => {
    const { client, life } = pick();
    let onDeath: (() => void) | undefined;
    const death = new Promise<never>((_resolve, reject) => {
      onDeath = () => reject(new ApiError('Unavailable', 'simulated: the server died'));
      life.addEventListener('abort', onDeath, { once: true });
    });
    death.catch(() => undefined);
    try {
      return await Promise.race([work(client), death]);
    } finally {
      if (onDeath) life.removeEventListener('abort', onDeath);
    }
  };

  async function* watch<T extends ApiObject>(resource: Resource<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const { client, life } = pick();
    yield* client.resource(resource).watch({ ...options, signal: AbortSignal.any([options.signal, life]) });
    if (life.aborted && !options.signal.aborted) throw new ApiError('Unavailable', 'simulated: the server died');
  }

  return {
    resource: <T extends ApiObject>(resource: Resource<T>): ResourceClient<T> => ({
      get: (...args) => call((client) => client.resource(resource).get(...args)),
      list: (...args) => call((client) => client.resource(resource).list(...args)),
      watch: (options) => watch(resource, options),
      create: (...args) => call((client) => client.resource(resource).create(...args)),
      update: (...args) => call((client) => client.resource(resource).update(...args)),
      updateStatus: (...args) => call((client) => client.resource(resource).updateStatus(...args)),
      patch: (...args) => call((client) => client.resource(resource).patch(...args)),
      delete: (...args) => call((client) => client.resource(resource).delete(...args)),
    }),
    bindPod: (...args) => call((client) => client.bindPod(...args)),
    createToken: (...args) => call((client) => client.createToken(...args)),
    getForeign: (...args) => call((client) => client.getForeign(...args)),
  };
}
