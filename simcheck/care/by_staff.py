"""A request that staff write down: of somebody who came or wrote, and whose papers they have seen."""

from __future__ import annotations

import uuid
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.care import requests
from simcheck.care.models import PersonRequest, RequestKind, RequestMeans
from simcheck.care.requests import Asking
from simcheck.crosscheck.models import Subscription
from simcheck.holders import typed
from simcheck.messages.words import Language
from simcheck.service import Service


async def ask(
    session: AsyncSession, service: Service, kind: RequestKind, of: str, words: str, language: Language,
    form: uuid.UUID,
) -> PersonRequest:  # fmt: skip
    """Take in a request about a number (as people write it) or a person (a 12-digit ID number). The session
    needs the ministry's scope. Raises `InvalidError` where it is neither, and as `requests.ask`.
    """
    found = typed.read(service.keyring, of)
    asking = Asking(
        kind, RequestMeans.STAFF, language, form, words, None, found.msisdn_token, found.id_token,
        found.national,
    )  # fmt: skip
    if found.msisdn_token is not None:
        declaring = sa.select(Subscription.carrier).where(Subscription.msisdn_token == found.msisdn_token)
        carriers = list(await session.scalars(declaring))
        # Of a number that two carriers declare the request is about both records, and about no carrier's.
        asking = replace(asking, carrier=carriers[0] if len(carriers) == 1 else None)
    return await requests.ask(session, service, asking)
