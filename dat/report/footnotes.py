"""Footnotes: where the paper's numbers disagree with one another, and what the run says [R4, R12, R19, R22 to R24]."""

from collections.abc import Mapping
from dataclasses import dataclass

from dat.report import published
from dat.report.metrics import Scores

GRAPHS = ("pymdnet+gcn", "pymdnet+gcn-near")
"""The paper's graph, and the one whose edges are between near nodes [R4]."""


@dataclass(frozen=True)
class Footnote:
    """A reading's mark (`R19`) and what it says under a table."""

    mark: str
    text: str


PRINTED = {
    "R4": "By equation (2) as printed all nodes of a graph come out nearly alike (the report has a figure); "
    "pymdnet+gcn-near, of the paper profile, is the same training with edges between near nodes alone.",
    "R12": "Variants trained with sentences see more videos, unless salnet_training.domains is same: the domains are "
    "TLP and DTB70 for every variant, and LaSOT's join where the triplet loss is used "
    "(salnet, pymdnet+language, every dat-).",
    "R19": "The paper prints .671 for the graph in table 4, and in table 5 .663 for 3 layers and .671 for 5. "
    "Here both are one network: 3 layers of 32 nodes.",
    "R22": "Table 1's .925 / .676 is the full method; table 4's .905 / .671 and .913 / .668 are its parts. "
    "They are different variants and do not contradict one another.",
    "R23": "In the paper target only scores .647 in success, more than the .646 of both.",
    "R24": "Frames a second are the paper's, as printed. Values such as 82.18 for CCOT and 2.87 for EBT look shifted "
    "by columns, so only EAO is compared.",
}
"""The footnotes' fixed words."""


def _between(scores: Scores, a: str, b: str, metric: str) -> str:
    """The interval of the difference a - b in words, empty when the scores have none."""
    difference = scores.difference(a, b, metric)
    if difference is None:
        return ""
    low, high = difference.interval
    meaning = "includes zero: which is better cannot be told" if low <= 0 <= high else "excludes zero"
    return f"; the difference's 95 % interval [{low:+.3f}, {high:+.3f}] {meaning}"


def target_or_both(scores: Scores | None) -> str:
    """What this run says of target only against both, computed from its own numbers [R23]; no verdict where most
    targets lack the sentence, since for these all versions have the target alone [R27]."""
    target = scores.number("dat-to", "success") if scores else None
    both = scores.number("dat-jtnl", "success") if scores else None
    if scores is None or target is None or both is None:
        return "This run does not have both variants."
    facts = scores.data.get("sentences")
    if facts and 2 * facts["with_one"] < facts["targets"]:
        has = f"In this run {facts['with_one']} of {facts['targets']} targets have a sentence"
        return f"{has}; for the others all versions have the target alone, so their numbers do not compare inputs."
    word = "more than" if target.value > both.value else "less than" if target.value < both.value else "the same as"
    sentence = f"In this run target only scores {target.value:.3f}, {word} the {both.value:.3f} of both"
    return f"{sentence}{_between(scores, 'dat-to', 'dat-jtnl', 'success')}."


def readings_of_the_graph(scores: Scores | None) -> str:
    """Which reading of the graph changes success more as the paper's table 4 has it, by this run's numbers [R4]."""
    numbers = [scores.number(name, "success") if scores else None for name in ("pymdnet", *GRAPHS)]
    if None in numbers:
        return "This run does not have both readings."
    base, *others = (number.value for number in numbers if number)
    printed = [float(published.printed("4", "otb2013", name, "success")) for name in ("pymdnet", GRAPHS[0])]
    paper, ours = printed[1] - printed[0], [value - base for value in others]
    far = [abs(one - paper) for one in ours]
    nearer = "the printed equation" if far[0] < far[1] else "near nodes" if far[1] < far[0] else "neither"
    changes = f"by {ours[0]:+.3f} as printed and by {ours[1]:+.3f} between near nodes"
    between = _between(scores, GRAPHS[1], GRAPHS[0], "success") if scores else ""
    here = f"in this run {changes}: {nearer} agrees better"
    return f"In the paper the graph changes success by {paper:+.3f}, {here}{between}."


def of(mark: str, scores: Mapping[str, Scores]) -> Footnote:
    """A footnote, with the run's verdict where one is due."""
    text = PRINTED[mark]
    if mark == "R23":
        text = f"{text} {target_or_both(scores.get('otb100'))}"
    if mark == "R4":
        text = f"{text} {readings_of_the_graph(scores.get('otb2013'))}"
    return Footnote(mark, text)
