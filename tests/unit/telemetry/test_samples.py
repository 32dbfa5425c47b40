"""Ring buffers behind the graphs."""

from app.core.identifiers import Serial
from app.telemetry.samples import BUCKET_S, TelemetryStore

PHONE = Serial("phone")


def test_steps_within_a_bucket_are_averaged() -> None:
    store = TelemetryStore()
    store.record_step(PHONE, 0.0, 2.0)
    store.record_step(PHONE, BUCKET_S / 2, 4.0)
    (sample,) = store.samples()[PHONE]
    assert sample.stage_ms == 3.0


def test_memory_without_steps_leaves_the_stage_time_empty() -> None:
    store = TelemetryStore()
    store.record_memory(PHONE, 0.0, 1000)
    (sample,) = store.samples()[PHONE]
    assert (sample.stage_ms, sample.resident_bytes) == (None, 1000)


def test_samples_older_than_the_window_are_dropped() -> None:
    store = TelemetryStore(window_s=1.0)
    for tenth in range(30):
        store.record_step(PHONE, tenth * BUCKET_S * 1.01, 1.0)
    times = [sample.at_s for sample in store.samples()[PHONE]]
    assert times == sorted(times)
    assert times[-1] - times[0] <= 1.0 + BUCKET_S


def test_a_snapshot_does_not_change_when_more_is_recorded() -> None:
    store = TelemetryStore()
    store.record_step(PHONE, 0.0, 1.0)
    before = store.samples()[PHONE]
    store.record_step(PHONE, 1.0, 9.0)
    assert len(before) == 1
