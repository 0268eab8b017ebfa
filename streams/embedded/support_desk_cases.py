"""The people, orders and troubles that the simulated support desk hears about.

A case depends on the seed and its number alone. Requests carry the number (as real tickets do), so a simulated model
knows what the ticket is about without parsing prose.
"""

import random
from datetime import date, timedelta

from schemas.values import immutable
from streams.embedded.tapped import seeded_rng

LABELS = ("shipping", "return", "defect", "billing", "account", "question")
POLICY_DAYS = 30  # returns are accepted this long after delivery

# fmt: off
FIRST_NAMES = (
    "Amelia", "Noah", "Priya", "Tomasz", "Lena", "Mateus", "Chloe", "Yusuf", "Ingrid", "Daniel", "Fatima", "Oskar",
    "Hannah", "Luca", "Aoife", "Pieter", "Sofia", "Ravi", "Johanna", "Marek", "Grace", "Emil", "Nadia", "Theo",
    "Carmen", "Jonas", "Miriam", "Felix", "Leila", "Viktor",
)
LAST_NAMES = (
    "Hartley", "Okafor", "Lindqvist", "Nowak", "Brandt", "Ferreira", "Moreau", "Demir", "Halvorsen", "Whitfield",
    "Rahman", "Keller", "Schuster", "Bianchi", "Gallagher", "Jansen", "Petrova", "Menon", "Vogel", "Kowalski",
    "Ellison", "Nyström", "Haddad", "Castellano", "Ruiz", "Winkler", "Stein", "Auer", "Karimi", "Dahl",
)
CITIES = (
    "Leeds", "Graz", "Porto", "Utrecht", "Gdańsk", "Leipzig", "Cork", "Aarhus", "Lyon", "Bremen", "Turin", "Bristol",
    "Ghent", "Kassel", "Malmö", "Dublin",
)
# fmt: on
PRODUCTS = (
    ("Aria wireless headphones", 129.0),
    ("Brevo espresso machine", 349.0),
    ("Kite laptop sleeve", 39.9),
    ("Lumen desk lamp", 74.5),
    ("Nordlys rain jacket", 159.0),
    ("Pico travel kettle", 44.95),
    ("Stride running shoes", 119.0),
    ("Tarn trekking tent", 279.0),
    ("Velo bike computer", 189.0),
    ("Wren mechanical keyboard", 139.0),
    ("Zephyr standing fan", 89.0),
    ("Halo smart doorbell", 169.0),
    ("Moss wool blanket", 95.0),
    ("Quill fountain pen set", 62.0),
)
CARRIERS = ("DHL", "UPS", "PostNord", "DPD", "GLS", "Royal Mail")
_TODAY = date(2026, 11, 20)  # the desk's own calendar: cases do not depend on the clock

_TROUBLES = {
    "shipping": (
        "the parcel with my {product} has not arrived although it was promised for last week",
        "tracking for my {product} has been stuck in the sorting centre near {city} for days",
        "the courier left my {product} with a neighbour nobody here knows",
    ),
    "return": (
        "I would like to send the {product} back because it is not what I imagined",
        "the {product} does not fit and I want to return it",
        "I ordered the {product} twice by mistake and want to give one back",
    ),
    "defect": (
        "the {product} stopped working after a few days",
        "my {product} arrived with a crack along one side",
        "the {product} makes a loud noise and then switches itself off",
    ),
    "billing": (
        "I was charged {amount} {currency} two times for the {product}",
        "the invoice for the {product} shows the wrong company name",
        "the discount code was not taken off the price of the {product}",
    ),
    "account": (
        "I cannot sign in any more to see my order of the {product}",
        "please change the e-mail address of the account I used to order the {product}",
        "the password reset for the account with my {product} order never reaches me",
    ),
    "question": (
        "could you tell me whether the {product} can be used outdoors in winter",
        "does the {product} come with a European plug and a printed manual",
        "which spare parts exist for the {product}",
    ),
}
_TROUBLES_DE = {
    "shipping": "das Paket mit {product} ist immer noch nicht in {city} angekommen",
    "return": "ich möchte {product} gerne zurückschicken, weil es nicht passt",
    "defect": "{product} funktioniert seit gestern nicht mehr",
    "billing": "für {product} wurden mir {amount} {currency} doppelt abgebucht",
    "account": "ich komme nicht mehr in mein Kundenkonto, um die Bestellung von {product} zu sehen",
    "question": "kann man {product} auch im Winter draußen benutzen",
}
_OPENINGS = ("Hello,", "Hi there,", "Good morning,", "Dear support team,", "Hi,")
_MIDDLES = (
    "I bought it on {bought} under order {order} and paid {amount} {currency}.",
    "The order number is {order}, placed on {bought} for {amount} {currency}.",
    "This is about order {order} of {bought} ({amount} {currency}).",
)
_DELIVERIES = (
    "It was delivered {days} days ago.",
    "The delivery was {days} days ago and the box has been {opened}.",
    "I received it {days} days ago in {city}.",
)
_CLOSINGS = (
    "Please let me know what happens next.",
    "I need an answer before the weekend.",
    "Thanks for looking into it.",
    "This is the second time I am writing.",
)


@immutable
class Case:
    """What one ticket is about. `amount` in `currency`, `days` since delivery, `label` one of `LABELS`."""

    number: int
    customer: str
    email: str
    city: str
    product: str
    order: str
    amount: float
    currency: str
    bought: date
    days: int
    opened: bool
    label: str
    urgent: bool
    german: bool
    carrier: str
    mail: str

    @property
    def may_return(self) -> bool:
        """Whether the desk's policy accepts a return: unopened, within `POLICY_DAYS` days of delivery."""
        return self.days <= POLICY_DAYS and not self.opened

    @property
    def first_name(self) -> str:
        """How the desk addresses the customer."""
        return self.customer.split()[0]


def case(seed: int, number: int) -> Case:
    """The case with this number; the same for the same seed."""
    rng = seeded_rng(seed, "case", number)
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    product, price = rng.choice(PRODUCTS)
    days = rng.choice((rng.randint(1, 26), rng.randint(34, 90)))
    bought = _TODAY - timedelta(days=days + rng.randint(2, 9))
    facts = {
        "product": product,
        "city": rng.choice(CITIES),
        "order": f"{rng.choice('ABDEHKNT')}{rng.randint(10, 99)}-{rng.randint(100000, 999999)}",
        "amount": f"{price * rng.choice((1, 1, 1, 2)):.2f}",
        "currency": rng.choice(("EUR", "EUR", "GBP", "USD")),
        "bought": f"{bought.day} {bought:%B %Y}",
        "days": str(days),
    }
    label, german, opened = rng.choice(LABELS), rng.random() < 0.15, rng.random() < 0.35  # noqa: PLR2004 - shares
    return Case(
        number=number,
        customer=f"{first} {last}",
        email=f"{first}.{last}@example.com".lower(),
        city=facts["city"],
        product=product,
        order=facts["order"],
        amount=float(facts["amount"]),
        currency=facts["currency"],
        bought=bought,
        days=days,
        opened=opened,
        label=label,
        urgent=rng.random() < 0.25,  # noqa: PLR2004 - a share
        german=german,
        carrier=rng.choice(CARRIERS),
        mail=_mail(rng, label, facts, german=german, opened=opened),
    )


def _mail(rng: random.Random, label: str, facts: dict[str, str], *, german: bool, opened: bool) -> str:
    if german:
        opened_de = "geöffnet" if opened else "nicht geöffnet"
        trouble = _TROUBLES_DE[label].format(**facts)
        return (
            f"Guten Tag, {trouble}. Bestellnummer {facts['order']} vom {facts['bought']}, {facts['amount']} "
            f"{facts['currency']}. Die Lieferung kam vor {facts['days']} Tagen, die Packung ist {opened_de}. "
            f"{rng.choice(('Vielen Dank!', 'Bitte um schnelle Antwort.', 'Mit freundlichen Grüßen'))}"
        )
    opened_en = "opened" if opened else "left unopened"
    delivery = rng.choice(_DELIVERIES).format(opened=opened_en, **facts)
    if opened_en not in delivery:
        delivery += f" The box has been {opened_en}."
    return " ".join(
        (
            rng.choice(_OPENINGS),
            rng.choice(_TROUBLES[label]).format(**facts) + ".",
            rng.choice(_MIDDLES).format(**facts),
            delivery,
            rng.choice(_CLOSINGS),
        )
    )
