"""A small company and some evenings of its files: what the rigs let happen again and again with something going wrong.

Owns the configuration, the files and the commands of each evening, and how the program is run on them. It checks nothing:
promises.py does. Every journey is in it: good, mixed and refused orders, rejects, receipts, duplicates, changed content,
held and released orders, a corrected reject come back, master data, closing stock, prices, status, an unchanged file, feeds on
request and on a due time, retry and ignore, a file whose reading ends the process, one that is taken away after it was seen, orders
replaced before they went out, originals past their days.
"""
import datetime
import json
import os
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
BINARY = os.environ.get("NATTPOST_BIN", str(REPOSITORY / "target" / "debug" / "nattpost"))
# A run of an evening takes a fraction of a second; more than this is a hang, and a hang is a finding.
RUN_SECONDS_MAX = 60

FILES = {
    "nattpost.toml": 'company = "Nordkap"\nzone = "Europe/Berlin"\n',
    "partners/dealer.toml": """name = "Dealer"
[intake.orders]
layouts = ["nattpost-order-csv"]
settle = "rename"
customers = "wait 24 h"
articles = "wait 24 h"
receipt = "nattpost-receipt-csv"
[intake.strict]
layouts = ["nattpost-order-csv"]
settle = "rename"
policy = "whole-file"
customers = "accept"
articles = "accept"
receipt = "nattpost-receipt-csv"
[feed.stock]
layout = "nattpost-stock-csv"
file_name = "stock_{run}.csv"
[feed.status]
layout = "nattpost-order-status-xml"
file_name = "status_{run}.xml"
folder = "status"
""",
    "partners/erp.toml": """name = "ERP"
[intake.customers]
layouts = ["nattpost-customer-csv"]
settle = "rename"
[intake.articles]
layouts = ["nattpost-article-csv"]
settle = "rename"
[intake.stock]
layouts = ["nattpost-stock-csv"]
settle = "done-file .done"
absent = "close"
scope = ["warehouse"]
[intake.prices]
layouts = ["nattpost-price-csv"]
settle = "rename"
customers = "accept"
[intake.status]
layouts = ["nattpost-order-status-csv"]
settle = "rename"
[feed.orders]
layout = "nattpost-order-xml"
file_name = "orders_{run}.xml"
schedule = "0 0 1 1 *"
""",
    "partners/branch.toml": """name = "Branch"
[intake.orders]
layouts = ["nattpost-order-csv"]
settle = "rename"
customers = "accept"
articles = "accept"
on_change = "replace-until-exported"
originals = "redact after 10 d, keep 3000 d"
[intake.short]
layouts = ["nattpost-order-csv"]
settle = "rename"
customers = "accept"
articles = "accept"
originals = "keep 10 d"
""",
    "partners/webshop.toml": """name = "Web shop"
[intake.orders]
layouts = ["nattpost-order-xml"]
settle = "rename"
customers = "check"
articles = "check"
order_numbers = "own"
receipt = "nattpost-receipt-xml"
[feed.prices]
layout = "nattpost-price-csv"
file_name = "prices_{run}.csv"
schedule = "0 0 1 1 *"
""",
}


def orders_csv(*orders):
    """Each order: (number, customer, [(article, quantity), ...])."""
    rows = ["nattpost;order;1", "!order;buyer_order_no;customer_no;note", "!line;line_no;article_no;qty;unit"]
    for number, customer, lines in orders:
        rows.append(f"order;{number};{customer};note of {number}")
        rows += [f"line;{at};{article};{qty};PCE" for at, (article, qty) in enumerate(lines, 1)]
    return "\n".join(rows) + "\n"


def orders_xml(*orders):
    out = ['<?xml version="1.0" encoding="UTF-8"?>\n<orders version="1">\n']
    for number, customer, lines in orders:
        out.append(f"  <order><buyer_order_no>{number}</buyer_order_no><customer_no>{customer}</customer_no><lines>")
        for at, (article, qty) in enumerate(lines, 1):
            out.append(f"<line><line_no>{at}</line_no><article_no>{article}</article_no><qty>{qty}</qty><unit>PCE</unit></line>")
        out.append("</lines></order>\n")
    return "".join(out) + "</orders>\n"


def table(kind, columns, *rows):
    return "\n".join([f"nattpost;{kind};1", f"!{kind};{columns}"] + [f"{kind};{row}" for row in rows]) + "\n"


# An evening may have a past (`before`): files, and runs that end at a call, so that the evening begins with what they left; files
# that a person takes away then (`taken`); originals that have grown old (`aged`, days). `codes` is what files stand with at its end.
# Nothing depends on which of two partners comes first on one evening: that is not promised, and changes after a crash.
EVENINGS = [
    # Orders before their customer and article, a mixed file, refused files, master data.
    {
        "in": {
            "dealer/orders/a-waits.csv": orders_csv(("D-1", "1001", [("A1", "2")]), ("D-2", "1001", [("A2", "1")])),
            "dealer/orders/b-mixed.csv": orders_csv(
                ("D-3", "1001", [("A1", "5")]), ("D-4", "1001", [("A1", "2,5x")]), ("D-5", "1001", [("A2", "1"), ("A1", "9")])
            ),
            "dealer/orders/c-bad.csv": orders_csv(("D-6", "1001", [("A1", "many")])),
            "dealer/strict/d-whole.csv": orders_csv(("D-7", "1001", [("A1", "1")]), ("D-8", "1001", [("A1", "x")])),
            "dealer/orders/e-odd.csv": "this is no order file\n",
            "erp/customers/customers.csv": table("customer", "customer_no;name", "1001;Müller & Söhne", "2001;Åkerlund"),
            "erp/articles/articles.csv": table("article", "article_no;name;unit", "A1;Brake disc;PCE", "A2;Cable;PCE"),
            "erp/stock/stock-1.csv": table("stock", "article_no;warehouse;qty", "A1;HH;10", "A2;HH;7", "A1;B;3"),
            "erp/stock/stock-1.csv.done": "",
            "erp/prices/prices.csv": table("price", "article_no;currency;price", "A1;EUR;61.25", "A2;EUR;6"),
        },
        "commands": [],
    },
    # Duplicates, changed content, closing stock, an article nobody knows, a status.
    {
        "in": {
            "dealer/orders/f-again.csv": orders_csv(("D-1", "1001", [("A1", "2")]), ("D-3", "1001", [("A1", "5")])),
            "dealer/orders/g-changed.csv": orders_csv(("D-3", "1001", [("A1", "6")])),
            "dealer/orders/h-new.csv": orders_csv(("D-9", "1001", [("A1", "1")]), ("D-10", "3001", [("A1", "1")])),
            "erp/stock/stock-2.csv": table("stock", "article_no;warehouse;qty", "A1;HH;4"),
            "erp/stock/stock-2.csv.done": "",
            "erp/status/status.csv": table(
                "order_status", "partner;customer_no;buyer_order_no;order_no;status", "dealer;1001;D-1;500;confirmed"
            ),
            "dealer/orders/i-late.csv": orders_csv(("D-11", "1001", [("A2", "3")])),
            "webshop/orders/w-1.xml": orders_xml(("W-1", "2001", [("A1", "1")]), ("W-2", "2001", [("A2", "4")])),
            "webshop/orders/w-2.xml": orders_xml(("W-3", "2001", [("A9", "1")]), ("W-4", "2001", [("A1", "1")])),
        },
        "commands": [],
    },
    # The article comes; the changed order is closed by a person; stock, status and orders go out on request.
    {
        "in": {
            "erp/articles/articles-2.csv": table("article", "article_no;name;unit", "A9;Cap;PCE"),
        },
        "commands": [("ignore", {"reason": "content-changed"}), ("send", {"feeds": ["dealer/stock", "dealer/status", "erp/orders"]})],
    },
    # Retry, a corrected reject come back, an unchanged file.
    {
        "in": {
            "erp/articles/articles-2b.csv": table("article", "article_no;name;unit", "A9;Cap;PCE"),
            "webshop/orders/w-3.xml": orders_xml(("W-5", "2001", [("A9", "2")])),
        },
        "rejects": {"dealer/orders/b-mixed.csv": ("2,5x", "2.5")},
        "commands": [("retry", {"reason": "article-unknown"})],
    },
    # Nothing comes; the due time of two feeds has passed.
    {"in": {}, "commands": [], "due": ["erp/orders", "webshop/prices"]},
    # Reading a file has ended the process three times; an order is sent anew with other fields before it went out.
    {
        "before": {
            "in": {"branch/orders/k-crash.csv": orders_csv(("K-1", "1001", [("A1", "1")]))},
            "faults": ["kill@spool.open", "kill@spool.open", "kill@spool.open"],
        },
        "in": {
            "branch/orders/r-1.csv": orders_csv(("R-1", "1001", [("A1", "1")]), ("R-2", "1001", [("A2", "2")])),
            "branch/orders/r-2.csv": orders_csv(("R-1", "1001", [("A1", "7"), ("A2", "1")])),
            "branch/short/s-1.csv": orders_csv(("S-1", "1001", [("A1", "3")])),
        },
        "commands": [],
        "codes": {"k-crash.csv": "crashed-while-reading"},
    },
    # It is judged again by a person's word; originals are past their days; a file was seen and is taken away before it is claimed.
    {
        "before": {
            "in": {"branch/orders/gone-1.csv": orders_csv(("G-1", "1001", [("A1", "1")]))},
            "faults": ["kill@spool.rename"],
            "taken": ["branch/orders/gone-1.csv"],
        },
        "aged": {"branch/r-1.csv": 40, "branch/r-2.csv": 40, "branch/s-1.csv": 40},
        "in": {"branch/orders/t-1.csv": orders_csv(("T-1", "1001", [("A1", "1")]))},
        "commands": [("retry", {"reason": "crashed-while-reading"})],
        "codes": {"k-crash.csv": ""},
    },
]

# Written down by hand, so that an expectation taken from a run of the program cannot be wrong with it.
ORDERS_AT_THE_END = {
    "dealer": {"D-1", "D-2", "D-3", "D-4", "D-5", "D-9", "D-11"},
    "webshop": {"W-1", "W-2", "W-3", "W-4", "W-5"},
    "branch": {"K-1", "R-1", "R-2", "S-1", "T-1"},
}
HELD_AT_THE_END = {"D-10"}


def lay_out(root):
    """The configuration in an empty folder."""
    for name, text in FILES.items():
        path = Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def drop(root, evening):
    """What arrives on that evening: each file renamed in whole, commands as the command line would leave them."""
    spool = Path(root) / "spool"
    arriving = spool / "arriving"
    arriving.mkdir(parents=True, exist_ok=True)
    live(root, arriving, evening.get("before", {}))
    for name, days in evening.get("aged", {}).items():
        age(root, name, days)
    for name, text in evening["in"].items():
        put(arriving, spool / "in" / name, text)
    for source, (wrong, right) in evening.get("rejects", {}).items():
        folder, name = source.rsplit("/", 1)
        (reject,) = (spool / "failed" / folder).glob(f"*~{name}.reject")
        reject.write_text(reject.read_text().replace(wrong, right))
        reject.rename(spool / "in" / folder / reject.name)
    arriving.rmdir()
    for at, (verb, arguments) in enumerate(evening["commands"]):
        identity = f"{'0' * 10}{EVENINGS.index(evening)}{verb[0]}{at}".replace("i", "j")
        whole = {"id": identity, "verb": verb, "arguments": arguments, "who": "rig", "at": "2026-11-21T20:00:00Z", "comment": "by the rig"}
        path = spool / "commands" / f"{identity}.command"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(whole) + "\n")
    if evening.get("due"):
        with sqlite3.connect(Path(root) / "nattpost.db") as db:
            db.executemany("UPDATE due SET handled = '2020-06-01T00:00:00.000Z' WHERE feed = ?", [(feed,) for feed in evening["due"]])
        db.close()


def put_command(root, verb, arguments):
    """As the command line leaves it."""
    identity = f"{'0' * 12}{verb[0]}".replace("i", "j")
    whole = {"id": identity, "verb": verb, "arguments": arguments, "who": "rig", "at": "2026-11-21T20:00:00Z", "comment": "by the rig"}
    folder = Path(root) / "spool" / "commands"
    (folder / f".{identity}").write_text(json.dumps(whole) + "\n")
    (folder / f".{identity}").rename(folder / f"{identity}.command")


def live(root, arriving, before):
    """What happened before an evening: files came, runs ended at a call, a person took something away."""
    for name, text in before.get("in", {}).items():
        put(arriving, Path(root) / "spool" / "in" / name, text)
    for fault in before.get("faults", []):
        code, said = run(root, fault=fault)
        if code != -9:
            raise Broken(f"{fault} was to end the process, it ended with {code}:\n{tail(said)}")
    for name in before.get("taken", []):
        (Path(root) / "spool" / "in" / name).unlink()


def age(root, name, days):
    """An original in done/, as if it had come so many days earlier."""
    partner, plain = name.split("/")
    (path,) = (Path(root) / "spool" / "done" / partner).glob(f"*/*~{plain}")
    day = str(datetime.date.fromisoformat(path.parent.name) - datetime.timedelta(days=days))
    target = path.parent.parent / day / path.name
    target.parent.mkdir(exist_ok=True)
    path.rename(target)
    with sqlite3.connect(Path(root) / "nattpost.db") as db:
        db.execute("UPDATE file SET day = ? WHERE file_id = ?", (day, path.name[:13]))
    db.close()


def put(arriving, target, text):
    target.parent.mkdir(parents=True, exist_ok=True)
    part = arriving / target.name
    part.write_text(text)
    part.rename(target)


def restore(template, root):
    """The same paths again: reasons name them."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(template, root, symlinks=True)


def start(root, once=True, fault=None, env=None, **options):
    words = [BINARY, "--config", str(Path(root) / "nattpost.toml"), "run"] + (["--once"] if once else [])
    everything = {k: v for k, v in os.environ.items() if not k.startswith("NATTPOST_")} | (env or {})
    if fault:
        everything["NATTPOST_FAULT"] = fault
    return subprocess.Popen(words, cwd=root, env=everything, stdin=subprocess.DEVNULL, **options)


def run(root, fault=None, env=None):
    """One drained run: its exit code (negative: a signal) and what it said."""
    process = start(root, fault=fault, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, said = process.communicate(timeout=RUN_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        _, said = process.communicate()
        raise Hung(f"run --once did not end within {RUN_SECONDS_MAX} s (fault {fault}); it said:\n{tail(said)}") from None
    return process.returncode, said.decode(errors="replace")


class Broken(Exception):
    """A promise does not hold, or the rig itself cannot work."""


class Hung(Broken):
    """The program neither ended nor went on."""


def tail(said, lines=15):
    text = said.decode(errors="replace") if isinstance(said, bytes) else said
    return "\n".join(text.splitlines()[-lines:])


def wait_for(what, condition, seconds):
    """A bounded wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Broken(f"after {seconds} s still not: {what}")
        time.sleep(0.02)
