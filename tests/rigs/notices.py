"""A mail server with STARTTLS and AUTH and an HTTPS webhook of our own, trusted by an authority of our own. They refuse, hang and
cut before they take: every letter arrives, once each; after a kill between sending and noting a second time under the same
identity and never a third; the password stands nowhere but on the wire. Loopback and a temporary folder only.
"""
import base64
import json
import os
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PROGRAM = REPOSITORY / "target" / "debug" / "nattpost"
PASSWORD = "s3cret-of-the-rig"
# A letter has 30 s; a run waits a little longer for it.
A_RUN_S = 60


def certificates(folder):
    run = lambda *words: subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)
    run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=rig")
    run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "request.pem", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    run("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "cert.pem", "-days", "2", "-extfile", "names")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


class Sink(threading.Thread):
    """Takes connections one after the other; `mood` says how the next one is treated: take, refuse, hang, cut."""

    def __init__(self, context):
        super().__init__(daemon=True)
        self.context, self.mood, self.letters, self.problems = context, "take", [], []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ended = threading.Event()
        self.start()

    def run(self):
        while True:
            stream, _ = self.listener.accept()
            stream.settimeout(A_RUN_S)
            try:
                self.talk(stream)
            except (OSError, ssl.SSLError, EOFError) as error:
                self.problems.append(repr(error))
            finally:
                stream.close()

    def hang(self):
        self.ended.wait(A_RUN_S)


class Mail(Sink):
    def talk(self, stream):
        lines, logged_in, secure, body = stream.makefile("rwb"), False, False, None
        say = lambda text: (lines.write(text.encode() + b"\r\n"), lines.flush())
        if self.mood == "hang":
            return self.hang()
        say("554 not today" if self.mood == "refuse" else "220 rig")
        while line := lines.readline():
            word = line.decode().strip()
            if word.startswith("EHLO"):
                say("250-rig\r\n250-STARTTLS\r\n250 AUTH PLAIN" if not secure else "250-rig\r\n250 AUTH PLAIN")
            elif word == "STARTTLS":
                say("220 go")
                lines.close()
                stream = self.context.wrap_socket(stream, server_side=True)
                lines, secure = stream.makefile("rwb"), True
            elif word.startswith("AUTH PLAIN"):
                expected = f"\0nattpost\0{PASSWORD}".encode()
                logged_in = secure and base64.b64decode(word.split()[2]) == expected
                say("235 in" if logged_in else "535 no")
            elif word == "DATA":
                say("354 go")
                body = []
            elif body is not None and word == ".":
                self.letters.append("\n".join(body))
                if self.mood == "cut":
                    return
                say("250 taken")
                body = None
            elif body is not None:
                body.append(word)
            elif word == "QUIT":
                return
            else:
                say("250 ok" if logged_in else "530 log in")

    def ids(self):
        return [next(line for line in letter.splitlines() if line.startswith("Message-ID:")) for letter in self.letters]


class Hook(Sink):
    def talk(self, stream):
        stream = self.context.wrap_socket(stream, server_side=True)
        if self.mood == "hang":
            return self.hang()
        lines = stream.makefile("rwb")
        head = []
        while (line := lines.readline().decode().strip()):
            head.append(line)
        headers = dict(line.split(": ", 1) for line in head[1:])
        body = json.loads(lines.read(int(headers["Content-Length"])))
        if self.mood != "refuse":
            assert headers["Authorization"] == PASSWORD and headers["Idempotency-Key"] == body["id"], headers
            self.letters.append(body)
        if self.mood != "cut":
            status = "503 not today" if self.mood == "refuse" else "204 No Content"
            stream.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())

    def ids(self):
        return [letter["id"] for letter in self.letters]


class Night:
    def __init__(self, folder):
        self.folder, self.said = folder, []
        self.context = certificates(folder)
        self.mail, self.hook = Mail(self.context), Hook(self.context)
        secret = folder / "secret"
        secret.write_text(PASSWORD + "\n")
        secret.chmod(0o600)
        (folder / "partners").mkdir()
        (folder / "nattpost.toml").write_text(
            f'company = "Rig"\n[mail]\nserver = "localhost:{self.mail.port}"\ntls = "starttls"\nfrom = "nattpost@rig.example"\n'
            f'user = "nattpost"\npassword = "file:{secret}"\n[notices.ops]\nmail = ["ops@rig.example"]\n'
            f'[notices.pager]\nwebhook = "https://localhost:{self.hook.port}/in"\nheader = {{ Authorization = "file:{secret}" }}\n'
        )
        (folder / "partners" / "shop.toml").write_text('name = "Shop"\n[intake.orders]\nlayouts = ["nattpost-order-xml"]\nsettle = "rename"\n')

    def run(self, *words, fault=None, code=0):
        environment = os.environ | {"SSL_CERT_FILE": str(self.folder / "ca.pem")}
        environment.pop("SSL_CERT_DIR", None)
        if fault:
            environment["NATTPOST_FAULT"] = fault
        words = words or ("run", "--once")
        done = subprocess.run([PROGRAM, "--config", self.folder / "nattpost.toml", *words], env=environment, capture_output=True, text=True, timeout=3 * A_RUN_S)
        self.said.append(done.stdout + done.stderr)
        expect(done.returncode == code, f"{words} ended with {done.returncode} and not {code}:\n{self.said[-1]}")
        return self.said[-1]

    def ask(self, sql):
        with sqlite3.connect(self.folder / "nattpost.db") as connection:
            return connection.execute(sql).fetchall()

    def mood(self, mood):
        self.mail.mood = self.hook.mood = mood

    def waiting(self):
        return self.ask("SELECT count(*) FROM notice WHERE state = 'waiting'")[0][0]


def expect(is_so, words):
    if not is_so:
        raise SystemExit(f"FAILED: {words}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        night = Night(Path(folder))
        night.run()
        (night.folder / "spool/in/shop/orders/bad.xml").write_text("<orders>")
        night.run()
        night.ask("UPDATE problem SET began_at = '2026-11-07T05:00:00.000Z'")
        for mood, words in [("refuse", ["554 not today", "503 not today"]), ("cut", ["closed"]), ("hang", ["no answer in time"])]:
            night.mood(mood)
            said = night.run()
            for word in words:
                expect(word in said, f"{mood}: the log does not say: {word}\n{said}")
            expect(night.waiting() == 2, f"{mood}: {night.waiting()} notices wait")
            print(f"{mood}: nothing counts as told, both wait")
        expect(len(night.mail.ids()) == len(night.hook.ids()) == 1, "what was cut had arrived once")
        night.mail.ended.set(), night.hook.ended.set()
        night.mood("take")
        # Taken by both, and the process dies before it can note it.
        night.run(fault="kill@store.notice_sent", code=-9)
        expect(night.waiting() == 2, "nothing was noted")
        night.run()
        expect(night.waiting() == 0, "both are noted")
        for sink in (night.mail, night.hook):
            first, *others = [sink.ids().count(one) for one in dict.fromkeys(sink.ids())]
            # Cut, then taken and not noted, then noted: one letter. That the daemon crashed is the other.
            expect((first, others) == (3, [1]), f"one identity, and not more often: {sink.ids()}")
        print("killed between sending and noting: the same letter once more, under the same identity; the crash is a letter of its own")
        before = len(night.mail.ids()), len(night.hook.ids())
        night.run()
        expect((len(night.mail.ids()), len(night.hook.ids())) == before, "what was told is not told again")
        night.run("ignore", "bad.xml", "--comment", "rig")
        night.run()
        expect((len(night.mail.ids()), len(night.hook.ids())) == (before[0] + 1, before[1] + 1), "the end is told once")
        expect(night.hook.letters[-1]["entries"][0]["phase"] == "over", "and it is the end")
        night.run("notice", "test", "ops", "pager")
        for place in [*night.said, *(path.read_bytes().decode("latin-1") for path in night.folder.glob("nattpost.db*"))]:
            expect(PASSWORD not in place, "the password stands in the log or the database")
        # An authority that nobody knows: told as that.
        (night.folder / "ca.pem").write_bytes((night.folder / "cert.pem").read_bytes())
        said = night.run("notice", "test", "ops", "pager", code=69)
        expect("TLS: invalid peer certificate" in said, said)
        print("an unknown authority is refused; the password stands nowhere")


if __name__ == "__main__":
    main()
