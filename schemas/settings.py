"""The tables of `shadowtap.toml`: `schemas/config.py` puts them together and reads the file."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, model_validator

from schemas.config_problems import problem
from schemas.config_texts import (
    Bootstrap,
    CandidateName,
    EnvironmentVariable,
    FeatureRule,
    HttpUrl,
    ListenAddress,
    PathText,
    RedactionName,
    RedactionPattern,
    StoreUrl,
    UpgradeName,
)
from schemas.pins import check_pin
from schemas.prices import LONGEST_OUTPUT, Price

NEVER_SET = ("messages", "model", "stream")  # of a request: the user's words, the pin's business, our own need
ANY_MODEL = "*"  # in tap.match: every exchange is in scope, also where the log names no model

_USER = ("username", "password_env")
_TOKEN = ("token_file", "token_url", "client_id", "client_secret_env")  # scope and token_ca_file go with token_url
_CERTIFICATES = ("ca_file", "cert_file", "key_file", "key_password_env")

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Hours = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Texts = Annotated[tuple[str, ...], Strict(strict=False)]
DimensionChanges = dict[str, dict[str, Any]]


class Table(BaseModel):
    """A table of the file: unknown keys are refused, `"5"` is no number, nothing changes after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Upgrade(Table):
    """The question being asked. `current` is the pin in production; `pinned` vouches for it where no rules do."""

    name: UpgradeName
    current: str
    pinned: bool = False

    @model_validator(mode="after")
    def _exact(self) -> Self:
        _refuse_alias("current", self.current, pinned=self.pinned)
        return self


class Candidate(Table):
    """A pin under test with its changes to the request, in the order drop, set, system prompt.

    `system_prompt` is the text: in the file stands the name of a file beside it, read by `load_config`.
    """

    name: CandidateName
    pin: str
    pinned: bool = False
    drop: Texts = ()
    set: dict[str, Any] = Field(default_factory=dict)
    system_prompt: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _named_after_its_pin(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and "name" not in fields and isinstance(fields.get("pin"), str):
            return {"name": fields["pin"].rpartition("/")[2], **fields}
        return fields

    @model_validator(mode="after")
    def _exact(self) -> Self:
        _refuse_alias("pin", self.pin, pinned=self.pinned)
        for table, keys in (("drop", self.drop), ("set", self.set)):
            for key in keys:
                if key in NEVER_SET:
                    raise problem(table, f"{key!r} cannot be changed; leave it out")
        return self


class Security(Table):
    """How a Kafka cluster is reached. What could be read on the way is refused without TLS, unless said twice.

    OAUTHBEARER takes its token from `token_file`, or from `token_url` with `client_id` and `client_secret_env`.
    """

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = None
    username: str | None = None
    password_env: EnvironmentVariable | None = None
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    key_password_env: EnvironmentVariable | None = None
    token_file: str | None = None
    token_url: HttpUrl | None = None
    token_ca_file: str | None = None
    client_id: str | None = None
    client_secret_env: EnvironmentVariable | None = None
    scope: str | None = None
    plain_without_tls: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.protocol.startswith("SASL"):
            self._check_sasl()
        else:
            self._refuse(
                ("mechanism", *_USER, *_TOKEN), f"{self.protocol} takes no user; write SASL_SSL or SASL_PLAINTEXT"
            )
        if not self.protocol.endswith("SSL"):
            self._refuse(_CERTIFICATES, f"has no effect with {self.protocol}; write SSL or SASL_SSL")
        if bool(self.cert_file) != bool(self.key_file):
            raise problem("cert_file", "goes with key_file; name both or none")
        if not self.plain_without_tls:
            self._refuse_readable()
        return self

    def _check_sasl(self) -> None:
        if self.mechanism is None:
            raise problem("mechanism", f"is missing; {self.protocol} needs it")
        needed = self._needed()
        for key in needed:
            if not getattr(self, key):
                raise problem(key, f"is missing; {self.mechanism} needs it")
        others = [key for key in (*_USER, *_TOKEN) if key not in needed]
        self._refuse(others, f"has no effect with {self.mechanism} and {needed[0]}; leave it out")

    def _refuse(self, keys: Iterable[str], why: str) -> None:
        for key in keys:
            if getattr(self, key):
                raise problem(key, why)

    def _needed(self) -> tuple[str, ...]:
        if self.mechanism != "OAUTHBEARER":
            return _USER
        return ("token_file",) if self.token_file else ("token_url", "client_id", "client_secret_env")

    def _refuse_readable(self) -> None:
        if self.mechanism in ("PLAIN", "OAUTHBEARER") and self.protocol == "SASL_PLAINTEXT":
            what = "the password" if self.mechanism == "PLAIN" else "the token"
            raise problem(
                "mechanism",
                f"{self.mechanism} without TLS sends {what} readable; use SASL_SSL, or plain_without_tls = true",
            )
        if self.token_url is not None and self.token_url.startswith("http:"):
            raise problem("token_url", "http:// sends the secret readable; use https://, or plain_without_tls = true")


class Kafka(Table):
    """A Kafka cluster."""

    bootstrap: Bootstrap
    security: Security | None = None


class RecordMapping(Table):
    """Where a home-grown record keeps its parts, as JSON paths (streams/tap/mapping.py).

    `request` is a chat body, a list of messages or a prompt; the answer is either `response` (an OpenAI body or its
    stream) or `text`.
    """

    request: PathText
    response: PathText | None = None
    text: PathText | None = None
    id: PathText | None = None
    feature: PathText | None = None
    model: PathText | None = None
    headers: PathText | None = None
    latency_ms: PathText | None = None
    time_to_first_token_ms: PathText | None = None
    cost_usd: PathText | None = None
    error: PathText | None = None

    @model_validator(mode="after")
    def _has_an_answer(self) -> Self:
        if (self.response is None) == (self.text is None):
            raise problem("response", "name either response (an OpenAI body) or text (the answer's text)")
        return self


class Tap(Table):
    """What is tapped. `match` names the current pin as the log does; empty stands for the model id of `current`."""

    topics: Annotated[tuple[str, ...], Strict(strict=False), Field(min_length=1)]
    format: Literal["auto", "openai", "envelope", "mapping"] = "auto"
    match: Texts = ()
    feature: Annotated[tuple[FeatureRule, ...], Strict(strict=False)] = ("header:x-feature", "$.metadata.feature")
    start: Literal["latest", "earliest"] = "latest"
    kafka: Kafka | None = None
    mapping: RecordMapping | None = None

    @model_validator(mode="after")
    def _mapped(self) -> Self:
        if self.format == "mapping" and self.mapping is None:
            raise problem("mapping", 'is missing; format = "mapping" needs [tap.mapping] with request and response')
        return self


class Sampling(Table):
    """Shares of the exchanges that are asked of the candidates, and of those, asked of the current pin again.

    With `adapt`, a candidate whose verdict on a feature stands is asked only `settled` of the feature's exchanges, and
    a feature without a verdict is rerun as often as it takes to have one in time.
    """

    candidate: Share = 1.0
    rerun: Share = 0.1
    settled: Share = 0.01
    adapt: bool = True


class Budget(Table):
    """Caps per day (UTC) and for the whole upgrade; None is no cap.

    Without any cap a worker accepts only providers on this machine. With a cap in USD it wants a price for every pin
    it asks, unless `unknown_price` is "allow": then what has no price counts as requests only. `pace` spreads the
    daily caps over the day.
    """

    requests_per_day: Count | None = None
    usd_per_day: Usd | None = None
    requests_total: Count | None = None
    usd_total: Usd | None = None
    unknown_price: Literal["refuse", "allow"] = "refuse"
    pace: Literal["day", "none"] = "day"

    @property
    def has_cap(self) -> bool:
        """Whether anything ends the asking."""
        return self.has_usd_cap or self.requests_per_day is not None or self.requests_total is not None

    @property
    def has_usd_cap(self) -> bool:
        """Whether dollars end the asking, so that every price must be known."""
        return self.usd_per_day is not None or self.usd_total is not None


class OwnPrice(Table):
    """What a pin costs by the user's own contract, in USD per million tokens; goes before `schemas/prices.toml`."""

    input: Usd
    output: Usd
    cached_input: Usd | None = None
    max_output_tokens: Annotated[int, Field(ge=1)] = LONGEST_OUTPUT

    @property
    def price(self) -> Price:
        """The same as a price."""
        return Price(self.input, self.output, self.cached_input, self.max_output_tokens, source="shadowtap.toml")


class Provider(Table):
    """Where a provider answers, in which format, and how hard it may be asked.

    `reserve` is the share of the limits it reports that is left to production. `timeout_s` bounds one HTTP request,
    `patience_s` how long a request is tried again in an outage. `stream` measures the time to the first token.
    """

    base_url: HttpUrl
    api: Literal["openai", "anthropic"] | None = None
    stream: bool = False
    api_key_env: EnvironmentVariable | None = None
    max_in_flight: Annotated[int, Field(ge=1)] = 16
    requests_per_minute: Annotated[int, Field(ge=1)] | None = None
    tokens_per_minute: Annotated[int, Field(ge=1)] | None = None
    reserve: Annotated[float, Field(ge=0, lt=1)] = 0.3
    timeout_s: Positive = 120.0
    patience_s: Positive = 300.0

    def api_of(self, name: str) -> Literal["openai", "anthropic"]:
        """The format it speaks: as set, else by the provider's name."""
        return self.api or ("anthropic" if name == "anthropic" else "openai")


class ClickHouse(Table):
    """Where comparisons are kept, for how long, and whether texts are kept with them.

    `cluster` names a ClickHouse cluster: tables become Replicated and Distributed. Days count from the writing;
    `redact` adds own patterns by name.
    """

    url: StoreUrl = "http://localhost:8123"
    user: str = "default"
    password_env: EnvironmentVariable | None = None
    ca_file: str | None = None
    database: Identifier = "shadowtap"
    cluster: Identifier | Literal[""] = ""
    keep_days: Annotated[int, Field(ge=1)] = 400
    text_days: Annotated[int, Field(ge=1)] = 30
    store_text: Literal["none", "redacted", "full"] = "none"
    redact: dict[RedactionName, RedactionPattern] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _cluster_is_a_server(self) -> Self:
        if self.cluster and self.url.startswith("embedded:"):
            raise problem("cluster", "an embedded store is one process; leave cluster out, or name a server in url")
        return self

    @model_validator(mode="after")
    def _trust_is_for_tls(self) -> Self:
        if self.ca_file and not self.url.startswith("https:"):
            raise problem("ca_file", "has no effect without TLS; write https:// in url")
        return self

    @model_validator(mode="after")
    def _patterns_are_used(self) -> Self:
        if self.redact and self.store_text != "redacted":
            raise problem("redact", f'has no effect with store_text = "{self.store_text}"; write "redacted"')
        return self


class Feature(Table):
    """What differs for one feature; None is as everywhere."""

    candidate: Share | None = None
    rerun: Share | None = None
    dimensions: DimensionChanges = Field(default_factory=dict)


class VerdictRules(Table):
    """When the evidence is enough (design.md section 5)."""

    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    min_trials: Annotated[int, Field(ge=1)] = 300
    min_hours: Hours = 24.0
    max_hours: Hours = 48.0
    coverage_floor: Share = 0.8
    assumed_noise: Share = 0.2

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.max_hours < self.min_hours:
            raise problem("max_hours", f"{self.max_hours:g} is less than min_hours = {self.min_hours:g}; raise it")
        return self


class WorkerRules(Table):
    """How a worker is seen from outside, how long it waits for Kafka and ClickHouse, and how much it has in hand."""

    listen: ListenAddress = "127.0.0.1:9464"  # of /healthz, /readyz and /metrics; "" for none
    wait_s: Positive = 300.0
    static_membership: bool = False  # a worker that comes back under its host's name keeps its partitions
    replays_in_work: Annotated[int, Field(ge=1)] = 1024  # exchanges that are asked, or wait for it, at once
    session_s: Annotated[float, Field(ge=2, le=300)] = 30.0  # silent for so long, its partitions go to others


class Slack(Table):
    """Where alerts go; without a webhook they are only written down."""

    webhook_env: EnvironmentVariable | None = None


def _refuse_alias(key: str, pin: str, *, pinned: bool) -> None:
    try:
        check_pin(pin, pinned=pinned)
    except ValueError as wrong:
        raise problem(key, str(wrong)) from wrong
