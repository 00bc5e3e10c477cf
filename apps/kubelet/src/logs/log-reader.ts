import { ApiError, isNotFound, type Clock } from '@navarch/base';
import type { Pod, PodLogOptions } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { HostFiles } from '../host/host';
import { identityOf, podPaths, type KubeletPaths, type PodIdentity } from '../pod/identity';
import { logTimeMs, parseLogLine } from './cri-log';

export interface LogRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly podUid?: string;
  readonly options: PodLogOptions;
}

export interface LogReader {
  /** A container's output as kubectl prints it; with `follow` until the container ends. Throws NotFound and BadRequest in Kubernetes' words. */
  read(request: LogRequest, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** The part of a pod's worker that logs need. */
export interface LoggedPod {
  readonly identity: PodIdentity;
  readonly current: Pod;
  containerFor(name: string, previous: boolean): { readonly attempt: number; readonly running: boolean } | undefined;
}

export interface LogReaderOptions {
  readonly workers: { byName(namespace: string, name: string, uid?: string): LoggedPod | undefined };
  readonly files: HostFiles;
  readonly clock: Clock;
  readonly paths: KubeletPaths;
}

const chunkBytes = 64 * 1024;
/** Files tell of changes by themselves; this is for what they miss, and for seeing that the container has ended. */
const followEveryMs = 500;

export function createLogReader(context: LogReaderOptions): LogReader {
  return {
    async *read(request, signal) {
      const pod = context.workers.byName(request.namespace, request.pod, request.podUid);
      if (!pod) throw new ApiError('NotFound', `pod "${request.namespace}/${request.pod}" not found`);
      const name = containerName(pod.current, request.options.container);
      const { options } = request;
      const found = pod.containerFor(name, options.previous ?? false);
      if (!found) throw nothingToRead(pod.current, name, options.previous ?? false);
      const paths = podPaths(context.paths, identityOf(pod.current));
      const path = `${paths.logs}/${paths.log(name, found.attempt)}`;
      const isRunning = (): boolean => {
        const now = context.workers.byName(request.namespace, request.pod, pod.identity.uid)?.containerFor(name, false);
        return now?.attempt === found.attempt && now.running;
      };
      const shape = new LogShape(options, context.clock.now());
      for await (const line of logLines(context, path, options.tailLines, options.follow ? isRunning : undefined, signal)) {
        const bytes = shape.format(line);
        if (bytes.length > 0) yield bytes;
        if (shape.isFull) return;
      }
    },
  };
}

function containerName(pod: Pod, wanted: string | undefined): string {
  const all = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].map((container) => container.name ?? '');
  const podName = pod.metadata?.name ?? '';
  if (wanted) {
    if (all.includes(wanted)) return wanted;
    throw new ApiError('BadRequest', `container ${wanted} is not valid for pod ${podName}`);
  }
  const mains = pod.spec?.containers ?? [];
  if (mains.length === 1) return mains[0]?.name ?? '';
  throw new ApiError('BadRequest', `a container name must be specified for pod ${podName}, choose one of: [${mains.map((container) => container.name).join(' ')}]`);
}

function nothingToRead(pod: Pod, name: string, previous: boolean): ApiError {
  const podName = pod.metadata?.name ?? '';
  if (previous) return new ApiError('BadRequest', `previous terminated container "${name}" in pod "${podName}" not found`);
  const status = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].find((entry) => entry.name === name);
  return new ApiError('BadRequest', `container "${name}" in pod "${podName}" is waiting to start: ${status?.state?.waiting?.reason ?? 'ContainerCreating'}`);
}

/** Applies since, timestamps, stream and limitBytes to raw lines. */
export class LogShape {
  isFull = false;
  private readonly sinceMs: number;
  private left: number;
  private midLine = false;

  constructor(private readonly options: PodLogOptions, nowMs: number) {
    const { sinceTime, sinceSeconds, limitBytes } = options;
    this.sinceMs = sinceTime?.seconds !== undefined ? sinceTime.seconds * 1000 : sinceSeconds !== undefined ? nowMs - sinceSeconds * 1000 : -Infinity;
    this.left = limitBytes ?? Infinity;
  }

  format(raw: string): Buffer {
    const line = parseLogLine(raw);
    const nothing = Buffer.alloc(0);
    if (!line) return nothing;
    const { stream } = this.options;
    if (stream && stream !== 'All' && stream.toLowerCase() !== line.stream) return nothing;
    if (logTimeMs(line.time) < this.sinceMs) return nothing;
    const text = this.options.timestamps && !this.midLine ? `${line.time} ${line.text}` : line.text;
    this.midLine = !line.full;
    const bytes = Buffer.from(text);
    const kept = bytes.subarray(0, Math.min(bytes.length, this.left));
    this.left -= kept.length;
    this.isFull = this.left <= 0;
    return kept;
  }
}

/** Raw lines of the file at `path`, from the last `tail` on; goes over to the file that takes its place when it is rotated. */
async function* logLines(
  { files, clock }: LogReaderOptions, path: string, tail: number | undefined, isRunning: (() => boolean) | undefined, signal: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  let offset = tail === undefined ? 0 : await tailOffset(files, path, tail);
  let rest = Buffer.alloc(0);
  let identity = (await files.stat(path))?.identity;
  const changes = isRunning ? new Changes(files, clock, path, signal) : undefined;
  try {
    while (!signal.aborted) {
      const ended = isRunning ? !isRunning() : true;
      const chunk = await readSome(files, path, offset);
      offset += chunk.length;
      rest = Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        yield rest.subarray(0, end).toString('utf8');
        rest = rest.subarray(end + 1);
      }
      if (chunk.length > 0) continue;
      const now = await files.stat(path);
      if (now && (now.identity !== identity || now.size < offset)) {
        identity = now.identity;
        offset = 0;
        rest = Buffer.alloc(0);
        continue;
      }
      if (ended || !changes) return;
      await changes.next();
    }
  } finally {
    changes?.close();
  }
}

async function readSome(files: HostFiles, path: string, offset: number): Promise<Buffer> {
  try {
    return await files.readAt(path, offset, chunkBytes);
  } catch (error) {
    // Between being renamed and being reopened there is none.
    if (isNotFound(error)) return Buffer.alloc(0);
    throw error;
  }
}

/** Where the last `lines` lines begin. */
export async function tailOffset(files: HostFiles, path: string, lines: number): Promise<number> {
  const size = (await files.stat(path))?.size ?? 0;
  if (lines <= 0) return size;
  let found = 0;
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - chunkBytes);
    const chunk = await files.readAt(path, start, end - start);
    for (let index = chunk.length - 1; index >= 0; index -= 1) {
      // The newline that ends the file ends its last line; it begins none.
      if (chunk[index] !== 10 || start + index === size - 1) continue;
      found += 1;
      if (found === lines) return start + index + 1;
    }
    end = start;
  }
  return 0;
}

class Changes {
  private changed = false;
  private wake: (() => void) | undefined;
  private readonly stopWatching: () => void;
  private readonly onAbort = (): void => this.tell();

  constructor(files: HostFiles, private readonly clock: Clock, path: string, private readonly signal: AbortSignal) {
    this.stopWatching = files.watch(path.slice(0, path.lastIndexOf('/')), () => this.tell());
    signal.addEventListener('abort', this.onAbort, { once: true });
  }

  async next(): Promise<void> {
    if (!this.changed && !this.signal.aborted) {
      await new Promise<void>((resolve) => {
        const cancel = this.clock.setTimer(followEveryMs, () => resolve());
        this.wake = () => {
          cancel();
          resolve();
        };
      });
    }
    this.changed = false;
    this.wake = undefined;
  }

  close(): void {
    this.stopWatching();
    this.signal.removeEventListener('abort', this.onAbort);
  }

  private tell(): void {
    this.changed = true;
    this.wake?.();
  }
}
