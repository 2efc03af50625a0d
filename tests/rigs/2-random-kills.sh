#!/usr/bin/env bash
# A hundred kills at random moments while files arrive.
set -euo pipefail
cd "$(dirname "$0")/../.."
# Fault points are in debug builds only.
cargo build --quiet
python3 tests/rigs/random_kills.py 100
