"""Dies or fails at call N = 1, 2, 3 … of the spool and the store until an evening goes through untouched, and looks after each:
before the restart and after it. Owns the loop and the modes: `kill`, `twice` (the recovery is killed as well), `taken` (somebody
acts between the kill and the restart: nights that have a `meanwhile`), `fail` and `full` (an I/O error or a full disk at that
call), `full+` (from that call on), `lives` (an I/O error, and the process has to come to the same end without a restart; not
among those that are tried where none is named). Prints one line an evening and mode; ends with 1 at the first finding (`--all` goes on).
"""
import argparse
import contextlib
import multiprocessing
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import night
import promises

FAULTS = {"kill": "kill@{}", "twice": "kill@{}", "taken": "kill@{}", "fail": "fail@{}", "full": "full@{}", "full+": "full@{}+", "lives": "fail@{}"}
# An evening has a few hundred calls; a loop that does not end is a finding of its own.
CALLS_MAX = 3_000
# An outage is waited out for a second at first; a feed that failed to go out on a change keeps its pause of ten. Several wait beside
# each other, so the rest is the machine's.
LIVES_ON_WITHIN = 45
# Fewer would mean that the fault points are gone.
CALLS_MIN = 40


class Evening:
    """One evening's state before and after, in a night where nothing goes wrong."""

    def __init__(self, which, number, root, folder):
        self.night, self.number, self.root = which, number, root
        self.begins = folder / f"begins-{number}"
        self.calls = folder / f"calls-{number}"
        which.arrive(root, number)
        night.restore(root, self.begins)
        before = rejects(root)
        code, said = self.run(f"count@{self.calls}")
        if code != 0:
            raise night.Broken(f"evening {number + 1} without any fault ends with {code}:\n{night.tail(said)}")
        which.go_on(root)
        self.expected = self.portrait()
        self.rejects = before | rejects(root)
        report(f"evening {number + 1} untouched", self.rest() + self.other_codes())
        self.names = [line.split(" ", 1)[1] for line in self.calls.read_text().splitlines()]

    def run(self, fault=None):
        return night.run(self.root, fault=fault, env=self.night.env(self.root))

    def portrait(self):
        return promises.portrait(self.root) | self.night.picture(self.root)

    def rest(self):
        return promises.after_the_restart(self.root, self.night.receipts) + self.night.rest(self.root)

    def other_codes(self):
        """Files that do not stand with the code that the evening says."""
        wrong = []
        with promises.Ledger(self.root) as ledger:
            for name, code in self.night.evenings[self.number].get("codes", {}).items():
                found = [r[0] for r in ledger.rows("SELECT code FROM file WHERE name = ?", name)]
                wrong += [f"{name} stands with {found}, expected {code!r}"] if found != [code] else []
        return wrong

    def begin(self):
        night.restore(self.begins, self.root)

    def look_before(self):
        return promises.before_the_restart(self.root, self.rejects) + self.night.look(self.root)

    def look_after(self, is_compared):
        """A drained run without faults, then everything must be as in the night where nothing went wrong; and so it goes on."""
        code, said = self.run()
        if code != 0:
            return [f"the restart ends with {code}: {night.tail(said, 3)}"]
        self.night.go_on(self.root)
        wrong = self.rest()
        wrong += promises.differences(self.expected, self.portrait()) if is_compared else []
        return self.night.ends(self.root) + wrong

    def live_on(self, n):
        """A daemon that meets an error at call N comes to the end of the evening by itself. Whether commands or files come first after
        an outage is not promised, so nothing is compared; what is still missing when its time is over, or as it goes on after that."""
        daemon = night.start(self.root, once=False, fault=FAULTS["lives"].format(n), env=self.night.env(self.root),
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline, wrong = time.monotonic() + LIVES_ON_WITHIN, ["nothing was done"]
        try:
            while wrong and time.monotonic() < deadline and daemon.poll() is None:
                time.sleep(0.3)
                with contextlib.suppress(OSError, sqlite3.Error):
                    # Files move while they are listed: then the next look tells.
                    wrong = self.rest()
        finally:
            daemon.kill()
            _, said = daemon.communicate()
        if daemon.returncode != -9:
            wrong.append(f"it ended by itself with {daemon.returncode}")
        return [f"{what} (it said: {night.tail(said, 4)})" for what in wrong] or self.night.ends(self.root)

    def look_on(self):
        """How the untouched evening goes on; the root is as it was then."""
        after = self.begins.with_name(f"after-{self.number}")
        night.restore(self.root, after)
        report(f"evening {self.number + 1} untouched, as it goes on", self.night.ends(self.root))
        night.restore(after, self.root)
        shutil.rmtree(after)


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
    if mode == "lives":
        return n > len(evening.names), evening.live_on(n)
    code, said = evening.run(FAULTS[mode].format(n))
    if mode in ("kill", "twice", "taken") and code not in (0, -9):
        return False, [f"it ends with {code} instead of being killed: {night.tail(said, 3)}"]
    untouched = n > len(evening.names) and code == 0
    wrong = evening.look_before()
    if mode == "taken":
        evening.night.meanwhile(evening.root)
    if mode == "twice" and not untouched:
        # The recovery dies too, at a call that moves on with N.
        evening.run(f"kill@{1 + (n * 7) % 60}")
        wrong += [f"{w} (after the second kill)" for w in evening.look_before()]
    is_compared = mode != "taken" and not comes_later(evening.names, n)
    return untouched, wrong + evening.look_after(is_compared)


def comes_later(names, n):
    """A command that could not be read is carried out behind the others and the files of that turn, in the state that they leave:
    that is another night, as good as this one."""
    reads = names[n - 1 : n] == ["spool.open"]
    behind = [name for name in names[n : n + 12] if name != "spool.open"]
    return reads and "store.add_command" in behind[:2]


def loop(evening, mode, asked):
    began, findings, n, attempts = time.monotonic(), [], 1, 0
    until = f"untouched at N = {{}}, step {asked.step}" if not asked.calls else f"calls {asked.calls}, N up to {{}}"
    while n < CALLS_MAX:
        if asked.calls and not is_asked(evening, asked.calls, n):
            if n > len(evening.names):
                break
            n += 1
            continue
        attempts += 1
        try:
            untouched, wrong = attack(evening, mode, n)
        except night.Broken as broken:
            untouched, wrong = False, [str(broken)]
        if wrong:
            call = evening.names[n - 1] if n <= len(evening.names) else "a call more than without the fault"
            findings.append(n)
            print(f"FINDING: evening {evening.number + 1}, {mode}@{n} ({call}):\n  " + "\n  ".join(wrong[:8]), flush=True)
            if not asked.all:
                break
        if untouched:
            break
        # Never over the end: it has to be seen going through untouched.
        n = min(n + asked.step, len(evening.names) + 1) if n < len(evening.names) and not asked.calls else n + 1
    took = time.monotonic() - began
    print(f"evening {evening.number + 1}, {mode}: {until.format(n)}: {attempts} attacks, {len(findings)} finding(s), {took:.0f} s", flush=True)
    return n, attempts, findings


def is_asked(evening, calls, n):
    """`spool.rename,40-80`: whether this call is one of those."""
    name = evening.names[n - 1] if n <= len(evening.names) else ""
    for word in calls.split(","):
        span = re.fullmatch(r"(\d+)-(\d+)", word)
        if (int(span[1]) <= n <= int(span[2])) if span else word == name:
            return True
    return False


def work_on(task):
    """In a worker process, on a night of its own: one evening in all modes, or (no evening) all of them without any fault."""
    number, modes, asked = task
    which, folder = night.load(asked.night), room()
    try:
        evenings = evenings_of(which, folder, len(which.evenings) if number is None else number + 1)
        if number is None:
            report("the end of the night", which.at_the_end(evenings[-1].root))
            return []
        return [(number, *loop(evenings[number], mode, asked), evenings[number].names) for mode in modes]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def room():
    """In memory where there is such a folder: a killed process loses nothing there either, and nothing waits for a disk."""
    return Path(tempfile.mkdtemp(prefix="nattpost-kill-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))


def evenings_of(which, folder, count):
    """Each looked at; how it goes on is looked at for the last one, and for all where all are asked for."""
    root = folder / "night"
    root.mkdir()
    which.lay_out(root)
    evenings = []
    for number in range(count):
        evenings.append(Evening(which, number, root, folder))
        if count in (number + 1, len(which.evenings)):
            evenings[-1].look_on()
    return evenings


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--night", default="first", help="tests/rigs/night_NAME.py")
    words.add_argument("--step", type=int, default=1, help="every so many calls only")
    words.add_argument("--calls", help="only calls of these names or numbers: spool.rename,40-80")
    words.add_argument("--modes", help="of those of the night: all")
    words.add_argument("--evenings", help="all, or 2,5")
    words.add_argument("--all", action="store_true", help="go on after a finding")
    words.add_argument("--no-later", action="store_true", help="look only at the evenings attacked: a broken program may not get through the others")
    words.add_argument("--jobs", type=int, default=os.cpu_count())
    asked = words.parse_args()
    which = night.load(asked.night)
    modes = asked.modes.split(",") if asked.modes else [mode for mode in FAULTS if mode != "lives" and (mode != "taken" or which.meanwhile)]
    evenings = [int(number) - 1 for number in asked.evenings.split(",")] if asked.evenings else list(range(len(which.evenings)))
    tasks = [(number, modes, asked) for number in evenings] + ([] if asked.no_later else [(None, modes, asked)])
    with multiprocessing.Pool(asked.jobs) as pool:
        try:
            done = [line for lines in pool.map(work_on, tasks, chunksize=1) for line in lines]
        except night.Broken as broken:
            raise SystemExit(f"FAILED: {broken}") from None
    attacks, findings = sum(attempts for _, _, attempts, _, _ in done), sum(len(found) for _, _, _, found, _ in done)
    calls = sum(max(n for number, n, *_ in done if number == evening) - 1 for evening in evenings)
    names = {name for *_, called in done for name in called}
    print(f"kill loop: {calls} calls in {len(evenings)} evening(s) of the night '{asked.night}', {len(names)} different ones; "
          f"{attacks} attacks ({','.join(modes)}), {findings} finding(s)")
    sys.exit(1 if findings or calls < CALLS_MIN else 0)


if __name__ == "__main__":
    main()
