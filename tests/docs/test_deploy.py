"""The files in deploy/ name only what there is, and programs that read them agree."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from docs_pages import ROOT

from grader.cli.main import cli
from grader.cli.serve import serve

DEPLOY: Final = ROOT / "deploy"
PORT: Final = 8000


def compose() -> dict[str, Any]:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def unit() -> dict[str, str]:
    text = (DEPLOY / "grader.service").read_text(encoding="utf8").replace("\\\n", " ")
    lines = (line.partition("=") for line in text.splitlines() if line[:1] != "#")
    return {name: value for name, mark, value in lines if mark}


def given(command: list[str]) -> dict[str, str]:
    """Return the options of a command line, each of which has a value."""
    return dict(zip(command[::2], command[1::2], strict=True))


def test_the_unit_starts_the_service_with_options_it_has() -> None:
    program, name, *rest = shlex.split(unit()["ExecStart"])
    options = given(rest)
    known = {o for p in serve.params for o in p.opts}

    assert (Path(program).name, name) == ("grader", "serve")
    assert set(options) <= known
    # Below its group, as it is called: a command keeps the first help option it makes.
    above = cli.make_context("grader", ["serve"])
    serve.make_context("serve", rest, parent=above).close()
    assert options["--behind-proxy"] == "127.0.0.1"


def test_the_database_is_the_one_of_the_unit_and_of_this_host_alone() -> None:
    database = compose()["services"]["postgresql"]
    (port,) = database["ports"]
    url = given(shlex.split(unit()["ExecStart"])[2:])["--store-url"]

    user, name = (database["environment"][f"POSTGRES_{n}"] for n in ("USER", "DB"))
    assert url == f"postgresql+psycopg://{user}@127.0.0.1/{name}"
    assert port.startswith("127.0.0.1:")
    assert "PASSWORD" not in " ".join(database["environment"].values())


def test_what_compose_mounts_is_there_and_volumes_are_named() -> None:
    found = compose()

    for service in found["services"].values():
        for mount in service["volumes"]:
            source = mount.split(":")[0]
            known = source in found["volumes"] or (DEPLOY / source).is_file()
            assert known, mount
    ignored = (ROOT / ".gitignore").read_text(encoding="utf8").splitlines()
    assert "deploy/postgresql.password" in ignored


def test_the_proxy_leads_to_where_the_service_listens() -> None:
    text = (DEPLOY / "Caddyfile").read_text(encoding="utf8")
    default = next(p for p in serve.params if p.name == "port").default

    assert re.findall(r"reverse_proxy (\S+)", text) == [f"127.0.0.1:{PORT}"]
    assert default == PORT


def test_compose_takes_the_file(tmp_path: Path) -> None:
    program = shutil.which("docker-compose")
    if program is None:
        pytest.skip("docker-compose is not installed")
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    (tmp_path / "deploy" / "postgresql.password").write_text("x", encoding="utf8")
    command = [program, "-f", "deploy/compose.yaml", "config", "--quiet"]

    for site, code in (("grader.example.org", 0), ("", 1)):
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={"SITE": site, "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr


def test_caddy_takes_the_file(tmp_path: Path) -> None:
    program = shutil.which("caddy")
    if program is None:
        pytest.skip("caddy is not installed")
    command = [program, "adapt", "--adapter", "caddyfile", "--validate", "--config"]

    done = subprocess.run(
        [*command, str(DEPLOY / "Caddyfile")],
        env={"SITE": "grader.example.org", "HOME": str(tmp_path), "PATH": "/usr/bin"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert '"grader.example.org"' in done.stdout
