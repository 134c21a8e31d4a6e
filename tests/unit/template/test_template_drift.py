"""The template is what the generator makes of the reference, and only TODOs remain."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = ROOT / "reference" / "tinytorch"
TEMPLATE = ROOT / "student_template" / "tinytorch"
COURSE = tomllib.loads((ROOT / "course.toml").read_text(encoding="utf-8"))
TASKS = [t | {"file": m["file"]} for m in COURSE["modules"] for t in m.get("tasks", [])]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    path = ROOT / "reference" / "tools" / "template.py"
    spec = importlib.util.spec_from_file_location("reference_template_tool", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def declarations(folder: Path) -> dict[str, tuple[str, str | None]]:
    """Return (signature, docstring) of every public function, method and class."""
    found: dict[str, tuple[str, str | None]] = {}
    for path in folder.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            for item in (node, *getattr(node, "body", [])):
                if isinstance(item, ast.FunctionDef):
                    owner = "" if item is node else f"{getattr(node, 'name', '')}."
                    head = f"{ast.unparse(item.args)} -> {ast.unparse(item.returns)}"  # type: ignore[arg-type]
                    found[owner + item.name] = (head, ast.get_docstring(item))
                elif isinstance(item, ast.ClassDef):
                    found[item.name] = ("class", ast.get_docstring(item))
    return found


def in_fresh_python(code: str, folder: Path) -> str:
    """Run `code` beside the package in `folder`; return what it prints."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


def test_template_is_as_generated(tool: ModuleType) -> None:
    assert tool.drift(tool.generate(), TEMPLATE) == []


def test_drift_is_found(tool: ModuleType, tmp_path: Path) -> None:
    files = tool.generate()
    tool.write(files, tmp_path)
    clean = tool.drift(files, tmp_path)
    (tmp_path / "tensor.py").write_text("x = 1\n", encoding="utf-8")
    (tmp_path / "losses.py").unlink()
    (tmp_path / "extra.py").write_text("", encoding="utf-8")

    dirty = tool.drift(files, tmp_path)
    tool.write(files, tmp_path)

    assert clean == []
    assert dirty == ["extra.py", "losses.py", "tensor.py"]
    assert tool.drift(files, tmp_path) == []


def test_signatures_and_docstrings_are_the_references() -> None:
    reference, template = declarations(REFERENCE), declarations(TEMPLATE)
    targets = {t["target"] for t in TASKS}

    assert targets <= template.keys()
    assert {n: reference.get(n) for n in template} == template


def test_every_task_is_a_todo_with_its_number() -> None:
    texts = "".join(p.read_text(encoding="utf-8") for p in TEMPLATE.glob("*.py"))
    first: dict[str, Any] = {}
    for task in TASKS:
        assert f"# TODO({task['number']}): about {task['lines']} line" in texts
        first.setdefault(task["target"], task)

    wanted = {f'"TODO {t["number"]}: {name}"' for name, t in first.items()}
    assert {w for w in wanted if texts.count(w) != 1} == set()
    assert texts.count("# TODO(") == len(TASKS)


def test_every_specification_has_an_example() -> None:
    """Where it can be shown in three lines; an epoch or a checkpoint cannot."""
    found = declarations(REFERENCE)
    without = {
        t["target"]
        for t in TASKS
        if ">>>" not in (found[t["target"]][1] or "")
        and not t["target"].startswith(("Trainer.", "no_grad."))
    }

    assert without == {"Tensor.__init__", "Activation.parameters", "Dropout.__init__"}


CALL_EVERYTHING = """
import importlib, inspect, sys
import tinytorch
for target, file in {targets!r}:
    thing = importlib.import_module("tinytorch." + file.removesuffix(".py"))
    for name in target.split("."):
        thing = getattr(thing, name)
    count = sum(
        p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
        for p in inspect.signature(thing).parameters.values()
    )
    try:
        thing(*[None] * count)
    except NotImplementedError as exc:
        print(exc)
"""


def test_every_stub_raises_its_todo(tool: ModuleType) -> None:
    files = tool.generate()
    places = {}
    for task in TASKS:
        text = f'{task["target"]}")'
        file = next(f for f, s in files.items() if f": {text}" in s)
        places[task["target"]] = file

    said = in_fresh_python(
        CALL_EVERYTHING.format(targets=list(places.items())), TEMPLATE.parent
    )

    numbers: dict[str, str] = {}
    for task in TASKS:
        numbers.setdefault(task["target"], task["number"])
    assert said.splitlines() == [f"TODO {n}: {t}" for t, n in numbers.items()]


def test_untouched_template_imports_and_later_modules_are_named() -> None:
    code = (
        "import tinytorch\n"
        "for name in dir(tinytorch):\n"
        "    try:\n"
        "        getattr(tinytorch, name)\n"
        "    except AttributeError as exc:\n"
        "        print(exc)\n"
    )

    said = in_fresh_python(code, TEMPLATE.parent).splitlines()

    later = [m for m in COURSE["modules"] if not m.get("tasks")]
    names = {s["name"] for m in later for s in m["symbols"]}
    assert {line.split("'")[1] for line in said} - {"baseline_matmul"} == names


def test_package_lists_the_names_of_the_course() -> None:
    code = "import tinytorch; print(*dir(tinytorch))"
    names = set(in_fresh_python(code, TEMPLATE.parent).split())

    course = {s["name"] for m in COURSE["modules"] for s in m["symbols"]}
    assert names - {"baseline_matmul"} == course


def test_a_broken_later_module_breaks_no_earlier_one(tmp_path: Path) -> None:
    package = tmp_path / "tinytorch"
    package.mkdir()
    for path in REFERENCE.glob("*.py"):
        (package / path.name).write_bytes(path.read_bytes())
    (package / "autograd.py").write_text("this is not Python", encoding="utf-8")
    code = "import tinytorch as tt; print((tt.Linear(2, 3)(tt.Tensor([[1, 2]]))).shape)"

    assert in_fresh_python(code, tmp_path) == "(1, 3)\n"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"Tensor.matmul"', '"Tensor.mathmul"'), "no Tensor.mathmul"),
        (('"system_info", lines', '"_doc_less", lines'), "_doc_less has no docstring"),
    ],
    ids=["unknown target", "no docstring"],
)
def test_a_wrong_task_is_an_error(
    tool: ModuleType, tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    source = tmp_path / "reference" / "tinytorch"
    source.mkdir(parents=True)
    for path in REFERENCE.glob("*.py"):
        (source / path.name).write_bytes(path.read_bytes())
    with (source / "setup.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef _doc_less():\n    return 1\n")
    course = (ROOT / "course.toml").read_text(encoding="utf-8")
    (tmp_path / "course.toml").write_text(course.replace(*change), encoding="utf-8")

    with pytest.raises(ValueError, match=message):
        tool.generate(tmp_path)


def test_command_line_says_what_drifted(
    tool: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    generate = tool.generate
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool, "generate", lambda: generate(ROOT))

    codes = [tool.main(["--check"]), tool.main([]), tool.main(["--check"])]

    assert codes == [1, 0, 0]
    assert "tensor.py is not as generated" in capsys.readouterr().out
    assert tool.main(["--help"]) == 2
