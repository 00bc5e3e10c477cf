import { spawn } from 'node:child_process';

export interface ProgramResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** Runs a program to its end. Rejects only where it cannot be run, or the signal aborts. */
export function runProgram(command: readonly string[], input: string, signal?: AbortSignal): Promise<ProgramResult> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe', ...(signal && { signal }) });
    const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', (cause) => reject(new Error(`cannot run ${program}`, { cause })));
    child.on('close', (code) => resolve({ stdout: Buffer.concat(stdout).toString('utf8'), stderr: Buffer.concat(stderr).toString('utf8'), code }));
    // It may end before it has read all: then its exit code says why.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
