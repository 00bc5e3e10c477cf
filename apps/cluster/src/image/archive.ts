/** OCI image archives (OCI image-spec 1.0, image-layout), the same bytes for the same input: no times, no user names, sorted. */
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';

import { pack } from 'tar-stream';

import type { ImageDescription, ImageEntry } from './description';

const epoch = new Date(0);

export interface ImageArchive {
  /** The full name, with registry and tag. */
  readonly name: string;
  /** Of the manifest. */
  readonly digest: string;
  readonly bytes: Buffer;
}

/** As container tools read short names: busybox is docker.io/library/busybox:latest. */
export function fullImageName(name: string): string {
  if (!/^[a-z0-9][a-z0-9._:/-]*$/.test(name) || name.includes('//')) throw new Error(`"${name}" is no image name; use something like navarch.local/app:1`);
  const tagged = /:[^/]+$/.test(name) ? name : `${name}:latest`;
  const [first = '', ...rest] = tagged.split('/');
  if (rest.length === 0) return `docker.io/library/${tagged}`;
  return /[.:]|^localhost$/.test(first) ? tagged : `docker.io/${tagged}`;
}

export async function buildImageArchive(name: string, description: ImageDescription, architecture = ociArchitecture()): Promise<ImageArchive> {
  const layer = await tarOf(withParents(description.entries).map(tarEntry));
  const config = json({
    architecture, os: 'linux',
    config: {
      ...(description.entrypoint && { Entrypoint: description.entrypoint }),
      ...(description.cmd && { Cmd: description.cmd }),
      Env: Object.entries({ PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...description.env }).map(([key, value]) => `${key}=${value}`),
      ...(description.workdir && { WorkingDir: description.workdir }),
      ...(description.user && { User: description.user }),
    },
    rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
  });
  const manifest = json({
    schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layer)],
  });
  const full = fullImageName(name);
  const index = json({
    schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [{
      ...descriptor('application/vnd.oci.image.manifest.v1+json', manifest), platform: { architecture, os: 'linux' },
      annotations: { 'io.containerd.image.name': full, 'org.opencontainers.image.ref.name': full.slice(full.lastIndexOf(':') + 1) },
    }],
  });
  const blobs = [layer, config, manifest].map((blob): [string, Buffer] => [`blobs/sha256/${digestOf(blob).slice('sha256:'.length)}`, blob]);
  const files = [['oci-layout', json({ imageLayoutVersion: '1.0.0' })] as [string, Buffer], ['index.json', index] as [string, Buffer], ...blobs];
  const bytes = await tarOf(files.map(([path, content]) => ({ header: { name: path, mode: 0o644, mtime: epoch }, content })));
  return { name: full, digest: digestOf(manifest), bytes };
}

function ociArchitecture(): string {
  return ({ x64: 'amd64', ia32: '386' } as Record<string, string>)[process.arch] ?? process.arch;
}

/** Sorted, each once (the last counts), with the directories above them. */
function withParents(entries: readonly ImageEntry[]): ImageEntry[] {
  const byPath = new Map<string, ImageEntry>();
  for (const { path } of entries) {
    for (let parent = dirname(path); parent !== '/'; parent = dirname(parent)) byPath.set(parent, { type: 'directory', path: parent, mode: 0o755 });
  }
  for (const entry of entries) byPath.set(entry.path, entry);
  return [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

interface TarEntry {
  readonly header: { name: string; mode: number; mtime: Date; type?: 'file' | 'directory' | 'symlink'; linkname?: string };
  readonly content?: Buffer;
}

function tarEntry(entry: ImageEntry): TarEntry {
  const header = { name: entry.path.slice(1), mtime: epoch, type: entry.type };
  if (entry.type === 'symlink') return { header: { ...header, mode: 0o777, linkname: entry.target } };
  if (entry.type === 'directory') return { header: { ...header, mode: entry.mode } };
  return { header: { ...header, mode: entry.mode }, content: entry.content };
}

async function tarOf(entries: readonly TarEntry[]): Promise<Buffer> {
  const tar = pack();
  for (const { header, content } of entries) {
    if (content) tar.entry(header, content);
    else tar.entry(header);
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const descriptor = (mediaType: string, bytes: Buffer): object => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
