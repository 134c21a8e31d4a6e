"""Proxies: what a check may do with an object that lives in the sandbox."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
import pytest
from loopback import asked, session_with

from grader.checks.checklib import class_names, is_tensor, raises, same, type_name
from grader.checks.remote import (
    Method,
    OracleError,
    Remote,
    Session,
    names_of,
    remote_source,
)
from grader.sandbox import StudentError


class Tensor:
    """Tells what was done to it."""

    __array_ufunc__ = None  # numpy leaves mixed operations to this class

    def __init__(self, data: Any = (1.0, 2.0, 3.0)) -> None:
        self.data = np.array(data, dtype=np.float32)
        self.frozen = False

    def told(self, what: str, other: object) -> str:
        return f"{what} {type(other).__name__}"

    def doubled(self, *, plus: float = 0.0) -> Tensor:
        return Tensor(2 * self.data + plus)

    def __add__(self, other: object) -> str:
        return self.told("add", other)

    def __radd__(self, other: object) -> str:
        return self.told("radd", other)

    def __sub__(self, other: object) -> str:
        return self.told("sub", other)

    def __rsub__(self, other: object) -> str:
        return self.told("rsub", other)

    def __mul__(self, other: object) -> str:
        return self.told("mul", other)

    def __rmul__(self, other: object) -> str:
        return self.told("rmul", other)

    def __truediv__(self, other: object) -> str:
        return self.told("truediv", other)

    def __rtruediv__(self, other: object) -> str:
        return self.told("rtruediv", other)

    def __pow__(self, other: object) -> str:
        return self.told("pow", other)

    def __rpow__(self, other: object) -> str:
        return self.told("rpow", other)

    def __matmul__(self, other: object) -> str:
        return self.told("matmul", other)

    def __rmatmul__(self, other: object) -> str:
        return self.told("rmatmul", other)

    def __neg__(self) -> str:
        return "neg"

    def __getitem__(self, key: Any) -> Any:
        return self.data[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.data[key] = value

    def __len__(self) -> int:
        return len(self.data)

    def __iter__(self) -> Iterator[float]:
        return iter(self.data.tolist())

    def __repr__(self) -> str:
        return "PASSED"

    def __bool__(self) -> bool:
        return True

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


class Endless:
    """Iterates for ever and does not know its length."""

    def __iter__(self) -> Iterator[int]:
        while True:
            yield 1


class Guard:
    """A context that remembers whether it is open."""

    def __init__(self) -> None:
        self.state = "new"

    def __enter__(self) -> Self:
        self.state = "open"
        return self

    def __exit__(self, *_: object) -> None:
        self.state = "closed"


class Package:
    Tensor, Endless, Guard = Tensor, Endless, Guard

    @staticmethod
    def stop() -> None:
        raise StopIteration(3)

    @staticmethod
    def leave() -> None:
        raise KeyboardInterrupt

    @staticmethod
    def shapes() -> None:
        msg = "shapes (2, 3) and (4,)"
        raise ValueError(msg)

    @staticmethod
    def call(fn: Callable[..., Any], *args: Any) -> Any:
        return fn(*args)

    @staticmethod
    def several() -> Any:
        return [Tensor(), (Tensor(), 1)], {"k": Tensor()}


@pytest.fixture
def session() -> Session:
    return session_with(Package())


@pytest.fixture
def tt(session: Session) -> Any:
    return session.namespace()


BINARY = ["add", "sub", "mul", "truediv", "pow", "matmul"]


@pytest.mark.parametrize("name", BINARY)
def test_binary_operators_run_on_the_other_side(name: str, tt: Any) -> None:
    operate = getattr(operator, name)
    x, y = tt.Tensor(), tt.Tensor()

    assert operate(x, y) == f"{name} Tensor"
    assert operate(x, 2.0) == f"{name} float"
    assert operate(2, x) == f"r{name} int"


@pytest.mark.parametrize("name", BINARY)
def test_an_array_on_the_left_leaves_the_operation_to_the_tensor(
    name: str, tt: Any
) -> None:
    """numpy would otherwise try the entries one by one."""
    x = np.ones(3, np.float32)

    assert getattr(operator, name)(x, tt.Tensor()) == f"r{name} ndarray"


def test_negation_indexing_length_and_iteration(tt: Any) -> None:
    x = tt.Tensor()

    assert -x == "neg"
    assert x[1] == 2
    np.testing.assert_array_equal(x[1:], [2, 3])
    np.testing.assert_array_equal(x[np.array([0, 2])], [1, 3])
    np.testing.assert_array_equal(x[..., None], [[1], [2], [3]])
    assert len(x) == 3
    assert list(x) == [1, 2, 3]


def test_assignment_changes_the_object_over_there(tt: Any) -> None:
    x = tt.Tensor()

    x[0] = 9.0
    x.frozen = True
    assert x[0] == 9
    assert x.frozen is True
    x.data = np.zeros(3, np.float32)
    np.testing.assert_array_equal(x.data, [0, 0, 0])


def test_what_has_no_length_is_not_iterated(tt: Any) -> None:
    with pytest.raises(StudentError, match="TypeError"):
        list(tt.Endless())


@pytest.mark.parametrize(
    ("use", "what"),
    [
        (bool, "the truth"),
        (lambda x: x == 1, "equality"),
        (lambda x: 1 == x, "equality"),  # noqa: SIM300
        (lambda x: x != 1, "equality"),
        (lambda x: x in (1, 2), "equality"),
        (np.asarray, "the array"),
        (lambda x: np.allclose(x, 1), "the array"),
        (lambda x: np.array([x, x]), "the array"),
    ],
)
def test_an_object_is_not_asked_what_it_could_lie_about(
    use: Callable[[Any], Any], what: str, session: Session, tt: Any
) -> None:
    x = tt.Tensor()
    before = len(asked(session))

    with pytest.raises(TypeError, match=f"{what} of a remote object is not defined"):
        use(x)
    assert len(asked(session)) == before


def test_an_object_has_no_hash_and_its_repr_does_not_cross(tt: Any) -> None:
    x = tt.Tensor()

    with pytest.raises(TypeError, match="unhashable"):
        hash(x)
    assert repr(x) == "<a Tensor in the sandbox>"


def test_numpy_functions_do_not_reach_over(tt: Any) -> None:
    with pytest.raises(TypeError):
        np.exp(tt.Tensor())


def test_checklib_knows_the_class_of_a_proxy(tt: Any) -> None:
    x = tt.Tensor()

    assert is_tensor(x)
    assert not is_tensor(tt.Endless())
    assert type_name(x) == "Tensor"
    assert names_of(x) == ("Tensor", "object")
    same(x, [1.0, 2.0, 3.0], call="x")


def test_arrays_are_copies_that_nobody_can_change(tt: Any) -> None:
    x = tt.Tensor()
    data = x.data

    with pytest.raises(ValueError, match="read-only"):
        data[0] = 5
    with pytest.raises(ValueError, match="WRITEABLE"):
        data.setflags(write=True)
    x[0] = 7.0
    assert data[0] == 1


def test_objects_inside_lists_tuples_and_dicts_are_proxies(tt: Any) -> None:
    [first, (second, number)], named = tt.several()

    assert all(isinstance(x, Remote) for x in (first, second, named["k"]))
    assert number == 1


def test_a_method_is_fetched_once_a_module(session: Session, tt: Any) -> None:
    x, y = tt.Tensor(), tt.Tensor()
    assert x.doubled(plus=1.0)[0] == 3
    before = len(asked(session))

    assert y.doubled()[0] == 2

    assert asked(session)[before:] == ["call doubled", "operator getitem"]
    assert isinstance(y.doubled, Method)


def test_a_known_method_is_still_an_object_that_can_be_handed_over(tt: Any) -> None:
    x = tt.Tensor()
    x.doubled()
    known = x.doubled

    assert isinstance(known, Method)
    assert tt.call(known)[0] == 2


def test_plain_attributes_are_always_read_anew(session: Session, tt: Any) -> None:
    x = tt.Tensor()
    assert x.frozen is False
    x.frozen = True

    assert x.frozen is True
    assert asked(session).count("get frozen") == 2


def test_with_enters_and_leaves_over_there(tt: Any) -> None:
    guard = tt.Guard()

    with guard as inner:
        assert inner.state == "open"
    assert guard.state == "closed"


def test_with_leaves_also_when_the_check_fails(tt: Any) -> None:
    guard = tt.Guard()

    with pytest.raises(RuntimeError), guard:
        raise RuntimeError
    assert guard.state == "closed"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("stop", "StopIteration"),
        ("leave", "KeyboardInterrupt"),
        ("shapes", "ValueError"),
        ("missing", "AttributeError"),
    ],
)
def test_a_remote_error_is_a_student_error_and_nothing_else(
    name: str, error: str, tt: Any
) -> None:
    with pytest.raises(StudentError) as caught:
        getattr(tt, name)()

    assert caught.value.class_names[0] == error
    assert class_names(caught.value) == caught.value.class_names
    assert type(caught.value).__mro__[1] is Exception


def test_a_remote_stop_does_not_end_a_loop_of_ours(tt: Any) -> None:
    def values() -> Iterator[int]:
        yield 1
        tt.stop()
        yield 2

    with pytest.raises(StudentError):
        list(values())


def test_raises_sees_through_the_pipe(tt: Any) -> None:
    raises(ValueError, tt.shapes, call="shapes()", mentions=[(2, 3), (4,)])


def test_an_error_of_the_reference_is_ours() -> None:
    oracle = session_with(Package(), trusted=True).namespace()

    with pytest.raises(OracleError, match=r"the reference raised ValueError: shapes"):
        oracle.shapes()


def test_objects_of_two_packages_do_not_mix(tt: Any) -> None:
    oracle = session_with(Package(), trusted=True).namespace()

    with pytest.raises(TypeError, match="of one package was given to the other"):
        tt.call(oracle.Tensor())
    with pytest.raises(TypeError, match="of one package was given to the other"):
        tt.Tensor() + oracle.Tensor()


def test_what_cannot_cross_is_refused_before_it_is_sent(
    session: Session, tt: Any
) -> None:
    with pytest.raises(TypeError, match="cannot be sent into the sandbox"):
        tt.call(lambda: None)


def test_the_last_call_is_kept_for_reports(session: Session, tt: Any) -> None:
    x = tt.Tensor()
    assert session.last_call == "tt.Tensor(...)"
    _ = x.frozen
    assert session.last_call == "Tensor.frozen"
    for _ in range(2):  # a method reads the same the first time and later
        x.doubled()
        assert session.last_call == "Tensor.doubled(...)"
    _ = 1 + x
    assert session.last_call == "add on a Tensor"


def total_of(tt: Any, values: Any, extra: float = 0.0) -> list[float]:
    tensor = tt.Tensor(values)
    return [float(np.sum(tensor.data)) + extra, len(tensor)]


def class_inside(tt: Any) -> tuple[str, bool]:
    class Mine(tt.Tensor):  # type: ignore[misc]
        pass

    return type(Mine()).__name__, isinstance(Mine(), tt.Tensor)


@pytest.mark.parametrize("where", ["here", "there"])
def test_remote_source_works_the_same_in_both_runners(where: str, tt: Any) -> None:
    package = Package() if where == "here" else tt

    found = remote_source(package, total_of, values=[1.0, 2.0], extra=0.5)

    assert found == [3.5, 2]
    assert remote_source(package, class_inside) == ("Mine", True)


def test_remote_source_runs_over_there(session: Session, tt: Any) -> None:
    remote_source(tt, class_inside)

    assert "source given" in asked(session)


def test_an_error_inside_remote_source_is_the_students(tt: Any) -> None:
    with pytest.raises(StudentError, match="TypeError"):
        remote_source(tt, total_of, nonsense=1)
