import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { installCommand, requirementsMessage, withoutServiceStarts } from './install';
import { missingKernelParts, missingRights, requirements } from './requirements';

let directory: string;
beforeEach(() => { directory = mkdtempSync(join(tmpdir(), 'navarch-requirements-')); });
afterEach(() => rmSync(directory, { recursive: true }));

describe('what a cluster needs', () => {
  it('is named with its purpose before anything is installed, and installed without removing or recommending packages', () => {
    const missing = requirements.filter(({ package: from }) => from === 'containerd' || from === 'nats-server');
    expect(requirementsMessage(missing)).toContain('nats-server: stores every object (package nats-server)');
    expect(installCommand(missing).join(' ')).toBe('apt-get install --yes --no-remove --no-install-recommends nats-server containerd');
  });

  it('includes rights: root, and root with its capabilities', () => {
    const all = 'CapEff:\t000001ffffffffff';
    expect(missingRights(1000, all)).toEqual(['this needs root: run it with sudo']);
    expect(missingRights(0, all)).toEqual([]);
    expect(missingRights(0, 'CapEff:\t00000000a80425fb').join('\n')).toMatch(/CAP_SYS_ADMIN.*\n.*CAP_NET_ADMIN.*--privileged/s);
  });

  it('includes control groups and namespaces', () => {
    expect(missingKernelParts(() => true)).toEqual([]);
    expect(missingKernelParts(() => false)).toHaveLength(2);
  });
});

describe('installing packages', () => {
  const policy = (): string => join(directory, 'policy-rc.d');

  it('lets no service start meanwhile, and leaves no trace of that', async () => {
    await withoutServiceStarts(async () => {
      expect(readFileSync(policy(), 'utf8')).toMatch(/^#!\/bin\/sh\n.*exit 101\n$/s);
    }, policy());
    expect(existsSync(policy())).toBe(false);
  });

  it('leaves no trace when it fails', async () => {
    await expect(withoutServiceStarts(() => Promise.reject(new Error('no network')), policy())).rejects.toThrow('no network');
    expect(existsSync(policy())).toBe(false);
  });

  it("leaves the machine's own policy as it is", async () => {
    writeFileSync(policy(), '#!/bin/sh\nexit 0\n');
    chmodSync(policy(), 0o755);
    await withoutServiceStarts(() => Promise.resolve(), policy());
    expect(readFileSync(policy(), 'utf8')).toBe('#!/bin/sh\nexit 0\n');
  });

  it('takes back a policy that a killed installation left', async () => {
    await withoutServiceStarts(async () => {
      await withoutServiceStarts(() => Promise.resolve(), policy());
      expect(existsSync(policy())).toBe(false);
    }, policy());
  });
});
