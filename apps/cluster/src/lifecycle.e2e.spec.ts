/** Starts that do not come to their end, and what is left of them: nothing. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { repositoryRoot } from './cluster/places';
import { run } from './host/exec';
import { identify, signalProcess } from './host/proc';
import { readJson, readState } from './cluster/state';
import type { SupervisorStatus } from './supervisor/specs';
import { createTestHome, eventually, resultOf } from './testing/local-cluster';
import { machineTraces, noTraces } from './testing/machine';

const test = createTestHome();
let cluster: string;
let count = 0;

beforeEach(() => { cluster = `life-${process.pid}-${(count += 1)}`; });
afterEach(async () => { await test.navarch(['down', '--name', cluster]); }, 60_000);
afterAll(() => rmSync(test.home, { recursive: true, force: true }));
jest.setTimeout(120_000);

const startUp = (...more: string[]): ReturnType<typeof test.start> => test.start(['up', '--name', cluster, '--nodes', '1', ...more]);

describe('up', () => {
  it('that is interrupted removes everything it made', async () => {
    const up = startUp();
    const result = resultOf(up);
    await eventually(() => readJson<SupervisorStatus>(test.places(cluster).supervisorFile)?.processes['node-1.containerd']);
    up.kill('SIGINT');
    expect(await result).toMatchObject({ code: 1, stderr: expect.stringContaining('interrupted') });
    expect(await machineTraces([test.places(cluster)])).toEqual(noTraces);
  });

  it('that fails says what failed and where the logs are, shows progress, and leaves nothing but those', async () => {
    const { code, stderr } = await resultOf(startUp('--timeout', '1ms'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/✓ Network of 1 nodes \(\d+\.\d s\)/);
    expect(stderr).toMatch(/✗ .*\n.*Removing what was made/);
    expect(stderr).toMatch(/nothing listens on .* after 0\.001 s/);
    expect(stderr).toContain(`All logs of this start are in ${test.places(cluster).failedLogs}`);
    expect(await machineTraces([test.places(cluster)])).toEqual(noTraces);
  });

  it.each(['net_admin', 'sys_admin'])('without the capability %s says so in one line, and begins nothing', async (capability) => {
    const child = spawn('setpriv', [`--bounding-set=-${capability}`, `--inh-caps=-${capability}`, process.execPath, join(repositoryRoot(), 'bin', 'navarch'), 'up', '--name', cluster], { env: { ...process.env, NAVARCH_HOME: test.home }, stdio: ['ignore', 'pipe', 'pipe'] });
    const { code, stderr } = await resultOf(child);
    expect([code, stderr.trim().split('\n')]).toEqual([1, [expect.stringMatching(new RegExp(`^navarch: root lacks CAP_${capability.toUpperCase()} here, .*--privileged$`)) as string]]);
    expect(existsSync(test.places(cluster).directory)).toBe(false);
  });

  it('that is killed in the middle is cleaned up by down', async () => {
    const up = startUp();
    const result = resultOf(up);
    await eventually(() => (existsSync(test.places(cluster).node('node-1').namespaceFile) ? true : undefined));
    up.kill('SIGKILL');
    await result;
    expect((await test.navarch(['status', '--name', cluster])).stdout).toContain('its start was cut off');
    expect((await test.navarch(['down', '--name', cluster])).code).toBe(0);
    expect(await machineTraces([test.places(cluster)])).toEqual(noTraces);
  });

  it('that was killed in the middle is begun anew by the next up; objects outlive down --keep and a restart of the machine', async () => {
    const first = startUp();
    const result = resultOf(first);
    const supervisor = await eventually(() => readJson<SupervisorStatus>(test.places(cluster).supervisorFile));
    first.kill('SIGKILL');
    await result;
    const again = await resultOf(startUp());
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('Removing what a start that was cut off left behind')]);
    expect(identify(supervisor.pid)?.startTicks).not.toBe(supervisor.startTicks);

    await test.navarch(['apply', '-f', '-', '--name', cluster], 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: kept }\n');
    expect((await test.navarch(['down', '--keep', '--name', cluster])).code).toBe(0);
    expect(await machineTraces([test.places(cluster)])).toEqual({ ...noTraces, directories: [cluster] });
    const { stateFile } = test.places(cluster);
    writeFileSync(stateFile, readFileSync(stateFile, 'utf8').replace(/"bootId": ".*"/, '"bootId": "another"').replace('"stopped"', '"running"'));
    expect((await resultOf(startUp())).stderr).toContain('Starting again with the objects and images that were kept');
    expect((await test.navarch(['get', 'configmap', 'kept', '-o', 'name', '--name', cluster])).stdout).toBe('configmap/kept\n');
  });

  it('of a running cluster whose supervisor was killed starts a new one, which takes over', async () => {
    expect((await resultOf(startUp())).code).toBe(0);
    const places = test.places(cluster);
    const killed = readJson<SupervisorStatus>(places.supervisorFile);
    if (!killed) throw new Error('no supervisor');
    signalProcess(killed, 'SIGKILL');
    await eventually(() => (identify(killed.pid)?.startTicks === killed.startTicks ? undefined : true));
    expect((await test.navarch(['status', '--name', cluster])).stdout).toContain('without its supervisor');
    expect((await resultOf(startUp())).code).toBe(0);
    const status = await eventually(() => {
      const now = readJson<SupervisorStatus>(places.supervisorFile);
      return now && now.pid !== killed.pid && Object.keys(now.processes).length === Object.keys(killed.processes).length ? now : undefined;
    });
    const pids = (from: SupervisorStatus): Record<string, number> => Object.fromEntries(Object.entries(from.processes).map(([name, { pid }]) => [name, pid]));
    expect(pids(status)).toEqual(pids(killed));

    signalProcess(status, 'SIGKILL');
    for (const [name, victim] of Object.entries(status.processes)) if (/kubelet|containerd/.test(name)) signalProcess(victim, 'SIGKILL');
    expect((await test.navarch(['down', '--name', cluster])).code).toBe(0);
    expect(await machineTraces([places])).toEqual(noTraces);
  });
});

describe('down', () => {
  it('removes a cluster whose record is damaged', async () => {
    const places = test.places(cluster);
    mkdirSync(places.directory, { recursive: true });
    writeFileSync(places.stateFile, '{');
    expect((await test.navarch(['down', '--name', cluster])).code).toBe(0);
    expect(existsSync(places.directory)).toBe(false);
    expect(() => readState(places)).not.toThrow();
  });
});

describe('a cluster with an uplink', () => {
  it('reaches the world behind the machine\'s address, and takes table, links and forwarding back with it', async () => {
    // In a network namespace that plays the machine: the test itself must not change the real one.
    const machine = `navarch-test-${process.pid}`;
    const inside = (...command: string[]): Promise<string> => run(['nsenter', `--net=/run/netns/${machine}`, ...command]);
    await run(['ip', 'netns', 'add', machine]);
    try {
      await inside('sh', '-c', 'ip link set lo up; ip link add world type dummy; ip address add 192.0.2.1/24 dev world; ip link set world up; ip route add default dev world; ip address add 198.51.100.1/32 dev lo');
      const script = (args: string): string => `NAVARCH_HOME='${test.home}' '${process.execPath}' '${repositoryRoot()}/bin/navarch' ${args} --name ${cluster}`;
      await inside('sh', '-c', script('up --nodes 1 --uplink nat'));
      const node = test.places(cluster).node('node-1').namespace;
      expect(await run(['ip', '-netns', node, 'route', 'show', 'default'])).toMatch(/via 100\./);
      expect(await run(['nsenter', `--net=/run/netns/${node}`, 'busybox', 'ping', '-c', '1', '-W', '2', '198.51.100.1'])).toContain('1 packets received');
      expect((await inside('ip', '-json', 'address')).includes('"10.')).toBe(false);
      expect(await inside('cat', '/proc/sys/net/ipv4/ip_forward')).toBe('1\n');
      await inside('sh', '-c', script('down'));
      expect(await inside('nft', 'list', 'tables')).toBe('');
      expect(await inside('ip', '-json', 'link', 'show', 'type', 'veth')).toMatch(/^\[(\{\},?)*\]\s*$/);
    } finally {
      await run(['ip', 'netns', 'delete', machine]);
    }
  });
});
