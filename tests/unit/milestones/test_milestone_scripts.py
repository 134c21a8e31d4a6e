"""The scripts obey the grader's contract and run alone, on the reference."""

from __future__ import annotations

import ast
import json
import math
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SCRIPTS = sorted((ROOT / "milestones").glob("0[1234]_*/*.py"))
GRADED = [path for path in SCRIPTS if path.name != "forward_pass.py"]
SMALL = [p for p in GRADED if p.name not in {"mlp_mnist.py", "lecun_cifar10.py"}]
CIFAR = ROOT / "milestones/04_1998_cnn_revolution/lecun_cifar10.py"
# The name of the function that builds the model, for each way to run a script.
BUILDS = [*((path, "build") for path in GRADED), (CIFAR, "build_fast")]
LINEAR = {"Linear"}
CONVOLUTIONAL = {"Conv2d", "MaxPool2d", "BatchNorm2d", "Linear"}
EPOCH = re.compile(
    r"^epoch +\d+/\d+  loss \d+\.\d{4}  acc \d\.\d\d  \d+\.\d s  ETA \d+\.\d s"
    r"  RSS \d+(\.\d)? MB$"
)


def environment(*paths: Path, data: str = "") -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "TINYTORCH_DATA": data,
        "OPENBLAS_NUM_THREADS": "1",
    }


def run(
    script: Path, *arguments: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a script as a student does: from its own folder."""
    return subprocess.run(
        [sys.executable, script.name, *arguments],
        cwd=script.parent,
        env=env or environment(ROOT, ROOT / "reference"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@cache
def measured(script: Path) -> dict[str, Any]:
    done = run(script, "--json", "--seed", "1")
    assert done.returncode == 0, done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_script_imports_only_numpy_and_the_standard_library(script: Path) -> None:
    """The sandbox has nothing else when it executes the source."""
    tree = ast.parse(script.read_text())

    names = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(str(node.module).split(".")[0])

    assert names - {"numpy"} <= sys.stdlib_module_names


@pytest.mark.parametrize(
    ("script", "build"), BUILDS, ids=[f"{p.stem}-{build}" for p, build in BUILDS]
)
def test_script_keeps_the_contract_with_the_grader(script: Path, build: str) -> None:
    driver = Path(__file__).with_name("contract_driver.py")
    done = subprocess.run(
        [sys.executable, driver, script, build],
        env=environment(ROOT / "reference"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    facts = json.loads(done.stdout)
    convolves = script.parent.name.startswith("04")
    assert set(facts["layers"].values()) == (CONVOLUTIONAL if convolves else LINEAR)
    assert facts["is_generator"]
    assert facts["nothing_before_first_slice"]
    assert facts["slices"] == 3
    epochs = [logged for logged in facts["logged"] if "epoch" in logged]
    within = [logged for logged in facts["logged"] if "epoch" not in logged]
    assert epochs == [["epoch", "loss"]] * 3
    assert all(logged == ["step", "steps"] for logged in within)
    assert facts["dtype"] == "float32"
    assert facts["shape"] == [320, 10 if script.parent.name > "03" else 1]
    assert facts["finite"]
    assert facts["takes_bytes"]
    assert facts["trained"]
    assert facts["float32"]


@pytest.mark.parametrize("script", SMALL, ids=lambda p: p.stem)
def test_script_reaches_its_target_on_the_reference(script: Path) -> None:
    facts = measured(script)

    assert facts["reached"]
    if script.stem == "xor_crisis":
        assert facts["accuracy"] <= 0.8
    else:
        assert facts["accuracy"] >= facts["target"]
    assert len(facts["curve"]) == facts["epochs"]


@pytest.mark.parametrize("script", SMALL, ids=lambda p: p.stem)
def test_same_seed_gives_the_same_curve(script: Path) -> None:
    again = run(script, "--json", "--seed", "1")

    assert json.loads(again.stdout)["curve"] == measured(script)["curve"]


@pytest.mark.parametrize("script", SMALL, ids=lambda p: p.stem)
def test_script_prints_one_line_an_epoch_and_then_the_report(script: Path) -> None:
    done = run(script, "--epochs", "2")

    lines = done.stdout.splitlines()
    assert [bool(EPOCH.match(line)) for line in lines[:3]] == [True, True, False]
    titles = [
        *("layer", "parameters", "gradients", "optimizer", "activations", "data"),
        *("step memory", "peak RSS", "training step", "throughput", "compute"),
        *("when doubled", "then", "now"),
    ]
    for title in titles:
        assert any(line.startswith(f"  {title}") for line in lines), title
    assert max(map(len, lines)) <= 88


PARAMETERS = {
    "perceptron_trained": (3, 4 + 1),
    "xor_crisis": (3, 4 + 1),
    "xor_solved": (65, 2 * (32 + 16) + 16 + 1),
    "mlp_digits": (17_226, 2 * (64 * 128 + 128 * 64 + 64 * 10) + 128 + 64),
    # convolutions; pooling, normalisation and ReLU; Flatten; Linear
    "cnn_digits": (
        6186,
        2 * (64 * 9 * 16 + 16 * 144 * 32) + 3 * (256 + 128) + 128 + 2 * 128 * 10,
    ),
}


@pytest.mark.parametrize("script", SMALL, ids=lambda p: p.stem)
def test_report_counts_parameters_bytes_and_flops_exactly(script: Path) -> None:
    report = measured(script)["systems"]

    parameters, flops = PARAMETERS[script.stem]
    assert report["parameters"] == parameters
    assert report["parameter_bytes"] == 4 * parameters
    assert report["flops_per_sample"] == flops
    rows = report["architecture"]
    assert sum(row["parameters"] for row in rows) == parameters
    assert sum(row["share"] for row in rows) == pytest.approx(1.0)
    assert all(row["shape"][0] == report["batch"] for row in rows)
    values = sum(math.prod(row["shape"]) for row in rows)
    assert report["output_bytes"] == 4 * values


@pytest.mark.parametrize("script", SMALL, ids=lambda p: p.stem)
def test_report_measures_what_doubling_costs(script: Path) -> None:
    as_it_is, wide, *_, double = measured(script)["systems"]["growth"]

    assert wide["parameters"] > as_it_is["parameters"] == double["parameters"]
    assert double["batch"] == 2 * as_it_is["batch"]
    for grown in (wide, double):
        assert grown["peak_bytes"] > as_it_is["peak_bytes"] > 0
        assert grown["step_s"] > 0


def test_peak_memory_covers_parameters_and_activations() -> None:
    report = measured(ROOT / "milestones/03_1986_mlp_revival/mlp_digits.py")["systems"]

    needed = report["parameter_bytes"] + report["output_bytes"]
    assert report["step_peak_bytes"] > needed
    assert report["process_peak_bytes"] > report["step_peak_bytes"]


def test_forward_pass_shows_chance_and_then_a_line_that_works() -> None:
    done = run(ROOT / "milestones/01_1957_perceptron/forward_pass.py")

    assert done.returncode == 0, done.stderr
    assert float(re.findall(r"mean (\d\.\d\d)", done.stdout)[0]) == pytest.approx(
        0.5, abs=0.15
    )
    assert float(re.findall(r"acc (\d\.\d\d)$", done.stdout, re.MULTILINE)[-1]) > 0.95


def test_missed_target_is_said_and_exits_with_1() -> None:
    script = ROOT / "milestones/03_1986_mlp_revival/mlp_digits.py"

    done = run(script, "--epochs", "1")

    assert done.returncode == 1
    assert re.search(r"^unseen accuracy 0\.\d+ .* missed ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("arguments", [("--epochs", "0"), ("--seed", "-1")])
def test_senseless_options_are_refused(arguments: tuple[str, str]) -> None:
    done = run(ROOT / "milestones/01_1957_perceptron/perceptron_trained.py", *arguments)

    assert done.returncode == 2
    assert "--seed is at least 0" in done.stderr


def test_mnist_without_data_says_where_to_put_it(tmp_path: Path) -> None:
    script = ROOT / "milestones/03_1986_mlp_revival/mlp_mnist.py"

    env = environment(ROOT, ROOT / "reference", data=str(tmp_path))
    done = run(script, env=env)

    assert done.returncode == 1
    assert str(tmp_path / "mnist") in done.stderr
    assert "TINYTORCH_DATA" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(
    not (Path(os.environ.get("TINYTORCH_DATA", "/nowhere")) / "mnist").is_dir(),
    reason="TINYTORCH_DATA names no folder with mnist/",
)
def test_mnist_reaches_97_percent_on_the_reference() -> None:
    script = ROOT / "milestones/03_1986_mlp_revival/mlp_mnist.py"

    data = os.environ["TINYTORCH_DATA"]
    env = environment(ROOT, ROOT / "reference", data=data)
    facts = json.loads(run(script, "--json", env=env).stdout)

    assert facts["accuracy"] >= 0.97
    assert facts["systems"]["parameters"] == 109_386
