"""Dies or fails at call N = 1, 2, 3 … of the spool and the store until an evening goes through untouched, and looks after each:
before the restart and after it. Owns the loop and the modes: `kill`, `twice` (the recovery is killed as well), `fail` and
`full` (an I/O error or a full disk at that call), `full+` (from that call on). Prints one line an evening and mode; ends with
1 at the first finding (`--all` goes on to the end).
"""
import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import night
import promises

RECEIPTS = ("dealer/orders", "dealer/strict", "webshop/orders")
MODES = ("kill", "twice", "fail", "full", "full+")
# An evening has a few hundred calls; a loop that does not end is a finding of its own.
CALLS_MAX = 3_000
# Fewer would mean that the fault points are gone.
CALLS_MIN = 40


class Evening:
    """One evening's state before and after, in a night where nothing goes wrong."""

    def __init__(self, number, root, folder):
        self.number, self.root = number, root
        self.begins = folder / f"begins-{number}"
        self.calls = folder / f"calls-{number}"
        night.drop(root, night.EVENINGS[number])
        night.restore(root, self.begins)
        before = rejects(root)
        code, said = night.run(root, fault=f"count@{self.calls}")
        if code != 0:
            raise night.Broken(f"evening {number + 1} without any fault ends with {code}:\n{night.tail(said)}")
        self.expected = promises.portrait(root)
        self.rejects = before | rejects(root)
        report(f"evening {number + 1} untouched", promises.after_the_restart(root, RECEIPTS) + self.other_codes())
        self.names = [line.split(" ", 1)[1] for line in self.calls.read_text().splitlines()]

    def other_codes(self):
        """Files that do not stand with the code that the evening says."""
        wrong = []
        with promises.Ledger(self.root) as ledger:
            for name, code in night.EVENINGS[self.number].get("codes", {}).items():
                found = [r[0] for r in ledger.rows("SELECT code FROM file WHERE name = ?", name)]
                wrong += [f"{name} stands with {found}, expected {code!r}"] if found != [code] else []
        return wrong

    def begin(self):
        night.restore(self.begins, self.root)

    def look_before(self):
        return promises.before_the_restart(self.root, self.rejects)

    def look_after(self):
        """A drained run without faults, then everything must be as in the night where nothing went wrong."""
        code, said = night.run(self.root)
        if code != 0:
            return [f"the restart ends with {code}: {night.tail(said, 3)}"]
        wrong = promises.after_the_restart(self.root, RECEIPTS)
        return wrong + promises.differences(self.expected, promises.portrait(self.root))


def rejects(root):
    with promises.Ledger(root) as ledger:
        found = set()
        for _, _, name, path in promises.walk(root, "failed"):
            row = ledger.by_id(name[:13])
            if row and promises.paper_of(name, row["name"]) == "reject":
                found.add((row["name"], promises.read(path)))
        return found


def report(where, wrong):
    if wrong:
        raise night.Broken(f"{where}:\n  " + "\n  ".join(wrong[:12]))


def attack(evening, mode, n):
    """One fault at call N. Whether it went through untouched, and what is wrong."""
    evening.begin()
    fault = {"kill": "kill@{}", "twice": "kill@{}", "fail": "fail@{}", "full": "full@{}", "full+": "full@{}+"}[mode].format(n)
    code, said = night.run(evening.root, fault=fault)
    if mode in ("kill", "twice") and code not in (0, -9):
        return False, [f"it ends with {code} instead of being killed: {night.tail(said, 3)}"]
    untouched = n > len(evening.names) and code == 0
    wrong = evening.look_before()
    if mode == "twice" and not untouched:
        # The recovery dies too, at a call that moves on with N.
        night.run(evening.root, fault=f"kill@{1 + (n * 7) % 60}")
        wrong += [f"{w} (after the second kill)" for w in evening.look_before()]
    return untouched, wrong + evening.look_after()


def loop(evening, mode, step, everything):
    began, findings, n, attempts = time.monotonic(), [], 1, 0
    while n < CALLS_MAX:
        attempts += 1
        try:
            untouched, wrong = attack(evening, mode, n)
        except night.Hung as hung:
            untouched, wrong = False, [str(hung)]
        if wrong:
            call = evening.names[n - 1] if n <= len(evening.names) else "a call more than without the fault"
            findings.append(n)
            print(f"FINDING: evening {evening.number + 1}, {mode}@{n} ({call}):\n  " + "\n  ".join(wrong[:8]), flush=True)
            if not everything:
                break
        if untouched:
            break
        # Never over the end: it has to be seen going through untouched.
        n = min(n + step, len(evening.names) + 1) if n < len(evening.names) else n + 1
    took = time.monotonic() - began
    print(f"evening {evening.number + 1}, {mode}: untouched at N = {n}, step {step}: {attempts} attacks, {len(findings)} finding(s), {took:.0f} s", flush=True)
    return n, attempts, findings


def work_on(task):
    """In a worker process: one evening in one mode, on a night of its own."""
    mode, number, step, everything, no_later = task
    folder = room()
    try:
        evenings = evenings_of(folder, number + 1 if no_later else len(night.EVENINGS))
        n, attempts, findings = loop(evenings[number], mode, step, everything)
        return n, attempts, len(findings), evenings[number].names
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def room():
    """In memory where there is such a folder: a killed process loses nothing there either, and nothing waits for a disk."""
    return Path(tempfile.mkdtemp(prefix="nattpost-kill-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))


def evenings_of(folder, count):
    root = folder / "night"
    root.mkdir()
    night.lay_out(root)
    evenings = [Evening(number, root, folder) for number in range(count)]
    if count == len(night.EVENINGS):
        held_to_the_hand_written_end(root)
    return evenings


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--step", type=int, default=1, help="every so many calls only")
    words.add_argument("--modes", default=",".join(MODES))
    words.add_argument("--evenings", default=",".join(str(n + 1) for n in range(len(night.EVENINGS))))
    words.add_argument("--all", action="store_true", help="go on after a finding")
    words.add_argument("--no-later", action="store_true", help="lay no evening behind the one attacked: a broken program may not get through it")
    words.add_argument("--jobs", type=int, default=os.cpu_count())
    asked = words.parse_args()
    evenings = [int(number) - 1 for number in asked.evenings.split(",")]
    tasks = [(mode, number, asked.step, asked.all, asked.no_later) for mode in asked.modes.split(",") for number in evenings]
    with multiprocessing.Pool(asked.jobs) as pool:
        try:
            done = pool.map(work_on, tasks, chunksize=1)
        except night.Broken as broken:
            raise SystemExit(f"FAILED: {broken}") from None
    attacks, findings = sum(attempts for _, attempts, _, _ in done), sum(found for _, _, found, _ in done)
    calls = sum(max(n for (_, number, *_), (n, *_) in zip(tasks, done) if number == evening) - 1 for evening in evenings)
    names = {name for *_, called in done for name in called}
    print(f"kill loop: {calls} calls in {len(evenings)} evening(s), {len(names)} different ones; {attacks} attacks ({asked.modes}), {findings} finding(s)")
    sys.exit(1 if findings or calls < CALLS_MIN else 0)


def held_to_the_hand_written_end(root):
    with promises.Ledger(root) as ledger:
        for partner, numbers in night.ORDERS_AT_THE_END.items():
            found = [r[0] for r in ledger.rows("SELECT buyer_order_no FROM orders WHERE partner = ?", partner)]
            if sorted(found) != sorted(numbers):
                raise night.Broken(f"orders of {partner} are {sorted(found)}, expected {sorted(numbers)}")
        held = [r[0] for r in ledger.rows("SELECT key FROM message WHERE verdict = 'held'")]
        if sorted(key.split("/")[-1].strip() for key in held) != sorted(night.HELD_AT_THE_END):
            raise night.Broken(f"held are {held}, expected {night.HELD_AT_THE_END}")


if __name__ == "__main__":
    main()
