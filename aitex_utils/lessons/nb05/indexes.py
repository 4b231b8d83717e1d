"""Notebook 05, the second half of its exercises: cells, codes, and adding later."""

from __future__ import annotations

from functools import partial

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from . import built as b

PLACE = (
    "The distances are right, the indices aren't: they count places among the vectors that were looked at. Of these "
    "you know which ones of the bank they are, so hand that on."
)

CELLS = Exercise(
    id="05.3",
    task="The nearest vector among those of the probed cells: its distance and its index.",
    reference=b.search_cells,
    cases=b.cellular,
    mistakes=(
        Mistake(
            "squared",
            "The right vectors, but the distances are squared, as FAISS gives them. Here they are to be distances.",
            b.squared_in_cells,
        ),
        Mistake(
            "one cell only",
            "Right for one probe, wrong for two: only the nearest cell is looked into. Which others has `probes` "
            "asked for?",
            b.one_cell,
        ),
        Mistake(
            "all cells",
            "That is the exact search: all vectors were looked at, also those of cells that aren't probed. It finds "
            "more than it should, and saves nothing.",
            b.all_cells,
        ),
        Mistake(
            "farthest cells",
            "You look into the cells that are farthest from the patch. `argsort` goes from small to large: at which "
            "end are the nearest centroids?",
            b.farthest_cells,
        ),
        Mistake("place in cell", PLACE, partial(b.place_for_index, among="cell")),
        Mistake("place among the probed", PLACE, partial(b.place_for_index, among="bank")),
        Mistake("place among the probed", PLACE, partial(b.place_for_index, among="probes")),
        Mistake(
            "last cell wins",
            "With several probes each cell's result replaces the one before, also where it is farther. What should "
            "a later cell be compared with?",
            b.last_cell,
        ),
    ),
    hints=(
        "Two steps. Before any patch comes: which centroid is nearest to each vector? Then for each patch: which "
        "centroids are nearest to it, and which vectors belong to them?",
        "`np.argsort` of a patch's distances to the centroids, cut off after `probes`, names the cells. "
        "`np.flatnonzero(np.isin(cell_of, cells))` names their vectors by their index in the bank.",
        "For each patch: `members` as above; if there are none, infinity and -1; else `away = np.linalg.norm("
        "vectors[members] - patch, axis=1)`, and `members[away.argmin()]` is the index.",
    ),
    praise="That is IVF: a first look at the centroids, a second at a few cells, and now and then a miss at a border.",
)

ENCODE = Exercise(
    id="05.4",
    task="The code of each part of each vector (N, S), and the bytes of codes and codebooks.",
    reference=b.encode,
    cases=b.coded,
    observe=b.and_their_type,
    mistakes=(
        Mistake(
            "codebooks not counted",
            "The codes are right, and so are their bytes. But whoever is to read them needs the codebooks too: count "
            "those with them.",
            b.books_not_counted,
        ),
        Mistake(
            "codes too wide",
            "The codes are right, but each takes eight bytes: `argmin` gives 64-bit numbers. How many bytes does a "
            "number below 256 need? Change the type before you count.",
            b.wide_codes,
        ),
        Mistake(
            "type left as it was",
            "The codes are right, and so is the number of bytes. But what you return isn't of the type `np.uint8`, so "
            "that it takes more bytes than you say: change the type of the codes themselves.",
            b.type_left,
        ),
        Mistake(
            "one codebook for all",
            "All parts were looked up in the first codebook. Each part has one of its own: `codebooks[s]` for part s.",
            b.one_book,
        ),
        Mistake(
            "interleaved",
            "The parts were made of every S-th channel. A part is a run of neighbouring channels: the first C / S, "
            "the next C / S, and so on.",
            b.interleaved,
        ),
        Mistake(
            "turned",
            "The codes are turned: a row for each part. There should be a row for each vector.",
            b.turned,
        ),
        Mistake(
            "largest product",
            "The entry with the largest product was taken, not the nearest one. Long entries win that way.",
            b.largest_part,
        ),
    ),
    hints=(
        "Cut each vector into S runs of C / S channels. For each run: which entry of its codebook is nearest?",
        "`vectors.reshape(N, S, -1)` makes the runs. For part s compare `parts[:, s]` (N, C / S) with `codebooks[s]` "
        "(K, C / S), all with all, and take the `argmin`.",
        "`np.stack([...], axis=1).astype(np.uint8)` puts the S columns together; its `.nbytes`, plus "
        "`codebooks.nbytes`, is the second result.",
    ),
    praise="That is product quantisation: a few bytes a vector, and codebooks that all of them share.",
)

ADD_LATER = Exercise(
    id="05.5",
    task="The cells with new vectors in them: centroids stay, new indices follow the old ones.",
    reference=b.add_later,
    cases=b.growing,
    observe=b.in_order,
    mistakes=(
        Mistake(
            "from zero again",
            "The cells are right, but the new vectors are numbered from 0 again, so that two have the same index. How "
            "many are there already?",
            b.from_zero,
        ),
        Mistake(
            "one too far",
            "One index is left out: indices begin at 0, so with N vectors the last one is N - 1. Which comes next?",
            b.one_too_far,
        ),
        Mistake(
            "place as number",
            "The new vectors got the length of their cell for an index. An index counts over the whole bank: what is "
            "the next free one?",
            b.place_as_number,
        ),
        Mistake(
            "old ones lost",
            "Only the new vectors are in the cells: those that were there before are lost.",
            b.old_dropped,
        ),
        Mistake(
            "a cell of their own",
            "The new vectors came into a cell of their own, which has no centroid, so that no search will ever look "
            "there. To which centroid is each the nearest?",
            b.cell_of_their_own,
        ),
        Mistake(
            "vectors for indices",
            "A cell holds something that isn't an index: the new vector itself, or a part of it. Cells hold whole "
            "numbers that say which vectors of the bank are theirs.",
            b.vectors_for_indices,
        ),
    ),
    hints=(
        "The centroids stay as they are. For each new vector: which one is nearest? And which index does it get?",
        "The first free index is the number of all vectors so far, `sum(len(cell) for cell in cells)`.",
        "Copy the cells, `grown = [list(cell) for cell in cells]`, then for the i-th new vector append `first + i` to "
        "the cell of its nearest centroid.",
    ),
    praise="Nothing was trained again and nothing moved: that is why a bank can grow while it is in use.",
)
