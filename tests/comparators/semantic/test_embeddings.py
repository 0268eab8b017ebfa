"""The embedding model as we run it: the same cosines as its own library's, faster, and nothing left out."""

from importlib import resources

import numpy as np
import pytest

from comparators.semantic import embeddings
from comparators.semantic.embeddings import DEFAULT, HASHING, PACKAGED, embedder
from schemas.errors import UsageError

SENTENCES = [
    f"{who} {what} {where}."
    for who in ("The customer", "Our driver", "A colleague", "The bank")
    for what in ("returned the parcel", "asked for a refund", "wrote a long letter", "lost the key")
    for where in ("on Monday", "in the old town", "because it was broken")
]


@pytest.fixture(scope="module")
def ours():
    return embedder(DEFAULT)


@pytest.fixture(scope="module")
def plain():
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(resources.files(PACKAGED).joinpath("model")), device="cpu")


def cosines(vectors):
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)) @ vectors[0] / np.linalg.norm(vectors[0])


def test_cosines_are_those_of_the_models_own_library(ours, plain):
    apart = np.abs(cosines(ours.encode(SENTENCES)) - cosines(plain.encode(SENTENCES, show_progress_bar=False)))
    assert np.quantile(apart, 0.99) < 0.002


def test_a_vector_does_not_depend_on_who_else_is_in_the_batch(ours):
    together = ours.encode([*SENTENCES, " ".join(SENTENCES)])
    alone = np.concatenate([ours.encode([text]) for text in (SENTENCES[0], SENTENCES[-1], " ".join(SENTENCES))])
    assert np.all((together[[0, -2, -1]] * alone).sum(axis=1) > 0.999)
    assert ours.encode([]).shape[0] == 0


def test_what_stands_beyond_the_window_counts_where_the_library_cuts_it_off(ours, plain):
    start = " ".join(SENTENCES)
    texts = [f"{start} {'The parcel was late. ' * 40}", f"{start} {'Bake the cake for an hour. ' * 40}"]
    assert cosines(plain.encode(texts, show_progress_bar=False))[1] > 0.9999
    assert cosines(ours.encode(texts))[1] < 0.95


def test_a_long_text_is_cut_into_equal_pieces_and_weighs_by_its_tokens(ours):
    window = ours._window
    pieces = [len(piece) for piece in ours._pieces(range(window + 10))]
    assert pieces == [(window + 10) // 2] * 2
    assert [len(piece) for piece in ours._pieces(range(window))] == [window]
    assert [len(piece) for piece in ours._pieces(())] == [0]
    one, three = "The parcel was late. ", "Bake the cake for an hour and let it cool. "
    mixed = ours.encode([one * 5 + three * 60, one, three])
    assert mixed[0] @ mixed[2] > mixed[0] @ mixed[1]


@pytest.mark.parametrize("text", ["", " ", "\x00", "\ud800 lone", "\u200f\u0627\u0644", "x" * 3_000])
def test_any_text_has_a_unit_vector(ours, text):
    assert np.linalg.norm(ours.encode([text])[0]) == pytest.approx(1, abs=1e-3)


def test_a_folder_without_a_model_is_told_by_the_name_of_the_setting(tmp_path):
    with pytest.raises(UsageError, match=r"dimensions\.embedding_distance\.model: cannot load"):
        embedder(str(tmp_path))


def test_bfloat16_moves_a_cosine_by_less_than_two_thousandths(plain):
    rounded = embedder(DEFAULT, "bfloat16")
    apart = np.abs(cosines(rounded.encode(SENTENCES)) - cosines(plain.encode(SENTENCES, show_progress_bar=False)))
    assert np.quantile(apart, 0.99) < 0.002


def test_one_model_is_loaded_once_per_process(ours):
    assert embedder(DEFAULT) is ours
    assert embedder(HASHING) is embedder(HASHING)


def test_hashing_needs_no_weights_and_sees_wording():
    near, far = "The parcel left today.", "Bake the cake for an hour."
    vectors = embedder(HASHING).encode([near, near.upper(), near.replace("today", "Monday"), far, ""])
    assert vectors.shape == (5, embeddings.HASHING_SIZE)
    assert vectors[0] @ vectors[1] == pytest.approx(1)
    assert vectors[0] @ vectors[2] > 0.5 > vectors[0] @ vectors[3]
