#!/usr/bin/env bash
# Full disk, no names left, a database that cannot be written, a disk that turns read-only.
set -euo pipefail
cd "$(dirname "$0")/../.."
# Fault points are in debug builds only.
cargo build --quiet
python3 tests/rigs/full_disk.py
python3 tests/rigs/full_remote.py
