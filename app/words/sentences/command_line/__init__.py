"""What `app.command_line` and `app.benchmarks` say."""

from __future__ import annotations

from app.words.sentences.command_line import answers, benchmarks, options

TABLES = (options, answers, benchmarks)
