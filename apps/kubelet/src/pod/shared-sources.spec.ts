import { configMaps } from '@navarch/api';
import { VirtualClock } from '@navarch/base';

import { createRig, isReadyPod, testImage } from '../testing/rig';
import { createSharedSources } from './shared-sources';

describe('what several pods of a node mount', () => {
  it('is read once for all that look at one moment, and again at the next', async () => {
    const clock = new VirtualClock(0, () => Promise.resolve());
    const reads: string[] = [];
    const read = (kind: string) => (namespace: string, name: string) => {
      reads.push(`${kind} ${namespace}/${name}`);
      return Promise.resolve(undefined);
    };
    const nothing = () => Promise.resolve(undefined);
    const shared = createSharedSources({ configMap: read('configmap'), secret: read('secret'), claim: nothing, volume: nothing, services: () => Promise.resolve([]) }, clock);
    const look = () => Promise.all([shared.configMap('a', 'x'), shared.configMap('a', 'x'), shared.configMap('b', 'x'), shared.secret('a', 'x')]);
    await look();
    expect(reads).toEqual(['configmap a/x', 'configmap b/x', 'secret a/x']);
    await clock.advance(2_000);
    await look();
    expect(reads).toHaveLength(6);
  });

  it('reaches every pod of the node within a minute of its change', async () => {
    const rig = await createRig();
    const maps = rig.api.client.resource(configMaps);
    await maps.create({ metadata: { namespace: 'default', name: 'settings' }, data: { color: 'red' } });
    const volumes = [{ name: 'settings', volumeSource: { configMap: { localObjectReference: { name: 'settings' } } } }];
    for (const name of ['one', 'two']) {
      await rig.createPod({ containers: [{ name: 'main', image: testImage, volumeMounts: [{ name: 'settings', mountPath: '/settings' }] }], volumes }, name);
      await rig.until(isReadyPod, name);
      await rig.clock.advance(7_000);
    }
    await maps.patch('default', 'settings', 'application/merge-patch+json', { data: { color: 'blue' } });
    await rig.clock.advance(60_200);
    const colors = await Promise.all(['one', 'two'].map(async (name) => {
      const uid = (await rig.pod(name)).metadata?.uid ?? '';
      return (await rig.host.files.read(`/var/lib/kubelet/pods/${uid}/volumes/kubernetes.io~configmap/settings/color`)).toString();
    }));
    expect(colors).toEqual(['blue', 'blue']);
    await rig.close();
  });
});
