/**
 * What clusters change about the machine itself and share with each other: noted before the first change, put back when
 * the last cluster goes.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { readJson, writeJson } from './state';
import { runRoot } from './places';
import { run } from '../host/exec';
import { mounts } from '../host/mounts';

interface MachineBefore {
  readonly netnsMounted: boolean;
  readonly netnsDirectory: boolean;
  readonly shimSockets: boolean;
  readonly containerdDirectory: boolean;
  readonly ipForward: string;
}

const noteFile = join(runRoot, 'machine-before.json');
const ipForwardFile = '/proc/sys/net/ipv4/ip_forward';

/** Where containerd 1.x puts its shims' sockets, whatever state directory it was given. */
export const shimSocketDirectory = '/run/containerd/s';

const netnsMounted = (): boolean => mounts().some(({ path }) => path === '/run/netns');

/** Call before a cluster changes anything. */
export function noteMachine(): void {
  mkdirSync(runRoot, { recursive: true, mode: 0o755 });
  if (existsSync(noteFile)) return;
  const before: MachineBefore = {
    netnsMounted: netnsMounted(),
    netnsDirectory: existsSync('/run/netns'),
    shimSockets: existsSync(shimSocketDirectory),
    containerdDirectory: existsSync('/run/containerd'),
    ipForward: readFileSync(ipForwardFile, 'utf8').trim(),
  };
  writeJson(noteFile, before);
}

/** Only --uplink nat needs it. */
export function allowForwarding(): void {
  writeFileSync(ipForwardFile, '1\n');
}

/** Puts the machine back as it was, if no cluster is left on it. */
export async function restoreMachine(): Promise<void> {
  const before = readJson<MachineBefore>(noteFile);
  if (!before || readdirSync(runRoot).some((entry) => /^[0-9a-f]{8}$/.test(entry))) return;
  if (readFileSync(ipForwardFile, 'utf8').trim() !== before.ipForward) writeFileSync(ipForwardFile, `${before.ipForward}\n`);
  if (!before.netnsMounted && netnsMounted() && readdirSync('/run/netns').length === 0) await run(['umount', '/run/netns']);
  if (!before.netnsDirectory && !netnsMounted()) removeIfEmpty('/run/netns');
  if (!before.shimSockets) removeIfEmpty(shimSocketDirectory);
  if (!before.containerdDirectory) removeIfEmpty('/run/containerd');
  rmSync(noteFile, { force: true });
  removeIfEmpty(runRoot);
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EBUSY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
