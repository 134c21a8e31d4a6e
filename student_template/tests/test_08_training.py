"""Module 08: training. Every number here can be checked by hand."""

from __future__ import annotations

import numpy as np
from checklib import holds, raises, same, set_data, value


def trainer(tt, weight, **options):
    """Return a trainer of y = weight * x under the mean squared error, lr 0.5."""
    model = tt.Linear(1, 1, bias=False)
    set_data(model.weight, [[weight]])
    momentum = options.pop("momentum", 0.0)
    optimizer = tt.SGD(model.parameters(), lr=0.5, momentum=momentum)
    return tt.Trainer(model, optimizer, tt.MSELoss(), **options)


def batch(tt, *ys):
    """Return a batch whose x are all 1: the loss is the mean of (weight - y)^2."""
    return tt.Tensor([[1.0]] * len(ys)), tt.Tensor([[float(y)] for y in ys])


def test_8_1_cosine_goes_from_max_to_min(tt):
    schedule = tt.CosineSchedule(1.0, 0.2, 10)
    got = [schedule.get_lr(epoch) for epoch in (0, 5, 10, 12)]
    same(got, [1.0, 0.6, 0.2, 0.2], call="CosineSchedule(1, 0.2, 10) at 0, 5, 10, 12")


def test_8_2_clip_grad_norm(tt):
    p, q = (tt.Tensor([0.0], requires_grad=True) for _ in range(2))
    (p * 3 + q * 4).sum().backward()
    norm = tt.clip_grad_norm([p, q], 1.0)
    same(norm, 5.0, call="clip_grad_norm of gradients [3] and [4]")
    same(p.grad, [0.6], call="clip_grad_norm([p, q], 1.0); p.grad", hint="3 / 5")


def test_8_2_clip_leaves_small_gradients(tt):
    p = tt.Tensor([0.0], requires_grad=True)
    (p * 3).sum().backward()
    tt.clip_grad_norm([p], 10.0)
    same(p.grad, [3.0], call="clip_grad_norm of gradient [3], max_norm 10")


def test_8_3_every_batch_makes_a_step(tt):
    t = trainer(tt, 0)
    t.train_epoch([batch(tt, 1), batch(tt, 3)])
    hint = "The slope is 2 (w - y): w is 0, then 1, then 3."
    same(t.model.weight, [[3.0]], call="train_epoch with y = 1, y = 3", hint=hint)


def test_8_3_the_loss_is_the_mean_per_sample(tt):
    t = trainer(tt, 0)
    t.optimizer.lr = 0.0
    loss = t.train_epoch([batch(tt, 1, 1, 1), batch(tt, 3)])
    hint = "(1 + 1 + 1 + 9) / 4 samples, not (1 + 9) / 2 batches."
    same(loss, 3.0, call="train_epoch, losses 1 of 3 samples and 9 of 1", hint=hint)


def test_8_3_accumulated_gradients_are_averaged(tt):
    t = trainer(tt, 0)
    t.train_epoch([batch(tt, 1), batch(tt, 3)], accumulation_steps=2)
    hint = "Slopes -2 and -6, on average -4: one step to 2."
    call = "train_epoch with y = 1, y = 3, accumulation_steps=2"
    same(t.model.weight, [[2.0]], call=call, hint=hint)


def test_8_3_what_is_left_at_the_end_makes_a_step(tt):
    t = trainer(tt, 0)
    t.train_epoch([batch(tt, 1)], accumulation_steps=2)
    moved = float(value(t.model.weight)[0, 0]) > 0
    call = "train_epoch with one batch, accumulation_steps=2"
    holds(moved, call=call, expected="a step", got="none")


def test_8_3_gradients_are_clipped(tt):
    t = trainer(tt, 0, grad_clip_norm=1.0)
    t.train_epoch([batch(tt, 10)])
    same(t.model.weight, [[0.5]], call="slope -20, grad_clip_norm=1, lr 0.5: weight")


def test_8_3_the_scheduler_sets_the_learning_rate(tt):
    t = trainer(tt, 0, scheduler=tt.CosineSchedule(0.25, 0.0, 2))
    t.train_epoch([batch(tt, 1)])
    same(t.model.weight, [[0.5]], call="slope -2, get_lr(0) is 0.25: weight")
    same(t.epoch, 1, call="train_epoch(loader); epoch")


def test_8_4_evaluate_counts_right_answers(tt):
    model = tt.Linear(2, 2, bias=False)
    set_data(model.weight, [[1, 0], [0, 1]])
    t = tt.Trainer(model, tt.SGD(model.parameters()), tt.CrossEntropyLoss())
    x = tt.Tensor([[5, 0], [5, 0], [0, 5]])
    _, accuracy = t.evaluate([(x, tt.Tensor([0, 1, 1])), (x[:1], tt.Tensor([1]))])
    same(accuracy, 0.5, call="evaluate(...)[1], 2 of 4 right", hint="2 / 4 samples")


def test_8_4_evaluate_trains_nothing(tt):
    t = trainer(tt, 0)
    loss, _ = t.evaluate([batch(tt, 1, 1, 1), batch(tt, 3)])
    same(loss, 3.0, call="evaluate, losses 1 of 3 samples and 9 of 1")
    same(t.model.weight, [[0.0]], call="evaluate(loader); weight")
    call = "evaluate(loader); weight.grad"
    holds(t.model.weight.grad is None, call=call, expected="None")


def test_8_5_a_checkpoint_is_an_npz_file(tt, tmp_path):
    trainer(tt, 7).save_checkpoint(tmp_path / "state")
    start = (tmp_path / "state").read_bytes()[:2]
    call = "save_checkpoint('state'): the first two bytes of 'state'"
    holds(start == b"PK", call=call, expected="b'PK', as in every npz", got=f"{start}")


def test_8_6_a_checkpoint_brings_everything_back(tt, tmp_path):
    t, other = trainer(tt, 0, momentum=0.5), trainer(tt, 9, momentum=0.5)
    t.train_epoch([batch(tt, 1)])
    t.save_checkpoint(tmp_path / "state.npz")
    other.load_checkpoint(tmp_path / "state.npz")
    same(other.model.weight, [[1.0]], call="load_checkpoint(path); weight")
    other.train_epoch([batch(tt, 1)])
    hint = "The slope is 0 now; the velocity -2 goes on with -1."
    same(other.model.weight, [[1.5]], call="... train_epoch; weight", hint=hint)


def test_8_6_a_checkpoint_of_another_model_is_refused(tt, tmp_path):
    path, shapes = tmp_path / "state.npz", [(1, 1), (1, 2)]
    trainer(tt, 7).save_checkpoint(path)
    model = tt.Linear(1, 2, bias=False)
    other = tt.Trainer(model, tt.SGD(model.parameters()), tt.MSELoss())
    call = "load_checkpoint of a weight (1, 1) into one of (1, 2)"
    raises(ValueError, other.load_checkpoint, path, call=call, mentions=shapes)


def test_8_6_the_pieces_learn_together(tt):
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 8)
    loader = [(tt.Tensor(x), tt.Tensor(x[:, 0] != x[:, 1]))]
    model = tt.Sequential(tt.Linear(2, 16), tt.ReLU(), tt.Linear(16, 2))
    adam = tt.Adam(model.parameters(), lr=0.05)
    t = tt.Trainer(model, adam, tt.CrossEntropyLoss())
    for _ in range(100):
        t.train_epoch(loader)
    same(t.evaluate(loader)[1], 1.0, call="XOR after 100 epochs: accuracy")
