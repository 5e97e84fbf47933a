"""A number's graph as a tree that holds each thing once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from dat.audit.checks import Node


@dataclass
class TreeNode:
    """A thing's place in the tree: what stands below it, and what it rests on that stands elsewhere."""

    node: Node
    below: list["TreeNode"] = field(default_factory=list)
    elsewhere: list[Node] = field(default_factory=list)

    def walk(self) -> Iterator["TreeNode"]:
        """This place and all below, in the tree's order."""
        yield self
        for place in self.below:
            yield from place.walk()


def of(root: Node) -> TreeNode:
    """The tree of a graph without cycles.

    A thing that several others rest on stands below the nearest thing that all of them are reached through (its
    immediate dominator), so that what all sequences share stands beside them and not in the first of them.
    """
    order = ordered(root)
    places = {id(node): TreeNode(node) for node in order}
    parents: dict[int, list[Node]] = {id(node): [] for node in order}
    for node in order:
        for child in dict.fromkeys(node.children):
            parents[id(child)].append(node)
    above: dict[int, Node] = {}
    depth = {id(root): 0}
    for node in order[1:]:
        common, *others = parents[id(node)]
        for other in others:
            common = _common(common, other, above, depth)
        above[id(node)], depth[id(node)] = common, depth[id(common)] + 1
        places[id(common)].below.append(places[id(node)])
        for parent in parents[id(node)]:
            if parent is not common:
                places[id(parent)].elsewhere.append(node)
    return places[id(root)]


def ordered(root: Node) -> list[Node]:
    """The nodes of a graph, each after all that rest on it."""
    seen, done = {id(root)}, list[Node]()
    waiting = [(root, iter(reversed(root.children)))]
    while waiting:
        node, children = waiting[-1]
        child = next((child for child in children if id(child) not in seen), None)
        if child is None:
            done.append(node)
            waiting.pop()
        else:
            seen.add(id(child))
            waiting.append((child, iter(reversed(child.children))))
    return done[::-1]


def _common(one: Node, other: Node, above: Mapping[int, Node], depth: Mapping[int, int]) -> Node:
    """The deepest thing of the tree that two things are below of, or are."""
    while one is not other:
        if depth[id(one)] < depth[id(other)]:
            one, other = other, one
        one = above[id(one)]
    return one
