"""A network that ends at this machine's loopback, for clients that know nothing of it.

Clients reach a proxy by the environment variable that they all honour. It connects them to stand-ins by the
hosts' real names, under TLS with the certificate of a throw-away authority, and to nothing else.
"""

import datetime
import json
import os
import socketserver
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_SILENCE = 30  # seconds after which a connection without a request is closed


@dataclass(frozen=True)
class Request:
    """What a client asked."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict:
        """The body, if it is a JSON object."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError as error:
            raise Refused(f"the body is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise Refused("the body is not a JSON object")
        return value


@dataclass(frozen=True)
class Answer:
    """What it is told."""

    status: int
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """A service refuses a request; the text says why."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


class Service(Protocol):
    """A cloud's service, behind a host name."""

    def answer(self, request: Request) -> Answer:
        """Does what is asked, or raises `Refused`."""

    def refusal(self, refused: Refused) -> Answer:
        """A refusal, as this service words them."""


class Network:
    """The proxy and the hosts behind it; a context manager around the clients."""

    def __init__(self, folder: Path, services: Mapping[str, Service]) -> None:
        self._authority = folder / "authority.pem"
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.services = dict(services)
        self._server.tls = _server_side(folder, self._authority, list(services))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def authority(self) -> Path:
        """The certificate that clients must trust."""
        return self._authority

    def __enter__(self) -> Self:
        self._thread.start()
        proxy = "http://{}:{}".format(*self._server.server_address)
        for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            os.environ.pop(name, None)
        os.environ.update({name: proxy for name in ("HTTPS_PROXY", "https_proxy")})
        names = ("REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")
        os.environ.update({name: str(self._authority) for name in names})
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(_SILENCE)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    services: dict[str, Service]
    tls: ssl.SSLContext


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _SILENCE
    server: _Server
    host = ""

    def do_CONNECT(self) -> None:  # noqa: N802 - http.server's name
        """Becomes the host that the client wants, if it is one of ours."""
        host, _, port = self.path.partition(":")
        if self.host or host not in self.server.services or port != "443":
            self.send_error(502, f"no such host here: {self.path}")
            return
        self.send_response(200)
        self.end_headers()
        self.connection = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = socketserver._SocketWriter(self.connection)  # noqa: SLF001 - as StreamRequestHandler.setup does
        self.host = host
        self.close_connection = False

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self.host or self.headers.get("Host") != self.host:
            self.send_error(421)
            return
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.host, unquote(url.path), query, headers, body)
        service = self.server.services[self.host]
        try:
            answer = service.answer(request)
        except Refused as refused:
            answer = service.refusal(refused)
        self._reply(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _serve

    def _reply(self, answer: Answer) -> None:
        body = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body))} | dict(answer.headers)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def finish(self) -> None:
        """The socket under TLS is another than the one that the server knows."""
        super().finish()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Silent: the cases say what matters."""


def _server_side(folder: Path, authority: Path, hosts: list[str]) -> ssl.SSLContext:
    """TLS with a certificate for the hosts, by an authority that is forgotten at once."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name, name = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in ("throw-away", hosts[0]))
    ca = _certificate(ca_name, ca_name, ca_key, ca_key, x509.BasicConstraints(True, 0))
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
    own = _certificate(name, ca_name, key, ca_key, names)
    authority.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    pem = folder / "servers.pem"
    pem.write_bytes(own.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey,
                 signer: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(
        issuer, subject, key.public_key(), x509.random_serial_number(),
        now - datetime.timedelta(hours=1), now + datetime.timedelta(days=1),
    )
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    for one in (extension, identifier, x509.SubjectKeyIdentifier.from_public_key(key.public_key())):
        builder = builder.add_extension(one, critical=isinstance(one, x509.BasicConstraints))
    return builder.sign(signer, hashes.SHA256())
