#!/usr/bin/env bash
# What only the tests need of the system: the Python client library, as a foreign client; and dig, which asks the DNS server.
set -euo pipefail
missing=()
/usr/bin/python3 -c 'import kubernetes' 2>/dev/null || missing+=(python3-kubernetes)
command -v dig >/dev/null || missing+=(bind9-dnsutils)
if [ "${#missing[@]}" -gt 0 ]; then
  install=(apt-get install --yes --no-remove --no-install-recommends "${missing[@]}")
  if [ "$(id -u)" != 0 ]; then echo "setup: the tests need ${missing[*]}: sudo ${install[*]}" >&2; exit 1; fi
  echo "setup: installing ${missing[*]}, for tests"
  export DEBIAN_FRONTEND=noninteractive
  "${install[@]}" >/dev/null || { apt-get update >/dev/null && "${install[@]}" >/dev/null; }
fi
