"""More data than one process, or one machine, can take: blocks as tasks of a pool of processes or of a Dask cluster.

- `cluster` starts workers: with Dask (`start_cluster`), or without it (`pool.ProcessPool`),
- `tasks` runs jobs on either of them, and survives workers that die,
- `blocks` is what a worker does: read pictures, extract patches, write a block's coreset as a folder,
- `fitting` is the whole fit, which `PatchCore.fit(..., client=...)` calls,
- `tree` merges very many blocks level by level,
- `predicting` predicts many strips as tasks,
- `sharded_search` and `disk_search` search banks that exceed one memory.

`README.md` in this folder says how the same call runs on a cluster. Dask is an optional requirement, which nothing
imports before `start_cluster` is called or a Dask client is given: `python course.py scale` installs it.
"""
