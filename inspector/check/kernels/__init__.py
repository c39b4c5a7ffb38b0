"""Double-precision operators in numpy, one table.

An operator is here for one of five reasons: `onnx.reference` walks it element by element in Python (Conv,
pools, scatters), computes it in single precision (Erf, GroupNormalization), departs from the standard
(GatherElements of many classes, Pad that crops, GlobalMaxPool of other than two axes, LRN's window,
LpNormalization of negative numbers, Softmax and BatchNormalization of old opsets), has it no more (Upsample), or
would need all of a weight as doubles (MatMul, Gemm).
"""

from __future__ import annotations

from onnx.reference.op_run import OpRun

from inspector.check.kernels import (
    contributed,
    control_flow,
    convolution,
    deformable,
    elementwise,
    indexing,
    machine_learning,
    normalisation,
    padding,
    pooling,
    products,
    quantisation,
    recurrence,
    recurrent,
    regions,
    resizing,
    sampling,
    sequences,
    unfolding,
)
from inspector.check.kernels.call import Kernel, operator

__all__ = ["KERNELS", "OPERATORS"]

KERNELS: dict[str, Kernel] = {
    "GRU": recurrent.gru,
    "LSTM": recurrent.lstm,
    "RNN": recurrent.rnn,
    "Conv": convolution.conv,
    "ConvTranspose": convolution.conv_transpose,
    "Gemm": products.gemm,
    "MatMul": products.matmul,
    "MaxPool": pooling.max_pool,
    "AveragePool": pooling.average_pool,
    "LpPool": pooling.lp_pool,
    "GlobalLpPool": pooling.global_lp_pool,
    "GlobalMaxPool": pooling.global_max_pool,
    "BatchNormalization": normalisation.batch_normalization,
    "GroupNormalization": normalisation.group_normalization,
    "LayerNormalization": normalisation.layer_normalization,
    "LRN": normalisation.lrn,
    "LpNormalization": normalisation.lp_normalization,
    "MeanVarianceNormalization": normalisation.mean_variance_normalization,
    "RMSNormalization": normalisation.rms_normalization,
    "Erf": elementwise.erf,
    "Gelu": elementwise.gelu,
    "Hardmax": elementwise.hardmax,
    "Identity": elementwise.identity,
    "LogSoftmax": elementwise.log_softmax,
    "Softmax": elementwise.softmax,
    "Pad": padding.pad,
    "DequantizeLinear": quantisation.dequantize_linear,
    "AffineGrid": sampling.affine_grid,
    "Col2Im": unfolding.col2im,
    "DeformConv": deformable.deform_conv,
    "GridSample": sampling.grid_sample,
    "MaxRoiPool": regions.max_roi_pool,
    "MaxUnpool": unfolding.max_unpool,
    "RoiAlign": regions.roi_align,
    "Resize": resizing.resize,
    "Upsample": resizing.upsample,
    "GatherElements": indexing.gather_elements,
    "GatherND": indexing.gather_nd,
    "OneHot": indexing.one_hot,
    "Scatter": indexing.scatter_elements,
    "ScatterElements": indexing.scatter_elements,
    "ScatterND": indexing.scatter_nd,
}

OPERATORS: tuple[type[OpRun], ...] = (
    *(operator(name, kernel) for name, kernel in KERNELS.items()),
    control_flow.Loop,
    control_flow.Scan,
    sequences.SequenceMap,
    *(operator(name, kernel) for name, kernel in sequences.KERNELS.items()),
    *(operator(name, kernel) for name, kernel in recurrence.KERNELS.items()),
    *(operator(name, kernel, "com.microsoft") for name, kernel in contributed.KERNELS.items()),
    *(operator(name, kernel, "ai.onnx.ml") for name, kernel in machine_learning.KERNELS.items()),
)
