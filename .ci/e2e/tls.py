"""HTTPS with the operator's own certificate: verified by a client that trusts its authority, and by no other."""

import ssl

import support
from sinks import certificates
from support import CONFIG, Service, gateway_record


def body(checks):
    with support.folder("tls") as folder:
        authority, certificate, key = certificates(folder)
        # Top-level keys stand before tables, and so does a table that no other may swallow.
        config = f'{CONFIG}\n[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n'
        service = Service(folder, config, tls=ssl.create_default_context(cafile=authority)).start()
        try:
            checks.check("it says https", service.url.startswith("https://"), service.url)
            answer = service.ingest([gateway_record("tls-1")])
            checks.equal("logs go in over TLS", answer.status, 200)
            rows = service.query("select count(*) as n from ApiManagementGatewayLogs")
            checks.equal("and come out", rows[0]["n"], 1)
            service.tls = ssl.create_default_context()
            checks.equal("a client that does not know the authority refuses", service.call("GET", "/readyz").status, 0)
            old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            old.load_verify_locations(authority)
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_2
            service.tls = old
            checks.equal("TLS 1.2 is taken", service.call("GET", "/readyz").status, 200)
        finally:
            service.kill()
        code = Service(folder, config.replace(str(key), str(key) + ".missing"))
        try:
            code.start(seconds=10)
            checks.check("a missing key file ends the start", False, "it started")
        except SystemExit as ended:
            checks.check("a missing key file ends the start", "key.pem.missing" in str(ended), str(ended))


support.run("tls: HTTPS with an own certificate", body)
