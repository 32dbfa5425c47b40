"""Every command and option. Nothing is imported here that a command needs to run."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import NoReturn, Protocol

from app.command_line.failures import WRONG_USAGE
from app.command_line.option_types import (
    alternatives,
    fault,
    folder,
    positive,
    probability,
    seconds,
    streams,
    token_ids,
    whole_number,
)
from app.command_line.text_input import DEFAULT_ENCODING, encoding
from app.core.facts import Fact
from app.placement.problem import Objective
from app.placement.rebalancing.setting import Balancing
from app.ui.presenter.scenes import SCENES
from app.words.catalogue import LANGUAGES
from app.words.sentences import sentence

QUANTIZATIONS = ("f32", "q8", "q4")
BALANCING = tuple(mode.value for mode in Balancing)
TASKS = ("summarise", "translate")
RACK_HELP = (
    "virtual:N, a rack file or its name, usb, wifi, server:HOST:PORT or HOST:PORT;"
    " default: phones found here"
)

PATIENCE_HELP = "how many times longer than usual phones may take to answer; default: 1"
BALANCING_HELP = (
    "whether layers move by themselves where that has become clearly better;"
    " default: the rack's own, on for simulated phones and ask for real ones"
)
PAUSE_LIMIT_HELP = (
    "how long a request waits where too few phones are there, 0 to fail at once;"
    " default: the rack's own, 600 unless its file says otherwise"
)
LANGUAGE_HELP = "the window's words, this time; default: as chosen in it, else the system's"
JSON_HELP = "print one JSON object"


def default_home() -> Path:
    """Return where state lies unless told otherwise (XDG base directory specification)."""
    data = os.environ.get("XDG_DATA_HOME", "")
    base = Path(data) if Path(data).is_absolute() else Path.home() / ".local" / "share"
    return base / "shardloom"


class Commands(Protocol):
    """What takes new commands; argparse keeps the name of its own type to itself."""

    def add_parser(
        self,
        name: str,
        *,
        help: str,  # noqa: A002 - argparse's word
        description: str,
    ) -> argparse.ArgumentParser:
        """Add one command."""
        ...


class OneLineParser(argparse.ArgumentParser):
    """Tells wrong usage in one line, as every other reason to fail."""

    def error(self, message: str) -> NoReturn:
        """End with status 2 and say what was wrong, and where all options stand."""
        wrong = Fact("command.wrong_usage", command=self.prog, problem=message)
        self.exit(WRONG_USAGE, f"{sentence(wrong)}\n")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; `module` in its result names the module below app.command_line."""
    parser = OneLineParser(
        prog="shardloom",
        description="Run one language model across a rack of Android phones."
        " Without a command, open the control centre.",
    )
    parser.set_defaults(module="control_centre")
    parser.add_argument("--home", type=folder, default=default_home(), help="all state lies here")
    parser.add_argument("--rack", help=RACK_HELP)
    parser.add_argument(
        "--patience", type=positive(float), default=1.0, metavar="TIMES", help=PATIENCE_HELP
    )
    parser.add_argument("--pause-limit", type=seconds, metavar="SECONDS", help=PAUSE_LIMIT_HELP)
    parser.add_argument("--balancing", choices=BALANCING, help=BALANCING_HELP)
    parser.add_argument("--scene", choices=SCENES, help="open the control centre on a demo scene")
    parser.add_argument("--language", choices=LANGUAGES, help=LANGUAGE_HELP)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for add in (_devices, _pair, _models, _plan, _run, _classify, _embed, _ledger, _doctor, _bench):
        add(commands)
    return parser


def _command(
    commands: Commands,
    name: str,
    module: str,
    *,
    help: str,  # noqa: A002 - argparse's word
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help, description=help)
    parser.set_defaults(module=module)
    parser.add_argument(
        "--home", type=folder, default=argparse.SUPPRESS, help="all state lies here"
    )
    return parser


def _group(commands: Commands, name: str, *, help: str) -> Commands:  # noqa: A002 - argparse's word
    parser = commands.add_parser(name, help=help, description=help)
    return parser.add_subparsers(title="actions", metavar="ACTION", required=True)


def _add_rack(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rack", default=argparse.SUPPRESS, help=RACK_HELP)
    parser.add_argument(
        "--patience",
        type=positive(float),
        default=argparse.SUPPRESS,
        metavar="TIMES",
        help=PATIENCE_HELP,
    )
    parser.add_argument(
        "--pause-limit",
        type=seconds,
        default=argparse.SUPPRESS,
        metavar="SECONDS",
        help=PAUSE_LIMIT_HELP,
    )
    parser.add_argument(
        "--balancing", choices=BALANCING, default=argparse.SUPPRESS, help=BALANCING_HELP
    )


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help=JSON_HELP)


def _devices(commands: Commands) -> None:
    parser = _command(commands, "devices", "devices", help="List the phones and what they can do.")
    _add_rack(parser)
    _add_json(parser)
    parser.add_argument(
        "--links",
        action="store_const",
        dest="module",
        const="devices_links",
        help="measure every way between phones and print it",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    clean = _command(
        actions,
        "clean",
        "devices_clean",
        help="Stop the workers of a rack and leave nothing behind on its phones.",
    )
    _add_rack(clean)
    clean.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=JSON_HELP)


def _pair(commands: Commands) -> None:
    parser = _command(
        commands, "pair", "pair", help="Pair with a phone that has wireless debugging."
    )
    parser.add_argument("address", nargs="?", metavar="HOST:PORT", help="as the phone shows it")
    parser.add_argument("code", nargs="?", metavar="CODE", help="its six digits")
    parser.add_argument("--qr", action="store_true", help="draw a QR code for the phone to read")
    parser.add_argument("--timeout", type=positive(float), default=120.0, metavar="SECONDS")
    parser.add_argument("--interface", metavar="ADDRESS", help="look only on this network address")
    _add_json(parser)


def _models(commands: Commands) -> None:
    actions = _group(commands, "models", help="Import, list, show and measure models.")
    add = _command(actions, "import", "models_import", help="Import a checkpoint.")
    add.add_argument("path", type=Path, help="a Hugging Face folder or an ONNX file")
    add.add_argument("--name", required=True, help="what to call it here")
    add.add_argument("--quantize", choices=QUANTIZATIONS, default="f32", help="default: f32")
    _add_json(_command(actions, "list", "models_list", help="List the imported models."))
    show = _command(actions, "show", "models_show", help="Show a model's computation graph.")
    show.add_argument("name", help="an imported model")
    show.add_argument("--dot", type=Path, metavar="FILE", help="write the graph for Graphviz")
    _add_json(show)
    perplexity = _command(
        actions, "perplexity", "models_perplexity", help="Measure how well a model predicts a text."
    )
    perplexity.add_argument("name", help="an imported model")
    perplexity.add_argument("--text", type=Path, metavar="FILE", help="default: a sample text")
    original = "the checkpoint it came from, to compare with as float32"
    perplexity.add_argument("--original", type=Path, metavar="FOLDER", help=original)
    _add_json(perplexity)


def _plan(commands: Commands) -> None:
    parser = _command(commands, "plan", "plan", help="Show which phone would run which layers.")
    parser.add_argument("model")
    _add_rack(parser)
    objectives = [objective.value for objective in Objective]
    parser.add_argument("--objective", choices=objectives, help="default: the rack's own")
    parser.add_argument(
        "--compare",
        action="store_true",
        help="also LinguaLinked's linear program, its equal split, and the best phone alone",
    )
    _add_json(parser)


def _run(commands: Commands) -> None:
    parser = _command(commands, "run", "run", help="Run a model on the rack and print its text.")
    parser.add_argument("model")
    _add_rack(parser)
    prompt = parser.add_mutually_exclusive_group(required=True)
    prompt.add_argument("--prompt", metavar="TEXT")
    prompt.add_argument("--prompt-file", type=Path, metavar="FILE", help="a file with the prompt")
    prompt.add_argument("--token-ids", type=token_ids, metavar="1,2,3")
    _add_encoding(parser)
    _add_tasks(parser)
    parser.add_argument("--tokens", type=positive(int), default=40, metavar="N")
    parser.add_argument("--streams", type=streams, default=1, metavar="K")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--greedy", action="store_true", help="take the likeliest token (default)")
    choice.add_argument("--temperature", type=positive(float), metavar="T")
    parser.add_argument("--top-p", type=probability, default=1.0, metavar="P")
    parser.add_argument("--seed", type=whole_number, default=0, metavar="S")
    parser.add_argument(
        "--stop",
        action="append",
        default=[],
        metavar="TEXT",
        help="end before this text; may be given several times",
    )
    parser.add_argument(
        "--alternatives",
        type=alternatives,
        default=0,
        metavar="K",
        help="with --json: how likely each token was, and the K likeliest beside it",
    )
    _add_slot(parser)
    _add_fault(parser)
    _add_json(parser)


def _add_encoding(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--encoding",
        type=encoding,
        default=DEFAULT_ENCODING,
        metavar="NAME",
        help=f"how files with texts are written; default: {DEFAULT_ENCODING}",
    )


def _add_slot(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--context", type=positive(int), default=1024, metavar="N", help="tokens a slot holds"
    )
    parser.add_argument(
        "--boundary", choices=("f32", "f16"), default="f32", help="hidden states between phones"
    )


def _add_tasks(parser: argparse.ArgumentParser) -> None:
    task = parser.add_mutually_exclusive_group()
    task.add_argument("--chat", action="store_true", help="answer the prompt as a chat message")
    task.add_argument("--task", choices=TASKS, help="what to do with the prompt")
    parser.add_argument("--system", metavar="TEXT", help="with --chat: how to behave")
    parser.add_argument("--language", metavar="NAME", help="with --task translate: into which")


def _classify(commands: Commands) -> None:
    _add_texts(
        _command(commands, "classify", "classify", help="Sort texts by the labels of a model.")
    )


def _embed(commands: Commands) -> None:
    _add_texts(
        _command(
            commands,
            "embed",
            "embed",
            help="Turn texts into vectors that lie near each other where the texts are alike.",
        )
    )


def _add_texts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model")
    _add_rack(parser)
    several = "; may be given several times"
    for option, kind, metavar, what in (
        ("--text", str, "TEXT", "a text"),
        ("--text-file", Path, "FILE", "a file that holds one text"),
        ("--token-ids", token_ids, "1,2,3", "a text for a model without a tokenizer"),
    ):
        parser.add_argument(
            option, type=kind, action="append", default=[], metavar=metavar, help=what + several
        )
    _add_encoding(parser)
    _add_slot(parser)
    _add_fault(parser)
    _add_json(parser)


def _add_fault(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--fault",
        type=fault,
        action="append",
        default=[],
        metavar="KIND:PHONE[@TOKEN]",
        help="break a phone on purpose; may be given several times",
    )


def _ledger(commands: Commands) -> None:
    actions = _group(commands, "ledger", help="Check, show or export the ledger.")
    for command in (
        _command(
            actions,
            "key",
            "ledger_key",
            help="Print the public key that others verify this ledger with.",
        ),
        _command(
            actions,
            "show",
            "ledger_show",
            help="Show accounts, slashes and the newest entries.",
        ),
        _command(
            actions,
            "export",
            "ledger_export",
            help="Print every entry, account and piece of evidence as JSON.",
        ),
    ):
        _add_json(command)
    verify = _command(
        actions,
        "verify",
        "ledger_verify",
        help="Replay the whole journal and say whether it is untouched.",
    )
    verify.add_argument("--ledger", type=folder, metavar="FILE", help="a ledger of another home")
    verify.add_argument(
        "--key", metavar="PUBLIC", help="its host's public key (ledger key), or a file with it"
    )
    _add_json(verify)


def _doctor(commands: Commands) -> None:
    _add_json(_command(commands, "doctor", "doctor", help="Say what this machine lacks."))


def _bench(commands: Commands) -> None:
    parser = _command(commands, "bench", "bench", help="Measure on this machine.")
    parser.add_argument(
        "name", choices=("decode", "rack", "prompts", "devices", "ways", "ledger", "plan")
    )
    parser.add_argument("--rounds", type=positive(int), default=5, metavar="N")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="keep the figures in FILE")
    _add_json(parser)
