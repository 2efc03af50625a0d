#!/usr/bin/env bash
# Kill at call N = 1, 2, 3 … until an evening goes through untouched; fail at every third, the recovery killed as well. What leaves: at
# every so many calls, other ones in each mode (all of them: kill_loop.py --night out, 40 minutes). The same over remotes (--night remote).
set -euo pipefail
cd "$(dirname "$0")/../.."
# Fault points are in debug builds only.
cargo build --quiet --bins --example ftp_double
python3 tests/rigs/kill_loop.py --modes kill
python3 tests/rigs/kill_loop.py --modes fail --step 3
python3 tests/rigs/kill_loop.py --modes twice,full,full+ --step 15
python3 tests/rigs/kill_loop.py --night out --modes kill --step 11
python3 tests/rigs/kill_loop.py --night out --modes taken --step 23
python3 tests/rigs/kill_loop.py --night out --modes fail --step 19
python3 tests/rigs/kill_loop.py --night out --modes twice --step 29
python3 tests/rigs/kill_loop.py --night out --modes full,full+ --step 41
# Most of their time these wait.
python3 tests/rigs/kill_loop.py --night first --modes lives --step 61 --no-later --jobs 8
python3 tests/rigs/kill_loop.py --night out --modes lives --step 61 --no-later --jobs 8
python3 tests/rigs/kill_loop.py --night remote --modes kill --step 11
python3 tests/rigs/kill_loop.py --night remote --modes fail --step 13
python3 tests/rigs/kill_loop.py --night remote --modes twice --step 29
python3 tests/rigs/kill_loop.py --night remote --modes full,full+ --step 41
