#!/usr/bin/env python3
"""A flood of signed deliveries against a server on this machine, and whether all of it is there.

    python3 bench/webhooks.py --netnew target/release/netnew --rate 1000 --seconds 60
    python3 bench/webhooks.py --floor target/release/examples/floor --rate 1000 --seconds 60

It makes a book, serves it on a free port of 127.0.0.1, and sends deliveries on an open schedule: each is due at its moment,
whether or not earlier ones were answered, and its latency counts from then. One third changes a subscription's quantity, one third
are invoices, one third charges. 503 is counted and sent again, as Stripe would. At the end the book has to hold every change that
was answered with 200: MRR to the cent, and the number of payments. While the flood lasts the total is asked for twice a second, and has
to hold what was answered a second before. With --floor it only measures a server that appends and syncs, without a book.

Count and time are bounded (at most 5,000 a second for 300 seconds), and only 127.0.0.1 is ever talked to.
"""
import argparse, collections, hashlib, hmac, heapq, http.client, json, os, random, re, selectors, socket, subprocess, sys, tempfile, threading, time

SECRET = "whsec_flood"
PRICE = 1000


def events(count, rng):
    """Bodies in an order in which steps of one subscription may overtake each other a little."""
    steps = max(1, count // 3)
    subs = max(1, steps // 5)
    base = int(time.time()) - 20 * 86400
    made = []
    for step in range(steps):
        n, quantity = step % subs, step // subs + 1
        at = base + 60 * (step // subs) + n % 60
        sub, cus = f"sub_{n:06}", f"cus_{n:06}"
        price = {"id": "price_1", "object": "price", "currency": "usd", "unit_amount": PRICE, "product": "prod_1", "nickname": "Pro",
                 "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"}}

        def items(quantity):
            return {"object": "list", "has_more": False, "data": [{"id": f"si_{n:06}", "object": "subscription_item", "created": base,
                    "quantity": quantity, "price": price, "current_period_start": base, "current_period_end": base + 30 * 86400}]}
        body = {"id": sub, "object": "subscription", "customer": cus, "status": "active", "created": base, "start_date": base,
                "currency": "usd", "livemode": True, "discounts": [], "metadata": {"team": "x" * 200}, "items": items(quantity)}
        kind = "customer.subscription.created" if quantity == 1 else "customer.subscription.updated"
        data = {"object": body}
        if quantity > 1:
            data["previous_attributes"] = {"items": items(quantity - 1)}
        invoice = {"id": f"in_{step:07}", "object": "invoice", "customer": cus, "created": at, "status": "paid", "currency": "usd",
                   "livemode": True, "billing_reason": "subscription_update", "total": PRICE, "payment_intent": f"pi_{step:07}",
                   "parent": {"type": "subscription_details", "subscription_details": {"subscription": sub}},
                   "status_transitions": {"finalized_at": at, "paid_at": at},
                   "lines": {"object": "list", "has_more": False, "data": [{"id": f"il_{step}", "object": "line_item", "amount": PRICE,
                             "currency": "usd", "quantity": quantity, "description": "Pro",
                             "period": {"start": at, "end": base + 30 * 86400},
                             "parent": {"type": "subscription_item_details", "subscription_item_details":
                                        {"subscription": sub, "subscription_item": f"si_{n:06}", "proration": False}},
                             "pricing": {"price_details": {"price": "price_1", "product": "prod_1"}}}]}}
        charge = {"id": f"ch_{step:07}", "object": "charge", "customer": cus, "created": at, "amount": PRICE, "amount_captured": PRICE,
                  "amount_refunded": 0, "captured": True, "currency": "usd", "status": "succeeded", "paid": True, "livemode": True,
                  "payment_intent": f"pi_{step:07}", "payment_method_details": {"type": "card"}, "metadata": {"note": "y" * 200}}
        three = [(kind, body and data, (n, quantity)), ("invoice.paid", {"object": invoice}, None),
                 ("charge.succeeded", {"object": charge}, None)]
        for part, (kind, data, change) in enumerate(three):
            event = {"id": f"evt_{step:07}_{part}", "object": "event", "api_version": "2025-03-31.basil", "type": kind, "created": at,
                     "livemode": True, "data": data}
            made.append((len(made) + rng.random() * 200, json.dumps(event).encode(), change))
    made.sort(key=lambda m: m[0])
    return [(body, change) for _, body, change in made]


def request(body, path, host):
    t = str(int(time.time()) + 60)
    sign = hmac.new(SECRET.encode(), t.encode() + b"." + body, hashlib.sha256).hexdigest()
    head = (f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"Stripe-Signature: t={t},v1={'0' * 64},v1={sign}\r\n\r\n")
    return head.encode() + body


class Flood:
    """An open-loop client: many kept connections, one request at a time on each."""

    def __init__(self, host, port, requests, rate, stop_after):
        self.host, self.port, self.requests, self.rate = host, port, requests, rate
        self.stop_after = stop_after
        self.select = selectors.DefaultSelector()
        self.free, self.open = collections.deque(), 0
        self.latency, self.refused, self.broken = [], 0, 0
        self.acked = []          # (moment, index)
        self.pending = []        # (due, first due, index)

    def connection(self):
        if self.free:
            return self.free.popleft()
        if self.open >= 4000:
            return None
        sock = socket.create_connection((self.host, self.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        self.open += 1
        return {"sock": sock, "in": b"", "out": b""}

    def run(self):
        begun = time.monotonic()
        self.begun = begun
        at, flying, total = 0, 0, len(self.requests)
        while at < total or flying or self.pending:
            now = time.monotonic()
            if now - begun > self.stop_after:
                break
            while True:
                if self.pending and self.pending[0][0] <= now:
                    _, first, index = heapq.heappop(self.pending)
                elif at < total and begun + at / self.rate <= now:
                    first, index = begun + at / self.rate, at
                    at += 1
                else:
                    break
                held = self.connection()
                if held is None:
                    heapq.heappush(self.pending, (now + 0.05, first, index))
                    break
                held.update({"first": first, "index": index, "out": self.requests[index], "in": b""})
                flying += 1
                self.send(held)
                self.select.register(held["sock"], selectors.EVENT_READ | (selectors.EVENT_WRITE if held["out"] else 0), held)
            for key, mask in self.select.select(0.001):
                held = key.data
                try:
                    if mask & selectors.EVENT_WRITE:
                        self.send(held)
                        if not held["out"]:
                            self.select.modify(held["sock"], selectors.EVENT_READ, held)
                    if mask & selectors.EVENT_READ:
                        got = held["sock"].recv(65536)
                        if not got:
                            raise ConnectionError
                        held["in"] += got
                        if self.whole(held["in"]):
                            self.select.unregister(held["sock"])
                            flying -= 1
                            self.answered(held)
                            self.free.append(held)
                except (ConnectionError, OSError):
                    self.select.unregister(held["sock"])
                    held["sock"].close()
                    self.open -= 1
                    flying -= 1
                    self.broken += 1
        self.took = time.monotonic() - begun

    @staticmethod
    def send(held):
        try:
            sent = held["sock"].send(held["out"])
            held["out"] = held["out"][sent:]
        except BlockingIOError:
            pass

    @staticmethod
    def whole(text):
        head, sep, body = text.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: *(\d+)", head)
        return bool(sep) and len(body) >= int(found.group(1) if found else 0)

    def answered(self, held):
        now = time.monotonic()
        status = int(held["in"][9:12])
        if status == 200:
            self.latency.append(now - held["first"])
            self.acked.append((now, held["index"]))
        elif status == 503:
            self.refused += 1
            heapq.heappush(self.pending, (now + 2, held["first"], held["index"]))
        else:
            sys.exit(f"answered {status}: {held['in'][:400]!r}")


def quantile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--netnew", help="the binary")
    parser.add_argument("--floor", help="a server that only appends and syncs, to compare with")
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--dir", help="where to put the book (a folder that is removed again otherwise)")
    args = parser.parse_args()
    if not (0 < args.rate <= 5000 and 0 < args.seconds <= 300) or bool(args.netnew) == bool(args.floor):
        sys.exit("give --netnew or --floor, a rate of at most 5000 and at most 300 seconds")
    folder = args.dir or tempfile.mkdtemp(prefix="netnew-flood-")
    book = os.path.join(folder, "book")
    made = events(args.rate * args.seconds, random.Random(7))
    env = {**os.environ, "NETNEW_WEBHOOK_SECRET_STRIPE": SECRET}
    key = None
    if args.netnew:
        run = lambda *a: json.loads(subprocess.run([args.netnew, "--book", book, *a, "--format", "json"], check=True, capture_output=True).stdout)
        run("init")
        key = subprocess.run([args.netnew, "--book", book, "keys", "create", "flood", "--scope", "read"], check=True,
                             capture_output=True, text=True).stdout.strip()
        server = subprocess.Popen([args.netnew, "--book", book, "serve", "--addr", "127.0.0.1:0"], env=env, stderr=subprocess.PIPE, text=True)
    else:
        server = subprocess.Popen([args.floor, os.path.join(folder, "log")], env=env, stderr=subprocess.PIPE, text=True)
    port = None
    for line in server.stderr:
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        if found:
            port = int(found.group(1))
            break
    threading.Thread(target=lambda: [None for _ in server.stderr], daemon=True).start()
    host = f"127.0.0.1:{port}"
    path = "/webhooks/stripe/stripe"
    requests = [request(body, path, host) for body, _ in made]
    flood = Flood("127.0.0.1", port, requests, args.rate, args.seconds * 3 + 30)
    late, looked = [], []

    def expected(until):
        best = {}
        for moment, index in list(flood.acked):
            change = made[index][1]
            if change and moment <= until:
                best[change[0]] = max(best.get(change[0], 0), change[1])
        return sum(best.values()) * PRICE / 100

    def watch():
        while not getattr(flood, "took", None):
            time.sleep(0.5)
            asked = time.monotonic()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/api/v1/metrics?name=mrr", headers={"Authorization": f"Bearer {key}"})
            answer = connection.getresponse().read()
            took = time.monotonic() - asked
            rows = json.loads(answer).get("rows") or [{}]
            total = float(rows[-1].get("value") or 0)
            behind = expected(asked - 1) - total
            looked.append(took)
            if behind > 0.001:
                late.append((round(asked - flood.begun, 1), behind))
    if key:
        threading.Thread(target=watch, daemon=True).start()
    flood.run()
    done = flood.latency
    result = {
        "what": "floor" if args.floor else "netnew", "rate": args.rate, "seconds": args.seconds, "sent": len(made), "answered": len(done),
        "turned_away": flood.refused, "broken": flood.broken, "took_s": round(flood.took, 2), "connections": flood.open,
        "latency_ms": {name: round(quantile(done, share) * 1000, 1) for name, share in [("p50", .5), ("p95", .95), ("p99", .99), ("max", 1)]},
    }
    time.sleep(1)
    status = open(f"/proc/{server.pid}/status").read()
    result["server_peak_mib"] = int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) // 1024
    ticks = open(f"/proc/{server.pid}/stat").read().rsplit(")", 1)[1].split()
    result["server_cpu_s"] = round((int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK"), 1)
    server.terminate()
    server.wait()
    if key:
        rows = run("metrics", "mrr")["rows"]
        payments = run("metrics", "cash_collected", "--from", time.strftime("%Y-%m-%d", time.gmtime(time.time() - 40 * 86400)))["rows"]
        there = float(rows[-1]["value"] or 0)
        cash = sum(float(row["value"] or 0) for row in payments)
        charged = sum(1 for _, index in flood.acked if b'"charge.succeeded"' in made[index][0]) * PRICE / 100
        result.update({"mrr": there, "mrr_expected": expected(float("inf")), "cash": cash, "cash_expected": charged,
                       "looked": len(looked), "look_ms_p50": round(quantile(looked, .5) * 1000, 1), "look_ms_max": round(max(looked, default=0) * 1000, 1),
                       "behind_by_more_than_a_second": late})
    print(json.dumps(result, indent=1))
    if not args.dir:
        subprocess.run(["rm", "-rf", folder])
    if key and (result["mrr"] != result["mrr_expected"] or cash != charged or len(done) != len(made)):
        sys.exit("something is missing")


main()
