# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 00 Start here
#
# *{{version}}.*
#
# You will run PatchCore from beginning to end. It learns from normal fabric only, and it finds defects of kinds that it
# has never seen.
#
# **You will be able to**
# 1. distinguish a *tile* from a *patch*, and count the patches in a set of tiles: exercise 00.1;
# 2. compute the anomaly score of a patch from a memory bank: exercise 00.2;
# 3. read anomaly maps and report the defects of strips: the open task;
# 4. judge a detector by its scores and choose a threshold: the exercise *read the figure and decide*.
#
# **You need to know** some Python and NumPy, and roughly what a convolutional network is. You do not need a GPU.
#
# **Contents**
#
# {{contents}}
#
# **Time**: about {{minutes}} for you, including the exercises, and {{cost}} for the computer. The first run takes up to
# 30 seconds more, because it generates the practice fabric.
#
# **Kernel.** A kernel is the Python process that runs the cells. If you opened JupyterLab with `python course.py lab`,
# the course's kernel is already selected. In VS Code, click **Select Kernel** at the top right and choose `.venv`.
# In JupyterLab, click the kernel's name at the top right to change it.
#
# Run the cells from the top down, each with <kbd>Shift</kbd>+<kbd>Enter</kbd>.

# %% [markdown]
# ## 1. A strip of fabric with a defect
#
# A weaving mill photographs its fabric in long **strips**, 256 px high and 4,096 px wide. Nearly all strips are
# **normal**: they have no defect. Defects are rare and varied, for example a broken thread, a knot or an oil stain. The
# mill cannot collect examples of every future defect, but it has plenty of normal fabric.
#
# So the task of this course is: **learn from normal fabric only, then find everything that differs from it.** This task
# is called **anomaly detection**.
#
# The strips here are **practice fabric**, which the course generates on your computer. It imitates AITEX, a public data
# set of real fabric. The same notebooks run on real strips if AITEX is on your disk and you set the environment
# variable `AITEX_PROFILE=full`.

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils import tile_fabric
from aitex_utils.lessons.nb00.setup import load_strips
from aitex_utils.plots import plot_image, plot_tiles, show

strips = load_strips()
print(strips.describe())
example = strips.defective[0]
show(*plot_image(example.read(), title=f"Strip {example.id}, with a defect to find"))

# %% [markdown]
# The strip contains at least one defect. Look for it before you go on. The bright area at the left end is the bed of
# the machine, not fabric, so the detector must ignore it.
#
# The first line of this cell says *Start here again after a restart*. A restart of the kernel deletes all variables.
# Each section with code begins with such a cell, which loads everything that the section needs. So after a restart, you
# can continue from this cell of your section, without running the earlier sections again. Alternatively, select the
# cell at which you stopped, and choose **Run All Above Selected Cell** in the menu **Run** of JupyterLab. In VS Code,
# this is **Execute Above Cells**.
#
# The place of the defect is stored in a second image, the **ground-truth mask**. For AITEX, people drew the masks by
# hand. For the practice fabric, the program that adds the defect also writes the mask. **The detector never sees a
# mask.** We use masks only to judge the detector.

# %%
example_mask = example.read_mask()
show(*plot_image(example.read(), example_mask, title=f"Strip {example.id}, {example.defect} outlined"))

# %% [markdown]
# The outlines surround all defective pixels. The caption states their first and last column, but the fabric between two
# outlines is normal. So most of this defective strip is normal fabric.
#
# A strip is cut into **tiles** of 256 x 256 px. `tile_fabric` leaves out the machine bed and the **selvage**, the woven
# edge of the fabric.

# %%
example_tiles, example_corners = tile_fabric(example.read())
titles = [f"column {column:,}" for _, column in example_corners]
show(*plot_tiles(example_tiles, titles=titles))

# %% [markdown]
# Only a few of these tiles contain a part of a defect. The last tile overlaps its neighbour so that the tiles cover
# the fabric to its end. The detector works on tiles and joins their results into a map of the whole strip.

# %% [markdown]
# ## 2. From tiles to patches
#
# **PatchCore** was published by Roth et al. in *Towards Total Recall in Industrial Anomaly Detection* (CVPR 2022,
# [arXiv 2106.08265](https://arxiv.org/abs/2106.08265)). It is fitted in three steps:
#
# 1. **Extract patches.** An ImageNet-pretrained network processes each tile. PatchCore does not use the classes that
#    the network predicts. It takes the outputs of intermediate layers at each position. The feature vector at one
#    position is a **patch**.
# 2. **Select a coreset.** Storing and searching all patches would be slow. *Coreset subsampling* keeps a small part of
#    them, selected so that every patch has a selected patch nearby.
# 3. **Store the memory bank.** The selected patches are the **memory bank**, with which the detector compares new
#    patches.
#
# | word | meaning | number |
# |---|---|---|
# | **tile** | a crop of the strip, 256 x 256 px | 12 to 16 per strip |
# | **patch** | the feature vector at one position of a tile | 3,136 per tile |
#
# Texts on PatchCore often use *patch* for both the crop and the vector. This course never does.
#
# The training set consists of the tiles of most normal strips. The other normal strips are **held out**: they show
# later how the detector scores normal fabric that it has not seen.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import PatchFeatures
from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb00 import reference
from aitex_utils.lessons.nb00.setup import load_strips, training_tiles
from aitex_utils.plots import plot_tiles, show

tiles = training_tiles(load_strips())
print(f"The training set has {len(tiles)} tiles. It is an array of shape {tiles.shape}.")
shown = np.linspace(0, len(tiles) - 1, 6).astype(int)
show(*plot_tiles(tiles[shown], titles=[f"tile {i}" for i in shown]))

# %% [markdown]
# These six tiles show how much normal fabric varies. The detector has to accept all of this variation.
#
# ### Exercise 00.1: Count the patches
#
# *Easy, 3 minutes.* This exercise also shows how exercises work. The next cell contains a function without a body.
# Replace the line `raise NotImplementedError` with your code, run the cell, then run the check below it.
#
# `tiles` is an array of shape `(N, height, width)`. There is one patch for every `stride` pixels, down and across.
# Height and width are multiples of `stride`. Return the number of patches of all tiles as an int. For example, one tile
# of 448 x 448 px with a stride of 8 px has 56 x 56 = 3,136 patches.


# %% exercise="00.1"
def count_patches(tiles: np.ndarray, stride: int = 8) -> int:
    """Return the number of patches of tiles (N, height, width), with one patch every stride px."""
    n, height, width = tiles.shape
    return n * (height // stride) * (width // stride)


# %%
check("00.1", count_patches)

# %% [markdown]
# `check` recognises typical mistakes and explains each of them. To see this, give a wrong answer on purpose, for
# example the number of pixels. You can check as often as you like. For a hint, run `hint("00.1")` in a new cell. The
# solution is folded away below the check.
#
# Now the network extracts the patches of four tiles. Each tile is first enlarged from 256 to 448 px, because threads
# are thin. `yours` returns your function if it passed the check, and the course's function otherwise.

# %%
features = PatchFeatures(size=448)
patches = features.transform(tiles[:4])
n, height, width, channels = patches.shape
print(f"The network turns {n} tiles into {n} x {height} x {width} patches of {channels} numbers.")

count = yours("00.1", reference.count_patches)
enlarged = np.zeros((len(tiles), 448, 448), np.uint8)  # only the shape matters here
print(f"All {len(tiles)} enlarged tiles have {count(enlarged, 8):,} patches.")

# %% [markdown]
# The function counts the patches without running the network. A single strip already yields tens of thousands of
# patches, so PatchCore keeps only a small part of them.

# %% [markdown]
# ## 3. The memory bank and the score of a patch
#
# `PatchCore.fit` runs all three steps. `coreset_ratio=0.05` keeps 1 in 20 patches. `pooling=3` averages each patch with
# its neighbours (notebook 03). By default, PatchCore has a second memory bank (notebook 08). Nothing is trained: the
# weights of the network stay as they are.
#
# Fitting takes about 20 seconds. `fit_cached` calls `detector.fit(tiles)` in the first run and stores the result on
# your disk. Later runs read the result from there.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import PatchCore, tile_fabric, tile_labels
from aitex_utils.lessons import check, hint, yours
from aitex_utils.lessons.nb00 import figures, reference
from aitex_utils.lessons.nb00.setup import fit_cached, load_strips, training_tiles
from aitex_utils.plots import show
from aitex_utils.tiling import crop_tiles

strips = load_strips()
detector = fit_cached(PatchCore(pooling=3, coreset_ratio=0.05, seed=0, progress=True), training_tiles(strips))
bank = detector.bank_.vectors_
print(f"The memory bank contains {len(bank):,} patches of {bank.shape[1]} numbers, {bank.nbytes / 2**20:.1f} MiB.")

# %% [markdown]
# The memory bank is nearly all that the detector learns. `fit` also stores typical distances, which section 4 uses.
#
# ### Exercise 00.2: The score of a patch
#
# *Easy, 5 minutes.* How anomalous is a new patch? PatchCore compares it with the memory bank. The **patch-level anomaly
# score** is the Euclidean distance to the *nearest* patch of the bank. A patch like one of the training patches has a
# small score. A patch unlike all of them has a large score.
#
# `patch` has shape `(C,)` and `bank` has shape `(N, C)`. Return the distance between `patch` and the nearest row of
# `bank`.


# %% exercise="00.2"
def patch_score(patch: np.ndarray, bank: np.ndarray) -> float:
    """Return the Euclidean distance between patch (C,) and the nearest row of bank (N, C)."""
    distances = np.sqrt(((bank - patch) ** 2).sum(axis=1))
    return distances.min()


# %%
check("00.2", patch_score)

# %% [markdown]
# The next cell takes a tile with a defect, extracts its patches, and scores every third patch in both directions. This
# takes about 3 seconds, or up to a minute if your function contains a loop.

# %%
example = strips.defective[0]
tiles_of_example, corners = tile_fabric(example.read())
masks_of_example = crop_tiles(example.read_mask(), corners)
i = np.flatnonzero(tile_labels(masks_of_example))[-1]  # the last tile with a defect
example_patches = detector.features.transform(tiles_of_example[[i]])[0, ::3, ::3]

score = yours("00.2", reference.patch_score)
patch_scores = np.array([[score(patch, bank) for patch in row] for row in example_patches])
show(*figures.plot_patch_scores(tiles_of_example[i], masks_of_example[i], patch_scores))

# %% [markdown]
# The right panel is an **anomaly map**: it shows the score at each position. Patches at the defect lie far from the
# memory bank, so the map is bright there.
#
# The distances are not 0 on normal fabric either, because no two threads are exactly alike. Only the comparison with
# the surroundings shows a defect.

# %% [markdown]
# ## 4. The anomaly map of a strip
#
# `predict_strip` scores all patches of a strip and returns the map at the size of the strip. It also makes the scores
# of different positions and strips comparable, in two steps:
#
# - It divides each distance by the typical distance at its position in a tile (*position-wise normalisation*).
# - It subtracts the typical value of the surroundings on the same strip (*background subtraction*).
#
# So these scores have a different unit from the distances of section 3, and they are much smaller. A patch with a score
# of 0 is as anomalous as its surroundings. A score of 1 is one typical distance above the surroundings, and a negative
# score is below them.
#
# The next cell predicts the maps of two strips. This takes about 5 seconds.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons.nb00.places import describe_places
from aitex_utils.lessons.nb00.setup import load_detector, load_strips
from aitex_utils.plots import plot_strip, show

strips = load_strips()
detector = load_detector(strips)
defective_strip, normal_strip = strips.defective[0], strips.held_out[0]
defective_map = detector.predict_strip(defective_strip.read()).map
normal_map = detector.predict_strip(normal_strip.read()).map
scale = 0.0, float(np.nanmax(defective_map))  # for both figures
title = f"{defective_strip.id}, {defective_strip.defect}"
show(*plot_strip(defective_strip.read(), defective_map, defective_strip.read_mask(), title=title, scale=scale))

# %% [markdown]
# Bright places in the lower panel have high scores. The detector was fitted without any defective strip, and its map
# still marks a defect.
#
# The map of a normal strip should stay dark. Both figures share **one colour scale**, from 0 to the highest score of
# the defective strip. Negative scores have the same dark colour as 0. On a scale of its own, every map would have a
# bright place.

# %%
title = f"{normal_strip.id}, normal, held out"
show(*plot_strip(normal_strip.read(), normal_map, title=title, scale=scale))

# %% [markdown]
# The map of the normal strip has low scores everywhere, with a few slightly brighter places. Each caption relates the
# highest score to the quantile that 1 in 100 pixels of the same map exceeds. To compare two strips, use the scores
# themselves.
#
# The highest score of the normal strip is a natural limit. Does the map of the defective strip exceed this limit at
# every outlined place?

# %%
limit = float(np.nanmax(normal_map))
print(f"Highest score of the normal strip, used as the limit: {limit:.2f}")
for line in describe_places(defective_map, defective_strip.read_mask(), limit):
    print(line)

# %% [markdown]
# Two defects of one kind can have different scores, and a map can mark only a part of a defect. So a map shows where to
# look. It does not show the exact outline.

# %% [markdown]
# ## 5. Three more defective strips
#
# The test set consists of the held-out normal strips and the defective strips. The next cell predicts the maps of all
# these strips. This takes about 30 seconds in the first run. Later runs read the maps from the disk. All three figures
# share one colour scale. Scores above its end have the brightest colour.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils.lessons.nb00.setup import load_detector, load_strips, predict_cached
from aitex_utils.plots import plot_strip, show

strips = load_strips()
results = predict_cached(load_detector(strips), strips.held_out + strips.defective)
report_limit = max(results[strip.id].score for strip in strips.held_out)
print(f"Highest score of the held-out normal strips: {report_limit:.2f}")
for strip in strips.defective[-3:]:
    title = f"{strip.id}, {strip.defect}, highest score {results[strip.id].score:.2f}"
    report_scale = 0.0, 3 * report_limit
    show(*plot_strip(strip.read(), results[strip.id].map, strip.read_mask(), title=title, scale=report_scale))

# %% [markdown]
# The colour scale ends at 3 times the highest score of the held-out normal strips. So the scores of the held-out normal
# strips lie in the first third of the scale, and brighter places exceed all these scores. The highest point can lie
# just outside a small outline, because a patch covers many pixels.
#
# ### Open task: Report three strips to the mill
#
# *Medium, 8 minutes.* Write a note of at most ten sentences to the mill, in a new Markdown cell. Report for each of the
# three strips which defects the detector finds, and how sure you are. Use the highest score of the held-out normal
# strips as the limit. Recommend a next step. Then compare your note with the rubric.
#
# <details><summary>Rubric, 5 points</summary>
#
# - 1 point: each strip is named, with the columns of its bright places.
# - 1 point: scores are compared with the limit, not judged by colour alone.
# - 1 point: found and missed defects are distinguished, with the outline as the reference.
# - 1 point: the note names bright places outside the outlines, or states that there are none. Such places can be false
#   alarms.
# - 1 point: the next step follows from the maps, and the note claims nothing that three strips cannot show.
#
# </details>
#
# <details><summary>Worked answer, for the practice fabric</summary>
#
# "Strip 0007_023_00 has a crease near column 1,340. Its scores are above the limit from top to bottom and reach twice
# the limit, so I am sure. Weaker bright places near columns 2,100 and 3,600 lie outside the outline, at about the
# limit. I consider them false alarms. Strip 0006_022_00 has a cut at the selvage, left of column 1,000. It is the
# brightest place of its map, but its scores stay below the limit, so the detector misses it. Strip 0008_025_00 has
# three warp balls. The map marks one near column 1,320, at about the limit, and misses the other two. Please look at
# the crease first, and inspect selvages and small balls by eye. Three strips do not show how often the detector misses
# such defects."
#
# </details>

# %% [markdown]
# ## 6. Tile scores, AUROC and a threshold
#
# A few figures do not show how good the detector is, so we now measure its performance on all tiles of the test set.
# The **score of a tile** is the highest value of the map in this tile. A tile is labelled defective if its mask marks
# at least one pixel, and clean otherwise.
#
# Before some results, you make a **guess**: a range that you are 80 % sure contains the result. Take all pairs of a
# defective tile and a clean tile. **In what percentage of these pairs does the defective tile have the higher score?**
# Random scores would give 50. Write your range into the cell with `predict` and run it.

# %% tags=["start-here"]
# Start here again after a restart
import numpy as np

from aitex_utils import metrics, tile_labels
from aitex_utils.lessons import predict, quiz, reveal
from aitex_utils.lessons.nb00 import figures
from aitex_utils.lessons.nb00.setup import load_detector, load_strips, predict_cached
from aitex_utils.lessons.nb00.thresholds import ALLOWED, candidate_thresholds
from aitex_utils.plots import plot_scores, show
from aitex_utils.tiling import crop_tiles

strips = load_strips()
results = predict_cached(load_detector(strips), strips.held_out + strips.defective)

# %%
predict("00.a", 70, 95, unit="%")

# %%
test_strips = strips.held_out + strips.defective
tile_scores = np.concatenate([results[strip.id].tile_scores for strip in test_strips])
tile_masks = [crop_tiles(strip.read_mask(), results[strip.id].corners) for strip in test_strips]
labels = tile_labels(np.concatenate(tile_masks))
auroc = metrics.auroc(labels, tile_scores)

show(*plot_scores(tile_scores[~labels], tile_scores[labels]))
reveal("00.a", 100 * auroc, unit="%")
print(f"Tile AUROC: {auroc:.3f}, the share of pairs in which the defective tile has the higher score.")
print("A pair with equal scores counts half.")
hidden = int((tile_scores[labels] <= tile_scores[~labels].max()).sum())
print(f"{hidden} of {labels.sum()} defective tiles score no higher than the highest-scoring clean tile.")

# %% [markdown]
# In the legend, *normal tiles* means all clean tiles, including the clean tiles of defective strips. Most defective
# tiles have higher scores than nearly all clean tiles. Where the histograms overlap, no threshold separates the two
# classes.
#
# The share of pairs has a standard name: the area under the ROC curve. This area (AUROC) is 0.5 for guessing and 1 for
# a perfect detector. Notebook 07 shows how far such a value can be trusted.
#
# ### Read the figure and decide
#
# *Easy, 3 minutes.* The mill needs a yes or no for each tile. A tile is **flagged** if its score reaches the
# **threshold**. The figure shows the share of tiles that each threshold flags, and marks three candidates.

# %%
thresholds = candidate_thresholds(tile_scores[~labels])
show(*figures.plot_thresholds(tile_scores[~labels], tile_scores[labels], thresholds, ALLOWED))

# %% [markdown]
# Both curves fall, because a higher threshold flags fewer tiles of each class. So each choice is a trade-off between
# missed defects and false alarms.
#
# The mill allows the detector to flag at most 1 in 20 clean tiles. Within this limit it should find as many defective
# tiles as possible. Which threshold do you set?
# - a) A, because it finds the most defective tiles
# - b) B, because it is the lowest one within the limit
# - c) C, because it does not flag a single clean tile
#
# Write the letter of your answer between the quotation marks, as in `quiz("00.q5", "a")`, and run the cell.

# %%
quiz("00.q5", "b")

# %% [markdown]
# The right threshold depends on the costs of missed defects and false alarms. Here you chose the threshold on the test
# set, which is fine for an exercise. In practice, the rates measured in this way are too optimistic. Notebook 07
# chooses the threshold from normal strips only.

# %% [markdown]
# ## 7. Your computer and the doctor
#
# The *doctor* checks that your computer has everything that the course needs. This takes up to 30 seconds. A line with
# `ok` needs no action. Every other line names a fix. In a terminal, the command is `python course.py doctor`.

# %% tags=["start-here", "this-machine"]
# Start here again after a restart
from aitex_utils.commands.doctor import main as doctor

_ = doctor()

# %% [markdown]
# Results of slow computations are cached in the folder `data/cache`. They are computed again when the data or code
# changes. To free the space, run `python course.py data --clear-cache` in a terminal. Also clear the cache before you
# measure times again, because it keeps the times of the first run.

# %% [markdown]
# ## 8. How the course works
#
# | call | purpose |
# |---|---|
# | `check("00.1", count_patches)` | checks an exercise: its number in quotes, then your function without parentheses |
# | `hint("00.1")` | shows the next hint |
# | `predict("00.a", 70, 95)`, `reveal` | stores your guess, then compares it with the result; the guess is then final |
# | `quiz("00.q1", "b")` | answers a question; the letter is in quotes |
# | `calibration()` | shows how many of your guesses contained the result |
# | `progress_table()` | shows what you have passed, and the path of the file that stores it |
# | `sign("Ada")`, `unsign()` | adds your name to that file for a teacher, or removes it |
# | `hand_in("ada")` | copies that file to `ada.json` beside the notebook, for a teacher |
#
# Each section imports the calls that it uses. In a cell of your own, import the call first, for example with
# `from aitex_utils.lessons import sign`.
#
# The course stores passed exercises and questions and your guesses in one file on your computer, with times and mistakes. Nothing
# is sent anywhere, and the file contains no name unless you sign it. You can hand this file to a teacher. To choose
# another file, set the environment variable `COURSE_PROGRESS`.

# %% tags=["start-here", "this-machine"]
# Start here again after a restart
from aitex_utils.lessons import progress_table

progress_table()

# %% [markdown]
# Each notebook runs on its own and uses ideas from the earlier notebooks:
#
# | | notebook | you will |
# |---|---|---|
# | 00 | **Start here** | run the whole of PatchCore once |
# | 01 | [Strips and tiles](01_strips_and_tiles.ipynb) | read AITEX, cut and label tiles, find a data leak |
# | 02 | [Understanding PatchCore](02_understanding_patchcore.ipynb) | compute every formula in two dimensions |
# | 03 | [Feature extraction](03_feature_extraction.ipynb) | read the layers of a network and build patches |
# | 04 | [Coreset sampling](04_coreset_sampling.ipynb) | write the greedy selection and make it many times faster |
# | 05 | [FAISS](05_faiss.ipynb) | search exactly and approximately, and measure the costs |
# | 06 | [From distances to scores](06_scores.ipynb) | turn distances into maps and scores, and measure how well they separate |
# | 07 | [Honest evaluation](07_evaluation.ipynb) | compute intervals over strips, and a threshold with a promised false-alarm rate |
# | 08 | [PatchCore on fabric](08_on_fabric.ipynb) | find the causes of failures on fabric, and fix them |
# | 09 | [PatchCore and an autoencoder](09_autoencoder.ipynb) | compare two methods in one test |
# | 10 | [Experiment bench](10_bench.ipynb) | make and compare runs of your own |
# | 11 | [More data than one machine](11_scale.ipynb) | fit on more patches than one memory can store |
# | 12 | [Your own fabric](12_your_fabric.ipynb) | inspect a fabric of your own, from photographs to a report |

# %% [markdown]
# ## 9. Recap and quiz
#
# PatchCore learns from normal fabric only. A pretrained network turns each tile into thousands of patches. A coreset of
# these patches is the memory bank. The anomaly score of a new patch is its distance to the nearest patch of the bank.
# The detector is judged on whole strips that it has not seen.
#
# Write the letter of your answer between the quotation marks, and run the cell.
#
# **1.** What is the difference between a tile and a patch?
# - a) None: both are words for a crop of the strip
# - b) A tile is a crop of the strip, and a patch is a feature vector
# - c) A patch is a small tile, cut out of a larger tile

# %% tags=["start-here"]
# Start here again after a restart
from aitex_utils.lessons import quiz

# %%
quiz("00.q1", "b")

# %% [markdown]
# <details><summary>Answer</summary>b. A tile is a crop of 256 x 256 px. A patch is a feature vector that describes one
# position of a tile. One tile has 3,136 patches here.</details>
#
# **2.** Which part of the detector was trained in this notebook?
# - a) None of it
# - b) The network
# - c) The memory bank

# %%
quiz("00.q2", "a")

# %% [markdown]
# <details><summary>Answer</summary>a. The network was pretrained on photographs of everyday objects. Fitting stores
# selected patches and typical distances, and changes no weight.</details>
#
# **3.** Why must the masks stay out of `fit`?
# - a) They are large, and fitting would take too long
# - b) They are drawn by hand, and never quite exact
# - c) They show only defects that are already known

# %%
quiz("00.q3", "c")

# %% [markdown]
# <details><summary>Answer</summary>c. The next defect will be a different one. A detector that is fitted and tested on
# the same masks is only tested on examples that it has seen.</details>
#
# **4.** Two maps are shown, each on its own colour scale. What can't you see from their colours?
# - a) Which of the two strips is more anomalous
# - b) The shape of the brightest place in each map
# - c) The position of the brightest place in each map

# %%
quiz("00.q4", "a")

# %% [markdown]
# <details><summary>Answer</summary>a. Each map is stretched to its own range, so the brightest place of a normal strip
# looks like a defect.</details>
#
# **Next**: notebook 01, [Strips and tiles](01_strips_and_tiles.ipynb). It shows how strips become labelled tiles. It
# also shows how tiles of one strip in both the training set and the test set make a detector look too good.
