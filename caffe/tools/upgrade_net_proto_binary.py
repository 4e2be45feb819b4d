"""A caffemodel of an older format into today's: upgrade_net_proto_binary IN OUT."""

import argparse

from ..core.files import PathLike, replacing
from ..proto.text import read_binaryproto
from ..proto.upgrade import NetParameter, net_needs_upgrade, upgrade_net_as_needed
from .upgrading import arguments, upgrade_file

__all__ = ["arguments", "run"]


def run(args: argparse.Namespace) -> int:
    return upgrade_file(
        args,
        "binary NetParameter",
        lambda path: read_binaryproto(path, NetParameter()),
        net_needs_upgrade,
        upgrade_net_as_needed,
        write,
    )


def write(path: PathLike, net: NetParameter) -> None:
    with replacing(path) as file:
        file.write(net.SerializeToString())
