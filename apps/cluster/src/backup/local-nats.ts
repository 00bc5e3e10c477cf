import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { NatsConnectionOptions } from '@navarch/store-nats';

import { withLock } from '../cluster/lock';
import { markVariable, type Places } from '../cluster/places';
import { clusterPhase, requireRunning } from '../cluster/running';
import type { ClusterState } from '../cluster/state';
import { natsUser } from '../control-plane/nats';

/**
 * Works with the NATS server of a local cluster: the one that runs, or, of a cluster that was stopped with --keep, one started for the while. Throws an
 * Error that says what to do where the cluster is not in the state that is wanted.
 */
export async function withLocalNats<T>(places: Places, wanted: 'running' | 'stopped', work: (connection: NatsConnectionOptions) => Promise<T>): Promise<T> {
  if (wanted === 'running') return work(connectionOf(places, requireRunning(places)));
  // The lock keeps an `up` from beginning meanwhile.
  return withLock(places, () => {
    const { phase, state } = clusterPhase(places);
    const name = places.cluster === 'default' ? '' : ` --name ${places.cluster}`;
    if (phase === 'absent' || !state) throw new Error(`there is no cluster "${places.cluster}" to restore into; make one: navarch up${name} && navarch down --keep${name}`);
    if (phase !== 'stopped') throw new Error(`cluster "${places.cluster}" is running; stop it first: navarch down --keep${name}`);
    return withServer(places, () => work(connectionOf(places, state)));
  });
}

function connectionOf(places: Places, { ports }: ClusterState): NatsConnectionOptions {
  return {
    servers: `127.0.0.1:${ports.nats}`, tls: { ca: readFileSync(join(places.pki, 'ca.crt'), 'utf8') },
    credentials: { user: natsUser, password: readFileSync(join(places.pki, 'nats-password'), 'utf8') },
  };
}

/** It bears the cluster's mark, so that `down` finds it after kill -9 of this process. */
async function withServer<T>(places: Places, work: () => Promise<T>): Promise<T> {
  const log = openSync(places.log('nats-server'), 'a', 0o600);
  const child = spawn('nats-server', ['--config', join(places.nats, 'nats.conf')], { stdio: ['ignore', log, log], env: { ...process.env, [markVariable]: places.id } });
  closeSync(log);
  const ended = new Promise<void>((resolve) => { child.once('exit', () => resolve()).once('error', () => resolve()); });
  try {
    return await work();
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}
