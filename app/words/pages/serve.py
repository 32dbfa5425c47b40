"""What is said of the rack's HTTP address: where, by which keys, how much, what was refused."""

from __future__ import annotations

from app.rack.door.serving import ApiKey, ServeActivity
from app.words.catalogue import ntr, tr
from app.words.states import day_text, listed


def served_text(address: str) -> str:
    """Return where the rack is served."""
    return tr("On: OpenAI's clients find the rack at {address}").format(address=address)


def serve_keys_text(keys: tuple[ApiKey, ...]) -> str:
    """Return who may use the address."""
    valid = [key.name for key in keys if key.valid]
    if valid:
        return tr("A key is needed; there are: {names}").format(names=listed(valid))
    if keys:
        return tr("Every key was revoked: nobody may use it until there is a new one.")
    return tr(
        "No key is made: every program on this computer may use it. "
        "Once there is a key, one is needed."
    )


def activity_text(activity: ServeActivity) -> str:
    """Return how much is under way, and what came of the rest."""
    running = ntr("{count} request is running", "{count} requests are running", activity.running)
    waiting = ntr("{count} waits", "{count} wait", activity.waiting)
    answered = ntr("{count} was answered", "{count} were answered", activity.answered)
    refused = tr("{count} refused")
    counts = (activity.running, activity.waiting, activity.answered, activity.refused)
    words = (running, waiting, answered, refused)
    return listed(
        word.format(count=f"{count:,}") for word, count in zip(words, counts, strict=True)
    )


def refused_title(count: int) -> str:
    """Return the title of the page of refusals, with their number where there are any."""
    return tr("Refused ({count})").format(count=f"{count:,}") if count else tr("Refused")


def made_text(name: str) -> str:
    """Return what stands beside a key that has just been made."""
    return tr("The key for {name}. Copy it now: it is shown this once.").format(name=name)


def sure_to_revoke(name: str) -> str:
    """Return what the button asks before a key is revoked."""
    return tr("Really revoke {name}?").format(name=name)


def key_state(key: ApiKey) -> str:
    """Return whether a key opens the address."""
    if key.revoked_ms is None:
        return tr("valid")
    return tr("revoked {when}").format(when=day_text(key.revoked_ms))


def limit_text(limit: int | None) -> str:
    """Return how much a key may ask for."""
    return tr("no limit") if limit is None else f"{limit:,}"
