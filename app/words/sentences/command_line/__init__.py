"""What `app.command_line` and `app.benchmarks` say."""

from __future__ import annotations

from app.words.sentences.command_line import answers, benchmarks, chat, options

TABLES = (options, answers, chat, benchmarks)
