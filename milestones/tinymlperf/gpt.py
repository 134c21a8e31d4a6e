"""TinyMLPerf: the language model of the closed division writes, with a cache.

Every token it writes is the likeliest by its own logits, which are compared with those
that the reference has for the same text.
"""

from __future__ import annotations

from typing import Any

import numpy as np

VOCABULARY, EMBED, LAYERS, HEADS, CONTEXT = 65, 64, 2, 4, 64
WRITTEN = 48  # tokens after each prompt


def build(tt: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Return the model and its leaf layers by name; weights of use for a text.

    Tables that are heard beside what the blocks add: else it repeats one token.
    """
    gpt = tt.GPT(VOCABULARY, EMBED, LAYERS, HEADS, CONTEXT)
    gpt.eval()
    model = {
        "gpt": gpt,
        "tokens": gpt.embedding.token_embedding,
        "places": gpt.embedding.pos_encoding,
        "norm": gpt.ln_f,
        "head": gpt.lm_head,
    }
    for i, block in enumerate(gpt.blocks):
        model |= {
            f"block{i}_norm1": block.ln1,
            f"block{i}_attention": block.attention,
            f"block{i}_norm2": block.ln2,
            f"block{i}_mlp1": block.mlp.linear1,
            f"block{i}_mlp2": block.mlp.linear2,
        }
    (places,) = gpt.embedding.pos_encoding.parameters()
    for table in (gpt.embedding.token_embedding.weight, places):
        table.data = rng.normal(0, 1, table.shape).astype(np.float32)
    gpt.lm_head.weight.data = (
        rng.normal(0, EMBED**-0.5, gpt.lm_head.weight.shape) * 4
    ).astype(np.float32)
    return model


def predict(tt: Any, model: dict[str, Any], prompts: Any) -> Any:
    """Return the tokens written after each prompt, and the logits they came from.

    Shapes: prompts (n, t) -> (n, WRITTEN), (n, WRITTEN, VOCABULARY)
    """
    gpt = model["gpt"]
    tt.enable_kv_cache(gpt)
    texts, logits = [], []
    with tt.no_grad():
        for prompt in prompts:
            tokens, seen = write(gpt, prompt[None])
            texts.append(tokens)
            logits.append(seen)
    tt.disable_kv_cache(gpt)
    return np.array(texts), np.array(logits, np.float32)


def write(gpt: Any, prompt: Any) -> tuple[list[int], list[Any]]:
    """Return the tokens after one prompt and their logits. Shapes: prompt (1, t)."""
    tokens: list[int] = []
    logits = [gpt(prompt).data[0, -1]]
    for _ in range(WRITTEN - 1):
        tokens.append(int(np.argmax(logits[-1])))
        logits.append(gpt([tokens[-1:]]).data[0, -1])
    return [*tokens, int(np.argmax(logits[-1]))], logits


def explain(tt: Any, model: dict[str, Any], texts: Any) -> Any:
    """Return the logits for whole texts at once. Shapes: (n, t) -> (n, t, 65)."""
    gpt = model["gpt"]
    with tt.no_grad():
        return gpt(texts).data
