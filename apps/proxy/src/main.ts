import { connectGrpc, grpcApiClient, loadTls, parseConfig, processFields, serveProcess, type ProcessContext, type Served } from '@navarch/service';

import { runProxy } from './app';
import { createIpRouteTable, routeProtocol } from './ip-route-table';

const config = parseConfig({
  ...processFields,
  nodeName: { type: 'string', required: true, description: 'Name of the node whose routes are kept.' },
  apiserver: { type: 'string', required: true, description: 'The apiserver: host:port or unix:/path.' },
  tlsCa: { type: 'string', required: true, description: 'Authority of the cluster (PEM file).' },
  tlsCert: { type: 'string', required: true, description: 'Certificate of system:kube-proxy (PEM file).' },
  tlsKey: { type: 'string', required: true, description: 'Its key (PEM file).' },
  routeProtocol: { type: 'integer', default: routeProtocol, min: 5, max: 255, description: 'The proto number that marks this proxy\'s routes in the kernel.' },
  routePeriod: { type: 'duration', default: 30_000, min: 100, description: 'How often the kernel\'s routes are compared although no node changed.' },
}, { name: 'navarch-proxy', argv: process.argv.slice(2), env: process.env });

void serveProcess({ name: 'navarch-proxy', version: '0.1.0', config, run });

async function run({ logger, clock, random }: ProcessContext): Promise<Served> {
  const tls = loadTls({ caFile: config.tlsCa, certificateFile: config.tlsCert, keyFile: config.tlsKey }, clock, logger);
  const channel = connectGrpc({ target: config.apiserver, tls, waitForReady: true });
  const proxy = runProxy({
    client: grpcApiClient(channel), clock, random, logger, nodeName: config.nodeName,
    routes: createIpRouteTable({ protocol: config.routeProtocol }), driftPeriodMs: config.routePeriod,
  });
  return {
    async close() {
      await proxy.close();
      channel.close();
    },
  };
}
