"""What must add up of orders and clocks: the statements of `invariants`, in its form.

What was purged with its number is gone from clocks, their history and orders alike; an order remembers how
many of its lines those were (`forgotten`).
"""

from __future__ import annotations

# An order's lines: those that no guard shut out. Of a proposal that was rejected, or expired, all still are.
LINES = """
SELECT made.carrier, made.id::text AS key, made.lines AS counted,
       count(line.line) + made.forgotten AS accounted
FROM order_batch AS made LEFT JOIN order_line AS line ON line.order_id = made.id
    AND (line.state <> 'dropped' OR line.outcome IN ('rejected', 'expired'))
GROUP BY made.id
"""
# An order is done when nothing more is to be heard of any of its lines: an outcome that is not known
# keeps it open.
DONE = """
SELECT made.carrier, made.id::text AS key, made.lines AS counted,
       count(line.line) FILTER (WHERE line.state IN ('done', 'failed', 'overtaken')) + made.forgotten
           AS accounted
FROM order_batch AS made LEFT JOIN order_line AS line ON line.order_id = made.id
WHERE made.done_at IS NOT NULL GROUP BY made.id
"""
# A clock is at the step to which its history brought it since it began: reached, less what was restored.
STEPS = """
SELECT clock.carrier, encode(clock.msisdn_token, 'hex') AS key, clock.step::integer AS counted,
       coalesce(last.step, 0)::integer AS accounted
FROM clock LEFT JOIN (
    SELECT DISTINCT ON (carrier, msisdn_token) carrier, msisdn_token,
           CASE kind WHEN 'reached' THEN step END AS step
    FROM clock_event WHERE kind IN ('started', 'reached', 'restored')
    ORDER BY carrier, msisdn_token, id DESC
) AS last USING (carrier, msisdn_token)
"""
# Nothing was reached or restored but by a line of an order that its carrier carried out at that moment.
CARRIED_OUT = """
SELECT told.carrier, encode(told.msisdn_token, 'hex') AS key, count(*) AS counted,
       count(*) FILTER (WHERE EXISTS (
           SELECT FROM order_line AS line
           WHERE line.carrier = told.carrier AND line.msisdn_token = told.msisdn_token
             AND line.state = 'done' AND line.outcome_at = told.at
             AND line.act = CASE told.step WHEN 1 THEN 'one_way' WHEN 2 THEN 'two_way' WHEN 3 THEN 'terminate'
                            ELSE 'restore' END
       )) AS accounted
FROM clock_event AS told WHERE told.kind IN ('reached', 'restored')
GROUP BY told.carrier, told.msisdn_token
"""
