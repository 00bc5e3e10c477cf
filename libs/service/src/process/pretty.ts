const colours: Readonly<Record<string, number>> = { debug: 90, info: 36, warn: 33, error: 31 };

/** A JSON log line as people read it: time, level, message, fields; stacks on lines of their own. */
export function prettyLine(json: string, colour: boolean): string {
  const { time = '', level = '', name = '', msg = '', ...fields } = JSON.parse(json) as Record<string, unknown>;
  const paint = (code: number, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const stacks: string[] = [];
  const shown = Object.entries(fields).map(([key, value]) => {
    if (key === 'error' && typeof value === 'object' && value !== null) {
      const { message, stack } = value as { message?: string; stack?: string };
      if (stack) stacks.push(stack);
      return `error=${JSON.stringify(message)}`;
    }
    return `${key}=${typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)}`;
  });
  const head = `${String(time).slice(11, 23)} ${paint(colours[String(level)] ?? 0, String(level).toUpperCase().padEnd(5))} ${String(name)}: ${String(msg)}`;
  return [`${head}${shown.length > 0 ? ` ${paint(90, shown.join(' '))}` : ''}`, ...stacks, ''].join('\n');
}
