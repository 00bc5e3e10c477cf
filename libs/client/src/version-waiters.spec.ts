import { compareVersions, VersionWaiters } from './version-waiters';

describe('resource versions', () => {
  it.each([['9', '10', -1], ['10', '9', 1], ['10', '10', 0], ['99999999999999999999', '100000000000000000000', -1], ['', '1', -1]])('%s against %s', (left, right, sign) => {
    expect(Math.sign(compareVersions(left, right))).toBe(sign);
  });
});

describe('waiting for a version', () => {
  it('resolves when that version or a later one is seen, at once when it has been', async () => {
    const waiters = new VersionWaiters();
    const resolved: string[] = [];
    const waits = ['5', '10', '11'].map((version) => waiters.waitFor(version).then(() => resolved.push(version)));
    waiters.advance('10');
    await Promise.all(waits.slice(0, 2));
    expect(resolved).toEqual(['5', '10']);
    await waiters.waitFor('9');
    waiters.advance('12');
    await Promise.all(waits);
  });

  it('rejects with the reason when the signal aborts, before or after', async () => {
    const waiters = new VersionWaiters();
    const stop = new AbortController();
    const waiting = waiters.waitFor('1', stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(waiters.waitFor('1', stop.signal)).rejects.toThrow('enough');
  });

  it.each(['', '0', 'abc', '-1'])('rejects "%s", which is no version', async (version) => {
    await expect(new VersionWaiters().waitFor(version)).rejects.toThrow('not a resource version');
  });
});
