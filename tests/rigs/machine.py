"""A machine of its own for the rig of the package: a small Debian tree, booted by systemd-nspawn with its own systemd, without
network. Built once by debootstrap and kept in target/nspawn; each run works on a copy that it removes.

Owns the tree, the boot and the end of it, and how a command is run inside. It ends only the process that it began.
"""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import night

KEPT = night.REPOSITORY / "target" / "nspawn"
PACKAGES = "systemd,systemd-sysv,dbus,strace"
MIRROR = os.environ.get("NATTPOST_MIRROR", "http://deb.debian.org/debian")
BUILT_WITHIN, BOOTED_WITHIN, COMMAND_WITHIN = 900, 120, 120
NEEDED = ("systemd-nspawn", "debootstrap", "nsenter", "dpkg-deb")


class NotHere(Exception):
    """No machine can be had on this one; why."""


def missing():
    """Why no machine can be had here; empty: it can."""
    if os.geteuid() != 0:
        return "not root"
    tools = [tool for tool in NEEDED if not shutil.which(tool)]
    return f"without {', '.join(tools)}" if tools else ""


def base():
    """The tree that all runs copy."""
    tree, making = KEPT / "base", KEPT / "making"
    if tree.is_dir():
        return tree
    KEPT.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(making, ignore_errors=True)
    words = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(making), MIRROR]
    made = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=BUILT_WITHIN)
    if made.returncode:
        raise NotHere(f"debootstrap ended with {made.returncode}: {night.tail(made.stdout, 1)}")
    making.rename(tree)
    return tree


class Machine:
    """With: booted. At the end it is off and gone."""

    def __init__(self):
        KEPT.mkdir(parents=True, exist_ok=True)
        self.tree = Path(tempfile.mkdtemp(prefix="machine-", dir=KEPT))
        self.log = open(self.tree.with_suffix(".log"), "w+b")
        self.process, self.leader = None, None

    def __enter__(self):
        self.tree.rmdir()
        subprocess.run(["cp", "-a", str(base()), str(self.tree)], check=True)
        (self.tree / "etc" / "machine-id").write_text("uninitialized\n")
        # There is no network to wait for.
        (self.tree / "etc" / "systemd" / "system" / "systemd-networkd-wait-online.service").symlink_to("/dev/null")
        words = ["systemd-nspawn", "-q", "-D", str(self.tree), "-b", "--register=no", "--keep-unit", "--private-network"]
        words += ["--link-journal=no", "--resolv-conf=off", "--timezone=off", f"--machine=nattpost-{os.getpid()}"]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        try:
            night.wait_for("the machine's first process", self.find_leader, BOOTED_WITHIN)
            try:
                night.wait_for("the machine is up", self.is_up, BOOTED_WITHIN)
            except night.Broken:
                jobs = self.try_run("systemctl", "list-jobs", "--no-pager").stdout
                raise NotHere(f"after {BOOTED_WITHIN} s it is {self.state}: {jobs}") from None
        except BaseException:
            self.__exit__()
            raise
        return self

    def find_leader(self):
        if self.process.poll() is not None:
            raise NotHere(f"systemd-nspawn ended with {self.process.returncode}: {night.tail(self.said(), 1)}")
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        # At first there is a helper of its own, gone a moment later.
        for child in map(int, children):
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{child}/ns/pid") != os.readlink("/proc/self/ns/pid"):
                    self.leader = child
        return self.leader is not None

    def is_up(self):
        self.state = self.try_run("systemctl", "is-system-running").stdout.strip()
        return self.state in ("running", "degraded")

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def try_run(self, *words, user=None, within=COMMAND_WITHIN, **options):
        """A command inside, as root or as a user of the machine."""
        words = (["runuser", "-u", user, "--"] if user else []) + [str(word) for word in words]
        enter = ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "--"]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} | options
        return subprocess.run(enter + words, text=True, timeout=within, env=environment, cwd="/", **options)

    def run(self, *words, **options):
        done = self.try_run(*words, **options)
        if done.returncode:
            raise night.Broken(f"{' '.join(map(str, words))} ended with {done.returncode}:\n{night.tail(done.stdout)}")
        return done.stdout

    def shell(self, script, **options):
        return self.run("sh", "-ec", script, **options)

    def start(self, *words):
        """A command inside that goes on by itself; the caller ends it."""
        enter = ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "--"]
        return subprocess.Popen(enter + [str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def show(self, unit, name):
        return self.run("systemctl", "show", "-p", name, "--value", unit).strip()

    def journal(self, unit, since=None):
        words = ["journalctl", "--no-pager", "-o", "cat", "-u", unit] + (["--since", since] if since else [])
        return self.run(*words)

    def inside(self, path):
        """A path of the machine, as it is seen from here."""
        return self.tree / str(path).lstrip("/")

    def __exit__(self, *_):
        if self.process.poll() is None and self.leader:
            with open(os.devnull, "wb") as nowhere:
                subprocess.run(["nsenter", "-t", str(self.leader), "-m", "-p", "--", "systemctl", "poweroff"],
                               stdout=nowhere, stderr=nowhere, timeout=COMMAND_WITHIN)
        deadline = time.monotonic() + BOOTED_WITHIN
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.log.close()
        self.tree.with_suffix(".log").unlink()
        shutil.rmtree(self.tree)
