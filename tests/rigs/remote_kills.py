"""Kills the daemon while it collects orders from real FTP servers, claiming by rename and by looking, and brings them on to another
folder there; a partner goes on dropping files. A third of the kills come at any moment, a third while bytes are on their way in, a
third while they are on their way out: the servers are slow on purpose, and a kill that missed is tried again. At the end every order
is in the database exactly once, every file has one verdict, of what was collected nothing stands at the server any more, and what
was brought there holds every order exactly once, in whole files under their own names. Two servers are at work at a time.
Usage: remote_kills.py [KILLS] [SERVER] [SEED]
"""
import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from beside import beside
import night
import post
import promises
import servers

# More would wait for each other's processors, and what is to be met would be over.
AT_A_TIME = 2
# The drained run at the end may meet a claim that a dead connection still has open at the server.
DRAINS, DRAINED_WITHIN = 5, 240
MODES = {"vsftpd": servers.REUSE, "pure-ftpd": servers.TLS, "proftpd": servers.PLAIN, "pyftpdlib": servers.PLAIN}
# So slow that a large file is on its way in for a quarter of a second, and out for more than one.
SLOW_BYTES = 250_000
SLOW = {
    "vsftpd": f"anon_max_rate={SLOW_BYTES}\n",
    "pure-ftpd": f"-T {SLOW_BYTES // 1000}:{SLOW_BYTES // 1000}",
    "proftpd": f"TransferRate RETR,STOR {SLOW_BYTES // 1000}\n",
    # Its own throttle lets whole files pass before it holds anything back. Each connection has a thread.
    "pyftpdlib": f"""import time
from pyftpdlib.handlers import DTPHandler
class Slow(DTPHandler):
    ac_in_buffer_size = ac_out_buffer_size = 8192
    def recv(self, size):
        data = super().recv(size)
        time.sleep(len(data) / {SLOW_BYTES})
        return data
    def send(self, data):
        sent = super().send(data)
        time.sleep(sent / {SLOW_BYTES})
        return sent
handler.dtp_handler = Slow""",
}
LINES, LARGE = (1, 200, 1_000), 3_000
LONGEST_LIFE, AFTER_A_MOVE = 1.5, 0.15
# A kill that was to meet bytes on their way and met none is tried again, so often.
TRIES = 6
# A remote is asked every ten seconds, and thirty after it failed; with work to do and nothing moving for longer, the daemon rests.
MOVES_WITHIN = 60.0


def on_way_in(root, server):
    """Claims of ours at the server, and in tmp/ what is fetched, with its size: what is composed there begins with other bytes."""
    claims = {path.name for path in (server.root / "in").iterdir() if path.suffix == ".taken"}
    return claims | sizes(root / "spool" / "tmp", post.ORDERS_BEGIN)


def on_way_out(root, server):
    return {(name, size) for name, size in sizes(server.root / "brought") if name.endswith(".part")}


def sizes(folder, begin=b""):
    """Of files that have bytes, begin so and are still there."""
    found = set()
    with contextlib.suppress(FileNotFoundError):
        for path in folder.iterdir():
            with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
                if (size := os.fstat(file.fileno()).st_size) and file.read(len(begin)) == begin:
                    found.add((path.name, size))
    return found


def is_at_rest(root, server):
    """Nothing is left to be done, so nothing will move."""
    return not post.left_at(server) and not ask(root, "SELECT count(*) FROM collect") and not ask(root, "SELECT count(*) FROM delivery WHERE NOT settled")


def ask(root, sql):
    with promises.Ledger(root) as ledger:
        return (ledger.one(sql) or [0])[0]


def wait_for_a_move(root, server, moves):
    """Until one began in this life, or the last one is over: it was too quick for us."""
    # What a life before left there does not move.
    before, began = moves(root, server), time.monotonic()
    until, look_again = began + MOVES_WITHIN, began + 1
    while moves(root, server) <= before:
        now = time.monotonic()
        if now > look_again:
            look_again = now + 1
            if is_at_rest(root, server):
                return
        if now > until:
            state = ask(root, "SELECT words FROM remote_state")
            raise servers.Broken(f"for {MOVES_WITHIN:.0f} s nothing moved although there is work: {post.left_at(server)}; of the remote it says {state!r}")
        time.sleep(0.005)


def one_life(root, server, chance, moves):
    """What the kill found: files on their way in, files on their way out, half a file at the server."""
    daemon = night.start(root, once=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        if moves:
            wait_for_a_move(root, server, moves)
        time.sleep(chance.uniform(0, AFTER_A_MOVE) if moves else chance.uniform(0.02, LONGEST_LIFE))
        if daemon.poll() is not None:
            raise servers.Broken(f"the daemon ended by itself with {daemon.returncode}")
    finally:
        daemon.kill()
        daemon.wait()
    return (ask(root, "SELECT count(*) FROM collect WHERE state = 'claiming'") > 0,
            ask(root, "SELECT count(*) FROM run WHERE state IN ('delivering', 'renaming')") > 0,
            bool(on_way_out(root, server)))


# What is waited for, and which of what the kill found says that it met it.
KINDS = (("at any moment", None, None), ("on their way in", on_way_in, 0), ("on their way out", on_way_out, 1))


def all_lives(root, server, chance, kills):
    """What each kill found, the partner, and what is wrong."""
    partner, found, wrong = post.Partner(server, chance, LINES), [], []
    for nth in range(kills):
        what, moves, met = KINDS[nth % len(KINDS)]
        for _ in range(TRIES):
            partner.drop(chance.randint(1, 3))
            if moves:
                # By rename and by look in turn.
                partner.drop(1, [LARGE], ["in", "out"][nth // len(KINDS) % 2])
            found.append(one_life(root, server, chance, moves))
            if met is None or found[-1][met]:
                break
        else:
            wrong.append(f"{TRIES} kills in a row met no files {what}: the rig tries too little")
            break
    return found, partner, wrong


def over(task):
    """One server, in a process of its own: its password is a variable of the process."""
    name, kills, seed = task
    chance = random.Random(seed)
    folder = Path(tempfile.mkdtemp(prefix="nattpost-remote-kills-"))
    server = servers.Server(name, MODES[name], folder / "server", SLOW[name])
    folder.chmod(0o755)
    began = time.monotonic()
    try:
        server.start()
        root = folder / "ours"
        post.lay_out(root, server)
        # The database is made: to be killed at that is the kill loop's.
        night.run(root)
        found, partner, wrong = all_lives(root, server, chance, kills)
        night.RUN_SECONDS_MAX = DRAINED_WITHIN
        # What the kills left is brought to its end at full speed.
        port, server.more = server.port, ""
        server.end()
        server.start(port)
        for _ in range(DRAINS):
            code, said = night.run(root)
            if not code and not post.left_at(server):
                break
        wrong += [f"the last run ends with {code}: {night.tail(said)}"] if code else []
        wrong += post.check(root, server, partner.orders)
        way_in, way_out, halves = (sum(column) for column in zip(*found))
        print(f"{name:10} {MODES[name]:10} {len(found)} kills in {time.monotonic() - began:.0f} s, {len(partner.orders)} files; files were on their way "
              f"in at {way_in}, out at {way_out}, half a file there at {halves}; {len(wrong)} finding(s)", flush=True)
        return [f"{name}: {finding}" for finding in wrong]
    except (servers.Broken, night.Broken) as broken:
        return [f"{name}: {broken}"]
    finally:
        server.end()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    print(f"seed {seed}", flush=True)
    tasks = [(name, kills, seed) for name in MODES if only in ("", name)]
    wrong = [finding for findings in beside(over, tasks, AT_A_TIME) for finding in findings]
    if wrong:
        raise SystemExit("FAILED:\n  " + "\n  ".join(wrong))


if __name__ == "__main__":
    try:
        main()
    except night.Broken as error:
        sys.exit(f"remote kills: {error}")
