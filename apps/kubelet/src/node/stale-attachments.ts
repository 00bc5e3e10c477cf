import { sleep, toError, type Clock, type Logger } from '@navarch/base';
import type { ContainerRuntime } from '@navarch/cri';

import type { HostFiles } from '../host/host';

export interface StaleAttachmentsOptions {
  readonly files: HostFiles;
  readonly runtime: Pick<ContainerRuntime, 'listPodSandboxes'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where host-local keeps a file for each address it gave: first line the sandbox's id, second the interface. */
  readonly directory: string;
  /** A sandbox is known to the runtime well within this time after its address was given, milliseconds. */
  readonly periodMs?: number;
}

/**
 * Gives addresses back that a crash left reserved: their sandbox was lost by the runtime before it could tell the plugin, and a node's range would run
 * dry. What the runtime does not know at two looks in a row is nobody's; between them a sandbox that is being made becomes known. Its interfaces
 * went with its network namespace. Runs until the signal aborts.
 */
export async function releaseStaleAttachments({ files, runtime, clock, logger, directory, periodMs = 300_000 }: StaleAttachmentsOptions, signal: AbortSignal): Promise<void> {
  let suspects = new Map<string, string>();
  while (!signal.aborted) {
    try {
      // First the files: a sandbox that is made meanwhile has none of those.
      const reservations = await readReservations(files, directory);
      const known = new Set((await runtime.listPodSandboxes()).map(({ id }) => id));
      const unknown = new Map([...reservations].filter(([, sandbox]) => !known.has(sandbox)));
      for (const [address, sandbox] of unknown) {
        if (suspects.get(address) !== sandbox) continue;
        await files.remove(`${directory}/${address}`);
        unknown.delete(address);
        logger.warn('an address of a sandbox that is gone is free again', { address, sandbox });
      }
      suspects = unknown;
    } catch (error) {
      logger.warn('stale addresses could not be looked for', { error: toError(error).message });
    }
    await sleep(clock, periodMs, signal).catch(() => undefined);
  }
}

/** Address → sandbox. Other files (host-local's lock, the last address it gave) are none. */
async function readReservations(files: HostFiles, directory: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of await files.list(directory)) {
    if (!/^[0-9a-f.:]+$/i.test(name)) continue;
    const [sandbox] = (await files.read(`${directory}/${name}`)).toString('utf8').split(/\r?\n/);
    if (sandbox) found.set(name, sandbox.trim());
  }
  return found;
}
