"""What the models page says."""

from __future__ import annotations

from typing import Protocol

from app.core.units import format_bytes, format_duration, significant
from app.words.ages import seconds_text
from app.words.catalogue import ntr, tr


class _Progress(Protocol):
    @property
    def stage(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def in_bytes(self) -> bool: ...
    @property
    def per_second(self) -> float | None: ...
    @property
    def left_s(self) -> float | None: ...


def import_title(name: str, form: str) -> str:
    """Return what is being imported."""
    return tr("Importing {model} as {form}").format(model=name, form=form)


def import_ended(name: str, *, succeeded: bool) -> str:
    """Return how an import ended."""
    if succeeded:
        return tr("{model} is here.").format(model=name)
    return tr("{model} was not imported.").format(model=name)


def import_progress(progress: _Progress) -> str:
    """Return stage, how much of it is done, how fast it goes and how long it takes."""
    parts = [progress.stage]
    if progress.total > 1:
        done, total = _amount(progress, progress.done), _amount(progress, progress.total)
        parts.append(tr("{done} of {total}").format(done=done, total=total))
    if progress.per_second and progress.in_bytes:
        parts.append(tr("{size} a second").format(size=format_bytes(progress.per_second)))
    if progress.left_s is not None and progress.total > 1:
        parts.append(tr("{time} left").format(time=_time(progress.left_s)))
    return "   ·   ".join(parts)


def _amount(progress: _Progress, amount: int) -> str:
    return format_bytes(amount) if progress.in_bytes else f"{amount:,}"


def _time(seconds: float) -> str:
    if seconds < 1:
        return format_duration(max(seconds, 0.001))
    if seconds < 120:
        return seconds_text(round(seconds))
    return tr("{minutes} min").format(minutes=significant(seconds / 60))


def models_found(count: int) -> str:
    """Return how many models a search found."""
    if count == 0:
        return tr("No model has these words in its name.")
    return ntr("{count} model", "{count} models", count).format(count=count)


def sure_to_delete(name: str) -> str:
    """Return the button that deletes a model once it is pressed again."""
    return tr("Delete {model}: sure?").format(model=name)


def deleted_text(name: str, freed_bytes: int) -> str:
    """Return that a model is gone."""
    return tr("{model} was removed, {size} freed.").format(
        model=name, size=format_bytes(freed_bytes)
    )
