"""Who one is in TLS: a self-signed certificate around an RSA key, as adb makes it."""

from __future__ import annotations

import datetime as dt
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto

_VALID_FOR = dt.timedelta(days=3650)
_CLOCKS_APART = dt.timedelta(days=1)


@dataclass(frozen=True)
class TlsIdentity:
    """A private key and the certificate that carries its public half."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate


def identity_of(key: rsa.RSAPrivateKey) -> TlsIdentity:
    """Return the key with a fresh certificate (AOSP adb, `crypto/x509_generator.cpp`)."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "US"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Android"),
            x509.NameAttribute(NameOID.COMMON_NAME, "Adb"),
        ]
    )
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - _CLOCKS_APART)
        .not_valid_after(now + _VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    return TlsIdentity(key, builder.sign(key, hashes.SHA256()))


def link_context(identity: TlsIdentity) -> ssl.SSLContext:
    """Return the computer's side of TLS 1.3 to a phone.

    The phone's certificate is not checked, as adb does not: a phone is known by its serial number,
    and it is the phone that decides which computer's key it accepts.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with tempfile.TemporaryDirectory() as folder:  # mode 0700
        path = Path(folder) / "identity.pem"
        path.write_bytes(_private_bytes(identity.key) + _certificate_bytes(identity.certificate))
        context.load_cert_chain(path)
    return context


def peer_context(identity: TlsIdentity, accepts: Callable[[rsa.RSAPublicKey], bool]) -> SSL.Context:
    """Return TLS 1.3, either side, in which the peer has to show a key that `accepts` takes."""

    def verify(_: SSL.Connection, shown: crypto.X509, *__: int) -> bool:
        key = shown.to_cryptography().public_key()
        return isinstance(key, rsa.RSAPublicKey) and accepts(key)

    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.use_privatekey(identity.key)
    context.use_certificate(identity.certificate)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, verify)
    return context


def load_or_create_key(path: Path) -> rsa.RSAPrivateKey:
    """Return the RSA key kept in that file, made and stored with mode 0600 where absent."""
    if path.exists():
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if isinstance(key, rsa.RSAPrivateKey):
            return key
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path.touch(mode=0o600)
    path.write_bytes(_private_bytes(key))
    return key


def _private_bytes(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _certificate_bytes(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
