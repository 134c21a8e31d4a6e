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
OPTIMIZE = "capstone::closed_answers_stay_latency"
TRACKS = ("latency", "training", "memory", "generation", "all-round")
EVENTS = [(t, d) for t in TRACKS for d in ("closed", "open")] + [("capstone", "open")]


def asked(rng, track):
    """Return what a model of this track is asked, and the shape of its answer."""
    if track == "generation":
        return rng.integers(0, 65, size=(2, 5)), (2, 5, 65)
    return rng.random((3, 784)), (3, 10)


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
    """The capstone cannot be entered in the closed division."""
    pair = "capstone", "closed"
    call = f"TinyMLPerfEntry{pair}"
    raises(ValueError, tt.TinyMLPerfEntry, *pair, call=call, mentions=pair[:1])


def entered(tt, events):
    """Return track and division of an entry for each event."""
    made = [tt.TinyMLPerfEntry(*event) for event in events]
    return [(entry.track, entry.division) for entry in made]


@points(3)
@task("20.1")
@spec("TinyMLPerfEntry", "track, division: as given.")
def test_every_event_can_be_entered(tt):
    """All events of the competition are tracks, in both divisions."""
    found = remote_source(tt, entered, events=EVENTS)
    for event, got in zip(EVENTS, found, strict=True):
        call = f"TinyMLPerfEntry{event}: track and division"
        holds(tuple(got) == event, call=call, expected=str(event), got=str(got))


def answers(tt, events, x):
    """Return the answer to x of a new model for each event."""
    models = [tt.TinyMLPerfEntry(*event).build() for event in events]
    return [model(tt.Tensor(x)).data for model in models]


@points(4)
@needs("layers")
@task("20.2")
@spec("TinyMLPerfEntry.build", "The shapes of inputs and answers are those of the")
def test_model_fits_the_track(tt, rng):
    """The model takes the track's inputs and gives its answers."""
    x, want = asked(rng, "latency")  # other events: see fixed and small models below
    events = [e for e in EVENTS if e[0] in ("training", "all-round")]
    events.append(("latency", "open"))
    found = remote_source(tt, answers, events=events, x=x)
    for event, got in zip(events, found, strict=True):
        call = f"TinyMLPerfEntry{event}.build()(x).shape, x {x.shape}"
        same(got.shape, want, call=call, tol="exact")


def twins(tt, track, x):
    """Return the size of a model built, then of one made by the list, and answers.

    The model of the list gets the numbers of the other one. The million random numbers
    of its dense layers are saved: numpy does without.
    """
    dense = ()
    if track == "generation":
        twin = tt.GPT(
            vocab_size=65, embed_dim=64, num_layers=2, num_heads=4, max_seq_len=64
        )
    elif track == "memory":
        dense = ((10,), (256,), (256, 10), (4096, 256))
        twin = tt.Sequential(
            *(tt.Conv2d(3, 32, 5, padding=2), tt.ReLU(), tt.MaxPool2d(2)),
            *(tt.Conv2d(32, 64, 5, padding=2), tt.ReLU(), tt.MaxPool2d(2)),
            tt.Flatten(),
        )
    else:
        twin = tt.Sequential(
            *(tt.Linear(784, 128), tt.ReLU(), tt.Linear(128, 64), tt.ReLU()),
            tt.Linear(64, 10),
        )
    model = tt.TinyMLPerfEntry(track, "closed").build()
    model.eval()
    twin.eval()
    given, wanted = (
        sorted(((p.shape, p) for p in m.parameters()), key=lambda pair: pair[0])
        for m in (model, twin)
    )
    sizes = [sum(p.size for _, p in pairs) for pairs in (given, wanted)]
    sizes[1] += sum(int(np.prod(shape)) for shape in dense)
    shapes = [tuple(shape) for shape, _ in wanted]
    if [tuple(s) for s, _ in given] != sorted([*shapes, *dense]):
        return sizes, None, None
    tail = [p.data for s, p in given if tuple(s) in dense]
    head = [p for s, p in given if tuple(s) not in dense]
    for (_, mine), theirs in zip(wanted, head, strict=True):
        mine.data = theirs.data
    want = twin(tt.Tensor(x)).data
    if dense:
        want = np.maximum(want @ tail[3] + tail[1], 0) @ tail[2] + tail[0]
    return sizes, model(tt.Tensor(x)).data, want


@pytest.mark.parametrize("track", ["latency", "memory", "generation"])
@points(3)
@needs("layers", "spatial", "transformers")
@task("20.2")
@spec("TinyMLPerfEntry.build", "In the closed division the models are:")
def test_closed_models_are_fixed(tt, rng, track):
    """The models of the closed division are those of the rules."""
    shape = {"memory": (1, 3, 32, 32), "generation": (1, 12)}.get(track, (2, 784))
    x = rng.integers(0, 65, size=shape) if track == "generation" else rng.random(shape)
    (size, right), got, want = remote_source(tt, twins, track=track, x=x)
    call = f"TinyMLPerfEntry({track!r}, 'closed').build()"
    hint = "Compare layer by layer with the list in the docstring."
    same(size, right, call=f"{call}: parameters", tol="exact", hint=hint)
    holds(
        got is not None,
        call=f"{call}: shapes of the parameters",
        expected="those of the layers listed",
        got="other shapes, as many numbers",
        hint=hint,
    )
    call = f"{call}(x), and a model made by the list that has the same parameters"
    same(got, want, call=call, tol="training", hint=hint)


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


def before_and_after(tt, track, division, x, built):
    """Return answers and bytes of a model in evaluation, then of it optimized.

    Bytes in the open division only. A model that is not built by the entry is small.
    """
    entry = tt.TinyMLPerfEntry(track, division)
    if built:
        model = entry.build()
    elif track == "generation":
        model = tt.GPT(65, 16, 1, 2, 16)
    else:
        model = tt.Sequential(tt.Linear(784, 12), tt.ReLU(), tt.Linear(12, 10))
    model.eval()
    found = []
    for optimize in (False, True):
        model = entry.optimize(model) if optimize else model
        size = tt.model_size_bytes(model) if division == "open" else 0
        found.append((np.array(model(tt.Tensor(x)).data), size))
    return found


@pytest.mark.parametrize("track", ["latency", "generation"])
@points(3)
@needs("layers", "transformers")
@task("20.3")
@spec("TinyMLPerfEntry.optimize", "within 0.1 % of the largest number in it.")
def test_closed_answers_stay(tt, rng, track):
    """In the closed division the optimized model gives the same answers."""
    x, _ = asked(rng, track)
    for event in ["latency", "all-round"] if track == "latency" else [track]:
        (want, _), (got, _) = remote_source(
            tt, before_and_after, track=event, division="closed", x=x, built=False
        )
        share = off(got, want)
        holds(
            share <= 1e-3,
            call=f"closed division, {event}: optimize(model)(x) and model(x)",
            expected="a difference of at most 0.1 % of the largest",
            got=f"{share:.2%}",
            hint="Bytes and pruned weights are for the open division.",
        )


@pytest.mark.parametrize("track", ["capstone", "generation"])
@points(3)
@needs(BUILD, "quantization")
@task("20.3")
@spec("TinyMLPerfEntry.optimize", "it takes at most 40 % of the bytes of `model`")
def test_open_models_are_small(tt, rng, track):
    """In the open division the model shrinks, and answers stay close."""
    x, shape = asked(rng, track)
    for event in ["latency", "capstone"] if track == "capstone" else [track]:
        how = {"track": event, "built": event != "latency"}
        (want, before), (got, after) = remote_source(
            tt, before_and_after, division="open", x=x, **how
        )
        call = f"open division, {event}: build()(x).shape, x {x.shape}"
        same(want.shape, shape, call=call, tol="exact")
        call = f"open division, {event}: optimize(model)"
        holds(
            0 < after <= 0.4 * before,
            call=f"{call}: bytes kept",
            expected="at most 40 %",
            got=f"{after / before:.0%}",
            hint="quantize_model makes one byte of four.",
        )
        share = off(got, want)
        holds(
            share <= 0.1,
            call=f"{call}(x) and model(x)",
            expected="a difference of at most 10 % of the largest",
            got=f"{share:.0%}",
            hint="Too many weights pruned, or the result never given back?",
        )


def dropped(tt, events):
    """Return two answers of optimized models with Dropout, and whether one tracks."""
    found = []
    x = tt.Tensor(np.linspace(-1, 1, 784).reshape(1, 784))
    for track, division in events:
        model = tt.Sequential(tt.Linear(784, 20), tt.Dropout(0.5), tt.Linear(20, 10))
        model.train()
        model = tt.TinyMLPerfEntry(track, division).optimize(model)
        first, second = model(x), model(x)
        found.append((first.data, second.data, bool(first.requires_grad)))
    return found


@points(3)
@needs(OPTIMIZE)
@task("20.3")
@spec("TinyMLPerfEntry.optimize", "the same question gets the same answer.")
def test_inference_is_in_evaluation(tt):
    """Dropout is off in the model to be measured."""
    events = [("latency", "closed"), ("latency", "open"), ("all-round", "closed")]
    found = remote_source(tt, dropped, events=events)
    for (track, division), (first, second, _) in zip(events, found, strict=True):
        same(
            second,
            first,
            call=f"{track}, {division}: optimize(model with Dropout)(x), twice",
            tol="exact",
            hint="model.eval() switches Dropout off.",
        )


@points(2)
@needs(OPTIMIZE)
@task("20.3")
@spec("TinyMLPerfEntry.optimize", "It remembers nothing for gradients")
def test_inference_tracks_nothing(tt):
    """The answer of the model to be measured tracks no gradient."""
    events = [("latency", "closed"), ("all-round", "closed"), ("capstone", "open")]
    found = remote_source(tt, dropped, events=events)
    for (track, division), (_, _, tracked) in zip(events, found, strict=True):
        holds(
            tracked is False,
            call=f"{track}, {division}: optimize(model)(x).requires_grad",
            expected="False",
            got="True",
            hint="Have the model's forward run inside `no_grad()`.",
        )


def learners(tt, events, w):
    """Return mode, number of parameters and first weight of optimized models."""
    found = []
    for track, division in events:
        layer = tt.Linear(6, 6)
        layer.weight = tt.Tensor(w, requires_grad=True)
        model = tt.Sequential(layer, tt.Dropout(0.5), tt.Linear(6, 3))
        model.eval()
        model = tt.TinyMLPerfEntry(track, division).optimize(model)
        params = model.parameters()
        first = params[0].data if params else np.zeros(0)
        found.append((model.training, len(params), first))
    return found


@points(4)
@needs("layers")
@task("20.3")
@spec(
    "TinyMLPerfEntry.optimize",
    "the model returned is in training mode, with all",
)
def test_models_that_learn_stay_whole(tt, rng):
    """A model that is still to learn keeps mode, parameters and values."""
    w = rng.normal(size=(6, 6)).astype(np.float32)
    events = [(t, d) for t in ("training", "memory") for d in ("closed", "open")]
    found = remote_source(tt, learners, events=events, w=w)
    hint = "Bytes and frozen weights do not learn."
    for (track, division), (mode, count, first) in zip(events, found, strict=True):
        call = f"{track}, {division}: optimize(model)"
        fine = mode is True
        holds(fine, call=f"{call}.training", expected="True", got=mode, hint=hint)
        same(count, 4, call=f"{call}: number of parameters", tol="exact", hint=hint)
        same(first, w, call=f"{call}: the first weight", tol="exact", hint=hint)


def continued(tt, ids):
    """Return logits of the last token: right, of the optimized model, and of it alone.

    The optimized model is given all tokens but the last before.
    """
    model = tt.GPT(65, 16, 2, 2, 16)
    model.eval()
    text, last = tt.Tensor(ids[:, :-1]), tt.Tensor(ids[:, -1:])
    right = np.array(model(tt.Tensor(ids)).data[:, -1:])
    alone = np.array(model(last).data)
    fast = tt.TinyMLPerfEntry("generation", "closed").optimize(model)
    fast(text)
    return right, np.array(fast(last).data), alone


@points(2)
@needs("capstone::closed_answers_stay_generation", "caching")
@task("20.3")
@spec("TinyMLPerfEntry.optimize", "a call with one token continues the text")
def test_generation_has_a_cache(tt, rng):
    """After several tokens, one token continues the text."""
    ids = rng.integers(0, 65, size=(1, 8))
    want, got, alone = remote_source(tt, continued, ids=ids)
    same(
        got,
        want,
        call="generation, closed: 7 tokens, then 1: the logits of the last",
        tol="training",
        hint="enable_kv_cache changes the model it is given.",
        misconceptions={"no cache: the token is taken for a whole text": alone},
    )


def written(tt, ids, count):
    """Return the texts without and with a cache, and the logits of the first one."""
    model = tt.GPT(65, 16, 1, 2, 16)
    model.eval()
    text = model.generate(tt.Tensor(ids), count, temperature=0)
    logits = model(text).data
    fast = tt.TinyMLPerfEntry("generation", "closed").optimize(model)
    return text, fast.generate(tt.Tensor(ids), count, temperature=0), logits


@needs("capstone::generation_has_a_cache")
@task("20.3")
@spec("TinyMLPerfEntry.optimize", "gives the tokens of the model without a cache.")
def test_generation_writes_the_same(tt, rng):
    """Greedy generation gives the same tokens as before."""
    ids = rng.integers(0, 65, size=(1, 4))
    want, got, logits = remote_source(tt, written, ids=ids, count=8)
    call = "generation, closed: generate(4 tokens, 8, temperature=0)"
    same(got.shape, (1, 12), call=f"{call}: shape", tol="exact")
    best = np.sort(logits[0, 3:-1], axis=-1)
    close = np.flatnonzero(best[:, -1] - best[:, -2] < 1e-4)  # rounding may decide
    known = 4 + (int(close[0]) if close.size else 8)
    same(value(got)[:, :known], value(want)[:, :known], call=call, tol="exact")
