# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 11 More data than one machine
#
# *{{version}}.*
#
# After this notebook, you can fit a detector on more patches than one memory can store, on several processes or machines,
# and say what it costs.
#
# **You will be able to**
# 1. bound the covering radius of a tree of coresets (exercise 11.1);
# 2. merge the coresets of several blocks (exercise 11.2);
# 3. choose a block size for a limit of memory (exercise 11.3);
# 4. find out why several processes can be slower than one (exercise 11.4);
# 5. read a task graph, and plan a fit for a mill (exercise 11.5, open task).
#
# **You need to know** coreset subsampling and the covering radius (notebook 04), and exact and approximate search
# (notebook 05).
#
# **Contents**
#
# {{contents}}
#
# **Time**: about {{minutes}} for you with the exercises, and {{cost}} for the computer.

# %% [markdown]
# ## 1. All patches in one memory
#
# A mill has 100 looms. A loom weaves four strips per minute, so the mill weaves more than half a million strips per day.
# Can `PatchCore` learn from all of them?
#
# The next cell measures one core of *this* machine: the seconds to extract the patches of a strip, and the number of
# distances per second. Sampling is measured on a block of 65,536 patches, and the search on 4,096 vectors. We use these
# constants for any amount of data. Both rates rise with the amount, so the times below are upper limits. A strip is
# 4,096 px long. Tiles are not enlarged here, so each tile of 256 px has 32 x 32 patches. This takes about 5 seconds.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons import predict, reveal
from aitex_utils.lessons.nb11.costs import DATA, describe_bill, describe_heads, fit_bill, measure_constants
from aitex_utils.lessons.nb11.figures import plot_growth
from aitex_utils.lessons.nb11.setup import lesson_features, load_pieces
from aitex_utils.plots import show

constants = measure_constants(load_pieces(), lesson_features())
print(f"{constants.strip_patches:,} patches per strip, {constants.patch_bytes} bytes per patch")
print(f"{constants.strip_seconds:.2f} s to extract the patches of a strip")
print(f"{constants.greedy_rate:.1e} distances in 1 s of sampling, {constants.search_rate:.1e} in 1 s of search")

# %% [markdown]
# **How many GiB do the patches of one loom take after one day?** Give a range that you are 80 % sure contains the result.

# %%
predict("11.a", 10, 200, unit="GiB")

# %%
n_strips = DATA["one loom, a day"]
n_patches = n_strips * constants.strip_patches
print(f"{n_strips:,} strips x {constants.strip_patches:,} = {n_patches:,} patches")
reveal("11.a", n_patches * constants.patch_bytes / 2**30, unit="GiB")

# %% [markdown]
# The sampler works with the patches, a copy of them side by side, their projection, and a rounded form. Together they
# take `WORKING_COPIES` times the bytes of the patches (`3.5`). The table is for one core and for a coreset of 1 %, the
# figure for two cores, with limits of 16 GiB and 24 hours.

# %%
print(describe_heads())
for name, strips in DATA.items():
    print(describe_bill(name, fit_bill(strips, constants, "whole")))
strips = [int(n) for n in np.geomspace(10, 2_000_000, 12)]
bills = [fit_bill(n, constants, "whole") for n in strips]
needs = {"GiB": {"all patches": [bill.memory / 2**30 for bill in bills]}}
needs["hours on 2 cores"] = {"greedy choices": [bill.selection / 7200 for bill in bills]}
needs["hours on 2 cores"]["extraction"] = [bill.extraction / 7200 for bill in bills]
limits = {"GiB": ("16 GiB", 16), "hours on 2 cores": ("24 hours", 24)}
show(*plot_growth(strips, needs, limits, DATA))

# %% [markdown]
# Memory breaks first: the normal strips of AITEX fit, but a day of one loom does not. With more memory, time breaks next.
# Compare the last column with the 15 seconds in which a loom weaves a strip. The greedy sampler compares each patch with
# each choice, and both numbers grow with the strips. So its time grows with the *square* of the data. On logarithmic
# axes, its line is twice as steep as the line of the extraction.

# %% [markdown]
# ## 2. Composable coresets
#
# Divide the patches into **blocks**, reduce each block to a coreset, and reduce the **union** of these coresets. Is the
# result still a good coreset? The proof has ten lines.
#
# 1. The patches are divided into blocks $\mathcal P_1, \dots, \mathcal P_B$.
# 2. Block $i$ keeps a coreset $\mathcal C_i$, whose covering radius over the block is $r_i$. Let $r$ be the largest of
#    these radii.
# 3. Let $\mathcal U$ be the union of all $\mathcal C_i$. From it we choose $\mathcal C$, whose covering radius over
#    $\mathcal U$ is $R$.
# 4. Take any patch $p$. It is in one block, say block $i$.
# 5. By line 2, block $i$ keeps a patch $u$ with $\lVert p-u\rVert \le r_i \le r$.
# 6. The patch $u$ is in $\mathcal U$.
# 7. By line 3, there is a chosen patch $c$ in $\mathcal C$ with $\lVert u-c\rVert \le R$.
# 8. By the triangle inequality, $\lVert p-c\rVert \le \lVert p-u\rVert+\lVert u-c\rVert \le r+R$.
# 9. This holds for every patch, so the covering radius of $\mathcal C$ over all patches is **at most r + R**.
# 10. No line uses which patches are in which block, or which block comes first.
#
# Line 10 is why the blocks can be on different machines. Coresets with this property are called **composable** (Indyk and
# others, 2014, [doi 10.1145/2594538.2594560](https://doi.org/10.1145/2594538.2594560)).
#
# We look at two blocks with two channels.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons import check, hint, predict, reveal, yours
from aitex_utils.lessons.nb11.figures import plot_levels, plot_union
from aitex_utils.lessons.nb11.reference import tree_bound as course_bound
from aitex_utils.lessons.nb11.toy import build_tree, farthest_first, join_two, toy_stream, two_blocks
from aitex_utils.plots import show

union = join_two(two_blocks())
print(f"r = {max(union.radii):.2f}, R = {union.radius:.2f}, bound r + R = {union.bound:.2f}")

# %% [markdown]
# **How large is the measured covering radius, as a percentage of the bound?**

# %%
predict("11.b", 50, 95, unit="%")

# %%
reveal("11.b", 100 * union.measured / union.bound, unit="%")
show(*plot_union(union))

# %% [markdown]
# The bound is reached only if both steps of one patch are the longest possible and point in one direction. This is rare,
# so the measured radius is usually smaller.
#
# ### Unions of unions
#
# With very many blocks, even the union exceeds one memory. Then a **tree** merges it by levels: each node reduces the
# union of its children's coresets. The largest number of children is the **fan-in**. Let R(v) be the covering radius of
# the greedy choice at node v, over the patches from which it chooses. The same argument, one level at a time, gives a
# bound b(v) at each node:
#
# - for a block, b(v) = R(v);
# - for a node with children, b(v) = R(v) + the *largest* b of its children.
#
# ### Exercise 11.1: The bound of a tree
#
# *Easy, 10 minutes.*
#
# `radii` is `(n,)`: the radius R(v) of each node v. `parents` is `(n,)`: the number of each node's parent, which is
# larger than the node's own number. The root is the last node, and its parent is -1. Return the bound at the root.
#
# Example: two blocks with the radii 2 and 3 have one parent, whose own radius is 1. So `radii` is `[2, 3, 1]` and
# `parents` is `[2, 2, -1]`. The bound is 1 + 3 = 4.


# %% exercise="11.1"
import numpy as np


def tree_bound(radii: np.ndarray, parents: np.ndarray) -> float:
    """Return the bound on the covering radius at the root."""
    bounds = np.array(radii, float)
    for node, parent in enumerate(parents):
        if parent >= 0:
            bounds[parent] = max(bounds[parent], radii[parent] + bounds[node])
    return float(bounds[-1])


# %%
check("11.1", tree_bound)  # stuck? hint("11.1")

# %% [markdown]
# We build a tree with a fan-in of 2 over 32 blocks of 60 patches. The stream drifts slowly, and each node keeps 20. We
# compare the largest bound and the largest measured radius of each level.

# %%
bound = yours("11.1", course_bound)
blocks = toy_stream(32)
tree = build_tree(blocks, fan_in=2, k=20)
single = farthest_first(np.concatenate(blocks), 20)[1]
levels = [np.flatnonzero(tree.levels == level) for level in range(tree.levels.max() + 1)]
bounds = [max(bound(*tree.below(node)) for node in nodes) for nodes in levels]
measured = [tree.measured[nodes].max() for nodes in levels]
show(*plot_levels(bounds, measured, single=single))

# %% [markdown]
# The bound grows by one radius per level. From level 1 on, the measured radius stays near the radius of one choice among
# all patches. A large fan-in makes the tree flat: with a fan-in of 8, four levels are enough for 4,096 blocks.
#
# ### Exercise 11.2: Merge coresets
#
# *Easy, 10 minutes.*
#
# `coresets` is a list of arrays `(n, C)`, and `radii` has the covering radius of each over its block. Choose `k` patches
# from the union, and return two results: the chosen patches `(k, C)` in the order of choice, and the bound on their
# covering radius over all blocks. `farthest_first(points, k)` returns the *indices* of k greedy choices, beginning with
# the first point, and their covering radius.
#
# Example: one block keeps 0 and 1, another keeps 5 and 9 (one channel). Their radii are 0.5 and 2. With `k = 3`, greedy
# chooses 0, 9 and 5, and the patch at 1 is 1 away. The bound is 1 + 2 = 3.


# %% exercise="11.2"
import numpy as np

from aitex_utils.lessons.nb11.toy import farthest_first


def merge_coresets(coresets: list[np.ndarray], radii: list[float], k: int) -> tuple[np.ndarray, float]:
    """Return k patches of the union (k, C), and the bound on their covering radius."""
    union = np.concatenate(coresets)
    indices, radius = farthest_first(union, k)
    return union[indices], radius + max(radii)


# %%
check("11.2", merge_coresets)  # stuck? hint("11.2")

# %% [markdown]
# <details><summary>In depth: how much worse than one choice?</summary>
#
# One greedy choice of k among all patches has at most twice the best possible radius (notebook 04). Let o be the best
# possible radius of k centres.
#
# Let each block keep k patches. The best k centres of all patches also cover each block within o, and the proof of notebook
# 04 allows centres that are not in the block. So r is at most 2 o. For the same reason, R is at most 2 o. So r + R is at
# most **four times** the best possible radius.
#
# `PatchCore` keeps fewer patches per block, because the blocks together would keep too many: `OVERSAMPLING` (`1.5`) times
# the share of the block. So it does not guarantee this factor. But each fit in blocks computes r + R, and `radius_` is this
# bound. It holds in the projection of the sampler (notebook 04), which is the same for all blocks, because they have one
# seed.
#
# </details>

# %% [markdown]
# ## 3. Blocks in one process
#
# Three functions of `streaming_coreset` do the work: `plan_blocks` divides a stream, `reduce_block` reduces one block, and
# `join_blocks` reduces the union. We use the patches of 16 pieces of normal strips, and reduce the blocks in order and in a
# random order. The first run takes about 5 seconds.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import MemoryBank
from aitex_utils.lessons import check, hint, predict, reveal, yours
from aitex_utils.lessons.nb11.figures import plot_sizes
from aitex_utils.lessons.nb11.reference import largest_block as course_block
from aitex_utils.lessons.nb11.setup import RATIO, load_patches
from aitex_utils.lessons.nb11.verdicts import compare_banks
from aitex_utils.plots import show
from aitex_utils.streaming_coreset import WORKING_COPIES, join_blocks, plan_blocks, reduce_block

patches = load_patches()  # 16 pieces, each (32, 128, 152)


# %%
def fit_in_blocks(block_size: int, shuffled: bool = False) -> np.ndarray:
    """Return the coreset of all patches, reduced block by block."""
    plan = list(plan_blocks(patches, lambda one: one[..., 0].size, block_size, seed=0))
    if shuffled:
        plan = [plan[i] for i in np.random.default_rng().permutation(len(plan))]
    reduced = {one.number: reduce_block(one.items, RATIO, seed=0, first=one.first) for one in plan}
    ordered = [reduced[number] for number in sorted(reduced)]
    return join_blocks(ordered, RATIO, seed=0).vectors[0]


coreset = fit_in_blocks(8192)
print(compare_banks(coreset, fit_in_blocks(8192, shuffled=True)))

# %% [markdown]
# The order has no effect: a block's coreset depends on its own patches and the seed alone, and the join takes the blocks
# by their *numbers*.
#
# The pieces can also come from a generator. Then each piece exists only until its block is reduced, so the memory hardly
# grows with the stream.

# %%
import tracemalloc

for n in (16, 32, 64):
    stream = (patches[i % 16].copy() for i in range(n))
    tracemalloc.start()
    plan = plan_blocks(stream, lambda one: one[..., 0].size, 8192, seed=0)
    join_blocks([reduce_block(one.items, RATIO, seed=0, first=one.first) for one in plan], RATIO, seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    print(
        f"{n} pieces with {n * patches[0].nbytes / 2**20:.0f} MiB of patches: at most {peak / 2**20:.0f} MiB in memory"
    )

# %% [markdown]
# Another **block size** does change the result. **How many times as large is the covering radius with blocks of 8,192
# patches as with one choice among all patches?**

# %%
predict("11.c", 1.0, 1.5, unit="times")

# %%
everything = np.concatenate([one.reshape(-1, one.shape[-1]) for one in patches])


def covering_radius(chosen: np.ndarray) -> float:
    return float(MemoryBank(device="cpu").add(chosen).search(everything)[0].max())


single = covering_radius(fit_in_blocks(len(everything)))
sizes = [4096, 8192, 16_384, 32_768]
radii = [covering_radius(fit_in_blocks(size)) for size in sizes]
reveal("11.c", radii[1] / single, unit="times")
show(*plot_sizes(sizes, radii, single))

# %% [markdown]
# At all sizes, the radius is close to the radius of one choice. So the block size affects mainly memory and time.
#
# ### Exercise 11.3: A block size for a limit of memory
#
# *Medium, 10 minutes.*
#
# `workers` processes share `limit` bytes of memory equally. Each takes `base` bytes before its first block, for Python,
# PyTorch and the weights. A patch takes `patch_bytes` while its block is reduced. A strip has `strip_patches` patches and
# is never split. Return the largest block **in patches** with which all workers stay within the limit: an integer, a
# multiple of `strip_patches`, or 0 if no strip fits.
#
# Example: 1,000 bytes, a base of 100, 2 workers, strips of 30 patches, 4 bytes per patch. A worker has 500 - 100 = 400
# bytes for its block. A strip takes 120 bytes, so three strips fit: return 90.


# %% exercise="11.3"
def largest_block(limit: int, base: int, workers: int, strip_patches: int, patch_bytes: int) -> int:
    """Return the largest block, in patches, with which all workers fit into memory."""
    room = limit // workers - base
    strips = max(0, room // (strip_patches * patch_bytes))
    return strips * strip_patches


# %%
check("11.3", largest_block)  # stuck? hint("11.3")

# %%
block_for = yours("11.3", course_block)
patch_bytes = int(WORKING_COPIES * everything[0].nbytes)
for gib in (1, 2, 4, 8):
    for workers in (1, 2, 4):
        block = block_for(gib * 2**30, 600 * 2**20, workers, 16_384, patch_bytes)
        print(f"{gib} GiB, {workers} worker{'s' * (workers > 1)}: blocks of {block:,} patches")

# %% [markdown]
# More workers mean smaller blocks. With 600 MiB for each, the workers themselves take most of a small memory.

# %% [markdown]
# ## 4. A pool of processes
#
# Blocks are independent, so several processes can reduce them at the same time. `start_pool(2)` gives a pool of two worker
# processes, and `fit_strips` takes it as its `client`:
#
# - the pieces of a block go to a file, and a worker gets the *name* of the file;
# - the worker extracts the patches, reduces them, and writes the coreset as a folder;
# - the main process joins the coresets.
#
# First, we fit in one process. It takes about 5 seconds.

# %% tags=["start-here"]
# Start here again after a restart
import time
from tempfile import TemporaryDirectory

import numpy as np

from aitex_utils.lessons import check, hint, predict, reveal, yours
from aitex_utils.lessons.nb11.figures import plot_parts
from aitex_utils.lessons.nb11.records import read_tasks, task_arrays
from aitex_utils.lessons.nb11.reference import split_worker_time as course_split
from aitex_utils.lessons.nb11.setup import BLOCK_SIZE, load_pieces, new_detector
from aitex_utils.lessons.nb11.verdicts import compare_banks, describe_threads, describe_worker_time
from aitex_utils.lessons.nb11.workers import seconds_by_threads, seconds_to_send, start_up
from aitex_utils.plots import show
from aitex_utils.scale.cluster import start_pool

pieces = load_pieces()

# %%
new_detector().fit_strips(pieces[:2], block_size=BLOCK_SIZE)  # a warm-up, which is not timed
began = time.perf_counter()
one = new_detector().fit_strips(pieces, block_size=BLOCK_SIZE)
one_seconds = time.perf_counter() - began
print(f"one process: {one_seconds:.1f} s")

# %% [markdown]
# **How many times as long as one process does the pool of two take, with its start?**

# %%
predict("11.d", 0.5, 3, unit="times")

# %% [markdown]
# The next cell also measures three parts by themselves: the start, sending data, and threads. This takes about 15 seconds.

# %%
with TemporaryDirectory() as folder, start_pool(2) as pool:
    program_began = time.time()
    started = start_up(pool)
    began = time.perf_counter()
    two = new_detector().fit_strips(pieces, block_size=BLOCK_SIZE, client=pool, folder=f"{folder}/fit")
    two_seconds = time.perf_counter() - began
    wall = time.time() - program_began
    tasks = read_tasks(f"{folder}/fit")
    to_send = seconds_to_send(pool, np.zeros((16_384, 152), np.float32)), seconds_to_send(pool, np.zeros(1))
    by_threads = {n: seconds_by_threads(pool, pieces[:4], n) for n in (1, 2, 4)}
reveal("11.d", (started.total + two_seconds) / one_seconds, unit="times")
print(compare_banks(one.bank_.vectors_, two.bank_.vectors_))

# %% [markdown]
# The result is the same, bit for bit. Where did the time go?

# %%
two_parts = {"start of Python": started.process, "PyTorch and weights": started.detector, "fit": two_seconds}
show(*plot_parts({"one process": {"fit": one_seconds}, "pool of two": two_parts}))
print(f"Sending the patches of a strip to a worker took {to_send[0]:.3f} s, sending a name {to_send[1]:.3f} s.")
print(describe_threads(by_threads))

# %% [markdown]
# Three reasons make a pool slower than expected:
#
# 1. **Start.** Each worker is a new Python that imports PyTorch and loads the weights. One process has done this already.
#    The start is paid once, so it matters for a fit of seconds and not for a fit of hours. Compare the bars named *fit*.
# 2. **Data.** An array that is an argument is serialised, sent and read again. The patches of a strip are about 10 times
#    as large as its pixels. So we send names, and a worker reads the pixels.
# 3. **Threads.** Two workers on two cores are busy with one thread each. With more threads, they compete for the cores, and
#    can take much longer. So each worker has one thread.
#
# <details><summary>In depth: why bit for bit?</summary>
#
# Floating-point sums depend on the order of their terms. A network on two threads adds in another order than on one, and
# its patches differ in the last digits. The greedy sampler can then choose the other of two patches that are nearly
# equally far. So a block is always extracted on *one* thread, in one process too. The distances of the sampler do not
# depend on the number of threads. Other kinds of processors use other instructions, so the last digits can differ between
# them.
#
# </details>
#
# ### Exercise 11.4: Where the workers' time goes
#
# *Medium, 15 minutes.*
#
# A program has `workers` workers and takes `wall` seconds from its start to its end. The arrays `begins` and `ends`
# contain the seconds at which each task began and ended. `moving` contains the seconds in which each task moved data. All
# workers together have `workers * wall` seconds. A worker without a task waits. Return how these seconds were used, as
# `(computing, moving, waiting)`.
#
# Example: two workers, 6 seconds. One task runs from 2 to 5 and moves data for 1 second, the other runs from 3 to 6. The
# tasks take 6 seconds in all, so the result is `(5, 1, 6)`.


# %% exercise="11.4"
import numpy as np


def split_worker_time(
    begins: np.ndarray, ends: np.ndarray, moving: np.ndarray, workers: int, wall: float
) -> tuple[float, float, float]:
    """Return the seconds of all workers: computing, moving data, waiting."""
    busy = (ends - begins).sum()
    return busy - moving.sum(), moving.sum(), workers * wall - busy


# %%
check("11.4", split_worker_time)  # stuck? hint("11.4")

# %%
split = yours("11.4", course_split)
begins, ends = task_arrays(tasks)
parts = split(begins - program_began, ends - program_began, np.zeros(len(tasks)), 2, wall)
print(describe_worker_time(*parts))

# %% [markdown]
# The name of a file takes almost no time to move, so we count no moving. The waiting is mostly the start, and at the end
# both workers wait for the join.

# %% [markdown]
# ## 5. The same on Dask
#
# **Dask** is a Python library that gives tasks to workers: processes on this machine, or on many machines. Its
# **scheduler** records which worker is free. Our code stays the same, and `client` is a client of Dask. Without Dask, the
# next cells run on the pool. `python course.py scale` adds Dask.
#
# We use a fan-in of 2, so the tree has several levels. This takes about 15 seconds.

# %% tags=["start-here"]
# Start here again after a restart
import time
from tempfile import TemporaryDirectory

import numpy as np

from aitex_utils.lessons import check, hint, predict, quiz, reveal, yours
from aitex_utils.lessons.nb11.cases import slow_programs
from aitex_utils.lessons.nb11.figures import plot_cases, plot_graph, plot_timeline
from aitex_utils.lessons.nb11.records import read_tasks, task_arrays, task_graph
from aitex_utils.lessons.nb11.reference import shortest_time as course_shortest
from aitex_utils.lessons.nb11.setup import BLOCK_SIZE, load_pieces, new_detector
from aitex_utils.lessons.nb11.verdicts import describe_client, describe_shortest
from aitex_utils.lessons.nb11.workers import start_up
from aitex_utils.plots import show
from aitex_utils.scale.cluster import start_workers

pieces = load_pieces()

# %%
with TemporaryDirectory() as folder, start_workers(2) as client:
    print(describe_client(client))
    start_up(client)  # PyTorch is imported and the weights are loaded before the first block
    blocks = {"block_size": BLOCK_SIZE, "fan_in": 2, "client": client, "folder": f"{folder}/fit"}
    detector = new_detector().fit_strips(pieces, **blocks)
    tasks = read_tasks(f"{folder}/fit")
show(*plot_timeline(tasks, title="Task stream"))

# %% [markdown]
# A green bar is a *merge*, which reduces a union. Each level waits for the whole level before.
#
# Dask's **dashboard** is a web page of the scheduler. `start_workers` prints its address, and the page exists as long as
# the client. Its most useful panels are:
#
# | panel | shows | look for |
# |---|---|---|
# | Task Stream | a row per worker, a bar per task, as in our figure | white gaps: a worker is idle; red bars: data moves |
# | Workers | memory and CPU of each worker | memory near the limit; a CPU that is hardly used |
# | Graph | tasks, with arrows to the tasks that need them | long chains (our fits show no arrows) |
#
# **Try it.** Keep a Dask client open, and watch the dashboard's task stream while you fit again.
#
# <details><summary>Answer</summary>
#
# ```python
# client = start_workers(2)  # prints the address: open it in a browser
# new_detector().fit_strips(pieces, block_size=BLOCK_SIZE, client=client)
# client.close()
# ```
#
# The first bar of each worker is long, because it imports PyTorch and loads the weights. The bars are called "block".
#
# </details>
#
# ### The task graph
#
# A **task graph** has an arrow from each task to the tasks that need its result. The blocks need nothing, and each merge
# needs its two children. The join, which the main process does, is not shown.

# %%
ordered, needs = task_graph(tasks, fan_in=2)
seconds = np.array([task.seconds for task in ordered])
show(*plot_graph([task.name for task in ordered], seconds, needs))

# %% [markdown]
# ### Exercise 11.5: The shortest time of a task graph
#
# *Medium, 15 minutes.*
#
# `seconds` is `(n,)`: the seconds of each task. `needs[i]` lists the numbers of the tasks that task `i` needs, all smaller
# than `i`. Two limits hold for any scheduler:
#
# - a **chain** of tasks that need each other runs one after the other, so the longest chain is a limit;
# - the work of all tasks is shared by the `workers`, so the sum of the seconds divided by `workers` is a limit.
#
# Return the larger limit. A real schedule can take longer.
#
# Example: tasks of 3, 5 and 2 seconds, and the third needs the others. The longest chain takes 5 + 2 = 7 seconds. Two
# workers share 10 seconds of work, 5 each. Return 7.


# %% exercise="11.5"
import numpy as np


def shortest_time(seconds: np.ndarray, needs: list[list[int]], workers: int) -> float:
    """Return the longest chain, or the work per worker if it is longer."""
    ends = []
    for own, before in zip(seconds, needs, strict=True):
        ends.append(own + max((ends[task] for task in before), default=0))
    return max(max(ends), seconds.sum() / workers)


# %%
check("11.5", shortest_time)  # stuck? hint("11.5")

# %%
shortest = yours("11.5", course_shortest)
begins, ends = task_arrays(tasks)
for workers in (1, 2, 4, 8, 16):
    print(f"{workers:2} workers: at least {shortest(seconds, needs, workers):.2f} s")
print(describe_shortest(ends.max() - begins.min(), shortest(seconds, needs, 2)))

# %% [markdown]
# From some number of workers on, the longest chain is the limit. This graph has few tasks, so this happens early. With
# thousands of blocks, the work per worker is the limit.
#
# ### Read the figure and decide
#
# Three made-up programs do work that takes one process 8 seconds. All three are slower on two workers. Striped bars move
# data, and dotted lines are the ends of the programs.

# %%
show(*plot_cases(*slow_programs()))

# %% [markdown]
# **Question.** Which of these programs becomes faster with smaller blocks?
# - a) A: it waits before the first task
# - b) B: it moves data
# - c) C: one worker has the last large block
# - d) All of them

# %%
quiz("11.q6", "c")

# %% [markdown]
# <details><summary>Answer</summary>
#
# c. In C, one worker has nothing to do for most of the time, while the other reduces one large block. Smaller blocks can
# be shared. In A, only more work for the same start helps: keep the workers for the next fit. In B, send names of files
# instead of arrays.
#
# </details>
#
# <details><summary>In depth: a cluster of several machines</summary>
#
# The same `fit_strips` runs on any client of Dask. `SSHCluster` starts workers on machines that you can log in to,
# `KubeCluster` on Kubernetes, and `SLURMCluster` on the queue of a computing centre. There are two conditions: all machines
# have the same packages and weights, and `folder` is on a disk that all of them share. `aitex_utils/scale/README.md` says
# more.
#
# </details>

# %% [markdown]
# ## 6. A killed worker
#
# In a fit of hours on many machines, a worker can die: a machine is restarted, or its memory is full. Then another worker
# gets the task. Three rules make this safe:
#
# 1. A block is written **whole or not at all**: it has a temporary name until it is complete.
# 2. The name of a block contains a **digest** of its pieces and of all settings (notebook 05). An existing block is not
#    recomputed.
# 3. Making a block twice does no harm, because the result is the same.
#
# The next cell kills one of two workers in the middle of a fit. This takes about 15 seconds.

# %% tags=["start-here"]
# Start here again after a restart
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from aitex_utils.lessons import predict, reveal
from aitex_utils.lessons.nb11.faults import damage_block, kill_one_worker
from aitex_utils.lessons.nb11.figures import plot_timeline
from aitex_utils.lessons.nb11.records import read_tasks
from aitex_utils.lessons.nb11.setup import BLOCK_SIZE, load_pieces, new_detector
from aitex_utils.lessons.nb11.verdicts import compare_banks
from aitex_utils.lessons.nb11.workers import start_up
from aitex_utils.plots import show
from aitex_utils.scale.cluster import start_workers

# %%
pieces = load_pieces()
began = time.perf_counter()
undisturbed = new_detector().fit_strips(pieces, block_size=BLOCK_SIZE)
undisturbed_seconds = time.perf_counter() - began

# %%
place = TemporaryDirectory()
folder = Path(place.name) / "fit"
with start_workers(2) as client:
    start_up(client)
    blocks = {"block_size": BLOCK_SIZE, "client": client, "folder": folder}
    with kill_one_worker(client, folder, after=2) as killed:
        survivor = new_detector().fit_strips(pieces, **blocks)
print(f"Workers killed: {len(killed)}. {compare_banks(undisturbed.bank_.vectors_, survivor.bank_.vectors_)}")
show(*plot_timeline(read_tasks(folder), title="A worker is killed", killed=killed))

# %% [markdown]
# A cross marks the end of the last block that the killed worker completed, if any. Another worker starts the unfinished
# block again. A new process has to import PyTorch, so its first block takes long.
#
# ### A damaged block
#
# The header of a block lists the SHA-256 of each file. We change one byte in one of the 8 blocks, and fit again with the
# same `folder`, in one process. **How many times as long as a whole fit does it take?**

# %%
predict("11.e", 0.1, 0.6, unit="times")

# %%
changed = damage_block(folder, 5)
before = {path.parent.name: path.stat().st_mtime_ns for path in folder.glob("blocks/*/header.json")}
began = time.perf_counter()
resumed = new_detector().fit_strips(pieces, block_size=BLOCK_SIZE, folder=folder)
reveal("11.e", (time.perf_counter() - began) / undisturbed_seconds, unit="times")
after = {path.parent.name: path.stat().st_mtime_ns for path in folder.glob("blocks/*/header.json")}
print(f"Blocks recomputed: {sum(before[name] != after[name] for name in after)} of {len(after)}.")
print(compare_banks(undisturbed.bank_.vectors_, resumed.bank_.vectors_))
place.cleanup()

# %% [markdown]
# The join found the damage, and only this block was recomputed. The second fit takes more than one eighth of the time,
# because it also repeats the start of the network, the digests of all pieces and the join. An interrupted fit resumes in
# the same way: call it again with the same `folder`.

# %% [markdown]
# ## 7. A bank that exceeds one memory
#
# There are two ways to search such a bank.
#
# - **Shards**: each worker has a part of the bank and returns the k nearest vectors of its part. The k nearest of the
#   whole bank are among them, so merging them by distance is *exact*.
# - **Lists on disk**: FAISS's inverted file (notebook 05) reads only `nprobe` cells per query. The lists can be in a file,
#   and memory contains little more than the centres. This search is *approximate*.
#
# The bank has all patches of 14 pieces, and the queries are patches of the other two. This takes about 10 seconds.

# %% tags=["start-here"]
# Start here again after a restart
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from aitex_utils import MemoryBank
from aitex_utils.lessons import predict, reveal
from aitex_utils.lessons.nb11.figures import plot_search
from aitex_utils.lessons.nb11.lists import make_lists
from aitex_utils.lessons.nb11.setup import load_patches
from aitex_utils.lessons.timing import time_call
from aitex_utils.plots import show
from aitex_utils.scale.cluster import start_pool
from aitex_utils.scale.sharded_search import ShardedBank, write_shards

# %%
patches = [one.reshape(-1, one.shape[-1]) for one in load_patches()]
bank, queries = np.concatenate(patches[:14]), np.concatenate(patches[14:])[::16]
index = MemoryBank(device="cpu").add(bank)
(distances, indices), timing = time_call(lambda: index.search(queries, 3), repeats=3)
print(f"{len(bank):,} vectors, {len(queries)} queries: {timing}")

# %%
folder = TemporaryDirectory()
shards = write_shards(bank, Path(folder.name) / "shards", n_shards=4)
times = {"one index": timing.median}
in_turn = ShardedBank(shards)
(shard_distances, shard_indices), timing = time_call(lambda: in_turn.search(queries, 3), repeats=3)
times["4 shards, one process"] = timing.median
with start_pool(2) as pool:
    spread = ShardedBank(shards, pool)
    (pool_distances, pool_indices), timing = time_call(lambda: spread.search(queries, 3), repeats=3)
times["4 shards, pool of two"] = timing.median
for name, found in (("one process", (shard_distances, shard_indices)), ("pool", (pool_distances, pool_indices))):
    same = [np.array_equal(new, old) for new, old in zip(found, (distances, indices), strict=True)]
    print(f"{name}: equal distances: {same[0]}, equal indices: {same[1]}")

# %% [markdown]
# The shards return the same distances and indices as one index, to the last digit. Next, we search the lists on disk,
# with 64 cells.
# **For what percentage of the queries does a search of one cell find the nearest vector?**

# %%
predict("11.f", 30, 90, unit="%")

# %%
pieces_of_bank = np.array_split(bank, 4)  # could also come from a generator, one piece at a time
on_disk = make_lists(pieces_of_bank, Path(folder.name) / "lists", nlist=64, training=bank[::4])
names, recalls, milliseconds = list(times), [1.0] * 3, [1000 * seconds for seconds in times.values()]
for nprobe in (1, 2, 4, 8, 16, 64):
    (_, found), timing = time_call(lambda nprobe=nprobe: on_disk.search(queries, 1, nprobe=nprobe), repeats=3)
    names.append(f"nprobe {nprobe}")
    recalls.append(float((found[:, 0] == indices[:, 0]).mean()))
    milliseconds.append(1000 * timing.median)
reveal("11.f", 100 * recalls[3], unit="%")
show(*plot_search(names, recalls, milliseconds, exact=3))
folder.cleanup()

# %% [markdown]
# On one machine, shards hardly save time. A few cells find nearly all nearest vectors, in much less time than all cells.
# The lists here fit into the system's cache. The time of larger lists depends on the disk.
#
# Remember notebook 05: a miss raises a distance, and the score of a tile is its largest distance. So prefer shards, or keep
# the bank small.

# %% [markdown]
# ## 8. The bill of a mill
#
# We compare three methods: all patches in one memory, blocks with one union, and blocks with a tree of fan-in 8. The
# constants are measured again. This takes about 5 seconds.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons import predict, reveal
from aitex_utils.lessons.nb11 import costs
from aitex_utils.lessons.nb11.costs import DATA, METHODS, fit_bill
from aitex_utils.lessons.nb11.figures import plot_growth
from aitex_utils.lessons.nb11.setup import lesson_features, load_pieces
from aitex_utils.plots import show

constants = costs.measure_constants(load_pieces(), lesson_features())

# %%
limits = {"memory_gib": 16, "hours": 24, "search_seconds": 15, "cores": 2}
for method in METHODS:
    print(f"{method}:")
    print(" ", costs.describe_heads())
    for name, strips in DATA.items():
        print(" ", costs.describe_bill(name, fit_bill(strips, constants, method)))
    points = costs.breaking_points(constants, method, **limits)
    print(
        "  beyond 16 GiB, 24 hours or 15 s:",
        ", ".join(f"{part} at {n:,} strips ({n / 5760:.1f} looms)" for part, n in points.items()),
    )

# %% [markdown]
# The limits are 16 GiB, 24 hours on two cores that are always busy, and 15 seconds of one core to search for a strip. The
# last line of each method states at how many strips each part exceeds its limit, and for how many looms.
# Extraction and greedy choices have 24 hours *each*, and the next figure adds them.

# %%
strips = [int(n) for n in np.geomspace(10, 2_000_000, 12)]
bills = {method: [fit_bill(n, constants, method) for n in strips] for method in METHODS}
needs = {"GiB": {method: [bill.memory / 2**30 for bill in each] for method, each in bills.items()}}
needs["hours on 2 cores"] = {method: [bill.hours(2) for bill in each] for method, each in bills.items()}
lines = {"GiB": ("16 GiB", 16), "hours on 2 cores": ("24 hours", 24)}
show(*plot_growth(strips, needs, lines, DATA))

# %% [markdown]
# The methods break at different limits:
#
# - **Whole**: memory breaks first.
# - **Blocks**: a block fits, but the union and the bank grow with the data, so the search breaks first. The greedy choice
#   of the union still grows with the square, only from a smaller number.
# - **Tree**: no step grows beyond a block. The hours of the greedy choices and of the extraction are proportional to the
#   data. The root has at most as many patches as one block, so the bank stops growing too. The price is a coarser
#   coreset.
#
# With the tree, workers can share nearly all work. **How many times 24 hours does one core need for a fit on a day of 100
# looms?**

# %%
predict("11.g", 1, 20, unit="times")

# %%
bill = fit_bill(DATA["100 looms, a day"], constants, "tree")
reveal("11.g", bill.hours(1) / 24, unit="times")
greedy = bill.selection / bill.extraction
inspection = (bill.extraction + bill.search * DATA["100 looms, a day"]) / 3600
print(f"The extraction takes {bill.extraction / 3600:.0f} h, and the greedy choices {greedy:.2f} times that.")
more = inspection / bill.hours(1)
print(f"Inspecting every strip of this day takes {inspection / 24:.0f} cores, {more:.1f} times as many as the fit.")

# %% [markdown]
# Rounded up, this is the number of cores for the fit. Inspecting every strip takes more. Neither needs a data
# centre. But one question comes first: does the detector get better with half a million strips? Normal fabric repeats
# itself. Measure the AUROC against the number of strips *before* you rent a cluster.

# %% [markdown]
# ## 9. Open task
#
# ### Open task: A plan for a mill
#
# *Medium, 30 minutes.*
#
# A mill has 12 looms and keeps 1 strip in 20 for training. It has a computer with 8 cores and 32 GiB. The detector must
# be fitted every night on the strips of the day, within 6 hours. Write a plan: the method, the block size, the number of
# workers, and what happens if the power fails at midnight. Report it in at most ten sentences, with one table or figure.
#
# | points | for |
# |---|---|
# | 1 | the number of strips and patches, and the memory of the whole and of your method |
# | 1 | a block size and a number of workers, justified by memory, with some memory left free |
# | 1 | the hours of the fit, which step takes most of them, and the size of the bank |
# | 1 | what is on the disk at midnight, and what the next call does |
# | 1 | one assumption that you would test first, and how |

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons.nb11.costs import describe_bill, fit_bill, measure_constants
from aitex_utils.lessons.nb11.reference import largest_block
from aitex_utils.lessons.nb11.setup import lesson_features, load_pieces

constants = measure_constants(load_pieces(), lesson_features())
print(describe_bill("100 strips", fit_bill(100, constants, "blocks")))

# %% [markdown]
# <details><summary>Worked answer</summary>
#
# ```python
# from aitex_utils.streaming_coreset import WORKING_COPIES
#
# strips = 12 * 4 * 60 * 24 // 20
# patch_bytes = int(WORKING_COPIES * constants.patch_bytes)
# block = largest_block(24 * 2**30, 600 * 2**20, 6, constants.strip_patches, patch_bytes)
# print(f"{strips:,} strips, {strips * constants.strip_patches:,} patches, at most {block:,} patches per block")
# for method in ("whole", "blocks", "tree"):
#     bill = fit_bill(strips, constants, method, block_size=65_536)
#     print(describe_bill(method, bill), f"   {bill.hours(6):.2f} h on 6 cores")
# ```
#
# *Report*: The mill trains on 3,456 strips per day, which are 56,623,104 patches. In one memory they need more than 100
# GiB, so the computer cannot take them. I use a tree with a fan-in of 8 on 6 workers, and leave 2 cores and 8 GiB for the
# system. Each worker has 4 GiB, takes 600 MiB for itself, and needs 133 MiB for a block of 65,536 patches. Larger blocks
# would fit, but with small blocks a lost block costs less, and the workers end at nearly the same time. The table shows
# that the tree ends within 6 hours, and that its extraction takes longer than its greedy choices. One union of all blocks
# would also fit, but its bank has 566,231 vectors instead of 16,384, so each search takes about 35 times as long. The
# looms weave 48 strips per minute, so the search needs 4 cores for each 5 seconds in the last column, besides the
# extraction. After a power failure, all completed blocks are on the disk, and the next call with the same `folder`
# computes the missing blocks only. First I would test on fewer strips whether the small bank of a tree gives the same
# AUROC as the bank of one union.
#
# </details>

# %% [markdown]
# ## Summary
#
# 1. With all patches in one memory, memory breaks first, and time next.
# 2. A coreset of coresets covers all patches within r + R, and the radii of a tree add up along its branches.
# 3. A block depends on its own patches and the seed, so the result is the same on one process, a pool or a cluster.
# 4. A pool pays for its start, for data on the way, and for threads that compete, so measure the parts before you scale.
# 5. Completed blocks on the disk survive killed workers, and with a tree, no step has more patches than one block.
#
# ### Quiz

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import calibration, quiz

# %% [markdown]
# **1.** The coresets of two blocks have covering radii of 2 and 3. The last coreset has a radius of 1 over their union. How
# far can a patch of the first block be from the last coreset?
# - a) 1
# - b) 3
# - c) 4
# - d) 6

# %%
quiz("11.q1", "b")

# %% [markdown]
# <details><summary>Answer</summary>
#
# b. It is at most 2 from a patch that its block kept, and that patch is at most 1 from the last coreset. The bound over
# *both* blocks is 4.
#
# </details>
#
# **2.** Why is the result the same whichever worker finishes first?
# - a) Because all workers have the same seed
# - b) Because each block depends on its own patches and the seed, and the join takes the blocks by number
# - c) Because the scheduler waits for the slower worker
# - d) It is not the same, only similar

# %%
quiz("11.q2", "b")

# %% [markdown]
# <details><summary>Answer</summary>
#
# b. The order in which blocks end affects neither the blocks nor the join.
#
# </details>
#
# **3.** Two workers take longer than one process for a fit of a few seconds. What do you look at first?
# - a) The block size
# - b) The time to send the pixels
# - c) The time before the first task
# - d) The covering radius

# %%
quiz("11.q3", "c")

# %% [markdown]
# <details><summary>Answer</summary>
#
# c. Each worker imports PyTorch and loads the weights, which takes seconds.
#
# </details>
#
# **4.** A worker is killed while it reduces block 5. What happens to the fit?
# - a) It begins again with block 0
# - b) Block 5 is left out
# - c) Another worker begins block 5 anew, and the result is the same
# - d) The other worker completes the half-made block

# %%
quiz("11.q4", "c")

# %% [markdown]
# <details><summary>Answer</summary>
#
# c. A block is written whole or not at all. The memory of the killed worker is lost, and the block begins anew.
#
# </details>
#
# **5.** A bank has 4 shards, and you need the 3 nearest vectors of the whole bank. What must each shard return?
# - a) Its nearest vector
# - b) Its 3 nearest vectors
# - c) All its vectors with their distances
# - d) Every fourth vector

# %%
quiz("11.q5", "b")

# %% [markdown]
# <details><summary>Answer</summary>
#
# b. All 3 can be in one shard, so one vector per shard is too few. More than 3 per shard are never needed.
#
# </details>
#
# How good were your guesses?

# %%
calibration()

# %% [markdown]
# **Read next**:
# - Indyk, Mahabadi, Mahdian and Mirrokni, "Composable core-sets for diversity and coverage maximization", 2014
#   ([doi 10.1145/2594538.2594560](https://doi.org/10.1145/2594538.2594560));
# - Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985
#   ([doi 10.1016/0304-3975(85)90224-5](https://doi.org/10.1016/0304-3975(85)90224-5)).
#
# **Next**: notebook 12, a detector for your own fabric.
