#!/usr/bin/env python3
"""What ingest costs: processor time, memory and bytes on disk, beside DuckDB on the same data in the same run.

usage: tests/bench/ingest.py [--records N | --data FILE] [--body RECORDS] [--senders N] [--runs N] [--program PATH]

Prints one Markdown table. Needs Linux (/proc) and a release build (`cargo build --release`). DuckDB takes part if the
Python package `duckdb` is installed: it reads the same lines with `read_json` and writes them, sorted by time, as
zstd-compressed Parquet. The shipped rules do not run, for they read what comes in; a row of the table says what they
cost. Processor time is that of the measured process, user and system, all threads; the senders
are another process and don't count.
"""

import argparse
import datetime
import http.client
import multiprocessing
import os
import queue
import resource
import sys
import tempfile
import threading
import time

from gateway import lines
from service import Service, machine, no_rules, post, with_program

# Publication put off as far as memory goes: what is measured then is the way to the acknowledgement.
PUT_OFF = "[store]\nflush_interval = '1d'\nsegment_bytes = 17179869184\nrecent_bytes = 17179869184\n"
AT_ONCE = "[store]\nflush_interval = '2s'\n"


def send(address, bodies, senders, per_second=None):
    """Sends every body once; returns the seconds of all and of each. With a rate, bodies are due at fixed times and a
    body's time counts from when it was due, so that a stall counts for all that wait behind it."""
    waiting = queue.SimpleQueue()
    begin = time.perf_counter()
    for number, body in enumerate(bodies):
        waiting.put((begin + number / per_second if per_second else None, body))
    took = []

    def sender():
        connection = http.client.HTTPConnection(*address)
        while True:
            try:
                due, body = waiting.get_nowait()
            except queue.Empty:
                return
            if due:
                time.sleep(max(0.0, due - time.perf_counter()))
            start = due or time.perf_counter()
            post(connection, body)
            took.append(time.perf_counter() - start)

    threads = [threading.Thread(target=sender) for _ in range(senders)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(took) != len(bodies):
        sys.exit("not every body was taken")
    return time.perf_counter() - begin, took


def run_acknowledged(program, bodies, senders):
    service = Service(program, PUT_OFF + no_rules())
    try:
        seconds, _ = send(service.address, bodies, senders)
        return {"cpu": service.cpu_used(), "seconds": seconds}
    finally:
        service.end()


def run_published(program, bodies, senders, records, rules=""):
    service = Service(program, AT_ONCE + rules)
    try:
        begin = time.perf_counter()
        send(service.address, bodies, senders)
        service.wait_until_published(records)
        return {"cpu": service.cpu_used(), "seconds": time.perf_counter() - begin,
                "bytes": service.lake_bytes(), "peak": service.peak_mb()}
    finally:
        service.end()


def run_latency(program, bodies, senders, per_second):
    service = Service(program, AT_ONCE + no_rules())
    try:
        _, took = send(service.address, bodies, senders, per_second)
        took.sort()
        return {"p50": took[len(took) // 2] * 1e3, "p99": took[int(len(took) * 0.99)] * 1e3}
    finally:
        service.end()


def duckdb_in_child(path, results):
    import duckdb
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    output = f"{path}.parquet"
    before, begin = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    connection.execute(f"""COPY (SELECT * FROM read_json('{path}', format = 'newline_delimited') ORDER BY time)
                           TO '{output}' (FORMAT parquet, COMPRESSION zstd)""")
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    results.put({"cpu": cpu, "seconds": time.perf_counter() - begin, "bytes": os.path.getsize(output),
                 "peak": after.ru_maxrss * 1024 / 1e6, "version": duckdb.__version__})


def run_duckdb(bodies):
    """DuckDB in a process of its own; None if it isn't installed."""
    try:
        import duckdb  # noqa: F401
    except ImportError:
        return None
    with tempfile.TemporaryDirectory(prefix="bartizan-bench-") as folder:
        path = os.path.join(folder, "records.ndjson")
        with open(path, "wb") as file:
            file.writelines(bodies)
        context = multiprocessing.get_context("spawn")
        results = context.SimpleQueue()
        child = context.Process(target=duckdb_in_child, args=(path, results))
        child.start()
        found = results.get()
        child.join()
        return found


def best(runs):
    return min(runs, key=lambda run: run["cpu"])


def table(records, json_bytes, measured):
    def row(name, run, latency=""):
        rate = json_bytes / 1e6 / run["cpu"]
        size = f"{json_bytes / run['bytes']:.2f}x" if "bytes" in run else ""
        peak = f"{run['peak']:.0f} MB" if "peak" in run else ""
        return f"| {name} | {rate:.0f} | {records / run['cpu']:,.0f} | {run['seconds']:.1f} s | {size} | {peak} | {latency} |"

    latency = measured["latency"]
    rows = [
        "| | MB per CPU-second | rows per CPU-second | on the clock | smaller than JSON | peak memory | acknowledgement at half load, p50 / p99 |",
        "|---|---|---|---|---|---|---|",
        row("to the acknowledgement", measured["acknowledged"], f"{latency['p50']:.0f} / {latency['p99']:.0f} ms"),
        row("to published Parquet", measured["published"]),
        row("... while the shipped rules run (one run)", measured["rules"]),
    ]
    duck = measured["duckdb"]
    if duck:
        rows.append(row(f"DuckDB {duck['version']}, `read_json` to sorted Parquet", duck))
        ratio = duck["cpu"] / measured["published"]["cpu"]
        rows.append("")
        rows.append(f"To published Parquet, Bartizan does {ratio:.2f} of what DuckDB does in a CPU-second.")
    return "\n".join(rows)


def requests(arguments):
    """The bodies of all requests, and how many records are in them."""
    if arguments.data:
        with open(arguments.data, encoding="utf-8") as file:
            every = [line.rstrip("\n") for line in file]
    else:
        every = list(lines(arguments.records))
    parts = (every[start:start + arguments.body] for start in range(0, len(every), arguments.body))
    return [("\n".join(part) + "\n").encode() for part in parts], len(every)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=500_000, help="records of about 1 KB (default 500000)")
    parser.add_argument("--data", help="a file of gateway logs, one per line, instead of generated ones")
    parser.add_argument("--body", type=int, default=1_000, help="records in a request (default 1000)")
    parser.add_argument("--senders", type=int, default=4, help="connections (default 4)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, of which the cheapest counts (default 3)")
    arguments = with_program(parser)
    bodies, records = requests(arguments)
    json_bytes = sum(map(len, bodies))
    print(f"{records:,} records, {json_bytes / 1e6:.0f} MB, requests of {arguments.body:,} records over "
          f"{arguments.senders} connections, the cheapest of {arguments.runs} runs each; {datetime.date.today()}, {machine()}\n", flush=True)
    program, senders = arguments.program, arguments.senders
    acknowledged, published, duck = [], [], []
    for _ in range(arguments.runs):
        acknowledged.append(run_acknowledged(program, bodies, senders))
        published.append(run_published(program, bodies, senders, records, no_rules()))
        duck.append(run_duckdb(bodies))
    clock = min(run["seconds"] for run in published)
    with_rules = run_published(program, bodies, senders, records)
    latency = run_latency(program, bodies, 2 * senders, len(bodies) / clock / 2)
    measured = {"acknowledged": best(acknowledged), "published": best(published), "rules": with_rules, "latency": latency,
                "duckdb": best(duck) if all(duck) else None}
    print(table(records, json_bytes, measured))


if __name__ == "__main__":
    main()
