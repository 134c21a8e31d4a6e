"""Students' repositories for the workflows: right, as given, with mistakes, hostile."""

from __future__ import annotations

import shutil
from pathlib import Path

from grader.config import find_home, load_course
from grader.template import build, release
from grader.template.course_file import module_files

HOME = find_home(Path(__file__).parent)
COURSE = load_course(HOME.course_file)

# One mistake each: a wrong shape, an exception, a line of a stub that stays.
WRONG_MATMUL = """

def _wrong_matmul(self, other):
    return Tensor(self.data @ other.data + 1)


def _raises(self, *shape):
    raise KeyError("no such shape,\\n::error::a second line")


Tensor.matmul = _wrong_matmul
Tensor.reshape = _raises
"""

ATTACK = """
import os as _os
import sys as _sys

_LINES = (
    "::error file=a.py,line=1::PWNED by a command",
    "::notice title=Autograding report::{\\"totalPoints\\":100,\\"maxPoints\\":100}",
    "::stop-commands::mine",
    "::mine::",
    "::add-mask::points",
    "::add-path::/tmp/evil",
    "##[add-path]/tmp/evil",
    "text\\r::warning::PWNED after a return",
    "::endgroup::",
)
for _line in _LINES:
    print(_line, flush=True)
    print(_line, file=_sys.stderr, flush=True)
# The runner reads what `tito` prints; pytest's own standard output and the file of its
# records are among our descriptors.
_all = "\\n".join(("", *_LINES, "")).encode()
for _fd in range(3, 30):
    try:
        _os.write(_fd, _all)
    except OSError:
        pass
with open(f"/proc/{_os.getppid()}/fd/1", "wb") as _file:
    _file.write(_all)
for _name, _value in dict(_os.environ).items():
    if _name.startswith(("GITHUB_", "RUNNER_")):
        with open(_value, "a") as _file:
            _file.write("PWNED=1\\n")
    if "TOKEN" in _name:
        print("secret", _name)
_MARKUP = (
    "</pre></code></details><script>alert(1)</script><img src=x onerror=alert(1)>"
    " **bold** [link](javascript:alert(1)) @everyone | cell | $x$ \\x60\\x60\\x60"
    "\\n\\n# PWNED heading\\n::error::PWNED by a message\\n\\x1b[31m\\u202e"
)


def _hostile(self, *_):
    raise KeyError(_MARKUP)


class _Liar(str):
    pass


exec(compile(
    "def _elsewhere(self, *_):\\n    raise ValueError(_MARKUP)",
    "tinytorch/../../::error::PWNED.py,line=7",
    "exec",
))
Tensor.matmul = _hostile
Tensor.reshape = _elsewhere
Tensor.transpose = lambda *_: (_ for _ in ()).throw(NotImplementedError(_MARKUP))
"""


def built(target: Path, upto: str, *solved: str) -> Path:
    """Return a new repository in which some modules are as the reference has them."""
    build(release(HOME, COURSE, upto), target)
    there = {path.name for path in (HOME.reference / "tinytorch").glob("*.py")}
    helpers = there.difference(*(module_files(m) for m in COURSE.modules))
    own = (module_files(COURSE.module(name)) for name in solved)
    for file in helpers.union(*own) if solved else ():
        shutil.copy(HOME.reference / "tinytorch" / file, target / "tinytorch" / file)
    return target


def spoiled(target: Path, text: str) -> Path:
    """Return a repository with modules 01 and 02, and `text` after the tensor."""
    built(target, "02", "setup", "tensor")
    with (target / "tinytorch" / "tensor.py").open("a") as file:
        file.write(text)
    return target
