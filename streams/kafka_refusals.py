"""Why a Kafka cluster cannot be used, in one line: aiokafka's clients only say that they could not start."""

import asyncio
import logging
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aiokafka import errors
from aiokafka.conn import create_conn
from aiokafka.protocol.metadata import MetadataRequest

from schemas.errors import RefusedError, UnreachableError
from schemas.settings import Kafka, Security
from streams.kafka_tokens import NoTokenError

LOOK_MS = 5000
_WRONG_HOST = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_ENDED = (ConnectionResetError, BrokenPipeError, ssl.SSLError, errors.KafkaConnectionError, asyncio.IncompleteReadError)


async def why(kafka: Kafka, settings: Mapping[str, Any]) -> UnreachableError:
    """The error to raise for a cluster whose client did not start.

    `RefusedError` where waiting will not mend it: certificate, user or mechanism are wrong.
    """
    security = kafka.security or Security(protocol="PLAINTEXT")
    connection = {name: value for name, value in settings.items() if name != "bootstrap_servers"}
    for address in kafka.bootstrap.split(","):
        host, _, port = address.rpartition(":")
        client = None
        try:
            client = await create_conn(host.strip("[]"), int(port), request_timeout_ms=LOOK_MS, **connection)
            if not (await client.send(MetadataRequest([]))).brokers:
                return UnreachableError(f"kafka.security: {address} names no broker; {_suspicion(security)}")
        except NoTokenError as missing:
            return UnreachableError(str(missing))
        except (errors.KafkaError, OSError, TimeoutError, asyncio.IncompleteReadError) as refused:
            line = _refusal(refused, security)
            if line:
                return RefusedError(f"kafka.security: {address} {line}")
            if client is not None or isinstance(refused, _ENDED):
                return UnreachableError(f"kafka.security: {address} ends the connection; {_suspicion(security)}")
        finally:
            if client is not None:
                client.close()
    return UnreachableError(
        f"kafka.bootstrap: no Kafka answers at {kafka.bootstrap!r}; is the address right, the broker up?"
    )


def _refusal(refused: BaseException, security: Security) -> str:
    """What the broker refuses, as the end of a sentence that begins with its address; empty where that is unknown."""
    if isinstance(refused, ssl.SSLCertVerificationError):
        if refused.verify_code in _WRONG_HOST:
            return "has a certificate for another host name; name in bootstrap the host that stands in it"
        return f"has a certificate that ca_file does not vouch for ({refused.verify_message})"
    if isinstance(refused, errors.UnsupportedSaslMechanismError):
        return f"does not take mechanism {security.mechanism}"
    if isinstance(refused, errors.AuthenticationFailedError | errors.SaslAuthenticationFailed):
        return f"refuses user {security.username!r}; are user, password and mechanism right?"
    return ""


def _suspicion(security: Security) -> str:
    """What may be wrong where a connection only ends, or makes no sense; it may also mend itself."""
    if security.mechanism == "OAUTHBEARER":
        return "does it take this token?"
    if security.protocol == "SSL":
        which = "a client certificate" if security.cert_file is None else "another client certificate"
        return f"does it speak TLS, and want {which} (cert_file, key_file)?"
    return f"does this port take {security.protocol}?"


@contextmanager
def starting_quietly() -> Iterator[None]:
    """Keep aiokafka from logging what is about to be told in one line."""
    log = logging.getLogger("aiokafka")

    def refuse(_: logging.LogRecord) -> bool:
        return False

    log.addFilter(refuse)
    try:
        yield
    finally:
        log.removeFilter(refuse)
