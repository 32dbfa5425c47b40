"""The experiments that can be carried out here and those that were. Qt-free; blocking."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.core.assets import ASSETS
from app.core.errors import BadInputError, reason_of
from app.faults.experiments.outcome import ExperimentRecord
from app.faults.experiments.plan import Experiment

SHIPPED: Final = ASSETS / "experiments"
PLANS: Final = "plans"
"""Below a home: experiments of one's own, a file each."""


@dataclass(frozen=True)
class ExperimentDesk:
    """What the experiments panel reads and writes; without a home nothing is kept."""

    home: Path | None = None

    def plans(self) -> tuple[Experiment, ...]:
        """Return the plans that are shipped and those of the home; files that are none left out."""
        from app.faults.experiments.reading import read_experiment  # noqa: PLC0415 - loads slowly

        files = sorted(SHIPPED.glob("*.toml"))
        if self.home is not None:
            files += sorted((self.home / PLANS).glob("*.toml"))
        plans = []
        for file in files:
            try:
                plans.append(read_experiment(file))
            except BadInputError:
                continue
        return tuple(plans)

    def records(self) -> tuple[ExperimentRecord, ...]:
        """Return what is kept, the newest first."""
        from app.faults.experiments.archive import ExperimentArchive  # noqa: PLC0415 - as above

        return tuple(ExperimentArchive(self.home).all()) if self.home is not None else ()

    def write_report(self, record: ExperimentRecord) -> Path:
        """Write an experiment's report beside its record. Raises `BadInputError`."""
        from app.faults.experiments.archive import FOLDER  # noqa: PLC0415 - as above
        from app.words.experiments.report import report_html  # noqa: PLC0415 - as above

        if self.home is None:
            raise BadInputError("experiment.unknown", name=record.identifier)
        file = self.home / FOLDER / f"{record.identifier}.html"
        try:
            file.write_text(report_html(record), "utf-8")
        except OSError as error:
            raise BadInputError(
                "experiment.report_not_written", file=file.name, reason=reason_of(error)
            ) from None
        return file
