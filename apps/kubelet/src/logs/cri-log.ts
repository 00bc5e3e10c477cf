/**
 * The runtime's log files: `2026-01-02T03:04:05.678901234Z stdout F text`, one line each; P instead of F where a long line goes on
 * in the next. (Kubernetes' CRI log format.)
 */
export interface LogLine {
  /** As written: RFC 3339 with nanoseconds. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  /** Whether the line ends here. */
  readonly full: boolean;
  /** With its newline where it ends here. */
  readonly text: string;
}

export function parseLogLine(line: string): LogLine | undefined {
  const match = /^(\S+) (stdout|stderr) ([FP])(?::\S*)? ?/.exec(line);
  if (!match) return undefined;
  const full = match[3] === 'F';
  return { time: match[1] ?? '', stream: match[2] as LogLine['stream'], full, text: line.slice(match[0].length) + (full ? '\n' : '') };
}

/** Complete lines only; what does not parse (a first line cut in two) is left out. */
export function parseLogLines(content: string): LogLine[] {
  return content.split('\n').map(parseLogLine).filter((line) => line !== undefined);
}

/** Milliseconds of an RFC 3339 time, nanoseconds cut. */
export function logTimeMs(time: string): number {
  return Date.parse(time.replace(/(\.\d{3})\d+/, '$1'));
}
