"""What the trained model writes, beside what others write, and how fast it writes.

`after` is called by the runner when the model has been judged.
"""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from baselines import NGrams
from numpy.typing import NDArray
from vaswani_shakespeare import (
    CONTEXT,
    HEADS,
    LAYERS,
    VOCABULARY,
    build,
    depth_of,
    predict,
)

from milestones.coherence import longest_copy, longest_repeat, share_of_words, words
from milestones.datasets import decode, encode
from milestones.runner import Finished
from milestones.tasks import nats_per_character

TEMPERATURE: Final = 0.8  # for all writers: a little more cautious than the text is
WRITTEN: Final = 1000  # characters that are measured
SHOWN: Final = 8  # lines of them that are shown
START: Final = "\n"
LONGEST_NGRAM: Final = 5
CACHED_TOKENS: Final = 128
REPEATS: Final = 3  # of each timing, the best counts


def after(run: Finished) -> dict[str, Any]:
    """Show and return what is written, by whom, how coherent, and how fast."""
    gpt = filled_gpt(run.tt, run.model)
    return {
        "writers": compare(run, gpt),
        "kv_cache": with_and_without_cache(run, gpt),
    }


def filled_gpt(tt: Any, model: dict[str, Any]) -> Any:
    """Return a `tt.GPT` in evaluation mode with the weights of `model`, copied."""
    (places,) = model["places"].parameters()
    context, size = places.data.shape
    depth = depth_of(model)
    gpt = tt.GPT(VOCABULARY, size, depth, HEADS, context)
    gpt.eval()
    layers = [
        (gpt.embedding.token_embedding, model["tokens"]),
        (gpt.embedding.pos_encoding, model["places"]),
        (gpt.ln_f, model["norm"]),
        (gpt.lm_head, model["head"]),
    ]
    for i, block in enumerate(gpt.blocks):
        layers += [
            (block.ln1, model[f"attention_norm{i}"]),
            (block.attention, model[f"attention{i}"]),
            (block.ln2, model[f"mlp_norm{i}"]),
            (block.mlp.linear1, model[f"expand{i}"]),
            (block.mlp.linear2, model[f"contract{i}"]),
        ]
    for empty, trained in layers:
        pairs = zip(empty.parameters(), trained.parameters(), strict=True)
        for parameter, known in pairs:
            parameter.data = known.data.copy()
    return gpt


def compare(run: Finished, gpt: Any) -> list[dict[str, Any]]:
    """Print a passage and the table of writers; return the table with the texts."""
    tt, train, unseen = run.tt, run.splits.train, run.splits.test
    corpus = decode(np.append(train["x"], train["y"][-1]))
    known = frozenset(words(corpus))
    rows = [
        _row("this model", written(tt, gpt, run.seed), _nats(run, run.model)),
        _row("untrained model", *_untrained(run)),
    ]
    ids = encode(corpus)
    for order, name in ((1, "unigrams"), (LONGEST_NGRAM, f"{LONGEST_NGRAM}-grams")):
        grams = NGrams(ids, order, VOCABULARY)
        text = grams.text(encode(START), WRITTEN, TEMPERATURE, run.seed)
        rows.append(_row(name, decode(text), grams.nats(unseen["x"], unseen["y"])))
    rows.append(_row("Shakespeare", decode(unseen["x"])[:WRITTEN], None))
    for row in rows:
        row["share_of_words"] = share_of_words(row["text"], known)
        row["longest_repeat"] = longest_repeat(row["text"])
        row["longest_copy"] = longest_copy(row["text"], corpus)
    for line in _table(rows):
        run.say(line)
    return rows


def written(tt: Any, gpt: Any, seed: int) -> str:
    """Return WRITTEN characters drawn from the model."""
    np.random.seed(seed)  # noqa: NPY002 - `generate` draws from it
    start = encode(START)[None]
    ids = gpt.generate(tt.Tensor(start), WRITTEN, temperature=TEMPERATURE)
    return decode(ids.data[0, start.shape[1] :].astype(np.int64))


def with_and_without_cache(run: Finished, gpt: Any) -> dict[str, Any] | None:
    """Write the same text with and without a KV cache; None without module 18."""
    tt, start = run.tt, run.tt.Tensor(encode(START)[None])
    tokens = min(CACHED_TOKENS, gpt.max_seq_len)

    def write() -> NDArray[Any]:
        ids: NDArray[Any] = gpt.generate(start, tokens, temperature=0).data[0]
        return ids

    plain, plain_s = _timed(write)
    logits = gpt(tt.Tensor(plain[None, :tokens])).data[0]
    try:
        cache = tt.enable_kv_cache(gpt)
        cached, cached_s = _timed(write)
        cache.reset()
        steps = [gpt(tt.Tensor([[token]])).data[0, 0] for token in plain[:tokens]]
        tt.disable_kv_cache(gpt)
    except (AttributeError, ImportError, NotImplementedError) as exc:
        run.say(f"KV cache: not measured, module 18 caching is not there yet ({exc})")
        return None
    facts = {
        "tokens": tokens,
        "largest_difference_of_logits": float(np.abs(np.stack(steps) - logits).max()),
        "same_tokens": bool(np.array_equal(plain, cached)),
        "plain_cpu_s": plain_s,
        "cached_cpu_s": cached_s,
        "times_faster": plain_s / cached_s,
    }
    same = "the same tokens" if facts["same_tokens"] else "other tokens"
    run.say(
        f"KV cache: {tokens} characters in {cached_s * 1e3:.0f} ms of CPU instead of "
        f"{plain_s * 1e3:.0f} ms, {plain_s / cached_s:.1f} times faster; {same}, "
        f"logits differ by {facts['largest_difference_of_logits']:.1g} at most"
    )
    return facts


def _timed(write: Callable[[], NDArray[Any]]) -> tuple[NDArray[Any], float]:
    """Return what `write` returns, and its best CPU time in seconds."""
    ids, times = write(), []
    for _ in range(REPEATS):
        start = time.process_time()
        ids = write()
        times.append(time.process_time() - start)
    return ids, min(times)


def _untrained(run: Finished) -> tuple[str, float]:
    """Return what the model writes with its first weights, and its nats."""
    (places,) = run.model["places"].parameters()
    first = build(
        run.tt,
        np.random.default_rng(run.seed),
        depth=depth_of(run.model) // LAYERS,
        context=len(places.data) // CONTEXT,
    )
    return written(run.tt, filled_gpt(run.tt, first), run.seed), _nats(run, first)


def _nats(run: Finished, model: dict[str, Any]) -> float:
    unseen = run.splits.test
    return nats_per_character(predict(run.tt, model, unseen["x"]), unseen["y"])


def _row(writer: str, text: str, nats: float | None) -> dict[str, Any]:
    return {"writer": writer, "nats_per_character": nats, "text": text}


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """Return the lines that show a passage and compare the writers."""
    passage = rows[0]["text"].strip("\n").split("\n")[:SHOWN]
    columns = ("writer", "nats", "words known", "longest repeat", "longest copy")
    shown = textwrap.indent("\n".join(passage), "    ").split("\n")
    lines = [
        "",
        f"written by this model, temperature {TEMPERATURE:g}",
        *shown,
        "",
        f"{WRITTEN:,} characters of each, against what was learned from",
        "  {:<18}{:>7}{:>14}{:>17}{:>15}".format(*columns),
    ]
    for row in rows:
        nats = row["nats_per_character"]
        lines.append(
            f"  {row['writer']:<18}{'' if nats is None else format(nats, '.3f'):>7}"
            f"{row['share_of_words']:>14.0%}"
            f"{row['longest_repeat']:>17}{row['longest_copy']:>15}"
        )
    return lines
