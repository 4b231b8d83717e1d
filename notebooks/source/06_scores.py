# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 06 From distances to scores
#
# *{{version}}.*
#
# After this notebook you can turn the distances of patches into anomaly maps and scores. You can also measure how well the
# scores separate defective tiles from normal tiles.
#
# **You will be able to**
# 1. compute an image score with the paper's reweighting and with its variant (exercise 06.1);
# 2. write AUROC, average precision and F1-max yourself, ties included (exercises 06.2, 06.3 and 06.4);
# 3. say how the prevalence of defects changes each measure (exercise *Read the figure and decide*);
# 4. recognise a scale that makes scores useless, and repair it (exercise 06.5);
# 5. design an image score and test it fairly (open task).
#
# **You need to know** *tile*, *patch*, *memory bank* and *coreset* (notebooks 02 and 04), and why we split by strip
# (notebook 01).
#
# **Contents**
#
# {{contents}}
#
# **Time**: about {{minutes}} for you with the exercises, and {{cost}} for the computer.

# %% [markdown]
# ## 1. From distances to an anomaly map
#
# The results that you compute on fabric come from one detector per fabric: PatchCore with the settings of its paper,
# except for the backbone. We use eight normal strips of each fabric. The **training set** is 20 tiles from three of
# them. Two others are the **calibration set**, for values that must be known before the test. The rest, and up to six
# defective strips, are the **test set**. No strip is in two of these sets.
#
# Each fabric has its own memory bank, so distances of different fabrics are not comparable. We therefore divide them by
# a unit for each fabric: **1 is the median score of its calibration tiles**. Here a tile's score is its largest
# distance. A typical normal tile then has the score 1, whatever its fabric.
#
# The second cell below begins with *Start here again after a restart*. Its first run takes about 30 seconds. Each
# section has such a cell: after a restart of the kernel, run it and continue from there. The command *Run All Above
# Selected Cell* does the same, but takes longer.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons.nb06.figures import plot_crop, plot_smoothing
from aitex_utils.lessons.scored_tiles import load_scores, strip_with_map
from aitex_utils.lessons.sliders import show_with_sliders
from aitex_utils.plots import plot_strip, show

fabrics = load_scores()
for f in fabrics:
    n_test = np.sum(~f.calibration)
    print(f"fabric {f.fabric}: {n_test} test tiles, {f.labels.sum()} defective, 1 = distance {f.unit:.1f}")

# %% [markdown]
# Each tile has a distance for each of its 32 x 32 patches. To overlay these distances on the tile, we **resize** them
# to 256 x 256 px. Then we **smooth** them with a Gaussian: each pixel becomes a weighted mean of the pixels around it.
# The result is the **anomaly map**. The paper uses a standard deviation (*sigma*) of 4 px. Move the slider: how high is
# the peak with 16 px?

# %%
first = fabrics[0]
best = int(np.where(first.labels, first.scores, 0).argmax())  # the clearest defective tile
row, column = first.corners[best]
tile_part = np.s_[row : row + 256, column : column + 256]
strip_image, strip_map, strip_mask = strip_with_map(first, first.strips[best])
tile_image, tile_mask, grid = strip_image[tile_part], strip_mask[tile_part], first.distances[best]


def draw_smoothing(sigma: float):
    return plot_smoothing(grid, tile_image, tile_mask, sigma)


stills = [{"sigma": 0}, {"sigma": 4}, {"sigma": 16}]
show_with_sliders(draw_smoothing, stills, sigma=(0, 16, 1, 4))

# %% [markdown]
# Smoothing reduces the noise of single patches and the steps of the grid. It also lowers peaks, most of all the narrow
# peak of a small defect. Notebook 07 compares three amounts of smoothing.
#
# The maps of a strip's tiles, put back where the tiles were cut, form the **strip's map**. Outside the tiles the map
# has no value (NaN), and measures leave these pixels out.

# %%
show(*plot_strip(strip_image, strip_map, strip_mask, title=f"Strip {first.strips[best]}"))
show(*plot_crop(strip_image, strip_map, strip_mask, title="The same strip, cropped"))

# %% [markdown]
# The whole strip is drawn at a small fraction of its size, so single threads vanish. The crop shows them at full size.
# The area of high scores is wider than the defect, because the features of a patch depend on its neighbourhood. Faint
# vertical lines in a map are the borders of tiles, where the network sees zeros (notebook 03).

# %% [markdown]
# ## 2. One score for a tile
#
# A map shows *where* a defect is. To decide whether a tile is defective, we need one number, the tile's **image-level
# anomaly score**, here *image score*:
#
# | score | large if | weakness |
# |---|---|---|
# | maximum | one place is anomalous | one noisy patch is enough |
# | mean | the whole tile is anomalous | a small defect is averaged away |
# | top 1 % | a few places are anomalous | the share must be chosen |
# | reweighted | one place is anomalous, and the bank is sparse there | section 3 |
#
# *Top 1 %* is the mean of the largest 1 % of the distances. All four scores use the 32 x 32 distances, *not* the
# smoothed map, although some detectors take the maximum of the smoothed map. The next cell computes the first three
# scores of three tiles.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons.scored_tiles import load_scores
from aitex_utils.scoring import max_score, mean_score, top_fraction_score

first = load_scores()[0]
marked = first.marked.astype(float)  # marked pixels of each tile
three = [marked.argmax(), np.where(marked, marked, np.inf).argmin(), marked.argmin()]
columns = [score(first.distances[three]) for score in (max_score, mean_score, top_fraction_score)]
print("defect  marked px   max  mean  top 1 %")
for i, size in enumerate(("large", "small", "none")):
    values = " ".join(f"{column[i]:5.2f}" for column in columns)
    print(f"{size:6} {marked[three[i]]:10,.0f} {values}")

# %% [markdown]
# The mean hardly differs between the small defect and no defect, because the defect covers few of the 1,024 patches.
# The maximum and the top 1 % use only the largest distances, so they differ more.

# %% [markdown]
# ## 3. The reweighting of the paper
#
# Notebook 02 introduced equation 7 of the paper (Roth et al., 2022, [arXiv 2106.08265](https://arxiv.org/abs/2106.08265)).
# Its idea: the same distance means more where the bank is sparse than where it is dense. We test this idea on a toy bank
# with one channel: two clusters of three vectors, and a lone vector. Three patches are compared with this bank.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import MemoryBank, scoring
from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb06.exercise_image_scores import tile_scores as course_tile_scores
from aitex_utils.lessons.nb06.figures import plot_bank_on_line
from aitex_utils.plots import show

toy_bank = np.array([0.0, 0.2, 0.4, 2.0, 2.2, 2.4, 5.0])
toy_patches = {"p1": -0.7, "p2": 1.25, "p3": 4.28}
nearest = {p: np.abs(toy_bank - x).min() for p, x in toy_patches.items()}
note = "Distances: " + ", ".join(f"{p} {d:.2f}" for p, d in nearest.items()) + "."
show(*plot_bank_on_line(toy_bank, toy_patches, note=note))

# %% [markdown]
# Take $b = 3$ neighbours. For **p2** the nearest vector is $m^* = 2.0$, at the distance $s^* = 0.75$.
#
# - The three vectors nearest **to $m^*$**, itself included: $2.0,\ 2.2,\ 2.4$. Their distances *to the patch* are
#   $0.75,\ 0.95,\ 1.15$.
# - The three vectors nearest **to the patch**: $2.0,\ 0.4,\ 2.2$. Their distances to the patch are $0.75,\ 0.85,\ 0.95$.
#
# Equation 7 takes the first list, and a common **variant** takes the second. Both use the same formula,
# $s = s^* (1 - w)$. The weight $w$ is the nearest vector's share of a sum over the list, its *softmax* weight:
#
# $$s = \left(1 - \frac{\exp s^*}{\sum_{m} \exp \lVert p - m \rVert}\right) s^*$$
#
# For p1, both lists contain $0.0,\ 0.2,\ 0.4$. For p3, $m^* = 5.0$ and both lists contain the distant $2.4$ and $2.2$.
# Before you run the next cell: **which patch has the highest score under equation 7?**

# %%
first_lists = {"p1": (0.70, 0.90, 1.10), "p2": (0.75, 0.95, 1.15), "p3": (0.72, 1.88, 2.08)}
second_lists = first_lists | {"p2": (0.75, 0.85, 0.95)}
print("patch    s*   eq. 7  variant")
for p in toy_patches:
    both = [d[0] * (1 - np.exp(d[0]) / np.exp(d).sum()) for d in (first_lists[p], second_lists[p])]
    print(f"{p}     {first_lists[p][0]:.2f}   {both[0]:.3f}    {both[1]:.3f}")

# %% [markdown]
# p3, beside the lone vector, keeps most of its score and overtakes p2, which has the largest distance. The other two
# neighbours are far from p3, so their terms are large and the weight $w$ of $m^*$ is small. So the same distance
# counts *more* under equation 7 where the bank is sparse.
#
# But the paper reweights only **one** patch of a tile, the patch with the largest $s^*$. If the three patches form a
# tile, the tile's score is the score of p2.
#
# ### Exercise 06.1: A tile's score, both ways
#
# *Medium, 20 minutes.*
#
# `patches` is `(P, C)` and `bank` is `(M, C)`. Find the **worst patch**, which has the largest distance to its nearest
# vector. Return **two** scores of this patch. The first uses equation 7, with the `b` neighbours of $m^*$. The second
# uses the variant, with the `b` neighbours of the patch. The nearest vector is one of the `b` neighbours both times. Do
# not square the distances. They are small here, so `np.exp` is safe.
#
# For the toy tile, `patches` is `[[-0.7], [1.25], [4.28]]`, `bank` is `[[0.0], [0.2], ...]` and `b = 3`. The answer is
# the two scores of p2 in the table above.

# %% exercise="06.1"
import numpy as np


def tile_scores(patches: np.ndarray, bank: np.ndarray, b: int) -> tuple[float, float]:
    """Return a tile's scores under equation 7 and under the variant.

    patches (P, C), bank (M, C), b neighbours (2 to M) -> two numbers
    """
    distances = np.linalg.norm(patches[:, None] - bank, axis=2)  # (P, M)
    worst = distances.min(axis=1).argmax()
    to_patch = distances[worst]  # (M,)
    m_star = to_patch.argmin()
    to_m_star = np.linalg.norm(bank - bank[m_star], axis=1)  # (M,)
    scores = []
    for distances_from in (to_m_star, to_patch):
        neighbours = np.argsort(distances_from)[:b]
        share = np.exp(to_patch[m_star]) / np.exp(to_patch[neighbours]).sum()
        scores.append((1 - share) * to_patch[m_star])
    return scores[0], scores[1]


# %%
check("06.1", tile_scores)  # stuck? hint("06.1")

# %% [markdown]
# From here on, cells use *your* functions. `yours("06.1", ...)` returns your function if it passed, otherwise the
# course's version. The next cell compares this function with the module `scoring` on random patches.

# %%
rng = np.random.default_rng(0)
random_patches, random_bank = rng.normal(size=(50, 8)), rng.normal(size=(200, 8))
memory = MemoryBank().add(random_bank.astype(np.float32))
score = yours("06.1", course_tile_scores)
print("this function:", np.round(score(random_patches, random_bank, 9), 4))
for name in ("reweighted_score", "reweighted_by_patch_score"):
    value = getattr(scoring, name)(random_patches[None], memory, 9)[0]
    print(f"{name}: {value:.4f}")

# %% [markdown]
# <details><summary>In depth: what happens with large distances</summary>
#
# Real distances are much larger, as the units printed in section 1 show. Then `np.exp` makes the largest distances
# dominate the sum: a neighbour that is farther by 3 counts 20 times as much. The nearest vector's weight becomes small,
# and the factor $1 - w$ is close to 1. The module subtracts the largest distance before it takes the exponential, so
# nothing overflows.
#
# Distances change with the number of channels, and so does the effect of equation 7. The effect depends on an arbitrary
# scale of the features.
#
# </details>

# %% [markdown]
# ## 4. AUROC: a share of pairs
#
# Now we evaluate the scores. A typical normal tile has the score 1 in each fabric, so we pool the tiles of all fabrics
# into one test set.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import metrics
from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb06.figures import plot_pairs
from aitex_utils.lessons.scored_tiles import load_scores, pool_test
from aitex_utils.plots import plot_scores, show

test = pool_test(load_scores())
print(f"{len(test.labels)} tiles of {len(np.unique(test.strips))} strips. {test.labels.sum()} tiles are defective.")
show(*plot_scores(test.scores[~test.labels], test.scores[test.labels], unit="typical normal tile = 1"))

# %% [markdown]
# The two histograms overlap. How well does the score separate the two classes? Take one defective and one normal tile:
# **does the defective tile have the higher score?** Count how often it does, over *all* such pairs. The share of pairs in the
# right order is the **AUROC** (Hanley and McNeil, 1982,
# [doi:10.1148/radiology.143.1.7063747](https://doi.org/10.1148/radiology.143.1.7063747)). Random scores give 0.5 on
# average.
#
# AUROC is short for *area under the receiver operating characteristic curve*. A tile is **flagged** if its score >= the
# threshold. The **true-positive rate** is the share of defective tiles that are flagged, and the **false-positive
# rate** is the share of normal tiles that are flagged. The **ROC curve** plots the first rate against the second, for
# every threshold.

# %%
show(*plot_pairs(test.scores[~test.labels], test.scores[test.labels]))

# %% [markdown]
# Each cell of the figure is one pair, and yellow pairs are in the right order. The border of the yellow area *is* the
# ROC curve, so the area below the curve is the share of right pairs.
#
# ### Exercise 06.2: AUROC
#
# *Easy, 10 minutes.*
#
# `labels` `(N,)` is Boolean with `True` = defective, and `scores` is `(N,)`. Return the share of pairs of a defective and
# a normal tile in which the defective tile has the higher score. **A tie counts as 0.5.** Do not use a library function
# that computes the AUROC.
#
# Example: the normal tiles have the scores `0.1` and `0.6`, and the defective tiles have `0.4` and `0.9`. Of the 4
# pairs, 3 are in the right order, so the AUROC is 0.75.

# %% exercise="06.2"
import numpy as np


def auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the share of pairs in the right order, for labels (N,) bool and scores (N,)."""
    differences = scores[labels][:, None] - scores[~labels]  # (defective, normal)
    return ((differences > 0) + 0.5 * (differences == 0)).mean()


# %%
check("06.2", auroc)  # stuck? hint("06.2")

# %%
area = yours("06.2", metrics.auroc)
print(f"pooled: {area(test.labels, test.scores):.4f}, scikit-learn {metrics.auroc(test.labels, test.scores):.4f}")
for f in load_scores():
    rows = ~f.calibration
    print(f"fabric {f.fabric}: {area(f.labels[rows], f.scores[rows]):.4f}")

# %% [markdown]
# ## 5. Comparing image scores
#
# Which image score separates the classes best? After your guess, a cell computes five scores for each fabric. Both
# reweightings use $b = 9$.
#
# **What does equation 7 gain over the maximum in mean AUROC?** A loss is negative, so your range can begin below 0.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import metrics
from aitex_utils.lessons import predict, reveal, yours
from aitex_utils.lessons.figures import plot_settings
from aitex_utils.lessons.scored_tiles import load_scores
from aitex_utils.plots import show
from aitex_utils.scoring import max_score, mean_score, top_fraction_score

fabrics = load_scores()
predict("06.a", -0.02, 0.02)

# %%
area = yours("06.2", metrics.auroc)
table = {}
for f in fabrics:
    rows = ~f.calibration
    five = {"max": max_score(f.distances[rows]), "mean": mean_score(f.distances[rows])}
    five |= {"top 1 %": top_fraction_score(f.distances[rows])}
    five |= {"equation 7": f.reweighted[rows, 0], "variant": f.reweighted[rows, 1]}
    for name, values in five.items():
        table.setdefault(name, []).append(area(f.labels[rows], values))
names = [f.fabric for f in fabrics]
show(*plot_settings(list(table), np.array(list(table.values())), names, title="Image scores"))
reveal("06.a", np.mean(table["equation 7"]) - np.mean(table["max"]))

# %% [markdown]
# The reweightings hardly change the AUROC of the maximum. Notebook 02 gave the reasons. The sampler, k-center greedy, keeps
# vectors that are far apart. Before the division by the unit, the distances of the neighbours differ by much more than 1. The
# factor $1 - w$ is therefore close to 1.
#
# The next table shows the mean tile AUROC over four fabrics of AITEX, and the difference (score - maximum) with its
# 95 % interval. The values in the table come from a benchmark (`python course.py bench notebook_06`) that uses all
# strips, so the practice column differs from your run.
#
# | score | AITEX | difference (score - maximum) | practice fabric |
# |---|---|---|---|
# | maximum | {{results/notebook_06.json: aitex.image_scores.max.mean: .3f}} | | {{results/notebook_06.json: practice.image_scores.max.mean: .3f}} |
# | mean | {{results/notebook_06.json: aitex.image_scores.mean.mean: .3f}} | {{results/notebook_06.json: aitex.differences_to_max.mean.mean: +.3f}} ({{results/notebook_06.json: aitex.differences_to_max.mean.low: +.3f}} to {{results/notebook_06.json: aitex.differences_to_max.mean.high: +.3f}}) | {{results/notebook_06.json: practice.image_scores.mean.mean: .3f}} |
# | top 1 % | {{results/notebook_06.json: aitex.image_scores.top.mean: .3f}} | {{results/notebook_06.json: aitex.differences_to_max.top.mean: +.3f}} ({{results/notebook_06.json: aitex.differences_to_max.top.low: +.3f}} to {{results/notebook_06.json: aitex.differences_to_max.top.high: +.3f}}) | {{results/notebook_06.json: practice.image_scores.top.mean: .3f}} |
# | equation 7 | {{results/notebook_06.json: aitex.image_scores.reweighted.mean: .3f}} | {{results/notebook_06.json: aitex.differences_to_max.reweighted.mean: +.3f}} ({{results/notebook_06.json: aitex.differences_to_max.reweighted.low: +.3f}} to {{results/notebook_06.json: aitex.differences_to_max.reweighted.high: +.3f}}) | {{results/notebook_06.json: practice.image_scores.reweighted.mean: .3f}} |
# | variant | {{results/notebook_06.json: aitex.image_scores.reweighted_by_patch.mean: .3f}} | {{results/notebook_06.json: aitex.differences_to_max.reweighted_by_patch.mean: +.3f}} ({{results/notebook_06.json: aitex.differences_to_max.reweighted_by_patch.low: +.3f}} to {{results/notebook_06.json: aitex.differences_to_max.reweighted_by_patch.high: +.3f}}) | {{results/notebook_06.json: practice.image_scores.reweighted_by_patch.mean: .3f}} |
#
# An interval that includes 0 means that these strips cannot distinguish the two scores. The intervals of both
# reweightings include 0, and the interval of the mean score only just includes 0. On AITEX, only the top 1 % is
# clearly better than the maximum. This result suggests that a few anomalous patches are better evidence than a single
# patch.

# %% [markdown]
# ## 6. Precision, recall and average precision
#
# AUROC needs no threshold, but a detector in use does. At one threshold, count the tiles:
#
# - **TP**, true positives: defective and flagged, the hits;
# - **FP**, false positives: normal and flagged, the false alarms;
# - **FN**, false negatives: defective and not flagged, the misses.
#
# **Precision** = TP / (TP + FP) is the share of flagged tiles that are defective. **Recall** = TP / (TP + FN) is the
# share of defective tiles that are flagged, so it is another name for the true-positive rate.
#
# As the threshold falls, recall grows in steps, and precision can rise or fall.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import metrics
from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.scored_tiles import load_scores, pool_test
from aitex_utils.plots import plot_curves, show

test = pool_test(load_scores())
show(*plot_curves(test.labels, test.scores))

# %% [markdown]
# The left panel is the ROC curve of section 4. In the right panel, precision is high only for the few tiles with the
# highest scores. The dotted line there is the precision by chance: the **prevalence**, which is the share of defective
# tiles.
#
# **Average precision** (AP) summarises the precision-recall curve, in the right panel, in one number. Multiply the
# precision $P_i$ at each threshold by the recall *gained* there, and add the products:
#
# $$\mathrm{AP} = \sum_i P_i\,(R_i - R_{i-1}), \qquad R_0 = 0 .$$
#
# The thresholds are the **distinct** scores, from high to low. Tiles with the same score are flagged together, so they
# make one step.
#
# Example: in order of falling score, four tiles are defective, normal, defective and normal. The first step gains half
# of the recall at precision 1. The third step gains the other half at precision $\frac23$. So AP is
# $\frac12 + \frac13 = \frac56$. If all four tiles had the *same* score, there would be one step with precision
# $\frac12$, and AP would be $\frac12$.
#
# ### Exercise 06.3: Average precision
#
# *Medium, 15 minutes.*
#
# `labels` and `scores` are `(N,)` as before. Return the AP. Do not join the points with straight lines, and treat ties
# as described above.

# %% exercise="06.3"
import numpy as np


def average_precision(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the sum of precision times recall gained, over distinct scores."""
    total, recall_before = 0.0, 0.0
    for threshold in np.unique(scores)[::-1]:  # from high to low
        flagged = scores >= threshold
        true_positives = (flagged & labels).sum()
        precision = true_positives / flagged.sum()
        recall = true_positives / labels.sum()
        total += precision * (recall - recall_before)
        recall_before = recall
    return total


# %%
check("06.3", average_precision)  # stuck? hint("06.3")

# %%
ap = yours("06.3", metrics.average_precision)
print(f"AP {ap(test.labels, test.scores):.4f}, scikit-learn {metrics.average_precision(test.labels, test.scores):.4f}")
print(f"AP by chance: the prevalence, {test.labels.mean():.4f}")

# %% [markdown]
# **Try it.** Multiply all scores by -1. Which values do you expect for AUROC and AP? Compute both.
#
# <details><summary>Answer</summary>
#
# Right pairs become wrong and wrong pairs become right, so an AUROC of $A$ becomes $1 - A$. The AP falls below the
# prevalence here: the highest new scores belong to normal tiles, so precision is low where recall grows.
#
# </details>

# %% [markdown]
# ## 7. F1-max
#
# $F_1 = \dfrac{2PR}{P+R}$ is the *harmonic* mean of precision $P$ and recall $R$. It is small if either of them is small. In
# terms of counts it is
#
# $$F_1 = \frac{2\,\mathrm{TP}}{2\,\mathrm{TP} + \mathrm{FP} + \mathrm{FN}} ,$$
#
# which is defined even if TP is 0. **F1-max** is the highest F1 over all thresholds.
#
# ### Exercise 06.4: F1-max
#
# *Easy, 10 minutes.*
#
# Try all distinct scores as thresholds (flagged: score >= threshold). Return two numbers: the best F1, and the
# threshold that reaches it. If several thresholds reach it, return **the highest**.
#
# Example: the labels `[False, False, True, True]` and the scores `[0.1, 0.6, 0.4, 0.9]` give `(0.8, 0.4)`.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import metrics
from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.scored_tiles import load_scores, pool_test
from aitex_utils.plots import plot_scores, show

test = pool_test(load_scores())


# %% exercise="06.4"
import numpy as np


def f1_max(labels: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """Return the best F1 and the highest threshold that reaches it."""
    best = (-1.0, np.inf)
    for threshold in np.unique(scores)[::-1]:
        flagged = scores >= threshold
        f1 = 2 * (flagged & labels).sum() / (flagged.sum() + labels.sum())
        if f1 > best[0]:  # a lower threshold with the same F1 does not replace it
            best = (f1, threshold)
    return float(best[0]), float(best[1])


# %%
check("06.4", f1_max)  # stuck? hint("06.4")

# %%
best_f1, best_threshold = yours("06.4", metrics.f1_max)(test.labels, test.scores)
print(f"F1-max {best_f1:.3f} at the threshold {best_threshold:.3f}")
by_label = test.scores[~test.labels], test.scores[test.labels]
show(*plot_scores(*by_label, threshold=best_threshold, unit="typical normal tile = 1"))

# %% [markdown]
# The dashed line is the threshold of F1-max. It was chosen with the test labels. Each detector has this advantage, so
# F1-max can still *compare* detectors on one test set. To *run* a detector you need a threshold that uses no test
# labels: notebook 07 sets one from normal tiles alone.

# %% [markdown]
# ## 8. Prevalence: why AUROC flatters
#
# Suppose the mill improves, so the same number of defects is spread over more fabric. We imitate this change by
# counting every normal tile up to 50 times. The detector stays the same, and so does each score.
#
# With 50 copies, only 1 tile in several hundred is defective. The AUROC does not change. **What is the AP then?**

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import metrics
from aitex_utils.lessons import predict, quiz, reveal, yours
from aitex_utils.lessons.nb06.figures import plot_prevalence
from aitex_utils.lessons.scored_tiles import load_scores, pool_test
from aitex_utils.lessons.wording import percent
from aitex_utils.plots import show

test = pool_test(load_scores())
predict("06.b", 0.05, 0.5)

# %%
ap = yours("06.3", metrics.average_precision)
copies, prevalence, measures = (1, 2, 5, 10, 20, 50), [], {"AUROC": [], "AP": []}
for times in copies:
    more_scores = np.concatenate([test.scores[test.labels], np.tile(test.scores[~test.labels], times)])
    more_labels = np.arange(len(more_scores)) < test.labels.sum()
    prevalence.append(more_labels.mean())
    measures["AUROC"].append(metrics.auroc(more_labels, more_scores))
    measures["AP"].append(ap(more_labels, more_scores))
show(*plot_prevalence(np.array(prevalence), measures))
reveal("06.b", measures["AP"][-1])

# %% [markdown]
# AUROC is a share of pairs, and copies of normal tiles leave this share unchanged. But users do not see pairs. They see
# **alarms** (flagged tiles). As the prevalence falls, a smaller share of these alarms is right. The next cell computes
# this share at the threshold that finds half of the defective tiles.

# %%
half = np.sort(test.scores[test.labels])[::-1][(test.labels.sum() - 1) // 2]  # flags half of the defective tiles
hits, false_alarms = ((test.scores[rows] >= half).sum() for rows in (test.labels, ~test.labels))
print(f"Threshold {half:.2f}: {hits} hits, and false alarms on {false_alarms} of {np.sum(~test.labels)} normal tiles")
for times, share in zip(copies, prevalence, strict=True):
    precision = hits / (hits + times * false_alarms)
    print(f"{percent(share, 2)} defective: {percent(precision, 1)} of alarms right")

# %% [markdown]
# F1-max falls too. At each threshold, FP grows with the number of copies, while TP and FN stay the same.
#
# Pixels are the extreme case, because defects cover so few of them. A pixel-level AUROC near 1 therefore means little
# on fabric. Saito and Rehmsmeier (2015,
# [doi:10.1371/journal.pone.0118432](https://doi.org/10.1371/journal.pone.0118432)) show the same effect on other data
# with few positives. AP has a drawback too: the AP of random scores is close to the *prevalence*. So you cannot compare
# AP between test sets of different prevalence.
#
# ### Read the figure and decide
#
# **Question.** In a mill, 1 tile in 300 is defective. A vendor says: the AUROC does not change, so our alarms will be
# as reliable as in the test. What does the figure of this section show?
# - a) The vendor is right, because the AUROC line is flat
# - b) Nothing, because it shows no threshold
# - c) The AP falls with the prevalence, so a smaller share of the alarms will be right
# - d) The AP falls, so the detector will find fewer defects

# %%
quiz("06.q3", "c")

# %% [markdown]
# <details><summary>Answer</summary>
#
# c. AP is a mean of precision, and precision is the share of alarms that are right. The AP line falls with the
# prevalence, while the AUROC line stays flat. The detector finds the same defects at the same threshold, among more
# false alarms. So ask a vendor for the precision at *your* prevalence.
#
# </details>

# %% [markdown]
# ## 9. Scores from scaled maps
#
# For display, each anomaly map is often scaled to the range from 0 to 1. A colleague takes the tile scores from such
# maps:
#
# ```python
# def scaled_scores(maps, calibration):  # (N, H, W) and (n, H, W)
#     low = maps.min(axis=(1, 2), keepdims=True)
#     high = maps.max(axis=(1, 2), keepdims=True)
#     scaled = (maps - low) / (high - low)  # 0 to 1
#     return scaled.max(axis=(1, 2))
# ```
#
# Here the maps are the 32 x 32 distances of each tile. **What is the AUROC of these scores on the test tiles of the
# first fabric?**

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import metrics
from aitex_utils.lessons import check, hint, predict, reveal, yours
from aitex_utils.lessons.nb06.exercise_units import flawed_scores
from aitex_utils.lessons.nb06.exercise_units import scaled_scores as course_scores
from aitex_utils.lessons.scored_tiles import load_scores

first = load_scores()[0]
predict("06.c", 0.3, 0.9)

# %%
rows = ~first.calibration
maps, known_maps = first.distances[rows], first.distances[first.calibration]
flawed = flawed_scores(maps, known_maps)
reveal("06.c", metrics.auroc(first.labels[rows], flawed))

# %% [markdown]
# Random scores would be as good. But the maps *look* fine, and the function raises no error.
#
# ### Exercise 06.5: Find the planted flaw
#
# *Easy, 10 minutes.*
#
# First find the reason for this AUROC, for example by printing `flawed`. Then repair the function: use the scale on
# which 0 is the lowest and 1 is the highest value of all `calibration` maps together. Return the highest value of each
# map on this scale, `(N,)`. This value can exceed 1.

# %% exercise="06.5"
import numpy as np


def scaled_scores(maps: np.ndarray, calibration: np.ndarray) -> np.ndarray:
    """Return the highest value of each map (N, H, W) on the scale of the calibration maps (n, H, W)."""
    low, high = calibration.min(), calibration.max()
    return (maps.max(axis=(1, 2)) - low) / (high - low)


# %%
check("06.5", scaled_scores)  # stuck? hint("06.5")

# %%
repaired = yours("06.5", course_scores)(maps, known_maps)
for name, values in (("flawed", flawed), ("repaired", repaired), ("max score", first.scores[rows])):
    area = metrics.auroc(first.labels[rows], values)
    print(f"{name:9} AUROC {area:.3f}, scores from {values.min():.2f} to {values.max():.2f}")

# %% [markdown]
# The flawed function scales each map by its own lowest and highest value, so every tile scores 1 and all pairs are
# ties. The repaired scores have the AUROC of the unscaled maximum, because a common scale keeps the order of the tiles.
# The same flaw appears in figures: two maps, each with its own colour scale, cannot be compared.

# %% [markdown]
# ## 10. Open task
#
# ### Open task: A score of your own
#
# *Medium, 25 minutes.*
#
# Section 5 suggests that a few patches are better evidence than one. Design an image score with one parameter, choose the
# parameter, and test the score. Report in at most six sentences with one table.
#
# | points | for |
# |---|---|
# | 1 | a reason for the score, written down before the first result |
# | 1 | a parameter chosen on one fabric and tested on the others, never on the same tiles |
# | 1 | a comparison with the maximum on the same tiles |
# | 1 | two measures, with the prevalence beside AP |
# | 1 | a conclusion that goes no further than three fabrics allow |

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import metrics
from aitex_utils.lessons.scored_tiles import load_scores

fabrics = load_scores()
for f in fabrics:
    print(f"fabric {f.fabric}: distances {f.distances.shape}, labels {f.labels.shape}")

# %% [markdown]
# <details><summary>Worked answer</summary>
#
# *Reason*: a defect usually covers several patches, and noise raises single patches. The mean of the k largest
# distances is high only if about k patches are anomalous.
#
# ```python
# def top_k(f, k):
#     return np.sort(f.distances[~f.calibration].reshape(-1, 32 * 32), axis=1)[:, -k:].mean(axis=1)
#
#
# def measure(f, k):
#     labels = f.labels[~f.calibration]
#     return metrics.auroc(labels, top_k(f, k)), metrics.average_precision(labels, top_k(f, k)), labels.mean()
#
#
# choices = (1, 2, 4, 8, 16, 32, 64, 128)
# for chosen_on in fabrics:
#     k = max(choices, key=lambda k: measure(chosen_on, k)[0])
#     for f in fabrics:
#         if f is not chosen_on:
#             print(chosen_on.fabric, "->", f.fabric, "k", k, np.round([measure(f, 1), measure(f, k)], 3))
# ```
#
# *Report*: the table has one row per pair of fabrics, with AUROC, AP and prevalence for the maximum (k = 1) and for the
# chosen k. Look at the chosen k first: if it differs between fabrics, three fabrics are too few to determine it. Then
# count the pairs in which the chosen k beats the maximum in both measures. State only this count: the pairs share
# tiles, and notebook 07 shows how wide the interval of a single AUROC is.
#
# </details>

# %% [markdown]
# ## Summary
#
# Resizing and a little smoothing turn distances into an anomaly map. A maximum or a similar statistic turns them into
# an image score. Equation 7 takes the neighbours of the nearest vector $m^*$, and its variant takes the neighbours of
# the patch. With a coreset, neither changes the AUROC much. AUROC is a share of pairs and does not depend on the
# prevalence, but AP and F1-max do. All scores of a test set need one scale, and the test tiles must not set this scale.
#
# ### Quiz
#
# **1.** A detector is tested a second time, with the same defects and ten times as many normal tiles of the same kind. What
# happens?
# - a) AUROC and AP both fall
# - b) AUROC and AP both stay the same
# - c) AUROC rises, and AP stays the same
# - d) AUROC stays the same, and AP falls

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import calibration, quiz

# %%
quiz("06.q1", "d")

# %% [markdown]
# <details><summary>Answer</summary>
#
# d. The share of right pairs stays the same. At each threshold there are ten times as many false alarms for the same
# hits.
#
# </details>
#
# **2.** In what one respect do equation 7 and the variant differ?
# - a) The neighbours in the denominator: nearest to the vector m*, or nearest to the patch
# - b) Equation 7 takes squared distances
# - c) Equation 7 reweights each patch, and the variant only the worst patch
# - d) The variant raises the score

# %%
quiz("06.q2", "a")

# %% [markdown]
# <details><summary>Answer</summary>
#
# a. In both, the exponents are distances from the patch.
#
# </details>
#
# **3.** A broken detector gives all tiles the same score. 1 tile in 10 is defective. What are AUROC and AP?
# - a) Both are 0.5
# - b) The AUROC is 0.5, and the AP is 0.1
# - c) Both are 0.1
# - d) Both are 0

# %%
quiz("06.q4", "b")

# %% [markdown]
# <details><summary>Answer</summary>
#
# b. All pairs are ties, so the AUROC is 0.5. There is one step, and its precision is the prevalence.
#
# </details>
#
# **4.** Suppose the tile score is the maximum of the smoothed map. You smooth with 16 px instead of 4 px. Which defects
# lose the largest share of their score?
# - a) Large ones
# - b) All lose the same share
# - c) Those at the edge of a tile
# - d) Small ones

# %%
quiz("06.q5", "d")

# %% [markdown]
# <details><summary>Answer</summary>
#
# d. The Gaussian averages a small peak with the normal pixels around it. A wide peak fills the Gaussian and keeps its
# height.
#
# </details>
#
# How good were your guesses?

# %%
calibration()

# %% [markdown]
# **Read next**:
# - section 3.3 of the PatchCore paper ([arXiv 2106.08265](https://arxiv.org/abs/2106.08265)) on scores and maps;
# - `aitex_utils/metrics.py`, the same measures, computed fast enough for millions of pixels;
# - Saito and Rehmsmeier on precision and recall, cited in section 8.
#
# **Next**: notebook 07 on how certain such a result is, and on a threshold from normal tiles alone.
