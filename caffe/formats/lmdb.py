"""LMDB: a reader of our own, which checks every offset.

liblmdb trusts its file: on a damaged one it crashes the process or walks in circles. The format
read here is that of LMDB 0.9 (mdb.c, data version 1) on 64-bit little-endian machines: pages of one
size, two of them meta pages, a B+tree of branch and leaf pages, and runs of overflow pages for
large values.
"""

import mmap
import os
from collections.abc import Iterator
from pathlib import Path
from struct import Struct, calcsize, unpack_from
from typing import NamedTuple

from ..core.files import PathLike, cannot_be_read
from .key_value import Database, damaged

MAGIC, VERSION = 0xBEEFC0DE, 1
NO_PAGE = 2**64 - 1
MAX_DEPTH = 32  # mdb.c: CURSOR_STACK
BRANCH, LEAF, OVERFLOW, META = 1, 2, 4, 8  # page flags; more than one is a page of duplicates
KINDS = BRANCH | LEAF | OVERFLOW | META | 0x20 | 0x40
BIG_VALUE = 1  # node flag: the value lies in overflow pages

PAGE = Struct("<QHHHH")  # number, pad, flags, lower and upper bound of the free space
RUN = Struct("<QHHI")  # the same of an overflow page: number, pad, flags, pages
HEAD = Struct("<IIQQ")  # magic, version, address, map size
TREE = Struct("<IHHQQQQQ")  # pad, flags, depth, branch, leaf, overflow pages, entries, root
TAIL = Struct("<QQ")  # last page, transaction
NODE = Struct("<HHHH")  # size or child (low, high), flags, key size
POINTER = calcsize("<H")


class Tree(NamedTuple):
    """What a meta page says of the tree of all items."""

    page_size: int
    transaction: int
    depth: int
    entries: int
    root: int


class LmdbReader(Database):
    """An LMDB, read in place and in key order; nothing is written, not even a lock.

    Raises CaffeError, at the latest where the damage is reached, for whatever is no sound LMDB.
    """

    def __init__(self, path: PathLike) -> None:
        path = Path(path)
        self.path = path / "data.mdb" if path.is_dir() else path
        try:
            with open(self.path, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                view = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        except (OSError, ValueError) as error:
            raise cannot_be_read(self.path, error) from None
        self._file = memoryview(view)
        first = self._meta(0, 0)
        self._page_size = first.page_size
        self._tree = max(first, self._meta(1, first.page_size), key=lambda meta: meta.transaction)

    def __len__(self) -> int:
        return self._tree.entries

    def close(self) -> None:
        """Let go of the file; values that were handed out keep it mapped as long as they live."""
        self._file = memoryview(b"")

    def cursor(self, start: int = 0) -> Iterator[tuple[bytes, memoryview]]:
        """(key, value) of all items but the first `start`; values are views of the file."""
        tree = self._tree
        passed, last = 0, None
        for page, nodes in self._leaves(tree.root, tree.depth) if tree.depth else ():
            wanted = nodes[max(0, start - passed) :]
            passed += len(nodes)
            if passed > tree.entries:
                damaged(
                    self.path, f"holds more than the {tree.entries} items that its meta page counts"
                )
            for node in wanted:
                key, value = self._item(page, node)
                if last is not None and key <= last:
                    damaged(self.path, f"key {key!r} follows {last!r}; expected ascending keys")
                last = key
                yield key, value
        if passed < tree.entries:
            damaged(self.path, f"holds {passed} items; its meta page counts {tree.entries}")

    def _meta(self, number: int, offset: int) -> Tree:
        heads = offset + PAGE.size
        trees = heads + HEAD.size
        tail = trees + 2 * TREE.size
        if tail + TAIL.size > len(self._file):
            damaged(self.path, "it ends before its meta pages do")
        magic, version, _, _ = HEAD.unpack_from(self._file, heads)
        if magic != MAGIC:
            damaged(
                self.path, f"meta page {number} holds the magic number {magic:#x}, not {MAGIC:#x}"
            )
        if version != VERSION:
            damaged(self.path, f"it is of data version {version}; expected {VERSION} (LMDB 0.9)")
        page_size = TREE.unpack_from(self._file, trees)[0]
        if not 256 <= page_size <= 1 << 16 or page_size & (page_size - 1):
            damaged(self.path, f"meta page {number} claims pages of {page_size} bytes")
        _, flags, depth, _, _, _, entries, root = TREE.unpack_from(self._file, trees + TREE.size)
        if flags:
            damaged(self.path, f"it is of a kind that Caffe does not write (flags {flags:#x})")
        least = NODE.size + POINTER  # that an item takes
        if depth > MAX_DEPTH or entries * least > len(self._file):
            damaged(self.path, f"meta page {number} claims {entries} items, {depth} pages deep")
        if (depth == 0) != (entries == 0) or (depth == 0) != (root == NO_PAGE):
            damaged(self.path, f"meta page {number} claims {entries} items under root page {root}")
        return Tree(page_size, TAIL.unpack_from(self._file, tail)[1], depth, entries, root)

    def _leaves(self, number: int, depth: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Offset of each leaf page under a page, in key order, and its nodes' places in it."""
        if depth == 1:
            yield self._nodes(number, LEAF)
            return
        page, nodes = self._nodes(number, BRANCH)
        for node in nodes:
            low, middle, high, _ = NODE.unpack_from(self._file, page + node)
            yield from self._leaves(low | middle << 16 | high << 32, depth - 1)

    def _nodes(self, number: int, kind: int) -> tuple[int, tuple[int, ...]]:
        size = self._page_size
        page = number * size
        if page + size > len(self._file):
            damaged(self.path, f"page {number} lies beyond its end (truncated?)")
        own, _, flags, lower, upper = PAGE.unpack_from(self._file, page)
        if own != number or flags & KINDS != kind:
            damaged(self.path, f"page {number} calls itself page {own} of kind {flags & KINDS:#x}")
        if not PAGE.size < lower <= upper <= size or lower % POINTER:
            damaged(self.path, f"page {number} claims free space from {lower} to {upper}")
        nodes = unpack_from(f"<{(lower - PAGE.size) // POINTER}H", self._file, page + PAGE.size)
        if min(nodes) < upper or max(nodes) + NODE.size > size:
            damaged(self.path, f"page {number} has a node outside of it")
        return page, nodes

    def _item(self, page: int, node: int) -> tuple[bytes, memoryview]:
        low, high, flags, key_size = NODE.unpack_from(self._file, page + node)
        size = low | high << 16
        key_end = page + node + NODE.size + key_size
        inline = 8 if flags & BIG_VALUE else size
        if flags & ~BIG_VALUE:
            damaged(self.path, f"a node has flags {flags:#x}; Caffe writes plain values only")
        if key_end + inline > page + self._page_size:
            damaged(self.path, f"page {page // self._page_size} has an item that reaches beyond it")
        key = bytes(self._file[key_end - key_size : key_end])
        start = self._overflow(key_end, size) if flags & BIG_VALUE else key_end
        return key, self._file[start : start + size]

    def _overflow(self, place: int, size: int) -> int:
        """Where the value starts whose overflow page is named at `place`."""
        (number,) = unpack_from("<Q", self._file, place)
        page = number * self._page_size
        if page + RUN.size + size > len(self._file):
            damaged(self.path, f"a value of {size} bytes in page {number} lies beyond its end")
        own, _, flags, pages = RUN.unpack_from(self._file, page)
        if (own, flags & KINDS) != (number, OVERFLOW) or RUN.size + size > pages * self._page_size:
            damaged(self.path, f"page {number} does not hold a value of {size} bytes")
        return page + RUN.size
