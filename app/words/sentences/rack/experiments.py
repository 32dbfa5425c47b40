"""What is said of experiments, of their files and of those that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "experiment.bad_value": message("{file}: {place}: {reason}"),
    "experiment.began": message("Experiment '{name}' begins. What happens now is on purpose."),
    "experiment.damaged": message("The experiment '{name}' cannot be read: its file is damaged."),
    "experiment.finished": message("Experiment '{name}' has finished."),
    "experiment.kept": message("Kept as {name}."),
    "experiment.no_target": message("No phone of this rack is meant by '{target}'."),
    "experiment.not_injected": message("A fault could not be injected: {reason}"),
    "experiment.not_kept": message("The experiment cannot be kept: {reason}."),
    "experiment.not_restored": message("{phone} could not be restored: {reason}"),
    "experiment.not_whole": message(
        "The phones were not all at work {limit:seconds} after the pass before."
    ),
    "experiment.out_of_bounds": message("{file}: '{place}' must be from {least} to {most}."),
    "experiment.out_of_time": message(
        "The experiment's workload was broken off after {limit:seconds}."
    ),
    "experiment.rack_busy": message("An experiment begins only while the rack is idle."),
    "experiment.report_not_written": message("{file} cannot be written: {reason}."),
    "experiment.report_written": message("The report is in {file}."),
    "experiment.running": message("Another experiment is running."),
    "experiment.stopped": message("It was stopped."),
    "experiment.struck_twice": message(
        "This experiment puts two faults on {phone}: a phone can have only one."
    ),
    "experiment.target": message(
        "'{target}' is no target of this fault: phone:N, serial:S, stage:first, stage:middle, "
        "stage:last, stage:N, share:0.25, all; host for a fault of this computer"
    ),
    "experiment.too_large": message("{file} is larger than an experiment may be ({most:bytes})."),
    "experiment.unfinished": message("The control centre ended before it did."),
    "experiment.unknown": message("No experiment '{name}' is kept here."),
    "experiment.unknown_key": message("{file}: unknown key '{key}'."),
    "experiment.unreadable": message("{file} cannot be read: {reason}."),
    "stream.another": message("{file} is no recording, or one of another version than {version}."),
    "stream.damaged": message("{file} is damaged."),
    "stream.empty": message("Nothing is recorded in {file}."),
    "stream.full": message("The recording takes no more: its file is full."),
    "stream.not_written": message("Nothing can be recorded in {file}: {reason}."),
    "stream.read_only": message("This is a replay: what is over cannot be changed."),
    "stream.unreadable": message("{file} cannot be read: {reason}."),
}
ADVICE: Final[Mapping[str, Message]] = {
    "experiment.rack_busy": message("Wait until its texts have ended, or cancel them."),
    "experiment.running": message("Stop it, or wait until it has finished."),
    "experiment.unknown": message("Type: shardloom experiment list"),
}
