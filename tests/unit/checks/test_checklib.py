from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grader.checks import (
    CheckFailure,
    grad,
    gradients,
    holds,
    is_tensor,
    one_of,
    raises,
    same,
    set_data,
    type_name,
    value,
)


class Tensor:
    """As much of a student's Tensor as the functions under test touch."""

    def __init__(self, data: Any, requires_grad: bool = False) -> None:
        self.data = np.array(data, dtype=np.float32)
        self.grad: Any = None
        self.requires_grad = requires_grad


class Remote:
    """What the proxies of the runner offer: names on the type, `data` as an array."""

    data = np.zeros(2, np.float32)

    @staticmethod
    def remote_names(_instance: object) -> tuple[str, ...]:
        return ("Weight", "Tensor")


def failure(fn: Callable[[], object]) -> CheckFailure:
    with pytest.raises(CheckFailure) as caught:
        fn()
    return caught.value


# same: order of comparison


@pytest.mark.parametrize(
    ("got", "expected", "what", "told"),
    [
        pytest.param([1.0], Tensor([1.0]), "type", "a list", id="array-for-tensor"),
        pytest.param(None, [1.0], "type", "None", id="none"),
        pytest.param("text", [1.0], "type", "a str", id="string"),
        pytest.param(Tensor([1, 2]), [1.0], "shape", "shape (2,)", id="shape"),
        pytest.param(Tensor([np.inf]), [1.0, 2.0], "shape", "(1,)", id="shape-first"),
        pytest.param(
            np.array([1]), np.array([2.0]), "dtype", "dtype int64", id="dtype-first"
        ),
        pytest.param(Tensor([1, np.nan]), [1.0, 2.0], "finite", "nan", id="finite"),
        pytest.param(Tensor([3, 2]), [1.0, 2.0], "value", "3   (1 of 2", id="value"),
        pytest.param(2.0, 1.0, "value", "2", id="number"),
    ],
)
def test_same_tells_the_first_difference(
    got: object, expected: object, what: str, told: str
) -> None:
    found = failure(lambda: same(got, expected, call="f(x)"))

    assert found.what == what
    assert told in found.got


def test_same_demands_float32_of_a_tensor() -> None:
    tensor = Tensor([1.0])
    tensor.data = tensor.data.astype(np.float64)

    assert failure(lambda: same(tensor, [1.0], call="f(x)")).what == "dtype"


def test_same_takes_equal_arrays_within_the_tolerance() -> None:
    same(Tensor([[1.0, 2.0]]), [[1.0, 2.0 + 1e-6]], call="f(x)")
    same(Tensor([1.0]), [1.00005], call="f(x)", tol="reduction")

    assert failure(lambda: same(Tensor([1.0]), [1.00005], call="f(x)")).what == "value"


def test_same_takes_nan_where_nan_is_expected_only() -> None:
    same(Tensor([np.nan, 1.0]), [np.nan, 1.0], call="f(x)")

    assert failure(lambda: same(1.0, np.nan, call="f(x)")).what == "value"


def test_same_tells_index_and_count_of_the_difference() -> None:
    got, expected = Tensor([[1, 2], [4, 5]]), [[1.0, 2.0], [3.0, 4.0]]

    found = failure(lambda: same(got, expected, call="f(x)", hint="look again"))

    assert str(found).splitlines() == [
        "f(x)",
        "  expected  3 at index (1, 0)",
        "  got       4   (2 of 4 entries differ)",
        "  hint      look again",
    ]


def test_same_names_the_mistake_whose_answer_came_back() -> None:
    mistakes = {"zeros": [0.0, 0.0], "a sum": lambda: np.array([3.0, 3.0])}

    found = failure(
        lambda: same(Tensor([3, 3]), [1.5, 1.5], call="f(x)", misconceptions=mistakes)
    )

    assert found.misconception == "a sum"
    assert "this is   a sum" in str(found)


def test_same_recognises_a_mistake_of_another_shape() -> None:
    found = failure(
        lambda: same(
            Tensor([[1.0]]), [1.0, 2.0], call="f(x)", misconceptions={"one": [[1.0]]}
        )
    )

    assert (found.what, found.misconception) == ("shape", "one")


def test_same_never_computes_a_misconception_of_a_right_answer() -> None:
    def explode() -> np.ndarray:
        pytest.fail("computed")

    same(Tensor([1.0]), [1.0], call="f(x)", misconceptions={"never": explode})


# holds, one_of


def test_holds_wants_a_truth_value() -> None:
    holds(np.bool_(True), call="f(x)", expected="finite")

    assert failure(lambda: holds(1, call="f", expected="true")).what == "type"
    found = failure(lambda: holds(False, call="f", expected="true", got=np.ones(2)))
    assert (found.what, found.got) == ("value", "an ndarray of shape (2,)")


def test_one_of_takes_any_right_answer_and_tells_the_first() -> None:
    one_of(Tensor([2.0]), [[1.0], [2.0]], call="f(x)")

    found = failure(lambda: one_of(Tensor([3.0]), [[1.0], [2.0]], call="f(x)"))

    assert found.expected == "1 at index (0,)"


# raises


class SizeError(ValueError):
    pass


class FarError(Exception):
    """An error behind the pipe: names and message are data."""

    class_names = ("ShapeError", "ValueError", "Exception")
    message = "shapes (2,3) and (4, 2)"


class OurError(Exception):
    infrastructure = True


def throw(error: BaseException) -> Callable[[], None]:
    def fn() -> None:
        raise error

    return fn


@pytest.mark.parametrize(
    "error",
    [ValueError("no"), SizeError("no"), FarError()],
    ids=lambda e: type(e).__name__,
)
def test_raises_takes_the_class_and_its_subclasses(error: Exception) -> None:
    raises(ValueError, throw(error), call="f(x)")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(AttributeError("a"), "AttributeError: a", id="missing-name"),
        pytest.param(ImportError("i"), "ImportError: i", id="import"),
        pytest.param(TypeError(), "TypeError: ", id="other"),
    ],
)
def test_raises_refuses_other_errors(error: Exception, told: str) -> None:
    found = failure(lambda: raises(ValueError, throw(error), call="f(x)"))

    assert (found.what, found.got) == ("error", told)


@pytest.mark.parametrize("error", [NotImplementedError("TODO 2.3"), OurError("lost")])
def test_raises_lets_unwritten_code_and_our_faults_through(error: Exception) -> None:
    with pytest.raises(type(error)):
        raises(RuntimeError, throw(error), call="f(x)")


def test_raises_tells_what_came_back_instead() -> None:
    found = failure(lambda: raises(ValueError, lambda: Tensor([1]), call="f(x)"))

    assert found.got == "no error, but a Tensor"


def test_raises_wants_each_fact_in_the_message_whatever_the_spaces() -> None:
    raises(ValueError, throw(FarError()), call="f", mentions=[(2, 3), (4, 2)])

    found = failure(
        lambda: raises(ValueError, throw(FarError()), call="f", mentions=[(2, 3), (5,)])
    )

    assert found.expected == "ValueError whose message names (5,)"


# is_tensor, type_name, value, set_data


class Weight(Tensor):
    pass


def test_tensors_are_known_by_name_here_and_behind_the_pipe() -> None:
    assert is_tensor(Tensor(1))
    assert is_tensor(Weight(1))
    assert is_tensor(Remote())
    assert not is_tensor(np.ones(1))
    assert type_name(Remote()) == "Weight"
    assert type_name(Weight(1)) == "Weight"


def test_value_is_a_read_only_copy() -> None:
    tensor = Tensor([1.0, 2.0])

    found = value(tensor)

    assert not found.flags.writeable
    assert not np.shares_memory(found, tensor.data)


@pytest.mark.parametrize("x", [None, object(), [object()], "text", {"a": 1}])
def test_value_refuses_what_holds_no_numbers(x: object) -> None:
    with pytest.raises(TypeError):
        value(x)


def test_set_data_gives_a_float32_copy() -> None:
    tensor, array = Tensor([0.0]), np.array([1.0, 2.0])

    set_data(tensor, array)

    assert tensor.data.dtype == np.float32
    assert not np.shares_memory(tensor.data, array)


# gradients


class Package:
    Tensor = Tensor


class Square(Tensor):
    """x * x with a gradient that is right, or wrong by `factor`."""

    def __init__(self, x: Tensor, factor: float) -> None:
        super().__init__(x.data * x.data)
        self.x, self.factor = x, factor

    def backward(self, gradient: np.ndarray) -> None:
        self.x.grad = (self.factor * 2.0 * self.x.data * gradient).astype(np.float32)


def check_square(factor: float, **how: Any) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return gradients(
        Package,
        lambda x: Square(x, factor),
        lambda x: x * x,
        [rng.normal(size=(3, 4))],
        rng,
        call="x * x",
        **how,
    )


def test_gradients_takes_the_right_gradient_and_returns_it() -> None:
    (found,) = check_square(1.0)

    assert found.shape == (3, 4)


@pytest.mark.parametrize("factor", [0.0, 0.9, -1.0, np.nan])
def test_gradients_refuses_a_wrong_one(factor: float) -> None:
    assert failure(lambda: check_square(factor, hint="chain rule")).what == "gradient"


def test_gradients_recognises_a_mistake() -> None:
    def record(x: np.ndarray, g: np.ndarray) -> np.ndarray:
        return np.asarray(x * g)

    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 4))
    v = rng.normal(size=(3, 4))

    found = failure(
        lambda: check_square(0.5, misconceptions={"factor 2 forgotten": [record(x, v)]})
    )

    assert found.misconception == "factor 2 forgotten"


@pytest.mark.parametrize(
    ("grad_", "what"),
    [
        pytest.param(None, "gradient", id="none"),
        pytest.param(np.ones(3, np.float32), "shape", id="shape"),
        pytest.param("text", "type", id="type"),
    ],
)
def test_grad_wants_an_array_of_the_tensors_shape(grad_: object, what: str) -> None:
    tensor = Tensor([1.0, 2.0])
    tensor.grad = grad_

    assert failure(lambda: grad(tensor, call="f(x)")).what == what
