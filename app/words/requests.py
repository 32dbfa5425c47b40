"""How a request stands: its figures, how far it was checked, its tokens, its vector."""

from __future__ import annotations

from typing import Final

from app.core.tasks import TaskKind
from app.core.units import format_duration, format_rate, significant
from app.rack.snapshot import RequestSnapshot, RequestState
from app.words.catalogue import ntr, tr
from app.words.states import request_word, together

NUMBERS: Final = frozenset({TaskKind.CLASSIFY, TaskKind.EMBED})
"""Tasks whose answer is no text."""
_SHOWN_LETTERS: Final = 40


def figures_text(request: RequestSnapshot, context_tokens: int = 0) -> str:
    """Return state, length, speed and what the ledger saw of a request.

    With how much of the context is used, where a size is given.
    """
    parts = [request_word(request)]
    if request.kind not in NUMBERS:
        parts.append(f"{len(request.token_ids)}/{request.tokens_wanted}")
        if context_tokens and request.prompt_tokens:
            used = request.prompt_tokens + len(request.token_ids)
            words = tr("context {used}/{size} ({share})")
            share = f"{used / context_tokens:.0%}"
            parts.append(words.format(used=used, size=context_tokens, share=share))
    if request.tokens_per_second is not None:
        parts.append(format_rate(request.tokens_per_second))
    if request.time_to_first_token_ms is not None:
        first = format_duration(request.time_to_first_token_ms / 1e3)
        numbers = request.kind in NUMBERS
        words = tr("answered in {time}") if numbers else tr("first token {time}")
        parts.append(words.format(time=first))
    counts = (
        (tr("reused {count} tokens"), request.reused_tokens, request.reused_tokens > 0),
        (tr("receipts {count}"), request.receipts, True),
        (tr("audits {count}"), request.audits, True),
        (tr("slashes {count}"), request.slashes, request.slashes > 0),
        (tr("failovers {count}"), request.failovers, request.failovers > 0),
    )
    parts.extend(words.format(count=count) for words, count, shown in counts if shown)
    return "   ·   ".join(parts)


def talk_title(title: str) -> str:
    """Return what a text or conversation is called: how it began."""
    return " ".join(title.split()) or tr("New conversation")


def talk_figures(request: RequestSnapshot | None) -> str:
    """Return how fast a text comes, else what is done with it; short, for a tab."""
    if request is None:
        return tr("waiting")
    if request.state is RequestState.DECODING and request.tokens_per_second is not None:
        return format_rate(request.tokens_per_second)
    return request_word(request)


def talk_text(title: str, request: RequestSnapshot | None) -> str:
    """Return all that a tab stands for."""
    words = tr("{title}: {figures}")
    figures = figures_text(request) if request else tr("waiting")
    return words.format(title=talk_title(title), figures=figures)


def talks_count(found: int, every: int) -> str:
    """Return how many texts and conversations are listed."""
    return tr("{found} of {every}").format(found=found, every=every)


def length_text(request: RequestSnapshot | None) -> str:
    """Return how long an answer is."""
    return f"{len(request.token_ids):,}" if request else ""


def talk_forms() -> list[str]:
    """Return the forms in which a text can be saved, as file dialogs want them."""
    forms = (("Markdown", "md"), (tr("Text"), "txt"), ("JSON", "json"))
    return [f"{word} (*.{ending})" for word, ending in forms]


def ask_all_text(count: int) -> str:
    """Return the button that asks for several texts at once."""
    return ntr("Ask {count} prompt", "Ask {count} prompts", count).format(count=count)


def context_text(used: int, size: int) -> str:
    """Return how much of the context a text has used."""
    words = tr("The context holds {size} tokens; {used} are used, {left} are left.")
    return words.format(size=size, used=used, left=max(size - used, 0))


def settled_in_part(audited: int, stages: int) -> str:
    """Return how much of a settled answer was audited."""
    if audited == 0:
        words = ntr(
            "Settled, 0 of {stages} stage audited: nothing was checked.",
            "Settled, 0 of {stages} stages audited: nothing was checked.",
            stages,
        )
        return words.format(stages=stages)
    words = ntr(
        "Settled, {audited} of {stages} stage audited: not all was checked.",
        "Settled, {audited} of {stages} stages audited: not all was checked.",
        stages,
    )
    return words.format(audited=audited, stages=stages)


def perplexity_text(perplexity: float, *, alternatives: bool) -> str:
    """Return how surprising a text was; and how to see alternatives where none were kept."""
    words = tr("Perplexity of this text: {number:.2f}.").format(number=perplexity)
    if alternatives:
        return words
    more = tr("Set Likeliest tokens beside T and p to see what else could stand here.")
    return together(words, more)


def likeness_text(likeness: float, prompt: str) -> str:
    """Return how near a vector is to that of the text before."""
    short = prompt if len(prompt) <= _SHOWN_LETTERS else f"{prompt[:_SHOWN_LETTERS]}…"
    words = tr("{likeness:.2f} like “{prompt}” (cosine)")
    return words.format(likeness=likeness, prompt=short)


def vector_text(count: int, norm: float) -> str:
    """Return a vector's size and length."""
    words = ntr("{count} dimension, norm {norm}", "{count} dimensions, norm {norm}", count)
    return words.format(count=count, norm=significant(norm))


def finished_text(request: RequestSnapshot) -> str:
    """Return that a long text is finished, and how it began."""
    words = tr("Finished after {time}: {title}")
    time = format_duration(request.text_s)
    return words.format(time=time, title=talk_title(request.prompt)[:_SHOWN_LETTERS])


def seed_text(seed: str) -> str:
    """Return which seed is set."""
    return tr("seed {seed}").format(seed=seed)
