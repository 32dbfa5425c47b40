"""The planning process: reads questions, answers them one after another, ends with its pipe."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from queue import SimpleQueue
from typing import IO

from app.core.errors import ShardloomError
from app.placement.asking.messages import (
    Answered,
    Hurry,
    Message,
    QuestionAsked,
    Surprised,
    packed,
    read_message,
)
from app.placement.asking.question import answers


class _Desk:
    """Takes messages on a thread of its own, so that a search can be hurried."""

    def __init__(self, questions: IO[bytes], replies: IO[bytes]) -> None:
        self._questions = questions
        self._replies = replies
        self._waiting: SimpleQueue[QuestionAsked] = SimpleQueue()
        self._hurried = -1

    def run(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()
        while True:
            self._work(self._waiting.get())

    def _read(self) -> None:
        while (message := read_message(self._questions)) is not None:
            if isinstance(message, Hurry):
                self._hurried = max(self._hurried, message.number)
            elif isinstance(message, QuestionAsked):
                self._waiting.put(message)
        os._exit(0)  # nobody is there any more, whatever is being searched for

    def _work(self, asked: QuestionAsked) -> None:
        number = asked.number
        try:
            for found, last in answers(asked.question, lambda: self._hurried >= number):
                self._reply(Answered(number, found, last))
        except ShardloomError as error:
            self._reply(Answered(number, error, last=True))
        except Exception:  # noqa: BLE001 - told by whoever asked
            self._reply(Surprised(number, traceback.format_exc()))

    def _reply(self, message: Message) -> None:
        self._replies.write(packed(message))
        self._replies.flush()


def main() -> None:
    """Serve until the pipe ends."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a solver prints must not get between the messages
    _Desk(sys.stdin.buffer, replies).run()


if __name__ == "__main__":
    main()
