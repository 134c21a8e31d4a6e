"""What the shared runner shows, keeps and does when it is interrupted."""

from __future__ import annotations

import ast
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from milestones import (
    architecture,
    curves,
    growth,
    missing,
    plot,
    progress,
    report,
    units,
)
from milestones.script import Era, Script
from milestones.tasks import TASKS
from milestones.watch import Watch

ROOT = Path(__file__).parents[3]
TOY = Path(__file__).with_name("toy_language_script.py")
PERCEPTRON = ROOT / "milestones/01_1957_perceptron/perceptron_trained.py"
XOR = ROOT / "milestones/02_1969_xor_crisis/xor_solved.py"
DIGITS = ROOT / "milestones/03_1986_mlp_revival/mlp_digits.py"
SVG = "{http://www.w3.org/2000/svg}"


def environment(**more: str) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "reference"))),
        "OPENBLAS_NUM_THREADS": "1",
        **more,
    }


def tree(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 -- made by us


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, script.name, *arguments],
        cwd=script.parent,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


SHARED = sorted((ROOT / "milestones").glob("*.py"))


@pytest.mark.parametrize("module", SHARED, ids=lambda path: path.stem)
def test_shared_modules_need_only_numpy_and_themselves(module: Path) -> None:
    """A student has nothing else."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).split(".")[0])

    assert names - {"numpy", "milestones"} <= sys.stdlib_module_names


# Everything that is printed is in the JSON.


@pytest.mark.parametrize(
    "script", [PERCEPTRON, XOR, DIGITS, TOY], ids=lambda path: path.stem
)
def test_json_holds_everything_that_is_printed(script: Path, tmp_path: Path) -> None:
    done = run(script, "--json", "--plot", str(tmp_path))

    facts = json.loads(done.stdout)
    assert report.whole(facts) == done.stderr.splitlines()


def test_json_names_say_the_unit() -> None:
    systems = json.loads(run(DIGITS, "--json", "--epochs", "2").stdout)["systems"]

    counts = {"batch", "parameters"}
    units_of = re.compile(r"(_bytes|_s|_per_s|_flops|_per_sample|_per_window)$")
    numbers = {key for key, value in systems.items() if isinstance(value, int | float)}
    assert all(units_of.search(key) for key in numbers - counts)


# The systems report.


def test_memory_of_a_step_is_split_into_its_parts() -> None:
    systems = json.loads(run(DIGITS, "--json", "--epochs", "2").stdout)["systems"]

    assert systems["gradient_bytes"] == systems["parameter_bytes"] == 4 * 17_226
    assert systems["optimizer_bytes"] == 2 * systems["parameter_bytes"]  # m and v
    assert systems["activation_bytes"] > 4 * 32 * (128 + 64 + 10)
    assert systems["data_bytes"] == 1197 * (64 + 8)
    whole = sum(systems[f"{part}_s"] for part in ("forward", "backward", "other"))
    assert whole == pytest.approx(systems["step_s"])


def test_what_is_not_there_is_said_and_not_made_up() -> None:
    facts = json.loads(run(PERCEPTRON, "--json").stdout)

    for name in ("optimizer_bytes", "activation_bytes", "backward_s"):
        assert facts["systems"][name] is None
    lines = "\n".join(report.costs(facts))
    assert "optimizer     not counted" in lines
    assert "gradients     none" in lines


def test_depth_is_doubled_where_build_takes_it() -> None:
    cases = json.loads(run(DIGITS, "--json", "--epochs", "1").stdout)["systems"]

    deep = next(c for c in cases["growth"] if c["case"] == "depth x2")
    assert deep["parameters"] == 17_226 + 128 * 128 + 128 + 64 * 64 + 64


def test_watch_leaves_every_class_as_it_was(tt: Any) -> None:
    model = {"fc": tt.Linear(3, 2)}
    before = [dict(vars(c)) for c in (tt.Linear, tt.Tensor, tt.ReLU, tt.Adam)]

    with Watch(tt, model) as watch:
        watch.Adam(model["fc"].parameters())
        out = watch.ReLU()(model["fc"](tt.Tensor(np.ones((4, 3)))))
        out.sum().backward()

    assert [dict(vars(c)) for c in (tt.Linear, tt.Tensor, tt.ReLU, tt.Adam)] == before
    assert [call.shape for call in watch.calls] == [(4, 2), (4, 2)]
    assert len(watch.backwards) == len(watch.optimizers) == 1


def test_watch_notes_a_layer_and_not_the_layers_inside(tt: Any) -> None:
    model = {"attention": tt.MultiHeadAttention(8, 2), "fc": tt.Linear(8, 8)}

    with Watch(tt, model) as watch:
        model["fc"](model["attention"](tt.Tensor(np.ones((2, 3, 8)))))

    assert [call.layer for call in watch.calls] == list(model.values())


@pytest.mark.parametrize(
    ("kind", "arguments", "shape", "flops"),
    [
        ("Linear", (4, 6), (9, 6), 2 * 4 * 6),
        ("Linear", (4, 6), (9, 5, 6), 2 * 4 * 6 * 5),
        ("Conv2d", (3, 8, 5), (9, 8, 7, 7), 2 * 3 * 25 * 8 * 49),
        ("MaxPool2d", (2,), (9, 8, 2, 2), 32),
        ("Embedding", (9, 4), (9, 5, 4), 0),
        ("LayerNorm", (4,), (9, 5, 4), 20),
    ],
    ids=["rows", "windows", "convolution", "pooling", "embedding", "norm"],
)
def test_flops_of_a_layer(
    tt: Any, kind: str, arguments: Any, shape: tuple[int, ...], flops: int
) -> None:
    layer = getattr(tt, kind)(*arguments)

    assert architecture.flops(layer, shape) == flops


@pytest.mark.parametrize(
    ("kind", "options", "numbers"),
    [("SGD", {}, 0), ("SGD", {"momentum": 0.9}, 1), ("AdamW", {}, 2)],
    ids=["SGD", "momentum", "AdamW"],
)
def test_optimizer_state_is_counted_in_the_optimizer(
    tt: Any, kind: str, options: dict[str, float], numbers: int
) -> None:
    def train(tt: Any, model: Any, data: Any, *_: Any) -> Iterator[None]:
        optimizer = getattr(tt, kind)(model["fc"].parameters(), **options)
        for _step in range(len(data["x"]) // 10):
            model["fc"](tt.Tensor(data["x"][:10])).sum().backward()
            optimizer.step()
            optimizer.zero_grad()
        yield

    data: dict[str, Any] = {
        "x": np.ones((40, 3), np.float32),
        "y": np.zeros(40, np.int64),
    }
    size = growth.measure(tt, _script(train), data, brief=True)[0]

    assert size.optimizer_bytes == numbers * 4 * (3 * 2 + 2)


def test_predicting_in_parts_gives_one_row_a_layer(tt: Any) -> None:
    def predict(tt: Any, model: Any, x: Any) -> Any:
        parts = [x[i : i + 3] for i in range(0, len(x), 3)]
        return np.concatenate([model["fc"](tt.Tensor(part)).data for part in parts])

    script, model = _script(None, predict), {"fc": tt.Linear(3, 2)}
    rows = architecture.table(tt, script, model, np.ones((10, 3), np.float32))

    assert [(row.layer, row.shape, row.flops) for row in rows] == [("fc", (10, 2), 12)]
    assert rows[0].output_bytes == 4 * 10 * 2
    assert rows[0].share == 1


def _script(train: Any, predict: Any = None) -> Script:
    return Script(
        doc="",
        build=lambda tt, rng, width=1: {"fc": tt.Linear(3, 2)},  # noqa: ARG005
        train=train,
        predict=predict,
        load=lambda seed: pytest.fail(f"no data asked for, {seed}"),
        epochs=1,
        batch=10,
        target=0.5,
        era=Era("none", 1.0, 1, ""),
    )


# Progress.


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(out: io.StringIO, monkeypatch: pytest.MonkeyPatch, pause_s: float) -> str:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "_TERMINAL_S", pause_s)
    monkeypatch.setattr(progress, "_PLAIN_S", pause_s)
    bar = progress.Progress(TASKS["classes"], 2, out)
    bar.log(step=1, steps=4)
    bar.log(step=2, steps=4)
    bar.log(epoch=1, loss=0.5)
    bar.finish_epoch(0.75, 1.0)
    bar.log(step=1, steps=4)
    return out.getvalue()


def test_terminal_has_one_line_that_is_written_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = shown(Terminal(), monkeypatch, 0.0)

    assert text.count("\n") == 1  # the finished epoch stays
    assert text.count("\r\x1b[K") == 4
    line = text.rsplit("\x1b[K", 1)[-1]
    assert re.fullmatch(
        r"epoch  2/2  step 1/4  loss 0\.5000  acc 0\.75  \d+\.\d s  ETA \d+\.\d s"
        r"  RSS .* MB",
        line,
    )


@pytest.mark.parametrize("pause_s", [0.0, 60.0])
def test_file_gets_plain_lines_without_control_characters(
    monkeypatch: pytest.MonkeyPatch, pause_s: float
) -> None:
    text = shown(io.StringIO(), monkeypatch, pause_s)

    assert not re.search(r"[\x00-\x09\x0b-\x1f]", text)
    assert len(text.splitlines()) == (4 if pause_s == 0 else 1)


def test_dumb_terminal_gets_plain_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out = Terminal()

    bar = progress.Progress(TASKS["classes"], 1, out)
    bar.log(epoch=1, loss=1.0)
    bar.finish_epoch(0.5, 1.0)

    assert "\r" not in out.getvalue()


def test_loss_that_is_no_number_is_null_in_json_and_nan_in_print(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out = io.StringIO()

    bar = progress.Progress(TASKS["classes"], 1, out)
    bar.log(epoch=1, loss=float("inf"))
    bar.finish_epoch(0.5, 1.0)

    assert bar.done[0]["loss"] is None
    assert "loss nan" in out.getvalue()


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0.0 s"), (99.9, "99.9 s"), (99.96, "1 min 40 s"), (7300, "2 h 01 min")],
)
def test_clock_shows_long_times_as_a_watch_does(value: float, words: str) -> None:
    assert units.clock(value) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 B"), (999, "999 B"), (999_900, "1 MB"), (123_456, "123 kB")],
)
def test_sizes_have_three_digits(count: int, words: str) -> None:
    assert units.size(count) == words


def test_peak_memory_is_at_least_what_is_occupied() -> None:
    peak, now = units.peak_bytes(), units.resident_bytes()

    assert peak is not None
    assert now is not None
    assert peak >= now > 10_000_000


# Ctrl-C.


def started(*arguments: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, TOY.name, *arguments],
        cwd=TOY.parent,
        env=environment(**env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(stream: Any, beginning: str) -> None:
    """Read lines until one has this beginning."""
    for line in stream:
        if line.startswith(beginning):
            return
    pytest.fail(f"no line begins with {beginning!r}")


def test_ctrl_c_leaves_a_partial_report(tmp_path: Path) -> None:
    process = started(
        *("--epochs", "500", "--json", "--plot", str(tmp_path)), TOY_SLEEP_S="0.01"
    )
    assert process.stderr is not None
    until(process.stderr, "epoch  2/500")

    process.send_signal(signal.SIGINT)
    printed, told = process.communicate(timeout=60)

    facts = json.loads(printed)
    done = facts["interrupted_after_epochs"]
    assert process.returncode == 130
    assert facts["interrupted"]
    assert 2 <= done == len(facts["curve"]) < 500
    assert f"interrupted after {done} of 500 epochs" in told
    lines = [line for line in told.splitlines() if line != "training begins"]
    assert report.whole(facts)[-len(lines) :] == lines
    assert facts["nats_per_character"] < 4
    assert [case["case"] for case in facts["systems"]["growth"]] == ["as it is"]
    assert "Traceback" not in told
    assert [path.name for path in tmp_path.iterdir()] == ["learning_curve.svg"]


def test_ctrl_c_before_the_first_epoch_is_over_is_a_report_too() -> None:
    process = started("--epochs", "5", "--json", TOY_SLEEP_S="0.1")
    assert process.stderr is not None
    until(process.stderr, "training begins")

    process.send_signal(signal.SIGINT)
    printed, told = process.communicate(timeout=60)

    facts = json.loads(printed)
    assert process.returncode == 130
    assert facts["interrupted_after_epochs"] == 0
    assert facts["curve"] == []
    assert facts["systems"]["flops_per_s"] is None
    assert "now           no epoch finished" in told


def test_second_ctrl_c_ends_at_once() -> None:
    process = started("--epochs", "500", TOY_SLEEP_S="0.4")
    assert process.stderr is not None
    assert process.stdout is not None
    until(process.stderr, "training begins")

    process.send_signal(signal.SIGINT)
    until(process.stdout, "unseen")
    process.send_signal(signal.SIGINT)
    printed, told = process.communicate(timeout=3)  # a report takes longer

    assert process.returncode == 130
    assert "systems report" not in printed
    assert "Traceback" not in told


# Charts.


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(TOY, "--json").stdout)
    return found


def test_charts_are_svg_with_title_description_and_both_modes(
    facts: dict[str, Any], tmp_path: Path
) -> None:
    paths = curves.write(facts, tmp_path)

    assert [path.name for path in paths] == ["learning_curve.svg", "scaling.svg"]
    for path in paths:
        root = tree(path.read_text())
        assert root.attrib["role"] == "img"
        for name in root.attrib["aria-labelledby"].split():
            assert root.find(f"*[@id='{name}']").text  # type: ignore[union-attr]
        assert "prefers-color-scheme: dark" in path.read_text()


def test_learning_curve_has_a_point_an_epoch_and_its_units(
    facts: dict[str, Any],
) -> None:
    root = tree(curves.learning(facts))

    lines = [line.attrib["points"].split() for line in root.iter(f"{SVG}polyline")]
    assert [len(points) for points in lines] == [3, 3]
    words = {text.text for text in root.iter(f"{SVG}text")}
    assert {
        "nats per character, validation",
        "loss, training",
        "epoch",
        "target: at most 3.6",
    } <= words


def test_scaling_shows_every_doubling_with_its_numbers(facts: dict[str, Any]) -> None:
    root = tree(curves.scaling(facts))

    words = [text.text for text in root.iter(f"{SVG}text")]
    for case in facts["systems"]["growth"]:
        assert words.count(case["case"]) == 3
    assert "times as much as it is" in words


def test_words_in_a_chart_are_escaped() -> None:
    svg = plot.line_chart(
        "a < b & c", "<script>", "x", [plot.Panel("y", [plot.Line("&", [(1, 2)])])]
    )

    assert tree(svg).find(f"{SVG}desc").text == "<script>"  # type: ignore[union-attr]
    assert "<script>" not in svg


@pytest.mark.parametrize(
    "values",
    [[], [0.0], [5.0, 5.0], [float("nan"), 1.0], [-1e-9, 1e9], [float("inf")]],
    ids=["none", "zero", "equal", "nan", "wide", "infinite"],
)
def test_charts_take_any_values(values: list[float]) -> None:
    line = plot.Line("", list(enumerate(values)))
    bars = [plot.Bar(f"bar {i}", value, "text") for i, value in enumerate(values)]

    for svg in (
        plot.line_chart("t", "d", "x", [plot.Panel("y", [line])]),
        plot.bar_chart("t", "d", [plot.Group("g", bars)]),
        plot.bar_chart("t", "d", [plot.Group("g", bars)], "axis"),
    ):
        tree(svg)
        assert not re.search(r"\b(nan|inf)\b", svg)


@pytest.mark.parametrize(
    ("low", "high", "steps"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.86, 0.98, [0.85, 0.9, 0.95, 1.0]),
        (0, 3.2, [0, 1, 2, 3, 4]),
    ],
)
def test_ticks_are_round_numbers_around_the_values(
    low: float, high: float, steps: list[float]
) -> None:
    assert plot._steps(low, high) == pytest.approx(steps)


def test_folder_for_charts_that_cannot_be_made_is_refused_before_training(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")

    done = run(PERCEPTRON, "--plot", str(tmp_path / "file" / "folder"))

    assert done.returncode == 2
    assert "--plot" in done.stderr
    assert done.stdout == ""


# Unfinished packages.


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("embeddings.py", "needs module 11 embeddings: "),
        ("attention.py", "needs module 12 attention: "),
        ("transformers.py", "needs module 13 transformers: LayerNorm is not there"),
        ("optimizers.py", "needs module 07 optimizers: "),
    ],
)
def test_later_module_that_is_not_there_is_named(
    tmp_path: Path, file: str, says: str
) -> None:
    shutil.copytree(ROOT / "reference" / "tinytorch", tmp_path / "tinytorch")
    (tmp_path / "tinytorch" / file).unlink()

    done = subprocess.run(
        [sys.executable, TOY],
        env=environment() | {"PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith(says)
    assert done.stderr.count("\n") == 1


def test_every_name_of_the_package_has_its_module(tt: Any) -> None:
    numbers = {file: n for n, file in missing.MODULES.items()} | {"dataloader": "09"}

    for file, names in tt._NAMES.items():
        for name in names.split():
            if name != "baseline_matmul":  # given, not to be written
                assert missing._HOMES[name] == numbers[file], name
