"""Messages to people: what is to be sent stands in tables before it leaves, and every part is accounted for.

    await intents.store(session, keyring, [Intent(key="case/17/first", ...)])   in the caller's transaction

A sender process (`simcheck sender`, `send.py`) claims what is due under a lease (`claim.py`), submits it with
no transaction open through one of several links (`links.py`, `senders/`), and records what came of it
(`outcomes.py`). What the other side tells later comes back the same way: delivery receipts (`receipts.py`)
and messages of people (`inbound.py`). `sweeps.py` finds what does not move.
"""
