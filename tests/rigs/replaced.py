"""A partner replaces a file at a real FTP server between our fetch and our delete. The daemon stands still at one named call, the
file there is replaced by another (of the same size and time where the call leaves us a chance to read it), the daemon goes on: at
the end both contents are in the database, each once, and nothing stands at the server. By look and by rename, at vsftpd, pure-ftpd,
proftpd and pyftpdlib, plain and with TLS. Usage: replaced.py [SERVER|MODE…]
"""
import os
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
import promises
import servers

SERVERS = [
    ("vsftpd", servers.PLAIN), ("vsftpd", servers.REUSE), ("pure-ftpd", servers.PLAIN), ("pure-ftpd", servers.TLS),
    ("proftpd", servers.PLAIN), ("proftpd", servers.REUSE), ("pyftpdlib", servers.PLAIN), ("pyftpdlib", servers.TLS),
]
# How the file becomes ours; the call before which it is replaced, what that is, and whether the other has its very size and time.
# Data connections end one after the other: the listing's, the file's, the one of the file that is read again to be compared.
MOMENTS = [
    ("look", "remote.fetched/2", "read, the server's last word not heard", True),
    ("look", "store.mark_taken", "in work/, its verdict not committed", True),
    ("look", "remote.facts/2", "committed, before it is asked for", True),
    ("look", "remote.fetched/3", "committed, while it is compared", False),
    ("rename", "remote.fetched/2", "read under its claim name", True),
    ("rename", "store.mark_taken", "in work/, its verdict not committed", True),
]
NAME, FIRST, SECOND = "orders.csv", "R-1", "R-2"
ENDS_WITHIN, WAKES_EVERY = 30, 1.0


def rules(claim):
    return f'[intake.orders]\nfrom = "ftp:in"\nclaim = "{claim}"\n{post.ORDERS}'


def taken_whole(root, server):
    with promises.Ledger(root) as ledger:
        owed = ledger.one("SELECT count(*) FROM collect")
    return post.taken(root) == [FIRST, SECOND] and not post.left_at(server) and owed and not owed[0]


def one(server, folder, claim, call, is_same):
    root = folder / "ours"
    post.lay_out(root, server, rules(claim))
    partner = post.Partner(server, None)
    partner.put("in", NAME, (FIRST, "1001", [("A1", "1")]), age_s=60)
    daemon = full_disk.Daemon(root, folder / "log", fault=f"stop@{call}")
    try:
        night.wait_for(f"the daemon comes to {call}", daemon.stands_still, ENDS_WITHIN)
        if claim == "look" and not (server.root / "in" / NAME).exists():
            raise night.Broken(f"it was removed before that:\n{night.tail(daemon.said())}")
        before = (server.root / "in" / NAME).stat() if claim == "look" else None
        partner.put("in", NAME, (SECOND, "1001", [("A1", "1")]), age_s=60 if is_same else 30)
        after = (server.root / "in" / NAME).stat()
        if is_same and before:
            # Time may have gone on to another second meanwhile.
            os.utime(server.root / "in" / NAME, (int(before.st_mtime), int(before.st_mtime)))
            after = (server.root / "in" / NAME).stat()
            assert (before.st_size, int(before.st_mtime)) == (after.st_size, int(after.st_mtime)) and before.st_ino != after.st_ino
        daemon.process.send_signal(signal.SIGCONT)
        deadline = time.monotonic() + ENDS_WITHIN
        while not taken_whole(root, server) and time.monotonic() < deadline:
            time.sleep(WAKES_EVERY / 4)
            # Whoever reads his configuration again looks at once.
            daemon.process.send_signal(signal.SIGHUP)
            time.sleep(WAKES_EVERY * 3 / 4)
        daemon.stop()
        wrong = post.compare("orders", [FIRST, SECOND], post.taken(root))
        with promises.Ledger(root) as ledger:
            states = [row[0] for row in ledger.rows("SELECT state FROM file")]
        wrong += [f"left at the server: {post.left_at(server)}"] if post.left_at(server) else []
        wrong += [f"files are {states}"] if states != ["judged", "judged"] else []
        if wrong:
            raise night.Broken("; ".join(wrong) + "\n" + night.tail(daemon.said(), 12))
    finally:
        daemon.end()
        shutil.rmtree(root)
        for path in (server.root / "in").iterdir():
            path.unlink()


def over(which):
    """What is wrong at one of SERVERS."""
    name, mode = SERVERS[which]
    folder, wrong = Path(tempfile.mkdtemp(prefix="nattpost-replaced-")), []
    folder.chmod(0o755)
    server, began = servers.Server(name, mode, folder / "server"), time.monotonic()
    try:
        server.start()
        for claim, call, moment, is_same in MOMENTS:
            try:
                one(server, folder, claim, call, is_same)
            except night.Broken as broken:
                wrong.append(f"{name} {mode}, by {claim}, {moment} ({call}): {broken}")
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{name:10} {mode:10} replaced at {len(MOMENTS)} moments in {time.monotonic() - began:.0f} s", flush=True)
    return wrong


def main():
    only = set(sys.argv[1:])
    asked = [which for which, names in enumerate(SERVERS) if not only or only & set(names)]
    wrong = [finding for findings in beside(over, asked) for finding in findings]
    if wrong:
        raise SystemExit("FAILED: the file that a partner replaced\n  " + "\n  ".join(wrong))


if __name__ == "__main__":
    try:
        main()
    except night.Broken as error:
        sys.exit(f"replaced: {error}")
