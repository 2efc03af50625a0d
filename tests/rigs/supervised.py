"""What can be shown of service and package where no machine of its own can be had: the folders of the package made by
systemd-tmpfiles in a tree of its own, and users with the unit's ids, groups, umask and without capabilities (setpriv). The rig is
the supervisor: it hears readiness, reloads and signs of life over a socket of its own, ends a loop that hangs and starts it anew,
stops it under load. An FTP server's user, an operator and a stranger try what they may, with three umasks.

Not shown this way: the unit's sandbox at work and the package's scripts. It removes only its own tree and ends only what it began.
"""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import night

NEEDED = ("setpriv", "systemd-sysusers", "systemd-tmpfiles")
# Of nobody on this machine; nattpost and its groups are given by systemd-sysusers.
FTP, ANNA, GUEST = 61_001, 61_002, 61_003
WATCHDOG_S, SILENT_S, ENDED_S = 2, 6, 10.0
PATIENCE_S = 60
STOCK = "nattpost;stock;1\n!stock;article_no;warehouse;qty\nstock;A1;01;25\n"
SHOP = ('name = "Shop"\n[intake.orders]\nlayouts = ["nattpost-order-csv"]\nsettle = "rename"\ncustomers = "accept"\narticles = "accept"\n'
        '[intake.stock]\nlayouts = ["nattpost-stock-csv"]\nsettle = "rename"\narticles = "accept"\n'
        '[feed.stock]\nlayout = "nattpost-stock-csv"\nfile_name = "stock_{run}.csv"\nreplace = "never"\n')


def missing():
    if os.geteuid() != 0:
        return "not root"
    tools = [tool for tool in NEEDED if not shutil.which(tool)]
    return f"without {', '.join(tools)}" if tools else ""


def expect(condition, words):
    if not condition:
        raise night.Broken(words)


class Site:
    """The package's users and folders below a folder of ours."""

    def __init__(self, folder):
        self.tree = Path(folder)
        self.tree.chmod(0o755)
        for kind in ("sysusers", "tmpfiles"):
            target = self.tree / "usr" / "lib" / f"{kind}.d" / "nattpost.conf"
            target.parent.mkdir(parents=True)
            shutil.copy(night.REPOSITORY / "systemd" / f"{kind}.conf", target)
        (self.tree / "etc").mkdir()
        for words in (["systemd-sysusers", f"--root={folder}", "nattpost.conf"],
                      ["systemd-tmpfiles", f"--root={folder}", "--create", "nattpost.conf"]):
            done = subprocess.run(words, capture_output=True, text=True)
            expect(done.returncode == 0, f"{words} ended with {done.returncode}: {done.stderr}")
        self.user = self.id_of("passwd", "nattpost")
        self.group, self.drop = self.id_of("group", "nattpost"), self.id_of("group", "nattpost-drop")
        self.spool, self.store = self.tree / "var/lib/nattpost/spool", self.tree / "var/lib/nattpost/nattpost.db"
        etc, self.run_folder = self.tree / "etc/nattpost", self.tree / "run"
        (etc / "partners").mkdir(parents=True)
        self.run_folder.mkdir()
        os.chown(self.run_folder, self.user, self.group)
        self.config = etc / "nattpost.toml"
        self.config.write_text(f'company = "Rig"\nspool = "{self.spool}"\nstore = "{self.store}"\ndisk_floor = "off"\n')
        (etc / "partners/shop.toml").write_text(SHOP)
        for path in (etc, etc / "partners", self.config, etc / "partners/shop.toml"):
            os.chown(path, 0, self.group)
            path.chmod(0o750 if path.is_dir() else 0o640)
        self.program = self.tree / "nattpost"
        shutil.copy(night.BINARY, self.program)
        self.program.chmod(0o755)

    def id_of(self, file, name):
        lines = (self.tree / "etc" / file).read_text().splitlines()
        return int(next(line for line in lines if line.split(":")[0] == name).split(":")[2])

    def words(self, user, groups, script_or_words):
        group = groups[0] if groups else user
        rights = ["--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all", "--no-new-privs"]
        which = ["--groups", ",".join(map(str, groups))] if groups else ["--clear-groups"]
        return ["setpriv", f"--reuid={user}", f"--regid={group}", *which, *rights, "--", *map(str, script_or_words)]

    def groups_of(self, user):
        return {FTP: [FTP, self.drop], ANNA: [ANNA, self.group, self.drop], GUEST: []}[user]

    def may(self, user, script, umask="007"):
        return self.shell(user, script, umask).returncode == 0

    def shell(self, user, script, umask="007"):
        words = self.words(user, self.groups_of(user), ["sh", "-ec", f"umask {umask}; cd {self.spool}; {script}"])
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S)

    def nattpost(self, user, *words):
        everything = self.words(user, self.groups_of(user), [self.program, "--config", self.config, *words])
        return subprocess.run(everything, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, cwd="/")


class Supervised:
    """The daemon as its unit starts it, and what it says to its supervisor."""

    def __init__(self, site, fault=None):
        self.path = site.run_folder / "notify"
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.path.chmod(0o666)
        self.log = open(site.tree / "log", "ab")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("NATTPOST_")}
        environment |= {"NOTIFY_SOCKET": str(self.path), "WATCHDOG_USEC": str(WATCHDOG_S * 1_000_000)}
        environment |= {"NATTPOST_FAULT": fault} if fault else {}
        words = site.words(site.user, [site.group, site.drop], ["sh", "-c", 'umask 007; exec "$@"', "sh", site.program, "--config", site.config, "run"])
        self.process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd=site.tree)

    def hear(self, seconds):
        """The next thing it says; nothing where it is silent for so long."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(4096).decode()
        except TimeoutError:
            return None

    def until(self, line):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            said = self.hear(1) or ""
            if line in said.splitlines():
                return
            expect(self.process.poll() is None, f"it ended with {self.process.returncode} before it said {line}")
        raise night.Broken(f"it never said {line}")

    def end(self, by=signal.SIGKILL):
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(by)
        code = self.process.wait(timeout=PATIENCE_S)
        self.socket.close()
        self.log.close()
        return code, time.monotonic() - began


def quiet(site):
    busy = lambda: [p for state in ("in", "work", "staged", "tmp") for p in (site.spool / state).rglob("*") if p.is_file()]
    night.wait_for("everything that came is done", lambda: not busy(), PATIENCE_S)


def order(number):
    return night.orders_csv((f"S-{number}", "1001", [("A1", "1")]))


def drop(site, name, text, umask="007"):
    (site.tree / "aside").write_text(text)
    (site.tree / "aside").chmod(0o644)
    done = site.shell(FTP, f"cat {site.tree}/aside > in/shop/.upload; mv in/shop/.upload in/shop/{name}", umask)
    expect(done.returncode == 0, f"the FTP user cannot drop {name}: {done.stderr}")


def conversation(site):
    daemon = Supervised(site)
    try:
        daemon.until("READY=1")
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until("READY=1")
        partner = site.config.parent / "partners" / "wrong.toml"
        partner.write_text("nmae = 1\n")
        partner.chmod(0o644)
        daemon.process.send_signal(signal.SIGHUP)
        daemon.until("READY=1")
        partner.unlink()
        for _ in range(2 * SILENT_S // WATCHDOG_S):
            expect(daemon.hear(WATCHDOG_S) is not None, "silent for the watchdog's time although it lives")
        drop(site, "orders/first.csv", order(0))
        quiet(site)
    finally:
        code, took = daemon.end(signal.SIGTERM)
    expect(code == 0 and took < ENDED_S, f"a stop ended with {code} after {took:.1f} s")
    expect("config-bad" in (site.tree / "log").read_text(), "the log does not tell of the wrong configuration")
    print("ready, reloaded well and badly, signs of life, stopped: as the unit's user, without a capability", flush=True)


def hangs(site):
    daemon = Supervised(site, fault="hang@store.see_file")
    try:
        daemon.until("READY=1")
        drop(site, "orders/hang.csv", order(1))
        deadline = time.monotonic() + PATIENCE_S
        while daemon.hear(SILENT_S) is not None:
            expect(time.monotonic() < deadline, "its loop hangs and it gives signs of life")
    finally:
        daemon.end(signal.SIGABRT)
    daemon = Supervised(site)
    try:
        daemon.until("READY=1")
        quiet(site)
    finally:
        daemon.end(signal.SIGTERM)
    print(f"a loop that hangs is silent; ended by its supervisor after {SILENT_S} s and started anew, its file is taken", flush=True)


def stops_under_load(site):
    daemon, ended = Supervised(site), threading.Event()
    inbox = site.spool / "in/shop/orders"

    def load():
        number = 1_000
        while not ended.is_set():
            path = inbox / ".load"
            path.write_text(order(number))
            path.chmod(0o664)
            path.rename(inbox / f"{number}.csv")
            number += 1

    dropper = threading.Thread(target=load)
    try:
        daemon.until("READY=1")
        dropper.start()
        time.sleep(3)
        code, took = daemon.end(signal.SIGTERM)
    finally:
        ended.set()
        if dropper.ident:
            dropper.join()
        daemon.end()
    expect(code == 0 and took < ENDED_S, f"a stop under load ended with {code} after {took:.1f} s")
    print(f"stopped under load after {took:.1f} s", flush=True)


def rights(site):
    daemon = Supervised(site)
    try:
        daemon.until("READY=1")
        quiet(site)
        for umask in ("007", "022"):
            drop(site, f"stock/of-{umask}.csv", STOCK.replace("25", f"2{umask}"), umask)
        quiet(site)
        # What its sender keeps to himself stays, and is told.
        drop(site, "stock/of-077.csv", STOCK, "077")
        tells = lambda: "of-077.csv" in site.nattpost(ANNA, "status").stdout
        night.wait_for("status tells of the file that nobody may read", tells, PATIENCE_S)
        expect((site.spool / "in/shop/stock/of-077.csv").exists(), "a file that may not be read is gone")
        expect(site.may(FTP, "chmod 640 in/shop/stock/of-077.csv"), "its owner may not hand it over")
        night.wait_for("the file that was handed over is taken", lambda: not (site.spool / "in/shop/stock/of-077.csv").exists(), PATIENCE_S)
        sent = site.nattpost(ANNA, "send", "shop/stock")
        expect(sent.returncode == 0, f"anna's send: {sent.stdout}{sent.stderr}")
        night.wait_for("a file in out/", lambda: any((site.spool / "out/shop").glob("stock_*")), PATIENCE_S)
        table = [
            (FTP, "cat out/shop/stock_* > /dev/null", True), (FTP, "rm out/shop/stock_*", True),
            (FTP, "mkdir in/shop/orders/sub && rmdir in/shop/orders/sub", True), (FTP, "ls done", False),
            (FTP, "ls tmp", False), (FTP, "ls commands", False), (FTP, f"cat {site.store}", False), (FTP, f"cat {site.config}", False),
            (ANNA, f"cat {site.store} {site.config} > /dev/null; ls done held", True), (ANNA, f"echo x >> {site.store}", False),
            (ANNA, "ls tmp", False), (ANNA, "echo x > in/shop/stock/.x; rm in/shop/stock/.x", True),
            (GUEST, "ls in/shop", False), (GUEST, f"cat {site.store}", False), (GUEST, f"cat {site.config}", False),
        ]
        wrong = [f"{user} {'may not' if so else 'may'}: {script}" for user, script, so in table if site.may(user, script) != so]
        expect(not wrong, "\n  ".join(wrong))
    finally:
        daemon.end(signal.SIGTERM)
    down = site.nattpost(ANNA, "status")
    expect(down.returncode == 0, f"anna's status while it is down: {down.stdout}{down.stderr}")
    print(f"{len(table)} rights of an FTP user, an operator and a stranger; uploads with umask 007 and 022 taken, one with 077 told and taken "
          "when it is handed over", flush=True)


def main():
    """Where not even this can be shown, why is printed."""
    if missing():
        print(f"SKIPPED: nor can the unit's user be played ({missing()})", flush=True)
        return
    folder = tempfile.mkdtemp(prefix="nattpost-supervised-")
    try:
        site = Site(folder)
        for journey in (conversation, hangs, stops_under_load, rights):
            try:
                journey(site)
            except night.Broken:
                print(night.tail((site.tree / "log").read_bytes(), 30), flush=True)
                raise
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
