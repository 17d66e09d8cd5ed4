#!/usr/bin/env python3
"""What queries cost: the seven log queries in KQL and in SQL, beside DuckDB and ClickHouse on the same Parquet files in the same run.

usage: tests/bench/query.py [--records N] [--runs N] [--program PATH]

Prints two Markdown tables. Needs Linux (/proc) and a release build (`cargo build --release`). DuckDB and ClickHouse take part if the
Python packages `duckdb` and `chdb` are installed; each has two threads and reads the files that the service wrote. Every query is asked
over HTTP, as a client asks it, and the cheapest of the runs counts, after one that does not. Processor time is that of the process that
computes, user and system, all threads. The second table has the time from text to plan, which `EXPLAIN` shows.
"""

import argparse
import datetime
import http.client
import json
import os
import re
import resource
import statistics
import time

from gateway import lines
from service import KEY, Service, machine, no_rules, post, with_program

BODY = 1_000
SETTINGS = "[store]\nflush_interval = '2s'\n"
TABLE = "ApiManagementGatewayLogs"
# What is asked, in KQL, in SQL, and in ClickHouse's SQL where it differs. `{id}` is a correlation id of the data.
QUERIES = [
    ("count", "{t} | count", "SELECT count(*) AS n FROM {t}", None),
    ("count and average duration by API",
     "{t} | summarize n = count(), mean = avg(TotalTime) by ApiId",
     "SELECT ApiId, count(*) AS n, avg(TotalTime) AS mean FROM {t} GROUP BY ApiId", None),
    ("401 and 403 by caller address, top 10",
     "{t} | where ResponseCode in (401, 403) | summarize n = count() by CallerIpAddress | top 10 by n",
     "SELECT CallerIpAddress, count(*) AS n FROM {t} WHERE ResponseCode IN (401, 403) GROUP BY CallerIpAddress ORDER BY n DESC LIMIT 10", None),
    ("distinct callers per subscription among them, top 10",
     "{t} | where ResponseCode in (401, 403) | summarize callers = count_distinct(CallerIpAddress) by ApimSubscriptionId | top 10 by callers",
     "SELECT ApimSubscriptionId, count(DISTINCT CallerIpAddress) AS callers FROM {t} WHERE ResponseCode IN (401, 403) "
     "GROUP BY ApimSubscriptionId ORDER BY callers DESC LIMIT 10", None),
    ("all of one correlation id",
     "{t} | where CorrelationId == '{id}'", "SELECT * FROM {t} WHERE CorrelationId = '{id}'", None),
    ("URLs that contain a substring",
     "{t} | where Url contains_cs 'orders/v1/12' | count", "SELECT count(*) AS n FROM {t} WHERE Url LIKE '%orders/v1/12%'", None),
    ("counts per five minutes and API",
     "{t} | summarize n = count() by bin(TimeGenerated, 5m), ApiId",
     "SELECT date_bin(INTERVAL '5 minutes', TimeGenerated) AS t, ApiId, count(*) AS n FROM {t} GROUP BY 1, 2",
     "SELECT {five} AS t, ApiId, count(*) AS n FROM {t} GROUP BY 1, 2"),
]
FIVE = {"duckdb": "time_bucket(INTERVAL 5 MINUTE, TimeGenerated)", "chdb": "toStartOfFiveMinutes(TimeGenerated)"}
# A rule of the length that rules have.
RULE = """let lookback = 1d;
let window = 5m;
let least = 20;
let trusted = datatable(prefix: string) ["10.0.0.0/8", "172.16.0.0/12"];
let refused = {t}
| where TimeGenerated > ago(lookback)
| where ResponseCode in (401, 403)
| where isnotempty(CallerIpAddress)
| where not(ipv4_is_in_any_range(CallerIpAddress, dynamic(["10.0.0.0/8", "192.168.0.0/16"])))
| extend agent = tostring(RequestHeaders["User-Agent"])
| extend host = tostring(parse_url(Url).Host)
| extend is_tool = agent has_any ("python", "curl", "Go-http-client")
| summarize
    failures = count(),
    subscriptions = dcount(ApimSubscriptionId),
    apis = make_set(ApiId, 20),
    agents = make_set(agent, 10),
    begin = min(TimeGenerated),
    end = max(TimeGenerated)
    by CallerIpAddress, host, bin(TimeGenerated, window)
| where failures >= least or subscriptions > 3;
let accepted = {t}
| where TimeGenerated > ago(lookback)
| where ResponseCode between (200 .. 299)
| summarize
    successes = count(),
    operations = make_set(OperationId, 20),
    last_success = max(TimeGenerated)
    by CallerIpAddress;
let watched = dynamic([
    "orders-v1",
    "payments-v1",
    "identity-v1"]);
refused
| join kind=leftouter (accepted) on CallerIpAddress
| extend successes = coalesce(successes, 0)
| extend severity = case(
    successes > 0 and last_success > begin, "High",
    failures > 100, "Medium",
    "Low")
| where severity != "Low" or apis has_any (watched)
| mv-expand api = apis to typeof(string)
| extend account = split(api, "-")[0]
| summarize
    failures = sum(failures),
    agents = make_set(agents),
    severity = take_any(severity)
    by CallerIpAddress, api, tostring(account)
| sort by failures desc, CallerIpAddress asc
| take 100
"""


class Bartizan:
    """The service, asked in one of its languages over a connection that stays."""

    def __init__(self, service, language):
        self.service, self.language = service, language
        self.name = f"Bartizan, {language.upper()}"
        self.connection = http.client.HTTPConnection(*service.address)

    def cpu(self):
        return self.service.cpu()

    def ask(self, text):
        body = json.dumps({"query": text, "language": self.language, "format": "json"})
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        try:
            self.connection.request("POST", "/api/v1/query", body, headers)
        except BrokenPipeError:
            # The service ends connections on which nothing came while the other engines were asked.
            self.connection.close()
            self.connection.request("POST", "/api/v1/query", body, headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise SystemExit(f"the service answered {answer.status} to {text}: {content[:500]}")
        return len(json.loads(content)["rows"])


class InProcess:
    """An engine within this process, whose processor time is all of it."""

    def cpu(self):
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime


class DuckDb(InProcess):
    def __init__(self, files):
        import duckdb
        self.name = f"DuckDB {duckdb.__version__}"
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 2")
        self.connection.execute(f"CREATE VIEW {TABLE} AS SELECT * FROM read_parquet('{files}', union_by_name = true)")

    def ask(self, text):
        return len(self.connection.execute(text).fetchall())


class ClickHouse(InProcess):
    def __init__(self, files):
        import chdb.session
        self.session = chdb.session.Session()
        self.name = f"ClickHouse {self.session.query('SELECT version()').data().strip()} (chDB)"
        self.session.query("CREATE DATABASE IF NOT EXISTS bench ENGINE = Atomic")
        self.session.query(f"CREATE VIEW bench.{TABLE} AS SELECT * FROM file('{files}', Parquet)")

    def ask(self, text):
        text = text.replace(f"FROM {TABLE}", f"FROM bench.{TABLE}") + " SETTINGS max_threads = 2"
        return len(self.session.query(text, "JSONCompactEachRow").data().splitlines())


def engines(service, files):
    """Both languages of ours, and each engine that is installed."""
    found = [("kql", Bartizan(service, "kql")), ("sql", Bartizan(service, "sql"))]
    for key, engine in (("duckdb", DuckDb), ("chdb", ClickHouse)):
        try:
            found.append((key, engine(files)))
        except ImportError:
            print(f"({key} is not installed)\n")
    return found


def text_for(key, query, ident):
    _, kql, sql, other = query
    text = kql if key == "kql" else other if other and key in FIVE else sql
    return text.replace("{t}", TABLE).replace("{id}", ident).replace("{five}", FIVE.get(key, ""))


def measure(engine, text, runs):
    """Milliseconds of processor time and on the clock of the cheapest run, and the rows. One run is many askings, for the clock of
    /proc ticks a hundred times in a second."""
    rows = engine.ask(text)
    begin = time.perf_counter()
    engine.ask(text)
    askings = max(1, int(0.5 / (time.perf_counter() - begin)))
    cpus, clocks = [], []
    for _ in range(runs):
        cpu, begin = engine.cpu(), time.perf_counter()
        for _ in range(askings):
            engine.ask(text)
        clocks.append((time.perf_counter() - begin) / askings * 1e3)
        cpus.append((engine.cpu() - cpu) / askings * 1e3)
    return min(cpus), min(clocks), rows


def fill(service, records):
    """Sends the logs and waits until they are in as few files as they will be."""
    connection = http.client.HTTPConnection(*service.address)
    every = list(lines(records))
    for start in range(0, len(every), BODY):
        post(connection, ("\n".join(every[start:start + BODY]) + "\n").encode())
    service.wait_until_published(records)
    return json.loads(every[len(every) // 2])["correlationId"]


def seven(found, ident, runs):
    print("| processor time / on the clock, in ms | " + " | ".join(engine.name for _, engine in found) + " | KQL / SQL |")
    print("|---" * (len(found) + 2) + "|")
    for query in QUERIES:
        cells, cpus, counts = [], {}, set()
        for key, engine in found:
            cpu, clock, rows = measure(engine, text_for(key, query, ident), runs)
            cpus[key] = cpu
            counts.add(rows)
            cells.append(f"{cpu:.1f} / {clock:.1f}")
        if len(counts) != 1:
            raise SystemExit(f"{query[0]}: the engines gave {sorted(counts)} rows")
        print(f"| {query[0]} | " + " | ".join(cells) + f" | {cpus['kql'] / cpus['sql']:.2f} |", flush=True)


def planning(service, runs):
    """From text to both plans: as the service measures it, and over HTTP with the plans as text."""
    rule = RULE.replace("{t}", TABLE)
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    connection = http.client.HTTPConnection(*service.address)
    inside, outside = [], []
    for _ in range(max(20, runs)):
        begin = time.perf_counter()
        connection.request("POST", "/api/v1/query", json.dumps({"query": rule, "language": "kql", "explain": True}), headers)
        answer = connection.getresponse()
        content = answer.read()
        outside.append((time.perf_counter() - begin) * 1e3)
        inside.append(float(re.fullmatch(r"plan;dur=(.+)", answer.headers["Server-Timing"])[1]))
        if answer.status != 200:
            raise SystemExit(f"the service answered {answer.status}: {content[:500]}")
    inside, outside = statistics.median(inside), statistics.median(outside)
    print(f"\nA rule of {len(rule.splitlines())} lines: {inside:.1f} ms from text to plan, {outside:.1f} ms over HTTP with the plans printed "
          f"(medians of {max(20, runs)}).")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000, help="records of about 1 KB (default 1000000)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each query, of which the cheapest counts (default 5)")
    arguments = with_program(parser)
    service = Service(arguments.program, SETTINGS + no_rules())
    try:
        ident = fill(service, arguments.records)
        files = os.path.join(service.data, "lake", "default", TABLE, "*.parquet")
        print(f"{arguments.records:,} gateway logs, the cheapest of {arguments.runs} runs each; {datetime.date.today()}, {machine()}\n", flush=True)
        seven(engines(service, files), ident, arguments.runs)
        planning(service, arguments.runs)
    finally:
        service.end()


if __name__ == "__main__":
    main()
