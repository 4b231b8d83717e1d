"""Exercises and quiz of notebook 03, feature extraction, with their typical mistakes."""

from __future__ import annotations

from functools import partial

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from . import answers as a
from . import exercise_network as hooks
from .exercise_choice import CHOOSE, PREPROCESS
from .exercise_patches import JOIN, WHITEN
from .quiz import QUESTIONS
from .receptive_field import receptive_field

_LAST_STRIDE = (
    "Your stride belongs to one layer only. Two layers with stride 2 leave more than 2 px between neighbours. How do "
    "the strides of all layers combine?"
)
RECEPTIVE_FIELD = Exercise(
    id="03.1",
    task="The receptive field and the stride of a chain of layers, in pixels of the input.",
    reference=receptive_field,
    cases=a.chains,
    agree=a.equal_and_whole,
    mistakes=(
        Mistake(
            "stride forgotten",
            "Each layer widens the field as if its kernel covered adjacent pixels. After a layer with stride 2, "
            "neighbouring positions are 2 px apart. How many pixels does the next kernel reach then?",
            a.stride_forgotten,
        ),
        Mistake(
            "stride too soon",
            "A layer's own stride already widens its own kernel here. A kernel slides over the layer's input. Which "
            "strides determine the spacing of that input?",
            a.stride_too_soon,
        ),
        Mistake(
            "kernels multiplied",
            "The kernel sides are multiplied. Two 3 x 3 kernels in a row cover 5 px, not 9, because they overlap. How "
            "many new pixels does a kernel add on each side?",
            a.kernels_multiplied,
        ),
        Mistake(
            "whole kernel added",
            "Each layer adds one position too many: a kernel of side 1 adds nothing. How many positions does a kernel "
            "of side k add to its central position?",
            a.whole_kernel_added,
        ),
        Mistake(
            "strides added",
            "The strides are added. Two layers with stride 2 keep every fourth pixel. Is 4 the sum or the product? Try "
            "three such layers.",
            a.strides_added,
        ),
        Mistake(
            "order of results",
            "Both numbers are right, but in the wrong order: the side comes first, then the stride.",
            a.swapped,
        ),
        Mistake("last stride only", _LAST_STRIDE, a.last_stride),
        Mistake("last stride only", _LAST_STRIDE, a.stride_replaced),
        Mistake(
            "rule and direction",
            "Your rule belongs to the other direction. From the first layer to the last, `(kernel - 1)` is multiplied "
            "by the stride so far. From the last layer to the first, the rule is `side = (side - 1) * stride + "
            "kernel`. Change the rule or the direction, not both.",
            a.rule_against_direction,
        ),
        Mistake(
            "own stride only",
            "Each kernel is multiplied by the stride of its own layer only. The distance between two neighbours "
            "depends on all previous layers together.",
            a.own_stride_only,
        ),
        Mistake(
            "not whole",
            "The values are right, but they are floats. Pixels are counted, so return two `int`: use `//`, not `/`.",
            a.as_floats,
        ),
    ),
    hints=(
        "Begin with one pixel: side 1, stride 1. For each layer, answer two questions. How many pixels does it add? "
        "How far apart are neighbours after it?",
        "A kernel of side k reaches k - 1 positions further than a single position. Each position is worth as many "
        "pixels as the product of all previous strides.",
        "Keep two running numbers and update both per layer. First update the side with the stride so far. Then "
        "multiply the stride by the layer's own stride.",
    ),
    praise="You can now compute which part of a tile any chain of layers can see.",
)

_MODE = (
    "Your function leaves the network in `eval` mode. One of the test networks was in training mode, and its training "
    "would continue in the wrong mode. The mode is the caller's decision."
)
_PARTS = (
    "`train(was)` sets all modules to one mode. One of the test networks is in training mode with a frozen stem in "
    "`eval` mode, and the stem is now in training mode. The mode is the caller's decision: do not change it at all."
)
_OTHER_MODE = (
    "Your function runs the network in `eval` mode although the caller had it in training mode. Batch normalisation "
    "then returns other values than in the caller's network. Run the network in the mode that it has."
)
_LIST = "Your function returns a list that contains the tensor. Return its first element."
LAYER_OUTPUT = Exercise(
    id="03.2",
    task="The output of a layer of a network, taken by a forward hook that is removed afterwards.",
    reference=hooks.layer_output,
    cases=hooks.networks,
    observe=hooks.compared_value,
    returns="a tensor",
    mistakes=(
        Mistake(
            "hook not removed",
            "Your hook is still in the network after the call. It will run in every later call and keep its memory. "
            "`register_forward_hook` returns a handle: which method of the handle removes the hook?",
            hooks.hook_left,
        ),
        Mistake("mode changed", _MODE, hooks.set_to_eval),
        Mistake("mode changed", _MODE, partial(hooks.set_to_eval, copied=False)),
        Mistake("modes of parts lost", _PARTS, hooks.mode_put_back),
        Mistake("modes of parts lost", _PARTS, partial(hooks.mode_put_back, copied=False)),
        Mistake("run in another mode", _OTHER_MODE, hooks.modes_put_back),
        Mistake("run in another mode", _OTHER_MODE, partial(hooks.modes_put_back, copied=False)),
        Mistake(
            "network disturbed",
            "Your hook changes the input of the next layer, so the network's own output changes. A value that a hook "
            "returns replaces the layer's output. Return nothing from the hook, and do not write into the output.",
            hooks.output_replaced,
        ),
        Mistake(
            "input for output",
            "This is the input of the layer. A hook receives the module, its inputs and its output: take the third.",
            partial(hooks.layer_output, before=True),
        ),
        Mistake(
            "changed in place",
            "The values are close, but negative values have become 0: the next layer wrote its result over the tensor "
            "that you kept. How can your values be protected from later layers?",
            partial(hooks.layer_output, copied=False),
        ),
        Mistake("list returned", _LIST, hooks.list_returned),
        Mistake("list returned", _LIST, partial(hooks.list_returned, copied=False)),
        Mistake(
            "whole network",
            "This is the output of the whole network. The hook function must store the output of its layer. Return the "
            "stored output.",
            lambda network, layer, images: network(images).detach(),
        ),
    ),
    hints=(
        "Make an empty list, and a small function of (module, inputs, output) that appends to it. This function is the "
        "hook.",
        "`network.get_submodule(layer)` returns the layer, and its method `.register_forward_hook(function)` returns a "
        "handle. Then run the network on the images.",
        "There are four steps: register the hook, call `network(images)`, call `handle.remove()`, return the stored "
        "output. Let the hook store a copy, made by `.clone()`.",
    ),
    praise="You can read the output of any layer and leave the network unchanged.",
)

_REPEATED = (
    "The inside is right, but along the border some positions count twice: the edge was repeated or mirrored. Average "
    "only over positions that exist, each once."
)
NEIGHBOURHOOD = Exercise(
    id="03.3",
    task="The mean over each position's neighbourhood, at a border over the positions that exist.",
    reference=a.neighbourhoods,
    cases=a.feature_maps,
    mistakes=(
        Mistake(
            "zeros counted in",
            "The inside is right, but the border is too close to zero: zeros beyond the edge are counted as if they "
            "were measured. Divide by the number of positions that exist, 4 of 9 in a corner.",
            partial(a.padded, mode="constant"),
        ),
        Mistake("border repeated", _REPEATED, partial(a.padded, mode="edge")),
        Mistake(
            "border mirrored",
            "The inside is right, but along the border some positions count twice: the map was mirrored beyond its "
            "edge. Average only over positions that exist, each once.",
            partial(a.padded, mode="reflect"),
        ),
        Mistake(
            "border repeated",
            _REPEATED,
            partial(a.padded, mode="symmetric"),  # SciPy's "reflect": the same as "edge" for a side of 3
        ),
        Mistake(
            "start below zero",
            "The inside is right, but the upper and the left border are `nan`. A slice that begins below 0 counts from "
            "the end, so it is empty here. What is the lowest index at which a window can begin?",
            a.below_zero,
        ),
        Mistake(
            "window ends too early",
            "Each window misses its last row and its last column. A Python slice excludes its end: `map[:, 0:2]` has "
            "the rows 0 and 1.",
            partial(a.window_cut, stop=1),
        ),
        Mistake(
            "window begins too late",
            "Each window misses its first row and its first column. A window of side 3 around row 5 begins at row 4.",
            partial(a.window_cut, start=1),
        ),
        Mistake(
            "valid only",
            "The border is missing: only whole windows were used. Each position needs a patch, or the anomaly map no "
            "longer fits the tile. Which part of a window exists at the edge?",
            a.valid_only,
        ),
        Mistake(
            "maximum",
            "This is the largest value of each neighbourhood. The task asks for the mean.",
            partial(a.neighbourhoods, statistic=np.max),
        ),
        Mistake(
            "sum",
            "This is the sum over each neighbourhood. Divide by its number of positions.",
            partial(a.neighbourhoods, statistic=np.sum),
        ),
        Mistake(
            "side ignored",
            "The result is right for a side of 3 and wrong for 5. Does your function contain a fixed 3, or a fixed 1 "
            "for the reach?",
            lambda feature_map, side: a.neighbourhoods(feature_map, 3),
        ),
        Mistake(
            "channels mixed",
            "All channels have become equal, because the mean includes the channels. Average each channel separately: "
            "over axes 1 and 2 only.",
            a.over_channels,
        ),
        Mistake(
            "channels blurred",
            "Neighbouring channels are averaged too. A filter with a single size acts on all axes. The size along the "
            "channels must be 1.",
            a.channels_blurred,
        ),
    ),
    hints=(
        "Two loops, over rows and columns, are fine. Which rows belong to the window around row `r` if no index can be "
        "below 0?",
        "NumPy cuts a slice that ends beyond the array. A slice that begins below 0 counts from the end instead. "
        "`max(0, r - reach)` avoids that.",
        "The mean of `feature_map[:, top:bottom, left:right]` over axes 1 and 2 has one number per channel. In torch, "
        "`avg_pool2d` does the whole task. One of its options controls the count at the border.",
    ),
    praise="Each patch now describes its neighbourhood, and no zeros beyond the border enter the mean.",
)

__all__ = ["EXERCISES", "QUESTIONS"]
EXERCISES = (RECEPTIVE_FIELD, PREPROCESS, LAYER_OUTPUT, NEIGHBOURHOOD, JOIN, WHITEN, CHOOSE)  # as in the notebook
