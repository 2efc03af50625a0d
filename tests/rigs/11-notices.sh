#!/usr/bin/env bash
# Letters by mail and webhook over TLS against servers that refuse, hang and cut; the daemon killed between sending and noting.
set -euo pipefail
cd "$(dirname "$0")/../.."
# Fault points are in debug builds only.
cargo build --quiet
python3 tests/rigs/notices.py
