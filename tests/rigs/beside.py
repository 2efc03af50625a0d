"""Several of one kind beside each other, each in a process of its own: for rigs that wait rather than compute. What one of them
sets for itself (a password, the ports that chance gives) is none of another's. It knows nothing of what they do.
"""
import functools
import multiprocessing
import random
import traceback

import night

# Each is a daemon and a server that mostly wait.
AT_A_TIME = 4


def careful(work, task):
    """Whatever breaks is told to whoever waits: the others come to their end and clean up."""
    # Or all would choose the same ports.
    random.seed()
    try:
        return work(task), None
    except Exception:
        return None, traceback.format_exc()


def beside(work, tasks, at_a_time=AT_A_TIME):
    """What each comes to, in the order of the tasks; Broken, when all are over, where one broke."""
    broken = []
    with multiprocessing.Pool(max(1, min(at_a_time, len(tasks))), maxtasksperchild=1) as pool:
        for task, (result, error) in zip(tasks, pool.imap(functools.partial(careful, work), tasks, chunksize=1)):
            if error:
                broken.append(f"{task}: {error}")
            else:
                yield result
    if broken:
        raise night.Broken("\n".join(broken))
