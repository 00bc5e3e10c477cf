/** One configuration for every suite; `npm test` and the Nx targets pick files by path and by ending (.spec, .int.spec, .sim.spec, .e2e.spec). */
/** @type {import('jest').Config} */
module.exports = {
  roots: ['<rootDir>/libs', '<rootDir>/apps', '<rootDir>/tools'],
  testMatch: ['**/*.spec.ts'],
  testEnvironment: 'node',
  // Two cores may be shared with others: a test that hangs is found, one that is slow is not called broken.
  testTimeout: 30_000,
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } }] },
  moduleNameMapper: {
    '^@navarch/proto/(.*)$': '<rootDir>/libs/proto/gen/$1',
    '^@navarch/([a-z-]+)/testing$': '<rootDir>/libs/$1/src/testing/index.ts',
    '^@navarch/api/documentation$': '<rootDir>/libs/api/src/documentation/index.ts',
    '^@navarch/([a-z-]+)$': '<rootDir>/libs/$1/src/index.ts',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist', '<rootDir>/.nx', '<rootDir>/.navarch'],
};
