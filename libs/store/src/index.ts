/** The object log: Navarch's consistent store. Its rules and reasons: docs/design/002-object-log.md. */
export type {
  CallOptions, CompactionResult, LogEntry, LogEvent, LogVerb, LogWrite, ObjectKey, ObjectLog, ObjectLogDependencies, PublishResult,
} from './object-log';
