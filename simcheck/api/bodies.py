"""What every body has in common: a field that is not known, or of another kind, is refused."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """The base of every request's and answer's shape."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
