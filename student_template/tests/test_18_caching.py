"""Module 18: the key-value cache."""

from __future__ import annotations

import numpy as np
from checklib import holds, raises, same


def model_of(tt, context=6):
    """Return a GPT in evaluation: 5 tokens, embed_dim 4, two blocks of two heads."""
    model = tt.GPT(5, 4, 2, 2, context)
    model.eval()
    return model


def tokens(*numbers):
    """Return an array (1, 1, n, 1): one text, one head, head_dim 1."""
    return np.array(numbers, dtype=np.float32).reshape(1, 1, -1, 1)


def test_18_1_cache_knows_its_bytes(tt):
    cache, call = tt.KVCache(1, 16, 2, 4, 8), "KVCache(1, 16, 2, 4, 8).nbytes"
    same(cache.nbytes, 8192, call=call, hint="2 * 2 * 1 * 4 * 16 * 8 * 4")
    same(len(cache), 0, call="len(KVCache(1, 16, 2, 4, 8))")


def test_18_2_cache_appends_and_returns_all(tt):
    cache = tt.KVCache(1, 4, 1, 1, 1)
    cache.update(0, tokens(1, 2), tokens(10, 20))
    keys, values = cache.update(0, tokens(3), tokens(30))
    same(keys, tokens(1, 2, 3), call="keys after update 1 2, then 3")
    same(values, tokens(10, 20, 30), call="values after update 10 20, then 30")


def test_18_2_a_token_counts_when_every_layer_has_it(tt):
    cache = tt.KVCache(1, 4, 2, 1, 1)
    cache.update(0, tokens(1, 2), tokens(1, 2))
    same(len(cache), 0, call="len(cache) when layer 0 of two has 2 tokens")
    cache.update(1, tokens(1, 2), tokens(1, 2))
    same(len(cache), 2, call="len(cache) when both layers have 2 tokens")


def test_18_2_cache_refuses_too_many_tokens(tt):
    cache, call = tt.KVCache(1, 2, 1, 1, 1), "KVCache(1, 2, 1, 1, 1) with 3 tokens"
    three = tokens(1, 2, 3)
    raises(ValueError, cache.update, 0, three, three, call=call, mentions=[2, 3])


def test_18_3_reset_forgets(tt):
    cache = tt.KVCache(1, 4, 1, 1, 1)
    cache.update(0, tokens(1, 2), tokens(1, 2))
    cache.reset()
    same(len(cache), 0, call="len(cache) after reset")
    same(cache.update(0, tokens(9), tokens(9))[0], tokens(9), call="keys after that")


def test_18_4_new_tokens_see_all_earlier_ones(tt):
    attention, x = tt.MultiHeadAttention(4, 2), np.eye(4)[None]
    cache = tt.KVCache(1, 8, num_layers=1, num_heads=2, head_dim=2)
    want = attention(tt.Tensor(x), tt.create_causal_mask(4)).data
    for part in (slice(0, 2), slice(2, 3), slice(3, 4)):
        new = tt.caching.attend_with_cache(attention, tt.Tensor(x[:, part]), cache, 0)
        same(new, want[:, part], call=f"new: {part}", tol="training")


def test_18_5_cached_logits_equal_uncached(tt):
    model, ids = model_of(tt), np.array([[1, 2, 3, 4, 0]])
    want = model(ids).data
    cache = tt.enable_kv_cache(model)
    same(model(ids[:, :2]), want[:, :2], call="model([[1, 2]])", tol="training")
    for t in (2, 3, 4):
        got, call = model(ids[:, t : t + 1]), f"then token {t} alone"
        same(got, want[:, t : t + 1], call=call, tol="training")
        same(len(cache), t + 1, call=f"len(cache), {call}")


def test_18_5_several_tokens_start_new_texts(tt):
    model = model_of(tt)
    want = model([[3, 3], [4, 4]]).data
    tt.enable_kv_cache(model)
    model([[1, 2, 0]])
    same(model([[3, 3], [4, 4]]), want, call="two texts after one", tol="training")


def test_18_5_one_token_starts_after_reset(tt):
    model = model_of(tt)
    want = model([[3]]).data
    cache = tt.enable_kv_cache(model)
    model([[1, 2]])
    cache.reset()
    same(model([[3]]), want, call="cache.reset(), then model([[3]])", tol="training")


def test_18_5_what_does_not_fit_is_refused(tt):
    model = model_of(tt, context=3)
    tt.enable_kv_cache(model)
    model([[1, 2, 3], [1, 2, 3]])
    raises(ValueError, model, [[1], [1]], call="a token too many", mentions=[3, 4])
    model([[1, 2], [1, 2]])
    raises(ValueError, model, [[1]], call="one text after two", mentions=[2, 1])


def test_18_5_training_goes_past_the_cache(tt):
    model = model_of(tt)
    cache = tt.enable_kv_cache(model)
    model.train()
    model([[1, 2]]).sum().backward()
    same(len(cache), 0, call="len(cache) after a step in training")
    missing = sum(p.grad is None for p in model.parameters())
    same(missing, 0, call="parameters without a gradient")


def test_18_6_cached_generation_equals_uncached(tt):
    for context in (12, 4):
        model = model_of(tt, context)
        want = model.generate([[1, 2, 3]], 6, temperature=0).data
        tt.enable_kv_cache(model)
        for _ in range(2):
            got, call = model.generate([[1, 2, 3]], 6, temperature=0), f"{context}"
            same(got, want, call=f"generate([[1, 2, 3]], 6, 0), context {call}")


def test_18_6_generation_feeds_one_token(tt):
    model, fed = model_of(tt, 20), []
    tt.enable_kv_cache(model)
    first = model.blocks[0].mlp.forward
    model.blocks[0].mlp.forward = lambda x: fed.append(x.shape[1]) or first(x)
    model.generate([[1, 2, 3]], 4, temperature=0)
    holds(
        fed[:4] == [3, 1, 1, 1], call="tokens fed", expected="3, 1, 1, 1", got=f"{fed}"
    )


def test_18_7_enabling_twice_gives_a_new_cache(tt):
    model = model_of(tt)
    tt.enable_kv_cache(model)
    model([[1, 2]])
    cache = tt.enable_kv_cache(model)
    same(len(cache), 0, call="len of the second cache")
    model([[1, 2, 3]])
    same(len(cache), 3, call="len of the second cache after model([[1, 2, 3]])")


def test_18_8_disabled_cache_is_gone(tt):
    model = model_of(tt)
    want = model([[3]]).data
    tt.enable_kv_cache(model)
    model([[1, 2]])
    tt.disable_kv_cache(model)
    same(model([[3]]), want, call="enable, model([[1, 2]]), disable, model([[3]])")
    tt.disable_kv_cache(model)
