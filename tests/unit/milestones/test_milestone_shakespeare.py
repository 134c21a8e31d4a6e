"""The Shakespeare milestone: contract, first weights, learning, and what it shows."""

from __future__ import annotations

import importlib
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from milestones import datasets
from milestones.datasets import Splits
from milestones.runner import Finished

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "milestones/05_2017_transformer_era"
OWN = ("vaswani_shakespeare", "baselines", "writing")
LEAVES = {
    "Embedding",
    "PositionalEncoding",
    "LayerNorm",
    "MultiHeadAttention",
    "Linear",
}


@pytest.fixture(scope="module")
def own() -> Iterator[dict[str, Any]]:
    """The modules of the folder, imported as a run in the folder imports them."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield {name: importlib.import_module(name) for name in OWN}
    finally:
        sys.path.remove(str(FOLDER))
        for name in OWN:
            sys.modules.pop(name, None)


@pytest.fixture
def script(own: dict[str, Any]) -> Any:
    return own["vaswani_shakespeare"]


@pytest.fixture
def model(script: Any, tt: ModuleType) -> dict[str, Any]:
    built: dict[str, Any] = script.build(tt, np.random.default_rng(0))
    return built


def some_ids(script: Any, windows: int, length: int) -> Any:
    rng = np.random.default_rng(1)
    return rng.integers(script.VOCABULARY, size=(windows, length)).astype(np.uint8)


def finished(tt: Any, model: dict[str, Any], said: list[str]) -> Finished:
    """A run over a text of one line, again and again."""
    ids = datasets.encode("To be, or not to be, that is the question:\n" * 12)
    window = {"x": ids[:256].reshape(2, 128), "y": ids[1:257].reshape(2, 128)}
    splits = Splits("a line", {"x": ids[:-1], "y": ids[1:]}, window, window)
    return Finished(tt, model, splits, seed=0, epochs=1, say=said.append)


def test_model_is_leaf_layers_with_plain_names(model: dict[str, Any]) -> None:
    assert {type(layer).__name__ for layer in model.values()} == LEAVES
    assert not any("." in name for name in model)


def test_vocabulary_and_context_are_those_of_the_texts(script: Any) -> None:
    assert len(datasets.ALPHABET) == script.VOCABULARY
    assert datasets.WINDOW == script.CONTEXT


@pytest.mark.parametrize(
    ("doubled", "name", "shape"),
    [
        ("width", "tokens", (67, 192)),
        ("depth", "contract3", (384, 96)),
        ("context", "places", (256, 96)),
    ],
)
def test_sizes_can_be_doubled(
    script: Any, tt: ModuleType, doubled: str, name: str, shape: tuple[int, int]
) -> None:
    model = script.build(tt, np.random.default_rng(0), **{doubled: 2})

    assert model[name].parameters()[0].shape == shape
    assert script.predict(tt, model, some_ids(script, 1, 9)).shape == (1, 9, 67)


def test_untrained_model_knows_nothing(
    script: Any, tt: ModuleType, model: dict[str, Any]
) -> None:
    logits = script.predict(tt, model, some_ids(script, 4, 128))

    likely = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    assert logits.dtype == np.float32
    assert likely.max() < 0.1


def test_heads_begin_by_looking_back(
    script: Any, tt: ModuleType, model: dict[str, Any]
) -> None:
    x = model["places"](model["tokens"](tt.Tensor(some_ids(script, 1, 128))))
    x = model["attention_norm0"](x)
    attention = model["attention0"]
    each = script.EMBED // script.HEADS

    for head in range(script.HEADS):
        columns = slice(head * each, (head + 1) * each)
        q, k = attention.q_proj(x)[..., columns], attention.k_proj(x)[..., columns]
        mask = tt.create_causal_mask(128)
        _, weights = tt.scaled_dot_product_attention(q, k, k, mask)
        behind = [weights.data[0, t, t - head - 1] for t in range(16, 128)]
        assert np.mean(behind) > 0.5


def test_no_place_sees_later_ones(
    script: Any, tt: ModuleType, model: dict[str, Any]
) -> None:
    ids = some_ids(script, 2, 20)
    changed = ids.copy()
    changed[:, 12:] = (changed[:, 12:] + 1) % script.VOCABULARY

    before, after = (script.predict(tt, model, x) for x in (ids, changed))

    np.testing.assert_allclose(before[:, :12], after[:, :12], atol=1e-5)
    assert np.abs(before[:, 12:] - after[:, 12:]).max() > 1e-3


def test_batches_of_prediction_leave_no_trace(
    script: Any, tt: ModuleType, model: dict[str, Any]
) -> None:
    ids = some_ids(script, script.PREDICT_BATCH + 3, 8)

    together = script.predict(tt, model, ids)

    alone = np.concatenate([script.predict(tt, model, row[None]) for row in ids])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_learning_rate_rises_then_falls(script: Any) -> None:
    top = script.LEARNING_RATE

    assert script.rate_at(script.WARM_UP / 2) == pytest.approx(top / 2)
    assert script.rate_at(script.WARM_UP) == pytest.approx(top)
    assert script.rate_at(1) == pytest.approx(top * script.LAST_RATE)


def train(
    script: Any, tt: ModuleType, model: dict[str, Any], **more: int
) -> tuple[int, list[dict[str, Any]]]:
    ids = (np.arange(2000) % 7).astype(np.uint8)
    logged: list[dict[str, Any]] = []
    data = {"x": ids[:-1], "y": ids[1:]}
    budget = {"epochs": 2, "seed": 0, "steps": 12, **more}
    run = script.train(tt, model, data, budget, lambda **facts: logged.append(facts))
    before = model["head"].weight.data.copy()
    slices = 0
    for slices, _ in enumerate(run, start=1):  # noqa: B007
        assert not np.array_equal(before, model["head"].weight.data)
        script.predict(tt, model, ids[None, :8])  # as the grader does in between
    return slices, logged


def test_training_yields_slices_and_learns(
    script: Any, tt: ModuleType, model: dict[str, Any]
) -> None:
    slices, logged = train(script, tt, model)

    losses = [facts["loss"] for facts in logged if "loss" in facts]
    assert (slices, len(losses)) == (2, 2)
    assert [facts["step"] for facts in logged if "step" in facts] == [*range(1, 13)] * 2
    assert losses[1] < 1 < losses[0] < math.log(script.VOCABULARY)
    following = script.predict(tt, model, np.array([[0, 1, 2, 3, 4]]))[0].argmax(-1)
    assert following.tolist() == [1, 2, 3, 4, 5]


def test_same_seed_gives_the_same_model(script: Any, tt: ModuleType) -> None:
    heads = []
    for seed in (5, 5, 6):
        model = script.build(tt, np.random.default_rng(5))
        train(script, tt, model, seed=seed, epochs=1, steps=2, batch=2)
        heads.append(model["head"].weight.data)

    np.testing.assert_array_equal(heads[0], heads[1])
    assert not np.array_equal(heads[0], heads[2])


def test_gpt_with_these_weights_gives_the_same_logits(
    own: dict[str, Any], script: Any, tt: ModuleType
) -> None:
    model = script.build(tt, np.random.default_rng(3), depth=2)
    ids = some_ids(script, 2, 128)

    gpt = own["writing"].filled_gpt(tt, model)

    expected = script.predict(tt, model, ids)
    np.testing.assert_allclose(gpt(tt.Tensor(ids)).data, expected, atol=1e-5)
    assert gpt.lm_head.weight.data is not model["head"].weight.data


def test_cache_changes_nothing_but_the_time(
    own: dict[str, Any], tt: ModuleType, model: dict[str, Any]
) -> None:
    said: list[str] = []
    writing = own["writing"]

    facts = writing.with_and_without_cache(
        finished(tt, model, said), writing.filled_gpt(tt, model)
    )

    assert facts is not None
    assert facts["tokens"] == 128
    assert facts["same_tokens"]
    assert facts["largest_difference_of_logits"] < 1e-4
    assert "the same tokens" in said[0]


def test_without_module_18_it_says_so(
    own: dict[str, Any], tt: ModuleType, model: dict[str, Any]
) -> None:
    class Unfinished:
        def __getattr__(self, name: str) -> Any:
            if "cache" in name:
                raise AttributeError(name)
            return getattr(tt, name)

    said: list[str] = []
    writing = own["writing"]

    facts = writing.with_and_without_cache(
        finished(Unfinished(), model, said), writing.filled_gpt(tt, model)
    )

    assert facts is None
    assert "module 18 caching is not there yet" in said[0]


def test_writers_are_compared_on_the_same_text(
    own: dict[str, Any],
    tt: ModuleType,
    model: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    writing = own["writing"]
    monkeypatch.setattr(writing, "WRITTEN", 60)

    rows = writing.compare(finished(tt, model, said), writing.filled_gpt(tt, model))

    found = {row["writer"]: row for row in rows}
    assert [*found] == [
        *("this model", "untrained model", "unigrams", "5-grams", "Shakespeare"),
    ]
    assert all(len(row["text"]) == 60 for row in rows)
    # No training took place: both are the same model.
    assert found["this model"]["text"] == found["untrained model"]["text"]
    assert found["5-grams"]["nats_per_character"] < 0.2
    assert 2 < found["unigrams"]["nats_per_character"] < 3
    assert found["Shakespeare"]["share_of_words"] == 1
    assert found["Shakespeare"]["longest_copy"] == 60
    assert any("60 characters of each" in line for line in said)


def test_unigrams_are_counts_and_a_little_of_everything(own: dict[str, Any]) -> None:
    grams = own["baselines"].NGrams(np.array([0, 0, 0, 1]), order=1, vocabulary=4)

    # 4 seen, of 2 kinds: (count + 2 / 4) / (4 + 2)
    expected = [3.5 / 6, 1.5 / 6, 0.5 / 6, 0.5 / 6]
    np.testing.assert_allclose(grams.probabilities(b""), expected)


def test_bigrams_mix_with_unigrams(own: dict[str, Any]) -> None:
    grams = own["baselines"].NGrams(np.array([0, 1, 0, 1, 1]), order=2, vocabulary=2)
    one = (3 + 2 / 2) / (5 + 2)

    # After 0 came 1 twice, and nothing else: one kind.
    after_zero = grams.probabilities(bytes([0]))

    np.testing.assert_allclose(after_zero[1], (2 + one) / (2 + 1))
    assert after_zero.sum() == pytest.approx(1)


def test_unseen_context_falls_back(own: dict[str, Any]) -> None:
    grams = own["baselines"].NGrams(np.array([0, 1, 0, 1]), order=3, vocabulary=3)

    np.testing.assert_array_equal(
        grams.probabilities(bytes([2, 2])), grams.probabilities(b"")
    )


def test_counted_text_is_repeatable(own: dict[str, Any]) -> None:
    ids = np.arange(300) % 5
    grams = own["baselines"].NGrams(ids, order=3, vocabulary=5)

    texts = [grams.text(ids[:1], 40, 0.5, seed) for seed in (1, 1)]

    np.testing.assert_array_equal(texts[0], texts[1])
    assert np.mean(np.diff(texts[0].astype(int)) % 5 == 1) > 0.9


def test_nats_see_no_more_than_the_window(own: dict[str, Any]) -> None:
    ids = np.arange(300) % 5
    grams = own["baselines"].NGrams(ids, order=2, vocabulary=5)
    x, y = ids[:20].reshape(4, 5), ids[1:21].reshape(4, 5)

    by_hand = [
        -np.log(grams.probabilities(bytes([a]))[b])
        for a, b in zip(x.ravel(), y.ravel(), strict=True)
    ]

    assert grams.nats(x, y) == pytest.approx(np.mean(by_hand))


@pytest.mark.slow
def test_script_runs_alone_on_the_sonnets_without_other_text() -> None:
    done = subprocess.run(
        [sys.executable, "vaswani_shakespeare.py", "--json", "--epochs", "2"],
        cwd=FOLDER,
        env={
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "reference"))),
            "OPENBLAS_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert "Without it: the sonnets instead" in done.stderr
    facts = json.loads(done.stdout)
    assert facts["nats_per_character"] < 2.1
    assert facts["reached"]
    assert done.returncode == 0
    writers = {row["writer"]: row for row in facts["after"]["writers"]}
    assert writers["untrained model"]["nats_per_character"] > 4
    assert writers["unigrams"]["nats_per_character"] > 3
    assert writers["this model"]["share_of_words"] > 0.3
    assert facts["after"]["kv_cache"]["same_tokens"]
    cases = [case["case"] for case in facts["systems"]["growth"]]
    assert cases == ["as it is", "width x2", "depth x2", "context x2", "batch x2"]
