from __future__ import annotations

import re

import pytest

from simcheck.access.roles import Role
from tests.casework import scripts_in
from tests.desking import at_desk
from tests.reviewing import one_case

pytestmark = pytest.mark.anyio
FIELDS = {"queue": "carrier=itel&acts=staff", "sort": "oldest"}


async def test_a_list_is_saved_shared_opened_and_removed(app, owner):
    one_case(owner, carrier="itel")
    async with at_desk(app, Role.REVIEWER) as reviewer, at_desk(app, Role.REVIEWER, name="lan") as lan:
        saved = await reviewer.send("/desk/queue/views", FIELDS | {"name": "Việc <b>itel</b>"})
        assert saved.headers["location"] == "/desk/queue?carrier=itel&acts=staff&sort=oldest"
        page = (await reviewer.get("/desk/queue")).text
        assert "Việc &lt;b&gt;itel&lt;/b&gt;" in page
        assert scripts_in(page) == []
        [href] = re.findall(r'<a href="([^"]+)">Việc', page)
        assert "1 hồ sơ" in (await reviewer.get(href.replace("&amp;", "&"))).text
        assert "Việc" not in (await lan.get("/desk/queue")).text.partition('class="saved"')[2]
        await reviewer.send("/desk/queue/views", FIELDS | {"name": "Việc <b>itel</b>", "shared": "yes"})
        assert "của reviewer" in (await lan.get("/desk/queue")).text
        taken = await lan.send("/desk/queue/views", FIELDS | {"name": "Việc <b>itel</b>", "shared": "yes"})
        assert (taken.status_code, 'id="name-fault"' in taken.text) == (422, True)
        [remove] = re.findall(r'action="(/desk/queue/views/[^"]+/remove)"', page)
        assert (await lan.send(remove, FIELDS)).status_code == 404
        assert (await reviewer.send(remove, FIELDS)).status_code == 303
        assert owner.execute("SELECT count(*) FROM saved_view").fetchone() == (0,)


@pytest.mark.parametrize("name", ["", "x" * 61])
async def test_a_name_that_cannot_be_used_is_kept_in_the_form(app, owner, name):
    async with at_desk(app, Role.REVIEWER) as reviewer:
        answer = await reviewer.send("/desk/queue/views", FIELDS | {"name": name})
    assert answer.status_code == 422
    assert f'value="{name}"' in answer.text


async def test_an_auditors_view_is_their_own(app, owner):
    async with at_desk(app, Role.AUDITOR) as auditor:
        await auditor.send("/desk/queue/views", FIELDS | {"name": "x", "shared": "yes"})
    assert owner.execute("SELECT shared FROM saved_view").fetchone() == (False,)
