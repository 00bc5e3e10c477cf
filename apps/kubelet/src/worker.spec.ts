import { createRig, isReadyPod, testImage } from './testing/rig';

describe('a pod on the fake runtime', () => {
  it('goes through sandbox, image, create and start to Ready, with the status Kubernetes reports', async () => {
    const rig = await createRig();
    await rig.createPod({ containers: [{ name: 'main', image: testImage }] });
    const pod = await rig.until(isReadyPod);
    expect(pod.status).toMatchObject({
      phase: 'Running', podIP: '10.244.0.2', podIPs: [{ ip: '10.244.0.2' }], hostIP: '10.89.0.2', hostIPs: [{ ip: '10.89.0.2' }], qosClass: 'BestEffort',
      containerStatuses: [{ name: 'main', ready: true, started: true, image: testImage, containerID: expect.stringMatching(/^containerd:\/\/[0-9a-f]{64}$/) as string, state: { running: { startedAt: {} } } }],
    });
    expect(pod.status?.conditions?.map(({ type, status }) => `${type}=${status}`).sort()).toEqual(['ContainersReady=True', 'Initialized=True', 'PodReadyToStartContainers=True', 'Ready=True']);
    expect(pod.status?.startTime).toBeDefined();
    await rig.clock.advance(1_000);
    expect(await rig.eventReasons()).toEqual([`Pulled: Container image "${testImage}" already present on machine`, 'Created: Created container: main', 'Started: Started container main']);
    await rig.close();
  });
});
