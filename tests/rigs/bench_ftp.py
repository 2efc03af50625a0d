"""A thousand small files collected and removed from vsftpd over four connections: ours, synced and applied, against `lftp mirror
--Remove-source-files`, in pairs A B A B over the same server; on the bare loopback, or with a delay by a proxy of our own.
Not part of tests/run. NATTPOST_BIN names a release build.

  bench_ftp.py                       a thousand small files, no delay
  bench_ftp.py --delay 30            the same behind the proxy
  bench_ftp.py --large 1024          one file of so many MiB, over one connection, with the most memory that we took

The large file is one that no layout reads: its first line refuses it, so that what is measured is the way to this machine (hashed,
synced, filed, removed at the server) and not the reading of orders, which lftp does not do either. lftp gives the file to the
page cache and removes the partner's copy; so there are two more sides: lftp with `sync` before it removes, which promises what we
promise, and the disk alone: what writing as many bytes past the page cache takes, which nobody who syncs can go below.

The proxy holds every piece back for half of the delay on each way and opens the ports that the server names; opening a
connection costs no delay, which favours neither: both send their command beside it. It counts the pieces that commands came in, so that
a trip more per file is seen without a clock.
"""
import argparse
import os
import queue
import re
import select
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import night
import post
import servers

CONNECTIONS = 4
PROXY = "127.0.0.2"
LFTP = servers.TREE / "usr" / "bin" / "lftp"
INTAKE = f'[intake.orders]\nfrom = "ftp:in"\n{post.ACCEPTS}'


class Proxy:
    """127.0.0.2 in front of 127.0.0.1, the same ports."""

    def __init__(self, port, delay):
        self.half, self.pieces = delay / 2, 0
        self.listen(port, is_control=True)

    def listen(self, port, is_control=False):
        listener = socket.create_server((PROXY, port))
        threading.Thread(target=self.accept, args=(listener, port, is_control), daemon=True).start()

    def accept(self, listener, port, is_control):
        while True:
            client = listener.accept()[0]
            server = socket.create_connection(("127.0.0.1", port))
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.pump(client, server, is_control, False)
            self.pump(server, client, False, is_control)
            if not is_control:
                # A passive port is for one connection.
                listener.close()
                return

    def pump(self, source, target, counts, names_ports):
        waiting = queue.SimpleQueue()

        def read():
            while True:
                try:
                    data = source.recv(262_144)
                except OSError:
                    data = b""
                self.pieces += counts and bool(data)
                for found in re.finditer(rb"\(\|\|\|(\d+)\|\)|227 [^(]*\(\d+,\d+,\d+,\d+,(\d+),(\d+)\)", data if names_ports else b""):
                    self.listen(int(found[1]) if found[1] else int(found[2]) * 256 + int(found[3]))
                waiting.put((time.monotonic() + self.half, data))
                if not data:
                    return

        def write():
            while True:
                due, data = waiting.get()
                time.sleep(max(0, due - time.monotonic()))
                try:
                    if not data:
                        target.shutdown(socket.SHUT_WR)
                        return
                    target.sendall(data)
                except OSError:
                    return

        for work in (read, write):
            threading.Thread(target=work, daemon=True).start()


def fill(server, count):
    for number in range(count):
        path = server.root / "in" / f"orders {number}.csv"
        path.write_text(night.orders_csv((f"B-{number}", "1001", [("A1", "1"), ("A2", "2")])))
        path.chmod(0o666)


def fill_large(server, mebibytes):
    """Lines of a form that is nobody's; written once more for each side, so that both find it in the page cache."""
    block = b"".join(b"%07d;this line is of no layout;%s\n" % (at, b"x" * 93) for at in range(8192))
    assert len(block) == 1 << 20
    path = server.root / "in" / "large.csv"
    with path.open("wb") as out:
        for _ in range(mebibytes):
            out.write(block)
    path.chmod(0o666)
    os.sync()


def timed(words, **options):
    """Seconds, and the most memory it held in MB."""
    with tempfile.TemporaryFile() as said:
        began, peak = time.monotonic(), 0
        process = subprocess.Popen([str(word) for word in words], stdout=said, stderr=subprocess.STDOUT, **options)
        ends, wakes = os.pidfd_open(process.pid), select.poll()
        wakes.register(ends, select.POLLIN)
        while not wakes.poll(20):
            # Its own mark: what wait4 tells begins with the size of this script.
            status = Path(f"/proc/{process.pid}/status").read_text()
            peak = max([peak] + [int(found) for found in re.findall(r"VmHWM:\s+(\d+)", status)])
        took = time.monotonic() - began
        os.close(ends)
        said.seek(0)
        if process.wait():
            raise servers.Broken(f"{words[0]} ends with {process.returncode}: {night.tail(said.read())}")
    return took, peak / 1000


def ours(folder, host, port, count, is_large):
    root = Path(tempfile.mkdtemp(dir=folder))
    (root / "partners").mkdir()
    (root / "nattpost.toml").write_text('company = "Nordkap"\n')
    # A house is set up once: its database is there before the first file.
    subprocess.run([night.BINARY, "--config", root / "nattpost.toml", "run", "--once"], check=True, capture_output=True)
    (root / "partners" / "shop.toml").write_text(post.shop(port, "anonymous", connections=CONNECTIONS, host=host) + INTAKE)
    environment = {**os.environ, "RIG_PASSWORD": "x"}
    took, memory = timed([night.BINARY, "--config", root / "nattpost.toml", "run", "--once"], env=environment)
    with sqlite3.connect(root / "nattpost.db") as store:
        what = "count(*) FROM file WHERE code = 'layout-mismatch'" if is_large else "count(*) FROM orders"
        found = store.execute(f"SELECT {what}").fetchone()[0]
        codes = store.execute("SELECT code, count(*) FROM file GROUP BY code").fetchall()
    if found != count:
        raise servers.Broken(f"{found} of {count} came to their end; files stand with {codes}")
    shutil.rmtree(root)
    return took, memory


def theirs(folder, host, port, count, is_large, syncs=False):
    target = Path(tempfile.mkdtemp(dir=folder))
    bring = f"get -E in/large.csv -o {target}/" if is_large else f"mirror --Remove-source-files --parallel={CONNECTIONS} in {target}"
    if syncs:
        bring = f"get in/large.csv -o {target}/; shell sync {target}/large.csv {target}; rm in/large.csv"
    environment = {**os.environ, "LD_LIBRARY_PATH": str(servers.LIBRARIES), "HOME": str(target)}
    took, memory = timed([LFTP, "-u", "anonymous,x", "-p", port, "-e", f"set ftp:ssl-allow no; {bring}; bye", host], env=environment)
    found = len(list(target.glob("*.csv")))
    if found != count:
        raise servers.Broken(f"lftp brought {found} files of {count}")
    shutil.rmtree(target)
    return took, memory


def theirs_synced(*what):
    return theirs(*what, syncs=True)


def disk_alone(folder, mebibytes):
    """Seconds."""
    target = folder / "disk-alone"
    took, _ = timed(["dd", "if=/dev/zero", f"of={target}", "bs=4M", f"count={mebibytes // 4}", "oflag=direct", "conv=fsync"])
    target.unlink()
    return took


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--delay", type=int, default=0, help="milliseconds for there and back")
    words.add_argument("--pairs", type=int, default=3)
    words.add_argument("--files", type=int, default=1000)
    words.add_argument("--large", type=int, default=0, metavar="MIB", help="one file of this size instead")
    asked = words.parse_args()
    if not LFTP.exists():
        raise servers.Broken(f"{LFTP} is not there; tests/run unpacks it")
    folder = Path(tempfile.mkdtemp(prefix="nattpost-bench-ftp-"))
    folder.chmod(0o755)
    server = servers.Server("vsftpd", servers.PLAIN, folder / "server", "pasv_address=127.0.0.2\n" if asked.delay else "")
    try:
        server.start()
        measure(asked, server, folder)
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)


def measure(asked, server, folder):
    if asked.large:
        return measure_large(asked, server, folder)
    proxy, host = (Proxy(server.port, asked.delay / 1000), PROXY) if asked.delay else (None, "127.0.0.1")
    ratios = []
    for _ in range(asked.pairs):
        took, pieces, memory = {}, {}, {}
        for name, collect in (("ours", ours), ("lftp", theirs)):
            fill(server, asked.files)
            before = proxy.pieces if proxy else 0
            took[name], memory[name] = collect(folder, host, server.port, asked.files, False)
            pieces[name] = (proxy.pieces - before) / asked.files if proxy else 0
            is_empty(server, name)
        ratios.append(took["ours"] / took["lftp"])
        trips = f"; pieces of commands a file {pieces['ours']:.2f} and {pieces['lftp']:.2f}" if proxy else ""
        print(f"ours {took['ours']:.2f} s ({memory['ours']:.0f} MB), lftp {took['lftp']:.2f} s, ratio {ratios[-1]:.2f}{trips}", flush=True)
    print(f"{asked.files} files, {CONNECTIONS} connections, delay {asked.delay} ms: median ratio {statistics.median(ratios):.2f}")


def measure_large(asked, server, folder):
    plain, synced, alone = [], [], []
    for _ in range(asked.pairs):
        took = {}
        for name, collect in (("ours", ours), ("lftp", theirs), ("lftp and sync", theirs_synced)):
            fill_large(server, asked.large)
            took[name], memory = collect(folder, "127.0.0.1", server.port, 1, True)
            most = memory if name == "ours" else most
            is_empty(server, name)
        disk = disk_alone(folder, asked.large)
        for ratios, other in ((plain, took["lftp"]), (synced, took["lftp and sync"]), (alone, disk)):
            ratios.append(took["ours"] / other)
        sides = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in took.items())
        print(f"{sides}, the disk alone {disk:.2f} s; ours held {most:.0f} MB", flush=True)
    of_plain, of_synced, of_disk = (statistics.median(ratios) for ratios in (plain, synced, alone))
    print(f"one file of {asked.large} MiB: median ratio {of_plain:.2f} of lftp, {of_synced:.2f} of lftp and sync, {of_disk:.2f} of the disk alone")


def is_empty(server, name):
    left = len(list((server.root / "in").iterdir()))
    if left:
        raise servers.Broken(f"{name} left {left} files at the server")


if __name__ == "__main__":
    try:
        main()
    except servers.Broken as error:
        sys.exit(f"bench_ftp: {error}")
