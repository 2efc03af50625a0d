"""The package as an operator has it, in a machine with a systemd of its own (machine.py): the version before with an evening's
data, this one installed over it; ready, reload, watchdog, stop, the rights of the two groups, a second company, removal.

The version before is built from its commit (`NATTPOST_BEFORE_BIN` names one that was built already). `NATTPOST_BIN` is the
program that is packed, a debug build where nothing is said. Where no machine can be had it says so and shows what supervised.py can.
"""
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import machine
import night
import night_first
import supervised

# The last commit with migration 7, without units of its own.
BEFORE = "38cbdbc49c0b"
SPOOL, DATABASE = "/var/lib/nattpost/spool", "/var/lib/nattpost/nattpost.db"
CONFIGURATION = f'company = "Nordkap"\nzone = "Europe/Berlin"\nspool = "{SPOOL}"\nstore = "{DATABASE}"\n'
# Where notices go: into the journal, which the sandbox leaves open.
BOARD = '[notices.board]\ncommand = ["/usr/local/bin/board"]\n'
STOPPED_WITHIN, GOES_ON_WITHIN, BUILT_WITHIN = 10.0, 60, 1800
WATCHDOG_SECONDS = 4
# Tables whose rows a version may write anew without anything having happened.
OWN_AFFAIRS = {"high_water", "identity", "due", "problem", "notice", "arrival_window"}


def expect(condition, words):
    if not condition:
        raise night.Broken(words)


def program_before(folder):
    named = os.environ.get("NATTPOST_BEFORE_BIN")
    if named:
        return Path(named)
    source = folder / "source"
    git = ["git", "-C", str(night.REPOSITORY)]
    if not shutil.which("git") or subprocess.run(git + ["cat-file", "-e", BEFORE], stderr=subprocess.DEVNULL).returncode:
        print(f"SKIPPED: the upgrade from the version before; its commit {BEFORE} is not in this copy of the repository, so this program is "
              "installed over itself (NATTPOST_BEFORE_BIN may name the older one)", flush=True)
        return Path(night.BINARY)
    subprocess.run(git + ["worktree", "add", "--quiet", "--detach", str(source), BEFORE], check=True)
    try:
        environment = os.environ | {"CARGO_TARGET_DIR": str(night.REPOSITORY / "target" / "before")}
        subprocess.run(["cargo", "build", "--quiet"], cwd=source, env=environment, check=True, timeout=BUILT_WITHIN)
    finally:
        subprocess.run(git + ["worktree", "remove", "--force", str(source)], check=True)
    return night.REPOSITORY / "target" / "before" / "debug" / "nattpost"


def units_before(folder):
    """That program tells no supervisor anything, knows neither `check --quiet` nor `notice`, and insists on the group bit."""
    unknown = ("WatchdogSec=", "OnFailure=", "RestrictSUIDSGID=")
    target = folder / "units"
    target.mkdir()
    for unit in (night.REPOSITORY / "systemd").glob("*.service"):
        text = unit.read_text().replace("Type=notify", "Type=exec")
        lines = [line for line in text.splitlines() if not line.startswith(unknown)]
        (target / unit.name).write_text("\n".join(line.replace(" --quiet", "") for line in lines) + "\n")
    return target


def package(binary, version, into, units=None):
    words = [str(night.REPOSITORY / "packaging" / "deb"), "--binary", str(binary), "--version", version, "--into", str(into)]
    words += ["--units", str(units)] if units else []
    papers = into / "papers"
    subprocess.run([str(night.REPOSITORY / "target" / "debug" / "examples" / "papers"), str(papers)], check=True)
    environment = os.environ | {"PAPERS": str(papers), "COMPRESSION": "gzip"}
    return Path(subprocess.run(words, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout.strip())


class Company:
    """What the people and programs around it do."""

    def __init__(self, host):
        self.host, self.dropped = host, 0

    def configure(self, files):
        for name, text in files.items():
            path = self.host.inside("/etc/nattpost") / name
            path.write_text(text)
            self.host.run("chgrp", "nattpost", f"/etc/nattpost/{name}")
            path.chmod(0o640)

    def people(self):
        self.host.shell("useradd -M anna; usermod -aG nattpost,nattpost-drop anna; useradd -M ftp-user; usermod -aG nattpost-drop ftp-user; "
                        "useradd -M guest")

    def drop(self, folder, name, text):
        """As an FTP server does: as its user, under another name first."""
        self.dropped += 1
        script = f'umask 007; cd {SPOOL}/in/{folder} && cat > .upload && mv .upload "$1"'
        self.host.run("sh", "-ec", script, "sh", name, user="ftp-user", input=text, stdin=None)

    def evening(self, evening):
        for name, text in evening["in"].items():
            folder, plain = name.rsplit("/", 1)
            self.drop(folder, plain, text)

    def is_quiet(self):
        spool = self.host.inside(SPOOL)
        busy = [path for state in ("in", "work", "staged", "tmp") for path in (spool / state).rglob("*") if path.is_file()]
        return not busy and not self.rows("SELECT 1 FROM file WHERE placed = 0")

    def rows(self, question):
        with tempfile.TemporaryDirectory() as folder:
            for suffix in ("", "-wal"):
                source = self.host.inside(DATABASE + suffix)
                if source.exists():
                    shutil.copyfile(source, f"{folder}/copy{suffix}")
            with sqlite3.connect(f"{folder}/copy") as db:
                found = db.execute(question).fetchall()
            db.close()
            return found

    def settled(self):
        night.wait_for("everything that came is done", self.is_quiet, GOES_ON_WITHIN)

    def nattpost(self, *words, user="anna"):
        return self.host.try_run("nattpost", "--config", "/etc/nattpost/nattpost.toml", *words, user=user)


def portrait(company, columns=None):
    """Every row of every table (by the columns of the version before), and every file of the spool."""
    tables = columns or {
        # A start notes what it finds in its place.
        name: [row[1] for row in company.rows(f"SELECT * FROM pragma_table_info('{name}')") if row[1] != "placed"]
        for (name,) in company.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        if name not in OWN_AFFAIRS
    }
    rows = {}
    for table, names in tables.items():
        listed = ", ".join(f'"{name}"' for name in names)
        rows[table] = sorted(map(repr, company.rows(f'SELECT {listed} FROM "{table}"')))
    spool = company.host.inside(SPOOL)
    files = {str(path.relative_to(spool)): path.read_bytes() for path in spool.rglob("*")
             if path.is_file() and path.parent != spool}
    return tables, rows, files


def first_installation(host, company, old):
    shutil.copy(old, host.inside("/root"))
    said = host.run("dpkg", "-i", f"/root/{old.name}")
    expect(host.show("nattpost", "ActiveState") == "active", f"not active after the installation:\n{said}")
    company.people()
    secret = host.inside("/etc/nattpost/credentials/smtp-password")
    secret.write_text("hunter2\n")
    secret.chmod(0o600)
    company.configure({"nattpost.toml": CONFIGURATION} | {name: text for name, text in night_first.FILES.items() if "/" in name})
    host.run("systemctl", "restart", "nattpost")
    night.wait_for("the folders of the partners", lambda: host.inside(f"{SPOOL}/in/dealer/orders").is_dir(), GOES_ON_WITHIN)
    for evening in night_first.EVENINGS[:2]:
        company.evening(evening)
        company.settled()
    orders = {number for (number,) in company.rows("SELECT buyer_order_no FROM orders")}
    expect("D-11" in orders and "W-1" in orders, f"only {sorted(orders)}")
    print(f"the version before: {len(company.rows('SELECT 1 FROM file'))} files, {len(orders)} orders, its evening is over", flush=True)


def upgraded(host, company, new):
    """First with a configuration that is wrong, then well."""
    version = company.rows("PRAGMA user_version")[0][0]
    before = portrait(company)
    text = host.inside("/etc/nattpost/nattpost.toml").read_text()
    old_process = host.show("nattpost", "MainPID")
    company.configure({"partners/wrong.toml": 'nmae = "Wrong"\n'})
    shutil.copy(new, host.inside("/root"))
    said = host.run("dpkg", "-i", f"/root/{new.name}")
    expect("still runs the program of before" in said and "nmae" in said, f"it did not say so:\n{said}")
    expect(host.show("nattpost", "MainPID") == old_process, "the old program was ended although the new one cannot begin")
    host.inside("/etc/nattpost/partners/wrong.toml").unlink()
    said = host.run("dpkg", "-i", f"/root/{new.name}")
    expect(host.show("nattpost", "MainPID") != old_process, f"the old program still runs:\n{said}")
    expect(host.show("nattpost", "ActiveState") == "active", f"not active after the upgrade:\n{host.journal('nattpost')[-2000:]}")
    expect(host.inside("/etc/nattpost/nattpost.toml").read_text() == text, "the configuration was changed")
    columns, rows, files = before
    _, rows_now, files_now = portrait(company, columns)
    for table in rows:
        lost = set(rows[table]) - set(rows_now[table])
        expect(not lost and len(rows[table]) == len(rows_now[table]), f"{table}: {len(lost)} row(s) are not what they were: {sorted(lost)[:2]}")
    expect(files == files_now, f"files of the spool differ: {sorted(set(files) ^ set(files_now))[:4]}")
    expect(company.rows("PRAGMA integrity_check") == [("ok",)], "integrity")
    count = sum(map(len, rows.values()))
    now = company.rows("PRAGMA user_version")[0][0]
    print(f"upgrade from database {version} to {now}: {count} rows of {len(rows)} tables and {len(files)} files as they were; "
          "with a wrong configuration the old program went on", flush=True)


def known_to_systemd(host):
    said = host.try_run("systemd-analyze", "verify", "nattpost.service", "nattpost@north.service", "nattpost-failed.service")
    expect(not said.stdout.strip(), f"verify says:\n{said.stdout}")
    judged = [host.run("systemd-analyze", "security", "--offline=true", "--threshold=13", f"/usr/lib/systemd/system/{unit}")
              for unit in ("nattpost.service", "nattpost@.service", "nattpost-failed.service")]
    process = host.show("nattpost", "MainPID")
    status = host.run("cat", f"/proc/{process}/status")
    expect(re.search(r"CapEff:\s+0+\n", status) and re.search(r"NoNewPrivs:\s+1", status), status)
    credential = "/run/credentials/nattpost.service/nattpost_smtp-password"
    expect(host.run("cat", credential, user="nattpost") == "hunter2\n", "the unit does not get the secrets of the folder")
    expect(host.try_run("cat", credential, user="anna").returncode != 0, "an operator reads the unit's secrets")
    exposure = re.findall(r"exposure level for \S+: (\S+)", "".join(judged))
    print(f"verify is silent, security says {', '.join(exposure)}; no capability, no new privileges; secrets for the unit alone", flush=True)


def ready_only_when_it_is(host, company):
    """Killed while a large file is read: active again only when that file is judged."""
    orders = [(f"L-{number}", "1001", [("A1", "1")]) for number in range(60_000)]
    company.drop("branch/orders", "large.csv", night.orders_csv(*orders))
    work = host.inside(f"{SPOOL}/work/branch/orders")
    night.wait_for("the large file is read", lambda: work.is_dir() and any(work.iterdir()), GOES_ON_WITHIN)
    host.run("systemctl", "kill", "-s", "KILL", "nattpost")
    seen = set()
    deadline = time.monotonic() + GOES_ON_WITHIN * 2
    while True:
        expect(time.monotonic() < deadline, f"never active again: {seen}")
        state = host.run("systemctl", "show", "-p", "ActiveState,SubState", "--value", "nattpost").split()
        judged = not any(work.iterdir())
        seen.add((*state, judged))
        if state == ["active", "running"] and int(host.show("nattpost", "NRestarts")) > 0:
            break
    expect(judged, "active although the file of before is not judged")
    expect(("activating", "start", False) in seen, f"it was never seen starting, so nothing is shown: {seen}")
    found = company.rows("SELECT count(*), count(DISTINCT buyer_order_no) FROM orders WHERE buyer_order_no LIKE 'L-%'")
    expect(found == [(60_000, 60_000)], f"{found} of 60000 orders")
    company.settled()
    print("killed while a file of 60000 orders was read: active again only when each of them was applied once", flush=True)


def reloads(host, company):
    process, text = host.show("nattpost", "MainPID"), night_first.FILES["partners/branch.toml"]
    company.configure({"partners/branch.toml": text + '[intake.extra]\nlayouts = ["nattpost-order-csv"]\nsettle = "rename"\n'
                                                      'customers = "accept"\narticles = "accept"\n'})
    host.run("systemctl", "reload", "nattpost")
    night.wait_for("the new intake's folder", lambda: host.inside(f"{SPOOL}/in/branch/extra").is_dir(), GOES_ON_WITHIN)
    company.configure({"partners/wrong.toml": "nmae = 1\n"})
    failed = host.try_run("systemctl", "reload", "nattpost")
    expect(failed.returncode != 0, "a reload with a wrong configuration ended well")
    night.wait_for("the problem in the log", lambda: "config-bad" in host.journal("nattpost"), GOES_ON_WITHIN)
    expect("nmae" in host.journal("nattpost"), "the log does not name the wrong key")
    expect(host.show("nattpost", "ActiveState") == "active" and host.show("nattpost", "MainPID") == process, "it did not go on")
    company.drop("branch/extra", "after.csv", night.orders_csv(("X-1", "1001", [("A1", "1")])))
    night.wait_for("a file after both", lambda: company.rows("SELECT 1 FROM orders WHERE buyer_order_no = 'X-1'"), GOES_ON_WITHIN)
    host.inside("/etc/nattpost/partners/wrong.toml").unlink()
    host.run("systemctl", "reload", "nattpost")
    company.settled()
    print("reload: a good one is in force, a bad one fails and the one of before stays, the same process all the while", flush=True)


def hangs(host, company):
    """The main thread alone is held by strace; every other thread lives on."""
    folder = host.inside("/etc/systemd/system/nattpost.service.d")
    folder.mkdir(parents=True)
    (folder / "watchdog.conf").write_text(f"[Service]\nWatchdogSec={WATCHDOG_SECONDS}\nRestartSec=1\n")
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", "nattpost")
    process = host.show("nattpost", "MainPID")
    time.sleep(WATCHDOG_SECONDS * 2)
    expect(host.show("nattpost", "MainPID") == process, "it is ended although it lives")
    # It keeps the dead process too, so it is ended as soon as systemd has noticed the silence.
    hold = f"echo $$ > /run/holder; exec strace -qq -p {process} -e trace=futex -e inject=futex:delay_enter=120s"
    holder, began = host.start("sh", "-c", hold), time.monotonic()
    try:
        night.wait_for("the silence is noticed", lambda: "Watchdog timeout" in host.journal("nattpost"), GOES_ON_WITHIN)
    finally:
        host.shell("kill -KILL $(cat /run/holder)")
        holder.wait()
    restarted = lambda: (host.show("nattpost", "NRestarts"), host.show("nattpost", "ActiveState")) == ("1", "active")
    night.wait_for("the hung loop is ended and started anew", restarted, GOES_ON_WITHIN)
    took = time.monotonic() - began
    company.drop("branch/orders", "after-hang.csv", night.orders_csv(("X-2", "1001", [("A1", "1")])))
    night.wait_for("a file after it", lambda: company.rows("SELECT 1 FROM orders WHERE buyer_order_no = 'X-2'"), GOES_ON_WITHIN)
    crashed = lambda: company.rows("SELECT count(*) FROM problem WHERE kind = 'daemon-crashed'")[0][0]
    night.wait_for("the crash is a problem", crashed, GOES_ON_WITHIN)
    expect(crashed() == 1, f"{crashed()} problems daemon-crashed")
    (folder / "watchdog.conf").unlink()
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "restart", "nattpost")
    print(f"watchdog of {WATCHDOG_SECONDS} s: silent for twice as long while idle, a hung main thread ended and started anew after {took:.0f} s", flush=True)


def stops_under_load(host, company):
    inbox = host.inside(f"{SPOOL}/in/branch/orders")
    head = "nattpost;order;1\n!order;buyer_order_no;customer_no;note\n!line;line_no;article_no;qty;unit\n"
    script = (f"umask 007; cd {SPOOL}/in/branch/orders; n=0; while :; do n=$((n+1)); "
              f"printf '{head}order;S-%s;1001;x\\nline;1;A1;1;PCE\\n' $n > .s; mv .s s-$n.csv; done")
    script = script.replace("\n", "\\n")
    feeder = host.start("runuser", "-u", "ftp-user", "--", "sh", "-c", script)
    try:
        time.sleep(3)
        began = time.monotonic()
        host.run("systemctl", "stop", "nattpost")
        took = time.monotonic() - began
    finally:
        host.try_run("pkill", "-KILL", "-u", "ftp-user") if host.inside("/usr/bin/pkill").exists() else host.shell(
            "for p in /proc/[0-9]*; do [ \"$(stat -c %U $p 2>/dev/null)\" = ftp-user ] && kill -9 ${p#/proc/} || :; done")
        feeder.kill()
        feeder.wait()
    expect(host.show("nattpost", "Result") == "success", f"the stop ended with {host.show('nattpost', 'Result')}")
    expect(took < STOPPED_WITHIN, f"the stop took {took:.1f} s")
    for path in inbox.glob(".s"):
        path.unlink()
    waiting = len(list(inbox.iterdir()))
    host.run("systemctl", "start", "nattpost")
    company.settled()
    taken = company.rows("SELECT count(*), count(DISTINCT buyer_order_no) FROM orders WHERE buyer_order_no LIKE 'S-%'")[0]
    names = company.rows("SELECT count(*) FROM file WHERE name LIKE 's-%.csv' AND state = 'judged'")[0][0]
    expect(taken[0] == taken[1] == names > 100, f"{taken} orders of {names} files")
    print(f"stop under load after {took:.1f} s with {waiting} files waiting; all {names} taken once by the next start", flush=True)


def upgraded_under_load(host, company, new):
    """The package once more, while files come: the program is exchanged, each file is taken once."""
    process = host.show("nattpost", "MainPID")
    inbox, ended, count = host.inside(f"{SPOOL}/in/branch/orders"), threading.Event(), 0
    owner = inbox.stat()

    def load():
        nonlocal count
        while not ended.is_set():
            path = inbox / ".u"
            path.write_text(night.orders_csv((f"U-{count}", "1001", [("A1", "1")])))
            os.chown(path, owner.st_uid, owner.st_gid)
            path.rename(inbox / f"u-{count}.csv")
            count += 1
            time.sleep(0.01)

    dropper = threading.Thread(target=load)
    dropper.start()
    try:
        time.sleep(1)
        said = host.run("dpkg", "-i", f"/root/{new.name}")
        time.sleep(1)
    finally:
        ended.set()
        dropper.join()
    expect(host.show("nattpost", "MainPID") != process and host.show("nattpost", "ActiveState") == "active", f"not exchanged:\n{said}")
    company.settled()
    found = company.rows("SELECT count(*), count(DISTINCT buyer_order_no) FROM orders WHERE buyer_order_no LIKE 'U-%'")[0]
    expect(found == (count, count), f"{found} of {count} orders")
    print(f"installed once more under load: all {count} files taken once", flush=True)


def rights(host, company):
    may = lambda user, script: host.try_run("sh", "-c", f"umask 007; {script}", user=user).returncode == 0
    company.nattpost("send", "dealer/stock", "dealer/status", user="anna")
    night.wait_for("a file for the dealer", lambda: any(host.inside(f"{SPOOL}/out/dealer").glob("stock_*")), GOES_ON_WITHIN)
    held = f"{SPOOL}/held/in/dealer/orders"
    table = [
        # who, what, may he
        ("ftp-user", f"echo x > {SPOOL}/in/dealer/.a && rm {SPOOL}/in/dealer/.a", True),
        ("ftp-user", f"ls {SPOOL}/out/dealer && cat {SPOOL}/out/dealer/stock_*", True),
        ("ftp-user", f"mv {SPOOL}/out/dealer/stock_* /tmp/", True),
        ("ftp-user", f"ls {SPOOL}/done", False),
        ("ftp-user", f"ls {held}", False),
        ("ftp-user", f"ls {SPOOL}/tmp", False),
        ("ftp-user", f"cat {DATABASE}", False),
        ("ftp-user", f"ls {SPOOL}/commands", False),
        ("ftp-user", "cat /etc/nattpost/nattpost.toml", False),
        ("anna", f"cat {DATABASE} > /dev/null && ls {held} {SPOOL}/done", True),
        ("anna", f"echo x >> {DATABASE}", False),
        ("anna", f"ls {SPOOL}/tmp", False),
        ("anna", f"f=$(ls {SPOOL}/failed/dealer/orders/*.reject | head -n 1) && sed -i s/2,5x/2.5/ $f && mv $f {SPOOL}/in/dealer/orders/", True),
        ("guest", f"ls {SPOOL}/in/dealer/orders", False),
        ("guest", f"cat {DATABASE}", False),
        ("guest", "cat /etc/nattpost/nattpost.toml", False),
    ]
    wrong = [f"{user} {'may not' if expected else 'may'}: {script}" for user, script, expected in table if may(user, script) != expected]
    expect(not wrong, "\n  ".join(wrong))
    night.wait_for("the corrected reject is taken", lambda: company.rows("SELECT 1 FROM orders WHERE buyer_order_no = 'D-4'"), GOES_ON_WITHIN)
    status = company.nattpost("--json", "status")
    expect(status.returncode == 0 and json.loads(status.stdout), f"anna's status: {status.stdout}")
    retried = company.nattpost("retry", "--reason", "quantity-invalid", "--comment", "by anna")
    expect(retried.returncode == 0, f"anna's retry ended with {retried.returncode}: {retried.stdout}")
    made = host.inside(f"{SPOOL}/in/branch/extra").stat()
    groups = dict(line.split(":")[0:3:2] for line in host.run("getent", "group").splitlines())
    expect(made.st_mode & 0o2000 and str(made.st_gid) == groups["nattpost-drop"], f"in/branch/extra: {oct(made.st_mode)} of group {made.st_gid}")
    host.run("systemctl", "stop", "nattpost")
    status = company.nattpost("status")
    expect(status.returncode == 0, f"anna's status while it is down: {status.stdout}")
    queued = company.nattpost("send", "dealer/stock")
    expect(queued.returncode == 75, f"anna's command while it is down ended with {queued.returncode}: {queued.stdout}")
    host.run("systemctl", "start", "nattpost")
    night.wait_for("the command of before", lambda: any(host.inside(f"{SPOOL}/out/dealer").glob("stock_*")), GOES_ON_WITHIN)
    company.settled()
    print(f"{len(table)} rights of an FTP user, an operator and a stranger as they should be; commands with and without the daemon", flush=True)


def second_company(host):
    """The manual's own words."""
    text = (night.REPOSITORY / "docs" / "operating.md").read_text()
    block = text.split("## A second company on one machine", 1)[1].split("```sh\n", 1)[1].split("```", 1)[0]
    host.shell(block)
    expect(host.show("nattpost@north", "ActiveState") == "active", host.journal("nattpost@north"))
    spool = host.inside("/var/lib/nattpost-north/spool")
    expect((spool / "README.md").exists() and (spool / "in").stat().st_mode & 0o2000, "its spool")
    print("a second company by the manual's own words: active, beside the first", flush=True)


def fails_for_good(host, company):
    """What only a person can mend is not tried for ever, and somebody is told."""
    board = host.inside("/usr/local/bin/board")
    board.write_text("#!/bin/sh\nexec systemd-cat -t board\n")
    board.chmod(0o755)
    company.configure({"nattpost.toml": CONFIGURATION.replace("zone", "zoen") + BOARD})
    host.try_run("systemctl", "restart", "nattpost")
    night.wait_for("the unit has failed", lambda: host.show("nattpost", "ActiveState") == "failed", GOES_ON_WITHIN)
    expect(host.show("nattpost", "ExecMainStatus") == "78", host.show("nattpost", "ExecMainStatus"))
    told = lambda: host.show("nattpost-failed", "ExecMainStartTimestampMonotonic") not in ("", "0")
    night.wait_for("nattpost-failed was begun", told, GOES_ON_WITHIN)
    night.wait_for("the board is told", lambda: "service-failed" in host.run("journalctl", "--no-pager", "-o", "cat", "-t", "board"),
                   GOES_ON_WITHIN)
    company.configure({"nattpost.toml": CONFIGURATION})
    host.run("systemctl", "restart", "nattpost")
    print("a wrong configuration at a start: failed with 78, not tried again, and a channel is told", flush=True)


def removed(host, company, new):
    rows = company.rows("SELECT count(*) FROM file")
    said = host.run("dpkg", "-P", "nattpost")
    expect("Kept: /var/lib/nattpost" in said, said)
    expect(host.inside(DATABASE).exists() and host.inside("/etc/nattpost/nattpost.toml").exists(), "data or configuration are gone")
    expect(not host.inside("/usr/bin/nattpost").exists() and host.show("nattpost", "ActiveState") != "active", "it still runs")
    host.run("dpkg", "-i", f"/root/{new.name}")
    night.wait_for("it runs again", lambda: host.show("nattpost", "ActiveState") == "active", GOES_ON_WITHIN)
    expect(company.rows("SELECT count(*) FROM file") == rows, "installed anew it does not have the files of before")
    print("purged: stopped and gone; files, database and configuration are kept, and taken up when it is installed anew", flush=True)


def skipped(why):
    print(f"SKIPPED: no machine can be had here ({why}). Shown elsewhere: tests/units.rs (systemd-analyze of the units, the package), "
          "tests/upgrade; and here, with this rig as the supervisor, what follows. Not shown: the sandbox at work, the package's scripts", flush=True)
    try:
        supervised.main()
    except night.Broken as broken:
        print(f"FINDING: {broken}", flush=True)
        sys.exit(1)


def main():
    if machine.missing():
        return skipped(machine.missing())
    with tempfile.TemporaryDirectory(prefix="nattpost-package-") as folder:
        folder = Path(folder)
        old = package(program_before(folder), "0.0.1", folder / "old", units_before(folder))
        new = package(night.BINARY, "0.1.0", folder / "new")
        try:
            with machine.Machine() as host:
                company = Company(host)
                journeys = [
                    lambda: first_installation(host, company, old), lambda: upgraded(host, company, new),
                    lambda: known_to_systemd(host), lambda: ready_only_when_it_is(host, company),
                    lambda: reloads(host, company), lambda: hangs(host, company), lambda: stops_under_load(host, company),
                    lambda: upgraded_under_load(host, company, new),
                    lambda: rights(host, company), lambda: second_company(host), lambda: fails_for_good(host, company),
                    lambda: removed(host, company, new),
                ]
                try:
                    for journey in journeys:
                        journey()
                except night.Broken:
                    print(night.tail(host.journal("nattpost*"), 60), flush=True)
                    raise
        except machine.NotHere as why:
            skipped(why)
        except (night.Broken, subprocess.SubprocessError) as broken:
            print(f"FINDING: {broken}", flush=True)
            sys.exit(1)


if __name__ == "__main__":
    main()
