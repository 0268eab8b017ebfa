"""Keys and passwords by their shape: private keys, JWTs, keys of known providers, bearer tokens, `password = …`.

Shapes are those the issuers document or that secret scanners agree on (prefix, alphabet, length). Every repeat is
bounded or begins where a run of its letters begins, so that no text makes the search slower than linear.
"""

import re
from collections.abc import Iterator

Span = tuple[int, int]
"""First character and the one after the last."""

_PEM_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_PEM_BODY = re.compile(r"(?:[A-Za-z0-9+/=\s]|\\[nr])*+")
_LONGEST_PEM = 20_000  # characters

_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{8,}+\.eyJ[\w-]{6,}+(?:\.[\w-]*+){0,3}", re.ASCII)

_KEYS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"sk-[A-Za-z0-9_-]{20,250}"  # OpenAI, Anthropic, OpenRouter, DeepSeek and whoever followed them
    r"|gsk_[A-Za-z0-9]{40,60}|xai-[A-Za-z0-9]{60,90}|pplx-[A-Za-z0-9]{40,60}|r8_[A-Za-z0-9]{30,40}"
    r"|hf_[A-Za-z0-9]{30,40}|nvapi-[A-Za-z0-9_-]{50,80}"
    r"|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,250}|GOCSPX-[A-Za-z0-9_-]{20,40}"  # Google
    r"|(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}"  # AWS
    r"|gh[pousr]_[A-Za-z0-9]{36,250}|github_pat_[A-Za-z0-9_]{22,250}|glpat-[A-Za-z0-9_-]{20,60}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-[A-Za-z0-9-]{20,250}"  # Slack
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{16,120}|whsec_[A-Za-z0-9+/]{24,80}"  # Stripe
    r"|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,250}|dckr_pat_[A-Za-z0-9_-]{20,40}"
    r"|SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}|key-[0-9a-f]{32}"  # SendGrid, Mailgun
    r"|dapi[0-9a-f]{32}|dop_v1_[0-9a-f]{64}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"
    r"|hv[sbr]\.[A-Za-z0-9_-]{20,250}|AGE-SECRET-KEY-1[A-Z0-9]{58}|lin_api_[A-Za-z0-9]{32,50}"
    r")(?![A-Za-z0-9])"
    r"|https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{10,120}"
)
_BEGINNINGS = (
    "sk-", "gsk_", "xai-", "pplx-", "r8_", "hf_", "nvapi-", "AIza", "ya29.", "GOCSPX-", "AKIA", "ASIA", "ABIA", "ACCA",
    "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "xapp-", "k_live_", "k_test_", "whsec_",
    "npm_", "pypi-", "dckr_pat_", "SG.", "key-", "dapi", "dop_v1_", "shp", "hvs.", "hvb.", "hvr.", "AGE-", "lin_api_",
    "hooks.slack.com",
)  # fmt: skip
_LABELS = ("bearer", "basic", "accountkey", "sharedaccesskey", "sig", "x-amz-signature", "aws_secret_access_key")
_LABELLED = re.compile(
    r"\b(?:bearer[ \t]{1,3}([A-Za-z0-9._~+/-]{16,4000}+=*+)"
    r"|basic[ \t]{1,3}([A-Za-z0-9+/]{12,4000}+=*+)"
    r"|(?:AccountKey|SharedAccessKey|sig|X-Amz-Signature|aws_secret_access_key)[\"']?[ \t]{0,3}[:=][ \t]{0,3}[\"']?"
    r"([A-Za-z0-9+/%]{32,250}+=*+))",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"://[^\s/:@\"'<>]{0,80}:(?!\[[A-Z_]+\])([^\s/@\"'<>]{1,120})@")
_ASSIGNED = re.compile(
    r"(?:pass(?:word|wort|wd|phrase)|mot de passe|contraseña|kennwort|secret|pwd"
    r"|(?:api|access|secret|private|client|auth)[_ -]?(?:key|secret|token))"
    r"[\"'`*]{0,3}[ \t]{0,3}(?:[:=]|\b(?:is|ist|lautet|est|es)\b)[ \t]{0,3}[\"'`*]{0,3}"
    r"([^\s\"'`,;<>(){}\[\]*]{6,200}+)(?![(\[{<])",
    re.IGNORECASE,
)
_NAMES = ("pass", "kennwort", "contraseña", "secret", "pwd", "key", "token")
_LABEL = re.compile(r"(?:bearer|basic|token)\s+", re.IGNORECASE)
_NO_VALUE = re.compile(
    r"your|example|changeme|change_me|xxxx|\.\.\.|\$|%[A-Z(]|environ|getenv|\bnull\b|\[", re.IGNORECASE
)
_LOOKS_SECRET = re.compile(r"(?=.*[0-9!$%&?@#^+=~])(?=.*[A-Za-z])")


def private_keys(text: str) -> Iterator[Span]:
    """PEM and PGP private keys; one that was cut off ends where no more base64 comes."""
    place = 0
    while begin := _PEM_BEGIN.search(text, place):
        following = text.find("-----BEGIN", begin.end(), begin.end() + _LONGEST_PEM)
        until = following if following > 0 else begin.end() + _LONGEST_PEM
        end = _PEM_END.search(text, begin.end(), until) or _PEM_BODY.match(text, begin.end())
        place = end.end() if end else begin.end()
        yield begin.start(), place


def tokens(text: str) -> Iterator[Span]:
    """JWTs, also signed and encrypted ones."""
    return (found.span() for found in _JWT.finditer(text)) if "eyJ" in text else iter(())


def keys(text: str) -> Iterator[Span]:
    """Keys of known providers and clouds, webhook addresses, and what stands after `Bearer` and the like."""
    # A look for the fixed letters first is twenty times as fast as the pattern, and few texts have them.
    for found in _KEYS.finditer(text) if any(map(text.__contains__, _BEGINNINGS)) else ():
        yield found.span()
    small = text.lower()
    for found in _LABELLED.finditer(text) if any(map(small.__contains__, _LABELS)) else ():
        value = found[found.lastindex or 0]
        if any(letter.isdigit() for letter in value):  # "bearer of good tidings" has none
            yield found.span(found.lastindex or 0)


def passwords(text: str) -> Iterator[Span]:
    """Passwords in addresses (`://user:password@host`) and after their name; the name is left."""
    if "://" in text:
        for found in _URL_PASSWORD.finditer(text):
            yield found.span(1)
    small = text.lower()
    for found in _ASSIGNED.finditer(text) if any(map(small.__contains__, _NAMES)) else ():
        value = found[1].rstrip(".:")
        if _LOOKS_SECRET.match(value) and not _NO_VALUE.search(value):
            yield found.start(1), found.start(1) + len(value)


def is_secret(text: str) -> bool:
    """Whether a text is a key and nothing else, with or without `Bearer` before it.

    >>> [is_secret(text) for text in ("Bearer 0123456789abcdef", "the bearer of 0123456789abcdef")]
    [True, False]
    """
    whole = text.strip()
    if len(whole) > _LONGEST_PEM:
        return False
    label = _LABEL.match(whole)
    inside = label.end() if label else 0
    found = _KEYS.match(whole, inside) or _JWT.match(whole, inside)
    if found is not None and found.end() == len(whole):
        return True
    looked_for = (*(keys(whole) if label else ()), *(private_keys(whole) if "-----BEGIN" in whole else ()))
    return any(start <= inside and end >= len(whole) for start, end in looked_for)
