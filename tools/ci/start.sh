#!/usr/bin/env bash
# The quick start from nothing: packages, binaries, build, a two-node cluster, two pods on it and requests through their Service.
set -euo pipefail
cd "$(dirname "$0")/../.."
bash tools/ci/setup.sh
node bin/navarch up --nodes 2
node bin/navarch quick-start
