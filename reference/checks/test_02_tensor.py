"""Hidden checks of module 02: the Tensor."""

from __future__ import annotations

import operator

import numpy as np
import pytest

from grader.checks import (
    holds,
    is_tensor,
    needs,
    points,
    raises,
    same,
    spec,
    task,
    type_name,
)
from grader.checks.remote import remote_source

DATA = "tensor::data_is_float32"
MATMUL = "tensor::matmul_sums_over_the_inner_axis"


# Construction


@points(2)
@task("2.1")
@spec(
    "Tensor",
    "data: a number, nested lists of numbers, or an array of any number type.",
)
def test_data_is_float32(tt, oracle, rng):
    """Tensor(x) holds float32 whatever it is given."""
    x = rng.normal(size=(3, 4))
    given = {"float64 array": x, "integer array": (9 * x).astype(np.int64)}
    given |= {"nested list": x.tolist(), "float32 array": x.astype(np.float32)}
    for kind, data in given.items():
        same(
            tt.Tensor(data),
            oracle.Tensor(data),
            call=f"Tensor of a (3, 4) {kind}",
            hint="np.array(data, dtype=np.float32) copies and converts.",
        )


def _changed_afterwards(tt, x):
    """Return what a tensor holds after its source was overwritten."""
    source = x.copy()
    t = tt.Tensor(source)
    source[...] = 0
    return t.data


@points(2)
@needs(DATA)
@task("2.1")
@spec("Tensor", "changing the original array later changes nothing here.")
def test_data_is_copied_in(tt, rng):
    """Changing an array later leaves the tensor made of it alone."""
    x = rng.normal(size=(3, 4)).astype(np.float32)
    same(
        remote_source(tt, _changed_afterwards, x=x),
        x,
        call="t = Tensor(x); x[...] = 0; t.data",
        tol="exact",
        hint="np.asarray keeps an array of the right dtype; np.array copies.",
        misconceptions={"the caller's own array": np.zeros_like(x)},
    )


@task("2.1")
@spec("Tensor", "A number gives shape ().")
def test_a_number_makes_a_tensor_without_axes(tt, oracle, rng):
    """Tensor(3.5) has shape ()."""
    x = float(rng.normal())
    same(
        tt.Tensor(x),
        oracle.Tensor(x),
        call="Tensor of a number",
        hint="A number is an array of shape (); nothing needs to be added.",
        misconceptions={"a vector of one entry": [x]},
    )


@task("2.1")
@spec("Tensor", "data: the float32 array.")
def test_shape_size_and_ndim_describe_the_data(tt, rng):
    """.shape, .size and .ndim tell what the data is."""
    shape = tuple(int(n) for n in rng.integers(1, 6, size=3))
    t = tt.Tensor(rng.normal(size=shape))
    how = {"call": f"Tensor of a {shape} array", "hint": "Ask self.data for it."}
    same(tuple(t.shape), shape, **how, tol="exact")
    same(t.size, int(np.prod(shape)), **how, tol="exact")
    same(t.ndim, 3, **how, tol="exact")


@needs(DATA)
@task("2.1")
@spec(
    "Tensor",
    "requires_grad: whether `backward` shall compute `grad`; False unless asked for.",
)
def test_gradient_tracking_is_off_unless_asked_for(tt, rng):
    """requires_grad is False by default, and .grad starts as None."""
    x = rng.normal(size=(2, 3))
    tensors = {False: tt.Tensor(x), True: tt.Tensor(x, requires_grad=True)}
    for asked, t in tensors.items():
        call = f"Tensor(x, requires_grad={asked})"
        same(t.requires_grad, asked, call=f"{call}.requires_grad", tol="exact")
        holds(t.grad is None, call=f"{call}.grad", expected="None", got=t.grad)


# Arithmetic


OPERATORS = {
    "add": (operator.add, "+"),
    "subtract": (operator.sub, "-"),
    "multiply": (operator.mul, "*"),
    "divide": (operator.truediv, "/"),
}


@needs(DATA)
@task("2.2")
@spec("Tensor.__add__", "Return the sum self + other, entry by entry, as a new Tensor.")
@pytest.mark.parametrize("name", OPERATORS)
def test_arithmetic_goes_entry_by_entry(tt, oracle, rng, name):
    """Operators on two tensors of one shape work entry by entry."""
    fn, sign = OPERATORS[name]
    a, b = rng.normal(size=(3, 4)), rng.uniform(1, 2, size=(3, 4))
    same(
        fn(tt.Tensor(a), tt.Tensor(b)),
        fn(oracle.Tensor(a), oracle.Tensor(b)),
        call=f"(3, 4) {sign} (3, 4)",
        hint=f"The result is a new Tensor of self.data {sign} other.data.",
        misconceptions={"the operands exchanged": lambda: fn(b, a)},
    )


@needs("tensor::arithmetic_goes_entry_by_entry_add")
@task("2.2")
@spec("Tensor.__add__", "Shapes broadcast as in numpy.")
@pytest.mark.parametrize("name", OPERATORS)
def test_arithmetic_broadcasts(tt, oracle, rng, name):
    """Axes of size 1 and missing axes stretch, as in numpy."""
    fn, sign = OPERATORS[name]
    for first, second in (((3, 1), (1, 4)), ((2, 3, 4), (4,)), ((4,), (3, 4))):
        a, b = rng.normal(size=first), rng.uniform(1, 2, size=second)
        same(
            fn(tt.Tensor(a), tt.Tensor(b)),
            fn(oracle.Tensor(a), oracle.Tensor(b)),
            call=f"{first} {sign} {second}",
            hint="numpy broadcasts by itself; compare no shapes before.",
        )


@needs("tensor::arithmetic_goes_entry_by_entry_add")
@task("2.2")
@spec("Tensor.__add__", "a number may also stand on the left.")
@pytest.mark.parametrize("name", OPERATORS)
def test_numbers_work_on_either_side(tt, oracle, rng, name):
    """Tensor + 2 and 2 + tensor, and so for the other operators."""
    fn, sign = OPERATORS[name]
    x, c = rng.uniform(1, 2, size=(2, 3)), float(rng.uniform(2, 3))
    same(
        fn(tt.Tensor(x), c),
        fn(oracle.Tensor(x), c),
        call=f"(2, 3) tensor {sign} number",
        hint="Turn what is not a Tensor into one first.",
    )
    same(
        fn(c, tt.Tensor(x)),
        fn(c, oracle.Tensor(x)),
        call=f"number {sign} (2, 3) tensor",
        hint="Python asks for the method whose name starts with __r.",
        misconceptions={"tensor and number exchanged": lambda: fn(x, c)},
    )


@needs("tensor::arithmetic_goes_entry_by_entry_add")
@task("2.2")
@spec("Tensor.__add__", "`other` is a Tensor, a number, an array or a list")
def test_arrays_and_lists_are_operands_too(tt, oracle, rng):
    """Tensor + [1, 2] and tensor + array work, and so for the other operators."""
    a, b = rng.normal(size=(2, 3)), rng.uniform(1, 2, size=(2, 3))
    for fn, sign in OPERATORS.values():
        for kind, other in (("array", b), ("list", b.tolist())):
            same(
                fn(tt.Tensor(a), other),
                fn(oracle.Tensor(a), oracle.Tensor(b)),
                call=f"(2, 3) tensor {sign} (2, 3) {kind}",
                hint="Turn what is not a Tensor into one first.",
            )


@needs("tensor::arithmetic_broadcasts_add")
@task("2.2")
@spec(
    "Tensor.__add__",
    "ValueError: the shapes do not broadcast; the message names both shapes.",
)
def test_shapes_that_do_not_broadcast_are_named(tt, rng):
    """(2, 3) + (2, 4), and so for - * /, raises ValueError naming both shapes."""
    n = int(rng.integers(4, 9))
    a, b = tt.Tensor(rng.normal(size=(2, 3))), tt.Tensor(rng.normal(size=(2, n)))
    for fn, sign in OPERATORS.values():
        raises(
            ValueError,
            fn,
            a,
            b,
            call=f"(2, 3) {sign} (2, {n})",
            mentions=[(2, 3), (2, n)],
            hint="numpy's own message names both; or write one that does.",
        )


@needs(DATA)
@task("2.3")
@spec("Tensor.__pow__", "Return each entry to the power of `exponent`, a number.")
def test_power_is_taken_entry_by_entry(tt, oracle, rng):
    """Tensor ** 3 and tensor ** 0.5 are powers of each entry."""
    x = rng.uniform(0.5, 2, size=(3, 3))
    for p in (3, 0.5, -1):
        same(
            tt.Tensor(x) ** p,
            oracle.Tensor(x) ** p,
            call=f"(3, 3) tensor ** {p}",
            hint="A power of each entry, not of the matrix.",
            misconceptions={
                "the product with the exponent": lambda p=p: x * p,
                "a power of the matrix": lambda: x @ x @ x,
            },
        )


@needs(DATA)
@task("2.3")
@spec("Tensor.__neg__", "Return a new Tensor with the sign of each entry changed.")
def test_minus_changes_the_sign(tt, oracle, rng):
    """-tensor is a new tensor; the old one stays."""
    x = rng.normal(size=(2, 5))
    t = tt.Tensor(x)
    same(-t, -oracle.Tensor(x), call="-tensor of shape (2, 5)", hint="-self.data")
    same(t, oracle.Tensor(x), call="the tensor after -tensor", hint="Make a new one.")


@needs("tensor::arithmetic_goes_entry_by_entry_add")
@task("2.2")
@spec("Tensor.__add__", "The operands keep their data.")
def test_arithmetic_leaves_its_operands_alone(tt, oracle, rng):
    """No operator writes into its operands."""
    a, b = rng.uniform(1, 2, size=(2, 2, 2))
    for fn, sign in (*OPERATORS.values(), (operator.matmul, "@")):
        first, second = tt.Tensor(a), tt.Tensor(b)
        fn(first, second)
        for place, t, x in (("first", first, a), ("second", second, b)):
            same(
                t,
                oracle.Tensor(x),
                call=f"the {place} operand after a {sign} b",
                hint="`+=` and `out=` write into the array; make a new one.",
            )


# matmul


@points(3)
@needs(DATA)
@task("2.4")
@spec(
    "Tensor.matmul",
    "out[..., i, j] = sum over k of self[..., i, k] * other[..., k, j]",
)
def test_matmul_sums_over_the_inner_axis(tt, oracle, rng):
    """(3, 4) @ (4, 5) sums over the axis of size 4."""
    a, b = rng.normal(size=(4, 4)), rng.normal(size=(4, 4))
    how = {"hint": "Row i of the first times column j of the second, summed."}
    mistakes = {
        "the product entry by entry": lambda: a * b,
        "the second operand transposed": lambda: a @ b.T,
        "the operands exchanged": lambda: b @ a,
    }
    got = tt.Tensor(a).matmul(tt.Tensor(b))
    want = oracle.Tensor(a).matmul(oracle.Tensor(b))
    same(
        got,
        want,
        call="(4, 4) matmul (4, 4)",
        tol="reduction",
        misconceptions=mistakes,
        **how,
    )
    c = rng.normal(size=(4, 5))
    got, want = tt.Tensor(a).matmul(tt.Tensor(c)), oracle.Tensor(a) @ oracle.Tensor(c)
    same(got, want, call="(4, 4) matmul (4, 5)", tol="reduction", **how)


@needs(MATMUL)
@task("2.4")
@spec("Tensor.matmul", "Return the matrix product, also written self @ other.")
def test_the_at_sign_is_matmul(tt, oracle, rng):
    """A @ b equals a.matmul(b)."""
    a, b = rng.normal(size=(2, 3)), rng.normal(size=(3, 4))
    same(
        tt.Tensor(a) @ tt.Tensor(b),
        oracle.Tensor(a) @ oracle.Tensor(b),
        call="(2, 3) @ (3, 4)",
        tol="reduction",
        hint="Let __matmul__ call matmul.",
    )


@points(2)
@needs(MATMUL)
@task("2.4")
@spec("Tensor.matmul", "Axes before the last two are batch axes and broadcast.")
def test_matmul_of_batches(tt, oracle, rng):
    """Axes before the last two are batches, which broadcast."""
    pairs = (
        ((2, 5, 3, 4), (2, 5, 4, 6)),
        ((5, 3, 4), (4, 2)),
        ((3, 4), (2, 4, 5)),
        ((2, 1, 3, 4), (3, 4, 5)),
    )
    for first, second in pairs:
        a, b = rng.normal(size=first), rng.normal(size=second)
        same(
            tt.Tensor(a).matmul(tt.Tensor(b)),
            oracle.Tensor(a).matmul(oracle.Tensor(b)),
            call=f"{first} matmul {second}",
            tol="reduction",
            hint="np.matmul treats leading axes as batches; np.dot does not.",
            misconceptions={"np.dot of the arrays": lambda a=a, b=b: np.dot(a, b)},
        )


@needs(MATMUL)
@task("2.4")
@spec("Tensor.matmul", "TypeError: `other` is not a Tensor.")
def test_matmul_wants_a_tensor(tt, rng):
    """Matmul with an array, a list or a number raises TypeError."""
    a, b = tt.Tensor(rng.normal(size=(2, 3))), rng.normal(size=(3, 2))
    for kind, other in (("an array", b), ("a list", b.tolist()), ("a number", 2.0)):
        raises(
            TypeError,
            a.matmul,
            other,
            call=f"(2, 3) matmul {kind}",
            hint="Check isinstance(other, Tensor) before you compute.",
        )


@needs(MATMUL)
@task("2.4")
@spec(
    "Tensor.matmul",
    "the inner sizes differ, or the batch axes do not broadcast",
)
def test_matmul_names_both_shapes_that_do_not_fit(tt, rng):
    """(2, 3) matmul (4, 2) raises ValueError naming both shapes."""
    n = int(rng.integers(4, 9))
    for first, second in (((2, 3), (n, 2)), ((5, n, 2), (5, 3, n))):
        a, b = tt.Tensor(rng.normal(size=first)), tt.Tensor(rng.normal(size=second))
        raises(
            ValueError,
            a.matmul,
            b,
            call=f"{first} matmul {second}",
            mentions=[first, second],
            hint="The message of np.matmul has no whole shapes; write your own.",
        )


# Shape


@needs(DATA)
@task("2.5")
@spec("Tensor.reshape", "Return the same entries, in the same order, in another shape.")
def test_reshape_keeps_the_order_of_entries(tt, oracle, rng):
    """reshape(3, 4), reshape(2, -1) and reshape(-1) keep the order."""
    x = rng.normal(size=(2, 6))
    for shape in ((3, 4), (2, -1), (-1,), (3, 2, 2)):
        same(
            tt.Tensor(x).reshape(*shape),
            oracle.Tensor(x).reshape(*shape),
            call=f"(2, 6) tensor.reshape{shape}".replace(",)", ")"),
            tol="exact",
            hint="The sizes come as separate arguments; numpy works out -1.",
            misconceptions={
                "columns first": lambda s=shape: x.astype("f4").reshape(s, order="F")
            },
        )


@needs("tensor::reshape_keeps_the_order_of_entries")
@task("2.5")
@spec(
    "Tensor.reshape",
    "ValueError: the number of entries differs; the message names both shapes,",
)
def test_reshape_names_both_shapes_that_do_not_fit(tt, rng):
    """Reshaping 6 entries to (4, 2) raises ValueError naming both shapes."""
    t = tt.Tensor(rng.normal(size=(2, 3)))
    for shape in ((4, 2), (5, 1, 1)):
        raises(
            ValueError,
            t.reshape,
            *shape,
            call=f"(2, 3) tensor.reshape{shape}",
            mentions=[(2, 3), shape],
            hint="numpy's message names the size; yours names both shapes.",
        )


@needs(DATA)
@task("2.6")
@spec("Tensor.transpose", "Without arguments the last two axes are exchanged")
def test_transpose_swaps_the_last_two_axes(tt, oracle, rng):
    """transpose() of (2, 3, 4) is (2, 4, 3)."""
    for shape in ((3, 5), (2, 3, 4), (2, 2, 2, 2)):
        x = rng.normal(size=shape)
        same(
            tt.Tensor(x).transpose(),
            oracle.Tensor(x).transpose(),
            call=f"{shape} tensor.transpose()",
            tol="exact",
            hint="np.swapaxes(data, -1, -2); .T reverses all axes.",
            misconceptions={
                "all axes reversed": lambda x=x: x.astype("f4").T,
                "a reshape": lambda x=x: x.astype("f4").reshape(
                    *x.shape[:-2], x.shape[-1], x.shape[-2]
                ),
            },
        )


@needs(DATA)
@task("2.6")
@spec(
    "Tensor.transpose",
    "Return the tensor with the axes `dim0` and `dim1` exchanged.",
)
def test_transpose_swaps_two_given_axes(tt, oracle, rng):
    """transpose(0, 2) swaps these two; negative numbers count from the end."""
    x = rng.normal(size=(2, 3, 4))
    for dims in ((0, 1), (0, 2), (-1, 0), (1, 1)):
        same(
            tt.Tensor(x).transpose(*dims),
            oracle.Tensor(x).transpose(*dims),
            call=f"(2, 3, 4) tensor.transpose{dims}",
            tol="exact",
            hint="np.swapaxes takes the two axes to exchange.",
        )


@needs(DATA)
@task("2.6")
@spec("Tensor.transpose", "a 1-D tensor then stays as it is.")
def test_transpose_leaves_a_vector_as_it_is(tt, oracle, rng):
    """transpose() of a vector is the vector."""
    x = rng.normal(size=5)
    same(
        tt.Tensor(x).transpose(),
        oracle.Tensor(x),
        call="(5,) tensor.transpose()",
        tol="exact",
        hint="One axis: nothing to swap.",
        misconceptions={"a column": lambda: x.astype("f4")[:, None]},
    )


# Reductions


REDUCTIONS = {
    "sum": {"the mean": np.mean, "the largest": np.max},
    "mean": {"the sum": np.sum, "the median": np.median},
    "max": {"the largest magnitude": lambda x, **k: np.max(np.abs(x), **k)},
}


@needs(DATA)
@task("2.7")
@spec(
    "Tensor.sum",
    "Return the sum over all entries, or over the entries along `axis`.",
)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_over_all_entries(tt, oracle, rng, name):
    """sum(), mean() and max() of everything have shape ()."""
    x = rng.normal(size=(3, 4)) - 5  # all negative: a maximum starting at 0 shows
    mistakes = {k: lambda fn=fn: fn(x) for k, fn in REDUCTIONS[name].items()}
    same(
        getattr(tt.Tensor(x), name)(),
        getattr(oracle.Tensor(x), name)(),
        call=f"(3, 4) tensor.{name}()",
        tol="reduction",
        hint="The result is a Tensor of shape (), not a number.",
        misconceptions=mistakes,
    )


@needs(DATA)
@task("2.7")
@spec("Tensor.sum", "else the axis disappears, or stays with size 1 if `keepdims`.")
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_over_one_axis(tt, oracle, rng, name):
    """axis= names the axis that disappears; keepdims=True leaves it as 1."""
    x = rng.normal(size=(3, 3, 3)) - 3
    mistakes = {k: lambda fn=fn: fn(x, axis=0) for k, fn in REDUCTIONS[name].items()}
    mistakes["another axis"] = lambda: getattr(np, name)(x, axis=1)
    for axis, keep in ((0, False), (-1, False), (1, True), (-1, True)):
        same(
            getattr(tt.Tensor(x), name)(axis=axis, keepdims=keep),
            getattr(oracle.Tensor(x), name)(axis=axis, keepdims=keep),
            call=f"(3, 3, 3) tensor.{name}(axis={axis}, keepdims={keep})",
            tol="reduction",
            hint="Hand axis and keepdims on to numpy.",
            misconceptions=mistakes if axis == 0 else {},
        )


# Functions, access


@needs(DATA)
@task("2.8")
@spec("Tensor.exp", "Return e to the power of each entry.")
@pytest.mark.parametrize("name", ["exp", "log", "sqrt"])
def test_functions_of_each_entry(tt, oracle, rng, name):
    """exp(), log() and sqrt() are taken of each entry."""
    x = rng.uniform(0.1, 3, size=(4, 5))
    mistakes = {"the logarithm to base 10": lambda: np.log10(x)}
    mistakes["the logarithm to base 2"] = lambda: np.log2(x)
    mistakes["a power of 2"] = lambda: 2**x
    same(
        getattr(tt.Tensor(x), name)(),
        getattr(oracle.Tensor(x), name)(),
        call=f"(4, 5) tensor.{name}()",
        hint=f"np.{name}",
        misconceptions=mistakes,
    )


@needs(DATA)
@task("2.9")
@spec(
    "Tensor.__getitem__",
    "Return self[key] as a Tensor; every key means what it means in numpy.",
)
def test_indexing_selects_as_numpy_does(tt, oracle, rng):
    """t[1], t[1, 2], t[:, 1:3] and t[-1] select as numpy does."""
    x = rng.normal(size=(4, 5))
    keys = {"1": 1, "-1": -1, "1, 2": (1, 2), "1:3": slice(1, 3)}
    keys |= {":, 1:3": (slice(None), slice(1, 3)), "::2": slice(None, None, 2)}
    for text, key in keys.items():
        same(
            tt.Tensor(x)[key],
            oracle.Tensor(x)[key],
            call=f"(4, 5) tensor[{text}]",
            tol="exact",
            hint="Hand the key on to self.data, and wrap what comes back.",
        )


@needs(DATA)
@task("2.9")
@spec("Tensor.item", "Return the only entry as a float of Python.")
def test_item_is_a_number_and_numpy_an_array(tt, rng):
    """item() gives a float, numpy() an array."""
    x = float(rng.normal())
    got = tt.Tensor([x]).item()
    holds(
        isinstance(got, float),
        call="Tensor([x]).item()",
        expected="a float of Python",
        got=type_name(got),
        hint="An array has item() too.",
    )
    same(got, x, call="Tensor([x]).item()")
    y = rng.normal(size=(2, 3))
    array = tt.Tensor(y).numpy()
    call = "(2, 3) tensor.numpy()"
    holds(not is_tensor(array), call=call, expected="an ndarray", got=array)
    same(array, y.astype(np.float32), call=call, tol="exact")


@needs("tensor::item_is_a_number_and_numpy_an_array")
@task("2.9")
@spec("Tensor.item", "ValueError: there is not exactly one entry.")
def test_item_wants_one_entry(tt, rng):
    """item() of several entries raises ValueError."""
    for shape in ((2,), (3, 2)):
        raises(
            ValueError,
            tt.Tensor(rng.normal(size=shape)).item,
            call=f"{shape} tensor.item()",
            hint="item() of the array raises it; data[0] takes the first.",
        )


@needs(DATA)
@task("2.10")
@spec(
    "Tensor.cat",
    "Return the tensors joined along an axis that exists, the first unless told.",
)
def test_cat_joins_along_an_axis(tt, oracle, rng):
    """Tensor.cat joins tensors along one axis that exists."""
    xs = [rng.normal(size=(2, n, 3)) for n in (1, 2, 4)]
    same(
        tt.Tensor.cat([tt.Tensor(x) for x in xs[1:2] * 2]),
        oracle.Tensor.cat([oracle.Tensor(x) for x in xs[1:2] * 2]),
        call="Tensor.cat of (2, 2, 3), (2, 2, 3)",
        tol="exact",
        hint="Unless an axis is given, the first one grows.",
    )
    for arrays, axis in ((xs, 1), (xs[:1] * 3, 0), (xs[1:2] * 2, -1)):
        shapes = ", ".join(str(x.shape) for x in arrays)
        same(
            tt.Tensor.cat([tt.Tensor(x) for x in arrays], axis),
            oracle.Tensor.cat([oracle.Tensor(x) for x in arrays], axis),
            call=f"Tensor.cat of {shapes} along axis {axis}",
            tol="exact",
            hint="np.concatenate joins; np.stack adds an axis.",
            misconceptions={
                "stacked on a new axis": lambda a=arrays, i=axis: np.stack(
                    a, i, dtype="f4"
                )
            },
        )


@needs(DATA)
@task("2.1")
@spec("Tensor", "No method changes the tensor it is called on.")
def test_no_method_writes_into_its_tensor(tt, oracle, rng):
    """No method changes the tensor it is called on."""
    x = rng.uniform(1, 2, size=(2, 3))
    calls = ("sum", "mean", "max", "exp", "log", "sqrt", "transpose", "numpy")
    t = tt.Tensor(x)
    for name in calls:
        getattr(t, name)()
        same(
            t,
            oracle.Tensor(x),
            call=f"the (2, 3) tensor after {name}()",
            tol="exact",
            hint="`out=` and `+=` write into the array; make a new one.",
        )
