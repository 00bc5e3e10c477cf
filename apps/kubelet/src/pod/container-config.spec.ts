import { quantity } from '@navarch/api';
import type { Container, Pod, PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';
import { NamespaceMode } from '@navarch/proto/runtime/v1/cri';

import { containerConfig, type ContainerParts } from './container-config';
import { containerEnvironment, type PodSources } from './environment';
import { expand } from './expansion';
import { isImageReference } from './image-reference';
import { cpuQuotaUs, cpuShares, oomScoreAdj, podCgroup } from './linux-resources';
import { dnsConfigOf, sandboxConfig } from './sandbox-config';
import { hostsFile } from './start-container';

const podOf = (spec: PodSpec): Pod => ({ metadata: { namespace: 'ns', name: 'web', uid: 'u1', labels: { app: 'web', tier: 'a' }, annotations: { note: 'n' } }, spec });
const facts = { nodeName: 'node-1', hostIps: ['10.0.0.1'], podIps: ['10.244.0.5'], allocatable: { cpu: quantity('4'), memory: quantity('8Gi') } };
const sources: PodSources = {
  configMap: async (_namespace, name) => (name === 'settings' ? { data: { color: 'blue', size: 'big' } } : undefined),
  secret: async (_namespace, name) => (name === 'keys' ? { data: { token: Buffer.from('t0k') } } : undefined),
  claim: async () => undefined,
  volume: async () => undefined,
  services: async () => [{ metadata: { namespace: 'ns', name: 'db' }, spec: { clusterIP: '10.96.0.7', ports: [{ port: 5432, protocol: 'TCP' }] } }],
};
const env = async (container: Container, spec: PodSpec = {}): Promise<Record<string, string>> =>
  Object.fromEntries(await containerEnvironment(podOf({ enableServiceLinks: false, containers: [container], ...spec }), container, sources, facts));
const configMapKey = (name: string, key: string, optional?: boolean) => ({ name: 'A', valueFrom: { configMapKeyRef: { localObjectReference: { name }, key, optional } } });

describe('environment', () => {
  it('takes values from ConfigMaps, Secrets, the pod and its resources, later ones over earlier ones', async () => {
    expect(await env({
      name: 'main', envFrom: [{ prefix: 'CFG_', configMapRef: { localObjectReference: { name: 'settings' } } }, { secretRef: { localObjectReference: { name: 'keys' } } }],
      env: [
        { name: 'CFG_size', value: 'small' }, configMapKey('settings', 'color'),
        { name: 'NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }, { name: 'APP', valueFrom: { fieldRef: { fieldPath: 'metadata.labels[\'app\']' } } },
        { name: 'IPS', valueFrom: { fieldRef: { fieldPath: 'status.podIPs' } } }, { name: 'HOST', valueFrom: { fieldRef: { fieldPath: 'status.hostIP' } } },
        { name: 'MEM', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: quantity('1Mi') } } }, { name: 'CPUS', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
        { name: 'ALL', value: '$(NAME)/$(A)/$(NONE)/$$(A)' },
      ],
      resources: { limits: { memory: quantity('64Mi') } },
    })).toEqual({
      CFG_color: 'blue', CFG_size: 'small', token: 't0k', A: 'blue', NAME: 'web', APP: 'web', IPS: '10.244.0.5', HOST: '10.0.0.1', MEM: '64', CPUS: '4', ALL: 'web/blue/$(NONE)/$(A)',
    });
  });

  it.each<[string, Container, string]>([
    ['a ConfigMap', { name: 'm', env: [configMapKey('none', 'k')] }, 'configmap "none" not found'],
    ['a key', { name: 'm', env: [configMapKey('settings', 'k')] }, 'couldn\'t find key k in ConfigMap ns/settings'],
    ['a Secret of envFrom', { name: 'm', envFrom: [{ secretRef: { localObjectReference: { name: 'none' } } }] }, 'secret "none" not found'],
  ])('says what is missing: %s', async (_name, container, message) => {
    await expect(env(container)).rejects.toThrow(message);
  });

  it('tells of Services, which the container may refer to and overrule', async () => {
    const variables = await env({ name: 'm', env: [{ name: 'URL', value: 'pg://$(DB_SERVICE_HOST):$(DB_SERVICE_PORT)' }, { name: 'DB_PORT_5432_TCP_PROTO', value: 'mine' }] }, { enableServiceLinks: true });
    expect(variables).toMatchObject({ URL: 'pg://10.96.0.7:5432', DB_PORT_5432_TCP_PROTO: 'mine', DB_PORT_5432_TCP_ADDR: '10.96.0.7' });
  });

  it('leaves out what is missing and optional', async () => {
    expect(await env({ name: 'm', env: [configMapKey('none', 'k', true)], envFrom: [{ configMapRef: { localObjectReference: { name: 'none' }, optional: true } }] })).toEqual({});
  });

  it.each([['$(A) $(B)', '1 $(B)'], ['$$(A)', '$(A)'], ['$$$(A)', '$1'], ['$', '$'], ['$(A', '$(A']])('expands %s to %s', (text, expected) => {
    expect(expand(text, new Map([['A', '1']]))).toBe(expected);
  });
});

describe('a container\'s configuration', () => {
  const parts: ContainerParts = { attempt: 2, restartCount: 2, backoffStep: 1, imageRef: 'sha256:1', environment: new Map([['A', '1']]), volumes: new Map([['data', '/k/pods/u1/data']]), ownMounts: [] };
  const settings = { rootDirectory: '/k', podLogsDirectory: '/logs', nodeMemoryBytes: 1024 ** 3 };
  const build = (container: Container, spec: PodSpec = {}) => containerConfig(podOf({ containers: [container], ...spec }), container, parts, settings);

  it('carries all that a restarted kubelet needs in labels and annotations', () => {
    expect(build({ name: 'main', image: 'i:1' })).toMatchObject({
      metadata: { name: 'main', attempt: 2 }, image: { image: 'sha256:1', userSpecifiedImage: 'i:1' }, logPath: 'main/2.log',
      labels: { 'io.kubernetes.pod.name': 'web', 'io.kubernetes.pod.namespace': 'ns', 'io.kubernetes.pod.uid': 'u1', 'io.kubernetes.container.name': 'main' },
      annotations: { 'io.kubernetes.container.restartCount': '2', 'navarch.io/restart-backoff-step': '1', 'io.kubernetes.container.terminationMessagePath': '/dev/termination-log' },
    });
  });

  it('expands command and arguments, and mounts volumes with subPath and propagation', () => {
    const config = build({ name: 'm', command: ['run', '$(A)'], args: ['$(B)'], workingDir: '/w', volumeMounts: [{ name: 'data', mountPath: '/data', subPath: 'sub', readOnly: true, mountPropagation: 'HostToContainer' }] });
    expect(config).toMatchObject({ command: ['run', '1'], args: ['$(B)'], workingDir: '/w' });
    expect(config.mounts).toEqual([{ containerPath: '/data', hostPath: '/k/pods/u1/data/sub', readonly: true, propagation: 1 }]);
  });

  it.each(['../x', '/abs', 'a/../../b'])('refuses subPath %s, which leaves its volume', (subPath) => {
    expect(() => build({ name: 'm', volumeMounts: [{ name: 'data', mountPath: '/d', subPath }] })).toThrow(/must not leave its volume/);
  });

  it('turns requests and limits into shares, quota, memory and OOM score', () => {
    const { linux } = build({ name: 'm', resources: { requests: { cpu: quantity('250m'), memory: quantity('256Mi') }, limits: { cpu: quantity('1500m'), memory: quantity('512Mi') } } });
    expect(linux?.resources).toEqual({ cpuShares: 256, cpuPeriod: 100_000, cpuQuota: 150_000, memoryLimitInBytes: 512 * 1024 ** 2, oomScoreAdj: 750 });
    expect([cpuShares(0), cpuShares(1), cpuShares(10_000_000), cpuQuotaUs(1)]).toEqual([2, 2, 262_144, 1_000]);
  });

  it('grades the OOM score and the cgroup by class', () => {
    const resources = { limits: { cpu: quantity('1'), memory: quantity('1Gi') } };
    const guaranteed = podOf({ containers: [{ name: 'm', resources: { ...resources, requests: resources.limits } }] });
    const none = podOf({ containers: [{ name: 'm' }] });
    const some = podOf({ containers: [{ name: 'm', resources: { requests: { cpu: quantity('1') } } }] });
    const score = (pod: Pod): number => oomScoreAdj(pod, pod.spec?.containers?.[0] ?? {}, 4 * 1024 ** 3);
    expect([guaranteed, some, none].map(score)).toEqual([-997, 999, 1000]);
    expect([guaranteed, some, none].map((pod) => podCgroup('/root', pod))).toEqual(['/root/kubepods/podu1', '/root/kubepods/burstable/podu1', '/root/kubepods/besteffort/podu1']);
  });

  it('sets the security context, container over pod, and hides /proc unless privileged', () => {
    const context = build({ name: 'm', securityContext: { runAsUser: 5, capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] }, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false } }, { securityContext: { runAsUser: 1, runAsGroup: 2, fsGroup: 3, supplementalGroups: [4] } }).linux?.securityContext;
    expect(context).toMatchObject({
      runAsUser: { value: 5 }, runAsGroup: { value: 2 }, supplementalGroups: [4, 3], readonlyRootfs: true, noNewPrivs: true, privileged: false,
      capabilities: { addCapabilities: ['NET_ADMIN'], dropCapabilities: ['ALL'] }, seccomp: { profileType: 1 },
    });
    expect(context?.maskedPaths).toContain('/proc/kcore');
    expect(build({ name: 'm', securityContext: { privileged: true } }).linux?.securityContext).toMatchObject({ privileged: true, maskedPaths: [], readonlyPaths: [] });
    expect(build({ name: 'm', securityContext: { seccompProfile: { type: 'RuntimeDefault' } } }).linux?.securityContext?.seccomp).toEqual({ profileType: 0 });
  });
});

describe('a sandbox\'s configuration', () => {
  const settings = { rootDirectory: '/k', podLogsDirectory: '/logs', cgroupRoot: '/r', clusterDns: { servers: ['10.96.0.10'], domain: 'cluster.local' }, nodeDns: { servers: ['1.1.1.1'], searches: ['corp'], options: ['rotate'] } };

  it('names the pod, its log directory, cgroup, host ports and sysctls', () => {
    expect(sandboxConfig(podOf({ containers: [{ name: 'm', ports: [{ containerPort: 80, hostPort: 8080 }, { containerPort: 81 }] }], securityContext: { sysctls: [{ name: 'a.b', value: '1' }] } }), 3, settings)).toMatchObject({
      metadata: { namespace: 'ns', name: 'web', uid: 'u1', attempt: 3 }, hostname: 'web', logDirectory: '/logs/ns_web_u1', portMappings: [{ containerPort: 80, hostPort: 8080 }],
      labels: { app: 'web', 'io.kubernetes.pod.uid': 'u1' }, linux: { cgroupParent: '/r/kubepods/besteffort/podu1', sysctls: { 'a.b': '1' } },
    });
  });

  it.each<[PodSpec, object]>([
    [{}, { network: NamespaceMode.POD, pid: NamespaceMode.CONTAINER, ipc: NamespaceMode.POD }],
    [{ hostNetwork: true, hostPID: true, hostIPC: true }, { network: NamespaceMode.NODE, pid: NamespaceMode.NODE, ipc: NamespaceMode.NODE }],
    [{ shareProcessNamespace: true }, { network: NamespaceMode.POD, pid: NamespaceMode.POD, ipc: NamespaceMode.POD }],
  ])('shares namespaces as asked: %j', (spec, expected) => {
    expect(sandboxConfig(podOf({ containers: [], ...spec }), 0, settings).linux?.securityContext?.namespaceOptions).toEqual(expected);
  });

  it.each<[PodSpec, object]>([
    [{}, { servers: ['10.96.0.10'], searches: ['ns.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp'], options: ['ndots:5'] }],
    [{ hostNetwork: true }, { servers: ['1.1.1.1'], searches: ['corp'], options: ['rotate'] }],
    [{ hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }, { servers: ['10.96.0.10'], searches: ['ns.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp'], options: ['ndots:5'] }],
    [{ dnsPolicy: 'Default' }, { servers: ['1.1.1.1'], searches: ['corp'], options: ['rotate'] }],
    [{ dnsPolicy: 'None', dnsConfig: { nameservers: ['9.9.9.9'], searches: ['x'], options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }] } }, { servers: ['9.9.9.9'], searches: ['x'], options: ['ndots:2', 'edns0'] }],
  ])('gives %j its DNS', (spec, expected) => {
    expect(dnsConfigOf(podOf({ containers: [], ...spec }), settings)).toEqual(expected);
  });

  it('keeps to resolv.conf\'s limits: 3 servers, 32 search domains, 2048 characters of them', () => {
    const searches = Array.from({ length: 40 }, (_, index) => `d${index}`);
    const long = Array.from({ length: 20 }, (_, index) => `${'x'.repeat(50)}.${'y'.repeat(60)}.d${index}`);
    const dnsOf = (names: string[]) => dnsConfigOf(podOf({ containers: [], dnsPolicy: 'None', dnsConfig: { nameservers: ['9.9.9.1', '9.9.9.2', '9.9.9.3', '9.9.9.4'], searches: names } }), settings);
    expect([dnsOf(searches).servers, dnsOf(searches).searches]).toEqual([['9.9.9.1', '9.9.9.2', '9.9.9.3'], searches.slice(0, 32)]);
    expect(dnsOf(long).searches).toEqual(long.slice(0, 17));
    expect(long.slice(0, 17).join(' ').length).toBeLessThanOrEqual(2_048);
  });

  it('a pod with a subdomain has its full name in its hosts file, and as its hostname where it asks for that', () => {
    const spec = { containers: [], hostname: 'db-0', subdomain: 'db' };
    expect(hostsFile(podOf(spec), ['10.244.0.5', 'fd00::5'], settings.clusterDns)).toContain('\n10.244.0.5\tdb-0.db.ns.svc.cluster.local\tdb-0\nfd00::5\tdb-0.db.ns.svc.cluster.local\tdb-0\n');
    const hostname = (over: PodSpec) => sandboxConfig(podOf({ ...spec, ...over }), 0, settings).hostname;
    expect([hostname({}), hostname({ setHostnameAsFQDN: true }), hostname({ setHostnameAsFQDN: true, subdomain: undefined }), hostname({ setHostnameAsFQDN: true, hostNetwork: true })]).toEqual(['db-0', 'db-0.db.ns.svc.cluster.local', 'db-0', '']);
    expect(() => hostname({ setHostnameAsFQDN: true, hostname: 'x'.repeat(50) })).toThrow('the kernel takes 64');
  });

  it('writes a hosts file with the pod\'s own name and its aliases', () => {
    const text = hostsFile(podOf({ containers: [], hostAliases: [{ ip: '10.9.9.9', hostnames: ['db', 'db.local'] }] }), ['10.244.0.5'], settings.clusterDns);
    expect(text).toContain('\n10.244.0.5\tweb\n');
    expect(text).toContain('\n# Entries added by HostAliases.\n10.9.9.9\tdb\tdb.local\n');
  });
});

it.each([
  ['busybox', true], ['busybox:1.2', true], ['docker.io/library/busybox@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', true], ['localhost:5000/a/b:c', true], ['[::1]:5000/a', true],
  ['Busy', false], ['a:b:c', false], ['', false], ['a b', false], ['a@sha256:12', false], ['-a', false],
])('image reference "%s" is valid: %s', (image, valid) => {
  expect(isImageReference(image)).toBe(valid);
});
