"""What layers that read data share: where they are, which a snapshot keeps."""

from ..core.blob import Blob
from .base import LayerType


class Reader(LayerType):
    """A layer without bottoms that reads on from `_position`, a count for each of some names."""

    bottoms = (0, 0)
    _position: dict[str, int]

    def reshape(self, bottom: list[Blob], top: list[Blob]) -> None:
        """Nothing to do: each batch brings its shape."""

    def backward(self, top: list[Blob], propagate_down: list[bool], bottom: list[Blob]) -> None:
        """Nothing to do."""

    def state_dict(self) -> dict[str, int]:
        """Where the next forward begins."""
        return dict(self._position)

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on there; CaffeError for anything but what `state_dict` gave."""
        self.check_position(state, self._position)
        self._go_to(state)

    def _go_to(self, position: dict[str, int]) -> None:
        self._position = dict(position)
