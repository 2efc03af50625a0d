#!/usr/bin/env bash
# A hundred power cuts, and the two controls that must lose files; twenty while files are fetched from a server, and their control.
set -euo pipefail
cd "$(dirname "$0")/../.."
# Fault points are in debug builds only.
cargo build --quiet --bins --example ftp_double
python3 tests/rigs/power_cut.py full 100
python3 tests/rigs/power_cut.py normal 10
python3 tests/rigs/power_cut.py nosync 10
python3 tests/rigs/power_cut.py remote 20
python3 tests/rigs/power_cut.py remote-nosync 4
python3 tests/rigs/power_cut.py remote-killed
python3 tests/rigs/power_cut.py remote-killed-nosync
