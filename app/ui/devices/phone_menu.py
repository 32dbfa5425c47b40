"""What can be done with the phones that are selected, as a menu."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QInputDialog, QMenu, QWidget

from app.core.device import MOST_MEMORY_SHARE, DeviceState
from app.core.identifiers import Serial
from app.faults.catalogue import Fault, FaultKind
from app.faults.specifications import Where, kinds_at
from app.ledger.rules.economy import CREDIT
from app.rack.commands import (
    AddStake,
    Apply,
    ClearFault,
    Identify,
    Inject,
    Release,
    RestartWorker,
    SetMemoryShare,
    TakePhone,
)
from app.rack.commands.command import Command
from app.rack.layers.standing_by import plan_with
from app.rack.snapshot import PhoneSnapshot
from app.ui.rack_link import RackLink
from app.words.catalogue import tr
from app.words.faults import fault_description, fault_word, where_word
from app.words.phones.filter import selected_text
from app.words.phones.rows import memory_question, stake_question

_RESTARTABLE = {DeviceState.READY, DeviceState.WORKING, DeviceState.LOST}
CommandFor = Callable[[Serial], Command[None]]


class PhoneMenu(QMenu):
    """Each action is done to every selected phone that it makes sense for."""

    def __init__(self, phones: Sequence[PhoneSnapshot], link: RackLink, parent: QWidget) -> None:
        super().__init__(parent)
        self._phones, self._link, self._owner = tuple(phones), link, parent
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if len(self._phones) > 1:
            self.addSection(selected_text(len(self._phones)))
        self._offer(tr("Identify"), self._phones, Identify, tr("Its screen wakes and blinks."))
        restartable = [phone for phone in phones if phone.state in _RESTARTABLE]
        told = tr("It gets its layers back; running requests go on.")
        self._offer(tr("Restart worker"), restartable, RestartWorker, told)
        held = [phone for phone in phones if phone.held_elsewhere]
        told = tr("The other control centre's worker on it ends.")
        self._offer(tr("Take over"), held, TakePhone, told)
        self._offer_faults()
        faulty = [phone for phone in phones if phone.fault is not None]
        self._offer(tr("Clear fault"), faulty, ClearFault)
        self.addSeparator()
        jailed = [phone for phone in phones if phone.state is DeviceState.JAILED]
        self._offer(tr("Release from jail"), jailed, Release)
        self.addAction(tr("Add stake…"), self._ask_stake)
        self.addAction(tr("Memory for layers…"), self._ask_memory_share)

    def add_own(
        self,
        open_page: Callable[[PhoneSnapshot], object],
        ask_tags: Callable[[Sequence[PhoneSnapshot]], object],
    ) -> None:
        """Offer what the window does itself: a phone's page, tags, and leaving phones out."""
        self.addSeparator()
        page = self.addAction(tr("Open its page"), lambda: open_page(self._phones[0]))
        page.setEnabled(len(self._phones) == 1)
        self.addAction(tr("Tags…"), partial(ask_tags, self._phones))
        snapshot = self._link.snapshot
        excluded = snapshot.conditions.excluded if snapshot else frozenset()
        inside = [phone for phone in self._phones if phone.serial not in excluded]
        outside = [phone for phone in self._phones if phone.serial in excluded]
        for words, tip, phones, act in (
            (
                tr("Stand by"),
                tr("Its layers move to other phones; it is kept ready."),
                inside,
                partial(self._plan, inside, stand_by=True, then_apply=True),
            ),
            (
                tr("Take up again"),
                tr("It gets layers again where that helps."),
                outside,
                partial(self._plan, outside, stand_by=False, then_apply=True),
            ),
            (
                tr("Leave out of plans"),
                tr("A plan is made at once; Apply moves the layers."),
                inside,
                partial(self._plan, inside, stand_by=True, then_apply=False),
            ),
            (
                tr("Use in plans again"),
                tr("A plan is made at once; Apply moves the layers."),
                outside,
                partial(self._plan, outside, stand_by=False, then_apply=False),
            ),
        ):
            action = self.addAction(words, act)
            action.setStatusTip(tip)
            action.setEnabled(bool(phones))

    def _plan(self, phones: Sequence[PhoneSnapshot], *, stand_by: bool, then_apply: bool) -> None:
        """Plan without these phones or with them again; move the layers at once where wanted."""
        snapshot, link = self._link.snapshot, self._link
        if snapshot is None:
            return
        serials = [phone.serial for phone in phones]

        def planned(_none: None) -> None:
            if then_apply:
                link.submit(Apply())

        link.submit(plan_with(snapshot, serials, stand_by=stand_by), planned)

    def _offer(
        self, words: str, phones: Sequence[PhoneSnapshot], command: CommandFor, tip: str = ""
    ) -> None:
        action = self.addAction(words, partial(self._submit, phones, command))
        action.setStatusTip(tip)
        action.setEnabled(bool(phones))

    def _offer_faults(self) -> None:
        faults = self.addMenu(tr("Inject fault"))
        faults.setToolTipsVisible(True)
        for where in Where:
            kinds = [kind for kind in kinds_at(where) if where is not Where.HOST]
            group = faults.addMenu(where_word(where)) if kinds else faults
            group.setToolTipsVisible(True)
            for kind in kinds:
                action = group.addAction(fault_word(kind), partial(self._inject, kind))
                action.setToolTip(fault_description(kind))

    def _inject(self, kind: FaultKind) -> None:
        self._submit(self._phones, lambda serial: Inject(Fault(kind, serial)))

    def _submit(self, phones: Sequence[PhoneSnapshot], command: CommandFor) -> None:
        for phone in phones:
            self._link.submit(command(phone.serial))

    def _ask_stake(self) -> None:
        phones, submit = self._phones, self._submit
        dialog = QInputDialog(self._owner)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(tr("Add stake"))
        named = stake_question(phones[0]) if len(phones) == 1 else selected_text(len(phones))
        dialog.setLabelText(named)
        dialog.setInputMode(QInputDialog.InputMode.IntInput)
        dialog.setIntRange(1, 1_000_000)
        dialog.setIntValue(100)
        dialog.intValueSelected.connect(
            lambda amount: submit(phones, lambda serial: AddStake(serial, amount * CREDIT))
        )
        dialog.open()

    def _ask_memory_share(self) -> None:
        phones, submit = self._phones, self._submit
        dialog = QInputDialog(self._owner)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle(tr("Memory for layers"))
        dialog.setLabelText(memory_question(phones))
        dialog.setInputMode(QInputDialog.InputMode.IntInput)
        dialog.setIntRange(1, round(MOST_MEMORY_SHARE * 100))
        dialog.setIntValue(round(phones[0].memory_share * 100))
        dialog.intValueSelected.connect(
            lambda percent: submit(phones, lambda serial: SetMemoryShare(serial, percent / 100))
        )
        dialog.open()
