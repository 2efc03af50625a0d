"""SIGTERM while a large file is read: the file is taken back after 8 s, the process is gone after 10, the attempt is given back,
nothing of the file is there, and the next start takes it whole. And SIGTERM under a stream of small files: nothing is lost.
"""
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import night
import promises
import stream

TAKEN_BACK_AFTER, GONE_AFTER = 8.0, 10.0
# Beyond the promise: what the machine may need to notice.
SLACK = 1.0
# The file has to be read for longer than the patience: the first of these sizes that is, on this machine, in a debug build.
SIZES, PIECE = (600_000, 1_200_000, 2_400_000), 1_000
TAKEN_WITHIN = 300


def large(path, orders):
    with open(path, "w") as file:
        file.write("nattpost;order;1\n!order;buyer_order_no;customer_no\n!line;line_no;article_no;qty;unit\n")
        for first in range(0, orders, PIECE):
            file.write("".join(f"order;L-{n};1001\nline;1;A1;1;PCE\n" for n in range(first, first + PIECE)))


def a_large_file(folder):
    for orders in SIZES:
        root = folder / str(orders)
        stream.lay_out(root)
        if stopped_while_reading(root, orders):
            return taken_whole(root, orders)
        shutil.rmtree(root)
    raise night.Broken(f"a file of {SIZES[-1]} orders was applied within the patience, so nothing was tried")


def stopped_while_reading(root, orders_sent):
    """Whether the stop came in time to be one."""
    large(root / "arriving" / "large.csv", orders_sent)
    (root / "arriving" / "large.csv").rename(root / "spool" / "in" / "shop" / "moved" / "large.csv")
    daemon = night.start(root, once=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        work = root / "spool" / "work" / "shop" / "moved"
        night.wait_for("the file stands in work/", lambda: work.is_dir() and any(work.iterdir()), 20)
        time.sleep(0.5)
        began = time.monotonic()
        daemon.send_signal(signal.SIGTERM)
        code = daemon.wait(timeout=30)
        took = time.monotonic() - began
    finally:
        daemon.kill()
        daemon.wait()
    with promises.Ledger(root) as ledger:
        row = ledger.one("SELECT * FROM file")
        orders = ledger.one("SELECT count(*) FROM orders")[0]
        if row["state"] == "judged":
            return False
        if code or not TAKEN_BACK_AFTER - SLACK <= took <= GONE_AFTER + SLACK:
            raise night.Broken(f"the process ended with {code} after {took:.1f} s")
        if orders or row["attempts"]:
            raise night.Broken(f"{orders} orders stayed, {row['attempts']} attempt(s) counted")
    print(f"a file of {orders_sent} orders: taken back, process gone {took:.1f} s after SIGTERM with {code}, no order stayed, attempt given back", flush=True)
    return True


def taken_whole(root, orders):
    began = time.monotonic()
    night.RUN_SECONDS_MAX = TAKEN_WITHIN
    code, said = night.run(root)
    wrong = promises.after_the_restart(root, stream.RECEIPTS) if code == 0 else [f"it ends with {code}: {night.tail(said)}"]
    with promises.Ledger(root) as ledger:
        found = ledger.one("SELECT count(*), count(DISTINCT buyer_order_no) FROM orders")
        wrong += [] if tuple(found) == (orders, orders) else [f"{tuple(found)} orders instead of {orders}"]
    if wrong:
        raise night.Broken("\n  ".join(wrong[:10]))
    print(f"the next start took all {orders} of it in {time.monotonic() - began:.0f} s", flush=True)


def many_small_files(root, stops=15):
    stream.lay_out(root)
    feeder, chance, end = stream.Feeder(root), random.Random(3), threading.Event()

    def feed():
        while not end.is_set():
            feeder.moved() if feeder.count % 3 else feeder.vouched()
            time.sleep(0.004)

    thread = threading.Thread(target=feed, name="feeder")
    thread.start()
    slowest, wrong = 0.0, []
    try:
        for _ in range(stops):
            daemon = night.start(root, once=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            time.sleep(chance.uniform(0.1, 0.8))
            began = time.monotonic()
            daemon.send_signal(signal.SIGTERM)
            _, said = daemon.communicate(timeout=30)
            slowest = max(slowest, time.monotonic() - began)
            # Before it listens, a signal ends it like any program.
            if daemon.returncode not in (0, -signal.SIGTERM):
                wrong.append(f"it ends with {daemon.returncode}: {night.tail(said, 3)}")
            wrong += promises.before_the_restart(root)
    finally:
        end.set()
        thread.join()
    code, said = night.run(root)
    wrong += [f"the last run ends with {code}: {night.tail(said, 3)}"] if code else []
    wrong += stream.check(root, feeder)
    if wrong:
        raise night.Broken("\n  ".join(wrong[:12]))
    print(f"{stops} stops under a stream of {len(feeder.files)} files: the slowest took {slowest:.1f} s, nothing lost or doubled", flush=True)


def main():
    for journey in (many_small_files, a_large_file):
        folder = tempfile.mkdtemp(prefix="nattpost-stop-")
        try:
            journey(Path(folder))
        except (night.Broken, subprocess.TimeoutExpired) as broken:
            print(f"FINDING: {journey.__name__}: {broken}", flush=True)
            sys.exit(1)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
