#!/usr/bin/env bash
# What only the tests need of the system: the Python client library, as a foreign client.
set -euo pipefail
if ! /usr/bin/python3 -c 'import kubernetes' 2>/dev/null; then
  install=(apt-get install --yes --no-remove --no-install-recommends python3-kubernetes)
  if [ "$(id -u)" != 0 ]; then echo "setup: the tests need python3-kubernetes: sudo ${install[*]}" >&2; exit 1; fi
  echo "setup: installing python3-kubernetes, for tests"
  export DEBIAN_FRONTEND=noninteractive
  "${install[@]}" >/dev/null || { apt-get update >/dev/null && "${install[@]}" >/dev/null; }
fi
