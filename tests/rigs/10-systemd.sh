#!/usr/bin/env bash
# The package in a machine of its own: installed over the version before with its data, started, reloaded, hung, stopped, as its users.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --quiet
cargo build --quiet --example papers
python3 tests/rigs/systemd.py
