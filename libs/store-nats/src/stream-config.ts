import { ApiError } from '@navarch/base';
import {
  DiscardPolicy, JetStreamApiCodes, JetStreamApiError, RetentionPolicy, StorageType, type JetStreamManager, type StreamConfig,
} from '@nats-io/jetstream';

/** No limit may ever remove a message: only purge does (see docs/design/002-object-log.md). */
const fixed = {
  retention: RetentionPolicy.Limits, storage: StorageType.File, discard: DiscardPolicy.New, max_msgs: -1, max_bytes: -1, max_age: 0,
  max_msgs_per_subject: -1, no_ack: false, allow_rollup_hdrs: false, deny_delete: true, sealed: false,
} satisfies Partial<StreamConfig>;

const nanosPerMs = 1_000_000;

export interface StreamShape {
  readonly stream: string;
  readonly subjectPrefix: string;
  /** 1, 3 or 5 copies. */
  readonly replicas: number;
  /** How long the stream knows message ids, milliseconds; longer than any call. */
  readonly duplicateWindowMs: number;
}

/** Makes the stream where there is none; throws Invalid, naming the settings, where there is one that could lose or change messages. */
export async function ensureStream(manager: JetStreamManager, shape: StreamShape): Promise<void> {
  const wanted = { ...fixed, name: shape.stream, subjects: [`${shape.subjectPrefix}.>`], num_replicas: shape.replicas, duplicate_window: shape.duplicateWindowMs * nanosPerMs };
  const found = await readConfig(manager, shape.stream) ?? await create(manager, wanted);
  const wrong = Object.entries(fixed).filter(([name, value]) => (found[name as keyof StreamConfig] ?? defaultOf(value)) !== value).map(([name, value]) => `${name} must be ${value}`);
  if (found.subjects?.join() !== wanted.subjects.join()) wrong.push(`subjects must be ${wanted.subjects.join()}`);
  if (found.duplicate_window < wanted.duplicate_window) wrong.push(`duplicate_window must be at least ${shape.duplicateWindowMs} ms`);
  if (found.num_replicas !== shape.replicas) wrong.push(`num_replicas is ${found.num_replicas}, and ${shape.replicas} was asked for`);
  if (wrong.length > 0) throw new ApiError('Invalid', `the stream ${shape.stream} cannot hold the log: ${wrong.join('; ')}. Change it with \`nats stream edit\``);
}

function defaultOf(value: unknown): unknown {
  return typeof value === 'boolean' ? false : value;
}

async function readConfig(manager: JetStreamManager, stream: string): Promise<StreamConfig | undefined> {
  try {
    return (await manager.streams.info(stream)).config;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
    throw error;
  }
}

async function create(manager: JetStreamManager, config: Partial<StreamConfig> & { name: string }): Promise<StreamConfig> {
  try {
    return (await manager.streams.add(config)).config;
  } catch (error) {
    // Another replica may have made it meanwhile.
    const found = await readConfig(manager, config.name);
    if (found) return found;
    throw error;
  }
}
