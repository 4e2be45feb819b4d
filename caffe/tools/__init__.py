"""The command line: `caffe COMMAND ...`, a module here for each command.

A module has a docstring (the help text), `arguments(parser)` and `run(args)`. Flags are Caffe's
(gflags): `-solver x`, `--solver x`, `--solver=x`; booleans `-gray`, `--gray=true`, `--nogray`.
"""

COMMANDS = {
    "train": "train a net, or finetune one",
    "test": "score a net",
    "time": "measure a net layer by layer",
    "device_query": "what is known of a GPU",
    "convert_imageset": "a list of images and labels into an LMDB or LevelDB",
    "compute_image_mean": "the mean image of a database",
    "extract_features": "blobs of a net into databases",
    "upgrade_net_proto_text": "a net prototxt of an older format into today's",
    "upgrade_net_proto_binary": "a caffemodel of an older format into today's",
    "upgrade_solver_proto_text": "a solver prototxt of an older format into today's",
    "parse_log": "a training log into two tables",
    "plot_log": "curves of training logs",
    "draw_net": "a picture of a net",
    "inspect": "what a net consists of, and which weights fit it",
    "classify": "class scores of images",
    "export": "a net as an ONNX or torch.export file",
    "quantize": "a net as an ONNX file of 8-bit integers",
}
