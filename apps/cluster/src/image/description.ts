/**
 * An image as a person describes it, in image.yaml beside the files it is made of:
 *
 *   files:
 *     - { from: server.js, to: /app/server.js }        # a file or a whole directory, relative to image.yaml
 *     - { content: "hello\n", to: /etc/motd, mode: "0600" }
 *   directories: { /tmp: "1777" }
 *   links: { /bin/sh: /bin/busybox }
 *   entrypoint: [/bin/sh, -c]
 *   cmd: [echo hello]
 *   env: { HOME: /root }
 *   workdir: /app
 *   user: "1000:1000"
 */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { parse } from 'yaml';

export type ImageEntry =
  | { readonly type: 'file'; readonly path: string; readonly mode: number; readonly content: Buffer }
  | { readonly type: 'directory'; readonly path: string; readonly mode: number }
  | { readonly type: 'symlink'; readonly path: string; readonly target: string };

export interface ImageDescription {
  readonly entries: readonly ImageEntry[];
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly workdir?: string;
  readonly user?: string;
}

const keys = ['files', 'directories', 'links', 'entrypoint', 'cmd', 'env', 'workdir', 'user'];

/** Reads DIR/image.yaml and what it names. Throws with the field that is wrong. */
export function readImageDescription(directory: string): ImageDescription {
  const yaml = (parse(readFileSync(join(directory, 'image.yaml'), 'utf8')) ?? {}) as Record<string, unknown>;
  const unknown = Object.keys(yaml).filter((key) => !keys.includes(key));
  if (unknown.length > 0) throw new Error(`image.yaml: unknown field ${unknown.join(', ')}; there are ${keys.join(', ')}`);
  const files = list(yaml.files, 'files').flatMap((file, index) => fileEntries(directory, file, `files[${index}]`));
  const directories = Object.entries(record(yaml.directories, 'directories')).map(([path, mode]): ImageEntry => (
    { type: 'directory', path: absolute(path, 'directories'), mode: parseMode(mode, `directories.${path}`) }));
  const links = Object.entries(record(yaml.links, 'links')).map(([path, target]): ImageEntry => (
    { type: 'symlink', path: absolute(path, 'links'), target: text(target, `links.${path}`) }));
  return {
    entries: [...files, ...directories, ...links],
    ...(yaml.entrypoint !== undefined && { entrypoint: texts(yaml.entrypoint, 'entrypoint') }),
    ...(yaml.cmd !== undefined && { cmd: texts(yaml.cmd, 'cmd') }),
    ...(yaml.env !== undefined && { env: Object.fromEntries(Object.entries(record(yaml.env, 'env')).map(([name, value]) => [name, String(value)])) }),
    ...(yaml.workdir !== undefined && { workdir: text(yaml.workdir, 'workdir') }),
    ...(yaml.user !== undefined && { user: String(yaml.user) }),
  };
}

function fileEntries(directory: string, file: unknown, field: string): ImageEntry[] {
  const { from, content, to, mode } = record(file, field);
  const path = absolute(text(to, `${field}.to`), `${field}.to`);
  if ((from === undefined) === (content === undefined)) throw new Error(`image.yaml: ${field} needs either "from" or "content"`);
  if (content !== undefined) return [{ type: 'file', path, mode: parseMode(mode ?? '0644', `${field}.mode`), content: Buffer.from(text(content, `${field}.content`)) }];
  return copied(join(directory, text(from, `${field}.from`)), path, mode === undefined ? undefined : parseMode(mode, `${field}.mode`));
}

/** A file, or a directory with everything in it; modes are those of the files unless one is given. */
function copied(source: string, path: string, mode: number | undefined): ImageEntry[] {
  const stat = statSync(source);
  if (!stat.isDirectory()) return [{ type: 'file', path, mode: mode ?? stat.mode & 0o7777, content: readFileSync(source) }];
  const below = readdirSync(source).sort().flatMap((name) => copied(join(source, name), join(path, name), mode));
  return [{ type: 'directory', path, mode: stat.mode & 0o7777 }, ...below];
}

function absolute(path: string, field: string): string {
  if (!path.startsWith('/') || path.split('/').includes('..')) throw new Error(`image.yaml: ${field}: "${path}" must be an absolute path without ".."`);
  return path;
}

function parseMode(value: unknown, field: string): number {
  if (typeof value !== 'string' || !/^[0-7]{3,4}$/.test(value)) throw new Error(`image.yaml: ${field}: ${JSON.stringify(value)} is no mode; write it as a string of octal digits, such as "0755"`);
  return parseInt(value, 8);
}

function list(value: unknown, field: string): unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new Error(`image.yaml: ${field} must be a list`);
  return value;
}

function record(value: unknown, field: string): Record<string, unknown> {
  if (value === undefined) return {};
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`image.yaml: ${field} must be a map`);
  return value as Record<string, unknown>;
}

function text(value: unknown, field: string): string {
  if (typeof value !== 'string') throw new Error(`image.yaml: ${field} must be a string, not ${JSON.stringify(value)}`);
  return value;
}

function texts(value: unknown, field: string): string[] {
  return list(value, field).map((item, index) => text(item, `${field}[${index}]`));
}
