import { connectGrpc, grpcApiClient, loadTls, parseConfig, processFields, serveProcess, type ProcessContext, type Served } from '@navarch/service';

import { requireKernel, runProxy } from './app';
import { startApiRelay } from './api-relay';
import { cleanUp } from './clean-up';
import { createIpRouteTable, routeProtocol } from './ip-route-table';
import { createNftProcess } from './nft/nft-process';
import { createVxlan } from './overlay';
import { createConntrack } from './services/flows';
import { createHealthPorts } from './services/health-ports';

const config = parseConfig({
  ...processFields,
  nodeName: { type: 'string', required: true, description: 'Name of the node whose routes and Services are kept.' },
  apiserver: { type: 'string', required: true, description: 'The apiserver: host:port or unix:/path.' },
  tlsCa: { type: 'string', required: true, description: 'Authority of the cluster (PEM file).' },
  tlsCert: { type: 'string', required: true, description: 'Certificate of system:kube-proxy (PEM file).' },
  tlsKey: { type: 'string', required: true, description: 'Its key (PEM file).' },
  routeProtocol: { type: 'integer', default: routeProtocol, min: 5, max: 255, description: 'The proto number that marks this proxy\'s routes in the kernel.' },
  vxlanAddress: { type: 'list', description: 'This node\'s own addresses, one per family: given, pods of other nodes are reached by VXLAN between node addresses, which need not be on one link. The same on all nodes.' },
  vxlanId: { type: 'integer', default: 20_047, min: 1, max: 16_777_215, description: 'VXLAN network identifier.' },
  vxlanPort: { type: 'integer', default: 4789, min: 1, max: 65_535, description: 'UDP port of VXLAN.' },
  linkMtu: { type: 'integer', default: 1500, min: 1280, max: 65_535, description: 'Bytes that the links between nodes carry; with VXLAN pods\' packets may have 50 less (70 over IPv6).' },
  routePeriod: { type: 'duration', default: 30_000, min: 100, description: 'How often the kernel\'s routes and tables are compared although nothing changed.' },
  rewritePeriod: { type: 'duration', default: 3_600_000, min: 1000, description: 'How often the table of Services is written anew with all its elements.' },
  apiRelay: { type: 'string', description: 'Where pods reach the API server, and the socket it is behind: host:port=unix:/path; none where absent.' },
  cleanup: { type: 'boolean', default: false, description: 'Take all that a proxy left in this kernel away, and end.' },
}, { name: 'navarch-proxy', argv: process.argv.slice(2), env: process.env });

void serveProcess({ name: 'navarch-proxy', version: '0.1.0', config, run });

async function run({ logger, clock, random }: ProcessContext): Promise<Served> {
  const nft = createNftProcess({ clock });
  const overlay = createVxlan({ addresses: config.vxlanAddress, vni: config.vxlanId, port: config.vxlanPort, linkMtu: config.linkMtu });
  const routes = createIpRouteTable({ protocol: config.routeProtocol, ...(config.vxlanAddress.length > 0 && !config.cleanup && { overlay }) });
  if (config.cleanup) return { done: cleanUp({ nft, routes, overlay, logger }), close: () => nft.close() };
  const tls = loadTls({ caFile: config.tlsCa, certificateFile: config.tlsCert, keyFile: config.tlsKey }, clock, logger);
  const channel = connectGrpc({ target: config.apiserver, tls, waitForReady: true });
  const shared = { client: grpcApiClient(channel), clock, random, logger, nodeName: config.nodeName };
  await requireKernel({ ...shared, nft });
  const relay = config.apiRelay ? await startApiRelay(config.apiRelay, logger) : undefined;
  const proxy = runProxy({
    ...shared, routes, driftPeriodMs: config.routePeriod,
    services: { nft, flows: createConntrack(), healthPorts: (failed) => createHealthPorts({ logger, failed }), rewritePeriodMs: config.rewritePeriod },
  });
  return {
    async close() {
      await relay?.close();
      await proxy.close();
      channel.close();
    },
  };
}
