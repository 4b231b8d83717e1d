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
# *{{version}}.*
#
# After this notebook you can reduce a memory bank to a small coreset, say what the reduction costs, and compute the
# coreset many times faster than a direct implementation.
#
# **You will be able to**
# 1. measure with one number how well a few patches represent all of them (exercise 04.1);
# 2. write PatchCore's sampler, k-center greedy, and include its start (exercise 04.2);
# 3. count the bytes that an algorithm moves, and decide whether it is bandwidth-bound (exercise 04.3);
# 4. compute the same coreset many times faster (exercise 04.4);
# 5. choose a coreset size from a radius or from costs, and justify it (exercises 04.5 and 04.6, open task).
#
# **You need to know** axes and broadcasting in NumPy, and the words *tile*, *patch* and *memory bank* (notebook 02).
#
# **Contents**
#
# {{contents}}
#
# **Time**: about {{minutes}} for you, including the exercises, and {{cost}} for the computer.

# %% [markdown]
# ## 1. A bank that explodes
#
# PatchCore compares each new patch with a memory bank of normal patches. How large does the bank become?
#
# AITEX has 141 normal strips, each about 4,096 px wide. Without bed and overlap, a strip gives 16 tiles of 256 px. A
# tile gives 1,024 patches of 152 channels, and a channel takes four bytes.
#
# Each section has a cell that begins with *Start here again after a restart*. After a restart of the kernel, run this
# cell of your section and continue there. *Run All Above Selected Cell* also works, but takes longer. The first run of
# this section's cell takes about 10 seconds.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import MemoryBank
from aitex_utils.lessons import predict, reveal
from aitex_utils.lessons.nb04.figures import plot_lines
from aitex_utils.lessons.nb04.setup import load_patches
from aitex_utils.lessons.timing import time_call
from aitex_utils.plots import show

patches = load_patches()  # three fabrics
for part in patches:
    print(f"fabric {part.fabric}: {len(part.bank):,} patches in the bank, {len(part.test)} test tiles")

# %% [markdown]
# **How many GiB does the bank of all normal strips of AITEX take?** Give a range that you are 80 % sure contains the
# result.

# %%
predict("04.a", 1, 4, unit="GiB")

# %%
STRIPS, TILES, POSITIONS, CHANNELS = 141, 16, 1024, 152
whole = STRIPS * TILES * POSITIONS
print(f"{STRIPS} x {TILES} x {POSITIONS:,} = {whole:,} patches")
reveal("04.a", whole * CHANNELS * 4 / 2**30, unit="GiB")

# %% [markdown]
# This bank fits into the memory of most computers. Time is the greater problem, because each new patch is compared with
# *each* patch of the bank. The next cell times one tile, and extrapolates in proportion to larger banks.

# %%
full_bank = MemoryBank().add(patches[0].bank)
_, per_tile = time_call(lambda: full_bank.search(patches[0].test[0]), repeats=7)
print(f"{len(patches[0].bank):,} patches in the bank: {per_tile} per tile")
n_tiles = np.array([12, 48, 192, 768, STRIPS * TILES])
lines = {}
for kept in (1, 4, 10, 100):
    lines["all kept" if kept == 1 else f"1 in {kept} kept"] = n_tiles, per_tile.median * n_tiles / 12 / kept
caption = "Estimated seconds to search one tile, against the number of normal tiles, on logarithmic"
caption += " scales. With all tiles of AITEX: "
caption += ", ".join(f"{name} {line[1][-1]:.2g} s" for name, line in lines.items()) + "."
axes = {"xlabel": "normal tiles", "ylabel": "seconds per tile"}
show(*plot_lines(lines, caption, **axes, xscale="log", yscale="log"))

# %% [markdown]
# With all patches of AITEX, one tile takes seconds rather than milliseconds. A strip has 16 tiles and leaves the loom
# every few seconds, so the bank must shrink.

# %% [markdown]
# ## 2. Redundant patches
#
# Fabric repeats itself, so many patches should have a close match in another tile. We search for the nearest patch of
# *other* tiles, and compare its distance with the distance to a random patch.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import MemoryBank
from aitex_utils.lessons.nb04.figures import plot_histograms
from aitex_utils.lessons.nb04.setup import load_patches
from aitex_utils.plots import show

bank = load_patches()[0].bank

# %%
one_tile, other_tiles = bank[:1024], bank[1024:]
to_nearest = MemoryBank().add(other_tiles).search(one_tile)[0][:, 0]
drawn = np.random.default_rng(0).permutation(len(bank))[: len(one_tile)]
to_random = np.linalg.norm(one_tile - bank[drawn], axis=1)
distances = {"to the nearest patch of other tiles": to_nearest, "to a random patch": to_random}
title = "Distances from the patches of one normal tile"
show(*plot_histograms(distances, xlabel="distance", title=title))
ratio = np.median(to_random) / np.median(to_nearest)
print(f"The median distance to a random patch is {ratio:.1f} times the median distance to the nearest patch.")

# %% [markdown]
# Nearly every patch has a match in another tile that is much closer than a random patch. If you keep only one patch of
# such a pair, the other is still near the bank.
#
# A **coreset** is a small subset that represents the whole set. **Coreset subsampling** chooses it, and the **coreset
# sampling ratio** is the share of patches that are kept.

# %% [markdown]
# ## 3. Three samplers on toy patches
#
# Patches of **two channels** can be plotted. The toy patches form two clusters, a thin bridge between them, and a group
# of eight rare patches at the lower right. All 700 patches are normal. We keep 12.
#
# - **Random**: each patch has the same chance of being kept.
# - **k-means**: 12 centres move until each is the mean of the patches nearest to it. We use the *mini-batch* version
#   (Sculley, 2010, [doi 10.1145/1772690.1772862](https://doi.org/10.1145/1772690.1772862)). A centre is a mean, not a
#   patch.
# - **k-center greedy**, also called *farthest-point sampling*: start with any patch, then repeatedly add the patch that
#   is *farthest* from its nearest previous choice. Its choices are called *centres*.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.coreset import k_center_greedy, k_means, random_subset
from aitex_utils.lessons import check, hint, predict, quiz, reveal, yours
from aitex_utils.lessons.nb04.decisions import toy_distances
from aitex_utils.lessons.nb04.figures import plot_chosen, plot_covering, plot_two_measures
from aitex_utils.lessons.nb04.sampling import covering_radius as course_radius
from aitex_utils.lessons.nb04.toy import toy_patches
from aitex_utils.plots import show

toy = toy_patches()  # (700, 2)

# %%
chosen = {
    "random": toy[random_subset(toy, 12, seed=0)],
    "k-means": k_means(toy, 12, seed=0),
    "greedy": toy[k_center_greedy(toy, 12, seed=0)[0]],
}
show(*plot_chosen(toy, chosen))

# %% [markdown]
# Random sampling and k-means favour the dense regions. Greedy keeps a patch at each end of the cloud.
#
# Which coreset is better? A normal patch far from the bank causes a false alarm, so the worst patch matters. The
# **covering radius** is the largest distance of any patch to its nearest chosen patch. For patches $\mathcal P$ and a
# coreset $\mathcal C$:
#
# $$r(\mathcal C) = \max_{p \in \mathcal P}\ \min_{c \in \mathcal C}\ \lVert p - c \rVert .$$
#
# ### Exercise 04.1: The covering radius
#
# *Easy, 10 minutes.*
#
# `patches` is `(N, C)`, `chosen` is `(k, C)`. Return the covering radius as one number, a distance that is not squared.
#
# Example: the patches are (0, 0), (3, 4) and (6, 8), and (0, 0) and (6, 6) are chosen. The distances to the nearest
# chosen patch are 0, $\sqrt{13}$ and 2. The radius is the largest, $\sqrt{13}$.


# %% exercise="04.1"
def covering_radius(patches: np.ndarray, chosen: np.ndarray) -> float:
    """Return the largest distance of patches (N, C) to the nearest chosen (k, C)."""
    differences = patches[:, None] - chosen  # (N, k, C)
    distances = np.linalg.norm(differences, axis=2)  # (N, k)
    return float(distances.min(axis=1).max())


# %%
check("04.1", covering_radius)  # stuck? hint("04.1")

# %% [markdown]
# From here on, the cells use *your* functions. `yours("04.1", ...)` returns your version if it passed, otherwise the
# course's version.
#
# We draw 100 random coresets of 12 patches. **How many times as large as greedy's covering radius is the median of
# their covering radii?**

# %%
predict("04.b", 1.5, 4, unit="times")

# %%
radius = yours("04.1", course_radius)
random_radii = [radius(toy, toy[random_subset(toy, 12, seed=seed)]) for seed in range(100)]
greedy_radius = radius(toy, chosen["greedy"])
reveal("04.b", float(np.median(random_radii)) / greedy_radius, unit="times")
print(f"random: median {np.median(random_radii):.2f}, lowest {min(random_radii):.2f}")
print(f"greedy: {greedy_radius:.2f}")
show(*plot_covering(toy, chosen))

# %% [markdown]
# Random sampling and k-means miss the rare patches. Greedy keeps one of them, so its worst patch is much nearer.
#
# Greedy keeps rare patches, **whatever the reason**: a rare normal thread, but also dirt or an overlooked defect.
#
# ### Read the figure and decide
#
# The next figure shows two measures for the same samplers: the distance of the worst patch, and the mean distance.

# %%
sizes = (5, 10, 20, 40, 80)
show(*plot_two_measures(sizes, toy_distances(toy, sizes)))

# %% [markdown]
# **Question.** A detector scores a tile by its largest patch distance. One false alarm stops the loom. Which sampler do
# you choose, and which panel decides?
# - a) k-means: lowest mean distance (right panel)
# - b) Greedy: lowest worst distance (left panel)
# - c) Random: in between (both panels)
# - d) Greedy: lowest mean distance (right panel)

# %%
quiz("04.q6", "b")

# %% [markdown]
# <details><summary>Answer</summary>
#
# b. The tile's score is a maximum, so the worst patch matters. In the left panel, greedy has the lowest worst distance
# at every size. In the right panel, k-means has the lowest mean distance, so k-means is the better choice where the
# mean counts.
#
# </details>

# %% [markdown]
# ## 4. The k-center greedy sampler
#
# ### Exercise 04.2: A direct implementation of greedy
#
# *Medium, 15 minutes.*
#
# Choose `k` patches of `patches` `(N, C)`. The first is the patch with index `start`. Each further choice is the patch
# with the largest distance to its nearest chosen patch. If patches tie, take any of them. Return two arrays of length
# `k`:
# - the **indices** (whole numbers) in the order of choice, `start` first;
# - the **radii**: for each index, the covering radius *after* this choice (a distance, not squared).
#
# Example: one channel, patches at 0, 1, 5, 9 and 20, `k = 3`, `start = 1`. The patch farthest from index 1 (at 1) is
# index 4 (at 20): radius 19. After the choice of index 4, the distances are 1, 0, 4, 8, 0: radius 8, at index 3. After
# index 3, they are 1, 0, 4, 0, 0: radius 4. The indices are 1, 4, 3 and the radii 19, 8, 4.

# %% tags=["start-here"]
# Start here again after a restart
from math import comb

import numpy as np

from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb04.figures import plot_greedy_step
from aitex_utils.lessons.nb04.sampling import farthest_first as course_greedy
from aitex_utils.lessons.nb04.toy import toy_patches
from aitex_utils.lessons.sliders import show_with_sliders

toy = toy_patches()  # (700, 2)


# %% exercise="04.2"
def farthest_first(
    patches: np.ndarray,
    k: int,
    start: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return indices (k,) in order of choice, and the radius after each, (k,)."""
    nearest = np.full(len(patches), np.inf, np.float32)  # distance to the nearest choice
    indices, radii, best = [], [], start
    for _ in range(k):
        indices.append(best)
        to_new = np.linalg.norm(patches - patches[best], axis=1)
        nearest = np.minimum(nearest, to_new)  # a new choice can only lower it
        best = int(nearest.argmax())
        radii.append(nearest[best])
    return np.array(indices), np.array(radii)


# %%
check("04.2", farthest_first)  # stuck? hint("04.2")

# %% [markdown]
# Move the slider through 40 steps of your function. The cross marks the worst patch, **which is chosen next**. If you
# see still pictures, change the numbers in the list and run the cell again.

# %%
greedy = yours("04.2", course_greedy)
step_order, step_radii = greedy(toy, 40, 0)


def draw_step(steps: int):
    return plot_greedy_step(toy, step_order, step_radii, steps)


show_with_sliders(draw_step, [{"steps": 2}, {"steps": 5}, {"steps": 12}], steps=(1, 40, 1, 2))

# %% [markdown]
# The radius never rises, because a new choice can only lower distances. It falls steeply at first and slowly later.
#
# ### How good is greedy?
#
# There are far too many sets of 12 patches to try them all. But greedy has a guarantee: its radius is at most **twice
# the best possible** (Gonzalez, 1985,
# [doi 10.1016/0304-3975(85)90224-5](https://doi.org/10.1016/0304-3975(85)90224-5)).

# %%
print(f"{comb(len(toy), 12):.0e} ways to choose 12 of {len(toy)} patches")
print(f"greedy's radius with 12 patches:          {step_radii[11]:.2f}")
print(f"no 12 centres have a radius smaller than: {step_radii[11] / 2:.2f}")

# %% [markdown]
# <details><summary>In depth: proof of the bound</summary>
#
# Let r be greedy's radius with 12 patches. Take the 12 patches and the patch farthest from them: 13 patches. Any two of
# them are at least r apart: each patch after the start was the farthest patch when it was chosen, and radii never rise.
#
# Now place any other 12 centres. Each of the 13 patches has a nearest centre, so two of the patches share a centre.
# These two patches are at least r apart. By the triangle inequality, one of them is at least r/2 from the shared
# centre. So every set of 12 centres has a radius of at least r/2.
#
# The proof allows centres anywhere, including means as in k-means. For arbitrary distances, no polynomial-time
# algorithm guarantees a factor below 2 unless P = NP (Gonzalez, 1985).
#
# </details>

# %% [markdown]
# ## 5. The start belongs to the coreset
#
# One mistake is easy to make: the program computes the distances *from* the start, but never adds the start to the
# list. Python reports no error, and the list has the right length.
#
# **How many times as large as the right radius is the radius without the start?**

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import predict, reveal, yours
from aitex_utils.lessons.nb04.figures import plot_covering
from aitex_utils.lessons.nb04.sampling import covering_radius as course_radius
from aitex_utils.lessons.nb04.sampling import farthest_first as course_greedy
from aitex_utils.lessons.nb04.toy import toy_patches
from aitex_utils.plots import show

toy = toy_patches()  # (700, 2)
predict("04.c", 1.05, 2, unit="times")

# %%
radius, greedy = yours("04.1", course_radius), yours("04.2", course_greedy)
thirteen = toy[greedy(toy, 13, 9)[0]]
lists = {"12, start included": thirteen[:12], "12, start missing": thirteen[1:]}
wrong, right = radius(toy, lists["12, start missing"]), radius(toy, lists["12, start included"])
reveal("04.c", wrong / right, unit="times")
show(*plot_covering(toy, lists, absent={"12, start missing": thirteen[0]}))

# %% [markdown]
# The missing start (hollow circle) leaves a hole, because all other centres were chosen far from it. A whole
# neighbourhood of normal fabric can then look like a defect.

# %% [markdown]
# ## 6. Why greedy is bandwidth-bound
#
# The direct implementation reads all patches for each choice. Which takes longer, the arithmetic or the reading? We
# measure on a larger bank of three fabrics.
#
# Your function from exercise 04.2 computes differences. A second way uses
# $\lVert p - c\rVert^2 = \lVert p\rVert^2 - 2\,p\cdot c + \lVert c\rVert^2$: one product of all patches and the new
# choice, as in `k_center_greedy_reference` of `aitex_utils/coreset.py`. The first run of the next cell takes about 10
# seconds.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb04.figures import plot_lines
from aitex_utils.lessons.nb04.sampling import bytes_moved as course_bytes
from aitex_utils.lessons.nb04.sampling import farthest_first as course_greedy
from aitex_utils.lessons.nb04.setup import load_large_bank
from aitex_utils.lessons.nb04.verdicts import compare_times, describe_blocks
from aitex_utils.lessons.timing import time_call
from aitex_utils.plots import show

large = load_large_bank()  # minus its mean: distances stay the same, rounding errors shrink
lengths = (large**2).sum(axis=1)
print(f"{len(large):,} patches, {large.nbytes / 2**20:.0f} MiB")


# %%
def one_choice():
    """Return the next choice of greedy after index 0, by one product."""
    squared = lengths - 2 * (large @ large[0]) + lengths[0]
    return int(squared.argmax())


greedy = yours("04.2", course_greedy)
_, five = time_call(lambda: greedy(large, 5, 0), repeats=3)
_, by_product = time_call(one_choice, repeats=15)
print(f"one choice with differences: {five.scaled(1 / 5)}")
print(f"one choice with one product: {by_product}")
print(compare_times("one product", by_product, "differences", five.scaled(1 / 5)))

# %% [markdown]
# Each time is a median, with the shortest and the longest run. Differences cost more, because the array of all
# differences `(N, C)` is written to memory and read again.
#
# ### Exercise 04.3: Bytes
#
# *Easy, 10 minutes.*
#
# A **pass** reads all `n` patches, each of `channels` numbers. It also reads the `n` nearest distances and writes them
# back. All numbers are float32, four bytes each. Each choice needs one pass, the start included: `k` choices need `k`
# passes.
#
# Later, a pass will serve `block` choices at once. The last block can be smaller, but takes a whole pass. Return the
# bytes of all passes together, as a whole number.
#
# Example: `n = 10`, `channels = 2`, `k = 3`, `block = 2`. Each of the two passes reads 20 + 10 numbers and writes 10,
# so it moves 160 bytes. Together they move 320 bytes.


# %% exercise="04.3"
def bytes_moved(n: int, channels: int, k: int, block: int = 1) -> int:
    """Return the bytes moved while k of n patches are chosen, `block` per pass."""
    passes = -(-k // block)  # rounded up: a block that is not full takes a pass too
    numbers = n * channels + n + n  # patches, and nearest distances read and written
    return passes * 4 * numbers


# %%
check("04.3", bytes_moved)  # stuck? hint("04.3")

# %% [markdown]
# Compare the bytes with the arithmetic: one multiplication and one addition per channel, patch and centre.

# %%
count_bytes = yours("04.3", course_bytes)
n, channels = large.shape
for block in (1, 4, 16, 64, 256):
    operations = 2 * n * channels * block
    intensity = operations / count_bytes(n, channels, block, block)
    print(f"{block:4} choices per pass: {intensity:6.1f} operations per byte")
tera = count_bytes(2_310_144, 152, 231_014) / 1e12
print(f"1 in 10 patches of AITEX, one choice per pass: {tera:.0f} TB,")
print(f"or {tera * 1000 / 20 / 3600:.0f} hours at 20 GB per second")

# %% [markdown]
# The two-core reference machine of this course reads {{results/speed.json: limits.memory_gb_s: .0f}} GB and does
# {{results/speed.json: limits.float32_gflop_s: .0f}} billion operations per second: more than ten operations per byte.
# With one choice per pass, greedy needs only half an operation per byte. The processor waits for memory, so greedy is
# **bandwidth-bound**.
#
# The remedy: use each patch for several choices once it is read. The next cell multiplies all patches by `m` centres.

# %%
counts = np.array([1, 4, 16, 64, 256])
parts = [large[begin : begin + 4096] for begin in range(0, len(large), 4096)]
timings = [time_call(lambda m=m: [part @ large[:m].T for part in parts])[1] for m in counts]
per_choice = 1000 * np.array(timings) / counts[:, None]
caption = "Milliseconds per centre to multiply all patches by m centres at once (median, with the"
caption += f" range of five runs): {per_choice[0, 0]:.2f} ms for 1 centre,"
caption += f" {per_choice[3, 0]:.2f} ms for {counts[3]}."
axes = {"xlabel": "centres m", "ylabel": "ms per centre", "xscale": "log"}
show(*plot_lines({"one product of m": (counts, *per_choice.T)}, caption, **axes))
print(describe_blocks(timings[0], timings[3], 64))

# %% [markdown]
# The more centres share a pass, the less time each takes, until arithmetic is the limit. On a bank that fits into the
# cache the gain is smaller.

# %% [markdown]
# ## 7. The same coreset, many times faster
#
# Each choice depends on the previous choice, which lowers distances. So how can a pass serve several choices?
#
# One fact helps: **distances never rise.** Take the patches with the largest distance to their nearest choice as a
# **pool**. The smallest distance in the pool is its **floor**. No patch outside the pool is farther than the floor, now
# or later. As long as the farthest patch *of the pool* is at least as far as the floor, it is the farthest patch *of
# all*.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import MemoryBank
from aitex_utils.coreset import k_center_greedy
from aitex_utils.lessons import check, hint, predict, reveal, yours
from aitex_utils.lessons.nb04.figures import plot_pool, plot_times
from aitex_utils.lessons.nb04.sampling import choose_inside as course_choice
from aitex_utils.lessons.nb04.sampling import radius_by_search
from aitex_utils.lessons.nb04.setup import load_large_bank
from aitex_utils.lessons.nb04.verdicts import compare_times, describe_module
from aitex_utils.lessons.timing import time_call
from aitex_utils.plots import show

large = load_large_bank()  # (N, C), minus its mean

# %%
first_choices, _ = k_center_greedy(large, 200, seed=0, projection=None, start=0)
to_choices = MemoryBank().add(large[first_choices]).search(large)[0][:, 0]
show(*plot_pool(to_choices, 512))

# %% [markdown]
# The pool contains the 512 farthest of all patches. The next choices come from the pool, until all its distances are
# below the floor. The algorithm has four steps:
#
# 1. Update the distances of **all** patches, for all choices since the last update: one matrix product.
# 2. Put the 512 farthest patches into the pool.
# 3. Choose **inside the pool**, one by one, and update only the pool's distances, until its farthest patch is below the
#    floor.
# 4. Return to step 1 until there are enough choices.
#
# The pool takes a third of a megabyte and stays in the processor's cache.
#
# ### Exercise 04.4: Choose inside the pool
#
# *Hard, 20 minutes.*
#
# Write step 3. The arguments are
# - `pool` `(P, C)`: the patches of the pool;
# - `near` `(P,)`: the **squared** distance of each patch to its nearest choice so far;
# - `floor`, also **squared**: no patch outside the pool is farther;
# - `most`: how many choices are still needed.
#
# Choose the position with the largest `near`. Lower each value of `near` to the squared distance to this choice, if
# that is smaller. Repeat. Stop when the largest value is *below* the floor (equal is still allowed), or when you have
# `most` positions. If positions tie, take any of them. Return the list of positions in the order of choice. Do not
# change the argument `near`.
#
# Example: pool (0, 0), (0, 2), (7, 0), (0, 4), near 30, 26, 25, 27, floor 25, most 9. Position 0 is chosen, and `near`
# becomes 0, 4, 25, 16. Position 2 has 25, which is not below the floor, so it is chosen. Now the largest value is 16,
# below the floor. The answer is `[0, 2]`.


# %% exercise="04.4"
def choose_inside(pool: np.ndarray, near: np.ndarray, floor: float, most: int) -> list[int]:
    """Return positions in the pool that greedy would choose, at most `most`."""
    chosen = []
    while len(chosen) < most:
        best = int(near.argmax())
        if near[best] < floor:
            break  # a patch outside the pool can be farther now
        chosen.append(best)
        to_new = ((pool - pool[best]) ** 2).sum(axis=1)  # (P,), squared
        near = np.minimum(near, to_new)  # a new array: the argument stays as it was
    return chosen


# %%
check("04.4", choose_inside)  # stuck? hint("04.4")

# %% [markdown]
# The other steps follow. Step 1 works in blocks of 4,096 patches, whose products stay in the cache.


# %%
def update_nearest(patches, nearest, centres, rows=4096):
    """Return squared distances (N,) to the nearest centre, after `centres` (m, C) are added."""
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
        nearest = update_nearest(patches, nearest, patches[order[done:]])  # step 1
        done, passes = len(order), passes + 1
        if done == k:
            return np.array(order), passes
        pool = np.argpartition(nearest, -size)[-size:]  # step 2: the farthest
        floor = nearest[pool].min()
        chosen = choose(patches[pool], nearest[pool], floor, k - done)  # step 3
        order += pool[chosen].tolist()


# %% [markdown]
# We choose 1 in 50 patches of the large bank. The direct implementation reads all patches once per choice, 1,966 times.
# **How many times are all patches read with the pool?** The count takes a few seconds.

# %%
predict("04.h", 20, 400, unit="passes")

# %%
choose = yours("04.4", course_choice)
k = len(large) // 50
run = time_call(lambda: fast_greedy(large, k, 0, choose), repeats=3, warm_up=False)
(fast_order, passes), pool_time = run
reveal("04.h", passes, unit="passes")
print(f"{k:,} choices, {passes} passes: {k / passes:.0f} choices per pass")

# %% [markdown]
# For one pass per choice, the next cell multiplies the time of a single pass by the number of choices. *The module*
# means `k_center_greedy`.

# %%
lengths = (large**2).sum(axis=1)
_, one_pass = time_call(lambda: (lengths - 2 * (large @ large[0])).argmax(), repeats=15)
options = {"seed": 0, "projection": None, "start": 0}
module = time_call(lambda: k_center_greedy(large, k, **options), repeats=3, warm_up=False)
(module_order, module_radii), module_time = module
direct = one_pass.scaled(k)
times = {"one pass per choice": direct, "pool and blocks": pool_time, "the module": module_time}
show(*plot_times(times))
print(compare_times("pool and blocks", pool_time, "one pass per choice", direct))
print(describe_module(pool_time, module_time))

# %% [markdown]
# The pool moves far fewer bytes, so it gains most on large banks. The gain in time is smaller than the gain in passes,
# because the arithmetic is not reduced. Does the pool give the same coreset?

# %%
in_both = len(np.intersect1d(fast_order, module_order))
print(f"{in_both:,} of {k:,} patches are in both coresets")
print(f"covering radius: pool {radius_by_search(large, large[fast_order]):.4f},", end=" ")
print(f"module {radius_by_search(large, large[module_order]):.4f}")

# %% [markdown]
# The covering radius is the same. If some patches differ, they were equally far up to rounding.
#
# Reference values for a coreset of 1 in 10, from a quiet machine (`python course.py bench speed --anomalib`):
#
# | patches | {{results/speed.json: coreset.1.patches: ,}} | {{results/speed.json: coreset.3.patches: ,}} | {{results/speed.json: coreset.5.patches: ,}} |
# |---|---|---|---|
# | one pass per choice, seconds | {{results/speed.json: coreset.1.reference: .1f}} | {{results/speed.json: coreset.3.reference: .0f}} | {{results/speed.json: coreset.5.reference: .0f}} |
# | anomalib, seconds | {{results/speed.json: coreset.1.anomalib: .0f}} | {{results/speed.json: coreset.3.anomalib: .0f}} | {{results/speed.json: coreset.5.anomalib: ,.0f}} |
# | the module, seconds | {{results/speed.json: coreset.1.ours: .1f}} | {{results/speed.json: coreset.3.ours: .1f}} | {{results/speed.json: coreset.5.ours: .1f}} |
#
# The module is the fastest at every size, and the larger the bank, the larger its gain. To be faster still, it leaves
# out work that cannot change a choice (**exact pruning**).
#
# <details><summary>In depth: the bfloat16 filter</summary>
#
# After a pass, most patches keep their nearest choice. The module tries to prove this before it computes a distance in
# float32.
#
# Some processors multiply 16-bit numbers, *bfloat16*, several times as fast. Such a number has 8 significant bits, so
# its relative rounding error is at most 1 in 256. The lengths of two vectors therefore bound the error of their
# product. A new choice that is too far even when the full error is subtracted cannot be the nearest. Only the remaining
# pairs are computed in float32, so the order of choices stays exactly the same.
#
# A second filter needs no products. By the triangle inequality, no new choice is nearer to a patch that lies within
# half the covering radius of its choice.
#
# See `k_center_greedy` in `aitex_utils/coreset.py` and `aitex_utils/fast/bf16_bound.py`.
#
# </details>
#
# **Try it.** Call `fast_greedy` with `size=64` and `size=8192`. Which cost rises with a small pool, and which with a
# large pool?
#
# <details><summary>Answer</summary>
#
# A small pool is soon used up, so all patches are read more often: more passes. A large pool is itself read for every
# choice. At some size it no longer fits into the cache, and each choice takes longer.
#
# </details>

# %% [markdown]
# ## 8. Random projection
#
# Shorter vectors also reduce the bytes moved. Multiply the patches by a matrix of random numbers $(C, D)$, drawn from a
# normal distribution and divided by $\sqrt D$. Each vector shrinks from $C$ to $D$ numbers, and its length is preserved
# on average. The error depends on $D$, not on $C$ (lemma of Johnson and Lindenstrauss, proof: Dasgupta and Gupta, 2003,
# [doi 10.1002/rsa.10073](https://doi.org/10.1002/rsa.10073)). PatchCore's authors run greedy on such **random
# projections**, and so does `k_center_greedy` with `projection=128`.
#
# We project 152 channels to `D = 32`. **What is the standard deviation of the relative error of a distance, in per
# cent?**

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.coreset import k_center_greedy
from aitex_utils.lessons import predict, reveal
from aitex_utils.lessons.nb04.figures import plot_histograms
from aitex_utils.lessons.nb04.sampling import radius_by_search
from aitex_utils.lessons.nb04.setup import load_patches
from aitex_utils.plots import show

bank = load_patches()[0].bank
predict("04.f", 5, 30, unit="%")


# %%
def project(patches, dimensions):
    """Return patches (N, D), shortened by a random projection."""
    directions = np.random.default_rng(0).standard_normal((patches.shape[1], dimensions))
    return patches @ (directions / np.sqrt(dimensions)).astype(np.float32)


left, right = (np.random.default_rng(seed).permutation(bank)[:5000] for seed in (1, 2))
exact = np.linalg.norm(left - right, axis=1)
ratios = {}
for size in (128, 32, 8):
    projected = np.linalg.norm(project(left, size) - project(right, size), axis=1)
    ratios[f"D = {size}"] = (projected / exact)[exact > 1e-3]  # no patch with itself
reveal("04.f", 100 * float(ratios["D = 32"].std()), unit="%")
title = "Ratios of distances between random pairs of patches"
show(*plot_histograms(ratios, xlabel="distance after projection / before", title=title))

# %% [markdown]
# The ratios scatter around 1, and the fewer dimensions are left, the wider they scatter. A rule of thumb for their
# standard deviation is $1/\sqrt{2D}$. How does this error affect the coreset? We choose 1 in 20 patches with projected
# distances, and measure the radius with *exact* distances.

# %%
k = len(bank) // 20
_, exact_radii = k_center_greedy(bank, k, seed=0, projection=None)
print("   D  MiB per pass  radius (1: without projection)")
for size in (152, 128, 32, 8):
    order, _ = k_center_greedy(bank, k, seed=0, projection=size)
    relative = radius_by_search(bank, bank[order]) / exact_radii[-1]
    print(f"{size:4} {4 * len(bank) * (size + 2) / 2**20:13.1f} {relative:7.3f}")

# %% [markdown]
# A projection to few dimensions clearly enlarges the radius. With 152 channels, a projection to 128 saves little. The
# two layers of WideResNet-50 in the paper have 1,536 channels, and the projection then saves 11 of 12 bytes.
#
# Projection does *not* change the search: the bank keeps the full patches.

# %% [markdown]
# ## 9. One run serves every size
#
# Greedy never takes a choice back, so **each coreset is a prefix of every larger coreset.** Run greedy once, up to the
# largest size that you might need, and shorten the list afterwards.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.coreset import k_center_greedy, k_means, random_subset
from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb04.figures import plot_lines
from aitex_utils.lessons.nb04.sampling import choose_inside as course_choice
from aitex_utils.lessons.nb04.sampling import fast_greedy as prefix_greedy
from aitex_utils.lessons.nb04.sampling import radius_by_search
from aitex_utils.lessons.nb04.sampling import size_for as course_size
from aitex_utils.lessons.nb04.setup import load_patches
from aitex_utils.plots import show

bank = load_patches()[0].bank

# %%
choose = yours("04.4", course_choice)  # in the pool of section 7
long_run, _ = prefix_greedy(bank, 600, 0, choose)
short_run, _ = prefix_greedy(bank, 50, 0, choose)
print("The long run begins with the short run:", np.array_equal(long_run[:50], short_run))
_, curve = k_center_greedy(bank, len(bank) // 4, seed=0, projection=None, start=0)

# %%
sizes = np.array([len(bank) // share for share in (100, 30, 10)])
random_curve = [radius_by_search(bank, bank[random_subset(bank, m, seed=0)]) for m in sizes]
k_means_curve = [radius_by_search(bank, k_means(bank, m, seed=0)) for m in sizes]
lines = {
    "greedy, one run": (np.arange(1, len(curve) + 1), curve),
    "random": (sizes, np.array(random_curve)),
    "k-means": (sizes, np.array(k_means_curve)),
}
caption = f"Covering radius of {len(bank):,} patches against the coreset size (log scale). At"
caption += f" {sizes[-1]:,}: greedy {curve[sizes[-1] - 1]:.2f}, random {random_curve[-1]:.2f},"
caption += f" k-means {k_means_curve[-1]:.2f}."
axes = {"xlabel": "patches kept", "ylabel": "covering radius"}
show(*plot_lines(lines, caption, **axes, xscale="log"))

# %% [markdown]
# At the same size, greedy's radius is the smallest. Along a horizontal line, for the *same radius*, greedy needs far
# fewer patches.
#
# ### Exercise 04.5: A size for a radius
#
# *Easy, 10 minutes.*
#
# You can choose a radius instead of a ratio. `radii` `(K,)` is greedy's second result, in descending order. `radii[0]`
# is the radius with *one* patch chosen. Return the **smallest size** whose radius is at most `max_radius`, as a whole
# number. If no radius is small enough, return 0.
#
# Example: the radii are 9, 6, 5 and 2. A radius of 5 needs 3 patches. A radius of 1 is not reached: the answer is 0.


# %% exercise="04.5"
def size_for(radii: np.ndarray, max_radius: float) -> int:
    """Return the smallest size whose radius is at most max_radius, or 0."""
    enough = np.flatnonzero(radii <= max_radius)  # indices of all sizes that are good enough
    return int(enough[0]) + 1 if len(enough) else 0


# %%
check("04.5", size_for)  # stuck? hint("04.5")

# %% [markdown]
# How many patches does greedy need for the radius of a random coreset of 1 in 10 patches?

# %%
needed = yours("04.5", course_size)(curve, random_curve[-1])
print(f"random: {sizes[-1]:,} patches for a radius of {random_curve[-1]:.2f}")
if needed:
    print(f"greedy: {needed:,} patches for this radius, fewer by a factor of {sizes[-1] / needed:.0f}")
else:
    print(f"greedy: {len(curve):,} patches are not enough")

# %% [markdown]
# ## 10. Detection with small coresets
#
# The goal is not a small radius but the detection of defects. We fill banks with 1, 10 and 25 % of the patches and with
# all patches, for three fabrics and each sampler. The measure is the **tile AUROC** on other strips. A tile's score is
# the largest distance of its patches.
#
# **How much lower is the mean tile AUROC with a greedy coreset of 1 in 100?** Give a range of differences (all -
# greedy). A negative number means that greedy is higher.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons import predict, reveal
from aitex_utils.lessons.figures import plot_intervals
from aitex_utils.lessons.nb04.scores import describe_difference, resample_aurocs, sampler_scores, tile_aurocs
from aitex_utils.lessons.nb04.setup import load_patches
from aitex_utils.plots import show

patches = load_patches()
predict("04.g", 0.0, 0.06)

# %% [markdown]
# This takes about 20 seconds the first time.

# %%
METHODS = ("all", "greedy", "random", "k-means")
scores = {method: sampler_scores(method, patches) for method in METHODS}
aurocs = {method: tile_aurocs(scores[method], patches) for method in METHODS}
all_kept = aurocs["all"].mean()
reveal("04.g", all_kept - aurocs["greedy"][..., 0].mean())
print("kept         1 %   10 %   25 %")
for method in METHODS[1:]:
    print(f"{method:10}", "".join(f"{value:7.3f}" for value in aurocs[method].mean(axis=(0, 1))))
print(f"all patches  {all_kept:.3f}")

# %% [markdown]
# On the practice fabric, the samplers differ most for 1 in 100 patches: greedy is highest there, and random sampling
# lowest. Even this small greedy coreset does not lower the AUROC.
#
# ### How certain are these values?
#
# The test tiles and the sampler's seed are random. A bootstrap resamples both 500 times. All samplers are compared on
# the *same* tiles, so **differences** are more certain than the values themselves.

# %%
resampled = resample_aurocs(scores, patches)
differences = {}
for i, share in enumerate(("1 %", "10 %", "25 %")):
    greedy_share = resampled["greedy"][:, i]
    differences[f"greedy {share} - all"] = greedy_share - resampled["all"][:, 0]
    differences[f"greedy {share} - random {share}"] = greedy_share - resampled["random"][:, i]
label = "difference in tile AUROC"
show(*plot_intervals(list(differences), list(differences.values()), label=label))
for name, values in differences.items():
    first, second = name.split(" - ")
    low, high = np.quantile(values, [0.025, 0.975])
    print(describe_difference(first, second, values.mean(), low, high))

# %% [markdown]
# Each bar is a 95 % interval. If a bar contains 0, these tiles cannot distinguish the two banks. Tiles of one strip are
# correlated, so the true uncertainty is larger.
#
# ### The same on AITEX
#
# The table shows differences in tile AUROC on three fabrics of AITEX. The intervals come from a **cluster bootstrap**,
# which resamples whole strips (`python course.py bench notebook_04`).
#
# | kept | greedy - all | greedy - random |
# |---|---|---|
# | 1 in 4 | {{results/notebook_04.json: differences.greedy_25_minus_all.mean: +.3f}} ({{results/notebook_04.json: differences.greedy_25_minus_all.low: +.3f}} to {{results/notebook_04.json: differences.greedy_25_minus_all.high: +.3f}}) | {{results/notebook_04.json: differences.greedy_minus_random_25.mean: +.3f}} ({{results/notebook_04.json: differences.greedy_minus_random_25.low: +.3f}} to {{results/notebook_04.json: differences.greedy_minus_random_25.high: +.3f}}) |
# | 1 in 10 | {{results/notebook_04.json: differences.greedy_10_minus_all.mean: +.3f}} ({{results/notebook_04.json: differences.greedy_10_minus_all.low: +.3f}} to {{results/notebook_04.json: differences.greedy_10_minus_all.high: +.3f}}) | {{results/notebook_04.json: differences.greedy_minus_random_10.mean: +.3f}} ({{results/notebook_04.json: differences.greedy_minus_random_10.low: +.3f}} to {{results/notebook_04.json: differences.greedy_minus_random_10.high: +.3f}}) |
# | 1 in 100 | {{results/notebook_04.json: differences.greedy_1_minus_all.mean: +.3f}} ({{results/notebook_04.json: differences.greedy_1_minus_all.low: +.3f}} to {{results/notebook_04.json: differences.greedy_1_minus_all.high: +.3f}}) | {{results/notebook_04.json: differences.greedy_minus_random_1.mean: +.3f}} ({{results/notebook_04.json: differences.greedy_minus_random_1.low: +.3f}} to {{results/notebook_04.json: differences.greedy_minus_random_1.high: +.3f}}) |
#
# Greedy is ahead of random at every size, and the lead is largest for the smallest coreset. These strips cannot
# distinguish greedy with 1 in 4 or 1 in 10 patches from all patches. So a greedy coreset of 1 in 10 saves nine tenths
# of the memory and search time, at little or no cost in AUROC.
#
# <details><summary>In depth: why can 1 in 100 be better than all patches?</summary>
#
# On AITEX, the smallest greedy coreset has a *higher* AUROC than all patches. Be careful: this is the best of nine
# comparisons with all patches in the benchmark, and the best of many looks better than it is.
#
# There is a plausible reason. The test strips are not in the bank. A bank with every patch fits its own strips closely,
# so a thread that lies slightly differently in another strip already raises a score. A coarser bank has fewer such
# details.
#
# Test on your own strips whether this holds for *your* fabric. Such a small coreset is also the first to fail when a
# fabric varies more than its training tiles show.
#
# </details>

# %% [markdown]
# ## 11. A ratio justified by its costs
#
# Accuracy alone does not determine the ratio: memory, time and missed defects have a price. Consider an invented mill.
# Its computer has 512 MiB for the bank and 40 ms per tile. It inspects 200,000 tiles per day, and 100 of them have a
# defect. A missed defect costs 25 euros, and an hour of computing costs 2 euros.
#
# | kept | MiB | ms per tile | misses per 1,000 defects |
# |---|---|---|---|
# | all | 1,340 | 210 | 31 |
# | 1 in 4 | 335 | 53 | 30 |
# | 1 in 10 | 134 | 21 | 31 |
# | 1 in 100 | 13 | 2 | 46 |
#
# ### Exercise 04.6: The cheapest ratio within limits
#
# *Medium, 10 minutes.*
#
# `ratios`, `mib`, `ms` and `cost` are arrays `(R,)`. Return the ratio with the lowest cost among those with `mib` at
# most `max_mib` *and* `ms` at most `max_ms`. If no ratio is within both limits, return `0.0`.
#
# Example: three ratios with 800, 80 and 8 MiB, 100, 10 and 1 ms, and costs 20, 30 and 90. With limits of 80 MiB and 20
# ms, the answer is the second ratio.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons import check, hint, quiz, yours
from aitex_utils.lessons.nb04.decisions import MILL, daily_cost
from aitex_utils.lessons.nb04.decisions import best_ratio as course_ratio


# %% exercise="04.6"
def best_ratio(
    ratios: np.ndarray,
    mib: np.ndarray,
    ms: np.ndarray,
    cost: np.ndarray,
    max_mib: float,
    max_ms: float,
) -> float:
    """Return the cheapest ratio within both limits, or 0.0."""
    fits = (mib <= max_mib) & (ms <= max_ms)
    if not fits.any():
        return 0.0
    return float(ratios[np.where(fits, cost, np.inf).argmin()])


# %%
check("04.6", best_ratio)  # stuck? hint("04.6")

# %%
prices = {"tiles": 200_000, "defective": 100, "euro_per_hour": 2, "euro_per_miss": 25}
cost = daily_cost(MILL.ms, MILL.misses, **prices)
for ratio, euros in zip(MILL.ratios, cost, strict=True):
    print(f"ratio {ratio:4}: {euros:6.1f} euros per day")
choose_ratio = yours("04.6", course_ratio)
print("choice:", choose_ratio(MILL.ratios, MILL.mib, MILL.ms, cost, 512, 40))

# %% [markdown]
# Justify the choice in two sentences of your own. Then answer:
#
# **Question.** Which sentence justifies a ratio of 1 in 10 for this mill?
# - a) The authors of PatchCore use it
# - b) It misses fewer defects than all other ratios
# - c) It needs the least memory
# - d) It is the cheapest ratio within both limits

# %%
quiz("04.q7", "d")

# %% [markdown]
# <details><summary>Model answer</summary>
#
# d. All patches and 1 in 4 exceed 40 ms per tile, so they are excluded. Of the two ratios that remain, 1 in 100 saves
# about 2 euros of computing per day, but its additional misses cost more than 37 euros. The misses of the three larger
# ratios differ by 1 in 1,000, which can be chance. The step from 31 to 46 is much larger.
#
# </details>
#
# **Try it.** How expensive must an hour of computing be before 1 in 100 is the cheaper choice?
#
# <details><summary>Answer</summary>
#
# The ratio 1 in 10 needs 19 ms more per tile, 3,800 seconds per day, slightly more than an hour. It avoids misses worth
# 37 to 38 euros. The two ratios cost the same at about 36 euros per hour: set `euro_per_hour` to 35 and to 36 to see
# it.
#
# </details>

# %% [markdown]
# ## 12. Open task
#
# ### Open task: A dirty bank
#
# *Medium, 25 minutes.*
#
# A defect was overlooked, and one defective tile is among the normal tiles. Which sampler keeps its patches, and what
# happens to the scores? Plan an experiment with `load_patches`, run it, and report it in at most six sentences with one
# table.
#
# | points | for |
# |---|---|
# | 1 | a prediction, written down before the run, with a reason |
# | 1 | a comparison in which only one thing changes: the bank with or without the defective tile |
# | 1 | at least two samplers with the same number of patches |
# | 1 | more than one defective tile or seed, with the spread |
# | 1 | a conclusion that goes no further than the data, and one consequence for practice |

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import MemoryBank
from aitex_utils.coreset import k_center_greedy, random_subset
from aitex_utils.lessons.nb04.setup import load_patches

fabric = load_patches()[0]
print(f"bank {fabric.bank.shape}, test tiles {fabric.test.shape}, defective {fabric.labels.sum()}")

# %% [markdown]
# <details><summary>Worked answer</summary>
#
# *Prediction*: the defective tile has a larger share of greedy's coreset than of the bank, because a defect is far from
# normal patches.
#
# ```python
# def keep(sampler, bank, seed):
#     k = len(fabric.bank) // 100
#     return k_center_greedy(bank, k, seed=seed)[0] if sampler == "greedy" else random_subset(bank, k, seed=seed)
#
#
# def tile_score(vectors, tile):
#     return MemoryBank().add(vectors).search(fabric.test[tile])[0].max()
#
#
# tiles = np.flatnonzero(fabric.labels)[:5]  # five defective tiles, one at a time
# for sampler in ("greedy", "random"):
#     shares, own, others = [], [], []
#     for seed, tile in enumerate(tiles):
#         dirty = np.concatenate([fabric.bank, fabric.test[tile]])
#         order = keep(sampler, dirty, seed)
#         vectors, clean = dirty[order], fabric.bank[keep(sampler, fabric.bank, seed)]
#         ratio = {t: tile_score(vectors, t) / tile_score(clean, t) for t in tiles}
#         shares.append(np.mean(order >= len(fabric.bank)))  # patches of the defective tile
#         own.append(ratio.pop(tile))
#         others += ratio.values()
#     print(sampler, "share", np.round(shares, 2), "own score", np.round(own, 2), end=" ")
#     print("others", np.round(np.median(others), 2))
# ```
#
# *Report*, for the first practice fabric: the defective tile contributes 1 in 13 patches of the dirty bank. Its share
# of the random coreset is about the same, and its share of greedy's coreset is larger for most of the five tiles. With
# greedy, the tile's own score falls in every case, and clearly in most. With random sampling, it changes in both
# directions. The scores of the other defective tiles hardly change, and five tiles of one fabric do not show more than
# this. In practice, inspect the tiles that contain greedy's first choices before you deploy the bank.
#
# </details>

# %% [markdown]
# ## Summary
#
# Most normal patches have a close match, so a coreset can represent them, and its covering radius says how well. Greedy
# always adds the worst-covered patch, and its radius is at most twice the best possible. The direct implementation is
# bandwidth-bound. A pool with blocks gives the same coreset many times faster. One run serves every size, and costs
# justify the chosen size.
#
# ### Quiz
#
# **1.** The covering radius of a coreset is 3. A new patch equals a normal patch that was left out. What follows?
# - a) Its distance to the bank is at most 3
# - b) Its distance to the bank is 0
# - c) Its distance to the bank is at least 3
# - d) Nothing

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import calibration, quiz

# %%
quiz("04.q1", "a")

# %% [markdown]
# <details><summary>Answer</summary>
#
# a. No patch of the training set is farther from the coreset than the radius. The new patch equals a training patch, so
# its distance is at most 3.
#
# </details>
#
# **2.** One of the normal tiles has a defect that was overlooked. Which coreset of 1 % is most likely to contain
# patches of this defect?
# - a) The random coreset
# - b) The coreset of k-means
# - c) The greedy coreset
# - d) All are equally likely

# %%
quiz("04.q2", "c")

# %% [markdown]
# <details><summary>Answer</summary>
#
# c. A defect is far from normal patches, and greedy chooses patches far from its previous choices. Once the defect is
# in the bank, similar defects score low.
#
# </details>
#
# **3.** One pass multiplies all patches by 64 chosen patches instead of one. What happens to the number of patch bytes
# that it reads from memory?
# - a) It grows 64-fold
# - b) It stays the same, so each patch read serves 64 choices
# - c) It falls by a factor of 64
# - d) That depends on the processor

# %%
quiz("04.q3", "b")

# %% [markdown]
# <details><summary>Answer</summary>
#
# b. The pass reads each patch once, for one choice or for 64. The arithmetic grows 64-fold, so there is more arithmetic
# per byte.
#
# </details>
#
# **4.** You have the indices and the radii of a greedy run for 1,000 patches. How do you get the covering radius of its
# coreset of 100 patches?
# - a) Run greedy again for 100 patches
# - b) Multiply the last radius by the square root of ten
# - c) Take the largest of the last 100 radii
# - d) Take radii[99]

# %%
quiz("04.q4", "d")

# %% [markdown]
# <details><summary>Answer</summary>
#
# d. The first 100 indices are the coreset. The radius after the hundredth choice has index 99.
#
# </details>
#
# **5.** You choose a coreset with a random projection to half the dimensions. What changes when a new tile is scored?
# - a) Nothing in time or memory, but the bank contains some different patches
# - b) The search takes half as long
# - c) Distances are only half as large
# - d) The bank takes half the memory

# %%
quiz("04.q5", "a")

# %% [markdown]
# <details><summary>Answer</summary>
#
# a. Only the sampling used projected patches. The bank keeps the full patches, and the search compares these.
#
# </details>
#
# How good were your guesses?

# %%
calibration()

# %% [markdown]
# **Read next**:
# - section 3.2 of the PatchCore paper ([arXiv 2106.08265](https://arxiv.org/abs/2106.08265));
# - Sener and Savarese, *Active Learning for Convolutional Neural Networks: A Core-Set Approach*, 2018
#   ([arXiv 1708.00489](https://arxiv.org/abs/1708.00489)), the source of the idea.
#
# **Next**: notebook 05, how to search a bank, and when an exact search is the right choice.
