"""Identities that are the same on every machine and after every restart."""

import hashlib
from uuid import UUID


def stable_id(*fields: object) -> UUID:
    """BLAKE2b-128 of the fields, joined by the unit separator 0x1f, as UUID (design: "ids").

    >>> stable_id("a", 1)
    UUID('b4feb303-ba68-581f-f514-0f67114e15e6')
    """
    return UUID(bytes=hashlib.blake2b(_joined(fields), digest_size=16).digest())


def content_hash(*fields: object) -> str:
    """Short hash of a content (16 hexadecimal digits), for "is it still the same?"."""
    return text_hash(_joined(fields))


def text_hash(text: bytes) -> str:
    """`content_hash` of one text that is encoded already."""
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def unit_interval(identity: UUID, purpose: str) -> float:
    """A number in [0, 1) that depends on the identity and the purpose only: the coin of every sampling decision."""
    digest = hashlib.blake2b(identity.bytes, digest_size=8, person=purpose.encode()[:16]).digest()
    return int.from_bytes(digest, "big") / 2**64


def _joined(fields: tuple[object, ...]) -> bytes:
    return "\x1f".join(str(field) for field in fields).encode("utf-8", "surrogatepass")
