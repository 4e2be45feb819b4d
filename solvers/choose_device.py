"""Choosing CPU or GPU from what the user typed."""

import caffe


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
