"""Joints and coordinates of an OpenSim model, and which coordinates a path crosses.

A path that runs from one body to another crosses every joint on the way between them. That needs
no geometry, and so no OpenSim; how far the path then is from each joint's axis, OpenSim computes.
Models before version 4 nest a joint in the body that it carries and name the other `parent_body`;
since version 4 joints name two frames, each of which is a body or an offset from one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from refnms.io.schema import WORD
from refnms.io.xml import Element

# How the versions name the frames of a joint and of a path point.
PARENT_FRAME = ("socket_parent_frame", "socket_parent_frame_connectee_name")
CHILD_FRAME = ("socket_child_frame", "socket_child_frame_connectee_name")
OFFSET_OF = ("socket_parent", "socket_parent_connectee_name")
POINT_SETS = ("PathPointSet", "MusclePointSet")


@dataclass(frozen=True)
class Coordinate:
    name: str
    locked: bool


@dataclass
class Skeleton:
    """Bodies joined by joints; each joint has the coordinates that move it."""

    coordinates: dict[str, Coordinate] = field(default_factory=dict)
    joints: dict[str, list[tuple[str, tuple[str, ...]]]] = field(default_factory=dict)
    frames: dict[str, str] = field(default_factory=dict)  # offset frame -> what it is fixed to
    leaders: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of coupled coordinates

    def crossed(self, bodies: Sequence[str]) -> tuple[str, ...]:
        """Independent coordinates of the joints that a path over these bodies crosses."""
        found: dict[str, None] = {}
        for start, end in pairwise(bodies):
            for name in self._between(start, end):
                found.update(dict.fromkeys(self.leaders.get(name, (name,))))
        return tuple(name for name in self.coordinates if name in found)

    def body(self, frame: str) -> str:
        """The body that a frame is fixed to; frames may be named by their path in the model."""
        seen: set[str] = set()
        while True:
            *above, name = frame.strip().strip("/").split("/")
            own = "/".join([*above[-1:], name])
            following = self.frames.get(own) or self.frames.get(name)
            if following is None or name in self.joints or own in seen:
                return name
            seen.add(own)
            frame = following

    def _between(self, start: str, end: str) -> tuple[str, ...]:
        """Coordinates on the shortest way from one body to another."""
        ways: dict[str, tuple[str, ...]] = {start: ()}
        queue = deque([start])
        while queue and end not in ways:
            body = queue.popleft()
            for neighbor, coordinates in self.joints.get(body, ()):
                if neighbor not in ways:
                    ways[neighbor] = (*ways[body], *coordinates)
                    queue.append(neighbor)
        return ways.get(end, ())


def read_skeleton(model: Element) -> Skeleton:
    skeleton = Skeleton()
    for element, owner in _with_body(model):
        if element.tag.endswith("Coordinate") and element.attribute("name"):
            name = element.attribute("name")
            locked = element.at("locked").text.lower() == "true"
            skeleton.coordinates.setdefault(name, Coordinate(name, locked))
        elif element.tag.endswith("OffsetFrame") and (parent := _first(element, OFFSET_OF)):
            name = element.attribute("name")
            skeleton.frames.setdefault(name, parent)
            skeleton.frames[f"{owner}/{name}"] = parent
        elif element.tag == "CoordinateCouplerConstraint" and _enforced(element):
            leaders = tuple(WORD.findall(element.at("independent_coordinate_names").text))
            if leaders:
                skeleton.leaders[element.at("dependent_coordinate_name").text] = leaders
    for element, owner in _with_body(model):
        if element.tag.endswith("Joint") and (ends := _ends(element, owner)):
            own = f"{element.attribute('name')}/"
            parent, child = (_local(skeleton, own, end) for end in ends)
            coordinates = tuple(_coordinates(element))
            skeleton.joints.setdefault(parent, []).append((child, coordinates))
            skeleton.joints.setdefault(child, []).append((parent, coordinates))
    return skeleton


def path_bodies(muscle: Element, skeleton: Skeleton) -> list[str]:
    """The bodies that the points of a muscle's path are fixed to, in their order."""
    return [
        skeleton.body(frame)
        for points in muscle.walk()
        if points.tag in POINT_SETS
        for point in points.at("objects").children
        if (frame := _first(point, (*PARENT_FRAME, "body")))
    ]


def _with_body(element: Element, owner: str = "") -> Iterator[tuple[Element, str]]:
    """Every element, with the name of the nearest body or joint that it stands in."""
    yield element, owner
    is_owner = element.tag.endswith(("Body", "Joint")) and element.attribute("name")
    for child in element.children:
        yield from _with_body(child, element.attribute("name") if is_owner else owner)


def _ends(joint: Element, owner: str) -> tuple[str, str] | None:
    """The two frames that a joint joins."""
    parent = _first(joint, PARENT_FRAME)
    child = _first(joint, CHILD_FRAME)
    if parent and child:
        return parent, child
    if parent := joint.at("parent_body").text:
        return parent, joint.at("child_body").text or owner
    pair = WORD.findall(joint.at("bodies").text)  # version 1
    return (pair[0], pair[1]) if len(pair) == 2 else None


def _local(skeleton: Skeleton, joint: str, frame: str) -> str:
    """The body of a frame that may be the joint's own."""
    return skeleton.body(skeleton.frames.get(joint + frame.rpartition("/")[2], frame))


def _coordinates(joint: Element) -> Iterator[str]:
    declared = [e.attribute("name") for e in joint.walk() if e.tag.endswith("Coordinate")]
    named = [e.text for e in joint.walk() if e.tag in ("coordinate", "coordinates")]
    words = declared or [word for text in named for word in WORD.findall(text)]
    yield from dict.fromkeys(filter(None, words))


def _enforced(constraint: Element) -> bool:
    enforced = constraint.at("isEnforced").text.lower() != "false"
    return enforced and constraint.at("isDisabled").text.lower() != "true"


def _first(element: Element, tags: Iterable[str]) -> str:
    return next((text for tag in tags if (text := element.at(tag).text)), "")
