"""Module 09: convolution and data loading. Small images, numbers to check by hand."""

from __future__ import annotations

import numpy as np
from checklib import gradients, holds, raises, same, set_data, value

ONE_TO_NINE = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
ONE_TO_SIXTEEN = np.arange(1.0, 17.0).reshape(1, 1, 4, 4)


def conv(tt, weight, **options):
    """Return a Conv2d with this weight (m, c, k, k) and bias 100, 200, ..."""
    m, c, k, _ = np.shape(weight)
    layer = tt.Conv2d(c, m, k, **options)
    set_data(layer.weight, weight)
    set_data(layer.bias, 100.0 * np.arange(1, m + 1))
    return layer


def slope(tt, layer, data):
    """Return the gradient of layer(x).sum() at x = data."""
    x = tt.Tensor(data, requires_grad=True)
    layer(x).sum().backward()
    return x.grad


def squares(tt):
    """Return a dataset of three samples (array [i, i], number i * i)."""

    class Squares(tt.Dataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return np.array([i, i]), i * i

    return Squares()


def rng():
    return np.random.default_rng(0)


def test_9_1_conv_weight_is_out_in_kernel_kernel(tt):
    layer = tt.Conv2d(3, 8, 5)
    same(layer.weight.shape, (8, 3, 5, 5), call="Conv2d(3, 8, 5).weight.shape")
    same(layer.bias.shape, (8,), call="Conv2d(3, 8, 5).bias.shape")
    same(len(layer.parameters()), 2, call="len(Conv2d(3, 8, 5).parameters())")


def test_9_1_conv_without_bias(tt):
    layer = tt.Conv2d(1, 1, 2, bias=False)
    set_data(layer.weight, np.ones((1, 1, 2, 2)))
    got, call = layer(tt.Tensor(ONE_TO_NINE)), "Conv2d(1, 1, 2, bias=False)(1..9)"
    same(got, [[[[12.0, 16.0], [24.0, 28.0]]]], call=call, hint="1 + 2 + 4 + 5 = 12")
    same(len(layer.parameters()), 1, call="len(parameters())")


def test_9_1_initial_weights_keep_the_size_of_signals(tt):
    layer = tt.Conv2d(16, 32, 5)
    got, call = float(layer.weight.data.std()), "Conv2d(16, 32, 5).weight.data.std()"
    expected = "from 0.025 to 0.1, which is 0.5 to 2 times 1 / sqrt(16 * 5 * 5)"
    holds(0.025 < got < 0.1, call=call, expected=expected, got=f"{got:.3g}")
    most, call = float(np.abs(layer.bias.data).max()), "Conv2d(16, 32, 5).bias.data"
    holds(most <= 0.05, call=call, expected="at most 0.05", got=f"{most:.3g}")


def test_9_1_initial_weights_follow_the_seed_of_numpy(tt):
    np.random.seed(3)
    first = tt.Conv2d(2, 3, 3).weight.data.copy()
    np.random.seed(3)
    same(tt.Conv2d(2, 3, 3).weight.data, first, call="Conv2d(2, 3, 3), seed 3 again")


def test_9_2_conv_sums_each_window(tt):
    got = conv(tt, [[[[1, 0], [0, 10]]]])(tt.Tensor(ONE_TO_NINE))
    want = tt.Tensor([[[[151, 162], [184, 195]]]])
    hint = "Top left: 1 * 1 + 10 * 5 + 100."
    same(got, want, call="weight [[1, 0], [0, 10]], bias 100, x 1..9", hint=hint)


def test_9_2_conv_adds_up_the_channels(tt):
    x = np.stack([np.full((2, 2), 1.0), np.full((2, 2), 10.0)])[None]
    got = conv(tt, [[[[1]], [[2]]], [[[3]], [[4]]]])(tt.Tensor(x))
    want = [[[[121.0] * 2] * 2, [[243.0] * 2] * 2]]
    same(
        got, want, call="1 x 1 windows, channels 1 and 10", hint="1 * 1 + 2 * 10 + 100"
    )


def test_9_2_conv_strides_and_pads(tt):
    layer = conv(tt, np.ones((1, 1, 3, 3)), stride=2, padding=1)
    want = [[[[112.0, 116.0], [124.0, 128.0]]]]
    hint = "Top left sees 1, 2, 4, 5 and zeros; the next window starts at column 1."
    got = layer(tt.Tensor(ONE_TO_NINE))
    same(got, want, call="Conv2d(1, 1, 3, stride=2, padding=1)(1..9)", hint=hint)


def test_9_2_conv_leaves_out_windows_that_do_not_fit(tt):
    x = tt.Tensor(np.zeros((1, 1, 8, 7)))
    got = tt.Conv2d(1, 4, 3, stride=2)(x).shape
    call = "Conv2d(1, 4, 3, stride=2)(x).shape, x (1, 1, 8, 7)"
    same(got, (1, 4, 3, 3), call=call, hint="(8 - 3) // 2 + 1 and (7 - 3) // 2 + 1")


def test_9_2_conv_gradient_of_the_input(tt):
    layer = conv(tt, [[[[1, 2], [3, 4]]]])
    want = [[[[1.0, 3.0, 2.0], [4.0, 10.0, 6.0], [3.0, 7.0, 4.0]]]]
    hint = "The middle pixel is in all four windows: 1 + 2 + 3 + 4."
    same(slope(tt, layer, ONE_TO_NINE), want, call="layer(x).sum(): x.grad", hint=hint)


def test_9_2_conv_gradient_of_weight_and_bias(tt):
    layer = conv(tt, [[[[1, 2], [3, 4]]]])
    slope(tt, layer, ONE_TO_NINE)
    hint = "weight[0, 0] meets 1, 2, 4 and 5."
    want = [[[[12.0, 16.0], [24.0, 28.0]]]]
    same(layer.weight.grad, want, call="layer(x).sum(): weight.grad", hint=hint)
    same(layer.bias.grad, [4.0], call="layer(x).sum(): bias.grad", hint="4 windows")


def test_9_2_conv_gradient_with_stride_and_padding(tt):
    layer = conv(tt, np.ones((1, 1, 2, 2)), stride=2, padding=1)
    want = np.ones((1, 1, 3, 3))
    call = "Conv2d(1, 1, 2, stride=2, padding=1): x.grad"
    hint = "Each pixel is in exactly one window; the frame is cut off again."
    same(slope(tt, layer, ONE_TO_NINE), want, call=call, hint=hint)


def test_9_2_conv_wants_four_axes_and_its_channels(tt):
    for shape in ((2, 5, 5), (1, 3, 5, 5), (1, 2, 2, 5)):
        x, call = tt.Tensor(np.zeros(shape)), f"Conv2d(2, 4, 3)(x), x {shape}"
        raises(ValueError, tt.Conv2d(2, 4, 3), x, call=call, mentions=[shape])


def test_9_3_max_pool_keeps_the_largest(tt):
    got = tt.MaxPool2d(2)(tt.Tensor(ONE_TO_SIXTEEN))
    same(got, tt.Tensor([[[[6, 8], [14, 16]]]]), call="MaxPool2d(2)(1..16)")
    got = tt.MaxPool2d(2, stride=1)(tt.Tensor(ONE_TO_NINE))
    same(got, [[[[5.0, 6.0], [8.0, 9.0]]]], call="MaxPool2d(2, stride=1)(1..9)")


def test_9_3_max_pool_padding_never_wins(tt):
    got = tt.MaxPool2d(3, stride=2, padding=1)(tt.Tensor(-ONE_TO_NINE))
    want = [[[[-1.0, -2.0], [-4.0, -5.0]]]]
    same(got, want, call="MaxPool2d(3, stride=2, padding=1)(-1..-9)", hint="-np.inf")


def test_9_3_max_pool_gradient(tt):
    got = slope(
        tt, tt.MaxPool2d(2, stride=1), ONE_TO_NINE * [[1, 1, 1], [1, 9, 1], [1] * 3]
    )
    want = [[[[0.0] * 3, [0.0, 4.0, 0.0], [0.0] * 3]]]
    hint = "45 in the middle is the largest of all four windows."
    same(got, want, call="MaxPool2d(2, stride=1)(x).sum(): x.grad", hint=hint)


def test_9_3_max_pool_gradient_of_ties(tt):
    got = slope(tt, tt.MaxPool2d(2), np.ones((1, 1, 2, 2)))
    call = "MaxPool2d(2)(ones).sum(): sum of x.grad"
    same(float(got.sum()), 1.0, call=call, hint="One gradient, shared or not.")


def test_9_4_average_pool_keeps_the_mean(tt):
    got = tt.AvgPool2d(2)(tt.Tensor(ONE_TO_SIXTEEN))
    same(got, tt.Tensor([[[[3.5, 5.5], [11.5, 13.5]]]]), call="AvgPool2d(2)(1..16)")


def test_9_4_average_pool_counts_padding(tt):
    got = tt.AvgPool2d(2, padding=1)(tt.Tensor(np.full((1, 1, 2, 2), 4.0)))
    same(
        got, np.ones((1, 1, 2, 2)), call="AvgPool2d(2, padding=1)(fours)", hint="4 / 4"
    )


def test_9_4_average_pool_gradient(tt):
    got = slope(tt, tt.AvgPool2d(2, stride=1), ONE_TO_NINE)
    want = [[[[0.25, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 0.25]]]]
    same(got, want, call="AvgPool2d(2, stride=1)(x).sum(): x.grad")


def test_9_4_pools_want_four_axes(tt):
    for pool in (tt.MaxPool2d(3), tt.AvgPool2d(3)):
        x = tt.Tensor(np.zeros((3, 6, 6)))
        raises(ValueError, pool, x, call="pool(x), x (3, 6, 6)", mentions=[(3, 6, 6)])


def test_9_5_batch_norm_starts_neutral(tt):
    layer = tt.BatchNorm2d(2)
    for name, want in {"gamma": 1.0, "beta": 0.0, "running_mean": 0.0}.items():
        same(getattr(layer, name), [want, want], call=f"BatchNorm2d(2).{name}")
    same(layer.running_var, [1.0, 1.0], call="BatchNorm2d(2).running_var")
    same(len(layer.parameters()), 2, call="len(BatchNorm2d(2).parameters())")
    same(layer.momentum, 0.1, call="BatchNorm2d(2).momentum")


def test_9_5_batch_norm_normalises_each_channel(tt):
    layer = tt.BatchNorm2d(2, eps=0.0)
    set_data(layer.gamma, [1, 10])
    set_data(layer.beta, [0, 5])
    got = layer(tt.Tensor([[[[1, 3]], [[20, 40]]], [[[3, 1]], [[40, 20]]]]))
    want = [[[[-1.0, 1.0]], [[-5.0, 15.0]]], [[[1.0, -1.0]], [[15.0, -5.0]]]]
    same(got, want, call="gamma 1, 10, beta 0, 5", hint="Mean 2, deviation 1; 30, 10.")


def test_9_5_batch_norm_remembers_its_statistics(tt):
    layer = tt.BatchNorm2d(1, momentum=0.5)
    layer(tt.Tensor([[[[1, 3]]]]))
    same(layer.running_mean, [1.0], call="x [1, 3]: running_mean", hint="0.5 * 2")
    hint = "0.5 * 1 + 0.5 * 2: the variance over m - 1 = 1 is 2."
    same(layer.running_var, [1.5], call="x [1, 3]: running_var", hint=hint)


def test_9_5_batch_norm_evaluates_with_what_it_remembers(tt):
    layer = tt.BatchNorm2d(1, eps=0.0)
    set_data(layer.running_mean, [10])
    set_data(layer.running_var, [4])
    layer.eval()
    same(layer(tt.Tensor([[[[12, 8]]]])), [[[[1.0, -1.0]]]], call="mean 10, variance 4")
    same(layer.running_mean, [10.0], call="after eval(): running_mean")


def test_9_5_batch_norm_gradient(tt):
    def f64(x):
        mean, var = x.mean((0, 2, 3), keepdims=True), x.var((0, 2, 3), keepdims=True)
        return (x - mean) / np.sqrt(var + 1e-5)

    x, call = rng().normal(size=(3, 2, 2, 2)), "BatchNorm2d(2)(x).backward(g)"
    gradients(tt, tt.BatchNorm2d(2), f64, [x], rng(), call=call)


def test_9_5_batch_norm_survives_a_large_mean(tt):
    got = value(tt.BatchNorm2d(1)(tt.Tensor([[[[9999, 10001]]]])))
    call = "BatchNorm2d(1)([9999, 10001])"
    near = bool((np.abs(got - [-1, 1]) < 0.05).all())
    holds(near, call=call, expected="-1 and 1", got=f"{got.ravel()}")


def test_9_5_layers_leave_their_input_alone(tt):
    layers = (tt.Conv2d(1, 2, 2), tt.MaxPool2d(2), tt.AvgPool2d(2), tt.BatchNorm2d(1))
    for layer in layers:
        x = tt.Tensor(ONE_TO_NINE, requires_grad=True)
        layer(x).sum().backward()
        same(x.data, ONE_TO_NINE, call=f"{type(layer).__name__}: x.data afterwards")


def test_9_6_flatten_keeps_the_batch(tt):
    x = tt.Tensor(np.arange(12.0).reshape(2, 3, 1, 2))
    call = "Flatten()(0..11 as (2, 3, 1, 2))"
    same(tt.Flatten()(x), np.arange(12.0).reshape(2, 6), call=call)


def test_9_7_dataset_samples_are_rows(tt):
    data = tt.TensorDataset(tt.Tensor([[1, 2], [3, 4], [5, 6]]), tt.Tensor([7, 8, 9]))
    same(len(data), 3, call="len(TensorDataset(x, y))")
    x, y = data[1]
    same(x, [3.0, 4.0], call="TensorDataset(x, y)[1][0]")
    same(y, 8.0, call="TensorDataset(x, y)[1][1]")


def test_9_7_dataset_refuses_other_lengths(tt):
    x, y = tt.Tensor([[1, 2], [3, 4]]), tt.Tensor([1, 2, 3])
    call = "TensorDataset(x, y), x (2, 2), y (3,)"
    raises(ValueError, tt.TensorDataset, x, y, call=call, mentions=[(2, 2), (3,)])


def test_9_7_dataset_ends(tt):
    data = tt.TensorDataset(tt.Tensor([1, 2]))
    raises(IndexError, lambda: data[2], call="TensorDataset(Tensor([1, 2]))[2]")


def test_9_8_loader_keeps_the_order(tt):
    data = tt.TensorDataset(tt.Tensor([1, 2, 3, 4, 5]), tt.Tensor([5, 4, 3, 2, 1]))
    loader = tt.DataLoader(data, batch_size=2)
    for i, want in enumerate([[1, 2], [3, 4], [5]] * 2):
        if i % 3 == 0:
            epoch = iter(loader)
        same(next(epoch)[0], np.float32(want), call=f"batch {i % 3}, epoch {i // 3}")
    same(len(loader), 3, call="len(DataLoader(5 samples, batch_size=2))")


def test_9_8_loader_shuffles(tt):
    x = np.arange(50.0)
    data = tt.TensorDataset(tt.Tensor(x), tt.Tensor(-x))
    ((first, y),), ((second, _),) = [tt.DataLoader(data, 50, shuffle=True)] * 2
    same(np.sort(first.data), x, call="one epoch of 0..49, sorted")
    same(y.data, -first.data, call="x and y of a sample stay together")
    fresh = not np.array_equal(first.data, second.data)
    holds(fresh, call="two epochs of one loader", expected="two orders", got="one")


def test_9_8_loader_follows_the_seed_of_numpy(tt):
    loader = tt.DataLoader(tt.TensorDataset(tt.Tensor(np.arange(9))), 9, shuffle=True)
    np.random.seed(5)
    ((first,),) = loader
    np.random.seed(5)
    ((again,),) = loader
    same(again, first, call="an epoch, seed 5 once more")


def test_9_8_loader_takes_any_dataset(tt):
    (x, y), _ = tt.DataLoader(squares(tt), batch_size=2)
    call = "dataset[i] = (array [i, i], i * i): part"
    same(x, tt.Tensor([[0, 0], [1, 1]]), call=f"{call} 0")
    same(y, tt.Tensor([0, 1]), call=f"{call} 1")


def test_9_9_flip_reverses_the_last_axis(tt):
    x = tt.Tensor([[[1, 2], [3, 4]]])
    got = tt.RandomHorizontalFlip(p=1.0)(x)
    same(got, tt.Tensor([[[2, 1], [4, 3]]]), call="RandomHorizontalFlip(1.0)")
    same(tt.RandomHorizontalFlip(p=0.0)(x), x, call="RandomHorizontalFlip(0.0)")


def test_9_9_flip_decides_for_each_image_of_a_batch(tt):
    x = np.tile([1.0, 2.0], (200, 1, 1, 1))
    out = value(tt.RandomHorizontalFlip(p=0.5)(tt.Tensor(x)))
    got, call = float((out[:, 0, 0, 0] == 2).mean()), "200 images, p = 0.5"
    holds(0.3 < got < 0.7, call=call, expected="about half mirrored", got=f"{got:.0%}")


def test_9_9_crop_reaches_every_place(tt):
    x = np.tile([[1.0, 2.0], [3.0, 4.0]], (200, 1, 1, 1))
    out = value(tt.RandomCrop(1, padding=1)(tt.Tensor(x)))
    same(out.shape, (200, 1, 1, 1), call="RandomCrop(1, padding=1)(x).shape")
    got, call = sorted(set(out.ravel().tolist())), "numbers cut from 2 x 2 in a frame"
    holds(got == [0, 1, 2, 3, 4], call=call, expected="0 to 4", got=f"{got}")


def test_9_9_crop_refuses_small_images(tt):
    x, call = tt.Tensor(np.zeros((1, 2, 8))), "RandomCrop(8, padding=2)(x), x (1, 2, 8)"
    raises(ValueError, tt.RandomCrop(8, padding=2), x, call=call, mentions=[(1, 2, 8)])
    fits = tt.RandomCrop(6, padding=2)(x).shape
    same(fits, (1, 6, 6), call="RandomCrop(6, padding=2)(x).shape, x (1, 2, 8)")


def test_9_9_compose_goes_in_order(tt):
    got = tt.Compose([lambda t: t + 1, lambda t: t * 10])(tt.Tensor([1, 2]))
    same(got, tt.Tensor([20, 30]), call="Compose([t + 1, t * 10])([1, 2])")
