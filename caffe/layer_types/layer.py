"""caffe.Layer: what every layer of a net is to a script, and the base of Python layers."""

from ..core.blob import Blob, BlobVec
from ..core.boost import read_only


class Layer:
    """Base of Python layers, as in pycaffe: define setup, reshape, forward and backward.

    `bottom` and `top` are lists of blobs; `self.blobs` are parameters (`add_blob(*shape)`),
    `self.param_str` is the text of the prototxt, `self.phase` is caffe.TRAIN or caffe.TEST.

    A layer that has a place in its data may define `state_dict()`, which gives it as what JSON can
    hold (dicts, lists, strings, numbers, None; numpy's arrays become lists), and
    `load_state_dict(state)`, which goes on there and raises an error for what it cannot be: what
    the net has consumed counts, not what was read ahead. Solverstates keep it then, and a run that
    is resumed reads on where it was. BVLC's Caffe calls neither.
    """

    param_str: str
    param_str_: str  # the same, as pycaffe called it until 2015
    phase: int
    type = "Python"
    _blobs: BlobVec

    @read_only("use blobs.add_blob(*shape), or write the values: blobs[0].data[...] = array")
    def blobs(self) -> BlobVec:
        return self._blobs

    def setup(self, bottom: list[Blob], top: list[Blob]) -> None:
        """Read param_str; called once."""

    def reshape(self, bottom: list[Blob], top: list[Blob]) -> None:
        """Give the tops their shapes; called before every forward."""
        raise NotImplementedError(f"{type(self).__name__} must define reshape(self, bottom, top)")

    def forward(self, bottom: list[Blob], top: list[Blob]) -> None:
        """Write the tops' data."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, bottom, top)")

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        """Write the bottoms' diff where propagate_down says so."""
        raise NotImplementedError(
            f"{type(self).__name__} must define backward(self, top, propagate_down, bottom)"
        )
