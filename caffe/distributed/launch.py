"""Starting the ranks of a run on this machine, by torchrun's engine."""

from __future__ import annotations

import logging
import os
import signal
import sys
import uuid
from collections.abc import Sequence

PREEMPTED = 75  # exit status: told to stop (SIGTERM), went no further than a snapshot; start again


def launch(module: str, words: Sequence[str], count: int, restarts: int = 0) -> int:
    """Run `python -m module WORDS` as so many ranks; the exit status.

    Where a rank is lost, all are started again, at most `restarts` times. 0: all have ended well;
    PREEMPTED: one has, or this process, been told to stop; otherwise 1, and the ranks have said
    why.
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    # It tells of each process that another's end has made it end: the ranks have said why.
    logging.getLogger("torch.distributed.elastic.multiprocessing").setLevel(logging.CRITICAL)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // count)))
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=restarts,
    )
    try:
        elastic_launch(config, sys.executable)("-m", module, *words)
    except ChildFailedError as error:
        statuses = {failure.exitcode for failure in error.failures.values()}
        for rank, failure in error.failures.items():
            if failure.exitcode < 0 and failure.exitcode != -signal.SIGTERM:
                print(f"rank {rank} was ended by signal {-failure.exitcode}", file=sys.stderr)
        return PREEMPTED if PREEMPTED in statuses else 1
    except SignalException as error:
        return 130 if error.sigval == 2 else PREEMPTED
    return 0
