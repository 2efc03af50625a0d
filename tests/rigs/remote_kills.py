"""Kills the daemon at random moments while it collects orders from real FTP servers, claiming by rename and by looking, and
brings them on to another folder there; a partner goes on dropping files. The servers are slow on purpose, so that many kills meet
bytes on their way. At the end every order is in the database exactly once, every file has one verdict, of what was collected
nothing stands at the server any more, and what was brought there holds every order exactly once, in whole files under their own
names. Usage: remote_kills.py [KILLS] [SERVER] [SEED]
"""
import contextlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import night
import post
import promises
import servers

# The drained run at the end may meet a claim that a dead connection still has open at the server.
DRAINS, DRAINED_WITHIN = 5, 240
MODES = {"vsftpd": servers.REUSE, "pure-ftpd": servers.TLS, "proftpd": servers.PLAIN, "pyftpdlib": servers.PLAIN}
# So slow that a large file is on its way for a part of a second.
SLOW_BYTES = 500_000
SLOW = {
    "vsftpd": f"anon_max_rate={SLOW_BYTES}\n",
    "pure-ftpd": f"-T {SLOW_BYTES // 1000}:{SLOW_BYTES // 1000}",
    "proftpd": f"TransferRate RETR,STOR {SLOW_BYTES // 1000}\n",
    "pyftpdlib": f"""from pyftpdlib.handlers import ThrottledDTPHandler
class Slow(ThrottledDTPHandler):
    read_limit = write_limit = {SLOW_BYTES}
handler.dtp_handler = Slow""",
}
LINES = (1, 400, 3_000)
# A third of the kills come at any moment of a life, a third soon after files are on their way in, a third so on their way out.
LONGEST_LIFE, AFTER_A_MOVE, MOVES_WITHIN = 1.5, 0.15, 30.0
# Of a hundred kills at least so many find files on their way in, and out.
LEAST = 20


def on_way_in(root, server):
    """Claims of ours at the server, and files in tmp/ with their size."""
    claims = {path.name for path in (server.root / "in").iterdir() if path.suffix == ".taken"}
    return claims | sizes(root / "spool" / "tmp")


def on_way_out(root, server):
    return {(name, size) for name, size in sizes(server.root / "brought") if name.endswith(".part")}


def sizes(folder):
    """Of files that have bytes and are still there."""
    found = set()
    with contextlib.suppress(FileNotFoundError):
        for path in folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                found.add((path.name, path.stat().st_size))
    return {(name, size) for name, size in found if size}


def one_life(root, server, chance):
    """What the kill found: files on their way in, files on their way out, half a file at the server."""
    daemon = night.start(root, once=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if moves := chance.choice([None, on_way_in, on_way_out]):
            # What a life before left there does not move.
            before, until = moves(root, server), time.monotonic() + MOVES_WITHIN
            while moves(root, server) <= before and time.monotonic() < until:
                time.sleep(0.005)
        time.sleep(chance.uniform(0, AFTER_A_MOVE) if moves else chance.uniform(0.02, LONGEST_LIFE))
        if daemon.poll() is not None:
            raise servers.Broken(f"the daemon ended by itself with {daemon.returncode}")
    finally:
        daemon.kill()
        daemon.wait()
    with promises.Ledger(root) as ledger:
        one = lambda sql: (ledger.one(sql) or [0])[0]
        return (one("SELECT count(*) FROM collect WHERE state = 'claiming'") > 0,
                one("SELECT count(*) FROM run WHERE state IN ('delivering', 'renaming')") > 0,
                bool(on_way_out(root, server)))


def over(name, kills, chance):
    folder = Path(tempfile.mkdtemp(prefix="nattpost-remote-kills-"))
    server = servers.Server(name, MODES[name], folder / "server", SLOW[name])
    folder.chmod(0o755)
    began, found = time.monotonic(), []
    try:
        server.start()
        root = folder / "ours"
        post.lay_out(root, server)
        partner = post.Partner(server, chance, LINES)
        for _ in range(kills):
            partner.drop(chance.randint(1, 4))
            found.append(one_life(root, server, chance))
        night.RUN_SECONDS_MAX = DRAINED_WITHIN
        # What the kills left is brought to its end at full speed.
        port, server.more = server.port, ""
        server.end()
        server.start(port)
        for _ in range(DRAINS):
            code, said = night.run(root)
            if not code and not post.left_at(server):
                break
        wrong = [f"the last run ends with {code}: {night.tail(said)}"] if code else []
        wrong += post.check(root, server, partner.orders)
        way_in, way_out, halves = (sum(column) for column in zip(*found))
        for what, count in (("in", way_in), ("out", way_out)):
            if count * 100 < kills * LEAST:
                wrong.append(f"only {count} of {kills} kills found files on their way {what}: the rig tries too little")
        print(f"{name:10} {MODES[name]:10} {kills} kills in {time.monotonic() - began:.0f} s, {len(partner.orders)} files; files were on their way "
              f"in at {way_in}, out at {way_out}, half a file there at {halves}; {len(wrong)} finding(s)", flush=True)
        return [f"{name}: {finding}" for finding in wrong]
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    print(f"seed {seed}")
    wrong = []
    for name in MODES:
        if only in ("", name):
            wrong += over(name, kills, random.Random(seed))
    if wrong:
        raise SystemExit("FAILED:\n  " + "\n  ".join(wrong))


if __name__ == "__main__":
    try:
        main()
    except (servers.Broken, night.Broken) as error:
        sys.exit(f"remote kills: {error}")
