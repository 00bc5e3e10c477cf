import { existsSync, rmSync } from 'node:fs';

import { ensureRights } from '../requirements/install';
import { withLock } from './lock';
import type { Places } from './places';
import type { Progress } from './progress';
import { removeCluster } from './remove';
import { readState, writeState, type ClusterState } from './state';

/** Answers false where there was nothing to remove. `keep` leaves objects, keys, images and logs for the next `up`. */
export function down(places: Places, options: { readonly keep: boolean; readonly progress: Progress }): Promise<boolean> {
  ensureRights();
  return withLock(places, async () => {
    const state = readable(places);
    const keep = options.keep && state !== undefined && state.phase !== 'starting';
    const existed = await options.progress.step(`Removing cluster "${places.cluster}"`, () => removeCluster(places, { keep }));
    if (keep) writeState(places, { ...state, phase: 'stopped' });
    if (existsSync(places.failedLogs)) rmSync(places.failedLogs, { recursive: true });
    return existed;
  });
}

function readable(places: Places): ClusterState | undefined {
  try {
    return readState(places);
  } catch {
    return undefined; // Damaged: all the more reason to remove it.
  }
}
