"""The words of appeals and bars in two languages, out of `words.toml`: for pages and answers to holders."""

from __future__ import annotations

from simcheck.enforcement.stops.models import AppealMeans, AppealState, BarKind
from simcheck.enforcement.texts import Texts

_TEXTS = Texts(
    "simcheck.enforcement.stops",
    {
        "kind": set(BarKind), "state": set(AppealState), "means": set(AppealMeans),
        "told": {AppealState.UPHELD, AppealState.REJECTED},
    },
)  # fmt: skip
group, say, require = _TEXTS.group, _TEXTS.say, _TEXTS.require
