"""What the Python client left has to be there after the server was killed, and the figures of the API and of the command line
have to be the same, cent for cent.

Arguments: the server's address, a key, the program `netnew` and the book.
"""

import json
import subprocess
import sys
from decimal import Decimal

import chartmogul

base, key, netnew, book = sys.argv[1:5]
cm = chartmogul.Config(key, max_retries=0)
cm.uri = base + "/v1"

customers = chartmogul.Customer.all(cm).get().entries
assert [c.external_id for c in customers] == ["ada", "carl", "dora", "erin", "fred", "gina"], customers
assert [c.mrr for c in customers] == [4000, 4348, 8009, 1500, 3500, 1200], [c.mrr for c in customers]

for interval in ["day", "week", "month", "quarter", "year"]:
    for more, where in [({}, []), ({"plans": "Bronze"}, ["--where", "plan=Bronze"])]:
        said = chartmogul.Metrics.mrr(cm, start_date="2024-11-01", end_date="2025-12-31", interval=interval, **more).get()
        command = [netnew, "--book", book, "mrr", "--policy", "chartmogul", "--interval", interval, "--from", "2024-11-01", "--to", "2025-12-31", "--as-of", "2025-12-31", "--format", "json", *where]
        rows = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["rows"]
        assert len(rows) == len(said.entries), (interval, len(rows), len(said.entries))
        cents = lambda text: int(Decimal(text) * 100)
        for row, entry in zip(rows, said.entries):
            want = [row["end"], row["new"], row["expansion"], row["contraction"], row["churn"], row["reactivation"]]
            got = [entry.mrr, entry.mrr_new_business, entry.mrr_expansion, entry.mrr_contraction, entry.mrr_churn, entry.mrr_reactivation]
            assert [cents(w) for w in want] == got, (interval, row, entry)
        before = None
        for entry in said.entries if not more else []:
            moved = entry.mrr_new_business + entry.mrr_expansion + entry.mrr_contraction + entry.mrr_churn + entry.mrr_reactivation
            assert before is None or before + moved == entry.mrr, (interval, before, moved, entry.mrr)
            before = entry.mrr

# A figure opens down to the very request.
shown = json.loads(subprocess.run([netnew, "--book", book, "customer", "carl", "--format", "json", "--as-of", "2025-12-31"], check=True, capture_output=True, text=True).stdout)
states = [fact for fact in shown["facts"] if fact["says"] == "state"]
assert len(states) == 1 and states[0]["payload"]["file"] == "In-house API" and states[0]["payload"]["row"] > 0, states
checks = json.loads(subprocess.run([netnew, "--book", book, "check", "--format", "json", "--as-of", "2025-12-31"], check=True, capture_output=True, text=True).stdout)
bad = [row for row in checks["rows"] if row.get("ok") is False or row.get("status") == "failed"]
assert not bad, bad
print("after a kill, and against the command line: the same")
