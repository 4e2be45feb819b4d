"""Short digests, by which two processes find out whether they see the same."""

import hashlib

from .files import PathLike, cannot_be_read


def digest(content: bytes) -> str:
    """16 hexadecimal digits that differ where the content does."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def file_digest(path: PathLike) -> str:
    """The digest of a file's content. Raises CaffeError where it cannot be read."""
    hashed = hashlib.blake2b(digest_size=8)
    try:
        with open(path, "rb") as file:
            while block := file.read(1 << 22):
                hashed.update(block)
    except (OSError, ValueError) as error:
        raise cannot_be_read(path, error) from None
    return hashed.hexdigest()
