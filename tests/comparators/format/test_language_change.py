"""Which language answers: by function words and script, a whole answer or one sentence of it."""
# ruff: noqa: RUF001 - real Cyrillic and Greek, no look-alikes of Latin letters

import gzip
import json
from pathlib import Path

import pytest

from comparators.comparator import Pair
from comparators.format.language_change import LanguageChange
from comparators.format.languages import Languages, languages
from schemas.answers import Answer
from schemas.exchanges import Request

DATA = Path(__file__).parents[3].parent / "shared/data"
SAME = {
    "en": "The order is on its way and you will have it on Monday. Please tell us if this is not what you want.",
    "de": "Die Bestellung ist auf dem Weg und wird am Montag bei Ihnen sein. Bitte sagen Sie uns, wenn es nicht passt.",
    "fr": "La commande est en route et vous serez livré lundi. Dites-nous si cela ne vous convient pas.",
    "es": "El pedido está en camino y lo recibirá el lunes. Por favor, díganos si no es lo que quería.",
    "it": "Il pacco è in viaggio e lo riceverà lunedì. La preghiamo di dirci se non è quello che voleva.",
    "pt": "O pedido está a caminho e você vai receber na segunda-feira. Por favor, diga-nos se não for o que queria.",
    "nl": "De bestelling is onderweg en komt op maandag aan. Laat het ons weten als het niet is wat u wilde.",
    "sv": "Beställningen är på väg och du får den på måndag. Säg till om det inte är vad du ville ha.",
    "da": "Ordren er på vej, og du får den på mandag. Sig til, hvis det ikke er hvad du ville have af os.",
    "no": "Den er på vei, og du får den på mandag. Si ifra hvis det ikke er hva du ville ha av oss når du får den.",
    "fi": "Tilaus on matkalla ja se saapuu maanantaina. Kerro meille, jos se ei ole mitä halusit.",
    "pl": "Zamówienie jest w drodze i otrzymasz je w poniedziałek. Daj nam znać, jeśli to nie jest to, co chciałeś.",
    "cs": "Objednávka je na cestě a bude u vás v pondělí. Dejte nám vědět, pokud to není ten, který jste si přáli.",
    "ro": "Comanda este pe drum și va ajunge luni. Spuneți-ne dacă nu este ce ați dorit, pentru că o putem schimba.",
    "hu": "A rendelés már úton van, és hétfőn érkezik meg. Szóljon, ha ez nem az, amit szeretett volna, és nem jó.",
    "tr": "Sipariş yolda ve pazartesi günü size ulaşacak. Eğer bu istediğiniz gibi değil ise bize bildirin.",
    "id": "Pesanan anda sudah dalam perjalanan dan akan tiba pada hari Senin. Beri tahu kami jika ini tidak benar.",
    "vi": "Đơn hàng của bạn đã được gửi và sẽ đến vào thứ hai. Hãy cho chúng tôi biết nếu không phải như bạn muốn.",
    "ru": "Заказ уже в пути, и вы получите его в понедельник. Скажите нам, если это не то, что вы хотели.",
    "uk": "Замовлення вже в дорозі, і ви отримаєте його в понеділок. Скажіть нам, якщо це не те, що ви хотіли.",
    "bg": "Поръчката е на път и ще бъде при вас в понеделник. Кажете ни, ако това не е което сте искали от нас.",
    "ar": "الطلب في الطريق إليك وسوف يصل يوم الاثنين. أخبرنا إذا لم يكن هذا ما تريده من هذا.",
    "fa": "سفارش شما در راه است و روز دوشنبه به شما می رسد. اگر این را نمی خواهید به ما بگویید.",
    "zh": "订单已经在路上,您将在星期一收到。如果这不是您想要的,请告诉我们。",
    "ja": "ご注文は配送中で、月曜日に届きます。ご希望と違う場合はお知らせください。",
    "ko": "주문하신 상품은 배송 중이며 월요일에 도착합니다.",
    "el": "Η παραγγελία είναι καθ' οδόν και θα φτάσει τη Δευτέρα.",
    "hi": "ऑर्डर रास्ते में है और आपको सोमवार को मिल जाएगा।",
}


def scored(baseline, answer):
    score = LanguageChange().compare(Pair(Request({}), Answer("m", text=baseline), Answer("m", text=answer)))
    return score.value, score.reason


@pytest.mark.parametrize(("language", "text"), SAME.items())
def test_two_sentences_are_enough_to_know_a_language(language, text):
    assert languages(text) == Languages(language)
    if language != "en":
        assert scored(SAME["en"], text) == (1.0, f"en->{language}")


@pytest.mark.parametrize("language", ["de", "fr", "es", "it", "pt", "nl", "sv", "ru", "zh", "ja", "ko", "hi", "el"])
def test_a_first_sentence_in_another_language_is_seen(language):
    english = SAME["en"] + " " + SAME["en"].replace("order", "parcel")
    first = SAME[language].split(". ")[0]
    value, reason = scored(english, f"{first}. {english}")
    assert (value, reason) == (0.5, f"mixed:+{language}")
    assert scored(f"{first}. {english}", english) == (0.5, f"mixed:-{language}")
    assert scored(f"{first}. {english}", f"{first}. {english}") == (0.0, "")


def test_an_english_sentence_in_a_russian_answer_is_seen_and_a_script_without_words_is_known_as_such():
    russian = SAME["ru"] + " " + SAME["ru"].replace("Заказ", "Товар")
    assert scored(russian, f"{russian} {SAME['en'].split('. ')[0]}.") == (0.5, "mixed:+en")
    assert scored(SAME["en"], "Спасибо большое, дорогие друзья, всего хорошего!")[1] == "en->cyrillic"


def test_a_larger_part_in_another_language_weighs_more():
    one, three = (SAME["en"] + " " + SAME["fr"].split(". ")[0] + "." * count for count in (1, 1))
    three += " " + SAME["fr"].split(". ")[0] + "."
    value, reason = scored(one, three)
    assert 0 < value < 0.5
    assert reason == "mixed:+fr"


@pytest.mark.parametrize(
    "text", ["", "42", "Yes.", "def f(a, b, i):\n    return a", "```python\nthis is not the code\n```"]
)
def test_too_little_text_claims_no_language(text):
    assert languages(text).main is None
    assert scored(text, SAME["fr"]) == (None, "too_little_text")
    assert scored(SAME["fr"], text) == (0.0, "")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("pl", "Faktura została zapłacona w poniedziałek."),
        ("cs", "Faktura byla zaplacena v pondělí večer příštího týdne."),
        ("tr", "Fatura pazartesi günü ödendi, banka aynı gün onayladı."),
        ("hu", "Köszönjük, hétfőn délelőtt érkezik gyűjtő."),
        ("fr", "Votre colis a quitté notre entrepôt."),
        ("sv", "Ditt paket lämnade vårt lager i tisdags."),
    ],
)
def test_letters_tell_where_there_are_too_few_words(language, text):
    assert languages(text) == Languages(language)
    assert scored(text, SAME["en"]) == (1.0, f"{language}->en")


def test_names_with_foreign_letters_are_no_language():
    assert languages("Łukasz Fabiański, Erdoğan, Dvořák") == Languages(None)


def test_a_long_text_is_read_too():
    assert languages(SAME["de"] * 300).main == "de"


def test_real_answers_of_one_model_are_all_in_their_own_language():
    path = DATA / "stability/gpt4o_math_repeats.jsonl.gz"
    if not path.exists():
        pytest.skip(f"real answers are not at {path}")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [[response["content"] for response in json.loads(line)["responses"]] for line in lines]
    scores = [scored(*texts) for texts in rows]
    assert sum(value is not None for value, _ in scores) > 200
    assert {value for value, _ in scores} == {0.0, None}
