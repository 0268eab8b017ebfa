"""Texts of `shadowtap.toml` that must have a form: names, addresses, paths.

Errors never repeat what may be a secret.
"""

import re
from typing import Annotated

from pydantic import AfterValidator

from schemas.json_paths import json_path
from schemas.patterns import may_take_for_ever


def _upgrade_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", text):
        raise ValueError(f"{text!r} cannot be part of a consumer group's name; use letters, digits and . _ -")
    return text


def _candidate_name(text: str) -> str:
    if not re.fullmatch(r"[^\s/]{1,100}", text):
        raise ValueError(f"{text!r} cannot be a candidate's name; use 1 to 100 characters without space and slash")
    return text


def _environment_variable(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError("must be the name of an environment variable that holds the secret, not the secret itself")
    return text


def _http_url(text: str) -> str:
    address = re.fullmatch(r"https?://([^/\s?#]+)([^\s?#]*)", text)
    if address is None:
        raise ValueError("must be an address such as https://host/v1")
    if "@" in address[1]:
        raise ValueError("must hold no user and password; name the environment variable of the secret instead")
    return text.rstrip("/")


def _store_url(text: str) -> str:
    if not text.startswith("embedded:"):
        return _http_url(text)
    if text == "embedded:":
        raise ValueError("needs a folder, such as embedded:./shadowtap-data")
    return text


def _bootstrap(text: str) -> str:
    for server in text.split(","):
        if not re.fullmatch(r"\s*(\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+):\d{1,5}\s*", server):
            raise ValueError("must be host:port, or several of them separated by commas")
    return text.replace(" ", "")


def _listen_address(text: str) -> str:
    if text and not re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+):\d{1,5}", text):
        raise ValueError('must be host:port such as 127.0.0.1:9464, or "" for none')
    return text


def _path_text(text: str) -> str:
    json_path(text)
    return text


def _feature_rule(text: str) -> str:
    if text.startswith("$"):
        json_path(text)
    elif not re.fullmatch(r"header:[^\s:]+", text):
        raise ValueError(f"{text!r} is no feature rule; write header:x-feature or $.metadata.feature")
    return text


def _redaction_name(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", text):
        raise ValueError("must be small letters, digits and _, such as customer_number: the placeholder is made of it")
    return text


def _redaction_pattern(text: str) -> str:
    try:
        pattern = re.compile(text)
    except re.error as wrong:
        raise ValueError(f"is no regular expression of Python: {wrong}") from wrong
    if pattern.search("") is not None:
        raise ValueError("matches the empty text, and so everywhere; let it match at least one character")
    if may_take_for_ever(text):
        raise ValueError("repeats what is repeated, as in (a+)+, which can take for ever; write it without")
    return text


UpgradeName = Annotated[str, AfterValidator(_upgrade_name)]
CandidateName = Annotated[str, AfterValidator(_candidate_name)]
EnvironmentVariable = Annotated[str, AfterValidator(_environment_variable)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]  # or `embedded:FOLDER`
Bootstrap = Annotated[str, AfterValidator(_bootstrap)]
ListenAddress = Annotated[str, AfterValidator(_listen_address)]  # host:port, or nothing
PathText = Annotated[str, AfterValidator(_path_text)]
FeatureRule = Annotated[str, AfterValidator(_feature_rule)]
RedactionName = Annotated[str, AfterValidator(_redaction_name)]
RedactionPattern = Annotated[str, AfterValidator(_redaction_pattern)]
