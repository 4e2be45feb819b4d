"""Choosing CPU or GPU from what the user typed."""

import caffe
from caffe.core.device import gpu_count


def choose_device(gpu: str | None) -> None:
    """ "cpu", the number of a GPU, or None: GPU 0 if there is one, else the CPU.

    Raises ValueError for anything else, caffe.CaffeError for a GPU that is not there.
    """
    if gpu == "cpu":
        caffe.set_mode_cpu()
        return
    if gpu is not None and not gpu.isdecimal():
        raise ValueError(f"--gpu {gpu}: expected the number of a GPU, or cpu")
    try:
        caffe.set_device(int(gpu or 0))
        caffe.set_mode_gpu()
    except caffe.CaffeError:
        if gpu is not None:
            raise
        caffe.set_mode_cpu()


def gpu_ids(text: str) -> list[int]:
    """The GPUs that --gpus names: "all", a number of them, or their numbers with commas between.

    Raises ValueError for what is neither, and where there are not as many.
    """
    there = gpu_count()
    words = text.split(",")
    if text != "all" and not all(map(str.isdecimal, words)):
        raise ValueError(f"--gpus {text}: expected a number of GPUs, their numbers (0,1), or all")
    if text == "all":
        ids = list(range(there))
    elif len(words) == 1:
        ids = list(range(int(text)))
    else:
        ids = [int(word) for word in words]
    if len(set(ids)) < len(ids):
        raise ValueError(f"--gpus {text} names a GPU more than once; name each once")
    if not ids or max(ids) >= there:
        raise ValueError(
            f"--gpus {text}: torch sees {there} GPU(s) on this machine; --nproc runs several "
            "processes on the CPU"
        )
    return ids
