"""A full disk (bytes, then names), a database that cannot be written: everything waits, the log and `status` say why, it goes on
by itself when there is room or permission, and nothing is lost. Also: killed while full, started while full.
Each case on a small file system of its own; needs root (mount, chattr). Usage: full_disk.py [CASE…]
"""
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import night
import promises
import stream

SIZE, NAMES = "32m", 2_000
# The pauses between two tries grow to 30 s; in the few seconds of a case they do not get there.
GOES_ON_WITHIN = 30


class Small:
    """A file system of a few megabytes at a folder of its own, with ballast that can be thrown off."""

    def __init__(self, folder):
        self.root, self.ballast = Path(folder) / "small", Path(folder) / "small" / "ballast"
        self.root.mkdir()
        image = Path(folder) / "image"
        subprocess.run(["truncate", "-s", SIZE, str(image)], check=True)
        subprocess.run(["mkfs.ext4", "-q", "-N", str(NAMES), str(image)], check=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(self.root)], check=True)
        self.locked = []

    def fill(self):
        self.ballast.mkdir()
        with contextlib.suppress(OSError), open(self.ballast / "bytes", "wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)

    def fill_names(self):
        self.ballast.mkdir()
        with contextlib.suppress(OSError):
            for number in range(NAMES * 2):
                (self.ballast / str(number)).touch()

    def lock_database(self):
        # Not the -shm: it is memory, and memory that cannot be written is a signal and no error.
        self.locked = [str(self.root / name) for name in ("nattpost.db", "nattpost.db-wal")]
        subprocess.run(["chattr", "+i", *self.locked], check=True)

    def relieve(self):
        shutil.rmtree(self.ballast, ignore_errors=True)
        if self.locked:
            subprocess.run(["chattr", "-i", *self.locked], check=True)
            self.locked = []

    def end(self):
        self.relieve()
        subprocess.run(["umount", str(self.root)], check=True)


class Daemon:
    """The running daemon and what it says, kept outside of the small file system."""

    def __init__(self, root, log):
        self.log = open(log, "w+b")
        self.process = night.start(root, once=False, stdout=subprocess.DEVNULL, stderr=self.log)

    def said(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def says(self, words):
        if self.process.poll() is not None:
            raise night.Broken(f"the daemon ended by itself with {self.process.returncode}:\n{night.tail(self.said())}")
        return any(word in self.said() for word in words)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=15)
        if code:
            raise night.Broken(f"the daemon ends with {code} when asked to stop:\n{night.tail(self.said())}")

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
        self.log.close()


def undecided(root, feeder):
    with promises.Ledger(root) as ledger:
        return len(feeder.files) - ledger.one("SELECT count(*) FROM file WHERE state = 'judged' AND placed")[0]


def status(root):
    told = subprocess.run([night.BINARY, "--config", str(root / "nattpost.toml"), "status"], capture_output=True, text=True, cwd=root)
    return told.stdout + told.stderr


def case(name, fill, tells, killed=False):
    folder = tempfile.mkdtemp(prefix="nattpost-full-")
    small = Small(folder)
    began, daemon = time.monotonic(), None
    try:
        stream.lay_out(small.root)
        feeder = stream.Feeder(small.root)
        daemon = Daemon(small.root, f"{folder}/log")
        night.wait_for("the daemon's start", lambda: daemon.says(["daemon-started"]), 20)
        for _ in range(20):
            feeder.moved()
        night.wait_for("the first files", lambda: undecided(small.root, feeder) == 0, 30)
        # Everything is there before the disk is full, and nobody takes it in between.
        daemon.process.send_signal(signal.SIGSTOP)
        for _ in range(40):
            feeder.moved()
            feeder.vouched()
        fill(small)
        daemon.process.send_signal(signal.SIGCONT)
        night.wait_for("the log says that it waits", lambda: daemon.says(["disk-full", "store-waiting"]), 30)
        told = status(small.root)
        if not any(word in told for word in tells):
            raise night.Broken(f"status does not say why it waits (expected one of {tells}):\n{night.tail(told, 30)}")
        wrong = promises.before_the_restart(small.root)
        if killed:
            daemon.process.kill()
            daemon.process.wait()
            code, said = night.run(small.root)
            wrong += [] if code else ["a start on the full disk ends as if all were well"]
            small.relieve()
            code, said = night.run(small.root)
            wrong += [f"the start with room ends with {code}: {night.tail(said)}"] if code else []
        else:
            time.sleep(2)
            small.relieve()
            night.wait_for("it goes on by itself", lambda: daemon.says(["disk-back", "store-back"]) and undecided(small.root, feeder) == 0, GOES_ON_WITHIN)
            daemon.stop()
        wrong += stream.check(small.root, feeder)
        if wrong:
            raise night.Broken("\n  ".join(wrong[:12]) + "\n" + night.tail(daemon.said(), 5))
        print(f"{name}: {len(feeder.files)} files, all waited and were taken, none lost; {time.monotonic() - began:.0f} s", flush=True)
        return True
    except (night.Broken, subprocess.TimeoutExpired) as broken:
        print(f"FINDING: {name}: {broken}", flush=True)
        return False
    finally:
        if daemon:
            daemon.end()
        small.end()
        shutil.rmtree(folder)


CASES = {
    "full": lambda: case("full disk", Small.fill, ["is full", "left"]),
    "killed": lambda: case("full disk, killed and started on it", Small.fill, ["is full", "left"], killed=True),
    "names": lambda: case("no names left", Small.fill_names, ["full", "names", "inodes"]),
    "readonly": lambda: case("database not writable", Small.lock_database, ["the last try said"]),
}

if __name__ == "__main__":
    if os.geteuid() != 0 or not shutil.which("chattr"):
        print("SKIPPED: full disks need root (mount, chattr)")
        sys.exit(0)
    results = [CASES[name]() for name in sys.argv[1:] or CASES]
    sys.exit(0 if all(results) else 1)
