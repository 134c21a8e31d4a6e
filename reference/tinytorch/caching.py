"""Module 18: the key-value cache, nothing computed twice.

A model that writes a text computes the keys and values of every earlier token again for
each new one. They do not change: with the causal mask a token never sees what comes
after it. So keep them.

You will build:

    18.1  KVCache.__init__       one array for keys, one for values  about 6 lines
    18.2  KVCache.update         append, return all so far           about 10 lines
    18.3  KVCache.reset          forget                              about 1 line
    18.4  attend_with_cache      attention of new tokens to all      about 10 lines
    18.5  forward_with_cache     the model, for new tokens only      about 16 lines
    18.6  generate_with_cache    one token in, one token out         about 14 lines
    18.7  enable_kv_cache        put them into a model               about 8 lines
    18.8  disable_kv_cache       and take them out                   about 3 lines

Here B is the number of texts, H the number of heads, d the size of a head's vectors, n
the number of new tokens.

Run `make test-18` after each task.
"""
# ruff: noqa: SLF001 -- Tensor._from_op is for operations, wherever they stand

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tinytorch.attention import MultiHeadAttention, scaled_dot_product_attention
from tinytorch.autograd import no_grad
from tinytorch.base import Array
from tinytorch.embeddings import token_ids
from tinytorch.tensor import Tensor
from tinytorch.transformers import GPT, next_tokens


class KVCache:
    """The keys and values of the tokens seen so far, for each layer.

    `len(cache)` is the number of tokens (places) that every layer has keys and values
    of; 0 at first. `cache.nbytes` is the memory of all keys and values, an int: float32
    for max_seq_len places, whether they are in use or not:
    2 * num_layers * batch_size * num_heads * max_seq_len * head_dim * 4.

    Attributes:
        batch_size, max_seq_len, num_layers, num_heads, head_dim: as given.
        keys, values: float32 arrays, (L, B, H, max_seq_len, d) for L layers.
        filled: the number of tokens of each layer, a list.
    """

    def __init__(
        self,
        batch_size: int,
        max_seq_len: int,
        num_layers: int,
        num_heads: int,
        head_dim: int,
    ) -> None:
        """Set all attributes: room for all keys and values at once, nothing in it.

        Example:
            >>> cache = KVCache(1, 16, num_layers=2, num_heads=4, head_dim=8)
            >>> len(cache), cache.nbytes
            (0, 8192)
        """
        self.batch_size, self.max_seq_len = batch_size, max_seq_len
        self.num_layers, self.num_heads, self.head_dim = num_layers, num_heads, head_dim
        shape = (num_layers, batch_size, num_heads, max_seq_len, head_dim)
        self.keys = np.zeros(shape, dtype=np.float32)
        self.values = np.zeros(shape, dtype=np.float32)
        self.filled = [0] * num_layers

    def update(self, layer: int, keys: Array, values: Array) -> tuple[Array, Array]:
        """Append the keys and values of n new tokens; return all of this layer so far.

        Layers are counted from 0 and filled independently. What is returned is in the
        order of the places, the new ones last; it may be a view that later updates
        write to, so nobody should change it.

        Shapes: keys and values (B, H, n, d), arrays of batch_size texts
        -> (B, H, tokens of this layer so far, d) each

        Raises:
            ValueError: more than max_seq_len tokens in a layer; the message names
                max_seq_len and the number there would be.

        Example:
            >>> cache = KVCache(1, 8, num_layers=1, num_heads=1, head_dim=2)
            >>> one = np.ones((1, 1, 3, 2), dtype=np.float32)
            >>> cache.update(0, one, one)[0].shape
            (1, 1, 3, 2)
            >>> cache.update(0, one, one)[0].shape
            (1, 1, 6, 2)
        """
        start = self.filled[layer]
        end = start + keys.shape[2]
        if end > self.max_seq_len:
            msg = f"KVCache: {end} tokens, but room for {self.max_seq_len}"
            raise ValueError(msg)
        self.keys[layer, :, :, start:end] = keys
        self.values[layer, :, :, start:end] = values
        self.filled[layer] = end
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def reset(self) -> None:
        """Forget all tokens; `len` is 0 again, the memory stays.

        Example:
            >>> cache = KVCache(1, 8, num_layers=1, num_heads=1, head_dim=2)
            >>> one = np.ones((1, 1, 3, 2), dtype=np.float32)
            >>> _ = cache.update(0, one, one)
            >>> cache.reset()
            >>> len(cache)
            0
        """
        self.filled = [0] * self.num_layers

    def __len__(self) -> int:
        """Given: return how many tokens every layer has."""
        return min(self.filled, default=0)

    @property
    def nbytes(self) -> int:
        """Given: return the bytes of all keys and values."""
        return self.keys.nbytes + self.values.nbytes

    def resize(self, batch_size: int) -> None:
        """Given: make room for texts of another number, and forget the old ones."""
        self.__init__(  # type: ignore[misc]
            batch_size,
            self.max_seq_len,
            self.num_layers,
            self.num_heads,
            self.head_dim,
        )


def attend_with_cache(
    attention: MultiHeadAttention, x: Tensor, cache: KVCache, layer: int
) -> Tensor:
    """Return what `attention` gives for new tokens that see all earlier ones, too.

    x are the new tokens (already normalised); their keys and values are appended to
    layer `layer` of the cache. The new token i, counted from 0, sees all tokens that
    the cache held before and the new ones up to i. The result equals the last n places
    of attention(all tokens, causal mask).

    Shapes: x (B, n, embed_dim) -> the same

    Example:
        >>> attention, cache = MultiHeadAttention(8, 2), KVCache(1, 16, 1, 2, 4)
        >>> attend_with_cache(attention, Tensor(np.ones((1, 3, 8))), cache, 0).shape
        (1, 3, 8)
        >>> attend_with_cache(attention, Tensor(np.ones((1, 1, 8))), cache, 0).shape
        (1, 1, 8)
        >>> len(cache)
        4
    """
    batch, new, size = x.shape

    def heads(project: Any) -> Array:
        rows: Array = project(x).data  # arrays: there is nothing to track
        return rows.reshape(batch, new, attention.num_heads, -1).swapaxes(1, 2)

    new_keys, new_values = heads(attention.k_proj), heads(attention.v_proj)
    keys, values = cache.update(layer, new_keys, new_values)
    seen = keys.shape[2]
    mask = np.tril(np.ones((new, seen)), seen - new) if new > 1 else None
    # Tensors without a copy
    q, k, v = (Tensor._from_op(a, ()) for a in (heads(attention.q_proj), keys, values))
    read, _ = scaled_dot_product_attention(q, k, v, mask)
    merged = read.data.swapaxes(1, 2).reshape(batch, new, size)
    out: Tensor = attention.out_proj(Tensor._from_op(merged, ()))
    return out


def forward_with_cache(
    model: GPT, cache: KVCache, tokens: Tensor | ArrayLike
) -> Tensor:
    """Return the logits of `tokens`, the next ones of the texts in the cache.

    In training the cache is left alone: the result is `GPT.forward(model, tokens)`.
    In evaluation:

    - several tokens a text start new texts: the cache is reset, and made to fit the
      number of texts (`cache.resize`);
    - one token a text continues the texts: its place is len(cache). With an empty cache
      it starts new ones.

    Logits are those that the whole text would give at these places, within 1e-4. The
    result need not track gradients.

    Shapes: tokens (B, n) -> logits (B, n, vocab_size)

    Raises:
        ValueError: the texts get longer than max_seq_len; the message names it and the
            length. One token a text comes for another number of texts than the cache
            holds; the message names both numbers.

    Example:
        >>> model = GPT(10, 8, 2, 2, 16)
        >>> model.eval()
        >>> cache = KVCache(1, 16, num_layers=2, num_heads=2, head_dim=4)
        >>> forward_with_cache(model, cache, [[1, 2, 3]]).shape
        (1, 3, 10)
        >>> forward_with_cache(model, cache, [[4]]).shape, len(cache)
        ((1, 1, 10), 4)
    """
    if model.training:
        return GPT.forward(model, tokens)
    ids = token_ids(tokens)
    _prepare(cache, *ids.shape)
    start, end = len(cache), len(cache) + ids.shape[1]
    if end > model.max_seq_len:
        msg = f"a text of {end} tokens, but max_seq_len is {model.max_seq_len}"
        raise ValueError(msg)
    (places,) = model.embedding.pos_encoding.parameters()  # type: ignore[union-attr]
    with no_grad():
        x = model.embedding.token_embedding(ids) + places[start:end]
        for layer, block in enumerate(model.blocks):
            x = x + attend_with_cache(block.attention, block.ln1(x), cache, layer)
            x = x + block.mlp(block.ln2(x))
        logits: Tensor = model.lm_head(model.ln_f(x))
    return logits


def _prepare(cache: KVCache, batch: int, new: int) -> None:
    """Reset the cache where tokens start new texts; check that they fit it."""
    if new > 1 or len(cache) == 0:
        cache.reset()
        if batch != cache.batch_size:
            cache.resize(batch)
    elif batch != cache.batch_size:
        msg = f"one token for {batch} texts, but the cache holds {cache.batch_size}"
        raise ValueError(msg)


def generate_with_cache(
    model: GPT,
    cache: KVCache,
    prompt_tokens: Tensor | ArrayLike,
    max_new_tokens: int,
    temperature: float = 1.0,
) -> Tensor:
    """Return what `GPT.generate` would, feeding one token at a time.

    In training the result is that of `GPT.generate`. In evaluation new texts are
    started, whatever the cache held, with the last max_seq_len tokens of the prompt;
    then every new token is fed alone. When the cache is full the window moves, and all
    its tokens change their places: the last max_seq_len tokens start new texts, for
    each token from there on. At temperature 0 the tokens are those of `GPT.generate`,
    beyond the context too.

    Shapes: prompt_tokens (B, T) -> (B, T + max_new_tokens), ids in a Tensor

    Example:
        >>> model = GPT(10, 8, 1, 2, 4)
        >>> model.eval()
        >>> cache = enable_kv_cache(model)
        >>> generate_with_cache(model, cache, [[1, 2, 3]], 5, temperature=0).shape
        (1, 8)
    """
    if model.training:
        return GPT.generate(model, prompt_tokens, max_new_tokens, temperature)
    ids = token_ids(prompt_tokens)
    cache.reset()
    for _ in range(max_new_tokens):
        if 0 < len(cache) < model.max_seq_len:
            logits = forward_with_cache(model, cache, ids[:, -1:])
        else:
            cache.reset()
            window = ids[:, -model.max_seq_len :]
            logits = forward_with_cache(model, cache, window)
        chosen = next_tokens(logits.data[:, -1], temperature)
        ids = np.concatenate([ids, chosen[:, None]], axis=1)
    return Tensor(ids)


def enable_kv_cache(model: GPT) -> KVCache:
    """Let `model` use a cache, and return it.

    From now on, in evaluation, `model(tokens)` does what `forward_with_cache` says and
    `model.generate(...)` what `generate_with_cache` says, with the cache returned. In
    training the model is as before. Its parameters stay the same tensors. Changing them
    makes what the cache holds wrong, until `cache.reset()`. With a cache, the work for
    one more token grows no faster than the number of tokens before it.

    A model that has a cache already gets a new one.

    Example:
        >>> model = GPT(10, 8, 2, 2, 16)
        >>> model.eval()
        >>> cache = enable_kv_cache(model)
        >>> model([[1, 2, 3]]).shape, model([[4]]).shape, len(cache)
        ((1, 3, 10), (1, 1, 10), 4)
    """
    attention = model.blocks[0].attention
    size = attention.embed_dim // attention.num_heads
    cache = KVCache(1, model.max_seq_len, len(model.blocks), attention.num_heads, size)
    attributes: Any = (
        model  # an attribute of the object comes before the class's method
    )
    attributes.forward = partial(forward_with_cache, model, cache)
    attributes.generate = partial(generate_with_cache, model, cache)
    return cache


def disable_kv_cache(model: GPT) -> None:
    """Make `model` what it was before `enable_kv_cache`.

    Every call computes all its tokens again, from place 0. A model without a cache
    stays as it is.

    Example:
        >>> model = GPT(10, 8, 2, 2, 16)
        >>> model.eval()
        >>> cache = enable_kv_cache(model)
        >>> disable_kv_cache(model)
        >>> model([[1, 2, 3]]).shape, len(cache)
        ((1, 3, 10), 0)
    """
    for name in ("forward", "generate"):
        vars(model).pop(name, None)
