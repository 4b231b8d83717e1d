# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 09 PatchCore and an autoencoder
#
# *{{version}}.*
#
# At the end of this notebook you can train an autoencoder as a detector, and compare it with PatchCore in a fair test.
#
# **You will be able to**
# 1. compute the size of a bottleneck, and write the training loop (exercises 09.1 and 09.7);
# 2. turn a reconstruction into an anomaly map, from grey levels or structural similarity (exercises 09.2, 09.3, 09.5);
# 3. trace a wrong verdict to the edges of tiles (exercise 09.6, section 7);
# 4. compare two detectors in a paired test, and state how certain the difference is (exercise 09.4);
# 5. build a simple baseline, and test a claim about detectors (exercise 09.8, open task).
#
# **You need to know** convolution, loss, *tile* and *patch* (notebook 00), AUROC and average precision (AP, notebook 06),
# AUPRO and the bootstrap interval (notebook 07). We test claims of notebook 02, section 2.
#
# **Contents**
#
# {{contents}}
#
# **Time**: about {{minutes}} for you with the exercises, and {{cost}} for the computer.

# %% [markdown]
# ## 1. A fair comparison
#
# A few choices decide a comparison before it begins. We fix them for all detectors:
#
# - they **learn** from the same 20 normal tiles;
# - they are **tested** on the same tiles of other strips;
# - each returns an **anomaly map** of 256 x 256 values per tile, smoothed by a Gaussian of 4 px;
# - the **score** of a tile is the largest value of its map.
#
# One choice cannot be the same: PatchCore has an ImageNet-pretrained backbone, and the autoencoder starts from random
# weights.
#
# We use the fabric with the most defective strips. After a restart, run the first code cell of your section and continue
# there.

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons.nb09.figures import plot_rows
from aitex_utils.lessons.nb09.setup import crop_defects, load_contest
from aitex_utils.plots import show

contest = load_contest()
print(f"Fabric {contest.fabric}: {len(contest.training)} tiles to learn from.")
for rows, name in ((~contest.labels, "clean"), (contest.labels, "defective")):
    print(f"{rows.sum()} {name} test tiles from {len(set(contest.groups[rows]))} strips")

# %%
shown = contest.shown
caption = "Four test tiles: " + ", ".join(contest.titles) + ". Above, the marked defect is outlined. Below, a crop"
caption += " of 80 px around it, without the outline."
crops = crop_defects(contest.tiles[shown], contest.masks[shown])
images = {"tile": contest.tiles[shown], "crop": crops}
show(*plot_rows(images, contest.titles, caption, masks=contest.masks[shown]))

# %% [markdown]
# Most defects are small or thin, and change the brightness by a few tens of grey levels. The clean tiles come from
# normal strips only, so the test is easier than inspection in a mill (notebook 07). The benchmarks call these
# negatives **C1**.

# %% [markdown]
# ## 2. The bottleneck
#
# An **encoder** turns the tile into a **code**. A **decoder** reconstructs the tile from the code. Our encoder has three
# convolutions that halve the side, and a 1 x 1 convolution that makes the code. The decoder has the same layers in reverse.
# The code is the **bottleneck**. If it is narrow, the network cannot copy its input, and has to learn the weave.
#
# ### Exercise 09.1: How narrow is the bottleneck?
#
# *Easy, 10 minutes.*
#
# `layers` lists convolutions as `(kernel, stride, padding)`. All are square, so one row of pixels is enough. The row gets
# `padding` pixels at **each** end. The kernel starts at the left end and moves by `stride` while it stays inside. The number
# of kernel positions is the next side.
#
# The code has `latent_channels` values at each position. Return `(latent_side, ratio)`. The ratio is the number of values in
# the tile (side x side) divided by the number in the code.
#
# Example: a row of 8 px and the layer `(4, 2, 1)`. The padded row has 10 px, so the kernel fits at 0, 2, 4 and 6. With two
# channels, the code has 4 x 4 x 2 = 32 values, and the tile has 64: return `(4, 2.0)`.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np
import torch

from aitex_utils.baselines.autoencoder import Autoencoder
from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb09.answers import latent_size as course_size

Layer = tuple[int, int, int]  # kernel, stride, padding


# %% exercise="09.1"
def latent_size(side: int, layers: list[tuple[int, int, int]], latent_channels: int) -> tuple[int, float]:
    """Return the side of the code, and the number of tile values per code value."""
    latent_side = side
    for kernel, stride, padding in layers:
        latent_side = (latent_side + 2 * padding - kernel) // stride + 1
    return latent_side, side**2 / (latent_side**2 * latent_channels)


# %%
check("09.1", latent_size)  # stuck? hint("09.1")

# %% [markdown]
# The course's autoencoder (`aitex_utils/baselines/autoencoder.py`) has these shapes:

# %%
print("computed:", yours("09.1", course_size)(256, [(4, 2, 1)] * 3, 4))
encoder, decoder = Autoencoder(seed=0).make_network()
x = torch.zeros(1, 1, 256, 256)  # (B, C, H, W)
for layer in [*encoder, *decoder]:
    x = layer(x)
    if "Conv" in type(layer).__name__:
        code = "  <- the code" if layer is encoder[-1] else ""
        print(f"{type(layer).__name__:16} {tuple(x.shape[1:])}{code}")

# %% [markdown]
# ## 3. The training loop
#
# Each step takes a batch of random crops, reconstructs them, and changes all weights to reduce the squared error.
#
# ### Exercise 09.7: The training loop
#
# *Medium, 15 minutes.*
#
# `batches` yields tensors of crops `(B, 1, S, S)`. Take **one step per batch**:
#
# - the loss is the mean squared error between the crops and their reconstructions (`F.mse_loss`);
# - clear the old gradients, compute the new gradients, and let `optimizer` change the weights;
# - append the loss to a list as a plain number, and call `after_step(losses)`.
#
# The networks arrive in evaluation mode. Train them in training mode, and leave them in evaluation mode. Return the
# list of losses.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np
import torch

from aitex_utils.baselines.autoencoder import Autoencoder
from aitex_utils.lessons import check, hint, predict, reveal, yours
from aitex_utils.lessons.nb09.figures import LiveCurve, plot_rows
from aitex_utils.lessons.nb09.setup import STEPS, crop_defects, load_contest
from aitex_utils.lessons.nb09.training import random_crops, reconstruct
from aitex_utils.lessons.nb09.training import train as course_train
from aitex_utils.plots import show

contest = load_contest()

# %% exercise="09.7"
import torch.nn.functional as F


def train(encoder, decoder, optimizer, batches, after_step) -> list[float]:
    """Train an autoencoder with one step per batch, and return the losses."""
    encoder.train()
    decoder.train()
    losses = []
    for crops in batches:
        loss = F.mse_loss(decoder(encoder(crops)), crops)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        after_step(losses)
    encoder.eval()
    decoder.eval()
    return losses


# %%
check("09.7", train)  # stuck? hint("09.7")

# %% [markdown]
# Now train on the 20 tiles: 100 steps of 16 crops of 128 px. The crops are standardised, so a reconstruction
# in flat mean grey has a loss of about 1. Training takes about 10 seconds. **Which loss will it reach**, as the mean of
# the last 20 steps?

# %%
predict("09.a", 0.05, 0.3)

# %%
encoder, decoder = Autoencoder(seed=0).make_network()
weights = [*encoder.parameters(), *decoder.parameters()]
batches = random_crops(contest.training, STEPS)
losses = yours("09.7", course_train)(encoder, decoder, torch.optim.Adam(weights, lr=1e-3), batches, LiveCurve(STEPS))
reveal("09.a", float(np.mean(losses[-20:])))

# %% [markdown]
# The loss is measured on normal crops, so it does not show whether the network will find a defect. Look at test tiles:

# %%
shown = contest.shown
own = reconstruct(encoder, decoder, contest.tiles[shown], contest.training)
images = {
    "crop": crop_defects(contest.tiles[shown], contest.masks[shown]),
    "reconstruction": crop_defects(own, contest.masks[shown]).clip(0, 255).astype(np.uint8),
}
caption = "Crops of 80 px around four defects, and their reconstructions by the network just trained."
show(*plot_rows(images, contest.titles, caption))

# %% [markdown]
# The threads are softer, and most of the defects are missing, so the error on a defect is large. From here on, we use the
# course's networks, also trained for 100 steps.

# %% [markdown]
# ## 4. Structural similarity
#
# The difference between two grey levels is the obvious error measure. To see its weakness, we change a window of a weave
# in three ways, all with about **the same mean error**:

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.baselines.ssim import ssim_maps
from aitex_utils.lessons import check, hint, quiz, yours
from aitex_utils.lessons.nb09.answers import ssim as course_ssim
from aitex_utils.lessons.nb09.figures import plot_rows
from aitex_utils.lessons.nb09.toy import spoiled_windows
from aitex_utils.plots import show

windows = spoiled_windows()  # name -> (33, 33) uint8
stack = np.stack(list(windows.values()))

# %%
pixel_errors = np.abs(stack.astype(float) - stack[0]).mean(axis=(1, 2))
similarity = ssim_maps(np.repeat(stack[:1], 4, axis=0), stack).mean(axis=(1, 2))
titles = [f"{name}\nSSIM {value:.2f}" for name, value in zip(windows, similarity, strict=True)]
listed = ", ".join(f"{name} {value:.0f}" for name, value in zip(windows, pixel_errors, strict=True))
caption = f"A window of weave and three copies. Mean pixel error in grey levels: {listed}."
show(*plot_rows({"window": stack}, titles, caption))

# %% [markdown]
# The pixel error does not distinguish the three copies, but only the faded copy has lost its threads. **Structural
# similarity** (SSIM; Wang et al., 2004, [doi 10.1109/TIP.2003.819861](https://doi.org/10.1109/TIP.2003.819861))
# distinguishes them. For two windows $a$ and $b$
# with means $\mu$, variances $\sigma^2$ and covariance $\sigma_{ab}$:
#
# $$\text{SSIM} = \frac{2\mu_a\mu_b + C_1}{\mu_a^2 + \mu_b^2 + C_1}
# \cdot \frac{2\sigma_{ab} + C_2}{\sigma_a^2 + \sigma_b^2 + C_2}$$
#
# The first factor compares brightness. The second factor compares the pattern: it is 1 only if both windows rise and fall
# together by the same amount. The constants $C_1 = (0.01 L)^2$ and $C_2 = (0.03 L)^2$, with the value range $L$, avoid a
# division by 0. Bergmann et al. (2018, [arXiv 1807.02011](https://arxiv.org/abs/1807.02011)) proposed SSIM for
# autoencoders.
#
# ### Exercise 09.2: SSIM of two windows
#
# *Medium, 15 minutes.*
#
# Return the SSIM of two windows `(h, w)` as one number. All pixels have equal weight. Variances and covariance are means
# over the pixels (divide by n). `value_range` is $L$. The windows can be `uint8` or float.
#
# Example: the SSIM of a window with itself is 1. A flat window of 100 and a flat window of 150 have an SSIM
# of about 0.923.


# %% exercise="09.2"
import numpy as np


def ssim(window_a: np.ndarray, window_b: np.ndarray, value_range: float = 255.0) -> float:
    """Return the structural similarity of two windows (h, w)."""
    a, b = window_a.astype(float), window_b.astype(float)
    c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    covariance = ((a - a.mean()) * (b - b.mean())).mean()
    brightness = (2 * a.mean() * b.mean() + c1) / (a.mean() ** 2 + b.mean() ** 2 + c1)
    pattern = (2 * covariance + c2) / (a.var() + b.var() + c2)
    return brightness * pattern


# %%
check("09.2", ssim)  # stuck? hint("09.2")

# %%
similarity_of = yours("09.2", course_ssim)
for name, window in windows.items():
    print(f"{name:14} SSIM of the whole window {similarity_of(windows['original'], window):.2f}")

# %% [markdown]
# For a map, `ssim_maps` compares the two windows of 11 x 11 px around each pixel, one in the tile and one in its
# reconstruction, with Gaussian weights. The figure above shows means of such maps. The anomaly score of a pixel is
# 1 - SSIM: 0 for a perfect reconstruction, up to 2 for an inverted pattern.

# %% [markdown]
# ## 5. Error maps
#
# ### Exercise 09.3: Error maps
#
# *Medium, 10 minutes.*
#
# Return a float array `(N, H, W)`: the absolute difference between `tiles` and `reconstructed`, smoothed by
# `scipy.ndimage.gaussian_filter` with `sigma` px down and across. Both inputs are `(N, H, W)` and can be `uint8`. Smooth
# each tile separately.
#
# Training takes about 10 seconds the first time.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.baselines.ssim import error_maps
from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb09.answers import smoothed_errors as course_errors
from aitex_utils.lessons.nb09.figures import plot_rows
from aitex_utils.lessons.nb09.setup import load_contest, load_network
from aitex_utils.plots import show

contest = load_contest()
network = load_network("as it comes")


# %% exercise="09.3"
import numpy as np
from scipy.ndimage import gaussian_filter


def smoothed_errors(tiles: np.ndarray, reconstructed: np.ndarray, sigma: float) -> np.ndarray:
    """Return absolute errors (N, H, W), smoothed within each tile."""
    errors = np.abs(tiles.astype(float) - reconstructed.astype(float))
    return gaussian_filter(errors, (0, sigma, sigma))


# %%
check("09.3", smoothed_errors)  # stuck? hint("09.3")

# %%
shown = contest.shown
errors_of = yours("09.3", course_errors)
images = {
    "tile": contest.tiles[shown],
    "pixel error": errors_of(contest.tiles[shown], network.reconstructed[shown], 4.0),
    "1 - SSIM": error_maps(contest.tiles[shown], network.reconstructed[shown], "ssim", 4.0),
}
caption = "Four tiles above their smoothed error maps. Each row has its own scale, because the units differ."
show(*plot_rows(images, contest.titles, caption, masks=contest.masks[shown]))

# %% [markdown]
# The maps are bright at some defects. Look also for bright places on normal fabric.

# %% [markdown]
# ## 6. A first verdict
#
# PatchCore has the settings of its paper, apart from the backbone and the score of a tile. It keeps 1 in 10 patches.
# PatchCore and the autoencoder (AE) have zero padding and no normalisation. We call this setting *as it comes*.
#
# Which difference in tile AUROC do you expect, **autoencoder with SSIM minus PatchCore**?

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import predict, reveal
from aitex_utils.lessons.nb09.setup import load_contest, load_network, network_maps, patchcore_maps, tile_scores
from aitex_utils.metrics import aupro, auroc, average_precision

contest = load_contest()
predict("09.b", -0.2, 0.1)

# %%
network = load_network("as it comes")
first_maps = {"PatchCore": patchcore_maps("as it comes")}
for error in ("pixel", "SSIM"):
    first_maps[f"AE, {error}"] = network_maps(network, error, normalize=False)
print("             tile AUROC  pixel AUROC  pixel AP  AUPRO 0.3")
for name, maps in first_maps.items():
    pixels = contest.masks[:, ::2, ::2], maps[:, ::2, ::2]  # every second pixel is enough
    values = auroc(contest.labels, tile_scores(maps)), auroc(*pixels), average_precision(*pixels)
    print("{:12} {:10.3f}  {:11.3f}  {:8.3f}  {:9.3f}".format(name, *values, aupro(maps, contest.masks)))
by_tile = [auroc(contest.labels, tile_scores(first_maps[name])) for name in ("AE, SSIM", "PatchCore")]
reveal("09.b", by_tile[0] - by_tile[1])

# %% [markdown]
# On the practice fabric, PatchCore has the highest tile AUROC, although all its pixel-level measures are the lowest. Is
# reconstruction the weaker idea? Before you believe a verdict, look at the mistakes of the weaker detector.

# %% [markdown]
# ## 7. Where the highest errors lie
#
# A single value turns a clean tile into a false alarm: the highest value of its map. Take a **frame** of 8 px along the
# four edges of a tile. It contains 12 % of the pixels. **In what share of the clean tiles does the frame contain the
# highest value of the pixel error?**

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.baselines.ssim import error_maps
from aitex_utils.lessons import check, hint, predict, quiz, reveal, yours
from aitex_utils.lessons.nb09.edges import describe_peaks, peaks_in_frame, share_of_frame
from aitex_utils.lessons.nb09.edges import error_by_distance as course_profile
from aitex_utils.lessons.nb09.figures import plot_dots, plot_profiles, plot_rows
from aitex_utils.lessons.nb09.setup import load_contest, load_network, network_maps, patchcore_maps, tile_scores
from aitex_utils.lessons.nb09.verdicts import describe_change
from aitex_utils.metrics import auroc
from aitex_utils.plots import show

contest = load_contest()
clean = ~contest.labels
predict("09.e", 5, 60, unit="%")

# %%
network = load_network("as it comes")
plain = {"PatchCore": patchcore_maps("as it comes")}
for error in ("pixel", "SSIM"):
    plain[f"AE, {error}"] = network_maps(network, error, normalize=False)
shares = {name: peaks_in_frame(maps[clean]) for name, maps in plain.items()}
reveal("09.e", 100 * shares["AE, pixel"], unit="%")
print(describe_peaks(shares, share_of_frame(256)))

# %% [markdown]
# How does the error depend on the distance to the edge?
#
# ### Exercise 09.6: Error by distance to the edge
#
# *Medium, 10 minutes.*
#
# `errors` is `(N, S, S)`. The distance of a pixel is the number of pixels between it and the **nearest** of the four edges:
# 0 for the outermost pixels. Return an array `(width,)`: at position d, the mean error of all pixels of all tiles at
# distance d.
#
# Example: for one tile of 3 x 3 with 8 in the outer ring and 1 in the middle, and `width = 2`, the result is `[8, 1]`.


# %% exercise="09.6"
import numpy as np


def error_by_distance(errors: np.ndarray, width: int) -> np.ndarray:
    """Return the mean error at each distance to the nearest edge, (width,)."""
    side = errors.shape[-1]
    line = np.minimum(np.arange(side), np.arange(side)[::-1])
    distances = np.minimum(line[:, None], line)  # (S, S)
    return np.array([errors[:, distances == d].mean() for d in range(width)])


# %%
check("09.6", error_by_distance)  # stuck? hint("09.6")

# %% [markdown]
# Training takes about 10 seconds the first time.

# %%
profile_of = yours("09.6", course_profile)
profiles = {}
for name in ("as it comes", "mirrored"):
    errors = error_maps(contest.tiles[clean], load_network(name).reconstructed[clean], "pixel")
    profiles[name] = profile_of(errors, 24)
show(*plot_profiles({"as it comes": profiles["as it comes"]}))

# %% [markdown]
# ### Read the figure and decide
#
# **Question.** Which explanation fits this figure?
# - a) Defects are more frequent near the edges of tiles
# - b) Near an edge, the convolutions see zeros instead of fabric, so the network reconstructs these pixels worse
# - c) The light is weaker at the edges of a strip
# - d) The training was too short

# %%
quiz("09.q6", "b")

# %% [markdown]
# <details><summary>Answer</summary>
#
# b. The tiles are clean, so (a) cannot explain the curve. Tiles are cut at arbitrary columns, so the light of a strip cannot
# follow all four edges (c). Longer training would lower the whole curve (d). Only the zero padding depends on the distance
# to the edge of the *tile*, and its effect fades within a few pixels.
#
# </details>
#
# ### The remedies
#
# PatchCore has the same problem, and the course's detector solves it (notebook 08). The autoencoder gets the same remedies:
#
# - **mirrored borders**: crops and tiles get a mirrored border of 16 px, which is cut off after the decoder;
# - **position-wise normalisation**: a map is divided by the typical error of the training tiles at each position;
# - **overlap**: neighbouring tiles share half of their width, and their maps are blended. Our test tiles are single tiles,
#   so only section 14 uses overlap.
#
# For comparison, we also compute a score without the frame. It misses all defects in the frame.

# %%
show(*plot_profiles(profiles))
mirrored = load_network("mirrored")
remedied = {"PatchCore": patchcore_maps("mirrored")}
for error in ("pixel", "SSIM"):
    remedied[f"AE, {error}"] = network_maps(mirrored, error, normalize=True)
dots = {}
for name in plain:
    by_setting = {"as it comes": tile_scores(plain[name]), "without frame": tile_scores(plain[name], frame=8)}
    by_setting["mirrored, normalised"] = tile_scores(remedied[name])
    dots[name] = {setting: auroc(contest.labels, scores) for setting, scores in by_setting.items()}
show(*plot_dots(dots, label="tile AUROC"))
for name, aurocs in dots.items():
    print(describe_change(name, aurocs["as it comes"], aurocs["mirrored, normalised"]))
print(describe_peaks({name: peaks_in_frame(maps[clean]) for name, maps in remedied.items()}, share_of_frame(256)))

# %% [markdown]
# The mirrored border lowers the errors at the edges, and the normalisation removes much of the rest. Most of PatchCore's
# lead disappears: the first verdict was mostly about padding, not about reconstruction. From here on, all detectors are
# *mirrored and normalised*, unless we say *as it comes*.
#
# <details><summary>In depth: the border must be there in training, too</summary>
#
# A mirrored border at test time alone makes the errors at the edge larger, not smaller. The network has never seen a mirrored
# weave, whose phase jumps at the edge, and it has adapted to zeros. So the crops get the border in training too, and the
# loss leaves the border out.
#
# </details>

# %% [markdown]
# ## 8. How certain is the difference?
#
# A difficult strip is difficult for most detectors, so its effect largely cancels in the **difference** between
# detectors. We resample the strips, and compute the difference in each draw.
#
# ### Exercise 09.4: Paired differences
#
# *Medium, 15 minutes.*
#
# `labels`, `scores_a`, `scores_b` and `groups` are arrays `(N,)`, one entry per tile. `groups` contains the strip
# number of each tile. `resamples` is `(draws, S)`: each row contains the numbers of S strips, some of them more than once.
#
# Return an array `(draws,)`: for each row, the AUROC of `scores_a` minus the AUROC of `scores_b`, on **all tiles of the
# row's strips together**. A strip that appears twice contributes its tiles twice. Use `auroc(labels, scores)`.
#
# Example: with `groups = [0, 0, 1]`, the row `[1, 1]` stands for tiles 2 and 2, and the row `[0, 1]` for tiles 0,
# 1 and 2.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.figures import plot_intervals
from aitex_utils.lessons.nb09.answers import paired_differences as course_differences
from aitex_utils.lessons.nb09.resampling import resample_strips
from aitex_utils.lessons.nb09.setup import load_contest, load_network, network_maps, patchcore_maps, tile_scores
from aitex_utils.lessons.nb09.verdicts import describe_difference
from aitex_utils.metrics import auroc
from aitex_utils.plots import show

contest = load_contest()


# %% exercise="09.4"
import numpy as np

from aitex_utils.metrics import auroc


def paired_differences(
    labels: np.ndarray,
    scores_a: np.ndarray,
    scores_b: np.ndarray,
    groups: np.ndarray,
    resamples: np.ndarray,
) -> np.ndarray:
    """Return the difference in AUROC (scores_a - scores_b), in each draw of strips."""
    differences = []
    for strips in resamples:
        rows = np.concatenate([np.flatnonzero(groups == strip) for strip in strips])
        auroc_a = auroc(labels[rows], scores_a[rows])
        differences.append(auroc_a - auroc(labels[rows], scores_b[rows]))
    return np.array(differences)


# %%
check("09.4", paired_differences)  # stuck? hint("09.4")

# %%
differences_of = yours("09.4", course_differences)
groups = np.unique(contest.groups, return_inverse=True)[1]
resamples = resample_strips(contest.labels, groups, 200)
detectors = {"PatchCore": tile_scores(patchcore_maps("mirrored"))}
for error in ("pixel", "SSIM"):
    detectors[f"AE, {error}"] = tile_scores(network_maps(load_network("mirrored"), error, normalize=True))
differences = {}
for a, b in (("AE, SSIM", "PatchCore"), ("AE, pixel", "PatchCore"), ("AE, SSIM", "AE, pixel")):
    drawn = differences_of(contest.labels, detectors[a], detectors[b], groups, resamples)
    differences[f"{a} - {b}"] = drawn
    print(describe_difference(a, b, drawn))
show(*plot_intervals(list(differences), list(differences.values()), label="difference in tile AUROC"))

# %% [markdown]
# If an interval contains 0, other strips could reverse the ranking. The single values in the next sections are at least as
# uncertain.

# %% [markdown]
# ## 9. Two more opponents
#
# ### A PCA on patches
#
# A principal component analysis (PCA) is the linear autoencoder of notebook 02. Apply it to PatchCore's **patches**
# instead of pixels: normal patches lie near a subspace of few directions. The score of a patch is its distance to
# this subspace. SubspaceAD (Lendering et al., 2026, [arXiv 2602.23013](https://arxiv.org/abs/2602.23013)) works this
# way with the features of a larger network.
#
# ### Exercise 09.8: PCA residuals
#
# *Medium, 15 minutes.*
#
# `normal` is `(M, C)`, and `patches` is `(N, C)`. Take the `k` orthonormal directions of largest variance of `normal`,
# around its mean. Return the distance of each patch to the subspace through this mean, `(N,)`.
#
# Example: the normal patches are (0, 0), (1, 0) and (2, 0), and `k = 1`. The patch (9, 0) has distance 0, and the patch
# (1, 3) has distance 3.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.figures import plot_intervals
from aitex_utils.lessons.nb09 import setup
from aitex_utils.lessons.nb09.pca import pca_residuals as course_residuals
from aitex_utils.lessons.nb09.verdicts import describe_difference
from aitex_utils.metrics import auroc
from aitex_utils.plots import show

contest = setup.load_contest()
training, test = setup.load_patches()  # (20, 32, 32, C) and (T, 32, 32, C)

# %% exercise="09.8"
import numpy as np


def pca_residuals(patches: np.ndarray, normal: np.ndarray, k: int) -> np.ndarray:
    """Return the distance of patches (N, C) to the subspace of k directions of normal patches."""
    mean = normal.mean(axis=0)
    directions = np.linalg.svd(normal - mean, full_matrices=False)[2][:k]  # (k, C)
    centred = patches - mean
    return np.linalg.norm(centred - centred @ directions.T @ directions, axis=1)


# %%
check("09.8", pca_residuals)  # stuck? hint("09.8")

# %% [markdown]
# We keep the directions that explain 90 % of the variance, a round number chosen before the test.

# %%
residuals_of = yours("09.8", course_residuals)
channels = training.shape[-1]
flat = training.reshape(-1, channels)[::4]
variances = np.linalg.eigvalsh(np.cov(flat, rowvar=False))[::-1]
k = int(np.searchsorted(variances.cumsum() / variances.sum(), 0.9)) + 1
print(f"{k} of {channels} directions explain 90 % of the variance")
distances = [residuals_of(p.reshape(-1, channels), flat, k).reshape(p.shape[:3]) for p in (training, test)]
pca_maps = setup.normalized_maps(*distances)
print(f"tile AUROC: PCA {auroc(contest.labels, setup.tile_scores(pca_maps)):.3f}", end=", ")
print(f"PatchCore {auroc(contest.labels, setup.tile_scores(setup.patchcore_maps('mirrored'))):.3f}")

# %% [markdown]
# ### A variational autoencoder
#
# A **variational autoencoder** (VAE) encodes a tile as a distribution: a mean $m$ and a variance $s^2$ per code
# value. In training, the decoder gets a random sample from this distribution. The loss has a second part, the
# Kullback-Leibler divergence from the standard normal distribution, with a weight of $2\beta$ per pixel:
#
# $$\text{loss} = \text{squared error} + 2 \beta \cdot \tfrac12 \sum (m^2 + s^2 - 1 - \ln s^2) / \text{pixels}$$
#
# This part keeps the codes of similar fabric close together, but costs sharpness. We set $\beta = 0.01$ before any test
# (`aitex_utils/baselines/variational.py`). Training takes about 10 seconds the first time.

# %%
autoencoder, vae = setup.load_network("mirrored"), setup.load_network("variational")
scores = {"PCA": setup.tile_scores(pca_maps), "PatchCore": setup.tile_scores(setup.patchcore_maps("mirrored"))}
for error in ("pixel", "SSIM"):
    scores[f"AE, {error}"] = setup.tile_scores(setup.network_maps(autoencoder, error, normalize=True))
    scores[f"VAE, {error}"] = setup.tile_scores(setup.network_maps(vae, error, normalize=True))
pairs = (("PCA", "PatchCore"), ("VAE, pixel", "AE, pixel"), ("VAE, SSIM", "AE, SSIM"))
drawn = {f"{a} - {b}": setup.bootstrap_differences(contest, scores[a], scores[b]) for a, b in pairs}
for a, b in pairs:
    print(describe_difference(a, b, drawn[f"{a} - {b}"]))
show(*plot_intervals(list(drawn), list(drawn.values()), label="difference in tile AUROC"))

# %% [markdown]
# ## 10. Learning and training
#
# According to notebook 02, only the autoencoder learns weights. So it should need more tiles than PatchCore, and its result
# should depend on a random start. We fit both detectors on 4 tiles instead of 20, then on all 20 with another seed.
# Training takes about 15 seconds the first time.

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.backbones import load_backbone
from aitex_utils.lessons import predict, reveal
from aitex_utils.lessons.nb09.figures import plot_dots
from aitex_utils.lessons.nb09.setup import load_contest, load_network, network_maps, patchcore_maps, tile_scores
from aitex_utils.metrics import auroc
from aitex_utils.plots import show

contest = load_contest()

# %%
dots = {"PatchCore": {}, "AE, pixel": {}, "AE, SSIM": {}}
for case, name in (("20 tiles", "mirrored"), ("4 tiles", "few tiles"), ("20 tiles, seed 1", "seed 1")):
    network = load_network(name)
    maps = {f"AE, {error}": network_maps(network, error, normalize=True) for error in ("pixel", "SSIM")}
    maps["PatchCore"] = patchcore_maps(name)
    for detector in dots:
        dots[detector][case] = auroc(contest.labels, tile_scores(maps[detector]))
show(*plot_dots(dots, label="tile AUROC"))

# %% [markdown]
# Compare both changes with the intervals of section 8. Four tiles contain thousands of crops, and a weave repeats itself,
# so they show most of its pattern. But they hardly show how *strips* differ.
#
# PatchCore stores a bank **and** a network, and the autoencoder only its weights. **How many times as many bytes does
# PatchCore need?**

# %%
predict("09.c", 10, 200, unit="times")

# %%
backbone = load_backbone("efficientnet_lite0").network
network_bytes = sum(p.numel() * p.element_size() for p in backbone.parameters())
bank_bytes = 20 * 1024 // 10 * 152 * 4  # tiles x patches, 1 in 10 kept, channels, bytes
weights = load_network("mirrored").nbytes
print(f"PatchCore: network {network_bytes / 2**20:.1f} MiB, bank {bank_bytes / 2**20:.1f} MiB")
print(f"autoencoder: weights {weights / 2**20:.1f} MiB")
reveal("09.c", (network_bytes + bank_bytes) / weights, unit="times")

# %% [markdown]
# One backbone serves all fabrics, but a bank grows with each tile. PatchCore learns no weights on *this fabric*,
# but the training of its backbone was expensive.

# %% [markdown]
# ## 11. Representation and score, crossed
#
# PatchCore and the autoencoder differ in two ways: the representation and the anomaly score. To separate their
# effects, cross them:
#
# | | reconstruction error | distance to a bank |
# |---|---|---|
# | **codes** | the autoencoder | its codes in a bank |
# | **pretrained features** | a PCA as in section 9, but with 30 directions | PatchCore |

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import MemoryBank
from aitex_utils.lessons.nb09 import setup
from aitex_utils.lessons.nb09.figures import plot_dots
from aitex_utils.lessons.nb09.pca import pca_residuals
from aitex_utils.lessons.nb09.verdicts import describe_crossed
from aitex_utils.metrics import auroc
from aitex_utils.plots import show

contest, network = setup.load_contest(), setup.load_network("mirrored")

# %%
codes, channels = network.training_codes, network.training_codes.shape[-1]
std = codes.reshape(-1, channels).std(axis=0)  # all channels have equal weight
bank = MemoryBank().add((codes[::2] / std).reshape(-1, channels))  # even tiles


def to_bank(some_codes):
    """Return the distance of each code to the bank, (N, H', W')."""
    return bank.search((some_codes / std).reshape(-1, channels), 1)[0].reshape(some_codes.shape[:3])


code_distances = setup.normalized_maps(to_bank(codes[1::2]), to_bank(network.codes))  # scale from odd tiles

# %%
training, test = setup.load_patches()
flat = training.reshape(-1, training.shape[-1])[::4]
residuals = [pca_residuals(p.reshape(-1, p.shape[-1]), flat, 30).reshape(p.shape[:3]) for p in (training, test)]
crossed_maps = {
    "codes, error": setup.network_maps(network, "pixel", normalize=True),
    "codes, distance": code_distances,
    "features, error": setup.normalized_maps(*residuals),
    "features, distance": setup.patchcore_maps("mirrored"),
}
aurocs = {name: auroc(contest.labels, setup.tile_scores(maps)) for name, maps in crossed_maps.items()}
show(*plot_dots({name: {"tile AUROC": value} for name, value in aurocs.items()}, label="tile AUROC"))
print(describe_crossed(aurocs))

# %% [markdown]
# A code made for reconstruction must encode where each thread lies. So the distance to a bank of such codes can be as
# large for a shifted thread as for a broken thread.

# %% [markdown]
# ## 12. The assumption
#
# The autoencoder assumes that *anomalies cannot be reconstructed*. This assumption should be true if the bottleneck
# is narrow. A **wide** code (16 channels, two halvings) has as many values as the tile has pixels. A **narrow** code
# has a single channel, a quarter of ours.
#
# We divide the error on the defect by the error elsewhere in the same tile, and take the median over the defective
# tiles. **Guess this ratio for the wide code**: 1 means that defects are reconstructed as well as threads.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons import predict, reveal
from aitex_utils.lessons.nb09 import setup
from aitex_utils.lessons.nb09.figures import plot_dots, plot_rows
from aitex_utils.metrics import auroc
from aitex_utils.plots import show

contest = setup.load_contest()
predict("09.d", 1, 3, unit="times")

# %% [markdown]
# Training takes about 20 seconds the first time.

# %%
CODES = {"narrow, 1 : 64": "narrow code", "ours, 1 : 16": "mirrored", "wide, 1 : 1": "wide code"}
networks = {name: setup.load_network(key) for name, key in CODES.items()}
ratios = {name: setup.error_ratio(network.reconstructed) for name, network in networks.items()}
print("code            loss   on defect   pixel    SSIM")
for name, network in networks.items():
    scores = [setup.tile_scores(setup.network_maps(network, error, normalize=True)) for error in ("pixel", "SSIM")]
    values = [auroc(contest.labels, error_scores) for error_scores in scores]
    print("{:14} {:5.3f} {:5.1f} times   {:.3f}   {:.3f}".format(name, network.loss, ratios[name], *values))
reveal("09.d", ratios["wide, 1 : 1"], unit="times")

# %%
shown = contest.shown
images = {"crop": setup.crop_defects(contest.tiles[shown], contest.masks[shown])}
for name, network in networks.items():
    crops = setup.crop_defects(network.reconstructed[shown], contest.masks[shown])
    images[name] = crops.clip(0, 255).astype(np.uint8)
caption = "Crops of 80 px around four defects, and their reconstructions from a narrow code, our code and a wide code."
show(*plot_rows(images, contest.titles, caption))

# %% [markdown]
# The wide code has the lowest loss, but reconstructs more of each defect. The narrow code loses details of threads
# and defects alike, and has a lower tile AUROC. Training takes about 10 seconds the first time. As it comes, the wide
# code looks useless:

# %%
wide_plain = setup.load_network("wide code as it comes")
dots = {}
for error in ("pixel", "SSIM"):
    maps = {"as it comes": setup.network_maps(wide_plain, error, normalize=False)}
    maps["mirrored, normalised"] = setup.network_maps(networks["wide, 1 : 1"], error, normalize=True)
    dots[f"wide code, {error}"] = {setting: auroc(contest.labels, setup.tile_scores(m)) for setting, m in maps.items()}
names = {"default layers": "mirrored", "first layer alone": "first layer", "late layer alone": "late layer"}
dots |= {f"PatchCore, {n}": {"mirrored, normalised": auroc(contest.labels, setup.tile_scores(setup.patchcore_maps(key)))}
         for n, key in names.items()}  # fmt: skip
show(*plot_dots(dots, label="tile AUROC, each assumption put to the test"))

# %% [markdown]
# The edges hid most of the defects that the wide code can find. Its errors inside a tile are small, so errors at the
# edges stand out.
# PatchCore's assumption, *anomalies are far from all normal patches*, depends on the features. The first layer alone encodes
# little more than contours and brightness, and has a lower tile AUROC.
#
# Each detector has one decisive setting, the code width or the set of layers. Normal tiles cannot show its right value.

# %% [markdown]
# ## 13. The same defects on one scale
#
# The maps have different units. One unit suits all: *the share of normal values that are smaller*.
#
# ### Exercise 09.5: One scale for all maps
#
# *Medium, 10 minutes.*
#
# `values` is an array of any shape, and `normal` is an unsorted array `(M,)`. For each value, return the **share of
# `normal`** that is **smaller**. Equal values do not count. The result has the shape of `values`. Read about
# `np.searchsorted`: a loop takes minutes on whole maps.
#
# Example: with `normal = [2, 1, 4, 3]`, the values `[1, 2, 7]` become `[0, 0.25, 1]`.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons import check, hint, quiz, yours
from aitex_utils.lessons.nb09.figures import plot_agreement, plot_rows
from aitex_utils.lessons.nb09.percentile_rank import percentile_rank as course_rank
from aitex_utils.lessons.nb09.setup import load_contest, load_network, network_maps, patchcore_maps, tile_scores
from aitex_utils.plots import show

contest = load_contest()
maps = {"PatchCore": patchcore_maps("mirrored")}
for error in ("pixel", "SSIM"):
    maps[f"AE, {error}"] = network_maps(load_network("mirrored"), error, normalize=True)

# %% exercise="09.5"
import numpy as np


def share_of_normal_below(values: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Return, for each value, the share of normal values that are smaller."""
    return np.searchsorted(np.sort(normal), values) / len(normal)


# %%
check("09.5", share_of_normal_below)  # stuck? hint("09.5")

# %% [markdown]
# The clean test tiles serve as *normal*, for figures only: a report needs a calibration set (notebook 07).

# %%
rank, shown = yours("09.5", course_rank), contest.shown
images = {"tile": contest.tiles[shown]}
for name, detector_maps in maps.items():
    normal = detector_maps[~contest.labels][:, ::4, ::4].ravel()
    images[name] = np.asarray(rank(detector_maps[shown], normal))
caption = "Four tiles, and the share of normal pixels with a smaller value, by detector. One scale, 0.95 to 1."
scales = {name: (0.95, 1.0) for name in maps}
show(*plot_rows(images, contest.titles, caption, masks=contest.masks[shown], scales=scales))

# %% [markdown]
# PatchCore's patches are 8 px apart and include their surroundings, so a thin defect becomes a broad spot. The pixel error
# follows the defect more closely.
#
# A tile counts as found if its score is above 95 % of the clean tiles' scores. Two dotted lines divide the next
# figure into four quadrants. Which quadrants contain the defective tiles?

# %%
scores = {name: tile_scores(detector_maps) for name, detector_maps in maps.items()}
pair = scores["PatchCore"], scores["AE, SSIM"]
limits = tuple(float(np.quantile(values[~contest.labels], 0.95)) for values in pair)
show(*plot_agreement(*pair, contest.labels, limits, ("PatchCore", "AE, SSIM")))

# %% [markdown]
# Two quadrants contain the tiles that only one detector finds. If one of them has no defective tile, one detector
# adds nothing.
#
# ### Choose and justify
#
# A fictitious mill allows 64 MiB in total and 50 ms per tile. It weaves ten fabrics with 30 normal strips each, and
# has collected 40 defective strips of one fabric.
#
# **Question.** What do you recommend?
# - a) PatchCore, because it has the higher mean in the papers
# - b) The autoencoder, because it needs the least memory
# - c) Compare both in a paired test on the 40 defective strips, within the limits, and then decide
# - d) Both together, because two detectors always find more

# %%
quiz("09.q7", "c")

# %% [markdown]
# <details><summary>Model answer</summary>
#
# c. Ten banks and a network can exceed 64 MiB, but a smaller coreset or a PCA fits, so memory alone does not decide. The means
# of papers come from other fabrics. Two detectors together find more only if they miss different defects, and their
# false alarms add up. With 40 defective strips, a paired comparison is possible: use it, and report the interval.
#
# </details>

# %% [markdown]
# ## 14. More fabrics, and the claims
#
# One fabric and a dozen strips are an anecdote. `python course.py bench notebook_09` runs the comparison on three practice
# fabrics, and on fabrics 00, 03 and 06 of AITEX. All detectors are fitted on 70 % of the normal strips, autoencoders in 250 steps.
# *All remedies* includes the overlap. Brackets contain 95 % intervals from a bootstrap over strips.
#
# | tile AUROC (C1) | practice, as it comes | without frame | all remedies | AITEX, as it comes | without frame | all remedies |
# |---|---|---|---|---|---|---|
# | PatchCore | {{results/notebook_09.json: practice.mean.patchcore.tile_auroc_c1: .3f}} | {{results/notebook_09.json: practice.mean.patchcore_without_frame.tile_auroc_c1: .3f}} | {{results/notebook_09.json: practice.mean.patchcore_fixed.tile_auroc_c1: .3f}} ({{results/notebook_09.json: practice.mean.patchcore_fixed.tile_auroc_c1_low: .2f}} to {{results/notebook_09.json: practice.mean.patchcore_fixed.tile_auroc_c1_high: .2f}}) | {{results/notebook_09.json: aitex.mean.patchcore.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.mean.patchcore_without_frame.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.mean.patchcore_fixed.tile_auroc_c1: .3f}} ({{results/notebook_09.json: aitex.mean.patchcore_fixed.tile_auroc_c1_low: .2f}} to {{results/notebook_09.json: aitex.mean.patchcore_fixed.tile_auroc_c1_high: .2f}}) |
# | AE, pixel error | {{results/notebook_09.json: practice.mean.pixel.tile_auroc_c1: .3f}} | {{results/notebook_09.json: practice.mean.pixel_without_frame.tile_auroc_c1: .3f}} | {{results/notebook_09.json: practice.mean.pixel_fixed.tile_auroc_c1: .3f}} ({{results/notebook_09.json: practice.mean.pixel_fixed.tile_auroc_c1_low: .2f}} to {{results/notebook_09.json: practice.mean.pixel_fixed.tile_auroc_c1_high: .2f}}) | {{results/notebook_09.json: aitex.mean.pixel.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.mean.pixel_without_frame.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.mean.pixel_fixed.tile_auroc_c1: .3f}} ({{results/notebook_09.json: aitex.mean.pixel_fixed.tile_auroc_c1_low: .2f}} to {{results/notebook_09.json: aitex.mean.pixel_fixed.tile_auroc_c1_high: .2f}}) |
# | AE, SSIM | {{results/notebook_09.json: practice.mean.ssim.tile_auroc_c1: .3f}} | {{results/notebook_09.json: practice.mean.ssim_without_frame.tile_auroc_c1: .3f}} | {{results/notebook_09.json: practice.mean.ssim_fixed.tile_auroc_c1: .3f}} ({{results/notebook_09.json: practice.mean.ssim_fixed.tile_auroc_c1_low: .2f}} to {{results/notebook_09.json: practice.mean.ssim_fixed.tile_auroc_c1_high: .2f}}) | {{results/notebook_09.json: aitex.mean.ssim.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.mean.ssim_without_frame.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.mean.ssim_fixed.tile_auroc_c1: .3f}} ({{results/notebook_09.json: aitex.mean.ssim_fixed.tile_auroc_c1_low: .2f}} to {{results/notebook_09.json: aitex.mean.ssim_fixed.tile_auroc_c1_high: .2f}}) |
# | PCA residual | {{results/notebook_09.json: practice.mean.pca.tile_auroc_c1: .3f}} | {{results/notebook_09.json: practice.mean.pca_without_frame.tile_auroc_c1: .3f}} | {{results/notebook_09.json: practice.mean.pca_fixed.tile_auroc_c1: .3f}} ({{results/notebook_09.json: practice.mean.pca_fixed.tile_auroc_c1_low: .2f}} to {{results/notebook_09.json: practice.mean.pca_fixed.tile_auroc_c1_high: .2f}}) | {{results/notebook_09.json: aitex.mean.pca.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.mean.pca_without_frame.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.mean.pca_fixed.tile_auroc_c1: .3f}} ({{results/notebook_09.json: aitex.mean.pca_fixed.tile_auroc_c1_low: .2f}} to {{results/notebook_09.json: aitex.mean.pca_fixed.tile_auroc_c1_high: .2f}}) |
# | VAE, pixel error | – | – | {{results/notebook_09.json: practice.mean.vae_pixel_fixed.tile_auroc_c1: .3f}} ({{results/notebook_09.json: practice.mean.vae_pixel_fixed.tile_auroc_c1_low: .2f}} to {{results/notebook_09.json: practice.mean.vae_pixel_fixed.tile_auroc_c1_high: .2f}}) | – | – | {{results/notebook_09.json: aitex.mean.vae_pixel_fixed.tile_auroc_c1: .3f}} ({{results/notebook_09.json: aitex.mean.vae_pixel_fixed.tile_auroc_c1_low: .2f}} to {{results/notebook_09.json: aitex.mean.vae_pixel_fixed.tile_auroc_c1_high: .2f}}) |
# | VAE, SSIM | – | – | {{results/notebook_09.json: practice.mean.vae_ssim_fixed.tile_auroc_c1: .3f}} ({{results/notebook_09.json: practice.mean.vae_ssim_fixed.tile_auroc_c1_low: .2f}} to {{results/notebook_09.json: practice.mean.vae_ssim_fixed.tile_auroc_c1_high: .2f}}) | – | – | {{results/notebook_09.json: aitex.mean.vae_ssim_fixed.tile_auroc_c1: .3f}} ({{results/notebook_09.json: aitex.mean.vae_ssim_fixed.tile_auroc_c1_low: .2f}} to {{results/notebook_09.json: aitex.mean.vae_ssim_fixed.tile_auroc_c1_high: .2f}}) |
#
# Without remedies, nearly all clean tiles have their highest value in the frame. The remedies raise the tile AUROC of the
# autoencoder and PCA by more than 0.1, and the tile AUROC of PatchCore by less.
#
# On the **practice fabrics**, the remedies erase PatchCore's lead. On **AITEX**, PatchCore stays ahead of the pixel
# error: the edges explain only part of its lead there. On both data sets, the PCA residual is level with PatchCore,
# but the PCA stores about {{results/notebook_09.json: practice.mean.pca_fixed.kib_learnt: .0f}} KiB instead of a
# bank. For both errors and data sets, the interval of the difference (VAE - AE) contains 0.
#
# The next table tests the claims with differences in tile AUROC (C1). A claim *holds* if the whole interval is on the
# predicted side of 0, and *fails* if it is on the other side. A claim that predicts no side holds if the interval
# excludes 0. Otherwise a claim is *open*.
#
# | row of notebook 02: claim | test | practice | AITEX | result |
# |---|---|---|---|---|
# | learning: the autoencoder needs more tiles | AE, SSIM: 5 tiles - all | {{results/notebook_09.json: practice.differences.few_ssim_fixed_minus_ssim_fixed_c1.low: +.3f}} to {{results/notebook_09.json: practice.differences.few_ssim_fixed_minus_ssim_fixed_c1.high: +.3f}} | {{results/notebook_09.json: aitex.differences.few_ssim_fixed_minus_ssim_fixed_c1.low: +.3f}} to {{results/notebook_09.json: aitex.differences.few_ssim_fixed_minus_ssim_fixed_c1.high: +.3f}} | practice open, AITEX holds |
# |  | PatchCore: 5 tiles - all | {{results/notebook_09.json: practice.differences.patchcore_few_fixed_minus_patchcore_fixed_c1.low: +.3f}} to {{results/notebook_09.json: practice.differences.patchcore_few_fixed_minus_patchcore_fixed_c1.high: +.3f}} | {{results/notebook_09.json: aitex.differences.patchcore_few_fixed_minus_patchcore_fixed_c1.low: +.3f}} to {{results/notebook_09.json: aitex.differences.patchcore_few_fixed_minus_patchcore_fixed_c1.high: +.3f}} | open on both |
# | training phase: the result depends on a random start | AE, SSIM: seed 1 - seed 0 | {{results/notebook_09.json: practice.differences.seed1_ssim_fixed_minus_ssim_fixed_c1.low: +.3f}} to {{results/notebook_09.json: practice.differences.seed1_ssim_fixed_minus_ssim_fixed_c1.high: +.3f}} | {{results/notebook_09.json: aitex.differences.seed1_ssim_fixed_minus_ssim_fixed_c1.low: +.3f}} to {{results/notebook_09.json: aitex.differences.seed1_ssim_fixed_minus_ssim_fixed_c1.high: +.3f}} | practice open, AITEX holds |
# | representation: pretrained features suit fabric | bank of codes - bank of features | {{results/notebook_09.json: practice.differences.codes_bank_fixed_minus_features_bank_fixed_c1.low: +.3f}} to {{results/notebook_09.json: practice.differences.codes_bank_fixed_minus_features_bank_fixed_c1.high: +.3f}} | {{results/notebook_09.json: aitex.differences.codes_bank_fixed_minus_features_bank_fixed_c1.low: +.3f}} to {{results/notebook_09.json: aitex.differences.codes_bank_fixed_minus_features_bank_fixed_c1.high: +.3f}} | holds on both |
# | anomaly score: distance finds more than error | features: bank - PCA | {{results/notebook_09.json: practice.differences.features_bank_fixed_minus_pca_fixed_c1.low: +.3f}} to {{results/notebook_09.json: practice.differences.features_bank_fixed_minus_pca_fixed_c1.high: +.3f}} | {{results/notebook_09.json: aitex.differences.features_bank_fixed_minus_pca_fixed_c1.low: +.3f}} to {{results/notebook_09.json: aitex.differences.features_bank_fixed_minus_pca_fixed_c1.high: +.3f}} | open on both |
# |  | codes: bank - AE, pixel error | {{results/notebook_09.json: practice.differences.codes_bank_fixed_minus_pixel_fixed_c1.low: +.3f}} to {{results/notebook_09.json: practice.differences.codes_bank_fixed_minus_pixel_fixed_c1.high: +.3f}} | {{results/notebook_09.json: aitex.differences.codes_bank_fixed_minus_pixel_fixed_c1.low: +.3f}} to {{results/notebook_09.json: aitex.differences.codes_bank_fixed_minus_pixel_fixed_c1.high: +.3f}} | practice fails, AITEX open |
# | assumption: a wide code reconstructs defects | AE, pixel error: wide - ours | {{results/notebook_09.json: practice.differences.wide_pixel_fixed_minus_pixel_fixed_c1.low: +.3f}} to {{results/notebook_09.json: practice.differences.wide_pixel_fixed_minus_pixel_fixed_c1.high: +.3f}} | {{results/notebook_09.json: aitex.differences.wide_pixel_fixed_minus_pixel_fixed_c1.low: +.3f}} to {{results/notebook_09.json: aitex.differences.wide_pixel_fixed_minus_pixel_fixed_c1.high: +.3f}} | holds on both |
# | PatchCore finds more than an autoencoder | AE, pixel error - PatchCore | {{results/notebook_09.json: practice.differences.pixel_fixed_minus_patchcore_fixed_c1.low: +.3f}} to {{results/notebook_09.json: practice.differences.pixel_fixed_minus_patchcore_fixed_c1.high: +.3f}} | {{results/notebook_09.json: aitex.differences.pixel_fixed_minus_patchcore_fixed_c1.low: +.3f}} to {{results/notebook_09.json: aitex.differences.pixel_fixed_minus_patchcore_fixed_c1.high: +.3f}} | practice open, AITEX holds |
# |  | AE, SSIM - PatchCore | {{results/notebook_09.json: practice.differences.ssim_fixed_minus_patchcore_fixed_c1.low: +.3f}} to {{results/notebook_09.json: practice.differences.ssim_fixed_minus_patchcore_fixed_c1.high: +.3f}} | {{results/notebook_09.json: aitex.differences.ssim_fixed_minus_patchcore_fixed_c1.low: +.3f}} to {{results/notebook_09.json: aitex.differences.ssim_fixed_minus_patchcore_fixed_c1.high: +.3f}} | open on both |
#
# A comparison ranks *programs*, not ideas.

# %% [markdown]
# ## 15. Open task
#
# ### Open task: A claim of your own
#
# *Hard, 30 minutes.*
#
# Test a claim about the two detectors that this notebook did not test. Examples: longer training helps, or SSIM is
# better under changed light. Report in at most eight sentences, with at most one table or figure.
#
# | points | for |
# |---|---|
# | 1 | a claim that a measurement can refute, and a prediction with a reason |
# | 1 | a test in which only one thing changes |
# | 1 | the same tiles for both, and the difference with a strip-level interval |
# | 1 | a check of where the highest values are |
# | 1 | a conclusion that goes no further than the data |

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons.nb09.setup import bootstrap_differences, load_contest, load_network, network_maps, tile_scores

contest = load_contest()
print(f"{len(contest.training)} tiles to learn from, {len(contest.tiles)} test tiles")

# %% [markdown]
# <details><summary>Worked answer</summary>
#
# *Claim*: under brighter light, SSIM has a higher tile AUROC than the pixel error. *Prediction*: yes, because a constant
# shift leaves variances and covariance unchanged, so it changes SSIM less.
#
# ```python
# from aitex_utils.baselines.ssim import error_maps
# from aitex_utils.lessons.nb09.edges import peaks_in_frame
#
# network, clean = load_network("mirrored"), ~contest.labels
# brighter = np.clip(contest.tiles.astype(int) + 15, 0, 255).astype(np.uint8)
# after = {}
# for error in ("pixel", "SSIM"):
#     before = tile_scores(network_maps(network, error, normalize=True))
#     maps = error_maps(brighter, network.reconstructed, error.lower(), 4.0) / network.scales[error.lower()]
#     after[error] = tile_scores(maps)
#     ratio = np.median(after[error][clean] / before[clean])
#     in_frame = 100 * peaks_in_frame(maps[clean])
#     print(f"{error}: median ratio {ratio:.2f}, highest value in the frame {in_frame:.0f} %")
# differences = bootstrap_differences(contest, after["SSIM"], after["pixel"])
# print("SSIM - pixel error:", np.quantile(differences, [0.025, 0.975]).round(3))
# ```
#
# *Report* for the practice fabric: in the median, a clean tile's score becomes 2.16 times as large with the pixel
# error, and 1.04 times with SSIM. The 95 % interval of the difference in tile AUROC (SSIM - pixel error) is -0.031 to
# +0.148. It contains 0, so the claim is open, although the scores changed as predicted. The frame contains the
# highest value in 3 % of the clean tiles with the pixel error, and in 50 % with SSIM. So the edges still decide many
# scores with SSIM. The test changes the light after the reconstruction. In use, the network also sees the brighter
# tile, so a second test must reconstruct the brighter tiles. One fabric and one network are not enough for a verdict
# on SSIM.
#
# </details>

# %% [markdown]
# ## Summary
#
# An autoencoder reconstructs normal tiles through a narrow code, and a large error is suspicious. A comparison is fair if
# training tiles, test tiles and scoring are the same, and if a paired bootstrap over strips tests the difference.
# The edges of tiles decided our first verdict: always look at the mistakes of the weaker detector. Compare every detector
# with a PCA residual.
#
# ### Quiz
#
# **1.** One autoencoder has a lower loss on normal tiles than another. Which is the better detector?
# - a) The autoencoder with the lower loss
# - b) The autoencoder with the higher loss
# - c) The loss does not decide
# - d) They are equally good

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import calibration, quiz

# %%
quiz("09.q1", "c")

# %% [markdown]
# <details><summary>Answer</summary>
#
# c. A network with a lower loss can reconstruct defects just as faithfully as threads. The gap between errors on
# defects and on normal fabric decides, and training never sees it.
#
# </details>
#
# **2.** Two detectors have the intervals 0.70 to 0.90 and 0.75 to 0.95 on the same strips. Is the second better?
# - a) No, the intervals overlap
# - b) Yes, both ends are higher
# - c) Only the interval of the paired difference can show it
# - d) More tiles of the same strips would settle it

# %%
quiz("09.q2", "c")

# %% [markdown]
# <details><summary>Answer</summary>
#
# c. Each interval reflects the random choice of strips, which affects both detectors. This effect largely cancels in the
# difference.
#
# </details>
#
# **3.** A tile is reconstructed a little too dark everywhere. How strongly does 1 - SSIM react, compared with the pixel error?
# - a) Less: it mainly compares patterns
# - b) More
# - c) Just the same

# %%
quiz("09.q3", "a")

# %% [markdown]
# <details><summary>Answer</summary>
#
# a. Variances and covariance do not change if all pixels become darker by the same amount. Only the factor of the means
# falls slightly.
#
# </details>
#
# **4.** The distances between an autoencoder's codes do not find defects well. What follows?
# - a) The training failed
# - b) Codes that are good for reconstruction need not separate classes
# - c) Distances are not a good anomaly score

# %%
quiz("09.q4", "b")

# %% [markdown]
# <details><summary>Answer</summary>
#
# b. Nothing in the training requires the code of a defect to be far from the codes of normal fabric.
#
# </details>
#
# **5.** On your own fabric, with 30 normal strips and no defects yet: how do you choose between the detectors?
# - a) By the better result in this notebook
# - b) By the lower loss or covering radius (notebook 04)
# - c) By running both, collecting defective strips, and then comparing the detectors in a paired test
# - d) By the smaller file

# %%
quiz("09.q5", "c")

# %% [markdown]
# <details><summary>Answer</summary>
#
# c. Without defects the question is open, and two detectors can find different defects.
#
# </details>
#
# Your guesses:

# %%
calibration()

# %% [markdown]
# **Read next**:
# - Bergmann et al., cited in section 4, who also *train* with SSIM;
# - Gong et al., 2019 ([arXiv 1904.02639](https://arxiv.org/abs/1904.02639)), an autoencoder with a memory;
# - Kingma and Welling, 2014 ([arXiv 1312.6114](https://arxiv.org/abs/1312.6114)), the variational autoencoder.
#
# **Next**: notebook 10, an experiment bench for your own choices.
