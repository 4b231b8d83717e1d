"""What a demo missed, from its table of scores."""

from __future__ import annotations

from pathlib import Path

from demo import missed_tiles

HEAD = "level,strip,code,defect,row,column,score,defective\n"


def test_missed_tiles_are_those_that_clean_tiles_of_normal_strips_outscore(tmp_path: Path):
    clean = "".join(f"tile,0001_000_00,000,none,0,{256 * i},{i + 1}.0,0\n" for i in range(10))  # 1 to 10
    rows = (
        "strip,0002_027_00,027,knots,,,99.0,1\n"
        "tile,0002_027_00,027,knots,0,256,2.5,1\n"  # 8 of 10 are higher
        "tile,0002_027_00,027,knots,0,512,50.0,0\n"  # clean, of a defective strip: does not count
        "tile,0003_002_00,002,broken end,0,0,9.5,1\n"  # 1 of 10
        "tile,0004_030_00,030,nep,0,768,11.0,1\n"  # none
        "tile,0005_016_00,016,weft curling,0,0,0.5,\n"  # its mask is not known
    )
    (tmp_path / "scores.csv").write_text(HEAD + clean + rows, encoding="utf-8")
    first = {"strip": "0002_027_00", "defect": "knots", "column": 256, "normals_above": 0.8}
    second = {"strip": "0003_002_00", "defect": "broken end", "column": 0, "normals_above": 0.1}
    assert missed_tiles(tmp_path) == [first, second]
    assert missed_tiles(tmp_path, at_most=1) == [first] and missed_tiles(tmp_path, min_share=0.5) == [first]
