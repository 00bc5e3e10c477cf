import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { bootId, identify } from '../host/proc';
import { fabricCommands, planNodes } from '../network/fabric';
import { machineResolvers, uplinkAddresses } from '../network/uplink';
import { containerdConfig } from '../node/containerd-config';
import { chooseSnapshotter } from '../node/prepare';
import { completeKeys, makeKeys } from '../control-plane/pki';
import { dnsFlags } from './app-flags';
import { checkProcesses, describeFailure, ProcessFailure } from './failure';
import { withLock } from './lock';
import { placesOf } from './places';
import { clusterProcesses } from './processes';
import { createProgress } from './progress';
import { clusterPhase, requireRunning } from './running';
import { writeJson, writeState, type ClusterState } from './state';

let home: string;
beforeEach(() => { home = mkdtempSync(join(tmpdir(), 'navarch-cluster-')); });
afterEach(() => rmSync(home, { recursive: true }));

const stateOf = (name: string, changes: Partial<ClusterState> = {}): ClusterState => ({
  version: 1, name, id: placesOf(home, name).id, bootId: bootId(), phase: 'running', uplink: 'none', nodes: planNodes(2),
  ports: { nats: 4222, apiserver: 7443, rest: 6443 }, snapshotter: 'overlayfs', createdMs: 0, ...changes,
});

describe("a cluster's places", () => {
  it('differ for every name and every home, and have short socket paths', () => {
    const ids = [placesOf('/a', 'x').id, placesOf('/a', 'y').id, placesOf('/b', 'x').id];
    expect(new Set(ids).size).toBe(3);
    expect(placesOf(`/${'long/'.repeat(50)}`, 'x'.repeat(40)).node('node-100').containerdSocket.length).toBeLessThan(80);
  });

  it.each(['', 'Upper', '-x', 'a/b', '..', 'x'.repeat(41)])('the name "%s" is refused', (name) => expect(() => placesOf('/a', name)).toThrow('no cluster name'));
});

describe("a cluster's network", () => {
  const places = placesOf('/home', 'net');

  it('has both ends of every link in namespaces of its own', () => {
    const { global } = fabricCommands(places, planNodes(2));
    const links = global.filter((line) => line.startsWith('link'));
    expect(links).toHaveLength(2);
    for (const line of links) expect(line).toMatch(new RegExp(`netns nv${places.id}-fabric type veth peer name eth0 netns nv${places.id}-node-\\d$`));
    expect(global.join()).not.toContain('address');
  });

  it('has 1 to 100 nodes', () => {
    expect(planNodes(3).map(({ name, address }) => `${name} ${address}`)).toEqual(['node-1 10.89.0.11', 'node-2 10.89.0.12', 'node-3 10.89.0.13']);
    for (const count of [0, 101, 1.5]) expect(() => planNodes(count)).toThrow('1 to 100 nodes');
  });

  it('uses shared address space, and never 10.x, for links to the machine', () => {
    const addresses = Array.from({ length: 100 }, (_, index) => uplinkAddresses(places, index));
    for (const { host, node, link } of addresses) {
      expect(host).toMatch(/^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.\d+\.\d+$/);
      expect(link.length).toBeLessThanOrEqual(15);
      expect(host).not.toBe(node);
    }
    expect(new Set(addresses.flatMap(({ host, node }) => [host, node])).size).toBe(200);
  });
});

describe('a node', () => {
  it('has a containerd that shares nothing with another', () => {
    const places = placesOf('/home', 'x');
    const config = (name: string): string[] => containerdConfig({
      node: places.node(name), stateDirectory: join(places.runDirectory, `${name}.state`), cniPlugins: '/cni', pauseImage: 'p', snapshotter: 'overlayfs',
    }).split('\n').filter((line) => /^\s*(root|state|address|path|conf_dir|config_path|Root) =/.test(line));
    expect(config('node-1')).toHaveLength(8);
    expect(config('node-1').filter((line) => config('node-2').includes(line))).toEqual([]);
  });

  it('keeps layers natively where its directory is on an overlay itself', () => {
    const mounts = [{ path: '/', type: 'overlay' }, { path: '/data', type: 'ext4' }];
    expect(chooseSnapshotter('/home/x', mounts)).toBe('native');
    expect(chooseSnapshotter('/data/x', mounts)).toBe('overlayfs');
  });
});

describe("a cluster's processes", () => {
  it('are told everything by flags, write to a log each, and wait for what they need', () => {
    const places = placesOf(home, 'x');
    const specs = clusterProcesses({ places, state: stateOf('x'), root: '/repo' });
    expect(specs.map(({ name }) => name)).toEqual(['nats-server', 'node-1.containerd', 'node-2.containerd', 'apiserver', 'controllers', 'scheduler', 'relay', 'node-1.kubelet', 'node-1.proxy', 'node-1.dns', 'node-2.kubelet', 'node-2.proxy', 'node-2.dns']);
    expect(new Set(specs.map(({ log }) => log)).size).toBe(specs.length);
    expect(specs.find(({ name }) => name === 'node-2.kubelet')?.after).toEqual([places.apiserverSocket, places.node('node-2').containerdSocket]);
    expect(specs.find(({ name }) => name === 'node-2.kubelet')?.command.slice(0, 2)).toEqual(['nsenter', `--net=${places.node('node-2').namespaceFile}`]);
  });

  it('answer names on every node by a server of its own, which needs no way out and starts when its kubelet is up', () => {
    const places = placesOf(home, 'x');
    const specOf = (name: string) => clusterProcesses({ places, state: stateOf('x'), root: '/repo' }).find((spec) => spec.name === name);
    const command = specOf('node-2.dns')?.command ?? [];
    expect(command).toEqual(expect.arrayContaining([`--net=${places.node('node-2').namespaceFile}`, '--listen=10.89.0.12:53', '--node-name=node-2', '--service-address=10.96.0.10']));
    expect(command.filter((flag) => flag.startsWith('--upstream'))).toEqual([]);
    expect(specOf('node-2.dns')?.after).toEqual([places.apiserverSocket, places.node('node-2').kubeletSocket]);
    expect(specOf('node-2.kubelet')?.command).toEqual(expect.arrayContaining(['--cluster-dns=10.96.0.10', '--cluster-domain=cluster.local']));
  });

  it('pass other names on to the machine’s own servers, where the cluster has a way out', () => {
    const files: Record<string, string> = { '/etc/resolv.conf': 'search corp\nnameserver 127.0.0.53\n', '/run/systemd/resolve/resolv.conf': 'nameserver 192.0.2.1\nnameserver 2001:db8::1\n nameserver 192.0.2.2\n' };
    expect(machineResolvers((file) => files[file] ?? '')).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(machineResolvers(() => '')).toEqual([]);
    expect(dnsFlags(placesOf(home, 'x'), { name: 'n', address: '10.89.0.11' }, ['192.0.2.1', '192.0.2.2'])['upstream']).toBe('192.0.2.1,192.0.2.2');
  });

  it('never have a secret on their command line', () => {
    const text = JSON.stringify(clusterProcesses({ places: placesOf(home, 'x'), state: stateOf('x'), root: '/repo' }));
    expect(text).not.toMatch(/password=(?!.*\/)/);
  });
});

describe("a cluster's keys", () => {
  it('are completed where the cluster is older than one of its processes, by the same authority', async () => {
    const places = placesOf(home, 'x');
    await makeKeys(places, planNodes(1));
    const read = (name: string): string => readFileSync(join(places.pki, name), 'utf8');
    const [before, authority] = [read('proxy.crt'), read('ca.crt')];
    rmSync(join(places.pki, 'dns.crt'));
    await completeKeys(places, planNodes(1));
    expect(new X509Certificate(read('dns.crt')).verify(new X509Certificate(authority).publicKey)).toBe(true);
    expect(new X509Certificate(read('dns.crt')).subject).toContain('system:dns');
    expect([read('proxy.crt'), read('ca.crt')]).toEqual([before, authority]);
  });
});

describe("a cluster's phase", () => {
  const places = (): ReturnType<typeof placesOf> => placesOf(home, 'x');

  it('is absent, broken after a start that was cut off, or running without supervisor', () => {
    expect(clusterPhase(places()).phase).toBe('absent');
    writeState(places(), stateOf('x', { phase: 'starting' }));
    expect(clusterPhase(places()).phase).toBe('broken');
    writeState(places(), stateOf('x'));
    expect(clusterPhase(places()).phase).toBe('unsupervised');
    writeJson(places().supervisorFile, { ...identify(process.pid), processes: {} });
    expect(clusterPhase(places()).phase).toBe('running');
  });

  it('is stopped when the machine was restarted since, whatever was written down', () => {
    writeState(places(), stateOf('x', { bootId: 'another' }));
    writeJson(places().supervisorFile, { ...identify(process.pid), processes: {} });
    expect(clusterPhase(places()).phase).toBe('stopped');
    expect(() => requireRunning(places())).toThrow('navarch up --name x');
  });

  it('a damaged record is said to be one', () => {
    mkdirSync(places().directory);
    writeFileSync(places().stateFile, '{');
    expect(() => clusterPhase(places())).toThrow('is damaged');
  });
});

describe('a failed start', () => {
  it('names the process, shows the last lines of its log, and keeps all logs', () => {
    const places = placesOf(home, 'x');
    mkdirSync(places.logs, { recursive: true });
    writeFileSync(places.log('apiserver'), Array.from({ length: 50 }, (_, index) => `line ${index}\n`).join(''));
    writeJson(places.supervisorFile, { pid: 1, startTicks: 1, processes: { apiserver: { restarts: 6, lastEnd: 'exit code 1' } } });
    const failure = (() => {
      try {
        checkProcesses(places);
      } catch (error) {
        return error as Error;
      }
      return undefined;
    })();
    expect(failure).toBeInstanceOf(ProcessFailure);
    const message = describeFailure(places, failure ?? new Error());
    expect(message).toContain('apiserver ended 6 times (last: exit code 1)');
    expect(message).toContain('line 49');
    expect(message).not.toContain('line 30\n');
    expect(readFileSync(join(places.failedLogs, 'apiserver.log'), 'utf8')).toContain('line 0');
  });
});

describe('the lock of a cluster', () => {
  it('lets one command work on it at a time', async () => {
    const places = placesOf(home, 'x');
    await withLock(places, async () => {
      await expect(withLock(places, () => Promise.resolve())).rejects.toThrow(`process ${process.pid}`);
    });
    await expect(withLock(places, () => Promise.resolve(1))).resolves.toBe(1);
  });

  it('that a killed command left is nobody\'s', async () => {
    const file = join(home, '.x.lock');
    for (const content of ['', JSON.stringify({ pid: process.pid, startTicks: 1 })]) {
      writeFileSync(file, content);
      await expect(withLock(placesOf(home, 'x'), () => Promise.resolve(1))).resolves.toBe(1);
    }
    expect(existsSync(file)).toBe(false);
  });
});

describe('progress', () => {
  it('says each step and how long it took, also of one that failed', async () => {
    let output = '';
    let now = 0;
    const progress = createProgress({ write: (text) => { output += text; } }, () => now);
    await progress.step('Network', async () => { now = 1_500; });
    await expect(progress.step('Nodes', async (update) => { update('node-2 is missing'); throw new Error('late'); })).rejects.toThrow('late');
    expect(output).toBe('  ✓ Network (1.5 s)\n  ✗ Nodes (0.0 s; node-2 is missing)\n');
  });
});
