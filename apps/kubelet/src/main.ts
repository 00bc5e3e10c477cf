import { mkdir } from 'node:fs/promises';

import { connectContainerd } from '@navarch/cri';
import {
  connectGrpc, createGrpcServer, grpcApiClient, loadTls, parseConfig, processFields, serveProcess, type ProcessContext, type Served, type TlsFiles,
} from '@navarch/service';

import { runKubelet } from './app';
import { defaultConfig, type KubeletConfig } from './config';
import { createLinuxHost } from './host/linux-host';
import { kubeletMethods } from './logs/log-service';
import { parseTaints } from './node/taints';

const version = '0.1.0';

const config = parseConfig({
  ...processFields,
  nodeName: { type: 'string', required: true, description: 'Name of this node, as its certificate has it (system:node:<name>).' },
  nodeAddress: { type: 'list', required: true, description: 'The node\'s own addresses; the first is its InternalIP.' },
  apiserver: { type: 'string', required: true, description: 'The apiserver: host:port or unix:/path.' },
  tlsCa: { type: 'string', required: true, description: 'Authority of the cluster (PEM file).' },
  tlsCert: { type: 'string', required: true, description: 'This node\'s certificate, shown to the apiserver and to those who ask this kubelet (PEM file).' },
  tlsKey: { type: 'string', required: true, description: 'Its key (PEM file).' },
  listen: { type: 'list', required: true, description: 'Where this kubelet serves logs, commands and port-forwards to the apiserver: unix:/path or host:port. The first is advertised.' },
  containerdSocket: { type: 'string', default: '/run/containerd/containerd.sock', description: 'CRI v1 socket of the container runtime.' },
  rootDirectory: { type: 'string', default: defaultConfig.rootDirectory, description: 'Volumes and other files of pods.' },
  podLogsDirectory: { type: 'string', default: defaultConfig.podLogsDirectory, description: 'Log files of containers.' },
  cgroupRoot: { type: 'string', default: '', description: 'Cgroup below which this node\'s pods go; for several nodes on one machine.' },
  cniConfigDirectory: { type: 'string', description: 'Where the node\'s CNI configuration is written from its pod range; absent: it is made by someone else.' },
  cniDataDirectory: { type: 'string', default: '/var/lib/cni/networks', description: 'Where host-local keeps the addresses it gave.' },
  hostPorts: { type: 'boolean', description: 'Add the portmap plugin (needs iptables in the node\'s namespace).' },
  bandwidth: { type: 'boolean', description: 'Add the bandwidth plugin, for the annotations kubernetes.io/ingress-bandwidth and egress-bandwidth.' },
  cniTemplateDirectory: { type: 'string', description: 'CNI configuration to use instead of our own; __POD_CIDR__, __POD_CIDR_IPV6__ and __DATA_DIRECTORY__ in it are filled in.' },
  mtu: { type: 'integer', min: 576, description: 'MTU of the pods\' bridge.' },
  maxPods: { type: 'integer', default: defaultConfig.maxPods, min: 1, description: 'Most pods on this node.' },
  containerLogMaxSize: { type: 'integer', default: defaultConfig.containerLogMaxBytes, min: 0, description: 'Bytes of a container\'s log at which it is rotated; 0: never.' },
  containerLogMaxFiles: { type: 'integer', default: defaultConfig.containerLogMaxFiles, min: 2, description: 'Most log files of one container.' },
  imageGcHighThreshold: { type: 'integer', default: defaultConfig.imageGcHighPercent, min: 1, max: 100, description: 'Percent of the disk in use from which unused images are removed; 100: never.' },
  imageGcLowThreshold: { type: 'integer', default: defaultConfig.imageGcLowPercent, min: 0, max: 99, description: 'Percent of the disk in use down to which they are.' },
  minimumImageTtl: { type: 'duration', default: defaultConfig.imageMinAgeMs, min: 0, description: 'How long an image stays at least.' },
  reserved: { type: 'list', description: 'Kept from pods: cpu=100m,memory=256Mi,ephemeral-storage=1Gi.' },
  nodeLabels: { type: 'list', description: 'Labels to register with: key=value.' },
  registerWithTaints: { type: 'list', description: 'Taints to register with: key=value:effect.' },
  clusterDns: { type: 'list', description: 'Addresses of the cluster DNS.' },
  clusterDomain: { type: 'string', default: defaultConfig.clusterDns.domain, description: 'DNS domain of the cluster.' },
}, { name: 'navarch-kubelet', argv: process.argv.slice(2), env: process.env });

void serveProcess({ name: 'navarch-kubelet', version, config, run });

function pairs(items: readonly string[] | undefined, flag: string): Record<string, string> {
  return Object.fromEntries((items ?? []).map((item) => {
    const [key, value] = item.split(/=(.*)/s);
    if (!key || value === undefined) throw new Error(`--${flag}: "${item}" is not key=value`);
    return [key, value];
  }));
}

function kubeletConfig(): KubeletConfig {
  const { cniConfigDirectory, cniDataDirectory, cniTemplateDirectory, hostPorts, bandwidth, mtu } = config;
  const [endpoint] = config.listen;
  return {
    addresses: config.nodeAddress, ...(endpoint && { endpoint }), rootDirectory: config.rootDirectory, podLogsDirectory: config.podLogsDirectory,
    containerLogMaxBytes: config.containerLogMaxSize, containerLogMaxFiles: config.containerLogMaxFiles,
    imageGcHighPercent: config.imageGcHighThreshold, imageGcLowPercent: config.imageGcLowThreshold, imageMinAgeMs: config.minimumImageTtl,
    cgroupRoot: config.cgroupRoot.replace(/\/$/, ''), maxPods: config.maxPods, reserved: pairs(config.reserved, 'reserved'), labels: pairs(config.nodeLabels, 'node-labels'), taints: parseTaints(config.registerWithTaints),
    ...(cniConfigDirectory && { cni: { configDirectory: cniConfigDirectory, dataDirectory: cniDataDirectory, hostPorts: hostPorts ?? false, ...(bandwidth && { bandwidth }), ...(cniTemplateDirectory !== undefined && { templateDirectory: cniTemplateDirectory }), ...(mtu !== undefined && { mtu }) } }),
    clusterDns: { servers: config.clusterDns ?? [], domain: config.clusterDomain }, version: defaultConfig.version,
  };
}

async function run({ logger, clock, random, health }: ProcessContext): Promise<Served> {
  await mkdir(config.rootDirectory, { recursive: true });
  const tls: TlsFiles = { caFile: config.tlsCa, certificateFile: config.tlsCert, keyFile: config.tlsKey };
  const channel = connectGrpc({ target: config.apiserver, tls: loadTls(tls, clock, logger), waitForReady: true });
  const runtime = connectContainerd({ socket: config.containerdSocket, clock, logger });
  const kubelet = await runKubelet({
    nodeName: config.nodeName, client: grpcApiClient(channel), runtime, host: createLinuxHost({ rootDirectory: config.rootDirectory }), clock, random, logger, config: kubeletConfig(),
  });
  const server = await createGrpcServer({ listen: config.listen, tls, services: [kubeletMethods(kubelet), health.methods], logger, clock });
  logger.info('listening', { addresses: server.addresses });
  return {
    async close() {
      await server.close();
      await kubelet.close();
      runtime.close();
      channel.close();
    },
  };
}
