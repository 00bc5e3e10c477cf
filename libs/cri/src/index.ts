/** The container runtime as a kubelet sees it: CRI v1 narrowed, containerd's client, and a fake that passes the same contract. */
export type {
  ContainerFilter, ContainerRuntime, ExecResult, RuntimeCallOptions, RuntimeEvent, RuntimeHealth, RuntimeVersion, SandboxFilter,
} from './container-runtime';
export { connectContainerd, type ConnectContainerdOptions } from './connect-containerd';
export { createFakeRuntime } from './fake-runtime';
export type { FakeBehaviour, FakeContainerPlan, FakeRuntime, FakeRuntimeOptions } from './fake-behaviour';
