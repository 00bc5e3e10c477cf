/** The `navarch` command as its tests use it: a home of its own, and waiting for what must come. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { JsonObject } from '@navarch/api';

import { placesOf, repositoryRoot, type Places } from '../cluster/places';
import { readJson } from '../cluster/state';
import type { ProcessStatus, SupervisorStatus } from '../supervisor/specs';
import type { Session } from '../api/session';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TestHome {
  readonly home: string;
  places(cluster: string): Places;
  start(args: readonly string[], environment?: NodeJS.ProcessEnv): ChildProcess;
  /** Runs `navarch …` to its end. */
  navarch(args: readonly string[], input?: string, environment?: NodeJS.ProcessEnv): Promise<CommandResult>;
}

/** Node ports are had at 127.0.0.1 too: clusters of suites that run beside each other take theirs from ranges of their own. */
export function testEnvironment(): NodeJS.ProcessEnv {
  const first = 30_000 + ((Number(process.env['JEST_WORKER_ID'] ?? 1) - 1) % 4) * 600;
  return { ...process.env, NAVARCH_SERVICE_NODE_PORT_RANGE: `${first}-${first + 599}` };
}

export function createTestHome(): TestHome {
  const home = mkdtempSync(join(tmpdir(), 'navarch-e2e-'));
  const start: TestHome['start'] = (args, environment) =>
    spawn(process.execPath, [join(repositoryRoot(), 'bin', 'navarch'), ...args], { env: { ...testEnvironment(), ...environment, NAVARCH_HOME: home }, stdio: ['pipe', 'pipe', 'pipe'] });
  return {
    home, start,
    places: (cluster) => placesOf(home, cluster),
    navarch: (args, input = '', environment) => {
      const child = start(args, environment);
      child.stdin?.end(input);
      return resultOf(child);
    },
  };
}

export function resultOf(child: ChildProcess): Promise<CommandResult> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => { stdout += chunk.toString(); });
  child.stderr?.on('data', (chunk: Buffer) => { stderr += chunk.toString(); });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

const lookMs = 25;

/** Resolves with the first answer that is not undefined. What never comes ends with the test's own time limit. */
export async function eventually<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, lookMs));
  }
}

export interface PodOptions {
  readonly node?: string;
  readonly image?: string;
  /** A script for sh. */
  readonly script?: string;
  readonly command?: readonly string[];
  readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never';
  readonly memoryLimit?: string;
}

export function pod(name: string, { node, image = 'navarch.local/busybox:1', script, command, restartPolicy = 'Always', memoryLimit }: PodOptions): JsonObject {
  return {
    apiVersion: 'v1', kind: 'Pod', metadata: { name },
    spec: {
      restartPolicy, terminationGracePeriodSeconds: 1,
      ...(node && { nodeSelector: { 'kubernetes.io/hostname': node } }),
      containers: [{
        name: 'main', image, command: [...(command ?? ['sh', '-c', script ?? staying])],
        ...(memoryLimit && { resources: { limits: { memory: memoryLimit } } }),
      }],
    },
  };
}

/** Ends at once when asked, as a pid 1 without handlers would not. */
export const staying = "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done";

export interface PodStatus {
  readonly phase?: string;
  readonly podIP?: string;
  readonly conditions?: { type: string; status: string }[];
  readonly containerStatuses?: {
    restartCount: number;
    containerID?: string;
    state?: ContainerState;
    lastState?: ContainerState;
  }[];
}

interface ContainerState {
  readonly waiting?: { reason?: string; message?: string };
  readonly running?: object;
  readonly terminated?: { exitCode: number; reason?: string; message?: string };
}

export interface PodView {
  readonly status: PodStatus;
  readonly node: string | undefined;
  readonly uid: string;
}

/** Follows a pod by watch until `holds` for its status. */
export async function waitForPod(session: Session, name: string, holds: (status: PodStatus) => boolean): Promise<PodView> {
  const kind = await session.kind('pods');
  const selection = { namespace: 'default', fieldSelector: `metadata.name=${name}` };
  const { items, resourceVersion } = await session.list(kind, selection);
  const present = items.map(viewOf).find(({ status }) => holds(status));
  if (present) return present;
  for await (const { object } of session.watch(kind, { ...selection, resourceVersion })) {
    const view = viewOf(object);
    if (holds(view.status)) return view;
  }
  throw new Error(`the watch of ${name} ended`);
}

export const isReady = (status: PodStatus): boolean => status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false;

export function viewOf(object: JsonObject): PodView {
  const { metadata, spec, status } = object as unknown as { metadata: { uid: string }; spec: { nodeName?: string }; status?: PodStatus };
  return { status: status ?? {}, node: spec.nodeName, uid: metadata.uid };
}

export function processStatus(places: Places, name: string): ProcessStatus {
  const status = readJson<SupervisorStatus>(places.supervisorFile)?.processes[name];
  if (!status) throw new Error(`the supervisor does not know ${name}`);
  return status;
}
