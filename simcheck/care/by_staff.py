"""A request that staff write down: of somebody who came or wrote, and whose papers they have seen."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck.care import requests
from simcheck.care.models import PersonRequest, RequestKind, RequestMeans
from simcheck.care.requests import Asking
from simcheck.crosscheck.models import Subscription
from simcheck.errors import InvalidError
from simcheck.holders.sessions import id_token_of
from simcheck.messages.words import Language
from simcheck.normalise import phones
from simcheck.service import Service


async def ask(
    session: AsyncSession, service: Service, kind: RequestKind, of: str, words: str, language: Language,
    form: uuid.UUID,
) -> PersonRequest:  # fmt: skip
    """Take in a request about a number (as people write it) or a person (a 12-digit ID number). The session
    needs the ministry's scope. Raises `InvalidError` where it is neither, and as `requests.ask`.
    """
    keyring = service.keyring
    number = int(phones.normalise(pa.array([of], pa.string())).national[0])
    asking = Asking(kind, RequestMeans.STAFF, language, form, words)
    if number:
        token = keyring.token("msisdn", number)
        found = sa.select(Subscription.carrier).where(Subscription.msisdn_token == token)
        carriers = list(await session.scalars(found))
        only = carriers[0] if len(carriers) == 1 else None
        asking = replace(asking, carrier=only, msisdn_token=token, national=number)
    elif (person := id_token_of(keyring, of)) is not None:
        asking = replace(asking, id_token=person)
    else:
        raise InvalidError("of: write a mobile number or a 12-digit ID number.")
    return await requests.ask(session, service, asking)
