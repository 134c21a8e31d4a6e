"""What the container engine has put around this container, read from inside.

Nothing here asks the engine: what counts is what a process finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from grader.models.base import Model

RIGHTS: Final = ("SETUID", "SETGID", "KILL")
_BITS: Final = {5: "KILL", 6: "SETGID", 7: "SETUID"}  # capability.h
_UNLIMITED: Final = 2**60  # what version 1 of cgroups says is a little below 2**63


class Setting(Model):
    """One thing that a container may be denied, and how to deny it."""

    name: str  # as in the features of a report
    on: bool
    found: str
    advice: str  # where it is not on: what `docker run` needs


def settings(root: Path = Path("/")) -> tuple[Setting, ...]:
    """Return what holds for this container; `root` is where /proc and /sys are."""
    return tuple(_settings(root))


def _settings(root: Path) -> Iterator[Setting]:
    contained = any((root / f).exists() for f in (".dockerenv", "run/.containerenv"))
    yield _setting("container", contained, "yes" if contained else "no", "")
    links = sorted(path.name for path in (root / "sys/class/net").iterdir())
    only = links == ["lo"]
    yield _setting("no-network", only, ", ".join(links), "add --network none")
    mounts = _mounts(root)
    closed = "ro" in mounts.get("/", [])
    found = "read-only" if closed else "can be written"
    yield _setting("read-only-root", closed, found, "add --read-only")
    yield from _rights(root)
    yield from _limits(root)
    yield _scratch(mounts)
    shared = "/dev/shm" in mounts  # noqa: S108 -- a mount point, not a file of ours
    found = "/dev/shm" if shared else "none"  # noqa: S108
    yield _setting("no-shared-memory", not shared, found, "add --ipc none")


def _setting(name: str, on: bool, found: str, advice: str) -> Setting:
    return Setting(name=name, on=on, found=found, advice="" if on else advice)


def _mounts(root: Path) -> dict[str, list[str]]:
    """Return the options of every mount; the last one on a folder counts."""
    lines = (root / "proc/self/mounts").read_text(encoding="utf8").splitlines()
    fields = [line.split(" ") for line in lines]
    return {field[1]: [field[2], *field[3].split(",")] for field in fields}


def _rights(root: Path) -> Iterator[Setting]:
    status = (root / "proc/self/status").read_text(encoding="utf8")
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    # The bounding set is what anything inside could ever gain.
    bounding = int(fields["CapBnd"], 16)
    held = {bit for bit in range(64) if bounding >> bit & 1}
    names = [_BITS.get(bit, "") for bit in sorted(held)]
    few = held <= _BITS.keys()
    found = ", ".join(names) or "none" if few else f"{len(held)} rights"
    add = "".join(f" --cap-add {right}" for right in RIGHTS)
    yield _setting("capabilities", few, found, f"add --cap-drop ALL{add}")
    fixed = fields["NoNewPrivs"] == "1"
    advice = "add --security-opt no-new-privileges"
    found = "set" if fixed else "not set"
    yield _setting("no-new-privileges", fixed, found, advice)
    filtered = fields["Seccomp"] == "2"
    found = "a filter" if filtered else "no filter"
    # On by itself, unless somebody takes the engine's default profile away.
    advice = "leave out --security-opt seccomp=unconfined"
    yield _setting("engine-seccomp", filtered, found, advice)


def _limits(root: Path) -> Iterator[Setting]:
    memory = _number(root, "memory.max", "memory/memory.limit_in_bytes")
    found = f"{memory / 2**20:.0f} MiB" if memory else "no limit"
    yield _setting("memory", memory is not None, found, "add --memory 3g")
    swap = _swap_bytes(root, memory)
    found = "none" if swap == 0 else "no limit" if swap is None else f"{swap} bytes"
    yield _setting("no-swap", swap == 0, found, "add --memory-swap 3g")
    processes = _number(root, "pids.max", "pids/pids.max")
    found = str(processes) if processes else "no limit"
    yield _setting("pids", processes is not None, found, "add --pids-limit 256")
    cpus = _cpus(root)
    found = f"{cpus:g}" if cpus else "no limit"
    yield _setting("one-cpu", cpus is not None and cpus <= 1, found, "add --cpus 1")


def _text(root: Path, *names: str) -> str:
    """Return the first of some files of the cgroup that is there."""
    for name in names:
        path = root / "sys/fs/cgroup" / name
        if path.is_file():
            return path.read_text(encoding="utf8").strip()
    return ""


def _number(root: Path, *names: str) -> int | None:
    """Return a limit; None if there is none."""
    text = _text(root, *names)
    if not text.isdecimal() or int(text) >= _UNLIMITED:
        return None
    return int(text)


def _swap_bytes(root: Path, memory: int | None) -> int | None:
    """Return how much may be swapped beside the memory; None: without limit."""
    if (separate := _number(root, "memory.swap.max")) is not None:
        return separate
    together = _number(root, "memory/memory.memsw.limit_in_bytes")
    if memory is None or together is None:
        return None
    return together - memory


def _cpus(root: Path) -> float | None:
    quota, _, period = _text(root, "cpu.max").partition(" ")
    if not quota:
        quota = _text(root, "cpu/cpu.cfs_quota_us", "cpu,cpuacct/cpu.cfs_quota_us")
        period = _text(root, "cpu/cpu.cfs_period_us", "cpu,cpuacct/cpu.cfs_period_us")
    if not quota.isdecimal() or not period.isdecimal():
        return None  # "max" and "-1" mean none
    return int(quota) / int(period)


def _scratch(mounts: dict[str, list[str]]) -> Setting:
    options = mounts.get("/tmp", [])  # noqa: S108 -- a mount point
    wanted = ("tmpfs", "nosuid", "nodev", "noexec")
    on = all(word in options for word in wanted)
    found = ", ".join(w for w in options if w.startswith((*wanted, "size="))) or "disk"
    advice = "add --tmpfs /tmp:nosuid,nodev,noexec,size=512m"
    return _setting("small-tmp", on, found, advice)
