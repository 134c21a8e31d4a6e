"""`python -m tito`, for when the command is not installed."""

from __future__ import annotations

from tito.cli import main

if __name__ == "__main__":
    main(prog_name="tito")  # shells complete by this name
