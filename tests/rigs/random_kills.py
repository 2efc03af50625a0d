"""Kills the daemon at random moments while files arrive in three ways; at the end every order is there exactly once.
A feeder thread drops files the whole time, also while no daemon runs. Usage: random_kills.py [KILLS] [SEED]
"""
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import night
import promises
import stream

# A quarter of the kills find files undecided.
LEAST_ONE_OF = 50


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    print(f"seed {seed}")
    chance = random.Random(seed)
    root = tempfile.mkdtemp(prefix="nattpost-kills-")
    try:
        stream.lay_out(root)
        feeder = stream.Feeder(root, seed)
        stop = threading.Event()
        thread = threading.Thread(target=feed, args=(feeder, stop, chance.random()), name="feeder")
        thread.start()
        began, verdicts = time.monotonic(), 0
        for _ in range(kills):
            verdicts += one_life(root, chance)
        stop.set()
        thread.join()
        code, said = night.run(root)
        wrong = [f"the last run ends with {code}: {night.tail(said)}"] if code else []
        wrong += stream.check(root, feeder)
        if verdicts * LEAST_ONE_OF < kills:
            wrong.append(f"only {verdicts} of {kills} kills found files undecided: the rig tries too little")
        print(f"random kills: {kills} kills in {time.monotonic() - began:.0f} s, {len(feeder.files)} files with {len(feeder.good)} good and "
              f"{len(feeder.bad)} bad orders, {verdicts} kills found files undecided; {len(wrong)} finding(s)")
        if wrong:
            raise SystemExit("FAILED:\n  " + "\n  ".join(wrong[:20]))
    finally:
        shutil.rmtree(root, ignore_errors=True)


def feed(feeder, stop, seed):
    pause = random.Random(seed)
    while not stop.is_set():
        feeder.any()
        time.sleep(pause.uniform(0, 0.03))


def one_life(root, chance):
    """Whether the kill came while something was under way. Now and then the daemon lives long enough for slow files."""
    daemon = night.start(root, once=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(chance.uniform(2.2, 3.5) if chance.random() < 0.08 else chance.uniform(0.05, 0.6))
        if daemon.poll() is not None:
            raise SystemExit(f"FAILED: the daemon ended by itself with {daemon.returncode}")
    finally:
        daemon.kill()
        daemon.wait()
    wrong = promises.before_the_restart(root)
    if wrong:
        raise SystemExit("FAILED before the restart:\n  " + "\n  ".join(wrong[:20]))
    with promises.Ledger(root) as ledger:
        open_files = ledger.one("SELECT count(*) FROM file WHERE state = 'seen'")
        return 1 if open_files and open_files[0] else 0


if __name__ == "__main__":
    main()
