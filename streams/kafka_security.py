"""How a Kafka cluster is reached safely: `[kafka] security` as aiokafka and as Faust want it.

TLS checks the broker's certificate and its host name, always. With a client certificate it is mutual. Users are told
by SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, or OAUTHBEARER (`kafka_tokens.py`).
"""

import ssl
from collections.abc import Mapping
from typing import Any

import faust
from faust.auth import OAuthCredentials

from schemas.config import secret
from schemas.errors import ConfigError
from schemas.settings import Security
from streams.kafka_tokens import token_provider
from streams.tls import authorities

KEY = "kafka.security"


def security_settings(security: Security) -> dict[str, Any]:
    """Keyword arguments of every aiokafka client.

    Raises:
        ConfigError: a named environment variable is not set, or a certificate cannot be read.
    """
    settings: dict[str, Any] = {"security_protocol": security.protocol}
    if "SSL" in security.protocol:
        settings["ssl_context"] = _tls(security)
    if security.mechanism == "OAUTHBEARER":
        settings |= {"sasl_mechanism": security.mechanism, "sasl_oauth_token_provider": token_provider(security)}
    elif security.mechanism:
        settings |= {
            "sasl_mechanism": security.mechanism,
            "sasl_plain_username": security.username,
            "sasl_plain_password": secret(security.password_env or "", f"{KEY}.password_env"),
        }
    return settings


def faust_credentials(settings: Mapping[str, Any]) -> Any:
    """The same for Faust; None where the cluster asks for nothing."""
    context = settings.get("ssl_context")
    if "sasl_oauth_token_provider" in settings:
        return OAuthCredentials(oauth_cb=settings["sasl_oauth_token_provider"], ssl_context=context)
    if "sasl_mechanism" in settings:
        return faust.SASLCredentials(
            username=settings["sasl_plain_username"],
            password=settings["sasl_plain_password"],
            mechanism=settings["sasl_mechanism"],
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context=context)


def _tls(security: Security) -> ssl.SSLContext:
    context = authorities(security.ca_file, f"{KEY}.ca_file")
    if security.cert_file is None:
        return context
    password = secret(security.key_password_env, f"{KEY}.key_password_env") if security.key_password_env else ""
    try:
        # Always a password, if an empty one: without, OpenSSL would ask for it on the terminal.
        context.load_cert_chain(security.cert_file, security.key_file, password=lambda: password)
    except ssl.SSLError as wrong:
        raise ConfigError(
            f"{KEY}.cert_file: {security.cert_file} and {security.key_file} cannot be used together "
            f"({wrong.reason or 'no certificate and key in PEM'}); is the key the certificate's, and is it encrypted "
            "(key_password_env)?"
        ) from None
    except OSError as wrong:
        raise ConfigError(
            f"{KEY}.cert_file: cannot read {wrong.filename or security.cert_file} ({wrong.strerror})"
        ) from None
    return context
