"""DriveData of VPGNet."""

from ...core.blob import checked_shape
from ..base import Shape, layer_type
from ..input import Input

REGRESSION = 8  # channels of a label: whether there is a box, its four sides, and what these weigh


@layer_type("DriveData", "VPGNet")
class DriveData(Input):
    """Images of roads, their boxes and classes, which a script fills, as Input's tops.

    There a database of a message of its own is read. Tops: images N x 3 x cropped_height x
    cropped_width; of each place whether it lies in a box, the box around it, 1 / its width, 1 / its
    height and 1 / the number of such places, N x 8 x tiling_height label_resolution x tiling_width
    label_resolution; classes, as many times catalog_resolution.
    """

    tops = (1, 3)

    def setup_from(self, shapes: list[Shape]) -> None:
        param, count = self.spec.drive_data_param, self.spec.data_param.batch_size
        tiles = param.tiling_height, param.tiling_width
        labels, classes = (
            tuple(tile * resolution for tile in tiles)
            for resolution in (param.label_resolution, param.catalog_resolution)
        )
        sizes = (count, param.cropped_height, param.cropped_width, *labels, *classes)
        self.check(
            min(sizes) > 0,
            "batch_size, cropped_height, cropped_width and the tiles and resolutions of "
            f"drive_data_param must be positive; found {sizes}",
        )
        given = [
            (count, 3, param.cropped_height, param.cropped_width),
            (count, REGRESSION, *labels),
            (count, 1, *classes),
        ]
        self.given = [checked_shape(shape) for shape in given[: len(self.spec.top)]]
