"""What the commands of `app.command_line` answer with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "import.does_not_fit": message("{model} was not downloaded, because it does not fit."),
    "import.downloading": message("downloading {file}"),
    "devices.title": message("Rack {rack}"),
    "ledger.key_withdrawn": message(
        "The key of {phone} counts no more; the next one that it proves takes its place."
    ),
    "ledger.newest": message("Journal, newest {count}"),
    "ledger.staked": message("{phone} has {stake:credits} at stake."),
    "ledger.outline": plural(
        "{entries} entry, head {head}, treasury {treasury}",
        "{entries} entries, head {head}, treasury {treasury}",
        "entries",
    ),
    "links.old": message("{link} ({age} ago)"),
    "links.title": message("Links of {rack}: latency, bytes a second"),
    "plan.alone": message("Alone      {figures} on {phone}, the best phone"),
    "plan.figures": plural(
        "{latency:seconds} a token, {rate}, {together} with {streams} stream,"
        " {energy_mj:figure} mJ a token, push {push:bytes}",
        "{latency:seconds} a token, {rate}, {together} with {streams} streams,"
        " {energy_mj:figure} mJ a token, push {push:bytes}",
        "streams",
    ),
    "plan.figures_of_texts": message(
        "{latency:seconds} a text of one token, {rate}, {together} with {streams} at once,"
        " {energy_mj:figure} mJ a text of one token, push {push:bytes}"
    ),
    "plan.drain_measured": message("Energy     by what the phones' batteries lost, measured"),
    "plan.drain_predicted": message(
        "Energy     of {phones}: by computing time at {watts:g} W, for no battery told"
    ),
    "plan.left_out": plural(
        "Left out   {count} phone that is ready: no better with it, or a condition forbids it",
        "Left out   {count} phones that are ready: no better with them, or a condition forbids it",
    ),
    "plan.method": message("Method     {method}, {standing}"),
    "plan.none_alone": message("Alone      no single phone could hold the model"),
    "plan.predicted": message("Predicted  {figures}"),
    "plan.price": message("Price      {price:,} micro-credits a token, doubt reckoned in"),
    "plan.too_slow": message(
        "Price      no phones are as quick as is wanted; the quickest ask {price:,} micro-credits "
        "a token, doubt reckoned in"
    ),
    "plan.room": message(
        "Texts      memory for {tokens:,} tokens in all: {streams} texts of {each:,} each"
        " (opened for {context:,})"
    ),
    "plan.title": message("{model} on {rack}, for {objective}"),
    "report.audit_rate": message("Audits     {rate:.1%} of receipts"),
    "report.audit_rates": message(
        "Audits     {rate:.1%} of receipts; honest work pays best above {least:.1%}"
    ),
    "report.audits": message("audits {count}"),
    "report.checked": message("Checked    {certainty}"),
    "report.failovers": message("failovers {count}"),
    "report.first_token": message("first token after {time:seconds}"),
    "report.generated": message("Generated  {figures}"),
    "report.ledger": message("Ledger     {counts}"),
    "report.moved": message("Moved      {move}"),
    "report.phones": message("Phones     {phones}"),
    "report.receipts": message("receipts {count}"),
    "report.reused": plural("{count} token not read again", "{count} tokens not read again"),
    "report.slashes": message("slashes {count}"),
    "report.tokens": plural("{count} token", "{count} tokens"),
    "clean.not_cleaned": message("not cleaned. {reason}"),
    "clean.nothing_there": message("nothing of Shardloom was there."),
    "clean.phone": message("{phone}: {outcome}"),
    "clean.removed": plural(
        "{files} file ({size:bytes}) was removed.",
        "{files} files ({size:bytes}) were removed.",
        "files",
    ),
    "clean.removed_with_worker": plural(
        "its worker was ended and {files} file ({size:bytes}) was removed.",
        "its worker was ended and {files} files ({size:bytes}) were removed.",
        "files",
    ),
    "plan.no_answer": message("The planner gave no answer."),
    "embed.answer": message("[{number}] {text}: {vector}"),
    "embed.vector": message("{count} numbers, length {length:.3f}: {first} ..."),
    "fault.released_from_jail": message("{phone} was jailed: released to be broken again."),
    "file.unwritable": message("{path} cannot be written: {reason}."),
    "model.graph": message(
        "{model}: {family}, {operations} operations, {edges} edges, {cut_points} cut points,"
        " {between_blocks} of them between blocks."
    ),
    "model.imported": message("{model}."),
    "model.imported_measured": message("{model}, {quality}."),
    "model.measured": message("{model}: {quality}."),
    "model.outline": plural(
        "{model}: {family}, {task}, {layers} layer, {quantization}, {weights:bytes} of weights",
        "{model}: {family}, {task}, {layers} layers, {quantization}, {weights:bytes} of weights",
        "layers",
    ),
    "model.quality": message("perplexity {perplexity} on {tokens} tokens of {text}"),
    "model.quality_changed": message(
        "perplexity {perplexity} ({original} as float32) on {tokens} tokens of {text}"
    ),
    "output.closed": message("Standard output is closed: the result was not written."),
    "output.cut_short": message("The result was not written whole: {reason}."),
    "serve.listening": message("Listening at {address}"),
    "serve.ready": message("Ready with {model}"),
}
ADVICE: Final[Mapping[str, Message]] = {
    "import.does_not_fit": message("Without --rack it is imported all the same."),
}
