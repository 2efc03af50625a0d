"""What must hold of a spool and its database whatever happened: before the restart, and after it.

Each check gives back a list of sentences; an empty list is a promise kept. The database is looked at in a copy (with its
log), so that looking mends nothing. `portrait` is everything that must be equal to a night in which nothing went wrong,
with ids, numbers and times taken out. It runs nothing and breaks nothing.
"""
import contextlib
import os
import re
import shutil
import sqlite3
import tempfile
from collections import Counter
from pathlib import Path

ID = r"[0-9a-hj-km-np-tv-z]{13}"
PREFIXED = re.compile(rf"^({ID})~(.*)$", re.S)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z?|\d{4}-\d\d-\d\d \d\d:\d\d")
NUMBER = re.compile(r"(?<=[._])\d{6}(?=\.)")
STATES = ["in", "work", "done", "failed", "held/in", "held/out", "staged", "out", "sent", "commands", "tmp"]
HEADS = {"order_line": "orders", "order_line_charge": "orders", "order_charge": "orders", "order_extra": "orders",
         "customer_address": "customer", "article_alias": "article", "article_unit": "article",
         "order_status_line": "order_status", "despatch": "order_status", "despatch_tracking": "order_status", "despatch_line": "order_status"}
KEYS = {"orders": ("partner", "customer_no", "buyer_order_no"), "customer": ("customer_no",), "article": ("article_no",),
        "order_status": ("partner", "customer_no", "buyer_order_no"), "stock": (), "price": (), "customer_alias": (),
        "stock_history": (), "price_history": (), "order_status_history": ()}
# Different in every run, or the store's own.
LEFT_OUT = {"row_id", "file_no", "received_at", "as_of", "order_no", "history_no", "since_file", "since", "until"}
# A person took it away after it was seen: closed as vanished, and that is right.
TAKEN = "gone-"
# Taken away before it was claimed, and the same file came again.
CAME_BACK = ("(state = 'vanished' AND EXISTS (SELECT 1 FROM file AS o WHERE o.name = file.name AND o.intake = file.intake "
             "AND o.partner = file.partner AND o.state = 'judged'))")

# SQLite's log begins with this, and anew when it was brought into the database.
LOG_HEADER_BYTES = 32
# While a process writes, until a copy is of one age.
COPIES_MAX = 50


def age_of(database):
    """Another when the log was brought into the database meanwhile: then a copy of both is none."""
    log = Path(f"{database}-wal")
    with contextlib.suppress(FileNotFoundError):
        facts = database.stat()
        with open(log, "rb") as file:
            return facts.st_mtime_ns, facts.st_size, file.read(LOG_HEADER_BYTES)
    return database.exists(), log.exists()


class Ledger:
    """A copy of the database as it stood, log and all."""

    def __init__(self, root):
        self.folder = tempfile.mkdtemp(prefix="ledger-")
        source = Path(root) / "nattpost.db"
        target = Path(self.folder) / "nattpost.db"
        for _ in range(COPIES_MAX):
            before = age_of(source)
            for suffix in ("", "-wal"):
                if Path(f"{source}{suffix}").exists():
                    shutil.copyfile(f"{source}{suffix}", f"{target}{suffix}")
            if age_of(source) == before:
                break
        self.db = sqlite3.connect(target)
        self.db.row_factory = sqlite3.Row
        tables = {r[0] for r in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        self.begun = {"file", "run"} <= tables

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.db.close()
        shutil.rmtree(self.folder)

    def rows(self, sql, *values):
        return self.db.execute(sql, values).fetchall() if self.begun else []

    def one(self, sql, *values):
        return self.db.execute(sql, values).fetchone() if self.begun else None

    def by_id(self, identity):
        return self.one("SELECT * FROM file WHERE file_id = ?", identity)


def walk(root, *states):
    """(state, folder below it, name, path) of every file."""
    for state in states:
        top = Path(root) / "spool" / state
        for folder, below, names in os.walk(top):
            # held/in and held/out stand on their own; a state's folder may not exist yet.
            for name in names:
                yield state, os.path.relpath(folder, top), name, os.path.join(folder, name)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def paper_of(name, raw):
    """Reason, reject or original, as the ledger's name tells."""
    rest = PREFIXED.match(name).group(2)
    return {raw + ".reason.txt": "reason", raw + ".reject": "reject"}.get(rest, "original")


def before_the_restart(root, allowed_rejects=None, power_cut=False):
    """Nothing is visible whose verdict or run is not committed, and nothing visible is half. After a power cut a reason that
    was not yet confirmed may be empty until the start, which writes it again: it is for people, and nobody acts on it."""
    wrong = []
    with Ledger(root) as ledger:
        for state, folder, name, path in walk(root, "done", "failed", "held/in"):
            found = PREFIXED.match(name)
            row = found and ledger.by_id(found.group(1))
            if row is None or row["state"] != "judged":
                wrong.append(f"{state}/{folder}/{name} stands there, and its verdict is not committed")
                continue
            paper = paper_of(name, row["name"])
            if paper == "reason" and row["placed"] and (row["reason_text"] or "").encode() != read(path):
                wrong.append(f"{state}/{folder}/{name} differs from the committed reason")
            if paper == "reason" and not power_cut and not read(path).decode(errors="replace").endswith("\n"):
                wrong.append(f"{state}/{folder}/{name} is half a reason")
            if paper == "reject" and allowed_rejects is not None and (row["name"], read(path)) not in allowed_rejects:
                wrong.append(f"{state}/{folder}/{name} is no whole reject")
        for state, folder, name, path in walk(root, "out", "sent"):
            run = run_of(ledger, state, folder, name)
            if run is None and not vouches(ledger, folder, name):
                wrong.append(f"{state}/{folder}/{name} is visible, and its run is not committed")
            elif run and run["size"] != os.path.getsize(path):
                wrong.append(f"{state}/{folder}/{name} has {os.path.getsize(path)} bytes, committed were {run['size']}")
            elif run and run["file_no"] and ledger.one("SELECT 1 FROM file WHERE file_no = ? AND state = 'judged'", run["file_no"]) is None:
                wrong.append(f"{state}/{folder}/{name} is a receipt without a committed verdict")
        for _, folder, name, _ in walk(root, "held/out"):
            if not ledger.one("SELECT 1 FROM run WHERE run_id = ? AND state IN ('locked', 'superseded', 'discarded')", name[:13]):
                wrong.append(f"held/out/{folder}/{name} is held, and its run is not committed")
    return wrong


def run_of(ledger, state, folder, name):
    """The run that a file in out/ or sent/ is."""
    partner, _, below = folder.partition("/")
    plain, where = (PREFIXED.match(name).group(2), None) if state == "sent" else (name, below)
    return ledger.one("SELECT * FROM run WHERE partner = ? AND name = ? AND (? IS NULL OR folder = ?) "
                      "AND state IN ('ready', 'delivering', 'renaming', 'sent') ORDER BY state = 'sent', run_no DESC", partner, plain, where, where)


def vouches(ledger, folder, name):
    """An empty file in out/ that says that the one beside it is whole; it may stand alone while that one is replaced or just taken."""
    partner, _, below = folder.partition("/")
    return bool(ledger.one("SELECT 1 FROM run WHERE partner = ? AND folder = ? AND done_name = ? AND state IN ('ready', 'sent', 'superseded')", partner, below, name))


def after_the_restart(root, receipts=(), rests=()):
    """Everything that holds of any drained spool. `receipts`: intakes (partner/intake) whose sender gets one for every file.
    `rests`: file names that may still stand in in/."""
    wrong = []
    with Ledger(root) as ledger:
        if not ledger.begun:
            return ["there is no ledger"]
        if (told := ledger.one("PRAGMA integrity_check")[0]) != "ok":
            wrong.append(f"integrity_check: {told}")
        wrong += [f"foreign key: {tuple(r)}" for r in ledger.rows("PRAGMA foreign_key_check")]
        paused = {row["subject"] for row in ledger.rows("SELECT subject FROM pause")}
        for state, folder, name, path in walk(root, "tmp", "staged", "work", "commands", "in"):
            waits = state == "in" and (name in rests or f"in:{folder}" in paused or folder.split("/")[0] in paused)
            if not waits:
                wrong.append(f"{state}/{folder}/{name} is left over ({os.path.getsize(path)} bytes)")
        wrong += originals_and_papers(root, ledger)
        wrong += visible_runs(root, ledger)
        wrong += locked_runs(root, ledger)
        for row in ledger.rows("SELECT * FROM command WHERE done_at IS NULL"):
            wrong.append(f"the command {row['command_id']} is not finished")
        for row in ledger.rows("SELECT f.*, (SELECT count(*) FROM run r WHERE r.file_no = f.file_no AND r.reason = 'receipt') AS answers FROM file f WHERE state != 'vanished'"):
            if f"{row['partner']}/{row['intake']}" in receipts and row["answers"] == 0:
                wrong.append(f"{row['name']} ({row['file_id']}) has no receipt")
    return wrong


def originals_and_papers(root, ledger):
    """Every file in exactly one state, with exactly the papers its verdict asks for."""
    wrong, places = [], {}
    for state, folder, name, path in walk(root, "in", "work", "done", "failed", "held/in"):
        found = PREFIXED.match(name)
        row = found and ledger.by_id(found.group(1))
        if row is None:
            if state not in ("in", "work"):
                wrong.append(f"{state}/{folder}/{name} belongs to no file of the ledger")
            continue
        if name.endswith(".done") and row["name"] + ".done" == found.group(2):
            places.setdefault((row["file_id"], "done-file"), []).append((state, path))
            continue
        places.setdefault((row["file_id"], paper_of(name, row["name"])), []).append((state, path))
    for row in ledger.rows(f"SELECT * FROM file WHERE NOT {CAME_BACK}"):
        label = f"{row['partner']}/{row['intake']}/{row['name']} ({row['file_id']})"
        if row["state"] == "vanished" and row["name"].startswith(TAKEN):
            continue
        if row["state"] != "judged":
            wrong.append(f"{label} has no verdict, its state is {row['state']}")
            continue
        if not row["placed"]:
            wrong.append(f"{label} is not confirmed as placed")
        home = {"done": "done", "failed": "failed", "held": "held/in"}[row["place"]]
        stands = [state for state, _ in places.get((row["file_id"], "original"), [])]
        if row["original_gone"]:
            # Its days are over.
            wrong += [f"{label} still stands in {stands}" for _ in stands]
        elif stands != [home]:
            wrong.append(f"{label} stands in {stands}, its verdict says {home}")
        elif (size := os.path.getsize(places[row["file_id"], "original"][0][1])) != row["size"] and not row["redacted"] and row["code"] != "file-truncated":
            wrong.append(f"{label} has {size} bytes, it came with {row['size']}")
        vouching = [state for state, _ in places.get((row["file_id"], "done-file"), [])]
        if vouching not in ([], [home]):
            wrong.append(f"{label} stands in {home}, what vouched for it in {vouching}")
        reasons = places.get((row["file_id"], "reason"), [])
        if row["reason_text"] is None:
            wrong += [f"{label} has a reason file without a reason" for _ in reasons]
        elif [read(path) for _, path in reasons] != [row["reason_text"].encode()]:
            wrong.append(f"{label} does not have exactly its committed reason beside it ({len(reasons)} found)")
        rejects = places.get((row["file_id"], "reject"), [])
        wants = row["refused"] > 0 and row["place"] != "failed" and row["reason_text"] is not None
        if len(rejects) > 1 or (rejects and not wants):
            wrong.append(f"{label} has {len(rejects)} reject(s), wanted: {wants}")
    return wrong


def visible_runs(root, ledger):
    """Every file in out/ is a run, every ready run is a file with what vouches for it, each request is in one file."""
    wrong = []
    found = {f"{folder}/{name}": os.path.getsize(path) for _, folder, name, path in walk(root, "out")}
    for run in ledger.rows("SELECT * FROM run WHERE state = 'ready'"):
        folder = f"{run['partner']}/{run['folder']}".rstrip("/")
        size = found.pop(f"{folder}/{run['name']}", None)
        if size is None:
            wrong.append(f"the run {run['name']} is ready and does not stand in out/ exactly once")
        elif size != run["size"]:
            wrong.append(f"the run {run['name']} has {size} bytes, committed were {run['size']}")
        if run["done_name"] and found.pop(f"{folder}/{run['done_name']}", None) != 0:
            wrong.append(f"nothing vouches for {run['name']}, or what does is not empty")
    wrong += [f"out/{name} is no ready run" for name in found]
    for row in ledger.rows("SELECT partner, feed, number, count(*) AS times FROM run WHERE number > 0 AND state IN ('ready', 'sent') "
                           "AND reason != 'receipt' GROUP BY partner, feed, number HAVING count(*) > 1"):
        wrong.append(f"the number {row['number']} of {row['partner']}/{row['feed']} was given to {row['times']} files")
    exported = Counter()
    for path in visible_files(root):
        text = read(path).decode(errors="replace")
        if "<orders " in text:
            exported.update(re.findall(r"<buyer_order_no>([^<]*)</buyer_order_no>", text))
    wrong += [f"the order {number} was exported {count} times" for number, count in exported.items() if count != 1]
    committed = {r[0] for r in ledger.rows("SELECT o.buyer_order_no FROM run_request q JOIN orders o ON o.row_id = q.row_id")}
    if committed != set(exported):
        wrong.append(f"exported are {sorted(exported)}, the ledger says {sorted(committed)}")
    return wrong


def visible_files(root):
    """Also those that partners took: a night keeps them in taken/ beside the spool."""
    yield from (path for _, _, _, path in walk(root, "out", "sent"))
    yield from (path for path in sorted((Path(root) / "taken").rglob("*")) if path.is_file())


def locked_runs(root, ledger):
    """What is held back is exactly what a person has still to decide about."""
    held = Counter(name[:13] for _, _, name, _ in walk(root, "held/out"))
    open_locks = {row["run_id"]: row["state"] for row in ledger.rows(
        "SELECT run_id, state FROM guard_lock JOIN run USING (run_no) WHERE side = 'out' AND ended_at IS NULL")}
    wrong = [f"held/out/ holds {count} of the run {run}, and no lock is open for it" for run, count in held.items() if run not in open_locks]
    wrong += [f"the run {run} is locked, and held/out/ holds {held[run]} of it" for run in open_locks if held[run] != 1]
    wrong += [f"the run {run} has an open lock, its state is {state}" for run, state in open_locks.items() if state != "locked"]
    for row in ledger.rows("SELECT run_id FROM run WHERE state = 'locked'"):
        wrong += [f"the run {row['run_id']} is locked, and nobody can decide about it"] if row["run_id"] not in open_locks else []
    for row in ledger.rows("SELECT file_no FROM file WHERE code = 'guard-locked' AND verdict = 'held'"):
        if not ledger.one("SELECT 1 FROM guard_lock WHERE file_no = ? AND ended_at IS NULL", row["file_no"]):
            wrong.append(f"the file number {row['file_no']} waits for a person, and nobody can decide about it")
    return wrong


def plain(text):
    """Ids, times and numbers of ours out: a number that was given and not committed is a gap, not a fault."""
    return re.sub(ID + "(?=~)", "ID", re.sub("<order_no>[0-9]{1,2}</order_no>", "<order_no>#</order_no>", INSTANT.sub("TIME", text)))


def portrait(root):
    """Everything that must come out the same, whatever happened in between: {what: sorted lines}."""
    with Ledger(root) as ledger:
        labels = {r["file_no"]: "/".join((r["partner"], r["intake"], r["name"])) + ("~back" if r["returns_of"] else "")
                  for r in ledger.rows("SELECT * FROM file")}
        ids = {r["file_id"]: labels[r["file_no"]] for r in ledger.rows("SELECT * FROM file")}
        clean = lambda text: plain(re.sub(ID, lambda m: f"<{ids[m.group()]}>" if m.group() in ids else m.group(), text))
        picture = {"business": business(ledger, labels), "ledger": ledger_lines(ledger, labels, clean), "spool": spool_lines(root, ledger, clean)}
    return picture


def business(ledger, labels):
    heads = {}
    for table, key in KEYS.items():
        if key:
            for row in ledger.rows(f"SELECT row_id, {', '.join(key)} FROM {table}"):
                heads[table, row[0]] = "/".join(str(v) for v in row[1:])
    lines = []
    for table in list(KEYS) + list(HEADS):
        for row in ledger.rows(f"SELECT * FROM {table}"):
            cells = {k: row[k] for k in row.keys() if k not in LEFT_OUT and row[k] is not None}
            if table in HEADS:
                cells["head_row"] = heads.get((HEADS[table], row["head_row"]), "none")
            if "file_no" in row.keys():
                cells["file"] = labels.get(row["file_no"])
            if "since_file" in row.keys():
                cells["since"] = labels.get(row["since_file"])
            lines.append(f"{table} {cells}")
    return sorted(lines)


def ledger_lines(ledger, labels, clean):
    lines = []
    counts = ("messages", "accepted", "unchanged", "duplicate", "stale", "held", "refused", "rows_written", "rows_taken")
    for row in ledger.rows("SELECT * FROM file"):
        cells = [cleaned(row[k], clean) for k in ("state", "verdict", "code", "place", "kind", "layout", "placed", "comment") + counts]
        lines.append(f"file {labels[row['file_no']]} {cells} {clean(row['reason_text'] or '')!r}")
    orders = {r["row_id"]: r["buyer_order_no"] for r in ledger.rows("SELECT row_id, buyer_order_no FROM orders")}
    for row in ledger.rows("SELECT * FROM message"):
        cells = [cleaned(row[k], clean) for k in ("number", "kind", "key", "verdict", "code", "line", "bytes", "problems", "payload", "waits_kind", "waits_key", "comment")]
        lines.append(f"message {labels[row['file_no']]} {cells} of {orders.get(row['row_id'])}")
    for row in ledger.rows("SELECT * FROM problem_count"):
        lines.append(f"problems {labels[row['file_no']]} {row['code']} {row['count']}")
    for row in ledger.rows("SELECT * FROM run_request"):
        lines.append(f"exported {row['feed']} {orders.get(row['row_id'])}")
    for row in ledger.rows("SELECT * FROM run WHERE reason != 'request'"):
        name = NUMBER.sub("#", row["name"])
        lines.append(f"run {row['partner']}/{row['feed']} {row['reason']} {row['kind']} {row['state']} {name} {row['rows']} {labels.get(row['file_no'])}")
    for row in ledger.rows("SELECT * FROM command"):
        lines.append(f"command {row['verb']} {row['arguments']} finished {row['done_at'] is not None}")
    for row in ledger.rows("SELECT * FROM guard_lock"):
        cells = [row[k] for k in ("side", "partner", "name", "exceeded", "base", "creates", "changes", "deletes", "samples", "ended_by")]
        lines.append(f"lock {cells} of {labels.get(row['file_no'])}")
    for row in ledger.rows("SELECT * FROM pause"):
        lines.append(f"pause {row['subject']} by {row['who']}")
    for row in ledger.rows("SELECT f.*, d.key, d.hash, d.gone FROM feed f LEFT JOIN delivered d USING (feed_no)"):
        lines.append(f"holds {row['name']} {row['shown']} owed {row['full_owed']} begun {row['base_run'] is not None} {row['key']} {row['hash']} {row['gone']}")
    for row in ledger.rows("SELECT DISTINCT name, rings FROM outbox JOIN feed USING (feed_no)"):
        lines.append(f"changed {row['name']} rings {row['rings']}")
    return sorted(lines)


def cleaned(cell, clean):
    return clean(cell) if isinstance(cell, str) else cell


def spool_lines(root, ledger, clean):
    """A feed of facts that was asked for may have been written twice (the crash came between the file and the command's
    end): such files count once. All others count as often as they stand there. Orders stand in their file as they came,
    and who came first between two partners may change: they are compared one by one."""
    asked = ledger.rows("SELECT name, done_name FROM run WHERE reason = 'request' AND kind NOT IN ('order')")
    asked = {name for row in asked for name in row}
    lines, once = [], set()
    for state, folder, name, path in walk(root, *[s for s in STATES if s != "tmp"]):
        folder = re.sub(r"\d{4}-\d\d-\d\d", "DAY", folder)
        content = clean(read(path).decode(errors="backslashreplace"))
        if state == "out" and "<orders " in content:
            head, *orders = re.split(r"(?=\n  <order>)", content)
            lines += [f"{state}/{folder}: {head!r}"] + [f"{state}/{folder}: {order.replace('</orders>', '')!r}" for order in orders]
            continue
        line = f"{state}/{folder}/{NUMBER.sub('#', clean(name))} {content!r}"
        once.add(line) if name in asked else lines.append(line)
    return sorted(lines + list(once))


def differences(expected, found):
    """The first few lines that are there too much or too little."""
    wrong = []
    for what in expected:
        want, have = Counter(expected[what]), Counter(found[what])
        wrong += [f"missing in {what}: {line[:300]}" for line in (want - have).elements()]
        wrong += [f"too much in {what}: {line[:300]}" for line in (have - want).elements()]
    return wrong
