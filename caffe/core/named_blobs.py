"""The dictionaries of a net: its blobs by name, its layers' parameters by layer."""

from __future__ import annotations

from collections import OrderedDict

from .blob import Blob, BlobVec
from .errors import caffe_error


class _Named(OrderedDict):
    """An OrderedDict that takes another name for what it holds, but no other thing for a name."""

    kind: type
    part: str
    write: str

    def __setitem__(self, name: str, value: object) -> None:
        if name in self or not isinstance(value, self.kind):
            raise caffe_error(
                TypeError,
                f"{self.part}['{name}'] = ... would change nothing in the net; write the values: "
                f"{self.part}['{name}']{self.write} = array",
            )
        super().__setitem__(name, value)


class NetBlobs(_Named):
    kind, part, write = Blob, "net.blobs", ".data[...]"


class NetParams(_Named):
    kind, part, write = BlobVec, "net.params", "[0].data[...]"
