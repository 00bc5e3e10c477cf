import { deadlineSignal, sleep } from './clock';
import { systemClock } from './system-clock';
import { VirtualClock } from './virtual-clock';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const virtual = (): VirtualClock => new VirtualClock(1_000_000, settle);

describe('VirtualClock', () => {
  it('fires timers in order of due time, then in the order they were set', async () => {
    const clock = virtual();
    const fired: string[] = [];
    clock.setTimer(20, () => fired.push('late'));
    clock.setTimer(10, () => fired.push('first'));
    clock.setTimer(10, () => fired.push('second'));
    await clock.advance(30);
    expect(fired).toEqual(['first', 'second', 'late']);
    expect(clock.now()).toBe(1_000_030);
    expect(clock.monotonic()).toBe(30);
  });

  it('shows a timer its own due time and lets promise chains run out before the next', async () => {
    const clock = virtual();
    const seen: (number | string)[] = [];
    clock.setTimer(5, () => {
      void Promise.resolve().then(() => Promise.resolve()).then(() => seen.push('chain'));
      seen.push(clock.monotonic());
    });
    clock.setTimer(5, () => seen.push('next'));
    await clock.advance(5);
    expect(seen).toEqual([5, 'chain', 'next']);
  });

  it('does not fire a cancelled timer', async () => {
    const clock = virtual();
    const fired = jest.fn();
    clock.setTimer(5, fired)();
    await clock.advance(10);
    expect(fired).not.toHaveBeenCalled();
    expect(clock.pending).toBe(0);
  });

  it('advances until a condition holds and throws when time runs out first', async () => {
    const clock = virtual();
    let ready = false;
    clock.setTimer(50, () => { ready = true; });
    await clock.advanceUntil(() => ready, 1_000);
    expect(clock.monotonic()).toBe(50);
    await expect(clock.advanceUntil(() => false, 1_000)).rejects.toThrow('not reached');
  });
});

describe('sleep', () => {
  it('resolves when its time has come and leaves no listener behind', async () => {
    const clock = virtual();
    const controller = new AbortController();
    const removed = jest.spyOn(controller.signal, 'removeEventListener');
    const done = sleep(clock, 10, controller.signal);
    await clock.advance(10);
    await expect(done).resolves.toBeUndefined();
    expect(removed).toHaveBeenCalled();
  });

  it('rejects with the reason of an abort and drops its timer', async () => {
    const clock = virtual();
    const controller = new AbortController();
    const done = sleep(clock, 10, controller.signal);
    controller.abort(new Error('stop'));
    await expect(done).rejects.toThrow('stop');
    expect(clock.pending).toBe(0);
  });

  it('rejects at once where the signal has aborted already', async () => {
    await expect(sleep(virtual(), 10, AbortSignal.abort(new Error('before')))).rejects.toThrow('before');
  });
});

describe('deadlineSignal', () => {
  it('aborts with the reason when time is up', async () => {
    const clock = virtual();
    const { signal } = deadlineSignal(clock, 10, () => new Error('too late'));
    await clock.advance(10);
    expect(signal.aborted && (signal.reason as Error).message).toBe('too late');
  });

  it('aborts with its parent, and not at all once disposed', async () => {
    const clock = virtual();
    const parent = new AbortController();
    const child = deadlineSignal(clock, 10, () => new Error('too late'), parent.signal);
    const disposed = deadlineSignal(clock, 10, () => new Error('too late'), parent.signal);
    disposed.dispose();
    parent.abort(new Error('parent'));
    await clock.advance(20);
    expect((child.signal.reason as Error).message).toBe('parent');
    expect(disposed.signal.aborted).toBe(false);
    child.dispose();
  });
});

describe('systemClock', () => {
  it('calls back later and can be cancelled', async () => {
    const cancelled = jest.fn();
    systemClock.setTimer(0, cancelled)();
    await new Promise<void>((resolve) => { systemClock.setTimer(1, resolve); });
    expect(cancelled).not.toHaveBeenCalled();
  });
});
