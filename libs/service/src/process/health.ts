import { ApiError, BoundedQueue } from '@navarch/base';
import { HealthCheckResponse_ServingStatus as ServingStatus, HealthService, type HealthCheckResponse } from '@navarch/proto/grpc/health/v1/health';

import { grpcService, type GrpcMethod } from '../grpc/grpc-service';

/** Whether the process, and each service in it, is ready. The name '' stands for the whole process. */
export interface Health {
  set(service: string, serving: boolean): void;
  /** The whole process serves. */
  readonly ready: boolean;
  /** grpc.health.v1.Health, for createGrpcServer. */
  readonly methods: readonly GrpcMethod[];
}

/** Begins as not serving. */
export function createHealth(): Health {
  const states = new Map<string, boolean>([['', false]]);
  const listeners = new Set<() => void>();
  const statusOf = (service: string): ServingStatus => {
    const serving = states.get(service);
    return serving === undefined ? ServingStatus.SERVICE_UNKNOWN : serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  };
  const follow = async function* (service: string, signal: AbortSignal): AsyncGenerator<HealthCheckResponse> {
    const changes = new BoundedQueue<true>(1);
    // A full queue already holds the news: the reader asks for the state when it comes to it.
    const notice = (): void => void changes.push(true);
    const stop = (): void => changes.end();
    listeners.add(notice);
    signal.addEventListener('abort', stop, { once: true });
    try {
      let last = statusOf(service);
      yield { status: last };
      for await (const _ of changes) {
        const next = statusOf(service);
        if (next !== last) yield { status: next };
        last = next;
      }
    } finally {
      listeners.delete(notice);
      signal.removeEventListener('abort', stop);
    }
  };
  return {
    set: (service, serving) => {
      states.set(service, serving);
      listeners.forEach((notice) => notice());
    },
    get ready() {
      return states.get('') === true;
    },
    methods: grpcService(HealthService, {
      check: ({ service = '' }) => {
        const status = statusOf(service);
        if (status === ServingStatus.SERVICE_UNKNOWN) return Promise.reject(new ApiError('NotFound', `no service "${service}" here`));
        return Promise.resolve({ status });
      },
      watch: ({ service = '' }, { signal }) => follow(service, signal),
    }),
  };
}
