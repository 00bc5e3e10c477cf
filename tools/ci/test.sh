#!/usr/bin/env bash
# Every suite, in the order in which a failure is cheapest to learn of. Each suite's results go to dist/test-results and
# are judged together at the end (tools/ci/report.ts): failures, unlisted skips, and rows of docs/features.md without a test.
set -uo pipefail
cd "$(dirname "$0")/../.."
export NX_DAEMON=false NX_TUI=false NX_NO_CLOUD=true
results=dist/test-results
failed=0

bash tools/ci/setup.sh || exit 1
bash tools/clients/setup.sh || exit 1
rm -rf "$results" && mkdir -p "$results"

step() { # step NAME COMMAND...: runs a command, says how long it took, remembers a failure
  local name=$1 start=$SECONDS
  shift
  echo "--- $name"
  if "$@"; then echo "--- $name: passed in $((SECONDS - start)) s"; else echo "--- $name: FAILED after $((SECONDS - start)) s"; failed=1; fi
}

suite() { # suite NAME TEST_PATH_PATTERN JEST_OPTIONS...
  local name=$1 pattern=$2
  shift 2
  step "$name" npx jest --testPathPatterns "$pattern" --json --outputFile "$results/$name.json" --silent=true "$@"
}

step facts npx tsx tools/proto-gen/main.ts --check
step proto-lint npx buf lint
step types npm run -s typecheck
step lint npx eslint . --concurrency=2 --cache --cache-location node_modules/.cache/eslint/
suite unit '(?<!\.(int|sim|e2e))\.spec\.ts$' --maxWorkers=2
suite integration '\.int\.spec\.ts$' --maxWorkers=2
suite simulation '\.sim\.spec\.ts$' --maxWorkers=2
suite end-to-end '\.e2e\.spec\.ts$' --maxWorkers=2
step report npx tsx tools/ci/report.ts "$results"
exit "$failed"
