import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { CommandError, run } from './exec';
import { mountsBelow, parseMounts } from './mounts';
import { findProcesses, identify, isRunning, signalProcess } from './proc';

describe('processes', () => {
  it('are recognized by pid and start time: one that has ended is not, nor another that has its pid', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const identity = identify(child.pid ?? 0);
    if (!identity) throw new Error('sleep does not run');
    expect(isRunning(identity)).toBe(true);
    const reused = { ...identity, startTicks: identity.startTicks - 1 };
    expect(isRunning(reused)).toBe(false);
    signalProcess(reused, 'SIGKILL');
    expect(isRunning(identity)).toBe(true);
    signalProcess(identity, 'SIGKILL');
    await once(child, 'exit');
    expect(isRunning(identity)).toBe(false);
  });

  it('are found by their environment', async () => {
    const mark = `NAVARCH_TEST_MARK=${process.pid}`;
    const child = spawn('sleep', ['60'], { stdio: 'ignore', env: { PATH: process.env.PATH, NAVARCH_TEST_MARK: String(process.pid) } });
    await once(child, 'spawn');
    expect(findProcesses(({ environment }) => environment.includes(mark)).map(({ pid }) => pid)).toEqual([child.pid]);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(findProcesses(({ environment }) => environment.includes(mark))).toEqual([]);
  });
});

describe('commands', () => {
  it('answer what they write, and take input', async () => expect(await run(['cat'], { input: 'hello' })).toBe('hello'));
  it('that fail say their code and what they complained of', async () => {
    const failure: unknown = await run(['sh', '-c', 'echo broken >&2; exit 3']).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CommandError);
    expect(failure).toMatchObject({ code: 3, message: 'sh -c echo broken >&2; exit 3: exit code 3: broken' });
  });
  it('that do not exist say so', async () => expect(run(['no-such-program'])).rejects.toThrow('ENOENT'));
});

describe('mounts', () => {
  const mountinfo = [
    '21 1 254:0 / / rw,relatime - ext4 /dev/vda rw',
    '90 21 0:40 / /run/a\\040b rw shared:1 - tmpfs tmpfs rw',
    '91 90 0:41 / /run/a\\040b/inner rw - overlay overlay rw',
    '92 21 0:42 / /run/abc rw - tmpfs tmpfs rw',
    '',
  ].join('\n');

  it('are read with their types, and blanks in their paths', () => {
    expect(parseMounts(mountinfo)[1]).toEqual({ path: '/run/a b', type: 'tmpfs' });
    expect(parseMounts(mountinfo)[2]?.type).toBe('overlay');
  });

  it('below a directory come innermost first, without those of a directory with a longer name', () => {
    expect(mountsBelow('/run/a b', parseMounts(mountinfo))).toEqual(['/run/a b/inner', '/run/a b']);
    expect(mountsBelow('/run/ab', parseMounts(mountinfo))).toEqual([]);
  });
});
