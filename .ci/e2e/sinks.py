"""A real mail server (TLS and a password required) and a real webhook receiver, which can go away and return."""

import http.server
import ipaddress
import pathlib
import ssl
import threading
import time
from datetime import timedelta

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from support import free_port, now


def certificates(folder):
    """An authority, and a certificate of loopback that it signed: paths of (authority, certificate, key)."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("Check authority")
    authority = _builder(authority_name, authority_name, authority_key).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    authority = authority.sign(authority_key, hashes.SHA256())
    key = ec.generate_private_key(ec.SECP256R1())
    loopback = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    leaf = (
        _builder(_name("localhost"), authority_name, key)
        .add_extension(x509.SubjectAlternativeName(loopback), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths = [pathlib.Path(folder) / name for name in ("authority.pem", "certificate.pem", "key.pem")]
    for path, content in zip(paths, (authority.public_bytes(pem), leaf.public_bytes(pem), private)):
        path.write_bytes(content)
    return paths


def _name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _builder(subject, issuer, key):
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    return builder.not_valid_before(now() - timedelta(days=1)).not_valid_after(now() + timedelta(days=2))


class MailServer:
    """Takes mail over STARTTLS from user `bartizan` with its password only."""

    USER, PASSWORD = "bartizan", "correct horse battery staple"

    def __init__(self, folder):
        self.authority, certificate, key = certificates(folder)
        self.tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.tls.load_cert_chain(certificate, key)
        self.port, self.mails, self.controller = free_port(), [], None
        # Answers to recipients who are not taken.
        self.refused = {}

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 taken"

    async def handle_DATA(self, _server, _session, envelope):
        self.mails.append(envelope)
        return "250 taken"

    def _authenticate(self, _server, _session, _envelope, _mechanism, data):
        right = (self.USER.encode(), self.PASSWORD.encode())
        success = (data.login, data.password) == right
        return AuthResult(success=success, handled=False)

    def start(self):
        self.controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=self.tls,
            require_starttls=True,
            auth_required=True,
            auth_require_tls=True,
            authenticator=self._authenticate,
        )
        self.controller.start()
        return self

    def stop(self):
        self.controller.stop()


class WebhookReceiver:
    """Keeps what is posted; answers `status`, after `delay` seconds, or 500 as often as it was told to."""

    def __init__(self):
        self.port, self.posts, self.server, self.failures = free_port(), [], None, 0
        self.status, self.delay = 204, 0

    def start(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                fail = receiver.failures > 0
                receiver.failures -= fail
                receiver.posts.append((dict(self.headers.items()), body, not fail))
                time.sleep(receiver.delay)
                self.send_response(500 if fail else receiver.status)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
