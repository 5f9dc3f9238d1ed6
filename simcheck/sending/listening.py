"""Hearing at once that something is to be sent. What is not heard is found by looking, a second later."""

from __future__ import annotations

import asyncio

import psycopg

from simcheck.sending.intents import WAKE

AGAIN = 5.0  # seconds before listening is tried again


async def listen(url: str, heard: asyncio.Event) -> None:
    """Set `heard` whenever intents were stored, until cancelled."""
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                await connection.execute(f"LISTEN {WAKE}")
                async for _ in connection.notifies():
                    heard.set()
        except psycopg.OperationalError:
            await asyncio.sleep(AGAIN)
