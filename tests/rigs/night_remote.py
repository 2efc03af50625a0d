"""The night over remotes: a shop whose files lie on an FTP server (the scripted double, a process of its own) and in a folder outside of
the spool, and who gets his files there. Collected by claim, with done-files and moved aside, one file replaced after it was listed;
by look, one replaced between fetch and removal with nothing but its content telling; kept, with an empty listing in between; an order
with its PDF, and one whose PDF comes the evening after.
Delivered: under names where older files of the same size stand already, to a server that renames over them and to one that does not;
uploads lost with their connection, a partner who takes at once, orders that are asked about, a done-file, a stump acknowledged as whole; over one
connection, and once over four.

The double's folder and the story that it writes down (`there/`) stand below the night's root, so a copy of the root has them.
"""
import os
import subprocess
import time
from pathlib import Path

import double
import night
import post
import promises_remote
from night import orders_csv, table

# Old enough that its time tells one content from another.
AGE_S = 3600
# A person who is asked asks again at most so often.
ANSWERS_MAX = 4
# More than there are runs of a feed in an evening and its recovery.
OLDER = 9

RULES = f"""[remote.drop]
kind = "folder"
path = "there/drop"
[intake.claimed]
from = "ftp:claimed"
after = "move taken"
{post.ACCEPTS.replace("rename", "done-file .done")}
[intake.looked]
from = "ftp:looked"
claim = "look"
receipt = "nattpost-receipt-csv"
receipt_to = "ftp:receipts"
{post.ACCEPTS}
[intake.kept]
from = "ftp:kept"
claim = "look"
after = "keep"
{post.ACCEPTS}
[intake.pairs]
from = "ftp:pairs"
companion = ["{{no}}.csv", "{{no}}.pdf"]
{post.ACCEPTS}
[intake.dropped]
from = "drop:in"
{post.ACCEPTS}
[feed.orders]
layout = "nattpost-order-xml"
file_name = "orders_{{run}}.xml"
to = "ftp:orders"
on_registration = true
[feed.copies]
layout = "nattpost-order-csv"
file_name = "copy_{{run}}.csv"
to = "drop:out"
on_registration = true
[feed.stock]
layout = "nattpost-stock-csv"
file_name = "stock_{{run}}.csv"
to = "ftp:stock"
[feed.prices]
layout = "nattpost-price-csv"
file_name = "prices_{{run}}.csv"
to = "ftp:prices"
done_file = ".done"
"""

FILES = {
    "nattpost.toml": 'company = "Nordkap"\nzone = "Europe/Berlin"\n',
    "partners/erp.toml": """name = "ERP"
[intake.articles]
layouts = ["nattpost-article-csv"]
settle = "rename"
[intake.stock]
layouts = ["nattpost-stock-csv"]
settle = "rename"
[intake.prices]
layouts = ["nattpost-price-csv"]
settle = "rename"
customers = "accept"
""",
}

FOLDERS = ("claimed", "taken", "looked", "kept", "pairs", "receipts", "orders", "stock", "prices")
# Uploads that did not get their name are lost with their connection; who gets orders takes them before we hear that he has.
ALWAYS = "set lose-temp\nset take-at-once /orders\n"


def order(number, quantity="1"):
    return orders_csv((number, "1001", [("A1", quantity)]))


def paper(number):
    return f"%PDF-1.4\n{number}\n%%EOF\n"


def in_script(text):
    return '"' + text.replace("\n", "\\n") + '"'


# `in` and `commands` as ever; what is asked for says what came the evening before. `there`: what the shop puts on its server (ftp/) or into its folder (drop/). `script`: how the server
# behaves. `trouble`: files, a script and the exit code of a run before the one that is attacked. `hide`, `show`: a folder whose
# listing is empty for an evening. `connections`: how many there may be. `older`: somebody else's files of the size of the newest in
# that folder stand under the next names there, as after a database was restored.
EVENINGS = [
    # By claim: replaced after it was listed, a mixed file, a refused one, one whose done-file is not there.
    {
        "in": {
            "erp/articles/articles.csv": table("article", "article_no;name;unit", "A1;Brake disc;PCE", "A2;Cable;PCE"),
        },
        "there": {
            "ftp/claimed/a.csv": order("C-1"),
            "ftp/claimed/a.csv.done": "",
            "ftp/claimed/b.csv": orders_csv(("C-3", "1001", [("A1", "5")]), ("C-4", "1001", [("A1", "2,5x")])),
            "ftp/claimed/b.csv.done": "",
            "ftp/claimed/c.csv": order("C-5"),
            "ftp/claimed/d.csv": "this is no order file\n",
            "ftp/claimed/d.csv.done": "",
            "drop/in/x.csv": order("X-1"),
            "ftp/pairs/p.csv": order("P-1"),
            "ftp/pairs/p.pdf": paper("P-1"),
            "ftp/pairs/q.csv": order("P-2"),
        },
        "script": f"on RNFR:/claimed/a.csv 1 replace claimed/a.csv {in_script(order('C-2', '22'))}\n",
    },
    # By look: replaced after it was fetched by another of its size and time; what is kept is taken once.
    {
        "in": {
            "erp/stock/stock-1.csv": table("stock", "article_no;warehouse;qty", "A1;HH;10", "A2;HH;70"),
            "erp/prices/prices.csv": table("price", "article_no;currency;price", "A1;EUR;61.25", "A2;EUR;6"),
        },
        "there": {
            "ftp/looked/e.csv": order("L-1"),
            "ftp/looked/f.csv": order("L-3"),
            "ftp/looked/g.csv": "nor is this one\n",
            "ftp/kept/k1.csv": order("K-1"),
            "ftp/kept/k2.csv": order("K-2"),
            "ftp/pairs/q.pdf": paper("P-2"),
        },
        "script": f"on RETR:/looked/e.csv 1 then-swap looked/e.csv {in_script(order('L-2'))}\n",
    },
    # Delivered: orders of which a stump was kept and acknowledged before, stock, prices; what is kept is not to be seen.
    {
        "hide": "kept",
        "trouble": {
            "there": {"ftp/claimed/c.csv.done": ""},
            "script": 'on STOR keep 100 "226 kept"\n',
            "ends": 75,
        },
        "in": {
            "erp/stock/stock-2.csv": table("stock", "article_no;warehouse;qty", "A1;HH;12", "A2;HH;72"),
        },
        "commands": [("send", {"feeds": ["shop/stock", "shop/prices"]})],
    },
    # Where older files stand that are as large, and the server does not rename over them; a name that was taken comes again; what is
    # kept is back, and one of it is another.
    {
        "show": "kept",
        "older": "stock",
        "in": {
            "erp/stock/stock-3.csv": table("stock", "article_no;warehouse;qty", "A1;HH;14", "A2;HH;74"),
        },
        "there": {
            "ftp/claimed/a.csv": order("C-6"),
            "ftp/claimed/a.csv.done": "",
            "ftp/kept/k2.csv": order("K-3"),
        },
        "script": "set keep-old\n",
        "commands": [("send", {"feeds": ["shop/stock"]})],
    },
    # All at once over four connections; stock that could not be brought before is overtaken by a newer one.
    {
        "connections": 4,
        "trouble": {
            "in": {
                "erp/stock/stock-4.csv": table("stock", "article_no;warehouse;qty", "A1;HH;16", "A2;HH;76"),
            },
            "commands": [("send", {"feeds": ["shop/stock"]})],
            "script": 'on STOR reply "552 no room"\n',
            "ends": 75,
        },
        "there": {f"ftp/claimed/m{n}.csv{end}": text for n in range(3) for end, text in ((".done", ""), ("", order(f"M-{n}")))}
        | {f"ftp/looked/n{n}.csv": order(f"N-{n}") for n in range(3)}
        | {"drop/in/y.csv": order("Y-1")},
        "commands": [("send", {"feeds": ["shop/stock"]})],
    },
]

# Written down by hand. L-1 was replaced by its sender: whether we were quicker, the moment of a kill decides.
ORDERS_AT_THE_END = {"C-2", "C-3", "C-5", "C-6", "L-2", "L-3", "K-1", "K-2", "K-3", "P-1", "P-2", "X-1", "M-0", "M-1", "M-2", "N-0", "N-1", "N-2", "Y-1"}
MAYBE = "L-1"
# Taken on the second evening, or by the next look.
LATE = "L-2"


def older(there, folder):
    newest = max((there / "ftp" / folder).iterdir())
    head, number, ending = newest.name[:-10], int(newest.name[-10:-4]), newest.suffix
    return {f"ftp/{folder}/{head}{number + n:06}{ending}": "older".ljust(newest.stat().st_size, ".") for n in range(1, OLDER + 1)}


class Remote(night.Night):
    files, evenings, receipts = FILES, EVENINGS, ("shop/looked",)
    double = None

    def lay_out(self, root):
        night.lay_out(root, self.files)
        there = Path(root) / "there"
        for name in [f"ftp/{folder}" for folder in FOLDERS] + ["drop/in", "drop/out", "history"]:
            (there / name).mkdir(parents=True)
        if self.double:
            self.double.end()
        self.double = double.Double(there / "ftp", there)
        self.configure(root, 1)

    def configure(self, root, connections):
        shop = post.shop(self.double.port, double.USER, 'timeout = "5 s"', connections=connections)
        (Path(root) / "partners" / "shop.toml").write_text(shop + RULES)

    def env(self, root):
        """Asked before each run: the double is in the evening that this copy of the night is in, and nobody is connected."""
        begun = Path(root) / "there" / "begun"
        if begun.exists():
            self.double.rest()
        else:
            # A copy of the evening's beginning.
            self.double.become((Path(root) / "there" / "evening").read_text())
            begun.touch()
        return {"RIG_PASSWORD": double.PASSWORD}

    def arrive(self, root, number):
        evening, there = self.evenings[number], Path(root) / "there"
        self.configure(root, evening.get("connections", 1))
        if folder := evening.get("hide"):
            (there / "ftp" / folder).rename(there / "hidden")
            (there / "ftp" / folder).mkdir()
        if folder := evening.get("show"):
            (there / "ftp" / folder).rmdir()
            (there / "hidden").rename(there / "ftp" / folder)
        if trouble := evening.get("trouble"):
            self.put(root, trouble.get("there", {}))
            night.drop(root, trouble, number + len(self.evenings))
            self.behave(root, trouble["script"])
            code, said = night.run(root, env=self.env(root))
            if wrong := self.look(root):
                raise night.Broken("the run in trouble:\n  " + "\n  ".join(wrong))
            if code != trouble["ends"]:
                raise night.Broken(f"the run in trouble ends with {code}, expected was {trouble['ends']}:\n{night.tail(said)}")
        if folder := evening.get("older"):
            self.put(root, older(there, folder))
        self.put(root, evening.get("there", {}))
        night.drop(root, evening, number)
        self.behave(root, evening.get("script", ""))

    def behave(self, root, script):
        (Path(root) / "there" / "evening").write_text(ALWAYS + script)
        (Path(root) / "there" / "begun").unlink(missing_ok=True)

    def put(self, root, files):
        """By the shop: moved in whole, and written down like what it does by the server's script."""
        there = Path(root) / "there"
        for name, text in files.items():
            target, part = there / name, there / "part"
            if target.exists():
                promises_remote.tell(there, "displaced", name, target)
            part.write_text(text)
            # None has the second of another: an evening may be over within one.
            made_at = time.time() - AGE_S + 2 * len(promises_remote.story(root))
            os.utime(part, (made_at, made_at))
            part.rename(target)
            promises_remote.tell(there, "put", name, target)

    def go_on(self, root):
        """Orders of which nobody knows whether they arrived: a person asks the shop, and says so."""
        self.double.rest()
        for _ in range(ANSWERS_MAX):
            unknown = promises_remote.unknown(root)
            if not unknown:
                return
            for run, word in unknown:
                self.call(root, word, run)
            code, said = night.run(root, env=self.env(root))
            if code != 0:
                raise night.Broken(f"the run after a person's word ends with {code}: {night.tail(said, 3)}")
            self.double.rest()
        raise night.Broken(f"a person was asked {ANSWERS_MAX} times about {unknown}")

    def call(self, root, *words):
        command = [night.BINARY, "--config", str(Path(root) / "nattpost.toml"), *words]
        done = subprocess.run(command, cwd=root, env=os.environ | self.env(root), capture_output=True, text=True, timeout=night.RUN_SECONDS_MAX)
        if done.returncode:
            raise night.Broken(f"{' '.join(words)} ends with {done.returncode}: {done.stderr}")

    def look(self, root):
        self.double.rest()
        return promises_remote.at_any_moment(root)

    def rest(self, root):
        return promises_remote.at_rest(root)

    def picture(self, root):
        return promises_remote.picture(root, (MAYBE, LATE))

    def at_the_end(self, root):
        return promises_remote.orders(root, ORDERS_AT_THE_END, {MAYBE})


NIGHT = Remote()
