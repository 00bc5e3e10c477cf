import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { extract } from 'tar-stream';

import { buildImageArchive, fullImageName } from './archive';
import { readImageDescription } from './description';
import { pauseProgram } from './pause';
import { isStatic } from './presets';

let directory: string;
beforeEach(() => { directory = mkdtempSync(join(tmpdir(), 'navarch-image-')); });
afterEach(() => rmSync(directory, { recursive: true }));

async function untar(bytes: Buffer): Promise<Record<string, { type?: string | null; mode?: number; linkname?: string | null; content: Buffer }>> {
  const files: Record<string, { type?: string | null; mode?: number; linkname?: string | null; content: Buffer }> = {};
  const tar = extract();
  tar.end(bytes);
  for await (const entry of tar) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const { name, type, mode, linkname } = entry.header;
    files[name] = { type, mode, linkname, content: Buffer.concat(chunks) };
  }
  return files;
}

function writeExample(): void {
  mkdirSync(join(directory, 'app', 'lib'), { recursive: true });
  writeFileSync(join(directory, 'app', 'run'), '#!/bin/sh\n');
  chmodSync(join(directory, 'app', 'run'), 0o755);
  writeFileSync(join(directory, 'app', 'lib', 'data'), 'x');
  writeFileSync(join(directory, 'image.yaml'), `
files: [{ from: app, to: /app }, { content: hello, to: /etc/motd, mode: "0600" }]
directories: { /tmp: "1777" }
links: { /bin/run: /app/run }
entrypoint: [/app/run]
cmd: [now]
env: { A: 1 }
workdir: /app
user: 1000:1000
`);
}

describe('an image built from image.yaml', () => {
  it('is an OCI archive whose manifest, configuration and layer say what was described', async () => {
    writeExample();
    const image = await buildImageArchive('navarch.local/app:1', readImageDescription(directory), 'amd64');
    const archive = await untar(image.bytes);
    const blob = (digest: string): Buffer => archive[`blobs/sha256/${digest.slice(7)}`]?.content ?? Buffer.alloc(0);
    const index = JSON.parse(archive['index.json']?.content.toString() ?? '') as { manifests: [{ digest: string; annotations: Record<string, string> }] };
    expect(index.manifests[0].digest).toBe(image.digest);
    expect(index.manifests[0].annotations['io.containerd.image.name']).toBe('navarch.local/app:1');
    const manifest = JSON.parse(blob(image.digest).toString()) as { config: { digest: string }; layers: [{ digest: string; size: number }] };
    expect(JSON.parse(blob(manifest.config.digest).toString())).toMatchObject({
      architecture: 'amd64', os: 'linux', rootfs: { diff_ids: [manifest.layers[0].digest] },
      config: { Entrypoint: ['/app/run'], Cmd: ['now'], Env: [expect.stringMatching(/^PATH=/), 'A=1'], WorkingDir: '/app', User: '1000:1000' },
    });
    const layer = await untar(blob(manifest.layers[0].digest));
    expect(layer['app/run']).toMatchObject({ type: 'file', mode: 0o755 });
    expect(layer['app/lib/data']?.content.toString()).toBe('x');
    expect(layer['etc/motd']).toMatchObject({ mode: 0o600 });
    expect(layer['bin/run']).toMatchObject({ type: 'symlink', linkname: '/app/run' });
    expect(layer['tmp/'] ?? layer.tmp).toMatchObject({ type: 'directory', mode: 0o1777 });
  });

  it('has the same bytes for the same input', async () => {
    writeExample();
    const [one, two] = [await buildImageArchive('a', readImageDescription(directory)), await buildImageArchive('a', readImageDescription(directory))];
    expect(one.bytes.equals(two.bytes)).toBe(true);
  });

  it.each([
    ['an unknown field', 'form: x', 'unknown field form'],
    ['a path that is not absolute', 'files: [{ content: a, to: etc/x }]', 'files[0].to'],
    ['a path that leaves the root', 'links: { /../x: /y }', 'links'],
    ['both from and content', 'files: [{ from: a, content: a, to: /x }]', 'either'],
    ['a mode that YAML reads as a number', 'directories: { /tmp: 1777 }', 'directories./tmp'],
    ['a command that is no list', 'cmd: echo', 'cmd must be a list'],
  ])('is refused with %s', (_what, yaml, message) => {
    writeFileSync(join(directory, 'image.yaml'), yaml);
    expect(() => readImageDescription(directory)).toThrow(message);
  });
});

describe('image names', () => {
  it.each([
    ['busybox', 'docker.io/library/busybox:latest'], ['me/app:2', 'docker.io/me/app:2'],
    ['navarch.local/app:1', 'navarch.local/app:1'], ['localhost/app', 'localhost/app:latest'], ['registry:5000/app', 'registry:5000/app:latest'],
  ])('%s is %s in full', (name, full) => expect(fullImageName(name)).toBe(full));
  it.each(['', 'Upper', '-a', 'a b'])('"%s" is refused', (name) => expect(() => fullImageName(name)).toThrow('no image name'));
});

const onX64 = process.arch === 'x64' ? describe : describe.skip;
onX64('the pause program', () => {
  const start = (): ReturnType<typeof spawn> => {
    const file = join(directory, 'pause');
    writeFileSync(file, pauseProgram(), { mode: 0o755 });
    return spawn(file, { stdio: 'ignore' });
  };

  it('is a static program of less than 300 bytes', () => {
    expect(isStatic(pauseProgram())).toBe(true);
    expect(pauseProgram().length).toBeLessThan(300);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('waits, outlives other processes\' ends, and ends well on %s', async (signal) => {
    const child = start();
    await once(child, 'spawn');
    // 128 is rt_sigtimedwait: from here on it takes its signals.
    while (!readFileSync(`/proc/${child.pid}/syscall`, 'utf8').startsWith('128 ')) await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGCHLD');
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});
