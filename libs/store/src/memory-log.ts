import { seededRandom, type Clock, type Logger, type Random } from '@navarch/base';

import type { LogLimits } from './context';
import { withFaults, type FaultyStream, type Faults } from './faults';
import { createObjectLog } from './log';
import { MemoryStream } from './memory-stream';
import type { ObjectLog } from './object-log';

export interface MemoryLogOptions extends Partial<LogLimits> {
  readonly clock: Clock;
  /** Drives faults, back-off and ids; a fixed seed unless told. */
  readonly random?: Random;
  readonly faults?: Faults;
  /** Another replica's stream, to share its log; a new one unless told. */
  readonly stream?: MemoryStream;
  readonly subjectPrefix?: string;
  readonly logger?: Logger;
}

/** A log in memory: the same rules over a stream that can be told to fail. */
export interface MemoryLog extends ObjectLog {
  /** Hand it to another `createMemoryLog` for a second replica, or for the same one after a crash. */
  readonly stream: MemoryStream;
  /** The faults between this instance and the stream. */
  readonly line: FaultyStream;
  /** The process that holds this instance is gone: what was under way may have landed, nobody hears of it. */
  crash(): Promise<void>;
}

export function createMemoryLog(options: MemoryLogOptions): MemoryLog {
  const { clock, random = seededRandom(1), faults = {} } = options;
  const stream = options.stream ?? new MemoryStream(clock);
  const line = withFaults(stream, { clock, random, faults });
  const log = createObjectLog({ ...options, random, stream: line });
  return {
    ...log, stream, line,
    crash: () => {
      line.crash();
      return log.close();
    },
  };
}
