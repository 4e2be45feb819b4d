"""Flags as gflags writes them, for argparse."""

import argparse


def flag(parser: argparse.ArgumentParser, name: str, **keywords) -> None:
    """A flag with a value: `-name value`, `--name value` or `--name=value`."""
    parser.add_argument(f"-{name}", f"--{name}", **keywords)


def boolean(parser: argparse.ArgumentParser, name: str, default: bool, help: str) -> None:
    """`-name`, `--name=true`, `--noname`, `--name=false`; it never takes the next word."""
    spell = [f"{dash}{name}{value}" for dash in ("-", "--") for value in ("", "=true")]
    deny = [f"{dash}{word}" for dash in ("-", "--") for word in (f"no{name}", f"{name}=false")]
    parser.add_argument(*spell, dest=name, action="store_true", default=default, help=help)
    parser.add_argument(*deny, dest=name, action="store_false", help=argparse.SUPPRESS)
