"""Real FTP servers on loopback: vsftpd, pure-ftpd, proftpd and pyftpdlib, plain and with TLS, each unpacked under
target/ftp-servers by tests/run (nothing is installed, so no service ever starts). A server runs in the foreground, is found
by its port and ended by the pid it was started with and that pid's children. As a program: keeps the contract of
tests/remote over each of them, breaks each in mid-transfer and brings it back.
"""
import hashlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
# Whose tests are run: a mutant's, where one is tried.
SOURCES = Path(os.environ.get("NATTPOST_SOURCES", REPOSITORY))
PLACE = REPOSITORY / "target" / "ftp-servers"
TREE, PYTHON = PLACE / "tree", PLACE / "venv" / "bin" / "python"
LIBRARIES = TREE / "usr" / "lib" / "x86_64-linux-gnu"
USER, PASSWORD = "shop", "the-rig-knows-it"
NOBODY = 65534
PASSIVE_PORTS, TRIES, GREETED_WITHIN = 1_000, 5, 10.0

PLAIN, TLS, REUSE, NEWEST = "plain", "tls", "tls-reuse", "tls-1.3-reuse"
IMPLICIT, CLIENT = "tls-implicit", "tls-client"
MODES = {
    "vsftpd": [PLAIN, TLS, REUSE, NEWEST, IMPLICIT, CLIENT],
    "pure-ftpd": [PLAIN, TLS],
    "proftpd": [PLAIN, TLS, REUSE, NEWEST, IMPLICIT],
    "pyftpdlib": [PLAIN, TLS],
}

PYFTPDLIB = """
import sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.servers import ThreadedFTPServer
port, first, root, pem = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
authorizer = DummyAuthorizer()
authorizer.add_user({user!r}, {password!r}, root, perm="elradfmwMT")
handler = TLS_FTPHandler if pem else FTPHandler
if pem:
    handler.certfile, handler.tls_control_required, handler.tls_data_required = pem, True, True
handler.authorizer, handler.passive_ports = authorizer, range(first, first + {ports})
handler.use_sendfile = False
server = ThreadedFTPServer(("127.0.0.1", port), handler)
{more}
server.serve_forever()
"""


class Broken(Exception):
    pass


def missing():
    """Why no server can be had here; empty: they can."""
    if os.geteuid() != 0:
        return "not root: the servers change users"
    return "" if (TREE / "usr/sbin/vsftpd").exists() and PYTHON.exists() else f"the servers do not stand under {PLACE}; tests/run unpacks them"


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, **options)
    if done.returncode:
        raise Broken(f"{' '.join(map(str, words))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def certificates(folder):
    """An authority, and a certificate of it for 127.0.0.1; the fingerprint of the latter."""
    quiet = {"cwd": folder}
    for name, subject in (("ca", "/CN=the rig's authority"), ("key", "/CN=127.0.0.1"), ("client", "/CN=us")):
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.req", "-subj", subject, **quiet)
    (folder / "leaf.ext").write_text("subjectAltName=IP:127.0.0.1\n")
    (folder / "ca.ext").write_text("basicConstraints=critical,CA:TRUE\n")
    sign = ["openssl", "x509", "-req", "-days", "2"]
    run(*sign, "-in", "ca.req", "-signkey", "ca.key", "-extfile", "ca.ext", "-out", "ca.pem", **quiet)
    for request, made in (("key", "cert"), ("client", "client")):
        by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "leaf.ext"]
        run(*sign, "-in", f"{request}.req", *by, "-out", f"{made}.pem", **quiet)
    (folder / "both.pem").write_text((folder / "cert.pem").read_text() + (folder / "key.key").read_text())
    run("openssl", "x509", "-in", "cert.pem", "-outform", "DER", "-out", "cert.der", **quiet)
    return hashlib.sha256((folder / "cert.der").read_bytes()).hexdigest()


def free_port():
    """A port that is free now; who is quicker than we are makes the next try necessary."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def free_range():
    """Below the ports that the kernel gives to those who connect, or they would take them from the server in between."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    return random.randrange(10_000, max(lowest, 30_000) - PASSIVE_PORTS)


class Server:
    """One server over one root folder, which has the folders in and out; `folder` holds everything of it."""

    def __init__(self, name, mode, folder, more=""):
        self.name, self.mode, self.folder, self.process, self.port = name, mode, folder, None, None
        # Further lines of its configuration; words of pure-ftpd's command line; Python in pyftpdlib's program.
        self.more = more
        self.root = folder / "root"
        for place in (self.root, self.root / "in", self.root / "out", folder / "empty"):
            place.mkdir(parents=True, exist_ok=True)
        for place in (self.root / "in", self.root / "out"):
            place.chmod(0o777)
        folder.chmod(0o755)
        self.pin = certificates(folder) if mode != PLAIN else None
        self.environment = {**os.environ, "LD_LIBRARY_PATH": str(LIBRARIES)}

    def start(self, port=None):
        for _ in range(TRIES):
            self.port, first = port or free_port(), free_range()
            words = getattr(self, "_" + self.name.replace("-", "_"))(self.port, first)
            log = open(self.folder / "server.log", "ab")
            self.process = subprocess.Popen(
                [str(word) for word in words], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
            )
            if self._greets():
                return self
            self.end()
        raise Broken(f"{self.name}, {self.mode}: it does not greet; {self.folder / 'server.log'} says: {self.log_end()}")

    def log_end(self):
        return (self.folder / "server.log").read_text(errors="replace")[-500:]

    def _greets(self):
        if self.mode == IMPLICIT:
            # It waits for TLS before it says a word.
            return self._is_open()
        until = time.monotonic() + GREETED_WITHIN
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 2) as line:
                    line.settimeout(2)
                    if line.recv(200).startswith(b"220"):
                        return True
            except OSError:
                time.sleep(0.05)
        return False

    def _is_open(self):
        until = time.monotonic() + GREETED_WITHIN
        while time.monotonic() < until and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 2).close()
                return True
            except OSError:
                time.sleep(0.05)
        return False

    def pids(self):
        """Its own and its children's, theirs too."""
        found, open_pids = [], [self.process.pid]
        while open_pids:
            pid = open_pids.pop()
            found.append(pid)
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                try:
                    open_pids.extend(int(child) for child in task.read_text().split())
                except OSError:
                    pass
        return found

    def end(self):
        """At once, with every connection: a server that is killed in mid-transfer."""
        if self.process is None:
            return
        for pid in self.pids() if self.process.poll() is None else []:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process = None

    def words(self):
        """For tests/remote/servers.rs."""
        user, password = ("anonymous", "nobody") if self.name == "vsftpd" else (USER, PASSWORD)
        said = {"port": self.port, "root": self.root, "user": user, "password": password, "server": self.name}
        if self.pin:
            # One way to trust for some, the other for the others.
            said |= {"ca": self.folder / "ca.pem"} if self.name in ("vsftpd", "pyftpdlib") else {"pin": self.pin}
        said |= {"implicit": "yes"} if self.mode == IMPLICIT else {}
        said |= {"client": self.folder} if self.mode == CLIENT else {}
        return ";".join(f"{key}={value}" for key, value in said.items())

    def _vsftpd(self, port, first):
        lines = f"""listen=YES
listen_address=127.0.0.1
listen_port={port}
background=NO
anonymous_enable=YES
anon_root={self.root}
no_anon_password=YES
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_umask=022
anon_world_readable_only=NO
allow_writeable_chroot=YES
secure_chroot_dir={self.folder}/empty
ftp_username=daemon
nopriv_user=nobody
seccomp_sandbox=NO
pasv_min_port={first}
pasv_max_port={first + PASSIVE_PORTS}
xferlog_enable=NO
{self.more}"""
        if self.pin:
            lines += f"""ssl_enable=YES
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
rsa_cert_file={self.folder}/cert.pem
rsa_private_key_file={self.folder}/key.key
ssl_ciphers=HIGH
ssl_tlsv1=YES
require_ssl_reuse={"YES" if self.mode in (REUSE, NEWEST) else "NO"}
"""
            lines += "implicit_ssl=YES\n" if self.mode == IMPLICIT else ""
            lines += f"require_cert=YES\nvalidate_cert=YES\nca_certs_file={self.folder}/ca.pem\n" if self.mode == CLIENT else ""
        if self.mode == NEWEST:
            # It has no key for this; its library has.
            (self.folder / "openssl.cnf").write_text(
                "openssl_conf = init\n[init]\nssl_conf = ssl\n[ssl]\nsystem_default = all\n[all]\nMinProtocol = TLSv1.3\n"
            )
            self.environment["OPENSSL_CONF"] = str(self.folder / "openssl.cnf")
        (self.folder / "vsftpd.conf").write_text(lines)
        return [TREE / "usr/sbin/vsftpd", self.folder / "vsftpd.conf"]

    def _pure_ftpd(self, port, first):
        users, table = self.folder / "users", self.folder / "users.pdb"
        if not table.exists():
            words = [TREE / "usr/bin/pure-pw", "useradd", USER, "-f", users, "-u", NOBODY, "-g", NOBODY, "-d", self.root]
            run(*words, input=f"{PASSWORD}\n{PASSWORD}\n", env=self.environment)
            # Its own hash is as slow as the machine bears: four that log in at once would wait for longer than any time-out.
            fields = users.read_text().strip().split(":")
            fields[1] = run("openssl", "passwd", "-6", PASSWORD).strip()
            users.write_text(":".join(fields) + "\n")
            run(TREE / "usr/bin/pure-pw", "mkdb", table, "-f", users, env=self.environment)
        words = [TREE / "usr/sbin/pure-ftpd", "-S", f"127.0.0.1,{port}", "-l", f"puredb:{table}", "-H", "-4", "-E"]
        words += ["-p", f"{first}:{first + PASSIVE_PORTS}", "-L", "200000:5", "-g", self.folder / "pure-ftpd.pid", *self.more.split()]
        if self.pin:
            words += ["-Y", "3", "-2", f"{self.folder}/cert.pem,{self.folder}/key.key"]
        return words

    def _proftpd(self, port, first):
        if not (self.folder / "passwd").exists():
            words = ["perl", TREE / "usr/sbin/ftpasswd", "--passwd", f"--name={USER}", f"--uid={NOBODY}", f"--gid={NOBODY}"]
            words += [f"--home={self.root}", "--shell=/bin/false", "--stdin", f"--file={self.folder}/passwd"]
            run(*words, input=f"{PASSWORD}\n")
        lines = f"""ModulePath {TREE}/usr/lib/proftpd
ServerType standalone
DefaultServer on
DefaultAddress 127.0.0.1
SocketBindTight on
Port {port}
PassivePorts {first} {first + PASSIVE_PORTS}
User nobody
Group nogroup
UseIPv6 off
WtmpLog off
TransferLog none
PidFile {self.folder}/proftpd.pid
ScoreboardFile {self.folder}/proftpd.score
SystemLog {self.folder}/proftpd.log
DelayEngine off
AuthUserFile {self.folder}/passwd
AuthOrder mod_auth_file.c
RequireValidShell off
DefaultRoot ~
AllowStoreRestart on
AllowOverwrite on
"""
        if self.pin:
            lines += f"""LoadModule mod_tls.c
TLSEngine on
TLSLog {self.folder}/proftpd.tls.log
TLSRSACertificateFile {self.folder}/cert.pem
TLSRSACertificateKeyFile {self.folder}/key.key
TLSRequired on
TLSProtocol {"TLSv1.3" if self.mode == NEWEST else "TLSv1.2 TLSv1.3"}
"""
            lines += {TLS: "TLSOptions NoSessionReuseRequired\n", IMPLICIT: "TLSOptions UseImplicitSSL\n"}.get(self.mode, "")
        lines += self.more
        (self.folder / "proftpd.conf").write_text(lines)
        (self.folder / "passwd").chmod(0o600)
        return [TREE / "usr/sbin/proftpd", "-n", "-c", self.folder / "proftpd.conf"]

    def _pyftpdlib(self, port, first):
        program = self.folder / "pyftpd.py"
        program.write_text(PYFTPDLIB.format(user=USER, password=PASSWORD, ports=PASSIVE_PORTS, more=self.more))
        return [PYTHON, program, port, first, self.root, self.folder / "both.pem" if self.pin else ""]


def test(server, name, on_line=lambda: None):
    """One ignored test of tests/remote/servers.rs over this server."""
    words = ["cargo", "test", "--quiet", "--test", "remote", "--", "--ignored", "--exact", f"servers::{name}", "--nocapture"]
    environment = {**os.environ, "NATTPOST_FTP_SERVER": server.words()}
    process = subprocess.Popen(words, cwd=SOURCES, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    until = time.monotonic() + 300
    while process.poll() is None:
        on_line()
        time.sleep(0.02)
        if time.monotonic() > until:
            process.kill()
            raise Broken(f"{server.name}, {server.mode}, {name}: not at an end after 300 s")
    said = process.stdout.read()
    if process.returncode or "1 passed" not in said:
        raise Broken(f"{server.name}, {server.mode}, {name}:\n{said}\nThe server says: {server.log_end()}")


PAIRS = 25


def paired(server):
    """Orders with their PDFs, one half missing: all that are whole are taken as one arrival each, by claim and by look, and the half stays."""
    import post  # which imports this
    for claim in ("rename", "look"):
        place = Path(tempfile.mkdtemp(prefix="nattpost-pairs-"))
        rules = f'[intake.pairs]\nfrom = "ftp:in"\nclaim = "{claim}"\ncompanion = ["{{no}}.csv", "{{no}}.pdf"]\n{post.ORDERS}'
        try:
            post.lay_out(place, server, rules)
            partner = post.Partner(server, None)
            for number in range(PAIRS):
                partner.put("in", f"{number}.csv", (f"{claim}-{number:02}", "1001", [("A1", "1")]))
                paper = server.root / "in" / f"{number}.pdf"
                paper.write_text(f"%PDF-1.4\n{number}\n%%EOF\n")
                paper.chmod(0o666)
                os.utime(paper, (time.time() - 60, time.time() - 60))
            (server.root / "in" / "0.pdf").unlink()
            command = [REPOSITORY / "target" / "debug" / "nattpost", "run", "--once"]
            done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=120)
            taken, left = post.taken(place), post.left_at(server)
            (server.root / "in" / "0.csv").unlink(missing_ok=True)
            wanted = [f"{claim}-{number:02}" for number in range(1, PAIRS)]
            if done.returncode or sorted(taken) != wanted or left != ["0.csv"]:
                said = done.stdout + done.stderr
                raise Broken(f"{server.name}, {server.mode}, pairs by {claim} ended with {done.returncode}, took {taken}, left {left}:\n{said}")
        finally:
            shutil.rmtree(place, ignore_errors=True)


def checked(server):
    """`check --connect` with an intake and a feed there: all is well, and nothing of it stays."""
    words = dict(word.split("=", 1) for word in server.words().split(";"))
    lines = ["name = \"Rig\"", "[remote.ftp]", "kind = \"ftp\"", "host = \"127.0.0.1\"", f"port = {server.port}"]
    lines += [f"user = \"{words['user']}\"", "password = \"env:RIG_PASSWORD\"", "timeout = \"10 s\""]
    if server.pin:
        lines += [f"ca = \"{words['ca']}\"" if "ca" in words else f"pin = \"sha256:{server.pin}\""]
    lines += ["tls = \"implicit\""] if "implicit" in words else [] if server.pin else ["tls = \"none\""]
    if "client" in words:
        import post  # which imports this
        lines += post.client_lines(server)
    lines += ["[intake.orders]", "layouts = [\"nattpost-order-csv\"]", "from = \"ftp:in\"", "match = [\"*.csv\"]"]
    lines += ["[feed.orders]", "layout = \"nattpost-order-csv\"", "file_name = \"o-{run}.csv\"", "to = \"ftp:out\""]
    place = Path(tempfile.mkdtemp(prefix="nattpost-check-"))
    try:
        (place / "partners").mkdir()
        (place / "nattpost.toml").write_text("company = \"Rig\"\n")
        (place / "partners" / "rig.toml").write_text("\n".join(lines) + "\n")
        binary = REPOSITORY / "target" / "debug" / "nattpost"
        environment = {**os.environ, "RIG_PASSWORD": words["password"]}
        done = subprocess.run([binary, "check", "--connect"], cwd=place, env=environment, capture_output=True, text=True, timeout=120)
        said = done.stdout + done.stderr
        wanted = ["intake rig/orders: 1 KiB", "feed rig/orders: 1 KiB", "Its clock goes like ours", "All that was tried is well"]
        wanted += ["TLS 1.2, certificate sha256:", "days left"] if server.pin else ["No TLS"]
        left = [path.name for below in ("in", "out") for path in (server.root / below).iterdir()]
        if done.returncode or left or any(word not in said for word in wanted):
            raise Broken(f"{server.name}, {server.mode}, check --connect ended with {done.returncode}, left {left}:\n{said}\nThe server says: {server.log_end()}")
    finally:
        shutil.rmtree(place, ignore_errors=True)


def broken_and_brought_back(server):
    """The test asks for the server's end by a file; when it is back, another file says so."""
    wanted, back = server.root / "end-it", server.root / "it-is-back"

    def look():
        if wanted.exists():
            port = server.port
            server.end()
            wanted.unlink()
            server.start(port)
            back.touch()

    test(server, "a_server_that_dies_in_mid_transfer_loses_nothing", look)


def main():
    if why := missing():
        raise Broken(why)
    only = sys.argv[1:]
    done = []
    for name, modes in MODES.items():
        for mode in modes:
            if only and not {name, mode, f"{name}/{mode}"} & set(only):
                continue
            folder = Path(tempfile.mkdtemp(prefix="nattpost-servers-"))
            server = Server(name, mode, folder)
            began = time.monotonic()
            try:
                server.start()
                if mode == NEWEST:
                    test(server, "tls_13_with_session_reuse_is_told_with_advice")
                else:
                    test(server, "a_real_server_keeps_the_contract")
                    checked(server)
                    paired(server)
                    test(server, "a_thousand_there_and_a_thousand_back_over_four_connections")
                    broken_and_brought_back(server)
            finally:
                server.end()
                shutil.rmtree(folder, ignore_errors=True)
            done.append(f"{name} {mode}")
            print(f"{name:10} {mode:14} {time.monotonic() - began:5.1f} s", flush=True)
    print(f"{len(done)} servers kept what was asked of them")


if __name__ == "__main__":
    try:
        main()
    except Broken as error:
        sys.exit(f"servers: {error}")
