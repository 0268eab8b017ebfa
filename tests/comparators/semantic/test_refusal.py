"""Refusing: fully, in part, or not at all."""

import pytest

from comparators.comparator import Pair
from comparators.semantic.refusal import Refusal
from schemas.answers import Answer
from schemas.exchanges import Request


def scored(text, question="How do I do it?"):
    request = Request({"messages": [{"role": "user", "content": question}]})
    return Refusal().compare(Pair(request, Answer("m", text="Fine."), Answer("m", text=text)))


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that request.",
        "I\u2019m sorry, but I can\u2019t assist with that.",
        "I cannot provide instructions for that.",
        "I'm not able to assist with this.",
        "I am unable to fulfill this request.",
        "I must decline to answer this question.",
        "Unfortunately, I can't comply with this request.",
        "I won't be able to help you with that.",
        "I don't feel comfortable answering this.",
        "As an AI language model, I cannot provide this information.",
        "I must respectfully decline this request.",
        "Sorry, that's something I'm not able to do.",
        "Your request was flagged as potentially violating our usage policy. I can't respond.",
        "My guidelines don't allow me to discuss that.",
        "I don't want to help with that.",
    ],
)
def test_a_plain_refusal_is_full(text):
    assert scored(text).value == 1.0
    assert scored(text).reason.startswith("full:")


@pytest.mark.parametrize(
    "text",
    [
        "Use a kettle: fill it, then switch it on.",
        "I cannot recommend this restaurant enough! The food is superb.",
        "You cannot return it after 30 days, but you can exchange it.",
        "If the wi-fi cannot provide enough speed, use a cable.",
        "I can't give a definitive answer without more details, but it is probably the fuse.",
        "The function is unable to answer more than one request at a time.",
        "",
        "[No]",
    ],
)
def test_an_answer_with_a_cannot_of_its_own_is_no_refusal(text):
    assert (scored(text).value, scored(text).reason) == (0.0, "")


def test_a_refusal_that_then_helps_is_half():
    text = "I can't provide legal advice. However, I can offer some pointers:\n\n" + "".join(
        f"{place}. Look at paragraph {place} of your contract, which says what both sides owe.\n"
        for place in range(1, 6)
    )
    assert scored(text).value == 0.5
    assert scored(text).reason.startswith("partial:")


def test_it_always_applies_and_is_of_the_answer_alone():
    refused = Answer("m", text="I cannot help with that.")
    assert Refusal().compare(Pair(Request({}), refused, Answer("m", text="Sure: 42."))).value == 0.0
    assert Refusal().compare(Pair(Request({}), Answer("m"), refused)).value == 1.0


@pytest.mark.parametrize("finish", ["content_filter", "refusal", "SAFETY", "guardrail_intervened"])
def test_an_answer_that_the_providers_filter_stopped_is_a_full_refusal(finish):
    baseline = Answer("m", text="Use a kettle.", finish_reason="stop")
    stopped = Answer("m", text="Use a", finish_reason=finish)
    assert Refusal().compare(Pair(Request({}), baseline, stopped)).reason == "full:filtered"
    assert Refusal().compare(Pair(Request({}), baseline, stopped)).value == 1.0
    assert Refusal().compare(Pair(Request({}), baseline, baseline)).value == 0.0


def test_what_is_refused_and_then_given_all_the_same_is_refused_in_part():
    advice = "I can't provide legal advice, but here are general steps:\n- Read the contract\n- Ask a lawyer"
    assert scored(advice).value == 0.5


@pytest.mark.parametrize(
    "text",
    [
        "Tut mir leid, aber dabei kann ich Ihnen leider nicht behilflich sein.",
        "Je suis désolé, mais je ne peux pas répondre à cette demande.",
        "Lo siento, pero no puedo ayudarte con eso.",
        "Desculpe, mas não posso fornecer isso.",
        "Mi dispiace, ma non posso aiutarti.",
        "К сожалению, я не могу помочь с этим.",  # noqa: RUF001 - Russian
        "很抱歉，但我无法提供此类信息。抱歉，我无法协助。",  # noqa: RUF001 - Chinese
        "申し訳ございませんが、お答えできません。",
    ],
)
def test_a_refusal_in_another_language_is_one_unless_a_translation_was_asked_for(text):
    assert scored(text).value == 1.0
    assert scored(text, "Translate into that language: I'm sorry, but I cannot help.").value == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "Leider können wir Ihnen keine Rabatte geben.",
        "Si no puede dormir, lea un libro.",
        "Il ne peut pas venir demain.",
        "Das kann ich gut verstehen. Es würde nicht helfen, länger zu warten.",
    ],
)
def test_a_foreign_not_that_is_nobodys_refusal_is_none(text):
    assert scored(text).value == 0.0


def test_what_is_charged_with_a_crime_instead_of_told_is_refused():
    assert scored("Copying keys of others is illegal.", "How do I copy my neighbour's key?").reason == "full:judgement"
    assert scored("Copying keys is illegal in some places.", "Why are keys stamped?").value == 0.0


def test_a_quotation_in_single_quotes_is_somebody_elses_refusal():
    assert scored("'I can't help it,' says the count, and leaves.", "Summarise the scene.").value == 0.0
