import { containerRuntimeContract, fixtureImage, startContainerdFixture } from './testing';

jest.setTimeout(60_000);

containerRuntimeContract('a real containerd', async () => {
  const fixture = await startContainerdFixture();
  const runtime = fixture.connect();
  return {
    runtime, image: fixtureImage, cgroupParent: fixture.cgroupRoot, logDirectory: `${fixture.directory}/logs`,
    async crashAndReturn() {
      await fixture.kill();
      await fixture.start();
    },
    async close() {
      runtime.close();
      await fixture.close();
    },
  };
});
