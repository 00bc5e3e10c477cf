import { silentLogger, VirtualClock } from '@navarch/base';
import type { PodSandbox } from '@navarch/proto/runtime/v1/cri';

import { createMemoryHost } from '../host/memory-host';
import { cniConfig, fillTemplate, writeCniConfig, type CniSettings } from './cni';
import { releaseStaleAttachments } from './stale-attachments';

const cni: CniSettings = { configDirectory: '/etc/cni/net.d', dataDirectory: '/var/lib/cni', hostPorts: false };
const ranges = ['10.244.3.0/24'];

describe('the CNI configuration', () => {
  it('of a dual-stack node gives each pod an address and a default route of both families', () => {
    expect(JSON.parse(cniConfig(['10.244.3.0/24', 'fd00:10:244:3::/64'], cni))).toMatchObject({
      cniVersion: '1.0.0', plugins: [{ ipam: { ranges: [[{ subnet: '10.244.3.0/24' }], [{ subnet: 'fd00:10:244:3::/64' }]], routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }] } }],
    });
  });

  it('of an IPv6 node has no IPv4 in it', () => expect(cniConfig(['fd00::/64'], cni)).not.toContain('0.0.0.0'));

  it('chains host ports and bandwidth behind the bridge, where asked for', () => {
    const plugins = (settings: CniSettings): string[] => (JSON.parse(cniConfig(ranges, settings)) as { plugins: { type: string }[] }).plugins.map(({ type }) => type);
    expect([plugins(cni), plugins({ ...cni, hostPorts: true }), plugins({ ...cni, hostPorts: true, bandwidth: true })]).toEqual([['bridge'], ['bridge', 'portmap'], ['bridge', 'portmap', 'bandwidth']]);
  });

  it('is written once, and left alone while nothing changes', async () => {
    const { files } = createMemoryHost();
    await writeCniConfig(files, ranges, cni, silentLogger);
    const [name = ''] = await files.list(cni.configDirectory);
    const before = await files.stat(`${cni.configDirectory}/${name}`);
    await writeCniConfig(files, ranges, cni, silentLogger);
    expect([await files.list(cni.configDirectory), await files.stat(`${cni.configDirectory}/${name}`)]).toEqual([['10-navarch.conflist'], before]);
  });

  it("yields to a file that someone else put there, and comes back when that is gone", async () => {
    const { files } = createMemoryHost();
    await writeCniConfig(files, ranges, cni, silentLogger);
    await files.write(`${cni.configDirectory}/99-theirs.conflist`, '{}');
    await writeCniConfig(files, ranges, cni, silentLogger);
    expect(await files.list(cni.configDirectory)).toEqual(['99-theirs.conflist']);
    await files.remove(`${cni.configDirectory}/99-theirs.conflist`);
    await writeCniConfig(files, ranges, cni, silentLogger);
    expect(await files.list(cni.configDirectory)).toEqual(['10-navarch.conflist']);
  });

  it("is made from the cluster's templates where there are some, with the node's own ranges filled in", async () => {
    const { files } = createMemoryHost();
    await files.makeDirectory('/templates');
    await files.write('/templates/20-ptp.conflist', '{"type":"ptp","subnet":"__POD_CIDR__","dataDir":"__DATA_DIRECTORY__"}');
    await writeCniConfig(files, ranges, cni, silentLogger);
    await writeCniConfig(files, ranges, { ...cni, templateDirectory: '/templates' }, silentLogger);
    const names = await files.list(cni.configDirectory);
    expect(names).toEqual(['navarch-template-20-ptp.conflist']);
    expect((await files.read(`${cni.configDirectory}/${names[0]}`)).toString()).toBe('{"type":"ptp","subnet":"10.244.3.0/24","dataDir":"/var/lib/cni"}');
  });

  it.each([['__POD_CIDR_IPV6__', 'the node has no such range'], ['__NONSENSE__', 'there are __POD_CIDR__']])('a template that asks for %s is refused: %s', (text, message) => {
    expect(() => fillTemplate(text, ranges, cni)).toThrow(message);
  });

  it('a directory without templates is an error that says so, and nothing is taken away', async () => {
    const { files } = createMemoryHost();
    await writeCniConfig(files, ranges, cni, silentLogger);
    await expect(writeCniConfig(files, ranges, { ...cni, templateDirectory: '/none' }, silentLogger)).rejects.toThrow('/none holds no CNI configuration');
    expect(await files.list(cni.configDirectory)).toEqual(['10-navarch.conflist']);
  });
});

describe('addresses that a crash left reserved', () => {
  const directory = '/var/lib/cni/navarch';

  it('are free again when the runtime did not know their sandbox at two looks; those of known and of new sandboxes stay', async () => {
    const { files } = createMemoryHost();
    const clock = new VirtualClock(0, () => new Promise((resolve) => setImmediate(resolve)));
    const stop = new AbortController();
    let sandboxes = ['known'];
    await files.makeDirectory(directory);
    const reserve = (address: string, sandbox: string): Promise<void> => files.write(`${directory}/${address}`, `${sandbox}\r\neth0`);
    await reserve('10.244.3.2', 'known');
    await reserve('10.244.3.3', 'lost');
    await reserve('fd00::3', 'lost');
    await reserve('10.244.3.4', 'being-made');
    await files.write(`${directory}/last_reserved_ip.0`, '10.244.3.4');
    await files.write(`${directory}/lock`, '');
    const done = releaseStaleAttachments({ files, runtime: { listPodSandboxes: () => Promise.resolve(sandboxes.map((id) => ({ id }) as PodSandbox)) }, clock, logger: silentLogger, directory, periodMs: 1_000 }, stop.signal);
    await clock.advance(500);
    expect((await files.list(directory)).length).toBe(6);
    sandboxes = ['known', 'being-made'];
    await reserve('10.244.3.5', 'younger');
    await clock.advance(1_000);
    expect([...(await files.list(directory))].sort()).toEqual(['10.244.3.2', '10.244.3.4', '10.244.3.5', 'last_reserved_ip.0', 'lock']);
    stop.abort(new Error('over'));
    await done;
  });

  it('an address that was given to another sandbox meanwhile is not taken from it', async () => {
    const { files } = createMemoryHost();
    const clock = new VirtualClock(0, () => new Promise((resolve) => setImmediate(resolve)));
    const stop = new AbortController();
    await files.makeDirectory(directory);
    await files.write(`${directory}/10.244.3.2`, 'lost\r\neth0');
    const done = releaseStaleAttachments({ files, runtime: { listPodSandboxes: () => Promise.resolve([]) }, clock, logger: silentLogger, directory, periodMs: 1_000 }, stop.signal);
    await clock.advance(500);
    await files.write(`${directory}/10.244.3.2`, 'next\r\neth0');
    await clock.advance(1_000);
    expect(await files.list(directory)).toEqual(['10.244.3.2']);
    stop.abort(new Error('over'));
    await done;
  });
});
