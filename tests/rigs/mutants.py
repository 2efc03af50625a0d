"""Breaks the program on purpose and asks the kill loop whether it notices: every file of tests/mutants is applied to a copy of
the sources, built and attacked on one evening. Prints what the loop found; a mutant that no longer applies, does not compile
or goes unnoticed is a failure. Usage: mutants.py [NAME…]. The copy and its build stand in a folder of its own, removed after.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import night

MUTANTS = night.REPOSITORY / "tests" / "mutants"
NEEDED = ["src", "schemas", "samples", "spool", "docs", "Cargo.toml", "Cargo.lock"]


class Mutant:
    def __init__(self, path):
        self.name, self.text = path.stem, path.read_text()
        self.says = self.text.splitlines()[0]
        self.evening = re.search(r"^evening (\d+)$", self.text, re.M).group(1)
        self.expects = re.search(r"^expect (.+)$", self.text, re.M).group(1)
        self.edits = re.findall(r"^file (\S+)\n<<<<\n(.*?)\n====\n(.*?)\n>>>>$", self.text, re.M | re.S)
        if not self.edits:
            raise night.Broken(f"{path.name} has no edit in the form of tests/mutants/README.md")

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
    done = subprocess.run(["cargo", "build", "--offline", "--quiet"], cwd=copy, env=os.environ | {"CARGO_TARGET_DIR": str(copy / "target")}, capture_output=True, text=True)
    return done.returncode, done.stderr


def copy_sources(folder):
    """With what the dependencies' build made, so that only our own crate is built."""
    copy = Path(folder)
    for name in NEEDED:
        source = night.REPOSITORY / name
        shutil.copytree(source, copy / name, ignore=ignore_files_of_people) if source.is_dir() else shutil.copy2(source, copy / name)
    target = Path(os.environ.get("CARGO_TARGET_DIR", night.REPOSITORY / "target"))
    if (target / "debug").is_dir():
        subprocess.run(["cp", "-a", "--parents", "debug/deps", "debug/build", "debug/.fingerprint", str(copy_target(copy))], cwd=target, check=True)
    return copy


def copy_target(copy):
    (copy / "target").mkdir()
    return copy / "target"


def ignore_files_of_people(folder, names):
    """The demo works in spool/: only its page belongs to the sources."""
    return [name for name in names if name != "README.md"] if Path(folder) == night.REPOSITORY / "spool" else []


def kill_loop(mutant, copy, *words):
    loop = [sys.executable, str(night.HERE / "kill_loop.py"), "--modes", "kill", "--evenings", mutant.evening, "--jobs", "1", *words]
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
    if not any(mutant.expects in line for line in found[first:]):
        raise night.Broken(f"{mutant.name} is caught for another reason than '{mutant.expects}':\n" + "\n".join(found[first : first + 5]))
    line = next(line for line in found[first:] if mutant.expects in line)
    where = found[first].split(": ", 1)[1]
    return (where if line is found[first] else f"{where} {line.strip()}")[:240]


def main():
    wanted = sys.argv[1:] or sorted(path.stem for path in MUTANTS.glob("*.mutant"))
    folder = tempfile.mkdtemp(prefix="nattpost-mutants-")
    began, missed = time.monotonic(), []
    try:
        copy = copy_sources(folder)
        for name in wanted:
            mutant = Mutant(MUTANTS / f"{name}.mutant")
            before = mutant.apply(copy)
            code, said = build(copy)
            if code:
                raise night.Broken(f"{name} does not compile any more:\n{night.tail(said, 30)}")
            found = attack(mutant, copy)
            print(f"{name}: {'caught: ' + found if found else 'NOT CAUGHT'}", flush=True)
            missed += [] if found else [name]
            for path, text in before.items():
                path.write_text(text)
    except night.Broken as broken:
        raise SystemExit(f"FAILED: {broken}") from None
    finally:
        shutil.rmtree(folder)
    print(f"mutants: {len(wanted) - len(missed)} of {len(wanted)} caught; {time.monotonic() - began:.0f} s")
    if missed:
        raise SystemExit(f"FAILED: not caught: {', '.join(missed)}")


if __name__ == "__main__":
    main()
