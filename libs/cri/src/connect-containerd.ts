import { credentials, Metadata, type CallOptions, type ClientOptions, type ClientUnaryCall, type ServiceError } from '@grpc/grpc-js';
import { ApiError, isNotFound, type Clock, type Logger } from '@navarch/base';
import { EventsClient } from '@navarch/proto/containerd/services/events/v1/events';
import { ImageServiceClient, RuntimeServiceClient } from '@navarch/proto/runtime/v1/cri';

import type { ContainerFilter, ContainerRuntime, RuntimeCallOptions, SandboxFilter } from './container-runtime';
import { translateCriError } from './cri-error';
import { followEvents } from './runtime-events';

export interface ConnectContainerdOptions {
  /** Path of containerd's (or another CRI runtime's) socket. */
  readonly socket: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

// A lost containerd is back within a second or two: gRPC's own reconnect back-off (1 s … 2 min) would be what one waits for.
const channelOptions: ClientOptions = {
  'grpc.default_authority': 'localhost',
  'grpc.initial_reconnect_backoff_ms': 20,
  'grpc.min_reconnect_backoff_ms': 20,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.max_receive_message_length': 16 << 20,
  'grpc.max_send_message_length': 16 << 20,
};

const defaultTimeoutMs = 10_000;
/** Kubernetes' runtimeRequestTimeout is 2 minutes; making a sandbox waits for CNI plugins. */
const sandboxTimeoutMs = 120_000;
const pullTimeoutMs = 30 * 60_000;

type UnaryMethod<Q, R> = (
  request: Q, metadata: Metadata, options: Partial<CallOptions>, callback: (error: ServiceError | null, response: R) => void,
) => ClientUnaryCall;

/** CRI v1 over the runtime's unix socket. Lazily connected: calls fail with Unavailable while nobody listens. */
export function connectContainerd({ socket, clock, logger }: ConnectContainerdOptions): ContainerRuntime {
  const address = `unix:${socket}`;
  const runtime = new RuntimeServiceClient(address, credentials.createInsecure(), channelOptions);
  const images = new ImageServiceClient(address, credentials.createInsecure(), channelOptions);
  const containerd = new EventsClient(address, credentials.createInsecure(), channelOptions);

  const call = <Q, R>(name: string, method: UnaryMethod<Q, R>, request: Q, options: RuntimeCallOptions = {}, timeoutMs = defaultTimeoutMs): Promise<R> =>
    unary(clock, name, method, request, options, options.timeoutMs ?? timeoutMs);
  const runtimeMethod = bindMethods(runtime);
  const imageMethod = bindMethods(images);

  return {
    async version(options) {
      const answer = await call('Version', runtimeMethod('version'), {}, options);
      return { name: answer.runtimeName ?? '', version: answer.runtimeVersion ?? '', apiVersion: answer.runtimeApiVersion ?? '' };
    },
    async health(options) {
      const { status } = await call('Status', runtimeMethod('status'), {}, options);
      const condition = (type: string) => status?.conditions?.find((entry) => entry.type === type);
      const faults = ['RuntimeReady', 'NetworkReady'].map((type) => ({ type, ...condition(type) })).filter((entry) => !entry.status);
      return {
        runtimeReady: condition('RuntimeReady')?.status ?? false,
        networkReady: condition('NetworkReady')?.status ?? false,
        message: faults.map(({ type, reason, message }) => `container runtime ${type}=false reason:${reason ?? ''} message:${message ?? ''}`).join('; '),
      };
    },

    async runPodSandbox(config, options) {
      const answer = await call('RunPodSandbox', runtimeMethod('runPodSandbox'), { config, runtimeHandler: options?.runtimeHandler }, options, sandboxTimeoutMs);
      return idOf('RunPodSandbox', answer.podSandboxId);
    },
    stopPodSandbox: (podSandboxId, options) => ignoreMissing(call('StopPodSandbox', runtimeMethod('stopPodSandbox'), { podSandboxId }, options, sandboxTimeoutMs)),
    removePodSandbox: (podSandboxId, options) => ignoreMissing(call('RemovePodSandbox', runtimeMethod('removePodSandbox'), { podSandboxId }, options, sandboxTimeoutMs)),
    async podSandboxStatus(podSandboxId, options) {
      return present('PodSandboxStatus', (await call('PodSandboxStatus', runtimeMethod('podSandboxStatus'), { podSandboxId }, options)).status);
    },
    async listPodSandboxes(filter, options) {
      return (await call('ListPodSandbox', runtimeMethod('listPodSandbox'), { filter: sandboxFilter(filter) }, options)).items ?? [];
    },

    async createContainer(podSandboxId, config, sandboxConfig, options) {
      const answer = await call('CreateContainer', runtimeMethod('createContainer'), { podSandboxId, config, sandboxConfig }, options, sandboxTimeoutMs);
      return idOf('CreateContainer', answer.containerId);
    },
    async startContainer(containerId, options) {
      await call('StartContainer', runtimeMethod('startContainer'), { containerId }, options, sandboxTimeoutMs);
    },
    stopContainer: (containerId, graceSeconds, options) =>
      ignoreMissing(call('StopContainer', runtimeMethod('stopContainer'), { containerId, timeout: graceSeconds }, options, graceSeconds * 1000 + sandboxTimeoutMs)),
    removeContainer: (containerId, options) => ignoreMissing(call('RemoveContainer', runtimeMethod('removeContainer'), { containerId }, options, sandboxTimeoutMs)),
    async containerStatus(containerId, options) {
      return present('ContainerStatus', (await call('ContainerStatus', runtimeMethod('containerStatus'), { containerId }, options)).status);
    },
    async listContainers(filter, options) {
      return (await call('ListContainers', runtimeMethod('listContainers'), { filter: containerFilter(filter) }, options)).containers ?? [];
    },
    async execSync(containerId, command, timeoutSeconds, options) {
      // The runtime answers late when children of the command hold its output open: the client's own deadline ends it.
      const timeoutMs = timeoutSeconds > 0 ? timeoutSeconds * 1000 + 2_000 : sandboxTimeoutMs;
      const answer = await call('ExecSync', runtimeMethod('execSync'), { containerId, cmd: [...command], timeout: timeoutSeconds }, options, timeoutMs);
      return { stdout: answer.stdout ?? new Uint8Array(), stderr: answer.stderr ?? new Uint8Array(), exitCode: answer.exitCode ?? 0 };
    },
    async exec(containerId, command, streams, options) {
      return urlOf('Exec', await call('Exec', runtimeMethod('exec'), { containerId, cmd: [...command], ...streams }, options));
    },
    async attach(containerId, streams, options) {
      return urlOf('Attach', await call('Attach', runtimeMethod('attach'), { containerId, ...streams }, options));
    },
    async portForward(podSandboxId, options) {
      return urlOf('PortForward', await call('PortForward', runtimeMethod('portForward'), { podSandboxId, port: [] }, options));
    },
    async reopenContainerLog(containerId, options) {
      await call('ReopenContainerLog', runtimeMethod('reopenContainerLog'), { containerId }, options);
    },

    async imageStatus(image, options) {
      return (await call('ImageStatus', imageMethod('imageStatus'), { image: { image } }, options)).image;
    },
    async pullImage(image, options) {
      const request = { image: { image }, auth: options?.auth, sandboxConfig: options?.sandboxConfig };
      return idOf('PullImage', (await call('PullImage', imageMethod('pullImage'), request, options, pullTimeoutMs)).imageRef);
    },
    async listImages(options) {
      return (await call('ListImages', imageMethod('listImages'), {}, options)).images ?? [];
    },
    removeImage: (image, options) => ignoreMissing(call('RemoveImage', imageMethod('removeImage'), { image: { image } }, options, sandboxTimeoutMs)),

    events: (signal) => followEvents({ runtime, containerd, clock, logger, signal }),
    close() {
      for (const client of [runtime, images, containerd]) client.close();
    },
  };
}

/** Narrows a generated client's overloads to the one with all arguments. */
function bindMethods<C extends object>(client: C) {
  return <N extends keyof C>(name: N) => (client[name] as (...args: unknown[]) => unknown).bind(client) as C[N] extends {
    (request: infer Q, callback: (error: ServiceError | null, response: infer R) => void): ClientUnaryCall;
    (request: never, metadata: Metadata, callback: never): ClientUnaryCall;
    (request: never, metadata: Metadata, options: Partial<CallOptions>, callback: never): ClientUnaryCall;
  } ? UnaryMethod<Q, R> : never;
}

function unary<Q, R>(clock: Clock, name: string, method: UnaryMethod<Q, R>, request: Q, options: RuntimeCallOptions, timeoutMs: number): Promise<R> {
  return new Promise<R>((resolve, reject) => {
    const { signal } = options;
    if (signal?.aborted) {
      reject(new ApiError('Canceled', `${name}: canceled before it was sent`, {}, { cause: signal.reason }));
      return;
    }
    const onAbort = (): void => started.cancel();
    const started = method(request, new Metadata(), { deadline: clock.now() + timeoutMs }, (error, response) => {
      signal?.removeEventListener('abort', onAbort);
      if (error) reject(translateCriError(name, error));
      else resolve(response);
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

async function ignoreMissing(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function present<T>(call: string, value: T | undefined): T {
  if (value === undefined) throw new ApiError('Internal', `${call}: the runtime answered nothing`);
  return value;
}

const idOf = (call: string, id: string | undefined): string => present(call, id);

const urlOf = (call: string, { url }: { readonly url?: string | undefined }): string => present(call, url);

function sandboxFilter(filter: SandboxFilter = {}) {
  return { id: filter.id, state: filter.state === undefined ? undefined : { state: filter.state }, labelSelector: { ...filter.labels } };
}

function containerFilter(filter: ContainerFilter = {}) {
  return {
    id: filter.id, podSandboxId: filter.sandboxId,
    state: filter.state === undefined ? undefined : { state: filter.state }, labelSelector: { ...filter.labels },
  };
}
