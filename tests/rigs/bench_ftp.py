"""A thousand small files collected and removed from vsftpd over four connections: ours, synced and applied, against `lftp mirror
--Remove-source-files`, in pairs A B A B over the same server; on the bare loopback, or with a delay by a proxy of our own.
Not part of tests/run. Usage: bench_ftp.py [DELAY_MS] [PAIRS] [FILES]; NATTPOST_BIN names a release build.

The proxy holds every piece back for half of the delay on each way and opens the ports that the server names; opening a
connection costs no delay, which favours neither: both send their command beside it. It counts the pieces that commands came in, so that
a trip more per file is seen without a clock.
"""
import os
import queue
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import night
import servers

CONNECTIONS = 4
PROXY = "127.0.0.2"
LFTP = servers.TREE / "usr" / "bin" / "lftp"
SHOP = """name = "Shop"
[remote.ftp]
kind = "ftp"
host = "{host}"
port = {port}
user = "anonymous"
password = "env:RIG_PASSWORD"
tls = "none"
connections = {connections}
[intake.orders]
from = "ftp:in"
settle = "rename"
layouts = ["nattpost-order-csv"]
customers = "accept"
articles = "accept"
"""


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


def timed(words, **options):
    began = time.monotonic()
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    took = time.monotonic() - began
    if done.returncode:
        raise servers.Broken(f"{words[0]} ends with {done.returncode}: {night.tail(done.stdout + done.stderr)}")
    return took


def ours(folder, host, port, count):
    root = Path(tempfile.mkdtemp(dir=folder))
    (root / "partners").mkdir()
    (root / "nattpost.toml").write_text('company = "Nordkap"\n')
    (root / "partners" / "shop.toml").write_text(SHOP.format(host=host, port=port, connections=CONNECTIONS))
    environment = {**os.environ, "RIG_PASSWORD": "x"}
    took = timed([night.BINARY, "--config", root / "nattpost.toml", "run", "--once"], env=environment)
    found = timed_orders(root)
    if found != count:
        raise servers.Broken(f"{found} orders of {count} were applied")
    return took


def timed_orders(root):
    import sqlite3

    with sqlite3.connect(root / "nattpost.db") as store:
        return store.execute("SELECT count(*) FROM orders").fetchone()[0]


def theirs(folder, host, port, count):
    target = Path(tempfile.mkdtemp(dir=folder))
    orders = f"set ftp:ssl-allow no; mirror --Remove-source-files --parallel={CONNECTIONS} in {target}; bye"
    environment = {**os.environ, "LD_LIBRARY_PATH": str(servers.LIBRARIES), "HOME": str(target)}
    took = timed([LFTP, "-u", "anonymous,x", "-p", port, "-e", orders, host], env=environment)
    found = len(list(target.glob("orders*.csv")))
    if found != count:
        raise servers.Broken(f"lftp brought {found} files of {count}")
    return took


def main():
    if not LFTP.exists():
        raise servers.Broken(f"{LFTP} is not there; tests/run unpacks it")
    delay, pairs, count = (int(word) for word in (sys.argv[1:] + ["0", "3", "1000"][len(sys.argv) - 1:])[:3])
    folder = Path(tempfile.mkdtemp(prefix="nattpost-bench-ftp-"))
    folder.chmod(0o755)
    server = servers.Server("vsftpd", servers.PLAIN, folder / "server", "pasv_address=127.0.0.2\n" if delay else "")
    try:
        server.start()
        proxy, host = (Proxy(server.port, delay / 1000), PROXY) if delay else (None, "127.0.0.1")
        ratios = []
        for _ in range(pairs):
            took, pieces = {}, {}
            for name, collect in (("ours", ours), ("lftp", theirs)):
                fill(server, count)
                before = proxy.pieces if proxy else 0
                took[name] = collect(folder, host, server.port, count)
                pieces[name] = (proxy.pieces - before) / count if proxy else 0
                left = len(list((server.root / "in").iterdir()))
                if left:
                    raise servers.Broken(f"{name} left {left} files at the server")
            ratios.append(took["ours"] / took["lftp"])
            trips = f"; pieces of commands a file {pieces['ours']:.2f} and {pieces['lftp']:.2f}" if proxy else ""
            print(f"ours {took['ours']:.2f} s, lftp {took['lftp']:.2f} s, ratio {ratios[-1]:.2f}{trips}", flush=True)
        print(f"{count} files, {CONNECTIONS} connections, delay {delay} ms: median ratio {statistics.median(ratios):.2f}")
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except servers.Broken as error:
        sys.exit(f"bench_ftp: {error}")
