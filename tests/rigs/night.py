"""How the rigs let evenings happen again and again with something going wrong: what a night is, how its files and commands come,
how the program is run on them. It checks nothing: promises.py does. The nights themselves are night_NAME.py, each in its own words.
"""
import datetime
import importlib
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


class Night:
    """What a night_NAME.py makes one of, as NIGHT. Everything that happens in it stands below its root, so that a copy of the root
    is a copy of the night. What answers with a list answers with sentences: an empty list is a promise kept."""

    # {path below the root: text}, and the evenings as `drop` plays them.
    files, evenings = {}, []
    # Intakes (partner/intake) whose sender gets a receipt for every file.
    receipts = ()

    def lay_out(self, root):
        """The configuration, and whatever else stands below the root before the first evening."""
        lay_out(root, self.files)

    def env(self, root):
        """More variables for the program."""
        return {}

    def arrive(self, root, number):
        """What happens before the run of this evening that is attacked."""
        drop(root, self.evenings[number], number)

    # What a partner or a person does after the fault, before the restart; a night that has it has the mode `taken`: the end is
    # then not held against that of an untouched evening, but against `look`, `rest` and `ends`.
    meanwhile = None

    def look(self, root):
        """At any moment, before a restart too."""
        return []

    def go_on(self, root):
        """What a person says who was asked, when nothing else is left to be done."""

    def rest(self, root):
        """Of a drained spool."""
        return []

    def picture(self, root):
        """What else must come out the same, whatever happened in between: {what: sorted lines}."""
        return {}

    def ends(self, root):
        """Plays a drained spool on to where it comes to rest, and judges that. The spool is not used any more after it."""
        return []

    def at_the_end(self, root):
        """What the whole night comes to without any fault, written down by hand."""
        return []


def load(name):
    return importlib.import_module(f"night_{name}").NIGHT


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


def lay_out(root, files):
    """The configuration in an empty folder."""
    for name, text in files.items():
        path = Path(root) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def drop(root, evening, number):
    """What arrives on that evening: each file renamed in whole (`in`), rejects that a person corrected (`rejects`), commands as the
    command line would leave them, feeds whose due time has passed (`due`). It may have a past (`before`): files, and runs that end
    at a call, so that the evening begins with what they left; files that a person takes away then (`taken`); originals that have
    grown old (`aged`, days). `codes` is what files stand with at its end. Nothing depends on which of two partners comes first on
    one evening: that is not promised, and changes after a crash."""
    spool = Path(root) / "spool"
    arriving = spool / "arriving"
    arriving.mkdir(parents=True, exist_ok=True)
    live(root, arriving, evening.get("before", {}))
    for name, days in evening.get("aged", {}).items():
        age(root, name, days)
    for name, text in evening.get("in", {}).items():
        put(arriving, spool / "in" / name, text)
    for source, (wrong, right) in evening.get("rejects", {}).items():
        folder, name = source.rsplit("/", 1)
        (reject,) = (spool / "failed" / folder).glob(f"*~{name}.reject")
        reject.write_text(reject.read_text().replace(wrong, right))
        reject.rename(spool / "in" / folder / reject.name)
    arriving.rmdir()
    for at, (verb, arguments) in enumerate(evening.get("commands", [])):
        identity = f"{'0' * 10}{number:x}{verb[0]}{at}".replace("i", "j")
        whole = {"id": identity, "verb": verb, "arguments": arguments, "who": "rig", "at": "2026-11-21T20:00:00Z", "comment": "by the rig"}
        path = spool / "commands" / f"{identity}.command"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(whole) + "\n")
    if evening.get("due"):
        with sqlite3.connect(Path(root) / "nattpost.db") as db:
            db.executemany("UPDATE due SET handled = '2020-06-01T00:00:00.000Z' WHERE feed = ?", [(feed,) for feed in evening["due"]])
        db.close()


def put_command(root, verb, arguments, mark="0"):
    """As the command line leaves it. `mark` sets it apart from others of the night."""
    identity = f"{mark:0>12}{verb[0]}".replace("i", "j")
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
