"""The rules, in the order in which they are tried. Each stands for one equation, stated at its definition."""

from __future__ import annotations

from onnxscript.rewriter import pattern

from converters.graph.rules.activations import (
    GeluFromErf,
    HardSigmoidAsRelu6,
    HardSwishFromClip,
    HardSwishFromHardSigmoid,
)
from converters.graph.rules.affine import (
    AffineIntoConvolution,
    BatchNormIntoConvolution,
    GateScaleIntoNextConvolutions,
    OffsetIntoNextConvolution,
    ScaleAfterOffset,
    ScaleIntoNextConvolutions,
)
from converters.graph.rules.pyramid import PyramidConvolution
from converters.graph.rules.recurrence import RecurrenceOnFourAxes, SequenceTransposesJoined
from converters.graph.rules.sequence import LinearAsConvolution, SqueezeAfter, SqueezeUndone, TransposeUndone
from converters.graph.rules.squeeze_excite import GatedActivationChannelsLast, PoolAsMean, ResidualIntoGate
from converters.graph.rules.upsampling import (
    ActivationBeforeDepthToSpace,
    ConvolutionBeforeDepthToSpace,
    NearestAsDepthToSpace,
    TransposedAsDepthToSpace,
)

RULES: tuple[pattern.RewriteRule, ...] = (
    # What a convolution can take up, so that later rules see bare convolutions.
    *(BatchNormIntoConvolution.rule(convolution) for convolution in ("Conv", "ConvTranspose")),
    *(
        AffineIntoConvolution.rule(operator, convolution)
        for operator in ("Mul", "Div", "Add", "Sub")
        for convolution in ("Conv", "ConvTranspose")
    ),
    # Activations. A HardSigmoid that is part of a HardSwish, a factor that is part of a GELU must be seen as
    # that first.
    GeluFromErf.rule(),
    *(HardSwishFromClip.rule(operator, divides_clip=first) for operator in ("Div", "Mul") for first in (False, True)),
    HardSwishFromHardSigmoid.rule(),
    PoolAsMean.rule(),
    ResidualIntoGate.rule(),
    HardSigmoidAsRelu6.rule(),
    # The factors and offsets that are left.
    ScaleAfterOffset.rule(),
    ScaleIntoNextConvolutions.rule(),
    GateScaleIntoNextConvolutions.rule(),
    OffsetIntoNextConvolution.rule(),
    # Layout. The pyramid's rule knows upsampling by its Resize, so it comes before the rule that removes
    # that.
    TransposeUndone.rule(),
    SqueezeUndone.rule(),
    RecurrenceOnFourAxes.rule(),
    SequenceTransposesJoined.rule(),
    *(SqueezeAfter.rule(operator) for operator in ("BatchNormalization", "HardSwish", "Relu")),
    *(LinearAsConvolution.rule(biased=biased) for biased in (True, False)),
    PyramidConvolution.rule(),
    NearestAsDepthToSpace.rule(),
    TransposedAsDepthToSpace.rule(),
    *(GatedActivationChannelsLast.rule(activation) for activation in ("Relu", "HardSwish")),
    *(ActivationBeforeDepthToSpace.rule(activation) for activation in ("Relu", "Sigmoid")),
    ConvolutionBeforeDepthToSpace.rule(),
)
