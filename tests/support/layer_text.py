"""Layers as the text of public prototxt files, for tests."""


def names(field: str, words: str) -> str:
    """A field for each of the words."""
    return "".join(f' {field}: "{word}"' for word in words.split())


def layer(name: str, kind: str, bottoms: str = "", body: str = "", tops: str | None = None) -> str:
    """A layer; tops are its name where they are not given. A name may be "", for none."""
    blobs = names("bottom", bottoms) + names("top", name if tops is None else tops)
    return f'layer {{{names("name", name)} type: "{kind}"{blobs} {body} }}\n'


def v1_layer(
    name: str, kind: str, bottoms: str = "", body: str = "", tops: str | None = None
) -> str:
    """A layer as files of 2014 have it: `layers`, an enum's value as type."""
    blobs = names("bottom", bottoms) + names("top", name if tops is None else tops)
    return f"layers {{{blobs} name: '{name}' type: {kind} {body} }}\n"


def filled(outputs: int, more: str) -> str:
    """convolution_param with a filler that keeps activations as large as they were."""
    return f'convolution_param {{ num_output: {outputs} {more} weight_filler {{ type: "msra" }} }}'


def conv(
    name: str,
    bottom: str,
    outputs: int,
    more: str = "kernel_size: 3 pad: 1",
    kind: str = "Convolution",
    tops: str | None = None,
) -> str:
    """A convolution, or another type with the same parameter."""
    return layer(name, kind, bottom, filled(outputs, more), tops)


def conv_relu(name: str, bottom: str, outputs: int, more: str = "kernel_size: 3 pad: 1") -> str:
    """A convolution and its ReLU in place, called as VGG's are: relu1_1 after conv1_1."""
    relu = name.replace("conv", "relu") if "conv" in name else f"{name}_relu"
    return conv(name, bottom, outputs, more) + layer(relu, "ReLU", name, tops=name)


def max_pool(name: str, bottom: str, more: str = "kernel_size: 2 stride: 2", mask: str = "") -> str:
    """A maximum pooling; mask: the name of its second top."""
    return layer(name, "Pooling", bottom, f"pooling_param {{ pool: MAX {more} }}", f"{name} {mask}")


def numbers(field: str, *values: float) -> str:
    """A repeated field, one value after the other."""
    return " ".join(f"{field}: {value:g}" for value in values)


def input_dim(height: int, width: int, name: str = "data", channels: int = 3) -> str:
    """A net's input in the older form."""
    return f'input: "{name}"\n' + "".join(
        f"input_dim: {size}\n" for size in (1, channels, height, width)
    )


def dummy(name: str, *shape: int, value: float | None = None) -> str:
    """A layer of numbers: all of one value, or normal ones."""
    filler = 'type: "gaussian" std: 1' if value is None else f"value: {value}"
    shape_text = numbers("dim", *shape)
    return layer(
        name,
        "DummyData",
        body=f"dummy_data_param {{ shape {{ {shape_text} }} data_filler {{ {filler} }} }}",
    )
