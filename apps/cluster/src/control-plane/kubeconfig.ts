import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { stringify } from 'yaml';

import type { Places } from '../cluster/places';
import type { ClusterState } from '../cluster/state';
import { adminKeys } from './pki';

/**
 * The administrator's kubeconfig, with everything in it, so that it works wherever it is copied on this machine. The default cluster's
 * stands at $NAVARCH_HOME/kubeconfig, others' in their own directory.
 */
export function kubeconfigFile(places: Places): string {
  return places.cluster === 'default' ? join(places.home, 'kubeconfig') : join(places.directory, 'kubeconfig');
}

export function writeKubeconfig(places: Places, state: ClusterState): void {
  const name = `navarch-${places.cluster}`;
  const data = (file: string): string => readFileSync(join(places.pki, file)).toString('base64');
  const config = {
    apiVersion: 'v1', kind: 'Config', 'current-context': name,
    clusters: [{ name, cluster: { server: `https://127.0.0.1:${state.ports.rest}`, 'certificate-authority-data': data('ca.crt') } }],
    users: [{ name: `${name}-admin`, user: { 'client-certificate-data': data(`${adminKeys}.crt`), 'client-key-data': data(`${adminKeys}.key`) } }],
    contexts: [{ name, context: { cluster: name, user: `${name}-admin` } }],
  };
  writeFileSync(kubeconfigFile(places), stringify(config, { lineWidth: 0 }), { mode: 0o600 });
}

export function removeKubeconfig(places: Places): void {
  rmSync(kubeconfigFile(places), { force: true });
}
