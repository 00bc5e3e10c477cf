import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { assembleTrace } from './assemble';
import { showTrace, type TraceForm } from './index';
import { toHtml } from './html';
import { hopsOf } from './hops';
import { findCreation, spanFilesIn } from './span-files';
import { spansOf, toOtlpJson, type OtlpRequest, type OtlpSpan, type TraceSpan } from './otlp';
import { drawTrace } from './waterfall';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const originMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const testdata = join(__dirname, 'testdata');

/** A scenario's lines, as the processes would have written them. */
function scenario(name: string): OtlpRequest[] {
  const lines = readFileSync(join(testdata, `${name}.txt`), 'utf8').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => request(line.split(/\s+/)));
}

function request([id = '', parent = '', service = '', start = '', end = '', name = '', ...attributes]: string[]): OtlpRequest {
  const pairs = attributes.map((text) => text.split('=') as [string, string]);
  const error = pairs.find(([key]) => key === 'error')?.[1];
  const span: OtlpSpan = {
    traceId, spanId: spanId(id), ...(parent !== '-' && { parentSpanId: spanId(parent) }), name, startTimeUnixNano: nano(start), endTimeUnixNano: nano(end),
    attributes: pairs.filter(([key]) => key !== 'error').map(([key, stringValue]) => ({ key, value: { stringValue } })),
    status: error === undefined ? { code: 0 } : { code: 2, message: error.replaceAll('_', ' ') },
  };
  return { resourceSpans: [{ resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] }, scopeSpans: [{ scope: { name: 'test' }, spans: [span] }] }] };
}

const spanId = (id: string): string => id.padStart(16, '0');
const nano = (ms: string): string => `${originMs}000000`.replace(/^(\d+)(\d{6})$/, (_, whole: string) => `${BigInt(whole) * 1_000_000n + BigInt(Math.round(Number(ms) * 1e6))}`);
const spans = (name: string): TraceSpan[] => scenario(name).flatMap((each) => spansOf(each, traceId));
const scenarios = readdirSync(testdata).filter((name) => /^[a-z-]+\.txt$/.test(name)).map((name) => name.slice(0, -4));

describe('the waterfall', () => {
  it.each(scenarios.flatMap((name) => [[name, 80], [name, 120]] as const))('of %s at %d columns is drawn as in testdata', (name, width) => {
    const expected = readFileSync(join(testdata, `${name}.${width}.golden`), 'utf8');
    expect(drawTrace(assembleTrace(spans(name)), { width, colour: false })).toBe(expected);
  });

  it('never draws a line wider than the terminal', () => {
    for (const width of [60, 73, 100, 200]) {
      const lines = drawTrace(assembleTrace(spans('pod-starts')), { width, colour: false }).split('\n').filter((line) => /[█░▏]/.test(line));
      expect(lines.length).toBe(19);
      expect(lines.map((line) => line.length)).toEqual(lines.map(() => width));
    }
  });

  it('has colours only when asked: each service its own, failures red', () => {
    const drawn = drawTrace(assembleTrace(spans('killed-scheduler')), { width: 100, colour: true });
    expect(drawn).toContain('\u001b[31m');
    expect(drawn.replace(/\u001b\[\d+m/g, '')).toBe(drawTrace(assembleTrace(spans('killed-scheduler')), { width: 100, colour: false }));
  });

  it('draws a single span of no length', () => {
    const only = request(['01', '-', 'navarch-apiserver', '0', '0', 'apiserver.request']);
    expect(drawTrace(assembleTrace(spansOf(only, traceId)), { width: 80, colour: false })).toContain('▏');
  });
});

describe('the HTML page', () => {
  it.each(scenarios)('of %s has a row for each span and each hop, and needs nothing beside itself', (name) => {
    const trace = assembleTrace(spans(name));
    const page = toHtml(trace);
    expect(page.match(/<tr title=/g)).toHaveLength(trace.nodes.length);
    for (const { span } of trace.nodes) expect(page).toContain(span.name);
    for (const hop of hopsOf(trace).hops) expect(page).toContain(`<tr><td>${hop.name}</td>`);
    expect(page).not.toMatch(/<script|src=|href=|url\(/);
  });

  it('shows waits and failures apart from work, and how much is an orphan', () => {
    const page = toHtml(assembleTrace(spans('killed-scheduler')));
    expect(page).toMatch(/class="wait"/);
    expect(page).toMatch(/class="failed"/);
    expect(page).toContain('1 without the parent they name');
  });

  it('takes what a span says as text, never as markup', () => {
    const page = toHtml(assembleTrace(spansOf(request(['01', '-', '<b>s</b>', '0', '1', '<script>alert(1)</script>', 'k8s.pod.name="><img>']), traceId)));
    expect(page).not.toMatch(/<script>|<b>|<img>/);
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  });
});

describe('the tree', () => {
  it('shows spans whose parent is missing at the top, and counts them', () => {
    const trace = assembleTrace(spans('killed-scheduler'));
    expect(trace.orphans).toBe(1);
    expect(trace.nodes.filter(({ depth }) => depth === 0).map(({ span, orphan }) => [span.name, orphan])).toEqual([['apiserver.request', false], ['apiserver.request', true]]);
  });

  it('a complete trace has no orphan', () => {
    expect(assembleTrace(spans('pod-starts')).orphans).toBe(0);
  });

  it('does not depend on the order in which spans were read', () => {
    const names = (all: TraceSpan[]): string[] => assembleTrace(all).nodes.map(({ span }) => span.id);
    expect(names(spans('pod-starts').reverse())).toEqual(names(spans('pod-starts')));
  });

  it('a span that names itself as parent is a root', () => {
    expect(assembleTrace(spansOf(request(['01', '01', 's', '0', '1', 'x']), traceId)).nodes).toHaveLength(1);
  });
});

describe('the table of hops', () => {
  it('tells the time of each hop, and the hops add up to the time from request to Ready', () => {
    const { hops, totalMs } = hopsOf(assembleTrace(spans('pod-starts')));
    expect(Object.fromEntries(hops.map(({ name, ms }) => [name, Number(ms.toFixed(2))]))).toEqual({
      api: 1.6, store: 2.4, queue: 2, filter: 0.5, score: 0.25, bind: 4.25, 'kubelet receive': 3, sandbox: 66, image: 1, create: 7, start: 42, ready: 20,
    });
    expect(hops.reduce((sum, { ms }) => sum + ms, 0)).toBeCloseTo(totalMs, 6);
    expect(totalMs).toBeCloseTo(150, 6);
  });

  it('time in which no part works is watch delivery', () => {
    const { hops } = hopsOf(assembleTrace(spans('killed-scheduler')));
    expect(hops.find(({ name }) => name === 'watch delivery')?.ms).toBeCloseTo(4, 6);
  });

  it('status writes beside the way do not count', () => {
    const without = spans('pod-starts').filter(({ id }) => id < spanId('12'));
    expect(hopsOf(assembleTrace(spans('pod-starts')))).toEqual(hopsOf(assembleTrace(without)));
  });
});

describe('span files', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'nv-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const write = (name: string, requests: OtlpRequest[], tail = ''): void =>
    writeFileSync(join(directory, name), requests.map((each) => `${JSON.stringify(each)}\n`).join('') + tail);
  const show = (form: TraceForm = 'text'): Promise<string> => showTrace({ directory, traceId, width: 100, colour: false, form });

  it('of all processes, rotated ones too, are read together, each span once', async () => {
    const all = scenario('pod-starts');
    write('apiserver.jsonl', all.slice(0, 2));
    write('scheduler.jsonl.1', all.slice(2, 9));
    write('kubelet-node-1.jsonl', all.slice(8));
    expect(await show()).toContain('19 spans');
  });

  it('with a line cut off by kill -9 still give all others, and the reader is told', async () => {
    const all = scenario('pod-starts');
    write('apiserver.jsonl', all.slice(0, 18), JSON.stringify(all[18]).slice(0, 300));
    const text = await show();
    expect(text).toContain('18 spans');
    expect(text).toContain('1 line of the span files cut off');
  });

  it('without the trace say where was looked and why it may be missing', async () => {
    write('apiserver.jsonl', [request(['01', '-', 's', '0', '1', 'x'])].map((each) => JSON.parse(JSON.stringify(each).replaceAll(traceId, 'f'.repeat(32))) as OtlpRequest));
    await expect(show()).rejects.toThrow(`no span of trace ${traceId} in 1 files in ${directory}`);
    await expect(showTrace({ directory: join(directory, 'absent'), traceId, width: 80, colour: false })).rejects.toThrow('in 0 files');
    await expect(showTrace({ directory, traceId: 'xyz', width: 80, colour: false })).rejects.toThrow('"xyz" is not a trace id');
  });

  it('come out again as OTLP JSON with every span as it was written', async () => {
    const all = scenario('pod-starts');
    write('all.jsonl', all);
    const exported = JSON.parse(await show('otlp')) as OtlpRequest;
    const before = all.flatMap((each) => spansOf(each, traceId)).map(({ source }) => source.span);
    expect(spansOf(exported, traceId).map(({ source }) => source.span).sort((left, right) => left.spanId.localeCompare(right.spanId))).toEqual(before);
    expect(toOtlpJson(spansOf(exported, traceId))).toEqual(exported);
  });
});

describe('the trace that made an object', () => {
  it('is that of the request that created it, found by uid; later requests and other objects are passed over', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'navarch-trace-'));
    const line = (id: string, uid: string, verb: string): string => JSON.stringify(request([id, '-', 'apiserver', '0', '1', 'apiserver.request', `navarch.verb=${verb}`, `k8s.service.uid=${uid}`]));
    writeFileSync(join(directory, 'apiserver.jsonl'), [line('1', 'u-1', 'update').replaceAll(traceId, 'f'.repeat(32)), '{"cut off: u-1', line('2', 'u-1', 'create'), line('3', 'u-2', 'update')].join('\n'));
    const files = await spanFilesIn(directory);
    expect(await Promise.all(['u-1', 'u-2'].map((uid) => findCreation(files, 'k8s.service.uid', uid)))).toEqual([traceId, undefined]);
    rmSync(directory, { recursive: true });
  });
});
