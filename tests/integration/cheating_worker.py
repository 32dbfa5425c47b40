"""What a worker does that cheats, by name; it is put into the archive that phones run.

On each phone it changes the worker there is and nothing else. The first phone of a rack whose
place in the ring fits becomes the cheat and writes its serial to the file given; others stay as
they are.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from workers import commands, replay_commands, work_commands
from workers.engine import replay
from workers.errors import RequestRefusedError
from workers.fault_names import FaultName
from workers.network import inbox
from workers.protocol import step_message
from workers.protocol.codec import raw_frames
from workers.protocol.commands import Excerpt
from workers.protocol.step_message import read_step
from workers.protocol.told import Broken, Token, ToldToken
from workers.protocol.wire import Kind
from workers.ring import last_stage, steps, transactions
from workers.ring.faults import InjectedFault

FIRST, MIDDLE, LAST = "first", "middle", "last"
TOO_LARGE = (1 << 31) - 1
FLOOD = 2_000


class Cheat:
    """One phone's cheat, and whether it is this one."""

    def __init__(self, claim: Path, stage: str) -> None:
        self._claim = claim
        self._stage = stage
        self._serial = json.loads(Path(sys.argv[1]).read_text())["serial"]
        self._is_me: bool | None = None

    def is_me(self, transaction: Any) -> bool:  # noqa: ANN401
        shape = transaction.span.engine.shape
        stage = FIRST if shape.has_embedding else LAST if shape.has_head else MIDDLE
        if self._is_me is None and stage == self._stage:
            self._is_me = self._take()
        return bool(self._is_me)

    def is_anybody(self) -> bool:
        """Tell whether it is this phone, wherever it is: the first that asks is."""
        if self._is_me is None:
            self._is_me = self._take()
        return self._is_me

    def _take(self) -> bool:
        try:
            with os.fdopen(os.open(self._claim, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w") as file:
                file.write(self._serial)
        except FileExistsError:
            return bool(self._claim.read_text() == self._serial)
        return True


def instead(owner: Any, name: str, cheat: Callable[..., Any]) -> None:  # noqa: ANN401
    """Put a function in the place of another, which it gets as its first argument."""
    honest = getattr(owner, name)
    setattr(owner, name, lambda *given, **named: cheat(honest, *given, **named))


def say_anything(sender: Any, kind: str, fields: dict[str, Any]) -> None:  # noqa: ANN401
    """Send to the host what the codec would not let out."""
    sender._socket.send_multipart([sender._host_route, *raw_frames(kind, fields)])


def unchecked(honest: Any, message: Any, call: int | None = None) -> Any:  # noqa: ANN401
    """Write tokens as they are, whatever is in them, and everything else as it must be."""
    if isinstance(message, Token):
        return raw_frames(
            Kind.TOKEN,
            {
                "rows": message.rows,
                "trace": message.trace,
                "drafts": message.drafts,
                "proposed": message.proposed,
            },
        )
    return honest(message, call)


def says_a_token_in_the_middle(me: Cheat) -> None:
    def pass_on(honest: Any, runner: Any, hop: Any, step: Any, answers: Any, entry: Any) -> Any:  # noqa: ANN401
        (row, *_) = step.rows
        if me.is_me(runner._transactions.find(row.transaction)):
            token = 5 if row.wants_token else None
            told = ToldToken(
                row.transaction, row.step, row.generated, token, -0.1, (), goes_on=False
            )
            runner._inbox.send_to_host(Token((told,), ()))
        return honest(runner, hop, step, answers, entry)

    instead(steps.StepRunner, "_pass_on", pass_on)


def _tells(me: Cheat, **changes: object) -> None:
    _tells_instead(me, lambda told: told._replace(**changes))


def _tells_instead(me: Cheat, change: Callable[[Any], Any]) -> None:
    def finish(honest: Any, stage: Any, transactions: Any, *rest: Any) -> Any:  # noqa: ANN401
        finish.cheats = me.is_me(transactions[0])  # type: ignore[attr-defined]
        return honest(stage, transactions, *rest)

    def told_answer(honest: Any, row: Any, *rest: Any, **named: Any) -> Any:  # noqa: ANN401
        told = honest(row, *rest, **named)
        cheats = finish.cheats and row.generated > 2  # type: ignore[attr-defined]
        return change(told) if cheats else told

    instead(last_stage.LastStage, "finish", finish)
    instead(last_stage, "told_answer", told_answer)
    instead(inbox, "encode", unchecked)


def tells_a_token_too_large(me: Cheat) -> None:
    _tells(me, token=TOO_LARGE)


def tells_no_number_for_a_probability(me: Cheat) -> None:
    _tells(me, log_probability=float("nan"))


def _surer(told: Any) -> Any:  # noqa: ANN401
    """Say that the likeliest token is nearly certain, and its rivals as likely as they are."""
    if told.token is None or told.alternatives[0].token != told.token:
        return told
    surer = told.log_probability / 2
    first = told.alternatives[0]._replace(log_probability=surer)
    return told._replace(log_probability=surer, alternatives=(first, *told.alternatives[1:]))


def tells_and_signs_false_probabilities(me: Cheat) -> None:
    _tells_instead(me, _surer)


def tells_and_signs_false_alternatives(me: Cheat) -> None:
    def change(told: Any) -> Any:  # noqa: ANN401
        if told.token is None:
            return told
        named = {choice.token for choice in told.alternatives} | {told.token}
        other = next(token for token in range(64) if token not in named)
        last = told.alternatives[-1]._replace(token=other)
        return told._replace(alternatives=(*told.alternatives[:-1], last))

    _tells_instead(me, change)


def signs_other_probabilities_than_it_tells(me: Cheat) -> None:
    def committed(honest: Any, answer: Any, told: Any) -> Any:  # noqa: ANN401
        cheats = committed.cheats and told.generated > 2  # type: ignore[attr-defined]
        return honest(answer, _surer(told) if cheats else told)

    def finish(honest: Any, stage: Any, transactions: Any, *rest: Any) -> Any:  # noqa: ANN401
        committed.cheats = me.is_me(transactions[0])  # type: ignore[attr-defined]
        return honest(stage, transactions, *rest)

    instead(last_stage, "committed_answer", committed)
    instead(last_stage.LastStage, "finish", finish)


def _reports(me: Cheat, told: Callable[[Any, str], list[tuple[str, dict[str, Any]]]]) -> None:
    def pass_on(honest: Any, runner: Any, hop: Any, step: Any, *rest: Any) -> Any:  # noqa: ANN401
        (row, *_) = step.rows
        if me.is_me(runner._transactions.find(row.transaction)) and row.generated > 2:
            for kind, fields in told(runner, row.transaction):
                say_anything(runner._inbox, kind, fields)
            return [answer.sent for answer in rest[0]]
        return honest(runner, hop, step, *rest)

    instead(steps.StepRunner, "_pass_on", pass_on)


def _broken(transaction: str, serial: str) -> tuple[str, dict[str, Any]]:
    return Kind.BROKEN, asdict(Broken((transaction,), serial, "is tired", ""))


def breaks_off_for_another(me: Cheat) -> None:
    others = ("PX7P-0001", "GS23-0002", "RN12-0003", "PX80-0004")
    _reports(
        me,
        lambda runner, name: [_broken(name, other) for other in others if other != runner._serial][
            :1
        ],
    )


def breaks_off_for_nobody(me: Cheat) -> None:
    _reports(me, lambda _runner, name: [_broken(name, "nobody")])


def says_what_nobody_can_read(me: Cheat) -> None:
    _reports(me, lambda _runner, _name: [("dance", {"rows": 7, "call": []}), (Kind.DONE, {})])


def _passes_on(me: Cheat, change: Callable[[Any, Any], tuple[Any, Any]]) -> None:
    def pass_on(honest: Any, runner: Any, hop: Any, step: Any, answers: Any, entry: Any) -> Any:  # noqa: ANN401
        (row, *_) = step.rows
        if me.is_me(runner._transactions.find(row.transaction)) and row.generated > 2:
            step, answers = change(step, answers)
        return honest(runner, hop, step, answers, entry)

    instead(steps.StepRunner, "_pass_on", pass_on)


def sends_rows_of_another_shape(me: Cheat) -> None:
    _passes_on(
        me,
        lambda step, answers: (
            step,
            [answer._replace(sent=answer.sent[..., :-1].copy()) for answer in answers],
        ),
    )


def sends_rows_that_are_not_finite(me: Cheat) -> None:
    _passes_on(
        me,
        lambda step, answers: (
            step,
            [answer._replace(sent=np.full_like(answer.sent, np.nan)) for answer in answers],
        ),
    )


def sends_rows_of_another_step(me: Cheat) -> None:
    def change(step: Any, answers: Any) -> tuple[Any, Any]:  # noqa: ANN401
        rows = [row._replace(step=row.step + 1) for row in step.rows]
        frame = step_message.step_frame(rows, step.trace, step.inputs)
        return step._replace(table=read_step(memoryview(frame)).table), answers

    _passes_on(me, change)


def _changes_rows(me: Cheat, **changes: Any) -> None:  # noqa: ANN401
    def change(step: Any, answers: Any) -> tuple[Any, Any]:  # noqa: ANN401
        rows = [row._replace(**changes) for row in step.rows]
        frame = step_message.step_frame(rows, step.trace, step.inputs)
        return step._replace(table=read_step(memoryview(frame)).table), answers

    _passes_on(me, change)


def wants_no_token_for_the_host(me: Cheat) -> None:
    _changes_rows(me, wants_token=False, generated=0, drafts=0)


def asks_for_another_token_than_the_host(me: Cheat) -> None:
    _changes_rows(me, generated=1_000)


def lets_the_ring_go_on_for_longer(me: Cheat) -> None:
    _changes_rows(me, ahead=1_000)


def hides_what_it_computed_with(me: Cheat) -> None:
    def alter(honest: Any, fault: Any, *told: Any) -> Any:  # noqa: ANN401
        return honest(alter.lie if alter.cheats else fault, *told)  # type: ignore[attr-defined]

    alter.lie, alter.cheats = InjectedFault(FaultName.WRONG_OUTPUT), False  # type: ignore[attr-defined]

    def compute(honest: Any, runner: Any, transactions: Any, step: Any) -> Any:  # noqa: ANN401
        alter.cheats = me.is_me(transactions[0])  # type: ignore[attr-defined]
        return honest(runner, transactions, step)

    def transcript(honest: Any, commands: Any, command: Any) -> Any:  # noqa: ANN401
        if me.is_me(commands._parts.transactions.find(command.transaction)):
            raise RequestRefusedError("there is nothing to see here")
        return honest(commands, command)

    instead(InjectedFault, "alter_hidden", alter)
    instead(steps.StepRunner, "_compute", compute)
    instead(work_commands.WorkCommands, "transcript", transcript)


def shows_without_end(me: Cheat) -> None:
    def transcript(honest: Any, commands: Any, command: Any) -> Any:  # noqa: ANN401
        if me.is_me(commands._parts.transactions.find(command.transaction)):
            return Excerpt((), (np.zeros((1, 1 << 21), np.float32),))
        return honest(commands, command)

    instead(work_commands.WorkCommands, "transcript", transcript)


def _signs(me: Cheat, **changes: Callable[[int], int]) -> None:
    def receipt(honest: Any, commands: Any, transaction: Any, steps_sent: int) -> Any:  # noqa: ANN401
        body = honest(commands, transaction, steps_sent)
        if not me.is_me(transaction):
            return body
        return replace(body, **{name: change(body.steps) for name, change in changes.items()})

    instead(work_commands.WorkCommands, "_receipt", receipt)


def signs_a_step_more(me: Cheat) -> None:
    _signs(me, steps=lambda steps_done: steps_done + 1)


def signs_steps_beyond_all_bounds(me: Cheat) -> None:
    _signs(me, steps=lambda _: 1 << 50)


def signs_for_more_tokens(me: Cheat) -> None:
    _signs(me, tokens=lambda steps_done: steps_done + 1_000)


def forgets_rows_it_resumes_from(me: Cheat) -> None:
    def fill(honest: Any, table: Any, transaction: Any, resume: Any) -> None:  # noqa: ANN401
        honest(table, transaction, resume)
        if transaction.resumed_from and me.is_me(transaction):
            for buffer in transaction.span.engine._cache._buffers.values():
                buffer[transaction.slot] = 0

    instead(transactions.TransactionTable, "_fill", fill)


def _in_replays(me: Cheat, change: Callable[[Any, Any], Any]) -> None:
    """Change what a replay is made of, on the phone whose stage it is."""

    def begin(honest: Any, commands: Any, command: Any) -> Any:  # noqa: ANN401
        done = honest(commands, command)
        begin.cheats = me.is_me(commands._running)  # type: ignore[attr-defined]
        return done

    def rows(honest: Any, own: Any, *given: Any) -> Any:  # noqa: ANN401
        found = honest(own, *given)
        return change(own, found) if begin.cheats else found  # type: ignore[attr-defined]

    instead(replay_commands.ReplayCommands, "begin", begin)
    instead(replay.Replay, "_rows", rows)


def replays_a_product_otherwise(me: Cheat) -> None:
    def change(_own: Any, found: Any) -> Any:  # noqa: ANN401
        place = next(number for number, state in enumerate(found) if state.shape[-1] > 256)
        found[place] = found[place] * np.float32(1.001)
        return found

    _in_replays(me, change)


def shows_other_states_than_it_signed_for(me: Cheat) -> None:
    def change(own: Any, found: Any) -> Any:  # noqa: ANN401
        signed = getattr(own, "signed", False)
        return [state + np.float32(1) for state in found] if signed else found

    def hashes(own: Any) -> Any:  # noqa: ANN401
        leaves = [leaf for some in own._hashes for leaf in some]
        own.signed = True
        return leaves

    _in_replays(me, change)
    replay.Replay.leaf_hashes = property(hashes)  # type: ignore[assignment, method-assign]


def will_not_run_again(me: Cheat) -> None:
    def change(_own: Any, _found: Any) -> Any:  # noqa: ANN401
        raise RequestRefusedError("replay.not_begun")

    _in_replays(me, change)


def answers_other_rows_when_it_audits(me: Cheat) -> None:
    def recompute(honest: Any, commands: Any, command: Any) -> Any:  # noqa: ANN401
        answer = honest(commands, command)
        if not me.is_anybody():
            return answer
        (rows,) = answer.tensors
        return type(answer)((rows * np.float32(-1),))

    instead(replay_commands.ReplayCommands, "recompute", recompute)


def invents_a_class(me: Cheat) -> None:
    """Sign for a class that no rounding gives, so that no numbers convict."""

    def named(honest: Any, threads: int) -> str:  # noqa: ANN401
        own: str = honest(threads)
        start, _, digest = own.rpartition(" ")
        return f"{start} {digest[::-1]}" if me.is_anybody() else own

    for module in (commands, work_commands, replay_commands):
        instead(module, "numerical_class", named)
