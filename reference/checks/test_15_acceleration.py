"""Hidden checks of module 15: acceleration.

Speed is judged by the check's limit of CPU time, which is measured from outside: the
sizes are such that numpy needs milliseconds and a loop of Python many times the limit.
"""

from __future__ import annotations

import numpy as np
import pytest

from grader.checks import cpu_limit, holds, needs, points, raises, same, spec, task
from grader.checks.remote import remote_source

VECTORIZED = "acceleration::vectorized_is_the_matrix_product"
TILED = "acceleration::tiled_is_the_matrix_product"
GELU = "acceleration::gelu_is_the_activation"
LARGE = 512  # 134 million products: 6 ms in numpy, a minute in the loop


def large_product(tt, name, seed, n):
    """Return the first rows of a product of large matrices that `seed` gives."""
    a, b = np.random.default_rng(seed).random((2, n, n), dtype=np.float32) - 0.5
    return getattr(tt, name)(tt.Tensor(a), tt.Tensor(b)).data[:4]


def is_fast(tt, name, rng, hint):
    """Compute a large product within the check's limit, and compare it."""
    seed = int(rng.integers(2**31))
    a, b = np.random.default_rng(seed).random((2, LARGE, LARGE), dtype=np.float32) - 0.5
    same(
        remote_source(tt, large_product, name=name, seed=seed, n=LARGE),
        a[:4].astype(np.float64) @ b,
        call=f"{name}(a, b), both ({LARGE}, {LARGE}), in 2 s of CPU time: 4 rows",
        tol="training",
        hint=hint,
    )


@points(2)
@needs("tensor")
@task("15.1")
@spec("vectorized_matmul", "Return the matrix product of two matrices")
def test_vectorized_is_the_matrix_product(tt, oracle, rng):
    """vectorized_matmul sums over the inner axis."""
    a, b = rng.normal(size=(2, 6, 6))
    same(
        tt.vectorized_matmul(tt.Tensor(a), tt.Tensor(b)),
        oracle.Tensor(a @ b),
        call="vectorized_matmul(a, b), both (6, 6)",
        tol="reduction",
        hint="One call of numpy does all three loops.",
        misconceptions={
            "the product entry by entry": a * b,
            "the second matrix transposed": a @ b.T,
            "b times a": b @ a,
        },
    )


@pytest.mark.parametrize("name", ["vectorized", "tiled"])
@needs(VECTORIZED)
@task("15.1")
@spec("vectorized_matmul", "Shapes: a (n, k), b (k, m) -> (n, m)")
def test_any_three_sizes(tt, oracle, rng, name):
    """Long, flat and single-entry matrices work."""
    matmul = getattr(tt, f"{name}_matmul")
    for n, k, m in ((1, 7, 1), (9, 1, 4), (1, 1, 1), (3, 40, 2)):
        a, b = rng.normal(size=(n, k)), rng.normal(size=(k, m))
        same(
            matmul(tt.Tensor(a), tt.Tensor(b)),
            oracle.Tensor(a @ b),
            call=f"{name}_matmul(a, b), a ({n}, {k}), b ({k}, {m})",
            tol="reduction",
        )


@pytest.mark.parametrize("name", ["vectorized", "tiled"])
@needs(VECTORIZED)
@task("15.1")
@spec("vectorized_matmul", "ValueError: the inner sizes differ; the message names both")
def test_inner_sizes_must_agree(tt, rng, name):
    """Inner sizes that differ raise ValueError naming both shapes."""
    n = int(rng.integers(5, 9))
    for first, second in (((2, n), (n + 1, 2)), ((n, 3), (n, 3))):
        a, b = (tt.Tensor(rng.normal(size=s)) for s in (first, second))
        raises(
            ValueError,
            getattr(tt, f"{name}_matmul"),
            a,
            b,
            call=f"{name}_matmul(a, b), a {first}, b {second}",
            mentions=[first, second],
            hint="Compare the inner sizes before you compute; blocks may hide it.",
        )


@pytest.mark.parametrize("name", ["vectorized", "tiled"])
@needs(VECTORIZED)
@task("15.1")
@spec("vectorized_matmul", "a and b stay as they are.")
def test_operands_stay(tt, rng, name):
    """Neither operand is written into."""
    a, b = (rng.normal(size=n).astype(np.float32) for n in ((5, 6), (6, 4)))
    ta, tb = tt.Tensor(a), tt.Tensor(b)
    getattr(tt, f"{name}_matmul")(ta, tb)
    same(ta, a, call=f"a after {name}_matmul(a, b)", tol="exact")
    same(tb, b, call=f"b after {name}_matmul(a, b)", tol="exact")


@cpu_limit(2)
@points(3)
@needs(VECTORIZED)
@task("15.1")
@spec("vectorized_matmul", "a product of two matrices (512, 512) in much less than a")
def test_vectorized_is_fast(tt, rng):
    """A (512, 512) product needs far less CPU time than a loop."""
    is_fast(tt, "vectorized_matmul", rng, "No loop of Python over the entries.")


@points(2)
@needs(VECTORIZED)
@task("15.2")
@spec("tiled_matmul", "computed from blocks of tile_size rows and columns.")
def test_tiled_is_the_matrix_product(tt, oracle, rng):
    """tiled_matmul adds up the products of all blocks."""
    a, b = rng.normal(size=(2, 8, 8))
    t = 4
    last = a[:, t:] @ b[t:]
    diagonal = np.zeros((8, 8))
    for s in (slice(0, t), slice(t, 8)):
        diagonal[s, s] = a[s] @ b[:, s]
    same(
        tt.tiled_matmul(tt.Tensor(a), tt.Tensor(b), tile_size=t),
        oracle.Tensor(a @ b),
        call="tiled_matmul(a, b, tile_size=4), both (8, 8)",
        tol="reduction",
        hint="Add to the block of the result for every K.",
        misconceptions={
            "only the last run of the inner axis: `=` for `+=`": last,
            "only the first run of the inner axis": a[:, :t] @ b[:t],
            "only the blocks on the diagonal": diagonal,
        },
    )


@points(4)
@needs(TILED)
@task("15.2")
@spec("tiled_matmul", "no size has to be a multiple of tile_size")
def test_tiles_need_not_fit(tt, oracle, rng):
    """Sizes that are no multiples of the tile, and tiles of any size, work."""
    sizes = 5, 7, 10
    a, b = rng.normal(size=sizes[:2]), rng.normal(size=sizes[1:])
    ta, tb, right = tt.Tensor(a), tt.Tensor(b), oracle.Tensor(a @ b)
    for tile in (3, 4, 50, 1):
        n, k, m = (size // tile * tile for size in sizes)
        rest_lost = np.zeros((5, 10))
        rest_lost[:n, :m] = a[:n, :k] @ b[:k, :m]
        wrong = {"the rest beyond whole tiles left out": rest_lost}
        same(
            tt.tiled_matmul(ta, tb, tile_size=tile),
            right,
            call=f"tiled_matmul(a, b, tile_size={tile}), a (5, 7), b (7, 10)",
            tol="reduction",
            hint="range(0, n, tile_size) also starts the last, shorter block.",
            misconceptions=wrong if tile > 1 else {},
        )


@needs(TILED)
@task("15.2")
@spec("tiled_matmul", "Or tile_size is smaller than 1; the message names it.")
def test_tiles_have_a_size(tt, rng):
    """A tile size of 0 or less raises ValueError that names it."""
    a = tt.Tensor(rng.normal(size=(3, 3)))
    for tile in (0, -2):
        call = f"tiled_matmul(a, a, {tile}), a (3, 3)"
        raises(ValueError, tt.tiled_matmul, a, a, tile, call=call, mentions=[tile])


@cpu_limit(2)
@points(2)
@needs(TILED)
@task("15.2")
@spec("tiled_matmul", "(512, 512) matrices with tiles of 64 take much less than a")
def test_tiled_is_fast(tt, rng):
    """A tiled (512, 512) product needs far less CPU time than a loop."""
    is_fast(tt, "tiled_matmul", rng, "Loops over the blocks, numpy inside them.")


@points(2)
@needs("tensor")
@task("15.3")
@spec("fused_gelu", "a result within 2.5e-2 of any of the three passes.")
def test_gelu_is_the_activation(tt, oracle, rng):
    """fused_gelu(x) is x * sigmoid(1.702 x), in any shape."""
    x = rng.uniform(-4, 4, size=(3, 4, 5))
    x.flat[:2] = -2.5, 3.5
    share = 1 / (1 + np.exp(-1.702 * x))
    same(
        tt.fused_gelu(tt.Tensor(x)),
        oracle.Tensor(x * share),
        call="fused_gelu(x), x (3, 4, 5) from -4 to 4",
        tol="gelu",
        hint="x divided by 1 + exp(-1.702 x).",
        misconceptions={
            "the sigmoid alone": share,
            "ReLU": np.maximum(x, 0),
            "x * sigmoid(x), which is SiLU": x / (1 + np.exp(-x)),
            "the sign in the exponent lost": x / (1 + np.exp(1.702 * x)),
        },
    )


def far_out(tt, x):
    """Return fused_gelu(x) and what numpy says of an overflow, or ""."""
    with np.errstate(all="ignore"):
        out = tt.fused_gelu(tt.Tensor(x)).data
    try:
        with np.errstate(over="raise"):
            tt.fused_gelu(tt.Tensor(x))
    except FloatingPointError as exc:
        return out, str(exc)
    return out, ""


@needs(GELU)
@task("15.3")
@spec("fused_gelu", "Finite, and without overflow, for |x| up to 1e4")
def test_gelu_is_finite_far_out(tt):
    """Entries of +-1e4 give 1e4 and 0, not nan, and nothing overflows."""
    x = np.array([-1e4, -1e3, -90.0, -53.0, 0.0, 53.0, 90.0, 1e3, 1e4])
    call = "fused_gelu(x), x from -1e4 to 1e4"
    hint = "infinity divided by infinity is nan; keep the exponent below 80."
    out, warning = remote_source(tt, far_out, x=x)
    same(out, np.maximum(x, 0), call=call, tol="gelu", hint=hint)
    holds(not warning, call=call, expected="no overflow", got=warning, hint=hint)


@needs(GELU)
@task("15.3")
@spec("fused_gelu", "x stays as it is.")
def test_gelu_leaves_its_input_alone(tt, rng):
    """Working in place must not reach x."""
    x = rng.normal(size=(4, 5)).astype(np.float32)
    t = tt.Tensor(x)
    tt.fused_gelu(t)
    hint = "The first step makes a new array; the others work in that one."
    same(t, x, call="x after fused_gelu(x), x (4, 5)", tol="exact", hint=hint)


def arrays_at_once(tt, n):
    """Return the most memory fused_gelu takes beside x, in sizes of x."""
    import tracemalloc  # noqa: PLC0415 -- sent as source, which holds one function

    x = tt.Tensor(np.linspace(-3, 3, n))
    tracemalloc.start()
    tt.fused_gelu(x)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / (4 * n)


@points(2)
@needs(GELU)
@task("15.3")
@spec("fused_gelu", "at most two arrays of the size of x may exist at any time")
def test_gelu_needs_little_memory(tt):
    """At most two arrays of the size of x exist at a time."""
    arrays = float(remote_source(tt, arrays_at_once, n=200_000))
    holds(
        arrays < 2.2,
        call="fused_gelu(x), x (200000,): memory beside x, in sizes of x",
        expected="at most 2",
        got=f"{arrays:.2g}",
        hint="np.exp(a, out=a) needs no new array; nor does `a += 1`.",
    )
