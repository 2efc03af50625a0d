"""The first half of the night: a small company and some evenings of its files. Every journey is in it: good, mixed and refused
orders, rejects, receipts, duplicates, changed content, held and released orders, a corrected reject come back, master data, closing
stock, prices, status, an unchanged file, feeds on request and on a due time, retry and ignore, a file whose reading ends the process,
one that is taken away after it was seen, orders replaced before they went out, originals past their days.
"""
import night
import promises
from night import orders_csv, orders_xml, table

FILES = {
    "nattpost.toml": 'company = "Nordkap"\nzone = "Europe/Berlin"\n',
    "partners/dealer.toml": """name = "Dealer"
[intake.orders]
layouts = ["nattpost-order-csv"]
settle = "rename"
customers = "wait 24 h"
articles = "wait 24 h"
receipt = "nattpost-receipt-csv"
[intake.strict]
layouts = ["nattpost-order-csv"]
settle = "rename"
policy = "whole-file"
customers = "accept"
articles = "accept"
receipt = "nattpost-receipt-csv"
[feed.stock]
layout = "nattpost-stock-csv"
file_name = "stock_{run}.csv"
[feed.status]
layout = "nattpost-order-status-xml"
file_name = "status_{run}.xml"
folder = "status"
""",
    "partners/erp.toml": """name = "ERP"
[intake.customers]
layouts = ["nattpost-customer-csv"]
settle = "rename"
[intake.articles]
layouts = ["nattpost-article-csv"]
settle = "rename"
[intake.stock]
layouts = ["nattpost-stock-csv"]
settle = "done-file .done"
absent = "close"
scope = ["warehouse"]
[intake.prices]
layouts = ["nattpost-price-csv"]
settle = "rename"
customers = "accept"
[intake.status]
layouts = ["nattpost-order-status-csv"]
settle = "rename"
[feed.orders]
layout = "nattpost-order-xml"
file_name = "orders_{run}.xml"
schedule = "0 0 1 1 *"
""",
    "partners/branch.toml": """name = "Branch"
[intake.orders]
layouts = ["nattpost-order-csv"]
settle = "rename"
customers = "accept"
articles = "accept"
on_change = "replace-until-exported"
originals = "redact after 10 d, keep 3000 d"
[intake.short]
layouts = ["nattpost-order-csv"]
settle = "rename"
customers = "accept"
articles = "accept"
originals = "keep 10 d"
""",
    "partners/webshop.toml": """name = "Web shop"
[intake.orders]
layouts = ["nattpost-order-xml"]
settle = "rename"
customers = "check"
articles = "check"
order_numbers = "own"
receipt = "nattpost-receipt-xml"
[feed.prices]
layout = "nattpost-price-csv"
file_name = "prices_{run}.csv"
schedule = "0 0 1 1 *"
""",
}

EVENINGS = [
    # Orders before their customer and article, a mixed file, refused files, master data.
    {
        "in": {
            "dealer/orders/a-waits.csv": orders_csv(("D-1", "1001", [("A1", "2")]), ("D-2", "1001", [("A2", "1")])),
            "dealer/orders/b-mixed.csv": orders_csv(
                ("D-3", "1001", [("A1", "5")]), ("D-4", "1001", [("A1", "2,5x")]), ("D-5", "1001", [("A2", "1"), ("A1", "9")])
            ),
            "dealer/orders/c-bad.csv": orders_csv(("D-6", "1001", [("A1", "many")])),
            "dealer/strict/d-whole.csv": orders_csv(("D-7", "1001", [("A1", "1")]), ("D-8", "1001", [("A1", "x")])),
            "dealer/orders/e-odd.csv": "this is no order file\n",
            "erp/customers/customers.csv": table("customer", "customer_no;name", "1001;Müller & Söhne", "2001;Åkerlund"),
            "erp/articles/articles.csv": table("article", "article_no;name;unit", "A1;Brake disc;PCE", "A2;Cable;PCE"),
            "erp/stock/stock-1.csv": table("stock", "article_no;warehouse;qty", "A1;HH;10", "A2;HH;7", "A1;B;3"),
            "erp/stock/stock-1.csv.done": "",
            "erp/prices/prices.csv": table("price", "article_no;currency;price", "A1;EUR;61.25", "A2;EUR;6"),
        },
        "commands": [],
    },
    # Duplicates, changed content, closing stock, an article nobody knows, a status.
    {
        "in": {
            "dealer/orders/f-again.csv": orders_csv(("D-1", "1001", [("A1", "2")]), ("D-3", "1001", [("A1", "5")])),
            "dealer/orders/g-changed.csv": orders_csv(("D-3", "1001", [("A1", "6")])),
            "dealer/orders/h-new.csv": orders_csv(("D-9", "1001", [("A1", "1")]), ("D-10", "3001", [("A1", "1")])),
            "erp/stock/stock-2.csv": table("stock", "article_no;warehouse;qty", "A1;HH;4"),
            "erp/stock/stock-2.csv.done": "",
            "erp/status/status.csv": table(
                "order_status", "partner;customer_no;buyer_order_no;order_no;status", "dealer;1001;D-1;500;confirmed"
            ),
            "dealer/orders/i-late.csv": orders_csv(("D-11", "1001", [("A2", "3")])),
            "webshop/orders/w-1.xml": orders_xml(("W-1", "2001", [("A1", "1")]), ("W-2", "2001", [("A2", "4")])),
            "webshop/orders/w-2.xml": orders_xml(("W-3", "2001", [("A9", "1")]), ("W-4", "2001", [("A1", "1")])),
        },
        "commands": [],
    },
    # The article comes; the changed order is closed by a person; stock, status and orders go out on request.
    {
        "in": {
            "erp/articles/articles-2.csv": table("article", "article_no;name;unit", "A9;Cap;PCE"),
        },
        "commands": [("ignore", {"reason": "content-changed"}), ("send", {"feeds": ["dealer/stock", "dealer/status", "erp/orders"]})],
    },
    # Retry, a corrected reject come back, an unchanged file.
    {
        "in": {
            "erp/articles/articles-2b.csv": table("article", "article_no;name;unit", "A9;Cap;PCE"),
            "webshop/orders/w-3.xml": orders_xml(("W-5", "2001", [("A9", "2")])),
        },
        "rejects": {"dealer/orders/b-mixed.csv": ("2,5x", "2.5")},
        "commands": [("retry", {"reason": "article-unknown"})],
    },
    # Nothing comes; the due time of two feeds has passed.
    {"in": {}, "commands": [], "due": ["erp/orders", "webshop/prices"]},
    # Reading a file has ended the process three times; an order is sent anew with other fields before it went out.
    {
        "before": {
            "in": {"branch/orders/k-crash.csv": orders_csv(("K-1", "1001", [("A1", "1")]))},
            "faults": ["kill@spool.open", "kill@spool.open", "kill@spool.open"],
        },
        "in": {
            "branch/orders/r-1.csv": orders_csv(("R-1", "1001", [("A1", "1")]), ("R-2", "1001", [("A2", "2")])),
            "branch/orders/r-2.csv": orders_csv(("R-1", "1001", [("A1", "7"), ("A2", "1")])),
            "branch/short/s-1.csv": orders_csv(("S-1", "1001", [("A1", "3")])),
        },
        "commands": [],
        "codes": {"k-crash.csv": "crashed-while-reading"},
    },
    # It is judged again by a person's word; originals are past their days; a file was seen and is taken away before it is claimed.
    {
        "before": {
            "in": {"branch/orders/gone-1.csv": orders_csv(("G-1", "1001", [("A1", "1")]))},
            "faults": ["kill@spool.rename"],
            "taken": ["branch/orders/gone-1.csv"],
        },
        "aged": {"branch/r-1.csv": 40, "branch/r-2.csv": 40, "branch/s-1.csv": 40},
        "in": {"branch/orders/t-1.csv": orders_csv(("T-1", "1001", [("A1", "1")]))},
        "commands": [("retry", {"reason": "crashed-while-reading"})],
        "codes": {"k-crash.csv": ""},
    },
]

# Written down by hand, so that an expectation taken from a run of the program cannot be wrong with it.
ORDERS_AT_THE_END = {
    "dealer": {"D-1", "D-2", "D-3", "D-4", "D-5", "D-9", "D-11"},
    "webshop": {"W-1", "W-2", "W-3", "W-4", "W-5"},
    "branch": {"K-1", "R-1", "R-2", "S-1", "T-1"},
}
HELD_AT_THE_END = {"D-10"}


class First(night.Night):
    files, evenings = FILES, EVENINGS
    receipts = ("dealer/orders", "dealer/strict", "webshop/orders")

    def at_the_end(self, root):
        wrong = []
        with promises.Ledger(root) as ledger:
            for partner, numbers in ORDERS_AT_THE_END.items():
                found = [r[0] for r in ledger.rows("SELECT buyer_order_no FROM orders WHERE partner = ?", partner)]
                if sorted(found) != sorted(numbers):
                    wrong.append(f"orders of {partner} are {sorted(found)}, expected {sorted(numbers)}")
            held = [r[0] for r in ledger.rows("SELECT key FROM message WHERE verdict = 'held'")]
            if sorted(key.split("/")[-1].strip() for key in held) != sorted(HELD_AT_THE_END):
                wrong.append(f"held are {held}, expected {HELD_AT_THE_END}")
        return wrong


NIGHT = First()
