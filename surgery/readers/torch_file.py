"""Weights that torch saved (.pth, .pt: no code in them is run) or in .safetensors."""

from __future__ import annotations

import os
import pickle

import torch

from ..from_torch import from_torch, table_of
from ..layout import Layers


def read_torch(path: str | os.PathLike) -> Layers:
    """The layers of a state_dict whose modules are named as in one of torch_names.TABLES.

    Raises ValueError for a file with anything else in it.
    """
    state = read_state_dict(path)
    return from_torch(state, table_of(state))


def read_state_dict(path: str | os.PathLike) -> dict[str, torch.Tensor]:
    """The tensors in a file, on the CPU, by their names.

    Raises ValueError for any other file, and what torch and safetensors raise for a damaged one.
    """
    if str(path).lower().endswith(".safetensors"):
        from safetensors.torch import load_file  # only now: no other file needs it

        return load_file(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:  # its text tells how to run the code
        raise ValueError(
            "not of tensors alone, which is to say that reading it would run code, or damaged; "
            "expected a state_dict: torch.save(net.state_dict(), ...), or its safetensors"
        ) from None
    if not isinstance(state, dict) or not all(map(torch.is_tensor, state.values())):
        held = ", ".join(map(str, list(state)[:5])) if isinstance(state, dict) else type(state)
        raise ValueError(
            f"holds {held}; expected tensors by name: save the state_dict that is in it"
        )
    return state
