import { isIP } from 'node:net';

import { connectGrpc, grpcApiClient, loadTls, parseConfig, processFields, serveProcess, type ProcessContext, type Served } from '@navarch/service';

import { runDns } from './app';

const config = parseConfig({
  ...processFields,
  apiserver: { type: 'string', required: true, description: 'The apiserver: host:port or unix:/path.' },
  tlsCa: { type: 'string', required: true, description: 'Authority of the cluster (PEM file).' },
  tlsCert: { type: 'string', required: true, description: 'Certificate of system:dns (PEM file).' },
  tlsKey: { type: 'string', required: true, description: 'Its key (PEM file).' },
  listen: { type: 'list', required: true, description: 'Addresses to answer at, by UDP and TCP: address:port or [address]:port.' },
  clusterDomain: { type: 'string', default: 'cluster.local', description: 'DNS domain of the cluster.' },
  upstream: { type: 'list', default: [], description: 'Servers for all other names, in the order in which they are asked: address or address:port. None: such questions are refused.' },
  recordTtl: { type: 'integer', default: 5, min: 0, max: 3_600, description: 'Seconds that clients may keep the cluster\'s records.' },
  nodeName: { type: 'string', description: 'This server\'s node: with it, the server becomes an endpoint of the Service kube-system/kube-dns.' },
  serviceAddress: { type: 'string', default: '10.96.0.10', description: 'Cluster address of that Service.' },
}, { name: 'navarch-dns', argv: process.argv.slice(2), env: process.env });

void serveProcess({ name: 'navarch-dns', version: '0.1.0', config, run });

function endpoint(flag: string, text: string): { host: string; port: number } {
  const [, host = text, port = '53'] = /^\[?([^\]]*?)\]?:(\d{1,5})$/.exec(isIP(text) ? `[${text}]:53` : text) ?? [];
  if (isIP(host) === 0 || Number(port) > 65_535) throw new Error(`--${flag}: "${text}" is no address:port`);
  return { host, port: Number(port) };
}

async function run({ logger, clock, random }: ProcessContext): Promise<Served> {
  const listen = config.listen.map((text) => endpoint('listen', text));
  const upstreams = config.upstream.map((text) => endpoint('upstream', text));
  const tls = loadTls({ caFile: config.tlsCa, certificateFile: config.tlsCert, keyFile: config.tlsKey }, clock, logger);
  const channel = connectGrpc({ target: config.apiserver, tls, waitForReady: true });
  const dns = await runDns({
    client: grpcApiClient(channel), clock, random, logger, domain: config.clusterDomain.replace(/\.$/, ''), listen, upstreams, ttl: config.recordTtl,
    ...(config.nodeName && { registration: { nodeName: config.nodeName, addresses: listen.map(({ host }) => host), serviceAddress: config.serviceAddress } }),
  });
  logger.info('listening', { addresses: listen.map(({ host }, index) => `${host}:${dns.ports[index]}`) });
  return {
    metrics: () => dns.metrics(),
    async close() {
      await dns.close();
      channel.close();
    },
  };
}
