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
import glob
import http.client
import json
import math
import multiprocessing
import os
import platform
import queue
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KEY = "bench-key-of-no-other-use-0123456789"
TICKS = os.sysconf("SC_CLK_TCK")
NO_LIMITS = "[limits]\ningest_requests_per_second = 1000000\nrequests_per_second = 1000000\naddress_requests_per_second = 1000000\n"
# Publication put off as far as memory goes: what is measured then is the way to the acknowledgement.
PUT_OFF = "[store]\nflush_interval = '1d'\nsegment_bytes = 17179869184\nrecent_bytes = 17179869184\n"
AT_ONCE = "[store]\nflush_interval = '2s'\n"



def no_rules():
    """Settings with which no shipped rule runs."""
    ids = []
    for path in glob.glob(os.path.join(ROOT, "alerts", "rules", "*.yaml")):
        with open(path, encoding="utf-8") as file:
            ids.append(re.search(r"^id: *(\S+)", file.read(), re.M)[1])
    return f"[rules]\ndisabled = {json.dumps(sorted(ids))}\n"


APIS = ["orders", "payments", "catalog", "customers", "inventory", "shipping", "identity", "search"]
VERBS = {"get": "GET", "list": "GET", "create": "POST", "update": "PUT", "delete": "DELETE"}
AGENTS = [
    "okhttp/4.12.0", "axios/1.6.7", "python-requests/2.31.0", "PostmanRuntime/7.37.0", "Go-http-client/2.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Safari/537.36",
    "MobileApp/5.3 (iOS 17.4)",
]
STATUS = [200, 201, 204, 304, 400, 401, 403, 404, 429, 500, 502]
WEIGHT = [80, 7, 4, 3, 1.5, 1.2, 0.6, 1.5, 0.5, 0.4, 0.3]
RESOURCE = "/SUBSCRIPTIONS/6F1E0C52-7A0B-4B7C-9C1D-2F0A5D3E8B11/RESOURCEGROUPS/RG-EDGE/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/EDGE-APIM"
REGIONS = ["West Europe", "North Europe", "East US"]
FAILURES = {
    401: {"elapsed": 3, "source": "validate-jwt", "scope": "api", "section": "inbound", "reason": "TokenExpired",
          "message": "IDX10223: Lifetime validation failed. The token is expired."},
    429: {"elapsed": 1, "source": "rate-limit-by-key", "scope": "product", "section": "inbound",
          "reason": "RateLimitExceeded", "message": "Rate limit is exceeded. Try again in 14 seconds."},
}


def lines(records, seed=7):
    """Gateway logs of one day as diagnostic settings deliver them, about 1 KB each, in order of time: 20,000 clients
    of which few are busy (Zipf, 1.25), more calls by day than by night, 3 % of them failing."""
    chance = random.Random(seed)
    clients = [".".join(str(chance.randrange(1, 224 if place == 0 else 255)) for place in range(4)) for _ in range(20_000)]
    begin = datetime.datetime(2026, 11, 1)
    second = 0.0
    mean = 86_400 / records
    for number in range(records):
        second += chance.expovariate(1) * mean / (1 + 0.6 * math.sin(2 * math.pi * (second / 86_400 - 0.3)))
        client = min(int(chance.paretovariate(0.25)) - 1, len(clients) - 1)
        yield json.dumps(record(chance, begin + datetime.timedelta(seconds=second), client, clients[client]), separators=(",", ":"))


def record(chance, at, client, address):
    api = APIS[min(int(chance.expovariate(0.45)), 7)]
    verb = chance.choice(list(VERBS))
    status = chance.choices(STATUS, WEIGHT)[0]
    ident = chance.randrange(1, 5_000_000)
    backend_ms, own_ms = int(chance.lognormvariate(3.2, 0.8)), int(chance.lognormvariate(1.0, 0.4))
    raw = f"{chance.getrandbits(128):032x}"
    properties = {"method": VERBS[verb], "url": f"https://api.contoso.com/{api}/v1/{ident}?page={ident % 17}"}
    if status not in FAILURES:
        properties |= {
            "backendTime": backend_ms, "backendResponseCode": status, "backendMethod": VERBS[verb],
            "backendUrl": f"https://be-{api}.internal.contoso.net/v1/{api}/{ident}",
            "backendProtocol": "HTTP/1.1", "backendId": f"be-{api}",
        }
    properties |= {
        "responseCode": status, "responseSize": int(chance.lognormvariate(7.2, 1.1)) + 120, "cache": "none",
        "requestSize": int(chance.lognormvariate(6.0, 0.5)) + 80, "apiId": f"{api}-v1",
        "operationId": f"{verb}-{api}{chance.choice(['', '-items', '-status'])}",
        "productId": "partner" if client % 5 == 0 else "mobile", "apimSubscriptionId": f"sub-{client % 900:04d}",
        "userId": f"user-{client % 4000}", "clientProtocol": "HTTP/1.1", "apiRevision": str(1 + client % 3),
        "clientTlsVersion": "1.2", "clientTime": own_ms * 2, "requestHeaders": {"User-Agent": chance.choice(AGENTS)},
    }
    if status in FAILURES:
        properties["lastError"] = FAILURES[status]
    return {
        "DeploymentVersion": "0.43.16571.0", "Level": 4 if status < 400 else 2, "isRequestSuccess": status < 400,
        "time": at.strftime("%Y-%m-%dT%H:%M:%S.%f") + f"{ident % 10}Z",
        "operationName": "Microsoft.ApiManagement/GatewayLogs", "category": "GatewayLogs",
        "durationMs": backend_ms + own_ms, "callerIpAddress": address,
        "correlationId": f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}",
        "location": REGIONS[client % 3], "resourceId": RESOURCE, "properties": properties,
    }


class Service:
    """A release build on an empty data folder."""

    def __init__(self, program, store):
        self.folder = tempfile.TemporaryDirectory(prefix="bartizan-bench-")
        config = os.path.join(self.folder.name, "bench.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(NO_LIMITS + store)
        self.data = os.path.join(self.folder.name, "data")
        self.process = subprocess.Popen(
            [program, "serve", "--listen", "127.0.0.1:0", "--config", config, "--data", self.data],
            env=os.environ | {"BARTIZAN_ADMIN_KEY": KEY}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            found = re.search(r"listening on https?://([0-9.]+):(\d+)", line)
            if found:
                self.address = (found[1], int(found[2]))
                break
        else:
            sys.exit("the service ended before it listened")
        # It would meet a full pipe.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()
        while self.get("/readyz")[0] != 200:
            time.sleep(0.05)
        self.begin = self.cpu()

    def get(self, path):
        connection = http.client.HTTPConnection(*self.address)
        connection.request("GET", path, headers={"Authorization": f"Bearer {KEY}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def cpu_used(self):
        return self.cpu() - self.begin

    def peak_mb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) * 1024 / 1e6

    def wait_until_published(self, records):
        for _ in range(6_000):
            found = re.search(r"^bartizan_segment_rows_published_total (\d+)", self.get("/metrics")[1], re.M)
            if found and int(found[1]) >= records:
                return
            time.sleep(0.05)
        sys.exit("not every row was published within five minutes")

    def lake_bytes(self):
        folders = os.walk(os.path.join(self.data, "lake"))
        return sum(os.path.getsize(os.path.join(folder, name)) for folder, _, names in folders for name in names)

    def end(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.folder.cleanup()


def post(connection, body):
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    connection.request("POST", "/api/v1/ingest", body=body, headers=headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200 or json.loads(text)["quarantined"]:
        raise SystemExit(f"the service answered {answer.status}: {text[:300]}")


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


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.machine())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GB"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = os.environ.get("CARGO_TARGET_DIR", os.path.join(ROOT, "target"))
    parser.add_argument("--records", type=int, default=500_000, help="records of about 1 KB (default 500000)")
    parser.add_argument("--data", help="a file of gateway logs, one per line, instead of generated ones")
    parser.add_argument("--body", type=int, default=1_000, help="records in a request (default 1000)")
    parser.add_argument("--senders", type=int, default=4, help="connections (default 4)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, of which the cheapest counts (default 3)")
    parser.add_argument("--program", default=os.path.join(target, "release", "bartizan"))
    arguments = parser.parse_args()
    if not os.path.exists(arguments.program):
        sys.exit(f"{arguments.program} is not there: cargo build --release")
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
