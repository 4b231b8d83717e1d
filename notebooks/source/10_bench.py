# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 10 Experiment bench
#
# *{{version}}.*
#
# After this notebook, you can plan an experiment on a detector, run it on the bench, and state what its result shows
# and what it does not show.
#
# **You will be able to**
# 1. trace a score back to the training patches that it was compared with (exercise 10.1);
# 2. test whether an approximate search misses the patches that matter (exercise 10.2);
# 3. choose detectors by time and accuracy together (exercise 10.3);
# 4. estimate how optimistic the result of the best of many runs is (exercise 10.4);
# 5. test a claim of your own with a paired comparison (open task).
#
# **You need to know** the detector (notebooks 02 to 06), thresholds and intervals over strips (notebook 07),
# position-wise normalisation and background subtraction (notebook 08), and paired differences (notebook 09).
#
# **Contents**
#
# {{contents}}
#
# **Time**: about {{minutes}} for you with the exercises, and {{cost}} for the computer.

# %% [markdown]
# ## 1. The bench
#
# The **bench** is a panel with a control for each choice of a detector. Each control has a counterpart in code. The
# bench splits the strips of each fabric into four parts:
#
# | part | strips | use |
# |---|---|---|
# | training | 2 normal | their patches fill the bank |
# | calibration | 2 normal | their scores set the threshold |
# | shown | 2 normal, up to 4 defective | maps, curves and all numbers of a run |
# | hidden | 2 normal, up to 4 defective | the contest in section 9 |
#
# The shown strips are a *validation set*, and the hidden strips are a *test set*.
#
# A **run** fits a detector with your choices and scores the shown strips. The default of the bench has one kind of
# pooling, an input size of 256 px and a coreset of 1 % to save time. The first run takes about 10 seconds.

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons.nb10.bench import run, show_bench

first = run()
print(first)

# %% [markdown]
# The next cell shows the bench. Set the controls, and press **Run**. **Stop** ends a run before its next step and keeps
# nothing. The patches stay in memory, so a run with a new coreset, index or score takes only a few seconds.
#
# - **Result** shows a strip with its map, the ROC and precision-recall curves, and the scores with the threshold;
# - **Patches** shows the bank patches that are nearest to a place on the map;
# - **Runs** sorts all runs, and **Compare** tests the difference between two runs;
# - **Export** offers the runs as CSV, and the detector of a run as code.

# %%
show_bench(first)

# %% [markdown]
# The interval of the tile AUROC is wide, because there are only four defective strips. The AUROC of a single run says
# little, so this notebook compares runs **in pairs**.
#
# **Try it.** The promised rate is the false-alarm rate that the threshold promises on normal tiles (notebook 07).
# Change it. What happens to the map, the curves and the threshold?
#
# <details><summary>Answer</summary>
#
# Only the threshold changes. A higher promised rate lowers it, so it can flag more tiles, clean and defective. The
# curves cover all thresholds, so they do not change.
#
# </details>

# %% [markdown]
# ## 2. Stored runs
#
# In code, `run(...)` takes the choices that differ from the default. As the last line of a cell, a run shows its
# figure. The runs are kept on disk, so they are still there after a restart. A second call with the same choices
# returns the kept run.

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons.nb10.bench import compare, run, show_runs

first = run()
fewer = run(coreset_ratio=0.002)
show_runs([first, fewer], sort_by="tile AUROC", descending=True)

# %% [markdown]
# The table has a column for each choice that differs. `show_runs()` lists all kept runs.
#
# `compare(first, second)` resamples the strips and computes the difference (second - first) **in each draw**. A
# difficult strip lowers both AUROCs, so its effect largely cancels.

# %%
compare(fewer, first)

# %% [markdown]
# With only four defective strips, such an interval tends to be too narrow (notebook 07). So if one end is close to 0,
# treat the interval as if it contained 0, even if the last line calls one run better.
#
# The detector of a run is also available as code, which you can copy into your own program:

# %%
print(first.choices.code())

# %% [markdown]
# ## 3. From a map to training patches
#
# A score starts as the distance to one patch of the bank. Which patch is it, and where does it come from? `subsample`
# returns the *index* of each chosen patch among all training patches. The patches are counted from 0, tile by tile, and
# in each tile row by row.
#
# ### Exercise 10.1: The origin of a bank vector
#
# *Easy, 10 minutes.*
#
# `grid` contains the rows and columns of patches per tile, `(rows, columns)`. `tile_shape` contains the height and
# width of a tile in px. Each patch stands for a rectangle of `height // rows` by `width // columns` px. Return the
# number of the tile, and the row and column of the rectangle's upper left pixel in this tile: `(tile, top, left)`.
#
# Example: tiles of 16 x 24 px have 2 x 3 patches of 8 x 8 px. Index 7 is the second patch of the second tile: return
# `(1, 0, 8)`.

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb10.bench import nearest, run
from aitex_utils.lessons.nb10.neighbours import highest_place
from aitex_utils.lessons.nb10.reference import patch_origin as course_origin

first = run()


# %% exercise="10.1"
def patch_origin(index: int, grid: tuple[int, int], tile_shape: tuple[int, int]) -> tuple[int, int, int]:
    """Return the tile of a training patch, and the upper left pixel of its rectangle."""
    rows, columns = grid
    tile, position = divmod(index, rows * columns)
    row, column = divmod(position, columns)
    return tile, row * (tile_shape[0] // rows), column * (tile_shape[1] // columns)


# %%
check("10.1", patch_origin)  # stuck? hint("10.1")

# %%
origin_of = yours("10.1", course_origin)
tile, row, column = first.origins[0][0]  # of the first vector in the bank
print("the bench:", tile, row * 8, column * 8)
print("computed: ", *origin_of(int(tile * 1024 + row * 32 + column), (32, 32), (256, 256)))

# %% [markdown]
# `nearest` takes a run, a shown strip, and a row and a column in px. It finds the five nearest patches of the bank, and
# crops the training strips around them. `None` stands for the first defective strip. We start at the highest point of
# its map:

# %%
nearest(first, None, *highest_place(first))

# %% [markdown]
# Compare the tested patch with its neighbours: is there any patch like it in the bank? The square covers 8 x 8 px, but
# the network sees much more, so look at the whole crop. The distances and the map value have different scales, because
# the map has position-wise normalisation, is smoothed, and has its background subtracted.
#
# The next cell tests a place without a defect:

# %%
normal_strip = first.strips[0]
nearest(first, normal_strip.name, 128, normal_strip.image.shape[1] // 2)

# %% [markdown]
# The distances are smaller there. Such crops can also explain a false alarm: often, the fabric has a normal feature
# that no training patch shares.

# %% [markdown]
# ## 4. Does a larger coreset help?
#
# The next five sections are experiments. Each experiment has a question, your guess, two or three runs, and an answer
# that states its uncertainty.
#
# A coreset of 5 % has 25 times as many patches as a coreset of 0.2 %. **By how much is its tile AUROC higher?** A
# negative value means that it is lower.

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import predict, reveal
from aitex_utils.lessons.nb10.bench import compare, run, show_runs

predict("10.a", -0.02, 0.1)

# %%
small, large = run(coreset_ratio=0.002), run(coreset_ratio=0.05)
compared = compare(small, large)
reveal("10.a", compared.difference())
show_runs([small, run(), large])
compared.show()

# %% [markdown]
# The ROC curve depends only on the *order* of the scores. A small greedy coreset covers the patches coarsely, but
# similarly everywhere, so it preserves part of this order. Read the last line of the comparison for the result on this
# fabric. The columns for time and memory show the cost.
#
# **Try it.** Repeat the comparison with `sampler="random"` in both runs.
#
# <details><summary>Answer</summary>
#
# A random coreset can leave out rare normal patches, which then look anomalous (notebook 04). So its AUROC usually
# depends more on its size. The interval shows whether these strips confirm this.
#
# </details>

# %% [markdown]
# ## 5. Which layer finds which defect?
#
# The default concatenates a layer with stride 8 (`blocks.2`) and a layer with stride 16 (`blocks.4`). We test each
# layer alone. For each defective strip, we compute its **rank**: the share of the clean tiles whose score is lower than
# the highest score of the strip's defective tiles. A rank of 100 % means that the defect stands out from all clean
# tiles.
#
# **In how many of the defective strips does `blocks.4` alone have a higher rank than `blocks.2` alone?** This takes
# about 10 seconds.

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import predict, reveal
from aitex_utils.lessons.nb10 import experiments
from aitex_utils.lessons.nb10.bench import run
from aitex_utils.lessons.nb10.figures import plot_ranks
from aitex_utils.plots import show

predict("10.b", 0, 2, unit="strips")

# %%
by_layer = {"blocks.2": run(layers="blocks.2"), "blocks.4": run(layers="blocks.4"), "both": run()}
ranks = experiments.defect_ranks(by_layer)
reveal("10.b", experiments.count_wins(ranks, "blocks.4", "blocks.2"), unit="strips")
show(*plot_ranks(ranks, label="share of clean tiles with a lower score"))
print(experiments.describe_ranks(ranks, "blocks.2", "blocks.4"))

# %% [markdown]
# The early layer has finer patches and describes threads. The late layer describes larger shapes. Each kind of defect
# occurs here in *one* strip, so the figure shows examples, not a rule. To claim that a layer suits a kind of defect,
# you need several strips of this kind.

# %% [markdown]
# ## 6. Does HNSW miss the patches that matter?
#
# The index `"hnsw"` (HNSW) searches along a graph and sometimes misses the nearest vector (notebook 05). Then the
# distance is too large. Here, the score of a tile is the *largest* distance of its patches, without normalisation and
# smoothing. So most patches do not matter for the score.
#
# ### Exercise 10.2: Recall where it matters
#
# *Medium, 10 minutes.*
#
# `exact` and `approximate` are distances of the patches of N tiles, `(N, H', W')`. An approximate distance is never
# smaller than the exact distance, apart from rounding. Two distances count as equal if
# `approximate <= exact * (1 + 1e-6)`. Return two shares:
#
# - `recall`: the share of all **patches** with equal distances;
# - `unchanged`: the share of **tiles** whose largest distance is equal in both arrays.
#
# Example: two tiles have the exact distances (1, 2) and (3, 1), and the approximate distances (1.5, 2) and (3.5, 1).
# Two of the four distances are equal, and only the first tile keeps its score: return `(0.5, 0.5)`.

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import check, hint, predict, reveal, yours
from aitex_utils.lessons.nb10.bench import compare, run
from aitex_utils.lessons.nb10.experiments import paired_distances
from aitex_utils.lessons.nb10.figures import plot_misses
from aitex_utils.lessons.nb10.reference import search_quality as course_quality
from aitex_utils.plots import show

flat = run(coreset_ratio=0.05)


# %% exercise="10.2"
import numpy as np


def search_quality(exact: np.ndarray, approximate: np.ndarray) -> tuple[float, float]:
    """Return the share of patches with an equal distance, and of tiles with an equal score."""
    limit = 1 + 1e-6
    recall = (approximate <= exact * limit).mean()
    unchanged = (approximate.max(axis=(1, 2)) <= exact.max(axis=(1, 2)) * limit).mean()
    return recall, unchanged


# %%
check("10.2", search_quality)  # stuck? hint("10.2")

# %% [markdown]
# Both runs have the same bank, a coreset of 5 %. The graph of the second run is sparse, with 8 links per vector
# (`M=8`). Its search keeps a short list of 4 candidates (`ef_search=4`). **What share of the tiles keeps its score?**

# %%
predict("10.c", 60, 95, unit="%")

# %%
graph = run(coreset_ratio=0.05, index="hnsw", M=8, ef_search=4)
exact, approximate = paired_distances(flat, graph)
recall, unchanged = yours("10.2", course_quality)(exact, approximate)
print(f"recall@1 over all patches: {recall:.3f}")
reveal("10.c", 100 * unchanged, unit="%")
show(*plot_misses(exact, approximate))
print(compare(flat, graph).verdict())

# %% [markdown]
# The figure groups the patches by their exact distance, from the nearest tenth to the farthest tenth. If the recall
# falls towards the right, the search misses more of the patches far from the bank, and these patches determine scores.
# A graph search works well for a patch near the bank vectors, and less well for a patch far from all of them.
#
# An exact search of a bank of this size takes milliseconds, so there is no reason for the graph here. With a bank of
# millions of vectors, raise `ef_search` until the share of unchanged scores is high enough.

# %% [markdown]
# ## 7. What does normalisation change at the edges?
#
# Take a frame of 16 px along the four edges of each tile. It contains 23 % of the pixels. We take the maps before
# background subtraction. **Without position-wise normalisation, in what share of the clean tiles does the frame contain
# the highest value of the map?**

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import predict, reveal
from aitex_utils.lessons.nb10.bench import compare, run
from aitex_utils.lessons.nb10.experiments import describe_edges, edge_share, share_of_frame

predict("10.d", 30, 80, unit="%")

# %%
plain, normalised = run(normalize_positions=False), run()
shares = edge_share(plain), edge_share(normalised)
reveal("10.d", 100 * shares[0], unit="%")
print(describe_edges(*shares, share_of_frame()))
compare(plain, normalised)

# %% [markdown]
# Both runs have mirrored borders, which alone do not fix the edges. Without normalisation, the frame contains the
# highest value far more often than its share of the pixels suggests. Normalisation reduces this share clearly. Whether
# it also improves the *ranking* of tiles is another question. The interval answers it for these strips.

# %% [markdown]
# ## 8. Is Lite2 worth its time?
#
# `efficientnet_lite2` (Lite2) is a larger network of the same family as the default, `efficientnet_lite0` (Lite0).
# **How many times as long as Lite0 does Lite2 take per tile?** The bench times both detectors in turn, so other
# programs affect both alike. This takes about 15 seconds.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons import check, hint, predict, reveal, yours
from aitex_utils.lessons.nb10.bench import compare, run
from aitex_utils.lessons.nb10.experiments import describe_price, time_ratio
from aitex_utils.lessons.nb10.figures import plot_front
from aitex_utils.lessons.nb10.reference import pareto_front as course_front
from aitex_utils.plots import show

predict("10.e", 1.0, 2.0, unit="times")

# %%
lite0, lite2 = run(), run(backbone="efficientnet_lite2")
ratio = time_ratio(lite2, lite0)
reveal("10.e", ratio, unit="times")
compared = compare(lite0, lite2)
print(compared.verdict())
print(describe_price(ratio, compared.interval()))

# %% [markdown]
# The choice depends on two numbers with different units. A **Pareto front** needs no exchange rate between them. Run A
# *dominates* run B if A is no slower, has no lower AUROC, and is better in at least one of the two. The front contains
# the runs that no other run dominates.
#
# ### Exercise 10.3: The Pareto front
#
# *Medium, 15 minutes.*
#
# `times` and `aurocs` are arrays `(n,)`. Return the positions of the runs on the Pareto front as an array of integers,
# in ascending order. Two runs that are equal in both values do not dominate each other.
#
# Example: with the times 10, 20 and 30 and the AUROCs 0.8, 0.7 and 0.9, return `[0, 2]`. Run 1 is slower than run 0 and
# has a lower AUROC.


# %% exercise="10.3"
import numpy as np


def pareto_front(times: np.ndarray, aurocs: np.ndarray) -> np.ndarray:
    """Return the positions of the runs that no other run dominates."""
    front = []
    for i in range(len(times)):
        no_worse = (times <= times[i]) & (aurocs >= aurocs[i])
        better = (times < times[i]) | (aurocs > aurocs[i])
        if not (no_worse & better).any():
            front.append(i)
    return np.array(front)


# %%
check("10.3", pareto_front)  # stuck? hint("10.3")

# %%
choices = {"default": {}, "0.2 %": {"coreset_ratio": 0.002}, "5 %": {"coreset_ratio": 0.05}}
choices |= {"blocks.2": {"layers": "blocks.2"}, "blocks.4": {"layers": "blocks.4"}}
choices |= {"Lite2": {"backbone": "efficientnet_lite2"}, "not normalised": {"normalize_positions": False}}
runs = {name: run(**given) for name, given in choices.items()}
times = np.array([one.figures["ms_per_tile"] for one in runs.values()])
aurocs = np.array([one.figures["tile_auroc"] for one in runs.values()])
show(*plot_front(list(runs), times, aurocs, yours("10.3", course_front)(times, aurocs)))

# %% [markdown]
# Each run was timed alone, so a busy machine can move a point to the right. Each AUROC also has an interval that this
# figure does not show. The front shows which runs are worth a closer look, not which run is best.

# %% [markdown]
# ## 9. The contest
#
# Find the best detector that takes **at most half the time per tile of** `PatchCore()`. This reference has the
# default arguments of the package, so it is slower than the default of the bench. The limit is relative, so it is about
# equally strict on a slow and on a fast machine. Both detectors are timed in turn, and the median of the ratios counts.
#
# A **recipe** is the choices of a run without its fabric. `submit(run)` fits this recipe on each fabric, and scores it
# on **hidden strips** that no other part of the bench reads. The result is the mean tile AUROC over the fabrics. We
# submit the default and a larger coreset. The first submission takes about 20 seconds. The second is faster, because
# the patches are in memory.

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import quiz
from aitex_utils.lessons.nb10.bench import run, submit
from aitex_utils.lessons.nb10.contest import show_leaderboard

print(submit(run()))

# %%
print(submit(run(coreset_ratio=0.05)))

# %%
show_leaderboard()

# %% [markdown]
# Diamonds show the AUROC on the shown strips of the run's fabric. In the printed lines, compare this value with the
# hidden strips of the *same* fabric. With so few defective strips in each part, even a large difference is no surprise.
#
# A recipe counts once, however often you submit it. The leaderboard counts *recipes*, because each new recipe that you
# test on the hidden strips is one more option to choose from.
#
# **Try it.** Submit Lite2, or the recipe with which you hope to win. Then compare its rank on the leaderboard with its
# rank on the shown strips.
#
# ### Read the leaderboard and decide
#
# **Question.** Suppose that Lite2 is slower than Lite0, and has a clear gain in tile AUROC on the shown strips, but
# none on the hidden strips. What do you do?
# - a) Use Lite2, the shown strips have decided
# - b) Use Lite0, the hidden strips have decided
# - c) Compare both on more strips, and until then use the cheaper network
# - d) Use the mean of both scores

# %%
quiz("10.q6", "c")

# %% [markdown]
# <details><summary>Model answer</summary>
#
# c. Four defective strips per fabric cannot rank two similar detectors. The cheaper network is the safe choice
# until more strips are available. If the gain is real, they will show it.
#
# </details>

# %% [markdown]
# ## 10. The best of many
#
# You try many recipes on the shown strips and keep the best. Its AUROC there has two parts: its quality, and its luck
# on these strips. The more recipes you try, the more luck the best recipe has. The **optimism** of the choice is the
# mean difference (shown - hidden) of the chosen recipe. It is a *selection bias*.
#
# To see luck alone, we simulate detectors that are **all equally good**. The true AUROC of each detector is 0.85. A
# measured AUROC has an error with a standard deviation of 0.05, on the shown and on the hidden strips.
#
# ### Exercise 10.4: The optimism of the best
#
# *Medium, 10 minutes.*
#
# `shown` and `hidden` are the measured AUROCs of k detectors on the shown and on the hidden strips, `(draws, k)`. In
# each draw, choose the detector with the highest **shown** AUROC. Compute its shown AUROC minus its hidden AUROC.
# Return the mean of these differences over the draws.
#
# Example: with `shown = [[0.9, 0.8], [0.7, 0.8]]` and `hidden = [[0.8, 0.9], [0.9, 0.7]]`, the differences of the
# chosen detectors are 0.1 and 0.1: return 0.1.

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import check, hint, predict, reveal, yours
from aitex_utils.lessons.nb10.figures import plot_optimism
from aitex_utils.lessons.nb10.reference import optimism as course_optimism
from aitex_utils.lessons.nb10.reference import simulate_contests
from aitex_utils.plots import show

counts = [1, 2, 5, 10, 30]  # detectors to choose from


# %% exercise="10.4"
import numpy as np


def optimism(shown: np.ndarray, hidden: np.ndarray) -> float:
    """Return the mean of shown minus hidden AUROC of the detector with the highest shown AUROC."""
    chosen = shown.argmax(axis=1)
    draws = np.arange(len(shown))
    return (shown[draws, chosen] - hidden[draws, chosen]).mean()


# %%
check("10.4", optimism)  # stuck? hint("10.4")

# %% [markdown]
# **How large is the optimism of the best of 30?**

# %%
predict("10.f", 0.01, 0.1)

# %%
optimism_of = yours("10.4", course_optimism)
contests = [simulate_contests(k, error=0.05) for k in counts]
reveal("10.f", optimism_of(*contests[-1]))
best = [shown.max(axis=1).mean() for shown, _ in contests]
fresh = [value - optimism_of(*contest) for value, contest in zip(best, contests, strict=True)]
show(*plot_optimism(counts, best, fresh, truth=0.85))

# %% [markdown]
# All detectors are equal, but the best of 30 looks much better on the shown strips. On the hidden strips, this lead is
# gone. Hidden strips help only **once**: if you submit 30 recipes, the best hidden AUROC is just as lucky.
#
# The simulated errors are independent. Runs on the same strips have part of their luck in common, so the optimism of the
# best run is smaller there.
#
# Three habits help: plan a few comparisons before you start, report how many runs you made, and reserve strips that
# you use once, at the end.

# %% [markdown]
# ## 11. Open task
#
# ### Open task: A sixth experiment
#
# *Medium, 30 minutes.*
#
# Test a claim about a choice of the bench that the five experiments did not test. Examples: the image score "top" is
# better than "max", pooling hides thin defects, or pooling over 5 x 5 patches helps on coarse fabric. Report in at most
# eight sentences, with at most one table or figure.
#
# | points | for |
# |---|---|
# | 1 | a claim that the runs can refute, and a prediction with a reason, written down before the runs |
# | 1 | runs that differ in one choice |
# | 1 | the paired difference with its interval, on more than one fabric |
# | 1 | at least one look at patches or maps that explains the result |
# | 1 | the number of runs that you made, and a conclusion that goes no further than the data |

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons.nb10.bench import compare, nearest, run, show_runs

first = run()  # compare it with a run that differs in one choice
print(first)

# %% [markdown]
# <details><summary>Worked answer</summary>
#
# *Claim*: the image score "mean" has a lower tile AUROC than "max". *Prediction*: yes, because most defects cover few
# of the 65,536 pixels of a tile, and a mean hides them.
#
# ```python
# for fabric in ("00", "02"):
#     print(compare(run(fabric=fabric), run(fabric=fabric, image_score="mean")).verdict())
# ```
#
# *Report*: On both fabrics, the tile AUROC of the mean is lower, as predicted. But neither interval lies clearly below
# 0, so these strips do not confirm the claim. I made four runs. The maps of both runs of a fabric are equal, because
# the image score is computed from the map. The masks show that each defect covers less than 5 % of its tile, so it
# changes the mean only a little. The mean might suit defects that cover whole tiles, but these strips have none.
#
# </details>

# %% [markdown]
# ## Summary
#
# 1. A run is a set of choices with its results, stored with the versions of the packages that produced them.
# 2. Compare runs in pairs, on the same tiles, with an interval over strips.
# 3. Look at the patches behind a score before you explain it.
# 4. A mean over all patches can hide errors in the few patches that determine the scores.
# 5. The result of the best of many runs is too optimistic: report how many runs you made, and test the best run on
#    fresh strips.
#
# ### Quiz

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import calibration, quiz

# %% [markdown]
# **1.** You compare two runs and the interval of the difference is -0.02 to +0.09. Which sentence is right?
# - a) The second run is better, because most of the interval is above 0
# - b) These strips cannot rank the two runs
# - c) The two runs are equally good
# - d) The runs need more tiles of the same strips

# %%
quiz("10.q1", "b")

# %% [markdown]
# <details><summary>Answer</summary>
#
# b. The interval contains 0, so other strips could show a difference in either direction.
#
# </details>
#
# **2.** An approximate search has a recall@1 of 0.95 over all patches. What does this recall say about the scores of
# the tiles?
# - a) 95 % of the scores are right
# - b) Nothing certain: the misses can concentrate on the patches with the largest distances
# - c) All scores are 5 % too high
# - d) The AUROC falls by 0.05

# %%
quiz("10.q2", "b")

# %% [markdown]
# <details><summary>Answer</summary>
#
# b. A score depends on the largest distance of a tile. Count the tiles whose score is unchanged.
#
# </details>
#
# **3.** Why does the contest time your detector and the default in turn, and compare only their ratio?
# - a) Because the clock of a computer is inaccurate
# - b) Because ratios are larger than milliseconds
# - c) Because other machines, and other programs on this machine, affect both times alike
# - d) Because the first prediction is slow

# %%
quiz("10.q3", "c")

# %% [markdown]
# <details><summary>Answer</summary>
#
# c. The ratio is similar on a slow and on a fast machine, and on a busy and on an idle machine.
#
# </details>
#
# **4.** You try 30 recipes on the shown strips and report the highest AUROC there. What is wrong with this report?
# - a) Nothing, if the seed is fixed
# - b) It is too optimistic, because the choice also favours recipes that were lucky on these strips
# - c) It is too pessimistic
# - d) It needs a larger coreset

# %%
quiz("10.q4", "b")

# %% [markdown]
# <details><summary>Answer</summary>
#
# b. The maximum of many noisy values is usually too high. Report the AUROC of the chosen recipe on strips that played
# no part in the choice.
#
# </details>
#
# **5.** You change the coreset ratio and start a run. Which step does the bench skip?
# - a) The search for neighbours
# - b) The threshold
# - c) The network, because the patches do not depend on the coreset
# - d) None

# %%
quiz("10.q5", "c")

# %% [markdown]
# <details><summary>Answer</summary>
#
# c. The patches are still in memory. The bank, the distances, the scores and the threshold are computed again.
#
# </details>
#
# How good were your guesses?

# %%
calibration()

# %% [markdown]
# **Read next**:
# - Blum and Hardt, 2015 ([arXiv 1502.04585](https://arxiv.org/abs/1502.04585)), on a leaderboard that remains accurate
#   after many submissions;
# - Recht et al., 2019 ([arXiv 1902.10811](https://arxiv.org/abs/1902.10811)), on new test sets for networks that had
#   been compared on the same test set for years;
# - `aitex_utils/lessons/nb10/tracing.py`, a PatchCore that keeps the origin of its bank vectors.
#
# **Next**: notebook 11, more data than one machine can store.
