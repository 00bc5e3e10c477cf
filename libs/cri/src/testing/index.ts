/** For whoever implements ContainerRuntime, or tests against a real one. */
export { containerRuntimeContract, contractPrograms, isListening, type RuntimeUnderTest } from './container-runtime-contract';
export { fixtureImage, startContainerdFixture, type ContainerdFixture, type ContainerdFixtureOptions } from './containerd-fixture';
