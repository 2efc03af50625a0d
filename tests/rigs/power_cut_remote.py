"""Power cuts while files are fetched from a server: the double stands off the logged disk, and whatever it removes at our word is
acknowledged by it, marked in the log before it is gone. No removed file may be missing in any state of the disk, and none that was
judged may have other bytes than were sent. For power_cut.py, which has the disk and the states.
"""
import os
import random
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

import double
import night
import post
import promises

FILES = 120
# A job fetches up to 64 and then names them, one after the other.
NAMED = 40
# Removals that are waited for, in all.
SECONDS_MAX = 120
INTAKE = f'[intake.orders]\nfrom = "ftp:in"\n{post.ORDERS}'


class Server:
    """The double, and what it removed in its order: each removal is marked before it is done."""

    def __init__(self, *more):
        self.folder = Path(tempfile.mkdtemp(prefix="nattpost-power-remote-"))
        for name in ("ftp/in", "history"):
            (self.folder / name).mkdir(parents=True)
        self.double = double.Double(self.folder / "ftp", self.folder, *more)
        self.sent, self.removed, self.is_enough = {}, [], threading.Event()

    def fill(self, chance):
        """Some are large enough not to be kept in the ledger."""
        for number in range(FILES):
            lines = [(f"A{n}", "1") for n in range(chance.choice([1, 1, 1, 2_000]))]
            name, text = f"orders-{number:05}.csv", night.orders_csv((f"S-{number}", "1001", lines))
            self.sent[name] = text.encode()
            (self.folder / "ftp" / "in" / name).write_text(text)

    def serve(self, disk):
        """Until it has removed all, or is ended."""
        for line in self.double.process.stdout:
            self.removed.append(line.strip().rsplit("/", 1)[1][14:].rsplit(".", 2)[0])
            disk.mark(len(self.removed))
            self.double.tell("marked")
            if len(self.removed) == FILES:
                self.is_enough.set()

    def end(self):
        self.double.end()
        shutil.rmtree(self.folder)


SERVERS = []


def end():
    while SERVERS:
        SERVERS.pop().end()


def lay_out(disk, *more):
    server = Server(*more)
    SERVERS.append(server)
    (disk.root / "partners").mkdir()
    (disk.root / "nattpost.toml").write_text('company = "Nordkap"\n')
    (disk.root / "partners" / "shop.toml").write_text(post.shop(server.double.port, double.USER, connections=2) + INTAKE)
    server.fill(random.Random(7))
    subprocess.run(["sync", "-f", str(disk.root)], check=True)
    return server


def killed_before_verdicts(disk, environment):
    """Killed while what was fetched gets its names in work/, before the round that would sync it begins; then somebody else's file is synced, and with it goes what the
    file system knows of names, but no content that nobody asked for."""
    server = lay_out(disk)
    environment = environment | {"RIG_PASSWORD": double.PASSWORD}
    daemon = night.start(disk.root, once=False, fault=f"kill@spool.rename/{NAMED}", env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        daemon.wait(timeout=SECONDS_MAX)
    finally:
        daemon.kill()
        daemon.wait()
    if not list(promises.walk(disk.root, "work")):
        raise night.Broken("nothing stands in work/, so nothing is tried")
    with open(disk.root / "another's", "wb") as file:
        file.write(b"x")
        os.fsync(file.fileno())
    return server, []


def feed_and_acknowledge(disk, environment):
    server = lay_out(disk, "--ask-removals")
    listener = threading.Thread(target=server.serve, args=(disk,), daemon=True)
    listener.start()
    environment = environment | {"RIG_PASSWORD": double.PASSWORD}
    daemon = night.start(disk.root, once=False, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if not server.is_enough.wait(SECONDS_MAX):
            raise night.Broken(f"after {SECONDS_MAX} s {len(server.removed)} of {FILES} files were removed")
    finally:
        daemon.kill()
        daemon.wait()
    return server, list(server.removed)


def judge(root, server, acknowledged):
    """A start on that state; the server has nothing any more of what it removed."""
    wrong = []
    if (root / "nattpost.db").exists() and (root / "nattpost.toml").exists():
        wrong += promises.before_the_restart(root, power_cut=True)
    try:
        code, said = night.run(root, env={"RIG_PASSWORD": double.PASSWORD})
    except night.Hung as hung:
        return wrong + [str(hung)], len(acknowledged)
    if code:
        return wrong + [f"the start ends with {code}: {night.tail(said, 4)}"], len(acknowledged)
    stands = {name[14:]: promises.read(path) for _, _, name, path in promises.walk(root, "done", "failed")}
    with promises.Ledger(root) as ledger:
        judged = {row["name"] for row in ledger.rows("SELECT name FROM file WHERE state = 'judged'")}
        orders = [row[0] for row in ledger.rows("SELECT buyer_order_no FROM orders")]
    lost = [name for name in acknowledged if name not in judged or stands.get(name) != server.sent[name]]
    wrong += [f"removed there and lost: {lost[:5]} ({len(lost)})"] if lost else []
    other = [name for name in judged if stands.get(name) != server.sent[name]]
    wrong += [f"judged with other bytes than were sent: {other[:5]} ({len(other)})"] if other else []
    missing = {f"S-{int(name[7:12])}" for name in acknowledged} - set(orders)
    wrong += [f"orders of removed files lost: {sorted(missing)[:5]} ({len(missing)})"] if missing else []
    wrong += ["orders doubled"] if len(orders) != len(set(orders)) else []
    return wrong, len(lost)
