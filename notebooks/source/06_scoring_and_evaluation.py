# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 06 Scoring and evaluation
#
# At the end of this notebook you can say how good a detector is, how sure you are of that, and what it would mean in a mill.
#
# **You will be able to**
# 1. turn distances into a map and into a score, and compute the paper's reweighting and its variant (exercise 06.1);
# 2. write AUROC, AP, F1-max and AUPRO yourself, ties included, and say what each of them hides (06.2 to 06.5);
# 3. compute an interval for every result, with a bootstrap over whole strips (06.6);
# 4. set a threshold from normal tiles alone, and check its false-alarm rate (06.7);
# 5. examine a detector's worst mistakes, and name the remedies on fabric.
#
# **You need to know** *tile*, *patch* and *memory bank* (notebooks 00 and 02), and why we split by strip (01).
#
# **Time**: about two hours and forty minutes for you, in sections of ten minutes. A good place for a break is after section 6. For the
# computer {{cost}}.

# %% [markdown]
# ## 1. From distances to a strip's map
#
# All results up to section 11 come from the same detector: PatchCore by the recipe of its paper, one for each fabric. From eight normal strips of a fabric
# we take three to **fit** on (20 tiles of them). Two others are the **calibration set**, for values that must be known before the test. The
# rest, and up to six defective strips, are the **test**. No strip is in two of these groups.

# %%
import numpy as np

from aitex_utils import PatchCore, list_strips, metrics, scoring, tile_fabric, tile_labels
from aitex_utils.lessons.data import lesson_strips, profile
from aitex_utils.patchcore import PAPER
from aitex_utils.scoring import anomaly_maps, max_score, mean_score, top_fraction_score
from aitex_utils.tiling import crop_tiles

root = lesson_strips()

# %%
strips = [s for s in list_strips(root) if s.is_normal or s.read_known_mask() is not None]


def choose_strips(fabric):
    """Return at most eight normal and six defective strips, evenly spaced."""
    chosen = []
    for is_normal, most in ((True, 8), (False, 6)):
        own = [s for s in strips if s.fabric == fabric and s.is_normal is is_normal]
        places = np.linspace(0, len(own) - 1, min(most, len(own)))
        chosen.append([own[i] for i in places.round().astype(int)])
    return chosen


# %%
by_fabric = {s.fabric: choose_strips(s.fabric) for s in strips}
complete = [f for f, (normal, bad) in by_fabric.items() if len(normal) == 8 and bad]
FABRICS = sorted(complete, key=lambda f: (-len(by_fabric[f][1]), f))[:3]
print("Fabrics:", ", ".join(FABRICS))


# %%
def cut_strip(strip):
    """Return a strip's tiles, the tiles of its mask, and their corners."""
    tiles, corners = tile_fabric(strip.read())
    return tiles, crop_tiles(strip.read_mask(), corners), corners


# %%
def measure(detector, tiles):
    """Return distances (N, 32, 32) and both reweighted scores (N, 2) of tiles."""
    distances, reweighted = [], []
    for patches in detector.features.iter_patches(tiles):
        distances.append(detector.patch_distances(patches))
        n, channels = len(patches), patches.shape[-1]
        farthest = distances[-1].reshape(n, -1).argmax(axis=1)
        patch = patches.reshape(n, -1, channels)[np.arange(n), farthest]
        scores = (scoring.reweighted_score, scoring.reweighted_by_patch_score)
        both = [score(patch[:, None], detector.bank_) for score in scores]
        reweighted.append(np.stack(both, axis=1))
    return np.concatenate(distances), np.concatenate(reweighted)


# %%
def evaluate(fabric):
    """Fit on 20 tiles of three normal strips, and measure all tiles of the other strips."""
    normal, defective = by_fabric[fabric]
    training, others = normal[::3], [*normal[1::3], *normal[2::3], *defective]
    tiles = np.concatenate([cut_strip(s)[0] for s in training])
    tiles = tiles[np.random.default_rng(0).permutation(len(tiles))]
    detector = PatchCore(**PAPER, seed=0).fit(tiles[:20])
    parts = [cut_strip(s) for s in others]
    names = np.repeat([s.id for s in others], [len(part[0]) for part in parts])
    joined = map(np.concatenate, zip(*parts, strict=True))
    result = dict(zip(("tiles", "masks", "corners"), joined, strict=True))
    result["distances"], result["reweighted"] = measure(detector, result["tiles"])
    known_scores = max_score(measure(detector, tiles[:40])[0])
    calibration_tiles = np.isin(names, [s.id for s in others[:2]])
    return result | {"strip": names, "calibration": calibration_tiles, "known_scores": known_scores}


# %% [markdown]
# One fabric takes about ten seconds. It is kept, so that a second run is quick.

# %%
from aitex_utils.lessons.cache import cached


def evaluate_cached(fabric):
    """Return the result of `evaluate`, from the cache if nothing has changed."""
    code = (choose_strips, cut_strip, measure, evaluate, PatchCore)
    ingredients = {"data": root, "code": code, "fabric": fabric}
    return cached(f"06_{profile()}_{fabric}", lambda: evaluate(fabric), **ingredients)


results = {FABRICS[0]: evaluate_cached(FABRICS[0])}
first = results[FABRICS[0]]
for name in ("tiles", "distances", "reweighted"):
    print(f"{name:10} {first[name].shape}")

# %% [markdown]
# A tile has a distance for each of its 32 x 32 patches. To lay them over the tile they are **resized** to 256 x 256 px, and
# **smoothed**: each pixel becomes the mean around it, weighted by a Gaussian bell. The paper takes one with a standard
# deviation of 4 px. Below, the tile with the highest score, on one colour scale.

# %%
from aitex_utils.lessons.figures import plot_panels
from aitex_utils.lessons.nb06 import figures
from aitex_utils.lessons.wording import percent
from aitex_utils.plots import plot_curves, plot_scores, plot_strip, show

defective = first["masks"].any(axis=(1, 2))
best = int(np.where(defective, max_score(first["distances"]), 0).argmax())
grid = first["distances"][best : best + 1]
steps = [anomaly_maps(grid, (256, 256), px)[0] for px in (0, 4, 16)]
peaks = [float(m.max()) for m in (grid, *steps)]
caption = "Distances of a tile: as measured, resized, smoothed with 4 and with 16 px."
caption += " Highest values: " + ", ".join(f"{p:.1f}" for p in peaks) + "."
titles = ["32 x 32 distances", "resized", "smoothed, 4 px", "smoothed, 16 px"]
show(*plot_panels([grid[0], *steps], titles, caption, scale=(0, peaks[0]), columns=4))

# %% [markdown]
# Smoothing takes away the noise of single patches and the grid's steps. It also takes height from small peaks, and a small
# defect *is* a small peak. Section 6 asks how much of it is good.
#
# The maps of a strip's tiles, put back to where they were cut, are the **strip's map**. Outside the fabric the map has no value (NaN). The margin that `fabric_region` cuts off has none either. These pixels are neither right nor wrong. The faint vertical lines are the tiles' borders
# (section 10 comes back to them).


# %%
by_name = {s.id: s for s in strips}


def map_of_strip(result, name, distances="distances"):
    """Return a strip's smoothed map, NaN outside the fabric, and its mask."""
    rows, mask = result["strip"] == name, by_name[name].read_mask()
    maps = anomaly_maps(result[distances][rows], (256, 256), 4)
    return scoring.stitch_maps(maps, result["corners"][rows], mask.shape), mask


name = str(first["strip"][best])
stitched, mask = map_of_strip(first, name)
show(*plot_strip(by_name[name].read(), stitched, mask, title=f"Strip {name}"))

# %% [markdown]
# ## 2. One number for a tile
#
# A map says *where*. To decide whether a tile is flagged we need one number:
#
# | score | its question | its weakness |
# |---|---|---|
# | maximum | is there one anomalous place? | a single noisy patch |
# | mean | is the whole tile anomalous? | a small defect is averaged away |
# | top share | are there a few anomalous places? | how many is a few? |
# | reweighted | is the bank thin where the nearest vector stands? | next section |
#
# All of them use the measured 32 x 32 distances, *not* the smoothed map. Other detectors use the maximum of the smoothed map as their score.
#
# The other two fabrics, about ten seconds each, then the first three scores of some tiles.

# %%
results[FABRICS[1]] = evaluate_cached(FABRICS[1])

# %%
results[FABRICS[2]] = evaluate_cached(FABRICS[2])

# %%
marked = first["masks"].sum(axis=(1, 2))
some = [marked.argmax(), np.where(marked, marked, np.inf).argmin(), marked.argmin()]
grids = first["distances"][some]
three_scores = [score(grids) for score in (max_score, mean_score, top_fraction_score)]
print("defect   marked px   max  mean top 1 %")
for i, size in enumerate(("large", "small", "none")):
    values = " ".join(f"{score[i]:5.1f}" for score in three_scores)
    print(f"{size:8} {marked[some[i]]:9,} {values}")

# %% [markdown]
# ### The reweighting, by hand on three patches
#
# Notebook 02 had equation 7 of the paper (Roth et al., 2022, [arXiv 2106.08265](https://arxiv.org/abs/2106.08265)). Its idea: a distance from a *crowd* of the memory bank should count a little less than the same distance from a *lone* vector. Or is it the other way round? Let us see with numbers. The smallest bank that shows it has one channel: two crowds of three and
# a lone vector. Three patches stand beside it.

# %%
bank = np.array([0.0, 0.2, 0.4, 2.0, 2.2, 2.4, 5.0])
three = {"p1": -0.7, "p2": 1.25, "p3": 4.28}
nearest = {p: np.abs(bank - x).min() for p, x in three.items()}
note = "Distances: " + ", ".join(f"{p} {d:.2f}" for p, d in nearest.items()) + "."
show(*figures.plot_bank_on_line(bank, three, note=note))

# %% [markdown]
# Take $b = 3$. For **p2** the nearest vector is $m^* = 2.0$, and its distance is $s^* = 0.75$.
#
# - The three vectors nearest **to $m^*$**, itself among them: $2.0,\ 2.2,\ 2.4$. Their distances *to the patch*: $0.75,\ 0.95,\ 1.15$.
# - The three vectors nearest **to the patch**: $2.0,\ 0.4,\ 2.2$. Their distances to the patch: $0.75,\ 0.85,\ 0.95$.
#
# Equation 7 takes the first list, the variant the second. Both put it into the same formula, the score $s^*$ times one minus
# what the nearest vector's term is of the sum (the weight that a *softmax* would give it):
#
# $$s = \left(1 - \frac{\exp s^*}{\sum_{m} \exp \lVert p - m \rVert}\right) s^*$$
#
# With a pocket calculator:

# %%
paper = 0.75 * (1 - np.exp(0.75) / (np.exp(0.75) + np.exp(0.95) + np.exp(1.15)))
variant = 0.75 * (1 - np.exp(0.75) / (np.exp(0.75) + np.exp(0.85) + np.exp(0.95)))
print(f"p2: equation 7 {paper:.3f}, variant {variant:.3f}")

# %% [markdown]
# Do p1 and p3 on paper. For p1 all three neighbours are $0.0,\ 0.2,\ 0.4$, in both lists. For p3 it is $m^* = 5.0$, and the other two
# neighbours are far away, $2.4$ and $2.2$, in both lists too. Before you run the next cell: **which of the three patches has the highest
# score by equation 7?**

# %%
p1 = 0.70 * (1 - np.exp(0.70) / (np.exp(0.70) + np.exp(0.90) + np.exp(1.10)))
p3 = 0.72 * (1 - np.exp(0.72) / (np.exp(0.72) + np.exp(1.88) + np.exp(2.08)))
print("patch    s*   eq. 7  variant")
print(f"p1     0.70   {p1:.3f}  {p1:.3f}")
print(f"p2     0.75   {paper:.3f}  {variant:.3f}")
print(f"p3     0.72   {p3:.3f}  {p3:.3f}")

# %% [markdown]
# The patch beside the lone vector keeps most of its score, since its neighbours' terms are large and its own is a small part of the
# sum. It overtakes p2, which was the worst before. So the rule trusts a distance *more* where the bank is thin.
#
# But the paper reweights only **one** patch of a tile, the patch with the largest $s^*$. If p1, p2 and p3 are the patches of one tile, its score is the score of p2.
#
# ### Exercise 06.1: a tile's score, both ways
#
# Write it for a tile of `P` patches: find the **worst patch**, with the largest distance to its nearest vector. Then return
# **two** numbers: its score by equation 7 (the `b` neighbours of $m^*$), and by the variant (the `b` neighbours of the patch). The nearest
# vector counts among the neighbours both times. Distances are not squared. They are small here, so `np.exp` is safe.
#
# For the tile above, `patches` is `[[-0.7], [1.25], [4.28]]` and `bank` is `[[0.0], [0.2], ...]`, both of shape (N, 1), and `b = 3`. The answer is the two numbers of p2.
#
# *Medium, 20 minutes.* `hint("06.1")`

# %% exercise="06.1"
import numpy as np


def tile_scores(patches: np.ndarray, bank: np.ndarray, b: int) -> tuple[float, float]:
    """Return a tile's score by equation 7 and by the variant.

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
from aitex_utils.lessons import calibration, check, hint, predict, quiz, reveal

check("06.1", tile_scores)

# %% [markdown]
# From here on each function of yours is held against the module's, on more data. If you leave an exercise open, the notebook
# goes on all the same.

# %%
from aitex_utils import MemoryBank


def compare(yours, reference, *arguments):
    """Print the result of your function, if it is there, and of the module's."""
    try:
        print("yours:   ", np.round(yours(*arguments), 6))
    except NotImplementedError:
        print("yours:    still open")
    print("module's:", np.round(reference(*arguments), 6))


def module_scores(patches, vectors, b):
    memory, tile = MemoryBank().add(vectors.astype(np.float32)), patches[None]
    paper = scoring.reweighted_score(tile, memory, b)[0]
    return [paper, scoring.reweighted_by_patch_score(tile, memory, b)[0]]


rng = np.random.default_rng(0)
patches, vectors = rng.normal(size=(50, 8)), rng.normal(size=(200, 8))
compare(tile_scores, module_scores, patches, vectors, 9)

# %% [markdown]
# ## 3. AUROC: a share of pairs
#
# Now to the judging. A distance has no unit of its own, and each fabric has a bank of its own. To put tiles of three fabrics into one test we divide: **one unit is the median score of the calibration tiles**. So 1 is a typical normal tile,
# whatever the fabric. These strips don't take part in the test.


# %%
def typical_score(result):
    """Return the median score of the calibration tiles."""
    return np.median(max_score(result["distances"][result["calibration"]]))


for result in results.values():
    result["scaled"] = result["distances"] / typical_score(result)
tested = {fabric: ~result["calibration"] for fabric, result in results.items()}


def of_tested_tiles(key):
    """Return an entry of the results for the tested tiles of all fabrics."""
    return np.concatenate([result[key][tested[f]] for f, result in results.items()])


labels = tile_labels(of_tested_tiles("masks"))
scores = max_score(of_tested_tiles("scaled"))
groups = of_tested_tiles("strip")

# %%
n_strips = len(np.unique(groups))
print(f"{len(labels)} tiles of {n_strips} strips, and {labels.sum()} have a defect.")
show(*plot_scores(scores[~labels], scores[labels], unit="typical normal tile = 1"))

# %% [markdown]
# Both crowds overlap. How good is that? Take one defective and one normal tile: **does the defective one score higher?** Ask it
# of *every* such pair. The share of pairs in the right order is the **AUROC** (Hanley and McNeil, 1982,
# [doi:10.1148/radiology.143.1.7063747](https://doi.org/10.1148/radiology.143.1.7063747)). Guessing gives a half. The name, *area under the receiver operating characteristic*, comes from a curve. Plot the share of defects found against the share of false alarms for all thresholds. The area below this curve is the same number.

# %%
show(*figures.plot_pairs(scores[~labels], scores[labels]))

# %% [markdown]
# The border between the two colours *is* that curve, turned by half a turn. The yellow share is the area below it.
#
# ### Exercise 06.2: AUROC
#
# `labels` (N,) is `bool`, `True` = defective, and `scores` is (N,). Return the share of (defective, normal) pairs in which the defective tile has the higher score. **A tie counts a half.** Example: with normals `0.1` and `0.6` and defective tiles `0.4` and `0.9`, three of four pairs are right. No library.
#
# *Easy, 10 minutes.* `hint("06.2")`

# %% exercise="06.2"
import numpy as np


def auroc(labels: np.ndarray, scores: np.ndarray) -> float:
    """Return the share of pairs in the right order, for labels (N,) bool and scores (N,)."""
    differences = scores[labels][:, None] - scores[~labels]  # (defective, normal)
    return ((differences > 0) + 0.5 * (differences == 0)).mean()


# %%
check("06.2", auroc)

# %%
compare(auroc, metrics.auroc, labels, scores)

# %% [markdown]
# ### Which image score?
#
# Five scores, for each fabric and as a mean, and both reweightings with $b = 9$. **What does equation 7 gain over the maximum in mean
# AUROC?** A loss has a minus, so your range can begin below 0.

# %%
predict("06.a", -0.02, 0.02)


# %%
def five_scores(result, rows):
    """Return five image scores of the tiles in `rows`, by name."""
    grids, reweighted = result["distances"][rows], result["reweighted"][rows]
    five = {"max": max_score(grids), "mean": mean_score(grids)}
    five |= {"top 1 %": top_fraction_score(grids)}
    return five | {"equation 7": reweighted[:, 0], "variant": reweighted[:, 1]}


table = {}
for fabric, result in results.items():
    defective = tile_labels(result["masks"][tested[fabric]])
    for name, values in five_scores(result, tested[fabric]).items():
        table.setdefault(name, []).append(metrics.auroc(defective, values))

# %%
from aitex_utils.lessons.figures import plot_settings

show(*plot_settings(list(table), np.array(list(table.values())), FABRICS, title="Image scores"))
reveal("06.a", np.mean(table["equation 7"]) - np.mean(table["max"]))

# %% [markdown]
# Notebook 02 gave the reason: after a greedy coreset hardly any vector of the bank stands in a crowd. With distances of several units `exp` brings the factor close to 1, so the score hardly changes. The mean differs: it suits one fabric and fails on another.
#
# The table shows the mean tile AUROC over four fabrics of AITEX, split by strip, and the difference to the maximum with its 95 % interval. The benchmark (`python course.py bench notebook_06`) uses all strips, so its practice column differs from your own run:
#
# | score | AITEX | minus the maximum | practice |
# |---|---|---|---|
# | maximum | {{results/notebook_06.json: aitex.image_scores.max.mean: .3f}} | | {{results/notebook_06.json: practice.image_scores.max.mean: .3f}} |
# | mean | {{results/notebook_06.json: aitex.image_scores.mean.mean: .3f}} | {{results/notebook_06.json: aitex.differences_to_max.mean.mean: +.3f}} ({{results/notebook_06.json: aitex.differences_to_max.mean.low: +.3f}} to {{results/notebook_06.json: aitex.differences_to_max.mean.high: +.3f}}) | {{results/notebook_06.json: practice.image_scores.mean.mean: .3f}} |
# | top 1 % | {{results/notebook_06.json: aitex.image_scores.top.mean: .3f}} | {{results/notebook_06.json: aitex.differences_to_max.top.mean: +.3f}} ({{results/notebook_06.json: aitex.differences_to_max.top.low: +.3f}} to {{results/notebook_06.json: aitex.differences_to_max.top.high: +.3f}}) | {{results/notebook_06.json: practice.image_scores.top.mean: .3f}} |
# | equation 7 | {{results/notebook_06.json: aitex.image_scores.reweighted.mean: .3f}} | {{results/notebook_06.json: aitex.differences_to_max.reweighted.mean: +.3f}} ({{results/notebook_06.json: aitex.differences_to_max.reweighted.low: +.3f}} to {{results/notebook_06.json: aitex.differences_to_max.reweighted.high: +.3f}}) | {{results/notebook_06.json: practice.image_scores.reweighted.mean: .3f}} |
# | variant | {{results/notebook_06.json: aitex.image_scores.reweighted_by_patch.mean: .3f}} | {{results/notebook_06.json: aitex.differences_to_max.reweighted_by_patch.mean: +.3f}} ({{results/notebook_06.json: aitex.differences_to_max.reweighted_by_patch.low: +.3f}} to {{results/notebook_06.json: aitex.differences_to_max.reweighted_by_patch.high: +.3f}}) | {{results/notebook_06.json: practice.image_scores.reweighted_by_patch.mean: .3f}} |
#
# If an interval includes 0, these strips do not distinguish the two scores. This is so for both reweightings and, just, for the mean. Only the top share gains on AITEX, with an interval above 0. A few anomalous patches side by side are better evidence than a single patch.

# %% [markdown]
# ## 4. Precision, recall and what is made of them
#
# AUROC needs no threshold. A machine does: a tile is **flagged** when its score >= the threshold. Then count:
#
# - **TP**, flagged and defective: hits. **FP**, flagged and normal: false alarms. **FN**, defective and not flagged: misses.
# - **precision** = TP / (TP + FP): the share of flagged tiles that are defective. **recall** = TP / (TP + FN): the share of defective tiles that are flagged.
#
# Let the threshold sink from above. Recall grows step by step, and precision goes up and down.

# %%
show(*plot_curves(labels, scores))

# %% [markdown]
# **Average precision**, AP, is one number for the curve on the right. At each threshold: the precision there, times the recall *gained* by
# going down to it. Added up,
#
# $$\mathrm{AP} = \sum_i P_i\,(R_i - R_{i-1}), \qquad R_0 = 0 .$$
#
# The thresholds are the **distinct** scores: samples of the same score are flagged together, so they make one step.
#
# Four tiles, from the top: defective, normal, defective, normal. The first step gains half of the recall at precision 1, the third the
# other half at two of three. AP is a half of 1 plus a half of two thirds: $\frac12 + \frac13 = \frac56$. If all four had the
# *same* score, there would be one step, with precision a half: AP a half, in whatever order they stand.
#
# ### Exercise 06.3: average precision
#
# `labels` and `scores` (N,) as before. Return the AP. No straight lines between points, and mind the ties.
#
# *Medium, 15 minutes.* `hint("06.3")`

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
check("06.3", average_precision)

# %%
compare(average_precision, metrics.average_precision, labels, scores)

# %% [markdown]
# ### F1-max
#
# $F_1 = \dfrac{2PR}{P+R}$ is the *harmonic* mean of precision and recall: small as soon as one of them is. With the counts it reads
#
# $$F_1 = \frac{2\,\mathrm{TP}}{2\,\mathrm{TP} + \mathrm{FP} + \mathrm{FN}} ,$$
#
# which also works where nothing is hit. **F1-max** is the best that any threshold reaches.
#
# ### Exercise 06.4: F1-max
#
# Return two numbers: the best F1 over all distinct scores as thresholds (flagged: score >= threshold), and the threshold that reaches it. If
# several do, **the highest**. For labels `[False, False, True, True]` and scores `[0.1, 0.6, 0.4, 0.9]` it is `(0.8, 0.4)`.
#
# *Easy, 10 minutes.* `hint("06.4")`

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
check("06.4", f1_max)

# %%
compare(f1_max, metrics.f1_max, labels, scores)

# %% [markdown]
# Remember how that threshold was found: with the answers in sight. F1-max is a fair way to *compare* detectors on one test
# set, and no way at all to *run* one. Section 8 finds a threshold honestly.

# %% [markdown]
# ## 5. Why AUROC flatters
#
# Suppose the mill weaves better: the same defects among more and more good fabric. We can play that without any new data, by
# counting every normal tile 2, 5, ... 50 times. The detector stays the same, and so does each score.
#
# At 50 copies only one tile of several hundred is defective. The AUROC is what it was. **What is the AP now?**

# %%
predict("06.b", 0.05, 0.5)

# %%
copies = np.array([1, 2, 5, 10, 20, 50])
prevalence, measures = [], {"AUROC": [], "AP": []}
for times in copies:
    all_scores = np.concatenate([scores[labels], np.tile(scores[~labels], times)])
    all_labels = np.arange(len(all_scores)) < labels.sum()
    prevalence.append(all_labels.mean())
    measures["AUROC"].append(metrics.auroc(all_labels, all_scores))
    measures["AP"].append(metrics.average_precision(all_labels, all_scores))
show(*figures.plot_prevalence(np.array(prevalence), measures))
reveal("06.b", measures["AP"][-1])

# %% [markdown]
# AUROC compares pairs, and copies add no new kind of pair. But the users of the detector do not see pairs. They see **alarms**, and fewer and fewer of these are right. Read it off at the threshold that finds half of the defects:

# %%
half = np.sort(scores[labels])[::-1][(labels.sum() - 1) // 2]  # finds half of the defects
true_positives = (scores[labels] >= half).sum()
false_positives = (scores[~labels] >= half).sum()
false_positive_rate = false_positives / np.sum(~labels)
print(f"From score {half:.2f}: {true_positives} hits, and alarms on")
print(f"{false_positives} of {np.sum(~labels)} normal tiles")
for times, share in zip(copies, prevalence, strict=True):
    precision = true_positives / (true_positives + times * false_positives)
    print(f"{percent(share, 2)} defective: {percent(precision, 1)} of alarms right")

# %% [markdown]
# Pixels are the extreme case: of all pixels of the test, so few are marked:

# %%
pixel_prevalence = of_tested_tiles("masks").mean()
print(f"{percent(pixel_prevalence, 2)} of the pixels are marked as defect.")

# %% [markdown]
# That is why a pixel AUROC near 1 means little on fabric, and why published tables of nothing but AUROC should make you ask for more. It isn't wrong: it answers another question. Saito and Rehmsmeier (2015,
# [doi:10.1371/journal.pone.0118432](https://doi.org/10.1371/journal.pone.0118432), show the same for other tests with few positives. AP has its
# own trap: it can't be compared between test sets with different shares of defects. By chance alone it *is* that share.

# %% [markdown]
# ## 6. Pixel-level, tile-level and strip-level results
#
# The same detector can be asked three questions: is this pixel defective, is this tile, is this strip? On pixels there is one more problem.
# A defect of 5,000 px counts as much as a hundred defects of 50 px, so the large one decides. **AUPRO** (Bergmann et al., 2021,
# [doi:10.1007/s11263-020-01400-4](https://doi.org/10.1007/s11263-020-01400-4)) measures each *region* for itself:
#
# - a **region** is a connected piece of the mask (pixels that touch, also at a corner);
# - its **overlap** at a threshold is the share of its pixels that is flagged; *per-region overlap*, PRO, is the mean over all regions;
# - plotted against the false-positive rate, the share of all *normal* pixels flagged, it makes a curve from (0, 0) to (1, 1);
# - only its beginning matters, since a mill does not accept more false alarms. So take the **area up to a limit**, 0.3 as in the paper or
#   0.05, which is stricter, and **divide it by the limit**.

# %%
from scipy.ndimage import label


def split_regions(maps, masks):
    """Return the scores of each region's pixels, and of all normal pixels."""
    regions, normal = [], []
    for anomaly_map, mask in zip(maps, masks, strict=True):
        numbers, count = label(mask, structure=np.ones((3, 3)))  # corners touch too
        on_fabric = ~np.isnan(anomaly_map)
        for number in range(1, count + 1):
            regions.append(anomaly_map[(numbers == number) & on_fabric])
        normal.append(anomaly_map[on_fabric & ~mask])
    return [region for region in regions if len(region)], np.concatenate(normal)


corner = np.array([[1, 0, 0], [0, 1, 0]])
print("Two pixels that touch at a corner are")
print(label(corner)[1], "regions if corners don't count,")
print(label(corner, np.ones((3, 3)))[1], "region if they do.")

# %% [markdown]
# ### Exercise 06.5: AUPRO
#
# `regions` is a list with one array for each region, the scores of its pixels. `normal` (M,) contains the scores of all normal pixels. Every
# distinct score of both is a threshold (flagged: score >= threshold). The curve begins at (0, 0), has one point for each threshold, and
# straight lines between. AP had steps: between two thresholds precision does not move on a line. An overlap and a rate do, if some of the pixels between two thresholds are flagged at random. Return the area below it from rate 0 to `max_fpr`, divided by `max_fpr`. The line that crosses the
# limit counts up to the limit: `np.interp(max_fpr, rates, overlaps)` is its height there.
#
# A tiny one: regions `[8, 2]` and `[4]`, normals `[5, 3, 1, 1]`. From the top the points (rate, overlap) are
# (0, 0), 8: (0, ¼), 5: (¼, ¼), 4: (¼, ¾), 3: (½, ¾), ... Up to a rate of ½ the area is a quarter times ¼ plus a quarter times
# ¾, that is ¼. Divided by ½ it is ½.
#
# *Hard, 20 minutes.* `hint("06.5")`

# %% exercise="06.5"
import numpy as np


def aupro(regions: list[np.ndarray], normal: np.ndarray, max_fpr: float) -> float:
    """Return the area under the per-region overlap up to max_fpr, over max_fpr."""
    thresholds = np.unique(np.concatenate([*regions, normal]))[::-1]
    rates, overlaps = [0.0], [0.0]
    for threshold in thresholds:
        rates.append((normal >= threshold).mean())
        overlaps.append(np.mean([(region >= threshold).mean() for region in regions]))
    x, y = np.array(rates), np.array(overlaps)
    inside = x <= max_fpr
    height = np.interp(max_fpr, x, y)
    x, y = np.append(x[inside], max_fpr), np.append(y[inside], height)
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2)) / max_fpr


# %%
check("06.5", aupro)

# %% [markdown]
# Held against the module on the strip from above. Its map is rounded to whole numbers, so that there are a few dozen thresholds and
# not a million.

# %%
coarse = np.round(stitched)
coarse_regions, coarse_normal = split_regions([coarse], [mask])


def module_aupro(regions, normal, max_fpr):
    return metrics.aupro([coarse], [mask], max_fpr)


for limit in (0.3, 0.05):
    print(f"limit {limit}:")
    compare(aupro, module_aupro, coarse_regions, coarse_normal, limit)

# %% [markdown]
# Now all tested strips, with every second pixel down and across. **The pixel AUROC of the paper's smoothing will be high. What is
# the pixel AP?**

# %%
predict("06.c", 0.05, 0.5)


# %%
maps, masks = [], []
for fabric, result in results.items():
    for name in np.unique(result["strip"][tested[fabric]]):
        strip_map, strip_mask = map_of_strip(result, name, "scaled")
        maps.append(strip_map[::2, ::2])
        masks.append(strip_mask[::2, ::2])
on_fabric = [~np.isnan(anomaly_map) for anomaly_map in maps]
pixel_labels = np.concatenate([m[rows] for m, rows in zip(masks, on_fabric, strict=True)])
pixel_scores = np.concatenate([m[rows] for m, rows in zip(maps, on_fabric, strict=True)])

# %%
names = np.unique(groups)
strip_scores = np.array([scores[groups == name].max() for name in names])
strip_labels = np.array([labels[groups == name].any() for name in names])
levels = {
    "pixel": (pixel_labels, pixel_scores),
    "tile": (labels, scores),
    "strip": (strip_labels, strip_scores),
}


# %%
print("level     share  AUROC     AP F1-max")
for level, data in levels.items():
    values = [metrics.auroc(*data), metrics.average_precision(*data)]
    values.append(metrics.f1_max(*data)[0])
    columns = " ".join(f"{value:6.3f}" for value in values)
    print(f"{level:6} {data[0].mean():8.2%} {columns}")
reveal("06.c", metrics.average_precision(pixel_labels, pixel_scores))

# %% [markdown]
# Three levels give three results, and none of them is *the* result. Always state the level and the prevalence. The strip-level AP looks high. But most strips of this test are defective, and a random score has that AP. A strip's score is the highest of its tiles: with a
# dozen tiles in it, one false alarm is enough to condemn it.
#
# Now the regions' curve of the same maps, and the area up to both limits.

# %%
regions, normal_pixels = split_regions(maps, masks)
thresholds = np.quantile(normal_pixels, np.linspace(1, 0, 300))
rates = 1 - np.searchsorted(np.sort(normal_pixels), thresholds) / len(normal_pixels)
overlaps = [np.mean([(r >= t).mean() for r in regions]) for t in thresholds]
show(*figures.plot_region_overlap(rates, np.array(overlaps), (0.3, 0.05)))
wide, narrow = metrics.aupro(maps, masks, (0.3, 0.05))
print(f"{len(regions)} regions; AUPRO 0.3: {wide:.3f}, AUPRO 0.05: {narrow:.3f}")

# %% [markdown]
# ### How much smoothing is good?
#
# Section 1 left that open. Measured with every pixel, means over the fabrics (four of AITEX, three of the practice fabric):
#
# | smoothing | AITEX: pixel AP | AITEX: AUPRO 0.3 | practice: AUPRO 0.3 |
# |---|---|---|---|
# | none | {{results/notebook_06.json: aitex.smoothing.px_0.ap: .3f}} | {{results/notebook_06.json: aitex.smoothing.px_0.aupro_30: .3f}} | {{results/notebook_06.json: practice.smoothing.px_0.aupro_30: .3f}} |
# | 4 px | {{results/notebook_06.json: aitex.smoothing.px_4.ap: .3f}} | {{results/notebook_06.json: aitex.smoothing.px_4.aupro_30: .3f}} | {{results/notebook_06.json: practice.smoothing.px_4.aupro_30: .3f}} |
# | 8 px | {{results/notebook_06.json: aitex.smoothing.px_8.ap: .3f}} | {{results/notebook_06.json: aitex.smoothing.px_8.aupro_30: .3f}} | {{results/notebook_06.json: practice.smoothing.px_8.aupro_30: .3f}} |
# | 16 px | {{results/notebook_06.json: aitex.smoothing.px_16.ap: .3f}} | {{results/notebook_06.json: aitex.smoothing.px_16.aupro_30: .3f}} | {{results/notebook_06.json: practice.smoothing.px_16.aupro_30: .3f}} |

#
# With 16 px both measures are lower than with 4 px on each of the seven fabrics, four of AITEX and three of practice fabric. The table shows their means. Between none and 4 px there is little to choose: patches come from
# overlapping receptive fields, so the map is smooth already (notebook 03). So on fabric smooth little, or not at all.

# %% [markdown]
# ## 7. How sure is that?
#
# Suppose other strips had been woven. How far would the AUROC move? We have no others, but we can *play* other samples: draw as many strips as there are, **with replacement**. Some come twice and some not at all. Compute the AUROC, and do this a thousand times. Cut off 1 in 40 at either end: the rest is an interval of 95 %. That is the **bootstrap** (Davison and Hinkley, 1997,
# [doi:10.1017/CBO9780511802843](https://doi.org/10.1017/CBO9780511802843)).
#
# Draw the units that would have been different: *strips*. Their tiles come from the same cloth, day and light.
#
# ### Exercise 06.6: one draw of strips
#
# `groups` (N,) holds for each tile the name of its strip, `rng` is a generator such as `np.random.default_rng(0)`.
# Return the **positions of the tiles** of one draw: draw as many strips as there are distinct names, with replacement. Take *all* tiles of each drawn strip. If a strip is drawn twice, take all its tiles twice. Draw with
# `rng.choice(names, size=...)`, names in the order of `np.unique`. The order of the positions doesn't matter.
#
# With `groups = ["a", "a", "b"]` there are two names. If the draw is "a", "a", return `[0, 1, 0, 1]`. If it is "b", "a", return `[2, 0, 1]`.
#
# *Medium, 10 minutes.* `hint("06.6")`

# %% exercise="06.6"
import numpy as np


def resample_strips(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the positions of the tiles of one draw of whole strips."""
    names = np.unique(groups)
    drawn = rng.choice(names, size=len(names))
    return np.concatenate([np.flatnonzero(groups == name) for name in drawn])


# %%
check("06.6", resample_strips)

# %% [markdown]
# ### Which interval has the stated coverage?
#
# On real fabric the true value is unknown, so no interval can be checked. In a simulation we know it. A mill weaves 20 strips of 12 tiles. Each strip is woven on a different day, which moves the scores of all its tiles. Over all strips that the mill could ever weave, **1 normal tile in 10** lies above the threshold.
# From one delivery we measure that rate, and make two intervals, by strip and by tile. Both claim 95 %. Two hundred deliveries: how often does the interval cover the true rate? `correlation` is the share of the variance that a strip's tiles have in common.
#
# With half of the variance in common: **how many of 100 *tile-level* intervals cover the true rate?**

# %%
predict("06.d", 50, 90, unit="of 100")


# %%
def toy_coverage(correlation, strips=20, tiles=12, deliveries=200):
    """Return the coverage of intervals from resampled strips and from resampled tiles."""
    rng, covered = np.random.default_rng(0), np.zeros(2)
    for _ in range(deliveries):
        days = np.sqrt(correlation) * rng.normal(size=(strips, 1))
        rest = np.sqrt(1 - correlation) * rng.normal(size=(strips, tiles))
        flagged = days + rest > 1.2816  # 1 in 10
        by_strip = flagged.mean(axis=1)[rng.integers(strips, size=(300, strips))]
        by_tile = rng.choice(flagged.ravel(), size=(300, flagged.size))
        for i, resamples in enumerate((by_strip, by_tile)):
            low, high = np.quantile(resamples.mean(axis=1), [0.025, 0.975])
            covered[i] += low <= 0.1 <= high
    return covered / deliveries


CORRELATIONS = (0.0, 0.25, 0.5, 0.75)
toy = np.array([toy_coverage(correlation) for correlation in CORRELATIONS])

# %%
lines = {"strips resampled": toy[:, 0], "tiles resampled": toy[:, 1]}
show(*figures.plot_coverage(CORRELATIONS, lines, confidence=0.95))
reveal("06.d", 100 * toy[CORRELATIONS.index(0.5), 1], unit="of 100")

# %% [markdown]
# If tiles of a strip have nothing in common, both intervals cover the true rate about 9 times in 10. With more in common, the tile-level interval misses the true rate more often, although it claims 95 %: it treats correlated tiles as independent evidence. The coverage of the strip-level interval falls too, though far less. Twenty strips are few, and draws from few units vary too little. So a strip-level interval is still rather too narrow than too wide.
#
# ### The same on fabric
#
# Now the real test tiles, by the module's `bootstrap_interval`. It draws strips with a defect and strips without a defect separately, so every draw has both. Besides AUROC and AP: the share of clean tiles that score above a fixed limit.

# %%
from aitex_utils.metrics import bootstrap_interval

LIMIT = np.quantile(scores[~labels], 0.9)


def flagged_clean(labels, scores):
    """Return the share of clean tiles above the limit."""
    return float((scores[~labels] >= LIMIT).mean())


measures = {"AUROC": metrics.auroc, "AP": metrics.average_precision}
measures["clean tiles flagged"] = flagged_clean
estimates = {name: measure(labels, scores) for name, measure in measures.items()}

# %%
intervals = {"strips": {}, "tiles": {}}
for unit, of_tile in (("strips", groups), ("tiles", np.arange(len(groups)))):
    for name, measure in measures.items():
        ends = bootstrap_interval(measure, labels, scores, of_tile, n_resamples=400)
        intervals[unit][name] = ends
show(*figures.plot_intervals_by_unit(estimates, intervals, label="tile-level measure"))
for name in measures:
    by_strip, by_tile = (np.diff(ends[name])[0] for ends in intervals.values())
    print(f"{name:19}: {by_strip:.4f} wide over strips, {by_tile:.4f} over tiles")

# %% [markdown]
# The rate of false alarms behaves as in the toy: a bad strip brings a dozen of them at once. On AITEX its interval is
# {{results/notebook_06.json: aitex.interval_width.false_alarms.times: .1f}} times as wide by strip
# ({{results/notebook_06.json: aitex.interval_width.false_alarms.strip: .2f}} against
# {{results/notebook_06.json: aitex.interval_width.false_alarms.tile: .2f}}, mean over four fabrics).
#
# The AUROC needn't. There the mean width by strip is {{results/notebook_06.json: aitex.interval_width.auroc.strip: .2f}}, that by tile
# {{results/notebook_06.json: aitex.interval_width.auroc.tile: .2f}}, and by fabric it is all sorts:
#
# | | fabric 00 | 02 | 03 | 06 |
# |---|---|---|---|---|
# | as wide by strip as by tile | {{results/notebook_06.json: aitex.interval_width.auroc.times_by_fabric.00: .1f}} times | {{results/notebook_06.json: aitex.interval_width.auroc.times_by_fabric.02: .1f}} | {{results/notebook_06.json: aitex.interval_width.auroc.times_by_fabric.03: .1f}} | {{results/notebook_06.json: aitex.interval_width.auroc.times_by_fabric.06: .1f}} |
# | defective tiles | {{results/notebook_06.json: aitex.counts.00.defective}} | {{results/notebook_06.json: aitex.counts.02.defective}} | {{results/notebook_06.json: aitex.counts.03.defective}} | {{results/notebook_06.json: aitex.counts.06.defective}} |
# | ... of so many strips | {{results/notebook_06.json: aitex.counts.00.marked_strips}} | {{results/notebook_06.json: aitex.counts.02.marked_strips}} | {{results/notebook_06.json: aitex.counts.03.marked_strips}} | {{results/notebook_06.json: aitex.counts.06.marked_strips}} |
#
# An AUROC's spread comes mostly from the few *defective* tiles. If a strip has several of them, as on 03, their correlation makes the tile-level interval too narrow. If it has one, drawing strips and drawing defects is nearly the same. On 02 the strip-level interval is narrower. A bad day that lifts a strip's clean *and* defective tiles does not change the pairs within the strip. You cannot know beforehand which effect is largest. A draw of strips contains all of them.
#
# And take in how *wide* these intervals are. A table that ranks detectors by differences of a hundredth, on one such fabric, ranks luck. Even the strip-level interval does not include the effect of another fabric, another machine, or another person who drew the masks.

# %% [markdown]
# ## 8. A threshold from normals alone
#
# No defect is at hand when a detector is put to work. We can still require that *at most 1 normal tile in 10 raises an alarm*. So take normal tiles, and put the threshold above nine tenths of them. Two questions remain.
#
# **Whose tiles?** Their scores must be like those to come.
#
# **Which rank?** Take $n$ scores of normals and one new normal. If all $n+1$ are drawn alike, the new score is equally likely to be at any place among them. So it lies above the $k$-th smallest of the $n$ with a probability of at most $1 - \frac{k}{n+1}$, and for a rate $r$
#
# $$k = \lceil (n+1)(1-r) \rceil .$$
#
# If $k > n$, there are too few scores for such a promise: the threshold is infinite. This holds for any distribution of the scores. The idea is called *conformal prediction* (Vovk, Gammerman and Shafer, 2005, [doi:10.1007/b106715](https://doi.org/10.1007/b106715)).
#
# ### Exercise 06.7: the threshold
#
# You get scores of three groups of tiles. `fitted` are normal tiles that are in the memory bank. `held_out` are normal tiles of other strips. `today` are the tiles to be tested, without labels. Choose whose scores to use, and return the score of rank $k$ among
# them. **Here the rule changes**: a score strictly *above* it raises the alarm, an equal score does not. $k$ counts from 1. If $k > n$,
# return `math.inf`.
#
# Seven scores `1, 1.5, 2, 3, 4, 6, 9` and `false_alarm_rate = 0.25`: $k = \lceil 8 \cdot 0.75 \rceil = 6$, the sixth smallest is 6.
#
# *Medium, 15 minutes.* `hint("06.7")`

# %% exercise="06.7"
import math

import numpy as np


def alarm_threshold(
    fitted: np.ndarray,
    held_out: np.ndarray,
    today: np.ndarray,
    false_alarm_rate: float,
) -> float:
    """Return the score above which at most that share of new normal tiles will lie."""
    rank = math.ceil((len(held_out) + 1) * (1 - false_alarm_rate))
    if rank > len(held_out):
        return math.inf
    return float(np.sort(held_out)[rank - 1])


# %%
check("06.7", alarm_threshold)

# %% [markdown]
# The module's rule is score >= threshold, so its threshold is the next larger float (`np.nextafter`): the same to all
# digits shown.


# %%
def module_threshold(fitted, held_out, today, false_alarm_rate):
    return metrics.conformal_threshold(held_out, false_alarm_rate)


parts = [result["scaled"][result["calibration"]] for result in results.values()]
calibration_scores = max_score(np.concatenate(parts))
arguments = (scores[:20], calibration_scores, scores, 0.1)
compare(alarm_threshold, module_threshold, *arguments)

# %% [markdown]
# ### The false-alarm rate on new strips
#
# For each fabric five normal strips were not fitted on. Three of them give a threshold for a rate of 10 %. How many tiles of the *other two* raise an alarm? There are ten ways to choose three of five, so thirty tries. Beside them, two shortcuts: a threshold from the 20
# **fitted** tiles, and one from **other tiles** of the three training strips.
#
# With a threshold from the fitted tiles: **how many per cent of new normal tiles will raise an alarm, in the mean?**

# %%
predict("06.e", 15, 80, unit="%")

# %%
from itertools import combinations

RATE = 0.1
rates = {"fitted tiles": [], "same strips": [], "other strips": []}
for result in results.values():
    names = [name for name in np.unique(result["strip"]) if by_name[name].is_normal]
    clean = {n: max_score(result["distances"][result["strip"] == n]) for n in names}
    fitted, same_strips = result["known_scores"][:20], result["known_scores"][20:]
    for chosen in combinations(names, 3):
        new = np.concatenate([clean[name] for name in names if name not in chosen])
        others = np.concatenate([clean[name] for name in chosen])
        for source, known in zip(rates, (fitted, same_strips, others), strict=True):
            threshold = metrics.conformal_threshold(known, RATE)
            rates[source].append((new >= threshold).mean())

# %%
show(*figures.plot_false_alarm_rates(rates, promised=RATE))
reveal("06.e", 100 * np.mean(rates["fitted tiles"]), unit="%")

# %% [markdown]
# - **Fitted tiles** lie near to themselves, for the bank was chosen among their patches. The threshold is far too low.
# - **Same strips** means new tiles of training strips. Their threshold is better the less strips differ.
# - **Other strips** have the stated rate *in the mean*, as far as so few strips show. Look at the spread, though. The rule assumes exchangeable scores, and tiles of three strips and of a fourth are not quite exchangeable. On a single pair of strips the rate can be far off, in both directions. Many strips with few
#   tiles each make a better threshold than few strips with many. (And the thirty tries share their strips: they aren't thirty independent witnesses.)
#
# Results on AITEX for a stated rate of 5 %, mean over four fabrics:
# - a threshold from fitted tiles has a rate of {{results/notebook_06.json: aitex.false_alarms.at_05.fit: .1%}};
# - from other tiles of the same strips {{results/notebook_06.json: aitex.false_alarms.at_05.same_strips: .1%}};
# - from other strips {{results/notebook_06.json: aitex.false_alarms.at_05.strips: .1%}} (4 of 5 tries between
#   {{results/notebook_06.json: aitex.false_alarms.at_05.strips_lowest: .1%}} and
#   {{results/notebook_06.json: aitex.false_alarms.at_05.strips_highest: .1%}}).
#
# The last threshold finds {{results/notebook_06.json: aitex.false_alarms.at_05.recall: .0%}} of the defective tiles. It also flags
# {{results/notebook_06.json: aitex.false_alarms.at_05.clean_of_defective: .0%}} of the *clean* tiles of **defective** strips. These strips were
# recorded on other days than the normal strips, or have unmarked defects. The stated rate applies to fabric like the calibration set, and to no other.

# %% [markdown]
# ## 9. Splits that leak
#
# Every figure above rests on what was kept apart. Notebook 01 measured the best-known leak, tiles of one strip in fit and test. The others
# are quieter:
#
# | what is done | what leaks |
# |---|---|
# | tiles of one strip in fit and test | the strip's day and light (notebook 01) |
# | overlapping tiles, one in fit, one in test | the very pixels |
# | layers, size, smoothing chosen on the test set | the answers, through your choices |
# | threshold by F1-max on the test set | the answers, through the threshold |
# | normal scale or unit from the test set | the share of defects |
# | only tiles of normal strips as negatives | the day on which defective strips were photographed |
#
# The last one can be measured here:

# %%
on_normal_strip = np.array([by_name[name].is_normal for name in groups])
for negatives, rows in (
    ("all strips", np.full(len(labels), True)),
    ("normal strips", labels | on_normal_strip),
):
    area = metrics.auroc(labels[rows], scores[rows])
    print(f"clean tiles of {negatives:13}: AUROC {area:.3f}")

# %% [markdown]
# On AITEX, mean over four fabrics: {{results/notebook_06.json: aitex.tile_auroc.mean: .3f}}
# ({{results/notebook_06.json: aitex.tile_auroc.low: .3f}} to {{results/notebook_06.json: aitex.tile_auroc.high: .3f}}) with clean tiles of all strips, and
# {{results/notebook_06.json: aitex.tile_auroc_normal_strips.mean: .3f}} ({{results/notebook_06.json: aitex.tile_auroc_normal_strips.low: .3f}} to
# {{results/notebook_06.json: aitex.tile_auroc_normal_strips.high: .3f}}) with clean tiles of normal strips only. One detector, two results. The second result in part measures how well the detector distinguishes days.

# %% [markdown]
# ## 10. A gallery of failures
#
# Rates say how often a detector fails. To see *why*, look at the images. The threshold comes from the calibration set, for a rate of 10 %, with all fabrics together in their units. First the defective tiles with the lowest scores, one of each strip.

# %%
threshold = metrics.conformal_threshold(calibration_scores, RATE)
tiles, tile_masks = of_tested_tiles("tiles"), of_tested_tiles("masks")
corners = of_tested_tiles("corners")
tile_maps = anomaly_maps(of_tested_tiles("scaled"), (256, 256), 4)
flagged = scores >= threshold
print(
    f"Threshold {threshold:.2f}: of {labels.sum()} defective tiles "
    f"{np.sum(flagged & labels)} are found,\n"
    f"of {np.sum(~labels)} clean tiles {np.sum(flagged & ~labels)} are flagged."
)


# %%
def show_gallery(rows):
    """Show tiles with their maps and scores."""
    titles = [f"{i + 1}. {groups[r]}\nscore {scores[r]:.2f}" for i, r in enumerate(rows)]
    images = tiles[rows], tile_maps[rows], tile_masks[rows]
    show(*figures.plot_gallery(*images, titles, threshold=threshold))


# %%
from aitex_utils.lessons.nb06.descriptions import contrast, describe_alarm, describe_miss


def first_of_each_strip(rows, most=5):
    """Return the first tile of each strip among `rows`, at most five."""
    _, first_places = np.unique(groups[rows], return_index=True)
    return rows[np.sort(first_places)[:most]]


def in_lines(number, description):
    """Return a numbered description with one part per line."""
    return f"{number}. " + description.replace("; ", ";\n   ")


# %%
missed = first_of_each_strip(np.flatnonzero(labels)[scores[labels].argsort()])
show_gallery(missed)
for i, row in enumerate(missed):
    data = tiles[row], tile_masks[row], tile_maps[row]
    print(in_lines(i + 1, describe_miss(by_name[groups[row]].defect, *data)))

# %% [markdown]
# And the clean tiles with the highest scores, one of each strip. They are compared with the calibration tiles: is the light different, are the threads farther apart, is a defect near by?


# %%
def distance_to_defect(row):
    """Return the distance in px from a tile's highest point to the nearest marked pixel."""
    strip = by_name[groups[row]]
    if strip.is_normal:
        return None
    marked = np.argwhere(strip.read_mask())
    peak = np.unravel_index(tile_maps[row].argmax(), (256, 256)) + corners[row]
    return float(np.linalg.norm(marked - peak, axis=1).min())


# %%
alarms = first_of_each_strip(np.flatnonzero(~labels)[scores[~labels].argsort()[::-1]])
show_gallery(alarms)
for i, row in enumerate(alarms):
    result = results[by_name[groups[row]].fabric]
    typical = result["tiles"][result["calibration"]]
    place = {"defect_distance": distance_to_defect(row), "threshold": threshold}
    print(in_lines(i + 1, describe_alarm(tiles[row], tile_maps[row], typical, **place)))

# %% [markdown]
# Two kinds to look out for. Where **all** of a map is above the threshold, the strip was woven or photographed differently. The detector is right that this strip is unlike the normal strips, and no threshold on a map fixes that. Normal strips of that kind in the memory bank do. Where the highest point lies at a tile's
# **edge**, remember notebook 03: padding changes the patches there, and overlapping tiles (notebook 01) put each place inside a tile once.
#
# The first kind can come in crowds: a strip that is unlike the normal strips raises alarms on most of its tiles. How many of the false alarms come from how few strips?

# %%
names, counts = np.unique(groups[flagged & ~labels], return_counts=True)
most = counts.argsort()[::-1][:3]
for name, count in zip(names[most], counts[most], strict=True):
    print(f"{name}: {count} of its {np.sum((groups == name) & ~labels)} clean tiles")
print(f"all others: {counts.sum() - counts[most].sum()} clean tiles")

# %% [markdown]
# Are these five typical? Detected and missed defects side by side, in the median:

# %%
sizes = tile_masks.sum(axis=(1, 2))
print("defects  tiles  marked px  contrast")
for name, rows in (("found", labels & flagged), ("missed", labels & ~flagged)):
    if not rows.any():
        print(f"{name:7} {0:6}          -         -")
        continue
    median_contrast = np.median([contrast(tiles[r], tile_masks[r]) for r in np.flatnonzero(rows)])
    print(f"{name:7} {rows.sum():6} {np.median(sizes[rows]):10,.0f} {median_contrast:9.1f}")

# %% [markdown]
# Contrast is how far the marked pixels' mean grey lies from the mean grey around them, in spreads of the fabric there. Whatever you find in your own gallery, ask in
# this order: is the **mask** right? Is a piece of the defect at the tile's **edge**, where another tile has more of it? Is a false alarm an **unmarked defect**? Only then: what doesn't the detector see?

# %% [markdown]
# ## 11. False alarms per hour
#
# A factory does not ask for an AUROC, but for the number of alarms per hour. Take a machine with the numbers below (made up, put in your own). **With a threshold for 1 false alarm in 10 tiles: how many false alarms an hour, in thousands?**

# %%
MM_PER_PX, WIDTH_M, METRES_PER_MINUTE = 0.1, 1.5, 20
tile_area = (256 * MM_PER_PX / 1000) ** 2  # square metres
tiles_per_100_m = 100 * WIDTH_M / tile_area
tiles_per_hour = tiles_per_100_m * METRES_PER_MINUTE * 60 / 100

# %%
predict("06.f", 1, 500, unit="thousand")

# %%
reveal("06.f", RATE * tiles_per_hour / 1000, unit="thousand")
print(f"{tiles_per_hour:,.0f} tiles an hour, {tiles_per_100_m:,.0f} in 100 m.")
print(f"For one false alarm in 100 m the rate must be {1 / tiles_per_100_m:.1e},")
print(f"and to promise that by section 8 it takes {tiles_per_100_m - 1:,.0f} normal tiles.")

# %% [markdown]
# *1 in 10* sounded modest. So a detector for a mill works far to the left on all curves, where a test of a few hundred tiles says nothing. If none of $n$ normal tiles raises an alarm, the rate might still be as high as about $3/n$. At that rate $r$ such a result has a probability of $(1-r)^n \approx 0.05$. This bound assumes independent tiles. Tiles of a strip are correlated, so the test says even less.

# %%
thresholds = np.unique(scores)[::-1]
recall = np.array([(scores[labels] >= t).mean() for t in thresholds])
false_rate = np.array([(scores[~labels] >= t).mean() for t in thresholds])
smallest_rate = 3 / np.sum(~labels)  # that this test can exclude
limit = {"smallest_measurable": smallest_rate * tiles_per_100_m, "per": "100 m"}
show(*figures.plot_operating_curve(false_rate * tiles_per_100_m, recall, **limit))

# %% [markdown]
# ### What does a miss cost?
#
# The second question. A false alarm costs a glance, and a miss costs a customer. Say there is one defect in 100 m, a false alarm
# costs 1, and a miss costs so many times as much. Which threshold is cheapest? Where the test is blind we take the worst that it
# can't exclude. *Never* means: the alarms would cost more than all that they find.

# %%
false_alarms = np.maximum(false_rate, smallest_rate) * tiles_per_100_m
print("a miss costs  flag from  found   alarms")
for price in (1_000, 10_000, 100_000, 1_000_000):
    cost = (1 - recall) * price + false_alarms
    i = int(cost.argmin())
    if cost[i] >= price:  # to miss every defect costs less
        print(f"{price:12,}      never: too dear")
    else:
        columns = f"{thresholds[i]:10.2f} {recall[i]:6.0%} {false_alarms[i]:8,.0f}"
        print(f"{price:12,} {columns}")
print(f"In 100 m there are {tiles_per_100_m:,.0f} tiles. With nearly as many")
print("alarms you look at nearly every tile.")

# %% [markdown]
# The best threshold of one detector depends on the price. These thresholds were chosen on the test set with its labels, so they show the trend and are not for use. Several measures lower the rate in practice. Raise an alarm only if neighbouring tiles agree. Join alarms of one place into one. Look at the same place twice. Have a person sort the first thousand alarms, which gives you labels.

# %% [markdown]
# ## 12. Five remedies for fabric
#
# The detector above is the paper's, and it isn't good. PatchCore has a poor name on AITEX: in a published table it stands far below methods
# that saw ten defects (Zhu et al., 2024, [arXiv 2310.12790](https://arxiv.org/abs/2310.12790)). The gallery showed some of the causes, and others were seen on AITEX. Each has a remedy:
#
# | problem | cause | remedy |
# |---|---|---|
# | thin defects are missed | a thread is two or three pixels wide, and a patch sees a dozen threads | tiles are enlarged to 448 px |
# | alarms at the edges of tiles | the network sees zeros beyond them (notebook 03) | borders are mirrored, and each distance is divided by the typical distance at its position, from normal tiles (**position-wise normalisation**) |
# | defects are cut in two | each tile is seen by itself | the strip is seen **whole**, without edges between tiles |
# | a sharp map varies on normal fabric, a smooth map blurs | patches pooled over 3 x 3 positions are steady, unpooled patches show where a thread ends (notebook 03) | a whole strip has **both kinds of patches**, each with its own memory bank, and the two distances are multiplied, so both must be large for a high score |
# | a strip raises alarms everywhere, or more and more towards one end | another day, another light | the typical distance around each place of *this* strip is subtracted (**background subtraction**) |
#
# The last remedy changes the question. It is no longer *how far is this place from all normal patches?* but *how much does it differ from its own strip?* First each column of a strip's map gets one number, its lower quartile. The median of these numbers over a window two tiles wide is subtracted from the column. Then the same is done with rows, with a window a quarter of a tile high. A defect remains if it is narrower than a tile. If it runs along the strip, it remains if its height is less than an eighth of a tile. Light that lies over the whole strip, or drifts along it, is gone. This step uses the tested strip alone, no other test strip and no label.
#
# We add the remedies one after the other, on the strips of one fabric, with clean tiles of all of them as negatives. **By how much does the tile
# AUROC rise, from the first to the last?**

# %%
predict("06.g", 0.0, 0.25)

# %%
from aitex_utils import crop_to_fabric

normal, defective = by_fabric[FABRICS[0]]
training_strips, test_strips = normal[::3], [*normal[1::3][:2], *defective[:4]]


def fit_tiles(recipe):
    """Return a detector fitted on the tiles of three normal strips."""
    tiles = [tile_fabric(s.read())[0] for s in training_strips]
    return PatchCore(**recipe, seed=0).fit(np.concatenate(tiles))


def fit_strips(recipe):
    """Return a detector fitted on three normal strips, each as a whole."""
    fabrics = [crop_to_fabric(s.read())[0] for s in training_strips]
    return PatchCore(**recipe, seed=0).fit_strips(fabrics)


# %% [markdown]
# Four times some ten seconds, kept for a second run.

# %%
RECIPES = {  # a background_quantile of None subtracts no background
    "the paper's": (fit_tiles, PAPER),
    "+ 448 px, reflect, normalised": (fit_tiles, {"background_quantile": None}),
    "+ strips whole": (fit_strips, {"background_quantile": None, "pooling": 3}),
    "+ pooled and not, multiplied": (fit_strips, {"background_quantile": None}),
}


# %%
def strip_maps(name):
    """Return the maps of the six strips by one recipe, from the cache."""
    fit, recipe = RECIPES[name]

    def predict_maps():
        detector = fit(recipe)
        predictions = [detector.predict_strip(s.read()) for s in test_strips]
        return {str(i): prediction.map for i, prediction in enumerate(predictions)}

    entry = f"06_recipe_{list(RECIPES).index(name)}_{profile()}"
    ingredients = {"data": root, "code": (fit, PatchCore), "recipe": recipe}
    maps = cached(entry, predict_maps, **ingredients)
    return [maps[str(i)] for i in range(len(test_strips))]


# %%
from aitex_utils.calibration import subtract_background

maps_by_recipe = {name: strip_maps(name) for name in RECIPES}
last = maps_by_recipe["+ pooled and not, multiplied"]
# The last recipe is PatchCore() with its default arguments.
maps_by_recipe["+ background subtracted"] = [subtract_background(m, 0.25) for m in last]

# %%
strip_corners = [tile_fabric(s.read())[1] for s in test_strips]


def in_tiles(images):
    """Return the tiles of all test strips, cut from their maps or masks."""
    pairs = zip(images, strip_corners, strict=True)
    return np.concatenate([crop_tiles(image, corners) for image, corners in pairs])


tile_truth = tile_labels(in_tiles([s.read_mask() for s in test_strips]))
auroc_by_recipe = {}
for name, maps in maps_by_recipe.items():
    auroc_by_recipe[name] = metrics.auroc(tile_truth, in_tiles(maps).max(axis=(1, 2)))
    print(f"{name:29} tile AUROC {auroc_by_recipe[name]:.3f}")
reveal("06.g", auroc_by_recipe["+ background subtracted"] - auroc_by_recipe["the paper's"])

# %% [markdown]
# These are other strips, scored by the maximum of a smoothed map, so the first result differs from section 3. On the practice fabric all strips hang in nearly the same light, so the last steps have little effect there. On six strips differences of a hundredth are chance (section 7). On AITEX the last steps decide for clean tiles of defective strips (below). Here is the same strip with the first recipe and with the last, each on its own scale, because their units differ:

# %%
shown = next(i for i, s in enumerate(test_strips) if not s.is_normal)
strip = test_strips[shown]
for name in ("the paper's", "+ background subtracted"):
    anomaly_map, title = maps_by_recipe[name][shown], f"{strip.id}, {name}"
    lowest, highest = float(np.nanmin(anomaly_map)), float(np.nanmax(anomaly_map))
    scale = max(0.0, lowest) if highest > 0 else lowest, highest
    show(*plot_strip(strip.read(), anomaly_map, strip.read_mask(), title=title, scale=scale))

# %% [markdown]
# On AITEX, split by strip, mean over four fabrics (95 % intervals over strips in brackets). *The paper's recipe* is here enlarged to 320 px, as it was run on AITEX elsewhere. Up to section 11 tiles had their 256 px. *anomalib* is the best-known library's PatchCore with the same network and weights. It keeps a hundredth of the patches, because a tenth would take it hours. It ran on one split, the others on two:
#
# | | the paper's recipe, 320 px | anomalib, 320 px | `PatchCore()` |
# |---|---|---|---|
# | tile AUROC, clean tiles of normal strips | {{results/accuracy_c.json: detectors.paper.mean.tile_auroc: .3f}} | {{results/accuracy_c.json: detectors.anomalib.mean.tile_auroc: .3f}} | {{results/accuracy_c.json: detectors.ours.mean.tile_auroc: .3f}} ({{results/accuracy_c.json: detectors.ours.mean.intervals.tile_auroc.0: .3f}} to {{results/accuracy_c.json: detectors.ours.mean.intervals.tile_auroc.1: .3f}}) |
# | tile AUROC, all clean tiles | {{results/accuracy_c.json: detectors.paper.mean.tile_auroc_c2: .3f}} | {{results/accuracy_c.json: detectors.anomalib.mean.tile_auroc_c2: .3f}} | {{results/accuracy_c.json: detectors.ours.mean.tile_auroc_c2: .3f}} ({{results/accuracy_c.json: detectors.ours.mean.intervals.tile_auroc_c2.0: .3f}} to {{results/accuracy_c.json: detectors.ours.mean.intervals.tile_auroc_c2.1: .3f}}) |
# | pixel AP | {{results/accuracy_c.json: detectors.paper.mean.pixel_ap: .3f}} | {{results/accuracy_c.json: detectors.anomalib.mean.pixel_ap: .3f}} | {{results/accuracy_c.json: detectors.ours.mean.pixel_ap: .3f}} |
# | strip AUROC | {{results/accuracy_c.json: detectors.paper.mean.strip_auroc: .3f}} | {{results/accuracy_c.json: detectors.anomalib.mean.strip_auroc: .3f}} | {{results/accuracy_c.json: detectors.ours.mean.strip_auroc: .3f}} |
#
# Why do two PatchCores with one network differ so? Where a patch is pooled at a tile's border, ours averages the positions that exist. anomalib counts zeros beyond, which damps the alarms there. With that line changed, ours comes within about a hundredth of its tile AUROC on 00 and 02 (a row of the ablation in `benchmarks/README.md`).
#
# So PatchCore does work on AITEX. Before you cheer: the choices were made on the fabrics 00 and 02, and there the tile AUROC (clean tiles of normal strips) rose from
# {{results/accuracy_c.json: detectors.paper.mean_chosen.tile_auroc: .3f}} to {{results/accuracy_c.json: detectors.ours.mean_chosen.tile_auroc: .3f}}. On 03 and 06, which confirm, it rose from
# {{results/accuracy_c.json: detectors.paper.mean_confirming.tile_auroc: .3f}} to {{results/accuracy_c.json: detectors.ours.mean_confirming.tile_auroc: .3f}}. The second is nearer to what to expect elsewhere.
# It is only nearer, because 03 and 06 are not untouched either. Notebooks had measured sizes, layers and pooling of the paper's recipe on 03. We saw on the normal strips of 03 that drifting light raises alarms, before the remedy was tried on 00 and 02. Each time you improve a detector on a test set, you use that test set up.
#
# And beside anomalib the lead comes from 00 and 02. On 03 and 06 these strips do not distinguish the two. Both ran on one split. There the difference (ours - anomalib) is {{results/accuracy_c.json: ours_minus_confirming.anomalib.tile_auroc.0: +.3f}} ({{results/accuracy_c.json: ours_minus_confirming.anomalib.tile_auroc.1: +.3f}} to {{results/accuracy_c.json: ours_minus_confirming.anomalib.tile_auroc.2: +.3f}}) with clean tiles
# of normal strips, and {{results/accuracy_c.json: ours_minus_confirming.anomalib.tile_auroc_c2.0: +.3f}} ({{results/accuracy_c.json: ours_minus_confirming.anomalib.tile_auroc_c2.1: +.3f}} to {{results/accuracy_c.json: ours_minus_confirming.anomalib.tile_auroc_c2.2: +.3f}}) with all clean tiles.
#
# | 03 and 06 alone | the paper's recipe, 320 px | anomalib, 320 px | `PatchCore()` |
# |---|---|---|---|
# | tile AUROC, clean tiles of normal strips | {{results/accuracy_c.json: detectors.paper.mean_confirming.tile_auroc: .3f}} | {{results/accuracy_c.json: detectors.anomalib.mean_confirming.tile_auroc: .3f}} | {{results/accuracy_c.json: detectors.ours.mean_confirming.tile_auroc: .3f}} |
# | tile AUROC, all clean tiles | {{results/accuracy_c.json: detectors.paper.mean_confirming.tile_auroc_c2: .3f}} | {{results/accuracy_c.json: detectors.anomalib.mean_confirming.tile_auroc_c2: .3f}} | {{results/accuracy_c.json: detectors.ours.mean_confirming.tile_auroc_c2: .3f}} |
# | pixel AP | {{results/accuracy_c.json: detectors.paper.mean_confirming.pixel_ap: .3f}} | {{results/accuracy_c.json: detectors.anomalib.mean_confirming.pixel_ap: .3f}} | {{results/accuracy_c.json: detectors.ours.mean_confirming.pixel_ap: .3f}} |
# | strip AUROC | {{results/accuracy_c.json: detectors.paper.mean_confirming.strip_auroc: .3f}} | {{results/accuracy_c.json: detectors.anomalib.mean_confirming.strip_auroc: .3f}} | {{results/accuracy_c.json: detectors.ours.mean_confirming.strip_auroc: .3f}} |
#
# Which of the choices matter, one at a time, on 00 and 02? The difference to the tile AUROC of `PatchCore()`, and its interval, first fitted and tested on single tiles:
#
# | without | difference |
# |---|---|
# | position-wise normalisation | {{results/ablation.json: B."without position-wise normalisation".minus_ours.tile_auroc.0: +.3f}} ({{results/ablation.json: B."without position-wise normalisation".minus_ours.tile_auroc.1: +.3f}} to {{results/ablation.json: B."without position-wise normalisation".minus_ours.tile_auroc.2: +.3f}}) |
# | 448 px (256 px instead) | {{results/ablation.json: B."256 px, tiles not resized".minus_ours.tile_auroc.0: +.3f}} ({{results/ablation.json: B."256 px, tiles not resized".minus_ours.tile_auroc.1: +.3f}} to {{results/ablation.json: B."256 px, tiles not resized".minus_ours.tile_auroc.2: +.3f}}) |
# | mirrored borders | {{results/ablation.json: B."zero padding".minus_ours.tile_auroc.0: +.3f}} ({{results/ablation.json: B."zero padding".minus_ours.tile_auroc.1: +.3f}} to {{results/ablation.json: B."zero padding".minus_ours.tile_auroc.2: +.3f}}) |
# | greedy choice (at random instead) | {{results/ablation.json: B."random subset 5 %".minus_ours.tile_auroc.0: +.3f}} ({{results/ablation.json: B."random subset 5 %".minus_ours.tile_auroc.1: +.3f}} to {{results/ablation.json: B."random subset 5 %".minus_ours.tile_auroc.2: +.3f}}) |
#
# Then split by strip and seen whole, with all clean tiles as negatives:
#
# | without | difference |
# |---|---|
# | strips seen whole (tile by tile instead) | {{results/ablation.json: C."tile by tile".minus_ours.tile_auroc_c2.0: +.3f}} ({{results/ablation.json: C."tile by tile".minus_ours.tile_auroc_c2.1: +.3f}} to {{results/ablation.json: C."tile by tile".minus_ours.tile_auroc_c2.2: +.3f}}) |
# | both ways of pooling (pooled alone) | {{results/ablation.json: C."pooled branch only".minus_ours.tile_auroc_c2.0: +.3f}} ({{results/ablation.json: C."pooled branch only".minus_ours.tile_auroc_c2.1: +.3f}} to {{results/ablation.json: C."pooled branch only".minus_ours.tile_auroc_c2.2: +.3f}}) |
# | both ways of pooling (no pooling alone) | {{results/ablation.json: C."unpooled branch only".minus_ours.tile_auroc_c2.0: +.3f}} ({{results/ablation.json: C."unpooled branch only".minus_ours.tile_auroc_c2.1: +.3f}} to {{results/ablation.json: C."unpooled branch only".minus_ours.tile_auroc_c2.2: +.3f}}) |
# | background subtraction | {{results/ablation.json: C."no background subtraction".minus_ours.tile_auroc_c2.0: +.3f}} ({{results/ablation.json: C."no background subtraction".minus_ours.tile_auroc_c2.1: +.3f}} to {{results/ablation.json: C."no background subtraction".minus_ours.tile_auroc_c2.2: +.3f}}) |
#
# Multiplying the two distances beats pooled patches alone. These strips do not show whether it beats unpooled patches alone.
#
# The remedies interact. With position-wise normalisation, mirrored borders add little. A random subset then does about as well as greedy sampling, which was so clearly better with the paper's recipe (notebook 04). The whole list, with the changes that did not help, is in `benchmarks/README.md`. A remedy can also do harm: a high defect that runs along most of a strip is in the quartiles of all rows around it, so it is subtracted. One strip of fabric 03 has such a defect, marked some seventy rows high, and on that fabric the pixel AUROC fell.

# %% [markdown]
# ## Summary
#
# Distances become a map by resizing and a little smoothing, and a score by a maximum or a similar statistic. Equation 7 uses the neighbours of the bank's vector, and its variant the neighbours of the patch. On a coreset neither changes much. AUROC is a share of pairs and does not depend on the prevalence. AP and F1-max do, and AUPRO gives each region the same weight. Report each of them together with its level and the prevalence. Tiles of a strip are correlated, so intervals come from resampling strips, and they are wide. A threshold needs normal tiles only, from strips outside the training set. Its rate holds in the mean over similar strips. After all these results, look at the failures and fix their causes. Count in alarms per hour.
#
# ### Quiz
#
# **1.** A detector is tried on a second test set with the same defects and ten times as many normal tiles of the same kind. What happens?
#
# - a) AUROC and AP both fall.
# - b) AUROC stays, AP falls.
# - c) AUROC rises, AP stays.

# %%
quiz("06.q1", "b")

# %% [markdown]
# <details><summary>Answer</summary>
# b. The share of right pairs stays. At each threshold there are ten times as many false alarms for the same hits.
# </details>
#
# **2.** Equation 7 and the variant differ in one thing. Which?
#
# - a) Whose neighbours are in the denominator: the neighbours of the bank's vector m*, or of the patch.
# - b) Equation 7 takes squared distances.
# - c) Equation 7 reweights each patch, the variant only the worst one.

# %%
quiz("06.q2", "a")

# %% [markdown]
# <details><summary>Answer</summary>
# a. The exponents are distances from the patch both times.
# </details>
#
# **3.** A threshold was chosen so that F1 is best on the test tiles. What is that F1 worth?
#
# - a) It is what to expect tomorrow.
# - b) It is too high for tomorrow: the threshold was chosen with the answers in sight.
# - c) It is too low, since other thresholds would do better.

# %%
quiz("06.q3", "b")

# %% [markdown]
# <details><summary>Answer</summary>
# b. It compares detectors on one test set, and nothing else.
# </details>
#
# **4.** Twenty strips of a dozen tiles each were tested. Redrawing single tiles gives a narrow interval of the false-alarm rate. Why can't you report that one?
#
# - a) Because redrawing repeats some tiles and leaves out others.
# - b) Because tiles of a strip are alike, so that there is less to learn from them than from as many tiles of different strips.
# - c) Because tiles of a strip differ, and the interval by tile leaves out how much.

# %%
quiz("06.q4", "b")

# %% [markdown]
# <details><summary>Answer</summary>
# b. The strips would be different next time.
# </details>
#
# **5.** Why does AUPRO take the mean over regions, and not the share of all defect pixels found?
#
# - a) So that a small defect counts as much as a large one.
# - b) So that it is quicker to compute.
# - c) So that it doesn't depend on the false-positive rate.

# %%
quiz("06.q5", "a")

# %% [markdown]
# <details><summary>Answer</summary>
# a. With pooled pixels one large region outweighs many small ones.
# </details>
#
# **6.** A threshold from held-out normal tiles promises one false alarm in ten tiles. On a new strip it raises three. Is the promise broken?
#
# - a) Yes, it should be 1 in 10 on each strip.
# - b) Not by that alone: it holds in the mean over strips like those that it came from.
# - c) No, since no threshold can promise anything.

# %%
quiz("06.q6", "b")

# %% [markdown]
# <details><summary>Answer</summary>
# b. Whether the new strip is like those is the question to ask.
# </details>
#
# ### How sure were you?

# %%
calibration()

# %% [markdown]
# **Next**: notebook 09, where an autoencoder takes the same test. To read: section 3.3 of the PatchCore paper ([arXiv 2106.08265](https://arxiv.org/abs/2106.08265)) on scores and maps. `aitex_utils/metrics.py` has your formulas in a form for millions of pixels. Saito and Rehmsmeier on precision and recall are linked above.
