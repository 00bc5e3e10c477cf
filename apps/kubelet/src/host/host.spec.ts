import { mkdtempSync, rmSync } from 'node:fs';

import { seededRandom } from '@navarch/base';

import { writePayload } from '../pod/payload';
import type { HostFiles } from './host';
import { createLinuxHost, parseResolvConf } from './linux-host';
import { createMemoryHost } from './memory-host';

const directory = mkdtempSync('/tmp/nv-host-');
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe.each<[string, () => { files: HostFiles; root: string }]>([
  ['this machine', () => ({ files: createLinuxHost({ rootDirectory: directory }).files, root: directory })],
  ['the machine in memory', () => ({ files: createMemoryHost().files, root: '/root' })],
])('HostFiles contract: %s', (_name, make) => {
  let files: HostFiles;
  let root: string;
  let made = 0;
  beforeEach(async () => {
    ({ files, root } = make());
    root = `${root}/${made += 1}`;
    await files.makeDirectory(root);
  });

  it('writes whole files, reads them whole, from the end and in parts', async () => {
    await files.write(`${root}/f`, '0123456789');
    expect((await files.read(`${root}/f`)).toString()).toBe('0123456789');
    expect((await files.read(`${root}/f`, { tailBytes: 3 })).toString()).toBe('789');
    expect((await files.readAt(`${root}/f`, 8, 100)).toString()).toBe('89');
    expect(await files.readAt(`${root}/f`, 10, 5)).toHaveLength(0);
    expect(await files.list(root)).toEqual(['f']);
  });

  it('tells a replaced file from the old one', async () => {
    await files.write(`${root}/f`, 'a');
    const before = await files.stat(`${root}/f`);
    await files.write(`${root}/g`, 'b');
    expect(before).toMatchObject({ kind: 'file', size: 1 });
    expect((await files.stat(`${root}/g`))?.identity).not.toBe(before?.identity);
  });

  it('says NotFound of what does not exist, except where nothing is an answer', async () => {
    await expect(files.read(`${root}/none`)).rejects.toMatchObject({ reason: 'NotFound' });
    await expect(files.readAt(`${root}/none`, 0, 1)).rejects.toMatchObject({ reason: 'NotFound' });
    await expect(files.write(`${root}/none/f`, '')).rejects.toMatchObject({ reason: 'NotFound' });
    expect([await files.stat(`${root}/none`), await files.list(`${root}/none`)]).toEqual([undefined, []]);
    await files.remove(`${root}/none`);
  });

  it('makes directories with their parents, again if asked, and removes them with all below', async () => {
    await files.makeDirectory(`${root}/a/b/c`);
    await files.makeDirectory(`${root}/a/b/c`);
    await files.write(`${root}/a/b/f`, 'x');
    expect((await files.stat(`${root}/a/b`))?.kind).toBe('directory');
    await files.remove(`${root}/a`);
    expect(await files.list(root)).toEqual([]);
  });

  it('follows links, and replaces them', async () => {
    await files.makeDirectory(`${root}/one`);
    await files.makeDirectory(`${root}/two`);
    await files.write(`${root}/one/f`, '1');
    await files.write(`${root}/two/f`, '2');
    await files.link('one', `${root}/now`);
    expect((await files.read(`${root}/now/f`)).toString()).toBe('1');
    await files.link('two', `${root}/now`);
    expect((await files.read(`${root}/now/f`)).toString()).toBe('2');
  });

  it('volumes of ConfigMaps and Secrets: readers see all of the old files or all of the new ones', async () => {
    const random = seededRandom(1);
    const payload = (entries: Record<string, string>) => new Map(Object.entries(entries).map(([path, text]) => [path, { data: Buffer.from(text), mode: 0o644 }]));
    await writePayload(files, random, root, payload({ a: '1', 'dir/b': '2' }));
    const before = await files.list(root);
    expect(before.filter((name) => !name.startsWith('..'))).toEqual(['a', 'dir']);
    await writePayload(files, random, root, payload({ a: '1', 'dir/b': '2' }));
    expect(await files.list(root)).toEqual(before);
    await writePayload(files, random, root, payload({ a: 'one', c: '3' }));
    expect((await files.list(root)).filter((name) => !name.startsWith('..'))).toEqual(['a', 'c']);
    expect([(await files.read(`${root}/a`)).toString(), (await files.read(`${root}/c`)).toString()]).toEqual(['one', '3']);
    expect((await files.list(root)).filter((name) => name.startsWith('..'))).toHaveLength(2);
  });
});

describe('this machine', () => {
  it('says what it has', async () => {
    const host = createLinuxHost({ rootDirectory: directory });
    const machine = await host.machine();
    expect([machine.cpus, machine.memoryBytes, machine.storageBytes].every((value) => value > 0)).toBe(true);
    expect(machine).toMatchObject({ architecture: expect.stringMatching(/^(amd64|arm64)$/) as string, kernelVersion: expect.stringMatching(/^\d+\./) as string });
    const usage = await host.usage();
    expect(usage.memoryAvailableBytes).toBeLessThanOrEqual(machine.memoryBytes);
    expect(usage.processes).toBeGreaterThan(0);
    expect(usage.memoryWorkingSetBytes).toBeGreaterThan(0);
    expect(usage.memoryWorkingSetBytes).toBeLessThan(machine.memoryBytes);
    expect(usage.cpuNanoseconds).toBeGreaterThan(0);
  });

  it('refuses a connection to where nobody listens', async () => {
    const { network } = createLinuxHost({ rootDirectory: directory });
    await expect(network.connect('127.0.0.1', 1, 1_000)).rejects.toThrow(/ECONNREFUSED/);
    await expect(network.httpGet({ scheme: 'HTTP', host: '127.0.0.1', port: 1, path: '/', headers: [] }, 1_000)).rejects.toThrow(/^Get "http:\/\/127.0.0.1:1\/": /);
  });

  it('reads resolv.conf', () => {
    expect(parseResolvConf('# x\nnameserver 10.0.0.1\nsearch a b\noptions ndots:2\nnameserver 10.0.0.2\n')).toEqual({ servers: ['10.0.0.1', '10.0.0.2'], searches: ['a', 'b'], options: ['ndots:2'] });
  });
});
