"""Work side by side inside one call: nothing that was begun here outlives it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

Work = Coroutine[object, object, object]


async def first_to_end(*works: Work) -> None:
    """Run all until one ends, then cancel the others and wait for them.

    Raises what the one that ended raised; of several that ended together, the first named decides.
    """
    tasks = _begun(works)
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await _end(tasks)
    next(task for task in tasks if task in done).result()


async def all_or_none(*works: Work) -> None:
    """Run all to their ends; where one fails the others are cancelled and its error is raised."""
    tasks = _begun(works)
    try:
        await asyncio.gather(*tasks)
    finally:
        await _end(tasks)


def _begun(works: tuple[Work, ...]) -> list[asyncio.Task[object]]:
    loop = asyncio.get_running_loop()
    return [loop.create_task(work) for work in works]


async def _end(tasks: list[asyncio.Task[object]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
