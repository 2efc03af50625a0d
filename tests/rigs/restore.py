"""The restore runbook of docs/operating.md, its own fenced blocks run word for word, on copies of several moments of some evenings.

The database is copied after an evening, the evenings go on, the database is lost, the copy put back and caught up as the page says.
Then counted: every order in exactly one file of those that the ERP took or will take, no file name and no order number twice, and
business tables as after evenings in which nothing went wrong. In one variant the ERP takes its files at once, so that the page's
chapter on that has to be followed too. The words for systemd (systemctl, runuser) are small programs of the rig that start and stop
the daemon here; everything else is the page's. Usage: restore.py [COPIED_AFTER_EVENING…]
"""
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import night
import night_first

PAGE = night.REPOSITORY / "docs" / "operating.md"
CHAPTER = "## Put an older database back"
EVENINGS = 5
# A block that starts the daemon and the like; more is a hang.
BLOCK_SECONDS_MAX = 60
TABLES = {
    "stock": "SELECT article_no, warehouse, qty_e6, active FROM stock",
    "price": "SELECT article_no, currency, price_e6, active FROM price",
    "customer": "SELECT customer_no, name, active FROM customer",
    "article": "SELECT article_no, name, active FROM article",
    "orders": "SELECT partner, customer_no, buyer_order_no, note FROM orders",
    "lines": "SELECT o.buyer_order_no, l.line_no, l.article_no, l.qty_e6 FROM order_line l JOIN orders o ON o.row_id = l.head_row",
    "exported": "SELECT DISTINCT q.feed, o.buyer_order_no FROM run_request q JOIN orders o ON o.row_id = q.row_id",
}
# Which of two intakes of one partner a file came by, nobody can say afterwards: here each partner has one for a format.
LEFT_OUT = {"dealer/strict": "dealer", "branch/short": "branch"}


def blocks():
    """The shell blocks of the chapter, in their order."""
    text = PAGE.read_text()
    if CHAPTER not in text:
        raise night.Broken(f"{PAGE.name} has no chapter {CHAPTER!r}")
    chapter = text.split(CHAPTER, 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^```sh\n(.*?)^```$", chapter, re.M | re.S)


class House:
    """One company with its daemon, and what its ERP took."""

    def __init__(self, folder, takes):
        self.folder, self.root, self.takes = Path(folder), Path(folder) / "nattpost", takes
        self.taken, self.backup, self.bin = self.folder / "at-the-erp", self.folder / "backup", self.folder / "bin"
        self.asked_for = self.folder / "from-the-erp"
        for made in (self.root, self.taken, self.backup, self.bin, self.asked_for):
            made.mkdir()
        for name, text in night_first.FILES.items():
            for intake, partner in LEFT_OUT.items():
                if name == f"partners/{partner}.toml":
                    text = re.sub(rf"\[intake\.{intake.split('/')[1]}\]\n(?:[^\[].*\n)*", "", text)
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + ('disk_floor = "off"\n' if name == "nattpost.toml" else ""))
        self.shims()

    def shims(self):
        """What the page says to systemd, done here."""
        config = f"--config {self.root}/nattpost.toml"
        pid = self.folder / "pid"
        self.write("nattpost", f'exec "{night.BINARY}" "$@"')
        self.write("runuser", 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"')
        self.write("systemctl", f"""case "$1" in
  stop) [ ! -e {pid} ] || {{ kill -TERM "$(cat {pid})"; while kill -0 "$(cat {pid})" 2>/dev/null; do sleep 0.05; done; rm {pid}; }} ;;
  start) "{night.BINARY}" {config} run </dev/null >>{self.folder}/log 2>&1 & echo $! >{pid} ;;
  *) echo "the page asks systemctl for $1, which this rig does not know" >&2; exit 64 ;;
esac""")

    def write(self, name, text):
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def shell(self, script, ends=(0,)):
        everything = {k: v for k, v in os.environ.items() if not k.startswith("NATTPOST_")}
        everything["PATH"] = f"{self.bin}:{everything['PATH']}"
        done = subprocess.run(["sh", "-ec", script], cwd=self.folder, env=everything, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BLOCK_SECONDS_MAX)
        if done.returncode not in ends:
            raise night.Broken(f"this block of the page ends with {done.returncode}, expected {ends}:\n{script}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def evening(self, number, without_commands=False):
        evening = dict(night_first.EVENINGS[number])
        evening["in"] = {name: text for name, text in evening["in"].items() if name.rsplit("/", 1)[0] not in LEFT_OUT}
        if without_commands:
            evening["commands"] = []
        night.drop(self.root, evening, number)
        self.drain()

    def drain(self):
        code, said = night.run(self.root)
        if code:
            raise night.Broken(f"an evening ends with {code}: {night.tail(said)}")
        if self.takes:
            for path in (self.root / "spool/out/erp").glob("*.xml"):
                path.rename(self.taken / path.name)
            code, said = night.run(self.root)
            if code:
                raise night.Broken(f"after files were taken it ends with {code}: {night.tail(said)}")

    def copy(self):
        self.shell(f"nattpost --config {self.root}/nattpost.toml backup {self.backup}")
        (copy,) = self.backup.glob("*.db")
        return copy

    def tables(self):
        with sqlite3.connect(f"file:{self.root}/nattpost.db?mode=ro", uri=True) as db:
            found = {name: sorted(map(str, db.execute(sql))) for name, sql in TABLES.items()}
            found["order numbers twice"] = [str(r) for r in db.execute("SELECT order_no FROM orders WHERE order_no IS NOT NULL GROUP BY order_no HAVING count(*) > 1")]
        db.close()
        return found

    def order_files(self):
        spool = self.root / "spool"
        return sorted(self.taken.glob("*.xml")) + sorted((spool / "out/erp").glob("*.xml")) + [
            p for p in sorted((spool / "sent").glob("erp/*/*.xml")) if not (self.taken / p.name.split("~", 1)[1]).exists()]

    def exported(self):
        counted = {}
        for path in self.order_files():
            for number in re.findall(r"<buyer_order_no>([^<]*)</buyer_order_no>", path.read_text()):
                counted[number] = counted.get(number, 0) + 1
        return counted

    def end(self):
        pid = self.folder / "pid"
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGKILL)


def undisturbed():
    folder = tempfile.mkdtemp(prefix="nattpost-restore-")
    try:
        house = House(folder, takes=False)
        for number in range(EVENINGS):
            house.evening(number)
        house.shell(f"nattpost --config {house.root}/nattpost.toml send erp/orders")
        return house.tables(), house.exported()
    finally:
        shutil.rmtree(folder)


def follow_the_page(house, copy, settings):
    """Every block of the chapter in its turn. The first holds the names of this site: it gets ours."""
    first, *others = blocks()
    names = set(re.findall(r"^(?:export )?(\w+)=", first, re.M))
    ours = {"COPY": copy, "STORE": house.root / "nattpost.db", "SPOOL": house.root / "spool", "NATTPOST_CONFIG": house.root / "nattpost.toml"} | settings
    if names - set(ours):
        raise night.Broken(f"the page's first block sets {names - set(ours)}, which this rig does not know")
    set_ours = "".join(f"export {name}='{ours[name]}'\n" for name in sorted(ours))
    step_4, lost = None, ours["STORE"].read_bytes()
    for block in others:
        # What the ERP took is given back where it took something: a chapter of its own, marked by the folder it names.
        if "$TAKEN" in block and not any(house.asked_for.iterdir()):
            continue
        if "catch-up --do" not in block:
            house.shell(set_ours + block)
            if "$COPY" in block:
                # Somebody took the wrong copy at first: what was lost is kept all the same.
                house.shell(set_ours + block)
                kept = [path.read_bytes() for path in house.root.glob("nattpost.db.lost*/nattpost.db")]
                if lost not in kept or len(kept) != 2:
                    raise night.Broken(f"after step 2 was given twice {len(kept)} databases are kept aside, the lost one {'is' if lost in kept else 'is not'} among them")
            continue
        # What the page says of its end with 75: lost commands that took an order are named, and given again, then step 4.
        told = house.shell(set_ours + block, ends=(0, 75))
        step_4 = step_4 or block
        if again := re.findall(r"nattpost retry [0-9a-z]{13}", told):
            house.shell(set_ours + "\n".join(f"{command} --comment 'given again'" for command in sorted(set(again))))
            house.shell(set_ours + step_4, ends=(0, 75))


def case(copied_after, takes, expected):
    folder = tempfile.mkdtemp(prefix="nattpost-restore-")
    house = None
    label = f"copied after evening {copied_after}, files of orders {'taken at once' if takes else 'left in out/'}"
    try:
        house = House(folder, takes)
        house.drain()
        for number in range(copied_after):
            house.evening(number)
        copy, before = house.copy(), set(house.taken.iterdir())
        for number in range(copied_after, EVENINGS):
            house.evening(number)
        for path in set(house.taken.iterdir()) - before:
            shutil.copy2(path, house.asked_for / path.name)
        follow_the_page(house, copy, {"TAKEN": house.asked_for})
        house.shell("systemctl stop nattpost")
        # Commands given after the copy are lost with it, as the page says: they are given again.
        for number in range(copied_after, EVENINGS):
            again = {"in": {}, "commands": [c for c in night_first.EVENINGS[number]["commands"] if c[0] != "send"]}
            night.drop(house.root, again, len(night_first.EVENINGS) + number)
            house.drain()
        house.shell(f"nattpost --config {house.root}/nattpost.toml send erp/orders")
        house.drain()
        wrong = judge(house, expected)
        if wrong:
            raise night.Broken("\n  ".join(wrong[:12]))
        print(f"{label}: {len(expected[1])} orders, each in one file; no number twice; tables as if nothing had been", flush=True)
        return True
    except (night.Broken, subprocess.TimeoutExpired) as broken:
        print(f"FINDING: {label}: {broken}", flush=True)
        return False
    finally:
        if house:
            house.end()
        shutil.rmtree(folder)


def judge(house, expected):
    """Nothing is left over either: the last word of catch-up was that all is known."""
    tables, exported = expected
    wrong, found, counted = [], house.tables(), house.exported()
    if "knows all that stands in the spool" not in (told := house.shell(f"nattpost --config {house.root}/nattpost.toml catch-up")):
        wrong.append(f"catch-up is not at its end: {told}")
    for name, rows in tables.items():
        if rows != found[name]:
            wrong.append(f"{name}: missing {sorted(set(rows) - set(found[name]))[:3]}, too much {sorted(set(found[name]) - set(rows))[:3]}")
    wrong += [f"the order {number} stands in {count} files" for number, count in counted.items() if count != 1]
    wrong += [f"the order {number} never went out" for number in exported if number not in counted]
    names = [path.name.split("~", 1)[-1] for path in house.order_files()]
    wrong += [f"the name {name} was given {names.count(name)} times" for name in set(names) if names.count(name) > 1]
    return wrong


def main():
    wanted = [int(word) for word in sys.argv[1:]] or list(range(EVENINGS))
    expected = undisturbed()
    results = [case(number, takes, expected) for number in wanted for takes in (False, True)]
    if not all(results):
        sys.exit(1)


if __name__ == "__main__":
    main()
