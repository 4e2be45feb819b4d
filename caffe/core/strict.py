"""Whether what forks add to Caffe is refused: a setting of our own."""

_strict = False


def is_strict() -> bool:
    """Whether layer types and fields of forks are refused."""
    return _strict


def set_strict(on: bool) -> None:
    """Refuse, from the next prototxt on, layer types and fields that Caffe 1.0 does not have.

    False, the default, takes those of forks that are known here (`caffe.contrib_layer_types()`) and
    passes over fields that only say how fast a fork computes. True is BVLC's build: a net that
    opens then opens there too.
    """
    global _strict
    _strict = bool(on)
