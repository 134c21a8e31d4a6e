"""Module 20: the capstone, your entry to TinyMLPerf.

You will build:

    20.1  TinyMLPerfEntry.__init__   which event, which rules   about 8 lines
    20.2  TinyMLPerfEntry.build      the model                  about 25 lines
    20.3  TinyMLPerfEntry.optimize   the model to be measured   about 15 lines

The tracks are the events of the competition. In the closed division everybody enters
the same model, and only the library differs; in the open division the model is yours,
and its answers may be a little less exact for fewer bytes.

    track        what is measured                           shape of x -> of the answer
    latency      inference of the MLP                       (n, 784) -> (n, 10)
    training     time until the MLP has learned             (n, 784) -> (n, 10)
    memory       peak memory while the CNN learns           (n, 3, 32, 32) -> (n, 10)
    generation   tokens per second of the GPT               ids (n, t) -> (n, t, 65)
    all-round    all of these, here with the MLP            (n, 784) -> (n, 10)
    capstone     your own application, open division only   (n, 784) -> (n, 10)

Run `make test-20` after each task. Then measure, with modules 14 and 19, what your
changes are worth.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tinytorch.activations import ReLU
from tinytorch.autograd import no_grad
from tinytorch.caching import enable_kv_cache
from tinytorch.layers import Linear, Sequential
from tinytorch.quantization import quantize_model
from tinytorch.spatial import Conv2d, Flatten, MaxPool2d
from tinytorch.transformers import GPT

TRACKS = ("latency", "training", "memory", "generation", "all-round", "capstone")
DIVISIONS = ("closed", "open")
LEARNING = ("training", "memory")  # tracks whose model is measured while it learns


class TinyMLPerfEntry:
    """One entry: a model for a track, and what is done to it before it is measured.

    Attributes:
        track, division: as given.
    """

    def __init__(self, track: str, division: str) -> None:
        """Keep track and division.

        Raises:
            ValueError: `track` is not in TRACKS, `division` not in DIVISIONS, or the
                capstone is entered in the closed division. The message names what was
                given.

        Example:
            >>> TinyMLPerfEntry("latency", "closed").track
            'latency'
        """
        if track not in TRACKS or division not in DIVISIONS:
            msg = f"there is no track {track!r} in the division {division!r}"
            raise ValueError(msg)
        if track == "capstone" and division == "closed":
            msg = f"the track {track!r} is not in the division {division!r}"
            raise ValueError(msg)
        self.track, self.division = track, division

    def build(self) -> Any:
        """Return a new model for the track, with random weights, ready to be trained.

        The shapes of inputs and answers are those of the table in the module's
        docstring. In the closed division the models are:

        - MLP: Linear(784, 128), ReLU, Linear(128, 64), ReLU, Linear(64, 10); that is
          109,386 parameters, counting every entry.
        - CNN: Conv2d(3, 32, 5, padding=2), ReLU, MaxPool2d(2),
          Conv2d(32, 64, 5, padding=2), ReLU, MaxPool2d(2), Flatten, Linear(4096, 256),
          ReLU, Linear(256, 10); 1,105,098 parameters.
        - GPT(vocab_size=65, embed_dim=64, num_layers=2, num_heads=4, max_seq_len=64).

        In the open division any model of these shapes will do, also these. Every call
        gives a model of its own. The weights come from numpy's global random numbers:
        the same ones after the same numpy.random.seed.

        Example:
            >>> model = TinyMLPerfEntry("latency", "closed").build()
            >>> sum(p.size for p in model.parameters())
            109386
        """
        if self.track == "memory":
            return _cnn()
        if self.track == "generation":
            return GPT(65, 64, 2, 4, 64)
        return _mlp()

    def optimize(self, model: Any) -> Any:
        """Return the model to be measured: `model` after training, made fast or small.

        `model` may be changed in place or not. It need not come from `build`: any model
        of the track's kind, with Dropout in it too, will do.

        Tracks "training" and "memory" are measured while the model learns: the model
        returned is in training mode, with all of its parameters, their values
        unchanged. All other tracks are measured in inference:

        - The model returned is in evaluation mode: the same question gets the same
          answer.
        - It remembers nothing for gradients: with a Tensor that does not track, the
          answer does not track either. `no_grad` does that, around the model's forward:
          an attribute `forward` of the object comes before the class's method.
        - Track "generation": it has a key-value cache. After a call with several tokens
          a call with one token continues the text, and `generate` with temperature 0
          gives the tokens of the model without a cache.
        - Closed division: every answer equals that of `model` in evaluation mode,
          within 0.1 % of the largest number in it.
        - Open division: it takes at most 40 % of the bytes of `model`, by
          `model_size_bytes`; every number of an answer differs from that of `model` by
          at most 10 % of the largest number in it.

        Example:
            >>> entry = TinyMLPerfEntry("all-round", "open")
            >>> model = entry.optimize(entry.build())
            >>> type(model.layers[0]).__name__, model.training
            ('QuantizedLinear', False)
        """
        if self.track in LEARNING:
            model.train()
            return model
        if self.division == "open":
            model = quantize_model(model)
        model.eval()
        if self.track == "generation":
            enable_kv_cache(model)
        # An attribute of the object comes before the class's method.
        model.forward = partial(_untracked, model.forward)
        return model


def _untracked(forward: Callable[..., Any], *args: Any) -> Any:
    """Return forward(*args), which leaves no trace for `backward`."""
    with no_grad():
        return forward(*args)


def _mlp() -> Sequential:
    """Return the multilayer perceptron of milestone 03."""
    return Sequential(Linear(784, 128), ReLU(), Linear(128, 64), ReLU(), Linear(64, 10))


def _cnn() -> Sequential:
    """Return the convolutional network of milestone 04."""
    return Sequential(
        *(Conv2d(3, 32, 5, padding=2), ReLU(), MaxPool2d(2)),
        *(Conv2d(32, 64, 5, padding=2), ReLU(), MaxPool2d(2)),
        *(Flatten(), Linear(4096, 256), ReLU(), Linear(256, 10)),
    )
