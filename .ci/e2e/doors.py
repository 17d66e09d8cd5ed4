"""The doors of other protocols, each with a client that was not written for us: Azure's SDK, Elasticsearch's client,
OpenTelemetry's SDK, rsyslog. What they send is queried and compared."""

import base64
import gzip
import json
import logging
import os
import pathlib
import ssl
import subprocess
import time
import uuid

import support
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.monitor.ingestion import LogsIngestionClient
from elasticsearch import AuthenticationException, Elasticsearch, helpers
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from sinks import certificates
from support import ADMIN_KEY, CONFIG, Service, gateway_record, instant, now, wait_for

# They would take precedence over the authority that a client is told to trust.
for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
    os.environ.pop(variable, None)
RULE = "dcr-00000000000000000000000000000000"


class Key:
    """A credential of Azure's SDK that shows a key of ours as its token."""

    def __init__(self, key):
        self.key = key

    def get_token(self, *_scopes, **_options):
        return AccessToken(self.key, int(time.time()) + 3600)


def count(service, table, where="true"):
    return service.query(f'select count(*) as n from "{table}" where {where}')[0]["n"]


def azure(checks, service, authority):
    """Rows as a Log Analytics table has them, without `Type`: the stream tells the table."""
    options = {"connection_verify": str(authority), "logging_enable": False}
    client = LogsIngestionClient(service.url, Key(ADMIN_KEY), **options)
    rows = [
        {
            "TimeGenerated": instant(now()),
            "Caller": f"azure-{place}",
            "OperationNameValue": "MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/DELETE",
            "Padding": "x" * 500,
        }
        for place in range(5000)
    ]
    client.upload(RULE, "Microsoft-AzureActivity", rows)
    checks.equal("Azure's SDK uploads rows of a table, in several requests", count(service, "AzureActivity"), 5000)
    callers = service.query("select count(distinct Caller) as n from AzureActivity")[0]["n"]
    checks.equal("each of them once", callers, 5000)
    client.upload(RULE, "Custom-Gateway_CL", [gateway_record("azure-raw")])
    found = count(service, "ApiManagementGatewayLogs", "CorrelationId = 'azure-raw'")
    checks.equal("in another stream a record says itself what it is", found, 1)
    name, stamp = str(uuid.uuid4()), instant(now())
    for id_ in ("once", "once", "other"):
        client.upload(RULE, "Custom-AuditLogs", [{"TimeGenerated": stamp, "Id": id_}], request_id=name)
    ids = sorted(row["Id"] for row in service.query('select "Id" from "AuditLogs"'))
    checks.equal("a body that comes again under its name is stored once, another body is another", ids, ["once", "other"])
    wrong = LogsIngestionClient(service.url, Key("bzn_wrong"), **options)
    try:
        wrong.upload(RULE, "Custom-Gateway_CL", rows[:1])
        checks.check("a wrong key is an authentication error to it", False, "it was let in")
    except ClientAuthenticationError as error:
        checks.equal("a wrong key is an authentication error to it", error.error.code, "InvalidAccessToken")
    try:
        old = LogsIngestionClient(service.url, Key(ADMIN_KEY), api_version="2020-01-01", **options)
        old.upload(RULE, "Custom-Gateway_CL", rows[:1])
        checks.check("an unknown version is refused", False, "it was taken")
    except HttpResponseError as error:
        checks.equal("an unknown version is refused with Azure's code", error.error.code, "InvalidRequest")
        checks.check("which says what to send", "2023-01-01" in error.error.message, error.error.message)
    broken = service.call("POST", f"/dataCollectionRules/{RULE}/streams/s?api-version=2023-01-01", b"nonsense")
    checks.equal("a broken body is refused", (broken.status, broken.json()["error"]["code"]), (400, "InvalidRequest"))


def elastic(checks, service, authority):
    client = Elasticsearch(service.url + "/elastic", api_key=("e2e", ADMIN_KEY), ca_certs=str(authority), http_compress=True)
    checks.check("Elasticsearch's client takes it for a server of its own", client.info()["version"]["number"])
    checks.check("and finds its index there", client.indices.exists(index="filebeat"))
    before = count(service, "ApiManagementGatewayLogs")
    actions = ({"_op_type": "create", "_index": "logs", **gateway_record(f"bulk-{place}")} for place in range(3000))
    done, failed = helpers.bulk(client, actions, chunk_size=1000)
    checks.equal("helpers.bulk sends records, compressed", (done, failed), (3000, []))
    checks.equal("and they are rows", count(service, "ApiManagementGatewayLogs") - before, 3000)
    rows = [{"_index": "apimanagementgatewaylogs-2026.11", "TimeGenerated": instant(now()), "Url": "https://index"}]
    helpers.bulk(client, rows)
    found = count(service, "ApiManagementGatewayLogs", "Url = 'https://index'")
    checks.equal("an index named after a table takes what says nothing itself", found, 1)
    done, failed = helpers.bulk(client, [{"_op_type": "delete", "_index": "x", "_id": "1"}], raise_on_error=False)
    checks.equal("a deletion is an error of its item", (done, failed[0]["delete"]["status"]), (0, 400))
    try:
        Elasticsearch(service.url + "/elastic", api_key=("e2e", "bzn_wrong"), ca_certs=str(authority)).info()
        checks.check("a wrong key is an authentication error to it", False, "it was let in")
    except AuthenticationException as error:
        checks.equal("a wrong key is an authentication error to it", error.error, "security_exception")


def filebeat_event(line, place):
    """An event as Filebeat 8 writes it."""
    return {
        "@timestamp": instant(now())[:23] + "Z",
        "log": {"offset": place * 1000, "file": {"path": "/var/log/azure/PT1H.json", "inode": "1", "device_id": "2"}},
        "message": line,
        "input": {"type": "filestream"},
        "ecs": {"version": "8.0.0"},
        "host": {"name": "shipper-1"},
        "agent": {"type": "filebeat", "version": "8.15.0", "name": "shipper-1", "id": "a", "ephemeral_id": "b"},
    }


def filebeat(checks, service):
    """The body that Filebeat sends, with its query and headers, the key as its user's password, gzip."""
    lines = [json.dumps(gateway_record(f"beat-{place}")) for place in range(20)] + ["plain text", '{"cut":']
    body = b""
    for place, line in enumerate(lines):
        event = json.dumps(filebeat_event(line, place))
        body += b'{"create":{"_index":"filebeat-8.15.0"}}\n' + event.encode() + b"\n"
    secret = base64.b64encode(f"elastic:{ADMIN_KEY}".encode()).decode()
    headers = {
        "Authorization": f"Basic {secret}",
        "Content-Type": "application/x-ndjson; charset=UTF-8",
        "Content-Encoding": "gzip",
        "X-Elastic-Product-Origin": "beats",
    }
    path = "/elastic/_bulk?filter_path=errors%2Citems.%2A.error%2Citems.%2A.status"
    answer = service.call("POST", path, gzip.compress(body), headers, key=None)
    checks.equal("a body of Filebeat's is taken", answer.status, 200)
    statuses = {item["create"]["status"] for item in answer.json()["items"]}
    checks.equal("what can't be read is kept, so that it does not come again", (answer.json()["errors"], statuses), (False, {201}))
    kept = [item["create"]["_index"] for item in answer.json()["items"]].count("_Quarantine")
    checks.equal("and the answer says where", kept, 2)
    rows = service.query("select * from ApiManagementGatewayLogs where CorrelationId = 'beat-7'")
    checks.equal("the row is that of the line", [row["Method"] for row in rows], ["GET"])
    checks.check("and not of the shipper", "filebeat" not in json.dumps(rows), rows)
    found = count(service, "ApiManagementGatewayLogs", "CorrelationId like 'beat-%'")
    checks.equal("every line became one", found, 20)
    found = service.query("select \"Source\", count(*) as n from \"_Quarantine\" where \"Source\" = 'bulk' group by \"Source\"")
    checks.equal("the rest is in quarantine", found, [{"Source": "bulk", "n": 2}])
    for path in ("/elastic/", "/elastic/_license", "/elastic/_ilm/policy/filebeat", "/elastic/_index_template/filebeat-8.15.0"):
        answer = service.call("GET", path, headers={"Authorization": f"Basic {secret}"}, key=None)
        named = answer.headers.get("X-Elastic-Product")
        checks.equal(f"Filebeat goes on after GET {path}", (answer.status, named), (200, "Elasticsearch"))
    refused = service.call("POST", "/elastic/_bulk", b"nonsense\n")
    checks.equal("a body that is none is refused", (refused.status, refused.json()["status"]), (400, 400))
    cut = service.call("POST", "/_bulk", gzip.compress(body)[:-9], headers, key=None)
    checks.equal("and one that is cut", cut.status, 400)


class Refusals(logging.Handler):
    """What the exporter complains of."""

    def __init__(self):
        super().__init__()
        self.texts = []

    def emit(self, record):
        self.texts.append(record.getMessage())


def telemetry(checks, service, authority):
    def provider(key):
        exporter = OTLPLogExporter(
            endpoint=service.url + "/v1/logs",
            certificate_file=str(authority),
            headers={"Authorization": f"Bearer {key}"},
            compression=Compression.Gzip,
            timeout=5,
        )
        made = LoggerProvider(Resource.create({"service.name": "e2e", "cloud.region": "northeurope"}))
        made.add_log_record_processor(BatchLogRecordProcessor(exporter, schedule_delay_millis=60_000))
        return made

    def emit(to, **members):
        stamp = time.time_ns()
        to.get_logger("access", "1.2").emit(LogRecord(timestamp=stamp, observed_timestamp=stamp, **members))

    made = provider(ADMIN_KEY)
    for place in range(1200):
        emit(made, body=f"text-{place}", severity_number=SeverityNumber.WARN, severity_text="WARN", attributes={"place": place})
    emit(made, body=json.dumps(gateway_record("otlp-text")))
    emit(made, body=gateway_record("otlp-map"))
    emit(
        made,
        attributes={
            "http.request.method": "DELETE",
            "http.response.status_code": 403,
            "url.full": "https://api.e2e.example/otlp",
            "client.address": "192.0.2.99",
        },
    )
    checks.check("OpenTelemetry's SDK sends all that it was given", made.force_flush(20_000))
    made.shutdown()
    rows = service.query('select * from "OTelLogs" order by "Body"')
    checks.equal("its records are rows of OTelLogs", len(rows), 1200)
    row = next(row for row in rows if row["Body"] == "text-7")
    said = (row["SeverityText"], row["SeverityNumber"], row["ScopeName"], row["ScopeVersion"], json.loads(row["Attributes"]))
    checks.equal("with what they say", said, ("WARN", 13, "access", "1.2", {"place": 7}))
    checks.equal("and what wrote them", json.loads(row["ResourceAttributes"])["service.name"], "e2e")
    found = count(service, "ApiManagementGatewayLogs", "CorrelationId in ('otlp-text', 'otlp-map')")
    checks.equal("a gateway's record in a body, text or map, is a row of its table", found, 2)
    rows = service.query("select * from ApiManagementGatewayLogs where Url = 'https://api.e2e.example/otlp'")
    said = [(row["Method"], row["ResponseCode"], row["CallerIpAddress"], row["Region"]) for row in rows]
    checks.equal("and so is a call by OpenTelemetry's conventions", said, [("DELETE", 403, "192.0.2.99", "northeurope")])
    refusals = Refusals()
    logging.getLogger("opentelemetry").addHandler(refusals)
    wrong = provider("bzn_wrong")
    emit(wrong, body="wrong")
    wrong.force_flush(10_000)
    wrong.shutdown()
    checks.check("a wrong key is refused", any("401" in text for text in refusals.texts), refusals.texts)
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "json"}}, {"body": 5}]}]}]}
    answer = service.call("POST", "/v1/logs", logs)
    partial = answer.json()["partialSuccess"]
    checks.equal("JSON is taken too, and what can't be read is counted", partial["rejectedLogRecords"], "1")
    broken = service.call("POST", "/v1/logs", b"\x0a\xff", {"Content-Type": "application/x-protobuf"})
    checks.equal("a broken body is refused in its own encoding", (broken.status, broken.body[:2]), (400, b"\x08\x03"))


RSYSLOG = """
global(workDirectory="{folder}")
module(load="imfile")
module(load="omelasticsearch")
input(type="imfile" file="{folder}/PT1H.json" tag="azure" ruleset="ship" reopenOnTruncate="on")
template(name="event" type="list") {{
    constant(value="{{\\"@timestamp\\":\\"")
    property(name="timereported" dateFormat="rfc3339")
    constant(value="\\",\\"message\\":\\"")
    property(name="msg" format="json")
    constant(value="\\"}}")
}}
ruleset(name="ship") {{
    action(type="omelasticsearch" server="{url}/elastic" searchIndex="azure" searchType="" bulkmode="on"
        template="event" uid="rsyslog" pwd="{key}" usehttps="on" tls.cacert="{authority}" errorFile="{folder}/errors")
}}
"""


def rsyslog(checks, service, authority, folder):
    """A shipper of Debian that follows a file."""
    program = "/usr/sbin/rsyslogd"
    if not os.path.exists(program):
        print("  skipped rsyslog: it is not installed", flush=True)
        return
    folder = pathlib.Path(folder) / "rsyslog"
    folder.mkdir()
    lines = [json.dumps(gateway_record(f"rsyslog-{place}", url='https://a/"quoted"\\path')) for place in range(500)]
    (folder / "PT1H.json").write_text("\n".join(lines) + "\nplain text\n")
    configuration = folder / "rsyslog.conf"
    values = {"folder": folder, "url": service.url, "key": ADMIN_KEY, "authority": authority}
    configuration.write_text(RSYSLOG.format(**values))
    with open(folder / "log", "wb") as log:
        command = [program, "-n", "-f", configuration, "-i", folder / "pid"]
        shipper = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        where = "CorrelationId like 'rsyslog-%'"
        wait_for(lambda: count(service, "ApiManagementGatewayLogs", where) == 500, 30, "rsyslog's lines")
        checks.check("rsyslog ships a file, and every line is a row", True)
    except TimeoutError:
        found = count(service, "ApiManagementGatewayLogs", where)
        checks.equal("rsyslog ships a file, and every line is a row", found, 500)
        print((folder / "log").read_text(errors="replace")[-2000:], flush=True)
    finally:
        shipper.terminate()
        shipper.wait(20)
    urls = service.query(f"select distinct Url from ApiManagementGatewayLogs where {where}")
    checks.equal("as it was written", urls, [{"Url": 'https://a/"quoted"\\path'}])
    texts = service.query("select arrow_cast(\"Bytes\", 'Utf8') as t from \"_Quarantine\" where \"Source\" = 'bulk'")
    checks.equal("but for a line that is no record", sum("plain text" in row["t"] and "agent" not in row["t"] for row in texts), 1)
    errors = folder / "errors"
    said = errors.read_text() if errors.exists() else ""
    checks.equal("of which it is told no error", said, "")


def limits(checks, folder):
    """Every door has the rates and sizes of all doors, and says so in its own words."""
    config = CONFIG + "[limits]\ningest_requests_per_second = 2\nbody_bytes = 20000\n"
    service = Service(folder, config).start()
    try:
        doors = {
            "/api/v1/ingest": "detail",
            f"/dataCollectionRules/{RULE}/streams/s?api-version=2023-01-01": "error",
            "/elastic/_bulk": "error",
            "/v1/logs": "message",
        }
        for path, member in doors.items():
            headers = {"Content-Type": "application/json"}
            time.sleep(2)
            answer = service.call("POST", path, b" " * 20001, headers)
            checks.equal(f"{path} refuses a body that is too large", answer.status, 413)
            checks.check("  in its own words", member in answer.json(), answer)
            answers = [service.call("POST", path, b"[]", headers) for _ in range(8)]
            limited = [answer for answer in answers if answer.status == 429]
            checks.check(f"{path} has a rate", limited, answers)
            after = [answer.headers.get("Retry-After", "") for answer in limited]
            checks.check("  and says when to come back", after and all(one.isdigit() for one in after), after)
        metrics = service.call("GET", "/metrics").text
        checks.check("each door is counted by itself", 'bartizan_ingest_bytes_total{source="otlp"}' in metrics, metrics[:500])
    finally:
        service.kill()


def body(checks):
    with support.folder("doors") as folder, support.folder("doors-limits") as second:
        authority, certificate, key = certificates(folder)
        config = f'{CONFIG}\n[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n'
        service = Service(folder, config, tls=ssl.create_default_context(cafile=authority)).start()
        try:
            azure(checks, service, authority)
            elastic(checks, service, authority)
            filebeat(checks, service)
            telemetry(checks, service, authority)
            rsyslog(checks, service, authority, folder)
            said = service.log.read_text(errors="replace")
            checks.check("nothing panicked", "panicked" not in said, said[-2000:])
            checks.check("its log holds no key", ADMIN_KEY not in said)
        except Exception:
            print(service.tail(), flush=True)
            raise
        finally:
            service.kill()
        limits(checks, second)


support.run("doors: clients that were not written for it", body)
