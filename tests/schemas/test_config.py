"""shadowtap.toml: what is read, and what a user is told."""

import pytest

from schemas.config import Config, candidate_hash, config_from, load_config, secret
from schemas.errors import ConfigError
from schemas.pins import check_pin, rules_dated
from schemas.settings import Provider

WHOLE = """
[upgrade]
name = "summaries-2026-10"
current = "openai/gpt-x-2026-03-01"

[[candidates]]
pin = "openai/gpt-x-2026-10-20"

[[candidates]]
name = "october-new-prompt"
pin = "openai/gpt-x-2026-10-20"
drop = ["top_p"]
set = { temperature = 1 }
system_prompt = "prompts/october.md"

[tap]
topics = ["llm.gateway"]
format = "auto"
match = ["gpt-x-2026-03-01", "summaries-prod"]
feature = ["header:x-feature", "$.metadata.feature"]
start = "latest"
kafka = { bootstrap = "other:9092" }

[kafka]
bootstrap = "broker:9092"
security = { protocol = "SASL_SSL", mechanism = "SCRAM-SHA-512", username = "tap", password_env = "KAFKA_PASSWORD" }

[sampling]
candidate = 1.0
rerun = 0.10

[budget]
requests_per_day = 20000
usd_per_day = 50

[providers.openai]
base_url = "https://api.example.com/v1/"
api_key_env = "SHADOWTAP_OPENAI_KEY"
max_in_flight = 64
requests_per_minute = 500
tokens_per_minute = 200000
reserve = 0.3

[clickhouse]
url = "embedded:./shadowtap-data"
store_text = "none"

[dimensions.invalid_json]
effect = "block"
tolerance = 0.005

[features.billing]
rerun = 0.5
dimensions.invalid_json = { tolerance = 0.02 }
dimensions.fact_change = { effect = "block" }

[features.chat]
rerun = 0

[verdict]
alpha = 0.05
min_trials = 300
min_hours = 24
max_hours = 48
coverage_floor = 0.8

[slack]
webhook_env = "SHADOWTAP_SLACK_WEBHOOK"
"""
LEAST = {
    "upgrade": {"name": "u", "current": "openai/gpt-x-2026-03-01"},
    "candidates": [{"pin": "openai/gpt-x-2026-10-20"}],
    "tap": {"topics": ["t"]},
    "kafka": {"bootstrap": "h:1"},
}


@pytest.fixture
def whole(tmp_path) -> Config:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts/october.md").write_text("Be brief.", encoding="utf-8")
    (tmp_path / "shadowtap.toml").write_text(WHOLE, encoding="utf-8")
    return load_config(tmp_path / "shadowtap.toml")


def problems(**changes) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        config_from(LEAST | changes)
    return str(refused.value).splitlines()


def test_the_file_of_the_design_is_read_under_its_own_names(whole):
    assert [candidate.name for candidate in whole.candidates] == ["gpt-x-2026-10-20", "october-new-prompt"]
    assert whole.candidates[1].set == {"temperature": 1}
    assert whole.candidates[1].system_prompt == "Be brief."
    assert whole.providers["openai"].base_url == "https://api.example.com/v1"
    assert whole.provider("openai/gpt-x-2026-10-20").max_in_flight == 64
    assert (whole.tapped_kafka.bootstrap, whole.kafka.bootstrap) == ("other:9092", "broker:9092")
    assert whole.match_names == {"gpt-x-2026-03-01", "summaries-prod"}


def test_a_feature_differs_only_in_what_it_says(whole):
    billing, chat, other = (whole.feature_sampling(feature) for feature in ("billing", "chat", "unheard-of"))
    assert [(s.candidate, s.rerun) for s in (billing, chat, other)] == [(1.0, 0.5), (1.0, 0.0), (1.0, 0.1)]
    assert whole.assumed_noise("chat") == 0.2
    assert whole.assumed_noise("billing") is None
    assert whole.dimension_changes("chat") == {"invalid_json": {"effect": "block", "tolerance": 0.005}}
    assert whole.dimension_changes("billing") == {
        "invalid_json": {"effect": "block", "tolerance": 0.02},
        "fact_change": {"effect": "block"},
    }


def test_four_tables_are_enough():
    config = config_from(LEAST)
    assert config.match_names == {"gpt-x-2026-03-01", "openai/gpt-x-2026-03-01"}
    assert (config.clickhouse.store_text, config.budget.requests_per_day, config.slack.webhook_env) == (
        "none",
        None,
        None,
    )


def test_a_candidate_is_another_when_pin_changes_or_prompt_differ():
    def hash_of(**changes) -> str:
        candidate = {"pin": "openai/gpt-x-2026-10-20", **changes}
        return candidate_hash(config_from(LEAST | {"candidates": [candidate]}).candidates[0])

    same = {hash_of(), hash_of(name="another"), hash_of(drop=[])}
    others = [
        hash_of(pin="openai/gpt-x-2026-10-21"),
        hash_of(set={"temperature": 1}),
        hash_of(drop=["temperature"]),
        hash_of(system_prompt=""),
        hash_of(system_prompt="Be brief."),
    ]
    assert len(same) == 1
    assert len({*same, *others}) == 6
    assert hash_of(drop=["a", "b"], set={"x": 1, "y": 2}) == hash_of(drop=["b", "a"], set={"y": 2, "x": 1})


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"tapp": {}}, "tapp: unknown key; did you mean 'tap'?"),
        ({"tap": {"topics": ["t"], "topcis": []}}, "tap.topcis: unknown key; did you mean 'topics'?"),
        ({"kafka": {}}, "kafka.bootstrap: is missing; add it ('shadowtap init' writes a file with every key)"),
        (
            {"kafka": {"bootstrap": "broker"}},
            "kafka.bootstrap: must be host:port, or several of them separated by commas",
        ),
        ({"tap": {"topics": []}}, "tap.topics: is empty; name at least one"),
        ({"tap": {"topics": "t"}}, 'tap.topics: must be a list, such as ["..."]'),
        (
            {"tap": {"topics": ["t"], "format": "xml"}},
            "tap.format: must be 'auto', 'openai', 'envelope' or 'mapping', not 'xml'",
        ),
        (
            {"tap": {"topics": ["t"], "feature": ["$.a[b"]}},
            "tap.feature[0]: '$.a[b' is no JSON path; write it like $.a.b[0].c",
        ),
        ({"sampling": {"rerun": 10}}, "sampling.rerun: must be less than or equal to 1, not 10"),
        ({"sampling": {"rerun": "0.1"}}, "sampling.rerun: must be a number"),
        ({"verdict": {"min_hours": 72}}, "verdict.max_hours: 48 is less than min_hours = 72; raise it"),
        ({"verdict": {"alpha": float("nan")}}, "verdict.alpha: must be less than 1, not nan"),
        (
            {"clickhouse": {"redact": {"customer": "KD-[0-9]+"}}},
            'clickhouse.redact: has no effect with store_text = "none"; write "redacted"',
        ),
        (
            {"candidates": [{"pin": "openai/gpt-x-2026-10-20", "set": {"model": "m"}}]},
            "candidates[0].set: 'model' cannot be changed; leave it out",
        ),
        (
            {"candidates": [{"pin": "openai/gpt-4o"}]},
            (
                "candidates[0].pin: 'openai/gpt-4o' is an alias, which openai moves to other versions;"
                " name the exact one, such as gpt-4o-2024-08-06"
            ),
        ),
        (
            {"candidates": [{"pin": "sim/b"}]},
            (
                "candidates[0].pin: no rules for provider 'sim' tell whether 'b' is an exact version;"
                " if it never changes, add pinned = true"
            ),
        ),
        (
            {"candidates": [{"pin": "openai/gpt-x-2026-10-20"}] * 2},
            "candidates[1].name: 'gpt-x-2026-10-20' is there already; give it another name",
        ),
        (
            {"kafka": {"bootstrap": "h:1", "security": {"protocol": "SASL_SSL", "mechanism": "PLAIN"}}},
            "kafka.security.username: is missing; PLAIN needs it",
        ),
        (
            {"features": {"billing": {"dimension": {}}}},
            "features.billing.dimension: unknown key; did you mean 'dimensions'?",
        ),
    ],
)
def test_a_problem_is_one_line_that_names_the_key(changes, line):
    assert problems(**changes) == [f"shadowtap.toml: {line}"]


def test_all_problems_are_told_at_once():
    assert len(problems(tapp={}, kafka={}, sampling={"rerun": 2, "candidates": 1})) == 4


def test_a_secret_in_the_file_is_refused_and_not_repeated():
    told = problems(
        providers={
            "openai": {"base_url": "https://me:sk-marked@host/v1", "api_key_env": "sk-marked", "key": "sk-marked"}
        },
        slack={"webhook_env": "https://hooks.example.com/sk-marked"},
    )
    assert len(told) == 4
    assert "sk-marked" not in " ".join(told)


def test_a_missing_secret_names_key_and_variable():
    with pytest.raises(ConfigError, match=r"providers.openai.api_key_env: environment variable OPENAI_KEY is not set"):
        secret("OPENAI_KEY", "providers.openai.api_key_env", {"OPENAI_KEY": ""})
    assert secret("OPENAI_KEY", "providers.openai.api_key_env", {"OPENAI_KEY": "s"}) == "s"


def test_a_missing_provider_is_told_with_the_nearest():
    config = config_from(LEAST | {"providers": {"opnai": {"base_url": "http://h"}}})
    with pytest.raises(ConfigError, match=r"providers.openai: is missing .*did you mean 'opnai'"):
        config.provider("openai/gpt-x-2026-10-20")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"[upgrade", "is no TOML: "),
        (b'name = "\xff"', "is not UTF-8 (byte 8)"),
        (
            b'[[candidates]]\nsystem_prompt = "gone.md"',
            "candidates[0].system_prompt: cannot read 'gone.md' (No such file or directory)",
        ),
    ],
)
def test_a_file_that_cannot_be_read_says_so(tmp_path, text, line):
    path = tmp_path / "own.toml"
    path.write_bytes(text)
    with pytest.raises(ConfigError) as refused:
        load_config(path)
    assert str(refused.value).startswith(f"{path}: {line}")
    with pytest.raises(ConfigError, match=r"no such file; 'shadowtap init' writes one"):
        load_config(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    "pin",
    [
        *("openai/gpt-4o-2024-08-06", "openai/gpt-4-0613", "openai/gpt-3.5-turbo-0125", "openai/o1-preview-2024-09-12"),
        *("openai/gpt-4-1106-preview", "openai/ft:gpt-4o-mini-2024-07-18:acme::7p4lURel"),
        *("anthropic/claude-sonnet-4-5-20250929", "anthropic/claude-opus-4-6", "anthropic/claude-3-opus-20240229"),
        *("google/gemini-2.0-flash-001", "google/gemini-2.5-pro-preview-05-06", "vertex/claude-haiku-4-5@20251001"),
        *("bedrock/anthropic.claude-3-5-sonnet-20241022-v2:0", "bedrock/us.anthropic.claude-sonnet-4-6"),
        *("bedrock/meta.llama3-1-70b-instruct-v1:0", "mistral/mistral-large-2411", "cohere/command-r-08-2024"),
        "xai/grok-4-0709",
    ],
)
def test_exact_versions_are_pins(pin):
    check_pin(pin)


@pytest.mark.parametrize(
    "alias",
    [
        *("openai/gpt-4o", "openai/gpt-4", "openai/gpt-5.1-mini", "openai/chatgpt-4o-latest", "openai/o3-mini"),
        *("anthropic/claude-sonnet-4-5", "anthropic/claude-3-7-sonnet-latest", "anthropic/claude-opus-4"),
        *(
            "anthropic/claude-3-5-haiku",
            "google/gemini-flash-latest",
            "google/gemini-1.5-pro",
            "mistral/mistral-small-latest",
        ),
        *("cohere/command-r", "xai/grok-4", "deepseek/deepseek-chat"),
    ],
)
def test_an_alias_is_refused_whoever_vouches_for_it(alias):
    with pytest.raises(ValueError, match="is an alias"):
        check_pin(alias, pinned=True)


def test_what_the_rules_do_not_know_needs_the_users_word():
    for pin in ("openai/gpt-6", "google/gemini-2.5-pro", "own-host/llama-70b-awq"):
        with pytest.raises(ValueError, match="pinned = true"):
            check_pin(pin)
        check_pin(pin, pinned=True)
    for pin in ("gpt-4o-2024-08-06", "openai/", "/x", "openai/a b"):
        with pytest.raises(ValueError, match="is no pin"):
            check_pin(pin, pinned=True)
    assert rules_dated() >= "2026-11-01"


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("(KD-", "is no regular expression of Python: missing ), unterminated subpattern at position 0"),
        ("(a+)+b", "repeats what is repeated, as in (a+)+, which can take for ever; write it without"),
        ("x*", "matches the empty text, and so everywhere; let it match at least one character"),
    ],
)
def test_own_patterns_of_redaction_must_be_usable(pattern, line):
    told = problems(clickhouse={"store_text": "redacted", "redact": {"customer": pattern}})
    assert told == [f"shadowtap.toml: clickhouse.redact.customer: {line}"]


SASL = {"protocol": "SASL_SSL", "mechanism": "SCRAM-SHA-512", "username": "u", "password_env": "P"}
TOKEN = {"protocol": "SASL_SSL", "mechanism": "OAUTHBEARER"}


@pytest.mark.parametrize(
    ("security", "line"),
    [
        ({"protocol": "SASL_SSL"}, "mechanism: is missing; SASL_SSL needs it"),
        ({**SASL, "password_env": ""}, None),
        ({**SASL, "token_file": "t"}, "token_file: has no effect with SCRAM-SHA-512 and username; leave it out"),
        (
            {**SASL, "protocol": "SASL_PLAINTEXT", "mechanism": "PLAIN"},
            "mechanism: PLAIN without TLS sends the password readable; use SASL_SSL, or plain_without_tls = true",
        ),
        (
            {**TOKEN, "protocol": "SASL_PLAINTEXT", "token_file": "t"},
            "mechanism: OAUTHBEARER without TLS sends the token readable; use SASL_SSL, or plain_without_tls = true",
        ),
        (TOKEN, "token_url: is missing; OAUTHBEARER needs it"),
        (
            {**TOKEN, "token_url": "https://i/t", "client_id": "c"},
            "client_secret_env: is missing; OAUTHBEARER needs it",
        ),
        (
            {**TOKEN, "token_file": "t", "token_url": "https://i/t"},
            "token_url: has no effect with OAUTHBEARER and token_file; leave it out",
        ),
        (
            {**TOKEN, "token_url": "http://i/t", "client_id": "c", "client_secret_env": "S"},
            "token_url: http:// sends the secret readable; use https://, or plain_without_tls = true",
        ),
        (
            {"protocol": "PLAINTEXT", "ca_file": "ca.pem"},
            "ca_file: has no effect with PLAINTEXT; write SSL or SASL_SSL",
        ),
        (
            {"protocol": "SSL", "username": "u"},
            "username: SSL takes no user; write SASL_SSL or SASL_PLAINTEXT",
        ),
        ({"protocol": "SSL", "cert_file": "c"}, "cert_file: goes with key_file; name both or none"),
    ],
)
def test_security_that_does_not_fit_together_is_refused(security, line):
    told = problems(kafka={"bootstrap": "h:1", "security": security})
    assert len(told) == 1
    assert line is None or told == [f"shadowtap.toml: kafka.security.{line}"]


@pytest.mark.parametrize(
    "security",
    [
        SASL,
        {**SASL, "protocol": "SASL_PLAINTEXT"},
        {**SASL, "protocol": "SASL_PLAINTEXT", "mechanism": "PLAIN", "plain_without_tls": True},
        {**TOKEN, "token_file": "t"},
        {**TOKEN, "token_url": "https://i/t", "client_id": "c", "client_secret_env": "S", "scope": "k"},
        {"protocol": "SSL", "ca_file": "ca", "cert_file": "c", "key_file": "k", "key_password_env": "K"},
    ],
)
def test_security_that_fits_together_is_taken(security):
    assert config_from(LEAST | {"kafka": {"bootstrap": "h:1", "security": security}}).kafka.security is not None


def test_a_provider_speaks_the_format_of_its_name_unless_told():
    provider = Provider(base_url="https://a.example/v1")
    assert provider.api_of("anthropic") == "anthropic"
    assert provider.api_of("openai") == provider.api_of("together") == "openai"
    assert Provider(base_url="https://a.example/v1", api="openai").api_of("anthropic") == "openai"
