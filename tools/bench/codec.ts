/**
 * How many pods a second the codecs of @navarch/api carry: `npx tsx tools/bench/codec.ts`. One core, a pod of the size
 * that a Deployment makes (defaults, status, two containers with probes).
 */
import { performance } from 'node:perf_hooks';

import { pods, withResourceVersion, type JsonValue } from '@navarch/api';

const container = (name: string): object => ({
  name, image: `registry.example/${name}:1.2`, command: ['/bin/app'], args: ['--port', '8080'],
  ports: [{ name: 'http', containerPort: 8080 }], env: [{ name: 'A', value: 'b' }, { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
  resources: { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '256Mi' } },
  livenessProbe: { httpGet: { path: '/ok', port: 'http' } }, readinessProbe: { httpGet: { path: '/ok', port: 8080 } },
  volumeMounts: [{ name: 'config', mountPath: '/etc/app', readOnly: true }],
});

const time = '2026-01-02T03:04:05Z';
const json: JsonValue = JSON.parse(JSON.stringify({
  apiVersion: 'v1', kind: 'Pod',
  metadata: { name: 'web-5d9c7b8f6-abcde', namespace: 'team', uid: '0f3f8b0a-8f1e-4f63-9d3e-1b1d2c3b4a59', creationTimestamp: time, labels: { app: 'web', tier: 'front' }, annotations: { 'navarch.io/trace-id': 'a'.repeat(32) },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-5d9c7b8f6', uid: 'x', controller: true, blockOwnerDeletion: true }] },
  spec: { nodeName: 'node-1', containers: [container('web'), container('side')], volumes: [{ name: 'config', configMap: { name: 'web' } }], tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }] },
  status: { phase: 'Running', podIP: '10.244.0.5', podIPs: [{ ip: '10.244.0.5' }], startTime: time,
    conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({ type, status: 'True', lastTransitionTime: time })),
    containerStatuses: ['web', 'side'].map((name) => ({ name, ready: true, started: true, restartCount: 0, image: `registry.example/${name}:1.2`, imageID: 'sha256:ab', containerID: 'containerd://ab', state: { running: { startedAt: time } } })) },
})) as JsonValue;

const pod = pods.codec.fromJson(json);
pods.setDefaults(pod);
const bytes = pods.codec.encode(pod);
const text = JSON.stringify(pods.codec.toJson(pod));

function measure(name: string, run: () => unknown): void {
  const until = (ms: number): number => {
    const start = performance.now();
    let count = 0;
    while (performance.now() - start < ms) {
      for (let index = 0; index < 50; index++) run();
      count += 50;
    }
    return (count / (performance.now() - start)) * 1000;
  };
  until(300);
  console.log(`${name.padEnd(34)}${Math.round(until(1000)).toLocaleString('en').padStart(10)} pods/s`);
}

console.log(`a pod of ${bytes.length} bytes in protobuf, ${text.length} in JSON`);
measure('encode', () => pods.codec.encode(pod));
measure('decode, normalized', () => pods.codec.decode(bytes));
measure('toJson', () => pods.codec.toJson(pod));
measure('toJson and JSON.stringify', () => JSON.stringify(pods.codec.toJson(pod)));
measure('fromJson', () => pods.codec.fromJson(json));
measure('JSON.parse and fromJson', () => pods.codec.fromJson(JSON.parse(text) as JsonValue));
measure('withResourceVersion', () => withResourceVersion(bytes, '123456'));
measure('validateCreate', () => pods.validateCreate(pod));
