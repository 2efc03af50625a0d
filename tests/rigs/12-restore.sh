#!/usr/bin/env bash
# The database is lost and an older copy put back, by the page's own words: no order doubled or lost, no number reused.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --quiet
python3 tests/rigs/restore.py "$@"
