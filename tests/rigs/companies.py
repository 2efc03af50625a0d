"""Two companies on one machine, each with its spool, database and daemon, at one real FTP server: while orders go both ways each is told
a hundred times to read its configuration again (and now and then finds other rules there, or wrong ones), and one of them is killed.
Nothing is lost, doubled, or found at the other's.
Usage: companies.py [SEED]
"""
import contextlib
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import full_disk
import night
import post
import promises
import servers

RELOADS, ORDERS, SETTLED_WITHIN = 100, 300, 180.0
# Both work at one server, each in folders of its own.
RULES = """[intake.claimed]
from = "ftp:{name}-in"
{orders}
[intake.looked]
from = "ftp:{name}-look"
claim = "look"
after = "move {name}-taken"
{orders}
[feed.orders]
layout = "nattpost-order-xml"
file_name = "orders_{{run}}.xml"
to = "ftp:{name}-brought"
on_registration = true
"""


class Place:
    """One company's part of the server, as post.py knows a whole one."""

    def __init__(self, server, name, folder):
        self.root, self.folder, self.server, self.port = folder / "theirs", folder, server, server.port
        self.root.mkdir(parents=True)
        # The names that the partner and the checks know lead to the folders of this company.
        for known, there in (("in", "in"), ("out", "look"), ("taken", "taken"), ("brought", "brought")):
            place = server.root / f"{name}-{there}"
            place.mkdir()
            place.chmod(0o777)
            (self.root / known).symlink_to(place)

    def words(self):
        return self.server.words()


class Company:
    def __init__(self, server, name, folder, chance):
        self.name, self.root, self.place = name, folder / name, Place(server, name, folder / f"{name}-place")
        self.partner = post.Partner(self.place, chance, lines=(1, 1, 30))
        post.lay_out(self.root, self.place, rules=RULES.format(name=name, orders=post.ORDERS), connections=2)
        self.rules = self.root / "partners" / "shop.toml"
        self.text, self.log, self.daemon = self.rules.read_text(), folder / f"{name}.log", None
        self.starts = 0

    def start(self):
        self.starts += 1
        self.daemon = full_disk.Daemon(self.root, f"{self.log}{self.starts}")
        night.wait_for(f"the start of {self.name}", lambda: self.daemon.says(["daemon-started"]), 20)

    def reload(self, number):
        """The same rules, others that are as good (the remote is another one to the ledger), or wrong ones."""
        text = self.text
        if number % 5 == 3:
            text = text.replace('timeout = "10 s"', f'timeout = "{10 + number % 7} s"')
        if number % 11 == 7:
            text += "\nnonsense = 1\n[what"
        part = self.rules.with_suffix(".part")
        part.write_text(text)
        part.rename(self.rules)
        self.daemon.process.send_signal(signal.SIGHUP)

    def is_settled(self):
        return not post.check(self.root, self.place, self.partner.orders)

    def end(self):
        if self.daemon:
            self.daemon.end()


def play(seed):
    folder = Path(tempfile.mkdtemp(prefix="nattpost-two-"))
    folder.chmod(0o755)
    chance, began, companies = random.Random(seed), time.monotonic(), []
    server = servers.Server("vsftpd", servers.REUSE, folder / "server").start()
    try:
        companies = [Company(server, name, folder, chance) for name in ("a", "b")]
        for company in companies:
            company.start()
        killed_at = chance.randrange(20, 80)
        for number in range(RELOADS):
            for company in companies:
                company.partner.drop(ORDERS // RELOADS)
                company.reload(number)
            if number == killed_at:
                companies[0].daemon.end()
                companies[0].start()
            time.sleep(chance.uniform(0.02, 0.2))
        for company in companies:
            # The last word of all is a good one.
            company.reload(0)
        with contextlib.suppress(night.Broken):
            night.wait_for("both are settled", lambda: all(c.is_settled() for c in companies), SETTLED_WITHIN)
        wrong = []
        for company in companies:
            company.daemon.stop()
            wrong += [f"{company.name}: {words}" for words in post.check(company.root, company.place, company.partner.orders)]
            wrong += [f"{company.name}: {words}" for words in promises.after_the_restart(company.root, ())]
            for event in ("config-loaded", "config-bad"):
                if not company.daemon.times(event):
                    wrong.append(f"{company.name} has no {event}: {night.tail(company.daemon.said(), 8)}")
        if wrong:
            raise night.Broken("\n  ".join(wrong[:12]) + "\n" + "\n".join(night.tail(c.daemon.said(), 8) for c in companies))
        print(f"two companies, seed {seed}: {ORDERS} orders and {RELOADS} reloads each, one kill; nothing lost or doubled; {time.monotonic() - began:.0f} s", flush=True)
    finally:
        for company in companies:
            company.end()
        server.end()
        shutil.rmtree(folder)


if __name__ == "__main__":
    if servers.missing():
        print(f"SKIPPED: two companies: {servers.missing()}")
        sys.exit(0)
    try:
        play(int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(10_000))
    except (night.Broken, servers.Broken) as broken:
        print(f"FINDING: two companies: {broken}", flush=True)
        sys.exit(1)
