"""A shop at a real FTP server: its configuration, the partner who drops orders there and gets them back as files, and what must be
there in the end. For the rigs that break things between the two; it starts, kills and breaks nothing itself.
"""
import os
import re
import time
from pathlib import Path

import night
import promises

NO_TLS = 'tls = "none"'
# What every intake of orders says, and those of a daemon that is waited for.
ACCEPTS = 'settle = "rename"\nlayouts = ["nattpost-order-csv"]\ncustomers = "accept"\narticles = "accept"\n'
ORDERS = f'every = "10 s"\n{ACCEPTS}'
CLAIMED = f'[intake.claimed]\nfrom = "ftp:in"\n{ORDERS}'
LOOKED = f'[intake.looked]\nfrom = "ftp:out"\nclaim = "look"\nafter = "move taken"\n{ORDERS}'
BROUGHT = """[feed.orders]
layout = "nattpost-order-xml"
file_name = "orders_{run}.xml"
to = "ftp:brought"
on_registration = true
"""
# What the partner sends, as night.orders_csv writes it.
ORDERS_BEGIN = b"nattpost;order;"


def shop(port, user, *more, connections=1, host="127.0.0.1", trust=NO_TLS):
    """The partner with his server: his rules follow, and what else is said of the server comes before them."""
    lines = ['name = "Shop"', "[remote.ftp]", 'kind = "ftp"', f'host = "{host}"', f"port = {port}", f'user = "{user}"', 'password = "env:RIG_PASSWORD"']
    return "\n".join([*lines, f"connections = {connections}", trust, *more]) + "\n"


def lay_out(root, server, rules=CLAIMED + LOOKED + BROUGHT, company="", connections=3):
    words = dict(pair.split("=", 1) for pair in server.words().split(";"))
    trust = f'ca = "{words["ca"]}"' if "ca" in words else f'pin = "sha256:{words["pin"]}"' if "pin" in words else 'tls = "none"'
    trust += '\ntls = "implicit"' if "implicit" in words else ""
    if "client" in words:
        trust += "\n" + "\n".join(client_lines(server))
    (root / "partners").mkdir(parents=True, exist_ok=True)
    (root / "nattpost.toml").write_text(f'company = "Nordkap"\n{company}')
    remote = shop(server.port, words["user"], 'timeout = "10 s"', connections=connections, trust=trust)
    (root / "partners" / "shop.toml").write_text(remote + rules)
    for place in ("taken", "brought"):
        (server.root / place).mkdir(exist_ok=True)
        (server.root / place).chmod(0o777)
    os.environ["RIG_PASSWORD"] = words["password"]


def client_lines(server):
    """Who we are, for a server that asks."""
    (server.folder / "client.key").chmod(0o600)
    (server.folder / "client.pem").chmod(0o640)
    return [f'client_cert = "file:{server.folder}/client.pem"', f'client_key = "file:{server.folder}/client.key"']


class Partner:
    """Drops orders, moved in whole; remembers every one. `lines`: how many of an order, one of these by chance."""

    def __init__(self, server, chance, lines=(1, 1, 1, 400)):
        self.root, self.chance, self.orders, self.place = server.root, chance, [], server.folder / "arriving"
        self.lines = lines
        self.place.mkdir(exist_ok=True)

    def drop(self, count, lines=None, folder=None):
        """By chance, where nothing is said."""
        for _ in range(count):
            number = f"K-{len(self.orders)}"
            lines_of_it = [(f"A{n}", "1") for n in range(self.chance.choice(lines or self.lines))]
            self.put(folder or self.chance.choice(["in", "out"]), f"orders {len(self.orders)}.csv", (number, "1001", lines_of_it))
            self.orders.append(number)

    def put(self, folder, name, order, age_s=60):
        part = self.place / name
        part.write_text(night.orders_csv(order))
        part.chmod(0o666)
        # Old enough for its time to tell whether it is still the same.
        then = int(time.time()) - age_s
        os.utime(part, (then, then))
        part.rename(self.root / folder / name)


def left_at(server):
    return sorted(path.name for place in ("in", "out") for path in (server.root / place).iterdir())


def taken(root):
    """The orders in the database, as often as they are there."""
    with promises.Ledger(root) as ledger:
        return sorted(row[0] for row in ledger.rows("SELECT buyer_order_no FROM orders"))


def brought(server):
    """What stands where files are brought: the orders in it, and what is no whole file of ours. The partner leaves what he gets, so
    whatever arrived twice or in half stands there."""
    wrong, numbers = [], []
    for path in sorted((server.root / "brought").iterdir()):
        if not re.fullmatch(r"orders_\d+\.xml", path.name):
            wrong.append(f"{path.name} was left where files are brought")
            continue
        text = path.read_text()
        if not text.rstrip().endswith(">") or text.count("<order>") != text.count("</order>"):
            wrong.append(f"{path.name} is not whole")
        numbers += re.findall(r"<buyer_order_no>([^<]+)<", text)
    return sorted(numbers), wrong


def compare(what, expected, found):
    if sorted(found) == sorted(expected):
        return []
    lost, doubled = sorted(set(expected) - set(found)), sorted({n for n in found if found.count(n) > 1})
    return [f"{what}: lost {lost[:5]} ({len(lost)}), doubled {doubled[:5]} ({len(doubled)}), strange {sorted(set(found) - set(expected))[:5]}"]


def check(root, server, orders):
    wrong = compare("orders in the database", orders, taken(root))
    with promises.Ledger(root) as ledger:
        rows = ledger.rows("SELECT name, state FROM file WHERE partner = 'shop'")
        applied = [name for name, state in rows if state != "vanished"]
        if len(applied) != len(orders) or len(set(applied)) != len(applied):
            wrong.append(f"{len(applied)} files with {len(set(applied))} names for {len(orders)} orders")
        owed = ledger.one("SELECT count(*) FROM collect")[0]
        if owed:
            wrong.append(f"{owed} files are still owed something")
    numbers, odd = brought(server)
    wrong += odd + compare("orders that were brought", orders, numbers)
    if left_at(server):
        wrong.append(f"left at the server: {left_at(server)[:5]}")
    return wrong
