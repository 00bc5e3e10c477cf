import { seededRandom, VirtualClock, type LogFields, type Logger, type Random } from '@navarch/base';

import { createMemoryApi, type MemoryApi } from './memory-api';

/** A fake API under a virtual clock, and what was logged. */
export interface ClientHarness {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly logger: Logger;
  readonly logs: readonly string[];
  readonly api: MemoryApi;
  /** Lets everything that is under way run out, without time passing. */
  settle(): Promise<void>;
}

export function clientHarness(seed = 1): ClientHarness {
  const clock = new VirtualClock(1_700_000_000_000, () => new Promise((resolve) => setImmediate(resolve)));
  const random = seededRandom(seed);
  const logs: string[] = [];
  return { clock, random, logs, logger: recordingLogger(logs), api: createMemoryApi({ clock, random }), settle: () => clock.advance(0) };
}

function recordingLogger(logs: string[]): Logger {
  const record = (level: string) => (message: string, fields?: LogFields) => {
    logs.push(`${level}: ${message}${fields?.['error'] instanceof Error ? `: ${fields['error'].message}` : ''}`);
  };
  const logger: Logger = { debug: record('debug'), info: record('info'), warn: record('warn'), error: record('error'), child: () => logger };
  return logger;
}
