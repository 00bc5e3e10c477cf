import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { identify, isRunning, type ProcessIdentity } from '../host/proc';
import type { Places } from './places';

/** One `up` or `down` of a cluster at a time. A lock whose owner has ended is nobody's. Throws where somebody has it. */
export async function withLock<T>(places: Places, work: () => Promise<T>): Promise<T> {
  const file = join(places.home, `.${places.cluster}.lock`);
  mkdirSync(places.home, { recursive: true });
  take(file, places.cluster);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(file: string, cluster: string): void {
  if (existsSync(file)) {
    const owner = ownerOf(file);
    if (owner && isRunning(owner)) throw new Error(`another navarch (process ${owner.pid}) is working on cluster "${cluster}"; wait until it has ended`);
    rmSync(file, { force: true });
  }
  try {
    writeFileSync(file, JSON.stringify(identify(process.pid)), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new Error(`another navarch has just begun to work on cluster "${cluster}"`, { cause: error });
  }
}

function ownerOf(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined; // Killed between making and filling it.
  }
}
