"""Whether the final answer is another one."""

import json

import pytest

from comparators.comparator import Pair
from comparators.semantic.answer_change import AnswerChange
from schemas.answers import Answer
from schemas.exchanges import Request

PRIME = "Is 7 prime? Answer [Yes] or [No]."
PRIME_NUMBER = "Is 7 a prime number? Think, then answer [Yes] or [No]."


def scored(question, baseline, answer, **body):
    request = Request(
        {"messages": [{"role": "system", "content": question}, {"role": "user", "content": question}], **body}
    )
    return AnswerChange().compare(Pair(request, Answer("m", text=baseline), Answer("m", text=answer)))


@pytest.mark.parametrize(
    ("question", "baseline", "answer", "reason"),
    [
        (PRIME, "[Yes]", "[No]", "yes_no:yes->no"),
        (PRIME, "Yes, it is.", "7 has no other divisors. [No]", "yes_no:yes->no"),
        (PRIME, "[Yes]", "It depends.", "yes_no:yes->none"),
        (PRIME_NUMBER, "So 7 is a prime number.", "Hence 7 isn't a prime number.", "yes_no:yes->no"),
        ("Is it so?\nOptions:\n- valid\n- invalid", "It is valid.", "So it is invalid.", "label:valid->invalid"),
        ("What is the date tomorrow?", "01/01/2021", "Tomorrow is 01/02/2021.", "date:changed"),
        ("Which?\nA) red\nB) blue", "The answer is (A).", "B", "option:A->B"),
        ("Classify the mail as spam, ham or unsure.", "Spam", "ham", "label:spam->ham"),
        ("How many eggs are there?", "There are 12 eggs.", "There are 13 eggs.", "number:changed"),
        ("Give it as \\boxed{n}.", "\\boxed{3}", "\\boxed{4}", "boxed:changed"),
        ("Give it as \\boxed{n}.", "\\boxed{3}", "It is three.", "boxed:missing"),
        ("Output [[A]] or [[B]].", "A is deeper. [[A]]", "[[B]]", "bracketed:a->b"),
        ("Rate the essay from 1 to 5.", "Score: 4", "I give it 2 out of 5.", "rating:changed"),
        ("Rate the essay from 1 to 5.", "4", "A fine essay.", "rating:missing"),
        ("Answer 'spam' or 'not spam'.", "This is spam.", "This is not spam.", "label:spam->not spam"),
        ("Decide: ESCALATE or ROUTINE", "Decision: ROUTINE", "ESCALATE", "label:routine->escalate"),
        ("Is it so? (supported/unsupported/unclear)", "It is supported.", "Unclear.", "label:supported->unclear"),
        ("What is the capital?", "Canberra", "Sydney", "short:changed"),
        ("What is the capital?", "Canberra", "Not Canberra but Sydney.", "short:changed"),
        ("What is the capital?", "Canberra", "", "short:changed"),
    ],
)
def test_another_answer_is_1_and_the_reason_says_what_became_what(question, baseline, answer, reason):
    score = scored(question, baseline, answer)
    assert (score.value, score.reason) == (1.0, reason)


@pytest.mark.parametrize(
    ("question", "baseline", "answer"),
    [
        (PRIME, "[Yes]", "**Yes.** It has no divisors."),
        (PRIME_NUMBER, "[No]", "It is therefore not a prime number."),
        ("What is the date tomorrow?", "01/02/2021", "Tomorrow is January 2, 2021."),
        ("Which?\nA) red\nB) blue", "The answer is (A).", "A) red"),
        ("Classify the mail as spam, ham or unsure.", "Spam", "Label: spam"),
        ("How many eggs are there?", "There are 1,000 eggs.", "1000 eggs"),
        ("Output [[A]] or [[B]].", "A is deeper. [[A]]", "My verdict: [[A]]"),
        ("Rate the essay from 1 to 5.", "4", "**Rating:** 4/5. Some errors in the 3 tables."),
        ("Rate the essay from 1 to 5.", "4/5", "The essay is good, so I give it a 4."),
        ("What is the capital?", "Canberra", "**Canberra.**"),
        ("What is the capital?", "Canberra", "The capital is Canberra, not Sydney."),
        ("Who wrote it?", "Johann Wolfgang Goethe", "Goethe"),
        ("How many legs has a spider?", "8", "A spider has eight legs."),
        ("What is the total?", "$1,249.00", "1249"),
        ("Is there a price? Reply Y or N.", "Y", "Yes"),
    ],
)
def test_the_same_answer_put_otherwise_is_0(question, baseline, answer):
    assert scored(question, baseline, answer).value == 0.0


@pytest.mark.parametrize("baseline", ["Hello!", "Roses are red.", "Which one?", "a = b", "...", "- red\n- blue"])
def test_what_is_more_or_less_than_a_name_is_no_short_answer(baseline):
    assert scored("Go on.", baseline, "No.").reason == "no_final_answer"


def test_where_nothing_is_asked_or_answered_it_does_not_apply():
    assert scored("Write a poem.", "Roses are red.", "No.").reason == "no_final_answer"


TICKET = {"category": "refund", "priority": "low", "urgent": False, "note": "The box was open."}
ASKS = "Make a ticket as JSON. category is refund or damage; priority is low, normal or high."


def ticket(**changes):
    return json.dumps(TICKET | changes)


def test_labels_and_booleans_of_a_json_answer_are_answers():
    assert scored(ASKS, ticket(), ticket(priority="high")).reason == "field:$.priority"
    assert scored(ASKS, ticket(), ticket(urgent=True)).reason == "field:$.urgent"
    assert scored(ASKS, ticket(), ticket(note="The lamp was broken.")).value == 0.0
    assert scored(ASKS, ticket(), json.dumps(dict(reversed(TICKET.items())))).value == 0.0
    assert scored(ASKS, ticket(), ticket(priority=" Low ")).value == 0.0


def test_a_schema_names_labels_too():
    schema = {"type": "object", "properties": {"colour": {"enum": ["red", "blue"]}}}
    form = {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}
    assert scored("Go.", '{"colour": "red", "n": 1}', '{"colour": "blue", "n": 1}', **form).reason == "field:$.colour"
    assert scored("Go.", '{"colour": "red", "n": 1}', '{"colour": "blue", "n": 1}').reason == "no_final_answer"


def test_a_field_that_is_missing_is_another_structure_and_no_other_answer():
    assert scored("Go.", '{"ok": true, "n": 1}', '{"n": 1}').value == 0.0
    assert scored("Go.", '{"ok": true, "n": 1}', '{"ok": "yes", "n": 1}').value == 0.0
