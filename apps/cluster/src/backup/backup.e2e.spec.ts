/** A whole cluster's way to a backup and back, by the command. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { createTestHome } from '../testing/local-cluster';

const test = createTestHome();
const cluster = `backup-${process.pid}`;
const file = join(test.home, 'cluster.navarch.gz');
const configMap = (name: string): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { key: 'value' } });
const navarch = (command: string, input?: string): ReturnType<typeof test.navarch> => test.navarch([...command.split(' '), '--name', cluster], input);
const versionOf = async (name: string): Promise<number> => Number(/"resourceVersion": "(\d+)"/.exec((await navarch(`get configmap ${name} -o json`)).stdout)?.[1]);

jest.setTimeout(240_000);
afterAll(async () => {
  await navarch('down');
  rmSync(test.home, { recursive: true, force: true });
}, 60_000);

describe('navarch backup and restore', () => {
  it('bring a cluster back as it was: what was made later is gone, versions go on above all that were given out, and nodes become Ready again', async () => {
    expect(await navarch('up --nodes 1')).toMatchObject({ code: 0 });
    await navarch('apply -f -', configMap('kept'));
    const before = await versionOf('kept');
    expect(await navarch(`backup ${file}`)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+ objects as of version \d+, and \d+ events, are in /) as string });
    await navarch('apply -f -', configMap('late'));
    const late = await versionOf('late');
    expect(await navarch(`restore ${file}`)).toMatchObject({ code: 1, stderr: expect.stringContaining('is running; stop it first: navarch down --keep') as string });
    await navarch('down --keep');
    expect(await navarch(`restore ${file}`)).toMatchObject({ code: 1, stderr: expect.stringContaining('say --replace') as string });
    expect(await navarch(`restore ${file} --replace`)).toMatchObject({ code: 0, stdout: expect.stringMatching(/are restored, from version \d+ on/) as string });
    expect(await navarch('up')).toMatchObject({ code: 0 });
    expect((await navarch('get configmap late')).stderr).toContain('not found');
    const after = await versionOf('kept');
    expect(before).toBeLessThan(late);
    expect(after).toBeGreaterThan(late);
  });

  it('say in one line what is wrong: no such cluster, no such file, a server that is not there', async () => {
    const absent = await test.navarch(['backup', file, '--name', 'absent']);
    expect(absent).toMatchObject({ code: 1, stderr: 'navarch: cluster "absent" is not running; start it with: navarch up --name absent\n' });
    const missing = join(test.home, 'missing');
    expect(await test.navarch(['restore', missing])).toMatchObject({ code: 1, stderr: `navarch: there is no file ${missing}\n` });
    const { code, stderr } = await test.navarch(['backup', file, '--nats', '127.0.0.1:1']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error from server \(Unavailable\): connecting to NATS at 127\.0\.0\.1:1: [^\n]*\n$/);
  });
});
