/** The contract that every object log passes, and what tests of logs share. */
export { objectLogContract } from './object-log-contract';
export { bytes, pod, put, sequenceOf, text, Watcher, writeOf, type LogHarness, type OpenLog, type OpenOptions } from './harness';
export { createMemoryHarness } from './memory-harness';
