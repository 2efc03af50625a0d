#!/usr/bin/env bash
# The watcher overflows, the folder is exchanged under load, no watch is to be had: no file is missed.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --quiet
python3 tests/rigs/watching.py
