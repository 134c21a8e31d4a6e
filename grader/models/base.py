"""The base of every stored or transmitted document."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Model(BaseModel):
    """Immutable, closed, strict; floats are always finite."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False
    )


ModuleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
CheckId = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9_]*::[a-z0-9_]+$", max_length=160)
]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Points = Annotated[float, Field(ge=0, le=10_000)]
# What the milestones run on: shipped data, a fast variant on real data, all of it.
Profile = Literal["quick", "fast", "full"]
