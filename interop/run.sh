#!/usr/bin/env bash
# Installs the clients' libraries, as far as their runtimes are here, and holds the
# stream of bin/tidings (or TIDINGS_BIN) to them. TIDINGS_NO_SKIP=1: a missing runtime
# is a failure.
set -euo pipefail
cd "$(dirname "$0")"

if command -v npm >/dev/null; then
  npm ci --no-audit --no-fund --loglevel=error
fi
if python3 -c 'import ensurepip, venv' 2>/dev/null; then
  python3 -m venv .venv
  .venv/bin/pip install -q --disable-pip-version-check -r requirements.txt
fi
CGO_ENABLED=1 exec go test -race -count=1 -parallel=4 -v ./...
