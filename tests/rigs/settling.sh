#!/usr/bin/env bash
# When a dropped file is taken, against the running daemon: S6.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --quiet
exec python3 tests/rigs/settling.py
