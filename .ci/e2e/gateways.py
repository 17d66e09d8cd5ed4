"""Logs of other gateways: nginx really writes them, and the service reads every line of them."""

import http.client
import http.server
import json
import pathlib
import shutil
import subprocess
import threading

import support
from support import CONFIG, Service, binary, environment, free_port, wait_for

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
KEY = "k-0123456789"
SERVER = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    map $http_x_api_key $api_client_name {{ default ""; {key} client_one; }}
    {log_format}
    access_log {folder}/access.json bartizan;
    access_log {folder}/access.log combined;
    server {{
        listen 127.0.0.1:{port};
        server_name orders.example;
        location / {{
            if ($api_client_name = "") {{ return 401; }}
            proxy_pass http://127.0.0.1:{backend};
        }}
    }}
}}
"""


class Backend(http.server.BaseHTTPRequestHandler):
    """Answers what the path says, such as /status/404."""

    def do_GET(self):  # noqa: N802
        self.send_response(int(self.path.split("?")[0].rsplit("/", 1)[-1]))
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


def shown(name):
    """A preset as the program prints it."""
    done = subprocess.run([binary(), "mapping", "show", name], capture_output=True, text=True, env=environment(), check=True)
    return done.stdout


def recommended():
    """The log_format in the comment of the preset."""
    lines = [line.removeprefix("#").strip() for line in shown("nginx").splitlines() if line.startswith("#")]
    text = "\n".join(lines)
    return text[text.index("log_format bartizan") :].split("};'", 1)[0].split("}';", 1)[0] + "}';"


class Nginx:
    """nginx on a free port, with a back end behind it."""

    def __init__(self, folder):
        self.folder, self.port = pathlib.Path(folder), free_port()
        self.backend = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
        threading.Thread(target=self.backend.serve_forever, daemon=True).start()
        values = {"folder": folder, "port": self.port, "backend": self.backend.server_port, "key": KEY}
        (self.folder / "nginx.conf").write_text(SERVER.format(log_format=recommended(), **values))
        command = [NGINX, "-p", folder, "-c", str(self.folder / "nginx.conf"), "-g", "daemon off;"]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_for(lambda: (self.folder / "nginx.pid").exists(), 20, "nginx")

    def get(self, path, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        self.backend.shutdown()

    def log(self, name):
        return (self.folder / name).read_bytes()


def calls(checks, nginx):
    accepted = {"X-Api-Key": KEY, "User-Agent": "e2e/1"}
    checks.equal("nginx lets a known key in", nginx.get("/orders/200?x=1", accepted), 200)
    checks.equal("and tells what the back end said", nginx.get("/orders/401", accepted), 401)
    checks.equal("an unknown key is refused", nginx.get("/orders/7", {"X-Api-Key": "wrong"}), 401)
    # Quotes and braces, control characters, bytes that are no UTF-8: what a caller may write into a log.
    agents = [b'"},{"status":"200', b"\\", b"\x7f\t", b"\xff\xfe caf\xc3\xa9", "☃".encode()]
    for agent in agents:
        nginx.get("/orders/8", {"User-Agent": agent})
    return 3 + len(agents)


def rows(service, source):
    columns = "Url, ResponseCode, BackendResponseCode, ApimSubscriptionId, LastErrorReason, ApiId, TotalTime, RequestHeaders"
    return service.query(
        f"select {columns}, date_part('epoch', _TimeReceived) - date_part('epoch', TimeGenerated) as Age "
        f"from ApiManagementGatewayLogs where SourceSystem = '{source}' order by TimeGenerated, Url"
    )


def from_json(checks, service, body, count):
    answer = service.ingest(body)
    checks.equal("every line of its JSON log is taken", answer.json(), answer.json() | {"accepted": count, "quarantined": 0})
    found = rows(service, "nginx")
    checks.equal("and is a row", len(found), count)
    by_url = {row["Url"].split("/orders/")[1]: row for row in found}
    first, second, refused = by_url["200?x=1"], by_url["401"], by_url["7"]
    checks.equal("with the credential", first["ApimSubscriptionId"], "client_one")
    checks.check("the whole URL", first["Url"].startswith("http://127.0.0.1"), first["Url"])
    checks.equal("the API", first["ApiId"], "orders.example")
    checks.check("the agent", "e2e/1" in first["RequestHeaders"], first["RequestHeaders"])
    checks.check("its time", all(-1 <= float(row["Age"]) < 120 for row in found), [row["Age"] for row in found])
    checks.equal("a refusal of nginx is a wrong key", refused["LastErrorReason"], "SubscriptionKeyInvalid")
    checks.equal("one of the back end is not", (second["ResponseCode"], second["LastErrorReason"]), (401, None))
    checks.equal("and has the back end's code", second["BackendResponseCode"], 401)


def from_lines(checks, service, body, count):
    answer = service.ingest(body)
    checks.equal("every line of its combined log is taken", answer.json(), answer.json() | {"accepted": count, "quarantined": 0})
    found = rows(service, "combined")
    checks.equal("and is a row", len(found), count)
    checks.check("with path and code", any((row["Url"], row["ResponseCode"]) == ("/orders/7", 401) for row in found), found)


def tested(checks, nginx):
    """The command that tries a mapping says the same."""
    log = nginx.folder / "access.json"
    done = subprocess.run([binary(), "mapping", "test", "nginx", str(log)], capture_output=True, text=True, env=environment())
    checks.equal("mapping test takes the log too", done.returncode, 0)
    checks.check("and prints rows", "SubscriptionKeyInvalid" in done.stdout or "client_one" in done.stdout, done.stdout[-2000:])


def body(checks):
    with support.folder("gateways") as folder, support.folder("nginx") as second:
        service = Service(folder, CONFIG).start()
        try:
            nginx = Nginx(second)
            try:
                count = calls(checks, nginx)
            finally:
                nginx.stop()
            from_json(checks, service, nginx.log("access.json"), count)
            from_lines(checks, service, nginx.log("access.log"), count)
            tested(checks, nginx)
            again = json.loads(service.call("GET", "/api/v1/openapi.json").text)
            checks.check("the API's description names them", "nginx" in again["paths"]["/api/v1/ingest"]["post"]["description"])
        except Exception:
            print(service.tail(), flush=True)
            raise
        finally:
            service.kill()


if NGINX:
    support.run("gateways: logs that nginx wrote", body)
else:
    print("== gateways: logs that nginx wrote\nskipped: gateways (nginx is not installed)\n0 passed, 0 failed")
