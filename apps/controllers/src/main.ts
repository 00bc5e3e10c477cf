import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

import { createRegistry } from '@navarch/api';
import { randomNameSuffix } from '@navarch/base';
import { connectGrpc, createTokenKeys, grpcApiClient, loadTls, parseConfig, processFields, serveProcess, type ProcessContext, type Served } from '@navarch/service';

import { runControllers } from './app';
import type { ControllersConfig } from './config';
import { configOf, controllerFields } from './flags';
import { ControllerMetrics } from './metrics';

const config = parseConfig({
  ...processFields,
  apiserver: { type: 'string', required: true, description: 'The apiserver: host:port or unix:/path.' },
  tlsCa: { type: 'string', required: true, description: 'Authority of the cluster (PEM file).' },
  tlsCert: { type: 'string', required: true, description: 'Certificate of system:kube-controller-manager (PEM file).' },
  tlsKey: { type: 'string', required: true, description: 'Its key (PEM file).' },
  rootCaFile: { type: 'string', description: 'Authority of the apiserver\'s certificate (PEM file), published in every namespace; --tls-ca unless told.' },
  serviceAccountPrivateKeyFile: { type: 'string', description: 'Key that signs tokens of token Secrets (PEM file), as the apiserver has it; where absent, they stay empty.' },
  ...controllerFields,
}, { name: 'navarch-controllers', argv: process.argv.slice(2), env: process.env });

void serveProcess({ name: 'navarch-controllers', version: '0.1.0', config, run });

function tokenSigner(): ControllersConfig['signToken'] {
  const { serviceAccountPrivateKeyFile: file } = config;
  const keys = file === undefined ? undefined : createTokenKeys({ signingKey: readFileSync(file, 'utf8') });
  return keys && ((claims) => keys.sign(claims));
}

async function run({ logger, clock, random }: ProcessContext): Promise<Served> {
  const tls = loadTls({ caFile: config.tlsCa, certificateFile: config.tlsCert, keyFile: config.tlsKey }, clock, logger);
  const channel = connectGrpc({ target: config.apiserver, tls, waitForReady: true });
  const signToken = tokenSigner();
  const registry = createRegistry();
  const metrics = new ControllerMetrics();
  const running = runControllers({
    client: grpcApiClient(channel), clock, random, logger, identity: `${hostname()}_${randomNameSuffix(random, 8)}`, resources: () => registry.all().filter(({ storedAs }) => !storedAs),
    config: { ...configOf(config), rootCa: readFileSync(config.rootCaFile ?? config.tlsCa, 'utf8'), ...(signToken && { signToken }) }, observe: metrics.observe,
  });
  return {
    done: running.done,
    metrics: () => metrics.text(),
    async close() {
      await running.close();
      channel.close();
    },
  };
}
