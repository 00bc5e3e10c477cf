import { Metadata, type ClientReadableStream } from '@grpc/grpc-js';
import { backoffDelayMs, BoundedQueue, sleep, toError, type Clock, type Logger } from '@navarch/base';
import { TaskDelete, TaskExit, TaskOOM, TaskStart } from '@navarch/proto/containerd/events/task';
import type { Envelope, EventsClient } from '@navarch/proto/containerd/services/events/v1/events';
import { ContainerEventType, type ContainerEventResponse, type RuntimeServiceClient, type VersionResponse } from '@navarch/proto/runtime/v1/cri';

import type { RuntimeEvent } from './container-runtime';
import { isUnimplemented } from './cri-error';

interface FollowOptions {
  readonly runtime: RuntimeServiceClient;
  readonly containerd: EventsClient;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

type Source = 'cri' | 'containerd' | 'none';

const backoff = { initialMs: 50, maxMs: 2_000 };

/**
 * The runtime's events, whatever breaks: CRI's GetContainerEvents where it is implemented (containerd 1.7 and later),
 * else containerd's own event service, which reports an exit within 5 ms; each (re)connection is told by a `resync`.
 */
export async function* followEvents(options: FollowOptions): AsyncGenerator<RuntimeEvent, void, undefined> {
  const { clock, logger, signal } = options;
  let source: Source | undefined;
  let failures = 0;
  while (!signal.aborted) {
    try {
      source ??= await firstSource(options.runtime);
      for await (const event of source === 'cri' ? criEvents(options) : containerdEvents(options)) {
        failures = 0;
        yield event;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isUnimplemented(error)) {
        source = source === 'cri' ? 'containerd' : 'none';
        logger.info('runtime events: trying another source', { source });
        if (source === 'none') return;
        continue;
      }
      logger.debug('runtime events: stream broke', { source, error: toError(error).message });
    }
    failures += 1;
    try {
      await sleep(clock, backoffDelayMs(failures, backoff), signal);
    } catch {
      return;
    }
  }
}

/**
 * What to try first. containerd before 1.7 answers GetContainerEvents with Unimplemented, but maybe after the call that tells that
 * a subscription stands: asked for by its version it is not asked for what it has not.
 */
async function firstSource(runtime: RuntimeServiceClient): Promise<Source> {
  const { runtimeName, runtimeVersion } = await new Promise<VersionResponse>((resolve, reject) => {
    runtime.version({}, new Metadata({ waitForReady: true }), (error, version) => (error ? reject(error) : resolve(version)));
  });
  return hasContainerEvents(runtimeName, runtimeVersion) ? 'cri' : 'containerd';
}

/** Exported for its test. Runtimes of other names are asked. */
export function hasContainerEvents(name = '', version = ''): boolean {
  const [, major = '', minor = ''] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  return name !== 'containerd' || Number(major) > 1 || Number(minor) >= 7;
}

const criTypes: Readonly<Record<ContainerEventType, 'created' | 'started' | 'stopped' | 'deleted'>> = {
  [ContainerEventType.CONTAINER_CREATED_EVENT]: 'created',
  [ContainerEventType.CONTAINER_STARTED_EVENT]: 'started',
  [ContainerEventType.CONTAINER_STOPPED_EVENT]: 'stopped',
  [ContainerEventType.CONTAINER_DELETED_EVENT]: 'deleted',
};

function criEvents({ runtime, signal }: FollowOptions): AsyncIterable<RuntimeEvent> {
  const stream = runtime.getContainerEvents({}, new Metadata({ waitForReady: true }));
  return readStream(stream, runtime, signal, (event: ContainerEventResponse) =>
    ({ type: criTypes[event.containerEventType ?? 0], containerId: event.containerId ?? '' }));
}

function containerdEvents({ containerd, runtime, signal }: FollowOptions): AsyncIterable<RuntimeEvent> {
  const stream = containerd.subscribe({ filters: ['namespace==k8s.io,topic~="^/tasks/(start|exit|oom|delete)$"'] }, new Metadata({ waitForReady: true }));
  return readStream(stream, runtime, signal, taskEvent);
}

/** Exported for its test: an exec's end is no container's end. */
export function taskEvent({ topic, event }: Envelope): RuntimeEvent | undefined {
  const bytes = event?.value ?? new Uint8Array();
  switch (topic) {
    case '/tasks/start':
      return { type: 'started', containerId: TaskStart.decode(bytes).containerId ?? '' };
    case '/tasks/oom':
      return { type: 'oom', containerId: TaskOOM.decode(bytes).containerId ?? '' };
    case '/tasks/exit': {
      const { containerId = '', id } = TaskExit.decode(bytes);
      return id === containerId ? { type: 'stopped', containerId } : undefined;
    }
    case '/tasks/delete':
      return { type: 'stopped', containerId: TaskDelete.decode(bytes).containerId ?? '' };
    default:
      return undefined;
  }
}

/** A reader that cannot keep up loses its stream, and with the next one lists again. */
const maxWaitingEvents = 10_000;

async function* readStream<M>(
  stream: ClientReadableStream<M>, runtime: RuntimeServiceClient, signal: AbortSignal, map: (message: M) => RuntimeEvent | undefined,
): AsyncGenerator<RuntimeEvent, void, undefined> {
  const queue = new BoundedQueue<RuntimeEvent>(maxWaitingEvents);
  const onAbort = (): void => stream.cancel();
  stream.on('data', (message: M) => {
    const event = map(message);
    if (event && !queue.push(event)) stream.cancel();
  });
  stream.on('error', (error) => queue.fail(error));
  stream.on('end', () => queue.end());
  // Go servers send headers only with the first message, so nothing says that the subscription stands: a call behind it on the
  // same connection does.
  runtime.version({}, new Metadata({ waitForReady: true }), (error) => {
    if (!error) queue.push({ type: 'resync' });
  });
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) stream.cancel();
  try {
    yield* queue;
  } finally {
    signal.removeEventListener('abort', onAbort);
    stream.cancel();
  }
}
