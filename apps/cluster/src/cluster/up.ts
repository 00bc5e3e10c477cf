/** Starts a cluster, step by step; what fails on the way is said, and everything made until then is removed. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { sleep, systemClock, toError } from '@navarch/base';

import { writeKubeconfig } from '../control-plane/kubeconfig';
import { natsConfig, newSecret } from '../control-plane/nats';
import { completeKeys, makeKeys, makeServiceAccountKey } from '../control-plane/pki';
import { bootId } from '../host/proc';
import { bundledImages } from '../image/bundled';
import { loadImage } from '../image/nodes';
import { makeFabric, planNodes } from '../network/fabric';
import { makeUplink } from '../network/uplink';
import { chooseSnapshotter, prepareNode } from '../node/prepare';
import { ensureRequirements, ensureRights } from '../requirements/install';
import { cniPluginDirectory, searchPath } from '../requirements/requirements';
import { canConnect } from '../supervisor/host';
import { checkProcesses, describeFailure } from './failure';
import { allowForwarding, noteMachine } from './host-changes';
import { makeHollowKeys, maxHollowNodes } from './hollow';
import { withLock } from './lock';
import { markVariable, type Places } from './places';
import { freePort } from './ports';
import { clusterProcesses, natsEndpoint } from './processes';
import type { Progress } from './progress';
import { waitForNodes } from './ready';
import { removeCluster, supervisorOf } from './remove';
import { clusterPhase } from './running';
import { writeJson, writeState, type ClusterState, type Uplink } from './state';

export interface UpOptions {
  readonly places: Places;
  /** The repository with the built apps. */
  readonly root: string;
  readonly nodes: number;
  /** Nodes beside them whose containers exist in memory only. */
  readonly hollow?: number;
  readonly uplink: Uplink;
  readonly progress: Progress;
  /** How long each wait may take, milliseconds. */
  readonly timeoutMs: number;
  /** Gives up and removes what was made. */
  readonly signal: AbortSignal;
}

/** Ends when all nodes are Ready. Answers false where the cluster was running already. */
export function up(options: UpOptions): Promise<boolean> {
  ensureRights();
  return withLock(options.places, async () => {
    const { places, progress } = options;
    const { phase, state } = clusterPhase(places);
    if (phase === 'running') return false;
    if (phase === 'unsupervised' && state) {
      progress.note('The supervisor had ended; a new one takes over the running processes.');
      await startSupervisor(options);
      return true;
    }
    if (phase === 'broken') await progress.step('Removing what a start that was cut off left behind', () => removeCluster(places));
    await ensureRequirements({ install: true, progress, signal: options.signal });
    if (phase === 'stopped' && state) {
      progress.note('Starting again with the objects and images that were kept.');
      await removeCluster(places, { keep: true }); // What a restart of the machine left of it, such as sockets.
    }
    await startOrRemove(options, phase === 'stopped' ? state : undefined);
    return true;
  });
}

async function startOrRemove(options: UpOptions, kept: ClusterState | undefined): Promise<void> {
  const { places, progress } = options;
  try {
    await start(options, kept);
    rmSync(places.failedLogs, { recursive: true, force: true });
  } catch (thrown) {
    const error = options.signal.aborted ? new Error('interrupted; everything that was made is removed') : toError(thrown);
    const message = describeFailure(places, error);
    await progress.step('Removing what was made', () => removeCluster(places, { keep: kept !== undefined }));
    if (kept) writeState(places, { ...kept, phase: 'stopped' });
    throw new Error(message, { cause: thrown });
  }
}

async function start(options: UpOptions, kept: ClusterState | undefined): Promise<void> {
  const { places, progress, signal } = options;
  const state = await planState(options, kept);
  noteMachine();
  writeState(places, state);
  const images = bundledImages(places.home);
  const controlPlane = prepareControlPlane(places, state);
  for (const early of [images, controlPlane]) early.catch(() => undefined); // Awaited below; not unhandled when another step fails first.
  await progress.step(`Network of ${state.nodes.length} nodes${state.uplink === 'nat' ? ' with a way out' : ''}`, () => prepareNodes(places, state, signal));
  await progress.step('Keys and configuration', () => controlPlane);
  await startSupervisor(options);
  await progress.step('containerd on every node, with images', async (update) => {
    await waitReachable(options, state.nodes.map(({ name }) => places.node(name).containerdSocket), update);
    for (const file of await images) await loadImage(places, state, file);
  });
  await progress.step('Store and API server', (update) => waitReachable(options, [natsEndpoint(state), places.apiserverSocket], update));
  await progress.step('Nodes Ready', (update) => waitForNodes({ places, state, signal, timeoutMs: options.timeoutMs, update, check: () => checkProcesses(places) }));
  writeState(places, { ...state, phase: 'running' });
}

async function planState({ places, nodes, hollow = 0, uplink }: UpOptions, kept: ClusterState | undefined): Promise<ClusterState> {
  if (hollow > maxHollowNodes) throw new Error(`a cluster has at most ${maxHollowNodes} hollow nodes, not ${hollow}`);
  return {
    version: 1, name: places.cluster, id: places.id, bootId: bootId(), phase: 'starting', uplink,
    nodes: kept?.nodes ?? planNodes(nodes), hollow: kept?.hollow ?? hollow,
    ports: { nats: await freePort(kept?.ports.nats ?? 4222), apiserver: await freePort(kept?.ports.apiserver ?? 7443), rest: await freePort(kept?.ports.rest ?? 6443) },
    snapshotter: kept?.snapshotter ?? chooseSnapshotter(places.directory),
    createdMs: kept?.createdMs ?? systemClock.now(),
  };
}

async function prepareControlPlane(places: Places, state: ClusterState): Promise<void> {
  for (const directory of [places.directory, places.pki, places.logs, places.spans, places.nats]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  mkdirSync(places.runDirectory, { recursive: true, mode: 0o755 });
  const passwordFile = join(places.pki, 'nats-password');
  const password = newSecret();
  writeFileSync(passwordFile, password, { mode: 0o600 });
  writeFileSync(join(places.nats, 'nats.conf'), natsConfig({ places, port: state.ports.nats, password }), { mode: 0o600 });
  if (!existsSync(join(places.pki, 'ca.crt'))) await makeKeys(places, state.nodes);
  else await completeKeys(places, state.nodes);
  await makeHollowKeys(places, state);
  makeServiceAccountKey(places);
  writeKubeconfig(places, state);
}

async function prepareNodes(places: Places, state: ClusterState, signal: AbortSignal): Promise<void> {
  const cniPlugins = cniPluginDirectory();
  if (!cniPlugins) throw new Error('the CNI plugins have gone since they were looked for');
  await makeFabric(places, state.nodes, signal);
  if (state.uplink === 'nat') {
    allowForwarding();
    await makeUplink(places, state.nodes, signal);
  }
  await Promise.all(state.nodes.map((node) => prepareNode(places, state, node, cniPlugins)));
}

/** Detached: it goes on when this process ends. */
async function startSupervisor({ places, root, signal }: UpOptions): Promise<void> {
  const { state } = clusterPhase(places);
  if (!state) throw new Error(`${places.stateFile} has gone`);
  writeJson(places.specsFile, clusterProcesses({ places, state, root }));
  const log = openSync(places.log('supervisor'), 'a', 0o600);
  const environment = { ...process.env, PATH: searchPath(), [markVariable]: places.id, NAVARCH_HOME: places.home };
  const child = spawn(process.execPath, [join(root, 'dist/apps/cluster/main.js'), 'supervise', '--name', places.cluster], {
    detached: true, stdio: ['ignore', log, log], env: environment, cwd: '/',
  });
  closeSync(log);
  let failure: Error | undefined;
  child.once('error', (error) => { failure = error; });
  child.once('exit', (code) => { failure = new Error(`the supervisor ended with code ${code}; its log is ${places.log('supervisor')}`); });
  for (const deadline = systemClock.monotonic() + supervisorStartMs; !supervisorOf(places);) {
    if (failure) throw failure;
    if (systemClock.monotonic() > deadline) throw new Error(`the supervisor does not start; its log is ${places.log('supervisor')}`);
    await sleep(systemClock, pollMs, signal);
  }
  child.removeAllListeners();
  child.unref();
}

const supervisorStartMs = 20_000;
const pollMs = 20;

async function waitReachable({ places, timeoutMs, signal }: UpOptions, endpoints: readonly string[], update: (detail: string) => void): Promise<void> {
  const deadline = systemClock.monotonic() + timeoutMs;
  for (const endpoint of endpoints) {
    while (!(await canConnect(endpoint))) {
      update(`waiting for ${endpoint}`);
      checkProcesses(places);
      if (systemClock.monotonic() > deadline) throw new Error(`nothing listens on ${endpoint} after ${timeoutMs / 1000} s`);
      await sleep(systemClock, pollMs, signal);
    }
  }
}
