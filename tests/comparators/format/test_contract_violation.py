"""Rules of form learned from baseline answers, in any order and any partitioning, then frozen."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comparators.comparator import Pair
from comparators.dimensions import load_dimensions
from comparators.format.contract_sketch import ContractSketch, sketch_bytes, sketch_from_bytes, sketch_of
from comparators.format.contract_violation import ContractViolation
from comparators.format.contracts import freeze
from schemas.answers import Answer
from schemas.exchanges import Request
from schemas.json_text import dumps

PROSE = "The order is on its way and you will have it on Monday, as we told you. It is not late."
FRENCH = "La commande est en route et vous serez livré lundi, comme nous vous avons dit. Elle ne tarde pas."


def ticket(number, **more):
    status = ("open", "closed", "waiting")[number % 3]
    return {
        "id": number,
        "status": status,
        "name": f"customer {number}",
        "lines": [{"price": 1.5}] * (number % 4),
    } | more


def texts(answers):
    return [dumps(answer).decode() for answer in answers]


TICKETS = texts(ticket(number, **({"note": "x"} if number % 5 == 0 else {})) for number in range(100, 400))


def scored(contract, answer, baseline="x"):
    text = answer if isinstance(answer, str) else dumps(answer).decode()
    pair = Pair(Request({}), Answer("m", text=baseline), Answer("m", text=text))
    score = ContractViolation(contract=contract).compare(pair)
    return score.value, score.reason


@pytest.fixture(scope="module")
def contract():
    return freeze(sketch_of(TICKETS))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (ticket(1), ""),
        (ticket(1, note="x"), ""),
        (ticket(1, name="a customer never seen"), ""),
        ({key: value for key, value in ticket(1).items() if key != "id"}, "missing:$.id"),
        (ticket(1, lines=[{"price": 1, "other": 1}]), "extra:$.lines[].other"),
        (ticket(1, lines=[{}]), "missing:$.lines[].price"),
        (ticket(1, id="1"), "type:$.id:string"),
        (ticket(1, status="Open"), "label:$.status"),
        (ticket(1, status="a long text in the place of a label, which nobody could have expected"), "label:$.status"),
        (ticket(1, more=[]), "extra:$.more"),
        ("It is open.", "no_json"),
        (f"```json\n{TICKETS[0]}\n```", "fence:+"),
        (ticket(1, name="x" * 5_000), "length:long"),
    ],
)
def test_the_rule_that_is_broken_is_named(contract, answer, reason):
    assert scored(contract, answer) == (1.0 if reason else 0.0, reason)


def test_prose_has_a_language_a_length_and_a_fence_habit():
    contract = freeze(sketch_of(f"{PROSE}\n```\n{number}\n```" for number in range(60)))
    assert scored(contract, f"{PROSE}\n```\n7\n```") == (0.0, "")
    assert scored(contract, f"{FRENCH}\n```\n7\n```") == (1.0, "language:fr")
    assert scored(contract, PROSE) == (1.0, "fence:-")
    assert scored(contract, "```\n1\n```") == (1.0, "length:short")
    assert scored(contract, '{"a": "' + PROSE + '"}\n```\n1\n```')[0] == 0.0


def test_habits_that_were_mixed_are_no_rule():
    mixed = freeze(sketch_of([PROSE, FRENCH, f"```\n{PROSE}\n```", TICKETS[0] * 1] * 40))
    for answer in (PROSE, FRENCH, f"```\n{PROSE}\n```", '{"other": "' + PROSE + '"}'):
        assert scored(mixed, answer) == (0.0, "")


def test_labels_and_keys_that_had_not_settled_are_no_rule():
    contract = freeze(sketch_of(texts({"who": f"n{number % 20}", f"k{number}": 1} for number in range(20)) * 3))
    assert scored(contract, {"who": "somebody", "other": 1}) == (1.0, "label:$.who")
    unsettled = freeze(sketch_of(texts({"who": f"n{number % 31}", f"k{number}": 1} for number in range(60))))
    assert scored(unsettled, {"who": "n1", "k99": 1}) == (0.0, "")


def test_too_few_answers_make_no_contract_and_none_applies_nowhere():
    assert freeze(sketch_of(TICKETS[:49])) == ""
    assert scored("", PROSE) == (None, "calibrating")
    assert scored(freeze(sketch_of(TICKETS)), PROSE, baseline="") == (None, "no_text")


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), parts=st.integers(1, 6))
def test_sketches_merge_in_any_order_and_any_partitioning(seed, parts):
    rng = random.Random(seed)
    pool = [*TICKETS, PROSE, FRENCH, '{"a": "' + "x" * 50 + '"}', *texts({f"k{n}": f"v{n}"} for n in range(320))]
    some = rng.sample(pool, k=rng.randrange(1, len(pool)))
    whole = sketch_of(some)
    rng.shuffle(some)
    pieces = [sketch_of(some[part::parts]) for part in range(parts)]
    rng.shuffle(pieces)
    merged = sum(pieces, start=ContractSketch())
    assert sketch_bytes(merged) == sketch_bytes(whole)
    assert freeze(merged) == freeze(whole)


def test_a_sketch_stays_small_and_gives_up_what_is_free():
    wide = sketch_of(texts({f"k{number}": number} for number in range(2_000)))
    assert len(sketch_bytes(wide)) < 2_000
    assert scored(freeze(wide), {"new": 1})[1] in ("", "length:short")
    names = sketch_of(texts({"name": f"n{number}"} for number in range(500)))
    assert len(sketch_bytes(names)) < 2_000
    assert len(sketch_bytes(names + names)) < 2_000


def test_a_sketch_makes_the_round_trip_and_other_versions_are_refused():
    sketch = sketch_of(TICKETS)
    assert sketch_from_bytes(sketch_bytes(sketch)) == sketch
    with pytest.raises(ValueError, match="version"):
        sketch_from_bytes(b'{"version": 99, "counts": []}')
    with pytest.raises(ValueError, match="merged"):
        sketch + ContractSketch(version=99)
    for wrong in ("[]", '{"version": 1, "answers": 1, "odd": 2}'):
        with pytest.raises(ValueError, match="contract"):
            ContractViolation(contract=wrong)
    with pytest.raises(ValueError, match="add up"):
        freeze(ContractSketch({("answers",): 100}))


def test_another_contract_is_another_identity_so_another_epoch():
    one, other = (freeze(sketch_of(answers)) for answers in (TICKETS, TICKETS[:200]))
    identities = {
        dimension.identity
        for contract in ("", one, other)
        for dimension in load_dimensions({"contract_violation": {"contract": contract}})
        if dimension.name == "contract_violation"
    }
    assert len(identities) == 3


def test_the_baselines_own_later_answers_break_their_contract_about_as_rarely_as_learned():
    rng = random.Random(9)

    def answer():
        number = rng.randrange(100, 10_000)
        full = ticket(number)
        if rng.random() < 0.005:
            del full["name"]
        return dumps(full).decode()

    contract = freeze(sketch_of(answer() for _ in range(500)))
    broken = [scored(contract, answer())[0] for _ in range(2_000)]
    assert sum(broken) / len(broken) < 0.02


def test_a_sketch_holds_no_text_of_anybody():
    sketch = sketch_bytes(sketch_of(texts([ticket(1, customer="Ann Smith")])))
    assert b"customer" in sketch
    assert b"Smith" not in sketch
