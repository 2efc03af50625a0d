"""A full disk (bytes, then names), a database that cannot be written: everything waits, the log and `status` say why, it goes on
by itself when there is room or permission, and nothing is lost. Also: killed while full, started while full; and a disk that becomes
full just before one named step of each stage, from the migration to the backup: it is said once, and over once.
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

from beside import beside
import night
import promises
import stream

SIZE, NAMES = "32m", 2_000
# The pauses between two tries grow to 30 s; in the few seconds of a case they do not get there.
GOES_ON_WITHIN = 30
# A disk that is low tells one line, one that takes nothing another: each once.
BEGINS = ["disk-low", "disk-full", "store-waiting"]


class Small:
    """A file system of a few megabytes at a folder of its own, with ballast that can be thrown off."""

    def __init__(self, folder):
        self.root, self.ballast = Path(folder) / "small", Path(folder) / "small" / "ballast"
        self.root.mkdir()
        image = Path(folder) / "image"
        subprocess.run(["truncate", "-s", SIZE, str(image)], check=True)
        subprocess.run(["mkfs.ext4", "-q", "-N", str(NAMES), str(image)], check=True)
        self.image, self.locked = image, []
        self.mount()

    def mount(self):
        subprocess.run(["mount", "-o", "loop,errors=remount-ro", str(self.image), str(self.root)], check=True)

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

    def meet_an_error(self):
        """From here on it can only be read, whoever has files open there."""
        device = subprocess.run(["findmnt", "-no", "SOURCE", str(self.root)], check=True, capture_output=True, text=True).stdout.strip()
        Path(f"/sys/fs/ext4/{Path(device).name}/trigger_fs_error").write_text("1")

    def be_checked(self):
        subprocess.run(["umount", str(self.root)], check=True)
        # 1 says that something was mended.
        if subprocess.run(["fsck.ext4", "-fp", str(self.image)], capture_output=True).returncode > 1:
            raise night.Broken("the disk of the rig cannot be mended")
        self.mount()

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

    def __init__(self, root, log, fault=None):
        self.log = open(log, "w+b")
        self.process = night.start(root, once=False, fault=fault, stdout=subprocess.DEVNULL, stderr=self.log)

    def stands_still(self):
        """It came to the call at which it was told to stop."""
        if self.process.poll() is not None:
            raise night.Broken(f"the daemon ended before the stage, with {self.process.returncode}:\n{night.tail(self.said())}")
        with open(f"/proc/{self.process.pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "T"

    def times(self, *events):
        return sum(self.said().count(f" {event} ") for event in events)

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


def turned_read_only(name):
    """The kernel met an error on the disk and lets nobody write there any more: it is told, the daemon stops in order when it is asked
    to, and after a check of the disk everything goes on."""
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
        daemon.process.send_signal(signal.SIGSTOP)
        for _ in range(20):
            feeder.moved()
        # What a partner dropped is on the disk; what the kernel drops is what nobody synced.
        os.sync()
        small.meet_an_error()
        daemon.process.send_signal(signal.SIGCONT)
        night.wait_for("the log says that it waits", lambda: daemon.says(["store-waiting", "disk-full"]), 30)
        # Not in `status`: what it reads stands on this disk.
        time.sleep(2)
        wrong = []
        wrong += [f"{event} was told {daemon.times(event)} times" for event in BEGINS if daemon.times(event) > 1]
        daemon.stop()
        small.be_checked()
        code, said = night.run(small.root)
        wrong += [f"the start on the checked disk ends with {code}: {night.tail(said)}"] if code else []
        wrong += stream.check(small.root, feeder)
        if wrong:
            raise night.Broken("\n  ".join(wrong[:12]) + "\n" + night.tail(daemon.said(), 8))
        print(f"{name}: told once, stopped in order, {len(feeder.files)} files taken after the check, none lost; {time.monotonic() - began:.0f} s", flush=True)
        return True
    except (night.Broken, subprocess.TimeoutExpired) as broken:
        print(f"FINDING: {name}: {broken}\n{night.tail(daemon.said(), 8) if daemon else ''}", flush=True)
        return False
    finally:
        if daemon:
            daemon.end()
        small.end()
        shutil.rmtree(folder)


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
        night.wait_for("the log says that it waits", lambda: daemon.says(BEGINS), 30)
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


def stage(name, call, before_start=False, killed_at=None, sends=False, drops=True):
    """The disk becomes full while the process stands before a call; then there is room again."""
    folder = tempfile.mkdtemp(prefix="nattpost-full-")
    small = Small(folder)
    began, daemon = time.monotonic(), None
    try:
        stream.lay_out(small.root)
        feeder = stream.Feeder(small.root)
        if not before_start:
            code, said = night.run(small.root)
            if code:
                raise night.Broken(f"the first run ends with {code}: {night.tail(said)}")
        if killed_at or sends:
            for _ in range(10):
                feeder.moved()
            code, said = night.run(small.root, fault=f"kill@{killed_at}" if killed_at else None)
            if killed_at and code != -signal.SIGKILL:
                raise night.Broken(f"kill@{killed_at} ends with {code}: {night.tail(said)}")
        daemon = Daemon(small.root, f"{folder}/log", fault=f"stop@{call}")
        if not (before_start or killed_at):
            night.wait_for("the daemon's start", lambda: daemon.says(["daemon-started"]) or daemon.stands_still(), 20)
        for _ in range(10 if drops else 0):
            feeder.moved()
        if sends:
            night.put_command(small.root, "send", {"feeds": ["shop/orders"]})
        night.wait_for(f"the process comes to {call}", daemon.stands_still, 30)
        small.fill()
        daemon.process.send_signal(signal.SIGCONT)
        night.wait_for("the log or status says that it waits", lambda: daemon.says(BEGINS) or "last try said" in status(small.root), 40)
        time.sleep(3)
        wrong = promises.before_the_restart(small.root) if not before_start else []
        wrong += [f"{event} was told {daemon.times(event)} times" for event in BEGINS if daemon.times(event) > 1]
        small.relieve()
        settled = lambda: daemon.says(["daemon-started"]) and undecided(small.root, feeder) == 0 and open_commands(small.root) == 0
        night.wait_for("it goes on by itself", settled, GOES_ON_WITHIN + 10)
        for begins, ends in (("disk-low", "disk-back"), ("store-waiting", "store-back")):
            night.wait_for(f"{begins} is over", lambda: not daemon.times(begins) or daemon.times(ends), 10)
        wrong += [f"{event} was told {daemon.times(event)} times in all" for event in BEGINS if daemon.times(event) > 1]
        daemon.stop()
        wrong += stream.check(small.root, feeder)
        if wrong:
            raise night.Broken("\n  ".join(wrong[:12]) + "\n" + night.tail(daemon.said(), 12))
        print(f"full at {name} ({call}): said once, went on by itself, {len(feeder.files)} files taken, none lost; {time.monotonic() - began:.0f} s", flush=True)
        return True
    except (night.Broken, subprocess.TimeoutExpired) as broken:
        print(f"FINDING: full at {name}: {broken}\n{night.tail(daemon.said(), 12) if daemon else ''}", flush=True)
        return False
    finally:
        if daemon:
            daemon.end()
        small.end()
        shutil.rmtree(folder)


def open_commands(root):
    return sum(1 for _ in (root / "spool" / "commands").glob("*.command"))


def backup(name):
    """A copy that does not fit: nothing is left of it, the daemon's disk is not the worse for it, and the next one is whole."""
    folder = tempfile.mkdtemp(prefix="nattpost-full-")
    small = Small(folder)
    try:
        stream.lay_out(small.root)
        feeder = stream.Feeder(small.root)
        (small.root / "copies").mkdir()
        night.run(small.root)
        for _ in range(20):
            feeder.moved()
        night.run(small.root)
        words = [night.BINARY, "--config", str(small.root / "nattpost.toml"), "backup", str(small.root / "copies")]
        process = subprocess.Popen(words, env=os.environ | {"NATTPOST_FAULT": "stop@copy.step"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        stopped = lambda: open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()[0] == "T"
        night.wait_for("the copy begins", stopped, 20)
        small.fill()
        process.send_signal(signal.SIGCONT)
        told, _ = process.communicate(timeout=60)
        wrong = [] if process.returncode else ["a copy on a full disk ends as if all were well"]
        left = [p.name for p in (small.root / "copies").iterdir()]
        wrong += [f"of the copy that failed are left: {left}"] if left else []
        small.relieve()
        done = subprocess.run(words, capture_output=True, text=True)
        copies = list((small.root / "copies").glob("*.db"))
        wrong += [] if done.returncode == 0 and len(copies) == 1 else [f"the next copy ends with {done.returncode}: {done.stderr}"]
        code, said = night.run(small.root)
        wrong += [f"the next run ends with {code}: {night.tail(said)}"] if code else []
        wrong += stream.check(small.root, feeder)
        if wrong:
            raise night.Broken("\n  ".join(wrong) + f"\n{told}")
        print(f"full at {name}: nothing left of the copy, the next one is whole", flush=True)
        return True
    except (night.Broken, subprocess.TimeoutExpired) as broken:
        print(f"FINDING: full at {name}: {broken}", flush=True)
        return False
    finally:
        small.end()
        shutil.rmtree(folder)


def film(name):
    """Bytes of a document that fill more than half of the disk: they are there already, and are taken in where they stand."""
    folder = tempfile.mkdtemp(prefix="nattpost-full-")
    small = Small(folder)
    try:
        (small.root / "partners").mkdir()
        (small.root / "nattpost.toml").write_text('company = "Nordkap"\ndisk_floor = "1 MB"\n')
        (small.root / "partners" / "erp.toml").write_text(
            'name = "ERP"\n[intake.documents]\nlayouts = ["nattpost-document-csv"]\nsettle = "rename"\narticles = "accept"\ncontents = ["*.mp4"]\n')
        night.run(small.root)
        free = shutil.disk_usage(small.root).free
        inbox = small.root / "spool" / "in" / "erp" / "documents"
        with open(inbox / "film.mp4", "wb") as file:
            file.write(b"\x00\x00\x00\x18ftypmp42" + b"x" * (free * 6 // 10))
        (inbox / "m.csv").write_text("nattpost;document;1\n!document;doc_kind;doc_no;file_name\ndocument;film;F-1;film.mp4\n")
        code, said = night.run(small.root)
        if code or said.count("file-accepted") != 2 or "disk-low" in said:
            raise night.Broken(f"a film of six tenths of the free room ends with {code}: {night.tail(said)}")
        print(f"{name}: taken in where it stands", flush=True)
        return True
    except (night.Broken, OSError) as broken:
        print(f"FINDING: {name}: {broken}", flush=True)
        return False
    finally:
        small.end()
        shutil.rmtree(folder)


CASES = {
    "film": lambda: film("a film of more than half of the disk"),
    "full": lambda: case("full disk", Small.fill, ["is full", "has only"]),
    "killed": lambda: case("full disk, killed and started on it", Small.fill, ["is full", "has only"], killed=True),
    "names": lambda: case("no names left", Small.fill_names, ["full", "names", "inodes"]),
    "readonly": lambda: case("database not writable", Small.lock_database, ["the last try said"]),
    "error": lambda: turned_read_only("a disk that turned read-only"),
    "migrate": lambda: stage("migrate", "store.migrate/3", before_start=True),
    "recover": lambda: stage("recover", "store.begin/1", killed_at="store.commit/3"),
    "see": lambda: stage("see", "store.see_file/3"),
    "claim": lambda: stage("claim", "spool.rename/4"),
    "apply": lambda: stage("apply", "store.insert_request/9"),
    "commit": lambda: stage("commit", "store.commit/4"),
    "finish": lambda: stage("finish", "spool.create/3"),
    "compose": lambda: stage("compose", "store.add_run/1", sends=True),
    "stage": lambda: stage("stage", "spool.rename/1", sends=True, drops=False),
    "backup": lambda: backup("backup"),
}


def play(name):
    return CASES[name]()


if __name__ == "__main__":
    if os.geteuid() != 0 or not shutil.which("chattr"):
        print("SKIPPED: full disks need root (mount, chattr)")
        sys.exit(0)
    results = list(beside(play, sys.argv[1:] or list(CASES)))
    sys.exit(0 if all(results) else 1)
