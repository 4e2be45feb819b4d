"""Layer types of segmentation nets: SegNet, DeconvNet, PSPNet, DeepLab."""
