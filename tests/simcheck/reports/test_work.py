"""The work by carrier, and that nothing hidden of it can be computed from what a page shows."""

from __future__ import annotations

import datetime

import pytest

from simcheck.reports import drill, lives, work
from simcheck.reports.kinds import BANDS, KINDS, TOOK, today
from simcheck.sending.models import State
from tests.reporting import computed, sums_of
from tests.running import NOON

pytestmark = pytest.mark.anyio
DAY = datetime.timedelta(days=1)
UNTIL = today(NOON) + DAY
SINCE = UNTIL - 60 * DAY
LEAST = (2, 10, 25, 60)


async def test_who_may_see_all_sees_all(country, session):
    for carrier in (None, "itel"):
        found = await work.read(session, SINCE, UNTIL, carrier=carrier)
        for kind in KINDS:
            [same] = (await sums_of(session, [kind], SINCE, UNTIL, carrier)).values()
            assert found.sums[kind].count == same.count == sum(
                line[kind].count for line in found.carriers.values()
            )  # fmt: skip
            assert await drill.count(session, found.sums[kind].drill) == same.count
        assert found.whole
        assert len(found.delivered.days) == 60


@pytest.mark.parametrize("least", LEAST)
async def test_what_is_hidden_of_the_work_cannot_be_computed(country, session, least):
    """All that the country's page and the page of notices show of it, laid side by side."""
    seen = await work.read(session, SINCE, UNTIL, least=least)
    assert (seen.whole, seen.delivered.days) == (False, {})
    shown, sums = {}, []
    lines = {**seen.carriers, None: seen.sums}
    for of, line in lines.items():
        shown |= {(kind, of): each.count for kind, each in line.items()}
        for kind, parts in (
            ("case_closed", ("case_in_time", "case_late")), ("correction_made", ("correction_agrees",)),
            ("question_asked", ("question_answered",)), ("question_answered", ("question_in_time",)),
            ("notice_made", ("notice_delivered", "notice_failed")),
        ):  # fmt: skip
            shown[("rest", kind), of] = None  # nobody shows it: what is left
            sums.append(((kind, of), [*((part, of) for part in parts), (("rest", kind), of)]))
    kinds = {kind for kind, of in shown if of is None}
    sums += [((kind, None), [(kind, of) for of in seen.carriers]) for kind in kinds]
    cuts = (seen.delivered.ways, seen.delivered.carriers)
    for at, line in [*(each for cut in cuts for each in cut.items()), (None, seen.delivered.whole)]:
        shown |= {(state, at): each.count for state, each in line.states.items()}
        shown["made", at] = line.made.count
        sums.append((("made", at), [(state, at) for state in State]))
    for state in ("made", *State):
        sums += [((state, None), [(state, at) for at in cut]) for cut in cuts]
    for of in (*seen.delivered.carriers, None):  # the same under two names
        sums.append((("notice_made", of), [("made", of)]))
        sums.append((("notice_delivered", of), [(State.DELIVERED, of)]))
        sums.append((("notice_failed", of), [(State.FAILED, of), (State.EXPIRED, of)]))
    assert not any(count is not None and 0 < count < least for count in shown.values())
    true = await work.read(session, SINCE, UNTIL)
    known = computed(shown, sums)
    # What can be computed are sums' rests that are no small group.
    for name, of in known:
        assert name[0] == "rest", (name, of)
        whole = true.sums if of is None else true.carriers[of]
        parts = {"case_closed": ("case_in_time", "case_late"), "correction_made": ("correction_agrees",),
                 "question_asked": ("question_answered",), "question_answered": ("question_in_time",),
                 "notice_made": ("notice_delivered", "notice_failed")}[name[1]]  # fmt: skip
        rest = whole[name[1]].count - sum(whole[part].count for part in parts)
        assert rest == 0 or rest >= least, (name, of)
    hidden = [name for (name, _), count in shown.items() if count is None and not isinstance(name, tuple)]
    assert bool(hidden) is (least >= 25)  # of this country
    for figure in (*(each for line in lines.values() for each in line.values()), seen.delivered.whole.made):
        assert (figure.count is None) is (figure.drill is None)


@pytest.mark.parametrize("least", LEAST)
async def test_what_is_hidden_of_cases_cannot_be_computed(country, session, least):
    seen = await lives.read(session, least=least)
    shown = {("of", *name): each.count for name, each in seen.groups.items()}
    shown |= {("all", kind): each.count for kind, each in seen.whole.items()}
    told = ("case_any", "case_open", "case_over", *BANDS)
    shown |= {("by", of, kind): line[kind].count for of, line in seen.carriers.items() for kind in told}
    assert all(line[kind].count is None for line in seen.carriers.values() for kind in TOOK)
    sums = []
    for of in (("all",), *(("by", of) for of in seen.carriers)):
        sums.append(((*of, "case_any"), [(*of, "case_open"), (*of, "case_over")]))
        sums.append(((*of, "case_open"), [(*of, band) for band in BANDS]))
    sums.append((("all", "case_over"), [("all", took) for took in TOOK]))
    sums += [(("all", kind), [("by", of, kind) for of in seen.carriers]) for kind in told]
    for outcomes, kinds in ((lives.STATES, ("case_open", *BANDS)), (lives.OUTCOMES, ("case_over", *TOOK))):
        sums += [(("all", kind), [("of", each, kind) for each in outcomes]) for kind in kinds]
        sums += [(("of", each, kinds[0]), [("of", each, kind) for kind in kinds[1:]]) for each in outcomes]
    assert computed(shown, sums) == set()
    assert not any(count is not None and 0 < count < least for count in shown.values())
