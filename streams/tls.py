"""Whom we trust over TLS."""

import ssl

from schemas.errors import ConfigError


def authorities(ca_file: str | None, key: str) -> ssl.SSLContext:
    """A client's TLS context that trusts the authorities of a PEM file, or those of the system; host names are checked.

    Raises:
        ConfigError: the file cannot be read, or holds no certificate; `key` names it.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as wrong:
        raise ConfigError(f"{key}: {ca_file} holds no certificate in PEM ({wrong.reason or 'unreadable'})") from None
    except OSError as wrong:
        raise ConfigError(f"{key}: cannot read {ca_file} ({wrong.strerror})") from None
