#!/usr/bin/env bash
# A hundred kills at random moments while files arrive, fifty while files leave.
set -euo pipefail
cd "$(dirname "$0")/../.."
# Fault points are in debug builds only.
cargo build --quiet
python3 tests/rigs/random_kills.py 100
python3 tests/rigs/night_out_kills.py 50
