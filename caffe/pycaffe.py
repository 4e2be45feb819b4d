"""caffe.pycaffe: where BVLC's Python half lies; scripts of its time import from it."""

from . import *  # noqa: F403
