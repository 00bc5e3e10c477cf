import type { Socket } from 'node:net';

import { connectGrpc, grpcApiClient, loadTls, parseConfig, processFields, serveProcess, type ProcessContext, type Served } from '@navarch/service';

import { runRelay } from './app';
import type { FromDoorkeeper } from './messages';

const fields = {
  ...processFields,
  networkNamespace: { type: 'string', required: true, description: 'File of the network namespace from which the nodes\' addresses are reached.' },
  apiserver: { type: 'string', required: true, description: 'The apiserver: host:port or unix:/path.' },
  tlsCa: { type: 'string', required: true, description: 'Authority of the cluster (PEM file).' },
  tlsCert: { type: 'string', required: true, description: 'Certificate of system:kube-proxy (PEM file).' },
  tlsKey: { type: 'string', required: true, description: 'Its key (PEM file).' },
} as const;

/** The half inside the cluster's network; ends when its doorkeeper does. */
export async function serveRelay(): Promise<void> {
  const config = parseConfig(fields, { name: 'navarch-relay', argv: process.argv.slice(2), env: process.env });
  const run = ({ logger, clock, random }: ProcessContext): Promise<Served> => {
    const tls = loadTls({ caFile: config.tlsCa, certificateFile: config.tlsCert, keyFile: config.tlsKey }, clock, logger);
    const channel = connectGrpc({ target: config.apiserver, tls, waitForReady: true });
    const relay = runRelay({ client: grpcApiClient(channel), clock, random, logger, send: (message) => process.connected && process.send?.(message) });
    process.on('message', (message, connection) => relay.receive(message as FromDoorkeeper, connection as Socket | undefined));
    return Promise.resolve({
      done: new Promise((resolve) => process.once('disconnect', resolve)),
      async close() {
        await relay.close();
        channel.close();
      },
    });
  };
  await serveProcess({ name: 'navarch-relay', version: '0.1.0', config, run });
}
