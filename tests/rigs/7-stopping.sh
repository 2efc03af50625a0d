#!/usr/bin/env bash
# SIGTERM under load and while a large file is read.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --quiet
python3 tests/rigs/stopping.py
python3 tests/rigs/large.py
