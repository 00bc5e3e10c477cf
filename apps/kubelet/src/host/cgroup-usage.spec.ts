import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { cgroupMounts, readCgroup } from './cgroup-usage';
import { processorTime } from './linux-host';

const root = mkdtempSync(join(tmpdir(), 'cgroups-'));
afterAll(() => rmSync(root, { recursive: true }));

function cgroup(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

describe('what a cgroup uses', () => {
  it('is found where the hierarchies are mounted, whichever version has the controllers', () => {
    const versionOne = [
      '30 24 0:26 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw', '31 24 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:5 - cgroup cgroup rw,cpu,cpuacct', '32 24 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
      '33 24 0:29 / /proc rw - proc proc rw', '',
    ].join('\n');
    expect(cgroupMounts(versionOne)).toEqual({ unified: '/sys/fs/cgroup/unified', cpuacct: '/sys/fs/cgroup/cpu,cpuacct', memory: '/sys/fs/cgroup/memory' });
    expect(cgroupMounts('30 24 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n')).toEqual({ unified: '/sys/fs/cgroup' });
  });

  it('version 1: time and memory, without files that nobody has looked at for a while', async () => {
    cgroup({
      'cpuacct/pod/c1/cpuacct.usage': '1500000000\n', 'memory/pod/c1/memory.usage_in_bytes': '1000000\n', 'memory/pod/c1/memory.stat': 'inactive_file 7\ntotal_inactive_file 400000\n',
    });
    const mounts = { cpuacct: `${root}/cpuacct`, memory: `${root}/memory` };
    expect(await readCgroup(mounts, '/pod/c1')).toEqual({ cpuNanoseconds: 1_500_000_000, memoryBytes: 1_000_000, workingSetBytes: 600_000 });
    expect(await readCgroup(mounts, '/pod/gone')).toBeUndefined();
  });

  it('version 2: the same', async () => {
    cgroup({ 'v2/pod/c1/cpu.stat': 'usage_usec 1500\nuser_usec 1000\n', 'v2/pod/c1/memory.current': '5000\n', 'v2/pod/c1/memory.stat': 'anon 1\ninactive_file 6000\n' });
    expect(await readCgroup({ unified: `${root}/v2` }, '/pod/c1')).toEqual({ cpuNanoseconds: 1_500_000, memoryBytes: 5_000, workingSetBytes: 0 });
  });

  it('a machine\'s time is what its processors did, without waiting', () => {
    expect(processorTime('cpu  10 1 5 1000 50 2 3 0 0 0\ncpu0 1 1 1 1 1 1 1 0 0 0\n')).toBe(21 * 10_000_000);
  });
});
