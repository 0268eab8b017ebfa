"""How the desk's model answers, before any drift: each call draws its own wording, as sampling does.

The draw is the noise floor: the same model asked again words things differently, and in `SLIP` of the calls it even
decides differently.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any

from schemas import json_text
from schemas.answers import ToolCall
from schemas.values import immutable
from streams.embedded.support_desk_cases import LABELS, POLICY_DAYS, Case
from streams.embedded.support_desk_requests import question

SLIP = 0.006  # share of calls in which a model flips its own decision


@immutable
class Said:
    """What a model says: text or tool calls, and why it stopped."""

    text: str | None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"


def ticket_fields(about: Case, rng: random.Random) -> Said:
    """The fields of the ticket as JSON; the wish is worded anew each time."""
    urgent = about.urgent != (rng.random() < SLIP)
    return Said(json_layout(ticket(about, rng) | {"urgent": urgent}, rng))


def ticket(about: Case, rng: random.Random) -> dict[str, Any]:
    """The fields that the ticket schema names."""
    return {
        "customer": about.customer,
        "order_number": about.order,
        "product": about.product,
        "issue": about.label,
        "amount": about.amount,
        "currency": about.currency,
        "purchase_date": about.bought.isoformat(),
        "urgent": about.urgent,
        "wish": rng.choice(_WISHES[about.label]),
    }


def order_status(about: Case, rng: random.Random) -> Said:
    """The state of the order as JSON."""
    status = "returned" if about.label == "return" else "delivered"
    return Said(
        json_layout(
            {
                "order_number": about.order,
                "status": "delivered" if rng.random() < SLIP else status,
                "carrier": about.carrier,
                "days_since_delivery": about.days,
                "next_step": rng.choice(_WISHES[about.label]),
            },
            rng,
        )
    )


def triage(about: Case, rng: random.Random) -> Said:
    """One label."""
    return Said(other_label(about, rng) if rng.random() < SLIP else about.label)


def other_label(about: Case, rng: random.Random) -> str:
    """A label that is not the case's."""
    return rng.choice([label for label in LABELS if label != about.label])


def refund_policy(about: Case, rng: random.Random) -> Said:
    """Yes or no, and why."""
    return Said(policy_answer(about, rng, may_return=about.may_return != (rng.random() < SLIP)))


def policy_answer(about: Case, rng: random.Random, *, may_return: bool) -> str:
    """An answer to the policy question, right or wrong, with a reason that fits it."""
    if may_return:
        reason = rng.choice(
            (
                f"The delivery was {about.days} days ago, the box is unopened, so the {POLICY_DAYS}-day rule is met.",
                f"The item came {about.days} days ago in a box that is still sealed, which the policy allows.",
                f"With {about.days} days since delivery and an unopened box, the {about.product} may come back.",
            )
        )
        return f"Yes. {reason}"
    if about.opened:
        reason = rng.choice(
            (
                "The box has been opened, and the policy takes back sealed items alone.",
                f"The customer has opened the box of the {about.product}, so the policy does not apply.",
                f"An opened box is outside the policy, whatever the {about.days} days since delivery.",
            )
        )
    else:
        reason = rng.choice(
            (
                f"The delivery was {about.days} days ago, outside the {POLICY_DAYS} days of the policy.",
                f"After {about.days} days the return window of {POLICY_DAYS} days is over.",
                f"The policy ends {POLICY_DAYS} days after delivery, and {about.days} days have passed.",
            )
        )
    return f"No. {reason}"


def summaries(about: Case, rng: random.Random) -> Said:
    """Two sentences about the case."""
    return Said(summary(about, rng))


def summary(about: Case, rng: random.Random) -> str:
    """What the case is about, in two sentences."""
    when = "some days ago" if about.days < POLICY_DAYS else "weeks ago"
    who = rng.choice(
        (about.customer, f"{about.customer} from {about.city}", f"The customer {about.customer}", about.customer)
    )
    what = rng.choice((f"the {about.product}", f"the {about.product} paid in {about.currency}"))
    state = rng.choice((f"Delivered {when} by {about.carrier}", f"It was delivered {when} by {about.carrier}"))
    box = "opened" if about.opened else "unopened"
    return f"{who} {_MATTERS[about.label]} {what}. {state}, box {box}; {rng.choice(_WISHES[about.label])}."


def order_actions(about: Case, rng: random.Random) -> Said:
    """The one tool call that the ticket needs."""
    label = other_label(about, rng) if rng.random() < SLIP else about.label
    return Said(None, (tool_call(about, label),), "tool_calls")


def tool_call(about: Case, label: str) -> ToolCall:
    """The call that tickets of this label need."""
    match label:
        case "shipping":
            return ToolCall("track_parcel", {"order_number": about.order, "carrier": about.carrier})
        case "return" | "defect":
            reason = "defect" if label == "defect" else "no_longer_wanted"
            return ToolCall("create_return", {"order_number": about.order, "reason": reason})
        case "billing":
            return ToolCall(
                "issue_refund", {"order_number": about.order, "amount": about.amount, "currency": about.currency}
            )
        case _:
            team = "accounts" if label == "account" else "products"
            return ToolCall("assign_ticket", {"ticket": about.number, "team": team})


def safety(about: Case, rng: random.Random) -> Said:
    """An answer to a harmless question, a refusal of a harmful one."""
    answer = question(about)[1]
    if answer is None:
        return Said(refusal(rng))
    return Said(f"{answer} {rng.choice(_OFFERS)}")


def refusal(rng: random.Random) -> str:
    """The desk declines."""
    return rng.choice(
        (
            "I'm sorry, but I can't help with that request.",
            "I'm sorry, but I cannot assist with that. Please ask our support team about something else.",
            "Sorry, I can't help with this. It could cause harm to somebody.",
            "I am not able to help with that request, as it could be unsafe.",
        )
    )


def letters(about: Case, rng: random.Random) -> Said:
    """A letter of two paragraphs, in the customer's language."""
    if about.german:
        return Said(
            f"Guten Tag {about.customer},\n\n"
            f"{rng.choice(('vielen Dank für Ihre Nachricht', 'danke, dass Sie sich gemeldet haben'))} zu Ihrer "
            f"Bestellung {about.order} ({about.product}). Wir haben es geprüft: Die Lieferung mit {about.carrier} kam "
            f"vor {about.days} Tagen in {about.city} an, bezahlt wurden {about.amount:.2f} {about.currency}.\n\n"
            f"{rng.choice(_NEXT_DE)} Sie müssen dafür nichts weiter tun.\n\n"
            f"{rng.choice(('Mit freundlichen Grüßen', 'Herzliche Grüße'))}\nIhr Support-Team"
        )
    return Said(english_letter(about, rng))


def english_letter(about: Case, rng: random.Random) -> str:
    """The letter in English."""
    return (
        f"Dear {about.customer},\n\n"
        f"{rng.choice(('thank you for your message', 'thank you for writing to us'))} about order {about.order}, the "
        f"{about.product}. We have looked at the case: the delivery by {about.carrier} reached {about.city} "
        f"{about.days} days ago, and {about.amount:.2f} {about.currency} were paid.\n\n"
        f"{rng.choice(_NEXT)} There is nothing else you need to do.\n\n"
        f"{rng.choice(('Kind regards', 'With best wishes'))}\nYour support team"
    )


def without_instructions(about: Case, rng: random.Random) -> Said:
    """What a model makes of a bare ticket, when nobody has told it what to do: it does all it can think of."""
    return Said(
        f"{rng.choice(('Thanks for sharing this ticket.', 'It looks like you have pasted a support ticket.'))} "
        f"{about.customer} {_MATTERS[about.label]} the {about.product}, order {about.order}. Here is what I see, with "
        "a draft of a reply and a few things you may want to check first.\n\n"
        f"### What the ticket says\n\n- **Customer:** {about.customer} ({about.email}), {about.city}\n"
        f"- **Order:** {about.order}, {about.bought.isoformat()}, {about.amount:.2f} {about.currency}\n"
        f"- **Delivered:** {about.days} days ago by {about.carrier}, box {'opened' if about.opened else 'unopened'}\n"
        f"- **Wish:** the customer {rng.choice(_WISHES[about.label])}\n\n"
        f"### A draft of a reply\n\n{english_letter(about, rng)}\n\n"
        "### Before you send it\n\n1. Compare the amount with the invoice and the payment.\n"
        f"2. Ask {about.carrier} for the proof of delivery.\n3. Look up your return policy; I do not know it, so the "
        "draft promises nothing.\n\n"
        f"{rng.choice(('What would you like me to do next?', 'Shall I change the tone or the language?'))}"
    )


def json_without_instructions(about: Case, rng: random.Random) -> Said:
    """The same where the request still asks for a JSON object."""
    fields = {"ticket": {"id": about.number, "text": about.mail}, "analysis": without_instructions(about, rng).text}
    return Said(json_layout(fields, rng))


def json_layout(fields: Mapping[str, Any], rng: random.Random) -> str:
    """The object as JSON text; models do not always set it alike."""
    text = json_text.dumps(fields).decode()
    return text.replace('":', '": ').replace(',"', ', "') if rng.random() < 0.1 else text  # noqa: PLR2004 - a share


_WISHES = {
    "shipping": ("wants to know where the parcel is", "asks where the parcel is", "asks when the parcel arrives"),
    "return": ("wants to send it back", "asks for a return label", "would like to return it"),
    "defect": ("wants a replacement", "asks for a replacement or repair", "would like a replacement"),
    "billing": ("wants the charge corrected", "asks for a corrected charge", "would like the billing corrected"),
    "account": ("wants access to the account", "asks for access to the account", "needs help to sign in"),
    "question": ("wants product advice", "asks for advice on the product", "would like product advice"),
}
_MATTERS = {
    "shipping": "is still waiting for",
    "return": "would like to return",
    "defect": "reports a defect of",
    "billing": "complains about the billing of",
    "account": "cannot use the account with",
    "question": "has a question about",
}
_OFFERS = ("Let me know if you need more.", "Happy to help with anything else.", "Write again if it does not work.")
_NEXT = (
    "We have passed your case to a colleague, who will write to you within two working days.",
    "A colleague will take care of it and get back to you within two working days.",
)
_NEXT_DE = (
    "Eine Kollegin kümmert sich darum und meldet sich innerhalb von zwei Werktagen.",
    "Wir haben Ihr Anliegen weitergegeben und melden uns innerhalb von zwei Werktagen.",
)

ANSWERS: Mapping[str, Callable[[Case, random.Random], Said]] = {
    "ticket_fields": ticket_fields,
    "order_status": order_status,
    "triage": triage,
    "refund_policy": refund_policy,
    "summaries": summaries,
    "order_actions": order_actions,
    "safety": safety,
    "letters": letters,
}
