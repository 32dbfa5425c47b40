"""Texts are renamed, saved and followed to where each token came from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QInputDialog

from app.core.audit_outcome import AuditOutcome
from app.core.errors import BadInputError
from app.core.facts import Fact
from app.core.identifiers import Serial
from app.ledger.views.journal_page import JournalPage
from app.ledger.views.snapshot import JournalRow
from app.rack.commands import ReadJournal
from app.rack.events.request_events import StageAudited, StageTimes, TokenAdded
from app.rack.snapshot import Alternative
from app.ui.ledger.evidence_dialog import EvidenceDialog
from app.ui.playground.conversations.talk_export import export_talk
from app.ui.playground.tasks.tokens_dialog import TokensDialog
from app.ui.window.main_window import MainWindow
from app.words.pages.token_way import token_way
from app.words.requests import figures_text
from tests.ui.scripted_control import ScriptedControl
from tests.ui.window_support import child, publish


def written(window: MainWindow, control: ScriptedControl, tokens: int = 6) -> None:
    publish(window, control)
    window.playground.start()
    for _ in range(tokens):
        control.emit_token()
    publish(window, control)


def test_a_text_is_renamed_and_gets_its_first_words_back(
    window: MainWindow, control: ScriptedControl
) -> None:
    written(window, control)
    talk = window.playground.talks.shown
    assert talk is not None
    for typed, title in (("  My  text ", "My text"), ("", talk.prompt)):
        window.actions_registry["rename-text"].trigger()
        dialog = window.playground.findChildren(QInputDialog)[-1]
        dialog.setTextValue(typed)
        dialog.accept()
        assert talk.title == title


def test_a_text_is_saved_to_read_and_with_its_figures(
    window: MainWindow, control: ScriptedControl, tmp_path: Path
) -> None:
    written(window, control)
    talk = window.playground.talks.shown
    assert talk is not None
    assert talk.request is not None
    window.playground.talk_actions.save(tmp_path / "a.txt", talk)
    window.playground.talk_actions.save(tmp_path / "a.json", talk)
    assert (tmp_path / "a.txt").read_text("utf-8") == f"{talk.prompt}{talk.request.text}\n"
    (turn,) = json.loads((tmp_path / "a.json").read_text("utf-8"))["turns"]
    assert (turn["answer"], turn["tokens"], turn["verified"]) == (talk.request.text, 6, False)
    with pytest.raises(BadInputError):
        export_talk(tmp_path / "a.doc", talk)
    window.playground.talk_actions.save(tmp_path / "missing" / "a.txt", talk)
    assert "could not be written" in window.alert.words.text()


def test_a_double_click_leads_to_the_token_and_its_way(
    window: MainWindow, control: ScriptedControl
) -> None:
    written(window, control)
    request = control.requests[-1]
    window.playground.stream.pointed_at.emit(len(request.text) - 1)
    dialog = window.findChild(TokensDialog)
    assert dialog is not None
    assert dialog.table.rows.rowCount() == 0
    dialog.close()


def test_a_token_tells_who_computed_it_what_else_could_stand_and_who_was_audited() -> None:
    names = {"A": "Pixel 8", "B": "Galaxy S23"}
    others = (Alternative(7, "day", -0.1), Alternative(8, "night", -2.0))
    times = StageTimes((Serial("A"), Serial("B")), (1.5, 2.25), drafts=3, accepted=2)
    added = TokenAdded(1, 7, "day", -0.1, others, times, "day")
    audits = [
        StageAudited(Serial("A"), AuditOutcome.DEVIATES, 1.5),
        StageAudited(Serial("A"), AuditOutcome.PASSED, 0.25),
        StageAudited(Serial("B"), AuditOutcome.FAILED, 1975.0),
    ]
    lines = token_way(added, audits, names).splitlines()
    assert lines[0] == "Computed by Pixel 8 1.50 ms → Galaxy S23 2.25 ms; together 3.75 ms."
    assert "3 guesses, of which 2" in lines[1]
    assert lines[2] == "Instead there could stand: “night” 13.5%."
    assert "Pixel 8 passed" in lines[3]
    assert "deviates" not in lines[3]
    assert "Galaxy S23 failed" in lines[3]
    assert token_way(None, (), {}).startswith("How this token")


def test_the_context_is_told_as_far_as_it_is_used(
    window: MainWindow, control: ScriptedControl
) -> None:
    written(window, control)
    control.change(-1, prompt_tokens=14)
    assert "context 20/200 (10%)" in figures_text(control.requests[-1], 200)
    assert "context" not in figures_text(control.requests[-1])


def test_an_answer_leads_to_its_receipts_and_down_to_the_evidence(
    window: MainWindow, control: ScriptedControl
) -> None:
    written(window, control)
    control.catch_liar(control.phones[1].serial)
    publish(window, control)
    window.playground.show_token(None)
    dialog = child(window, TokensDialog)
    assert control.commands_of(ReadJournal) == []
    dialog.tabs.setCurrentWidget(dialog.records)
    request = window.playground._concerned
    assert request is not None
    (asked,) = control.commands_of(ReadJournal)
    assert asked.search.terms[0].words == f"{request.identifier}-"
    assert window.link.snapshot is not None
    assert window.link.snapshot.ledger is not None
    slash = window.link.snapshot.ledger.slashes[-1]
    row = JournalRow(slash.sequence, slash.wall_ms, "slash", slash.serial, Fact("rack.closed"), "")
    dialog.records._show(JournalPage((row,), reaches_beginning=True))
    assert not dialog.records.evidence.isEnabled()
    dialog.records.table.selectRow(0)
    dialog.records.evidence.click()
    evidence = child(window, EvidenceDialog)
    dialog.reject()
    assert evidence.isVisible()
    evidence.reject()
