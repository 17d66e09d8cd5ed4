"""Logs that others wrote: every record is stored or quarantined, none is lost, nothing falls over."""

import json
import re

import support
from support import ROOT, Service

SAMPLES = ROOT.parent / "shared" / "samples"
TABLES = [
    "ApiManagementGatewayLogs", "NTANetAnalytics", "AzureActivity", "AzureDiagnostics", "SigninLogs",
    "AADNonInteractiveUserSignInLogs", "AADServicePrincipalSignInLogs", "AADManagedIdentitySignInLogs", "AuditLogs",
    "AZKVAuditLogs", "AGWAccessLogs", "AGWFirewallLogs", "ApiManagementGatewayLlmLog", "ApiManagementGatewayMCPLog",
    "ApiManagementWebSocketConnectionLogs", "APIMDevPortalAuditDiagnosticLog", "_Quarantine",
]
# Where the records of a kind of sample belong, besides what belongs to several tables.
KINDS = {
    "activity-eventhub": "AzureActivity",
    "apim-gateway": "ApiManagementGatewayLogs",
    "appgw-waf": "AGWFirewallLogs",
    "auditlogs": "AuditLogs",
    "azureactivity-la-csv": "AzureActivity",
    "functionapp-eventhub": "AzureDiagnostics",
    "keyvault-audit": "AZKVAuditLogs",
    "nsg-flow": "NTANetAnalytics",
    "nsg-flow-v2": "NTANetAnalytics",
    "vnet-flow": "NTANetAnalytics",
}
# What is no log of Azure's may be in quarantine.
FOREIGN = {"aws-apigateway", "azure-monitor-alert"}
TUPLE = re.compile(r'"\d{10,13},[^",]+,[^",]+,\d+,\d+,[^"]+"')


def listed():
    """Log files, their kind, how many records they have, and how many more are broken on purpose."""
    for line in (SAMPLES / "INDEX.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 6 or not cells[4][:1].isdigit() or cells[4].endswith("expected"):
            continue
        numbers = [int(number) for number in re.findall(r"\d+", cells[4])]
        yield SAMPLES / cells[1], cells[3], numbers[0], sum(numbers[1:])


def enclosed(content):
    """How many more records a body holds than its list is long: a record may be an envelope of others."""
    try:
        records = json.loads(content)["records"]
    except (ValueError, KeyError, TypeError):
        return 0
    return sum(len(record["records"]) - 1 for record in records if "records" in record)


def counts(service):
    """Rows of every table."""
    parts = [f"select '{table}' as Name, count(*) as Rows from \"{table}\"" for table in TABLES]
    return {row["Name"]: int(row["Rows"]) for row in service.query(" union all ".join(parts))}


def post(checks, service, sample):
    path, kind, records, malformed = sample
    name = str(path.relative_to(SAMPLES))
    content = path.read_bytes()
    if kind.startswith("Azure_"):  # logs that come with a verdict are a member of their line
        content = b"\n".join(json.dumps(json.loads(line)["log"]).encode() for line in content.splitlines())
    records += enclosed(content)
    before = counts(service)
    answer = service.ingest(content, {"Idempotency-Key": name})
    if not checks.equal(f"{name}: the answer is 200", answer.status, 200):
        print(f"          {answer!r}")
        return
    accepted, quarantined = answer.json()["accepted"], answer.json()["quarantined"]
    after = counts(service)
    rows = {table: after[table] - before[table] for table in TABLES if after[table] != before[table]}
    checks.equal(f"{name}: each of {records + malformed} records is accounted for", accepted + quarantined, records + malformed)
    if kind not in FOREIGN:
        checks.check(f"{name}: only what is broken on purpose is in quarantine", quarantined <= malformed, answer)
    checks.equal(f"{name}: what was quarantined is kept", rows.pop("_Quarantine", 0), quarantined)
    tuples = len(TUPLE.findall(content.decode("utf-8", "replace")))
    expected = tuples if "-flow" in kind else accepted
    checks.equal(f"{name}: the tables have a row for each", sum(rows.values()), expected)
    if kind in KINDS:
        checks.equal(f"{name}: it is in {KINDS[kind]}", set(rows), {KINDS[kind]})


def repaired(checks, service):
    """Broken on purpose, but of one reading only: it can be asked for like any other."""
    found = service.query(
        "select json_get_str(AdditionalFields, 'properties', 'functionName') as Name from \"AzureDiagnostics\" "
        "where json_get_str(AdditionalFields, '_Repaired') is not null"
    )
    checks.equal("a record in single quotes is read", [row["Name"] for row in found], ["HttpTriggerJava"])


def hostile(checks, service):
    """Bodies that look for a step that takes more than linear time. Each is answered in time."""
    units = ['{"a":[', "[\n", 'x{"', '{"records":[', "[", "{", '"', "{'a':", '{"a":1,}', '{"a":"{"b":', '{"a":"\n', "}{", '{"time":"t"}\n', "\n"]
    bodies = {unit: (unit * (500_000 // len(unit))).encode() for unit in units}
    bodies["rows"] = ("TimeGenerated," + "n" * 200 + "\n" + '"\n' * 250_000).encode()
    for unit, content in bodies.items():
        answer = service.ingest(content)
        checks.check(f"half a megabyte of {unit!r} is answered", answer.status in (200, 400, 413), answer)


def body(checks):
    with support.folder("samples") as folder:
        service = Service(folder).start()
        try:
            files = list(listed())
            checks.check("there are samples of each kind", set(KINDS) <= {kind for _, kind, _, _ in files})
            for sample in files:
                post(checks, service, sample)
            repaired(checks, service)
            hostile(checks, service)
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
