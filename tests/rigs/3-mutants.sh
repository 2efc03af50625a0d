#!/usr/bin/env bash
# Breaks the program on purpose: the kill loop has to notice each of tests/mutants.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --quiet --bins --example ftp_double
python3 tests/rigs/mutants.py
