"""A net's prototxt of an older format into today's: upgrade_net_proto_text IN OUT."""

import argparse

from ..core.files import write_text
from ..proto.text import prototxt, read_prototxt
from ..proto.upgrade import NetParameter, net_needs_upgrade, upgrade_net_as_needed
from .upgrading import arguments, upgrade_file

__all__ = ["arguments", "run"]


def run(args: argparse.Namespace) -> int:
    return upgrade_file(
        args,
        "text NetParameter",
        lambda path: read_prototxt(path, NetParameter()),
        net_needs_upgrade,
        upgrade_net_as_needed,
        lambda path, net: write_text(path, prototxt(net)),
    )
