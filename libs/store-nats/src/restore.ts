import { ApiError } from '@navarch/base';
import { jetstreamManager, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';

import { toApiError } from './nats-errors';
import { configOf, readInfo, restoreMark, type StreamShape } from './stream-config';

export interface RestoreTarget extends StreamShape {
  readonly connection: NatsConnection;
}

/**
 * Prepares the stream for a restore: an empty one whose first message will have a sequence above `above` and above whatever a stream of this
 * name holds now, so that no version is given out twice. Until `finishRestore` it bears a mark that keeps every apiserver from serving
 * what is half there. Throws Conflict where the stream is followed by somebody, or where it holds something and `replace` is not said.
 * Answers the sequence that comes next.
 */
export async function beginRestore(target: RestoreTarget, options: { readonly above: number; readonly replace: boolean }): Promise<number> {
  const { connection, stream } = target;
  try {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const old = await readInfo(manager, stream);
    if (old) checkFree(old, options.replace);
    const next = Math.max(options.above, old?.state.last_seq ?? 0) + 1;
    if (old) await manager.streams.delete(stream);
    await manager.streams.add({ ...configOf(target), subjects: [...configOf(target).subjects, restoreMark(stream)] });
    await advance(manager, stream, next);
    return next;
  } catch (error) {
    throw toApiError(error, `preparing the stream ${stream} for a restore`);
  }
}

/** Takes the mark away: from here on the log serves. */
export async function finishRestore(target: RestoreTarget): Promise<void> {
  try {
    const manager = await jetstreamManager(target.connection, { checkAPI: false });
    await manager.streams.update(target.stream, { subjects: [...configOf(target).subjects] });
  } catch (error) {
    throw toApiError(error, `opening the restored stream ${target.stream}`);
  }
}

function checkFree({ config, state }: StreamInfo, replace: boolean): void {
  if (state.consumer_count > 0) {
    throw new ApiError('Conflict', `${state.consumer_count} readers follow the stream ${config.name}: stop every apiserver first, and wait ten seconds`);
  }
  if (state.messages > 0 && !replace) {
    throw new ApiError('Conflict', `the stream ${config.name} holds ${state.messages} messages, up to version ${state.last_seq}: say --replace to put the backup in their place`);
  }
}

/** A purge of an empty stream sets its next sequence; that it did is looked at, for nothing else keeps versions apart. */
async function advance(manager: JetStreamManager, stream: string, next: number): Promise<void> {
  await manager.streams.purge(stream, { seq: next });
  const { state } = await manager.streams.info(stream);
  if (state.last_seq !== next - 1) throw new ApiError('Internal', `the stream ${stream} stands at ${state.last_seq}, not at ${next - 1}: this nats-server does not advance an empty stream`);
}
