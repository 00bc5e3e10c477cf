/** Client libraries, unmodified: @kubernetes/client-node, and Debian's python3-kubernetes. Each tells step by step what it saw. */
import { join } from 'node:path';

import { createClientsCluster } from './clients-cluster';

const cluster = createClientsCluster('libraries');

beforeAll(() => cluster.up(), 180_000);
afterAll(() => cluster.down(), 60_000);
jest.setTimeout(60_000);

const steps = (output: string): Record<string, unknown> => Object.fromEntries(output.trim().split('\n').map((line) => JSON.parse(line) as [string, unknown]));

describe('@kubernetes/client-node', () => {
  let seen: Record<string, unknown>;
  beforeAll(async () => { seen = steps(await cluster.client('node', process.execPath).ok([join(__dirname, 'testdata', 'client-node.mjs')])); });

  it('lists, creates and deletes, and learns of a missing object by its code', () => {
    expect(seen).toMatchObject({ nodes: ['node-1', 'node-2'], created: 'Pending', missing: 404 });
  });

  it('follows a pod from its creation to its end by an informer', () => {
    expect(seen['informer']).toEqual(expect.arrayContaining(['add', 'update', 'delete']));
    expect(seen['cached']).toBe('Running');
  });

  it('watches from a version', () => expect(seen['watched']).toEqual(['ADDED first', 'MODIFIED second', 'DELETED second']));

  it('patches by merge patch', () => expect(seen['patched']).toEqual({ by: 'node', more: 'yes' }));

  it('reads and follows logs', () => expect([seen['log'], seen['followed']]).toEqual(['hello\n', 'hello\n']));

  it('runs commands with input, output and exit code', () => {
    expect(seen['executed']).toEqual({ text: 'out\n', status: 'Failure', reason: 'NonZeroExitCode', code: '3' });
    expect(seen['echoed']).toBe('a line\n');
  });
});

describe('python3-kubernetes', () => {
  let seen: Record<string, unknown>;
  beforeAll(async () => { seen = steps(await cluster.client('python', '/usr/bin/python3').ok([join(__dirname, 'testdata', 'python-client.py')])); });

  it('lists, creates and deletes, and learns of a missing object by its code', () => {
    expect(seen).toMatchObject({ nodes: ['node-1', 'node-2'], created: 'Pending', missing: 404, deleted: 'DELETED' });
  });

  it('watches a pod until it is ready', () => expect(seen['watched']).toEqual(expect.arrayContaining(['ADDED', 'MODIFIED'])));

  it('patches by strategic merge patch', () => expect(seen['patched']).toEqual({ by: 'python', more: 'yes' }));

  it('reads logs', () => expect(seen['log']).toBe('hello\n'));

  it('runs commands with input and output', () => expect([seen['executed'], seen['echoed']]).toEqual(['out\n', 'a line']));

  it('finds kinds by discovery with its dynamic client', () => expect(seen['dynamic']).toEqual(['default', 'kube-node-lease', 'kube-public', 'kube-system']));
});
