"""Personal data by shape and check digit: e-mail, IBAN, card, IP and phone numbers, and files inside texts.

Numbers are told from one another by what can be checked: ISO 7812's check digit and issuer ranges for cards,
ISO 13616's mod 97 and country lengths for IBANs, the numbering plans' forms for phones. A phone number written
without a plus, without its country's usual groups and without a word such as "Tel." cannot be told from an order
number, and is left.
"""

import re
from collections.abc import Iterator
from ipaddress import AddressValueError, IPv6Address

from streams.redaction.key_shapes import Span

_AT = re.compile(r"@((?:[^\W_](?:[\w-]{0,61}[^\W_])?+\.(?=[^\W_])){1,8}+)([^\W\d_]{2,24})(?![\w-])")
_LOCAL = re.compile(r"[\w.%+'-]{1,64}$")
_FILES = frozenset({  # foo@2x.png is none
    "png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "css", "js", "ts", "jsx", "tsx", "json", "html", "py", "md",
    "txt", "pdf", "zip", "gz", "sh", "yml", "yaml",
})  # fmt: skip

# Patterns of numbers begin with the digit, which the search jumps to; what stands before it is looked at afterwards.
_IBAN = re.compile(r"[0-9](?<=(?<![A-Za-z0-9])[A-Za-z]{2}[0-9])[0-9](?:[ \u00a0-]?[A-Za-z0-9]){11,30}+")
_IBAN_LENGTHS = {
    country: int(length)
    for length, countries in (
        line.split(":")
        for line in (
            "15:NO", "16:BE", "18:DK FI FO GL NL", "19:MK SI", "20:AT BA EE KZ LT LU MN XK", "21:CH HR LI LV",
            "22:BG BH CR DE GB GE IE ME RS VA", "23:AE GI IL IQ OM SO TL", "24:AD CZ ES MD PK RO SA SE SK TN VG",
            "25:LY PT ST", "26:IS TR", "27:BI DJ FR GR IT MC MR SM", "28:AL AZ BY CY DO GT HU LB NI PL SV",
            "29:BR EG PS QA UA", "30:JO KW MU", "31:MT SC", "32:LC", "33:RU",
        )
    )
    for country in countries.split()
}  # fmt: skip

_CARD = re.compile(r"[0-9](?<![\w.,][0-9])(?<!\w[-/][0-9])(?:[ \u00a0-]?[0-9]){12,18}+")
_CARD_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)\d+|3[47]\d{13}|6(?:011|4[4-9]|5)\d+"
    r"|3(?:0[0-5]|[689])\d{11,16}|35(?:2[89]|[3-8])\d+|62\d+|(?:50|5[6-9]|6)\d+"
)
_NEVER_AFTER = re.compile(r"\w|[-/]\w|[.,]\d|%")

_IPV4 = re.compile(r"[0-9](?<![\w.][0-9])[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?![\w-]|\.\w)")
_NO_ADDRESS_BEFORE = re.compile(
    r"(?:\bv|\bver\.?|version|release|build|chapter|section|clause|kapitel|abschnitt|§|revision|firmware|(?<!/)/)\s{0,2}$",
    re.IGNORECASE,
)
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}|:):(?:[0-9A-Fa-f]{0,4}:){0,7}[0-9A-Fa-f.]{0,15}(?![\w:])")

_IPV6_LIKELY = re.compile(r":[0-9A-Fa-f]{0,4}:")

_PHONE = re.compile(r"[0-9](?<![\w#.,/$€£-][0-9])(?:[ \u00a0().\-/]{0,3}[0-9]){5,16}+")
_BEFORE_PHONE = re.compile(r"(?<![\w+#.,/$€£-])[+(]{1,2}$")
_INSIDE_A_ROW = re.compile(r"[0-9][ \u00a0-]")  # a later part of a longer number
_GROUP = re.compile(r"[0-9]+")
_PHONE_WORD = re.compile(
    r"(?:\b(?:tel|ph|fax|mob)\."
    r"|(?<!\[)\b(?:tele?(?:fon|phone)?|ph(?:one)?|mobile?|handy|cell|fax|call|ring|rufen|anruf\w*|sms|whatsapp|hotline"
    r"|appel\w*|rappel\w*|portable|móvil|teléfono|llam\w+|rückruf\w*|reach (?:me|us|him|her))\b)[^\d\n.!?\[\]]{0,20}$",
    re.IGNORECASE,
)
_DATE = re.compile(r"(?:19|20)\d\d[-/. ](?:0?[1-9]|1[0-2])[-/. ]\d{1,2}|\d{1,2}[-/. ]\d{1,2}[-/. ](?:19|20)\d\d")
_LONGEST_PHONE = 15  # digits, ITU-T E.164
_SHORTEST_PHONE = 7

_DATA_URL = re.compile(r"data:[\w.+-]{1,60}/[\w.+-]{1,80}(?:;[\w=.+-]{1,60}){0,3};base64,[A-Za-z0-9+/=_-]{16,}+")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{512,}+={0,2}")


def emails(text: str) -> Iterator[Span]:
    """E-mail addresses, also in scripts other than Latin."""
    for at in _AT.finditer(text) if "@" in text else ():
        local = _LOCAL.search(text, max(0, at.start() - 64), at.start())
        if local and at[2].lower() not in _FILES:
            name = local[0].lstrip(".'-%+")
            if name:
                yield at.start() - len(name), at.end()


def ibans(text: str) -> Iterator[Span]:
    """IBANs whose length and check digits are right."""
    place = 0
    while found := _IBAN.search(text, place):
        start, place = found.start() - 2, found.start() + 2
        length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
        written = [at for at in range(start, found.end()) if text[at].isalnum()]
        if length is None or len(written) < length:
            continue
        end = written[length - 1] + 1
        if end < len(text) and text[end].isalnum():
            continue
        letters = "".join(text[at] for at in written[:length])
        if int("".join(str(int(letter, 36)) for letter in letters[4:] + letters[:4])) % 97 == 1:
            yield start, end
            place = end


def cards(text: str) -> Iterator[Span]:
    """Card numbers: 13 to 19 digits in an issuer's range whose check digit is right."""
    for start, groups in _candidates(_CARD, text):
        if len(groups[0][0]) < 3:  # noqa: PLR2004 - see below
            continue
        for upto, digits in _rows(groups[:5]):
            if (
                13 <= len(digits) <= 19  # noqa: PLR2004 - ISO 7812
                and (upto == 1 or min(len(group) for group, _ in groups[:upto]) >= 3)  # noqa: PLR2004 - 4-4-4-4, 4-6-5
                and _CARD_ISSUERS.fullmatch(digits)
                and _check_digit_is_right(digits)
                and not _NEVER_AFTER.match(text, groups[upto - 1][1])
            ):
                yield start, groups[upto - 1][1]
                break


def addresses(text: str) -> Iterator[Span]:
    """IP addresses of both versions; not loopback, masks, version and section numbers."""
    for found in _IPV4.finditer(text):
        parts = [int(part) for part in found[0].split(".")]
        is_somebody = parts[0] not in (0, 127, 255) and max(parts) <= 255  # noqa: PLR2004 - a byte
        if is_somebody and not _NO_ADDRESS_BEFORE.search(text, max(0, found.start() - 12), found.start()):
            yield found.span()
    for found in _IPV6.finditer(text) if _IPV6_LIKELY.search(text) else ():
        shown = found[0].rstrip(".")
        digits = sum(letter.isalnum() for letter in shown)
        if digits < 4 or not any(letter.isdigit() for letter in shown):  # noqa: PLR2004 - `1::2` is a slice
            continue
        try:
            IPv6Address(shown)
        except AddressValueError:
            continue
        yield found.start(), found.start() + len(shown)


def phones(text: str) -> Iterator[Span]:
    """Phone numbers that their form, or a word before them, tells from other numbers."""
    last_end = 0
    for first, groups in _candidates(_PHONE, text):
        if len(groups[2:]) > 1 and all(len(group) == 1 for group, _ in groups[:3]):
            continue  # digits one by one
        if first - 1 != last_end and _INSIDE_A_ROW.match(text, max(0, first - 2), first):
            continue
        before = _BEFORE_PHONE.search(text, max(0, first - 3), first)
        start = before.start() if before else first
        is_called: bool | None = None
        for upto, digits in _rows(groups[:8]):
            if not _SHORTEST_PHONE <= len(digits) <= _LONGEST_PHONE + len("00"):
                continue
            end = groups[upto - 1][1]
            written = text[start:end]
            if not _has_form_of_phone([group for group, _ in groups[:upto]], digits, written):
                if is_called is None:
                    is_called = _PHONE_WORD.search(text, max(0, start - 32), start) is not None
                if not is_called or "." in written:
                    continue
            if not _NEVER_AFTER.match(text, end) and not _DATE.search(written):
                yield start, end
                last_end = end
                break


def files(text: str) -> Iterator[Span]:
    """Images, sound and other files inside a text, as base64: what they show cannot be looked at."""
    for pattern in (_DATA_URL, _BASE64):
        for found in pattern.finditer(text):
            yield found.span()


def _has_form_of_phone(parts: list[str], digits: str, written: str) -> bool:
    count, sizes = len(digits), [len(part) for part in parts]
    if "+" in written[:2]:
        return 8 <= count <= _LONGEST_PHONE and digits[0] != "0"  # noqa: PLR2004 - the shortest with a country code
    if digits.startswith("00"):
        return len(parts) > 1 and count >= 11 and digits[2] != "0"  # noqa: PLR2004 - 00, country, number
    if sizes[-3:] == [3, 3, 4] and (sizes[:-3] == [] or parts[:-3] == ["1"]):  # the North American plan
        return parts[-3][0] in "23456789" and parts[-2][0] in "23456789"
    if digits[0] != "0" or digits[1] == "0" or len(parts) == 1:
        return False
    if sizes == [2] * 5:  # French
        return True
    return (
        "." not in written
        and 9 <= count <= 12  # noqa: PLR2004 - national numbers with their trunk prefix
        and sizes[0] <= 5  # noqa: PLR2004 - the longest area code
        and min(sizes[1:]) >= 2  # noqa: PLR2004 - nobody writes single digits
        and max(sizes[1:]) >= 3  # noqa: PLR2004 - dates have none
    )


def _candidates(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, list[tuple[str, int]]]]:
    """Start and groups of digits (with their ends) of what may be a number, or begin with one.

    The search goes on behind the first group, so a number that follows another closely is seen too.
    """
    place = 0
    while found := pattern.search(text, place):
        groups = [(group[0], group.end()) for group in _GROUP.finditer(text, found.start(), found.end())]
        yield found.start(), groups
        place = groups[0][1]


def _rows(groups: list[tuple[str, int]]) -> Iterator[tuple[int, str]]:
    """How many groups, and their digits: all, then one less, and so on."""
    digits = "".join(group for group, _ in groups)
    for upto in range(len(groups), 0, -1):
        yield upto, digits
        digits = digits[: len(digits) - len(groups[upto - 1][0])]


def _check_digit_is_right(digits: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled  # noqa: PLR2004 - the sum of the digits of 10 to 18
    return total % 10 == 0
