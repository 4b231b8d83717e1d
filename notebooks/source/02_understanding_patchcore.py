# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 02 Understanding PatchCore
#
# *{{version}}.*
#
# At the end of this notebook you can write PatchCore's formulas in NumPy, and explain their purpose.
#
# **You will be able to**
# 1. compute reconstruction errors, and name defects with a small error (exercise 02.1);
# 2. unfold a feature map into patches (exercise 02.2);
# 3. find the nearest vector of a memory bank for many patches at once (exercise 02.3);
# 4. compute three image scores, and choose one for given costs (exercise 02.4, section 9);
# 5. compute the paper's reweighting, and state how much it can change a score (exercise 02.5).
#
# **You need to know** NumPy's axes and broadcasting, and three terms from notebook 00. A *strip* is a photograph of
# fabric. A *tile* is a crop of 256 x 256 px. A *patch* is the feature vector of one position of a tile.
#
# **Contents**
#
# {{contents}}
#
# **Time**: about {{minutes}} for you, including the exercises, and {{cost}} for the computer.

# %% [markdown]
# ## 1. Reconstruction and memory
#
# Defects are rare, and new kinds keep appearing. A detector is therefore fitted on normal tiles, and measures how much
# a new tile differs from them. Two **anomaly scores** are common:
#
# - **Reconstruction error.** An **autoencoder** compresses its input into a short **code**, and reconstructs the input
#   from the code. It is trained on normal tiles. A large error indicates a defect.
# - **Distance to a memory.** A **memory bank** contains feature vectors of normal tiles. A large distance to all of
#   them indicates a defect. PatchCore uses this score.
#
# We compare both scores on toy data: patches with only **two channels**, so each patch is a point in a plane. Of 48
# normal patches, 47 form two clusters, and one rare patch is isolated. Three test patches come from defects: *off* lies
# away from both clusters, *between* in the gap, and *beyond* past one cluster. A fourth test patch, *rare, normal*,
# lies close to the rare patch.
#
# Each section has a code cell that begins with `# Start here again after a restart`. It imports all that the section
# needs, so you can continue there after a restart. *Run All Above Selected Cell* is another way.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import MemoryBank
from aitex_utils.lessons import check, hint, predict, reveal, yours
from aitex_utils.lessons.nb02 import reference
from aitex_utils.lessons.nb02.figures import plot_fields
from aitex_utils.lessons.nb02.setup import make_toy
from aitex_utils.plots import show

toy = make_toy()
mean = toy.bank.mean(axis=0)  # (C,)
directions = np.linalg.svd(toy.bank - mean)[2][:1]  # (K, C) = (1, 2): the direction of largest variance
for name, patch in toy.tests.items():
    print(f"{name:>13}: channels {patch[0]:5.2f} and {patch[1]:5.2f}")

# %% [markdown]
# The simplest autoencoder is **linear**. With a squared loss it learns the same subspace as a principal component
# analysis (Baldi and Hornik, 1989, [doi 10.1016/0893-6080(89)90014-2](https://doi.org/10.1016/0893-6080(89)90014-2)).
# Its parameters are the mean $\mu$ and $K$ orthonormal directions, the rows of $D$. For a point $x$:
#
# $$z = D\,(x - \mu), \qquad \hat x = D^\top z + \mu, \qquad \text{error} = \lVert x - \hat x\rVert$$
#
# With $K = 1$ the code is a single number, and all reconstructions lie on one line. In NumPy, for one point:

# %%
x = toy.tests["off"]
code = directions @ (x - mean)  # (K,)
reconstruction = directions.T @ code + mean  # (C,)
print(f"code {code.round(2)}, reconstruction {reconstruction.round(2)}")
print(f"reconstruction error {np.linalg.norm(x - reconstruction):.2f}")

# %% [markdown]
# ### Exercise 02.1: Reconstruction errors
#
# *Easy, 10 minutes.* Compute the errors of **many points at once**, without a loop. The points are now the rows of an
# array, so the matrix products change. Which factor comes first, and which factor is transposed? If you are stuck, call
# `hint("02.1")` in a new cell, once per hint.

# %% exercise="02.1"
import numpy as np


def reconstruction_errors(points: np.ndarray, mean: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return the distance between each point and its reconstruction by a linear autoencoder.

    points (N, C), mean (C,), directions (K, C) -> errors (N,)

    The directions are orthonormal: they have length 1 and are at right angles to one another.
    """
    codes = (points - mean) @ directions.T  # (N, K)
    reconstructed = codes @ directions + mean  # (N, C)
    return np.linalg.norm(points - reconstructed, axis=1)


# %%
check("02.1", reconstruction_errors)  # stuck? hint("02.1")

# %% [markdown]
# Most normal patches have small errors. Guess the **ratio** of the error of the defect *beyond* to the median error of
# normal patches. Give a range that you are 80 % sure of.

# %%
predict("02.a", 0.2, 5, unit="times")

# %%
errors_of = yours("02.1", reference.reconstruction_errors)
typical_error = np.median(errors_of(toy.bank, mean, directions))
reveal("02.a", errors_of(toy.tests["beyond"][None], mean, directions)[0] / typical_error, unit="times")
signals = {
    "autoencoder: error": errors_of(toy.grid, mean, directions),
    "memory: distance": MemoryBank().add(toy.bank).search(toy.grid, 1)[0],
}
fields = {title: np.reshape(values, toy.shape) for title, values in signals.items()}
show(*plot_fields(toy.bank, fields, toy.tests, label="anomaly score"))

# %% [markdown]
# The left panel is dark along a whole line: the autoencoder reconstructs *between* and *beyond* well, and *rare,
# normal* has the largest error of the four test patches. The right panel is dark only near normal patches, so all three
# defects have larger distances than *rare, normal*.
#
# A small error means that the code can express a patch, not that the patch is normal. Deep autoencoders, too,
# reconstruct some anomalies well (Gong et al., 2019, [arXiv 1904.02639](https://arxiv.org/abs/1904.02639)).

# %% [markdown]
# ## 2. PatchCore and autoencoders compared
#
# A **variational autoencoder** (VAE, Kingma and Welling, 2014, [arXiv 1312.6114](https://arxiv.org/abs/1312.6114))
# learns not only codes but also their probability distribution, so it can generate new samples. Such models are
# **generative**: they model the distribution of normal data. PatchCore uses a **discriminative** network, which was
# trained to distinguish classes.
#
# | | autoencoder or VAE | PatchCore |
# |---|---|---|
# | **Learning** | weights trained on normal tiles, generative in a VAE | none on fabric: a discriminative, pretrained network stays as it is |
# | **Training phase** | many passes over the tiles, with a learning rate, a code size and a stopping rule to choose | one pass to store patches, then optional coreset subsampling |
# | **Representation** | a code learned for the reconstruction of this fabric | features learned for the classification of photographs |
# | **Anomaly score** | difference between input and reconstruction | distance to the nearest stored patch |
# | **Assumption** | anomalies cannot be reconstructed | anomalies are far from all normal patches in feature space |
#
# Each row is a claim. The notebook on autoencoders tests all five on both detectors.
#
# ### Why features of photographs suit fabric
#
# The network is an **ImageNet-pretrained backbone**. It learned to distinguish 1,000 classes in over a million
# photographs. The early and middle layers respond to edges, line spacing, orientation and texture, which all classes
# share. A weave contains the same elements, and a broken or missing thread changes them. The features therefore
# separate many defects from normal fabric, although no weight was tuned on fabric. The last layers are specialised for
# the 1,000 classes. Notebook 03 measures which layers suit fabric best.

# %% [markdown]
# ## 3. The pipeline and its terms
#
# The diagram shows PatchCore's five steps, with the shape of the data after each.

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons.nb02.figures import plot_steps
from aitex_utils.plots import show

begin = [("", "tile", (256, 256)), ("1 extract", "feature map", (152, 32, 32)), ("2 unfold", "patches", (1024, 152))]
fit = [*begin, ("3 store", "memory bank", (12288, 152)), ("optional\nsubsample", "coreset", (1229, 152))]
test = [*begin, ("4 search", "distances", (1024,)), ("5 score", "image score", ())]
show(*plot_steps({"Fit, on 12 normal tiles": fit, "Test, per tile": test}))

# %% [markdown]
# Here a tile becomes 1,024 patches, because tiles are not enlarged. Fitting stores the patches of normal tiles, and
# testing compares new patches with them. The **coreset**, a subset of the bank, is optional: the formulas stay the
# same.
#
# ### Two meanings of *patch*
#
# Papers and programs use the word for two objects:
#
# | | image patch | patch feature |
# |---|---|---|
# | **type** | rectangle of pixels | vector of numbers |
# | **source** | cut out of a strip | read from a feature map at one position |
# | **shape** | (256, 256) grey values | (C,), here 152 channels |
# | **purpose** | input of the network, at a size that keeps threads visible | description of one position and its surroundings |
# | **memory bank content** | never stored | each row of the bank |
# | **unit of similarity** | two images, compared as a whole | two positions, compared by Euclidean distance |
# | **name in this course** | **tile** | **patch** |
#
# ### Where the name comes from
#
# The bank contains **patch** features, reduced to a **core**set: PatchCore (Roth et al., 2022,
# [arXiv 2106.08265](https://arxiv.org/abs/2106.08265)). PatchCore compares a patch with patches from all images and
# positions. This suits fabric, because a weave repeats, but not at fixed positions.
#
# <details><summary>In depth: two earlier detectors</summary>
#
# - SPADE (Cohen and Hoshen, 2020, [arXiv 2005.02357](https://arxiv.org/abs/2005.02357)) finds similar normal *images*
#   first, and then compares patches with these images only.
# - PaDiM (Defard et al., 2021, [arXiv 2011.08785](https://arxiv.org/abs/2011.08785)) stores a mean and a covariance for
#   each *position*, and measures the Mahalanobis distance to them.
#
# </details>

# %% [markdown]
# ## 4. Unfolding a feature map
#
# The network returns a **feature map** $F$ of shape $(C, H', W')$, one small image per channel. A patch contains all
# channels at one position $(h, w)$. The $N = H'W'$ patches are numbered row by row:
#
# $$p_{\,h W' + w} = F_{:,\,h,\,w} \in \mathbb{R}^C, \qquad h = 0 \dots H'-1,\quad w = 0 \dots W'-1$$
#
# In NumPy, patch $(h, w)$ is `F[:, h, w]`. The arrays $(C, H', W')$ and $(N, C)$ have the same number of values, so
# `F.reshape(-1, C)` raises no error. The next cell shows the result, with three channels as red, green and blue.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb02 import reference
from aitex_utils.lessons.nb02.figures import plot_refolded
from aitex_utils.lessons.nb02.setup import make_toy
from aitex_utils.plots import show

down, right = np.mgrid[:6, :8]
colours = np.stack([right / 7, down / 5, (down + right) % 2])  # (C, H', W') = (3, 6, 8)
mixed = colours.reshape(-1, 3)  # (48, 3): the right shape, but the wrong patches
folded_back = mixed.reshape(6, 8, 3).transpose(2, 0, 1)  # each row at the position of its patch
show(*plot_refolded({"feature map": colours, "reshape only": folded_back}))

# %% [markdown]
# The colours are scrambled, because the array is stored channel by channel. `reshape` cuts this sequence into groups of
# $C$. Most rows therefore contain neighbouring values of *one* channel, and the detector fails without an error
# message.
#
# ### Exercise 02.2: Unfold a feature map
#
# *Easy, 5 minutes.* Return one patch per row, in the order of the formula, for any $C$, $H'$ and $W'$.

# %% exercise="02.2"
import numpy as np


def unfold(feature_map: np.ndarray) -> np.ndarray:
    """Return the patches of a feature map, row by row: (C, H', W') -> (H' * W', C)."""
    channels = feature_map.shape[0]
    return feature_map.reshape(channels, -1).T


# %%
check("02.2", unfold)  # stuck? hint("02.2")

# %%
unfold_map = yours("02.2", reference.unfold)
unfolded = np.asarray(unfold_map(colours))  # (48, 3)
moved = np.moveaxis(colours, 0, -1).reshape(-1, 3)  # another way: channels last, then reshape
restored = {"feature map": colours, "unfolded": unfolded, "moved": moved}
restored = {title: a if a.ndim == 3 else a.T.reshape(3, 6, 8) for title, a in restored.items()}
show(*plot_refolded(restored))

# %% [markdown]
# Both ways keep every colour at its position. `reshape(-1, C)` is right only if the channels are the last axis, as in
# the output of the course's `PatchFeatures`.

# %% [markdown]
# ## 5. The memory bank and its coreset
#
# Let $\mathcal{X}$ be the normal tiles and $P(x)$ the set of patches of tile $x$. The **memory bank** is their union:
#
# $$\mathcal{M} = \bigcup_{x \in \mathcal{X}} P(x)$$
#
# In NumPy it is one `concatenate`:

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import k_center_greedy
from aitex_utils.lessons import yours
from aitex_utils.lessons.nb02 import reference
from aitex_utils.lessons.nb02.figures import plot_coreset
from aitex_utils.lessons.nb02.setup import make_toy
from aitex_utils.plots import show

toy = make_toy()
unfold_map = yours("02.2", reference.unfold)
bank = np.concatenate([unfold_map(feature_map) for feature_map in toy.feature_maps])  # (M, C)
print(f"{len(toy.feature_maps)} maps x {3 * 4} positions = {len(bank)} patches of {bank.shape[1]} channels")
strip_bytes = 12 * 1024 * 152 * 4  # tiles x patches x channels x bytes of a float32
print(f"One strip of fabric adds {strip_bytes / 2**20:.0f} MiB to a real bank.")

# %% [markdown]
# The union stores neither the image nor the position of a patch, and it grows with every strip.
#
# **Coreset subsampling** keeps a few patches such that every patch has a kept patch nearby. PatchCore uses **k-center
# greedy**: it always adds the patch with the largest distance to its nearest kept patch. The largest remaining distance
# is the **covering radius** $r$ of the coreset $\mathcal{M}_C$:
#
# $$r = \max_{p \in \mathcal{M}}\; \min_{m \in \mathcal{M}_C} \lVert p - m \rVert, \qquad \mathcal{M}_C \subset \mathcal{M}$$

# %%
kept, radii = k_center_greedy(bank.astype(np.float32), 8, seed=0, projection=None)
r = np.linalg.norm(bank[:, None] - bank[kept][None], axis=2).min(axis=1).max()
show(*plot_coreset(bank, kept, r))

# %% [markdown]
# The isolated patch is kept early, because it is far from all others. A random choice would probably lose it, so rare
# but normal fabric would cause false alarms. Every dropped vector has a kept vector within $r$, so no distance to the
# bank grows by more than $r$. Notebook 04 implements k-center greedy.

# %% [markdown]
# ## 6. The nearest neighbour
#
# The **patch-level anomaly score** is the distance $d$ between a patch $p$ and its nearest vector $m^*$ of the bank:
#
# $$m^{*}(p) = \arg\min_{m \in \mathcal{M}} \lVert p - m \rVert_2, \qquad d(p) = \lVert p - m^{*}(p) \rVert_2$$
#
# **Try it.** Move the patch with the sliders across the gap between the clusters. Does $m^*$ change suddenly? Does the
# distance? Where sliders do not run, change the numbers in `stills`, and run the cell again.

# %% tags=["start-here"]
# Start here again after a restart
from functools import partial

import numpy as np

from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb02 import reference
from aitex_utils.lessons.nb02.figures import plot_nearest
from aitex_utils.lessons.nb02.setup import make_toy
from aitex_utils.lessons.sliders import show_with_sliders

bank = make_toy().bank  # (M, C)
patch = np.array([0.8, -1.7])  # (C,)
to_bank = np.linalg.norm(bank - patch, axis=1)  # (M,)
print(f"m* is vector {to_bank.argmin()}, d = {to_bank.min():.2f}")

# %%
stills = [{"x": 0.8, "y": -1.7}, {"x": -0.1, "y": 0.3}, {"x": -0.4, "y": 1.6}]
show_with_sliders(partial(plot_nearest, bank), stills, x=(-4.0, 4.0, 0.1, 0.8), y=(-2.6, 2.8, 0.1, -1.7))

# %% [markdown]
# The circle around the patch contains no vector of the bank, and its radius is the score. A patch in a wide gap
# therefore gets a large score.
#
# <details><summary>Answer</summary>
#
# The neighbour changes suddenly, and the distance does not. Where the neighbour changes, both vectors are equally far
# away, so the score does not jump.
#
# </details>
#
# ### Exercise 02.3: Nearest distances without a loop
#
# *Medium, 15 minutes.* A tile has 1,024 patches. For **each** patch, return the distance to its nearest vector, and the
# index of this vector. Return two arrays: first the distances, then the indices, as integers. Build a table of all
# distances, with a row per patch and a column per vector. The check also accepts a loop, but a loop is slow on a tile.

# %% exercise="02.3"
import numpy as np


def nearest(patches: np.ndarray, bank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance between each patch and its nearest vector of the bank, and the index of that vector.

    patches (n, C), bank (M, C) -> distances (n,), indices (n,)

    If several vectors are equally near, the index of any of them is right.
    """
    differences = patches[:, None] - bank[None]  # (n, M, C)
    table = np.sqrt((differences**2).sum(axis=2))  # (n, M)
    return table.min(axis=1), table.argmin(axis=1)


# %%
check("02.3", nearest)  # stuck? hint("02.3")

# %%
find_nearest = yours("02.3", reference.nearest)
own_distances = np.asarray(find_nearest(bank, bank)[0])  # (M,)
others = [find_nearest(bank[i : i + 1], np.delete(bank, i, axis=0))[0][0] for i in range(len(bank))]
print(f"largest distance of a stored patch to the bank:         {own_distances.max():.2f}")
print(f"median distance to the bank without the patch itself:   {np.median(others):.2f}")

# %% [markdown]
# Each stored patch finds itself at distance 0, but without itself its distance is positive. The distances of training
# tiles therefore say nothing about new normal fabric: use strips that are not in the bank.

# %% [markdown]
# ## 7. Distance metrics and approximate search
#
# The paper uses the Euclidean distance. Other metrics are possible: the L1 distance $\sum_c |p_c - m_c|$, the cosine
# distance, which ignores the length of vectors, and the Mahalanobis distance, which accounts for the covariance. A
# metric defines which differences count. The next cells use another unit for channel 1, so its values are a quarter as
# large.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons import yours
from aitex_utils.lessons.nb02 import reference
from aitex_utils.lessons.nb02.figures import plot_fields
from aitex_utils.lessons.nb02.setup import make_toy
from aitex_utils.plots import show

toy = make_toy()
find_nearest = yours("02.3", reference.nearest)
units = np.array([0.25, 1.0])

# %%
distances = {
    "Euclidean": find_nearest(toy.grid, toy.bank)[0],
    "channel 1 in other units": find_nearest(toy.grid * units, toy.bank * units)[0],
}
fields = {title: np.reshape(values, toy.shape) for title, values in distances.items()}
show(*plot_fields(toy.bank, fields, toy.tests))

# %% [markdown]
# In the right panel the dark regions are stretched along channel 1, and *between* scores far lower. The scale of the
# features is part of the detector. **Whitening**, in notebook 03, gives all directions the same variance.
#
# **Squared distances.** FAISS and other libraries return $d^2$ to avoid the square root. The nearest vector and the
# ranking of maxima stay the same. The ranking of means can change:

# %%
even_tile, peaked_tile = np.full(6, 2.0), np.array([1.0, 1.0, 1.0, 1.0, 1.0, 5.5])
for name, d in {"even": even_tile, "peaked": peaked_tile}.items():
    print(f"{name:>7} tile: mean distance {d.mean():.2f}, mean squared distance {(d**2).mean():.2f}")

# %% [markdown]
# The two means rank the tiles differently. This course always uses distances, not squares.
#
# **Approximate search.** An exact search compares each patch with all $M$ vectors. An index such as IVF or HNSW
# examines only some of them, and product quantisation (PQ) compresses the vectors. A missed nearest vector makes the
# distance too large. Notebook 05 measures the speed and the misses.

# %% [markdown]
# ## 8. Image scores
#
# An inspector decides about whole tiles, so the $N$ distances $d_1 \dots d_N$ must become one **image-level anomaly
# score**, here *image score*:
#
# $$s_{\max} = \max_i d_i, \qquad s_{\text{mean}} = \frac{1}{N}\sum_i d_i$$
# $$s_{\text{top}} = \text{mean of the } n \text{ largest } d_i, \qquad n = \max(1,\ \text{round}(\text{share} \cdot N))$$
#
# In NumPy the first two are `distances.max()` and `distances.mean()`. The third is the **top share**.
#
# ### Exercise 02.4: Three image scores
#
# *Medium, 10 minutes.* Return all three scores, in this order. At least one distance must count in the third, and $n$
# is rounded, not truncated. For `[[1, 9, 2, 3], [8, 0.5, 4, 2.5]]` and a share of a quarter, the third score is the
# mean of 9 and 8.

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb02 import reference
from aitex_utils.lessons.nb02.decision import SCORES, SHARE, simulate_distances
from aitex_utils.lessons.nb02.figures import plot_image_scores
from aitex_utils.plots import show

knot, light = (simulate_distances(kind, 1)[0] for kind in ("knot", "uneven light"))  # (H', W') each
print(f"distances of a tile: {knot.shape}, from {knot.min():.2f} to {knot.max():.2f}")

# %% exercise="02.4"
import numpy as np


def image_scores(distances: np.ndarray, share: float) -> tuple[float, float, float]:
    """Return the maximum, the mean and the mean of the largest `share` of distances.

    distances (H', W'), share 0 to 1 -> three numbers

    At least one distance counts in the third.
    """
    count = max(1, round(share * distances.size))
    largest = np.sort(distances, axis=None)[-count:]
    return distances.max(), distances.mean(), largest.mean()


# %%
check("02.4", image_scores)  # stuck? hint("02.4")

# %% [markdown]
# The next cell scores two simulated tiles of 32 x 32 positions. One has a knot of 2 x 2 positions. The other is normal,
# but uneven light slightly raises all distances in its right half.

# %%
score_tile = yours("02.4", reference.image_scores)
tiles = {"knot": knot, "uneven light": light}
values = {name: dict(zip(SCORES, map(float, score_tile(d, SHARE)), strict=True)) for name, d in tiles.items()}
scores = {score: {name: values[name][score] for name in tiles} for score in SCORES}
show(*plot_image_scores(tiles, scores))

# %% [markdown]
# The mean ranks the normal tile above the defective tile, because 4 of 1,024 positions hardly change it. The maximum
# finds the knot, but depends on a single position. The top share averages the 10 largest distances, and only just ranks
# the knot first.

# %% [markdown]
# ## 9. An image score for given costs
#
# A mill inspects 10,000 tiles per day. The table states how many tiles of each kind it expects. A missed knot costs 50
# euros. A flagged tile without a knot is a false alarm, and costs 1 euro.
#
# | kind of tile | tiles per day | effect on the distances |
# |---|---|---|
# | plain | 8,880 | none |
# | knot, a defect | 20 | 2 x 2 positions are raised |
# | dust | 1,000 | a single position is raised |
# | uneven light | 100 | the right half is raised a little |
#
# Each score's threshold flags 1 in 100 plain tiles. The next cell shows the share of flagged tiles.

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import quiz, yours
from aitex_utils.lessons.nb02 import reference
from aitex_utils.lessons.nb02.decision import describe_costs, describe_shares, expected_costs, flagged_shares

score_tile = yours("02.4", reference.image_scores)
shares = flagged_shares(score_tile)
print(describe_shares(shares))

# %% [markdown]
# ### Choose and justify: an image score for the mill
#
# *Medium, 5 minutes.* Compute the costs of each score from the two tables. Choose a score, and write down which kind of
# tile decides, and what this kind costs per day. Then answer:
#
# Which image score has the lowest expected cost per day in this mill?
#
# - a) The maximum.
# - b) The top share.
# - c) The mean.

# %%
quiz("02.q6", "b")

# %%
print(describe_costs(expected_costs(shares)))
small_knots = flagged_shares(score_tile, knot_side=1)
print("With knots of a single position:", describe_costs(expected_costs(small_knots)))

# %% [markdown]
# <details><summary>Model answer</summary>
#
# The top share. Missed knots decide against the mean: it misses most of the 20 knots, at 50 euros each. Dust decides
# between the other two: both find nearly all knots, but the maximum flags more than twice as many of the 1,000
# dusty tiles, at 1 euro each. Plain tiles cost the same for all scores, and uneven light costs at most 100 euros.
#
# The decision depends on the size of the knots. With knots of a single position, the top share misses about one third
# of them, and the maximum is cheaper.
#
# </details>
#
# With smaller knots, another score is cheapest: no image score is best for every defect. Before you choose, define the
# smallest defect that matters.

# %% [markdown]
# ## 10. Reweighting
#
# The paper adjusts the maximum for the density of the bank around the nearest vector $m^*$. An isolated $m^*$ means
# that such fabric was rarely seen, so the score stays high. If $m^*$ lies in a dense cluster, the score is lowered
# slightly. Equations 6 and 7, for the patch $p$ with the tile's largest distance:
#
# $$s^* = \lVert p - m^* \rVert, \qquad s = \left(1 - \frac{\exp \lVert p - m^* \rVert}{\sum_{m \in \mathcal{N}_b(m^*)} \exp \lVert p - m \rVert}\right) \cdot s^*$$
#
# $\mathcal{N}_b(m^*)$ contains the $b$ vectors of the bank nearest **to $m^*$**, not to $p$. The first of them is $m^*$
# itself. The exponents are the distances between these vectors and $p$.

# %% tags=["start-here"]
# Start here again after a restart
from functools import partial

import numpy as np

from aitex_utils.lessons import check, hint, predict, reveal, yours
from aitex_utils.lessons.nb02 import reference
from aitex_utils.lessons.nb02.figures import plot_fields, plot_reweighted
from aitex_utils.lessons.nb02.setup import make_toy
from aitex_utils.lessons.sliders import show_with_sliders
from aitex_utils.plots import show

toy = make_toy()
bank, b = toy.bank, 9

# %%
patch = toy.tests["off"]  # (C,)
to_patch = np.linalg.norm(bank - patch, axis=1)  # (M,)
m_star = to_patch.argmin()
neighbours = np.linalg.norm(bank - bank[m_star], axis=1).argsort()[:b]  # (b,) indices, m* first
share_of_sum = np.exp(to_patch[m_star]) / np.exp(to_patch[neighbours]).sum()
print(f"s* = {to_patch[m_star]:.3f}, factor {1 - share_of_sum:.3f}, s = {(1 - share_of_sum) * to_patch[m_star]:.3f}")
with np.errstate(over="ignore", invalid="ignore"):
    print("the same quotient for distances of about 1,000:", np.exp(1000.0) / np.exp([1000.0, 1003.0]).sum())

# %% [markdown]
# ### Exercise 02.5: Equation 7 without overflow
#
# *Medium, 12 minutes.* The last line prints `nan`: `exp` overflows above about 700 in float64, and above 88 in float32.
# Find a change to the exponents that leaves the quotient unchanged and prevents the overflow. Explain to yourself why,
# then write the function.

# %% exercise="02.5"
import numpy as np


def reweighted(patch: np.ndarray, bank: np.ndarray, b: int) -> float:
    """Return the score s of a patch by equation 7 of the paper, for distances of any size.

    patch (C,), bank (M, C), b neighbours (2 to M) -> a number
    """
    to_patch = np.linalg.norm(bank - patch, axis=1)  # (M,)
    m_star = to_patch.argmin()
    to_m_star = np.linalg.norm(bank - bank[m_star], axis=1)  # (M,)
    neighbours = np.argsort(to_m_star)[:b]  # m* among them
    largest = to_patch[neighbours].max()
    share = np.exp(to_patch[m_star] - largest) / np.exp(to_patch[neighbours] - largest).sum()
    return (1 - share) * to_patch[m_star]


# %%
check("02.5", reweighted)  # stuck? hint("02.5")

# %% [markdown]
# Guess: by **at most** how many per cent can equation 7 with $b = 9$ lower a score, for any bank and any patch?

# %%
predict("02.b", 5, 50, unit="%")

# %%
reweight = yours("02.5", reference.reweighted)
reveal("02.b", 100 / b, unit="%")
distances = np.array([np.linalg.norm(bank - point, axis=1).min() for point in toy.grid])
losses = 100 * (1 - np.array([float(reweight(point, bank, b)) for point in toy.grid]) / distances)
show(*plot_fields(bank, {"equation 7": losses.reshape(toy.shape)}, toy.tests, label="loss of score (%)", step=2))

# %% [markdown]
# The loss is small in the whole region where the isolated vector is $m^*$, and larger elsewhere. It never exceeds
# $1/b$: reweighting can swap the ranks of two tiles only if their scores are close.
#
# <details><summary>In depth: why the loss is at most 1/b</summary>
#
# The numerator is also one term of the sum, because $m^*$ is its own first neighbour. As $m^*$ is the nearest vector of
# all, its distance is the smallest of the $b$ exponents, so its term is the smallest of the $b$ terms. The smallest of
# $b$ terms is at most the mean of the terms, which is $1/b$ of their sum. The quotient is therefore at most $1/b$, and
# the factor is at least $1 - 1/b$. The factor is below 1, because the quotient is positive.
#
# </details>
#
# **Try it.** Move the patch. Where is the factor close to $1 - 1/b$, and where close to 1? What does the formula give
# for $b = 1$?

# %%
positions = [{"x": 0.8, "y": -1.7, "b": 9}, {"x": -0.4, "y": 1.6, "b": 9}, {"x": 3.6, "y": 1.5, "b": 9}]
ranges = {"x": (-4.0, 4.0, 0.1, 0.8), "y": (-2.6, 2.8, 0.1, -1.7), "b": (1, 20, 1, 9)}
show_with_sliders(partial(plot_reweighted, bank), positions, **ranges)

# %% [markdown]
# The rings mark the neighbours of $m^*$. If all rings are about equally far from the patch, the factor is close to
# $1 - 1/b$. If most are much farther than $m^*$, it is close to 1.
#
# <details><summary>Answer</summary>
#
# The factor is closest to $1 - 1/b$ in and near the clusters, where all $b$ distances are nearly equal. It is close to
# 1 near the isolated vector, whose neighbours are far away. With $b = 1$ the quotient is 1 and every score becomes 0,
# which is useless.
#
# </details>

# %% [markdown]
# ## 11. PatchCore on fabric
#
# The formulas stay the same, but a patch now has 152 channels instead of 2. The next cell loads the feature maps of 12
# normal training tiles, and of test tiles from other strips. This takes about 15 seconds the first time.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import MemoryBank
from aitex_utils.lessons import predict, reveal, yours
from aitex_utils.lessons.nb02 import reference
from aitex_utils.lessons.nb02.figures import describe_found, describe_separation, plot_found
from aitex_utils.lessons.nb02.setup import load_fabric
from aitex_utils.plots import show
from aitex_utils.scoring import anomaly_maps

fabric = load_fabric()
unfold_map, find_nearest = yours("02.2", reference.unfold), yours("02.3", reference.nearest)
score_tile, reweight = yours("02.4", reference.image_scores), yours("02.5", reference.reweighted)
training = np.concatenate([unfold_map(f) for f in fabric.training_maps]).astype(np.float32)  # (M, C)
print(f"memory bank: {len(training):,} patches of {training.shape[1]} channels")

# %% [markdown]
# The array of differences in exercise 02.3 has one number per patch, vector and channel. To save memory, we use a
# coreset of 245 vectors, and search in blocks of 64 patches.

# %%
small_bank = training[fabric.coreset[:245]]


def distances_of(feature_map: np.ndarray) -> np.ndarray:
    patches = np.asarray(unfold_map(feature_map), dtype=np.float32)  # (1024, C)
    blocks = [find_nearest(block, small_bank)[0] for block in np.array_split(patches, 16)]
    return np.concatenate(blocks).reshape(feature_map.shape[1:])  # (H', W')


shown = slice(0, 4)
by_hand = np.stack([distances_of(feature_map) for feature_map in fabric.defective_maps[shown]])
maps = anomaly_maps(by_hand, (256, 256))
show(*plot_found(fabric.defective_tiles[shown], fabric.masks[shown], maps, fabric.defects[shown]))
print(describe_found(fabric.defects[shown], fabric.masks[shown], maps))

# %% [markdown]
# Bright regions inside the outlines are found defects, and bright regions elsewhere can become false alarms. On the
# practice fabric the broken end and the broken yarn stand out, and the other two defects hardly exceed the normal
# variation.
#
# Wrong peaks have two common causes. Near a tile's edge the network sees zeros beside the fabric, and the bank has few
# such patches. A faint or small defect changes its patches less than normal fabric varies. The next cell also scores
# normal tiles, and searches all training patches with the course's `MemoryBank`.

# %%
full_bank = MemoryBank().add(training)


def tile_distances(feature_maps: np.ndarray) -> np.ndarray:
    patches = np.moveaxis(feature_maps, 1, -1)  # (N, H', W', C)
    return full_bank.search(patches.reshape(-1, patches.shape[-1]), 1)[0].reshape(patches.shape[:3])


normal, defective = tile_distances(fabric.normal_maps), tile_distances(fabric.defective_maps)
print(describe_found(fabric.defects, fabric.masks, anomaly_maps(defective, (256, 256))))
scores_normal = np.array([[float(s) for s in score_tile(d, 0.01)] for d in normal])  # (N, 3)
scores_defective = np.array([[float(s) for s in score_tile(d, 0.01)] for d in defective])
for i, name in enumerate(("maximum", "mean", "top 1 %")):
    print(describe_separation(scores_normal[:, i], scores_defective[:, i], name))

# %% [markdown]
# Twelve training tiles suffice to separate most of these defective tiles from the normal tiles. The highest score is
# not always on the defect: on the practice fabric, each wrong peak lies at a tile's edge. These tiles are too few to
# rank the three scores. Notebook 06 compares them.
#
# ### How much reweighting changes on fabric
#
# Equation 7 with $b = 9$ *could* lower a score by up to one ninth. Guess the median loss of these tiles in per cent,
# with a coreset of 1 in 10 patches as the bank.

# %%
predict("02.c", 0.1, 8, unit="%")

# %%
all_maps = np.concatenate([fabric.normal_maps, fabric.defective_maps])
worst = np.concatenate([normal, defective]).reshape(len(all_maps), -1).argmax(axis=1)  # index of the farthest patch
farthest = [np.asarray(unfold_map(f), np.float32)[i] for f, i in zip(all_maps, worst, strict=True)]
lost = {}
for name, vectors in {"all patches": training, "coreset": training[fabric.coreset]}.items():
    before = np.array([np.linalg.norm(vectors - patch, axis=1).min() for patch in farthest])
    after = np.array([float(reweight(patch, vectors, 9)) for patch in farthest])
    lost[name] = 100 * (1 - after / before)
    print(f"{name}: median loss {np.median(lost[name]):.2g} %, largest loss {lost[name].max():.2g} %")
reveal("02.c", np.median(lost["coreset"]), unit="%")

# %% [markdown]
# The loss is far below the bound. Here distances differ by several units, so after `exp` the nearest vector's term is a
# tiny part of the sum. With the coreset the loss is even smaller: k-center greedy keeps vectors that are far apart, so
# almost every $m^*$ is isolated.
#
# **Try it.** Repeat the cell with `vectors / 100` and `patch / 100`. What happens to the loss, and why?
#
# <details><summary>Answer</summary>
#
# The loss rises to about one ninth for every tile. After the division the distances differ by much less than 1. The
# nine terms are therefore nearly equal, and each is about one ninth of the sum. Equation 7 depends on the scale of the
# features.
#
# </details>

# %% [markdown]
# ## 12. Strengths, limits and the trade-off
#
# Suppose that one patch of the defect *beyond* is among the normal data:

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons import yours
from aitex_utils.lessons.nb02 import reference
from aitex_utils.lessons.nb02.figures import plot_fields
from aitex_utils.lessons.nb02.setup import make_toy
from aitex_utils.plots import show

toy = make_toy()
find_nearest = yours("02.3", reference.nearest)
stored_defect = toy.tests["beyond"][None] + 0.15  # (1, C)
banks = {"clean bank": toy.bank, "one defect stored": np.concatenate([toy.bank, stored_defect])}
fields = {title: np.reshape(find_nearest(toy.grid, vectors)[0], toy.shape) for title, vectors in banks.items()}
show(*plot_fields(toy.bank, fields, toy.tests, added={"one defect stored": stored_defect}))

# %% [markdown]
# One stored patch in 49 is enough to hide this defect. Subsampling by k-center greedy does not remove such a patch,
# because it keeps isolated vectors first.
#
# | strength | reason | tested in |
# |---|---|---|
# | no defects needed, new kinds of defects found | only normal tiles are stored | 00, 01 |
# | no training on fabric | the pretrained network stays as it is | 03 |
# | few training images | each tile gives 1,024 patches | section 11; 09 |
# | localisation | each patch has its own distance and position | 06 |
# | rare normal fabric stays normal | it is stored, not averaged | 04 |
# | later additions | new patches are appended to the bank | 05 |
#
# | limit | reason | tested in |
# |---|---|---|
# | bank size and search time grow | a union only grows | 04: coreset, 05: search |
# | no fine-tuning | features that miss a fabric's defects stay as they are | 03: layers, whitening |
# | false alarms on noisy texture | patches are judged independently, so one noisy patch in 1,024 is enough | open task below, 08 |
# | defects among the training tiles are accepted | their distance to themselves is 0 | 04, figure above |
# | no knowledge of the position on the strip | the bank is a set | not tested |
# | scores are not probabilities | a distance has the unit of the features | 07: thresholds |
#
# **The trade-off.** PatchCore replaces training with memory. It is ready after one pass over a few normal tiles. In
# return it stores and searches a bank, and its features never adapt. A trained autoencoder adapts to the fabric and has
# a constant size, but needs more tiles and more choices.
#
# ### Open task: False alarms on noisy texture
#
# *Hard, 20 minutes.* Use an experiment on the toy data to show how noise changes the **maximum** of a normal tile, and
# test one remedy that uses neighbouring positions. Draw normal tiles from the patches of `toy.bank` plus noise.
#
# | points | for |
# |---|---|
# | 1 | a prediction before the run |
# | 1 | tiles with fresh noise, so no patch finds itself in the bank |
# | 1 | two noise levels or tile sizes, several tiles each, with the spread |
# | 1 | a remedy, on the same tiles before and after |
# | 1 | the measured price of the remedy for a single-position defect |
# | 1 | a difference between the toy data and real feature maps |

# %% [markdown]
# <details><summary>Worked answer</summary>
#
# Prediction: more noise raises the maximum, and so do more positions. A mean over 3 x 3 positions lowers the maximum in
# both cases, but it also lowers the peak of a small defect.
#
# ```python
# from scipy.ndimage import uniform_filter
#
# rng = np.random.default_rng(7)
#
# def tile_map(side, noise):
#     """Return the distances of a normal tile of side x side positions to the bank."""
#     chosen = toy.bank[rng.integers(len(toy.bank), size=side * side)]
#     patches = chosen + rng.normal(0, noise, size=chosen.shape)
#     return find_nearest(patches, toy.bank)[0].reshape(side, side)
#
# for side in (16, 32):
#     for noise in (0.1, 0.2):
#         maps = [tile_map(side, noise) for _ in range(30)]
#         for name, filtered in {"single": maps, "mean of 3 x 3": [uniform_filter(m, 3) for m in maps]}.items():
#             low, middle, high = np.quantile([m.max() for m in filtered], [0.1, 0.5, 0.9])
#             print(f"{side} x {side}, noise {noise}, {name}: {middle:.2f} ({low:.2f} to {high:.2f})")
#
# defect = tile_map(32, 0.1)
# defect[10, 10] = 1.7  # the defect beyond
# print(defect.max(), uniform_filter(defect, 3).max())
# ```
#
# Doubling the noise roughly doubles the maximum, and a larger tile raises it further, although all patches are normal.
# A threshold on the maximum must rise with both. The local mean clearly lowers the maximum of normal tiles. It also
# lowers the peak of the single-position defect to a fraction, so the detector can miss this defect.
#
# Difference from real feature maps: in the toy data, the noise is independent at each position. Real patches overlap in
# their receptive fields, so neighbouring distances are correlated, and a local mean removes less noise.
#
# </details>

# %% [markdown]
# ## Summary and quiz
#
# 1. A code can also express defects, so a small reconstruction error does not prove that a patch is normal.
# 2. `reshape(-1, C)` unfolds a feature map only if the channels are its last axis.
# 3. The bank is a union of normal patches, and an optional coreset raises no distance by more than $r$.
# 4. A patch's score is its distance to the nearest vector. The image score must fit the smallest defect and the costs.
# 5. Equation 7 lowers a score by at most $1/b$, and by much less on fabric.
#
# ### Quiz
#
# **1.** An autoencoder reconstructs a tile almost perfectly. What does this show about the tile?
#
# - a) It is normal: nothing else is reconstructed so well.
# - b) It was in the autoencoder's training set.
# - c) It can be built from the learned code, and a defect can be too.

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import calibration, quiz

quiz("02.q1", "c")

# %% [markdown]
# <details><summary>Answer</summary>
#
# c. In section 1 two defects are reconstructed well. A small error does not show that a tile is normal.
#
# </details>
#
# **2.** `feature_map.reshape(-1, C)` of a map (C, H', W') has the right shape. Why is it wrong?
#
# - a) The patches come out in the wrong order.
# - b) Each row mixes values of several positions.
# - c) It copies the array, which doubles the memory.

# %%
quiz("02.q2", "b")

# %% [markdown]
# <details><summary>Answer</summary>
#
# b. The array is stored channel by channel, and a reshape cuts this sequence. Most rows are values of one channel.
#
# </details>
#
# **3.** A program uses squared distances instead of distances. What stays the same?
#
# - a) The nearest vector of each patch, and the ranking of tiles by their maximum.
# - b) The mean over a tile, apart from a root at the end.
# - c) The factor of equation 7, because it is a quotient.
# - d) A threshold that was chosen on distances.

# %%
quiz("02.q3", "a")

# %% [markdown]
# <details><summary>Answer</summary>
#
# a. Squaring keeps the order of distances, and nothing else.
#
# </details>
#
# **4.** Two patches are equally far from their nearest vectors m*. One m* lies in a dense cluster, and the other is
# isolated. What does equation 7 do?
#
# - a) The patch near the cluster keeps almost all of its score, and the other loses up to 1/b.
# - b) Both keep their scores, because only the distance to m* counts.
# - c) The patch near the isolated vector keeps almost all of its score, and the other loses up to 1/b.
# - d) Both lose the same share, because their distances are equal.

# %%
quiz("02.q4", "c")

# %% [markdown]
# <details><summary>Answer</summary>
#
# c. In a dense cluster all b distances are nearly equal, so the numerator is about 1/b of the sum.
#
# </details>
#
# **5.** Which of these does PatchCore miss, however good the network is?
#
# - a) Selvage in the middle of the cloth, when the bank contains selvage.
# - b) A kind of defect that did not exist when the bank was built.
# - c) A defect that covers only a small part of a single tile.

# %%
quiz("02.q5", "a")

# %% [markdown]
# <details><summary>Answer</summary>
#
# a. The bank is a set of vectors without positions, so selvage counts as normal everywhere.
#
# </details>

# %%
calibration()

# %% [markdown]
# **Next**: notebook 03 shows where patches come from: layers, hooks and receptive fields. Further reading: sections 3.1
# to 3.3 of the paper ([arXiv 2106.08265](https://arxiv.org/abs/2106.08265)), and `aitex_utils/scoring.py`, which
# contains the formulas of sections 8 and 10.
