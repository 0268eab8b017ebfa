"""Certificates for tests, made by openssl."""

import subprocess
from pathlib import Path

KEY_PASSWORD = "key-pw-marked"


def make_certificates(folder: Path) -> None:
    """An authority, a certificate for `localhost` and one for a client, and an authority nobody trusts."""
    folder.mkdir(parents=True, exist_ok=True)
    _authority(folder, "ca")
    _authority(folder, "other")
    _certificate(folder, "server", "localhost")
    _certificate(folder, "client", "shadow")
    locked = ("pkcs8", "-topk8", "-in", "client.key", "-out", "client-locked.key", "-passout", f"pass:{KEY_PASSWORD}")
    _openssl(folder, *locked)


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


def _authority(folder: Path, name: str) -> None:
    ca = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _openssl(
        folder, "req", "-x509", *_NEW_KEY, *ca, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem"
    )


def _certificate(folder: Path, name: str, common_name: str) -> None:
    leaf = ("-addext", f"subjectAltName=DNS:{common_name}", "-addext", "basicConstraints=critical,CA:FALSE")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-subj", f"/CN={common_name}")
    _openssl(folder, "req", "-x509", *_NEW_KEY, *signed, *leaf, "-keyout", f"{name}.key", "-out", f"{name}.pem")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
