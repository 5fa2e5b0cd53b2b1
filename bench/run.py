#!/usr/bin/env python3
"""netnew against DuckDB, in turns, on the same facts. See bench/README.md."""
import argparse, json, os, pathlib, random, resource, shutil, statistics, subprocess, sys, threading, time, venv

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "netnew"

# Level per item; `%(...)s` is what a policy changes. Money is DOUBLE, as the playbook has it.
FACTORS = """CASE interval WHEN 'month' THEN 1.0 WHEN 'year' THEN 1.0 / 12
    WHEN 'week' THEN %(week)s ELSE %(day)s END"""
PLAIN = """SELECT {customer} AS customer, {item} AS item, currency, effective_at AS since,
    CASE WHEN status IN (%(statuses)s) THEN CAST(amount AS DOUBLE) * quantity * (""" + FACTORS + """) / interval_count ELSE 0 END AS mrr
    FROM {source}"""
HARD = """SELECT customer, item, currency, since, CASE WHEN counts THEN mrr * (1 - off) ELSE 0 END AS mrr FROM (
    WITH s AS (SELECT {customer} AS customer, {item} AS item, currency, effective_at AS since, status, trial_end, discount_until AS until,
        status IN (%(statuses)s) AS counts, coalesce(discount_percent, 0) / 100.0 AS off,
        CAST(amount AS DOUBLE) * quantity * (""" + FACTORS + """) / interval_count AS mrr,
        lead(effective_at) OVER (PARTITION BY {item} ORDER BY effective_at) AS next_at FROM {source})
    SELECT customer, item, currency, since, counts, mrr, CASE WHEN until > since THEN off ELSE 0 END AS off FROM s
    UNION ALL
    SELECT customer, item, currency, until, counts OR (status = 'trialing' AND trial_end <= until), mrr, 0 FROM s
    WHERE until > since AND (next_at IS NULL OR until < next_at) AND until <= TIMESTAMPTZ '%(as_of)s'
    UNION ALL
    SELECT customer, item, currency, trial_end, true, mrr, CASE WHEN until > trial_end THEN off ELSE 0 END FROM s
    WHERE status = 'trialing' AND trial_end > since AND (next_at IS NULL OR trial_end < next_at)
      AND trial_end <= (SELECT max(since) FROM s) AND trial_end <= TIMESTAMPTZ '%(as_of)s')"""
DELTAS = """SELECT customer, currency, CAST(since AT TIME ZONE 'UTC' AS DATE) AS day,
    mrr - coalesce(lag(mrr) OVER (PARTITION BY item ORDER BY since), 0) AS delta FROM ({levels})"""
QUERY = """WITH daily AS (SELECT customer, currency, day, sum(delta) AS delta FROM ({deltas}) GROUP BY ALL HAVING abs(sum(delta)) > 1e-9),
  running AS (SELECT *, sum(delta) OVER (PARTITION BY customer ORDER BY day) AS level FROM daily),
  seen AS (SELECT *, max(CASE WHEN level < 1e-6 THEN day END) OVER w AS left_on, count(CASE WHEN level > 1e-6 THEN 1 END) OVER w AS present
    FROM running WINDOW w AS (PARTITION BY customer ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)),
  told AS (SELECT *, CASE
      WHEN level - delta < 1e-6 AND level > 1e-6 THEN CASE WHEN present = 0 OR day - left_on > %(window)s THEN 'new' ELSE 'reactivation' END
      WHEN level < 1e-6 THEN 'churn' WHEN delta > 0 THEN 'expansion' ELSE 'contraction' END AS kind
    FROM seen)
  SELECT strftime(day, '%%Y-%%m') AS month, currency, kind, sum(delta), count(*) FROM told GROUP BY ALL ORDER BY ALL"""
WEEKS = {"52/12": "52.0 / 12", "4.33": "4.33", "4": "4.0", "30/7": "30.0 / 7", "30.4375/7": "30.4375 / 7"}
DAYS = {"365/12": "365.0 / 12", "30": "30.0", "30.4375": "30.4375"}
AS_OF = "2025-01-01T00:00:00Z"


def knobs(policy):
    """A policy as the words and numbers that its SQL differs by."""
    return {
        "week": WEEKS[policy.get("interval.week", "52/12")], "day": DAYS[policy.get("interval.day", "365/12")],
        "statuses": ", ".join(f"'{s}'" for s in policy.get("statuses.counted", "active,past_due").split(",")),
        "window": policy.get("reactivation.window", "100000"), "as_of": AS_OF}


def deltas(shape, policy, source, integers=False):
    levels = (HARD if shape == "hard" else PLAIN).format(
        source=source, customer="customer_no" if integers else "customer", item="item_no" if integers else "item")
    return DELTAS.format(levels=levels) % knobs(policy)


def query(shape, policy, source, integers=False):
    return over(policy, deltas(shape, policy, source, integers))


def over(policy, source):
    return (QUERY % knobs(policy)).format(deltas=source)


class Measured:
    """Times by name, and the largest memory of child processes."""

    def __init__(self):
        self.times, self.order, self.memory = {}, [], {}

    def note(self, name, milliseconds):
        if name not in self.times:
            self.order.append(name)
        self.times.setdefault(name, []).append(milliseconds)

    def time(self, name, run):
        start = time.perf_counter()
        out = run()
        self.note(name, (time.perf_counter() - start) * 1000)
        return out

    def peak(self, name, mib):
        """Keeps the most of all turns."""
        self.memory[name] = max(self.memory.get(name, 0.0), mib)

    def median(self, name):
        return statistics.median(self.times[name])


class Peak(threading.Thread):
    """The most memory that a process ever held, in MiB. (What `wait4` says counts this process too, which forks it.)"""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.status, self.mib = pathlib.Path(f"/proc/{pid}/status"), 0.0
        self.start()

    def run(self):
        try:
            while True:
                for line in self.status.read_text().splitlines():
                    if line.startswith("VmHWM:"):
                        self.mib = max(self.mib, int(line.split()[1]) / 1024)
                time.sleep(0.02)
        except (FileNotFoundError, ProcessLookupError):
            pass


def netnew(binary, *args):
    """Runs netnew; what it printed, and its peak memory in MiB."""
    process = subprocess.Popen([binary, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    peak = Peak(process.pid)
    out, err = process.communicate()
    if process.returncode:
        sys.exit(f"netnew {' '.join(map(str, args))}: {out}{err}")
    return out, peak.mib


def duck_in_own_process(sql):
    """A query in a process of its own, as a command would run it."""
    code = "import duckdb,sys; c=duckdb.connect(); c.execute('SET threads=2'); c.execute('SET enable_progress_bar=false'); c.execute(sys.argv[1]).fetchall()"
    process = subprocess.Popen([sys.executable, "-c", code, sql])
    peak = Peak(process.pid)
    if process.wait():
        sys.exit("DuckDB failed in a process of its own")
    return peak.mib


def compare(shape, run, rows):
    ours = {name: float(value) for name, value in run["months"].items()}
    theirs = {f"{m} {c} {k}": total for m, c, k, total, _ in rows}
    for name in ours.keys() | theirs.keys():
        a, b = ours.get(name, 0.0), theirs.get(name, 0.0)
        if abs(a - b) > 0.01:
            sys.exit(f"{shape}: {name}: netnew {a}, baseline {b} under {run['policy']}")
    counts = {}
    for month, _, kind, _, count in rows:
        if kind in ("new", "reactivation", "churn"):
            counts[f"{month} {kind}"] = counts.get(f"{month} {kind}", 0) + count
    if counts != run["heads"]:
        wrong = [(k, counts.get(k), run["heads"].get(k)) for k in counts.keys() | run["heads"].keys() if counts.get(k) != run["heads"].get(k)]
        sys.exit(f"{shape}: counts differ (baseline, netnew): {wrong[:5]} under {run['policy']}")


def size(path):
    path = pathlib.Path(path)
    return sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) if path.is_dir() else path.stat().st_size


def bench(shape, args, binary, data):
    import duckdb
    raw, book = data / f"{shape}.parquet", data / f"{shape}-book"
    measured, disk = Measured(), {}
    if not raw.exists():
        netnew(binary, "bench", "make", shape, "--customers", args.customers, "--out", data)
    if not book.exists():
        netnew(binary, "init", book)
        start = time.perf_counter()
        measured.peak("netnew import", netnew(binary, "import", raw, "--book", book)[1])
        measured.note("load: netnew import, from raw Parquet, durable", (time.perf_counter() - start) * 1000)
        if shape == "hard":
            netnew(binary, "import", data / "hard-rates.csv", "--book", book)
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.execute("SET enable_progress_bar = false")
    by_customer, integers = data / f"{shape}-sorted.parquet", data / f"{shape}-integers.parquet"
    measured.time("load: DuckDB, table in memory sorted by customer", lambda: connection.execute(
        f"CREATE TABLE states AS SELECT * FROM '{raw}' ORDER BY customer, effective_at"))
    if not by_customer.exists():
        connection.execute(f"COPY states TO '{by_customer}' (FORMAT parquet)")
    if not integers.exists():
        connection.execute(f"""COPY (SELECT dense_rank() OVER (ORDER BY customer) AS customer_no, dense_rank() OVER (ORDER BY item) AS item_no,
            * EXCLUDE (customer, subscription, item) FROM states ORDER BY customer_no, effective_at) TO '{integers}' (FORMAT parquet)""")
    connection.execute(f"CREATE TABLE numbered AS SELECT * FROM '{integers}' ORDER BY customer_no, effective_at")
    columns = "count(*), sum(quantity), sum(amount), max(epoch_us(effective_at)), max(status), max(interval), max(interval_count), max(customer), max(item)"
    for turn in range(args.turns):
        seed = random.SystemRandom().randrange(1 << 32)
        out, peak = netnew(binary, "bench", "rebuild", "--runs", 3, "--seed", seed, "--book", book, "--as-of", AS_OF)
        measured.peak("netnew, rollups and all movements in memory", peak)
        out = json.loads(out)
        for run in out["runs"]:
            measured.note("netnew: rollups, in memory", run["rollups_ms"])
            measured.note("netnew: all movements, in memory", run["movements_ms"])
        measured.note("netnew: merely reading its columns in memory", out["floor_ms"])
        measured.note("netnew: merely reading them from disk", out["load_ms"])
        run = out["runs"][0]
        policy = run["policy"]
        rows = measured.time("DuckDB: in memory, sorted", lambda: connection.execute(query(shape, policy, "states")).fetchall())
        compare(shape, run, rows)
        measured.time("DuckDB: in memory, sorted, integer ids", lambda: connection.execute(query(shape, policy, "numbered", integers=True)).fetchall())
        measured.time("load: DuckDB, table of deltas under one policy", lambda: connection.execute(
            "CREATE OR REPLACE TABLE deltas AS " + deltas(shape, policy, "numbered", integers=True)))
        measured.time("DuckDB: prebuilt deltas, integer ids", lambda: connection.execute(over(policy, "SELECT * FROM deltas")).fetchall())
        measured.time("DuckDB: merely reading the columns in memory", lambda: connection.execute(f"SELECT {columns} FROM states").fetchall())
        measured.time("DuckDB: merely reading them from sorted Parquet", lambda: connection.execute(f"SELECT {columns} FROM '{by_customer}'").fetchall())
        sets = [part for knob, value in policy.items() for part in ("--set", f"{knob}={value}")]
        command = ["mrr", "--book", book, "--as-of", AS_OF, *sets]
        measured.peak("netnew, command", measured.time("netnew: cold command", lambda: netnew(binary, *command))[1])
        measured.peak("DuckDB, over sorted Parquet", measured.time("DuckDB: over sorted Parquet, own process",
            lambda: duck_in_own_process(query(shape, policy, f"'{by_customer}'"))))
        measured.peak("DuckDB, over raw Parquet", measured.time("DuckDB: over raw Parquet, own process",
            lambda: duck_in_own_process(query(shape, policy, f"'{raw}'"))))
    disk = {"raw Parquet": size(raw), "sorted Parquet": size(by_customer), "netnew's book": size(book),
            "of it the image": size(book / "derived") if (book / "derived").exists() else 0}
    connection.close()
    report(shape, out, measured, disk)


def first_number(shape, args, binary, data):
    """From a raw file to the first table: netnew imports it, durably, into an empty book and then once more into the same
    book, each time followed by the table; the baseline's one query over the same file has its turn in between."""
    raw, book = data / f"{shape}.parquet", data / "first-book"
    if not raw.exists():
        netnew(binary, "bench", "make", shape, "--customers", args.customers, "--out", data)
    measured, memory, spent = Measured(), {}, {}

    def step(name, *command):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        out, mib = netnew(binary, *command)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        memory[name] = max(memory.get(name, 0), mib)
        spent.setdefault(name, []).append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        return out

    def table(name):
        return step(name, "mrr", "--book", book, "--as-of", AS_OF)

    facts = 0
    for _ in range(args.turns):
        shutil.rmtree(book, ignore_errors=True)
        netnew(binary, "init", book)
        start = time.perf_counter()
        done = json.loads(step("netnew import, empty book", "import", raw, "--book", book, "--format", "json"))
        imported = time.perf_counter()
        first = table("netnew mrr")
        end = time.perf_counter()
        facts = done["facts"]
        measured.note("netnew: import into an empty book", (imported - start) * 1000)
        measured.note("netnew: import into an empty book, then the first table", (end - start) * 1000)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        memory["DuckDB"] = max(memory.get("DuckDB", 0), measured.time(
            "DuckDB: the query over the raw file", lambda: duck_in_own_process(query(shape, {}, f"'{raw}'"))))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.setdefault("DuckDB", []).append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        start = time.perf_counter()
        again = json.loads(step("netnew import, once more", "import", raw, "--book", book, "--format", "json"))
        measured.note("netnew: the same file once more", (time.perf_counter() - start) * 1000)
        second = table("netnew mrr")
        measured.note("netnew: the same file once more, then the table", (time.perf_counter() - start) * 1000)
        if (again["facts"], again["duplicates"]) != (0, facts) or first != second:
            sys.exit(f"the second import was to add nothing: {again}")
    print(f"\n### From the raw file to the first table: {shape}, {facts:,} states\n")
    print("| what | median ms | of DuckDB's time |\n|---|---:|---:|")
    base = measured.median("DuckDB: the query over the raw file")
    for name in measured.order:
        print(f"| {name} | {measured.median(name):,.0f} | {measured.median(name) / base:.2f} |")
    print()
    print("- processor time, s (median): " + ", ".join(f"{name} {statistics.median(times):.1f}" for name, times in spent.items()))
    print("- peak memory, MiB: " + ", ".join(f"{name} {value:,.0f}" for name, value in memory.items()))
    sizes = {"raw file": size(raw), "netnew's book": size(book), "of it segments": size(book / "segments"), "the image": size(book / "derived")}
    print("- on disk, MB: " + ", ".join(f"{name} {value / 1e6:,.0f}" for name, value in sizes.items()))
    shutil.rmtree(book, ignore_errors=True)


def report(shape, out, measured, disk):
    print(f"\n### {shape}: {out['customers']:,} customers, {out['states']:,} states, {out['runs'][0]['movements']:,} movements\n")
    print("| what | median ms | of DuckDB in memory |\n|---|---:|---:|")
    base = measured.median("DuckDB: in memory, sorted")
    for name in measured.order:
        median = measured.median(name)
        print(f"| {name} | {median:,.0f} | {base / median:.1f} times as fast |" if not name.startswith("load") else f"| {name} | {median:,.0f} | |")
    ratio = lambda ours, theirs: measured.median(theirs) / measured.median(ours)
    print()
    print(f"- rollups against DuckDB in memory: **{ratio('netnew: rollups, in memory', 'DuckDB: in memory, sorted'):.1f}**")
    print(f"- all movements against DuckDB in memory: **{ratio('netnew: all movements, in memory', 'DuckDB: in memory, sorted'):.1f}**")
    print(f"- cold command against DuckDB over sorted Parquet: **{ratio('netnew: cold command', 'DuckDB: over sorted Parquet, own process'):.1f}**")
    print("- peak memory, MiB: " + ", ".join(f"{name} {value:,.0f}" for name, value in measured.memory.items()))
    print("- on disk, MB: " + ", ".join(f"{name} {value / 1e6:,.0f}" for name, value in disk.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--only", choices=["plain", "hard"])
    parser.add_argument("--first", action="store_true", help="only from the raw file to the first table")
    parser.add_argument("--binary", help="netnew, already built")
    parser.add_argument("--data", type=pathlib.Path)
    args = parser.parse_args()
    environment = CACHE / "bench-venv"
    if pathlib.Path(sys.prefix) != environment:
        if not (environment / "bin/python").exists():
            venv.create(environment, with_pip=True)
        python = environment / "bin/python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", HERE / "requirements.txt"], check=True)
        os.execv(python, [str(python), *sys.argv])
    binary = args.binary
    if not binary:
        target = os.environ.setdefault("CARGO_TARGET_DIR", str(CACHE / "target"))
        subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=HERE.parent, check=True)
        binary = os.path.join(target, "release/netnew")
    data = args.data or CACHE / f"bench-data-{args.customers}"
    data.mkdir(parents=True, exist_ok=True)
    for shape in [args.only] if args.only else ["plain", "hard"]:
        if not args.first:
            bench(shape, args, binary, data)
        first_number(shape, args, binary, data)


main()
