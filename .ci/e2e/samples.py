"""Logs that others wrote: every record is stored or quarantined, none is lost, nothing falls over."""

import json
import re

import support
from support import ROOT, Service

SAMPLES = ROOT.parent / "shared" / "samples"
TABLES = {
    "apim-gateway": "ApiManagementGatewayLogs",
    "nsg-flow": "NTANetAnalytics",
    "nsg-flow-v2": "NTANetAnalytics",
    "vnet-flow": "NTANetAnalytics",
    "activitylogs": "AzureActivity",
    "activity-eventhub": "AzureActivity",
    "keyvault-audit": "AZKVAuditLogs",
    "auditlogs": "AuditLogs",
}
# A sample of one kind may hold records of another: their category, and the table that they belong to.
STRANGERS = {b"NonInteractiveUserSignInLogs": "AADNonInteractiveUserSignInLogs"}
TUPLE = re.compile(r'"\d{10,13},[^",]+,[^",]+,\d+,\d+,[^"]+"')


def listed():
    """Files of these kinds, with how many records their index says that they hold."""
    for line in (SAMPLES / "INDEX.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 5 and cells[3] in TABLES and cells[4].isdigit():
            yield SAMPLES / cells[1], TABLES[cells[3]], int(cells[4])


def enclosed(content):
    """How many more records a body holds than its list is long: a record may be an envelope of others."""
    try:
        records = json.loads(content)["records"]
    except (ValueError, KeyError, TypeError):
        return 0
    return sum(len(record["records"]) - 1 for record in records if "records" in record)


def count(service, table):
    return int(service.query(f"select count(*) as Rows from {table}")[0]["Rows"])


def post(checks, service, path, table, records):
    name = str(path.relative_to(SAMPLES))
    content = path.read_bytes()
    records += enclosed(content)
    strangers = {other: content.count(b'"category":"' + known + b'"') for known, other in STRANGERS.items()}
    before = {known: count(service, known) for known in (table, *strangers)}
    rejected = count(service, "_Quarantine")
    answer = service.ingest(content, {"Idempotency-Key": name})
    if not checks.equal(f"{name}: the answer is 200", answer.status, 200):
        print(f"          {answer!r}")
        return
    accepted, quarantined = answer.json()["accepted"], answer.json()["quarantined"]
    checks.equal(f"{name}: each of {records} records is accounted for", accepted + quarantined, records)
    rejected = count(service, "_Quarantine") - rejected
    checks.equal(f"{name}: what was quarantined is kept", rejected, quarantined)
    for other, expected in strangers.items():
        if expected:
            checks.equal(f"{name}: {other} has its own", count(service, other) - before[other], expected)
            accepted -= expected
    rows = count(service, table) - before[table]
    tuples = len(TUPLE.findall(content.decode("utf-8", "replace")))
    expected = tuples if table == "NTANetAnalytics" else accepted
    checks.equal(f"{name}: {table} has a row for each", rows, expected)


def body(checks):
    with support.folder("samples") as folder:
        service = Service(folder).start()
        try:
            files = list(listed())
            checks.check("there are samples of each kind", {table for _, table, _ in files} == set(TABLES.values()))
            for path, table, records in files:
                post(checks, service, path, table, records)
            everything = [path for path in SAMPLES.rglob("*") if path.is_file() and path.stat().st_size < 4 << 20]
            failures = []
            for path in everything:
                answer = service.ingest(path.read_bytes())
                if answer.status == 0 or answer.status >= 500:
                    failures.append((str(path), answer))
            checks.check(f"no file of any kind ({len(everything)}) is answered with 5xx", not failures, failures[:2])
            checks.check("the service is alive", service.alive() and service.call("GET", "/readyz").status == 200)
        except Exception:
            print(service.tail(), flush=True)
            raise
        finally:
            service.kill()


if SAMPLES.is_dir():
    support.run("samples: logs that others wrote", body)
else:
    print("== samples: logs that others wrote\nskipped: samples\n0 passed, 0 failed")
