"""Taking the picture: a snapshot of a rack as it is now. Runs on the service loop."""

from __future__ import annotations

from app.core.clock import Clock
from app.rack.rack import Rack
from app.rack.snapshot import PhoneSnapshot, RackSnapshot, RequestState


class SnapshotBuilder:
    """Numbers the snapshots of one rack."""

    def __init__(self, rack: Rack, clock: Clock) -> None:
        self._rack = rack
        self._clock = clock
        self._sequence = 0

    def build(self) -> RackSnapshot:
        """Return the rack at this moment."""
        rack, assigner = self._rack, self._rack.assigner
        now_s = self._clock.monotonic_s()
        self._sequence += 1
        applied = assigner.applied.assignment if assigner.applied else None
        requested = assigner.requested
        return RackSnapshot(
            sequence=self._sequence,
            at_s=now_s,
            phase=rack.phase,
            rack_name=rack.definition.name,
            notices=rack.notices,
            silent_places=rack.fleet.notices,
            model=rack.model,
            phones=self._phones(),
            context_tokens=rack.context_tokens,
            expected_phones=rack.expected_phones,
            objective=assigner.objective,
            pins=assigner.pins,
            requested=requested,
            applied=applied,
            prediction=assigner.predict(requested) if requested else None,
            plan=assigner.plan,
            requests=tuple(request.snapshot() for request in rack.request_queue.requests.values()),
            timeline=rack.timeline.events,
            ledger=rack.ledger_thread.newest,
            tokens_per_second=self._rate(),
            newest_token_at_s=self._newest_token_at_s(),
            conditions=assigner.problems.conditions.by_serial(
                {phone.serial: phone.name for phone in rack.fleet.phones.values()}
            ),
            balancing=rack.rebalancer.snapshot(),
            checks=rack.checks.snapshot(
                assigner.applied,
                (len(each.tokens) for each in rack.request_queue.requests.values()),
            ),
            links=rack.meter.table.snapshot(),
            experiment=rack.experiments.status,
        )

    def _phones(self) -> tuple[PhoneSnapshot, ...]:
        phones = sorted(self._rack.fleet.phones.values(), key=lambda phone: phone.position)
        working = self._working()
        return tuple(phone.snapshot(working=phone.serial in working) for phone in phones)

    def _working(self) -> frozenset[str]:
        active = [r for r in self._rack.request_queue.requests.values() if not r.state.ended]
        return frozenset(
            serial
            for request in active
            if request.assignment is not None
            for serial in request.assignment.serials
        )

    def _rate(self) -> float | None:
        decoding = [
            rate
            for request in self._rack.request_queue.requests.values()
            if request.state in {RequestState.DECODING, RequestState.PREFILL}
            and (rate := request.tokens_per_second) is not None
        ]
        return sum(decoding) if decoding else None

    def _newest_token_at_s(self) -> float | None:
        moments = (
            request.newest_token_s
            for request in self._rack.request_queue.requests.values()
            if request.state is RequestState.DECODING
        )
        return max((at_s for at_s in moments if at_s is not None), default=None)
