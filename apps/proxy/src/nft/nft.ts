/** nftables as the writer needs it: transactions, and questions that never meet the hot path. */
export interface Nft {
  /** Runs the commands as one transaction: all of them or none. Rejects with an NftError that names what the kernel refused. */
  transaction(commands: readonly string[], signal?: AbortSignal): Promise<void>;
  /** One call of `nft` with these arguments; answers what it printed. Rejects with an NftError. */
  ask(args: readonly string[], signal?: AbortSignal): Promise<string>;
  /** Ends the process behind it; the kernel keeps the tables. */
  close(): Promise<void>;
}

/** What nft said, with the part of the command that it pointed at. */
export class NftError extends Error {
  constructor(message: string, readonly at?: string, options?: ErrorOptions) {
    super(at === undefined ? message : `${message}: ${at}`, options);
    this.name = 'NftError';
  }
}

/** nft prints the refused line, and under it carets below the culprit. */
export function nftErrorOf(stderr: string): NftError {
  const lines = stderr.split('\n');
  const at = lines.findIndex((line) => line.includes('Error:'));
  const message = (lines[at] ?? stderr).replace(/^.*?Error:\s*/, '').trim();
  const [text, marks] = [lines[at + 1] ?? '', lines[at + 2] ?? ''];
  const start = marks.search(/[\^~]/);
  if (start < 0) return new NftError(message || 'nft failed without a word');
  const end = marks.search(/[\^~]\s*$/) + 1;
  return new NftError(message, text.slice(start, end).slice(0, 200));
}
