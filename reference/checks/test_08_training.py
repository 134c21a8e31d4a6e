"""Hidden checks of module 08: training.

Most of them train one Linear layer under the mean squared error with plain SGD, whose
every step is worked out here in float64 numpy. The order of the data is given.
"""

from __future__ import annotations

import numpy as np
import pytest

from grader.checks import (
    cpu_limit,
    holds,
    needs,
    one_of,
    points,
    raises,
    same,
    set_data,
    spec,
    task,
    value,
)
from grader.checks.remote import remote_source

CLIP = "training::clip_scales_all_gradients_together"
EPOCH = "training::train_epoch_steps_after_each_batch"
LOSS = "training::train_epoch_returns_the_mean_loss_per_sample"
EVALUATE = "training::evaluate_returns_the_mean_loss_per_sample"
RESUME = "training::resuming_equals_not_stopping"
FILE = "checkpoint.npz"


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    """Keep checkpoints out of the way in-process; sandboxes have a scratch folder."""
    monkeypatch.chdir(tmp_path)


def linear(tt, w):
    """Return a Linear layer without bias that holds the weight `w`."""
    layer = tt.Linear(*w.shape, bias=False)
    set_data(layer.weight, w)
    return layer


def batches(tt, x, y, *sizes):
    """Return the rows of x and y as a list of batches of these sizes."""
    ends = np.cumsum(sizes)
    return [
        (tt.Tensor(x[end - n : end]), tt.Tensor(y[end - n : end]))
        for n, end in zip(sizes, ends, strict=True)
    ]


def problem(rng, rows):
    """Return weight (3, 2), inputs (rows, 3) and targets (rows, 2)."""
    return (
        rng.normal(size=(3, 2)),
        rng.normal(size=(rows, 3)),
        rng.normal(size=(rows, 2)),
    )


def slope(w, x, y):
    """Return the gradient of the mean squared error of x @ w."""
    return 2 * x.T @ (x @ w - y) / y.size


def mse(w, x, y):
    return ((x @ w - y) ** 2).mean()


def tracked(tt, grads):
    """Return one parameter a gradient, which has that gradient."""
    params = [tt.Tensor(np.zeros_like(g), requires_grad=True) for g in grads]
    for p, g in zip(params, grads, strict=True):
        (p * tt.Tensor(g)).sum().backward()
    return params


# CosineSchedule


@task("8.1")
@spec("CosineSchedule.get_lr", "get_lr(0) is max_lr and get_lr(total_epochs) is min_lr")
def test_cosine_ends(tt, rng):
    """CosineSchedule goes from max_lr to min_lr."""
    high, low = 0.5 + rng.random(), 0.1 * rng.random()
    schedule = tt.CosineSchedule(high, low, 8)
    same(schedule.get_lr(0), high, call="CosineSchedule(max, min, 8).get_lr(0)")
    same(schedule.get_lr(8), low, call="CosineSchedule(max, min, 8).get_lr(8)")


@needs("training::cosine_ends")
@task("8.1")
@spec("CosineSchedule.get_lr", "(1 + cos(pi * epoch / total_epochs)) / 2")
def test_cosine_between(tt, rng):
    """CosineSchedule follows half a cosine in between."""
    high, low, n = 0.5 + rng.random(), 0.1 * rng.random(), int(rng.integers(6, 12))
    schedule = tt.CosineSchedule(high, low, n)
    at = np.arange(n + 1) / n
    same(
        np.array([schedule.get_lr(epoch) for epoch in range(n + 1)]),
        low + (high - low) * (1 + np.cos(np.pi * at)) / 2,
        call=f"CosineSchedule(max, min, {n}).get_lr(0 .. {n})",
        hint="min + (max - min) * (1 + cos(pi * epoch / total)) / 2.",
        misconceptions={
            "a straight line": high + (low - high) * at,
            "a quarter of a cosine": low + (high - low) * np.cos(np.pi * at / 2),
        },
    )


@needs("training::cosine_ends")
@task("8.1")
@spec("CosineSchedule.get_lr", "Beyond that it stays min_lr.")
def test_cosine_stays_low(tt, rng):
    """Beyond total_epochs the learning rate stays min_lr."""
    low = 0.1 * rng.random()
    schedule = tt.CosineSchedule(1.0, low, 5)
    call = "CosineSchedule(1.0, min, 5).get_lr(8)"
    same(schedule.get_lr(8), low, call=call, hint="A cosine rises again after pi.")


# clip_grad_norm


@needs("autograd::mul_gradient")
@task("8.2")
@spec("clip_grad_norm", "The norm before clipping, a float.")
def test_clip_returns_the_norm_before(tt, rng):
    """clip_grad_norm returns the common norm before clipping."""
    grads = [rng.normal(size=(3, 4)), rng.normal(size=5)]
    norms = [np.linalg.norm(g) for g in grads]
    same(
        tt.clip_grad_norm(tracked(tt, grads), 0.5),
        np.hypot(*norms),
        call="clip_grad_norm([p, q], 0.5), p (3, 4), q (5,)",
        hint="sqrt of the sum of squares of all entries of all gradients.",
        tol="training",
        misconceptions={
            "the norm after clipping": 0.5,
            "the norms added": sum(norms),
            "the largest norm": max(norms),
            "the square of the norm": np.hypot(*norms) ** 2,
        },
    )


@points(2)
@needs("autograd::mul_gradient")
@task("8.2")
@spec("clip_grad_norm", "every gradient is multiplied by max_norm / norm")
def test_clip_scales_all_gradients_together(tt, rng):
    """Clipping scales all gradients by one factor, to a common norm of max_norm."""
    grads = [1 + rng.random((3, 4)), 1 + rng.random(5)]
    params = tracked(tt, grads)
    tt.clip_grad_norm(params, 0.5)
    norm = np.hypot(*[np.linalg.norm(g) for g in grads])
    for p, g in zip(params, grads, strict=True):
        same(
            p.grad,
            np.float32(g * 0.5 / norm),
            call=f"clip_grad_norm([p, q], 0.5): grad {g.shape}",
            hint="One norm over all parameters; p.grad * max_norm / norm.",
            tol="training",
            misconceptions={
                "each gradient clipped by its own norm": g * 0.5 / np.linalg.norm(g),
                "each entry clipped": np.clip(g, -0.5, 0.5),
                "not clipped": g,
            },
        )


@needs(CLIP)
@task("8.2")
@spec("clip_grad_norm", "else nothing changes")
def test_clip_leaves_small_gradients(tt, rng):
    """Gradients whose norm is below max_norm stay as they are."""
    g = rng.random(5)
    params = tracked(tt, [g])
    tt.clip_grad_norm(params, 10.0)
    call = "clip_grad_norm([p], 10.0): grad, norm below 10"
    wrong = {"scaled up to max_norm": g * 10 / np.linalg.norm(g)}
    hint = "Scale only if norm > max_norm."
    same(params[0].grad, np.float32(g), call=call, hint=hint, misconceptions=wrong)


@needs(CLIP)
@task("8.2")
@spec("clip_grad_norm", "Parameters whose grad is None are skipped.")
def test_clip_skips_missing_gradients(tt, rng):
    """A parameter without gradient takes no part in clipping."""
    g = rng.normal(size=5)
    params = [tt.Tensor(np.ones(3), requires_grad=True), *tracked(tt, [g])]
    call = "clip_grad_norm([p, q], 0.5), p without gradient"
    same(tt.clip_grad_norm(params, 0.5), np.linalg.norm(g), call=call, tol="training")


# train_epoch


@points(2)
@needs("optimizers::sgd_steps_downhill", "autograd::mse_gradient")
@task("8.3")
@spec("Trainer.train_epoch", "divided by the number of all samples: a float")
def test_train_epoch_returns_the_mean_loss_per_sample(tt, rng):
    """train_epoch returns the loss per sample, also with a smaller last batch."""
    w, x, y = problem(rng, 10)
    model = linear(tt, w)
    still = tt.SGD(model.parameters(), lr=1e-9)  # so that every batch meets one weight
    got = tt.Trainer(model, still, tt.MSELoss()).train_epoch(batches(tt, x, y, 4, 4, 2))
    parts = [mse(w, x[i:j], y[i:j]) for i, j in [(0, 4), (4, 8), (8, 10)]]
    same(
        got,
        mse(w, x, y),
        call="Trainer(...).train_epoch(loader), batches of 4, 4 and 2 samples",
        hint="Weight each batch's loss by its number of samples.",
        tol="training",
        misconceptions={
            "the mean over batches, as if all were equally large": np.mean(parts),
            "the sum over batches": sum(parts),
            "the sum over samples": 10 * mse(w, x, y),
            "the loss of the last batch": parts[-1],
        },
    )


@points(2)
@needs("optimizers::sgd_steps_downhill", "autograd::mse_gradient")
@task("8.3")
@spec("Trainer.train_epoch", "the optimizer steps; then they are forgotten")
def test_train_epoch_steps_after_each_batch(tt, rng):
    """Each batch makes one step, from its own gradient alone."""
    w, x, y = problem(rng, 8)
    model = linear(tt, w)
    trainer = tt.Trainer(model, tt.SGD(model.parameters(), lr=0.5), tt.MSELoss())
    (model.weight * 3.0).sum().backward()  # left over from something else
    trainer.train_epoch(batches(tt, x, y, 4, 4))
    first = slope(w, x[:4], y[:4])
    second = slope(w - 0.5 * first, x[4:], y[4:])
    late = w - 0.5 * (first + 3)
    same(
        model.weight,
        w - 0.5 * (first + second),
        call="Trainer(model, SGD(lr=0.5), MSELoss()).train_epoch(2 batches): weight",
        hint="Forget the gradients after each step.",
        tol="training",
        misconceptions={
            "the first batch's gradient still there in the second step": w
            - 0.5 * (2 * first + second),
            "a gradient from before the epoch used in its first step": late
            - 0.5 * slope(late, x[4:], y[4:]),
            "one step at the end, not one a batch": w
            - 0.5 * (first + slope(w, x[4:], y[4:])),
            "no step at all": w,
        },
    )


@points(2)
@needs(EPOCH, "autograd::second_backward_accumulates")
@task("8.3")
@spec("Trainer.train_epoch", "are divided by accumulation_steps")
def test_accumulation_averages(tt, rng):
    """Gradients accumulated over two batches are averaged into one step."""
    w, x, y = problem(rng, 8)
    model = linear(tt, w)
    trainer = tt.Trainer(model, tt.SGD(model.parameters(), lr=0.5), tt.MSELoss())
    trainer.train_epoch(batches(tt, x, y, 4, 4), accumulation_steps=2)
    first, second = slope(w, x[:4], y[:4]), slope(w, x[4:], y[4:])
    same(
        model.weight,
        w - 0.25 * (first + second),
        call="train_epoch(2 batches, accumulation_steps=2), SGD(lr=0.5): weight",
        hint="Two batches of 4 accumulated equal one batch of 8.",
        tol="training",
        misconceptions={
            "the sum of the gradients, not their mean": w - 0.5 * (first + second),
            "accumulation_steps ignored": w
            - 0.5 * (first + slope(w - 0.5 * first, x[4:], y[4:])),
            "only the last batch of the group": w - 0.5 * second,
        },
    )


@needs("training::accumulation_averages")
@task("8.3")
@spec("Trainer.train_epoch", "Batches left over at the end make a step too")
def test_accumulation_steps_at_the_end(tt, rng):
    """A group of batches that is incomplete at the end makes a step too."""
    w, x, y = problem(rng, 12)
    model = linear(tt, w)
    trainer = tt.Trainer(model, tt.SGD(model.parameters(), lr=0.5), tt.MSELoss())
    trainer.train_epoch(batches(tt, x, y, 4, 4, 4), accumulation_steps=2)
    half = w - 0.5 * slope(w, x[:8], y[:8])
    last = slope(half, x[8:], y[8:])
    one_of(
        model.weight,
        [half - 0.5 * last, half - 0.25 * last],
        call="train_epoch(3 batches, accumulation_steps=2): weight",
        hint="After the loop, step once more if gradients are waiting.",
        tol="training",
        misconceptions={"the last batch dropped": half},
    )


@needs(EPOCH, CLIP)
@task("8.3")
@spec("Trainer.train_epoch", "clipped if `grad_clip_norm` is given")
def test_trainer_clips(tt, rng):
    """With grad_clip_norm the gradient is clipped before each step."""
    w, x, y = problem(rng, 4)
    model = linear(tt, w)
    optimizer = tt.SGD(model.parameters(), lr=0.5)
    trainer = tt.Trainer(model, optimizer, tt.MSELoss(), grad_clip_norm=0.01)
    trainer.train_epoch(batches(tt, x, y, 4))
    g = slope(w, x, y)
    same(
        model.weight,
        w - 0.5 * g * 0.01 / np.linalg.norm(g),
        call="Trainer(..., grad_clip_norm=0.01).train_epoch(1 batch): weight",
        hint="clip_grad_norm between backward and step.",
        misconceptions={"the step not clipped": w - 0.5 * g},
    )


@needs(EPOCH, "training::cosine_between")
@task("8.3")
@spec("Trainer.train_epoch", "`optimizer.lr` becomes get_lr(epoch)")
def test_trainer_follows_the_schedule(tt, rng):
    """With a scheduler every epoch has its own learning rate, from get_lr(0) on."""
    w, x, y = problem(rng, 4)
    model, loader = linear(tt, w), batches(tt, x, y, 4)
    optimizer = tt.SGD(model.parameters(), lr=0.3)
    schedule = tt.CosineSchedule(0.8, 0.0, 2)  # 0.8, 0.4, 0
    trainer = tt.Trainer(model, optimizer, tt.MSELoss(), scheduler=schedule)
    trainer.train_epoch(loader)
    trainer.train_epoch(loader)
    epochs = trainer.epoch

    def after(*rates):
        at = w
        for lr in rates:
            at = at - lr * slope(at, x, y)
        return at

    same(
        model.weight,
        after(0.8, 0.4),
        call="Trainer(..., scheduler=CosineSchedule(0.8, 0, 2)), 2 epochs: weight",
        hint="Set optimizer.lr at the start of the epoch, before the first step.",
        tol="training",
        misconceptions={
            "the scheduler ignored": after(0.3, 0.3),
            "the schedule one epoch late": after(0.3, 0.8),
            "the schedule one epoch early": after(0.4, 0.0),
            "get_lr(0) in every epoch": after(0.8, 0.8),
        },
    )
    same(epochs, 2, call="train_epoch(loader), 2 epochs: trainer.epoch")


@needs(
    EPOCH,
    "layers::sequential_hands_train_and_eval_on",
    "layers::dropout_is_off_in_evaluation",
)
@task("8.3")
@spec("Trainer.train_epoch", "the model is switched to training")
def test_modes_are_switched(tt, rng):
    """train_epoch switches the model to training, evaluate to evaluation."""
    w, x, y = problem(rng, 20)
    model, loader = tt.Sequential(linear(tt, w), tt.Dropout(0.5)), batches(tt, x, y, 20)
    still = tt.SGD(model.parameters(), lr=1e-9)
    trainer = tt.Trainer(model, still, tt.MSELoss())
    model.eval()
    trainer.train_epoch(loader)
    call = "model.eval(); train_epoch(loader); model.training"
    holds(model.training, call=call, expected="True", got="False")
    loss = trainer.evaluate(loader)[0]
    call = "train_epoch(loader); evaluate(loader)[0], model with Dropout(0.5)"
    hint = "Switch to evaluation first: dropout then does nothing."
    same(loss, mse(w, x, y), call=call, hint=hint, tol="training")


# evaluate


@needs(LOSS)
@task("8.4")
@spec("Trainer.evaluate", "Return the mean loss per sample and the accuracy")
def test_evaluate_returns_the_mean_loss_per_sample(tt, rng):
    """Evaluate returns the loss per sample, also with a smaller last batch."""
    w, x, y = problem(rng, 10)
    model = linear(tt, w)
    trainer = tt.Trainer(model, tt.SGD(model.parameters(), lr=0.5), tt.MSELoss())
    parts = [mse(w, x[i:j], y[i:j]) for i, j in [(0, 4), (4, 8), (8, 10)]]
    same(
        trainer.evaluate(batches(tt, x, y, 4, 4, 2))[0],
        mse(w, x, y),
        call="evaluate(loader)[0], batches of 4, 4 and 2 samples",
        hint="Weight each batch's loss by its number of samples.",
        tol="training",
        misconceptions={
            "the mean over batches, as if all were equally large": np.mean(parts),
            "the sum over batches": sum(parts),
        },
    )


def accuracy_of(tt, outputs, ids):
    model = tt.Sequential()
    still = tt.SGD([tt.Tensor([0.0], requires_grad=True)])
    trainer = tt.Trainer(model, still, lambda out, _: out.mean())
    return trainer.evaluate([(tt.Tensor(outputs), tt.Tensor(ids))])[1]


@points(2)
@needs("layers::linear_without_bias", "losses::cross_entropy_is_the_mean_over_samples")
@task("8.4")
@spec("Trainer.evaluate", "the answer is the class of the largest output")
def test_accuracy_of_class_ids(tt, rng):
    """For class ids the answer is the largest output; all samples count alike."""
    w, x = rng.normal(size=(3, 4)), rng.normal(size=(11, 3))
    shares = rng.permutation(8) < 6, rng.permutation(3) < 1  # 6 of 8, 1 of 3 are right
    hits = np.concatenate(shares)
    ids = np.where(hits, (x @ w).argmax(axis=1), (x @ w).argmin(axis=1))
    model = linear(tt, w)
    trainer = tt.Trainer(model, tt.SGD(model.parameters()), tt.CrossEntropyLoss())
    same(
        trainer.evaluate(batches(tt, x, ids, 8, 3))[1],
        hits.mean(),
        call="evaluate(loader)[1], class ids, batches of 8 and 3 samples",
        hint="Right answers of all batches, divided by all samples.",
        misconceptions={
            "the mean of the batches' accuracies": (6 / 8 + 1 / 3) / 2,
            "a count, not a share": hits.sum(),
            "per cent, not a share": 100 * hits.mean(),
        },
    )
    texts, letters = rng.normal(size=(2, 5, 3)), rng.integers(0, 3, size=(2, 5))
    same(
        remote_source(tt, accuracy_of, outputs=texts, ids=letters),
        (texts.argmax(axis=-1) == letters).mean(),
        call="evaluate(loader)[1], outputs (2, 5, 3), class ids (2, 5)",
        hint="The classes stand along the last axis of the outputs; every id counts.",
    )


@needs("training::accuracy_of_class_ids", "losses::bce_is_the_mean_over_entries")
@task("8.4")
@spec("Trainer.evaluate", "right if both lie on the same side of 0.5")
def test_accuracy_of_probabilities(tt, rng):
    """For probabilities an answer is right on the same side of 0.5 as its target."""
    w, answers = rng.normal(size=(3, 1)), rng.permutation(9).reshape(9, 1) < 4
    x = (2 * answers - 1) * (0.5 + rng.random((9, 3))) * np.sign(w).T
    y = answers.copy()  # 4 of 9 are yes
    y[[answers.argmax(), answers.argmin()]] ^= True  # one yes and one no are wrong
    model = tt.Sequential(linear(tt, w), tt.Sigmoid())
    loss = tt.BinaryCrossEntropyLoss()
    trainer = tt.Trainer(model, tt.SGD(model.parameters()), loss)
    same(
        trainer.evaluate(batches(tt, x, y, 5, 4))[1],
        7 / 9,
        call="evaluate(loader)[1], probabilities (9, 1), targets 0 and 1",
        hint="argmax over one column is always 0; compare with 0.5 instead.",
        misconceptions={"argmax over one column, always class 0": 5 / 9},
    )


@needs(EVALUATE)
@task("8.4")
@spec("Trainer.evaluate", "no parameter or gradient changes")
def test_evaluate_trains_nothing(tt, rng):
    """Evaluate changes neither parameters nor gradients."""
    w, x, y = problem(rng, 8)
    model = linear(tt, w)
    trainer = tt.Trainer(model, tt.SGD(model.parameters(), lr=0.5), tt.MSELoss())
    trainer.evaluate(batches(tt, x, y, 4, 4))
    same(model.weight, w, call="evaluate(loader): weight")
    left = model.weight.grad
    clear = left is None or not value(left).any()
    call, hint = "evaluate(loader): weight.grad", "No backward, and inside no_grad()."
    holds(clear, call=call, expected="None", got="a gradient", hint=hint)


# Checkpoints


def trainer_of(tt, w, optimizer="SGD", schedule=None):
    """Return a Linear layer with weight `w` and a trainer for it."""
    model = linear(tt, w)
    options = {"momentum": 0.9} if optimizer == "SGD" else {}
    steps = getattr(tt, optimizer)(model.parameters(), lr=0.1, **options)
    return model, tt.Trainer(model, steps, tt.MSELoss(), scheduler=schedule)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW"])
@points(2)
@needs(EPOCH, "optimizers::sgd_momentum_trace", "optimizers::adam_trace")
@task("8.6")
@spec("Trainer.save_checkpoint", "equals one that was never saved")
def test_resuming_equals_not_stopping(tt, rng, optimizer):
    """Training that goes on from a checkpoint ends as if it had never stopped."""
    w, x, y = problem(rng, 8)
    loader = batches(tt, x, y, 4, 4)
    model, trainer = trainer_of(tt, w, optimizer)
    trainer.train_epoch(loader)
    trainer.save_checkpoint(FILE)
    saved = value(model.weight)
    trainer.train_epoch(loader)
    resumed, other = trainer_of(tt, rng.normal(size=(3, 2)), optimizer)
    other.load_checkpoint(FILE)
    same(resumed.weight, saved, call="load_checkpoint(path): weight", tol="training")
    other.train_epoch(loader)
    forgetful, third = trainer_of(tt, saved, optimizer)
    third.train_epoch(loader)
    same(
        resumed.weight,
        value(model.weight),
        call=f"{optimizer}: load_checkpoint(path); train_epoch(loader): weight",
        hint="The optimizer's memory (velocity, m, v, steps) belongs to a checkpoint.",
        tol="training",
        misconceptions={"the optimizer's memory lost": value(forgetful.weight)},
    )


@needs("training::resuming_equals_not_stopping_sgd")
@task("8.6")
@spec("Trainer.save_checkpoint", "the scheduler's numbers and `epoch`")
def test_resuming_continues_the_schedule(tt, rng):
    """A resumed trainer goes on with the learning rate of the saved epoch."""
    w, x, y = problem(rng, 4)
    loader, schedule = batches(tt, x, y, 4), tt.CosineSchedule(0.4, 0.1, 4)
    model, trainer = trainer_of(tt, w, schedule=schedule)
    trainer.train_epoch(loader)
    trainer.train_epoch(loader)
    trainer.save_checkpoint(FILE)
    trainer.train_epoch(loader)
    resumed, other = trainer_of(tt, w, schedule=tt.CosineSchedule(0.9, 0.0, 7))
    other.load_checkpoint(FILE)
    other.train_epoch(loader)
    same(
        resumed.weight,
        value(model.weight),
        call="load_checkpoint(path) of epoch 2; train_epoch(loader): weight",
        hint="Save how many epochs are done and the schedule's own numbers.",
        tol="training",
    )


@needs("training::resuming_equals_not_stopping_sgd")
@task("8.6")
@spec("Trainer.load_checkpoint", "The message names both shapes where there are two.")
def test_checkpoint_of_another_model(tt):
    """A checkpoint of a model with other shapes raises ValueError."""
    models = (tt.Linear(3, 1, bias=False), tt.Linear(3, 5, bias=False), tt.Linear(3, 1))
    trainer, wider, biased = (
        tt.Trainer(model, tt.SGD(model.parameters()), tt.MSELoss()) for model in models
    )
    trainer.save_checkpoint(FILE)
    call = "load_checkpoint(path) of a weight (3, 1) into one of (3, 5)"
    shapes, hint = [(3, 1), (3, 5)], "numpy would stretch (3, 1); compare the shapes."
    raises(
        ValueError, wider.load_checkpoint, FILE, call=call, mentions=shapes, hint=hint
    )
    call = "load_checkpoint(path) of a Linear without bias into one with bias"
    hint = "Look whether every parameter of the model is in the file."
    raises(ValueError, biased.load_checkpoint, FILE, call=call, hint=hint)


def headers_of(_tt, path):
    import zipfile  # noqa: PLC0415 -- sent as source, must be self-contained

    with zipfile.ZipFile(path) as archive:
        return {n: archive.read(n)[:128].decode("latin-1") for n in archive.namelist()}


@needs("training::resuming_equals_not_stopping_sgd")
@task("8.5")
@spec("Trainer.save_checkpoint", "so that the name stays as given), without pickle")
def test_checkpoint_has_no_pickle(tt, rng):
    """A checkpoint is an npz file that holds numbers only, nothing pickled."""
    _, trainer = trainer_of(tt, rng.normal(size=(3, 2)))
    trainer.save_checkpoint(FILE)
    headers = remote_source(tt, headers_of, path=FILE)
    plain = all(h[1:6] == "NUMPY" and "'|O'" not in h for h in headers.values())
    holds(
        plain,
        call="save_checkpoint(path): the arrays in the file",
        expected="arrays of numbers",
        got="an array of objects, which numpy pickles",
        hint="np.savez pickles lists, dicts and None; give it arrays of numbers.",
    )


def executed(tt, path):
    """Load a checkpoint all of whose arrays are pickles that leave a trace."""
    import zipfile  # noqa: PLC0415 -- sent as source, must be self-contained

    class Trace:
        def __reduce__(self):
            return exec, ("import numpy; numpy.trace_of_a_pickle = True",)

    model = tt.Linear(3, 2, bias=False)
    trainer = tt.Trainer(model, tt.SGD(model.parameters(), lr=0.1), tt.MSELoss())
    trainer.save_checkpoint(path)
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            with archive.open(name, "w") as file:
                np.lib.format.write_array(file, np.array([Trace()], dtype=object))
    try:
        trainer.load_checkpoint(path)
    except NotImplementedError:
        raise
    except (ValueError, TypeError, KeyError, RuntimeError, OSError):
        pass  # refusing is right
    found = hasattr(np, "trace_of_a_pickle")
    np.__dict__.pop("trace_of_a_pickle", None)
    return found


@needs("training::resuming_equals_not_stopping_sgd")
@task("8.6")
@spec("Trainer.load_checkpoint", "nothing in the file is executed, so no pickle")
def test_loading_executes_nothing(tt):
    """Loading a checkpoint from a stranger runs none of the stranger's code."""
    holds(
        not remote_source(tt, executed, path=FILE),
        call="load_checkpoint(path) of a file full of pickles",
        expected="nothing in it executed",
        got="its code was executed",
        hint="Never read with allow_pickle=True: unpickling runs what the file says.",
    )


# All of it together


@points(3)
@cpu_limit(5)
@needs(
    EPOCH,
    "autograd::every_parameter_gets_a_gradient",
    "optimizers::adam_trace",
    "training::accuracy_of_class_ids",
)
@task("8.3")
@spec("Trainer", "Fit a model to batches, measure it, save it.")
def test_learns_three_clouds(tt, rng):
    """A small network learns three clouds of points, measured on unseen ones."""
    centres = 3 * np.array([[1.0, 0.0], [-0.5, 0.87], [-0.5, -0.87]])
    ids = rng.integers(0, 3, size=240)
    x = centres[ids] + 0.6 * rng.normal(size=(240, 2))
    model = tt.Sequential(tt.Linear(2, 16), tt.ReLU(), tt.Linear(16, 3))
    optimizer = tt.Adam(model.parameters(), lr=0.02)
    trainer = tt.Trainer(model, optimizer, tt.CrossEntropyLoss())
    loader = batches(tt, x[:128], ids[:128], 32, 32, 32, 32)
    losses = [trainer.train_epoch(loader) for _ in range(15)]
    _, accuracy = trainer.evaluate(batches(tt, x[128:], ids[128:], 112))
    holds(
        losses[-1] < losses[0] / 2 and accuracy >= 0.9,
        call="15 epochs of Linear, ReLU, Linear on three clouds of points",
        expected="the loss halved at least, and 90 % of unseen points right",
        got=f"loss {losses[0]:.3g} to {losses[-1]:.3g}, accuracy {accuracy:.2f}",
        hint="If single steps are right, look at the mean, the modes and the order.",
    )
