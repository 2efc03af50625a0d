"""Power cuts at the level of blocks: spool and database lie on an ext4 whose every write is logged, the daemon is fed, each
acknowledgement is marked in the log, and crash states are rebuilt from the log, mounted and started on.

qemu-storage-daemon (blklogwrites) → FUSE export → loop device → ext4. An acknowledgement is a committed verdict read by another
process, or the receipt seen in out/, whichever is first; it is marked by a write behind the file system's end. A state is a
prefix of the writes, or all up to the last flush and a random half of those after it (a disk's volatile cache).
Usage: power_cut.py [full|normal|nosync|remote|remote-nosync|remote-killed|remote-killed-nosync] [STATES] [SEED]; needs root. `normal`
and the `nosync` are the controls: they end well only if promises were broken. `remote`: the files are fetched from a server that is not on that
disk, and its removal of a file is the acknowledgement (power_cut_remote.py).
"""
import contextlib
import mmap
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import night
import power_cut_remote
import promises
import stream

FILE_SYSTEM, MARKS = 64 << 20, 1 << 20
MARK = b"ACKMARK!"
NO_SYNC = {"NATTPOST_NO_SYNC": "1"}
ENVIRONMENT = {"full": {}, "normal": {"NATTPOST_SYNCHRONOUS": "NORMAL"}, "nosync": NO_SYNC, "remote": {}, "remote-nosync": NO_SYNC,
               "remote-killed": {}, "remote-killed-nosync": NO_SYNC}
FILES = 150
FLUSH, DISCARD = 1, 4


def call(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


class Disk:
    """The logged disk, mounted at `root`. Everything it began is ended by `end`, by its own ids."""

    def __init__(self, folder):
        self.folder, self.root = Path(folder), Path(folder) / "mnt"
        self.root.mkdir()
        for name, size in (("disk.raw", FILE_SYSTEM + MARKS), ("log.raw", 2 << 30)):
            with open(self.folder / name, "wb") as file:
                file.truncate(size)
        (self.folder / "export").touch()
        self.loop = self.descriptor = self.pid = None
        self.mounted = False
        self.buffer = mmap.mmap(-1, 4096)

    def begin(self):
        f = self.folder
        call("qemu-storage-daemon", "--daemonize", "--pidfile", str(f / "pid"),
             "--blockdev", f"driver=file,node-name=f,filename={f}/disk.raw",
             "--blockdev", f"driver=file,node-name=l,filename={f}/log.raw",
             "--blockdev", "driver=blklogwrites,node-name=bl,file=f,log=l,log-sector-size=512",
             "--export", f"fuse,id=e,node-name=bl,mountpoint={f}/export,writable=on")
        self.pid = int((f / "pid").read_text())
        self.loop = call("losetup", "-f", "--show", str(f / "export"))
        # What is created stays in the log, so no lazy start of tables that goes on in the background.
        call("mkfs.ext4", "-q", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0", self.loop, str(FILE_SYSTEM // 4096))
        call("mount", self.loop, str(self.root))
        self.mounted = True
        self.descriptor = os.open(self.loop, os.O_WRONLY | os.O_DIRECT)

    def mark(self, count):
        self.buffer[:16] = struct.pack("<8sQ", MARK, count)
        os.pwrite(self.descriptor, self.buffer, FILE_SYSTEM)

    def writes(self):
        """The log so far: (sector, sectors, flags, where its bytes are) and the acknowledgements before each."""
        os.fsync(self.descriptor)
        entries, acknowledged, last = [], [], 0
        with open(self.folder / "log.raw", "rb") as log:
            magic, _, count, sector_bytes = struct.unpack("<QQQI", log.read(28))
            assert magic == 0x6A736677736872, "the log has another form"
            at = sector_bytes
            for _ in range(count):
                log.seek(at)
                sector, sectors, flags, _ = struct.unpack("<QQQQ", log.read(32))
                at += sector_bytes
                if sector * sector_bytes == FILE_SYSTEM and sectors:
                    log.seek(at)
                    text, number = struct.unpack("<8sQ", log.read(16))
                    last = number if text == MARK else last
                entries.append((sector * sector_bytes, sectors * sector_bytes, flags, at))
                acknowledged.append(last)
                at += 0 if flags & DISCARD else sectors * sector_bytes
        return entries, acknowledged

    def end(self):
        if self.descriptor is not None:
            os.close(self.descriptor)
        if self.mounted:
            subprocess.run(["umount", str(self.root)], check=True)
        if self.loop:
            subprocess.run(["losetup", "-d", self.loop], check=True)
        if self.pid:
            os.kill(self.pid, signal.SIGTERM)
            night.wait_for("the end of qemu-storage-daemon", lambda: not Path(f"/proc/{self.pid}").exists(), 10)
        self.descriptor, self.mounted, self.loop, self.pid = None, False, None, None


def feed_and_acknowledge(disk, environment):
    """Feeds the daemon; gives back the feeder and the files in the order of their acknowledgement."""
    stream.lay_out(disk.root)
    call("sync", "-f", str(disk.root))
    feeder = stream.Feeder(disk.root)
    daemon = night.start(disk.root, once=False, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    acknowledged, waiting = [], []
    try:
        night.wait_for("the daemon's folders", lambda: begun(disk.root), 20)
        with contextlib.closing(sqlite3.connect(f"file:{disk.root}/nattpost.db?mode=ro", uri=True, isolation_level=None, timeout=10)) as reader:
            while len(acknowledged) < FILES:
                while len(waiting) < feeder.chance.randint(1, 6):
                    waiting.append(feeder.vouched() if feeder.count % 4 == 0 else feeder.moved())
                seen = committed(reader) | receipts(disk.root)
                for name in [name for name in waiting if name in seen]:
                    acknowledged.append(name)
                    disk.mark(len(acknowledged))
                    waiting.remove(name)
    finally:
        daemon.kill()
        daemon.wait()
    return feeder, acknowledged


def begun(root):
    """The feed's folder is made after the database is laid out."""
    return (root / "spool" / "out" / "shop").is_dir()


def committed(reader):
    return {row[0] for row in reader.execute("SELECT name FROM file WHERE state = 'judged'")}


def receipts(root):
    folder = root / "spool" / "out" / "shop"
    return {name.split(".receipt.")[0] + ".csv" for name in os.listdir(folder)} if folder.is_dir() else set()


def rebuild(disk, entries, indexes, image):
    with open(disk.folder / "log.raw", "rb") as log, open(image, "wb") as out:
        out.truncate(FILE_SYSTEM + MARKS)
        for index in indexes:
            start, size, flags, at = entries[index]
            if size and not flags & DISCARD:
                log.seek(at)
                out.seek(start)
                out.write(log.read(size))


def look(disk, image, judged, feeder, acknowledged):
    """Mounts a crash state, starts on it, checks (`judged`). What is wrong, and how many acknowledged files are not as promised."""
    loop = call("losetup", "-f", "--show", str(image))
    mounted = False
    try:
        call("mount", loop, str(disk.root))
        mounted = True
        return judged(disk.root, feeder, acknowledged)
    except subprocess.CalledProcessError as error:
        return [f"{' '.join(error.cmd)}: {error.stderr.strip()}"], len(acknowledged)
    finally:
        if mounted:
            call("umount", str(disk.root))
        call("losetup", "-d", loop)


def judge(root, feeder, acknowledged):
    wrong = []
    if (root / "nattpost.db").exists() and (root / "nattpost.toml").exists():
        wrong += promises.before_the_restart(root, power_cut=True)
    try:
        code, said = night.run(root)
    except night.Hung as hung:
        return wrong + [str(hung)], len(acknowledged)
    if code:
        return wrong + [f"the start ends with {code}: {night.tail(said, 4)}"], len(acknowledged)
    # What its sender did not sync may be gone, done-file or data: then the other waits in in/, listed. Not once it is acknowledged.
    rests = {name for _, name in feeder.files} - set(acknowledged)
    wrong += promises.after_the_restart(root, stream.RECEIPTS, rests | {f"{name}.done" for name in rests})
    with promises.Ledger(root) as ledger:
        kept = {(row["name"]): row for row in ledger.rows("SELECT * FROM file WHERE state = 'judged'")}
        found = [r[0] for r in ledger.rows("SELECT buyer_order_no FROM orders")]
    lost = [name for name in acknowledged if name not in kept or not whole(root, name, feeder)]
    wrong += [f"acknowledged and lost: {lost[:5]} ({len(lost)})"] if lost else []
    wrong += [f"doubled: {sorted({n for n in found if found.count(n) > 1})[:5]}"] if len(found) != len(set(found)) else []
    missing = {number for number in feeder.good if file_of(number) in acknowledged} - set(found)
    wrong += [f"orders of acknowledged files lost: {sorted(missing)[:5]} ({len(missing)})"] if missing else []
    return wrong, len(lost)


def file_of(number):
    return f"orders-{int(number.split('-')[1]):05}.csv"


def whole(root, name, feeder):
    """Its original stands somewhere with the bytes that were sent."""
    return any(promises.read(path) == feeder.sent[name] for _, _, found, path in promises.walk(root, "done", "failed") if found.endswith(f"~{name}"))


def main():
    mode = sys.argv[1] if len(sys.argv) > 1 else "full"
    states = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 7
    folder = tempfile.mkdtemp(prefix="nattpost-power-")
    disk = Disk(folder)
    try:
        disk.begin()
        feed = feed_and_acknowledge
        if mode.startswith("remote"):
            feed = power_cut_remote.killed_before_verdicts if "killed" in mode else power_cut_remote.feed_and_acknowledge
        feeder, order = feed(disk, ENVIRONMENT[mode])
        entries, before = disk.writes()
        disk.end()
        if "killed" in mode:
            sys.exit(one_state(disk, entries, feeder, mode))
        sys.exit(crash_states(disk, entries, before, feeder, order, (mode, states, seed)))
    finally:
        power_cut_remote.end()
        disk.end()
        shutil.rmtree(folder)


def one_state(disk, entries, server, mode):
    """All that was written up to now, and nothing that was not."""
    rebuild(disk, entries, range(len(entries)), disk.folder / "state.raw")
    wrong, _ = look(disk, disk.folder / "state.raw", power_cut_remote.judge, server, [])
    print(f"power cuts, {mode}: {len(entries)} writes; {len(wrong)} broken promise(s)", flush=True)
    if mode.endswith("nosync"):
        if not wrong:
            print(f"FAILED: the control {mode} breaks nothing, so this rig would see nothing")
        return 0 if wrong else 1
    if wrong:
        print("FINDING: killed before verdicts, then the power:\n  " + "\n  ".join(wrong[:8]), flush=True)
    return 1 if wrong else 0


def crash_states(disk, entries, before, feeder, order, asked):
    mode, states, seed = asked
    judged = power_cut_remote.judge if mode.startswith("remote") else judge
    chance, began = random.Random(seed), time.monotonic()
    first = next(i for i, count in enumerate(before) if count >= 1)
    points = sorted(chance.sample(range(first, len(entries)), (states + 1) // 2))
    tried, bad, most = 0, 0, 0
    for point in points:
        flush = max((i for i in range(point + 1) if entries[i][2] & FLUSH), default=0)
        prefix = range(point + 1)
        lossy = [*range(flush + 1), *(i for i in range(flush + 1, point + 1) if chance.random() < 0.5)]
        for kind, indexes in (("prefix", prefix), ("lossy", lossy)):
            if tried == states:
                break
            tried += 1
            rebuild(disk, entries, indexes, disk.folder / "state.raw")
            wrong, lost = look(disk, disk.folder / "state.raw", judged, feeder, order[: before[point]])
            bad, most = bad + bool(wrong), max(most, lost)
            if wrong and mode in ("full", "remote"):
                print(f"FINDING: {kind} up to write {point} of {len(entries)}, {before[point]} acknowledged:\n  " + "\n  ".join(wrong[:8]), flush=True)
    flushes = sum(flags & FLUSH for _, _, flags, _ in entries)
    print(f"power cuts, {mode}: {len(order)} acknowledged files, {len(entries)} writes, {flushes} flushes; {tried} crash states, "
          f"{bad} with broken promises, most acknowledged files lost {most}; {time.monotonic() - began:.0f} s", flush=True)
    if mode in ("full", "remote"):
        return 1 if bad else 0
    if most == 0:
        print(f"FAILED: the control {mode} lost nothing, so this rig would not see a loss")
    return 0 if most else 1


if __name__ == "__main__":
    if os.geteuid() != 0 or not shutil.which("qemu-storage-daemon"):
        print("SKIPPED: power cuts need root and qemu-storage-daemon (qemu-utils)")
        sys.exit(0)
    main()
