"""The one exception that the engine raises where BVLC Caffe would say "Check failed" and abort."""


class CaffeError(RuntimeError):
    """A net, a file or a request that Caffe would refuse; the message says what, where and the cure."""
