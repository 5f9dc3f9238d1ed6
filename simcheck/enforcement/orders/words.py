"""The words of orders in two languages, out of `words.toml`: for carriers' files and for pages."""

from __future__ import annotations

from simcheck.enforcement.orders.guards import GUARDS
from simcheck.enforcement.orders.models import LineState, OrderAct, OrderState
from simcheck.enforcement.texts import Texts
from simcheck.enforcement.words import Trigger
from simcheck.records import OUTCOMES

# The reasons of restorations: the record agrees, an appeal was upheld, the line is protected.
RESTORED, UPHELD, PROTECTED = "restored", "upheld", "protected"
_TEXTS = Texts(
    "simcheck.enforcement.orders",
    {
        "guard": {each.name for each in GUARDS}, "act": set(OrderAct), "state": set(OrderState),
        "line": set(LineState), "outcome": set(OUTCOMES), "reason": {*Trigger, RESTORED, UPHELD, PROTECTED},
    },
)  # fmt: skip
group, say, require = _TEXTS.group, _TEXTS.say, _TEXTS.require
