"""What `app.benchmarks` says, and of the machine that it measures on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from app.words.catalogue import Message, message
from app.words.sentences.plural import Plural, plural

SENTENCES: Final[Mapping[str, Message | Plural]] = {
    "bench.decode": message(
        "A random Llama of 246 million parameters (16 layers, hidden size 1,024), greedy,"
        " {tokens} tokens after a prompt of 16, medians of {rounds} interleaved rounds, ratios"
        " within rounds. *Whole* is the model in one onnxruntime session with one thread, on"
        " either of the stages' cores by turns; *stages* are worker processes on loopback, one"
        " thread each, with encryption, transcripts and the host's own pipeline, but without"
        " virtual phones. Each of these processes is pinned to a core and has its weights in large"
        " pages, as workers on phones do where there are any. The host, which has a computer of"
        " its own in a rack, shares these cores and interrupts no stage. The ring is closed: the"
        " last stage feeds the first, and one token in 8 to 32 goes by the host. A hop is one of a"
        " token's crossings (as many as there are stages, and the host's now and then); its cost"
        " is everything that is not onnxruntime. *Bare* is what the same stages reach as two"
        " processes that do nothing but pass hidden states and tokens through a pair of Unix"
        " sockets, without encryption, messages or transcripts. Both cores share their way to the"
        " memory, and a machine that is lent out moves them about: *reading* is how much faster"
        " both together read weights than one alone, measured beside the streams, and *at full"
        " rate* takes only rounds in which that is {full_rate_gain} at least. Layers are cut so"
        " that every stage has about as much to read. The weights of the large model sweep the"
        " caches at every token, so that the programs run cold at every hop; *small* (4 layers,"
        " hidden size 256, f32) leaves them warm. The limit is the rate at which one thread was"
        " measured to read weights, divided by the weights a token reads; sessions pack theirs"
        " beforehand and may read them faster than that. Resident memory is of the two stages,"
        " with 16 slots of 256 tokens. All variants gave the same tokens bit for bit."
    ),
    "bench.devices": message(
        "All against virtual phones on loopback, {rounds} interleaved rounds. *Push* is"
        " {fast_file:bytes} over our TCP link beside the same file by adb-shell with its own"
        " transport; on a link of {mbit:.0f} Mbit/s {slow_file:bytes} are pushed by both and"
        " hashed on the phone, which agrees on the segments of a Wi-Fi: those of loopback are so"
        " large that a system takes any write whole. *Appears* is from `adb connect` at Google's"
        " adb server until the list shows the phone, *lost* from killing a phone until the list"
        " says so. The window is the control centre without a screen on the rack {rack}, from"
        " opening the rack until five seconds after all is ready; a beat of its event loop is due"
        " every 5 ms. A beat is *late* by the clock, *blocked* without the time in which the"
        " system had no processor for the window's thread, and *busy* is what that thread computed"
        " itself. The phones' processes share this machine's processors with the window and leave"
        " them to it first where they are a crowd: more than eight for each processor."
    ),
    "bench.energy": message(
        "A token of a random Llama of {layers} layers with SmolLM2-135M's sizes in q8 on three"
        " virtual phones without a charger, whose processors are as quick as one core, a half and"
        " a quarter of it, one text at a time, medians of {rounds} interleaved rounds. *Predicted*"
        " is the computing time of a token times what each phone is taken to draw, or was measured"
        " to. *By batteries* is *simulated*: the current and the voltage that virtual phones tell,"
        " of {work:seconds} of work less that of {rest:seconds} of rest, over the tokens. Their"
        " batteries follow what the phone's programs used of the processor; radios draw nothing"
        " there, so that only computing is compared."
    ),
    "bench.receipts": message(
        "*Simulated*: {phones} phones in virtual time, the program's own part on each, links of 2"
        " to 50 ms, {receipts} receipts at {rate:g} a second; {rounds} seeds. Two keepers of the"
        " newest receipt are lost at one moment, disks and all, and the host says at once who is"
        " left (in a rack it waits 20 s). Then a phone is away while a quarter as many are signed."
        " Traffic is all that is sent, with what CURVE, ZeroMQ and TCP put around it."
    ),
    "bench.market": message(
        "A simulated week a seed, {rounds} seeds; {phones} phones, a model of {layers} layers, a"
        " request each {every_s:seconds}, a tenth of receipts audited, one request in five bought"
        " without regard to reputation and audited whole. Simulated are phones, requests and"
        " chance; reputation, audit rates, penalties, prices and the choice of phones are the"
        " program's own functions. Profit is pay less what computing costs and what stake was"
        " lost; a keeper's own cost is two fifths of the usual price."
    ),
    "bench.ledger": message(
        "{receipts:,} receipts, {in_flight} of them in flight, from their arrival on the service"
        " loop until the ledger answered that they are on the disk; medians of {rounds}"
        " interleaved rounds, the ratio within rounds. Each receipt is checked with its phone's"
        " Ed25519 key, chained and covered by a signed head; the file is synchronised at every"
        " commit. The same code runs twice: it may commit one entry at a time, or all that arrived"
        " while the commit before ran. Every ledger was verified afterwards. *Processor* is the"
        " time that the whole process computed for a receipt, which bounds the rate where the disk"
        " does not: most of it is the check of the signature. Appending a page to a file beside"
        " the ledger and synchronising it took {synchronised:seconds} here (median). In each round"
        " {paced:,} more receipts came evenly, {rate} a second, each timed from when it was due."
    ),
    "bench.long_ledger": message(
        "A ledger of {entries:,} entries, of nine six receipts, written by the program's own rules"
        " with real keys and signatures, 32 transactions a commit; the clock is wound on by a"
        " second a transaction. Then it is checked, {pages} pages of {page} entries spread over it"
        " are read, and it is opened for writing, each in a process anew."
    ),
    "bench.long_opening": message("Opening the ledger"),
    "bench.long_paging": message("Paging through the ledger"),
    "bench.long_verifying": message("Verifying the ledger"),
    "bench.long_writing": message("Writing the ledger"),
    "bench.no_room": message(
        "{path} has {free:bytes} left; a ledger of so many entries takes {needed:bytes}."
    ),
    "bench.plan": message(
        "The default objective on racks of phones with uneven speeds, memory and links, {rounds}"
        " racks of each size (seeds are fixed). Planning runs as in a rack: in a process of its"
        " own, beside the loop that serves requests; a first answer comes at once, and the search"
        " for the last ends after {budget:g} s. A *gap* is by how much less the streams get by that"
        " plan than by the best that was found at all, in a search of {longest:g} s for each rack."
        " Times and gaps are median and worst. A beat of the loop is due every {beat:seconds}; the"
        " longest of all racks counts, and beside it the longest while nothing is planned for as"
        " long."
    ),
    "bench.failover": message(
        "What becomes of a text where a worker's process is ended (SIGKILL) or held (SIGSTOP) from"
        " outside, or one layer moves to a neighbour that stores it, on {rack}, split equally;"
        " {rounds} texts each, of a random Llama of {layers} layers with SmolLM2-135M's sizes in"
        " q8, that go on for {more} tokens behind it. *Longest wait* is the longest between two"
        " tokens from the disturbance to the end, the median of all texts; *worst* is the worst of"
        " them; *a token usually* is the mean before. Every text was the undisturbed one, token for"
        " token."
    ),
    "bench.lingualinked": message(
        "Greedy decoding on racks like those of LinguaLinked (arXiv 2312.00388), whose own figures"
        " stand under *paper*; medians of {rounds} interleaved rounds, ratios within rounds."
        " *Equal split* is the paper's baseline, the same number of layers a phone; *optimised* is"
        " the plan for one text (latency) or for several (throughput): the demo model's tokens of"
        " all texts a second, {tokens} each, from asking to the last, the same both ways. All else"
        " is by a random Llama of {layers} layers with SmolLM2-135M's sizes in q8, for what is"
        " measured there hangs on sizes, and the demo model's are too small to show it. The"
        " *paper's method* runs on virtual phones of the same rack, held to the same processor"
        " shares and radios: no attention cache, so that each token computes the whole text again,"
        " hidden states of all of it that each stage asks the one before for, and the newest"
        " position's logits back in float32; from {context} tokens on, as ours. *Its own*"
        " placement is the paper's program for it and the plan for one text for ours. Balancing:"
        " {streams} texts at a time, one after the other without end; {calm:seconds} in, the phone"
        " with the slowest stage takes twice as long for every step. Rates are of all texts"
        " together in the last {rated:seconds} before that and in as many after"
        " {settling:seconds}, time enough to push weights over the simulated Wi-Fi. *Left* is the"
        " share of the rate before; each setting on a rack opened anew. All phones share this"
        " machine's cores."
    ),
    "bench.prompts": message(
        "A random Llama with the sizes of SmolLM2-135M in q8 over four virtual phones, first token"
        " of a prompt, medians of {rounds} interleaved rounds, ratios within rounds, no audits"
        " beside it. *far* has {hop:seconds} a hop and 100 Mbit/s, so that its hops outlast what a"
        " phone computes for a decoded token; *virtual:4* has the demo rack's links. All phones"
        " share this machine's processors. *Chunk by chunk* waits for each {chunk} tokens of"
        " {long}. A conversation's next turn is its first prompt ({said} tokens), the answer"
        " ({answer}) and what is asked next ({new}): *new alone* is a prompt as long as answer and"
        " question, *anew* the whole turn where nothing of it is kept. Compared are tokens too: all"
        " variants gave the same."
    ),
    "bench.lookup": message(
        "Decoding of {tokens} tokens by the demo model over four virtual phones, {hop:seconds} a"
        " hop, with drafts (*auto*) and without, medians of {rounds} interleaved rounds, gains"
        " within rounds. *names* and *story* are greedy, the first repeats itself a lot; *drawn* is"
        " drawn at temperature {temperature:g}. *Tokens a round* is how many a round of the ring"
        " brought. Both gave the same tokens. All phones share this machine's processors."
    ),
    "bench.http": message(
        "The demo model on four virtual phones, answers of {tokens} tokens, {pairs} by the rack's"
        " own events and as many over HTTP, in turn, whose client is another process. What HTTP"
        " adds to a first token is told of what passed outside the rack, before it was asked"
        " and after it had the token; that and its share of the rate are medians over the pairs."
        " Then {streams} streams at once, each drawn by a seed of its own and held against what"
        " the rack tells of the same answer: none lost, doubled or moved a token."
    ),
    "bench.start": message(
        "The demo model on two virtual phones that one program has open; {starts} others, one after"
        " another, run a prompt there for one token. *First token* is from the start of a program"
        " until the rack told it of the token, *end* until it had printed its report. All phones"
        " share this machine's processors."
    ),
    "bench.rack": message(
        "Greedy decoding of {tokens} tokens by the demo model, one stream, median of {rounds}"
        " interleaved rounds. *Whole* is the model in one onnxruntime session with one thread and"
        " nothing around it; the others are the real path through virtual phones, with their"
        " simulated links, receipts and an audit of every shard before the request settles. The"
        " share of whole is the median over rounds. All variants gave the same tokens. All phones"
        " share this machine's cores, so that more of them cannot be faster here."
    ),
    "bench.ways": message(
        "Greedy decoding of {tokens} tokens by the demo model on three virtual phones, one"
        " stream, median of {rounds} interleaved rounds. *Shaped* phones have the demo rack's"
        " simulated links, the others none but this machine's loopback. *Predicted* is what the"
        " planner expects before the first round, the links being measured while all three racks"
        " are open. It counts weights read from memory and attention caches half full, which is"
        " too much where so small a model stays in the processor's caches and hops are quick. The"
        " share of direct is the median over rounds. A direct hop crosses the radios of both its"
        " phones. A relayed one crosses this computer and at least one ADB connection besides."
    ),
    "bench.window": message(
        "The control centre without a screen, 1600x1000, on a recorded stream of {phones} phones,"
        " {rate} pictures a second, with ten minutes of history; {stages} phones hold layers, three"
        " texts are being written. The figures in the stream are *made up*: there are no phones."
        " Medians of {rounds} processes for each span of the charts, of {watched:seconds} each; in"
        " the last {dying:seconds} two phones die a second. A *frame* is all that the window's"
        " thread computes from one picture to the next, painting included. *Painted* is from the"
        " start of the process until the first paint. A beat of the event loop is due every 5 ms:"
        " *busy* is what the thread computed itself in one that came late, *blocked* how late it"
        " was without the time in which the system had no processor for the thread."
    ),
    "bench.bare_stages_differ": message("The bare stages gave other tokens: the figures are void."),
    "bench.bare_streams_differ": message(
        "Two bare streams gave other tokens: the figures are void."
    ),
    "bench.cores_differ": message("The whole model gave other tokens on another core."),
    "bench.no_adb_server": message("No adb server of our own came up, of {tries}."),
    "bench.no_figures": message("A request settled without figures."),
    "bench.no_heartbeats": message("{phone} sends no heartbeats."),
    "bench.no_worker": message("No worker of {phone} is running."),
    "bench.no_tokenizer": message("The demo model has no tokenizer."),
    "bench.nothing_predicted": message("A rack that is ready predicts nothing."),
    "bench.stages_differ": message("{stages} stages gave other tokens: the figures are void."),
    "bench.variants_differ": message(
        "The variants did not give the same tokens: the figures are void."
    ),
    "bench.whole_ended": message("The process with the whole model ended."),
    "bench.whole_without_pipes": message("The process with the whole model has no pipes."),
    "bench.window_failed": message("The window was not measured: {words}"),
    "bench.window_silent": message("The window was not measured: no reason"),
    "bench.worker_not_started": message("A worker did not start; see {log}."),
    "bench.honest_harmed": plural(
        "{count} honest phone was harmed.", "{count} honest phones were harmed."
    ),
    "bench.adversary": message(
        "One hostile phone in a ring of three, asked for texts of {tokens} tokens (prompts of"
        " {prompt}) of the demo model until it is caught, {most} times at most; {rounds} runs of"
        " each cheat, each with a ledger of its own. Engines, transcripts, receipts, audits, sharp"
        " tests, convictions and the ledger are the program's own, in one process; adb, sockets and"
        " the rack's loop are left out, and all phones are of this computer's own numerical class"
        " but those that invent one. Every receipt is audited: at an audit rate a it takes 1 / a"
        " times as many requests. Under an invented class a tenth of the others' is, as on a rack"
        " that sets no rate, and all of the class that nothing reproduces; *caught* is then who is"
        " kept from work, for longer if need be, as numbers cost it no stake."
        " Caught is who loses stake or is kept from work. Cheaper weights are run again as before;"
        " who altered what it sent runs its layers again honestly, and ends elsewhere. Below: what"
        " hashing and signing cost a stage's phone (with *grounds*, what the last one's tokens rest"
        " on), and auditing the stage the host, beside its own"
        " work at the same text, in processor time of one thread, the least of {rounds} turns;"
        " a random Llama of two layers a stage, hidden size 1,024. Loading the layers for an audit"
        " is not in it."
    ),
    "bench.entries_missing": plural("{count} entry is missing.", "{count} entries are missing."),
    "bench.ledger_wrong": message("The ledger that was measured is not right: {reason}."),
    "bench.source": message("`shardloom bench {name}`, {date}, {machine}."),
    "machine.processor_unknown": message("unknown processor"),
    "machine.sleeping_at_will": message(
        "{processor}, {cores} cores, {memory:bytes} of memory, load average {load:.1f} at the"
        " start, {system}, Python {python}, onnxruntime {onnxruntime}, processors sleep as they"
        " like during requests"
    ),
    "machine.sleeping_lightly": message(
        "{processor}, {cores} cores, {memory:bytes} of memory, load average {load:.1f} at the"
        " start, {system}, Python {python}, onnxruntime {onnxruntime}, processors sleep lightly"
        " during requests"
    ),
}
ADVICE: Final[Mapping[str, Message]] = {}
