"""What every table's model is made from. The models themselves live beside their features."""

from __future__ import annotations

import importlib
import pkgutil
import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.orm import DeclarativeBase

import simcheck

SERVICE_ROLE = "simcheck_service"  # what requests and jobs act as: owns nothing, bypasses nothing


class Base(DeclarativeBase):
    """A table. Types are PostgreSQL's: text without length, timestamps with time zone, JSON as jsonb."""

    metadata = sa.MetaData(
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "fk": "%(table_name)s_%(column_0_name)s_fkey",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
            "ck": "%(table_name)s_%(constraint_name)s_check",
        }
    )
    type_annotation_map: ClassVar = {
        str: sa.Text(),
        bytes: sa.LargeBinary(),
        datetime: sa.TIMESTAMP(timezone=True),
        date: sa.Date(),
        uuid.UUID: sa.Uuid(),
        dict[str, Any]: pg.JSONB(),
        list[str]: pg.ARRAY(sa.Text()),
    }


def one_of(column: str, words: type[StrEnum]) -> sa.CheckConstraint:
    """The constraint that a column holds one of an enumeration's words."""
    listed = ", ".join(f"'{word.value}'" for word in words)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=column)


def whole_metadata() -> sa.MetaData:
    """Every table of every feature: loads all `models` modules of the package."""
    for module in pkgutil.walk_packages(simcheck.__path__, "simcheck."):
        if module.name.rpartition(".")[2] == "models":
            importlib.import_module(module.name)
    return Base.metadata
