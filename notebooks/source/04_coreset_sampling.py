# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 04 Coreset sampling
#
# At the end of this notebook you can keep a small share of all normal patches, know what you lose by it, and
# choose that share several times faster than the obvious way, the more so the larger the bank.
#
# **You will be able to**
# 1. say how well a few patches stand for all, by one number (exercise 04.1);
# 2. choose patches greedily, as PatchCore does, and not lose the first one (04.2);
# 3. count the bytes that a program moves, and tell from it how long it must take (04.3);
# 4. choose in the same order many times faster (04.4);
# 5. read the coreset of any size, or for any radius, off a single run (04.5), and say what each size is worth.
#
# **You need to know** NumPy's axes and broadcasting, the words *tile* and *patch*, and from notebook 02 what a memory
# bank is.
#
# **Time**: about 90 minutes for you with the exercises, and {{cost}} for the computer.

# %% [markdown]
# ## 1. A bank that explodes
#
# PatchCore keeps patches of normal tiles and compares every new patch with them. How many are there? AITEX has 141
# normal strips of 4,096 px. Cut into tiles of 256 px without overlap that is 16 tiles a strip, and each tile gives
# 1,024 patches of 152 channels, four bytes each.
#
# Before you compute: **how many GiB (of 1,073,741,824 bytes) would the bank of the whole of AITEX take?** Give a
# range in which you are 80 % sure that it lies.

# %%
import numpy as np

from aitex_utils.lessons import calibration, check, hint, predict, quiz, reveal

predict("04.a", 1, 4, unit="GiB")

# %%
STRIPS, TILES, POSITIONS, CHANNELS = 141, 16, 1024, 152
whole = STRIPS * TILES * POSITIONS
print(f"{STRIPS} x {TILES} x {POSITIONS:,} = {whole:,} patches")
reveal("04.a", whole * CHANNELS * 4 / 2**30, unit="GiB")

# %% [markdown]
# That may still fit into your computer. With tiles that overlap by half there are nearly twice as many; a larger network has
# ten times the channels; and a mill has more than 141 strips. Worse than the memory is the time: each patch of a new tile is
# compared with *each* patch of the bank. Let us measure it on a small bank. We take three fabrics and 12 normal tiles of
# each to fill a bank, and tiles of other strips to test (for section 8). About half a minute.

# %%
from aitex_utils import MemoryBank, PatchFeatures, list_strips, metrics, split_strips, tile_fabric, tile_labels
from aitex_utils.lessons.data import lesson_strips, profile
from aitex_utils.plots import show
from aitex_utils.tiling import crop_tiles

# %%
root = lesson_strips()
strips = [s for s in list_strips(root) if s.is_normal or s.masks]
normal = [s for s in strips if s.is_normal]
defective = [s for s in strips if not s.is_normal]
names = {s.fabric for s in normal} & {s.fabric for s in defective}
n_defective = {name: sum(s.fabric == name for s in defective) for name in names}
FABRICS = sorted(names, key=lambda name: (-n_defective[name], name))[:3]


# %%
def draw_tiles(group, max_tiles, rng):
    """Return up to max_tiles tiles: of normal strips any, of others with a defect."""
    images, masks = [], []
    for strip in group:
        tiles, corners = tile_fabric(strip.read())
        images.append(tiles)
        masks.append(crop_tiles(strip.read_mask(), corners))
    kept = np.flatnonzero(tile_labels(np.concatenate(masks)) != group[0].is_normal)
    return np.concatenate(images)[rng.permutation(kept)[:max_tiles]]


# %%
def fabric_patches(fabric, seed=0):
    """Return patches for the bank (N, C), those of test tiles (T, P, C), labels (T,)."""
    rng, parts = np.random.default_rng(seed), []
    good, bad = ([s for s in group if s.fabric == fabric] for group in (normal, defective))
    fit, held_out = split_strips(good, share=0.7, seed=seed)
    for group, max_tiles in ((fit, 12), (held_out, 16), (bad, 16)):
        tiles = draw_tiles(group, max_tiles, rng)
        patches = PatchFeatures().transform(tiles)  # (T, H', W', C)
        parts.append(patches.reshape(len(patches), -1, patches.shape[-1]))
    labels = np.repeat([False, True], [len(part) for part in parts[1:]])
    return parts[0].reshape(-1, parts[0].shape[-1]), np.concatenate(parts[1:]), labels


# %%
data = [fabric_patches(fabric) for fabric in FABRICS]
for fabric, (bank, _, labels) in zip(FABRICS, data, strict=True):
    print(f"fabric {fabric}: {len(bank):,} patches for the bank,")
    print(f"  to test {np.sum(~labels)} clean tiles, {labels.sum()} with a defect")
bank, test, _ = data[0]

# %% [markdown]
# One tile against a bank of 12, in seconds. The work grows in proportion to the bank, so that the whole of AITEX can be
# told from it.

# %%
import time

from aitex_utils.lessons.nb04.figures import plot_lines

full_bank = MemoryBank().add(bank)
full_bank.search(test[0])  # the first search also wakes things up
begin = time.perf_counter()
for tile_patches in test[:4]:
    full_bank.search(tile_patches)
per_tile = (time.perf_counter() - begin) / 4
print(f"{1000 * per_tile:.1f} ms a tile with {len(bank):,} patches in the bank,")
print(f"{per_tile * whole / len(bank):.1f} s a tile with {whole:,}, if time grows with the bank")

# %%
n_tiles = np.array([12, 48, 192, 768, STRIPS * TILES])
lines = {}
for share in (1, 0.25, 0.1, 0.01):
    lines[f"{share:.0%} kept"] = n_tiles, share * n_tiles * POSITIONS * per_tile / len(bank)
caption = "Seconds to compare one tile with the bank, against the number of normal tiles, on"
caption += " logarithmic scales. With all tiles of AITEX: "
caption += ", ".join(f"{name} {line[1][-1]:.2g} s" for name, line in lines.items()) + "."
axes = {"xlabel": "normal tiles", "ylabel": "seconds per tile"}
show(*plot_lines(lines, caption, **axes, xscale="log", yscale="log"))

# %% [markdown]
# A strip has 16 tiles, and behind a loom another strip comes every few seconds. So: keep fewer.
#
# ### May we leave patches out at all?
#
# Fabric repeats itself, and neighbouring patches see nearly the same pixels (notebook 03). For some patches of one tile, look
# for the nearest patch among all *other* tiles of the bank, and compare that with the distance of two patches drawn at random.

# %%
from aitex_utils.lessons.nb04.figures import plot_histograms

other_tiles = MemoryBank().add(bank[POSITIONS:])  # all tiles but the first
to_nearest = other_tiles.search(bank[:POSITIONS])[0][:, 0]
rng = np.random.default_rng(0)
random_patches = bank[rng.permutation(len(bank))[:POSITIONS]]
to_random = np.linalg.norm(bank[:POSITIONS] - random_patches, axis=1)
values = {"to the nearest of other tiles": to_nearest, "between random patches": to_random}
title = "Distances from the patches of one normal tile"
show(*plot_histograms(values, xlabel="distance", title=title))
nearer = np.median(to_random) / np.median(to_nearest)
print(f"A random patch is {nearer:.1f} times as far as the nearest one of other tiles.")

# %% [markdown]
# Nearly each patch has a close relative in another tile. Keep one of the two, and the other is still near to
# something. A **coreset** is a small subset that can stand for the whole. The question is only how to choose it.

# %% [markdown]
# ## 2. Three ways to choose, on a toy
#
# Take patches of **two channels**, so that we can see them: a dense crowd, a wider one, a thin bridge between them, and at
# the lower right eight rare ones. All of them are normal. From 700 patches we keep 12.
#
# - **Random**: each patch has the same chance.
# - **k-means**: twelve *centres* are moved until each is the mean of the patches that are nearest to it. We use
#   *mini-batch* k-means, which looks at a handful of patches at a time (Sculley, 2010,
#   [doi 10.1145/1772690.1772862](https://doi.org/10.1145/1772690.1772862)). A centre is a mean and need not be a patch.
# - **Greedy**: begin anywhere; then always add the patch that is *farthest* from all chosen so far.

# %%
from aitex_utils.coreset import k_center_greedy, k_means, random_subset
from aitex_utils.lessons.nb04.figures import plot_chosen, plot_covering
from aitex_utils.lessons.nb04.toy import toy_patches

toy = toy_patches()  # (700, 2)
greedy_order, greedy_radii = k_center_greedy(toy, 40, seed=0)
chosen = {
    "random": toy[random_subset(toy, 12, seed=0)],
    "k-means": k_means(toy, 12, seed=0),
    "greedy": toy[greedy_order[:12]],
}
show(*plot_chosen(toy, chosen))

# %% [markdown]
# Random and k-means go where the many are. Greedy goes to the rims: it keeps a patch at every outlying end of the cloud. Which is better? For a
# detector, a normal patch that lies far from the bank is a false alarm. So look at the patch that is worst off:
# the **covering radius** is the largest distance of any patch to its nearest chosen one.
#
# ### Exercise 04.1: The covering radius
#
# *easy, 10 minutes*
#
# `patches` is `(N, C)`, `chosen` is `(k, C)`. Return the covering radius as one number, a distance that isn't squared.
#
# For example: patches (0, 0), (3, 4) and (6, 8), chosen (0, 0) and (6, 6). The first patch is chosen itself: 0. The second
# is 5 away from the one and the root of 13 from the other, the nearer. The third is 2 away from its nearest. The radius is
# the largest of the three, the root of 13.


# %% exercise="04.1"
import numpy as np


def covering_radius(patches: np.ndarray, chosen: np.ndarray) -> float:
    """Return the largest distance of patches (N, C) to the nearest chosen (k, C)."""
    differences = patches[:, None] - chosen  # (N, k, C)
    distances = np.linalg.norm(differences, axis=2)  # (N, k)
    return float(distances.min(axis=1).max())


# %%
check("04.1", covering_radius)  # stuck? hint("04.1")

# %% [markdown]
# As a formula, with patches $\mathcal P$ and the coreset $\mathcal C$:
#
# $$r(\mathcal C) = \max_{p \in \mathcal P}\ \min_{c \in \mathcal C}\ \lVert p - c \rVert .$$
#
# Your array `(N, k, C)` is fine for a toy. For patches it would be too large, so from here on a memory bank, which knows the
# nearest, does it.
#
# Now a guess. Draw the random twelve again and again, a hundred times. **How many times as large as greedy's radius is theirs, in
# the median?**

# %%
predict("04.b", 1.5, 4, unit="times")


# %%
def radius_of(patches, centres):
    """Return the covering radius; a bank finds the nearest of many patches quickly."""
    return float(MemoryBank().add(centres).search(patches)[0].max())


random_radii = [radius_of(toy, toy[random_subset(toy, 12, seed=s)]) for s in range(100)]
reveal("04.b", np.median(random_radii) / greedy_radii[11], unit="times")
print(f"random {np.median(random_radii):.2f} in the median, at best {min(random_radii):.2f}")
print(f"greedy {greedy_radii[11]:.2f}")

# %%
show(*plot_covering(toy, chosen))

# %% [markdown]
# Random and k-means forget the rare ones at the lower right: they are too few to be drawn, and too few to pull a mean their way. Greedy
# has one of them among its twelve, since they are far from all else.
#
# This is greedy's strength, and its weakness too. It takes what is rare, **whatever the reason**. A thread that is normal
# but seldom seen is kept; and so is a speck of dirt or a defect that slipped in among the normal tiles. Random sampling
# would most likely have passed it over.

# %% [markdown]
# ## 3. Greedy, step by step
#
# This is how greedy came to its twelve. The cross is the patch that is covered worst: **it is the next one chosen.**

# %%
steps = {f"{m} chosen": toy[greedy_order[:m]] for m in (1, 2, 3, 5, 8, 12)}
show(*plot_covering(toy, steps, numbered=True))

# %% [markdown]
# ### Exercise 04.2: Greedy, the obvious way
#
# *medium, 15 minutes*
#
# Choose `k` patches of `patches` `(N, C)`. The first is the patch with the index `start`. Then, again and again, choose the
# patch whose distance to its nearest chosen one is largest (of equals, take either). Return two arrays of length `k`:
# - the **indices**, in the order of choice, `start` first;
# - the **radii**: beside each index, the covering radius *after* that choice (a distance, not squared).
#
# A worked example with one channel: patches at 0, 1, 5, 9 and 20, `k = 3`, `start = 1`. Chosen is index 1 (at 1). Farthest from
# it is index 4 (at 20), so the first radius is 19. After choosing that, distances to the nearest are 1, 0, 4, 8, 0: radius
# 8, at index 3. After choosing index 3 they are 1, 0, 4, 0, 0. So the indices are 1, 4, 3 and the radii 19, 8, 4.


# %% exercise="04.2"
def farthest_first(
    patches: np.ndarray,
    k: int,
    start: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return indices (k,) in order of choice, and the radius after each, (k,)."""
    nearest = np.full(len(patches), np.inf, np.float32)  # to the nearest one chosen
    indices, radii, best = [], [], start
    for _ in range(k):
        indices.append(best)
        to_new = np.linalg.norm(patches - patches[best], axis=1)
        nearest = np.minimum(nearest, to_new)  # a new one can only bring it down
        best = int(nearest.argmax())
        radii.append(nearest[best])
    return np.array(indices), np.array(radii)


# %%
check("04.2", farthest_first)  # stuck? hint("04.2")

# %% [markdown]
# ### How good is greedy?
#
# To find the *best* twelve by trying is hopeless (the cell below counts the choices). But greedy is never worse than
# **twice the best** (Gonzalez, 1985,
# [doi 10.1016/0304-3975(85)90224-5](https://doi.org/10.1016/0304-3975(85)90224-5)), and that can be seen in a minute.
# Let its radius be $r$. Then the 12 chosen and the one that is farthest from them are 13 patches, and *any* two of these are
# at least $r$ apart (each was the farthest when it was chosen, and radii only fall, so it was at least $r$ from all before it). Now let someone bring 12 centres of their own, anywhere. Two of the 13 must share a nearest centre. They
# are $r$ apart, so one of them is at least $r/2$ from it. Nobody's radius is smaller than $r/2$.

# %%
from math import comb

print(f"{comb(len(toy), 12):.0e} ways to choose 12 of {len(toy)}")
radius = float(greedy_radii[11])
print(f"greedy's radius is {radius:.2f}")
print(f"no 12 centres have a smaller radius than {radius / 2:.2f}")
print(f"k-means has {radius_of(toy, chosen['k-means']):.2f}")

# %% [markdown]
# ### The start must not go missing
#
# A bug that is easily made: the distances *from* the start are computed, the farthest patch is chosen, and so on, but
# the start itself never gets into the list. All looks well: the list holds as many as it should (one more was chosen at
# the end), and no error comes. Here is greedy once more with 12 chosen after the start, but without the start.
#
# **How many times as large as it should be is the radius then?**

# %%
predict("04.c", 1.05, 2, unit="times")

# %%
thirteen = toy[greedy_order[:13]]
choices = {"12, start included": thirteen[:12], "12, start missing": thirteen[1:]}
wrong_radius = radius_of(toy, choices["12, start missing"])
reveal("04.c", wrong_radius / greedy_radii[11], unit="times")
show(*plot_covering(toy, choices, absent={"12, start missing": thirteen[0]}))

# %% [markdown]
# Around the start, the hollow circle, there is a hole. All the others were chosen *because* they are far from it: greedy relied on a patch
# that isn't there. One patch in many may not seem much, but a whole neighbourhood of normal fabric may then be as far from the bank
# as a defect.

# %% [markdown]
# ## 4. Why the obvious way is slow
#
# Each choice looks at all patches. Is it the computing that takes long? Time a choice on the bank of all three fabrics
# together. The second way below is smarter. With $\lVert p - c\rVert^2 = \lVert p\rVert^2 - 2\,p\cdot c + \lVert c\rVert^2$
# (notebook 02) it needs only one product of the patches with the new one; the lengths $\lVert p\rVert^2$ are computed once for
# all. In the module it is called `k_center_greedy_reference`. (`yours_or_ours` takes your function from the exercise if it is
# right, and the course's otherwise.)

# %%
from aitex_utils.coreset import k_center_greedy_reference
from aitex_utils.lessons.engine.stand_in import yours_or_ours

banks = np.concatenate([bank for bank, _, _ in data])
banks = banks - banks.mean(axis=0)  # moving all changes no distance, and rounding less
greedy_by_differences = yours_or_ours("04.2", farthest_first)


# %%
def timed(function, *arguments, **options):
    """Return the result of a call, and the seconds that it took."""
    begin = time.perf_counter()
    result = function(*arguments, **options)
    return result, time.perf_counter() - begin


_, by_differences = timed(greedy_by_differences, banks, 20, 0)
by_differences /= 20
options = {"seed": 0, "projection": None}
short, long = (timed(k_center_greedy_reference, banks, m, **options)[1] for m in (1, 301))
by_product = (long - short) / 300  # what is done once drops out
print(f"{len(banks):,} patches, a choice takes")
print(f"{1000 * by_differences:6.2f} ms by differences, as in exercise 04.2")
print(f"{1000 * by_product:6.2f} ms by one product")

# %% [markdown]
# ### Exercise 04.3: Bytes
#
# *easy, 10 minutes*
#
# Let us count what has to be moved. A **pass** reads all `n` patches with their `channels`, and reads the `n` nearest distances and
# writes them back. All are float32, four bytes each. One pass is needed for each choice, the start included, so that `k` choices
# take `k` passes.
#
# For later, let a pass serve several choices at once: `block` of them, where the last block may not be full. Return the
# bytes moved in all passes together, as a whole number.
#
# For example `n = 10`, `channels = 2`, `k = 3`, `block = 2`: two passes. Each reads 20 numbers and 10 numbers and writes
# 10: 160 bytes. Together 320.


# %% exercise="04.3"
def bytes_moved(n: int, channels: int, k: int, block: int = 1) -> int:
    """Return the bytes moved while k of n patches are chosen, `block` per pass."""
    passes = -(-k // block)  # rounded up: a block that isn't full takes a pass too
    numbers = n * channels + n + n  # patches; nearest, read and written
    return passes * 4 * numbers


# %%
check("04.3", bytes_moved)  # stuck? hint("04.3")

# %% [markdown]
# Now hold that against the machine. How fast can it read at all? We let it find the largest number of the whole array, which
# reads everything once and computes next to nothing. The bytes come from your function of exercise 04.3, if it is right.


# %%
def bytes_per_second(array, tries=5):
    """Return how fast an array is read, the best of some tries."""
    return array.nbytes / min(timed(array.max)[1] for _ in range(tries))


bandwidth = bytes_per_second(banks)
count_bytes = yours_or_ours("04.3", bytes_moved)
pass_bytes = count_bytes(*banks.shape, 1)
print(f"reading: {bandwidth / 1e9:.0f} GB/s")
least = 1000 * pass_bytes / bandwidth
print(f"a pass:  {pass_bytes / 1e6:.1f} MB, {least:.2f} ms to move at that speed")
print(f"a choice by one product took {1000 * by_product:.2f} ms")
total = count_bytes(whole, CHANNELS, whole // 10)
print(f"10 % of the whole of AITEX: {total / 1e12:.0f} TB to move,")
print(f"{total / bandwidth / 3600:.1f} hours at that speed, without any computation")

# %% [markdown]
# The product is within a few times of what memory allows. By differences it is far slower, because all differences
# `(N, C)` are written to memory as an array, read again to be squared, and so on: the same numbers go to and fro several
# times. In both, the processor mostly waits for numbers to arrive, and a faster one would wait just as long.
#
# The way out: if a patch has been fetched already, use it for more than one new centre. Multiply the patches with one chosen patch,
# then with 64 at once, which is 64 times the computing. **How many times as long does it take?**

# %%
predict("04.d", 4, 40, unit="times")


# %%
def product_seconds(columns, rows=4096):
    """Return seconds of patches @ columns (C, m), by blocks of rows, best of three."""

    def product():
        for begin in range(0, len(banks), rows):
            banks[begin : begin + rows] @ columns

    return min(timed(product)[1] for _ in range(3))


counts = np.array([1, 4, 16, 64, 256])
times = np.array([product_seconds(np.ascontiguousarray(banks[:m].T)) for m in counts])
reveal("04.d", times[3] / times[0], unit="times")

# %%
at_once, one_by_one = 1000 * times, 1000 * counts * times[0]
lines = {"one product of m": (counts, at_once), "m of one": (counts, one_by_one)}
caption = "Milliseconds to multiply all patches with m chosen ones, at once and one by one, on"
caption += f" logarithmic scales. For {counts[-1]}: {at_once[-1]:.0f} ms at once,"
caption += f" {one_by_one[-1]:.0f} ms one by one."
axes = {"xlabel": "chosen patches m", "ylabel": "ms"}
show(*plot_lines(lines, caption, **axes, xscale="log", yscale="log"))

# %% [markdown]
# ## 5. The same order, many times faster
#
# If only we knew 64 choices beforehand! But each depends on the one before: greedy can't know its second choice until the
# first has brought the distances down.
#
# Here is what helps: **distances only ever go down.** Sort the patches by their distance to the nearest chosen one, and put the
# farthest few hundred aside, as a **pool**. The smallest distance in the pool is its **floor**. No patch outside is farther than that
# now, and none will ever be. So as long as the farthest patch *of the pool* is at least as far as the floor, it is the farthest
# *of all*. Nobody outside need be asked.

# %%
from aitex_utils.lessons.nb04.figures import plot_pool

first_choices, _ = k_center_greedy(banks, 200, seed=0, projection=None)
nearest = MemoryBank().add(banks[first_choices]).search(banks)[0][:, 0]
show(*plot_pool(nearest, 512))

# %% [markdown]
# The whole goes like this:
#
# 1. Bring the distances of **all** patches up to date, for all centres chosen since the last time: one matrix product.
# 2. Put the 512 farthest into the pool. Its floor is their smallest distance.
# 3. Choose **inside the pool**, one by one, bringing only the pool up to date, until its farthest has fallen below the floor.
# 4. Back to 1, until there are enough.
#
# The pool is small (512 x 152 numbers, a third of a megabyte) and stays in the processor's cache. Step 1 fetches each patch
# once for many centres. And no choice is ever a guess.
#
# ### Exercise 04.4: Choose inside the pool
#
# *hard, 20 minutes*
#
# This is step 3. You get
# - `pool` `(P, C)`, the patches of the pool;
# - `near` `(P,)`, for each its **squared** distance to the nearest centre so far (squared, since that saves the roots);
# - `floor`, also **squared**: none outside is farther;
# - `most`, how many are still wanted.
#
# Choose again and again the position whose `near` is largest, and lower `near` by the squared distances to it. Stop when the largest
# is *below* the floor (equal is still allowed), or when you have `most`. Of equals, take either. Return the list of
# positions in the pool, in order of choice. Don't change `near` itself.
#
# For example: pool (0, 0), (0, 2), (7, 0), (0, 4), near 30, 26, 25, 27, floor 25, most 9. Position 0 is farthest: chosen. It
# lowers near to 0, 4, 25, 16. Position 2 has 25, which is allowed: chosen. Now near is 0, 4, 0, 16, and 16 is
# below the floor. The answer is `[0, 2]`.


# %% exercise="04.4"
def choose_inside(
    pool: np.ndarray,
    near: np.ndarray,
    floor: float,
    most: int,
) -> list[int]:
    """Return positions in the pool that greedy would choose, at most `most`."""
    chosen = []
    while len(chosen) < most:
        best = int(near.argmax())
        if near[best] < floor:
            break  # outside the pool there may be a farther one now
        chosen.append(best)
        to_new = ((pool - pool[best]) ** 2).sum(axis=1)  # (P,), squared
        near = np.minimum(near, to_new)  # a new array: the caller's stays as it was
    return chosen


# %%
check("04.4", choose_inside)  # stuck? hint("04.4")

# %% [markdown]
# Steps 1, 2 and 4 around it. Step 1 takes the patches in blocks of 4,096 rows. Otherwise the table of all distances (patches x new
# centres) would itself have to go to memory and back, and we would be where we started.


# %%
def update_nearest(patches, nearest, centres, rows=4096):
    """Return squared distances (N,) to the nearest centre; `centres` (m, C) are new."""
    result, weights, offsets = nearest.copy(), -2 * centres.T, (centres**2).sum(axis=1)
    for begin in range(0, len(patches), rows):
        part = slice(begin, begin + rows)
        products = patches[part] @ weights  # (rows, m)
        products += offsets
        squared = products.min(axis=1) + (patches[part] ** 2).sum(axis=1)
        result[part] = np.minimum(nearest[part], squared.clip(0))  # rounding: not below 0
    return result


# %%
def fast_greedy(patches, k, start, choose, size=512):
    """Return indices (k,) in greedy's order, and how often all patches were read."""
    nearest = np.full(len(patches), np.inf, np.float32)
    order, done, passes = [start], 0, 0
    while True:
        nearest = update_nearest(patches, nearest, patches[order[done:]])  # 1: all, at once
        done, passes = len(order), passes + 1
        if done == k:
            return np.array(order), passes
        pool = np.argpartition(nearest, -size)[-size:]  # 2: the farthest
        floor = nearest[pool].min()
        chosen = choose(patches[pool], nearest[pool], floor, k - done)  # 3: inside
        order += pool[chosen].tolist()


# %% [markdown]
# Now the race. First on the bank of one fabric, 400 choices, against exercise 04.2: both in full, some seconds. **How many times faster is "pool and blocks"?**

# %%
predict("04.e", 5, 60, unit="times")

# %%
choose = yours_or_ours("04.4", choose_inside)
small = banks[: len(bank)]
(slow_order, _), slow = timed(greedy_by_differences, small, 400, 0)
(fast_order, _), fast = timed(fast_greedy, small, 400, 0, choose)
reveal("04.e", slow / fast, unit="times")
print(f"{np.sum(slow_order == fast_order)} of {len(slow_order)} choices are the same")

# %% [markdown]
# Then on the bank of all three fabrics, for one of twenty of its patches, against the smarter one: `k_center_greedy_reference`, one
# product per choice. With it runs the module's `k_center_greedy`, which is built on the same idea as yours. (On a bank as small as this the module may be the slower of the two: it keeps books
# on which patches it may pass over, which pays where patches are many.)

# %%
k = len(banks) // 20
(reference_order, _), by_products = timed(k_center_greedy_reference, banks, k, **options)
start = int(reference_order[0])
(fast_order, passes), by_blocks = timed(fast_greedy, banks, k, start, choose)
(order, radii), by_module = timed(k_center_greedy, banks, k, **options)
print("pool and blocks, against one product per choice:")
print(f"  {by_products / by_blocks:.2f} times as fast;")
print(f"  all {len(banks):,} patches were read {passes} times instead of {k:,}")

# %%
from aitex_utils.lessons.nb04.figures import plot_times

seconds = {
    "400 of one fabric, by differences": slow,
    "400 of one fabric, pool and blocks": fast,
    f"{k:,} of three, by products": by_products,
    f"{k:,} of three, pool and blocks": by_blocks,
    f"{k:,} of three, the module": by_module,
}
show(*plot_times(seconds))

# %% [markdown]
# And is it the same order? Rounding differs between the ways, so that of two patches that are equally far, but for the last
# digit, one may come before the other. A tie that falls the other way isn't a mistake: what counts is that each choice is as
# far as the farthest.

# %%
same_place = np.sum(fast_order == order)
in_both = len(np.intersect1d(fast_order, order))
fast_radius = radius_of(banks, banks[fast_order])
module_radius = radius_of(banks, banks[order])
print(f"{same_place:,} of {k:,} choices are the same at the same place,")
print(f"{in_both:,} are in both")
print(f"covering radius {fast_radius:.4f}, the module's {module_radius:.4f}")

# %% [markdown]
# The larger the bank and the coreset, the more there is to win. On {{results/speed.json: coreset.4.patches: ,}} patches of the practice fabric,
# of which greedy keeps a tenth (`python course.py bench speed --anomalib`; *anomalib* is the best-known library):
#
# | | seconds |
# |---|---|
# | one pass over all patches per choice | {{results/speed.json: coreset.4.reference: .0f}} |
# | anomalib | {{results/speed.json: coreset.4.anomalib: .0f}} |
# | the module | {{results/speed.json: coreset.4.ours: .1f}} |
#
# Times depend on the machine, and most of all on its memory. The first way reads all patches for each choice, and waits for them.
# Blocks are bound by arithmetic instead: {{results/speed.json: limits.float32_gflop_s: ,.0f}} billion operations a second in float32. To get below that, the module
# leaves work out that can't change anything:
#
# - **Two pools.** It chooses among the 128 farthest *of the pool*, until these fall below their own floor; only then is the pool brought up to date, and only when
#   the pool runs dry are all patches. So the pool can be larger, and all patches are asked less often.
# - **A question before the work.** After a round, most patches keep the centre that they had. Which ones? Some processors multiply numbers of 16 bits, *bfloat16*,
#   several times as fast ({{results/speed.json: limits.bfloat16_gflop_s: ,.0f}} billion a second there). Such a product is rough, but *how* rough is known: each factor is off by one part in 256 at most.
#   If a new centre stays too far even when all errors help it, it surely is. Only what is left is computed in float32, and the order of the choices stays the same.
#
# **Try it.** What happens with a pool of 64, or of 8,192? Call `fast_greedy` with another `size`, and look at the passes and
# at the seconds. With a small pool one cost rises, with a large pool the other. Which are they?
#
# <details><summary>Answer</summary>A small pool runs dry soon, so that all patches have to be read more often: more passes. A
# large pool is itself read for every choice, and at some size it no longer fits into the cache: slower choices.</details>

# %% [markdown]
# ## 6. Random projection, and what it costs
#
# There is another way to move fewer bytes: shorter patches. Multiply the patches by a matrix of random numbers
# $(C, D)$, drawn from a normal distribution and divided by $\sqrt D$. Of $C$ numbers $D$ are left, and lengths are the same
# *on average*. How far off they are depends on $D$, but not on $C$: that is the lemma of Johnson and Lindenstrauss (a short
# proof: Dasgupta and Gupta, 2003, [doi 10.1002/rsa.10073](https://doi.org/10.1002/rsa.10073)). PatchCore's authors choose
# their coreset on patches that are shortened so; `k_center_greedy` does with `projection=128`.
#
# With `D = 32`, a fifth of our 152 channels: **by how many per cent is a distance off, as a standard deviation?**

# %%
predict("04.f", 5, 30, unit="%")


# %%
def project(patches, dimensions, seed=0):
    """Return patches (N, D), shortened by a random projection."""
    rng = np.random.default_rng(seed)
    directions = rng.standard_normal((patches.shape[1], dimensions)).astype(np.float32)
    return patches @ (directions / np.float32(np.sqrt(dimensions)))


left, right = (np.random.default_rng(s).permutation(bank)[:5000] for s in (1, 2))
true_distances = np.linalg.norm(left - right, axis=1)
differ = true_distances > 1e-3  # a patch drawn against itself has no ratio
ratios = {}
for size in (128, 32, 8):
    short_distances = np.linalg.norm(project(left, size) - project(right, size), axis=1)
    ratios[f"D = {size}"] = (short_distances / true_distances)[differ]
reveal("04.f", 100 * ratios["D = 32"].std(), unit="%")

# %%
title = f"Ratios of {differ.sum():,} distances"
show(*plot_histograms(ratios, xlabel="distance after projection / before", title=title))
for name, ratio in ratios.items():
    print(f"{name}: off by {ratio.std():.1%}")

# %% [markdown]
# A rule of thumb for the spread is $1/\sqrt{2D}$. What does that do to the coreset? We let greedy choose one of twenty of a fabric's patches by
# shortened distances, and measure the covering radius in the *true* ones.

# %%
k = len(bank) // 20
print("   D  MiB a pass  radius  seconds   (radius: 1 = exact)")
_, exact_radii = k_center_greedy(bank, k, seed=0, projection=None)
for size in (None, 128, 32, 8):
    (order, _), run_seconds = timed(k_center_greedy, bank, k, seed=0, projection=size)
    width = size or bank.shape[1]
    ratio = radius_of(bank, bank[order]) / exact_radii[-1]
    pass_size = 4 * len(bank) * (width + 2) / 2**20
    print(f"{width:4} {pass_size:11.1f} {ratio:7.3f} {run_seconds:8.2f}")

# %% [markdown]
# With our 152 channels, 128 dimensions save a sixth of the bytes, and widen the radius a little. With the 1,536
# channels of two layers of WideResNet-50, the paper's network, they save eleven bytes of twelve. Few dimensions are cheap and widen it much. Note what projection does *not* do: the bank keeps the whole patches,
# and the search at test time costs the same.

# %% [markdown]
# ## 7. One run serves every size
#
# Greedy never takes a choice back. So the first ten of a run for a thousand are just what a run for ten would have given: **each
# coreset is a prefix of the next.** You choose once, up to the largest size that you might want, and cut afterwards. And since the
# run notes the radius after each choice, it has drawn the whole curve.

# %%
n = len(bank)
long_order, long_radii = k_center_greedy(bank, n // 4, seed=0, projection=None)
short_order, _ = k_center_greedy(bank, 50, seed=0, projection=None)
print("the long run begins like a short one:", np.array_equal(long_order[:50], short_order))

# %%
sizes = np.array([n // 100, n // 30, n // 10])
random_radii = [radius_of(bank, bank[random_subset(bank, m, seed=0)]) for m in sizes]
k_means_radii = [radius_of(bank, k_means(bank, m, seed=0)) for m in sizes]
lines = {
    "greedy, one run": (np.arange(1, len(long_radii) + 1), long_radii),
    "random": (sizes, np.array(random_radii)),
    "k-means": (sizes, np.array(k_means_radii)),
}
caption = f"Covering radius of {n:,} patches against the size of the coreset, on a logarithmic"
caption += f" scale. At {sizes[-1]:,}, a tenth: greedy {long_radii[sizes[-1] - 1]:.2f},"
caption += f" random {random_radii[-1]:.2f}, k-means {k_means_radii[-1]:.2f}."
axes = {"xlabel": "patches kept", "ylabel": "covering radius"}
show(*plot_lines(lines, caption, **axes, xscale="log"))

# %% [markdown]
# The radius falls steeply at first and then ever more slowly: the last halving of the radius costs many times the patches
# of the first. With the same number of patches, greedy's radius is the smallest. Or read it along a horizontal line: for the *same
# radius*, greedy needs far fewer.
#
# ### Exercise 04.5: A size for a radius
#
# *easy, 10 minutes*
#
# Instead of a share one may ask for a radius: "no normal patch shall be farther than this from the bank". `radii` `(K,)` is what greedy
# returns, falling: `radii[0]` is the radius with *one* patch chosen. Return the **smallest size** whose radius is at most
# `max_radius`, as a whole number. If no radius is small enough, return 0.
#
# For example radii 9, 6, 5 and 2: for a wanted radius of 5 it takes 3 patches, for 1 the answer is 0.


# %% exercise="04.5"
def size_for(radii: np.ndarray, max_radius: float) -> int:
    """Return the smallest size whose radius is at most the wanted one, or 0."""
    enough = np.flatnonzero(radii <= max_radius)  # indices of all that are good enough
    return int(enough[0]) + 1 if len(enough) else 0


# %%
check("04.5", size_for)  # stuck? hint("04.5")

# %% [markdown]
# Now we can say how many patches greedy needs for the radius that a random tenth has.

# %%
enough = yours_or_ours("04.5", size_for)(long_radii, random_radii[-1])
print(f"random: {sizes[-1]:,} patches for a radius of {random_radii[-1]:.2f}")
if enough:
    print(f"greedy: {enough:,} patches, {enough / sizes[-1]:.1%} of that number")
else:
    print(f"greedy: {len(long_radii):,} patches are not enough")

# %% [markdown]
# ## 8. What is each size worth?
#
# A small radius isn't an end in itself: we want to find defects. So fill banks with 1, 10 and 25 % of the patches and with all of
# them, for each of three fabrics and by each method, and measure the **tile AUROC** on other strips (a tile's score is the
# largest distance of its patches). Random and greedy run with three seeds each. Greedy
# runs here as it does in PatchCore, with the module's default, `projection=128`; sections 5 and 7 took `None`.
#
# The prefix helps here too: the distances to the first tenth are the smaller of those to the first hundredth and those to the
# nine hundredths that follow. Each patch is compared once.

# %%
SHARES = (0.01, 0.1, 0.25)


def scores_by_prefix(bank, order, sizes, test):
    """Return scores of tiles (T, P, C) by the first patches in order: (sizes, T)."""
    patches, nearest, begin, scores = test.reshape(-1, test.shape[-1]), np.inf, 0, []
    for size in sizes:
        added = MemoryBank().add(bank[order[begin:size]])
        nearest = np.minimum(nearest, added.search(patches)[0][:, 0])
        scores.append(nearest.reshape(len(test), -1).max(axis=1))
        begin = size
    return np.stack(scores)


# %%
def fabric_scores(method, bank, test):
    """Return scores of tiles: (seeds, shares, tiles)."""
    sizes, seeds = [round(share * len(bank)) for share in SHARES], range(3)
    if method == "all":
        return scores_by_prefix(bank, np.arange(len(bank)), [len(bank)], test)[None]
    if method == "k-means":  # one seed, and no prefix: each size is a run of its own
        runs = [k_means(bank, size, seed=0) for size in sizes]
        rows = [scores_by_prefix(c, np.arange(len(c)), [len(c)], test)[0] for c in runs]
        return np.stack(rows)[None]
    if method == "greedy":
        orders = [k_center_greedy(bank, sizes[-1], seed=seed)[0] for seed in seeds]
    else:
        orders = [random_subset(bank, sizes[-1], seed=seed) for seed in seeds]
    return np.stack([scores_by_prefix(bank, order, sizes, test) for order in orders])


# %%
from tqdm.auto import tqdm

from aitex_utils.lessons.cache import cached


def method_scores(method):
    """Return the scores for each fabric, from the cache if they are there."""

    def make():
        pairs = tqdm(list(zip(FABRICS, data, strict=True)), desc=method)
        return {f: fabric_scores(method, bank, test) for f, (bank, test, _) in pairs}

    code = (fabric_patches, draw_tiles, scores_by_prefix, fabric_scores, PatchFeatures)
    code += (k_center_greedy, random_subset, k_means)
    name = f"04_{profile()}_{method}"
    by_fabric = cached(name, make, data=root, code=code, shares=SHARES, method=method)
    return [by_fabric[fabric] for fabric in FABRICS]


# %% [markdown]
# First all patches, and your guess: **how much lower is the mean tile AUROC if greedy keeps 1 % of them?** (A range of
# differences; negative numbers if you expect it to be higher.)

# %%
predict("04.g", 0.0, 0.06)

# %%
scores = {"all": method_scores("all"), "greedy": method_scores("greedy")}

# %% [markdown]
# Random as well, and k-means, which takes longest: every size is a run of its own.

# %%
scores["random"] = method_scores("random")

# %%
scores["k-means"] = method_scores("k-means")


# %%
def tile_aurocs(method):
    """Return the tile AUROC (fabrics, seeds, shares)."""
    rows = []
    for by_seed, (_, _, labels) in zip(scores[method], data, strict=True):
        rows.append([[metrics.auroc(labels, row) for row in by_share] for by_share in by_seed])
    return np.array(rows)


aurocs = {method: tile_aurocs(method) for method in scores}
all_kept = aurocs["all"].mean()
reveal("04.g", all_kept - aurocs["greedy"][..., 0].mean())
print("kept         1 %   10 %   25 %")
for method in ("greedy", "random", "k-means"):
    print(f"{method:10}", "".join(f"{v:7.3f}" for v in aurocs[method].mean(axis=(0, 1))))
print(f"all patches  {all_kept:.3f}")

# %% [markdown]
# ### How sure is that?
#
# Two things are left to chance: which tiles were in the test, and what the sampler's seed was. Draw both anew, five hundred times:
# tiles with replacement, the same ones for all methods, and a seed for each. (As in notebook 03 this takes tiles of a strip for
# independent, which they aren't, so that the truth is wider still.)


# %%
def resample_aurocs(n_resamples=500):
    """Return the mean AUROC of each resample, by method: (n_resamples, shares)."""
    rng = np.random.default_rng(0)
    resampled = {m: np.zeros((n_resamples, parts[0].shape[1])) for m, parts in scores.items()}
    for i in range(n_resamples):
        for fabric, (_, _, labels) in enumerate(data):
            clean = rng.choice(np.flatnonzero(~labels), np.sum(~labels))
            broken = rng.choice(np.flatnonzero(labels), labels.sum())
            for method, by_fabric in scores.items():
                by_seed = by_fabric[fabric]
                tile_scores = by_seed[rng.integers(len(by_seed))]  # (shares, tiles)
                higher = tile_scores[:, broken, None] > tile_scores[:, None, clean]
                resampled[method][i] += higher.mean(axis=(1, 2)) / len(data)
    return resampled


resampled = resample_aurocs()

# %%
percent = 100 * np.array(SHARES)
lines = {}
for method, shift in (("greedy", 0.93), ("random", 1), ("k-means", 1.07)):  # side by side
    low, high = np.quantile(resampled[method], [0.025, 0.975], axis=0)
    lines[method] = percent * shift, aurocs[method].mean(axis=(0, 1)), low, high
low, high = np.quantile(resampled["all"], [0.025, 0.975], axis=0)
lines["all"] = np.array([100.0]), np.array([all_kept]), low, high
caption = "Mean tile AUROC against the share of patches kept (log scale), with bars that hold"
caption += " 95 % of the redrawn. With 1, 10 and 25 %, or all: "
listed = [m + " " + ", ".join(f"{v:.3f}" for v in line[1]) for m, line in lines.items()]
caption += "; ".join(listed) + "."
axes = {"xlabel": "patches kept (%)", "ylabel": "tile AUROC"}
show(*plot_lines(lines, caption, **axes, xscale="log", legend_outside=True))

# %% [markdown]
# The bars are wide, since few tiles carry them. But all methods sat the *same* test, and what we want to know are
# **differences**: these are surer than the values themselves.

# %%
from aitex_utils.lessons.figures import plot_intervals

differences = {}
for method in ("greedy", "random", "k-means"):
    for i, share in enumerate(SHARES):
        differences[f"{method}, {share:.0%}"] = resampled[method][:, i] - resampled["all"][:, 0]
label = "tile AUROC, minus that of all patches"
show(*plot_intervals(list(differences), list(differences.values()), label=label))

# %%
print("kept   greedy minus random, and 95 % of the redrawn")
for i, share in enumerate(SHARES):
    difference = (aurocs["greedy"] - aurocs["random"])[..., i].mean()
    low, high = np.quantile((resampled["greedy"] - resampled["random"])[:, i], [0.025, 0.975])
    print(f"{share:4.0%}   {difference:+.3f}  ({low:+.3f} to {high:+.3f})")

# %% [markdown]
# Where an interval holds 0, these tiles can't tell the coreset from the whole bank. Does one lie clear of 0 on your screen? With
# a random hundredth it wouldn't surprise: whole kinds of normal fabric are then missing from the bank, and look like defects.
#
# And greedy? Can a *tenth* be told from all patches at all? And the hundredth may even come out higher. Where it does,
# it isn't magic: a coarser bank is less sensitive, also to what is odd but harmless. Whether that is luck or not
# is for other tiles to say.
#
# ### The same on AITEX
#
# Three fabrics of AITEX, two splits by strip each, three seeds for greedy and random; in brackets the 95 % interval when
# whole *strips* and the seeds are drawn anew (`python course.py bench notebook_04`). All patches:
# {{results/notebook_04.json: tile_auroc.all.mean: .3f}} ({{results/notebook_04.json: tile_auroc.all.low: .3f}} to {{results/notebook_04.json: tile_auroc.all.high: .3f}}).
#
# | kept | greedy | random | k-means |
# |---|---|---|---|
# | a quarter | {{results/notebook_04.json: tile_auroc.greedy_25.mean: .3f}} | {{results/notebook_04.json: tile_auroc.random_25.mean: .3f}} | {{results/notebook_04.json: tile_auroc.k_means_25.mean: .3f}} |
# | a tenth | {{results/notebook_04.json: tile_auroc.greedy_10.mean: .3f}} | {{results/notebook_04.json: tile_auroc.random_10.mean: .3f}} | {{results/notebook_04.json: tile_auroc.k_means_10.mean: .3f}} |
# | a hundredth | {{results/notebook_04.json: tile_auroc.greedy_1.mean: .3f}} | {{results/notebook_04.json: tile_auroc.random_1.mean: .3f}} | {{results/notebook_04.json: tile_auroc.k_means_1.mean: .3f}} |
#
# And the differences, which are surer:
#
# | kept | greedy minus all | random minus all | greedy minus random |
# |---|---|---|---|
# | a quarter | {{results/notebook_04.json: differences.greedy_25_minus_all.mean: +.3f}} ({{results/notebook_04.json: differences.greedy_25_minus_all.low: +.3f}} to {{results/notebook_04.json: differences.greedy_25_minus_all.high: +.3f}}) | {{results/notebook_04.json: differences.random_25_minus_all.mean: +.3f}} ({{results/notebook_04.json: differences.random_25_minus_all.low: +.3f}} to {{results/notebook_04.json: differences.random_25_minus_all.high: +.3f}}) | {{results/notebook_04.json: differences.greedy_minus_random_25.mean: +.3f}} ({{results/notebook_04.json: differences.greedy_minus_random_25.low: +.3f}} to {{results/notebook_04.json: differences.greedy_minus_random_25.high: +.3f}}) |
# | a tenth | {{results/notebook_04.json: differences.greedy_10_minus_all.mean: +.3f}} ({{results/notebook_04.json: differences.greedy_10_minus_all.low: +.3f}} to {{results/notebook_04.json: differences.greedy_10_minus_all.high: +.3f}}) | {{results/notebook_04.json: differences.random_10_minus_all.mean: +.3f}} ({{results/notebook_04.json: differences.random_10_minus_all.low: +.3f}} to {{results/notebook_04.json: differences.random_10_minus_all.high: +.3f}}) | {{results/notebook_04.json: differences.greedy_minus_random_10.mean: +.3f}} ({{results/notebook_04.json: differences.greedy_minus_random_10.low: +.3f}} to {{results/notebook_04.json: differences.greedy_minus_random_10.high: +.3f}}) |
# | a hundredth | {{results/notebook_04.json: differences.greedy_1_minus_all.mean: +.3f}} ({{results/notebook_04.json: differences.greedy_1_minus_all.low: +.3f}} to {{results/notebook_04.json: differences.greedy_1_minus_all.high: +.3f}}) | {{results/notebook_04.json: differences.random_1_minus_all.mean: +.3f}} ({{results/notebook_04.json: differences.random_1_minus_all.low: +.3f}} to {{results/notebook_04.json: differences.random_1_minus_all.high: +.3f}}) | {{results/notebook_04.json: differences.greedy_minus_random_1.mean: +.3f}} ({{results/notebook_04.json: differences.greedy_minus_random_1.low: +.3f}} to {{results/notebook_04.json: differences.greedy_minus_random_1.high: +.3f}}) |
#
# What agrees with the practice fabric: in the last column greedy is ahead of random at every size, and most with the smallest
# coreset. Between a greedy tenth or quarter and all patches, these strips can hardly tell a difference. So a
# greedy tenth saves nine parts of ten of memory and search time, and costs little or nothing.
#
# That the hundredth comes out *above* all patches on AITEX is worth a second thought before you believe it. It is the best of
# nine comparisons, which flatters. But a reason is at hand: the strips tested are not those in the bank. A bank with every
# patch knows its own strips by heart, so that a thread that lies only a little differently in another strip already counts; a coarser
# one has been looking at what is common. Whether it holds on *your* fabric takes your own strips. And a coreset so
# small is the first to suffer where a fabric has more variety than 12 or 24 tiles show.

# %% [markdown]
# ## What you have seen
#
# All normal patches together are too many to keep and to search, and most have a close relative, so that a coreset can stand for them;
# its covering radius says how well. Greedy always takes the patch that is covered worst, its radius is at most twice
# the best possible, and its start belongs in the list. Done the obvious way it waits for memory, reading everything once for
# each choice; choosing inside a pool of the farthest and bringing the rest up to date by blocks gives the same order
# many times faster. One run serves every size, since each coreset is a prefix of the next, and random projection makes the
# passes shorter where patches are long. What a size is worth is measured on other strips, with an interval: greedy's small
# banks hold up where random ones fail, and they keep whatever is rare, be it good or bad.
#
# ### Quiz
#
# **1.** A coreset's covering radius is 3. What do you know of a new patch that equals a normal patch which was left
# out?
# - a) Its distance to the bank is at most 3
# - b) Its distance to the bank is 0
# - c) Its distance to the bank is at least 3
# - d) Nothing

# %%
quiz("04.q1", "a")

# %% [markdown]
# <details><summary>Answer</summary>a. Each patch that was there is at most a radius from the coreset. A new patch
# equal to one of them is too, so that no normal patch seen in fitting scores above the radius.</details>
#
# **2.** Among the normal tiles, a single one has a defect that nobody noticed. Which coreset of 1 % is most likely to
# keep patches of it?
# - a) The random one
# - b) That of k-means
# - c) The greedy one
# - d) All alike

# %%
quiz("04.q2", "c")

# %% [markdown]
# <details><summary>Answer</summary>c. A defect is far from normal patches: that is what makes it a defect, and what
# greedy looks for. Once in the bank, its like will never be found again.</details>
#
# **3.** A matrix product with 64 chosen patches at once takes far less than 64 times as long as with one. Why?
# - a) It rounds more coarsely
# - b) Each patch is fetched from memory once instead of 64 times
# - c) It computes fewer products
# - d) It skips patches that are near already

# %%
quiz("04.q3", "b")

# %% [markdown]
# <details><summary>Answer</summary>b. With one column the processor mostly waits for memory. With 64, each patch that
# was fetched is used 64 times.</details>
#
# **4.** You have the indices and the radii of a greedy run for 1,000 patches. How do you get the covering radius of the best
# coreset of 100 that this run holds?
# - a) Run greedy again for 100 patches
# - b) Take the last radius times the root of ten
# - c) Take the largest of the last 100 radii
# - d) Take radii[99]

# %%
quiz("04.q4", "d")

# %% [markdown]
# <details><summary>Answer</summary>d. The first hundred indices are the coreset, and beside the hundredth
# stands its radius: counting begins at 0.</details>
#
# **5.** You fit with a random projection to half the dimensions instead of none. What changes when a new tile is scored?
# - a) Nothing in time or memory; the bank holds partly other patches
# - b) The search takes half as long
# - c) Distances come out too small by half
# - d) The bank takes half the memory

# %%
quiz("04.q5", "a")

# %% [markdown]
# <details><summary>Answer</summary>a. Only the choosing was done with shortened patches, by slightly wrong distances. The bank
# keeps whole patches, and a search compares with these.</details>
#
# ### How sure were you?

# %%
calibration()

# %% [markdown]
# **Read next**: section 3.2 of the PatchCore paper ([arXiv 2106.08265](https://arxiv.org/abs/2106.08265)); Sener and Savarese,
# *Active Learning for Convolutional Neural Networks: A Core-Set Approach*, 2018
# ([arXiv 1708.00489](https://arxiv.org/abs/1708.00489)), from which it took the idea; Gonzalez, *Clustering to Minimize the Maximum
# Intercluster Distance*, 1985
# ([doi 10.1016/0304-3975(85)90224-5](https://doi.org/10.1016/0304-3975(85)90224-5)); and `aitex_utils/coreset.py`, which
# passes over some patches that can't change, by the triangle inequality.
#
# **Next**: notebook 05, how to search a bank, and when an exact search is simply right.
