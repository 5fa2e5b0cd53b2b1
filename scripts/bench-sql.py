#!/usr/bin/env python3
"""Compares `netnew sql` with DuckDB: aggregates over all movements of a book, both warm, on the same machine.

    scripts/bench-sql.py NETNEW BOOK        (needs psql, psycopg and duckdb)

netnew answers from its own process over the Postgres protocol; DuckDB reads a Parquet file of the same rows.
"""
import os, subprocess, sys, tempfile, time

import duckdb, psycopg

QUERIES = [
    "SELECT count(*), sum(amount) FROM movements",
    "SELECT kind, count(*), sum(amount) FROM movements GROUP BY kind",
    "SELECT date_trunc('month', date), kind, sum(amount) FROM movements GROUP BY 1, 2",
    "SELECT plan, cause, count(*), sum(amount), avg(amount) FROM movements GROUP BY 1, 2",
    "SELECT count(DISTINCT customer) FROM movements WHERE kind = 'churn'",
    "SELECT customer, sum(amount) AS s FROM movements GROUP BY customer ORDER BY s DESC, customer LIMIT 10",
]
COLUMNS = "at, date, customer, subscription, item, plan, kind, cause, amount, currency, before, after"


def timed(run, times=5):
    run()
    best = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        best.append(time.perf_counter() - start)
    return min(best)


def main():
    netnew, book = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [netnew, "--book", book, "sql", "--serve-pg", "127.0.0.1:0", "--no-password", "--max-rows", "100000000"],
            stderr=subprocess.PIPE, text=True)
        try:
            port = server.stderr.readline().split("127.0.0.1:")[1].split("/")[0]
            url = f"postgresql://netnew@127.0.0.1:{port}/netnew"
            db = psycopg.connect(url, autocommit=True)
            start = time.perf_counter()
            rows = db.execute("SELECT count(amount) FROM movements").fetchone()[0]
            print(f"{rows} movements, read from the book in {time.perf_counter() - start:.1f} s")
            csv = os.path.join(folder, "movements.csv")
            subprocess.run(["psql", "-X", "-q", "--csv", "-o", csv, "-c", f"SELECT {COLUMNS} FROM movements", url], check=True)
            duck = duckdb.connect(os.path.join(folder, "tmp.db"))
            duck.execute(f"SET threads = {os.cpu_count()}")
            money = {name: "DECIMAL(38,10)" for name in ("amount", "before", "after")}
            parquet = os.path.join(folder, "movements.parquet")
            duck.execute(f"COPY (SELECT * FROM read_csv('{csv}', header = true, types = {money})) TO '{parquet}' (FORMAT parquet)")
            duck.execute(f"CREATE VIEW movements AS SELECT * FROM '{parquet}'")
            print("| query | netnew | DuckDB | ratio |\n|---|---|---|---|")
            for query in QUERIES:
                ours = timed(lambda: db.execute(query).fetchall())
                theirs = timed(lambda: duck.execute(query).fetchall())
                print(f"| `{query}` | {ours * 1000:.0f} ms | {theirs * 1000:.0f} ms | {ours / theirs:.2f} |", flush=True)
        finally:
            server.kill()


main()
