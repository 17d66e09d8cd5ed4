"""What users get wrong is answered by what to do about it, and never harms what others send."""

import gzip
import json
import re
import socket
import subprocess

import support
from support import CONFIG, ROOT, Service, binary, environment, gateway_record

SHIPPED = list((ROOT / "alerts" / "rules").glob("*.yaml"))


def problem(checks, name, answer, status, *words):
    """The answer has that status, and its body each of the words."""
    text = answer.text.lower()
    missing = [word for word in words if word.lower() not in text]
    return checks.check(name, answer.status == status and not missing, f"{answer!r}, without {missing}")


def keys(checks, service):
    records = [gateway_record("keys-1")]
    problem(checks, "no key is 401", service.ingest(records, key=None), 401)
    problem(checks, "a wrong key is 401", service.ingest(records, key="wrong"), 401)
    answer = service.call("POST", "/api/v1/keys", {"name": "gateway", "scopes": ["ingest"]})
    if not checks.check("a key can be made", answer.status in (200, 201), answer):
        return
    key = answer.json()["key"]
    problem(checks, "which may ingest", service.ingest(records, key=key), 200)
    query = {"query": "select 1", "format": "json"}
    refused = service.call("POST", "/api/v1/query", query, key=key)
    problem(checks, "and may not query: 403 names the scope", refused, 403, "read")
    problem(checks, "nor make keys", service.call("POST", "/api/v1/keys", {"name": "x", "scopes": ["ingest"]}, key=key), 403)
    checks.check("a refusal does not repeat the key", key not in refused.text, refused)


def bodies(checks, service):
    problem(checks, "a body that is not JSON is 400", service.ingest(b"time,caller\n1,2"), 400)
    answer = service.ingest(b"[[[[")
    problem(checks, "with the place of the error", answer, 400, "byte")
    checks.check("as a number", re.search(r"\d", answer.text), answer)
    problem(checks, "an empty body is 400", service.ingest(b""), 400, "empty")
    problem(checks, "an unknown encoding is 415", service.ingest(b"x", {"Content-Encoding": "br"}), 415, "gzip")
    cut = gzip.compress(json.dumps({"records": [gateway_record("cut")]}).encode())[:-20]
    problem(checks, "a gzip body that is cut off is 400", service.ingest(cut, {"Content-Encoding": "gzip"}), 400)
    mixed = b'{"records":[%s,{"broken": ]},%s]}' % (
        json.dumps(gateway_record("good-1")).encode(),
        json.dumps(gateway_record("good-2")).encode(),
    )
    answer = service.ingest(mixed)
    problem(checks, "a broken record among good ones is 200", answer, 200)
    counts = answer.json() if answer.status == 200 else {}
    checks.equal("and costs its neighbours nothing", (counts.get("accepted"), counts.get("quarantined")), (2, 1))


def sizes(checks, service):
    # The service is configured to take 2 MiB, and 8 MiB once unpacked.
    records = [gateway_record(f"large-{place}", requestBody="x" * 10_000) for place in range(300)]
    problem(checks, "a body that is too large is 413", service.ingest(records), 413)
    bomb = gzip.compress(b" " * (64 << 20))
    problem(checks, "so is one that unpacks to too much", service.ingest(bomb, {"Content-Encoding": "gzip"}), 413)


def queries(checks, service):
    def ask(text):
        return service.call("POST", "/api/v1/query", {"query": text, "format": "json"})

    answer = ask("select count(*) from ApiManagementGatewayLog")
    problem(checks, "an unknown table is 400 and the nearest is named", answer, 400, "ApiManagementGatewayLogs")
    answer = ask("select CalerIpAddress from ApiManagementGatewayLogs")
    problem(checks, "so is an unknown column", answer, 400, "CallerIpAddress")
    problem(checks, "a syntax error is 400", ask("select from where"), 400)
    for text in (
        "insert into AzureActivity values (1)",
        "delete from AzureActivity",
        "drop table AzureActivity",
        "create table x as select 1",
        "copy AzureActivity to 'x.csv'",
        "set datafusion.execution.batch_size = 1",
        "select * from '/etc/passwd'",
        "select 1; select 2",
    ):
        problem(checks, f"refused: {text}", ask(text), 400)
    problem(checks, "an unknown format is 400", service.call("POST", "/api/v1/query", {"query": "select 1", "format": "xml"}), 400)
    problem(checks, "an unknown path is 404", service.call("GET", "/api/v1/nothing"), 404)


def idempotency(checks, service):
    headers = {"Idempotency-Key": "mistakes-1"}
    first = service.ingest([gateway_record("once")], headers)
    again = service.ingest([gateway_record("once-2")], headers)
    problem(checks, "a key that was used for another body is 422", again, 422)
    problem(checks, "a first use is 200", first, 200)
    same = json.dumps({"records": [gateway_record("twice")]})
    headers = {"Idempotency-Key": "mistakes-2"}
    answers = [service.ingest(same, headers) for _ in range(2)]
    bodies_ = [answer.json().get("batch") for answer in answers if answer.status == 200]
    checks.check("the same body again gets the same answer", len(bodies_) == 2 and len(set(bodies_)) == 1, answers)
    rows = service.query("select count(*) as Rows from ApiManagementGatewayLogs where CorrelationId = 'twice'")
    checks.equal("and is stored once", int(rows[0]["Rows"]), 1)


def rate(checks, folder):
    config = CONFIG + "[limits]\ningest_requests_per_second = 1\n"
    service = Service(folder, config).start()
    try:
        answers = [service.ingest([gateway_record(f"rate-{place}")]) for place in range(30)]
        limited = [answer for answer in answers if answer.status == 429]
        checks.check("too many requests are 429", limited, [answer.status for answer in answers])
        after = [answer.headers.get("Retry-After", "") for answer in limited]
        checks.check("with Retry-After in seconds", after and all(one.isdigit() and int(one) > 0 for one in after), after)
        statuses = {answer.status for answer in answers}
        checks.check("and with no other answer than 200", statuses <= {200, 429}, statuses)
    finally:
        service.kill()


def attempt(arguments):
    """A start that must fail: its exit code and what it said."""
    command = [binary(), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(), stdin=subprocess.DEVNULL)
    return done.returncode, done.stderr.strip()


def refused_start(checks, name, arguments, *words):
    try:
        code, said = attempt(arguments)
    except subprocess.TimeoutExpired:
        checks.check(name, False, "it started")
        return
    missing = [word for word in words if word not in said]
    checks.check(name, code == 1 and not missing, f"exit code {code}, without {missing}: {said}")
    errors = [line for line in said.splitlines() if line.strip()]
    checks.check("  in one line on stderr", len(errors) == 1 and "panicked" not in said, said)


def starts(checks, folder):
    service = Service(folder, CONFIG)

    def arguments(listen="127.0.0.1:0", data=service.data, config=service.config):
        return ["serve", "--config", str(config), "--data", str(data), "--listen", listen]

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused_start(checks, "a port in use", arguments(f"127.0.0.1:{port}"), str(port), "in use")
    blocked = service.folder / "file"
    blocked.write_text("not a folder")
    refused_start(checks, "a data folder below a file", arguments(data=blocked / "data"), str(blocked))
    refused_start(checks, "a missing configuration", arguments(config=service.folder / "no.toml"), "no.toml")
    refused_start(checks, "no TLS beyond loopback", arguments("0.0.0.0:0"), "TLS")
    bad = service.folder / "bad.toml"
    bad.write_text("[rules]\nlatness = '5s'\n")
    refused_start(checks, "an unknown configuration key", arguments(config=bad), "latness", "bad.toml", "2")
    bad.write_text("[rules]\nlateness = 'soon'\n")
    refused_start(checks, "a value that is no duration", arguments(config=bad), "soon", "bad.toml", "line 2")


def checked(checks, folder):
    """The check command refuses what the service would, and what would stop all of its work."""
    path = Service(folder).config

    def refused(name, text, *words, variables=()):
        path.write_text(text)
        command = [binary(), "check", "--config", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment() | dict(variables), stdin=subprocess.DEVNULL)
        missing = [word for word in words if word not in done.stderr]
        checks.check(f"check refuses {name}", done.returncode == 1 and not missing, f"{done.returncode}, without {missing}: {done.stderr}{done.stdout}")

    refused("a filter that is none", "[log]\nfilter = '((('\n", "log.filter")
    refused("a missing certificate", "[tls]\ncertificate = '/no/such.pem'\nkey = '/no/such.key'\n", "tls.certificate", "/no/such.pem")
    refused("a missing key", "[tls]\ncertificate = '/dev/null'\n", "tls.key", "missing")
    refused("a certificate without one in it", "[tls]\ncertificate = '/dev/null'\nkey = '/dev/null'\n", "TLS certificate")
    refused("no time for requests", "[limits]\nrequest_timeout = '0s'\n", "limits.request_timeout", "at least")
    refused("no records", "[limits]\nrecords = 0\n", "limits.records", "at least")
    refused("no bytes in a body", "[limits]\nbody_bytes = 0\n", "limits.body_bytes", "at least")
    refused("no rows in an answer", "[query]\nrows = 0\n", "query.rows", "at least")
    refused("a size without a unit that is known", "[limits]\nbody_bytes = '8 megs'\n", "line 2", "is no size", "MiB")
    refused("the same in a variable", "", "BARTIZAN_LIMITS__BODY_BYTES", "is no size", variables=[("BARTIZAN_LIMITS__BODY_BYTES", "8 megs")])
    path.write_text("[limits]\nbody_bytes = '8 MiB'\n")
    command = [binary(), "check", "--config", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment() | {"BARTIZAN_QUARANTINE__BYTES": "2GiB"}, stdin=subprocess.DEVNULL)
    checks.check("sizes with units are taken, in variables too", done.returncode == 0 and done.stdout.startswith("ok"), done.stdout + done.stderr)


def broken_rule(checks, folder):
    """A rule with an error stops no other rule, and is not passed over in silence."""
    service = Service(folder)
    rules = service.folder / "rules"
    rules.mkdir()
    (rules / "broken.yaml").write_text("id: 6f0e1a52-5d0b-4c0e-9f43-0f6c2a7d1bff\nname: Broken\nqueryFrequency: often\n")
    service.config.write_text(CONFIG.replace("[rules]", f"[rules]\nfolder = '{rules}'"))
    files = ["--config", str(service.config), "--data", str(service.data)]
    refused_start(checks, "the check command refuses a rule with an error", ["check", *files], "broken.yaml:3", "often")
    service.start()
    try:
        listed = service.call("GET", "/api/v1/rules").json()
        checks.equal("the service runs the shipped rules", len(listed["rules"]), len(SHIPPED))
        checks.check("and lists the broken one as failing", "broken.yaml" in json.dumps(listed["failing"]), listed["failing"])
        checks.check("with the line", listed["failing"] and listed["failing"][0]["line"], listed["failing"])
        checks.check("its log says so", "broken.yaml" in service.log.read_text(errors="replace"))
    finally:
        service.kill()


def body(checks):
    with support.folder("mistakes") as folder, support.folder("mistakes-rate") as second:
        config = CONFIG + "[limits]\nbody_bytes = 2097152\ndecompressed_bytes = 8388608\n"
        service = Service(folder, config).start()
        try:
            for part in (keys, bodies, sizes, queries, idempotency):
                part(checks, service)
            checks.check("the service is alive after all that", service.call("GET", "/readyz").status == 200)
            said = service.log.read_text(errors="replace")
            checks.check("and nothing panicked", "panicked" not in said, said[-2000:])
            checks.check("its log holds no key", support.ADMIN_KEY not in said)
        except Exception:
            print(service.tail(), flush=True)
            raise
        finally:
            service.kill()
        rate(checks, second)
    with support.folder("mistakes-start") as folder:
        starts(checks, folder)
    with support.folder("mistakes-check") as folder:
        checked(checks, folder)
    with support.folder("mistakes-rule") as folder:
        broken_rule(checks, folder)


support.run("mistakes: what users get wrong", body)
