"""A partner who drops order files all day long, for the rigs that break things at random moments: a configuration of three
intakes (moved in whole, written slowly, vouched for by a done-file), the files, and what must be there in the end.

Knows what was dropped and how each message has to end. Runs and checks nothing itself.
"""
import os
import random
import time
from pathlib import Path

import night
import promises

RECEIPTS = ("shop/moved", "shop/slow", "shop/vouched")
INTAKE = 'layouts = ["nattpost-order-csv"]\ncustomers = "accept"\narticles = "accept"\nreceipt = "nattpost-receipt-csv"\n'
SHOP = f"""name = "Shop"
[intake.moved]
settle = "rename"
{INTAKE}
[intake.slow]
settle = "stable 2 s"
{INTAKE}
[intake.vouched]
settle = "done-file .done"
{INTAKE}
[feed.orders]
layout = "nattpost-order-xml"
file_name = "orders_{{run}}.xml"
"""


def lay_out(root, scan_every="60 s", **paths):
    """`paths`: spool and store where they are not beside the configuration."""
    root = Path(root)
    (root / "partners").mkdir(parents=True, exist_ok=True)
    lines = [f'{key} = "{value}"' for key, value in paths.items()]
    (root / "nattpost.toml").write_text(f'company = "Nordkap"\nscan_every = "{scan_every}"\n' + "\n".join(lines) + "\n")
    (root / "partners" / "shop.toml").write_text(SHOP)
    for intake in ("moved", "slow", "vouched"):
        (root / "spool" / "in" / "shop" / intake).mkdir(parents=True, exist_ok=True)
    (root / "arriving").mkdir(exist_ok=True)


class Feeder:
    """Drops files; remembers which orders must be there exactly once, and which must never be."""

    def __init__(self, root, seed=7):
        self.root, self.chance = Path(root), random.Random(seed)
        self.count, self.good, self.bad, self.files = 0, {}, set(), []
        # The bytes of each file, by name.
        self.sent = {}

    def content(self):
        """One to three orders; now and then a bad one, now and then one that came before."""
        self.count += 1
        orders = []
        for at in range(self.chance.randint(1, 3)):
            number = f"S-{self.count}-{at}"
            if self.chance.random() < 0.1:
                orders.append((number, "1001", [("A1", "2,5x")]))
                self.bad.add(number)
            else:
                lines = [(f"A{self.chance.randint(1, 9)}", str(self.chance.randint(1, 99))) for _ in range(self.chance.randint(1, 4))]
                orders.append((number, "1001", lines))
                self.good[number] = lines
        if self.good and self.chance.random() < 0.15:
            known = self.chance.choice(list(self.good))
            if known not in [number for number, _, _ in orders]:
                orders.append((known, "1001", self.good[known]))
        name, text = f"orders-{self.count:05}.csv", night.orders_csv(*orders)
        self.sent[name] = text.encode()
        return name, text

    def folder(self, intake):
        return self.root / "spool" / "in" / "shop" / intake

    def moved(self, intake="moved"):
        name, text = self.content()
        part = self.root / "arriving" / name
        part.write_text(text)
        part.rename(self.folder(intake) / name)
        self.files.append((intake, name))
        return name

    def vouched(self):
        name = self.moved("vouched")
        (self.folder("vouched") / f"{name}.done").touch()
        return name

    def slow(self, pause=0.3):
        """Written under its final name, in two pieces with a pause between."""
        name, text = self.content()
        half = len(text) // 2
        with open(self.folder("slow") / name, "w") as file:
            file.write(text[:half])
            file.flush()
            time.sleep(pause)
            file.write(text[half:])
        self.files.append(("slow", name))
        return name

    def any(self):
        return self.chance.choices([self.moved, self.vouched, self.slow], [8, 3, 1])[0]()


def check(root, feeder):
    """Every order once, no bad one, every file known once, and all that holds of any drained spool."""
    wrong = promises.after_the_restart(root, RECEIPTS)
    with promises.Ledger(root) as ledger:
        found = [r[0] for r in ledger.rows("SELECT buyer_order_no FROM orders")]
        wrong += compare("orders", feeder.good, found)
        lines = dict(ledger.rows("SELECT o.buyer_order_no, count(*) FROM orders o JOIN order_line l ON l.head_row = o.row_id GROUP BY 1"))
        wrong += [f"the order {n} has {lines.get(n, 0)} lines instead of {len(w)}" for n, w in feeder.good.items() if lines.get(n, 0) != len(w)]
        wrong += compare("files", [f"{i}/{n}" for i, n in feeder.files], [f"{r[0]}/{r[1]}" for r in ledger.rows(f"SELECT intake, name FROM file WHERE NOT {promises.CAME_BACK}")])
        refused = [r[0] for r in ledger.rows("SELECT key FROM message WHERE verdict = 'refused'")]
        wrong += compare("refused orders", feeder.bad, [key.rsplit("/", 1)[-1].strip() for key in refused])
    return wrong


def compare(what, expected, found):
    expected, twice = set(expected), {x for x in found if found.count(x) > 1} if len(found) != len(set(found)) else set()
    lost, strange = expected - set(found), set(found) - expected
    wrong = [f"{what} lost: {sorted(lost)[:5]} ({len(lost)})"] if lost else []
    wrong += [f"{what} doubled: {sorted(twice)[:5]} ({len(twice)})"] if twice else []
    return wrong + ([f"{what} that nobody sent: {sorted(strange)[:5]}"] if strange else [])


def processor_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
