#!/usr/bin/env bash
# Brings a fresh checkout to the point where everything can be built and run: packages, generated code, bundles, and the
# system's binaries. Safe to run again; does only what is missing.
set -euo pipefail
cd "$(dirname "$0")/../.."
export NX_DAEMON=false NX_TUI=false NX_NO_CLOUD=true

node -e '
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) { console.error(`Navarch needs Node.js 20.19 or newer; this is ${process.version} (${process.execPath})`); process.exit(1); }'

stamp=node_modules/.navarch-lock
if ! cmp -s package-lock.json "$stamp" 2>/dev/null; then
  # Not npm ci: that insists on lock entries for other platforms' binaries, which a registry mirror may not have. This installs
  # the locked versions too, and writes no lock file.
  echo "setup: installing packages (npm install)"
  npm install --no-save --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
fi

echo "setup: generating code and building the apps (nx run-many -t build)"
npx nx run-many -t build --outputStyle=static >/tmp/navarch-build.$$ 2>&1 || { cat /tmp/navarch-build.$$; rm -f /tmp/navarch-build.$$; exit 1; }
rm -f /tmp/navarch-build.$$

node bin/navarch requirements --install
