"""A TLS system with a certificate of its own."""

import contextlib
import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from actions.connectors.base import ConnectionInfo
from tests.connectors.raw import answer


class TlsSystem:
    """`received` is what arrived inside TLS; `trusting` is a client context that knows the certificate."""

    def __init__(self, folder: Path, name: str) -> None:
        certificate, key = _certificate(folder, name)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self.trusting = ssl.create_default_context(cafile=str(certificate))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.received = self._listener.getsockname()[1], b""
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def info(self) -> ConnectionInfo:
        return ConnectionInfo("tls", "records", f"https://localhost:{self.port}", "remit", "client-secret", True)

    def _serve(self) -> None:
        while True:
            try:
                wire, _ = self._listener.accept()
            except OSError:  # The listener is closed by the test that opened it.
                return
            with wire, contextlib.suppress(OSError), self._context.wrap_socket(wire, server_side=True) as tls:
                self.received += tls.recv(65536)
                tls.sendall(answer(200, b'{"id": "1"}'))

    def close(self) -> None:
        self._listener.close()


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    built = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=3))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return certificate, private


@contextmanager
def tls_system(folder: Path, name: str = "localhost") -> Iterator[TlsSystem]:
    system = TlsSystem(folder, name)
    try:
        yield system
    finally:
        system.close()
