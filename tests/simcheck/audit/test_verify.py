from __future__ import annotations

import pytest

from simcheck import audit
from simcheck.privacy import Keyring

pytestmark = pytest.mark.anyio


@pytest.fixture
async def chain(service):
    """Two streams of 5 rows, a checkpoint, 2 rows more in each. Calling it verifies."""
    await write(service, 5)
    await sign(service)
    await write(service, 2)

    async def verify(kept=None, keyring=None):
        async with service.database.transaction("test", snapshot=True) as session:
            return await audit.verify(session, keyring or service.keyring, kept)

    return verify


async def write(service, rows: int) -> None:
    for number in range(rows):
        async with service.database.transaction("test") as session:
            audit.record(session, "batch.received", f"batch/{number}", {"rows": number})
            audit.record(session, "case.opened", f"case/{number}")


async def sign(service):
    async with service.database.transaction("test") as session:
        return await audit.checkpoint(session, service.keyring)


async def test_a_whole_chain(chain):
    assert await chain() == (14, None)


async def test_an_empty_chain(service):
    async with service.database.transaction("test", snapshot=True) as session:
        assert await audit.verify(session, service.keyring) == (0, None)
    assert await sign(service) is None


async def test_a_checkpoint_signs_what_grew(service, chain):
    second = await sign(service)
    assert (second.seq, sorted(second.heads)) == (2, ["batch", "case"])
    assert await sign(service) is None
    async with service.database.transaction("test") as session:
        audit.record(session, "case.closed", "case/1")
    third = await sign(service)
    assert (third.seq, list(third.heads)) == (3, ["case"])
    assert await chain() == (15, None)


@pytest.mark.parametrize(
    ("column", "value"),
    [("actor", "'me'"), ("act", "'batch.done'"), ("subject", "'batch/7'"), ("detail", """'{"rows": 99}'"""),
     ("at", "at - interval '1 microsecond'"), ("hash", r"'\x00'"), ("previous", r"'\x00'"), ("seq", "100")],
)  # fmt: skip
async def test_a_changed_row_is_named(chain, owner, column, value):
    owner.execute(f"UPDATE audit SET {column} = {value} WHERE stream = 'batch' AND seq = 3")
    rows, fault = await chain()
    assert (rows, fault.stream, fault.seq) == (2, "batch", 3)


async def test_the_first_of_many_is_named(chain, owner):
    owner.execute("UPDATE audit SET actor = 'me' WHERE seq = 4")
    rows, fault = await chain()
    assert (rows, str(fault)) == (3, "batch row 4: the row was changed")


async def test_a_row_that_was_taken_out(chain, owner):
    owner.execute("DELETE FROM audit WHERE stream = 'case' AND seq = 2")
    rows, fault = await chain()
    assert (rows, fault.stream, fault.seq, fault.cause) == (8, "case", 2, "the row is missing")


async def test_a_tail_that_was_cut_off(chain, owner):
    owner.execute("DELETE FROM audit WHERE stream = 'batch' AND seq > 5")
    assert (await chain())[1].seq == 6


async def test_a_tail_that_was_cut_off_and_its_head_mended(chain, owner):
    """Rows that a checkpoint signed are missed even when everything else agrees."""
    owner.execute("DELETE FROM audit WHERE stream = 'batch' AND seq > 3")
    owner.execute("""
        UPDATE audit_head SET seq = 3, hash = (SELECT hash FROM audit WHERE stream = 'batch' AND seq = 3)
        WHERE stream = 'batch'
    """)
    fault = (await chain())[1]
    assert (fault.stream, fault.seq) == ("batch", 4)
    assert "checkpoint 1 signed row 5" in fault.cause


async def test_a_stream_that_was_taken_out_whole(chain, owner):
    owner.execute("DELETE FROM audit WHERE stream = 'case'")
    assert (await chain())[1].stream == "case"
    owner.execute("DELETE FROM audit_head WHERE stream = 'case'")
    fault = (await chain())[1]
    assert (fault.stream, fault.seq) == ("case", 1)


async def test_a_chain_that_was_written_anew_from_a_row_on(service, chain, owner):
    owner.execute("DELETE FROM audit WHERE stream = 'batch' AND seq > 3")
    owner.execute("""
        UPDATE audit_head SET seq = 3, hash = (SELECT hash FROM audit WHERE stream = 'batch' AND seq = 3)
        WHERE stream = 'batch'
    """)
    await write(service, 4)
    fault = (await chain())[1]
    assert (fault.stream, fault.seq, fault.cause) == ("batch", 5, "not the row that checkpoint 1 signed")


@pytest.mark.parametrize("change", ["seq = 6", r"hash = '\x00'", "seq = 8"])
async def test_an_edited_head(chain, owner, change):
    owner.execute(f"UPDATE audit_head SET {change} WHERE stream = 'batch'")
    assert (await chain())[1].stream == "batch"


async def test_a_missing_head(chain, owner):
    owner.execute("DELETE FROM audit_head WHERE stream = 'batch'")
    assert (await chain())[1].cause == "the stream's head is missing"


async def test_a_changed_checkpoint(chain, owner):
    owner.execute("UPDATE audit_checkpoint SET heads = '{}'")
    assert (await chain())[1].stream == "checkpoints"


async def test_a_checkpoint_of_other_keys(chain):
    assert (await chain(keyring=Keyring.make()))[1].stream == "checkpoints"


async def test_rows_and_checkpoints_cut_off_together_are_missed_by_who_kept_one(service, chain, owner):
    kept = await sign(service)
    for statement in ("DELETE FROM audit WHERE seq > 5", "DELETE FROM audit_checkpoint WHERE seq > 1", """
        UPDATE audit_head SET seq = 5, hash = audit.hash FROM audit
        WHERE audit.stream = audit_head.stream AND audit.seq = 5
    """):  # fmt: skip
        owner.execute(statement)
    assert await chain() == (10, None)
    assert (await chain(kept=(1, b"\0" * 32)))[1].cause == "the checkpoint is not the one that was kept"
    assert (await chain(kept=(kept.seq, kept.hash)))[1].cause == "cut off: checkpoint 2 was kept"


async def test_rows_that_are_being_written_do_not_disturb(service, chain):
    async with service.database.transaction("test", snapshot=True) as session:
        await session.connection()
        await write(service, 1)
        assert (await audit.verify(session, service.keyring))[1] is None
