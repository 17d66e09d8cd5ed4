"""`externaldata` reads lists from hosts that the configuration names, and from no others: a server of loopback plays the host."""

import gzip
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import threading
import time
from datetime import timedelta

import support
from sinks import certificates
from support import CONFIG, Service, gateway_record, wait_for

BYTES_MAX = 100_000
RULE = """
id: 0c5c6f1e-7a52-4f0e-8f59-6f4a2b1d9c01
name: A listed address calls
kind: Scheduled
severity: Medium
description: An address of a list that stands elsewhere calls an API.
queryFrequency: 5m
queryPeriod: 5m
triggerOperator: gt
triggerThreshold: 0
tactics: [InitialAccess]
query: |
  let listed = externaldata(address: string, reason: string)['{url}/listed.csv'] with (ignoreFirstRecord = true);
  ApiManagementGatewayLogs
  | join kind=inner listed on $left.CallerIpAddress == $right.address
  | summarize calls = count() by address, reason
entityMappings:
- entityType: IP
  fieldMappings:
  - identifier: Address
    columnName: address
"""


class Host:
    """Serves a few documents and remembers who asked how."""

    def __init__(self, tls=None):
        self.asked, self.documents, self.redirects = [], {}, {}
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host.asked.append((self.path, dict(self.headers)))
                path = self.path.partition("?")[0]
                if path == "/slow":
                    time.sleep(3)
                if path in host.redirects:
                    self.send_response(302)
                    self.send_header("Location", host.redirects[path])
                    self.end_headers()
                    return
                body = host.documents.get(path)
                self.send_response(404 if body is None else 200)
                if path == "/endless":
                    self.end_headers()
                    try:
                        for _ in range(1000):
                            self.wfile.write(b"x" * 10_000)
                    except OSError:
                        pass
                    return
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                try:
                    self.wfile.write(body or b"")
                except OSError:
                    pass  # whoever asked has gone

            def log_message(self, *_arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def count(self, path):
        return sum(asked == path for asked, _ in self.asked)


def rows(service, kql):
    """The rows of a query, or what is said in their place."""
    answer = service.call("POST", "/api/v1/query", {"language": "kql", "query": kql})
    return answer.json()["rows"] if answer.status == 200 else answer.json().get("detail", answer.text)


def kusto(service, kql):
    answer = service.call("POST", "/v2/rest/query", {"db": "default", "csl": kql})
    frames = answer.json()
    if isinstance(frames, dict):
        return frames["error"]["@message"], ""
    found = [frame["Rows"] for frame in frames if frame.get("TableKind") == "PrimaryResult"]
    return found[0], json.dumps(frames)


def reads(checks, service, host, url):
    host.documents |= {
        "/listed.csv": b'address,reason\r\n198.51.100.7,"knocks, often"\r\n192.0.2.1,no\r\n',
        "/list.csv.gz": gzip.compress(b"1,2026-01-01\nnone,someday\n"),
        "/list.txt": b"one, two\nthree\n",
        "/list.json": b'[{"a": {"b": 1}},\n {"a": {"b": 2}}]',
        "/more.csv": b"3,\n",
        "/endless": b"",
        "/large.csv": b"x" * (BYTES_MAX + 1),
        "/bomb.csv.gz": gzip.compress(b"\0" * 5_000_000),
        "/page.json": b"<html>",
        "/moved.txt": b"here\n",
    }
    kql = f"externaldata(address: string, reason: string)['{url}/listed.csv'] with (ignoreFirstRecord = true)"
    checks.equal("a named host is read", rows(service, kql), [["198.51.100.7", "knocks, often"], ["192.0.2.1", "no"]])
    kql = f"externaldata(n: long, t: datetime)['{url}/list.csv.gz', '{url}/more.csv']"
    checks.equal("several documents, one of them gzip, and null where a value does not fit", rows(service, kql), [[1, "2026-01-01T00:00:00.0000000Z"], [None, None], [3, None]])
    kql = f"externaldata(line: string)[h@'{url}/list.txt?sig=secret']"
    checks.equal("lines by the end of the address", rows(service, kql), [["one, two"], ["three"]])
    mapping = '[{"Column": "b", "Properties": {"Path": "$.a.b"}}]'
    kql = f"externaldata(b: long)['{url}/list.json'] with (format = 'multijson', ingestionMapping = '{mapping}') | summarize sum(b)"
    checks.equal("JSON with a mapping", rows(service, kql), [[3]])
    checks.equal("Kusto's clients read it too", kusto(service, f"externaldata(line: string)['{url}/list.txt'] | count")[0], [[2]])
    sent = {name.lower() for _, headers in host.asked for name in headers}
    checks.equal("no credential goes along", sent, {"host", "accept", "accept-encoding", "user-agent"})
    before = len(host.asked)
    rows(service, f"let l = externaldata(a: string)['{url}/list.txt']; l | join l on a | join l on a")
    checks.equal("a document is fetched once in a query", len(host.asked) - before, 1)


def refuses(checks, service, host, other, url):
    def refused(name, path, *expected):
        said = rows(service, f"externaldata(a: string)['{path}'] | count")
        checks.check(name, isinstance(said, str) and all(word in said for word in expected), said)

    elsewhere = f"http://127.0.0.1:{other.port}/list.txt"
    refused("a host that is not named is refused, with the setting", elsewhere, "query.externaldata.hosts", f"http://127.0.0.1:{other.port}")
    found, frames = kusto(service, f"externaldata(a: string)['{elsewhere}'] | count")
    checks.equal("Kusto's clients see no rows of it", found, [[0]])
    checks.check("and a warning", "query.externaldata.hosts" in frames, frames)
    host.redirects = {"/here": "/moved.txt", "/away": elsewhere, "/round": "/round", "/metadata": "http://169.254.169.254/metadata"}
    checks.equal("a redirect to a host that is named is followed", rows(service, f"externaldata(a: string)['{url}/here'] with (format = 'txt')"), [["here"]])
    refused("one to another host is not", f"{url}/away", "redirects", f"127.0.0.1:{other.port}")
    refused("nor one to a metadata service", f"{url}/metadata", "redirects", "169.254.169.254")
    refused("nor one for ever", f"{url}/round", "redirects", "more than 5")
    refused("a document that is too large is refused", f"{url}/large.csv", "127.0.0.1/large.csv", f"{BYTES_MAX} bytes")
    refused("one without a length too", f"{url}/endless", "query.externaldata.bytes")
    refused("and one that is too large once decompressed", f"{url}/bomb.csv.gz", "query.externaldata.bytes")
    refused("a document that is not there is told", f"{url}/nothing.csv?sig=secret", "127.0.0.1/nothing.csv answers 404")
    refused("a page in the place of a list is told", f"{url}/page.json", "no JSON")
    refused("a host that does not answer is told", f"{url}/slow", "within 1 s")
    refused("a credential is not sent", f"{url}/list.txt;key", "credential")
    found, _ = kusto(service, f"externaldata(a: string)['{url}/nothing.csv']")
    checks.check("a failure is an error for Kusto's clients too", "404" in str(found), found)
    checks.equal("nobody else was asked", other.asked, [])
    checks.check("no query of an address is in the log", "secret" not in service.log.read_text())


def rules(checks, service, host):
    host.asked.clear()
    check = subprocess.run([support.binary(), "check", "--config", str(service.config)], capture_output=True, text=True, env=support.environment())
    checks.equal("a check of the rules fetches nothing", (check.returncode, host.asked), (0, []))
    begin = support.now() - timedelta(hours=1)
    calls = [gateway_record(f"r-{place}", begin + timedelta(minutes=place)) for place in range(16)]
    checks.equal("calls go in", service.ingest(calls).status, 200)
    incident = wait_for(service.incidents, 30, "an incident")[0]
    checks.check("a rule knows the list", "198.51.100.7" in json.dumps(incident), incident)
    evaluated = wait_for(lambda: host.count("/listed.csv") > 1 and host.count("/listed.csv"), 30, "a second window")
    checks.check("each window fetches it anew", evaluated > 1, evaluated)
    del host.documents["/listed.csv"]
    calls = [gateway_record(f"s-{place}", begin + timedelta(minutes=20 + place)) for place in range(16)]
    service.ingest(calls)

    def failing():
        text = service.call("GET", "/api/v1/rules").text
        return "answers 404" in text and text

    checks.check("a list that is gone makes the rule fail, and say why", "127.0.0.1/listed.csv answers 404" in wait_for(failing, 30, "the rule to fail"))


def secure(checks):
    """A host that is named without a scheme is asked by HTTPS, and its certificate is checked."""
    with support.folder("externaldata-tls") as folder:
        authority, certificate, key = certificates(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        host = Host(context)
        host.documents["/list.txt"] = b"one\n"
        config = f'{CONFIG}[query.externaldata]\nhosts = ["localhost:{host.port}"]\nallow_private = true\n'
        kql = f"externaldata(a: string)['https://localhost:{host.port}/list.txt']"
        for trusted, expected in ((True, [["one"]]), (False, "connected")):
            os.environ.pop("SSL_CERT_FILE", None)
            if trusted:
                os.environ["SSL_CERT_FILE"] = str(authority)
            place = pathlib.Path(folder) / str(trusted)
            place.mkdir()
            service = Service(place, config).start()
            try:
                said = rows(service, kql)
                checks.check(f"a certificate that is {'' if trusted else 'not '}trusted", said == expected or (not trusted and expected in said), said)
            finally:
                service.kill()
        os.environ.pop("SSL_CERT_FILE", None)


def body(checks):
    host, other = Host(), Host()
    url = f"http://127.0.0.1:{host.port}"
    with support.folder("externaldata") as folder:
        rules_folder = pathlib.Path(folder) / "rules"
        rules_folder.mkdir()
        (rules_folder / "listed.yaml").write_text(RULE.replace("{url}", url))
        config = CONFIG.replace("[rules]", f'[rules]\nfolder = "{rules_folder}"')
        settings = f'[query.externaldata]\nhosts = ["{url}"]\nallow_private = true\nbytes = {BYTES_MAX}\ntimeout = "1s"\n'
        service = Service(folder, config + settings).start()
        try:
            reads(checks, service, host, url)
            refuses(checks, service, host, other, url)
            rules(checks, service, host)
        finally:
            service.kill()
    with support.folder("externaldata-private") as folder:
        service = Service(folder, f'{CONFIG}[query.externaldata]\nhosts = ["{url}", "http://localhost:{host.port}"]\n').start()
        try:
            asked = len(host.asked)
            for name in ("127.0.0.1", "localhost"):
                said = rows(service, f"externaldata(a: string)['http://{name}:{host.port}/list.txt']")
                checks.check(f"{name} needs leave", "allow_private" in said, said)
            checks.equal("and is not asked without", len(host.asked), asked)
        finally:
            service.kill()
    secure(checks)


support.run("externaldata: lists of hosts that are named", body)
