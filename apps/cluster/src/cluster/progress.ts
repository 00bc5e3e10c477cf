/** What a person sees while something takes its time: one line per step, with how long it took. */
export interface Progress {
  /** Runs one step; its line says what is being done, then how long it took or that it failed. */
  step<T>(what: string, work: (update: (detail: string) => void) => Promise<T>): Promise<T>;
  note(text: string): void;
}

export interface ProgressOutput {
  readonly isTTY?: boolean;
  write(text: string): void;
}

const redrawMs = 200;

/** On a terminal the running step's line is redrawn with its time and detail; elsewhere each step is one line at its end. */
export function createProgress(output: ProgressOutput, now: () => number): Progress {
  const clear = output.isTTY ? '\r\x1b[K' : '';
  return {
    note: (text) => output.write(`${text}\n`),
    step: async (what, work) => {
      const started = now();
      let detail = '';
      const seconds = (): string => `${((now() - started) / 1000).toFixed(1)} s`;
      const draw = (): void => output.write(`${clear}  … ${what} ${seconds()}${detail ? ` (${detail})` : ''}`);
      const timer = output.isTTY ? setInterval(draw, redrawMs) : undefined;
      if (output.isTTY) draw();
      try {
        const result = await work((text) => { detail = text; });
        output.write(`${clear}  ✓ ${what} (${seconds()})\n`);
        return result;
      } catch (error) {
        output.write(`${clear}  ✗ ${what} (${seconds()}${detail ? `; ${detail}` : ''})\n`);
        throw error;
      } finally {
        clearInterval(timer);
      }
    },
  };
}

export const silentProgress: Progress = { step: (_, work) => work(() => undefined), note: () => undefined };
