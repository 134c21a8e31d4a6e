"""What is sent into the sandbox beside a milestone's script. Nothing here is secret."""

from __future__ import annotations

from typing import Final

# `ATTRIBUTES` and `PARTS` are the names that the course fixes for leaf layers; the one
# parameter of a PositionalEncoding may have any name.
SOURCE: Final = """
import numpy as np

ATTRIBUTES = ("weight", "bias", "gamma", "beta", "running_mean", "running_var")
PARTS = ("q_proj", "k_proj", "v_proj", "out_proj")


class Run:
    copied = staticmethod(np.array)

    def __init__(self, tt, milestone, build, seed, epochs):
        self.tt, self.milestone = tt, milestone
        self.seed = seed
        self.budget = {"epochs": epochs, "seed": seed}
        self.losses = []
        self.model = getattr(milestone, build)(tt, np.random.default_rng(seed))

    def log(self, epoch=None, loss=None, **more):
        if loss is not None:
            self.losses.append(float(loss))

    def start(self, x, y):
        self.data = {"x": x, "y": y}
        self.steps = self.milestone.train(
            self.tt, self.model, self.data, self.budget, self.log
        )

    def prune(self):
        self.steps = self.milestone.prune(
            self.tt, self.model, self.data, self.budget, self.log
        )

    def slice(self):
        for _ in self.steps:
            return True, (self.losses or [None])[-1]
        return False, (self.losses or [None])[-1]

    def predict(self, x):
        return np.asarray(self.milestone.predict(self.tt, self.model, x), np.float32)

    def tensors(self):
        for name, layer in self.model.items():
            if type(layer).__name__ == "PositionalEncoding":
                yield name + ".places", layer.parameters()[0]
                continue
            inner = [(name + "." + part, getattr(layer, part, None)) for part in PARTS]
            for path, leaf in [(name, layer), *inner]:
                for attribute in ATTRIBUTES:
                    tensor = getattr(leaf, attribute, None)
                    if tensor is not None:
                        yield path + "." + attribute, tensor

    def parameters(self):
        return {
            path: np.array(getattr(tensor, "data", tensor), np.float32)
            for path, tensor in self.tensors()
        }

    def restore(self, values):
        tensors = dict(self.tensors())
        for path, value in values.items():
            tensor = tensors[path]
            if np.shape(tensor.data) != value.shape:
                raise ValueError(f"{path}: {value.shape}")
            tensor.data = self.copied(value)

    def quantized(self):
        return dict(self.milestone.quantized(self.tt, self.model))

    def load(self, arrays):
        self.loaded = self.milestone.load(self.tt, arrays)
        seen = {}
        held(self.loaded, seen)
        return sum(array.nbytes for array in seen.values())

    def predict_loaded(self, x):
        out = self.milestone.predict_quantized(self.tt, self.loaded, x)
        return np.asarray(out, np.float32)

    def decoder(self):
        self.writer = self.milestone.decoder(self.tt, np.random.default_rng(self.seed))

    def decode(self, prompt, count, cached):
        found = self.milestone.decode(self.tt, self.writer, prompt, count, cached)
        return [int(i) for i in found]


def held(x, seen, depth=0):
    # every array that an object reaches, each once, views by what they are views of
    if isinstance(x, np.ndarray):
        base = x if x.base is None or not isinstance(x.base, np.ndarray) else x.base
        seen[id(base)] = base
    elif depth < 12 and not isinstance(x, (str, bytes, int, float, type)):
        if isinstance(x, dict):
            parts = list(x.values())
        elif isinstance(x, (list, tuple, set)):
            parts = list(x)
        else:
            parts = list(getattr(x, "__dict__", {}).values())
            for kind in type(x).__mro__:
                slots = kind.__dict__.get("__slots__", ())
                slots = (slots,) if isinstance(slots, str) else slots
                parts += [getattr(x, name, None) for name in slots]
        for part in parts:
            held(part, seen, depth + 1)
"""
