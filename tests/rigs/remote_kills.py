"""Kills the daemon at random moments while it collects orders from real FTP servers, claiming by rename and by looking, and
brings them on to another folder there; a partner goes on dropping files. At the end every order is in the database exactly
once, every file has one verdict, of what was collected nothing stands at the server any more, and what was brought there
holds every order exactly once, in whole files under their own names. Usage: remote_kills.py [KILLS] [SERVER] [SEED]
"""
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import night
import promises
import servers

# The drained run at the end may meet a claim that a dead connection still has open at the server.
DRAINS = 5
MODES = {"vsftpd": servers.REUSE, "pure-ftpd": servers.TLS, "proftpd": servers.PLAIN, "pyftpdlib": servers.PLAIN}

SHOP = """name = "Shop"
[remote.ftp]
kind = "ftp"
host = "127.0.0.1"
port = {port}
user = "{user}"
password = "env:RIG_PASSWORD"
connections = 3
timeout = "10 s"
{trust}
[intake.claimed]
from = "ftp:in"
every = "10 s"
settle = "rename"
layouts = ["nattpost-order-csv"]
customers = "accept"
articles = "accept"
[intake.looked]
from = "ftp:out"
every = "10 s"
claim = "look"
after = "move taken"
settle = "rename"
layouts = ["nattpost-order-csv"]
customers = "accept"
articles = "accept"
[feed.orders]
layout = "nattpost-order-xml"
file_name = "orders_{{run}}.xml"
to = "ftp:brought"
on_registration = true
"""


def lay_out(root, server):
    words = dict(pair.split("=", 1) for pair in server.words().split(";"))
    trust = f'ca = "{words["ca"]}"' if "ca" in words else f'pin = "sha256:{words["pin"]}"' if "pin" in words else 'tls = "none"'
    (root / "partners").mkdir(parents=True)
    (root / "nattpost.toml").write_text('company = "Nordkap"\n')
    (root / "partners" / "shop.toml").write_text(SHOP.format(port=server.port, user=words["user"], trust=trust))
    for place in ("taken", "brought"):
        (server.root / place).mkdir()
        (server.root / place).chmod(0o777)
    os.environ["RIG_PASSWORD"] = words["password"]


class Partner:
    """Drops orders, moved in whole; remembers every one."""

    def __init__(self, server, chance):
        self.root, self.chance, self.orders, self.place = server.root, chance, [], server.folder / "arriving"
        self.place.mkdir()

    def drop(self, count):
        for _ in range(count):
            number = f"K-{len(self.orders)}"
            name = f"orders {len(self.orders)}.csv"
            lines = [(f"A{n}", "1") for n in range(self.chance.choice([1, 1, 1, 400]))]
            part = self.place / name
            part.write_text(night.orders_csv((number, "1001", lines)))
            part.chmod(0o666)
            # Old enough for its time to tell whether it is still the same.
            os.utime(part, (time.time() - 60, time.time() - 60))
            part.rename(self.root / self.chance.choice(["in", "out"]) / name)
            self.orders.append(number)


def one_life(root, chance):
    daemon = night.start(root, once=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(chance.uniform(0.02, 0.9))
        if daemon.poll() is not None:
            raise servers.Broken(f"the daemon ended by itself with {daemon.returncode}")
    finally:
        daemon.kill()
        daemon.wait()
    with promises.Ledger(root) as ledger:
        found = ledger.one("SELECT (SELECT count(*) FROM collect WHERE state = 'claiming') + (SELECT count(*) FROM run WHERE state IN ('delivering', 'renaming'))")
        return 1 if found and found[0] else 0


def left_at(server):
    return sorted(path.name for place in ("in", "out") for path in (server.root / place).iterdir())


def brought(server, partner):
    """The partner leaves what he gets, so whatever arrived twice or in half stands there."""
    wrong, numbers = [], []
    for path in sorted((server.root / "brought").iterdir()):
        if not re.fullmatch(r"orders_\d+\.xml", path.name):
            wrong.append(f"{path.name} was left where files are brought")
            continue
        text = path.read_text()
        if not text.rstrip().endswith(">") or text.count("<order>") != text.count("</order>"):
            wrong.append(f"{path.name} is not whole")
        numbers += re.findall(r"<buyer_order_no>([^<]+)<", text)
    if sorted(numbers) != sorted(partner.orders):
        lost, doubled = set(partner.orders) - set(numbers), {n for n in numbers if numbers.count(n) > 1}
        wrong.append(f"orders that were not brought: {sorted(lost)[:5]} ({len(lost)}), twice: {sorted(doubled)[:5]}")
    return wrong


def check(root, server, partner):
    wrong = []
    with promises.Ledger(root) as ledger:
        found = [row[0] for row in ledger.rows("SELECT buyer_order_no FROM orders")]
        if sorted(found) != sorted(partner.orders):
            lost, doubled = set(partner.orders) - set(found), {n for n in found if found.count(n) > 1}
            wrong.append(f"orders lost: {sorted(lost)[:5]}, doubled: {sorted(doubled)[:5]}")
        rows = ledger.rows("SELECT name, state FROM file")
        applied = [name for name, state in rows if state != "vanished"]
        if len(applied) != len(partner.orders) or len(set(applied)) != len(applied):
            wrong.append(f"{len(applied)} files with {len(set(applied))} names for {len(partner.orders)} orders")
        owed = ledger.one("SELECT count(*) FROM collect")[0]
        if owed:
            wrong.append(f"{owed} files are still owed something")
    wrong += brought(server, partner)
    if left_at(server):
        wrong.append(f"left at the server: {left_at(server)[:5]}")
    return wrong


def over(name, kills, chance):
    folder = Path(tempfile.mkdtemp(prefix="nattpost-remote-kills-"))
    server = servers.Server(name, MODES[name], folder / "server")
    folder.chmod(0o755)
    began, hits = time.monotonic(), 0
    try:
        server.start()
        root = folder / "ours"
        lay_out(root, server)
        partner = Partner(server, chance)
        for _ in range(kills):
            partner.drop(chance.randint(1, 8))
            hits += one_life(root, chance)
        for _ in range(DRAINS):
            code, said = night.run(root)
            if not code and not left_at(server):
                break
        wrong = [f"the last run ends with {code}: {night.tail(said)}"] if code else []
        wrong += check(root, server, partner)
        print(f"{name:10} {MODES[name]:10} {kills} kills in {time.monotonic() - began:.0f} s, {len(partner.orders)} files, "
              f"{hits} kills found files on their way; {len(wrong)} finding(s)", flush=True)
        return [f"{name}: {finding}" for finding in wrong]
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    print(f"seed {seed}")
    wrong = []
    for name in MODES:
        if only in ("", name):
            wrong += over(name, kills, random.Random(seed))
    if wrong:
        raise SystemExit("FAILED:\n  " + "\n  ".join(wrong))


if __name__ == "__main__":
    try:
        main()
    except (servers.Broken, night.Broken) as error:
        sys.exit(f"remote kills: {error}")
