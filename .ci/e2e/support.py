"""What the end-to-end checks share: the service as a child process, its API, and the counting of checks."""

import base64
import http.client
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
from datetime import datetime, timedelta, timezone

ROOT = pathlib.Path(__file__).resolve().parents[2]
ADMIN_KEY = "admin-" + secrets.token_hex(24)
GATEWAY = (
    "/SUBSCRIPTIONS/0D8F6B1C-33A5-4D1E-9C57-8E2F4A60B9D1/RESOURCEGROUPS/RG-E2E"
    "/PROVIDERS/MICROSOFT.APIMANAGEMENT/SERVICE/E2E-APIM"
)
CONFIG = """
[watchlists]
gateway_addresses = ["10.20.1.0/26"]
backend_addresses = ["10.20.2.0/24"]
[rules]
lateness = "5s"
idle = "2s"
interval = "500ms"
"""


def binary():
    """The program under test: $BARTIZAN, or what cargo built last."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    path = pathlib.Path(os.environ.get("BARTIZAN", target / "debug" / "bartizan"))
    if not path.is_file():
        sys.exit(f"{path} is missing: build it, or name it in BARTIZAN")
    return str(path)


class Answer:
    """Status, headers and body of an answer."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.text[:400]}"


class Service:
    """`bartizan serve` on a free port of loopback, with its own configuration and data folder."""

    def __init__(self, folder, config=CONFIG, arguments=(), tls=None):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.config = self.folder / "bartizan.toml"
        self.config.write_text(config)
        self.log = self.folder / "service.log"
        self.arguments = list(arguments)
        # An SSL context, where the configuration has a certificate.
        self.tls = tls
        self.process, self.url = None, None

    def command(self, listen="127.0.0.1:0"):
        files = ["--config", str(self.config), "--data", str(self.data)]
        return [binary(), "serve", *files, "--listen", listen, *self.arguments]

    def start(self, seconds=60):
        """Starts it and waits until it is ready."""
        offset = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment()
            )
        self.url = wait_for(lambda: self._listening(offset), seconds, "the service to listen")
        wait_for(self._ready, seconds, "the service to be ready")
        return self

    def _ready(self):
        self._check_alive()
        return self.call("GET", "/readyz").status == 200

    def _check_alive(self):
        if not self.alive():
            raise SystemExit(f"the service ended with {self.process.returncode}:\n{self.tail()}")

    def _listening(self, offset):
        self._check_alive()
        with open(self.log, "rb") as log:
            log.seek(offset)
            found = re.search(rb"listening on (https?://127\.0\.0\.1:\d+)", log.read())
        return found and found.group(1).decode()

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        """kill -9: nothing is flushed, nothing said goodbye to."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=30):
        """Asks it to end and gives its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def call(self, method, path, body=None, headers=None, key=ADMIN_KEY):
        """One request; an answer of any status, or 0 if there was none."""
        if isinstance(body, (dict, list)):
            body, headers = json.dumps(body).encode(), {"Content-Type": "application/json"} | (headers or {})
        if isinstance(body, str):
            body = body.encode()
        headers = ({"Authorization": f"Bearer {key}"} if key else {}) | (headers or {})
        place = urllib.parse.urlsplit(self.url).netloc
        if self.tls:
            connection = http.client.HTTPSConnection(place, timeout=60, context=self.tls)
        else:
            connection = http.client.HTTPConnection(place, timeout=60)
        try:
            try:
                connection.request(method, path, body, headers)
            except (BrokenPipeError, ConnectionResetError):
                pass  # a refusal may have come before the body was sent
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        except (http.client.HTTPException, OSError) as error:
            return Answer(0, {}, repr(error).encode())
        finally:
            connection.close()

    def ingest(self, records, headers=None, key=ADMIN_KEY):
        """Posts records in an Azure envelope, or bytes as they are."""
        body = records if isinstance(records, (bytes, str)) else {"records": records}
        headers = {"Content-Type": "application/json"} | (headers or {})
        return self.call("POST", "/api/v1/ingest", body, headers, key)

    def query(self, text):
        """The rows of a query, each as a dict; an error ends the check."""
        answer = self.call("POST", "/api/v1/query", {"query": text, "format": "json"})
        while answer.status == 429:
            time.sleep(int(answer.headers.get("Retry-After", "1")))
            answer = self.call("POST", "/api/v1/query", {"query": text, "format": "json"})
        if answer.status != 200:
            raise SystemExit(f"{text}\n-> {answer!r}\n{self.tail()}")
        if answer.json().get("truncated"):
            raise SystemExit(f"{text}\n-> the answer is cut off")
        names = [column["name"] for column in answer.json()["columns"]]
        return [dict(zip(names, row)) for row in answer.json()["rows"]]

    def incidents(self):
        return self.call("GET", "/api/v1/incidents").json()["incidents"]


def environment():
    """The child's environment: the administrator's key, and nothing that this machine's user has set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BARTIZAN")}
    return kept | {"BARTIZAN_ADMIN_KEY": ADMIN_KEY, "RUST_BACKTRACE": "1"}


def effort():
    """How many times the usual rounds are asked for."""
    return int(os.environ.get("BARTIZAN_ROUNDS", "1"))


def record(test, procedure, **numbers):
    """Leaves a test's line for the table of docs/durability.md in the folder that BARTIZAN_DURABILITY names."""
    folder = os.environ.get("BARTIZAN_DURABILITY")
    if not folder:
        return
    path = pathlib.Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    line = {"test": test, "procedure": procedure, "expects_loss": False, "effort": effort()} | numbers
    name = "".join(letter for letter in test if letter.isalnum())
    (path / f"{name}.json").write_text(json.dumps(line))


def wait_for(condition, seconds, what):
    """What `condition` gives once it is true; waits at most so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError(f"waited {seconds} s for {what}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def folder(name):
    """A folder that goes with the check."""
    return tempfile.TemporaryDirectory(prefix=f"bartizan-{name}-", ignore_cleanup_errors=True)


def webhook_secret():
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def instant(time_):
    """A time as Azure writes it, with seven digits."""
    return time_.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def now():
    return datetime.now(timezone.utc)


def gateway_record(correlation, at=None, status=200, address="198.51.100.7", **properties):
    """A record of API Management's GatewayLogs."""
    return {
        "time": instant(at or now() - timedelta(seconds=1)),
        "category": "GatewayLogs",
        "operationName": "Microsoft.ApiManagement/GatewayLogs",
        "resourceId": GATEWAY,
        "callerIpAddress": address,
        "correlationId": correlation,
        "durationMs": 12,
        "Level": 4,
        "isRequestSuccess": status < 400,
        "location": "North Europe",
        "properties": {
            "method": "GET",
            "url": "https://api.e2e.example/orders/v1/7",
            "responseCode": status,
            "responseSize": 512,
            "requestSize": 300,
            "cache": "none",
            "apiId": "orders-v1",
            "operationId": "get-order",
            "apimSubscriptionId": "e2e-partner",
            "clientProtocol": "HTTP/1.1",
            "backendTime": 9,
            "backendResponseCode": status,
        }
        | properties,
    }


def wrong_key_record(correlation, at, address, place):
    """A call with a subscription key that does not exist."""
    record = gateway_record(
        correlation,
        at,
        401,
        address,
        url=f"https://api.e2e.example/area{place % 4}/v1/<script>alert({place})</script>?page={place}",
        apiId=f"area{place % 4}",
        operationId=f"operation-{place % 9}",
        lastError={
            "elapsed": 1,
            "source": "authorization",
            "scope": "global",
            "section": "inbound",
            "reason": "SubscriptionKeyInvalid",
            "message": "Access denied due to invalid subscription key.",
        },
    )
    for absent in ("apimSubscriptionId", "backendTime", "backendResponseCode"):
        del record["properties"][absent]
    return record


class Checks:
    """Counts what held and what did not."""

    def __init__(self, title):
        self.passed, self.failed, self.skipped, self.begin = 0, 0, False, time.monotonic()
        print(f"== {title}", flush=True)

    def check(self, name, holds, detail=""):
        """Notes one check; the detail is shown if it does not hold."""
        if holds:
            self.passed += 1
            print(f"  ok      {name}", flush=True)
        else:
            self.failed += 1
            print(f"  FAILED  {name}" + (f": {detail}" if detail != "" else ""), flush=True)
        return bool(holds)

    def equal(self, name, found, expected):
        return self.check(name, found == expected, f"found {found!r}, expected {expected!r}")

    def skip(self, reason):
        """Says that this machine can't do it; nothing is counted."""
        self.skipped = True
        print(f"  skipped: {reason}", flush=True)

    def finish(self):
        """The last line, and the exit code."""
        print(f"  {time.monotonic() - self.begin:.0f} s")
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed or not (self.passed or self.skipped) else 0)


def run(title, body):
    """Runs `body` with checks; an exception is a failed check, not a traceback without a count."""
    checks = Checks(title)
    try:
        body(checks)
    except (Exception, SystemExit) as error:  # noqa: BLE001
        checks.check("the script runs to its end", False, f"{type(error).__name__}: {error}")
    checks.finish()
