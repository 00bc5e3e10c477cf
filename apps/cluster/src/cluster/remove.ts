/**
 * Removes a cluster, whatever state it is in: everything is found by the cluster's id (in environments, namespaces, control
 * groups, paths and names), not by what was written down, so a crash at any point leaves nothing that is not found here.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { sleep, systemClock } from '@navarch/base';

import { removeKubeconfig } from '../control-plane/kubeconfig';
import { run } from '../host/exec';
import { cgroupMounts, mountsBelow } from '../host/mounts';
import { commandLine, findProcesses, isRunning, signalProcess, type ProcessIdentity } from '../host/proc';
import { namespacesOf } from '../network/fabric';
import { removeUplink } from '../network/uplink';
import type { SupervisorStatus } from '../supervisor/specs';
import { restoreMachine, shimSocketDirectory } from './host-changes';
import { markVariable, type Places } from './places';
import { readJson } from './state';

const supervisorGraceMs = 8_000;
const killWaitMs = 10_000;
const pollMs = 20;

/** Answers whether there was anything to remove. `keep` leaves the cluster's directory: objects, keys, images and logs. */
export async function removeCluster(places: Places, options: { readonly keep?: boolean } = {}): Promise<boolean> {
  const existed = existsSync(places.directory) || existsSync(places.runDirectory) || namespacesOf(places).length > 0;
  await stopSupervisor(places);
  await endProcesses(places);
  removeShimSockets(places);
  await unmountAll(places);
  await removeUplink(places);
  for (const namespace of namespacesOf(places)) await run(['ip', 'netns', 'delete', namespace]);
  await removeCgroups(places);
  rmSync(places.runDirectory, { recursive: true, force: true });
  if (options.keep) rmSync(places.supervisorFile, { force: true });
  else {
    removeKubeconfig(places);
    rmSync(places.directory, { recursive: true, force: true });
  }
  await restoreMachine();
  return existed;
}

/** Lets the processes end in good order. */
async function stopSupervisor(places: Places): Promise<void> {
  const supervisor = supervisorOf(places);
  if (!supervisor) return;
  signalProcess(supervisor, 'SIGTERM');
  await until(() => !isRunning(supervisor), supervisorGraceMs);
}

/** The supervisor, if it runs; a damaged note is as good as none. */
export function supervisorOf(places: Places): SupervisorStatus | undefined {
  try {
    const status = readJson<SupervisorStatus>(places.supervisorFile);
    return status && isRunning(status) ? status : undefined;
  } catch {
    return undefined;
  }
}

async function endProcesses(places: Places): Promise<void> {
  let left: ProcessIdentity[] = [];
  const gone = await until(() => {
    left = processesOf(places);
    for (const identity of left) signalProcess(identity, 'SIGKILL');
    return left.length === 0;
  }, killWaitMs);
  if (!gone) throw new Error(`these processes do not end:\n${left.map(({ pid }) => `  ${pid} ${commandLine(pid)}`).join('\n')}`);
}

/** All processes of a cluster: its own by their environment, those in its nodes by namespace, containers by control group. */
export function processesOf(places: Places): ProcessIdentity[] {
  const mark = `${markVariable}=${places.id}`;
  const namespaces = new Set(namespacesOf(places).map((name) => `net:[${statSync(join('/run/netns', name)).ino}]`));
  namespaces.delete(readlinkSync('/proc/self/ns/net')); // A namespace file that nothing is mounted on is no namespace.
  return findProcesses(({ environment, networkNamespace, cgroups }) =>
    environment.includes(mark) || namespaces.has(networkNamespace) || cgroups.includes(`/${places.cgroup}`));
}

/** containerd's shims listen below /run/containerd/s, whatever their containerd's directories are; each bundle says where. */
function removeShimSockets(places: Places): void {
  if (!existsSync(places.runDirectory)) return;
  for (const state of readdirSync(places.runDirectory).filter((entry) => entry.endsWith('.state'))) {
    const tasks = join(places.runDirectory, state, 'io.containerd.runtime.v2.task', 'k8s.io');
    if (!existsSync(tasks)) continue;
    for (const task of readdirSync(tasks)) {
      const file = join(tasks, task, 'address');
      const address = existsSync(file) ? readFileSync(file, 'utf8').replace(/^unix:\/\//, '') : '';
      if (address.startsWith(`${shimSocketDirectory}/`)) rmSync(address, { force: true });
    }
  }
}

async function unmountAll(places: Places): Promise<void> {
  const mine = (): string[] => [places.directory, places.runDirectory].flatMap((directory) => mountsBelow(directory));
  for (const options of [[], ['--lazy']]) {
    // Several mounts may lie on one point, and unmounting one may take others along.
    for (let left = mine(), before = Infinity; left.length > 0 && left.length < before; left = mine()) {
      before = left.length;
      await run(['umount', ...options, ...new Set(left)]).catch(() => undefined); // What is left is looked at next.
    }
  }
  const left = mine();
  if (left.length > 0) throw new Error(`cannot unmount ${left.join(', ')}`);
}

async function removeCgroups(places: Places): Promise<void> {
  const roots = cgroupMounts().map((mount) => join(mount, places.cgroup)).filter((path) => existsSync(path));
  const removed = await until(() => roots.map(removeCgroup).every(Boolean), killWaitMs);
  if (!removed) throw new Error(`cannot remove the control groups ${roots.filter((path) => existsSync(path)).join(', ')}`);
}

/** From the leaves up; false where the kernel has not let go of one yet. */
function removeCgroup(path: string): boolean {
  if (!existsSync(path)) return true;
  const children = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  if (!children.map(({ name }) => removeCgroup(join(path, name))).every(Boolean)) return false;
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if (['EBUSY', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

async function until(condition: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = systemClock.monotonic() + timeoutMs;
  while (!condition()) {
    if (systemClock.monotonic() >= deadline) return false;
    await sleep(systemClock, pollMs);
  }
  return true;
}
