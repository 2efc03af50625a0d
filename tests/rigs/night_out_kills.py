"""Kills the daemon at random moments while stock changes, orders come, people ask, release, drop, pause and resume, and a dealer takes
what he sees, all at the same time; at the end what he read is the stock. Usage: night_out_kills.py [KILLS] [SEED]
"""
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import night
import night_out
import promises

ARTICLES = [f"A{n}" for n in range(1, 10)]
# Files without a guard: what is locked on the way in, the evenings show.
FILES = dict(night_out.FILES) | {"partners/erp.toml": night_out.FILES["partners/erp.toml"].replace('[intake.changes.guard]\ndeletes = ["1"]\n', "")}
COMMANDS = [
    night_out.send("dealer/stock"), night_out.send("dealer/stock"), night_out.send("dealer/week"), night_out.send("dealer/stock", full=True),
    night_out.send("dealer/week", full=True), night_out.send("dealer/stock", key="A1"), night_out.send("dealer/prices"),
    night_out.about("release", "out:dealer/stock"), night_out.about("discard", "out:dealer/stock"),
    night_out.about("pause", "out:dealer/stock"), night_out.about("resume", "out:dealer/stock"),
    night_out.about("pause", "in:erp/changes"), night_out.about("resume", "in:erp/changes"), night_out.about("resume", "in:erp/changes"),
]


class People:
    """The ERP, the shop, whoever gives commands, and the dealer, each in a thread of its own until `stop` is set."""

    def __init__(self, root, seed):
        self.root, self.stop, self.orders, self.commands, self.wrong = root, threading.Event(), 0, 0, []
        self.threads = [threading.Thread(target=self.live, args=(deed, random.Random(seed + nth), pause), name=deed.__name__)
                        for nth, (deed, pause) in enumerate(((self.change, 0.05), (self.order, 0.15), (self.ask, 0.12), (self.take, 0.1)))]
        self.arriving = Path(root) / "arriving"
        self.arriving.mkdir()

    def live(self, deed, chance, pause):
        nth = 0
        while not self.stop.is_set():
            nth += 1
            try:
                deed(chance, nth)
            except Exception as error:
                self.wrong.append(f"{deed.__name__}: {error!r}")
                return
            time.sleep(chance.uniform(0, 2 * pause))

    def put(self, files):
        for name, text in files.items():
            night.put(self.arriving, Path(self.root) / "spool" / "in" / name, text)

    def change(self, chance, nth):
        some = {article: chance.choice((0, 1, 2, 5, 10)) for article in chance.sample(ARTICLES, 3)}
        self.put(night_out.changes(f"changes-{nth:05}", **some))

    def order(self, _chance, nth):
        self.put(night_out.ordered(f"o-{nth:05}", f"O-{nth}"))
        self.orders = nth

    def ask(self, chance, nth):
        verb, arguments = chance.choice(COMMANDS)
        (Path(self.root) / "spool" / "commands").mkdir(parents=True, exist_ok=True)
        night.put_command(self.root, verb, arguments, f"7{nth:06}")
        self.commands = nth

    def take(self, chance, _nth):
        """What he has read he removes, in the order of its numbers; at that moment it may be a newer one that stands there."""
        night_out.take(self.root, chance.choice(("", "stock_", "week_")))


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    print(f"seed {seed}")
    chance, root = random.Random(seed), tempfile.mkdtemp(prefix="nattpost-kills-")
    try:
        night.lay_out(root, FILES)
        people, began = People(root, seed), time.monotonic()
        for thread in people.threads:
            thread.start()
        for _ in range(kills):
            one_life(root, chance)
        people.stop.set()
        for thread in people.threads:
            thread.join()
        wrong = people.wrong + at_the_end(root, kills, people)
        with promises.Ledger(root) as ledger:
            states = dict(ledger.rows("SELECT state, count(*) FROM run GROUP BY state"))
        print(f"random kills of what leaves: {kills} kills in {time.monotonic() - began:.0f} s, {people.orders} orders, {people.commands} commands, "
              f"runs: {', '.join(f'{count} {state}' for state, count in states.items())}; {len(wrong)} finding(s)")
        if wrong:
            raise SystemExit("FAILED:\n  " + "\n  ".join(wrong[:20]))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def one_life(root, chance):
    daemon = night.start(root, once=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(chance.uniform(0.1, 0.9))
        if daemon.poll() is not None:
            raise SystemExit(f"FAILED: the daemon ended by itself with {daemon.returncode}")
    finally:
        daemon.kill()
        daemon.wait()


def at_the_end(root, kills, people):
    code, said = night.run(root)
    wrong = [f"the last run ends with {code}: {night.tail(said)}"] if code else []
    wrong += promises.after_the_restart(root) + night_out.twins(root) + night_out.forgotten(root)
    with promises.Ledger(root) as ledger:
        given = night_out.numbers(ledger)
    # A kill between the mark of a number and its commit leaves it out; never more than one a kill.
    wrong += [f"{feed} left more numbers out than there were kills" for feed, them in given.items() if max(them) - len(them) > kills]
    wrong += night_out.NIGHT.ends(root)
    with promises.Ledger(root) as ledger:
        found = {row[0] for row in ledger.rows("SELECT buyer_order_no FROM orders")}
    expected = {f"O-{nth}" for nth in range(1, people.orders + 1)}
    return wrong + ([f"orders lost or strange: {sorted(found ^ expected)[:5]}"] if found != expected else [])


if __name__ == "__main__":
    main()
