"""Exercises and quiz of notebook 03, feature extraction, with their typical mistakes."""

from __future__ import annotations

from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from . import answers as a
from . import exercise_network as hooks
from .exercise_patches import JOIN, WHITEN
from .quiz import QUESTIONS
from .receptive_field import receptive_field

_LAST_STRIDE = (
    "The stride that you keep is that of one layer only. If two layers step by 2 each, neighbours at the end are "
    "farther apart than 2 px: how do the strides of all layers work together?"
)
RECEPTIVE_FIELD = Exercise(
    id="03.1",
    task="The receptive field and the stride of a chain of layers, in pixels of the input.",
    reference=receptive_field,
    cases=a.chains,
    mistakes=(
        Mistake(
            "stride forgotten",
            "Each layer widens the field by its kernel as if it stood on the pixels themselves. But once a layer has "
            "stepped by 2, neighbours in its output are 2 px apart: how far in pixels does the next kernel reach then?",
            a.stride_forgotten,
        ),
        Mistake(
            "stride too soon",
            "A layer's own stride already widens its own kernel here. Its kernel slides over what comes in: which "
            "layers' strides count for that?",
            a.stride_too_soon,
        ),
        Mistake(
            "kernels multiplied",
            "The kernels are multiplied with each other. Two 3 x 3 kernels in a row see 5 px, not 9, as they overlap: "
            "how many new pixels does a kernel bring at each side?",
            a.kernels_multiplied,
        ),
        Mistake(
            "whole kernel added",
            "One too many at each layer: a kernel of side 1 sees nothing that wasn't seen before. How many positions "
            "does a kernel of side k add to the one that it stands on?",
            a.whole_kernel_added,
        ),
        Mistake(
            "strides added",
            "You add up the strides. Two layers of stride 2 in a row keep every fourth pixel. Is that 2 + 2 or 2 times "
            "2? And what would it be with three such layers?",
            a.strides_added,
        ),
        Mistake(
            "order of results",
            "Both numbers are right, but in the wrong order: the side first, then the stride.",
            a.swapped,
        ),
        Mistake("last stride only", _LAST_STRIDE, a.last_stride),
        Mistake("last stride only", _LAST_STRIDE, a.stride_replaced),
        Mistake(
            "backwards rule forwards",
            "`(side - 1) * stride + kernel` is a right rule, but it runs from the last layer to the first. Go through "
            "the chain backwards with it, or find the rule that runs forwards.",
            a.backward_rule_forwards,
        ),
        Mistake(
            "own stride only",
            "Each kernel is widened by its own layer's stride alone. How far apart two neighbours lie depends on "
            "all the layers before it, together.",
            a.own_stride_only,
        ),
    ),
    hints=(
        "Begin with one pixel: side 1, stride 1. Go through the layers in order and ask of each: how many pixels more, "
        "and how far apart are neighbours now?",
        "A kernel of side k reaches (k - 1) positions farther than one position. A position is worth as many pixels as "
        "the stride that has built up before this layer.",
        "Two running numbers, two updates per layer: first the side (with the stride so far), then the stride, "
        "which is multiplied by the layer's own.",
    ),
    praise="You can now say of any chain of layers how much of the tile one patch has seen.",
)

_MODE = (
    "You put the network into `eval` mode, and leave it so. One of the networks it is tried on was training: whoever "
    "trains it goes on in the wrong mode. Leave the mode to the caller."
)
LAYER_OUTPUT = Exercise(
    id="03.2",
    task="The output of a layer of a network, taken by a forward hook that is removed afterwards.",
    reference=hooks.layer_output,
    cases=hooks.networks,
    observe=hooks.compared_value,
    mistakes=(
        Mistake(
            "hook not removed",
            "Your hook is still in the network when the function has ended. It will run with every later call, and "
            "keep its memory: what did `register_forward_hook` give you, and what can that do?",
            hooks.hook_left,
        ),
        Mistake("mode changed", _MODE, hooks.set_to_eval),
        Mistake("mode changed", _MODE, partial(hooks.set_to_eval, copied=False)),
        Mistake(
            "network disturbed",
            "Your hook changes what goes on to the next layer, so that the network now ends with another output. What "
            "a hook returns takes the place of the layer's output: let it return nothing, and change nothing.",
            hooks.output_replaced,
        ),
        Mistake(
            "input for output",
            "This is what went into the layer. A hook gets three things, the module, its inputs and its output: take "
            "the third.",
            partial(hooks.layer_output, before=True),
        ),
        Mistake(
            "changed in place",
            "The numbers are near, but negative ones have become 0: the next layer has written its result over the "
            "array that you kept. What would protect your values from what comes after?",
            partial(hooks.layer_output, copied=False),
        ),
        Mistake(
            "whole network",
            "This is what the whole network gives at its end. The hook's function has to put the output of its layer "
            "somewhere; return that.",
            lambda network, layer, images: network(images).detach(),
        ),
    ),
    hints=(
        "Make an empty list, and a small function of (module, inputs, output) that appends to it. That function is the "
        "hook.",
        "`network.get_submodule(layer)` finds the layer, `.register_forward_hook(function)` hangs the hook in and "
        "returns a handle. Then run the network on the images.",
        "Four steps: register, `network(images)`, `handle.remove()`, return what the hook has kept. Let the hook "
        "keep a copy, made by `.clone()`.",
    ),
    praise="You can read off what any layer says, and leave the network as you found it.",
)

_REPEATED = (
    "Right inside, but along the border some positions count twice: the edge was repeated or mirrored beyond itself. "
    "Take the mean over positions that exist, each once."
)
NEIGHBOURHOOD = Exercise(
    id="03.3",
    task="The mean over each position's neighbourhood, at a border over the positions that exist.",
    reference=a.neighbourhoods,
    cases=a.feature_maps,
    mistakes=(
        Mistake(
            "zeros counted in",
            "Right inside, too near zero along the border: zeros from beyond the edge are counted as if they were "
            "measured. Divide by how many positions there really are (a corner has only 4 of 9).",
            partial(a.padded, mode="constant"),
        ),
        Mistake(
            "border repeated",
            _REPEATED,
            partial(a.padded, mode="edge"),
        ),
        Mistake(
            "border mirrored",
            "Right inside, but along the border some positions count twice: the map was mirrored beyond its edge. Take "
            "the mean over positions that exist, each once.",
            partial(a.padded, mode="reflect"),
        ),
        Mistake(
            "border repeated",
            _REPEATED,
            partial(a.padded, mode="symmetric"),  # SciPy's "reflect": the same as "edge" for a side of 3
        ),
        Mistake(
            "start below zero",
            "Right inside, but along the upper and left border there is `nan`: a slice that begins below 0 counts from "
            "the end, and then holds nothing. Where may a window begin at the earliest?",
            a.below_zero,
        ),
        Mistake(
            "valid only",
            "The border is gone: only whole windows were used. Every position needs its patch, or the map of distances "
            "no longer fits the tile. What is left of a window at the edge?",
            a.valid_only,
        ),
        Mistake(
            "maximum",
            "That is the largest value of each neighbourhood. Asked for is the mean.",
            partial(a.neighbourhoods, statistic=np.max),
        ),
        Mistake(
            "sum",
            "That is the sum over each neighbourhood, without dividing by how many positions it has.",
            partial(a.neighbourhoods, statistic=np.sum),
        ),
        Mistake(
            "side ignored",
            "Right for a side of 3, wrong for 5: is a 3, or a 1 to each side, written out somewhere in your function?",
            lambda feature_map, side: a.neighbourhoods(feature_map, 3),
        ),
        Mistake(
            "channels mixed",
            "All channels came out the same: the mean went over the channels too. Each channel says something of its "
            "own and is averaged for itself.",
            a.over_channels,
        ),
    ),
    hints=(
        "Two loops, over rows and columns, are fine. Which rows belong to the window around row `r`, if none may be "
        "below 0?",
        "A slice that ends beyond the array is cut by NumPy itself; one that begins below 0 is not, it counts from the "
        "end. `max(0, r - reach)` mends that.",
        "The mean of `feature_map[:, top:bottom, left:right]` over axes 1 and 2 has one number for each channel. (In "
        "torch one call does it all: `avg_pool2d`, and one of its options is about what counts at the border.)",
    ),
    praise="Each patch now knows its surroundings, and the border isn't mistaken for dark fabric.",
)

__all__ = ["EXERCISES", "QUESTIONS"]
EXERCISES = (RECEPTIVE_FIELD, LAYER_OUTPUT, NEIGHBOURHOOD, JOIN, WHITEN)
