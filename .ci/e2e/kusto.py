"""Microsoft's own clients ask in KQL, as they ask Azure: azure-kusto-data by both versions of its protocol, azure-monitor-query over
TLS. Then the conformance cases that others wrote, where they are at hand; which may fail, and why, is in kusto_expected.json."""

import json
import pathlib
import ssl
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta, timezone

import azure.core.credentials
import azure.monitor.query
from azure.core.exceptions import HttpResponseError
from azure.kusto.data import ClientRequestProperties, KustoClient, KustoConnectionStringBuilder
from azure.kusto.data.exceptions import KustoApiError, KustoMultiApiError, KustoServiceError
from azure.kusto.data.helpers import dataframe_from_result_table

import support
from sinks import certificates
from support import ADMIN_KEY, CONFIG, ROOT, Service, gateway_record

CONFORMANCE = ROOT.parent / "shared" / "conformance"
EXPECTED = json.loads((pathlib.Path(__file__).parent / "kusto_expected.json").read_text())
BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)
TYPES = (
    "print b = true, i = int(7), l = 9223372036854775807, r = 1.5, nan = real(nan), d = decimal(1.25), s = 'é\"', "
    "t = datetime(2026-01-02T03:04:05.1234567Z), span = 1d + 2h + 1tick, g = guid(74be27de-1e4e-49d9-b579-fe0b331d3642), "
    "j = dynamic({'a': [1, null]}), nothing = long(null)"
)


def client(service, key=ADMIN_KEY):
    return KustoClient(KustoConnectionStringBuilder.with_aad_application_token_authentication(service.url, key))


def refused(call, kind):
    """The error of that kind that a call ends in, or what happened instead."""
    try:
        return call()
    except kind as error:
        return error


def explorer(checks, service):
    kusto = client(service)
    found = kusto.execute_query("default", "ApiManagementGatewayLogs | summarize n = count() by ApiId, ResponseCode | sort by ResponseCode asc")
    rows = [row.to_dict() for row in found.primary_results[0]]
    checks.equal("azure-kusto-data reads rows by version 2", [(row["ApiId"], row["ResponseCode"], row["n"]) for row in rows], [("orders-v1", 200, 5), ("orders-v1", 404, 5)])
    checks.equal("without a complaint", (found.errors_count, found.get_exceptions()), (0, []))
    row = kusto.execute_query("default", TYPES).primary_results[0][0]
    said = (row["b"], row["i"], row["l"], row["r"], row["nan"], str(row["d"]), row["s"], row["g"], row["j"], row["nothing"])
    expected = (True, 7, 9223372036854775807, 1.5, "NaN", "1.25", "é\"", "74be27de-1e4e-49d9-b579-fe0b331d3642", {"a": [1, None]}, None)
    checks.equal("every type arrives as it is", said, expected)
    checks.equal("instants and spans too", (row["t"], row["span"]), (datetime(2026, 1, 2, 3, 4, 5, 123456, timezone.utc), timedelta(days=1, hours=2)))
    frame = dataframe_from_result_table(kusto.execute_query("default", TYPES).primary_results[0])
    checks.equal("as a dataframe with pandas' types", (str(frame["t"][0]), str(frame["span"][0]), int(frame["l"][0])), ("2026-01-02 03:04:05.123456700+00:00", "1 days 02:00:00.000000100", 9223372036854775807))
    stream = kusto.execute_streaming_query("default", "range x from 1 to 20000 step 1")
    total = sum(row["x"] for table in stream.iter_primary_results() for row in table)
    checks.equal("a long answer is streamed", total, 200010000)
    properties = ClientRequestProperties()
    properties.set_parameter("who", "orders-v1")
    properties.set_option("servertimeout", timedelta(seconds=20))
    text = "declare query_parameters(who: string); ApiManagementGatewayLogs | where ApiId == who | count"
    checks.equal("parameters are declared", kusto.execute_query("default", text, properties).primary_results[0][0]["Count"], 10)
    properties = ClientRequestProperties()
    properties.set_option("truncationmaxrecords", 3)
    error = refused(lambda: kusto.execute_query("default", "range x from 1 to 9 step 1", properties), KustoMultiApiError)
    checks.check("an answer that is cut off is an error", "E_QUERY_RESULT_SET_TOO_LARGE" in str(error), error)
    shown = kusto.execute_mgmt("default", ".show databases")
    checks.equal("commands are answered by version 1", shown.primary_results[0][0]["DatabaseName"], "default")
    schema = kusto.execute("default", ".show database schema as json").primary_results[0][0]["DatabaseSchema"]
    checks.check("with the schema", "AuditLogs" in json.loads(schema)["Databases"]["default"]["Tables"])
    error = refused(lambda: kusto.execute_query("default", "Nothing | take 1"), KustoApiError)
    checks.check("an unknown table is a semantic error", error.is_semantic_error() and error.get_api_error().permanent, error)
    error = refused(lambda: client(service, "bzn_wrong").execute_query("default", "print 1"), KustoServiceError)
    plan = kusto.execute_mgmt("default", ".show queryplan <| ApiManagementGatewayLogs | where ResponseCode == 404 | count").primary_results[0]
    checks.check("the plan of a query is shown", "AggregateExec" in {row["plan_type"]: row["plan"] for row in plan}["physical_plan"], plan)
    checks.check("a wrong key is told so", "401" in str(error), error)


def lists(checks, service):
    """Tables that only rows fill, watchlists, and a query that needs both."""
    kusto = client(service)
    rows = [{"TimeGenerated": "2026-01-01T00:00:00Z", "NetworkIP": "198.51.100.7", "Active": True, "ThreatType": "Botnet"}]
    path = "/dataCollectionRules/any/streams/Custom-ThreatIntelligenceIndicator?api-version=2023-01-01"
    sent = service.call("POST", path, json.dumps(rows), {"Content-Type": "application/json"})
    checks.equal("an indicator goes in by its table's name", sent.status, 204)
    csv = "Address,Owner\n198.51.100.0/24,partner\n192.0.2.1,nobody\n"
    put = service.call("PUT", "/api/v1/watchlists/partners?search_key=Address", csv, {"Content-Type": "text/csv"})
    checks.equal("a watchlist is uploaded", (put.status, put.json().get("items")), (200, 2))
    text = """let partners = toscalar(_GetWatchlist('partners') | where Owner == 'partner' | summarize make_list(SearchKey));
        ApiManagementGatewayLogs
        | where ipv4_is_in_any_range(CallerIpAddress, partners)
        | join kind=inner (ThreatIntelligenceIndicator | where Active) on $left.CallerIpAddress == $right.NetworkIP
        | summarize calls = count() by ThreatType"""
    found = [row.to_dict() for row in kusto.execute_query("default", text).primary_results[0]]
    checks.equal("one query knows both", found, [{"ThreatType": "Botnet", "calls": 10}])
    shell = subprocess.run([support.binary(), "query", "--format", "csv", "--url", service.url, "--key", ADMIN_KEY],
        input="ApiManagementGatewayLogs\n| summarize n = count()\n    by ApiId", capture_output=True, text=True)
    checks.equal("the command line asks what stands on its standard input", shell.stdout, "ApiId,n\norders-v1,10\n")


class Token:
    def get_token(self, *_scopes, **_options):
        return azure.core.credentials.AccessToken(ADMIN_KEY, int(support.now().timestamp()) + 3600)


def monitor(checks, service, authority):
    logs = azure.monitor.query.LogsQueryClient(Token(), endpoint=service.url, connection_verify=str(authority))
    workspace = "3f2b8a52-9d0e-11ef-8f3b-6045bd1e2a34"
    text = "ApiManagementGatewayLogs | project TimeGenerated, ApiId, Fields = dynamic({'a': 1}) | sort by TimeGenerated asc"
    span = (BEGIN, timedelta(seconds=3))
    found = logs.query_workspace(workspace, text, timespan=span, include_statistics=True, include_visualization=True, server_timeout=30)
    table = found.tables[0]
    checks.equal("azure-monitor-query reads rows over TLS", (found.status, len(table.rows), table.columns), ("Success", 3, ["TimeGenerated", "ApiId", "Fields"]))
    checks.equal("with their types", list(table.rows[0]), [BEGIN, "orders-v1", '{"a":1}'])
    checks.check("statistics and visualization come if wanted", bool(found.statistics) and found.visualization is not None)
    error = refused(lambda: logs.query_workspace(workspace, "AuditLogs | | take 1", timespan=None), HttpResponseError)
    checks.equal("a mistake is told in Azure's words", (error.status_code, error.error.code), (400, "BadArgumentError"))
    batch = [azure.monitor.query.LogsBatchQuery(workspace, query, timespan=None) for query in ("print x = 1", "nonsense")]
    found = logs.query_batch(batch)
    checks.equal("a batch is answered one by one", (found[0].tables[0].rows[0]["x"], found[1].status), (1, "Failure"))


def conformance(checks, service, script, cases, name):
    """Fails if fewer pass than should, or one fails that is not listed."""
    if not (CONFORMANCE / cases).is_file():
        checks.skip(f"{cases} is not here")
        return
    expected = EXPECTED[name]
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        command = [sys.executable, script, cases, "--url", f"{service.url}/v1/rest/query", "--token", ADMIN_KEY, "--json", report.name]
        said = subprocess.run(command, cwd=CONFORMANCE, capture_output=True, text=True)
        failed = json.loads(pathlib.Path(report.name).read_text())
    print("  " + said.stdout.strip().splitlines()[-1], flush=True)
    total = len(json.loads((CONFORMANCE / cases).read_text()))
    passed = total - len(failed)
    checks.check(f"{name}: at least {expected['passed_min']} of {total}", passed >= expected["passed_min"], passed)
    unknown = {case: failed[case] for case in failed if case not in expected["exceptions"]}
    checks.equal(f"{name}: what fails is listed with its reason", unknown, {})
    mended = sorted(case for case in expected["exceptions"] if case not in failed)
    print(f"  listed, but passes: {', '.join(mended) or 'none'}", flush=True)


def body(checks):
    with support.folder("kusto") as folder:
        limits = "[limits]\nrequests_per_second = 10000\n"
        service = Service(folder, CONFIG + limits).start()
        try:
            records = [gateway_record(f"k-{place}", BEGIN + timedelta(seconds=place), (200, 404)[place % 2]) for place in range(10)]
            checks.equal("logs go in", service.ingest(records).status, 200)
            explorer(checks, service)
            lists(checks, service)
            conformance(checks, service, "kql_check.py", "kql_docs.json", "kql_docs")
            conformance(checks, service, "sentinel_check.py", "sentinel_queries.json", "sentinel_queries")
        finally:
            service.kill()
    with support.folder("kusto-tls") as folder:
        authority, certificate, key = certificates(folder)
        config = f'{CONFIG}\n[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n'
        service = Service(folder, config, tls=ssl.create_default_context(cafile=authority)).start()
        try:
            records = [gateway_record(f"m-{place}", BEGIN + timedelta(seconds=place)) for place in range(10)]
            checks.equal("logs go in over TLS", service.ingest(records).status, 200)
            monitor(checks, service, authority)
        finally:
            service.kill()


support.run("kusto: Microsoft's clients ask in KQL", body)
