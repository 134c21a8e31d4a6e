"""Hidden checks of module 20: the capstone.

What an optimization must keep is checked, not how it is done; speed is the business of
the competition.
"""

from __future__ import annotations

import numpy as np
import pytest

from grader.checks import holds, needs, points, raises, same, spec, task, value
from grader.checks.remote import remote_source

BUILD = "capstone::model_fits_the_track"
OPTIMIZE = "capstone::closed_answers_stay"
SHAPES = {  # track: input, answer
    "latency": ((3, 784), (3, 10)),
    "training": ((3, 784), (3, 10)),
    "memory": ((2, 3, 32, 32), (2, 10)),
    "generation": ((2, 5), (2, 5, 65)),
    "all-round": ((3, 784), (3, 10)),
}


def entry(tt, track, division="closed"):
    return tt.TinyMLPerfEntry(track, division)


def answers(tt, model, x):
    """Return what `model` answers to the array x."""
    return value(model(tt.Tensor(x)))


def off(got, want):
    """Return the largest difference as a share of the largest number."""
    return float(np.abs(got - want).max() / np.abs(want).max())


@points(2)
@task("20.1")
@spec("TinyMLPerfEntry.__init__", "`track` is not in TRACKS, `division` not in")
def test_unknown_events_are_refused(tt):
    """A track or division that does not exist raises ValueError."""
    for track, division, wrong in (
        ("speed", "closed", "speed"),
        ("latency", "ajar", "ajar"),
        ("Latency", "open", "Latency"),
    ):
        raises(
            ValueError,
            tt.TinyMLPerfEntry,
            track,
            division,
            call=f"TinyMLPerfEntry({track!r}, {division!r})",
            mentions=[wrong],
            hint="Look both up in the tuples TRACKS and DIVISIONS.",
        )


@task("20.1")
@spec("TinyMLPerfEntry.__init__", "the capstone is entered in the closed division")
def test_capstone_is_open_only(tt):
    """The capstone is an event of the open division only."""
    call = "TinyMLPerfEntry('capstone', 'closed')"
    raises(ValueError, tt.TinyMLPerfEntry, "capstone", "closed", call=call)
    got = entry(tt, "capstone", "open")
    for name, want in (("track", "capstone"), ("division", "open")):
        found = getattr(got, name)
        call = f"TinyMLPerfEntry('capstone', 'open').{name}"
        holds(found == want, call=call, expected=repr(want), got=repr(found))


@pytest.mark.parametrize("division", ["closed", "open"])
@task("20.1")
@spec("TinyMLPerfEntry", "track, division: as given.")
def test_every_event_can_be_entered(tt, division):
    """All events of the competition are tracks, in both divisions."""
    for track in SHAPES:
        got = entry(tt, track, division).track
        call = f"TinyMLPerfEntry({track!r}, {division!r}).track"
        holds(got == track, call=call, expected=repr(track), got=repr(got))


@pytest.mark.parametrize("track", list(SHAPES))
@points(2)
@needs("layers", "spatial", "transformers")
@task("20.2")
@spec("TinyMLPerfEntry.build", "The shapes of inputs and answers are those of the")
def test_model_fits_the_track(tt, rng, track):
    """The model takes the track's inputs and gives its answers."""
    given, want = SHAPES[track]
    x = rng.integers(0, 65, size=given) if track == "generation" else rng.random(given)
    divisions = ("closed",) if track == "memory" else ("closed", "open")
    for division in divisions:
        got = answers(tt, entry(tt, track, division).build(), x)
        call = f"TinyMLPerfEntry({track!r}, {division!r}).build()(x).shape, x {given}"
        same(got.shape, want, call=call, tol="exact")


@points(2)
@needs(BUILD)
@task("20.2")
@spec("TinyMLPerfEntry.build", "In the closed division the models are:")
def test_closed_models_are_fixed(tt):
    """MLP and CNN of the closed division have the parameters of the rules."""
    for track, want in (("latency", 109_386), ("memory", 1_105_098)):
        model = entry(tt, track).build()
        got = sum(int(p.size) for p in model.parameters())
        same(
            got,
            want,
            call=f"TinyMLPerfEntry({track!r}, 'closed').build(): parameters",
            tol="exact",
            hint="Compare layer by layer with the list in the docstring.",
        )


def seeded(tt):
    """Return the first weights of three models, the first and third of one seed."""
    found = []
    for seed in (3, None, 3):
        if seed is not None:
            np.random.seed(seed)
        model = tt.TinyMLPerfEntry("latency", "closed").build()
        found.append(np.array(model.parameters()[0].data[:2, :5]))
    return found


@needs(BUILD)
@task("20.2")
@spec("TinyMLPerfEntry.build", "Every call gives a model of its own.")
def test_every_model_is_new(tt):
    """Each build draws new weights; a seed gives the same ones again."""
    first, second, third = remote_source(tt, seeded)
    call = "weights of two models of build()"
    holds(
        not np.allclose(first, second), call=call, expected="other weights", got="equal"
    )
    call = "numpy.random.seed(3); build(), twice"
    same(third, first, call=call, tol="exact", hint="No generator of your own.")


@pytest.mark.parametrize("track", ["latency", "all-round", "generation"])
@points(2)
@needs(BUILD)
@task("20.3")
@spec("TinyMLPerfEntry.optimize", "within 0.1 % of the largest number in it.")
def test_closed_answers_stay(tt, rng, track):
    """In the closed division the optimized model gives the same answers."""
    given, _ = SHAPES[track]
    x = rng.integers(0, 65, size=given) if track == "generation" else rng.random(given)
    made = entry(tt, track)
    model = made.build()
    model.eval()
    want = answers(tt, model, x)
    share = off(answers(tt, made.optimize(model), x), want)
    holds(
        share <= 1e-3,
        call=f"closed division, {track}: optimize(model)(x) and model(x)",
        expected="a difference of at most 0.1 % of the largest",
        got=f"{share:.2%}",
        hint="Bytes and pruned weights are for the open division.",
    )


@pytest.mark.parametrize("track", ["latency", "capstone", "generation"])
@points(2)
@needs(BUILD, "quantization")
@task("20.3")
@spec("TinyMLPerfEntry.optimize", "it takes at most 40 % of the bytes of `model`")
def test_open_models_are_small(tt, rng, track):
    """In the open division the model shrinks, and answers stay close."""
    given, _ = SHAPES.get(track, SHAPES["latency"])
    x = rng.integers(0, 65, size=given) if track == "generation" else rng.random(given)
    made = entry(tt, track, "open")
    model = made.build()
    model.eval()
    want, before = answers(tt, model, x), int(tt.model_size_bytes(model))
    small = made.optimize(model)
    kept = int(tt.model_size_bytes(small)) / before
    call = f"open division, {track}: optimize(model)"
    holds(
        0 < kept <= 0.4,
        call=f"{call}: bytes kept",
        expected="at most 40 %",
        got=f"{kept:.0%}",
        hint="quantize_model makes one byte of four.",
    )
    share = off(answers(tt, small, x), want)
    holds(
        share <= 0.1,
        call=f"{call}(x) and model(x)",
        expected="a difference of at most 10 % of the largest",
        got=f"{share:.0%}",
        hint="Too many weights pruned, or the result never given back?",
    )


def dropped(tt, track, division):
    """Return two answers of an optimized model with Dropout, and if one tracks."""
    model = tt.Sequential(tt.Linear(784, 50), tt.Dropout(0.5), tt.Linear(50, 10))
    model.train()
    model = tt.TinyMLPerfEntry(track, division).optimize(model)
    x = tt.Tensor(np.linspace(-1, 1, 784).reshape(1, 784))
    first, second = model(x), model(x)
    return np.array(first.data), np.array(second.data), bool(first.requires_grad)


@pytest.mark.parametrize("division", ["closed", "open"])
@points(2)
@needs(OPTIMIZE)
@task("20.3")
@spec("TinyMLPerfEntry.optimize", "the same question gets the same answer.")
def test_inference_is_in_evaluation(tt, division):
    """Dropout is off in the model to be measured."""
    first, second, _ = remote_source(tt, dropped, track="latency", division=division)
    same(
        second,
        first,
        call=f"latency, {division}: optimize(model with Dropout)(x), twice",
        tol="exact",
        hint="model.eval() switches Dropout off.",
    )


@pytest.mark.parametrize("track", ["latency", "all-round"])
@needs(OPTIMIZE)
@task("20.3")
@spec("TinyMLPerfEntry.optimize", "It remembers nothing for gradients")
def test_inference_tracks_nothing(tt, track):
    """The answer of the model to be measured tracks no gradient."""
    _, _, tracked = remote_source(tt, dropped, track=track, division="closed")
    holds(
        not tracked,
        call=f"{track}, closed: optimize(model)(x).requires_grad",
        expected="False",
        got="True",
        hint="Have the model's forward run inside `no_grad()`.",
    )


@pytest.mark.parametrize("track", ["training", "memory"])
@pytest.mark.parametrize("division", ["closed", "open"])
@needs("layers")
@task("20.3")
@spec(
    "TinyMLPerfEntry.optimize",
    "the model returned is in training mode, with all",
)
def test_models_that_learn_stay_whole(tt, rng, track, division):
    """A model that is still to learn keeps mode, parameters and values."""
    w = rng.normal(size=(6, 6)).astype(np.float32)
    layer = tt.Linear(6, 6)
    layer.weight = tt.Tensor(w, requires_grad=True)
    model = tt.Sequential(layer, tt.Dropout(0.5), tt.Linear(6, 3))
    model.eval()
    got = entry(tt, track, division).optimize(model)
    call = f"{track}, {division}: optimize(model)"
    hint = "Bytes and frozen weights do not learn."
    mode = got.training
    holds(mode is True, call=f"{call}.training", expected="True", got=mode, hint=hint)
    params = got.parameters()
    same(len(params), 4, call=f"{call}: number of parameters", tol="exact", hint=hint)
    same(params[0], w, call=f"{call}: the first weight", tol="exact", hint=hint)


@points(2)
@needs("capstone::closed_answers_stay_generation", "caching")
@task("20.3")
@spec("TinyMLPerfEntry.optimize", "a call with one token continues the text")
def test_generation_has_a_cache(tt, rng):
    """After several tokens, one token continues the text."""
    ids = rng.integers(0, 65, size=(1, 8))
    made = entry(tt, "generation")
    model = made.build()
    model.eval()
    want, alone = answers(tt, model, ids)[:, 7:], answers(tt, model, ids[:, 7:])
    fast = made.optimize(model)
    fast(tt.Tensor(ids[:, :7]))
    same(
        answers(tt, fast, ids[:, 7:]),
        want,
        call="generation, closed: 7 tokens, then 1: the logits of the last",
        tol="training",
        hint="enable_kv_cache changes the model it is given.",
        misconceptions={"no cache: the token is taken for a whole text": alone},
    )


@needs("capstone::generation_has_a_cache")
@task("20.3")
@spec("TinyMLPerfEntry.optimize", "gives the tokens of the model without a cache.")
def test_generation_writes_the_same(tt, rng):
    """Greedy generation gives the same tokens as before."""
    ids = rng.integers(0, 65, size=(1, 4))
    made = entry(tt, "generation")
    model = made.build()
    model.eval()
    want = value(model.generate(tt.Tensor(ids), 12, temperature=0))
    got = value(made.optimize(model).generate(tt.Tensor(ids), 12, temperature=0))
    call = "generation, closed: generate(4 tokens, 12, temperature=0)"
    same(got, want, call=call, tol="exact")
