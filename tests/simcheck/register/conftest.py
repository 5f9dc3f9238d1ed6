from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from simcheck.lake.files import Store
from simcheck.privacy import Keyring


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.make()


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "lake")


class Authority:
    """Vouches for certificates, all of them for this machine alone."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = folder / f"{name}.pem"
        self._issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        own = self._built(self._issuer, self._key).add_extension(
            x509.BasicConstraints(True, 0), critical=True
        )
        self._write(self.certificate, own.sign(self._key, hashes.SHA256()))

    def issue(self, name: str, host: str = "127.0.0.1") -> Issued:
        """A certificate for `host` and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        named = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
        made = self._built(subject, key).add_extension(named, critical=False)
        issued = Issued(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        self._write(issued.certificate, made.sign(self._key, hashes.SHA256()))
        issued.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return issued

    def _built(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(hours=1))
        )

    @staticmethod
    def _write(path: Path, certificate: x509.Certificate) -> None:
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


class Issued(NamedTuple):
    """PEM files of a certificate and its key."""

    certificate: Path
    key: Path


@pytest.fixture(scope="session")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "authority")


@pytest.fixture(scope="session")
def stranger(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")
