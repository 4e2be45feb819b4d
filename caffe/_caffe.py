"""caffe._caffe: where BVLC's C++ half lies; scripts of its time import from it."""

from . import *  # noqa: F403
