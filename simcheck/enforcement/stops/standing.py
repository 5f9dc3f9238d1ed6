"""What stops orders now, as SQL: one text for the guards, the clocks and the restorations.

Every predicate takes the moment as `{now}`, the name of a bound parameter.
"""

from __future__ import annotations

from simcheck.enforcement.stops.models import AppealState, BarKind
from simcheck.enforcement.words import Stop

# One that nobody has confirmed holds so many days: a line that is cut off meanwhile cannot be helped after.
UNCONFIRMED_DAYS = 3
# Whether `bar`, a row of `order_bar`, holds.
STANDS = f"""(bar.lifted_at IS NULL AND bar.starts_at <= {{now}}
    AND (bar.ends_at IS NULL OR bar.ends_at > {{now}})
    AND (bar.confirmed_at IS NOT NULL OR bar.asked_at > {{now}} - interval '{UNCONFIRMED_DAYS} days'))"""
_HERE = "appeal.msisdn_token = clock.msisdn_token AND appeal.carrier = clock.carrier"
# Whether what holds was ordered after an appeal was decided. When it was carried out says nothing: that may
# be long after the order, and a carrier says when.
ORDERED_AFTER = """EXISTS (SELECT FROM order_line AS later WHERE later.msisdn_token = clock.msisdn_token
    AND later.carrier = clock.carrier AND later.act <> 'restore' AND later.state = 'done'
    AND later.made_at > appeal.settled_at)"""
# Nobody objects; and what was upheld is undone before anything follows.
NO_APPEAL = f"""NOT EXISTS (SELECT FROM appeal WHERE {_HERE} AND (appeal.state = '{AppealState.OPEN}'
    OR appeal.state = '{AppealState.UPHELD}' AND clock.step > 0 AND NOT {ORDERED_AFTER}))"""
# Of a person whom the record or the case names, too.
NO_LEGAL_HOLD = f"""NOT EXISTS (SELECT FROM order_bar AS bar
    WHERE bar.msisdn_token = clock.msisdn_token AND bar.kind = '{BarKind.LEGAL_HOLD}' AND {STANDS})
    AND NOT EXISTS (SELECT FROM order_bar AS bar WHERE bar.id_token = "case".id_token AND {STANDS})
    AND NOT EXISTS (SELECT FROM subscription JOIN order_bar AS bar USING (id_token)
                    WHERE subscription.msisdn_token = clock.msisdn_token
                    AND subscription.carrier = clock.carrier AND {STANDS})"""  # noqa: S608
NOT_PROTECTED = f"""NOT EXISTS (SELECT FROM order_bar AS bar
    WHERE bar.msisdn_token = clock.msisdn_token AND bar.kind <> '{BarKind.LEGAL_HOLD}' AND {STANDS})"""
_WHY = f"CASE bar.kind WHEN '{BarKind.LEGAL_HOLD}' THEN '{Stop.LEGAL_HOLD}' ELSE '{Stop.PROTECTED}' END"
# The subscriptions of which something stops orders, each with what does: few, whatever the country's size.
STOPPED = f"""
stopped AS MATERIALIZED (
    SELECT carrier, msisdn_token, array_agg(why) AS whys FROM (
        SELECT carrier, msisdn_token, '{Stop.APPEAL}' AS why FROM appeal WHERE state = '{AppealState.OPEN}'
        UNION SELECT clock.carrier, clock.msisdn_token, {_WHY}
        FROM order_bar AS bar JOIN clock USING (msisdn_token) WHERE {STANDS}
        UNION SELECT carrier, subscription.msisdn_token, {_WHY}
        FROM order_bar AS bar JOIN subscription USING (id_token) WHERE {STANDS}
        UNION SELECT carrier, "case".msisdn_token, {_WHY}
        FROM order_bar AS bar JOIN "case" USING (id_token) WHERE {STANDS} AND closed_at IS NULL
    ) AS each GROUP BY carrier, msisdn_token
)
"""  # noqa: S608
