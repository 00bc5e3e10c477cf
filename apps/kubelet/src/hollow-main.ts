/** Many hollow nodes in one process: each with its own certificate, its own channel to the apiserver and its own socket. */
import { join } from 'node:path';

import { inParallel } from '@navarch/base';
import { connectGrpc, createGrpcServer, grpcApiClient, loadTls, parseConfig, processFields, serveProcess, type ProcessContext, type Served, type TlsFiles } from '@navarch/service';

import { startHollowNode } from './hollow/hollow-node';
import { kubeletMethods } from './logs/log-service';

const config = parseConfig({
  ...processFields,
  count: { type: 'integer', required: true, min: 1, max: 5_000, description: 'How many nodes.' },
  namePrefix: { type: 'string', default: 'hollow-', description: 'Their names: this and a number from 1 on.' },
  apiserver: { type: 'string', required: true, description: 'The apiserver: host:port or unix:/path.' },
  tlsCa: { type: 'string', required: true, description: 'Authority of the cluster (PEM file).' },
  keysDirectory: { type: 'string', required: true, description: 'Where each node finds its certificate and key: <name>.crt and <name>.key.' },
  listenDirectory: { type: 'string', required: true, description: 'Where each node listens for the apiserver: <name>.kubelet.sock.' },
  maxPods: { type: 'integer', default: 110, min: 1, description: 'Most pods on each node.' },
}, { name: 'navarch-hollow', argv: process.argv.slice(2), env: process.env });

/** TLS handshakes at once: more only wait for each other. */
const startsAtOnce = 16;

void serveProcess({ name: 'navarch-hollow', version: '0.1.0', config, run });

async function run(context: ProcessContext): Promise<Served> {
  const names = Array.from({ length: config.count }, (_, index) => `${config.namePrefix}${index + 1}`);
  const nodes: Served[] = [];
  await inParallel(names, startsAtOnce, async (name) => { nodes.push(await startNode(name, context)); });
  context.logger.info('hollow nodes started', { count: nodes.length });
  return { close: async () => void await Promise.all(nodes.map((node) => node.close())) };
}

async function startNode(name: string, { logger, clock, random, health }: ProcessContext): Promise<Served> {
  const tls: TlsFiles = { caFile: config.tlsCa, certificateFile: join(config.keysDirectory, `${name}.crt`), keyFile: join(config.keysDirectory, `${name}.key`) };
  const channel = connectGrpc({ target: config.apiserver, tls: loadTls(tls, clock, logger), waitForReady: true });
  const endpoint = `unix:${join(config.listenDirectory, `${name}.kubelet.sock`)}`;
  const node = await startHollowNode({ nodeName: name, client: grpcApiClient(channel), clock, random, logger, config: { endpoint, maxPods: config.maxPods } });
  const server = await createGrpcServer({ listen: [endpoint], tls, services: [kubeletMethods(node.kubelet), health.methods], logger, clock });
  await node.kubelet.ready;
  return {
    async close() {
      await server.close();
      await node.close();
      channel.close();
    },
  };
}
