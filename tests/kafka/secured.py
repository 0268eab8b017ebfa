"""One Apache Kafka with a listener for each way of being reached, and the certificates for it, made by openssl."""

import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from schemas.settings import Kafka, Security
from tests.certificates import make_certificates
from tests.kafka.broker import free_port, kafka_broker

USER, PLAIN_PASSWORD, SCRAM_PASSWORD = "shadow", "plain-pw-marked", "scram-pw-marked"

LISTENERS = """
listeners=PLAINTEXT://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{{controller}},TLS://localhost:{tls},MUTUAL://localhost:{mutual},SASL_PLAINTEXT://localhost:{sasl},SASL_SSL://localhost:{sasl_tls}
advertised.listeners=PLAINTEXT://127.0.0.1:{{port}},TLS://localhost:{tls},MUTUAL://localhost:{mutual},SASL_PLAINTEXT://localhost:{sasl},SASL_SSL://localhost:{sasl_tls}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,TLS:SSL,MUTUAL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
ssl.keystore.type=PEM
ssl.keystore.location={folder}/broker.pem
ssl.truststore.type=PEM
ssl.truststore.location={folder}/ca.pem
listener.name.mutual.ssl.client.auth=required
"""
LOGINS = """
listener.name.{listener}.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";
listener.name.{listener}.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.{listener}.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.{listener}.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";
listener.name.{listener}.oauthbearer.sasl.server.callback.handler.class=org.apache.kafka.common.security.oauthbearer.internals.unsecured.OAuthBearerUnsecuredValidatorCallbackHandler
"""  # noqa: E501 - Kafka's settings know no line breaks


@dataclass(frozen=True)
class Secured:
    """Where a cluster answers, and the folder with ca.pem, client.pem, client.key (client-locked.key), other.pem."""

    folder: Path
    plaintext: str
    tls: str
    mutual: str
    sasl: str
    sasl_tls: str

    def kafka(self, listener: str, **security: object) -> Kafka:
        """The settings for a listener; TLS trusts our authority unless told otherwise."""
        if str(security.get("protocol", "")).endswith("SSL"):
            security = {"ca_file": str(self.folder / "ca.pem"), **security}
        return Kafka(bootstrap=getattr(self, listener), security=Security(**security) if security else None)


@asynccontextmanager
async def secured_kafka(folder: Path) -> AsyncIterator[Secured]:
    make_certificates(folder)
    ports = {name: free_port() for name in ("tls", "mutual", "sasl", "sasl_tls")}
    more = LISTENERS.format(folder=folder, **ports) + "".join(
        LOGINS.format(listener=listener, user=USER, password=PLAIN_PASSWORD)
        for listener in ("sasl_plaintext", "sasl_ssl")
    )
    users = [f"{mechanism}=[name={USER},password={SCRAM_PASSWORD}]" for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")]
    parts = ("server.key", "server.pem", "ca.pem")
    (folder / "broker.pem").write_text("".join((folder / part).read_text() for part in parts))
    async with kafka_broker(more, users) as broker:
        yield Secured(folder, broker.bootstrap, **{name: f"localhost:{port}" for name, port in ports.items()})


def unsecured_token(subject: str = USER, life_s: int = 600) -> str:
    """A JWT without a signature, as Kafka's validator for tests takes it."""
    now = int(time.time())
    parts = ({"alg": "none"}, {"sub": subject, "iat": now - 5, "exp": now + life_s})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, ""])
