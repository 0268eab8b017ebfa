"""What is a credential, by name and by shape, and what only looks like one."""

import pytest

from streams.tap.credentials import clean, clean_headers, is_credential

CREDENTIALS = """
Authorization Proxy-Authorization authorization_token X-Amz-Security-Token x-goog-api-key api-key apikey APIKEY
Ocp-Apim-Subscription-Key X-Auth-Key Cookie Set-Cookie X-Forwarded-Access-Token accessToken refresh_token id_token
client_secret clientSecret X-CSRF-Token sig X-Hub-Signature-256 webhook_secret password passwd pwd pass passphrase
private_key privateKey secret_access_key AWSAccessKeyId access_key access_key_id credentials bearer_token jwt token
x-token gh_token hf_token X-Shopify-Access-Token X-Vault-Token x-portkey-virtual-key Helicone-Auth cf-aig-authorization
CF-Access-Client-Secret x-litellm-api-key connectionString dsn ssh_key service_account_key x-api-token apiToken
x-amz-signature oauth_token otp user_api_key_hash x-client-cert OPENAI_API_KEY
"""
OTHERS = """
max_tokens token_count tokens total_tokens completion_tokens prompt_cache_key cache_key key keys keyboard public_key
tokenizer stop author authority secretary password_reset safety_identifier x-request-id Idempotency-Key x-feature
session_id first_token_ms time_to_first_token next_page_token stop_token bos_token primary_key partition_key user id
"""


@pytest.mark.parametrize("name", CREDENTIALS.split())
def test_a_credential_goes_by_its_name(name):
    assert is_credential(name)


@pytest.mark.parametrize("name", OTHERS.split())
def test_other_names_stay(name):
    assert not is_credential(name)


def test_headers_go_as_pairs_as_objects_and_as_lines():
    body = {
        "extra_headers": [["Authorization", "marked"], ["x-team", "a"]],
        "raw_headers": ["api-key: marked", "x-team: a"],
        "log": [{"name": "Cookie", "value": "marked"}, {"name": "x-team", "value": "a"}],
    }
    assert clean(body) == {
        "extra_headers": [["x-team", "a"]],
        "raw_headers": ["x-team: a"],
        "log": [{"name": "Cookie"}, {"name": "x-team", "value": "a"}],
    }


def test_a_key_of_a_known_shape_goes_whatever_its_name():
    key = "sk-" + "a1" * 20
    body = {
        "metadata": {"via": f"Bearer {key}", "to": [key, "eu"]},
        "user": key,
        "model": "gpt-x",
        "note": f"not {key}s",
    }
    assert clean(body) == {"metadata": {"to": ["eu"]}, "model": "gpt-x", "note": f"not {key}s"}
    assert clean_headers([("x-forwarded", f"Bearer {key}"), ("x-team", "a")]) == {"x-team": "a"}


def test_what_people_wrote_and_what_a_schema_declares_stays():
    key = "sk-" + "a1" * 20
    body = {
        "messages": [{"role": "user", "content": key}],
        "tools": [{"parameters": {"properties": {"token": {"type": "string"}}, "required": ["token", "password"]}}],
    }
    assert clean(body) == body
