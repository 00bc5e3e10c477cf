import { ApiError } from '@navarch/base';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { createRig, isReadyPod, testImage, type Rig } from '../testing/rig';

let rig: Rig;
beforeEach(async () => {
  rig = await createRig({ config: { containerLogMaxBytes: 100, containerLogMaxFiles: 3 } });
});
afterEach(() => rig.close());

const directory = ({ metadata }: Pod): string => `/var/log/pods/default_web_${metadata?.uid}/main`;
const names = (pod: Pod): Promise<readonly string[]> => rig.host.files.list(directory(pod));
const write = (pod: Pod, text: string): void => rig.host.files.append(`${directory(pod)}/0.log`, text);
async function running(): Promise<Pod> {
  await rig.createPod({ containers: [{ name: 'main', image: testImage }] });
  return rig.until(isReadyPod);
}
/** The runtime opens its log anew, as containerd does. */
const reopening = (pod: Pod) => jest.spyOn(rig.runtime, 'reopenContainerLog').mockImplementation(async () => { write(pod, ''); });

it('a log that has grown too large is put aside, and the runtime writes to a new one', async () => {
  const pod = await running();
  const reopen = reopening(pod);
  write(pod, 'x'.repeat(99));
  await rig.clock.advance(11_000);
  expect(reopen).not.toHaveBeenCalled();
  write(pod, 'y');
  await rig.clock.advance(11_000);
  expect(reopen).toHaveBeenCalledTimes(1);
  expect(await names(pod)).toEqual(['0.log', expect.stringMatching(/^0\.log\.2026\d{4}-\d{6}\.\d{3}$/)]);
});

it('of what was put aside only so many are kept, the newest', async () => {
  const pod = await running();
  reopening(pod);
  for (const letter of 'abcde') {
    write(pod, letter.repeat(100));
    await rig.clock.advance(11_000);
  }
  const [current, ...aside] = await names(pod);
  expect([current, aside.length]).toEqual(['0.log', 2]);
  expect(await Promise.all(aside.map(async (name) => (await rig.host.files.read(`${directory(pod)}/${name}`)).toString()[0]))).toEqual(['d', 'e']);
});

it('where the runtime cannot reopen it, the log keeps its name', async () => {
  const pod = await running();
  jest.spyOn(rig.runtime, 'reopenContainerLog').mockRejectedValue(new ApiError('Unavailable', 'no runtime'));
  write(pod, 'x'.repeat(100));
  await rig.clock.advance(11_000);
  expect(await names(pod)).toEqual(['0.log']);
});
