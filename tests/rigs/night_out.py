"""The second half of the night: what leaves. A dealer who takes changes of the stock, and those of the week; prices, orders for the
ERP, what orders became for a shop. He takes, reads without removing, takes what stood there for a moment only; runs give their
place to newer ones; the guard holds feeds and files back, people release, discard, pause, resume, ask for one article.

Beside the promises of every night: what the dealer read, folded together, is the stock; no number left out or given twice.
"""
import contextlib
import shutil
import sqlite3
from collections import Counter
from pathlib import Path

import night
import promises
from night import orders_csv, table

FILES = {
    "nattpost.toml": 'company = "Nordkap"\nzone = "Europe/Berlin"\n',
    "partners/dealer.toml": """name = "Dealer"
[feed.stock]
layout = "nattpost-stock-csv"
file_name = "stock_{scope}_{run}.csv"
content = "delta"
on_change = "10 s"
done_file = ".done"
[feed.stock.guard]
deletes = "20 %"
[feed.week]
layout = "nattpost-stock-csv"
file_name = "week_{scope}_{run}.csv"
folder = "week"
content = "delta"
since = "last-full"
schedule = "0 0 1 1 *"
full = "0 0 1 2 *"
[feed.prices]
layout = "nattpost-price-csv"
file_name = "prices_{run}.csv"
folder = "prices"
schedule = "0 0 1 1 *"
[feed.prices.guard]
shrink = "50 % and 1"
""",
    "partners/erp.toml": """name = "ERP"
[intake.stock]
layouts = ["nattpost-stock-csv"]
settle = "done-file .done"
articles = "accept"
absent = "close"
scope = ["warehouse"]
[intake.stock.guard]
deletes = "40 %"
[intake.changes]
layouts = ["nattpost-stock-csv"]
settle = "rename"
articles = "accept"
[intake.changes.guard]
deletes = ["1"]
[intake.prices]
layouts = ["nattpost-price-csv"]
settle = "rename"
articles = "accept"
customers = "accept"
absent = "close"
[feed.orders]
layout = "nattpost-order-xml"
file_name = "orders_{run}.xml"
on_registration = true
""",
    "partners/shop.toml": """name = "Shop"
[intake.orders]
layouts = ["nattpost-order-csv"]
settle = "rename"
customers = "accept"
articles = "accept"
[feed.status]
layout = "nattpost-order-status-xml"
file_name = "status_{run}.xml"
on_registration = true
""",
}


def full_stock(name, **rows):
    """A full file of the warehouse HH, with what vouches for it."""
    text = table("stock", "article_no;warehouse;qty", *(f"{article};HH;{qty}" for article, qty in rows.items()))
    return {f"erp/stock/{name}.csv": text, f"erp/stock/{name}.csv.done": ""}


def changes(name, **rows):
    return {f"erp/changes/{name}.csv": table("stock", "article_no;warehouse;qty", *(f"{article};B;{qty}" for article, qty in rows.items()))}


def prices(name, **rows):
    return {f"erp/prices/{name}.csv": table("price", "article_no;currency;price", *(f"{article};EUR;{price}" for article, price in rows.items()))}


def ordered(name, *numbers):
    return {f"shop/orders/{name}.csv": orders_csv(*((number, "1001", [("A1", "2")]) for number in numbers))}


def send(feed, **more):
    return ("send", {"feeds": [feed]} | more)


def about(verb, *subjects):
    return (verb, {"subjects": list(subjects)})


PAUSED = ("shop", "in:erp/changes", "out:dealer/week")

# `takes`: files that a partner reads and removes before the evening, by the beginning of their names; all: "". `reads`: without
# removing them. `removes`: without reading them again. `soon`: minutes after the evening before, not an hour.
EVENINGS = [
    # 1. All begins: a full file goes out by itself, orders and their status; what there is nothing of yet is asked for in vain.
    {
        "in": full_stock("stock-1", A1=10, A2=10, A3=10, A4=10, A5=10, A6=10) | changes("changes-1", B1=5, B2=5, B3=5)
        | prices("prices-1", A1=1, A2=2, A3=3, A4=4, A5=5) | ordered("o-1", "O-1", "O-2"),
        "commands": [send("dealer/prices"), send("dealer/week")],
    },
    # 2. All of it is taken; changes go out by themselves, the rest is asked for.
    {
        "takes": [""],
        "in": full_stock("stock-2", A1=9, A2=8, A3=10, A4=10, A5=10, A6=10),
        "commands": [send("dealer/week"), send("dealer/prices")],
    },
    # 3. The dealer reads the changes and leaves them there; newer ones take their place, a full file the place of a full file.
    {
        "reads": ["stock_"],
        "takes": ["orders_", "status_"],
        "in": full_stock("stock-3", A1=10, A2=8, A3=10, A4=44, A5=10, A6=10) | ordered("o-2", "O-3"),
        "commands": [send("dealer/week", full=True)],
    },
    # 4. He removes what took the place of what he had read: it is told again under its name.
    {"soon": True, "removes": ["stock_"], "in": ordered("o-3", "O-4")},
    # 5. Changes since the last full file come due.
    {
        "takes": ["stock_", "orders_", "week_", "prices_"],
        "in": changes("changes-2", B1=6, B4=4) | prices("prices-2", A1=1, A2=2, A3=30, A4=4, A5=5),
        "due": ["dealer/week"],
    },
    # 6. Nobody has looked: newer changes take the place of the older ones, and tell all that those told.
    {"in": changes("changes-8", B4=5)},
    # 7. A full file is asked for, and takes their place under a name of its own: what vouched for them goes with them.
    {"commands": [send("dealer/stock", full=True)]},
    # 8. Too much would be deleted at the dealer's, and too many prices be gone: both feeds are locked.
    {
        "takes": [""],
        "in": full_stock("stock-4", A1=10, A2=8, A3=0, A4=44, A6=10) | changes("changes-3", B1=0) | prices("prices-3", A1=1),
        "due": ["dealer/prices"],
    },
    # 9. Tuesday's changes are held with them, also when a person asks for one article.
    {
        "in": full_stock("stock-5", A1=12, A2=8, A3=0, A4=44, A6=10) | ordered("o-4", "O-5"),
        "commands": [send("dealer/stock", key="A1"), send("dealer/week")],
    },
    # 10. Both are released, in today's state.
    {"commands": [about("release", "out:dealer/stock", "out:dealer/prices")]},
    # 11. What was released is not taken yet, so he still holds what he held: newer changes are locked with it. Those of the week go on.
    {"in": changes("changes-4", B2=7), "commands": [send("dealer/week")]},
    # 12. Files that would zero too much are locked, one waits behind.
    {
        "takes": [""],
        "in": full_stock("stock-6", A1=12, A2=0, A4=0, A6=0) | changes("changes-5", B2=0, B3=0) | changes("changes-6", B5=1),
        "commands": [send("dealer/week", full=True)],
    },
    # 13. One is released, and the feed it empties is locked by it; the other is dropped, and the one behind it goes on.
    {"commands": [about("release", "in:erp/stock"), about("discard", "in:erp/changes")]},
    # 14. It is dropped, one article of it asked for. A partner, an intake and a feed are paused: what comes for them stays, what comes
    # due passes.
    {
        "in": changes("changes-7", B3=8) | ordered("o-5", "O-6"),
        "commands": [about("discard", "out:dealer/stock"), send("dealer/stock", key="A1"), about("pause", *PAUSED)],
        "due": ["dealer/week"],
    },
    # 15. They go on, and what was dropped comes up again.
    {"takes": ["stock_"], "commands": [about("resume", *PAUSED)]},
    # 16. Then it is wanted.
    {"commands": [about("release", "out:dealer/stock")]},
]

# Written down by hand, so that an expectation taken from a run of the program cannot be wrong with it.
ORDERS_AT_THE_END = {f"O-{n}" for n in range(1, 7)}
LOCKS_AT_THE_END = Counter({
    ("out", "stock", "released"): 2, ("out", "stock", "discarded"): 1, ("out", "prices", "released"): 1,
    ("in", "stock", "released"): 1, ("in", "changes", "discarded"): 1,
})
STOCK_AT_THE_END = {("A1", "HH"): "12", ("B2", "B"): "7", ("B3", "B"): "8", ("B4", "B"): "5", ("B5", "B"): "1"}
# How often a spool is played on until nothing is left to take.
ROUNDS_MAX = 6


class Out(night.Night):
    files, evenings = FILES, EVENINGS

    def arrive(self, root, number):
        evening = EVENINGS[number]
        if (Path(root) / "nattpost.db").exists():
            # The pause that a feed keeps is over; what was replaced may still have been read only where the evening comes soon.
            an_hour_passes(root, "ready_at", *([] if evening.get("soon") else ["doubt_until"]))
        for beginning in evening.get("reads", []):
            take(root, beginning, removes=False)
        for beginning in evening.get("removes", []):
            for _, path in visible(root, beginning):
                # What vouched for it he leaves there, as some do.
                path.unlink()
        for beginning in evening.get("takes", []):
            take(root, beginning)
        night.drop(root, evening, number)

    def meanwhile(self, root):
        take(root)

    def look(self, root):
        return twins(root)

    def rest(self, root):
        return twins(root) + left_out(root) + forgotten(root)

    def ends(self, root):
        """All that waits for a person is decided, all that goes on is let, everything is taken until nothing comes any more."""
        wrong = play_on(root)
        return wrong or differs_from_the_stock(root) + unsent_numbers(root) + untold_orders(root)

    def at_the_end(self, root):
        wrong = self.rest(root) + gaps(root)
        with promises.Ledger(root) as ledger:
            locks = Counter((row["side"], row["name"], row["ended_by"]) for row in ledger.rows("SELECT * FROM guard_lock"))
            orders = {row[0] for row in ledger.rows("SELECT buyer_order_no FROM orders")}
            stock = stock_of(ledger)
            wrong += [f"{row['subject']} is still paused" for row in ledger.rows("SELECT subject FROM pause")]
        for what, found, expected in (("locks", locks, LOCKS_AT_THE_END), ("orders", orders, ORDERS_AT_THE_END), ("the stock", stock, STOCK_AT_THE_END)):
            wrong += [f"{what}: {found}, expected {expected}"] if found != expected else []
        return wrong


NIGHT = Out()


def visible(root, beginning=""):
    """(partner, path) of the files in out/ that a partner would read, in the order of their numbers; where a file has to be vouched
    for, only with what vouches."""
    found = []
    for _, folder, name, path in promises.walk(root, "out"):
        is_whole = not name.startswith("stock_") or Path(f"{path}.done").exists()
        if not name.endswith(".done") and is_whole and name.startswith(beginning):
            found.append((number_of(name), folder.split("/")[0], Path(path)))
    return [(partner, path) for _, partner, path in sorted(found)]


def number_of(name):
    return int(name.rsplit(".", 1)[0].rsplit("_", 1)[1])


def take(root, beginning="", removes=True):
    """What he read is kept, in the order in which he read it."""
    for partner, path in visible(root, beginning):
        folder = Path(root) / "taken" / partner
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            # Withdrawn before he came to it: then he has not read it.
            shutil.copy(path, folder / f"{len(list(folder.iterdir())):05}~{path.name}")
            if removes:
                remove(path)


def remove(path):
    path.unlink(missing_ok=True)
    Path(f"{path}.done").unlink(missing_ok=True)


def an_hour_passes(root, *columns):
    with sqlite3.connect(Path(root) / "nattpost.db") as db:
        for column in columns:
            db.execute(f"UPDATE run SET {column} = strftime('%Y-%m-%dT%H:%M:%fZ', {column}, '-1 hour') WHERE {column} IS NOT NULL")
    db.close()


def twins(root):
    """Whenever a partner looks, a number stands for one file."""
    seen = Counter((partner, path.name.split("_", 1)[0], number_of(path.name)) for partner, path in visible(root))
    return [f"{count} files of {partner}/{feed} have the number {number}" for (partner, feed, number), count in seen.items() if count > 1]


def numbers(ledger):
    """{feed: {number: states of the runs that had it}}"""
    found = {}
    for row in ledger.rows("SELECT partner, feed, number, state FROM run WHERE number > 0 AND reason != 'receipt'"):
        found.setdefault(f"{row['partner']}/{row['feed']}", {}).setdefault(row["number"], set()).add(row["state"])
    return found


def left_out(root):
    """A crash between the mark of a number and its commit leaves it out: once a crash, and none of these nights has more than two."""
    with promises.Ledger(root) as ledger:
        missing = {feed: sorted(set(range(1, max(given) + 1)) - set(given)) for feed, given in numbers(ledger).items()}
    return [f"{feed} left the numbers {gone} out" for feed, gone in missing.items() if len(gone) > 2]


def gaps(root):
    with promises.Ledger(root) as ledger:
        return [f"{feed} has given the numbers {sorted(given)}" for feed, given in numbers(ledger).items() if sorted(given) != list(range(1, len(given) + 1))]


def unsent_numbers(root):
    """Everything was taken: a number that a run had, whoever took it over, is that of a file that its partner took. Where it stays in
    doubt which of two he read, newer files have told all of it since."""
    taken = {(path.parent.name, path.name.split("~")[1].split("_")[0], number_of(path.name)) for path in (Path(root) / "taken").rglob("*~*")}
    with promises.Ledger(root) as ledger:
        return [f"the number {number} of {feed} stands for no file that was taken: {states}" for feed, given in numbers(ledger).items()
                for number, states in given.items() if "sent" not in states and (*feed.split("/"), number) not in taken]


def forgotten(root):
    """What changed stays noted until a run that tells it was taken."""
    with promises.Ledger(root) as ledger:
        return [f"{row['name']} was not taken, and what changed is forgotten" for row in ledger.rows(
            "SELECT DISTINCT r.name FROM run r JOIN run_outbox USING (run_no) JOIN feed f ON f.name = r.partner || '/' || r.feed WHERE r.state = 'ready' "
            "AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.feed_no = f.feed_no AND o.change_no = run_outbox.change_no)")]


def play_on(root):
    with promises.Ledger(root) as ledger:
        paused = [row["subject"] for row in ledger.rows("SELECT subject FROM pause")]
        locked = [f"{row['side']}:{row['partner']}/{row['name']}" for row in ledger.rows("SELECT * FROM guard_lock WHERE ended_at IS NULL ORDER BY side")]
    # What was kept back comes in first: only then what is asked for tells all of it.
    decided = [("resume", {"subjects": [subject]}) for subject in paused] + [("release", {"subjects": [subject]}) for subject in locked]
    asked = [send(feed) for feed in ("dealer/stock", "dealer/week", "dealer/prices")]
    rounds = [decided, asked] if decided else [asked]
    for number in range(ROUNDS_MAX):
        an_hour_passes(root, "ready_at", "doubt_until")
        take(root)
        for at, (verb, arguments) in enumerate(rounds[number] if number < len(rounds) else released):
            night.put_command(root, verb, arguments, f"{number}{at}")
        code, said = night.run(root)
        if code:
            return [f"as it goes on it ends with {code}: {night.tail(said, 3)}"]
        with promises.Ledger(root) as ledger:
            released = [about("release", f"out:{row['partner']}/{row['name']}") for row in ledger.rows("SELECT * FROM guard_lock WHERE ended_at IS NULL")]
            rings = ledger.rows("SELECT 1 FROM outbox WHERE rings = 1")
        if number + 1 >= len(rounds) and not visible(root) and not released and not rings:
            return []
    return [f"after {ROUNDS_MAX} rounds it has not come to rest"]


def stock_of(ledger):
    """What the partners are told: rows of 0 are nothing."""
    rows = ledger.rows("SELECT article_no, warehouse, qty_e6 FROM stock WHERE active = 1 AND qty_e6 > 0")
    return {(row["article_no"], row["warehouse"]): f"{row['qty_e6'] / 1_000_000:g}" for row in rows}


def folded(root, feed):
    """What the dealer holds who reads the files of a feed one after the other."""
    holds = {}
    for path in sorted((Path(root) / "taken" / "dealer").glob(f"*~{feed}_*")):
        if "_full_" in path.name:
            holds = {}
        for line in path.read_text().splitlines():
            if line.startswith("stock;"):
                _, article, warehouse, qty = line.split(";")[:4]
                holds[article, warehouse] = qty
    return {key: qty for key, qty in holds.items() if qty != "0"}


def differs_from_the_stock(root):
    wrong = []
    with promises.Ledger(root) as ledger:
        stock = stock_of(ledger)
        listed = {row[0] for row in ledger.rows("SELECT article_no FROM price WHERE active = 1")}
    for feed in ("stock", "week"):
        if (holds := folded(root, feed)) != stock:
            wrong.append(f"by {feed} the dealer holds {sorted(holds.items() - stock.items())} too much, {sorted(stock.items() - holds.items())} too little")
    told = sorted((Path(root) / "taken" / "dealer").glob("*~prices_*"))
    priced = {line.split(";")[3] for line in told[-1].read_text().splitlines() if line.startswith("price;")} if told else set()
    return wrong + ([f"the dealer was told the prices of {sorted(priced)}, there are {sorted(listed)}"] if priced != listed else [])


def untold_orders(root):
    with promises.Ledger(root) as ledger:
        orders = {row[0] for row in ledger.rows("SELECT buyer_order_no FROM orders")}
    wrong = []
    for partner, feed in (("erp", "orders"), ("shop", "status")):
        text = "".join(path.read_text() for path in (Path(root) / "taken" / partner).glob(f"*~{feed}_*"))
        told = {number for number in orders if f"<buyer_order_no>{number}</buyer_order_no>" in text}
        wrong += [f"{partner} was never told of {sorted(orders - told)}"] if told != orders else []
    return wrong
