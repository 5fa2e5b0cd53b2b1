"""How fast the Python client imports invoices, one request after the other, and what of that is the client itself.

Arguments: the server's address and a write key; optionally how many invoices, how many customers and how many invoices go into
one request. The client's own share is measured by sending the same requests to a server in this machine's memory that answers at
once.
"""

import datetime
import http.server
import json
import sys
import threading
import time
import urllib.request

import chartmogul

base, key = sys.argv[1:3]
count = int(sys.argv[3]) if len(sys.argv) > 3 else 15000
people = int(sys.argv[4]) if len(sys.argv) > 4 else 1000
each = int(sys.argv[5]) if len(sys.argv) > 5 else 1


def config(address):
    made = chartmogul.Config(key, max_retries=0)
    made.uri = address + "/v1"
    return made


def invoices(number, plan, prefix):
    """The `number`-th of a customer's invoices."""
    month = datetime.datetime(2020, 1, 1) + datetime.timedelta(days=31 * number)
    start, end = month.strftime("%Y-%m-%d 00:00:00"), (month + datetime.timedelta(days=31)).strftime("%Y-%m-%d 00:00:00")
    return {
        "external_id": f"{prefix}-{number}",
        "date": start,
        "currency": "USD",
        "line_items": [
            {
                "type": "subscription",
                "subscription_external_id": f"s-{prefix}",
                "plan_uuid": plan,
                "service_period_start": start,
                "service_period_end": end,
                "amount_in_cents": 1000 + 10 * (number % 7),
                "quantity": 1,
            }
        ],
        "transactions": [{"type": "payment", "date": start, "result": "successful"}],
    }


def send(cm, customers, plan):
    """Seconds for all invoices."""
    began = time.perf_counter()
    per = count // len(customers)
    for first in range(0, per, each):
        for prefix, uuid in customers:
            data = {"invoices": [invoices(n, plan, prefix) for n in range(first, min(first + each, per))]}
            chartmogul.Invoice.create(cm, uuid=uuid, data=data).get()
    return time.perf_counter() - began


class AtOnce(http.server.BaseHTTPRequestHandler):
    """Answers what the real server would, without doing anything."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
        for invoice in sent["invoices"]:
            invoice.update(uuid="inv_1")
        body = json.dumps(sent).encode()
        self.send_response(201)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Ready(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), AtOnce)

    def run(self):
        self.server.serve_forever()


cm = config(base)
source = chartmogul.DataSource.create(cm, data={"name": f"Load {time.time_ns()}"}).get()
plan = chartmogul.Plan.create(cm, data={"data_source_uuid": source.uuid, "name": "Load", "interval_count": 1, "interval_unit": "month"}).get()
customers = []
for number in range(people):
    made = chartmogul.Customer.create(cm, data={"data_source_uuid": source.uuid, "external_id": f"c{number}"}).get()
    customers.append((f"{source.uuid[-6:]}-{number}", made.uuid))
ready = Ready()
ready.start()
nothing = config(f"http://127.0.0.1:{ready.server.server_port}")
client = send(nothing, customers, plan.uuid)
whole = send(cm, customers, plan.uuid)
began = time.perf_counter()
months = chartmogul.Metrics.mrr(cm, start_date="2020-01-01", end_date="2021-12-31", interval="month").get()
told = time.perf_counter() - began
per = count // people * people / each
print(f"{count // people * people} invoices in {per:.0f} requests: {whole:.1f} s, {whole / per * 1000:.2f} ms each; against a server that does nothing {client:.1f} s, {client / per * 1000:.2f} ms each: ratio {whole / client:.2f}; figures after {told:.2f} s, MRR {months.entries[-1].mrr}")
