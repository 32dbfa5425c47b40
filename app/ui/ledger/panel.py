"""Staking, slashing, reputation, journal and economy in tabs, with the ledger's head below."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from app.ledger.views.snapshot import SlashRow
from app.rack.snapshot import PhoneSnapshot, RackSnapshot
from app.ui.ledger import columns
from app.ui.ledger.checks import ChecksControl
from app.ui.ledger.desk import LedgerDesk
from app.ui.ledger.doubts_line import DoubtsLine
from app.ui.ledger.economy_view import EconomyView
from app.ui.ledger.evidence_dialog import EvidenceDialog
from app.ui.ledger.evidence_rule_dialog import EvidenceRuleDialog
from app.ui.ledger.foot import LedgerFoot
from app.ui.ledger.journal_view import JournalView
from app.ui.looks.appearance import Appearance
from app.ui.looks.seen import is_seen
from app.ui.looks.spoken import said, spoken
from app.ui.looks.table import ROW_ROLE, RowsModel, Table
from app.ui.rack_link import RackLink
from app.words.catalogue import tr
from app.words.window import ledger_head, slashing_tab

_TABLE_HEIGHT = 44
"""Its head and a row: on a small screen the checks below it need their place too."""
_LOW_PX = 240
"""A panel that is lower has no room for the checks below pages with a line of their own on top."""


class LedgerPanel(QWidget):
    """Only the tab that can be seen is brought up to date."""

    def __init__(self, link: RackLink, appearance: Appearance, desk: LedgerDesk) -> None:
        super().__init__()
        self._link = link
        self.staking = Table(RowsModel[PhoneSnapshot](columns.staking(appearance), _serial))
        self.reputation = Table(RowsModel[PhoneSnapshot](columns.reputation(appearance), _serial))
        self.slashing = Table(
            RowsModel[SlashRow](columns.slashing(appearance, lambda: link.names), _sequence)
        )
        self.journal = JournalView(link)
        self.economy = EconomyView(link, appearance)
        for page in (self.staking, self.reputation, self.slashing, self.journal, self.economy):
            page.setMinimumHeight(_TABLE_HEIGHT)
        self.journal.table.setMinimumHeight(0)
        spoken(self.staking.setAccessibleName, "Staking")
        spoken(self.slashing.setAccessibleName, "Slashing")
        spoken(self.reputation.setAccessibleName, "Reputation")
        self.tabs = QTabWidget()
        spoken(self.tabs.tabBar().setAccessibleName, "Pages of the ledger")
        self.tabs.setDocumentMode(True)
        spoken(self.tabs.setAccessibleName, "Ledger")
        self.tabs.addTab(self.staking, "")
        self.tabs.addTab(self.slashing, "")
        self.tabs.addTab(self.reputation, "")
        self.tabs.addTab(self.journal, "")
        self.tabs.addTab(self.economy, "")
        self.checks = ChecksControl(link)
        self.doubts = DoubtsLine(link)
        self.foot = LedgerFoot(link, appearance, desk)
        self.foot.keeping.clicked.connect(self.open_evidence_rule)
        spoken(self.slashing.setToolTip, "Enter or double click opens the evidence.")
        said(self, "lines", LedgerPanel._say_lines)
        self._arrange()
        self.slashing.activated.connect(self.open_evidence)
        self.tabs.currentChanged.connect(lambda _: self._turn())
        link.snapshot_changed.connect(lambda _: self._refresh())
        appearance.changed.connect(self._refresh)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Leave the rows their place where there is little."""
        super().resizeEvent(event)
        self._fit()

    def _turn(self) -> None:
        self._fit()
        self._refresh()

    def _fit(self) -> None:
        """Show how answers are checked, but not where no row of the page would be left."""
        is_tall_page = self.tabs.currentWidget() in (self.journal, self.economy)
        self.checks.setVisible(not is_tall_page or self.height() >= _LOW_PX)

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 2, 6, 4)
        layout.setSpacing(2)
        layout.addWidget(self.tabs, 1)
        layout.addWidget(self.doubts)
        layout.addWidget(self.checks)
        layout.addWidget(self.foot)

    def show_journal(self) -> None:
        """Bring the journal to the front."""
        self.tabs.setCurrentWidget(self.journal)

    def open_evidence(self, index: QModelIndex) -> EvidenceDialog:
        """Open what the slash in that row rests on."""
        return self.open_slash(index.data(ROW_ROLE))

    def open_slash(self, slash: SlashRow) -> EvidenceDialog:
        """Open what a slash rests on."""
        name = self._link.names.get(slash.serial, str(slash.serial))
        dialog = EvidenceDialog(slash, name, self, self.foot.verifier_of(slash))
        dialog.show()
        return dialog

    def open_evidence_rule(self) -> EvidenceRuleDialog | None:
        """Open what says how long evidence is kept; nothing before the ledger is open."""
        snapshot = self._link.snapshot
        if snapshot is None or snapshot.ledger is None:
            return None
        dialog = EvidenceRuleDialog(self._link, snapshot.ledger.evidence_rule, self)
        dialog.show()
        return dialog

    def _refresh(self) -> None:
        snapshot = self._link.snapshot
        if snapshot is None or not is_seen(self):
            return
        shown = self.tabs.currentWidget()
        if shown in (self.staking, self.reputation):
            shown.rows.show_rows(snapshot.phones)
        self._show_ledger(snapshot, shown)

    def _show_ledger(self, snapshot: RackSnapshot, shown: QWidget) -> None:
        ledger = snapshot.ledger
        if ledger is None:
            return
        if shown is self.slashing:
            self.slashing.rows.show_rows(ledger.slashes)
        elif shown is self.journal:
            self.journal.show_newest(ledger.journal)
        elif shown is self.economy:
            self.economy.show_ledger(snapshot)
        self._say_lines()

    def _say_lines(self) -> None:
        """Say what the tabs are called and how the ledger stands."""
        snapshot = self._link.snapshot
        ledger = snapshot.ledger if snapshot else None
        self.foot.head.setText(
            ledger_head(ledger) if ledger else tr("The ledger opens with the rack.")
        )
        self.doubts.show_doubts(ledger)
        titles = (
            tr("Staking"),
            slashing_tab(len(ledger.slashes) if ledger else 0),
            tr("Reputation"),
            tr("Journal"),
            tr("Economy"),
        )
        for index, title in enumerate(titles):
            if self.tabs.tabText(index) != title:
                self.tabs.setTabText(index, title)


def _serial(row: PhoneSnapshot) -> str:
    return row.serial


def _sequence(row: SlashRow) -> int:
    return row.sequence
