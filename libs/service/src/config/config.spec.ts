import { parseValue, type ConfigField } from './field';
import { readConfig, type ConfigSources } from './read-config';

const fields = {
  nodeName: { type: 'string', required: true, description: 'The node.' },
  listen: { type: 'list', default: ['127.0.0.1:7443'], description: 'Addresses.' },
  workers: { type: 'integer', min: 1, max: 64, default: 4, unit: 'workers', description: 'Workers.' },
  grace: { type: 'duration', default: 10_000, description: 'Grace.' },
  verbose: { type: 'boolean', description: 'More.' },
  mode: { type: 'choice', choices: ['fast', 'safe'], default: 'safe', description: 'How.' },
  token: { type: 'secret', description: 'Token.' },
} as const;

const read = (argv: readonly string[], rest: Partial<ConfigSources> = {}) => readConfig('navarch-test', fields, {
  argv, env: {}, readFile: (path) => {
    throw Object.assign(new Error(`no ${path}`), { code: 'ENOENT' });
  }, ...rest,
});
const config = (argv: readonly string[], rest?: Partial<ConfigSources>) => {
  const result = read(argv, rest);
  if (result.outcome !== 'config') throw new Error(JSON.stringify(result));
  return result.config;
};
const problems = (argv: readonly string[], rest?: Partial<ConfigSources>): readonly string[] => {
  const result = read(argv, rest);
  return result.outcome === 'problems' ? result.problems : [];
};

describe('configuration', () => {
  it('has defaults, and is frozen', () => {
    const result = config(['--node-name', 'n1']);
    expect(result).toEqual({ nodeName: 'n1', listen: ['127.0.0.1:7443'], workers: 4, grace: 10_000, verbose: false, mode: 'safe', token: undefined });
    expect(Object.isFrozen(result)).toBe(true);
  });

  it('takes flags over the environment, the environment over the file, the file over defaults', () => {
    const readFile = (): string => 'nodeName: from-file\nworkers: 2\ngrace: 1s\nmode: fast\n';
    const env = { NAVARCH_NODE_NAME: 'from-env', NAVARCH_WORKERS: '3', NAVARCH_CONFIG: '/etc/navarch.yaml', NAVARCH_HOME: '/elsewhere' };
    expect(config(['--node-name=from-flag'], { env, readFile })).toMatchObject({ nodeName: 'from-flag', workers: 3, grace: 1_000, mode: 'fast' });
  });

  it('takes lists by commas, by repeated flags and as YAML lists', () => {
    expect(config(['--node-name', 'n', '--listen', 'a:1,b:2', '--listen', 'unix:/x']).listen).toEqual(['a:1', 'b:2', 'unix:/x']);
    expect(config(['--node-name', 'n', '--config', 'f'], { readFile: () => 'listen: [a:1, b:2]' }).listen).toEqual(['a:1', 'b:2']);
  });

  it('takes booleans bare, negated and with a value', () => {
    expect(config(['--node-name', 'n', '--verbose']).verbose).toBe(true);
    expect(config(['--node-name', 'n', '--no-verbose'], { env: { NAVARCH_VERBOSE: 'true' } }).verbose).toBe(false);
    expect(config(['--node-name', 'n', '--verbose=false']).verbose).toBe(false);
  });

  it('takes secrets from a file or the environment, never from the command line, and never repeats them', () => {
    expect(config(['--node-name', 'n', '--token-file', '/t'], { readFile: () => 's3cret\n' }).token).toBe('s3cret');
    expect(config(['--node-name', 'n'], { env: { NAVARCH_TOKEN: 's3cret' } }).token).toBe('s3cret');
    const said = problems(['--node-name', 'n', '--token', 's3cret']);
    expect(said).toEqual(['--token is not taken on the command line, where others can read it: use --token-file or NAVARCH_TOKEN']);
  });

  it.each<[string, string[], Partial<ConfigSources>, string]>([
    ['an unknown flag', ['--node-name', 'n', '--wrokers', '3'], {}, '--wrokers is not a flag of this process; --help lists them'],
    ['a missing value', ['--node-name'], {}, '--node-name: give a value'],
    ['a missing field', [], {}, '--node-name is missing: The node.'],
    ['a number out of range', ['--node-name', 'n', '--workers', '65'], {}, '--workers: "65" is not right: give a whole number from 1 to 64'],
    ['a number that is none', ['--node-name', 'n', '--workers', '0x10'], {}, '--workers: "0x10" is not right: give a whole number from 1 to 64'],
    ['a fraction', ['--node-name', 'n', '--workers', '1.5'], {}, '--workers: "1.5" is not right: give a whole number from 1 to 64'],
    ['a duration without unit', ['--node-name', 'n', '--grace', '10'], {}, '--grace: "10" is not right: give a duration such as 500ms, 10s or 1m30s'],
    ['a choice that is none', ['--node-name', 'n', '--mode', 'slow'], {}, '--mode: "slow" is not right: give one of: fast, safe'],
    ['a bad variable', ['--node-name', 'n'], { env: { NAVARCH_WORKERS: 'many' } }, 'NAVARCH_WORKERS: "many" is not right: give a whole number from 1 to 64'],
    ['a bad value in the file', ['--node-name', 'n', '--config', 'c.yaml'], { readFile: () => 'workers: many' }, 'c.yaml: workers: "many" is not right: give a whole number from 1 to 64'],
    ['an unknown key in the file', ['--node-name', 'n', '--config', 'c.yaml'], { readFile: () => 'worker: 2' }, 'c.yaml: worker is not a setting of this process; --help lists them'],
    ['a missing file', ['--node-name', 'n', '--config', 'c.yaml'], {}, '--config c.yaml: no such file'],
    ['a missing secret file', ['--node-name', 'n', '--token-file', '/t'], {}, '--token-file /t: no such file'],
    ['a value without a flag', ['n1'], {}, '"n1" is not expected here: values are given as --flag value'],
    ['a flag given twice', ['--node-name', 'n', '--node-name', 'm'], {}, '--node-name is given twice'],
  ])('answers %s with one line that names it and says what would be right', (_, argv, rest, line) => {
    expect(problems(argv, rest)).toContain(line);
    expect(problems(argv, rest).every((problem) => !problem.includes('\n'))).toBe(true);
  });

  it('a file that is no YAML map is one line too', () => {
    for (const content of ['[1, 2', '- a', 'just text']) {
      const said = problems(['--node-name', 'n', '--config', 'c.yaml'], { readFile: () => content });
      expect(said).toHaveLength(1);
      expect(said[0]).toMatch(/^--config c\.yaml: [^\n]+$/);
    }
  });

  it('--help lists each field with form, description and default', () => {
    const result = read(['--help', '--nonsense']);
    const text = result.outcome === 'help' ? result.text : '';
    for (const line of [/--node-name TEXT +The node\. Required\./, /--workers WORKERS +Workers\. Default: 4\./, /--grace DURATION +Grace\. Default: 10s\./, /--mode fast\|safe/, /--token-file FILE/, /--config FILE/]) expect(text).toMatch(line);
  });
});

describe('durations', () => {
  it.each<[string, number]>([['0', 0], ['250ms', 250], ['1.5s', 1_500], ['1m30s', 90_000], ['2h', 7_200_000]])('%s is %d ms', (text, ms) => {
    expect(parseValue({ type: 'duration', description: '' } satisfies ConfigField, text)).toBe(ms);
  });
});
