"""Breaks the program on purpose and asks whether it is noticed: every file of tests/mutants is applied to a copy of the sources,
built and attacked on one evening of the kill loop, or given to the rig or the everyday test that it names. Prints what was found; a
mutant that no longer applies, does not compile or goes unnoticed is a failure. Usage: mutants.py [NAME…]. Two are at work at a
time, each in a copy with its build, removed after.
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
NEEDED = [".cargo", "src", "tests", "examples", "schemas", "samples", "spool", "docs", "Cargo.toml", "Cargo.lock"]
# More would wait for each other: a build uses both cores of the smallest machine.
AT_A_TIME = 2


class Mutant:
    def __init__(self, path):
        self.name, self.text = path.stem, path.read_text()
        self.night = self.line("night") or "first"
        self.evening = self.line("evening")
        self.mode = self.line("mode") or "kill"
        self.calls = self.line("calls")
        self.rig, self.test = self.line("rig"), self.line("test")
        self.expects = (self.line("expect") or "").split(" | ")
        self.edits = re.findall(r"^file (\S+)\n<<<<\n(.*?)\n====\n(.*?)\n>>>>$", self.text, re.M | re.S)
        seers = [seer for seer in (self.evening, self.rig, self.test) if seer]
        if not (self.edits and len(seers) == 1 and all(self.expects)):
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


def cargo(copy, *words):
    # Nobody reads a trace of a mutant; without the lines it is built in half of the time.
    done = subprocess.run(["cargo", *words], cwd=copy, env=environment_of(copy), capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def environment_of(copy):
    """For a build in the copy, and for rigs that use what was built there."""
    target = copy / "target"
    built = {"CARGO_TARGET_DIR": str(target), "CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_PROFILE_TEST_DEBUG": "0", "CARGO_NET_OFFLINE": "true"}
    return os.environ | built | {"NATTPOST_BIN": str(target / "debug" / "nattpost"), "NATTPOST_SOURCES": str(copy)}


def build(mutant, copy):
    words = ["test", "--no-run", "--test", mutant.test.split()[0]] if mutant.test else ["build", "--bin", "nattpost"]
    return cargo(copy, *words, "--quiet")


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
    return subprocess.run(loop, env=environment_of(copy), capture_output=True, text=True)


def seen_by(mutant, copy):
    """Whether what is to see it ended well, and what it said."""
    if mutant.test:
        binary, name = mutant.test.split()
        return cargo(copy, "test", "--quiet", "--test", binary, "--", "--exact", name)
    if mutant.rig:
        program, *words = mutant.rig.split()
        done = subprocess.run([sys.executable, str(night.HERE / program), *words], env=environment_of(copy), capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr
    # Some are seen only by what the whole night comes to, without any kill.
    loop = kill_loop(mutant, copy, "--no-later")
    loop = kill_loop(mutant, copy) if loop.returncode == 0 else loop
    return loop.returncode, loop.stdout + loop.stderr


def attack(mutant, copy):
    """What was found first, or nothing."""
    code, said = seen_by(mutant, copy)
    if code == 0:
        return None
    found = [line for line in said.splitlines() if line.strip()]
    begins = ("thread '", "---- ") if mutant.test else ("FINDING", "FAILED", "servers: ")
    first = next((i for i, line in enumerate(found) if line.startswith(begins)), None)
    if first is None:
        raise night.Broken(f"{mutant.name}: what is to see it broke:\n" + "\n".join(found[-10:]))
    lines = [line for line in found[first:] if any(words in line for words in mutant.expects)]
    if not lines:
        raise night.Broken(f"{mutant.name} is caught for another reason than {mutant.expects}:\n" + "\n".join(found[first : first + 5]))
    line = lines[0]
    where = found[first].split(": ", 1)[-1]
    return (where if line is found[first] else f"{where} {line.strip()}")[:240]


def attack_twice(mutant, copy):
    """A server works beside the program: what one night hides by chance, or shows by another trace, the next one shows."""
    with contextlib.suppress(night.Broken):
        if found := attack(mutant, copy):
            return found
    return attack(mutant, copy)


def try_one(copy, name):
    """Whether it was caught, and a line about it."""
    began, mutant = time.monotonic(), Mutant(MUTANTS / f"{name}.mutant")
    before = mutant.apply(copy)
    try:
        code, said = build(mutant, copy)
        if code:
            raise night.Broken(f"{name} does not compile any more:\n{night.tail(said, 30)}")
        built = time.monotonic()
        found = attack_twice(mutant, copy)
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
