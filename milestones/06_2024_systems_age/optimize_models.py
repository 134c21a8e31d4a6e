"""Milestone 06 (2024): trained models made small and quick, and nothing taken on trust.

Uses your modules 02 to 19. The models of milestones 03, 04 and 05 are trained with
their own scripts and then go through five steps: profile, analyse, optimise (weights of
one byte, pruning, low rank, a cache of keys and values, kernels), benchmark, compare.

"Production grade" means four things here, each measured at the end for each model:
size (the saved file has at most a third of the bytes of one in float32), latency (one
answer in at most 100 ms, below which it feels immediate), accuracy (at most one point,
or 0.02 nats, worse than before), and an artefact: a new process loads the saved file
and gives the same answers.

Run:    python optimize_models.py --seed 0
        python optimize_models.py --seed 0 --full      (published data, minutes)
Source: B. Jacob et al., "Quantization and training of neural networks for efficient
        integer-arithmetic-only inference", CVPR 2018, 2704-2713.
        S. Han, J. Pool, J. Tran, W. Dally, "Learning both weights and connections for
        efficient neural networks", NeurIPS 2015.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np

# The part that the grader runs: the network of milestone 03, and a decoder.
SIDE: Final = 28
HIDDEN: Final = (128, 64)
CLASSES: Final = 10
EPOCHS: Final = 20  # on the small digits; 2 on MNIST
BATCH: Final = 64
PREDICT_BATCH: Final = 1000  # keeps activations small
LEARNING_RATE: Final = 4e-3
FINE_RATE: Final = 2e-3  # after pruning
# So many parts of the data are the Trainer's epoch: the learning rate falls after each.
PARTS: Final = 4
# Many examples tell better which weights matter, and one epoch of them mends more.
MANY: Final = 10_000
SPARSITY: Final = 0.8
SPARSITY_OF_MANY: Final = 0.9
FINE_BATCH_OF_FEW: Final = 8  # so that one epoch has about 150 steps

VOCABULARY: Final = 67
CONTEXT: Final = 192
EMBED: Final = 192
LAYERS: Final = 4
HEADS: Final = 4


def build(tt: Any, rng: np.random.Generator, width: int = 1) -> dict[str, Any]:  # noqa: ARG001
    """Return the three Linear layers; `width` widens the two hidden ones."""
    one, two = HIDDEN[0] * width, HIDDEN[1] * width
    return {
        "fc1": tt.Linear(SIDE * SIDE, one),
        "fc2": tt.Linear(one, two),
        "fc3": tt.Linear(two, CLASSES),
    }


def network(tt: Any, model: dict[str, Any]) -> Any:
    """Return Linear-ReLU-Linear-ReLU-Linear on the layers of `model`."""
    fc1, fc2, fc3 = (model[name] for name in ("fc1", "fc2", "fc3"))
    return tt.Sequential(fc1, tt.ReLU(), fc2, tt.ReLU(), fc3)


def flatten(images: Any) -> Any:
    """Return rows in [0, 1], scaling bytes; small images are enlarged.

    Pixels of an 8x8 image are repeated three times each way, and zeros put around, so
    that one network takes the small digits and MNIST.

    Shapes: (n, side, side), side <= SIDE -> (n, SIDE * SIDE)
    """
    times = SIDE // images.shape[1]
    if times > 1:
        images = images.repeat(times, axis=1).repeat(times, axis=2)
    before = (SIDE - images.shape[1]) // 2
    around = (before, SIDE - images.shape[1] - before)
    rows = np.pad(images, ((0, 0), around, around)).reshape(len(images), -1)
    return rows / np.float32(255) if rows.dtype == np.uint8 else rows


def batches(tt: Any, data: dict[str, Any], rows: Any, size: int) -> Iterator[Any]:
    """Yield (images, class ids) as tensors, `size` examples at a time."""
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        yield tt.Tensor(flatten(data["x"][part])), tt.Tensor(data["y"][part])


def trainer(tt: Any, net: Any, rate: float, epochs: int) -> Any:
    """Return a Trainer with Adam whose learning rate falls from `rate`."""
    return tt.Trainer(
        net,
        tt.Adam(net.parameters(), lr=rate),
        tt.CrossEntropyLoss(),
        scheduler=tt.CosineSchedule(rate, rate / 50, PARTS * epochs),
    )


def train(
    tt: Any,
    model: dict[str, Any],
    data: dict[str, Any],
    budget: dict[str, int],
    log: Callable[..., None],
) -> Iterator[None]:
    """Train as in milestone 03; one slice is one epoch."""
    rng = np.random.default_rng(budget["seed"])
    fit = trainer(tt, network(tt, model), LEARNING_RATE, budget["epochs"])
    batch = budget.get("batch", BATCH)
    for epoch in range(1, budget["epochs"] + 1):
        order = rng.permutation(len(data["x"]))
        losses = [
            fit.train_epoch(batches(tt, data, part, batch))
            for part in np.array_split(order, PARTS)
        ]
        log(epoch=epoch, loss=float(np.mean(losses)))
        yield


def predict(tt: Any, model: dict[str, Any], x: Any) -> Any:
    """Return logits as float32. Shapes: x (n, side, side) -> (n, CLASSES)."""
    net = network(tt, model)
    with tt.no_grad():
        parts = [
            net(tt.Tensor(flatten(x[start : start + PREDICT_BATCH]))).data
            for start in range(0, len(x), PREDICT_BATCH)
        ]
    return np.concatenate(parts).astype(np.float32)


def quantized(tt: Any, model: dict[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Return what is saved: weights in int8, what they stand for, float32 biases."""
    arrays = {}
    for name, layer in model.items():
        small = tt.QuantizedLinear(layer)
        arrays[f"{name}.weight"] = small.weight
        arrays[f"{name}.scale"] = np.array(small.scale, np.float64)
        arrays[f"{name}.zero_point"] = np.array(small.zero_point, np.int64)
        arrays[f"{name}.bias"] = np.array(layer.bias.data, np.float32)
    return arrays


def load(tt: Any, arrays: dict[str, Any]) -> dict[str, Any]:
    """Return QuantizedLinear layers by name, made of what `quantized` returned."""
    model = {}
    for name in ("fc1", "fc2", "fc3"):
        weight = arrays[f"{name}.weight"]
        # A layer of the right kind, whose own bytes are then replaced.
        layer = tt.QuantizedLinear(tt.Linear(*weight.shape))
        layer.weight = weight
        layer.scale = float(arrays[f"{name}.scale"])
        layer.zero_point = int(arrays[f"{name}.zero_point"])
        layer.bias = tt.Tensor(arrays[f"{name}.bias"])
        model[name] = layer
    return model


def predict_quantized(tt: Any, loaded: dict[str, Any], x: Any) -> Any:
    """Return logits of the loaded model. Shapes: x (n, side, side) -> (n, CLASSES)."""
    return predict(tt, loaded, x)


def prune(
    tt: Any,
    model: dict[str, Any],
    data: dict[str, Any],
    budget: dict[str, int],
    log: Callable[..., None],
) -> Iterator[None]:
    """Zero the smallest weights of all layers; train one epoch in which they stay zero.

    One slice, whatever budget["epochs"] says.
    """
    many = len(data["x"]) >= MANY
    net = network(tt, model)
    tt.magnitude_prune(net, SPARSITY_OF_MANY if many else SPARSITY)
    weights = [layer.weight for layer in model.values()]
    gone = [w.data == 0 for w in weights]

    def kept(part: Any) -> Iterator[Any]:
        """Yield batches, and after each the step has been made: undo it for zeros."""
        size = budget.get("batch", BATCH if many else FINE_BATCH_OF_FEW)
        for pair in batches(tt, data, part, size):
            yield pair
            for w, zero in zip(weights, gone, strict=True):
                w.data[zero] = 0

    fit = trainer(tt, net, FINE_RATE, 1)
    order = np.random.default_rng(budget["seed"]).permutation(len(data["x"]))
    losses = [fit.train_epoch(kept(part)) for part in np.array_split(order, PARTS)]
    log(epoch=1, loss=float(np.mean(losses)))
    yield


def decoder(tt: Any, rng: np.random.Generator) -> Any:
    """Return a GPT in evaluation mode; its weights come from `rng`, untrained."""
    model = tt.GPT(VOCABULARY, EMBED, LAYERS, HEADS, CONTEXT)
    model.eval()
    (places,) = model.embedding.pos_encoding.parameters()
    layers = [model.lm_head]
    for block in model.blocks:
        read = block.attention
        layers += [read.q_proj, read.k_proj, read.v_proj, read.out_proj]
        layers += [block.mlp.linear1, block.mlp.linear2]
    drawn = [(layer.weight, layer.weight.shape[0] ** -0.5) for layer in layers]
    # Tables that are heard beside what the blocks add: else it repeats one id.
    drawn += [(model.embedding.token_embedding.weight, 1.0), (places, 1.0)]
    for weight, spread in drawn:
        weight.data = rng.normal(0, spread, weight.shape).astype(np.float32)
    return model


def decode(tt: Any, model: Any, prompt: Any, count: int, cached: bool) -> list[int]:
    """Return the `count` likeliest next ids, one after the other, after `prompt`.

    With `cached` keys and values are kept (module 18), else all is computed again.
    """
    if cached:
        tt.enable_kv_cache(model)
    else:
        tt.disable_kv_cache(model)
    ids = model.generate([list(map(int, prompt))], count, temperature=0)
    tt.disable_kv_cache(model)
    return [int(i) for i in ids.data[0, -count:]]


def main() -> None:
    """Take the three models through all five steps and print one table."""
    try:
        from milestones import runner  # noqa: F401, PLC0415
    except ModuleNotFoundError as exc:
        sys.exit(f"{exc.name} is not installed here: run `make setup` first")
    import workflow  # noqa: PLC0415 - it lies beside this script

    workflow.main(__doc__ or "")


if __name__ == "__main__":
    main()
