# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 05 FAISS
#
# *{{version}}.*
#
# After this notebook you can choose an index for a memory bank from measurements of its cost, its misses, and its
# effect on the detector.
#
# **You will be able to**
# 1. search a bank exactly with one matrix product (exercise 05.1);
# 2. measure recall@1 fairly, and find the flaw in a measurement (exercises 05.2 and 05.6);
# 3. implement the main ideas of IVF and PQ: cells and codes (exercises 05.3 and 05.4);
# 4. choose an index for a bank, and justify the choice (question 05.q6 and the open task);
# 5. save a bank, detect a damaged file, and add normal patches later (exercise 05.5).
#
# **You need to know** what a memory bank and a coreset are (notebooks 02 and 04), and NumPy's axes.
#
# **Contents**
#
# {{contents}}
#
# **Time**: about {{minutes}} for you, including the exercises, and {{cost}} for the computer.

# %% [markdown]
# ## 1. Exact search with one matrix product
#
# To score a tile, PatchCore compares each of its 1,024 patches with every vector of the memory bank. For each of three
# fabrics, a bank contains all patches of 16 normal tiles. The test patches come from other strips: 10 normal and 10
# defective tiles per fabric. The first run of the second cell below takes about 20 seconds.
#
# After a restart of the kernel, continue from the cell in your current section that begins with *Start here again after
# a restart*.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons import check, hint, predict, quiz, reveal, yours
from aitex_utils.lessons.nb05 import figures as draw
from aitex_utils.lessons.nb05 import reference
from aitex_utils.lessons.nb05.setup import lesson_banks
from aitex_utils.plots import show

banks = lesson_banks()
bank, test = banks.banks[0], banks.tests[0]
C = bank.shape[1]
print(f"The bank: {len(bank):,} vectors of {C} channels, {bank.nbytes / 2**20:.1f} MiB")
print(f"All differences of one tile: {1024 * bank.nbytes / 2**30:.1f} GiB")
print(f"All inner products of one tile: {1024 * len(bank) * 4 / 2**20:.0f} MiB")

# %% [markdown]
# An array of all differences would take gigabytes. The inner products are enough, because
#
# $$\lVert p - m \rVert^2 = \lVert p \rVert^2 - 2\,p \cdot m + \lVert m \rVert^2 .$$
#
# All products $p \cdot m$ together are *one matrix product*, a very fast operation.
#
# ### Exercise 05.1: Search with a matrix product
#
# *Medium, 15 minutes.*
#
# For `patches` `(n, C)` and `vectors` `(M, C)`, return two arrays of length n: the **distance** (not squared) from each
# patch to its nearest vector, and the **index** of that vector. Use no loop, and no array larger than `(n, M)`. If
# several vectors are equally near, the index of any of them is correct. The result must not contain `nan`, even where a
# patch equals a vector.
#
# Example: the patches `[[0, 0], [6, 7]]` and the vectors `[[0, 0], [3, 4], [6, 8]]` give the distances `[0, 1]` and the
# indices `[0, 2]`.


# %% exercise="05.1"
def exact_search(
    patches: np.ndarray,
    vectors: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances (n,) to the nearest vectors, and their indices (n,)."""
    own = (patches**2).sum(axis=1)  # (n,)
    others = (vectors**2).sum(axis=1)  # (M,)
    squares = own[:, None] - 2 * patches @ vectors.T + others  # (n, M)
    squares = np.maximum(squares, 0)  # rounding can make a square negative
    return np.sqrt(squares.min(axis=1)), squares.argmin(axis=1)


# %%
check("05.1", exact_search)  # stuck? hint("05.1")

# %% [markdown]
# `yours` returns your function if it passed, otherwise the course's function. The next cell compares this function
# with `MemoryBank`, on a coreset with 10 % of the bank's vectors.

# %%
from aitex_utils import MemoryBank, PatchFeatures, k_center_greedy
from aitex_utils.lessons.timing import time_call

coreset = bank[k_center_greedy(bank, len(bank) // 10, seed=0)[0]]
full_bank, coreset_bank = MemoryBank().add(bank), MemoryBank().add(coreset)
search = yours("05.1", reference.exact_search)
distances, indices = search(test[:64], coreset)
bank_distances, bank_indices = coreset_bank.search(test[:64])
print(f"Equal indices: {np.sum(np.asarray(indices) == bank_indices[:, 0])} of 64")
print(f"Largest difference between distances: {abs(np.asarray(distances) - bank_distances[:, 0]).max():.1e}")

# %% [markdown]
# Scoring a tile takes two steps: the network extracts the tile's patches, and the search compares them with the bank.
# **With the coreset, what share of the time does the search take?**

# %%
predict("05.a", 5, 40, unit="%")

# %%
features = PatchFeatures()
calls = {
    "extraction": lambda: features.transform(banks.tiles[:1]),
    "search (coreset)": lambda: coreset_bank.search(test[:1024]),
    "search (full bank)": lambda: full_bank.search(test[:1024]),
}
timings = [time_call(call, repeats=7)[1].scaled(1000) for call in calls.values()]

# %%
from aitex_utils.lessons.nb05 import verdicts

medians, spreads = [t.median for t in timings], [(t.low, t.high) for t in timings]
total = medians[0] + medians[1]  # with the coreset
reveal("05.a", 100 * medians[1] / total, unit=f"% of {total:.0f} ms")
show(*draw.plot_bars(list(calls), medians, "milliseconds", title="Time per tile, by step", spreads=spreads))
print(verdicts.describe_search_share(*medians[:2]))

# %% [markdown]
# ## 2. FAISS returns squared distances
#
# `MemoryBank` and the authors of PatchCore use the library [FAISS](https://arxiv.org/abs/2401.08281). An *index* stores
# vectors and searches them. You create it for a given number of channels, fill it with `add`, and query it with
# `search(patches, k)`. The results are values and indices, both of shape `(n, k)`.
#
# In your own programs, import **torch before FAISS**: each loads its own OpenMP library, and some combinations crash.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np
import torch  # before FAISS

from aitex_utils import metrics
from aitex_utils.lessons.figures import plot_panels
from aitex_utils.lessons.nb05 import verdicts
from aitex_utils.lessons.nb05.setup import lesson_banks
from aitex_utils.plots import show

import faiss  # isort: skip

banks = lesson_banks()
bank, test, labels = banks.banks[0], banks.tests[0], banks.labels[0]

# %%
toy_index = faiss.IndexFlatL2(2)  # "flat" compares all vectors, and "L2" is Euclidean
toy_index.add(np.array([[0, 0], [3, 4], [6, 8]], np.float32))
toy_values, toy_rows = toy_index.search(np.array([[0, 0]], np.float32), 3)
print(f"FAISS {faiss.__version__}, values: {toy_values[0]}, indices: {toy_rows[0]}")

# %% [markdown]
# The vector (3, 4) is at distance 5 from (0, 0), and FAISS returns 25. **`IndexFlatL2` returns squared distances**,
# because the square root does not change the order. The next figure shows the tile with the most anomalous patch, and
# the tile's anomaly maps from distances and from their squares.

# %%
flat = faiss.IndexFlatL2(bank.shape[1])
flat.add(bank)
squares = flat.search(test, 1)[0].reshape(len(labels), 32, 32)
distances = np.sqrt(squares)
most = int(distances.max(axis=(1, 2)).argmax())
ratios = [values.max() / np.median(values) for values in (distances[most], squares[most])]
caption = "A test tile, its distances and its squared distances, each map with its own colour scale. "
caption += f"The largest distance is {ratios[0]:.1f} times the median distance. "
caption += f"The largest square is {ratios[1]:.1f} times the median square."
panels = [np.dstack([banks.tiles[most]] * 3), distances[most], squares[most]]
show(*plot_panels(panels, ["tile", "distances", "squares"], caption))

# %% [markdown]
# Squares exaggerate large distances, so the rest of the map looks darker. Does squaring change the tile AUROC if the
# score is the maximum, or the mean?

# %%
aurocs = {}
for score in (np.max, np.mean):
    pair = [metrics.auroc(labels, score(values, axis=(1, 2))) for values in (distances, squares)]
    aurocs[score.__name__] = pair
    print(f"{score.__name__:5} distances {pair[0]:.3f}, squares {pair[1]:.3f}")
print(verdicts.describe_squares(*aurocs.values()))

# %% [markdown]
# The maximum ranks the tiles in the same order with distances and squares, so a missing square root can go unnoticed.
# But smoothing, reweighting, and comparisons with a threshold on distances are wrong without the square root.
# `MemoryBank.search` returns distances.

# %% [markdown]
# ## 3. Rounding errors in squared distances
#
# For many patches FAISS uses the matrix product, and for a few it sums the squared differences. Both agree on paper,
# but not in float32, which keeps about seven digits. So the last digits of a distance can depend on the number of
# patches per search.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np
import torch  # before FAISS

from aitex_utils import MemoryBank
from aitex_utils.lessons import predict, reveal, yours
from aitex_utils.lessons.nb05 import figures as draw
from aitex_utils.lessons.nb05 import reference
from aitex_utils.lessons.nb05.setup import lesson_banks
from aitex_utils.plots import show

import faiss  # isort: skip

banks = lesson_banks()
bank, test = banks.banks[0], banks.tests[0]
p, m = np.float32(4096.5), np.float32(4096.0)
print("(p - m)²      =", (p - m) ** 2)
print("p² - 2pm + m² =", p**2 - 2 * p * m + m**2)

# %% [markdown]
# In this one-channel example, the squares are large and rounded, so rounding errors dominate their small difference.
# This effect is called **cancellation**. It grows with the distance of the vectors from 0. The next cell shifts all
# patches and vectors by the same amount, which changes no distance.

# %%
search = yours("05.1", reference.exact_search)
patches, vectors = test[:64], bank[::16]
exact = np.linalg.norm(patches[:, None] - vectors.astype(float), axis=2).min(axis=1)
shifts, errors = [0.1, 1, 10, 100, 1000], {"exact_search": [], "differences": []}
for shift in shifts:
    p, m = patches + np.float32(shift), vectors + np.float32(shift)
    by_difference = np.linalg.norm(p[:, None] - m, axis=2).min(axis=1)
    for name, values in (("exact_search", search(p, m)[0]), ("differences", by_difference)):
        error = np.median(abs(np.asarray(values) - exact) / exact)
        errors[name].append(max(float(error), 1e-9))
axes = {"xlabel": "shifts of all vectors", "ylabel": "median relative error of the distances"}
show(*draw.plot_lines(shifts, errors, **axes, title="Cancellation"))

# %% [markdown]
# The error of a matrix product grows much faster with the shift than the error of direct differences.
#
# Now search the bank for 2,048 of **its own vectors**, each at distance 0 from itself. **For what share of them does
# FAISS return exactly 0?**

# %%
predict("05.b", 50, 100, unit="%")

# %%
flat, centred = (faiss.IndexFlatL2(bank.shape[1]) for _ in range(2))
own, mean = bank[:2048], bank.mean(axis=0)
flat.add(bank)
centred.add(bank - mean)
own_squares = flat.search(own, 1)[0]
reveal("05.b", 100 * np.mean(own_squares == 0), unit="%")
print("Largest distance of a vector to itself:")
print(f"FAISS               {np.sqrt(own_squares.max()):.5f}")
print(f"mean subtracted     {np.sqrt(centred.search(own - mean, 1)[0].max()):.5f}")
print(f"MemoryBank          {MemoryBank().add(bank).search(own)[0].max():.5f}")

# %% [markdown]
# There are two ways to reduce these errors. **Subtract the bank's mean** from the bank and the patches, which makes the
# squares smaller. Or use direct differences to **recompute the distances** to the vectors found, as `MemoryBank.search`
# does. In your tests, compare distances with a tolerance, never with `==`.

# %% [markdown]
# ## 4. IVF: search in a few cells
#
# An exact search also compares vectors that are far away. To avoid this, k-means computes *centroids* from the bank's
# vectors, and each vector belongs to the **cell** of its nearest centroid. A search compares the patch with the
# centroids, then with the vectors in the nearest cells. FAISS calls this index an inverted file, **IVF** (Sivic and
# Zisserman, 2003, [doi 10.1109/ICCV.2003.1238663](https://doi.org/10.1109/ICCV.2003.1238663)). `nlist` is the number of
# cells, and `nprobe` the number of cells searched.
#
# **Recall@1** is the share of patches for which a search finds the nearest vector. The next figure shows a toy bank
# with two channels and 12 cells. Move its slider. The left panel shows one patch near a border between cells, and the
# right panel shows recall@1 and cost over 500 patches. The cost is the number of computed distances, relative to an
# exact search.

# %% tags=["start-here"]
# Start here again after a restart
from functools import partial

import numpy as np
import torch  # before FAISS

from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb05 import figures as draw
from aitex_utils.lessons.nb05 import reference
from aitex_utils.lessons.nb05.toy import toy_bank
from aitex_utils.lessons.sliders import show_with_sliders

import faiss  # isort: skip

toy = toy_bank()
show_with_sliders(partial(draw.plot_nprobe, toy), stills=[{"nprobe": 1}, {"nprobe": 2}], nprobe=(1, 12, 1, 1))

# %% [markdown]
# With `nprobe` = 1 the search misses the nearest vector, which lies in a neighbouring cell. Searching more cells raises
# both recall@1 and the cost. With all cells, IVF costs more than an exact search, because it also compares the patch
# with the centroids.
#
# ### Exercise 05.2: Recall@1 up to ties
#
# *Easy, 10 minutes.*
#
# A fair count needs two rules. *Ties*: a bank can contain a vector twice, and either copy is a hit. *Nothing found*:
# where all searched cells are empty, FAISS returns the index -1, which NumPy would read as the last vector.
#
# For the `patches` `(n, C)` and the `vectors` `(M, C)`, a search found `indices` `(n,)` and an exact search
# `exact_indices` `(n,)`. Return the share of hits, from 0 to 1. The vector found is a hit if it is **as near as** the
# exact result, with a relative tolerance of `1e-5`. The index -1 is a miss.
#
# Example: vectors `[[0, 0], [4, 0], [0, 0], [9, 9]]`, patches `[[1, 0], [3, 0], [8, 9], [9, 8]]`, indices
# `[2, 1, 3, -1]` and exact indices `[0, 1, 3, 3]` give three hits for four patches.


# %% exercise="05.2"
def recall_at_one(
    patches: np.ndarray,
    vectors: np.ndarray,
    indices: np.ndarray,
    exact_indices: np.ndarray,
) -> float:
    """Return the share of patches whose found vector is as near as the nearest."""
    distances = np.linalg.norm(patches - vectors[indices], axis=1)
    exact_distances = np.linalg.norm(patches - vectors[exact_indices], axis=1)
    hits = (distances <= exact_distances * (1 + 1e-5)) & (indices >= 0)
    return float(hits.mean())


# %%
check("05.2", recall_at_one)  # stuck? hint("05.2")

# %% [markdown]
# ### Exercise 05.3: Search in cells
#
# *Hard, 20 minutes.*
#
# The arguments are `patches` `(n, C)`, `vectors` `(M, C)`, `centroids` `(nlist, C)` and `nprobe`.
#
# Search the cells of the `nprobe` nearest centroids for each patch. Return the distances `(n,)`, not squared, to the
# nearest vectors **in these cells**, and their indices `(n,)` **in the bank**. If the cells are empty, the distance is
# infinity and the index -1. A loop over patches is fine.
#
# Example: with the vectors `[[0], [1], [4.5], [5.2], [9]]` and the centroids `[[2], [8]]`, `5.2` and `9` are in the
# second cell. For the patch `[4.9]`, `nprobe` 1 gives index 2 at distance `0.4`, and `nprobe` 2 gives index 3 at
# distance `0.3`.


# %% exercise="05.3"
def search_cells(
    patches: np.ndarray,
    vectors: np.ndarray,
    centroids: np.ndarray,
    nprobe: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return distances (n,) and indices (n,) within the probed cells."""
    to_centroids = np.linalg.norm(vectors[:, None] - centroids, axis=2)
    cell_of = to_centroids.argmin(axis=1)
    distances = np.full(len(patches), np.inf)
    indices = np.full(len(patches), -1)
    for i, patch in enumerate(patches):
        cells = np.linalg.norm(centroids - patch, axis=1).argsort()[:nprobe]
        members = np.flatnonzero(np.isin(cell_of, cells))  # in the bank
        if len(members):
            to_members = np.linalg.norm(vectors[members] - patch, axis=1)
            distances[i], indices[i] = to_members.min(), members[to_members.argmin()]
    return distances, indices


# %%
check("05.3", search_cells)  # stuck? hint("05.3")

# %% [markdown]
# The next cell runs your functions from 05.2 and 05.3 on the toy bank. It compares the search with an IVF
# index with the same centroids.

# %%
search, recall = yours("05.3", reference.search_cells), yours("05.2", reference.recall_at_one)
exact_indices = reference.exact_search(toy.patches, toy.vectors)[1]
quantizer = faiss.IndexFlatL2(2)  # finds the nearest centroids
quantizer.add(toy.centroids)
toy_ivf = faiss.IndexIVFFlat(quantizer, 2, len(toy.centroids))
toy_ivf.add(toy.vectors)
for nprobe in (1, 2, 3):
    toy_ivf.nprobe = nprobe
    indices = np.asarray(search(toy.patches, toy.vectors, toy.centroids, nprobe)[1])
    same = np.sum(indices == toy_ivf.search(toy.patches, 1)[1][:, 0])
    share = recall(toy.patches, toy.vectors, indices, exact_indices)
    print(f"nprobe = {nprobe}: recall@1 {share:.3f}, same result as FAISS for {same} of {len(indices)} patches")

# %% [markdown]
# FAISS stores a list of the vectors per cell, which saves time.

# %% [markdown]
# ## 5. Train an IVF index on the bank
#
# An IVF index needs its centroids before it can assign a vector to a cell, so you must **train** it first. Train it on
# normal patches of all fabrics in the bank, and never on test patches.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np
import torch  # before FAISS

from aitex_utils import MemoryBank
from aitex_utils.lessons import predict, reveal, yours
from aitex_utils.lessons.nb05 import figures as draw
from aitex_utils.lessons.nb05 import reference, verdicts
from aitex_utils.lessons.nb05.setup import lesson_banks
from aitex_utils.lessons.timing import time_call
from aitex_utils.plots import show

import faiss  # isort: skip

banks = lesson_banks()
bank, queries = banks.banks[0], np.ascontiguousarray(banks.tests[0][::10])

# %%
try:
    faiss.IndexIVFFlat(faiss.IndexFlatL2(bank.shape[1]), bank.shape[1], 8).add(bank)  # without training
except RuntimeError as error:
    print("FAISS refuses:", str(error).split("Error: ")[-1])

# %% [markdown]
# The next index has one cell per 39 vectors, because FAISS warns about fewer vectors per cell. **With `nprobe` = 1, for
# what share of the test patches does the index find the nearest vector?**

# %%
predict("05.c", 20, 70, unit="%")

# %%
recall_of = yours("05.2", reference.recall_at_one)
exact_indices = MemoryBank().add(bank).search(queries)[1][:, 0]


def trained_ivf(training, vectors):
    """Return an IVF index that is trained on some vectors and filled with others."""
    n_channels, nlist = vectors.shape[1], len(vectors) // 39
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(n_channels), n_channels, nlist)
    index.train(training)
    index.add(vectors)
    return index


def recall_and_time(index):
    """Return recall@1, and the median time per patch in microseconds."""
    _, timing = time_call(lambda: index.search(queries, 1))
    indices = index.search(queries, 1)[1][:, 0]
    return recall_of(queries, bank, indices, exact_indices), 1e6 * timing.median / len(queries)


# %%
ivf, flat = trained_ivf(bank, bank), faiss.IndexFlatL2(bank.shape[1])
flat.add(bank)
measured = {}
for nprobe in (1, 2, 4, 8, 16, 32):
    ivf.nprobe = nprobe
    measured[f"nprobe {nprobe}"] = recall_and_time(ivf)
measured["flat"] = recall_and_time(flat)
reveal("05.c", 100 * measured["nprobe 1"][0], unit="%")
recalls, times = zip(*measured.values(), strict=True)
show(*draw.plot_tradeoff(list(measured), recalls, times))

# %% [markdown]
# Neighbours often share a cell, so a search of one cell among several hundred finds many nearest vectors. Each
# doubling of `nprobe` adds less recall@1 than the doubling before, and costs more time.
#
# Now train the index on patches of **another fabric**, and fill it with this bank. FAISS's *imbalance factor* is 1 if
# all cells are equally large.

# %%
foreign = trained_ivf(banks.banks[-1], bank)
rows = []
for name, index in (("this fabric", ivf), ("another fabric", foreign)):
    index.nprobe = 8
    rows.append(recall_and_time(index))
    imbalance = index.invlists.imbalance_factor()
    print(f"trained on {name:14}  recall@1 {rows[-1][0]:.3f}  imbalance factor {imbalance:.1f}")
print(verdicts.describe_foreign_training(*rows))

# %% [markdown]
# The centroids of the other fabric lie elsewhere, so most vectors crowd into a few cells. FAISS gives no warning.
# Recall@1 can still be high, because each search reads a large part of the bank.

# %% [markdown]
# ## 6. HNSW: walk through a graph
#
# The second idea is a graph that links each vector to some near vectors. A search *walks*: it moves to the linked
# neighbour nearest to the patch, and stops when no neighbour is nearer. In the toy bank, each vector is linked to the
# three nearest of the vectors added before it. The first vectors had few candidates, so their links are long and serve
# as shortcuts.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np
import torch  # before FAISS

from aitex_utils import MemoryBank
from aitex_utils.lessons import yours
from aitex_utils.lessons.nb05 import figures as draw
from aitex_utils.lessons.nb05 import reference
from aitex_utils.lessons.nb05.setup import lesson_banks
from aitex_utils.lessons.nb05.toy import link_neighbours, toy_bank
from aitex_utils.lessons.timing import time_call
from aitex_utils.plots import show

import faiss  # isort: skip

toy = toy_bank()
graph = link_neighbours(toy.vectors, n_links=3)


# %%
def walk(patch, start=0):
    """Return the indices of the vectors on the way to a patch."""
    path, to_patch = [start], np.linalg.norm(toy.vectors - patch, axis=1)
    while True:
        best = min(graph[path[-1]], key=lambda i: to_patch[i])
        if to_patch[best] >= to_patch[path[-1]]:
            return path
        path.append(best)


walks = [walk(patch) for patch in toy.patches]
longest = int(np.argmax([len(path) for path in walks]))
show(*draw.plot_walk(toy.vectors, graph, walks[longest], toy.patches[longest]))
nearest = reference.exact_search(toy.patches, toy.vectors)[1]
print(f"{np.sum([path[-1] for path in walks] == nearest)} of {len(walks)} walks end at the nearest vector.")

# %% [markdown]
# A walk needs few distances, but it can get stuck: all neighbours are farther, although a nearer vector exists. So
# **HNSW** (*hierarchical navigable small world*, Malkov and Yashunin,
# [arXiv 1603.09320](https://arxiv.org/abs/1603.09320)) keeps a list of the best candidates and continues from each. In
# FAISS `efSearch` is the length of this list, and `M` the number of links per vector. HNSW needs no training, but its
# links take memory, and time to build.

# %%
banks = lesson_banks()
bank, queries = banks.banks[0], np.ascontiguousarray(banks.tests[0][::10])
exact_indices = MemoryBank().add(bank).search(queries)[1][:, 0]
recall_of = yours("05.2", reference.recall_at_one)
hnsw = faiss.IndexHNSWFlat(bank.shape[1], 32)  # M = 32, twice as many in the lowest layer
hnsw.add(bank)
for ef_search in (4, 16, 64, 128):
    hnsw.hnsw.efSearch = ef_search
    timing = time_call(lambda: hnsw.search(queries, 1))[1].scaled(1e6 / len(queries))  # median and range
    share = recall_of(queries, bank, hnsw.search(queries, 1)[1][:, 0], exact_indices)
    print(f"efSearch = {ef_search:3}: recall@1 {share:.3f}, {timing.written('µs')} per patch")

# %% [markdown]
# A longer list raises recall@1, up to 1, and costs time.

# %% [markdown]
# ## 7. PQ: store codes instead of vectors
#
# **Product quantisation**, PQ, saves bytes. It cuts each vector into S parts. For each part, k-means learns a
# **codebook** of 256 entries. The index stores only which entry is nearest to each part: S bytes per vector, the
# `code_size` (Jégou, Douze and Schmid, 2011, [doi 10.1109/TPAMI.2010.57](https://doi.org/10.1109/TPAMI.2010.57)). In
# the toy bank, each channel is a part, and each codebook has six entries. The combinations of entries form a grid, and
# each vector is replaced by a crossing of this grid.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np
import torch  # before FAISS

from aitex_utils import MemoryBank
from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb05 import figures as draw
from aitex_utils.lessons.nb05 import reference
from aitex_utils.lessons.nb05.setup import lesson_banks
from aitex_utils.lessons.nb05.toy import toy_bank, toy_codebooks
from aitex_utils.plots import show

import faiss  # isort: skip

toy = toy_bank()
show(*draw.plot_codes(toy.vectors, toy_codebooks(toy.vectors, k=6)))

# %% [markdown]
# <details><summary>In depth: the product in the name</summary>
#
# Two codebooks of six entries distinguish 36 crossings, the *product* of their sizes, and 19 codebooks of 256 entries
# distinguish $256^{19}$ vectors.
#
# </details>
#
# ### Exercise 05.4: Encode, and count the bytes
#
# *Medium, 15 minutes.*
#
# `vectors` is `(N, C)` and `codebooks` `(S, K, C / S)`, both float32, with K at most 256. Return two results:
# - the codes `(N, S)` as `np.uint8`: for part s, the index of the nearest entry in `codebooks[s]`;
# - the number of bytes of the codes **and** the codebooks together.
#
# Part s of a vector is its s-th run of C / S consecutive channels. Example: take the codebooks
# `[[[0, 0], [5, 5], [9, 0]], [[9, 9], [0, 0], [5, 5]]]` and the vector `[8, 1, 4, 6]`. Its parts `[8, 1]` and `[4, 6]`
# are both nearest to entry 2, so the codes are `[2, 2]`. They take 2 bytes, and the codebooks 48.


# %% exercise="05.4"
def encode(
    vectors: np.ndarray,
    codebooks: np.ndarray,
) -> tuple[np.ndarray, int]:
    """Return codes (N, S) uint8, and the bytes of codes and codebooks."""
    parts = vectors.reshape(len(vectors), len(codebooks), -1)  # (N, S, C / S)
    columns = []
    for s, codebook in enumerate(codebooks):
        distances = np.linalg.norm(parts[:, s, None] - codebook, axis=2)  # (N, K)
        columns.append(distances.argmin(axis=1))
    codes = np.stack(columns, axis=1).astype(np.uint8)
    return codes, codes.nbytes + codebooks.nbytes


# %%
check("05.4", encode)  # stuck? hint("05.4")

# %% [markdown]
# For each vector, a search adds up S squared distances, which it looks up in a table. The sum is the squared distance
# to the *crossing*, not to the vector. The next cell trains PQ and encodes 1,000 vectors with its codebooks. This
# takes a few seconds.

# %%
banks = lesson_banks()
bank, queries = banks.banks[0], np.ascontiguousarray(banks.tests[0][::10])
C, code_size = bank.shape[1], 19
pq, flat = faiss.IndexPQ(C, code_size, 8), faiss.IndexFlatL2(C)  # 8 bits per code
pq.train(bank)
for index in (pq, flat):
    index.add(bank)
codebooks = faiss.vector_to_array(pq.pq.centroids).reshape(code_size, 256, C // code_size)
codes, size = yours("05.4", reference.encode)(bank[:1000], codebooks)
faiss_codes = faiss.vector_to_array(pq.codes).reshape(-1, code_size)[:1000]
print(f"Equal codes: {np.sum(np.asarray(codes) == faiss_codes):,} of {faiss_codes.size:,}")
print(f"1,000 vectors take {size:,} bytes with the codebooks, and {4 * C * 1000:,} as float32")

# %%
exact_distances, exact_indices = (result[:, 0] for result in MemoryBank().add(bank).search(queries))
pq_squares, pq_indices = (result[:, 0] for result in pq.search(queries, 1))
recall = yours("05.2", reference.recall_at_one)(queries, bank, pq_indices, exact_indices)
error = np.median(abs(np.sqrt(pq_squares) - exact_distances) / exact_distances)
names = ["flat", f"PQ, code_size {code_size}"]
sizes = [faiss.serialize_index(index).nbytes / 2**20 for index in (flat, pq)]
show(*draw.plot_bars(names, sizes, "MiB", title="Size of the index"))
print(f"recall@1: {recall:.3f}, median relative error of the distances: {100 * error:.1f} %")

# %% [markdown]
# PQ needs far fewer bytes. But its recall@1 is low, and its distances are approximate. Does this matter for the
# detector?

# %% [markdown]
# ## 8. Effect on AUROC
#
# The result that counts is the **tile AUROC, with the largest distance of a tile as its score.** The next cell
# searches the bank of each fabric with every kind of index. `coreset` is 10 % of the bank, chosen greedily and
# searched exactly. Its recall@1 is measured against the whole bank, and its build time excludes the subsampling.
#
# The first run takes about 30 seconds. Later runs read the results from a cache, **timings included**. If your machine
# was busy, run `python course.py data --clear-cache` and then this section.
#
# **What is the difference in mean AUROC (PQ - flat)?**

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import metrics
from aitex_utils.lessons import predict, reveal
from aitex_utils.lessons.figures import plot_intervals
from aitex_utils.lessons.nb05 import figures as draw
from aitex_utils.lessons.nb05 import verdicts
from aitex_utils.lessons.nb05.setup import compare_kinds, lesson_banks
from aitex_utils.plots import show

banks = lesson_banks()
results = compare_kinds(banks)

# %%
predict("05.d", -0.1, 0.02)


# %%
def mean_auroc(kind):
    """Return the tile AUROC of a kind, as the mean over the fabrics."""
    pairs = zip(banks.labels, results[kind].scores, strict=True)
    return np.mean([metrics.auroc(labels, scores) for labels, scores in pairs])


print("kind      recall@1   µs per patch (spread)     MiB  build s   AUROC")
for kind, result in results.items():
    median, low, high = result.microseconds
    time = f"{median:.1f} ({low:.1f} to {high:.1f})"
    size = f"{result.mib:7.1f} {result.build_seconds:8.2f}"
    print(f"{kind:8}  {result.recall:8.3f}  {time:>22} {size}  {mean_auroc(kind):6.3f}")
reveal("05.d", mean_auroc("pq 19") - mean_auroc("flat"))

# %%
recalls = [result.recall for result in results.values()]
times = [result.microseconds[0] for result in results.values()]
show(*draw.plot_tradeoff(list(results), recalls, times))

# %% [markdown]
# The number after a kind is its `nprobe`, `efSearch` or `code_size`. The coreset has the lowest recall@1, but its AUROC
# is similar. The next cell resamples the test tiles 500 times and computes the difference in AUROC (kind - flat).


# %%
def auroc_differences(kind, n_resamples=500):
    """Return resampled differences in mean AUROC, (kind - flat)."""
    differences = []
    for i, labels in enumerate(banks.labels):
        pair = results[kind].scores[i], results["flat"].scores[i]
        options = {"groups": np.arange(len(labels)), "n_resamples": n_resamples, "seed": i}
        differences.append(metrics.paired_bootstrap(metrics.auroc, labels, *pair, **options))
    return np.mean(differences, axis=0)


others = list(results)[1:]
differences = [auroc_differences(kind) for kind in others]
show(*plot_intervals(others, differences, label="difference in tile AUROC (kind - flat)"))
print(verdicts.describe_intervals(others, differences))

# %% [markdown]
# If 1 patch in 100 misses its nearest vector, a tile of 1,024 patches has about ten misses. The score is the
# *largest* distance, so one bad miss can raise the score of a normal tile. The next figure shows the worst miss of
# each kind.

# %%
worst = [result.worst_miss for result in results.values()]
title, unit = "The worst miss", "multiple of the distance to the nearest vector"
show(*draw.plot_bars(list(results), worst, unit, title=title))

# %% [markdown]
# Even in the worst miss of IVF with `nprobe` 8, the vector found is only slightly farther than the nearest vector. A
# walk of HNSW can get stuck far away. The coreset raises nearly all distances, of normal and defective tiles alike,
# so the order of the tiles changes little.
#
# ### The same comparison on AITEX
#
# The benchmark uses three fabrics, with two strip-level splits per fabric. The bank contains all patches of up to 20
# training tiles (`python course.py bench notebook_05`, {{results/notebook_05.json: threads}} threads). The last
# column is the 95 % interval of the difference in AUROC, from a cluster bootstrap over strips.
#
# | kind | recall@1 | µs per patch | tile AUROC | difference |
# |---|---|---|---|---|
# | flat | {{results/notebook_05.json: kinds.flat.recall: .3f}} | {{results/notebook_05.json: kinds.flat.microseconds: .0f}} | {{results/notebook_05.json: kinds.flat.tile_auroc: .3f}} | – |
# | coreset, flat | {{results/notebook_05.json: kinds.coreset.recall: .3f}} | {{results/notebook_05.json: kinds.coreset.microseconds: .0f}} | {{results/notebook_05.json: kinds.coreset.tile_auroc: .3f}} | {{results/notebook_05.json: kinds.coreset.low: +.3f}} to {{results/notebook_05.json: kinds.coreset.high: +.3f}} |
# | IVF, `nprobe` 1 | {{results/notebook_05.json: kinds.ivf_1.recall: .3f}} | {{results/notebook_05.json: kinds.ivf_1.microseconds: .0f}} | {{results/notebook_05.json: kinds.ivf_1.tile_auroc: .3f}} | {{results/notebook_05.json: kinds.ivf_1.low: +.3f}} to {{results/notebook_05.json: kinds.ivf_1.high: +.3f}} |
# | IVF, `nprobe` 8 | {{results/notebook_05.json: kinds.ivf_8.recall: .3f}} | {{results/notebook_05.json: kinds.ivf_8.microseconds: .0f}} | {{results/notebook_05.json: kinds.ivf_8.tile_auroc: .3f}} | {{results/notebook_05.json: kinds.ivf_8.low: +.3f}} to {{results/notebook_05.json: kinds.ivf_8.high: +.3f}} |
# | HNSW, `efSearch` 16 | {{results/notebook_05.json: kinds.hnsw_16.recall: .3f}} | {{results/notebook_05.json: kinds.hnsw_16.microseconds: .0f}} | {{results/notebook_05.json: kinds.hnsw_16.tile_auroc: .3f}} | {{results/notebook_05.json: kinds.hnsw_16.low: +.3f}} to {{results/notebook_05.json: kinds.hnsw_16.high: +.3f}} |
# | HNSW, `efSearch` 64 | {{results/notebook_05.json: kinds.hnsw_64.recall: .3f}} | {{results/notebook_05.json: kinds.hnsw_64.microseconds: .0f}} | {{results/notebook_05.json: kinds.hnsw_64.tile_auroc: .3f}} | {{results/notebook_05.json: kinds.hnsw_64.low: +.3f}} to {{results/notebook_05.json: kinds.hnsw_64.high: +.3f}} |
# | PQ, `code_size` 19 | {{results/notebook_05.json: kinds.pq_19.recall: .3f}} | {{results/notebook_05.json: kinds.pq_19.microseconds: .0f}} | {{results/notebook_05.json: kinds.pq_19.tile_auroc: .3f}} | {{results/notebook_05.json: kinds.pq_19.low: +.3f}} to {{results/notebook_05.json: kinds.pq_19.high: +.3f}} |
# | PQ, distances recomputed | {{results/notebook_05.json: kinds.pq_19_true.recall: .3f}} | {{results/notebook_05.json: kinds.pq_19_true.microseconds: .0f}} | {{results/notebook_05.json: kinds.pq_19_true.tile_auroc: .3f}} | {{results/notebook_05.json: kinds.pq_19_true.low: +.3f}} to {{results/notebook_05.json: kinds.pq_19_true.high: +.3f}} |
#
# The coreset rarely finds the nearest vector, and IVF with `nprobe` 8 nearly always does. Both intervals contain 0.
# **HNSW with `efSearch` 64 has a higher recall@1 than this IVF index, and still loses AUROC.** With `efSearch` 16, it
# loses more. PQ loses AUROC on average, and exact distances to the vectors that it finds do not help. So choose an
# index by its AUROC.

# %% [markdown]
# ## 9. Choose an index
#
# The time of an exact search is proportional to the size of the bank. The search times of other kinds of index grow
# more slowly, so these kinds are faster above some size. **At how many thousand vectors does an exact search take as
# long as the extraction?**

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import predict, quiz, reveal
from aitex_utils.lessons.nb05 import figures as draw
from aitex_utils.lessons.nb05 import verdicts
from aitex_utils.lessons.nb05.setup import lesson_banks, times_by_size
from aitex_utils.plots import show

banks = lesson_banks()

# %%
predict("05.e", 3, 50, unit="thousand vectors")

# %% [markdown]
# The next cell builds banks of different sizes from the patches of all three fabrics. The first run takes about 10
# seconds.

# %%
sizes, times, extraction = times_by_size(banks)
per_vector = times["flat"][-1, 0] / sizes[-1]  # microseconds, in a large bank
reveal("05.e", extraction / per_vector / 1000, unit="thousand vectors")
lines = {kind: measured[:, 0].tolist() for kind, measured in times.items()}
axes = {"xlabel": "vectors in the bank", "ylabel": "microseconds per patch"}
show(*draw.plot_lines(sizes, lines, **axes, title="Time of a search", reference=("extraction", extraction)))
print(verdicts.describe_faster(sizes, times))

# %% [markdown]
# On AITEX, an exact search takes as long as the extraction at about {{results/notebook_05.json:
# sizes.as_long_as_extraction: ,.0f}} vectors. A coreset with 10 % of the patches of 20 tiles has only about 2,000
# vectors.
#
# | bank | choose | because |
# |---|---|---|
# | coreset of one fabric | flat | exact, and nothing to train or tune |
# | all patches, or many fabrics | IVF, with `nprobe` chosen by your AUROC | fast, and its misses are mild |
# | very large | HNSW, with care | fast, but its rare misses are bad |
# | larger than the memory | PQ | a small share of the bytes |
#
# <details><summary>In depth: exact and faster</summary>
#
# An index can also save time without misses. The nearest vector $m$ of a patch $p$ has the largest
# $p \cdot m - \lVert m \rVert^2 / 2$. Some processors multiply 16-bit numbers, *bfloat16*, several times as fast as float32. These
# products are rough, but their largest possible error is known. On such a processor, `MemoryBank` divides its vectors
# into groups of 64 and computes all rough products. It rules out each group that cannot contain the nearest vector even
# with the largest error, and compares the few remaining groups in float32. On the practice fabric, a tile enlarged to
# 320 px has {{results/speed.json: model.patches_a_tile: ,}} patches. A search for their nearest neighbours among
# {{results/speed.json: model.kept: ,}} vectors took {{results/speed.json: model.search_ms: .0f}} ms. The flat index
# of FAISS took {{results/speed.json: model.search_faiss_ms: .0f}} ms for the same result (`python course.py bench
# speed`).
#
# </details>
#
# ### Choose and justify: An index for two banks
#
# *Medium, 10 minutes.*
#
# A tile has 1,024 patches and must be scored within 100 ms. The extraction takes
# {{results/notebook_05.json: sizes.extraction: .0f}} microseconds per patch. The table shows the search time in
# microseconds per patch, measured on AITEX.
#
# | bank | vectors | flat | IVF, `nprobe` 8 | HNSW, `efSearch` 16 |
# |---|---|---|---|---|
# | A: coreset of one fabric | 1,000 | {{results/notebook_05.json: sizes.flat.0: .1f}} | {{results/notebook_05.json: sizes.ivf_8.0: .1f}} | {{results/notebook_05.json: sizes.hnsw_16.0: .1f}} |
# | B: all patches of three fabrics | 180,000 | {{results/notebook_05.json: sizes.flat.4: .1f}} | {{results/notebook_05.json: sizes.ivf_8.4: .1f}} | {{results/notebook_05.json: sizes.hnsw_16.4: .1f}} |
#
# For bank B, recall@1 is {{results/notebook_05.json: sizes.recall.ivf_8.4: .3f}} with IVF and
# {{results/notebook_05.json: sizes.recall.hnsw_16.4: .3f}} with HNSW. Write down a choice for each bank, and a change
# that would reverse each choice.
#
# **Which index do you choose for each bank?**
# - a) Flat for both
# - b) Flat for A, IVF for B
# - c) HNSW for both
# - d) Flat for A, PQ for B

# %%
quiz("05.q6", "b")

# %% [markdown]
# <details><summary>A model answer</summary>
#
# b. "For A, I choose flat: it is the fastest of the three, exact, and needs no training. For B, a flat search of
# 1,024 patches alone takes more than the limit, while IVF stays far below it. HNSW is about as fast, but it lost more
# AUROC than IVF in section 8. If A grew to the size of B, I would choose IVF for it. I would choose flat for B if a
# coreset of B reached the same AUROC, or if the limit were 300 ms."
#
# </details>

# %% [markdown]
# ## 10. Save, load and grow a bank
#
# `faiss.write_index` writes an index to a file. The second cell below makes such a file in memory and flips a bit.

# %% tags=["start-here"]
# Start here again after a restart
import tempfile
from pathlib import Path

import numpy as np
import torch  # before FAISS

from aitex_utils import InputError, MemoryBank
from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb05 import figures as draw
from aitex_utils.lessons.nb05 import reference
from aitex_utils.lessons.nb05.setup import growing_strips, lesson_banks
from aitex_utils.plots import show

import faiss  # isort: skip

banks = lesson_banks()
bank, queries = banks.banks[0], np.ascontiguousarray(banks.tests[0][::10])

# %%
flat = faiss.IndexFlatL2(bank.shape[1])
flat.add(bank)
squares, indices = (result[:, 0] for result in flat.search(queries, 1))
i = int(squares.argmin())  # the query that is closest to the bank
content = faiss.serialize_index(flat)  # the bytes that write_index writes
position = len(content) - bank.nbytes + 4 * bank.shape[1] * int(indices[i])  # of its nearest vector
content[position + 3] ^= 0x40  # one bit of one number
for name, index in (("as saved", flat), ("damaged", faiss.deserialize_index(content))):
    square, row = (result[0, 0] for result in index.search(queries[i : i + 1], 1))
    print(f"{name:8}: nearest vector {row}, at distance {np.sqrt(square):.3f}")

# %% [markdown]
# FAISS reports no error, and a normal vector is lost. So `MemoryBank.save` writes a folder with a SHA-256 digest of
# each file, and `load` compares the digests.

# %%
with tempfile.TemporaryDirectory() as folder:
    saved = MemoryBank().add(bank[:2000]).save(Path(folder) / "bank", metadata={"fabric": banks.fabrics[0]})
    loaded = MemoryBank.load(saved)
    print(f"{len(loaded):,} vectors of fabric {loaded.metadata['fabric']}")
    file = saved / "index.faiss"
    content = bytearray(file.read_bytes())
    content[-1] ^= 0x40
    file.write_bytes(content)
    try:
        MemoryBank.load(saved)
    except InputError as error:
        print(str(error).replace(folder, "..."))

# %% [markdown]
# `MemoryBank.load` *unpickles* nothing, because a pickle file can run any code.
#
# ### Exercise 05.5: Add without rebuilding
#
# *Easy, 10 minutes.*
#
# New cloth raises false alarms, and an inspector confirms that it is normal. Its patches belong in the bank. An IVF
# index accepts them without new training: the centroids stay, and each new vector joins the cell of its nearest
# centroid.
#
# `invlists` is a list of lists: for each centroid, the indices of its vectors. `centroids` is `(nlist, C)` and `new`
# `(n, C)`. Return the cells **with the new vectors added**, as a list of lists. With N vectors so far, the first new
# vector gets the index N. The order within a cell does not matter. Leave `invlists` unchanged.
#
# Example: the cells `[[0, 2], [1], []]`, the centroids `[[0], [10], [20]]` and the new vectors `[[9], [1], [12]]` give
# `[[0, 2, 4], [1, 3, 5], []]`.


# %% exercise="05.5"
def add_later(
    invlists: list[list[int]],
    centroids: np.ndarray,
    new: np.ndarray,
) -> list[list[int]]:
    """Return the cells with the new vectors (n, C) added."""
    grown = [list(cell) for cell in invlists]
    first = sum(len(cell) for cell in invlists)
    for i, vector in enumerate(new):
        cell = int(np.linalg.norm(centroids - vector, axis=1).argmin())
        grown[cell].append(first + i)
    return grown


# %%
check("05.5", add_later)  # stuck? hint("05.5")

# %% [markdown]
# The next cell adds 1,000 vectors of another fabric to 2,000 vectors of the first.

# %%
grow = yours("05.5", reference.add_later)
centroids = faiss.Kmeans(bank.shape[1], 20, seed=1)
centroids.train(bank[:2000])
cell_of = reference.exact_search(bank[:2000], centroids.centroids)[1]
invlists = [np.flatnonzero(cell_of == cell).tolist() for cell in range(20)]
grown = grow(invlists, centroids.centroids, banks.banks[-1][:1000])
before, after = (np.array([len(cell) for cell in cells]) for cells in (invlists, grown))
print(f"Vectors: {before.sum():,} before, {after.sum():,} after")
print(f"Largest cell: {before.max()} before, {after.max()} after")

# %% [markdown]
# The new vectors crowd into a few cells, so a search there takes longer. When the bank has grown a lot, train the index
# again.
#
# ### A bank that learns a new strip
#
# The next bank starts with one normal strip. The threshold is the highest tile score in the three strips most similar
# to this strip. Then every second tile of the least similar normal strip joins the bank.

# %%
strips = growing_strips()
growing_bank = MemoryBank().add(strips.first)


def tile_scores(patches):
    """Return the largest distance of each tile."""
    return growing_bank.search(patches)[0].reshape(-1, 1024).max(axis=1)


threshold = max(tile_scores(patches).max() for patches in strips.similar)
scores_before = tile_scores(strips.odd)
added = np.arange(len(scores_before)) % 2 == 0
growing_bank.add(strips.odd[np.repeat(added, 1024)])
show(*draw.plot_alarms(scores_before, tile_scores(strips.odd), threshold, added))

# %% [markdown]
# The added tiles score about 0, because their patches are in the bank. The other tiles are the real test: their scores
# fall too.
#
# **Try it.** Add the first half of the tiles instead: `np.arange(len(scores_before)) < len(scores_before) // 2`. What
# happens to the other half?
#
# <details><summary>Answer</summary>
#
# If the cloth changes along the strip, the scores of the second half fall less, because most of its tiles have no added
# neighbour. Take new normal tiles from all over the cloth. If the two halves look alike, both choices work equally
# well. On a fabric whose strips resemble each other, there is no false alarm to begin with.
#
# </details>
#
# **A defect that enters the bank** hides every similar defect from then on. In addition, added patches are not
# subsampled, so the search takes longer. All kinds except HNSW can remove vectors (`remove_ids`).

# %% [markdown]
# ## 11. Find the flaw in a report
#
# A colleague reports: "With `nprobe` = 1, our IVF index has a recall@1 of 1." The next cell runs the colleague's
# function on the toy bank.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb05 import reference
from aitex_utils.lessons.nb05.toy import searched_in_cells, toy_bank

toy = toy_bank()


def flawed_recall(distances, is_searched):
    """Return recall@1 of a search in cells."""
    distances = np.where(is_searched, distances, np.inf)  # without other cells
    found = distances.min(axis=1)
    nearest = distances.min(axis=1)
    return float((found <= nearest * (1 + 1e-5)).mean())


for nprobe in (1, 2, 3):
    print(f"nprobe = {nprobe}: recall@1 {flawed_recall(*searched_in_cells(toy, nprobe)):.3f}")

# %% [markdown]
# ### Exercise 05.6: Repair the measurement
#
# *Medium, 10 minutes.*
#
# `distances` `(n, M)` contains the distance of each patch to each vector. `is_searched` `(n, M)` is True for the
# vectors in the cells that were searched. The function above has **one** flaw. Repair it below. A tie is a hit, and a
# patch without searched vectors is a miss.


# %% exercise="05.6"
def recall_of_cells(
    distances: np.ndarray,
    is_searched: np.ndarray,
) -> float:
    """Return recall@1 of a search in cells, against the nearest of all vectors."""
    searched = np.where(is_searched, distances, np.inf)
    found = searched.min(axis=1)
    nearest = distances.min(axis=1)
    return float((found <= nearest * (1 + 1e-5)).mean())


# %%
check("05.6", recall_of_cells)  # stuck? hint("05.6")

# %%
repaired = yours("05.6", reference.recall_of_cells)
for nprobe in (1, 2, 3):
    print(f"nprobe = {nprobe}: recall@1 {repaired(*searched_in_cells(toy, nprobe)):.3f}")

# %% [markdown]
# The flawed function compared the search with itself, so the result was always 1. The repaired function agrees with the
# values in section 4.
#
# ### Open task: An index for all three fabrics
#
# *Hard, 25 minutes.*
#
# A mill wants **one** bank with all patches of the three fabrics (`lesson_banks().banks`). Recommend an index with its
# parameters: write code, one table, and at most five sentences.
#
# | points | earned by |
# |---|---|
# | 1 | recall@1 up to ties, against an exact search |
# | 1 | latency with warm-up, median and spread |
# | 1 | bytes and build time |
# | 1 | the difference in tile AUROC from the exact search |
# | 1 | a coreset among the candidates |
# | 1 | a recommendation that follows from the table, with its conditions |
#
# <details><summary>A worked answer</summary>
#
# ```python
# import numpy as np
# from aitex_utils import metrics
# from aitex_utils.lessons.nb05.setup import lesson_banks, measure_kinds
#
# banks = lesson_banks()
# joint, tests = np.concatenate(banks.banks), np.concatenate(banks.tests)
# labels = np.concatenate(banks.labels)
# arrays = measure_kinds([joint], [tests])  # exact reference, ties, warm-up: see its source
# exact = metrics.auroc(labels, arrays["flat.0"])
# for name in [name for name in arrays if not name.endswith("costs")]:
#     recall, worst, build, median, low, high, mib = arrays[f"{name}.costs"]
#     difference = metrics.auroc(labels, arrays[name]) - exact
#     costs = f"{median:.0f} µs ({low:.0f} to {high:.0f}), {mib:.0f} MiB, built in {build:.1f} s"
#     print(f"{name}: recall@1 {recall:.3f}, {costs}, difference in AUROC {difference:+.3f}")
# ```
#
# "I recommend IVF with `nprobe` 8, trained on patches of all three fabrics. It found nearly all nearest vectors much
# faster than a flat search, and its AUROC was the closest to the flat AUROC. A simpler alternative is a flat index on
# a 10 % coreset, if its AUROC on your own test strips is equal. I would not use PQ here, because the bank fits into
# memory. A fourth fabric needs new training, because the centroids would not fit it."
#
# </details>

# %% [markdown]
# ## Summary
#
# 1. An exact search is one matrix product. It loses digits where vectors lie far from 0.
# 2. FAISS returns squared distances, which give wrong means, ratios and comparisons with a threshold.
# 3. IVF searches a few cells, HNSW walks through a graph, and PQ stores codes.
# 4. A detector takes the largest distance, so the worst misses matter. Measure the AUROC.
# 5. For a coreset, use a flat index. Save banks with digests, and add only patches confirmed as normal.

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import calibration, quiz

# %% [markdown]
# ### Quiz
#
# **1.** You forget the square root throughout your program. Which result stays the same?
# - a) The tile AUROC of the mean of the ten largest distances
# - b) The tile AUROC of the largest distance
# - c) The set of tiles above last week's threshold
# - d) The maximum of a smoothed anomaly map

# %%
quiz("05.q1", "b")

# %% [markdown]
# <details><summary>Answer</summary>b. Squaring keeps the order of single distances, and an AUROC depends only on the
# order. Means mix distances, and the old threshold was not squared.</details>
#
# **2.** You query the bank with one patch, then with the same patch in a batch of 1,000. The last digits of the patch's
# distance differ. Why?
# - a) The first search changed the index
# - b) FAISS draws random numbers
# - c) FAISS computes the sums differently, so rounding differs
# - d) Other patches of the batch count as neighbours

# %%
quiz("05.q2", "c")

# %% [markdown]
# <details><summary>Answer</summary>c. FAISS uses a matrix product for many patches and direct sums for few. The formula
# with a matrix product subtracts large numbers, which loses digits.</details>
#
# **3.** An index misses the nearest vector. How does the exact distance to the vector found compare with the distance
# to the nearest vector?
# - a) It is larger, or equal
# - b) It is smaller
# - c) It is larger or smaller by chance
# - d) It is infinite

# %%
quiz("05.q3", "a")

# %% [markdown]
# <details><summary>Answer</summary>a. Any other vector is at least as far away. So misses can raise scores and cause
# false alarms, and never lower a score.</details>
#
# **4.** On what do you train the centroids of IVF and the codebooks of PQ?
# - a) The patches of the test set
# - b) Random numbers of the same shape
# - c) Nothing, because FAISS includes them
# - d) A representative sample of the normal patches

# %%
quiz("05.q4", "d")

# %% [markdown]
# <details><summary>Answer</summary>d. Train on patches of all fabrics in the bank, and never on test patches.</details>
#
# **5.** Extraction takes 70 microseconds per patch and a flat search 10. HNSW takes 5, and finds the nearest vector for
# 99 patches in 100. What do you gain, and at what cost?
# - a) Half of the total time
# - b) 1/16 of the total time, for about ten misses per tile
# - c) 1/16 of the total time, and all scores stay the same
# - d) Half of the memory

# %%
quiz("05.q5", "b")

# %% [markdown]
# <details><summary>Answer</summary>b. The gain is 5 of 80 microseconds. Of 1,024 patches about ten miss their nearest
# vector, and one bad miss can set the score of a normal tile.</details>
#
# ### How sure were you?

# %%
calibration()

# %% [markdown]
# **Read next**
#
# - Douze et al., *The Faiss library*, 2024 ([arXiv 2401.08281](https://arxiv.org/abs/2401.08281))
# - Goldberg on rounding errors, 1991 ([doi 10.1145/103162.103163](https://doi.org/10.1145/103162.103163))
#
# **Next**: notebook 06, from distances to scores.
