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
# At the end of this notebook you will have taught a machine what good fabric looks like, and it will have shown you a
# defect of a kind that it never saw.
#
# **You will be able to**
# 1. say what goes into PatchCore and what comes out;
# 2. name its three working parts, and tell a *tile* from a *patch*;
# 3. run the detector on a strip of fabric and read its map;
# 4. say how well it did, and on what;
# 5. check that your machine is ready for the rest of the course.
#
# **You need to know** some Python and NumPy, and roughly what a convolutional network is. No defect labels, no GPU.
#
# **Time**: about ten minutes for you, and {{cost}} for the computer. The first time of all, up to a minute
# more: then the practice fabric is made.
#
# Run a cell with <kbd>Shift</kbd>+<kbd>Enter</kbd>, from the top down.
#
# In VS Code, choose the course's kernel first: **Select Kernel**, at the top right, then `.venv`. In JupyterLab, opened with
# `python course.py lab`, it is chosen already.

# %% [markdown]
# ## 1. A strip of fabric, and something wrong with it
#
# A weaving mill photographs its cloth in long *strips*, 256 px high and 4,096 px wide. Nearly all of them are faultless.
# Defects are rare, and no two are alike: a broken thread, a knot, an oil stain, whatever happens next week.
# Nobody can collect examples of everything that might go wrong. What a mill has plenty of is *good* cloth.
#
# That is the task of this course: **learn from good fabric alone, then point at whatever isn't like it.**
#
# The strips here come from a *practice fabric* that the course makes itself, so that you need no download. It is laid out
# like AITEX, the public database of real fabric to which the course turns when you have it.

# %%
from aitex_utils import list_strips, split_strips, tile_fabric
from aitex_utils.lessons.data import lesson_strips
from aitex_utils.plots import plot_image, plot_scores, plot_strip, plot_tiles, show

root = lesson_strips()
strips = list_strips(root)
FABRIC = strips[0].fabric
normal = [s for s in strips if s.fabric == FABRIC and s.is_normal]
abnormal = [s for s in strips if s.fabric == FABRIC and not s.is_normal]
defective = [s for s in abnormal if s.masks]
print(f"Fabric {FABRIC}: {len(normal)} normal strips, {len(defective)} defective ones,")
print(f"and {len(abnormal) - len(defective)} without a mask (notebook 01 explains how they are used).")

# %%
example = defective[0]
show(*plot_image(example.read(), title=f"Strip {example.id}. What is wrong here, and where?"))

# %% [markdown]
# Look before you go on; it may be in more than one place. On the left there may be no fabric at all, but the bed of the
# machine (white here) and the fabric's edge: the detector must not take that for a defect either.
#
# Where the defect lies is marked in a second picture, the strip's *mask*. On AITEX somebody drew it by hand; on the
# practice fabric the course itself put the defect there, and knows where. **The detector never sees the mask**; we keep it for judging the detector
# at the end.

# %%
show(*plot_image(example.read(), example.read_mask(), title=f"Strip {example.id}: {example.defect}, outlined"))

# %% [markdown]
# ## 2. Normal strips in
#
# Most normal strips are for learning. Some we hold back, whole, to see later whether the detector stays calm on good
# fabric that is new to it. A strip is cut into **tiles** of 256 x 256 px, only where there is fabric.

# %%
import numpy as np

fit_strips, held_out = split_strips(normal, share=0.7, seed=0)
tiles = np.concatenate([tile_fabric(s.read())[0] for s in fit_strips])
print(f"{len(fit_strips)} strips make {len(tiles)} normal tiles, an array of shape {tiles.shape}.")

# %%
shown = list(range(0, len(tiles), max(1, len(tiles) // 6)))[:6]
show(*plot_tiles(tiles[shown], titles=[f"tile {i}" for i in shown]))

# %% [markdown]
# ## 3. Three steps, and it has learnt
#
# PatchCore (Roth et al., *Towards Total Recall in Industrial Anomaly Detection*, CVPR 2022,
# [arXiv 2106.08265](https://arxiv.org/abs/2106.08265)) trains nothing. It **remembers**:
#
# 1. **Extract.** A network that once learnt to tell dogs from cars looks at each tile. We don't ask what it recognises, we
#    read off what its middle layers say at each position. One such vector of numbers, for one position, is a **patch**.
# 2. **Choose.** There are far too many patches to keep. A *coreset* is a small choice of them that leaves no patch far from a
#    chosen one.
# 3. **Remember.** The chosen patches are the *memory bank*: all that the detector knows of good fabric.
#
# | word | what it is | how many |
# |---|---|---|
# | **tile** | a crop of the picture, 256 x 256 px | about a dozen a strip |
# | **patch** | a vector that describes one position of a tile | 1,024 a tile |
#
# Keep these two apart, and half of the confusion around PatchCore is gone.
#
# ### Exercise 00.1: Count the patches
#
# *easy, 3 minutes.* This one shows how exercises work. Below is a function with a hole in it. Put your code in the place
# of `raise NotImplementedError`, run the cell, then run the check under it.
#
# `tiles` is an array `(N, height, width)`, and there is one patch for every `stride` pixels, down and across; height and
# width are multiples of `stride`. Return how many patches all the tiles make together. One tile of 256 x 256 px with a stride of 8 px makes
# 32 x 32 = 1,024.


# %% exercise="00.1"
def count_patches(tiles: np.ndarray, stride: int = 8) -> int:
    """Return how many patches tiles (N, height, width) make, one every stride px."""
    n, height, width = tiles.shape
    return n * (height // stride) * (width // stride)


# %%
from aitex_utils.lessons import check, hint, predict, quiz, reveal

check("00.1", count_patches)  # stuck? run hint("00.1") in a cell of its own

# %% [markdown]
# Give a wrong answer on purpose, for instance the number of pixels: the check tells what kind of wrong it is. Nothing that
# you write can break it.
#
# Now let the network do it.

# %%
from aitex_utils import PatchFeatures

features = PatchFeatures()
patches = features.transform(tiles[:4])
n, height, width, channels = patches.shape
print(f"{n} tiles become {n} x {height} x {width} = {n * height * width:,} patches of {channels} numbers each.")
print(f"All {len(tiles)} tiles would make {len(tiles) * height * width:,} patches.")

# %% [markdown]
# All three steps are in `fit`. It enlarges each tile from 256 to 448 px first, since threads are thin, so that a tile makes 56 x 56 = 3,136
# patches. `coreset_ratio=0.05` keeps a twentieth of them. This takes about half a minute.

# %%
from aitex_utils import PatchCore

detector = PatchCore(backbone="efficientnet_lite0", coreset_ratio=0.05, seed=0, progress=True)
detector.fit(tiles)
print(f"The memory bank contains {len(detector.bank_):,} patches, {detector.bank_.vectors_.nbytes / 2**20:.1f} MiB.")

# %% [markdown]
# ## 4. A defect lit up
#
# Now the strip from the beginning. Each of its patches is compared with the memory bank: **how far is the most similar
# patch that was ever seen on good fabric?** Near means normal, far means strange. The distances make a map. From each
# place is taken off what is usual around it on this strip, so that 0 means *as its surroundings*.

# %%
result = detector.predict_strip(example.read())
mask = example.read_mask()
show(*plot_strip(example.read(), result.map, mask, title=f"{example.id}, {example.defect}"))

# %% [markdown]
# The brighter, the farther from everything normal. Nobody told the detector about this kind of defect, or about any.
#
# Does every outlined place shine? Compare each with the value that only one in a hundred places of the map is above.

# %%
from scipy import ndimage

grown = ndimage.binary_dilation(mask, iterations=8)  # joins nearby specks to one place
one_in_100 = np.nanquantile(result.map, 0.99)
places = ndimage.find_objects(ndimage.label(grown)[0])
for rows, columns in sorted(places, key=lambda place: place[1].start):
    highest = np.nanmax(result.map[rows, columns])
    reach = "above" if highest > one_in_100 else "not above"
    print(f"Columns {columns.start:,} to {columns.stop - 1:,}: up to {highest:.2f}, {reach} {one_in_100:.2f}")

# %% [markdown]
# On the practice fabric two threads are broken. The right one shines from end to end; the left one only below, though both are the
# same kind of defect. A map may shine over a defect in one place and miss it in the next.
#
# A strip that is fine should stay dark. For that comparison to be fair, both maps must share **one colour scale**: a
# map that is stretched to its own range always has something bright in it.

# %%
normal_result = detector.predict_strip(held_out[0].read())
scale = 0.0, float(np.nanmax(result.map))
show(*plot_strip(held_out[0].read(), normal_result.map, title=f"{held_out[0].id}, normal, held out", scale=scale))

# %% [markdown]
# **Try it.** Here are three more defective strips, on the same scale again (what lies above it is drawn as its brightest).
# Change `[1:4]` to see the others. Which defects shine, and which does the detector hardly notice? What do the second have
# in common?

# %%
for strip in defective[1:4]:
    anomaly_map = detector.predict_strip(strip.read()).map
    title = f"{strip.id}, {strip.defect}"
    show(*plot_strip(strip.read(), anomaly_map, strip.read_mask(), title=title, scale=scale))

# %% [markdown]
# ## 5. How good is it?
#
# One lucky picture proves nothing. We score all strips that were held back, and give each tile one number: the largest
# distance in it. A tile counts as defective if its mask marks at least one pixel.
#
# Before a result that may surprise, the course asks for your **guess**, as a range in which you are 80 % sure. Take all
# pairs of a defective and a clean tile: **in how many per cent of them does the defective one score higher?** Guessing
# blindly would reach 50. Put your range in, and run the cell.

# %%
predict("00.a", 70, 95, unit="%")

# %%
from tqdm.auto import tqdm

from aitex_utils import tile_labels
from aitex_utils.tiling import crop_tiles

scores, labels = [], []
for strip in tqdm(held_out + defective, desc="strips"):
    mask = strip.read_mask()
    if mask.any() or strip.is_normal:  # an all-black mask does not show where the defect is
        result = detector.predict_strip(strip.read())
        scores.append(result.tile_scores)
        labels.append(tile_labels(crop_tiles(mask, result.corners)))
scores, labels = np.concatenate(scores), np.concatenate(labels)

# %%
from aitex_utils import metrics

auroc = metrics.auroc(labels, scores)
show(*plot_scores(scores[~labels], scores[labels]))
reveal("00.a", 100 * auroc, unit="%")
print(f"Tile AUROC {auroc:.3f}: in this share of all pairs a defective tile scores higher than a clean one.")
print("A pair with equal scores counts half.")

# %% [markdown]
# The two heaps overlap a little, and that is the honest state of things: some defects are small and faint. The area under the ROC
# curve (AUROC) is 0.5 for guessing and 1 for a perfect detector. Whether a figure such as this one can be believed, how
# wide its error is, and why it flatters when defects are rare is what notebook 06 is about.

# %% [markdown]
# ## 6. Is this machine ready?
#
# The doctor looks at what the course needs. Each line that isn't fine comes with its mend. It takes up to half a
# minute.

# %% tags=["this-machine"]
from aitex_utils.commands.doctor import main as doctor

_ = doctor()

# %% [markdown]
# ## 7. How the course works
#
# You have met its three tools. An **exercise** is a short function with a hole in it; `check` tells you not only that
# something is wrong, but what kind of wrong, and `hint` helps when you ask. A solution is folded away below each. A
# **guess** is kept and compared with what comes out; at the end of each later notebook you see how sure you were and how
# sure you could have been. A **quiz** closes each notebook.
#
# The course keeps your passed exercises and your guesses in a file `progress.json` in your own folder for data of programs.
# `from aitex_utils.lessons import progress_table` and `progress_table()` show them, and the path of the file. You can hand
# the file to a teacher; nothing is sent anywhere. Set the environment variable `COURSE_PROGRESS` to choose another file.
# Long computations say beforehand how long they take.
#
# | | notebook | you will |
# |---|---|---|
# | 00 | **Start here** | see the whole of PatchCore once |
# | 01 | Strips and tiles | read AITEX with all its oddities, cut and label tiles, catch a leak |
# | 02 | Understanding PatchCore | compute every formula by hand in two dimensions |
# | 03 | Feature extraction | hook into a network and build patches yourself |
# | 04 | Coreset sampling | write the greedy choice, and make it many times faster |
# | 05 | FAISS | search exactly and approximately, and know what it costs |
# | 06 | Scoring and evaluation | turn distances into decisions, and judge them honestly |
# | 07 | PatchCore and an autoencoder | put two ideas to the same test |
#
# The README says which of these exist already.
#
# ### What you have seen
#
# PatchCore learns from good fabric alone. A network turns each tile into about a thousand patches. A coreset keeps the few
# that stand for all, and these are the memory bank. A patch far from all of them marks something that good fabric
# never showed. How well that works is measured on whole strips that were held back.
#
# ### Quiz
#
# Put the letter of your answer between the empty quotation marks, and run the cell.
#
# **1.** What is the difference between a tile and a patch?
# - a) None: both are words for a crop of the picture
# - b) A tile is a crop of the picture, a patch a feature vector
# - c) A patch is a small tile, cut out of the large one

# %%
quiz("00.q1", "b")

# %% [markdown]
# <details><summary>Answer</summary>b. A tile is cut out, 256 x 256 px. A patch is a feature vector that describes one
# position of a tile; one tile has 1,024 of them here.</details>
#
# **2.** Which part of the detector was trained in this notebook?
# - a) None of it
# - b) The network
# - c) The memory bank

# %%
quiz("00.q2", "a")

# %% [markdown]
# <details><summary>Answer</summary>a. The network came trained on photographs of everyday things; fitting only chose
# patches and stored them.</details>
#
# **3.** Why must the masks stay out of `fit`?
# - a) They are large, and fitting would take too long
# - b) They are drawn by hand, and never quite exact
# - c) They show known defects; what it must find is new

# %%
quiz("00.q3", "c")

# %% [markdown]
# <details><summary>Answer</summary>c. The next defect will be another one. And whoever fits on the masks and tests with
# them asks for what was learnt by heart.</details>
#
# **4.** Two maps are shown, each on its own colour scale. What can't you tell from them?
# - a) Which of the two strips is the stranger
# - b) Which shape the brightest place of each has
# - c) Where in each map the brightest place is

# %%
quiz("00.q4", "a")

# %% [markdown]
# <details><summary>Answer</summary>a. Each is stretched to its own range, so that the calmest strip looks as alarming as
# the worst.</details>
#
# **Next**: notebook 01, where strips come from and how easily one fools oneself with them.
