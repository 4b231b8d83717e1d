"""Notebook 03, feature extraction: its exercises, their typical mistakes, and its quiz."""

from __future__ import annotations

from functools import partial

import numpy as np

from ..receptive import receptive_field
from . import nb03_answers as a
from .judge import Exercise, Mistake
from .nb03_patches import JOIN, WHITEN
from .quiz import Question

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
            "The strides are added up. Every second one of every second position: how far apart are these in pixels?",
            a.strides_added,
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

LAYER_OUTPUT = Exercise(
    id="03.2",
    task="The output of a layer of a network, taken by a forward hook that is removed afterwards.",
    reference=a.layer_output,
    cases=a.networks,
    observe=a.left_clean,
    mistakes=(
        Mistake(
            "hook not removed",
            "Your hook is still in the network when the function has ended. It will run with every later call, and "
            "keep its memory: what did `register_forward_hook` give you, and what can that do?",
            a.hook_left,
        ),
        Mistake(
            "input for output",
            "This is what went into the layer. A hook gets three things, the module, its inputs and its output: take "
            "the third.",
            partial(a.layer_output, before=True),
        ),
        Mistake(
            "changed in place",
            "The numbers are near, but negative ones have become 0: the next layer has written its result over the "
            "array that you kept. What would protect your values from what comes after?",
            partial(a.layer_output, copied=False),
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

NEIGHBOURHOOD = Exercise(
    id="03.3",
    task="The mean over each position's neighbourhood, at a border over the positions that exist.",
    reference=a.windows,
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
            "Right inside, but along the border some positions count twice: the edge was repeated or mirrored beyond "
            "itself. Take the mean over positions that exist, each once.",
            partial(a.padded, mode="edge"),
        ),
        Mistake(
            "border mirrored",
            "Right inside, but along the border some positions count twice: the map was mirrored beyond its edge. Take "
            "the mean over positions that exist, each once.",
            partial(a.padded, mode="reflect"),
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
            partial(a.windows, of=np.max),
        ),
        Mistake(
            "sum",
            "That is the sum over each neighbourhood, without dividing by how many positions it has.",
            partial(a.windows, of=np.sum),
        ),
        Mistake(
            "side ignored",
            "Right for a side of 3, wrong for 5: is a 3, or a 1 to each side, written out somewhere in your function?",
            lambda feature_map, side: a.windows(feature_map, 3),
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

EXERCISES = (RECEPTIVE_FIELD, LAYER_OUTPUT, NEIGHBOURHOOD, JOIN, WHITEN)

QUESTIONS = (
    Question(
        "03.q1",
        "blocks.2 has stride 8 and a receptive field of 67 px. What do two neighbouring patches of it share?",
        {
            "a": (
                "No pixel: a tile of 256 px is cut into 32 x 32 separate fields of 8 px",
                "That would be so if the field were as large as the stride. It is far larger.",
            ),
            "b": (
                "Most of what they see, and so they resemble each other",
                "Yes: 59 of 67 columns. That is why maps of "
                "distances are smooth, and why a bank may leave most patches out.",
            ),
            "c": ("All of what they see", "Not all: each step moves the field by the stride."),
            "d": (
                "Nothing can be said without the tile",
                "Fields follow from kernels and strides alone, whatever the tile shows.",
            ),
        },
        "b",
    ),
    Question(
        "03.q2",
        "A tile's patches come out clearly different when other tiles are in the same batch. What is likely?",
        {
            "a": ("A hook was left in the network", "A hook that only looks on changes no number; it costs memory."),
            "b": ("Rounding", "Rounding changes the last digits, not more."),
            "c": (
                "The network is in training mode",
                "Yes. Batch normalisation then uses the mean of the batch at hand, "
                "so that each tile sees all others. `network.eval()` ends it.",
            ),
            "d": ("The tiles overlap", "Each tile goes through the network for itself, wherever it was cut."),
        },
        "c",
    ),
    Question(
        "03.q3",
        "Why is the late layer brought to the early layer's grid, and not the other way round?",
        {
            "a": (
                "So that small defects keep a position of their own",
                "Yes. The coarse grid would average four positions of the early layer into one.",
            ),
            "b": ("So that there are fewer patches", "There are four times as many this way."),
            "c": (
                "So that the late layer gains detail",
                "Resizing adds none: between two values it only draws a line.",
            ),
            "d": ("Because torch can't shrink", "It can; that is not the reason."),
        },
        "a",
    ),
    Question(
        "03.q4",
        "You colour the patches of two tiles by PCA, and fit a PCA for each. What can't you say then?",
        {
            "a": ("Where within one tile patches resemble each other", "That can still be seen within each picture."),
            "b": (
                "That the same colour in both means the same kind of patch",
                "Yes, that can't be said. Each PCA has "
                "its own axes; one fitted on both gives colours that mean the same in both.",
            ),
            "c": ("How many channels a patch has", "That doesn't depend on the colouring."),
            "d": ("Which layers were used", "That doesn't depend on the colouring."),
        },
        "b",
    ),
    Question(
        "03.q5",
        "From which patches may whitening be learnt?",
        {
            "a": ("From those of the tiles to be judged", "Then a defect helps to decide what counts as usual."),
            "b": ("From all patches at hand", "The tested ones would have a say in how they are measured: a leak."),
            "c": ("From those with a defect", "Whitening is to describe the usual; and a detector has no defects."),
            "d": (
                "From those of the normal tiles that the detector is fitted on",
                "Yes, as everything else that is learnt.",
            ),
        },
        "d",
    ),
)
