"""Every command and option. Nothing is imported here that a command needs to run."""

from __future__ import annotations

import argparse
from pathlib import Path

from app.command_line.economy.options import add_economy
from app.command_line.groups.experiments import add_experiments
from app.command_line.groups.ledger import add_ledger
from app.command_line.groups.window import add_replay, add_window_options
from app.command_line.option_groups import (
    JSON_HELP,
    Commands,
    OneLineParser,
    add_command,
    add_encoding,
    add_fault,
    add_group,
    add_json,
    add_slot,
    add_tasks,
)
from app.command_line.option_types import (
    alternatives,
    default_home,
    folder,
    found_models,
    positive,
    probability,
    streams,
    token_ids,
    whole_number,
)
from app.command_line.rack_arguments import RACK_HELP, add_conditions, add_rack
from app.command_line.serve_options import add_keys, add_serve
from app.core.identifiers import LEDGER_VARIABLE
from app.devices.deployment.phone_runtime import SUPPORTED_ABIS
from app.rack.options import DEFAULT_MODEL, DEMO_PROMPT
from workers.protocol.span_shape import RowForm

OVERFLOWS = ("shorten", "refuse")
QUANTIZATIONS = ("f32", "q8", "q4", "q4-plain")
CONFORMANCE_HELP = "try every rule of the Inference Engine Standard on this phone instead"
SOURCE_HELP = (
    "OWNER/NAME at the hub, with @REVISION or :FILE.gguf behind it; a Hugging Face folder, a"
    " .gguf or .onnx file; hf: before a name that is also a path here"
)
BENCHMARKS = (
    *("decode", "rack", "prompts", "lookup", "devices"),
    *("ways", "http", "ledger", "plan", "lingualinked", "energy"),
    *("adversary", "market", "failover", "receipts", "window", "start"),
)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; `module` in its result names the module below app.command_line."""
    parser = OneLineParser(
        prog="shardloom",
        description="Run one language model across a rack of Android phones."
        " Without a command, open the control centre.",
    )
    parser.set_defaults(module="control_centre")
    parser.add_argument("--home", type=folder, default=default_home(), help="all state lies here")
    parser.add_argument(
        "--ledger",
        dest="ledger_address",
        metavar="ADDRESS",
        help="a ledger that several share, postgresql://...; with a password in it, rather name it"
        f" in {LEDGER_VARIABLE}",
    )
    add_rack(parser, with_defaults=True)
    add_window_options(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for add in (
        _devices,
        _pair,
        _models,
        _plan,
        _run,
        _audit,
        _chat,
        _classify,
        _embed,
        add_experiments,
        add_replay,
        add_serve,
        add_keys,
        _ledger,
        _runtime,
        _doctor,
        _bench,
    ):
        add(commands)
    return parser


def _devices(commands: Commands) -> None:
    parser = add_command(
        commands, "devices", "devices", help="List the phones and what they can do."
    )
    add_rack(parser)
    add_json(parser)
    parser.add_argument(
        "--links",
        action="store_const",
        dest="module",
        const="devices_links",
        help="measure every way between phones and print it",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    clean = add_command(
        actions,
        "clean",
        "devices_clean",
        help="Stop the workers of a rack and leave nothing behind on its phones.",
    )
    add_rack(clean)
    clean.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=JSON_HELP)
    standby = add_command(
        actions,
        "standby",
        "devices_standby",
        help="Let phones of the open rack hand their layers on and stand by, kept ready.",
    )
    standby.add_argument("phones", nargs="+", metavar="PHONE", help="a serial number or a name")
    take_up = "let them have layers again"
    standby.add_argument("--take-up", action="store_true", help=take_up)
    standby.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=JSON_HELP)


def _pair(commands: Commands) -> None:
    parser = add_command(
        commands, "pair", "pair", help="Pair with a phone that has wireless debugging."
    )
    parser.add_argument("address", nargs="?", metavar="HOST:PORT", help="as the phone shows it")
    parser.add_argument("code", nargs="?", metavar="CODE", help="its six digits")
    parser.add_argument("--qr", action="store_true", help="draw a QR code for the phone to read")
    parser.add_argument("--timeout", type=positive(float), default=120.0, metavar="SECONDS")
    parser.add_argument("--interface", metavar="ADDRESS", help="look only on this network address")
    add_json(parser)


def _models(commands: Commands) -> None:
    actions = add_group(commands, "models", help="Import, search, list, show and measure models.")
    _add_import(actions)
    search = add_command(actions, "search", "models_search", help="Look for models at the hub.")
    search.add_argument("words", nargs="+", metavar="WORD", help="what the name contains")
    search.add_argument("--limit", type=found_models, default=20, metavar="N", help="default: 20")
    add_json(search)
    add_json(add_command(actions, "list", "models_list", help="List the imported models."))
    show = add_command(actions, "show", "models_show", help="Show a model's computation graph.")
    show.add_argument("name", help="an imported model")
    show.add_argument("--dot", type=Path, metavar="FILE", help="write the graph for Graphviz")
    add_json(show)
    perplexity = add_command(
        actions, "perplexity", "models_perplexity", help="Measure how well a model predicts a text."
    )
    perplexity.add_argument("name", help="an imported model")
    perplexity.add_argument("--text", type=Path, metavar="FILE", help="default: a sample text")
    original = "the checkpoint it came from, to compare with as float32"
    perplexity.add_argument("--original", type=Path, metavar="FOLDER", help=original)
    add_json(perplexity)


def _add_import(actions: Commands) -> None:
    add = add_command(
        actions, "import", "models_import", help="Import a model, downloading it if need be."
    )
    add.add_argument("source", help=SOURCE_HELP)
    add.add_argument("--name", help="what to call it here; default: its own name")
    add.add_argument("--quantize", choices=QUANTIZATIONS, default="f32", help="default: f32")
    add.add_argument(
        "--cache",
        choices=tuple(form.word for form in RowForm),
        default="f32",
        help="how a text's keys and values are kept on phones; default: f32",
    )
    add.add_argument(
        "--calibrate", type=Path, metavar="FILE", help="a text that q4 is rounded by; default: ours"
    )
    add.add_argument("--adapter", type=Path, metavar="FOLDER", help="a LoRA to merge into it")
    fits = "ask this rack first whether the model fits: nothing is downloaded where it does not"
    add.add_argument("--rack", default=argparse.SUPPRESS, help=f"{fits}; {RACK_HELP}")
    add.add_argument("--json", action="store_true", help="how far it is as JSON, an object a line")
    remove = add_command(actions, "delete", "models_delete", help="Remove an imported model.")
    remove.add_argument("name", help="an imported model")


def _plan(commands: Commands) -> None:
    parser = add_command(commands, "plan", "plan", help="Show which phone would run which layers.")
    parser.add_argument("model")
    add_rack(parser)
    add_conditions(parser)
    parser.add_argument(
        "--compare",
        action="store_true",
        help="also LinguaLinked's linear program, its equal split, and the best phone alone",
    )
    add_json(parser)


def _run(commands: Commands) -> None:
    parser = add_command(commands, "run", "run", help="Run a model on the rack and print its text.")
    parser.add_argument("model")
    add_rack(parser)
    add_conditions(parser)
    prompt = parser.add_mutually_exclusive_group(required=True)
    prompt.add_argument("--prompt", metavar="TEXT")
    prompt.add_argument("--prompt-file", type=Path, metavar="FILE", help="a file with the prompt")
    prompt.add_argument("--token-ids", type=token_ids, metavar="1,2,3")
    add_encoding(parser)
    add_tasks(parser)
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
    parser.add_argument(
        "--trace",
        type=Path,
        metavar="FILE",
        help="write where each step's time went, for Perfetto or chrome://tracing",
    )
    add_slot(parser)
    add_fault(parser)
    add_json(parser)


def _audit(commands: Commands) -> None:
    parser = add_command(
        commands, "audit", "audit", help="Audit every phone of the rack on a short text."
    )
    parser.add_argument("model", nargs="?", default=DEFAULT_MODEL)
    add_rack(parser)
    parser.add_argument("--prompt", metavar="TEXT", default=DEMO_PROMPT)
    parser.add_argument("--tokens", type=positive(int), default=12, metavar="N")
    parser.add_argument(
        "--sharp",
        action="store_true",
        help="also have each phone run its layers again, and recompute operators of them here",
    )
    add_fault(parser)
    add_json(parser)


def _chat(commands: Commands) -> None:
    parser = add_command(commands, "chat", "chat", help="Talk with a model; /help tells how.")
    parser.add_argument("model")
    add_rack(parser)
    parser.add_argument("--system", metavar="TEXT", help="how to behave")
    parser.add_argument("--seed", type=whole_number, default=0, metavar="S")
    parser.add_argument(
        "--overflow",
        choices=OVERFLOWS,
        default="shorten",
        help="a conversation beyond the context loses its oldest turns (default) or is refused",
    )
    add_slot(parser)


def _classify(commands: Commands) -> None:
    _add_texts(
        add_command(commands, "classify", "classify", help="Sort texts by the labels of a model.")
    )


def _embed(commands: Commands) -> None:
    _add_texts(
        add_command(
            commands,
            "embed",
            "embed",
            help="Turn texts into vectors that lie near each other where the texts are alike.",
        )
    )


def _add_texts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model")
    add_rack(parser)
    add_conditions(parser)
    several = "; may be given several times"
    for option, kind, metavar, what in (
        ("--text", str, "TEXT", "a text"),
        ("--text-file", Path, "FILE", "a file that holds one text"),
        ("--token-ids", token_ids, "1,2,3", "a text for a model without a tokenizer"),
    ):
        parser.add_argument(
            option, type=kind, action="append", default=[], metavar=metavar, help=what + several
        )
    add_encoding(parser)
    add_slot(parser)
    add_fault(parser)
    add_json(parser)


def _ledger(commands: Commands) -> None:
    add_economy(add_ledger(commands))


def _runtime(commands: Commands) -> None:
    actions = add_group(commands, "runtime", help="Build what phones need to run the worker.")
    build = add_command(
        actions,
        "build",
        "runtime_build",
        help="Build it for one kind of phone; needs apt-get, dpkg-deb and pip, and a network.",
    )
    build.add_argument("--abi", choices=SUPPORTED_ABIS, default=SUPPORTED_ABIS[0])
    build.add_argument("--out", type=folder, metavar="DIR", help="where it is written")
    build.add_argument("--mirror", metavar="URI", help="Debian's archive, if not this machine's")
    build.add_argument("--security-mirror", metavar="URI", help="and its security updates")


def _doctor(commands: Commands) -> None:
    parser = add_command(commands, "doctor", "doctor", help="Say what this machine lacks.")
    parser.add_argument("--conformance", metavar="SERIAL", help=CONFORMANCE_HELP)
    add_rack(parser)
    add_json(parser)


def _bench(commands: Commands) -> None:
    parser = add_command(commands, "bench", "bench", help="Measure on this machine.")
    parser.add_argument("name", choices=BENCHMARKS)
    parser.add_argument("--rounds", type=positive(int), default=5, metavar="N")
    parser.add_argument(
        "--entries",
        type=positive(int),
        metavar="N",
        help="of the ledger: write one of N entries, then verify, open and page through it",
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="keep the figures in FILE")
    add_json(parser)
