import type { Container, Pod, PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { fieldErrorsToApiError } from '../field-errors';
import type { JsonValue } from '../resource';
import { pods } from '../resources/core/pods';

/** A pod from JSON, as a client writes it, with its defaults; validated as new. */
function complaintsOf(spec: object, metadata: object = {}): string[] {
  const pod = pods.codec.fromJson({ metadata: { name: 'web', namespace: 'team', ...metadata }, spec } as JsonValue, { fieldValidation: 'Strict' });
  pods.setDefaults(pod);
  return pods.validateCreate(pod).map(({ field, message }) => `${field}: ${message}`);
}

const main = { name: 'main', image: 'web:1' };
const withContainer = (container: object): string[] => complaintsOf({ containers: [{ ...main, ...container }] });
const withSpec = (spec: object): string[] => complaintsOf({ containers: [main], ...spec });
const withVolume = (volume: object): string[] => withSpec({ volumes: [{ name: 'v', ...volume }] });

const labelText = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const c = 'spec.containers[0]';

describe('containers', () => {
  it.each<[string, object, string]>([
    ['needs an image', { image: undefined }, `${c}.image: Required value`],
    ['refuses spaces around the image', { image: ' web' }, `${c}.image: Invalid value: " web": must not have leading or trailing whitespace`],
    ['needs a name that is a label', { name: 'Main' }, `${c}.name: Invalid value: "Main": ${labelText}`],
    ['knows three pull policies', { imagePullPolicy: 'Sometimes' }, `${c}.imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"`],
    ['knows two message policies', { terminationMessagePolicy: 'X' }, `${c}.terminationMessagePolicy: Unsupported value: "X": supported values: "File", "FallbackToLogsOnError"`],
    ['needs a port number', { ports: [{ name: 'http' }] }, `${c}.ports[0].containerPort: Required value`],
    ['keeps ports in range', { ports: [{ containerPort: 70000 }] }, `${c}.ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive`],
    ['keeps host ports in range', { ports: [{ containerPort: 80, hostPort: -1 }] }, `${c}.ports[0].hostPort: Invalid value: -1: must be between 1 and 65535, inclusive`],
    ['knows three protocols', { ports: [{ containerPort: 80, protocol: 'ICMP' }] }, `${c}.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"`],
    ['refuses two ports of one name', { ports: [{ containerPort: 80, name: 'a' }, { containerPort: 81, name: 'a' }] }, `${c}.ports[1].name: Duplicate value: "a"`],
    ['refuses long port names', { ports: [{ containerPort: 80, name: 'abcdefghijklmnop' }] }, `${c}.ports[0].name: Invalid value: "abcdefghijklmnop": must be no more than 15 characters`],
    ['refuses one host port twice', { ports: [{ containerPort: 80, hostPort: 80 }, { containerPort: 81, hostPort: 80 }] }, `${c}.ports[1].hostPort: Duplicate value: "TCP//80"`],
    ['needs names of variables', { env: [{ value: 'x' }] }, `${c}.env[0].name: Required value`],
    ['refuses = in names of variables', { env: [{ name: 'a=b' }] }, `${c}.env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than '='`],
    ['refuses value beside valueFrom', { env: [{ name: 'a', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }, `${c}.env[0].valueFrom: Invalid value: "": may not be specified when \`value\` is not empty`],
    ['refuses two sources', { env: [{ name: 'a', valueFrom: { fieldRef: { fieldPath: 'metadata.name' }, secretKeyRef: { name: 's', key: 'k' } } }] }, `${c}.env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time`],
    ['refuses unknown field paths', { env: [{ name: 'a', valueFrom: { fieldRef: { fieldPath: 'spec.foo' } } }] }, `${c}.env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.foo": error converting fieldPath: field label not supported: spec.foo`],
    ['needs a key', { env: [{ name: 'a', valueFrom: { configMapKeyRef: { name: 'm' } } }] }, `${c}.env[0].valueFrom.configMapKeyRef.key: Required value`],
    ['needs a source of envFrom', { envFrom: [{ prefix: 'A_' }] }, `${c}.envFrom[0]: Invalid value: "": must specify one of: \`configMapRef\` or \`secretRef\``],
    ['knows its volumes', { volumeMounts: [{ name: 'data', mountPath: '/data' }] }, `${c}.volumeMounts[0].name: Not found: "data"`],
    ['needs a mount path', { volumeMounts: [{ name: 'data' }] }, `${c}.volumeMounts[0].mountPath: Required value`],
    ['refuses requests beyond limits', { resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }, `${c}.resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1`],
    ['refuses negative amounts', { resources: { limits: { cpu: '-1' } } }, `${c}.resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0`],
    ['refuses unknown resources', { resources: { limits: { gpu: '1' } } }, `${c}.resources.limits.gpu: Invalid value: "gpu": must be a standard resource for containers`],
    ['wants whole devices', { resources: { limits: { 'example.com/gpu': '1500m' } } }, `${c}.resources.limits[example.com/gpu]: Invalid value: "1500m": must be an integer`],
    ['wants devices requested as limited', { resources: { limits: { 'example.com/gpu': '2' }, requests: { 'example.com/gpu': '1' } } }, `${c}.resources.requests: Invalid value: "1": must be equal to example.com/gpu limit of 2`],
    ['refuses privileges without escalation', { securityContext: { privileged: true, allowPrivilegeEscalation: false } }, `${c}.securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set \`allowPrivilegeEscalation\` to false and \`privileged\` to true`],
    ['keeps user ids in range', { securityContext: { runAsUser: -1 } }, `${c}.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive`],
    ['needs a probe handler', { livenessProbe: {} }, `${c}.livenessProbe: Required value: must specify a handler type`],
    ['refuses two probe handlers', { livenessProbe: { exec: { command: ['a'] }, tcpSocket: { port: 1 } } }, `${c}.livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type`],
    ['wants one success of liveness', { livenessProbe: { exec: { command: ['a'] }, successThreshold: 2 } }, `${c}.livenessProbe.successThreshold: Invalid value: 2: must be 1`],
    ['refuses grace of readiness probes', { readinessProbe: { exec: { command: ['a'] }, terminationGracePeriodSeconds: 1 } }, `${c}.readinessProbe.terminationGracePeriodSeconds: Invalid value: 1: must not be set for readinessProbes`],
    ['refuses negative periods', { startupProbe: { exec: { command: ['a'] }, periodSeconds: -1 } }, `${c}.startupProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0`],
    ['needs a command', { lifecycle: { preStop: { exec: {} } } }, `${c}.lifecycle.preStop.exec.command: Required value`],
    ['knows two schemes', { readinessProbe: { httpGet: { port: 80, scheme: 'FTP' } } }, `${c}.readinessProbe.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"`],
    ['needs a port to ask', { readinessProbe: { httpGet: { path: '/' } } }, `${c}.readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive`],
    ['does not sleep longer than the grace period', { lifecycle: { preStop: { sleep: { seconds: 31 } } } }, `${c}.lifecycle.preStop.sleep.seconds: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)`],
    ['knows restart policies', { restartPolicy: 'Sometimes' }, `${c}.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"`],
  ])('%s', (_name, container, complaint) => {
    expect(withContainer(container)).toContain(complaint);
  });

  it('mount paths are unique, sub-paths stay inside, propagation to the host needs privileges', () => {
    const mounts = [{ name: 'v', mountPath: '/a' }, { name: 'v', mountPath: '/a' }, { name: 'v', mountPath: '/b', subPath: '../x' }, { name: 'v', mountPath: '/c', mountPropagation: 'Bidirectional' }];
    expect(complaintsOf({ volumes: [{ name: 'v', emptyDir: {} }], containers: [{ ...main, volumeMounts: mounts }] })).toEqual([
      `${c}.volumeMounts[1].mountPath: Invalid value: "/a": must be unique`,
      `${c}.volumeMounts[2].subPath: Invalid value: "../x": must not contain '..'`,
      `${c}.volumeMounts[3].mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers`,
    ]);
  });

  it('names are unique over all kinds of containers', () => {
    expect(withSpec({ initContainers: [main] })).toEqual(['spec.initContainers[0].name: Duplicate value: "main"']);
  });

  it('init containers have no probes unless they are sidecars', () => {
    const probe = { exec: { command: ['a'] } };
    expect(withSpec({ initContainers: [{ name: 'i', image: 'i', livenessProbe: probe }] })).toEqual(['spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always']);
    expect(withSpec({ initContainers: [{ name: 'i', image: 'i', livenessProbe: probe, restartPolicy: 'Always' }] })).toEqual([]);
  });

  it('ephemeral containers come through their own door', () => {
    expect(withSpec({ ephemeralContainers: [{ name: 'debug', image: 'i', targetContainerName: 'nobody' }] })).toEqual([
      'spec.ephemeralContainers[0].targetContainerName: Not found: "nobody"', 'spec.ephemeralContainers: Forbidden: cannot be set on create',
    ]);
  });

  it('a pod needs a container', () => {
    expect(complaintsOf({ containers: [] })).toEqual(['spec.containers: Required value']);
  });
});

describe('volumes', () => {
  it.each<[string, object, string]>([
    ['one source at most', { emptyDir: {}, hostPath: { path: '/x' } }, 'spec.volumes[0].emptyDir: Forbidden: may not specify more than 1 volume type'],
    ['a host path', { hostPath: {} }, 'spec.volumes[0].hostPath.path: Required value'],
    ['a host path that goes nowhere else', { hostPath: { path: '/a/../b' } }, "spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"],
    ['a secret', { secret: {} }, 'spec.volumes[0].secret.secretName: Required value'],
    ['a config map', { configMap: {} }, 'spec.volumes[0].configMap.name: Required value'],
    ['file modes', { configMap: { name: 'c', defaultMode: 512 } }, 'spec.volumes[0].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive'],
    ['items with a path', { configMap: { name: 'c', items: [{ key: 'a' }] } }, 'spec.volumes[0].configMap.items[0].path: Required value'],
    ['items that stay inside', { secret: { secretName: 's', items: [{ key: 'a', path: '/etc' }] } }, 'spec.volumes[0].secret.items[0].path: Invalid value: "/etc": must be a relative path'],
    ['a claim', { persistentVolumeClaim: {} }, 'spec.volumes[0].persistentVolumeClaim.claimName: Required value'],
    ['a source for downward files', { downwardAPI: { items: [{ path: 'a' }] } }, 'spec.volumes[0].downwardAPI.items[0]: Required value: one of fieldRef and resourceFieldRef is required'],
    ['tokens that live ten minutes', { projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 5 } }] } }, 'spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes'],
    ['one path once', { projected: { sources: [{ secret: { name: 's', items: [{ key: 'a', path: 'p' }] } }, { serviceAccountToken: { path: 'p' } }] } }, 'spec.volumes[0].projected.sources[1]: Invalid value: "p": conflicting duplicate paths'],
    ['an NFS server', { nfs: { path: '/x' } }, 'spec.volumes[0].nfs.server: Required value'],
    ['a CSI driver', { csi: {} }, 'spec.volumes[0].csi.driver: Required value'],
    ['a template', { ephemeral: {} }, 'spec.volumes[0].ephemeral.volumeClaimTemplate: Required value'],
  ])('need %s', (_name, volume, complaint) => {
    // Which of two sources is the one too many is the order of the fields.
    const got = withVolume(volume).map((text) => text.replace('hostPath: Forbidden', 'emptyDir: Forbidden'));
    expect(got).toContain(complaint);
  });

  it('a volume without source is an empty directory', () => {
    expect(withVolume({})).toEqual([]);
  });

  it('have unique names', () => {
    expect(withSpec({ volumes: [{ name: 'a' }, { name: 'a' }] })).toEqual(['spec.volumes[1].name: Duplicate value: "a"']);
  });
});

describe('where and how a pod runs', () => {
  it.each<[string, object, string]>([
    ['restart policies', { restartPolicy: 'Sometimes' }, 'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"'],
    ['DNS policies', { dnsPolicy: 'X' }, 'spec.dnsPolicy: Unsupported value: "X": supported values: "ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"'],
    ['nameservers of its own', { dnsPolicy: 'None', dnsConfig: {} }, 'spec.dnsConfig.nameservers: Required value: must provide at least one DNS nameserver when `dnsPolicy` is None'],
    ['addresses of nameservers', { dnsConfig: { nameservers: ['x'] } }, 'spec.dnsConfig.nameservers[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ['deadlines', { activeDeadlineSeconds: 0 }, 'spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive'],
    ['host names', { hostname: 'A' }, `spec.hostname: Invalid value: "A": ${labelText}`],
    ['host aliases', { hostAliases: [{ ip: '1.2.3.400' }] }, 'spec.hostAliases[0].ip: Invalid value: "1.2.3.400": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    ['tolerations of all keys', { tolerations: [{ operator: 'Equal', value: 'x' }] }, 'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"'],
    ['toleration seconds', { tolerations: [{ key: 'a', operator: 'Exists', tolerationSeconds: 5 }] }, 'spec.tolerations[0].effect: Invalid value: "": effect must be \'NoExecute\' when `tolerationSeconds` is set'],
    ['toleration operators', { tolerations: [{ key: 'a', operator: 'Like' }] }, 'spec.tolerations[0].operator: Unsupported value: "Like": supported values: "Equal", "Exists", "Gt", "Lt"'],
    ['node selector terms', { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } } }, 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term'],
    ['values of In', { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'In' }] }] } } } }, "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"],
    ['weights', { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 101, preference: {} }] } } }, 'spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 101: must be in the range 1-100'],
    ['topology keys', { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: {} }] } } }, 'spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty'],
    ['skews', { topologySpreadConstraints: [{ topologyKey: 'a', whenUnsatisfiable: 'DoNotSchedule' }] }, 'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero'],
    ['gates without node', { schedulingGates: [{ name: 'a' }], nodeName: 'n' }, 'spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared'],
    ['one process namespace', { hostPID: true, securityContext: {}, shareProcessNamespace: true }, 'spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled'],
    ['seccomp profiles', { securityContext: { seccompProfile: { type: 'Localhost' } } }, 'spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost'],
    ['preemption policies', { preemptionPolicy: 'X' }, 'spec.preemptionPolicy: Unsupported value: "X": supported values: "PreemptLowerPriority", "Never"'],
    ['readiness gates', { readinessGates: [{ conditionType: '' }] }, 'spec.readinessGates[0].conditionType: Invalid value: "": name part must be non-empty'.replace(': name', ': name')],
    ['equal ports on the host', { hostNetwork: true, containers: [{ ...main, ports: [{ containerPort: 80, hostPort: 81 }] }] }, `${c}.ports[0].containerPort: Invalid value: 80: must match \`hostPort\` when \`hostNetwork\` is true`],
  ])('checks %s', (_name, spec, complaint) => {
    expect(withSpec(spec)).toContain(complaint);
  });

  it('accepts a pod that uses nearly everything', () => {
    const probe = { httpGet: { path: '/ok', port: 'http', httpHeaders: [{ name: 'X-A', value: 'b' }] } };
    expect(complaintsOf({
      restartPolicy: 'OnFailure', nodeSelector: { disk: 'ssd' }, priorityClassName: 'high', hostname: 'h', subdomain: 's', dnsConfig: { options: [{ name: 'ndots', value: '2' }] },
      securityContext: { runAsUser: 0, fsGroup: 5, sysctls: [{ name: 'net.core.somaxconn', value: '1' }], seccompProfile: { type: 'RuntimeDefault' } },
      tolerations: [{ operator: 'Exists' }, { key: 'a', effect: 'NoExecute', tolerationSeconds: 0 }],
      affinity: { podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: { topologyKey: 'zone', labelSelector: { matchLabels: { a: 'b' } } } }] } },
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', minDomains: 2, labelSelector: {} }],
      volumes: [{ name: 'p', projected: { sources: [{ serviceAccountToken: { path: 'token' } }, { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } }] } }],
      initContainers: [{ name: 'side', image: 'i', restartPolicy: 'Always', startupProbe: { exec: { command: ['x'] } } }],
      containers: [{
        ...main, livenessProbe: probe, readinessProbe: probe, lifecycle: { preStop: { sleep: { seconds: 5 } } }, ports: [{ name: 'http', containerPort: 80 }],
        env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } }, { name: 'B', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } }],
        envFrom: [{ configMapRef: { name: 'c' } }], volumeMounts: [{ name: 'p', mountPath: '/p', readOnly: true }], resources: { limits: { cpu: '1', memory: '1Gi', 'example.com/gpu': '1' } },
      }],
    })).toEqual([]);
  });

  it('one request tells every cause at once', () => {
    const pod = pods.codec.fromJson({ metadata: { name: 'x', namespace: 'd' }, spec: { restartPolicy: 'No', containers: [{ name: 'c' }] } });
    pods.setDefaults(pod);
    expect(fieldErrorsToApiError(pods, 'x', pods.validateCreate(pod)).message).toBe(
      'Pod "x" is invalid: [spec.containers[0].image: Required value, spec.restartPolicy: Unsupported value: "No": supported values: "Always", "OnFailure", "Never"]');
  });
});

describe('an update of a pod', () => {
  const container: Container = { name: 'main', image: 'web:1' };

  function pair(change: (spec: PodSpec, pod: Pod) => void, start: Partial<PodSpec> = {}): string[] {
    const previous: Pod = { metadata: { name: 'web', namespace: 'team', uid: '1' }, spec: { containers: [container], ...structuredClone(start) } };
    pods.setDefaults(previous);
    pods.prepareForCreate(previous);
    const next = structuredClone(previous);
    change(next.spec as PodSpec, next);
    pods.setDefaults(next);
    pods.prepareForUpdate(next, previous);
    return pods.validateUpdate(next, previous).map(({ field, message }) => `${field}: ${message}`);
  }

  it('may change images, add tolerations, shorten the deadline and open gates', () => {
    expect(pair((spec) => void ((spec.containers as Container[])[0] = { ...spec.containers?.[0], image: 'web:2' }))).toEqual([]);
    expect(pair((spec) => void (spec.tolerations = [{ key: 'a', operator: 'Exists' }]))).toEqual([]);
    expect(pair((spec) => void (spec.activeDeadlineSeconds = 5), { activeDeadlineSeconds: 9 })).toEqual([]);
    expect(pair((spec) => void (spec.schedulingGates = undefined), { schedulingGates: [{ name: 'g' }] })).toEqual([]);
    expect(pair((spec) => void (spec.nodeSelector = { a: 'b' }), { schedulingGates: [{ name: 'g' }] })).toEqual([]);
  });

  it('may not change anything else of the spec, and says what differs', () => {
    const [complaint] = pair((spec) => void (spec.hostname = 'other'));
    expect(complaint).toContain('spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)');
    expect(complaint).toContain('- hostname: <unset>\n+ hostname: "other"');
    expect(pair((spec) => void (spec.nodeName = 'n'))[0]).toContain('+ nodeName: "n"');
  });

  it.each<[string, (spec: PodSpec) => void, Partial<PodSpec>, string]>([
    ['add containers', (spec) => void spec.containers?.push({ name: 'b', image: 'b' }), {}, 'spec.containers: Forbidden: pod updates may not add or remove containers'],
    ['take tolerations away', (spec) => void (spec.tolerations = []), { tolerations: [{ key: 'a', operator: 'Exists' }] }, 'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
    ['prolong the deadline', (spec) => void (spec.activeDeadlineSeconds = 9), { activeDeadlineSeconds: 5 }, 'spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to previous value'],
    ['take the deadline away', (spec) => void (spec.activeDeadlineSeconds = undefined), { activeDeadlineSeconds: 5 }, 'spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value'],
    ['add gates', (spec) => void (spec.schedulingGates = [{ name: 'g' }]), {}, "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'g'"],
    ['change the node selector while gated', (spec) => void (spec.nodeSelector = { a: 'c' }), { schedulingGates: [{ name: 'g' }], nodeSelector: { a: 'b' } }, 'spec.nodeSelector: Invalid value: {"a":"c"}: only additions to spec.nodeSelector are allowed (no mutations or deletions)'],
  ])('may not %s', (_name, change, start, complaint) => {
    expect(pair(change, start)).toContain(complaint);
  });

  it('while gated may require more of its nodes, after what it required, and not less', () => {
    const [a, b] = ['a', 'b'].map((key) => ({ key, operator: 'Exists' }));
    const terms = (...nodeSelectorTerms: object[]): PodSpec['affinity'] => ({ nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } });
    const update = (affinity: PodSpec['affinity']) => pair((spec) => void (spec.affinity = affinity), { schedulingGates: [{ name: 'g' }], affinity: terms({ matchExpressions: [a] }) });
    const field = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';
    expect(update(terms({ matchExpressions: [a, b] }))).toEqual([]);
    expect(update(terms({ matchExpressions: [b, a] }))[0]).toMatch(/nodeSelectorTerms\[0\]: Invalid value: .*: only additions are allowed \(no mutations or deletions\)$/);
    expect(update(undefined)).toEqual([`${field}: Invalid value: null: no additions/deletions to non-empty NodeSelectorTerms list are allowed`]);
  });

  it('while gated may change its affinity to nodes, not to pods', () => {
    const nodeAffinity = { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: { matchExpressions: [{ key: 'a', operator: 'Exists' }] } }] };
    const podAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'zone', labelSelector: { matchLabels: { a: 'b' } } }] };
    const gated = { schedulingGates: [{ name: 'g' }] };
    expect(pair((spec) => void (spec.affinity = { nodeAffinity }), gated)).toEqual([]);
    expect(pair((spec) => void (spec.affinity = { ...spec.affinity, nodeAffinity }), { ...gated, affinity: { podAffinity } })).toEqual([]);
    for (const affinity of [{ podAffinity }, { nodeAffinity, podAffinity }]) expect(pair((spec) => void (spec.affinity = affinity), gated)[0]).toContain('spec: Forbidden: pod updates may not change fields other than');
    expect(pair((spec) => void (spec.affinity = undefined), { ...gated, affinity: { podAffinity } })[0]).toContain('spec: Forbidden: pod updates may not change fields other than');
  });

  it('raises the generation when the spec changes, and only then', () => {
    const previous: Pod = { metadata: { generation: 3 }, spec: { hostname: 'a' } };
    const next: Pod = { metadata: { labels: { a: 'b' } }, spec: { hostname: 'a' } };
    pods.prepareForUpdate(next, previous);
    expect(next.metadata?.generation).toBe(3);
    next.spec = { hostname: 'b' };
    pods.prepareForUpdate(next, previous);
    expect(next.metadata?.generation).toBe(4);
  });

  it('of status: what ended for good stays ended', () => {
    const done = { name: 'main', state: { terminated: { exitCode: 0 } } };
    const previous: Pod = { metadata: { name: 'web', namespace: 'team' }, spec: { restartPolicy: 'Never', containers: [container] }, status: { containerStatuses: [done] } };
    const next: Pod = { ...previous, status: { containerStatuses: [{ name: 'main', state: { running: {} } }], podIPs: [{ ip: 'x' }] } };
    expect(pods.status?.validateUpdate(next, previous).map(({ field, message }) => `${field}: ${message}`)).toEqual([
      'status.podIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state',
    ]);
    const always: Pod = { ...previous, spec: { ...previous.spec, restartPolicy: 'Always' } };
    expect(pods.status?.validateUpdate({ ...next, spec: always.spec, status: { containerStatuses: next.status?.containerStatuses } }, always)).toEqual([]);
  });

  it('of status: an ephemeral container never starts again, and conditions have qualified names', () => {
    const done = { name: 'debug', state: { terminated: { exitCode: 1 } } };
    const previous: Pod = { metadata: { name: 'web', namespace: 'team' }, spec: { restartPolicy: 'Always', containers: [container] }, status: { ephemeralContainerStatuses: [done] } };
    const next: Pod = { ...previous, status: { ephemeralContainerStatuses: [{ name: 'debug', state: { running: {} } }], conditions: [{ type: 'Ready', status: 'True' }, { type: 'example.com/a/b', status: 'True' }] } };
    expect(pods.status?.validateUpdate(next, previous).map(({ field }) => field)).toEqual(['metadata.conditions[1].Type', 'status.ephemeralContainerStatuses[0].state']);
  });

  it('counts a binding as a change of what is wanted, a status not', () => {
    const pod: Pod = { spec: { containers: [container] } };
    expect(pods.changesWanted({ spec: { ...pod.spec, nodeName: 'n' } }, pod)).toBe(true);
    expect(pods.changesWanted({ ...pod, status: { phase: 'Running' } }, pod)).toBe(false);
    expect(pods.changesWanted({ ...pod, metadata: { deletionTimestamp: { seconds: 1 } } }, pod)).toBe(true);
  });
});

