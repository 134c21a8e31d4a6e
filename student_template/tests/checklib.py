"""Write a check once, run it in-process or against a sandbox.

Standard library and numpy only. The same file serves the public tests of the student
template and the hidden suites of the engine. A failure is data: what was called, what
was expected, what came back, and one hint.

Order of comparison: type, shape, dtype, finite, value; the first difference is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

FLOATS = ("float16", "float32", "float64")


class Tolerance(NamedTuple):
    """|got - expected| <= atol + rtol * |expected|."""

    rtol: float
    atol: float


# One table for all checks. float32 has a relative precision of 6e-8; each row leaves
# room for another order of summation or another correct formula.
TOLERANCES: Mapping[str, Tolerance] = {
    "exact": Tolerance(0.0, 0.0),
    "elementwise": Tolerance(1e-5, 1e-6),
    "reduction": Tolerance(1e-4, 1e-5),
    "gradient": Tolerance(2e-3, 2e-4),
    "training": Tolerance(1e-3, 1e-4),
    "gelu": Tolerance(0.0, 2.5e-2),  # three published forms count as right
}


class CheckFailure(AssertionError):
    """A check does not hold.

    Attributes:
        what: "type", "shape", "dtype", "finite", "value", "gradient" or "error".
        call, expected, got, hint, misconception: text for the student.
    """

    def __init__(
        self, what: str, *, call: str, expected: str, got: str, hint: str = ""
    ) -> None:
        self.what, self.call, self.expected, self.got = what, call, expected, got
        self.hint = hint
        self.misconception = ""
        super().__init__(call)

    def __str__(self) -> str:
        lines = [self.call, f"  expected  {self.expected}", f"  got       {self.got}"]
        if self.misconception:
            lines.append(f"  this is   {self.misconception}")
        if self.hint:
            lines.append(f"  hint      {self.hint}")
        return "\n".join(lines)


def is_tensor(x: object) -> bool:
    """Return whether `x` is the student's Tensor, here or behind the pipe."""
    names = getattr(type(x), "remote_names", None)
    if names is not None:
        return "Tensor" in names(x)
    return any(c.__name__ == "Tensor" for c in type(x).__mro__)


def value(x: Any) -> np.ndarray:
    """Return a read-only copy of the array in `x`: a Tensor, array, number or list.

    Raises:
        TypeError: `x` holds no array.
    """
    data = x.data if is_tensor(x) else x
    if not isinstance(data, np.ndarray | np.generic | int | float | list | tuple):
        msg = f"no array in a {type_name(x)}"
        raise TypeError(msg)
    array = np.array(data)
    if array.dtype == object:
        msg = f"no numbers in a {type_name(x)}"
        raise TypeError(msg)
    array.setflags(write=False)
    return array


def set_data(tensor: Any, array: np.ndarray) -> None:
    """Give `tensor` new data; the only way a check changes a tensor."""
    tensor.data = np.array(array, dtype=np.float32)


def type_name(x: object) -> str:
    """Return the name of the class of `x`, here or behind the pipe."""
    names = getattr(type(x), "remote_names", None)
    return str(names(x)[0]) if names is not None else type(x).__name__


def same(  # noqa: PLR0913 -- one call says everything about one comparison
    got: Any,
    expected: Any,
    *,
    call: str,
    hint: str = "",
    tol: str = "elementwise",
    misconceptions: Mapping[str, Any] | None = None,
    what: str = "value",
) -> None:
    """Check that `got` holds the same array as `expected`.

    Args:
        got: a Tensor, ndarray or number.
        expected: the same, or nested lists. A Tensor here demands a Tensor.
        call: the call as a student would type it, or its description.
        hint: one sentence naming the usual cause.
        tol: a row of `TOLERANCES`.
        misconceptions: known mistake -> the wrong answer it gives (or a function
            that computes it). An equal answer is reported as that mistake.
        what: "value" or "gradient".

    Raises:
        CheckFailure: at the first difference.
    """
    try:
        _compare(got, expected, call, tol, what)
    except CheckFailure as failure:
        failure.hint = hint
        failure.misconception = _recognise(got, misconceptions or {}, tol)
        raise


def _compare(got: Any, expected: Any, call: str, tol: str, what: str) -> None:
    if is_tensor(expected) and not is_tensor(got):
        _fail("type", call, "a Tensor", _describe(got))
    want = value(expected)
    try:
        have = value(got)
    except (TypeError, ValueError):
        _fail("type", call, _describe(expected), _describe(got))
    if have.shape != want.shape:
        _fail("shape", call, f"shape {want.shape}", f"shape {have.shape}")
    _compare_dtype(got, have, want, call)
    if have.dtype.kind not in "biuf":
        _fail("dtype", call, str(want.dtype), str(have.dtype))
    bad = ~np.isfinite(have) & np.isfinite(want) if have.dtype.kind == "f" else None
    if bad is not None and bad.any():
        _difference("finite", call, have, want, bad)
    rtol, atol = TOLERANCES[tol]
    bad = ~np.isclose(have, want, rtol=rtol, atol=atol, equal_nan=True)
    if bad.any():
        _difference(what, call, have, want, bad)


def _compare_dtype(got: Any, have: np.ndarray, want: np.ndarray, call: str) -> None:
    """Tensors hold float32; a bare array must be of the expected kind."""
    if is_tensor(got):
        if have.dtype != np.float32:
            _fail("dtype", call, "dtype float32", f"dtype {have.dtype}")
    elif isinstance(got, np.ndarray) and want.dtype.kind != have.dtype.kind:
        _fail("dtype", call, f"dtype {want.dtype}", f"dtype {have.dtype}")


def _recognise(got: Any, misconceptions: Mapping[str, Any], tol: str) -> str:
    """Return the known mistake whose answer equals `got`, or an empty string."""
    rtol, atol = TOLERANCES[tol]
    for mistake, wrong in misconceptions.items():
        try:
            answer = value(wrong() if callable(wrong) else wrong)
            have = value(got)
        except (TypeError, ValueError):
            continue
        if answer.shape == have.shape and np.allclose(
            have, answer, rtol=rtol, atol=atol, equal_nan=True
        ):
            return mistake
    return ""


def _difference(
    what: str, call: str, have: np.ndarray, want: np.ndarray, bad: np.ndarray
) -> NoReturn:
    index = tuple(int(i) for i in np.argwhere(bad)[0])
    place = f" at index {index}" if index else ""
    count = f"   ({int(bad.sum())} of {bad.size} entries differ)" if index else ""
    expected = f"{_number(want[index])}{place}"
    _fail(what, call, expected, f"{_number(have[index])}{count}")


def _number(x: Any) -> str:
    return f"{x:.6g}" if np.asarray(x).dtype.kind == "f" else str(x)


def _describe(x: Any) -> str:
    if isinstance(x, np.ndarray):
        return f"an ndarray of shape {x.shape}"
    if x is None or isinstance(x, bool | int | float):
        return repr(x)
    name = type_name(x)
    return f"an {name}" if name[:1].lower() in "aeiou" else f"a {name}"


def _fail(what: str, call: str, expected: str, got: str, hint: str = "") -> NoReturn:
    __tracebackhide__ = True
    raise CheckFailure(what, call=call, expected=expected, got=got, hint=hint)


def holds(
    condition: Any, *, call: str, expected: str, got: Any = "", hint: str = ""
) -> None:
    """Check a property that is not a comparison of arrays."""
    if not isinstance(condition, bool | np.bool_):
        _fail("type", call, expected, _describe(condition), hint)
    if not condition:
        text = got if isinstance(got, str) else _describe(got)
        _fail("value", call, expected, text or "it does not hold", hint)


def one_of(got: Any, options: Sequence[Any], **how: Any) -> None:
    """Check that `got` equals one of several right answers."""
    failures = []
    for option in options:
        try:
            same(got, option, **how)
        except CheckFailure as failure:
            failures.append(failure)
        else:
            return
    raise failures[0]


def raises(
    error: type[Exception],
    fn: Callable[..., Any],
    *args: Any,
    call: str,
    mentions: Iterable[object] = (),
    hint: str = "",
) -> None:
    """Check that `fn(*args)` raises `error` (or a subclass) with the facts named.

    Code that is not written yet, and a name that is missing, never count.

    Args:
        mentions: texts the message must contain, such as both shapes.
    """
    wanted = f"{error.__name__}"
    try:
        result = fn(*args)
    except Exception as exc:
        names = class_names(exc)
        if getattr(exc, "infrastructure", False) or "NotImplementedError" in names:
            raise
        if error.__name__ not in names:
            _fail("error", call, wanted, f"{names[0]}: {_first_line(exc)}", hint)
        missing = [str(m) for m in mentions if not _mentioned(str(m), _message(exc))]
        if missing:
            expected = f"{wanted} whose message names {' and '.join(missing)}"
            _fail("error", call, expected, f"{names[0]}: {_first_line(exc)}", hint)
        return
    _fail("error", call, wanted, f"no error, but {_describe(result)}", hint)


def _mentioned(fact: str, message: str) -> bool:
    """Compare without spaces, so that "(2,3)" names the shape (2, 3)."""
    return fact.replace(" ", "") in message.replace(" ", "")


def class_names(exc: BaseException) -> tuple[str, ...]:
    """Return the names of an exception's class and bases, here or behind the pipe."""
    remote = getattr(exc, "class_names", None)
    return tuple(remote) if remote else tuple(c.__name__ for c in type(exc).__mro__)


def _message(exc: BaseException) -> str:
    return str(getattr(exc, "message", "") or exc)


def _first_line(exc: BaseException) -> str:
    return (_message(exc).splitlines() or [""])[0][:160]


def gradients(  # noqa: PLR0913 -- one call says everything about one gradient
    tt: Any,
    fn: Callable[..., Any],
    f64: Callable[..., np.ndarray],
    inputs: Sequence[np.ndarray],
    rng: np.random.Generator,
    *,
    call: str,
    hint: str = "",
    misconceptions: Mapping[str, Sequence[Any]] | None = None,
) -> list[np.ndarray]:
    """Check the gradients of `fn` by one random directional derivative an input.

    <grad_i, d> must equal the central difference of <f64(inputs), v> along d, taken in
    float64, for random v and d: one number whose error any wrong entry shows in.

    Args:
        fn: tensors -> tensor, on the student's package.
        f64: arrays -> array, the same function in float64 numpy.
        inputs: one array per argument, away from kinks.
        misconceptions: known mistake -> the wrong gradients it gives, per input.

    Returns:
        The gradients found, one array per input.
    """
    tensors = [tt.Tensor(x, requires_grad=True) for x in inputs]
    out = fn(*tensors)
    exact = [np.asarray(x, dtype=np.float64) for x in inputs]
    v = rng.normal(size=np.shape(f64(*exact)))
    out.backward(v.astype(np.float32))
    grads = [grad(t, call=call, hint=hint) for t in tensors]
    for i, found in enumerate(grads):
        d = rng.normal(size=exact[i].shape)
        numeric = _directional(f64, exact, i, d, v)
        analytic = float(np.sum(found * d))
        scale = float(np.sum(np.abs(found * d))) + abs(numeric) + 1.0
        if not abs(analytic - numeric) <= TOLERANCES["gradient"].rtol * scale:
            failure = CheckFailure(
                "gradient",
                call=call,
                expected=f"slope {numeric:.6g} along a random direction of input {i}",
                got=f"{analytic:.6g} from .grad",
                hint=hint,
            )
            wrong = {m: g[i] for m, g in (misconceptions or {}).items()}
            failure.misconception = _recognise(found, wrong, "gradient")
            raise failure
    return grads


def _directional(
    f64: Callable[..., np.ndarray],
    inputs: Sequence[np.ndarray],
    i: int,
    d: np.ndarray,
    v: np.ndarray,
) -> float:
    h = 1e-6  # cube root of float64 precision, times the scale 1 of the inputs
    plus, minus = list(inputs), list(inputs)
    plus[i], minus[i] = inputs[i] + h * d, inputs[i] - h * d
    return float(np.sum((f64(*plus) - f64(*minus)) * v) / (2 * h))


def grad(tensor: Any, *, call: str, hint: str = "") -> np.ndarray:
    """Return `tensor.grad` as a read-only copy, checked for presence and shape."""
    found = tensor.grad
    if found is None:
        _fail("gradient", f"{call}: .grad", "a gradient", "None", hint)
    try:
        array = value(found)
    except (TypeError, ValueError):
        _fail("type", f"{call}: .grad", "a float32 array", _describe(found), hint)
    shape = value(tensor).shape
    if array.shape != shape:
        got = f"shape {array.shape}"
        _fail("shape", f"{call}: .grad", f"shape {shape}", got, hint)
    return array
