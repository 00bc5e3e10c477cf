import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

import { randomNameSuffix } from '@navarch/base';
import { connectGrpc, createGrpcServer, grpcApiClient, loadTls, parseConfig, processFields, serveProcess, type ProcessContext, type Served } from '@navarch/service';

import { runScheduler } from './app';
import { defaultConfig } from './config';
import { readSchedulerConfiguration } from './configuration-file';
import { diagnoseService } from './diagnose-service';

const config = parseConfig({
  ...processFields,
  apiserver: { type: 'string', required: true, description: 'The apiserver: host:port or unix:/path.' },
  tlsCa: { type: 'string', required: true, description: 'Authority of the cluster (PEM file).' },
  tlsCert: { type: 'string', required: true, description: 'Certificate of system:kube-scheduler (PEM file).' },
  tlsKey: { type: 'string', required: true, description: 'Its key (PEM file).' },
  listen: { type: 'list', default: [], description: 'Where to serve navarch.scheduler.v1 (why a pod waits): host:port or unix:/path. None where absent.' },
  leaderElect: { type: 'boolean', default: true, description: 'Take part in the election of the one scheduler that works.' },
  schedulerConfig: { type: 'string', description: 'KubeSchedulerConfiguration (YAML file): profiles, plugins and their arguments, back-off.' },
  maxBindsInFlight: { type: 'integer', default: defaultConfig.maxBindsInFlight, min: 1, description: 'Decisions on their way to the API at one time.' },
  bindTimeout: { type: 'duration', default: defaultConfig.bindTimeoutMs, min: 1_000, description: 'How long one binding may take.' },
}, { name: 'navarch-scheduler', argv: process.argv.slice(2), env: process.env });

void serveProcess({ name: 'navarch-scheduler', version: '0.1.0', config, run });

async function run({ logger, clock, random }: ProcessContext): Promise<Served> {
  const fromFile = config.schedulerConfig ? readSchedulerConfiguration(readFileSync(config.schedulerConfig, 'utf8')) : {};
  const tls = loadTls({ caFile: config.tlsCa, certificateFile: config.tlsCert, keyFile: config.tlsKey }, clock, logger);
  const channel = connectGrpc({ target: config.apiserver, tls, waitForReady: true });
  const scheduler = runScheduler({
    client: grpcApiClient(channel), clock, random, logger,
    config: { ...fromFile, maxBindsInFlight: config.maxBindsInFlight, bindTimeoutMs: config.bindTimeout },
    ...(config.leaderElect && { leaderElection: { identity: `${hostname()}_${randomNameSuffix(random, 8)}` } }),
  });
  const server = config.listen.length > 0 ? await createGrpcServer({ listen: config.listen, tls, services: [diagnoseService(scheduler)], logger, clock }) : undefined;
  return {
    done: scheduler.done,
    async close() {
      await server?.close();
      await scheduler.close();
      channel.close();
    },
  };
}
