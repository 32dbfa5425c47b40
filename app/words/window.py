"""What the window says around its panels: header, menus, evidence, refusals."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from app.core.facts import Fact
from app.core.units import format_bytes
from app.ledger.views.snapshot import LedgerSnapshot, SlashRow
from app.rack.snapshot import ModelChoice, Phase, RackSnapshot
from app.words.ages import age_text
from app.words.catalogue import ntr, tr
from app.words.ledger import offence_text
from app.words.sentences import sentence
from app.words.states import clock_text, credits_text, harmed_word, listed, phase_word


def rack_text(snapshot: RackSnapshot) -> str:
    """Return which rack is open and how many phones it has."""
    count = len(snapshot.phones)
    words = ntr("rack: {name} ({count} phone)", "rack: {name} ({count} phones)", count)
    return words.format(name=snapshot.rack_name, count=count)


def model_text(model: ModelChoice) -> str:
    """Return which model is on the rack."""
    words = ntr(
        "model: {name} {quantization}, {layers} layer, {size}",
        "model: {name} {quantization}, {layers} layers, {size}",
        model.layers,
    )
    return _of_model(words, model)


def model_choice(model: ModelChoice) -> str:
    """Return a model in the menu, with a mark where quantisation has harmed it."""
    words = ntr(
        "{name}   {quantization}, {layers} layer, {size}",
        "{name}   {quantization}, {layers} layers, {size}",
        model.layers,
    )
    told = _of_model(words, model)
    return f"{told}   {harmed_word()}" if model.harm else told


def with_harm(model: str, colour: str) -> str:
    """Return rich text of a model that quantisation has harmed, the harm in a colour."""
    harm = f'<span style="color: {colour}">{escape(harmed_word())}</span>'
    return tr("{model}, {harm}").format(model=escape(model), harm=harm)


def silent_text(phase: Phase, silence_s: float) -> str:
    """Return the phase that the rack was in before it went silent."""
    words = tr("{phase}, no news for {seconds:.0f} s")
    return words.format(phase=phase_word(phase), seconds=silence_s)


def no_token_text(age_s: float) -> str:
    """Return for how long no token has come."""
    return tr("no token for {age}").format(age=age_text(age_s))


def legend_title(unit: str) -> str:
    """Return the title over the names in a chart's legend, with the unit of its figures."""
    return tr("phone  ·  {unit}").format(unit=unit)


def chart_forms() -> list[str]:
    """Return the forms in which a chart can be saved, as file dialogs want them."""
    forms = ((tr("Picture"), "png"), (tr("Drawing"), "svg"), (tr("Figures"), "csv"))
    return [f"{word} (*.{ending})" for word, ending in forms]


def show_panel(panel: str) -> str:
    """Return the action that shows or hides a panel."""
    return tr("Show {panel}").format(panel=panel)


def undo_text(step: str) -> str:
    """Return the action that takes a step back; `step` is a key of the catalogues, or empty."""
    return tr("Undo {step}").format(step=tr(step)) if step else tr("Undo")


def redo_text(step: str) -> str:
    """Return the action that takes a step again; `step` is a key of the catalogues, or empty."""
    return tr("Redo {step}").format(step=tr(step)) if step else tr("Redo")


def evidence_title(slash: SlashRow) -> str:
    """Return the title over what a slash rests on."""
    return tr("Evidence of journal entry {entry}").format(entry=slash.sequence)


def slash_text(slash: SlashRow, phone: str) -> str:
    """Return who lost what, when and why."""
    words = tr("{phone} lost {amount} at {time}: {reason}")
    return words.format(
        phone=phone,
        amount=credits_text(slash.amount),
        time=clock_text(slash.wall_ms),
        reason=offence_text(slash.reason),
    )


def slashing_tab(count: int) -> str:
    """Return the name of the tab of slashes, with their number where there are any."""
    return tr("Slashing ({count})").format(count=count) if count else tr("Slashing")


def ledger_head(ledger: LedgerSnapshot) -> str:
    """Return how long the journal is, its head and what the treasury holds."""
    words = ntr(
        "{entries} entry   ·   head {head}   ·   treasury {treasury}",
        "{entries} entries   ·   head {head}   ·   treasury {treasury}",
        ledger.entries,
    )
    return words.format(
        entries=f"{ledger.entries:,}",
        head=ledger.head_hash[:12],
        treasury=credits_text(ledger.treasury),
    )


def doubts_text(ledger: LedgerSnapshot) -> str:
    """Return which classes nobody is blamed for, and how to confirm them; empty of none."""
    told = (
        sentence(Fact("breaker.opened", name=each.name, count=len(each.phones)))
        for each in ledger.doubted
    )
    return " ".join(told)


def confirm_question(name: str) -> str:
    """Return what is asked before the breaker of a class is closed."""
    words = tr(
        "Are phones of the class {name} judged rightly? From then on they lose stake for wrong"
        " numbers like any other. This is journalled under your name as the operator."
    )
    return words.format(name=name)


def crash_text(path: str) -> str:
    """Return that the last run did not close, and where its report lies."""
    words = tr("The last run of the control centre ended without closing. Its report: {path}")
    return words.format(path=path)


def unknown_scene(name: str, known: Iterable[str]) -> str:
    """Return that there is no such scene, and which ones there are."""
    words = tr("There is no scene '{name}'; known scenes: {known}.")
    return words.format(name=name, known=listed(known))


def odd_scene(file: str, place: str) -> str:
    """Return that a scene's file cannot be played, and where it is wrong."""
    return tr("The scene {file} cannot be played: {place}").format(file=file, place=place)


def replay_note(file: str, speed: float) -> str:
    """Return that nothing of what is shown happens now."""
    return tr("Replay of {file}, {speed} times as fast").format(file=file, speed=f"{speed:g}")


def failed_command(error: BaseException) -> str:
    """Return that a command failed in a way nobody foresaw."""
    return tr("That did not work: {error}").format(error=error)


def checking_for(seconds: float) -> str:
    """Return that something is being checked, and since when."""
    return tr("Checking for {time}…").format(time=age_text(seconds))


def journal_saved(path: str) -> str:
    """Return that the journal lies in a file now."""
    return tr("The journal was saved as {path}.").format(path=path)


def window_failure(error: BaseException) -> str:
    """Return that the window itself met an error nobody foresaw."""
    return tr("Something went wrong in the window: {error}").format(error=error)


def _of_model(words: str, model: ModelChoice) -> str:
    return words.format(
        name=model.name,
        quantization=model.quantization,
        layers=model.layers,
        size=format_bytes(model.weight_bytes),
    )
