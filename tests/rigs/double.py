"""The scripted FTP server (examples/ftp_double.rs) as a process of a rig: begun on a free port of loopback, told by its standard
input, ended with it. Owns the process and how it is spoken to; what its script says is the rig's.
"""
import os
import subprocess
from pathlib import Path

import night

PROGRAM = os.environ.get("NATTPOST_DOUBLE", str(night.REPOSITORY / "target" / "debug" / "examples" / "ftp_double"))
USER, PASSWORD = "nattpost", "hunter2-of-the-double"


class Double:
    """`root` is what a client sees as /. `script`, `log` and `history` are kept beside it."""

    def __init__(self, root, beside, *more):
        self.script = Path(beside) / "script"
        self.script.write_text("")
        words = [PROGRAM, "--root", str(root), "--log", str(Path(beside) / "log"), "--history", str(Path(beside) / "history"), *more]
        try:
            self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        except FileNotFoundError:
            raise night.Broken(f"{PROGRAM} is missing: cargo build --example ftp_double") from None
        self.port = int(self.said("port "))

    def said(self, word):
        line = self.process.stdout.readline()
        if not line.startswith(word):
            raise night.Broken(f"the double says {line!r}, expected was {word!r}")
        return line.removeprefix(word).strip()

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def become(self, script):
        """All connections end; it goes on like this, and counts its calls anew."""
        self.script.write_text(script)
        self.tell(f"become {self.script}")
        self.said("done")

    def rest(self):
        """Until it has noticed that nobody is there any more."""
        self.tell("rest")
        self.said("done")

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()
