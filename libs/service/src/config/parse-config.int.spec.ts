import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const run = (...argv: string[]) => spawnSync(process.execPath, ['--import', 'tsx', '-e', `
  const { parseConfig } = require(${JSON.stringify(join(__dirname, 'parse-config.ts'))});
  console.log(JSON.stringify(parseConfig({ port: { type: 'integer', default: 1, description: 'The port.' } }, { name: 'navarch-test', argv: ${JSON.stringify(argv)}, env: {} })));
`], { encoding: 'utf8', cwd: join(__dirname, '../../../..') });

describe('a process', () => {
  it('with bad configuration says so on stderr and exits with 2', () => {
    const { status, stderr, stdout } = run('--port', 'x', '--prot', '1');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr.split('\n').filter((line) => line.startsWith('navarch-test:'))).toEqual([
      'navarch-test: --prot is not a flag of this process; --help lists them', 'navarch-test: --port: "x" is not right: give a whole number',
    ]);
  }, 30_000);

  it('asked for --help prints it on stdout and exits with 0', () => {
    const { status, stdout } = run('--help');
    expect(status).toBe(0);
    expect(stdout).toContain('--port NUMBER');
  }, 30_000);
});
