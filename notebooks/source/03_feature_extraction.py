# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 03 Feature extraction
#
# At the end of this notebook you will have built PatchCore's patches yourself, out of a network that never saw fabric,
# and you will choose its layers by measurement instead of by habit.
#
# **You will be able to**
# 1. compute how much of a tile one patch can see, and show how much it really uses;
# 2. read off the output of any layer with a hook, and leave no trace;
# 3. pool, resize and join two layers, and name the shape at every step;
# 4. whiten patches, and say what that changes;
# 5. compare layers and sizes honestly, with their cost in time and memory.
#
# **You need to know** what a convolution and its stride are, and the words *tile* and *patch* from notebook 00.
#
# **Time**: about 90 minutes for you with the exercises, and {{cost}} for the computer.

# %% [markdown]
# ## 1. How far does one position see?
#
# A tile has 256 x 256 px. The network turns it into ever coarser *feature maps*: stacks of channels, each a small
# picture of where something was found. PatchCore reads the vector of all channels at one position, and calls it a patch.
#
# What does such a vector know of the tile? Only what the layers below could see: its **receptive field**. Two numbers
# describe it, the side of the field in pixels, and the **stride**, how many pixels lie between two neighbours' fields.

# %%
import numpy as np

from aitex_utils import PatchFeatures, list_strips, split_strips, tile_fabric, tile_labels
from aitex_utils.lessons import calibration, check, hint, predict, quiz, reveal
from aitex_utils.lessons.data import lesson_strips, profile
from aitex_utils.lessons.figures import plot_intervals, plot_panels, plot_settings
from aitex_utils.lessons.nb03.figures import plot_spectrum, plot_squares
from aitex_utils.lessons.wording import percent
from aitex_utils.plots import show
from aitex_utils.tiling import crop_tiles

root = lesson_strips()
strips = [s for s in list_strips(root) if s.is_normal or s.masks]

# %% [markdown]
# We take the fabric with the most defective strips, and of it the tile whose defect differs most in brightness from the rest
# of the tile, so that it can be seen. Beside it, normal tiles of two strips.


# %%
def tiles_and_masks(strip):
    """Return the tiles of a strip's fabric, (N, 256, 256), and the same crops of its mask."""
    tiles, corners = tile_fabric(strip.read())
    return tiles, crop_tiles(strip.read_mask(), corners)


normal = [s for s in strips if s.is_normal]
defective = [s for s in strips if not s.is_normal]
names = {s.fabric for s in normal} & {s.fabric for s in defective}
ranked = sorted(names, key=lambda name: (-sum(s.fabric == name for s in defective), name))[:3]
FABRIC, FABRICS = ranked[0], sorted(ranked)  # for the figures, and for the comparison of choices

# %%
pairs = [tiles_and_masks(s) for s in defective if s.fabric == FABRIC]
tiles, masks = (np.concatenate(part) for part in zip(*pairs, strict=True))
candidates = np.flatnonzero(masks.sum(axis=(1, 2)) >= 300)  # at least 300 marked pixels
contrast = [abs(tiles[i][masks[i]].mean() - tiles[i].mean()) / tiles[i].std() for i in candidates]
chosen = candidates[int(np.argmax(contrast))]
example, example_mask = tiles[chosen], masks[chosen]
first_strip, second_strip = [s for s in normal if s.fabric == FABRIC][:2]
normal_tiles, other_normal = tile_fabric(first_strip.read())[0], tile_fabric(second_strip.read())[0][0]

# %%
pictures, titles = [normal_tiles[0], other_normal, example], ["normal", "normal, another strip", "with a defect"]
caption = f"Three tiles of fabric {FABRIC}: two normal ones, and one with a defect,"
caption += f" which covers {example_mask.mean():.1%} of the tile."
show(*plot_panels(pictures, titles, caption, colours="gray", scale=(0, 255)))


# %% [markdown]
# ### Exercise 03.1: The receptive field of a chain
#
# *medium, 10 minutes*
#
# Layers come in a chain, each with a kernel side and a stride: `[(3, 2), (3, 1)]` is a 3 x 3 convolution that steps by
# 2, then another that steps by 1. Return `(side, stride)` in **pixels of the input**, both whole numbers.
#
# Begin with a pixel itself: side 1, stride 1. Draw the two layers on a line of pixels if it helps. One position of the
# second layer looks at three neighbours of the first, these are 2 px apart, and each sees 3 px. That makes 7 px in a
# row, and the stride is 2: `(7, 2)`.


# %% exercise="03.1"
from collections.abc import Sequence


def receptive_field(chain: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Return (side, stride) in input pixels behind a chain of (kernel, stride)."""
    side, stride = 1, 1
    for kernel, step in chain:
        side += (kernel - 1) * stride  # k - 1 positions more, each worth the stride so far
        stride *= step
    return side, stride


# %%
check("03.1", receptive_field)  # stuck? hint("03.1")

# %% [markdown]
# ### The layers of our network
#
# The default network is EfficientNet-Lite0 (the family: Tan and Le, 2019,
# [arXiv 1905.11946](https://arxiv.org/abs/1905.11946)). It was trained to name things in photographs. Its body is seven
# blocks, `blocks.0` to `blocks.6`. PatchCore reads `blocks.2` and `blocks.4`.
#
# The course's own `receptive_field` is in `aitex_utils.lessons.nb03.receptive_field`, with `layer_chain`, which walks through a network and
# collects kernel and stride of every convolution. Before you see the result: **how many pixels across is the field of
# `blocks.4`?** Give a range in which you are 80 % sure that it lies. (The tile has 256.)

# %%
predict("03.a", 200, 400, unit="px")

# %%
from aitex_utils.backbones import load_backbone
from aitex_utils.lessons.nb03.receptive_field import layer_chain
from aitex_utils.lessons.nb03.receptive_field import receptive_field as course_receptive_field

network = load_backbone("efficientnet_lite0").network.eval()  # eval: see section 2
BLOCKS = [f"blocks.{i}" for i in range(7)]
chains = {name: layer_chain(network, name) for name in BLOCKS}
fields = {name: course_receptive_field(chain) for name, chain in chains.items()}
print("layer       field   stride   positions of a tile")
for name, (side, stride) in fields.items():
    grid = 256 // stride
    print(f"{name}  {side:4} px  {stride:4} px   {grid} x {grid} = {grid**2:,}")
reveal("03.a", fields["blocks.4"][0], unit="px")


# %% [markdown]
# One patch of `blocks.4` *can* see the whole tile and beyond its edges, where there is nothing but padding. One of
# `blocks.2` sees about a fifteenth of the tile's area. And neighbours overlap widely: at stride 8, two neighbours of
# `blocks.2` share nearly everything they see.


# %%
LAYERS = ["blocks.1", "blocks.2", "blocks.3", "blocks.4"]
computed = {name: fields[name][0] for name in LAYERS}
show(*plot_squares(normal_tiles[0], computed, title="Receptive fields, computed"))

# %% [markdown]
# ## 2. Hooks: reading off a layer
#
# A network gives only its last output. For what the middle says, PyTorch lets us hang a *forward hook* into any module:
# a function that is called with `(module, inputs, output)` each time the module has run. It returns nothing and only
# looks on. `register_forward_hook` gives back a *handle*, by which the hook is taken out again.
#
# Networks want a batch `(B, 3, H, W)` of floats on the scale of their training. For ours that is `(grey - 127) / 128`,
# with the grey repeated as red, green and blue.

# %%
import torch


def preprocess(tiles):
    """Normalise tiles for EfficientNet-Lite0: (B, 256, 256) uint8 -> (B, 3, 256, 256) float32."""
    grey = torch.from_numpy((np.asarray(tiles, np.float32) - 127) / 128)
    return grey[:, None].repeat(1, 3, 1, 1)


images = preprocess([normal_tiles[0], example])
with torch.inference_mode():
    print("in: ", tuple(images.shape))
    print("out:", tuple(network(images).shape), "one number for each ImageNet class")

# %% [markdown]
# ### Exercise 03.2: Read off a layer
#
# *medium, 10 minutes*
#
# Return the output of one layer of a network. `layer` is its name, such as `"blocks.2"` or `"blocks.2.0.conv_dw"`;
# `network.get_submodule(name)` finds the module. The network must be left as you found it: **no hook stays behind**, its mode
# (training or `eval`) is the caller's business, and what it gives at its end is what it would give without you.
#
# What is returned must be what the layer said, whatever the rest of the network does afterwards.


# %% exercise="03.2"
import torch
from torch import nn


def layer_output(network: nn.Module, layer: str, images: torch.Tensor) -> torch.Tensor:
    """Return what a layer gives for images (B, C, H, W); leave no hook behind."""
    kept = []

    def keep(module, inputs, output):
        kept.append(output.clone())  # a copy: the next layer can overwrite the output

    handle = network.get_submodule(layer).register_forward_hook(keep)
    try:
        network(images)
    finally:
        handle.remove()  # also if the network raises an error
    return kept[0]


# %%
check("03.2", layer_output)  # stuck? hint("03.2")

# %% [markdown]
# Two traps lie here. Many networks save memory by working *in place*: the ReLU behind a layer writes over its output,
# and a hook that kept only a reference finds other numbers than the layer gave. And a network in *training mode* uses
# the mean of the batch in its normalisations, so that a tile's patches depend on the tiles beside it. `.eval()` ends that.
#
# ### What layers say
#
# From here on `PatchFeatures` does the hooking. With `pooling=1` it gives a layer's output as it is. Let us look at
# the shape (rows, columns, channels) and the three channels of some blocks that differ most between places of the defective tile.

# %%
channels, titles = [], []
for name in ("blocks.0", "blocks.2", "blocks.4", "blocks.6"):
    output = PatchFeatures(layers=(name,), pooling=1).transform(example[None])[0]
    print(name, output.shape)
    for channel in output.std(axis=(0, 1)).argsort()[::-1][:3]:
        channels.append(output[..., channel])
        titles.append(f"{name}, channel {channel}")
caption = "Three channels each of blocks 0, 2, 4 and 6 for the defective tile. Each has its"
caption += " own colour scale: compare shapes only."
show(*plot_panels(channels, titles, caption, columns=3))

# %% [markdown]
# (The frame along the edge in the later ones is no fabric. Section 5 comes back to it.)
#
# Early layers find edges and threads, at fine positions. Late ones find what helps to tell things in photographs
# apart, *semantics*, at coarse positions, and fabric means little to them. In between lies what PatchCore takes: textures
# and their parts, general enough for cloth, fine enough to say where.

# %% [markdown]
# ## 3. What it really sees
#
# The computed field is an upper bound: no pixel outside matters. Do all inside matter alike? Ask the network. The
# *gradient* of one position's output with respect to the input says how strongly each pixel acts on it. Below it is taken
# for the middle position of each layer, as the mean over some normal tiles.
#
# To say it in one number: how wide is the square around the middle that holds **90 % of the gradient** (the sum of its
# absolute values)? For `blocks.4`, whose computed field you know now: your guess?

# %%
predict("03.b", 80, 200, unit="px")


# %%
def influence(name, tiles):
    """Return how strongly each pixel influences a layer's middle position: (256, 256)."""
    kept, images = [], preprocess(tiles).requires_grad_()

    def keep(module, inputs, output):
        kept.append(output)

    handle = network.get_submodule(name).register_forward_hook(keep)
    network(images)
    handle.remove()
    middle = kept[0].shape[-1] // 2
    (gradient,) = torch.autograd.grad(kept[0][:, :, middle, middle].sum(), images)
    return gradient.abs().sum(dim=1).mean(dim=0).numpy()  # (B, 3, 256, 256) -> (256, 256)


gradients = {name: influence(name, normal_tiles[:6]) for name in LAYERS}

# %% [markdown]
# The pictures show the gradient on a logarithmic scale, so that faint influence is visible too; below a hundred-thousandth
# of the strongest the colours end. The dashed squares are the computed fields. (That of `blocks.4` is wider than the tile.)
# Outside them there is *none at all*: the bound holds exactly, as the largest gradient outside shows. They don't lie quite in
# the middle: where this network steps by 2 it pads at the right and below only, and that moves a field by its stride less 1.

# %%
logarithms = [np.log10(np.maximum(gradients[name] / gradients[name].max(), 1e-5)) for name in LAYERS]
caption = "Influence of each pixel on the middle position of blocks 1 to 4, relative to the largest, as a"
caption += " power of ten. The dashed square is the computed field, where it is smaller than the tile."
squares = [(127 + stride, side) for side, stride in (fields[name] for name in LAYERS)]
show(*plot_panels(logarithms, LAYERS, caption, scale=(-5, 0), squares=squares))
for name, (centre, side) in list(zip(LAYERS, squares, strict=True))[:3]:
    offset = np.abs(np.arange(256) - centre)  # px
    outside = np.maximum(offset[:, None], offset) > side // 2
    print(f"{name}: largest gradient outside the square {gradients[name][outside].max():g}")


# %%
def side_with_share(gradient, share=0.9):
    """Return the side of the square around the centre that contains a share of the sum."""
    pixels, total = np.arange(256), gradient.sum()
    row, column = round((gradient.sum(1) @ pixels) / total), round((gradient.sum(0) @ pixels) / total)
    for half in range(257):
        rows, columns = (slice(max(0, centre - half), centre + half + 1) for centre in (row, column))
        if gradient[rows, columns].sum() >= share * total:
            return 2 * half + 1


effective = {name: side_with_share(gradients[name]) for name in LAYERS}
for name, side in effective.items():
    share = side**2 / computed[name] ** 2
    print(f"{name}: {side:3} px, {share:.0%} of the computed area")
reveal("03.b", effective["blocks.4"], unit="px")

# %%
show(*plot_squares(normal_tiles[0], effective, title="Squares that contain 90 % of the influence"))

# %% [markdown]
# The **effective** receptive field is much smaller than the computed one, and it has no edge: it fades. Luo et al. (2016,
# [arXiv 1701.04128](https://arxiv.org/abs/1701.04128)) show why: pixels in the middle reach the output on many ways
# through the layers, those at the rim on few.
#
# ### The same from the other side
#
# Put a dark speck of 6 x 6 px into a normal tile and look at which positions change, and how much. The change at each
# position is divided by the mean length of that layer's vectors.

# %%
spotted = normal_tiles[0].copy()
spotted[125:131, 125:131] = 0
pair, changes, titles, shares_above = np.stack([normal_tiles[0], spotted]), [], [], []
for name in LAYERS:
    before, after = PatchFeatures(layers=(name,), pooling=1).transform(pair)
    lengths = np.linalg.norm(before, axis=-1)
    change = np.linalg.norm(after - before, axis=-1) / lengths.mean()
    changes.append(change)
    shares_above.append(percent((change > 0.1).mean(), 1))
    titles.append(f"{name}\n{shares_above[-1]} by > 10 %")
    print(f"{name}: {percent((change > 1e-6).mean(), 1)} of positions change")
caption = "Change of each position caused by a speck in the middle, on one scale."
caption += f" Shares of positions that change by over 10 %: {', '.join(shares_above)}."
show(*plot_panels(changes, titles, caption, scale=(0, float(max(c.max() for c in changes)))))

# %% [markdown]
# A small defect stays small in an early layer and is spread out in a late one. **That is the trade**: late layers know
# more about the surroundings, early ones know better where.
#
# ## 4. From outputs to patches
#
# PatchCore takes two layers and makes one vector per position (Roth et al., 2022, section 3.1,
# [arXiv 2106.08265](https://arxiv.org/abs/2106.08265)):
#
# 1. **pool**: each position becomes the mean of its 3 x 3 neighbourhood, so that a thread that lies a little higher
#    or lower makes less of a difference;
# 2. **resize**: the later, coarser map is brought to the grid of the earlier one;
# 3. **join**: at each position, the two vectors are put one behind the other.
#
# ### Exercise 03.3: Pool a neighbourhood
#
# *medium, 15 minutes*
#
# Return, for each channel and position of a feature map `(C, H, W)`, the mean over the square of `side` x `side` positions
# around it (`side` is odd). At the border a part of the square is missing: **take the mean over those positions that
# exist**, 4 of 9 in a corner. The result has the map's shape. NumPy or torch, as you like.


# %% exercise="03.3"
def neighbourhood_mean(feature_map: np.ndarray, side: int = 3) -> np.ndarray:
    """Return (C, H, W): means over side x side positions, those that exist."""
    reach = side // 2
    result = np.empty(feature_map.shape, np.float32)
    for row in range(feature_map.shape[1]):
        for column in range(feature_map.shape[2]):
            # A slice that begins below 0 counts from the end.
            top, left = max(0, row - reach), max(0, column - reach)
            neighbours = feature_map[:, top : row + reach + 1, left : column + reach + 1]
            result[:, row, column] = neighbours.mean(axis=(1, 2))
    return result


# %%
check("03.3", neighbourhood_mean)  # stuck? hint("03.3")

# %% [markdown]
# In torch one call does it: `avg_pool2d` with stride 1 and `count_include_pad=False`. What does pooling change? For the
# receptive field it is one more layer in the chain, of kernel 3 and stride 1.

# %%
sides = (1, 3, 7)
by_side = [PatchFeatures(layers=("blocks.2",), pooling=s).transform(example[None])[0] for s in sides]
channel = int(by_side[0].std(axis=(0, 1)).argmax())
maps = [output[..., channel] for output in by_side]
caption = f"Channel {channel} of blocks.2 without pooling, averaged over 3 x 3 and over 7 x 7 positions,"
caption += " on one scale. Standard deviations: " + ", ".join(f"{m.std():.2g}" for m in maps) + "."
scale = float(maps[0].min()), float(maps[0].max())
show(*plot_panels(maps, ["no pooling", "3 x 3", "7 x 7"], caption, scale=scale))

# %%
chain = chains["blocks.2"]
before, after = (course_receptive_field(c)[0] for c in (chain, [*chain, (3, 1)]))
print(f"Pooling over 3 x 3 enlarges the field of blocks.2 from {before} to {after} px.")

# %% [markdown]
# ### Exercise 03.4: Resize and join
#
# *medium, 10 minutes*
#
# `early` is `(B, C1, H, W)`, `late` is `(B, C2, h, w)` on a coarser grid: 4 x 4 and 2 x 2 positions, say, or 9 x 9 and
# 3 x 3, so don't count on a factor of 2. Return patches `(B, H, W, C1 + C2)`: the late
# output is resized **bilinearly** to the early one's grid (`torch.nn.functional.interpolate`, its `mode` and
# `align_corners=False`), the early channels come first, and the channels stand last.


# %% exercise="03.4"
import torch
import torch.nn.functional as F


def join(early: torch.Tensor, late: torch.Tensor) -> torch.Tensor:
    """Return patches (B, H, W, C1 + C2) on the grid of early (B, C1, H, W)."""
    grid = early.shape[-2:]
    late = F.interpolate(late, grid, mode="bilinear", align_corners=False)  # (B, C2, H, W)
    both = torch.cat([early, late], dim=1)  # (B, C1 + C2, H, W)
    return both.permute(0, 2, 3, 1)


# %%
check("03.4", join)  # stuck? hint("03.4")

# %% [markdown]
# Before you see all steps in a row, a guess without a pencil. A tile has one byte a pixel. **How many times as many bytes
# do its patches take**, as float32?

# %%
predict("03.c", 5, 15, unit="times")

# %% [markdown]
# The steps, with the shape at each. The last line compares the result with what `PatchFeatures` makes.


# %%
def output_of(layer):
    """Return a layer's output with the channels second, as in the network: (1, C, H', W')."""
    output = PatchFeatures(layers=(layer,), pooling=1).transform(example[None])
    return torch.from_numpy(output).permute(0, 3, 1, 2)


def pooled(output):
    """Return the means over 3 x 3 positions."""
    return torch.nn.functional.avg_pool2d(output, 3, 1, 1, count_include_pad=False)


early, late = output_of("blocks.2"), output_of("blocks.4")
print("tile   ", example.shape)
print("layers ", tuple(early.shape), tuple(late.shape))

# %%
early, late = pooled(early), pooled(late)
print("pooled ", tuple(early.shape), tuple(late.shape))
grid = early.shape[-2:]
late = torch.nn.functional.interpolate(late, grid, mode="bilinear", align_corners=False)
print("resized", tuple(early.shape), tuple(late.shape))
patches = torch.cat([early, late], dim=1).permute(0, 2, 3, 1)
print("joined ", tuple(patches.shape))
vectors = patches.reshape(-1, patches.shape[-1]).numpy()
print("as list", vectors.shape)
ready_made = PatchFeatures().transform(example[None]).reshape(vectors.shape)
print("equal to the patches of PatchFeatures:", np.allclose(vectors, ready_made, atol=1e-4))

# %% [markdown]
# One tile became 32 x 32 = 1,024 patches. And how much larger is that?

# %%
reveal("03.c", vectors.nbytes / example.nbytes, unit="times")
print(f"{vectors.nbytes:,} bytes of patches for {example.nbytes:,} bytes of tile.")

# %% [markdown]
# Extraction makes data *more*, not less. A few hundred tiles already fill a good part of a gigabyte, and notebook 04 is
# about that.
#
# ## 5. Patches made visible
#
# A vector of 152 numbers can't be seen, but three of its directions can. PCA finds those in which the patches spread most,
# and we paint them as red, green and blue. **One PCA for all tiles together**: fitted to each tile by itself, the same
# colour would mean another thing in each picture.

# %%
shown_tiles = np.stack([normal_tiles[0], other_normal, example])  # (3, 256, 256)
patches = PatchFeatures().transform(shown_tiles)  # (3, 32, 32, C)
flat = patches.reshape(-1, patches.shape[-1])
flat = flat - flat.mean(axis=0)
_, _, directions = np.linalg.svd(flat, full_matrices=False)
colours = flat @ directions[:3].T  # (3072, 3)
low, high = np.quantile(colours, [0.01, 0.99], axis=0)
colours = ((colours - low) / (high - low)).clip(0, 1).reshape(*patches.shape[:3], 3)

# %%
pictures = [np.repeat(t[..., None], 3, axis=2) for t in shown_tiles] + list(colours)
titles = ["normal", "normal, another strip", "with a defect", *["its patches"] * 3]
differences = np.linalg.norm(colours[1:] - colours[0], axis=-1).max(axis=(1, 2))  # (2,)
caption = "Three tiles above, their patches below, coloured by one PCA over all three. Largest difference"
caption += f" in colour from the first tile at the same position: {differences[0]:.2f} in the other normal"
caption += f" tile, {differences[1]:.2f} in the tile with a defect."
show(*plot_panels(pictures, titles, caption, columns=3))

# %% [markdown]
# Equal colours are alike patches. Compare the two differences below the picture first. On the practice fabric the strips are
# alike, and the defect stands out. On AITEX one strip may differ from another in hue *as a whole*, more than its defect does:
# they were woven and photographed on different days. A detector must have seen several of them to know what is usual.
#
# And something may surprise you: within each tile it isn't the weave that sets the colours. It is **how far from the
# tile's edge** a patch lies.
#
# Where does it know that from? Beyond the edge the network sees zeros, and zeros look like nothing in the fabric. All
# fields that reach across the edge feel them, and in `blocks.4` nearly all do: a network's padding tells it where it is
# (Islam et al., 2020, [arXiv 2001.08248](https://arxiv.org/abs/2001.08248)). How much of the spread of normal patches
# does position alone explain? Take each position's mean over many tiles, and compare its variance with the whole.
# **Your guess for `blocks.4`, in per cent?**

# %%
predict("03.d", 30, 80, unit="%")


# %%
def position_share(name, tiles):
    """Return the share of a layer's variance that the position in the tile explains, in per cent."""
    patches = PatchFeatures(layers=(name,), pooling=1).transform(tiles)  # (N, H', W', C)
    by_position = patches.mean(axis=0).var(axis=(0, 1)).mean()
    by_chance = patches.var(axis=0).mean() / len(patches)  # variance of a mean over N tiles
    share = (by_position - by_chance) / patches.var(axis=(0, 1, 2)).mean()
    return 100 * max(0.0, share)  # an estimate of a small share can fall below 0


four_strips = [s for s in normal if s.fabric == FABRIC][:4]
many_tiles = np.concatenate([tile_fabric(s.read())[0] for s in four_strips])[:32]
shares = {name: position_share(name, many_tiles) for name in LAYERS}
for name, share in shares.items():
    print(f"{name}: position in the tile explains {share:3.0f} %")
reveal("03.d", shares["blocks.4"], unit="%")

# %% [markdown]
# So a patch near the edge is best compared with others near the edge, and the memory bank needs some of each. Overlapping
# tiles (notebook 01) help too: what lies at an edge in one lies inside in another.
#
# **Try it.** Put `PatchFeatures(layers=("blocks.2",))` into the cell that computes `patches`, and run it and the cell with the
# picture again. How wide is the frame now, in positions, and why? (Section 3 has measured how far
# `blocks.2` really looks.)

# %% [markdown]
# ## 6. Do all directions weigh alike?
#
# PatchCore compares patches by Euclidean distance. A direction in which patches spread by 3 then counts far more than
# one in which they spread by 0.1, although a step of 0.3 may be nothing in the first and unheard of in the second. So look
# at the spread of normal patches along each direction.

# %%
normal_patches = PatchFeatures().transform(normal_tiles[:8])
normal_patches = normal_patches.reshape(-1, normal_patches.shape[-1])
variances = np.linalg.eigvalsh(np.cov(normal_patches.T))
show(*plot_spectrum(variances, floor=1e-3 * variances.mean()))

# %% [markdown]
# The distance sees mostly the few widest directions. **Whitening** makes all spread alike: turn the patches so that each
# direction becomes a column, then divide each column by its spread. Distances after it are Mahalanobis distances.
#
# A *floor* keeps that safe. With few tiles or many channels there are directions in which next to nothing varies, and
# dividing by nearly nothing would blow rounding up into a signal. Where the floor lies below all variances, as it may above,
# it changes next to nothing; it is there for the other cases.
#
# ### Exercise 03.5: Whiten
#
# *hard, 20 minutes*
#
# From patches of **normal** tiles `(N, C)` learn
# - their mean `(C,)`, and the covariance `(C, C)` of what is left after subtracting it (divide by N);
# - its variances and directions: `np.linalg.eigh(covariance)` returns the variances, and the directions **as columns**.
#
# Then return `patches` `(M, C)` with that mean subtracted, expressed in these directions, each column divided by
# the root of (its variance + `floor` times the mean of all variances). A direction's sign is free, and so is the
# order of the columns: distances don't see either. So the check compares the lengths of the whitened patches and the angles
# between them. If it names single numbers, these are in our order and with our signs.


# %% exercise="03.5"
def whiten(normal: np.ndarray, patches: np.ndarray, floor: float = 1e-3) -> np.ndarray:
    """Return patches (M, C), whitened by what normal ones (N, C) show."""
    mean = normal.mean(axis=0)
    centred = normal - mean
    covariance = centred.T @ centred / len(centred)  # (C, C)
    variances, directions = np.linalg.eigh(covariance)
    spread = np.sqrt(variances + floor * variances.mean())
    return (patches - mean) @ directions / spread


# %%
check("03.5", whiten)  # stuck? hint("03.5")

# %% [markdown]
# ## 7. Which layers, which size? Measured
#
# First the cost of a tile: milliseconds on this machine, and the size of the patches. All choices are timed in turn, four rounds
# of four tiles, and the best of each counts. What differs by a few milliseconds is noise: pooling costs next to nothing.

# %%
import time

CHOICES = {
    "blocks.1 alone": {"layers": ("blocks.1",)},
    "blocks.2 alone": {"layers": ("blocks.2",)},
    "blocks.4 alone": {"layers": ("blocks.4",)},
    "default, 2 + 4": {},
    "128 px": {"size": 128},
    "384 px": {"size": 384},
    "no pooling": {"pooling": 1},
    "pooling 7": {"pooling": 7},
    "whitened": {"whiten": True},
}


# %%
def measure_costs(choices):
    """Return, for each choice, seconds per tile, the shape of one tile's patches, and their bytes."""
    extractors = {name: PatchFeatures(**choice).fit(normal_tiles[:2]) for name, choice in choices.items()}
    costs = {}
    for _ in range(4):
        for name, features in extractors.items():
            begin = time.perf_counter()
            patches = features.transform(normal_tiles[:4])
            seconds = (time.perf_counter() - begin) / len(patches)
            best = min(seconds, costs[name][0]) if name in costs else seconds
            costs[name] = best, patches.shape[1:], patches[0].nbytes
    return costs


# %%
costs = measure_costs(CHOICES)
print("choice            ms     patches    KiB")
for name, (seconds, shape, size) in costs.items():
    sides = " x ".join(map(str, shape))
    print(f"{name:14} {1000 * seconds:5.1f} {sides:>11} {size / 1024:6,.0f}")

# %% [markdown]
# Now what they are worth. For each of up to three fabrics: fit on 16 tiles of some normal strips, test on 12 clean tiles
# of *other* normal strips and on 12 with a defect (fewer where there are no more). No strip is on both sides. The score of a tile is its
# largest distance, the measure the tile AUROC. The bank keeps 5 % of the patches.


# %%
def draw_tiles(strips, max_tiles, rng):
    """Return at most so many tiles: any tiles of normal strips, defective tiles of defective ones."""
    tiles, masks = (np.concatenate(part) for part in zip(*map(tiles_and_masks, strips), strict=True))
    candidates = np.flatnonzero(tile_labels(masks) != strips[0].is_normal)
    return tiles[rng.permutation(candidates)[:max_tiles]]


def split_tiles(fabric, seed=0):
    """Return training tiles, test tiles and the labels of the test tiles (True = defective)."""
    rng, normal_strips = np.random.default_rng(seed), [s for s in normal if s.fabric == fabric]
    fit_strips, held_out = split_strips(normal_strips, share=0.7, seed=seed)
    clean_tiles = draw_tiles(held_out, 12, rng)
    defective_tiles = draw_tiles([s for s in defective if s.fabric == fabric], 12, rng)
    labels = np.repeat([False, True], [len(clean_tiles), len(defective_tiles)])
    return draw_tiles(fit_strips, 16, rng), np.concatenate([clean_tiles, defective_tiles]), labels


# %%
splits = [split_tiles(fabric) for fabric in FABRICS]
for fabric, (fit, _, labels) in zip(FABRICS, splits, strict=True):
    counts = f"{np.sum(~labels)} clean, {labels.sum()} with a defect"
    print(f"fabric {fabric}: {len(fit)} training tiles; test tiles: {counts}")

# %%
from tqdm.auto import tqdm

from aitex_utils import PatchCore, metrics
from aitex_utils.lessons.cache import cached
from aitex_utils.patchcore import PAPER


# %%
def test_scores(experiment, names):
    """Return the scores of all test tiles for some choices: (choices, tiles) for each fabric."""

    def compute():
        scores = {fabric: [] for fabric in FABRICS}
        for name in tqdm(names, desc="choices"):
            for fabric, (fit, test, _) in zip(FABRICS, splits, strict=True):
                detector = PatchCore(**{**PAPER, "coreset_ratio": 0.05, **CHOICES[name]}, seed=0)
                scores[fabric].append(detector.fit(fit).predict(test).scores)
        return scores

    entry, choices = f"notebook_03_{experiment}_{profile()}", [CHOICES[name] for name in names]
    code = (split_tiles, draw_tiles, PatchCore)
    scores = cached(entry, compute, data=root, code=code, choices=choices)
    return [scores[fabric] for fabric in FABRICS]


# %%
def aurocs(scores):
    """Return the tile AUROC of each choice and fabric, (choices, fabrics)."""
    by_fabric = [
        [metrics.auroc(labels, tile_scores) for tile_scores in by_choice]
        for by_choice, (_, _, labels) in zip(scores, splits, strict=True)
    ]
    return np.array(by_fabric).T


# %% [markdown]
# ### Layers
#
# One layer alone, or the two of the default? Guess the **mean tile AUROC of the default** (0.5 is chance, 1 is perfect).
# The next two cells take some
# seconds each, several times as long on a busy machine.

# %%
predict("03.e", 0.75, 0.95)

# %%
NAMES = list(CHOICES)
single = test_scores("one_layer", NAMES[:2])

# %%
further = test_scores("default", NAMES[2:4])
layers = [np.concatenate(parts) for parts in zip(single, further, strict=True)]  # (4, tiles) each
by_layer = aurocs(layers)  # (4, fabrics)
reveal("03.e", by_layer[3].mean())


# %%
show(*plot_settings(NAMES[:4], by_layer, FABRICS, title="Layers"))

# %% [markdown]
# ### Input size
#
# Resizing a tile to 384 px before the network sees it makes the threads larger than they are, and the grid finer: 48 x 48
# positions. At 128 px it is the other way round. This takes about ten seconds, again longer on a busy machine.

# %%
sizes = test_scores("size", NAMES[4:6])
by_size = aurocs(sizes)

# %%
values = np.stack([by_size[0], by_layer[3], by_size[1]])
show(*plot_settings(["128 px", "256 px", "384 px"], values, FABRICS, title="Input size"))

# %% [markdown]
# And what does it cost? Twice the side is four times the positions, for the network and for everything behind it. The network is the larger part: of
# {{results/speed.json: model.tile_ms: .0f}} ms that a tile of 320 px takes from picture to score, with a bank of {{results/speed.json: model.kept: ,}} patches, it needs
# {{results/speed.json: model.backbone_ms: .0f}} ms (two cores; `python course.py bench speed`). It is run only as deep as the last layer that is
# asked for, and tile by tile: by eight tiles at once it takes {{results/speed.json: model.backbone_by_eight_ms: .0f}} ms a tile, for then what a layer holds no longer fits into the processor's cache.
#
# ### Pooling and whitening
#
# About ten seconds again.

# %%
rest = test_scores("pooling_whitening", NAMES[6:])
by_rest = aurocs(rest)

# %%
names = ["no pooling", "pooling 3", "pooling 7", "pooling 3, whitened"]
values = np.stack([by_rest[0], by_layer[3], *by_rest[1:]])
show(*plot_settings(names, values, FABRICS, title="Pooling and whitening"))

# %% [markdown]
# ### How sure is that?
#
# Few tiles carry each figure. With other tiles, how far would the *difference* between a choice and the default move?
# Draw each fabric's test tiles anew, with replacement, the same ones for both choices, and compute the difference again,
# five hundred times. (This takes tiles of a strip for independent, which they are not, so the truth is wider still;
# notebook 06 draws whole strips.)


# %%
def auroc_without_ties(scores, clean, defective):
    """Return the share of pairs in which the defective tile scores higher: the AUROC, if no scores tie."""
    return (scores[defective][:, None] > scores[clean]).mean()


def bootstrap_differences(choice, default, n_resamples=500):
    """Return differences in mean AUROC, choice - default, of resampled test tiles."""
    rng, differences = np.random.default_rng(0), np.zeros(n_resamples)
    for scores, default_scores, (_, _, labels) in zip(choice, default, splits, strict=True):
        for i in range(n_resamples):
            clean = rng.choice(np.flatnonzero(~labels), np.sum(~labels))
            defective = rng.choice(np.flatnonzero(labels), labels.sum())
            differences[i] += auroc_without_ties(scores, clean, defective)
            differences[i] -= auroc_without_ties(default_scores, clean, defective)
    return differences / len(splits)


# %%
all_scores = [np.concatenate(parts) for parts in zip(layers, sizes, rest, strict=True)]
by_name = {name: [scores[i] for scores in all_scores] for i, name in enumerate(NAMES)}
default = by_name.pop("default, 2 + 4")
resamples = [bootstrap_differences(choice, default) for choice in by_name.values()]
show(*plot_intervals(list(by_name), resamples, label="tile AUROC, choice - default"))

# %% [markdown]
# An interval that holds 0 says: these tiles can't tell the two apart. And whoever takes the best of nine choices on a few
# dozen tiles mostly picks luck. What is to be chosen must be chosen on other strips than those on which it is then
# reported.
#
# ### The same on AITEX
#
# AITEX's real fabric answers like this, tile AUROC throughout. On the left the rule of above, by strip: three fabrics,
# two splits each, at most 30 tiles to fit, the same 5 % (`python course.py bench notebook_03`). On the right *protocol B*, a
# looser exam: 30 random tiles to fit and 120 to test, **without keeping strips apart**, means over four
# fabrics of AITEX and three of the practice fabric (`python course.py bench practice_fabric`).
#
# | choice | fabric 00 | 02 | 03 | **mean by strip** | B, AITEX | B, practice |
# |---|---|---|---|---|---|---|
# | blocks.1 alone | {{results/notebook_03.json: by_fabric.blocks_1.00: .3f}} | {{results/notebook_03.json: by_fabric.blocks_1.02: .3f}} | {{results/notebook_03.json: by_fabric.blocks_1.03: .3f}} | **{{results/notebook_03.json: tile_auroc.blocks_1: .3f}}** | {{results/practice_fabric.json: tile_auroc_b."blocks.1 only".aitex: .3f}} | {{results/practice_fabric.json: tile_auroc_b."blocks.1 only".practice: .3f}} |
# | blocks.2 alone | {{results/notebook_03.json: by_fabric.blocks_2.00: .3f}} | {{results/notebook_03.json: by_fabric.blocks_2.02: .3f}} | {{results/notebook_03.json: by_fabric.blocks_2.03: .3f}} | **{{results/notebook_03.json: tile_auroc.blocks_2: .3f}}** | – | – |
# | blocks.4 alone | {{results/notebook_03.json: by_fabric.blocks_4.00: .3f}} | {{results/notebook_03.json: by_fabric.blocks_4.02: .3f}} | {{results/notebook_03.json: by_fabric.blocks_4.03: .3f}} | **{{results/notebook_03.json: tile_auroc.blocks_4: .3f}}** | {{results/practice_fabric.json: tile_auroc_b."blocks.4 only".aitex: .3f}} | {{results/practice_fabric.json: tile_auroc_b."blocks.4 only".practice: .3f}} |
# | default, 2 + 4 | {{results/notebook_03.json: by_fabric.default.00: .3f}} | {{results/notebook_03.json: by_fabric.default.02: .3f}} | {{results/notebook_03.json: by_fabric.default.03: .3f}} | **{{results/notebook_03.json: tile_auroc.default: .3f}}** | {{results/practice_fabric.json: tile_auroc_b."the paper's recipe".aitex: .3f}} | {{results/practice_fabric.json: tile_auroc_b."the paper's recipe".practice: .3f}} |
# | 128 px | {{results/notebook_03.json: by_fabric.size_128.00: .3f}} | {{results/notebook_03.json: by_fabric.size_128.02: .3f}} | {{results/notebook_03.json: by_fabric.size_128.03: .3f}} | **{{results/notebook_03.json: tile_auroc.size_128: .3f}}** | {{results/practice_fabric.json: tile_auroc_b."128 px".aitex: .3f}} | {{results/practice_fabric.json: tile_auroc_b."128 px".practice: .3f}} |
# | 384 px | {{results/notebook_03.json: by_fabric.size_384.00: .3f}} | {{results/notebook_03.json: by_fabric.size_384.02: .3f}} | {{results/notebook_03.json: by_fabric.size_384.03: .3f}} | **{{results/notebook_03.json: tile_auroc.size_384: .3f}}** | {{results/practice_fabric.json: tile_auroc_b."384 px".aitex: .3f}} | {{results/practice_fabric.json: tile_auroc_b."384 px".practice: .3f}} |
# | no pooling | {{results/notebook_03.json: by_fabric.pooling_1.00: .3f}} | {{results/notebook_03.json: by_fabric.pooling_1.02: .3f}} | {{results/notebook_03.json: by_fabric.pooling_1.03: .3f}} | **{{results/notebook_03.json: tile_auroc.pooling_1: .3f}}** | – | – |
# | pooling 7 | {{results/notebook_03.json: by_fabric.pooling_7.00: .3f}} | {{results/notebook_03.json: by_fabric.pooling_7.02: .3f}} | {{results/notebook_03.json: by_fabric.pooling_7.03: .3f}} | **{{results/notebook_03.json: tile_auroc.pooling_7: .3f}}** | {{results/practice_fabric.json: tile_auroc_b."pooling 7".aitex: .3f}} | {{results/practice_fabric.json: tile_auroc_b."pooling 7".practice: .3f}} |
# | whitened | {{results/notebook_03.json: by_fabric.whitened.00: .3f}} | {{results/notebook_03.json: by_fabric.whitened.02: .3f}} | {{results/notebook_03.json: by_fabric.whitened.03: .3f}} | **{{results/notebook_03.json: tile_auroc.whitened: .3f}}** | {{results/practice_fabric.json: tile_auroc_b."whitened".aitex: .3f}} | {{results/practice_fabric.json: tile_auroc_b."whitened".practice: .3f}} |
#
# Read it with the intervals above in mind: your own figures, of far fewer tiles, may order the choices otherwise, and only
# what was clear of zero there was more than luck. What holds in all three columns of means here: `blocks.1` alone is worst of
# those measured in all three, and tiles shrunk to 128 px are worse than tiles left as they are. Large pooling doesn't help. `blocks.4` alone is at least as good as the
# default, and 384 px is a little better in the mean but not on each fabric, at more than twice the price. To leave
# pooling out did best by strip. The default pools over 3 x 3 all the same: that is the paper's choice and no winner
# of this table, and to change it because of these very tiles would be choosing on the test. Nor must one choose: notebook
# 06 takes patches pooled and not, side by side, and multiplies their distances.
#
# Whitening is the warning. By strip, and by B on the practice fabric, it costs a little; by protocol B on AITEX it is the best
# choice of all. The two exams differ in more than one thing: in B, tiles of one strip are on both sides, so that a choice
# may win by knowing strips well; and a tile's score is the highest value of its map after that was blurred (smoothed, as
# notebook 06 explains), not the largest distance itself. **What you choose depends on
# the exam that you set.** And on a stand-in fabric you can learn the method, but not the answer for your own: that
# takes your own strips.

# %% [markdown]
# ## 8. Another network
#
# Nothing in PatchCore depends on this network. ResNet-18 (He et al., 2016, [arXiv 1512.03385](
# https://arxiv.org/abs/1512.03385)) is another; its layers of stride 8 and 16 are `layer2` and `layer3`. Its fields can be
# computed without its weights.

# %%
resnet = load_backbone("resnet18", pretrained=False).network
sides = {name: fields[name][0] for name in ("blocks.2", "blocks.4")}
for name in ("layer2", "layer3"):
    sides[name] = course_receptive_field(layer_chain(resnet, name))[0]
show(*plot_squares(normal_tiles[0], sides, title="Receptive fields of both networks"))

# %% [markdown]
# Its weights are 45 MB and aren't part of the course. Where they lie in PyTorch's folder the same comparison is made
# with them, and otherwise left out. You lose nothing that comes later.

# %%
from pathlib import Path

weights = Path(torch.hub.get_dir()) / "checkpoints" / "resnet18-f37072fd.pth"
if weights.is_file():
    CHOICES["resnet18"] = {"backbone": "resnet18"}
    by_network = np.stack([by_layer[3], aurocs(test_scores("resnet18", ["resnet18"]))[0]])
    names = ["efficientnet_lite0", "resnet18"]
    show(*plot_settings(names, by_network, FABRICS, title="Two networks"))
    seconds, shape, size = measure_costs({"resnet18": CHOICES["resnet18"]})["resnet18"]
    print(f"resnet18: {1000 * seconds:.1f} ms per tile, patches {shape}, {size / 1024:,.0f} KiB")
else:
    print("resnet18 is left out: its weights are not on this machine.")
    print("With internet access, PatchFeatures('resnet18') downloads them; then run this cell again.")
    print(f"Without it, copy {weights.name} into the folder checkpoints inside torch.hub.get_dir().")

# %% [markdown]
# ## What you have seen
#
# A layer's receptive field follows from kernels and strides, and what it really uses is a fading spot well inside it. A
# hook reads off any layer, if it copies what it sees, goes when it is done, and the network is in `eval` mode. Pooling,
# resizing and joining turn two layers' outputs into 1,024 patches a tile, of nearly ten times its bytes. One PCA over all
# tiles makes patches visible, down to the tile's edge that they feel, and whitening gives all their directions the same
# weight. Which layers and which size are best is a question for a measurement on other strips, with its uncertainty
# and its price beside it.
#
# ### Quiz
#
# **1.** `blocks.2` has stride 8 and a receptive field of 67 px. What do two neighbouring patches of it share?
# - a) No pixel: a tile of 256 px is cut into 32 x 32 separate fields of 8 px
# - b) Most of what they see, and so they resemble each other
# - c) All of what they see, but each weighs it in its own way
# - d) That depends on the threads of the tile that is looked at

# %%
quiz("03.q1", "b")

# %% [markdown]
# <details><summary>Answer</summary>b. The next field begins 8 px farther on, so that 59 of 67 columns are the same. This is
# why maps of distances are smooth, and why a memory bank can do with few of all patches.</details>
#
# **2.** A tile's patches come out clearly different when other tiles are in the same batch. What is likely?
# - a) A hook was left in the network
# - b) Rounding differs with the batch
# - c) The network is in training mode
# - d) The tiles overlap on the strip

# %%
quiz("03.q2", "c")

# %% [markdown]
# <details><summary>Answer</summary>c. In training mode batch normalisation uses mean and variance of the batch at hand, so
# that every tile sees all others. <code>network.eval()</code> ends that.</details>
#
# **3.** Why is the late layer brought to the early layer's grid, and not the other way round?
# - a) So that small defects keep a position of their own
# - b) So that there are fewer patches to be remembered
# - c) So that the late layer gains the early one's detail
# - d) Because a map can be enlarged, but not made smaller

# %%
quiz("03.q3", "a")

# %% [markdown]
# <details><summary>Answer</summary>a. On the coarse grid four positions of the early layer would become one, and a small
# defect would be averaged with its surroundings.</details>
#
# **4.** You colour the patches of two tiles by PCA, and fit a PCA for each. What can't you say then?
# - a) Where within one of the tiles patches resemble each other
# - b) In which of three directions one tile's patches spread most
# - c) Whether one tile has places unlike the rest of it
# - d) That a colour means the same kind of patch in both

# %%
quiz("03.q4", "d")

# %% [markdown]
# <details><summary>Answer</summary>d. Each PCA has axes of its own. Fit one on both tiles together.</details>
#
# **5.** From which patches may whitening be learnt?
# - a) From those of the tiles to be judged
# - b) From those the detector is fitted on
# - c) From all patches of normal tiles at hand
# - d) From those of tiles with a known defect

# %%
quiz("03.q5", "b")

# %% [markdown]
# <details><summary>Answer</summary>b. Whitening is learnt like everything else, from normal strips that aren't tested
# later.</details>
#
# ### How sure were you?

# %%
calibration()

# %% [markdown]
# **Read next**: Luo et al., *Understanding the Effective Receptive Field in Deep Convolutional Neural Networks*, 2016
# ([arXiv 1701.04128](https://arxiv.org/abs/1701.04128)); Araujo, Norris and Sim, *Computing Receptive Fields of
# Convolutional Neural Networks*, Distill 2019 ([doi 10.23915/distill.00021](https://doi.org/10.23915/distill.00021)); section
# 3.1 of the PatchCore paper ([arXiv 2106.08265](https://arxiv.org/abs/2106.08265)).
#
# **Next**: notebook 04, how to keep few patches and lose little.
