"""Module 20: the capstone."""

from __future__ import annotations

import numpy as np
import pytest
from checklib import holds, raises, same

SHAPES = {  # track: input, answer
    "latency": ((2, 784), (2, 10)),
    "memory": ((2, 3, 32, 32), (2, 10)),
    "generation": ((2, 5), (2, 5, 65)),
    "all-round": ((2, 784), (2, 10)),
}


@pytest.mark.parametrize("pair", [("latency", "ajar"), ("speed", "open")])
def test_20_1_track_and_division_must_exist(tt, pair):
    call, wrong = f"TinyMLPerfEntry{pair}", pair[pair[0] == "latency"]
    raises(ValueError, tt.TinyMLPerfEntry, *pair, call=call, mentions=[wrong])


def test_20_1_the_capstone_is_open(tt):
    pair = ("capstone", "closed")
    raises(ValueError, tt.TinyMLPerfEntry, *pair, call=f"TinyMLPerfEntry{pair}")
    got = tt.TinyMLPerfEntry("capstone", "open")
    names = (got.track, got.division)
    holds(names == ("capstone", "open"), call="track and division", expected="as given")


@pytest.mark.parametrize("track", SHAPES)
def test_20_2_the_model_fits_the_track(tt, track):
    given, want = SHAPES[track]
    model = tt.TinyMLPerfEntry(track, "closed").build()
    got = model(tt.Tensor(np.zeros(given))).shape
    same(got, want, call=f"build() of {track!r}: shape of the answer to {given}")


@pytest.mark.parametrize(("track", "n"), [("training", 109_386), ("memory", 1_105_098)])
def test_20_2_the_closed_division_has_one_model(tt, track, n):
    model = tt.TinyMLPerfEntry(track, "closed").build()
    same(sum(p.size for p in model.parameters()), n, call=f"{track}: parameters")


def test_20_2_the_gpt_is_the_one_of_the_list(tt):
    model = tt.TinyMLPerfEntry("generation", "closed").build()
    want = [p.shape for p in tt.GPT(65, 64, 2, 4, 64).parameters()]
    got = [p.shape for p in model.parameters()]
    holds(got == want, call="generation: shapes of parameters", expected=str(want))


def test_20_3_the_closed_division_keeps_the_answers(tt):
    entry, x = tt.TinyMLPerfEntry("latency", "closed"), tt.Tensor(np.ones((1, 784)))
    model = entry.build()
    want = model(x).data.copy()
    got = entry.optimize(model)(x)
    same(got, want, call="optimize(model)(x), closed", tol="training")
    holds(not got.requires_grad, call="its requires_grad", expected="False")


def test_20_3_inference_is_in_evaluation(tt):
    model = tt.Sequential(tt.Linear(784, 10), tt.Dropout(0.5))
    model = tt.TinyMLPerfEntry("latency", "closed").optimize(model)
    x = tt.Tensor(np.ones((1, 784)))
    same(model(x), model(x).data, call="the same question asked twice, with Dropout")


def test_20_3_the_open_division_has_fewer_bytes(tt):
    entry = tt.TinyMLPerfEntry("capstone", "open")
    model = entry.build()
    before = tt.model_size_bytes(model)
    share = tt.model_size_bytes(entry.optimize(model)) / before
    holds(share <= 0.4, call="bytes kept", expected="at most 40 %", got=f"{share:.0%}")


def test_20_3_a_model_that_learns_keeps_its_parameters(tt):
    entry = tt.TinyMLPerfEntry("training", "closed")
    model = entry.optimize(entry.build())
    same(len(model.parameters()), 6, call="training: number of parameters")
    holds(model.training, call="training: model.training", expected="True")


def test_20_3_generation_continues_with_a_cache(tt):
    entry = tt.TinyMLPerfEntry("generation", "closed")
    model = entry.build()
    model.eval()
    want = model(tt.Tensor([[1, 2, 3]])).data[:, 2:]
    model = entry.optimize(model)
    model(tt.Tensor([[1, 2]]))
    same(model(tt.Tensor([[3]])), want, call="[1, 2], then [3]", tol="training")
