"""Breaks the program on purpose and asks the kill loop whether it notices: every file of tests/mutants is applied to a copy of
the sources, built and attacked on one evening. Prints what the loop found; a mutant that no longer applies, does not compile
or goes unnoticed is a failure. Usage: mutants.py [NAME…]. Two are at work at a time, each in a copy with its build, removed after.
"""
import contextlib
import multiprocessing
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import night

MUTANTS = night.REPOSITORY / "tests" / "mutants"
# .cargo holds a setting of SQLite's build: without it SQLite would be built anew.
NEEDED = [".cargo", "src", "schemas", "samples", "spool", "docs", "Cargo.toml", "Cargo.lock"]
# More would wait for each other: a build uses both cores of the smallest machine.
AT_A_TIME = 2


class Mutant:
    def __init__(self, path):
        self.name, self.text = path.stem, path.read_text()
        self.night = self.line("night") or "first"
        self.evening = self.line("evening")
        self.mode = self.line("mode") or "kill"
        self.calls = self.line("calls")
        self.expects = (self.line("expect") or "").split(" | ")
        self.edits = re.findall(r"^file (\S+)\n<<<<\n(.*?)\n====\n(.*?)\n>>>>$", self.text, re.M | re.S)
        if not (self.edits and self.evening and all(self.expects)):
            raise night.Broken(f"{path.name} is not in the form of tests/mutants/README.md")

    def line(self, word):
        head = self.text.split("\nfile ", 1)[0]
        found = re.search(rf"^{word} (.+)$", head, re.M)
        return found and found.group(1)

    def apply(self, copy):
        before = {}
        for name, old, new in self.edits:
            path = copy / name
            text = path.read_text()
            before.setdefault(path, text)
            if text.count(old) != 1:
                raise night.Broken(f"{self.name} does not apply any more: in {name} the old text is found {text.count(old)} times:\n{old}")
            path.write_text(text.replace(old, new))
        return before


def build(copy):
    # Nobody reads a trace of a mutant; without the lines it is built in half of the time.
    environment = os.environ | {"CARGO_TARGET_DIR": str(copy / "target"), "CARGO_PROFILE_DEV_DEBUG": "0"}
    words = ["cargo", "build", "--offline", "--quiet", "--bin", "nattpost"]
    done = subprocess.run(words, cwd=copy, env=environment, capture_output=True, text=True)
    return done.returncode, done.stderr


def copy_sources(folder):
    """With what the dependencies' build made, so that only our own crate is built."""
    copy = Path(folder)
    for name in NEEDED:
        source = night.REPOSITORY / name
        shutil.copytree(source, copy / name, ignore=ignore_files_of_people) if source.is_dir() else shutil.copy2(source, copy / name)
    target = Path(os.environ.get("CARGO_TARGET_DIR", night.REPOSITORY / "target"))
    if (target / "debug").is_dir():
        for part in ("deps", "build", ".fingerprint"):
            shutil.copytree(target / "debug" / part, copy / "target" / "debug" / part, symlinks=True, ignore=ignore_programs)
    return copy


def ignore_programs(folder, names):
    """Of deps/ what is linked to, not the tests' programs: they are most of it."""
    return [name for name in names if not name.endswith((".rlib", ".rmeta", ".so", ".d"))] if Path(folder).name == "deps" else []


def ignore_files_of_people(folder, names):
    """The demo works in spool/: only its page belongs to the sources."""
    return [name for name in names if name != "README.md"] if Path(folder) == night.REPOSITORY / "spool" else []


def kill_loop(mutant, copy, *words):
    loop = [sys.executable, str(night.HERE / "kill_loop.py"), "--night", mutant.night, "--evenings", mutant.evening, "--modes", mutant.mode,
            "--jobs", "1", *(["--calls", mutant.calls] if mutant.calls else []), *words]
    return subprocess.run(loop, env=os.environ | {"NATTPOST_BIN": str(copy / "target" / "debug" / "nattpost")}, capture_output=True, text=True)


def attack(mutant, copy):
    """What the loop found first, or nothing. Some are seen only by what the whole night comes to, without any kill."""
    loop = kill_loop(mutant, copy, "--no-later")
    if loop.returncode == 0:
        loop = kill_loop(mutant, copy)
    if loop.returncode == 0:
        return None
    found = [line for line in loop.stdout.splitlines() + loop.stderr.splitlines() if line.strip()]
    first = next((i for i, line in enumerate(found) if line.startswith(("FINDING", "FAILED"))), None)
    if first is None:
        raise night.Broken(f"{mutant.name}: the loop itself broke:\n" + "\n".join(found[-10:]))
    lines = [line for line in found[first:] if any(words in line for words in mutant.expects)]
    if not lines:
        raise night.Broken(f"{mutant.name} is caught for another reason than {mutant.expects}:\n" + "\n".join(found[first : first + 5]))
    line = lines[0]
    where = found[first].split(": ", 1)[1]
    return (where if line is found[first] else f"{where} {line.strip()}")[:240]


def try_one(copy, name):
    """Whether it was caught, and a line about it."""
    began, mutant = time.monotonic(), Mutant(MUTANTS / f"{name}.mutant")
    before = mutant.apply(copy)
    try:
        code, said = build(copy)
        if code:
            raise night.Broken(f"{name} does not compile any more:\n{night.tail(said, 30)}")
        built = time.monotonic()
        found = attack(mutant, copy)
    finally:
        for path, text in before.items():
            path.write_text(text)
    took = f"built in {built - began:.0f} s, attacked for {time.monotonic() - built:.0f} s"
    return bool(found), f"{name}: {'caught: ' + found if found else 'NOT CAUGHT'} ({took})"


def work(folder, names, lines):
    """In a process of its own, with a copy of its own, until no name is left."""
    try:
        copy = copy_sources(folder)
        while (name := names.get()) is not None:
            try:
                lines.put((name, *try_one(copy, name)))
            except night.Broken as broken:
                lines.put((name, False, str(broken)))
    except Exception as error:
        # Of whatever kind: somebody waits for a line.
        lines.put((None, False, repr(error)))


def main():
    wanted = sys.argv[1:] or sorted(path.stem for path in MUTANTS.glob("*.mutant"))
    folder = tempfile.mkdtemp(prefix="nattpost-mutants-")
    began, missed, names, lines = time.monotonic(), [], multiprocessing.Queue(), multiprocessing.Queue()
    workers = min(AT_A_TIME, os.cpu_count() or 1, len(wanted))
    for name in wanted + [None] * workers:
        names.put(name)
    copies = [os.path.join(folder, str(number)) for number in range(workers)]
    for copy in copies:
        os.mkdir(copy)
    processes = [multiprocessing.Process(target=work, args=(copy, names, lines)) for copy in copies]
    try:
        for process in processes:
            process.start()
        for _ in wanted:
            name, is_caught, line = lines.get()
            if name is None:
                raise SystemExit(f"FAILED: {line}")
            print(line, flush=True)
            missed += [] if is_caught else [name]
    finally:
        # What is under way comes to its end: a build that outlives its folder would write on.
        with contextlib.suppress(queue.Empty):
            while names.get(timeout=1) is not None:
                pass
        for _ in processes:
            names.put(None)
        for process in processes:
            process.join()
        shutil.rmtree(folder)
    print(f"mutants: {len(wanted) - len(missed)} of {len(wanted)} caught; {time.monotonic() - began:.0f} s")
    if missed:
        raise SystemExit(f"FAILED: not caught: {', '.join(missed)}")


if __name__ == "__main__":
    main()
