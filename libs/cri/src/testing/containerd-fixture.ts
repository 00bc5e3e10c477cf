/**
 * A containerd of its own for tests: in a network namespace without a way out, with directories, sockets, CNI range and runc state of
 * its own, and one small image (busybox) that serves as pause and as workload. `close` leaves nothing behind.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { silentLogger, systemClock } from '@navarch/base';
import { pack } from 'tar-stream';

import { connectContainerd } from '../connect-containerd';
import type { ContainerRuntime } from '../container-runtime';

const run = promisify(execFile);

export const fixtureImage = 'docker.io/library/navarch-test:1';

export interface ContainerdFixture {
  readonly socket: string;
  /** Below which everything lies; also free for the test's own files. */
  readonly directory: string;
  readonly namespace: string;
  /** A cgroup of its own, below which all pods of the test belong. */
  readonly cgroupRoot: string;
  connect(): ContainerRuntime;
  /** kill -9 of containerd alone: shims and containers live on. */
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

export interface ContainerdFixtureOptions {
  /** Write no CNI configuration: the test does, or wants the network not ready. */
  readonly withoutNetwork?: boolean;
}

export async function startContainerdFixture(options: ContainerdFixtureOptions = {}): Promise<ContainerdFixture> {
  const id = randomBytes(4).toString('hex');
  const namespace = `nvt${id}`;
  const directory = await mkdtemp('/tmp/nvt-');
  const state = `/run/nvt-${id}`;
  const socket = `${state}/c.sock`;
  const cgroupRoot = `/nvt-${id}`;
  await mkdir(state, { recursive: true });
  await run('ip', ['netns', 'add', namespace]);
  await run('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
  await mkdir(`${directory}/cni`);
  if (!options.withoutNetwork) await writeFile(`${directory}/cni/10-test.conflist`, cniConfig(directory));
  await writeFile(`${directory}/config.toml`, containerdConfig(directory, state, socket));
  let child: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    const log = createWriteStream(`${directory}/containerd.log`, { flags: 'a' });
    child = spawn('nsenter', [`--net=/run/netns/${namespace}`, 'containerd', '-c', `${directory}/config.toml`], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    child.stdout?.pipe(log);
    child.stderr?.pipe(log);
    const runtime = fixture.connect();
    try {
      await untilServing(runtime);
    } finally {
      runtime.close();
    }
  };
  const kill = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  };
  const fixture: ContainerdFixture = {
    socket, directory, namespace, cgroupRoot, start, kill,
    connect: () => connectContainerd({ socket, clock: systemClock, logger: silentLogger }),
    async close() {
      await removeSandboxes(fixture).catch(() => undefined);
      await kill();
      await endShims(socket);
      await unmountBelow(directory, state, `/run/netns/${namespace}`);
      await run('ip', ['netns', 'del', namespace]).catch(() => undefined);
      await removeCgroups(cgroupRoot);
      for (const path of [directory, state]) await rm(path, { recursive: true, force: true });
    },
  };
  try {
    await start();
    await importImage(directory, socket);
  } catch (error) {
    const log = await readFile(`${directory}/containerd.log`, 'utf8').catch(() => '');
    await fixture.close();
    throw new Error(`containerd did not start: ${(error as Error).message}\n${log.slice(-2000)}`, { cause: error });
  }
  return fixture;
}

async function untilServing(runtime: ContainerRuntime): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await runtime.version({ timeoutMs: 1_000 });
      return;
    } catch (error) {
      if (tries > 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function removeSandboxes(fixture: ContainerdFixture): Promise<void> {
  const runtime = fixture.connect();
  try {
    const sandboxes = await runtime.listPodSandboxes({}, { timeoutMs: 2_000 });
    await Promise.all(sandboxes.map(async ({ id = '' }) => {
      await runtime.stopPodSandbox(id, { timeoutMs: 10_000 });
      await runtime.removePodSandbox(id, { timeoutMs: 10_000 });
    }));
  } finally {
    runtime.close();
  }
}

/** Shims outlive their containerd by design; each names its address in its arguments. */
async function endShims(socket: string): Promise<void> {
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    if (!command.includes('containerd-shim') || !command.split('\0').includes(socket)) continue;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    for (const victim of [...children.trim().split(' '), pid].filter(Boolean)) {
      try {
        process.kill(Number(victim), 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
  }
}

async function unmountBelow(...paths: readonly string[]): Promise<void> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  const points = lines.map((line) => line.split(' ')[4] ?? '').filter((point) => paths.some((path) => point === path || point.startsWith(`${path}/`)));
  for (const point of points.reverse()) if (!point.startsWith('/run/netns/')) await run('umount', ['-l', point]).catch(() => undefined);
}

async function removeCgroups(root: string): Promise<void> {
  const removeTree = async (path: string): Promise<void> => {
    for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) if (entry.isDirectory()) await removeTree(`${path}/${entry.name}`);
    await rmdir(path).catch(() => undefined);
  };
  for (const hierarchy of await readdir('/sys/fs/cgroup')) await removeTree(`/sys/fs/cgroup/${hierarchy}${root}`);
  await removeTree(`/sys/fs/cgroup${root}`);
}

function cniConfig(directory: string): string {
  const ipam = { type: 'host-local', dataDir: `${directory}/ipam`, ranges: [[{ subnet: '10.251.0.0/24' }]], routes: [{ dst: '0.0.0.0/0' }] };
  return JSON.stringify({ cniVersion: '1.0.0', name: 'test', plugins: [{ type: 'bridge', bridge: 'cni0', isGateway: true, ipam }] });
}

function containerdConfig(directory: string, state: string, socket: string): string {
  return `version = 2
root = "${directory}/root"
state = "${state}/state"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "${socket}"
[ttrpc]
  address = "${socket}.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "${directory}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${fixtureImage}"
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true
  netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "${directory}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
  default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  Root = "${state}/runc"
`;
}

// ---- the image: busybox with links for its applets; run without arguments it sleeps, as pause does

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

interface TarEntry {
  readonly name: string;
  readonly data?: Buffer;
  readonly link?: string;
  readonly directory?: boolean;
}

async function tarOf(entries: readonly TarEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { name, data, link, directory } of entries) {
    if (directory) archive.entry({ name, type: 'directory', mode: 0o1777 });
    else if (link !== undefined) archive.entry({ name, type: 'symlink', linkname: link });
    else archive.entry({ name, mode: 0o755 }, data ?? Buffer.alloc(0));
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function importImage(directory: string, socket: string): Promise<void> {
  const busybox = await readFile('/bin/busybox');
  const { stdout } = await run('/bin/busybox', ['--list']);
  const applets = stdout.trim().split('\n').filter((name) => name !== 'busybox');
  const layer = await tarOf([
    ...['bin', 'tmp', 'etc', 'proc', 'sys', 'dev', 'root'].map((name) => ({ name, directory: true })), { name: 'bin/busybox', data: busybox },
    ...applets.map((name) => ({ name: `bin/${name}`, link: 'busybox' })),
  ]);
  const layerDigest = sha256(layer);
  const config = Buffer.from(JSON.stringify({
    architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux', rootfs: { type: 'layers', diff_ids: [`sha256:${layerDigest}`] },
    config: { Entrypoint: ['/bin/sh', '-c'], Cmd: ['trap "exit 0" TERM INT; sleep 2147483647 & wait'], Env: ['PATH=/bin'], WorkingDir: '/' },
  }));
  const configDigest = sha256(config);
  const manifest = Buffer.from(JSON.stringify({
    schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: `sha256:${configDigest}`, size: config.length },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', digest: `sha256:${layerDigest}`, size: layer.length }],
  }));
  const index = Buffer.from(JSON.stringify({
    schemaVersion: 2,
    manifests: [{ mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: `sha256:${sha256(manifest)}`, size: manifest.length, annotations: { 'io.containerd.image.name': fixtureImage } }],
  }));
  const archive = await tarOf([
    { name: 'oci-layout', data: Buffer.from('{"imageLayoutVersion":"1.0.0"}') }, { name: 'index.json', data: index },
    { name: `blobs/sha256/${sha256(manifest)}`, data: manifest }, { name: `blobs/sha256/${configDigest}`, data: config }, { name: `blobs/sha256/${layerDigest}`, data: layer },
  ]);
  const path = `${directory}/image.tar`;
  await writeFile(path, archive);
  await run('ctr', ['-a', socket, '-n', 'k8s.io', 'images', 'import', path]);
}
