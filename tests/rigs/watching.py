"""The watcher overflows, the watched folder is renamed away and made anew under load, a folder reports nothing: no file is missed.

The wake-ups are only hints and the scans find the files, so each case must come out whole, and early enough. Usage:
watching.py [CASE…]. The overflow case lowers fs.inotify.max_queued_events for as long as the daemon needs to start, and puts
back exactly what was there; the silent case lowers the watches in a user namespace of its own.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import night
import promises
import stream

QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")
FILES = 400


class Watching:
    """A daemon on a spool of its own."""

    def __init__(self, scan_every):
        self.folder = Path(tempfile.mkdtemp(prefix="nattpost-watch-"))
        stream.lay_out(self.folder, scan_every=scan_every)
        self.feeder = stream.Feeder(self.folder)
        self.log = open(self.folder / "log", "w+b")
        self.process = None

    def start(self, before=()):
        words = [*before, night.BINARY, "--config", str(self.folder / "nattpost.toml"), "run"]
        self.process = subprocess.Popen(words, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log)
        night.wait_for("the daemon's start", lambda: "daemon-started" in self.said(), 20)
        # The first look is over when it has nothing to do.
        time.sleep(0.3)

    def said(self):
        return (self.folder / "log").read_text(errors="replace")

    def undecided(self):
        with promises.Ledger(self.folder) as ledger:
            return len(self.feeder.files) - ledger.one("SELECT count(*) FROM file WHERE state = 'judged' AND placed")[0]

    def all_taken(self, seconds):
        night.wait_for(f"{FILES} files taken (open: {self.undecided()})", lambda: self.undecided() == 0, seconds)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        if code := self.process.wait(timeout=15):
            raise night.Broken(f"the daemon ends with {code}:\n{night.tail(self.said())}")

    def check(self):
        wrong = stream.check(self.folder, self.feeder)
        if wrong:
            raise night.Broken("\n  ".join(wrong[:12]))

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder)


def overflow(watching):
    """A queue of four events; the daemon stands still while hundreds happen. The periodic scan (60 s) must not be needed."""
    if not os.access(QUEUE, os.W_OK):
        print("SKIPPED: the overflow case needs root to lower fs.inotify.max_queued_events")
        return None
    before = QUEUE.read_text()
    try:
        QUEUE.write_text("4")
        watching.start()
    finally:
        QUEUE.write_text(before)
    watching.process.send_signal(signal.SIGSTOP)
    for _ in range(FILES):
        watching.feeder.moved()
    began = time.monotonic()
    watching.process.send_signal(signal.SIGCONT)
    watching.all_taken(30)
    return f"{FILES} files behind an overflow taken {time.monotonic() - began:.1f} s after it"


def renamed(watching):
    """The intake's folder is renamed away and made anew again and again while files arrive in it."""
    watching.start()
    folder, away = watching.feeder.folder("moved"), watching.folder / "away"
    away.mkdir()
    stop, times = threading.Event(), [0]

    def shuffle():
        while not stop.is_set():
            folder.rename(away / str(times[0]))
            # The daemon may have been quicker.
            folder.mkdir(exist_ok=True)
            times[0] += 1
            time.sleep(0.05)

    thread = threading.Thread(target=shuffle, name="shuffle")
    thread.start()
    lost = 0
    for _ in range(FILES):
        try:
            watching.feeder.moved()
        except FileNotFoundError:
            # The folder was away at that very moment: the partner would try again.
            lost += 1
            forget_last(watching)
        time.sleep(0.003)
    stop.set()
    thread.join()
    # What was in a folder when it went away comes back with it, into the one that is there now.
    back = 0
    for name, path in ((p.name, p) for p in away.glob("*/*")):
        path.rename(folder / name)
        back += 1
    began = time.monotonic()
    watching.all_taken(30)
    return (f"the folder exchanged {times[0]} times, {back} files went away with it and came back, {lost} drops found no folder; "
            f"all taken {time.monotonic() - began:.1f} s after the last")


def forget_last(watching):
    feeder = watching.feeder
    name = f"orders-{feeder.count:05}.csv"
    (watching.folder / "arriving" / name).unlink()
    for number in [n for n in feeder.good if n.startswith(f"S-{feeder.count}-")]:
        del feeder.good[number]
    feeder.bad = {n for n in feeder.bad if not n.startswith(f"S-{feeder.count}-")}


def silent(watching):
    """No watch is to be had: the periodic scan alone finds everything."""
    lower = "echo 0 > /proc/sys/user/max_inotify_watches && exec \"$@\""
    if subprocess.run(["unshare", "-Ur", "sh", "-c", lower, "sh", "true"], capture_output=True).returncode:
        print("SKIPPED: the silent case needs user namespaces")
        return None
    watching.start(before=["unshare", "-Ur", "sh", "-c", lower, "sh"])
    if "watch-poor" not in watching.said():
        raise night.Broken(f"nothing tells that folders are not watched:\n{night.tail(watching.said())}")
    for _ in range(FILES // 4):
        watching.feeder.any()
    began = time.monotonic()
    watching.all_taken(30)
    return f"{FILES // 4} files without a single event taken {time.monotonic() - began:.1f} s after the last, scan every 1 s"


CASES = {"overflow": (overflow, "60 s"), "renamed": (renamed, "60 s"), "silent": (silent, "1 s")}


def run(name):
    case, scan_every = CASES[name]
    watching = Watching(scan_every)
    try:
        told = case(watching)
        if told:
            watching.stop()
            watching.check()
            print(f"{name}: {told}; none missed, none doubled", flush=True)
        return True
    except (night.Broken, subprocess.TimeoutExpired) as broken:
        print(f"FINDING: {name}: {broken}\n{night.tail(watching.said(), 8)}", flush=True)
        return False
    finally:
        watching.end()


if __name__ == "__main__":
    results = [run(name) for name in sys.argv[1:] or CASES]
    sys.exit(0 if all(results) else 1)
