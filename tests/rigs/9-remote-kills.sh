#!/usr/bin/env bash
# The daemon is killed 15 times at each of four real FTP servers (a hundred: remote_kills.py 100), while it collects and delivers: nothing lost, doubled or half.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ "$(id -u)" != 0 ]; then
    echo "not root: the servers change users, so this rig is left out"
    exit 0
fi
cargo build --quiet
python3 tests/rigs/remote_kills.py 15
