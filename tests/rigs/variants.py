"""The four FTP servers as their administrators bend them: without this command or that, one connection each, quick to hang up,
names and numbers hidden, hidden uploads, nothing overwritten, another address behind a router. Over each the daemon collects
orders by rename and by look and brings them on, twice with a pause between; every order is there exactly once, and nothing was told
that is no trouble. Where a server refuses what cannot be done without, that is told by its name, and nothing is lost or doubled.
Usage: variants.py [NUMBER…]
"""
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from beside import beside
import full_disk
import night
import post
import servers

DONE_WITHIN = 25.0
NO_FARTHER = 6.0
# Longer than a server waits that hangs up on who rests.
PAUSE = 3.5
QUICK = "hangs up on who rests for 2 s"
BEHIND_A_ROUTER = "10.255.255.1"


def limit(*commands):
    return "".join(f"<Limit {command}>\n  DenyAll\n</Limit>\n" for command in commands)


def unknown(*commands):
    return "\n".join(f"handler.proto_cmds = {{k: v for k, v in handler.proto_cmds.items() if k != {c!r}}}" for c in commands)


# Server, mode, its further lines, what that is, and where it cannot work the words that say why.
VARIANTS = [
    ("vsftpd", servers.PLAIN, "hide_ids=YES\ntext_userdb_names=YES\nforce_dot_files=YES\nuse_localtime=YES\n", "names for numbers, local time", None),
    ("vsftpd", servers.PLAIN, "ascii_download_enable=YES\nascii_upload_enable=YES\n", "text transfers allowed", None),
    ("vsftpd", servers.PLAIN, "cmds_denied=EPSV\n", "EPSV denied with 550", None),
    ("vsftpd", servers.PLAIN, "cmds_denied=SIZE,MDTM\n", "SIZE and MDTM denied with 550", None),
    ("vsftpd", servers.PLAIN, "cmds_denied=FEAT,OPTS\n", "FEAT denied", None),
    ("vsftpd", servers.PLAIN, "max_per_ip=1\n", "one connection", None),
    ("vsftpd", servers.REUSE, "idle_session_timeout=2\n", QUICK, None),
    ("vsftpd", servers.REUSE, "strict_ssl_read_eof=YES\nstrict_ssl_write_shutdown=YES\n", "strict ends of TLS", None),
    ("vsftpd", servers.PLAIN, "dirlist_enable=NO\n", "no listing", "NLST: 550"),
    ("vsftpd", servers.PLAIN, "deny_file={*.part}\n", "names of uploads denied", "STOR"),
    ("pure-ftpd", servers.PLAIN, "-C 1", "one connection", None),
    ("pure-ftpd", servers.TLS, "-I 1 -b -0", "for broken clients, quick to hang up", None),
    ("pure-ftpd", servers.PLAIN, "-K", "nothing may be removed or renamed", "550"),
    ("pure-ftpd", servers.PLAIN, f"-P {BEHIND_A_ROUTER} -r -U 077:077", "another address, uploads never over another", None),
    ("proftpd", servers.PLAIN, "HiddenStores on\nDirFakeUser on ~\nDirFakeGroup on ~\nListOptions -la\nUseSendfile off\n", "hidden uploads, false owners", None),
    ("proftpd", servers.PLAIN, "AllowOverwrite off\nAllowStoreRestart off\nAllowRetrieveRestart off\n", "nothing overwritten", None),
    ("proftpd", servers.PLAIN, "MaxClientsPerHost 1\n", "one connection, the second a refused login", None),
    ("proftpd", servers.REUSE, "TimeoutIdle 2\n", QUICK, None),
    ("proftpd", servers.PLAIN, f"FactsAdvertise off\nMasqueradeAddress {BEHIND_A_ROUTER}\n{limit('EPSV')}", "another address, no MLSD, no EPSV", None),
    ("pyftpdlib", servers.PLAIN, "server.max_cons_per_ip = 1", "one connection", None),
    ("pyftpdlib", servers.PLAIN, "handler.timeout = 2", QUICK, None),
    ("pyftpdlib", servers.PLAIN, f"handler.masquerade_address = {BEHIND_A_ROUTER!r}\nhandler.permit_foreign_addresses = False\n" + unknown("EPSV", "MLSD", "MLST", "SIZE"),
     "another address; no EPSV, MLSD, SIZE", None),
]


def wake(daemon, done, seconds):
    """Whoever reads his configuration again looks at once."""
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        daemon.process.send_signal(signal.SIGHUP)
        time.sleep(0.7)
    return done()


def over(folder, name, mode, more, refusal, hangs_up):
    server = servers.Server(name, mode, folder / "server", more)
    root, daemon = folder / "ours", None
    try:
        server.start()
        post.lay_out(root, server)
        partner = post.Partner(server, random.Random(5))
        daemon = full_disk.Daemon(root, folder / "log")
        night.wait_for("the daemon's start", lambda: daemon.says(["daemon-started"]), 20)
        if refusal:
            partner.drop(4)
            said = wake(daemon, lambda: daemon.says(["remote-failed", "delivery-failed"]), DONE_WITHIN)
            time.sleep(NO_FARTHER / 3)
            daemon.stop()
            wrong = [] if said and refusal in daemon.said() else [f"{refusal!r} is not told"]
            found, brought = post.taken(root), post.brought(server)[0]
            wrong += ["an order is there twice"] if len(set(found)) != len(found) or len(set(brought)) != len(brought) else []
            here = {path.name.split("~")[-1].split(".")[0] for state in ("in", "work", "done") for path in (root / "spool" / state).rglob("*.csv")}
            there = {path.name.split("~")[-1].split(".")[0] for place in ("in", "out", "taken") for path in (server.root / place).iterdir()}
            wrong += [] if len(here | there) == 4 else [f"of four files there stand {sorted(here | there)}"]
            return wrong
        done = lambda: not post.check(root, server, partner.orders)
        for count in (6, 3):
            partner.drop(count)
            wake(daemon, done, DONE_WITHIN)
            time.sleep(PAUSE if hangs_up and count == 6 else 0)
        daemon.stop()
        wrong = post.check(root, server, partner.orders)
        told = [line for line in daemon.said().splitlines() if " remote-failed " in line or " delivery-failed " in line]
        return wrong + [f"told: {line}" for line in told]
    finally:
        if daemon:
            daemon.end()
        server.end()


def one(number):
    """What is wrong with it."""
    name, mode, more, what, refusal = VARIANTS[number - 1]
    folder, began = Path(tempfile.mkdtemp(prefix="nattpost-variants-")), time.monotonic()
    folder.chmod(0o755)
    try:
        found = over(folder, name, mode, more, refusal, what == QUICK)
    except (night.Broken, servers.Broken) as broken:
        found = [str(broken)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{number:2} {name:10} {mode:10} {time.monotonic() - began:5.1f} s  {what}{': told' if refusal else ''}"
          f"{'' if not found else '; ' + str(len(found)) + ' finding(s)'}", flush=True)
    return [f"{number} {name} {mode}, {what}: {finding[:600]}" for finding in found]


def main():
    numbers = [int(word) for word in sys.argv[1:]] or list(range(1, len(VARIANTS) + 1))
    wrong = [finding for findings in beside(one, numbers) for finding in findings]
    if wrong:
        raise SystemExit("FAILED:\n  " + "\n  ".join(wrong))


if __name__ == "__main__":
    main()
