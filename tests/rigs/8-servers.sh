#!/usr/bin/env bash
# Real FTP servers on loopback: the contract, a thousand files each way over four connections, a server killed in mid-transfer;
# two companies at one server that are told to read their configurations a hundred times.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "$(id -u)" != 0 ]; then
    echo "not root: the servers change users, so this rig is left out"
    exit 0
fi
# Fault points are in debug builds only.
cargo build --quiet
cargo test --quiet --no-run --test remote
python3 tests/rigs/servers.py
python3 tests/rigs/replaced.py
python3 tests/rigs/variants.py
python3 tests/rigs/companies.py
