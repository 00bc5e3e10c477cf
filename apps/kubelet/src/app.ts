/**
 * The kubelet: makes the pods bound to its node run, and says so. Everything it touches is injected (API, runtime, machine, clock), so
 * that many of them run in one process.
 *
 *   pods watched by node ──► PodWorker, one each: decide (pure) ──► CRI, volumes, hooks, probes ──► status
 *   runtime's events, and a listing now and then ──► the worker whose containers changed
 *   NodeAgent: the Node's status, its Lease, its CNI configuration
 */
import { codecFor, configMaps, nodes, persistentVolumeClaims, persistentVolumes, pods, secrets, services } from '@navarch/api';
import { isNotFound, type Clock, type Logger, type Random } from '@navarch/base';
import { createEventRecorder, createInformer, waitForSync, type ApiClient, type Informer } from '@navarch/client';
import type { ContainerRuntime } from '@navarch/cri';
import type { Pod, Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { PortForwardTarget } from '@navarch/streaming';

import type { KubeletConfig } from './config';
import type { Host } from './host/host';
import { jsonDocument, kubeletHttp, metricsDocument, type KubeletDocuments } from './http/kubelet-http';
import { ImageCollector } from './images/image-collector';
import { createLogReader, type LogReader } from './logs/log-reader';
import { rotateLogs } from './logs/log-rotation';
import { writeCniConfig } from './node/cni';
import { startLocalPath } from './node/local-path';
import { NodeAgent } from './node/node-agent';
import { releaseStaleAttachments } from './node/stale-attachments';
import { allocatableOf } from './node/node-status';
import type { PodSources } from './pod/environment';
import { createImageStore } from './pod/images';
import type { PodContext } from './pod/pod-context';
import { createSharedSources } from './pod/shared-sources';
import { createTokenSource } from './pod/tokens';
import { PodWorkers } from './pod-workers';
import { kubeletMetrics, resourceMetrics, statsSummary } from './stats/documents';
import { NodeStats, type Measurements } from './stats/node-stats';
import { runningPods } from './stats/running-containers';
import { createPodStreams, type PodStreams } from './streaming/pod-streams';

const podCodec = codecFor<Pod>('k8s.io.api.core.v1.Pod');

export interface KubeletOptions {
  readonly nodeName: string;
  readonly client: ApiClient;
  readonly runtime: ContainerRuntime;
  readonly host: Host;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly config: KubeletConfig;
}

export interface Kubelet {
  /** Resolves when the node is registered and every pod of it is in hand. */
  readonly ready: Promise<void>;
  readonly logs: LogReader;
  readonly streams: PodStreams;
  /** What the node and its pods use, as last measured. */
  readonly stats: () => Measurements;
  /** Its own documents by HTTP, for one conversation. */
  readonly http: () => PortForwardTarget;
  /** Lets go of everything; containers run on. */
  close(): Promise<void>;
}

export async function runKubelet(options: KubeletOptions): Promise<Kubelet> {
  const { nodeName, client, runtime, host, clock, random, config } = options;
  const logger = options.logger.child({ node: nodeName });
  const stop = new AbortController();
  const { signal } = stop;
  const machine = await host.machine();
  const recorder = createEventRecorder({ client, clock, random, logger, component: 'kubelet', host: nodeName });

  const node = createInformer({ client: client.resource(nodes), resource: nodes, clock, random, logger, fieldSelector: `metadata.name=${nodeName}` });
  const podInformer = createInformer({ client: client.resource(pods), resource: pods, clock, random, logger, fieldSelector: `spec.nodeName=${nodeName}` });
  const serviceInformer = createInformer({ client: client.resource(services), resource: services, clock, random, logger });
  const agent = new NodeAgent({
    nodeName, client, runtime, host, clock, logger, config, machine, signal,
    report: (type, reason, message) => recorder.event({ kind: 'Node', apiVersion: 'v1', name: nodeName, uid: nodeName }, type, reason, message),
  });

  const sources = sourcesFrom(client, serviceInformer, signal);
  const context: PodContext = {
    nodeName, runtime, host, clock, random, logger, pods: client.resource(pods), sources, refreshSources: createSharedSources(sources, clock), refreshPhase: random.next(), tokens: createTokenSource({ client, clock, random, logger }), images: createImageStore(runtime, clock),
    settings: { ...config, nodeDns: machine.nodeDns, nodeMemoryBytes: machine.memoryBytes }, hostIps: config.addresses, allocatable: allocatableOf(machine, config),
    report: (pod, type, reason, message, container) => recorder.event({
      kind: 'Pod', apiVersion: 'v1', namespace: pod.metadata?.namespace, name: pod.metadata?.name, uid: pod.metadata?.uid, resourceVersion: pod.metadata?.resourceVersion,
      ...(container && { fieldPath: `spec.${container.isInit ? 'initContainers' : 'containers'}{${container.name}}` }),
    }, type, reason, message),
  };
  const collector = new ImageCollector({
    runtime, host, images: context.images, clock, logger, highPercent: config.imageGcHighPercent, lowPercent: config.imageGcLowPercent, minAgeMs: config.imageMinAgeMs,
    report: (type, reason, message) => recorder.event({ kind: 'Node', apiVersion: 'v1', name: nodeName, uid: nodeName }, type, reason, message),
  });
  const workers = new PodWorkers({ context, pods: podInformer, node: () => node.get('', nodeName) ?? { metadata: { name: nodeName } }, signal });
  const stats = new NodeStats({ host, pods: () => podInformer.list(), cgroupRoot: config.cgroupRoot, clock, logger });

  const documents: KubeletDocuments = {
    '/healthz': () => ({ contentType: 'text/plain; charset=utf-8', body: 'ok' }),
    '/configz': () => jsonDocument({ kubeletconfig: config }),
    '/stats/summary': () => jsonDocument(statsSummary(nodeName, stats.latest())),
    '/metrics/resource': () => metricsDocument(resourceMetrics(stats.latest())),
    '/metrics': () => {
      const running = runningPods(podInformer.list(), config.cgroupRoot);
      return metricsDocument(kubeletMetrics(nodeName, running.length, running.flatMap(({ containers }) => containers).length));
    },
    '/pods': () => jsonDocument({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: podInformer.list().map((pod) => podCodec.toJson(pod)) }),
  };
  const configureNetwork = (): void => {
    const { podCIDR, podCIDRs = podCIDR === undefined ? [] : [podCIDR] } = node.get('', nodeName)?.spec ?? {};
    if (podCIDRs.length === 0 || !config.cni) return;
    writeCniConfig(host.files, podCIDRs, config.cni, logger).then(() => agent.check(), (error: unknown) => logger.error('pod network not configured', { error: (error as Error).message }));
  };
  node.onChange(configureNetwork);

  const begin = async (): Promise<void> => {
    node.start(signal);
    podInformer.start(signal);
    serviceInformer.start(signal);
    await agent.start();
    await node.synced;
    configureNetwork();
    await workers.start();
    startLocalPath({ nodeName, client, files: host.files, clock, random, logger, settings: config, signal });
    void rotateLogs({ runtime, files: host.files, clock, logger, paths: config, maxBytes: config.containerLogMaxBytes, maxFiles: config.containerLogMaxFiles }, signal);
    void collector.run(signal);
    if (config.cni) void releaseStaleAttachments({ files: host.files, runtime, clock, logger, directory: `${config.cni.dataDirectory}/navarch` }, signal);
    void stats.run(signal);
  };
  const ready = begin();
  ready.catch((error: unknown) => {
    if (!signal.aborted) logger.error('kubelet did not start', { error: (error as Error).message });
  });
  return {
    ready,
    streams: createPodStreams({ workers, runtime }),
    stats: () => stats.latest(),
    http: () => kubeletHttp(documents, logger),
    logs: createLogReader({ workers, files: host.files, clock, paths: config }),
    async close() {
      stop.abort(new Error('kubelet stopped'));
      workers.close();
      await ready.catch(() => undefined);
      await recorder.flush();
    },
  };
}

function sourcesFrom(client: ApiClient, known: Informer<Service>, signal: AbortSignal): PodSources {
  const orNothing = async <T>(read: Promise<T>): Promise<T | undefined> => {
    try {
      return await read;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  return {
    configMap: (namespace, name) => orNothing(client.resource(configMaps).get(namespace, name)),
    secret: (namespace, name) => orNothing(client.resource(secrets).get(namespace, name)),
    claim: (namespace, name) => orNothing(client.resource(persistentVolumeClaims).get(namespace, name)),
    volume: (name) => orNothing(client.resource(persistentVolumes).get('', name)),
    services: async () => {
      await waitForSync([known], signal);
      return known.list();
    },
  };
}
