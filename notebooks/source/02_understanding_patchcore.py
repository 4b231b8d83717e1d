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
# At the end of this notebook you can compute every formula of PatchCore by hand, and say what each of them guards against.
#
# **You will be able to**
# 1. measure what a reconstructing detector sees, and show a defect that it can't see (exercise 02.1);
# 2. unfold a feature map into patches without mixing them up (02.2);
# 3. find the nearest vector of a memory bank for many patches at once (02.3);
# 4. turn distances into an image score, and choose which (02.4);
# 5. compute the paper's reweighting, and say how much it can do (02.5).
#
# **You need to know** NumPy's axes and broadcasting, and what notebook 00 showed: strip, *tile* (a crop of 256 x 256 px),
# *patch* (a feature vector of one position of a tile).
#
# **Time**: about an hour and a half for you, in sections of ten minutes, and {{cost}} for the computer.

# %% [markdown]
# ## 1. Two questions to ask of a patch
#
# Nobody can say what a defect looks like. What we have is good fabric. So a detector has to ask of something new how it
# relates to what was good. There are two ways to ask:
#
# - **Can I rebuild it from what I learnt?** An *autoencoder* squeezes its input through a narrow middle, the *code*, and
#   rebuilds it from there. It learns to do so on normal data. What it rebuilds badly is strange.
# - **Have I seen anything like it?** A *memory* keeps normal examples. What is far from all of them is strange.
#
# They sound alike and aren't. To see the difference, we make patches of only **two channels**, so that a patch is a
# point of the plane. Four normal images, each with a feature map of 3 x 4 positions: 48 patches. Most belong to one of two
# crowds, as threads that lie on top and threads that lie below might. One normal patch is rare and stands alone.

# %%
import numpy as np

rng = np.random.default_rng(0)
crowd_a = rng.normal([-1.6, -0.7], 0.35, size=(27, 2))
crowd_b = rng.normal([1.5, 0.65], 0.30, size=(20, 2))
rare = np.array([[-0.93, 2.17]])
points = rng.permutation(np.concatenate([crowd_a, crowd_b, rare]))  # (48, 2)
feature_maps = points.reshape(4, 3, 4, 2).transpose(0, 3, 1, 2)  # (images, C, H', W')
print(f"{len(feature_maps)} feature maps of shape (C, H', W') = {feature_maps[0].shape}")

# %% [markdown]
# Three patches come from defects: one lies *off* everything, one *between* the crowds, one *beyond* them. A fourth one is
# normal, of the *rare* kind.

# %%
tests = {
    "off": np.array([0.8, -1.7]),
    "between": np.array([0.0, 0.05]),
    "beyond": np.array([3.6, 1.5]),
    "rare, normal": np.array([-0.7, 2.1]),
}

# %%
from aitex_utils.plots import DEFECTIVE, LINE, NORMAL, make_axes, plot_tiles, show

figure, axis = make_axes(1, 1, (6.4, 4))
axis.plot(*points.T, "o", color=NORMAL, markersize=4, label="48 normal patches")
for name, patch in tests.items():
    marker, colour = ("D", NORMAL) if "normal" in name else ("X", DEFECTIVE)
    axis.plot(*patch, marker, color=colour, markersize=9)
    axis.annotate(name, patch, (0, 8), textcoords="offset points", ha="center")
axis.set(aspect="equal", xlabel="channel 1", ylabel="channel 2")
axis.margins(0.12)
axis.legend(loc="lower right")
caption = "48 normal patches: two crowds and a lone patch. Crosses are three patches of defects to test "
caption += "(off, between, beyond); the diamond is a normal patch of the rare kind."
show(figure, caption)

# %% [markdown]
# ### The simplest autoencoder
#
# We take one without any bend in it: a *linear* autoencoder. With squared error it learns the same as a principal component
# analysis (Baldi and Hornik, 1989, [doi 10.1016/0893-6080(89)90014-2](https://doi.org/10.1016/0893-6080(89)90014-2)):
# a mean $\mu$, and $K$ directions, the rows of $D$. For a point $x$
#
# $$z = D\,(x - \mu), \qquad \hat x = D^\top z + \mu,$$
# $$\text{error} = \lVert x - \hat x\rVert .$$
#
# With $K = 1$ the code is a single number, and everything that it rebuilds lies on one line. In NumPy, for one point:

# %%
mean = points.mean(axis=0)
directions = np.linalg.svd(points - mean)[2][:1]  # (K, C) = (1, 2): where the points spread most
x = tests["off"]
z = directions @ (x - mean)  # (K,)
reconstructed = directions.T @ z + mean  # (C,)
print(f"{x} has the code {z.round(2)} and is reconstructed as {reconstructed.round(2)}.")
print(f"The reconstruction error is {np.linalg.norm(x - reconstructed):.2f}.")

# %% [markdown]
# ### Exercise 02.1: reconstruction errors
#
# Write the same for **many points at once**, without a loop. The points are the rows of an array now, so the products turn
# around: which array comes first, and which is transposed?
#
# *Easy, 10 minutes.* If you are stuck: `hint("02.1")` in a cell of its own, again and again for more.

# %% exercise="02.1"
import numpy as np


def reconstruction_errors(points: np.ndarray, mean: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return how far each point is from what a linear autoencoder makes of it.

    points (N, C), mean (C,), directions (K, C) -> errors (N,)

    The directions have length 1 and are at right angles to one another.
    """
    codes = (points - mean) @ directions.T  # (N, K)
    reconstructed = codes @ directions + mean  # (N, C)
    return np.linalg.norm(points - reconstructed, axis=1)


# %%
from aitex_utils.lessons import calibration, check, hint, predict, quiz, reveal

check("02.1", reconstruction_errors)

# %% [markdown]
# ### What it sees, and what it doesn't
#
# A typical normal patch has a small error. And the defect *beyond*? Guess before you look: how many **times** the median
# error of the normal patches is its error? Give a range, lowest and highest, that you are 80 % sure of.

# %%
predict("02.a", 0.2, 5, unit="times")

# %%
from sklearn.decomposition import PCA

pca = PCA(1).fit(points)  # the same autoencoder, ready-made


def pca_errors(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points - pca.inverse_transform(pca.transform(points)), axis=1)


normal_error = np.median(pca_errors(points))
reveal("02.a", pca_errors(tests["beyond"][None])[0] / normal_error, unit="times")
for name, patch in tests.items():
    print(f"{name:>13}: {pca_errors(patch[None])[0] / normal_error:5.1f} times the typical normal error")

# %% [markdown]
# Only one defect of three stands out. *Between* and *beyond* lie close to the line, so they are rebuilt almost perfectly,
# although nothing like them was ever normal. And the rare patch, which **is** normal, gets the largest error of all.
#
# Being able to rebuild something isn't the same as having seen it.

# %% [markdown]
# ## 2. The same with pictures: too narrow, too free
#
# Is that only a quirk of two dimensions? Take little pictures of a made-up weave, 24 x 24 px, each with threads at another
# place, and some noise. A picture is a point of 576 dimensions; the same linear autoencoder now has $K$ directions of those
# 576. In the test picture a thread is missing: a dull bar, three pixels high.

# %%
down, across = np.mgrid[:24, :24]
shifts = rng.uniform(0, 2 * np.pi, size=(601, 2, 1, 1))
threads = np.cos(across * 2 * np.pi / 6 + shifts[:, 0]) + np.cos(down * 2 * np.pi / 6 + shifts[:, 1])
pictures = 127 + 45 * threads + rng.normal(0, 13, threads.shape)  # (601, 24, 24)
training, faulty = pictures[:600].reshape(600, -1), pictures[600].copy()
defect = np.zeros((24, 24), bool)
defect[8:11, 3:21] = True
faulty[defect] = 127

# %%
widths = (1, 4, 64, 256, 500)  # K
models = [PCA(k, svd_solver="full").fit(training) for k in widths]
flat = faulty.reshape(1, -1)
reconstructed = np.stack([m.inverse_transform(m.transform(flat)).reshape(24, 24) for m in models])
errors = np.abs(faulty - reconstructed)
titles = ["the faulty picture", *(f"reconstructed, K = {k}" for k in widths)]
greys = np.concatenate([faulty[None], reconstructed]).clip(0, 255).astype(np.uint8)
error_maps = np.concatenate([np.zeros((1, 24, 24)), errors])
show(*plot_tiles(greys, error_maps, titles, label="error (grey levels)"))
for k, error in zip(widths, errors, strict=True):
    on, off = error[defect].mean(), error[~defect].mean()
    print(f"K = {k:3}: error {on:4.1f} on the defect, {off:4.1f} elsewhere: {on / off:.1f} times as much")

# %% [markdown]
# From left to right: the faulty picture, then what is rebuilt with more and more freedom. Below each, the error.
#
# - **Too narrow** ($K = 1$): it can't even rebuild good threads. They come out pale and in the wrong place, so that everything
#   is error, and the dull defect even less than the rest.
# - **Just right** ($K = 4$): exactly enough for threads at any place (a sine and a cosine for each of the two directions). It
#   mends the defect, and the error shows it.
# - **More than enough** ($K = 64, 256$): the defect still stands out, but with each direction more of it is rebuilt too.
# - **Too free** ($K = 500$): it rebuilds nearly anything, and the defect is nearly gone from the error.
#
# The right width is known here because we made the weave. On real fabric nobody tells you, and there are no defects
# to choose it by. Deep autoencoders are trained and far more able than this linear one, which blurs them less and tempts them
# more: that they rebuild anomalies well is a known trouble (Gong et al., 2019,
# [arXiv 1904.02639](https://arxiv.org/abs/1904.02639)). This is a toy and proves nothing about them; notebook 07 trains one and
# measures.

# %% [markdown]
# ## 3. PatchCore against autoencoders
#
# Now the second question, *have I seen anything like it?* For each place of the plane: the error of the autoencoder, and the
# distance to the nearest normal patch. Both are lengths, so they share one colour scale. White contours are half a unit apart.

# %%
from aitex_utils import MemoryBank
from aitex_utils.lessons.nb02.figures import plane_points, plot_fields

grid, shape = plane_points()  # (rows * columns, 2): points on a grid over the plane
toy_bank = MemoryBank().add(points)
distance = toy_bank.search(grid, 1)[0]  # (rows * columns, 1)
fields = {"autoencoder: error": pca_errors(grid), "memory: distance": distance}
fields = {title: values.reshape(shape) for title, values in fields.items()}
show(*plot_fields(points, fields, tests))

# %% [markdown]
# On the left, a dark road runs through the crowds and on for ever: all on it passes for normal. On the right, only what is
# near to something seen is dark. All three defects are far now, and the rare normal patch is near.
#
# Both are honest answers, to different questions. Aspect by aspect:
#
# | | an autoencoder | PatchCore |
# |---|---|---|
# | **Learning** | weights, by gradient descent on normal tiles | none: a network trained on everyday photographs is used as it is |
# | **Training phase** | many passes over the data; length, width and when to stop must be chosen | one pass; choose a coreset, store it |
# | **Representation** | its own code, made for this fabric and for rebuilding pixels | features made for telling things apart |
# | **Anomaly signal** | what is lost between input and output | distance to the nearest thing remembered |
# | **Assumption** | what wasn't learnt can't be rebuilt | what is strange lies far from all that is normal *in these features* |
#
# So far these are claims. Notebook 07 puts each row to the test:
#
# - **Learning**: both on the same normal tiles, few and many. Which of them needs more?
# - **Training phase**: seconds and memory to fit; and with another seed, how much does the result move?
# - **Representation**: the autoencoder's errors in pixels against distances between its own codes.
# - **Anomaly signal**: maps of the same defects on one scale. What does each of them miss?
# - **Assumption**: wider and narrower codes, early and late layers. Where does each assumption break?
#
# The assumption is what to remember. Each detector stands on an assumption, and each has fabric on which it fails. Section
# 12 shows some on which PatchCore does.

# %% [markdown]
# ## 4. The pipeline, its words and its name
#
# Five steps, all of which notebook 00 ran for you without telling:

# %%
from aitex_utils.lessons.nb02.figures import plot_steps

steps = {
    "extract": "tile -> feature map\n(C, H', W')",
    "unfold": "feature map -> patches\n(H' W', C)",
    "remember": "normal patches -> coreset\n-> memory bank (M, C)",
    "search": "patch -> distance\nto its nearest vector",
    "score": "distances -> map,\nand one number per tile",
}
show(*plot_steps(steps))

# %% [markdown]
# Fitting takes steps 1 to 3, on normal tiles only. A test tile goes through 1 and 2 in the same way, then through 4 and 5.
#
# ### Two meanings of "patch"
#
# In papers and programs, the word *patch* stands for two things. Whoever mixes them up can't get a shape right any more:
#
# | | image patch | patch feature |
# |---|---|---|
# | what it is | a rectangle of pixels | a vector of numbers |
# | where it comes from | cut out of a picture | read off a network, at one position of a feature map |
# | its shape | (256, 256) grey values | (C,), 152 channels by default here |
# | how many | about a dozen a strip | 1,024 a tile |
# | what it covers | exactly its pixels | more than its cell of 8 x 8 px: its receptive field, and neighbours pooled in (notebook 03) |
# | typical sentence | "we cut the image into patches" | "the patch lies far from the memory bank" |
# | **its name in this course** | **tile** | **patch** |
#
# ### Where the name comes from
#
# **Patch** features and a **core**set: that is all that *PatchCore* keeps (Roth et al., 2022,
# [arXiv 2106.08265](https://arxiv.org/abs/2106.08265)). It stands on two others. SPADE (Cohen and Hoshen, 2020,
# [arXiv 2005.02357](https://arxiv.org/abs/2005.02357)) first looks for the normal *images* nearest to the test image, then compares
# patches with theirs. PaDiM (Defard et al., 2021, [arXiv 2011.08785](https://arxiv.org/abs/2011.08785)) keeps, for each
# *position*, a mean and a covariance. PatchCore throws all patches into one bank: any patch may be compared with any other, from
# whichever image and position. A weave repeats itself and is never twice in the same place, so that suits fabric well.

# %% [markdown]
# ## 5. Unfolding a feature map
#
# A network gives a feature map $F$ of shape $(C, H', W')$: for each channel, a little picture. A patch is the other way to
# cut it: for one position $(h, w)$, all its channels. Row by row, the patches are
#
# $$p_{\,h W' + w} = F_{:,\,h,\,w} \in \mathbb{R}^C,$$
# $$h = 0 \dots H'-1,\qquad w = 0 \dots W'-1,$$
#
# $N = H'W'$ of them. Because $(C, H', W')$ has as many numbers as $(N, C)$, `reshape(-1, C)` never complains. It is wrong.
# To see why, let three channels be the red, green and blue of a picture; unfold it, and fold it back.

# %%
from aitex_utils.lessons.nb02.figures import plot_refolded

h, w = np.mgrid[:6, :8]
colours = np.stack([w / 7, h / 5, (h + w) % 2])  # (C, H', W') = (3, 6, 8)
mixed_up = colours.reshape(-1, 3)  # (48, 3): the right shape, the wrong patches
refolded = mixed_up.reshape(6, 8, 3).transpose(2, 0, 1)  # each row at the position of its patch
show(*plot_refolded({"the map": colours, "by reshape alone": refolded}))

# %% [markdown]
# Memory holds a whole channel, then the next. `reshape` doesn't move anything: it cuts that row of numbers into pieces of
# $C$, so that a "patch" is three neighbouring values of *one* channel. Nothing fails and nothing warns. Only the detector is
# quietly useless.
#
# ### Exercise 02.2: unfold
#
# Write it so that each row is a patch, in the order of the formula. It must work for any $C$, $H'$ and $W'$.
#
# *Easy, 5 minutes.* `hint("02.2")`

# %% exercise="02.2"
import numpy as np


def unfold(feature_map: np.ndarray) -> np.ndarray:
    """Return the patches of a feature map, row by row: (C, H', W') -> (H' * W', C)."""
    channels = feature_map.shape[0]
    return feature_map.reshape(channels, -1).T


# %%
check("02.2", unfold)

# %% [markdown]
# Two lines that do it, and the proof that both come back as they were:

# %%
first = colours.reshape(3, -1).T  # (C, H', W') -> (C, H' W') -> (H' W', C)
second = np.moveaxis(colours, 0, -1).reshape(-1, 3)  # (C, H', W') -> (H', W', C) -> (H' W', C)
unfolded = {"the first": first, "the second": second}
refolded = {title: patches.T.reshape(3, 6, 8) for title, patches in unfolded.items()}
show(*plot_refolded({"the map": colours, **refolded}))

# %% [markdown]
# `aitex_utils.PatchFeatures` returns tiles as (N, H', W', C), channels last. There a plain `reshape(-1, C)` *is* right. Look at
# where the channels are before you reshape, every time.

# %% [markdown]
# ## 6. The memory bank
#
# Let $\mathcal{X}$ be the normal tiles and $P(x)$ the patches of one of them. The memory bank is their union:
#
# $$\mathcal{M} = \bigcup_{x \in \mathcal{X}} P(x)$$
#
# and in NumPy one line. From here on our toy is made of its four feature maps:

# %%
bank = np.concatenate([feature_map.reshape(2, -1).T for feature_map in feature_maps])  # (48, 2)
print(f"{len(feature_maps)} images x {3 * 4} positions = {len(bank)} patches of {bank.shape[1]} channels")

# %% [markdown]
# Look at what a union forgets: which image a patch came from, and where in it. A bank is a set.
#
# And look at what it costs. Each patch of 152 channels in float32 takes 608 bytes:

# %%
for strips_seen in (1, 10, 100):
    patches_seen = strips_seen * 12 * 1024  # strips x tiles x patches
    mebibytes = patches_seen * 152 * 4 / 2**20
    print(f"{strips_seen:4} strips: {patches_seen:9,} patches, {mebibytes:7,.0f} MiB")

# %% [markdown]
# Most of these say the same again. A **coreset** keeps few, such that no patch is far from a kept one. PatchCore chooses
# greedily: the next to be kept is always the patch that is farthest from all kept so far. The largest distance that remains
# is the *covering radius* $r$:
#
# $$r = \max_{p \in \mathcal{M}}\; \min_{m \in \mathcal{M}_C} \lVert p - m \rVert, \qquad \mathcal{M}_C \subset \mathcal{M}$$
#
# Of our 48 patches we keep eight. The numbers say in which order they were chosen.

# %%
from aitex_utils import k_center_greedy

kept, radii = k_center_greedy(bank.astype(np.float32), 8, seed=0, projection=None)
radius = np.linalg.norm(bank[:, None] - bank[kept][None], axis=2).min(axis=1).max()
figure, axis = make_axes(1, 1, (6.4, 4.2))
axis.plot(*bank.T, "o", color=NORMAL, markersize=4)
angle = np.linspace(0, 2 * np.pi, 80)
for order, m in enumerate(bank[kept], 1):
    axis.plot(m[0] + radius * np.cos(angle), m[1] + radius * np.sin(angle), ":", color=LINE, lw=0.7)
    axis.plot(*m, "s", color=LINE, markersize=7)
    axis.annotate(str(order), m, (6, 5), textcoords="offset points", weight="bold")
axis.set(aspect="equal", xlabel="channel 1", ylabel="channel 2")
caption = f"{len(kept)} of {len(bank)} patches are kept: the squares, numbered in the order of choice. "
caption += f"Circles of the covering radius {radius:.2f} contain all others."
show(figure, caption)

# %% [markdown]
# The lone, rare patch is among the first to be kept: it is far from everything. A random choice would most likely have lost
# it, and all rare but good fabric with it. Notebook 04 builds this choice, and makes it fast.
#
# With a coreset, no distance grows by more than $r$: if $m$ was the nearest vector in the whole bank, some kept vector lies
# within $r$ of $m$. That is the price of a small bank, known beforehand.

# %% [markdown]
# ## 7. The nearest neighbour
#
# The anomaly signal of a patch $p$ is its distance to the nearest vector of the bank:
#
# $$m^{*}(p) = \arg\min_{m \in \mathcal{M}} \lVert p - m \rVert_2$$
# $$d(p) = \lVert p - m^{*}(p) \rVert_2$$
#
# Three lines of NumPy, for one patch. **Move the patch** with the sliders (or with the arrow keys, once a slider is chosen). Watch
# what `m*` does as you cross the gap between the crowds. Where are the places at which the neighbour changes, and does the
# *distance* jump there too?

# %%
from aitex_utils.lessons.nb02.figures import plot_patch
from aitex_utils.lessons.sliders import show_with_sliders


def patch_at(x: float, y: float):
    p = np.array([x, y])
    distances = np.linalg.norm(bank - p, axis=1)  # (M,)
    nearest = distances.argmin()  # index of m*
    return plot_patch(bank, p, nearest)


stills = [{"x": 0.8, "y": -1.7}, {"x": -0.1, "y": 0.3}, {"x": -0.4, "y": 1.6}]
show_with_sliders(patch_at, stills, x=(-4.0, 4.0, 0.1, 0.8), y=(-2.6, 2.8, 0.1, -1.7))

# %% [markdown]
# If you see three still pictures instead of sliders, this program shows no widgets: change the numbers in `stills` and
# run the cell again. It is the same.
#
# The circle is what the distance *means*: there is no normal vector inside it. When you cross from one crowd to the other, the
# neighbour changes from one moment to the next, but the distance doesn't jump: on the border both are equally far.
#
# ### Exercise 02.3: nearest distances without a loop
#
# A tile has 1,024 patches. Find for **each** patch the distance to its nearest vector, and which one that is. Return two
# arrays: the distances, then the indices. Where several vectors are equally near, the index of any of them will do.
#
# Try it without a loop: make a table of all distances, a row for each patch and a column for each vector of the bank. (The
# check takes a loop too. On a whole tile you would wait for it.)
#
# *Medium, 15 minutes.* `hint("02.3")`

# %% exercise="02.3"
import numpy as np


def nearest(patches: np.ndarray, bank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each patch's distance to its nearest vector of the bank, and the vector's index.

    patches (n, C), bank (M, C) -> distances (n,), indices (n,)
    """
    differences = patches[:, None] - bank[None]  # (n, M, C)
    table = np.sqrt((differences**2).sum(axis=2))  # (n, M)
    return table.min(axis=1), table.argmin(axis=1)


# %%
check("02.3", nearest)

# %% [markdown]
# One trap isn't in the check, because no formula shows it. Ask the bank about patches that are **in** it, and each one finds
# itself, at distance 0:

# %%
own_distances = MemoryBank().add(bank).search(bank, 2)[0]  # (48, 2): nearest and second nearest
print(f"largest distance of the bank's own patches to the bank: {own_distances[:, 0].max():.2f}")
print(f"median distance to the nearest *other* patch:          {np.median(own_distances[:, 1]):.2f}")

# %% [markdown]
# So never look at the strips that were remembered to find out how far normal fabric lies. Keep some back.

# %% [markdown]
# ## 8. What kind of distance?
#
# **Squared or true.** Many libraries, FAISS among them, return squared distances: it saves them a root. The order stays the
# same, so the nearest is still the nearest and a maximum is still at the same place. But twice as far is four times as much
# then, and a mean of squares can put two tiles in the other order:

# %%
even, peaked = np.full(6, 2.0), np.array([1.0, 1.0, 1.0, 1.0, 1.0, 5.5])
for name, d in (("even", even), ("peaked", peaked)):
    print(f"{name:>7}: mean distance {d.mean():.2f}, mean squared distance {(d**2).mean():.2f}")

# %% [markdown]
# By true distances the even tile is the stranger one on average, by squared ones the peaked tile. In this course the root is
# taken once, in `memory_bank.py`, and all that comes after works with true distances.
#
# **Which channels count.** $\lVert p - m\rVert_2$ adds up all channels alike, so a channel with large numbers outvotes the others.
# Here the same bank, with channel 1 in other units, a quarter as large.

# %%
quarter = np.array([0.25, 1.0])
squeezed = MemoryBank().add(bank * quarter).search(grid * quarter, 1)[0]
fields = {"as it is": distance, "channel 1 counts a quarter": squeezed}
fields = {title: values.reshape(shape) for title, values in fields.items()}
show(*plot_fields(bank, fields, tests))

# %% [markdown]
# The dark regions stretch sideways, and the defect *between* has nearly vanished. Nobody is right or wrong here: the metric **is** a
# part of what we call strange. *Whitening* gives all directions the same spread (notebook 03 measures what that does). The L1
# distance $\sum_c |p_c - m_c|$ or the angle between vectors would draw other maps again. The paper takes the plain Euclidean
# distance, and so do we.

# %% [markdown]
# ## 9. From distances to one number
#
# A tile has 1,024 distances $d_1 \dots d_N$. Somebody has to decide whether it goes to inspection, and needs one number:
#
# $$s_{\max} = \max_i d_i, \qquad s_{\text{mean}} = \frac{1}{N}\sum_i d_i,$$
# $$s_{\text{top}} = \text{mean of the } n \text{ largest } d_i,$$
# $$n = \max(1,\ \text{round}(\text{share} \cdot N)).$$
#
# The first two are `distances.max()` and `distances.mean()`. The third is yours.
#
# ### Exercise 02.4: three image scores
#
# Return all three, in this order. Take care that at least one distance counts in the third, even in a tiny tile, and that the
# count is *rounded*. For the distances `[[1, 9, 2, 3], [8, 0.5, 4, 2.5]]` and a share of a quarter the third is the
# mean of the two largest, 9 and 8.
#
# *Medium, 10 minutes.* `hint("02.4")`

# %% exercise="02.4"
import numpy as np


def image_scores(distances: np.ndarray, share: float) -> tuple[float, float, float]:
    """Return the maximum, the mean and the mean of the largest `share` of distances.

    distances (H', W'), share 0 to 1 -> three numbers; at least one distance is in the share
    """
    count = max(1, round(share * distances.size))
    largest = np.sort(distances, axis=None)[-count:]
    return distances.max(), distances.mean(), largest.mean()


# %%
check("02.4", image_scores)

# %% [markdown]
# What is each of them good for? Two tiles of 32 x 32 positions: in one, a knot of 2 x 2 positions, far from normal. The other
# is good, but lies where the light is uneven: everything in its right half is a little farther away than usual.

# %%
from aitex_utils.lessons.nb02.figures import plot_image_scores
from aitex_utils.scoring import max_score, mean_score, top_fraction_score

distances = rng.gamma(40, 0.025, size=(2, 32, 32)).astype(np.float32)  # around 1
distances[0, 14:16, 20:22] += 1.5  # a knot
distances[1, :, 16:] += 0.3  # uneven light
kinds = {"max": max_score, "mean": mean_score, "top 1 %": lambda d: top_fraction_score(d, 0.01)}
tile_names = ("knot", "uneven light")
scores = {kind: dict(zip(tile_names, score(distances), strict=True)) for kind, score in kinds.items()}
show(*plot_image_scores(dict(zip(tile_names, distances, strict=True)), scores))

# %% [markdown]
# The mean calls the good tile the stranger one: four positions of 1,024 drown in it. The maximum finds the knot; but a
# single wild value would be enough to raise it. The top share lies between the two. The paper takes the maximum, and then adjusts it.

# %% [markdown]
# ## 10. The reweighting of the paper
#
# Two patches can be equally far from their nearest vectors, and yet one be the stranger. The paper argues: if $m^*$ **itself is
# rare**, the patch lies where good fabric showed next to nothing, and its score should stay high. If $m^*$ has many neighbours, the
# score is lowered a little. Equations 6 and 7, for the tile's worst patch $p$:
#
# $$s^* = \lVert p - m^* \rVert,$$
# $$s = \left(1 - \frac{\exp \lVert p - m^* \rVert}{\sum_{m \in \mathcal{N}_b(m^*)} \exp \lVert p - m \rVert}\right) \cdot s^*$$
#
# Read $\mathcal{N}_b(m^*)$ slowly. They are the $b$ vectors of the bank nearest **to $m^*$**, not to $p$; and $m^*$ is the
# first of them, at distance 0 from itself. The *exponents* are their distances to $p$. Step by step, for $p$ off everything:

# %%
b, p = 9, tests["off"]
to_p = np.linalg.norm(bank - p, axis=1)  # (M,) distances to the patch
m_star = to_p.argmin()
to_m_star = np.linalg.norm(bank - bank[m_star], axis=1)  # (M,) distances to m*
neighbours = np.argsort(to_m_star)[:b]  # (b,) indices, m* first
above, below = np.exp(to_p[m_star]), np.exp(to_p[neighbours])
print(f"s* = {to_p[m_star]:.3f}, exponents below the line {to_p[neighbours].round(2)}")
print(f"factor 1 - {above:.2f} / {below.sum():.2f} = {1 - above / below.sum():.3f}")

# %% [markdown]
# ### Exercise 02.5: equation 7
#
# The score of one patch, from the formula. Use true distances, mind whose neighbours they are, and see to it that distances in the
# thousands are no trouble for `exp`: the cell above isn't safe there.
#
# *Hard, 20 minutes.* `hint("02.5")`

# %% exercise="02.5"
import numpy as np


def reweighted(patch: np.ndarray, bank: np.ndarray, b: int) -> float:
    """Return the score s of a patch by equation 7 of the paper.

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
check("02.5", reweighted)

# %% [markdown]
# **How much can it do?** Guess first: by how many per cent can equation 7 with $b = 9$ lower a score *at most*, for the
# worst bank and patch that you can think of?

# %%
predict("02.b", 5, 50, unit="%")

# %%
from aitex_utils.scoring import reweighted_by_patch_score, reweighted_score

grid_tiles = grid[:, None].astype(np.float32)  # (tiles, 1, C): each point is a tile of one patch
factor = reweighted_score(grid_tiles, toy_bank, b) / distance[:, 0]
reveal("02.b", 100 / b, unit="%")
print(f"On our plane the factor is {factor.min():.3f} to {factor.max():.3f}; 1 - 1/b is {1 - 1 / b:.3f}.")

# %% [markdown]
# Because $m^*$ is the nearest of all, its term is the *smallest* of the $b$ terms below the line, and so at most $1/b$ of
# their sum. The factor lies between $1 - 1/b$ and 1. A score never grows, and never loses more than one ninth: only tiles whose
# scores were close can change places.
#
# Move the patch again. Where does it come near $1 - 1/b$, and where near 1? With $b = 1$, what would the formula say, and is that useful?
# Watch the rings when $m^*$ is the lone vector above.


# %%
def reweighted_at(x: float, y: float, b: int):
    p = np.array([x, y])
    to_p = np.linalg.norm(bank - p, axis=1)
    m_star = to_p.argmin()
    neighbours = np.argsort(np.linalg.norm(bank - bank[m_star], axis=1))[:b]
    s_star = to_p[m_star]
    factor = 1 - 1 / np.exp(to_p[neighbours] - s_star).sum()
    note = f"s* {s_star:.2f}, factor {factor:.3f}, s {factor * s_star:.2f}; "
    note += f"with b = {b} the factor is never below {1 - 1 / b:.3f}"
    return plot_patch(bank, p, m_star, neighbours=neighbours, note=note)


stills = [{"x": 0.8, "y": -1.7, "b": 9}, {"x": -0.4, "y": 1.6, "b": 9}, {"x": 3.6, "y": 1.5, "b": 9}]
show_with_sliders(reweighted_at, stills, x=(-4.0, 4.0, 0.1, 0.8), y=(-2.6, 2.8, 0.1, -1.7), b=(1, 20, 1, 9))

# %% [markdown]
# ### A variant that is often taken for it
#
# It is tempting to take the $b$ neighbours of the *patch*, because a search has them at hand. The bound stays the same, the meaning
# doesn't: that asks how alike the patch's own neighbours are in distance, not how crowded it is around $m^*$.

# %%
variant = reweighted_by_patch_score(grid_tiles, toy_bank, b) / distance[:, 0]
losses = {"equation 7": 100 * (1 - factor), "variant: neighbours of p": 100 * (1 - variant)}
losses = {title: loss.reshape(shape) for title, loss in losses.items()}
show(*plot_fields(bank, losses, tests, label="loss of score (%)", step=2))

# %% [markdown]
# Close to the lone vector both take next to nothing off. Wherever the lone vector is $m^*$, equation 7 spares the whole region,
# up to its border, and there the loss jumps. The variant spares only what is close, and the less the farther away. Elsewhere
# the two take off much the same. Notebook 06 asks which of them judges fabric better.

# %% [markdown]
# ## 11. From two dimensions to 152
#
# Nothing changes but the number of channels. We remember a dozen normal tiles of one fabric, and look at tiles that were held
# back: normal ones, and ones with a defect. This takes about fifteen seconds.

# %%
from aitex_utils import PatchFeatures, list_strips, tile_fabric
from aitex_utils.lessons.data import lesson_strips
from aitex_utils.tiling import crop_tiles

strips = list_strips(lesson_strips())
FABRIC = next(s.fabric for s in strips if s.is_normal)
normal = [s for s in strips if s.fabric == FABRIC and s.is_normal]
marked = [s for s in strips if s.fabric == FABRIC and s.masks and s.read_mask().any()]


def tiles_and_masks(strip):
    tiles, corners = tile_fabric(strip.read())
    return tiles, crop_tiles(strip.read_mask(), corners)


remembered = np.concatenate([tile_fabric(s.read())[0][1::3] for s in normal[:3]])[:12]
clean = np.concatenate([tile_fabric(s.read())[0][1::3] for s in normal[3:6]])[:8]

# %%
faulty = []  # of each strip, the tile with the most marked pixels
for strip in marked[:8]:
    tiles, masks = tiles_and_masks(strip)
    marked_pixels = masks.sum(axis=(1, 2))
    if marked_pixels.any():
        faulty.append(tiles[marked_pixels.argmax()])
faulty = np.stack(faulty)
print(f"Training tiles: {len(remembered)} normal. Test tiles: {len(clean)} normal, {len(faulty)} faulty.")

# %%
features = PatchFeatures()
maps = features.transform(remembered)  # (12, H', W', C): channels last here
real = maps.reshape(-1, maps.shape[-1])  # unfold and union in one: (N, C)
print(f"{real.shape[0]:,} patches of {real.shape[1]} channels")
print(f"The differences between a tile's patches and all of them would take {1024 * real.nbytes / 2**30:.1f} GiB.")

# %% [markdown]
# The differences of exercise 02.3, `patches[:, None] - bank[None]`, would need a number for each patch, each vector and each channel,
# several gigabytes for a single tile. The same distances come out of a matrix product, because
#
# $$\lVert p - m \rVert^2 = \lVert p \rVert^2 - 2\,p \cdot m + \lVert m \rVert^2 .$$
#
# Rounding can make that a little less than 0 where the patch and the vector are alike, and the root of it NaN; hence the `clip`.

# %%
from aitex_utils.scoring import anomaly_maps

squared_norms = (real**2).sum(axis=1)  # (M,)


def distances_by_hand(patches: np.ndarray) -> np.ndarray:
    squared = (patches**2).sum(axis=1)[:, None] - 2 * patches @ real.T + squared_norms  # (n, M)
    return np.sqrt(squared.clip(0)).min(axis=1)  # (n,)


patches = features.transform(faulty[:4])  # (n, H', W', C)
by_hand = np.stack([distances_by_hand(p.reshape(-1, p.shape[-1])) for p in patches])  # (n, H' W')
full_bank = MemoryBank().add(real)
searched = full_bank.search(patches.reshape(-1, patches.shape[-1]), 1)[0].reshape(by_hand.shape)
print(f"Largest difference between by hand and aitex_utils: {np.abs(by_hand - searched).max():.1g}")

# %%
folded = by_hand.reshape(patches.shape[:3])  # each distance back to its position: (n, H', W')
show(*plot_tiles(faulty[:4], anomaly_maps(folded, (256, 256)), columns=4))

# %% [markdown]
# That was the whole of PatchCore, by hand, on fabric. One more guess. On these tiles, equation 7 with $b = 9$ *could* lower a
# score by a ninth. By how many per cent does it, in the median, with a coreset of a tenth as the memory bank? This takes about twenty
# seconds.

# %%
predict("02.c", 0.1, 8, unit="%")

# %%
coreset = real[k_center_greedy(real, len(real) // 10, seed=0)[0]]
banks = {"all patches": full_bank, "coreset, 10 %": MemoryBank().add(coreset)}
test_patches = features.transform(np.concatenate([clean, faulty]))  # (n, H', W', C)
test_patches = test_patches.reshape(len(test_patches), -1, test_patches.shape[-1])  # (n, H' W', C)
losses = {}  # per cent
for name, memory in banks.items():
    distances = memory.search(test_patches.reshape(-1, test_patches.shape[-1]), 1)[0]
    largest = distances.reshape(len(test_patches), -1).max(axis=1)
    losses[name] = 100 * (1 - reweighted_score(test_patches, memory, 9) / largest)
    medians = np.median(largest[: len(clean)]), np.median(largest[len(clean) :])
    print(f"{name}: median of the largest distance {medians[0]:.1f} on clean tiles, {medians[1]:.1f} on faulty ones;")
    print(f"    loss by equation 7: median {np.median(losses[name]):.2g} %, largest {losses[name].max():.2g} %")
reveal("02.c", np.median(losses["coreset, 10 %"]), unit="%")

# %% [markdown]
# Less than you may have thought, for two reasons.
#
# - **`exp` knows no units.** It looks at differences of distances in plain numbers. In our toy these were below 1. On fabric they are
#   several units, and `exp` of several units swamps the one term above the line. That alone leaves little to take off, as the
#   line for all patches shows.
# - **A coreset leaves no crowds.** Greedy choice keeps vectors that are far from one another. The rule spares those $m^*$ that stand
#   alone; after it, nearly all do. The little that was left becomes less still.
#
# The first reason can be seen at work. Multiply all features by ten, and equation 7 fades away; divide them by a hundred, and it
# takes one ninth off everything:

# %%
few_patches, few_vectors = test_patches[:4, ::8], real[::8]  # an eighth of four tiles, and of the bank
flat = few_patches.reshape(-1, few_patches.shape[-1])


def median_factor(scale: float) -> float:
    memory = MemoryBank().add(scale * few_vectors)
    largest = memory.search(scale * flat, 1)[0].reshape(len(few_patches), -1).max(axis=1)
    return float(np.median(reweighted_score(scale * few_patches, memory, 9) / largest))


scales = np.logspace(-2, 1.5, 12)
factors = [median_factor(scale) for scale in scales]

# %%
figure, axis = make_axes(1, 1, (6.4, 3))
axis.semilogx(scales, factors, "o-", color=NORMAL)
axis.axhline(1 - 1 / 9, color=LINE, linestyle=":")
axis.set(xlabel="all features multiplied by", ylabel="factor of equation 7")
caption = f"The factor, median of four tiles, goes from {factors[0]:.3f} with small features to "
caption += f"{factors[-1]:.3f} with large ones; the dotted line is 1 - 1/9."
show(figure, caption)

# %% [markdown]
# ## 12. Strengths and limits
#
# What PatchCore cannot know is in its formulas too. Suppose a single patch of the defect *beyond* slipped into the "normal" data:

# %%
defect_patch = tests["beyond"][None] + 0.15  # (1, C)
contaminated = MemoryBank().add(bank).add(defect_patch).search(grid, 1)[0]
fields = {"clean memory": distance, "one defect remembered": contaminated}
fields = {title: values.reshape(shape) for title, values in fields.items()}
show(*plot_fields(bank, fields, tests, added={"one defect remembered": defect_patch}))

# %% [markdown]
# One patch of 49, and this defect is normal for ever. Greedy coresets make it worse: what stands alone is kept first.
#
# | strength | why | put to the test in |
# |---|---|---|
# | needs no defects | only normal tiles are remembered | 00, 01 |
# | nothing is trained | the network stays as it is | 03: which network and which layers |
# | says where | each patch has its distance, and its place | 06: AUPRO, by pixel |
# | rare but good fabric stays good | it is remembered, not averaged away | 04: greedy against random |
# | can learn more later | adding to a bank is enough | 05 |
#
# | limit | why | put to the test in |
# |---|---|---|
# | the memory grows with the fabric seen | a union only grows | 04: coreset, 05: search and compression |
# | a defect among the normal tiles stays hidden | it is at distance 0 from itself | 01: splits, 06: gallery of failures |
# | doesn't know where on the strip it is | a bank is a set | 01: the selvage, 06 |
# | sees only what the features see | near in the features is near | 03: layers, input size, whitening |
# | a small, faint defect is lost in the spread of the normal | normal patches have distances too | 06: small defects, intervals |
# | a distance isn't a probability | it has the features' unit | 06: thresholds from normals alone |
# | whether it beats a reconstruction is open | section 3 was a toy | 07 |

# %% [markdown]
# ## What you have learnt
#
# A detector that rebuilds asks whether it *can* make something; one that remembers asks whether it has *seen* it, and a defect can pass
# the first while it fails the second. PatchCore unfolds feature maps into patches, channels last before any reshape. Its memory bank is
# the union of normal patches, thinned out to a coreset whose covering radius says what that costs. The signal is the true distance to the nearest
# vector, and a tile's score is its maximum, its mean or something between. Equation 7 spares those whose neighbour is rare
# and takes at most $1/b$ off the others; how much depends on the features' unit and on the coreset.
#
# ### Quiz
#
# **1.** An autoencoder rebuilds a tile almost perfectly. What do you know about the tile?
#
# - a) It is normal: nothing else can be rebuilt so well.
# - b) It was among the tiles that the autoencoder learnt from.
# - c) It is made of what was learnt, as a defect may be too.

# %%
quiz("02.q1", "c")

# %% [markdown]
# <details><summary>Answer</summary>
# c. Section 1 has two defects that are rebuilt better than a typical normal patch or nearly so. To be able to rebuild isn't to have seen.
# </details>
#
# **2.** `feature_map.reshape(-1, C)` of a map (C, H', W') has the right shape. Why is it wrong all the same?
#
# - a) The patches come out in the wrong order.
# - b) Each row mixes values of several positions.
# - c) It copies the array, which doubles the memory.

# %%
quiz("02.q2", "b")

# %% [markdown]
# <details><summary>Answer</summary>
# b. Memory holds one channel after the other, and reshape cuts it as it lies: a row is mostly of one channel.
# </details>
#
# **3.** Someone forgets the root and works with squared distances. What stays as it was?
#
# - a) Which vector is nearest, and how maxima rank.
# - b) The mean over a tile, but for a root at the end.
# - c) The factor of equation 7, a quotient of them.
# - d) A threshold found earlier, on true distances.

# %%
quiz("02.q3", "a")

# %% [markdown]
# <details><summary>Answer</summary>
# a. Squaring keeps the order of distances, and nothing else.
# </details>
#
# **4.** Two patches are equally far from their nearest vectors. One of those stands in a crowd, one alone. What does equation 7 do?
#
# - a) The patch near the crowd keeps nearly all; the other loses up to 1/b.
# - b) Both keep their scores, as only the distances to the nearest count.
# - c) The patch near the lone vector keeps nearly all; the other loses up to 1/b.
# - d) Both lose the same, since the factor depends on the distance alone.

# %%
quiz("02.q4", "c")

# %% [markdown]
# <details><summary>Answer</summary>
# c. In a crowd all b distances are alike, and the term above the line is 1/b of the sum.
# </details>
#
# **5.** Which of these must PatchCore miss, however good the network is?
#
# - a) Selvage in the middle of the cloth, when the bank holds selvage.
# - b) A kind of defect that nobody had seen when the bank was made.
# - c) A defect that covers only a small part of a single tile.

# %%
quiz("02.q5", "a")

# %% [markdown]
# <details><summary>Answer</summary>
# a. It doesn't belong there. But the bank is a set, and doesn't know where on the strip a patch belongs.
# </details>

# %%
calibration()

# %% [markdown]
# **Next**: notebook 03, where patches come from: layers, hooks, receptive fields. To read: sections 3.1 to 3.3 of the paper
# ([arXiv 2106.08265](https://arxiv.org/abs/2106.08265)), which you can now follow line by line, and `aitex_utils/scoring.py`, where the
# formulas of sections 9 and 10 stand as the course uses them.
