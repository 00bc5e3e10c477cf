/**
 * The object log: Navarch's consistent store. Its rules and reasons: docs/design/002-object-log.md. `createObjectLog`
 * keeps the rules over any `LogStream`; `createMemoryLog` is the one for tests and the simulation.
 */
export type {
  CallOptions, CompactionResult, LogEntry, LogEvent, LogVerb, LogWrite, ObjectKey, ObjectLog, PublishResult,
} from './object-log';
export { defaultSubjectPrefix, describeKey, keyOf, subjectOf } from './subject';
export type { FollowOptions, LogStream, StreamAck, StreamMessage, StreamReader, StreamStart, StreamWrite } from './log-stream';
export { createObjectLog, type ObjectLogOptions } from './log';
export { withFaults, type Faults, type FaultyStream } from './faults';
export { createMemoryLog, type MemoryLog, type MemoryLogOptions } from './memory-log';
export { MemoryStream } from './memory-stream';
export { floorFor, runCompactor, type CompactionPolicy } from './compactor';
