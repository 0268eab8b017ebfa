r"""The facts a text states, each written in one way, so that two texts can be compared as multisets.

`1,000`, `1000` and `1k` are one number, `5 km` and `5000 m` one length, `23 Nov 2026` and `2026-11-23` one date. Units,
scales, currencies and months come from `facts.toml`. Numbers are found by their digits and names by their capitals, so
that all of it is linear in the text; what a token means is remembered between texts.
"""

import re
import string
import tomllib
from collections import Counter
from functools import cache, lru_cache
from importlib import resources
from typing import Any, NamedTuple


class Fact(NamedTuple):
    """A fact: its kind (`number`, `date`, ...), its value written in one way, and of what an amount is."""

    kind: str
    value: str
    of: str = ""


_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"'`\])}]+")
_ADDRESS = re.compile(rf"{_URL.pattern}|[\w.+-]{{1,64}}@[\w-]+(?:\.[\w-]+)+")  # dear: e-mail addresses begin like words
_QUOTED = re.compile(r"\"([^\"\n]{2,80})\"|\u201c([^\u201d\n]{2,80})\u201d")
_NAME = re.compile(r" ([A-Z](?<=[A-Za-z,;)\u2019]..)[\w&-]*\w)")  # a space is found sooner than any capital
_NOT_NAMES = frozenset({"OK", "Yes", "No", "True", "False", "NOT", "AND", "OR"})
_ENDS_TENS = re.compile(r"y(?<=[efhnrx]ty)(?!\w)")
_NUMBER_WORD = re.compile(
    r"[EFNSTefnst](?<!\w.)(?:(?:wenty|hirty|orty|ifty|ixty|eventy|ighty|inety)"
    r"(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?"
    r"|leven|welve|hirteen|ourteen|ifteen|ixteen|eventeen|ighteen|ineteen)"
    r"\b(?!-[a-z]+(?:st|nd|rd|th)\b)"  # twenty-first is a place
)
_BLANKS = "\u00a0\u2009\u202f"  # no-break space, thin ones
_SPACED = re.compile(
    rf"[0-9](?<![\w.,][0-9])[0-9]{{0,2}}(?:(?:[ {_BLANKS}][0-9]{{3}}){{2,5}}|[{_BLANKS}][0-9]{{3}}|[ ]000)"
    r"(?![\w.,]?[0-9]| [0-9])"
)
_POINTED = re.compile(r"\.(?:(?<=[A-Z]\.)[A-Z]|(?<=\b[DMS][rst]\.) |(?<=\bMrs\.) |(?<=\bProf\.) )")
_INITIALS = re.compile(r"[A-Z](?<!\w.)(?:\.[A-Z])+\b\.?")
_TITLE = re.compile(r"\b(Dr|Mrs?|Ms|St|Prof)\. ")
_SIMPLE_FRACTION = re.compile(r"(\d{1,4})/([1-9]\d{0,3})\Z")
_ORDINAL = re.compile(r"\n {0,8}[0-9]{1,3}[.)](?=\s)")
_MONTH_NAME = (
    r"((?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?)\b"
)
_MONTH = rf"{_MONTH_NAME}\.?"
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?\b"
_NAMES_MONTH = re.compile(_MONTH_NAME)
_DATE = re.compile(
    rf"\b{_DAY}(?: of)? {_MONTH}(?:,? (\d{{4}})\b)?"  # 23rd of November 2026
    rf"|{_MONTH} (?:(\d{{4}})\b|{_DAY}(?:,? (\d{{4}})\b)?)"  # November 23, 2026 or November 2026
)
_SYMBOLS = "$\u20ac\u00a3\u00a5\u20b9"
_CODES_IN_FRONT = ("USD", "EUR", "GBP", "JPY", "INR", "CHF", "CAD", "AUD", "CNY")  # ISO 4217; "USD 5" as "$5"
_NAMES_CURRENCY = re.compile("|".join(map(re.escape, (*_SYMBOLS, *_CODES_IN_FRONT))))
_AMOUNT = re.compile(
    rf"([{_SYMBOLS}]|(?:{'|'.join(_CODES_IN_FRONT)})\b) ?(\d(?:[\d,.]*\d)?)"
    rf"(?: ?(k|K|m|M|mn|bn|B|tn|thousand|million|billion|trillion)\b)?"
)
# From here on digits are 0-9: a set of characters is found far sooner than a category of them. `_NUMBER` has no groups:
# a text repeats most of its numbers, and only the distinct ones are taken apart.
_DIGITS = r"[0-9]*+(?:[,.:/-]++[0-9]++)*+"
_WORD = rf"[%\u00b0A-Za-z{_SYMBOLS}][A-Za-z]*+(?:/++[A-Za-z]++)*+"
_NUMBER = re.compile(
    r"[-0-9](?:(?<![\w.].)(?<![A-Za-z_]-.)(?<!-)|(?<=[\s(=:]-)[0-9])"  # the first digit, with a minus before it
    rf"{_DIGITS}(?: ?-?{_WORD}(?: [A-Za-z]++)?)?"  # the others, and a word or two
)
_PARTS = re.compile(rf"(-?)({_DIGITS})(?: ?-?({_WORD})(?: ([A-Za-z]++))?)?")
_MINUS = re.compile(r"\u2212(?<=[\s(=:].)(?=[0-9])")
_SHAPES = bytes.maketrans(  # enough of a text to see whether it holds digits, and codes: A0 or A-0
    f"{string.ascii_letters}_{string.digits}#".encode(), b"A" * 53 + b"0" * 10 + b"-"
)
_CODE = re.compile(r"[0-9](?:(?<=[A-Za-z_][0-9])|(?<=[A-Za-z_][-#][0-9]))[\w-]{0,60}")
_OTHER_DIGIT = re.compile("[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\uff10-\uff19]")  # Arabic, Hindi, full width
_CODE_START = re.compile(r"[\w#-]{1,40}\Z")
_ISO = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})\Z")
_DAY_OR_MONTH_FIRST = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})\Z")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)(:\d\d)?\Z")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}(?:\.\d+)?\Z")
_COMMA_DECIMAL = re.compile(r"\d{1,3}(?:\.\d{3})*,\d{2}\Z|\d+,\d{2}\Z")  # 1.234,50: read so of money, or with dots
_DECIMAL = re.compile(r"\d+(?:\.\d+)?\Z")
_SPELLED_SCALES = ("hundred", "thousand", "million", "billion", "trillion")
_BEHIND_NUMBERS = (*_SPELLED_SCALES, "%", "percent", "per", "am", "pm")
_MILLION = 10**6
_MONTHS_A_YEAR = 12
_NOON = 12
_SHORTEST_WORD = 3  # letters; below, a unit is a symbol, and its case matters


@lru_cache(maxsize=256)
def facts_of(text: str) -> Counter[Fact]:
    """All facts of a text with how often they stand there (names and quotations once). Not to be changed."""
    found: Counter[Fact] = Counter()
    if not text.isascii():
        text = _MINUS.sub("-", _OTHER_DIGIT.sub(lambda digit: str(int(digit[0])), text))
    rest = _take_marked(found, _plainly(text.replace("*", "")))
    for name in dict.fromkeys(_NAME.findall(rest)):  # no set: its order changes from process to process
        if name not in _NOT_NAMES:
            found[Fact("name", name.casefold())] = 1
    shape = rest.encode("ascii", "replace").translate(_SHAPES)
    if b"0" not in shape:
        return found
    if b"0 000" in shape or b"0?000" in shape:
        rest = _SPACED.sub(lambda number: "".join(number[0].split()), rest)
    for token, times in Counter(_NUMBER.findall(rest)).items():
        for fact in _numbers(token):
            found[fact] = found.get(fact, 0) + times
    if b"A0" in shape or b"A-0" in shape:
        for code in _CODE.finditer(rest):
            before = _CODE_START.search(rest, max(0, code.start() - 40), code.start())
            found[Fact("id", ((before[0] if before else "") + code[0]).casefold())] += 1
    return found


def _plainly(text: str) -> str:
    """Initials without points, titles without theirs, and numbers from eleven on in digits."""
    if _POINTED.search(text):
        text = _INITIALS.sub(lambda initials: initials[0].replace(".", ""), text)
        text = _TITLE.sub(r"\1 ", text)
    if "teen" in text or "leven" in text or "welve" in text or _ENDS_TENS.search(text):
        text = _NUMBER_WORD.sub(_in_digits, text)
    return text


def _in_digits(number: re.Match[str]) -> str:
    values = _tables()["number_words"]
    return str(sum(values[word] for word in number[0].casefold().replace("-", " ").split()))


def _take_marked(found: Counter[Fact], text: str) -> str:
    """Take out what a mark of its own announces (addresses, dates, currency signs); quotations stay in the text."""
    if "://" in text or "@" in text or "www." in text:
        addresses = _ADDRESS if "@" in text else _URL
        text = addresses.sub(lambda address: _take_address(found, address[0]), text)
    if '"' in text or "\u201c" in text:
        for straight, curly in _QUOTED.findall(text):
            found[Fact("quote", (straight or curly).casefold().strip(" .,;:!?"))] = 1
    if not any(map(text.__contains__, string.digits)):  # nor are there dates or amounts
        return text
    if _NAMES_MONTH.search(text):  # a look for all names at once; dates themselves begin in too many ways
        text = _DATE.sub(lambda date: _take_date(found, date), text)
    if "$" in text and ("\\" in text or "^" in text):  # TeX: there $ is no dollar
        text = text.replace("$", " ")
    if ".m." in text:
        text = text.replace("a.m.", "am").replace("p.m.", "pm")
    if _NAMES_CURRENCY.search(text):
        text = _AMOUNT.sub(lambda amount: _take_amount(found, amount), text.replace("US$", "$"))
    return _ORDINAL.sub("\n", f"\n{text}") if "1. " in text or "1) " in text else text


def is_same_share(percent: Fact, number: Fact) -> bool:
    """Whether a percentage and a bare number are one share: 5 % and 0.05."""
    return percent.kind == "percent" and number.kind == "number" and _scaled(percent.value, 0.01) == number.value


@cache
def _tables() -> dict[str, Any]:
    text = resources.files("comparators.semantic").joinpath("facts.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _take_address(found: Counter[Fact], address: str) -> str:
    if "@" in address and "://" not in address:
        found[Fact("email", address.casefold())] += 1
        return " "
    bare = address.rstrip(".,;:!?").rstrip("/").removeprefix("https://").removeprefix("http://").removeprefix("www.")
    host, slash, path = bare.partition("/")
    found[Fact("url", host.casefold() + slash + path)] += 1
    return " "


def _take_date(found: Counter[Fact], date: re.Match[str]) -> str:
    day, month, year, month_first, year_alone, day_second, year_last = date.groups()
    number = _tables()["months"].get((month or month_first).casefold())
    if number is None:
        return date[0]
    found[_date(year or year_alone or year_last or "", number, day or day_second or "")] += 1
    return " "


def _date(year: str, month: int, day: str) -> Fact:
    return Fact("date", f"{year}-{month:02d}-{day.zfill(2) if day else ''}")


def _take_amount(found: Counter[Fact], amount: re.Match[str]) -> str:
    symbol, digits, scale = amount.groups()
    factor = 1e6 if scale == "m" else _tables()["scales"].get(scale, 1)
    found[Fact("money", _scaled(_plain(digits), factor), _tables()["currencies"][symbol])] += 1
    return " "


def _plain(digits: str) -> str:
    """The digits of an amount of money with a point for its decimals: 1,234.50 and 1.234,50 alike."""
    if _COMMA_DECIMAL.match(digits):
        return digits.replace(".", "").replace(",", ".")
    return digits.replace(",", "")


@lru_cache(maxsize=32_768)
def _numbers(found: str) -> tuple[Fact, ...]:
    """What a token of digits means, with the words behind it; `found` is what `_NUMBER` finds."""
    sign, token, word, following = _PARTS.match(found).groups("")  # type: ignore[union-attr]
    if token.isdigit() and not _tells(word):  # most by far
        return (Fact("number", f"-{token}" if sign else token),)
    if _GROUPED.match(token) or (_COMMA_DECIMAL.match(token) and ("." in token or word in _tables()["currencies"])):
        token = _plain(token)
    if _DECIMAL.match(token):
        return (_amount(("-" if sign else "") + token, word, following),)
    whole = _written_date(token) or _written_time(token, word)
    if whole is None and (token.count(".") > 1 or token.count("-") > 1):
        whole = Fact("id", token)
    if whole is None and (fraction := _SIMPLE_FRACTION.match(token)):
        part, whole_of = int(fraction[1]), int(fraction[2])
        if _MILLION * part % whole_of == 0 or _tells(word):  # as a decimal: 1/4, and 1/3 of a unit, but not 1/3
            return (_amount(sign + format(part / whole_of, ".9g"), word, following),)
    if whole is None and "/" in token and "," not in token:
        whole = Fact("number", token)
    if whole is not None:
        return (whole,)
    pieces = [piece for piece in re.split(r"[,:/-]", token) if _DECIMAL.match(piece)]
    return tuple(_amount(piece, word if place == len(pieces) - 1 else "", "") for place, piece in enumerate(pieces))


def _written_date(token: str) -> Fact | None:
    date = _ISO.match(token)
    if date:
        return _date(date[1], int(date[3]), date[4])
    date = _DAY_OR_MONTH_FIRST.match(token)
    if date is None:
        return None
    first, mark, second, year = date.groups()
    is_month_first = mark == "/" and int(first) <= _MONTHS_A_YEAR
    month, day = (first, second) if is_month_first else (second, first)
    return _date(year, int(month), day)


def _written_time(token: str, word: str) -> Fact | None:
    clock = _CLOCK.match(token)
    if clock is None:
        return None
    hour = int(clock[1])
    if word.casefold() == "pm" and hour < _NOON:
        hour += _NOON
    return Fact("time", f"{hour}:{clock[2]}{clock[3] or ''}")


def _amount(digits: str, word: str, following: str) -> Fact:
    tables = _tables()
    factor = 1.0
    if word in tables["scales"] and word != "m":
        factor, word = tables["scales"][word], following
    elif word.casefold() in _SPELLED_SCALES:
        factor, word = tables["scales"].get(word.casefold(), 100), following
    value = _scaled(digits, factor)
    if word in ("%", "percent") or (word == "per" and following == "cent"):
        return Fact("percent", value)
    if word.casefold() in ("am", "pm") and "." not in digits:
        return Fact("time", f"{int(digits) % _NOON + (_NOON if word.casefold() == 'pm' else 0)}:00")
    currency = tables["currencies"].get(word) or tables["currencies"].get(word.casefold())
    if currency:
        return Fact("money", value, currency)
    unit = _unit(word)
    if unit and not (word == "s" and len(digits) == 4):  # noqa: PLR2004 - the 1990s are a decade
        return Fact("quantity", _scaled(digits, factor * unit[1]), unit[0])
    return Fact("number", value)


@lru_cache(maxsize=4096)
def _tells(word: str) -> bool:
    """Whether a word behind a number says more about it: a scale, a unit, a currency, a share or a half of the day."""
    tables = _tables()
    folded = word.casefold()
    known = word in tables["scales"] or word in tables["currencies"] or folded in tables["currencies"]
    return known or folded in _BEHIND_NUMBERS or _unit(word) is not None


@lru_cache(maxsize=4096)
def _unit(word: str) -> tuple[str, float] | None:
    units = _tables()["units"]
    folded = word.casefold()
    forms = (word,) if len(word) < _SHORTEST_WORD else (word, folded, folded.removesuffix("s"))
    return next(((units[form][0], units[form][1]) for form in forms if form in units), None)


def _scaled(digits: str, factor: float) -> str:
    if factor != 1:
        return format(float(digits) * factor, ".9g")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
