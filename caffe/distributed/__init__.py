"""Several processes that train one net: they find each other, and exchange, on torch.distributed.

Nothing here knows of nets; the solver (caffe/solver/data_parallel.py) says what is exchanged when.
"""
