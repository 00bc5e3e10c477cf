/** Which of the two text formats a scraper asked for: only OpenMetrics has exemplars. */
export interface MetricsFormat {
  readonly openMetrics: boolean;
  readonly contentType: string;
}

/** Prometheus names OpenMetrics in Accept where it would take it; everybody else gets the format that curl shows and all understand. */
export function formatFor(accept: string | undefined): MetricsFormat {
  return accept?.includes('application/openmetrics-text')
    ? { openMetrics: true, contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8' }
    : { openMetrics: false, contentType: 'text/plain; version=0.0.4; charset=utf-8' };
}

/** The page of parts that are in format 0.0.4, in the format asked for: OpenMetrics names a counter's family without its `_total`, and says where it ends. */
export function metricsPage(parts: readonly string[], { openMetrics }: MetricsFormat): string {
  const text = parts.join('');
  if (!openMetrics) return text;
  const counters = new Set([...text.matchAll(/^# TYPE (\S+)_total counter$/gm)].map(([, name]) => name));
  return `${text.replace(/^# (HELP|TYPE) (\S+)_total /gm, (line, word: string, name: string) => (counters.has(name) ? `# ${word} ${name} ` : line))}# EOF\n`;
}

/** What the process itself takes, under the names that Prometheus' client libraries give it. */
export function processMetrics(): string {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  const metric = (name: string, type: string, help: string, value: number): string => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${name} ${value}\n`;
  return metric('process_cpu_seconds_total', 'counter', 'CPU time of this process.', (user + system) / 1e6)
    + metric('process_resident_memory_bytes', 'gauge', 'Resident memory of this process.', rss)
    + metric('nodejs_heap_size_used_bytes', 'gauge', 'JavaScript heap in use.', heapUsed);
}
