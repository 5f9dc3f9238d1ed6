"""`simcheck questions`: what holders ask, answered by staff or given to a carrier."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from simcheck import clock
from simcheck.clock import LOCAL
from simcheck.config import settings
from simcheck.helpdesk import numbers, questions
from simcheck.helpdesk.figures import figures
from simcheck.helpdesk.models import QuestionState, Queue
from simcheck.service import Service, opened

app = typer.Typer(no_args_is_help=True, help="Read, answer and route holders' questions.")
Result = TypeVar("Result")
Number = Annotated[str, typer.Argument(help="The question's number, such as H-000123-Z.")]


@app.command(name="list")
def show(
    carrier: Annotated[str | None, typer.Option(help="Those that this carrier is to answer.")] = None,
    state: Annotated[QuestionState, typer.Option(help="How far they are.")] = QuestionState.OPEN,
) -> None:
    """List questions, the oldest first; without --carrier those that staff are to answer."""
    queue = Queue.CARRIER if carrier else Queue.STAFF

    async def work(session: AsyncSession, _: Service) -> None:
        for each in await questions.page(session, queue, state=state, carrier=carrier, limit=1000):
            due = f"{each.due_at.astimezone(LOCAL):%Y-%m-%d %H:%M}"
            late = "  late" if each.overdue else ""
            typer.echo(f"{numbers.shown(each.number)}  {each.about or '-'}  due {due}{late}")

    _in_a_transaction(work)


@app.command()
def read(number: Number) -> None:
    """Print what was written of a question. The look is audited."""

    async def work(session: AsyncSession, service: Service) -> None:
        question = await questions.by_number(session, number)
        whose = "holds the number" if question.proved else "has not proved to hold the number"
        typer.echo(f"{numbers.shown(question.number)}  {question.state}, by {question.channel}; {whose}")
        for each in await questions.written(session, service.keyring, question):
            by = "answer" if each.is_answer else "holder"
            typer.echo(f"{each.at.astimezone(LOCAL):%Y-%m-%d %H:%M}  {by}: {each.text}")

    _in_a_transaction(work)


@app.command()
def answer(
    number: Number, close: Annotated[bool, typer.Option(help="The question is done with it.")] = False
) -> None:
    """Send the text on standard input back as the question came."""
    text = sys.stdin.read()

    async def work(session: AsyncSession, service: Service) -> None:
        question = await questions.by_number(session, number)
        await questions.answer(session, service, question.id, text, close=close)

    _in_a_transaction(work)
    typer.echo("the answer is on its way")


@app.command()
def close(number: Number) -> None:
    """Close a question that needs no (more) answer."""

    async def work(session: AsyncSession, _: Service) -> None:
        await questions.close_question(session, (await questions.by_number(session, number)).id)

    _in_a_transaction(work)
    typer.echo("the question is closed")


@app.command()
def give(
    number: Number, to: Annotated[str | None, typer.Option(help="The carrier. Without: staff.")] = None
) -> None:
    """Have a carrier answer a question, or staff."""

    async def work(session: AsyncSession, _: Service) -> None:
        await questions.give_to(session, (await questions.by_number(session, number)).id, to)

    _in_a_transaction(work)
    typer.echo(f"{to or 'staff'} is to answer it")


@app.command(name="figures")
def count(days: Annotated[int, typer.Option(min=1, help="Of the last so many days.")] = 30) -> None:
    """Print how questions are answered, by the carrier that they are about."""

    async def work(session: AsyncSession, _: Service) -> None:
        now = clock.now()
        found = await figures(session, now - timedelta(days=days), now)
        for about, each in found.items():
            hours = "-" if each.median is None else f"{each.median / timedelta(hours=1):.1f} h"
            how_many = (
                f"received {each.received}, answered {each.answered}, in time {each.in_time}, "
                f"closed {each.closed}, open {each.open}, late {each.overdue}"
            )
            typer.echo(f"{about or '-'}  {how_many}, median {hours}")

    _in_a_transaction(work)


def _in_a_transaction(work: Callable[[AsyncSession, Service], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with (
            opened(settings()) as service,
            service.database.transaction("operator", ministry=True) as session,
        ):
            return await work(session, service)

    return asyncio.run(run())
