"""What is taken out of texts, what is left, and how long it takes."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.redaction import HERE, labelled
from streams.redaction import Redactor
from streams.redaction.key_shapes import is_secret

REDACTOR = Redactor()
TUNED = labelled(HERE / "redaction_tuned.txt")
UNSEEN = labelled(HERE / "redaction_unseen.txt")


@pytest.mark.parametrize(("text", "marks"), TUNED, ids=[text[:40] for text, _ in TUNED])
def test_what_is_marked_is_taken_and_nothing_else(text, marks):
    assert [(one.start, one.end, one.kind) for one in REDACTOR.find(text)] == marks


def test_of_texts_it_was_not_tuned_on_it_finds_most():
    marked = seen = taken = wrong = 0
    for text, marks in UNSEEN:
        found = REDACTOR.find(text)
        covered = {place for one in found for place in range(one.start, one.end)}
        marked += len(marks)
        seen += sum(covered.issuperset(range(start, end)) for start, end, _ in marks)
        taken += len(found)
        wrong += sum(not any(one.start < end and start < one.end for start, end, _ in marks) for one in found)
    assert seen / marked >= 0.85
    assert 1 - wrong / taken >= 0.85


def test_a_placeholder_says_what_stood_there():
    text = "Ask ada@example.org at 203.0.113.7, or +49 151 12345678"
    assert REDACTOR.text(text) == "Ask [EMAIL] at [IP], or [PHONE]"


def test_what_two_kinds_claim_is_taken_once():
    text = "git clone https://oauth2:glpat-" + "a1" * 10 + "@git.example.com/x.git"
    assert REDACTOR.text(text) == "git clone https://oauth2:[KEY]@git.example.com/x.git"


def test_own_patterns_come_first_and_may_replace_a_kind():
    redactor = Redactor({"customer": r"KD-\d+", "phone": r"ext\. \d+"})
    assert redactor.text("KD-123456 ext. 42 +49 151 12345678") == "[CUSTOMER] [PHONE] +49 151 12345678"
    greedy = Redactor({"customer": r"KD-\d+", "rest": r"(?s).*"})
    assert greedy.text("ask KD-123456 now") == "ask [CUSTOMER] now"


def test_images_and_other_files_are_not_kept():
    image = "data:image/png;base64," + "iVBORw0KGgo" * 30
    body = {"content": [{"type": "image_url", "image_url": {"url": image}}, {"input_audio": {"data": "UklG" * 200}}]}
    assert REDACTOR.value(body) == {
        "content": [{"type": "image_url", "image_url": {"url": "[FILE]"}}, {"input_audio": {"data": "[FILE]"}}]
    }


def test_values_keep_their_shape():
    value = {"a": [1, 2.5, None, True, "x"], "card": 4111111111111111, "id": 4111111111111112}
    assert REDACTOR.value(value) == {**value, "card": "[CARD]"}


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.lists(
        st.sampled_from([text for text, _ in (*TUNED, *UNSEEN)]) | st.text(alphabet="a1@.:+-/( )=\n\x00", max_size=40),
        max_size=6,
    )
)
def test_what_is_redacted_has_nothing_left_to_redact(texts):
    once = REDACTOR.text(" ".join(texts))
    assert REDACTOR.text(once) == once


PIECES = (
    "a", "1", "1 ", "@", "a@", "a.", "a@a.", "+1", "(1", "4111 ", "eyJ", "eyJa.", "-----BEGIN PRIVATE KEY-----", "sk-",
    "sk-a", "Bearer ", "bearer a", "password=", "password is ", "://a:", ":", "::", "1.1.1.1", "0:", "DE12 ",
    "data:a/b;base64,", "Tel ", "1-", "key-", "é@é.", "[",
)  # fmt: skip


@pytest.mark.parametrize("piece", PIECES)
def test_time_grows_with_the_text_and_no_faster(piece):
    def seconds(size):
        text = (piece * size)[:size]
        begun = time.process_time()
        REDACTOR.find(text)
        return time.process_time() - begun

    small = min(seconds(10_000) for _ in range(2))
    # Sixteen times the text; a quadratic search would take 256 times as long. CPU time, and three times of it allowed,
    # because the machine may be busy.
    assert seconds(160_000) <= 48 * small + 0.5


def test_a_key_alone_is_a_secret_and_a_sentence_about_one_is_not():
    key = "sk-" + "a1" * 20
    assert is_secret(key)
    assert is_secret(f"Bearer {key}")
    assert is_secret(f"Basic {'dXNlcjpw' * 3}0==")
    assert not is_secret(f"my key is {key}, what now?")
    assert not is_secret("application/json")
