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
# At the end of this notebook you will know what every way to search a memory bank costs, what it loses, and when the
# plainest one is right.
#
# **You will be able to**
# 1. search exactly with one matrix product, and say why its last digits move;
# 2. measure what an approximate index misses, fairly;
# 3. build the two ideas behind most indexes yourself: cells, and codes;
# 4. choose an index for a bank by measurement, with its effect on the detector;
# 5. save a bank, refuse a damaged one, and let it grow.
#
# **You need to know** what a memory bank and a coreset are (notebooks 02 and 04; a sentence on each is in the glossary),
# and NumPy's axes.
#
# **Time**: about 90 minutes for you with the exercises, and {{cost}} for the computer.

# %% [markdown]
# ## 1. What a search costs
#
# To score one tile, each of its 1,024 patches is compared with every vector of the bank. Let us have banks to compare
# with: of up to three fabrics, all patches of 16 normal tiles each, and as tests 10 clean tiles of *other* strips and 10
# tiles with a defect. Extracting the patches takes some seconds.

# %%
import numpy as np

from aitex_utils import (
    MemoryBank,
    PatchFeatures,
    k_center_greedy,
    list_strips,
    split_strips,
    tile_fabric,
    tile_labels,
)
from aitex_utils.lessons import calibration, check, hint, predict, quiz, reveal
from aitex_utils.lessons.data import lesson_strips, profile
from aitex_utils.lessons.nb05 import figures as draw
from aitex_utils.plots import show
from aitex_utils.tiling import crop_tiles

# %%
root = lesson_strips()
strips = [s for s in list_strips(root) if s.is_normal or s.masks]
normal = [s for s in strips if s.is_normal]
defective = [s for s in strips if not s.is_normal]
names = {s.fabric for s in normal} & {s.fabric for s in defective}
FABRICS = sorted(names, key=lambda n: (-sum(s.fabric == n for s in defective), n))[:3]


# %%
def draw_tiles(group, max_tiles, rng):
    """Return up to max_tiles tiles: normal strips' any, others' defective ones."""
    kept = []
    for strip in group:
        tiles, corners = tile_fabric(strip.read())
        mask_tiles = crop_tiles(strip.read_mask(), corners)
        kept.append(tiles[tile_labels(mask_tiles) != strip.is_normal])
    kept = np.concatenate(kept)
    return kept[rng.permutation(len(kept))[:max_tiles]]


# %%
def split_tiles(fabric, seed=0):
    """Return tiles to fit, tiles to test, and the latter's labels."""
    rng = np.random.default_rng(seed)
    good, bad = ([s for s in group if s.fabric == fabric] for group in (normal, defective))
    fit, held_out = split_strips(good, 0.7, seed)
    clean = draw_tiles(held_out, 10, rng)
    broken = draw_tiles(bad, 10, rng)
    labels = np.repeat([False, True], [len(clean), len(broken)])  # True = defect
    return draw_tiles(fit, 16, rng), np.concatenate([clean, broken]), labels


# %%
import time

from tqdm.auto import tqdm

features = PatchFeatures()


def extract(tiles):
    """Return the patches of tiles: (N, 256, 256) -> (N * 1024, C)."""
    patches = features.transform(tiles)
    return patches.reshape(-1, patches.shape[-1])


splits = [split_tiles(fabric) for fabric in FABRICS]
banks = [extract(fit) for fit, _, _ in tqdm(splits, desc="banks")]
begin = time.perf_counter()
tests = [extract(test) for _, test, _ in tqdm(splits, desc="tests")]
extraction = 1e6 * (time.perf_counter() - begin) / sum(len(test) for test in tests)

# %%
bank, test = banks[0], tests[0]  # one fabric, for all but the comparison
C = bank.shape[1]
size = bank.nbytes / 2**20
print(f"A bank: {len(bank):,} vectors of {C} channels, {size:.1f} MiB.")
print(f"Extraction took {extraction:.0f} microseconds a patch.")

# %% [markdown]
# The obvious way subtracts each vector from each patch. How much memory would all differences of **one tile** need?

# %%
differences = 1024 * len(bank) * C * 4  # float32 has four bytes
print(f"All differences of one tile: {differences / 2**30:.2f} GiB.")
print(f"All products of one tile:    {1024 * len(bank) * 4 / 2**20:.0f} MiB.")

# %% [markdown]
# The second line shows the way out. For two numbers $(p - m)^2 = p^2 - 2pm + m^2$, and for vectors
#
# $$\lVert p - m \rVert^2 = \lVert p \rVert^2 - 2\,p \cdot m + \lVert m \rVert^2 .$$
#
# The squares on either side are computed once. All $p \cdot m$ together are *one matrix product*, and there is little that
# computers do faster.
#
# ### Exercise 05.1: Search by a matrix product
#
# *medium, 15 minutes*
#
# For `patches` `(n, C)` and `vectors` `(M, C)` return two arrays of length n: the **distance** of each patch to its nearest
# vector, and the **index** of that vector. Not squared. It can be done without a loop over patches or vectors, and with no
# array larger than `(n, M)`. (The check looks at the numbers only: it can't see how you came by them.) If a vector is there twice, either index is right.
#
# Patches `[[0, 0], [6, 7]]` and vectors `[[0, 0], [3, 4], [6, 8]]` give the distances `[0, 1]` and the indices `[0, 2]`.
# Results must be numbers, also where a patch *equals* a vector and rounding has played a trick on you.


# %% exercise="05.1"
def exact_search(
    patches: np.ndarray,
    vectors: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return distances (n,) to the nearest vectors, and their indices (n,)."""
    own = (patches**2).sum(axis=1)  # (n,)
    others = (vectors**2).sum(axis=1)  # (M,)
    squares = own[:, None] - 2 * patches @ vectors.T + others  # (n, M)
    squares = np.maximum(squares, 0)  # rounding may leave a little less than 0
    return np.sqrt(squares.min(axis=1)), squares.argmin(axis=1)


# %%
check("05.1", exact_search)  # stuck? hint("05.1")

# %% [markdown]
# Now where does the time of a detector go: into the network that makes the patches, or into the search? PatchCore keeps a
# coreset; take a tenth of this bank, chosen greedily as in notebook 04. **Of the time that one tile takes, how many
# per cent is search?**

# %%
predict("05.a", 5, 40, unit="%")


# %%
def shortest_time(call, repeats=3):
    """Return the seconds of the fastest run: other work can only add."""
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begin)
    return min(seconds)


# %%
rows, _ = k_center_greedy(bank, len(bank) // 10, seed=0)
coreset = bank[rows]
first_tile, tile_patches = splits[0][1][:1], test[:1024]
coreset_bank, full_bank = MemoryBank().add(coreset), MemoryBank().add(bank)
milliseconds = {"extraction": 1000 * shortest_time(lambda: features.transform(first_tile))}
for searched in (coreset_bank, full_bank):
    seconds = shortest_time(lambda searched=searched: searched.search(tile_patches))
    milliseconds[f"search, {len(searched):,} vectors"] = 1000 * seconds

# %%
extract_time, search_time, _ = milliseconds.values()
reveal("05.a", 100 * search_time / (extract_time + search_time), unit="%")
names, values = list(milliseconds), list(milliseconds.values())
title = "One tile, part by part"
show(*draw.plot_bars(names, values, "milliseconds", title=title))

# %% [markdown]
# Keep this picture in mind. An index can save no more than the search takes. With a coreset that is little. With all
# patches in the bank it is much, and this is where approximate search begins to matter.
#
# ## 2. FAISS, and its squares
#
# [FAISS](https://arxiv.org/abs/2401.08281) (Douze et al., 2024) is the library that the authors of PatchCore used, and
# that `MemoryBank` uses. An *index* holds vectors; it is made for a number of channels, filled by `add`, and asked by
# `search(patches, k)`, which gives two arrays `(n, k)`: how far, and which.
#
# One warning. PyTorch and FAISS each bring their own library for threads (OpenMP), and some
# combinations crash. In programs of your own import **torch first**. The course does so throughout (here it happened in the
# first cells, before `MemoryBank` searched), and `python course.py doctor` tries it on your machine. Should a kernel die, don't silence the check of the libraries by an environment variable, as some advise: then
# results may be wrong without a word.

# %%
import torch

print(f"PyTorch {torch.__version__}, then")  # in this order, see above
import faiss

print(f"FAISS {faiss.__version__}")
toy_index = faiss.IndexFlatL2(2)  # flat: a plain list; L2: Euclidean
toy_index.add(np.array([[0, 0], [3, 4], [6, 8]], np.float32))
squares, indices = toy_index.search(np.array([[0, 0]], np.float32), 3)
print("how far:", squares[0], " which:", indices[0])

# %% [markdown]
# The vector (3, 4) lies 5 away from (0, 0). FAISS says 25. **It returns squared distances**, as roots take time and the
# order is the same without. What if one forgets the root? Here is the tile with the strangest patch, both ways.

# %%
from aitex_utils import metrics
from aitex_utils.lessons.figures import plot_panels

flat = faiss.IndexFlatL2(C)
flat.add(bank)
test_squares, nearest_rows = (array[:, 0] for array in flat.search(test, 1))
test_distances = np.sqrt(test_squares)
row = int(test_distances.argmax()) // 1024  # of the tile with the most anomalous patch
distances = test_distances[row * 1024 : (row + 1) * 1024].reshape(32, 32)
images = [splits[0][1][row], distances, distances**2]
spread = [image.max() / np.median(image) for image in images[1:]]
caption = "A tile, its distances and their squares, each with its own colours."
caption += f" The highest is {spread[0]:.1f} times the median of the distances,"
caption += f" and {spread[1]:.1f} times that of the squares."
show(*plot_panels(images, ["tile", "distances", "squares"], caption))

# %%
labels = splits[0][2]
for name, values in (("distances", test_distances), ("squares", test_squares)):
    by_tile = values.reshape(len(labels), 1024)
    largest = metrics.auroc(labels, by_tile.max(axis=1))
    mean = metrics.auroc(labels, by_tile.mean(axis=1))
    print(f"{name:9}  AUROC by largest {largest:.3f}, by mean {mean:.3f}")

# %% [markdown]
# With the largest value of a tile as its score nothing changes: squaring keeps the order. That is why the mistake may stay
# unnoticed for long. A mean of squares is another score: it gives the large distances more weight. On some tiles it may even come out
# better. But it isn't the score that you meant, and no threshold found for that one fits it. Whatever takes *means* of distances (smoothing, mean scores), *ratios* of them (reweighting), or compares
# them with a number (a threshold, a covering radius) is wrong. In this course the root is taken in one place,
# `MemoryBank.search`.
#
# ## 3. Why the last digits move
#
# Search 2,048 patches all at once, and again in lots of 16, 256 and 1,024. Who else is asked about in the same call can't
# matter to a patch's distance. So all numbers should be the same to the last digit.

# %%
two_tiles = np.ascontiguousarray(test[:2048])
together = flat.search(two_tiles, 1)[0]
print("searched   squares that differ   largest difference, of the value")
for batch_size in (16, 256, 1024):
    batches = np.split(two_tiles, len(two_tiles) // batch_size)
    in_batches = np.concatenate([flat.search(batch, 1)[0] for batch in batches])
    largest = (abs(in_batches - together) / together).max()
    print(f"by {batch_size:5}   {(in_batches != together).sum():10} of {together.size:5}   {largest:.0e}")

# %% [markdown]
# How many differ, and from which lot on, depends on your machine, its threads and FAISS's version. For large lots FAISS
# computes as you did, by a matrix product; for small ones it sums up the squared differences. So lots on the same side of
# that border agree, and the step comes where FAISS changes its method. On paper that is the same. In float32, which keeps
# some seven digits, it isn't. The smallest example has one channel:

# %%
p, m = np.float32(4096.5), np.float32(4096.0)
direct = (p - m) ** 2
expanded = p**2 - 2 * p * m + m**2
print("p² in float32:", p**2, "   exactly:", float(p) ** 2)
print("(p - m)²        =", direct)
print("p² - 2pm + m²   =", expanded)

# %% [markdown]
# The squares are large numbers, rounded to seven digits; their difference is small, and what rounding took away is now all
# that counts. This is called **cancellation**. The farther the vectors lie from 0, compared with the distances
# between them, the more of it. Below all patches and the bank are shifted by the same amount, which changes no
# distance at all.

# %%
shifts = [0.1, 1, 10, 100, 1000]
some_patches, some_vectors = test[:200], bank[::16]
differences = some_patches[:, None].astype(float) - some_vectors  # in float64
true_squares = (differences**2).sum(axis=2)
by_product, by_sum = [], []
for shift in shifts:
    p, m = some_patches + np.float32(shift), some_vectors + np.float32(shift)
    product = (p**2).sum(1)[:, None] - 2 * p @ m.T + (m**2).sum(1)
    summed = np.stack([((m - patch) ** 2).sum(1) for patch in p])
    by_product.append(float(np.median(abs(product - true_squares) / true_squares)))
    by_sum.append(float(np.median(abs(summed - true_squares) / true_squares)))

# %%
errors = {"matrix product": by_product, "direct sum": by_sum}
axes = {"xlabel": "shift of all vectors", "ylabel": "relative error of a square"}
show(*draw.plot_lines(shifts, errors, **axes, title="Cancellation, by the median"))

# %% [markdown]
# Patches of this network lie some way off 0 themselves, as most channels have a mean of their own. So even where they are, the
# matrix product loses digits. What does that do to the smallest of distances? Ask the bank for **its own vectors**. Each
# is there, at distance 0. **For how many per cent of them does FAISS say exactly 0?**

# %%
predict("05.b", 50, 100, unit="%")

# %%
own = bank[:2048]
own_squares = flat.search(own, 1)[0][:, 0]
reveal("05.b", 100 * (own_squares == 0).mean(), unit="%")
print(f"The largest of these distances: {np.sqrt(own_squares.max()):.4f}")
print(f"The median distance of a test patch: {np.median(test_distances):.2f}")

# %% [markdown]
# Two remedies, and you may use both.
#
# - **Centre first.** Subtract the bank's mean from bank and patches. No distance changes, but the squares become smaller.
# - **Compute the few again.** Let the index say *which* vectors are nearest, then take the difference to just these. That
#   is what `MemoryBank.search` does, so that its distances don't depend on the lot.

# %%
mean = bank.mean(axis=0)
centred = faiss.IndexFlatL2(C)
centred.add(bank - mean)
after_centring = np.sqrt(centred.search(own - mean, 1)[0].max())
recomputed = full_bank.search(own)[0].max()
print("The largest distance of a vector to itself:")
print(f"as it is       {np.sqrt(own_squares.max()):.4f}")
print(f"centred        {after_centring:.4f}")
print(f"computed again {recomputed:.4f}")

# %% [markdown]
# And the lesson for tests of your own: never compare such results by `==`, but with a tolerance that fits the size of what
# was subtracted.
#
# ## 4. Looking into few cells: IVF
#
# An exact search looks at every vector. Why look at those that are far away anyhow? Lay some *centroids* into the bank, by
# k-means, and give each vector to the nearest one. That makes **cells**. A search first finds the centroids nearest to the
# patch, then looks only into their cells. The number of cells looked into is the number of **probes**. FAISS calls it IVF,
# an inverted file, as each centroid has a list of its vectors (the idea: Sivic and Zisserman, 2003,
# [doi 10.1109/ICCV.2003.1238663](https://doi.org/10.1109/ICCV.2003.1238663)).
#
# Here is a toy bank with two channels, and a patch near a border.

# %%
rng = np.random.default_rng(2)
middles = np.array([[-2.0, 0.5], [0.2, -1.2], [1.5, 1.2], [3.0, -0.6]])
toy = middles[rng.integers(4, size=240)] + 0.55 * rng.normal(size=(240, 2))
toy = toy.astype(np.float32)  # FAISS takes nothing else
k_means = faiss.Kmeans(2, 12, seed=1, min_points_per_centroid=1)
k_means.train(toy)
toy_centroids = k_means.centroids

# %%
from aitex_utils.lessons.nb05.toy import border_patch

toy_patches = toy[rng.integers(len(toy), size=500)] + 0.2 * rng.normal(size=(500, 2))
toy_patch = border_patch(toy, toy_centroids, toy_patches)
for nprobe in (1, 2):
    title = f"{nprobe} probe" + "s" * (nprobe > 1)
    show(*draw.plot_cells(toy, toy_centroids, toy_patch, nprobe, title=title))

# %% [markdown]
# The nearest vector sits just across the border. One probe misses it, two find it.
#
# ### How to count misses
#
# **Recall at 1** is the share of patches for which the search found the nearest vector. To count fairly, mind two things.
# *Ties*: a bank may hold the same vector twice, and either is as good. *Nothing found*: if all probed cells are empty FAISS
# returns the index -1, and NumPy has its own idea of what `vectors[-1]` is.
#
# ### Exercise 05.2: Recall at 1, up to ties
#
# *easy, 10 minutes*
#
# `indices` and `exact_indices` are `(n,)`: what a search found for each of the `patches` `(n, C)` among the `vectors`
# `(M, C)`, and what an exact search found. Return the share of hits, a number from 0 to 1. It is a hit if the found vector
# is **as far or nearer** than the exact one, with a relative tolerance of `1e-5`. The index -1 is a miss. (`exact_indices` has none.)
#
# Vectors `[[0, 0], [4, 0], [0, 0], [9, 9]]`, patches `[[1, 0], [3, 0], [8, 9], [9, 8]]`, indices `[2, 1, 3, -1]`, exact
# indices `[0, 1, 3, 3]`: three hits of four.


# %% exercise="05.2"
def recall_at_one(
    patches: np.ndarray,
    vectors: np.ndarray,
    indices: np.ndarray,
    exact_indices: np.ndarray,
) -> float:
    """Return the share of patches with a vector found as near as the nearest."""
    distances = np.linalg.norm(patches - vectors[indices], axis=1)
    exact_distances = np.linalg.norm(patches - vectors[exact_indices], axis=1)
    hits = (distances <= exact_distances * (1 + 1e-5)) & (indices >= 0)
    return float(hits.mean())


# %%
check("05.2", recall_at_one)  # stuck? hint("05.2")

# %% [markdown]
# ### Exercise 05.3: Search in cells
#
# *hard, 20 minutes*
#
# Write the search of above. Given are `patches` `(n, C)`, `vectors` `(M, C)`, `centroids` `(K, C)` and the number of probes, `nprobe`.
#
# 1. Each vector belongs to the cell of its nearest centroid.
# 2. For each patch, probe the cells of the `nprobe` nearest centroids.
# 3. Return distances `(n,)`, not squared, to the nearest vector **of these cells**, and its index `(n,)` **in the bank**. If
#    they hold no vector, the distance is infinity and the index -1.
#
# A loop over patches is fine. With one channel: vectors `[[0], [1], [4.5], [5.2], [9]]`, centroids `[[2], [8]]`, so that `5.2`
# and `9` belong to the second cell. The patch `[4.9]` is nearer to the first centroid. With one probe it finds index 2 at
# distance `0.4`, with two probes index 3 at distance `0.3`.


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
# ### Training an index
#
# Now with FAISS, on the real bank. An IVF index must know its centroids before it can put a vector anywhere: it has to be
# **trained**. What if one forgets?

# %%
nlist = len(bank) // 39  # with fewer vectors to train a cell FAISS warns
ivf = faiss.IndexIVFFlat(faiss.IndexFlatL2(C), C, nlist)
try:
    ivf.add(bank)
except RuntimeError as error:
    print("FAISS refuses:", str(error)[-30:])

# %% [markdown]
# Train it **on normal patches of all the cloth that the bank will hold**, never on what is to be tested. One probe of all
# these cells looks at a quarter of a per cent of the bank or so. **How many per cent of the test patches find their
# nearest vector all the same?**

# %%
predict("05.c", 20, 70, unit="%")


# %%
from aitex_utils.lessons.engine.stand_in import yours_or_ours

recall_of = yours_or_ours("05.2", recall_at_one)


def recall_and_time(index, bank, patches, exact_indices):
    """Return recall@1 and microseconds per patch of one search."""
    begin = time.perf_counter()
    _, indices = index.search(patches, 1)
    seconds = time.perf_counter() - begin
    recall = recall_of(patches, bank, indices[:, 0], exact_indices)
    return recall, 1e6 * seconds / len(patches)


queries = np.ascontiguousarray(test[::5])
exact_distances, exact_indices = (array[:, 0] for array in full_bank.search(queries))

# %%
ivf.train(bank)
ivf.add(bank)
print(f"{nlist} cells\nnprobe  recall   microseconds")
results = {}
for nprobe in (1, 2, 4, 8, 16, 32):
    ivf.nprobe = nprobe
    results[nprobe] = recall_and_time(ivf, bank, queries, exact_indices)
results["flat"] = recall_and_time(flat, bank, queries, exact_indices)
for nprobe, (recall, microseconds) in results.items():
    print(f"{nprobe:>6}  {recall:6.3f}  {microseconds:6.1f}")
reveal("05.c", 100 * results[1][0], unit="%")

# %% [markdown]
# Neighbours share cells, so that even one probe finds many. More probes buy recall with time, until one might as well look
# at everything.
#
# ### On what to train
#
# The cells should lie where the vectors lie. Train an index on patches of **another fabric**, put this bank into it, and
# compare with the one above, both with 8 probes.

# %%
foreign = faiss.IndexIVFFlat(faiss.IndexFlatL2(C), C, nlist)
foreign.train(banks[-1])
foreign.add(bank)
print("trained on       recall  microseconds  uneven")
for name, index in (("this fabric", ivf), ("another", foreign)):
    index.nprobe = 8
    recall, microseconds = recall_and_time(index, bank, queries, exact_indices)
    uneven = index.invlists.imbalance_factor()
    print(f"{name:15}  {recall:.3f}  {microseconds:12.0f}  {uneven:6.1f}")

# %% [markdown]
# *Uneven* is FAISS's measure of how the vectors spread over the cells: 1 if all hold equally many, and the larger, the more
# vectors a search has to read on average. The other fabric's centroids lie elsewhere, so that this bank crowds in the few
# that happen to be nearest. Nothing fails and nothing warns. But it may be slower than the flat index by several times, and its recall is
# high only because it reads nearly everything.
#
# ## 5. Walking through a graph: HNSW
#
# Another idea: link each vector to some near ones, and *walk*. Begin anywhere; go to the neighbour that is nearest to the
# patch; stop when no neighbour is nearer. Nobody looks at vectors far from the way. Our toy again, each vector
# linked to its three nearest among those that came before it. (The first ones had little choice, so that their links are
# long: these are the motorways.)

# %%
graph = [[] for _ in toy]
for i in range(1, len(toy)):
    for j in np.linalg.norm(toy[:i] - toy[i], axis=1).argsort()[:3].tolist():
        graph[i].append(j)
        graph[j].append(i)


def walk(patch, start=0):
    """Return the vectors passed on the way to a patch, by index."""
    path, to_patch = [start], np.linalg.norm(toy - patch, axis=1)
    while True:
        best = min(graph[path[-1]], key=lambda i: to_patch[i])
        if to_patch[best] >= to_patch[path[-1]]:
            return path
        path.append(best)


# %%
ends = np.array([walk(patch)[-1] for patch in toy_patches])
to_all = np.linalg.norm(toy_patches[:, None] - toy, axis=2)
hits = (ends == to_all.argmin(axis=1)).mean()
longest = max(toy_patches, key=lambda patch: len(walk(patch)))
show(*draw.plot_walk(toy, graph, walk(longest), longest))
n_hits = round(hits * len(toy_patches))
print(f"{n_hits} of {len(toy_patches)} walks reached the nearest vector, {len(toy_patches) - n_hits} did not.")

# %% [markdown]
# A walk can get stuck at a vector whose neighbours are all farther off, though a nearer one exists. So HNSW (Malkov and
# Yashunin, 2018, [arXiv 1603.09320](https://arxiv.org/abs/1603.09320)) keeps a list of the best *candidates* so far and goes
# on from each of them; in FAISS its length is `efSearch`. And it puts coarser graphs above the fine one, for the
# motorways. Nothing is trained, but building takes time, and the links take bytes.

# %%
hnsw = faiss.IndexHNSWFlat(C, 32)  # M: links per vector; twice as many at the bottom
begin = time.perf_counter()
hnsw.add(bank)
print(f"built in {time.perf_counter() - begin:.1f} s")
print("efSearch  recall   microseconds")
for ef_search in (4, 16, 64, 128):
    hnsw.hnsw.efSearch = ef_search
    recall, microseconds = recall_and_time(hnsw, bank, queries, exact_indices)
    print(f"{ef_search:8}  {recall:6.3f}  {microseconds:6.1f}")

# %% [markdown]
# ## 6. Fewer bytes: product quantisation
#
# The third idea saves bytes, not looks. Cut each vector into S parts. For each part, learn a **codebook** of 256 typical
# entries, by k-means, and keep of each vector only which entries come nearest: S bytes (Jégou, Douze and Schmid, 2011,
# [doi 10.1109/TPAMI.2010.57](https://doi.org/10.1109/TPAMI.2010.57)). On our toy, with two parts of one channel each and six
# entries a codebook, every vector moves to a crossing.

# %%
codebooks = []
for channel in (0, 1):
    k_means = faiss.Kmeans(1, 6, seed=1, min_points_per_centroid=1)
    k_means.train(np.ascontiguousarray(toy[:, [channel]]))
    codebooks.append(k_means.centroids)
show(*draw.plot_codes(toy, np.stack(codebooks)))

# %% [markdown]
# Two codebooks of six entries name 36 places. With 19 parts of 256 entries it would be 256 to the power of 19, and the
# codebooks are still small. That is the trick of the *product*.
#
# ### Exercise 05.4: Encode, and count the bytes
#
# *medium, 15 minutes*
#
# `vectors` is `(N, C)`, `codebooks` `(S, K, C / S)`, float32, with K at most 256. Return
# - the codes `(N, S)`: part s of a vector is its s-th run of C / S neighbouring channels, and its code is the index of the
#   nearest entry in `codebooks[s]`;
# - how many bytes it takes to keep the codes, one byte each (`np.uint8`), **and** the codebooks as they are.
#
# Codebooks `[[[0, 0], [5, 5], [9, 0]], [[9, 9], [0, 0], [5, 5]]]` and the vector `[8, 1, 4, 6]`: its parts `[8, 1]` and `[4, 6]` are
# nearest to entry 2 each, so its codes are `[2, 2]`. That is 2 bytes, and 48 for the codebooks: 50.


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
# A search compares the patch with the 256 entries of each part once, and then adds up S numbers of a table for each
# vector. The distance that comes out is the one to the *crossing*, not to the vector. Training needs at least 256
# vectors, and FAISS asks for many more. In the next cell it takes a few seconds.

# %%
pq = faiss.IndexPQ(C, 19, 8)  # 19 parts of 8 channels, 8 bits for each code
pq.train(bank)
pq.add(bank)
recall, microseconds = recall_and_time(pq, bank, queries, exact_indices)
code_distances = np.sqrt(pq.search(queries, 1)[0][:, 0])
sizes = [faiss.serialize_index(index).nbytes for index in (pq, flat)]
print(f"{sizes[0] / 2**20:.2f} MiB instead of {sizes[1] / 2**20:.1f},")
print(f"a ratio of {sizes[1] / sizes[0]:.1f} to 1; of the codes alone, {4 * C / 19:.1f} to 1")
print(f"recall {recall:.3f}, {microseconds:.0f} microseconds (flat {results['flat'][1]:.0f})")
error = np.median(abs(code_distances - exact_distances) / exact_distances)
print(f"Distances are off by {error:.1%}, by the median.")

# %% [markdown]
# The codebooks come on top of the codes, and weigh less the larger the bank. What is saved are bytes, not time: at this size a look-up in tables for
# each vector takes longer than a matrix product. And the nearest vector is lost more often than found. Is such a bank useless? The next section asks the
# detector itself, on these tiles and on AITEX.
#
# ## 7. All on the same banks, measured
#
# Recall is a means. What counts is the detector: **tile AUROC, with a tile's largest distance as its score.** The next cells
# build every index on the banks of all fabrics, ask it for all test patches, and take its distances as it gives them.
# Beside them stands what you know from notebook 04: the *coreset*, a tenth of the bank, searched exactly. Its recall is
# counted against the whole bank, where most patches' nearest vector was left out.
#
# Over the fabrics, **by how much does the mean AUROC differ between PQ and the exact search?** (Below 0: PQ is worse.)

# %%
predict("05.d", -0.1, 0.02)

# %%
KINDS = ["flat", "ivf 1", "ivf 8", "hnsw 16", "hnsw 64", "pq 19", "coreset"]


# %%
def build_index(kind, vectors):
    """Return a trained, filled index; the number is nprobe or efSearch."""
    (n, c), (family, *number) = vectors.shape, kind.split()
    index = faiss.IndexPQ(c, 19, 8) if family == "pq" else faiss.IndexFlatL2(c)
    if family == "ivf":
        nlist = min(round(4 * n**0.5), n // 39)  # a rule of thumb of FAISS
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(c), c, nlist)
        index.nprobe = int(number[0])
    if family == "hnsw":
        index = faiss.IndexHNSWFlat(c, 32)
        index.hnsw.efSearch = int(number[0])
    index.train(vectors)  # does nothing where nothing is to be learnt
    index.add(vectors)
    return index


# %%
def build_and_search(kind, vectors, patches):
    """Return distances, indices, [build seconds, microseconds, MiB]."""
    begin = time.perf_counter()
    index = build_index(kind, vectors)
    build_seconds = time.perf_counter() - begin
    begin = time.perf_counter()
    squares, indices = index.search(patches, 1)
    microseconds = 1e6 * (time.perf_counter() - begin) / len(patches)
    size = faiss.serialize_index(index).nbytes / 2**20
    costs = np.array([build_seconds, microseconds, size])
    return np.sqrt(squares[:, 0]), indices[:, 0], costs


# %% [markdown]
# About half a minute. What is measured is kept, times included; a second run shows those of the first.


# %%
def compare():
    """Return, by fabric and kind, tile scores; recall, worst miss, costs."""
    arrays = {}
    for name, bank, patches in zip(tqdm(FABRICS), banks, tests, strict=True):
        nearest = MemoryBank().add(bank).search(patches)[0][:, 0]
        chosen = k_center_greedy(bank, len(bank) // 10, seed=0)[0]
        for kind in KINDS:
            vectors = bank[chosen] if kind == "coreset" else bank
            distances, indices, costs = build_and_search(kind, vectors, patches)
            true_distances = np.linalg.norm(patches - vectors[indices], axis=1)
            hits = true_distances <= nearest * (1 + 1e-5)
            key = f"{name}.{kind}".replace(" ", "_")
            arrays[key] = distances.reshape(-1, 1024).max(axis=1)
            arrays[f"{key}.costs"] = np.array([hits.mean(), (true_distances / nearest).max(), *costs])
    return arrays


# %%
from aitex_utils.lessons.cache import cached

code = (build_and_search, build_index, split_tiles, draw_tiles)
comparison = cached(f"05_{profile()}", compare, data=root, code=code, kinds=KINDS)


def scores_of(kind):
    """Return the tile scores of a kind, by fabric."""
    return [comparison[f"{name}.{kind}".replace(" ", "_")] for name in FABRICS]


def costs_of(kind):
    """Return recall, worst miss, build seconds, microseconds and MiB, by fabric."""
    return [comparison[f"{name}.{kind}.costs".replace(" ", "_")] for name in FABRICS]


# %%
all_labels = [labels for _, _, labels in splits]
costs = {kind: np.mean(costs_of(kind), axis=0) for kind in KINDS}
aurocs = {}
for kind in KINDS:
    pairs = zip(all_labels, scores_of(kind), strict=True)
    aurocs[kind] = np.mean([metrics.auroc(*pair) for pair in pairs])
print("kind      recall  microsec.    MiB  build s   AUROC")
for kind, (recall, _, build_seconds, microseconds, size) in costs.items():
    row = f"{microseconds:9.1f}  {size:5.1f}  {build_seconds:7.2f}  {aurocs[kind]:6.3f}"
    print(f"{kind:8}  {recall:6.3f}  {row}")
reveal("05.d", aurocs["pq 19"] - aurocs["flat"])

# %%
recalls, times = ([costs[kind][i] for kind in KINDS] for i in (0, 3))
show(*draw.plot_tradeoff(KINDS, recalls, times))

# %% [markdown]
# The coreset's recall is the lowest of all. Does its AUROC suffer, or any other? Draw the test tiles of each fabric anew, with
# replacement, five hundred times, and see by how much each kind's AUROC differs from the exact search's.

# %%
from aitex_utils.lessons.figures import plot_intervals


def share_in_order(labels, scores):
    """Return the AUROC: the share of pairs in which the defective tile scores higher."""
    return (scores[labels][:, None] > scores[~labels]).mean()


def auroc_differences(kind):
    """Return resampled differences in mean AUROC, (kind - flat)."""
    differences = []
    for i, labels in enumerate(all_labels):
        pair = scores_of(kind)[i], scores_of("flat")[i]
        options = {"groups": np.arange(len(labels)), "n_resamples": 500, "seed": i}
        differences.append(metrics.paired_bootstrap(share_in_order, labels, *pair, **options))
    return np.mean(differences, axis=0)


# %%
others, label = KINDS[1:], "tile AUROC, minus that of the exact search"
show(*plot_intervals(others, [auroc_differences(kind) for kind in others], label=label))

# %% [markdown]
# On so few tiles none of them is likely to be clear of 0, and PQ may even come out ahead. These tiles don't decide it. AITEX
# does, below, with more tiles and fabrics.
#
# ### Why a good recall may not be enough
#
# A tile has 1,024 patches, and its score is the *largest* of their distances. So a single bad miss among a thousand can
# make a clean tile look broken, and a recall of ninety-nine hundredths leaves about ten misses a tile. The question
# is not how often a search misses, but **how badly, and where**. Here is, for each kind, by what factor its worst miss was
# farther than the nearest vector.

# %%
worst_misses = [max(row[1] for row in costs_of(kind)) for kind in KINDS]
unit = "times the distance to the nearest"
show(*draw.plot_bars(KINDS, worst_misses, unit, title="The worst miss"))

# %% [markdown]
# A cell at a border hides a neighbour, but something nearly as near is found. A walk that gets stuck ends wherever it
# stands. A bank isn't one cloud of patches but many groups, by strip and by what is seen, and most links stay within a group. So
# let us sort the bank into 30 groups by k-means, and see in which the walk ended.

# %%
hnsw.hnsw.efSearch = 16
ends = hnsw.search(test, 1)[1][:, 0]
to_ends = np.linalg.norm(test - bank[ends], axis=1)
k_means = faiss.Kmeans(C, 30, seed=1)
k_means.train(bank)
group = k_means.index.search(bank, 1)[1][:, 0]
elsewhere = group[ends] != group[nearest_rows]
for name, factor in (("all misses", 1.001), ("over 1.3 times as far", 1.3)):
    missed = to_ends > factor * test_distances
    print(f"{name}: {missed.sum()} patches, {elsewhere[missed].sum()} of them in another group")

# %% [markdown]
# The bad misses are walks into the wrong group. The coreset is the other way round. It hardly ever holds the *nearest* vector
# of the full bank, yet for every patch of the bank something within its covering radius: it leaves no group out. Its worst
# factor may be as large as HNSW's. But the distances of nearly all patches are raised, clean ones and broken ones alike, so that their order
# changes little. A walk that fails raises a single one.
#
# ### The same on AITEX
#
# Three fabrics, two splits each by strip, at most 20 tiles to fit, all patches in the bank
# (`python course.py bench notebook_05`, threads: {{results/notebook_05.json: threads}}). The last column is the 95 % interval of the
# difference in AUROC to the exact search, whole strips drawn anew.
#
# | kind | recall at 1 | microseconds | tile AUROC | minus flat |
# |---|---|---|---|---|
# | flat | {{results/notebook_05.json: kinds.flat.recall: .3f}} | {{results/notebook_05.json: kinds.flat.microseconds: .0f}} | {{results/notebook_05.json: kinds.flat.tile_auroc: .3f}} | – |
# | coreset, flat | {{results/notebook_05.json: kinds.coreset.recall: .3f}} | {{results/notebook_05.json: kinds.coreset.microseconds: .0f}} | {{results/notebook_05.json: kinds.coreset.tile_auroc: .3f}} | {{results/notebook_05.json: kinds.coreset.low: +.3f}} to {{results/notebook_05.json: kinds.coreset.high: +.3f}} |
# | IVF, 1 probe | {{results/notebook_05.json: kinds.ivf_1.recall: .3f}} | {{results/notebook_05.json: kinds.ivf_1.microseconds: .0f}} | {{results/notebook_05.json: kinds.ivf_1.tile_auroc: .3f}} | {{results/notebook_05.json: kinds.ivf_1.low: +.3f}} to {{results/notebook_05.json: kinds.ivf_1.high: +.3f}} |
# | IVF, 8 probes | {{results/notebook_05.json: kinds.ivf_8.recall: .3f}} | {{results/notebook_05.json: kinds.ivf_8.microseconds: .0f}} | {{results/notebook_05.json: kinds.ivf_8.tile_auroc: .3f}} | {{results/notebook_05.json: kinds.ivf_8.low: +.3f}} to {{results/notebook_05.json: kinds.ivf_8.high: +.3f}} |
# | HNSW, 16 | {{results/notebook_05.json: kinds.hnsw_16.recall: .3f}} | {{results/notebook_05.json: kinds.hnsw_16.microseconds: .0f}} | {{results/notebook_05.json: kinds.hnsw_16.tile_auroc: .3f}} | {{results/notebook_05.json: kinds.hnsw_16.low: +.3f}} to {{results/notebook_05.json: kinds.hnsw_16.high: +.3f}} |
# | HNSW, 64 | {{results/notebook_05.json: kinds.hnsw_64.recall: .3f}} | {{results/notebook_05.json: kinds.hnsw_64.microseconds: .0f}} | {{results/notebook_05.json: kinds.hnsw_64.tile_auroc: .3f}} | {{results/notebook_05.json: kinds.hnsw_64.low: +.3f}} to {{results/notebook_05.json: kinds.hnsw_64.high: +.3f}} |
# | PQ, 19 bytes | {{results/notebook_05.json: kinds.pq_19.recall: .3f}} | {{results/notebook_05.json: kinds.pq_19.microseconds: .0f}} | {{results/notebook_05.json: kinds.pq_19.tile_auroc: .3f}} | {{results/notebook_05.json: kinds.pq_19.low: +.3f}} to {{results/notebook_05.json: kinds.pq_19.high: +.3f}} |
# | PQ, true distances | {{results/notebook_05.json: kinds.pq_19_true.recall: .3f}} | {{results/notebook_05.json: kinds.pq_19_true.microseconds: .0f}} | {{results/notebook_05.json: kinds.pq_19_true.tile_auroc: .3f}} | {{results/notebook_05.json: kinds.pq_19_true.low: +.3f}} to {{results/notebook_05.json: kinds.pq_19_true.high: +.3f}} |
#
# Here the intervals are narrow enough to tell. The coreset hardly ever finds the nearest vector, and costs nothing that
# could be seen. IVF with 8 probes costs nothing. **HNSW with 64 candidates has a higher recall than that, and costs AUROC all
# the same**, with 16 still more. PQ loses on average, and true distances to the vectors it finds don't mend that. (That they should come out lower still may be
# chance: the intervals of the two overlap widely.) So don't choose an index for a detector by its recall: measure what the detector does.
#
# *True distances* means that the codes only say which vector, and the distance is then taken to the vector itself. That is
# what `MemoryBank("pq")` does. But then the vectors must be kept too, and the bytes are no longer saved.
#
# ## 8. When an exact index is simply right
#
# The time of an exact search grows with the bank, that of the others far more slowly. So there is a size from which they
# are quicker. But the question for a detector is another: from which size is the search worth the trouble at all? Say, from
# where it takes as long as extracting the patches. **How many thousand vectors does the bank hold then?** (You know the times
# for a full and for a thinned-out bank.)

# %%
predict("05.e", 3, 50, unit="thousand vectors")

# %% [markdown]
# For this all fabrics' patches go into one bank. About ten seconds.

# %%
rng = np.random.default_rng(0)
all_vectors = rng.permutation(np.concatenate(banks))
all_queries = rng.permutation(np.concatenate(tests))[:1024]
sizes = [512, 2048, 8192, min(32768, len(all_vectors))]
CHOSEN = ("flat", "ivf 8", "hnsw 16")
times = {kind: [] for kind in CHOSEN}
for size in tqdm(sizes, desc="sizes"):
    for kind in CHOSEN:
        index = build_index(kind, all_vectors[:size])
        best = shortest_time(lambda index=index: index.search(all_queries, 1), repeats=2)
        times[kind].append(1e6 * best / len(all_queries))

# %%
per_vector = times["flat"][-1] / sizes[-1]  # microseconds, in a large bank
reveal("05.e", extraction / per_vector / 1000, unit="thousand vectors")
axes = {"xlabel": "vectors in the bank", "ylabel": "microseconds per patch"}
title, reference = "A search, by the bank's size", ("extraction", extraction)
show(*draw.plot_lines(sizes, times, **axes, title=title, reference=reference))
for kind in CHOSEN[1:]:
    is_faster = np.array(times[kind]) < np.array(times["flat"])
    listed = ", ".join(f"{size:,}" for size in np.array(sizes)[is_faster])
    print(f"{kind}, numbers of vectors at which it was faster than flat: {listed or 'none of these'}")

# %% [markdown]
# On AITEX, measured in the same way, an exact search takes as long as the extraction at about
# {{results/notebook_05.json: sizes.as_long_as_extraction: ,.0f}} vectors. Compare that with what a detector holds. Twenty tiles
# and a tenth of their patches: some 2,000 vectors. All of AITEX has about 2.3 million patches at 256 px; a hundredth of that
# is 23,000.
#
# So for a bank of one fabric, thinned out to a coreset: **take flat**. It is exact, there is nothing to train, to tune or
# to explain, and the time it could save is a small part. If all patches are kept, or many fabrics share a
# bank, IVF with some probes is worth a measurement of *your* AUROC. HNSW saves time only from a certain size, and its
# rare misses are the bad ones. PQ is for banks that don't fit into memory.
#
# ### Exact, and sooner all the same
#
# Approximate indices save time by risking a miss. One can save it without the risk, if one knows what can be left out. For a patch $p$ the nearest vector $m$ is the one with
# the largest $p \cdot m - |m|^2 / 2$. Some processors multiply numbers of 16 bits, *bfloat16*, several times as fast as float32. Such a product is rough, but how far it
# can be off is known. So `MemoryBank` keeps its vectors sorted in groups of 64 that lie near each other, takes all products roughly, and leaves out each group whose largest one stays
# below another group's even if all errors were to help it. Two or three groups a patch are left, and are compared in float32. Where the processor isn't quick at it, FAISS compares with all.
#
# On the practice fabric, {{results/speed.json: model.patches_a_tile: ,}} patches a tile against {{results/speed.json: model.kept: ,}} vectors (`python course.py bench speed`),
# FAISS's flat index took {{results/speed.json: model.search_faiss_ms: .0f}} ms a tile, and this {{results/speed.json: model.search_ms: .0f}} ms, for the same answer. The network, which every
# detector needs, took {{results/speed.json: model.backbone_ms: .0f}} ms.
#
# ## 9. Keep it, and let it grow
#
# ### Saving, and what a damaged file does
#
# `faiss.write_index` writes an index into a file. What happens if one byte of that file is damaged on a disk or on the way?

# %%
content = faiss.serialize_index(flat)  # what write_index writes, as bytes
damaged = content.copy()
query = test[test_distances.argmin()][None]
damaged_row = int(nearest_rows[test_distances.argmin()])  # a vector that is somebody's nearest
offset = len(damaged) - 4 * C * (len(bank) - damaged_row)
damaged[offset + 3] ^= 0x40  # one bit of the exponent of one number
broken = faiss.deserialize_index(damaged)
for name, index in (("as saved", flat), ("damaged", broken)):
    squares, indices = index.search(query, 1)
    distance = np.sqrt(squares[0, 0])
    print(f"{name:8}: the nearest is {indices[0, 0]}, at {distance:.3f}")

# %% [markdown]
# No error: just another neighbour, and a greater distance. One vector of normal cloth is lost, and nobody will ever know.
# `MemoryBank.save` therefore writes a folder with a header that holds a SHA-256 of each file, and `load` recomputes them.

# %%
import tempfile
from pathlib import Path

from aitex_utils import InputError

folder = tempfile.TemporaryDirectory()
metadata = {"fabric": FABRICS[0]}
saved = coreset_bank.save(Path(folder.name) / "bank", metadata=metadata)
print(*sorted(path.name for path in saved.iterdir()))
loaded = MemoryBank.load(saved)
print(len(loaded), "vectors of fabric", loaded.metadata["fabric"])

# %%
content = bytearray((saved / "index.faiss").read_bytes())
content[-1] ^= 0x40
(saved / "index.faiss").write_bytes(content)
try:
    MemoryBank.load(saved)
except InputError as error:
    print(str(error).replace(folder.name, "..."))
folder.cleanup()

# %% [markdown]
# Nor is anything *unpickled*. Python's pickle files are programs that run when they are loaded, so that a file from
# elsewhere could do anything on your machine. Numbers belong in formats that hold numbers: `.npy`, JSON, FAISS's own.
#
# ### Adding normals later
#
# A new lot of cloth arrives, good, but unlike what the bank knows, and the detector cries wolf. Somebody looks and says:
# that is normal. Then its patches belong in the bank, and nothing has to be fitted again. In an IVF index, the centroids
# stay as they are, and each new vector goes into the list of its nearest one.
#
# ### Exercise 05.5: Add without rebuilding
#
# *easy, 10 minutes*
#
# `invlists` is a list of lists: for each of K centroids, the indices of its vectors. `centroids` is `(K, C)`, `new` `(n, C)`. Return
# the cells **with the new vectors in them**, again a list of K lists. New indices go on where the old ones end: with N
# vectors in the cells so far, the first new one gets the index N. The order within a cell doesn't matter. Leave `invlists`
# itself unchanged.
#
# Cells `[[0, 2], [1], []]`, centroids `[[0], [10], [20]]` and new vectors `[[9], [1], [12]]` give `[[0, 2, 4], [1, 3, 5], []]`.


# %% exercise="05.5"
def add_later(
    invlists: list[list[int]],
    centroids: np.ndarray,
    new: np.ndarray,
) -> list[list[int]]:
    """Return the cells with the new vectors (n, C) in them."""
    grown = [list(cell) for cell in invlists]
    first = sum(len(cell) for cell in invlists)
    for i, vector in enumerate(new):
        cell = int(np.linalg.norm(centroids - vector, axis=1).argmin())
        grown[cell].append(first + i)
    return grown


# %%
check("05.5", add_later)  # stuck? hint("05.5")

# %% [markdown]
# Let us play it through. First look for a strip that is unlike the others of its fabric: compare the mean patch of two
# tiles of each normal strip with that of the fabric's first one.


# %%
def strip_patches(strip, tiles):
    """Return the patches of some of a strip's tiles, from left to right."""
    return extract(tile_fabric(strip.read())[0][tiles])


# %%
mean_distance = {}
for fabric in tqdm(FABRICS, desc="fabrics"):
    group = [s for s in normal if s.fabric == fabric][:6]
    means = [strip_patches(s, slice(1, 3)).mean(axis=0) for s in group]
    for strip, mean in zip(group[1:], means[1:], strict=True):
        mean_distance[strip] = np.linalg.norm(mean - means[0])
odd = max(mean_distance, key=mean_distance.get)
same_fabric = [s for s in mean_distance if s.fabric == odd.fabric]
similar = sorted(same_fabric, key=mean_distance.get)[:3]
first = next(s for s in normal if s.fabric == odd.fabric)
print(f"Fabric {odd.fabric}: how far from the first strip's mean patch?")
print(f"the odd strip {mean_distance[odd]:.1f}, the nearest {mean_distance[similar[0]]:.1f}")

# %% [markdown]
# The bank knows the fabric's first strip only. The threshold is the highest score of a tile in the three strips most like it.
# Then every second tile of the odd strip joins the bank.

# %%
whole = slice(None)
growing_bank = MemoryBank().add(strip_patches(first, whole))


def tile_scores(patches):
    return growing_bank.search(patches)[0].reshape(-1, 1024).max(axis=1)


threshold = max(tile_scores(strip_patches(strip, whole)).max() for strip in similar)
patches = strip_patches(odd, whole)
before = tile_scores(patches)
added = np.arange(len(before)) % 2 == 0
growing_bank.add(patches[np.repeat(added, 1024)])
show(*draw.plot_alarms(before, tile_scores(patches), threshold, added))

# %% [markdown]
# After it, the tiles that were added have a score of 0, or nearly: each of their patches is in the bank itself. What counts are the others.
#
# Both strips are sold as the same fabric, without a defect. The bank just hadn't seen this side of normal. **Try it:** add the
# first half of the strip's tiles instead (`np.arange(len(before)) < len(before) // 2`), and look at its other end. New normals
# should come from all over the cloth. (Where the normal strips of a fabric resemble each other, as in parts of AITEX, there may be
# no false alarm to begin with.)
#
# Two warnings. **Who says that it is normal?** Once a defect is in the bank, every one like it is invisible from then on. And
# **growth isn't free**: what is added wasn't thinned out, and an IVF index keeps centroids of cloth that may be long gone,
# which you saw in section 4.

# %% [markdown]
# | | to train | exact | add later | forget |
# |---|---|---|---|---|
# | flat | nothing | yes | yes | yes |
# | IVF | centroids | with all probes | yes, cells get uneven | yes |
# | HNSW | nothing | no | yes | no: links lead through it |
# | PQ | codebooks | no | yes, codes get worse | yes |
#
# *Forget* is `remove_ids`: the day somebody finds a defect among the normals. In flat and
# PQ all indices behind it move up by one; IVF keeps them.

# %%
copy = faiss.clone_index(flat)  # so that cells above can be run again
for name, index in (("flat", copy), ("hnsw", hnsw)):
    try:
        print(f"{name}: {index.remove_ids(np.array([0]))} vector removed")
    except RuntimeError:
        print(f"{name}: can't forget")

# %% [markdown]
# ## What you have seen
#
# An exact search is one matrix product, and its last digits depend on the order of sums, the more so the farther the vectors
# lie from 0. FAISS returns squared distances, which leaves orders alone and spoils means, ratios and thresholds. Cells,
# graphs and codes save looks or bytes; recall at 1 says how often they miss, but for a detector that takes the largest
# distance it is the worst misses that count. With a coreset, the search is a small part of the time, and the flat index
# is right; the others pay where a bank is many times as large. A bank is saved with fingerprints, never unpickled, and
# grows by adding what somebody has found normal.
#
# ### Quiz
#
# **1.** You forget the root from today on, in everything. Which of these results is the same as yesterday?
# - a) The tile AUROC, if a tile's score is the mean of its ten largest distances
# - b) The tiles that score higher by their largest distance than the worst clean tile
# - c) The tiles that score above the threshold noted yesterday
# - d) The highest place of a smoothed map

# %%
quiz("05.q1", "b")

# %% [markdown]
# <details><summary>Answer</summary>b. Squaring keeps the order of numbers that aren't negative, and here both sides of the
# comparison are single numbers that are squared alike. Means mix them, and yesterday's threshold wasn't squared.</details>
#
# **2.** The same patch gets distances that differ in the last digits when it is searched alone or among many. Why?
# - a) The index was changed by the search
# - b) FAISS draws at random
# - c) Sums are taken in another way or order, and rounding differs
# - d) Other patches of the batch count as neighbours

# %%
quiz("05.q2", "c")

# %% [markdown]
# <details><summary>Answer</summary>c. A matrix product for many, direct sums for few, and both split among threads. The
# product subtracts large numbers and loses digits by it.</details>
#
# **3.** An index misses the nearest vector, and you take the true distance to what it found. How is that distance?
# - a) Too large, or as it was
# - b) Too small
# - c) Too large or too small, by chance
# - d) Infinite

# %%
quiz("05.q3", "a")

# %% [markdown]
# <details><summary>Answer</summary>a. Another vector is at least as far. Misses make things look stranger, never more normal:
# they cost false alarms.</details>
#
# **4.** On which patches are the centroids of IVF and the codebooks of PQ trained?
# - a) On the patches to be judged
# - b) On random numbers of the same shape
# - c) On none, they come with FAISS
# - d) On a representative lot of the normal patches

# %%
quiz("05.q4", "d")

# %% [markdown]
# <details><summary>Answer</summary>d. On all kinds of cloth that the bank is to hold, and on nothing that is
# tested.</details>
#
# **5.** A patch takes 70 microseconds to extract and 10 to search for in the flat index. HNSW would take 5, and find the nearest of
# 99 patches in 100. What would you get by it?
# - a) Half of the whole time saved
# - b) A sixteenth of the time saved, for about ten misses a tile
# - c) A sixteenth of the time saved, and the same scores
# - d) Half of the memory saved

# %%
quiz("05.q5", "b")

# %% [markdown]
# <details><summary>Answer</summary>b. Five of 80 microseconds; and of 1,024 patches about ten miss their nearest, of which a
# single bad one can make a clean tile's score.</details>
#
# ### How sure were you?

# %%
calibration()

# %% [markdown]
# **Read next**: Douze et al., *The Faiss library*, 2024 ([arXiv 2401.08281](https://arxiv.org/abs/2401.08281)); Malkov and
# Yashunin on HNSW ([arXiv 1603.09320](https://arxiv.org/abs/1603.09320)); Jégou, Douze and Schmid on product quantisation
# ([doi 10.1109/TPAMI.2010.57](https://doi.org/10.1109/TPAMI.2010.57)); Goldberg, *What Every Computer Scientist Should Know
# About Floating-Point Arithmetic*, 1991 ([doi 10.1145/103162.103163](https://doi.org/10.1145/103162.103163)), on cancellation.
#
# **Next**: notebook 06, from distances to a verdict that can be trusted.
