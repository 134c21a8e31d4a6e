"""Hidden checks of module 18: the key-value cache.

A model with a cache is compared with the same model without one.
"""

from __future__ import annotations

import numpy as np
import pytest

from grader.checks import (
    holds,
    needs,
    points,
    raises,
    same,
    set_data,
    spec,
    task,
    value,
)
from grader.checks.remote import cpu_s, remote_source

APPENDS = "caching::cache_appends_and_returns_all"
EQUAL = "caching::cached_logits_equal_uncached"
TEXTS = "caching::cached_generation_equals_uncached"


def keys_and_values(rng, tokens, batch=2):
    """Return two arrays (B, heads, tokens, head_dim) for two heads of size 3."""
    return rng.normal(size=(2, batch, 2, tokens, 3)).astype("f4")


def model_of(tt, context=8, layers=2):
    """Return a GPT in evaluation: 7 tokens, embed_dim 8, 2 heads."""
    model = tt.GPT(7, 8, layers, 2, context)
    model.eval()
    return model


@points(2)
@needs("transformers")
@task("18.2")
@spec("caching.KVCache.update", "Append the keys and values of n new tokens")
def test_cache_appends_and_returns_all(tt, rng):
    """Update gives all keys and values of the layer so far, the new ones last."""
    cache = tt.KVCache(2, 6, 2, 2, 3)
    past = {0: np.zeros((2, 2, 2, 0, 3), "f4"), 1: np.zeros((2, 2, 2, 0, 3), "f4")}
    for layer, tokens in ((0, 3), (0, 1), (1, 2), (0, 2), (1, 1)):
        new = keys_and_values(rng, tokens)
        past[layer] = np.concatenate([past[layer], new], axis=3)
        found = cache.update(layer, *new)
        for name, got, want, alone in zip(
            ("keys", "values"), found, past[layer], new, strict=True
        ):
            wrong = {"the new tokens alone": alone}
            call = f"KVCache(2, 6, 2, 2, 3).update({layer}, ...), {tokens} new: {name}"
            same(
                got,
                want,
                call=call,
                tol="exact",
                hint="Every layer has its own count of tokens; new ones go behind it.",
                misconceptions=wrong if want.shape != alone.shape else {},
            )


@needs(APPENDS)
@task("18.2")
@spec("caching.KVCache", "is the number of tokens (places) that every layer has")
def test_cache_counts_complete_tokens(tt, rng):
    """The length grows when the last layer has the tokens, and reset makes it 0."""
    cache, found = tt.KVCache(2, 9, 2, 2, 3), []
    found.append(len(cache))
    for layer, tokens in ((0, 3), (1, 3), (0, 1), (1, 1)):
        cache.update(layer, *keys_and_values(rng, tokens))
        found.append(len(cache))
    cache.reset()
    found.append(len(cache))
    same(
        found,
        [0, 0, 3, 3, 4, 0],
        call="len(cache) of two layers: new, +3 in 0, +3 in 1, +1 in 0, +1 in 1, reset",
        tol="exact",
        hint="A token counts when every layer has it.",
        misconceptions={
            "the count of the first layer": [0, 3, 3, 4, 4, 0],
            "the tokens of all layers together": [0, 3, 6, 7, 8, 0],
        },
    )


@needs(APPENDS)
@task("18.3")
@spec("caching.KVCache.reset", "Forget all tokens")
def test_reset_forgets_all_layers(tt, rng):
    """After reset an update returns the new tokens alone, in every layer."""
    cache, new = tt.KVCache(2, 4, 2, 2, 3), keys_and_values(rng, 3)
    for layer in (0, 1):
        cache.update(layer, *new)
    cache.reset()
    new = keys_and_values(rng, 4)
    for layer in (0, 1):
        for got, want in zip(cache.update(layer, *new), new, strict=True):
            call = f"reset(), then update({layer}, ...) with 4 tokens"
            same(got, want, call=call, tol="exact")


@needs("transformers")
@task("18.1")
@spec("caching.KVCache", "is the memory of all keys and values")
def test_cache_knows_its_bytes(tt, rng):
    """The property nbytes counts keys and values, float32, for all places."""
    sizes = [int(n) for n in rng.integers(2, 9, size=5)]
    whole = 2 * int(np.prod(sizes)) * 4
    same(
        tt.KVCache(*sizes).nbytes,
        whole,
        call=f"KVCache{tuple(sizes)}.nbytes",
        tol="exact",
        hint="float32 has 4 bytes; room for all places is made at once.",
        misconceptions={
            "keys or values alone": whole // 2,
            "float64": whole * 2,
            "numbers, not bytes": whole // 4,
            "the places in use": 0,
        },
    )


@needs(APPENDS)
@task("18.2")
@spec("caching.KVCache.update", "ValueError: more than max_seq_len tokens in a layer")
def test_cache_refuses_too_many_tokens(tt, rng):
    """One token more than max_seq_len raises ValueError naming both numbers."""
    n = int(rng.integers(5, 30))
    cache = tt.KVCache(2, n, 1, 2, 3)
    cache.update(0, *keys_and_values(rng, n - 1))
    raises(
        ValueError,
        cache.update,
        0,
        *keys_and_values(rng, 2),
        call=f"KVCache(2, {n}, 1, 2, 3).update with {n - 1}, then with 2 tokens",
        mentions=[n, n + 1],
        hint="A slice beyond the end of an array is short.",
    )


# A model with a cache


@pytest.mark.parametrize("start", [1, 2, 4])
@points(3)
@needs("transformers")
@task("18.5")
@spec("caching.forward_with_cache", "one token a text continues the texts")
def test_cached_logits_equal_uncached(tt, rng, start):
    """Tokens one at a time give the logits of the whole text, within 1e-4."""
    ids, model = np.stack([rng.permutation(7) for _ in range(2)]), model_of(tt)
    whole = value(model(ids))
    places = model.embedding.pos_encoding.parameters()[0]
    table = value(places)
    wrong = {}
    for mistake, rows in (
        ("every new token at place 0", [0] * (7 - start)),
        ("every new token one place too late", range(start + 1, 8)),
    ):
        set_data(places, table[[*range(start), *rows]])
        wrong[mistake] = value(model(ids))
    set_data(places, table)
    alone = [value(model(ids[:, t : t + 1])) for t in range(7)]
    cache = tt.enable_kv_cache(model)
    call = f"GPT with a cache: model(ids[:, :{start}])"
    same(model(ids[:, :start]), whole[:, :start], call=call, tol="training")
    for t in range(start, 7):
        same(
            model(ids[:, t : t + 1]),
            whole[:, t : t + 1],
            call=f"{call}, then one by one up to ids[:, {t}:{t + 1}]",
            tol="training",
            hint="A new token needs its own place, and the keys and values of all.",
            misconceptions={"a text of this token alone, at place 0": alone[t]}
            | {mistake: logits[:, t : t + 1] for mistake, logits in wrong.items()},
        )
        count = len(cache)
        holds(
            count == t + 1,
            call=f"{call}, then one by one up to {t}: len(cache)",
            expected=str(t + 1),
            got=str(count),
        )


@points(2)
@needs(EQUAL)
@task("18.5")
@spec("caching.forward_with_cache", "several tokens a text start new texts")
def test_several_tokens_start_new_texts(tt, rng):
    """A call with several tokens forgets the texts before, also of another number."""
    model = model_of(tt)
    texts = [rng.integers(0, 7, size=(n, 5)) for n in (2, 2, 3, 1)]
    whole = [value(model(ids)) for ids in texts]
    tt.enable_kv_cache(model)
    for ids, want, n in zip(texts, whole, (3, 2, 3, 2), strict=True):
        call = f"GPT with a cache: model(ids {ids[:, :n].shape})"
        hint = "Reset the cache, and make it fit the number of texts."
        how = {"tol": "training", "hint": hint}
        same(model(ids[:, :n]), want[:, :n], call=call, **how)
        call = f"{call}, then model(ids {ids[:, :1].shape})"
        same(model(ids[:, n : n + 1]), want[:, n : n + 1], call=call, **how)


@needs(EQUAL)
@task("18.5")
@spec("caching.forward_with_cache", "With an empty cache it starts new ones.")
def test_one_token_starts_after_reset(tt, rng):
    """After cache.reset() one token starts a text at place 0."""
    ids, model = rng.integers(0, 7, size=(1, 3)), model_of(tt)
    whole = value(model(ids))
    cache = tt.enable_kv_cache(model)
    model(rng.integers(0, 7, size=(1, 4)))
    cache.reset()
    for t in range(3):
        same(
            model(ids[:, t : t + 1]),
            whole[:, t : t + 1],
            call=f"cache.reset(), then one token at a time: number {t}",
            tol="training",
            hint="An empty cache is a new text.",
        )


@needs(EQUAL)
@task("18.5")
@spec("caching.forward_with_cache", "ValueError: the texts get longer than max_seq_len")
def test_full_cache_takes_no_more(tt, rng):
    """One token more than the context raises ValueError naming both numbers."""
    n = int(rng.integers(3, 30))
    model = model_of(tt, context=n)
    tt.enable_kv_cache(model)
    model(rng.integers(0, 7, size=(1, n)))
    raises(
        ValueError,
        model,
        np.array([[1]]),
        call=f"GPT with a cache, context {n}: {n} tokens, then one more",
        mentions=[n, n + 1],
        hint="There is no place for it; generate moves its window instead.",
    )


@needs(EQUAL)
@task("18.5")
@spec("caching.forward_with_cache", "for another number of texts than the cache")
def test_one_token_must_fit_the_texts(tt, rng):
    """One token for another number of texts raises ValueError naming both."""
    model, a = model_of(tt), int(rng.integers(3, 6))
    tt.enable_kv_cache(model)
    for b in (1, 2):  # one text would broadcast
        model(rng.integers(0, 7, size=(a, 3)))
        raises(
            ValueError,
            model,
            np.ones((b, 1), int),
            call=f"GPT with a cache: model(ids ({a}, 3)), then model(ids ({b}, 1))",
            mentions=[a, b],
            hint="Compare the first axis with the cache's.",
        )


@needs(EQUAL)
@task("18.5")
@spec("caching.forward_with_cache", "In training the cache is left alone")
def test_training_goes_past_the_cache(tt, rng):
    """In training the cache stays empty, and parameters get gradients."""
    ids, model = rng.integers(0, 7, size=(2, 4)), model_of(tt)
    cache = tt.enable_kv_cache(model)
    model.train()
    model(ids).sum().backward()
    count = len(cache)
    call = "GPT with a cache, train(): model(ids).sum().backward()"
    holds(count == 0, call=f"{call}: len(cache)", expected="0", got=str(count))
    missing = sum(p.grad is None for p in model.parameters())
    holds(
        missing == 0,
        call=f"{call}: parameters without .grad",
        expected="none",
        got=str(missing),
        hint="In training call the forward that the class has.",
    )


def _texts(tt, prompts, n, context):
    """Return greedy texts by a loop over logits, and generated with a cache, twice."""
    model = tt.GPT(7, 8, 2, 2, context)
    model.eval()

    def plain(ids):
        text, gap = np.array(ids), 1.0
        for _ in range(n):
            logits = np.array(model(tt.Tensor(text[:, -context:])).data)[:, -1]
            gap = min(gap, np.diff(np.sort(logits, axis=-1)[:, -2:]).min())
            text = np.concatenate([text, logits.argmax(axis=-1)[:, None]], axis=1)
        return text.astype("f4"), gap

    for _ in range(20):  # until no choice is so close that rounding could turn it
        for p in model.parameters():  # large, so that texts do not repeat one token
            if len(p.shape) > 1:
                p.data = np.random.normal(size=p.shape).astype(np.float32)
        found = [plain(ids) for ids in prompts]
        if min(gap for _, gap in found) > 1e-3:
            break
    tt.enable_kv_cache(model)
    texts = [[text for text, _ in found]]
    for _ in range(2):
        made = [model.generate(tt.Tensor(ids), n, 0) for ids in prompts]
        texts.append([np.array(text.data) for text in made])
    return texts


@pytest.mark.parametrize("context", [16, 5, 1], ids=["within", "beyond", "one"])
@points(3)
@needs(EQUAL, "transformers::generation_crops_to_the_context")
@task("18.6")
@spec("caching.generate_with_cache", "At temperature 0 the tokens are those of")
def test_cached_generation_equals_uncached(tt, rng, context):
    """Greedy texts are the same with a cache, within the context and beyond it."""
    prompts = [rng.integers(0, 7, size=s) for s in ((1, 1), (2, 3), (1, 6))]
    found = remote_source(tt, _texts, prompts=prompts, n=7, context=context)
    for i, prompt in enumerate(prompts):
        for name, texts in zip(("", ", once more"), found[1:], strict=True):
            call = f"GPT with a cache, context {context}: generate(ids {prompt.shape}"
            same(
                texts[i],
                found[0][i],
                call=f"{call}, 7, temperature=0){name}",
                tol="exact",
                hint="Start anew for each prompt, and when the window has to move.",
            )


def _drawn(tt, logits, many):
    """Return how often each token follows, given these logits, with a cache."""
    model = tt.GPT(len(logits), 4, 1, 1, 4)
    model.eval()
    model.ln_f.gamma.data = np.zeros(4, np.float32)
    model.ln_f.beta.data = np.eye(4, dtype=np.float32)[0]
    weight = np.zeros((4, len(logits)), np.float32)
    weight[0] = logits  # so these are the logits at every place
    model.lm_head.weight.data = weight
    tt.enable_kv_cache(model)
    prompt, found = tt.Tensor(np.zeros((many, 1))), []
    for how in ({}, {"temperature": 2.5}):
        last = np.array(model.generate(prompt, 2, **how).data)[:, 2].astype(int)
        found.append(np.bincount(last, minlength=len(logits)) / many)
    return found


@needs(TEXTS, "transformers::tokens_are_drawn_by_probability")
@task("18.6")
@spec("caching.generate_with_cache", "Return what `GPT.generate` would")
def test_cached_tokens_are_drawn_by_probability(tt, rng):
    """With a cache, too, tokens are drawn from softmax(logits / temperature)."""
    logits = rng.permutation([0.0, 0.7, 1.4, 2.1])
    found = remote_source(tt, _drawn, logits=logits, many=4000)
    for name, t, shares in zip(("1, by default", "2.5"), (1, 2.5), found, strict=True):
        right = np.exp(logits / t) / np.exp(logits / t).sum()
        holds(
            float(np.abs(shares - right).max()) <= 0.05,  # six standard deviations
            call=f"cached: shares of next tokens, logits {logits}, temperature {name}",
            expected=str(right.round(2)),
            got=str(shares.round(2)),
            hint="Hand the temperature on to next_tokens.",
        )


def _feed(tt, model, steps):  # noqa: ARG001 -- what remote_source calls
    for _ in range(steps):
        model(np.zeros((1, 1), int))


def times_as_long(tt, short, long, limit):
    """Return the CPU time of `long()` by that of `short()`, measured from outside.

    The least of several repeats counts; what is over the limit is measured once more,
    longer, so that a busy host does no harm.
    """
    least = [float("inf")] * 2
    for repeats in (3, 10):
        for _ in range(repeats):
            for i, fn in enumerate((short, long)):
                before_s = cpu_s(tt)
                fn()
                least[i] = min(least[i], cpu_s(tt) - before_s)
        if least[1] <= limit * least[0]:
            break
    return least[1] / least[0] if least[0] else 1.0  # a clock too coarse says nothing


@points(2)
@needs(EQUAL)
@task("18.4")
@spec("caching.enable_kv_cache", "grows no faster than the number of tokens before it")
def test_one_more_token_stays_cheap(tt):
    """After eight times as many tokens, one more costs at most eight times as much."""
    models = [tt.GPT(7, 32, 1, 2, 1200) for _ in range(2)]
    for model, length in zip(models, (128, 1024), strict=True):
        model.eval()
        tt.enable_kv_cache(model)
        model(np.zeros((1, length), int))
    short, long = (
        lambda m=m: remote_source(tt, _feed, model=m, steps=8) for m in models
    )
    # A cache costs 1 to 3 times as much, running through the text again 30 times.
    ratio = times_as_long(tt, short, long, limit=12)
    holds(
        ratio <= 12,
        call="time of one more token after 1024 tokens, by that after 128",
        expected="a ratio of 8 at most",
        got=f"{ratio:.3g}",
        hint="Feed the new token alone; earlier keys and values are in the cache.",
    )


@points(2)
@needs("caching::one_more_token_stays_cheap", TEXTS)
@task("18.6")
@spec("caching.generate_with_cache", "then every new token is fed alone")
def test_cached_generation_feeds_one_token(tt):
    """Nine new tokens cost little more than one, after a long prompt."""
    model, prompt = tt.GPT(7, 32, 1, 2, 600), tt.Tensor(np.zeros((1, 500)))
    model.eval()
    tt.enable_kv_cache(model)
    one, nine = (lambda n=n: model.generate(prompt, n, 0) for n in (1, 9))
    # A cache makes it 1.2 times as much, running through the text again 9 times.
    ratio = times_as_long(tt, one, nine, limit=4.5)
    holds(
        ratio <= 4.5,
        call="time of generate(500 tokens, 9) by that of generate(500 tokens, 1)",
        expected="little more than 1",
        got=f"{ratio:.3g}",
        hint="Only the first call gets the whole prompt.",
    )


@points(2)
@needs(EQUAL)
@task("18.8")
@spec("caching.disable_kv_cache", "Make `model` what it was before `enable_kv_cache`.")
def test_disabled_cache_is_gone(tt, rng):
    """Without the cache, every call starts at place 0, and the cache is left alone."""
    ids, model = rng.integers(0, 7, size=(2, 4)), model_of(tt)
    tt.disable_kv_cache(model)
    whole, alone = value(model(ids)), value(model(ids[:, 3:]))
    cache = tt.enable_kv_cache(model)
    model(ids[:, :3])
    tt.disable_kv_cache(model)
    same(
        model(ids[:, 3:]),
        alone,
        call="enable, model(ids (2, 3)), disable, model(ids (2, 1))",
        tol="training",
        hint="The class has the methods still; take your own out of the object.",
        misconceptions={"the cache goes on": whole[:, 3:]},
    )
    same(model(ids), whole, call="disable, model(ids (2, 4))", tol="training")
    shape = tuple(model.generate(tt.Tensor(ids), 2, 0).shape)
    same(shape, (2, 6), call="disable, shape of generate(ids (2, 4), 2)", tol="exact")
    count = len(cache)
    call = "enable, model(ids (2, 3)), disable, generate: len(cache)"
    holds(count in (0, 3), call=call, expected="3, as it was, or 0", got=str(count))


@needs(EQUAL)
@task("18.7")
@spec("caching.enable_kv_cache", "A model that has a cache already gets a new one.")
def test_enabling_twice_gives_a_new_cache(tt, rng):
    """A second enable gives an empty cache that works; parameters stay as they are."""
    ids, model = rng.integers(0, 7, size=(1, 5)), model_of(tt)
    before, whole = [value(p) for p in model.parameters()], value(model(ids))
    tt.enable_kv_cache(model)
    model(ids[:, :2])
    cache = tt.enable_kv_cache(model)
    found = [len(cache)]
    same(model(ids[:, :4]), whole[:, :4], call="enable twice, model", tol="training")
    same(model(ids[:, 4:]), whole[:, 4:], call="and one token more", tol="training")
    found.append(len(cache))
    same(found, [0, 5], call="len of the second cache, before and after", tol="exact")
    after = [value(p) for p in model.parameters()]
    holds(
        len(before) == len(after) and all(map(np.array_equal, before, after)),
        call="model.parameters() after enable_kv_cache(model)",
        expected="the same numbers",
        got="others",
    )
    size = cache.nbytes
    same(size, 2 * 2 * 2 * 8 * 4 * 4, call="nbytes of the cache, one text", tol="exact")
