"""The types of caffe_pb2, written from caffe.proto by `python -m caffe.proto.stub`."""

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.internal.containers import (
    RepeatedCompositeFieldContainer,
    RepeatedScalarFieldContainer,
)
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message

DESCRIPTOR: FileDescriptor

Phase: EnumTypeWrapper
TRAIN: int
TEST: int

class BlobShape(Message):
    DIM_FIELD_NUMBER: int
    dim: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        dim: Iterable[int] | None = ...,
    ) -> None: ...

class BlobProto(Message):
    SHAPE_FIELD_NUMBER: int
    DATA_FIELD_NUMBER: int
    DIFF_FIELD_NUMBER: int
    DOUBLE_DATA_FIELD_NUMBER: int
    DOUBLE_DIFF_FIELD_NUMBER: int
    NUM_FIELD_NUMBER: int
    CHANNELS_FIELD_NUMBER: int
    HEIGHT_FIELD_NUMBER: int
    WIDTH_FIELD_NUMBER: int
    shape: BlobShape
    data: RepeatedScalarFieldContainer[float]
    diff: RepeatedScalarFieldContainer[float]
    double_data: RepeatedScalarFieldContainer[float]
    double_diff: RepeatedScalarFieldContainer[float]
    num: int
    channels: int
    height: int
    width: int
    def __init__(
        self,
        *,
        shape: BlobShape | Mapping[str, Any] | None = ...,
        data: Iterable[float] | None = ...,
        diff: Iterable[float] | None = ...,
        double_data: Iterable[float] | None = ...,
        double_diff: Iterable[float] | None = ...,
        num: int | None = ...,
        channels: int | None = ...,
        height: int | None = ...,
        width: int | None = ...,
    ) -> None: ...

class BlobProtoVector(Message):
    BLOBS_FIELD_NUMBER: int
    blobs: RepeatedCompositeFieldContainer[BlobProto]
    def __init__(
        self,
        *,
        blobs: Iterable[BlobProto | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class Datum(Message):
    CHANNELS_FIELD_NUMBER: int
    HEIGHT_FIELD_NUMBER: int
    WIDTH_FIELD_NUMBER: int
    DATA_FIELD_NUMBER: int
    LABEL_FIELD_NUMBER: int
    FLOAT_DATA_FIELD_NUMBER: int
    ENCODED_FIELD_NUMBER: int
    channels: int
    height: int
    width: int
    data: bytes
    label: int
    float_data: RepeatedScalarFieldContainer[float]
    encoded: bool
    def __init__(
        self,
        *,
        channels: int | None = ...,
        height: int | None = ...,
        width: int | None = ...,
        data: bytes | None = ...,
        label: int | None = ...,
        float_data: Iterable[float] | None = ...,
        encoded: bool | None = ...,
    ) -> None: ...

class FillerParameter(Message):
    VarianceNorm: EnumTypeWrapper
    FAN_IN: int
    FAN_OUT: int
    AVERAGE: int
    TYPE_FIELD_NUMBER: int
    VALUE_FIELD_NUMBER: int
    MIN_FIELD_NUMBER: int
    MAX_FIELD_NUMBER: int
    MEAN_FIELD_NUMBER: int
    STD_FIELD_NUMBER: int
    SPARSE_FIELD_NUMBER: int
    VARIANCE_NORM_FIELD_NUMBER: int
    ALPHA_FIELD_NUMBER: int
    DIAG_VAL_FIELD_NUMBER: int
    NUM_GROUPS_FIELD_NUMBER: int
    FILE_FIELD_NUMBER: int
    BORDER_RATIO_FIELD_NUMBER: int
    type: str
    value: float
    min: float
    max: float
    mean: float
    std: float
    sparse: int
    variance_norm: int
    alpha: float
    diag_val: RepeatedScalarFieldContainer[float]
    num_groups: int
    file: str
    border_ratio: float
    def __init__(
        self,
        *,
        type: str | None = ...,
        value: float | None = ...,
        min: float | None = ...,
        max: float | None = ...,
        mean: float | None = ...,
        std: float | None = ...,
        sparse: int | None = ...,
        variance_norm: int | str | None = ...,
        alpha: float | None = ...,
        diag_val: Iterable[float] | None = ...,
        num_groups: int | None = ...,
        file: str | None = ...,
        border_ratio: float | None = ...,
    ) -> None: ...

class NetParameter(Message):
    NAME_FIELD_NUMBER: int
    INPUT_FIELD_NUMBER: int
    INPUT_SHAPE_FIELD_NUMBER: int
    INPUT_DIM_FIELD_NUMBER: int
    FORCE_BACKWARD_FIELD_NUMBER: int
    STATE_FIELD_NUMBER: int
    DEBUG_INFO_FIELD_NUMBER: int
    LAYER_FIELD_NUMBER: int
    LAYERS_FIELD_NUMBER: int
    name: str
    input: RepeatedScalarFieldContainer[str]
    input_shape: RepeatedCompositeFieldContainer[BlobShape]
    input_dim: RepeatedScalarFieldContainer[int]
    force_backward: bool
    state: NetState
    debug_info: bool
    layer: RepeatedCompositeFieldContainer[LayerParameter]
    layers: RepeatedCompositeFieldContainer[V1LayerParameter]
    def __init__(
        self,
        *,
        name: str | None = ...,
        input: Iterable[str] | None = ...,
        input_shape: Iterable[BlobShape | Mapping[str, Any]] | None = ...,
        input_dim: Iterable[int] | None = ...,
        force_backward: bool | None = ...,
        state: NetState | Mapping[str, Any] | None = ...,
        debug_info: bool | None = ...,
        layer: Iterable[LayerParameter | Mapping[str, Any]] | None = ...,
        layers: Iterable[V1LayerParameter | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class NetState(Message):
    PHASE_FIELD_NUMBER: int
    LEVEL_FIELD_NUMBER: int
    STAGE_FIELD_NUMBER: int
    phase: int
    level: int
    stage: RepeatedScalarFieldContainer[str]
    def __init__(
        self,
        *,
        phase: int | str | None = ...,
        level: int | None = ...,
        stage: Iterable[str] | None = ...,
    ) -> None: ...

class NetStateRule(Message):
    PHASE_FIELD_NUMBER: int
    MIN_LEVEL_FIELD_NUMBER: int
    MAX_LEVEL_FIELD_NUMBER: int
    STAGE_FIELD_NUMBER: int
    NOT_STAGE_FIELD_NUMBER: int
    phase: int
    min_level: int
    max_level: int
    stage: RepeatedScalarFieldContainer[str]
    not_stage: RepeatedScalarFieldContainer[str]
    def __init__(
        self,
        *,
        phase: int | str | None = ...,
        min_level: int | None = ...,
        max_level: int | None = ...,
        stage: Iterable[str] | None = ...,
        not_stage: Iterable[str] | None = ...,
    ) -> None: ...

class ParamSpec(Message):
    DimCheckMode: EnumTypeWrapper
    STRICT: int
    PERMISSIVE: int
    NAME_FIELD_NUMBER: int
    SHARE_MODE_FIELD_NUMBER: int
    LR_MULT_FIELD_NUMBER: int
    DECAY_MULT_FIELD_NUMBER: int
    BREADTH_DECAY_MULT_FIELD_NUMBER: int
    KERNEL_SHAPE_DECAY_MULT_FIELD_NUMBER: int
    BLOCK_GROUP_LASSO_FIELD_NUMBER: int
    REGULARIZATION_TYPE_FIELD_NUMBER: int
    name: str
    share_mode: int
    lr_mult: float
    decay_mult: float
    breadth_decay_mult: float
    kernel_shape_decay_mult: float
    block_group_lasso: RepeatedCompositeFieldContainer[BlockGroupLassoSpec]
    regularization_type: str
    def __init__(
        self,
        *,
        name: str | None = ...,
        share_mode: int | str | None = ...,
        lr_mult: float | None = ...,
        decay_mult: float | None = ...,
        breadth_decay_mult: float | None = ...,
        kernel_shape_decay_mult: float | None = ...,
        block_group_lasso: Iterable[BlockGroupLassoSpec | Mapping[str, Any]] | None = ...,
        regularization_type: str | None = ...,
    ) -> None: ...

class SolverParameter(Message):
    SnapshotFormat: EnumTypeWrapper
    HDF5: int
    BINARYPROTO: int
    SolverMode: EnumTypeWrapper
    CPU: int
    GPU: int
    SolverType: EnumTypeWrapper
    SGD: int
    NESTEROV: int
    ADAGRAD: int
    RMSPROP: int
    ADADELTA: int
    ADAM: int
    NET_FIELD_NUMBER: int
    NET_PARAM_FIELD_NUMBER: int
    TRAIN_NET_FIELD_NUMBER: int
    TEST_NET_FIELD_NUMBER: int
    TRAIN_NET_PARAM_FIELD_NUMBER: int
    TEST_NET_PARAM_FIELD_NUMBER: int
    TRAIN_STATE_FIELD_NUMBER: int
    TEST_STATE_FIELD_NUMBER: int
    TEST_ITER_FIELD_NUMBER: int
    TEST_INTERVAL_FIELD_NUMBER: int
    TEST_COMPUTE_LOSS_FIELD_NUMBER: int
    TEST_INITIALIZATION_FIELD_NUMBER: int
    BASE_LR_FIELD_NUMBER: int
    DISPLAY_FIELD_NUMBER: int
    AVERAGE_LOSS_FIELD_NUMBER: int
    MAX_ITER_FIELD_NUMBER: int
    ITER_SIZE_FIELD_NUMBER: int
    LR_POLICY_FIELD_NUMBER: int
    GAMMA_FIELD_NUMBER: int
    POWER_FIELD_NUMBER: int
    MOMENTUM_FIELD_NUMBER: int
    WEIGHT_DECAY_FIELD_NUMBER: int
    REGULARIZATION_TYPE_FIELD_NUMBER: int
    STEPSIZE_FIELD_NUMBER: int
    STEPVALUE_FIELD_NUMBER: int
    CLIP_GRADIENTS_FIELD_NUMBER: int
    SNAPSHOT_FIELD_NUMBER: int
    SNAPSHOT_PREFIX_FIELD_NUMBER: int
    SNAPSHOT_DIFF_FIELD_NUMBER: int
    SNAPSHOT_FORMAT_FIELD_NUMBER: int
    SOLVER_MODE_FIELD_NUMBER: int
    DEVICE_ID_FIELD_NUMBER: int
    RANDOM_SEED_FIELD_NUMBER: int
    TYPE_FIELD_NUMBER: int
    DELTA_FIELD_NUMBER: int
    MOMENTUM2_FIELD_NUMBER: int
    RMS_DECAY_FIELD_NUMBER: int
    DEBUG_INFO_FIELD_NUMBER: int
    SNAPSHOT_AFTER_TRAIN_FIELD_NUMBER: int
    SOLVER_TYPE_FIELD_NUMBER: int
    LAYER_WISE_REDUCE_FIELD_NUMBER: int
    WEIGHTS_FIELD_NUMBER: int
    BREADTH_DECAY_FIELD_NUMBER: int
    KERNEL_SHAPE_DECAY_FIELD_NUMBER: int
    BLOCK_GROUP_DECAY_FIELD_NUMBER: int
    PLATEAU_WINSIZE_FIELD_NUMBER: int
    WARMUP_ITER_FIELD_NUMBER: int
    WARMUP_START_LR_FIELD_NUMBER: int
    RAMPUP_INTERVAL_FIELD_NUMBER: int
    RAMPUP_LR_FIELD_NUMBER: int
    MIN_LR_FIELD_NUMBER: int
    STAGELR_FIELD_NUMBER: int
    STAGEITER_FIELD_NUMBER: int
    EVAL_TYPE_FIELD_NUMBER: int
    AP_VERSION_FIELD_NUMBER: int
    SHOW_PER_CLASS_RESULT_FIELD_NUMBER: int
    net: str
    net_param: NetParameter
    train_net: str
    test_net: RepeatedScalarFieldContainer[str]
    train_net_param: NetParameter
    test_net_param: RepeatedCompositeFieldContainer[NetParameter]
    train_state: NetState
    test_state: RepeatedCompositeFieldContainer[NetState]
    test_iter: RepeatedScalarFieldContainer[int]
    test_interval: int
    test_compute_loss: bool
    test_initialization: bool
    base_lr: float
    display: int
    average_loss: int
    max_iter: int
    iter_size: int
    lr_policy: str
    gamma: float
    power: float
    momentum: float
    weight_decay: float
    regularization_type: str
    stepsize: int
    stepvalue: RepeatedScalarFieldContainer[int]
    clip_gradients: float
    snapshot: int
    snapshot_prefix: str
    snapshot_diff: bool
    snapshot_format: int
    solver_mode: int
    device_id: int
    random_seed: int
    type: str
    delta: float
    momentum2: float
    rms_decay: float
    debug_info: bool
    snapshot_after_train: bool
    solver_type: int
    layer_wise_reduce: bool
    weights: RepeatedScalarFieldContainer[str]
    breadth_decay: float
    kernel_shape_decay: float
    block_group_decay: float
    plateau_winsize: RepeatedScalarFieldContainer[int]
    warmup_iter: int
    warmup_start_lr: float
    rampup_interval: int
    rampup_lr: float
    min_lr: float
    stagelr: RepeatedScalarFieldContainer[float]
    stageiter: RepeatedScalarFieldContainer[int]
    eval_type: str
    ap_version: str
    show_per_class_result: bool
    def __init__(
        self,
        *,
        net: str | None = ...,
        net_param: NetParameter | Mapping[str, Any] | None = ...,
        train_net: str | None = ...,
        test_net: Iterable[str] | None = ...,
        train_net_param: NetParameter | Mapping[str, Any] | None = ...,
        test_net_param: Iterable[NetParameter | Mapping[str, Any]] | None = ...,
        train_state: NetState | Mapping[str, Any] | None = ...,
        test_state: Iterable[NetState | Mapping[str, Any]] | None = ...,
        test_iter: Iterable[int] | None = ...,
        test_interval: int | None = ...,
        test_compute_loss: bool | None = ...,
        test_initialization: bool | None = ...,
        base_lr: float | None = ...,
        display: int | None = ...,
        average_loss: int | None = ...,
        max_iter: int | None = ...,
        iter_size: int | None = ...,
        lr_policy: str | None = ...,
        gamma: float | None = ...,
        power: float | None = ...,
        momentum: float | None = ...,
        weight_decay: float | None = ...,
        regularization_type: str | None = ...,
        stepsize: int | None = ...,
        stepvalue: Iterable[int] | None = ...,
        clip_gradients: float | None = ...,
        snapshot: int | None = ...,
        snapshot_prefix: str | None = ...,
        snapshot_diff: bool | None = ...,
        snapshot_format: int | str | None = ...,
        solver_mode: int | str | None = ...,
        device_id: int | None = ...,
        random_seed: int | None = ...,
        type: str | None = ...,
        delta: float | None = ...,
        momentum2: float | None = ...,
        rms_decay: float | None = ...,
        debug_info: bool | None = ...,
        snapshot_after_train: bool | None = ...,
        solver_type: int | str | None = ...,
        layer_wise_reduce: bool | None = ...,
        weights: Iterable[str] | None = ...,
        breadth_decay: float | None = ...,
        kernel_shape_decay: float | None = ...,
        block_group_decay: float | None = ...,
        plateau_winsize: Iterable[int] | None = ...,
        warmup_iter: int | None = ...,
        warmup_start_lr: float | None = ...,
        rampup_interval: int | None = ...,
        rampup_lr: float | None = ...,
        min_lr: float | None = ...,
        stagelr: Iterable[float] | None = ...,
        stageiter: Iterable[int] | None = ...,
        eval_type: str | None = ...,
        ap_version: str | None = ...,
        show_per_class_result: bool | None = ...,
    ) -> None: ...

class SolverState(Message):
    ITER_FIELD_NUMBER: int
    LEARNED_NET_FIELD_NUMBER: int
    HISTORY_FIELD_NUMBER: int
    CURRENT_STEP_FIELD_NUMBER: int
    RUN_STATE_FIELD_NUMBER: int
    iter: int
    learned_net: str
    history: RepeatedCompositeFieldContainer[BlobProto]
    current_step: int
    run_state: str
    def __init__(
        self,
        *,
        iter: int | None = ...,
        learned_net: str | None = ...,
        history: Iterable[BlobProto | Mapping[str, Any]] | None = ...,
        current_step: int | None = ...,
        run_state: str | None = ...,
    ) -> None: ...

class LayerParameter(Message):
    ConnectivityMode: EnumTypeWrapper
    CONNECTED: int
    DISCONNECTED_ELTWISE: int
    DISCONNECTED_GRPWISE: int
    NAME_FIELD_NUMBER: int
    TYPE_FIELD_NUMBER: int
    BOTTOM_FIELD_NUMBER: int
    TOP_FIELD_NUMBER: int
    PHASE_FIELD_NUMBER: int
    LOSS_WEIGHT_FIELD_NUMBER: int
    PARAM_FIELD_NUMBER: int
    BLOBS_FIELD_NUMBER: int
    PROPAGATE_DOWN_FIELD_NUMBER: int
    INCLUDE_FIELD_NUMBER: int
    EXCLUDE_FIELD_NUMBER: int
    TRANSFORM_PARAM_FIELD_NUMBER: int
    LOSS_PARAM_FIELD_NUMBER: int
    ACCURACY_PARAM_FIELD_NUMBER: int
    ARGMAX_PARAM_FIELD_NUMBER: int
    BATCH_NORM_PARAM_FIELD_NUMBER: int
    BIAS_PARAM_FIELD_NUMBER: int
    CLIP_PARAM_FIELD_NUMBER: int
    CONCAT_PARAM_FIELD_NUMBER: int
    CONTRASTIVE_LOSS_PARAM_FIELD_NUMBER: int
    CONVOLUTION_PARAM_FIELD_NUMBER: int
    CROP_PARAM_FIELD_NUMBER: int
    DATA_PARAM_FIELD_NUMBER: int
    DROPOUT_PARAM_FIELD_NUMBER: int
    DUMMY_DATA_PARAM_FIELD_NUMBER: int
    ELTWISE_PARAM_FIELD_NUMBER: int
    ELU_PARAM_FIELD_NUMBER: int
    EMBED_PARAM_FIELD_NUMBER: int
    EXP_PARAM_FIELD_NUMBER: int
    FLATTEN_PARAM_FIELD_NUMBER: int
    HDF5_DATA_PARAM_FIELD_NUMBER: int
    HDF5_OUTPUT_PARAM_FIELD_NUMBER: int
    HINGE_LOSS_PARAM_FIELD_NUMBER: int
    IMAGE_DATA_PARAM_FIELD_NUMBER: int
    INFOGAIN_LOSS_PARAM_FIELD_NUMBER: int
    INNER_PRODUCT_PARAM_FIELD_NUMBER: int
    INPUT_PARAM_FIELD_NUMBER: int
    LOG_PARAM_FIELD_NUMBER: int
    LRN_PARAM_FIELD_NUMBER: int
    MEMORY_DATA_PARAM_FIELD_NUMBER: int
    MVN_PARAM_FIELD_NUMBER: int
    PARAMETER_PARAM_FIELD_NUMBER: int
    POOLING_PARAM_FIELD_NUMBER: int
    POWER_PARAM_FIELD_NUMBER: int
    PRELU_PARAM_FIELD_NUMBER: int
    PYTHON_PARAM_FIELD_NUMBER: int
    RECURRENT_PARAM_FIELD_NUMBER: int
    REDUCTION_PARAM_FIELD_NUMBER: int
    RELU_PARAM_FIELD_NUMBER: int
    RESHAPE_PARAM_FIELD_NUMBER: int
    SCALE_PARAM_FIELD_NUMBER: int
    SIGMOID_PARAM_FIELD_NUMBER: int
    SOFTMAX_PARAM_FIELD_NUMBER: int
    SPP_PARAM_FIELD_NUMBER: int
    SLICE_PARAM_FIELD_NUMBER: int
    SWISH_PARAM_FIELD_NUMBER: int
    TANH_PARAM_FIELD_NUMBER: int
    THRESHOLD_PARAM_FIELD_NUMBER: int
    TILE_PARAM_FIELD_NUMBER: int
    WINDOW_DATA_PARAM_FIELD_NUMBER: int
    OWN_FIELDS_FIELD_NUMBER: int
    CONNECTIVITY_MODE_FIELD_NUMBER: int
    SPARSIFY_PARAM_FIELD_NUMBER: int
    SYMMETRIC_RECTIFY_PARAM_FIELD_NUMBER: int
    BN_PARAM_FIELD_NUMBER: int
    INTERP_PARAM_FIELD_NUMBER: int
    UPSAMPLE_PARAM_FIELD_NUMBER: int
    UNPOOLING_PARAM_FIELD_NUMBER: int
    SEG_ACCURACY_PARAM_FIELD_NUMBER: int
    DENSE_IMAGE_DATA_PARAM_FIELD_NUMBER: int
    MULTI_STAGE_MEANFIELD_PARAM_FIELD_NUMBER: int
    SPATIAL_DROPOUT_PARAM_FIELD_NUMBER: int
    PERMUTE_PARAM_FIELD_NUMBER: int
    NORM_PARAM_FIELD_NUMBER: int
    PRIOR_BOX_PARAM_FIELD_NUMBER: int
    DETECTION_OUTPUT_PARAM_FIELD_NUMBER: int
    MULTIBOX_LOSS_PARAM_FIELD_NUMBER: int
    ROI_POOLING_PARAM_FIELD_NUMBER: int
    PSROI_POOLING_PARAM_FIELD_NUMBER: int
    SMOOTH_L1_LOSS_PARAM_FIELD_NUMBER: int
    BOX_ANNOTATOR_OHEM_PARAM_FIELD_NUMBER: int
    REORG_PARAM_FIELD_NUMBER: int
    PROPOSAL_PARAM_FIELD_NUMBER: int
    ANCHOR_TARGET_PARAM_FIELD_NUMBER: int
    REGION_TARGET_PARAM_FIELD_NUMBER: int
    ANNOTATED_DATA_PARAM_FIELD_NUMBER: int
    DETECTION_EVALUATE_PARAM_FIELD_NUMBER: int
    REGION_LOSS_PARAM_FIELD_NUMBER: int
    YOLO_DETECTION_OUTPUT_PARAM_FIELD_NUMBER: int
    YOLOV3_DETECTION_OUTPUT_PARAM_FIELD_NUMBER: int
    VIDEO_DATA_PARAM_FIELD_NUMBER: int
    BOX_OUTPUT_PARAM_FIELD_NUMBER: int
    DECODE_BBOX_PARAM_FIELD_NUMBER: int
    BOX_GROUP_OUTPUT_PARAM_FIELD_NUMBER: int
    BBOX_REG_PARAM_FIELD_NUMBER: int
    DETECTION_LOSS_PARAM_FIELD_NUMBER: int
    DETECTION_ACCURACY_PARAM_FIELD_NUMBER: int
    PROPOSAL_TARGET_PARAM_FIELD_NUMBER: int
    IMAGE_GT_DATA_PARAM_FIELD_NUMBER: int
    YOLOV3_PARAM_FIELD_NUMBER: int
    DETECTION_DATA_PARAM_FIELD_NUMBER: int
    EVAL_DATA_PARAM_FIELD_NUMBER: int
    HARD_MINING_PARAM_FIELD_NUMBER: int
    SCALE_ROUTE_PARAM_FIELD_NUMBER: int
    DETECTION_GROUP_LOSS_PARAM_FIELD_NUMBER: int
    DETECTION_GROUP_ACCURACY_PARAM_FIELD_NUMBER: int
    FRCNN_OUTPUT_PARAM_FIELD_NUMBER: int
    DETECTION_OUTPUT_SSD_PARAM_FIELD_NUMBER: int
    DFMB_PSROI_POOLING_PARAM_FIELD_NUMBER: int
    GS_TILING_PARAM_FIELD_NUMBER: int
    REGION_POOLING_PARAM_FIELD_NUMBER: int
    JOINT_REGION_PARAM_FIELD_NUMBER: int
    DETECTNET_CLUSTER_PARAM_FIELD_NUMBER: int
    SCORE_DETECTIONS_PARAM_FIELD_NUMBER: int
    SHUFFLE_CHANNEL_PARAM_FIELD_NUMBER: int
    FLIP_PARAM_FIELD_NUMBER: int
    CENTER_LOSS_PARAM_FIELD_NUMBER: int
    REVERSE_PARAM_FIELD_NUMBER: int
    TRANSPOSE_PARAM_FIELD_NUMBER: int
    TRIPLET_LOSS_PARAM_FIELD_NUMBER: int
    FOCAL_LOSS_PARAM_FIELD_NUMBER: int
    LABEL_SPECIFIC_ADD_PARAM_FIELD_NUMBER: int
    MARGIN_INNER_PRODUCT_PARAM_FIELD_NUMBER: int
    LARGEMARGIN_INNER_PRODUCT_PARAM_FIELD_NUMBER: int
    LSTM_PARAM_FIELD_NUMBER: int
    CTC_LOSS_PARAM_FIELD_NUMBER: int
    CORRELATION_PARAM_FIELD_NUMBER: int
    FLOW_WARP_PARAM_FIELD_NUMBER: int
    RESAMPLE_PARAM_FIELD_NUMBER: int
    DOWNSAMPLE_PARAM_FIELD_NUMBER: int
    L1_LOSS_PARAM_FIELD_NUMBER: int
    CONVOLUTION3D_PARAM_FIELD_NUMBER: int
    POOLING3D_PARAM_FIELD_NUMBER: int
    DEFORMABLE_CONVOLUTION_PARAM_FIELD_NUMBER: int
    CHANNEL_SCALE_PARAM_FIELD_NUMBER: int
    LOCAL_PARAM_FIELD_NUMBER: int
    NORMALIZE_PARAM_FIELD_NUMBER: int
    GRN_PARAM_FIELD_NUMBER: int
    INSANITY_PARAM_FIELD_NUMBER: int
    IMRESIZE_PARAM_FIELD_NUMBER: int
    NMS_PARAM_FIELD_NUMBER: int
    ROI_WARPING_PARAM_FIELD_NUMBER: int
    MASK_RESIZE_PARAM_FIELD_NUMBER: int
    ST_PARAM_FIELD_NUMBER: int
    SELU_DROPOUT_PARAM_FIELD_NUMBER: int
    DENSE_CRF_PARAM_FIELD_NUMBER: int
    MAT_WRITE_PARAM_FIELD_NUMBER: int
    MAT_READ_PARAM_FIELD_NUMBER: int
    GRADIENT_SCALER_PARAM_FIELD_NUMBER: int
    ROI_ALIGN_PARAM_FIELD_NUMBER: int
    LIFTED_STRUCT_SIM_SOFTMAX_LOSS_PARAM_FIELD_NUMBER: int
    NOISE_PARAM_FIELD_NUMBER: int
    RESIZE_PARAM_FIELD_NUMBER: int
    IMAGE_LABEL_DATA_PARAM_FIELD_NUMBER: int
    CONTINUATION_INDICATOR_PARAM_FIELD_NUMBER: int
    CTC_DECODER_PARAM_FIELD_NUMBER: int
    LABELSEQUENCE_ACCURACY_PARAM_FIELD_NUMBER: int
    ELTWISE_ACCURACY_PARAM_FIELD_NUMBER: int
    AUGMENTATION_PARAM_FIELD_NUMBER: int
    MEAN_PARAM_FIELD_NUMBER: int
    EXPMAX_PARAM_FIELD_NUMBER: int
    LPQ_LOSS_PARAM_FIELD_NUMBER: int
    WRITER_PARAM_FIELD_NUMBER: int
    BATCH_REDUCTION_PARAM_FIELD_NUMBER: int
    PAD_PARAM_FIELD_NUMBER: int
    PADDING_PARAM_FIELD_NUMBER: int
    COS_DATA_PARAM_FIELD_NUMBER: int
    CPM_TRANSFORM_PARAM_FIELD_NUMBER: int
    COMPACT_BILINEAR_PARAM_FIELD_NUMBER: int
    MERGECROP_PARAM_FIELD_NUMBER: int
    PSROI_ALIGN_PARAM_FIELD_NUMBER: int
    DEFORMABLE_PSROI_POOLING_PARAM_FIELD_NUMBER: int
    INNER_DISTANCE_PARAM_FIELD_NUMBER: int
    GENERAL_CONTRASTIVE_LOSS_PARAM_FIELD_NUMBER: int
    GENERAL_TRIPLET_LOSS_PARAM_FIELD_NUMBER: int
    LABEL_SPECIFIC_RESCALE_PARAM_FIELD_NUMBER: int
    LABEL_SPECIFIC_MARGIN_PARAM_FIELD_NUMBER: int
    COSIN_ADD_M_PARAM_FIELD_NUMBER: int
    INTER_CLASS_PARAM_FIELD_NUMBER: int
    BIAS_CHANNEL_PARAM_FIELD_NUMBER: int
    ADAPTIVE_BIAS_CHANNEL_PARAM_FIELD_NUMBER: int
    UNIQUE_LABEL_PARAM_FIELD_NUMBER: int
    DOMAIN_TRANSFORM_PARAM_FIELD_NUMBER: int
    ATTENTION_LOSS_PARAM_FIELD_NUMBER: int
    DETECTNET_GROUNDTRUTH_PARAM_FIELD_NUMBER: int
    DETECTNET_AUGMENTATION_PARAM_FIELD_NUMBER: int
    EVAL_DETECTION_PARAM_FIELD_NUMBER: int
    QUANTIZATION_PARAM_FIELD_NUMBER: int
    AFFINITY_PARAM_FIELD_NUMBER: int
    ROTATE_POOLING_PARAM_FIELD_NUMBER: int
    SPACE_TO_BATCH_ND_PARAM_FIELD_NUMBER: int
    BATCH_TO_SPACE_ND_PARAM_FIELD_NUMBER: int
    UPSAMPLE_DARKNET_PARAM_FIELD_NUMBER: int
    LABELED_MATCHING_PARAM_FIELD_NUMBER: int
    UNLABELED_MATCHING_PARAM_FIELD_NUMBER: int
    MUL_PARAM_FIELD_NUMBER: int
    MATMUL_PARAM_FIELD_NUMBER: int
    EXPAND_DIMS_ND_PARAM_FIELD_NUMBER: int
    STACK_PARAM_FIELD_NUMBER: int
    UNSTACK_PARAM_FIELD_NUMBER: int
    RRELU_PARAM_FIELD_NUMBER: int
    APL_PARAM_FIELD_NUMBER: int
    ELTWISE_AFFINE_PARAM_FIELD_NUMBER: int
    MMD_PARAM_FIELD_NUMBER: int
    JMMD_PARAM_FIELD_NUMBER: int
    ENTROPY_PARAM_FIELD_NUMBER: int
    SCALE_TANH_PARAM_FIELD_NUMBER: int
    PAIRWISE_PARAM_FIELD_NUMBER: int
    PIXEL_SHUFFLE_PARAM_FIELD_NUMBER: int
    STRIDED_SLICE_PARAM_FIELD_NUMBER: int
    BINARY_CONVOLUTION_PARAM_FIELD_NUMBER: int
    BINARY_INNER_PRODUCT_PARAM_FIELD_NUMBER: int
    QUANT_PARAM_FIELD_NUMBER: int
    DENSEBLOCK_PARAM_FIELD_NUMBER: int
    GATERECURRENT_PARAM_FIELD_NUMBER: int
    ASL_PARAM_FIELD_NUMBER: int
    ROI_MASK_POOLING_PARAM_FIELD_NUMBER: int
    MIL_PARAM_FIELD_NUMBER: int
    RANK_PARAM_FIELD_NUMBER: int
    HEATMAP_DATA_PARAM_FIELD_NUMBER: int
    SIMPLER_NMS_PARAM_FIELD_NUMBER: int
    EXTRACT_PARAM_FIELD_NUMBER: int
    YOLO_SEG_PARAM_FIELD_NUMBER: int
    SEGMENTATION_EVALUATE_PARAM_FIELD_NUMBER: int
    REVERSE_TIME_PARAM_FIELD_NUMBER: int
    CCONVOLUTION_PARAM_FIELD_NUMBER: int
    CINNER_PRODUCT_PARAM_FIELD_NUMBER: int
    RING_PAD_PARAM_FIELD_NUMBER: int
    CRELU_PARAM_FIELD_NUMBER: int
    BATCH_RENORM_PARAM_FIELD_NUMBER: int
    CONFUSION_MATRIX_PARAM_FIELD_NUMBER: int
    COLOR_CONV_PARAM_FIELD_NUMBER: int
    CROSS_ENTROPY_LOSS_PARAM_FIELD_NUMBER: int
    LOCAL_CONVOLUTION_PARAM_FIELD_NUMBER: int
    LOCAL_CONV_PARAM_FIELD_NUMBER: int
    LSTM_CONV_PARAM_FIELD_NUMBER: int
    LSTM_DEBUG_PARAM_FIELD_NUMBER: int
    DOT_PRODUCT_PARAM_FIELD_NUMBER: int
    PRECISION_RECALL_LOSS_PARAM_FIELD_NUMBER: int
    MAXOUT_PARAM_FIELD_NUMBER: int
    RANGE_LOSS_PARAM_FIELD_NUMBER: int
    WASSERSTEIN_PARAM_FIELD_NUMBER: int
    UPSAMPLING_PARAM_FIELD_NUMBER: int
    SSIM_LOSS_PARAM_FIELD_NUMBER: int
    LOG_SOFTMAX_PARAM_FIELD_NUMBER: int
    DEPTH_TO_SPACE_PARAM_FIELD_NUMBER: int
    LAYER_NORM_PARAM_FIELD_NUMBER: int
    HARD_SIGMOID_PARAM_FIELD_NUMBER: int
    REDUCE_SUM_PARAM_FIELD_NUMBER: int
    REDUCE_MEAN_PARAM_FIELD_NUMBER: int
    REDUCE_MAX_PARAM_FIELD_NUMBER: int
    REDUCE_MIN_PARAM_FIELD_NUMBER: int
    REDUCE_PROD_PARAM_FIELD_NUMBER: int
    REDUCE_LOGSUMEXP_PARAM_FIELD_NUMBER: int
    REDUCE_L1_PARAM_FIELD_NUMBER: int
    REDUCE_L2_PARAM_FIELD_NUMBER: int
    SQUEEZE_PARAM_FIELD_NUMBER: int
    BROADCAST_TO_PARAM_FIELD_NUMBER: int
    TILE_ND_PARAM_FIELD_NUMBER: int
    PIECE_PARAM_FIELD_NUMBER: int
    SPACE_TO_DEPTH_PARAM_FIELD_NUMBER: int
    MIRROR_PAD_PARAM_FIELD_NUMBER: int
    RESIZE_BILINEAR_PARAM_FIELD_NUMBER: int
    RESIZE_NEAREST_NEIGHBOR_PARAM_FIELD_NUMBER: int
    GEMM_PARAM_FIELD_NUMBER: int
    THRESHOLDED_RELU_PARAM_FIELD_NUMBER: int
    SPATIAL_SOFTMAX_PARAM_FIELD_NUMBER: int
    IMAGE_DISTORT_PARAM_FIELD_NUMBER: int
    MULTI_LABEL_DATA_PARAM_FIELD_NUMBER: int
    GUIDED_DROPOUT_PARAM_FIELD_NUMBER: int
    KNOWLEDGE_DISTILLATION_PARAM_FIELD_NUMBER: int
    FIXED_PARAM_FIELD_NUMBER: int
    DEEPHI_RESIZE_PARAM_FIELD_NUMBER: int
    TILING_PARAM_FIELD_NUMBER: int
    DRIVE_DATA_PARAM_FIELD_NUMBER: int
    RESCALE_PARAM_FIELD_NUMBER: int
    CHARBONNIER_LOSS_PARAM_FIELD_NUMBER: int
    MULTI_FRAME_DATA_PARAM_FIELD_NUMBER: int
    WINDOW_CLS_DATA_PARAM_FIELD_NUMBER: int
    SELECT_SEG_BINARY_PARAM_FIELD_NUMBER: int
    NEAREST_COLOURS_PARAM_FIELD_NUMBER: int
    RANDVEC_PARAM_FIELD_NUMBER: int
    DENSECRF_PARAM_FIELD_NUMBER: int
    RAND_COMP_PARAM_FIELD_NUMBER: int
    COEFF_SCHEDULE_PARAM_FIELD_NUMBER: int
    name: str
    type: str
    bottom: RepeatedScalarFieldContainer[str]
    top: RepeatedScalarFieldContainer[str]
    phase: int
    loss_weight: RepeatedScalarFieldContainer[float]
    param: RepeatedCompositeFieldContainer[ParamSpec]
    blobs: RepeatedCompositeFieldContainer[BlobProto]
    propagate_down: RepeatedScalarFieldContainer[bool]
    include: RepeatedCompositeFieldContainer[NetStateRule]
    exclude: RepeatedCompositeFieldContainer[NetStateRule]
    transform_param: TransformationParameter
    loss_param: LossParameter
    accuracy_param: AccuracyParameter
    argmax_param: ArgMaxParameter
    batch_norm_param: BatchNormParameter
    bias_param: BiasParameter
    clip_param: ClipParameter
    concat_param: ConcatParameter
    contrastive_loss_param: ContrastiveLossParameter
    convolution_param: ConvolutionParameter
    crop_param: CropParameter
    data_param: DataParameter
    dropout_param: DropoutParameter
    dummy_data_param: DummyDataParameter
    eltwise_param: EltwiseParameter
    elu_param: ELUParameter
    embed_param: EmbedParameter
    exp_param: ExpParameter
    flatten_param: FlattenParameter
    hdf5_data_param: HDF5DataParameter
    hdf5_output_param: HDF5OutputParameter
    hinge_loss_param: HingeLossParameter
    image_data_param: ImageDataParameter
    infogain_loss_param: InfogainLossParameter
    inner_product_param: InnerProductParameter
    input_param: InputParameter
    log_param: LogParameter
    lrn_param: LRNParameter
    memory_data_param: MemoryDataParameter
    mvn_param: MVNParameter
    parameter_param: ParameterParameter
    pooling_param: PoolingParameter
    power_param: PowerParameter
    prelu_param: PReLUParameter
    python_param: PythonParameter
    recurrent_param: RecurrentParameter
    reduction_param: ReductionParameter
    relu_param: ReLUParameter
    reshape_param: ReshapeParameter
    scale_param: ScaleParameter
    sigmoid_param: SigmoidParameter
    softmax_param: SoftmaxParameter
    spp_param: SPPParameter
    slice_param: SliceParameter
    swish_param: SwishParameter
    tanh_param: TanHParameter
    threshold_param: ThresholdParameter
    tile_param: TileParameter
    window_data_param: WindowDataParameter
    own_fields: str
    connectivity_mode: int
    sparsify_param: SparsifyParameter
    symmetric_rectify_param: SymmetricRectifyParameter
    bn_param: BNParameter
    interp_param: InterpParameter
    upsample_param: UpsampleParameter
    unpooling_param: UnpoolingParameter
    seg_accuracy_param: SegAccuracyParameter
    dense_image_data_param: DenseImageDataParameter
    multi_stage_meanfield_param: MultiStageMeanfieldParameter
    spatial_dropout_param: SpatialDropoutParameter
    permute_param: PermuteParameter
    norm_param: NormalizeParameter
    prior_box_param: PriorBoxParameter
    detection_output_param: DetectionOutputParameter
    multibox_loss_param: MultiBoxLossParameter
    roi_pooling_param: ROIPoolingParameter
    psroi_pooling_param: PSROIPoolingParameter
    smooth_l1_loss_param: SmoothL1LossParameter
    box_annotator_ohem_param: BoxAnnotatorOHEMParameter
    reorg_param: ReorgParameter
    proposal_param: ProposalParameter
    anchor_target_param: AnchorTargetParameter
    region_target_param: RegionTargetParameter
    annotated_data_param: AnnotatedDataParameter
    detection_evaluate_param: DetectionEvaluateParameter
    region_loss_param: RegionLossParameter
    yolo_detection_output_param: YoloDetectionOutputParameter
    yolov3_detection_output_param: Yolov3DetectionOutputParameter
    video_data_param: VideoDataParameter
    box_output_param: BoxOutputParameter
    decode_bbox_param: DecodeBBoxParameter
    box_group_output_param: BoxGroupOutputParameter
    bbox_reg_param: BBoxRegParameter
    detection_loss_param: DetectionLossParameter
    detection_accuracy_param: DetectionAccuracyParameter
    proposal_target_param: ProposalTargetParameter
    image_gt_data_param: ImageGtDataParameter
    yolov3_param: Yolov3Parameter
    detection_data_param: DetectionDataParameter
    eval_data_param: EvalDataParameter
    hard_mining_param: HardMiningParameter
    scale_route_param: ScaleRouteParameter
    detection_group_loss_param: DetectionGroupLossParameter
    detection_group_accuracy_param: DetectionGroupAccuracyParameter
    frcnn_output_param: FrcnnOutputParameter
    detection_output_ssd_param: DetectionOutputSSDParameter
    dfmb_psroi_pooling_param: DFMBPSROIPoolingParameter
    gs_tiling_param: GSTilingParameter
    region_pooling_param: RegionPoolingParameter
    joint_region_param: JointRegionParameter
    detectnet_cluster_param: DetectNetClusterParameter
    score_detections_param: ScoreDetectionsParameter
    shuffle_channel_param: ShuffleChannelParameter
    flip_param: FlipParameter
    center_loss_param: CenterLossParameter
    reverse_param: ReverseParameter
    transpose_param: TransposeParameter
    triplet_loss_param: TripletLossParameter
    focal_loss_param: FocalLossParameter
    label_specific_add_param: LabelSpecificAddParameter
    margin_inner_product_param: MarginInnerProductParameter
    largemargin_inner_product_param: MarginInnerProductParameter
    lstm_param: LSTMParameter
    ctc_loss_param: CtcLossParameter
    correlation_param: CorrelationParameter
    flow_warp_param: FlowWarpParameter
    resample_param: ResampleParameter
    downsample_param: DownsampleParameter
    l1_loss_param: L1LossParameter
    convolution3d_param: Convolution3DParameter
    pooling3d_param: Pooling3DParameter
    deformable_convolution_param: DeformableConvolutionParameter
    channel_scale_param: ChannelScaleParameter
    local_param: LocalParameter
    normalize_param: NormFaceParameter
    grn_param: GRNParameter
    insanity_param: InsanityParameter
    imresize_param: ImResizeParameter
    nms_param: NmsParameter
    roi_warping_param: ROIPoolingParameter
    mask_resize_param: MaskResizeParameter
    st_param: SpatialTransformerParameter
    selu_dropout_param: SpatialDropoutParameter
    dense_crf_param: DenseCRFParameter
    mat_write_param: MatWriteParameter
    mat_read_param: MatReadParameter
    gradient_scaler_param: GradientScalerParameter
    roi_align_param: ROIAlignParameter
    lifted_struct_sim_softmax_loss_param: MarginParameter
    noise_param: AddedNoiseParameter
    resize_param: SizeParameter
    image_label_data_param: ImageLabelDataParameter
    continuation_indicator_param: ContinuationIndicatorParameter
    ctc_decoder_param: CTCDecoderParameter
    labelsequence_accuracy_param: LabelsequenceAccuracyParameter
    eltwise_accuracy_param: AccuracyParameter
    augmentation_param: AugmentationParameter
    mean_param: MeanParameter
    expmax_param: ExpParameter
    lpq_loss_param: LpqLossParameter
    writer_param: WriterParameter
    batch_reduction_param: BatchReductionParameter
    pad_param: PadParameter
    padding_param: PaddingParameter
    cos_data_param: CoSDataParameter
    cpm_transform_param: CPMTransformationParameter
    compact_bilinear_param: CompactBilinearParameter
    mergecrop_param: MergeCropParameter
    psroi_align_param: PSROIAlignParameter
    deformable_psroi_pooling_param: DeformablePSROIPoolingParameter
    inner_distance_param: InnerDistanceParameter
    general_contrastive_loss_param: GeneralContrastiveLossParameter
    general_triplet_loss_param: GeneralTripletLossParameter
    label_specific_rescale_param: LabelSpecificRescaleParameter
    label_specific_margin_param: LabelSpecificMarginParameter
    cosin_add_m_param: CosinAddmParameter
    inter_class_param: InterClassParameter
    bias_channel_param: BiasChannelParameter
    adaptive_bias_channel_param: AdaptiveBiasChannelParameter
    unique_label_param: UniqueLabelParameter
    domain_transform_param: DomainTransformParameter
    attention_loss_param: AttentionLossParameter
    detectnet_groundtruth_param: DetectNetGroundTruthParameter
    detectnet_augmentation_param: DetectNetAugmentationParameter
    eval_detection_param: EvalDetectionParameter
    quantization_param: QuantizationParameter
    affinity_param: AffinityParameter
    rotate_pooling_param: RotateROIPoolingParameter
    space_to_batch_nd_param: SpaceToBatchNDParameter
    batch_to_space_nd_param: BatchToSpaceNDParameter
    upsample_darknet_param: UpsampleDarknetParameter
    labeled_matching_param: LabeledMatchingParameter
    unlabeled_matching_param: UnlabeledMatchingParameter
    mul_param: MulParameter
    matmul_param: MatMulParameter
    expand_dims_nd_param: NewAxisParameter
    stack_param: NewAxisParameter
    unstack_param: NewAxisParameter
    rrelu_param: RReLUParameter
    apl_param: APLParameter
    eltwise_affine_param: EltwiseAffineParameter
    mmd_param: MMDParameter
    jmmd_param: JMMDParameter
    entropy_param: EntropyParameter
    scale_tanh_param: ScaleTanHParameter
    pairwise_param: PairwiseParameter
    pixel_shuffle_param: PixelShuffleParameter
    strided_slice_param: StridedSliceParameter
    binary_convolution_param: BinaryConvolutionParameter
    binary_inner_product_param: BinaryInnerProductParameter
    quant_param: QuantParameter
    denseblock_param: DenseBlockParameter
    gaterecurrent_param: GateRecurrentParameter
    asl_param: ASLParameter
    roi_mask_pooling_param: ROIMaskPoolingParameter
    mil_param: MILParameter
    rank_param: RankParameter
    heatmap_data_param: HeatmapDataParameter
    simpler_nms_param: SimplerNMSParameter
    extract_param: ExtractParameter
    yolo_seg_param: YoloSegParameter
    segmentation_evaluate_param: SegmentationEvaluateParameter
    reverse_time_param: ReverseTimeParameter
    cconvolution_param: CConvolutionParameter
    cinner_product_param: CInnerProductParameter
    ring_pad_param: RingPadParameter
    crelu_param: CReLUParameter
    batch_renorm_param: BatchReNormParameter
    confusion_matrix_param: AccuracyParameter
    color_conv_param: ColorConvParameter
    cross_entropy_loss_param: CrossEntropyLossParameter
    local_convolution_param: LocalConvolutionParameter
    local_conv_param: LocalConvolutionParameter
    lstm_conv_param: RepeatedCompositeFieldContainer[LSTMConvolutionParameter]
    lstm_debug_param: LSTMDebugParameter
    dot_product_param: DotProductParameter
    precision_recall_loss_param: PrecisionRecallLossParameter
    maxout_param: MaxoutParameter
    range_loss_param: RangeLossParameter
    wasserstein_param: WassersteinParameter
    upsampling_param: UpsamplingParameter
    ssim_loss_param: SSIMLossParameter
    log_softmax_param: LogSoftmaxParameter
    depth_to_space_param: DepthToSpaceParameter
    layer_norm_param: LayerNormParameter
    hard_sigmoid_param: HardSigmoidParameter
    reduce_sum_param: ReduceParameter
    reduce_mean_param: ReduceParameter
    reduce_max_param: ReduceParameter
    reduce_min_param: ReduceParameter
    reduce_prod_param: ReduceParameter
    reduce_logsumexp_param: ReduceParameter
    reduce_l1_param: ReduceNormParameter
    reduce_l2_param: ReduceNormParameter
    squeeze_param: SqueezeParameter
    broadcast_to_param: BroadcastToParameter
    tile_nd_param: TileNDParameter
    piece_param: PieceParameter
    space_to_depth_param: DepthToSpaceParameter
    mirror_pad_param: MirrorPadParameter
    resize_bilinear_param: ResizeBilinearParameter
    resize_nearest_neighbor_param: ResizeNearestNeighborParameter
    gemm_param: GemmParameter
    thresholded_relu_param: ThresholdedReLUParameter
    spatial_softmax_param: SpatialSoftmaxParameter
    image_distort_param: ImageDistortParameter
    multi_label_data_param: ImageDataParameter
    guided_dropout_param: GuidedDropoutParameter
    knowledge_distillation_param: KnowledgeDistillationParameter
    fixed_param: FixedParameter
    deephi_resize_param: DeephiResizeParameter
    tiling_param: TilingParameter
    drive_data_param: DriveDataParameter
    rescale_param: RescaleParameter
    charbonnier_loss_param: CharbonnierLossParameter
    multi_frame_data_param: VideoDataParameter
    window_cls_data_param: WindowClsDataParameter
    select_seg_binary_param: SelectSegBinaryParameter
    nearest_colours_param: NearestColoursParameter
    randvec_param: RandVecParameter
    densecrf_param: DenseCRFLabelParameter
    rand_comp_param: RandCompParameter
    coeff_schedule_param: CoeffScheduleParameter
    def __init__(
        self,
        *,
        name: str | None = ...,
        type: str | None = ...,
        bottom: Iterable[str] | None = ...,
        top: Iterable[str] | None = ...,
        phase: int | str | None = ...,
        loss_weight: Iterable[float] | None = ...,
        param: Iterable[ParamSpec | Mapping[str, Any]] | None = ...,
        blobs: Iterable[BlobProto | Mapping[str, Any]] | None = ...,
        propagate_down: Iterable[bool] | None = ...,
        include: Iterable[NetStateRule | Mapping[str, Any]] | None = ...,
        exclude: Iterable[NetStateRule | Mapping[str, Any]] | None = ...,
        transform_param: TransformationParameter | Mapping[str, Any] | None = ...,
        loss_param: LossParameter | Mapping[str, Any] | None = ...,
        accuracy_param: AccuracyParameter | Mapping[str, Any] | None = ...,
        argmax_param: ArgMaxParameter | Mapping[str, Any] | None = ...,
        batch_norm_param: BatchNormParameter | Mapping[str, Any] | None = ...,
        bias_param: BiasParameter | Mapping[str, Any] | None = ...,
        clip_param: ClipParameter | Mapping[str, Any] | None = ...,
        concat_param: ConcatParameter | Mapping[str, Any] | None = ...,
        contrastive_loss_param: ContrastiveLossParameter | Mapping[str, Any] | None = ...,
        convolution_param: ConvolutionParameter | Mapping[str, Any] | None = ...,
        crop_param: CropParameter | Mapping[str, Any] | None = ...,
        data_param: DataParameter | Mapping[str, Any] | None = ...,
        dropout_param: DropoutParameter | Mapping[str, Any] | None = ...,
        dummy_data_param: DummyDataParameter | Mapping[str, Any] | None = ...,
        eltwise_param: EltwiseParameter | Mapping[str, Any] | None = ...,
        elu_param: ELUParameter | Mapping[str, Any] | None = ...,
        embed_param: EmbedParameter | Mapping[str, Any] | None = ...,
        exp_param: ExpParameter | Mapping[str, Any] | None = ...,
        flatten_param: FlattenParameter | Mapping[str, Any] | None = ...,
        hdf5_data_param: HDF5DataParameter | Mapping[str, Any] | None = ...,
        hdf5_output_param: HDF5OutputParameter | Mapping[str, Any] | None = ...,
        hinge_loss_param: HingeLossParameter | Mapping[str, Any] | None = ...,
        image_data_param: ImageDataParameter | Mapping[str, Any] | None = ...,
        infogain_loss_param: InfogainLossParameter | Mapping[str, Any] | None = ...,
        inner_product_param: InnerProductParameter | Mapping[str, Any] | None = ...,
        input_param: InputParameter | Mapping[str, Any] | None = ...,
        log_param: LogParameter | Mapping[str, Any] | None = ...,
        lrn_param: LRNParameter | Mapping[str, Any] | None = ...,
        memory_data_param: MemoryDataParameter | Mapping[str, Any] | None = ...,
        mvn_param: MVNParameter | Mapping[str, Any] | None = ...,
        parameter_param: ParameterParameter | Mapping[str, Any] | None = ...,
        pooling_param: PoolingParameter | Mapping[str, Any] | None = ...,
        power_param: PowerParameter | Mapping[str, Any] | None = ...,
        prelu_param: PReLUParameter | Mapping[str, Any] | None = ...,
        python_param: PythonParameter | Mapping[str, Any] | None = ...,
        recurrent_param: RecurrentParameter | Mapping[str, Any] | None = ...,
        reduction_param: ReductionParameter | Mapping[str, Any] | None = ...,
        relu_param: ReLUParameter | Mapping[str, Any] | None = ...,
        reshape_param: ReshapeParameter | Mapping[str, Any] | None = ...,
        scale_param: ScaleParameter | Mapping[str, Any] | None = ...,
        sigmoid_param: SigmoidParameter | Mapping[str, Any] | None = ...,
        softmax_param: SoftmaxParameter | Mapping[str, Any] | None = ...,
        spp_param: SPPParameter | Mapping[str, Any] | None = ...,
        slice_param: SliceParameter | Mapping[str, Any] | None = ...,
        swish_param: SwishParameter | Mapping[str, Any] | None = ...,
        tanh_param: TanHParameter | Mapping[str, Any] | None = ...,
        threshold_param: ThresholdParameter | Mapping[str, Any] | None = ...,
        tile_param: TileParameter | Mapping[str, Any] | None = ...,
        window_data_param: WindowDataParameter | Mapping[str, Any] | None = ...,
        own_fields: str | None = ...,
        connectivity_mode: int | str | None = ...,
        sparsify_param: SparsifyParameter | Mapping[str, Any] | None = ...,
        symmetric_rectify_param: SymmetricRectifyParameter | Mapping[str, Any] | None = ...,
        bn_param: BNParameter | Mapping[str, Any] | None = ...,
        interp_param: InterpParameter | Mapping[str, Any] | None = ...,
        upsample_param: UpsampleParameter | Mapping[str, Any] | None = ...,
        unpooling_param: UnpoolingParameter | Mapping[str, Any] | None = ...,
        seg_accuracy_param: SegAccuracyParameter | Mapping[str, Any] | None = ...,
        dense_image_data_param: DenseImageDataParameter | Mapping[str, Any] | None = ...,
        multi_stage_meanfield_param: MultiStageMeanfieldParameter | Mapping[str, Any] | None = ...,
        spatial_dropout_param: SpatialDropoutParameter | Mapping[str, Any] | None = ...,
        permute_param: PermuteParameter | Mapping[str, Any] | None = ...,
        norm_param: NormalizeParameter | Mapping[str, Any] | None = ...,
        prior_box_param: PriorBoxParameter | Mapping[str, Any] | None = ...,
        detection_output_param: DetectionOutputParameter | Mapping[str, Any] | None = ...,
        multibox_loss_param: MultiBoxLossParameter | Mapping[str, Any] | None = ...,
        roi_pooling_param: ROIPoolingParameter | Mapping[str, Any] | None = ...,
        psroi_pooling_param: PSROIPoolingParameter | Mapping[str, Any] | None = ...,
        smooth_l1_loss_param: SmoothL1LossParameter | Mapping[str, Any] | None = ...,
        box_annotator_ohem_param: BoxAnnotatorOHEMParameter | Mapping[str, Any] | None = ...,
        reorg_param: ReorgParameter | Mapping[str, Any] | None = ...,
        proposal_param: ProposalParameter | Mapping[str, Any] | None = ...,
        anchor_target_param: AnchorTargetParameter | Mapping[str, Any] | None = ...,
        region_target_param: RegionTargetParameter | Mapping[str, Any] | None = ...,
        annotated_data_param: AnnotatedDataParameter | Mapping[str, Any] | None = ...,
        detection_evaluate_param: DetectionEvaluateParameter | Mapping[str, Any] | None = ...,
        region_loss_param: RegionLossParameter | Mapping[str, Any] | None = ...,
        yolo_detection_output_param: YoloDetectionOutputParameter | Mapping[str, Any] | None = ...,
        yolov3_detection_output_param: Yolov3DetectionOutputParameter
        | Mapping[str, Any]
        | None = ...,
        video_data_param: VideoDataParameter | Mapping[str, Any] | None = ...,
        box_output_param: BoxOutputParameter | Mapping[str, Any] | None = ...,
        decode_bbox_param: DecodeBBoxParameter | Mapping[str, Any] | None = ...,
        box_group_output_param: BoxGroupOutputParameter | Mapping[str, Any] | None = ...,
        bbox_reg_param: BBoxRegParameter | Mapping[str, Any] | None = ...,
        detection_loss_param: DetectionLossParameter | Mapping[str, Any] | None = ...,
        detection_accuracy_param: DetectionAccuracyParameter | Mapping[str, Any] | None = ...,
        proposal_target_param: ProposalTargetParameter | Mapping[str, Any] | None = ...,
        image_gt_data_param: ImageGtDataParameter | Mapping[str, Any] | None = ...,
        yolov3_param: Yolov3Parameter | Mapping[str, Any] | None = ...,
        detection_data_param: DetectionDataParameter | Mapping[str, Any] | None = ...,
        eval_data_param: EvalDataParameter | Mapping[str, Any] | None = ...,
        hard_mining_param: HardMiningParameter | Mapping[str, Any] | None = ...,
        scale_route_param: ScaleRouteParameter | Mapping[str, Any] | None = ...,
        detection_group_loss_param: DetectionGroupLossParameter | Mapping[str, Any] | None = ...,
        detection_group_accuracy_param: DetectionGroupAccuracyParameter
        | Mapping[str, Any]
        | None = ...,
        frcnn_output_param: FrcnnOutputParameter | Mapping[str, Any] | None = ...,
        detection_output_ssd_param: DetectionOutputSSDParameter | Mapping[str, Any] | None = ...,
        dfmb_psroi_pooling_param: DFMBPSROIPoolingParameter | Mapping[str, Any] | None = ...,
        gs_tiling_param: GSTilingParameter | Mapping[str, Any] | None = ...,
        region_pooling_param: RegionPoolingParameter | Mapping[str, Any] | None = ...,
        joint_region_param: JointRegionParameter | Mapping[str, Any] | None = ...,
        detectnet_cluster_param: DetectNetClusterParameter | Mapping[str, Any] | None = ...,
        score_detections_param: ScoreDetectionsParameter | Mapping[str, Any] | None = ...,
        shuffle_channel_param: ShuffleChannelParameter | Mapping[str, Any] | None = ...,
        flip_param: FlipParameter | Mapping[str, Any] | None = ...,
        center_loss_param: CenterLossParameter | Mapping[str, Any] | None = ...,
        reverse_param: ReverseParameter | Mapping[str, Any] | None = ...,
        transpose_param: TransposeParameter | Mapping[str, Any] | None = ...,
        triplet_loss_param: TripletLossParameter | Mapping[str, Any] | None = ...,
        focal_loss_param: FocalLossParameter | Mapping[str, Any] | None = ...,
        label_specific_add_param: LabelSpecificAddParameter | Mapping[str, Any] | None = ...,
        margin_inner_product_param: MarginInnerProductParameter | Mapping[str, Any] | None = ...,
        largemargin_inner_product_param: MarginInnerProductParameter
        | Mapping[str, Any]
        | None = ...,
        lstm_param: LSTMParameter | Mapping[str, Any] | None = ...,
        ctc_loss_param: CtcLossParameter | Mapping[str, Any] | None = ...,
        correlation_param: CorrelationParameter | Mapping[str, Any] | None = ...,
        flow_warp_param: FlowWarpParameter | Mapping[str, Any] | None = ...,
        resample_param: ResampleParameter | Mapping[str, Any] | None = ...,
        downsample_param: DownsampleParameter | Mapping[str, Any] | None = ...,
        l1_loss_param: L1LossParameter | Mapping[str, Any] | None = ...,
        convolution3d_param: Convolution3DParameter | Mapping[str, Any] | None = ...,
        pooling3d_param: Pooling3DParameter | Mapping[str, Any] | None = ...,
        deformable_convolution_param: DeformableConvolutionParameter
        | Mapping[str, Any]
        | None = ...,
        channel_scale_param: ChannelScaleParameter | Mapping[str, Any] | None = ...,
        local_param: LocalParameter | Mapping[str, Any] | None = ...,
        normalize_param: NormFaceParameter | Mapping[str, Any] | None = ...,
        grn_param: GRNParameter | Mapping[str, Any] | None = ...,
        insanity_param: InsanityParameter | Mapping[str, Any] | None = ...,
        imresize_param: ImResizeParameter | Mapping[str, Any] | None = ...,
        nms_param: NmsParameter | Mapping[str, Any] | None = ...,
        roi_warping_param: ROIPoolingParameter | Mapping[str, Any] | None = ...,
        mask_resize_param: MaskResizeParameter | Mapping[str, Any] | None = ...,
        st_param: SpatialTransformerParameter | Mapping[str, Any] | None = ...,
        selu_dropout_param: SpatialDropoutParameter | Mapping[str, Any] | None = ...,
        dense_crf_param: DenseCRFParameter | Mapping[str, Any] | None = ...,
        mat_write_param: MatWriteParameter | Mapping[str, Any] | None = ...,
        mat_read_param: MatReadParameter | Mapping[str, Any] | None = ...,
        gradient_scaler_param: GradientScalerParameter | Mapping[str, Any] | None = ...,
        roi_align_param: ROIAlignParameter | Mapping[str, Any] | None = ...,
        lifted_struct_sim_softmax_loss_param: MarginParameter | Mapping[str, Any] | None = ...,
        noise_param: AddedNoiseParameter | Mapping[str, Any] | None = ...,
        resize_param: SizeParameter | Mapping[str, Any] | None = ...,
        image_label_data_param: ImageLabelDataParameter | Mapping[str, Any] | None = ...,
        continuation_indicator_param: ContinuationIndicatorParameter
        | Mapping[str, Any]
        | None = ...,
        ctc_decoder_param: CTCDecoderParameter | Mapping[str, Any] | None = ...,
        labelsequence_accuracy_param: LabelsequenceAccuracyParameter
        | Mapping[str, Any]
        | None = ...,
        eltwise_accuracy_param: AccuracyParameter | Mapping[str, Any] | None = ...,
        augmentation_param: AugmentationParameter | Mapping[str, Any] | None = ...,
        mean_param: MeanParameter | Mapping[str, Any] | None = ...,
        expmax_param: ExpParameter | Mapping[str, Any] | None = ...,
        lpq_loss_param: LpqLossParameter | Mapping[str, Any] | None = ...,
        writer_param: WriterParameter | Mapping[str, Any] | None = ...,
        batch_reduction_param: BatchReductionParameter | Mapping[str, Any] | None = ...,
        pad_param: PadParameter | Mapping[str, Any] | None = ...,
        padding_param: PaddingParameter | Mapping[str, Any] | None = ...,
        cos_data_param: CoSDataParameter | Mapping[str, Any] | None = ...,
        cpm_transform_param: CPMTransformationParameter | Mapping[str, Any] | None = ...,
        compact_bilinear_param: CompactBilinearParameter | Mapping[str, Any] | None = ...,
        mergecrop_param: MergeCropParameter | Mapping[str, Any] | None = ...,
        psroi_align_param: PSROIAlignParameter | Mapping[str, Any] | None = ...,
        deformable_psroi_pooling_param: DeformablePSROIPoolingParameter
        | Mapping[str, Any]
        | None = ...,
        inner_distance_param: InnerDistanceParameter | Mapping[str, Any] | None = ...,
        general_contrastive_loss_param: GeneralContrastiveLossParameter
        | Mapping[str, Any]
        | None = ...,
        general_triplet_loss_param: GeneralTripletLossParameter | Mapping[str, Any] | None = ...,
        label_specific_rescale_param: LabelSpecificRescaleParameter
        | Mapping[str, Any]
        | None = ...,
        label_specific_margin_param: LabelSpecificMarginParameter | Mapping[str, Any] | None = ...,
        cosin_add_m_param: CosinAddmParameter | Mapping[str, Any] | None = ...,
        inter_class_param: InterClassParameter | Mapping[str, Any] | None = ...,
        bias_channel_param: BiasChannelParameter | Mapping[str, Any] | None = ...,
        adaptive_bias_channel_param: AdaptiveBiasChannelParameter | Mapping[str, Any] | None = ...,
        unique_label_param: UniqueLabelParameter | Mapping[str, Any] | None = ...,
        domain_transform_param: DomainTransformParameter | Mapping[str, Any] | None = ...,
        attention_loss_param: AttentionLossParameter | Mapping[str, Any] | None = ...,
        detectnet_groundtruth_param: DetectNetGroundTruthParameter | Mapping[str, Any] | None = ...,
        detectnet_augmentation_param: DetectNetAugmentationParameter
        | Mapping[str, Any]
        | None = ...,
        eval_detection_param: EvalDetectionParameter | Mapping[str, Any] | None = ...,
        quantization_param: QuantizationParameter | Mapping[str, Any] | None = ...,
        affinity_param: AffinityParameter | Mapping[str, Any] | None = ...,
        rotate_pooling_param: RotateROIPoolingParameter | Mapping[str, Any] | None = ...,
        space_to_batch_nd_param: SpaceToBatchNDParameter | Mapping[str, Any] | None = ...,
        batch_to_space_nd_param: BatchToSpaceNDParameter | Mapping[str, Any] | None = ...,
        upsample_darknet_param: UpsampleDarknetParameter | Mapping[str, Any] | None = ...,
        labeled_matching_param: LabeledMatchingParameter | Mapping[str, Any] | None = ...,
        unlabeled_matching_param: UnlabeledMatchingParameter | Mapping[str, Any] | None = ...,
        mul_param: MulParameter | Mapping[str, Any] | None = ...,
        matmul_param: MatMulParameter | Mapping[str, Any] | None = ...,
        expand_dims_nd_param: NewAxisParameter | Mapping[str, Any] | None = ...,
        stack_param: NewAxisParameter | Mapping[str, Any] | None = ...,
        unstack_param: NewAxisParameter | Mapping[str, Any] | None = ...,
        rrelu_param: RReLUParameter | Mapping[str, Any] | None = ...,
        apl_param: APLParameter | Mapping[str, Any] | None = ...,
        eltwise_affine_param: EltwiseAffineParameter | Mapping[str, Any] | None = ...,
        mmd_param: MMDParameter | Mapping[str, Any] | None = ...,
        jmmd_param: JMMDParameter | Mapping[str, Any] | None = ...,
        entropy_param: EntropyParameter | Mapping[str, Any] | None = ...,
        scale_tanh_param: ScaleTanHParameter | Mapping[str, Any] | None = ...,
        pairwise_param: PairwiseParameter | Mapping[str, Any] | None = ...,
        pixel_shuffle_param: PixelShuffleParameter | Mapping[str, Any] | None = ...,
        strided_slice_param: StridedSliceParameter | Mapping[str, Any] | None = ...,
        binary_convolution_param: BinaryConvolutionParameter | Mapping[str, Any] | None = ...,
        binary_inner_product_param: BinaryInnerProductParameter | Mapping[str, Any] | None = ...,
        quant_param: QuantParameter | Mapping[str, Any] | None = ...,
        denseblock_param: DenseBlockParameter | Mapping[str, Any] | None = ...,
        gaterecurrent_param: GateRecurrentParameter | Mapping[str, Any] | None = ...,
        asl_param: ASLParameter | Mapping[str, Any] | None = ...,
        roi_mask_pooling_param: ROIMaskPoolingParameter | Mapping[str, Any] | None = ...,
        mil_param: MILParameter | Mapping[str, Any] | None = ...,
        rank_param: RankParameter | Mapping[str, Any] | None = ...,
        heatmap_data_param: HeatmapDataParameter | Mapping[str, Any] | None = ...,
        simpler_nms_param: SimplerNMSParameter | Mapping[str, Any] | None = ...,
        extract_param: ExtractParameter | Mapping[str, Any] | None = ...,
        yolo_seg_param: YoloSegParameter | Mapping[str, Any] | None = ...,
        segmentation_evaluate_param: SegmentationEvaluateParameter | Mapping[str, Any] | None = ...,
        reverse_time_param: ReverseTimeParameter | Mapping[str, Any] | None = ...,
        cconvolution_param: CConvolutionParameter | Mapping[str, Any] | None = ...,
        cinner_product_param: CInnerProductParameter | Mapping[str, Any] | None = ...,
        ring_pad_param: RingPadParameter | Mapping[str, Any] | None = ...,
        crelu_param: CReLUParameter | Mapping[str, Any] | None = ...,
        batch_renorm_param: BatchReNormParameter | Mapping[str, Any] | None = ...,
        confusion_matrix_param: AccuracyParameter | Mapping[str, Any] | None = ...,
        color_conv_param: ColorConvParameter | Mapping[str, Any] | None = ...,
        cross_entropy_loss_param: CrossEntropyLossParameter | Mapping[str, Any] | None = ...,
        local_convolution_param: LocalConvolutionParameter | Mapping[str, Any] | None = ...,
        local_conv_param: LocalConvolutionParameter | Mapping[str, Any] | None = ...,
        lstm_conv_param: Iterable[LSTMConvolutionParameter | Mapping[str, Any]] | None = ...,
        lstm_debug_param: LSTMDebugParameter | Mapping[str, Any] | None = ...,
        dot_product_param: DotProductParameter | Mapping[str, Any] | None = ...,
        precision_recall_loss_param: PrecisionRecallLossParameter | Mapping[str, Any] | None = ...,
        maxout_param: MaxoutParameter | Mapping[str, Any] | None = ...,
        range_loss_param: RangeLossParameter | Mapping[str, Any] | None = ...,
        wasserstein_param: WassersteinParameter | Mapping[str, Any] | None = ...,
        upsampling_param: UpsamplingParameter | Mapping[str, Any] | None = ...,
        ssim_loss_param: SSIMLossParameter | Mapping[str, Any] | None = ...,
        log_softmax_param: LogSoftmaxParameter | Mapping[str, Any] | None = ...,
        depth_to_space_param: DepthToSpaceParameter | Mapping[str, Any] | None = ...,
        layer_norm_param: LayerNormParameter | Mapping[str, Any] | None = ...,
        hard_sigmoid_param: HardSigmoidParameter | Mapping[str, Any] | None = ...,
        reduce_sum_param: ReduceParameter | Mapping[str, Any] | None = ...,
        reduce_mean_param: ReduceParameter | Mapping[str, Any] | None = ...,
        reduce_max_param: ReduceParameter | Mapping[str, Any] | None = ...,
        reduce_min_param: ReduceParameter | Mapping[str, Any] | None = ...,
        reduce_prod_param: ReduceParameter | Mapping[str, Any] | None = ...,
        reduce_logsumexp_param: ReduceParameter | Mapping[str, Any] | None = ...,
        reduce_l1_param: ReduceNormParameter | Mapping[str, Any] | None = ...,
        reduce_l2_param: ReduceNormParameter | Mapping[str, Any] | None = ...,
        squeeze_param: SqueezeParameter | Mapping[str, Any] | None = ...,
        broadcast_to_param: BroadcastToParameter | Mapping[str, Any] | None = ...,
        tile_nd_param: TileNDParameter | Mapping[str, Any] | None = ...,
        piece_param: PieceParameter | Mapping[str, Any] | None = ...,
        space_to_depth_param: DepthToSpaceParameter | Mapping[str, Any] | None = ...,
        mirror_pad_param: MirrorPadParameter | Mapping[str, Any] | None = ...,
        resize_bilinear_param: ResizeBilinearParameter | Mapping[str, Any] | None = ...,
        resize_nearest_neighbor_param: ResizeNearestNeighborParameter
        | Mapping[str, Any]
        | None = ...,
        gemm_param: GemmParameter | Mapping[str, Any] | None = ...,
        thresholded_relu_param: ThresholdedReLUParameter | Mapping[str, Any] | None = ...,
        spatial_softmax_param: SpatialSoftmaxParameter | Mapping[str, Any] | None = ...,
        image_distort_param: ImageDistortParameter | Mapping[str, Any] | None = ...,
        multi_label_data_param: ImageDataParameter | Mapping[str, Any] | None = ...,
        guided_dropout_param: GuidedDropoutParameter | Mapping[str, Any] | None = ...,
        knowledge_distillation_param: KnowledgeDistillationParameter
        | Mapping[str, Any]
        | None = ...,
        fixed_param: FixedParameter | Mapping[str, Any] | None = ...,
        deephi_resize_param: DeephiResizeParameter | Mapping[str, Any] | None = ...,
        tiling_param: TilingParameter | Mapping[str, Any] | None = ...,
        drive_data_param: DriveDataParameter | Mapping[str, Any] | None = ...,
        rescale_param: RescaleParameter | Mapping[str, Any] | None = ...,
        charbonnier_loss_param: CharbonnierLossParameter | Mapping[str, Any] | None = ...,
        multi_frame_data_param: VideoDataParameter | Mapping[str, Any] | None = ...,
        window_cls_data_param: WindowClsDataParameter | Mapping[str, Any] | None = ...,
        select_seg_binary_param: SelectSegBinaryParameter | Mapping[str, Any] | None = ...,
        nearest_colours_param: NearestColoursParameter | Mapping[str, Any] | None = ...,
        randvec_param: RandVecParameter | Mapping[str, Any] | None = ...,
        densecrf_param: DenseCRFLabelParameter | Mapping[str, Any] | None = ...,
        rand_comp_param: RandCompParameter | Mapping[str, Any] | None = ...,
        coeff_schedule_param: CoeffScheduleParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class TransformationParameter(Message):
    InterpolationAlgo: EnumTypeWrapper
    INTER_NEAREST: int
    INTER_LINEAR: int
    INTER_CUBIC: int
    INTER_AREA: int
    SCALE_FIELD_NUMBER: int
    MIRROR_FIELD_NUMBER: int
    CROP_SIZE_FIELD_NUMBER: int
    MEAN_FILE_FIELD_NUMBER: int
    MEAN_VALUE_FIELD_NUMBER: int
    FORCE_COLOR_FIELD_NUMBER: int
    FORCE_GRAY_FIELD_NUMBER: int
    CROP_H_FIELD_NUMBER: int
    CROP_W_FIELD_NUMBER: int
    RESIZE_PARAM_FIELD_NUMBER: int
    NOISE_PARAM_FIELD_NUMBER: int
    DISTORT_PARAM_FIELD_NUMBER: int
    EXPAND_PARAM_FIELD_NUMBER: int
    EMIT_CONSTRAINT_FIELD_NUMBER: int
    FIX_CROP_FIELD_NUMBER: int
    MORE_FIX_CROP_FIELD_NUMBER: int
    MULTI_SCALE_FIELD_NUMBER: int
    SCALE_RATIOS_FIELD_NUMBER: int
    MAX_DISTORT_FIELD_NUMBER: int
    IS_FLOW_FIELD_NUMBER: int
    RANDOM_RESIZE_PARAM_FIELD_NUMBER: int
    RANDOM_ASPECT_RATIO_PARAM_FIELD_NUMBER: int
    IMG_RAND_RESIZE_LOWER_FIELD_NUMBER: int
    IMG_RAND_RESIZE_UPPER_FIELD_NUMBER: int
    RAND_RESIZE_RATIO_LOWER_FIELD_NUMBER: int
    RAND_RESIZE_RATIO_UPPER_FIELD_NUMBER: int
    VERTICAL_STRETCH_LOWER_FIELD_NUMBER: int
    VERTICAL_STRETCH_UPPER_FIELD_NUMBER: int
    HORIZONTAL_STRETCH_LOWER_FIELD_NUMBER: int
    HORIZONTAL_STRETCH_UPPER_FIELD_NUMBER: int
    ALLOW_UPSCALE_FIELD_NUMBER: int
    INTERPOLATION_ALGO_DOWN_FIELD_NUMBER: int
    INTERPOLATION_ALGO_UP_FIELD_NUMBER: int
    MAX_ROTATION_ANGLE_FIELD_NUMBER: int
    MIN_SIDE_FIELD_NUMBER: int
    MIN_SIDE_MIN_FIELD_NUMBER: int
    MIN_SIDE_MAX_FIELD_NUMBER: int
    MAX_COLOR_SHIFT_FIELD_NUMBER: int
    CONTRAST_BRIGHTNESS_ADJUSTMENT_FIELD_NUMBER: int
    MIN_CONTRAST_FIELD_NUMBER: int
    MAX_CONTRAST_FIELD_NUMBER: int
    MAX_BRIGHTNESS_SHIFT_FIELD_NUMBER: int
    SMOOTH_FILTERING_FIELD_NUMBER: int
    MAX_SMOOTH_FIELD_NUMBER: int
    APPLY_PROBABILITY_FIELD_NUMBER: int
    CROP_HEIGHT_FIELD_NUMBER: int
    CROP_WIDTH_FIELD_NUMBER: int
    FLOW_FIELD_NUMBER: int
    scale: float
    mirror: bool
    crop_size: int
    mean_file: str
    mean_value: RepeatedScalarFieldContainer[float]
    force_color: bool
    force_gray: bool
    crop_h: int
    crop_w: int
    resize_param: RepeatedCompositeFieldContainer[ResizeParameter]
    noise_param: NoiseParameter
    distort_param: DistortionParameter
    expand_param: ExpansionParameter
    emit_constraint: EmitConstraint
    fix_crop: bool
    more_fix_crop: bool
    multi_scale: bool
    scale_ratios: RepeatedScalarFieldContainer[float]
    max_distort: int
    is_flow: bool
    random_resize_param: RandomResizeParameter
    random_aspect_ratio_param: RandomAspectRatioParameter
    img_rand_resize_lower: int
    img_rand_resize_upper: int
    rand_resize_ratio_lower: float
    rand_resize_ratio_upper: float
    vertical_stretch_lower: float
    vertical_stretch_upper: float
    horizontal_stretch_lower: float
    horizontal_stretch_upper: float
    allow_upscale: bool
    interpolation_algo_down: int
    interpolation_algo_up: int
    max_rotation_angle: int
    min_side: int
    min_side_min: int
    min_side_max: int
    max_color_shift: int
    contrast_brightness_adjustment: bool
    min_contrast: float
    max_contrast: float
    max_brightness_shift: int
    smooth_filtering: bool
    max_smooth: float
    apply_probability: float
    crop_height: int
    crop_width: int
    flow: bool
    def __init__(
        self,
        *,
        scale: float | None = ...,
        mirror: bool | None = ...,
        crop_size: int | None = ...,
        mean_file: str | None = ...,
        mean_value: Iterable[float] | None = ...,
        force_color: bool | None = ...,
        force_gray: bool | None = ...,
        crop_h: int | None = ...,
        crop_w: int | None = ...,
        resize_param: Iterable[ResizeParameter | Mapping[str, Any]] | None = ...,
        noise_param: NoiseParameter | Mapping[str, Any] | None = ...,
        distort_param: DistortionParameter | Mapping[str, Any] | None = ...,
        expand_param: ExpansionParameter | Mapping[str, Any] | None = ...,
        emit_constraint: EmitConstraint | Mapping[str, Any] | None = ...,
        fix_crop: bool | None = ...,
        more_fix_crop: bool | None = ...,
        multi_scale: bool | None = ...,
        scale_ratios: Iterable[float] | None = ...,
        max_distort: int | None = ...,
        is_flow: bool | None = ...,
        random_resize_param: RandomResizeParameter | Mapping[str, Any] | None = ...,
        random_aspect_ratio_param: RandomAspectRatioParameter | Mapping[str, Any] | None = ...,
        img_rand_resize_lower: int | None = ...,
        img_rand_resize_upper: int | None = ...,
        rand_resize_ratio_lower: float | None = ...,
        rand_resize_ratio_upper: float | None = ...,
        vertical_stretch_lower: float | None = ...,
        vertical_stretch_upper: float | None = ...,
        horizontal_stretch_lower: float | None = ...,
        horizontal_stretch_upper: float | None = ...,
        allow_upscale: bool | None = ...,
        interpolation_algo_down: int | str | None = ...,
        interpolation_algo_up: int | str | None = ...,
        max_rotation_angle: int | None = ...,
        min_side: int | None = ...,
        min_side_min: int | None = ...,
        min_side_max: int | None = ...,
        max_color_shift: int | None = ...,
        contrast_brightness_adjustment: bool | None = ...,
        min_contrast: float | None = ...,
        max_contrast: float | None = ...,
        max_brightness_shift: int | None = ...,
        smooth_filtering: bool | None = ...,
        max_smooth: float | None = ...,
        apply_probability: float | None = ...,
        crop_height: int | None = ...,
        crop_width: int | None = ...,
        flow: bool | None = ...,
    ) -> None: ...

class LossParameter(Message):
    NormalizationMode: EnumTypeWrapper
    FULL: int
    VALID: int
    BATCH_SIZE: int
    NONE: int
    PRE_FIXED: int
    IGNORE_LABEL_FIELD_NUMBER: int
    NORMALIZATION_FIELD_NUMBER: int
    NORMALIZE_FIELD_NUMBER: int
    WEIGHT_BY_LABEL_FREQS_FIELD_NUMBER: int
    CLASS_WEIGHTING_FIELD_NUMBER: int
    PRE_FIXED_NORMALIZER_FIELD_NUMBER: int
    WEIGHT_SOURCE_FIELD_NUMBER: int
    ignore_label: int
    normalization: int
    normalize: bool
    weight_by_label_freqs: bool
    class_weighting: RepeatedScalarFieldContainer[float]
    pre_fixed_normalizer: float
    weight_source: str
    def __init__(
        self,
        *,
        ignore_label: int | None = ...,
        normalization: int | str | None = ...,
        normalize: bool | None = ...,
        weight_by_label_freqs: bool | None = ...,
        class_weighting: Iterable[float] | None = ...,
        pre_fixed_normalizer: float | None = ...,
        weight_source: str | None = ...,
    ) -> None: ...

class ConvolutionParameter(Message):
    Engine: EnumTypeWrapper
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    FuseType: EnumTypeWrapper
    UNFUSED: int
    FUSED_CONV_RELU: int
    NUM_OUTPUT_FIELD_NUMBER: int
    BIAS_TERM_FIELD_NUMBER: int
    PAD_FIELD_NUMBER: int
    KERNEL_SIZE_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    DILATION_FIELD_NUMBER: int
    PAD_H_FIELD_NUMBER: int
    PAD_W_FIELD_NUMBER: int
    KERNEL_H_FIELD_NUMBER: int
    KERNEL_W_FIELD_NUMBER: int
    STRIDE_H_FIELD_NUMBER: int
    STRIDE_W_FIELD_NUMBER: int
    GROUP_FIELD_NUMBER: int
    WEIGHT_FILLER_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    ENGINE_FIELD_NUMBER: int
    AXIS_FIELD_NUMBER: int
    FORCE_ND_IM2COL_FIELD_NUMBER: int
    HOLE_FIELD_NUMBER: int
    HOLE_H_FIELD_NUMBER: int
    HOLE_W_FIELD_NUMBER: int
    KERNEL_DEPTH_FIELD_NUMBER: int
    TEMPORAL_STRIDE_FIELD_NUMBER: int
    TEMPORAL_PAD_FIELD_NUMBER: int
    FILTER_GROUP_FIELD_NUMBER: int
    KERNEL_SHAPE_FIELD_NUMBER: int
    STRIDE_SHAPE_FIELD_NUMBER: int
    PAD_SHAPE_FIELD_NUMBER: int
    KSTRIDE_FIELD_NUMBER: int
    PAD_L_FIELD_NUMBER: int
    PAD_R_FIELD_NUMBER: int
    PAD_T_FIELD_NUMBER: int
    PAD_B_FIELD_NUMBER: int
    PAD_TYPE_FIELD_NUMBER: int
    FUSE_TYPE_FIELD_NUMBER: int
    RELU_PARAM_FIELD_NUMBER: int
    num_output: int
    bias_term: bool
    pad: RepeatedScalarFieldContainer[int]
    kernel_size: RepeatedScalarFieldContainer[int]
    stride: RepeatedScalarFieldContainer[int]
    dilation: RepeatedScalarFieldContainer[int]
    pad_h: int
    pad_w: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    group: int
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    engine: int
    axis: int
    force_nd_im2col: bool
    hole: RepeatedScalarFieldContainer[int]
    hole_h: int
    hole_w: int
    kernel_depth: int
    temporal_stride: int
    temporal_pad: int
    filter_group: int
    kernel_shape: BlobShape
    stride_shape: BlobShape
    pad_shape: BlobShape
    kstride: RepeatedScalarFieldContainer[int]
    pad_l: int
    pad_r: int
    pad_t: int
    pad_b: int
    pad_type: int
    fuse_type: int
    relu_param: ReLUParameter
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        bias_term: bool | None = ...,
        pad: Iterable[int] | None = ...,
        kernel_size: Iterable[int] | None = ...,
        stride: Iterable[int] | None = ...,
        dilation: Iterable[int] | None = ...,
        pad_h: int | None = ...,
        pad_w: int | None = ...,
        kernel_h: int | None = ...,
        kernel_w: int | None = ...,
        stride_h: int | None = ...,
        stride_w: int | None = ...,
        group: int | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        engine: int | str | None = ...,
        axis: int | None = ...,
        force_nd_im2col: bool | None = ...,
        hole: Iterable[int] | None = ...,
        hole_h: int | None = ...,
        hole_w: int | None = ...,
        kernel_depth: int | None = ...,
        temporal_stride: int | None = ...,
        temporal_pad: int | None = ...,
        filter_group: int | None = ...,
        kernel_shape: BlobShape | Mapping[str, Any] | None = ...,
        stride_shape: BlobShape | Mapping[str, Any] | None = ...,
        pad_shape: BlobShape | Mapping[str, Any] | None = ...,
        kstride: Iterable[int] | None = ...,
        pad_l: int | None = ...,
        pad_r: int | None = ...,
        pad_t: int | None = ...,
        pad_b: int | None = ...,
        pad_type: int | None = ...,
        fuse_type: int | str | None = ...,
        relu_param: ReLUParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class PoolingParameter(Message):
    PoolMethod: EnumTypeWrapper
    MAX: int
    AVE: int
    STOCHASTIC: int
    MIN: int
    Engine: EnumTypeWrapper
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    RoundMode: EnumTypeWrapper
    CEIL: int
    FLOOR: int
    POOL_FIELD_NUMBER: int
    PAD_FIELD_NUMBER: int
    PAD_H_FIELD_NUMBER: int
    PAD_W_FIELD_NUMBER: int
    KERNEL_SIZE_FIELD_NUMBER: int
    KERNEL_H_FIELD_NUMBER: int
    KERNEL_W_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    STRIDE_H_FIELD_NUMBER: int
    STRIDE_W_FIELD_NUMBER: int
    ENGINE_FIELD_NUMBER: int
    GLOBAL_POOLING_FIELD_NUMBER: int
    ROUND_MODE_FIELD_NUMBER: int
    CEIL_MODE_FIELD_NUMBER: int
    TORCH_POOLING_FIELD_NUMBER: int
    KERNEL_DEPTH_FIELD_NUMBER: int
    TEMPORAL_STRIDE_FIELD_NUMBER: int
    DILATION_FIELD_NUMBER: int
    AXIS_KERNEL_SIZE_FIELD_NUMBER: int
    AXIS_STRIDE_FIELD_NUMBER: int
    AXIS_PAD_FIELD_NUMBER: int
    KERNEL_SHAPE_FIELD_NUMBER: int
    STRIDE_SHAPE_FIELD_NUMBER: int
    PAD_SHAPE_FIELD_NUMBER: int
    KSTRIDE_FIELD_NUMBER: int
    PAD_L_FIELD_NUMBER: int
    PAD_R_FIELD_NUMBER: int
    PAD_T_FIELD_NUMBER: int
    PAD_B_FIELD_NUMBER: int
    PAD_TYPE_FIELD_NUMBER: int
    EXCLUDE_PAD_FIELD_NUMBER: int
    CMP_OUT_SHAPE_FLOOR_AS_CONV_FIELD_NUMBER: int
    pool: int
    pad: int
    pad_h: int
    pad_w: int
    kernel_size: int
    kernel_h: int
    kernel_w: int
    stride: int
    stride_h: int
    stride_w: int
    engine: int
    global_pooling: bool
    round_mode: int
    ceil_mode: bool
    torch_pooling: bool
    kernel_depth: int
    temporal_stride: int
    dilation: RepeatedScalarFieldContainer[int]
    axis_kernel_size: RepeatedScalarFieldContainer[int]
    axis_stride: RepeatedScalarFieldContainer[int]
    axis_pad: RepeatedScalarFieldContainer[int]
    kernel_shape: BlobShape
    stride_shape: BlobShape
    pad_shape: BlobShape
    kstride: RepeatedScalarFieldContainer[int]
    pad_l: int
    pad_r: int
    pad_t: int
    pad_b: int
    pad_type: int
    exclude_pad: bool
    cmp_out_shape_floor_as_conv: bool
    def __init__(
        self,
        *,
        pool: int | str | None = ...,
        pad: int | None = ...,
        pad_h: int | None = ...,
        pad_w: int | None = ...,
        kernel_size: int | None = ...,
        kernel_h: int | None = ...,
        kernel_w: int | None = ...,
        stride: int | None = ...,
        stride_h: int | None = ...,
        stride_w: int | None = ...,
        engine: int | str | None = ...,
        global_pooling: bool | None = ...,
        round_mode: int | str | None = ...,
        ceil_mode: bool | None = ...,
        torch_pooling: bool | None = ...,
        kernel_depth: int | None = ...,
        temporal_stride: int | None = ...,
        dilation: Iterable[int] | None = ...,
        axis_kernel_size: Iterable[int] | None = ...,
        axis_stride: Iterable[int] | None = ...,
        axis_pad: Iterable[int] | None = ...,
        kernel_shape: BlobShape | Mapping[str, Any] | None = ...,
        stride_shape: BlobShape | Mapping[str, Any] | None = ...,
        pad_shape: BlobShape | Mapping[str, Any] | None = ...,
        kstride: Iterable[int] | None = ...,
        pad_l: int | None = ...,
        pad_r: int | None = ...,
        pad_t: int | None = ...,
        pad_b: int | None = ...,
        pad_type: int | None = ...,
        exclude_pad: bool | None = ...,
        cmp_out_shape_floor_as_conv: bool | None = ...,
    ) -> None: ...

class SPPParameter(Message):
    PoolMethod: EnumTypeWrapper
    MAX: int
    AVE: int
    STOCHASTIC: int
    Engine: EnumTypeWrapper
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    PYRAMID_HEIGHT_FIELD_NUMBER: int
    POOL_FIELD_NUMBER: int
    ENGINE_FIELD_NUMBER: int
    pyramid_height: int
    pool: int
    engine: int
    def __init__(
        self,
        *,
        pyramid_height: int | None = ...,
        pool: int | str | None = ...,
        engine: int | str | None = ...,
    ) -> None: ...

class InnerProductParameter(Message):
    NUM_OUTPUT_FIELD_NUMBER: int
    BIAS_TERM_FIELD_NUMBER: int
    WEIGHT_FILLER_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    AXIS_FIELD_NUMBER: int
    TRANSPOSE_FIELD_NUMBER: int
    NORMALIZE_FIELD_NUMBER: int
    DISTANCE_TYPE_FIELD_NUMBER: int
    num_output: int
    bias_term: bool
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    axis: int
    transpose: bool
    normalize: bool
    distance_type: str
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        bias_term: bool | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        axis: int | None = ...,
        transpose: bool | None = ...,
        normalize: bool | None = ...,
        distance_type: str | None = ...,
    ) -> None: ...

class EmbedParameter(Message):
    NUM_OUTPUT_FIELD_NUMBER: int
    INPUT_DIM_FIELD_NUMBER: int
    BIAS_TERM_FIELD_NUMBER: int
    WEIGHT_FILLER_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    num_output: int
    input_dim: int
    bias_term: bool
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        input_dim: int | None = ...,
        bias_term: bool | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class RecurrentParameter(Message):
    NUM_OUTPUT_FIELD_NUMBER: int
    WEIGHT_FILLER_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    DEBUG_INFO_FIELD_NUMBER: int
    EXPOSE_HIDDEN_FIELD_NUMBER: int
    FORGET_BIAS_FIELD_NUMBER: int
    WXC_CONVOLUTION_PARAM_FIELD_NUMBER: int
    WHH_CONVOLUTION_PARAM_FIELD_NUMBER: int
    num_output: int
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    debug_info: bool
    expose_hidden: bool
    forget_bias: float
    wxc_convolution_param: ConvolutionParameter
    whh_convolution_param: ConvolutionParameter
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        debug_info: bool | None = ...,
        expose_hidden: bool | None = ...,
        forget_bias: float | None = ...,
        wxc_convolution_param: ConvolutionParameter | Mapping[str, Any] | None = ...,
        whh_convolution_param: ConvolutionParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class LRNParameter(Message):
    NormRegion: EnumTypeWrapper
    ACROSS_CHANNELS: int
    WITHIN_CHANNEL: int
    Engine: EnumTypeWrapper
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    FuseType: EnumTypeWrapper
    UNFUSED: int
    FUSED_POOL_MAX: int
    LOCAL_SIZE_FIELD_NUMBER: int
    ALPHA_FIELD_NUMBER: int
    BETA_FIELD_NUMBER: int
    NORM_REGION_FIELD_NUMBER: int
    K_FIELD_NUMBER: int
    ENGINE_FIELD_NUMBER: int
    FUSE_TYPE_FIELD_NUMBER: int
    POOLING_PARAM_FIELD_NUMBER: int
    local_size: int
    alpha: float
    beta: float
    norm_region: int
    k: float
    engine: int
    fuse_type: int
    pooling_param: PoolingParameter
    def __init__(
        self,
        *,
        local_size: int | None = ...,
        alpha: float | None = ...,
        beta: float | None = ...,
        norm_region: int | str | None = ...,
        k: float | None = ...,
        engine: int | str | None = ...,
        fuse_type: int | str | None = ...,
        pooling_param: PoolingParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class BatchNormParameter(Message):
    USE_GLOBAL_STATS_FIELD_NUMBER: int
    MOVING_AVERAGE_FRACTION_FIELD_NUMBER: int
    EPS_FIELD_NUMBER: int
    SCALE_BIAS_FIELD_NUMBER: int
    SCALE_FILLER_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    ADD_EPS_BEFORE_SQRT_FIELD_NUMBER: int
    FILLER_FIELD_NUMBER: int
    use_global_stats: bool
    moving_average_fraction: float
    eps: float
    scale_bias: bool
    scale_filler: FillerParameter
    bias_filler: FillerParameter
    add_eps_before_sqrt: bool
    filler: FillerParameter
    def __init__(
        self,
        *,
        use_global_stats: bool | None = ...,
        moving_average_fraction: float | None = ...,
        eps: float | None = ...,
        scale_bias: bool | None = ...,
        scale_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        add_eps_before_sqrt: bool | None = ...,
        filler: FillerParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class MVNParameter(Message):
    NORMALIZE_VARIANCE_FIELD_NUMBER: int
    ACROSS_CHANNELS_FIELD_NUMBER: int
    EPS_FIELD_NUMBER: int
    normalize_variance: bool
    across_channels: bool
    eps: float
    def __init__(
        self,
        *,
        normalize_variance: bool | None = ...,
        across_channels: bool | None = ...,
        eps: float | None = ...,
    ) -> None: ...

class BiasParameter(Message):
    AXIS_FIELD_NUMBER: int
    NUM_AXES_FIELD_NUMBER: int
    FILLER_FIELD_NUMBER: int
    axis: int
    num_axes: int
    filler: FillerParameter
    def __init__(
        self,
        *,
        axis: int | None = ...,
        num_axes: int | None = ...,
        filler: FillerParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class ScaleParameter(Message):
    AXIS_FIELD_NUMBER: int
    NUM_AXES_FIELD_NUMBER: int
    FILLER_FIELD_NUMBER: int
    BIAS_TERM_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    MIN_VALUE_FIELD_NUMBER: int
    MAX_VALUE_FIELD_NUMBER: int
    axis: int
    num_axes: int
    filler: FillerParameter
    bias_term: bool
    bias_filler: FillerParameter
    min_value: float
    max_value: float
    def __init__(
        self,
        *,
        axis: int | None = ...,
        num_axes: int | None = ...,
        filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_term: bool | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        min_value: float | None = ...,
        max_value: float | None = ...,
    ) -> None: ...

class EltwiseParameter(Message):
    EltwiseOp: EnumTypeWrapper
    PROD: int
    SUM: int
    MAX: int
    OPERATION_FIELD_NUMBER: int
    COEFF_FIELD_NUMBER: int
    STABLE_PROD_GRAD_FIELD_NUMBER: int
    operation: int
    coeff: RepeatedScalarFieldContainer[float]
    stable_prod_grad: bool
    def __init__(
        self,
        *,
        operation: int | str | None = ...,
        coeff: Iterable[float] | None = ...,
        stable_prod_grad: bool | None = ...,
    ) -> None: ...

class ReductionParameter(Message):
    ReductionOp: EnumTypeWrapper
    SUM: int
    ASUM: int
    SUMSQ: int
    MEAN: int
    TOPK: int
    OPERATION_FIELD_NUMBER: int
    AXIS_FIELD_NUMBER: int
    COEFF_FIELD_NUMBER: int
    K_FIELD_NUMBER: int
    operation: int
    axis: int
    coeff: float
    k: int
    def __init__(
        self,
        *,
        operation: int | str | None = ...,
        axis: int | None = ...,
        coeff: float | None = ...,
        k: int | None = ...,
    ) -> None: ...

class ReLUParameter(Message):
    Engine: EnumTypeWrapper
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    NEGATIVE_SLOPE_FIELD_NUMBER: int
    ENGINE_FIELD_NUMBER: int
    RELU6_FIELD_NUMBER: int
    MAXIMUM_FIELD_NUMBER: int
    MINIMUM_FIELD_NUMBER: int
    negative_slope: float
    engine: int
    relu6: bool
    maximum: float
    minimum: float
    def __init__(
        self,
        *,
        negative_slope: float | None = ...,
        engine: int | str | None = ...,
        relu6: bool | None = ...,
        maximum: float | None = ...,
        minimum: float | None = ...,
    ) -> None: ...

class PReLUParameter(Message):
    FILLER_FIELD_NUMBER: int
    CHANNEL_SHARED_FIELD_NUMBER: int
    filler: FillerParameter
    channel_shared: bool
    def __init__(
        self,
        *,
        filler: FillerParameter | Mapping[str, Any] | None = ...,
        channel_shared: bool | None = ...,
    ) -> None: ...

class ELUParameter(Message):
    ALPHA_FIELD_NUMBER: int
    alpha: float
    def __init__(
        self,
        *,
        alpha: float | None = ...,
    ) -> None: ...

class SwishParameter(Message):
    BETA_FIELD_NUMBER: int
    beta: float
    def __init__(
        self,
        *,
        beta: float | None = ...,
    ) -> None: ...

class SigmoidParameter(Message):
    Engine: EnumTypeWrapper
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    ENGINE_FIELD_NUMBER: int
    engine: int
    def __init__(
        self,
        *,
        engine: int | str | None = ...,
    ) -> None: ...

class TanHParameter(Message):
    Engine: EnumTypeWrapper
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    ENGINE_FIELD_NUMBER: int
    engine: int
    def __init__(
        self,
        *,
        engine: int | str | None = ...,
    ) -> None: ...

class SoftmaxParameter(Message):
    Engine: EnumTypeWrapper
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    ENGINE_FIELD_NUMBER: int
    AXIS_FIELD_NUMBER: int
    NORMALIZE_TYPE_FIELD_NUMBER: int
    POS_MULT_FIELD_NUMBER: int
    POS_CID_FIELD_NUMBER: int
    engine: int
    axis: int
    normalize_type: str
    pos_mult: RepeatedScalarFieldContainer[float]
    pos_cid: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        engine: int | str | None = ...,
        axis: int | None = ...,
        normalize_type: str | None = ...,
        pos_mult: Iterable[float] | None = ...,
        pos_cid: Iterable[int] | None = ...,
    ) -> None: ...

class DropoutParameter(Message):
    DROPOUT_RATIO_FIELD_NUMBER: int
    SAMPLE_WEIGHTS_TEST_FIELD_NUMBER: int
    SCALE_TRAIN_FIELD_NUMBER: int
    dropout_ratio: float
    sample_weights_test: bool
    scale_train: bool
    def __init__(
        self,
        *,
        dropout_ratio: float | None = ...,
        sample_weights_test: bool | None = ...,
        scale_train: bool | None = ...,
    ) -> None: ...

class ExpParameter(Message):
    BASE_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    SHIFT_FIELD_NUMBER: int
    base: float
    scale: float
    shift: float
    def __init__(
        self,
        *,
        base: float | None = ...,
        scale: float | None = ...,
        shift: float | None = ...,
    ) -> None: ...

class LogParameter(Message):
    BASE_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    SHIFT_FIELD_NUMBER: int
    base: float
    scale: float
    shift: float
    def __init__(
        self,
        *,
        base: float | None = ...,
        scale: float | None = ...,
        shift: float | None = ...,
    ) -> None: ...

class PowerParameter(Message):
    POWER_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    SHIFT_FIELD_NUMBER: int
    power: float
    scale: float
    shift: float
    def __init__(
        self,
        *,
        power: float | None = ...,
        scale: float | None = ...,
        shift: float | None = ...,
    ) -> None: ...

class ThresholdParameter(Message):
    THRESHOLD_FIELD_NUMBER: int
    threshold: float
    def __init__(
        self,
        *,
        threshold: float | None = ...,
    ) -> None: ...

class ClipParameter(Message):
    MIN_FIELD_NUMBER: int
    MAX_FIELD_NUMBER: int
    min: float
    max: float
    def __init__(
        self,
        *,
        min: float | None = ...,
        max: float | None = ...,
    ) -> None: ...

class ConcatParameter(Message):
    AXIS_FIELD_NUMBER: int
    CONCAT_DIM_FIELD_NUMBER: int
    axis: int
    concat_dim: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
        concat_dim: int | None = ...,
    ) -> None: ...

class SliceParameter(Message):
    AXIS_FIELD_NUMBER: int
    SLICE_POINT_FIELD_NUMBER: int
    SLICE_DIM_FIELD_NUMBER: int
    axis: int
    slice_point: RepeatedScalarFieldContainer[int]
    slice_dim: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
        slice_point: Iterable[int] | None = ...,
        slice_dim: int | None = ...,
    ) -> None: ...

class CropParameter(Message):
    AXIS_FIELD_NUMBER: int
    OFFSET_FIELD_NUMBER: int
    AUTOMATIC_OFFSET_FIELD_NUMBER: int
    axis: int
    offset: RepeatedScalarFieldContainer[int]
    automatic_offset: bool
    def __init__(
        self,
        *,
        axis: int | None = ...,
        offset: Iterable[int] | None = ...,
        automatic_offset: bool | None = ...,
    ) -> None: ...

class FlattenParameter(Message):
    AXIS_FIELD_NUMBER: int
    END_AXIS_FIELD_NUMBER: int
    axis: int
    end_axis: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
        end_axis: int | None = ...,
    ) -> None: ...

class ReshapeParameter(Message):
    SHAPE_FIELD_NUMBER: int
    AXIS_FIELD_NUMBER: int
    NUM_AXES_FIELD_NUMBER: int
    shape: BlobShape
    axis: int
    num_axes: int
    def __init__(
        self,
        *,
        shape: BlobShape | Mapping[str, Any] | None = ...,
        axis: int | None = ...,
        num_axes: int | None = ...,
    ) -> None: ...

class TileParameter(Message):
    AXIS_FIELD_NUMBER: int
    TILES_FIELD_NUMBER: int
    axis: int
    tiles: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
        tiles: int | None = ...,
    ) -> None: ...

class ArgMaxParameter(Message):
    OUT_MAX_VAL_FIELD_NUMBER: int
    TOP_K_FIELD_NUMBER: int
    AXIS_FIELD_NUMBER: int
    out_max_val: bool
    top_k: int
    axis: int
    def __init__(
        self,
        *,
        out_max_val: bool | None = ...,
        top_k: int | None = ...,
        axis: int | None = ...,
    ) -> None: ...

class AccuracyParameter(Message):
    TOP_K_FIELD_NUMBER: int
    AXIS_FIELD_NUMBER: int
    IGNORE_LABEL_FIELD_NUMBER: int
    MIN_IS_BETTER_FIELD_NUMBER: int
    top_k: int
    axis: int
    ignore_label: int
    min_is_better: bool
    def __init__(
        self,
        *,
        top_k: int | None = ...,
        axis: int | None = ...,
        ignore_label: int | None = ...,
        min_is_better: bool | None = ...,
    ) -> None: ...

class ContrastiveLossParameter(Message):
    MARGIN_FIELD_NUMBER: int
    LEGACY_VERSION_FIELD_NUMBER: int
    margin: float
    legacy_version: bool
    def __init__(
        self,
        *,
        margin: float | None = ...,
        legacy_version: bool | None = ...,
    ) -> None: ...

class HingeLossParameter(Message):
    Norm: EnumTypeWrapper
    L1: int
    L2: int
    NORM_FIELD_NUMBER: int
    norm: int
    def __init__(
        self,
        *,
        norm: int | str | None = ...,
    ) -> None: ...

class InfogainLossParameter(Message):
    SOURCE_FIELD_NUMBER: int
    AXIS_FIELD_NUMBER: int
    source: str
    axis: int
    def __init__(
        self,
        *,
        source: str | None = ...,
        axis: int | None = ...,
    ) -> None: ...

class InputParameter(Message):
    SHAPE_FIELD_NUMBER: int
    shape: RepeatedCompositeFieldContainer[BlobShape]
    def __init__(
        self,
        *,
        shape: Iterable[BlobShape | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class ParameterParameter(Message):
    SHAPE_FIELD_NUMBER: int
    BLOB_FILLER_FIELD_NUMBER: int
    shape: BlobShape
    blob_filler: FillerParameter
    def __init__(
        self,
        *,
        shape: BlobShape | Mapping[str, Any] | None = ...,
        blob_filler: FillerParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class PythonParameter(Message):
    MODULE_FIELD_NUMBER: int
    LAYER_FIELD_NUMBER: int
    PARAM_STR_FIELD_NUMBER: int
    SHARE_IN_PARALLEL_FIELD_NUMBER: int
    module: str
    layer: str
    param_str: str
    share_in_parallel: bool
    def __init__(
        self,
        *,
        module: str | None = ...,
        layer: str | None = ...,
        param_str: str | None = ...,
        share_in_parallel: bool | None = ...,
    ) -> None: ...

class DataParameter(Message):
    DB: EnumTypeWrapper
    LEVELDB: int
    LMDB: int
    CHANNELENCODING: EnumTypeWrapper
    UINT8: int
    UINT16FLOW: int
    BOOL1: int
    RANDPERMORDER: EnumTypeWrapper
    FIRST_PERMUTE_THEN_RANGE: int
    FIRST_RANGE_THEN_PERMUTE: int
    SOURCE_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    RAND_SKIP_FIELD_NUMBER: int
    BACKEND_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    MEAN_FILE_FIELD_NUMBER: int
    CROP_SIZE_FIELD_NUMBER: int
    MIRROR_FIELD_NUMBER: int
    FORCE_ENCODED_COLOR_FIELD_NUMBER: int
    PREFETCH_FIELD_NUMBER: int
    SIDE_FIELD_NUMBER: int
    SHUFFLE_FIELD_NUMBER: int
    PRESELECTION_FILE_FIELD_NUMBER: int
    PRESELECTION_LABEL_FIELD_NUMBER: int
    RANGE_START_FIELD_NUMBER: int
    RANGE_END_FIELD_NUMBER: int
    RAND_PERMUTE_FIELD_NUMBER: int
    RAND_PERMUTE_ORDER_FIELD_NUMBER: int
    RAND_PERMUTE_SEED_FIELD_NUMBER: int
    SLICE_POINT_FIELD_NUMBER: int
    ENCODING_FIELD_NUMBER: int
    VERBOSE_FIELD_NUMBER: int
    SUBTRACT_FIELD_NUMBER: int
    PERMUTE_EVERY_ITER_FIELD_NUMBER: int
    BLOCK_SIZE_FIELD_NUMBER: int
    source: str
    batch_size: int
    rand_skip: int
    backend: int
    scale: float
    mean_file: str
    crop_size: int
    mirror: bool
    force_encoded_color: bool
    prefetch: int
    side: RepeatedScalarFieldContainer[int]
    shuffle: bool
    preselection_file: str
    preselection_label: int
    range_start: int
    range_end: int
    rand_permute: bool
    rand_permute_order: int
    rand_permute_seed: int
    slice_point: RepeatedScalarFieldContainer[int]
    encoding: RepeatedScalarFieldContainer[int]
    verbose: bool
    subtract: RepeatedScalarFieldContainer[float]
    permute_every_iter: int
    block_size: int
    def __init__(
        self,
        *,
        source: str | None = ...,
        batch_size: int | None = ...,
        rand_skip: int | None = ...,
        backend: int | str | None = ...,
        scale: float | None = ...,
        mean_file: str | None = ...,
        crop_size: int | None = ...,
        mirror: bool | None = ...,
        force_encoded_color: bool | None = ...,
        prefetch: int | None = ...,
        side: Iterable[int] | None = ...,
        shuffle: bool | None = ...,
        preselection_file: str | None = ...,
        preselection_label: int | None = ...,
        range_start: int | None = ...,
        range_end: int | None = ...,
        rand_permute: bool | None = ...,
        rand_permute_order: int | str | None = ...,
        rand_permute_seed: int | None = ...,
        slice_point: Iterable[int] | None = ...,
        encoding: Iterable[int | str] | None = ...,
        verbose: bool | None = ...,
        subtract: Iterable[float] | None = ...,
        permute_every_iter: int | None = ...,
        block_size: int | None = ...,
    ) -> None: ...

class DummyDataParameter(Message):
    DATA_FILLER_FIELD_NUMBER: int
    SHAPE_FIELD_NUMBER: int
    NUM_FIELD_NUMBER: int
    CHANNELS_FIELD_NUMBER: int
    HEIGHT_FIELD_NUMBER: int
    WIDTH_FIELD_NUMBER: int
    data_filler: RepeatedCompositeFieldContainer[FillerParameter]
    shape: RepeatedCompositeFieldContainer[BlobShape]
    num: RepeatedScalarFieldContainer[int]
    channels: RepeatedScalarFieldContainer[int]
    height: RepeatedScalarFieldContainer[int]
    width: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        data_filler: Iterable[FillerParameter | Mapping[str, Any]] | None = ...,
        shape: Iterable[BlobShape | Mapping[str, Any]] | None = ...,
        num: Iterable[int] | None = ...,
        channels: Iterable[int] | None = ...,
        height: Iterable[int] | None = ...,
        width: Iterable[int] | None = ...,
    ) -> None: ...

class HDF5DataParameter(Message):
    SOURCE_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    SHUFFLE_FIELD_NUMBER: int
    source: str
    batch_size: int
    shuffle: bool
    def __init__(
        self,
        *,
        source: str | None = ...,
        batch_size: int | None = ...,
        shuffle: bool | None = ...,
    ) -> None: ...

class HDF5OutputParameter(Message):
    FILE_NAME_FIELD_NUMBER: int
    file_name: str
    def __init__(
        self,
        *,
        file_name: str | None = ...,
    ) -> None: ...

class ImageDataParameter(Message):
    LabelType: EnumTypeWrapper
    NONE: int
    IMAGE: int
    PIXEL: int
    SOURCE_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    RAND_SKIP_FIELD_NUMBER: int
    SHUFFLE_FIELD_NUMBER: int
    NEW_HEIGHT_FIELD_NUMBER: int
    NEW_WIDTH_FIELD_NUMBER: int
    IS_COLOR_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    MEAN_FILE_FIELD_NUMBER: int
    CROP_SIZE_FIELD_NUMBER: int
    MIRROR_FIELD_NUMBER: int
    ROOT_FOLDER_FIELD_NUMBER: int
    LABEL_TYPE_FIELD_NUMBER: int
    IGNORE_LABEL_FIELD_NUMBER: int
    NEW_LENGTH_FIELD_NUMBER: int
    SAMPLING_RATE_FIELD_NUMBER: int
    USE_IMAGE_FIELD_NUMBER: int
    USE_TEMPORAL_JITTER_FIELD_NUMBER: int
    SHOW_DATA_FIELD_NUMBER: int
    MEAN_VALUE_FIELD_NUMBER: int
    LABEL_DIM_FIELD_NUMBER: int
    LABEL_SIZE_FIELD_NUMBER: int
    LABEL_NUM_FIELD_NUMBER: int
    PAIR_SIZE_FIELD_NUMBER: int
    MIN_HEIGHT_FIELD_NUMBER: int
    MIN_WIDTH_FIELD_NUMBER: int
    NUM_TRUTH_CHANNELS_FIELD_NUMBER: int
    USE_BYTE_INPUT_FIELD_NUMBER: int
    IS_FLOW_FIELD_NUMBER: int
    TRUTH_SCALE_FIELD_NUMBER: int
    CLIP_MIN_FIELD_NUMBER: int
    CLIP_MAX_FIELD_NUMBER: int
    DATA_TYPE_FIELD_NUMBER: int
    IMAGES_IN_COLOR_FIELD_NUMBER: int
    source: str
    batch_size: int
    rand_skip: int
    shuffle: bool
    new_height: int
    new_width: int
    is_color: bool
    scale: float
    mean_file: str
    crop_size: int
    mirror: bool
    root_folder: str
    label_type: int
    ignore_label: int
    new_length: int
    sampling_rate: int
    use_image: bool
    use_temporal_jitter: bool
    show_data: int
    mean_value: float
    label_dim: int
    label_size: int
    label_num: int
    pair_size: int
    min_height: int
    min_width: int
    num_truth_channels: int
    use_byte_input: bool
    is_flow: bool
    truth_scale: float
    clip_min: float
    clip_max: float
    data_type: str
    images_in_color: bool
    def __init__(
        self,
        *,
        source: str | None = ...,
        batch_size: int | None = ...,
        rand_skip: int | None = ...,
        shuffle: bool | None = ...,
        new_height: int | None = ...,
        new_width: int | None = ...,
        is_color: bool | None = ...,
        scale: float | None = ...,
        mean_file: str | None = ...,
        crop_size: int | None = ...,
        mirror: bool | None = ...,
        root_folder: str | None = ...,
        label_type: int | str | None = ...,
        ignore_label: int | None = ...,
        new_length: int | None = ...,
        sampling_rate: int | None = ...,
        use_image: bool | None = ...,
        use_temporal_jitter: bool | None = ...,
        show_data: int | None = ...,
        mean_value: float | None = ...,
        label_dim: int | None = ...,
        label_size: int | None = ...,
        label_num: int | None = ...,
        pair_size: int | None = ...,
        min_height: int | None = ...,
        min_width: int | None = ...,
        num_truth_channels: int | None = ...,
        use_byte_input: bool | None = ...,
        is_flow: bool | None = ...,
        truth_scale: float | None = ...,
        clip_min: float | None = ...,
        clip_max: float | None = ...,
        data_type: str | None = ...,
        images_in_color: bool | None = ...,
    ) -> None: ...

class MemoryDataParameter(Message):
    BATCH_SIZE_FIELD_NUMBER: int
    CHANNELS_FIELD_NUMBER: int
    HEIGHT_FIELD_NUMBER: int
    WIDTH_FIELD_NUMBER: int
    SOURCE_FIELD_NUMBER: int
    SHARE_IN_PARALLEL_FIELD_NUMBER: int
    DIM_FIELD_NUMBER: int
    batch_size: int
    channels: int
    height: int
    width: int
    source: str
    share_in_parallel: bool
    dim: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        batch_size: int | None = ...,
        channels: int | None = ...,
        height: int | None = ...,
        width: int | None = ...,
        source: str | None = ...,
        share_in_parallel: bool | None = ...,
        dim: Iterable[int] | None = ...,
    ) -> None: ...

class WindowDataParameter(Message):
    SOURCE_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    MEAN_FILE_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    CROP_SIZE_FIELD_NUMBER: int
    MIRROR_FIELD_NUMBER: int
    FG_THRESHOLD_FIELD_NUMBER: int
    BG_THRESHOLD_FIELD_NUMBER: int
    FG_FRACTION_FIELD_NUMBER: int
    CONTEXT_PAD_FIELD_NUMBER: int
    CROP_MODE_FIELD_NUMBER: int
    CACHE_IMAGES_FIELD_NUMBER: int
    ROOT_FOLDER_FIELD_NUMBER: int
    SHUFFLE_FIELD_NUMBER: int
    CONFIG_FIELD_NUMBER: int
    source: str
    scale: float
    mean_file: str
    batch_size: int
    crop_size: int
    mirror: bool
    fg_threshold: float
    bg_threshold: float
    fg_fraction: float
    context_pad: int
    crop_mode: str
    cache_images: bool
    root_folder: str
    shuffle: bool
    config: str
    def __init__(
        self,
        *,
        source: str | None = ...,
        scale: float | None = ...,
        mean_file: str | None = ...,
        batch_size: int | None = ...,
        crop_size: int | None = ...,
        mirror: bool | None = ...,
        fg_threshold: float | None = ...,
        bg_threshold: float | None = ...,
        fg_fraction: float | None = ...,
        context_pad: int | None = ...,
        crop_mode: str | None = ...,
        cache_images: bool | None = ...,
        root_folder: str | None = ...,
        shuffle: bool | None = ...,
        config: str | None = ...,
    ) -> None: ...

class V1LayerParameter(Message):
    LayerType: EnumTypeWrapper
    NONE: int
    ACCURACY: int
    BNLL: int
    CONCAT: int
    CONVOLUTION: int
    DATA: int
    DROPOUT: int
    EUCLIDEAN_LOSS: int
    FLATTEN: int
    HDF5_DATA: int
    HDF5_OUTPUT: int
    IM2COL: int
    IMAGE_DATA: int
    INFOGAIN_LOSS: int
    INNER_PRODUCT: int
    LRN: int
    MULTINOMIAL_LOGISTIC_LOSS: int
    POOLING: int
    RELU: int
    SIGMOID: int
    SOFTMAX: int
    SOFTMAX_LOSS: int
    SPLIT: int
    TANH: int
    WINDOW_DATA: int
    ELTWISE: int
    POWER: int
    SIGMOID_CROSS_ENTROPY_LOSS: int
    HINGE_LOSS: int
    MEMORY_DATA: int
    ARGMAX: int
    THRESHOLD: int
    DUMMY_DATA: int
    SLICE: int
    MVN: int
    ABSVAL: int
    SILENCE: int
    CONTRASTIVE_LOSS: int
    EXP: int
    DECONVOLUTION: int
    CROP: int
    BN: int
    UNPOOLING: int
    UPSAMPLE: int
    IMAGE_SEG_DATA: int
    SEG_ACCURACY: int
    INTERP: int
    MULTI_STAGE_MEANFIELD: int
    DENSE_IMAGE_DATA: int
    VIDEO_DATA: int
    CONVOLUTION3D: int
    DECONVOLUTION3D: int
    POOLING3D: int
    DENSE_CRF: int
    MAT_WRITE: int
    MAT_READ: int
    ELTWISE_ACCURACY: int
    WINDOW_SEG_DATA: int
    PADDING: int
    BIAS_CHANNEL: int
    ADAPTIVE_BIAS_CHANNEL: int
    UNIQUE_LABEL: int
    DOMAIN_TRANSFORM: int
    SPATIAL_PRODUCT: int
    VIDEO_SEGMENTATION_DATA: int
    ELTWISE_PRODUCT: int
    LRN_MAP: int
    VIDEO_WITH_VOXEL_TRUTH_DATA: int
    DimCheckMode: EnumTypeWrapper
    STRICT: int
    PERMISSIVE: int
    BOTTOM_FIELD_NUMBER: int
    TOP_FIELD_NUMBER: int
    NAME_FIELD_NUMBER: int
    INCLUDE_FIELD_NUMBER: int
    EXCLUDE_FIELD_NUMBER: int
    TYPE_FIELD_NUMBER: int
    BLOBS_FIELD_NUMBER: int
    PARAM_FIELD_NUMBER: int
    BLOB_SHARE_MODE_FIELD_NUMBER: int
    BLOBS_LR_FIELD_NUMBER: int
    WEIGHT_DECAY_FIELD_NUMBER: int
    LOSS_WEIGHT_FIELD_NUMBER: int
    ACCURACY_PARAM_FIELD_NUMBER: int
    ARGMAX_PARAM_FIELD_NUMBER: int
    CONCAT_PARAM_FIELD_NUMBER: int
    CONTRASTIVE_LOSS_PARAM_FIELD_NUMBER: int
    CONVOLUTION_PARAM_FIELD_NUMBER: int
    DATA_PARAM_FIELD_NUMBER: int
    DROPOUT_PARAM_FIELD_NUMBER: int
    DUMMY_DATA_PARAM_FIELD_NUMBER: int
    ELTWISE_PARAM_FIELD_NUMBER: int
    EXP_PARAM_FIELD_NUMBER: int
    HDF5_DATA_PARAM_FIELD_NUMBER: int
    HDF5_OUTPUT_PARAM_FIELD_NUMBER: int
    HINGE_LOSS_PARAM_FIELD_NUMBER: int
    IMAGE_DATA_PARAM_FIELD_NUMBER: int
    INFOGAIN_LOSS_PARAM_FIELD_NUMBER: int
    INNER_PRODUCT_PARAM_FIELD_NUMBER: int
    LRN_PARAM_FIELD_NUMBER: int
    MEMORY_DATA_PARAM_FIELD_NUMBER: int
    MVN_PARAM_FIELD_NUMBER: int
    POOLING_PARAM_FIELD_NUMBER: int
    POWER_PARAM_FIELD_NUMBER: int
    RELU_PARAM_FIELD_NUMBER: int
    SIGMOID_PARAM_FIELD_NUMBER: int
    SOFTMAX_PARAM_FIELD_NUMBER: int
    SLICE_PARAM_FIELD_NUMBER: int
    TANH_PARAM_FIELD_NUMBER: int
    THRESHOLD_PARAM_FIELD_NUMBER: int
    WINDOW_DATA_PARAM_FIELD_NUMBER: int
    TRANSFORM_PARAM_FIELD_NUMBER: int
    LOSS_PARAM_FIELD_NUMBER: int
    LAYER_FIELD_NUMBER: int
    OTHER_TYPE_FIELD_NUMBER: int
    LRN_MAP_PARAM_FIELD_NUMBER: int
    SOFTMAXLOSS_PARAM_FIELD_NUMBER: int
    BATCH_NORM_PARAM_FIELD_NUMBER: int
    BIAS_PARAM_FIELD_NUMBER: int
    CLIP_PARAM_FIELD_NUMBER: int
    CROP_PARAM_FIELD_NUMBER: int
    ELU_PARAM_FIELD_NUMBER: int
    EMBED_PARAM_FIELD_NUMBER: int
    FLATTEN_PARAM_FIELD_NUMBER: int
    INPUT_PARAM_FIELD_NUMBER: int
    LOG_PARAM_FIELD_NUMBER: int
    PARAMETER_PARAM_FIELD_NUMBER: int
    PRELU_PARAM_FIELD_NUMBER: int
    PYTHON_PARAM_FIELD_NUMBER: int
    RECURRENT_PARAM_FIELD_NUMBER: int
    REDUCTION_PARAM_FIELD_NUMBER: int
    RESHAPE_PARAM_FIELD_NUMBER: int
    SCALE_PARAM_FIELD_NUMBER: int
    SPP_PARAM_FIELD_NUMBER: int
    SWISH_PARAM_FIELD_NUMBER: int
    TILE_PARAM_FIELD_NUMBER: int
    SPARSIFY_PARAM_FIELD_NUMBER: int
    SYMMETRIC_RECTIFY_PARAM_FIELD_NUMBER: int
    BN_PARAM_FIELD_NUMBER: int
    INTERP_PARAM_FIELD_NUMBER: int
    UPSAMPLE_PARAM_FIELD_NUMBER: int
    UNPOOLING_PARAM_FIELD_NUMBER: int
    SEG_ACCURACY_PARAM_FIELD_NUMBER: int
    DENSE_IMAGE_DATA_PARAM_FIELD_NUMBER: int
    MULTI_STAGE_MEANFIELD_PARAM_FIELD_NUMBER: int
    SPATIAL_DROPOUT_PARAM_FIELD_NUMBER: int
    PERMUTE_PARAM_FIELD_NUMBER: int
    NORM_PARAM_FIELD_NUMBER: int
    PRIOR_BOX_PARAM_FIELD_NUMBER: int
    DETECTION_OUTPUT_PARAM_FIELD_NUMBER: int
    MULTIBOX_LOSS_PARAM_FIELD_NUMBER: int
    ROI_POOLING_PARAM_FIELD_NUMBER: int
    PSROI_POOLING_PARAM_FIELD_NUMBER: int
    SMOOTH_L1_LOSS_PARAM_FIELD_NUMBER: int
    BOX_ANNOTATOR_OHEM_PARAM_FIELD_NUMBER: int
    REORG_PARAM_FIELD_NUMBER: int
    PROPOSAL_PARAM_FIELD_NUMBER: int
    ANCHOR_TARGET_PARAM_FIELD_NUMBER: int
    REGION_TARGET_PARAM_FIELD_NUMBER: int
    ANNOTATED_DATA_PARAM_FIELD_NUMBER: int
    DETECTION_EVALUATE_PARAM_FIELD_NUMBER: int
    REGION_LOSS_PARAM_FIELD_NUMBER: int
    YOLO_DETECTION_OUTPUT_PARAM_FIELD_NUMBER: int
    YOLOV3_DETECTION_OUTPUT_PARAM_FIELD_NUMBER: int
    VIDEO_DATA_PARAM_FIELD_NUMBER: int
    BOX_OUTPUT_PARAM_FIELD_NUMBER: int
    DECODE_BBOX_PARAM_FIELD_NUMBER: int
    BOX_GROUP_OUTPUT_PARAM_FIELD_NUMBER: int
    BBOX_REG_PARAM_FIELD_NUMBER: int
    DETECTION_LOSS_PARAM_FIELD_NUMBER: int
    DETECTION_ACCURACY_PARAM_FIELD_NUMBER: int
    PROPOSAL_TARGET_PARAM_FIELD_NUMBER: int
    IMAGE_GT_DATA_PARAM_FIELD_NUMBER: int
    YOLOV3_PARAM_FIELD_NUMBER: int
    DETECTION_DATA_PARAM_FIELD_NUMBER: int
    EVAL_DATA_PARAM_FIELD_NUMBER: int
    HARD_MINING_PARAM_FIELD_NUMBER: int
    SCALE_ROUTE_PARAM_FIELD_NUMBER: int
    DETECTION_GROUP_LOSS_PARAM_FIELD_NUMBER: int
    DETECTION_GROUP_ACCURACY_PARAM_FIELD_NUMBER: int
    FRCNN_OUTPUT_PARAM_FIELD_NUMBER: int
    DETECTION_OUTPUT_SSD_PARAM_FIELD_NUMBER: int
    DFMB_PSROI_POOLING_PARAM_FIELD_NUMBER: int
    GS_TILING_PARAM_FIELD_NUMBER: int
    REGION_POOLING_PARAM_FIELD_NUMBER: int
    JOINT_REGION_PARAM_FIELD_NUMBER: int
    DETECTNET_CLUSTER_PARAM_FIELD_NUMBER: int
    SCORE_DETECTIONS_PARAM_FIELD_NUMBER: int
    SHUFFLE_CHANNEL_PARAM_FIELD_NUMBER: int
    FLIP_PARAM_FIELD_NUMBER: int
    CENTER_LOSS_PARAM_FIELD_NUMBER: int
    REVERSE_PARAM_FIELD_NUMBER: int
    TRANSPOSE_PARAM_FIELD_NUMBER: int
    TRIPLET_LOSS_PARAM_FIELD_NUMBER: int
    FOCAL_LOSS_PARAM_FIELD_NUMBER: int
    LABEL_SPECIFIC_ADD_PARAM_FIELD_NUMBER: int
    MARGIN_INNER_PRODUCT_PARAM_FIELD_NUMBER: int
    LARGEMARGIN_INNER_PRODUCT_PARAM_FIELD_NUMBER: int
    LSTM_PARAM_FIELD_NUMBER: int
    CTC_LOSS_PARAM_FIELD_NUMBER: int
    CORRELATION_PARAM_FIELD_NUMBER: int
    FLOW_WARP_PARAM_FIELD_NUMBER: int
    RESAMPLE_PARAM_FIELD_NUMBER: int
    DOWNSAMPLE_PARAM_FIELD_NUMBER: int
    L1_LOSS_PARAM_FIELD_NUMBER: int
    CONVOLUTION3D_PARAM_FIELD_NUMBER: int
    POOLING3D_PARAM_FIELD_NUMBER: int
    DEFORMABLE_CONVOLUTION_PARAM_FIELD_NUMBER: int
    CHANNEL_SCALE_PARAM_FIELD_NUMBER: int
    LOCAL_PARAM_FIELD_NUMBER: int
    NORMALIZE_PARAM_FIELD_NUMBER: int
    GRN_PARAM_FIELD_NUMBER: int
    INSANITY_PARAM_FIELD_NUMBER: int
    IMRESIZE_PARAM_FIELD_NUMBER: int
    NMS_PARAM_FIELD_NUMBER: int
    ROI_WARPING_PARAM_FIELD_NUMBER: int
    MASK_RESIZE_PARAM_FIELD_NUMBER: int
    ST_PARAM_FIELD_NUMBER: int
    SELU_DROPOUT_PARAM_FIELD_NUMBER: int
    DENSE_CRF_PARAM_FIELD_NUMBER: int
    MAT_WRITE_PARAM_FIELD_NUMBER: int
    MAT_READ_PARAM_FIELD_NUMBER: int
    GRADIENT_SCALER_PARAM_FIELD_NUMBER: int
    ROI_ALIGN_PARAM_FIELD_NUMBER: int
    LIFTED_STRUCT_SIM_SOFTMAX_LOSS_PARAM_FIELD_NUMBER: int
    NOISE_PARAM_FIELD_NUMBER: int
    RESIZE_PARAM_FIELD_NUMBER: int
    IMAGE_LABEL_DATA_PARAM_FIELD_NUMBER: int
    CONTINUATION_INDICATOR_PARAM_FIELD_NUMBER: int
    CTC_DECODER_PARAM_FIELD_NUMBER: int
    LABELSEQUENCE_ACCURACY_PARAM_FIELD_NUMBER: int
    ELTWISE_ACCURACY_PARAM_FIELD_NUMBER: int
    AUGMENTATION_PARAM_FIELD_NUMBER: int
    MEAN_PARAM_FIELD_NUMBER: int
    EXPMAX_PARAM_FIELD_NUMBER: int
    LPQ_LOSS_PARAM_FIELD_NUMBER: int
    WRITER_PARAM_FIELD_NUMBER: int
    BATCH_REDUCTION_PARAM_FIELD_NUMBER: int
    PAD_PARAM_FIELD_NUMBER: int
    PADDING_PARAM_FIELD_NUMBER: int
    COS_DATA_PARAM_FIELD_NUMBER: int
    CPM_TRANSFORM_PARAM_FIELD_NUMBER: int
    COMPACT_BILINEAR_PARAM_FIELD_NUMBER: int
    MERGECROP_PARAM_FIELD_NUMBER: int
    PSROI_ALIGN_PARAM_FIELD_NUMBER: int
    DEFORMABLE_PSROI_POOLING_PARAM_FIELD_NUMBER: int
    INNER_DISTANCE_PARAM_FIELD_NUMBER: int
    GENERAL_CONTRASTIVE_LOSS_PARAM_FIELD_NUMBER: int
    GENERAL_TRIPLET_LOSS_PARAM_FIELD_NUMBER: int
    LABEL_SPECIFIC_RESCALE_PARAM_FIELD_NUMBER: int
    LABEL_SPECIFIC_MARGIN_PARAM_FIELD_NUMBER: int
    COSIN_ADD_M_PARAM_FIELD_NUMBER: int
    INTER_CLASS_PARAM_FIELD_NUMBER: int
    BIAS_CHANNEL_PARAM_FIELD_NUMBER: int
    ADAPTIVE_BIAS_CHANNEL_PARAM_FIELD_NUMBER: int
    UNIQUE_LABEL_PARAM_FIELD_NUMBER: int
    DOMAIN_TRANSFORM_PARAM_FIELD_NUMBER: int
    ATTENTION_LOSS_PARAM_FIELD_NUMBER: int
    DETECTNET_GROUNDTRUTH_PARAM_FIELD_NUMBER: int
    DETECTNET_AUGMENTATION_PARAM_FIELD_NUMBER: int
    EVAL_DETECTION_PARAM_FIELD_NUMBER: int
    QUANTIZATION_PARAM_FIELD_NUMBER: int
    AFFINITY_PARAM_FIELD_NUMBER: int
    ROTATE_POOLING_PARAM_FIELD_NUMBER: int
    SPACE_TO_BATCH_ND_PARAM_FIELD_NUMBER: int
    BATCH_TO_SPACE_ND_PARAM_FIELD_NUMBER: int
    UPSAMPLE_DARKNET_PARAM_FIELD_NUMBER: int
    LABELED_MATCHING_PARAM_FIELD_NUMBER: int
    UNLABELED_MATCHING_PARAM_FIELD_NUMBER: int
    MUL_PARAM_FIELD_NUMBER: int
    MATMUL_PARAM_FIELD_NUMBER: int
    EXPAND_DIMS_ND_PARAM_FIELD_NUMBER: int
    STACK_PARAM_FIELD_NUMBER: int
    UNSTACK_PARAM_FIELD_NUMBER: int
    RRELU_PARAM_FIELD_NUMBER: int
    APL_PARAM_FIELD_NUMBER: int
    ELTWISE_AFFINE_PARAM_FIELD_NUMBER: int
    MMD_PARAM_FIELD_NUMBER: int
    JMMD_PARAM_FIELD_NUMBER: int
    ENTROPY_PARAM_FIELD_NUMBER: int
    SCALE_TANH_PARAM_FIELD_NUMBER: int
    PAIRWISE_PARAM_FIELD_NUMBER: int
    PIXEL_SHUFFLE_PARAM_FIELD_NUMBER: int
    STRIDED_SLICE_PARAM_FIELD_NUMBER: int
    BINARY_CONVOLUTION_PARAM_FIELD_NUMBER: int
    BINARY_INNER_PRODUCT_PARAM_FIELD_NUMBER: int
    QUANT_PARAM_FIELD_NUMBER: int
    DENSEBLOCK_PARAM_FIELD_NUMBER: int
    GATERECURRENT_PARAM_FIELD_NUMBER: int
    ASL_PARAM_FIELD_NUMBER: int
    ROI_MASK_POOLING_PARAM_FIELD_NUMBER: int
    MIL_PARAM_FIELD_NUMBER: int
    RANK_PARAM_FIELD_NUMBER: int
    HEATMAP_DATA_PARAM_FIELD_NUMBER: int
    SIMPLER_NMS_PARAM_FIELD_NUMBER: int
    EXTRACT_PARAM_FIELD_NUMBER: int
    YOLO_SEG_PARAM_FIELD_NUMBER: int
    SEGMENTATION_EVALUATE_PARAM_FIELD_NUMBER: int
    REVERSE_TIME_PARAM_FIELD_NUMBER: int
    CCONVOLUTION_PARAM_FIELD_NUMBER: int
    CINNER_PRODUCT_PARAM_FIELD_NUMBER: int
    RING_PAD_PARAM_FIELD_NUMBER: int
    CRELU_PARAM_FIELD_NUMBER: int
    BATCH_RENORM_PARAM_FIELD_NUMBER: int
    CONFUSION_MATRIX_PARAM_FIELD_NUMBER: int
    COLOR_CONV_PARAM_FIELD_NUMBER: int
    CROSS_ENTROPY_LOSS_PARAM_FIELD_NUMBER: int
    LOCAL_CONVOLUTION_PARAM_FIELD_NUMBER: int
    LOCAL_CONV_PARAM_FIELD_NUMBER: int
    LSTM_CONV_PARAM_FIELD_NUMBER: int
    LSTM_DEBUG_PARAM_FIELD_NUMBER: int
    DOT_PRODUCT_PARAM_FIELD_NUMBER: int
    PRECISION_RECALL_LOSS_PARAM_FIELD_NUMBER: int
    MAXOUT_PARAM_FIELD_NUMBER: int
    RANGE_LOSS_PARAM_FIELD_NUMBER: int
    WASSERSTEIN_PARAM_FIELD_NUMBER: int
    UPSAMPLING_PARAM_FIELD_NUMBER: int
    SSIM_LOSS_PARAM_FIELD_NUMBER: int
    LOG_SOFTMAX_PARAM_FIELD_NUMBER: int
    DEPTH_TO_SPACE_PARAM_FIELD_NUMBER: int
    LAYER_NORM_PARAM_FIELD_NUMBER: int
    HARD_SIGMOID_PARAM_FIELD_NUMBER: int
    REDUCE_SUM_PARAM_FIELD_NUMBER: int
    REDUCE_MEAN_PARAM_FIELD_NUMBER: int
    REDUCE_MAX_PARAM_FIELD_NUMBER: int
    REDUCE_MIN_PARAM_FIELD_NUMBER: int
    REDUCE_PROD_PARAM_FIELD_NUMBER: int
    REDUCE_LOGSUMEXP_PARAM_FIELD_NUMBER: int
    REDUCE_L1_PARAM_FIELD_NUMBER: int
    REDUCE_L2_PARAM_FIELD_NUMBER: int
    SQUEEZE_PARAM_FIELD_NUMBER: int
    BROADCAST_TO_PARAM_FIELD_NUMBER: int
    TILE_ND_PARAM_FIELD_NUMBER: int
    PIECE_PARAM_FIELD_NUMBER: int
    SPACE_TO_DEPTH_PARAM_FIELD_NUMBER: int
    MIRROR_PAD_PARAM_FIELD_NUMBER: int
    RESIZE_BILINEAR_PARAM_FIELD_NUMBER: int
    RESIZE_NEAREST_NEIGHBOR_PARAM_FIELD_NUMBER: int
    GEMM_PARAM_FIELD_NUMBER: int
    THRESHOLDED_RELU_PARAM_FIELD_NUMBER: int
    SPATIAL_SOFTMAX_PARAM_FIELD_NUMBER: int
    IMAGE_DISTORT_PARAM_FIELD_NUMBER: int
    MULTI_LABEL_DATA_PARAM_FIELD_NUMBER: int
    GUIDED_DROPOUT_PARAM_FIELD_NUMBER: int
    KNOWLEDGE_DISTILLATION_PARAM_FIELD_NUMBER: int
    FIXED_PARAM_FIELD_NUMBER: int
    DEEPHI_RESIZE_PARAM_FIELD_NUMBER: int
    TILING_PARAM_FIELD_NUMBER: int
    DRIVE_DATA_PARAM_FIELD_NUMBER: int
    RESCALE_PARAM_FIELD_NUMBER: int
    CHARBONNIER_LOSS_PARAM_FIELD_NUMBER: int
    MULTI_FRAME_DATA_PARAM_FIELD_NUMBER: int
    WINDOW_CLS_DATA_PARAM_FIELD_NUMBER: int
    SELECT_SEG_BINARY_PARAM_FIELD_NUMBER: int
    NEAREST_COLOURS_PARAM_FIELD_NUMBER: int
    RANDVEC_PARAM_FIELD_NUMBER: int
    DENSECRF_PARAM_FIELD_NUMBER: int
    RAND_COMP_PARAM_FIELD_NUMBER: int
    COEFF_SCHEDULE_PARAM_FIELD_NUMBER: int
    bottom: RepeatedScalarFieldContainer[str]
    top: RepeatedScalarFieldContainer[str]
    name: str
    include: RepeatedCompositeFieldContainer[NetStateRule]
    exclude: RepeatedCompositeFieldContainer[NetStateRule]
    type: int
    blobs: RepeatedCompositeFieldContainer[BlobProto]
    param: RepeatedScalarFieldContainer[str]
    blob_share_mode: RepeatedScalarFieldContainer[int]
    blobs_lr: RepeatedScalarFieldContainer[float]
    weight_decay: RepeatedScalarFieldContainer[float]
    loss_weight: RepeatedScalarFieldContainer[float]
    accuracy_param: AccuracyParameter
    argmax_param: ArgMaxParameter
    concat_param: ConcatParameter
    contrastive_loss_param: ContrastiveLossParameter
    convolution_param: ConvolutionParameter
    data_param: DataParameter
    dropout_param: DropoutParameter
    dummy_data_param: DummyDataParameter
    eltwise_param: EltwiseParameter
    exp_param: ExpParameter
    hdf5_data_param: HDF5DataParameter
    hdf5_output_param: HDF5OutputParameter
    hinge_loss_param: HingeLossParameter
    image_data_param: ImageDataParameter
    infogain_loss_param: InfogainLossParameter
    inner_product_param: InnerProductParameter
    lrn_param: LRNParameter
    memory_data_param: MemoryDataParameter
    mvn_param: MVNParameter
    pooling_param: PoolingParameter
    power_param: PowerParameter
    relu_param: ReLUParameter
    sigmoid_param: SigmoidParameter
    softmax_param: SoftmaxParameter
    slice_param: SliceParameter
    tanh_param: TanHParameter
    threshold_param: ThresholdParameter
    window_data_param: WindowDataParameter
    transform_param: TransformationParameter
    loss_param: LossParameter
    layer: V0LayerParameter
    other_type: str
    lrn_map_param: LRNParameter
    softmaxloss_param: LossParameter
    batch_norm_param: BatchNormParameter
    bias_param: BiasParameter
    clip_param: ClipParameter
    crop_param: CropParameter
    elu_param: ELUParameter
    embed_param: EmbedParameter
    flatten_param: FlattenParameter
    input_param: InputParameter
    log_param: LogParameter
    parameter_param: ParameterParameter
    prelu_param: PReLUParameter
    python_param: PythonParameter
    recurrent_param: RecurrentParameter
    reduction_param: ReductionParameter
    reshape_param: ReshapeParameter
    scale_param: ScaleParameter
    spp_param: SPPParameter
    swish_param: SwishParameter
    tile_param: TileParameter
    sparsify_param: SparsifyParameter
    symmetric_rectify_param: SymmetricRectifyParameter
    bn_param: BNParameter
    interp_param: InterpParameter
    upsample_param: UpsampleParameter
    unpooling_param: UnpoolingParameter
    seg_accuracy_param: SegAccuracyParameter
    dense_image_data_param: DenseImageDataParameter
    multi_stage_meanfield_param: MultiStageMeanfieldParameter
    spatial_dropout_param: SpatialDropoutParameter
    permute_param: PermuteParameter
    norm_param: NormalizeParameter
    prior_box_param: PriorBoxParameter
    detection_output_param: DetectionOutputParameter
    multibox_loss_param: MultiBoxLossParameter
    roi_pooling_param: ROIPoolingParameter
    psroi_pooling_param: PSROIPoolingParameter
    smooth_l1_loss_param: SmoothL1LossParameter
    box_annotator_ohem_param: BoxAnnotatorOHEMParameter
    reorg_param: ReorgParameter
    proposal_param: ProposalParameter
    anchor_target_param: AnchorTargetParameter
    region_target_param: RegionTargetParameter
    annotated_data_param: AnnotatedDataParameter
    detection_evaluate_param: DetectionEvaluateParameter
    region_loss_param: RegionLossParameter
    yolo_detection_output_param: YoloDetectionOutputParameter
    yolov3_detection_output_param: Yolov3DetectionOutputParameter
    video_data_param: VideoDataParameter
    box_output_param: BoxOutputParameter
    decode_bbox_param: DecodeBBoxParameter
    box_group_output_param: BoxGroupOutputParameter
    bbox_reg_param: BBoxRegParameter
    detection_loss_param: DetectionLossParameter
    detection_accuracy_param: DetectionAccuracyParameter
    proposal_target_param: ProposalTargetParameter
    image_gt_data_param: ImageGtDataParameter
    yolov3_param: Yolov3Parameter
    detection_data_param: DetectionDataParameter
    eval_data_param: EvalDataParameter
    hard_mining_param: HardMiningParameter
    scale_route_param: ScaleRouteParameter
    detection_group_loss_param: DetectionGroupLossParameter
    detection_group_accuracy_param: DetectionGroupAccuracyParameter
    frcnn_output_param: FrcnnOutputParameter
    detection_output_ssd_param: DetectionOutputSSDParameter
    dfmb_psroi_pooling_param: DFMBPSROIPoolingParameter
    gs_tiling_param: GSTilingParameter
    region_pooling_param: RegionPoolingParameter
    joint_region_param: JointRegionParameter
    detectnet_cluster_param: DetectNetClusterParameter
    score_detections_param: ScoreDetectionsParameter
    shuffle_channel_param: ShuffleChannelParameter
    flip_param: FlipParameter
    center_loss_param: CenterLossParameter
    reverse_param: ReverseParameter
    transpose_param: TransposeParameter
    triplet_loss_param: TripletLossParameter
    focal_loss_param: FocalLossParameter
    label_specific_add_param: LabelSpecificAddParameter
    margin_inner_product_param: MarginInnerProductParameter
    largemargin_inner_product_param: MarginInnerProductParameter
    lstm_param: LSTMParameter
    ctc_loss_param: CtcLossParameter
    correlation_param: CorrelationParameter
    flow_warp_param: FlowWarpParameter
    resample_param: ResampleParameter
    downsample_param: DownsampleParameter
    l1_loss_param: L1LossParameter
    convolution3d_param: Convolution3DParameter
    pooling3d_param: Pooling3DParameter
    deformable_convolution_param: DeformableConvolutionParameter
    channel_scale_param: ChannelScaleParameter
    local_param: LocalParameter
    normalize_param: NormFaceParameter
    grn_param: GRNParameter
    insanity_param: InsanityParameter
    imresize_param: ImResizeParameter
    nms_param: NmsParameter
    roi_warping_param: ROIPoolingParameter
    mask_resize_param: MaskResizeParameter
    st_param: SpatialTransformerParameter
    selu_dropout_param: SpatialDropoutParameter
    dense_crf_param: DenseCRFParameter
    mat_write_param: MatWriteParameter
    mat_read_param: MatReadParameter
    gradient_scaler_param: GradientScalerParameter
    roi_align_param: ROIAlignParameter
    lifted_struct_sim_softmax_loss_param: MarginParameter
    noise_param: AddedNoiseParameter
    resize_param: SizeParameter
    image_label_data_param: ImageLabelDataParameter
    continuation_indicator_param: ContinuationIndicatorParameter
    ctc_decoder_param: CTCDecoderParameter
    labelsequence_accuracy_param: LabelsequenceAccuracyParameter
    eltwise_accuracy_param: AccuracyParameter
    augmentation_param: AugmentationParameter
    mean_param: MeanParameter
    expmax_param: ExpParameter
    lpq_loss_param: LpqLossParameter
    writer_param: WriterParameter
    batch_reduction_param: BatchReductionParameter
    pad_param: PadParameter
    padding_param: PaddingParameter
    cos_data_param: CoSDataParameter
    cpm_transform_param: CPMTransformationParameter
    compact_bilinear_param: CompactBilinearParameter
    mergecrop_param: MergeCropParameter
    psroi_align_param: PSROIAlignParameter
    deformable_psroi_pooling_param: DeformablePSROIPoolingParameter
    inner_distance_param: InnerDistanceParameter
    general_contrastive_loss_param: GeneralContrastiveLossParameter
    general_triplet_loss_param: GeneralTripletLossParameter
    label_specific_rescale_param: LabelSpecificRescaleParameter
    label_specific_margin_param: LabelSpecificMarginParameter
    cosin_add_m_param: CosinAddmParameter
    inter_class_param: InterClassParameter
    bias_channel_param: BiasChannelParameter
    adaptive_bias_channel_param: AdaptiveBiasChannelParameter
    unique_label_param: UniqueLabelParameter
    domain_transform_param: DomainTransformParameter
    attention_loss_param: AttentionLossParameter
    detectnet_groundtruth_param: DetectNetGroundTruthParameter
    detectnet_augmentation_param: DetectNetAugmentationParameter
    eval_detection_param: EvalDetectionParameter
    quantization_param: QuantizationParameter
    affinity_param: AffinityParameter
    rotate_pooling_param: RotateROIPoolingParameter
    space_to_batch_nd_param: SpaceToBatchNDParameter
    batch_to_space_nd_param: BatchToSpaceNDParameter
    upsample_darknet_param: UpsampleDarknetParameter
    labeled_matching_param: LabeledMatchingParameter
    unlabeled_matching_param: UnlabeledMatchingParameter
    mul_param: MulParameter
    matmul_param: MatMulParameter
    expand_dims_nd_param: NewAxisParameter
    stack_param: NewAxisParameter
    unstack_param: NewAxisParameter
    rrelu_param: RReLUParameter
    apl_param: APLParameter
    eltwise_affine_param: EltwiseAffineParameter
    mmd_param: MMDParameter
    jmmd_param: JMMDParameter
    entropy_param: EntropyParameter
    scale_tanh_param: ScaleTanHParameter
    pairwise_param: PairwiseParameter
    pixel_shuffle_param: PixelShuffleParameter
    strided_slice_param: StridedSliceParameter
    binary_convolution_param: BinaryConvolutionParameter
    binary_inner_product_param: BinaryInnerProductParameter
    quant_param: QuantParameter
    denseblock_param: DenseBlockParameter
    gaterecurrent_param: GateRecurrentParameter
    asl_param: ASLParameter
    roi_mask_pooling_param: ROIMaskPoolingParameter
    mil_param: MILParameter
    rank_param: RankParameter
    heatmap_data_param: HeatmapDataParameter
    simpler_nms_param: SimplerNMSParameter
    extract_param: ExtractParameter
    yolo_seg_param: YoloSegParameter
    segmentation_evaluate_param: SegmentationEvaluateParameter
    reverse_time_param: ReverseTimeParameter
    cconvolution_param: CConvolutionParameter
    cinner_product_param: CInnerProductParameter
    ring_pad_param: RingPadParameter
    crelu_param: CReLUParameter
    batch_renorm_param: BatchReNormParameter
    confusion_matrix_param: AccuracyParameter
    color_conv_param: ColorConvParameter
    cross_entropy_loss_param: CrossEntropyLossParameter
    local_convolution_param: LocalConvolutionParameter
    local_conv_param: LocalConvolutionParameter
    lstm_conv_param: RepeatedCompositeFieldContainer[LSTMConvolutionParameter]
    lstm_debug_param: LSTMDebugParameter
    dot_product_param: DotProductParameter
    precision_recall_loss_param: PrecisionRecallLossParameter
    maxout_param: MaxoutParameter
    range_loss_param: RangeLossParameter
    wasserstein_param: WassersteinParameter
    upsampling_param: UpsamplingParameter
    ssim_loss_param: SSIMLossParameter
    log_softmax_param: LogSoftmaxParameter
    depth_to_space_param: DepthToSpaceParameter
    layer_norm_param: LayerNormParameter
    hard_sigmoid_param: HardSigmoidParameter
    reduce_sum_param: ReduceParameter
    reduce_mean_param: ReduceParameter
    reduce_max_param: ReduceParameter
    reduce_min_param: ReduceParameter
    reduce_prod_param: ReduceParameter
    reduce_logsumexp_param: ReduceParameter
    reduce_l1_param: ReduceNormParameter
    reduce_l2_param: ReduceNormParameter
    squeeze_param: SqueezeParameter
    broadcast_to_param: BroadcastToParameter
    tile_nd_param: TileNDParameter
    piece_param: PieceParameter
    space_to_depth_param: DepthToSpaceParameter
    mirror_pad_param: MirrorPadParameter
    resize_bilinear_param: ResizeBilinearParameter
    resize_nearest_neighbor_param: ResizeNearestNeighborParameter
    gemm_param: GemmParameter
    thresholded_relu_param: ThresholdedReLUParameter
    spatial_softmax_param: SpatialSoftmaxParameter
    image_distort_param: ImageDistortParameter
    multi_label_data_param: ImageDataParameter
    guided_dropout_param: GuidedDropoutParameter
    knowledge_distillation_param: KnowledgeDistillationParameter
    fixed_param: FixedParameter
    deephi_resize_param: DeephiResizeParameter
    tiling_param: TilingParameter
    drive_data_param: DriveDataParameter
    rescale_param: RescaleParameter
    charbonnier_loss_param: CharbonnierLossParameter
    multi_frame_data_param: VideoDataParameter
    window_cls_data_param: WindowClsDataParameter
    select_seg_binary_param: SelectSegBinaryParameter
    nearest_colours_param: NearestColoursParameter
    randvec_param: RandVecParameter
    densecrf_param: DenseCRFLabelParameter
    rand_comp_param: RandCompParameter
    coeff_schedule_param: CoeffScheduleParameter
    def __init__(
        self,
        *,
        bottom: Iterable[str] | None = ...,
        top: Iterable[str] | None = ...,
        name: str | None = ...,
        include: Iterable[NetStateRule | Mapping[str, Any]] | None = ...,
        exclude: Iterable[NetStateRule | Mapping[str, Any]] | None = ...,
        type: int | str | None = ...,
        blobs: Iterable[BlobProto | Mapping[str, Any]] | None = ...,
        param: Iterable[str] | None = ...,
        blob_share_mode: Iterable[int | str] | None = ...,
        blobs_lr: Iterable[float] | None = ...,
        weight_decay: Iterable[float] | None = ...,
        loss_weight: Iterable[float] | None = ...,
        accuracy_param: AccuracyParameter | Mapping[str, Any] | None = ...,
        argmax_param: ArgMaxParameter | Mapping[str, Any] | None = ...,
        concat_param: ConcatParameter | Mapping[str, Any] | None = ...,
        contrastive_loss_param: ContrastiveLossParameter | Mapping[str, Any] | None = ...,
        convolution_param: ConvolutionParameter | Mapping[str, Any] | None = ...,
        data_param: DataParameter | Mapping[str, Any] | None = ...,
        dropout_param: DropoutParameter | Mapping[str, Any] | None = ...,
        dummy_data_param: DummyDataParameter | Mapping[str, Any] | None = ...,
        eltwise_param: EltwiseParameter | Mapping[str, Any] | None = ...,
        exp_param: ExpParameter | Mapping[str, Any] | None = ...,
        hdf5_data_param: HDF5DataParameter | Mapping[str, Any] | None = ...,
        hdf5_output_param: HDF5OutputParameter | Mapping[str, Any] | None = ...,
        hinge_loss_param: HingeLossParameter | Mapping[str, Any] | None = ...,
        image_data_param: ImageDataParameter | Mapping[str, Any] | None = ...,
        infogain_loss_param: InfogainLossParameter | Mapping[str, Any] | None = ...,
        inner_product_param: InnerProductParameter | Mapping[str, Any] | None = ...,
        lrn_param: LRNParameter | Mapping[str, Any] | None = ...,
        memory_data_param: MemoryDataParameter | Mapping[str, Any] | None = ...,
        mvn_param: MVNParameter | Mapping[str, Any] | None = ...,
        pooling_param: PoolingParameter | Mapping[str, Any] | None = ...,
        power_param: PowerParameter | Mapping[str, Any] | None = ...,
        relu_param: ReLUParameter | Mapping[str, Any] | None = ...,
        sigmoid_param: SigmoidParameter | Mapping[str, Any] | None = ...,
        softmax_param: SoftmaxParameter | Mapping[str, Any] | None = ...,
        slice_param: SliceParameter | Mapping[str, Any] | None = ...,
        tanh_param: TanHParameter | Mapping[str, Any] | None = ...,
        threshold_param: ThresholdParameter | Mapping[str, Any] | None = ...,
        window_data_param: WindowDataParameter | Mapping[str, Any] | None = ...,
        transform_param: TransformationParameter | Mapping[str, Any] | None = ...,
        loss_param: LossParameter | Mapping[str, Any] | None = ...,
        layer: V0LayerParameter | Mapping[str, Any] | None = ...,
        other_type: str | None = ...,
        lrn_map_param: LRNParameter | Mapping[str, Any] | None = ...,
        softmaxloss_param: LossParameter | Mapping[str, Any] | None = ...,
        batch_norm_param: BatchNormParameter | Mapping[str, Any] | None = ...,
        bias_param: BiasParameter | Mapping[str, Any] | None = ...,
        clip_param: ClipParameter | Mapping[str, Any] | None = ...,
        crop_param: CropParameter | Mapping[str, Any] | None = ...,
        elu_param: ELUParameter | Mapping[str, Any] | None = ...,
        embed_param: EmbedParameter | Mapping[str, Any] | None = ...,
        flatten_param: FlattenParameter | Mapping[str, Any] | None = ...,
        input_param: InputParameter | Mapping[str, Any] | None = ...,
        log_param: LogParameter | Mapping[str, Any] | None = ...,
        parameter_param: ParameterParameter | Mapping[str, Any] | None = ...,
        prelu_param: PReLUParameter | Mapping[str, Any] | None = ...,
        python_param: PythonParameter | Mapping[str, Any] | None = ...,
        recurrent_param: RecurrentParameter | Mapping[str, Any] | None = ...,
        reduction_param: ReductionParameter | Mapping[str, Any] | None = ...,
        reshape_param: ReshapeParameter | Mapping[str, Any] | None = ...,
        scale_param: ScaleParameter | Mapping[str, Any] | None = ...,
        spp_param: SPPParameter | Mapping[str, Any] | None = ...,
        swish_param: SwishParameter | Mapping[str, Any] | None = ...,
        tile_param: TileParameter | Mapping[str, Any] | None = ...,
        sparsify_param: SparsifyParameter | Mapping[str, Any] | None = ...,
        symmetric_rectify_param: SymmetricRectifyParameter | Mapping[str, Any] | None = ...,
        bn_param: BNParameter | Mapping[str, Any] | None = ...,
        interp_param: InterpParameter | Mapping[str, Any] | None = ...,
        upsample_param: UpsampleParameter | Mapping[str, Any] | None = ...,
        unpooling_param: UnpoolingParameter | Mapping[str, Any] | None = ...,
        seg_accuracy_param: SegAccuracyParameter | Mapping[str, Any] | None = ...,
        dense_image_data_param: DenseImageDataParameter | Mapping[str, Any] | None = ...,
        multi_stage_meanfield_param: MultiStageMeanfieldParameter | Mapping[str, Any] | None = ...,
        spatial_dropout_param: SpatialDropoutParameter | Mapping[str, Any] | None = ...,
        permute_param: PermuteParameter | Mapping[str, Any] | None = ...,
        norm_param: NormalizeParameter | Mapping[str, Any] | None = ...,
        prior_box_param: PriorBoxParameter | Mapping[str, Any] | None = ...,
        detection_output_param: DetectionOutputParameter | Mapping[str, Any] | None = ...,
        multibox_loss_param: MultiBoxLossParameter | Mapping[str, Any] | None = ...,
        roi_pooling_param: ROIPoolingParameter | Mapping[str, Any] | None = ...,
        psroi_pooling_param: PSROIPoolingParameter | Mapping[str, Any] | None = ...,
        smooth_l1_loss_param: SmoothL1LossParameter | Mapping[str, Any] | None = ...,
        box_annotator_ohem_param: BoxAnnotatorOHEMParameter | Mapping[str, Any] | None = ...,
        reorg_param: ReorgParameter | Mapping[str, Any] | None = ...,
        proposal_param: ProposalParameter | Mapping[str, Any] | None = ...,
        anchor_target_param: AnchorTargetParameter | Mapping[str, Any] | None = ...,
        region_target_param: RegionTargetParameter | Mapping[str, Any] | None = ...,
        annotated_data_param: AnnotatedDataParameter | Mapping[str, Any] | None = ...,
        detection_evaluate_param: DetectionEvaluateParameter | Mapping[str, Any] | None = ...,
        region_loss_param: RegionLossParameter | Mapping[str, Any] | None = ...,
        yolo_detection_output_param: YoloDetectionOutputParameter | Mapping[str, Any] | None = ...,
        yolov3_detection_output_param: Yolov3DetectionOutputParameter
        | Mapping[str, Any]
        | None = ...,
        video_data_param: VideoDataParameter | Mapping[str, Any] | None = ...,
        box_output_param: BoxOutputParameter | Mapping[str, Any] | None = ...,
        decode_bbox_param: DecodeBBoxParameter | Mapping[str, Any] | None = ...,
        box_group_output_param: BoxGroupOutputParameter | Mapping[str, Any] | None = ...,
        bbox_reg_param: BBoxRegParameter | Mapping[str, Any] | None = ...,
        detection_loss_param: DetectionLossParameter | Mapping[str, Any] | None = ...,
        detection_accuracy_param: DetectionAccuracyParameter | Mapping[str, Any] | None = ...,
        proposal_target_param: ProposalTargetParameter | Mapping[str, Any] | None = ...,
        image_gt_data_param: ImageGtDataParameter | Mapping[str, Any] | None = ...,
        yolov3_param: Yolov3Parameter | Mapping[str, Any] | None = ...,
        detection_data_param: DetectionDataParameter | Mapping[str, Any] | None = ...,
        eval_data_param: EvalDataParameter | Mapping[str, Any] | None = ...,
        hard_mining_param: HardMiningParameter | Mapping[str, Any] | None = ...,
        scale_route_param: ScaleRouteParameter | Mapping[str, Any] | None = ...,
        detection_group_loss_param: DetectionGroupLossParameter | Mapping[str, Any] | None = ...,
        detection_group_accuracy_param: DetectionGroupAccuracyParameter
        | Mapping[str, Any]
        | None = ...,
        frcnn_output_param: FrcnnOutputParameter | Mapping[str, Any] | None = ...,
        detection_output_ssd_param: DetectionOutputSSDParameter | Mapping[str, Any] | None = ...,
        dfmb_psroi_pooling_param: DFMBPSROIPoolingParameter | Mapping[str, Any] | None = ...,
        gs_tiling_param: GSTilingParameter | Mapping[str, Any] | None = ...,
        region_pooling_param: RegionPoolingParameter | Mapping[str, Any] | None = ...,
        joint_region_param: JointRegionParameter | Mapping[str, Any] | None = ...,
        detectnet_cluster_param: DetectNetClusterParameter | Mapping[str, Any] | None = ...,
        score_detections_param: ScoreDetectionsParameter | Mapping[str, Any] | None = ...,
        shuffle_channel_param: ShuffleChannelParameter | Mapping[str, Any] | None = ...,
        flip_param: FlipParameter | Mapping[str, Any] | None = ...,
        center_loss_param: CenterLossParameter | Mapping[str, Any] | None = ...,
        reverse_param: ReverseParameter | Mapping[str, Any] | None = ...,
        transpose_param: TransposeParameter | Mapping[str, Any] | None = ...,
        triplet_loss_param: TripletLossParameter | Mapping[str, Any] | None = ...,
        focal_loss_param: FocalLossParameter | Mapping[str, Any] | None = ...,
        label_specific_add_param: LabelSpecificAddParameter | Mapping[str, Any] | None = ...,
        margin_inner_product_param: MarginInnerProductParameter | Mapping[str, Any] | None = ...,
        largemargin_inner_product_param: MarginInnerProductParameter
        | Mapping[str, Any]
        | None = ...,
        lstm_param: LSTMParameter | Mapping[str, Any] | None = ...,
        ctc_loss_param: CtcLossParameter | Mapping[str, Any] | None = ...,
        correlation_param: CorrelationParameter | Mapping[str, Any] | None = ...,
        flow_warp_param: FlowWarpParameter | Mapping[str, Any] | None = ...,
        resample_param: ResampleParameter | Mapping[str, Any] | None = ...,
        downsample_param: DownsampleParameter | Mapping[str, Any] | None = ...,
        l1_loss_param: L1LossParameter | Mapping[str, Any] | None = ...,
        convolution3d_param: Convolution3DParameter | Mapping[str, Any] | None = ...,
        pooling3d_param: Pooling3DParameter | Mapping[str, Any] | None = ...,
        deformable_convolution_param: DeformableConvolutionParameter
        | Mapping[str, Any]
        | None = ...,
        channel_scale_param: ChannelScaleParameter | Mapping[str, Any] | None = ...,
        local_param: LocalParameter | Mapping[str, Any] | None = ...,
        normalize_param: NormFaceParameter | Mapping[str, Any] | None = ...,
        grn_param: GRNParameter | Mapping[str, Any] | None = ...,
        insanity_param: InsanityParameter | Mapping[str, Any] | None = ...,
        imresize_param: ImResizeParameter | Mapping[str, Any] | None = ...,
        nms_param: NmsParameter | Mapping[str, Any] | None = ...,
        roi_warping_param: ROIPoolingParameter | Mapping[str, Any] | None = ...,
        mask_resize_param: MaskResizeParameter | Mapping[str, Any] | None = ...,
        st_param: SpatialTransformerParameter | Mapping[str, Any] | None = ...,
        selu_dropout_param: SpatialDropoutParameter | Mapping[str, Any] | None = ...,
        dense_crf_param: DenseCRFParameter | Mapping[str, Any] | None = ...,
        mat_write_param: MatWriteParameter | Mapping[str, Any] | None = ...,
        mat_read_param: MatReadParameter | Mapping[str, Any] | None = ...,
        gradient_scaler_param: GradientScalerParameter | Mapping[str, Any] | None = ...,
        roi_align_param: ROIAlignParameter | Mapping[str, Any] | None = ...,
        lifted_struct_sim_softmax_loss_param: MarginParameter | Mapping[str, Any] | None = ...,
        noise_param: AddedNoiseParameter | Mapping[str, Any] | None = ...,
        resize_param: SizeParameter | Mapping[str, Any] | None = ...,
        image_label_data_param: ImageLabelDataParameter | Mapping[str, Any] | None = ...,
        continuation_indicator_param: ContinuationIndicatorParameter
        | Mapping[str, Any]
        | None = ...,
        ctc_decoder_param: CTCDecoderParameter | Mapping[str, Any] | None = ...,
        labelsequence_accuracy_param: LabelsequenceAccuracyParameter
        | Mapping[str, Any]
        | None = ...,
        eltwise_accuracy_param: AccuracyParameter | Mapping[str, Any] | None = ...,
        augmentation_param: AugmentationParameter | Mapping[str, Any] | None = ...,
        mean_param: MeanParameter | Mapping[str, Any] | None = ...,
        expmax_param: ExpParameter | Mapping[str, Any] | None = ...,
        lpq_loss_param: LpqLossParameter | Mapping[str, Any] | None = ...,
        writer_param: WriterParameter | Mapping[str, Any] | None = ...,
        batch_reduction_param: BatchReductionParameter | Mapping[str, Any] | None = ...,
        pad_param: PadParameter | Mapping[str, Any] | None = ...,
        padding_param: PaddingParameter | Mapping[str, Any] | None = ...,
        cos_data_param: CoSDataParameter | Mapping[str, Any] | None = ...,
        cpm_transform_param: CPMTransformationParameter | Mapping[str, Any] | None = ...,
        compact_bilinear_param: CompactBilinearParameter | Mapping[str, Any] | None = ...,
        mergecrop_param: MergeCropParameter | Mapping[str, Any] | None = ...,
        psroi_align_param: PSROIAlignParameter | Mapping[str, Any] | None = ...,
        deformable_psroi_pooling_param: DeformablePSROIPoolingParameter
        | Mapping[str, Any]
        | None = ...,
        inner_distance_param: InnerDistanceParameter | Mapping[str, Any] | None = ...,
        general_contrastive_loss_param: GeneralContrastiveLossParameter
        | Mapping[str, Any]
        | None = ...,
        general_triplet_loss_param: GeneralTripletLossParameter | Mapping[str, Any] | None = ...,
        label_specific_rescale_param: LabelSpecificRescaleParameter
        | Mapping[str, Any]
        | None = ...,
        label_specific_margin_param: LabelSpecificMarginParameter | Mapping[str, Any] | None = ...,
        cosin_add_m_param: CosinAddmParameter | Mapping[str, Any] | None = ...,
        inter_class_param: InterClassParameter | Mapping[str, Any] | None = ...,
        bias_channel_param: BiasChannelParameter | Mapping[str, Any] | None = ...,
        adaptive_bias_channel_param: AdaptiveBiasChannelParameter | Mapping[str, Any] | None = ...,
        unique_label_param: UniqueLabelParameter | Mapping[str, Any] | None = ...,
        domain_transform_param: DomainTransformParameter | Mapping[str, Any] | None = ...,
        attention_loss_param: AttentionLossParameter | Mapping[str, Any] | None = ...,
        detectnet_groundtruth_param: DetectNetGroundTruthParameter | Mapping[str, Any] | None = ...,
        detectnet_augmentation_param: DetectNetAugmentationParameter
        | Mapping[str, Any]
        | None = ...,
        eval_detection_param: EvalDetectionParameter | Mapping[str, Any] | None = ...,
        quantization_param: QuantizationParameter | Mapping[str, Any] | None = ...,
        affinity_param: AffinityParameter | Mapping[str, Any] | None = ...,
        rotate_pooling_param: RotateROIPoolingParameter | Mapping[str, Any] | None = ...,
        space_to_batch_nd_param: SpaceToBatchNDParameter | Mapping[str, Any] | None = ...,
        batch_to_space_nd_param: BatchToSpaceNDParameter | Mapping[str, Any] | None = ...,
        upsample_darknet_param: UpsampleDarknetParameter | Mapping[str, Any] | None = ...,
        labeled_matching_param: LabeledMatchingParameter | Mapping[str, Any] | None = ...,
        unlabeled_matching_param: UnlabeledMatchingParameter | Mapping[str, Any] | None = ...,
        mul_param: MulParameter | Mapping[str, Any] | None = ...,
        matmul_param: MatMulParameter | Mapping[str, Any] | None = ...,
        expand_dims_nd_param: NewAxisParameter | Mapping[str, Any] | None = ...,
        stack_param: NewAxisParameter | Mapping[str, Any] | None = ...,
        unstack_param: NewAxisParameter | Mapping[str, Any] | None = ...,
        rrelu_param: RReLUParameter | Mapping[str, Any] | None = ...,
        apl_param: APLParameter | Mapping[str, Any] | None = ...,
        eltwise_affine_param: EltwiseAffineParameter | Mapping[str, Any] | None = ...,
        mmd_param: MMDParameter | Mapping[str, Any] | None = ...,
        jmmd_param: JMMDParameter | Mapping[str, Any] | None = ...,
        entropy_param: EntropyParameter | Mapping[str, Any] | None = ...,
        scale_tanh_param: ScaleTanHParameter | Mapping[str, Any] | None = ...,
        pairwise_param: PairwiseParameter | Mapping[str, Any] | None = ...,
        pixel_shuffle_param: PixelShuffleParameter | Mapping[str, Any] | None = ...,
        strided_slice_param: StridedSliceParameter | Mapping[str, Any] | None = ...,
        binary_convolution_param: BinaryConvolutionParameter | Mapping[str, Any] | None = ...,
        binary_inner_product_param: BinaryInnerProductParameter | Mapping[str, Any] | None = ...,
        quant_param: QuantParameter | Mapping[str, Any] | None = ...,
        denseblock_param: DenseBlockParameter | Mapping[str, Any] | None = ...,
        gaterecurrent_param: GateRecurrentParameter | Mapping[str, Any] | None = ...,
        asl_param: ASLParameter | Mapping[str, Any] | None = ...,
        roi_mask_pooling_param: ROIMaskPoolingParameter | Mapping[str, Any] | None = ...,
        mil_param: MILParameter | Mapping[str, Any] | None = ...,
        rank_param: RankParameter | Mapping[str, Any] | None = ...,
        heatmap_data_param: HeatmapDataParameter | Mapping[str, Any] | None = ...,
        simpler_nms_param: SimplerNMSParameter | Mapping[str, Any] | None = ...,
        extract_param: ExtractParameter | Mapping[str, Any] | None = ...,
        yolo_seg_param: YoloSegParameter | Mapping[str, Any] | None = ...,
        segmentation_evaluate_param: SegmentationEvaluateParameter | Mapping[str, Any] | None = ...,
        reverse_time_param: ReverseTimeParameter | Mapping[str, Any] | None = ...,
        cconvolution_param: CConvolutionParameter | Mapping[str, Any] | None = ...,
        cinner_product_param: CInnerProductParameter | Mapping[str, Any] | None = ...,
        ring_pad_param: RingPadParameter | Mapping[str, Any] | None = ...,
        crelu_param: CReLUParameter | Mapping[str, Any] | None = ...,
        batch_renorm_param: BatchReNormParameter | Mapping[str, Any] | None = ...,
        confusion_matrix_param: AccuracyParameter | Mapping[str, Any] | None = ...,
        color_conv_param: ColorConvParameter | Mapping[str, Any] | None = ...,
        cross_entropy_loss_param: CrossEntropyLossParameter | Mapping[str, Any] | None = ...,
        local_convolution_param: LocalConvolutionParameter | Mapping[str, Any] | None = ...,
        local_conv_param: LocalConvolutionParameter | Mapping[str, Any] | None = ...,
        lstm_conv_param: Iterable[LSTMConvolutionParameter | Mapping[str, Any]] | None = ...,
        lstm_debug_param: LSTMDebugParameter | Mapping[str, Any] | None = ...,
        dot_product_param: DotProductParameter | Mapping[str, Any] | None = ...,
        precision_recall_loss_param: PrecisionRecallLossParameter | Mapping[str, Any] | None = ...,
        maxout_param: MaxoutParameter | Mapping[str, Any] | None = ...,
        range_loss_param: RangeLossParameter | Mapping[str, Any] | None = ...,
        wasserstein_param: WassersteinParameter | Mapping[str, Any] | None = ...,
        upsampling_param: UpsamplingParameter | Mapping[str, Any] | None = ...,
        ssim_loss_param: SSIMLossParameter | Mapping[str, Any] | None = ...,
        log_softmax_param: LogSoftmaxParameter | Mapping[str, Any] | None = ...,
        depth_to_space_param: DepthToSpaceParameter | Mapping[str, Any] | None = ...,
        layer_norm_param: LayerNormParameter | Mapping[str, Any] | None = ...,
        hard_sigmoid_param: HardSigmoidParameter | Mapping[str, Any] | None = ...,
        reduce_sum_param: ReduceParameter | Mapping[str, Any] | None = ...,
        reduce_mean_param: ReduceParameter | Mapping[str, Any] | None = ...,
        reduce_max_param: ReduceParameter | Mapping[str, Any] | None = ...,
        reduce_min_param: ReduceParameter | Mapping[str, Any] | None = ...,
        reduce_prod_param: ReduceParameter | Mapping[str, Any] | None = ...,
        reduce_logsumexp_param: ReduceParameter | Mapping[str, Any] | None = ...,
        reduce_l1_param: ReduceNormParameter | Mapping[str, Any] | None = ...,
        reduce_l2_param: ReduceNormParameter | Mapping[str, Any] | None = ...,
        squeeze_param: SqueezeParameter | Mapping[str, Any] | None = ...,
        broadcast_to_param: BroadcastToParameter | Mapping[str, Any] | None = ...,
        tile_nd_param: TileNDParameter | Mapping[str, Any] | None = ...,
        piece_param: PieceParameter | Mapping[str, Any] | None = ...,
        space_to_depth_param: DepthToSpaceParameter | Mapping[str, Any] | None = ...,
        mirror_pad_param: MirrorPadParameter | Mapping[str, Any] | None = ...,
        resize_bilinear_param: ResizeBilinearParameter | Mapping[str, Any] | None = ...,
        resize_nearest_neighbor_param: ResizeNearestNeighborParameter
        | Mapping[str, Any]
        | None = ...,
        gemm_param: GemmParameter | Mapping[str, Any] | None = ...,
        thresholded_relu_param: ThresholdedReLUParameter | Mapping[str, Any] | None = ...,
        spatial_softmax_param: SpatialSoftmaxParameter | Mapping[str, Any] | None = ...,
        image_distort_param: ImageDistortParameter | Mapping[str, Any] | None = ...,
        multi_label_data_param: ImageDataParameter | Mapping[str, Any] | None = ...,
        guided_dropout_param: GuidedDropoutParameter | Mapping[str, Any] | None = ...,
        knowledge_distillation_param: KnowledgeDistillationParameter
        | Mapping[str, Any]
        | None = ...,
        fixed_param: FixedParameter | Mapping[str, Any] | None = ...,
        deephi_resize_param: DeephiResizeParameter | Mapping[str, Any] | None = ...,
        tiling_param: TilingParameter | Mapping[str, Any] | None = ...,
        drive_data_param: DriveDataParameter | Mapping[str, Any] | None = ...,
        rescale_param: RescaleParameter | Mapping[str, Any] | None = ...,
        charbonnier_loss_param: CharbonnierLossParameter | Mapping[str, Any] | None = ...,
        multi_frame_data_param: VideoDataParameter | Mapping[str, Any] | None = ...,
        window_cls_data_param: WindowClsDataParameter | Mapping[str, Any] | None = ...,
        select_seg_binary_param: SelectSegBinaryParameter | Mapping[str, Any] | None = ...,
        nearest_colours_param: NearestColoursParameter | Mapping[str, Any] | None = ...,
        randvec_param: RandVecParameter | Mapping[str, Any] | None = ...,
        densecrf_param: DenseCRFLabelParameter | Mapping[str, Any] | None = ...,
        rand_comp_param: RandCompParameter | Mapping[str, Any] | None = ...,
        coeff_schedule_param: CoeffScheduleParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class V0LayerParameter(Message):
    PoolMethod: EnumTypeWrapper
    MAX: int
    AVE: int
    STOCHASTIC: int
    NAME_FIELD_NUMBER: int
    TYPE_FIELD_NUMBER: int
    NUM_OUTPUT_FIELD_NUMBER: int
    BIASTERM_FIELD_NUMBER: int
    WEIGHT_FILLER_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    PAD_FIELD_NUMBER: int
    KERNELSIZE_FIELD_NUMBER: int
    GROUP_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    POOL_FIELD_NUMBER: int
    DROPOUT_RATIO_FIELD_NUMBER: int
    LOCAL_SIZE_FIELD_NUMBER: int
    ALPHA_FIELD_NUMBER: int
    BETA_FIELD_NUMBER: int
    K_FIELD_NUMBER: int
    SOURCE_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    MEANFILE_FIELD_NUMBER: int
    BATCHSIZE_FIELD_NUMBER: int
    CROPSIZE_FIELD_NUMBER: int
    MIRROR_FIELD_NUMBER: int
    BLOBS_FIELD_NUMBER: int
    BLOBS_LR_FIELD_NUMBER: int
    WEIGHT_DECAY_FIELD_NUMBER: int
    RAND_SKIP_FIELD_NUMBER: int
    DET_FG_THRESHOLD_FIELD_NUMBER: int
    DET_BG_THRESHOLD_FIELD_NUMBER: int
    DET_FG_FRACTION_FIELD_NUMBER: int
    DET_CONTEXT_PAD_FIELD_NUMBER: int
    DET_CROP_MODE_FIELD_NUMBER: int
    NEW_NUM_FIELD_NUMBER: int
    NEW_CHANNELS_FIELD_NUMBER: int
    NEW_HEIGHT_FIELD_NUMBER: int
    NEW_WIDTH_FIELD_NUMBER: int
    SHUFFLE_IMAGES_FIELD_NUMBER: int
    CONCAT_DIM_FIELD_NUMBER: int
    HDF5_OUTPUT_PARAM_FIELD_NUMBER: int
    name: str
    type: str
    num_output: int
    biasterm: bool
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    pad: int
    kernelsize: int
    group: int
    stride: int
    pool: int
    dropout_ratio: float
    local_size: int
    alpha: float
    beta: float
    k: float
    source: str
    scale: float
    meanfile: str
    batchsize: int
    cropsize: int
    mirror: bool
    blobs: RepeatedCompositeFieldContainer[BlobProto]
    blobs_lr: RepeatedScalarFieldContainer[float]
    weight_decay: RepeatedScalarFieldContainer[float]
    rand_skip: int
    det_fg_threshold: float
    det_bg_threshold: float
    det_fg_fraction: float
    det_context_pad: int
    det_crop_mode: str
    new_num: int
    new_channels: int
    new_height: int
    new_width: int
    shuffle_images: bool
    concat_dim: int
    hdf5_output_param: HDF5OutputParameter
    def __init__(
        self,
        *,
        name: str | None = ...,
        type: str | None = ...,
        num_output: int | None = ...,
        biasterm: bool | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        pad: int | None = ...,
        kernelsize: int | None = ...,
        group: int | None = ...,
        stride: int | None = ...,
        pool: int | str | None = ...,
        dropout_ratio: float | None = ...,
        local_size: int | None = ...,
        alpha: float | None = ...,
        beta: float | None = ...,
        k: float | None = ...,
        source: str | None = ...,
        scale: float | None = ...,
        meanfile: str | None = ...,
        batchsize: int | None = ...,
        cropsize: int | None = ...,
        mirror: bool | None = ...,
        blobs: Iterable[BlobProto | Mapping[str, Any]] | None = ...,
        blobs_lr: Iterable[float] | None = ...,
        weight_decay: Iterable[float] | None = ...,
        rand_skip: int | None = ...,
        det_fg_threshold: float | None = ...,
        det_bg_threshold: float | None = ...,
        det_fg_fraction: float | None = ...,
        det_context_pad: int | None = ...,
        det_crop_mode: str | None = ...,
        new_num: int | None = ...,
        new_channels: int | None = ...,
        new_height: int | None = ...,
        new_width: int | None = ...,
        shuffle_images: bool | None = ...,
        concat_dim: int | None = ...,
        hdf5_output_param: HDF5OutputParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class RandomResizeParameter(Message):
    MIN_SIZE_FIELD_NUMBER: int
    MAX_SIZE_FIELD_NUMBER: int
    RESIZE_PARAM_FIELD_NUMBER: int
    min_size: int
    max_size: int
    resize_param: ResizeParameter
    def __init__(
        self,
        *,
        min_size: int | None = ...,
        max_size: int | None = ...,
        resize_param: ResizeParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class RandomAspectRatioParameter(Message):
    MIN_AREA_RATIO_FIELD_NUMBER: int
    MAX_AREA_RATIO_FIELD_NUMBER: int
    ASPECT_RATIO_CHANGE_FIELD_NUMBER: int
    MAX_ATTEMPT_FIELD_NUMBER: int
    RESIZE_PARAM_FIELD_NUMBER: int
    min_area_ratio: float
    max_area_ratio: float
    aspect_ratio_change: float
    max_attempt: int
    resize_param: ResizeParameter
    def __init__(
        self,
        *,
        min_area_ratio: float | None = ...,
        max_area_ratio: float | None = ...,
        aspect_ratio_change: float | None = ...,
        max_attempt: int | None = ...,
        resize_param: ResizeParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class ResizeParameter(Message):
    Resize_mode: EnumTypeWrapper
    WARP: int
    FIT_SMALL_SIZE: int
    FIT_LARGE_SIZE_AND_PAD: int
    Pad_mode: EnumTypeWrapper
    CONSTANT: int
    MIRRORED: int
    REPEAT_NEAREST: int
    Interp_mode: EnumTypeWrapper
    LINEAR: int
    AREA: int
    NEAREST: int
    CUBIC: int
    LANCZOS4: int
    PROB_FIELD_NUMBER: int
    RESIZE_MODE_FIELD_NUMBER: int
    HEIGHT_FIELD_NUMBER: int
    WIDTH_FIELD_NUMBER: int
    HEIGHT_SCALE_FIELD_NUMBER: int
    WIDTH_SCALE_FIELD_NUMBER: int
    PAD_MODE_FIELD_NUMBER: int
    PAD_VALUE_FIELD_NUMBER: int
    INTERP_MODE_FIELD_NUMBER: int
    CENTER_OBJECT_FIELD_NUMBER: int
    MAX_ANGLE_FIELD_NUMBER: int
    prob: float
    resize_mode: int
    height: int
    width: int
    height_scale: int
    width_scale: int
    pad_mode: int
    pad_value: RepeatedScalarFieldContainer[float]
    interp_mode: RepeatedScalarFieldContainer[int]
    center_object: bool
    max_angle: float
    def __init__(
        self,
        *,
        prob: float | None = ...,
        resize_mode: int | str | None = ...,
        height: int | None = ...,
        width: int | None = ...,
        height_scale: int | None = ...,
        width_scale: int | None = ...,
        pad_mode: int | str | None = ...,
        pad_value: Iterable[float] | None = ...,
        interp_mode: Iterable[int | str] | None = ...,
        center_object: bool | None = ...,
        max_angle: float | None = ...,
    ) -> None: ...

class NoiseParameter(Message):
    PROB_FIELD_NUMBER: int
    HIST_EQ_FIELD_NUMBER: int
    INVERSE_FIELD_NUMBER: int
    DECOLORIZE_FIELD_NUMBER: int
    GAUSS_BLUR_FIELD_NUMBER: int
    JPEG_FIELD_NUMBER: int
    POSTERIZE_FIELD_NUMBER: int
    ERODE_FIELD_NUMBER: int
    SALTPEPPER_FIELD_NUMBER: int
    SALTPEPPER_PARAM_FIELD_NUMBER: int
    CLAHE_FIELD_NUMBER: int
    CONVERT_TO_HSV_FIELD_NUMBER: int
    CONVERT_TO_LAB_FIELD_NUMBER: int
    prob: float
    hist_eq: bool
    inverse: bool
    decolorize: bool
    gauss_blur: bool
    jpeg: float
    posterize: bool
    erode: bool
    saltpepper: bool
    saltpepper_param: SaltPepperParameter
    clahe: bool
    convert_to_hsv: bool
    convert_to_lab: bool
    def __init__(
        self,
        *,
        prob: float | None = ...,
        hist_eq: bool | None = ...,
        inverse: bool | None = ...,
        decolorize: bool | None = ...,
        gauss_blur: bool | None = ...,
        jpeg: float | None = ...,
        posterize: bool | None = ...,
        erode: bool | None = ...,
        saltpepper: bool | None = ...,
        saltpepper_param: SaltPepperParameter | Mapping[str, Any] | None = ...,
        clahe: bool | None = ...,
        convert_to_hsv: bool | None = ...,
        convert_to_lab: bool | None = ...,
    ) -> None: ...

class SaltPepperParameter(Message):
    FRACTION_FIELD_NUMBER: int
    VALUE_FIELD_NUMBER: int
    fraction: float
    value: RepeatedScalarFieldContainer[float]
    def __init__(
        self,
        *,
        fraction: float | None = ...,
        value: Iterable[float] | None = ...,
    ) -> None: ...

class DistortionParameter(Message):
    BRIGHTNESS_PROB_FIELD_NUMBER: int
    BRIGHTNESS_DELTA_FIELD_NUMBER: int
    CONTRAST_PROB_FIELD_NUMBER: int
    CONTRAST_LOWER_FIELD_NUMBER: int
    CONTRAST_UPPER_FIELD_NUMBER: int
    HUE_PROB_FIELD_NUMBER: int
    HUE_DELTA_FIELD_NUMBER: int
    SATURATION_PROB_FIELD_NUMBER: int
    SATURATION_LOWER_FIELD_NUMBER: int
    SATURATION_UPPER_FIELD_NUMBER: int
    RANDOM_ORDER_PROB_FIELD_NUMBER: int
    brightness_prob: float
    brightness_delta: float
    contrast_prob: float
    contrast_lower: float
    contrast_upper: float
    hue_prob: float
    hue_delta: float
    saturation_prob: float
    saturation_lower: float
    saturation_upper: float
    random_order_prob: float
    def __init__(
        self,
        *,
        brightness_prob: float | None = ...,
        brightness_delta: float | None = ...,
        contrast_prob: float | None = ...,
        contrast_lower: float | None = ...,
        contrast_upper: float | None = ...,
        hue_prob: float | None = ...,
        hue_delta: float | None = ...,
        saturation_prob: float | None = ...,
        saturation_lower: float | None = ...,
        saturation_upper: float | None = ...,
        random_order_prob: float | None = ...,
    ) -> None: ...

class ExpansionParameter(Message):
    PROB_FIELD_NUMBER: int
    MAX_EXPAND_RATIO_FIELD_NUMBER: int
    prob: float
    max_expand_ratio: float
    def __init__(
        self,
        *,
        prob: float | None = ...,
        max_expand_ratio: float | None = ...,
    ) -> None: ...

class EmitConstraint(Message):
    EmitType: EnumTypeWrapper
    CENTER: int
    MIN_OVERLAP: int
    EMIT_TYPE_FIELD_NUMBER: int
    EMIT_OVERLAP_FIELD_NUMBER: int
    emit_type: int
    emit_overlap: float
    def __init__(
        self,
        *,
        emit_type: int | str | None = ...,
        emit_overlap: float | None = ...,
    ) -> None: ...

class BlockGroupLassoSpec(Message):
    XDIMEN_FIELD_NUMBER: int
    YDIMEN_FIELD_NUMBER: int
    BLOCK_DECAY_MULT_FIELD_NUMBER: int
    xdimen: int
    ydimen: int
    block_decay_mult: float
    def __init__(
        self,
        *,
        xdimen: int | None = ...,
        ydimen: int | None = ...,
        block_decay_mult: float | None = ...,
    ) -> None: ...

class SparsifyParameter(Message):
    COEF_FIELD_NUMBER: int
    THRE_FIELD_NUMBER: int
    DISPLAY_FIELD_NUMBER: int
    coef: float
    thre: float
    display: bool
    def __init__(
        self,
        *,
        coef: float | None = ...,
        thre: float | None = ...,
        display: bool | None = ...,
    ) -> None: ...

class SymmetricRectifyParameter(Message):
    FILLER_FIELD_NUMBER: int
    CHANNEL_SHARED_FIELD_NUMBER: int
    THRE_DECAY_FIELD_NUMBER: int
    filler: FillerParameter
    channel_shared: bool
    thre_decay: float
    def __init__(
        self,
        *,
        filler: FillerParameter | Mapping[str, Any] | None = ...,
        channel_shared: bool | None = ...,
        thre_decay: float | None = ...,
    ) -> None: ...

class BNParameter(Message):
    BNMode: EnumTypeWrapper
    LEARN: int
    INFERENCE: int
    SCALE_FILLER_FIELD_NUMBER: int
    SHIFT_FILLER_FIELD_NUMBER: int
    BN_MODE_FIELD_NUMBER: int
    SLOPE_FILLER_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    MOMENTUM_FIELD_NUMBER: int
    EPS_FIELD_NUMBER: int
    FROZEN_FIELD_NUMBER: int
    VAR_EPS_FIELD_NUMBER: int
    DECAY_FIELD_NUMBER: int
    MOVING_AVERAGE_FIELD_NUMBER: int
    scale_filler: FillerParameter
    shift_filler: FillerParameter
    bn_mode: int
    slope_filler: FillerParameter
    bias_filler: FillerParameter
    momentum: float
    eps: float
    frozen: bool
    var_eps: float
    decay: float
    moving_average: bool
    def __init__(
        self,
        *,
        scale_filler: FillerParameter | Mapping[str, Any] | None = ...,
        shift_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bn_mode: int | str | None = ...,
        slope_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        momentum: float | None = ...,
        eps: float | None = ...,
        frozen: bool | None = ...,
        var_eps: float | None = ...,
        decay: float | None = ...,
        moving_average: bool | None = ...,
    ) -> None: ...

class InterpParameter(Message):
    HEIGHT_FIELD_NUMBER: int
    WIDTH_FIELD_NUMBER: int
    ZOOM_FACTOR_FIELD_NUMBER: int
    SHRINK_FACTOR_FIELD_NUMBER: int
    PAD_BEG_FIELD_NUMBER: int
    PAD_END_FIELD_NUMBER: int
    height: int
    width: int
    zoom_factor: int
    shrink_factor: int
    pad_beg: int
    pad_end: int
    def __init__(
        self,
        *,
        height: int | None = ...,
        width: int | None = ...,
        zoom_factor: int | None = ...,
        shrink_factor: int | None = ...,
        pad_beg: int | None = ...,
        pad_end: int | None = ...,
    ) -> None: ...

class UpsampleParameter(Message):
    SCALE_FIELD_NUMBER: int
    SCALE_H_FIELD_NUMBER: int
    SCALE_W_FIELD_NUMBER: int
    PAD_OUT_H_FIELD_NUMBER: int
    PAD_OUT_W_FIELD_NUMBER: int
    UPSAMPLE_H_FIELD_NUMBER: int
    UPSAMPLE_W_FIELD_NUMBER: int
    scale: int
    scale_h: int
    scale_w: int
    pad_out_h: bool
    pad_out_w: bool
    upsample_h: int
    upsample_w: int
    def __init__(
        self,
        *,
        scale: int | None = ...,
        scale_h: int | None = ...,
        scale_w: int | None = ...,
        pad_out_h: bool | None = ...,
        pad_out_w: bool | None = ...,
        upsample_h: int | None = ...,
        upsample_w: int | None = ...,
    ) -> None: ...

class UnpoolingParameter(Message):
    UnpoolMethod: EnumTypeWrapper
    MAX: int
    AVE: int
    TILE: int
    FIXED: int
    DIV: int
    REP: int
    UNPOOL_FIELD_NUMBER: int
    PAD_FIELD_NUMBER: int
    PAD_H_FIELD_NUMBER: int
    PAD_W_FIELD_NUMBER: int
    KERNEL_SIZE_FIELD_NUMBER: int
    KERNEL_H_FIELD_NUMBER: int
    KERNEL_W_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    STRIDE_H_FIELD_NUMBER: int
    STRIDE_W_FIELD_NUMBER: int
    UNPOOL_SIZE_FIELD_NUMBER: int
    UNPOOL_H_FIELD_NUMBER: int
    UNPOOL_W_FIELD_NUMBER: int
    OUT_KERNEL_SIZE_FIELD_NUMBER: int
    OUT_KERNEL_H_FIELD_NUMBER: int
    OUT_KERNEL_W_FIELD_NUMBER: int
    OUT_STRIDE_FIELD_NUMBER: int
    OUT_STRIDE_H_FIELD_NUMBER: int
    OUT_STRIDE_W_FIELD_NUMBER: int
    OUT_PAD_FIELD_NUMBER: int
    OUT_PAD_H_FIELD_NUMBER: int
    OUT_PAD_W_FIELD_NUMBER: int
    unpool: int
    pad: int
    pad_h: int
    pad_w: int
    kernel_size: int
    kernel_h: int
    kernel_w: int
    stride: int
    stride_h: int
    stride_w: int
    unpool_size: int
    unpool_h: int
    unpool_w: int
    out_kernel_size: int
    out_kernel_h: int
    out_kernel_w: int
    out_stride: int
    out_stride_h: int
    out_stride_w: int
    out_pad: int
    out_pad_h: int
    out_pad_w: int
    def __init__(
        self,
        *,
        unpool: int | str | None = ...,
        pad: int | None = ...,
        pad_h: int | None = ...,
        pad_w: int | None = ...,
        kernel_size: int | None = ...,
        kernel_h: int | None = ...,
        kernel_w: int | None = ...,
        stride: int | None = ...,
        stride_h: int | None = ...,
        stride_w: int | None = ...,
        unpool_size: int | None = ...,
        unpool_h: int | None = ...,
        unpool_w: int | None = ...,
        out_kernel_size: int | None = ...,
        out_kernel_h: int | None = ...,
        out_kernel_w: int | None = ...,
        out_stride: int | None = ...,
        out_stride_h: int | None = ...,
        out_stride_w: int | None = ...,
        out_pad: int | None = ...,
        out_pad_h: int | None = ...,
        out_pad_w: int | None = ...,
    ) -> None: ...

class SegAccuracyParameter(Message):
    IGNORE_LABEL_FIELD_NUMBER: int
    OUTPUT_LABEL_FIELD_NUMBER: int
    RESET_FIELD_NUMBER: int
    ignore_label: RepeatedScalarFieldContainer[int]
    output_label: RepeatedScalarFieldContainer[int]
    reset: bool
    def __init__(
        self,
        *,
        ignore_label: Iterable[int] | None = ...,
        output_label: Iterable[int] | None = ...,
        reset: bool | None = ...,
    ) -> None: ...

class DenseImageDataParameter(Message):
    SOURCE_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    RAND_SKIP_FIELD_NUMBER: int
    SHUFFLE_FIELD_NUMBER: int
    NEW_HEIGHT_FIELD_NUMBER: int
    NEW_WIDTH_FIELD_NUMBER: int
    IS_COLOR_FIELD_NUMBER: int
    ROOT_FOLDER_FIELD_NUMBER: int
    LABEL_DIVIDE_FACTOR_FIELD_NUMBER: int
    source: str
    batch_size: int
    rand_skip: int
    shuffle: bool
    new_height: int
    new_width: int
    is_color: bool
    root_folder: str
    label_divide_factor: int
    def __init__(
        self,
        *,
        source: str | None = ...,
        batch_size: int | None = ...,
        rand_skip: int | None = ...,
        shuffle: bool | None = ...,
        new_height: int | None = ...,
        new_width: int | None = ...,
        is_color: bool | None = ...,
        root_folder: str | None = ...,
        label_divide_factor: int | None = ...,
    ) -> None: ...

class MultiStageMeanfieldParameter(Message):
    Mode: EnumTypeWrapper
    POTTS: int
    SEMI_METRIC: int
    FULL: int
    NUM_ITERATIONS_FIELD_NUMBER: int
    COMPATIBILITY_MODE_FIELD_NUMBER: int
    THRESHOLD_FIELD_NUMBER: int
    THETA_ALPHA_FIELD_NUMBER: int
    THETA_BETA_FIELD_NUMBER: int
    THETA_GAMMA_FIELD_NUMBER: int
    SPATIAL_FILTER_WEIGHT_FIELD_NUMBER: int
    BILATERAL_FILTER_WEIGHT_FIELD_NUMBER: int
    SPATIAL_FILTER_WEIGHTS_STR_FIELD_NUMBER: int
    BILATERAL_FILTER_WEIGHTS_STR_FIELD_NUMBER: int
    IS_NO_CLASS_WEIGHTS_FIELD_NUMBER: int
    num_iterations: int
    compatibility_mode: int
    threshold: float
    theta_alpha: float
    theta_beta: float
    theta_gamma: float
    spatial_filter_weight: float
    bilateral_filter_weight: float
    spatial_filter_weights_str: str
    bilateral_filter_weights_str: str
    is_no_class_weights: bool
    def __init__(
        self,
        *,
        num_iterations: int | None = ...,
        compatibility_mode: int | str | None = ...,
        threshold: float | None = ...,
        theta_alpha: float | None = ...,
        theta_beta: float | None = ...,
        theta_gamma: float | None = ...,
        spatial_filter_weight: float | None = ...,
        bilateral_filter_weight: float | None = ...,
        spatial_filter_weights_str: str | None = ...,
        bilateral_filter_weights_str: str | None = ...,
        is_no_class_weights: bool | None = ...,
    ) -> None: ...

class SpatialDropoutParameter(Message):
    DROPOUT_RATIO_FIELD_NUMBER: int
    dropout_ratio: float
    def __init__(
        self,
        *,
        dropout_ratio: float | None = ...,
    ) -> None: ...

class RegionPoolingParameter(Message):
    POOLED_H_FIELD_NUMBER: int
    POOLED_W_FIELD_NUMBER: int
    SPATIAL_SCALE_FIELD_NUMBER: int
    OFFSET_FIELD_NUMBER: int
    pooled_h: int
    pooled_w: int
    spatial_scale: float
    offset: float
    def __init__(
        self,
        *,
        pooled_h: int | None = ...,
        pooled_w: int | None = ...,
        spatial_scale: float | None = ...,
        offset: float | None = ...,
    ) -> None: ...

class JointRegionParameter(Message):
    JOINT_IDX_FIELD_NUMBER: int
    ROI_H_FIELD_NUMBER: int
    ROI_W_FIELD_NUMBER: int
    IMG_H_FIELD_NUMBER: int
    IMG_W_FIELD_NUMBER: int
    SPATIAL_MUL_FIELD_NUMBER: int
    joint_idx: int
    roi_h: int
    roi_w: int
    img_h: int
    img_w: int
    spatial_mul: int
    def __init__(
        self,
        *,
        joint_idx: int | None = ...,
        roi_h: int | None = ...,
        roi_w: int | None = ...,
        img_h: int | None = ...,
        img_w: int | None = ...,
        spatial_mul: int | None = ...,
    ) -> None: ...

class DetectNetClusterParameter(Message):
    IMAGE_SIZE_X_FIELD_NUMBER: int
    IMAGE_SIZE_Y_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    GRIDBOX_CVG_THRESHOLD_FIELD_NUMBER: int
    GRIDBOX_RECT_THRESH_FIELD_NUMBER: int
    GRIDBOX_RECT_EPS_FIELD_NUMBER: int
    MIN_HEIGHT_FIELD_NUMBER: int
    NUM_CLASSES_FIELD_NUMBER: int
    MAX_BOXES_FIELD_NUMBER: int
    image_size_x: int
    image_size_y: int
    stride: int
    gridbox_cvg_threshold: float
    gridbox_rect_thresh: int
    gridbox_rect_eps: float
    min_height: int
    num_classes: int
    max_boxes: int
    def __init__(
        self,
        *,
        image_size_x: int | None = ...,
        image_size_y: int | None = ...,
        stride: int | None = ...,
        gridbox_cvg_threshold: float | None = ...,
        gridbox_rect_thresh: int | None = ...,
        gridbox_rect_eps: float | None = ...,
        min_height: int | None = ...,
        num_classes: int | None = ...,
        max_boxes: int | None = ...,
    ) -> None: ...

class ScoreDetectionsParameter(Message):
    IOU_THRESHOLD_FIELD_NUMBER: int
    iou_threshold: float
    def __init__(
        self,
        *,
        iou_threshold: float | None = ...,
    ) -> None: ...

class DetectionOutputSSDParameter(Message):
    MinSizeMode: EnumTypeWrapper
    HEIGHT_AND_WIDTH: int
    HEIGHT_OR_WIDTH: int
    HEAT_MAP_A_FIELD_NUMBER: int
    MIN_SIZE_H_FIELD_NUMBER: int
    MIN_SIZE_W_FIELD_NUMBER: int
    MIN_SIZE_MODE_FIELD_NUMBER: int
    THRESHOLD_OBJECTNESS_FIELD_NUMBER: int
    THRESHOLD_FIELD_NUMBER: int
    GEN_ANCHOR_PARAM_FIELD_NUMBER: int
    REFINE_OUT_OF_MAP_BBOX_FIELD_NUMBER: int
    NMS_PARAM_FIELD_NUMBER: int
    NUM_CLASS_FIELD_NUMBER: int
    RPN_PROPOSAL_OUTPUT_SCORE_FIELD_NUMBER: int
    REGRESS_AGNOSTIC_FIELD_NUMBER: int
    HEAT_MAP_B_FIELD_NUMBER: int
    ALLOW_BORDER_FIELD_NUMBER: int
    ALLOW_BORDER_RATIO_FIELD_NUMBER: int
    BBOX_SIZE_ADD_ONE_FIELD_NUMBER: int
    PROPOSAL_MIN_SQRT_AREA_FIELD_NUMBER: int
    PROPOSAL_MAX_SQRT_AREA_FIELD_NUMBER: int
    CHANNEL_PER_SCALE_FIELD_NUMBER: int
    CLASS_NAME_LIST_FIELD_NUMBER: int
    CLASS_INDEXES_FIELD_NUMBER: int
    BG_AS_ONE_OF_SOFTMAX_FIELD_NUMBER: int
    USE_TARGET_TYPE_RCNN_FIELD_NUMBER: int
    IM_WIDTH_FIELD_NUMBER: int
    IM_HEIGHT_FIELD_NUMBER: int
    READ_WIDTH_SCALE_FIELD_NUMBER: int
    READ_HEIGHT_SCALE_FIELD_NUMBER: int
    READ_HEIGHT_OFFSET_FIELD_NUMBER: int
    heat_map_a: RepeatedScalarFieldContainer[float]
    min_size_h: float
    min_size_w: float
    min_size_mode: int
    threshold_objectness: float
    threshold: RepeatedScalarFieldContainer[float]
    gen_anchor_param: GenAnchorParameter
    refine_out_of_map_bbox: bool
    nms_param: NMSSSDParameter
    num_class: int
    rpn_proposal_output_score: bool
    regress_agnostic: bool
    heat_map_b: RepeatedScalarFieldContainer[float]
    allow_border: float
    allow_border_ratio: float
    bbox_size_add_one: bool
    proposal_min_sqrt_area: RepeatedScalarFieldContainer[float]
    proposal_max_sqrt_area: RepeatedScalarFieldContainer[float]
    channel_per_scale: int
    class_name_list: str
    class_indexes: RepeatedScalarFieldContainer[int]
    bg_as_one_of_softmax: bool
    use_target_type_rcnn: bool
    im_width: float
    im_height: float
    read_width_scale: float
    read_height_scale: float
    read_height_offset: int
    def __init__(
        self,
        *,
        heat_map_a: Iterable[float] | None = ...,
        min_size_h: float | None = ...,
        min_size_w: float | None = ...,
        min_size_mode: int | str | None = ...,
        threshold_objectness: float | None = ...,
        threshold: Iterable[float] | None = ...,
        gen_anchor_param: GenAnchorParameter | Mapping[str, Any] | None = ...,
        refine_out_of_map_bbox: bool | None = ...,
        nms_param: NMSSSDParameter | Mapping[str, Any] | None = ...,
        num_class: int | None = ...,
        rpn_proposal_output_score: bool | None = ...,
        regress_agnostic: bool | None = ...,
        heat_map_b: Iterable[float] | None = ...,
        allow_border: float | None = ...,
        allow_border_ratio: float | None = ...,
        bbox_size_add_one: bool | None = ...,
        proposal_min_sqrt_area: Iterable[float] | None = ...,
        proposal_max_sqrt_area: Iterable[float] | None = ...,
        channel_per_scale: int | None = ...,
        class_name_list: str | None = ...,
        class_indexes: Iterable[int] | None = ...,
        bg_as_one_of_softmax: bool | None = ...,
        use_target_type_rcnn: bool | None = ...,
        im_width: float | None = ...,
        im_height: float | None = ...,
        read_width_scale: float | None = ...,
        read_height_scale: float | None = ...,
        read_height_offset: int | None = ...,
    ) -> None: ...

class GenAnchorParameter(Message):
    ANCHOR_WIDTH_FIELD_NUMBER: int
    ANCHOR_HEIGHT_FIELD_NUMBER: int
    BASE_SIZE_FIELD_NUMBER: int
    RATIOS_FIELD_NUMBER: int
    SCALES_FIELD_NUMBER: int
    ANCHOR_X1_FIELD_NUMBER: int
    ANCHOR_Y1_FIELD_NUMBER: int
    ANCHOR_X2_FIELD_NUMBER: int
    ANCHOR_Y2_FIELD_NUMBER: int
    ZERO_ANCHOR_CENTER_FIELD_NUMBER: int
    anchor_width: RepeatedScalarFieldContainer[float]
    anchor_height: RepeatedScalarFieldContainer[float]
    base_size: float
    ratios: RepeatedScalarFieldContainer[float]
    scales: RepeatedScalarFieldContainer[float]
    anchor_x1: RepeatedScalarFieldContainer[float]
    anchor_y1: RepeatedScalarFieldContainer[float]
    anchor_x2: RepeatedScalarFieldContainer[float]
    anchor_y2: RepeatedScalarFieldContainer[float]
    zero_anchor_center: bool
    def __init__(
        self,
        *,
        anchor_width: Iterable[float] | None = ...,
        anchor_height: Iterable[float] | None = ...,
        base_size: float | None = ...,
        ratios: Iterable[float] | None = ...,
        scales: Iterable[float] | None = ...,
        anchor_x1: Iterable[float] | None = ...,
        anchor_y1: Iterable[float] | None = ...,
        anchor_x2: Iterable[float] | None = ...,
        anchor_y2: Iterable[float] | None = ...,
        zero_anchor_center: bool | None = ...,
    ) -> None: ...

class NMSSSDParameter(Message):
    OVERLAP_RATIO_FIELD_NUMBER: int
    TOP_N_FIELD_NUMBER: int
    MAX_CANDIDATE_N_FIELD_NUMBER: int
    USE_SOFT_NMS_FIELD_NUMBER: int
    VOTING_FIELD_NUMBER: int
    VOTE_IOU_FIELD_NUMBER: int
    NMS_GPU_MAX_N_PER_TIME_FIELD_NUMBER: int
    NEED_NMS_FIELD_NUMBER: int
    ADD_SCORE_FIELD_NUMBER: int
    NMS_AMONG_CLASSES_FIELD_NUMBER: int
    overlap_ratio: RepeatedScalarFieldContainer[float]
    top_n: RepeatedScalarFieldContainer[int]
    max_candidate_n: RepeatedScalarFieldContainer[int]
    use_soft_nms: RepeatedScalarFieldContainer[bool]
    voting: RepeatedScalarFieldContainer[bool]
    vote_iou: RepeatedScalarFieldContainer[float]
    nms_gpu_max_n_per_time: int
    need_nms: bool
    add_score: bool
    nms_among_classes: bool
    def __init__(
        self,
        *,
        overlap_ratio: Iterable[float] | None = ...,
        top_n: Iterable[int] | None = ...,
        max_candidate_n: Iterable[int] | None = ...,
        use_soft_nms: Iterable[bool] | None = ...,
        voting: Iterable[bool] | None = ...,
        vote_iou: Iterable[float] | None = ...,
        nms_gpu_max_n_per_time: int | None = ...,
        need_nms: bool | None = ...,
        add_score: bool | None = ...,
        nms_among_classes: bool | None = ...,
    ) -> None: ...

class DFMBPSROIPoolingParameter(Message):
    HEAT_MAP_A_FIELD_NUMBER: int
    HEAT_MAP_B_FIELD_NUMBER: int
    PAD_RATIO_FIELD_NUMBER: int
    OUTPUT_DIM_FIELD_NUMBER: int
    GROUP_HEIGHT_FIELD_NUMBER: int
    GROUP_WIDTH_FIELD_NUMBER: int
    POOLED_HEIGHT_FIELD_NUMBER: int
    POOLED_WIDTH_FIELD_NUMBER: int
    SAMPLE_PER_PART_FIELD_NUMBER: int
    TRANS_STD_FIELD_NUMBER: int
    PART_HEIGHT_FIELD_NUMBER: int
    PART_WIDTH_FIELD_NUMBER: int
    heat_map_a: float
    heat_map_b: float
    pad_ratio: float
    output_dim: int
    group_height: int
    group_width: int
    pooled_height: int
    pooled_width: int
    sample_per_part: int
    trans_std: float
    part_height: int
    part_width: int
    def __init__(
        self,
        *,
        heat_map_a: float | None = ...,
        heat_map_b: float | None = ...,
        pad_ratio: float | None = ...,
        output_dim: int | None = ...,
        group_height: int | None = ...,
        group_width: int | None = ...,
        pooled_height: int | None = ...,
        pooled_width: int | None = ...,
        sample_per_part: int | None = ...,
        trans_std: float | None = ...,
        part_height: int | None = ...,
        part_width: int | None = ...,
    ) -> None: ...

class GSTilingParameter(Message):
    STRIDE_FIELD_NUMBER: int
    REVERSE_FIELD_NUMBER: int
    stride: int
    reverse: bool
    def __init__(
        self,
        *,
        stride: int | None = ...,
        reverse: bool | None = ...,
    ) -> None: ...

class BBoxRegParameter(Message):
    BBOX_MEAN_FIELD_NUMBER: int
    BBOX_STD_FIELD_NUMBER: int
    CLS_AWARE_FIELD_NUMBER: int
    bbox_mean: RepeatedScalarFieldContainer[float]
    bbox_std: RepeatedScalarFieldContainer[float]
    cls_aware: bool
    def __init__(
        self,
        *,
        bbox_mean: Iterable[float] | None = ...,
        bbox_std: Iterable[float] | None = ...,
        cls_aware: bool | None = ...,
    ) -> None: ...

class BoxOutputParameter(Message):
    FG_THR_FIELD_NUMBER: int
    IOU_THR_FIELD_NUMBER: int
    NMS_TYPE_FIELD_NUMBER: int
    FIELD_H_FIELD_NUMBER: int
    FIELD_W_FIELD_NUMBER: int
    DOWNSAMPLE_RATE_FIELD_NUMBER: int
    FIELD_WHR_FIELD_NUMBER: int
    FIELD_XYR_FIELD_NUMBER: int
    MAX_NMS_NUM_FIELD_NUMBER: int
    MAX_POST_NMS_NUM_FIELD_NUMBER: int
    MIN_SIZE_FIELD_NUMBER: int
    fg_thr: float
    iou_thr: float
    nms_type: str
    field_h: RepeatedScalarFieldContainer[int]
    field_w: RepeatedScalarFieldContainer[int]
    downsample_rate: RepeatedScalarFieldContainer[int]
    field_whr: float
    field_xyr: float
    max_nms_num: int
    max_post_nms_num: int
    min_size: float
    def __init__(
        self,
        *,
        fg_thr: float | None = ...,
        iou_thr: float | None = ...,
        nms_type: str | None = ...,
        field_h: Iterable[int] | None = ...,
        field_w: Iterable[int] | None = ...,
        downsample_rate: Iterable[int] | None = ...,
        field_whr: float | None = ...,
        field_xyr: float | None = ...,
        max_nms_num: int | None = ...,
        max_post_nms_num: int | None = ...,
        min_size: float | None = ...,
    ) -> None: ...

class BoxGroupParameter(Message):
    FIELD_H_FIELD_NUMBER: int
    FIELD_W_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    field_h: RepeatedScalarFieldContainer[int]
    field_w: RepeatedScalarFieldContainer[int]
    stride: int
    def __init__(
        self,
        *,
        field_h: Iterable[int] | None = ...,
        field_w: Iterable[int] | None = ...,
        stride: int | None = ...,
    ) -> None: ...

class BoxGroupOutputParameter(Message):
    FG_THR_FIELD_NUMBER: int
    IOU_THR_FIELD_NUMBER: int
    NMS_TYPE_FIELD_NUMBER: int
    BOX_GROUP_PARAM_FIELD_NUMBER: int
    FIELD_WHR_FIELD_NUMBER: int
    FIELD_XYR_FIELD_NUMBER: int
    MAX_NMS_NUM_FIELD_NUMBER: int
    MAX_POST_NMS_NUM_FIELD_NUMBER: int
    MIN_SIZE_FIELD_NUMBER: int
    fg_thr: float
    iou_thr: float
    nms_type: str
    box_group_param: RepeatedCompositeFieldContainer[BoxGroupParameter]
    field_whr: float
    field_xyr: float
    max_nms_num: int
    max_post_nms_num: int
    min_size: float
    def __init__(
        self,
        *,
        fg_thr: float | None = ...,
        iou_thr: float | None = ...,
        nms_type: str | None = ...,
        box_group_param: Iterable[BoxGroupParameter | Mapping[str, Any]] | None = ...,
        field_whr: float | None = ...,
        field_xyr: float | None = ...,
        max_nms_num: int | None = ...,
        max_post_nms_num: int | None = ...,
        min_size: float | None = ...,
    ) -> None: ...

class DetectionDataParameter(Message):
    SOURCE_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    COORD_NUM_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    FIELD_H_FIELD_NUMBER: int
    FIELD_W_FIELD_NUMBER: int
    FG_THRESHOLD_FIELD_NUMBER: int
    IGNORE_FG_THRESHOLD_FIELD_NUMBER: int
    RESIZE_WIDTH_FIELD_NUMBER: int
    RESIZE_HEIGHT_FIELD_NUMBER: int
    CROP_WIDTH_FIELD_NUMBER: int
    CROP_HEIGHT_FIELD_NUMBER: int
    MIN_SCALE_FIELD_NUMBER: int
    MAX_SCALE_FIELD_NUMBER: int
    MULTISCALE_PROB_FIELD_NUMBER: int
    MIN_WHASPECT_FIELD_NUMBER: int
    MAX_WHASPECT_FIELD_NUMBER: int
    SHORT_SIZE_FIELD_NUMBER: int
    LONG_SIZE_FIELD_NUMBER: int
    MIN_GT_WIDTH_FIELD_NUMBER: int
    MIN_GT_HEIGHT_FIELD_NUMBER: int
    SHUFFLE_FIELD_NUMBER: int
    OUTPUT_GT_BOXES_FIELD_NUMBER: int
    CACHE_IMAGES_FIELD_NUMBER: int
    ROOT_FOLDER_FIELD_NUMBER: int
    DISTORT_PARAM_FIELD_NUMBER: int
    RESIZE_PARAM_FIELD_NUMBER: int
    RESIZE_RATIO_FIELD_NUMBER: int
    CROP_SHORT_SIZE_FIELD_NUMBER: int
    CROP_LONG_SIZE_FIELD_NUMBER: int
    LOW_SCALE_RATIO_FIELD_NUMBER: int
    HIGH_SCALE_RATIO_FIELD_NUMBER: int
    ANCHOR_IGNORE_MARGIN_RATIO_FIELD_NUMBER: int
    ANCHOR_IGNORE_IOU_THR_FIELD_NUMBER: int
    PICKUP_IOU_THR_FIELD_NUMBER: int
    MIX_GROUP_SIZE_FIELD_NUMBER: int
    TEMPLATE_RATIO_FIELD_NUMBER: int
    source: str
    scale: float
    batch_size: int
    coord_num: int
    stride: RepeatedScalarFieldContainer[int]
    field_h: RepeatedScalarFieldContainer[int]
    field_w: RepeatedScalarFieldContainer[int]
    fg_threshold: float
    ignore_fg_threshold: float
    resize_width: int
    resize_height: int
    crop_width: int
    crop_height: int
    min_scale: float
    max_scale: float
    multiscale_prob: float
    min_whaspect: float
    max_whaspect: float
    short_size: int
    long_size: int
    min_gt_width: float
    min_gt_height: float
    shuffle: str
    output_gt_boxes: bool
    cache_images: bool
    root_folder: str
    distort_param: DistortionParameter
    resize_param: ResizeParameter
    resize_ratio: float
    crop_short_size: int
    crop_long_size: int
    low_scale_ratio: float
    high_scale_ratio: float
    anchor_ignore_margin_ratio: float
    anchor_ignore_iou_thr: float
    pickup_iou_thr: float
    mix_group_size: int
    template_ratio: RepeatedScalarFieldContainer[float]
    def __init__(
        self,
        *,
        source: str | None = ...,
        scale: float | None = ...,
        batch_size: int | None = ...,
        coord_num: int | None = ...,
        stride: Iterable[int] | None = ...,
        field_h: Iterable[int] | None = ...,
        field_w: Iterable[int] | None = ...,
        fg_threshold: float | None = ...,
        ignore_fg_threshold: float | None = ...,
        resize_width: int | None = ...,
        resize_height: int | None = ...,
        crop_width: int | None = ...,
        crop_height: int | None = ...,
        min_scale: float | None = ...,
        max_scale: float | None = ...,
        multiscale_prob: float | None = ...,
        min_whaspect: float | None = ...,
        max_whaspect: float | None = ...,
        short_size: int | None = ...,
        long_size: int | None = ...,
        min_gt_width: float | None = ...,
        min_gt_height: float | None = ...,
        shuffle: str | None = ...,
        output_gt_boxes: bool | None = ...,
        cache_images: bool | None = ...,
        root_folder: str | None = ...,
        distort_param: DistortionParameter | Mapping[str, Any] | None = ...,
        resize_param: ResizeParameter | Mapping[str, Any] | None = ...,
        resize_ratio: float | None = ...,
        crop_short_size: int | None = ...,
        crop_long_size: int | None = ...,
        low_scale_ratio: float | None = ...,
        high_scale_ratio: float | None = ...,
        anchor_ignore_margin_ratio: float | None = ...,
        anchor_ignore_iou_thr: float | None = ...,
        pickup_iou_thr: float | None = ...,
        mix_group_size: int | None = ...,
        template_ratio: Iterable[float] | None = ...,
    ) -> None: ...

class EvalDataParameter(Message):
    SOURCE_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    RESIZE_WIDTH_FIELD_NUMBER: int
    RESIZE_HEIGHT_FIELD_NUMBER: int
    SHORT_SIZE_FIELD_NUMBER: int
    LONG_SIZE_FIELD_NUMBER: int
    ROOT_FOLDER_FIELD_NUMBER: int
    source: str
    scale: float
    batch_size: int
    resize_width: int
    resize_height: int
    short_size: int
    long_size: int
    root_folder: str
    def __init__(
        self,
        *,
        source: str | None = ...,
        scale: float | None = ...,
        batch_size: int | None = ...,
        resize_width: int | None = ...,
        resize_height: int | None = ...,
        short_size: int | None = ...,
        long_size: int | None = ...,
        root_folder: str | None = ...,
    ) -> None: ...

class HardMiningParameter(Message):
    NUM_ROI_PER_IMAGE_FIELD_NUMBER: int
    NUM_IMAGE_FIELD_NUMBER: int
    num_roi_per_image: int
    num_image: int
    def __init__(
        self,
        *,
        num_roi_per_image: int | None = ...,
        num_image: int | None = ...,
    ) -> None: ...

class ScaleRouteParameter(Message):
    LOW_SCALE_FIELD_NUMBER: int
    HIGH_SCALE_FIELD_NUMBER: int
    low_scale: float
    high_scale: float
    def __init__(
        self,
        *,
        low_scale: float | None = ...,
        high_scale: float | None = ...,
    ) -> None: ...

class DetectionGroupLossParameter(Message):
    CLS_NUM_FIELD_NUMBER: int
    FIELD_H_FIELD_NUMBER: int
    FIELD_W_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    FIELD_WHR_FIELD_NUMBER: int
    FIELD_XYR_FIELD_NUMBER: int
    BG_THRESHOLD_FIELD_NUMBER: int
    BG_MULTIPLE_FIELD_NUMBER: int
    NEG_MINING_TYPE_FIELD_NUMBER: int
    NEG_RANKING_TYPE_FIELD_NUMBER: int
    MIN_NUM_NEG_FIELD_NUMBER: int
    OBJECTNESS_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    POS_NEG_WEIGHTED_FIELD_NUMBER: int
    BBOX_LOSS_TYPE_FIELD_NUMBER: int
    cls_num: int
    field_h: RepeatedScalarFieldContainer[int]
    field_w: RepeatedScalarFieldContainer[int]
    stride: int
    field_whr: float
    field_xyr: float
    bg_threshold: float
    bg_multiple: int
    neg_mining_type: str
    neg_ranking_type: str
    min_num_neg: int
    objectness: bool
    batch_size: int
    pos_neg_weighted: bool
    bbox_loss_type: str
    def __init__(
        self,
        *,
        cls_num: int | None = ...,
        field_h: Iterable[int] | None = ...,
        field_w: Iterable[int] | None = ...,
        stride: int | None = ...,
        field_whr: float | None = ...,
        field_xyr: float | None = ...,
        bg_threshold: float | None = ...,
        bg_multiple: int | None = ...,
        neg_mining_type: str | None = ...,
        neg_ranking_type: str | None = ...,
        min_num_neg: int | None = ...,
        objectness: bool | None = ...,
        batch_size: int | None = ...,
        pos_neg_weighted: bool | None = ...,
        bbox_loss_type: str | None = ...,
    ) -> None: ...

class DetectionGroupAccuracyParameter(Message):
    CLS_NUM_FIELD_NUMBER: int
    FIELD_H_FIELD_NUMBER: int
    FIELD_W_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    FIELD_WHR_FIELD_NUMBER: int
    FIELD_XYR_FIELD_NUMBER: int
    BG_THRESHOLD_FIELD_NUMBER: int
    OBJECTNESS_FIELD_NUMBER: int
    cls_num: int
    field_h: RepeatedScalarFieldContainer[int]
    field_w: RepeatedScalarFieldContainer[int]
    stride: int
    field_whr: float
    field_xyr: float
    bg_threshold: float
    objectness: bool
    def __init__(
        self,
        *,
        cls_num: int | None = ...,
        field_h: Iterable[int] | None = ...,
        field_w: Iterable[int] | None = ...,
        stride: int | None = ...,
        field_whr: float | None = ...,
        field_xyr: float | None = ...,
        bg_threshold: float | None = ...,
        objectness: bool | None = ...,
    ) -> None: ...

class FrcnnOutputParameter(Message):
    CONF_THR_FIELD_NUMBER: int
    IOU_THR_FIELD_NUMBER: int
    NMS_TYPE_FIELD_NUMBER: int
    MAX_DET_NUM_FIELD_NUMBER: int
    SAVE_OUTPUT_PARAM_FIELD_NUMBER: int
    conf_thr: float
    iou_thr: float
    nms_type: str
    max_det_num: int
    save_output_param: SaveOutputParameter
    def __init__(
        self,
        *,
        conf_thr: float | None = ...,
        iou_thr: float | None = ...,
        nms_type: str | None = ...,
        max_det_num: int | None = ...,
        save_output_param: SaveOutputParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class DecodeBBoxParameter(Message):
    GT_IOU_THR_FIELD_NUMBER: int
    gt_iou_thr: float
    def __init__(
        self,
        *,
        gt_iou_thr: float | None = ...,
    ) -> None: ...

class DetectionLossParameter(Message):
    CLS_NUM_FIELD_NUMBER: int
    COORD_NUM_FIELD_NUMBER: int
    FIELD_H_FIELD_NUMBER: int
    FIELD_W_FIELD_NUMBER: int
    DOWNSAMPLE_RATE_FIELD_NUMBER: int
    BB_SMOOTH_FIELD_NUMBER: int
    FIELD_WHR_FIELD_NUMBER: int
    FIELD_XYR_FIELD_NUMBER: int
    BG_THRESHOLD_FIELD_NUMBER: int
    BG_MULTIPLE_FIELD_NUMBER: int
    SAMPLE_MODE_FIELD_NUMBER: int
    OBJECTNESS_FIELD_NUMBER: int
    IOU_WEIGHTED_FIELD_NUMBER: int
    POS_NEG_WEIGHTED_FIELD_NUMBER: int
    cls_num: int
    coord_num: int
    field_h: int
    field_w: int
    downsample_rate: int
    bb_smooth: bool
    field_whr: float
    field_xyr: float
    bg_threshold: float
    bg_multiple: int
    sample_mode: str
    objectness: bool
    iou_weighted: bool
    pos_neg_weighted: bool
    def __init__(
        self,
        *,
        cls_num: int | None = ...,
        coord_num: int | None = ...,
        field_h: int | None = ...,
        field_w: int | None = ...,
        downsample_rate: int | None = ...,
        bb_smooth: bool | None = ...,
        field_whr: float | None = ...,
        field_xyr: float | None = ...,
        bg_threshold: float | None = ...,
        bg_multiple: int | None = ...,
        sample_mode: str | None = ...,
        objectness: bool | None = ...,
        iou_weighted: bool | None = ...,
        pos_neg_weighted: bool | None = ...,
    ) -> None: ...

class DetectionAccuracyParameter(Message):
    CLS_NUM_FIELD_NUMBER: int
    COORD_NUM_FIELD_NUMBER: int
    FIELD_H_FIELD_NUMBER: int
    FIELD_W_FIELD_NUMBER: int
    DOWNSAMPLE_RATE_FIELD_NUMBER: int
    TOP_K_FIELD_NUMBER: int
    FIELD_WHR_FIELD_NUMBER: int
    FIELD_XYR_FIELD_NUMBER: int
    BG_THRESHOLD_FIELD_NUMBER: int
    OBJECTNESS_FIELD_NUMBER: int
    cls_num: int
    coord_num: int
    field_h: int
    field_w: int
    downsample_rate: int
    top_k: int
    field_whr: float
    field_xyr: float
    bg_threshold: float
    objectness: bool
    def __init__(
        self,
        *,
        cls_num: int | None = ...,
        coord_num: int | None = ...,
        field_h: int | None = ...,
        field_w: int | None = ...,
        downsample_rate: int | None = ...,
        top_k: int | None = ...,
        field_whr: float | None = ...,
        field_xyr: float | None = ...,
        bg_threshold: float | None = ...,
        objectness: bool | None = ...,
    ) -> None: ...

class ProposalTargetParameter(Message):
    CLS_NUM_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    FG_FRACTION_FIELD_NUMBER: int
    NUM_IMG_PER_BATCH_FIELD_NUMBER: int
    FG_THR_FIELD_NUMBER: int
    BG_THR_HG_FIELD_NUMBER: int
    BG_THR_LW_FIELD_NUMBER: int
    IMG_WIDTH_FIELD_NUMBER: int
    IMG_HEIGHT_FIELD_NUMBER: int
    IOU_WEIGHTED_FIELD_NUMBER: int
    BBOX_THR_LW_FIELD_NUMBER: int
    BBOX_THR_HG_FIELD_NUMBER: int
    PICKUP_DISCARD_FIELD_NUMBER: int
    APPEND_GTBOX_FIELD_NUMBER: int
    cls_num: int
    batch_size: int
    fg_fraction: float
    num_img_per_batch: int
    fg_thr: float
    bg_thr_hg: float
    bg_thr_lw: float
    img_width: int
    img_height: int
    iou_weighted: bool
    bbox_thr_lw: float
    bbox_thr_hg: float
    pickup_discard: bool
    append_gtbox: bool
    def __init__(
        self,
        *,
        cls_num: int | None = ...,
        batch_size: int | None = ...,
        fg_fraction: float | None = ...,
        num_img_per_batch: int | None = ...,
        fg_thr: float | None = ...,
        bg_thr_hg: float | None = ...,
        bg_thr_lw: float | None = ...,
        img_width: int | None = ...,
        img_height: int | None = ...,
        iou_weighted: bool | None = ...,
        bbox_thr_lw: float | None = ...,
        bbox_thr_hg: float | None = ...,
        pickup_discard: bool | None = ...,
        append_gtbox: bool | None = ...,
    ) -> None: ...

class ImageGtDataParameter(Message):
    SOURCE_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    MEAN_FILE_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    MIRROR_FIELD_NUMBER: int
    DOWNSAMPLE_RATE_FIELD_NUMBER: int
    COORD_NUM_FIELD_NUMBER: int
    FIELD_H_FIELD_NUMBER: int
    FIELD_W_FIELD_NUMBER: int
    FG_THRESHOLD_FIELD_NUMBER: int
    RESIZE_WIDTH_FIELD_NUMBER: int
    RESIZE_HEIGHT_FIELD_NUMBER: int
    CROP_WIDTH_FIELD_NUMBER: int
    CROP_HEIGHT_FIELD_NUMBER: int
    DO_MULTIPLE_SCALE_FIELD_NUMBER: int
    MIN_SCALE_FIELD_NUMBER: int
    MAX_SCALE_FIELD_NUMBER: int
    MIN_WHASPECT_FIELD_NUMBER: int
    MAX_WHASPECT_FIELD_NUMBER: int
    MIN_GT_WIDTH_FIELD_NUMBER: int
    MIN_GT_HEIGHT_FIELD_NUMBER: int
    SHUFFLE_FIELD_NUMBER: int
    OUTPUT_GT_BOXES_FIELD_NUMBER: int
    FG_IMG_MULTIPLE_FIELD_NUMBER: int
    CACHE_IMAGES_FIELD_NUMBER: int
    ROOT_FOLDER_FIELD_NUMBER: int
    source: str
    scale: float
    mean_file: str
    batch_size: int
    mirror: bool
    downsample_rate: RepeatedScalarFieldContainer[int]
    coord_num: int
    field_h: RepeatedScalarFieldContainer[int]
    field_w: RepeatedScalarFieldContainer[int]
    fg_threshold: float
    resize_width: int
    resize_height: int
    crop_width: int
    crop_height: int
    do_multiple_scale: bool
    min_scale: int
    max_scale: int
    min_whaspect: float
    max_whaspect: float
    min_gt_width: float
    min_gt_height: float
    shuffle: bool
    output_gt_boxes: bool
    fg_img_multiple: int
    cache_images: bool
    root_folder: str
    def __init__(
        self,
        *,
        source: str | None = ...,
        scale: float | None = ...,
        mean_file: str | None = ...,
        batch_size: int | None = ...,
        mirror: bool | None = ...,
        downsample_rate: Iterable[int] | None = ...,
        coord_num: int | None = ...,
        field_h: Iterable[int] | None = ...,
        field_w: Iterable[int] | None = ...,
        fg_threshold: float | None = ...,
        resize_width: int | None = ...,
        resize_height: int | None = ...,
        crop_width: int | None = ...,
        crop_height: int | None = ...,
        do_multiple_scale: bool | None = ...,
        min_scale: int | None = ...,
        max_scale: int | None = ...,
        min_whaspect: float | None = ...,
        max_whaspect: float | None = ...,
        min_gt_width: float | None = ...,
        min_gt_height: float | None = ...,
        shuffle: bool | None = ...,
        output_gt_boxes: bool | None = ...,
        fg_img_multiple: int | None = ...,
        cache_images: bool | None = ...,
        root_folder: str | None = ...,
    ) -> None: ...

class VideoDataParameter(Message):
    VideoType: EnumTypeWrapper
    WEBCAM: int
    VIDEO: int
    RGB: int
    FLOW: int
    VIDEO_TYPE_FIELD_NUMBER: int
    DEVICE_ID_FIELD_NUMBER: int
    VIDEO_FILE_FIELD_NUMBER: int
    SKIP_FRAMES_FIELD_NUMBER: int
    SOURCE_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    RAND_SKIP_FIELD_NUMBER: int
    SHUFFLE_FIELD_NUMBER: int
    NEW_HEIGHT_FIELD_NUMBER: int
    NEW_WIDTH_FIELD_NUMBER: int
    NEW_LENGTH_FIELD_NUMBER: int
    IS_COLOR_FIELD_NUMBER: int
    ROOT_FOLDER_FIELD_NUMBER: int
    SAMPLING_RATE_FIELD_NUMBER: int
    USE_IMAGE_FIELD_NUMBER: int
    USE_TEMPORAL_JITTER_FIELD_NUMBER: int
    SHOW_DATA_FIELD_NUMBER: int
    NUM_SEGMENTS_FIELD_NUMBER: int
    MODALITY_FIELD_NUMBER: int
    NAME_PATTERN_FIELD_NUMBER: int
    LENGTH_FIRST_FIELD_NUMBER: int
    STEP_FIELD_NUMBER: int
    RAND_STEP_FIELD_NUMBER: int
    video_type: int
    device_id: int
    video_file: str
    skip_frames: int
    source: str
    batch_size: int
    rand_skip: int
    shuffle: bool
    new_height: int
    new_width: int
    new_length: int
    is_color: bool
    root_folder: str
    sampling_rate: int
    use_image: bool
    use_temporal_jitter: bool
    show_data: bool
    num_segments: int
    modality: int
    name_pattern: str
    length_first: bool
    step: int
    rand_step: bool
    def __init__(
        self,
        *,
        video_type: int | str | None = ...,
        device_id: int | None = ...,
        video_file: str | None = ...,
        skip_frames: int | None = ...,
        source: str | None = ...,
        batch_size: int | None = ...,
        rand_skip: int | None = ...,
        shuffle: bool | None = ...,
        new_height: int | None = ...,
        new_width: int | None = ...,
        new_length: int | None = ...,
        is_color: bool | None = ...,
        root_folder: str | None = ...,
        sampling_rate: int | None = ...,
        use_image: bool | None = ...,
        use_temporal_jitter: bool | None = ...,
        show_data: bool | None = ...,
        num_segments: int | None = ...,
        modality: int | str | None = ...,
        name_pattern: str | None = ...,
        length_first: bool | None = ...,
        step: int | None = ...,
        rand_step: bool | None = ...,
    ) -> None: ...

class NormalizedBBox(Message):
    XMIN_FIELD_NUMBER: int
    YMIN_FIELD_NUMBER: int
    XMAX_FIELD_NUMBER: int
    YMAX_FIELD_NUMBER: int
    LABEL_FIELD_NUMBER: int
    DIFFICULT_FIELD_NUMBER: int
    SCORE_FIELD_NUMBER: int
    SIZE_FIELD_NUMBER: int
    xmin: float
    ymin: float
    xmax: float
    ymax: float
    label: int
    difficult: bool
    score: float
    size: float
    def __init__(
        self,
        *,
        xmin: float | None = ...,
        ymin: float | None = ...,
        xmax: float | None = ...,
        ymax: float | None = ...,
        label: int | None = ...,
        difficult: bool | None = ...,
        score: float | None = ...,
        size: float | None = ...,
    ) -> None: ...

class Annotation(Message):
    INSTANCE_ID_FIELD_NUMBER: int
    BBOX_FIELD_NUMBER: int
    instance_id: int
    bbox: NormalizedBBox
    def __init__(
        self,
        *,
        instance_id: int | None = ...,
        bbox: NormalizedBBox | Mapping[str, Any] | None = ...,
    ) -> None: ...

class AnnotationGroup(Message):
    GROUP_LABEL_FIELD_NUMBER: int
    ANNOTATION_FIELD_NUMBER: int
    group_label: int
    annotation: RepeatedCompositeFieldContainer[Annotation]
    def __init__(
        self,
        *,
        group_label: int | None = ...,
        annotation: Iterable[Annotation | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class AnnotatedDatum(Message):
    AnnotationType: EnumTypeWrapper
    BBOX: int
    DATUM_FIELD_NUMBER: int
    TYPE_FIELD_NUMBER: int
    ANNOTATION_GROUP_FIELD_NUMBER: int
    datum: Datum
    type: int
    annotation_group: RepeatedCompositeFieldContainer[AnnotationGroup]
    def __init__(
        self,
        *,
        datum: Datum | Mapping[str, Any] | None = ...,
        type: int | str | None = ...,
        annotation_group: Iterable[AnnotationGroup | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class Sampler(Message):
    MIN_SCALE_FIELD_NUMBER: int
    MAX_SCALE_FIELD_NUMBER: int
    MIN_ASPECT_RATIO_FIELD_NUMBER: int
    MAX_ASPECT_RATIO_FIELD_NUMBER: int
    min_scale: float
    max_scale: float
    min_aspect_ratio: float
    max_aspect_ratio: float
    def __init__(
        self,
        *,
        min_scale: float | None = ...,
        max_scale: float | None = ...,
        min_aspect_ratio: float | None = ...,
        max_aspect_ratio: float | None = ...,
    ) -> None: ...

class SampleConstraint(Message):
    MIN_JACCARD_OVERLAP_FIELD_NUMBER: int
    MAX_JACCARD_OVERLAP_FIELD_NUMBER: int
    MIN_SAMPLE_COVERAGE_FIELD_NUMBER: int
    MAX_SAMPLE_COVERAGE_FIELD_NUMBER: int
    MIN_OBJECT_COVERAGE_FIELD_NUMBER: int
    MAX_OBJECT_COVERAGE_FIELD_NUMBER: int
    min_jaccard_overlap: float
    max_jaccard_overlap: float
    min_sample_coverage: float
    max_sample_coverage: float
    min_object_coverage: float
    max_object_coverage: float
    def __init__(
        self,
        *,
        min_jaccard_overlap: float | None = ...,
        max_jaccard_overlap: float | None = ...,
        min_sample_coverage: float | None = ...,
        max_sample_coverage: float | None = ...,
        min_object_coverage: float | None = ...,
        max_object_coverage: float | None = ...,
    ) -> None: ...

class BatchSampler(Message):
    USE_ORIGINAL_IMAGE_FIELD_NUMBER: int
    SAMPLER_FIELD_NUMBER: int
    SAMPLE_CONSTRAINT_FIELD_NUMBER: int
    MAX_SAMPLE_FIELD_NUMBER: int
    MAX_TRIALS_FIELD_NUMBER: int
    use_original_image: bool
    sampler: Sampler
    sample_constraint: SampleConstraint
    max_sample: int
    max_trials: int
    def __init__(
        self,
        *,
        use_original_image: bool | None = ...,
        sampler: Sampler | Mapping[str, Any] | None = ...,
        sample_constraint: SampleConstraint | Mapping[str, Any] | None = ...,
        max_sample: int | None = ...,
        max_trials: int | None = ...,
    ) -> None: ...

class AnnotatedDataParameter(Message):
    BATCH_SAMPLER_FIELD_NUMBER: int
    LABEL_MAP_FILE_FIELD_NUMBER: int
    ANNO_TYPE_FIELD_NUMBER: int
    YOLO_DATA_TYPE_FIELD_NUMBER: int
    YOLO_DATA_JITTER_FIELD_NUMBER: int
    TRAIN_DIFFCULT_FIELD_NUMBER: int
    batch_sampler: RepeatedCompositeFieldContainer[BatchSampler]
    label_map_file: str
    anno_type: int
    yolo_data_type: int
    yolo_data_jitter: float
    train_diffcult: bool
    def __init__(
        self,
        *,
        batch_sampler: Iterable[BatchSampler | Mapping[str, Any]] | None = ...,
        label_map_file: str | None = ...,
        anno_type: int | str | None = ...,
        yolo_data_type: int | None = ...,
        yolo_data_jitter: float | None = ...,
        train_diffcult: bool | None = ...,
    ) -> None: ...

class DetectionEvaluateParameter(Message):
    NUM_CLASSES_FIELD_NUMBER: int
    BACKGROUND_LABEL_ID_FIELD_NUMBER: int
    OVERLAP_THRESHOLD_FIELD_NUMBER: int
    EVALUATE_DIFFICULT_GT_FIELD_NUMBER: int
    NAME_SIZE_FILE_FIELD_NUMBER: int
    RESIZE_PARAM_FIELD_NUMBER: int
    num_classes: int
    background_label_id: int
    overlap_threshold: float
    evaluate_difficult_gt: bool
    name_size_file: str
    resize_param: ResizeParameter
    def __init__(
        self,
        *,
        num_classes: int | None = ...,
        background_label_id: int | None = ...,
        overlap_threshold: float | None = ...,
        evaluate_difficult_gt: bool | None = ...,
        name_size_file: str | None = ...,
        resize_param: ResizeParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class RegionLossParameter(Message):
    SIDE_FIELD_NUMBER: int
    NUM_CLASS_FIELD_NUMBER: int
    BIAS_MATCH_FIELD_NUMBER: int
    COORDS_FIELD_NUMBER: int
    NUM_FIELD_NUMBER: int
    SOFTMAX_FIELD_NUMBER: int
    JITTER_FIELD_NUMBER: int
    RESCORE_FIELD_NUMBER: int
    OBJECT_SCALE_FIELD_NUMBER: int
    CLASS_SCALE_FIELD_NUMBER: int
    NOOBJECT_SCALE_FIELD_NUMBER: int
    COORD_SCALE_FIELD_NUMBER: int
    ABSOLUTE_FIELD_NUMBER: int
    THRESH_FIELD_NUMBER: int
    RANDOM_FIELD_NUMBER: int
    BIASES_FIELD_NUMBER: int
    SOFTMAX_TREE_FIELD_NUMBER: int
    CLASS_MAP_FIELD_NUMBER: int
    side: int
    num_class: int
    bias_match: int
    coords: int
    num: int
    softmax: int
    jitter: float
    rescore: int
    object_scale: float
    class_scale: float
    noobject_scale: float
    coord_scale: float
    absolute: int
    thresh: float
    random: int
    biases: RepeatedScalarFieldContainer[float]
    softmax_tree: str
    class_map: str
    def __init__(
        self,
        *,
        side: int | None = ...,
        num_class: int | None = ...,
        bias_match: int | None = ...,
        coords: int | None = ...,
        num: int | None = ...,
        softmax: int | None = ...,
        jitter: float | None = ...,
        rescore: int | None = ...,
        object_scale: float | None = ...,
        class_scale: float | None = ...,
        noobject_scale: float | None = ...,
        coord_scale: float | None = ...,
        absolute: int | None = ...,
        thresh: float | None = ...,
        random: int | None = ...,
        biases: Iterable[float] | None = ...,
        softmax_tree: str | None = ...,
        class_map: str | None = ...,
    ) -> None: ...

class Yolov3Parameter(Message):
    IouLoss: EnumTypeWrapper
    MSE: int
    IOU: int
    GIOU: int
    SIDE_FIELD_NUMBER: int
    NUM_CLASS_FIELD_NUMBER: int
    NUM_FIELD_NUMBER: int
    OBJECT_SCALE_FIELD_NUMBER: int
    CLASS_SCALE_FIELD_NUMBER: int
    NOOBJECT_SCALE_FIELD_NUMBER: int
    COORD_SCALE_FIELD_NUMBER: int
    THRESH_FIELD_NUMBER: int
    ANCHORS_SCALE_FIELD_NUMBER: int
    BIASES_FIELD_NUMBER: int
    MASK_FIELD_NUMBER: int
    USE_LOGIC_GRADIENT_FIELD_NUMBER: int
    USE_FOCAL_LOSS_FIELD_NUMBER: int
    IOU_LOSS_FIELD_NUMBER: int
    IOU_NORMALIZER_FIELD_NUMBER: int
    side: int
    num_class: int
    num: int
    object_scale: float
    class_scale: float
    noobject_scale: float
    coord_scale: float
    thresh: float
    anchors_scale: int
    biases: RepeatedScalarFieldContainer[float]
    mask: RepeatedScalarFieldContainer[int]
    use_logic_gradient: bool
    use_focal_loss: bool
    iou_loss: int
    iou_normalizer: float
    def __init__(
        self,
        *,
        side: int | None = ...,
        num_class: int | None = ...,
        num: int | None = ...,
        object_scale: float | None = ...,
        class_scale: float | None = ...,
        noobject_scale: float | None = ...,
        coord_scale: float | None = ...,
        thresh: float | None = ...,
        anchors_scale: int | None = ...,
        biases: Iterable[float] | None = ...,
        mask: Iterable[int] | None = ...,
        use_logic_gradient: bool | None = ...,
        use_focal_loss: bool | None = ...,
        iou_loss: int | str | None = ...,
        iou_normalizer: float | None = ...,
    ) -> None: ...

class YoloDetectionOutputParameter(Message):
    SIDE_FIELD_NUMBER: int
    NUM_CLASSES_FIELD_NUMBER: int
    NUM_BOX_FIELD_NUMBER: int
    COORDS_FIELD_NUMBER: int
    CONFIDENCE_THRESHOLD_FIELD_NUMBER: int
    NMS_THRESHOLD_FIELD_NUMBER: int
    BIASES_FIELD_NUMBER: int
    LABEL_MAP_FILE_FIELD_NUMBER: int
    side: int
    num_classes: int
    num_box: int
    coords: int
    confidence_threshold: float
    nms_threshold: float
    biases: RepeatedScalarFieldContainer[float]
    label_map_file: str
    def __init__(
        self,
        *,
        side: int | None = ...,
        num_classes: int | None = ...,
        num_box: int | None = ...,
        coords: int | None = ...,
        confidence_threshold: float | None = ...,
        nms_threshold: float | None = ...,
        biases: Iterable[float] | None = ...,
        label_map_file: str | None = ...,
    ) -> None: ...

class Yolov3DetectionOutputParameter(Message):
    NUM_CLASSES_FIELD_NUMBER: int
    NUM_BOX_FIELD_NUMBER: int
    CONFIDENCE_THRESHOLD_FIELD_NUMBER: int
    NMS_THRESHOLD_FIELD_NUMBER: int
    BIASES_FIELD_NUMBER: int
    ANCHORS_SCALE_FIELD_NUMBER: int
    MASK_GROUP_NUM_FIELD_NUMBER: int
    MASK_FIELD_NUMBER: int
    num_classes: int
    num_box: int
    confidence_threshold: float
    nms_threshold: float
    biases: RepeatedScalarFieldContainer[float]
    anchors_scale: RepeatedScalarFieldContainer[int]
    mask_group_num: int
    mask: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        num_classes: int | None = ...,
        num_box: int | None = ...,
        confidence_threshold: float | None = ...,
        nms_threshold: float | None = ...,
        biases: Iterable[float] | None = ...,
        anchors_scale: Iterable[int] | None = ...,
        mask_group_num: int | None = ...,
        mask: Iterable[int] | None = ...,
    ) -> None: ...

class PermuteParameter(Message):
    ORDER_FIELD_NUMBER: int
    order: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        order: Iterable[int] | None = ...,
    ) -> None: ...

class NormalizeParameter(Message):
    ACROSS_SPATIAL_FIELD_NUMBER: int
    SCALE_FILLER_FIELD_NUMBER: int
    CHANNEL_SHARED_FIELD_NUMBER: int
    EPS_FIELD_NUMBER: int
    across_spatial: bool
    scale_filler: FillerParameter
    channel_shared: bool
    eps: float
    def __init__(
        self,
        *,
        across_spatial: bool | None = ...,
        scale_filler: FillerParameter | Mapping[str, Any] | None = ...,
        channel_shared: bool | None = ...,
        eps: float | None = ...,
    ) -> None: ...

class PriorBoxParameter(Message):
    CodeType: EnumTypeWrapper
    CORNER: int
    CENTER_SIZE: int
    CORNER_SIZE: int
    MIN_SIZE_FIELD_NUMBER: int
    MAX_SIZE_FIELD_NUMBER: int
    ASPECT_RATIO_FIELD_NUMBER: int
    FLIP_FIELD_NUMBER: int
    CLIP_FIELD_NUMBER: int
    VARIANCE_FIELD_NUMBER: int
    IMG_SIZE_FIELD_NUMBER: int
    IMG_H_FIELD_NUMBER: int
    IMG_W_FIELD_NUMBER: int
    STEP_FIELD_NUMBER: int
    STEP_H_FIELD_NUMBER: int
    STEP_W_FIELD_NUMBER: int
    OFFSET_FIELD_NUMBER: int
    WIDTH_FIELD_NUMBER: int
    HEIGHT_FIELD_NUMBER: int
    DENSER_PRIOR_BOXES_FIELD_NUMBER: int
    FACEBOXES_FIELD_NUMBER: int
    min_size: RepeatedScalarFieldContainer[float]
    max_size: RepeatedScalarFieldContainer[float]
    aspect_ratio: RepeatedScalarFieldContainer[float]
    flip: bool
    clip: bool
    variance: RepeatedScalarFieldContainer[float]
    img_size: int
    img_h: int
    img_w: int
    step: float
    step_h: float
    step_w: float
    offset: float
    width: RepeatedScalarFieldContainer[float]
    height: RepeatedScalarFieldContainer[float]
    denser_prior_boxes: bool
    faceboxes: bool
    def __init__(
        self,
        *,
        min_size: Iterable[float] | None = ...,
        max_size: Iterable[float] | None = ...,
        aspect_ratio: Iterable[float] | None = ...,
        flip: bool | None = ...,
        clip: bool | None = ...,
        variance: Iterable[float] | None = ...,
        img_size: int | None = ...,
        img_h: int | None = ...,
        img_w: int | None = ...,
        step: float | None = ...,
        step_h: float | None = ...,
        step_w: float | None = ...,
        offset: float | None = ...,
        width: Iterable[float] | None = ...,
        height: Iterable[float] | None = ...,
        denser_prior_boxes: bool | None = ...,
        faceboxes: bool | None = ...,
    ) -> None: ...

class NonMaximumSuppressionParameter(Message):
    NMS_THRESHOLD_FIELD_NUMBER: int
    TOP_K_FIELD_NUMBER: int
    ETA_FIELD_NUMBER: int
    nms_threshold: float
    top_k: int
    eta: float
    def __init__(
        self,
        *,
        nms_threshold: float | None = ...,
        top_k: int | None = ...,
        eta: float | None = ...,
    ) -> None: ...

class SaveOutputParameter(Message):
    OUTPUT_DIRECTORY_FIELD_NUMBER: int
    OUTPUT_NAME_PREFIX_FIELD_NUMBER: int
    OUTPUT_FORMAT_FIELD_NUMBER: int
    LABEL_MAP_FILE_FIELD_NUMBER: int
    NAME_SIZE_FILE_FIELD_NUMBER: int
    NUM_TEST_IMAGE_FIELD_NUMBER: int
    output_directory: str
    output_name_prefix: str
    output_format: str
    label_map_file: str
    name_size_file: str
    num_test_image: int
    def __init__(
        self,
        *,
        output_directory: str | None = ...,
        output_name_prefix: str | None = ...,
        output_format: str | None = ...,
        label_map_file: str | None = ...,
        name_size_file: str | None = ...,
        num_test_image: int | None = ...,
    ) -> None: ...

class DetectionOutputParameter(Message):
    NUM_CLASSES_FIELD_NUMBER: int
    SHARE_LOCATION_FIELD_NUMBER: int
    BACKGROUND_LABEL_ID_FIELD_NUMBER: int
    NMS_PARAM_FIELD_NUMBER: int
    SAVE_OUTPUT_PARAM_FIELD_NUMBER: int
    CODE_TYPE_FIELD_NUMBER: int
    VARIANCE_ENCODED_IN_TARGET_FIELD_NUMBER: int
    KEEP_TOP_K_FIELD_NUMBER: int
    CONFIDENCE_THRESHOLD_FIELD_NUMBER: int
    VISUALIZE_FIELD_NUMBER: int
    VISUALIZE_THRESHOLD_FIELD_NUMBER: int
    SAVE_FILE_FIELD_NUMBER: int
    OBJECTNESS_SCORE_FIELD_NUMBER: int
    USE_POLYGON_FIELD_NUMBER: int
    SIDE_FIELD_NUMBER: int
    NUM_BOX_FIELD_NUMBER: int
    COORDS_FIELD_NUMBER: int
    NMS_THRESHOLD_FIELD_NUMBER: int
    BIASES_FIELD_NUMBER: int
    LABEL_MAP_FILE_FIELD_NUMBER: int
    num_classes: int
    share_location: bool
    background_label_id: int
    nms_param: NonMaximumSuppressionParameter
    save_output_param: SaveOutputParameter
    code_type: int
    variance_encoded_in_target: bool
    keep_top_k: int
    confidence_threshold: float
    visualize: bool
    visualize_threshold: float
    save_file: str
    objectness_score: float
    use_polygon: bool
    side: int
    num_box: int
    coords: int
    nms_threshold: float
    biases: RepeatedScalarFieldContainer[float]
    label_map_file: str
    def __init__(
        self,
        *,
        num_classes: int | None = ...,
        share_location: bool | None = ...,
        background_label_id: int | None = ...,
        nms_param: NonMaximumSuppressionParameter | Mapping[str, Any] | None = ...,
        save_output_param: SaveOutputParameter | Mapping[str, Any] | None = ...,
        code_type: int | str | None = ...,
        variance_encoded_in_target: bool | None = ...,
        keep_top_k: int | None = ...,
        confidence_threshold: float | None = ...,
        visualize: bool | None = ...,
        visualize_threshold: float | None = ...,
        save_file: str | None = ...,
        objectness_score: float | None = ...,
        use_polygon: bool | None = ...,
        side: int | None = ...,
        num_box: int | None = ...,
        coords: int | None = ...,
        nms_threshold: float | None = ...,
        biases: Iterable[float] | None = ...,
        label_map_file: str | None = ...,
    ) -> None: ...

class MultiBoxLossParameter(Message):
    LocLossType: EnumTypeWrapper
    L2: int
    SMOOTH_L1: int
    ConfLossType: EnumTypeWrapper
    SOFTMAX: int
    LOGISTIC: int
    MatchType: EnumTypeWrapper
    BIPARTITE: int
    PER_PREDICTION: int
    MiningType: EnumTypeWrapper
    NONE: int
    MAX_NEGATIVE: int
    HARD_EXAMPLE: int
    LOC_LOSS_TYPE_FIELD_NUMBER: int
    CONF_LOSS_TYPE_FIELD_NUMBER: int
    LOC_WEIGHT_FIELD_NUMBER: int
    NUM_CLASSES_FIELD_NUMBER: int
    SHARE_LOCATION_FIELD_NUMBER: int
    MATCH_TYPE_FIELD_NUMBER: int
    OVERLAP_THRESHOLD_FIELD_NUMBER: int
    USE_PRIOR_FOR_MATCHING_FIELD_NUMBER: int
    BACKGROUND_LABEL_ID_FIELD_NUMBER: int
    USE_DIFFICULT_GT_FIELD_NUMBER: int
    DO_NEG_MINING_FIELD_NUMBER: int
    NEG_POS_RATIO_FIELD_NUMBER: int
    NEG_OVERLAP_FIELD_NUMBER: int
    CODE_TYPE_FIELD_NUMBER: int
    ENCODE_VARIANCE_IN_TARGET_FIELD_NUMBER: int
    MAP_OBJECT_TO_AGNOSTIC_FIELD_NUMBER: int
    IGNORE_CROSS_BOUNDARY_BBOX_FIELD_NUMBER: int
    BP_INSIDE_FIELD_NUMBER: int
    MINING_TYPE_FIELD_NUMBER: int
    NMS_PARAM_FIELD_NUMBER: int
    SAMPLE_SIZE_FIELD_NUMBER: int
    USE_PRIOR_FOR_NMS_FIELD_NUMBER: int
    OBJECTNESS_SCORE_FIELD_NUMBER: int
    loc_loss_type: int
    conf_loss_type: int
    loc_weight: float
    num_classes: int
    share_location: bool
    match_type: int
    overlap_threshold: float
    use_prior_for_matching: bool
    background_label_id: int
    use_difficult_gt: bool
    do_neg_mining: bool
    neg_pos_ratio: float
    neg_overlap: float
    code_type: int
    encode_variance_in_target: bool
    map_object_to_agnostic: bool
    ignore_cross_boundary_bbox: bool
    bp_inside: bool
    mining_type: int
    nms_param: NonMaximumSuppressionParameter
    sample_size: int
    use_prior_for_nms: bool
    objectness_score: float
    def __init__(
        self,
        *,
        loc_loss_type: int | str | None = ...,
        conf_loss_type: int | str | None = ...,
        loc_weight: float | None = ...,
        num_classes: int | None = ...,
        share_location: bool | None = ...,
        match_type: int | str | None = ...,
        overlap_threshold: float | None = ...,
        use_prior_for_matching: bool | None = ...,
        background_label_id: int | None = ...,
        use_difficult_gt: bool | None = ...,
        do_neg_mining: bool | None = ...,
        neg_pos_ratio: float | None = ...,
        neg_overlap: float | None = ...,
        code_type: int | str | None = ...,
        encode_variance_in_target: bool | None = ...,
        map_object_to_agnostic: bool | None = ...,
        ignore_cross_boundary_bbox: bool | None = ...,
        bp_inside: bool | None = ...,
        mining_type: int | str | None = ...,
        nms_param: NonMaximumSuppressionParameter | Mapping[str, Any] | None = ...,
        sample_size: int | None = ...,
        use_prior_for_nms: bool | None = ...,
        objectness_score: float | None = ...,
    ) -> None: ...

class ROIPoolingParameter(Message):
    POOLED_H_FIELD_NUMBER: int
    POOLED_W_FIELD_NUMBER: int
    SPATIAL_SCALE_FIELD_NUMBER: int
    PAD_RATIO_FIELD_NUMBER: int
    pooled_h: int
    pooled_w: int
    spatial_scale: float
    pad_ratio: float
    def __init__(
        self,
        *,
        pooled_h: int | None = ...,
        pooled_w: int | None = ...,
        spatial_scale: float | None = ...,
        pad_ratio: float | None = ...,
    ) -> None: ...

class PSROIPoolingParameter(Message):
    SPATIAL_SCALE_FIELD_NUMBER: int
    OUTPUT_DIM_FIELD_NUMBER: int
    GROUP_SIZE_FIELD_NUMBER: int
    spatial_scale: float
    output_dim: int
    group_size: int
    def __init__(
        self,
        *,
        spatial_scale: float | None = ...,
        output_dim: int | None = ...,
        group_size: int | None = ...,
    ) -> None: ...

class BoxAnnotatorOHEMParameter(Message):
    ROI_PER_IMG_FIELD_NUMBER: int
    IGNORE_LABEL_FIELD_NUMBER: int
    roi_per_img: int
    ignore_label: int
    def __init__(
        self,
        *,
        roi_per_img: int | None = ...,
        ignore_label: int | None = ...,
    ) -> None: ...

class ProposalParameter(Message):
    FEAT_STRIDE_FIELD_NUMBER: int
    BASE_SIZE_FIELD_NUMBER: int
    MIN_SIZE_FIELD_NUMBER: int
    RATIO_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    PRE_NMS_TOPN_FIELD_NUMBER: int
    POST_NMS_TOPN_FIELD_NUMBER: int
    NMS_THRESH_FIELD_NUMBER: int
    IOU_THRESHOLD_FIELD_NUMBER: int
    feat_stride: float
    base_size: float
    min_size: float
    ratio: RepeatedScalarFieldContainer[float]
    scale: RepeatedScalarFieldContainer[float]
    pre_nms_topn: int
    post_nms_topn: int
    nms_thresh: float
    iou_threshold: float
    def __init__(
        self,
        *,
        feat_stride: float | None = ...,
        base_size: float | None = ...,
        min_size: float | None = ...,
        ratio: Iterable[float] | None = ...,
        scale: Iterable[float] | None = ...,
        pre_nms_topn: int | None = ...,
        post_nms_topn: int | None = ...,
        nms_thresh: float | None = ...,
        iou_threshold: float | None = ...,
    ) -> None: ...

class AnchorTargetParameter(Message):
    FEAT_STRIDE_FIELD_NUMBER: int
    RATIO_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    ALLOWED_BORDER_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    FG_FRACTION_FIELD_NUMBER: int
    POSITIVE_OVERLAP_FIELD_NUMBER: int
    NEGATIVE_OVERLAP_FIELD_NUMBER: int
    BASE_SIZE_FIELD_NUMBER: int
    FORCE_FG_FOR_EACH_GT_FIELD_NUMBER: int
    feat_stride: float
    ratio: RepeatedScalarFieldContainer[float]
    scale: RepeatedScalarFieldContainer[float]
    allowed_border: float
    batch_size: int
    fg_fraction: float
    positive_overlap: float
    negative_overlap: float
    base_size: float
    force_fg_for_each_gt: bool
    def __init__(
        self,
        *,
        feat_stride: float | None = ...,
        ratio: Iterable[float] | None = ...,
        scale: Iterable[float] | None = ...,
        allowed_border: float | None = ...,
        batch_size: int | None = ...,
        fg_fraction: float | None = ...,
        positive_overlap: float | None = ...,
        negative_overlap: float | None = ...,
        base_size: float | None = ...,
        force_fg_for_each_gt: bool | None = ...,
    ) -> None: ...

class RegionTargetParameter(Message):
    NUM_CLASSES_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    FG_FRACTION_FIELD_NUMBER: int
    FG_THRESH_FIELD_NUMBER: int
    BG_THRESH_HI_FIELD_NUMBER: int
    BG_THRESH_LO_FIELD_NUMBER: int
    AGNOSTIC_FIELD_NUMBER: int
    NUM_AXES_FIELD_NUMBER: int
    BG_AUX_LABEL_FIELD_NUMBER: int
    num_classes: int
    batch_size: int
    fg_fraction: float
    fg_thresh: float
    bg_thresh_hi: float
    bg_thresh_lo: float
    agnostic: bool
    num_axes: int
    bg_aux_label: int
    def __init__(
        self,
        *,
        num_classes: int | None = ...,
        batch_size: int | None = ...,
        fg_fraction: float | None = ...,
        fg_thresh: float | None = ...,
        bg_thresh_hi: float | None = ...,
        bg_thresh_lo: float | None = ...,
        agnostic: bool | None = ...,
        num_axes: int | None = ...,
        bg_aux_label: int | None = ...,
    ) -> None: ...

class SmoothL1LossParameter(Message):
    SIGMA_FIELD_NUMBER: int
    sigma: float
    def __init__(
        self,
        *,
        sigma: float | None = ...,
    ) -> None: ...

class ReorgParameter(Message):
    STRIDE_FIELD_NUMBER: int
    REVERSE_FIELD_NUMBER: int
    stride: int
    reverse: bool
    def __init__(
        self,
        *,
        stride: int | None = ...,
        reverse: bool | None = ...,
    ) -> None: ...

class ShuffleChannelParameter(Message):
    GROUP_FIELD_NUMBER: int
    group: int
    def __init__(
        self,
        *,
        group: int | None = ...,
    ) -> None: ...

class FlipParameter(Message):
    FLIP_WIDTH_FIELD_NUMBER: int
    FLIP_HEIGHT_FIELD_NUMBER: int
    flip_width: bool
    flip_height: bool
    def __init__(
        self,
        *,
        flip_width: bool | None = ...,
        flip_height: bool | None = ...,
    ) -> None: ...

class CenterLossParameter(Message):
    NUM_OUTPUT_FIELD_NUMBER: int
    CENTER_FILLER_FIELD_NUMBER: int
    AXIS_FIELD_NUMBER: int
    num_output: int
    center_filler: FillerParameter
    axis: int
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        center_filler: FillerParameter | Mapping[str, Any] | None = ...,
        axis: int | None = ...,
    ) -> None: ...

class ReverseParameter(Message):
    AXIS_FIELD_NUMBER: int
    axis: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
    ) -> None: ...

class TransposeParameter(Message):
    DIM_FIELD_NUMBER: int
    dim: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        dim: Iterable[int] | None = ...,
    ) -> None: ...

class TripletLossParameter(Message):
    MARGIN_FIELD_NUMBER: int
    GROUP_SIZE_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    EPS_FIELD_NUMBER: int
    LOSSTYPE_FIELD_NUMBER: int
    NUM_TRIPLETS_FIELD_NUMBER: int
    NUM_NEGATIVES_FIELD_NUMBER: int
    USE_PAIR_FIELD_NUMBER: int
    margin: float
    group_size: int
    scale: float
    eps: float
    losstype: int
    num_triplets: int
    num_negatives: int
    use_pair: bool
    def __init__(
        self,
        *,
        margin: float | None = ...,
        group_size: int | None = ...,
        scale: float | None = ...,
        eps: float | None = ...,
        losstype: int | None = ...,
        num_triplets: int | None = ...,
        num_negatives: int | None = ...,
        use_pair: bool | None = ...,
    ) -> None: ...

class FocalLossParameter(Message):
    Type: EnumTypeWrapper
    ORIGIN: int
    LINEAR: int
    TYPE_FIELD_NUMBER: int
    GAMMA_FIELD_NUMBER: int
    GAMA_FIELD_NUMBER: int
    ALPHA_FIELD_NUMBER: int
    BETA_FIELD_NUMBER: int
    ALPHA_BALANCE_FIELD_NUMBER: int
    AXIS_FIELD_NUMBER: int
    type: int
    gamma: float
    gama: float
    alpha: RepeatedScalarFieldContainer[float]
    beta: float
    alpha_balance: bool
    axis: int
    def __init__(
        self,
        *,
        type: int | str | None = ...,
        gamma: float | None = ...,
        gama: float | None = ...,
        alpha: Iterable[float] | None = ...,
        beta: float | None = ...,
        alpha_balance: bool | None = ...,
        axis: int | None = ...,
    ) -> None: ...

class LabelSpecificAddParameter(Message):
    BIAS_FIELD_NUMBER: int
    TRANSFORM_TEST_FIELD_NUMBER: int
    BIAS_BASE_FIELD_NUMBER: int
    BIAS_GAMMA_FIELD_NUMBER: int
    BIAS_POWER_FIELD_NUMBER: int
    BIAS_MIN_FIELD_NUMBER: int
    BIAS_MAX_FIELD_NUMBER: int
    ITERATION_FIELD_NUMBER: int
    bias: float
    transform_test: bool
    bias_base: float
    bias_gamma: float
    bias_power: float
    bias_min: float
    bias_max: float
    iteration: int
    def __init__(
        self,
        *,
        bias: float | None = ...,
        transform_test: bool | None = ...,
        bias_base: float | None = ...,
        bias_gamma: float | None = ...,
        bias_power: float | None = ...,
        bias_min: float | None = ...,
        bias_max: float | None = ...,
        iteration: int | None = ...,
    ) -> None: ...

class MarginInnerProductParameter(Message):
    MarginType: EnumTypeWrapper
    SINGLE: int
    DOUBLE: int
    TRIPLE: int
    QUADRUPLE: int
    NUM_OUTPUT_FIELD_NUMBER: int
    TYPE_FIELD_NUMBER: int
    WEIGHT_FILLER_FIELD_NUMBER: int
    AXIS_FIELD_NUMBER: int
    BASE_FIELD_NUMBER: int
    GAMMA_FIELD_NUMBER: int
    POWER_FIELD_NUMBER: int
    ITERATION_FIELD_NUMBER: int
    LAMBDA_MIN_FIELD_NUMBER: int
    num_output: int
    type: int
    weight_filler: FillerParameter
    axis: int
    base: float
    gamma: float
    power: float
    iteration: int
    lambda_min: float
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        type: int | str | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        axis: int | None = ...,
        base: float | None = ...,
        gamma: float | None = ...,
        power: float | None = ...,
        iteration: int | None = ...,
        lambda_min: float | None = ...,
    ) -> None: ...

class LSTMParameter(Message):
    NUM_OUTPUT_FIELD_NUMBER: int
    CLIPPING_THRESHOLD_FIELD_NUMBER: int
    WEIGHT_FILLER_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    num_output: int
    clipping_threshold: float
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    batch_size: int
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        clipping_threshold: float | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        batch_size: int | None = ...,
    ) -> None: ...

class CtcLossParameter(Message):
    ALPHABET_SIZE_FIELD_NUMBER: int
    TIME_STEP_FIELD_NUMBER: int
    BLANK_LABEL_FIELD_NUMBER: int
    BLANK_INDEX_FIELD_NUMBER: int
    alphabet_size: int
    time_step: int
    blank_label: int
    blank_index: int
    def __init__(
        self,
        *,
        alphabet_size: int | None = ...,
        time_step: int | None = ...,
        blank_label: int | None = ...,
        blank_index: int | None = ...,
    ) -> None: ...

class CorrelationParameter(Message):
    CorrelationType: EnumTypeWrapper
    MULTIPLY: int
    SUBTRACT: int
    PAD_FIELD_NUMBER: int
    KERNEL_SIZE_FIELD_NUMBER: int
    MAX_DISPLACEMENT_FIELD_NUMBER: int
    STRIDE_1_FIELD_NUMBER: int
    STRIDE_2_FIELD_NUMBER: int
    SINGLE_DIRECTION_FIELD_NUMBER: int
    DO_ABS_FIELD_NUMBER: int
    CORRELATION_TYPE_FIELD_NUMBER: int
    pad: int
    kernel_size: int
    max_displacement: int
    stride_1: int
    stride_2: int
    single_direction: int
    do_abs: bool
    correlation_type: int
    def __init__(
        self,
        *,
        pad: int | None = ...,
        kernel_size: int | None = ...,
        max_displacement: int | None = ...,
        stride_1: int | None = ...,
        stride_2: int | None = ...,
        single_direction: int | None = ...,
        do_abs: bool | None = ...,
        correlation_type: int | str | None = ...,
    ) -> None: ...

class FlowWarpParameter(Message):
    FillParameter: EnumTypeWrapper
    ZERO: int
    NOT_A_NUMBER: int
    FILL_VALUE_FIELD_NUMBER: int
    fill_value: int
    def __init__(
        self,
        *,
        fill_value: int | str | None = ...,
    ) -> None: ...

class ResampleParameter(Message):
    ResampleType: EnumTypeWrapper
    NEAREST: int
    LINEAR: int
    CUBIC: int
    AREA: int
    ANTIALIAS_FIELD_NUMBER: int
    WIDTH_FIELD_NUMBER: int
    HEIGHT_FIELD_NUMBER: int
    TYPE_FIELD_NUMBER: int
    FACTOR_FIELD_NUMBER: int
    antialias: bool
    width: int
    height: int
    type: int
    factor: float
    def __init__(
        self,
        *,
        antialias: bool | None = ...,
        width: int | None = ...,
        height: int | None = ...,
        type: int | str | None = ...,
        factor: float | None = ...,
    ) -> None: ...

class DownsampleParameter(Message):
    TOP_HEIGHT_FIELD_NUMBER: int
    TOP_WIDTH_FIELD_NUMBER: int
    top_height: int
    top_width: int
    def __init__(
        self,
        *,
        top_height: int | None = ...,
        top_width: int | None = ...,
    ) -> None: ...

class L1LossParameter(Message):
    L2_PER_LOCATION_FIELD_NUMBER: int
    L2_PRESCALE_BY_CHANNELS_FIELD_NUMBER: int
    NORMALIZE_BY_NUM_ENTRIES_FIELD_NUMBER: int
    EPSILON_FIELD_NUMBER: int
    PLATEAU_FIELD_NUMBER: int
    l2_per_location: bool
    l2_prescale_by_channels: bool
    normalize_by_num_entries: bool
    epsilon: float
    plateau: float
    def __init__(
        self,
        *,
        l2_per_location: bool | None = ...,
        l2_prescale_by_channels: bool | None = ...,
        normalize_by_num_entries: bool | None = ...,
        epsilon: float | None = ...,
        plateau: float | None = ...,
    ) -> None: ...

class Convolution3DParameter(Message):
    NUM_OUTPUT_FIELD_NUMBER: int
    BIAS_TERM_FIELD_NUMBER: int
    PAD_FIELD_NUMBER: int
    KERNEL_SIZE_FIELD_NUMBER: int
    GROUP_FIELD_NUMBER: int
    KERNEL_DEPTH_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    TEMPORAL_STRIDE_FIELD_NUMBER: int
    WEIGHT_FILLER_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    FILTER_GROUP_FIELD_NUMBER: int
    TEMPORAL_PAD_FIELD_NUMBER: int
    num_output: int
    bias_term: bool
    pad: int
    kernel_size: int
    group: int
    kernel_depth: int
    stride: int
    temporal_stride: int
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    filter_group: int
    temporal_pad: int
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        bias_term: bool | None = ...,
        pad: int | None = ...,
        kernel_size: int | None = ...,
        group: int | None = ...,
        kernel_depth: int | None = ...,
        stride: int | None = ...,
        temporal_stride: int | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        filter_group: int | None = ...,
        temporal_pad: int | None = ...,
    ) -> None: ...

class Pooling3DParameter(Message):
    PoolMethod: EnumTypeWrapper
    MAX: int
    AVE: int
    STOCHASTIC: int
    POOL_FIELD_NUMBER: int
    KERNEL_SIZE_FIELD_NUMBER: int
    KERNEL_DEPTH_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    TEMPORAL_STRIDE_FIELD_NUMBER: int
    PAD_FIELD_NUMBER: int
    KERNEL_L_FIELD_NUMBER: int
    KERNEL_H_FIELD_NUMBER: int
    KERNEL_W_FIELD_NUMBER: int
    STRIDE_L_FIELD_NUMBER: int
    STRIDE_H_FIELD_NUMBER: int
    STRIDE_W_FIELD_NUMBER: int
    PAD_L_FIELD_NUMBER: int
    PAD_H_FIELD_NUMBER: int
    PAD_W_FIELD_NUMBER: int
    GLOBAL_POOLING_FIELD_NUMBER: int
    pool: int
    kernel_size: int
    kernel_depth: int
    stride: int
    temporal_stride: int
    pad: int
    kernel_l: int
    kernel_h: int
    kernel_w: int
    stride_l: int
    stride_h: int
    stride_w: int
    pad_l: int
    pad_h: int
    pad_w: int
    global_pooling: bool
    def __init__(
        self,
        *,
        pool: int | str | None = ...,
        kernel_size: int | None = ...,
        kernel_depth: int | None = ...,
        stride: int | None = ...,
        temporal_stride: int | None = ...,
        pad: int | None = ...,
        kernel_l: int | None = ...,
        kernel_h: int | None = ...,
        kernel_w: int | None = ...,
        stride_l: int | None = ...,
        stride_h: int | None = ...,
        stride_w: int | None = ...,
        pad_l: int | None = ...,
        pad_h: int | None = ...,
        pad_w: int | None = ...,
        global_pooling: bool | None = ...,
    ) -> None: ...

class DeformableConvolutionParameter(Message):
    Engine: EnumTypeWrapper
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    NUM_OUTPUT_FIELD_NUMBER: int
    BIAS_TERM_FIELD_NUMBER: int
    PAD_FIELD_NUMBER: int
    KERNEL_SIZE_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    DILATION_FIELD_NUMBER: int
    PAD_H_FIELD_NUMBER: int
    PAD_W_FIELD_NUMBER: int
    KERNEL_H_FIELD_NUMBER: int
    KERNEL_W_FIELD_NUMBER: int
    STRIDE_H_FIELD_NUMBER: int
    STRIDE_W_FIELD_NUMBER: int
    GROUP_FIELD_NUMBER: int
    DEFORMABLE_GROUP_FIELD_NUMBER: int
    WEIGHT_FILLER_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    ENGINE_FIELD_NUMBER: int
    AXIS_FIELD_NUMBER: int
    FORCE_ND_IM2COL_FIELD_NUMBER: int
    num_output: int
    bias_term: bool
    pad: RepeatedScalarFieldContainer[int]
    kernel_size: RepeatedScalarFieldContainer[int]
    stride: RepeatedScalarFieldContainer[int]
    dilation: RepeatedScalarFieldContainer[int]
    pad_h: int
    pad_w: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    group: int
    deformable_group: int
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    engine: int
    axis: int
    force_nd_im2col: bool
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        bias_term: bool | None = ...,
        pad: Iterable[int] | None = ...,
        kernel_size: Iterable[int] | None = ...,
        stride: Iterable[int] | None = ...,
        dilation: Iterable[int] | None = ...,
        pad_h: int | None = ...,
        pad_w: int | None = ...,
        kernel_h: int | None = ...,
        kernel_w: int | None = ...,
        stride_h: int | None = ...,
        stride_w: int | None = ...,
        group: int | None = ...,
        deformable_group: int | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        engine: int | str | None = ...,
        axis: int | None = ...,
        force_nd_im2col: bool | None = ...,
    ) -> None: ...

class ChannelScaleParameter(Message):
    DO_FORWARD_FIELD_NUMBER: int
    DO_BACKWARD_FEATURE_FIELD_NUMBER: int
    DO_BACKWARD_SCALE_FIELD_NUMBER: int
    GLOBAL_SCALE_FIELD_NUMBER: int
    do_forward: bool
    do_backward_feature: bool
    do_backward_scale: bool
    global_scale: bool
    def __init__(
        self,
        *,
        do_forward: bool | None = ...,
        do_backward_feature: bool | None = ...,
        do_backward_scale: bool | None = ...,
        global_scale: bool | None = ...,
    ) -> None: ...

class LocalParameter(Message):
    NUM_OUTPUT_FIELD_NUMBER: int
    BIAS_TERM_FIELD_NUMBER: int
    PAD_FIELD_NUMBER: int
    KERNEL_SIZE_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    WEIGHT_FILLER_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    num_output: int
    bias_term: bool
    pad: int
    kernel_size: int
    stride: int
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        bias_term: bool | None = ...,
        pad: int | None = ...,
        kernel_size: int | None = ...,
        stride: int | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class NormFaceParameter(Message):
    NORMALIZE_TYPE_FIELD_NUMBER: int
    FIX_GRADIENT_FIELD_NUMBER: int
    BP_NORM_FIELD_NUMBER: int
    normalize_type: str
    fix_gradient: bool
    bp_norm: bool
    def __init__(
        self,
        *,
        normalize_type: str | None = ...,
        fix_gradient: bool | None = ...,
        bp_norm: bool | None = ...,
    ) -> None: ...

class GRNParameter(Message):
    BIAS_FIELD_NUMBER: int
    bias: float
    def __init__(
        self,
        *,
        bias: float | None = ...,
    ) -> None: ...

class InsanityParameter(Message):
    LB_FIELD_NUMBER: int
    UB_FIELD_NUMBER: int
    lb: float
    ub: float
    def __init__(
        self,
        *,
        lb: float | None = ...,
        ub: float | None = ...,
    ) -> None: ...

class ImResizeParameter(Message):
    TARGET_SPATIAL_WIDTH_FIELD_NUMBER: int
    TARGET_SPATIAL_HEIGHT_FIELD_NUMBER: int
    FACTOR_FIELD_NUMBER: int
    START_SCALE_FIELD_NUMBER: int
    SCALE_GAP_FIELD_NUMBER: int
    target_spatial_width: int
    target_spatial_height: int
    factor: float
    start_scale: float
    scale_gap: float
    def __init__(
        self,
        *,
        target_spatial_width: int | None = ...,
        target_spatial_height: int | None = ...,
        factor: float | None = ...,
        start_scale: float | None = ...,
        scale_gap: float | None = ...,
    ) -> None: ...

class NmsParameter(Message):
    THRESHOLD_FIELD_NUMBER: int
    MAX_PEAKS_FIELD_NUMBER: int
    NUM_PARTS_FIELD_NUMBER: int
    threshold: float
    max_peaks: int
    num_parts: int
    def __init__(
        self,
        *,
        threshold: float | None = ...,
        max_peaks: int | None = ...,
        num_parts: int | None = ...,
    ) -> None: ...

class MaskResizeParameter(Message):
    OUTPUT_HEIGHT_FIELD_NUMBER: int
    OUTPUT_WIDTH_FIELD_NUMBER: int
    output_height: int
    output_width: int
    def __init__(
        self,
        *,
        output_height: int | None = ...,
        output_width: int | None = ...,
    ) -> None: ...

class SpatialTransformerParameter(Message):
    TRANSFORM_TYPE_FIELD_NUMBER: int
    SAMPLER_TYPE_FIELD_NUMBER: int
    OUTPUT_H_FIELD_NUMBER: int
    OUTPUT_W_FIELD_NUMBER: int
    TO_COMPUTE_DU_FIELD_NUMBER: int
    THETA_1_1_FIELD_NUMBER: int
    THETA_1_2_FIELD_NUMBER: int
    THETA_1_3_FIELD_NUMBER: int
    THETA_2_1_FIELD_NUMBER: int
    THETA_2_2_FIELD_NUMBER: int
    THETA_2_3_FIELD_NUMBER: int
    transform_type: str
    sampler_type: str
    output_H: int
    output_W: int
    to_compute_dU: bool
    theta_1_1: float
    theta_1_2: float
    theta_1_3: float
    theta_2_1: float
    theta_2_2: float
    theta_2_3: float
    def __init__(
        self,
        *,
        transform_type: str | None = ...,
        sampler_type: str | None = ...,
        output_H: int | None = ...,
        output_W: int | None = ...,
        to_compute_dU: bool | None = ...,
        theta_1_1: float | None = ...,
        theta_1_2: float | None = ...,
        theta_1_3: float | None = ...,
        theta_2_1: float | None = ...,
        theta_2_2: float | None = ...,
        theta_2_3: float | None = ...,
    ) -> None: ...

class DenseCRFParameter(Message):
    MAX_ITER_FIELD_NUMBER: int
    POS_W_FIELD_NUMBER: int
    POS_XY_STD_FIELD_NUMBER: int
    BI_W_FIELD_NUMBER: int
    BI_XY_STD_FIELD_NUMBER: int
    BI_RGB_STD_FIELD_NUMBER: int
    OUTPUT_PROBABILITY_FIELD_NUMBER: int
    max_iter: int
    pos_w: RepeatedScalarFieldContainer[float]
    pos_xy_std: RepeatedScalarFieldContainer[float]
    bi_w: RepeatedScalarFieldContainer[float]
    bi_xy_std: RepeatedScalarFieldContainer[float]
    bi_rgb_std: RepeatedScalarFieldContainer[float]
    output_probability: bool
    def __init__(
        self,
        *,
        max_iter: int | None = ...,
        pos_w: Iterable[float] | None = ...,
        pos_xy_std: Iterable[float] | None = ...,
        bi_w: Iterable[float] | None = ...,
        bi_xy_std: Iterable[float] | None = ...,
        bi_rgb_std: Iterable[float] | None = ...,
        output_probability: bool | None = ...,
    ) -> None: ...

class MatWriteParameter(Message):
    PREFIX_FIELD_NUMBER: int
    SOURCE_FIELD_NUMBER: int
    STRIP_FIELD_NUMBER: int
    PERIOD_FIELD_NUMBER: int
    prefix: str
    source: str
    strip: int
    period: int
    def __init__(
        self,
        *,
        prefix: str | None = ...,
        source: str | None = ...,
        strip: int | None = ...,
        period: int | None = ...,
    ) -> None: ...

class MatReadParameter(Message):
    PREFIX_FIELD_NUMBER: int
    SOURCE_FIELD_NUMBER: int
    STRIP_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    prefix: str
    source: str
    strip: int
    batch_size: int
    def __init__(
        self,
        *,
        prefix: str | None = ...,
        source: str | None = ...,
        strip: int | None = ...,
        batch_size: int | None = ...,
    ) -> None: ...

class GradientScalerParameter(Message):
    LOWER_BOUND_FIELD_NUMBER: int
    UPPER_BOUND_FIELD_NUMBER: int
    ALPHA_FIELD_NUMBER: int
    MAX_ITER_FIELD_NUMBER: int
    lower_bound: float
    upper_bound: float
    alpha: float
    max_iter: float
    def __init__(
        self,
        *,
        lower_bound: float | None = ...,
        upper_bound: float | None = ...,
        alpha: float | None = ...,
        max_iter: float | None = ...,
    ) -> None: ...

class ROIAlignParameter(Message):
    POOLED_H_FIELD_NUMBER: int
    POOLED_W_FIELD_NUMBER: int
    SPATIAL_SCALE_FIELD_NUMBER: int
    SAMPLING_RATIO_FIELD_NUMBER: int
    pooled_h: int
    pooled_w: int
    spatial_scale: float
    sampling_ratio: int
    def __init__(
        self,
        *,
        pooled_h: int | None = ...,
        pooled_w: int | None = ...,
        spatial_scale: float | None = ...,
        sampling_ratio: int | None = ...,
    ) -> None: ...

class MarginParameter(Message):
    MARGIN_FIELD_NUMBER: int
    margin: float
    def __init__(
        self,
        *,
        margin: float | None = ...,
    ) -> None: ...

class AddedNoiseParameter(Message):
    BIAS_FIELD_NUMBER: int
    GAUSSIAN_STD_FIELD_NUMBER: int
    UNIFORM_RANGE_FIELD_NUMBER: int
    bias: float
    gaussian_std: float
    uniform_range: float
    def __init__(
        self,
        *,
        bias: float | None = ...,
        gaussian_std: float | None = ...,
        uniform_range: float | None = ...,
    ) -> None: ...

class SizeParameter(Message):
    Type: EnumTypeWrapper
    BILINEAR: int
    NEAREST: int
    HEIGHT_FIELD_NUMBER: int
    WIDTH_FIELD_NUMBER: int
    IS_PYRAMID_TEST_FIELD_NUMBER: int
    OUT_HEIGHT_SCALE_FIELD_NUMBER: int
    OUT_WIDTH_SCALE_FIELD_NUMBER: int
    TYPE_FIELD_NUMBER: int
    RESIZE_RATIO_FIELD_NUMBER: int
    height: int
    width: int
    is_pyramid_test: bool
    out_height_scale: float
    out_width_scale: float
    type: int
    resize_ratio: float
    def __init__(
        self,
        *,
        height: int | None = ...,
        width: int | None = ...,
        is_pyramid_test: bool | None = ...,
        out_height_scale: float | None = ...,
        out_width_scale: float | None = ...,
        type: int | str | None = ...,
        resize_ratio: float | None = ...,
    ) -> None: ...

class ImageLabelDataParameter(Message):
    Padding: EnumTypeWrapper
    ZERO: int
    REFLECT: int
    DATA_DIR_FIELD_NUMBER: int
    IMAGE_DIR_FIELD_NUMBER: int
    LABEL_DIR_FIELD_NUMBER: int
    IMAGE_LIST_PATH_FIELD_NUMBER: int
    LABEL_LIST_PATH_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    RAND_SKIP_FIELD_NUMBER: int
    SHUFFLE_FIELD_NUMBER: int
    LABEL_SLICE_FIELD_NUMBER: int
    PADDING_FIELD_NUMBER: int
    RAND_SCALE_FIELD_NUMBER: int
    MIN_SCALE_FIELD_NUMBER: int
    MAX_SCALE_FIELD_NUMBER: int
    BACKEND_FIELD_NUMBER: int
    SCALE_PROB_FIELD_NUMBER: int
    SCALE_MIN_FIELD_NUMBER: int
    SCALE_MAX_FIELD_NUMBER: int
    SIZE_MIN_FIELD_NUMBER: int
    SIZE_MAX_FIELD_NUMBER: int
    data_dir: str
    image_dir: str
    label_dir: str
    image_list_path: str
    label_list_path: str
    batch_size: int
    rand_skip: int
    shuffle: bool
    label_slice: LabelSliceParameter
    padding: int
    rand_scale: bool
    min_scale: float
    max_scale: float
    backend: int
    scale_prob: float
    scale_min: float
    scale_max: float
    size_min: int
    size_max: int
    def __init__(
        self,
        *,
        data_dir: str | None = ...,
        image_dir: str | None = ...,
        label_dir: str | None = ...,
        image_list_path: str | None = ...,
        label_list_path: str | None = ...,
        batch_size: int | None = ...,
        rand_skip: int | None = ...,
        shuffle: bool | None = ...,
        label_slice: LabelSliceParameter | Mapping[str, Any] | None = ...,
        padding: int | str | None = ...,
        rand_scale: bool | None = ...,
        min_scale: float | None = ...,
        max_scale: float | None = ...,
        backend: int | str | None = ...,
        scale_prob: float | None = ...,
        scale_min: float | None = ...,
        scale_max: float | None = ...,
        size_min: int | None = ...,
        size_max: int | None = ...,
    ) -> None: ...

class LabelSliceParameter(Message):
    DIM_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    OFFSET_FIELD_NUMBER: int
    dim: RepeatedScalarFieldContainer[int]
    stride: RepeatedScalarFieldContainer[int]
    offset: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        dim: Iterable[int] | None = ...,
        stride: Iterable[int] | None = ...,
        offset: Iterable[int] | None = ...,
    ) -> None: ...

class ContinuationIndicatorParameter(Message):
    TIME_STEP_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    AXIS_FIELD_NUMBER: int
    time_step: int
    batch_size: int
    axis: int
    def __init__(
        self,
        *,
        time_step: int | None = ...,
        batch_size: int | None = ...,
        axis: int | None = ...,
    ) -> None: ...

class CTCDecoderParameter(Message):
    BLANK_INDEX_FIELD_NUMBER: int
    CTC_MERGE_REPEATED_FIELD_NUMBER: int
    blank_index: int
    ctc_merge_repeated: bool
    def __init__(
        self,
        *,
        blank_index: int | None = ...,
        ctc_merge_repeated: bool | None = ...,
    ) -> None: ...

class LabelsequenceAccuracyParameter(Message):
    BLANK_LABEL_FIELD_NUMBER: int
    blank_label: int
    def __init__(
        self,
        *,
        blank_label: int | None = ...,
    ) -> None: ...

class AugmentationParameter(Message):
    CROP_WIDTH_FIELD_NUMBER: int
    CROP_HEIGHT_FIELD_NUMBER: int
    WRITE_AUGMENTED_FIELD_NUMBER: int
    MAX_MULTIPLIER_FIELD_NUMBER: int
    AUGMENT_DURING_TEST_FIELD_NUMBER: int
    RECOMPUTE_MEAN_FIELD_NUMBER: int
    WRITE_MEAN_FIELD_NUMBER: int
    MEAN_PER_PIXEL_FIELD_NUMBER: int
    MEAN_FIELD_NUMBER: int
    MODE_FIELD_NUMBER: int
    BOTTOMWIDTH_FIELD_NUMBER: int
    BOTTOMHEIGHT_FIELD_NUMBER: int
    NUM_FIELD_NUMBER: int
    CHROMATIC_EIGVEC_FIELD_NUMBER: int
    MIRROR_FIELD_NUMBER: int
    TRANSLATE_FIELD_NUMBER: int
    ROTATE_FIELD_NUMBER: int
    ZOOM_FIELD_NUMBER: int
    SQUEEZE_FIELD_NUMBER: int
    TRANSLATE_X_FIELD_NUMBER: int
    TRANSLATE_Y_FIELD_NUMBER: int
    GAMMA_FIELD_NUMBER: int
    BRIGHTNESS_FIELD_NUMBER: int
    CONTRAST_FIELD_NUMBER: int
    COLOR_FIELD_NUMBER: int
    LMULT_POW_FIELD_NUMBER: int
    LMULT_MULT_FIELD_NUMBER: int
    LMULT_ADD_FIELD_NUMBER: int
    SAT_POW_FIELD_NUMBER: int
    SAT_MULT_FIELD_NUMBER: int
    SAT_ADD_FIELD_NUMBER: int
    COL_POW_FIELD_NUMBER: int
    COL_MULT_FIELD_NUMBER: int
    COL_ADD_FIELD_NUMBER: int
    LADD_POW_FIELD_NUMBER: int
    LADD_MULT_FIELD_NUMBER: int
    LADD_ADD_FIELD_NUMBER: int
    COL_ROTATE_FIELD_NUMBER: int
    FOG_AMOUNT_FIELD_NUMBER: int
    FOG_SIZE_FIELD_NUMBER: int
    MOTION_BLUR_ANGLE_FIELD_NUMBER: int
    MOTION_BLUR_SIZE_FIELD_NUMBER: int
    SHADOW_ANGLE_FIELD_NUMBER: int
    SHADOW_DISTANCE_FIELD_NUMBER: int
    SHADOW_STRENGTH_FIELD_NUMBER: int
    NOISE_FIELD_NUMBER: int
    crop_width: int
    crop_height: int
    write_augmented: str
    max_multiplier: float
    augment_during_test: bool
    recompute_mean: int
    write_mean: str
    mean_per_pixel: bool
    mean: RepeatedScalarFieldContainer[float]
    mode: str
    bottomwidth: int
    bottomheight: int
    num: int
    chromatic_eigvec: RepeatedScalarFieldContainer[float]
    mirror: RandomGeneratorParameter
    translate: RandomGeneratorParameter
    rotate: RandomGeneratorParameter
    zoom: RandomGeneratorParameter
    squeeze: RandomGeneratorParameter
    translate_x: RandomGeneratorParameter
    translate_y: RandomGeneratorParameter
    gamma: RandomGeneratorParameter
    brightness: RandomGeneratorParameter
    contrast: RandomGeneratorParameter
    color: RandomGeneratorParameter
    lmult_pow: RandomGeneratorParameter
    lmult_mult: RandomGeneratorParameter
    lmult_add: RandomGeneratorParameter
    sat_pow: RandomGeneratorParameter
    sat_mult: RandomGeneratorParameter
    sat_add: RandomGeneratorParameter
    col_pow: RandomGeneratorParameter
    col_mult: RandomGeneratorParameter
    col_add: RandomGeneratorParameter
    ladd_pow: RandomGeneratorParameter
    ladd_mult: RandomGeneratorParameter
    ladd_add: RandomGeneratorParameter
    col_rotate: RandomGeneratorParameter
    fog_amount: RandomGeneratorParameter
    fog_size: RandomGeneratorParameter
    motion_blur_angle: RandomGeneratorParameter
    motion_blur_size: RandomGeneratorParameter
    shadow_angle: RandomGeneratorParameter
    shadow_distance: RandomGeneratorParameter
    shadow_strength: RandomGeneratorParameter
    noise: RandomGeneratorParameter
    def __init__(
        self,
        *,
        crop_width: int | None = ...,
        crop_height: int | None = ...,
        write_augmented: str | None = ...,
        max_multiplier: float | None = ...,
        augment_during_test: bool | None = ...,
        recompute_mean: int | None = ...,
        write_mean: str | None = ...,
        mean_per_pixel: bool | None = ...,
        mean: Iterable[float] | None = ...,
        mode: str | None = ...,
        bottomwidth: int | None = ...,
        bottomheight: int | None = ...,
        num: int | None = ...,
        chromatic_eigvec: Iterable[float] | None = ...,
        mirror: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        translate: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        rotate: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        zoom: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        squeeze: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        translate_x: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        translate_y: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        gamma: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        brightness: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        contrast: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        color: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        lmult_pow: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        lmult_mult: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        lmult_add: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        sat_pow: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        sat_mult: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        sat_add: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        col_pow: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        col_mult: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        col_add: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        ladd_pow: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        ladd_mult: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        ladd_add: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        col_rotate: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        fog_amount: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        fog_size: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        motion_blur_angle: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        motion_blur_size: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        shadow_angle: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        shadow_distance: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        shadow_strength: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
        noise: RandomGeneratorParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class RandomGeneratorParameter(Message):
    RAND_TYPE_FIELD_NUMBER: int
    EXP_FIELD_NUMBER: int
    MEAN_FIELD_NUMBER: int
    SPREAD_FIELD_NUMBER: int
    PROB_FIELD_NUMBER: int
    APPLY_SCHEDULE_FIELD_NUMBER: int
    DISCRETIZE_FIELD_NUMBER: int
    MULTIPLIER_FIELD_NUMBER: int
    rand_type: str
    exp: bool
    mean: float
    spread: float
    prob: float
    apply_schedule: bool
    discretize: bool
    multiplier: float
    def __init__(
        self,
        *,
        rand_type: str | None = ...,
        exp: bool | None = ...,
        mean: float | None = ...,
        spread: float | None = ...,
        prob: float | None = ...,
        apply_schedule: bool | None = ...,
        discretize: bool | None = ...,
        multiplier: float | None = ...,
    ) -> None: ...

class MeanParameter(Message):
    MeanOperation: EnumTypeWrapper
    ADD: int
    SUBTRACT: int
    OPERATION_FIELD_NUMBER: int
    FILE_FIELD_NUMBER: int
    VALUE_FIELD_NUMBER: int
    MEAN_SCALE_FIELD_NUMBER: int
    INPUT_SCALE_FIELD_NUMBER: int
    OUTPUT_SCALE_FIELD_NUMBER: int
    operation: int
    file: str
    value: RepeatedScalarFieldContainer[float]
    mean_scale: float
    input_scale: float
    output_scale: float
    def __init__(
        self,
        *,
        operation: int | str | None = ...,
        file: str | None = ...,
        value: Iterable[float] | None = ...,
        mean_scale: float | None = ...,
        input_scale: float | None = ...,
        output_scale: float | None = ...,
    ) -> None: ...

class LpqLossParameter(Message):
    L2_PRESCALE_BY_CHANNELS_FIELD_NUMBER: int
    NORMALIZE_BY_NUM_ENTRIES_FIELD_NUMBER: int
    P_EPSILON_FIELD_NUMBER: int
    Q_EPSILON_FIELD_NUMBER: int
    PQ_EPISODE_STARTS_AT_ITER_FIELD_NUMBER: int
    P_FIELD_NUMBER: int
    Q_FIELD_NUMBER: int
    l2_prescale_by_channels: bool
    normalize_by_num_entries: bool
    p_epsilon: float
    q_epsilon: float
    pq_episode_starts_at_iter: RepeatedScalarFieldContainer[int]
    p: RepeatedScalarFieldContainer[float]
    q: RepeatedScalarFieldContainer[float]
    def __init__(
        self,
        *,
        l2_prescale_by_channels: bool | None = ...,
        normalize_by_num_entries: bool | None = ...,
        p_epsilon: float | None = ...,
        q_epsilon: float | None = ...,
        pq_episode_starts_at_iter: Iterable[int] | None = ...,
        p: Iterable[float] | None = ...,
        q: Iterable[float] | None = ...,
    ) -> None: ...

class WriterParameter(Message):
    FILE_FIELD_NUMBER: int
    FOLDER_FIELD_NUMBER: int
    PREFIX_FIELD_NUMBER: int
    SUFFIX_FIELD_NUMBER: int
    NORMALIZE_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    file: str
    folder: str
    prefix: str
    suffix: str
    normalize: bool
    scale: float
    def __init__(
        self,
        *,
        file: str | None = ...,
        folder: str | None = ...,
        prefix: str | None = ...,
        suffix: str | None = ...,
        normalize: bool | None = ...,
        scale: float | None = ...,
    ) -> None: ...

class BatchReductionParameter(Message):
    LEVEL_FIELD_NUMBER: int
    REDUCTION_PARAM_FIELD_NUMBER: int
    POS_FIELD_NUMBER: int
    level: RepeatedScalarFieldContainer[int]
    reduction_param: ReductionParameter
    pos: bool
    def __init__(
        self,
        *,
        level: Iterable[int] | None = ...,
        reduction_param: ReductionParameter | Mapping[str, Any] | None = ...,
        pos: bool | None = ...,
    ) -> None: ...

class PadParameter(Message):
    PadType: EnumTypeWrapper
    ZERO: int
    REPLICATE: int
    REFLECT: int
    REFLECT_101: int
    TYPE_FIELD_NUMBER: int
    PAD_FIELD_NUMBER: int
    PADDINGS_FIELD_NUMBER: int
    CONSTANT_VALUES_FIELD_NUMBER: int
    SAME_KERNEL_FIELD_NUMBER: int
    SAME_STRIDE_FIELD_NUMBER: int
    type: int
    pad: int
    paddings: RepeatedScalarFieldContainer[int]
    constant_values: float
    same_kernel: RepeatedScalarFieldContainer[int]
    same_stride: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        type: int | str | None = ...,
        pad: int | None = ...,
        paddings: Iterable[int] | None = ...,
        constant_values: float | None = ...,
        same_kernel: Iterable[int] | None = ...,
        same_stride: Iterable[int] | None = ...,
    ) -> None: ...

class PaddingParameter(Message):
    PAD_BEG_FIELD_NUMBER: int
    PAD_END_FIELD_NUMBER: int
    pad_beg: int
    pad_end: int
    def __init__(
        self,
        *,
        pad_beg: int | None = ...,
        pad_end: int | None = ...,
    ) -> None: ...

class CoSDataParameter(Message):
    SOURCE_FIELD_NUMBER: int
    BATCH_SIZE_FIELD_NUMBER: int
    TOP_FIELD_NUMBER: int
    source: str
    batch_size: int
    top: RepeatedCompositeFieldContainer[CoSTopParameter]
    def __init__(
        self,
        *,
        source: str | None = ...,
        batch_size: int | None = ...,
        top: Iterable[CoSTopParameter | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class CoSTopParameter(Message):
    Type: EnumTypeWrapper
    STRING: int
    INT: int
    FLOAT: int
    INT_ARRAY: int
    FLOAT_ARRAY: int
    RAW_IMAGE: int
    ENCODED_IMAGE: int
    ENCODED_IMAGE_WITH_DIM: int
    NAME_FIELD_NUMBER: int
    TYPE_FIELD_NUMBER: int
    CHANNELS_FIELD_NUMBER: int
    HEIGHT_FIELD_NUMBER: int
    WIDTH_FIELD_NUMBER: int
    OUT_CHANNELS_FIELD_NUMBER: int
    OUT_HEIGHT_FIELD_NUMBER: int
    OUT_WIDTH_FIELD_NUMBER: int
    SAMPLE_NUM_AXES_FIELD_NUMBER: int
    TRANSPOSE_FIELD_NUMBER: int
    TRANSFORM_PARAM_FIELD_NUMBER: int
    name: str
    type: int
    channels: int
    height: int
    width: int
    out_channels: int
    out_height: int
    out_width: int
    sample_num_axes: int
    transpose: bool
    transform_param: TransformationParameter
    def __init__(
        self,
        *,
        name: str | None = ...,
        type: int | str | None = ...,
        channels: int | None = ...,
        height: int | None = ...,
        width: int | None = ...,
        out_channels: int | None = ...,
        out_height: int | None = ...,
        out_width: int | None = ...,
        sample_num_axes: int | None = ...,
        transpose: bool | None = ...,
        transform_param: TransformationParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class CPMTransformationParameter(Message):
    STRIDE_FIELD_NUMBER: int
    FLIP_PROB_FIELD_NUMBER: int
    MAX_ROTATE_DEGREE_FIELD_NUMBER: int
    VISUALIZE_FIELD_NUMBER: int
    CROP_SIZE_X_FIELD_NUMBER: int
    CROP_SIZE_Y_FIELD_NUMBER: int
    SCALE_PROB_FIELD_NUMBER: int
    SCALE_MIN_FIELD_NUMBER: int
    SCALE_MAX_FIELD_NUMBER: int
    TARGET_DIST_FIELD_NUMBER: int
    CENTER_PERTERB_MAX_FIELD_NUMBER: int
    SIGMA_FIELD_NUMBER: int
    CLAHE_TILE_SIZE_FIELD_NUMBER: int
    CLAHE_CLIP_LIMIT_FIELD_NUMBER: int
    DO_CLAHE_FIELD_NUMBER: int
    NUM_PARTS_FIELD_NUMBER: int
    NUM_TOTAL_AUGS_FIELD_NUMBER: int
    AUG_WAY_FIELD_NUMBER: int
    GRAY_FIELD_NUMBER: int
    NP_IN_LMDB_FIELD_NUMBER: int
    TRANSFORM_BODY_JOINT_FIELD_NUMBER: int
    stride: int
    flip_prob: float
    max_rotate_degree: float
    visualize: bool
    crop_size_x: int
    crop_size_y: int
    scale_prob: float
    scale_min: float
    scale_max: float
    target_dist: float
    center_perterb_max: float
    sigma: float
    clahe_tile_size: float
    clahe_clip_limit: float
    do_clahe: bool
    num_parts: int
    num_total_augs: int
    aug_way: str
    gray: int
    np_in_lmdb: int
    transform_body_joint: bool
    def __init__(
        self,
        *,
        stride: int | None = ...,
        flip_prob: float | None = ...,
        max_rotate_degree: float | None = ...,
        visualize: bool | None = ...,
        crop_size_x: int | None = ...,
        crop_size_y: int | None = ...,
        scale_prob: float | None = ...,
        scale_min: float | None = ...,
        scale_max: float | None = ...,
        target_dist: float | None = ...,
        center_perterb_max: float | None = ...,
        sigma: float | None = ...,
        clahe_tile_size: float | None = ...,
        clahe_clip_limit: float | None = ...,
        do_clahe: bool | None = ...,
        num_parts: int | None = ...,
        num_total_augs: int | None = ...,
        aug_way: str | None = ...,
        gray: int | None = ...,
        np_in_lmdb: int | None = ...,
        transform_body_joint: bool | None = ...,
    ) -> None: ...

class CompactBilinearParameter(Message):
    NUM_OUTPUT_FIELD_NUMBER: int
    SUM_POOL_FIELD_NUMBER: int
    num_output: int
    sum_pool: bool
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        sum_pool: bool | None = ...,
    ) -> None: ...

class MergeCropParameter(Message):
    MergeOp: EnumTypeWrapper
    STACK: int
    ADD: int
    FORWARD_FIELD_NUMBER: int
    BACKWARD_FIELD_NUMBER: int
    OPERATION_FIELD_NUMBER: int
    forward: RepeatedScalarFieldContainer[bool]
    backward: RepeatedScalarFieldContainer[bool]
    operation: int
    def __init__(
        self,
        *,
        forward: Iterable[bool] | None = ...,
        backward: Iterable[bool] | None = ...,
        operation: int | str | None = ...,
    ) -> None: ...

class PSROIAlignParameter(Message):
    SPATIAL_SCALE_FIELD_NUMBER: int
    OUTPUT_DIM_FIELD_NUMBER: int
    GROUP_SIZE_FIELD_NUMBER: int
    SAMPLE_NUM_FIELD_NUMBER: int
    spatial_scale: float
    output_dim: int
    group_size: int
    sample_num: int
    def __init__(
        self,
        *,
        spatial_scale: float | None = ...,
        output_dim: int | None = ...,
        group_size: int | None = ...,
        sample_num: int | None = ...,
    ) -> None: ...

class DeformablePSROIPoolingParameter(Message):
    SPATIAL_SCALE_FIELD_NUMBER: int
    OUTPUT_DIM_FIELD_NUMBER: int
    GROUP_SIZE_FIELD_NUMBER: int
    PART_SIZE_FIELD_NUMBER: int
    SAMPLE_PER_PART_FIELD_NUMBER: int
    TRANS_STD_FIELD_NUMBER: int
    NO_TRANS_FIELD_NUMBER: int
    spatial_scale: float
    output_dim: int
    group_size: int
    part_size: int
    sample_per_part: int
    trans_std: float
    no_trans: bool
    def __init__(
        self,
        *,
        spatial_scale: float | None = ...,
        output_dim: int | None = ...,
        group_size: int | None = ...,
        part_size: int | None = ...,
        sample_per_part: int | None = ...,
        trans_std: float | None = ...,
        no_trans: bool | None = ...,
    ) -> None: ...

class InnerDistanceParameter(Message):
    NUM_OUTPUT_FIELD_NUMBER: int
    BIAS_TERM_FIELD_NUMBER: int
    WEIGHT_FILLER_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    AXIS_FIELD_NUMBER: int
    TRANSPOSE_FIELD_NUMBER: int
    DISTANCE_TYPE_FIELD_NUMBER: int
    NORMALIZE_FIELD_NUMBER: int
    num_output: int
    bias_term: bool
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    axis: int
    transpose: bool
    distance_type: str
    normalize: bool
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        bias_term: bool | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        axis: int | None = ...,
        transpose: bool | None = ...,
        distance_type: str | None = ...,
        normalize: bool | None = ...,
    ) -> None: ...

class GeneralContrastiveLossParameter(Message):
    POSITIVE_MARGIN_FIELD_NUMBER: int
    NEGATIVE_MARGIN_FIELD_NUMBER: int
    POSITIVE_WEIGHT_FIELD_NUMBER: int
    NEGATIVE_WEIGHT_FIELD_NUMBER: int
    EXP_NEGATIVE_WEIGHT_FIELD_NUMBER: int
    NORMALIZE_NEGATIVE_FIELD_NUMBER: int
    POSITIVE_OUTLIER_THRESH_FIELD_NUMBER: int
    MAX_NEGATIVE_ONLY_FIELD_NUMBER: int
    SQUARE_FIELD_NUMBER: int
    MAX_POSITIVE_ONLY_FIELD_NUMBER: int
    ADD_INTRA_MAE_FIELD_NUMBER: int
    positive_margin: float
    negative_margin: float
    positive_weight: float
    negative_weight: float
    exp_negative_weight: bool
    normalize_negative: float
    positive_outlier_thresh: float
    max_negative_only: bool
    square: bool
    max_positive_only: bool
    add_intra_mae: bool
    def __init__(
        self,
        *,
        positive_margin: float | None = ...,
        negative_margin: float | None = ...,
        positive_weight: float | None = ...,
        negative_weight: float | None = ...,
        exp_negative_weight: bool | None = ...,
        normalize_negative: float | None = ...,
        positive_outlier_thresh: float | None = ...,
        max_negative_only: bool | None = ...,
        square: bool | None = ...,
        max_positive_only: bool | None = ...,
        add_intra_mae: bool | None = ...,
    ) -> None: ...

class GeneralTripletLossParameter(Message):
    MARGIN_FIELD_NUMBER: int
    ADD_CENTER_LOSS_FIELD_NUMBER: int
    HARDEST_ONLY_FIELD_NUMBER: int
    POSITIVE_WEIGHT_FIELD_NUMBER: int
    NEGATIVE_WEIGHT_FIELD_NUMBER: int
    POSITIVE_FIRST_FIELD_NUMBER: int
    POSITIVE_UPPER_BOUND_FIELD_NUMBER: int
    margin: float
    add_center_loss: bool
    hardest_only: bool
    positive_weight: float
    negative_weight: float
    positive_first: bool
    positive_upper_bound: float
    def __init__(
        self,
        *,
        margin: float | None = ...,
        add_center_loss: bool | None = ...,
        hardest_only: bool | None = ...,
        positive_weight: float | None = ...,
        negative_weight: float | None = ...,
        positive_first: bool | None = ...,
        positive_upper_bound: float | None = ...,
    ) -> None: ...

class LabelSpecificRescaleParameter(Message):
    POSITIVE_WEIGHT_FIELD_NUMBER: int
    NEGATIVE_WEIGHT_FIELD_NUMBER: int
    POSITIVE_LOWER_BOUND_FIELD_NUMBER: int
    NEGATIVE_UPPER_BOUND_FIELD_NUMBER: int
    RESCALE_TEST_FIELD_NUMBER: int
    FOR_IP_FIELD_NUMBER: int
    BASE_FIELD_NUMBER: int
    GAMMA_FIELD_NUMBER: int
    POWER_FIELD_NUMBER: int
    LAMBDA_MIN_FIELD_NUMBER: int
    positive_weight: float
    negative_weight: float
    positive_lower_bound: float
    negative_upper_bound: float
    rescale_test: bool
    for_ip: bool
    base: float
    gamma: float
    power: float
    lambda_min: float
    def __init__(
        self,
        *,
        positive_weight: float | None = ...,
        negative_weight: float | None = ...,
        positive_lower_bound: float | None = ...,
        negative_upper_bound: float | None = ...,
        rescale_test: bool | None = ...,
        for_ip: bool | None = ...,
        base: float | None = ...,
        gamma: float | None = ...,
        power: float | None = ...,
        lambda_min: float | None = ...,
    ) -> None: ...

class LabelSpecificMarginParameter(Message):
    MarginType: EnumTypeWrapper
    HARD: int
    SOFT: int
    MARGIN_BASE_FIELD_NUMBER: int
    MARGIN_MAX_FIELD_NUMBER: int
    GAMMA_FIELD_NUMBER: int
    POWER_FIELD_NUMBER: int
    ITERATION_FIELD_NUMBER: int
    MARGIN_ON_TEST_FIELD_NUMBER: int
    AUTO_TUNE_FIELD_NUMBER: int
    TYPE_FIELD_NUMBER: int
    PASS_BP_FIELD_NUMBER: int
    margin_base: float
    margin_max: float
    gamma: float
    power: float
    iteration: int
    margin_on_test: bool
    auto_tune: bool
    type: int
    pass_bp: bool
    def __init__(
        self,
        *,
        margin_base: float | None = ...,
        margin_max: float | None = ...,
        gamma: float | None = ...,
        power: float | None = ...,
        iteration: int | None = ...,
        margin_on_test: bool | None = ...,
        auto_tune: bool | None = ...,
        type: int | str | None = ...,
        pass_bp: bool | None = ...,
    ) -> None: ...

class CosinAddmParameter(Message):
    M_FIELD_NUMBER: int
    TRANSFORM_TEST_FIELD_NUMBER: int
    m: float
    transform_test: bool
    def __init__(
        self,
        *,
        m: float | None = ...,
        transform_test: bool | None = ...,
    ) -> None: ...

class InterClassParameter(Message):
    InterClassType: EnumTypeWrapper
    MEAN: int
    AMONG: int
    NUM_OUTPUT_FIELD_NUMBER: int
    TYPE_FIELD_NUMBER: int
    WEIGHT_FILLER_FIELD_NUMBER: int
    AXIS_FIELD_NUMBER: int
    ITERATION_FIELD_NUMBER: int
    NORMALIZE_FIELD_NUMBER: int
    ALPHA_START_ITER_FIELD_NUMBER: int
    ALPHA_START_VALUE_FIELD_NUMBER: int
    ALPHA_STEP_FIELD_NUMBER: int
    ALPHA_STEPVALUE_FIELD_NUMBER: int
    num_output: int
    type: int
    weight_filler: FillerParameter
    axis: int
    iteration: int
    normalize: bool
    alpha_start_iter: float
    alpha_start_value: float
    alpha_step: float
    alpha_stepvalue: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        type: int | str | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        axis: int | None = ...,
        iteration: int | None = ...,
        normalize: bool | None = ...,
        alpha_start_iter: float | None = ...,
        alpha_start_value: float | None = ...,
        alpha_step: float | None = ...,
        alpha_stepvalue: Iterable[int] | None = ...,
    ) -> None: ...

class BiasChannelParameter(Message):
    BG_BIAS_FIELD_NUMBER: int
    FG_BIAS_FIELD_NUMBER: int
    IGNORE_LABEL_FIELD_NUMBER: int
    bg_bias: float
    fg_bias: float
    ignore_label: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        bg_bias: float | None = ...,
        fg_bias: float | None = ...,
        ignore_label: Iterable[int] | None = ...,
    ) -> None: ...

class AdaptiveBiasChannelParameter(Message):
    NUM_ITER_FIELD_NUMBER: int
    SUPPRESS_OTHERS_FIELD_NUMBER: int
    MARGIN_OTHERS_FIELD_NUMBER: int
    BG_PORTION_FIELD_NUMBER: int
    FG_PORTION_FIELD_NUMBER: int
    num_iter: int
    suppress_others: bool
    margin_others: float
    bg_portion: float
    fg_portion: float
    def __init__(
        self,
        *,
        num_iter: int | None = ...,
        suppress_others: bool | None = ...,
        margin_others: float | None = ...,
        bg_portion: float | None = ...,
        fg_portion: float | None = ...,
    ) -> None: ...

class UniqueLabelParameter(Message):
    MAX_LABELS_FIELD_NUMBER: int
    IGNORE_LABEL_FIELD_NUMBER: int
    FORCE_LABEL_FIELD_NUMBER: int
    max_labels: int
    ignore_label: RepeatedScalarFieldContainer[int]
    force_label: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        max_labels: int | None = ...,
        ignore_label: Iterable[int] | None = ...,
        force_label: Iterable[int] | None = ...,
    ) -> None: ...

class DomainTransformParameter(Message):
    SPATIAL_SIGMA_FIELD_NUMBER: int
    RANGE_SIGMA_FIELD_NUMBER: int
    NUM_ITER_FIELD_NUMBER: int
    MIN_WEIGHT_FIELD_NUMBER: int
    spatial_sigma: float
    range_sigma: float
    num_iter: int
    min_weight: float
    def __init__(
        self,
        *,
        spatial_sigma: float | None = ...,
        range_sigma: float | None = ...,
        num_iter: int | None = ...,
        min_weight: float | None = ...,
    ) -> None: ...

class AttentionLossParameter(Message):
    BETA_FIELD_NUMBER: int
    GAMMA_FIELD_NUMBER: int
    beta: float
    gamma: float
    def __init__(
        self,
        *,
        beta: float | None = ...,
        gamma: float | None = ...,
    ) -> None: ...

class DetectNetGroundTruthParameter(Message):
    CoverageType: EnumTypeWrapper
    RECTANGULAR: int
    GridboxType: EnumTypeWrapper
    GRIDBOX_MAX: int
    GRIDBOX_MIN: int
    STRIDE_FIELD_NUMBER: int
    SCALE_CVG_FIELD_NUMBER: int
    GRIDBOX_TYPE_FIELD_NUMBER: int
    MIN_CVG_LEN_FIELD_NUMBER: int
    COVERAGE_TYPE_FIELD_NUMBER: int
    IMAGE_SIZE_X_FIELD_NUMBER: int
    IMAGE_SIZE_Y_FIELD_NUMBER: int
    OBJ_NORM_FIELD_NUMBER: int
    CROP_BBOXES_FIELD_NUMBER: int
    MAX_CVG_LEN_FIELD_NUMBER: int
    OBJECT_CLASS_FIELD_NUMBER: int
    stride: int
    scale_cvg: float
    gridbox_type: int
    min_cvg_len: int
    coverage_type: int
    image_size_x: int
    image_size_y: int
    obj_norm: bool
    crop_bboxes: bool
    max_cvg_len: int
    object_class: RepeatedCompositeFieldContainer[ClassMapping]
    def __init__(
        self,
        *,
        stride: int | None = ...,
        scale_cvg: float | None = ...,
        gridbox_type: int | str | None = ...,
        min_cvg_len: int | None = ...,
        coverage_type: int | str | None = ...,
        image_size_x: int | None = ...,
        image_size_y: int | None = ...,
        obj_norm: bool | None = ...,
        crop_bboxes: bool | None = ...,
        max_cvg_len: int | None = ...,
        object_class: Iterable[ClassMapping | Mapping[str, Any]] | None = ...,
    ) -> None: ...

class ClassMapping(Message):
    SRC_FIELD_NUMBER: int
    DST_FIELD_NUMBER: int
    src: int
    dst: int
    def __init__(
        self,
        *,
        src: int | None = ...,
        dst: int | None = ...,
    ) -> None: ...

class DetectNetAugmentationParameter(Message):
    CROP_PROB_FIELD_NUMBER: int
    SHIFT_X_FIELD_NUMBER: int
    SHIFT_Y_FIELD_NUMBER: int
    SCALE_PROB_FIELD_NUMBER: int
    SCALE_MIN_FIELD_NUMBER: int
    SCALE_MAX_FIELD_NUMBER: int
    FLIP_PROB_FIELD_NUMBER: int
    ROTATION_PROB_FIELD_NUMBER: int
    MAX_ROTATE_DEGREE_FIELD_NUMBER: int
    HUE_ROTATION_PROB_FIELD_NUMBER: int
    HUE_ROTATION_FIELD_NUMBER: int
    DESATURATION_PROB_FIELD_NUMBER: int
    DESATURATION_MAX_FIELD_NUMBER: int
    crop_prob: float
    shift_x: int
    shift_y: int
    scale_prob: float
    scale_min: float
    scale_max: float
    flip_prob: float
    rotation_prob: float
    max_rotate_degree: float
    hue_rotation_prob: float
    hue_rotation: float
    desaturation_prob: float
    desaturation_max: float
    def __init__(
        self,
        *,
        crop_prob: float | None = ...,
        shift_x: int | None = ...,
        shift_y: int | None = ...,
        scale_prob: float | None = ...,
        scale_min: float | None = ...,
        scale_max: float | None = ...,
        flip_prob: float | None = ...,
        rotation_prob: float | None = ...,
        max_rotate_degree: float | None = ...,
        hue_rotation_prob: float | None = ...,
        hue_rotation: float | None = ...,
        desaturation_prob: float | None = ...,
        desaturation_max: float | None = ...,
    ) -> None: ...

class EvalDetectionParameter(Message):
    ScoreType: EnumTypeWrapper
    OBJ: int
    PROB: int
    MULTIPLY: int
    SIDE_FIELD_NUMBER: int
    NUM_CLASS_FIELD_NUMBER: int
    NUM_OBJECT_FIELD_NUMBER: int
    THRESHOLD_FIELD_NUMBER: int
    NMS_FIELD_NUMBER: int
    BIASES_FIELD_NUMBER: int
    SCORE_TYPE_FIELD_NUMBER: int
    side: int
    num_class: int
    num_object: int
    threshold: float
    nms: float
    biases: RepeatedScalarFieldContainer[float]
    score_type: int
    def __init__(
        self,
        *,
        side: int | None = ...,
        num_class: int | None = ...,
        num_object: int | None = ...,
        threshold: float | None = ...,
        nms: float | None = ...,
        biases: Iterable[float] | None = ...,
        score_type: int | str | None = ...,
    ) -> None: ...

class QuantizationParameter(Message):
    Precision: EnumTypeWrapper
    DYNAMIC_FIXED_POINT: int
    MINIFLOAT: int
    INTEGER_POWER_OF_2_WEIGHTS: int
    Rounding: EnumTypeWrapper
    NEAREST: int
    STOCHASTIC: int
    PRECISION_FIELD_NUMBER: int
    ROUNDING_SCHEME_FIELD_NUMBER: int
    BW_LAYER_IN_FIELD_NUMBER: int
    BW_LAYER_OUT_FIELD_NUMBER: int
    BW_PARAMS_FIELD_NUMBER: int
    FL_LAYER_IN_FIELD_NUMBER: int
    FL_LAYER_OUT_FIELD_NUMBER: int
    FL_PARAMS_FIELD_NUMBER: int
    MANT_BITS_FIELD_NUMBER: int
    EXP_BITS_FIELD_NUMBER: int
    EXP_MIN_FIELD_NUMBER: int
    EXP_MAX_FIELD_NUMBER: int
    THRESHOLD_FIELD_NUMBER: int
    TH_LAYER_IN_FIELD_NUMBER: int
    TH_LAYER_OUT_FIELD_NUMBER: int
    TH_PARAMS_FIELD_NUMBER: int
    precision: int
    rounding_scheme: int
    bw_layer_in: int
    bw_layer_out: int
    bw_params: int
    fl_layer_in: int
    fl_layer_out: int
    fl_params: int
    mant_bits: int
    exp_bits: int
    exp_min: int
    exp_max: int
    threshold: float
    th_layer_in: float
    th_layer_out: float
    th_params: RepeatedScalarFieldContainer[float]
    def __init__(
        self,
        *,
        precision: int | str | None = ...,
        rounding_scheme: int | str | None = ...,
        bw_layer_in: int | None = ...,
        bw_layer_out: int | None = ...,
        bw_params: int | None = ...,
        fl_layer_in: int | None = ...,
        fl_layer_out: int | None = ...,
        fl_params: int | None = ...,
        mant_bits: int | None = ...,
        exp_bits: int | None = ...,
        exp_min: int | None = ...,
        exp_max: int | None = ...,
        threshold: float | None = ...,
        th_layer_in: float | None = ...,
        th_layer_out: float | None = ...,
        th_params: Iterable[float] | None = ...,
    ) -> None: ...

class AffinityParameter(Message):
    OFFSET_FIELD_NUMBER: int
    offset: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        offset: Iterable[int] | None = ...,
    ) -> None: ...

class RotateROIPoolingParameter(Message):
    POOLED_H_FIELD_NUMBER: int
    POOLED_W_FIELD_NUMBER: int
    SPATIAL_SCALE_FIELD_NUMBER: int
    pooled_h: int
    pooled_w: int
    spatial_scale: float
    def __init__(
        self,
        *,
        pooled_h: int | None = ...,
        pooled_w: int | None = ...,
        spatial_scale: float | None = ...,
    ) -> None: ...

class SpaceToBatchNDParameter(Message):
    BLOCK_SHAPE_FIELD_NUMBER: int
    PADDINGS_FIELD_NUMBER: int
    block_shape: RepeatedScalarFieldContainer[int]
    paddings: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        block_shape: Iterable[int] | None = ...,
        paddings: Iterable[int] | None = ...,
    ) -> None: ...

class BatchToSpaceNDParameter(Message):
    BLOCK_SHAPE_FIELD_NUMBER: int
    CROPS_FIELD_NUMBER: int
    block_shape: RepeatedScalarFieldContainer[int]
    crops: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        block_shape: Iterable[int] | None = ...,
        crops: Iterable[int] | None = ...,
    ) -> None: ...

class UpsampleDarknetParameter(Message):
    STRIDE_FIELD_NUMBER: int
    stride: int
    def __init__(
        self,
        *,
        stride: int | None = ...,
    ) -> None: ...

class LabeledMatchingParameter(Message):
    NUM_CLASSES_FIELD_NUMBER: int
    MOMENTUM_FIELD_NUMBER: int
    num_classes: int
    momentum: float
    def __init__(
        self,
        *,
        num_classes: int | None = ...,
        momentum: float | None = ...,
    ) -> None: ...

class UnlabeledMatchingParameter(Message):
    QUEUE_SIZE_FIELD_NUMBER: int
    queue_size: int
    def __init__(
        self,
        *,
        queue_size: int | None = ...,
    ) -> None: ...

class MulParameter(Message):
    MUL_SHAPE_FIELD_NUMBER: int
    mul_shape: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        mul_shape: Iterable[int] | None = ...,
    ) -> None: ...

class MatMulParameter(Message):
    TRANSPOSE_A_FIELD_NUMBER: int
    TRANSPOSE_B_FIELD_NUMBER: int
    transpose_a: bool
    transpose_b: bool
    def __init__(
        self,
        *,
        transpose_a: bool | None = ...,
        transpose_b: bool | None = ...,
    ) -> None: ...

class NewAxisParameter(Message):
    AXIS_FIELD_NUMBER: int
    axis: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
    ) -> None: ...

class StridedSliceParameter(Message):
    BEGIN_FIELD_NUMBER: int
    END_FIELD_NUMBER: int
    STRIDES_FIELD_NUMBER: int
    AXES_FIELD_NUMBER: int
    BEGIN_MASK_FIELD_NUMBER: int
    END_MASK_FIELD_NUMBER: int
    ELLIPSIS_MASK_FIELD_NUMBER: int
    NEW_AXIS_MASK_FIELD_NUMBER: int
    SHRINK_AXIS_MASK_FIELD_NUMBER: int
    begin: RepeatedScalarFieldContainer[int]
    end: RepeatedScalarFieldContainer[int]
    strides: RepeatedScalarFieldContainer[int]
    axes: RepeatedScalarFieldContainer[int]
    begin_mask: int
    end_mask: int
    ellipsis_mask: int
    new_axis_mask: int
    shrink_axis_mask: int
    def __init__(
        self,
        *,
        begin: Iterable[int] | None = ...,
        end: Iterable[int] | None = ...,
        strides: Iterable[int] | None = ...,
        axes: Iterable[int] | None = ...,
        begin_mask: int | None = ...,
        end_mask: int | None = ...,
        ellipsis_mask: int | None = ...,
        new_axis_mask: int | None = ...,
        shrink_axis_mask: int | None = ...,
    ) -> None: ...

class RReLUParameter(Message):
    LB_FIELD_NUMBER: int
    UB_FIELD_NUMBER: int
    lb: float
    ub: float
    def __init__(
        self,
        *,
        lb: float | None = ...,
        ub: float | None = ...,
    ) -> None: ...

class EltwiseAffineParameter(Message):
    SLOPE_FILLER_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    CHANNEL_SHARED_FIELD_NUMBER: int
    slope_filler: FillerParameter
    bias_filler: FillerParameter
    channel_shared: bool
    def __init__(
        self,
        *,
        slope_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        channel_shared: bool | None = ...,
    ) -> None: ...

class APLParameter(Message):
    SUMS_FIELD_NUMBER: int
    SLOPE_FILLER_FIELD_NUMBER: int
    OFFSET_FILLER_FIELD_NUMBER: int
    SAVE_MEM_FIELD_NUMBER: int
    sums: int
    slope_filler: FillerParameter
    offset_filler: FillerParameter
    save_mem: bool
    def __init__(
        self,
        *,
        sums: int | None = ...,
        slope_filler: FillerParameter | Mapping[str, Any] | None = ...,
        offset_filler: FillerParameter | Mapping[str, Any] | None = ...,
        save_mem: bool | None = ...,
    ) -> None: ...

class MMDParameter(Message):
    KERNEL_NUM_FIELD_NUMBER: int
    KERNEL_MUL_FIELD_NUMBER: int
    FIX_GAMMA_FIELD_NUMBER: int
    kernel_num: int
    kernel_mul: float
    fix_gamma: bool
    def __init__(
        self,
        *,
        kernel_num: int | None = ...,
        kernel_mul: float | None = ...,
        fix_gamma: bool | None = ...,
    ) -> None: ...

class JMMDParameter(Message):
    LabelKernelMode: EnumTypeWrapper
    PROB_RBF: int
    ONE_OF_K_RBF: int
    IDENTIFY: int
    KERNEL_NUM_FIELD_NUMBER: int
    KERNEL_MUL_FIELD_NUMBER: int
    FIX_GAMMA_FIELD_NUMBER: int
    SIGMA_FIELD_NUMBER: int
    LABEL_KERNEL_NUM_FIELD_NUMBER: int
    LABEL_KERNEL_MUL_FIELD_NUMBER: int
    LABEL_KERNEL_MODE_FIELD_NUMBER: int
    AUTO_SIGMA_FIELD_NUMBER: int
    LABEL_BACK_PROPAGATE_FIELD_NUMBER: int
    kernel_num: int
    kernel_mul: float
    fix_gamma: bool
    sigma: float
    label_kernel_num: int
    label_kernel_mul: float
    label_kernel_mode: int
    auto_sigma: bool
    label_back_propagate: bool
    def __init__(
        self,
        *,
        kernel_num: int | None = ...,
        kernel_mul: float | None = ...,
        fix_gamma: bool | None = ...,
        sigma: float | None = ...,
        label_kernel_num: int | None = ...,
        label_kernel_mul: float | None = ...,
        label_kernel_mode: int | str | None = ...,
        auto_sigma: bool | None = ...,
        label_back_propagate: bool | None = ...,
    ) -> None: ...

class EntropyParameter(Message):
    THRESHOLD_FIELD_NUMBER: int
    IGNORE_LABEL_FIELD_NUMBER: int
    ITERATIONS_NUM_FIELD_NUMBER: int
    PROB_POW_FIELD_NUMBER: int
    threshold: float
    ignore_label: int
    iterations_num: int
    prob_pow: float
    def __init__(
        self,
        *,
        threshold: float | None = ...,
        ignore_label: int | None = ...,
        iterations_num: int | None = ...,
        prob_pow: float | None = ...,
    ) -> None: ...

class ScaleTanHParameter(Message):
    INIT_SCALE_FIELD_NUMBER: int
    STEP_SIZE_FIELD_NUMBER: int
    GAMMA_FIELD_NUMBER: int
    POWER_FIELD_NUMBER: int
    init_scale: float
    step_size: int
    gamma: float
    power: float
    def __init__(
        self,
        *,
        init_scale: float | None = ...,
        step_size: int | None = ...,
        gamma: float | None = ...,
        power: float | None = ...,
    ) -> None: ...

class PairwiseParameter(Message):
    AXIS_FIELD_NUMBER: int
    L_THRESHOLD_FIELD_NUMBER: int
    Q_THRESHOLD_FIELD_NUMBER: int
    Q_GAMMA_FIELD_NUMBER: int
    L_LAMBDA_FIELD_NUMBER: int
    CLASS_NUM_FIELD_NUMBER: int
    SIGMOID_PARAM_FIELD_NUMBER: int
    CONTINOUS_SIMILARITY_FIELD_NUMBER: int
    THRESHOLD_FIELD_NUMBER: int
    axis: int
    l_threshold: float
    q_threshold: float
    q_gamma: float
    l_lambda: float
    class_num: float
    sigmoid_param: float
    continous_similarity: bool
    threshold: float
    def __init__(
        self,
        *,
        axis: int | None = ...,
        l_threshold: float | None = ...,
        q_threshold: float | None = ...,
        q_gamma: float | None = ...,
        l_lambda: float | None = ...,
        class_num: float | None = ...,
        sigmoid_param: float | None = ...,
        continous_similarity: bool | None = ...,
        threshold: float | None = ...,
    ) -> None: ...

class PixelShuffleParameter(Message):
    UPSCALE_FACTOR_FIELD_NUMBER: int
    upscale_factor: int
    def __init__(
        self,
        *,
        upscale_factor: int | None = ...,
    ) -> None: ...

class BinaryConvolutionParameter(Message):
    USE_ALPHA_FIELD_NUMBER: int
    USE_BINARIZATION_FIELD_NUMBER: int
    use_alpha: bool
    use_binarization: bool
    def __init__(
        self,
        *,
        use_alpha: bool | None = ...,
        use_binarization: bool | None = ...,
    ) -> None: ...

class BinaryInnerProductParameter(Message):
    USE_ALPHA_FIELD_NUMBER: int
    USE_BINARIZATION_FIELD_NUMBER: int
    use_alpha: bool
    use_binarization: bool
    def __init__(
        self,
        *,
        use_alpha: bool | None = ...,
        use_binarization: bool | None = ...,
    ) -> None: ...

class QuantParameter(Message):
    FORWARD_FUNC_FIELD_NUMBER: int
    BACKWARD_FUNC_FIELD_NUMBER: int
    CLIP_THR_FIELD_NUMBER: int
    NEGATIVE_SLOPE_FIELD_NUMBER: int
    THRS_FIELD_NUMBER: int
    CENTERS_FIELD_NUMBER: int
    forward_func: str
    backward_func: str
    clip_thr: float
    negative_slope: float
    thrs: RepeatedScalarFieldContainer[float]
    centers: RepeatedScalarFieldContainer[float]
    def __init__(
        self,
        *,
        forward_func: str | None = ...,
        backward_func: str | None = ...,
        clip_thr: float | None = ...,
        negative_slope: float | None = ...,
        thrs: Iterable[float] | None = ...,
        centers: Iterable[float] | None = ...,
    ) -> None: ...

class DenseBlockParameter(Message):
    NUMTRANSITION_FIELD_NUMBER: int
    INITCHANNEL_FIELD_NUMBER: int
    GROWTHRATE_FIELD_NUMBER: int
    PAD_H_FIELD_NUMBER: int
    PAD_W_FIELD_NUMBER: int
    CONV_VERTICALSTRIDE_FIELD_NUMBER: int
    CONV_HORIZENTALSTRIDE_FIELD_NUMBER: int
    FILTER_H_FIELD_NUMBER: int
    FILTER_W_FIELD_NUMBER: int
    FILTER_FILLER_FIELD_NUMBER: int
    BN_SCALER_FILLER_FIELD_NUMBER: int
    BN_BIAS_FILLER_FIELD_NUMBER: int
    GPUIDX_FIELD_NUMBER: int
    USE_DROPOUT_FIELD_NUMBER: int
    DROPOUT_AMOUNT_FIELD_NUMBER: int
    USE_BC_FIELD_NUMBER: int
    BC_ULTRA_SPACE_EFFICIENT_FIELD_NUMBER: int
    WORKSPACE_MB_FIELD_NUMBER: int
    MOVING_AVERAGE_FRACTION_FIELD_NUMBER: int
    numTransition: int
    initChannel: int
    growthRate: int
    pad_h: int
    pad_w: int
    conv_verticalStride: int
    conv_horizentalStride: int
    filter_H: int
    filter_W: int
    Filter_Filler: FillerParameter
    BN_Scaler_Filler: FillerParameter
    BN_Bias_Filler: FillerParameter
    gpuIdx: int
    use_dropout: bool
    dropout_amount: float
    use_BC: bool
    BC_ultra_space_efficient: bool
    workspace_MB: int
    moving_average_fraction: float
    def __init__(
        self,
        *,
        numTransition: int | None = ...,
        initChannel: int | None = ...,
        growthRate: int | None = ...,
        pad_h: int | None = ...,
        pad_w: int | None = ...,
        conv_verticalStride: int | None = ...,
        conv_horizentalStride: int | None = ...,
        filter_H: int | None = ...,
        filter_W: int | None = ...,
        Filter_Filler: FillerParameter | Mapping[str, Any] | None = ...,
        BN_Scaler_Filler: FillerParameter | Mapping[str, Any] | None = ...,
        BN_Bias_Filler: FillerParameter | Mapping[str, Any] | None = ...,
        gpuIdx: int | None = ...,
        use_dropout: bool | None = ...,
        dropout_amount: float | None = ...,
        use_BC: bool | None = ...,
        BC_ultra_space_efficient: bool | None = ...,
        workspace_MB: int | None = ...,
        moving_average_fraction: float | None = ...,
    ) -> None: ...

class GateRecurrentParameter(Message):
    Active: EnumTypeWrapper
    LINEAR: int
    SIGMOID: int
    RELU: int
    TANH: int
    NUM_OUTPUT_FIELD_NUMBER: int
    USE_BIAS_FIELD_NUMBER: int
    USE_WX_FIELD_NUMBER: int
    USE_WH_FIELD_NUMBER: int
    WEIGHT_FILLER_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    HORIZONTAL_FIELD_NUMBER: int
    REVERSE_FIELD_NUMBER: int
    ACTIVE_FIELD_NUMBER: int
    BOUND_DIFF_FIELD_NUMBER: int
    RESTRICT_W_FIELD_NUMBER: int
    RESTRICT_G_FIELD_NUMBER: int
    num_output: int
    use_bias: bool
    use_wx: bool
    use_wh: bool
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    horizontal: bool
    reverse: bool
    active: int
    bound_diff: float
    restrict_w: float
    restrict_g: float
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        use_bias: bool | None = ...,
        use_wx: bool | None = ...,
        use_wh: bool | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        horizontal: bool | None = ...,
        reverse: bool | None = ...,
        active: int | str | None = ...,
        bound_diff: float | None = ...,
        restrict_w: float | None = ...,
        restrict_g: float | None = ...,
    ) -> None: ...

class ASLParameter(Message):
    STRIDE_FIELD_NUMBER: int
    STRIDE_H_FIELD_NUMBER: int
    STRIDE_W_FIELD_NUMBER: int
    PAD_FIELD_NUMBER: int
    PAD_H_FIELD_NUMBER: int
    PAD_W_FIELD_NUMBER: int
    MULTIPLIER_FIELD_NUMBER: int
    BASE_RADIUS_FIELD_NUMBER: int
    NORMALIZE_FIELD_NUMBER: int
    CLIP_GRADIENT_FIELD_NUMBER: int
    WARMING_UP_FIELD_NUMBER: int
    LATTICE_DECAY_FIELD_NUMBER: int
    stride: int
    stride_h: int
    stride_w: int
    pad: int
    pad_h: int
    pad_w: int
    multiplier: int
    base_radius: float
    normalize: bool
    clip_gradient: float
    warming_up: int
    lattice_decay: float
    def __init__(
        self,
        *,
        stride: int | None = ...,
        stride_h: int | None = ...,
        stride_w: int | None = ...,
        pad: int | None = ...,
        pad_h: int | None = ...,
        pad_w: int | None = ...,
        multiplier: int | None = ...,
        base_radius: float | None = ...,
        normalize: bool | None = ...,
        clip_gradient: float | None = ...,
        warming_up: int | None = ...,
        lattice_decay: float | None = ...,
    ) -> None: ...

class ROIMaskPoolingParameter(Message):
    POOLED_H_FIELD_NUMBER: int
    POOLED_W_FIELD_NUMBER: int
    SPATIAL_SCALE_FIELD_NUMBER: int
    SPATIAL_SHIFT_FIELD_NUMBER: int
    HALF_PART_FIELD_NUMBER: int
    ROI_SCALE_FIELD_NUMBER: int
    MASK_SCALE_FIELD_NUMBER: int
    pooled_h: int
    pooled_w: int
    spatial_scale: float
    spatial_shift: float
    half_part: int
    roi_scale: float
    mask_scale: float
    def __init__(
        self,
        *,
        pooled_h: int | None = ...,
        pooled_w: int | None = ...,
        spatial_scale: float | None = ...,
        spatial_shift: float | None = ...,
        half_part: int | None = ...,
        roi_scale: float | None = ...,
        mask_scale: float | None = ...,
    ) -> None: ...

class ExtractParameter(Message):
    X_FIELD_NUMBER: int
    Y_FIELD_NUMBER: int
    H_FIELD_NUMBER: int
    W_FIELD_NUMBER: int
    x: int
    y: int
    h: int
    w: int
    def __init__(
        self,
        *,
        x: int | None = ...,
        y: int | None = ...,
        h: int | None = ...,
        w: int | None = ...,
    ) -> None: ...

class MILParameter(Message):
    MILType: EnumTypeWrapper
    MAX: int
    NOR: int
    TYPE_FIELD_NUMBER: int
    CONTEXT_PER_ROI_FIELD_NUMBER: int
    type: int
    context_per_roi: int
    def __init__(
        self,
        *,
        type: int | str | None = ...,
        context_per_roi: int | None = ...,
    ) -> None: ...

class RankParameter(Message):
    NEG_NUM_FIELD_NUMBER: int
    PAIR_SIZE_FIELD_NUMBER: int
    HARD_RATIO_FIELD_NUMBER: int
    RAND_RATIO_FIELD_NUMBER: int
    MARGIN_FIELD_NUMBER: int
    neg_num: int
    pair_size: int
    hard_ratio: float
    rand_ratio: float
    margin: float
    def __init__(
        self,
        *,
        neg_num: int | None = ...,
        pair_size: int | None = ...,
        hard_ratio: float | None = ...,
        rand_ratio: float | None = ...,
        margin: float | None = ...,
    ) -> None: ...

class HeatmapDataParameter(Message):
    SOURCE_FIELD_NUMBER: int
    ROOT_IMG_DIR_FIELD_NUMBER: int
    MEANFILE_FIELD_NUMBER: int
    BATCHSIZE_FIELD_NUMBER: int
    CROPSIZE_FIELD_NUMBER: int
    OUTSIZE_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    LABEL_WIDTH_FIELD_NUMBER: int
    LABEL_HEIGHT_FIELD_NUMBER: int
    SEGMENTATION_FIELD_NUMBER: int
    ANGLE_MAX_FIELD_NUMBER: int
    RANDOM_CROP_FIELD_NUMBER: int
    SAMPLE_PER_CLUSTER_FIELD_NUMBER: int
    LABELINDS_FIELD_NUMBER: int
    MULTFACT_FIELD_NUMBER: int
    FLIP_JOINT_LABELS_FIELD_NUMBER: int
    DONT_FLIP_FIRST_FIELD_NUMBER: int
    source: str
    root_img_dir: str
    meanfile: str
    batchsize: int
    cropsize: int
    outsize: int
    scale: float
    label_width: int
    label_height: int
    segmentation: bool
    angle_max: float
    random_crop: bool
    sample_per_cluster: bool
    labelinds: str
    multfact: int
    flip_joint_labels: bool
    dont_flip_first: bool
    def __init__(
        self,
        *,
        source: str | None = ...,
        root_img_dir: str | None = ...,
        meanfile: str | None = ...,
        batchsize: int | None = ...,
        cropsize: int | None = ...,
        outsize: int | None = ...,
        scale: float | None = ...,
        label_width: int | None = ...,
        label_height: int | None = ...,
        segmentation: bool | None = ...,
        angle_max: float | None = ...,
        random_crop: bool | None = ...,
        sample_per_cluster: bool | None = ...,
        labelinds: str | None = ...,
        multfact: int | None = ...,
        flip_joint_labels: bool | None = ...,
        dont_flip_first: bool | None = ...,
    ) -> None: ...

class SimplerNMSParameter(Message):
    MAX_NUM_PROPOSALS_FIELD_NUMBER: int
    CLS_THRESHOLD_FIELD_NUMBER: int
    IOU_THRESHOLD_FIELD_NUMBER: int
    MIN_BBOX_SIZE_FIELD_NUMBER: int
    FEAT_STRIDE_FIELD_NUMBER: int
    PRE_NMS_TOPN_FIELD_NUMBER: int
    POST_NMS_TOPN_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    max_num_proposals: int
    cls_threshold: float
    iou_threshold: float
    min_bbox_size: int
    feat_stride: int
    pre_nms_topn: int
    post_nms_topn: int
    scale: RepeatedScalarFieldContainer[float]
    def __init__(
        self,
        *,
        max_num_proposals: int | None = ...,
        cls_threshold: float | None = ...,
        iou_threshold: float | None = ...,
        min_bbox_size: int | None = ...,
        feat_stride: int | None = ...,
        pre_nms_topn: int | None = ...,
        post_nms_topn: int | None = ...,
        scale: Iterable[float] | None = ...,
    ) -> None: ...

class YoloSegParameter(Message):
    NUM_CLASS_FIELD_NUMBER: int
    OBJECT_SCALE_FIELD_NUMBER: int
    CLASS_SCALE_FIELD_NUMBER: int
    USE_LOGIC_GRADIENT_FIELD_NUMBER: int
    USE_HARDSIGMOID_FIELD_NUMBER: int
    num_class: int
    object_scale: float
    class_scale: float
    use_logic_gradient: bool
    use_hardsigmoid: bool
    def __init__(
        self,
        *,
        num_class: int | None = ...,
        object_scale: float | None = ...,
        class_scale: float | None = ...,
        use_logic_gradient: bool | None = ...,
        use_hardsigmoid: bool | None = ...,
    ) -> None: ...

class SegmentationEvaluateParameter(Message):
    NUM_CLASSES_FIELD_NUMBER: int
    THRESHOLD_FIELD_NUMBER: int
    num_classes: int
    threshold: float
    def __init__(
        self,
        *,
        num_classes: int | None = ...,
        threshold: float | None = ...,
    ) -> None: ...

class ReverseTimeParameter(Message):
    COPY_REMAINING_FIELD_NUMBER: int
    copy_remaining: bool
    def __init__(
        self,
        *,
        copy_remaining: bool | None = ...,
    ) -> None: ...

class CConvolutionParameter(Message):
    GAMMA_FIELD_NUMBER: int
    POWER_FIELD_NUMBER: int
    ITER_STOP_FIELD_NUMBER: int
    C_RATE_FIELD_NUMBER: int
    WEIGHT_MASK_FILLER_FIELD_NUMBER: int
    BIAS_MASK_FILLER_FIELD_NUMBER: int
    gamma: float
    power: float
    iter_stop: float
    c_rate: float
    weight_mask_filler: FillerParameter
    bias_mask_filler: FillerParameter
    def __init__(
        self,
        *,
        gamma: float | None = ...,
        power: float | None = ...,
        iter_stop: float | None = ...,
        c_rate: float | None = ...,
        weight_mask_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_mask_filler: FillerParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class CInnerProductParameter(Message):
    GAMMA_FIELD_NUMBER: int
    POWER_FIELD_NUMBER: int
    ITER_STOP_FIELD_NUMBER: int
    C_RATE_FIELD_NUMBER: int
    WEIGHT_MASK_FILLER_FIELD_NUMBER: int
    BIAS_MASK_FILLER_FIELD_NUMBER: int
    gamma: float
    power: float
    iter_stop: float
    c_rate: float
    weight_mask_filler: FillerParameter
    bias_mask_filler: FillerParameter
    def __init__(
        self,
        *,
        gamma: float | None = ...,
        power: float | None = ...,
        iter_stop: float | None = ...,
        c_rate: float | None = ...,
        weight_mask_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_mask_filler: FillerParameter | Mapping[str, Any] | None = ...,
    ) -> None: ...

class RingPadParameter(Message):
    AXIS_FIELD_NUMBER: int
    PAD_FIELD_NUMBER: int
    axis: int
    pad: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
        pad: int | None = ...,
    ) -> None: ...

class CReLUParameter(Message):
    NEGATIVE_SLOPE_FIELD_NUMBER: int
    CONCAT_AXIS_FIELD_NUMBER: int
    negative_slope: float
    concat_axis: int
    def __init__(
        self,
        *,
        negative_slope: float | None = ...,
        concat_axis: int | None = ...,
    ) -> None: ...

class BatchReNormParameter(Message):
    USE_GLOBAL_STATS_FIELD_NUMBER: int
    MOVING_AVERAGE_FRACTION_FIELD_NUMBER: int
    EPS_FIELD_NUMBER: int
    R_MAX_FIELD_NUMBER: int
    D_MAX_FIELD_NUMBER: int
    ITER_SIZE_FIELD_NUMBER: int
    STEP_TO_INIT_FIELD_NUMBER: int
    STEP_TO_R_MAX_FIELD_NUMBER: int
    STEP_TO_D_MAX_FIELD_NUMBER: int
    use_global_stats: bool
    moving_average_fraction: float
    eps: float
    r_max: float
    d_max: float
    iter_size: int
    step_to_init: int
    step_to_r_max: int
    step_to_d_max: int
    def __init__(
        self,
        *,
        use_global_stats: bool | None = ...,
        moving_average_fraction: float | None = ...,
        eps: float | None = ...,
        r_max: float | None = ...,
        d_max: float | None = ...,
        iter_size: int | None = ...,
        step_to_init: int | None = ...,
        step_to_r_max: int | None = ...,
        step_to_d_max: int | None = ...,
    ) -> None: ...

class ColorConvParameter(Message):
    ColorSpace: EnumTypeWrapper
    BGR: int
    Lab: int
    RGB: int
    Gray: int
    XYZ: int
    INPUT_FIELD_NUMBER: int
    OUTPUT_FIELD_NUMBER: int
    input: int
    output: int
    def __init__(
        self,
        *,
        input: int | str | None = ...,
        output: int | str | None = ...,
    ) -> None: ...

class CrossEntropyLossParameter(Message):
    DISPLAY_FIELD_NUMBER: int
    IGNORE_LABEL_FIELD_NUMBER: int
    IGNORE_VALUE_FIELD_NUMBER: int
    CLASS_NUM_FIELD_NUMBER: int
    display: int
    ignore_label: int
    ignore_value: float
    class_num: int
    def __init__(
        self,
        *,
        display: int | None = ...,
        ignore_label: int | None = ...,
        ignore_value: float | None = ...,
        class_num: int | None = ...,
    ) -> None: ...

class LocalConvolutionParameter(Message):
    NUM_OUTPUT_FIELD_NUMBER: int
    BIAS_TERM_FIELD_NUMBER: int
    PAD_FIELD_NUMBER: int
    KERNEL_SIZE_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    DILATION_FIELD_NUMBER: int
    PAD_H_FIELD_NUMBER: int
    PAD_W_FIELD_NUMBER: int
    KERNEL_H_FIELD_NUMBER: int
    KERNEL_W_FIELD_NUMBER: int
    STRIDE_H_FIELD_NUMBER: int
    STRIDE_W_FIELD_NUMBER: int
    GROUP_FIELD_NUMBER: int
    WEIGHT_FILLER_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    LOCAL_REGION_NUMBER_FIELD_NUMBER: int
    LOCAL_REGION_NUMBER_H_FIELD_NUMBER: int
    LOCAL_REGION_NUMBER_W_FIELD_NUMBER: int
    LOCAL_REGION_RATIO_FIELD_NUMBER: int
    LOCAL_REGION_RATIO_H_FIELD_NUMBER: int
    LOCAL_REGION_RATIO_W_FIELD_NUMBER: int
    LOCAL_REGION_STEP_FIELD_NUMBER: int
    LOCAL_REGION_STEP_H_FIELD_NUMBER: int
    LOCAL_REGION_STEP_W_FIELD_NUMBER: int
    num_output: int
    bias_term: bool
    pad: RepeatedScalarFieldContainer[int]
    kernel_size: RepeatedScalarFieldContainer[int]
    stride: RepeatedScalarFieldContainer[int]
    dilation: RepeatedScalarFieldContainer[int]
    pad_h: int
    pad_w: int
    kernel_h: int
    kernel_w: int
    stride_h: int
    stride_w: int
    group: int
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    local_region_number: int
    local_region_number_h: int
    local_region_number_w: int
    local_region_ratio: float
    local_region_ratio_h: float
    local_region_ratio_w: float
    local_region_step: int
    local_region_step_h: int
    local_region_step_w: int
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        bias_term: bool | None = ...,
        pad: Iterable[int] | None = ...,
        kernel_size: Iterable[int] | None = ...,
        stride: Iterable[int] | None = ...,
        dilation: Iterable[int] | None = ...,
        pad_h: int | None = ...,
        pad_w: int | None = ...,
        kernel_h: int | None = ...,
        kernel_w: int | None = ...,
        stride_h: int | None = ...,
        stride_w: int | None = ...,
        group: int | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        local_region_number: int | None = ...,
        local_region_number_h: int | None = ...,
        local_region_number_w: int | None = ...,
        local_region_ratio: float | None = ...,
        local_region_ratio_h: float | None = ...,
        local_region_ratio_w: float | None = ...,
        local_region_step: int | None = ...,
        local_region_step_h: int | None = ...,
        local_region_step_w: int | None = ...,
    ) -> None: ...

class LSTMConvolutionParameter(Message):
    Engine: EnumTypeWrapper
    DEFAULT: int
    CAFFE: int
    CUDNN: int
    NUM_OUTPUT_FIELD_NUMBER: int
    BIAS_TERM_FIELD_NUMBER: int
    PAD_FIELD_NUMBER: int
    KERNEL_SIZE_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    DILATION_FIELD_NUMBER: int
    GROUP_FIELD_NUMBER: int
    WEIGHT_FILLER_FIELD_NUMBER: int
    BIAS_FILLER_FIELD_NUMBER: int
    ENGINE_FIELD_NUMBER: int
    AXIS_FIELD_NUMBER: int
    FORCE_ND_IM2COL_FIELD_NUMBER: int
    TYPE_FIELD_NUMBER: int
    num_output: int
    bias_term: bool
    pad: RepeatedScalarFieldContainer[int]
    kernel_size: RepeatedScalarFieldContainer[int]
    stride: RepeatedScalarFieldContainer[int]
    dilation: RepeatedScalarFieldContainer[int]
    group: int
    weight_filler: FillerParameter
    bias_filler: FillerParameter
    engine: int
    axis: int
    force_nd_im2col: bool
    type: str
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        bias_term: bool | None = ...,
        pad: Iterable[int] | None = ...,
        kernel_size: Iterable[int] | None = ...,
        stride: Iterable[int] | None = ...,
        dilation: Iterable[int] | None = ...,
        group: int | None = ...,
        weight_filler: FillerParameter | Mapping[str, Any] | None = ...,
        bias_filler: FillerParameter | Mapping[str, Any] | None = ...,
        engine: int | str | None = ...,
        axis: int | None = ...,
        force_nd_im2col: bool | None = ...,
        type: str | None = ...,
    ) -> None: ...

class LSTMDebugParameter(Message):
    EXPOSE_FIELD_NUMBER: int
    DISABLE_HADAMARD_FIELD_NUMBER: int
    AXIS_HADAMARD_FIELD_NUMBER: int
    NUM_AXES_HADAMARD_FIELD_NUMBER: int
    IGNORE_X_FIELD_NUMBER: int
    expose: RepeatedScalarFieldContainer[str]
    disable_hadamard: bool
    axis_hadamard: int
    num_axes_hadamard: int
    ignore_x: bool
    def __init__(
        self,
        *,
        expose: Iterable[str] | None = ...,
        disable_hadamard: bool | None = ...,
        axis_hadamard: int | None = ...,
        num_axes_hadamard: int | None = ...,
        ignore_x: bool | None = ...,
    ) -> None: ...

class DotProductParameter(Message):
    Mode: EnumTypeWrapper
    VV: int
    VM: int
    MV: int
    MM: int
    MODE_FIELD_NUMBER: int
    mode: int
    def __init__(
        self,
        *,
        mode: int | str | None = ...,
    ) -> None: ...

class PrecisionRecallLossParameter(Message):
    POINT_NUM_FIELD_NUMBER: int
    point_num: int
    def __init__(
        self,
        *,
        point_num: int | None = ...,
    ) -> None: ...

class MaxoutParameter(Message):
    NUM_OUTPUT_FIELD_NUMBER: int
    CHGROUP_SZ_FIELD_NUMBER: int
    num_output: int
    chgroup_sz: int
    def __init__(
        self,
        *,
        num_output: int | None = ...,
        chgroup_sz: int | None = ...,
    ) -> None: ...

class RangeLossParameter(Message):
    CHOOSE_K_FIELD_NUMBER: int
    INTER_WEIGHT_FIELD_NUMBER: int
    INTRA_WEIGHT_FIELD_NUMBER: int
    MARGIN_FIELD_NUMBER: int
    choose_k: int
    inter_weight: float
    intra_weight: float
    margin: float
    def __init__(
        self,
        *,
        choose_k: int | None = ...,
        inter_weight: float | None = ...,
        intra_weight: float | None = ...,
        margin: float | None = ...,
    ) -> None: ...

class WassersteinParameter(Message):
    GROUND_METRIC_FIELD_NUMBER: int
    SCALING_ITER_FIELD_NUMBER: int
    SHIFT_GRADIENT_FIELD_NUMBER: int
    ground_metric: str
    scaling_iter: int
    shift_gradient: bool
    def __init__(
        self,
        *,
        ground_metric: str | None = ...,
        scaling_iter: int | None = ...,
        shift_gradient: bool | None = ...,
    ) -> None: ...

class UpsamplingParameter(Message):
    KERNEL_SIZE_FIELD_NUMBER: int
    KERNEL_H_FIELD_NUMBER: int
    KERNEL_W_FIELD_NUMBER: int
    kernel_size: int
    kernel_h: int
    kernel_w: int
    def __init__(
        self,
        *,
        kernel_size: int | None = ...,
        kernel_h: int | None = ...,
        kernel_w: int | None = ...,
    ) -> None: ...

class SSIMLossParameter(Message):
    KERNEL_SIZE_FIELD_NUMBER: int
    STRIDE_FIELD_NUMBER: int
    C1_FIELD_NUMBER: int
    C2_FIELD_NUMBER: int
    kernel_size: int
    stride: int
    c1: float
    c2: float
    def __init__(
        self,
        *,
        kernel_size: int | None = ...,
        stride: int | None = ...,
        c1: float | None = ...,
        c2: float | None = ...,
    ) -> None: ...

class SpatialSoftmaxParameter(Message):
    TEMPERATURE_FIELD_NUMBER: int
    temperature: float
    def __init__(
        self,
        *,
        temperature: float | None = ...,
    ) -> None: ...

class LogSoftmaxParameter(Message):
    AXIS_FIELD_NUMBER: int
    axis: int
    def __init__(
        self,
        *,
        axis: int | None = ...,
    ) -> None: ...

class DepthToSpaceParameter(Message):
    BLOCK_SIZE_FIELD_NUMBER: int
    DATA_FORMAT_FIELD_NUMBER: int
    block_size: int
    data_format: str
    def __init__(
        self,
        *,
        block_size: int | None = ...,
        data_format: str | None = ...,
    ) -> None: ...

class ReduceParameter(Message):
    AXIS_FIELD_NUMBER: int
    KEEPDIMS_FIELD_NUMBER: int
    axis: RepeatedScalarFieldContainer[int]
    keepdims: bool
    def __init__(
        self,
        *,
        axis: Iterable[int] | None = ...,
        keepdims: bool | None = ...,
    ) -> None: ...

class ReduceNormParameter(Message):
    AXES_FIELD_NUMBER: int
    KEEPDIMS_FIELD_NUMBER: int
    axes: RepeatedScalarFieldContainer[int]
    keepdims: int
    def __init__(
        self,
        *,
        axes: Iterable[int] | None = ...,
        keepdims: int | None = ...,
    ) -> None: ...

class SqueezeParameter(Message):
    AXIS_FIELD_NUMBER: int
    axis: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        axis: Iterable[int] | None = ...,
    ) -> None: ...

class BroadcastToParameter(Message):
    SHAPE_FIELD_NUMBER: int
    shape: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        shape: Iterable[int] | None = ...,
    ) -> None: ...

class TileNDParameter(Message):
    AXIS_FIELD_NUMBER: int
    MULTIPLES_FIELD_NUMBER: int
    TILES_FIELD_NUMBER: int
    axis: RepeatedScalarFieldContainer[int]
    multiples: RepeatedScalarFieldContainer[int]
    tiles: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        axis: Iterable[int] | None = ...,
        multiples: Iterable[int] | None = ...,
        tiles: Iterable[int] | None = ...,
    ) -> None: ...

class PieceParameter(Message):
    BEGIN_FIELD_NUMBER: int
    SIZE_FIELD_NUMBER: int
    begin: RepeatedScalarFieldContainer[int]
    size: RepeatedScalarFieldContainer[int]
    def __init__(
        self,
        *,
        begin: Iterable[int] | None = ...,
        size: Iterable[int] | None = ...,
    ) -> None: ...

class MirrorPadParameter(Message):
    PADDINGS_FIELD_NUMBER: int
    CONSTANT_VALUES_FIELD_NUMBER: int
    MODE_FIELD_NUMBER: int
    paddings: RepeatedScalarFieldContainer[int]
    constant_values: float
    mode: str
    def __init__(
        self,
        *,
        paddings: Iterable[int] | None = ...,
        constant_values: float | None = ...,
        mode: str | None = ...,
    ) -> None: ...

class ResizeBilinearParameter(Message):
    ALIGN_CORNERS_FIELD_NUMBER: int
    OUTPUT_HEIGHT_FIELD_NUMBER: int
    OUTPUT_WIDTH_FIELD_NUMBER: int
    DATA_FORMAT_FIELD_NUMBER: int
    SCALE_HEIGHT_FIELD_NUMBER: int
    SCALE_WIDTH_FIELD_NUMBER: int
    HALF_PIXEL_CENTERS_FIELD_NUMBER: int
    PYTORCH_HALF_PIXEL_FIELD_NUMBER: int
    OUTPUT_DEPTH_FIELD_NUMBER: int
    SCALE_DEPTH_FIELD_NUMBER: int
    align_corners: bool
    output_height: int
    output_width: int
    data_format: str
    scale_height: float
    scale_width: float
    half_pixel_centers: bool
    pytorch_half_pixel: bool
    output_depth: int
    scale_depth: float
    def __init__(
        self,
        *,
        align_corners: bool | None = ...,
        output_height: int | None = ...,
        output_width: int | None = ...,
        data_format: str | None = ...,
        scale_height: float | None = ...,
        scale_width: float | None = ...,
        half_pixel_centers: bool | None = ...,
        pytorch_half_pixel: bool | None = ...,
        output_depth: int | None = ...,
        scale_depth: float | None = ...,
    ) -> None: ...

class ResizeNearestNeighborParameter(Message):
    ALIGN_CORNERS_FIELD_NUMBER: int
    OUTPUT_HEIGHT_FIELD_NUMBER: int
    OUTPUT_WIDTH_FIELD_NUMBER: int
    DATA_FORMAT_FIELD_NUMBER: int
    SCALE_HEIGHT_FIELD_NUMBER: int
    SCALE_WIDTH_FIELD_NUMBER: int
    HALF_PIXEL_CENTERS_FIELD_NUMBER: int
    HALF_PIXEL_ONNX_FIELD_NUMBER: int
    align_corners: bool
    output_height: int
    output_width: int
    data_format: str
    scale_height: float
    scale_width: float
    half_pixel_centers: bool
    half_pixel_onnx: bool
    def __init__(
        self,
        *,
        align_corners: bool | None = ...,
        output_height: int | None = ...,
        output_width: int | None = ...,
        data_format: str | None = ...,
        scale_height: float | None = ...,
        scale_width: float | None = ...,
        half_pixel_centers: bool | None = ...,
        half_pixel_onnx: bool | None = ...,
    ) -> None: ...

class GemmParameter(Message):
    ALPHA_FIELD_NUMBER: int
    BETA_FIELD_NUMBER: int
    TRANSA_FIELD_NUMBER: int
    TRANSB_FIELD_NUMBER: int
    alpha: float
    beta: float
    transA: int
    transB: int
    def __init__(
        self,
        *,
        alpha: float | None = ...,
        beta: float | None = ...,
        transA: int | None = ...,
        transB: int | None = ...,
    ) -> None: ...

class ThresholdedReLUParameter(Message):
    ALPHA_FIELD_NUMBER: int
    alpha: float
    def __init__(
        self,
        *,
        alpha: float | None = ...,
    ) -> None: ...

class HardSigmoidParameter(Message):
    ALPHA_FIELD_NUMBER: int
    BETA_FIELD_NUMBER: int
    alpha: float
    beta: float
    def __init__(
        self,
        *,
        alpha: float | None = ...,
        beta: float | None = ...,
    ) -> None: ...

class LayerNormParameter(Message):
    EPS_FIELD_NUMBER: int
    ELEMENTWISE_AFFINE_FIELD_NUMBER: int
    eps: float
    elementwise_affine: bool
    def __init__(
        self,
        *,
        eps: float | None = ...,
        elementwise_affine: bool | None = ...,
    ) -> None: ...

class ImageDistortParameter(Message):
    NEW_SCALE_FIELD_NUMBER: int
    NEW_MEAN_VALUE_FIELD_NUMBER: int
    new_scale: float
    new_mean_value: RepeatedScalarFieldContainer[float]
    def __init__(
        self,
        *,
        new_scale: float | None = ...,
        new_mean_value: Iterable[float] | None = ...,
    ) -> None: ...

class KnowledgeDistillationParameter(Message):
    TEMPERATURE_FIELD_NUMBER: int
    temperature: float
    def __init__(
        self,
        *,
        temperature: float | None = ...,
    ) -> None: ...

class GuidedDropoutParameter(Message):
    TYPE_FIELD_NUMBER: int
    GUIDANCE_THRESHOLD_FIELD_NUMBER: int
    SIGMOID_SCALER_FIELD_NUMBER: int
    type: str
    guidance_threshold: float
    sigmoid_scaler: float
    def __init__(
        self,
        *,
        type: str | None = ...,
        guidance_threshold: float | None = ...,
        sigmoid_scaler: float | None = ...,
    ) -> None: ...

class FixedParameter(Message):
    FixedMethod: EnumTypeWrapper
    OVER_FLOW: int
    DIFF_S: int
    DIFF_A: int
    DIFF_S_SIGMOID: int
    ENABLE_FIELD_NUMBER: int
    FIXED_METHOD_FIELD_NUMBER: int
    BIT_WIDTH_FIELD_NUMBER: int
    MOVING_AVERAGE_FRACTION_FIELD_NUMBER: int
    FIX_INFO_FIELD_NUMBER: int
    FOLLOW_DATA_LAYER_FIELD_NUMBER: int
    enable: bool
    fixed_method: int
    bit_width: int
    moving_average_fraction: float
    fix_info: RepeatedScalarFieldContainer[int]
    follow_data_layer: bool
    def __init__(
        self,
        *,
        enable: bool | None = ...,
        fixed_method: int | str | None = ...,
        bit_width: int | None = ...,
        moving_average_fraction: float | None = ...,
        fix_info: Iterable[int] | None = ...,
        follow_data_layer: bool | None = ...,
    ) -> None: ...

class DeephiResizeParameter(Message):
    ResizeType: EnumTypeWrapper
    BILINEAR: int
    NEAREST: int
    RESIZE_TYPE_FIELD_NUMBER: int
    SCALE_H_FIELD_NUMBER: int
    SCALE_W_FIELD_NUMBER: int
    NEW_HEIGHT_FIELD_NUMBER: int
    NEW_WIDTH_FIELD_NUMBER: int
    USE_DPU_FIELD_NUMBER: int
    resize_type: int
    scale_h: float
    scale_w: float
    new_height: int
    new_width: int
    use_dpu: bool
    def __init__(
        self,
        *,
        resize_type: int | str | None = ...,
        scale_h: float | None = ...,
        scale_w: float | None = ...,
        new_height: int | None = ...,
        new_width: int | None = ...,
        use_dpu: bool | None = ...,
    ) -> None: ...

class TilingParameter(Message):
    TILE_DIM_FIELD_NUMBER: int
    tile_dim: int
    def __init__(
        self,
        *,
        tile_dim: int | None = ...,
    ) -> None: ...

class DriveDataParameter(Message):
    SHRINK_PROB_FACTOR_FIELD_NUMBER: int
    UNRECOGNIZE_FACTOR_FIELD_NUMBER: int
    CROP_NUM_FIELD_NUMBER: int
    RANDOM_CROP_RATIO_FIELD_NUMBER: int
    RESIZE_FIELD_NUMBER: int
    SCALE_FIELD_NUMBER: int
    CROPPED_HEIGHT_FIELD_NUMBER: int
    CROPPED_WIDTH_FIELD_NUMBER: int
    TILING_WIDTH_FIELD_NUMBER: int
    TILING_HEIGHT_FIELD_NUMBER: int
    LABEL_RESOLUTION_FIELD_NUMBER: int
    CATALOG_RESOLUTION_FIELD_NUMBER: int
    CATALOG_NUMBER_FIELD_NUMBER: int
    RESIZE_MAX_FIELD_NUMBER: int
    RESIZE_MIN_FIELD_NUMBER: int
    RECO_MAX_FIELD_NUMBER: int
    RECO_MIN_FIELD_NUMBER: int
    TRAIN_MAX_FIELD_NUMBER: int
    TRAIN_MIN_FIELD_NUMBER: int
    GENLIST_FILE_FIELD_NUMBER: int
    GEN_RATE_FIELD_NUMBER: int
    BLUR_MAX_FIELD_NUMBER: int
    NOISE_MAX_FIELD_NUMBER: int
    GAMMA_MAX_FIELD_NUMBER: int
    K_MAX_FIELD_NUMBER: int
    Y0_MAX_FIELD_NUMBER: int
    SHRINK_MAX_FIELD_NUMBER: int
    SLIP_MAX_FIELD_NUMBER: int
    GEN_SCALE_FIELD_NUMBER: int
    USE_MASK_FIELD_NUMBER: int
    shrink_prob_factor: float
    unrecognize_factor: float
    crop_num: int
    random_crop_ratio: float
    resize: float
    scale: float
    cropped_height: int
    cropped_width: int
    tiling_width: int
    tiling_height: int
    label_resolution: int
    catalog_resolution: int
    catalog_number: int
    resize_max: float
    resize_min: float
    reco_max: float
    reco_min: float
    train_max: float
    train_min: float
    genlist_file: str
    gen_rate: float
    blur_max: float
    noise_max: float
    gamma_max: float
    k_max: float
    y0_max: float
    shrink_max: float
    slip_max: float
    gen_scale: float
    use_mask: bool
    def __init__(
        self,
        *,
        shrink_prob_factor: float | None = ...,
        unrecognize_factor: float | None = ...,
        crop_num: int | None = ...,
        random_crop_ratio: float | None = ...,
        resize: float | None = ...,
        scale: float | None = ...,
        cropped_height: int | None = ...,
        cropped_width: int | None = ...,
        tiling_width: int | None = ...,
        tiling_height: int | None = ...,
        label_resolution: int | None = ...,
        catalog_resolution: int | None = ...,
        catalog_number: int | None = ...,
        resize_max: float | None = ...,
        resize_min: float | None = ...,
        reco_max: float | None = ...,
        reco_min: float | None = ...,
        train_max: float | None = ...,
        train_min: float | None = ...,
        genlist_file: str | None = ...,
        gen_rate: float | None = ...,
        blur_max: float | None = ...,
        noise_max: float | None = ...,
        gamma_max: float | None = ...,
        k_max: float | None = ...,
        y0_max: float | None = ...,
        shrink_max: float | None = ...,
        slip_max: float | None = ...,
        gen_scale: float | None = ...,
        use_mask: bool | None = ...,
    ) -> None: ...

class RescaleParameter(Message):
    RF_FIELD_NUMBER: int
    rf: float
    def __init__(
        self,
        *,
        rf: float | None = ...,
    ) -> None: ...

class CharbonnierLossParameter(Message):
    ALPHA_FIELD_NUMBER: int
    EPSILON_FIELD_NUMBER: int
    BETA_FIELD_NUMBER: int
    alpha: float
    epsilon: float
    beta: float
    def __init__(
        self,
        *,
        alpha: float | None = ...,
        epsilon: float | None = ...,
        beta: float | None = ...,
    ) -> None: ...

class WindowClsDataParameter(Message):
    LABEL_DIM_FIELD_NUMBER: int
    label_dim: int
    def __init__(
        self,
        *,
        label_dim: int | None = ...,
    ) -> None: ...

class SelectSegBinaryParameter(Message):
    CLS_LABEL_BASE_FIELD_NUMBER: int
    cls_label_base: int
    def __init__(
        self,
        *,
        cls_label_base: int | None = ...,
    ) -> None: ...

class NearestColoursParameter(Message):
    NEIGHBOURS_FIELD_NUMBER: int
    COLOURS_FIELD_NUMBER: int
    neighbours: int
    colours: str
    def __init__(
        self,
        *,
        neighbours: int | None = ...,
        colours: str | None = ...,
    ) -> None: ...

class RandVecParameter(Message):
    BATCH_SIZE_FIELD_NUMBER: int
    DIM_FIELD_NUMBER: int
    LOWER_FIELD_NUMBER: int
    UPPER_FIELD_NUMBER: int
    HEIGHT_FIELD_NUMBER: int
    WIDTH_FIELD_NUMBER: int
    batch_size: int
    dim: int
    lower: float
    upper: float
    height: int
    width: int
    def __init__(
        self,
        *,
        batch_size: int | None = ...,
        dim: int | None = ...,
        lower: float | None = ...,
        upper: float | None = ...,
        height: int | None = ...,
        width: int | None = ...,
    ) -> None: ...

class DenseCRFLabelParameter(Message):
    X_GAUSS_FIELD_NUMBER: int
    Y_GAUSS_FIELD_NUMBER: int
    WT_GAUSS_FIELD_NUMBER: int
    X_BILATERAL_FIELD_NUMBER: int
    Y_BILATERAL_FIELD_NUMBER: int
    R_BILATERAL_FIELD_NUMBER: int
    G_BILATERAL_FIELD_NUMBER: int
    B_BILATERAL_FIELD_NUMBER: int
    WT_BILATERAL_FIELD_NUMBER: int
    x_gauss: float
    y_gauss: float
    wt_gauss: float
    x_bilateral: float
    y_bilateral: float
    r_bilateral: float
    g_bilateral: float
    b_bilateral: float
    wt_bilateral: float
    def __init__(
        self,
        *,
        x_gauss: float | None = ...,
        y_gauss: float | None = ...,
        wt_gauss: float | None = ...,
        x_bilateral: float | None = ...,
        y_bilateral: float | None = ...,
        r_bilateral: float | None = ...,
        g_bilateral: float | None = ...,
        b_bilateral: float | None = ...,
        wt_bilateral: float | None = ...,
    ) -> None: ...

class RandCompParameter(Message):
    COMPRESSION_RATE_FIELD_NUMBER: int
    PAD_FIELD_NUMBER: int
    compression_rate: RepeatedScalarFieldContainer[int]
    pad: bool
    def __init__(
        self,
        *,
        compression_rate: Iterable[int] | None = ...,
        pad: bool | None = ...,
    ) -> None: ...

class CoeffScheduleParameter(Message):
    HALF_LIFE_FIELD_NUMBER: int
    INITIAL_COEFF_FIELD_NUMBER: int
    FINAL_COEFF_FIELD_NUMBER: int
    half_life: float
    initial_coeff: float
    final_coeff: float
    def __init__(
        self,
        *,
        half_life: float | None = ...,
        initial_coeff: float | None = ...,
        final_coeff: float | None = ...,
    ) -> None: ...
