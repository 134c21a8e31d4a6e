"""Milestone 06: what the grader calls, the saved file, and the run as a whole."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "milestones/06_2024_systems_age"
SCRIPT = FOLDER / "optimize_models.py"
# Executed first in every subprocess: the script as the grader runs it, and toy digits
# whose class stands in their first corner.
PREPARED = """
import json, time, types
import numpy as np
import tinytorch as tt

m = types.ModuleType("milestone")
exec(compile(open("optimize_models.py").read(), "milestone", "exec"), m.__dict__)
rng = np.random.default_rng(0)
y = rng.integers(0, 10, 320)
x = rng.random((320, 8, 8), dtype=np.float32) / 10
x.reshape(320, -1)[np.arange(320), y] += 1
data, budget = {"x": x, "y": y}, {"epochs": 3, "seed": 0}
np.random.seed(0)
model = m.build(tt, np.random.default_rng(0))
right = lambda scores: float(np.mean(scores.argmax(axis=1) == y))
logged = []
def trained():
    for _ in m.train(tt, model, data, budget, lambda **f: logged.append(sorted(f))):
        yield
def tell(**facts):
    print(json.dumps(facts))
"""


def environment(*paths: Path) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def python(
    *arguments: str, paths: tuple[Path, ...] = (), timeout_s: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run Python in the milestone's folder."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=FOLDER,
        env=environment(*(paths or (ROOT, ROOT / "reference"))),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def found(code: str) -> dict[str, Any]:
    """Return what `code` tells, run after PREPARED."""
    done = python("-c", PREPARED + code)
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


@pytest.fixture(scope="module")
def artefact() -> Any:
    spec = importlib.util.spec_from_file_location("artefact", FOLDER / "artefact.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_graded_script_imports_only_numpy_and_the_standard_library() -> None:
    tree = ast.parse(SCRIPT.read_text())

    names = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).split(".")[0])

    assert names - {"numpy"} <= sys.stdlib_module_names


def test_training_keeps_the_contract_with_the_grader() -> None:
    facts = found("""
before = {k: layer.weight.data.copy() for k, layer in model.items()}
run = m.train(tt, model, data, budget, lambda **f: logged.append(sorted(f)))
lazy = all(np.array_equal(before[k], model[k].weight.data) for k in before)
slices = sum(1 for _ in run)
out = m.predict(tt, model, x)
as_bytes = np.round(x / 1.1 * 255).astype(np.uint8)
large = m.predict(tt, model, np.zeros((2, 28, 28), np.uint8))
tell(
    layers={k: type(v).__name__ for k, v in model.items()}, lazy=lazy, slices=slices,
    logged=logged, dtype=out.dtype.name, shape=out.shape, right=right(out),
    bytes_right=right(m.predict(tt, model, as_bytes)), large=large.shape,
)
""")

    assert facts["layers"] == {"fc1": "Linear", "fc2": "Linear", "fc3": "Linear"}
    assert facts["lazy"]
    assert facts["slices"] == 3
    assert facts["logged"] == [["epoch", "loss"]] * 3
    assert facts["dtype"] == "float32"
    assert facts["shape"] == [320, 10]
    assert facts["right"] > 0.9
    assert facts["bytes_right"] > 0.9
    assert facts["large"] == [2, 10]


def test_int8_artefact_is_small_and_answers_nearly_the_same() -> None:
    facts = found("""
list(trained())
arrays = m.quantized(tt, model)
kept = {k: a.copy() for k, a in arrays.items()}
small = m.predict_quantized(tt, m.load(tt, kept), x)
loaded = m.load(tt, arrays)
plain = sum(p.data.nbytes for v in model.values() for p in v.parameters())
tell(
    dtypes={k: a.dtype.name for k, a in arrays.items()}, dtype=small.dtype.name,
    ratio=plain / sum(a.nbytes for a in arrays.values()),
    in_memory={k: v.weight.itemsize for k, v in loaded.items()},
    difference=float(np.abs(small - m.predict(tt, model, x)).max()),
    right=right(small), before=right(m.predict(tt, model, x)),
)
""")

    for name in ("fc1", "fc2", "fc3"):
        assert facts["dtypes"][f"{name}.weight"] == "int8"
        assert facts["dtypes"][f"{name}.bias"] == "float32"
    assert facts["dtype"] == "float32"
    assert facts["ratio"] >= 3.9
    assert facts["in_memory"] == {"fc1": 1, "fc2": 1, "fc3": 1}
    assert 0 < facts["difference"] < 1
    assert facts["right"] >= facts["before"] - 0.01


def test_pruning_starts_late_and_keeps_its_zeros_while_it_trains() -> None:
    facts = found("""
list(trained())
weights = [layer.weight for layer in model.values()]
run = m.prune(tt, model, data, budget, lambda **f: logged.append(sorted(f)))
at_first = tt.measure_sparsity(m.network(tt, model))
logged.clear()
slices = 0
before = weights[0].data.copy()
for _ in run:
    slices += 1
zero = sum(int((w.data == 0).sum()) for w in weights)
left = weights[0].data != 0
tell(
    at_first=at_first, slices=slices, logged=logged,
    share=zero / sum(w.data.size for w in weights),
    trained=bool((weights[0].data[left] != before[left]).mean() > 0.5),
    right=right(m.predict(tt, model, x)),
)
""")

    assert facts["at_first"] == 0
    assert facts["slices"] == 1
    assert facts["logged"] == [["epoch", "loss"]]
    assert facts["share"] >= 0.8 - 1e-5
    assert facts["trained"]
    assert facts["right"] > 0.9


def test_decoder_is_the_seeds_alone_and_writes_the_same_with_a_cache() -> None:
    facts = found("""
def weights(gpt):
    return [p.data for p in gpt.parameters()]
one = m.decoder(tt, np.random.default_rng(3))
np.random.seed(99)
two = m.decoder(tt, np.random.default_rng(3))
prompt = np.random.default_rng(4).integers(0, m.VOCABULARY, 32)
cpu, texts = [], []
for cached in (False, True):
    start = time.process_time()
    texts.append(m.decode(tt, one, prompt, 128, cached))
    cpu.append(time.process_time() - start)
tell(
    same=all(np.array_equal(a, b) for a, b in zip(weights(one), weights(two))),
    training=one.training, context=m.CONTEXT, texts=texts, cpu=cpu,
    again=m.decode(tt, one, prompt, 128, False) == texts[0],
)
""")

    plain, cached = facts["texts"]
    assert facts["same"]
    assert not facts["training"]
    assert facts["context"] >= 160
    assert plain == cached
    assert len(plain) == 128
    assert len(set(plain)) > 10
    assert facts["again"]
    assert facts["cpu"][0] > 3 * facts["cpu"][1]


def test_file_holds_what_was_saved_and_little_else(
    artefact: Any, tmp_path: Path
) -> None:
    arrays = {
        "a.weight": np.arange(-3, 3, dtype=np.int8).reshape(2, 3),
        "a.weight.scale": np.array(0.25),
        "a.bias": np.ones(2, np.float32),
        "empty": np.zeros((0, 4), np.uint8),
    }

    size = artefact.save(tmp_path / "file", arrays)
    again = artefact.read(tmp_path / "file")

    assert size == (tmp_path / "file").stat().st_size
    assert size < sum(a.nbytes for a in arrays.values()) + 150
    assert list(again) == list(arrays)
    for name, values in arrays.items():
        assert again[name].dtype == values.dtype
        assert again[name].shape == values.shape
        np.testing.assert_array_equal(again[name], values)


def test_file_with_objects_is_refused(artefact: Any, tmp_path: Path) -> None:
    head = b'{"a":["|O",[1]]}'
    (tmp_path / "file").write_bytes(len(head).to_bytes(8, "little") + head + bytes(8))

    with pytest.raises(ValueError, match=r"a has dtype \|O"):
        artefact.read(tmp_path / "file")


def test_every_kind_of_layer_comes_back_from_its_arrays() -> None:
    """float32 exactly, int8 to one step of its grid, zeros as zeros."""
    facts = found("""
import artefact
def layers():
    return {
        "conv": tt.Conv2d(1, 4, 3), "norm": tt.BatchNorm2d(4), "fc": tt.Linear(8, 6),
        "tokens": tt.Embedding(7, 8), "read": tt.MultiHeadAttention(8, 2),
    }
whole = layers()
weight = whole["fc"].weight.data
weight[np.abs(weight) < np.median(np.abs(weight))] = 0
whole["norm"].running_mean.data[:] = 3
worst, kinds, zeros = {}, {}, {}
for int8 in (False, True):
    arrays = artefact.arrays_of(tt, whole, int8=int8)
    back = artefact.restored(tt, layers(), arrays)
    again = artefact.arrays_of(tt, back, int8=False)
    plain = artefact.arrays_of(tt, whole, int8=False)
    kinds[str(int8)] = [type(back["fc"]).__name__, type(back["read"].q_proj).__name__]
    if int8:
        small = back["fc"]
        values = tt.dequantize_int8(small.weight, small.scale, small.zero_point).data
        zeros = bool(np.array_equal(values == 0, weight == 0))
        steps = {k[:-6]: float(a) for k, a in arrays.items() if k.endswith(".scale")}
        off = float(np.abs(values - weight).max()) <= steps["fc.weight"]
        conv = float(np.abs(again["conv.weight"] - plain["conv.weight"]).max())
        off = off and conv <= steps["conv.weight"]
    else:
        exact = all(np.array_equal(again[k], plain[k]) for k in plain)
tell(exact=exact, kinds=kinds, zeros=zeros, near=off,
     packed="fc.weight.places" in plain,
     norm=float(back["norm"].running_mean.data[0]))
""")

    assert facts["exact"]
    assert facts["kinds"]["False"] == ["Linear", "Linear"]
    assert facts["kinds"]["True"] == ["QuantizedLinear", "QuantizedLinear"]
    assert facts["zeros"]
    assert facts["near"]
    assert facts["packed"]
    assert facts["norm"] == 3


def test_two_thin_layers_of_full_rank_give_the_same_answers() -> None:
    facts = found("""
import artefact
whole = {"fc": tt.Linear(6, 5)}
u, s, vt = tt.low_rank_approximate(whole["fc"].weight, 1.0)
thin = {"fc": artefact.two_layers(tt, u * s, vt, whole["fc"].bias)}
arrays = artefact.arrays_of(tt, thin, int8=False)
back = artefact.restored(tt, {"fc": tt.Linear(6, 5)}, arrays)
given = tt.Tensor(rng.normal(size=(3, 6)))
off = np.abs(back["fc"](given).data - whole["fc"](given).data).max()
tell(off=float(off))
""")

    assert facts["off"] < 1e-5


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("quantization.py", "needs module 16 quantization: QuantizedLinear is not"),
        ("compression.py", "needs module 17 compression: measure_sparsity is not"),
        ("benchmarking.py", "needs module 19 benchmarking: Benchmark is not"),
    ],
    ids=["quantization", "compression", "benchmarking"],
)
def test_module_that_the_table_needs_is_named_before_any_training(
    tmp_path: Path, file: str, says: str
) -> None:
    shutil.copytree(ROOT / "reference" / "tinytorch", tmp_path / "tinytorch")
    (tmp_path / "tinytorch" / file).unlink()

    done = python(SCRIPT.name, paths=(ROOT, tmp_path))

    assert done.returncode == 1
    assert done.stderr.startswith(says)
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_part_without_its_module_is_left_out_and_said() -> None:
    facts = found("""
import io
import workflow
def measure():
    raise AttributeError("module 'tinytorch' has no attribute 'fused_gelu'")
out = io.StringIO()
nothing = workflow.part("4 kernels", out, measure)
tell(nothing=nothing, out=out.getvalue())
""")

    assert facts["nothing"] is None
    assert facts["out"] == (
        "\n4 kernels: not measured, "
        "needs module 15 acceleration: fused_gelu is not there yet\n"
    )


def test_missing_data_is_said_before_any_training() -> None:
    done = python(SCRIPT.name, "--full")

    assert done.returncode == 1
    assert done.stdout == ""
    assert "is missing" in done.stderr
    assert done.stderr.count("\n") == 1


def test_senseless_seed_is_refused() -> None:
    done = python(SCRIPT.name, "--seed", "-1")

    assert done.returncode == 2
    assert "--seed is at least 0" in done.stderr


@cache
def whole_run(folder: Path) -> subprocess.CompletedProcess[str]:
    arguments = ("--json", "--seed", "1", "--plot", str(folder))
    return python(SCRIPT.name, *arguments, timeout_s=300)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("plots")
    done = whole_run(folder)
    assert done.stdout, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts | {"code": done.returncode, "text": done.stderr}


@pytest.mark.slow
def test_each_model_has_a_variant_of_production_grade(run: dict[str, Any]) -> None:
    assert run["code"] == 0
    assert run["reached"]
    assert list(run["best"]) == ["MLP", "CNN", "GPT"]
    assert "float32" not in run["best"].values()


@pytest.mark.slow
def test_every_file_gave_the_same_answers_in_a_new_process(run: dict[str, Any]) -> None:
    assert len(run["rows"]) == 15
    assert all(row["same_answers"] for row in run["rows"])


@pytest.mark.slow
def test_int8_is_smaller_on_disk_and_keeps_the_accuracy(run: dict[str, Any]) -> None:
    plain = {r["model"]: r for r in run["rows"] if r["variant"] == "float32"}
    small = {r["model"]: r for r in run["rows"] if r["variant"] == "int8"}

    for model, row in small.items():
        assert row["file_bytes"] < plain[model]["file_bytes"] / 3
        assert row["memory_bytes"] < plain[model]["memory_bytes"]
        assert row["lost"] <= 0.005


@pytest.mark.slow
def test_pruned_weights_are_zero_as_planned(run: dict[str, Any]) -> None:
    shares = {
        r["model"]: r["sparsity"] for r in run["rows"] if r["variant"] == "pruned"
    }

    assert shares["MLP"] == pytest.approx(0.6, abs=1e-3)
    assert shares["CNN"] == pytest.approx(0.6, abs=1e-3)


@pytest.mark.slow
def test_cache_writes_the_same_text_faster(run: dict[str, Any]) -> None:
    plain, cached = run["writing"][:2]

    assert plain["text"] == cached["text"]
    assert cached["times_faster"] > 1.5
    assert cached["cache_bytes"] > 0


@pytest.mark.slow
def test_tables_show_all_steps_in_lines_of_a_terminal(run: dict[str, Any]) -> None:
    lines = run["text"].splitlines()

    for start in ("1 profile", "2 analyse", "3 optimise", "4 benchmark", "5 compare"):
        assert any(line.startswith(start) for line in lines), start
    assert all(line == line.rstrip() for line in lines)
    tables = lines[lines.index(next(x for x in lines if x.startswith("1 "))) :]
    assert max(len(x) for x in tables if not x.startswith("wrote ")) <= 90


@pytest.mark.slow
def test_chart_is_written(run: dict[str, Any]) -> None:
    svg = Path(run["plots"][0]).read_text()

    assert svg.startswith("<svg")
    assert "pruned int8" in svg
