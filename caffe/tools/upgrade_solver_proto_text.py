"""A solver's prototxt of an older format into today's: upgrade_solver_proto_text IN OUT."""

import argparse

from ..core.files import write_text
from ..proto.text import prototxt, read_prototxt
from ..proto.upgrade import SolverParameter, solver_needs_upgrade, upgrade_solver
from .upgrading import arguments, upgrade_file

__all__ = ["arguments", "run"]


def run(args: argparse.Namespace) -> int:
    return upgrade_file(
        args,
        "text SolverParameter",
        lambda path: read_prototxt(path, SolverParameter()),
        solver_needs_upgrade,
        lambda param, file: (upgrade_solver(param, file), True),
        lambda path, param: write_text(path, prototxt(param)),
    )
