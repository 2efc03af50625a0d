#!/usr/bin/env bash
# Fail and kill at call N = 1, 2, 3 … until an evening goes through untouched; the recovery killed as well.
set -euo pipefail
cd "$(dirname "$0")/../.."
# Fault points are in debug builds only.
cargo build --quiet
python3 tests/rigs/kill_loop.py --modes kill,fail
python3 tests/rigs/kill_loop.py --modes twice,full,full+ --step 5
