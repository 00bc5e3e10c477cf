import { ApiError } from '@navarch/base';
import {
  DiscardPolicy, JetStreamApiCodes, JetStreamApiError, RetentionPolicy, StorageType, type JetStreamManager, type StreamConfig, type StreamInfo,
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
  /** What it is opened for; 'serve' unless told. To 'read' takes it as it is, whatever its copies; to 'restore' needs one that beginRestore made. */
  readonly purpose?: 'serve' | 'read' | 'restore';
}

/** Makes the stream where there is none to serve from; throws NotFound where there is none to read or restore, Invalid, naming the settings, where there is one that could lose or change messages. */
export async function ensureStream(manager: JetStreamManager, shape: StreamShape): Promise<void> {
  const { stream, purpose = 'serve' } = shape;
  const wanted = configOf(shape);
  const present = (await readInfo(manager, stream))?.config;
  if (!present && purpose !== 'serve') throw new ApiError('NotFound', `there is no stream ${stream} on this NATS server`);
  const found = present ?? await create(manager, wanted);
  const marked = found.subjects?.includes(restoreMark(stream)) ?? false;
  if (marked && purpose !== 'restore') throw new ApiError('Invalid', `the stream ${stream} is being restored, or a restore was cut off: let \`navarch restore --replace\` come to its end`);
  const wrong = Object.entries(fixed).filter(([name, value]) => (found[name as keyof StreamConfig] ?? defaultOf(value)) !== value).map(([name, value]) => `${name} must be ${value}`);
  if (found.subjects?.filter((subject) => subject !== restoreMark(stream)).join() !== wanted.subjects.join()) wrong.push(`subjects must be ${wanted.subjects.join()}`);
  if (found.duplicate_window < wanted.duplicate_window) wrong.push(`duplicate_window must be at least ${shape.duplicateWindowMs} ms`);
  if (found.num_replicas !== shape.replicas && purpose !== 'read') wrong.push(`num_replicas is ${found.num_replicas}, and ${shape.replicas} was asked for`);
  if (wrong.length > 0) throw new ApiError('Invalid', `the stream ${stream} cannot hold the log: ${wrong.join('; ')}. Change it with \`nats stream edit\``);
}

export function configOf(shape: StreamShape): typeof fixed & Pick<StreamConfig, 'name' | 'subjects' | 'num_replicas' | 'duplicate_window'> {
  return { ...fixed, name: shape.stream, subjects: [`${shape.subjectPrefix}.>`], num_replicas: shape.replicas, duplicate_window: shape.duplicateWindowMs * nanosPerMs };
}

/** A subject that a stream has only while a restore is under way; nobody writes to it. */
export const restoreMark = (stream: string): string => `navarch-restore.${stream}`;

function defaultOf(value: unknown): unknown {
  return typeof value === 'boolean' ? false : value;
}

export async function readInfo(manager: JetStreamManager, stream: string): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(stream);
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
    const found = await readInfo(manager, config.name);
    if (found) return found.config;
    throw error;
  }
}
