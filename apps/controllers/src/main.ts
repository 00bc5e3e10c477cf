import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

import { createRegistry } from '@navarch/api';
import { randomNameSuffix } from '@navarch/base';
import { connectGrpc, createTokenKeys, grpcApiClient, loadTls, parseConfig, processFields, serveProcess, type ProcessContext, type Served } from '@navarch/service';

import { runControllers } from './app';
import { clusterRangesOf, defaultConfig, type ControllersConfig } from './config';

const config = parseConfig({
  ...processFields,
  apiserver: { type: 'string', required: true, description: 'The apiserver: host:port or unix:/path.' },
  tlsCa: { type: 'string', required: true, description: 'Authority of the cluster (PEM file).' },
  tlsCert: { type: 'string', required: true, description: 'Certificate of system:kube-controller-manager (PEM file).' },
  tlsKey: { type: 'string', required: true, description: 'Its key (PEM file).' },
  clusterCidr: { type: 'list', default: ['10.244.0.0/16'], description: 'Where pod ranges of nodes come from: one CIDR, or one of each family.' },
  nodeCidrMaskSizeIpv4: { type: 'integer', default: 24, min: 1, max: 32, description: 'Prefix length of a node\'s IPv4 pod range.' },
  nodeCidrMaskSizeIpv6: { type: 'integer', default: 64, min: 1, max: 128, description: 'Prefix length of a node\'s IPv6 pod range.' },
  nodeMonitorGracePeriod: { type: 'duration', default: defaultConfig.nodeMonitorGracePeriodMs, min: 1_000, description: 'A node whose Lease was not renewed for so long is Unknown.' },
  nodeStartupGracePeriod: { type: 'duration', default: defaultConfig.nodeStartupGracePeriodMs, min: 1_000, description: 'The same for a node that never reported.' },
  nodeMonitorPeriod: { type: 'duration', default: defaultConfig.nodeMonitorPeriodMs, min: 100, description: 'How often a node that is not ready is looked at.' },
  nodeEvictionRate: { type: 'number', default: defaultConfig.nodeEvictionRate, min: 0, description: 'Nodes per second and zone from which pods are driven away.' },
  secondaryNodeEvictionRate: { type: 'number', default: defaultConfig.secondaryNodeEvictionRate, min: 0, description: 'The same in a large zone most of which is down.' },
  largeClusterSizeThreshold: { type: 'integer', default: defaultConfig.largeClusterThreshold, min: 0, description: 'More nodes than this make a zone large.' },
  rootCaFile: { type: 'string', description: 'Authority of the apiserver\'s certificate (PEM file), published in every namespace; --tls-ca unless told.' },
  serviceAccountPrivateKeyFile: { type: 'string', description: 'Key that signs tokens of token Secrets (PEM file), as the apiserver has it; where absent, they stay empty.' },
  terminatedPodGcThreshold: { type: 'integer', default: defaultConfig.terminatedPodThreshold, min: 0, description: 'More terminated pods than this: the oldest are deleted. 0: never.' },
}, { name: 'navarch-controllers', argv: process.argv.slice(2), env: process.env });

void serveProcess({ name: 'navarch-controllers', version: '0.1.0', config, run });

function tokenSigner(): ControllersConfig['signToken'] {
  const { serviceAccountPrivateKeyFile: file } = config;
  const keys = file === undefined ? undefined : createTokenKeys({ signingKey: readFileSync(file, 'utf8') });
  return keys && ((claims) => keys.sign(claims));
}

async function run({ logger, clock, random }: ProcessContext): Promise<Served> {
  const clusterRanges = clusterRangesOf(config.clusterCidr, { ipv4: config.nodeCidrMaskSizeIpv4, ipv6: config.nodeCidrMaskSizeIpv6 });
  const tls = loadTls({ caFile: config.tlsCa, certificateFile: config.tlsCert, keyFile: config.tlsKey }, clock, logger);
  const channel = connectGrpc({ target: config.apiserver, tls, waitForReady: true });
  const signToken = tokenSigner();
  const registry = createRegistry();
  const running = runControllers({
    client: grpcApiClient(channel), clock, random, logger, identity: `${hostname()}_${randomNameSuffix(random, 8)}`, resources: () => registry.all().filter(({ storedAs }) => !storedAs),
    config: {
      clusterRanges,
      nodeMonitorGracePeriodMs: config.nodeMonitorGracePeriod,
      nodeStartupGracePeriodMs: config.nodeStartupGracePeriod,
      nodeMonitorPeriodMs: config.nodeMonitorPeriod,
      nodeEvictionRate: config.nodeEvictionRate,
      secondaryNodeEvictionRate: config.secondaryNodeEvictionRate,
      largeClusterThreshold: config.largeClusterSizeThreshold,
      rootCa: readFileSync(config.rootCaFile ?? config.tlsCa, 'utf8'),
      ...(signToken && { signToken }),
      terminatedPodThreshold: config.terminatedPodGcThreshold,
    },
  });
  return {
    done: running.done,
    async close() {
      await running.close();
      channel.close();
    },
  };
}
