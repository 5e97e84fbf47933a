"""From a choice to a tracker: its networks on a device, and what a user should know about the sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from dat.base.errors import InputError
from dat.models.exactness import exact, out_of_memory
from dat.models.vocabulary import Vocabulary, words
from dat.tracking import build
from dat.tracking.follower import TrackerState
from dat.video.provenance import trained_on
from dat.video.request import SALNET_FILE, TrackerChoice


def weights(choice: TrackerChoice, vocabulary: Vocabulary | None) -> list[str]:
    """Which weights are in use, what they were trained on, and how many words they know."""
    folder = choice.parts.salnet or choice.parts.gpgnet
    if folder is None:
        return []
    known = f"; words known: {len(vocabulary.known)}" if vocabulary else ""
    unknown = vocabulary.unknown(choice.text or "") if vocabulary else []
    return [f"weights: {trained_on(folder)}{known}{', unknown here: ' + ', '.join(unknown) if unknown else ''}"]


def remarks(choice: TrackerChoice, vocabulary: Vocabulary | None) -> list[str]:
    """What should be said about the sentence before tracking starts."""
    if choice.parts.version == "none":
        return [f"{choice.variant} does not use the sentence"] if choice.text else []
    if vocabulary is None:
        reason = "no sentence, so " if choice.text is None else f"{choice.variant} does not use the sentence, "
        return [f"{reason}attention is from the target alone"]
    sentence, lines = choice.text or "", []
    if len(words(sentence)) > vocabulary.length:
        lines.append(f"the sentence has {len(words(sentence))} words; the first {vocabulary.length} count")
    return lines


def without_unknown_sentence(choice: TrackerChoice) -> TrackerChoice:
    """The choice without its sentence where the network knows none of its words, so that the target alone guides."""
    folder = choice.parts.gpgnet
    if choice.text is None or folder is None or not (folder / "vocabulary.json").is_file():
        return choice
    vocabulary = Vocabulary.load(folder / "vocabulary.json")
    if len(vocabulary.unknown(choice.text)) < len(words(choice.text)[: vocabulary.length]):
        return choice
    other = folder.parent / "to"
    if not (other / SALNET_FILE).is_file():
        return choice
    return replace(choice, text=None, parts=replace(choice.parts, gpgnet=other, version="to"))


def start(
    choice: TrackerChoice, sequence: str, seed: int, device: str, say: Callable[[str], None]
) -> tuple[TrackerState, TrackerChoice]:
    """A tracker for a sequence, and the choice as it was followed: a sentence of unknown words only counts as none.

    `say` is told what a user should know. Raises MissingError when there are no weights.
    """
    known = without_unknown_sentence(choice)
    if known is not choice:
        say("no training sentence had any of these words")
    exact(known.settings.threads)
    networks = build.load(known.parts, device)
    vocabulary = networks.attention.vocabulary if networks.attention else None
    for remark in [*weights(known, vocabulary), *remarks(known, vocabulary)]:
        say(remark)
    settings = known.csrdcf if known.parts.salnet is None else known.settings
    return build.tracker(networks, settings, known.parts.colour_names, (sequence, seed, 0)), known


def find_device(device: str) -> str:
    """`auto` is a GPU where torch has one. Raises InputError for a device that is not there."""
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"--device {device}: not available here ({reason}); use cpu or auto") from None
    return device


@contextmanager
def in_memory() -> Iterator[None]:
    """Raises InputError where the card's memory does not do for what is computed meanwhile."""
    try:
        yield
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        remedy = "end what else uses it, or take another with --device cuda:1, or --device cpu"
        raise InputError(f"the card is out of memory; {remedy}") from None
