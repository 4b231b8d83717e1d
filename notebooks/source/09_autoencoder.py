# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # 09 PatchCore and an autoencoder
#
# At the end of this notebook you will have trained an autoencoder as a detector, and compared it with PatchCore on the same test.
#
# **You will be able to**
# 1. work out how tight an autoencoder's bottleneck is (exercise 09.1);
# 2. compute the structural similarity of two windows, and say what it forgives (09.2);
# 3. make error maps without the common mistakes (09.3);
# 4. compare two detectors on the same strips, in pairs, and say how sure the difference is (09.4);
# 5. put maps of unlike units on one scale, and find what each detector misses (09.5).
#
# **You need to know** what a convolution and a loss are, tile and patch from notebook 00, and AUROC from notebook 06.
# Notebook 02, section 3, holds the claims that are tested here.
#
# **Time**: about 100 minutes for you with the exercises, and {{cost}} for the computer.

# %% [markdown]
# ## 1. A fair comparison
#
# A few choices decide a comparison of two detectors before it begins: the training tiles, the test strips, the score of a map, and the smoothing. So we fix these choices first, the same for both:
#
# - they **learn** from the same 20 normal tiles;
# - they are **tested** on other strips, tiles with a defect and clean tiles, the same ones;
# - each gives a **map** of 256 x 256 values per tile, smoothed by the same Gaussian of 4 px;
# - a tile's **score** is the highest value of its smoothed map (notebook 06, sections 1 to 4, took it before smoothing);
# - the **measures** come from the same functions.
#
# One difference remains: PatchCore has an ImageNet-pretrained backbone. The autoencoder starts from random weights. In one respect the test is easier than a mill would be: its clean tiles come from normal strips
# only, a leak by notebook 06, section 9. In section 6 that measure is called C1, and a stricter one, C2, stands beside it.

# %%
import numpy as np

from aitex_utils import list_strips, split_strips, tile_fabric, tile_labels
from aitex_utils.lessons import calibration, check, hint, predict, quiz, reveal
from aitex_utils.lessons.data import lesson_strips, profile
from aitex_utils.lessons.nb09.figures import plot_rows
from aitex_utils.plots import show
from aitex_utils.tiling import crop_tiles

# %% [markdown]
# We take the fabric with the most defective strips. Half of its normal strips are for learning, the other half for the
# test. With so few strips a larger training set would leave hardly any test strips.

# %%
root = lesson_strips()
strips = list_strips(root)
normal = [s for s in strips if s.is_normal]
others = [s for s in strips if not s.is_normal]
defective = [s for s in others if s.read_known_mask() is not None]
fabrics = {s.fabric for s in normal} & {s.fabric for s in defective}
FABRIC = max(sorted(fabrics), key=lambda f: sum(s.fabric == f for s in defective))
of_fabric = [s for s in normal if s.fabric == FABRIC]
training_strips, held_out = split_strips(of_fabric, share=0.5, seed=0)


def cut_strip(strip):
    """Return the tiles of a strip's fabric, (N, 256, 256), and of its mask."""
    tiles, corners = tile_fabric(strip.read())
    return tiles, crop_tiles(strip.read_mask(), corners)


# %% [markdown]
# Each defective strip gives at most three tiles, with the most marked pixels. Each normal strip gives at most eight.


# %%
def choose_test_tiles(strip):
    """Return tiles to test on, and their masks."""
    tiles, masks = cut_strip(strip)
    if strip.is_normal:
        return tiles[:8], masks[:8]
    marked = masks.sum(axis=(1, 2))
    order = [i for i in np.argsort(-marked, kind="stable")[:3] if marked[i]]
    return tiles[order], masks[order]


all_tiles = np.concatenate([cut_strip(s)[0] for s in training_strips[:8]])
order = np.random.default_rng(0).permutation(len(all_tiles))
training_tiles = all_tiles[order[:20]]
test_strips = held_out[:6] + [s for s in defective if s.fabric == FABRIC][:12]

# %%
parts = [choose_test_tiles(s) for s in test_strips]
test_tiles, masks = (np.concatenate(part) for part in zip(*parts, strict=True))
labels = tile_labels(masks)
groups = np.repeat(np.arange(len(test_strips)), [len(tiles) for tiles, _ in parts])
defects = [test_strips[i].defect for i in groups]
print(f"Fabric {FABRIC}, tiles to learn from: {len(training_tiles)}.")
for rows, name in ((~labels, "clean tiles"), (labels, "tiles with a defect")):
    print(f"To test, {name}: {rows.sum()}, strips: {len(set(groups[rows]))}.")

# %% [markdown]
# Four tiles with a defect will stand for all in the pictures: a quarter of the way through the test tiles, and so on.

# %%
defective_tiles = np.flatnonzero(labels)
places = np.linspace(0, len(defective_tiles) - 1, 4).round().astype(int)
shown = defective_tiles[places]
titles = [defects[i] for i in shown]
caption = "Four test tiles, the marked defect outlined: " + ", ".join(titles) + "."
show(*plot_rows({"tile": test_tiles[shown]}, titles, caption, masks=masks[shown]))

# %% [markdown]
# ## 2. An autoencoder of convolutions
#
# An **encoder** turns the tile into a *code*, a **decoder** turns the code back into a tile. Ours is built from
# convolutions: three that halve the side, a small one that makes the code, and the same backwards. It is trained to give
# back what it gets. The code is the *bottleneck*: it must be so narrow that copying is impossible, and what repeats
# itself in the fabric has to be learnt instead.
#
# How narrow is it? That is arithmetic, and comes first.
#
# ### Exercise 09.1: How tight is the bottleneck?
#
# *easy, 10 minutes*
#
# `layers` lists convolutions as `(kernel, stride, padding)`, all of them square, so that one row of pixels is enough to
# think of. `padding` pixels are put at **each** end of the row. The kernel begins at the left end and moves by `stride` as
# long as it stays inside. The number of places that it finds is the next side.
#
# The code has `latent_channels` numbers at each position of the last side. Return `(latent_side, ratio)`: the side of the code,
# a whole number, and how many times as many numbers the tile has (side x side) as the code.
#
# *Example*: a row of 8 px and one layer `(4, 2, 1)`. Padded, the row has 10 px. A kernel of 4 px fits at 0, 2, 4 and 6, which makes 4 places. With 2 channels the code has 4 x 4 x 2 = 32 numbers for the tile's 64: `(4, 2.0)`.


# %% exercise="09.1"
Layer = tuple[int, int, int]  # kernel, stride, padding


def latent_size(side: int, layers: list[Layer], latent_channels: int) -> tuple[int, float]:
    """Return the side of the code, and tile numbers divided by code numbers."""
    latent_side = side
    for kernel, stride, padding in layers:
        latent_side = (latent_side + 2 * padding - kernel) // stride + 1
    return latent_side, side**2 / (latent_side**2 * latent_channels)


# %%
check("09.1", latent_size)  # stuck? hint("09.1")

# %% [markdown]
# As in notebook 06, a small function holds yours against the module's. Here: our autoencoder's three layers on a whole
# tile, against the code that it really makes.

# %%
import torch

from aitex_utils.baselines.autoencoder import Autoencoder


def compare(yours, reference, *arguments):
    """Print the result of your function, if it is there, and of the module's."""
    try:
        print("yours:   ", np.round(yours(*arguments), 3))
    except NotImplementedError:
        print("yours:    still open")
    print("module's:", np.round(reference(*arguments), 3))


def size_of_real_code(side, layers, latent_channels):
    tile = torch.zeros(1, 1, side, side)
    net = Autoencoder(latent_channels=latent_channels, depth=len(layers))
    code = net.make_network()[0](tile)
    return code.shape[-1], tile.numel() / code.numel()


compare(latent_size, size_of_real_code, 256, [(4, 2, 1)] * 3, 4)

# %% [markdown]
# The course's autoencoder is `aitex_utils.baselines.autoencoder.Autoencoder`. Its file can be read in ten minutes. Here it is before
# training, with the shape at each step:

# %%
from aitex_utils.lessons.nb09.figures import LiveCurve

STEPS = 100  # raise it if you have the time
net = Autoencoder(steps=STEPS, seed=0)
encoder, decoder = net.make_network()
x = torch.zeros(1, 1, 256, 256)  # (B, C, H, W)
for layer in [*encoder, *decoder]:
    x = layer(x)
    if "Conv" in type(layer).__name__:
        code = "  <- the code" if layer is encoder[-1] else ""
        print(f"{type(layer).__name__:16} {tuple(x.shape[1:])}{code}")

# %% [markdown]
# ### Training, to be watched
#
# Each step takes 16 crops of 128 x 128 px from the normal tiles, rebuilds them, and moves all weights a little so that
# the squared error gets smaller. The loss is that error as a share of the tiles' variance: 1 is what one flat grey would
# get, 0 would be perfect.
#
# That takes some seconds. **Which loss will it reach**, in the mean of the last twenty steps?

# %%
predict("09.a", 0.05, 0.3)

# %%
import time

begin = time.perf_counter()
net.fit(training_tiles, callback=LiveCurve(STEPS))
ae_seconds = time.perf_counter() - begin

# %%
reveal("09.a", np.mean(net.losses_[-20:]))

# %% [markdown]
# The detector sees no defect during training, so this curve does not show whether it will find any. It does not even show how well it learned *normal* fabric: these are losses on the training tiles. So look at new tiles.

# %%
from aitex_utils.baselines.ssim import error_maps, ssim_maps

reconstructed = net.reconstruct(test_tiles)
errors = error_maps(test_tiles, reconstructed, "pixel")
rows = {
    "tile": test_tiles[shown],
    "reconstruction": reconstructed[shown].clip(0, 255).astype(np.uint8),
    "error (grey levels)": errors[shown],
}
caption = "The same four tiles, their reconstructions, and the error, unsmoothed."
show(*plot_rows(rows, titles, caption, masks=masks[shown]))

# %% [markdown]
# Look at three things. Are the threads there, in their place? Is the defect there as well, so that it hardly stands out below?
# And where is the error large although nothing is wrong?
#
# ## 3. What is an error?
#
# The difference of two grey levels is the obvious answer. To see its weakness, take a little window of a weave and spoil
# it in three ways, each by **the same mean error in grey levels**:

# %%
down, across = np.mgrid[:33, :33]
weave = 127 + 30 * np.cos(across * np.pi / 4) + 30 * np.cos(down * np.pi / 3)
signs = np.random.default_rng(0).choice([-1, 1], weave.shape)
amount = 0.9 * np.abs(weave - 127).mean()
copies = {
    "original": weave,
    "brighter": weave + amount,
    "grainy": weave + amount * signs,
    "threads faded": 127 + 0.1 * (weave - 127),
}
windows = np.stack(list(copies.values())).clip(0, 255)

# %%
pixel_errors = np.abs(windows - windows[0]).mean(axis=(1, 2))
similarity = ssim_maps(np.repeat(windows[:1], 4, axis=0), windows).mean(axis=(1, 2))
pairs = zip(copies, similarity, strict=True)
window_titles = [f"{name}\nSSIM {value:.2f}" for name, value in pairs]
pairs = zip(copies, pixel_errors, strict=True)
listed = ", ".join(f"{name} {value:.0f}" for name, value in pairs)
caption = f"A window of weave and three copies. Mean pixel error in grey levels: {listed}."
show(*plot_rows({"window": windows.astype(np.uint8)}, window_titles, caption))

# %% [markdown]
# To the eye, the brighter copy is the same fabric in better light, and the faded one has lost its threads. In the grainy one
# both are there, threads and noise. The pixel error does not distinguish the three. **Structural similarity** (SSIM; Wang et al., 2004,
# [doi 10.1109/TIP.2003.819861](https://doi.org/10.1109/TIP.2003.819861)) does: it changes little with the light, more with the grain, and most with the lost threads. For two windows $a$ and $b$ with means $\mu$,
# variances $\sigma^2$ and covariance $\sigma_{ab}$:
#
# $$\text{SSIM} = \frac{2\mu_a\mu_b + C_1}{\mu_a^2 + \mu_b^2 + C_1}
# \cdot \frac{2\sigma_{ab} + C_2}{\sigma_a^2 + \sigma_b^2 + C_2}$$
#
# The first factor compares brightness, and is mild. The second compares the pattern: it is 1 only where both go up
# and down together by the same amount. The constants $C_1 = (0.01 L)^2$ and $C_2 = (0.03 L)^2$, with $L$ the range of
# values (255 for grey levels), keep flat windows from dividing nothing by nothing. Bergmann et al. (2018,
# [arXiv 1807.02011](https://arxiv.org/abs/1807.02011)) brought it to autoencoders, and tried it on woven fabric.
#
# ### Exercise 09.2: SSIM of two windows
#
# *medium, 15 minutes*
#
# Return the SSIM of two windows of the same shape `(h, w)`, a single number. All pixels weigh alike, and variances and
# covariance are means over the window's pixels (divide by n). `value_range` is $L$. The windows can be `uint8` or float.
#
# *Example*: the SSIM of a window with itself is 1. A flat window of 100 and a flat window of 150 have about 0.923.


# %% exercise="09.2"
import numpy as np


def ssim(window_a: np.ndarray, window_b: np.ndarray, value_range: float = 255.0) -> float:
    """Return the structural similarity of two windows (h, w)."""
    a, b = window_a.astype(float), window_b.astype(float)
    c1, c2 = (0.01 * value_range) ** 2, (0.03 * value_range) ** 2
    covariance = ((a - a.mean()) * (b - b.mean())).mean()
    brightness = (2 * a.mean() * b.mean() + c1) / (a.mean() ** 2 + b.mean() ** 2 + c1)
    pattern = (2 * covariance + c2) / (a.var() + b.var() + c2)
    return brightness * pattern


# %%
check("09.2", ssim)  # stuck? hint("09.2")

# %% [markdown]
# For a map, `ssim_maps` does this around every pixel, in a window of 11 x 11 px whose pixels weigh less the farther out they are.
# The anomaly signal is then 1 - SSIM: 0 where the pattern was rebuilt, up to 2 where it was turned inside out.
#
# ### Exercise 09.3: Error maps
#
# *medium, 10 minutes*
#
# For the other signal: return the absolute difference of `tiles` and `reconstructed`, smoothed by
# `scipy.ndimage.gaussian_filter` with `sigma` px down and across. Both arrays are `(N, H, W)` and can be `uint8`, for example if the reconstructed tiles were read from files. The result is `(N, H, W)` of floats. Each tile is smoothed by itself, without any influence on its neighbours.


# %% exercise="09.3"
import numpy as np
from scipy.ndimage import gaussian_filter


def smoothed_errors(tiles: np.ndarray, reconstructed: np.ndarray, sigma: float) -> np.ndarray:
    """Return absolute errors (N, H, W), smoothed within each tile."""
    errors = np.abs(tiles.astype(float) - reconstructed.astype(float))
    return gaussian_filter(errors, (0, sigma, sigma))


# %%
check("09.3", smoothed_errors)  # stuck? hint("09.3")


# %%
def first_values_of_yours(tiles, reconstructed, sigma):
    return smoothed_errors(tiles, reconstructed, sigma)[0, 0, :4]


def first_values_of_module(tiles, reconstructed, sigma):
    return error_maps(tiles, reconstructed, "pixel", sigma)[0, 0, :4]


arguments = (test_tiles[:1], reconstructed[:1], 4.0)
compare(first_values_of_yours, first_values_of_module, *arguments)

# %% [markdown]
# Both signals on our four tiles, smoothed by 4 px. Each row has a scale of its own, as the units differ.

# %%
SMOOTHING = 4.0
pixel_maps = error_maps(test_tiles, reconstructed, "pixel", SMOOTHING)
ssim_error_maps = error_maps(test_tiles, reconstructed, "ssim", SMOOTHING)
rows = {"tile": test_tiles[shown], "pixel error": pixel_maps[shown]}
rows["1 - SSIM"] = ssim_error_maps[shown]
caption = "Four tiles above their smoothed error maps, pixel error and 1 - SSIM."
show(*plot_rows(rows, titles, caption, masks=masks[shown]))

# %% [markdown]
# Why smooth at all? One noisy pixel is nothing, twenty beside each other are a thread. But how much is a choice, and it
# isn't innocent: it spreads small defects thin. What does it do to the tile AUROC of each signal?

# %%
from aitex_utils import metrics
from aitex_utils.lessons.nb09.figures import plot_dots


def tile_auroc(maps):
    """Return the AUROC of the tiles by the highest value of each map."""
    return metrics.auroc(labels, maps.max(axis=(1, 2)))


signals = {"pixel error": "pixel", "1 - SSIM": "ssim"}
by_smoothing = {name: {} for name in signals}
for name, error in signals.items():
    for sigma in (0, 2, 4, 8):
        smoothed = error_maps(test_tiles, reconstructed, error, sigma)
        by_smoothing[name][f"{sigma} px"] = tile_auroc(smoothed)
show(*plot_dots(by_smoothing, label="tile AUROC, maps smoothed by 0 to 8 px"))

# %% [markdown]
# It is tempting to keep the best of these eight. But they were measured on the test tiles, so such a choice would use the test set. We stay with the 4 px of PatchCore's paper, for all.
#
# ## 4. The contest
#
# PatchCore by the recipe of its paper, on the same 20 tiles.

# %%
from aitex_utils import PatchCore
from aitex_utils.patchcore import PAPER

begin = time.perf_counter()
RECIPE = {**PAPER, "smoothing": SMOOTHING}
patchcore = PatchCore(**RECIPE, seed=0).fit(training_tiles)
pc_seconds = time.perf_counter() - begin
begin = time.perf_counter()
pc_maps = patchcore.predict(test_tiles).maps
pc_tile_seconds = (time.perf_counter() - begin) / len(test_tiles)
maps = {"PatchCore": pc_maps, "AE, pixel": pixel_maps, "AE, SSIM": ssim_error_maps}

# %% [markdown]
# The table below has the AUROC by tile and by pixel, the average precision by pixel, and AUPRO up to a false-positive rate of
# three tenths.
#
# Your guess before you look: **the autoencoder's tile AUROC by SSIM, minus PatchCore's**? Negative if PatchCore is better.

# %%
predict("09.b", -0.2, 0.1)

# %%
scores = {name: detector_maps.max(axis=(1, 2)) for name, detector_maps in maps.items()}
print("           tile  pixel     AP  AUPRO")
for name, detector_maps in maps.items():
    # Every second pixel is enough.
    pixels = masks[:, ::2, ::2], detector_maps[:, ::2, ::2]
    values = [metrics.auroc(labels, scores[name]), metrics.auroc(*pixels)]
    values += [metrics.average_precision(*pixels), metrics.aupro(detector_maps, masks)]
    print("{:9} {:5.3f}  {:5.3f}  {:5.3f}  {:5.3f}".format(name, *values))
reveal("09.b", tile_auroc(ssim_error_maps) - tile_auroc(pc_maps))

# %% [markdown]
# Don't read it as a ranking yet. Different measures can rank the detectors differently: at tile level one pixel is enough, while AUPRO requires the whole defect. And a dozen strips carry all of it.
#
# ### How sure is the difference?
#
# Both had the same test. If a strip is hard, it is mostly hard for both. An interval for each detector would include this random effect twice. In the **difference** on the same strips it cancels. So we draw strips anew, with replacement, many
# times, and look at the difference in each draw.
#
# ### Exercise 09.4: Paired differences
#
# *medium, 15 minutes*
#
# `labels`, the scores `scores_a` and `scores_b`, and `groups` are arrays `(N,)`, with one entry per tile. `groups` contains the number of each tile's strip. `resamples` is `(draws, S)`: in each row the numbers of S strips, some of them more than once.
#
# Return an array `(draws,)`: for each row, the difference (AUROC of `scores_a` - AUROC of `scores_b`) on **all tiles of the strips in that row, put together**. There is one AUROC per detector and row, because a strip alone often has tiles of one kind only. A strip that
# stands twice in the row brings its tiles twice. `auroc(labels, scores)` from `aitex_utils.metrics`
# does the measuring.
#
# *Example*: with `groups = [0, 0, 1]`, the row `[1, 1]` stands for the tiles at positions 2 and 2, the row `[0, 1]` for
# 0, 1 and 2.


# %% exercise="09.4"
import numpy as np

from aitex_utils.metrics import auroc


def paired_differences(
    labels: np.ndarray,
    scores_a: np.ndarray,
    scores_b: np.ndarray,
    groups: np.ndarray,
    resamples: np.ndarray,
) -> np.ndarray:
    """Return the difference in AUROC (scores_a - scores_b), in each draw of strips."""
    differences = []
    for strips in resamples:
        rows = np.concatenate([np.flatnonzero(groups == strip) for strip in strips])
        auroc_a = auroc(labels[rows], scores_a[rows])
        differences.append(auroc_a - auroc(labels[rows], scores_b[rows]))
    return np.array(differences)


# %%
check("09.4", paired_differences)  # stuck? hint("09.4")

# %% [markdown]
# `paired_bootstrap` draws defective strips and normal ones each among themselves, so that no draw is without either. `resample_strips` gives the same draws to your function.


# %%
from aitex_utils.lessons.figures import plot_intervals
from aitex_utils.lessons.nb09.resampling import resample_strips
from aitex_utils.metrics import paired_bootstrap


def bootstrap(scores_a, scores_b, n_resamples=300):
    """Return resampled differences in tile AUROC of two detectors."""
    data = (labels, scores_a, scores_b, groups)
    return paired_bootstrap(metrics.auroc, *data, n_resamples=n_resamples)


# %%
pair = (scores["AE, SSIM"], scores["PatchCore"])
resamples = resample_strips(labels, groups, 4)


def module_differences(labels, scores_a, scores_b, groups, resamples):
    return bootstrap(scores_a, scores_b, n_resamples=len(resamples))


compare(paired_differences, module_differences, labels, *pair, groups, resamples)

# %%
differences = {
    "AE, SSIM - PatchCore": bootstrap(scores["AE, SSIM"], scores["PatchCore"]),
    "AE, pixel - PatchCore": bootstrap(scores["AE, pixel"], scores["PatchCore"]),
    "AE: SSIM - pixel": bootstrap(scores["AE, SSIM"], scores["AE, pixel"]),
}
names, values = list(differences), list(differences.values())
show(*plot_intervals(names, values, label="difference in tile AUROC"))

# %% [markdown]
# If an interval includes 0, or just reaches it, other strips of this fabric could reverse the order.
# Remember its width.
# All single numbers in the rest of this notebook are about as uncertain as that.
#
# ## 5. Row by row
#
# Now notebook 02's comparison, one row after the other. Each gets one small measurement.
#
# ### Learning: few tiles and many
#
# The claim: an autoencoder learns weights, and needs data for this. PatchCore learns no weights, it only stores patches. So take
# 4 of the 20 tiles. The autoencoder takes as many steps as before, on crops of those four. Some seconds.


# %%
from tqdm.auto import tqdm

from aitex_utils.lessons.cache import cached


def reconstruct_cached(name, tiles, **options):
    """Train another autoencoder, and return its reconstructions of the test tiles."""

    def make():
        with tqdm(total=STEPS, desc=name, leave=False) as bar:
            autoencoder = Autoencoder(steps=STEPS, **options)
            autoencoder.fit(tiles, callback=lambda losses: bar.update())
        return {"reconstructed": autoencoder.reconstruct(test_tiles)}

    ingredients = {"tiles": tiles, "test_tiles": test_tiles, "steps": STEPS}
    ingredients |= {"options": options, "code": (Autoencoder,)}
    return cached(f"07_{profile()}_{name}", make, **ingredients)["reconstructed"]


# %%
def patchcore_scores(name, tiles, **options):
    """Fit another PatchCore, and return its scores of the test tiles."""

    def make():
        detector = PatchCore(**{**RECIPE, **options}).fit(tiles)
        return {"scores": detector.predict(test_tiles).maps.max(axis=(1, 2))}

    ingredients = {"tiles": tiles, "test_tiles": test_tiles}
    ingredients |= {"options": options, "code": (PatchCore,)}
    return cached(f"07_{profile()}_pc_{name}", make, **ingredients)["scores"]


# %%
few = reconstruct_cached("few", training_tiles[:4], seed=0)


# %%
def ae_scores(reconstructed):
    """Return the scores of the test tiles, by pixel error and by 1 - SSIM."""
    scores = []
    for error in ("pixel", "ssim"):
        error_map = error_maps(test_tiles, reconstructed, error, SMOOTHING)
        scores.append(error_map.max(axis=(1, 2)))
    return scores


few_scores = {"PatchCore": patchcore_scores("few", training_tiles[:4], seed=0)}
few_scores["AE, pixel"], few_scores["AE, SSIM"] = ae_scores(few)


# %%
def auroc_by_detector(cases):
    """Turn {case: {detector: scores}} into {detector: {case: tile AUROC}}."""
    by_detector = {name: {} for name in scores}
    for case, case_scores in cases.items():
        for name in scores:
            by_detector[name][case] = metrics.auroc(labels, case_scores[name])
    return by_detector


cases = {"4 tiles": few_scores, "20 tiles": scores}
show(*plot_dots(auroc_by_detector(cases), label="tile AUROC, few and more training tiles"))

# %% [markdown]
# Who lost more with a fifth of the tiles, and did each of them lose at all? Compare the change with the intervals above. That a
# network needs thousands of pictures is a rule for photographs. A weave repeats itself: four tiles contain thousands of different crops, and our network has few weights. Four tiles do not show how *strips* differ, and both detectors lack this information.
#
# ### Training phase: seconds, memory, and another seed
#
# The claim: many passes against one, and a result that depends on chance. PatchCore has a seed too: it draws the coreset's first
# patch and the projection. The second training takes as long as the first.

# %%
second = reconstruct_cached("seed", training_tiles, seed=1)

# %%
second_scores = {"PatchCore": patchcore_scores("seed", training_tiles, seed=1)}
second_scores["AE, pixel"], second_scores["AE, SSIM"] = ae_scores(second)
cases = {"seed 0": scores, "seed 1": second_scores}
show(*plot_dots(auroc_by_detector(cases), label="tile AUROC with two seeds"))

# %% [markdown]
# Now the costs. PatchCore stores its memory bank **and** its network, and the autoencoder stores its weights. **How
# many times as many bytes does PatchCore keep**, network and bank together?

# %%
predict("09.c", 10, 200, unit="times")

# %%
from aitex_utils.backbones import load_backbone

begin = time.perf_counter()
net.predict(test_tiles)
ae_tile_seconds = (time.perf_counter() - begin) / len(test_tiles)
network = load_backbone("efficientnet_lite0").network
network_bytes = sum(p.numel() * p.element_size() for p in network.parameters())
bank_bytes = patchcore.bank_.nbytes

# %%
rows = {
    "PatchCore": (pc_seconds, pc_tile_seconds, network_bytes, bank_bytes),
    "autoencoder": (ae_seconds, ae_tile_seconds, net.nbytes, 0),
}
print("             learns per tile    network       bank")
for name, (learns, per_tile, weights, bank) in rows.items():
    print(f"{name:11} {learns:5.1f} s {1000 * per_tile:5.1f} ms", end=" ")
    print(f"{weights / 2**20:6.1f} MiB {bank / 2**20:6.1f} MiB")
reveal("09.c", (bank_bytes + network_bytes) / net.nbytes, unit="times")

# %% [markdown]
# With 20 tiles, most of what PatchCore keeps is the network, which all fabrics share. But the bank grows with every training tile. With all tiles of a fabric of AITEX it has {{results/notebook_09.json: aitex.mean.patchcore.kib_learnt: ,.0f}} KiB in the mean, beside {{results/notebook_09.json: network_kib: ,.0f}} KiB of the network. The
# autoencoder's weights stay as they are, however many tiles are learnt. And the training of the network had a cost that is not in this table. So *none* under "learning" means no training on this fabric.
#
# ### Representation and signal: two questions, four detectors
#
# The claims: the autoencoder's code is trained for reconstruction, PatchCore's features for classification. One anomaly score is a reconstruction error, the other a distance. But two things differ at once, and you can't know which one matters. So cross
# them:
#
# | | rebuild | remember |
# |---|---|---|
# | **own code** | the autoencoder | *its codes in a memory bank* |
# | **borrowed features** | *a linear autoencoder on patches* | PatchCore |
#
# Both new detectors are quickly made. Codes lie in a grid as patches do, so `MemoryBank` takes them. And PCA on patches is
# notebook 02's linear autoencoder. It keeps the directions that explain 90 % of the variance.

# %%
from aitex_utils import MemoryBank
from aitex_utils.scoring import anomaly_maps


def to_maps(distances):
    """(N, H', W') -> smoothed maps (N, 256, 256), as PatchCore makes them."""
    return anomaly_maps(distances, (256, 256), SMOOTHING)


codes, test_codes = net.encode(training_tiles), net.encode(test_tiles)
channels = codes.shape[-1]
std = codes.reshape(-1, channels).std(axis=0)  # so that all channels weigh alike
bank = MemoryBank().add((codes / std).reshape(-1, channels))
distances = bank.search((test_codes / std).reshape(-1, channels), 1)[0]
maps_from_codes = to_maps(distances.reshape(test_codes.shape[:3]))

# %%
from sklearn.decomposition import PCA

from aitex_utils import PatchFeatures

features = PatchFeatures()
patches = features.transform(training_tiles)
test_patches = features.transform(test_tiles)
channels = patches.shape[-1]
linear = PCA(0.9).fit(patches.reshape(-1, channels)[::4])
flat = test_patches.reshape(-1, channels)
reconstructed_patches = linear.inverse_transform(linear.transform(flat))
lost = np.linalg.norm(flat - reconstructed_patches, axis=1)
maps_from_pca = to_maps(lost.reshape(test_patches.shape[:3]))
print(f"{linear.n_components_} of {channels} directions contain 90 % of the variance.")

# %%
crossed = {
    "own code": {
        "rebuild (pixel)": tile_auroc(pixel_maps),
        "rebuild (SSIM)": tile_auroc(ssim_error_maps),
        "remember": tile_auroc(maps_from_codes),
    },
    "borrowed features": {
        "rebuild (linear)": tile_auroc(maps_from_pca),
        "remember": tile_auroc(pc_maps),
    },
}
show(*plot_dots(crossed, label="tile AUROC, representation and signal crossed"))
resampled = bootstrap(maps_from_codes.max(axis=(1, 2)), scores["PatchCore"])
low, high = np.quantile(resampled, [0.025, 0.975])
print(f"codes remembered - PatchCore: 95 % interval {low:+.2f} to {high:+.2f}")

# %% [markdown]
# Compare along a row what the signal does, and between the rows, with *remember*, what the representation does. One fabric is not enough, so here are the same four on the seven fabrics of the benchmark, as tile AUROC (C1). Both banks have the same number of vectors, drawn at random.
#
# | mean over fabrics | rebuild | remember |
# |---|---|---|
# | AITEX, own code | {{results/notebook_09.json: aitex.crossed.mean.codes_reconstructed: .3f}} | {{results/notebook_09.json: aitex.crossed.mean.codes_remembered: .3f}} |
# | AITEX, borrowed features | {{results/notebook_09.json: aitex.crossed.mean.features_reconstructed: .3f}} | {{results/notebook_09.json: aitex.crossed.mean.features_remembered: .3f}} |
# | practice, own code | {{results/notebook_09.json: practice.crossed.mean.codes_reconstructed: .3f}} | {{results/notebook_09.json: practice.crossed.mean.codes_remembered: .3f}} |
# | practice, borrowed features | {{results/notebook_09.json: practice.crossed.mean.features_reconstructed: .3f}} | {{results/notebook_09.json: practice.crossed.mean.features_remembered: .3f}} |
#
# Codes remembered minus features remembered: {{results/notebook_09.json: practice.crossed.codes_minus_features.low: +.3f}} to {{results/notebook_09.json: practice.crossed.codes_minus_features.high: +.3f}} on the practice fabric (95 % interval), {{results/notebook_09.json: aitex.crossed.codes_minus_features.low: +.3f}} to {{results/notebook_09.json: aitex.crossed.codes_minus_features.high: +.3f}}
# on AITEX. On the practice fabric, borrowed features are clearly the better memory. Why might codes fail there? Made for rebuilding
# pixels, they must keep where each thread lies. In a memory bank of such codes, a thread in a new place can be as far away as a broken thread. Nothing in the training makes the codes of similar tiles similar. On AITEX it isn't so clear: there,
# remembering the codes even did better than rebuilding from them.
#
# So the two claims are half true. In the mean, borrowed features were better than own codes. With borrowed features, remembering found more than rebuilding, on both data sets. With own codes it did so on AITEX only. PatchCore's lead comes from the pair, features and memory together.
# That can't be seen where a whole program is compared with another.
#
# ### Anomaly signal: the same defects on one scale
#
# Which defects does each of them see, and which does it miss? Their maps have different units: grey levels, dissimilarity, distance. One unit suits all: *the share of normal values that are smaller than this value*.
#
# ### Exercise 09.5: One scale for all
#
# *medium, 10 minutes*
#
# For each value of `values` (of any shape, such as maps `(N, H, W)`) return the **share of `normal`** values `(M,)` that are **smaller**. Equal values do not count. The result has the shape of `values` and runs from 0 to 1. `normal` isn't sorted, and
# there can be a million values: a loop over pixels is too slow. `np.searchsorted` is worth reading about.
#
# *Example*: with `normal = [2, 1, 4, 3]`, the values `[1, 2, 7]` become `[0, 0.25, 1]`.


# %% exercise="09.5"
import numpy as np


def share_of_normal_below(values: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Return, for each value, the share of normal values that are smaller."""
    return np.searchsorted(np.sort(normal), values) / len(normal)


# %%
check("09.5", share_of_normal_below)  # stuck? hint("09.5")

# %% [markdown]
# As *normal* we take the clean test tiles. This is for pictures only. A scale from the test set leaks (notebook 06, section 9), so a figure for a report would need a calibration set. The colours run from 0.95 to 1: dark pixels lie within 95 % of the normal pixels.

# %%
from aitex_utils.lessons.nb09.percentile_rank import percentile_rank
from aitex_utils.lessons.wording import percent

clean = pc_maps[~labels][:, ::4, ::4].ravel()
values = pc_maps[shown[0], 128, ::64]
compare(share_of_normal_below, percentile_rank, values, clean)

# %%
rows = {"tile": test_tiles[shown]}
for name, detector_maps in maps.items():
    normal_pixels = detector_maps[~labels][:, ::4, ::4]
    rows[name] = percentile_rank(detector_maps[shown], normal_pixels)
inside = {name: (rows[name][masks[shown]] > 0.99).mean() for name in maps}
caption = "Four tiles and the percentile rank of each pixel by detector. Share of the"
caption += " defects' pixels above 99 % of the normal pixels: "
caption += ", ".join(f"{name} {percent(share)}" for name, share in inside.items()) + "."
scales = {name: (0.95, 1.0) for name in maps}
show(*plot_rows(rows, titles, caption, masks=masks[shown], scales=scales))

# %% [markdown]
# Compare the forms. PatchCore's patches stand 8 px apart and each sees its surroundings, so a thin thread becomes a broad blot. A reconstruction error follows the thread. If a tile is bright everywhere, the whole *strip* is unusual for the detector: other light, other yarn. A defect then hardly raises the tile's score.
#
# A tile counts as found if it scores above 95 of 100 clean tiles. These limits come from the test tiles too, so they say nothing about new strips.

# %%
from aitex_utils.lessons.nb09.figures import plot_agreement

better = max(list(scores)[1:], key=lambda name: metrics.auroc(labels, scores[name]))
pair = (scores["PatchCore"], scores[better])
limits = tuple(float(np.quantile(values[~labels], 0.95)) for values in pair)
show(*plot_agreement(*pair, labels, limits, ("PatchCore", better)))

# %%
detected = [values >= limit for values, limit in zip(pair, limits, strict=True)]
print("defect                   tiles  PatchCore  " + better)
for name in sorted(set(defects[i] for i in defective_tiles)):
    rows = [i for i in defective_tiles if defects[i] == name]
    counts = [flagged[rows].sum() for flagged in detected]
    print(f"{name:24} {len(rows):5} {counts[0]:10} {counts[1]:9}")

# %% [markdown]
# The autoencoder is shown with the error that did better in the test, which favours it a little. First count the two corners in which only one detector finds the tile. If there are some of **both** kinds, the two can be used together, and
# that is worth more than a difference in the second digit. If one detector finds all tiles that the other finds, there is nothing to gain.
#
# ### Assumption: where does it break?
#
# The autoencoder's: *what wasn't learnt can't be rebuilt*. It holds as long as the bottleneck is tight. Notebook 02 showed
# on a toy how a detector with too much freedom rebuilds defects as well. Now take a real autoencoder with a **wide** code: two halvings and 16 channels, as many numbers as the tile has pixels. A second one has a **narrow** code: a single channel, a quarter of ours.
#
# Is that what a wide code does here? For each: how many times as large is the error on the defect as elsewhere in the same
# tile, in the median over the defective tiles? **Your guess for the wide code.** With 1 the defect would be reconstructed as well as the threads.

# %%
predict("09.d", 1, 3, unit="times")

# %% [markdown]
# Two trainings, some seconds each. Then a table. *left* is the share of the test tiles' variance that was not reconstructed, and *on defect* is the ratio that you have guessed. The last two columns are the tile AUROC with pixel error and with SSIM.

# %%
narrow = reconstruct_cached("narrow", training_tiles, seed=0, latent_channels=1)

# %%
wide = reconstruct_cached("wide", training_tiles, seed=0, latent_channels=16, depth=2)


# %%
def error_ratios(reconstructed):
    """Return the mean error on each defect, divided by the mean error elsewhere."""
    errors = error_maps(test_tiles, reconstructed, "pixel")
    pairs = [(errors[i], masks[i]) for i in defective_tiles if not masks[i].all()]
    return [error[mask].mean() / error[~mask].mean() for error, mask in pairs]


by_code = {"narrow, 1 : 64": narrow, "ours, 1 : 16": reconstructed, "wide, 1 : 1": wide}
ratios = {name: np.median(error_ratios(images)) for name, images in by_code.items()}
code_scores = {name: ae_scores(images) for name, images in by_code.items()}

# %%
print("code            left   on defect   pixel   SSIM")
for name, images in by_code.items():
    left = np.mean((images - test_tiles) ** 2) / test_tiles.var()
    by_pixel, by_ssim = (metrics.auroc(labels, values) for values in code_scores[name])
    print(f"{name:14} {left:5.1%} {ratios[name]:5.1f} times   {by_pixel:.3f}  {by_ssim:.3f}")
reveal("09.d", ratios["wide, 1 : 1"], unit="times")


# %%
def crop_defects(images):
    """Return crops of 80 x 80 px around the middle of the four defects, as uint8."""
    crops = []
    for i in shown:
        middle = [int(np.median(indices)) for indices in np.nonzero(masks[i])]
        top, left = (min(max(index - 40, 0), 176) for index in middle)
        crops.append(images[i, top : top + 80, left : left + 80])
    return np.stack(crops).clip(0, 255).astype(np.uint8)


# %%
caption = "Crops of 80 px around four defects, outlined, and their reconstructions by the"
caption += " narrow, our own and the wide autoencoder."
rows = {"tile": crop_defects(test_tiles)}
rows |= {name: crop_defects(images) for name, images in by_code.items()}
cropped_masks = crop_defects(255 * masks.astype(np.uint8)) > 0
show(*plot_rows(rows, titles, caption, masks=cropped_masks))

# %% [markdown]
# Look at the crops row by row: the threads, fainter than they are, and what of a defect comes through. The wide code lets
# most of it through, as a blurred shadow. Yet no row shows why one detector finds more than another: an alarm is raised by the **highest** value of a tile's map, wherever it lies. So here is that value, in the median over
# clean tiles and over tiles with a defect:

# %%
print("pixel error, grey levels  clean tiles  with a defect")
for name, (highest, _) in code_scores.items():
    clean, with_defect = np.median(highest[~labels]), np.median(highest[labels])
    print(f"{name:25} {clean:11.1f}  {with_defect:13.1f}")

# %% [markdown]
# **The wide code** leaves the smallest error. But in so few steps it has learned only a shadow of a defect. The error there is still several times the error of the threads (the ratio that you guessed). Its problem is the worst place of clean tiles. The error on defects became smaller, but the error on the most uneven normal yarns did not. By the highest value a clean tile now looks like a defective tile. **The narrow code** leaves the largest error everywhere, so defects do not stand out. So neither a smaller nor a larger loss gave a better detector.
# The width is a knob that nothing in training can set for you: neither the loss nor normal tiles say where good threads end
# and defects begin.
#
# PatchCore's assumption: *anomalous patches lie far from all normal patches, in these features*. It fails where the features do not represent the anomaly. We test two layers, each alone: the very first of the network, which shows hardly more than edges, and a late layer. The first has 16 times as many patches as the default, so its coreset sampling ratio is 16 times smaller.

# %%
RATIOS = {"blocks.0": 0.1 / 16, "blocks.4": 0.1}  # coreset sampling ratio by layer
layer_scores = {"the default": scores["PatchCore"]}
for layer, ratio in RATIOS.items():
    options = {"layers": (layer,), "coreset_ratio": ratio, "seed": 0}
    layer_scores[f"{layer} alone"] = patchcore_scores(layer, training_tiles, **options)

# %%
dots = {}
for name, values in layer_scores.items():
    dots[name] = {"PatchCore": metrics.auroc(labels, values)}
for name, values in code_scores.items():
    for error, error_scores in zip(("AE, pixel", "AE, SSIM"), values, strict=True):
        dots.setdefault(f"code {name}", {})[error] = metrics.auroc(labels, error_scores)
show(*plot_dots(dots, label="tile AUROC where each assumption is strained"))

# %% [markdown]
# A wrong layer costs PatchCore as much as a wrong width costs the autoencoder. A dozen strips do not decide between the late layer and the default, though. So both have a setting that decides and cannot be chosen without defects: which layers, how wide a code. PatchCore's comes with settings that
# held on many kinds of pictures. That is perhaps its greatest advantage, and it isn't in the formulas.

# %% [markdown]
# ## 6. On seven fabrics
#
# One fabric and a dozen strips are an anecdote. `python course.py bench notebook_09` runs the same comparison on four fabrics of
# AITEX and the three of the practice fabric, by strip, with all tiles: fitted on 70 % of a fabric's normal strips. Means over
# fabrics. C1 compares defective tiles with clean tiles of normal strips, and C2 also with clean tiles of defective strips. *Few* are
# 5 tiles, *wide* is a code as large as the tile.
#
# | AITEX, mean of four | PatchCore | AE, pixel | AE, SSIM |
# |---|---|---|---|
# | tile AUROC, C1 | {{results/notebook_09.json: aitex.mean.patchcore.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.mean.pixel.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.mean.ssim.tile_auroc_c1: .3f}} |
# | C1, from few | {{results/notebook_09.json: aitex.mean.patchcore_few.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.mean.few_pixel.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.mean.few_ssim.tile_auroc_c1: .3f}} |
# | C1, wide code | – | {{results/notebook_09.json: aitex.mean.wide_pixel.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.mean.wide_ssim.tile_auroc_c1: .3f}} |
# | C1, another seed | – | {{results/notebook_09.json: aitex.mean.seed1_pixel.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.mean.seed1_ssim.tile_auroc_c1: .3f}} |
# | tile AUROC, C2 | {{results/notebook_09.json: aitex.mean.patchcore.tile_auroc_c2: .3f}} | {{results/notebook_09.json: aitex.mean.pixel.tile_auroc_c2: .3f}} | {{results/notebook_09.json: aitex.mean.ssim.tile_auroc_c2: .3f}} |
# | strip AUROC | {{results/notebook_09.json: aitex.mean.patchcore.strip_auroc: .3f}} | {{results/notebook_09.json: aitex.mean.pixel.strip_auroc: .3f}} | {{results/notebook_09.json: aitex.mean.ssim.strip_auroc: .3f}} |
# | pixel AUROC | {{results/notebook_09.json: aitex.mean.patchcore.pixel_auroc: .3f}} | {{results/notebook_09.json: aitex.mean.pixel.pixel_auroc: .3f}} | {{results/notebook_09.json: aitex.mean.ssim.pixel_auroc: .3f}} |
# | pixel AP | {{results/notebook_09.json: aitex.mean.patchcore.pixel_ap: .3f}} | {{results/notebook_09.json: aitex.mean.pixel.pixel_ap: .3f}} | {{results/notebook_09.json: aitex.mean.ssim.pixel_ap: .3f}} |
# | AUPRO | {{results/notebook_09.json: aitex.mean.patchcore."aupro_0.3": .3f}} | {{results/notebook_09.json: aitex.mean.pixel."aupro_0.3": .3f}} | {{results/notebook_09.json: aitex.mean.ssim."aupro_0.3": .3f}} |
# | kept, without the network | {{results/notebook_09.json: aitex.mean.patchcore.kib_learnt: ,.0f}} KiB | {{results/notebook_09.json: aitex.mean.pixel.kib_learnt: ,.0f}} KiB | the same |
#
# | practice, mean of three | PatchCore | AE, pixel | AE, SSIM |
# |---|---|---|---|
# | tile AUROC, C1 | {{results/notebook_09.json: practice.mean.patchcore.tile_auroc_c1: .3f}} | {{results/notebook_09.json: practice.mean.pixel.tile_auroc_c1: .3f}} | {{results/notebook_09.json: practice.mean.ssim.tile_auroc_c1: .3f}} |
# | C1, from few | {{results/notebook_09.json: practice.mean.patchcore_few.tile_auroc_c1: .3f}} | {{results/notebook_09.json: practice.mean.few_pixel.tile_auroc_c1: .3f}} | {{results/notebook_09.json: practice.mean.few_ssim.tile_auroc_c1: .3f}} |
# | C1, wide code | – | {{results/notebook_09.json: practice.mean.wide_pixel.tile_auroc_c1: .3f}} | {{results/notebook_09.json: practice.mean.wide_ssim.tile_auroc_c1: .3f}} |
# | C1, another seed | – | {{results/notebook_09.json: practice.mean.seed1_pixel.tile_auroc_c1: .3f}} | {{results/notebook_09.json: practice.mean.seed1_ssim.tile_auroc_c1: .3f}} |
# | tile AUROC, C2 | {{results/notebook_09.json: practice.mean.patchcore.tile_auroc_c2: .3f}} | {{results/notebook_09.json: practice.mean.pixel.tile_auroc_c2: .3f}} | {{results/notebook_09.json: practice.mean.ssim.tile_auroc_c2: .3f}} |
# | pixel AP | {{results/notebook_09.json: practice.mean.patchcore.pixel_ap: .3f}} | {{results/notebook_09.json: practice.mean.pixel.pixel_ap: .3f}} | {{results/notebook_09.json: practice.mean.ssim.pixel_ap: .3f}} |
# | AUPRO | {{results/notebook_09.json: practice.mean.patchcore."aupro_0.3": .3f}} | {{results/notebook_09.json: practice.mean.pixel."aupro_0.3": .3f}} | {{results/notebook_09.json: practice.mean.ssim."aupro_0.3": .3f}} |
#
# The differences to PatchCore in tile AUROC (C1), (autoencoder - PatchCore), from a bootstrap over strips and averaged over fabrics:
#
# | | median | 95 % interval |
# |---|---|---|
# | AITEX, by pixel | {{results/notebook_09.json: aitex.differences.pixel_minus_patchcore_c1.median: +.3f}} | {{results/notebook_09.json: aitex.differences.pixel_minus_patchcore_c1.low: +.3f}} to {{results/notebook_09.json: aitex.differences.pixel_minus_patchcore_c1.high: +.3f}} |
# | AITEX, by SSIM | {{results/notebook_09.json: aitex.differences.ssim_minus_patchcore_c1.median: +.3f}} | {{results/notebook_09.json: aitex.differences.ssim_minus_patchcore_c1.low: +.3f}} to {{results/notebook_09.json: aitex.differences.ssim_minus_patchcore_c1.high: +.3f}} |
# | practice, by pixel | {{results/notebook_09.json: practice.differences.pixel_minus_patchcore_c1.median: +.3f}} | {{results/notebook_09.json: practice.differences.pixel_minus_patchcore_c1.low: +.3f}} to {{results/notebook_09.json: practice.differences.pixel_minus_patchcore_c1.high: +.3f}} |
# | practice, by SSIM | {{results/notebook_09.json: practice.differences.ssim_minus_patchcore_c1.median: +.3f}} | {{results/notebook_09.json: practice.differences.ssim_minus_patchcore_c1.low: +.3f}} to {{results/notebook_09.json: practice.differences.ssim_minus_patchcore_c1.high: +.3f}} |
#
# And the four fabrics of AITEX one by one, tile AUROC (C1):
#
# | | PatchCore | AE, pixel | AE, SSIM |
# |---|---|---|---|
# | fabric 00 | {{results/notebook_09.json: aitex.fabrics.00.patchcore.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.fabrics.00.pixel.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.fabrics.00.ssim.tile_auroc_c1: .3f}} |
# | fabric 02 | {{results/notebook_09.json: aitex.fabrics.02.patchcore.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.fabrics.02.pixel.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.fabrics.02.ssim.tile_auroc_c1: .3f}} |
# | fabric 03 | {{results/notebook_09.json: aitex.fabrics.03.patchcore.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.fabrics.03.pixel.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.fabrics.03.ssim.tile_auroc_c1: .3f}} |
# | fabric 06 | {{results/notebook_09.json: aitex.fabrics.06.patchcore.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.fabrics.06.pixel.tile_auroc_c1: .3f}} | {{results/notebook_09.json: aitex.fabrics.06.ssim.tile_auroc_c1: .3f}} |
#
# **In finding tiles, PatchCore is ahead**, on AITEX as on the practice fabric: look at the intervals. But the mean hides the most
# interesting thing. On fabrics 02 and 03 the two are about level. On fabric 00 the choice of the error turns it round: by SSIM the
# autoencoder has {{results/notebook_09.json: aitex.fabrics.00.ssim.tile_auroc_c1: .3f}} and PatchCore {{results/notebook_09.json: aitex.fabrics.00.patchcore.tile_auroc_c1: .3f}}, by pixel it is far behind. On fabric 06 the autoencoder doesn't find anything:
# each defective strip has one small, faint defect, and the error on it is no larger than on an uneven yarn elsewhere.
#
# **At pixel level, the order can be reversed.** Averaged over AITEX, the pixel error has an AP of {{results/notebook_09.json: aitex.mean.pixel.pixel_ap: .3f}} where PatchCore
# has {{results/notebook_09.json: aitex.mean.patchcore.pixel_ap: .3f}}. Most of this comes from one fabric, 02 ({{results/notebook_09.json: aitex.fabrics.02.pixel.pixel_ap: .3f}} against {{results/notebook_09.json: aitex.fabrics.02.patchcore.pixel_ap: .3f}}), where
# many marked pixels are bright stains. An error in grey levels fits stains to the pixel. On the practice fabric, whose defects lie along yarns, its AUPRO is {{results/notebook_09.json: practice.mean.pixel."aupro_0.3": .3f}} against PatchCore's {{results/notebook_09.json: practice.mean.patchcore."aupro_0.3": .3f}}.
#
# **Pixel error or SSIM?** Seven fabrics do not decide this. The 95 % interval of the difference (SSIM - pixel error) is
# {{results/notebook_09.json: aitex.differences.ssim_minus_pixel_c1.low: +.3f}} to {{results/notebook_09.json: aitex.differences.ssim_minus_pixel_c1.high: +.3f}} on AITEX and {{results/notebook_09.json: practice.differences.ssim_minus_pixel_c1.low: +.3f}} to {{results/notebook_09.json: practice.differences.ssim_minus_pixel_c1.high: +.3f}} on the practice fabric.
# The better of the two changes from fabric to fabric, so a single fabric, as in section 4, says nothing about the others.
#
# ### The rows, measured
#
# | row of notebook 02 | claim | result |
# |---|---|---|
# | **Learning** | weights from normal tiles, or none | true, but it doesn't follow that the autoencoder needs more of them: with 5 tiles PatchCore lost at least as much (table above) |
# | **Training phase** | many passes and choices, or one pass | true; another seed moved the autoencoder (table above; PatchCore's second seed stands in section 5 only), and its steps, width and error had to be chosen |
# | **Representation** | trained for reconstruction, or for classification | in part (section 5): borrowed features were the better memory, clearly so on the practice fabric, not surely on AITEX |
# | **Anomaly signal** | reconstruction error, or distance | with the same features, distance found more than loss (section 5); but errors follow a thin defect, distances make a blot of it |
# | **Assumption** | unlearned patterns are not reconstructed; or anomalous patches are far | a wide code found less ({{results/notebook_09.json: aitex.differences.wide_pixel_minus_pixel_c1.low: +.3f}} to {{results/notebook_09.json: aitex.differences.wide_pixel_minus_pixel_c1.high: +.3f}} in AUROC on AITEX), in section 5 without having copied the defects; the second held with the default's layers |
#
# **Advantages of the autoencoder**: it needs no pretrained network, and no licence for one. It keeps a fraction of the bytes, the
# same few however much fabric it has seen. On a processor it judges a tile in a fraction of the time. And its map is sharp. If
# you must run on a small device, or on pictures that look like nothing in a collection of photographs, try it.
#
# **Limits of this comparison**: we trained it for seconds, without tricks, and chose nothing by its results. Others train for hours, with
# SSIM as the loss, a memory in the middle, or noise to be taken out. PatchCore's recipe has been tried on many data sets. A comparison shows which of two *programs* did better, and not yet which idea is better.
#
# ## Summary
#
# An autoencoder learns to compress normal tiles to a narrow code and to reconstruct them. A large reconstruction error is suspicious. The error is a choice: grey levels, or structural similarity, which compares patterns. A comparison is fair when both detectors have the same training tiles and the same test, and are compared in pairs over strips. Here PatchCore found more, through borrowed features and memory together. Cross two differences before you say which one was the cause. A code with too many numbers did worse here, and a code with too few as well. Neither the loss nor any normal tile shows the best width.
#
# ### Quiz
#
# **1.** An autoencoder's loss on normal tiles is lower than another's. Which is the better detector?
# - a) The autoencoder with the lower loss
# - b) The autoencoder with the higher loss
# - c) The loss does not decide
# - d) They are equally good

# %%
quiz("09.q1", "c")

# %% [markdown]
# <details><summary>Answer</summary>c. It might reconstruct defects as well as normal threads. The gap between the two errors decides, and training never sees it.</details>
#
# **2.** Two detectors have the intervals 0.70 to 0.90 and 0.75 to 0.95 on the same strips. Is the second better?
# - a) No, the intervals overlap
# - b) Yes, both ends are higher
# - c) Only the interval of the paired difference can say
# - d) More tiles of the same strips would settle it

# %%
quiz("09.q2", "c")

# %% [markdown]
# <details><summary>Answer</summary>c. Each interval holds the luck with the strips, which hits both alike and cancels in the
# difference.</details>
#
# **3.** A tile is rebuilt a little too dark all over. How does 1 - SSIM judge it, compared with the pixel error?
# - a) Milder: it asks for the pattern first
# - b) More severely
# - c) Just the same

# %%
quiz("09.q3", "a")

# %% [markdown]
# <details><summary>Answer</summary>a. Variances and covariance don't change when all pixels get darker. Only the factor of the means falls, and only a little.</details>
#
# **4.** The nearest distances between an autoencoder's codes don't find defects well. What follows?
# - a) The training failed
# - b) Codes that are good for reconstruction need not separate classes
# - c) Distances are no good anomaly signal

# %%
quiz("09.q4", "b")

# %% [markdown]
# <details><summary>Answer</summary>b. Nothing in training asked that a defect's code lie far from the others.</details>
#
# **5.** On your own fabric, with 30 normal strips and no defects yet: how do you choose between the two?
# - a) By the better result in this notebook
# - b) By the lower loss or coreset radius (notebook 04)
# - c) Run both, gather defects by strip, then compare in pairs
# - d) By the smaller file

# %%
quiz("09.q5", "c")

# %% [markdown]
# <details><summary>Answer</summary>c. Until there are defects it is open, and two detectors might find different defects.</details>
#
# ### How sure were you?

# %%
calibration()

# %% [markdown]
# **Read next**: Bergmann et al., *Improving Unsupervised Defect Segmentation by Applying Structural Similarity to
# Autoencoders* ([arXiv 1807.02011](https://arxiv.org/abs/1807.02011)), which trains with SSIM too, and does not only evaluate with it. Gong et al. (2019, [arXiv 1904.02639](https://arxiv.org/abs/1904.02639)), have an autoencoder with a memory: both ideas of notebook 02 in one. **Try it**: raise `STEPS` to 1,000, or set `latent_channels=1`, and guess first what
# becomes of the contest.
