"""SIGTERM while a gigabyte is on its way from and to a real vsftpd, which goes on or stalls: the process is gone within ten seconds,
nothing half is seen by anybody, and the next start brings it over whole. The file on its way out is one that was composed and
then made larger on the disk and in the ledger: a debug build would compose a gigabyte for an hour.
Usage: large.py [MIB]
"""
import hashlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import night
import post
import servers

GONE_AFTER, SLACK = 10.0, 1.0
# So fast that a gigabyte takes about ten seconds: the stop falls into its middle.
BYTES_A_SECOND = 120_000_000
ON_ITS_WAY, TAKEN_WITHIN = 0.1, 120
NAME = "large.csv"
LOCAL = '[intake.dropped]\nsettle = "rename"\nlayouts = ["nattpost-order-csv"]\ncustomers = "accept"\narticles = "accept"\n'


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


def largest(folder):
    return max((path.stat().st_size for path in folder.iterdir() if path.is_file()), default=0) if folder.is_dir() else 0


def stopped(root, server, what, is_on_its_way, stalls):
    """The seconds from SIGTERM to the process's end, given in the middle of a transfer."""
    with open(root / "log", "ab") as log:
        daemon = night.start(root, once=False, stdout=subprocess.DEVNULL, stderr=log)
    halted = []
    try:
        night.wait_for(f"{what} is on its way", is_on_its_way, TAKEN_WITHIN)
        if stalls:
            halted = server.pids()
            for pid in halted:
                os.kill(pid, signal.SIGSTOP)
            time.sleep(1)
        began = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        try:
            code = daemon.wait(timeout=30)
        except subprocess.TimeoutExpired:
            raise night.Broken(f"{what}: the process is still there after 30 s") from None
        took = time.monotonic() - began
    finally:
        daemon.kill()
        daemon.wait()
        for pid in halted:
            os.kill(pid, signal.SIGCONT)
    if code or took > GONE_AFTER + SLACK:
        raise night.Broken(f"{what}: the process ended with {code}, {took:.1f} s after SIGTERM")
    return took


def drained(root, what):
    began = time.monotonic()
    night.RUN_SECONDS_MAX = TAKEN_WITHIN
    code, said = night.run(root)
    if code:
        raise night.Broken(f"{what}: the next start ends with {code}: {night.tail(said)}")
    return time.monotonic() - began


def from_there(folder, server, size, stalls):
    root = folder / f"in-{stalls}"
    post.lay_out(root, server, post.CLAIMED)
    source = server.root / "in" / NAME
    with open(source, "wb") as file:
        # No order file, so it is refused as soon as it is there: what counts is that it comes whole.
        file.write(b"this is no order file\n")
        file.truncate(size)
    source.chmod(0o666)
    expected = digest(source)
    what = f"a file of {size >> 20} MiB from a server that {'stalls' if stalls else 'goes on'}"
    took = stopped(root, server, what, lambda: largest(root / "spool" / "tmp") > size * ON_ITS_WAY, stalls)
    wrong = [str(path) for state in ("work", "done", "failed") for path in (root / "spool" / state).rglob("*") if path.is_file()]
    if wrong or len(list((server.root / "in").iterdir())) != 1:
        raise night.Broken(f"{what}: after the stop there stand {wrong}, at the server {post.left_at(server)}")
    whole = drained(root, what)
    found = [path for path in (root / "spool" / "failed").rglob(f"*{NAME}")]
    if len(found) != 1 or found[0].stat().st_size != size or digest(found[0]) != expected or post.left_at(server):
        raise night.Broken(f"{what}: after the next start {found} stand there, at the server {post.left_at(server)}")
    print(f"{what}: gone {took:.1f} s after SIGTERM, nothing half; the next start took it whole in {whole:.0f} s", flush=True)
    shutil.rmtree(root)


def made_larger(root, size):
    """The one run that waits for its delivery; and the remote is tried at once."""
    (path,) = [path for path in (root / "spool" / "out").rglob("*.xml")]
    os.truncate(path, size)
    with sqlite3.connect(root / "nattpost.db") as db:
        assert db.execute("UPDATE run SET size = ?", (size,)).rowcount == 1
        db.execute("UPDATE delivery SET next_try = NULL")
        db.execute("DELETE FROM remote_state")
    db.close()
    return digest(path)


def to_there(folder, server, size, stalls):
    root, brought = folder / f"out-{stalls}", server.root / "brought"
    post.lay_out(root, server, LOCAL + post.BROUGHT)
    port = server.port
    server.end()
    dropped = root / "spool" / "in" / "shop" / "dropped"
    dropped.mkdir(parents=True)
    (dropped / "o.csv").write_text(night.orders_csv(("L-1", "1001", [("A1", "1")])))
    night.run(root)
    expected = made_larger(root, size)
    server.start(port)
    what = f"a file of {size >> 20} MiB to a server that {'stalls' if stalls else 'goes on'}"
    took = stopped(root, server, what, lambda: largest(brought) > size * ON_ITS_WAY, stalls)
    if finals := [path.name for path in brought.iterdir() if path.suffix != ".part"]:
        raise night.Broken(f"{what}: after the stop the partner sees {finals}")
    whole = drained(root, what)
    found = list(brought.iterdir())
    if [path.name for path in found] != ["orders_000001.xml"] or found[0].stat().st_size != size or digest(found[0]) != expected:
        raise night.Broken(f"{what}: after the next start there stand {[(path.name, path.stat().st_size) for path in found]}")
    print(f"{what}: gone {took:.1f} s after SIGTERM, nothing half; the next start brought it whole in {whole:.0f} s", flush=True)
    found[0].unlink()
    shutil.rmtree(root)


def main():
    if why := servers.missing():
        print(f"SKIPPED: a gigabyte under way: {why}")
        return
    size = int(sys.argv[1] if len(sys.argv) > 1 else 1024) << 20
    folder = Path(tempfile.mkdtemp(prefix="nattpost-large-"))
    folder.chmod(0o755)
    server = servers.Server("vsftpd", servers.PLAIN, folder / "server", f"anon_max_rate={BYTES_A_SECOND}\n")
    try:
        server.start()
        for journey in (from_there, to_there):
            for stalls in (False, True):
                journey(folder, server, size, stalls)
    finally:
        server.end()
        shutil.rmtree(folder)


if __name__ == "__main__":
    try:
        main()
    except (servers.Broken, night.Broken) as error:
        sys.exit(f"FINDING: large: {error}")
