"""What must hold at remotes whatever happened: from the story that the double writes down (`there/history`), what stands there now,
and a copy of the ledger as it is at that moment, before a restart too. Each check gives back sentences; none is a promise kept.

At any moment: nothing that the shop sent is nowhere; what was removed or moved there has a committed verdict; what got a claim name,
was uploaded or became visible there had its commit before; what is visible is a whole run. At rest: each file once in the ledger or
still there, nothing owed, no name of ours left, each order received once, the newest facts under their name. It runs nothing.
"""
import re
import shutil
import zipfile
from collections import Counter
from pathlib import Path

import promises

ID = promises.ID
CLAIM = re.compile(rf"^({ID})~.*\.[a-z]{{5}}\.taken$")
OURS = re.compile(rf"(^{ID}~.*\.[a-z]{{5}}\.taken|\.{ID}\.[a-z]{{5}}\.(part|old))$")
UPLOAD = re.compile(rf"\.{ID}\.[a-z]{{5}}\.part$")
ORDER = re.compile(r"<buyer_order_no>([^<]+)<|^order;([^;]+);", re.M)
# Beyond these, what stands in them is the shop's to take.
RECEIVED = ("orders", "out")


def tell(there, what, name, path):
    """A line of the story, like those of the double: what a rig does in the place of the shop."""
    history = Path(there) / "history"
    index = history / "index"
    number = len(index.read_text().splitlines()) + 1 if index.exists() else 1
    if path.exists():
        shutil.copyfile(path, history / str(number))
    shown = "/" + name.removeprefix("ftp/") if name.startswith("ftp/") else name
    with index.open("a") as file:
        file.write(f"{number} {what} {shown}\n")


class Deed:
    def __init__(self, history, line):
        number, self.what, *path = line.split(" ")
        self.path, self.to = path[0], path[2] if len(path) == 3 else None
        kept = history / number
        self.bytes = kept.read_bytes() if kept.exists() else None
        self.name = self.path.rsplit("/", 1)[1]

    def __str__(self):
        return f"{self.what} {self.path}" + (f" > {self.to}" if self.to else "")


def story(root):
    history = Path(root) / "there" / "history"
    index = history / "index"
    return [Deed(history, line) for line in index.read_text().splitlines()] if index.exists() else []


def files_there(root):
    """What stands at the server and in the folder: (path, bytes)."""
    paths = sorted((Path(root) / "there").rglob("*"))
    return [(path, path.read_bytes()) for path in paths if path.is_file() and path.parent.name not in ("there", "history")]


def parts(path):
    """Of several files that came as one, those that it holds."""
    if not str(path).endswith(".zip"):
        return []
    with zipfile.ZipFile(path) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


class Sight:
    """Story, ledger and folders at one moment."""

    def __init__(self, root, ledger):
        self.root, self.ledger, self.deeds = root, ledger, story(root)
        self.there = files_there(root)
        self.originals = []
        for _, _, name, path in promises.walk(root, "work", "done", "failed", "held/in"):
            found = promises.PREFIXED.match(name)
            row = found and ledger.by_id(found.group(1))
            if row and row["state"] == "judged" and promises.paper_of(name, row["name"]) == "original":
                self.originals.append((row["file_id"], row["name"], promises.read(path)))
                self.originals += [(row["file_id"], part, text) for part, text in parts(path)]
        self.judged = {(name, text) for _, name, text in self.originals}

    def is_judged(self, identity):
        row = self.ledger.by_id(identity)
        return row is not None and row["state"] == "judged"

    def file_of(self, run):
        """The bytes of a run, in out/ or sent/."""
        for state, _, name, path in promises.walk(self.root, "out", "sent"):
            if name == (f"{run['run_id']}~{run['name']}" if state == "sent" else run["name"]):
                return promises.read(path)
        return None


def at_any_moment(root):
    with promises.Ledger(root) as ledger:
        sight = Sight(root, ledger)
        wrong = nothing_is_nowhere(sight)
        for path, _ in sight.there:
            if claim := CLAIM.match(path.name):
                wrong += [f"{path.parent.name}/{path.name}: {words}" for words in claimed(sight, claim.group(1), path.name)]
        for deed in sight.deeds:
            wrong += [f"{deed}: {words}" for words in CHECKS.get(deed.what, lambda *_: [])(sight, deed)]
    return wrong


def sent_by_the_shop(sight):
    """Contents that the shop did not take back himself: (name, bytes)."""
    ours = [deed for deed in sight.deeds if not deed.name.endswith(".done") and not deed.path.startswith("/stock/")]
    put = Counter((deed.name, deed.bytes) for deed in ours if deed.what == "put")
    return put - Counter((deed.name, deed.bytes) for deed in ours if deed.what == "displaced")


def nothing_is_nowhere(sight):
    stands = {text for _, text in sight.there}
    return [f"{name} is nowhere: neither there nor in the ledger ({text[-40:]!r})" for name, text in sent_by_the_shop(sight)
            if text not in stands and (name, text) not in sight.judged]


def removed(sight, deed):
    """Of a partner's file: only what was judged. Of ours: whatever we like."""
    if UPLOAD.search(deed.name) or deed.name.endswith(".old"):
        return []
    claim = CLAIM.match(deed.name)
    name = deed.name[14:].rsplit(".", 2)[0] if claim else deed.name
    if name.endswith(".done"):
        return [] if not claim or sight.is_judged(claim.group(1)) else ["no verdict of its file is committed"]
    return [] if (name, deed.bytes) in sight.judged else ["no verdict of it is committed"]


def renamed(sight, deed):
    target = deed.to.rsplit("/", 1)[1]
    if claim := CLAIM.match(target):
        return claimed(sight, claim.group(1), target)
    if UPLOAD.search(deed.name):
        return visible(sight, deed, target)
    if deed.path.rsplit("/", 1)[0] != deed.to.rsplit("/", 1)[0]:
        return removed(sight, deed)
    return []


def claimed(sight, identity, target):
    """The name that it gets stands in the ledger before it gets it."""
    names = sight.ledger.rows("SELECT claim, done_claim FROM collect c JOIN file f USING (file_no) WHERE f.file_id = ?", identity)
    if any(target.encode() in (row["claim"], row["done_claim"]) for row in names) or sight.is_judged(identity):
        return []
    return ["the ledger does not know that claim"]


def way_of(sight, column, name):
    """The delivery that came furthest: a run that took the place of a waiting one has its name."""
    sql = ("SELECT r.*, (SELECT group_concat(reached) FROM delivery_try t WHERE t.run_no = r.run_no) AS reached "
           f"FROM delivery d JOIN run r USING (run_no) WHERE d.{column} = ? ORDER BY d.tries DESC, r.run_no DESC")
    return sight.ledger.one(sql, name.encode())


def stored(sight, deed):
    """What stood there is noted before an upload begins."""
    run = way_of(sight, "temp", deed.name)
    if run is None:
        done = way_of(sight, "done_name", deed.name)
        is_early = done is None or not has_uploaded(done)
        return ["nothing in the ledger says that it goes there"] if is_early else []
    return [] if run["reached"] else ["it was sent, and no commit says that it is on its way"]


def has_uploaded(run):
    return any(phase in ("uploaded", "renamed", "sent") for phase in (run["reached"] or "").split(","))


def visible(sight, deed, target):
    run = way_of(sight, "temp", deed.name)
    if run is None or run["name"] != target:
        return ["it got its name, and no run in the ledger goes there"]
    wrong = [] if has_uploaded(run) else ["it is visible, and no commit says that the partner may have it"]
    if len(deed.bytes) != run["size"]:
        wrong.append(f"half of it is visible: {len(deed.bytes)} of {run['size']} bytes")
    elif deed.bytes != sight.file_of(run):
        wrong.append("what is visible is not that run's file")
    return wrong


def overwritten(sight, deed):
    """Only by a newer run of its own."""
    return [] if way_of(sight, "name", deed.name) else ["a file of the shop was written over"]


CHECKS = {"removed": removed, "renamed": renamed, "stored": stored, "overwritten": overwritten}


def at_rest(root):
    with promises.Ledger(root) as ledger:
        sight = Sight(root, ledger)
        wrong = at_any_moment(root) + each_once(sight) + received_once(sight) + newest_facts(sight)
        for row in ledger.rows("SELECT f.name, c.state FROM collect c JOIN file f USING (file_no)"):
            wrong.append(f"something is still owed for {row['name']}: {row['state']}")
        for row in ledger.rows("SELECT name, words FROM delivery WHERE settled = 0"):
            wrong.append(f"{row['name'].decode()} is not delivered: {row['words']}")
        wrong += [f"{path.parent.name}/{path.name} is a name of ours, and left there" for path, _ in sight.there if OURS.search(path.name)]
    return wrong


def each_once(sight):
    wrong, known = [], Counter((name, text) for _, name, text in sight.originals)
    stays = {text for path, text in sight.there if path.parent.name in ("claimed", "looked", "pairs", "in")}
    for (name, text), count in sent_by_the_shop(sight).items():
        if known[name, text] != count and not (known[name, text] == 0 and text in stays):
            wrong.append(f"{name} is in the ledger {known[name, text]} times, it was sent {count} times ({text[-40:]!r})")
    return wrong


def numbers(text):
    return [one or other for one, other in ORDER.findall(text.decode())]


def received_once(sight):
    """By the shop, who takes at once on its server, and leaves what comes into its folder."""
    wrong, known = [], {row[0] for row in sight.ledger.rows("SELECT buyer_order_no FROM orders")}
    got = {
        "the server": [deed.bytes for deed in sight.deeds if deed.what == "taken"] + [t for p, t in sight.there if p.parent.name == "orders"],
        "the folder": [text for path, text in sight.there if path.parent.name == "out"],
    }
    for where, texts in got.items():
        count = Counter(number for text in texts for number in numbers(text))
        wrong += [f"the order {number} was received {times} times at {where}" for number, times in count.items() if times != 1]
        wrong += [f"the order {number} was never received at {where}" for number in sorted(known - set(count))]
    return wrong


def newest_facts(sight):
    """What stands under the name of the newest run is its file, also where another stood; each that wants one has its done-file."""
    wrong = []
    last = sight.ledger.one("SELECT * FROM run WHERE feed = 'stock' AND partner = 'shop' AND state = 'sent' ORDER BY run_no DESC LIMIT 1")
    stands = next((text for path, text in sight.there if last and (path.parent.name, path.name) == ("stock", last["name"])), None)
    if last and stands != sight.file_of(last):
        wrong.append(f"{last['name']} there holds stale content")
    names = {path.name for path, _ in sight.there if path.parent.name == "prices"}
    wrong += [f"{name} has no done-file" for name in names if not name.endswith(".done") and f"{name}.done" not in names]
    return wrong


def unknown(root):
    """Runs of which nobody knows whether they arrived, and what the shop says of each: `discard` (he has it), `release`."""
    with promises.Ledger(root) as ledger:
        rows = ledger.rows("SELECT r.run_id, d.name FROM delivery d JOIN run r USING (run_no) WHERE d.unknown_since IS NOT NULL AND d.settled = 0")
    has = {deed.name for deed in story(root) if deed.what == "taken"}
    return [(row["run_id"], "discard" if row["name"].decode() in has else "release") for row in rows]


def orders(root, expected, maybe):
    with promises.Ledger(root) as ledger:
        found = sorted(row[0] for row in ledger.rows("SELECT buyer_order_no FROM orders"))
    if sorted(set(found) - maybe) != sorted(expected) or len(found) != len(set(found)):
        return [f"orders are {found}, expected {sorted(expected)}"]
    return []


def picture(root, maybe):
    """In place of promises.portrait's: how orders are put together in files depends on when a round ends, what was delivered is
    checked above, and what came in the place of another may have been taken by now or not (`maybe`)."""
    whole = promises.portrait(root)
    left_out = ("sent/", "run shop/orders ", "run shop/copies ", "command release ", "command discard ")
    keep = lambda line: not any(number in line for number in maybe) and not line.startswith(left_out)
    cut = {what: [line for line in lines if keep(line)] for what, lines in whole.items()}
    # The two under one name have the same lines, but for what they say.
    cut = {what: sorted(line for line in lines if "/e.csv" not in line) + sorted({line for line in lines if "/e.csv" in line}) for what, lines in cut.items()}
    # Facts that were asked for may have been written twice.
    cut["there"] = sorted({line for path, text in files_there(root) if keep(line := shown_there(path, text)) and path.parent.name not in (*RECEIVED, "receipts")})
    return cut


def shown_there(path, text):
    """Without ids and numbers of ours."""
    name = promises.NUMBER.sub("#", re.sub(rf"\.{ID}$", ".ID", path.name))
    return f"{path.parent.name}/{name} {promises.plain(text.decode())!r}"

