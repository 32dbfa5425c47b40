"""Two keepers of a signer find out in which records they differ, from the root of its tree down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workers.protocol.between_phones.replica_messages import (
    MAXIMUM_MEMBERS,
    MAXIMUM_NAMED,
    MAXIMUM_NODES,
    PeerMessage,
    ShowNodes,
    ShowRoots,
    SignerRoot,
    TreeNode,
    WantRecords,
)
from workers.replicas.keeping import RecordShelves
from workers.replicas.members import Placement, SignedMembers

_DIGEST_BYTES: Final = 32


@dataclass(frozen=True)
class Compared:
    """What came of comparing nodes: what to say, and which records the other one lacks."""

    messages: tuple[PeerMessage, ...] = ()
    to_put: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class TreeComparison:
    """What is kept here beside what others say that they keep."""

    kept: RecordShelves
    placement: Placement
    own: str
    """This phone's transport key."""

    def partners(self) -> list[str]:
        """Return the phones that keep records of some signer besides this one."""
        keepers = [self.placement.keepers(signer) for signer in self.placement.signers]
        found = {phone for each in keepers if self.own in each for phone in each}
        return sorted(found - {self.own})

    def roots(self, signed: SignedMembers, phone: str) -> ShowRoots:
        """Return the roots of all signers that are kept here and by another phone."""
        shared = [signer for signer in self.kept.signers if self._both_keep(signer, phone)]
        roots = tuple(SignerRoot(each, self.kept.shelf(each).tree.root) for each in shared)
        return ShowRoots(signed.members.number, signed.members.digest, roots[:MAXIMUM_MEMBERS])

    def differing(self, phone: str, message: ShowRoots) -> list[PeerMessage]:
        """Return the nodes to begin with, for each signer whose records differ."""
        found: list[PeerMessage] = []
        for signer, root in dict(message.roots).items():
            tree = self.kept.shelf(signer).tree
            if self._both_keep(signer, phone) and tree.root != root:
                found.append(ShowNodes(signer, (tree.node(""),)))
        return found

    def compared(self, phone: str, message: ShowNodes) -> Compared:
        """Go on from another's nodes: deeper, or to the records themselves."""
        if not self._both_keep(message.signer, phone):
            return Compared()
        tree = self.kept.shelf(message.signer).tree
        deeper: list[TreeNode] = []
        wanted: list[bytes] = []
        to_put: list[bytes] = []
        for node in message.nodes:
            if not node.complete:
                deeper += [tree.node(prefix) for prefix in tree.differing(node)]
                continue
            theirs, ours = {*node.hashes}, {*tree.below(node.prefix)}
            wanted += sorted(each for each in theirs - ours if len(each) == _DIGEST_BYTES)
            to_put += sorted(ours - theirs)
        return Compared(
            (*_shown(message.signer, deeper), *_wanted(message.signer, wanted)), tuple(to_put)
        )

    def _both_keep(self, signer: bytes, phone: str) -> bool:
        keepers = self.placement.keepers(signer)
        return self.own in keepers and phone in keepers


def _shown(signer: bytes, nodes: list[TreeNode]) -> list[PeerMessage]:
    return [
        ShowNodes(signer, tuple(nodes[first : first + MAXIMUM_NODES]))
        for first in range(0, len(nodes), MAXIMUM_NODES)
    ]


def _wanted(signer: bytes, digests: list[bytes]) -> list[PeerMessage]:
    return [
        WantRecords(signer, tuple(digests[first : first + MAXIMUM_NAMED]), answer=False)
        for first in range(0, len(digests), MAXIMUM_NAMED)
    ]
