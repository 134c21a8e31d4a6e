"""Milestone 05 (2017): a transformer learns to write, one character after the other.

Uses your modules 02 to 13: embeddings say which character stands where, attention reads
what came before, small networks make something of it, and AdamW does the rest.
Target: at most 1.8 nats per character on text it has not seen.

Run:    python vaswani_shakespeare.py --seed 0
        python vaswani_shakespeare.py --seed 0 --long
        python vaswani_shakespeare.py --seed 0 --sonnets
        Some 35 seconds of computing; --long takes six times as long, reaches 1.65;
        --sonnets needs no downloaded text, and five seconds, and reaches 2.1.
Source: A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez,
        L. Kaiser, I. Polosukhin, "Attention is all you need", Advances in Neural
        Information Processing Systems 30, 2017.
Data:   A. Karpathy, tiny Shakespeare, in char-rnn, 2015.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np

VOCABULARY: Final = 67  # the characters of tiny Shakespeare and of the sonnets
CONTEXT: Final = 128  # characters it sees at most
EMBED: Final = 96
LAYERS: Final = 2
HEADS: Final = 6

STEPS: Final = 100  # a slice
EPOCHS: Final = 20  # slices; one is 51,200 characters
LONG_EPOCHS: Final = 120
SONNET_EPOCHS: Final = 3
BATCH: Final = 4  # windows a step; many small steps learn faster than few large ones
PREDICT_BATCH: Final = 16  # keeps activations small
LEARNING_RATE: Final = 5e-3
LAST_RATE: Final = 0.02  # share of it that is left at the end
WARM_UP: Final = 0.05  # share of training in which it rises
BETAS: Final = (0.9, 0.99)
WEIGHT_DECAY: Final = 0.1

TARGET: Final = 1.8  # nats per character
LONG_TARGET: Final = 1.65
SONNET_TARGET: Final = 2.1

# First weights. The products of queries and keys grow with the squares of these.
SHARP: Final = (4.0, 2.0)  # of attention by place: in the first layer, in the others
BLURRED: Final = 0.02  # attention by content, at first


def build(
    tt: Any,
    rng: np.random.Generator,
    width: int = 1,
    depth: int = 1,
    context: int = 1,
) -> dict[str, Any]:
    """Return the layers of a GPT; `width`, `depth` and `context` multiply its sizes."""
    size = EMBED * width
    model = {
        "tokens": tt.Embedding(VOCABULARY, size),
        "places": tt.PositionalEncoding(CONTEXT * context, size),
    }
    for i in range(LAYERS * depth):
        model |= {
            f"attention_norm{i}": tt.LayerNorm(size),
            f"attention{i}": tt.MultiHeadAttention(size, HEADS),
            f"mlp_norm{i}": tt.LayerNorm(size),
            f"expand{i}": tt.Linear(size, 4 * size),
            f"contract{i}": tt.Linear(4 * size, size),
        }
    model["norm"] = tt.LayerNorm(size)
    model["head"] = tt.Linear(size, VOCABULARY, bias=False)
    set_first_weights(tt, model, rng)
    return model


def set_first_weights(tt: Any, model: dict[str, Any], rng: np.random.Generator) -> None:
    """Draw the weights; what the layers drew themselves would learn more slowly.

    At first one half of each vector says where a character stands, in the waves of
    2017, and the other half says which one it is. Training mixes them as it likes.
    """
    (places,) = model["places"].parameters()
    context, size = places.data.shape
    waves = tt.create_sinusoidal_embeddings(context, size // 2).data
    places.data = np.zeros((context, size), np.float32)
    places.data[:, : size // 2] = waves / 2
    draw(model["tokens"], rng, 0.5)
    model["tokens"].weight.data[:, : size // 2] = 0
    layers = depth_of(model)
    for i in range(layers):
        attention = model[f"attention{i}"]
        spread = 0.8 * size**-0.5
        draw(attention.v_proj, rng, spread)
        draw(model[f"expand{i}"], rng, spread)
        # What is added to the sum 2 * layers times starts small.
        draw(attention.out_proj, rng, spread * (2 * layers) ** -0.5)
        draw(model[f"contract{i}"], rng, spread / 2 * (2 * layers) ** -0.5)
        look_back(attention, waves, SHARP[min(i, 1)], rng)
    draw(model["head"], rng, 0.02)


def draw(layer: Any, rng: np.random.Generator, spread: float) -> None:
    """Give `layer` weights of mean 0 and standard deviation `spread`."""
    shape = layer.weight.data.shape
    layer.weight.data = rng.normal(0, spread, shape).astype(np.float32)


def look_back(
    attention: Any, waves: Any, sharpness: float, rng: np.random.Generator
) -> None:
    """Let head h begin by looking at the character h + 1 places back.

    "For any fixed offset k, PE(pos + k) can be represented as a linear function of
    PE(pos)": section 3.5 of the paper. The queries get that function, the keys do not,
    so a query is most like the key k places before. Without this, the three slices on
    the sonnets end at 2.17 nats instead of 1.90.

    Shapes: waves (context, columns), of the places in the vectors' first columns
    """
    size, heads = attention.embed_dim, attention.num_heads
    each = size // heads
    queries, keys = rng.normal(0, BLURRED, (2, size, size))
    seen = waves[:, :each].astype(np.float64)
    for head in range(heads):
        back = head + 1
        shift = np.linalg.lstsq(seen[back:], seen[:-back], rcond=None)[0]
        columns = slice(head * each, (head + 1) * each)
        queries[:each, columns] += sharpness * shift
        keys[:each, columns] += sharpness * np.eye(each)
    attention.q_proj.weight.data = queries.astype(np.float32)
    attention.k_proj.weight.data = keys.astype(np.float32)


def depth_of(model: dict[str, Any]) -> int:
    """Return how many blocks of attention and MLP the model has."""
    return sum(name.startswith("expand") for name in model)


def forward(tt: Any, model: dict[str, Any], ids: Any) -> Any:
    """Return the logits of the next character at every place.

    Shapes: ids (n, T) -> (n, T, VOCABULARY)
    """
    x = model["places"](model["tokens"](ids))
    mask = tt.create_causal_mask(ids.shape[1])
    gelu = tt.GELU()
    for i in range(depth_of(model)):
        x = x + model[f"attention{i}"](model[f"attention_norm{i}"](x), mask)
        wide = gelu(model[f"expand{i}"](model[f"mlp_norm{i}"](x)))
        x = x + model[f"contract{i}"](wide)
    return model["head"](model["norm"](x))


def set_mode(model: dict[str, Any], *, training: bool) -> None:
    """Put all layers into training or evaluation."""
    for layer in model.values():
        if training:
            layer.train()
        else:
            layer.eval()


def rate_at(share: float) -> float:
    """Return the learning rate when `share` of the training is done, from 0 to 1."""
    rise = share / WARM_UP
    fall = 1 - (1 - LAST_RATE) * (share - WARM_UP) / (1 - WARM_UP)
    return LEARNING_RATE * min(rise, fall)


def train(
    tt: Any,
    model: dict[str, Any],
    data: dict[str, Any],
    budget: dict[str, int],
    log: Callable[..., None],
) -> Iterator[None]:
    """Train on windows from anywhere in the text; one slice is STEPS steps.

    Shapes: data["x"] and data["y"] (n,) ids, y being those of the next characters
    """
    rng = np.random.default_rng(budget["seed"])
    parameters = [p for layer in model.values() for p in layer.parameters()]
    optimizer = tt.AdamW(parameters, betas=BETAS, weight_decay=WEIGHT_DECAY)
    loss_fn = tt.CrossEntropyLoss()
    length = model["places"].parameters()[0].shape[0]
    batch, steps = budget.get("batch", BATCH), budget.get("steps", STEPS)
    for epoch in range(1, budget["epochs"] + 1):
        losses = []
        set_mode(model, training=True)  # who looked in between may have changed it
        for step in range(1, steps + 1):
            starts = rng.integers(len(data["x"]) - length + 1, size=(batch, 1))
            window = starts + np.arange(length)
            logits = forward(tt, model, tt.Tensor(data["x"][window]))
            following = tt.Tensor(data["y"][window].reshape(-1))
            loss = loss_fn(logits.reshape(-1, VOCABULARY), following)
            optimizer.zero_grad()
            loss.backward()
            optimizer.lr = rate_at((epoch - 1 + step / steps) / budget["epochs"])
            optimizer.step()
            losses.append(loss.item())
            log(step=step, steps=steps)
        log(epoch=epoch, loss=float(np.mean(losses)))
        yield


def predict(tt: Any, model: dict[str, Any], x: Any) -> Any:
    """Return logits as float32. Shapes: x (n, T) ids -> (n, T, VOCABULARY)."""
    set_mode(model, training=False)
    out = np.empty((*x.shape, VOCABULARY), np.float32)
    with tt.no_grad():
        for start in range(0, len(x), PREDICT_BATCH):
            part = slice(start, start + PREDICT_BATCH)
            out[part] = forward(tt, model, tt.Tensor(x[part])).data
    return out


def main() -> None:
    """Train, judge on unseen text, write some, and print what it all cost."""
    try:
        from milestones import datasets, runner  # noqa: PLC0415
    except ModuleNotFoundError as exc:
        sys.exit(f"{exc.name} is not installed here: run `make setup` first")
    from writing import after  # noqa: PLC0415 - it imports this script

    era = runner.Era(
        machine="one NVIDIA P100 (2016), at the rate that the paper reckons with",
        flops_per_s=9.5e12,
        memory_bytes=16 << 30,
        remark="The paper's base model needed twelve hours on eight of them.",
    )
    script = runner.Script(
        doc=__doc__ or "",
        build=build,
        train=train,
        predict=predict,
        load=datasets.shakespeare,
        epochs=EPOCHS,
        batch=BATCH,
        target=TARGET,
        era=era,
        task="language",
        steps=STEPS,
        after=after,
    )
    long = replace(script, epochs=LONG_EPOCHS, target=LONG_TARGET)
    sonnets = replace(
        script, load=datasets.sonnets, epochs=SONNET_EPOCHS, target=SONNET_TARGET
    )
    if "--sonnets" not in sys.argv:
        try:
            datasets.shakespeare(0)
        except datasets.DataMissingError as exc:
            print(f"{exc}\nWithout it: the sonnets instead.", file=sys.stderr)
            script = sonnets
    runner.main(script, long=long, sonnets=sonnets)


if __name__ == "__main__":
    main()
