"""A disk that becomes full in the middle of the second half of the night: while files are fetched from a real FTP server, brought to
it, a feed of changes is composed, a problem and its letter are written down; and one that is only low. Everything waits, it is said
once, it goes on by itself when there is room, nothing is lost, doubled or half on either side. Below the floor nothing is taken in and
the disk is never filled; that is one problem with one letter at its begin and one at its end, over restarts too.
Each case on a small file system of its own, the server and the letters outside of it; needs root. Usage: full_remote.py [CASE…]
"""
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from beside import beside
import full_disk
import night
import post
import promises
import servers

# What is the matter is looked at once a minute.
GOES_ON_WITHIN = 80
ERP = """name = "ERP"
[intake.stock]
layouts = ["nattpost-stock-csv"]
settle = "rename"
articles = "accept"
"""
DEALER = """name = "Dealer"
[feed.stock]
layout = "nattpost-stock-csv"
file_name = "{scope}_{run:1}.csv"
content = "delta"
on_change = "1 d"
"""
# Of a disk of 32 MiB.
FLOOR_BYTES = 8_000_000
LETTERS = '[notices.board]\ncommand = ["/bin/sh", "-c", "cat >> {told}"]\ngather = "0 s"\n'


class House:
    """A company on a small file system, a server and the told letters outside of it. With: all of it is gone at the end."""

    def __init__(self, floor="off"):
        self.folder = Path(tempfile.mkdtemp(prefix="nattpost-full-"))
        self.folder.chmod(0o755)
        self.server = servers.Server("vsftpd", servers.PLAIN, self.folder / "server").start()
        self.small = full_disk.Small(self.folder)
        self.root, self.told, self.daemons = self.small.root, self.folder / "told", []
        self.partner = post.Partner(self.server, random.Random(9))
        company = f'disk_floor = "{floor}"\n{LETTERS.format(told=self.told)}'
        post.lay_out(self.root, self.server, company=company)
        (self.root / "partners" / "erp.toml").write_text(ERP)
        (self.root / "partners" / "dealer.toml").write_text(DEALER)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for daemon in self.daemons:
            daemon.end()
        self.server.end()
        self.small.end()
        shutil.rmtree(self.folder)

    def run(self):
        code, said = night.run(self.root)
        if code:
            raise night.Broken(f"a run ends with {code}: {night.tail(said)}")

    def daemon(self, fault=None):
        self.daemons.append(full_disk.Daemon(self.root, self.folder / f"log{len(self.daemons)}", fault=fault))
        return self.daemons[-1]

    def stock(self, number, *rows):
        arriving = self.root / "arriving"
        arriving.mkdir(exist_ok=True)
        target = self.root / "spool" / "in" / "erp" / "stock" / f"stock-{number}.csv"
        night.put(arriving, target, night.table("stock", "article_no;warehouse;qty;unit", *rows))

    def letters(self):
        """Begin or over of each problem, by its kind, as often as a letter brought it."""
        lines = self.told.read_text().splitlines() if self.told.exists() else []
        found = []
        for line in lines:
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return found

    def problems(self, kind):
        with promises.Ledger(self.root) as ledger:
            return [tuple(row) for row in ledger.rows("SELECT times, over_at IS NOT NULL FROM problem WHERE kind = ?", kind)]

    def check(self):
        wrong = post.check(self.root, self.server, self.partner.orders)
        return wrong + promises.after_the_restart(self.root, ())


def orders(house):
    house.partner.drop(6)


def changes(house):
    """The full file is taken, other rows come; a person asks for what changed."""
    (full,) = (house.root / "spool" / "out" / "dealer").glob("full_*.csv")
    full.unlink()
    house.run()
    house.stock(2, *(f"A{n};HH;{n + 1};H87" for n in range(40)))
    house.run()
    night.put_command(house.root, "send", {"feeds": ["dealer/stock"]})


def ended(house):
    with promises.Ledger(house.root) as ledger:
        return ledger.one("SELECT ended FROM identity")[0]


def a_crash(house):
    """What the next start tells people."""
    daemon = house.daemon()
    night.wait_for("the daemon's start", lambda: daemon.says(["daemon-started"]), 20)
    night.wait_for("it notes that it began", lambda: ended(house) == 0, 10)
    daemon.process.kill()
    daemon.process.wait()


def delta_is_there(house):
    out = house.root / "spool" / "out" / "dealer"
    text = "".join(path.read_text() for path in out.glob("delta_*.csv"))
    return len(list(out.glob("*.csv"))) == 1 and text.count("stock;") >= 40


def crash_is_told(house):
    told = [letter for letter in house.letters() if "daemon-crashed" in json.dumps(letter)]
    return house.problems("daemon-crashed") == [(1, 0)] and len(told) == 1


def stage(name, call, work, done, before=False):
    with House() as house:
        began = time.monotonic()
        house.stock(1, *(f"A{n};HH;{n};H87" for n in range(40)))
        house.run()
        if before:
            work(house)
        daemon = house.daemon(f"stop@{call}")
        if not before:
            night.wait_for("the daemon's start", lambda: daemon.says(["daemon-started"]) or daemon.stands_still(), 20)
            work(house)
        night.wait_for(f"the process comes to {call}", daemon.stands_still, 30)
        house.small.fill()
        daemon.process.send_signal(signal.SIGCONT)
        night.wait_for("the log says that it waits", lambda: daemon.says(full_disk.BEGINS), 40)
        time.sleep(3)
        wrong = promises.before_the_restart(house.root)
        house.small.relieve()
        is_done = lambda: daemon.says(["daemon-started"]) and done(house)
        with contextlib.suppress(night.Broken):
            night.wait_for("it goes on by itself", is_done, GOES_ON_WITHIN)
        for begins, ends in (("disk-low", "disk-back"), ("store-waiting", "store-back")):
            try:
                night.wait_for(f"{begins} is over", lambda: not daemon.times(begins) or daemon.times(ends), 35)
            except night.Broken as broken:
                wrong.append(str(broken))
        wrong += [f"{event} was told {daemon.times(event)} times" for event in full_disk.BEGINS if daemon.times(event) > 1]
        daemon.stop()
        wrong += [] if done(house) else ["it did not go on by itself"]
        wrong += house.check()
        if wrong:
            raise night.Broken("\n  ".join(wrong[:12]) + "\n" + night.tail(daemon.said(), 15))
        return f"said once, went on by itself; {time.monotonic() - began:.0f} s"


def taken_and_brought(house):
    return not post.check(house.root, house.server, house.partner.orders)


def low(floor):
    """What is wrong with a disk that is below `floor`; nothing, where the floor is kept."""
    with House(floor) as house:
        house.run()
        daemon = house.daemon()
        night.wait_for("the daemon's start", lambda: daemon.says(["daemon-started"]), 20)
        with open(house.small.root / "fill", "wb") as ballast:
            free = os.statvfs(house.root).f_bavail * os.statvfs(house.root).f_frsize
            os.posix_fallocate(ballast.fileno(), 0, free - FLOOR_BYTES * 3 // 4)
        wrong = []
        with contextlib.suppress(night.Broken):
            night.wait_for("the disk is low", lambda: daemon.says(["disk-low"]), 15)
        house.partner.drop(6)
        house.stock(1, "A1;HH;1;H87")
        time.sleep(14)
        wrong += ["something was taken in"] if post.taken(house.root) or len(post.left_at(house.server)) != 6 else []
        wrong += ["something was collected"] if any(".taken" in name for name in post.left_at(house.server)) else []
        daemon.stop()
        again = house.daemon()
        with contextlib.suppress(night.Broken):
            night.wait_for("people are told", lambda: again.says(["disk-low"]) and house.problems("disk-low") and house.letters(), 10)
        os.unlink(house.small.root / "fill")
        with contextlib.suppress(night.Broken):
            night.wait_for("it goes on by itself", lambda: taken_and_brought(house), GOES_ON_WITHIN)
        again.stop()
        last = house.daemon()
        night.wait_for("the daemon's start", lambda: last.says(["daemon-started"]), 20)
        with contextlib.suppress(night.Broken):
            night.wait_for("its end is told", lambda: len(house.letters()) >= 2, 10)
        last.stop()
        told = [(d.times("disk-low"), d.times("disk-back")) for d in house.daemons]
        wrong += [] if told == [(1, 0), (1, 1), (0, 0)] else [f"the log says (low, back) {told}"]
        wrong += [] if house.problems("disk-low") == [(1, 1)] else [f"problems are {house.problems('disk-low')}"]
        wrong += [] if len(house.letters()) == 2 else [f"letters are {house.letters()}"]
        return wrong + house.check()


def floor():
    wrong = low(f"{FLOOR_BYTES // 1_000_000} MB")
    if wrong:
        raise night.Broken("\n  ".join(wrong[:12]))
    if not low("off"):
        raise night.Broken("without a floor the same is found well: the rig sees nothing")
    return "nothing taken in, one problem, one letter at its begin and one at its end; without a floor this rig sees it"


def large():
    """Enough is free, but not for one file there: that one is not fetched, the other folder goes on."""
    with House(f"{FLOOR_BYTES // 1_000_000} MB") as house:
        house.run()
        daemon = house.daemon()
        night.wait_for("the daemon's start", lambda: daemon.says(["daemon-started"]), 20)
        with open(house.small.root / "fill", "wb") as ballast:
            free = os.statvfs(house.root).f_bavail * os.statvfs(house.root).f_frsize
            os.posix_fallocate(ballast.fileno(), 0, free - FLOOR_BYTES * 7 // 4)
        # No order file: refused, once it is there.
        (house.partner.place / "large.csv").write_bytes(b"no order file\n" + b"x" * 3_000_000)
        (house.partner.place / "large.csv").rename(house.server.root / "in" / "large.csv")
        house.partner.put("out", "orders 0.csv", ("K-0", "1001", [("A1", "1")]))
        with contextlib.suppress(night.Broken):
            night.wait_for("the other folder goes on", lambda: daemon.says(["disk-low"]) and post.taken(house.root) == ["K-0"], 40)
        time.sleep(6)
        wrong = [] if post.left_at(house.server) == ["large.csv"] else [f"at the server stand {post.left_at(house.server)}"]
        os.unlink(house.small.root / "fill")
        whole = lambda: [path.stat().st_size for path in (house.root / "spool" / "failed").rglob("*~large.csv")] == [3_000_014]
        with contextlib.suppress(night.Broken):
            night.wait_for("it is fetched when there is room", lambda: whole() and not post.left_at(house.server), 30)
        daemon.stop()
        wrong += [] if whole() and not post.left_at(house.server) else ["it was not fetched when there was room"]
        wrong += [] if daemon.times("disk-low") == 1 and "large.csv of shop/claimed" in daemon.said() else [f"disk-low was told {daemon.times('disk-low')} times"]
        if wrong:
            raise night.Broken("\n  ".join(wrong) + "\n" + night.tail(daemon.said(), 15))
        return "not fetched, the others were; fetched when there was room"


CASES = {
    "see": lambda: stage("see", "store.see_remote/2", orders, taken_and_brought),
    "fetch": lambda: stage("fetch", "spool.park/2", orders, taken_and_brought),
    "forget": lambda: stage("forget", "store.forget_collected/1", orders, taken_and_brought),
    "deliver": lambda: stage("deliver", "store.note_before/1", orders, taken_and_brought),
    "rename": lambda: stage("rename", "store.note_phase/1", orders, taken_and_brought),
    "sent": lambda: stage("sent", "store.settle_delivery/1", orders, taken_and_brought),
    "delta": lambda: stage("delta", "store.add_run_change/1", changes, delta_is_there, before=True),
    "problem": lambda: stage("problem", "store.add_problem/1", a_crash, crash_is_told, before=True),
    "letter": lambda: stage("letter", "store.hand_out/1", a_crash, crash_is_told, before=True),
    "floor": floor,
    "large": large,
}


def play(name):
    try:
        print(f"full at {name}: {CASES[name]()}", flush=True)
        return True
    except (night.Broken, servers.Broken, subprocess.SubprocessError) as broken:
        print(f"FINDING: full at {name}: {broken}", flush=True)
        return False


if __name__ == "__main__":
    if why := servers.missing():
        print(f"SKIPPED: full disks beside a server: {why}")
        sys.exit(0)
    sys.exit(0 if all(list(beside(play, sys.argv[1:] or list(CASES)))) else 1)
